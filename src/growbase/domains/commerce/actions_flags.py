"""Flags on orders: finding the same reason again, putting it off, and settling it."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from growbase.core.errors import Invalid
from growbase.core.facts import hold
from growbase.core.model import Root
from growbase.core.reads import Where
from growbase.core.transaction import Transaction
from growbase.domains.commerce.actions_stores import live_store
from growbase.domains.commerce.models_flags import (
    CUSTOM,
    FLAG_TYPES,
    FlagEventKind,
    FlagStatus,
    OrderFlag,
    OrderFlagEvent,
    Urgency,
)

CHUNK = 500
LEVEL = {severity: level for level, severity in enumerate(Urgency)}


def create_flag(tx: Transaction, *, store_id: UUID, **values: Any) -> UUID:  # noqa: ANN401 -- columns
    """Flag an order by hand. Raises NotUnique if it has a flag of this type already: detect or reopen that."""
    live_store(tx, store_id)
    if values["flag_type"] not in FLAG_TYPES and not re.fullmatch(f"{CUSTOM}.+", values["flag_type"]):
        expected = ", ".join((*FLAG_TYPES, f"{CUSTOM}..."))
        raise Invalid.at("flag_type", "choice", "must be one of {expected}", expected=expected)
    flag_id = tx.insert(OrderFlag, store_id=store_id, **values)
    note_event(tx, flag_id, FlagEventKind.OPENED, severity=values.get("severity", Urgency.NORMAL))
    return flag_id


def detect_flag(
    tx: Transaction,
    *,
    store_id: UUID,
    shopify_order_id: str,
    flag_type: str,
    severity: Urgency = Urgency.NORMAL,
    notes: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    webhook_event_id: UUID | None = None,
) -> UUID:
    """Flag an order for a reason that was found, once or again, and return the flag.

    A resolved flag opens again and counts it. A dismissed one stays so unless it got worse, a snoozed one sleeps on.
    The severity only ever rises.
    """
    live_store(tx, store_id)
    hold(tx, f"flag/{store_id}/{shopify_order_id}")
    key: dict[str, Any] = {"store_id": store_id, "shopify_order_id": shopify_order_id, "flag_type": flag_type}
    flag = tx.find(OrderFlag, lock=True, **key)
    if flag is None:
        more: dict[str, Any] = {"notes": notes, "metadata": metadata, "webhook_event_id": webhook_event_id}
        return create_flag(tx, **key, severity=severity, **more)
    is_worse = LEVEL[severity] > LEVEL[flag.severity]
    found: dict[str, Any] = {"severity": severity} if is_worse else {}
    if metadata is not None:
        found["metadata"] = dict(metadata)
    if webhook_event_id is not None:
        found["webhook_event_id"] = webhook_event_id
    if flag.status is FlagStatus.RESOLVED or (flag.status is FlagStatus.DISMISSED and is_worse):
        if is_automatic(flag):
            # Nobody had settled it, so nobody's work comes back.
            found["reopen_count"] = flag.reopen_count
        tx.transition(OrderFlag, flag.id, FlagStatus.OPEN, **found)
        return flag.id
    if flag.status is FlagStatus.DISMISSED:
        return flag.id
    before = flag.version
    if tx.change(flag, found) != before and is_worse:
        note_event(tx, flag.id, FlagEventKind.DETECTED, severity=severity)
    return flag.id


def detect(tx: Transaction, **values: Any) -> Mapping[str, object]:  # noqa: ANN401 -- the fields of Detection
    """Flag an order for a reason that was found; the same reason found again is the same flag."""
    flag_id = detect_flag(tx, **values)
    flag = tx.get(OrderFlag, flag_id)
    return {"id": str(flag_id), "status": flag.status, "severity": flag.severity, "reopen_count": flag.reopen_count}


def is_automatic(flag: OrderFlag) -> bool:
    """Return whether a resolved flag was resolved by nobody: the order itself gave no more reason for it."""
    return flag.status is FlagStatus.RESOLVED and flag.resolved_by is None


def snooze_flag(tx: Transaction, *, id: UUID, until: datetime) -> UUID:
    """Put a flag off until a moment, when it opens again by itself. Raises Invalid for a moment that has passed."""
    flag = tx.get(OrderFlag, id, lock=True)
    if until <= tx.now:
        raise Invalid.at("until", "too_early", "must be in the future")
    if flag.status in {FlagStatus.OPEN, FlagStatus.SNOOZED}:
        tx.change(flag, {"snoozed_until": until})
    tx.transition(OrderFlag, id, FlagStatus.SNOOZED)
    return id


def resolve_flag(tx: Transaction, *, id: UUID, notes: str | None = None) -> UUID:
    """Settle a flag and say how; found again later, it opens again."""
    tx.transition(OrderFlag, id, FlagStatus.RESOLVED, resolution_notes=notes)
    return id


def dismiss_flag(tx: Transaction, *, id: UUID) -> UUID:
    """Say that a flag does not matter; found again it stays dismissed, unless it has got worse."""
    tx.transition(OrderFlag, id, FlagStatus.DISMISSED)
    return id


def reopen_flag(tx: Transaction, *, id: UUID) -> UUID:
    """Open a flag again; what its resolution was stays in its events."""
    tx.transition(OrderFlag, id, FlagStatus.OPEN)
    return id


def guard_flag(tx: Transaction, row: Root, to: FlagStatus) -> dict[str, object]:
    """Keep a flag's dates true to its state, and its history: a resolution is noted before it is taken off."""
    assert isinstance(row, OrderFlag)
    if to == FlagStatus.SNOOZED:
        if row.snoozed_until is None or row.snoozed_until <= tx.now:
            raise Invalid.at("until", "required", "is required: use the verb snooze")
        note_event(tx, row.id, FlagEventKind.SNOOZED, snoozed_until=row.snoozed_until)
        return {}
    if to == FlagStatus.RESOLVED:
        note_event(tx, row.id, FlagEventKind.RESOLVED, resolved_by=tx.actor.id, resolved_at=tx.now)
        return {"resolved_at": tx.now, "resolved_by": tx.actor.id, "snoozed_until": None}
    if to == FlagStatus.DISMISSED:
        note_event(tx, row.id, FlagEventKind.DISMISSED)
        return {"snoozed_until": None}
    was_settled = row.status in {FlagStatus.RESOLVED, FlagStatus.DISMISSED}
    kept = {"notes": row.resolution_notes, "resolved_by": row.resolved_by, "resolved_at": row.resolved_at}
    note_event(tx, row.id, FlagEventKind.REOPENED, severity=row.severity, **kept)
    cleared = dict.fromkeys(("resolved_at", "resolved_by", "resolution_notes", "snoozed_until"))
    return {**cleared, "reopen_count": row.reopen_count + was_settled}


def unsnooze_flags(tx: Transaction) -> int:
    """Open the organization's flags whose time has come and return how many."""
    due = Where("snoozed_until", "<=", tx.now)
    rows = tx.rows(OrderFlag, due, status=FlagStatus.SNOOZED, order="id", limit=CHUNK, lock=True)
    for row in rows:
        tx.transition(OrderFlag, row.id, FlagStatus.OPEN)
    return len(rows)


def note_event(tx: Transaction, flag_id: UUID, kind: FlagEventKind, **values: object) -> None:
    """Add to a flag's history."""
    tx.insert(OrderFlagEvent, order_flag_id=flag_id, kind=kind, **values)
