"""Figures as dashboards show them: with what they were in the days before, and the list of what they count."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from growbase.core.query import parse
from growbase.domains.marketing.models_analytics import EventType
from growbase.studio.periods import Period
from growbase.studio.visit import Visit, with_query
from growbase.studio.words import Words

MANIFOLD: Final = 10
"""From so many times as much on, there was too little before to compare with."""
Series = list[dict[str, Any]]
NOTHING: Final = "\u2013"
"""Stands for a figure that nobody reported, which is not zero."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its name; ``change`` is the part by which it differs from the days before, None if unknown.

    ``up_is_good`` is None where neither direction is better. ``href`` leads to the rows behind it.
    """

    name: str
    text: str
    change: float | None = None
    href: str = ""
    up_is_good: bool | None = True
    hint: str = ""

    def said(self, words: Words) -> str:
        """Return the change as people read it."""
        change = self.change or 0.0
        text = words.percent(change, 0 if abs(change) >= 0.1 else 1)
        return f"+{text}" if change > 0 else text

    @property
    def tone(self) -> str:
        """How the change is coloured."""
        if not self.change or self.up_is_good is None:
            return "quiet"
        return "good" if (self.change > 0) == self.up_is_good else "bad"


def change_of(now: float | None, before: float | None) -> float | None:
    """Return by which part a number has changed, None where there was nothing, or too little, to compare with."""
    return None if now is None or not before or now >= MANIFOLD * before else now / before - 1


def share(part: float | None, whole: float | None) -> float | None:
    """Return a quotient, None where there is nothing to divide by."""
    return None if part is None or not whole else part / whole


def listed(name: str, *pairs: tuple[str, str]) -> str:
    """Return the address of a filtered list."""
    return with_query(f"/studio/{name}", list(pairs))


def event_names(words: Words) -> dict[str, str]:
    """Return what the events of each type are called together."""
    return {
        EventType.IMPRESSION: words.say("Impressions"),
        EventType.VIEW: words.say("Views"),
        EventType.CLICK: words.say("Clicks"),
        EventType.OPEN: words.say("Opens"),
        EventType.CONVERSION: words.say("Conversions"),
        EventType.ENGAGEMENT: words.say("Engagements"),
        EventType.SHARE: words.say("Shares"),
        EventType.DOWNLOAD: words.say("Downloads"),
        EventType.SIGNUP: words.say("Sign-ups"),
        EventType.PURCHASE: words.say("Purchases"),
        EventType.BOUNCE: words.say("Bounces"),
        EventType.UNSUBSCRIBE: words.say("Unsubscriptions"),
    }


def by_day(
    rows: Iterable[Mapping[str, Any]], period: Period, *, names: Mapping[str, str], at: str, of: str, value: str
) -> Series:
    """Return a chart's series from rows of a day ``at``, a group ``of`` and a ``value``; days without a row are 0."""
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        line = found.setdefault(str(row[of]), {})
        line[row[at]] = line.get(row[at], 0) + int(row[value] or 0)
    return [
        {"name": text, "values": [found[name].get(day, 0) for day in period.days]}
        for name, text in names.items()
        if name in found
    ]


def columns_by_day(rows: Sequence[Mapping[str, Any]], period: Period, *, names: Mapping[str, str], at: str) -> Series:
    """Return a chart's series from rows that hold every figure of a day; days without a row are 0."""
    by_at = {row[at]: row for row in rows}
    return [
        {"name": text, "values": [int(by_at[day][name] or 0) if day in by_at else 0 for day in period.days]}
        for name, text in names.items()
    ]


async def counted(visit: Visit, name: str, *pairs: tuple[str, str], group_by: str = "") -> list[dict[str, Any]]:
    """Return the API's ``aggregate=count()`` of a resource: one row, or one a group."""
    resource = visit.api.catalog.by_name[name]
    asked = [*pairs, ("aggregate", "count()"), *([("group_by", group_by)] if group_by else [])]
    query = parse(visit.api.catalog, resource, with_query("", asked).removeprefix("?"))
    return await visit.api.database.aread(lambda: visit.api.reader.aggregate(visit.by, resource, query))


async def count(visit: Visit, name: str, *pairs: tuple[str, str]) -> int:
    """Return how many rows of a list there are."""
    return int((await counted(visit, name, *pairs))[0]["count"])


def has(visit: Visit, *names: str) -> bool:
    """Return whether resources are installed and the visitor may read them."""
    found = [visit.api.catalog.by_name.get(name) for name in names]
    return all(one is not None and visit.may(one.read) for one in found)
