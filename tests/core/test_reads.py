from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from growbase.core.actor import Actor, system
from growbase.core.crypto import BrokenSeal
from growbase.core.database import Database
from growbase.core.reads import Where
from growbase.core.statements import SEALED
from growbase.core.transaction import Transaction
from growbase.domains.identity.models import Organization
from tests.core.specimens import Box, add_box, changes_of
from tests.fixtures import Tenant


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


# -- secrets ------------------------------------------------------------------------------------------------------


def test_a_secret_opens_in_its_row_and_shows_nowhere_else(db: Database, actor: Actor, installed_url: str) -> None:
    identity = add_box(db, actor, pin="open sesame")
    db.write(actor, lambda tx: tx.update(Box, identity, {"pin": "sesame two"}))
    with db.read(actor) as reads:
        row = reads.get(Box, identity)
        assert reads.secret(row, "pin") == "sesame two"
        assert repr(row) == f"<Box {identity}>"
    logged = [change.changes for change in changes_of(db, actor, identity)]
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
        (sealed,) = tx.execute(
            "SELECT pin_cipher FROM specimen_boxes WHERE label = 'Box' AND pin_cipher IS NOT NULL ORDER BY id"
        ).fetchone()
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
    assert "ffff" not in str([change.changes for change in changes_of(db, actor, identity)])
