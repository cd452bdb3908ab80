"""Publishing in the background: due posts are claimed, handed over once, and looked up where that is unsure.

Each step is a unit of its own. Up to ``begin_dispatch`` a worker that dies has published nothing; from then on the post
is unconfirmed until the platform, or a person, says what became of it.
"""

from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import httpx

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.crash import crash_point
from growbase.core.database import Database
from growbase.core.errors import Gone, GrowbaseError
from growbase.core.outbound import PrivateAddress, safe_client
from growbase.core.outside import Outside
from growbase.core.reads import Where
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.domains.marketing.actions_assets import require_kept
from growbase.domains.marketing.models_assets import Asset
from growbase.domains.social.actions_metrics import record_snapshot
from growbase.domains.social.actions_posts import is_overdue, move_post
from growbase.domains.social.models import PieceAsset
from growbase.domains.social.models_publishing import PostStatus, ScheduledPost, SocialAccount
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
)
from growbase.domains.social.publishing import (
    Claim,
    Dispatch,
    ErrorClass,
    begin_dispatch,
    claim_post,
    error_of,
    finish_published,
    finish_rejected,
    finish_unknown,
    reconcile,
    release_claim,
)
from growbase.domains.social.renewing import NoPublisher, calling, current
from growbase.domains.social.states import QUEUED
from growbase.domains.social.tasks_accounts import CALL_SECONDS, asked
from growbase.jobs.schedule import Schedule
from growbase.jobs.worker import Task

PUBLISH: Final = "publish_post"
COLLECT: Final = "collect_post"
SCAN_SECONDS: Final = 5
CHUNK: Final = 200
AGAIN_SECONDS: Final = 60.0
"""How long a post waits whose account's platform did not renew the tokens."""
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
            with suppress(NoPublisher):
                # Renewed before the post is handed over, so that nobody is in doubt about it if that fails.
                current(database, actor, claim.account_id, client)
            media = _media(database, actor, claim.post_id, outside)
        except (AccountRefused, PublishDeferred, Gone) as error:
            database.write(actor, partial(_give_back, claim=claim, error=error))
            return {"outcome": "not begun"}
        except GrowbaseError:
            database.write(actor, lambda tx: release_claim(tx, claim))
            raise
        dispatch = database.write(actor, lambda tx: begin_dispatch(tx, claim))
        if dispatch is None:
            return None
        crash_point("publish:dispatching")
        return _hand_over(database, actor, dispatch, media, client)


def _give_back(tx: Transaction, *, claim: Claim, error: GrowbaseError) -> None:
    """Give back a post that can't be published now: on hold, as its account's others or its file is gone, or for later.

    One that would be late by then is missed: it is not put off for ever.
    """
    release_claim(tx, claim)
    post = tx.get(ScheduledPost, claim.post_id, lock=True)
    if isinstance(error, AccountRefused | Gone):
        kind = ErrorClass.AUTH if isinstance(error, AccountRefused) else ErrorClass.PERMANENT
        about = error_of(kind, error.code, str(error), retryable=True)
        move_post(tx, post, PostStatus.ON_HOLD, next_attempt_at=None, last_error=about)
        return
    if is_overdue(post, post.scheduled_at, tx.now):
        about = error_of(ErrorClass.TRANSIENT, error.code, str(error), retryable=False)
        move_post(tx, post, PostStatus.MISSED, next_attempt_at=None, last_error=about)
        return
    wait = error.retry_after if isinstance(error, PublishDeferred) and error.retry_after else AGAIN_SECONDS
    tx.change(post, {"next_attempt_at": tx.now + timedelta(seconds=wait)})


def _hand_over(
    database: Database, actor: Actor, dispatch: Dispatch, media: list[Media], client: httpx.Client
) -> dict[str, object]:
    """Call the platform and write down what it said."""
    claim = dispatch.claim
    try:
        post = _post(dispatch, media)
        published = calling(database, actor, claim.account_id, client, lambda on, account: on.publish(account, post))
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
    kind, wait = ErrorClass.PERMANENT, None
    if isinstance(error, AccountRefused):
        kind = ErrorClass.AUTH
    elif isinstance(error, PublishDeferred):
        kind = ErrorClass.TRANSIENT
        if error.retry_after is not None:
            kind, wait = ErrorClass.RATE_LIMITED, timedelta(seconds=error.retry_after)
    return {"error_class": kind, "code": error.code, "message": str(error), "retry_after": wait}


def _post(dispatch: Dispatch, media: list[Media]) -> Post:
    return Post(dispatch.idempotency_key, post_text(dispatch.payload), dispatch.due_at, media)


def _media(database: Database, actor: Actor, post_id: UUID, outside: Outside) -> list[Media]:
    with database.read(actor) as reads:
        post = reads.get(ScheduledPost, post_id)
        rows = reads.rows(PieceAsset, piece_id=post.content_piece_id, order="position")
        assets = {asset.id: asset for asset in reads.rows(Asset, id=[row.asset_id for row in rows])} if rows else {}
    found = []
    for row in rows:
        asset = assets[row.asset_id]
        require_kept(asset)
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
    wanted = Post(post.idempotency_key, post_text(post.payload_snapshot or {}), post.scheduled_at)

    def find(publisher: Publisher, account: Account) -> Published | None:
        return publisher.find(account, wanted)

    with safe_client(allow_private=outside.allow_private, seconds=CALL_SECONDS) as client:
        try:
            found = calling(database, actor, post.social_account_id, client, find)
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


# -- figures ----------------------------------------------------------------------------------------------------------


def collect_post(database: Database, actor: Actor, job: Job, *, outside: Outside) -> None:
    """Read a published post's figures and ask for the next reading in the same unit that keeps them."""
    post_id, step = UUID(str(job.payload["post_id"])), int(str(job.payload.get("step", 0)))
    with database.read(actor) as reads:
        post = reads.find(ScheduledPost, post_id)
        account = reads.find(SocialAccount, post.social_account_id) if post else None
    if post is None or post.platform_post_id is None or account is None or account.access_token_cipher is None:
        return
    platform_post_id = post.platform_post_id
    with safe_client(allow_private=outside.allow_private, seconds=CALL_SECONDS) as client:
        figures = asked(
            database, actor, post.social_account_id, client, lambda on, account: on.metrics(account, platform_post_id)
        )

    def keep(tx: Transaction) -> None:
        record_snapshot(tx, scheduled_post_id=post_id, metrics=figures)
        _collect_later(tx, post_id, step + 1)

    database.write(actor, keep)


def _collect_later(tx: Transaction, post_id: UUID, step: int) -> None:
    """Ask for a post's figures at the next of their times."""
    post = tx.get(ScheduledPost, post_id)
    at = post.published_at
    if at is None or step >= len(COLLECTED_AFTER) + WEEKS:
        return
    after = COLLECTED_AFTER[step] if step < len(COLLECTED_AFTER) else timedelta(weeks=step - len(COLLECTED_AFTER) + 2)
    payload = {"post_id": str(post_id), "step": step}
    tx.enqueue(COLLECT, payload, queue="analytics_collection", dedupe_key=f"{post_id} {step}", run_at=at + after)


TASKS: Final[dict[str, Task]] = {PUBLISH: publish_post, COLLECT: collect_post}
SCHEDULES: Final = (
    Schedule("social/due_posts", due_posts, every=timedelta(seconds=SCAN_SECONDS)),
    Schedule("social/unconfirmed_posts", unconfirmed_posts, every=timedelta(minutes=1)),
)
