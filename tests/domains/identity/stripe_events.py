"""Events as Stripe sends them."""

from itertools import count
from typing import Any

_numbers = count(1)
START = 1_767_225_600  # 2026-01-01
MONTH = 31 * 86_400


def event(kind: str, at: int, found: dict[str, Any], **over: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return an event ``at`` seconds after the start of 2026."""
    body = {"id": f"evt_{next(_numbers):08}", "object": "event", "type": kind, "created": START + at}
    return {**body, "data": {"object": found}, **over}


def subscription(
    step: str,
    at: int,
    *,
    id: str,
    status: str = "active",
    code: str = "growth",
    organization_id: object = None,
    **over: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """Return an event that shows a whole subscription."""
    price = {"id": f"price_{code}", "product": f"prod_{code}", "lookup_key": code}
    found: dict[str, Any] = {
        "id": id,
        "object": "subscription",
        "customer": f"cus_{id}",
        "status": status,
        "items": {"data": [{"price": price}]},
        "current_period_start": START,
        "current_period_end": START + MONTH,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "trial_start": None,
        "trial_end": None,
        "metadata": {"organization_id": str(organization_id)} if organization_id else {},
    }
    return event(f"customer.subscription.{step}", at, found | over)


def invoice(step: str, at: int, *, id: str) -> dict[str, Any]:
    """Return an event of a payment."""
    return event(f"invoice.{step}", at, {"object": "invoice", "customer": f"cus_{id}", "subscription": id})
