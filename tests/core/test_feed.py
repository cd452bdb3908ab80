import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest

from growbase.core.actor import Actor, Role, system
from growbase.core.database import Database
from growbase.core.errors import Gone, InvalidQuery
from growbase.core.feed import (
    BEGINNING,
    SCANNED,
    Batch,
    Position,
    advance_reader,
    cursor_of,
    needed_role,
    newest,
    position_at,
    position_of,
    read_changes,
    reader_position,
    require_kept,
    shown_change,
    start_reader,
    undelivered_since,
)
from growbase.core.postgres import PostgresDatabase
from growbase.core.resource import Catalog
from growbase.core.tables import Change
from growbase.core.transaction import Transaction
from tests.core.conftest import open_at
from tests.core.specimens import Box, Shelf, make_box, make_shelf
from tests.fixtures import KEYRING, Tenant, make_tenant


def batch(db: Database, actor: Actor, after: Position = BEGINNING, limit: int = 200, **options: Any) -> Batch:  # noqa: ANN401
    with db.read(actor) as reads:
        return read_changes(reads, after, limit, **options)


def end(db: Database) -> Position:
    with db.read(system()) as reads:
        return newest(reads)


def labels(changes: list[Change]) -> list[str]:
    return [change.changes["label"][1] for change in changes if change.changes and "label" in change.changes]


def box(label: str) -> Callable[[Transaction], UUID]:
    return partial(make_box, label=label)


# -- order ------------------------------------------------------------------------------------------------------------


def test_changes_are_read_in_order_page_by_page_up_to_the_end(db: Database, tenant: Tenant) -> None:
    start = end(db)
    for number in range(5):
        db.write(tenant.member, box(f"box {number}"))
    seen, position, has_more = [], start, True
    while has_more:
        found = batch(db, tenant.member, position, 2)
        seen += found.changes
        position, has_more = found.position, found.has_more
    assert labels(seen) == [f"box {number}" for number in range(5)]
    assert position == end(db)
    assert batch(db, tenant.member, position) == Batch([], position, has_more=False)


def test_another_organizations_changes_are_passed_over(db: Database, tenant: Tenant, other_tenant: Tenant) -> None:
    start = end(db)
    db.write(other_tenant.member, box("theirs"))
    found = batch(db, tenant.member, start)
    assert (found.changes, found.has_more) == ([], False)
    assert found.position == end(db) > start
    db.write(tenant.member, box("ours"))
    assert labels(batch(db, tenant.member, found.position).changes) == ["ours"]
    both = [UUID(str(tenant.organization_id)), UUID(str(other_tenant.organization_id))]
    assert labels(batch(db, system(), start, organizations=both).changes) == ["theirs", "ours"]
    assert labels(batch(db, system(), start, organizations=both[:1]).changes) == ["ours"]
    with pytest.raises(AssertionError):
        batch(db, tenant.owner, start, organizations=both)


def test_a_rare_table_is_searched_for_stretch_by_stretch(db: Database, tenant: Tenant) -> None:
    start = end(db)

    def many(tx: Transaction) -> None:
        tx.insert_many(Box, [{"label": f"box {number}"} for number in range(SCANNED + 5)])
        make_shelf(tx, name="the one")

    db.write(tenant.member, many)
    first = batch(db, tenant.member, start, entities=["specimen_shelves"])
    assert (first.changes, first.has_more) == ([], True)
    second = batch(db, tenant.member, first.position, entities=["specimen_shelves"])
    assert [change.entity for change in second.changes] == ["specimen_shelves"]
    assert (second.position, second.has_more) == (end(db), False)


def test_organizations_with_few_changes_are_searched_for_stretch_by_stretch(
    db: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    start = end(db)
    db.write(other_tenant.member, lambda tx: tx.insert_many(Box, [{"label": f"{n}"} for n in range(SCANNED + 5)]))
    db.write(tenant.member, box("ours"))
    ours = [UUID(str(tenant.organization_id))]
    first = batch(db, system(), start, organizations=ours)
    assert (first.changes, first.has_more) == ([], True)
    second = batch(db, system(), first.position, organizations=ours)
    assert (labels(second.changes), second.has_more) == (["ours"], False)


@pytest.fixture
def postgres_db(engine: str, request: pytest.FixtureRequest) -> Database:
    if engine != "postgres":
        pytest.skip("SQLite has one writer, so that commits are in order")
    found: Database = request.getfixturevalue("db")
    return found


def hold(db: Database, actor: Actor, label: str, written: threading.Event, go_on: threading.Event) -> None:
    def unit(tx: Transaction) -> None:
        make_box(tx, label=label)
        tx.flush()
        written.set()
        assert go_on.wait(9)

    db.write(actor, unit)


def test_a_reader_waits_for_a_transaction_that_is_numbered_lower_and_commits_later(
    postgres_db: Database, tenant: Tenant, catalog: Catalog, installed_url: str
) -> None:
    start = end(postgres_db)
    with closing(open_at(installed_url, catalog)) as second, ThreadPoolExecutor(1) as pool:
        written, go_on = threading.Event(), threading.Event()
        slow = pool.submit(hold, postgres_db, tenant.member, "first", written, go_on)
        assert written.wait(9)
        second.write(tenant.member, box("second"))
        for database in (postgres_db, second):
            found = batch(database, tenant.member, start)
            assert (found.changes, found.position, found.has_more) == ([], start, False)
            assert end(database) == start
        go_on.set()
        slow.result()
        found = batch(second, tenant.member, start)
        assert labels(found.changes) == ["first", "second"]
        assert found.changes[0].tx < found.changes[1].tx


def test_a_transaction_elsewhere_that_has_only_read_holds_nobody_up(postgres_db: Database, tenant: Tenant) -> None:
    start = end(postgres_db)
    with postgres_db.read(tenant.member, snapshot=True) as reads:
        assert read_changes(reads, start, 10).changes == []
        postgres_db.write(tenant.member, box("meanwhile"))
        assert read_changes(reads, start, 10).position == start
        assert labels(batch(postgres_db, tenant.member, start).changes) == ["meanwhile"]


def test_what_a_transaction_undoes_leaves_no_gap_to_wait_for(postgres_db: Database, tenant: Tenant) -> None:
    start = end(postgres_db)

    def fail(tx: Transaction) -> None:
        make_box(tx, label="undone")
        tx.flush()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        postgres_db.write(tenant.member, fail)
    postgres_db.write(tenant.member, box("kept"))
    assert labels(batch(postgres_db, tenant.member, start).changes) == ["kept"]


def test_no_change_is_lost_or_repeated_while_several_processes_write_at_once(
    db: Database, tenant: Tenant, other_tenant: Tenant, catalog: Catalog, installed_url: str
) -> None:
    start = end(db)
    stop = threading.Event()

    def write(database: Database, actor: Actor, worker: int) -> None:
        chance = random.Random(worker)
        for number in range(30):

            def unit(tx: Transaction, number: int = number) -> None:
                for part in range(chance.randrange(1, 4)):
                    make_box(tx, label=f"{worker} {number} {part}")
                    if db.engine == "postgresql":
                        tx.flush()
                        stop.wait(chance.random() / 100)

            database.write(actor, unit)

    def follow(database: Database, actor: Actor) -> list[Change]:
        seen, position = [], start
        while True:
            over = stop.is_set()
            found = batch(database, actor, position, 7)
            assert found.position >= position
            seen += found.changes
            position = found.position
            if over and not found.has_more:
                return seen
            if not found.changes:
                stop.wait(0.001)

    with closing(open_at(installed_url, catalog)) as second, ThreadPoolExecutor(7) as pool:
        readers = [pool.submit(follow, *where) for where in ((db, tenant.viewer), (second, tenant.viewer))]
        writers = [
            pool.submit(write, database, actor, worker)
            for worker, (database, actor) in enumerate(
                [(db, tenant.member), (second, tenant.admin), (second, other_tenant.member), (db, other_tenant.owner)]
            )
        ]
        for writer in writers:
            writer.result()
        stop.set()
        seen = [reader.result() for reader in readers]
    with db.read(tenant.viewer) as reads:
        changes = reads.rows(Change, order="tx, seq")
        whole = [position_of(change) for change in changes if position_of(change) > start]
    assert len(whole) > 60
    assert [[position_of(change) for change in found] for found in seen] == [whole, whole]


def test_a_moved_log_is_read_from_its_old_part_into_the_new(
    engine: str, installed_url: str, catalog: Catalog, request: pytest.FixtureRequest
) -> None:
    if engine != "postgres":
        pytest.skip("SQLite counts on from the greatest number")
    with closing(open_at(installed_url, catalog)) as old:
        actor = make_tenant(old, "Acme").member
        before = len(batch(old, actor).changes)
        position = end(old)
    with closing(PostgresDatabase(installed_url, catalog, KEYRING, pool_max=2, log_base=10**12)) as new:
        new.write(actor, box("moved"))
        assert labels(batch(new, actor, position).changes) == ["moved"]
        assert len(batch(new, actor).changes) == before + 1
        assert end(new).tx > 10**12


# -- what the log has let go of ---------------------------------------------------------------------------------------


def forget(db: Database, installed_url: str, up_to: Position) -> None:
    """Delete the oldest part of the log as retention does."""
    where = f"WHERE tx < {up_to.tx} OR (tx = {up_to.tx} AND seq <= {up_to.seq})"
    if db.engine == "sqlite":

        def unit(tx: Transaction) -> None:
            tx.execute("INSERT INTO instance_facts (name, value) VALUES ('log_retention', 'on')")
            tx.execute(f"DELETE FROM changes {where}")
            tx.execute("DELETE FROM instance_facts WHERE name = 'log_retention'")

        db.write(system(), unit)
        return
    with psycopg.connect(installed_url) as connection:
        connection.execute("SELECT set_config('growbase.retention', 'on', true)")
        connection.execute(f"DELETE FROM changes {where}".encode())


def test_a_position_before_what_the_log_keeps_is_gone(db: Database, tenant: Tenant, installed_url: str) -> None:
    places = []
    for label in ("a", "b", "c"):
        db.write(tenant.member, box(label))
        places.append(end(db))
    forget(db, installed_url, places[1])
    with db.read(tenant.member) as reads:
        for place in places[:2]:
            with pytest.raises(Gone) as refused:
                require_kept(reads, place)
            assert str(refused.value).startswith("The history is kept only since 20")
        require_kept(reads, places[2])
        require_kept(reads, BEGINNING)
        with pytest.raises(Gone):
            require_kept(reads, Position(places[2].tx + 5, places[2].seq + 5))
    assert labels(batch(db, tenant.member).changes) == ["c"]
    forget(db, installed_url, places[2])
    with db.read(tenant.member) as reads:
        with pytest.raises(Gone):
            require_kept(reads, places[2])
        assert newest(reads) == BEGINNING


# -- what is shown ----------------------------------------------------------------------------------------------------


def test_a_change_shows_what_the_api_shows_and_no_secret(db: Database, tenant: Tenant) -> None:
    start = end(db)
    db.write(tenant.member, partial(make_box, label="a", pin="1234", hash="abc"))
    db.write(tenant.member, lambda tx: tx.record("export", "specimen_boxes", None, {"query": "q=secret"}))
    db.write(tenant.member, lambda tx: tx.insert(Shelf, name="s"))
    made, exported, shelved = batch(db, tenant.member, start).changes
    shown = shown_change(db.catalog, made)
    assert shown["cursor"] == cursor_of(position_of(made))
    assert (shown["entity"], shown["action"], shown["version"]) == ("specimen_boxes", "insert", 1)
    actor = {"type": "user", "id": str(tenant.member.id), "label": tenant.member.label}
    assert (shown["entity_id"], shown["actor"]) == (str(made.entity_id), actor)
    assert shown["changes"]["label"] == [None, "a"]
    assert not {"pin", "pin_cipher", "hash"} & set(shown["changes"])
    assert needed_role(db.catalog, made) is Role.VIEWER
    assert needed_role(db.catalog, exported) is None
    assert needed_role(db.catalog, shelved) is Role.VIEWER
    with db.read(system()) as reads:
        [someone, *_] = reads.rows(Change, entity="users", anywhere=True)
    assert needed_role(db.catalog, someone) is None


def test_a_cursor_is_read_back_and_anything_else_is_refused() -> None:
    for position in (BEGINNING, Position(7, 9), Position(10**12 + 5, 10**15)):
        assert position_at(cursor_of(position)) == position
    for text in ("", "x", "MS4", "*", "é", "MS4yLjM", cursor_of(Position(10**18, 1)), cursor_of(Position(-1, 1))):
        with pytest.raises(InvalidQuery, match="is not a cursor of this feed"):
            position_at(text)


# -- named readers ----------------------------------------------------------------------------------------------------


@pytest.fixture
def reader(db: Database, tenant: Tenant) -> Iterator[Callable[[], Position]]:
    """Give a function that returns where a started reader stands."""
    db.write(system(), lambda tx: start_reader(tx, "test"))

    def position() -> Position:
        with db.read(system()) as reads:
            found = reader_position(reads, "test")
        assert found is not None
        return found

    return position


def test_a_reader_begins_at_the_end_and_only_once(db: Database, tenant: Tenant, reader: Callable[[], Position]) -> None:
    start = reader()
    assert start == end(db) > BEGINNING
    db.write(tenant.member, box("a"))
    db.write(system(), lambda tx: start_reader(tx, "test"))
    assert reader() == start
    db.write(system(), lambda tx: start_reader(tx, "later"))
    with db.read(system()) as reads:
        assert undelivered_since(reads) == start
        assert reader_position(reads, "none") is None


def test_of_several_that_store_the_same_changes_one_succeeds(
    db: Database, tenant: Tenant, reader: Callable[[], Position], catalog: Catalog, installed_url: str
) -> None:
    start = reader()
    db.write(tenant.member, box("a"))
    found = batch(db, tenant.member, start)

    def store(tx: Transaction) -> bool:
        if not advance_reader(tx, "test", start, found.position):
            return False
        make_shelf(tx, name=f"effect {random.random()}")
        return True

    with closing(open_at(installed_url, catalog)) as second, ThreadPoolExecutor(6) as pool:
        results = [pool.submit(database.write, tenant.member, store) for database in (db, second) * 3]
        assert sorted(result.result() for result in results) == [False] * 5 + [True]
    assert reader() == found.position
    with db.read(tenant.member) as reads:
        assert reads.count(Shelf) == 1


def test_an_effect_that_fails_leaves_the_reader_where_it_was(
    db: Database, tenant: Tenant, reader: Callable[[], Position]
) -> None:
    start = reader()
    db.write(tenant.member, box("a"))
    found = batch(db, tenant.member, start)

    def fail(tx: Transaction) -> None:
        assert advance_reader(tx, "test", start, found.position)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        db.write(tenant.member, fail)
    assert reader() == start


def test_every_read_of_the_log_goes_by_an_index(db: Database, tenant: Tenant) -> None:
    statements: list[tuple[str, Any]] = []
    with db.read(tenant.member) as reads:
        execute = reads.execute

        def note(sql: str, params: Any = ()) -> Any:  # noqa: ANN401
            statements.append((sql, params))
            return execute(sql, params)

        reads.execute = note
        read_changes(reads, Position(1, 1), 10, entities=["specimen_boxes"])
        newest(reads)
    prefix = "EXPLAIN QUERY PLAN " if db.engine == "sqlite" else "EXPLAIN "
    with db.read(system(), snapshot=True) as reads:
        if db.engine == "postgresql":
            reads.execute("SET LOCAL enable_seqscan = off")
            reads.execute("SET LOCAL enable_sort = off")
        for sql, params in statements:
            plan = "\n".join(str(row[-1]) for row in reads.execute(prefix + sql, params).fetchall())
            assert "_changes_tx_seq" in plan, plan
            assert "Sort" not in plan, plan
            assert "TEMP B-TREE" not in plan, plan
