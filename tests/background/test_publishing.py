"""Publishing while workers are killed at every step, people cancel, and a plan runs out: nothing is shown twice."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from growbase.core.actor import Actor, system
from growbase.core.errors import TooLate
from growbase.core.transaction import Transaction
from growbase.domains.identity.actions_billing import subscribe
from growbase.domains.identity.models_billing import Metric, Plan, UsageCounter, UsageEvent
from growbase.domains.social.actions_posts import cancel_post
from growbase.domains.social.models_publishing import PostStatus, ScheduledPost
from growbase.domains.social.publisher import post_text
from tests.background.site import PATIENCE, Site
from tests.domains.social.factories import make_account, make_approved, make_post
from tests.domains.social.platforms import MastodonServer, Platform, serving
from tests.fixtures import make_tenant
from tests.processes import wait_until

POINTS = ("publish_post:begun", "publish:claimed", "publish:dispatching", "publish:sent", "publish_post:done")
SCHEDULES = ("social/expired_claims", "social/unconfirmed_posts", "social/due_posts")
POSTS = 30
LIMITED, LIMIT = 8, 3
ENDED = {PostStatus.PUBLISHED, PostStatus.CANCELLED, PostStatus.ON_HOLD, PostStatus.FAILED}


@dataclass
class Outcome:
    """What has become of the posts of two organizations, of which one has a plan for three."""

    site: Site
    platform: Platform
    free: Actor
    limited: Actor
    cancelled: set[UUID] = field(default_factory=set)
    too_late: set[UUID] = field(default_factory=set)

    def posts(self, actor: Actor) -> list[ScheduledPost]:
        with self.site.db.read(actor) as reads:
            return reads.rows(ScheduledPost, order="id")

    @property
    def seen(self) -> list[str]:
        return [post["content"].removeprefix("<p>").removesuffix("</p>") for post in self.platform.posts]


def put(site: Site, actor: Actor, platform: Platform, count: int) -> None:
    """Schedule posts, each on an account of its own, due now."""

    def unit(tx: Transaction) -> None:
        for number in range(count):
            owner = {"instance_url": platform.url, "access_token": "token", "provider_account_id": str(number)}
            text = f"Words {actor.organization_id} {number}"
            make_post(tx, account_id=make_account(tx, **owner), piece_id=make_approved(tx, body=text))

    site.db.write(actor, unit)


def limit(site: Site, actor: Actor) -> None:
    def unit(tx: Transaction) -> None:
        values = {"name": "Small", "price_month_minor": 0, "currency": "EUR", "limits": {"posts_published": LIMIT}}
        tx.insert(Plan, code="small", **values)
        subscribe(tx, plan_code="small")

    site.db.write(actor, unit)


def cancel(outcome: Outcome) -> None:
    """Cancel every other post while they are being published, in the same order."""
    wait_until(lambda: outcome.platform.calls > 0, "the first post", timeout=PATIENCE)
    for post in outcome.posts(outcome.free)[::2]:
        try:
            outcome.site.db.write(outcome.free, lambda tx, id=post.id: cancel_post(tx, id=id))  # type: ignore[misc]
        except TooLate:
            outcome.too_late.add(post.id)
        else:
            outcome.cancelled.add(post.id)


def settle(outcome: Outcome) -> None:
    """Let a worker that lives do what is left; the time passes that leases last and platforms take."""
    site = outcome.site
    site.worker()
    for _ in range(8):
        site.age("scheduled_posts", "lease_until", "last_attempt_at")
        site.age("scheduled_posts", "next_attempt_at", where="status = 'retrying'")
        site.age("jobs", "run_at", where="status = 'queued' AND kind = 'publish_post'")
        site.hurry(*SCHEDULES)
        posts = [*outcome.posts(outcome.free), *outcome.posts(outcome.limited)]
        if {post.status for post in posts} <= ENDED:
            return
    raise AssertionError({post.id: (post.status, post.last_error) for post in posts if post.status not in ENDED})


@pytest.fixture(scope="module")
def outcome(whole_site: Site) -> Iterator[Outcome]:
    """Publish under fire."""
    free, limited = (make_tenant(whole_site.db, name).owner for name in ("Free", "Limited"))
    with serving(MastodonServer) as platform:
        found = Outcome(whole_site, platform, free, limited)
        limit(whole_site, limited)
        put(whole_site, limited, platform, LIMITED)
        put(whole_site, free, platform, POSTS)
        canceller = threading.Thread(target=cancel, args=[found])
        canceller.start()
        whole_site.die(*POINTS, arguments=("--concurrency", "3"))
        canceller.join()
        settle(found)
        whole_site.stop()
        yield found


def test_each_platform_sees_a_post_at_most_once_wherever_workers_die(outcome: Outcome) -> None:
    assert outcome.platform.calls == len(outcome.seen) == len(set(outcome.seen))


def test_every_post_ends_and_the_published_ones_are_there(outcome: Outcome) -> None:
    published = {
        post_text(post.payload_snapshot or {})
        for actor in (outcome.free, outcome.limited)
        for post in outcome.posts(actor)
        if post.status is PostStatus.PUBLISHED
    }
    assert published == set(outcome.seen)
    statuses = [post.status for post in outcome.posts(outcome.free)]
    assert set(statuses) <= {PostStatus.PUBLISHED, PostStatus.CANCELLED}


def test_a_cancel_wins_or_comes_too_late(outcome: Outcome) -> None:
    posts = {post.id: post for post in outcome.posts(outcome.free)}
    assert {id for id, post in posts.items() if post.status is PostStatus.CANCELLED} == outcome.cancelled
    assert {posts[id].status for id in outcome.too_late} <= {PostStatus.PUBLISHED}
    assert len(outcome.cancelled | outcome.too_late) == POSTS // 2


def test_several_workers_publish_no_more_than_the_plan_allows(outcome: Outcome) -> None:
    statuses = [post.status for post in outcome.posts(outcome.limited)]
    assert statuses.count(PostStatus.PUBLISHED) == LIMIT
    assert statuses.count(PostStatus.ON_HOLD) == LIMITED - LIMIT


def test_the_counters_are_what_the_ledger_says_after_the_kills(outcome: Outcome) -> None:
    for actor in (outcome.free, outcome.limited):
        with outcome.site.db.read(actor) as reads:
            (counter,) = reads.rows(UsageCounter, metric=Metric.POSTS_PUBLISHED)
            lines = reads.rows(UsageEvent, counter_id=counter.id)
        published = [post for post in outcome.posts(actor) if post.status is PostStatus.PUBLISHED]
        assert counter.used == sum(line.quantity for line in lines) == len(published)
        assert counter.reserved == 0
    with outcome.site.db.read(system()) as reads:
        assert not reads.rows(UsageCounter, metric=Metric.POSTS_PUBLISHED, limit_value=0, anywhere=True)
