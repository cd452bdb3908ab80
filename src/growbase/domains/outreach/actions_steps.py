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
from growbase.domains.outreach.actions_pacing import Pace, allowed_at, pace_of, room
from growbase.domains.outreach.actions_suppressions import is_suppressed
from growbase.domains.outreach.conditions import are_met
from growbase.domains.outreach.models import Prospect
from growbase.domains.outreach.models_messages import UNSENT, Direction, Message, MessageStatus, MessageType
from growbase.domains.outreach.models_sequences import (
    Channel,
    Enrollment,
    EnrollmentStatus,
    OutreachCampaign,
    OutreachStatus,
    Sequence,
    SequenceStep,
)
from growbase.domains.outreach.personalise import MissingValue, personalise, values_of

UNDER_WAY = (*UNSENT, MessageStatus.CLAIMED, MessageStatus.DISPATCHING, MessageStatus.UNCONFIRMED)
"""Messages whose outcome the next step waits for."""


def queue_step_message(tx: Transaction, *, enrollment_id: UUID, paced: bool = True) -> UUID | None:
    """Queue the message of an enrolment's next step and return its id; None if nothing is due.

    An enrolment has one message of each step at most, by its unique key, however often and by however many this is
    called. Who has opted out, or lacks what the words need, is taken out instead; a step whose conditions are not met
    is passed over. Outside the sending window, above the daily caps, or too soon after the last message, it waits until
    it may go on, unless it is not ``paced``.
    """
    seen = tx.find(Enrollment, enrollment_id)
    if seen is None:
        return None
    prospect = tx.get(Prospect, seen.prospect_id, lock=True, trash=True)
    found = _held_campaign(tx, seen.outreach_campaign_id)
    if found is None:
        return None
    campaign, sequence, pace = found
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
    ending = _ending(tx, prospect, sequence)
    if ending is not None:
        end_enrollment(tx, enrollment, *ending)
        return None
    if not are_met(tx, step.conditions, enrollment):
        _skip(tx, enrollment, step)
        return None
    allowed = allowed_at(tx, pace, prospect, enrollment) if paced else tx.now
    if allowed > tx.now:
        _wait(tx, enrollment, allowed)
        return None
    return _queue(tx, enrollment, campaign, sequence, step, prospect)


def _held_campaign(tx: Transaction, campaign_id: UUID) -> tuple[OutreachCampaign, Sequence, Pace] | None:
    """Return a campaign that runs, held so that it goes on running, and that nobody else counts its caps meanwhile."""
    seen = tx.find(OutreachCampaign, campaign_id)
    if seen is None:
        return None
    is_capped = seen.daily_limit is not None
    campaign = tx.find(OutreachCampaign, campaign_id, lock=is_capped, share=not is_capped)
    if campaign is None or campaign.status is not OutreachStatus.ACTIVE:
        return None
    sequence = tx.get(Sequence, campaign.sequence_id, trash=True)
    if sequence.settings.get("daily_cap") is not None:
        sequence = tx.get(Sequence, campaign.sequence_id, trash=True, lock=True)
    return campaign, sequence, pace_of(tx, campaign, sequence)


def _wait(tx: Transaction, enrollment: Enrollment, due: datetime, **changes: object) -> None:
    begun = {"status": EnrollmentStatus.ACTIVE, "started_at": enrollment.started_at or tx.now, "next_step_at": due}
    is_pending = enrollment.status is EnrollmentStatus.PENDING
    tx.change(enrollment, {**begun, **changes}, action="transition" if is_pending else "update")


def _skip(tx: Transaction, enrollment: Enrollment, step: SequenceStep) -> None:
    """Go on behind a step that somebody does not get; the pause before the next one begins now."""
    following = next_step(tx, enrollment, behind=step.step_number)
    if following is None:
        end_enrollment(tx, enrollment, EnrollmentStatus.COMPLETED, current_step=step.step_number)
        return
    _wait(tx, enrollment, tx.now + delay_of(following), current_step=step.step_number)


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
    """Return organization and id of enrolments under way whose next step is due, in active campaigns; for the scan."""
    sign, plan = mark(reads.engine), reads.plan(Enrollment)
    running = (
        "EXISTS (SELECT 1 FROM outreach_campaigns c WHERE c.organization_id = t.organization_id "
        f"AND c.id = t.outreach_campaign_id AND c.status = {sign} AND c.deleted_at IS NULL)"
    )
    due = f"t.status = {sign} AND t.next_step_at <= {sign}"
    tail = f" ORDER BY t.next_step_at, t.id LIMIT {int(limit)}"
    sql = select_sql(plan, "t.organization_id, t.id", (running, due), tail)
    states = (OutreachStatus.ACTIVE, EnrollmentStatus.ACTIVE)
    return _pairs(reads, sql, [*(state.value for state in states), plan.fields["next_step_at"].bound(clock.now())])


def starting_campaigns(reads: Reads, *, limit: int = 1_000) -> list[tuple[UUID, UUID]]:
    """Return organization and id of active campaigns with enrolments that have not begun; for the program's scan."""
    sign, plan = mark(reads.engine), reads.plan(OutreachCampaign)
    waiting = (
        "EXISTS (SELECT 1 FROM enrollments e WHERE e.organization_id = t.organization_id "
        f"AND e.outreach_campaign_id = t.id AND e.status = {sign})"
    )
    terms = (f"t.status = {sign}", "t.deleted_at IS NULL", waiting)
    sql = select_sql(plan, "t.organization_id, t.id", terms, f" LIMIT {int(limit)}")
    return _pairs(reads, sql, [OutreachStatus.ACTIVE.value, EnrollmentStatus.PENDING.value])


def next_to_begin(reads: Reads, campaign_id: UUID, *, limit: int = 200) -> list[UUID]:
    """Return enrolments of a campaign that may begin now: as many as its window and caps leave room for.

    The others are left as they are, so that thousands who wait for their day are not written anew each day.
    """
    campaign = reads.find(OutreachCampaign, campaign_id)
    sequence = reads.find(Sequence, campaign.sequence_id, trash=True) if campaign else None
    if campaign is None or sequence is None:
        return []
    steps = reads.rows(
        SequenceStep, sequence_id=sequence.id, superseded_at=None, is_active=True, order="step_number", limit=1
    )
    if not (steps and delay_of(steps[0])):
        now, pace = clock.now(), pace_of(reads, campaign, sequence)
        free = limit if pace.opens(now) <= now else 0
        left = room(reads, pace, now) if free and pace.is_capped else None
        limit = free if left is None else min(free, left)
    status = EnrollmentStatus.PENDING
    rows = reads.rows(Enrollment, outreach_campaign_id=campaign_id, status=status, order="id", limit=limit)
    return [row.id for row in rows]


def due_messages(reads: Reads, *, limit: int = 200) -> list[tuple[UUID, UUID]]:
    """Return organization and id of mails that may be claimed now, the longest due first; for the program's scan."""
    sign, plan = mark(reads.engine), reads.plan(Message)
    running = (
        "(t.outreach_campaign_id IS NULL OR EXISTS (SELECT 1 FROM outreach_campaigns c WHERE "
        "c.organization_id = t.organization_id AND c.id = t.outreach_campaign_id "
        f"AND c.status = {sign} AND c.deleted_at IS NULL))"
    )
    paused = (
        "NOT EXISTS (SELECT 1 FROM enrollments e WHERE e.organization_id = t.organization_id "
        f"AND e.id = t.enrollment_id AND e.status = {sign})"
    )
    due = f"t.status IN ({sign}, {sign}) AND t.send_at <= {sign} AND t.channel = {sign} AND t.direction = {sign}"
    tail = f" ORDER BY t.send_at, t.id LIMIT {int(limit)}"
    sql = select_sql(plan, "t.organization_id, t.id", (running, paused, due), tail)
    states = (OutreachStatus.ACTIVE, EnrollmentStatus.PAUSED, MessageStatus.SCHEDULED, MessageStatus.QUEUED)
    now, kind = plan.fields["send_at"].bound(clock.now()), (Channel.EMAIL.value, Direction.OUTBOUND.value)
    return _pairs(reads, sql, [*(state.value for state in states), now, *kind])


def silent_claims(reads: Reads, *, limit: int = 200) -> list[tuple[UUID, UUID]]:
    """Return organization and id of messages whose sender has gone silent; for the program's own scan."""
    sign, plan = mark(reads.engine), reads.plan(Message)
    terms = (f"t.status IN ({sign}, {sign})", f"t.claimed_until <= {sign}")
    sql = select_sql(plan, "t.organization_id, t.id", terms, f" LIMIT {int(limit)}")
    states = (MessageStatus.CLAIMED.value, MessageStatus.DISPATCHING.value)
    return _pairs(reads, sql, [*states, plan.fields["claimed_until"].bound(clock.now())])


def _pairs(reads: Reads, sql: str, params: list[object]) -> list[tuple[UUID, UUID]]:
    read = reads.plan(Message).fields["id"].read or (lambda value: value)
    return [(read(row[0]), read(row[1])) for row in reads.execute(sql, params).fetchall()]
