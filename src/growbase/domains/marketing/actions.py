"""Making, copying and moving campaigns, and removing brands."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from growbase.core import clock
from growbase.core.actor import ActorKind
from growbase.core.errors import Conflict, ForeignKey, Invalid
from growbase.core.model import Root, rule_of, table_of
from growbase.core.reads import Reads
from growbase.core.statements import mark, select_sql
from growbase.core.tables import Job, JobStatus
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.identity.models import Membership, MembershipStatus, Organization
from growbase.domains.marketing.actions_journeys import add_journey
from growbase.domains.marketing.actions_variants import require_valid_weights
from growbase.domains.marketing.gallery import DEFAULT_JOURNEY
from growbase.domains.marketing.models import (
    Brand,
    Campaign,
    CampaignBrief,
    CampaignStatus,
    CampaignTemplate,
    Content,
    ContentVariant,
    Journey,
    JourneyStage,
    JourneyStatus,
    VariantStatus,
)

FROM_TEMPLATE = frozenset({"campaign_type", "creativity_level", "goals", "target_audience"})
"""Fields of a campaign that a template's default settings may fill."""

ANALYSE_CAMPAIGN = "analyse_campaign"
COPY = re.compile(r" \(copy \d+\)$")
LONGEST_NAME = 200


def create_campaign(
    tx: Transaction,
    *,
    name: str,
    purpose: str,
    brand_id: UUID | None = None,
    template_id: UUID | None = None,
    brief: Mapping[str, Any] | None = None,
    **rest: object,
) -> UUID:
    """Make a campaign with the journeys of its template, or with the default one, and its brief if one is given.

    The template's use is counted in the same transaction. The acting user is the owner unless another is named.
    Raises Invalid if the organization wants every campaign to have a brand and none is given.
    """
    if brand_id is None and _wants_brand(tx):
        raise Invalid.at("brand_id", "required", "is required")
    template = _template(tx, template_id) if template_id else None
    values = {**_defaults(template), **rest}
    values.setdefault("owner_user_id", _acting_user(tx))
    campaign_id = tx.insert(Campaign, name=name, purpose=purpose, brand_id=brand_id, template_id=template_id, **values)
    if brief is not None:
        tx.insert(CampaignBrief, campaign_id=campaign_id, **brief)
    for journey in (template.template_data.get("journeys") if template else None) or [DEFAULT_JOURNEY]:
        add_journey(tx, campaign_id, journey)
    if template:
        tx.increment(CampaignTemplate, template.id, "usage_count")
    return campaign_id


def update_campaign(tx: Transaction, *, id: UUID, changes: Mapping[str, Any], version: int | None = None) -> int:
    """Change a campaign. Raises Invalid if it would lose the brand that the organization wants."""
    if changes.get("brand_id", id) is None and _wants_brand(tx):
        raise Invalid.at("brand_id", "required", "is required")
    return tx.update(Campaign, id, changes, version=version)


def duplicate_campaign(tx: Transaction, *, id: UUID, name: str | None = None) -> UUID:
    """Copy a campaign with its brief and its live journeys, stages, contents and variants, all as drafts.

    Analytics, approvals and publication stay behind. Without a name the copy is called "X (copy n)".
    """
    source = tx.get(Campaign, id, lock=True)
    template_id = source.template_id
    if template_id and tx.find(CampaignTemplate, template_id) is None:
        template_id = None
    copied = _copied(
        source,
        name=name or _copy_name(tx, source.name),
        template_id=template_id,
        duplicated_from_id=id,
        owner_user_id=_acting_user(tx) or _active_member(tx, source.owner_user_id),
    )
    copy_id = tx.insert(Campaign, **copied)
    brief = tx.find(CampaignBrief, campaign_id=id)
    if brief:
        tx.insert(CampaignBrief, **_copied(brief, campaign_id=copy_id))
    _copy_parts(tx, id, copy_id)
    return copy_id


def analyse_campaign(tx: Transaction, *, id: UUID) -> dict[str, str]:
    """Queue the brief's analysis (summary, context, themes, tags); the answer names its job, one at a time."""
    tx.get(Campaign, id, lock=True)
    key = f"{ANALYSE_CAMPAIGN}:{id}"
    waiting = tx.find(Job, dedupe_key=key, status=[JobStatus.QUEUED, JobStatus.RUNNING])
    if waiting is not None:
        return {"job_id": str(waiting.id)}
    job_id = tx.enqueue(ANALYSE_CAMPAIGN, {"campaign_id": str(id)}, queue="content_generation", dedupe_key=key)
    return {"job_id": str(job_id)}


def guard_campaign(tx: Transaction, row: Root, to: CampaignStatus) -> dict[str, object]:
    """Refuse to activate a campaign that has nothing to say or a test whose weights are wrong.

    Its active journeys follow it when it pauses or ends, since a journey is active only while its campaign is.
    """
    assert isinstance(row, Campaign)
    if to == CampaignStatus.ACTIVE:
        if not tx.find(Journey, campaign_id=row.id) and not tx.find(Content, campaign_id=row.id):
            raise Conflict("A campaign needs a journey or a content before it can be active.")
        require_valid_weights(tx, campaign_id=row.id)
        return {}
    following = {
        CampaignStatus.PAUSED: (JourneyStatus.PAUSED, [JourneyStatus.ACTIVE]),
        CampaignStatus.COMPLETED: (JourneyStatus.COMPLETED, [JourneyStatus.ACTIVE, JourneyStatus.PAUSED]),
        CampaignStatus.CANCELLED: (JourneyStatus.CANCELLED, [JourneyStatus.ACTIVE, JourneyStatus.PAUSED]),
    }
    if to in following:
        state, found = following[to]
        for journey in tx.rows(Journey, campaign_id=row.id, status=found, order="id"):
            tx.transition(Journey, journey.id, state)
    return {"completed_at": tx.now} if to == CampaignStatus.COMPLETED else {}


def remove_brand(tx: Transaction, *, id: UUID, cascade: bool = False) -> UUID:
    """Move a brand to the trash and return the deletion id; its campaigns go along only if ``cascade`` says so.

    Raises Conflict if it has live campaigns and ``cascade`` does not.
    """
    tx.get(Brand, id, lock=True)
    live = tx.count(Campaign, brand_id=id)
    if live and not cascade:
        raise Conflict(
            "The brand still has {campaigns} campaigns: delete them first, or delete it with cascade=true.",
            campaigns=live,
        )
    return trash(tx, Brand, id)


# -- parts ------------------------------------------------------------------------------------------------------------


def _wants_brand(tx: Reads) -> bool:
    organization_id = tx.actor.organization_id
    assert organization_id is not None
    settings: Mapping[str, Any] = tx.get(Organization, organization_id).__dict__["settings"] or {}
    return bool(settings.get("require_brand", True))


def _template(tx: Transaction, template_id: UUID) -> CampaignTemplate:
    # Locked for its counter: two units that first share it and then both want to write it would wait for each other.
    template = tx.find(CampaignTemplate, template_id, lock=True)
    if template is None:
        raise ForeignKey.at(
            "template_id", "foreign_key", "must be the id of an existing {what}", what="campaign template"
        )
    return template


def _defaults(template: CampaignTemplate | None) -> dict[str, object]:
    settings = (template.default_settings if template else None) or {}
    return {name: value for name, value in settings.items() if name in FROM_TEMPLATE and value is not None}


def _acting_user(tx: Reads) -> UUID | None:
    return tx.actor.id if tx.actor.kind is ActorKind.USER else None


def _active_member(tx: Reads, user_id: UUID | None) -> UUID | None:
    found = tx.find(Membership, user_id=user_id) if user_id else None
    return user_id if found and found.status is not MembershipStatus.DISABLED else None


def _copy_name(tx: Reads, name: str) -> str:
    """Return "X (copy n)" with the first n that no live campaign has."""
    base = COPY.sub("", name)[: LONGEST_NAME - len(" (copy 9999)")]
    plan = tx.plan(Campaign)
    terms, params = tx.scope_terms(plan, anywhere=False)
    sign = mark(tx.engine)
    # A range, not LIKE: names may hold wildcards, and the index on the name serves it.
    terms += [f"t.name >= {sign}", f"t.name < {sign}", "t.deleted_at IS NULL"]
    sql = select_sql(plan, "t.name", tuple(terms))
    taken = {row[0] for row in tx.execute(sql, [*params, f"{base} (copy ", f"{base} (copy!"]).fetchall()}
    number = next(number for number in range(1, len(taken) + 2) if f"{base} (copy {number})" not in taken)
    return f"{base} (copy {number})"


def _copied(row: Root, **replaced: object) -> dict[str, Any]:
    """Return what a person wrote into a row: no state, no counter, nothing the program keeps."""
    names = [column.name for column in table_of(type(row)).columns if rule_of(column).writable != "never"]
    return {**{name: row.__dict__[name] for name in names}, **replaced}


def _copy_all(tx: Transaction, rows: Sequence[Root], **replaced: Mapping[UUID, UUID]) -> dict[UUID, UUID]:
    """Copy rows of one model with their references replaced and return the new id of each."""
    ids = {row.__dict__["id"]: clock.new_id() for row in rows}
    copies = []
    for row in rows:
        values = row.__dict__
        references = {name: new.get(values[name]) for name, new in replaced.items()}
        copies.append(_copied(row, id=ids[values["id"]], **references))
    if rows:
        tx.insert_many(type(rows[0]), copies)
    return ids


def _copy_parts(tx: Transaction, source_id: UUID, copy_id: UUID) -> None:
    """Copy the live journeys, stages, contents and variants; a test that was decided starts again."""
    journeys = _copy_all(tx, tx.rows(Journey, campaign_id=source_id, order="id"), campaign_id={source_id: copy_id})
    stages = _copy_all(tx, tx.rows(JourneyStage, journey_id=list(journeys), order="id"), journey_id=journeys)
    contents = _copy_all(
        tx,
        tx.rows(Content, campaign_id=source_id, order="id"),
        campaign_id={source_id: copy_id},
        journey_id=journeys,
        stage_id=stages,
    )
    copies = []
    for variant in tx.rows(ContentVariant, content_id=list(contents), order="id"):
        is_paused = variant.status is VariantStatus.PAUSED
        status = VariantStatus.PAUSED if is_paused else VariantStatus.ACTIVE
        copies.append(_copied(variant, content_id=contents[variant.content_id], status=status))
    tx.insert_many(ContentVariant, copies)
