"""When a sequence may send: days and hours on the clocks of a time zone."""

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

EVERY_DAY = frozenset(range(1, 8))


def zone_of(name: str | None, otherwise: str = "UTC") -> ZoneInfo:
    """Return a time zone, the other one where the name is none, and UTC where neither is."""
    for wanted in (name, otherwise):
        if wanted:
            try:
                return ZoneInfo(wanted)
            except (KeyError, ValueError, OSError):
                continue
    return ZoneInfo("UTC")


def opening(window: Mapping[str, Any], zone: ZoneInfo, moment: datetime) -> datetime:
    """Return the moment itself if the window is open then, else when it opens next, in UTC.

    A window that ends before it starts runs into the next day, and counts for the day it starts on. A start that is
    skipped in spring is an hour later; of hours that come twice in autumn the first ones count.
    """
    start, end = _clock(window.get("start") or "00:00"), _clock(window.get("end") or "00:00")
    days: Collection[int] = window.get("days") or EVERY_DAY
    day = moment.astimezone(zone).date() - timedelta(days=1)
    while True:
        opens = _at(day, start, zone)
        closes = _at(day if start < end else day + timedelta(days=1), end, zone)
        if moment < closes and opens < closes and day.isoweekday() in days:
            return max(opens, moment)
        day += timedelta(days=1)


def day_of(zone: ZoneInfo, moment: datetime) -> tuple[datetime, datetime]:
    """Return when the day of a moment begins and ends on the clocks of a zone, in UTC."""
    today = moment.astimezone(zone).date()
    return _at(today, time(), zone), _at(today + timedelta(days=1), time(), zone)


def _at(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)


def _clock(text: str) -> time:
    return time.fromisoformat(text)
