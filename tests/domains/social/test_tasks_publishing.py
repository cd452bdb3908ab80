"""Publishing end to end against platforms that fail at the worst moment."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from growbase import wiring
from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.outside import Outside
from growbase.core.statements import mark
from growbase.core.transaction import Transaction
from growbase.domains.marketing.actions_assets import erase_file
from growbase.domains.marketing.models_assets import Asset
from growbase.domains.social.actions_pieces import approve_piece, set_piece_assets, submit_piece
from growbase.domains.social.models import ContentPiece, PieceStatus
from growbase.domains.social.models_metrics import PostMetricSnapshot
from growbase.domains.social.models_publishing import AccountStatus, PostStatus, ScheduledPost, SocialAccount
from growbase.domains.social.publishing import reap_expired
from growbase.domains.social.tasks_publishing import due_posts, unconfirmed_posts
from growbase.jobs.queue import reap
from growbase.jobs.worker import Worker
from tests.domains.social.factories import make_account, make_approved, make_piece, make_post, post_of
from tests.domains.social.platforms import DIES, MastodonServer, Platform, Receiver, serving


@pytest.fixture
def outside(settings: Settings) -> Outside:
    return replace(wiring.outside(settings), allow_private=True)


@pytest.fixture
def worker(db: Database, settings: Settings) -> Worker:
    local = settings.model_copy(update={"allow_private_addresses": True})
    return Worker(db, wiring.tasks(local))


@pytest.fixture
def mastodon() -> Iterator[Platform]:
    with serving(MastodonServer) as server:
        yield server


@pytest.fixture
def receiver() -> Iterator[Platform]:
    with serving(Receiver) as server:
        yield server


def put(db: Database, actor: Actor, server: Platform, **account: object) -> UUID:
    """Schedule a post on a platform, due now."""

    def unit(tx: Transaction) -> UUID:
        values = {"instance_url": server.url, "access_token": "token", "provider_account_id": "7", **account}
        return make_post(tx, account_id=make_account(tx, **values), piece_id=make_approved(tx, hashtags=["bread"]))

    return db.write(actor, unit)


def age(db: Database, actor: Actor, post_id: UUID) -> None:
    """Let the time pass that a lease lasts, and that a platform takes to show a post."""
    past = clock.now() - timedelta(hours=1)

    def unit(tx: Transaction) -> None:
        plan, sign = tx.plan(ScheduledPost), mark(tx.engine)
        bound = [plan.fields["lease_until"].bound(past), plan.fields["id"].bound(post_id)]
        for column in ("lease_until", "last_attempt_at"):
            where = f"id = {sign} AND {column} IS NOT NULL"
            tx.execute(f"UPDATE scheduled_posts SET {column} = {sign} WHERE {where}", bound)
        tx.execute(f"UPDATE jobs SET lease_until = {sign} WHERE status = 'running'", bound[:1])
        reap(tx)
        tx.execute(f"UPDATE jobs SET run_at = {sign} WHERE status = 'queued' AND kind = 'publish_post'", bound[:1])

    db.write(actor, unit)


def settled(db: Database, actor: Actor, worker: Worker, outside: Outside, post_id: UUID) -> ScheduledPost:
    """Do what the schedules do until a post is published."""
    for _ in range(4):
        age(db, actor, post_id)
        db.write(system(), reap_expired)
        unconfirmed_posts(db, outside=outside)
        due_posts(db)
        worker.run_all()
        if post_of(db, actor, post_id).status is PostStatus.PUBLISHED:
            break
    return post_of(db, actor, post_id)


def test_a_post_whose_file_was_erased_is_put_on_hold(
    db: Database, actor: Actor, worker: Worker, mastodon: Platform
) -> None:
    def unit(tx: Transaction) -> UUID:
        values = {"original_filename": "a.png", "mime_type": "image/png", "size_bytes": 3, "sha256": "0"}
        asset_id = tx.insert(Asset, storage_provider="local", storage_key="a", **values)
        piece_id = make_piece(tx)
        set_piece_assets(tx, id=piece_id, assets=[{"asset_id": asset_id}])
        submit_piece(tx, id=piece_id)
        if tx.get(ContentPiece, piece_id).status is PieceStatus.PENDING_REVIEW:
            approve_piece(tx, id=piece_id)
        account = make_account(tx, instance_url=mastodon.url, access_token="token", provider_account_id="7")
        erase_file(tx, tx.get(Asset, asset_id, lock=True))
        return make_post(tx, account_id=account, piece_id=piece_id)

    post_id = db.write(actor, unit)
    due_posts(db)
    worker.run_all()
    post = post_of(db, actor, post_id)
    assert (post.status, mastodon.posts) == (PostStatus.ON_HOLD, [])
    assert post.last_error is not None
    assert (post.last_error["class"], post.last_error["code"]) == ("permanent", "gone")


def test_a_due_post_is_published_with_its_hashtags(
    db: Database, actor: Actor, worker: Worker, mastodon: Platform
) -> None:
    post_id = put(db, actor, mastodon)
    assert due_posts(db) == 1
    assert due_posts(db) == 1
    worker.run_all()
    post = post_of(db, actor, post_id)
    assert (post.status, post.platform_post_id) == (PostStatus.PUBLISHED, "1")
    assert "#bread" in mastodon.posts[0]["content"]
    assert mastodon.calls == 1
    assert due_posts(db) == 0


def test_figures_are_read_after_an_hour(
    db: Database, actor: Actor, worker: Worker, mastodon: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(db, actor, mastodon)
    due_posts(db)
    worker.run_all()
    later = clock.now() + timedelta(hours=1, minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    worker.run_all()
    with db.read(actor) as reads:
        (snapshot,) = reads.rows(PostMetricSnapshot)
    assert (snapshot.likes, snapshot.shares, snapshot.comments, snapshot.impressions) == (5, 2, 1, None)


@pytest.mark.parametrize("fault", [DIES, f"{DIES} after", 500])
def test_what_is_unsure_is_looked_up_and_shown_once(
    db: Database, actor: Actor, worker: Worker, outside: Outside, receiver: Platform, fault: str | int
) -> None:
    receiver.faults.append(fault)
    post_id = put(db, actor, receiver, token_type="webhook")
    due_posts(db)
    worker.run_all()
    assert post_of(db, actor, post_id).status is PostStatus.UNCONFIRMED
    assert settled(db, actor, worker, outside, post_id).status is PostStatus.PUBLISHED
    assert (receiver.calls, len(receiver.posts)) == (1, 1)


def test_a_refused_token_asks_for_a_new_connection(
    db: Database, actor: Actor, worker: Worker, mastodon: Platform
) -> None:
    post_id = put(db, actor, mastodon, access_token="another")
    due_posts(db)
    worker.run_all()
    post = post_of(db, actor, post_id)
    assert post.status is PostStatus.ON_HOLD
    with db.read(actor) as reads:
        assert reads.get(SocialAccount, post.social_account_id).status is AccountStatus.REFRESH_NEEDED


def test_a_busy_platform_is_asked_again_when_it_said(
    db: Database, actor: Actor, worker: Worker, mastodon: Platform
) -> None:
    mastodon.faults.append(429)
    post_id = put(db, actor, mastodon)
    due_posts(db)
    worker.run_all()
    post = post_of(db, actor, post_id)
    assert post.status is PostStatus.RETRYING
    assert post.next_attempt_at is not None
    assert post.next_attempt_at > clock.now() + timedelta(seconds=25)


def test_a_platform_without_publisher_is_said_to_have_none(db: Database, actor: Actor, worker: Worker) -> None:
    def unit(tx: Transaction) -> UUID:
        return make_post(
            tx, account_id=make_account(tx, platform="tiktok"), piece_id=make_approved(tx, platform="tiktok")
        )

    post_id = db.write(actor, unit)
    due_posts(db)
    worker.run_all()
    post = post_of(db, actor, post_id)
    assert (post.status, (post.last_error or {})["code"]) == (PostStatus.FAILED, "no_publisher")
