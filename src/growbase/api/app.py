"""The ASGI application: every route, CORS, and problems for what no route answers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import cache
from typing import Any, Protocol

from litestar import Litestar, Request, Response
from litestar.config.cors import CORSConfig
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from growbase.api import (
    analytics,
    assets,
    auth,
    batch,
    billing,
    changes,
    commerce,
    crud,
    description,
    gallery,
    health,
    imports,
    jobs,
    keys,
    organizations,
    outreach,
    privacy,
    regions,
    social,
    social_accounts,
    tracking,
    unsubscribe,
    webhook_endpoints,
)
from growbase.api.call import Api, Call, api_of
from growbase.api.direct import Direct
from growbase.api.problems import problem
from growbase.api.row_routes import row_routes
from growbase.api.server import when_stopping
from growbase.api.tail import Tail
from growbase.core import errors, telemetry
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError
from growbase.core.files import open_files
from growbase.core.pages import Reader
from growbase.core.resource import Catalog
from growbase.domains.identity.authenticate import Authenticator

USES_SECONDS = 30
ROUTES = [
    *auth.ROUTES,
    *organizations.ROUTES,
    *keys.ROUTES,
    *privacy.ROUTES,
    *analytics.ROUTES,
    *billing.ROUTES,
    *assets.ROUTES,
    *commerce.ROUTES,
    *gallery.ROUTES,
    *imports.ROUTES,
    *outreach.ROUTES,
    *unsubscribe.ROUTES,
    *tracking.ROUTES,
    *social.ROUTES,
    *social_accounts.ROUTES,
    *jobs.ROUTES,
    *regions.ROUTES,
    *batch.ROUTES,
    *changes.ROUTES,
    *webhook_endpoints.ROUTES,
    *health.ROUTES,
    *description.ROUTES,
    *crud.ROUTES,
]


class Background(Protocol):
    """Something that works beside the requests."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End within some seconds."""


def build_app(
    settings: Settings,
    database: Database,
    secret: bytes,
    background: Sequence[Background] = (),
    pages: Sequence[HTTPRouteHandler] = (),
) -> Direct:
    """Return the application over an open database, which it closes when it stops, after its ``background``.

    ``pages`` are routes for people, which the API's description leaves out.
    """
    api = Api(
        settings=settings,
        database=database,
        reader=Reader(database, secret),
        authenticator=Authenticator(database, settings, secret),
        tail=Tail(database),
        secret=secret,
        files=open_files(settings),
        routes=tuple(ROUTES),
    )

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        stopping = asyncio.Event()
        uses = asyncio.create_task(_write_uses(api.authenticator, stopping))
        for work in background:
            work.start()
        # The server waits for open answers before it ends the application, so streams must end before.
        when_stopping(api.tail.close)
        yield
        api.tail.close()
        stopping.set()
        for work in background:
            await asyncio.to_thread(work.stop)
        await uses
        database.close()

    framework = _framework(database.catalog, tuple(pages), settings.cors_origins, settings.request_body_max_bytes)
    return Direct(framework, api, lifespan)


@cache
def _framework(
    catalog: Catalog, pages: tuple[HTTPRouteHandler, ...], cors_origins: tuple[str, ...], body_max: int
) -> Litestar:
    """Return the routes and what stands before them; applications of one process that differ in neither share them."""
    cors = CORSConfig(
        allow_origins=list(cors_origins),
        allow_credentials="*" not in cors_origins,
        expose_headers=["etag", "location", "deletion-id", "x-request-id", "idempotency-replayed", "retry-after"],
    )
    on_rows = row_routes(catalog, tuple(ROUTES)).values()
    return Litestar(
        [*(handler for handler in ROUTES if handler not in on_rows), *pages],
        cors_config=cors if cors_origins else None,
        openapi_config=None,
        exception_handlers={HTTPException: _http_problem, Exception: _http_problem},
        request_max_body_size=body_max,
        logging_config=None,
    )


async def _write_uses(authenticator: Authenticator, stopping: asyncio.Event) -> None:
    """Write which sessions and keys were used, every 30 s and a last time when the server stops."""
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), USES_SECONDS)
        try:
            await asyncio.to_thread(authenticator.write_uses)
        except GrowbaseError as error:
            telemetry.instrument("uses_not_written", level="warning", reason=str(error))
        if stopping.is_set():
            return


def _http_problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer what the router itself refuses."""
    call = Call(api_of(request), request.scope, request.receive)
    status = getattr(error, "status_code", 500)
    kinds: dict[int, GrowbaseError] = {
        404: errors.NotFound(what="page"),
        405: errors.MethodNotAllowed(method=call.method),
        413: errors.TooLarge(limit=call.api.settings.request_body_max_bytes),
    }
    known = kinds.get(status) or (errors.Invalid() if status < 500 else GrowbaseError())
    code, headers, body = problem(known, call.language, call.request_id)
    headers["x-request-id"] = call.request_id
    return Response(body, status_code=code, media_type=headers.pop("content-type"), headers=headers)
