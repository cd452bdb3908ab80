"""Receiving what was ordered, each delivery once, and closing an order of which the rest will not come."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from growbase.core import clock
from growbase.core.errors import Conflict, IdempotencyMismatch, Invalid, InvalidTransition
from growbase.core.transaction import Transaction
from growbase.domains.commerce.actions_orders import is_complete
from growbase.domains.commerce.models_purchasing import (
    OrderStatus,
    PurchaseOrder,
    PurchaseOrderLine,
    PurchaseOrderReceipt,
)

RECEIVABLE = frozenset({OrderStatus.APPROVED, OrderStatus.PARTIALLY_RECEIVED})


def receive_order(
    tx: Transaction,
    *,
    id: UUID,
    lines: Sequence[Mapping[str, Any] | BaseModel],
    idempotency_key: str | None = None,
) -> UUID:
    """Count what has arrived; the order is received once every line of it is.

    With a key, the same delivery reported again changes nothing. Raises Invalid for a line of another order and for
    more than was ordered, unless the line allows that; IdempotencyMismatch for another delivery under the same key.
    """
    order = tx.get(PurchaseOrder, id, lock=True)
    arrived = _quantities(lines)
    if idempotency_key is not None and _is_known(tx, order, idempotency_key, arrived):
        return id
    if order.status not in RECEIVABLE:
        allowed = sorted(RECEIVABLE)
        raise InvalidTransition(
            "Goods are received for an approved order; this one is {current}.",
            current=order.status.value,
            to=OrderStatus.PARTIALLY_RECEIVED.value,
            allowed=allowed,
        )
    rows = {line.id: line for line in tx.rows(PurchaseOrderLine, purchase_order_id=id, order="position", lock=True)}
    for place, (line_id, quantity) in enumerate(arrived.items()):
        line = rows.get(line_id)
        if line is None:
            raise Invalid.at(f"lines.{place}.line_id", "mismatch", "is no line of this order")
        _receive_line(tx, line, quantity, idempotency_key or str(clock.new_id()), place)
    if order.status is OrderStatus.APPROVED:
        tx.transition(PurchaseOrder, id, OrderStatus.PARTIALLY_RECEIVED)
    if is_complete(tx.rows(PurchaseOrderLine, purchase_order_id=id)):
        tx.transition(PurchaseOrder, id, OrderStatus.RECEIVED)
    return id


def close_order_short(tx: Transaction, *, id: UUID) -> UUID:
    """Call an order received although some of it never came; only one of which something has."""
    order = tx.get(PurchaseOrder, id, lock=True)
    if order.status is not OrderStatus.PARTIALLY_RECEIVED:
        raise Conflict("Only an order that has partly arrived is closed short; cancel it if nothing has.")
    tx.change(order, {"closed_short_at": tx.now})
    tx.transition(PurchaseOrder, id, OrderStatus.RECEIVED)
    return id


def _quantities(lines: Sequence[Mapping[str, Any] | BaseModel]) -> dict[UUID, int]:
    """Return the quantity of each line. Raises Invalid for one that is named twice."""
    found: dict[UUID, int] = {}
    for place, entry in enumerate(lines):
        line = entry.model_dump() if isinstance(entry, BaseModel) else entry
        if line["line_id"] in found:
            raise Invalid.at(f"lines.{place}.line_id", "unique", "is named twice")
        found[line["line_id"]] = line["quantity"]
    return found


def _is_known(tx: Transaction, order: PurchaseOrder, key: str, arrived: Mapping[UUID, int]) -> bool:
    """Return whether this delivery was counted already. Raises IdempotencyMismatch if the key was another's."""
    known = tx.rows(PurchaseOrderReceipt, purchase_order_id=order.id, idempotency_key=key)
    if known and {receipt.line_id: receipt.quantity for receipt in known} != arrived:
        raise IdempotencyMismatch
    return bool(known)


def _receive_line(tx: Transaction, line: PurchaseOrderLine, quantity: int, key: str, place: int) -> None:
    total = line.quantity_received + quantity
    if total > line.quantity and not line.allow_over_receipt:
        message = "is more than was ordered: {remaining} are to come"
        remaining = line.quantity - line.quantity_received
        raise Invalid.at(f"lines.{place}.quantity", "too_large", message, remaining=remaining)
    tx.insert(
        PurchaseOrderReceipt,
        purchase_order_id=line.purchase_order_id,
        line_id=line.id,
        quantity=quantity,
        received_at=tx.now,
        idempotency_key=key,
    )
    tx.change(line, {"quantity_received": total}, action="receive")
