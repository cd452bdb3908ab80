"""How valid rows and requests of commerce are made where no schema says it; see ``tests.api.factories``."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

OVERRIDES: Mapping[str, Mapping[str, Callable[[int], Any] | None]] = {
    "stores": {
        "domain": lambda number: f"shop{number}.example.com",
        "shop_domain": lambda number: f"shop{number}.myshopify.com",
        "timezone": lambda _: "Europe/Paris",
        "access_token": None,
    },
    "store-settings": {
        "connection_metadata": lambda _: {},
        "blocked_customers": lambda number: [f"person{number}@example.com"],
    },
    "order-flags": {"flag_type": lambda number: f"custom:reason-{number}"},
    "ai-drafts": {"ticket_message_id": None},
    "ticket-messages": {"is_draft": lambda _: True, "body_rich": lambda _: "<p>Hello</p>"},
    "product-velocity": {"average_daily_sales": lambda _: 3, "current_inventory": lambda _: 30},
    # Its rank follows it, as a total follows its amounts.
    "seo-insights": {"severity": None},
    "purchase-orders": {"shipping_minor": None, "tax_minor": None, "discount_minor": None, "lines": None},
    "purchase-order-lines": {"quantity": lambda _: 3, "unit_cost_minor": lambda _: 500},
}
WANTED: Mapping[str, tuple[str, ...]] = {"ticket-messages": ("is_draft",)}
STORED: Mapping[str, Mapping[str, Any]] = {
    "purchase-order-receipts": {"received_at": datetime(2026, 1, 1, tzinfo=UTC)},
    "webhook-events": {"webhook_id": "delivery {number}", "received_at": datetime(2026, 1, 1, tzinfo=UTC)},
}
BODIES: Mapping[str, dict[str, Any]] = {"/api/stores/{id}/kpis": {}}


def make_facts(factory: Any) -> None:  # noqa: ANN401 -- the factory imports this module
    """Make a cached key figure and somebody who writes in a ticket, which no resource offers."""
    ticket = factory.create("tickets")
    answer = factory.client.post(f"/api/tickets/{ticket['id']}/writing", json={}, headers=factory.headers)
    assert answer.status_code == 200
    store = factory.create("stores")
    path = f"/api/stores/{store['id']}/kpis?metric=open_flags&from=2026-01-01&to=2026-01-31"
    assert factory.client.get(path, headers=factory.headers).status_code == 200
