"""Reading what came of posts as totals and growth, and how a piece would look on its platforms."""

from typing import Any

from growbase.api.call import Answer, Call, endpoint, identity, json_answer
from growbase.api.parameters import identifier, names, parameters, span
from growbase.core.actor import Role
from growbase.core.model import Rule
from growbase.core.query import literal
from growbase.domains.marketing.models_generated import Platform
from growbase.domains.social.previews import preview_piece
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


@endpoint("/api/content-pieces/{id:str}/preview", "GET")
async def preview(call: Call) -> Answer:
    """Return a piece as it would be published: its text and files, broken brand rules, and its targets.

    Each target says what its publisher takes and would refuse. They are the accounts of the piece's platform;
    ``social_account_id`` or ``platform`` name another one.
    """
    actor = await call.require(Role.VIEWER)
    id = identity(str(call.scope["path_params"]["id"]))
    params = parameters(call, {"social_account_id", "platform"})
    given: dict[str, Any] = {}
    if account_id := identifier(params, "social_account_id"):
        given["social_account_id"] = account_id
    if "platform" in params:
        literal("platform", Rule("choice", enum=Platform), params["platform"])
        given["platform"] = Platform(params["platform"])

    def read() -> dict[str, Any]:
        with call.api.database.near(actor).read(actor, snapshot=True) as reads:
            return preview_piece(reads, id=id, **given)

    return json_answer(await call.api.database.aread(read))


ROUTES = [metrics, preview]
