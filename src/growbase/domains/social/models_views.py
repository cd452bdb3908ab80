"""The view of series: how far each has come."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped

from growbase.core.model import View, choice, identifier, integer, moment, text
from growbase.domains.marketing.models_generated import Platform
from growbase.domains.social.models import Cadence, SeriesStatus

_PIECES = (
    "FROM content_pieces c WHERE c.organization_id = s.organization_id AND c.series_id = s.id AND c.deleted_at IS NULL"
)
_POSTS = (
    "FROM content_pieces c JOIN scheduled_posts p ON p.organization_id = c.organization_id "
    "AND p.content_piece_id = c.id WHERE c.organization_id = s.organization_id AND c.series_id = s.id "
    "AND c.deleted_at IS NULL"
)


class SeriesProgress(View):
    """A series with its pieces: written, published, and when the next one is due."""

    __tablename__ = "series_progress"

    id: Mapped[UUID] = identifier()
    name: Mapped[str] = text()
    platform: Mapped[Platform] = choice(Platform)
    cadence: Mapped[Cadence] = choice(Cadence)
    status: Mapped[SeriesStatus] = choice(SeriesStatus)
    total_posts: Mapped[int | None] = integer()
    piece_count: Mapped[int] = integer()
    published_count: Mapped[int] = integer()
    next_post_at: Mapped[datetime | None] = moment()
    last_published_at: Mapped[datetime | None] = moment()
    created_at: Mapped[datetime] = moment()

    __sql__: ClassVar[Mapping[str, str]] = {
        "*": f"""
SELECT s.organization_id, s.id, s.name, s.platform, s.cadence, s.status, s.total_posts,
  (SELECT count(*) {_PIECES}) AS piece_count,
  (SELECT count(*) {_PIECES} AND c.status IN ('published', 'partially_published')) AS published_count,
  (SELECT min(p.next_attempt_at) {_POSTS} AND p.status IN ('scheduled', 'retrying')) AS next_post_at,
  (SELECT max(p.published_at) {_POSTS} AND p.status = 'published') AS last_published_at,
  s.created_at
FROM series s
WHERE s.deleted_at IS NULL"""
    }
