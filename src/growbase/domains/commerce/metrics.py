"""Key figures that our own tables can give: how tickets wait, which flags are open, what was ordered, what runs out."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from growbase.core.reads import Reads, Where
from growbase.domains.commerce.actions_kpis import KpiKey
from growbase.domains.commerce.actions_velocity import newest
from growbase.domains.commerce.models import Store
from growbase.domains.commerce.models_facts import Granularity
from growbase.domains.commerce.models_flags import FlagStatus, OrderFlag
from growbase.domains.commerce.models_purchasing import OrderStatus, PurchaseOrder
from growbase.domains.commerce.models_tickets import Ticket

MOST_ROWS = 100_000

Metric = Callable[[Reads, Store, KpiKey], dict[str, Any]]


def compute(reads: Reads, store: Store, key: KpiKey) -> dict[str, Any]:
    """Return the payload of a figure: its total and, where it has one by time, its series."""
    return METRICS[key.metric](reads, store, key)


def tickets_waiting(reads: Reads, store: Store, key: KpiKey) -> dict[str, Any]:
    """Return how many customers wait for an answer now, of those who began to within the range."""
    since = [Where("waiting_since", ">=", key.start), Where("waiting_since", "<", key.end)]
    return {"total": reads.count(Ticket, *since, store_id=store.id), "series": []}


def first_response_median(reads: Reads, store: Store, key: KpiKey) -> dict[str, Any]:
    """Return the median seconds to the first reply to tickets that came in within the range."""
    rows = reads.rows(Ticket, *_within("created_at", key), Where("first_response_at", ">=", key.start),
                      store_id=store.id, order="created_at", limit=MOST_ROWS)  # fmt: skip
    taken = [(row.created_at, (row.first_response_at - row.created_at).total_seconds())
             for row in rows if row.first_response_at is not None]  # fmt: skip
    return _summed(store, key, taken, lambda values: round(median(values)) if values else None)


def open_flags(reads: Reads, store: Store, key: KpiKey) -> dict[str, Any]:
    """Return how many flags raised within the range are open, by severity."""
    found: dict[str, int] = defaultdict(int)
    for row in reads.rows(OrderFlag, *_within("created_at", key), store_id=store.id, status=FlagStatus.OPEN,
                          order="created_at", limit=MOST_ROWS):  # fmt: skip
        found[row.severity.value] += 1
    return {"total": sum(found.values()), "series": [], "by_severity": dict(sorted(found.items()))}


def purchase_order_value(reads: Reads, store: Store, key: KpiKey) -> dict[str, Any]:
    """Return what was ordered within the range, by currency; amounts in several currencies have no total."""
    rows = [row for row in reads.rows(PurchaseOrder, *_within("submitted_at", key), store_id=store.id,
                                      order="submitted_at", limit=MOST_ROWS)
            if row.status is not OrderStatus.CANCELLED]  # fmt: skip
    by_currency: dict[str, int] = defaultdict(int)
    for row in rows:
        by_currency[row.currency] += row.total_minor
    values = [(row.submitted_at, row.total_minor) for row in rows if row.submitted_at is not None]
    one = len(by_currency) <= 1
    found = _summed(store, key, values if one else [], sum)
    return {**found, "total": found["total"] if one else None, "by_currency": dict(sorted(by_currency.items()))}


def stock_outs(reads: Reads, store: Store, key: KpiKey) -> dict[str, Any]:
    """Return how many articles are out of stock, or run out by the end of the range at the pace they sell."""
    zone = ZoneInfo(store.timezone)
    end = key.end.astimezone(zone).date()
    latest = newest(reads, store.id)
    out = [row.sku for row in latest if row.current_inventory <= 0]
    soon = [
        row.sku
        for row in latest
        if row.current_inventory > 0 and row.projected_stockout_date is not None and row.projected_stockout_date < end
    ]
    return {
        "total": len(out),
        "series": [],
        "skus": out[:100],
        "running_out": len(soon),
        "running_out_skus": soon[:100],
    }


METRICS: Mapping[str, Metric] = {
    "tickets_waiting": tickets_waiting,
    "first_response_median": first_response_median,
    "open_flags": open_flags,
    "purchase_order_value": purchase_order_value,
    "stock_outs": stock_outs,
}
"""What can be computed here; other programs write what they have computed themselves."""


def _within(column: str, key: KpiKey) -> tuple[Where, Where]:
    return Where(column, ">=", key.start), Where(column, "<", key.end)


def _summed(
    store: Store,
    key: KpiKey,
    values: Iterable[tuple[datetime, float]],
    summary: Callable[[list[float]], float | None],
) -> dict[str, Any]:
    """Return the summary of all values and of each part of the range that has some."""
    zone = ZoneInfo(store.timezone)
    parts: dict[date, list[float]] = defaultdict(list)
    everything: list[float] = []
    for moment, value in values:
        everything.append(value)
        parts[_part(moment.astimezone(zone).date(), key.granularity)].append(value)
    divided = key.granularity is not Granularity.TOTAL
    series = [{"at": day.isoformat(), "value": summary(parts[day])} for day in sorted(parts)] if divided else []
    return {"total": summary(everything), "series": series}


def _part(day: date, granularity: Granularity) -> date:
    """Return the first day of the day, week or month a day is in; weeks begin on Monday."""
    if granularity is Granularity.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if granularity is Granularity.MONTH else day


def key_of(payload: Mapping[str, str], store: Store) -> KpiKey:
    """Return the key that a job's payload names."""
    start, end = (datetime.fromisoformat(payload[name]).astimezone(UTC) for name in ("start", "end"))
    return KpiKey(store.id, payload["metric"], start, end, Granularity(payload["granularity"]))
