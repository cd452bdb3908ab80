"""Sending as a program does it: a sender needs ``claim_message``, its provider, and one of the marks."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from growbase.core import clock
from growbase.core.transaction import Transaction
from growbase.domains.identity.usage import Metric, consume, give_back
from growbase.domains.outreach.actions_delivery import ADDRESS, held, move, note_failed, note_sent
from growbase.domains.outreach.actions_enrollments import end_enrollment
from growbase.domains.outreach.actions_events import OWN_SENDER, record_message_event
from growbase.domains.outreach.actions_suppressions import is_suppressed
from growbase.domains.outreach.addresses import address_hash, address_key
from growbase.domains.outreach.errors import ClaimLost
from growbase.domains.outreach.models import Prospect
from growbase.domains.outreach.models_messages import EventType, Message, MessageStatus
from growbase.domains.outreach.models_sequences import (
    Enrollment,
    EnrollmentStatus,
    OutreachCampaign,
    OutreachStatus,
)

GONE = frozenset({MessageStatus.UNCONFIRMED, MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.BOUNCED})
"""Where a message may be when its sender says that it was sent."""
LEASE = timedelta(minutes=10)
"""A sender that says nothing for so long leaves the message unconfirmed."""


@dataclass(frozen=True, slots=True, repr=False)
class Claim:
    """What a sender needs of the message it may send, and the token that proves it."""

    message_id: UUID
    token: UUID
    organization_id: UUID
    prospect_id: UUID
    channel: str
    address: str
    subject: str | None
    content: str
    sender: Mapping[str, str]
    thread_key: str | None
    attempts: int = 1


def claim_message(tx: Transaction, *, message_id: UUID, lease: timedelta = LEASE) -> Claim | None:
    """Take a due message for sending; None if it is not due, not allowed to go, or somebody else has it.

    The prospect's row is held and the suppressions are read under it: an opt-out that committed before always wins, and
    the message is then marked suppressed. Nothing is claimed of a campaign that is not active. Raises LimitExceeded.
    """
    seen = tx.find(Message, message_id)
    if seen is None or seen.status not in {MessageStatus.SCHEDULED, MessageStatus.QUEUED}:
        return None
    prospect = tx.find(Prospect, seen.prospect_id, lock=True, trash=True)
    campaign = tx.find(OutreachCampaign, seen.outreach_campaign_id, share=True) if seen.outreach_campaign_id else None
    if seen.outreach_campaign_id and (campaign is None or campaign.status is not OutreachStatus.ACTIVE):
        return None
    enrollment = tx.find(Enrollment, seen.enrollment_id, lock=True) if seen.enrollment_id else None
    if enrollment is not None and enrollment.status is EnrollmentStatus.PAUSED:
        return None
    message = tx.get(Message, message_id, lock=True)
    is_due = message.status in {MessageStatus.SCHEDULED, MessageStatus.QUEUED} and (message.send_at or tx.now) <= tx.now
    # A merge may have given it to another prospect meanwhile, whose row is not held.
    if not is_due or message.prospect_id != seen.prospect_id:
        return None
    assert prospect is not None
    address = prospect.__dict__[ADDRESS[message.channel]]
    refusal = _refusal(tx, prospect, message, address)
    if refusal is not None:
        status, ending = refusal
        move(tx, message, status, last_error={"reason": ending.value})
        if enrollment is not None:
            end_enrollment(tx, enrollment, ending, "no address" if ending is EnrollmentStatus.FAILED else "suppressed")
        return None
    consume(tx, Metric.MESSAGES_SENT)
    token = clock.new_id()
    move(
        tx,
        message,
        MessageStatus.DISPATCHING,
        claim_token=token,
        claimed_until=tx.now + lease,
        attempts=message.attempts + 1,
        recipient_hash=address_hash(address_key(tx), address),
    )
    sender: Mapping[str, str] = campaign.sender if campaign else {}  # type: ignore[assignment]
    return Claim(
        message_id=message_id,
        token=token,
        organization_id=message.organization_id,
        prospect_id=prospect.id,
        channel=message.channel,
        address=address,
        subject=message.subject,
        content=message.content,
        sender=sender,
        thread_key=message.thread_key,
        attempts=message.attempts + 1,
    )


def _refusal(
    tx: Transaction, prospect: Prospect, message: Message, address: str | None
) -> tuple[MessageStatus, EnrollmentStatus] | None:
    if prospect.deleted_at is not None:
        return MessageStatus.CANCELLED, EnrollmentStatus.STOPPED
    if prospect.opted_out_at is not None or (address and is_suppressed(tx, address, message.channel)):
        return MessageStatus.SUPPRESSED, EnrollmentStatus.UNSUBSCRIBED
    return None if address else (MessageStatus.CANCELLED, EnrollmentStatus.FAILED)


def mark_sent(
    tx: Transaction,
    *,
    message_id: UUID,
    claim_token: UUID,
    provider: str | None = None,
    provider_message_id: str | None = None,
) -> None:
    """Note that the provider took a claimed message; said twice it changes nothing. Raises ClaimLost.

    The prospect's first message moves it from new to contacted, and the enrolment goes on, in the same transaction.
    """
    message = held(tx, message_id)
    _require_claim(message, claim_token, GONE)
    named = {"provider": provider, "provider_message_id": provider_message_id}
    given = {name: value for name, value in named.items() if value is not None}
    if message.status in {MessageStatus.DISPATCHING, MessageStatus.UNCONFIRMED}:
        note_sent(tx, message, MessageStatus.SENT, tx.now, **given)
    else:
        # The provider's own word was quicker.
        tx.change(message, given)


def mark_failed(
    tx: Transaction,
    *,
    message_id: UUID,
    claim_token: UUID,
    error: Mapping[str, Any],
    retry_at: datetime | None = None,
) -> None:
    """Note that a claimed message was surely not sent; with ``retry_at`` it waits to be claimed again.

    Raises ClaimLost.
    """
    message = held(tx, message_id)
    _require_claim(message, claim_token, {MessageStatus.UNCONFIRMED})
    give_back(tx, Metric.MESSAGES_SENT)
    if retry_at is not None and message.status is MessageStatus.DISPATCHING:
        free = {"claim_token": None, "claimed_until": None}
        move(tx, message, MessageStatus.QUEUED, send_at=retry_at, last_error=dict(error), **free)
    else:
        note_failed(tx, message, dict(error))


def mark_bounced(tx: Transaction, *, message_id: UUID, claim_token: UUID, error: Mapping[str, Any]) -> None:
    """Note that the server knows the address to be none: as if it had bounced, but nothing was sent. Raises ClaimLost.

    The address is suppressed and the prospect's enrolments end.
    """
    message = held(tx, message_id)
    _require_claim(message, claim_token, {MessageStatus.UNCONFIRMED})
    give_back(tx, Metric.MESSAGES_SENT)
    key = f"{message_id}/{message.attempts}"
    record_message_event(
        tx, provider=OWN_SENDER, provider_event_id=key, type=EventType.BOUNCE_HARD, message_id=message_id, data=error
    )


def postpone_message(tx: Transaction, *, message_id: UUID, until: datetime, reason: str) -> bool:
    """Let a message that waits go out later, and return whether it still waited."""
    message = held(tx, message_id)
    if message.status not in {MessageStatus.SCHEDULED, MessageStatus.QUEUED}:
        return False
    tx.change(message, {"send_at": until, "last_error": {"reason": reason}})
    return True


def mark_unconfirmed(
    tx: Transaction, *, message_id: UUID, claim_token: UUID, error: Mapping[str, Any] | None = None
) -> None:
    """Note that nobody knows whether a claimed message was sent; a person or the provider says it. Raises ClaimLost."""
    message = held(tx, message_id)
    _require_claim(message, claim_token, {MessageStatus.UNCONFIRMED})
    if message.status is MessageStatus.DISPATCHING:
        move(tx, message, MessageStatus.UNCONFIRMED, last_error=dict(error or {"reason": "unknown"}))


def expire_claim(tx: Transaction, *, message_id: UUID) -> bool:
    """Mark a message unconfirmed whose sender has gone silent, and return whether it was one."""
    message = tx.find(Message, message_id, lock=True)
    if message is None or message.status is not MessageStatus.DISPATCHING:
        return False
    if message.claimed_until is None or message.claimed_until > tx.now:
        return False
    move(tx, message, MessageStatus.UNCONFIRMED, last_error={"reason": "the sender went silent"})
    return True


def _require_claim(message: Message, claim_token: UUID, also: AbstractSet[MessageStatus]) -> None:
    if message.claim_token != claim_token or message.status not in {MessageStatus.DISPATCHING, *also}:
        raise ClaimLost
