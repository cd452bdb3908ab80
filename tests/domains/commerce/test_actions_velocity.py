from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import Conflict
from growbase.domains.commerce.actions_velocity import forecast, record_velocity, suggest_order
from growbase.domains.commerce.models_insights import ProductVelocity
from growbase.domains.commerce.models_purchasing import PurchaseOrder, PurchaseOrderLine
from tests.domains.commerce.factories import AtOnce, make_store, set_settings

DAY = date(2026, 3, 1)


@pytest.fixture
def store_id(db: Database, actor: Actor) -> UUID:
    return db.write(actor, make_store)


def record(db: Database, actor: Actor, store_id: UUID, **over: Any) -> UUID:  # noqa: ANN401
    values = {"sku": "A", "recorded_for": DAY, "average_daily_sales": 2.0, "current_inventory": 20, **over}
    return db.write(actor, lambda tx: record_velocity(tx, store_id=store_id, **values))


def test_supply_stockout_and_reorder_follow_from_sales_and_stock(db: Database, actor: Actor, store_id: UUID) -> None:
    db.write(actor, lambda tx: set_settings(tx, store_id, thresholds={"lead_time_days": 10, "safety_days": 5}))
    id = record(db, actor, store_id)
    with db.read(actor) as reads:
        row = reads.get(ProductVelocity, id)
    assert (row.days_of_supply, row.projected_stockout_date, row.recommended_reorder_qty) == (10, date(2026, 3, 11), 10)


def test_what_does_not_sell_never_runs_out(db: Database, actor: Actor, store_id: UUID) -> None:
    id = record(db, actor, store_id, average_daily_sales=0.0)
    with db.read(actor) as reads:
        row = reads.get(ProductVelocity, id)
    assert (row.days_of_supply, row.projected_stockout_date, row.recommended_reorder_qty) == (None, None, None)


@given(st.floats(min_value=0, max_value=1e9), st.integers(-(10**9), 10**9), st.integers(0, 7_300))
def test_a_forecast_is_never_negative_and_covers_what_is_asked(sales: float, stock: int, days: int) -> None:
    found = forecast(sales, stock, DAY, days=days)
    if sales == 0:
        assert set(found.values()) == {None}
        return
    assert found["days_of_supply"] >= 0
    assert found["recommended_reorder_qty"] >= 0
    assert found["recommended_reorder_qty"] + stock >= sales * days - 1 or found["recommended_reorder_qty"] == 0


def test_the_same_article_day_and_window_is_one_row(
    db: Database, actor: Actor, store_id: UUID, at_once: AtOnce
) -> None:
    found = at_once([lambda n=n: record(db, actor, store_id, current_inventory=n) for n in range(5)])
    assert len(set(found)) == 1
    assert record(db, actor, store_id, window_days=7) not in found


def test_an_order_is_suggested_of_the_newest_figures(db: Database, actor: Actor, store_id: UUID) -> None:
    record(db, actor, store_id, recorded_for=date(2026, 2, 1), current_inventory=0)
    record(db, actor, store_id, current_inventory=10_000)
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: suggest_order(tx, store_id=store_id, vendor_name="Vendor"))
    record(db, actor, store_id, sku="B", computed_from={"unit_cost_minor": 300})
    found = db.write(actor, lambda tx: suggest_order(tx, store_id=store_id, vendor_name="Vendor"))
    with db.read(actor) as reads:
        [line] = reads.rows(PurchaseOrderLine)
        order = reads.get(PurchaseOrder, line.purchase_order_id)
    assert found == {"purchase_order_id": str(order.id), "lines": 1}
    assert (line.sku, line.quantity, order.total_minor, order.currency) == ("B", 22, 6_600, "USD")
