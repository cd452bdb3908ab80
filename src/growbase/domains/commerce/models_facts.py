"""Tables that are counted or computed: numbers given out within a store, and cached key figures."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from growbase.core import types
from growbase.core.model import Fact, Key, Rule, choice, document, index, integer, moment, reference, text, unique


class Granularity(StrEnum):
    """How finely a key figure is divided."""

    TOTAL = "total"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def _key(*, order: int) -> Any:  # noqa: ANN401 -- a column declaration
    rule = Rule("identifier", writable="never")
    return mapped_column(types.Identifier(), primary_key=True, sort_order=order, info={"rule": rule})


class StoreCounter(Fact):
    """The last number given out within a store, for tickets and for purchase orders."""

    __tablename__ = "store_counters"
    __scope__ = "organization_id"

    organization_id: Mapped[UUID] = _key(order=-10)
    id: Mapped[UUID] = _key(order=-9)
    store_id: Mapped[UUID] = reference("stores", on_purge="cascade")
    name: Mapped[str] = text(max_length=40)
    last_number: Mapped[int] = integer(ge=0)

    __indexes__: ClassVar[tuple[Key, ...]] = (unique("store_id", "name"),)


class KpiCache(Fact):
    """A key figure of a store over a range of its days; deleting a row loses nothing but time.

    A row without ``source_watermark`` has been asked for and not yet computed. ``wanted_at`` is within a day of when
    somebody last looked at it.
    """

    __tablename__ = "kpi_cache"
    __scope__ = "organization_id"

    organization_id: Mapped[UUID] = _key(order=-10)
    id: Mapped[UUID] = _key(order=-9)
    store_id: Mapped[UUID] = reference("stores", on_purge="cascade")
    metric_key: Mapped[str] = text(max_length=80, min_length=1)
    range_start: Mapped[datetime] = moment()
    range_end: Mapped[datetime] = moment()
    granularity: Mapped[Granularity] = choice(Granularity)
    payload: Mapped[dict[str, Any]] = document(default=dict)
    refreshed_at: Mapped[datetime] = moment()
    expires_at: Mapped[datetime | None] = moment()
    source_watermark: Mapped[datetime | None] = moment()
    refresh_lock_until: Mapped[datetime | None] = moment()
    wanted_at: Mapped[datetime | None] = moment()

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("store_id", "metric_key", "range_start", "range_end", "granularity"),
        index("expires_at", across=True),
    )
    __checks__: ClassVar[dict[str, str]] = {"range": "range_end > range_start"}
