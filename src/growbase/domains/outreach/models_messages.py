"""Tables of messages and what became of them, of activities, and of insights."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from growbase.core import types
from growbase.core.model import (
    Fact,
    Key,
    Owned,
    Rule,
    Trashable,
    boolean,
    choice,
    document,
    identifier,
    index,
    integer,
    member,
    moment,
    number,
    reference,
    state,
    text,
    unique,
)
from growbase.core.provenance import Generated
from growbase.core.subject import Subject
from growbase.domains.marketing.models import KEY
from growbase.domains.outreach.models_sequences import Channel


class MessageType(StrEnum):
    """Why a message is written."""

    INITIAL = "initial"
    FOLLOW_UP = "follow_up"
    MANUAL = "manual"
    TEMPLATE = "template"


class Direction(StrEnum):
    """Who wrote a message: we, or they."""

    OUTBOUND = "outbound"
    INBOUND = "inbound"


class MessageStatus(StrEnum):
    """Where a message stands on its way out; opened, clicked and replied are moments, not states.

    A ``claimed`` one has a sender and has not left; from ``dispatching`` on only the mail server knows.
    """

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    CLAIMED = "claimed"
    DISPATCHING = "dispatching"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"


UNSENT = (MessageStatus.DRAFT, MessageStatus.SCHEDULED, MessageStatus.QUEUED)
"""The messages that can still be changed and cancelled."""


class EventType(StrEnum):
    """What a provider tells of a message."""

    SENT = "sent"
    DELIVERED = "delivered"
    OPEN = "open"
    CLICK = "click"
    REPLY = "reply"
    BOUNCE_SOFT = "bounce_soft"
    BOUNCE_HARD = "bounce_hard"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    FAILED = "failed"


class ActivityType(StrEnum):
    """What was done, or is to do, with a prospect."""

    CALL = "call"
    MEETING = "meeting"
    EMAIL = "email"
    NOTE = "note"
    TASK = "task"
    DEMO = "demo"
    FOLLOW_UP = "follow_up"
    STAGE_CHANGE = "stage_change"
    SYSTEM = "system"


class InsightType(StrEnum):
    """What kind of thing was noticed."""

    PERFORMANCE = "performance"
    RECOMMENDATION = "recommendation"
    ALERT = "alert"
    TREND = "trend"
    PREDICTION = "prediction"


class Priority(StrEnum):
    """How soon somebody should look."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class InsightStatus(StrEnum):
    """What became of an insight."""

    NEW = "new"
    READ = "read"
    ACTED = "acted"
    DISMISSED = "dismissed"
    EXPIRED = "expired"


class Message(Owned):
    """A message to a prospect, or from one. A step of an enrolment has one message at most, whatever is retried."""

    __tablename__ = "messages"
    __subject__: ClassVar[Subject | None] = Subject(of="prospect_id")

    prospect_id: Mapped[UUID] = reference("prospects", writable="create")
    outreach_campaign_id: Mapped[UUID | None] = reference("outreach_campaigns", writable="never")
    enrollment_id: Mapped[UUID | None] = reference("enrollments", writable="never")
    sequence_step_id: Mapped[UUID | None] = reference("sequence_steps", writable="never")
    step_key: Mapped[str | None] = text(max_length=60, pattern=KEY, writable="never")
    type: Mapped[MessageType] = choice(MessageType, default=MessageType.MANUAL, writable="create")
    direction: Mapped[Direction] = choice(Direction, default=Direction.OUTBOUND, writable="create")
    channel: Mapped[Channel] = choice(Channel, default=Channel.EMAIL, writable="create")
    subject: Mapped[str | None] = text(max_length=300, personal=True)
    content: Mapped[str] = text(max_length=100_000, personal=True)
    status: Mapped[MessageStatus] = state(MessageStatus.DRAFT)
    send_at: Mapped[datetime | None] = moment()
    sent_at: Mapped[datetime | None] = moment(writable="never")
    delivered_at: Mapped[datetime | None] = moment(writable="never")
    first_opened_at: Mapped[datetime | None] = moment(writable="never")
    first_clicked_at: Mapped[datetime | None] = moment(writable="never")
    replied_at: Mapped[datetime | None] = moment(writable="never")
    bounced_at: Mapped[datetime | None] = moment(writable="never")
    open_count: Mapped[int] = integer(ge=0, default=0, writable="never")
    click_count: Mapped[int] = integer(ge=0, default=0, writable="never")
    provider: Mapped[str | None] = text(max_length=60, writable="never")
    provider_message_id: Mapped[str | None] = text(max_length=300, writable="never")
    answered_at: Mapped[datetime | None] = moment(writable="never")
    snoozed_until: Mapped[datetime | None] = moment(writable="never")
    thread_key: Mapped[str | None] = text(max_length=300, writable="create")
    in_reply_to_id: Mapped[UUID | None] = reference("messages", writable="create")
    recipient_hash: Mapped[str | None] = text(max_length=64, writable="never", hidden=True)
    claim_token: Mapped[UUID | None] = identifier(hidden=True)
    claimed_until: Mapped[datetime | None] = moment(writable="never")
    attempts: Mapped[int] = integer(ge=0, default=0, writable="never")
    last_error: Mapped[dict[str, Any] | None] = document(writable="never", personal=True)
    metadata_: Mapped[dict[str, Any] | None] = document(name="metadata", personal=True)

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("enrollment_id", "step_key", where="enrollment_id IS NOT NULL"),
        unique("provider", "provider_message_id", where="provider_message_id IS NOT NULL"),
        index("status", "send_at", across=True),
        index("prospect_id", "created_at"),
        index("outreach_campaign_id", "status"),
        index("sent_at", "id"),
        index("direction", "created_at", "id", where="direction = 'inbound' AND answered_at IS NULL"),
        index("created_by", where="outreach_campaign_id IS NULL"),
    )


def _key(*, order: int) -> Any:  # noqa: ANN401 -- a column declaration
    rule = Rule("identifier", writable="never")
    return mapped_column(types.Identifier(), primary_key=True, sort_order=order, info={"rule": rule})


class MessageEvent(Fact):
    """Something a provider told of a message, once: never changed, never deleted."""

    __tablename__ = "message_events"
    __scope__ = "organization_id"
    __subject__: ClassVar[Subject | None] = Subject(of="message_id")

    organization_id: Mapped[UUID] = _key(order=-10)
    id: Mapped[UUID] = _key(order=-9)
    message_id: Mapped[UUID] = reference("messages", on_purge="cascade")
    type: Mapped[EventType] = choice(EventType)
    provider: Mapped[str] = text(max_length=60)
    provider_event_id: Mapped[str] = text(max_length=300)
    occurred_at: Mapped[datetime] = moment()
    received_at: Mapped[datetime] = moment()
    data: Mapped[dict[str, Any]] = document(default=dict, personal=True)

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("provider", "provider_event_id"),
        index("message_id", "occurred_at"),
        index("occurred_at", "id"),
    )


class Activity(Trashable, Owned):
    """A call, a meeting, a note: what was done with a prospect, or is to do."""

    __tablename__ = "activities"
    __subject__: ClassVar[Subject | None] = Subject(of="prospect_id")

    prospect_id: Mapped[UUID] = reference("prospects", writable="create")
    user_id: Mapped[UUID | None] = member()
    type: Mapped[ActivityType] = choice(ActivityType)
    title: Mapped[str] = text(max_length=300, min_length=1, personal=True)
    description: Mapped[str | None] = text(personal=True)
    scheduled_at: Mapped[datetime | None] = moment()
    completed_at: Mapped[datetime | None] = moment()
    reminder_at: Mapped[datetime | None] = moment()
    message_id: Mapped[UUID | None] = reference("messages", on_purge="null", writable="create")
    metadata_: Mapped[dict[str, Any] | None] = document(name="metadata", personal=True)

    __indexes__: ClassVar[tuple[Key, ...]] = (
        index("prospect_id", "created_at"),
        index("user_id", "scheduled_at", where="completed_at IS NULL"),
        index("reminder_at", where="reminder_at IS NOT NULL"),
        index("scheduled_at", "id"),
    )


class AiInsight(Generated, Owned):
    """Something a model noticed; found again it is brought up to date, and dismissed it stays so while it lasts."""

    __tablename__ = "ai_insights"
    __subject__: ClassVar[Subject | None] = Subject(of="subject_id")

    user_id: Mapped[UUID | None] = member(writable="create")
    type: Mapped[InsightType] = choice(InsightType, writable="create")
    title: Mapped[str] = text(max_length=300, min_length=1, writable="create", personal=True)
    description: Mapped[str] = text(writable="create", personal=True)
    priority: Mapped[Priority] = choice(Priority, default=Priority.NORMAL, writable="create")
    actionable: Mapped[bool] = boolean(default=True, writable="create")
    subject_type: Mapped[str | None] = text(max_length=63, writable="create")
    subject_id: Mapped[UUID | None] = identifier(writable="create")
    dedupe_key: Mapped[str | None] = text(max_length=200, writable="create")
    confidence: Mapped[float | None] = number(ge=0, le=1, writable="create")
    metadata_: Mapped[dict[str, Any] | None] = document(name="metadata", writable="create", personal=True)
    status: Mapped[InsightStatus] = state(InsightStatus.NEW)
    read_at: Mapped[datetime | None] = moment(writable="never")
    expires_at: Mapped[datetime | None] = moment(writable="create")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("dedupe_key", where="dedupe_key IS NOT NULL"),
        index("user_id", "status", "priority", "created_at"),
        index("status", "expires_at", across=True),
    )
