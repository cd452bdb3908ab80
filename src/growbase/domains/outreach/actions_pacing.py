"""How fast a sequence sends: not outside its window, so many a day, and not too often to the same person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from growbase.core.reads import Reads
from growbase.core.statements import mark, select_sql
from growbase.core.transaction import Transaction
from growbase.domains.identity.models import Organization
from growbase.domains.outreach.models import Prospect
from growbase.domains.outreach.models_messages import Direction, Message, MessageStatus
from growbase.domains.outreach.models_sequences import Enrollment, OutreachCampaign, Sequence
from growbase.domains.outreach.sending_window import day_of, opening, zone_of

ON_ITS_WAY = (MessageStatus.SCHEDULED, MessageStatus.QUEUED, MessageStatus.CLAIMED, MessageStatus.DISPATCHING)


@dataclass(frozen=True, slots=True)
class Pace:
    """The rules of one campaign: its sequence's window and caps, and its own daily limit."""

    campaign_id: UUID
    sequence_id: UUID
    window: Mapping[str, Any]
    zone: ZoneInfo
    daily_limit: int | None
    daily_cap: int | None
    min_gap: timedelta

    @property
    def is_capped(self) -> bool:
        """Whether there is any number a day."""
        return self.daily_limit is not None or self.daily_cap is not None

    def opens(self, moment: datetime) -> datetime:
        """Return the moment if the window is open then, else its next opening."""
        return opening(self.window, self.zone, moment)


def pace_of(reads: Reads, campaign: OutreachCampaign, sequence: Sequence) -> Pace:
    """Return the rules of a campaign; where its sequence names no time zone, the organization's counts."""
    settings: Mapping[str, Any] = {**sequence.settings}
    window: Mapping[str, Any] = settings.get("sending_window") or {}
    organization = reads.find(Organization, sequence.organization_id)
    zone = zone_of(window.get("tz"), organization.timezone if organization else "UTC")
    gap = timedelta(hours=settings.get("min_gap_hours") or 0)
    return Pace(campaign.id, sequence.id, window, zone, campaign.daily_limit, settings.get("daily_cap"), gap)


def room(reads: Reads, pace: Pace, now: datetime) -> int | None:
    """Return how many messages may still be made today, None for any number.

    A message counts on the day it was sent, or today while it is on its way; nobody knows of an unconfirmed one, so it
    counts as sent.
    """
    since, _ = day_of(pace.zone, now)
    rooms = []
    if pace.daily_limit is not None:
        rooms.append(pace.daily_limit - _made(reads, "t.outreach_campaign_id = {id}", pace.campaign_id, since))
    if pace.daily_cap is not None:
        mine = (
            "t.outreach_campaign_id IN (SELECT c.id FROM outreach_campaigns c "
            "WHERE c.organization_id = t.organization_id AND c.sequence_id = {id})"
        )
        rooms.append(pace.daily_cap - _made(reads, mine, pace.sequence_id, since))
    return max(0, min(rooms)) if rooms else None


def _made(reads: Reads, term: str, id: UUID, since: datetime) -> int:
    """Count messages of a campaign or sequence by two questions, each of which an index answers."""
    plan, sign = reads.plan(Message), mark(reads.engine)
    scope, params = reads.scope_terms(plan, anywhere=False)
    term, key = term.format(id=sign), plan.fields["id"].bound(id)
    moment = plan.fields["sent_at"].bound(since)
    waiting = ", ".join([sign] * len(ON_ITS_WAY))
    questions: tuple[tuple[str, list[object]], ...] = (
        (f"t.sent_at >= {sign}", [moment]),
        (
            f"t.sent_at IS NULL AND (t.status IN ({waiting}) OR t.status = {sign} AND t.updated_at >= {sign})",
            [*(status.value for status in ON_ITS_WAY), MessageStatus.UNCONFIRMED.value, moment],
        ),
    )
    return sum(
        reads.execute(select_sql(plan, "count(*)", (*scope, term, asked)), [*params, key, *values]).fetchone()[0]
        for asked, values in questions
    )


def allowed_at(tx: Transaction, pace: Pace, prospect: Prospect, enrollment: Enrollment) -> datetime:
    """Return when the next message to somebody may be made: now, or a later moment at which the window is open.

    The rows that the caps are counted over are held by the caller.
    """
    opens = pace.opens(tx.now)
    if opens > tx.now:
        return opens
    rested = _rested(tx, pace, prospect, enrollment)
    if rested > tx.now:
        return pace.opens(rested)
    if room(tx, pace, tx.now) == 0:
        return pace.opens(day_of(pace.zone, tx.now)[1])
    return tx.now


def _rested(tx: Transaction, pace: Pace, prospect: Prospect, enrollment: Enrollment) -> datetime:
    """Return when the pause after the last message to a person is over; one on its way counts as the last."""
    if not pace.min_gap:
        return tx.now
    waiting = tx.rows(Message, prospect_id=prospect.id, status=list(ON_ITS_WAY), direction=Direction.OUTBOUND)
    if any(message.enrollment_id != enrollment.id for message in waiting):
        return tx.now + pace.min_gap
    return (prospect.last_contacted_at or tx.now - pace.min_gap) + pace.min_gap
