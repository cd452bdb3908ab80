"""Product velocity: how long the stock lasts, when it runs out and how much to order."""

import math
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from growbase.core.errors import Conflict
from growbase.core.facts import hold
from growbase.core.reads import Reads
from growbase.core.transaction import Transaction
from growbase.domains.commerce.actions_orders import create_order
from growbase.domains.commerce.actions_stores import live_store, thresholds
from growbase.domains.commerce.models_insights import ProductVelocity
from growbase.domains.commerce.models_purchasing import LARGEST_QUANTITY

LEAD_TIME_DAYS = 14
SAFETY_DAYS = 7
FARTHEST_DAYS = 36_500
MOST_LINES = 500


def record_velocity(
    tx: Transaction,
    *,
    store_id: UUID,
    sku: str,
    recorded_for: date,
    average_daily_sales: float,
    current_inventory: int,
    window_days: int = 30,
    **rest: Any,  # noqa: ANN401 -- columns
) -> UUID:
    """Record how fast an article sold; the same article, day and window again replaces what was recorded."""
    live_store(tx, store_id)
    key: dict[str, Any] = {"store_id": store_id, "sku": sku, "recorded_for": recorded_for, "window_days": window_days}
    hold(tx, f"velocity/{store_id}/{sku}/{recorded_for}/{window_days}")
    values = {"average_daily_sales": float(average_daily_sales), "current_inventory": current_inventory, **rest}
    values |= forecast(average_daily_sales, current_inventory, recorded_for, days=cover_days(tx, store_id))
    row = tx.find(ProductVelocity, lock=True, **key)
    if row is None:
        return tx.insert(ProductVelocity, **key, **values)
    tx.change(row, values)
    return row.id


def update_velocity(tx: Transaction, *, id: UUID, changes: Mapping[str, Any], version: int | None = None) -> int:
    """Correct what was recorded; what follows from sales and stock is computed anew."""
    row = tx.get(ProductVelocity, id, lock=True)
    values = dict(changes)
    if {"average_daily_sales", "current_inventory"} & set(values):
        sales = values.get("average_daily_sales", row.average_daily_sales)
        stock = values.get("current_inventory", row.current_inventory)
        values |= forecast(sales, stock, row.recorded_for, days=cover_days(tx, row.store_id))
    return tx.change(row, values, version=version)


def cover_days(reads: Reads, store_id: UUID) -> int:
    """Return how many days of sales a store wants in stock: the vendors' lead time and a reserve."""
    lines = thresholds(reads, store_id)
    lead = LEAD_TIME_DAYS if lines.lead_time_days is None else lines.lead_time_days
    return lead + (SAFETY_DAYS if lines.safety_days is None else lines.safety_days)


def forecast(sales: float, inventory: int, day: date, *, days: int) -> Mapping[str, Any]:
    """Return days of supply, the day the stock runs out and how much covers ``days``; null where nothing sells.

    Days of supply = stock / daily sales; the reorder quantity = daily sales x days to cover - stock, rounded up.
    """
    if sales <= 0:
        return dict.fromkeys(("days_of_supply", "projected_stockout_date", "recommended_reorder_qty"))
    supply = max(inventory, 0) / sales
    is_near = supply <= FARTHEST_DAYS
    quantity = max(0, math.ceil(round(sales * days - inventory, 6)))
    return {
        "days_of_supply": supply,
        "projected_stockout_date": day + timedelta(days=int(supply)) if is_near else None,
        "recommended_reorder_qty": quantity,
    }


def suggest_order(
    tx: Transaction,
    *,
    store_id: UUID,
    vendor_name: str,
    vendor_id: str | None = None,
    recorded_for: date | None = None,
) -> dict[str, object]:
    """Draft a purchase order of what runs out, by the newest figures of each article; it is to be read and submitted.

    Costs come from ``computed_from.unit_cost_minor``, 0 where nothing is known. Raises Conflict if nothing runs out.
    """
    store = live_store(tx, store_id)
    lines = [
        {
            "sku": row.sku,
            "variant_id": row.variant_id,
            "product_title": row.product_title,
            "quantity": min(row.recommended_reorder_qty or 1, LARGEST_QUANTITY),
            "unit_cost_minor": _cost(row),
            "velocity_id": row.id,
        }
        for row in newest(tx, store_id, recorded_for)
        if row.recommended_reorder_qty
    ]
    if not lines:
        raise Conflict("Nothing is to be ordered: no article runs out within the time to cover.")
    order_id = create_order(
        tx,
        store_id=store_id,
        vendor_name=vendor_name,
        vendor_id=vendor_id,
        currency=store.currency,
        notes="Suggested by sales velocity.",
        lines=lines[:MOST_LINES],
    )
    return {"purchase_order_id": str(order_id), "lines": len(lines[:MOST_LINES])}


def newest(reads: Reads, store_id: UUID, until: date | None = None) -> list[ProductVelocity]:
    """Return the newest figures of each article of a store, of those who run out first, first."""
    found: dict[str, ProductVelocity] = {}
    for row in reads.rows(ProductVelocity, store_id=store_id, order="-recorded_for, window_days", limit=20_000):
        if until is None or row.recorded_for <= until:
            found.setdefault(row.sku, row)
    last = date.max
    return sorted(found.values(), key=lambda row: (row.projected_stockout_date or last, row.sku))


def _cost(row: ProductVelocity) -> int:
    cost = (row.computed_from or {}).get("unit_cost_minor", 0)
    return cost if isinstance(cost, int) and 0 <= cost <= 10**9 else 0
