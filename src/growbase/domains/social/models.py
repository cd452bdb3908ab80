"""Tables of what is said on social platforms: founders, rules, strategies, pillars, series, pieces and summaries."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped

from growbase.core.model import (
    Key,
    Owned,
    Trashable,
    boolean,
    choice,
    day,
    document,
    identifier,
    index,
    integer,
    moment,
    norm,
    number,
    reference,
    state,
    text,
    unique,
)
from growbase.core.provenance import Generated
from growbase.core.subject import Subject
from growbase.domains.marketing.models import URL
from growbase.domains.marketing.models_analytics import NONE
from growbase.domains.marketing.models_generated import Platform
from growbase.domains.social.schemas import AutoApproval

ONE_PLATFORM = {"one_platform": "platform <> 'general'"}
"""The CHECK of tables whose rows are for one platform: ``general`` is for candidates only."""


class ApprovalMode(StrEnum):
    """Who approves a piece: nobody, a person, or a person only where a condition fails."""

    AUTO = "auto"
    MANUAL = "manual"
    CONDITIONAL = "conditional"


class StrategyStatus(StrEnum):
    """Where a strategy stands; one at most is active."""

    GENERATING = "generating"
    PROPOSED = "proposed"
    ACTIVE = "active"
    REJECTED = "rejected"
    ARCHIVED = "archived"
    FAILED = "failed"


class Cadence(StrEnum):
    """How often a series appears."""

    DAILY = "daily"
    WEEKLY = "weekly"
    BIWEEKLY = "biweekly"
    MONTHLY = "monthly"


class SeriesStatus(StrEnum):
    """Where a series stands."""

    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class PieceType(StrEnum):
    """The form of a piece."""

    POST = "post"
    THREAD = "thread"
    STORY = "story"
    REEL = "reel"
    SHORT = "short"
    CAROUSEL = "carousel"
    POLL = "poll"


class PieceStatus(StrEnum):
    """Where a piece stands; from ``scheduled`` to ``failed`` it follows from its posts."""

    DRAFT = "draft"
    PENDING_REVIEW = "pending_review"
    APPROVED = "approved"
    REJECTED = "rejected"
    SCHEDULED = "scheduled"
    PARTIALLY_PUBLISHED = "partially_published"
    PUBLISHED = "published"
    FAILED = "failed"
    ARCHIVED = "archived"


class SummaryStatus(StrEnum):
    """Where the summary of a week stands."""

    GENERATING = "generating"
    READY = "ready"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"
    FAILED = "failed"


class Founder(Trashable, Owned):
    """A person the organization speaks through; one at most is the primary one."""

    __tablename__ = "founders"
    __subject__: ClassVar[Subject | None] = Subject(address="email")

    name: Mapped[str] = text(max_length=200, min_length=1, personal=True)
    role: Mapped[str | None] = text(max_length=200)
    email: Mapped[str | None] = text(max_length=320, personal=True)
    bio: Mapped[str | None] = text(personal=True)
    image_url: Mapped[str | None] = text(max_length=2_000, pattern=URL, personal=True)
    linkedin_url: Mapped[str | None] = text(max_length=2_000, pattern=URL, personal=True)
    twitter_handle: Mapped[str | None] = text(max_length=100, personal=True)
    is_primary: Mapped[bool] = boolean(default=False)

    __indexes__: ClassVar[tuple[Key, ...]] = (unique("is_primary", where="is_primary"), index("name", "id"))


class BrandRule(Owned):
    """What pieces must and must not say: the rules of one brand, or of the organization where it names none."""

    __tablename__ = "brand_rules"

    brand_id: Mapped[UUID | None] = reference("brands", on_purge="cascade", writable="create")
    tone: Mapped[str | None] = text(max_length=2_000)
    voice: Mapped[str | None] = text(max_length=2_000)
    allowed_phrases: Mapped[list[str]] = document(default=list)
    forbidden_phrases: Mapped[list[str]] = document(default=list)
    allowed_hashtags: Mapped[list[str]] = document(default=list)
    forbidden_hashtags: Mapped[list[str]] = document(default=list)
    claims_to_avoid: Mapped[list[str]] = document(default=list)
    compliance_notes: Mapped[str | None] = text()
    legal_disclaimer: Mapped[str | None] = text()
    approval_mode: Mapped[ApprovalMode] = choice(ApprovalMode, default=ApprovalMode.MANUAL)
    auto_approval_rules: Mapped[AutoApproval | None] = document()
    rules_version: Mapped[int] = integer(ge=1, default=1, writable="never")

    # One set of rules for each brand, and one for no brand.
    __indexes__: ClassVar[tuple[Key, ...]] = (unique(f"coalesce(brand_id, {NONE})"),)


class AiStrategy(Generated, Owned):
    """A strategy that a model wrote: what it says stays as it came, people accept or reject it."""

    __tablename__ = "ai_strategies"

    version_number: Mapped[int] = integer(ge=1, writable="never")
    status: Mapped[StrategyStatus] = state(StrategyStatus.GENERATING)
    positioning: Mapped[dict[str, Any]] = document(default=dict, writable="never")
    audience_segments: Mapped[list[Any]] = document(default=list, writable="never")
    content_pillars: Mapped[list[Any]] = document(default=list, writable="never")
    channel_plan: Mapped[dict[str, Any]] = document(default=dict, writable="never")
    cadence: Mapped[dict[str, Any]] = document(default=dict, writable="never")
    calendar_skeleton: Mapped[list[Any]] = document(default=list, writable="never")
    generated_by: Mapped[str | None] = text(max_length=200, writable="never")
    confidence: Mapped[float | None] = number(ge=0, le=1, writable="never")
    error: Mapped[str | None] = text(max_length=2_000, writable="never")
    accepted_at: Mapped[datetime | None] = moment(writable="never")
    accepted_by: Mapped[UUID | None] = identifier()
    supersedes_id: Mapped[UUID | None] = reference("ai_strategies", on_purge="null", writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("version_number"),
        index("version_number", "id"),
        unique("status", where="status = 'active'"),
        unique("job_id", where="job_id IS NOT NULL"),
    )


class ContentPillar(Trashable, Owned):
    """A theme that pieces belong to."""

    __tablename__ = "content_pillars"

    name: Mapped[str] = text(max_length=200, min_length=1)
    name_norm: Mapped[str] = norm("name")
    description: Mapped[str | None] = text()
    color: Mapped[str | None] = text(max_length=30)
    emoji: Mapped[str | None] = text(max_length=20)
    is_active: Mapped[bool] = boolean(default=True)
    sort_order: Mapped[int] = integer(default=0)
    strategy_id: Mapped[UUID | None] = reference("ai_strategies", on_purge="null", writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("name_norm"),
        index("name", "id"),
        index("sort_order", "id"),
    )


class Series(Trashable, Owned):
    """Pieces that appear one after the other on one platform."""

    __tablename__ = "series"

    name: Mapped[str] = text(max_length=200, min_length=1)
    description: Mapped[str | None] = text()
    platform: Mapped[Platform] = choice(Platform, writable="create")
    cadence: Mapped[Cadence] = choice(Cadence)
    total_posts: Mapped[int | None] = integer(ge=1)
    status: Mapped[SeriesStatus] = state(SeriesStatus.ACTIVE)
    start_at: Mapped[datetime | None] = moment()
    end_at: Mapped[datetime | None] = moment()

    __indexes__: ClassVar[tuple[Key, ...]] = (index("name", "id"),)
    __checks__: ClassVar[dict[str, str]] = {
        **ONE_PLATFORM,
        "end_at": "end_at IS NULL OR start_at IS NULL OR end_at >= start_at",
    }


class ContentPiece(Trashable, Owned):
    """What is said on one platform; its posts say on which accounts and when."""

    __tablename__ = "content_pieces"

    platform: Mapped[Platform] = choice(Platform, writable="create")
    type: Mapped[PieceType] = choice(PieceType, default=PieceType.POST)
    status: Mapped[PieceStatus] = state(PieceStatus.DRAFT)
    title: Mapped[str | None] = text(max_length=300)
    body: Mapped[str] = text(max_length=100_000)
    hook: Mapped[str | None] = text(max_length=2_000)
    cta: Mapped[str | None] = text(max_length=2_000)
    hashtags: Mapped[list[str]] = document(default=list)
    mentions: Mapped[list[str]] = document(default=list)
    thread_parts: Mapped[list[str] | None] = document()
    pillar_id: Mapped[UUID | None] = reference("content_pillars", on_purge="null")
    series_id: Mapped[UUID | None] = reference("series", on_purge="null")
    sequence_no: Mapped[int | None] = integer(ge=1)
    # Reports name the campaign of a piece, also when it is purged: then it stays as a tombstone.
    campaign_id: Mapped[UUID | None] = reference("campaigns")
    content_id: Mapped[UUID | None] = reference("contents", on_purge="null")
    generated_content_id: Mapped[UUID | None] = reference("generated_contents", on_purge="null")
    rationale: Mapped[str | None] = text()
    confidence: Mapped[float | None] = number(ge=0, le=1)
    generated_by: Mapped[str | None] = text(max_length=200, writable="create")
    expires_at: Mapped[datetime | None] = moment()
    body_hash: Mapped[str] = text(max_length=64, writable="never", hidden=True)
    approved_by: Mapped[UUID | None] = identifier()
    approved_at: Mapped[datetime | None] = moment(writable="never")
    approved_rules_version: Mapped[int | None] = integer(writable="never")
    rejection_reason: Mapped[str | None] = text(max_length=2_000, writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("series_id", "sequence_no", where="series_id IS NOT NULL AND sequence_no IS NOT NULL"),
        index("status", "updated_at", "id"),
        index("platform", "status"),
        index("series_id", "sequence_no"),
        index("pillar_id"),
    )
    __checks__: ClassVar[dict[str, str]] = ONE_PLATFORM


class PieceAsset(Owned):
    """A file that is published with a piece, in its place; written only as a whole set."""

    __tablename__ = "piece_assets"
    __subject__: ClassVar[Subject | None] = Subject(of="asset_id")

    piece_id: Mapped[UUID] = reference("content_pieces", on_purge="cascade", writable="never")
    asset_id: Mapped[UUID] = reference("assets", writable="never")
    position: Mapped[int] = integer(ge=0, writable="never")
    alt_text: Mapped[str | None] = text(max_length=2_000, writable="never", personal=True)

    __indexes__: ClassVar[tuple[Key, ...]] = (unique("piece_id", "position"),)


class WeeklySummary(Generated, Owned):
    """What a week brought, told by a model from the figures of its posts."""

    __tablename__ = "weekly_summaries"

    week_start: Mapped[date] = day(writable="never")
    week_end: Mapped[date] = day(writable="never")
    status: Mapped[SummaryStatus] = state(SummaryStatus.GENERATING)
    report_md: Mapped[str | None] = text(max_length=100_000, writable="never")
    recommendations: Mapped[list[Any] | None] = document(writable="never")
    key_insights: Mapped[list[Any] | None] = document(writable="never")
    total_posts: Mapped[int] = integer(ge=0, default=0, writable="never")
    avg_engagement: Mapped[float | None] = number(writable="never")
    top_post_id: Mapped[UUID | None] = reference("scheduled_posts", on_purge="null", writable="never")
    confidence: Mapped[float | None] = number(ge=0, le=1, writable="never")
    error: Mapped[str | None] = text(max_length=2_000, writable="never")
    accepted_at: Mapped[datetime | None] = moment(writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (unique("week_start"), index("week_start", "id"))
