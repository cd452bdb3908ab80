from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pysqlite3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import Conflict, Gone, InvalidTransition, NotFound
from growbase.core.log import as_of, history, undo
from growbase.core.resource import Resource
from growbase.core.sqlite_connection import connect
from growbase.core.subject_keys import open_changes
from growbase.core.tables import Change
from growbase.core.transaction import Transaction
from growbase.core.trash import purge, restore, trash
from tests.core.specimens import (
    BOXES,
    COINS,
    SHELVES,
    Box,
    BoxState,
    Coin,
    Shelf,
    make_box,
    make_coin,
    make_shelf,
    stored,
)
from tests.fixtures import Tenant


def entries(
    db: Database, actor: Actor, identity: UUID, resource: Resource = BOXES, **page: int
) -> list[dict[str, Any]]:
    with db.read(actor) as reads:
        return history(reads, resource, identity, **page)


def last_seq(db: Database, actor: Actor, identity: UUID, resource: Resource = BOXES) -> int:
    seq: int = entries(db, actor, identity, resource)[0]["seq"]
    return seq


# -- the log itself -----------------------------------------------------------------------------------------------


@pytest.fixture
def raw(db: Database, installed_url: str) -> Iterator[Any]:
    """Give a connection of the driver."""
    connection: Any = connect(db.path) if db.engine == "sqlite" else psycopg.connect(installed_url, autocommit=True)  # type: ignore[attr-defined]
    yield connection
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE changes SET actor_label = 'nobody'",
        "UPDATE changes SET changes = NULL WHERE action = 'insert'",
        "DELETE FROM changes",
        "DELETE FROM changes WHERE seq = 1",
    ],
)
def test_the_log_can_not_be_changed(db: Database, actor: Actor, raw: Any, statement: str) -> None:  # noqa: ANN401
    before = db.query("SELECT * FROM changes ORDER BY seq")
    with pytest.raises((pysqlite3.IntegrityError, psycopg.errors.RestrictViolation), match="the change log is"):
        raw.execute(statement)
    assert db.query("SELECT * FROM changes ORDER BY seq") == before


def test_the_log_can_not_be_emptied(db: Database, actor: Actor, raw: Any) -> None:  # noqa: ANN401
    if db.engine == "sqlite":
        pytest.skip("SQLite has no TRUNCATE")
    with pytest.raises(psycopg.errors.RestrictViolation):
        raw.execute("TRUNCATE changes")


def test_retention_alone_may_delete_and_only_inside_its_transaction(db: Database, actor: Actor, raw: Any) -> None:  # noqa: ANN401
    opened, closed = {
        "sqlite": (
            "INSERT INTO instance_facts (name, value) VALUES ('log_retention', 'on')",
            "DELETE FROM instance_facts WHERE name = 'log_retention'",
        ),
        "postgresql": ("SELECT set_config('growbase.retention', 'on', true)", "SELECT 1"),
    }[db.engine]
    raw.execute("BEGIN")
    raw.execute(opened)
    assert raw.execute("DELETE FROM changes WHERE seq = (SELECT min(seq) FROM changes)").rowcount == 1
    with pytest.raises((pysqlite3.IntegrityError, psycopg.errors.RestrictViolation)):
        raw.execute("UPDATE changes SET actor_label = 'x'")
    raw.execute("ROLLBACK")
    raw.execute("BEGIN")
    raw.execute(opened)
    raw.execute("DELETE FROM changes WHERE seq = (SELECT min(seq) FROM changes)")
    raw.execute(closed)
    raw.execute("COMMIT")
    with pytest.raises((pysqlite3.IntegrityError, psycopg.errors.RestrictViolation)):
        raw.execute("DELETE FROM changes")


def test_a_change_says_who_did_what_and_for_whom(db: Database, tenant: Tenant) -> None:
    identity = db.write(tenant.member, make_box)
    with db.read(tenant.owner) as reads:
        (change,) = open_changes(reads, reads.rows(Change, entity_id=identity))
    assert (change.organization_id, change.entity, change.action) == (
        tenant.organization_id,
        "specimen_boxes",
        "insert",
    )
    assert (change.actor_type, change.actor_id, change.actor_label) == ("user", tenant.member.id, tenant.member.label)
    assert change.changes == {
        "label": [None, "Box"],
        "state": [None, "packed"],
        "coin_count": [None, 0],
        "is_open": [None, False],
        "tags": [None, []],
    }


# -- history ------------------------------------------------------------------------------------------------------


def test_history_is_newest_first_and_paged(db: Database, actor: Actor) -> None:
    identity = db.write(actor, make_box)
    for rank in range(5):
        db.write(actor, lambda tx, rank=rank: tx.update(Box, identity, {"rank": rank}))
    everything = entries(db, actor, identity)
    assert [entry["version"] for entry in everything] == [6, 5, 4, 3, 2, 1]
    assert everything[0]["actor"] == {"type": "user", "id": str(actor.id), "label": actor.label}
    assert everything[0]["changes"] == {"rank": [3, 4]}
    pages = entries(db, actor, identity, limit=4)
    pages += entries(db, actor, identity, limit=4, before=pages[-1]["seq"])
    assert pages == everything
    assert entries(db, actor, identity, before=everything[-1]["seq"]) == []


def test_nobody_reads_the_history_of_another_organization(db: Database, actor: Actor, other_tenant: Tenant) -> None:
    identity = db.write(actor, make_box)
    for stranger, found in ((other_tenant.owner, identity), (actor, uuid4())):
        with db.read(stranger) as reads:
            with pytest.raises(NotFound):
                history(reads, BOXES, found)
            with pytest.raises(NotFound):
                as_of(reads, BOXES, found, datetime.now(UTC))
        with pytest.raises(NotFound):
            db.write(stranger, lambda tx, found=found: undo(tx, BOXES, found, 1))


# -- as of --------------------------------------------------------------------------------------------------------

UPDATES = st.lists(
    st.dictionaries(
        st.sampled_from(["label", "rank", "is_open", "details", "found_at", "found_on", "weight", "remark", "pin"]),
        st.integers(0, 3),
        min_size=1,
    ),
    min_size=1,
    max_size=8,
)
VALUES: dict[str, list[object]] = {
    "label": ["a", "b", "c", "d"],
    "rank": [None, 0, 1, 2],
    "is_open": [True, False, True, False],
    "details": [None, {"a": 1}, {"a": [None]}, {}],
    "found_at": [None, *(datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3))],
    "found_on": [None, *(datetime(2026, 1, day, tzinfo=UTC).date() for day in (1, 2, 3))],
    "weight": [None, 0.5, 1.0, -2.25],
    "remark": [None, "x", "y", ""],
    "pin": [None, "1", "2", "3"],
}
OF_ROW = ("label", "rank", "is_open", "details", "weight", "remark", "version", "state", "deleted_at", "tags")


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(UPDATES)
def test_a_row_is_shown_as_it_was_at_every_moment(db: Database, actor: Actor, updates: list[dict[str, int]]) -> None:
    identity = db.write(actor, make_box)
    remembered = [stored(db, actor, identity)]
    for update in updates:
        changed = {name: VALUES[name][place] for name, place in update.items()}
        db.write(actor, lambda tx, changed=changed: tx.update(Box, identity, changed))
        remembered.append(stored(db, actor, identity))
    for then in remembered:
        with db.read(actor) as reads:
            shown = as_of(reads, BOXES, identity, then["updated_at"])
        assert {name: shown[name] for name in OF_ROW} == {name: then[name] for name in OF_ROW}
        assert shown["found_on"] == (then["found_on"] and then["found_on"].isoformat())
        assert shown["id"] == str(identity)
        assert not set(shown) & {"pin", "pin_cipher", "hash", "purged_at"}
    with db.read(actor) as reads, pytest.raises(NotFound):
        as_of(reads, BOXES, identity, remembered[0]["created_at"] - timedelta(seconds=1))


def test_a_row_in_the_trash_was_not_there_and_then_was_again(db: Database, actor: Actor) -> None:
    identity = db.write(actor, make_box)
    moments = [stored(db, actor, identity)["updated_at"]]
    for verb in (trash, restore, trash):
        db.write(actor, lambda tx, verb=verb: verb(tx, Box, identity))
        moments.append(stored(db, actor, identity)["updated_at"])
    for place, moment in enumerate(moments):
        with db.read(actor) as reads:
            if place % 2:
                with pytest.raises(NotFound):
                    as_of(reads, BOXES, identity, moment)
            else:
                shown = as_of(reads, BOXES, identity, moment)
                assert (shown["deleted_at"], shown["deletion_id"], shown["version"]) == (None, None, place + 1)


def test_a_purged_row_is_shown_as_it_was_before(db: Database, actor: Actor) -> None:
    identity = db.write(actor, lambda tx: make_box(tx, label="was", rank=3))
    then = stored(db, actor, identity)["updated_at"]
    db.write(actor, lambda tx: trash(tx, Box, identity))
    db.write(actor, lambda tx: purge(tx, Box, identity))
    with db.read(actor) as reads:
        shown = as_of(reads, BOXES, identity, then)
        with pytest.raises(NotFound):
            as_of(reads, BOXES, identity, datetime.now(UTC))
    assert (shown["label"], shown["rank"], shown["version"]) == ("was", 3, 1)


def test_what_is_older_than_the_log_is_gone(db: Database, actor: Actor, raw: Any) -> None:  # noqa: ANN401
    identity = db.write(actor, make_box)
    then = stored(db, actor, identity)["updated_at"]
    db.write(actor, lambda tx: tx.update(Box, identity, {"rank": 1}))
    if db.engine == "sqlite":
        raw.execute("INSERT INTO instance_facts (name, value) VALUES ('log_retention', 'on')")
        raw.execute("DELETE FROM changes WHERE action = 'insert'")
        raw.execute("DELETE FROM instance_facts")
    else:
        raw.execute("BEGIN")
        raw.execute("SELECT set_config('growbase.retention', 'on', true)")
        raw.execute("DELETE FROM changes WHERE action = 'insert'")
        raw.execute("COMMIT")
    with db.read(actor) as reads:
        assert as_of(reads, BOXES, identity, datetime.now(UTC))["rank"] == 1
        with pytest.raises(Gone, match="kept only since 20"):
            as_of(reads, BOXES, identity, then)


# -- undo ---------------------------------------------------------------------------------------------------------


def take_back(db: Database, actor: Actor, identity: UUID, seq: int, resource: Resource = BOXES) -> None:
    db.write(actor, lambda tx: undo(tx, resource, identity, seq))


def test_an_update_is_undone_and_redone(db: Database, tenant: Tenant) -> None:
    actor = tenant.owner
    values: dict[str, object] = {
        "label": "new",
        "rank": 5,
        "found_at": datetime(2026, 1, 1, tzinfo=UTC),
        "found_on": datetime(2026, 1, 1, tzinfo=UTC).date(),
        "details": {"a": [1]},
        "size": "large",
        "shelf_id": db.write(actor, make_shelf),
        "owner_user_id": tenant.member.id,
        "is_rare": True,
        "weight": 0.5,
    }
    identity = db.write(actor, make_box)
    before = stored(db, actor, identity)
    db.write(actor, lambda tx: tx.update(Box, identity, values))
    after = stored(db, actor, identity)
    take_back(db, actor, identity, last_seq(db, actor, identity))
    undone = stored(db, actor, identity)
    assert {name: undone[name] for name in values} == {name: before[name] for name in values}
    assert undone["version"] == 3
    take_back(db, actor, identity, last_seq(db, actor, identity))
    redone = stored(db, actor, identity)
    assert {name: redone[name] for name in values} == {name: after[name] for name in values}


def test_a_folded_name_follows_its_undo(db: Database, actor: Actor) -> None:
    identity = db.write(actor, lambda tx: make_shelf(tx, name="Old"))
    db.write(actor, lambda tx: tx.update(Shelf, identity, {"name": "New"}))
    take_back(db, actor, identity, last_seq(db, actor, identity, SHELVES), SHELVES)
    assert stored(db, actor, identity, Shelf)["name_norm"] == "old"


def test_an_update_that_was_built_upon_is_not_undone(db: Database, actor: Actor) -> None:
    identity = db.write(actor, make_box)
    db.write(actor, lambda tx: tx.update(Box, identity, {"rank": 1, "label": "one"}))
    seq = last_seq(db, actor, identity)
    db.write(actor, lambda tx: tx.update(Box, identity, {"rank": 2}))
    with pytest.raises(Conflict, match="rank has been changed since"):
        take_back(db, actor, identity, seq)
    assert stored(db, actor, identity)["label"] == "one"
    db.write(actor, lambda tx: tx.update(Box, identity, {"rank": 1}))
    take_back(db, actor, identity, seq)
    assert stored(db, actor, identity)["label"] == "Box"


def test_a_transition_is_undone_only_where_the_way_back_is_declared(db: Database, actor: Actor) -> None:
    identity = db.write(actor, make_box)
    db.write(actor, lambda tx: tx.transition(Box, identity, BoxState.LOST))
    take_back(db, actor, identity, last_seq(db, actor, identity))
    assert stored(db, actor, identity)["state"] == BoxState.PACKED
    db.write(actor, lambda tx: tx.transition(Box, identity, BoxState.SHIPPED))
    with pytest.raises(InvalidTransition) as caught:
        take_back(db, actor, identity, last_seq(db, actor, identity))
    assert caught.value.params["allowed"] == ["lost", "opened"]


def test_trash_and_restore_are_undone_with_their_cohort(db: Database, actor: Actor) -> None:
    def setup(tx: Transaction) -> tuple[UUID, UUID]:
        box = make_box(tx)
        return box, make_coin(tx, box_id=box)

    box, coin = db.write(actor, setup)
    db.write(actor, lambda tx: trash(tx, Box, box))
    take_back(db, actor, box, last_seq(db, actor, box))
    assert stored(db, actor, coin, Coin)["deleted_at"] is None
    take_back(db, actor, box, last_seq(db, actor, box))
    assert stored(db, actor, coin, Coin)["deleted_at"] is not None
    with pytest.raises(Conflict, match="deleted with its box"):
        take_back(db, actor, coin, last_seq(db, actor, coin, COINS), COINS)


def test_an_old_trashing_is_not_undone_by_reviving_a_later_one(db: Database, actor: Actor) -> None:
    identity = db.write(actor, make_box)
    db.write(actor, lambda tx: trash(tx, Box, identity))
    first = last_seq(db, actor, identity)
    db.write(actor, lambda tx: restore(tx, Box, identity))
    with pytest.raises(NotFound):
        take_back(db, actor, identity, first)
    db.write(actor, lambda tx: trash(tx, Box, identity))
    with pytest.raises(Conflict):
        take_back(db, actor, identity, first)
    assert stored(db, actor, identity)["deleted_at"] is not None


def test_an_insert_a_purge_and_a_secret_are_not_undone(db: Database, actor: Actor) -> None:
    identity = db.write(actor, lambda tx: make_box(tx, pin="1"))
    with pytest.raises(Conflict, match="A change of the kind insert can't be undone"):
        take_back(db, actor, identity, last_seq(db, actor, identity))
    db.write(actor, lambda tx: tx.update(Box, identity, {"pin": "2", "rank": 1}))
    with pytest.raises(Conflict, match="secret"):
        take_back(db, actor, identity, last_seq(db, actor, identity))
    assert stored(db, actor, identity)["rank"] == 1
    with pytest.raises(NotFound, match="There is no such change"):
        take_back(db, actor, identity, 10**9)


def test_a_change_of_another_row_is_not_undone_here(db: Database, actor: Actor) -> None:
    one, other = db.write(actor, lambda tx: (make_box(tx), make_box(tx)))
    db.write(actor, lambda tx: tx.update(Box, other, {"rank": 1}))
    with pytest.raises(NotFound):
        take_back(db, actor, one, last_seq(db, actor, other))
