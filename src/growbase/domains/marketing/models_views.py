"""The analytic views of campaigns and of what people did."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped

from growbase.core.model import View, choice, currency, identifier, integer, moment, number, text
from growbase.domains.marketing import view_sql
from growbase.domains.marketing.models import CampaignStatus, CampaignType
from growbase.domains.marketing.view_sql import ENGINES, count, ratio


def _events(event_type: str) -> str:
    """Return the subquery that sums one type of event of a campaign."""
    return (
        "(SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id "
        f"AND d.campaign_id = c.id AND d.event_type = '{event_type}')"
    )


def _campaign_posts() -> str:
    published = f"s.organization_id = x.organization_id AND s.content_piece_id = x.id AND {view_sql.PUBLISHED}"
    own = "x.organization_id = c.organization_id AND x.campaign_id = c.id AND x.deleted_at IS NULL"
    return count("content_pieces x CROSS JOIN scheduled_posts s", f"{own} AND {published}")


def _campaign_summary(engine: str) -> str:
    own = "x.organization_id = c.organization_id AND x.campaign_id = c.id"
    live = f"{own} AND x.deleted_at IS NULL"
    clicks, impressions, conversions = _events("click"), _events("impression"), _events("conversion")
    written, generated = count("contents x", live), count("generated_contents x", own)
    paid = (
        "FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id "
        "AND d.event_type IN ('purchase', 'conversion') AND d.value_minor <> 0"
    )
    single = "count(DISTINCT coalesce(d.currency, '')) = 1"
    revenue = f"SELECT CASE WHEN {single} THEN sum(d.value_minor) END {paid}"
    return f"""
SELECT c.organization_id, c.id, c.id AS campaign_id, c.name, c.campaign_type, c.status,
  b.name AS brand_name, u.username AS owner_username, u.full_name AS owner_full_name,
  c.start_at, c.end_at, c.created_at, c.updated_at,
  {count("journeys x", live)} AS journey_count,
  {written} + {generated} AS content_count,
  {written} AS written_content_count,
  {generated} AS generated_content_count,
  {count("generated_contents x", f"{own} AND x.is_selected")} AS selected_content_count,
  {_campaign_posts()} AS published_post_count,
  {count("assets x", live)} AS asset_count,
  {view_sql.integer(engine, impressions)} AS impressions,
  {view_sql.integer(engine, clicks)} AS clicks,
  {view_sql.integer(engine, conversions)} AS conversions,
  {ratio(engine, clicks, impressions)} AS ctr,
  {view_sql.integer(engine, revenue)} AS revenue_minor,
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
    written_content_count: Mapped[int] = integer()
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


def _user_posts() -> str:
    own = "x.organization_id = m.organization_id AND x.created_by = m.user_id"
    return count("scheduled_posts x", f"{own} AND x.status = 'published'")


def _user_messages() -> str:
    """Return what the campaigns of a person sent, and what they sent by hand; jobs write the rows of campaigns."""
    outbound = "x.direction = 'outbound'"
    campaigns = "o.organization_id = m.organization_id AND o.created_by = m.user_id"
    theirs = f"{campaigns} AND x.organization_id = o.organization_id AND x.outreach_campaign_id = o.id AND {outbound}"
    own = "x.organization_id = m.organization_id AND x.created_by = m.user_id AND x.outreach_campaign_id IS NULL"
    by_campaign = count("outreach_campaigns o CROSS JOIN messages x", theirs, "x.sent_at")
    return f"{by_campaign} + {count('messages x', f'{own} AND {outbound}', 'x.sent_at')}"


def _user_activity_summary(engine: str) -> str:
    own = "x.organization_id = m.organization_id AND x.owner_user_id = m.user_id AND x.deleted_at IS NULL"
    # Candidates are written by jobs, so they are the owner's of their campaign.
    generated = "campaigns x CROSS JOIN generated_contents g"
    of_owner = f"{own} AND g.organization_id = x.organization_id AND g.campaign_id = x.id"
    now = "now()" if engine == "postgresql" else "strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'"
    # A session names its organization once one is chosen; before that it belongs to the person alone.
    session = "FROM sessions s WHERE s.user_id = m.user_id AND s.organization_id = m.organization_id"
    return f"""
SELECT m.organization_id, m.user_id AS id, m.user_id, u.username, u.email, u.created_at AS user_since, u.last_login_at,
  (SELECT max(s.last_activity_at) {session}) AS last_activity_at,
  {count("campaigns x", own)} AS total_campaigns,
  {count("campaigns x", f"{own} AND x.status = 'active'")} AS active_campaigns,
  {count("campaigns x", f"{own} AND x.status = 'completed'")} AS completed_campaigns,
  {count(generated, of_owner)} AS total_content_generated,
  {count(generated, f"{of_owner} AND g.is_selected")} AS selected_content_count,
  {_user_posts()} AS published_posts,
  {_user_messages()} AS messages_sent,
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
