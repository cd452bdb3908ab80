"""The analytic views: every child is added up in a subquery of its own, so that no join multiplies a count.

The subqueries depend on the outer row, so a page of twenty rows costs twenty look-ups however large the tenant is.
Counts come from the rollup, which outlives the events. A figure nothing was reported for is NULL, not zero.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped

from growbase.core.model import View, boolean, choice, currency, identifier, integer, moment, number, text
from growbase.domains.marketing.models import CampaignStatus, CampaignType

ENGINES = ("sqlite", "postgresql")


class ContentSource(StrEnum):
    """Which table a row of the content performance comes from."""

    GENERATED = "generated"
    CONTENT = "content"
    PIECE = "piece"


def _events(event_type: str, column: str, row: str) -> str:
    """Return the subquery that sums one type of event of a row."""
    return (
        f"(SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = {row}.organization_id "
        f"AND d.{column} = {row}.id AND d.event_type = '{event_type}')"
    )


def _integer(engine: str, sql: str) -> str:
    # PostgreSQL's sum of bigint is numeric, whose JSON and Python form is another.
    return f"({sql})::bigint" if engine == "postgresql" else sql


def _null(engine: str, kind: str) -> str:
    """Return what stands for a column whose tables are not here yet; PostgreSQL wants its type."""
    return f"NULL::{kind}" if engine == "postgresql" else "NULL"


def _ratio(engine: str, over: str, under: str) -> str:
    real = "double precision" if engine == "postgresql" else "REAL"
    return f"CAST({over} AS {real}) / nullif({under}, 0)"


def _count(table: str, where: str) -> str:
    return f"(SELECT count(*) FROM {table} x WHERE x.organization_id = {where} AND x.deleted_at IS NULL)"


def _campaign_summary(engine: str) -> str:
    own = "c.organization_id AND x.campaign_id = c.id"
    clicks, impressions = _events("click", "campaign_id", "c"), _events("impression", "campaign_id", "c")
    conversions = _events("conversion", "campaign_id", "c")
    paid = (
        "FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id "
        "AND d.event_type IN ('purchase', 'conversion') AND d.value_minor <> 0"
    )
    single = "count(DISTINCT coalesce(d.currency, '')) = 1"
    revenue = _integer(engine, f"SELECT CASE WHEN {single} THEN sum(d.value_minor) END {paid}")
    return f"""
SELECT c.organization_id, c.id, c.id AS campaign_id, c.name, c.campaign_type, c.status,
  b.name AS brand_name, u.username AS owner_username, u.full_name AS owner_full_name,
  c.start_at, c.end_at, c.created_at, c.updated_at,
  {_count("journeys", own)} AS journey_count,
  {_count("contents", own)} AS content_count,
  0 AS generated_content_count, 0 AS selected_content_count, 0 AS published_post_count, 0 AS asset_count,
  {_integer(engine, impressions)} AS impressions,
  {_integer(engine, clicks)} AS clicks,
  {_integer(engine, conversions)} AS conversions,
  {_ratio(engine, clicks, impressions)} AS ctr,
  {revenue if engine == "postgresql" else f"({revenue})"} AS revenue_minor,
  (SELECT CASE WHEN {single} THEN max(d.currency) END {paid}) AS currency,
  (SELECT max(d.last_event_at) FROM analytics_daily d
    WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id) AS last_event_at
FROM campaigns c
LEFT JOIN brands b ON b.organization_id = c.organization_id AND b.id = c.brand_id
LEFT JOIN users u ON u.id = c.owner_user_id
WHERE c.deleted_at IS NULL"""


class CampaignSummary(View):
    """A campaign with the size and the success of what belongs to it."""

    __tablename__ = "campaign_summary"

    id: Mapped[UUID] = identifier()
    campaign_id: Mapped[UUID] = identifier()
    name: Mapped[str] = text()
    campaign_type: Mapped[CampaignType] = choice(CampaignType)
    status: Mapped[CampaignStatus] = choice(CampaignStatus)
    brand_name: Mapped[str | None] = text()
    owner_username: Mapped[str | None] = text()
    owner_full_name: Mapped[str | None] = text()
    start_at: Mapped[datetime | None] = moment()
    end_at: Mapped[datetime | None] = moment()
    created_at: Mapped[datetime] = moment()
    updated_at: Mapped[datetime] = moment()
    journey_count: Mapped[int] = integer()
    content_count: Mapped[int] = integer()
    generated_content_count: Mapped[int] = integer()
    selected_content_count: Mapped[int] = integer()
    published_post_count: Mapped[int] = integer()
    asset_count: Mapped[int] = integer()
    impressions: Mapped[int | None] = integer()
    clicks: Mapped[int | None] = integer()
    conversions: Mapped[int | None] = integer()
    ctr: Mapped[float | None] = number()
    revenue_minor: Mapped[int | None] = integer()
    currency: Mapped[str | None] = currency()
    last_event_at: Mapped[datetime | None] = moment()

    __sql__: ClassVar[Mapping[str, str]] = {engine: _campaign_summary(engine) for engine in ENGINES}


def _user_activity_summary(engine: str) -> str:
    own = "m.organization_id AND x.owner_user_id = m.user_id"
    now = "now()" if engine == "postgresql" else "strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'"
    # A session names its organization once one is chosen; before that it belongs to the person alone.
    session = "FROM sessions s WHERE s.user_id = m.user_id AND s.organization_id = m.organization_id"
    return f"""
SELECT m.organization_id, m.user_id AS id, m.user_id, u.username, u.email, u.created_at AS user_since, u.last_login_at,
  (SELECT max(s.last_activity_at) {session}) AS last_activity_at,
  {_count("campaigns", own)} AS total_campaigns,
  {_count("campaigns", own + " AND x.status = 'active'")} AS active_campaigns,
  {_count("campaigns", own + " AND x.status = 'completed'")} AS completed_campaigns,
  0 AS total_content_generated, 0 AS selected_content_count, 0 AS published_posts, 0 AS messages_sent,
  (SELECT count(*) {session} AND s.revoked_at IS NULL AND s.rotated_at IS NULL
    AND s.expires_at > {now}) AS active_session_count
FROM memberships m
JOIN users u ON u.id = m.user_id
WHERE u.deleted_at IS NULL AND m.status <> 'disabled'"""


class UserActivitySummary(View):
    """What a member of the organization has done; members without campaigns appear with zeros."""

    __tablename__ = "user_activity_summary"

    id: Mapped[UUID] = identifier()
    user_id: Mapped[UUID] = identifier()
    username: Mapped[str | None] = text()
    email: Mapped[str] = text()
    user_since: Mapped[datetime] = moment()
    last_login_at: Mapped[datetime | None] = moment()
    last_activity_at: Mapped[datetime | None] = moment()
    total_campaigns: Mapped[int] = integer()
    active_campaigns: Mapped[int] = integer()
    completed_campaigns: Mapped[int] = integer()
    total_content_generated: Mapped[int] = integer()
    selected_content_count: Mapped[int] = integer()
    published_posts: Mapped[int] = integer()
    messages_sent: Mapped[int] = integer()
    active_session_count: Mapped[int] = integer()

    __sql__: ClassVar[Mapping[str, str]] = {engine: _user_activity_summary(engine) for engine in ENGINES}


def _content_performance(engine: str) -> str:
    null = partial(_null, engine)
    figures = {name: _events(name, "content_id", "c") for name in ("impression", "click", "share", "conversion")}
    engaged = (
        "(SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id "
        "AND d.content_id = c.id AND d.event_type IN ('click', 'engagement', 'share'))"
    )
    return f"""
SELECT c.organization_id, c.id, 'content' AS source, c.id AS content_id, c.campaign_id, k.name AS campaign_name,
  c.type AS content_type, c.channel AS platform, c.title, c.status,
  {null("boolean")} AS is_selected, c.status = 'published' AS is_published,
  {null("timestamptz")} AS scheduled_for, c.published_at,
  {null("bigint")} AS user_rating, {null("double precision")} AS predicted_engagement,
  {_integer(engine, figures["impression"])} AS impressions,
  {null("bigint")} AS reach,
  {_integer(engine, figures["click"])} AS clicks,
  {null("bigint")} AS likes, {null("bigint")} AS comments,
  {_integer(engine, figures["share"])} AS shares,
  {_integer(engine, figures["conversion"])} AS conversions,
  {_ratio(engine, engaged, figures["impression"])} AS engagement_rate,
  {_ratio(engine, figures["click"], figures["impression"])} AS ctr,
  (SELECT max(d.last_event_at) FROM analytics_daily d
    WHERE d.organization_id = c.organization_id AND d.content_id = c.id) AS metrics_as_of,
  c.created_at, u.username
FROM contents c
JOIN campaigns k ON k.organization_id = c.organization_id AND k.id = c.campaign_id
LEFT JOIN users u ON u.id = c.created_by
WHERE c.deleted_at IS NULL"""


class ContentPerformance(View):
    """A content with what it achieved."""

    __tablename__ = "content_performance"

    id: Mapped[UUID] = identifier()
    source: Mapped[ContentSource] = choice(ContentSource)
    content_id: Mapped[UUID] = identifier()
    campaign_id: Mapped[UUID | None] = identifier()
    campaign_name: Mapped[str | None] = text()
    content_type: Mapped[str] = text()
    platform: Mapped[str | None] = text()
    title: Mapped[str | None] = text()
    status: Mapped[str | None] = text()
    is_selected: Mapped[bool | None] = boolean()
    is_published: Mapped[bool] = boolean()
    scheduled_for: Mapped[datetime | None] = moment()
    published_at: Mapped[datetime | None] = moment()
    user_rating: Mapped[int | None] = integer()
    predicted_engagement: Mapped[float | None] = number()
    impressions: Mapped[int | None] = integer()
    reach: Mapped[int | None] = integer()
    clicks: Mapped[int | None] = integer()
    likes: Mapped[int | None] = integer()
    comments: Mapped[int | None] = integer()
    shares: Mapped[int | None] = integer()
    conversions: Mapped[int | None] = integer()
    engagement_rate: Mapped[float | None] = number()
    ctr: Mapped[float | None] = number()
    metrics_as_of: Mapped[datetime | None] = moment()
    created_at: Mapped[datetime] = moment()
    username: Mapped[str | None] = text()

    __sql__: ClassVar[Mapping[str, str]] = {engine: _content_performance(engine) for engine in ENGINES}
