"""Strategies: asking for one, filling it in, accepting it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from growbase.core import clock
from growbase.core.errors import Conflict
from growbase.core.facts import hold
from growbase.core.folding import fold
from growbase.core.model import Root
from growbase.core.transaction import Transaction
from growbase.domains.identity.usage import Metric, consume, give_back
from growbase.domains.social.models import AiStrategy, ContentPillar, StrategyStatus

QUEUE = "strategy_generation"
PARTS = (
    "positioning",
    "audience_segments",
    "content_pillars",
    "channel_plan",
    "cadence",
    "calendar_skeleton",
)


def generate_strategy(tx: Transaction, *, notes: str | None = None) -> UUID:
    """Ask for a new strategy: its row is there at once, a model fills it in later. Raises LimitExceeded."""
    identity = clock.new_id()
    payload = {"strategy_id": str(identity), "notes": notes}
    job_id = tx.enqueue("generate_strategy", payload, queue=QUEUE, max_attempts=2)
    return begin_strategy(tx, id=identity, job_id=job_id)


def begin_strategy(tx: Transaction, *, id: UUID, job_id: UUID | None = None) -> UUID:
    """Begin a strategy that somebody fills in, under the next number. Raises LimitExceeded."""
    consume(tx, Metric.STRATEGIES_GENERATED)
    hold(tx, "strategies")
    newest = tx.rows(AiStrategy, order="-version_number", limit=1)
    active = tx.find(AiStrategy, status=StrategyStatus.ACTIVE)
    number = newest[0].version_number + 1 if newest else 1
    supersedes_id = active.id if active else None
    return tx.insert(AiStrategy, id=id, version_number=number, supersedes_id=supersedes_id, job_id=job_id)


def fill_strategy(tx: Transaction, *, id: UUID, **parts: Any) -> None:  # noqa: ANN401 -- columns
    """Propose what a model wrote; its words then stay. Raises Conflict unless it is being generated."""
    strategy = _generating(tx, id)
    tx.change(strategy, {**parts, "status": StrategyStatus.PROPOSED, "error": None}, action="transition")


def fail_strategy(tx: Transaction, *, id: UUID, reason: str) -> None:
    """Note that a strategy could not be generated, which costs the plan nothing."""
    strategy = _generating(tx, id)
    give_back(tx, Metric.STRATEGIES_GENERATED)
    tx.change(strategy, {"status": StrategyStatus.FAILED, "error": reason[:2_000]}, action="transition")


def accept_strategy(tx: Transaction, *, id: UUID) -> UUID:
    """Make a proposed strategy the active one: the one before is archived, its pillars become the organization's."""
    tx.transition(AiStrategy, id, StrategyStatus.ACTIVE)
    return id


def reject_strategy(tx: Transaction, *, id: UUID) -> UUID:
    """Turn a proposed strategy down."""
    tx.transition(AiStrategy, id, StrategyStatus.REJECTED)
    return id


def guard_strategy(tx: Transaction, row: Root, to: StrategyStatus) -> dict[str, object]:
    """Archive the active strategy and set up the pillars of the one that takes its place."""
    assert isinstance(row, AiStrategy)
    if to != StrategyStatus.ACTIVE:
        return {}
    # Two that are accepted at once come one after the other, so that one is left active.
    hold(tx, "strategies")
    before = tx.find(AiStrategy, lock=True, status=StrategyStatus.ACTIVE)
    if before is not None:
        tx.change(before, {"status": StrategyStatus.ARCHIVED}, action="transition")
    _set_pillars(tx, row, before)
    return {"accepted_at": tx.now, "accepted_by": tx.actor.id}


def _generating(tx: Transaction, id: UUID) -> AiStrategy:
    strategy = tx.get(AiStrategy, id, lock=True)
    if strategy.status is not StrategyStatus.GENERATING:
        raise Conflict("The strategy is {status}: what it says is settled.", status=strategy.status)
    return strategy


def _set_pillars(tx: Transaction, strategy: AiStrategy, before: AiStrategy | None) -> None:
    """Make the strategy's pillars the active ones; a pillar of that name is kept, with its pieces."""
    live = {fold(pillar.name): pillar for pillar in tx.rows(ContentPillar, lock=True)}
    for place, found in enumerate(_pillars(strategy)):
        known = live.pop(fold(found["name"]), None)
        if known is not None:
            tx.change(known, {**found, "name": known.name, "is_active": True, "strategy_id": strategy.id})
        else:
            tx.insert(ContentPillar, **found, sort_order=place, strategy_id=strategy.id)
    for pillar in live.values():
        # What a person has added stays; what the old strategy brought goes with it.
        if before is not None and pillar.strategy_id == before.id:
            tx.change(pillar, {"is_active": False})


def _pillars(strategy: AiStrategy) -> list[dict[str, Any]]:
    """Return the pillars a strategy names, each name once."""
    found: dict[str, dict[str, Any]] = {}
    for item in strategy.content_pillars:
        given: Mapping[str, Any] = item if isinstance(item, Mapping) else {"name": item}
        name = str(given.get("name") or "").strip()[:200]
        if name:
            limits = {"description": 20_000, "color": 30, "emoji": 20}
            texts = {key: str(given[key])[:limit] for key, limit in limits.items() if given.get(key)}
            found.setdefault(fold(name), {"name": name, **texts})
    return list(found.values())
