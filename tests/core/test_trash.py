import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from growbase.core import clock
from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import Conflict, ForeignKey, NotFound, NotUnique
from growbase.core.model import Root
from growbase.core.subject_keys import open_changes
from growbase.core.tables import Change, SearchDocument
from growbase.core.transaction import Transaction
from growbase.core.trash import purge, restore, trash
from tests.core.specimens import (
    Box,
    Coin,
    Photo,
    Shelf,
    Sticker,
    Visit,
    make_box,
    make_coin,
    make_shelf,
    stored,
)
from tests.fixtures import Tenant


@pytest.fixture
def shelf(db: Database, actor: Actor) -> UUID:
    """Give a shelf with two boxes, of which the first holds two coins."""

    def unit(tx: Transaction) -> UUID:
        shelf = make_shelf(tx)
        first, _ = (make_box(tx, label=label, shelf_id=shelf) for label in "ab")
        for serial in "12":
            make_coin(tx, box_id=first, serial=serial)
        return shelf

    return db.write(actor, unit)


def state(db: Database, actor: Actor) -> dict[UUID, UUID | None]:
    """Return the deletion id of every shelf, box and coin."""
    with db.read(actor) as reads:
        rows = [row.__dict__ for model in (Shelf, Box, Coin) for row in reads.rows(model, trash=True, order="id")]
    return {row["id"]: row["deletion_id"] for row in rows}


def the(db: Database, actor: Actor, model: type[Root], **equals: object) -> UUID:
    with db.read(actor) as reads:
        found = reads.find(model, trash=True, **equals)
    assert found is not None
    identity: UUID = found.__dict__["id"]
    return identity


def delete(db: Database, actor: Actor, model: type[Root], identity: UUID) -> UUID:
    return db.write(actor, lambda tx: trash(tx, model, identity))


# -- cohorts ------------------------------------------------------------------------------------------------------


def test_children_go_with_their_parent_under_one_deletion(db: Database, tenant: Tenant, shelf: UUID) -> None:
    actor = tenant.owner
    deletion = delete(db, tenant.member, Shelf, shelf)
    found = state(db, actor)
    assert len(found) == 5
    assert set(found.values()) == {deletion}
    gone = stored(db, actor, shelf, Shelf)
    assert (gone["deleted_by"], gone["version"], gone["deleted_at"]) == (tenant.member.id, 2, gone["updated_at"])
    with db.read(actor) as reads:
        changes = reads.rows(Change, deletion_id=deletion)
        assert {change.action for change in changes} == {"trash"}
        assert {change.entity_id for change in changes} == set(found)
        assert reads.count(Box) == 0
        assert reads.find(Shelf, shelf) is None


def test_restore_revives_exactly_its_cohort(db: Database, actor: Actor, shelf: UUID) -> None:
    early = the(db, actor, Coin, serial="1")
    earlier = delete(db, actor, Coin, early)
    deletion = delete(db, actor, Shelf, shelf)
    assert db.write(actor, lambda tx: restore(tx, Shelf, shelf)) == 4
    assert {identity: found for identity, found in state(db, actor).items() if found} == {early: earlier}
    with db.read(actor) as reads:
        restored = [change for change in reads.rows(Change, deletion_id=deletion) if change.action == "restore"]
    assert len(restored) == 4
    assert db.write(actor, lambda tx: restore(tx, Coin, early)) == 1
    assert set(state(db, actor).values()) == {None}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.tuples(st.sampled_from(["trash", "restore"]), st.integers(0, 8)), max_size=14))
def test_any_order_of_deleting_and_restoring_keeps_cohorts_whole(
    db: Database, actor: Actor, steps: list[tuple[str, int]]
) -> None:
    def setup(tx: Transaction) -> list[tuple[type[Root], UUID, UUID | None]]:
        shelf = make_shelf(tx, name=str(clock.new_id()))
        boxes = [make_box(tx, shelf_id=shelf) for _ in range(2)]
        coins = [(make_coin(tx, box_id=box, serial=serial), box) for box in boxes for serial in "123"]
        return [(Shelf, shelf, None), *((Box, box, shelf) for box in boxes), *((Coin, *coin) for coin in coins)]

    rows = db.write(actor, setup)
    parents = {identity: parent for _, identity, parent in rows}
    expected: dict[UUID, UUID | None] = dict.fromkeys(parents)

    def below(identity: UUID) -> set[UUID]:
        children = {child for child, parent in parents.items() if parent == identity}
        return {identity}.union(*map(below, children))

    for verb, place in steps:
        model, identity, parent = rows[place]
        if verb == "trash":
            if expected[identity] is not None:
                with pytest.raises(NotFound):
                    delete(db, actor, model, identity)
                continue
            deletion = delete(db, actor, model, identity)
            expected |= {other: deletion for other in below(identity) if expected[other] is None}
        elif expected[identity] is None:
            with pytest.raises(NotFound):
                db.write(actor, lambda tx, found=(model, identity): restore(tx, *found))
        elif parent is not None and expected[parent] is not None:
            with pytest.raises(Conflict):
                db.write(actor, lambda tx, found=(model, identity): restore(tx, *found))
        else:
            cohort = expected[identity]
            db.write(actor, lambda tx, found=(model, identity): restore(tx, *found))
            expected |= {other: None for other, deletion in expected.items() if deletion == cohort}
        found = state(db, actor)
        assert {other: found[other] for other in expected} == expected


def test_a_large_cohort_goes_and_comes_back(db: Database, actor: Actor) -> None:
    def setup(tx: Transaction) -> UUID:
        shelf = make_shelf(tx)
        boxes = tx.insert_many(Box, [{"label": str(place), "shelf_id": shelf} for place in range(700)])
        tx.insert_many(Coin, [{"box_id": box, "serial": "1"} for box in boxes])
        return shelf

    shelf = db.write(actor, setup)
    delete(db, actor, Shelf, shelf)
    assert None not in state(db, actor).values()
    assert db.write(actor, lambda tx: restore(tx, Shelf, shelf)) == 1_401


def test_another_organization_can_neither_delete_nor_restore(
    db: Database, actor: Actor, other_tenant: Tenant, shelf: UUID
) -> None:
    with pytest.raises(NotFound):
        delete(db, other_tenant.owner, Shelf, shelf)
    delete(db, actor, Shelf, shelf)
    for verb in (restore, purge):
        with pytest.raises(NotFound):
            db.write(other_tenant.owner, lambda tx, verb=verb: verb(tx, Shelf, shelf))


# -- what blocks a restore ----------------------------------------------------------------------------------------


def test_a_deleted_name_can_be_used_again_and_then_blocks_the_restore(
    db: Database, actor: Actor, other_tenant: Tenant
) -> None:
    old = db.write(actor, lambda tx: make_shelf(tx, name="Élan"))
    delete(db, actor, Shelf, old)
    new = db.write(actor, lambda tx: make_shelf(tx, name="élan"))
    db.write(other_tenant.owner, lambda tx: make_shelf(tx, name="élan"))
    with pytest.raises(NotUnique) as caught:
        db.write(actor, lambda tx: restore(tx, Shelf, old))
    assert caught.value.params["blocked_by"] == str(new)
    assert [(error.field, error.text()) for error in caught.value.fields] == [
        ("name", f"the live row {new} has this value")
    ]
    delete(db, actor, Shelf, new)
    assert db.write(actor, lambda tx: restore(tx, Shelf, old)) == 1


def test_a_child_whose_place_is_taken_blocks_its_whole_cohort(db: Database, actor: Actor, shelf: UUID) -> None:
    box = the(db, actor, Box, label="a")
    first = the(db, actor, Coin, serial="1")
    delete(db, actor, Coin, first)
    second = db.write(actor, lambda tx: make_coin(tx, box_id=box, serial="1"))
    with pytest.raises(NotUnique) as caught:
        db.write(actor, lambda tx: restore(tx, Coin, first))
    assert caught.value.params["blocked_by"] == str(second)
    assert caught.value.fields[0].field == "serial"


def test_a_child_is_not_restored_without_its_parent(db: Database, actor: Actor, shelf: UUID) -> None:
    early = the(db, actor, Coin, serial="1")
    delete(db, actor, Coin, early)
    delete(db, actor, Shelf, shelf)
    with pytest.raises(Conflict, match="Its box is in the trash: restore that first"):
        db.write(actor, lambda tx: restore(tx, Coin, early))
    with pytest.raises(Conflict, match="It was deleted with its shelf: restore that"):
        db.write(actor, lambda tx: restore(tx, Box, the(db, actor, Box, label="a")))


def test_a_live_row_is_not_restored(db: Database, actor: Actor, shelf: UUID) -> None:
    with pytest.raises(NotFound, match="shelf in the trash"):
        db.write(actor, lambda tx: restore(tx, Shelf, shelf))


@pytest.mark.parametrize("turn", range(4))
def test_two_restores_and_a_new_row_of_the_name_leave_one(db: Database, actor: Actor, turn: int) -> None:
    old = db.write(actor, lambda tx: make_shelf(tx, name="one"))
    delete(db, actor, Shelf, old)
    barrier = threading.Barrier(3)

    def attempt(place: int) -> bool:
        barrier.wait()
        try:
            if place:
                db.write(actor, lambda tx: restore(tx, Shelf, old))
            else:
                db.write(actor, lambda tx: make_shelf(tx, name="ONE"))
        except (NotUnique, NotFound):
            return False
        return True

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(attempt, range(3))) == 1
    with db.read(actor) as reads:
        assert reads.count(Shelf) == 1


# -- purge --------------------------------------------------------------------------------------------------------


def dependants(tx: Transaction, box: UUID, *, visited: bool) -> UUID:
    """Give a box a photo, a sticker and, if it was ``visited``, a visit; return the photo's id."""
    key = {"organization_id": tx.actor.organization_id, "box_id": box}
    tx.insert_facts(Sticker, [{**key, "id": clock.new_id(), "words": "fragile"}])
    if visited:
        tx.insert_facts(Visit, [{**key, "id": clock.new_id(), "looks": 1}])
    return tx.insert(Photo, box_id=box, caption="A box")


def test_purge_removes_children_and_stickers_and_cuts_photos_off(db: Database, actor: Actor, shelf: UUID) -> None:
    box = the(db, actor, Box, label="a")
    photo = db.write(actor, lambda tx: dependants(tx, box, visited=False))
    delete(db, actor, Shelf, shelf)
    assert db.write(actor, lambda tx: purge(tx, Shelf, shelf)) is True
    assert state(db, actor) == {}
    with db.read(actor) as reads:
        assert reads.count(Sticker) == 0
        assert reads.count(SearchDocument, entity="specimen_boxes") == 0
        shown = reads.get(Photo, photo)
        assert (shown.box_id, shown.version) == (None, 2)
        purged = reads.rows(Change, action="purge")
        assert len(purged) == 5
        (cut_off,) = open_changes(reads, reads.rows(Change, entity_id=photo, action="update"))
        assert cut_off.changes == {"box_id": [str(box), None]}


@pytest.mark.parametrize("top", [Shelf, Box])
def test_what_must_be_preserved_refuses_a_purge(db: Database, actor: Actor, shelf: UUID, top: type[Root]) -> None:
    box = the(db, actor, Box, label="a")
    photo = db.write(actor, lambda tx: dependants(tx, box, visited=True))
    delete(db, actor, Shelf, shelf)
    before = state(db, actor)
    with pytest.raises(ForeignKey, match="It is still needed by preserved rows: specimen_visits"):
        db.write(actor, lambda tx: purge(tx, top, shelf if top is Shelf else box))
    assert state(db, actor) == before
    with db.read(actor) as reads:
        assert reads.get(Photo, photo).box_id == box
        assert reads.count(Sticker) == 1


def test_a_kept_row_becomes_a_tombstone(db: Database, actor: Actor, shelf: UUID) -> None:
    box, other = the(db, actor, Box, label="a"), the(db, actor, Box, label="b")
    db.write(actor, lambda tx: tx.update(Box, box, {"remark": "personal", "details": {"a": 1}, "pin": "1234"}))
    db.write(actor, lambda tx: dependants(tx, box, visited=True))
    delete(db, actor, Shelf, shelf)
    assert db.write(actor, lambda tx: purge(tx, Shelf, shelf, keep=True)) is False
    left = state(db, actor)
    assert set(left) == {shelf, box}
    assert other not in left
    tomb = stored(db, actor, box, Box)
    assert tomb["purged_at"] is not None
    assert (tomb["remark"], tomb["details"], tomb["pin_cipher"]) == (None, None, None)
    assert tomb["label"] != "a"
    with db.read(actor) as reads:
        assert reads.count(Visit) == 1
    for model, identity in ((Shelf, shelf), (Box, box)):
        with pytest.raises(NotFound):
            db.write(actor, lambda tx, found=(model, identity): restore(tx, *found))
    assert db.write(actor, lambda tx: purge(tx, Shelf, shelf, keep=True)) is False
    assert "personal" not in str(db.query("SELECT words FROM search_documents"))


def test_a_live_row_is_not_purged(db: Database, actor: Actor, shelf: UUID) -> None:
    with pytest.raises(Conflict, match="Only rows in the trash can be purged"):
        db.write(actor, lambda tx: purge(tx, Shelf, shelf))


def test_a_row_with_a_live_child_is_not_purged(db: Database, actor: Actor, shelf: UUID) -> None:
    """A child restored under a trashed parent can only come from a broken import; it is not lost silently."""
    delete(db, actor, Shelf, shelf)
    box = the(db, actor, Box, label="b")
    sign = "%s" if db.engine == "postgresql" else "?"
    sql = f"UPDATE specimen_boxes SET deleted_at = NULL, deletion_id = NULL WHERE id = {sign}"
    db.write(actor, lambda tx: tx.execute(sql, [str(box)]).rowcount)
    with pytest.raises(Conflict, match="live children"):
        db.write(actor, lambda tx: purge(tx, Shelf, shelf))
