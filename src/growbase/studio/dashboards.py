"""The dashboards: those that are pages of their own, and those of a row, which are a tab of its page."""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from growbase.api.call import Answer, identity
from growbase.core.errors import NotFound
from growbase.core.resource import Resource
from growbase.studio import (
    campaign_dashboard,
    content_performance,
    outreach_dashboard,
    overview,
    social_dashboard,
    store_desk,
    usage_page,
)
from growbase.studio.visit import Visit

FOR: Final[dict[str, Callable[[Visit, Resource, UUID], Awaitable[Answer]]]] = {
    "campaigns": campaign_dashboard.show,
    "outreach-campaigns": outreach_dashboard.show_campaign,
    "stores": store_desk.show_store,
}
"""By the name of the resource."""


async def of_row(visit: Visit, resource: Resource, id: str) -> Answer:
    """Show the dashboard of a row."""
    visit.require(resource.read)
    found = FOR.get(resource.name)
    if found is None:
        raise NotFound(what="page")
    return await found(visit, resource, identity(id))


PAGES: Final[list[tuple[str, str, Callable[..., Awaitable[Answer]]]]] = [
    ("overview", "GET", overview.show),
    ("content-performance", "GET", content_performance.show),
    ("content-performance/list", "GET", content_performance.as_list),
    ("outreach", "GET", outreach_dashboard.show),
    ("social", "GET", social_dashboard.show),
    ("store-desk", "GET", store_desk.show),
    ("usage", "GET", usage_page.show),
    ("<resource>/<id>/dashboard", "GET", of_row),
]
