"""The analytic view of what candidates, contents and pieces achieved.

The three tables are put together first and joined afterwards, so that both engines merge their indexes and a page costs
the same however large the tenant is. What belongs to a row is then looked up by its id, which no two of them share.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped

from growbase.core.model import View, boolean, choice, identifier, integer, moment, number, text
from growbase.domains.marketing import view_sql
from growbase.domains.marketing.view_sql import ENGINES, null, ratio


class ContentSource(StrEnum):
    """Which table a row of the content performance comes from."""

    GENERATED = "generated"
    CONTENT = "content"
    PIECE = "piece"


_PIECES = " UNION ALL ".join(
    "SELECT p.id FROM content_pieces p "
    f"WHERE p.organization_id = base.organization_id AND p.{column} = base.id AND p.deleted_at IS NULL"
    for column in ("id", "content_id", "generated_content_id")
)
"""The piece itself, or those made from a content or a candidate; with OR no engine would use all three indexes."""
_POSTS = (
    f"({_PIECES}) made CROSS JOIN scheduled_posts s "
    "WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id"
)
_SNAPSHOTS = (
    f"({_PIECES}) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n "
    "WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id "
    "AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id "
    "AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l "
    "WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id)"
)
"""The newest snapshot of each post: a snapshot counts from the beginning, so older ones add nothing."""
_EVENTS = (
    "analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id "
    "AND d.event_type IN ({types})"
)
_CONTENT = (
    "contents o WHERE o.organization_id = base.organization_id AND o.id = base.event_content_id "
    "AND o.deleted_at IS NULL"
)
"""The content itself, or the one that a candidate became."""

_SIGNED_UP = (
    "CASE WHEN n.signups IS NULL AND n.demos IS NULL THEN NULL ELSE coalesce(n.signups, 0) + coalesce(n.demos, 0) END"
)
_ENGAGED = (
    "CASE WHEN coalesce(n.likes, n.comments, n.shares, n.saves, n.clicks) IS NOT NULL THEN coalesce(n.likes, 0) "
    "+ coalesce(n.comments, 0) + coalesce(n.shares, 0) + coalesce(n.saves, 0) + coalesce(n.clicks, 0) END"
)
_WAITING = "s.status NOT IN ('draft', 'cancelled', 'failed', 'missed')"


def _figure(engine: str, event_types: tuple[str, ...], of_snapshot: str) -> str:
    """Return the subquery that adds up the events of these types and an expression over the newest snapshots."""
    parts = [f"SELECT {of_snapshot} AS v FROM {_SNAPSHOTS}"]
    if event_types:
        types = ", ".join(f"'{name}'" for name in event_types)
        parts.append(f"SELECT d.count AS v FROM {_EVENTS.format(types=types)}")
    return view_sql.integer(engine, f"SELECT sum(f.v) FROM ({' UNION ALL '.join(parts)}) f")


def _base(engine: str) -> str:
    """Return the rows of all sources, one plain SELECT of each table: a condition here would hide its index."""
    arms = [
        f"""
  SELECT c.organization_id, c.id, 'content' AS source, c.campaign_id, c.type AS content_type, c.channel AS platform,
    c.title, c.status, {null(engine, "boolean")} AS is_selected, {null(engine, "bigint")} AS user_rating,
    {null(engine, "double precision")} AS predicted_engagement, c.id AS event_content_id,
    c.created_at, c.created_by, c.deleted_at
  FROM contents c""",
        f"""
  SELECT g.organization_id, g.id, 'generated', g.campaign_id, g.type, g.platform, g.title, {null(engine, "text")},
    g.is_selected, g.user_rating, g.engagement_score, g.promoted_content_id,
    g.created_at, g.created_by, {null(engine, "timestamptz")}
  FROM generated_contents g""",
        f"""
  SELECT p.organization_id, p.id, 'piece', p.campaign_id, p.type, p.platform, p.title, p.status,
    {null(engine, "boolean")}, {null(engine, "bigint")}, {null(engine, "double precision")}, {null(engine, "uuid")},
    p.created_at, p.created_by, p.deleted_at
  FROM content_pieces p""",
    ]
    return "\n  UNION ALL".join(arms)


def _content_performance(engine: str) -> str:
    impressions = _figure(engine, ("impression",), "n.impressions")
    clicks = _figure(engine, ("click",), "n.clicks")
    engaged = _figure(engine, ("click", "engagement", "share"), _ENGAGED)
    published_content = f"EXISTS (SELECT 1 FROM {_CONTENT} AND o.status = 'published')"
    published_post = f"EXISTS (SELECT 1 FROM {_POSTS} AND {view_sql.PUBLISHED})"
    times = f"SELECT o.published_at AS at FROM {_CONTENT} UNION ALL SELECT s.published_at FROM {_POSTS}"
    of_content = "d.organization_id = base.organization_id AND d.content_id = base.event_content_id"
    measured = (
        f"SELECT d.last_event_at AS at FROM analytics_daily d WHERE {of_content} "
        f"UNION ALL SELECT n.collected_at FROM {_SNAPSHOTS}"
    )
    return f"""
SELECT base.organization_id, base.id, base.source, base.id AS content_id, base.campaign_id, k.name AS campaign_name,
  base.content_type, base.platform, base.title, base.status, base.is_selected,
  ({published_content} OR {published_post}) AS is_published,
  (SELECT min(s.scheduled_at) FROM {_POSTS} AND {_WAITING}) AS scheduled_for,
  (SELECT min(f.at) FROM ({times}) f) AS published_at,
  base.user_rating, base.predicted_engagement,
  {impressions} AS impressions,
  {_figure(engine, (), "n.reach")} AS reach,
  {clicks} AS clicks,
  {_figure(engine, (), "n.likes")} AS likes,
  {_figure(engine, (), "n.comments")} AS comments,
  {_figure(engine, ("share",), "n.shares")} AS shares,
  {_figure(engine, ("conversion",), _SIGNED_UP)} AS conversions,
  {ratio(engine, engaged, impressions)} AS engagement_rate,
  {ratio(engine, clicks, impressions)} AS ctr,
  (SELECT max(f.at) FROM ({measured}) f) AS metrics_as_of,
  base.created_at, u.username
FROM ({_base(engine)}
) base
LEFT JOIN campaigns k ON k.organization_id = base.organization_id AND k.id = base.campaign_id
LEFT JOIN users u ON u.id = base.created_by
WHERE base.deleted_at IS NULL"""


class ContentPerformance(View):
    """A candidate, a content or a piece with what it achieved.

    A candidate and a content show what came of them too, so figures are added up within one source only.
    """

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
