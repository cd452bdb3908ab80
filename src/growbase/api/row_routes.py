"""Routes that one resource has beside its verbs, on its rows or by a name; the generic routes lead to them.

The router finds no way back from a path of one resource to those that serve every resource, so it does not know them.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import cast

from litestar.handlers import HTTPRouteHandler

from growbase.api.call import Answer, Call, Endpoint
from growbase.core.errors import MethodNotAllowed
from growbase.core.resource import Catalog

ROW_ROUTE = re.compile(
    r"/api/(?P<resource>[a-z-]+)/\{id:str\}/(?P<part>[a-z-]+/(?=\{))?(?:\{name:str\}/)?(?P<verb>[a-z-]+)"
)
NAMED_ROUTE = re.compile(r"/api/(?P<resource>[a-z-]+)/(?P<part>[a-z-]+)/\{\w+:str\}")
"""Such as ``/api/social-accounts/connect/{platform}``, whose key is its part with a slash: no verb has one there."""


async def run_own(call: Call, handler: HTTPRouteHandler) -> Answer:
    """Answer by a route that one resource has of its own."""
    if call.method not in handler.http_methods:
        raise MethodNotAllowed(method=call.method)
    return await cast("Endpoint", handler.opt["function"])(call)


@cache
def row_routes(catalog: Catalog, routes: tuple[HTTPRouteHandler, ...]) -> Mapping[tuple[str, str], HTTPRouteHandler]:
    """Return the routes that a resource has beside its verbs, by resource and what its path says besides."""
    own = {}
    for handler in routes:
        for path in handler.paths:
            on_row, named = ROW_ROUTE.fullmatch(path), NAMED_ROUTE.fullmatch(path)
            if on_row and on_row["resource"] in catalog.by_name:
                own[on_row["resource"], f"{on_row['part'] or ''}{on_row['verb']}"] = handler
            elif named and named["resource"] in catalog.by_name:
                own[named["resource"], f"{named['part']}/"] = handler
    return own
