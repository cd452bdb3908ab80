"""Reading what came of posts as totals and growth, and how a piece would look on its platforms."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from growbase.api.call import Answer, Call, endpoint, identity, json_answer
from growbase.core import clock
from growbase.core.actor import Role
from growbase.core.model import Rule
from growbase.core.query import bad, literal
from growbase.domains.marketing.models_generated import Platform
from growbase.domains.social.previews import preview_piece
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


@endpoint("/api/content-pieces/{id:str}/preview", "GET")
async def preview(call: Call) -> Answer:
    """Return a piece as it would be published: its text and files, broken brand rules, and its targets.

    Each target says what its publisher takes and would refuse. They are the accounts of the piece's platform;
    ``social_account_id`` or ``platform`` name another one.
    """
    actor = await call.require(Role.VIEWER)
    id = identity(str(call.scope["path_params"]["id"]))
    params = dict(parse_qsl(call.query))
    unknown = next((name for name in params if name not in {"social_account_id", "platform"}), None)
    if unknown is not None:
        raise bad(unknown, "is not a parameter here; use {choices}", choices="platform, social_account_id")
    given: dict[str, Any] = {}
    if "social_account_id" in params:
        given["social_account_id"] = literal("social_account_id", Rule("identifier"), params["social_account_id"])
    if "platform" in params:
        literal("platform", Rule("choice", enum=Platform), params["platform"])
        given["platform"] = Platform(params["platform"])

    def read() -> dict[str, Any]:
        with call.api.database.near(actor).read(actor, snapshot=True) as reads:
            return preview_piece(reads, id=id, **given)

    return json_answer(await call.api.database.aread(read))


def _moment(params: dict[str, str], name: str) -> datetime | None:
    if name not in params:
        return None
    found = literal(name, Rule("moment"), params[name])
    assert isinstance(found, datetime)
    return found


ROUTES = [metrics, preview]
