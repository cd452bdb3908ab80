"""What people do with posts: scheduling, holding, moving, cancelling and resolving them."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from growbase.core.errors import Conflict, ForeignKey, IdempotencyMismatch, Invalid, InvalidTransition, Stale, TooLate
from growbase.core.model import Root, rule_of, table_of
from growbase.core.reads import Reads
from growbase.core.transaction import Transaction
from growbase.domains.identity.usage import Metric, give_back
from growbase.domains.marketing.models_generated import Platform
from growbase.domains.marketing.queries import organization_zone
from growbase.domains.social.actions_pieces import refresh_piece
from growbase.domains.social.models import ContentPiece
from growbase.domains.social.models_publishing import AccountStatus, PostStatus, ScheduledPost, SocialAccount
from growbase.domains.social.states import APPROVED, BY_PERSON, POST, QUEUED, SENT

GRACE = timedelta(minutes=60)
"""How far in the past a post may be scheduled; it then goes out at once."""
RETRY_MINUTES = (1, 2, 4)
ENDED = (PostStatus.CANCELLED, PostStatus.FAILED, PostStatus.MISSED)
WITHOUT_CLAIM: Mapping[str, None] = {"claim_token": None, "lease_until": None}


def schedule_piece(
    tx: Transaction,
    *,
    id: UUID,
    social_account_id: UUID,
    scheduled_at: datetime,
    timezone: str | None = None,
    idempotency_key: str | None = None,
    draft: bool = False,
) -> dict[str, object]:
    """Schedule an approved piece on an account and return the post; the same call again returns the same post.

    What makes it the same is the key, else the piece with its words, the account and the minute. A ``draft`` is
    planned only and needs no approval yet; scheduled again without ``draft`` it is queued. Raises Invalid for a time
    that has passed, Conflict where the piece is not approved or the account can't publish, IdempotencyMismatch.
    """
    tx.get(ContentPiece, id)
    account = tx.find(SocialAccount, social_account_id, share=True)
    if account is None:
        raise ForeignKey.at("social_account_id", "foreign_key", "must be the id of an existing {what}", what="account")
    # Locked after the account, as everywhere: two calls for one piece then wait for each other.
    piece = tx.get(ContentPiece, id, lock=True)
    at = scheduled_at.astimezone(UTC)
    key, known = _same_post(tx, piece, account, at, idempotency_key)
    if known is not None:
        if known.status is PostStatus.DRAFT and not draft:
            release_post(tx, id=known.id)
        return post_row(tx, tx.get(ScheduledPost, known.id))
    _require_fitting(piece, account)
    _require_time(tx, piece, at)
    if not draft:
        require_publishable(piece, account)
    post_id = tx.insert(
        ScheduledPost,
        content_piece_id=id,
        social_account_id=social_account_id,
        scheduled_at=at,
        timezone=timezone or organization_zone(tx).key,
        status=PostStatus.DRAFT if draft else PostStatus.SCHEDULED,
        idempotency_key=key,
        payload_hash=piece.body_hash,
        next_attempt_at=None if draft else at,
    )
    refresh_piece(tx, id)
    return post_row(tx, tx.get(ScheduledPost, post_id))


def cancel_post(tx: Transaction, *, id: UUID) -> UUID:
    """Cancel a post that nobody has begun to publish. Raises TooLate once it was claimed."""
    post = tx.get(ScheduledPost, id, lock=True)
    _require_not_sent(post)
    move_post(tx, post, PostStatus.CANCELLED, next_attempt_at=None)
    return id


def hold_post(tx: Transaction, *, id: UUID) -> UUID:
    """Keep a queued post from being published until it is released. Raises TooLate once it was claimed."""
    post = tx.get(ScheduledPost, id, lock=True)
    _require_not_sent(post)
    move_post(tx, post, PostStatus.ON_HOLD, next_attempt_at=None)
    return id


def release_post(tx: Transaction, *, id: UUID) -> UUID:
    """Queue a post on hold, or one that was planned only, for its time.

    Raises Conflict where the time has passed, the piece is not approved or the account can't publish.
    """
    post = tx.get(ScheduledPost, id, lock=True)
    if post.status not in {PostStatus.ON_HOLD, PostStatus.DRAFT}:
        _require_not_sent(post)
        raise _wrong_state(post, PostStatus.SCHEDULED)
    move_post(tx, post, PostStatus.SCHEDULED, **_queued(tx, post, post.scheduled_at))
    return id


def reschedule_post(
    tx: Transaction, *, id: UUID, scheduled_at: datetime, timezone: str | None = None, version: int | None = None
) -> UUID:
    """Give a post another time; one that failed or was missed is queued again with all its attempts.

    Raises TooLate once it was claimed, Stale if it has changed since ``version``, Invalid for a time that has passed.
    """
    post = tx.get(ScheduledPost, id, lock=True)
    _require_not_sent(post)
    if version is not None and version != post.__dict__["version"]:
        raise Stale(what=tx.noun(ScheduledPost), current_version=post.__dict__["version"])
    at = scheduled_at.astimezone(UTC)
    changes: dict[str, object] = {"scheduled_at": at, "timezone": timezone or post.timezone}
    if post.status in {PostStatus.FAILED, PostStatus.MISSED}:
        move_post(tx, post, PostStatus.SCHEDULED, **changes, **_queued(tx, post, at))
    elif post.status is PostStatus.CANCELLED:
        raise _wrong_state(post, PostStatus.SCHEDULED)
    else:
        _require_time(tx, tx.get(ContentPiece, post.content_piece_id, trash=True), at)
        if post.status in QUEUED:
            changes["next_attempt_at"] = at
        tx.change(post, changes)
    return id


def publish_now(tx: Transaction, *, id: UUID) -> UUID:
    """Queue a post for this moment, whatever its time was; the publisher's next look takes it.

    Raises TooLate once it was claimed, Conflict where the piece is not approved or the account can't publish.
    """
    post = tx.get(ScheduledPost, id, lock=True)
    _require_not_sent(post)
    changes = {"scheduled_at": tx.now, **_queued(tx, post, tx.now)}
    to = PostStatus.RETRYING if post.status is PostStatus.RETRYING else PostStatus.SCHEDULED
    move_post(tx, post, to, **changes)
    return id


def resolve_post(
    tx: Transaction, *, id: UUID, outcome: str, platform_post_id: str | None = None, platform_url: str | None = None
) -> UUID:
    """Say what became of an unconfirmed post, as somebody who looked it up on the platform.

    One that was not published is tried again while attempts are left and its time has not passed, else it has failed.
    """
    post = tx.get(ScheduledPost, id, lock=True)
    if post.status is not PostStatus.UNCONFIRMED:
        raise Conflict("Only an unconfirmed post can be resolved; this one is {status}.", status=post.status)
    if outcome == "published":
        found: dict[str, object] = {"platform_post_id": platform_post_id, "platform_url": platform_url}
        settle_published(tx, post, **found)
    else:
        settle_absent(tx, post)
    return id


def settle_published(tx: Transaction, post: ScheduledPost, **found: object) -> None:
    """Move a post to published with what is known of it on the platform."""
    seen = post.last_attempt_at if post.status is PostStatus.UNCONFIRMED else None
    values = {"published_at": seen or tx.now, "next_attempt_at": None, "last_error": None, **WITHOUT_CLAIM}
    known = {name: value for name, value in found.items() if value is not None}
    move_post(tx, post, PostStatus.PUBLISHED, **{**values, **known})


def settle_absent(tx: Transaction, post: ScheduledPost) -> None:
    """Move an unconfirmed post that the platform does not have: tried again if it still may be, else failed."""
    give_back(tx, Metric.POSTS_PUBLISHED)
    may_retry = post.attempt_count < post.max_attempts and not is_overdue(post, post.scheduled_at, tx.now)
    to = PostStatus.RETRYING if may_retry else PostStatus.FAILED
    move_post(tx, post, to, next_attempt_at=tx.now if may_retry else None, **WITHOUT_CLAIM)


def guard_post(tx: Transaction, row: Root, to: PostStatus) -> dict[str, object]:
    """Do what holding, releasing and cancelling do: ``transition`` knows no move that only the publisher may make."""
    assert isinstance(row, ScheduledPost)
    is_queued = to == PostStatus.SCHEDULED
    changes: dict[str, object] = _queued(tx, row, row.scheduled_at) if is_queued else {"next_attempt_at": None}
    refresh_piece(tx, row.content_piece_id, {row.id: to})
    return changes


def move_post(tx: Transaction, post: ScheduledPost, to: PostStatus, **changes: object) -> None:
    """Move a locked post by the state machine, and its piece to the status that follows. Raises InvalidTransition."""
    if to is not post.status and to not in POST.get(post.status, frozenset()):
        raise _wrong_state(post, to)
    tx.change(post, {"status": to, **changes}, action="transition")
    refresh_piece(tx, post.content_piece_id)


def require_publishable(piece: ContentPiece, account: SocialAccount) -> None:
    """Raise Conflict where a piece is not approved, or its account can't publish."""
    if piece.status not in APPROVED:
        raise Conflict("The piece is {status}: it must be approved before it can be published.", status=piece.status)
    # A token about to be refreshed will be by then.
    if account.status not in {AccountStatus.ACTIVE, AccountStatus.REFRESH_NEEDED}:
        raise Conflict("The account is {status}: connect it again or enable it first.", status=account.status)


def is_overdue(post: ScheduledPost, at: datetime, now: datetime) -> bool:
    """Return whether a time lies further back than the post may be late."""
    return at + timedelta(minutes=post.misfire_grace_minutes) < now


def post_row(reads: Reads, post: ScheduledPost) -> dict[str, object]:
    """Return a post as the API shows it."""
    fields = reads.plan(ScheduledPost).fields
    public = [column.name for column in table_of(ScheduledPost).columns if not rule_of(column).hidden]
    return {name: fields[name].shown(post.__dict__[name]) for name in public}


# -- parts ------------------------------------------------------------------------------------------------------------


def _same_post(
    tx: Transaction, piece: ContentPiece, account: SocialAccount, at: datetime, given: str | None
) -> tuple[str, ScheduledPost | None]:
    """Return the key of a request to schedule, and the post it has made before."""
    if given is not None:
        known = tx.find(ScheduledPost, idempotency_key=given)
        if known and (known.content_piece_id, known.social_account_id) != (piece.id, account.id):
            raise IdempotencyMismatch("The idempotency_key was already used for another post.")
        return given, known
    minute = at.replace(second=0, microsecond=0)
    key = _digest(piece.id, account.id, minute.isoformat(), piece.body_hash)
    while known := tx.find(ScheduledPost, idempotency_key=key):
        if known.status not in ENDED and known.scheduled_at.replace(second=0, microsecond=0) == minute:
            return key, known
        # That post has ended or moved to another time, so this is a new wish: the next key of the chain.
        key = _digest(key, known.id)
    return key, None


def _digest(*parts: Any) -> str:  # noqa: ANN401 -- whatever has a text
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def _queued(tx: Transaction, post: ScheduledPost, at: datetime) -> dict[str, object]:
    """Return what a post has when it waits for ``at``. Raises Conflict or Invalid where it can't be published."""
    piece = tx.find(ContentPiece, post.content_piece_id, lock=True)
    account = tx.find(SocialAccount, post.social_account_id)
    if piece is None or account is None:
        raise Conflict("The piece or the account of the post is in the trash: restore it first.")
    _require_time(tx, piece, at)
    require_publishable(piece, account)
    values: dict[str, object] = {"next_attempt_at": at, "payload_hash": piece.body_hash}
    if post.status in ENDED:
        values |= {"attempt_count": 0, "last_error": None}
    return values


def _require_time(tx: Transaction, piece: ContentPiece, at: datetime) -> None:
    if at + GRACE < tx.now:
        raise Invalid.at("scheduled_at", "past", "must not be in the past")
    if piece.expires_at is not None and at > piece.expires_at:
        raise Invalid.at("scheduled_at", "expired", "must not be after the piece expires")


def _require_fitting(piece: ContentPiece, account: SocialAccount) -> None:
    on = Platform.YOUTUBE if piece.platform is Platform.YOUTUBE_SHORTS else piece.platform
    if account.platform not in {on, piece.platform}:
        raise Invalid.at("social_account_id", "mismatch", "is an account on another platform than the piece")


def _require_not_sent(post: ScheduledPost) -> None:
    if post.status in SENT:
        raise TooLate("It is too late for this: the post is {status}.", status=post.status)


def _wrong_state(post: ScheduledPost, to: PostStatus) -> InvalidTransition:
    allowed = sorted(str(status) for status in BY_PERSON.get(post.status, frozenset()))
    return InvalidTransition(what="scheduled post", current=str(post.status), to=str(to), allowed=allowed)
