"""Tables of what is told to other programs: where to, and each message with its attempts."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped

from growbase.core.model import (
    Key,
    Owned,
    Retention,
    Trashable,
    document,
    index,
    integer,
    moment,
    reference,
    secret,
    state,
    text,
)
from growbase.domains.identity.models import URL


class EndpointStatus(StrEnum):
    """Whether an endpoint is sent to."""

    ACTIVE = "active"
    DISABLED = "disabled"


class DeliveryStatus(StrEnum):
    """Where a delivery stands: ``failed`` is tried again at ``next_attempt_at``, ``dead`` is not."""

    QUEUED = "queued"
    DELIVERED = "delivered"
    FAILED = "failed"
    DEAD = "dead"


def _everything() -> list[str]:
    return ["*"]


class WebhookEndpoint(Trashable, Owned):
    """An address that is sent the organization's changes, signed."""

    __tablename__ = "webhook_endpoints"

    url: Mapped[str] = text(max_length=2_000, min_length=1, pattern=URL)
    description: Mapped[str | None] = text(max_length=500)
    events: Mapped[list[str]] = document(default=_everything)
    status: Mapped[EndpointStatus] = state(EndpointStatus.ACTIVE)
    secret_cipher: Mapped[bytes] = secret(writable="never")
    previous_secret_cipher: Mapped[bytes | None] = secret(writable="never")
    previous_secret_until: Mapped[datetime | None] = moment(writable="never")
    failure_count: Mapped[int] = integer(ge=0, default=0, writable="never", help="Attempts that failed in a row.")
    failing_since: Mapped[datetime | None] = moment(writable="never")
    disabled_at: Mapped[datetime | None] = moment(writable="never")
    disabled_reason: Mapped[str | None] = text(max_length=500, writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (index("status", "organization_id", across=True),)


class WebhookDelivery(Owned):
    """One change on its way to one endpoint; kept for 30 days."""

    __tablename__ = "webhook_deliveries"
    __logged__ = False

    endpoint_id: Mapped[UUID] = reference("webhook_endpoints", on_purge="cascade", writable="never")
    event: Mapped[str] = text(max_length=110, writable="never")
    change_tx: Mapped[int | None] = integer(writable="never")
    change_seq: Mapped[int | None] = integer(writable="never")
    payload: Mapped[dict[str, Any]] = document(writable="never")
    status: Mapped[DeliveryStatus] = state(DeliveryStatus.QUEUED)
    attempts: Mapped[int] = integer(ge=0, default=0, writable="never")
    next_attempt_at: Mapped[datetime | None] = moment(writable="never")
    last_attempt_at: Mapped[datetime | None] = moment(writable="never")
    last_status: Mapped[int | None] = integer(writable="never", help="HTTP status of the last attempt.")
    last_error: Mapped[str | None] = text(max_length=500, writable="never")
    response_ms: Mapped[int | None] = integer(ge=0, writable="never")
    delivered_at: Mapped[datetime | None] = moment(writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        index("endpoint_id", "created_at", "id"),
        index("next_attempt_at", where="next_attempt_at IS NOT NULL", across=True),
    )
    __copies__: ClassVar[tuple[str, ...]] = ("payload", "last_error")
    __retention__: ClassVar[tuple[Retention, ...]] = (
        Retention("created_at", 30, where="t.status IN ('delivered', 'dead')"),
    )
