"""What providers tell of messages, each thing once, and what follows from it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from growbase.core.errors import NotFound
from growbase.core.reads import Reads
from growbase.core.transaction import Transaction
from growbase.domains.outreach.actions_delivery import held, move, note_failed, note_reply, note_sent, settings_of
from growbase.domains.outreach.actions_enrollments import stop_outreach
from growbase.domains.outreach.actions_suppressions import opt_out, suppress_hash
from growbase.domains.outreach.addresses import address_hash, address_key
from growbase.domains.outreach.models import EmailStatus, OptOutReason, Prospect, SuppressionReason
from growbase.domains.outreach.models_messages import (
    Direction,
    EventType,
    Message,
    MessageEvent,
    MessageStatus,
    MessageType,
)
from growbase.domains.outreach.models_sequences import Enrollment, EnrollmentStatus

OWN_SENDER = "smtp"
"""The provider of messages that the program itself has handed to a mail server."""
PENDING = (MessageStatus.DISPATCHING, MessageStatus.UNCONFIRMED)


def record_message_event(
    tx: Transaction,
    *,
    provider: str,
    provider_event_id: str,
    type: EventType,  # noqa: A002 -- the column's name
    message_id: UUID | None = None,
    provider_message_id: str | None = None,
    occurred_at: datetime | None = None,
    data: Mapping[str, Any] | None = None,
) -> bool:
    """Note what a provider tells of a message, named by our id or by its own; False if it was told before.

    Counters and moments move only when it is new. What comes late or out of order never moves a message back. Raises
    NotFound for a message there is none of.
    """
    if message_id is None:
        known = tx.find(Message, provider=provider, provider_message_id=provider_message_id)
        if known is None:
            raise NotFound(what="message")
        message_id = known.id
    # Everything told of one message waits here for its turn, so that looking and inserting can't be overtaken.
    message = held(tx, message_id)
    if tx.find(MessageEvent, provider=provider, provider_event_id=provider_event_id) is not None:
        return False
    at = min(occurred_at or tx.now, tx.now)
    kind = EventType(type)
    named = {"provider": provider, "provider_event_id": provider_event_id}
    told = {"occurred_at": at, "received_at": tx.now, "data": dict(data or {})}
    tx.insert(MessageEvent, message_id=message_id, type=kind, **named, **told)
    follow = _FOLLOWING.get(kind)
    if follow is not None:
        follow(tx, message, at)
    if kind is EventType.REPLY:
        _keep_reply(tx, message, at, provider, data or {})
    return True


def _keep_reply(tx: Transaction, message: Message, at: datetime, provider: str, data: Mapping[str, Any]) -> None:
    """Keep what somebody has answered, once by the Message-ID of the answer, where the provider tells it.

    It belongs to the thread, not to the campaign, whose figures are of what was sent.
    """
    if message.direction is Direction.INBOUND:
        return
    words = {name: str(data[name]) for name in ("subject", "text", "message_id") if data.get(name)}
    name = words.get("message_id", "").strip()[:300] or None
    if name is not None and tx.find(Message, provider=provider, provider_message_id=name) is not None:
        return
    tx.insert(
        Message,
        prospect_id=message.prospect_id,
        direction=Direction.INBOUND,
        type=MessageType.MANUAL,
        channel=message.channel,
        subject=words["subject"][:300] if "subject" in words else None,
        content=words.get("text", "")[:100_000],
        status=MessageStatus.DELIVERED,
        delivered_at=at,
        provider=provider,
        provider_message_id=name,
        thread_key=message.thread_key,
        in_reply_to_id=message.id,
    )


def told_message_id(reads: Reads, name: str, provider: str) -> UUID | None:
    """Return the message that a provider means by a Message-ID, by our id, or by an id of its own.

    A Message-ID names our id, so that a message is found of which nobody knows yet whether it was sent.
    """
    local = name.strip().strip("<>").partition("@")[0]
    try:
        found = reads.find(Message, UUID(local))
    except ValueError:
        found = None
    for known in (provider, OWN_SENDER):
        found = found or reads.find(Message, provider=known, provider_message_id=name.strip())
    return found.id if found else None


def receive_event(tx: Transaction, *, id: UUID, **event: Any) -> dict[str, bool]:  # noqa: ANN401 -- the event's fields
    """Note what a provider tells of a message; told again it is not recorded again."""
    return {"recorded": record_message_event(tx, message_id=id, **event)}


def _sent(tx: Transaction, message: Message, at: datetime) -> None:
    if message.status is MessageStatus.UNCONFIRMED:
        note_sent(tx, message, MessageStatus.SENT, at)


def _delivered(tx: Transaction, message: Message, at: datetime) -> None:
    if message.status in {*PENDING, MessageStatus.SENT}:
        note_sent(tx, message, MessageStatus.DELIVERED, at, delivered_at=at)
    elif message.delivered_at is None and message.status is MessageStatus.BOUNCED:
        tx.change(message, {"delivered_at": at})


def _opened(tx: Transaction, message: Message, at: datetime) -> None:
    first = min(at, message.first_opened_at or at)
    tx.change(message, {"open_count": message.open_count + 1, "first_opened_at": first})


def _clicked(tx: Transaction, message: Message, at: datetime) -> None:
    first = min(at, message.first_clicked_at or at)
    tx.change(message, {"click_count": message.click_count + 1, "first_clicked_at": first})


def _bounced(tx: Transaction, message: Message, at: datetime) -> None:
    """Suppress the address it was sent to and stop every enrolment, unless the person has another one by now."""
    bounced = {"bounced_at": message.bounced_at or at}
    if message.status in {*PENDING, MessageStatus.SENT}:
        move(tx, message, MessageStatus.BOUNCED, sent_at=message.sent_at or at, claimed_until=None, **bounced)
    else:
        tx.change(message, bounced)
    prospect = tx.get(Prospect, message.prospect_id, lock=True, trash=True)
    current = address_hash(address_key(tx), prospect.email_norm) if prospect.email_norm else None
    hashed = message.recipient_hash or current
    if hashed is None:
        return
    is_current = hashed == current
    if is_current:
        tx.change(prospect, {"email_status": EmailStatus.BOUNCED})
        if _stops_on_bounce(tx, message):
            stop_outreach(tx, prospect.id, EnrollmentStatus.BOUNCED, "hard bounce")
    address = prospect.email_norm if is_current else None
    suppress_hash(tx, hashed, SuppressionReason.HARD_BOUNCE, address=address, source_message_id=message.id)


def _stops_on_bounce(tx: Transaction, message: Message) -> bool:
    enrollment = tx.find(Enrollment, message.enrollment_id) if message.enrollment_id else None
    return enrollment is None or bool(settings_of(tx, enrollment).get("stop_on_bounce", True))


def _complained(tx: Transaction, message: Message, at: datetime) -> None:
    del at
    opt_out(tx, id=message.prospect_id, reason=OptOutReason.COMPLAINT, source_message_id=message.id)


def _unsubscribed(tx: Transaction, message: Message, at: datetime) -> None:
    del at
    opt_out(tx, id=message.prospect_id, reason=OptOutReason.UNSUBSCRIBE, source_message_id=message.id)


def _failed(tx: Transaction, message: Message, at: datetime) -> None:
    del at
    if message.status in PENDING:
        note_failed(tx, message, {"reason": "the provider gave up"})


_FOLLOWING: Mapping[EventType, Callable[[Transaction, Message, datetime], None]] = {
    EventType.SENT: _sent,
    EventType.DELIVERED: _delivered,
    EventType.OPEN: _opened,
    EventType.CLICK: _clicked,
    EventType.REPLY: note_reply,
    EventType.BOUNCE_HARD: _bounced,
    EventType.COMPLAINT: _complained,
    EventType.UNSUBSCRIBE: _unsubscribed,
    EventType.FAILED: _failed,
}
