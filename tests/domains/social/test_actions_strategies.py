from typing import Any
from uuid import UUID

import pytest

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import Conflict, InvalidTransition
from growbase.core.tables import Job
from growbase.domains.identity.usage import Metric
from growbase.domains.social import actions_strategies
from growbase.domains.social.actions_strategies import (
    accept_strategy,
    fail_strategy,
    fill_strategy,
    generate_strategy,
    reject_strategy,
)
from growbase.domains.social.models import AiStrategy, ContentPillar, StrategyStatus


def propose(db: Database, actor: Actor, *pillars: object) -> UUID:
    id = db.write(actor, generate_strategy)
    parts: dict[str, Any] = {"positioning": {"line": "We build"}, "content_pillars": list(pillars), "model": "m-1"}
    db.write(actor, lambda tx: fill_strategy(tx, id=id, **parts))
    return id


def strategy_of(db: Database, actor: Actor, id: UUID) -> AiStrategy:
    with db.read(actor) as reads:
        return reads.get(AiStrategy, id)


def test_a_strategy_is_asked_for_and_filled_in(db: Database, actor: Actor) -> None:
    id = db.write(actor, lambda tx: generate_strategy(tx, notes="Be bold"))
    found = strategy_of(db, actor, id)
    assert (found.version_number, found.status, found.supersedes_id) == (1, StrategyStatus.GENERATING, None)
    with db.read(actor) as reads:
        [job] = reads.rows(Job, kind="generate_strategy")
    assert (job.id, job.queue) == (found.job_id, "strategy_generation")
    assert job.payload == {"strategy_id": str(id), "notes": "Be bold"}
    with pytest.raises(InvalidTransition):
        db.write(actor, lambda tx: accept_strategy(tx, id=id))
    db.write(actor, lambda tx: fill_strategy(tx, id=id, positioning={"line": "x"}, confidence=0.7))
    assert strategy_of(db, actor, id).status is StrategyStatus.PROPOSED
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: fill_strategy(tx, id=id, positioning={"line": "y"}))
    assert strategy_of(db, actor, id).positioning == {"line": "x"}


def test_accepting_one_archives_the_one_before_and_brings_its_pillars(db: Database, actor: Actor) -> None:
    first = propose(db, actor, {"name": "Craft", "emoji": "\U0001f527"}, {"name": "People"}, "craft", {"no": "name"})
    db.write(actor, lambda tx: accept_strategy(tx, id=first))
    own = db.write(actor, lambda tx: tx.insert(ContentPillar, name="By hand"))
    second = propose(db, actor, {"name": "CRAFT", "description": "How it is made"}, "Proof")
    assert strategy_of(db, actor, second).supersedes_id == first
    db.write(actor, lambda tx: accept_strategy(tx, id=second))
    assert db.write(actor, lambda tx: accept_strategy(tx, id=second)) == second
    assert strategy_of(db, actor, first).status is StrategyStatus.ARCHIVED
    found = strategy_of(db, actor, second)
    assert (found.status, found.accepted_by) == (StrategyStatus.ACTIVE, actor.id)
    with db.read(actor) as reads:
        pillars = {pillar.name: pillar for pillar in reads.rows(ContentPillar)}
    assert {name: pillar.is_active for name, pillar in pillars.items()} == {
        "Craft": True,
        "People": False,
        "By hand": True,
        "Proof": True,
    }
    assert (pillars["Craft"].description, pillars["Craft"].strategy_id) == ("How it is made", second)
    assert pillars["By hand"].id == own


def test_a_rejected_or_archived_strategy_stays_so(db: Database, actor: Actor) -> None:
    first = propose(db, actor)
    db.write(actor, lambda tx: reject_strategy(tx, id=first))
    with pytest.raises(InvalidTransition):
        db.write(actor, lambda tx: accept_strategy(tx, id=first))


def test_a_failed_generation_costs_nothing(db: Database, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []

    def consume(_: object, metric: Metric) -> None:
        assert metric is Metric.STRATEGIES_GENERATED
        counted.append(1)

    monkeypatch.setattr(actions_strategies, "consume", consume)
    monkeypatch.setattr(actions_strategies, "give_back", lambda _, __: counted.append(-1))
    id = db.write(actor, generate_strategy)
    assert sum(counted) == 1
    db.write(actor, lambda tx: fail_strategy(tx, id=id, reason="No answer"))
    assert sum(counted) == 0
    found = strategy_of(db, actor, id)
    assert (found.status, found.error) == (StrategyStatus.FAILED, "No answer")
