import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pysqlite3
import pytest

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.crypto import BrokenSeal
from growbase.core.database import Database
from growbase.core.errors import ForeignKey, Invalid, InvalidTransition, NotFound, NotUnique, Stale
from growbase.core.facts import delete_facts
from growbase.core.reads import Where
from growbase.core.resource import Catalog
from growbase.core.sqlite_connection import connect
from growbase.core.tables import Change, Job
from growbase.core.transaction import SEALED, Transaction
from growbase.core.trash import trash
from growbase.domains.identity.models import Membership, Organization
from tests.core.conftest import open_at
from tests.core.specimens import Box, BoxState, Coin, Photo, Shelf, Visit, make_box, make_coin, make_shelf
from tests.fixtures import Tenant


def add_box(db: Database, actor: Actor, **values: object) -> UUID:
    return db.write(actor, lambda tx: make_box(tx, **values))


def box(db: Database, actor: Actor, identity: UUID) -> dict[str, Any]:
    with db.read(actor) as reads:
        return dict(reads.get(Box, identity, trash=True).__dict__)


def changes(db: Database, actor: Actor, identity: UUID) -> list[Change]:
    with db.read(actor) as reads:
        return reads.rows(Change, order="seq", entity_id=identity)


def field_of(error: Invalid | ForeignKey | NotUnique) -> list[str]:
    return [found.field for found in error.fields]


# -- insert -------------------------------------------------------------------------------------------------------


def test_an_inserted_row_has_its_id_tenant_defaults_times_author_and_version(db: Database, tenant: Tenant) -> None:
    actor = tenant.member
    before = clock.now()
    row = box(db, actor, add_box(db, actor))
    assert row["organization_id"] == tenant.organization_id
    assert (row["version"], row["created_by"], row["updated_by"]) == (1, actor.id, actor.id)
    assert before <= row["created_at"] == row["updated_at"] <= clock.now()
    assert (row["state"], row["coin_count"], row["is_open"], row["tags"]) == (BoxState.PACKED, 0, False, [])
    assert row["deleted_at"] is None


def test_one_statement_inserts_many_rows_and_each_leaves_its_change(db: Database, actor: Actor) -> None:
    rows: list[dict[str, object]] = [{"label": "a", "rank": 1}, {"label": "b"}, {"label": "c", "rank": 3}]
    identities = db.write(actor, lambda tx: tx.insert_many(Box, rows))
    with db.read(actor) as reads:
        found = reads.rows(Box, order="label")
    assert [row.__dict__["id"] for row in found] == identities
    assert [row.__dict__["rank"] for row in found] == [1, None, 3]
    assert [change.action for identity in identities for change in changes(db, actor, identity)] == ["insert"] * 3
    assert db.write(actor, lambda tx: tx.insert_many(Box, [])) == []


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"label": ""}, "label"),
        ({"label": "x" * 101}, "label"),
        ({"coin_count": -1}, "coin_count"),
        ({"size": "medium"}, "size"),
        ({"weight": 1e10}, "weight"),
        ({"label": None}, "label"),
        ({"price_minor": 1}, "price"),
    ],
)
def test_a_value_the_check_refuses_is_named(
    db: Database, actor: Actor, values: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        add_box(db, actor, **values)
    assert field_of(caught.value) == [field]


@pytest.mark.parametrize("values", [{"rank": 2**63}, {"coin_count": -(2**64)}])
def test_a_number_of_more_than_64_bits_is_invalid(db: Database, actor: Actor, values: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        add_box(db, actor, **values)


def test_a_name_taken_in_any_case_is_refused_and_named(db: Database, actor: Actor, other_tenant: Tenant) -> None:
    db.write(actor, lambda tx: make_shelf(tx, name="Éclair"))
    for name in ("Éclair", "éCLAIR", "E\u0301clair "):
        with pytest.raises(NotUnique) as caught:
            db.write(actor, lambda tx, name=name: make_shelf(tx, name=name))
        assert field_of(caught.value) == ["name"]
    db.write(other_tenant.owner, lambda tx: make_shelf(tx, name="Éclair"))


# -- references ---------------------------------------------------------------------------------------------------


def test_a_reference_to_nothing_or_to_another_organization_is_refused(
    db: Database, actor: Actor, other_tenant: Tenant
) -> None:
    foreign = db.write(other_tenant.owner, make_shelf)
    for shelf_id in (uuid4(), foreign):
        with pytest.raises(ForeignKey) as caught:
            add_box(db, actor, shelf_id=shelf_id)
        assert field_of(caught.value) == ["shelf_id"]
    identity = add_box(db, actor)
    with pytest.raises(ForeignKey):
        db.write(actor, lambda tx: tx.update(Box, identity, {"shelf_id": foreign}))


def test_the_database_itself_refuses_a_reference_into_another_organization(
    db: Database, installed_url: str, actor: Actor, other_tenant: Tenant
) -> None:
    foreign = db.write(other_tenant.owner, make_shelf)
    own = db.write(actor, make_shelf)
    members = {"foreign": other_tenant.member.id, "own": actor.id}
    connection: Any
    if db.engine == "sqlite":
        connection, sign = connect(db.path), "?"  # type: ignore[attr-defined]
    else:
        connection, sign = psycopg.connect(installed_url, autocommit=True), "%s"
    insert = (
        "INSERT INTO specimen_boxes (organization_id, id, label, state, coin_count, is_open, tags, created_at, "
        f"updated_at, version, shelf_id, owner_user_id) VALUES ({', '.join([sign] * 12)})"
    )

    def try_insert(shelf: UUID, member: UUID | None) -> None:
        row = [actor.organization_id, uuid4(), "raw", "packed", 0, False, "[]", "2026-01-01T00:00:00.000000Z"]
        row += ["2026-01-01T00:00:00.000000Z", 1, shelf, member]
        connection.execute(insert, [str(value) if isinstance(value, UUID) else value for value in row])

    try:
        try_insert(own, members["own"])
        for shelf, member in ((foreign, None), (own, members["foreign"]), (uuid4(), None)):
            with pytest.raises((pysqlite3.IntegrityError, psycopg.errors.ForeignKeyViolation)):
                try_insert(shelf, member)
    finally:
        connection.close()


def test_a_trashed_row_can_not_be_referred_to(db: Database, actor: Actor) -> None:
    shelf = db.write(actor, make_shelf)
    db.write(actor, lambda tx: trash(tx, Shelf, shelf))
    with pytest.raises(ForeignKey, match="shelf_id must be the id of an existing shelf"):
        add_box(db, actor, shelf_id=shelf)


def test_an_owner_must_be_a_member_who_is_not_disabled(db: Database, tenant: Tenant, other_tenant: Tenant) -> None:
    with pytest.raises(ForeignKey, match="owner_user_id"):
        add_box(db, tenant.owner, owner_user_id=other_tenant.owner.id)

    def disable(tx: Transaction) -> None:
        membership = tx.find(Membership, user_id=tenant.viewer.id)
        assert membership is not None
        tx.update(Membership, membership.id, {"status": "disabled"})

    db.write(tenant.owner, disable)
    with pytest.raises(ForeignKey, match="owner_user_id"):
        add_box(db, tenant.owner, owner_user_id=tenant.viewer.id)
    assert box(db, tenant.owner, add_box(db, tenant.owner, owner_user_id=tenant.member.id))


@pytest.mark.parametrize("turn", range(6))
def test_a_child_never_slips_under_a_parent_that_is_being_trashed(db: Database, actor: Actor, turn: int) -> None:
    shelf = db.write(actor, make_shelf)
    barrier = threading.Barrier(5)

    def insert() -> UUID | None:
        barrier.wait()
        try:
            return add_box(db, actor, shelf_id=shelf)
        except ForeignKey:
            return None

    def remove() -> None:
        barrier.wait()
        db.write(actor, lambda tx: trash(tx, Shelf, shelf))

    with ThreadPoolExecutor(5) as pool:
        inserts = [pool.submit(insert) for _ in range(4)]
        pool.submit(remove).result()
        found = [future.result() for future in inserts]
    for identity in filter(None, found):
        assert box(db, actor, identity)["deleted_at"] is not None


# -- update -------------------------------------------------------------------------------------------------------


def test_an_update_raises_the_version_and_keeps_both_values(db: Database, tenant: Tenant) -> None:
    identity = add_box(db, tenant.owner, rank=1, details={"a": 1})
    changed: dict[str, object] = {"label": "New", "rank": None, "details": {"a": 2}, "coin_count": 0}
    assert db.write(tenant.member, lambda tx: tx.update(Box, identity, changed, version=1)) == 2
    row = box(db, tenant.owner, identity)
    assert (row["label"], row["rank"], row["details"], row["version"]) == ("New", None, {"a": 2}, 2)
    assert (row["created_by"], row["updated_by"]) == (tenant.owner.id, tenant.member.id)
    assert row["updated_at"] > row["created_at"]
    _, change = changes(db, tenant.owner, identity)
    assert (change.action, change.version, change.actor_id) == ("update", 2, tenant.member.id)
    assert change.changes == {"label": ["Box", "New"], "rank": [1, None], "details": [{"a": 1}, {"a": 2}]}


def test_an_update_that_changes_nothing_writes_nothing(db: Database, actor: Actor) -> None:
    identity = add_box(db, actor, rank=1)
    assert db.write(actor, lambda tx: tx.update(Box, identity, {"rank": 1, "label": "Box"})) == 1
    assert db.write(actor, lambda tx: tx.update(Box, identity, {})) == 1
    assert len(changes(db, actor, identity)) == 1


def test_a_stale_version_is_refused_and_the_current_one_told(db: Database, actor: Actor) -> None:
    identity = add_box(db, actor)
    db.write(actor, lambda tx: tx.update(Box, identity, {"rank": 1}, version=1))
    with pytest.raises(Stale) as caught:
        db.write(actor, lambda tx: tx.update(Box, identity, {"rank": 2}, version=1))
    assert caught.value.params["current_version"] == 2
    assert box(db, actor, identity)["rank"] == 1


def test_of_concurrent_updates_of_one_version_exactly_one_wins(db: Database, actor: Actor) -> None:
    identity = add_box(db, actor)
    barrier = threading.Barrier(8)

    def update(rank: int) -> int:
        barrier.wait()
        try:
            db.write(actor, lambda tx: tx.update(Box, identity, {"rank": rank}, version=1))
        except Stale:
            return 0
        return rank

    with ThreadPoolExecutor(8) as pool:
        won = [rank for rank in pool.map(update, range(1, 9)) if rank]
    assert len(won) == 1
    row = box(db, actor, identity)
    assert (row["rank"], row["version"]) == (won[0], 2)


def test_rows_of_others_and_rows_in_the_trash_can_not_be_changed(
    db: Database, actor: Actor, other_tenant: Tenant
) -> None:
    identity = add_box(db, actor)
    write: list[Callable[[Transaction], object]] = [
        lambda tx: tx.update(Box, identity, {"rank": 1}),
        lambda tx: tx.transition(Box, identity, BoxState.LOST),
        lambda tx: tx.increment(Box, identity, "coin_count"),
        lambda tx: trash(tx, Box, identity),
        lambda tx: tx.delete(Box, identity),
    ]
    for unit in write:
        for stranger in (other_tenant.owner, system()):
            with pytest.raises(NotFound, match="There is no such box"):
                db.write(stranger, unit)
    db.write(actor, lambda tx: trash(tx, Box, identity))
    with pytest.raises(NotFound):
        db.write(actor, write[0])


def test_a_row_in_hand_can_not_be_set(db: Database, actor: Actor) -> None:
    identity = add_box(db, actor)
    with db.read(actor) as reads, pytest.raises(AttributeError, match=r"use tx\.update\(Box, id, {'label': \.\.\.}\)"):
        reads.get(Box, identity).label = "x"


# -- transitions --------------------------------------------------------------------------------------------------


def test_a_transition_is_logged_as_one_and_returns_the_row_before(db: Database, actor: Actor) -> None:
    identity = add_box(db, actor)
    before = db.write(actor, lambda tx: tx.transition(Box, identity, BoxState.SHIPPED, rank=3))
    assert before.state is BoxState.PACKED
    row = box(db, actor, identity)
    assert (row["state"], row["rank"], row["version"]) == (BoxState.SHIPPED, 3, 2)
    assert changes(db, actor, identity)[-1].action == "transition"
    db.write(actor, lambda tx: tx.transition(Box, identity, BoxState.SHIPPED))
    assert box(db, actor, identity)["version"] == 2


@pytest.mark.parametrize(
    ("path", "to", "allowed"),
    [
        ([], BoxState.OPENED, ["lost", "shipped"]),
        ([BoxState.SHIPPED], BoxState.PACKED, ["lost", "opened"]),
        ([BoxState.SHIPPED, BoxState.OPENED], BoxState.LOST, []),
    ],
)
def test_a_transition_nobody_declared_names_what_is_allowed(
    db: Database, actor: Actor, path: list[BoxState], to: BoxState, allowed: list[str]
) -> None:
    identity = add_box(db, actor)
    for step in path:
        db.write(actor, lambda tx, step=step: tx.transition(Box, identity, step))
    with pytest.raises(InvalidTransition) as caught:
        db.write(actor, lambda tx: tx.transition(Box, identity, to))
    assert caught.value.params["allowed"] == allowed
    assert str(caught.value) == f"A box can't go from {path[-1] if path else 'packed'} to {to}."


# -- secrets ------------------------------------------------------------------------------------------------------


def test_a_secret_opens_in_its_row_and_shows_nowhere_else(
    db: Database, actor: Actor, installed_url: str
) -> None:
    identity = add_box(db, actor, pin="open sesame")
    db.write(actor, lambda tx: tx.update(Box, identity, {"pin": "sesame two"}))
    with db.read(actor) as reads:
        row = reads.get(Box, identity)
        assert reads.secret(row, "pin") == "sesame two"
        assert repr(row) == f"<Box {identity}>"
    logged = [change.changes for change in changes(db, actor, identity)]
    assert logged[0]["pin_cipher"] == [None, SEALED]  # type: ignore[index]
    assert logged[1] == {"pin_cipher": [SEALED, SEALED]}
    assert b"sesame" not in b"".join(bytes(cell) for (cell,) in db.query("SELECT pin_cipher FROM specimen_boxes"))
    assert "sesame" not in str(db.query("SELECT * FROM changes"))
    db.write(actor, lambda tx: tx.update(Box, identity, {"pin": None}))
    with db.read(actor) as reads:
        assert reads.secret(reads.get(Box, identity), "pin") is None


def test_a_seal_moved_to_another_row_does_not_open(db: Database, actor: Actor, other_tenant: Tenant) -> None:
    first, second = add_box(db, actor, pin="1234"), add_box(db, actor, pin="5678")
    stranger = add_box(db, other_tenant.owner)

    def move(tx: Transaction, to: UUID) -> None:
        sign = "%s" if tx.engine == "postgresql" else "?"
        (sealed,) = tx.execute("SELECT pin_cipher FROM specimen_boxes WHERE label = 'Box' AND pin_cipher IS NOT NULL ORDER BY id").fetchone()
        tx.execute(f"UPDATE specimen_boxes SET pin_cipher = {sign} WHERE id = {sign}", [sealed, str(to)])

    for identity, actor_ in ((second, actor), (stranger, other_tenant.owner)):
        db.write(actor, lambda tx, to=identity: move(tx, to))
        with db.read(actor_) as reads, pytest.raises(BrokenSeal):
            reads.secret(reads.get(Box, identity), "pin")
    with db.read(actor) as reads:
        assert reads.secret(reads.get(Box, first), "pin") == "1234"


def test_hidden_columns_leave_no_value_in_the_log(db: Database, actor: Actor) -> None:
    identity = add_box(db, actor, hash="f" * 64)
    db.write(actor, lambda tx: tx.update(Box, identity, {"hash": "e" * 64}))
    assert "ffff" not in str([change.changes for change in changes(db, actor, identity)])


# -- counters and facts -------------------------------------------------------------------------------------------


def test_no_increment_is_lost(db: Database, actor: Actor) -> None:
    identity = add_box(db, actor)

    def add(by: int) -> None:
        db.write(actor, lambda tx: tx.increment(Box, identity, "coin_count", by))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, [1, 2, 3] * 20))
    assert box(db, actor, identity)["coin_count"] == 120
    assert len(changes(db, actor, identity)) == 1


def test_an_increment_beyond_the_rule_is_refused(db: Database, actor: Actor) -> None:
    identity = add_box(db, actor)
    with pytest.raises(Invalid, match="coin_count has a value that is not allowed"):
        db.write(actor, lambda tx: tx.increment(Box, identity, "coin_count", -1))


def test_facts_are_set_and_deleted_inside_the_organization_only(
    db: Database, actor: Actor, other_tenant: Tenant
) -> None:
    box_id = add_box(db, actor)
    row = {"organization_id": actor.organization_id, "id": clock.new_id(), "box_id": box_id, "looks": 1}
    db.write(actor, lambda tx: tx.insert_facts(Visit, [row]))
    db.write(actor, lambda tx: tx.insert_facts(Visit, [row], ignore=True))
    assert db.write(other_tenant.owner, lambda tx: tx.set_facts(Visit, {"box_id": box_id}, {"looks": 5})) == 0
    assert db.write(other_tenant.owner, lambda tx: delete_facts(tx, Visit, {"box_id": box_id})) == 0
    assert db.write(actor, lambda tx: tx.set_facts(Visit, {"box_id": box_id, "looks": 1}, {"looks": 5})) == 1
    with db.read(actor) as reads:
        assert [visit.looks for visit in reads.rows(Visit)] == [5]
        assert reads.count(Visit, Where("looks", ">", 4)) == 1
    assert db.write(actor, lambda tx: delete_facts(tx, Visit, {"box_id": box_id})) == 1
    assert changes(db, actor, row["id"]) == []  # type: ignore[arg-type]


def test_a_job_is_there_if_and_only_if_its_unit_committed(db: Database, actor: Actor) -> None:
    def unit(tx: Transaction) -> None:
        tx.enqueue("pack", {"n": 1}, queue="packing", dedupe_key="one")
        tx.enqueue("pack", {"n": 2}, queue="packing", dedupe_key="one")

    def failing(tx: Transaction) -> None:
        unit(tx)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        db.write(actor, failing)
    with db.read(system()) as reads:
        assert reads.rows(Job) == []
    db.write(actor, unit)
    db.write(actor, unit)
    with db.read(system()) as reads:
        (job,) = reads.rows(Job)
    assert (job.kind, job.payload, job.organization_id, job.status) == ("pack", {"n": 1}, actor.organization_id, "queued")


# -- delete, record, dry run --------------------------------------------------------------------------------------


def test_a_deleted_row_leaves_its_last_values(db: Database, actor: Actor) -> None:
    identity = db.write(actor, lambda tx: tx.insert(Photo, caption="Sunset"))
    db.write(actor, lambda tx: tx.delete(Photo, identity))
    with db.read(actor) as reads:
        assert reads.find(Photo, identity) is None
    assert changes(db, actor, identity)[-1].changes == {"caption": ["Sunset", None]}
    assert changes(db, actor, identity)[-1].action == "delete"


def test_a_row_that_is_referred_to_can_not_be_deleted(db: Database, actor: Actor) -> None:
    shelf = db.write(actor, make_shelf)
    add_box(db, actor, shelf_id=shelf)
    with pytest.raises(ForeignKey):
        db.write(actor, lambda tx: tx.delete(Shelf, shelf))


def test_what_is_no_write_can_be_recorded(db: Database, actor: Actor) -> None:
    identity = uuid4()
    db.write(actor, lambda tx: tx.record("exported", "specimen_boxes", identity, {"rows": 5}))
    (change,) = changes(db, actor, identity)
    assert (change.action, change.changes, change.actor_label) == ("exported", {"rows": 5}, actor.label)


def test_a_dry_run_answers_and_keeps_and_wakes_nothing(db: Database, actor: Actor) -> None:
    heard: list[object] = []
    identity = add_box(db, actor)
    db.listeners.append(lambda touched, woken: heard.append((touched, woken)))

    def unit(tx: Transaction) -> int:
        make_box(tx)
        tx.enqueue("pack", {}, queue="packing")
        return tx.update(Box, identity, {"rank": 1})

    assert db.write(actor, unit, dry_run=True) == 2
    assert heard == []
    assert box(db, actor, identity)["rank"] is None
    with db.read(actor) as reads:
        assert (reads.count(Box), reads.count(Job), len(changes(db, actor, identity))) == (1, 0, 1)
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: make_box(tx, label=""), dry_run=True)
    assert db.write(actor, unit) == 2
    assert heard == [(frozenset({"specimen_boxes", "jobs", "search_documents"}), frozenset({"packing"}))]


def test_a_unit_that_raises_leaves_nothing(db: Database, actor: Actor) -> None:
    def unit(tx: Transaction) -> None:
        make_shelf(tx)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        db.write(actor, unit)
    with db.read(actor) as reads:
        assert reads.count(Shelf) == 0


# -- reads --------------------------------------------------------------------------------------------------------


def test_a_snapshot_sees_one_state(db: Database, actor: Actor) -> None:
    with db.read(actor, snapshot=True) as reads:
        assert reads.count(Box) == 0
        with ThreadPoolExecutor(1) as pool:
            pool.submit(add_box, db, actor).result()
        assert reads.count(Box) == 0
    with db.read(actor) as reads:
        assert reads.count(Box) == 1


def test_reads_are_ordered_limited_and_stay_in_the_organization(
    db: Database, actor: Actor, other_tenant: Tenant
) -> None:
    for label in "bac":
        add_box(db, actor, label=label, rank=1)
    add_box(db, other_tenant.owner, label="x", rank=1)
    with db.read(actor) as reads:
        assert [row.label for row in reads.rows(Box, order="-label", limit=2)] == ["c", "b"]
        assert [row.label for row in reads.rows(Box, order="rank, label", label=["a", "c", "x"])] == ["a", "c"]
        assert reads.rows(Box, label=[]) == []
        assert reads.count(Box, Where("label", ">=", "b"), rank=1) == 2
        with pytest.raises(AssertionError):
            reads.rows(Box, order="label; DROP TABLE x")
    with db.read(system()) as reads:
        assert reads.rows(Box) == []
        assert len(reads.rows(Box, anywhere=True)) == 4


def test_an_organization_is_visible_to_itself_only(db: Database, tenant: Tenant, other_tenant: Tenant) -> None:
    with db.read(tenant.owner) as reads:
        assert [row.name for row in reads.rows(Organization)] == ["Acme"]


# -- ids ----------------------------------------------------------------------------------------------------------


def test_ids_are_uuid_7_and_grow_also_when_many_threads_ask() -> None:
    def ask(_: int) -> list[UUID]:
        return [clock.new_id() for _ in range(2_000)]

    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(ask, range(4)))
    everything = [identity for run in runs for identity in run]
    assert len(set(everything)) == len(everything)
    assert all(run == sorted(run) for run in runs)
    assert {identity.version for identity in everything} == {7}
    assert {identity.variant for identity in everything} == {"specified in RFC 4122"}
    assert abs((everything[-1].int >> 80) / 1_000 - datetime.now(UTC).timestamp()) < 60
    assert clock.new_id() > max(everything)


def test_ids_grow_when_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = clock.new_id()
    monkeypatch.setattr("growbase.core.clock.time.time_ns", lambda: 1)
    assert clock.new_id() > before


def test_a_second_process_continues_where_the_log_ended(
    db: Database, installed_url: str, actor: Actor, catalog: Catalog
) -> None:
    identity = add_box(db, actor)
    again = open_at(installed_url, catalog)
    again.write(actor, lambda tx: tx.update(Box, identity, {"rank": 1}))
    db.write(actor, lambda tx: make_coin(tx, box_id=identity))
    again.close()
    with db.read(actor) as reads:
        assert reads.count(Coin) == 1
        places = [(change.tx, change.seq) for change in reads.rows(Change, order="tx, seq")]
    assert places == sorted(set(places))
