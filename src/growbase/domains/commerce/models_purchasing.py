"""Tables of what a store buys in: orders, their lines, and what has arrived."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped

from growbase.core.model import (
    Key,
    Owned,
    Trashable,
    Writable,
    boolean,
    currency,
    document,
    identifier,
    index,
    integer,
    moment,
    reference,
    state,
    text,
    unique,
)

LARGEST_AMOUNT = 10**12
LARGEST_QUANTITY = 10**6


class OrderStatus(StrEnum):
    """Where a purchase order stands; only one whose every line has arrived, or was closed short, is received."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    PARTIALLY_RECEIVED = "partially_received"
    RECEIVED = "received"
    CANCELLED = "cancelled"


def _amount(*, le: int = LARGEST_AMOUNT, default: int | None = 0, writable: Writable = "always") -> Any:  # noqa: ANN401
    """Declare an amount that is bounded, so that sums of many fit 64 bits."""
    return integer(ge=0, le=le, default=default, writable=writable, help="Amount in minor units, such as cents.")


class PurchaseOrder(Trashable, Owned):
    """What a store orders from one vendor; its total is always that of its lines, freight, tax and discount."""

    __tablename__ = "purchase_orders"

    store_id: Mapped[UUID] = reference("stores", writable="create")
    number: Mapped[int] = integer(ge=1, writable="never")
    vendor_name: Mapped[str] = text(max_length=200, min_length=1)
    vendor_id: Mapped[str | None] = text(max_length=100)
    status: Mapped[OrderStatus] = state(OrderStatus.DRAFT)
    reference_code: Mapped[str | None] = text(max_length=100)
    subtotal_minor: Mapped[int] = integer(ge=0, default=0, writable="never")
    shipping_minor: Mapped[int] = _amount()
    tax_minor: Mapped[int] = _amount()
    discount_minor: Mapped[int] = _amount()
    total_minor: Mapped[int] = integer(ge=0, default=0, writable="never")
    expected_at: Mapped[datetime | None] = moment()
    submitted_at: Mapped[datetime | None] = moment(writable="never")
    approved_at: Mapped[datetime | None] = moment(writable="never")
    approved_by: Mapped[UUID | None] = identifier()
    received_at: Mapped[datetime | None] = moment(writable="never")
    closed_short_at: Mapped[datetime | None] = moment(writable="never")
    cancelled_at: Mapped[datetime | None] = moment(writable="never")
    notes: Mapped[str | None] = text()
    metadata_: Mapped[dict[str, Any] | None] = document(name="metadata")
    currency: Mapped[str] = currency()

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("store_id", "number", live=False),
        index("store_id", "status", "updated_at"),
        index("store_id", "vendor_name"),
        index("number", "id"),
        index("vendor_name", "id"),
    )
    __checks__: ClassVar[dict[str, str]] = {
        "totals": "total_minor = subtotal_minor + shipping_minor + tax_minor - discount_minor"
    }


class PurchaseOrderLine(Owned):
    """One article of a purchase order; written only while the order is a draft."""

    __tablename__ = "purchase_order_lines"

    purchase_order_id: Mapped[UUID] = reference("purchase_orders", on_purge="cascade", writable="create")
    position: Mapped[int] = integer(ge=1, default=1)
    sku: Mapped[str] = text(max_length=100, min_length=1)
    product_title: Mapped[str | None] = text(max_length=300)
    variant_id: Mapped[str | None] = text(max_length=100)
    quantity: Mapped[int] = integer(ge=1, le=LARGEST_QUANTITY)
    unit_cost_minor: Mapped[int] = _amount(le=10**9, default=None)
    line_total_minor: Mapped[int] = integer(ge=0, writable="never")
    quantity_received: Mapped[int] = integer(ge=0, default=0, writable="never")
    allow_over_receipt: Mapped[bool] = boolean(default=False)
    velocity_id: Mapped[UUID | None] = reference("product_velocity", on_purge="null")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("purchase_order_id", "position"),
        unique("purchase_order_id", "sku", "coalesce(variant_id, '')"),
    )
    __checks__: ClassVar[dict[str, str]] = {
        "value": "line_total_minor = quantity * unit_cost_minor",
        "received": "quantity_received <= quantity OR allow_over_receipt",
    }


class PurchaseOrderReceipt(Owned):
    """What arrived of one line at one time; the same delivery reported twice counts once."""

    __tablename__ = "purchase_order_receipts"

    purchase_order_id: Mapped[UUID] = reference("purchase_orders", on_purge="cascade", writable="never")
    line_id: Mapped[UUID] = reference("purchase_order_lines", on_purge="cascade", writable="never")
    quantity: Mapped[int] = integer(ge=1, le=LARGEST_QUANTITY, writable="never")
    received_at: Mapped[datetime] = moment(writable="never")
    idempotency_key: Mapped[str] = text(max_length=200, min_length=1, writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("line_id", "idempotency_key"),
        index("purchase_order_id", "idempotency_key"),
    )
