"""The way past the framework for the routes that serve every resource: they use nothing of it, and are the hot ones."""

import traceback
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.types import Receive, Scope, Send

from growbase.api import crud
from growbase.api.call import Api, Call, Endpoint, answered, headers_of, respond

PREFIX = "/api/"


class Direct:
    """An ASGI application that answers the generic routes itself and leaves everything else to Litestar.

    A request from another origin goes to Litestar too, which knows CORS. The ``lifespan`` is entered when the server
    begins and left when it ends.
    """

    def __init__(self, app: Litestar, api: Api, lifespan: Callable[[], AbstractAsyncContextManager[None]]) -> None:
        self.app = app
        self.api = api
        self.lifespan = lifespan
        self.literal = {path for handler in api.routes for path in handler.paths if "{" not in path}
        self.routes = [_entry(handler) for handler in (crud.collection, crud.item, crud.act)]
        self.names = (("resource",), ("resource", "key"), ("resource", "id", "verb"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if str(scope["type"]) == "lifespan":
            await self._live(receive, send)
            return
        cast("dict[str, Any]", scope)["api"] = self.api
        found = self._match(cast("dict[str, Any]", scope))
        if found is None:
            await self.app(scope, receive, send)
            return
        path, function = found
        call = Call(self.api, scope, receive)
        answer, spent = await answered(call, function, path)
        if answer.stream is not None:
            await respond(call, answer, spent)(scope, receive, send)
            return
        body = b"" if call.method == "HEAD" else answer.body
        headers = [(name.encode(), value.encode("latin-1")) for name, value in headers_of(call, answer, spent)]
        headers.append((b"content-length", b"%d" % len(answer.body)))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _live(self, receive: Receive, send: Send) -> None:
        async def answer(what: str, **message: str) -> None:
            await send(cast("Any", {"type": f"lifespan.{what}", **message}))

        await receive()
        part = "startup"
        try:
            async with self.lifespan():
                await answer("startup.complete")
                await receive()
                part = "shutdown"
        except BaseException:
            await answer(f"{part}.failed", message=traceback.format_exc())
            raise
        await answer("shutdown.complete")

    def _match(self, scope: dict[str, Any]) -> tuple[str, Endpoint] | None:
        """Return the generic route of a request, its path parameters put where Litestar puts them."""
        path: str = scope.get("path", "")
        if scope["type"] != "http" or not path.startswith(PREFIX) or path in self.literal:
            return None
        parts = path[len(PREFIX) :].split("/")
        if len(parts) > len(self.routes) or parts[0] not in self.api.catalog.by_name or "" in parts:
            return None
        pattern, methods, function = self.routes[len(parts) - 1]
        if scope["method"] not in methods:
            return None
        if self.api.settings.cors_origins and any(name == b"origin" for name, _ in scope["headers"]):
            return None
        scope["path_params"] = dict(zip(self.names[len(parts) - 1], parts, strict=True))
        return pattern, function


def _entry(handler: HTTPRouteHandler) -> tuple[str, frozenset[str], Endpoint]:
    (path,) = handler.paths
    return path, frozenset(str(method) for method in handler.http_methods), handler.opt["function"]
