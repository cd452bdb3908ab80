"""Tables of what could be found better and of what sells how fast."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped

from growbase.core.model import (
    Key,
    Owned,
    choice,
    day,
    document,
    index,
    integer,
    moment,
    number,
    reference,
    state,
    text,
    unique,
)


class InsightSeverity(StrEnum):
    """How much an insight matters, the least first; rows are sorted by its rank."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


RANK = {severity: rank for rank, severity in enumerate(InsightSeverity)}


class InsightStatus(StrEnum):
    """Where an insight stands."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"


class SeoInsight(Owned):
    """Something a scan found that keeps a store from being found; its fingerprint tells it from others."""

    __tablename__ = "seo_insights"

    store_id: Mapped[UUID] = reference("stores", on_purge="cascade", writable="create")
    fingerprint: Mapped[str] = text(max_length=128, min_length=1, writable="create")
    title: Mapped[str] = text(max_length=300, min_length=1)
    description: Mapped[str] = text()
    severity: Mapped[InsightSeverity] = choice(InsightSeverity, default=InsightSeverity.MEDIUM)
    severity_rank: Mapped[int] = integer(ge=0, le=4, default=RANK[InsightSeverity.MEDIUM], writable="never")
    status: Mapped[InsightStatus] = state(InsightStatus.OPEN)
    category: Mapped[str | None] = text(max_length=100)
    resource_type: Mapped[str | None] = text(max_length=100)
    resource_id: Mapped[str | None] = text(max_length=100)
    resource_url: Mapped[str | None] = text(max_length=2_000)
    detected_at: Mapped[datetime] = moment(writable="never")
    last_seen_at: Mapped[datetime] = moment(writable="never")
    due_at: Mapped[datetime | None] = moment()
    completed_at: Mapped[datetime | None] = moment(writable="never")
    last_scan_id: Mapped[str | None] = text(max_length=100, writable="never")
    missed_scans: Mapped[int] = integer(ge=0, default=0, writable="never")
    metadata_: Mapped[dict[str, Any] | None] = document(name="metadata")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("store_id", "fingerprint"),
        index("store_id", "status", "severity_rank"),
        index("store_id", "detected_at"),
        index("severity_rank", "id"),
    )


class ProductVelocity(Owned):
    """How fast one article sold over a window of days, and what that means for its stock."""

    __tablename__ = "product_velocity"

    store_id: Mapped[UUID] = reference("stores", on_purge="cascade", writable="create")
    sku: Mapped[str] = text(max_length=100, min_length=1, writable="create")
    variant_id: Mapped[str | None] = text(max_length=100)
    product_title: Mapped[str | None] = text(max_length=300)
    recorded_for: Mapped[date] = day(writable="create")
    window_days: Mapped[int] = integer(ge=1, le=3_650, default=30, writable="create")
    average_daily_sales: Mapped[float] = number(ge=0, le=1e9)
    current_inventory: Mapped[int] = integer(ge=-(10**9), le=10**9)
    sell_through_bp: Mapped[int | None] = integer(ge=0, le=10_000)
    days_of_supply: Mapped[float | None] = number(ge=0, writable="never")
    projected_stockout_date: Mapped[date | None] = day(writable="never")
    recommended_reorder_qty: Mapped[int | None] = integer(ge=0, writable="never")
    computed_from: Mapped[dict[str, Any] | None] = document()

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("store_id", "sku", "recorded_for", "window_days"),
        index("store_id", "recorded_for"),
        index("store_id", "projected_stockout_date"),
        index("projected_stockout_date", "id"),
        index("sku", "id"),
    )
