"""The ASGI application: every route, CORS, and problems for what no route answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.response.base import ASGIResponse

from growbase.api import analytics, auth, batch, crud, description, gallery, health, keys, organizations
from growbase.api.call import Answer, Api, Call, respond
from growbase.api.problems import problem
from growbase.core import errors
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError
from growbase.core.pages import Reader
from growbase.domains.identity.authenticate import Authenticator

ROUTES = [
    *auth.ROUTES,
    *organizations.ROUTES,
    *keys.ROUTES,
    *analytics.ROUTES,
    *gallery.ROUTES,
    *batch.ROUTES,
    *health.ROUTES,
    *description.ROUTES,
    *crud.ROUTES,
]


def build_app(settings: Settings, database: Database, secret: bytes) -> Litestar:
    """Return the application over an open database, which it closes when it stops."""
    api = Api(
        settings=settings,
        database=database,
        reader=Reader(database, secret),
        authenticator=Authenticator(database, settings, secret),
        secret=secret,
    )

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        yield
        database.close()

    cors = CORSConfig(
        allow_origins=list(settings.cors_origins),
        allow_credentials=bool(settings.cors_origins) and "*" not in settings.cors_origins,
        expose_headers=["etag", "location", "deletion-id", "x-request-id", "idempotency-replayed", "retry-after"],
    )
    return Litestar(
        ROUTES,
        state=State({"api": api}),
        lifespan=[lifespan],
        cors_config=cors if settings.cors_origins else None,
        openapi_config=None,
        exception_handlers={HTTPException: _http_problem, Exception: _http_problem},
        request_max_body_size=settings.request_body_max_bytes,
        logging_config=None,
    )


def _http_problem(request: Request[Any, Any, Any], error: Exception) -> ASGIResponse:
    """Answer what the router itself refuses."""
    call = Call(request)
    status = getattr(error, "status_code", 500)
    kinds: dict[int, GrowbaseError] = {
        404: errors.NotFound(what="page"),
        405: errors.MethodNotAllowed(method=call.method),
        413: errors.TooLarge(limit=call.api.settings.request_body_max_bytes),
    }
    known = kinds.get(status) or (errors.Invalid() if status < 500 else GrowbaseError())
    code, headers, body = problem(known, call.language, call.request_id)
    return respond(call, Answer(code, body, headers), 0.0)
