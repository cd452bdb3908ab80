"""Webhooks: writing down what was delivered, once, and doing what it says, in whatever order it comes."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from growbase.core.errors import Invalid
from growbase.core.schema import invalid
from growbase.core.transaction import Transaction
from growbase.core.types import moment_text
from growbase.domains.commerce.actions_flags import detect_flag
from growbase.domains.commerce.actions_messages import receive_customer_message
from growbase.domains.commerce.models import Store, StoreStatus
from growbase.domains.commerce.models_events import WebhookEvent, WebhookStatus
from growbase.domains.commerce.order_rules import ORDER_TOPICS, apply_order
from growbase.domains.commerce.redaction import redact_customer, redact_shop, request_data
from growbase.domains.commerce.schemas import CustomerMessage, Detection
from growbase.jobs.policies import WEBHOOKS

SHOPIFY = "shopify"
PROCESS = "process_webhook"
CHUNK = 500

TOLD_TO_ALL = frozenset({"app/uninstalled", "customers/redact", "shop/redact"})
"""What every organization that names a shop hears, proven or not: it only takes away."""

Doer = Callable[[Transaction, WebhookEvent, Store | None], bool]
"""Does what an event says and returns whether there was anything to do."""


def shopify_signature(secret: str, body: bytes) -> str:
    """Return what Shopify puts into X-Shopify-Hmac-Sha256: the HMAC-SHA256 of the raw body in base64."""
    return b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()


def hex_signature(secret: str, body: bytes) -> str:
    """Return what any other sender puts into X-Growbase-Signature: the HMAC-SHA256 of the raw body in hex."""
    return hmac.digest(secret.encode(), body, "sha256").hex()


def record_webhook(
    tx: Transaction,
    *,
    provider: str,
    webhook_id: str,
    topic: str,
    shop_domain: str,
    body: bytes,
    payload: Mapping[str, Any],
    store_id: UUID | None,
    triggered_at: datetime | None = None,
) -> bool:
    """Write a webhook down and queue what is to be done, and return whether it is new; delivered again it is not."""
    if tx.find(WebhookEvent, provider=provider, webhook_id=webhook_id) is not None:
        return False
    is_order = provider == SHOPIFY and topic in ORDER_TOPICS
    event_id = tx.insert(
        WebhookEvent,
        provider=provider,
        webhook_id=webhook_id,
        topic=topic,
        shop_domain=shop_domain,
        store_id=store_id,
        payload=payload,
        payload_hash=hashlib.sha256(body).hexdigest(),
        triggered_at=triggered_at,
        received_at=tx.now,
        resource_id=str(payload.get("id", ""))[:100] if is_order else None,
        resource_version=_version(payload, triggered_at or tx.now) if is_order else None,
    )
    tx.enqueue(PROCESS, {"event_id": str(event_id)}, queue=WEBHOOKS, dedupe_key=f"{PROCESS}/{event_id}")
    return True


def process_event(tx: Transaction, *, event_id: UUID) -> WebhookStatus | None:
    """Do what a webhook says, unless that was done; None if it is gone. An invalid one fails for good."""
    event = tx.find(WebhookEvent, event_id, lock=True)
    if event is None or event.status in {WebhookStatus.SUCCEEDED, WebhookStatus.SKIPPED}:
        return event.status if event is not None else None
    do = DOERS.get((event.provider, event.topic)) or DOERS.get(("*", event.topic))
    store = tx.find(Store, event.store_id) if event.store_id is not None else None
    error = None
    try:
        has_done = do is not None and event.payload is not None and do(tx, event, store)
        status = WebhookStatus.SUCCEEDED if has_done else WebhookStatus.SKIPPED
    except Invalid as refused:
        status, error = WebhookStatus.FAILED, str(refused)[:1_000]
    # Read again: purging its store has taken the event's reference to it.
    event = tx.get(WebhookEvent, event_id, lock=True)
    done = {"status": status, "error": error, "attempts": event.attempts + 1, "processed_at": tx.now}
    tx.change(event, done, action="process")
    return status


def fail_event(tx: Transaction, *, event_id: UUID, reason: str) -> None:
    """Note that doing what a webhook says has failed; its job tries again."""
    event = tx.find(WebhookEvent, event_id, lock=True)
    if event is not None:
        failed = {"status": WebhookStatus.FAILED, "error": reason[:1_000], "attempts": event.attempts + 1}
        tx.change(event, failed, action="process")


def _version(payload: Mapping[str, Any], fallback: datetime) -> str:
    """Return when a resource was changed as text whose order is that of time."""
    try:
        moment = datetime.fromisoformat(str(payload["updated_at"]))
    except (KeyError, ValueError):
        moment = fallback
    return moment_text(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _uninstalled(tx: Transaction, event: WebhookEvent, store: Store | None) -> bool:
    """Disconnect a store whose app was taken out, unless it has been connected again since."""
    if store is None or store.status in {StoreStatus.DISCONNECTED, StoreStatus.ARCHIVED}:
        return False
    when = event.triggered_at or event.received_at
    if store.connected_at is not None and store.connected_at > when:
        return False
    tx.transition(Store, store.id, StoreStatus.DISCONNECTED)
    return True


def _order(tx: Transaction, event: WebhookEvent, store: Store | None) -> bool:
    return store is not None and apply_order(tx, event, store)


def _redact_customer(tx: Transaction, event: WebhookEvent, store: Store | None) -> bool:
    del store
    customer = (event.payload or {}).get("customer") or {}
    orders = [str(order) for order in (event.payload or {}).get("orders_to_redact") or ()]
    id = str(customer["id"]) if customer.get("id") is not None else None
    return redact_customer(
        tx, shop_domain=event.shop_domain, email=customer.get("email"), customer_id=id, order_ids=orders
    )


def _redact_shop(tx: Transaction, event: WebhookEvent, store: Store | None) -> bool:
    del store
    return redact_shop(tx, shop_domain=event.shop_domain, asked_at=event.triggered_at or event.received_at)


def _data_request(tx: Transaction, event: WebhookEvent, store: Store | None) -> bool:
    return store is not None and request_data(tx, store, event.webhook_id, event.payload or {})


def _message(tx: Transaction, event: WebhookEvent, store: Store | None) -> bool:
    if store is None:
        return False
    message = _parsed(CustomerMessage, event, store)
    message["external_id"] = message["external_id"] or f"{event.provider}/{event.webhook_id}"
    receive_customer_message(tx, **message)
    return True


def _flag(tx: Transaction, event: WebhookEvent, store: Store | None) -> bool:
    if store is None:
        return False
    detect_flag(tx, webhook_event_id=event.id, **_parsed(Detection, event, store))
    return True


def _parsed(model: type[CustomerMessage] | type[Detection], event: WebhookEvent, store: Store) -> dict[str, Any]:
    known = {name: value for name, value in (event.payload or {}).items() if name in model.model_fields}
    try:
        found = model.model_validate({**known, "store_id": store.id})
    except ValidationError as error:
        raise invalid(error, "payload") from error
    return {name: getattr(found, name) for name in model.model_fields}


DOERS: Mapping[tuple[str, str], Doer] = {
    (SHOPIFY, "app/uninstalled"): _uninstalled,
    **{(SHOPIFY, topic): _order for topic in ORDER_TOPICS},
    (SHOPIFY, "customers/redact"): _redact_customer,
    (SHOPIFY, "customers/data_request"): _data_request,
    (SHOPIFY, "shop/redact"): _redact_shop,
    ("*", "message.received"): _message,
    ("*", "order_flag.detected"): _flag,
}
"""What is understood, by provider and topic; everything else is written down and skipped."""
