"""What a query says instead of a value: ``$me`` is whoever asks, ``$now-7d`` a moment told from now."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from growbase.core import clock
from growbase.core.actor import Actor, ActorKind
from growbase.core.model import Rule

ME: Final = "$me"
_NOW: Final = re.compile(r"\$now(?:([+ -])(\d{1,5})([mhdw]))?")
_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A value that is known only when the query runs; ``shift`` is the distance from now, None means whoever asks."""

    shift: timedelta | None = None


def placeholder(rule: Rule, text: str) -> Placeholder | None:
    """Return what a text stands for in a column of this rule; None for a value as it is."""
    if text == ME and rule.kind in {"reference", "identifier"}:
        return Placeholder()
    found = _NOW.fullmatch(text) if rule.kind in {"moment", "day"} else None
    if found is None:
        return None
    sign, count, unit = found.groups()
    distance = int(count) * _UNITS[unit] if count else timedelta()
    return Placeholder(-distance if sign == "-" else distance)


def resolved(value: object, rule: Rule, actor: Actor) -> object:
    """Return a value of a query as it is at this moment, for this caller; of a program nothing is its own."""
    if not isinstance(value, Placeholder):
        return value
    if value.shift is None:
        return _id_of(actor)
    then: datetime = clock.now() + value.shift
    return then.date() if rule.kind == "day" else then


def _id_of(actor: Actor) -> UUID | None:
    return actor.id if actor.kind is ActorKind.USER else None
