from uuid import UUID

import pytest

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import Conflict, IdempotencyMismatch, Invalid, InvalidTransition
from growbase.domains.commerce.actions_orders import approve_order, cancel_order, submit_order
from growbase.domains.commerce.actions_receiving import close_order_short, receive_order
from growbase.domains.commerce.models_purchasing import (
    OrderStatus,
    PurchaseOrder,
    PurchaseOrderLine,
    PurchaseOrderReceipt,
)
from tests.domains.commerce.factories import LINES, AtOnce, make_order


@pytest.fixture
def order(db: Database, actor: Actor) -> tuple[UUID, UUID, UUID]:
    """Give an approved order of ten A, of which more may come, and four B."""
    id = db.write(actor, lambda tx: make_order(tx, lines=[{**LINES[0], "allow_over_receipt": True}, LINES[1]]))
    for step in (submit_order, approve_order):
        db.write(actor, lambda tx, step=step: step(tx, id=id))
    with db.read(actor) as reads:
        a, b = reads.rows(PurchaseOrderLine, purchase_order_id=id, order="position")
    return id, a.id, b.id


def receive(db: Database, actor: Actor, id: UUID, *arrived: tuple[UUID, int], key: str | None = None) -> PurchaseOrder:
    lines = [{"line_id": line, "quantity": quantity} for line, quantity in arrived]
    db.write(actor, lambda tx: receive_order(tx, id=id, lines=lines, idempotency_key=key))
    with db.read(actor) as reads:
        return reads.get(PurchaseOrder, id)


def test_more_than_enough_of_one_line_never_completes_the_order(
    db: Database, actor: Actor, order: tuple[UUID, UUID, UUID]
) -> None:
    id, a, b = order
    found = receive(db, actor, id, (a, 14))
    assert (found.status, found.received_at) == (OrderStatus.PARTIALLY_RECEIVED, None)
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: tx.transition(PurchaseOrder, id, OrderStatus.RECEIVED))
    found = receive(db, actor, id, (b, 4))
    assert (found.status, found.received_at is None) == (OrderStatus.RECEIVED, False)


def test_more_than_was_ordered_is_refused_unless_the_line_allows_it(
    db: Database, actor: Actor, order: tuple[UUID, UUID, UUID]
) -> None:
    id, _, b = order
    with pytest.raises(Invalid) as refused:
        receive(db, actor, id, (b, 5))
    assert refused.value.fields[0].field == "lines.0.quantity"
    receive(db, actor, id, (b, 3))
    with pytest.raises(Invalid):
        receive(db, actor, id, (b, 2))


def test_a_delivery_reported_twice_counts_once(db: Database, actor: Actor, order: tuple[UUID, UUID, UUID]) -> None:
    id, a, b = order
    for _ in range(2):
        found = receive(db, actor, id, (a, 10), (b, 4), key="delivery 1")
        assert found.status is OrderStatus.RECEIVED
    with pytest.raises(IdempotencyMismatch):
        receive(db, actor, id, (a, 9), (b, 4), key="delivery 1")
    with pytest.raises(InvalidTransition):
        receive(db, actor, id, (a, 1), key="delivery 2")
    with db.read(actor) as reads:
        assert reads.count(PurchaseOrderReceipt) == 2


def test_a_delivery_reported_by_many_at_once_counts_once(
    db: Database, actor: Actor, order: tuple[UUID, UUID, UUID], at_once: AtOnce
) -> None:
    id, a, b = order
    found = at_once([lambda: receive(db, actor, id, (a, 3), (b, 1), key="delivery")] * 6)
    assert {one.status for one in found} == {OrderStatus.PARTIALLY_RECEIVED}
    with db.read(actor) as reads:
        rows = reads.rows(PurchaseOrderLine, purchase_order_id=id, order="position")
        assert [row.quantity_received for row in rows] == [3, 1]
        assert reads.count(PurchaseOrderReceipt) == 2


def test_deliveries_at_once_all_count(
    db: Database, actor: Actor, order: tuple[UUID, UUID, UUID], at_once: AtOnce
) -> None:
    id, a, b = order
    calls = [lambda: receive(db, actor, id, (a, 2))] * 5 + [lambda: receive(db, actor, id, (b, 1))] * 4
    at_once(calls)
    with db.read(actor) as reads:
        assert reads.get(PurchaseOrder, id).status is OrderStatus.RECEIVED


def test_a_line_is_one_of_the_order_and_named_once(db: Database, actor: Actor, order: tuple[UUID, UUID, UUID]) -> None:
    id, a, _ = order
    other = db.write(actor, make_order)
    with db.read(actor) as reads:
        stranger = reads.rows(PurchaseOrderLine, purchase_order_id=other)[0].id
    for arrived in ([(stranger, 1)], [(a, 1), (a, 1)]):
        with pytest.raises(Invalid):
            receive(db, actor, id, *arrived)
    with pytest.raises(InvalidTransition):
        receive(db, actor, other, (stranger, 1))


def test_an_order_that_has_partly_arrived_is_closed_short_and_never_cancelled(
    db: Database, actor: Actor, order: tuple[UUID, UUID, UUID]
) -> None:
    id, a, _ = order
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: close_order_short(tx, id=id))
    receive(db, actor, id, (a, 1))
    with pytest.raises(InvalidTransition):
        db.write(actor, lambda tx: cancel_order(tx, id=id))
    db.write(actor, lambda tx: close_order_short(tx, id=id))
    with db.read(actor) as reads:
        found = reads.get(PurchaseOrder, id)
    assert (found.status, found.closed_short_at is None) == (OrderStatus.RECEIVED, False)
