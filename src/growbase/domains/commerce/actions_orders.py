"""Purchase orders and their lines: writing them, and the states they go through until they are approved."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from growbase.core.errors import Conflict, ForeignKey, Invalid, TooLate
from growbase.core.model import Root
from growbase.core.reads import Reads
from growbase.core.statements import mark
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.commerce.actions_stores import live_store, next_number
from growbase.domains.commerce.models_purchasing import OrderStatus, PurchaseOrder, PurchaseOrderLine
from growbase.domains.identity.actions_discussion import settle_reviews
from growbase.domains.identity.models_discussion import ReviewStatus

EXTRAS = ("shipping_minor", "tax_minor", "discount_minor")
FROZEN = frozenset({*EXTRAS, "currency", "vendor_name", "vendor_id"})
"""What a vendor was told and an approval covers: changed in a draft only."""
UNDER_WAY = frozenset({OrderStatus.SUBMITTED, OrderStatus.APPROVED, OrderStatus.PARTIALLY_RECEIVED})


# -- orders -----------------------------------------------------------------------------------------------------------


def create_order(
    tx: Transaction,
    *,
    store_id: UUID,
    lines: Sequence[Mapping[str, Any] | BaseModel] | None = None,
    **values: Any,  # noqa: ANN401 -- columns
) -> UUID:
    """Draft a purchase order with the store's next number, and its lines in the order given."""
    live_store(tx, store_id)
    drafts = [_plain(line) for line in lines or ()]
    totals = [line["quantity"] * line["unit_cost_minor"] for line in drafts]
    number = next_number(tx, store_id, "purchase_orders")
    amounts = _amounts(sum(totals), {name: values.get(name) or 0 for name in EXTRAS})
    order_id = tx.insert(PurchaseOrder, store_id=store_id, number=number, **values, **amounts)
    rows = [
        {"purchase_order_id": order_id, "position": place, "line_total_minor": total, **line}
        for place, (line, total) in enumerate(zip(drafts, totals, strict=True), 1)
    ]
    tx.insert_many(PurchaseOrderLine, rows)
    return order_id


def update_order(tx: Transaction, *, id: UUID, changes: Mapping[str, Any], version: int | None = None) -> int:
    """Change an order; its total follows. After it was submitted only notes, reference, date and metadata change.

    Raises TooLate for more than that, Conflict for another currency than that of its lines.
    """
    order = tx.get(PurchaseOrder, id, lock=True)
    values = dict(changes)
    changed = {name for name in FROZEN & set(values) if values[name] != getattr(order, name)}
    if changed and order.status is not OrderStatus.DRAFT:
        raise TooLate("The order was submitted: recall it to change what the vendor was told.")
    if "currency" in changed and tx.count(PurchaseOrderLine, purchase_order_id=id):
        raise Conflict("The order has lines in {currency}: delete them before changing it.", currency=order.currency)
    if changed & set(EXTRAS):
        extras = {name: values.get(name, getattr(order, name)) for name in EXTRAS}
        values |= _amounts(order.subtotal_minor, extras)
    return tx.change(order, values, version=version)


def remove_order(tx: Transaction, *, id: UUID) -> UUID:
    """Move an order to the trash and return the deletion id. Raises Conflict while it is under way."""
    order = tx.get(PurchaseOrder, id, lock=True)
    if order.status in UNDER_WAY:
        raise Conflict("The order is under way: cancel it or close it short first.")
    return trash(tx, PurchaseOrder, id)


def submit_order(tx: Transaction, *, id: UUID) -> UUID:
    """Send an order on for approval; from now on its lines stay as they are. Raises Conflict without lines."""
    tx.transition(PurchaseOrder, id, OrderStatus.SUBMITTED)
    return id


def recall_order(tx: Transaction, *, id: UUID) -> UUID:
    """Take a submitted order back to be changed."""
    tx.transition(PurchaseOrder, id, OrderStatus.DRAFT)
    return id


def approve_order(tx: Transaction, *, id: UUID) -> UUID:
    """Approve a submitted order; goods may now be received."""
    tx.transition(PurchaseOrder, id, OrderStatus.APPROVED)
    return id


def cancel_order(tx: Transaction, *, id: UUID) -> UUID:
    """Cancel an order of which nothing has arrived; afterwards it can only be closed short."""
    tx.transition(PurchaseOrder, id, OrderStatus.CANCELLED)
    return id


def guard_order(tx: Transaction, row: Root, to: OrderStatus) -> dict[str, object]:
    """Refuse an empty order, a total that is not that of its lines, and to call received what has not arrived."""
    assert isinstance(row, PurchaseOrder)
    if to == OrderStatus.DRAFT:
        return {"submitted_at": None}
    if to == OrderStatus.CANCELLED:
        return {"cancelled_at": tx.now}
    lines = tx.rows(PurchaseOrderLine, purchase_order_id=row.id, order="position")
    if to == OrderStatus.SUBMITTED:
        if not lines:
            raise Conflict("An order needs a line before it can be submitted.")
        if row.subtotal_minor != sum(line.line_total_minor for line in lines):
            raise Conflict("The total of the order is not that of its lines.")
        return {"submitted_at": tx.now}
    if to == OrderStatus.APPROVED:
        settle_reviews(tx, PurchaseOrder, row.id, ReviewStatus.APPROVED)
        return {"approved_at": tx.now, "approved_by": tx.actor.id}
    if to == OrderStatus.PARTIALLY_RECEIVED and not any(line.quantity_received for line in lines):
        raise Conflict("Nothing of the order has arrived: use the verb receive.")
    if to == OrderStatus.RECEIVED:
        if row.closed_short_at is None and not is_complete(lines):
            raise Conflict("Some lines of the order have not arrived: receive them, or close it short.")
        return {"received_at": tx.now}
    return {}


def is_complete(lines: Sequence[PurchaseOrderLine]) -> bool:
    """Return whether every line has arrived; more than enough of one never pays for another."""
    return all(line.quantity_received >= line.quantity for line in lines)


# -- lines ------------------------------------------------------------------------------------------------------------


def create_line(
    tx: Transaction,
    *,
    purchase_order_id: UUID,
    quantity: int,
    unit_cost_minor: int,
    position: int | None = None,
    **values: Any,  # noqa: ANN401 -- columns
) -> UUID:
    """Add a line to a draft, last unless a position is given; the order's total follows in the same transaction."""
    order = tx.find(PurchaseOrder, purchase_order_id, lock=True)
    if order is None:
        what = "purchase order"
        raise ForeignKey.at("purchase_order_id", "foreign_key", "must be the id of an existing {what}", what=what)
    _require_draft(order)
    if position is None:
        last = tx.rows(PurchaseOrderLine, purchase_order_id=order.id, order="-position", limit=1)
        position = last[0].position + 1 if last else 1
    line_id = tx.insert(
        PurchaseOrderLine,
        purchase_order_id=order.id,
        position=position,
        quantity=quantity,
        unit_cost_minor=unit_cost_minor,
        line_total_minor=quantity * unit_cost_minor,
        **values,
    )
    _add_up(tx, order)
    return line_id


def update_line(tx: Transaction, *, id: UUID, changes: Mapping[str, Any], version: int | None = None) -> int:
    """Change a line of a draft; the order's total follows in the same transaction."""
    order, line = _locked(tx, id)
    values = dict(changes)
    quantity = values.get("quantity", line.quantity)
    values["line_total_minor"] = quantity * values.get("unit_cost_minor", line.unit_cost_minor)
    differing = [name for name, value in values.items() if line.__dict__[name] != value]
    if differing:
        _require_draft(order)
    found = tx.change(line, values, version=version)
    _add_up(tx, order)
    return found


def remove_line(tx: Transaction, *, id: UUID) -> None:
    """Delete a line of a draft; the order's total follows in the same transaction."""
    order, line = _locked(tx, id)
    _require_draft(order)
    tx.remove(line, action="delete")
    _add_up(tx, order)


def _locked(tx: Transaction, line_id: UUID) -> tuple[PurchaseOrder, PurchaseOrderLine]:
    """Return a line and its order under lock, the order first, so that writers of one order wait for each other."""
    order = tx.get(PurchaseOrder, tx.get(PurchaseOrderLine, line_id).purchase_order_id, lock=True)
    return order, tx.get(PurchaseOrderLine, line_id, lock=True)


def _require_draft(order: PurchaseOrder) -> None:
    if order.status is not OrderStatus.DRAFT:
        raise TooLate("The order was submitted and its lines stay as they are: recall it to change them.")


def _add_up(tx: Transaction, order: PurchaseOrder) -> None:
    """Bring the total of an order held under lock in line with its lines."""
    plan = tx.plan(PurchaseOrderLine)
    terms, params = tx.scope_terms(plan, anywhere=False)
    where = " AND ".join([*terms, f"t.purchase_order_id = {mark(tx.engine)}"])
    sql = f"SELECT coalesce(sum(t.line_total_minor), 0) FROM purchase_order_lines t WHERE {where}"
    bound = plan.fields["purchase_order_id"].bound(order.id)
    subtotal = int(tx.execute(sql, [*params, bound]).fetchone()[0])
    tx.change(order, _amounts(subtotal, {name: getattr(order, name) for name in EXTRAS}))


def repair_total(tx: Transaction, *, id: UUID) -> None:
    """Bring the total of a draft in line with its lines. Raises TooLate for an order that others have seen."""
    order = tx.get(PurchaseOrder, id, lock=True)
    _require_draft(order)
    _add_up(tx, order)


def _amounts(subtotal: int, extras: Mapping[str, int]) -> dict[str, int]:
    """Return subtotal and total: lines + freight + tax - discount. Raises Invalid for a total below zero."""
    total = subtotal + extras["shipping_minor"] + extras["tax_minor"] - extras["discount_minor"]
    if total < 0:
        raise Invalid.at("discount_minor", "too_large", "must not be more than the rest of the order")
    return {"subtotal_minor": subtotal, "total_minor": total}


def _plain(line: Mapping[str, Any] | BaseModel) -> dict[str, Any]:
    return line.model_dump() if isinstance(line, BaseModel) else dict(line)


# -- integrity --------------------------------------------------------------------------------------------------------


def mismatched_orders(reads: Reads) -> list[dict[str, Any]]:
    """Return the organization's orders whose total is not that of their lines, or whose receipts are not counted.

    There are none: this is the proof, run every night.
    """
    found = []
    for table, sums, value in (
        ("purchase_orders", "SELECT sum(l.line_total_minor) FROM purchase_order_lines l", "subtotal_minor"),
        ("purchase_order_lines", "SELECT sum(r.quantity) FROM purchase_order_receipts r", "quantity_received"),
    ):
        plan = reads.plan(PurchaseOrder if table == "purchase_orders" else PurchaseOrderLine)
        terms, params = reads.scope_terms(plan, anywhere=False)
        alias, key = ("l", "purchase_order_id") if table == "purchase_orders" else ("r", "line_id")
        total = f"coalesce(({sums} WHERE {alias}.organization_id = t.organization_id AND {alias}.{key} = t.id), 0)"
        sql = f"SELECT t.id, t.{value}, {total} FROM {table} t WHERE {' AND '.join([*terms, f't.{value} <> {total}'])}"
        found += [
            {"table": table, "id": str(id), "stored": stored, "computed": int(computed)}
            for id, stored, computed in reads.execute(sql, params).fetchall()
        ]
    return found
