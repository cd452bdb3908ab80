"""Tables of what people did: events as they came in, their daily sums, and who was shown which variant."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from growbase.core import types
from growbase.core.model import (
    Fact,
    Key,
    Retention,
    Rule,
    choice,
    currency,
    day,
    document,
    identifier,
    index,
    integer,
    moment,
    reference,
    text,
    unique,
)

NONE = "'00000000-0000-0000-0000-000000000000'"
"""Stands for no id inside a unique key, where two NULLs would count as different."""

DAILY_KEY = (
    "organization_id",
    "day",
    f"coalesce(campaign_id, {NONE})",
    f"coalesce(content_id, {NONE})",
    f"coalesce(variant_id, {NONE})",
    "event_type",
    "coalesce(currency, '')",
)
"""What differs between two rows of the rollup: the terms of its unique index."""


class EventType(StrEnum):
    """What somebody did."""

    IMPRESSION = "impression"
    VIEW = "view"
    CLICK = "click"
    OPEN = "open"
    CONVERSION = "conversion"
    ENGAGEMENT = "engagement"
    SHARE = "share"
    DOWNLOAD = "download"
    SIGNUP = "signup"
    PURCHASE = "purchase"
    BOUNCE = "bounce"
    UNSUBSCRIBE = "unsubscribe"


def _key(*, order: int) -> Any:  # noqa: ANN401 -- a column declaration
    rule = Rule("identifier", writable="never")
    return mapped_column(types.Identifier(), primary_key=True, sort_order=order, info={"rule": rule})


class VariantAssignment(Fact):
    """The variant a subject was shown first, and is shown for as long as it is active."""

    __tablename__ = "variant_assignments"
    __scope__ = "organization_id"

    organization_id: Mapped[UUID] = _key(order=-10)
    id: Mapped[UUID] = _key(order=-9)
    content_id: Mapped[UUID] = reference("contents", on_purge="cascade")
    subject_key: Mapped[str] = text(max_length=200, min_length=1)
    variant_id: Mapped[UUID] = reference("content_variants", on_purge="cascade")
    assigned_at: Mapped[datetime] = moment()

    __indexes__: ClassVar[tuple[Key, ...]] = (unique("content_id", "subject_key"),)


class AnalyticsEvent(Fact):
    """Something that happened, once: never changed, corrected only by an event that reverses it.

    The organization has no foreign key here, since only its own actors can write it and each event would pay for it.
    """

    __tablename__ = "analytics_events"
    __scope__ = "organization_id"

    organization_id: Mapped[UUID] = _key(order=-10)
    id: Mapped[UUID] = _key(order=-9)
    event_key: Mapped[str] = text(max_length=200, min_length=1)
    campaign_id: Mapped[UUID | None] = reference("campaigns")
    journey_id: Mapped[UUID | None] = reference("journeys", on_purge="null")
    content_id: Mapped[UUID | None] = reference("contents", on_purge="null")
    variant_id: Mapped[UUID | None] = reference("content_variants", on_purge="null")
    event_type: Mapped[EventType] = choice(EventType)
    occurred_at: Mapped[datetime] = moment()
    received_at: Mapped[datetime] = moment()
    session_id: Mapped[str | None] = text(max_length=200)
    subject_key: Mapped[str | None] = text(max_length=200)
    source: Mapped[str | None] = text(max_length=100)
    value_minor: Mapped[int | None] = integer()
    currency: Mapped[str | None] = currency()
    metrics: Mapped[dict[str, Any]] = document(default=dict)
    dims: Mapped[dict[str, Any] | None] = document()
    campaign_label: Mapped[str | None] = text(max_length=300)
    content_label: Mapped[str | None] = text(max_length=300)
    reverses_key: Mapped[str | None] = text(max_length=200)

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("event_key"),
        index("campaign_id", "event_type", "occurred_at", where="campaign_id IS NOT NULL"),
        index("content_id", "occurred_at", where="content_id IS NOT NULL"),
        index("occurred_at"),
        index("journey_id", where="journey_id IS NOT NULL"),
        index("variant_id", where="variant_id IS NOT NULL"),
    )
    __monthly__: ClassVar[str | None] = "event_key"
    __retention__: ClassVar[tuple[Retention, ...]] = (Retention("occurred_at", "analytics_days"),)


class AnalyticsDaily(Fact):
    """Events added up per day of the organization's time zone; kept for ever, when campaigns and events are gone.

    ``unique_subjects`` is exact once ``rebuild_day`` has run; until then each batch adds its own distinct subjects, so
    that it is an upper bound. It never adds up over rows. Money is never added up across currencies.
    """

    __tablename__ = "analytics_daily"
    __scope__ = "organization_id"

    organization_id: Mapped[UUID] = _key(order=-10)
    id: Mapped[UUID] = _key(order=-9)
    day: Mapped[date] = day()
    campaign_id: Mapped[UUID | None] = identifier()
    content_id: Mapped[UUID | None] = identifier()
    variant_id: Mapped[UUID | None] = identifier()
    event_type: Mapped[EventType] = choice(EventType)
    currency: Mapped[str | None] = currency()
    count: Mapped[int] = integer(default=0)
    unique_subjects: Mapped[int] = integer(default=0)
    value_minor: Mapped[int] = integer(default=0)
    last_event_at: Mapped[datetime] = moment()

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique(*DAILY_KEY),
        index("campaign_id", "event_type", "day"),
        index("content_id", "event_type", where="content_id IS NOT NULL"),
    )
