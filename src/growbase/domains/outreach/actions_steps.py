"""Making the message of an enrolment's next step when its time has come."""

from datetime import datetime
from typing import Any
from uuid import UUID

from growbase.core import clock
from growbase.core.reads import Reads
from growbase.core.statements import mark, select_sql
from growbase.core.transaction import Transaction
from growbase.domains.outreach.actions_delivery import ADDRESS, delay_of, next_step
from growbase.domains.outreach.actions_enrollments import end_enrollment
from growbase.domains.outreach.actions_suppressions import is_suppressed
from growbase.domains.outreach.models import Prospect
from growbase.domains.outreach.models_messages import UNSENT, Message, MessageStatus, MessageType
from growbase.domains.outreach.models_sequences import (
    Enrollment,
    EnrollmentStatus,
    OutreachCampaign,
    OutreachStatus,
    Sequence,
    SequenceStep,
)
from growbase.domains.outreach.personalise import MissingValue, personalise, values_of

UNDER_WAY = (*UNSENT, MessageStatus.DISPATCHING, MessageStatus.UNCONFIRMED)
"""Messages whose outcome the next step waits for."""


def queue_step_message(tx: Transaction, *, enrollment_id: UUID) -> UUID | None:
    """Queue the message of an enrolment's next step and return its id; None if nothing is due.

    An enrolment has one message of each step at most, by its unique key, however often and by however many this is
    called. Who has opted out, or lacks what the words need, is taken out instead.
    """
    seen = tx.find(Enrollment, enrollment_id)
    if seen is None:
        return None
    prospect = tx.get(Prospect, seen.prospect_id, lock=True, trash=True)
    campaign = tx.find(OutreachCampaign, seen.outreach_campaign_id, share=True)
    if campaign is None or campaign.status is not OutreachStatus.ACTIVE:
        return None
    enrollment = tx.get(Enrollment, enrollment_id, lock=True)
    if enrollment.status not in {EnrollmentStatus.PENDING, EnrollmentStatus.ACTIVE}:
        return None
    if tx.find(Message, enrollment_id=enrollment_id, status=list(UNDER_WAY)) is not None:
        return None
    step = next_step(tx, enrollment, behind=enrollment.current_step)
    if step is None:
        end_enrollment(tx, enrollment, EnrollmentStatus.COMPLETED)
        return None
    due = enrollment.next_step_at if enrollment.status is EnrollmentStatus.ACTIVE else tx.now + delay_of(step)
    due = due or tx.now
    if due > tx.now:
        _wait(tx, enrollment, due)
        return None
    sequence = tx.get(Sequence, campaign.sequence_id, trash=True)
    ending = _ending(tx, prospect, sequence)
    if ending is not None:
        end_enrollment(tx, enrollment, *ending)
        return None
    return _queue(tx, enrollment, campaign, sequence, step, prospect)


def _wait(tx: Transaction, enrollment: Enrollment, due: datetime) -> None:
    begun = {"status": EnrollmentStatus.ACTIVE, "started_at": enrollment.started_at or tx.now, "next_step_at": due}
    if enrollment.status is EnrollmentStatus.PENDING:
        tx.change(enrollment, begun, action="transition")


def _ending(tx: Transaction, prospect: Prospect, sequence: Sequence) -> tuple[EnrollmentStatus, str] | None:
    """Return how an enrolment ends whose prospect can't be written to."""
    address = prospect.__dict__[ADDRESS[sequence.channel]]
    if prospect.opted_out_at is not None or (address and is_suppressed(tx, address, sequence.channel)):
        return EnrollmentStatus.UNSUBSCRIBED, "suppressed"
    if prospect.deleted_at is not None:
        return EnrollmentStatus.STOPPED, "prospect deleted"
    return None if address else (EnrollmentStatus.FAILED, "no address")


def _queue(
    tx: Transaction,
    enrollment: Enrollment,
    campaign: OutreachCampaign,
    sequence: Sequence,
    step: SequenceStep,
    prospect: Prospect,
) -> UUID | None:
    sender: dict[str, Any] = {**campaign.sender}
    values = values_of(prospect, sender)
    try:
        subject = None if step.subject is None else personalise(step.subject, values)[:300]
        content = personalise(step.content, values)
    except MissingValue as missing:
        end_enrollment(tx, enrollment, EnrollmentStatus.FAILED, f"missing {missing}")
        return None
    is_first = tx.find(Message, enrollment_id=enrollment.id) is None
    message_id = tx.insert(
        Message,
        prospect_id=prospect.id,
        outreach_campaign_id=campaign.id,
        enrollment_id=enrollment.id,
        sequence_step_id=step.id,
        step_key=step.step_key,
        type=MessageType.INITIAL if is_first else MessageType.FOLLOW_UP,
        channel=sequence.channel,
        subject=subject,
        content=content,
        status=MessageStatus.QUEUED,
        send_at=tx.now,
        thread_key=str(enrollment.id),
    )
    begun = {"status": EnrollmentStatus.ACTIVE, "started_at": enrollment.started_at or tx.now, "next_step_at": None}
    tx.change(enrollment, begun, action="transition")
    return message_id


# -- what is due, over all organizations ------------------------------------------------------------------------------


def due_enrollments(reads: Reads, *, limit: int = 200) -> list[tuple[UUID, UUID]]:
    """Return organization and id of enrolments of active campaigns whose next step is due; for the program's scan."""
    sign, plan = mark(reads.engine), reads.plan(Enrollment)
    running = (
        "EXISTS (SELECT 1 FROM outreach_campaigns c WHERE c.organization_id = t.organization_id "
        f"AND c.id = t.outreach_campaign_id AND c.status = {sign} AND c.deleted_at IS NULL)"
    )
    due = f"(t.status = {sign} OR t.status = {sign} AND t.next_step_at <= {sign})"
    sql = select_sql(plan, "t.organization_id, t.id", (running, due), f" LIMIT {int(limit)}")
    states = (OutreachStatus.ACTIVE, EnrollmentStatus.PENDING, EnrollmentStatus.ACTIVE)
    params = [*(state.value for state in states), plan.fields["next_step_at"].bound(clock.now())]
    return _pairs(reads, sql, params)


def due_messages(reads: Reads, *, limit: int = 200) -> list[tuple[UUID, UUID]]:
    """Return organization and id of messages that may be claimed now, the longest due first; for the program's scan."""
    sign, plan = mark(reads.engine), reads.plan(Message)
    running = (
        "(t.outreach_campaign_id IS NULL OR EXISTS (SELECT 1 FROM outreach_campaigns c WHERE "
        "c.organization_id = t.organization_id AND c.id = t.outreach_campaign_id "
        f"AND c.status = {sign} AND c.deleted_at IS NULL))"
    )
    due = f"t.status IN ({sign}, {sign}) AND t.send_at <= {sign}"
    tail = f" ORDER BY t.send_at, t.id LIMIT {int(limit)}"
    sql = select_sql(plan, "t.organization_id, t.id", (running, due), tail)
    states = (OutreachStatus.ACTIVE, MessageStatus.SCHEDULED, MessageStatus.QUEUED)
    return _pairs(reads, sql, [*(state.value for state in states), plan.fields["send_at"].bound(clock.now())])


def silent_claims(reads: Reads, *, limit: int = 200) -> list[tuple[UUID, UUID]]:
    """Return organization and id of messages whose sender has gone silent; for the program's own scan."""
    sign, plan = mark(reads.engine), reads.plan(Message)
    terms = (f"t.status = {sign}", f"t.claimed_until <= {sign}")
    sql = select_sql(plan, "t.organization_id, t.id", terms, f" LIMIT {int(limit)}")
    return _pairs(reads, sql, [MessageStatus.DISPATCHING.value, plan.fields["claimed_until"].bound(clock.now())])


def _pairs(reads: Reads, sql: str, params: list[object]) -> list[tuple[UUID, UUID]]:
    read = reads.plan(Message).fields["id"].read or (lambda value: value)
    return [(read(row[0]), read(row[1])) for row in reads.execute(sql, params).fetchall()]
