"""Tables of what deserves a look at an order, and what became of it."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped

from growbase.core.model import (
    Key,
    Owned,
    choice,
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

FLAG_TYPE = r"^[a-z][a-z0-9_:-]*$"
FLAG_TYPES = ("payment_risk", "late_fulfilment", "address_issue", "high_value")
CUSTOM = "custom:"
"""Begins the types that a store has thought of itself."""


class FlagStatus(StrEnum):
    """Where a flag stands."""

    OPEN = "open"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"


class Urgency(StrEnum):
    """How soon somebody should look, the least first."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class FlagEventKind(StrEnum):
    """What happened to a flag."""

    OPENED = "opened"
    DETECTED = "detected"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"
    REOPENED = "reopened"


class OrderFlag(Owned):
    """One reason to look at one order; the same reason found again is the same row."""

    __tablename__ = "order_flags"

    store_id: Mapped[UUID] = reference("stores", on_purge="cascade", writable="create")
    shopify_order_id: Mapped[str] = text(max_length=100, min_length=1, writable="create")
    flag_type: Mapped[str] = text(max_length=60, min_length=1, pattern=FLAG_TYPE, writable="create")
    status: Mapped[FlagStatus] = state(FlagStatus.OPEN)
    severity: Mapped[Urgency] = choice(Urgency, default=Urgency.NORMAL)
    notes: Mapped[str | None] = text()
    resolution_notes: Mapped[str | None] = text(writable="never")
    resolved_by: Mapped[UUID | None] = identifier()
    resolved_at: Mapped[datetime | None] = moment(writable="never")
    snoozed_until: Mapped[datetime | None] = moment(writable="never")
    reopen_count: Mapped[int] = integer(ge=0, default=0, writable="never")
    metadata_: Mapped[dict[str, Any] | None] = document(name="metadata")
    webhook_event_id: Mapped[UUID | None] = reference("webhook_events", on_purge="null", writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("store_id", "shopify_order_id", "flag_type"),
        index("store_id", "status", "created_at"),
        index("status", "snoozed_until", where="status = 'snoozed'", across=True),
    )
    __checks__: ClassVar[dict[str, str]] = {
        "resolved_at": "(status = 'resolved') = (resolved_at IS NOT NULL)",
        "snoozed_until": "status <> 'snoozed' OR snoozed_until IS NOT NULL",
    }


class OrderFlagEvent(Owned):
    """What happened to a flag, with the resolution that a reopening takes off the flag itself."""

    __tablename__ = "order_flag_events"

    order_flag_id: Mapped[UUID] = reference("order_flags", on_purge="cascade", writable="never")
    kind: Mapped[FlagEventKind] = choice(FlagEventKind, writable="never")
    severity: Mapped[Urgency | None] = choice(Urgency, writable="never")
    notes: Mapped[str | None] = text(writable="never")
    resolved_by: Mapped[UUID | None] = identifier()
    resolved_at: Mapped[datetime | None] = moment(writable="never")
    snoozed_until: Mapped[datetime | None] = moment(writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (index("order_flag_id", "created_at", "id"),)
