"""The dashboard of outreach: what came of the messages that were sent, by day, by campaign and by step."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from growbase.api.call import Answer
from growbase.core.reads import Reads
from growbase.core.resource import Resource
from growbase.domains.outreach.models_sequences import SequenceStep
from growbase.domains.outreach.queries import MOMENTS, message_figures
from growbase.studio.edit import current_row
from growbase.studio.figures import Figure, change_of, columns_by_day, listed, share
from growbase.studio.periods import Period, addressed, kept, period_of
from growbase.studio.render import page
from growbase.studio.rows import names_by_id
from growbase.studio.visit import Visit

RATES: Final = ("delivered", "opened", "clicked", "replied", "bounced")
CHARTED: Final = ("sent", "delivered", "opened", "replied", "bounced")
Counts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """What the API's own function answers, and the names it needs."""

    days: dict[str, Any]
    before: dict[str, Any]
    campaigns: list[Counts]
    steps: list[Counts]
    names: dict[str, str]
    numbers: dict[tuple[str, str], tuple[int, str]]


async def show(visit: Visit) -> Answer:
    """Show what came of all messages."""
    visit.require(visit.api.catalog.by_name["messages"].read)
    return await _show(visit)


async def show_campaign(visit: Visit, resource: Resource, id: UUID) -> Answer:
    """Show what came of the messages of one outreach campaign."""
    row = await current_row(visit, resource, id)
    return await _show(visit, resource, row, id)


async def _show(
    visit: Visit, resource: Resource | None = None, row: dict[str, Any] | None = None, id: UUID | None = None
) -> Answer:
    period = await period_of(visit)
    found = await visit.read(lambda reads: _read(reads, period, id))
    words = visit.words
    names = figure_names(visit)
    charted = {name: names[name] for name in CHARTED}
    return page(
        visit,
        "outreach_dashboard.html",
        400 if period.refusal else 200,
        resource=resource,
        row=row,
        title=row["name"] if row else words.say("Outreach"),
        period=period,
        address=lambda **changes: addressed(visit, **changes),
        kept=kept(visit),
        names=names,
        totals=found.days["totals"],
        figures=message_tiles(visit, period, found.days["totals"], found.before["totals"], id),
        series=columns_by_day(found.days["groups"], period, names=charted, at="day"),
        reached=[_measure(visit, names[name], found.days["totals"], name) for name in MOMENTS],
        campaigns=[_campaign(visit, period, one, found.names) for one in _largest(found.campaigns)],
        steps=[_step(visit, one, found) for one in _in_order(found)],
    )


def _read(reads: Reads, period: Period, id: UUID | None) -> Found:
    now: dict[str, Any] = {"start": period.start, "end": period.end, "outreach_campaign_id": id}
    past = {**now, "start": period.before.start, "end": period.before.end}
    days, before = message_figures(reads, **now), message_figures(reads, **past, group_by=())
    campaigns = message_figures(reads, **now, group_by=("campaign",))["groups"] if id is None else []
    steps = message_figures(reads, **now, group_by=("step",))["groups"]
    names = names_by_id(
        reads, "outreach_campaigns", [one["outreach_campaign_id"] for one in campaigns if one["outreach_campaign_id"]]
    )
    sequences = sorted({one["sequence_id"] for one in steps})
    names |= names_by_id(reads, "sequences", sequences)
    rows = reads.rows(SequenceStep, sequence_id=[UUID(one) for one in sequences], order="revision") if sequences else []
    numbers = {(str(one.sequence_id), one.step_key): (one.step_number, one.subject or "") for one in rows}
    return Found(days, before, campaigns, steps, names, numbers)


def figure_names(visit: Visit) -> dict[str, str]:
    """Return what each figure of messages is called."""
    words = visit.words
    return {
        "sent": words.say("Sent"),
        "delivered": words.say("Delivered"),
        "opened": words.say("Opened"),
        "clicked": words.say("Clicked"),
        "replied": words.say("Replied"),
        "bounced": words.say("Bounced"),
    }


def message_tiles(visit: Visit, period: Period, now: Counts, before: Counts, id: UUID | None = None) -> list[Figure]:
    """Return how many messages were sent, and which part arrived, was opened, answered or came back."""
    words, names = visit.words, figure_names(visit)
    of = [("direction", "outbound"), *period.within("sent_at"), *([("outreach_campaign_id", str(id))] if id else [])]
    sent = Figure(
        names["sent"], words.number(now["sent"]), change_of(now["sent"], before["sent"]), listed("messages", *of)
    )
    found = [sent]
    for name in RATES:
        rate, past = share(now[name], now["sent"]), share(before[name], before["sent"])
        text = words.number(now[name]) if rate is None else words.percent(rate)
        href = listed("messages", *of, (MOMENTS[name], "not.is.null"))
        hint = words.say("{count} messages", count=words.number(now[name]))
        found.append(Figure(names[name], text, change_of(rate, past), href, up_is_good=name != "bounced", hint=hint))
    return found


def _measure(visit: Visit, text: str, totals: Counts, name: str) -> tuple[str, int, str]:
    words, rate = visit.words, share(totals[name], totals["sent"])
    said = words.number(totals[name])
    return text, totals[name], said if name == "sent" or rate is None else f"{said} · {words.percent(rate)}"


def _largest(campaigns: list[Counts]) -> list[Counts]:
    return sorted(campaigns, key=lambda one: -one["sent"])[:50]


def _campaign(visit: Visit, period: Period, one: Counts, names: dict[str, str]) -> dict[str, Any]:
    id = one["outreach_campaign_id"]
    by_hand = listed("messages", ("outreach_campaign_id", "is.null"), *period.within("sent_at"))
    chosen = [(name, value) for name, value in visit.pairs if name in {"days", "from", "to"}]
    return {
        "name": names.get(id, id[-6:]) if id else visit.words.say("Written by hand"),
        "href": listed(f"outreach-campaigns/{id}/dashboard", *chosen) if id else by_hand,
        "cells": cells(visit, one),
        "rate": share(one["replied"], one["sent"]),
    }


def cells(visit: Visit, one: Counts) -> list[str]:
    """Return the figures of a line: how many were sent, and the part of each of the others."""
    words = visit.words
    rates = [share(one[name], one["sent"]) for name in RATES]
    parts = [
        words.number(one[name]) if rate is None else words.percent(rate)
        for name, rate in zip(RATES, rates, strict=True)
    ]
    return [words.number(one["sent"]), *parts]


def _in_order(found: Found) -> list[Counts]:
    """Return the steps of each sequence as they follow on each other."""

    def place(one: Counts) -> tuple[str, int]:
        number, _ = found.numbers.get((one["sequence_id"], one["step_key"]), (0, ""))
        return found.names.get(one["sequence_id"], ""), number

    return sorted(found.steps, key=place)[:100]


def _step(visit: Visit, one: Counts, found: Found) -> dict[str, Any]:
    number, subject = found.numbers.get((one["sequence_id"], one["step_key"]), (0, ""))
    return {
        "name": visit.words.say("Step {number}", number=number) if number else one["step_key"],
        "note": subject,
        "sequence": found.names.get(one["sequence_id"], ""),
        "href": listed("sequence-steps", ("sequence_id", one["sequence_id"])),
        "cells": cells(visit, one),
        "sent": one["sent"],
        "replied": one["replied"],
    }
