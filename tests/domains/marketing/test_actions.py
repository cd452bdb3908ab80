import threading
from uuid import UUID

import pytest

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import Conflict, ForeignKey, Invalid, InvalidTransition
from growbase.core.transaction import Transaction
from growbase.core.trash import purge, restore, trash
from growbase.domains.identity.models import Organization
from growbase.domains.marketing.actions import create_campaign, duplicate_campaign, remove_brand, update_campaign
from growbase.domains.marketing.actions_analytics import ingest_events
from growbase.domains.marketing.actions_contents import approve_content, submit_content
from growbase.domains.marketing.actions_variants import choose_winner
from growbase.domains.marketing.models import (
    Brand,
    Campaign,
    CampaignBrief,
    CampaignStatus,
    CampaignTemplate,
    Content,
    ContentStatus,
    ContentVariant,
    Journey,
    JourneyStage,
    JourneyStatus,
    VariantStatus,
)
from tests.domains.marketing.factories import (
    event,
    make_brand,
    make_campaign,
    make_content,
    make_template,
    make_variants,
)
from tests.fixtures import Tenant


def test_a_campaign_without_template_gets_the_default_journey(db: Database, actor: Actor) -> None:
    campaign_id = db.write(actor, make_campaign)
    with db.read(actor) as reads:
        journey = reads.rows(Journey, campaign_id=campaign_id)[0]
        stages = reads.rows(JourneyStage, journey_id=journey.id, order="position")
        campaign = reads.get(Campaign, campaign_id)
    assert [stage.key for stage in stages] == ["awareness", "consideration", "conversion", "retention"]
    assert campaign.status is CampaignStatus.DRAFT
    assert campaign.owner_user_id == actor.id


def test_a_template_gives_journeys_contents_and_counts_its_use(db: Database, actor: Actor) -> None:
    settings = {"creativity_level": 9, "campaign_type": "product", "unknown": 1}
    template_id = db.write(actor, lambda tx: make_template(tx, default_settings=settings))
    campaign_id = db.write(actor, lambda tx: make_campaign(tx, template_id=template_id, campaign_type="event"))
    with db.read(actor) as reads:
        campaign = reads.get(Campaign, campaign_id)
        content = reads.rows(Content, campaign_id=campaign_id)[0]
        assert (campaign.creativity_level, campaign.campaign_type) == (9, "event")
        assert reads.get(JourneyStage, content.stage_id).key == "tease"  # type: ignore[arg-type]
        assert reads.get(CampaignTemplate, template_id).usage_count == 1


def test_every_use_of_a_template_is_counted_when_many_use_it_at_once(db: Database, actor: Actor) -> None:
    template_id = db.write(actor, make_template)
    brand_id = db.write(actor, make_brand)

    def use() -> None:
        db.write(actor, lambda tx: make_campaign(tx, template_id=template_id, brand_id=brand_id))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.read(actor) as reads:
        assert reads.get(CampaignTemplate, template_id).usage_count == 8


def test_a_refused_campaign_does_not_count_as_a_use(db: Database, actor: Actor) -> None:
    template_id = db.write(actor, make_template)
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: make_campaign(tx, template_id=template_id, brand_id=None))
    with db.read(actor) as reads:
        assert reads.get(CampaignTemplate, template_id).usage_count == 0


def test_a_brand_is_required_unless_the_organization_says_otherwise(db: Database, actor: Actor) -> None:
    with pytest.raises(Invalid) as refused:
        db.write(actor, lambda tx: create_campaign(tx, name="A", purpose="B"))
    assert refused.value.fields[0].field == "brand_id"
    settings = {"schema_version": 1, "require_brand": False}
    db.write(actor, lambda tx: tx.update(Organization, actor.organization_id, {"settings": settings}))
    assert db.write(actor, lambda tx: create_campaign(tx, name="A", purpose="B"))


def test_a_campaign_keeps_its_required_brand(db: Database, actor: Actor) -> None:
    campaign_id = db.write(actor, make_campaign)
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: update_campaign(tx, id=campaign_id, changes={"brand_id": None}))
    assert db.write(actor, lambda tx: update_campaign(tx, id=campaign_id, changes={"name": "New"})) == 2


def test_an_unknown_template_is_named_in_the_error(db: Database, actor: Actor) -> None:
    brand_id = db.write(actor, make_brand)
    with pytest.raises(ForeignKey) as refused:
        db.write(actor, lambda tx: make_campaign(tx, brand_id=brand_id, template_id=brand_id))
    assert refused.value.fields[0].field == "template_id"


def test_a_duplicate_is_a_deep_draft_without_history(db: Database, actor: Actor) -> None:
    def make(tx: Transaction) -> UUID:
        campaign_id = make_campaign(tx, name="Spring", brief={"objective": "Sell"}, goals={"orders": 5})
        stage = tx.find(JourneyStage, key="conversion")
        content_id = make_content(tx, campaign_id, stage_id=stage.id, metadata={"a": [1]})
        make_variants(tx, content_id, 50, 50)
        gone = make_content(tx, campaign_id, title="Gone")
        trash(tx, Content, gone)
        submit_content(tx, id=content_id)
        approve_content(tx, id=content_id)
        choose_winner(tx, id=content_id, key="B")
        ingest_events(tx, events=[event(content_id=content_id)])
        tx.transition(Campaign, campaign_id, CampaignStatus.ACTIVE)
        return campaign_id

    source_id = db.write(actor, make)
    copy_id = db.write(actor, lambda tx: duplicate_campaign(tx, id=source_id))
    with db.read(actor) as reads:
        copy = reads.get(Campaign, copy_id)
        assert (copy.name, copy.status, copy.duplicated_from_id) == ("Spring (copy 1)", CampaignStatus.DRAFT, source_id)
        assert copy.goals == {"orders": 5}
        assert reads.rows(CampaignBrief, campaign_id=copy_id)[0].objective == "Sell"
        (content,) = reads.rows(Content, campaign_id=copy_id)
        assert content.status is ContentStatus.DRAFT
        assert content.approved_at is None
        assert content.__dict__["metadata"] == {"a": [1]}
        stage = reads.get(JourneyStage, content.stage_id)  # type: ignore[arg-type]
        assert stage.key == "conversion"
        assert reads.get(Journey, stage.journey_id).campaign_id == copy_id
        variants = reads.rows(ContentVariant, content_id=content.id, order="key")
        assert [(v.key, v.weight_percent, v.status) for v in variants] == [
            ("A", 0, VariantStatus.ACTIVE),
            ("B", 100, VariantStatus.ACTIVE),
        ]
    found = db.query("SELECT impressions FROM campaign_summary WHERE name = 'Spring (copy 1)'")
    assert found == [(None,)]


def test_duplicates_are_numbered_and_may_be_named(db: Database, actor: Actor) -> None:
    source_id = db.write(actor, lambda tx: make_campaign(tx, name="100 % (new)"))

    def name_of(**over: object) -> str:
        copy_id = db.write(actor, lambda tx: duplicate_campaign(tx, **{"id": source_id, **over}))
        with db.read(actor) as reads:
            return reads.get(Campaign, copy_id).name

    assert name_of() == "100 % (new) (copy 1)"
    second = db.write(actor, lambda tx: duplicate_campaign(tx, id=source_id))
    assert name_of(id=second) == "100 % (new) (copy 3)"
    assert name_of(name="Mine") == "Mine"


def test_a_campaign_of_a_deleted_template_can_be_duplicated(db: Database, actor: Actor) -> None:
    def make(tx: Transaction) -> UUID:
        template_id = make_template(tx)
        campaign_id = make_campaign(tx, template_id=template_id)
        trash(tx, CampaignTemplate, template_id)
        return duplicate_campaign(tx, id=campaign_id)

    copy_id = db.write(actor, make)
    with db.read(actor) as reads:
        assert reads.get(Campaign, copy_id).template_id is None


def test_an_empty_campaign_is_not_activated(db: Database, actor: Actor) -> None:
    def make(tx: Transaction) -> UUID:
        campaign_id = make_campaign(tx)
        for journey in tx.rows(Journey, campaign_id=campaign_id):
            trash(tx, Journey, journey.id)
        return campaign_id

    campaign_id = db.write(actor, make)
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: tx.transition(Campaign, campaign_id, CampaignStatus.ACTIVE))
    db.write(actor, lambda tx: make_content(tx, campaign_id))
    db.write(actor, lambda tx: tx.transition(Campaign, campaign_id, CampaignStatus.ACTIVE))


def test_journeys_follow_their_campaign(db: Database, actor: Actor) -> None:
    campaign_id = db.write(actor, make_campaign)
    with db.read(actor) as reads:
        journey_id = reads.rows(Journey, campaign_id=campaign_id)[0].id

    def move(model: type, id: UUID, to: object) -> None:
        db.write(actor, lambda tx: tx.transition(model, id, to))

    def status() -> JourneyStatus:
        with db.read(actor) as reads:
            return reads.get(Journey, journey_id).status

    with pytest.raises(Conflict):
        move(Journey, journey_id, JourneyStatus.ACTIVE)
    move(Campaign, campaign_id, CampaignStatus.ACTIVE)
    move(Journey, journey_id, JourneyStatus.ACTIVE)
    move(Campaign, campaign_id, CampaignStatus.PAUSED)
    assert status() is JourneyStatus.PAUSED
    move(Campaign, campaign_id, CampaignStatus.COMPLETED)
    assert status() is JourneyStatus.COMPLETED
    with db.read(actor) as reads:
        assert reads.get(Campaign, campaign_id).completed_at is not None


def test_an_archived_campaign_comes_back_only_as_a_duplicate(db: Database, actor: Actor) -> None:
    campaign_id = db.write(actor, make_campaign)
    db.write(actor, lambda tx: tx.transition(Campaign, campaign_id, CampaignStatus.ARCHIVED))
    with pytest.raises(InvalidTransition):
        db.write(actor, lambda tx: tx.transition(Campaign, campaign_id, CampaignStatus.DRAFT))
    copy_id = db.write(actor, lambda tx: duplicate_campaign(tx, id=campaign_id))
    with db.read(actor) as reads:
        assert reads.get(Campaign, copy_id).status is CampaignStatus.DRAFT


def test_a_campaign_ends_no_earlier_than_it_starts(db: Database, actor: Actor) -> None:
    def make(tx: Transaction) -> UUID:
        return make_campaign(tx, start_at=tx.now, end_at=tx.now.replace(year=tx.now.year - 1))

    with pytest.raises(Invalid) as refused:
        db.write(actor, make)
    assert refused.value.fields[0].field == "end_at"


def test_trash_takes_the_whole_campaign_and_restores_only_its_own_cohort(db: Database, actor: Actor) -> None:
    def make(tx: Transaction) -> tuple[UUID, UUID, UUID]:
        campaign_id = make_campaign(tx, brief={"objective": "x"})
        kept, gone = make_content(tx, campaign_id), make_content(tx, campaign_id)
        make_variants(tx, kept, 60, 40)
        trash(tx, Content, gone)
        return campaign_id, kept, gone

    campaign_id, kept, gone = db.write(actor, make)
    db.write(actor, lambda tx: trash(tx, Campaign, campaign_id))
    counted = (Journey, JourneyStage, Content, ContentVariant, CampaignBrief)
    with db.read(actor) as reads:
        assert [reads.count(model) for model in counted] == [0, 0, 0, 0, 0]
    db.write(actor, lambda tx: restore(tx, Campaign, campaign_id))
    with db.read(actor) as reads:
        assert [reads.count(model) for model in counted] == [1, 4, 1, 2, 1]
        assert reads.find(Content, kept) is not None
        assert reads.find(Content, gone) is None


def test_a_brand_with_live_campaigns_goes_only_with_cascade(db: Database, actor: Actor) -> None:
    brand_id = db.write(actor, make_brand)
    campaign_id = db.write(actor, lambda tx: make_campaign(tx, brand_id=brand_id))
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: remove_brand(tx, id=brand_id))
    db.write(actor, lambda tx: remove_brand(tx, id=brand_id, cascade=True))
    with db.read(actor) as reads:
        assert reads.find(Campaign, campaign_id) is None
    db.write(actor, lambda tx: restore(tx, Brand, brand_id))
    with db.read(actor) as reads:
        assert reads.find(Campaign, campaign_id) is not None


def test_purging_a_campaign_keeps_its_reports(db: Database, actor: Actor) -> None:
    def make(tx: Transaction) -> UUID:
        campaign_id = make_campaign(tx, name="Reported", goals={"orders": 1})
        content_id = make_content(tx, campaign_id)
        make_variants(tx, content_id, 100)
        ingest_events(tx, events=[event(content_id=content_id, event_type="click")])
        trash(tx, Campaign, campaign_id)
        return campaign_id

    campaign_id = db.write(actor, make)
    before = db.query("SELECT sum(count), count(DISTINCT campaign_id) FROM analytics_daily")
    assert db.write(actor, lambda tx: purge(tx, Campaign, campaign_id, keep=True)) is False
    assert db.query("SELECT sum(count), count(DISTINCT campaign_id) FROM analytics_daily") == before
    found = db.query("SELECT campaign_label, content_id, content_label FROM analytics_events")
    assert found == [("Reported", None, "Hello")]
    with db.read(actor) as reads:
        kept = reads.get(Campaign, campaign_id, trash=True)
        assert (kept.name, kept.goals) == ("Reported", None)


def test_a_row_never_refers_to_another_organization(db: Database, actor: Actor, other_tenant: Tenant) -> None:
    foreign = db.write(other_tenant.owner, make_brand)
    with pytest.raises(ForeignKey):
        db.write(actor, lambda tx: make_campaign(tx, brand_id=foreign))
