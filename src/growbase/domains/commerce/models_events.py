"""Tables of what came from outside: tests of connections, and webhooks as they were delivered."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped

from growbase.core.model import (
    Key,
    Owned,
    Retention,
    choice,
    document,
    index,
    integer,
    moment,
    reference,
    text,
    unique,
)
from growbase.domains.commerce.models import Integration


class ConnectionStatus(StrEnum):
    """How a test of a connection went."""

    SUCCESS = "success"
    FAILURE = "failure"
    WARNING = "warning"
    INFO = "info"


class WebhookStatus(StrEnum):
    """What became of a delivered webhook."""

    PENDING = "pending"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"


_FOLLOWED = (
    "EXISTS (SELECT 1 FROM connection_events n WHERE n.organization_id = t.organization_id AND n.store_id = t.store_id "
    "AND n.integration = t.integration AND (n.created_at, n.id) > (t.created_at, t.id))"
)


class ConnectionEvent(Owned):
    """One test of one integration of a store: how it went, how long it took, and what to do; never a secret."""

    __tablename__ = "connection_events"

    store_id: Mapped[UUID] = reference("stores", on_purge="cascade", writable="never")
    integration: Mapped[Integration] = choice(Integration, writable="never")
    status: Mapped[ConnectionStatus] = choice(ConnectionStatus, default=ConnectionStatus.INFO, writable="never")
    correlation_id: Mapped[str | None] = text(max_length=200, writable="never")
    message: Mapped[str | None] = text(max_length=1_000, writable="never")
    latency_ms: Mapped[int | None] = integer(ge=0, writable="never")
    metadata_: Mapped[dict[str, Any] | None] = document(name="metadata", writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        index("store_id", "integration", "created_at"),
        index("created_at", "integration", across=True),
    )
    # What the newest test of a connection has found is how it stands.
    __retention__: ClassVar[tuple[Retention, ...]] = (Retention("created_at", 90, where=_FOLLOWED),)


class WebhookEvent(Owned):
    """A webhook as it was delivered, once: written before anything is done about it, and kept to know it again."""

    __tablename__ = "webhook_events"

    provider: Mapped[str] = text(max_length=40, writable="never")
    webhook_id: Mapped[str] = text(max_length=200, writable="never")
    store_id: Mapped[UUID | None] = reference("stores", on_purge="null", writable="never")
    topic: Mapped[str] = text(max_length=100, writable="never")
    shop_domain: Mapped[str] = text(max_length=253, writable="never")
    status: Mapped[WebhookStatus] = choice(WebhookStatus, default=WebhookStatus.PENDING, writable="never")
    payload: Mapped[dict[str, Any] | None] = document(writable="never", hidden=True)
    payload_hash: Mapped[str] = text(max_length=64, writable="never")
    triggered_at: Mapped[datetime | None] = moment(writable="never")
    resource_id: Mapped[str | None] = text(max_length=100, writable="never")
    resource_version: Mapped[str | None] = text(max_length=100, writable="never")
    error: Mapped[str | None] = text(max_length=1_000, writable="never")
    attempts: Mapped[int] = integer(ge=0, default=0, writable="never")
    received_at: Mapped[datetime] = moment(writable="never")
    processed_at: Mapped[datetime | None] = moment(writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("provider", "webhook_id"),
        index("store_id", "status", "received_at"),
        index("store_id", "resource_id", "resource_version", where="resource_id IS NOT NULL"),
        index("topic", "received_at"),
        index("received_at", "id"),
        index("received_at", "provider", across=True, where="payload IS NOT NULL"),
    )
    __copies__: ClassVar[tuple[str, ...]] = ("payload", "error")
    # The row stays to know the webhook again.
    __retention__: ClassVar[tuple[Retention, ...]] = (
        Retention("received_at", 30, where="t.payload IS NOT NULL", empties={"payload": None}),
    )
