"""Tables of publishing: the accounts, the posts on them, and every attempt to publish one."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from growbase.core import types
from growbase.core.model import (
    Fact,
    Key,
    Owned,
    Rule,
    Trashable,
    choice,
    document,
    identifier,
    index,
    integer,
    moment,
    reference,
    secret,
    state,
    text,
    unique,
)
from growbase.domains.marketing.models import URL
from growbase.domains.marketing.models_generated import Platform
from growbase.domains.social.models import ONE_PLATFORM


class AccountStatus(StrEnum):
    """Whether Growbase may publish on an account; only an active one is published on."""

    CONNECTING = "connecting"
    ACTIVE = "active"
    REFRESH_NEEDED = "refresh_needed"
    REVOKED = "revoked"
    DISABLED = "disabled"


class PostStatus(StrEnum):
    """Where a post stands between the plan and the platform."""

    DRAFT = "draft"
    ON_HOLD = "on_hold"
    SCHEDULED = "scheduled"
    CLAIMED = "claimed"
    DISPATCHING = "dispatching"
    PUBLISHED = "published"
    RETRYING = "retrying"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"
    CANCELLED = "cancelled"
    MISSED = "missed"


class AttemptPhase(StrEnum):
    """How far an attempt to publish came."""

    DISPATCHING = "dispatching"
    SUCCEEDED = "succeeded"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


def fact_key(*, order: int) -> Any:  # noqa: ANN401 -- a column declaration
    """Declare a part of the primary key of a table of facts."""
    rule = Rule("identifier", writable="never")
    return mapped_column(types.Identifier(), primary_key=True, sort_order=order, info={"rule": rule})


class SocialAccount(Trashable, Owned):
    """An account on a platform, known by the platform's own id since handles change; its tokens are sealed."""

    __tablename__ = "social_accounts"

    platform: Mapped[Platform] = choice(Platform, writable="create")
    provider_account_id: Mapped[str] = text(max_length=300, min_length=1, writable="create")
    handle: Mapped[str] = text(max_length=300, min_length=1)
    display_name: Mapped[str | None] = text(max_length=300)
    profile_url: Mapped[str | None] = text(max_length=2_000, pattern=URL)
    instance_url: Mapped[str | None] = text(max_length=2_000, pattern=URL, writable="create")
    access_token_cipher: Mapped[bytes | None] = secret(writable="never")
    refresh_token_cipher: Mapped[bytes | None] = secret(writable="never")
    token_type: Mapped[str | None] = text(max_length=40, writable="create")
    scope: Mapped[str | None] = text(max_length=2_000, writable="create")
    token_expires_at: Mapped[datetime | None] = moment(writable="create")
    status: Mapped[AccountStatus] = state(AccountStatus.CONNECTING)
    followers_count: Mapped[int | None] = integer(ge=0, writable="never")
    following_count: Mapped[int | None] = integer(ge=0, writable="never")
    posts_count: Mapped[int | None] = integer(ge=0, writable="never")
    last_sync_at: Mapped[datetime | None] = moment(writable="never")
    last_error: Mapped[dict[str, Any] | None] = document(writable="never")
    posting_times: Mapped[dict[str, Any] | None] = document()
    founder_id: Mapped[UUID | None] = reference("founders", on_purge="null")
    app_id: Mapped[UUID | None] = reference("platform_apps", on_purge="null", writable="never", hidden=True)

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("platform", "provider_account_id"),
        index("handle"),
        index("status", "token_expires_at", across=True),
    )
    __checks__: ClassVar[dict[str, str]] = ONE_PLATFORM


class ScheduledPost(Owned):
    """A piece on an account at a time; the worker claims it, and whoever lost the claim can no longer write it."""

    __tablename__ = "scheduled_posts"

    content_piece_id: Mapped[UUID] = reference("content_pieces", writable="never")
    social_account_id: Mapped[UUID] = reference("social_accounts", writable="never")
    scheduled_at: Mapped[datetime] = moment(writable="never")
    timezone: Mapped[str] = text(max_length=64, default="UTC", writable="never")
    status: Mapped[PostStatus] = state(PostStatus.SCHEDULED)
    idempotency_key: Mapped[str] = text(max_length=255, writable="never")
    payload_snapshot: Mapped[dict[str, Any] | None] = document(writable="never")
    payload_hash: Mapped[str] = text(max_length=64, writable="never")
    platform_post_id: Mapped[str | None] = text(max_length=300, writable="never")
    platform_url: Mapped[str | None] = text(max_length=2_000, writable="never")
    published_at: Mapped[datetime | None] = moment(writable="never")
    attempt_count: Mapped[int] = integer(ge=0, default=0, writable="never")
    max_attempts: Mapped[int] = integer(ge=1, le=10, default=3, writable="never")
    next_attempt_at: Mapped[datetime | None] = moment(writable="never")
    last_attempt_at: Mapped[datetime | None] = moment(writable="never")
    claim_token: Mapped[UUID | None] = identifier(hidden=True)
    lease_until: Mapped[datetime | None] = moment(writable="never")
    last_error: Mapped[dict[str, Any] | None] = document(writable="never")
    misfire_grace_minutes: Mapped[int] = integer(ge=0, le=10_080, default=60, writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("idempotency_key"),
        unique(
            "content_piece_id",
            "social_account_id",
            "scheduled_at",
            where="status NOT IN ('cancelled', 'failed', 'missed')",
        ),
        unique("social_account_id", "platform_post_id", where="platform_post_id IS NOT NULL"),
        # One post of an account at a time: the claim takes care of it, the index answers for it.
        unique("social_account_id", where="status IN ('claimed', 'dispatching')"),
        index("status", "next_attempt_at", across=True),
        index("status", "lease_until", across=True),
        index("scheduled_at", "id"),
        index("created_by", where="status = 'published'"),
        index("social_account_id", "scheduled_at"),
        index("content_piece_id"),
        index("status", "published_at"),
    )


class PublishAttempt(Fact):
    """One call of a platform, written before it is made and closed when its outcome is known."""

    __tablename__ = "publish_attempts"
    __scope__ = "organization_id"

    organization_id: Mapped[UUID] = fact_key(order=-10)
    id: Mapped[UUID] = fact_key(order=-9)
    scheduled_post_id: Mapped[UUID] = reference("scheduled_posts", on_purge="cascade")
    attempt_no: Mapped[int] = integer(ge=1)
    phase: Mapped[AttemptPhase] = choice(AttemptPhase)
    started_at: Mapped[datetime] = moment()
    finished_at: Mapped[datetime | None] = moment()
    http_status: Mapped[int | None] = integer(ge=100, le=599)
    error: Mapped[dict[str, Any] | None] = document()
    worker_id: Mapped[str] = text(max_length=200)

    __indexes__: ClassVar[tuple[Key, ...]] = (unique("scheduled_post_id", "attempt_no"),)
