"""What outreach asks a model in the background, and what it notices by itself: scores, insights, reminders.

Without a model a prospect is measured against the ideal customer, the seniority of a title and the signs of interest.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, Field

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.folding import fold
from growbase.core.generation import OFFLINE, Ask, data_section, prompt_of
from growbase.core.outside import Outside
from growbase.core.reads import Reads, Where
from growbase.core.statements import mark
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.domains.identity.actions_personal import notify
from growbase.domains.identity.models_personal import Notification
from growbase.domains.identity.queries import list_organizations
from growbase.domains.outreach.actions_insights import record_insight
from growbase.domains.outreach.actions_prospects import record_score
from growbase.domains.outreach.models import Icp, Prospect, Stage
from growbase.domains.outreach.models_messages import (
    Activity,
    AiInsight,
    Direction,
    InsightStatus,
    InsightType,
    Message,
    Priority,
)
from growbase.domains.outreach.models_sequences import OutreachCampaign
from growbase.jobs.asking import answered, telling_failure
from growbase.jobs.queue import complete
from growbase.jobs.schedule import Schedule
from growbase.jobs.worker import Task

SCORE: Final = "score_prospect"
INSIGHTS: Final = "generate_insights"
FACTS: Final = (
    *("job_title", "company_name", "company_industry", "company_size", "company_revenue", "company_location"),
    *("company_description", "notes", "stage", "source"),
)
"""What a prompt holds of a prospect: no name, no address, no number."""
WEIGHTS: Final = {"budget": 20, "authority": 25, "need": 30, "timing": 15, "signals": 10}
"""How much of a hundred each part counts in the score."""
SHOWN_MESSAGES: Final = 10
EXCERPT: Final = 500

Points = Annotated[int, Field(ge=0, le=100)]
Sentence = Annotated[str, Field(max_length=2_000)]


class ProspectReading(BaseModel):
    """How promising a prospect is, part by part from 0 to 100, with a sentence on each."""

    budget: Points
    authority: Points
    need: Points
    timing: Points
    signals: Points
    reasoning: dict[str, Sentence] = {}
    confidence: Annotated[float, Field(ge=0, le=1)] = 0.5

    def breakdown(self) -> dict[str, int]:
        """Return the parts alone."""
        return {name: getattr(self, name) for name in WEIGHTS}

    def score(self) -> int:
        """Return the weighted mean of the parts."""
        return round(sum(self.breakdown()[name] * weight for name, weight in WEIGHTS.items()) / 100)


# -- scores -----------------------------------------------------------------------------------------------------------

SCORER: Final = (
    "You qualify prospects of a sales team by budget, authority, need, timing and signals of interest, each from 0 to "
    "100, 50 where nothing is known. Measure against the ideal customer if there is one, and say why in one sentence each."
)
SENIORITY: Final[tuple[tuple[int, frozenset[str]], ...]] = (
    (95, frozenset(("chief", "ceo", "cto", "cmo", "cfo", "coo", "cro", "founder", "cofounder", "owner", "president"))),
    (80, frozenset(("vp", "vice", "partner", "director", "managing"))),
    (65, frozenset(("head", "lead", "principal"))),
    (55, frozenset(("manager", "senior"))),
    (20, frozenset(("intern", "trainee", "student", "assistant", "junior"))),
)
"""What words of a title say of who decides; the first that fits counts."""
REVENUE: Final = {"under_1m": 25, "one_to_ten_m": 45, "ten_to_fifty_m": 65, "fifty_to_hundred_m": 80, "over_100m": 90}
SIZE: Final = {"startup": 35, "small": 45, "medium": 60, "large": 75, "enterprise": 85}
STAGES: Final = {"new": 40, "contacted": 50, "meeting": 75, "negotiation": 90, "won": 100, "lost": 10}
UNKNOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """What is known of a prospect when it is scored."""

    prospect: Prospect
    icp: Icp | None
    messages: Sequence[Message]

    @classmethod
    def read(cls, reads: Reads, prospect: Prospect) -> "Acquaintance":
        """Read it, the newest messages first."""
        icp = reads.find(Icp, prospect.icp_id) if prospect.icp_id else None
        rows = reads.rows(Message, prospect_id=prospect.id, order="-created_at, -id", limit=SHOWN_MESSAGES)
        return cls(prospect, icp, rows)

    def sections(self) -> list[str]:
        """Return it as the sections of a prompt."""
        found = [data_section("prospect", {name: getattr(self.prospect, name) for name in FACTS})]
        if self.icp is not None:
            icp = {"name": self.icp.name, "description": self.icp.description, "criteria": self.icp.criteria}
            found.append(data_section("ideal customer", icp))
        seen = [
            {
                "direction": row.direction.value,
                "opened": row.open_count,
                "clicked": row.click_count,
                "replied": row.replied_at is not None,
                "text": row.content[:EXCERPT] if row.direction is Direction.INBOUND else None,
            }
            for row in self.messages
        ]
        return [*found, data_section("messages", {"newest_first": seen})]


def score_prospect(database: Database, actor: Actor, job: Job, *, outside: Outside) -> None:
    """Score a prospect and copy the score to it, in the unit that ends the job."""
    prospect_id = UUID(str(job.payload["prospect_id"]))
    with telling_failure(database, actor, job, lambda _tx, _reason: None):
        with database.read(actor) as reads:
            prospect = reads.find(Prospect, prospect_id)
            if prospect is None:
                return
            known = Acquaintance.read(reads, prospect)
        prompt = prompt_of("Qualify this prospect.", *known.sections())
        rules = partial(_score_by_rules, known)
        answer = answered(outside, Ask(SCORE, SCORER, prompt, ProspectReading, rules, temperature=0.2))
        found = answer.value

        def keep(tx: Transaction) -> None:
            about = {"breakdown": found.breakdown(), "reasoning": found.reasoning, "confidence": found.confidence}
            if tx.find(Prospect, prospect_id, lock=True) is not None:
                score = found.score()
                record_score(tx, prospect_id=prospect_id, score=score, job_id=job.id, **about, **answer.provenance())
            complete(tx, job)

        database.write(actor, keep)


def _score_by_rules(known: Acquaintance) -> ProspectReading:
    prospect = known.prospect
    authority, title = _authority(prospect.job_title)
    matched, missed = _criteria(known)
    measured = len(matched) + len(missed)
    need = round(20 + 75 * len(matched) / measured) if measured else UNKNOWN
    money = [REVENUE[prospect.company_revenue]] if prospect.company_revenue else []
    money += [SIZE[prospect.company_size]] if prospect.company_size else []
    signals, signs = _signals(known.messages)
    timing = STAGES[prospect.stage.value]
    facts = (prospect.job_title, money, measured, known.messages)
    return ProspectReading(
        budget=round(sum(money) / len(money)) if money else UNKNOWN,
        authority=authority,
        need=need,
        timing=timing,
        signals=signals,
        reasoning={
            "budget": "Told by the size and revenue of the company."
            if money
            else "Nothing is known of the company's size.",
            "authority": title,
            "need": f"Fits in {', '.join(matched) or 'nothing'}; differs in {', '.join(missed) or 'nothing'}."
            if measured
            else "There is no ideal customer to measure against.",
            "timing": f"The prospect is at the stage {prospect.stage.value}.",
            "signals": signs,
        },
        confidence=0.2 + 0.15 * sum(map(bool, facts)),
    )


def _authority(title: str | None) -> tuple[int, str]:
    words = set(fold(title or "").replace("-", "").replace("/", " ").replace(",", " ").split())
    for points, known in SENIORITY:
        found = sorted(words & known)
        if found:
            return points, f"The title has the word {found[0]}."
    return (45, "The title names no rank.") if words else (UNKNOWN, "There is no title.")


def _criteria(known: Acquaintance) -> tuple[list[str], list[str]]:
    """Return which criteria of the ideal customer a prospect meets, and which not; what is unknown counts as neither."""
    prospect = known.prospect
    criteria: Mapping[str, Any] = known.icp.criteria if known.icp else {}
    about = " ".join(filter(None, (prospect.company_description, prospect.notes, prospect.company_industry)))
    facts = {
        "industries": prospect.company_industry,
        "company_sizes": prospect.company_size and prospect.company_size.value,
        "revenue": prospect.company_revenue and prospect.company_revenue.value,
        "locations": prospect.company_location,
        "job_titles": prospect.job_title,
        "keywords": about,
        "technologies": about,
    }
    exact = {"company_sizes", "revenue"}
    matched, missed = [], []
    for name, fact in facts.items():
        wanted = [fold(str(item)) for item in criteria.get(name) or ()]
        if not wanted or not fact:
            continue
        is_met = fold(fact) in wanted if name in exact else any(item in fold(fact) for item in wanted)
        (matched if is_met else missed).append(name.replace("_", " "))
    return matched, missed


def _signals(messages: Sequence[Message]) -> tuple[int, str]:
    if any(row.replied_at or row.direction is Direction.INBOUND for row in messages):
        return 90, "The prospect has replied."
    if any(row.click_count for row in messages):
        return 70, "The prospect has clicked a link."
    if any(row.open_count for row in messages):
        return 55, "The prospect has opened a message."
    return (30, "Nothing has come back yet.") if messages else (40, "Nobody has written yet.")


# -- insights ---------------------------------------------------------------------------------------------------------

KEPT: Final = timedelta(days=7)
REPLIES_SINCE: Final = timedelta(days=30)
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
        "AND o.direction = 'outbound' AND o.sent_at > t.created_at"
    )
    terms += ["t.direction = 'inbound'", f"t.created_at >= {sign}", f"NOT EXISTS ({later})"]
    params.append(plan.fields["created_at"].bound(tx.now - REPLIES_SINCE))
    sql = (
        f"SELECT t.prospect_id, min(t.created_at) FROM messages t WHERE {' AND '.join(terms)} "
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
    about = {"title": activity.title, "body": body, "link": f"/studio/activities/{activity.id}"}
    return notify(tx, user_id=activity.user_id, kind="activity_reminder", dedupe_key=key, **about)


TASKS: Final[dict[str, Task]] = {SCORE: score_prospect, INSIGHTS: generate_insights}
SCHEDULES: Final = (
    Schedule("outreach/insights", ask_for_insights, daily="05:10"),
    Schedule("outreach/activity_reminders", activity_reminders, every=timedelta(minutes=1)),
)
