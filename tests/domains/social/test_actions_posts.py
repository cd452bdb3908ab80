from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from growbase.core.actor import Actor
from growbase.core.clock import new_id
from growbase.core.database import Database
from growbase.core.errors import (
    Conflict,
    ForeignKey,
    GrowbaseError,
    IdempotencyMismatch,
    Invalid,
    InvalidTransition,
    NotUnique,
    Stale,
    TooLate,
)
from growbase.core.transaction import Transaction
from growbase.domains.social.actions_posts import (
    cancel_post,
    hold_post,
    publish_now,
    release_post,
    reschedule_post,
    resolve_post,
    schedule_piece,
)
from growbase.domains.social.models import PieceStatus
from growbase.domains.social.models_publishing import AccountStatus, PostStatus, ScheduledPost, SocialAccount
from growbase.domains.social.publishing import ErrorClass, claim_due_post, claim_post, finish_rejected, finish_unknown
from tests.domains.social.factories import (
    SOON,
    WORKER,
    begun,
    claim_of,
    make_account,
    make_approved,
    make_piece,
    make_post,
    piece_of,
    post_of,
    publish,
    status_of,
)


def failed(db: Database, actor: Actor, post_id: UUID) -> None:
    claim = begun(db, actor, post_id)
    wrong: dict[str, Any] = {"error_class": ErrorClass.PERMANENT, "code": "too_long", "message": "Too long"}
    db.write(WORKER, lambda tx: finish_rejected(tx, claim, **wrong))


def unconfirmed(db: Database, actor: Actor, post_id: UUID) -> None:
    claim = begun(db, actor, post_id)
    db.write(WORKER, lambda tx: finish_unknown(tx, claim, message="timeout"))


def retrying(db: Database, actor: Actor, post_id: UUID) -> None:
    claim = begun(db, actor, post_id)
    busy: dict[str, Any] = {"error_class": ErrorClass.TRANSIENT, "code": "busy", "message": "Busy"}
    db.write(WORKER, lambda tx: finish_rejected(tx, claim, **busy))


def test_the_same_call_again_returns_the_same_post(db: Database, actor: Actor) -> None:
    piece_id, account_id = db.write(actor, lambda tx: (make_approved(tx), make_account(tx)))
    at = datetime.now(UTC) + SOON
    same = {"piece_id": piece_id, "account_id": account_id, "scheduled_at": at}
    first = db.write(actor, lambda tx: make_post(tx, **same))
    assert db.write(actor, lambda tx: make_post(tx, **same)) == first
    named = db.write(actor, lambda tx: make_post(tx, idempotency_key="k", **same | {"scheduled_at": at + SOON}))
    assert db.write(actor, lambda tx: make_post(tx, idempotency_key="k", **same)) == named != first
    with pytest.raises(IdempotencyMismatch):
        db.write(actor, lambda tx: make_post(tx, idempotency_key="k", scheduled_at=at))
    with pytest.raises(NotUnique):
        db.write(actor, lambda tx: make_post(tx, idempotency_key="other", **same))
    other = db.write(actor, lambda tx: make_post(tx, **same | {"scheduled_at": at + timedelta(minutes=2)}))
    assert other not in {first, named}


def test_a_post_that_was_cancelled_or_moved_is_no_answer_to_a_new_call(db: Database, actor: Actor) -> None:
    piece_id, account_id = db.write(actor, lambda tx: (make_approved(tx), make_account(tx)))
    same = {"piece_id": piece_id, "account_id": account_id, "scheduled_at": datetime.now(UTC) + SOON}
    made = []
    for end in (
        lambda tx, id: cancel_post(tx, id=id),
        lambda tx, id: reschedule_post(tx, id=id, scheduled_at=tx.now + 3 * SOON),
        lambda tx, id: cancel_post(tx, id=id),
    ):
        made.append(db.write(actor, lambda tx: make_post(tx, **same)))
        assert db.write(actor, lambda tx: make_post(tx, **same)) == made[-1]
        db.write(actor, lambda tx, end=end: end(tx, made[-1]))
    assert len(set(made)) == 3


def test_a_post_needs_what_it_is_made_of(db: Database, actor: Actor) -> None:
    def refused(error: type[GrowbaseError], **over: Any) -> None:  # noqa: ANN401 -- arguments of make_post
        with pytest.raises(error):
            db.write(actor, lambda tx: make_post(tx, **over))

    draft = db.write(actor, make_piece)
    refused(Conflict, piece_id=draft)
    refused(ForeignKey, account_id=new_id())
    refused(Invalid, at=timedelta(minutes=-61))
    refused(Invalid, account_id=db.write(actor, lambda tx: make_account(tx, platform="bluesky")))
    refused(Conflict, account_id=db.write(actor, lambda tx: make_account(tx, access_token=None)))
    expiring = db.write(actor, lambda tx: make_approved(tx, expires_at=tx.now + SOON))
    refused(Invalid, piece_id=expiring, at=2 * SOON)
    db.write(actor, lambda tx: make_post(tx, piece_id=expiring, at=timedelta(minutes=-59)))
    short = db.write(actor, lambda tx: make_approved(tx, platform="youtube_shorts"))
    on = db.write(actor, lambda tx: make_account(tx, platform="youtube"))
    db.write(actor, lambda tx: make_post(tx, piece_id=short, account_id=on, at=SOON))


def test_what_is_planned_only_is_queued_when_it_is_released(db: Database, actor: Actor) -> None:
    piece_id = db.write(actor, make_piece)
    post_id = db.write(actor, lambda tx: make_post(tx, piece_id=piece_id, draft=True))
    assert (status_of(db, actor, post_id), post_of(db, actor, post_id).timezone) == (PostStatus.DRAFT, "UTC")
    assert db.write(WORKER, lambda tx: claim_due_post(tx, "w")) is None
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: release_post(tx, id=post_id))
    approved = db.write(actor, make_approved)
    post_id = db.write(actor, lambda tx: make_post(tx, piece_id=approved, draft=True))
    assert piece_of(db, actor, approved).status is PieceStatus.APPROVED
    db.write(actor, lambda tx: release_post(tx, id=post_id))
    assert piece_of(db, actor, approved).status is PieceStatus.SCHEDULED


def test_what_was_planned_only_is_queued_when_it_is_scheduled_again(db: Database, actor: Actor) -> None:
    piece_id, account_id = db.write(actor, lambda tx: (make_approved(tx), make_account(tx)))
    same = {"piece_id": piece_id, "account_id": account_id, "scheduled_at": datetime.now(UTC) + SOON}
    planned = db.write(actor, lambda tx: make_post(tx, draft=True, **same))
    assert db.write(actor, lambda tx: make_post(tx, **same)) == planned
    assert status_of(db, actor, planned) is PostStatus.SCHEDULED
    assert db.write(actor, lambda tx: make_post(tx, draft=True, **same)) == planned
    assert status_of(db, actor, planned) is PostStatus.SCHEDULED


Step = Callable[[Transaction, UUID], object]
VERBS: dict[str, Step] = {
    "cancel": lambda tx, id: cancel_post(tx, id=id),
    "hold": lambda tx, id: hold_post(tx, id=id),
    "release": lambda tx, id: release_post(tx, id=id),
    "reschedule": lambda tx, id: reschedule_post(tx, id=id, scheduled_at=tx.now + SOON),
    "publish_now": lambda tx, id: publish_now(tx, id=id),
    "published": lambda tx, id: resolve_post(tx, id=id, outcome="published"),
    "not_published": lambda tx, id: resolve_post(tx, id=id, outcome="not_published"),
}
LATE, WRONG, CONFLICT = TooLate, InvalidTransition, Conflict
SENT_TABLE: dict[str, PostStatus | type[Exception]] = {
    **dict.fromkeys(("cancel", "hold", "release", "reschedule", "publish_now"), LATE),
    **dict.fromkeys(("published", "not_published"), CONFLICT),
}
TABLE: dict[str, dict[str, PostStatus | type[Exception]]] = {
    "scheduled": {
        "cancel": PostStatus.CANCELLED,
        "hold": PostStatus.ON_HOLD,
        "release": WRONG,
        "reschedule": PostStatus.SCHEDULED,
        "publish_now": PostStatus.SCHEDULED,
        "published": CONFLICT,
        "not_published": CONFLICT,
    },
    "on_hold": {
        "cancel": PostStatus.CANCELLED,
        "hold": PostStatus.ON_HOLD,
        "release": PostStatus.SCHEDULED,
        "reschedule": PostStatus.ON_HOLD,
        "publish_now": PostStatus.SCHEDULED,
        "published": CONFLICT,
        "not_published": CONFLICT,
    },
    "retrying": {
        "cancel": PostStatus.CANCELLED,
        "hold": PostStatus.ON_HOLD,
        "release": WRONG,
        "reschedule": PostStatus.RETRYING,
        "publish_now": PostStatus.RETRYING,
        "published": CONFLICT,
        "not_published": CONFLICT,
    },
    "failed": {
        "cancel": WRONG,
        "hold": WRONG,
        "release": WRONG,
        "reschedule": PostStatus.SCHEDULED,
        "publish_now": PostStatus.SCHEDULED,
        "published": CONFLICT,
        "not_published": CONFLICT,
    },
    "cancelled": {
        "cancel": PostStatus.CANCELLED,
        "hold": WRONG,
        "release": WRONG,
        "reschedule": WRONG,
        "publish_now": WRONG,
        "published": CONFLICT,
        "not_published": CONFLICT,
    },
    "claimed": SENT_TABLE,
    "dispatching": SENT_TABLE,
    "published": SENT_TABLE,
    "unconfirmed": {
        **SENT_TABLE,
        "published": PostStatus.PUBLISHED,
        "not_published": PostStatus.RETRYING,
    },
}


def bring(db: Database, actor: Actor, state: str) -> UUID:
    """Return a new post in a state."""
    post_id = db.write(actor, make_post)
    ways: dict[str, Callable[[Database, Actor, UUID], object]] = {
        "claimed": claim_of,
        "dispatching": begun,
        "published": publish,
        "failed": failed,
        "unconfirmed": unconfirmed,
        "retrying": retrying,
    }
    if state in ways:
        ways[state](db, actor, post_id)
    elif state != "scheduled":
        db.write(actor, lambda tx: VERBS["hold" if state == "on_hold" else "cancel"](tx, post_id))
    assert status_of(db, actor, post_id) == state
    return post_id


@pytest.mark.parametrize("state", TABLE)
def test_every_verb_in_every_state(db: Database, actor: Actor, state: str) -> None:
    for name, expected in TABLE[state].items():
        post_id = bring(db, actor, state)
        if isinstance(expected, PostStatus):
            db.write(actor, lambda tx, name=name, post_id=post_id: VERBS[name](tx, post_id))
            assert status_of(db, actor, post_id) is expected, (state, name)
        else:
            with pytest.raises(expected):
                db.write(actor, lambda tx, name=name, post_id=post_id: VERBS[name](tx, post_id))
            assert status_of(db, actor, post_id) == state, (state, name)


ROUTE: dict[str, set[str]] = {
    "scheduled": {"on_hold", "cancelled"},
    "on_hold": {"scheduled", "cancelled"},
    "retrying": {"on_hold", "cancelled"},
    "failed": {"scheduled"},
    "cancelled": set(),
    "claimed": set(),
    "dispatching": set(),
    "published": set(),
    "unconfirmed": set(),
}


@pytest.mark.parametrize("state", ROUTE)
def test_the_general_transition_does_only_what_a_person_may(db: Database, actor: Actor, state: str) -> None:
    post_id = bring(db, actor, state)
    for to in set(PostStatus) - {PostStatus(state)} - {PostStatus(name) for name in ROUTE[state]}:
        with pytest.raises(InvalidTransition):
            db.write(actor, lambda tx, to=to: tx.transition(ScheduledPost, post_id, to))
    for name in ROUTE[state]:
        post_id = bring(db, actor, state)
        db.write(actor, lambda tx, name=name, post_id=post_id: tx.transition(ScheduledPost, post_id, PostStatus(name)))
        found = post_of(db, actor, post_id)
        assert (found.status == name, found.next_attempt_at is not None) == (True, name == "scheduled")
        status = piece_of(db, actor, found.content_piece_id).status
        assert status is (PieceStatus.APPROVED if name == "cancelled" else PieceStatus.SCHEDULED)


def test_a_new_time_is_checked_and_needs_the_version_it_is_based_on(db: Database, actor: Actor) -> None:
    post_id = db.write(actor, lambda tx: make_post(tx, at=SOON))
    at = datetime.now(UTC) + 5 * SOON
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: reschedule_post(tx, id=post_id, scheduled_at=at - timedelta(days=2)))
    with pytest.raises(Stale):
        db.write(actor, lambda tx: reschedule_post(tx, id=post_id, scheduled_at=at, version=7))
    db.write(actor, lambda tx: reschedule_post(tx, id=post_id, scheduled_at=at, version=1, timezone="Europe/Paris"))
    found = post_of(db, actor, post_id)
    assert (found.scheduled_at, found.next_attempt_at, found.timezone) == (at, at, "Europe/Paris")


def test_a_failed_post_starts_again_with_all_its_attempts(db: Database, actor: Actor) -> None:
    post_id = bring(db, actor, "failed")
    piece_id = post_of(db, actor, post_id).content_piece_id
    assert piece_of(db, actor, piece_id).status is PieceStatus.FAILED
    db.write(actor, lambda tx: reschedule_post(tx, id=post_id, scheduled_at=tx.now))
    found = post_of(db, actor, post_id)
    assert (found.attempt_count, found.last_error) == (0, None)
    assert piece_of(db, actor, piece_id).status is PieceStatus.SCHEDULED
    publish(db, actor, post_id)


def test_a_post_on_hold_too_long_needs_a_new_time(db: Database, actor: Actor) -> None:
    post_id = bring(db, actor, "on_hold")
    past = datetime.now(UTC) - timedelta(hours=2)
    db.write(actor, lambda tx: tx.update(ScheduledPost, post_id, {"scheduled_at": past}))
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: release_post(tx, id=post_id))
    db.write(actor, lambda tx: publish_now(tx, id=post_id))
    assert db.write(actor, lambda tx: claim_post(tx, post_id, "w")) is not None


def test_a_person_says_what_became_of_an_unconfirmed_post(db: Database, actor: Actor) -> None:
    post_id = bring(db, actor, "unconfirmed")
    at = post_of(db, actor, post_id).last_attempt_at
    found = {"outcome": "published", "platform_post_id": "42", "platform_url": "https://example.com/42"}
    db.write(actor, lambda tx: resolve_post(tx, id=post_id, **found))
    row = post_of(db, actor, post_id)
    assert (row.platform_post_id, row.platform_url, row.published_at) == ("42", "https://example.com/42", at)
    assert piece_of(db, actor, row.content_piece_id).status is PieceStatus.PUBLISHED
    late = bring(db, actor, "unconfirmed")
    past = datetime.now(UTC) - timedelta(hours=2)
    db.write(actor, lambda tx: tx.update(ScheduledPost, late, {"scheduled_at": past}))
    db.write(actor, lambda tx: resolve_post(tx, id=late, outcome="not_published"))
    assert status_of(db, actor, late) is PostStatus.FAILED


def test_a_post_of_a_disabled_account_is_not_queued(db: Database, actor: Actor) -> None:
    post_id = bring(db, actor, "on_hold")
    account_id = post_of(db, actor, post_id).social_account_id
    db.write(actor, lambda tx: tx.transition(SocialAccount, account_id, AccountStatus.DISABLED))
    for verb in ("release", "publish_now"):
        with pytest.raises(Conflict, match="account"):
            db.write(actor, lambda tx, verb=verb: VERBS[verb](tx, post_id))


def test_the_answer_of_schedule_is_the_post_as_the_api_shows_it(db: Database, actor: Actor) -> None:
    piece_id, account_id = db.write(actor, lambda tx: (make_approved(tx), make_account(tx)))
    at = datetime(2040, 1, 1, tzinfo=UTC)
    when: dict[str, Any] = {"social_account_id": account_id, "scheduled_at": at, "timezone": "Asia/Tokyo"}
    row = db.write(actor, lambda tx: schedule_piece(tx, id=piece_id, **when))
    assert row["scheduled_at"] == "2040-01-01T00:00:00.000000Z"
    assert (row["status"], row["timezone"], row["version"]) == ("scheduled", "Asia/Tokyo", 1)
    assert "claim_token" not in row
