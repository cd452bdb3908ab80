"""Parameters of questions that are no resource's: known names only, ranges of time and ids."""

from datetime import datetime, timedelta
from urllib.parse import parse_qsl
from uuid import UUID

from growbase.api.call import Call
from growbase.core import clock
from growbase.core.model import Rule
from growbase.core.query import bad, literal

DEFAULT_DAYS = 30
Params = dict[str, str]


def parameters(call: Call, known: set[str]) -> Params:
    """Return the query string's parameters. Raises InvalidQuery for one that is not known."""
    params = dict(parse_qsl(call.query))
    unknown = next((name for name in params if name not in known), None)
    if unknown is not None:
        raise bad(unknown, "is not a parameter here; use {choices}", choices=", ".join(sorted(known)))
    return params


def span(params: Params) -> tuple[datetime, datetime]:
    """Return the range from ``from`` to ``to``, by default the last days until now. Raises InvalidQuery."""
    end = _moment(params, "to") or clock.now()
    start = _moment(params, "from") or end - timedelta(days=DEFAULT_DAYS)
    if start >= end:
        raise bad("from", "must be before to")
    return start, end


def identifier(params: Params, name: str) -> UUID | None:
    """Return the id under a name, None if it is not given. Raises InvalidQuery."""
    if name not in params:
        return None
    found = literal(name, Rule("identifier"), params[name])
    assert isinstance(found, UUID)
    return found


def names(params: Params, name: str, default: str) -> tuple[str, ...]:
    """Return the names that commas separate under a name."""
    return tuple(part for part in params.get(name, default).split(",") if part)


def _moment(params: Params, name: str) -> datetime | None:
    if name not in params:
        return None
    found = literal(name, Rule("moment"), params[name])
    assert isinstance(found, datetime)
    return found
