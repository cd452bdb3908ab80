"""What outreach notices by itself: who waits for an answer, what goes wrong, what is to do, and what was promised."""

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.generation import OFFLINE
from growbase.core.reads import Where
from growbase.core.statements import mark
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.domains.identity.actions_personal import notify
from growbase.domains.identity.models_personal import Notification
from growbase.domains.identity.queries import list_organizations
from growbase.domains.outreach.actions_insights import record_insight
from growbase.domains.outreach.models import Prospect, Stage
from growbase.domains.outreach.models_messages import (
    Activity,
    AiInsight,
    InsightStatus,
    InsightType,
    Message,
    Priority,
)
from growbase.domains.outreach.models_sequences import OutreachCampaign
from growbase.jobs.queue import complete
from growbase.jobs.schedule import Schedule
from growbase.jobs.worker import Task

INSIGHTS: Final = "generate_insights"
KEPT: Final = timedelta(days=7)
REPLIES_SINCE: Final = timedelta(days=30)
REPLIED_AT: Final = "CASE WHEN t.direction = 'inbound' THEN t.created_at ELSE t.replied_at END"
"""When somebody replied: with a message that is kept, or as a provider has told."""
MOST: Final = 50
"""Insights of one kind that are made in one day."""
BOUNCES_OF: Final = 20
"""Messages below which a share of bounces says nothing."""
BOUNCE_PERCENT: Final = 5
BY_RULES: Final = ("reply ", "bounce ", "follow-up ")
"""How the keys of these insights begin, so that those that hold no longer are found."""


def ask_for_insights(database: Database) -> int:
    """Ask for the day's insights of every organization and return how many those are."""
    with database.read(system("insights")) as reads:
        found = list_organizations(reads)
    for id in found:
        database.write(system("insights", id), _enqueue_insights)
    return len(found)


def _enqueue_insights(tx: Transaction) -> None:
    key = f"{INSIGHTS} {tx.actor.organization_id}"
    tx.enqueue(INSIGHTS, {}, queue="strategy_generation", dedupe_key=key)


def generate_insights(database: Database, actor: Actor, job: Job) -> None:
    """Keep what there is to do today; an insight that holds no longer expires. Rules notice, no model is asked."""
    database.write(actor, partial(_keep_insights, job=job))


def _keep_insights(tx: Transaction, *, job: Job) -> None:
    found = [*_waiting_replies(tx), *_bouncing_campaigns(tx), *_due_follow_ups(tx)]
    about = {"expires_at": tx.now + KEPT, "model": OFFLINE, "job_id": job.id}
    for insight in found:
        record_insight(tx, **insight, **about)
    keys = {insight["dedupe_key"] for insight in found}
    for row in tx.rows(AiInsight, status=[InsightStatus.NEW, InsightStatus.READ], order="id", lock=True):
        if row.dedupe_key and row.dedupe_key.startswith(BY_RULES) and row.dedupe_key not in keys:
            tx.change(row, {"status": InsightStatus.EXPIRED}, action="transition")
    complete(tx, job, {"insights": len(found)})


def _waiting_replies(tx: Transaction) -> Iterable[dict[str, Any]]:
    """Yield an insight for each prospect who has written last, those who wait longest first."""
    plan, sign = tx.plan(Message), mark(tx.engine)
    terms, params = tx.scope_terms(plan, anywhere=False)
    later = (
        "SELECT 1 FROM messages o WHERE o.organization_id = t.organization_id AND o.prospect_id = t.prospect_id "
        f"AND o.direction = 'outbound' AND o.sent_at > {REPLIED_AT}"
    )
    terms += [f"{REPLIED_AT} >= {sign}", f"NOT EXISTS ({later})"]
    params.append(plan.fields["created_at"].bound(tx.now - REPLIES_SINCE))
    sql = (
        f"SELECT t.prospect_id, min({REPLIED_AT}) FROM messages t WHERE {' AND '.join(terms)} "
        f"GROUP BY t.prospect_id ORDER BY 2, 1 LIMIT {MOST}"
    )
    read = plan.fields["prospect_id"].read
    ids = [read(row[0]) if read else row[0] for row in tx.execute(sql, params).fetchall()]
    rows = {row.id: row for row in tx.rows(Prospect, id=ids)} if ids else {}
    for id in ids:
        if id in rows:
            yield {
                "type": InsightType.ALERT,
                "title": f"{_name(rows[id])} waits for an answer",
                "description": "The last message of this prospect has not been answered.",
                "priority": Priority.HIGH,
                "subject_type": "prospects",
                "subject_id": id,
                "dedupe_key": f"reply {id}",
            }


def _bouncing_campaigns(tx: Transaction) -> Iterable[dict[str, Any]]:
    """Yield an insight for each campaign of which many messages have come back."""
    plan = tx.plan(Message)
    terms, params = tx.scope_terms(plan, anywhere=False)
    terms += ["t.outreach_campaign_id IS NOT NULL", "t.sent_at IS NOT NULL"]
    bounced = "sum(CASE WHEN t.bounced_at IS NULL THEN 0 ELSE 1 END)"
    sql = (
        f"SELECT t.outreach_campaign_id, count(*), {bounced} FROM messages t WHERE {' AND '.join(terms)} "
        f"GROUP BY t.outreach_campaign_id HAVING count(*) >= {BOUNCES_OF} "
        f"AND {bounced} * 100 > count(*) * {BOUNCE_PERCENT} ORDER BY 1 LIMIT {MOST}"
    )
    read = plan.fields["outreach_campaign_id"].read
    for found, sent, count in tx.execute(sql, params).fetchall():
        id = read(found) if read else found
        campaign = tx.find(OutreachCampaign, id)
        if campaign is not None:
            yield {
                "type": InsightType.PERFORMANCE,
                "title": f"Many messages of {campaign.name} come back"[:300],
                "description": f"{count} of {sent} messages bounced: check the addresses before you send more.",
                "priority": Priority.URGENT,
                "subject_type": "outreach_campaigns",
                "subject_id": id,
                "dedupe_key": f"bounce {id}",
            }


def _due_follow_ups(tx: Transaction) -> Iterable[dict[str, Any]]:
    """Yield an insight for each prospect whose follow-up is due, the oldest first."""
    due = Where("next_follow_up_at", "<=", tx.now)
    open_stages = [stage for stage in Stage if stage not in {Stage.WON, Stage.LOST}]
    rows = tx.rows(Prospect, due, stage=open_stages, opted_out_at=None, order="next_follow_up_at, id", limit=MOST)
    for row in rows:
        assert row.next_follow_up_at is not None
        yield {
            "type": InsightType.RECOMMENDATION,
            "title": f"Follow up with {_name(row)}"[:300],
            "description": f"The follow-up was planned for {row.next_follow_up_at:%Y-%m-%d}.",
            "priority": Priority.NORMAL,
            "subject_type": "prospects",
            "subject_id": row.id,
            "dedupe_key": f"follow-up {row.id}",
        }


def _name(prospect: Prospect) -> str:
    person = " ".join(filter(None, (prospect.first_name, prospect.last_name)))
    return f"{person} ({prospect.company_name})"[:250] if person else prospect.company_name[:250]


# -- reminders --------------------------------------------------------------------------------------------------------

REMINDED_FOR: Final = timedelta(days=1)
"""How long after its time a reminder is still sent, as after a day without workers."""


def activity_reminders(database: Database) -> int:
    """Remind people of activities that are not done, once for each time that is set, and return how many."""
    now = clock.now()
    due = Where("reminder_at", "<=", now), Where("reminder_at", ">", now - REMINDED_FOR)
    with database.read(system("reminders")) as reads:
        rows = reads.rows(Activity, *due, completed_at=None, order="reminder_at", anywhere=True)
        found = {_reminder_key(row): row for row in rows if row.user_id is not None}
        told = reads.rows(Notification, dedupe_key=list(found), anywhere=True) if found else []
    for row in told:
        found.pop(str(row.dedupe_key), None)
    return sum(
        database.write(system("reminders", row.organization_id), partial(_remind, activity_id=row.id, key=key))
        for key, row in found.items()
    )


def _reminder_key(activity: Activity) -> str:
    assert activity.reminder_at is not None
    return f"reminder {activity.id} {activity.reminder_at:%Y%m%dT%H%M%S}"


def _remind(tx: Transaction, *, activity_id: UUID, key: str) -> bool:
    activity = tx.find(Activity, activity_id, lock=True)
    if activity is None or activity.user_id is None or activity.completed_at or _reminder_key(activity) != key:
        return False
    prospect = tx.find(Prospect, activity.prospect_id)
    body = f"With {_name(prospect)}." if prospect else None
    return notify(
        tx, user_id=activity.user_id, kind="activity_reminder", title=activity.title, body=body, dedupe_key=key
    )


TASKS: Final[dict[str, Task]] = {INSIGHTS: generate_insights}
SCHEDULES: Final = (
    Schedule("outreach/insights", ask_for_insights, daily="05:10"),
    Schedule("outreach/activity_reminders", activity_reminders, every=timedelta(minutes=1)),
)
