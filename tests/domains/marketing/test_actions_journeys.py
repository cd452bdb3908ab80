from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import Invalid
from growbase.core.transaction import Transaction
from growbase.domains.marketing.actions_journeys import (
    create_journey,
    create_stage,
    remove_stage,
    set_stages,
    update_stage,
)
from growbase.domains.marketing.models import Campaign, CampaignStatus, Journey, JourneyStage, JourneyStatus
from tests.domains.marketing.factories import make_campaign


def stage(key: str, **over: object) -> dict[str, Any]:
    return {"key": key, "name": key.title(), **over}


def keys_of(db: Database, actor: Actor, journey_id: UUID) -> list[str]:
    with db.read(actor) as reads:
        return [row.key for row in reads.rows(JourneyStage, journey_id=journey_id, order="position")]


def make_journey(tx: Transaction, *keys: str) -> UUID:
    return create_journey(tx, campaign_id=make_campaign(tx), name="Mine", stages=[stage(key) for key in keys])


def test_stages_stand_in_the_order_of_their_positions(db: Database, actor: Actor) -> None:
    stages = [stage("late", position=7), stage("early", position=3)]
    journey_id = db.write(
        actor, lambda tx: create_journey(tx, campaign_id=make_campaign(tx), name="Mine", stages=stages)
    )
    assert keys_of(db, actor, journey_id) == ["early", "late"]


@pytest.mark.parametrize(
    ("stages", "field"),
    [
        (
            [stage("a", kind="conversion", config={"target_conversion_rate": 2})],
            "stages.0.config.target_conversion_rate",
        ),
        ([stage("a"), stage("b", kind="awareness", config={"reward": "x"})], "stages.1.config.reward"),
        ([stage("a"), stage("a")], "stages.1.key"),
        ([stage("a", position=1), stage("b", position=1)], "stages.1.position"),
        ([stage("a", kind="nonsense")], "stages.0.kind"),
        ([stage("a", delay_hours=-1)], "stages.0.delay_hours"),
    ],
)
def test_wrong_stages_are_named_by_their_place(
    db: Database, actor: Actor, stages: list[dict[str, Any]], field: str
) -> None:
    campaign_id = db.write(actor, make_campaign)
    with pytest.raises(Invalid) as refused:
        db.write(actor, lambda tx: create_journey(tx, campaign_id=campaign_id, name="Mine", stages=stages))
    assert [error.field for error in refused.value.fields] == [field]


def test_a_custom_stage_may_say_anything(db: Database, actor: Actor) -> None:
    stages = [stage("a", config={"anything": {"goes": 1}})]
    journey_id = db.write(
        actor, lambda tx: create_journey(tx, campaign_id=make_campaign(tx), name="Mine", stages=stages)
    )
    with db.read(actor) as reads:
        assert reads.rows(JourneyStage, journey_id=journey_id)[0].config["anything"] == {"goes": 1}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations("abcdef"), st.integers(0, 6), st.integers(0, 6))
def test_stages_can_be_reordered_in_any_way(
    db: Database, actor: Actor, order: list[str], first: int, last: int
) -> None:
    journey_id = db.write(actor, lambda tx: make_journey(tx, *order[:first]))
    wanted = sorted(order)[last:]
    db.write(actor, lambda tx: set_stages(tx, id=journey_id, stages=[stage(key) for key in wanted]))
    assert keys_of(db, actor, journey_id) == wanted
    db.write(actor, lambda tx: set_stages(tx, id=journey_id, stages=[stage(key) for key in reversed(wanted)]))
    assert keys_of(db, actor, journey_id) == wanted[::-1]


def test_editing_a_journey_that_has_begun_makes_a_new_definition(db: Database, actor: Actor) -> None:
    journey_id = db.write(actor, lambda tx: make_journey(tx, "a", "b"))

    def version() -> int:
        with db.read(actor) as reads:
            return reads.get(Journey, journey_id).definition_version

    db.write(actor, lambda tx: create_stage(tx, journey_id=journey_id, key="c", name="C", position=2))
    assert version() == 1

    def begin(tx: Transaction) -> None:
        tx.transition(Campaign, tx.get(Journey, journey_id).campaign_id, CampaignStatus.ACTIVE)
        tx.transition(Journey, journey_id, JourneyStatus.ACTIVE)

    db.write(actor, begin)
    with db.read(actor) as reads:
        first = reads.rows(JourneyStage, journey_id=journey_id, order="position")[0].id
    db.write(actor, lambda tx: update_stage(tx, id=first, changes={"name": "New", "kind": "awareness"}))
    assert version() == 2
    db.write(actor, lambda tx: update_stage(tx, id=first, changes={"name": "New"}))
    assert version() == 2
    db.write(actor, lambda tx: remove_stage(tx, id=first))
    assert version() == 3
    db.write(actor, lambda tx: set_stages(tx, id=journey_id, stages=[stage("c"), stage("b")]))
    assert version() == 4
    assert keys_of(db, actor, journey_id) == ["c", "b"]


def test_a_stage_is_checked_against_the_kind_it_then_has(db: Database, actor: Actor) -> None:
    journey_id = db.write(actor, lambda tx: make_journey(tx, "a"))
    with db.read(actor) as reads:
        stage_id = reads.rows(JourneyStage, journey_id=journey_id)[0].id
    db.write(actor, lambda tx: update_stage(tx, id=stage_id, changes={"kind": "retention", "config": {"reward": "x"}}))
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: update_stage(tx, id=stage_id, changes={"kind": "conversion"}))
