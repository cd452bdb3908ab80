"""One request as the routes see it: who calls, in which language, what was sent and how to answer."""

import asyncio
import hmac
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.cookies import SimpleCookie
from ipaddress import ip_address
from typing import Any, cast
from uuid import UUID

from litestar import Request, route
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse
from litestar.response.streaming import ASGIStreamingResponse
from litestar.types import Method, Receive, Scope
from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from growbase.api.problems import problem
from growbase.api.tail import Tail
from growbase.core import telemetry
from growbase.core.actor import Actor, Role
from growbase.core.catalogue import negotiate
from growbase.core.config import Settings
from growbase.core.crypto import derive_key, keyed_hash
from growbase.core.database import Database
from growbase.core.errors import (
    Forbidden,
    GrowbaseError,
    NotFound,
    TooLarge,
    Unauthenticated,
    UnsupportedMediaType,
)
from growbase.core.files import FileStore
from growbase.core.pages import Reader
from growbase.core.resource import Catalog
from growbase.core.schema import invalid
from growbase.core.strict_json import read_json, require_no_nul
from growbase.domains.identity.authenticate import Authenticator, with_request
from growbase.domains.identity.tokens import SESSION_PREFIX

JSON = "application/json"
COOKIE = "growbase_session"
CSRF_COOKIE = "growbase_csrf"
SAFE = {"GET", "HEAD", "OPTIONS"}


@dataclass(frozen=True, slots=True)
class Api:
    """What every route stands on; one instance a process, in the application's state."""

    settings: Settings
    database: Database
    reader: Reader
    authenticator: Authenticator
    tail: Tail
    secret: bytes
    files: FileStore
    routes: tuple[HTTPRouteHandler, ...] = ()

    @property
    def catalog(self) -> Catalog:
        """The resources."""
        return self.database.catalog

    def csrf_token(self, session: str) -> str:
        """Return the CSRF token of a cookie's session: none that was planted in another cookie fits it."""
        return keyed_hash(derive_key(self.secret, "csrf"), session)


@dataclass(slots=True)
class Answer:
    """A response before it is sent."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cookies: list[str] = field(default_factory=list)
    content_type: str = JSON
    stream: Iterator[bytes] | AsyncIterator[bytes] | None = None


class Call:
    """One request; its actor is known after ``authenticate``."""

    def __init__(self, api: Api, scope: Scope, receive: Receive) -> None:
        self.api = api
        self.scope = cast("dict[str, Any]", scope)
        self.receive = receive
        self._body: bytes | None = None
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self.scope["headers"]}
        self.method = str(self.scope["method"])
        self.path = str(self.scope["path"])
        self.query = bytes(self.scope.get("query_string", b"")).decode("latin-1")
        self.request_id = self._request_id()
        self.actor: Actor | None = None

    def _request_id(self) -> str:
        given = self.headers.get("x-request-id", "")
        return given if 0 < len(given) <= 200 and given.isprintable() else os.urandom(16).hex()

    @property
    def language(self) -> str:
        """The language of messages: what the request asks for, else the caller's own."""
        asked = self.headers.get("accept-language")
        if asked:
            return negotiate(asked)
        return self.actor.language if self.actor else "en"

    @cached_property
    def ip(self) -> str | None:
        """The caller's address, behind proxies that the settings trust."""
        client = self.scope.get("client")
        address = client[0] if client else None
        trusted = self.api.settings.trusted_proxies
        for hop in reversed([part.strip() for part in self.headers.get("x-forwarded-for", "").split(",") if part]):
            try:
                if address is None or not any(ip_address(address) in network for network in trusted):
                    break
                address = str(ip_address(hop))
            except ValueError:
                break
        return address

    @property
    def user_agent(self) -> str | None:
        """What the caller says it is."""
        agent = self.headers.get("user-agent")
        return agent[:400] if agent else None

    @cached_property
    def cookies(self) -> dict[str, str]:
        """The request's cookies."""
        return {name: morsel.value for name, morsel in SimpleCookie(self.headers.get("cookie", "")).items()}

    @cached_property
    def prefer(self) -> dict[str, str]:
        """The preferences of ``Prefer: tx=rollback, return=minimal, naming=camel, merge`` (RFC 7240)."""
        given = b",".join(value for name, value in self.scope["headers"] if name == b"prefer").decode("latin-1")
        parts = [part.partition(";")[0].strip() for part in given.split(",") if part.strip()]
        pairs = (part.partition("=") for part in parts)
        return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}

    async def authenticate(self) -> Actor:
        """Return who calls. Raises Unauthenticated; a cookie session needs its CSRF token to write."""
        token = self._token()
        authenticator = self.api.authenticator
        found = authenticator.known(token)
        if found is None:
            # A few rows by key from the embedded database are quicker than the way to a thread.
            inline = self.api.database.engine == "sqlite"
            found = authenticator.resolve(token) if inline else await asyncio.to_thread(authenticator.resolve, token)
        self.actor = with_request(found, request_id=self.request_id, ip=self.ip, user_agent=self.user_agent)
        return self.actor

    def _token(self) -> str:
        """Return the bearer token, else the session of the cookie. Raises Unauthenticated or Forbidden."""
        authorization = self.headers.get("authorization", "").strip()
        if authorization:
            scheme, _, token = authorization.partition(" ")
            if scheme.lower() != "bearer" or not token.strip():
                raise Unauthenticated
            return str(token).strip()
        session = self.cookies.get(COOKIE)
        if not session or not session.startswith(SESSION_PREFIX):
            raise Unauthenticated
        if self.method not in SAFE:
            given = self.headers.get("x-csrf-token", "")
            if not hmac.compare_digest(given.encode(), self.api.csrf_token(session).encode()):
                raise Forbidden("The CSRF token is missing or wrong.")
        return session

    async def require(self, role: Role) -> Actor:
        """Return who calls if they have the role. Raises Unauthenticated or Forbidden."""
        actor = self.actor or await self.authenticate()
        if not actor.has_role(role):
            raise Forbidden
        return actor

    async def body(self, *, content_types: tuple[str, ...] = (JSON,)) -> bytes:
        """Return the request's body. Raises TooLarge or UnsupportedMediaType."""
        limit = self.api.settings.request_body_max_bytes
        length = self.headers.get("content-length", "")
        if length.isdecimal() and int(length) > limit:
            raise TooLarge(limit=limit)
        body = await self._received(limit)
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if body and kind and kind not in content_types:
            raise UnsupportedMediaType(content_type=kind)
        return body

    async def _received(self, limit: int) -> bytes:
        """Return what the client has sent, read once. Raises TooLarge."""
        if self._body is None:
            self._body = b"".join([part async for part in self.pieces(limit)])
        return self._body

    async def pieces(self, limit: int) -> AsyncIterator[bytes]:
        """Yield the request's body as it arrives, once; it ends where the client goes. Raises TooLarge."""
        size, more = 0, True
        while more:
            message = cast("dict[str, Any]", await self.receive())
            if message["type"] == "http.disconnect":
                break
            part = message.get("body", b"")
            size += len(part)
            if size > limit:
                raise TooLarge(limit=limit)
            if part:
                yield part
            more = message.get("more_body", False)

    async def parse(self, model: type[BaseModel]) -> dict[str, Any]:
        """Return the fields of a JSON body by a schema, defaults included. Raises Invalid."""
        body = await self.body() or b"{}"
        try:
            found = model.model_validate_json(body)
        except ValidationError as error:
            raise invalid(error) from error
        require_no_nul(body, read_json(body))
        return {name: getattr(found, name) for name in type(found).model_fields}


def identity(text: str) -> UUID:
    """Return the id in a path; anything that is none names no row. Raises NotFound."""
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound(what="row") from error


Endpoint = Callable[[Call], Awaitable[Answer]]


def api_of(request: Request[Any, Any, Any]) -> Api:
    """Return what a request is answered from, which the application has put into its scope."""
    api: Api = cast("dict[str, Any]", request.scope)["api"]
    return api


def endpoint(
    path: str,
    *methods: Method,
    body: type[BaseModel] | None = None,
    media_type: str = JSON,
    public: bool = False,
) -> Callable[[Endpoint], HTTPRouteHandler]:
    """Make a route of a coroutine over a Call: errors become problems, and every answer is measured.

    ``body`` (its request's schema), ``media_type`` (its form) and ``public`` (no token needed) are for the API's
    description only.
    """

    def wrap(function: Endpoint) -> HTTPRouteHandler:
        async def handler(request: Request[Any, Any, Any]) -> ASGIResponse:
            call = Call(api_of(request), request.scope, request.receive)
            answer, spent = await answered(call, function, path)
            return respond(call, answer, spent)

        handler.__doc__ = function.__doc__
        handler.__name__ = function.__name__
        opt = {"body": body, "media_type": media_type, "public": public, "function": function}
        return route(path, http_method=list(methods), status_code=200, include_in_schema=False, opt=opt)(handler)

    return wrap


async def answered(call: Call, function: Endpoint, path: str) -> tuple[Answer, float]:
    """Run a route and return its answer, a problem where it fails, and the seconds it took."""
    started = time.perf_counter()
    try:
        answer = await function(call)
    except GrowbaseError as error:
        answer = await _refusal(call, error)
    except Exception as error:  # noqa: BLE001 -- the edge answers everything
        answer = _failure(call, error)
    spent = time.perf_counter() - started
    telemetry.observe_request(path, call.method, answer.status, spent)
    return answer, spent


def headers_of(call: Call, answer: Answer, spent: float) -> list[tuple[str, str]]:
    """Return the headers of an answer."""
    headers = [
        ("x-request-id", call.request_id),
        ("server-timing", f"app;dur={spent * 1000:.1f}"),
        *answer.headers.items(),
        *(("set-cookie", cookie) for cookie in answer.cookies),
    ]
    if "content-type" not in answer.headers and answer.status not in {204, 304}:
        headers.append(("content-type", answer.content_type))
    return headers


def respond(call: Call, answer: Answer, spent: float) -> ASGIResponse:
    """Return the ASGI response of an answer."""
    headers = headers_of(call, answer, spent)
    if answer.stream is not None and call.method != "HEAD":
        return ASGIStreamingResponse(
            iterator=answer.stream, status_code=answer.status, headers=dict(headers), media_type=answer.content_type
        )
    return ASGIResponse(body=b"" if call.method == "HEAD" else answer.body, status_code=answer.status, headers=headers)


async def _refusal(call: Call, error: GrowbaseError) -> Answer:
    """Answer an expected error."""
    await note_refusal(call, error)
    status, headers, body = problem(error, call.language, call.request_id)
    return Answer(status, body, headers)


async def note_refusal(call: Call, error: GrowbaseError) -> None:
    """Leave in the log that somebody known was refused."""
    actor = call.actor
    if isinstance(error, Forbidden) and actor is not None:
        detail = {"method": call.method, "path": call.path[:200]}
        try:
            await call.api.database.awrite(
                actor, lambda tx: tx.record("permission_denied", "requests", actor.id, detail)
            )
        except GrowbaseError:
            telemetry.instrument("refusal_not_logged", level="warning", path=call.path)


def _failure(call: Call, error: Exception) -> Answer:
    telemetry.instrument("request_failed", level="error", path=call.path, request_id=call.request_id, exc_info=error)
    fallback = GrowbaseError("The server made a mistake; it is logged under the request id.")
    status, headers, body = problem(fallback, call.language, call.request_id)
    return Answer(status, body, headers)


def etag(version: int) -> str:
    """Return the ETag of a row's version."""
    return f'"{version}"'


def json_answer(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an answer holding a JSON document."""
    return Answer(status, to_json(document), dict(headers or {}))
