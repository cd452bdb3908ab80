"""Routes that one resource has on its rows beside its verbs; the generic route for all resources leads to them.

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


async def run_own(call: Call, handler: HTTPRouteHandler) -> Answer:
    """Answer by a route that one resource has of its own."""
    if call.method not in handler.http_methods:
        raise MethodNotAllowed(method=call.method)
    return await cast("Endpoint", handler.opt["function"])(call)


@cache
def row_routes(catalog: Catalog, routes: tuple[HTTPRouteHandler, ...]) -> Mapping[tuple[str, str], HTTPRouteHandler]:
    """Return the routes that a resource has on its rows beside its verbs, by resource and last part of the path."""
    found = [(handler, ROW_ROUTE.fullmatch(path)) for handler in routes for path in handler.paths]
    own = [(match, handler) for handler, match in found if match and match["resource"] in catalog.by_name]
    return {(match["resource"], f"{match['part'] or ''}{match['verb']}"): handler for match, handler in own}
