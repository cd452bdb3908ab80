"""Ending enrolments: by a person, with a campaign, or because the prospect must not be written to any more.

Whoever locks several rows does it in one order: prospect, campaign, enrolment, message.
"""

from typing import Any
from uuid import UUID

from growbase.core.errors import TooLate
from growbase.core.model import Root
from growbase.core.reads import Reads
from growbase.core.statements import mark, select_sql
from growbase.core.transaction import Transaction
from growbase.domains.outreach.models_messages import UNSENT, Direction, Message, MessageStatus
from growbase.domains.outreach.models_sequences import (
    OPEN,
    Enrollment,
    EnrollmentStatus,
    OutreachCampaign,
    OutreachStatus,
)

QUEUE = "outreach"
CHUNK = 200
"""Enrolments that end in one unit."""


def end_enrollment(
    tx: Transaction, row: Enrollment, status: EnrollmentStatus, reason: str | None = None, **changes: object
) -> None:
    """End an enrolment held under lock and cancel its messages that still wait; an ended one stays as it is."""
    if row.status not in OPEN:
        return
    ended = {"status": status, "ended_at": tx.now, "next_step_at": None, "stop_reason": reason, **changes}
    tx.change(row, ended, action="transition")
    cancel_unsent(tx, enrollment_id=row.id)
    _look_for_end(tx, row.outreach_campaign_id)


def stop_outreach(tx: Transaction, prospect_id: UUID, status: EnrollmentStatus, reason: str) -> None:
    """End every enrolment of a prospect held under lock, and cancel every message to it that still waits."""
    for row in tx.rows(Enrollment, prospect_id=prospect_id, status=list(OPEN), lock=True, order="id"):
        end_enrollment(tx, row, status, reason)
    cancel_unsent(tx, prospect_id=prospect_id)


def cancel_unsent(tx: Transaction, **where: Any) -> None:  # noqa: ANN401 -- columns and values
    """Cancel the outbound messages that match and have not begun to leave; who has claimed one finds its claim lost."""
    unsent = [*UNSENT, MessageStatus.CLAIMED]
    waiting = tx.rows(Message, status=unsent, direction=Direction.OUTBOUND, lock=True, order="id", **where)
    for message in waiting:
        tx.change(message, {"status": MessageStatus.CANCELLED}, action="transition")


def guard_enrollment(tx: Transaction, row: Root, to: EnrollmentStatus) -> dict[str, object]:
    """Refuse to go on in a campaign that is over; stopping cancels what waits."""
    assert isinstance(row, Enrollment)
    if to is EnrollmentStatus.STOPPED:
        cancel_unsent(tx, enrollment_id=row.id)
        _look_for_end(tx, row.outreach_campaign_id)
        return {"ended_at": tx.now, "next_step_at": None, "stop_reason": "manual"}
    campaign = tx.find(OutreachCampaign, row.outreach_campaign_id)
    if campaign is None or campaign.status in {OutreachStatus.COMPLETED, OutreachStatus.ARCHIVED}:
        raise TooLate("The campaign is over.")
    return {}


def stop_enrollments(tx: Transaction, campaign_id: UUID) -> int:
    """Stop some of the enrolments that a campaign left behind when it ended, and return how many."""
    rows = tx.rows(Enrollment, outreach_campaign_id=campaign_id, status=list(OPEN), lock=True, order="id", limit=CHUNK)
    for row in rows:
        end_enrollment(tx, row, EnrollmentStatus.STOPPED, "campaign ended")
    return len(rows)


def complete_if_done(tx: Transaction, *, id: UUID) -> bool:
    """Complete an active campaign of which no enrolment is open any more; one nobody is in yet goes on."""
    campaign = tx.find(OutreachCampaign, id, lock=True)
    if campaign is None or campaign.status is not OutreachStatus.ACTIVE:
        return False
    if tx.find(Enrollment, outreach_campaign_id=id, status=list(OPEN)) is not None:
        return False
    if tx.find(Enrollment, outreach_campaign_id=id) is None:
        return False
    tx.transition(OutreachCampaign, id, OutreachStatus.COMPLETED)
    return True


def finished_campaigns(reads: Reads, *, limit: int = CHUNK) -> list[tuple[UUID, UUID]]:
    """Return organization and id of active campaigns whose last enrolment has ended; for the program's own scan."""
    plan, sign = reads.plan(OutreachCampaign), mark(reads.engine)
    inside = "e.organization_id = t.organization_id AND e.outreach_campaign_id = t.id"
    terms = (
        f"t.status = {sign}",
        "t.deleted_at IS NULL",
        f"EXISTS (SELECT 1 FROM enrollments e WHERE {inside})",
        f"NOT EXISTS (SELECT 1 FROM enrollments e WHERE {inside} AND e.status IN ({sign}, {sign}, {sign}))",
    )
    sql = select_sql(plan, "t.organization_id, t.id", terms, f" LIMIT {int(limit)}")
    rows = reads.execute(sql, [OutreachStatus.ACTIVE.value, *(status.value for status in OPEN)]).fetchall()
    read = plan.fields["id"].read or (lambda value: value)
    return [(read(row[0]), read(row[1])) for row in rows]


def _look_for_end(tx: Transaction, campaign_id: UUID) -> None:
    """Ask for the campaign's completion where nobody else seems to be in it; a sweep finds what this overlooks.

    Done by a job, since the campaign's row is locked before its enrolments.
    """
    others = tx.find(Enrollment, outreach_campaign_id=campaign_id, status=list(OPEN))
    if others is None:
        tx.enqueue("complete_outreach_campaign", {"outreach_campaign_id": str(campaign_id)}, queue=QUEUE)
