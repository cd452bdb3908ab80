"""Demonstration data: a profile, 24 prospects in every stage, a draft campaign and one that has run for six days."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from growbase.core.transaction import Transaction
from growbase.domains.outreach.actions_activities import create_activity
from growbase.domains.outreach.actions_campaigns import enroll, launch_campaign
from growbase.domains.outreach.actions_events import record_message_event
from growbase.domains.outreach.actions_insights import record_insight
from growbase.domains.outreach.actions_prospects import create_prospect, record_score
from growbase.domains.outreach.actions_sending import begin_dispatch, claim_message, mark_sent
from growbase.domains.outreach.actions_sequences import create_sequence
from growbase.domains.outreach.actions_steps import queue_step_message
from growbase.domains.outreach.demo_texts import (
    ACTIVITIES,
    ANSWER,
    DRAFT,
    ICP,
    INSIGHTS,
    PROSPECTS,
    RUNNING,
    SENDER,
    SEQUENCE,
    STEPS,
)
from growbase.domains.outreach.models import Icp, Prospect, Stage
from growbase.domains.outreach.models_messages import Activity, AiInsight, EventType
from growbase.domains.outreach.models_sequences import Enrollment, OutreachCampaign
from growbase.domains.outreach.models_sequences import Sequence as StepSequence

STARTED = timedelta(days=6)
"""How long ago the running campaign began."""
PATH = (Stage.CONTACTED, Stage.MEETING, Stage.NEGOTIATION, Stage.WON)
TOLD: Mapping[str, tuple[EventType, ...]] = {
    "sent": (EventType.DELIVERED,),
    "opened": (EventType.DELIVERED, EventType.OPEN),
    "clicked": (EventType.DELIVERED, EventType.OPEN, EventType.OPEN, EventType.CLICK),
    "replied": (EventType.DELIVERED, EventType.OPEN, EventType.REPLY),
    "unsubscribed": (EventType.DELIVERED, EventType.OPEN, EventType.UNSUBSCRIBE),
    "bounced": (EventType.BOUNCE_HARD,),
}
"""What the provider tells of the first mail to each."""


def seed_outreach(tx: Transaction, *, users: Sequence[UUID]) -> int:
    """Fill the organization with demonstration data and return how many prospects were made; twice changes nothing.

    ``users`` are active members, who own the rows in turn. Rows a person has moved to the trash stay there.
    """
    icp_id, sequence_id = _id(tx, "icp", ICP["name"]), _id(tx, "sequence", SEQUENCE["name"])
    if tx.find(Icp, icp_id, trash=True) is None:
        tx.insert(Icp, id=icp_id, owner_user_id=users[0], **ICP)
    if tx.find(StepSequence, sequence_id, trash=True) is None:
        create_sequence(tx, id=sequence_id, icp_id=_live(tx, icp_id), steps=STEPS, **SEQUENCE)
    made = [_prospect(tx, person, _live(tx, icp_id), users[place % len(users)]) for place, person in _people()]
    if tx.find(StepSequence, sequence_id) is not None:
        _draft(tx, sequence_id)
        _running(tx, sequence_id)
    for place, person in _people():
        _reach(tx, person, is_new=made[place])
    _activities(tx, users)
    for values in INSIGHTS:
        if tx.find(AiInsight, dedupe_key=values["dedupe_key"]) is None:
            record_insight(tx, id=_id(tx, "insight", values["title"]), **values)
    return sum(made)


def _id(tx: Transaction, noun: str, name: str) -> UUID:
    organization_id = tx.actor.organization_id
    assert organization_id is not None
    return uuid5(organization_id, f"demo {noun} {name}")


def _live(tx: Transaction, icp_id: UUID) -> UUID | None:
    return icp_id if tx.find(Icp, icp_id) is not None else None


def _people() -> list[tuple[int, dict[str, Any]]]:
    return list(enumerate(PROSPECTS))


def _at(tx: Transaction, moment: datetime) -> Transaction:
    """Return this unit of work as it would have been at a moment: what it writes happened then."""
    then = tx.acting(tx.actor)
    then.now = moment
    return then


def _prospect(tx: Transaction, person: Mapping[str, Any], icp_id: UUID | None, owner: UUID) -> bool:
    """Make one prospect with a score; False if it is there already, or somebody else has its address."""
    identity = _id(tx, "prospect", person["email"])
    known = tx.find(Prospect, identity, trash=True) or tx.find(Prospect, email_norm=person["email"])
    if known is not None:
        return False
    values = {name: value for name, value in person.items() if name not in {"stage", "outcome", "score"}}
    before = _at(tx, tx.now - STARTED - timedelta(days=10))
    create_prospect(before, id=identity, icp_id=icp_id, owner_user_id=owner, source="csv_import", **values)
    score = person["score"]
    breakdown = {"budget": score, "authority": min(100, score + 12), "need": max(0, score - 8), "timing": score}
    record_score(before, prospect_id=identity, score=score, breakdown=breakdown, confidence=0.8, model="demo")
    return True


def _draft(tx: Transaction, sequence_id: UUID) -> None:
    identity = _id(tx, "campaign", DRAFT["name"])
    if tx.find(OutreachCampaign, identity, trash=True) is None:
        tx.insert(OutreachCampaign, id=identity, sequence_id=sequence_id, sender=SENDER, **DRAFT)


def _running(tx: Transaction, sequence_id: UUID) -> None:
    """Let a campaign have run: everybody got the first mail, who did not answer the second one three days later."""
    identity = _id(tx, "campaign", RUNNING["name"])
    if tx.find(OutreachCampaign, identity, trash=True) is not None:
        return
    start = tx.now - STARTED
    then = _at(tx, start)
    tx.insert(OutreachCampaign, id=identity, sequence_id=sequence_id, sender=SENDER, **RUNNING)
    outcomes = {_id(tx, "prospect", person["email"]): person["outcome"] for _, person in _people() if person["outcome"]}
    enroll(then, id=identity, prospect_ids=list(outcomes))
    launch_campaign(then, id=identity)
    # In the order of the texts: ids of one moment come in any.
    order = list(outcomes)
    rows = sorted(tx.rows(Enrollment, outreach_campaign_id=identity), key=lambda row: order.index(row.prospect_id))
    for place, row in enumerate(rows):
        _send(tx, row, start + timedelta(minutes=3 * place), TOLD[outcomes[row.prospect_id]])
    for place, row in enumerate(rows):
        again = (EventType.DELIVERED, EventType.OPEN) if place % 3 == 0 else (EventType.DELIVERED,)
        _send(tx, row, start + timedelta(days=3, hours=1, minutes=3 * place), again)


def _send(tx: Transaction, row: Enrollment, moment: datetime, told: Sequence[EventType]) -> None:
    """Send an enrolment's next step at a moment, if it has one, and tell what came of it over the next hours."""
    then = _at(tx, moment)
    message_id = queue_step_message(then, enrollment_id=row.id, paced=False)
    claim = claim_message(then, message_id=message_id) if message_id else None
    if message_id is None or claim is None or not begin_dispatch(then, claim=claim):
        return
    mark_sent(
        then, message_id=message_id, claim_token=claim.token, provider="demo", provider_message_id=str(message_id)
    )
    for place, kind in enumerate(told, start=1):
        later = moment + timedelta(minutes=50 * place)
        record_message_event(
            _at(tx, later),
            message_id=message_id,
            provider="demo",
            provider_event_id=f"{message_id}-{place}",
            type=kind,
            occurred_at=later,
            data=ANSWER if kind is EventType.REPLY else None,
        )


def _reach(tx: Transaction, person: Mapping[str, Any], *, is_new: bool) -> None:
    """Move a new prospect stage by stage to where it stands."""
    if not is_new:
        return
    identity, wanted = _id(tx, "prospect", person["email"]), Stage(person["stage"])
    current = tx.get(Prospect, identity).stage
    begun = PATH.index(current) + 1 if current in PATH else 0
    steps = PATH[begun : PATH.index(wanted) + 1] if wanted in PATH else [wanted] * (wanted is Stage.LOST)
    for place, stage in enumerate(steps):
        moment = tx.now - timedelta(days=len(steps) - place, hours=2)
        _at(tx, moment).transition(Prospect, identity, stage, last_contacted_at=moment)


def _activities(tx: Transaction, users: Sequence[UUID]) -> None:
    for place, plan in enumerate(ACTIVITIES):
        identity = _id(tx, "activity", plan["title"])
        prospect_id = _id(tx, "prospect", PROSPECTS[plan["of"]]["email"])
        if tx.find(Activity, identity, trash=True) is not None or tx.find(Prospect, prospect_id) is None:
            continue
        moments = {"scheduled_at": "at", "completed_at": "done", "reminder_at": "reminder"}
        values = {name: tx.now + timedelta(days=plan[key]) for name, key in moments.items() if key in plan}
        words = {name: plan[name] for name in ("type", "title", "description") if name in plan}
        create_activity(tx, id=identity, prospect_id=prospect_id, user_id=users[place % len(users)], **words, **values)
