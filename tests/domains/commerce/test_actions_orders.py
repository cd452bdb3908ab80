from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import Conflict, GrowbaseError, Invalid, InvalidTransition, NotUnique, TooLate
from growbase.core.transaction import Transaction
from growbase.domains.commerce.actions_orders import (
    approve_order,
    cancel_order,
    create_line,
    create_order,
    mismatched_orders,
    recall_order,
    remove_line,
    remove_order,
    submit_order,
    update_line,
    update_order,
)
from growbase.domains.commerce.actions_receiving import close_order_short, receive_order
from growbase.domains.commerce.models_purchasing import OrderStatus, PurchaseOrder, PurchaseOrderLine
from tests.domains.commerce.factories import AtOnce, make_order, make_store


def order_of(db: Database, actor: Actor, id: UUID) -> PurchaseOrder:
    with db.read(actor) as reads:
        return reads.get(PurchaseOrder, id)


def lines_of(db: Database, actor: Actor, id: UUID) -> list[PurchaseOrderLine]:
    with db.read(actor) as reads:
        return reads.rows(PurchaseOrderLine, purchase_order_id=id, order="position")


def test_the_total_is_that_of_lines_freight_tax_and_discount(db: Database, actor: Actor) -> None:
    id = db.write(actor, lambda tx: make_order(tx, shipping_minor=500, tax_minor=100, discount_minor=600))
    order = order_of(db, actor, id)
    assert (order.number, order.subtotal_minor, order.total_minor, order.version) == (1, 6_500, 6_500, 1)
    db.write(actor, lambda tx: create_line(tx, purchase_order_id=id, sku="C", quantity=1, unit_cost_minor=99))
    db.write(actor, lambda tx: update_order(tx, id=id, changes={"discount_minor": 0}))
    first, _, last = lines_of(db, actor, id)
    assert last.position == 3
    db.write(actor, lambda tx: update_line(tx, id=first.id, changes={"quantity": 1}))
    assert order_of(db, actor, id).total_minor == 250 + 4_000 + 99 + 600
    db.write(actor, lambda tx: remove_line(tx, id=last.id))
    assert order_of(db, actor, id).total_minor == 4_850


def test_a_total_is_never_below_zero(db: Database, actor: Actor) -> None:
    id = db.write(actor, make_order)
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: update_order(tx, id=id, changes={"discount_minor": 6_501}))
    db.write(actor, lambda tx: update_order(tx, id=id, changes={"discount_minor": 6_500}))
    first = lines_of(db, actor, id)[0]
    for step in (
        lambda tx: remove_line(tx, id=first.id),
        lambda tx: update_line(tx, id=first.id, changes={"unit_cost_minor": 0}),
        lambda tx: tx.update(PurchaseOrder, id, {"total_minor": -1}),
        lambda tx: tx.update(PurchaseOrder, id, {"total_minor": 1}),
    ):
        with pytest.raises(Invalid):
            db.write(actor, step)


def test_the_database_refuses_a_line_whose_total_is_wrong(db: Database, actor: Actor) -> None:
    id = db.write(actor, make_order)
    line = lines_of(db, actor, id)[0]
    for wrong in ({"line_total_minor": 1}, {"quantity": 11}, {"quantity_received": 11}, {"quantity": 0}):
        with pytest.raises(Invalid):
            db.write(actor, lambda tx, wrong=wrong: tx.update(PurchaseOrderLine, line.id, wrong))


def test_an_article_stands_on_an_order_once(db: Database, actor: Actor) -> None:
    id = db.write(actor, make_order)
    line: dict[str, Any] = {"purchase_order_id": id, "sku": "A", "quantity": 1, "unit_cost_minor": 1}
    with pytest.raises(NotUnique):
        db.write(actor, lambda tx: create_line(tx, **line))
    db.write(actor, lambda tx: create_line(tx, **line, variant_id="red"))


def test_lines_and_amounts_are_frozen_once_submitted(db: Database, actor: Actor) -> None:
    id = db.write(actor, make_order)
    line = lines_of(db, actor, id)[0]
    db.write(actor, lambda tx: submit_order(tx, id=id))
    for step in (
        lambda tx: create_line(tx, purchase_order_id=id, sku="C", quantity=1, unit_cost_minor=1),
        lambda tx: update_line(tx, id=line.id, changes={"quantity": 1}),
        lambda tx: remove_line(tx, id=line.id),
        lambda tx: update_order(tx, id=id, changes={"shipping_minor": 1}),
        lambda tx: update_order(tx, id=id, changes={"vendor_name": "Other"}),
    ):
        with pytest.raises(TooLate):
            db.write(actor, step)
    db.write(actor, lambda tx: update_order(tx, id=id, changes={"notes": "Call them", "shipping_minor": 0}))
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: remove_order(tx, id=id))
    db.write(actor, lambda tx: recall_order(tx, id=id))
    assert order_of(db, actor, id).submitted_at is None
    db.write(actor, lambda tx: update_line(tx, id=line.id, changes={"quantity": 1}))
    assert db.write(actor, lambda tx: remove_order(tx, id=id))


def test_an_order_has_one_currency(db: Database, actor: Actor) -> None:
    id = db.write(actor, make_order)
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: update_order(tx, id=id, changes={"currency": "CAD"}))
    empty = db.write(actor, lambda tx: make_order(tx, lines=None))
    db.write(actor, lambda tx: update_order(tx, id=empty, changes={"currency": "CAD"}))
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: submit_order(tx, id=empty))


def test_states_are_reached_by_their_verbs_only(db: Database, actor: Actor) -> None:
    id = db.write(actor, make_order)
    with pytest.raises(InvalidTransition):
        db.write(actor, lambda tx: approve_order(tx, id=id))
    for step in (submit_order, approve_order):
        db.write(actor, lambda tx, step=step: step(tx, id=id))
    order = order_of(db, actor, id)
    assert (order.approved_by, order.approved_at is None) == (actor.id, False)
    for to in (OrderStatus.PARTIALLY_RECEIVED, OrderStatus.RECEIVED):
        with pytest.raises(Conflict):
            db.write(actor, lambda tx, to=to: tx.transition(PurchaseOrder, id, to))
    db.write(actor, lambda tx: cancel_order(tx, id=id))
    assert order_of(db, actor, id).cancelled_at is not None
    with pytest.raises(InvalidTransition):
        db.write(actor, lambda tx: recall_order(tx, id=id))


def test_lines_added_at_once_all_count(db: Database, actor: Actor, at_once: AtOnce) -> None:
    id = db.write(actor, lambda tx: make_order(tx, lines=None))
    calls = [
        lambda n=n: db.write(
            actor, lambda tx: create_line(tx, purchase_order_id=id, sku=f"S{n}", quantity=n, unit_cost_minor=10)
        )
        for n in range(1, 7)
    ]
    at_once(calls)
    assert order_of(db, actor, id).total_minor == 210
    assert [line.position for line in lines_of(db, actor, id)] == [1, 2, 3, 4, 5, 6]


def test_orders_are_numbered_within_their_store(db: Database, actor: Actor) -> None:
    store_id = db.write(actor, make_store)
    ids = [db.write(actor, lambda tx: make_order(tx, store_id=store_id)) for _ in range(2)]
    assert [order_of(db, actor, id).number for id in ids] == [1, 2]


def test_a_mismatch_is_reported(db: Database, actor: Actor) -> None:
    id = db.write(actor, make_order)
    wrong = {"subtotal_minor": 1, "total_minor": 1}
    db.write(actor, lambda tx: tx.update(PurchaseOrder, id, wrong))
    with db.read(actor) as reads:
        [found] = mismatched_orders(reads)
    assert found == {"table": "purchase_orders", "id": str(id), "stored": 1, "computed": 6_500}
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: submit_order(tx, id=id))


AMOUNTS = st.integers(0, 500)
PLACES = st.integers(0, 5)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 20), AMOUNTS),
        st.tuples(st.just("quantity"), PLACES, st.integers(1, 20)),
        st.tuples(st.just("cost"), PLACES, AMOUNTS),
        st.tuples(st.just("remove"), PLACES),
        st.tuples(st.sampled_from(["shipping", "tax", "discount"]), AMOUNTS),
        st.tuples(st.just("receive"), PLACES, st.integers(1, 25), st.sampled_from([None, "k1", "k2"])),
        st.tuples(st.sampled_from(["submit", "recall", "approve", "cancel", "close-short"])),
    ),
    max_size=14,
)
VERBS = {
    "submit": submit_order,
    "recall": recall_order,
    "approve": approve_order,
    "cancel": cancel_order,
    "close-short": close_order_short,
}


def apply(tx: Transaction, id: UUID, step: tuple[Any, ...]) -> None:
    """Do one step of a random life of an order."""
    lines = tx.rows(PurchaseOrderLine, purchase_order_id=id, order="position")
    match step:
        case ("add", quantity, cost):
            sku = f"S{len(lines)}-{tx.now.timestamp()}"
            create_line(tx, purchase_order_id=id, sku=sku, quantity=quantity, unit_cost_minor=cost)
        case ("quantity", place, value) if place < len(lines):
            update_line(tx, id=lines[place].id, changes={"quantity": value})
        case ("cost", place, value) if place < len(lines):
            update_line(tx, id=lines[place].id, changes={"unit_cost_minor": value})
        case ("remove", place) if place < len(lines):
            remove_line(tx, id=lines[place].id)
        case ("shipping" | "tax" | "discount" as name, value):
            update_order(tx, id=id, changes={f"{name}_minor": value})
        case ("receive", place, quantity, key) if place < len(lines):
            arrived = [{"line_id": lines[place].id, "quantity": quantity}]
            receive_order(tx, id=id, lines=arrived, idempotency_key=key)
        case (verb,) if verb in VERBS:
            VERBS[verb](tx, id=id)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, over=st.booleans(), ready=st.booleans())
def test_whatever_is_done_totals_are_lines_and_counts_are_receipts(
    db: Database, actor: Actor, *, steps: list[tuple[Any, ...]], over: bool, ready: bool
) -> None:
    first = {"sku": "first", "quantity": 10, "unit_cost_minor": 7, "allow_over_receipt": over}
    store_id = db.write(actor, make_store)
    id = db.write(
        actor,
        lambda tx: create_order(tx, store_id=store_id, vendor_name="V", currency="EUR", lines=[first]),
    )
    if ready:
        for verb in (submit_order, approve_order):
            db.write(actor, lambda tx, verb=verb: verb(tx, id=id))
    for step in steps:
        with suppress(GrowbaseError):
            db.write(actor, lambda tx, step=step: apply(tx, id, step))
        order, lines = order_of(db, actor, id), lines_of(db, actor, id)
        assert order.subtotal_minor == sum(line.quantity * line.unit_cost_minor for line in lines)
        extras = order.shipping_minor + order.tax_minor - order.discount_minor
        assert order.total_minor == order.subtotal_minor + extras >= 0
        is_complete = all(line.quantity_received >= line.quantity for line in lines)
        if order.status is OrderStatus.RECEIVED:
            assert is_complete or order.closed_short_at is not None
        if order.status is OrderStatus.PARTIALLY_RECEIVED:
            assert not is_complete
        with db.read(actor) as reads:
            assert mismatched_orders(reads) == []
