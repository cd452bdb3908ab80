"""Whatever happens to posts, and in whatever order, the piece's status is what its posts say."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError
from growbase.core.transaction import Transaction
from growbase.domains.social.actions_accounts import disconnect_account
from growbase.domains.social.actions_pieces import approve_piece, submit_piece, update_piece
from growbase.domains.social.actions_posts import (
    cancel_post,
    hold_post,
    publish_now,
    release_post,
    reschedule_post,
    resolve_post,
)
from growbase.domains.social.models import ContentPiece, PieceStatus
from growbase.domains.social.models_publishing import AccountStatus, PostStatus, ScheduledPost, SocialAccount
from growbase.domains.social.publishing import (
    Claim,
    ErrorClass,
    begin_dispatch,
    claim_post,
    finish_published,
    finish_rejected,
    finish_unknown,
    mark_missed,
    reap_expired,
)
from growbase.domains.social.states import POST, status_from_posts
from tests.domains.social.factories import WORKER, make_account, make_approved, make_post, piece_of

P, S = PostStatus, PieceStatus


@pytest.mark.parametrize(
    ("posts", "expected"),
    [
        ([], S.APPROVED),
        ([P.DRAFT, P.CANCELLED], S.APPROVED),
        ([P.SCHEDULED], S.SCHEDULED),
        ([P.ON_HOLD, P.CANCELLED], S.SCHEDULED),
        ([P.UNCONFIRMED, P.FAILED], S.SCHEDULED),
        ([P.PUBLISHED], S.PUBLISHED),
        ([P.PUBLISHED, P.CANCELLED, P.DRAFT], S.PUBLISHED),
        ([P.PUBLISHED, P.FAILED], S.PARTIALLY_PUBLISHED),
        ([P.PUBLISHED, P.RETRYING], S.PARTIALLY_PUBLISHED),
        ([P.PUBLISHED, P.MISSED], S.PARTIALLY_PUBLISHED),
        ([P.FAILED, P.CANCELLED], S.FAILED),
        ([P.MISSED], S.FAILED),
    ],
)
def test_the_status_of_a_piece_is_what_its_posts_say(posts: list[PostStatus], expected: PieceStatus) -> None:
    assert status_from_posts([(status, "words") for status in posts], "words") is expected


def test_a_failure_with_earlier_words_says_nothing() -> None:
    assert status_from_posts([(P.FAILED, "old")], "new") is S.APPROVED
    assert status_from_posts([(P.FAILED, "old"), (P.PUBLISHED, "new")], "new") is S.PUBLISHED


def expected_status(statuses: list[PostStatus]) -> PieceStatus:
    """Say the rule in other words than the program does: by counting."""
    told = [status for status in statuses if status not in {P.DRAFT, P.CANCELLED}]
    published = told.count(P.PUBLISHED)
    ended = published + told.count(P.FAILED) + told.count(P.MISSED)
    if not told:
        return S.APPROVED
    if published == len(told):
        return S.PUBLISHED
    if published:
        return S.PARTIALLY_PUBLISHED
    return S.FAILED if ended == len(told) else S.SCHEDULED


CONNECTED = {"access_token": "new", "status": AccountStatus.ACTIVE}


def refuse(tx: Transaction, claim: Claim, kind: ErrorClass) -> None:
    finish_rejected(tx, claim, error_class=kind, code="x", message="No")


class World:
    """One piece on three accounts, and what may happen to its posts."""

    def __init__(self, db: Database, actor: Actor) -> None:
        self.db, self.actor = db, actor
        self.piece_id = db.write(actor, make_approved)
        self.accounts = [db.write(actor, make_account) for _ in range(3)]
        self.posts: list[UUID] = [self.schedule(account_id) for account_id in self.accounts]
        self.claims: dict[int, Claim] = {}

    def schedule(self, account_id: UUID) -> UUID:
        """Schedule the piece on an account, now."""
        made = {"piece_id": self.piece_id, "account_id": account_id}
        return self.db.write(self.actor, lambda tx: make_post(tx, **made))

    def happens(self, event: str, which: int) -> None:
        """Let something happen to one of the posts."""
        post_id, claim = self.posts[which], self.claims.get(which)
        person: dict[str, Callable[[Transaction], object]] = {
            "cancel": lambda tx: cancel_post(tx, id=post_id),
            "hold": lambda tx: hold_post(tx, id=post_id),
            "release": lambda tx: release_post(tx, id=post_id),
            "reschedule": lambda tx: reschedule_post(tx, id=post_id, scheduled_at=tx.now),
            "publish_now": lambda tx: publish_now(tx, id=post_id),
            "found": lambda tx: resolve_post(tx, id=post_id, outcome="published"),
            "not_found": lambda tx: resolve_post(tx, id=post_id, outcome="not_published"),
            "disconnect": lambda tx: disconnect_account(tx, id=self.accounts[which], queued="hold"),
            "connect": lambda tx: tx.update(SocialAccount, self.accounts[which], CONNECTED),
            "transition": lambda tx: tx.transition(ScheduledPost, post_id, PostStatus.ON_HOLD),
            "edit": lambda tx: update_piece(tx, id=self.piece_id, changes={"body": f"Words {tx.now}"}),
            "approve": lambda tx: (submit_piece(tx, id=self.piece_id), approve_piece(tx, id=self.piece_id)),
        }
        if event in person:
            self.db.write(self.actor, person[event])
        elif event == "claim":
            found = self.db.write(self.actor, lambda tx: claim_post(tx, post_id, "w"))
            self.claims |= {which: found} if found else {}
        elif event in {"late", "died"}:
            column = "next_attempt_at" if event == "late" else "lease_until"
            self.age(post_id, column)
            self.db.write(WORKER, mark_missed if event == "late" else reap_expired)
        elif claim is not None:
            worker: dict[str, Callable[[Transaction], object]] = {
                "begin": lambda tx: begin_dispatch(tx, claim),
                "published": lambda tx: finish_published(tx, claim, platform_post_id=str(post_id)),
                "unknown": lambda tx: finish_unknown(tx, claim, message="?"),
                "transient": lambda tx: refuse(tx, claim, ErrorClass.TRANSIENT),
                "permanent": lambda tx: refuse(tx, claim, ErrorClass.PERMANENT),
            }
            self.db.write(WORKER, worker[event])

    def age(self, post_id: UUID, column: str) -> None:
        """Set a moment of a post two hours back."""
        with self.db.read(self.actor) as reads:
            post = reads.get(ScheduledPost, post_id)
        if getattr(post, column) is not None:
            past = {column: datetime.now(UTC) - timedelta(hours=2)}
            self.db.write(self.actor, lambda tx: tx.update(ScheduledPost, post_id, past))

    def statuses(self) -> list[PostStatus]:
        """Return the status of each post."""
        with self.db.read(self.actor) as reads:
            return [reads.get(ScheduledPost, post_id).status for post_id in self.posts]

    def holds(self, before: list[PostStatus]) -> None:
        """Check what must hold after every event."""
        after = self.statuses()
        for old, new in zip(before, after, strict=True):
            # One event may take two steps, never another way than the table's.
            ways = {old, *POST.get(old, ()), *(far for near in POST.get(old, ()) for far in POST.get(near, ()))}
            assert new in ways, (old, new)
            assert old not in {P.PUBLISHED, P.CANCELLED} or new is old
        piece = piece_of(self.db, self.actor, self.piece_id)
        if piece.status in {S.DRAFT, S.PENDING_REVIEW}:
            assert not {P.SCHEDULED, P.RETRYING, P.CLAIMED, P.DISPATCHING, P.PUBLISHED} & set(after)
            return
        with self.db.read(self.actor) as reads:
            rows = [reads.get(ScheduledPost, post_id) for post_id in self.posts]
        failed = {P.FAILED, P.MISSED}
        told = [row.status for row in rows if row.status not in failed or row.payload_hash == piece.body_hash]
        assert piece.status is expected_status(told), (after, piece.status)


EVENTS = [
    *("cancel", "hold", "release", "reschedule", "publish_now", "found", "not_found", "disconnect", "connect"),
    "transition",
    *("edit", "approve", "late", "died"),
    *("claim", "claim", "begin", "begin", "published", "published", "unknown", "transient", "permanent"),
]


@given(events=st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 2)), max_size=25))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sequence_of_events_leaves_the_piece_right(
    db: Database, actor: Actor, tmp_path: Path, events: list[tuple[str, int]]
) -> None:
    world = World(db, actor)
    world.holds(world.statuses())
    for event, which in events:
        before = world.statuses()
        try:
            world.happens(event, which)
        except GrowbaseError:
            assert world.statuses() == before, event
        world.holds(before)


def test_an_archived_piece_stays_so(db: Database, actor: Actor) -> None:
    piece_id = db.write(actor, make_approved)
    post_id = db.write(actor, lambda tx: make_post(tx, piece_id=piece_id, draft=True))
    db.write(actor, lambda tx: tx.transition(ContentPiece, piece_id, S.ARCHIVED))
    db.write(actor, lambda tx: cancel_post(tx, id=post_id))
    assert piece_of(db, actor, piece_id).status is S.ARCHIVED
