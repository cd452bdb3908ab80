"""Who works on a database now, told by the rows that servers and workers keep fresh."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from growbase.core.clock import now
from growbase.core.statements import plan_of
from growbase.core.tables import Process, ProcessKind
from growbase.jobs.presence import SILENCE

Rows = Callable[[str], Iterable[Any]]
"""Runs one query and returns its rows."""


@dataclass(frozen=True, slots=True)
class Running:
    """One process: where it is and at which version of the program."""

    kind: ProcessKind
    name: str
    version: str
    started_at: datetime
    seen_at: datetime


def list_running(rows: Rows, engine: str) -> list[Running]:
    """Return the processes that were heard of in the last 35 seconds; the table ``processes`` must be there."""
    plan = plan_of(Process, engine)
    found = [cast("Process", plan.instance(tuple(row))) for row in rows(f"SELECT {plan.columns} FROM {plan.table} t")]
    alive = [one for one in found if one.seen_at >= now() - SILENCE]
    return [
        Running(one.kind, one.name, one.version, one.started_at, one.seen_at)
        for one in sorted(alive, key=lambda one: (one.kind, one.name))
    ]
