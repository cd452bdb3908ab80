"""Publishing in the background: due posts are claimed, handed over once, and looked up where that is unsure.

Each step is a unit of its own. Up to ``begin_dispatch`` a worker that dies has published nothing; from then on the post
is unconfirmed until the platform, or a person, says what became of it.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

import httpx

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.crash import crash_point
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError
from growbase.core.outbound import PrivateAddress, safe_client
from growbase.core.outside import Outside
from growbase.core.reads import Where
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.domains.marketing.models_assets import Asset
from growbase.domains.social.actions_accounts import note_account_error, note_profile
from growbase.domains.social.actions_metrics import record_account_day, record_snapshot
from growbase.domains.social.models import PieceAsset
from growbase.domains.social.models_publishing import AccountStatus, PostStatus, ScheduledPost, SocialAccount
from growbase.domains.social.publisher import (
    Account,
    AccountRefused,
    Media,
    Post,
    PublishDeferred,
    Published,
    Publisher,
    PublishRejected,
    PublishUnknown,
    post_text,
    publisher_of,
)
from growbase.domains.social.publishing import (
    Claim,
    Dispatch,
    ErrorClass,
    begin_dispatch,
    claim_post,
    finish_published,
    finish_rejected,
    finish_unknown,
    reconcile,
    release_claim,
)
from growbase.domains.social.states import QUEUED
from growbase.jobs.errors import Permanent, RateLimited, Transient
from growbase.jobs.schedule import Schedule
from growbase.jobs.worker import Task

T = TypeVar("T")

PUBLISH: Final = "publish_post"
COLLECT: Final = "collect_post"
SCAN_SECONDS: Final = 5
CHUNK: Final = 200
NO_PUBLISHER: Final = "No publisher is installed for this platform."
CALL_SECONDS: Final = 30.0
SETTLES: Final = timedelta(minutes=2)
"""How long a platform may take to show what it has taken: nobody looks before."""
COLLECTED_AFTER: Final = tuple(timedelta(hours=hours) for hours in (1, 6, 24, 72, 168))
"""A post's figures are read 1 h, 6 h, 24 h, 3 and 7 days after it was published, then every week."""
WEEKS: Final = 12
"""Weeks after which nobody looks at a post's figures any more."""


def due_posts(database: Database) -> int:
    """Ask for the publishing of posts whose time has come and return how many."""
    with database.read(system("publisher")) as reads:
        due = Where("next_attempt_at", "<=", clock.now())
        found = reads.rows(
            ScheduledPost, due, status=sorted(QUEUED), order="next_attempt_at", limit=CHUNK, anywhere=True
        )
    for post in found:
        database.write(system("publisher", post.organization_id), partial(_enqueue, post_id=post.id))
    return len(found)


def _enqueue(tx: Transaction, *, post_id: UUID) -> None:
    tx.enqueue(PUBLISH, {"post_id": str(post_id)}, queue="publishing", dedupe_key=str(post_id))


def publish_post(database: Database, actor: Actor, job: Job, *, outside: Outside) -> dict[str, object] | None:
    """Publish one due post; whatever comes of it is written to the post, so the job itself is never repeated."""
    post_id, worker = UUID(str(job.payload["post_id"])), job.worker or "worker"
    claim = database.write(actor, lambda tx: claim_post(tx, post_id, worker))
    if claim is None:
        return None
    crash_point("publish:claimed")
    with safe_client(allow_private=outside.allow_private, seconds=CALL_SECONDS) as client:
        try:
            account, publisher = _account(database, actor, claim.account_id, client)
            media = _media(database, actor, claim.post_id, outside)
        except GrowbaseError:
            database.write(actor, lambda tx: release_claim(tx, claim))
            raise
        dispatch = database.write(actor, lambda tx: begin_dispatch(tx, claim))
        if dispatch is None:
            return None
        crash_point("publish:dispatching")
        return _hand_over(database, actor, dispatch, (account, publisher, media))


def _hand_over(
    database: Database, actor: Actor, dispatch: Dispatch, to: tuple[Account, Publisher | None, list[Media]]
) -> dict[str, object]:
    """Call the platform and write down what it said."""
    account, publisher, media = to
    claim = dispatch.claim
    if publisher is None:
        about: dict[str, Any] = {"error_class": ErrorClass.PERMANENT, "code": "no_publisher", "message": NO_PUBLISHER}
        database.write(actor, partial(finish_rejected, claim=claim, **about))
        return {"outcome": "rejected"}
    try:
        published = publisher.publish(account, _post(dispatch, media))
        crash_point("publish:sent")
    except PublishUnknown as error:
        reason = str(error)
        database.write(actor, lambda tx: finish_unknown(tx, claim, message=reason))
        return {"outcome": "unknown"}
    except (PublishRejected, PublishDeferred, PrivateAddress) as error:
        database.write(actor, partial(finish_rejected, claim=claim, **_refusal(error)))
        return {"outcome": "rejected"}
    database.write(actor, partial(_published, claim=claim, found=published))
    return {"outcome": "published"}


def _published(tx: Transaction, *, claim: Claim, found: Published) -> None:
    finish_published(tx, claim, platform_post_id=found.id, platform_url=found.url)
    _collect_later(tx, claim.post_id, 0)


def _refusal(error: GrowbaseError) -> dict[str, Any]:
    """Return how a refusal is written to the post."""
    kinds = {AccountRefused: ErrorClass.AUTH, PublishDeferred: ErrorClass.TRANSIENT}
    kind, wait = kinds.get(type(error), ErrorClass.PERMANENT), None
    if isinstance(error, PublishDeferred) and error.retry_after is not None:
        kind, wait = ErrorClass.RATE_LIMITED, timedelta(seconds=error.retry_after)
    return {"error_class": kind, "code": error.code, "message": str(error), "retry_after": wait}


def _post(dispatch: Dispatch, media: list[Media]) -> Post:
    return Post(dispatch.idempotency_key, post_text(dispatch.payload), dispatch.due_at, media)


def _account(
    database: Database, actor: Actor, account_id: UUID, client: httpx.Client
) -> tuple[Account, Publisher | None]:
    with database.read(actor) as reads:
        found = reads.get(SocialAccount, account_id)
        token = reads.secret(found, "access_token") or ""
    account = Account(found.provider_account_id, found.handle, found.instance_url, token)
    return account, publisher_of(found.platform, found.token_type, client)


def _media(database: Database, actor: Actor, post_id: UUID, outside: Outside) -> list[Media]:
    with database.read(actor) as reads:
        post = reads.get(ScheduledPost, post_id)
        rows = reads.rows(PieceAsset, piece_id=post.content_piece_id, order="position")
        assets = {asset.id: asset for asset in reads.rows(Asset, id=[row.asset_id for row in rows])} if rows else {}
    found = []
    for row in rows:
        asset = assets[row.asset_id]
        content = b"".join(outside.files.read(asset.storage_key, 0, asset.size_bytes))
        alt_text = row.alt_text or asset.alt_text or ""
        found.append(Media(content, asset.mime_type, alt_text, asset.width, asset.height))
    return found


# -- what is unsure ---------------------------------------------------------------------------------------------------


def unconfirmed_posts(database: Database, *, outside: Outside) -> int:
    """Look on their platforms for posts of which nobody knows whether they were published; return how many are settled.

    What can't be told now is looked at again at the next run.
    """
    with database.read(system("publisher")) as reads:
        old = Where("last_attempt_at", "<", clock.now() - SETTLES)
        found = reads.rows(ScheduledPost, old, status=PostStatus.UNCONFIRMED, limit=CHUNK, anywhere=True)
    return sum(_look_up(database, system("publisher", post.organization_id), post, outside) for post in found)


def _look_up(database: Database, actor: Actor, post: ScheduledPost, outside: Outside) -> bool:
    with safe_client(allow_private=outside.allow_private, seconds=CALL_SECONDS) as client:
        account, publisher = _account(database, actor, post.social_account_id, client)
        if publisher is None or not account.token:
            return False
        wanted = Post(post.idempotency_key, post_text(post.payload_snapshot or {}), post.scheduled_at)
        try:
            found = publisher.find(account, wanted)
        except GrowbaseError:
            return False
    if found is None:
        return database.write(actor, lambda tx: reconcile(tx, id=post.id, outcome="absent"))
    return database.write(actor, partial(_found, id=post.id, found=found))


def _found(tx: Transaction, *, id: UUID, found: Published) -> bool:
    settled = reconcile(tx, id=id, outcome="published", platform_post_id=found.id, platform_url=found.url)
    if settled:
        _collect_later(tx, id, 0)
    return settled


# -- figures and accounts ---------------------------------------------------------------------------------------------


def collect_post(database: Database, actor: Actor, job: Job, *, outside: Outside) -> None:
    """Read a published post's figures and ask for the next reading in the same unit that keeps them."""
    post_id, step = UUID(str(job.payload["post_id"])), int(str(job.payload.get("step", 0)))
    with database.read(actor) as reads:
        post = reads.find(ScheduledPost, post_id)
    if post is None or post.platform_post_id is None:
        return
    with safe_client(allow_private=outside.allow_private, seconds=CALL_SECONDS) as client:
        account, publisher = _account(database, actor, post.social_account_id, client)
        if publisher is None or not account.token:
            return
        figures = _asked(
            database, actor, post.social_account_id, partial(publisher.metrics, account, post.platform_post_id)
        )

    def keep(tx: Transaction) -> None:
        record_snapshot(tx, scheduled_post_id=post_id, metrics=figures)
        _collect_later(tx, post_id, step + 1)

    database.write(actor, keep)


def verify_account(database: Database, actor: Actor, job: Job, *, outside: Outside) -> None:
    """Read an account from its platform: its figures are kept, a refused token is noted."""
    account_id = UUID(str(job.payload["account_id"]))
    with safe_client(allow_private=outside.allow_private, seconds=CALL_SECONDS) as client:
        account, publisher = _account(database, actor, account_id, client)
        if publisher is None:
            raise Permanent(NO_PUBLISHER)
        profile = _asked(database, actor, account_id, partial(publisher.profile, account))

    def keep(tx: Transaction) -> None:
        known: dict[str, Any] = {"followers": profile.followers, "following": profile.following, "posts": profile.posts}
        note_profile(tx, id=account_id, handle=profile.handle, display_name=profile.display_name, **known)
        record_account_day(tx, social_account_id=account_id, **known)

    database.write(actor, keep)


def account_figures(database: Database) -> int:
    """Ask for a reading of every active account and return how many there are."""
    with database.read(system("publisher")) as reads:
        found = reads.rows(SocialAccount, status=AccountStatus.ACTIVE, anywhere=True)
    for account in found:
        payload, key = {"account_id": str(account.id)}, f"verify {account.id}"
        actor = system("publisher", account.organization_id)
        database.write(actor, partial(_enqueue_check, payload=payload, key=key))
    return len(found)


def _enqueue_check(tx: Transaction, *, payload: Mapping[str, object], key: str) -> None:
    tx.enqueue("verify_account", payload, queue="analytics_collection", dedupe_key=key)


def _asked(database: Database, actor: Actor, account_id: UUID, call: Callable[[], T]) -> T:
    """Call a platform for something that changes nothing there; its refusals say what the job does next."""
    try:
        return call()
    except AccountRefused as error:
        about = {"kind": ErrorClass.AUTH, "code": error.code, "message": str(error)}
        database.write(actor, lambda tx: note_account_error(tx, id=account_id, **about))
        raise Permanent(str(error)) from error
    except PublishDeferred as error:
        if error.retry_after is not None:
            raise RateLimited(str(error), retry_after=error.retry_after) from error
        raise Transient(str(error)) from error
    except (PublishRejected, PrivateAddress) as error:
        raise Permanent(str(error)) from error


def _collect_later(tx: Transaction, post_id: UUID, step: int) -> None:
    """Ask for a post's figures at the next of their times."""
    post = tx.get(ScheduledPost, post_id)
    at = post.published_at
    if at is None or step >= len(COLLECTED_AFTER) + WEEKS:
        return
    after = COLLECTED_AFTER[step] if step < len(COLLECTED_AFTER) else timedelta(weeks=step - len(COLLECTED_AFTER) + 2)
    payload = {"post_id": str(post_id), "step": step}
    tx.enqueue(COLLECT, payload, queue="analytics_collection", dedupe_key=f"{post_id} {step}", run_at=at + after)


TASKS: Final[dict[str, Task]] = {PUBLISH: publish_post, COLLECT: collect_post, "verify_account": verify_account}
SCHEDULES: Final = (
    Schedule("social/due_posts", due_posts, every=timedelta(seconds=SCAN_SECONDS)),
    Schedule("social/unconfirmed_posts", unconfirmed_posts, every=timedelta(minutes=1)),
    Schedule("social/account_figures", account_figures, daily="04:10"),
)
