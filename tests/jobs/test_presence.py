"""The rows that say which processes work on a database."""

from datetime import timedelta

import pytest

from growbase import __version__
from growbase.core.actor import system
from growbase.core.clock import new_id, now
from growbase.core.database import Database
from growbase.core.tables import Process, ProcessKind
from growbase.jobs import presence
from growbase.jobs.presence import SILENCE, Presence, process_name
from growbase.ops.processes import list_running
from tests.processes import wait_until


def rows(db: Database) -> list[Process]:
    with db.read(system()) as reads:
        return list(reads.rows(Process))


def put(db: Database, *, seen: timedelta) -> None:
    row = {
        "id": new_id(),
        "kind": "worker",
        "name": "h:1",
        "version": "0",
        "started_at": now(),
        "seen_at": now() - seen,
    }
    db.write(system(), lambda tx: tx.insert_facts(Process, [row]))


def test_a_process_is_listed_from_its_start_to_its_end(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "REFRESH_SECONDS", 0.02)
    mine = Presence(db, ProcessKind.SERVER)
    mine.start()
    wait_until(lambda: bool(rows(db)), "the row")
    (found,) = rows(db)
    wait_until(lambda: rows(db)[0].seen_at > found.seen_at, "the next refresh")
    (listed,) = list_running(db.query, db.engine)
    assert (listed.kind, listed.name, listed.version) == (ProcessKind.SERVER, process_name(), __version__)
    assert rows(db)[0].started_at == found.started_at
    mine.stop()
    assert rows(db) == []


def test_a_row_that_was_lost_comes_back(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "REFRESH_SECONDS", 0.02)
    mine = Presence(db, ProcessKind.WORKER)
    mine.start()
    wait_until(lambda: bool(rows(db)), "the row")
    db.write(system(), mine._leave)
    wait_until(lambda: bool(rows(db)), "the row again")
    mine.stop()


def test_who_is_silent_is_not_running_and_goes_after_a_day(db: Database) -> None:
    put(db, seen=timedelta(0))
    put(db, seen=SILENCE + timedelta(seconds=1))
    put(db, seen=timedelta(days=2))
    assert len(list_running(db.query, db.engine)) == 1
    db.write(system(), Presence(db, ProcessKind.WORKER)._refresh)
    assert len(list_running(db.query, db.engine)) == 2
    assert len(rows(db)) == 3
