"""Closing a database to writes: nothing commits behind a closed gate, and everybody notices at once."""

import asyncio
import threading
from contextlib import closing

import psycopg
import pytest

from growbase.core import gate
from growbase.core.actor import system
from growbase.core.database import Database
from growbase.core.gate import Gate, Mode, Moved, ReadOnly
from growbase.domains.identity.models import Organization
from tests.fixtures import Tenant, open_at
from tests.postgres import PostgresServer


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


def test_a_database_whose_data_have_moved_is_never_opened_again(db: Database, installed_url: str) -> None:
    db.write(system(), lambda tx: gate.write_gate(tx, Gate(Mode.MOVED, to="ab")))
    with closing(open_at(installed_url)) as other:
        with pytest.raises(Moved):
            make(other, "late")
        with pytest.raises(Moved):
            gate.open_gate(other)


def test_closing_waits_for_the_writes_at_work(postgres: PostgresServer, postgres_template: str) -> None:
    url = postgres.create_database(template=postgres_template)
    with closing(open_at(url)) as db, psycopg.connect(url) as slow:
        make(db, "glanced")
        slow.execute("UPDATE organizations SET name = 'slow'")
        closing_thread = threading.Thread(target=gate.close_gate, args=(db, "it is being repaired"))
        closing_thread.start()
        closing_thread.join(0.5)
        assert closing_thread.is_alive()
        slow.commit()
        closing_thread.join(10)
        assert not closing_thread.is_alive()
        with pytest.raises(ReadOnly):
            make(db, "late")
    postgres.drop_database(url)
