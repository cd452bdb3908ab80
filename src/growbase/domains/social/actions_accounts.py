"""Connecting, checking and disconnecting accounts."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from growbase.core.errors import Conflict
from growbase.core.facts import hold
from growbase.core.model import Root
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.identity.actions_personal import notify_admins
from growbase.domains.social.actions import require_one_platform
from growbase.domains.social.actions_posts import is_overdue, move_post
from growbase.domains.social.connecting import Revocable
from growbase.domains.social.models import ContentPiece
from growbase.domains.social.models_connecting import TokenRevocation
from growbase.domains.social.models_publishing import AccountStatus, PostStatus, ScheduledPost, SocialAccount
from growbase.domains.social.publisher import class_of
from growbase.domains.social.states import APPROVED, IN_FLIGHT, QUEUED

QUEUE = "publishing"
REVOKE = "revoke_tokens"
REVOKE_PAUSES = (30, 300, 1_800, 3_600)
AUTH = "auth"
"""The one kind of error that says something of the account rather than of the network or of a post."""


def connect_account(
    tx: Transaction,
    *,
    platform: str,
    provider_account_id: str,
    access_token: str | None = None,
    refresh_token: str | None = None,
    **values: Any,  # noqa: ANN401 -- columns
) -> UUID:
    """Connect an account and return its id; one that is known gets its new tokens and keeps its posts and metrics.

    With an access token the account is active, and posts that were held when its last one was refused are queued again
    unless their time has passed. A token that is missing or empty leaves the stored one as it is.
    """
    require_one_platform(platform)
    hold(tx, f"account {platform} {provider_account_id}")
    given = {"access_token": access_token, "refresh_token": refresh_token}
    tokens = {name: value for name, value in given.items() if value}
    known = tx.find(SocialAccount, lock=True, platform=platform, provider_account_id=provider_account_id)
    if access_token:
        values |= {"status": AccountStatus.ACTIVE, "last_error": None}
    if known is not None:
        tx.change(known, {**values, **tokens})
        if access_token:
            queue_again(tx, known.id)
        return known.id
    return tx.insert(SocialAccount, platform=platform, provider_account_id=provider_account_id, **values, **tokens)


def verify_account(tx: Transaction, *, id: UUID) -> UUID:
    """Ask for a check that the account's token still works; the answer shows in its status."""
    account = tx.get(SocialAccount, id)
    if account.access_token_cipher is None:
        raise Conflict("The account has no access token: connect it first.")
    tx.enqueue("verify_account", {"account_id": str(id)}, queue=QUEUE, dedupe_key=f"verify {id}")
    return id


def disconnect_account(tx: Transaction, *, id: UUID, queued: str = "refuse") -> UUID:
    """Forget an account's tokens; its posts and metrics stay. Queued posts refuse it, or are put on hold.

    The platform is told to accept the tokens no longer, where it can be. Raises Conflict where posts are queued and
    ``queued`` says refuse, or where one is being published.
    """
    account = tx.get(SocialAccount, id, lock=True)
    posts = _waiting(tx, id)
    if posts and queued != "hold":
        raise Conflict(
            "The account has {posts} queued posts: cancel them, or disconnect with queued=hold.", posts=len(posts)
        )
    for post in posts:
        move_post(tx, post, PostStatus.ON_HOLD, next_attempt_at=None)
    revoke_tokens(tx, account)
    gone = {"access_token": None, "refresh_token": None, "token_expires_at": None}
    without = {name: value for name, value in gone.items() if account.__dict__.get(f"{name}_cipher", 0) is not None}
    tx.change(account, {**without, "status": AccountStatus.REVOKED})
    return id


def revoke_tokens(
    tx: Transaction, account: SocialAccount, *, access_token: str | None = None, refresh_token: str | None = None
) -> None:
    """Ask for the revocation of an account's tokens at its platform, or of those given; not all platforms can."""
    access = access_token or tx.secret(account, "access_token")
    publisher = class_of(account.platform, account.token_type)
    if access is None or publisher is None or not issubclass(publisher, Revocable):
        return
    kept = {name: account.__dict__[name] for name in ("provider_account_id", "handle", "instance_url", "app_id")}
    tokens = {"access_token": access, "refresh_token": refresh_token or tx.secret(account, "refresh_token")}
    known = {name: value for name, value in tokens.items() if value is not None}
    revocation_id = tx.insert(TokenRevocation, platform=str(account.platform), **kept, **known)
    tx.enqueue(REVOKE, {"revocation_id": str(revocation_id)}, queue=QUEUE, max_attempts=5, backoff=REVOKE_PAUSES)


def remove_account(tx: Transaction, *, id: UUID) -> UUID:
    """Move an account to the trash and return the deletion id. Raises Conflict while posts wait for it."""
    tx.get(SocialAccount, id, lock=True)
    posts = _waiting(tx, id)
    if posts:
        raise Conflict("The account has {posts} queued posts: cancel or hold them first.", posts=len(posts))
    return trash(tx, SocialAccount, id)


def note_account_error(tx: Transaction, *, id: UUID, kind: str, code: str, message: str) -> None:
    """Keep the last error of an account; only an auth error says that it must be connected again.

    Its queued posts then wait on hold, and owners and admins are told, once.
    """
    account = tx.find(SocialAccount, id, lock=True, trash=True)
    if account is None:
        return
    changes: dict[str, object] = {"last_error": {"class": str(kind), "code": code, "message": message[:2_000]}}
    is_refused = kind == AUTH and account.status is AccountStatus.ACTIVE
    if is_refused:
        changes["status"] = AccountStatus.REFRESH_NEEDED
    tx.change(account, changes)
    if is_refused:
        held = _hold_queued(tx, account, changes["last_error"])
        _tell_of_refusal(tx, account, held)


def note_profile(
    tx: Transaction,
    *,
    id: UUID,
    handle: str,
    display_name: str | None = None,
    followers: int | None = None,
    following: int | None = None,
    posts: int | None = None,
) -> None:
    """Keep what a platform says of an account, which proves that its token works; what it did not say stays."""
    account = tx.get(SocialAccount, id, lock=True)
    told = {
        "display_name": display_name,
        "followers_count": followers,
        "following_count": following,
        "posts_count": posts,
    }
    known = {name: value for name, value in told.items() if value is not None}
    waiting = {AccountStatus.REFRESH_NEEDED, AccountStatus.CONNECTING}
    state = {"status": AccountStatus.ACTIVE} if account.status in waiting else {}
    tx.change(account, {"handle": handle, "last_sync_at": tx.now, "last_error": None, **known, **state})
    if state:
        queue_again(tx, id)


def queue_again(tx: Transaction, account_id: UUID) -> None:
    """Queue the posts that were held because the account was refused; those that would be late wait for a person."""
    for post in tx.rows(ScheduledPost, social_account_id=account_id, status=PostStatus.ON_HOLD, order="id", lock=True):
        piece = tx.find(ContentPiece, post.content_piece_id)
        is_held_so = (post.last_error or {}).get("class") == AUTH
        if is_held_so and piece and piece.status in APPROVED and not is_overdue(post, post.scheduled_at, tx.now):
            words = {"payload_hash": piece.body_hash, "last_error": None}
            move_post(tx, post, PostStatus.SCHEDULED, next_attempt_at=post.scheduled_at, **words)


def guard_account(tx: Transaction, row: Root, to: AccountStatus) -> Mapping[str, object]:
    """Refuse to enable an account without a token."""
    assert isinstance(row, SocialAccount)
    del tx
    if to == AccountStatus.ACTIVE and row.access_token_cipher is None:
        raise Conflict("The account has no access token: connect it first.")
    return {}


def _hold_queued(tx: Transaction, account: SocialAccount, error: object) -> int:
    """Put the queued posts of an account on hold, and return how many."""
    posts = tx.rows(ScheduledPost, social_account_id=account.id, status=[*QUEUED], order="id", lock=True)
    for post in posts:
        move_post(tx, post, PostStatus.ON_HOLD, next_attempt_at=None, last_error=error)
    return len(posts)


def _tell_of_refusal(tx: Transaction, account: SocialAccount, held: int) -> None:
    title = f"Connect {account.handle} again"
    body = f"{account.platform.capitalize()} no longer accepts the account. Posts on hold: {held}."
    notify_admins(tx, kind="account_refused", title=title, body=body, link=f"/studio/social-accounts/{account.id}")


def _waiting(tx: Transaction, account_id: UUID) -> list[ScheduledPost]:
    """Return the queued posts of an account, locked. Raises Conflict where one is being published."""
    statuses = [*QUEUED, *IN_FLIGHT]
    posts = tx.rows(ScheduledPost, social_account_id=account_id, status=statuses, order="id", lock=True)
    if any(post.status in IN_FLIGHT for post in posts):
        raise Conflict("A post of the account is being published: try again when it is done.")
    return posts
