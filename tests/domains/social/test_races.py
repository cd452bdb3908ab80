"""Threads at the same moment: SQLite has one writer, PostgreSQL lets them really meet."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

import pytest

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError, TooLate
from growbase.domains.social.actions_posts import cancel_post, hold_post
from growbase.domains.social.actions_strategies import accept_strategy, fill_strategy, generate_strategy
from growbase.domains.social.models import AiStrategy, ContentPillar, PieceStatus, StrategyStatus
from growbase.domains.social.models_publishing import PostStatus, ScheduledPost
from growbase.domains.social.publishing import Claim, begin_dispatch, claim_due_post, claim_post, finish_published
from tests.domains.social.factories import (
    SOON,
    WORKER,
    begun,
    make_account,
    make_approved,
    make_post,
    piece_of,
    status_of,
)

ROUNDS = 8


def at_once(steps: Sequence[Callable[[], object]]) -> list[object]:
    """Run steps at the same moment and return their results, an error of ours as a result."""
    barrier = threading.Barrier(len(steps))

    def run(step: Callable[[], object]) -> object:
        barrier.wait(10)
        try:
            return step()
        except GrowbaseError as error:
            return error

    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(run, steps))


@pytest.mark.parametrize("way", ["the scan", "its id"])
def test_one_of_several_workers_claims_a_post(db: Database, actor: Actor, way: str) -> None:
    for _ in range(ROUNDS):
        post_id = db.write(actor, make_post)

        def scan() -> object:
            return db.write(WORKER, lambda tx: claim_due_post(tx, "w"))

        def own(post_id: UUID = post_id) -> object:
            return db.write(actor, lambda tx: claim_post(tx, post_id, "w"))

        found = at_once([scan if way == "the scan" else own] * 4)
        [claim] = [claim for claim in found if claim is not None]
        assert isinstance(claim, Claim)
        assert claim.post_id == post_id


def test_workers_share_out_the_posts_and_never_two_of_an_account(db: Database, actor: Actor) -> None:
    for _ in range(ROUNDS):
        account_id = db.write(actor, make_account)
        mine = {db.write(actor, lambda tx, on=account_id: make_post(tx, account_id=on)) for _ in range(3)}
        others = {db.write(actor, make_post) for _ in range(2)}
        claimed: list[UUID] = []

        def scan(claimed: list[UUID] = claimed) -> None:
            while claim := db.write(WORKER, lambda tx: claim_due_post(tx, "w")):
                claimed.append(claim.post_id)

        at_once([scan] * 4)
        scan()
        assert len(claimed) == len(set(claimed)) == 3
        assert others <= set(claimed)
        for post_id in mine - set(claimed):
            db.write(actor, lambda tx, post_id=post_id: cancel_post(tx, id=post_id))


def test_a_cancel_that_meets_a_claim_wins_or_comes_too_late(db: Database, actor: Actor) -> None:
    outcomes = set()
    for _ in range(ROUNDS * 2):
        post_id = db.write(actor, make_post)

        def cancel(post_id: UUID = post_id) -> object:
            return db.write(actor, lambda tx: cancel_post(tx, id=post_id))

        def claim(post_id: UUID = post_id) -> object:
            return db.write(actor, lambda tx: claim_post(tx, post_id, "w"))

        cancelled, claimed = at_once([cancel, claim])
        if claimed is None:
            assert (cancelled, status_of(db, actor, post_id)) == (post_id, PostStatus.CANCELLED)
        else:
            assert isinstance(cancelled, TooLate)
            assert isinstance(claimed, Claim)
            assert db.write(WORKER, lambda tx, claimed=claimed: begin_dispatch(tx, claimed)) is not None
        outcomes.add(claimed is None)
    assert outcomes


def test_a_double_click_schedules_one_post(db: Database, actor: Actor) -> None:
    at = datetime.now(UTC) + SOON
    for key in ("one", None, "two", None):
        piece_id, account_id = db.write(actor, lambda tx: (make_approved(tx), make_account(tx)))
        same = {"piece_id": piece_id, "account_id": account_id, "scheduled_at": at, "idempotency_key": key}

        def click(same: dict[str, object] = same) -> object:
            return db.write(actor, lambda tx: make_post(tx, **same))

        found = at_once([click] * 4)
        assert len(set(found)) == 1, found
        with db.read(actor) as reads:
            assert reads.count(ScheduledPost, content_piece_id=piece_id) == 1


def test_of_strategies_accepted_at_once_one_is_active(db: Database, actor: Actor) -> None:
    for _ in range(3):
        ids = [db.write(actor, generate_strategy) for _ in range(4)]
        for place, id in enumerate(ids):
            pillars = [{"name": "Shared"}, {"name": f"Own {place}"}]
            db.write(actor, lambda tx, id=id, pillars=pillars: fill_strategy(tx, id=id, content_pillars=pillars))

        def accept(id: UUID) -> Callable[[], object]:
            return lambda: db.write(actor, lambda tx: accept_strategy(tx, id=id))

        found = at_once([accept(id) for id in ids])
        assert found == ids
        with db.read(actor) as reads:
            [active] = reads.rows(AiStrategy, status=StrategyStatus.ACTIVE)
            others = reads.rows(AiStrategy, id=[id for id in ids if id != active.id])
            assert {other.status for other in others} == {StrategyStatus.ARCHIVED}
            shown = reads.rows(ContentPillar, is_active=True, order="sort_order")
        assert {pillar.strategy_id for pillar in shown} == {active.id}
        assert len(shown) == 2


def test_strategies_asked_for_at_once_have_different_numbers(db: Database, actor: Actor) -> None:
    at_once([lambda: db.write(actor, generate_strategy)] * 5)
    with db.read(actor) as reads:
        assert [found.version_number for found in reads.rows(AiStrategy, order="version_number")] == [1, 2, 3, 4, 5]


def test_posts_of_a_piece_that_end_at_once_leave_it_right(db: Database, actor: Actor) -> None:
    for _ in range(ROUNDS):
        piece_id = db.write(actor, make_approved)
        ids = [db.write(actor, lambda tx, piece_id=piece_id: make_post(tx, piece_id=piece_id)) for _ in range(4)]
        claims = [begun(db, actor, post_id) for post_id in ids[:2]]

        def publish(claim: Claim) -> Callable[[], object]:
            seen = {"platform_post_id": str(claim.post_id)}
            return lambda: db.write(WORKER, lambda tx: finish_published(tx, claim, **seen))

        def cancel(post_id: UUID) -> Callable[[], object]:
            return lambda: db.write(actor, lambda tx: cancel_post(tx, id=post_id))

        def hold(post_id: UUID) -> Callable[[], object]:
            return lambda: db.write(actor, lambda tx: hold_post(tx, id=post_id))

        at_once([*map(publish, claims), cancel(ids[2]), hold(ids[3])])
        assert piece_of(db, actor, piece_id).status is PieceStatus.PARTIALLY_PUBLISHED
        db.write(actor, lambda tx, id=ids[3]: cancel_post(tx, id=id))
        assert piece_of(db, actor, piece_id).status is PieceStatus.PUBLISHED
