import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pysqlite3
import pytest

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import ForeignKey, Invalid, NotUnique
from growbase.core.sqlite_connection import connect
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.identity.models import Membership
from tests.core.specimens import Box, Shelf, add_box, make_shelf, stored
from tests.fixtures import Tenant


def field_of(error: Invalid | ForeignKey | NotUnique) -> list[str]:
    return [found.field for found in error.fields]


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
    assert stored(db, tenant.owner, add_box(db, tenant.owner, owner_user_id=tenant.member.id))


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
        assert stored(db, actor, identity)["deleted_at"] is not None
