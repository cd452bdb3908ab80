from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import LimitExceeded
from growbase.domains.identity.usage import Metric
from growbase.domains.social import actions_posts, publishing
from growbase.domains.social.actions_posts import cancel_post, publish_now
from growbase.domains.social.models import PieceStatus
from growbase.domains.social.models_publishing import (
    AccountStatus,
    AttemptPhase,
    PostStatus,
    PublishAttempt,
    ScheduledPost,
    SocialAccount,
)
from growbase.domains.social.publishing import (
    Claim,
    ErrorClass,
    StaleClaim,
    begin_dispatch,
    claim_due_post,
    claim_post,
    finish_published,
    finish_rejected,
    finish_unknown,
    mark_missed,
    reap_expired,
    reconcile,
    release_claim,
)
from growbase.domains.social.tasks import expired_claims, missed_posts
from tests.domains.social.factories import (
    SOON,
    WORKER,
    begun,
    claim_of,
    make_account,
    make_approved,
    make_post,
    piece_of,
    post_of,
    publish,
    status_of,
)
from tests.fixtures import Tenant

PAST = timedelta(hours=2)


def set_post(db: Database, actor: Actor, post_id: UUID, **values: object) -> None:
    db.write(actor, lambda tx: tx.update(ScheduledPost, post_id, values))


def attempts(db: Database, actor: Actor, post_id: UUID) -> list[PublishAttempt]:
    with db.read(actor) as reads:
        return reads.rows(PublishAttempt, scheduled_post_id=post_id, order="attempt_no")


def reject(db: Database, claim: Claim, kind: ErrorClass = ErrorClass.TRANSIENT, **over: Any) -> None:  # noqa: ANN401
    values = {"error_class": kind, "code": "nope", "message": "No", **over}
    db.write(WORKER, lambda tx: finish_rejected(tx, claim, **values))


def test_a_post_goes_from_the_queue_to_the_platform(db: Database, actor: Actor) -> None:
    post_id = db.write(actor, make_post)
    claim = db.write(WORKER, lambda tx: claim_due_post(tx, "w1"))
    assert claim is not None
    assert (claim.post_id, claim.organization_id) == (post_id, actor.organization_id)
    assert status_of(db, actor, post_id) is PostStatus.CLAIMED
    dispatch = db.write(WORKER, lambda tx: begin_dispatch(tx, claim))
    assert dispatch is not None
    found = post_of(db, actor, post_id)
    piece = piece_of(db, actor, found.content_piece_id)
    assert dispatch.payload == found.payload_snapshot
    assert (dispatch.payload["body"], dispatch.payload["platform"], dispatch.attempt_no) == (piece.body, "mastodon", 1)
    assert piece.body not in repr(dispatch)
    seen = {"platform_post_id": "99", "platform_url": "https://example.com/99", "http_status": 200}
    db.write(WORKER, lambda tx: finish_published(tx, claim, **seen))
    found = post_of(db, actor, post_id)
    assert (found.status, found.platform_post_id, found.claim_token) == (PostStatus.PUBLISHED, "99", None)
    assert found.published_at is not None
    [attempt] = attempts(db, actor, post_id)
    assert (attempt.phase, attempt.http_status, attempt.worker_id) == (AttemptPhase.SUCCEEDED, 200, "w1")
    assert piece_of(db, actor, found.content_piece_id).status is PieceStatus.PUBLISHED
    assert db.write(WORKER, lambda tx: claim_due_post(tx, "w1")) is None


def test_only_what_is_due_and_may_be_published_is_claimed(db: Database, actor: Actor) -> None:
    later = db.write(actor, lambda tx: make_post(tx, at=SOON))
    gone = db.write(actor, make_post)
    db.write(actor, lambda tx: cancel_post(tx, id=gone))
    disabled = db.write(actor, make_post)
    account_id = post_of(db, actor, disabled).social_account_id
    db.write(actor, lambda tx: tx.transition(SocialAccount, account_id, AccountStatus.DISABLED))
    assert db.write(WORKER, lambda tx: claim_due_post(tx, "w")) is None
    for post_id in (later, gone, disabled):
        assert db.write(actor, lambda tx, post_id=post_id: claim_post(tx, post_id, "w")) is None
    db.write(actor, lambda tx: publish_now(tx, id=later))
    assert db.write(WORKER, lambda tx: claim_due_post(tx, "w")) is not None


def test_posts_of_one_account_go_one_after_the_other(db: Database, actor: Actor) -> None:
    account_id = db.write(actor, make_account)
    first, second = (db.write(actor, lambda tx: make_post(tx, account_id=account_id)) for _ in range(2))
    other = db.write(actor, make_post)
    claims = [db.write(WORKER, lambda tx: claim_due_post(tx, "w")) for _ in range(3)]
    assert [claim and claim.post_id for claim in claims] == [first, other, None]
    assert db.write(actor, lambda tx: claim_post(tx, second, "w")) is None
    assert claims[0] is not None
    db.write(WORKER, lambda tx: release_claim(tx, claims[0]))
    assert status_of(db, actor, first) is PostStatus.SCHEDULED
    claim_of(db, actor, second)


def test_the_longest_waiting_of_all_organizations_comes_first(
    db: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    ids = [db.write(who.owner, make_post) for who in (tenant, other_tenant, tenant)]
    set_post(db, other_tenant.owner, ids[1], next_attempt_at=datetime.now(UTC) - timedelta(minutes=5))
    claims = [db.write(WORKER, lambda tx: claim_due_post(tx, "w")) for _ in range(3)]
    assert [claim and claim.post_id for claim in claims] == [ids[1], ids[0], ids[2]]
    assert db.write(tenant.owner, lambda tx: claim_post(tx, ids[1], "w")) is None


@pytest.mark.parametrize(
    ("kind", "statuses"),
    [
        (ErrorClass.TRANSIENT, [PostStatus.RETRYING, PostStatus.RETRYING, PostStatus.FAILED]),
        (ErrorClass.RATE_LIMITED, [PostStatus.RETRYING, PostStatus.RETRYING, PostStatus.FAILED]),
        (ErrorClass.PERMANENT, [PostStatus.FAILED]),
        (ErrorClass.AUTH, [PostStatus.ON_HOLD]),
    ],
)
def test_a_refusal_is_tried_again_by_its_class(
    db: Database, actor: Actor, kind: ErrorClass, statuses: list[PostStatus]
) -> None:
    post_id = db.write(actor, make_post)
    for place, expected in enumerate(statuses):
        reject(db, begun(db, actor, post_id), kind, http_status=503)
        found = post_of(db, actor, post_id)
        assert found.status is expected
        assert found.last_error is not None
        assert found.last_error["class"] == kind
        if expected is PostStatus.RETRYING:
            assert found.next_attempt_at is not None
            assert found.last_attempt_at is not None
            wait = found.next_attempt_at - found.__dict__["updated_at"]
            assert wait == timedelta(minutes=(1, 2)[place])
            assert db.write(actor, lambda tx: claim_post(tx, post_id, "w")) is None
            set_post(db, actor, post_id, next_attempt_at=datetime.now(UTC))
    assert [attempt.phase for attempt in attempts(db, actor, post_id)] == [AttemptPhase.REJECTED] * len(statuses)
    piece = piece_of(db, actor, post_of(db, actor, post_id).content_piece_id)
    assert piece.status is (PieceStatus.SCHEDULED if kind is ErrorClass.AUTH else PieceStatus.FAILED)
    with db.read(actor) as reads:
        account = reads.get(SocialAccount, post_of(db, actor, post_id).social_account_id)
    needs_refresh = kind is ErrorClass.AUTH
    assert account.status is (AccountStatus.REFRESH_NEEDED if needs_refresh else AccountStatus.ACTIVE)


def test_a_platform_says_how_long_to_wait(db: Database, actor: Actor) -> None:
    post_id = db.write(actor, make_post)
    reject(db, begun(db, actor, post_id), ErrorClass.RATE_LIMITED, retry_after=timedelta(minutes=30))
    found = post_of(db, actor, post_id)
    assert found.next_attempt_at == found.__dict__["updated_at"] + timedelta(minutes=30)


def test_a_dead_worker_gives_back_what_it_had_not_begun(db: Database, actor: Actor) -> None:
    post_id = db.write(actor, make_post)
    claim = claim_of(db, actor, post_id)
    assert db.write(WORKER, reap_expired) == 0
    set_post(db, actor, post_id, lease_until=datetime.now(UTC) - timedelta(seconds=1))
    assert expired_claims(db) == 1
    assert status_of(db, actor, post_id) is PostStatus.SCHEDULED
    with pytest.raises(StaleClaim):
        db.write(WORKER, lambda tx: begin_dispatch(tx, claim))
    publish(db, actor, post_id)


def test_what_a_dead_worker_had_begun_is_never_queued_again_by_itself(db: Database, actor: Actor) -> None:
    post_id = db.write(actor, make_post)
    claim = begun(db, actor, post_id)
    set_post(db, actor, post_id, lease_until=datetime.now(UTC) - timedelta(seconds=1))
    assert db.write(WORKER, reap_expired) == 1
    assert status_of(db, actor, post_id) is PostStatus.UNCONFIRMED
    assert [attempt.phase for attempt in attempts(db, actor, post_id)] == [AttemptPhase.UNKNOWN]
    assert db.write(WORKER, lambda tx: claim_due_post(tx, "w")) is None
    with pytest.raises(StaleClaim):
        db.write(WORKER, lambda tx: finish_published(tx, claim, platform_post_id="1"))
    assert status_of(db, actor, post_id) is PostStatus.UNCONFIRMED


def test_a_slow_worker_does_not_overwrite_the_one_that_took_over(db: Database, actor: Actor) -> None:
    post_id = db.write(actor, make_post)
    slow = claim_of(db, actor, post_id, "slow")
    set_post(db, actor, post_id, lease_until=datetime.now(UTC) - timedelta(seconds=1))
    db.write(WORKER, reap_expired)
    quick = begun(db, actor, post_id, "quick")
    for late in (
        lambda tx: begin_dispatch(tx, slow),
        lambda tx: finish_published(tx, slow, platform_post_id="slow"),
        lambda tx: finish_unknown(tx, slow, message="?"),
        lambda tx: release_claim(tx, slow),
    ):
        with pytest.raises(StaleClaim):
            db.write(WORKER, late)
    with pytest.raises(StaleClaim):
        reject(db, slow)
    db.write(WORKER, lambda tx: finish_published(tx, quick, platform_post_id="quick"))
    with pytest.raises(StaleClaim):
        db.write(WORKER, lambda tx: finish_published(tx, quick, platform_post_id="again"))
    assert post_of(db, actor, post_id).platform_post_id == "quick"


def test_looking_a_post_up_settles_it_once(db: Database, actor: Actor) -> None:
    found, absent, late, last = (db.write(actor, make_post) for _ in range(4))
    for post_id in (found, absent, late, last):
        claim = begun(db, actor, post_id)
        db.write(WORKER, lambda tx, claim=claim: finish_unknown(tx, claim, message="timeout", http_status=504))
        assert status_of(db, actor, post_id) is PostStatus.UNCONFIRMED
    assert db.write(actor, lambda tx: reconcile(tx, id=found, outcome="published", platform_post_id="7"))
    assert db.write(actor, lambda tx: reconcile(tx, id=absent, outcome="absent"))
    set_post(db, actor, late, scheduled_at=datetime.now(UTC) - PAST)
    assert db.write(actor, lambda tx: reconcile(tx, id=late, outcome="absent"))
    set_post(db, actor, last, attempt_count=3)
    assert db.write(actor, lambda tx: reconcile(tx, id=last, outcome="absent"))
    assert [status_of(db, actor, post_id) for post_id in (found, absent, late, last)] == [
        PostStatus.PUBLISHED,
        PostStatus.RETRYING,
        PostStatus.FAILED,
        PostStatus.FAILED,
    ]
    assert not db.write(actor, lambda tx: reconcile(tx, id=found, outcome="absent"))
    publish(db, actor, absent)
    assert [attempt.attempt_no for attempt in attempts(db, actor, absent)] == [1, 2]


def test_a_late_post_is_missed_not_published(db: Database, actor: Actor) -> None:
    ids = [db.write(actor, make_post) for _ in range(4)]
    for post_id, minutes in zip(ids, (61, 59, 61, 120), strict=True):
        set_post(db, actor, post_id, next_attempt_at=datetime.now(UTC) - timedelta(minutes=minutes))
    set_post(db, actor, ids[3], misfire_grace_minutes=180)
    set_post(db, actor, ids[2], status=PostStatus.RETRYING)
    assert db.write(actor, lambda tx: claim_post(tx, ids[0], "w")) is None
    assert status_of(db, actor, ids[0]) is PostStatus.MISSED
    assert missed_posts(db) == 1
    assert [status_of(db, actor, post_id) for post_id in ids] == [
        PostStatus.MISSED,
        PostStatus.SCHEDULED,
        PostStatus.FAILED,
        PostStatus.SCHEDULED,
    ]
    assert piece_of(db, actor, post_of(db, actor, ids[0]).content_piece_id).status is PieceStatus.FAILED
    assert db.write(WORKER, mark_missed) == 0
    claims = [db.write(WORKER, lambda tx: claim_due_post(tx, "w")) for _ in range(2)]
    assert {claim and claim.post_id for claim in claims} == {ids[1], ids[3]}


def test_the_scan_passes_over_what_it_misses(db: Database, actor: Actor) -> None:
    late, good = db.write(actor, make_post), db.write(actor, make_post)
    set_post(db, actor, late, next_attempt_at=datetime.now(UTC) - PAST)
    claim = db.write(WORKER, lambda tx: claim_due_post(tx, "w"))
    assert claim is not None
    assert claim.post_id == good
    assert status_of(db, actor, late) is PostStatus.MISSED


def test_a_post_whose_account_was_disabled_meanwhile_is_given_back(db: Database, actor: Actor) -> None:
    post_id = db.write(actor, make_post)
    claim = claim_of(db, actor, post_id)
    db.write(actor, lambda tx: tx.transition(SocialAccount, claim.account_id, AccountStatus.DISABLED))
    assert db.write(WORKER, lambda tx: begin_dispatch(tx, claim)) is None
    assert (status_of(db, actor, post_id), attempts(db, actor, post_id)) == (PostStatus.SCHEDULED, [])


def test_what_is_published_is_counted_and_nothing_else(
    db: Database, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []

    def consume(_: object, metric: Metric) -> None:
        assert metric is Metric.POSTS_PUBLISHED
        if sum(counted) >= 2:
            raise LimitExceeded(metric=metric)
        counted.append(1)

    monkeypatch.setattr(publishing, "consume", consume)
    for module in (publishing, actions_posts):
        monkeypatch.setattr(module, "give_back", lambda _, __: counted.append(-1))
    publish(db, actor, db.write(actor, make_post))
    assert sum(counted) == 1
    reject(db, begun(db, actor, db.write(actor, make_post)))
    assert sum(counted) == 1
    unknown = db.write(actor, make_post)
    claim = begun(db, actor, unknown)
    db.write(WORKER, lambda tx: finish_unknown(tx, claim, message="?"))
    assert sum(counted) == 2
    full = db.write(actor, make_post)
    claim = claim_of(db, actor, full)
    assert db.write(WORKER, lambda tx: begin_dispatch(tx, claim)) is None
    found = post_of(db, actor, full)
    assert found.status is PostStatus.ON_HOLD
    assert found.last_error is not None
    assert found.last_error["class"] == "limit_exceeded"
    db.write(actor, lambda tx: reconcile(tx, id=unknown, outcome="absent"))
    assert sum(counted) == 1


def test_a_piece_on_two_accounts_is_published_twice_and_known_once_each(db: Database, actor: Actor) -> None:
    piece_id = db.write(actor, make_approved)
    ids = [db.write(actor, lambda tx: make_post(tx, piece_id=piece_id)) for _ in range(2)]
    publish(db, actor, ids[0])
    reject(db, begun(db, actor, ids[1]), ErrorClass.PERMANENT)
    assert piece_of(db, actor, piece_id).status is PieceStatus.PARTIALLY_PUBLISHED
