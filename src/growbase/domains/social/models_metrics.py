"""Tables of what came of posts and accounts: running totals as the platforms report them, never added up."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped

from growbase.core.model import Fact, Key, choice, day, document, index, integer, moment, number, reference, unique
from growbase.domains.marketing.models_generated import Platform
from growbase.domains.social.models_publishing import fact_key

GAUGES = (
    "impressions",
    "reach",
    "likes",
    "comments",
    "shares",
    "saves",
    "clicks",
    "website_clicks",
    "video_views",
    "signups",
    "demos",
)
"""Running totals of a post since it was published: the newest counts, and growth is a difference."""


class PostMetricSnapshot(Fact):
    """The totals of a post as a platform reported them in an hour; NULL where it reports none, which is not zero."""

    __tablename__ = "post_metric_snapshots"
    __scope__ = "organization_id"

    organization_id: Mapped[UUID] = fact_key(order=-10)
    id: Mapped[UUID] = fact_key(order=-9)
    scheduled_post_id: Mapped[UUID] = reference("scheduled_posts")
    social_account_id: Mapped[UUID] = reference("social_accounts")
    content_piece_id: Mapped[UUID | None] = reference("content_pieces", on_purge="null")
    platform: Mapped[Platform] = choice(Platform)
    bucket_at: Mapped[datetime] = moment()
    collected_at: Mapped[datetime] = moment()
    impressions: Mapped[int | None] = integer(ge=0)
    reach: Mapped[int | None] = integer(ge=0)
    likes: Mapped[int | None] = integer(ge=0)
    comments: Mapped[int | None] = integer(ge=0)
    shares: Mapped[int | None] = integer(ge=0)
    saves: Mapped[int | None] = integer(ge=0)
    clicks: Mapped[int | None] = integer(ge=0)
    website_clicks: Mapped[int | None] = integer(ge=0)
    video_views: Mapped[int | None] = integer(ge=0)
    signups: Mapped[int | None] = integer(ge=0)
    demos: Mapped[int | None] = integer(ge=0)
    followers_total: Mapped[int | None] = integer(ge=0)
    engagement_rate: Mapped[float | None] = number(ge=0)
    ctr: Mapped[float | None] = number(ge=0)
    raw: Mapped[dict[str, Any] | None] = document()

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("scheduled_post_id", "bucket_at"),
        index("platform", "bucket_at"),
        index("content_piece_id", "bucket_at"),
        index("bucket_at", "id"),
    )


class AccountMetricDaily(Fact):
    """The totals of an account on a day, as last seen that day."""

    __tablename__ = "account_metric_daily"
    __scope__ = "organization_id"

    organization_id: Mapped[UUID] = fact_key(order=-10)
    id: Mapped[UUID] = fact_key(order=-9)
    social_account_id: Mapped[UUID] = reference("social_accounts")
    day: Mapped[date] = day()
    collected_at: Mapped[datetime] = moment()
    followers: Mapped[int | None] = integer(ge=0)
    following: Mapped[int | None] = integer(ge=0)
    posts: Mapped[int | None] = integer(ge=0)

    __indexes__: ClassVar[tuple[Key, ...]] = (unique("social_account_id", "day"), index("day", "id"))
