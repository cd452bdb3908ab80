import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import Any
from uuid import UUID

import psycopg
import pytest

from growbase.core.actor import Actor, system
from growbase.core.errors import GrowbaseError, Invalid, OutcomeUnknown, Unavailable
from growbase.core.postgres import ATTEMPTS, PostgresDatabase
from growbase.core.resource import Catalog
from growbase.core.tables import Change, InstanceFact
from growbase.core.transaction import Transaction
from tests.core.conftest import schema
from tests.core.specimens import Box, make_box
from tests.fixtures import KEYRING, KeptDatabase, make_tenant
from tests.postgres import PostgresServer, find_programs, postgres_server
from tests.processes import HOST, wait_until


@pytest.fixture
def url(postgres_template: str, kept_postgres_database: Callable[[str], KeptDatabase]) -> Iterator[str]:
    """Give the URL of an empty database with the schema installed."""
    kept = kept_postgres_database(postgres_template)
    yield kept.url
    kept.clean()


@pytest.fixture
def db(url: str, catalog: Catalog) -> Iterator[PostgresDatabase]:
    """Give an open PostgreSQL database."""
    database = PostgresDatabase(url, catalog, KEYRING, pool_max=6)
    yield database
    database.close()


@pytest.fixture
def actor(db: PostgresDatabase) -> Actor:
    """Give the owner of an organization."""
    return make_tenant(db, "Acme").owner


def labels(db: PostgresDatabase, actor: Actor) -> list[str]:
    with db.read(actor) as reads:
        return [row.label for row in reads.rows(Box, order="label")]


# -- retries ------------------------------------------------------------------------------------------------------


class Times:
    """A unit that inserts a box and then fails by ``statement`` in its first runs."""

    def __init__(self, statement: str, *, failing: int = 1) -> None:
        self.statement, self.failing, self.runs = statement, failing, 0

    def __call__(self, tx: Transaction) -> int:
        """Run once more and return how often it has run."""
        self.runs += 1
        make_box(tx, label=f"run {self.runs}")
        if self.runs <= self.failing:
            tx.execute(self.statement)
        return self.runs


def raising(code: str) -> str:
    return f"DO $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '{code}'; END $$"


@pytest.mark.parametrize("code", ["40001", "40P01", "55P03"])
def test_a_unit_is_run_again_where_the_server_asks_for_it(db: PostgresDatabase, actor: Actor, code: str) -> None:
    unit = Times(raising(code), failing=2)
    assert db.write(actor, unit) == 3
    assert labels(db, actor) == ["run 3"]


def test_a_unit_that_never_gets_through_is_given_up(db: PostgresDatabase, actor: Actor) -> None:
    unit = Times(raising("40001"), failing=99)
    with pytest.raises(Unavailable, match="too many changes of the same rows at once"):
        db.write(actor, unit)
    assert unit.runs == ATTEMPTS
    assert labels(db, actor) == []


@pytest.mark.parametrize(
    ("statement", "error", "text"),
    [
        ("SELECT 1 / 0", Invalid, "outside of what the database can store"),
        (raising("53100"), Unavailable, "the disk is full"),
        (raising("25006"), Unavailable, "the database is read-only"),
        (raising("57014"), Unavailable, "the query took too long"),
        ("SELECT * FROM nothing", Unavailable, "growbase db upgrade"),
        (raising("P0001"), Unavailable, "on purpose"),
    ],
)
def test_what_can_not_help_itself_is_not_run_again(
    db: PostgresDatabase, actor: Actor, statement: str, error: type[GrowbaseError], text: str
) -> None:
    unit = Times(statement, failing=99)
    with pytest.raises(error, match=text):
        db.write(actor, unit)
    assert unit.runs == 1
    assert labels(db, actor) == []


def test_two_units_that_block_each_other_both_get_through(db: PostgresDatabase, actor: Actor) -> None:
    boxes = db.write(actor, lambda tx: [make_box(tx, label=label) for label in "ab"])
    barrier = threading.Barrier(2)
    runs: list[int] = []

    def unit(order: list[UUID]) -> Callable[[Transaction], None]:
        mine: list[int] = []

        def run(tx: Transaction) -> None:
            runs.append(1)
            mine.append(1)
            tx.increment(Box, order[0], "coin_count")
            if len(mine) == 1:
                barrier.wait()
            tx.increment(Box, order[1], "coin_count")

        return run

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(db.write, actor, unit(order)) for order in (boxes, boxes[::-1])]
        for future in futures:
            future.result(30)
    assert len(runs) == 3
    with db.read(actor) as reads:
        assert [row.coin_count for row in reads.rows(Box)] == [2, 2]


def test_a_unit_whose_connection_is_cut_is_run_again(db: PostgresDatabase, actor: Actor, url: str) -> None:
    runs: list[int] = []

    def unit(tx: Transaction) -> None:
        make_box(tx, label="a")
        runs.append(tx.execute("SELECT pg_backend_pid()").fetchone()[0])
        if len(runs) == 1:
            with psycopg.connect(url, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", (runs[0],))

    db.write(actor, unit)
    assert len(runs) == 2
    assert labels(db, actor) == ["a"]


def cut_all(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_connections_that_died_in_the_pool_are_replaced(db: PostgresDatabase, actor: Actor, url: str) -> None:
    barrier = threading.Barrier(6)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: db.write(actor, lambda tx: (make_box(tx), barrier.wait())), range(6)))
    cut_all(url)
    assert db.query("SELECT 1") == [(1,)]
    cut_all(url)
    db.write(actor, make_box)
    cut_all(url)
    db.query("SELECT 1", timeout_ms=1_000)
    with db.read(actor) as reads:
        assert reads.count(Box) == 7


def test_a_pool_that_is_used_up_says_so(url: str, catalog: Catalog) -> None:
    with closing(PostgresDatabase(url, catalog, KEYRING, pool_max=1, pool_timeout=0.2)) as db:

        def hold(_: Transaction) -> None:
            for attempt in (
                lambda: db.query("SELECT 1"),
                lambda: db.write(system(), lambda _: None),
                lambda: db.read(system()).__enter__(),
            ):
                with (
                    ThreadPoolExecutor(1) as pool,
                    pytest.raises(Unavailable, match="no database connection became free"),
                ):
                    pool.submit(attempt).result()  # type: ignore[arg-type]

        db.write(system(), hold)
        assert db.query("SELECT 1") == [(1,)]


def test_a_query_that_takes_too_long_is_ended(db: PostgresDatabase) -> None:
    with pytest.raises(Unavailable, match="the query took too long"):
        db.query("SELECT pg_sleep(30)", timeout_ms=30)
    assert db.query("SHOW statement_timeout") == [("15s",)]


def test_a_read_only_server_is_told_so(db: PostgresDatabase, actor: Actor, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(f'ALTER DATABASE "{url.rpartition("/")[2]}" SET default_transaction_read_only = on')
    cut_all(url)
    with pytest.raises(Unavailable, match="the database is read-only"):
        db.write(actor, make_box)


# -- the server goes and comes ------------------------------------------------------------------------------------


def test_a_server_that_stops_and_starts_is_found_again(catalog: Catalog) -> None:
    programs = find_programs()
    assert programs is not None
    with postgres_server(programs) as server:
        url = server.create_database()
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in schema("postgresql"):
                connection.execute(statement.encode())
        with closing(PostgresDatabase(url, catalog, KEYRING, pool_max=3, pool_timeout=1.0)) as db:
            actor = make_tenant(db, "Acme").owner
            server.stop(signal.SIGINT)
            for attempt in (lambda: db.write(actor, make_box), lambda: db.query("SELECT 1"), db.info):
                with pytest.raises(Unavailable, match=r"no connection to the database server|became free in time"):
                    attempt()  # type: ignore[no-untyped-call]
            server.start_again()
            wait_until(lambda: answers(db), "the pool")
            db.write(actor, lambda tx: make_box(tx, label="after"))
            assert labels(db, actor) == ["after"]


def answers(db: PostgresDatabase) -> bool:
    with suppress(Unavailable):
        return db.query("SELECT 1") == [(1,)]
    return False


# -- a commit whose answer is lost --------------------------------------------------------------------------------


class Proxy:
    """Stands between client and server and cuts the line at the first COMMIT it is armed for."""

    def __init__(self, port: int) -> None:
        self.server_port = port
        self.armed: str | None = None
        self.commits = 0
        self._listening = socket.create_server((HOST, 0))
        self.port = self._listening.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        """Stop listening and wait for the lines to end."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection((HOST, self.server_port))
                for pump in (self._forward, self._back):
                    self._threads.append(threading.Thread(target=pump, args=(client, server), daemon=True))
                    self._threads[-1].start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError), client, server:
            while data := client.recv(65_536):
                if b"COMMIT\x00" in data and self.armed:
                    self.commits += 1
                    when, self.armed = self.armed, None
                    client.shutdown(socket.SHUT_RDWR)
                    if when == "after":
                        server.sendall(data)
                    server.shutdown(socket.SHUT_WR)
                    server.settimeout(5)
                    with suppress(OSError):
                        while server.recv(65_536):
                            pass
                    return
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _back(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65_536):
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)


@pytest.fixture
def proxy(postgres: PostgresServer) -> Iterator[Proxy]:
    """Give a proxy in front of the server."""
    found = Proxy(postgres.port)
    yield found
    found.close()


@pytest.fixture
def proxied(url: str, proxy: Proxy, catalog: Catalog) -> Iterator[PostgresDatabase]:
    """Give a database behind the proxy, with a pool of one."""
    database = PostgresDatabase(
        url.replace(f":{proxy.server_port}/", f":{proxy.port}/"), catalog, KEYRING, pool_max=1, pool_timeout=2.0
    )
    yield database
    database.close()


@pytest.mark.parametrize(("when", "runs"), [("after", 1), ("before", 2)])
def test_a_commit_whose_answer_is_lost_is_asked_for(
    proxied: PostgresDatabase, proxy: Proxy, when: str, runs: int
) -> None:
    actor = make_tenant(proxied, "Acme").owner
    heard: list[object] = []
    proxied.listeners.append(lambda touched, _: heard.append(touched))
    unit = Times("SELECT 1", failing=0)
    proxy.armed = when
    assert proxied.write(actor, unit) == runs
    assert (proxy.commits, unit.runs, len(heard)) == (1, runs, 1)
    assert labels(proxied, actor) == [f"run {runs}"]
    with proxied.read(actor) as reads:
        assert reads.count(Change, entity="specimen_boxes") == 1


def test_a_lost_commit_that_nobody_can_tell_of_is_unknown(
    proxied: PostgresDatabase, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = make_tenant(proxied, "Acme").owner
    proxy.armed = "after"
    with pytest.raises(OutcomeUnknown, match="lost while the change was being committed"):
        proxied.write(actor, lambda tx: tx.insert_facts(InstanceFact, [{"name": "x", "value": "1"}]))

    def away(*_: Any, **__: Any) -> None:  # noqa: ANN401 -- whatever query takes
        raise Unavailable(reason="away")

    proxy.armed = "before"
    with monkeypatch.context() as patch:
        patch.setattr(proxied, "query", away)
        with pytest.raises(OutcomeUnknown):
            proxied.write(actor, make_box)
    assert labels(proxied, actor) == []


# -- the log ------------------------------------------------------------------------------------------------------


def test_changes_stand_in_the_order_of_their_transaction_then_of_their_writing(
    db: PostgresDatabase, actor: Actor
) -> None:
    barrier = threading.Barrier(4)

    def unit(tx: Transaction) -> None:
        make_box(tx, label="a")
        barrier.wait()
        make_box(tx, label="b")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: db.write(actor, unit), range(4)))
    with db.read(actor) as reads:
        changes = reads.rows(Change, order="tx, seq", entity="specimen_boxes")
    assert len({change.tx for change in changes}) == 4
    shown = [(change.changes or {})["label"][1] for change in changes]
    assert shown == ["a", "b"] * 4


def test_a_base_lifts_the_positions_of_a_moved_log(url: str, catalog: Catalog) -> None:
    with closing(PostgresDatabase(url, catalog, KEYRING, pool_max=1, log_base=10**12)) as db:
        actor = make_tenant(db, "Acme").owner
        with db.read(actor) as reads:
            assert all(change.tx > 10**12 for change in reads.rows(Change))
