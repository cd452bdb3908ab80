import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.errors import ForeignKey, Invalid, InvalidTransition, NotFound, NotUnique, Stale
from growbase.core.facts import delete_facts
from growbase.core.reads import Where
from growbase.core.resource import Catalog
from growbase.core.tables import Change, Job
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from tests.core.conftest import open_at
from tests.core.specimens import (
    Box,
    BoxState,
    Coin,
    Photo,
    Shelf,
    Visit,
    add_box,
    changes_of,
    make_box,
    make_coin,
    make_shelf,
    stored,
)
from tests.fixtures import Tenant


def field_of(error: Invalid | ForeignKey | NotUnique) -> list[str]:
    return [found.field for found in error.fields]


# -- insert -------------------------------------------------------------------------------------------------------


def test_an_inserted_row_has_its_id_tenant_defaults_times_author_and_version(db: Database, tenant: Tenant) -> None:
    actor = tenant.member
    before = clock.now()
    row = stored(db, actor, add_box(db, actor))
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
    assert [change.action for identity in identities for change in changes_of(db, actor, identity)] == ["insert"] * 3
    assert db.write(actor, lambda tx: tx.insert_many(Box, [])) == []


def test_many_rows_keep_every_character_and_one_wrong_row_leaves_none(db: Database, actor: Actor) -> None:
    shelf_id = db.write(actor, make_shelf)
    odd = ("tab\there", "line\nbreak", "back\\slash", "\\N", "comma, {brace}", 'quote "', "ünï")
    rows: list[dict[str, object]] = [{"label": text, "shelf_id": shelf_id} for text in odd * 5]
    identities = db.write(actor, lambda tx: tx.insert_many(Box, rows))
    assert [stored(db, actor, identity)["label"] for identity in identities] == [*odd * 5]
    changes = [change for identity in identities for change in changes_of(db, actor, identity)]
    assert [(change.changes or {})["label"] for change in changes] == [[None, text] for text in odd * 5]
    lost = uuid4()
    with pytest.raises(ForeignKey):
        db.write(actor, lambda tx: tx.insert_many(Box, [*rows, {"label": "lost", "shelf_id": lost}]))
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: tx.insert_many(Box, [*rows, {"label": "x" * 5_000, "shelf_id": shelf_id}]))
    with db.read(actor) as reads:
        assert len(reads.rows(Box)) == len(rows)


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
def test_a_value_the_check_refuses_is_named(db: Database, actor: Actor, values: dict[str, object], field: str) -> None:
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


# -- update -------------------------------------------------------------------------------------------------------


def test_an_update_raises_the_version_and_keeps_both_values(db: Database, tenant: Tenant) -> None:
    identity = add_box(db, tenant.owner, rank=1, details={"a": 1})
    changed: dict[str, object] = {"label": "New", "rank": None, "details": {"a": 2}, "coin_count": 0}
    assert db.write(tenant.member, lambda tx: tx.update(Box, identity, changed, version=1)) == 2
    row = stored(db, tenant.owner, identity)
    assert (row["label"], row["rank"], row["details"], row["version"]) == ("New", None, {"a": 2}, 2)
    assert (row["created_by"], row["updated_by"]) == (tenant.owner.id, tenant.member.id)
    assert row["updated_at"] > row["created_at"]
    _, change = changes_of(db, tenant.owner, identity)
    assert (change.action, change.version, change.actor_id) == ("update", 2, tenant.member.id)
    assert change.changes == {"label": ["Box", "New"], "rank": [1, None], "details": [{"a": 1}, {"a": 2}]}


def test_an_update_that_changes_nothing_writes_nothing(db: Database, actor: Actor) -> None:
    identity = add_box(db, actor, rank=1)
    assert db.write(actor, lambda tx: tx.update(Box, identity, {"rank": 1, "label": "Box"})) == 1
    assert db.write(actor, lambda tx: tx.update(Box, identity, {})) == 1
    assert len(changes_of(db, actor, identity)) == 1


def test_a_stale_version_is_refused_and_the_current_one_told(db: Database, actor: Actor) -> None:
    identity = add_box(db, actor)
    db.write(actor, lambda tx: tx.update(Box, identity, {"rank": 1}, version=1))
    with pytest.raises(Stale) as caught:
        db.write(actor, lambda tx: tx.update(Box, identity, {"rank": 2}, version=1))
    assert caught.value.params["current_version"] == 2
    assert stored(db, actor, identity)["rank"] == 1


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
    row = stored(db, actor, identity)
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
    row = stored(db, actor, identity)
    assert (row["state"], row["rank"], row["version"]) == (BoxState.SHIPPED, 3, 2)
    assert changes_of(db, actor, identity)[-1].action == "transition"
    db.write(actor, lambda tx: tx.transition(Box, identity, BoxState.SHIPPED))
    assert stored(db, actor, identity)["version"] == 2


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


# -- counters and facts -------------------------------------------------------------------------------------------


def test_no_increment_is_lost(db: Database, actor: Actor) -> None:
    identity = add_box(db, actor)

    def add(by: int) -> None:
        db.write(actor, lambda tx: tx.increment(Box, identity, "coin_count", by))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, [1, 2, 3] * 20))
    assert stored(db, actor, identity)["coin_count"] == 120
    assert len(changes_of(db, actor, identity)) == 1


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
    assert changes_of(db, actor, row["id"]) == []  # type: ignore[arg-type]


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
    assert (job.kind, job.payload, job.organization_id, job.status) == (
        "pack",
        {"n": 1},
        actor.organization_id,
        "queued",
    )


# -- delete, record, dry run --------------------------------------------------------------------------------------


def test_a_deleted_row_leaves_its_last_values(db: Database, actor: Actor) -> None:
    identity = db.write(actor, lambda tx: tx.insert(Photo, caption="Sunset"))
    db.write(actor, lambda tx: tx.delete(Photo, identity))
    with db.read(actor) as reads:
        assert reads.find(Photo, identity) is None
    assert changes_of(db, actor, identity)[-1].changes == {"caption": ["Sunset", None]}
    assert changes_of(db, actor, identity)[-1].action == "delete"


def test_a_row_that_is_referred_to_can_not_be_deleted(db: Database, actor: Actor) -> None:
    shelf = db.write(actor, make_shelf)
    add_box(db, actor, shelf_id=shelf)
    with pytest.raises(ForeignKey):
        db.write(actor, lambda tx: tx.delete(Shelf, shelf))


def test_what_is_no_write_can_be_recorded(db: Database, actor: Actor) -> None:
    identity = uuid4()
    db.write(actor, lambda tx: tx.record("exported", "specimen_boxes", identity, {"rows": 5}))
    (change,) = changes_of(db, actor, identity)
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
    assert stored(db, actor, identity)["rank"] is None
    with db.read(actor) as reads:
        assert (reads.count(Box), reads.count(Job), len(changes_of(db, actor, identity))) == (1, 0, 1)
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


def test_a_part_that_raises_is_undone_and_the_unit_goes_on(db: Database, actor: Actor) -> None:
    def one(tx: Transaction, label: str) -> None:
        make_box(tx, label=label, shelf_id=make_shelf(tx, name=label))
        if label == "second":
            raise KeyError(label)

    def unit(tx: Transaction) -> list[str]:
        refused = []
        for label in ("first", "second", "first", "third"):
            try:
                with tx.part():
                    one(tx, label)
            except Exception as error:  # noqa: BLE001 -- the driver's own
                refused.append(type(db.refusal(error) or error).__name__)
        return refused

    assert db.write(actor, unit) == ["KeyError", "NotUnique"]
    with db.read(actor) as reads:
        assert sorted(box.label for box in reads.rows(Box)) == ["first", "third"]
        assert reads.count(Shelf) == 2
        logged = {change.entity_id for change in reads.rows(Change, entity="specimen_boxes")}
        assert logged == {box.id for box in reads.rows(Box)}


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
