import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pysqlite3
import pytest

from growbase.core.actor import Actor, system
from growbase.core.errors import Invalid, NotUnique, Unavailable
from growbase.core.feed import BEGINNING, read_changes
from growbase.core.resource import Catalog
from growbase.core.sqlite import SqliteDatabase
from growbase.core.sqlite_connection import connect
from growbase.core.tables import Change, InstanceFact
from growbase.core.transaction import Transaction
from tests.core.specimens import Box, Shelf, make_box, make_shelf
from tests.fixtures import KEYRING, make_tenant
from tests.processes import start

ROOT = Path(__file__).resolve().parent.parent.parent

Unit = Callable[[Transaction], Any]


@pytest.fixture
def path(tmp_path: Path, sqlite_template: Path) -> Path:
    """Give the path of a file with the schema installed."""
    copy = tmp_path / "growbase.db"
    copy.write_bytes(sqlite_template.read_bytes())
    return copy


@pytest.fixture
def db(path: Path, catalog: Catalog) -> Iterator[SqliteDatabase]:
    """Give an open SQLite database."""
    database = SqliteDatabase(path, catalog, KEYRING)
    yield database
    database.close()


@pytest.fixture
def actor(db: SqliteDatabase) -> Actor:
    """Give the owner of an organization."""
    return make_tenant(db, "Acme").owner


def together(
    db: SqliteDatabase, actor: Actor, units: list[Unit], *, on_loop: bool, dry: tuple[int, ...] = ()
) -> list[Any]:
    """Run units in one group, from threads or from the event loop, and return their results or errors in order."""
    if on_loop:

        async def run() -> list[Any]:
            waiting = [db.awrite(actor, unit, dry_run=place in dry) for place, unit in enumerate(units)]
            return await asyncio.gather(*waiting, return_exceptions=True)

        return asyncio.run(run())
    gate, inside = threading.Event(), threading.Event()

    def hold(_: Transaction) -> None:
        inside.set()
        gate.wait()

    def outcome(place: int) -> Any:  # noqa: ANN401 -- a result or an error
        try:
            return db.write(actor, units[place], dry_run=place in dry)
        except Exception as error:  # noqa: BLE001 -- compared by the test
            return error

    with ThreadPoolExecutor(len(units) + 1) as pool:
        first = pool.submit(db.write, system(), hold)
        assert inside.wait(10) or first.exception(0)
        waiting = []
        for place in range(len(units)):
            waiting.append(pool.submit(outcome, place))
            while db.writer._queue.qsize() <= place:
                os.sched_yield()
        gate.set()
        first.result()
        return [future.result() for future in waiting]


def labels(db: SqliteDatabase, actor: Actor) -> list[str]:
    with db.read(actor) as reads:
        return [row.label for row in reads.rows(Box, order="label")]


def box(label: str) -> Unit:
    return lambda tx: make_box(tx, label=label)


def wrong(tx: Transaction) -> None:
    make_shelf(tx, name="left behind")
    raise KeyError("mine")


BOTH = pytest.mark.parametrize("on_loop", [False, True], ids=["threads", "loop"])


# -- groups -------------------------------------------------------------------------------------------------------


@BOTH
def test_a_wrong_unit_fails_alone_among_good_ones(db: SqliteDatabase, actor: Actor, *, on_loop: bool) -> None:
    db.write(actor, lambda tx: make_shelf(tx, name="taken"))
    heard: list[frozenset[str]] = []
    db.listeners.append(lambda touched, _: heard.append(touched))
    units: list[Unit] = [
        box("a"),
        wrong,
        box("b"),
        lambda tx: make_shelf(tx, name="Taken"),
        box(""),
        box("c"),
        box("dry"),
    ]
    a, key, b, unique, invalid, c, dry = together(db, actor, units, on_loop=on_loop, dry=(6,))
    assert isinstance(key, KeyError)
    assert isinstance(unique, NotUnique)
    assert isinstance(invalid, Invalid)
    assert len({a, b, c, dry}) == 4
    assert labels(db, actor) == ["a", "b", "c"]
    assert heard == [frozenset({"specimen_boxes", "search_documents"})]
    with db.read(actor) as reads:
        assert reads.count(Shelf) == 1
        assert reads.count(Change, entity="specimen_boxes") == 3


class Failing:
    """A connection that fails once as on a full disk: where a statement begins with ``part`` or a value is it."""

    def __init__(self, connection: pysqlite3.Connection, part: str, *, after: int = 0, rolls_back: bool = True) -> None:
        self._connection = connection
        self.part, self.after, self.rolls_back = part, after, rolls_back

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- the connection's own
        return getattr(self._connection, name)

    def execute(self, sql: str, params: Any = ()) -> Any:  # noqa: ANN401 -- the connection's own
        """Run a statement, or fail once."""
        if sql.startswith(self.part) or self.part in params:
            self.after -= 1
            if self.after < 0:
                self.after = 10**9
                if self.rolls_back:
                    self._connection.execute("ROLLBACK")
                raise pysqlite3.OperationalError("database or disk is full")
        return self._connection.execute(sql, params)


@BOTH
@pytest.mark.parametrize("place", range(4))
def test_a_full_disk_at_any_unit_fails_the_whole_group_and_the_next_group_works(
    db: SqliteDatabase, actor: Actor, place: int, *, on_loop: bool
) -> None:
    db.writer._connection = Failing(db.writer._connection, "abcd"[place])  # type: ignore[assignment]
    results = together(db, actor, [box(label) for label in "abcd"], on_loop=on_loop)
    assert [type(result) for result in results] == [Unavailable] * 4
    assert {str(result) for result in results} == {"The database is not available: the disk is full."}
    assert labels(db, actor) == []
    together(db, actor, [box(label) for label in "ef"], on_loop=on_loop)
    assert labels(db, actor) == ["e", "f"]


@BOTH
@pytest.mark.parametrize("rolls_back", [False, True])
@pytest.mark.parametrize("statement", ["SAVEPOINT", "RELEASE", "INSERT INTO changes", "COMMIT", "BEGIN"])
def test_a_full_disk_at_any_statement_keeps_nothing(
    db: SqliteDatabase, actor: Actor, statement: str, *, rolls_back: bool, on_loop: bool
) -> None:
    if statement == "BEGIN" and rolls_back:
        pytest.skip("there is nothing to roll back yet")
    after = 1 if statement in {"SAVEPOINT", "RELEASE", "INSERT INTO changes"} else 0
    db.writer._connection = Failing(db.writer._connection, statement, after=after, rolls_back=rolls_back)  # type: ignore[assignment]
    if not on_loop:  # the unit that holds the gate comes first
        db.writer._connection.after += statement in {"SAVEPOINT", "RELEASE", "COMMIT", "BEGIN"}  # type: ignore[union-attr]
    heard: list[object] = []
    db.listeners.append(lambda touched, _: heard.append(touched))
    results = together(db, actor, [box("a"), box("b"), box("c")], on_loop=on_loop)
    only_one = statement == "INSERT INTO changes" and not rolls_back
    if only_one:  # the unit failed, the transaction lives
        assert [isinstance(result, Unavailable) for result in results] == [False, True, False]
        assert labels(db, actor) == ["a", "c"]
    else:
        assert [type(result) for result in results] == [Unavailable] * 3
        assert labels(db, actor) == []
        assert heard == []
    db.write(actor, box("z"))
    assert labels(db, actor)[-1] == "z"


@BOTH
def test_who_acts_is_sealed_anew_when_the_unit_that_made_the_key_is_undone_with_its_group(
    db: SqliteDatabase, actor: Actor, *, on_loop: bool
) -> None:
    db.write(system(), lambda tx: tx.execute("DELETE FROM subject_keys"))
    db.writer._connection = Failing(db.writer._connection, "COMMIT", after=0 if on_loop else 1)  # type: ignore[assignment]
    results = together(db, actor, [box("a"), box("b"), box("c")], on_loop=on_loop)
    assert [type(result) for result in results] == [Unavailable] * 3
    db.write(actor, box("z"))
    with db.read(system()) as reads:
        made = read_changes(reads, BEGINNING, 1_000, entities=["specimen_boxes"]).changes
    assert [row.actor_label for row in made] == [actor.label]


def test_a_file_that_may_not_grow_is_a_full_disk_until_it_may(db: SqliteDatabase, actor: Actor) -> None:
    connection = db.writer._connection
    assert connection is not None
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    kept, reason = 0, None
    while kept < 100:
        try:
            db.write(actor, lambda tx: make_box(tx, label="x", remark="y" * 4_000))
        except Unavailable as error:
            reason = error.params["reason"]
            break
        kept += 1
    assert reason == "the disk is full"
    assert len(labels(db, actor)) == kept
    connection.execute("PRAGMA max_page_count = 100000")
    db.write(actor, box("z"))
    assert len(labels(db, actor)) == kept + 1


def test_many_threads_and_a_loop_write_together_and_lose_nothing(db: SqliteDatabase, actor: Actor) -> None:
    async def on_loop() -> None:
        await asyncio.gather(*(db.awrite(actor, box(f"l{place:03}"), large=place % 7 == 0) for place in range(100)))

    with ThreadPoolExecutor(5) as pool:
        threads = [pool.submit(db.write, actor, box(f"t{place:03}")) for place in range(100)]
        loops = [pool.submit(asyncio.run, on_loop()) for _ in range(1)]
        for future in [*threads, *loops]:
            future.result()
    assert len(set(labels(db, actor))) == 200
    with db.read(actor) as reads:
        places = [(change.tx, change.seq) for change in reads.rows(Change, order="seq", entity="specimen_boxes")]
    assert len(places) == 200
    assert all(tx == seq for tx, seq in places)


def test_a_unit_after_closing_is_refused(db: SqliteDatabase, actor: Actor) -> None:
    db.close()
    with pytest.raises(Unavailable, match="the server is stopping"):
        db.write(actor, box("a"))
    with pytest.raises(Unavailable, match="the server is stopping"):
        asyncio.run(db.awrite(actor, box("a")))


def test_a_listener_that_fails_harms_nobody(db: SqliteDatabase, actor: Actor) -> None:
    db.listeners.append(lambda *_: 1 / 0)
    db.write(actor, box("a"))
    asyncio.run(db.awrite(actor, box("b")))
    assert labels(db, actor) == ["a", "b"]


# -- several processes --------------------------------------------------------------------------------------------

WRITER = """
import asyncio, sys
from pathlib import Path
from uuid import UUID
from growbase.core.actor import system
from growbase.core.crypto import Keyring
from growbase.core.sqlite import SqliteDatabase
from tests.core.specimens import Box, catalog, make_box

path, organization, name, counted, way = sys.argv[1:]
db = SqliteDatabase(Path(path), catalog(), Keyring.generate())
actor = system(organization_id=UUID(organization))

def unit(place):
    def run(tx):
        make_box(tx, label=f"{name}{place:03}")
        tx.increment(Box, UUID(counted), "coin_count")
    return run

async def on_loop():
    await asyncio.gather(*(db.awrite(actor, unit(place)) for place in range(100)))

if way == "loop":
    asyncio.run(on_loop())
else:
    for place in range(100):
        db.write(actor, unit(place))
db.close()
"""


def test_several_processes_write_one_file_and_lose_nothing(db: SqliteDatabase, path: Path, actor: Actor) -> None:
    counted = db.write(actor, box("counted"))
    processes = [
        start(
            [sys.executable, "-c", WRITER, path, str(actor.organization_id), name, str(counted), way],
            cwd=ROOT,
            env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
            output=subprocess.PIPE,
        )
        for name, way in (("a", "threads"), ("b", "loop"), ("c", "threads"))
    ]
    for place in range(50):
        db.write(actor, box(f"d{place:03}"))
    for process in processes:
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output.decode()
        assert output == b""
    assert len(labels(db, actor)) == 351
    with db.read(actor) as reads:
        assert reads.get(Box, counted).coin_count == 300
        assert reads.count(Change, entity="specimen_boxes") == 351
    (broken,) = db.query("PRAGMA integrity_check")
    assert broken == ("ok",)


def test_another_program_that_holds_the_database_is_waited_for(db: SqliteDatabase, path: Path, actor: Actor) -> None:
    other = connect(path)
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(2) as pool:
        by_thread = pool.submit(db.write, actor, box("a"))
        by_loop = pool.submit(asyncio.run, db.awrite(actor, box("b")))
        assert labels(db, actor) == []
        assert not by_thread.done()
        other.execute("COMMIT")
        by_thread.result(10)
        by_loop.result(10)
    other.close()
    assert labels(db, actor) == ["a", "b"]


# -- files that are not as they should be -------------------------------------------------------------------------


def read_and_write(db: SqliteDatabase) -> list[str]:
    """Return the reasons for which a read and a write fail."""
    reasons = []
    for attempt in (
        lambda: db.query("SELECT count(*) FROM changes"),
        lambda: db.write(
            system(), lambda tx: tx.insert_facts(InstanceFact, [{"name": "x", "value": "1"}], ignore=True)
        ),
        lambda: asyncio.run(
            db.awrite(system(), lambda tx: tx.insert_facts(InstanceFact, [{"name": "x", "value": "1"}], ignore=True))
        ),
        db.info,
    ):
        try:
            attempt()  # type: ignore[no-untyped-call]
        except Unavailable as error:
            reasons.append(str(error.params["reason"]))
    return reasons


def test_a_file_that_is_no_database_is_unavailable_until_it_is_one(
    tmp_path: Path, catalog: Catalog, sqlite_template: Path
) -> None:
    path = tmp_path / "growbase.db"
    path.write_bytes(b"This is no database, whatever its name may say." * 100)
    db = SqliteDatabase(path, catalog, KEYRING)
    assert read_and_write(db) == ["the file is not a database"] * 4
    path.write_bytes(sqlite_template.read_bytes())
    assert read_and_write(db) == []
    db.close()


def test_a_database_without_schema_says_what_to_do(tmp_path: Path, catalog: Catalog) -> None:
    path = tmp_path / "growbase.db"
    connect(path).close()
    db = SqliteDatabase(path, catalog, KEYRING)
    assert set(read_and_write(db)) == {"its schema is not installed: run growbase db upgrade"}
    db.close()


def test_a_missing_folder_is_unavailable(tmp_path: Path, catalog: Catalog) -> None:
    with pytest.raises(Unavailable, match="can't be opened"):
        SqliteDatabase(tmp_path / "missing" / "growbase.db", catalog, KEYRING)


def test_a_read_only_file_is_told_so_and_recovers(db: SqliteDatabase, actor: Actor) -> None:
    db.write(actor, box("a"))
    assert db.writer._connection is not None
    db.writer._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(Unavailable, match="the database file is read-only"):
        db.write(actor, box("b"))
    assert labels(db, actor) == ["a"]
    db.writer._connection.execute("PRAGMA query_only = OFF")
    db.write(actor, box("c"))
    assert labels(db, actor) == ["a", "c"]


def test_a_query_that_takes_too_long_is_ended(db: SqliteDatabase) -> None:
    endless = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(Unavailable, match="the query took longer than 30 ms"):
        db.query(endless, timeout_ms=30)
    assert db.query("SELECT 1", timeout_ms=30) == [(1,)]


def test_reading_connections_can_not_write(db: SqliteDatabase, actor: Actor) -> None:
    with db.read(actor) as reads, pytest.raises(pysqlite3.OperationalError, match="readonly"):
        reads.execute("DELETE FROM specimen_boxes")


def test_an_acknowledged_write_is_synced(db: SqliteDatabase, actor: Actor) -> None:
    assert db.writer._connection is not None
    assert db.writer._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert db.writer._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db.writer._connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
