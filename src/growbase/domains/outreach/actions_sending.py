"""Sending as a program does it: a sender claims a message, begins, calls its provider, and says what came of it.

Each step is a unit of its own, fenced by the claim's token, and the provider is called between ``begin_dispatch`` and
one of the marks: a message is handed over once at most.
"""

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
    OPEN,
    Enrollment,
    EnrollmentStatus,
    OutreachCampaign,
    OutreachStatus,
)

WAITING = frozenset({MessageStatus.SCHEDULED, MessageStatus.QUEUED})
GONE = frozenset({MessageStatus.UNCONFIRMED, MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.BOUNCED})
"""Where a message may be when its sender says that it was sent."""
CLAIM_LEASE = timedelta(minutes=2)
"""A sender that says nothing for so long after its claim has not begun: somebody else may."""
DISPATCH_LEASE = timedelta(minutes=10)
"""A sender that says nothing for so long after it has begun leaves the message unconfirmed."""
FREE: Mapping[str, None] = {"claim_token": None, "claimed_until": None}


@dataclass(frozen=True, slots=True, repr=False)
class Claim:
    """What a sender needs of the message it may send, and the token that proves it; ``attempts`` counts this one."""

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


@dataclass(frozen=True, slots=True)
class _Rows:
    """A message and what decides whether it may leave, held under lock."""

    message: Message
    prospect: Prospect
    campaign: OutreachCampaign | None
    enrollment: Enrollment | None

    @property
    def may_go(self) -> bool:
        """Whether nobody has stopped its campaign or its enrolment, as far as they concern it."""
        if self.message.outreach_campaign_id and (
            self.campaign is None or self.campaign.status is not OutreachStatus.ACTIVE
        ):
            return False
        is_paused = self.enrollment is not None and self.enrollment.status is EnrollmentStatus.PAUSED
        # A merge may have given it to another prospect meanwhile, whose row is not held.
        return not is_paused and self.message.prospect_id == self.prospect.id

    @property
    def address(self) -> str | None:
        """Where it goes."""
        found: str | None = self.prospect.__dict__[ADDRESS[self.message.channel]]
        return found


def claim_message(tx: Transaction, *, message_id: UUID, lease: timedelta = CLAIM_LEASE) -> Claim | None:
    """Take a due message for sending; None if it is not due, not allowed to go, or somebody else has it.

    Nothing leaves before ``begin_dispatch``: a claim that lapses gives the message back to the queue. Nothing is
    claimed of a campaign that is not active; what nobody wants any more is marked suppressed.
    """
    seen = tx.find(Message, message_id)
    if seen is None or seen.status not in WAITING:
        return None
    rows = _hold(tx, seen)
    message = rows.message
    is_due = message.status in WAITING and (message.send_at or tx.now) <= tx.now
    if not (is_due and rows.may_go) or _is_refused(tx, rows):
        return None
    assert rows.address is not None
    token = clock.new_id()
    move(tx, message, MessageStatus.CLAIMED, claim_token=token, claimed_until=tx.now + lease)
    sender: Mapping[str, str] = rows.campaign.sender if rows.campaign else {}  # type: ignore[assignment]
    return Claim(
        message_id=message_id,
        token=token,
        organization_id=message.organization_id,
        prospect_id=rows.prospect.id,
        channel=message.channel,
        address=rows.address,
        subject=message.subject,
        content=message.content,
        sender=sender,
        thread_key=message.thread_key,
        attempts=message.attempts + 1,
    )


def begin_dispatch(tx: Transaction, *, claim: Claim, lease: timedelta = DISPATCH_LEASE) -> bool:
    """Note that a claimed message is about to be handed over; False if it may not leave as it was claimed.

    The prospect's row is held and the suppressions are read under it: an opt-out that committed before always wins, and
    the message is then marked suppressed. Once this has committed nobody sends it again by themselves. Raises
    ClaimLost, and LimitExceeded with the claim as it was.
    """
    seen = tx.find(Message, claim.message_id)
    if seen is None:
        raise ClaimLost
    rows = _hold(tx, seen)
    message = rows.message
    if message.status is not MessageStatus.CLAIMED or message.claim_token != claim.token:
        raise ClaimLost
    if not rows.may_go or rows.address not in {claim.address, None}:
        move(tx, message, MessageStatus.QUEUED, **FREE)
        return False
    if _is_refused(tx, rows):
        return False
    consume(tx, Metric.MESSAGES_SENT)
    begun = {
        "claimed_until": tx.now + lease,
        "attempts": claim.attempts,
        "recipient_hash": address_hash(address_key(tx), claim.address),
    }
    move(tx, message, MessageStatus.DISPATCHING, **begun)
    return True


def release_claim(tx: Transaction, *, message_id: UUID, claim_token: UUID, until: datetime, reason: str) -> None:
    """Give back a claimed message that has not begun to leave; it goes out later. Raises ClaimLost."""
    message = held(tx, message_id)
    if message.status is not MessageStatus.CLAIMED or message.claim_token != claim_token:
        raise ClaimLost
    move(tx, message, MessageStatus.QUEUED, send_at=until, last_error={"reason": reason}, **FREE)


def _hold(tx: Transaction, seen: Message) -> _Rows:
    """Lock a message behind the rows that decide about it, in the order of everybody."""
    prospect = tx.get(Prospect, seen.prospect_id, lock=True, trash=True)
    campaign = tx.find(OutreachCampaign, seen.outreach_campaign_id, share=True) if seen.outreach_campaign_id else None
    enrollment = tx.find(Enrollment, seen.enrollment_id, lock=True) if seen.enrollment_id else None
    return _Rows(tx.get(Message, seen.id, lock=True), prospect, campaign, enrollment)


def _is_refused(tx: Transaction, rows: _Rows) -> bool:
    """Take a message out that must not be sent any more, its enrolment with it, and return whether it was one."""
    refusal = _refusal(tx, rows.prospect, rows.message, rows.address)
    if refusal is None:
        return False
    status, ending = refusal
    move(tx, rows.message, status, last_error={"reason": ending.value}, **FREE)
    if rows.enrollment is not None:
        reason = "no address" if ending is EnrollmentStatus.FAILED else "suppressed"
        end_enrollment(tx, rows.enrollment, ending, reason)
    return True


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
    _require_claim(message, claim_token, {MessageStatus.CLAIMED, MessageStatus.UNCONFIRMED})
    if message.status is not MessageStatus.CLAIMED:
        give_back(tx, Metric.MESSAGES_SENT)
    if retry_at is not None and message.status is MessageStatus.DISPATCHING and not _is_over(tx, message):
        move(tx, message, MessageStatus.QUEUED, send_at=retry_at, last_error=dict(error), **FREE)
    else:
        note_failed(tx, message, dict(error), claimed_until=None)


def _is_over(tx: Transaction, message: Message) -> bool:
    """Return whether the enrolment has ended while its message was on its way: what was not sent is not tried again."""
    enrollment = tx.find(Enrollment, message.enrollment_id) if message.enrollment_id else None
    return enrollment is not None and enrollment.status not in OPEN


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
    if message.status not in WAITING:
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
    """Take a message from a sender that has gone silent, and return whether it was one.

    One that was only claimed waits to be claimed again; of one that had begun to leave nobody knows: it is unconfirmed.
    """
    if tx.find(Message, message_id) is None:
        return False
    message = held(tx, message_id)
    if message.claimed_until is None or message.claimed_until > tx.now:
        return False
    if message.status is MessageStatus.CLAIMED:
        move(tx, message, MessageStatus.QUEUED, **FREE)
    elif message.status is MessageStatus.DISPATCHING:
        move(tx, message, MessageStatus.UNCONFIRMED, last_error={"reason": "the sender went silent"})
    else:
        return False
    return True


def _require_claim(message: Message, claim_token: UUID, also: AbstractSet[MessageStatus]) -> None:
    if message.claim_token != claim_token or message.status not in {MessageStatus.DISPATCHING, *also}:
        raise ClaimLost
