"""Recording analytics events and reading them as series, totals and funnels."""

import asyncio
from collections.abc import Callable
from typing import Any, cast, get_args

from growbase.api.call import Answer, Call, endpoint, json_answer
from growbase.api.parameters import identifier, names, parameters, span
from growbase.api.writing import write
from growbase.core.actor import Actor, Role
from growbase.core.errors import Forbidden, Invalid
from growbase.core.query import bad
from growbase.core.reads import Reads
from growbase.core.strict_json import read_json, require_no_nul
from growbase.core.transaction import Transaction
from growbase.domains.marketing.actions_analytics import Batch, ingest_events, prepare_events
from growbase.domains.marketing.queries import Interval, campaign_series, funnel
from growbase.domains.marketing.queries_variants import variant_figures

NDJSON = "application/x-ndjson"
PLAIN = "text/plain"
PUBLISHABLE = "analytics:write"
MAX_EVENTS = 10_000


@endpoint("/api/analytics", "GET", "POST")
async def analytics(call: Call) -> Answer:
    """Record one event, a list or NDJSON; or read series and totals."""
    return await (record(call) if call.method == "POST" else series(call))


async def record(call: Call) -> Answer:
    """Record events once each: a repeated ``event_key`` counts as a duplicate and changes nothing."""
    actor = await call.authenticate()
    if PUBLISHABLE not in actor.scopes and not actor.has_role(Role.MEMBER):
        raise Forbidden
    body = await call.body(content_types=("application/json", NDJSON, PLAIN))
    options = parameters(call, {"on_error", "event_key"})
    kind = call.headers.get("content-type", "")
    batch = await asyncio.to_thread(_batch, body, kind, options)

    def unit(tx: Transaction) -> Answer:
        return json_answer(ingest_events(tx, events=batch), 202)

    return await write(call, actor, unit, body, large=True)


def _batch(body: bytes, content_type: str, options: dict[str, str]) -> Batch:
    """Return the checked events of a body; ``event_key=derive`` makes keys from their content."""
    on_error = options.get("on_error", "reject")
    if on_error not in {"reject", "skip"}:
        raise bad("on_error", "must be reject or skip")
    derive = options.get("event_key") == "derive"
    return prepare_events(
        _events(body, content_type), on_error="skip" if on_error == "skip" else "reject", derive_keys=derive
    )


def _events(body: bytes, content_type: str) -> list[dict[str, Any]]:
    """Return the events of a body: one, a list, or one a line. Raises InvalidJSON or Invalid."""
    if content_type.startswith(NDJSON):
        found: Any = [read_json(line, unique=False) for line in body.splitlines() if line.strip()]
    else:
        found = read_json(body, unique=False)
    events: list[Any] = found if isinstance(found, list) else [found]
    if not 1 <= len(events) <= MAX_EVENTS:
        raise Invalid.at("", "too_long", "must be 1 to {max} events", max=MAX_EVENTS)
    wrong = next((place for place, event in enumerate(events) if not isinstance(event, dict)), None)
    if wrong is not None:
        raise Invalid.at(f"events.{wrong}", "type", "must be an object")
    require_no_nul(body, {"events": events})
    return events


async def series(call: Call) -> Answer:
    """Return counts by interval with totals; ``group_by`` takes event_type and source."""
    params = parameters(call, {"campaign_id", "from", "to", "interval", "group_by"})
    start, end = span(params)
    interval = params.get("interval", "day")
    if interval not in get_args(Interval):
        raise bad("interval", "must be hour, day, week or month")
    group_by = names(params, "group_by", "event_type")

    def read(reads: Reads) -> dict[str, Any]:
        return campaign_series(
            reads,
            campaign_id=identifier(params, "campaign_id"),
            start=start,
            end=end,
            interval=cast("Interval", interval),
            group_by=group_by,
        )

    return await _read(call, read)


@endpoint("/api/analytics/funnel", "GET")
async def funnel_route(call: Call) -> Answer:
    """Return how many subjects reached each step, in order."""
    params = parameters(call, {"campaign_id", "from", "to", "steps"})
    start, end = span(params)
    steps = names(params, "steps", "impression,click,conversion")
    campaign_id = identifier(params, "campaign_id")
    return await _read(call, lambda reads: funnel(reads, campaign_id=campaign_id, steps=steps, start=start, end=end))


@endpoint("/api/analytics/variants", "GET")
async def variants_route(call: Call) -> Answer:
    """Compare the variants of contents: how often each was ``shown``, led to the ``goal``, and what may be chance.

    Rates come with their 95 % interval, and with the p-value of a z-test against the control.
    """
    params = parameters(call, {"campaign_id", "content_id", "from", "to", "shown", "goal"})
    start, end = span(params)
    return await _read(
        call,
        lambda reads: variant_figures(
            reads,
            campaign_id=identifier(params, "campaign_id"),
            content_id=identifier(params, "content_id"),
            start=start,
            end=end,
            shown=params.get("shown", "impression"),
            goal=params.get("goal", "conversion"),
        ),
    )


async def _read(call: Call, query: Callable[[Reads], dict[str, Any]]) -> Answer:
    actor: Actor = await call.require(Role.VIEWER)

    def read() -> dict[str, Any]:
        with call.api.database.near(actor).read(actor) as reads:
            return query(reads)

    return json_answer(await call.api.database.aread(read))


ROUTES = [analytics, funnel_route, variants_route]
