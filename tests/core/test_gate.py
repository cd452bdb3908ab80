"""Closing a database to writes: nothing commits behind a closed gate, and everybody notices at once."""

import asyncio
import threading
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from growbase.core import gate
from growbase.core.actor import system
from growbase.core.database import Database
from growbase.core.gate import Gate, Mode, Moved, ReadOnly
from growbase.domains.identity.models import Organization
from growbase.ops.connections import file_lock
from tests.fixtures import Tenant, open_at


def make(database: Database, slug: str) -> object:
    return database.write(system(), lambda tx: tx.insert(Organization, name=slug, slug=slug))


def test_a_closed_gate_refuses_writes_of_every_process_and_lets_reads_through(
    db: Database, installed_url: str, tenant: Tenant
) -> None:
    with closing(open_at(installed_url)) as other:
        make(other, "before")
        gate.close_gate(db, "it is being repaired")
        assert gate.gate_of(other).mode is Mode.READ_ONLY
        with pytest.raises(ReadOnly, match="it is being repaired"):
            make(other, "during")
        with other.read(tenant.owner) as reads:
            assert reads.rows(Organization, anywhere=False) is not None
        db.pass_gate()
        make(db, "repair")
        gate.open_gate(other)
        make(other, "after")
    assert gate.gate_of(db) == Gate()


def test_a_write_of_the_event_loop_is_refused_with_the_same_error(db: Database) -> None:
    gate.close_gate(db, "it is being repaired")
    with pytest.raises(ReadOnly, match="repaired"):
        asyncio.run(db.awrite(system(), lambda tx: tx.insert(Organization, name="x", slug="x")))


def test_a_database_whose_data_has_moved_is_never_opened_again(db: Database) -> None:
    db.write(system(), lambda tx: gate.write_gate(tx, Gate(Mode.MOVED, to="ab")))
    with pytest.raises(Moved):
        make(db, "late")
    with pytest.raises(Moved):
        gate.open_gate(db)


def test_writes_wait_while_they_are_paused_and_go_on_afterwards(db: Database, installed_url: str) -> None:
    done = threading.Event()

    def write() -> None:
        make(db, "waiting")
        done.set()

    thread = threading.Thread(target=write)
    if db.engine == "sqlite":
        with file_lock(Path(installed_url.removeprefix("sqlite:///"))):
            thread.start()
            assert not done.wait(0.3)
    else:
        with psycopg.connect(installed_url) as holder:
            holder.execute(gate.HOLD)
            thread.start()
            assert not done.wait(0.3)
    thread.join(10)
    assert done.is_set()
