"""Tokens that end: renewed in time, before a post and after a refusal, by one worker, with refresh tokens good once."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from growbase import wiring
from growbase.core import clock
from growbase.core.actor import Actor
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.outbound import safe_client
from growbase.core.outside import Outside
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.domains.identity.models_personal import Notification
from growbase.domains.social.actions_accounts import disconnect_account, verify_account
from growbase.domains.social.actions_connecting import keep_app, keep_connected
from growbase.domains.social.actions_renewals import LEASE, RenewalUnderWay, begin_renewal
from growbase.domains.social.connecting import App, Connected, Tokens
from growbase.domains.social.models_connecting import ConnectionAttempt, TokenRenewal, TokenRevocation
from growbase.domains.social.models_publishing import AccountStatus, PostStatus, SocialAccount
from growbase.domains.social.publisher import Account, AccountRefused, Profile, PublishDeferred
from growbase.domains.social.renewing import renewed
from growbase.domains.social.tasks_accounts import ending_tokens, old_connections
from growbase.domains.social.tasks_publishing import due_posts
from growbase.jobs.worker import Worker
from tests.domains.social.factories import SOON, make_approved, make_post, post_of
from tests.domains.social.platforms import BlueskyServer, MastodonServer, Platform, Receiver, serving
from tests.domains.social.test_races import at_once

HOUR = timedelta(hours=1)
SERVERS = {"mastodon": MastodonServer, "bluesky": BlueskyServer}


@pytest.fixture
def worker(db: Database, settings: Settings) -> Worker:
    local = settings.model_copy(update={"allow_private_addresses": True})
    return Worker(db, wiring.tasks(local))


@pytest.fixture
def outside(settings: Settings) -> Outside:
    return replace(wiring.outside(settings), allow_private=True)


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Platform]:
    with serving(SERVERS[request.param]) as found:
        found.name = request.param
        found.lifetime = 7_200
        yield found


@pytest.fixture
def mastodon() -> Iterator[Platform]:
    with serving(MastodonServer) as found:
        found.name, found.lifetime = "mastodon", 7_200
        yield found


def connected(db: Database, actor: Actor, server: Platform, *, left: timedelta = HOUR) -> UUID:
    """Connect an account whose token ends in ``left``."""
    access, refresh = server.issue()
    server.apps = [{"client_id": "client", "client_secret": "canary-client"}]
    tokens = Tokens(access, refresh, clock.now() + left)

    def unit(tx: Transaction) -> UUID:
        where = {"platform": server.name, "instance_url": server.url, "redirect_uri": "https://a.example/"}
        app_id = keep_app(tx, **where, app=App("client", "canary-client"))
        found = Connected("7", Profile("7", "ann"), tokens, server.url)
        return keep_connected(tx, platform=server.name, found=found, app_id=app_id)

    return db.write(actor, unit)


def due(db: Database, actor: Actor, server: Platform, account_id: UUID, at: timedelta = timedelta()) -> UUID:
    """Schedule a post on an account."""
    return db.write(
        actor,
        lambda tx: make_post(
            tx, account_id=account_id, piece_id=make_approved(tx, platform=server.name), scheduled_at=tx.now + at
        ),
    )


def tokens_of(db: Database, actor: Actor, account_id: UUID) -> tuple[SocialAccount, str | None, str | None]:
    with db.read(actor) as reads:
        found = reads.get(SocialAccount, account_id)
        return found, reads.secret(found, "access_token"), reads.secret(found, "refresh_token")


def renewing(db: Database, actor: Actor, account_id: UUID, stale: str) -> Account:
    with safe_client(allow_private=True) as client:
        return renewed(db, actor, account_id, client, stale=stale)


# -- when -------------------------------------------------------------------------------------------------------------


def test_what_ends_within_a_day_is_renewed_every_hour(
    db: Database, actor: Actor, worker: Worker, server: Platform
) -> None:
    account_id = connected(db, actor, server)
    assert ending_tokens(db) == 1
    assert ending_tokens(db) == 1
    worker.run_all()
    account, access, refresh = tokens_of(db, actor, account_id)
    assert (access or "").startswith("canary-access-2")
    assert refresh == "canary-refresh-2"
    assert account.token_expires_at is not None
    assert account.token_expires_at > clock.now() + HOUR
    with db.read(actor) as reads:
        assert reads.count(Job, kind="renew_tokens", status="succeeded") == 1
        assert reads.count(TokenRenewal) == 0


def test_renewals_are_spread_over_the_hour(db: Database, actor: Actor, mastodon: Platform) -> None:
    connected(db, actor, mastodon, left=timedelta(hours=20))
    assert ending_tokens(db) == 1
    with db.read(actor) as reads:
        (job,) = reads.rows(Job, kind="renew_tokens")
    assert clock.now() < job.run_at < clock.now() + HOUR


def test_what_ends_later_or_never_is_left_alone(db: Database, actor: Actor, mastodon: Platform) -> None:
    account_id = connected(db, actor, mastodon, left=timedelta(hours=25))
    assert ending_tokens(db) == 0
    db.write(actor, lambda tx: tx.update(SocialAccount, account_id, {"token_expires_at": None}))
    assert ending_tokens(db) == 0


def test_a_token_that_has_ended_is_renewed_before_the_post(
    db: Database, actor: Actor, worker: Worker, server: Platform
) -> None:
    account_id = connected(db, actor, server, left=-HOUR)
    post_id = due(db, actor, server, account_id)
    due_posts(db)
    worker.run_all()
    assert post_of(db, actor, post_id).status is PostStatus.PUBLISHED
    assert (server.renewals, server.calls) == (2, 1)


def test_a_token_that_is_refused_is_renewed_once_and_the_post_sent_again(
    db: Database, actor: Actor, worker: Worker, server: Platform
) -> None:
    account_id = connected(db, actor, server)
    server.tokens.clear()
    post_id = due(db, actor, server, account_id)
    due_posts(db)
    worker.run_all()
    post = post_of(db, actor, post_id)
    assert (post.status, post.attempt_count) == (PostStatus.PUBLISHED, 1)
    assert (server.renewals, server.calls) == (2, 1)


def test_figures_are_read_with_a_renewed_token(db: Database, actor: Actor, worker: Worker, mastodon: Platform) -> None:
    account_id = connected(db, actor, mastodon)
    mastodon.tokens.clear()
    db.write(actor, lambda tx: verify_account(tx, id=account_id))
    worker.run_all()
    account, access, _ = tokens_of(db, actor, account_id)
    assert (account.followers_count, access) == (12, "canary-access-2")


# -- refusals ---------------------------------------------------------------------------------------------------------


def test_a_refused_refresh_token_holds_the_posts_and_tells_the_owners(
    db: Database, actor: Actor, worker: Worker, server: Platform
) -> None:
    account_id = connected(db, actor, server, left=-HOUR)
    server.refresh_tokens.clear()
    now, later = (due(db, actor, server, account_id, at) for at in (timedelta(), SOON))
    due_posts(db)
    worker.run_all()
    account = tokens_of(db, actor, account_id)[0]
    assert account.status is AccountStatus.REFRESH_NEEDED
    assert "canary" not in str([account.last_error, post_of(db, actor, now).last_error])
    assert [post_of(db, actor, id).status for id in (now, later)] == [PostStatus.ON_HOLD] * 2
    assert server.calls == 0
    with db.read(actor) as reads:
        told = reads.rows(Notification, kind="account_refused", anywhere=False)
        assert reads.count(Job, kind="send_email") >= 1
    assert [found.title for found in told] == ["Connect ann again"]
    assert "canary" not in str([vars(found) for found in told])
    # Connected again, both go out: neither is late.
    connected(db, actor, server)
    assert [post_of(db, actor, id).status for id in (now, later)] == [PostStatus.SCHEDULED] * 2
    due_posts(db)
    worker.run_all()
    assert post_of(db, actor, now).status is PostStatus.PUBLISHED


def test_a_post_whose_time_has_passed_waits_for_a_person(
    db: Database, actor: Actor, worker: Worker, mastodon: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id = connected(db, actor, mastodon, left=-HOUR)
    mastodon.refresh_tokens.clear()
    post_id = due(db, actor, mastodon, account_id)
    due_posts(db)
    worker.run_all()
    later = clock.now() + timedelta(hours=3)
    monkeypatch.setattr(clock, "now", lambda: later)
    connected(db, actor, mastodon)
    assert post_of(db, actor, post_id).status is PostStatus.ON_HOLD


@pytest.mark.parametrize("fault", ["dies", 503, "garbage"])
def test_a_platform_that_does_not_answer_leaves_the_tokens(
    db: Database, actor: Actor, worker: Worker, mastodon: Platform, fault: str | int
) -> None:
    account_id = connected(db, actor, mastodon, left=-HOUR)
    post_id = due(db, actor, mastodon, account_id)
    mastodon.faults_of_tokens.append(fault)
    due_posts(db)
    worker.run_all()
    account, access, _ = tokens_of(db, actor, account_id)
    assert (account.status, access) == (AccountStatus.ACTIVE, "canary-access-1")
    post = post_of(db, actor, post_id)
    assert (post.status, post.attempt_count) == (PostStatus.SCHEDULED, 0)
    assert post.next_attempt_at is not None
    assert post.next_attempt_at > clock.now() + timedelta(seconds=30)
    assert renewing(db, actor, account_id, "canary-access-1").token == "canary-access-2"


def test_a_post_is_not_put_off_for_ever(
    db: Database, actor: Actor, worker: Worker, mastodon: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id = connected(db, actor, mastodon, left=-HOUR)
    post_id = due(db, actor, mastodon, account_id)
    now = clock.now()
    for minutes, status in ((50, PostStatus.SCHEDULED), (80, PostStatus.MISSED)):
        mastodon.faults_of_tokens.append(503)
        later = now + timedelta(minutes=minutes)
        monkeypatch.setattr(clock, "now", lambda later=later: later)
        due_posts(db)
        worker.run_all()
        assert post_of(db, actor, post_id).status is status
    assert mastodon.calls == 0


def test_a_stall_ends_with_its_time(db: Database, actor: Actor, mastodon: Platform) -> None:
    account_id = connected(db, actor, mastodon)
    mastodon.faults_of_tokens.append("stalls")
    with safe_client(allow_private=True, seconds=0.3) as client, pytest.raises(PublishDeferred):
        renewed(db, actor, account_id, client, stale="canary-access-1")
    with db.read(actor) as reads:
        assert reads.count(TokenRenewal) == 0


# -- one at a time ----------------------------------------------------------------------------------------------------


def test_a_second_worker_waits_for_the_first_and_then_has_its_token(
    db: Database, actor: Actor, server: Platform
) -> None:
    account_id = connected(db, actor, server)
    stale = tokens_of(db, actor, account_id)[1] or ""
    asked, answer = threading.Event(), threading.Event()
    server.renewing = lambda: (asked.set(), answer.wait(10))
    found: list[Account] = []
    first = threading.Thread(target=lambda: found.append(renewing(db, actor, account_id, stale)))
    first.start()
    assert asked.wait(10)
    with pytest.raises(RenewalUnderWay) as waits:
        renewing(db, actor, account_id, stale)
    assert waits.value.retry_after is not None
    answer.set()
    first.join()
    assert renewing(db, actor, account_id, stale).token == found[0].token != stale
    assert server.renewals == 2


def test_of_workers_at_the_same_moment_one_renews(db: Database, actor: Actor, mastodon: Platform) -> None:
    account_id = connected(db, actor, mastodon)
    for number in range(2, 5):
        stale = tokens_of(db, actor, account_id)[1] or ""
        results = at_once([lambda stale=stale: renewing(db, actor, account_id, stale)] * 4)
        accounts = [result.token for result in results if isinstance(result, Account)]
        assert set(accounts) == {f"canary-access-{number}"}
        assert all(isinstance(result, Account | RenewalUnderWay) for result in results)
        assert mastodon.renewals == number
        assert tokens_of(db, actor, account_id)[0].status is AccountStatus.ACTIVE


def test_a_worker_that_died_while_renewing_is_waited_for_until_its_lease_ends(
    db: Database, actor: Actor, mastodon: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id = connected(db, actor, mastodon)
    db.write(actor, lambda tx: begin_renewal(tx, id=account_id, stale="canary-access-1"))
    with pytest.raises(RenewalUnderWay):
        renewing(db, actor, account_id, "canary-access-1")
    later = clock.now() + LEASE + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert renewing(db, actor, account_id, "canary-access-1").token == "canary-access-2"


@pytest.mark.parametrize("meanwhile", ["connected", "disconnected"])
def test_what_happens_to_the_account_meanwhile_counts(
    db: Database, actor: Actor, worker: Worker, mastodon: Platform, meanwhile: str
) -> None:
    account_id = connected(db, actor, mastodon)

    def interfere() -> None:
        mastodon.renewing = lambda: None
        if meanwhile == "connected":
            connected(db, actor, mastodon)
        else:
            db.write(actor, lambda tx: disconnect_account(tx, id=account_id))

    mastodon.renewing = interfere
    renewing(db, actor, account_id, "canary-access-1")
    account, access, refresh = tokens_of(db, actor, account_id)
    if meanwhile == "connected":
        assert (account.status, access, refresh) == (AccountStatus.ACTIVE, "canary-access-2", "canary-refresh-2")
        return
    assert (account.status, access, refresh) == (AccountStatus.REVOKED, None, None)
    worker.run_all()
    assert sorted(mastodon.revoked) == ["canary-access-1", "canary-access-2"]


def test_an_account_without_refresh_token_has_nothing_to_renew(db: Database, actor: Actor, mastodon: Platform) -> None:
    account_id = connected(db, actor, mastodon)
    db.write(actor, lambda tx: tx.update(SocialAccount, account_id, {"refresh_token": None}))
    with pytest.raises(AccountRefused):
        renewing(db, actor, account_id, "canary-access-1")
    assert mastodon.requests == []


# -- disconnecting ----------------------------------------------------------------------------------------------------


def test_disconnecting_erases_the_tokens_and_revokes_them_at_the_platform(
    db: Database, actor: Actor, worker: Worker, server: Platform
) -> None:
    account_id = connected(db, actor, server)
    db.write(actor, lambda tx: disconnect_account(tx, id=account_id))
    assert tokens_of(db, actor, account_id)[1:] == (None, None)
    worker.run_all()
    assert server.revoked == ["canary-access-1" if server.name == "mastodon" else "canary-refresh-1"]
    with db.read(actor) as reads:
        assert reads.count(TokenRevocation) == 0
        assert "canary" not in str([vars(job) for job in reads.rows(Job)])


def test_a_platform_that_can_not_be_told_is_told_later_and_forgotten_in_the_end(
    db: Database, actor: Actor, worker: Worker, mastodon: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id = connected(db, actor, mastodon)
    mastodon.faults_of_tokens += [503] * 5
    db.write(actor, lambda tx: disconnect_account(tx, id=account_id))
    now = clock.now()
    for hours in range(5):
        later = now + timedelta(hours=2 * hours)
        monkeypatch.setattr(clock, "now", lambda later=later: later)
        worker.run_all()
        with db.read(actor) as reads:
            assert reads.count(TokenRevocation) == (1 if hours < 4 else 0)
    assert mastodon.revoked == []


def test_a_receiver_has_nothing_to_revoke(db: Database, actor: Actor) -> None:
    with serving(Receiver) as receiver:
        tokens = Tokens("token", token_type="webhook")
        found = Connected(receiver.url, Profile(receiver.url, "ann"), tokens, receiver.url, "linkedin")
        account_id = db.write(actor, lambda tx: keep_connected(tx, platform="webhook", found=found))
        db.write(actor, lambda tx: disconnect_account(tx, id=account_id))
    with db.read(actor) as reads:
        assert reads.count(Job, kind="revoke_tokens") == 0


def test_old_round_trips_and_forgotten_tokens_are_swept(
    db: Database, actor: Actor, mastodon: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id = connected(db, actor, mastodon)

    def unit(tx: Transaction) -> None:
        app_id = tx.get(SocialAccount, account_id).app_id
        about: dict[str, Any] = {"actor_id": tx.actor.id, "platform": "mastodon", "app_id": app_id, "verifier": "v"}
        tx.insert(ConnectionAttempt, **about, expires_at=tx.now + HOUR)
        disconnect_account(tx, id=account_id)

    db.write(actor, unit)
    assert old_connections(db) == 0
    later = clock.now() + timedelta(hours=25)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert old_connections(db) == 2
    assert old_connections(db) == 0
