"""Read-only while the installation is looked after: jobs at work end, then writes are refused and reads go on."""

import time
from collections.abc import Callable
from typing import Final

from growbase.core.actor import system
from growbase.core.clock import now
from growbase.core.database import Database
from growbase.core.facts import delete_facts
from growbase.core.gate import DRAIN, close_gate, open_gate
from growbase.core.reads import Where
from growbase.core.tables import InstanceFact, Job, JobStatus
from growbase.core.transaction import Transaction

DRAIN_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 0.2
REASON: Final = "it is being maintained"
Progress = Callable[[int, int], None]
"""Told how many of the jobs at work have ended, of how many."""


def begin(
    database: Database,
    *,
    reason: str = REASON,
    seconds: float = DRAIN_SECONDS,
    progress: Progress = lambda *_: None,
) -> int:
    """Let the jobs at work end for some seconds, close the gate, and return how many were at work still.

    No new jobs begin meanwhile. Interrupted, it may be repeated, or taken back by ``end``.
    """
    database.pass_gate()
    database.write(system("maintenance"), _drain)
    left = first = _at_work(database)
    until = time.monotonic() + seconds
    while left and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
        left = _at_work(database)
        progress(max(first - left, 0), first)
    close_gate(database, reason)
    return left


def end(database: Database) -> None:
    """Take writes again and let the workers go on."""
    database.pass_gate()
    database.write(system("maintenance"), lambda tx: delete_facts(tx, InstanceFact, {"name": DRAIN}))
    open_gate(database)


def _drain(tx: Transaction) -> None:
    tx.insert_facts(InstanceFact, [{"name": DRAIN, "value": ""}], ignore=True)


def _at_work(database: Database) -> int:
    with database.read(system("maintenance")) as reads:
        return reads.count(Job, Where("lease_until", ">", now()), status=JobStatus.RUNNING)
