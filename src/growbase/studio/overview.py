"""How the organization does: its figures beside those of the days before, what people did, and its campaigns."""

import json
from typing import Any, Final

from growbase.api.call import Answer
from growbase.core.query import parse
from growbase.core.reads import Reads
from growbase.domains.marketing.queries import campaign_series
from growbase.domains.outreach.queries import message_figures
from growbase.studio.campaign_dashboard import SEEN, event_figures
from growbase.studio.figures import (
    Figure,
    Series,
    by_day,
    change_of,
    columns_by_day,
    count,
    event_names,
    has,
    listed,
    share,
)
from growbase.studio.outreach_dashboard import figure_names
from growbase.studio.periods import Period, addressed, kept, period_of
from growbase.studio.render import page
from growbase.studio.visit import Visit, with_query

CAMPAIGNS: Final = 10
Found = dict[str, dict[str, Any]]


async def show(visit: Visit) -> Answer:
    """Show how the organization does."""
    period = await period_of(visit)
    found = await read_figures(visit, period)
    return page(
        visit,
        "overview.html",
        400 if period.refusal else 200,
        period=period,
        address=lambda **changes: addressed(visit, **changes),
        kept=kept(visit),
        figures=await figures(visit, period, found),
        seen=events_by_day(visit, period, found, seen=True),
        done=events_by_day(visit, period, found, seen=False),
        messages=messages_by_day(visit, period, found),
        campaigns=await _campaigns(visit),
    )


async def read_figures(visit: Visit, period: Period) -> Found:
    """Return what the API's own functions answer of events and messages, in these days and in those before."""
    has_messages = has(visit, "messages")

    def read(reads: Reads) -> Found:
        found: Found = {}
        for name, days in (("now", period), ("before", period.before)):
            found[f"events_{name}"] = campaign_series(reads, start=days.start, end=days.end)
            if has_messages:
                group_by = ("day",) if name == "now" else ()
                found[f"messages_{name}"] = message_figures(reads, start=days.start, end=days.end, group_by=group_by)
        return found

    return await visit.read(read)


async def figures(visit: Visit, period: Period, found: Found) -> list[Figure]:
    """Return what came about in these days, beside the days before; what never did is left out."""
    words = visit.words
    shown = event_figures(visit, found["events_now"], found["events_before"])
    if "messages_now" in found:
        now, before = found["messages_now"]["totals"], found["messages_before"]["totals"]
        if now["sent"] or before["sent"]:
            text, href = words.number(now["sent"]), with_query("/studio/outreach", _days(period))
            shown.append(Figure(words.say("Messages sent"), text, change_of(now["sent"], before["sent"]), href))
            rates = share(now["replied"], now["sent"]), share(before["replied"], before["sent"])
            text = words.percent(rates[0] or 0)
            shown.append(Figure(words.say("Messages answered"), text, change_of(*rates), href))
    for text, name, column, pairs, up_is_good in (
        (words.say("Posts published"), "scheduled-posts", "published_at", [("status", "published")], True),
        (words.say("New prospects"), "prospects", "created_at", [], True),
        (words.say("New tickets"), "tickets", "created_at", [], None),
        (words.say("Purchase orders"), "purchase-orders", "submitted_at", [], None),
    ):
        if has(visit, name):
            of = [*pairs, *period.within(column)]
            now_, past = await count(visit, name, *of), await count(visit, name, *pairs, *period.before.within(column))
            if now_ or past:
                number = words.number(now_)
                shown.append(Figure(text, number, change_of(now_, past), listed(name, *of), up_is_good=up_is_good))
    return shown


def _days(period: Period) -> list[tuple[str, str]]:
    return [("from", period.first.isoformat()), ("to", period.last.isoformat())]


def events_by_day(visit: Visit, period: Period, found: Found, *, seen: bool) -> Series:
    """Return a chart's series of what people saw, or of what they did."""
    names = {kind: text for kind, text in event_names(visit.words).items() if (kind in SEEN) == seen}
    return by_day(found["events_now"]["series"], period, names=names, at="at", of="event_type", value="count")


def messages_by_day(visit: Visit, period: Period, found: Found) -> Series:
    """Return a chart's series of messages; none where none was sent."""
    if "messages_now" not in found or not found["messages_now"]["totals"]["sent"]:
        return []
    names = {name: text for name, text in figure_names(visit).items() if name in {"sent", "opened", "replied"}}
    return columns_by_day(found["messages_now"]["groups"], period, names=names, at="day")


async def _campaigns(visit: Visit) -> list[dict[str, Any]]:
    """Return the active campaigns with what they achieved since they began."""
    if not has(visit, "campaign-summary"):
        return []
    words, resource = visit.words, visit.api.catalog.by_name["campaign-summary"]
    asked = with_query("", [("status", "active"), ("sort", "-updated_at"), ("limit", str(CAMPAIGNS))])
    query = parse(visit.api.catalog, resource, asked.removeprefix("?"))
    rows = await visit.api.database.aread(lambda: visit.api.reader.page(visit.by, resource, query).rows)
    return [
        {
            "name": row["name"],
            "note": row["brand_name"] or "",
            "href": f"/studio/campaigns/{row['campaign_id']}/dashboard",
            "cells": [
                *(None if row[name] is None else words.number(row[name]) for name in ("impressions", "clicks")),
                None if row["ctr"] is None else words.percent(row["ctr"]),
                None if row["conversions"] is None else words.number(row["conversions"]),
                None if row["revenue_minor"] is None else words.money(row["revenue_minor"], row["currency"]),
            ],
        }
        for row in map(json.loads, rows)
    ]
