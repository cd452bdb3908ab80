"""What moves with a message: the ladder of its states, its prospect and its enrolment.

Whoever locks several rows does it in one order: prospect, campaign, enrolment, message.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from growbase.core.errors import InvalidTransition
from growbase.core.transaction import Transaction
from growbase.domains.outreach.actions_enrollments import end_enrollment
from growbase.domains.outreach.models import Prospect, Stage
from growbase.domains.outreach.models_messages import Message, MessageStatus
from growbase.domains.outreach.models_sequences import (
    OPEN,
    Channel,
    Enrollment,
    EnrollmentStatus,
    OutreachCampaign,
    Sequence,
    SequenceStep,
)

ADDRESS: Mapping[Channel, str] = {
    Channel.EMAIL: "email",
    Channel.LINKEDIN: "linkedin_url",
    Channel.SMS: "phone",
    Channel.WHATSAPP: "phone",
}
"""Where a prospect is reached on each channel."""

LADDER: Mapping[MessageStatus, frozenset[MessageStatus]] = {
    MessageStatus.DRAFT: frozenset({MessageStatus.SCHEDULED, MessageStatus.QUEUED, MessageStatus.CANCELLED}),
    MessageStatus.SCHEDULED: frozenset(
        {
            *(MessageStatus.DRAFT, MessageStatus.QUEUED, MessageStatus.CLAIMED),
            *(MessageStatus.SUPPRESSED, MessageStatus.CANCELLED),
        }
    ),
    MessageStatus.QUEUED: frozenset({MessageStatus.CLAIMED, MessageStatus.SUPPRESSED, MessageStatus.CANCELLED}),
    MessageStatus.CLAIMED: frozenset(
        {
            *(MessageStatus.DISPATCHING, MessageStatus.QUEUED, MessageStatus.SUPPRESSED),
            *(MessageStatus.CANCELLED, MessageStatus.FAILED),
        }
    ),
    MessageStatus.DISPATCHING: frozenset(
        {
            *(MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.BOUNCED, MessageStatus.FAILED),
            *(MessageStatus.UNCONFIRMED, MessageStatus.QUEUED),
        }
    ),
    MessageStatus.UNCONFIRMED: frozenset(
        {MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.BOUNCED, MessageStatus.FAILED}
    ),
    MessageStatus.SENT: frozenset({MessageStatus.DELIVERED, MessageStatus.BOUNCED}),
}
"""Where a message may go from each state; never back, but for one that surely was not sent."""


def held(tx: Transaction, message_id: UUID) -> Message:
    """Return a message under lock, after its prospect and its enrolment. Raises NotFound."""
    seen = tx.get(Message, message_id)
    tx.find(Prospect, seen.prospect_id, lock=True, trash=True)
    if seen.enrollment_id:
        tx.find(Enrollment, seen.enrollment_id, lock=True)
    return tx.get(Message, message_id, lock=True)


def move(tx: Transaction, message: Message, to: MessageStatus, **changes: object) -> None:
    """Move a message held under lock down the ladder. Raises InvalidTransition."""
    allowed = LADDER.get(message.status, frozenset())
    if to not in allowed:
        names = sorted(status.value for status in allowed)
        raise InvalidTransition(what="message", current=message.status.value, to=to.value, allowed=names)
    tx.change(message, {"status": to, **changes}, action="transition")


def note_sent(tx: Transaction, message: Message, to: MessageStatus, at: datetime, **changes: object) -> None:
    """Move a held message to where it counts as sent.

    The first time, its prospect counts as contacted and its enrolment goes on to the next step.
    """
    move(tx, message, to, sent_at=message.sent_at or at, claimed_until=None, **changes)
    if message.sent_at is not None:
        return
    prospect = tx.get(Prospect, message.prospect_id, trash=True, lock=True)
    contacted = {"last_contacted_at": max(at, prospect.last_contacted_at or at)}
    if prospect.stage is Stage.NEW and prospect.deleted_at is None:
        tx.transition(Prospect, prospect.id, Stage.CONTACTED, **contacted)
    else:
        tx.change(prospect, contacted)
    advance(tx, message, at)


def note_failed(tx: Transaction, message: Message, error: Mapping[str, Any], **changes: object) -> None:
    """Note that a held message was not sent and never will be; its enrolment ends."""
    enrollment = tx.find(Enrollment, message.enrollment_id, lock=True) if message.enrollment_id else None
    move(tx, message, MessageStatus.FAILED, last_error=dict(error), **changes)
    if enrollment is not None:
        end_enrollment(tx, enrollment, EnrollmentStatus.FAILED, "message failed")


def note_reply(tx: Transaction, message: Message, at: datetime) -> None:
    """Note that a held message was answered; the steps behind it are not sent, unless the sequence says otherwise."""
    tx.change(message, {"replied_at": min(at, message.replied_at or at)})
    enrollment = tx.find(Enrollment, message.enrollment_id, lock=True) if message.enrollment_id else None
    if enrollment is not None and settings_of(tx, enrollment).get("stop_on_reply", True):
        end_enrollment(tx, enrollment, EnrollmentStatus.REPLIED, "reply")


def advance(tx: Transaction, message: Message, at: datetime) -> None:
    """Let the enrolment of a message that is done with go on to its next step, or end it behind the last one."""
    enrollment = tx.find(Enrollment, message.enrollment_id, lock=True) if message.enrollment_id else None
    if enrollment is None or enrollment.status not in OPEN:
        return
    number = _number_of(tx, message, enrollment)
    following = next_step(tx, enrollment, behind=number)
    if following is None:
        end_enrollment(tx, enrollment, EnrollmentStatus.COMPLETED, current_step=number)
    else:
        tx.change(enrollment, {"current_step": number, "next_step_at": at + delay_of(following)})


def next_step(tx: Transaction, enrollment: Enrollment, *, behind: int) -> SequenceStep | None:
    """Return the first active step behind a number of which the enrolment has no message yet."""
    campaign = tx.get(OutreachCampaign, enrollment.outreach_campaign_id, trash=True)
    done = {row.step_key for row in tx.rows(Message, enrollment_id=enrollment.id)}
    steps = tx.rows(
        SequenceStep, sequence_id=campaign.sequence_id, superseded_at=None, is_active=True, order="step_number"
    )
    return next((step for step in steps if step.step_number > behind and step.step_key not in done), None)


def delay_of(step: SequenceStep) -> timedelta:
    """Return how long a step waits behind the one before it."""
    return timedelta(days=step.delay_days, hours=step.delay_hours)


def settings_of(tx: Transaction, enrollment: Enrollment) -> Mapping[str, Any]:
    """Return the settings of the sequence an enrolment goes through."""
    campaign = tx.get(OutreachCampaign, enrollment.outreach_campaign_id, trash=True)
    return {**tx.get(Sequence, campaign.sequence_id, trash=True).settings}


def _number_of(tx: Transaction, message: Message, enrollment: Enrollment) -> int:
    """Return the number the message's step has now; where the step is gone, how far the enrolment was."""
    step = tx.find(SequenceStep, message.sequence_step_id, trash=True) if message.sequence_step_id else None
    if step is None:
        return enrollment.current_step
    current = tx.find(SequenceStep, sequence_id=step.sequence_id, step_key=step.step_key, superseded_at=None)
    return (current or step).step_number
