"""The dashboard of a campaign: what people did, how far they came, and which contents and variants did best."""

import json
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from growbase.api.call import Answer
from growbase.core.errors import InvalidQuery
from growbase.core.query import parse
from growbase.core.reads import Reads
from growbase.core.resource import Resource
from growbase.domains.marketing.models_analytics import EventType
from growbase.domains.marketing.queries import campaign_series, funnel
from growbase.domains.marketing.queries_variants import variant_figures
from growbase.studio.edit import current_row
from growbase.studio.figures import Figure, Series, by_day, change_of, event_names, has, listed, share
from growbase.studio.lookup import called
from growbase.studio.periods import Period, addressed, kept, period_of
from growbase.studio.render import page
from growbase.studio.rows import names_by_id
from growbase.studio.visit import Visit, with_query

SEEN: Final = (EventType.IMPRESSION, EventType.VIEW, EventType.OPEN)
"""What is counted in so much larger numbers that it has a chart of its own."""
STEPS: Final = (
    *(EventType.IMPRESSION, EventType.VIEW, EventType.OPEN, EventType.CLICK),
    *(EventType.DOWNLOAD, EventType.SIGNUP, EventType.CONVERSION, EventType.PURCHASE),
)
"""The steps of a funnel, in their order, as far as they happened."""
UNWELCOME: Final = frozenset({EventType.BOUNCE, EventType.UNSUBSCRIBE})
CONTENTS: Final = 25
FIELDS: Final = "id,content_id,title,content_type,impressions,clicks,ctr,conversions"
RANKED: Final = {
    EventType.IMPRESSION: "impressions",
    EventType.CLICK: "clicks",
    EventType.CONVERSION: "conversions",
}
"""The events by which contents are compared, and the column that counts them."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the API's own functions answer for one campaign."""

    now: dict[str, Any]
    before: dict[str, Any]
    steps: list[dict[str, Any]]
    refusal: InvalidQuery | None
    variants: list[dict[str, Any]]
    names: dict[str, str]


async def show(visit: Visit, resource: Resource, id: UUID) -> Answer:
    """Show a campaign's dashboard."""
    row = await current_row(visit, resource, id)
    period = await period_of(visit)
    found = await visit.read(lambda reads: _read(reads, id, period))
    contents = await _contents(visit, id)
    types = [row["event_type"] for row in found.now["totals"]]
    return page(
        visit,
        "campaign_dashboard.html",
        400 if period.refusal else 200,
        resource=resource,
        title=await called(visit, resource, row),
        row=row,
        period=period,
        address=lambda **changes: addressed(visit, **changes),
        kept=kept(visit),
        figures=event_figures(visit, found.now, found.before, str(id)),
        seen=_series(visit, found.now, period, [kind for kind in SEEN if kind in types]),
        done=_series(visit, found.now, period, [kind for kind in EventType if kind in types and kind not in SEEN]),
        steps=_steps(visit, found.steps),
        refusal=found.refusal,
        contents=contents,
        variants=found.variants,
        names=found.names,
    )


def _read(reads: Reads, id: UUID, period: Period) -> Found:
    now = campaign_series(reads, campaign_id=id, start=period.start, end=period.end)
    before = campaign_series(reads, campaign_id=id, start=period.before.start, end=period.before.end)
    happened = {row["event_type"] for row in now["totals"]}
    steps, refusal = [], None
    try:
        wanted = [kind.value for kind in STEPS if kind in happened]
        if len(wanted) > 1:
            steps = funnel(reads, campaign_id=id, steps=wanted, start=period.start, end=period.end)["steps"]
    except InvalidQuery as error:
        refusal = error
    variants = variant_figures(reads, campaign_id=id, start=period.start, end=period.end)["contents"]
    names = names_by_id(reads, "contents", [one["content_id"] for one in variants])
    return Found(now, before, steps, refusal, variants, names)


def event_figures(visit: Visit, now: dict[str, Any], before: dict[str, Any], campaign_id: str = "") -> list[Figure]:
    """Return the totals of each type of event, what was earned, and the click rate, beside the days before."""
    words = visit.words
    names = event_names(words)
    counts, past = ({row["event_type"]: row["count"] for row in one["totals"]} for one in (now, before))
    shown = [kind.value for kind in EventType if counts.get(kind) or past.get(kind)]
    found = [
        Figure(
            names[kind],
            words.number(counts.get(kind, 0)),
            change_of(counts.get(kind, 0), past.get(kind)),
            _best(kind, campaign_id),
            up_is_good=kind not in UNWELCOME,
        )
        for kind in shown
    ]
    rates = [share(one.get("click"), one.get("impression")) for one in (counts, past)]
    if rates[0] is not None:
        found.append(Figure(words.say("Click rate"), words.percent(rates[0]), change_of(*rates)))
    return found + _revenue(visit, now, before)


def _best(kind: str, campaign_id: str) -> str:
    """Return the address of the contents that brought most events of a type."""
    pairs = [("campaign_id", campaign_id), ("sort", f"-{RANKED[EventType(kind)]}")] if kind in RANKED else []
    return listed("content-performance", *pairs) if pairs else ""


def _revenue(visit: Visit, now: dict[str, Any], before: dict[str, Any]) -> list[Figure]:
    """Return what events were worth, by currency."""
    sums: list[dict[str | None, int]] = []
    for one in (now, before):
        worth: dict[str | None, int] = {}
        for row in one["totals"]:
            if row["value_minor"]:
                worth[row["currency"]] = worth.get(row["currency"], 0) + row["value_minor"]
        sums.append(worth)
    return [
        Figure(visit.words.say("Revenue"), visit.words.money(value, currency), change_of(value, sums[1].get(currency)))
        for currency, value in sums[0].items()
    ]


def _series(visit: Visit, now: dict[str, Any], period: Period, kinds: list[EventType]) -> Series:
    called_ = event_names(visit.words)
    names = {kind.value: called_[kind] for kind in kinds}
    return by_day(now["series"], period, names=names, at="at", of="event_type", value="count")


def _steps(visit: Visit, steps: list[dict[str, Any]]) -> list[tuple[str, int, str]]:
    words, names = visit.words, event_names(visit.words)
    found = []
    for place, step in enumerate(steps):
        text = words.number(step["subjects"])
        if place and step["of_first"] is not None:
            text += f" · {words.percent(step['of_first'])}"
        found.append((names[step["event_type"]], step["subjects"], text))
    return found


async def _contents(visit: Visit, id: UUID) -> list[dict[str, Any]]:
    """Return the campaign's newest contents with what they achieved, the best first."""
    if not has(visit, "content-performance"):
        return []
    resource = visit.api.catalog.by_name["content-performance"]
    asked = with_query(
        "", [("campaign_id", str(id)), ("source", "content"), ("limit", str(CONTENTS)), ("fields", FIELDS)]
    )
    query = parse(visit.api.catalog, resource, asked.removeprefix("?"))
    rows = await visit.api.database.aread(lambda: visit.api.reader.page(visit.by, resource, query).rows)
    found = [json.loads(row) for row in rows]
    words = visit.words
    found.sort(key=lambda row: (row["conversions"] or 0, row["clicks"] or 0, row["impressions"] or 0), reverse=True)
    return [
        {
            "name": row["title"] or words.label(row["content_type"]),
            "note": words.label(row["content_type"]),
            "href": f"/studio/contents/{row['content_id']}",
            "cells": [
                *(None if row[name] is None else words.number(row[name]) for name in ("impressions", "clicks")),
                None if row["ctr"] is None else words.percent(row["ctr"]),
                None if row["conversions"] is None else words.number(row["conversions"]),
            ],
        }
        for row in found
    ]
