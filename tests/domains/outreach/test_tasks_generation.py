import json
from datetime import timedelta
from uuid import UUID

import pytest

from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.generation import OFFLINE
from growbase.core.tables import Job, JobStatus
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.identity.models_personal import Notification
from growbase.domains.outreach.actions_activities import complete_activity, create_activity
from growbase.domains.outreach.actions_insights import dismiss_insight
from growbase.domains.outreach.actions_prospects import request_score
from growbase.domains.outreach.models import Prospect, ProspectScore
from growbase.domains.outreach.models_messages import Activity, AiInsight, InsightStatus, Message, MessageStatus
from growbase.domains.outreach.tasks_generation import WEIGHTS
from growbase.domains.outreach.tasks_insights import activity_reminders, ask_for_insights
from growbase.jobs.worker import Worker
from tests.completions import Endpoint, job_of
from tests.domains.outreach.factories import make_campaign, make_icp, make_prospect

PARTS = {"budget": 100, "authority": 80, "need": 60, "timing": 40, "signals": 20}


def scored(db: Database, actor: Actor, worker: Worker, prospect_id: UUID) -> Prospect:
    """Score a prospect and return it."""
    db.write(actor, lambda tx: request_score(tx, id=prospect_id))
    worker.run_all()
    with db.read(actor) as reads:
        return reads.get(Prospect, prospect_id)


def insights(db: Database, actor: Actor, worker: Worker) -> dict[str, InsightStatus]:
    """Let the daily schedule run and return the insights there are by title."""
    assert ask_for_insights(db) == 1
    worker.run_all()
    with db.read(actor) as reads:
        return {row.title: row.status for row in reads.rows(AiInsight)}


def test_without_a_model_who_fits_better_scores_higher(db: Database, actor: Actor, offline_worker: Worker) -> None:
    def unit(tx: Transaction) -> tuple[UUID, UUID, UUID]:
        criteria = {"industries": ["Bakery"], "company_sizes": ["large"], "job_titles": ["marketing"]}
        icp_id = make_icp(tx, criteria=criteria)
        good = {
            "job_title": "Chief Marketing Officer",
            "company_industry": "Industrial bakery",
            "company_size": "large",
        }
        bad = {"job_title": "Assistant", "company_industry": "Mining", "company_size": "small"}
        best, worst = (make_prospect(tx, icp_id=icp_id, **values) for values in (good, bad))
        return best, worst, make_prospect(tx)

    best, worst, unknown = (scored(db, actor, offline_worker, id) for id in db.write(actor, unit))
    assert best.score > unknown.score > worst.score
    explanation = best.score_explanation or {}
    assert explanation["breakdown"] == {"budget": 75, "authority": 95, "need": 95, "timing": 40, "signals": 40}
    assert best.score == round(sum(explanation["breakdown"][name] * weight for name, weight in WEIGHTS.items()) / 100)
    assert explanation["reasoning"]["need"] == "Fits in industries, company sizes, job titles; differs in nothing."
    assert explanation["model"] == OFFLINE
    assert scored(db, actor, offline_worker, best.id).score == best.score


def test_a_model_scores_by_parts_without_hearing_who_it_is(
    db: Database, actor: Actor, asking_worker: Worker, endpoint: Endpoint
) -> None:
    endpoint.will_say(json.dumps({**PARTS, "reasoning": {"need": "Bakes."}, "confidence": 0.9}), completion_tokens=8)
    prospect_id = db.write(actor, lambda tx: make_prospect(tx, first_name="Zelda", email="zelda@firm.example"))
    assert scored(db, actor, asking_worker, prospect_id).score == 66
    with db.read(actor) as reads:
        (row,) = reads.rows(ProspectScore)
    assert (row.breakdown, row.confidence, row.model, row.output_tokens) == (PARTS, 0.9, "m", 8)
    assert row.prompt_hash
    assert row.job_id
    prompt = endpoint.asked[0][0]["messages"][1]["content"]
    assert "zelda" not in prompt.lower()
    again = {"status": "queued", "due": True}
    db.write(system(), lambda tx: tx.set_facts(Job, {"id": row.job_id}, again))
    endpoint.will_say(json.dumps(PARTS | {"budget": 0}))
    asking_worker.run_all()
    with db.read(actor) as reads:
        assert reads.count(ProspectScore) == 1


@pytest.mark.parametrize("answer", [{**PARTS, "need": 101}, {"need": 1}, []])
def test_a_score_out_of_range_is_asked_for_again(
    db: Database, actor: Actor, asking_worker: Worker, endpoint: Endpoint, answer: object
) -> None:
    endpoint.will_say(json.dumps(answer))
    prospect_id = db.write(actor, make_prospect)
    job_id = db.write(actor, lambda tx: request_score(tx, id=prospect_id))["job_id"]
    asking_worker.run_all()
    assert job_of(db, actor, job_id).status == JobStatus.QUEUED


def test_a_prospect_in_the_trash_is_not_scored(db: Database, actor: Actor, offline_worker: Worker) -> None:
    prospect_id = db.write(actor, make_prospect)
    job_id = db.write(actor, lambda tx: request_score(tx, id=prospect_id))["job_id"]
    db.write(actor, lambda tx: trash(tx, Prospect, prospect_id))
    offline_worker.run_all()
    assert job_of(db, actor, job_id).status == JobStatus.SUCCEEDED


def test_insights_come_once_and_go_with_their_cause(db: Database, actor: Actor, offline_worker: Worker) -> None:
    def unit(tx: Transaction) -> tuple[UUID, UUID]:
        waiting = make_prospect(tx, first_name="Ann", company_name="Rye")
        due = make_prospect(tx, first_name="Bo", company_name="Oat", next_follow_up_at=tx.now - timedelta(days=1))
        told = make_prospect(tx, first_name="Cy", company_name="Emmer")
        tx.insert(Message, prospect_id=waiting, direction="inbound", status="delivered", content="Yes?")
        tx.insert(Message, prospect_id=told, content="Hi", status="sent", sent_at=tx.now, replied_at=tx.now)
        campaign_id = make_campaign(tx, name="Spring")
        sent = {"outreach_campaign_id": campaign_id, "content": "Hi", "sent_at": tx.now, "status": MessageStatus.SENT}
        for place in range(20):
            bounced = {"bounced_at": tx.now if place < 2 else None}
            tx.insert(Message, prospect_id=due, **sent, **bounced)
        return waiting, due

    waiting, due = db.write(actor, unit)
    new = InsightStatus.NEW
    expected = {
        "Ann (Rye) waits for an answer": new,
        "Cy (Emmer) waits for an answer": new,
        "Follow up with Bo (Oat)": new,
        "Many messages of Spring come back": new,
    }
    assert insights(db, actor, offline_worker) == expected
    with db.read(actor) as reads:
        (row,) = reads.rows(AiInsight, dedupe_key=f"follow-up {due}")
    assert (row.model, row.job_id is not None) == (OFFLINE, True)
    db.write(actor, lambda tx: dismiss_insight(tx, id=row.id))

    def answer(tx: Transaction) -> None:
        tx.insert(Message, prospect_id=waiting, content="Yes!", status="sent", sent_at=tx.now)

    db.write(actor, answer)
    after = insights(db, actor, offline_worker)
    assert after == expected | {
        "Ann (Rye) waits for an answer": InsightStatus.EXPIRED,
        "Follow up with Bo (Oat)": InsightStatus.DISMISSED,
    }


def test_people_are_reminded_once_for_each_time_they_set(db: Database, actor: Actor) -> None:
    def unit(tx: Transaction) -> tuple[UUID, UUID]:
        about = {"prospect_id": make_prospect(tx), "user_id": actor.id, "type": "call", "title": "Call Ann"}
        old, past = tx.now - timedelta(days=3), tx.now - timedelta(minutes=1)
        create_activity(tx, **about, reminder_at=tx.now + timedelta(hours=1))
        create_activity(tx, **about, reminder_at=old)
        done = create_activity(tx, **about, reminder_at=past)
        complete_activity(tx, id=done)
        return create_activity(tx, **about, reminder_at=past), done

    activity_id, _ = db.write(actor, unit)
    assert [activity_reminders(db), activity_reminders(db)] == [1, 0]
    with db.read(actor) as reads:
        (told,) = reads.rows(Notification)
    assert (told.user_id, told.kind, told.title) == (actor.id, "activity_reminder", "Call Ann")
    db.write(actor, lambda tx: tx.update(Activity, activity_id, {"reminder_at": tx.now - timedelta(seconds=5)}))
    assert activity_reminders(db) == 1
