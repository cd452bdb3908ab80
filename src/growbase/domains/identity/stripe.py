"""What Stripe sends: whether it is from Stripe, and what its events say, in the words of this domain.

The forms are those of https://docs.stripe.com/webhooks and https://docs.stripe.com/api/subscriptions/object; an
endpoint may send any version of them.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from growbase.core.crypto import keyed_hash
from growbase.core.errors import Invalid
from growbase.domains.identity.models_billing import SubscriptionStatus

TOLERANCE: Final = 300
"""Seconds a signature is good for: an older delivery may be a copy that somebody kept."""

STATUSES: Final[Mapping[str, SubscriptionStatus]] = {
    "incomplete": SubscriptionStatus.INCOMPLETE,
    "incomplete_expired": SubscriptionStatus.EXPIRED,
    "trialing": SubscriptionStatus.TRIALING,
    "active": SubscriptionStatus.ACTIVE,
    "past_due": SubscriptionStatus.PAST_DUE,
    "unpaid": SubscriptionStatus.UNPAID,
    "paused": SubscriptionStatus.UNPAID,
    "canceled": SubscriptionStatus.CANCELED,
}
CREATED: Final = "customer.subscription.created"
PAYMENT_FAILED: Final = "invoice.payment_failed"
PAID: Final = "invoice.paid"
UPDATED: Final = "customer.subscription.updated"
DELETED: Final = "customer.subscription.deleted"
TYPES: Final = (CREATED, PAYMENT_FAILED, PAID, UPDATED, DELETED)
"""The events that count, in the order in which Stripe means those of one second."""


class BadStripeSignature(Invalid):
    """The Stripe-Signature header does not fit the body, or is older than 5 minutes.

    Compare GROWBASE_STRIPE_WEBHOOK_SECRET with the endpoint's signing secret, and this server's clock with the time.
    """

    code = "bad_signature"


@dataclass(frozen=True, slots=True)
class Told:
    """What an event says of a subscription; all but ``subscription_id`` only where the event is of that kind."""

    type: str
    subscription_id: str
    customer_id: str | None = None
    organization_id: UUID | None = None
    status: SubscriptionStatus | None = None
    price_id: str | None = None
    product_id: str | None = None
    plan_codes: tuple[str, ...] = ()
    period: tuple[datetime, datetime] | None = None
    trial_start: datetime | None = None
    trial_end: datetime | None = None
    cancel_at_period_end: bool = False
    canceled_at: datetime | None = None


def require_signature(secret: str, header: str, body: bytes, *, now: float) -> None:
    """Raise BadStripeSignature unless ``header`` signs ``body`` with the endpoint's secret.

    The header is ``t=<seconds>,v1=<hex>``, with one ``v1`` for each secret while a secret is being replaced.
    """
    pairs = [part.strip().partition("=")[::2] for part in header.split(",")]
    times = [value for name, value in pairs if name == "t"]
    signatures = [value for name, value in pairs if name == "v1"]
    try:
        signed_at, text = int(times[0]), body.decode()
    except (IndexError, ValueError):
        raise BadStripeSignature from None
    expected = keyed_hash(secret.encode(), f"{times[0]}.{text}").encode()
    fits = [hmac.compare_digest(expected, signature.encode()) for signature in signatures]
    if not any(fits) or abs(now - signed_at) > TOLERANCE:
        raise BadStripeSignature


def read_event(document: object) -> dict[str, Any]:
    """Return the columns of an event that was delivered. Raises Invalid."""
    event = document if isinstance(document, dict) else {}
    wrong = [name for name in ("id", "type") if not (isinstance(event.get(name), str) and event[name])]
    wrong += ["created"] if _moment(event.get("created")) is None else []
    if wrong or not isinstance(_inner(event), dict):
        raise Invalid.at(wrong[0] if wrong else "data.object", "type", "must be as Stripe sends it")
    told = read_told(event)
    return {
        "provider_event_id": event["id"],
        "type": event["type"],
        "payload": event,
        "occurred_at": _moment(event["created"]),
        "provider_subscription_id": told.subscription_id if told else None,
    }


def read_told(event: Mapping[str, Any]) -> Told | None:
    """Return what an event says of a subscription, None if nothing that counts here."""
    found: Mapping[str, Any] = _inner(event)
    kind = event["type"]
    if kind not in TYPES:
        return None
    if kind in {PAID, PAYMENT_FAILED}:
        subscription_id = _id(found.get("subscription") or _at(found, "parent", "subscription_details", "subscription"))
        return Told(kind, subscription_id, _id(found.get("customer"))) if subscription_id else None
    items = _at(found, "items", "data")
    item = items[0] if isinstance(items, list) and items and isinstance(items[0], dict) else {}
    metadata = _mapping(found.get("metadata"))
    price = _mapping(item.get("price"))
    subscription_id = _id(found.get("id"))
    if not subscription_id:
        return None
    return Told(
        kind,
        subscription_id,
        _id(found.get("customer")),
        _uuid(metadata.get("organization_id")),
        SubscriptionStatus.CANCELED if kind == DELETED else STATUSES.get(str(found.get("status"))),
        _id(price.get("id")),
        _id(price.get("product")),
        tuple(filter(None, (_id(price.get("lookup_key")), _id(metadata.get("plan_code"))))),
        _period(found) or _period(item),
        _moment(found.get("trial_start")),
        _moment(found.get("trial_end")),
        found.get("cancel_at_period_end") is True,
        _moment(found.get("canceled_at")),
    )


def _inner(event: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- JSON
    return _at(event, "data", "object")


def _at(value: object, *path: str) -> Any:  # noqa: ANN401 -- JSON
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _id(value: object) -> str | None:
    """Return an id, also of an object that is sent whole."""
    found = value.get("id") if isinstance(value, dict) else value
    return found[:255] if isinstance(found, str) and found else None


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None


def _moment(value: object) -> datetime | None:
    try:
        return datetime.fromtimestamp(value, UTC) if type(value) is int else None
    except (OverflowError, OSError, ValueError):
        return None


def _period(found: Mapping[str, Any]) -> tuple[datetime, datetime] | None:
    start, end = _moment(found.get("current_period_start")), _moment(found.get("current_period_end"))
    return (start, end) if start is not None and end is not None and start < end else None
