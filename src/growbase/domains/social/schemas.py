"""Shapes of requests and documents of social that differ from their table."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from growbase.domains.identity.schemas import TimeZone
from growbase.domains.marketing.models import URL
from growbase.domains.marketing.models_generated import Platform

Reason = Annotated[str, Field(min_length=1, max_length=2_000)]
MOST_ROWS = 1_000
"""Posts that are scheduled at once."""
Token = Annotated[str, Field(max_length=8_000)]


class Shape(BaseModel):
    """A part of a request; an unknown field is an error, since it is a misspelt one."""

    model_config = ConfigDict(extra="forbid")


class AutoApproval(Shape):
    """What a piece must fulfil to be approved without a person; what is not said is not asked."""

    min_confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    platforms: list[Platform] | None = None
    max_length: Annotated[int, Field(ge=1)] | None = None


class AccountTokens(Shape):
    """The tokens of an account; no answer ever holds them."""

    access_token: Token | None = None
    refresh_token: Token | None = None


class BlueskyLogin(Shape):
    """Handle or DID and an app password; ``service`` where the personal data server can't be found by them."""

    handle: Annotated[str, Field(min_length=1, max_length=300)]
    app_password: Annotated[str, Field(min_length=1, max_length=300)]
    service: Annotated[str, Field(max_length=2_000)] | None = None
    founder_id: UUID | None = None


class PublishReceiver(Shape):
    """A program that publishes what it is sent, on which platform, and as whom."""

    url: Annotated[str, Field(max_length=300, pattern=URL)]
    platform: Platform
    handle: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    founder_id: UUID | None = None


class StrategyRequest(Shape):
    """What a new strategy should heed."""

    notes: Annotated[str, Field(max_length=4_000)] | None = None


class SummaryRequest(Shape):
    """The week to sum up: its Monday, or the last whole week."""

    week_start: date | None = None


class PieceRejection(Shape):
    """Why a piece was rejected."""

    reason: Reason | None = None


class AssetPlace(Shape):
    """A file of a piece."""

    asset_id: UUID
    alt_text: Annotated[str, Field(max_length=2_000)] | None = None


class PieceAssets(Shape):
    """The files a piece is to have, in their order."""

    assets: Annotated[list[AssetPlace], Field(max_length=50)]


class PieceSchedule(Shape):
    """Where and when a piece is to be published; a ``draft`` is planned only."""

    social_account_id: UUID
    scheduled_at: AwareDatetime
    timezone: TimeZone | None = None
    idempotency_key: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    draft: bool = False


class PostTime(Shape):
    """The new time of a post, if nobody changed it since ``version``."""

    scheduled_at: AwareDatetime
    timezone: TimeZone | None = None
    version: Annotated[int, Field(ge=1)] | None = None


class ScheduleRow(Shape):
    """One post of many: an approved piece, or the words of a new one, on an account at a time.

    ``account`` is its id or handle, ``mastodon:@us`` where two platforms have the same one. ``assets`` are ids or names
    of files. A ``draft`` is planned only.
    """

    account: Annotated[str, Field(min_length=1, max_length=400)]
    scheduled_at: AwareDatetime
    timezone: TimeZone | None = None
    content_piece_id: UUID | None = None
    text: Annotated[str, Field(min_length=1, max_length=100_000)] | None = None
    title: Annotated[str, Field(max_length=300)] | None = None
    hashtags: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=50)] = Field(default_factory=list)
    assets: Annotated[list[Annotated[str, Field(max_length=255)]], Field(max_length=50)] = Field(default_factory=list)
    draft: bool = False


class ScheduleMany(Shape):
    """Many posts at once: with ``reject`` all of them or none, with ``skip`` those that can be scheduled.

    ``approve`` approves new pieces that keep the brand's rules; without it their posts are planned only.
    """

    rows: Annotated[list[ScheduleRow], Field(min_length=1, max_length=MOST_ROWS)]
    on_error: Literal["reject", "skip"] = "reject"
    approve: bool = False


class PostResolution(Shape):
    """What a person found on the platform."""

    outcome: Literal["published", "not_published"]
    platform_post_id: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    platform_url: Annotated[str, Field(max_length=2_000)] | None = None


class Disconnection(Shape):
    """What becomes of the posts that wait for an account."""

    queued: Literal["refuse", "hold"] = "refuse"
