"""What an order says about itself: which flags it deserves, whichever of its versions comes first."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from growbase.core.facts import hold
from growbase.core.transaction import Transaction
from growbase.domains.commerce.actions_flags import LEVEL, detect_flag, is_automatic, note_event
from growbase.domains.commerce.actions_stores import thresholds
from growbase.domains.commerce.documents import Thresholds
from growbase.domains.commerce.models import Store
from growbase.domains.commerce.models_events import WebhookEvent, WebhookStatus
from growbase.domains.commerce.models_flags import FlagEventKind, FlagStatus, OrderFlag, Urgency

ORDER_TOPICS = ("orders/create", "orders/updated")
HIGH_VALUE_MINOR = 100_000
MUCH = 5
"""How many times the threshold makes an order more urgent."""
WITHOUT_CENTS = frozenset({"JPY", "KRW", "VND", "CLP", "ISK", "XAF", "XOF", "XPF", "UGX", "RWF", "PYG"})
LOST = frozenset({"voided", "expired"})
RISKY: Mapping[str, Urgency] = {"cancel": Urgency.URGENT, "investigate": Urgency.HIGH}
GONE = "The order gives no more reason for it."

Reasons = dict[str, tuple[Urgency, dict[str, Any]]]


def reasons_of(order: Mapping[str, Any], lines: Thresholds) -> Reasons:
    """Return the types of the flags an order deserves, each with its severity and what it was seen by."""
    found: Reasons = {}
    status = str(order.get("financial_status") or "")
    risks = [risk for risk in order.get("risks") or () if isinstance(risk, Mapping)]
    advice = [str(risk.get("recommendation") or "") for risk in risks]
    worst = next((word for word in RISKY if word in advice), None)
    if worst is not None or status in LOST:
        severity = RISKY[worst] if worst is not None else Urgency.HIGH
        found["payment_risk"] = (severity, {"recommendation": worst, "financial_status": status})
    currency = str(order.get("currency") or "")
    total = amount_minor(order.get("total_price"), currency)
    limit = HIGH_VALUE_MINOR if lines.high_value_minor is None else lines.high_value_minor
    if total is not None and total >= limit:
        severity = Urgency.HIGH if total >= limit * MUCH else Urgency.NORMAL
        found["high_value"] = (severity, {"total_minor": total, "currency": currency})
    return found


def amount_minor(text: object, currency: str) -> int | None:
    """Return a decimal amount in minor units, None if it is none."""
    try:
        amount = Decimal(str(text))
        return int(amount if currency in WITHOUT_CENTS else (amount * 100).to_integral_value())
    except (InvalidOperation, ValueError, OverflowError):
        return None


def apply_order(tx: Transaction, event: WebhookEvent, store: Store) -> bool:
    """Bring the flags of an order in line with a version of it, and return whether that was the newest one.

    Whatever the order of delivery, the end is the same: the newest version decides which flags are open; a reason that
    only an older version gave leaves a flag that resolved itself. What people settled stays settled until the newest
    version gives the reason again.
    """
    order_id = event.resource_id or ""
    hold(tx, f"flag/{store.id}/{order_id}")
    reasons = reasons_of(event.payload or {}, thresholds(tx, store.id))
    stamp = {"version": event.resource_version, "webhook": event.webhook_id}
    flags = {
        flag.flag_type: flag for flag in tx.rows(OrderFlag, store_id=store.id, shopify_order_id=order_id, lock=True)
    }
    if not _is_newest(tx, event, store):
        for kind, (severity, seen) in reasons.items():
            _remember(tx, event, flags.get(kind), kind, severity, {**seen, **stamp})
        return False
    for kind, (severity, seen) in reasons.items():
        detect_flag(
            tx,
            store_id=store.id,
            shopify_order_id=order_id,
            flag_type=kind,
            severity=severity,
            metadata={**seen, **stamp},
            webhook_event_id=event.id,
        )
    for kind, flag in flags.items():
        if kind not in reasons and _seen_by(flag) is not None and flag.status in {FlagStatus.OPEN, FlagStatus.SNOOZED}:
            tx.transition(OrderFlag, flag.id, FlagStatus.RESOLVED, resolved_by=None, resolution_notes=GONE)
    return True


def _is_newest(tx: Transaction, event: WebhookEvent, store: Store) -> bool:
    """Return whether no version of the order that is at least as new has been applied."""
    key: dict[str, Any] = {"store_id": store.id, "resource_id": event.resource_id, "topic": list(ORDER_TOPICS)}
    done = WebhookStatus.SUCCEEDED
    rows = tx.rows(WebhookEvent, status=done, order="-resource_version, -webhook_id", limit=1, **key)
    mine = (event.resource_version or "", event.webhook_id)
    return not rows or (rows[0].resource_version or "", rows[0].webhook_id) <= mine


def _remember(
    tx: Transaction,
    event: WebhookEvent,
    flag: OrderFlag | None,
    kind: str,
    severity: Urgency,
    metadata: Mapping[str, Any],
) -> None:
    """Note that an older version gave a reason, as if it had come in time: the flag has resolved itself since."""
    if flag is None:
        past = {"status": FlagStatus.RESOLVED, "resolved_at": tx.now, "resolution_notes": GONE}
        flag_id = tx.insert(
            OrderFlag,
            store_id=event.store_id,
            shopify_order_id=event.resource_id,
            flag_type=kind,
            severity=severity,
            metadata=metadata,
            webhook_event_id=event.id,
            **past,
        )
        note_event(tx, flag_id, FlagEventKind.OPENED, severity=severity)
        note_event(tx, flag_id, FlagEventKind.RESOLVED, resolved_at=tx.now, notes=GONE)
        return
    changes: dict[str, object] = {"severity": severity} if LEVEL[severity] > LEVEL[flag.severity] else {}
    seen = _seen_by(flag)
    if is_automatic(flag) and seen is not None and seen < (metadata["version"], metadata["webhook"]):
        changes |= {"metadata": metadata, "webhook_event_id": event.id}
    tx.change(flag, changes)


def _seen_by(flag: OrderFlag) -> tuple[str, str] | None:
    """Return the version and webhook that last gave a flag its reason, None if it was not an order's own."""
    metadata: Mapping[str, Any] = flag.__dict__["metadata"] or {}
    version, webhook = metadata.get("version"), metadata.get("webhook")
    return (version, webhook) if isinstance(version, str) and isinstance(webhook, str) else None
