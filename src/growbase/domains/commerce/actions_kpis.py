"""The cache of key figures: reading it, keeping the newest value, and asking for a new one exactly once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from growbase.core import clock
from growbase.core.errors import InvalidQuery
from growbase.core.reads import Reads
from growbase.core.transaction import Transaction
from growbase.core.types import moment_text
from growbase.domains.commerce.actions_stores import REFRESH
from growbase.domains.commerce.models import Store, StoreStatus
from growbase.domains.commerce.models_facts import Granularity, KpiCache

FRESH = timedelta(minutes=15)
"""How long a figure is fresh."""
LOCK = timedelta(minutes=2)
"""After this long a refresh that never ended may be asked for again."""
NOTED = timedelta(days=1)
"""So long a look at a figure counts for the looks after it, which write nothing."""
LONGEST = timedelta(days=366 * 2)
QUEUE = "analytics_collection"


@dataclass(frozen=True, slots=True)
class KpiKey:
    """Which figure, of which store, over which of its days."""

    store_id: UUID
    metric: str
    start: datetime
    end: datetime
    granularity: Granularity = Granularity.TOTAL

    def columns(self) -> dict[str, Any]:
        """Return the columns of the cache's unique key."""
        return {
            "store_id": self.store_id,
            "metric_key": self.metric,
            "range_start": self.start,
            "range_end": self.end,
            "granularity": self.granularity,
        }

    def payload(self) -> dict[str, Any]:
        """Return the key as the payload of a job."""
        ends = {"start": moment_text(self.start), "end": moment_text(self.end)}
        return {"store_id": str(self.store_id), "metric": self.metric, **ends, "granularity": self.granularity.value}


@dataclass(frozen=True, slots=True)
class KpiReading:
    """A figure as the cache has it; ``stale`` and ``pending`` ones are being computed anew."""

    key: KpiKey
    state: Literal["fresh", "stale", "pending"]
    payload: Mapping[str, Any] | None = None
    refreshed_at: datetime | None = None
    expires_at: datetime | None = None
    source_watermark: datetime | None = None
    wanted_at: datetime | None = None

    def is_settled(self) -> bool:
        """Return whether reading it leaves nothing to write: it is fresh, and that it is looked at is known."""
        return self.state == "fresh" and self.wanted_at is not None and self.wanted_at > clock.now() - NOTED

    def document(self) -> dict[str, Any]:
        """Return the reading as the API shows it."""
        moments = (self.refreshed_at, self.expires_at, self.source_watermark)
        refreshed, expires, watermark = (None if value is None else moment_text(value) for value in moments)
        return {
            "store_id": str(self.key.store_id),
            "metric": self.key.metric,
            "from": moment_text(self.key.start),
            "to": moment_text(self.key.end),
            "granularity": self.key.granularity.value,
            "state": self.state,
            "data": self.payload,
            "refreshed_at": refreshed,
            "expires_at": expires,
            "source_watermark": watermark,
        }


def kpi_key(
    store: Store,
    metric: str,
    start: date | datetime,
    end: date | datetime,
    granularity: Granularity = Granularity.TOTAL,
) -> KpiKey:
    """Return the key of a figure, its range widened to whole days of the store's time zone.

    A date as ``end`` is the last day counted. Raises InvalidQuery for an empty range and for more than two years.
    """
    zone = ZoneInfo(store.timezone)
    first = start.astimezone(zone).date() if isinstance(start, datetime) else start
    # A day that has only just begun at a moment is not part of the range.
    last = (end.astimezone(zone) - timedelta(microseconds=1)).date() if isinstance(end, datetime) else end
    if last < first:
        raise InvalidQuery.at("from", "invalid_query", "must be before to")
    if last - first > LONGEST:
        raise InvalidQuery.at("from", "invalid_query", "may be at most {max} days before to", max=LONGEST.days)
    begin, finish = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (first, last + timedelta(days=1)))
    return KpiKey(store.id, metric, begin, finish, granularity)


def find_kpi(reads: Reads, key: KpiKey) -> KpiReading:
    """Return what the cache has of a figure."""
    row = reads.find(KpiCache, **key.columns())
    if row is None or row.source_watermark is None:
        return KpiReading(key, "pending")
    is_fresh = row.expires_at is None or row.expires_at > clock.now()
    state: Literal["fresh", "stale"] = "fresh" if is_fresh else "stale"
    moments = (row.refreshed_at, row.expires_at, row.source_watermark, row.wanted_at)
    return KpiReading(key, state, row.payload, *moments)


def read_kpi(tx: Transaction, key: KpiKey, *, computable: bool = True) -> KpiReading:
    """Return what the cache has of a figure, note that it is wanted and, if it is not fresh, ask once for a new one."""
    found = find_kpi(tx, key)
    if found.state != "fresh" and computable:
        request_refresh(tx, key)
    if not found.is_settled():
        tx.set_facts(KpiCache, key.columns(), {"wanted_at": tx.now})
    return found


def request_refresh(tx: Transaction, key: KpiKey, *, run_at: datetime | None = None) -> bool:
    """Queue the refresh of a figure unless one is under way, and return whether this unit did.

    Whoever sets ``refresh_lock_until`` from the value it has read queues the job: nobody else can.
    """
    store = tx.find(Store, key.store_id)
    if store is None or store.status in {StoreStatus.DISCONNECTED, StoreStatus.ARCHIVED}:
        return False
    columns = key.columns()
    tx.insert_facts(KpiCache, [_row(tx, columns, expires_at=tx.now)], ignore=True)
    row = tx.find(KpiCache, **columns)
    if row is None or (row.refresh_lock_until is not None and row.refresh_lock_until > tx.now):
        return False
    seen = {"id": row.id, "refresh_lock_until": row.refresh_lock_until}
    if tx.set_facts(KpiCache, seen, {"refresh_lock_until": (run_at or tx.now) + LOCK}) == 0:
        return False
    tx.enqueue(REFRESH, key.payload(), queue=QUEUE, dedupe_key=f"{REFRESH}/{row.id}", run_at=run_at)
    return True


def write_kpi(
    tx: Transaction,
    key: KpiKey,
    payload: Mapping[str, Any],
    *,
    source_watermark: datetime,
    expires_at: datetime | None = None,
) -> bool:
    """Keep a figure if its source is at least as new as what there is, and return whether it was kept."""
    columns = key.columns()
    tx.insert_facts(KpiCache, [_row(tx, columns, expires_at=tx.now)], ignore=True)
    row = tx.find(KpiCache, lock=True, **columns)
    assert row is not None
    if row.source_watermark is not None and row.source_watermark > source_watermark:
        return False
    values = {
        "payload": dict(payload),
        "source_watermark": source_watermark,
        "refreshed_at": tx.now,
        "expires_at": expires_at or tx.now + FRESH,
        "refresh_lock_until": None,
    }
    return tx.set_facts(KpiCache, {"id": row.id}, values) == 1


def _row(tx: Transaction, columns: Mapping[str, object], **values: object) -> dict[str, object]:
    """Return a row for a figure that nobody has computed yet."""
    own = {"organization_id": tx.actor.organization_id, "id": clock.new_id()}
    return {**own, "payload": {}, "refreshed_at": tx.now, **columns, **values}
