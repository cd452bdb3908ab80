"""How the work in the background stands: depth, age, rate and failures of queues, and who is behind the log."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest

from growbase.core import clock, telemetry
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.feed import advance_reader, find_holder, find_lags, newest, reader_position, start_reader
from growbase.core.tables import Job, JobStatus
from growbase.domains.marketing.models import Brand
from growbase.jobs import figures
from growbase.jobs.claim import install_queues
from growbase.ops.background import background_status
from tests.postgres import PostgresServer


@pytest.fixture
def read_to_the_end(db: Database) -> None:
    """Let a reader begin at the end of the log."""
    db.write(system(), lambda tx: start_reader(tx, "webhooks"))


def write_brands(db: Database, actor: Actor, *names: str) -> None:
    for name in names:
        db.write(actor, lambda tx, name=name: tx.insert(Brand, name=name))  # type: ignore[misc]


def test_a_reader_is_behind_by_what_it_has_not_read(
    db: Database, actor: Actor, read_to_the_end: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.read(system()) as reads:
        assert [(lag.reader, lag.rows, lag.seconds) for lag in find_lags(reads)] == [("webhooks", 0, 0.0)]
        start = reader_position(reads, "webhooks")
    assert start is not None
    write_brands(db, actor, "One", "Two")
    later = clock.now() + timedelta(seconds=90)
    with monkeypatch.context() as patch, db.read(system()) as reads:
        patch.setattr(clock, "now", lambda: later)
        (lag,) = find_lags(reads)
    assert lag.rows == 2
    assert 89 < lag.seconds < 100
    figures.observe(db)
    body = telemetry.render_metrics()[0].decode()
    assert 'growbase_feed_behind{reader="webhooks"} 2.0' in body
    assert 'growbase_feed_oldest_seconds{reader="webhooks"}' in body
    with db.read(system()) as reads:
        end = newest(reads)
    assert db.write(system(), lambda tx: advance_reader(tx, "webhooks", start, end))
    assert background_status(db).feed[0].rows == 0


def test_queues_tell_depth_age_rate_and_failures(db: Database) -> None:
    now = clock.now()
    db.write(system(), install_queues)

    def put(status: JobStatus, ended: timedelta | None = None) -> None:
        def unit(tx):  # noqa: ANN001, ANN202
            values = {
                "status": status,
                "finished_at": None if ended is None else now - ended,
                "run_at": now - ended_or(60),
            }
            tx.set_facts(Job, {"id": tx.enqueue("noop", {}, queue="publishing")}, values)

        db.write(system(), unit)

    def ended_or(seconds: int) -> timedelta:
        return timedelta(seconds=seconds)

    put(JobStatus.QUEUED)
    for _ in range(4):
        put(JobStatus.SUCCEEDED, timedelta(minutes=1))
    put(JobStatus.SUCCEEDED, timedelta(minutes=6))
    put(JobStatus.DEAD, timedelta(minutes=2))
    put(JobStatus.FAILED, timedelta(hours=2))
    found = {queue.name: queue for queue in background_status(db).queues}
    publishing = found["publishing"]
    assert (publishing.queued, publishing.running, publishing.dead) == (1, 0, 2)
    assert 60 <= publishing.oldest_seconds < 90
    assert (publishing.ended_per_minute, publishing.failed) == (1.0, 1)
    assert (found["maintenance"].ended_per_minute, found["maintenance"].oldest_seconds) == (0.0, 0.0)
    assert background_status(db).as_json()["queues"]


@contextmanager
def open_writer(url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Keep a transaction open that has written."""
    with psycopg.connect(url, application_name="forgotten") as connection:
        connection.execute("SELECT pg_current_xact_id()")
        yield connection
        connection.rollback()


def test_the_transaction_that_holds_the_feed_back_is_named(
    db: Database, actor: Actor, read_to_the_end: None, request: pytest.FixtureRequest
) -> None:
    with db.read(system()) as reads:
        assert find_holder(reads) is None
        end = newest(reads)
    if db.engine != "postgresql":
        write_brands(db, actor, "One")
        assert background_status(db).holder is None
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    # In another database of the same server: transaction numbers are the server's.
    with open_writer(server.admin_url) as forgotten:
        assert background_status(db).holder is None, "nothing waits yet"
        write_brands(db, actor, "One")
        found = background_status(db)
        assert found.feed[0].rows == 1
        assert found.holder is not None
        assert (found.holder.pid, found.holder.database) == (forgotten.info.backend_pid, "postgres")
        assert (found.holder.application, found.holder.state) == ("forgotten", "idle in transaction")
        assert found.as_json()["holder"]["since"]
        with db.read(system()) as reads:
            assert newest(reads) == end
    with db.read(system()) as reads:
        assert newest(reads) > end
        assert find_holder(reads) is None
