"""Demonstration data: three brands, five campaigns with journeys, contents, candidates and a month of events."""

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from growbase.core.files import StoredFile
from growbase.core.reads import Reads
from growbase.core.transaction import Transaction
from growbase.domains.marketing.actions import create_campaign
from growbase.domains.marketing.actions_analytics import ingest_events
from growbase.domains.marketing.actions_contents import approve_content, create_content, publish_content, submit_content
from growbase.domains.marketing.actions_templates import copy_gallery, create_content_template, install_gallery
from growbase.domains.marketing.actions_variants import pick, set_variants, spread_evenly
from growbase.domains.marketing.demo_assets import seed_assets
from growbase.domains.marketing.demo_generated import seed_generated
from growbase.domains.marketing.demo_texts import BRANDS, CAMPAIGNS, CONTENT_TEMPLATES
from growbase.domains.marketing.models import (
    Brand,
    Campaign,
    CampaignStatus,
    CampaignTemplate,
    ContentStatus,
    ContentTemplate,
    ContentVariant,
    Journey,
    JourneyStage,
    JourneyStatus,
)

SEED = 20_260_101
DAYS = 30


def seed_marketing(tx: Transaction, *, users: Sequence[UUID], pictures: Sequence[StoredFile] = ()) -> int:
    """Fill the organization with demonstration data and return how many campaigns were made; twice changes nothing.

    ``users`` are active members, who own the rows in turn; ``pictures`` is what ``store_pictures`` has stored. Rows a
    person has moved to the trash stay there.
    """
    install_gallery(tx)
    copy_gallery(tx)
    for place, values in enumerate(BRANDS):
        identity = _id(tx, "brand", values["name"])
        if tx.find(Brand, identity, trash=True) is None:
            tx.insert(Brand, id=identity, owner_user_id=users[place % len(users)], **values)
    for values in CONTENT_TEMPLATES:
        identity = _id(tx, "content template", values["name"])
        if tx.find(ContentTemplate, identity, trash=True) is None:
            create_content_template(tx, id=identity, **values)
    made = [_campaign(tx, plan, users[place % len(users)]) for place, plan in enumerate(CAMPAIGNS)]
    for plan in CAMPAIGNS:
        identity = _id(tx, "campaign", plan["name"])
        if tx.find(Campaign, identity) is not None:
            seed_generated(tx, campaign_id=identity)
    if pictures:
        seed_assets(tx, stored=pictures)
    return sum(made)


def is_demo(reads: Reads) -> bool:
    """Return whether a brand of the demonstration data is there, out of the trash."""
    return bool(reads.rows(Brand, id=[_id(reads, "brand", values["name"]) for values in BRANDS], limit=1))


def _id(reads: Reads, noun: str, name: str) -> UUID:
    organization_id = reads.actor.organization_id
    assert organization_id is not None
    return uuid5(organization_id, f"demo {noun} {name}")


def _campaign(tx: Transaction, plan: dict[str, Any], owner: UUID) -> bool:
    """Make one campaign as planned; False if it is there already."""
    identity = _id(tx, "campaign", plan["name"])
    if tx.find(Campaign, identity, trash=True) is not None:
        return False
    template = tx.find(CampaignTemplate, origin_code=plan["template"]) if plan["template"] else None
    start, end = (tx.now + timedelta(days=days) for days in plan["days"])
    create_campaign(
        tx,
        id=identity,
        name=plan["name"],
        purpose=plan["purpose"],
        brand_id=_id(tx, "brand", plan["brand"]),
        template_id=template.id if template else None,
        brief=plan["brief"],
        owner_user_id=owner,
        campaign_type=plan["type"],
        goals=plan["goals"],
        target_audience=plan["audience"],
        budget_minor=plan["budget_minor"],
        currency="EUR",
        start_at=start,
        end_at=end,
    )
    contents = [_content(tx, identity, draft) for draft in plan["contents"]]
    _move(tx, identity, plan["path"])
    if plan["daily"]:
        _events(tx, identity, contents, plan)
    return True


def _content(tx: Transaction, campaign_id: UUID, draft: dict[str, Any]) -> UUID:
    journey = tx.find(Journey, campaign_id=campaign_id)
    stage = tx.find(JourneyStage, journey_id=journey.id, key=draft["stage"]) if journey else None
    content_id = create_content(
        tx,
        id=uuid5(campaign_id, draft["title"]),
        campaign_id=campaign_id,
        stage_id=stage.id if stage else None,
        type=draft["type"],
        title=draft["title"],
        body=draft["body"],
        channel=draft["channel"],
    )
    variants = draft.get("variants", ())
    if variants:
        weights = spread_evenly(len(variants))
        letters = "ABCDEF"
        sets = [
            {"key": letters[place], "body": body, "weight_percent": weights[place], "is_control": place == 0}
            for place, body in enumerate(variants)
        ]
        set_variants(tx, id=content_id, variants=sets)
    steps = {ContentStatus.DRAFT: 0, ContentStatus.REVIEW: 1, ContentStatus.APPROVED: 2, ContentStatus.PUBLISHED: 3}
    for step in (submit_content, approve_content, publish_content)[: steps[draft["status"]]]:
        step(tx, id=content_id)
    return content_id


def _move(tx: Transaction, campaign_id: UUID, path: Sequence[CampaignStatus]) -> None:
    for status in path:
        tx.transition(Campaign, campaign_id, status)
        if status is CampaignStatus.ACTIVE:
            for journey in tx.rows(Journey, campaign_id=campaign_id, order="id"):
                tx.transition(Journey, journey.id, JourneyStatus.ACTIVE)


def _events(tx: Transaction, campaign_id: UUID, contents: Sequence[UUID], plan: dict[str, Any]) -> None:
    """Record a month in which interest grows, weekends are quiet and one visitor in six clicks."""
    chance = random.Random(f"{SEED} {plan['name']}")  # noqa: S311 -- the same month every time, no secret
    variants = {id: tx.rows(ContentVariant, content_id=id) for id in contents}
    ingest_events(tx, events=list(_month(tx.now, chance, campaign_id, variants, plan)))


def _month(
    now: datetime,
    chance: random.Random,
    campaign_id: UUID,
    variants: Mapping[UUID, Sequence[ContentVariant]],
    plan: dict[str, Any],
) -> Iterator[dict[str, Any]]:
    contents = list(variants)
    for back in range(DAYS, 0, -1):
        day = now - timedelta(days=back)
        quiet = 0.5 if day.weekday() >= 5 else 1.0  # noqa: PLR2004 -- Saturday
        count = round(plan["daily"] * quiet * (1 + (DAYS - back) / DAYS) * chance.uniform(0.8, 1.2))
        for number in range(count):
            at = day + timedelta(minutes=chance.randrange(1, 1_400))
            person = f"visitor-{chance.randrange(400)}"
            content_id = chance.choice(contents)
            # By its place: ids differ from one installation to the next, the demo does not.
            place_of = UUID(int=contents.index(content_id))
            shown = pick(place_of, person, variants[content_id]) if variants[content_id] else None
            common: dict[str, Any] = {
                "campaign_id": str(campaign_id),
                "content_id": str(content_id),
                "variant_id": str(shown.id) if shown else None,
                "subject_key": person,
                "session_id": f"{person}-{back}",
                "source": chance.choice(("email", "social", "search", "direct")),
            }
            steps = [("impression", 1.0), ("click", 0.17), ("conversion", 0.2)]
            for place, (kind, probability) in enumerate(steps):
                if chance.random() > probability:
                    break
                key = f"demo-{campaign_id}-{back}-{number}-{kind}"
                event = {**common, "event_key": key, "event_type": kind, "occurred_at": at + timedelta(minutes=place)}
                if kind == "conversion":
                    event |= {"value_minor": chance.randrange(19, 120) * 100, "currency": "EUR"}
                yield event
