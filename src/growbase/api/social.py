"""Reading what came of posts as totals and growth."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from growbase.api.call import Answer, Call, endpoint, json_answer
from growbase.core import clock
from growbase.core.actor import Role
from growbase.core.model import Rule
from growbase.core.query import bad, literal
from growbase.domains.social.queries import social_metrics

KNOWN = ("from", "to", "group_by")
DEFAULT_DAYS = 30


@endpoint("/api/social/metrics", "GET")
async def metrics(call: Call) -> Answer:
    """Return the newest totals of all posts and their growth; ``group_by`` takes platform, account, piece and day."""
    actor = await call.require(Role.VIEWER)
    params = dict(parse_qsl(call.query))
    unknown = next((name for name in params if name not in KNOWN), None)
    if unknown is not None:
        raise bad(unknown, "is not a parameter here; use {choices}", choices=", ".join(sorted(KNOWN)))
    end = _moment(params, "to") or clock.now()
    start = _moment(params, "from") or end - timedelta(days=DEFAULT_DAYS)
    if start >= end:
        raise bad("from", "must be before to")
    group_by = tuple(name for name in params.get("group_by", "platform").split(",") if name)

    def read() -> dict[str, Any]:
        with call.api.database.near(actor).read(actor) as reads:
            return social_metrics(reads, start=start, end=end, group_by=group_by)

    return json_answer(await call.api.database.aread(read))


def _moment(params: dict[str, str], name: str) -> datetime | None:
    if name not in params:
        return None
    found = literal(name, Rule("moment"), params[name])
    assert isinstance(found, datetime)
    return found


ROUTES = [metrics]
