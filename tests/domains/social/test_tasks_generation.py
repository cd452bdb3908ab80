import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.generation import OFFLINE
from growbase.core.tables import Job, JobStatus
from growbase.core.transaction import Transaction
from growbase.domains.identity.models import Organization
from growbase.domains.identity.models_billing import UsageCounter
from growbase.domains.identity.usage import Metric
from growbase.domains.marketing.models import Campaign, CampaignStatus
from growbase.domains.social import tasks_generation
from growbase.domains.social.actions_metrics import record_snapshot
from growbase.domains.social.actions_strategies import accept_strategy, generate_strategy
from growbase.domains.social.actions_summaries import WEEK, generate_summary, last_monday
from growbase.domains.social.models import AiStrategy, ContentPillar, StrategyStatus, SummaryStatus, WeeklySummary
from growbase.domains.social.models_publishing import ScheduledPost
from growbase.domains.social.tasks_generation import abandoned_generations
from growbase.domains.social.tasks_reports import due_summaries
from growbase.jobs.worker import Worker
from tests.completions import Endpoint, hurry, job_of
from tests.domains.marketing.factories import make_brand, make_campaign
from tests.domains.social.factories import make_account, make_approved, make_post, publish

PLAN: dict[str, Any] = {
    "positioning": {"statement": "We bake."},
    "audience_segments": [{"name": "Bakers"}],
    "content_pillars": [{"name": "Crust"}],
    "channel_plan": {"mastodon": {"role": "Talk"}},
    "cadence": {"posts_per_week": 2},
    "calendar_skeleton": [{"week": 1, "day": "monday", "platform": "mastodon", "pillar": "Crust", "idea": "Bake"}],
    "confidence": 0.7,
}


def strategy_of(db: Database, actor: Actor, id: UUID) -> AiStrategy:
    with db.read(actor) as reads:
        return reads.get(AiStrategy, id)


def summaries(db: Database, actor: Actor) -> list[WeeklySummary]:
    with db.read(actor) as reads:
        return reads.rows(WeeklySummary, order="week_start")


def published(db: Database, actor: Actor, *, weeks: int = 1, **metrics: int) -> UUID:
    """Publish a post and move it to the Tuesday so many weeks back."""
    post_id = db.write(actor, lambda tx: make_post(tx, piece_id=make_approved(tx, body="Rye *bread* | fresh")))
    publish(db, actor, post_id)

    def unit(tx: Transaction) -> None:
        monday = last_monday(tx, tx.now) - weeks * WEEK
        at = tx.now.replace(hour=9, minute=30, second=0, microsecond=0)
        at -= timedelta(days=(at.date() - monday).days - 1)
        tx.update(ScheduledPost, post_id, {"published_at": at})
        if metrics:
            record_snapshot(tx, scheduled_post_id=post_id, metrics=metrics)

    db.write(system("test", actor.organization_id), unit)
    return post_id


def test_without_a_model_a_strategy_follows_from_what_is_there(
    db: Database, actor: Actor, offline_worker: Worker
) -> None:
    def unit(tx: Transaction) -> UUID:
        make_account(tx)
        brand_id = make_brand(tx, name="Crust", mission="Bread for all.", brand_values=["Patience"])
        campaign_id = make_campaign(tx, brand_id=brand_id, purpose="Sourdough", target_audience="Home bakers")
        tx.transition(Campaign, campaign_id, CampaignStatus.ACTIVE)
        return generate_strategy(tx)

    ids = [db.write(actor, unit), db.write(actor, generate_strategy)]
    assert offline_worker.run_all() == 2
    found, again = (strategy_of(db, actor, id) for id in ids)
    assert found.status is StrategyStatus.PROPOSED
    assert found.positioning == {"statement": "Crust: Bread for all.", "proof": ["Patience"]}
    assert found.audience_segments[0]["name"] == "Home bakers"
    assert list(found.channel_plan) == ["mastodon"]
    assert len(found.calendar_skeleton) == 12
    assert (found.model, found.generated_by) == (OFFLINE, OFFLINE)
    assert found.prompt_hash
    names = [name for name in tasks_generation.Strategy.model_fields if name != "confidence"]
    assert all(getattr(found, name) == getattr(again, name) for name in names)
    db.write(actor, lambda tx: accept_strategy(tx, id=found.id))
    with db.read(actor) as reads:
        assert reads.count(ContentPillar) == len(found.content_pillars)


def test_an_organization_that_has_written_nothing_gets_a_strategy_too(
    db: Database, actor: Actor, offline_worker: Worker
) -> None:
    id = db.write(actor, generate_strategy)
    offline_worker.run_all()
    assert strategy_of(db, actor, id).status is StrategyStatus.PROPOSED


def test_a_model_writes_a_strategy_once(db: Database, actor: Actor, asking_worker: Worker, endpoint: Endpoint) -> None:
    endpoint.will_say(json.dumps(PLAN), prompt_tokens=9)
    db.write(actor, lambda tx: make_account(tx, access_token="hidden-token"))
    id = db.write(actor, lambda tx: generate_strategy(tx, notes="More rye"))
    asking_worker.run_all()
    found = strategy_of(db, actor, id)
    assert (found.status, found.model, found.input_tokens, found.confidence) == ("proposed", "m", 9, 0.7)
    prompt = endpoint.asked[0][0]["messages"][1]["content"]
    assert "More rye" in prompt
    assert "hidden-token" not in prompt
    again = {"status": "queued", "due": True}
    db.write(system(), lambda tx: tx.set_facts(Job, {"id": found.job_id}, again))
    asking_worker.run_all()
    assert len(endpoint.asked) == 1
    assert strategy_of(db, actor, id).version == found.version


def test_a_strategy_fails_with_its_last_attempt_and_costs_nothing(
    db: Database, actor: Actor, asking_worker: Worker, endpoint: Endpoint
) -> None:
    id = db.write(actor, generate_strategy)
    endpoint.will_say('{"positioning": 1}')
    asking_worker.run_all()
    assert strategy_of(db, actor, id).status is StrategyStatus.GENERATING
    endpoint.will_say("no JSON")
    hurry(db)
    asking_worker.run_all()
    found = strategy_of(db, actor, id)
    assert found.status is StrategyStatus.FAILED
    assert "does not fit" in str(found.error)
    with db.read(actor) as reads:
        counter = reads.find(UsageCounter, metric=Metric.STRATEGIES_GENERATED)
    assert counter is not None
    assert counter.used == 0


def test_work_that_nobody_does_any_more_fails(db: Database, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    id = db.write(actor, generate_strategy)
    db.write(actor, generate_summary)
    monkeypatch.setattr(tasks_generation, "ABANDONED", -tasks_generation.ABANDONED)
    assert abandoned_generations(db) == 0
    db.write(system(), lambda tx: tx.set_facts(Job, {"status": "queued"}, {"status": "cancelled", "due": False}))
    assert abandoned_generations(db) == 2
    assert strategy_of(db, actor, id).status is StrategyStatus.FAILED
    assert summaries(db, actor)[0].status is SummaryStatus.FAILED
    assert abandoned_generations(db) == 0


def test_a_report_tells_the_figures_of_its_week(db: Database, actor: Actor, offline_worker: Worker) -> None:
    published(db, actor, weeks=2, impressions=100, likes=5)
    best = published(db, actor, impressions=1_000, likes=150, comments=50)
    published(db, actor)
    db.write(actor, generate_summary)
    offline_worker.run_all()
    (found,) = summaries(db, actor)
    assert (found.status, found.total_posts, found.top_post_id) == (SummaryStatus.READY, 2, best)
    assert (found.model, found.job_id is not None) == (OFFLINE, True)
    report = str(found.report_md)
    assert "| Posts | 2 | 1 |" in report
    assert "| Impressions | 1,000 | 100 |" in report
    assert "| Mean engagement rate | 20.0% | 5.0% |" in report
    assert "1. Rye \\*bread\\* \\| fresh (mastodon, " in report
    assert "not reported" in report
    assert "The mean engagement rate rose: 5.0% before, 20.0% this week." in (found.key_insights or [])
    assert found.recommendations


def test_a_week_without_posts_says_so(db: Database, actor: Actor, offline_worker: Worker) -> None:
    db.write(actor, generate_summary)
    offline_worker.run_all()
    (found,) = summaries(db, actor)
    assert "Nothing was published" in str(found.report_md)


def test_a_model_tells_the_week_below_the_counted_figures(
    db: Database, actor: Actor, asking_worker: Worker, endpoint: Endpoint
) -> None:
    published(db, actor, impressions=10, likes=1)
    told = {"story": "A good week.", "key_insights": ["Likes"], "recommendations": ["More"]}
    endpoint.replies.append((503, {}, b""))
    db.write(actor, generate_summary)
    asking_worker.run_all()
    endpoint.will_say(json.dumps(told))
    hurry(db)
    asking_worker.run_all()
    (found,) = summaries(db, actor)
    assert "| Posts | 1 | 0 |" in str(found.report_md)
    assert str(found.report_md).endswith("\n\nA good week.")
    assert (found.key_insights, found.recommendations, found.model) == (["Likes"], ["More"], "m")


def test_a_report_that_was_refused_fails_and_can_be_asked_for_again(
    db: Database, actor: Actor, asking_worker: Worker, endpoint: Endpoint
) -> None:
    endpoint.replies.append((401, {}, b""))
    db.write(actor, generate_summary)
    asking_worker.run_all()
    (found,) = summaries(db, actor)
    assert found.status is SummaryStatus.FAILED
    assert found.job_id is not None
    assert job_of(db, actor, found.job_id).status == JobStatus.FAILED
    db.write(actor, generate_summary)
    assert summaries(db, actor)[0].status is SummaryStatus.GENERATING


def test_mondays_ask_for_the_week_that_is_over_once(
    db: Database, actor: Actor, offline_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(db, actor)
    assert due_summaries(db) == 1
    assert due_summaries(db) == 0
    offline_worker.run_all()
    assert due_summaries(db) == 0
    assert [row.status for row in summaries(db, actor)] == [SummaryStatus.READY]
    # The week that is on has posts too; its Monday begins earlier where the sun rises earlier.
    published(db, actor, weeks=0)
    with db.read(actor) as reads:
        monday = last_monday(reads, clock.now()) + WEEK
    sunday_noon = clock.now().replace(year=monday.year, month=monday.month, day=monday.day, hour=12) - timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: sunday_noon)
    assert due_summaries(db) == 0
    zone = {"timezone": "Pacific/Kiritimati"}
    db.write(actor, lambda tx: tx.update(Organization, tx.actor.organization_id or UUID(int=0), zone))
    assert due_summaries(db) == 1
