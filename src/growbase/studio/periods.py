"""The stretch of days a dashboard speaks of: from its address, in days of the organization, beside the one before."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from growbase.core import clock
from growbase.domains.marketing.queries import organization_zone
from growbase.studio.visit import Visit, with_query

CHOICES: Final = (7, 30, 90)
LONGEST: Final = 366
OWN: Final = frozenset({"days", "from", "to", "lang"})
"""The parameters of an address that choose a period."""


@dataclass(frozen=True)
class Period:
    """Days of the organization's time zone, the last one included; ``chosen`` is the choice that names it."""

    first: date
    last: date
    zone: ZoneInfo
    chosen: int | None = None
    refusal: str = ""

    @cached_property
    def start(self) -> datetime:
        """The moment at which the first day begins."""
        return _midnight(self.first, self.zone)

    @cached_property
    def end(self) -> datetime:
        """The moment at which the day after the last begins."""
        return _midnight(self.last + timedelta(days=1), self.zone)

    @cached_property
    def days(self) -> list[str]:
        """Every day, as the API writes them."""
        count = (self.last - self.first).days + 1
        return [(self.first + timedelta(days=more)).isoformat() for more in range(count)]

    @cached_property
    def before(self) -> "Period":
        """The days of the same number that came before."""
        length = self.last - self.first + timedelta(days=1)
        return Period(self.first - length, self.last - length, self.zone)

    def within(self, column: str) -> list[tuple[str, str]]:
        """Return the filter of a list for rows with a moment in these days."""
        return [(column, f"gte.{_text(self.start)}"), (column, f"lt.{_text(self.end)}")]


async def period_of(visit: Visit, *, default: int = 30) -> Period:
    """Return the days that an address asks for, else the last ones; ``refusal`` says what was wrong with it."""
    zone = await visit.read(organization_zone, snapshot=False)
    today = clock.now().astimezone(zone).date()
    words, query = visit.words, visit.query

    def last_days(count: int, refusal: str = "") -> Period:
        return Period(today - timedelta(days=count - 1), today, zone, count, refusal)

    typed = [query.get(name, "").strip() for name in ("from", "to")]
    if any(typed):
        try:
            last = date.fromisoformat(typed[1]) if typed[1] else today
            first = date.fromisoformat(typed[0]) if typed[0] else last - timedelta(days=default - 1)
            if first > last:
                return last_days(default, words.say("The first day must not be after the last."))
            if (last - first).days >= LONGEST or not 2000 <= first.year <= last.year <= 2100:
                return last_days(default, words.say("Choose at most {days} days.", days=LONGEST))
        except (ValueError, OverflowError):
            return last_days(default, words.say("Write the days such as 2026-01-31."))
        return Period(first, last, zone)
    asked = query.get("days", str(default))
    if asked not in {str(count) for count in CHOICES}:
        return last_days(default, words.say("Choose 7, 30 or 90 days, or the first and the last day."))
    return last_days(int(asked))


def addressed(visit: Visit, **changes: str) -> str:
    """Return the page's address with some parameters changed; an empty value takes one away."""
    rest = [(name, value) for name, value in visit.pairs if name not in changes and name != "lang"]
    return with_query(visit.call.path, [*rest, *changes.items()])


def kept(visit: Visit) -> list[tuple[str, str]]:
    """Return what an address holds besides its period."""
    return [(name, value) for name, value in visit.pairs if name not in OWN]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
