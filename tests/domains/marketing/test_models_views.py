from datetime import timedelta
from typing import Any

import pytest

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.files import StoredFile
from growbase.core.model import View
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.identity.models import Session
from growbase.domains.marketing.actions_analytics import ingest_events
from growbase.domains.marketing.actions_assets import add_asset
from growbase.domains.marketing.actions_contents import approve_content, publish_content, submit_content
from growbase.domains.marketing.actions_generated import add_candidates, select_generated_content
from growbase.domains.marketing.models import Campaign, CampaignStatus, Content, Journey
from growbase.domains.marketing.models_assets import Asset
from growbase.domains.marketing.models_performance import ContentPerformance
from growbase.domains.marketing.models_views import CampaignSummary, UserActivitySummary
from tests.domains.marketing.factories import event, make_brand, make_campaign, make_content
from tests.fixtures import Tenant


@pytest.fixture
def fan_out(db: Database, actor: Actor) -> None:
    """Make two campaigns of one user, one with three contents and events on each, one with none of either."""

    def make(tx: Transaction) -> None:
        brand_id = make_brand(tx, name="Acme Coffee")
        full = make_campaign(tx, name="Full", brand_id=brand_id)
        make_campaign(tx, name="Empty", brand_id=brand_id)
        tx.insert(Journey, campaign_id=full, name="Second")
        contents = [make_content(tx, full, title=f"C{number}") for number in range(3)]
        trash(tx, Content, make_content(tx, full, title="Gone"))
        trash(tx, Campaign, make_campaign(tx, name="Gone", brand_id=brand_id))
        for step in (submit_content, approve_content, publish_content):
            step(tx, id=contents[0])
        tx.transition(Campaign, full, CampaignStatus.ACTIVE)
        events = [event(content_id=content) for content in contents for _ in range(4)]
        events += [event(content_id=contents[0], event_type="click") for _ in range(2)]
        events += [event(campaign_id=full, event_type="conversion", value_minor=250, currency="EUR") for _ in range(2)]
        events += [event(content_id=contents[1], event_type="share")]
        ingest_events(tx, events=events)
        candidates = [{"type": "idea", "text": str(number), "prompt": "p", "model": "m"} for number in range(4)]
        made = add_candidates(tx, campaign_id=full, job_id=clock.new_id(), candidates=candidates)
        for candidate in made[:2]:
            select_generated_content(tx, id=candidate)
        for number in range(3):
            stored = StoredFile("local", None, f"key-{number}", "a.png", 10, "0" * 64, "image/png")
            asset = add_asset(tx, stored=stored, campaign_id=full)
        trash(tx, Asset, asset)

    db.write(actor, make)


def rows(db: Database, actor: Actor, model: type[View], order: str) -> list[dict[str, Any]]:
    with db.read(actor) as reads:
        return [row.__dict__ for row in reads.rows(model, order=order)]


@pytest.mark.usefixtures("fan_out")
def test_campaign_summary_counts_each_child_once(db: Database, actor: Actor) -> None:
    empty, full = rows(db, actor, CampaignSummary, "name")
    names = (
        "journey_count",
        "content_count",
        "impressions",
        "clicks",
        "conversions",
        "ctr",
        "revenue_minor",
        "currency",
    )
    assert [full[name] for name in names] == [2, 7, 12, 2, 2, pytest.approx(1 / 6), 500, "EUR"]
    assert [empty[name] for name in names] == [1, 0, None, None, None, None, None, None]
    assert (full["brand_name"], full["owner_full_name"], full["status"]) == ("Acme Coffee", "Owner of Acme", "active")
    assert full["last_event_at"] is not None
    assert full["id"] == full["campaign_id"]
    others = ("written_content_count", "generated_content_count", "selected_content_count", "asset_count")
    assert [full[name] for name in others] == [3, 4, 2, 2]
    assert [empty[name] for name in others] == [0, 0, 0, 0]


@pytest.mark.usefixtures("fan_out")
def test_mixed_currencies_have_no_revenue(db: Database, actor: Actor) -> None:
    def pay(tx: Transaction) -> None:
        full = tx.find(Campaign, name="Full").id
        paid = event(campaign_id=full, event_type="purchase", value_minor=1, currency="USD")
        ingest_events(tx, events=[paid])

    db.write(actor, pay)
    full = rows(db, actor, CampaignSummary, "name")[1]
    assert (full["revenue_minor"], full["currency"]) == (None, None)


@pytest.mark.usefixtures("fan_out")
def test_user_activity_counts_campaigns_not_their_contents(db: Database, actor: Actor, tenant: Tenant) -> None:
    def log_in(tx: Transaction) -> None:
        for number, (last, revoked) in enumerate(((1, None), (5, None), (9, tx.now))):
            session = {
                "id": clock.new_id(),
                "user_id": actor.id,
                "organization_id": actor.organization_id,
                "token_hash": f"t{number}",
                "refresh_hash": f"r{number}",
                "family_id": clock.new_id(),
                "created_at": tx.now,
                "expires_at": tx.now + timedelta(hours=1),
                "last_activity_at": tx.now - timedelta(minutes=last),
                "revoked_at": revoked,
            }
            tx.insert_facts(Session, [session])

    db.write(actor, log_in)
    found = {row["user_id"]: row for row in rows(db, actor, UserActivitySummary, "id")}
    assert set(found) == {tenant.owner.id, tenant.admin.id, tenant.member.id, tenant.viewer.id}
    mine, idle = found[actor.id], found[tenant.viewer.id]
    names = ("total_campaigns", "active_campaigns", "completed_campaigns", "active_session_count")
    assert [mine[name] for name in names] == [2, 1, 0, 2]
    assert [idle[name] for name in names] == [0, 0, 0, 0]
    assert (mine["total_content_generated"], mine["selected_content_count"]) == (4, 2)
    assert mine["last_activity_at"] is not None
    assert idle["last_activity_at"] is None
    assert mine["email"] == "owner@acme.example"


def test_messages_count_for_who_made_their_campaign_or_wrote_them(db: Database, actor: Actor) -> None:
    models = db.catalog.models

    def send(tx: Transaction) -> None:
        sequence_id = tx.insert(models["sequences"], name="Three steps")
        sender = {"name": "Ada", "email": "ada@example.com"}
        campaign_id = tx.insert(models["outreach_campaigns"], name="Spring", sequence_id=sequence_id, sender=sender)
        prospect_id = tx.insert(models["prospects"], company_name="Acme", email="a@example.com")
        of_job = tx.acting(system("worker", actor.organization_id))
        for number in range(4):
            sent = {"sent_at": tx.now} if number else {}
            values = {"prospect_id": prospect_id, "content": "Hello", **sent}
            of_job.insert(models["messages"], outreach_campaign_id=campaign_id, **values)
            tx.insert(models["messages"], direction="inbound" if number == 1 else "outbound", **values)

    db.write(actor, send)
    found = {row["user_id"]: row["messages_sent"] for row in rows(db, actor, UserActivitySummary, "id")}
    assert sorted(found.values()) == [0, 0, 0, 3 + 2]
    assert found[actor.id] == 5


@pytest.mark.usefixtures("fan_out")
@pytest.mark.parametrize("model", [CampaignSummary, UserActivitySummary, ContentPerformance])
def test_views_show_one_organization_only(db: Database, other_tenant: Tenant, model: type[View]) -> None:
    found = rows(db, other_tenant.owner, model, "id")
    assert {row["organization_id"] for row in found} <= {other_tenant.organization_id}
