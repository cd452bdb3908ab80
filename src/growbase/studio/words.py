"""What a visitor reads: messages and names in their language, numbers, money and times in their form and zone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from math import log
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_precision
from babel.units import format_unit

from growbase.core import clock
from growbase.core.catalogue import languages, translate
from growbase.core.labels import label_of
from growbase.core.model import View
from growbase.core.resource import Resource

NAMES = {"en": "English", "fr": "Français"}
RECENT = timedelta(days=6)


@cache
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(language.replace("-", "_"))


@dataclass(frozen=True, slots=True)
class Words:
    """One visitor's language and time zone."""

    language: str = "en"
    timezone: str = "UTC"

    @staticmethod
    def known() -> tuple[str, ...]:
        """Return the languages there are."""
        return languages()

    def say(self, template: str, /, **params: object) -> str:
        """Return a message in the language."""
        return translate(self.language, template, params)

    def label(self, name: str) -> str:
        """Return a column, state or verb as words in the language."""
        return translate(self.language, label_of(name), {})

    def action(self, name: str) -> str:
        """Return what the change log calls an action as what was done."""
        said = {
            "insert": self.say("Created"),
            "update": self.say("Changed"),
            "transition": self.say("Moved"),
            "trash": self.say("Moved to the trash"),
            "restore": self.say("Restored"),
            "purge": self.say("Removed for good"),
        }
        return said.get(name) or self.label(name)

    def title(self, resource: Resource) -> str:
        """Return the plural name of a resource."""
        return self.label(resource.table.name)

    def noun(self, resource: Resource) -> str:
        """Return the singular name of a resource as a message speaks of it."""
        return translate(self.language, resource.noun, {})

    def named(self, resource: Resource) -> str:
        """Return the singular name of a resource where a sentence begins."""
        noun = self.noun(resource) if not issubclass(resource.model, View) else self.title(resource)
        return noun[:1].upper() + noun[1:]

    # -- values -------------------------------------------------------------------------------------------------------

    def number(self, value: float) -> str:
        """Return a number with the language's separators."""
        return str(format_decimal(value, locale=_locale(self.language)))

    def percent(self, part: float, digits: int = 1) -> str:
        """Return a part of 1 as a percentage."""
        pattern = f"#,##0.{'#' * digits}%" if self.language == "en" else f"#,##0.{'#' * digits}\u202f%"
        return str(format_percent(part, pattern, locale=_locale(self.language)))

    def money(self, minor: int, currency: str | None) -> str:
        """Return an amount of minor units with its currency, or plainly where that is unknown."""
        amount = minor / 10 ** digits_of(currency)
        if currency is None:
            return str(format_decimal(amount, "#,##0.00", locale=_locale(self.language)))
        return str(format_currency(amount, currency, locale=_locale(self.language)))

    def moment(self, text: str) -> str:
        """Return an API's moment as local time."""
        return str(
            format_datetime(_moment(text), "medium", tzinfo=_zone(self.timezone), locale=_locale(self.language))
        ).replace("\u202f", " ")

    def short_moment(self, text: str) -> str:
        """Return an API's moment as local time without seconds."""
        return str(
            format_datetime(_moment(text), "short", tzinfo=_zone(self.timezone), locale=_locale(self.language))
        ).replace("\u202f", " ")

    def ago(self, text: str) -> str:
        """Return how long ago a moment was, or in how long it is; a far one as its day."""
        distance = _moment(text) - clock.now()
        if abs(distance) > RECENT:
            return self.day(_moment(text).astimezone(_zone(self.timezone)).date().isoformat())
        return str(format_timedelta(distance, add_direction=True, locale=_locale(self.language)))

    def span(self, seconds: float) -> str:
        """Return how long something takes, in its largest unit; less than a second in milliseconds."""
        if seconds < 1:
            found = format_unit(round(seconds * 1_000), "duration-millisecond", "short", locale=_locale(self.language))
        elif seconds < 60:
            found = format_unit(round(seconds, 1), "duration-second", "short", locale=_locale(self.language))
        else:
            found = format_timedelta(timedelta(seconds=seconds), threshold=1, locale=_locale(self.language))
        return str(found).replace("\u202f", " ")

    def size(self, count: float) -> str:
        """Return a number of bytes in the unit in which it is short."""
        units = ("byte", "kilobyte", "megabyte", "gigabyte", "terabyte")
        power = min(int(log(count, 1_024)), len(units) - 1) if count >= 1 else 0
        shown = round(count / 1_024**power, 1 if power else 0)
        return str(format_unit(shown, f"digital-{units[power]}", "short", locale=_locale(self.language)))

    def distance(self, shift: timedelta) -> str:
        """Return how far from now something is, such as a week ago."""
        if not shift:
            return self.say("now")
        return str(format_timedelta(shift, add_direction=True, locale=_locale(self.language)))

    def day(self, text: str) -> str:
        """Return a calendar date."""
        return str(format_date(date.fromisoformat(text[:10]), "medium", locale=_locale(self.language)))

    def month(self, day: date) -> str:
        """Return the name of a month with its year, as a heading."""
        text = str(format_date(day, "LLLL y", locale=_locale(self.language)))
        return text[:1].upper() + text[1:]

    def weekday(self, day: date, *, short: bool = False) -> str:
        """Return the name of a day of the week."""
        text = str(format_date(day, "ccc" if short else "cccc", locale=_locale(self.language)))
        return text[:1].upper() + text[1:]

    def clock(self, text: str) -> str:
        """Return the local time of day of an API's moment."""
        found = format_time(_moment(text), "short", tzinfo=_zone(self.timezone), locale=_locale(self.language))
        return str(found).replace("\u202f", " ")

    def typed_moment(self, text: str | None, exact: str = "minutes") -> str:
        """Return a moment as a form shows it for typing: local, to the minute unless it must be exact."""
        if not text:
            return ""
        local = _moment(text).astimezone(_zone(self.timezone))
        return local.replace(tzinfo=None).isoformat(sep=" ", timespec=exact)

    def read_moment(self, text: str) -> str:
        """Return what a visitor typed as a moment of the API; anything that is none stays as it is."""
        try:
            found = datetime.fromisoformat(text.strip())
            local = found if found.tzinfo else found.replace(tzinfo=_zone(self.timezone))
            return local.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        except (ValueError, OverflowError):
            return text

    def day_bounds(self, text: str, *, end: bool) -> str:
        """Return the moment at which a local day begins, or the next one does. Raises ValueError."""
        found = datetime.combine(date.fromisoformat(text), datetime.min.time(), _zone(self.timezone))
        return (found + timedelta(days=end)).astimezone(UTC).isoformat().replace("+00:00", "Z")


def digits_of(currency: str | None) -> int:
    """Return how many digits the minor unit of a currency has."""
    return get_currency_precision(currency) if currency else 2


def currency_of(name: str, row: Mapping[str, object]) -> str | None:
    """Return the currency of an amount: its own column's, else the row's."""
    for column in (name.replace("_minor", "_currency"), "currency", "currency_code"):
        found = row.get(column)
        if isinstance(found, str) and len(found) == 3:
            return found
    return None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
