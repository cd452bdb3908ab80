"""Reading what came of messages."""

from typing import Any

from growbase.api.call import Answer, Call, endpoint, json_answer
from growbase.api.parameters import identifier, names, parameters, span
from growbase.core.actor import Role
from growbase.domains.outreach.queries import message_figures


@endpoint("/api/outreach/figures", "GET")
async def figures(call: Call) -> Answer:
    """Return what came of the messages sent within a range; ``group_by`` takes day, campaign and step.

    A message counts on the day it was sent, whenever it was opened or answered.
    """
    actor = await call.require(Role.VIEWER)
    params = parameters(call, {"from", "to", "group_by", "outreach_campaign_id"})
    start, end = span(params)
    group_by = names(params, "group_by", "day")
    id = identifier(params, "outreach_campaign_id")

    def read() -> dict[str, Any]:
        with call.api.database.near(actor).read(actor) as reads:
            return message_figures(reads, start=start, end=end, group_by=group_by, outreach_campaign_id=id)

    return json_answer(await call.api.database.aread(read))


ROUTES = [figures]
