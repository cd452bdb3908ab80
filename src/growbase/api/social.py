"""Reading what came of posts as totals and growth."""

from typing import Any

from growbase.api.call import Answer, Call, endpoint, json_answer
from growbase.api.parameters import names, parameters, span
from growbase.core.actor import Role
from growbase.domains.social.queries import social_metrics


@endpoint("/api/social/metrics", "GET")
async def metrics(call: Call) -> Answer:
    """Return the newest totals of all posts and their growth; ``group_by`` takes platform, account, piece, post, day.

    Totals are the newest figures of each post; growth is what came on top within the range.
    """
    actor = await call.require(Role.VIEWER)
    params = parameters(call, {"from", "to", "group_by"})
    start, end = span(params)
    group_by = names(params, "group_by", "platform")

    def read() -> dict[str, Any]:
        with call.api.database.near(actor).read(actor) as reads:
            return social_metrics(reads, start=start, end=end, group_by=group_by)

    return json_answer(await call.api.database.aread(read))


ROUTES = [metrics]
