"""The dashboards that belong to a row: a tab of its page, by the resource's name."""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from growbase.api.call import Answer, identity
from growbase.core.errors import NotFound
from growbase.core.resource import Resource
from growbase.studio import campaign_dashboard, outreach_dashboard, store_desk
from growbase.studio.visit import Visit

FOR: Final[dict[str, Callable[[Visit, Resource, UUID], Awaitable[Answer]]]] = {
    "campaigns": campaign_dashboard.show,
    "outreach-campaigns": outreach_dashboard.show_campaign,
    "stores": store_desk.show_store,
}


async def show(visit: Visit, resource: Resource, id: str) -> Answer:
    """Show the dashboard of a row."""
    visit.require(resource.read)
    found = FOR.get(resource.name)
    if found is None:
        raise NotFound(what="page")
    return await found(visit, resource, identity(id))
