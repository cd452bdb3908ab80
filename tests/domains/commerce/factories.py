"""Rows for tests of commerce, each with what it needs; any column can be given."""

from collections.abc import Callable
from itertools import count
from typing import Any
from uuid import UUID

from growbase.core.transaction import Transaction
from growbase.domains.commerce.actions_messages import Received, receive_customer_message
from growbase.domains.commerce.actions_orders import create_order
from growbase.domains.commerce.actions_stores import create_store, update_settings
from growbase.domains.commerce.models import StoreSettings

_number = count(1)
AtOnce = Callable[..., list[Any]]
LINES = ({"sku": "A", "quantity": 10, "unit_cost_minor": 250}, {"sku": "B", "quantity": 4, "unit_cost_minor": 1_000})


def make_store(tx: Transaction, **over: Any) -> UUID:  # noqa: ANN401
    """Make a connected store."""
    number = next(_number)
    names = {"domain": f"shop{number}.example.com", "shop_domain": f"shop{number}.myshopify.com"}
    return create_store(tx, **{**names, "access_token": "shpat_test", **over})


def set_settings(tx: Transaction, store_id: UUID, **changes: Any) -> None:  # noqa: ANN401
    """Change the settings of a store."""
    settings = tx.find(StoreSettings, store_id=store_id)
    assert settings is not None
    update_settings(tx, id=settings.id, changes=changes)


def make_order(tx: Transaction, **over: Any) -> UUID:  # noqa: ANN401
    """Draft a purchase order of two lines, in a store of its own unless one is given."""
    values = {"vendor_name": "Vendor", "currency": "EUR", "lines": LINES, **over}
    if "store_id" not in values:
        values["store_id"] = make_store(tx)
    return create_order(tx, **values)


def write_in(tx: Transaction, store_id: UUID, **over: Any) -> Received:  # noqa: ANN401
    """Let a customer write."""
    return receive_customer_message(
        tx, store_id=store_id, **{"body": "Hello?", "customer_email": "ann@example.com", **over}
    )
