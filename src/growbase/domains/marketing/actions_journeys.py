"""Making and editing journeys and their stages."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from growbase.core import clock
from growbase.core.errors import Conflict
from growbase.core.model import Root
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.marketing.models import (
    Campaign,
    CampaignStatus,
    Content,
    Journey,
    JourneyStage,
    JourneyStatus,
    StageKind,
)
from growbase.domains.marketing.schemas import StageDraft, parse_stages, stage_config

Draft = Mapping[str, Any]


def create_journey(
    tx: Transaction, *, campaign_id: UUID, name: str, stages: Sequence[Draft] | None = None, **rest: object
) -> UUID:
    """Make a journey with its stages. Raises Invalid naming the field of a stage its kind does not allow."""
    drafts = parse_stages(stages or ())
    journey_id = tx.insert(Journey, campaign_id=campaign_id, name=name, **rest)
    _insert_stages(tx, journey_id, drafts)
    return journey_id


def add_journey(tx: Transaction, campaign_id: UUID, draft: Draft) -> UUID:
    """Make a journey with stages and contents from a template's draft."""
    stages = parse_stages(draft.get("stages", ()))
    journey_id = tx.insert(Journey, campaign_id=campaign_id, name=draft["name"])
    by_key = _insert_stages(tx, journey_id, stages)
    contents = [
        {
            "campaign_id": campaign_id,
            "journey_id": journey_id,
            "stage_id": by_key.get(content.get("stage", "")),
            "type": content["type"],
            "title": content.get("title"),
            "body": content["body"],
            "channel": content.get("channel"),
            "language": content.get("language", "en"),
        }
        for content in draft.get("contents", ())
    ]
    tx.insert_many(Content, contents)
    return journey_id


def set_stages(tx: Transaction, *, id: UUID, stages: Sequence[Draft]) -> UUID:
    """Give a journey exactly these stages: those with a known key are changed, the others added or moved to the trash.

    A journey that has begun gets a new definition version.
    """
    drafts = parse_stages(stages)
    journey = tx.get(Journey, id, lock=True)
    live = {stage.key: stage for stage in tx.rows(JourneyStage, journey_id=id, lock=True)}
    wanted = {draft.key: draft for draft in drafts}
    for key in live.keys() - wanted.keys():
        trash(tx, JourneyStage, live.pop(key).id)
    for key, draft in wanted.items():
        if key in live:
            tx.change(live[key], _columns(draft, without={"key", "position"}))
    _move(tx, {live[key].id: (live[key].position, wanted[key].position or 0) for key in live})
    _insert_stages(tx, id, [draft for key, draft in wanted.items() if key not in live])
    _new_definition(tx, journey)
    return id


def create_stage(tx: Transaction, *, journey_id: UUID, **values: Any) -> UUID:  # noqa: ANN401 -- the columns
    """Add a stage to a journey. Raises Invalid naming the field of the config its kind does not allow."""
    kind = StageKind(values.get("kind") or StageKind.CUSTOM)
    values["config"] = stage_config(kind, values.get("config") or {})
    journey = tx.find(Journey, journey_id, lock=True)
    stage_id = tx.insert(JourneyStage, journey_id=journey_id, **values)
    assert journey is not None
    _new_definition(tx, journey)
    return stage_id


def update_stage(tx: Transaction, *, id: UUID, changes: Mapping[str, Any], version: int | None = None) -> int:
    """Change a stage; its config is checked against the kind it then has."""
    journey, stage = _locked(tx, id)
    values = dict(changes)
    if "config" in values or "kind" in values:
        kind = StageKind(values.get("kind") or stage.kind)
        values["config"] = stage_config(kind, values.get("config", stage.config) or {})
    new_version = tx.change(stage, values, version=version)
    if new_version != stage.version:
        _new_definition(tx, journey)
    return new_version


def remove_stage(tx: Transaction, *, id: UUID, cascade: bool = False) -> UUID:
    """Move a stage to the trash and return the deletion id; its contents stay with the journey."""
    del cascade
    journey, _ = _locked(tx, id)
    _new_definition(tx, journey)
    return trash(tx, JourneyStage, id)


def guard_journey(tx: Transaction, row: Root, to: JourneyStatus) -> dict[str, object]:
    """Refuse to activate a journey whose campaign is not active."""
    assert isinstance(row, Journey)
    if to == JourneyStatus.ACTIVE:
        campaign = tx.find(Campaign, row.campaign_id, share=True)
        if campaign is None or campaign.status is not CampaignStatus.ACTIVE:
            raise Conflict("A journey is active only while its campaign is: activate the campaign first.")
    return {}


def _locked(tx: Transaction, stage_id: UUID) -> tuple[Journey, JourneyStage]:
    """Return a stage and its journey, locked in the order in which everybody locks them: the journey first."""
    journey = tx.get(Journey, tx.get(JourneyStage, stage_id).journey_id, lock=True)
    return journey, tx.get(JourneyStage, stage_id, lock=True)


def _insert_stages(tx: Transaction, journey_id: UUID, drafts: Sequence[StageDraft]) -> dict[str, UUID]:
    """Insert stages and return their ids by key."""
    ids = {draft.key: clock.new_id() for draft in drafts}
    rows = [{"id": ids[draft.key], "journey_id": journey_id, **_columns(draft)} for draft in drafts]
    tx.insert_many(JourneyStage, rows)
    return ids


def _columns(draft: StageDraft, without: set[str] | None = None) -> dict[str, object]:
    return draft.model_dump(exclude=without)


def _move(tx: Transaction, moves: dict[UUID, tuple[int, int]]) -> None:
    """Give stages their new positions one by one, each when its place is free; a circle is opened by a step aside."""
    taken = {position: stage_id for stage_id, (position, _) in moves.items()}
    pending = {stage_id: (old, new) for stage_id, (old, new) in moves.items() if old != new}
    aside = max([*taken, *(new for _, new in moves.values())], default=0) + 1
    while pending:
        free = next((stage_id for stage_id, (_, new) in pending.items() if new not in taken), None)
        stage_id = free or next(iter(pending))
        old, new = pending.pop(stage_id)
        target = new if free else aside
        tx.update(JourneyStage, stage_id, {"position": target})
        del taken[old]
        taken[target] = stage_id
        if target != new:
            pending[stage_id] = (target, new)


def _new_definition(tx: Transaction, journey: Journey) -> None:
    if journey.status is not JourneyStatus.DRAFT:
        tx.change(journey, {"definition_version": journey.definition_version + 1})
