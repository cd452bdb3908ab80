"""The publisher's side of a post: claim it, begin, call the platform, finish; every write is fenced by the claim.

A publisher runs each step in a unit of its own and calls the platform between ``begin_dispatch`` and the finish. A post
is handed to a platform at most once: what has begun and not ended is unconfirmed, never queued again by itself.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Literal
from uuid import UUID

from growbase.core import clock
from growbase.core.errors import Conflict, LimitExceeded
from growbase.core.model import Root
from growbase.core.statements import POSTGRESQL, lock_tail, mark
from growbase.core.transaction import Transaction
from growbase.domains.identity.usage import Metric, consume, give_back
from growbase.domains.social.actions_accounts import note_account_error
from growbase.domains.social.actions_pieces import payload_of
from growbase.domains.social.actions_posts import (
    RETRY_MINUTES,
    WITHOUT_CLAIM,
    is_overdue,
    move_post,
    settle_absent,
    settle_published,
)
from growbase.domains.social.models import ContentPiece
from growbase.domains.social.models_publishing import (
    AccountStatus,
    AttemptPhase,
    PostStatus,
    PublishAttempt,
    ScheduledPost,
    SocialAccount,
)
from growbase.domains.social.states import APPROVED, IN_FLIGHT, QUEUED

CLAIM_LEASE: Final = timedelta(minutes=2)
"""Time from the claim to the start of the call."""
DISPATCH_LEASE: Final = timedelta(minutes=5)
"""Time a call of a platform may take before nobody waits for its answer."""
CHUNK: Final = 100


class StaleClaim(Conflict):
    """The post is no longer claimed by this worker.

    Its lease ran out and somebody else took over: leave the post as it is.
    """

    code = "stale_claim"


class ErrorClass(StrEnum):
    """What a refusal of a platform means for the next attempt."""

    TRANSIENT = "transient"
    RATE_LIMITED = "rate_limited"
    PERMANENT = "permanent"
    AUTH = "auth"


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to publish a post until ``lease_until``."""

    organization_id: UUID
    post_id: UUID
    account_id: UUID
    token: UUID
    worker: str
    lease_until: datetime


@dataclass(frozen=True, slots=True)
class Dispatch:
    """What to hand to the platform now; ``idempotency_key`` goes along where the platform takes one."""

    claim: Claim
    attempt_no: int
    idempotency_key: str
    due_at: datetime
    payload: dict[str, Any] = field(repr=False)


def claim_due_post(tx: Transaction, worker: str) -> Claim | None:
    """Claim the post of any organization that has waited longest; None if there is none.

    An account has one post under way at most. Those whose time passed too long ago are missed, not published late.
    """
    passed: list[UUID] = []
    while found := _due(tx, passed):
        organization_id, post_id = found
        inside = tx.for_organization(organization_id)
        claim = _claim(inside, post_id, worker)
        if claim is not None:
            return claim
        passed.append(post_id)
        if len(passed) >= CHUNK:
            break
    return None


def claim_post(tx: Transaction, id: UUID, worker: str) -> Claim | None:
    """Claim one due post of the actor's organization; None if it is not due, not publishable or taken."""
    post = tx.find(ScheduledPost, id)
    if post is None:
        return None
    tx.find(SocialAccount, post.social_account_id, lock=True)
    return _claim(tx, id, worker)


def begin_dispatch(tx: Transaction, claim: Claim) -> Dispatch | None:
    """Note that the platform is about to be called and return what to hand over, frozen as it is now.

    None where the account can no longer publish or the plan allows no more posts: the post is given back or put on
    hold. Once this has committed the post is never published by anybody else. Raises StaleClaim.
    """
    inside = tx.for_organization(claim.organization_id)
    post = _held(inside, claim, PostStatus.CLAIMED)
    piece = inside.find(ContentPiece, post.content_piece_id, lock=True)
    account = inside.find(SocialAccount, post.social_account_id)
    if piece is None or piece.status not in APPROVED or account is None or account.status is not AccountStatus.ACTIVE:
        move_post(inside, post, PostStatus.SCHEDULED, **WITHOUT_CLAIM)
        return None
    try:
        consume(inside, Metric.POSTS_PUBLISHED)
    except LimitExceeded as error:
        move_post(inside, post, PostStatus.SCHEDULED, **WITHOUT_CLAIM)
        limited = error_of("limit_exceeded", error.code, str(error), retryable=False)
        held = inside.get(ScheduledPost, post.id, lock=True)
        move_post(inside, held, PostStatus.ON_HOLD, next_attempt_at=None, last_error=limited)
        return None
    attempt_no = inside.count(PublishAttempt, scheduled_post_id=post.id) + 1
    attempt = {
        "organization_id": claim.organization_id,
        "id": clock.new_id(),
        "scheduled_post_id": post.id,
        "attempt_no": attempt_no,
        "phase": AttemptPhase.DISPATCHING,
        "started_at": tx.now,
        "worker_id": claim.worker,
    }
    inside.insert_facts(PublishAttempt, [attempt])
    payload = payload_of(inside, piece)
    move_post(
        inside,
        post,
        PostStatus.DISPATCHING,
        payload_snapshot=payload,
        payload_hash=piece.body_hash,
        attempt_count=post.attempt_count + 1,
        last_attempt_at=tx.now,
        lease_until=tx.now + DISPATCH_LEASE,
    )
    return Dispatch(claim, attempt_no, post.idempotency_key, post.scheduled_at, payload)


def finish_published(
    tx: Transaction,
    claim: Claim,
    *,
    platform_post_id: str,
    platform_url: str | None = None,
    published_at: datetime | None = None,
    http_status: int | None = None,
) -> None:
    """Note that the platform has published the post. Raises StaleClaim."""
    inside = tx.for_organization(claim.organization_id)
    post = _held(inside, claim, PostStatus.DISPATCHING)
    _close(inside, post, AttemptPhase.SUCCEEDED, None, http_status)
    found = {"platform_post_id": platform_post_id, "platform_url": platform_url, "published_at": published_at}
    settle_published(inside, post, **found)


def finish_rejected(
    tx: Transaction,
    claim: Claim,
    *,
    error_class: ErrorClass,
    code: str,
    message: str,
    http_status: int | None = None,
    retry_after: timedelta | None = None,
) -> None:
    """Note that the platform has definitely refused the post: tried again in 1, 2 and 4 minutes, or failed.

    Only what is transient or rate-limited is tried again, up to the post's attempts. An auth error marks the account,
    whose posts, this one too, wait on hold until it is connected again. Raises StaleClaim.
    """
    inside = tx.for_organization(claim.organization_id)
    if error_class is ErrorClass.AUTH:
        # Locked before its post, as everywhere.
        inside.find(SocialAccount, claim.account_id, lock=True, trash=True)
    post = _held(inside, claim, PostStatus.DISPATCHING)
    retryable = error_class in {ErrorClass.TRANSIENT, ErrorClass.RATE_LIMITED}
    again = (retryable and post.attempt_count < post.max_attempts) or error_class is ErrorClass.AUTH
    error = error_of(error_class, code, message, retryable=again)
    _close(inside, post, AttemptPhase.REJECTED, error, http_status)
    give_back(inside, Metric.POSTS_PUBLISHED)
    wait = timedelta(minutes=RETRY_MINUTES[min(post.attempt_count, len(RETRY_MINUTES)) - 1])
    to = PostStatus.RETRYING if again else PostStatus.FAILED
    due = tx.now + max(wait, retry_after or wait) if again else None
    move_post(inside, post, to, next_attempt_at=due, last_error=error, **WITHOUT_CLAIM)
    if error_class is ErrorClass.AUTH:
        note_account_error(inside, id=post.social_account_id, kind=error_class, code=code, message=message)
        refused = inside.get(ScheduledPost, post.id, lock=True)
        if refused.status in QUEUED:
            move_post(inside, refused, PostStatus.ON_HOLD, next_attempt_at=None)


def finish_unknown(tx: Transaction, claim: Claim, *, message: str, http_status: int | None = None) -> None:
    """Note that nobody knows whether the platform has the post: a timeout, a reset, a 5xx. Raises StaleClaim."""
    inside = tx.for_organization(claim.organization_id)
    _unconfirm(inside, _held(inside, claim, PostStatus.DISPATCHING), "no_answer", message, http_status)


def release_claim(tx: Transaction, claim: Claim) -> None:
    """Give back a post whose publishing has not begun, as a worker does that stops. Raises StaleClaim."""
    inside = tx.for_organization(claim.organization_id)
    move_post(inside, _held(inside, claim, PostStatus.CLAIMED), PostStatus.SCHEDULED, **WITHOUT_CLAIM)


def reconcile(
    tx: Transaction,
    *,
    id: UUID,
    outcome: Literal["published", "absent"],
    platform_post_id: str | None = None,
    platform_url: str | None = None,
    published_at: datetime | None = None,
) -> bool:
    """Settle an unconfirmed post of the actor's organization by what was found on the platform; False if it is settled.

    ``absent`` is for what is proven not to be there; where it can't be told the post waits for a person.
    """
    post = tx.get(ScheduledPost, id, lock=True)
    if post.status is not PostStatus.UNCONFIRMED:
        return False
    if outcome == "published":
        found = {"platform_post_id": platform_post_id, "platform_url": platform_url, "published_at": published_at}
        settle_published(tx, post, **found)
    else:
        settle_absent(tx, post)
    return True


def reap_expired(tx: Transaction) -> int:
    """Free posts whose worker has died and return how many, at most 100 at once.

    One that was only claimed goes back to the queue; of one that was being published nobody knows, so it is
    unconfirmed.
    """
    plan = tx.plan(ScheduledPost)
    found = _locked(
        tx, f"t.status IN {_names(IN_FLIGHT)} AND t.lease_until < {mark(tx.engine)}", plan.fields["lease_until"], tx.now
    )
    for organization_id, post_id in found:
        inside = tx.for_organization(organization_id)
        post = inside.get(ScheduledPost, post_id, lock=True)
        if post.status is PostStatus.CLAIMED:
            move_post(inside, post, PostStatus.SCHEDULED, **WITHOUT_CLAIM)
        else:
            _unconfirm(inside, post, "lease_expired", "The worker died or took too long.", None)
    return len(found)


def mark_missed(tx: Transaction) -> int:
    """Take posts out of the queue whose time passed longer ago than they may be late; at most 100 at once."""
    grace = (
        "t.next_attempt_at + make_interval(mins => t.misfire_grace_minutes::int) < %s"
        if tx.engine == POSTGRESQL
        else "strftime('%s', t.next_attempt_at) + t.misfire_grace_minutes * 60 < CAST(strftime('%s', ?) AS INTEGER)"
    )
    plan = tx.plan(ScheduledPost)
    found = _locked(tx, f"t.status IN {_names(QUEUED)} AND {grace}", plan.fields["next_attempt_at"], tx.now)
    for organization_id, post_id in found:
        inside = tx.for_organization(organization_id)
        _miss(inside, inside.get(ScheduledPost, post_id, lock=True))
    return len(found)


def error_of(kind: str, code: str, message: str, *, retryable: bool) -> dict[str, object]:
    """Return an error as a post and an attempt keep it."""
    return {"class": str(kind), "code": code, "message": message[:2_000], "retryable": retryable}


# -- parts ------------------------------------------------------------------------------------------------------------


def _names(statuses: tuple[PostStatus, ...]) -> str:
    return "(" + ", ".join(f"'{status.value}'" for status in statuses) + ")"


def _due(tx: Transaction, passed: list[UUID]) -> tuple[UUID, UUID] | None:
    """Return organization and id of the due post that has waited longest, locked with its account.

    What another worker holds is passed over, so that workers don't queue up behind each other.
    """
    plan = tx.plan(ScheduledPost)
    sign = mark(tx.engine)
    skip = " FOR UPDATE OF t, a SKIP LOCKED" if tx.engine == POSTGRESQL else ""
    other = f" AND t.id NOT IN ({', '.join([sign] * len(passed))})" if passed else ""
    busy = (
        "SELECT 1 FROM scheduled_posts b WHERE b.organization_id = t.organization_id "
        f"AND b.social_account_id = t.social_account_id AND b.status IN {_names(IN_FLIGHT)}"
    )
    sql = (
        "SELECT t.organization_id, t.id FROM scheduled_posts t JOIN social_accounts a "
        "ON a.organization_id = t.organization_id AND a.id = t.social_account_id "
        f"WHERE t.status IN {_names(QUEUED)} AND t.next_attempt_at <= {sign}{other} "
        f"AND a.status = 'active' AND a.deleted_at IS NULL AND NOT EXISTS ({busy}) "
        f"ORDER BY t.next_attempt_at, t.id LIMIT 1{skip}"
    )
    bound = plan.fields["id"].bound
    params = [plan.fields["next_attempt_at"].bound(tx.now), *map(bound, passed)]
    return _ids(tx, tx.execute(sql, params).fetchone())


def _locked(tx: Transaction, terms: str, column: Any, moment: datetime) -> list[tuple[UUID, UUID]]:  # noqa: ANN401
    """Return organization and id of posts of any organization, locked; what others hold is left to them."""
    skip = f"{lock_tail(tx.engine, lock=True)} SKIP LOCKED" if tx.engine == POSTGRESQL else ""
    sql = f"SELECT t.organization_id, t.id FROM scheduled_posts t WHERE {terms} LIMIT {CHUNK}{skip}"
    rows = tx.execute(sql, [column.bound(moment)]).fetchall()
    return [found for row in rows if (found := _ids(tx, row))]


def _ids(tx: Transaction, row: Any) -> tuple[UUID, UUID] | None:  # noqa: ANN401 -- a driver's row
    if row is None:
        return None
    read = tx.plan(ScheduledPost).fields["id"].read
    return (row[0], row[1]) if read is None else (read(row[0]), read(row[1]))


def _claim(tx: Transaction, id: UUID, worker: str) -> Claim | None:
    """Claim a post whose account this unit holds, after looking at both once more."""
    post = tx.get(ScheduledPost, id, lock=True)
    if post.status not in QUEUED or post.next_attempt_at is None or post.next_attempt_at > tx.now:
        return None
    account = tx.find(SocialAccount, post.social_account_id)
    piece = tx.find(ContentPiece, post.content_piece_id)
    if account is None or account.status is not AccountStatus.ACTIVE or piece is None or piece.status not in APPROVED:
        return None
    if tx.count(ScheduledPost, social_account_id=post.social_account_id, status=list(IN_FLIGHT)):
        return None
    if is_overdue(post, post.next_attempt_at, tx.now):
        _miss(tx, post)
        return None
    organization_id = tx.actor.organization_id
    assert organization_id is not None
    claim = Claim(organization_id, id, account.id, clock.new_id(), worker, tx.now + CLAIM_LEASE)
    move_post(tx, post, PostStatus.CLAIMED, claim_token=claim.token, lease_until=claim.lease_until)
    return claim


def _miss(tx: Transaction, post: ScheduledPost) -> None:
    retrying = post.status is PostStatus.RETRYING
    error = error_of("missed", "too_late", "Its time passed too long ago.", retryable=False)
    move_post(tx, post, PostStatus.FAILED if retrying else PostStatus.MISSED, next_attempt_at=None, last_error=error)


def _held(tx: Transaction, claim: Claim, status: PostStatus) -> ScheduledPost:
    """Return a claimed post, locked. Raises StaleClaim where the claim was lost."""
    post = tx.find(ScheduledPost, claim.post_id, lock=True)
    if post is None or post.status is not status or post.claim_token != claim.token:
        raise StaleClaim
    return post


def _unconfirm(tx: Transaction, post: ScheduledPost, code: str, message: str, http_status: int | None) -> None:
    error = error_of("unknown_outcome", code, message, retryable=False)
    _close(tx, post, AttemptPhase.UNKNOWN, error, http_status)
    move_post(tx, post, PostStatus.UNCONFIRMED, next_attempt_at=None, last_error=error, **WITHOUT_CLAIM)


def _close(
    tx: Transaction, post: Root, phase: AttemptPhase, error: dict[str, object] | None, http_status: int | None
) -> None:
    """Note how the attempt under way ended."""
    keys = {"scheduled_post_id": post.__dict__["id"], "phase": AttemptPhase.DISPATCHING}
    values = {"phase": phase, "finished_at": tx.now, "error": error, "http_status": http_status}
    tx.set_facts(PublishAttempt, keys, values)
