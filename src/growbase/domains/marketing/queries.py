"""Reading analytics: series from the daily sums, and funnels from the events themselves."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

from growbase.core.errors import InvalidQuery, NotFound
from growbase.core.partitions import bound
from growbase.core.reads import Reads
from growbase.core.statements import POSTGRESQL, Plan, mark, quarter_moment, quarter_sql, select_sql
from growbase.domains.identity.models import Organization
from growbase.domains.marketing.models_analytics import AnalyticsDaily, AnalyticsEvent, EventType

Interval = Literal["hour", "day", "week", "month"]
EVENT_CAP = 200_000
"""Events one question may read; the daily sums have no such limit."""
CLOCKS = timedelta(days=1)
"""More than the clocks of two servers may differ by."""
LONGEST = timedelta(days=366 * 5)
MOST_STEPS = 10
ALL_TYPES = tuple(member.value for member in EventType)


def organization_zone(reads: Reads) -> ZoneInfo:
    """Return the time zone whose days the organization counts in."""
    plan = reads.plan(Organization)
    terms, params = reads.scope_terms(plan, anywhere=False)
    row = reads.execute(select_sql(plan, "t.timezone", tuple(terms)), params).fetchone()
    if row is None:
        raise NotFound(what=reads.noun(Organization))
    return ZoneInfo(row[0])


def campaign_series(
    reads: Reads,
    *,
    campaign_id: UUID | None = None,
    start: datetime,
    end: datetime,
    interval: Interval = "day",
    group_by: Sequence[str] = ("event_type",),
    event_types: Sequence[str] = (),
) -> dict[str, Any]:
    """Return counts and money per interval, from ``start`` to before ``end``, and their totals.

    Intervals are of the organization's time zone.
    Days, weeks and months come from the daily sums, so whole days are counted and the cost does not depend on the
    number of events. Hours, and groups by ``source``, read the events and are refused beyond EVENT_CAP of them.
    Money in several currencies is null. Raises InvalidQuery.
    """
    _check(start, end, interval, group_by)
    zone = organization_zone(reads)
    types = [known_type("event_type", name) for name in event_types] or list(ALL_TYPES)
    grouped = tuple(dict.fromkeys(group_by))
    if interval == "hour" or "source" in grouped:
        found = _from_events(reads, campaign_id, (start, end), types, zone)
    else:
        found = _from_sums(reads, campaign_id, (start, end), types, zone)
    series: _Cells = {}
    totals: _Cells = {}
    buckets: dict[date, str] = {}
    by_type, by_source = "event_type" in grouped, "source" in grouped
    for moment, event_type, source, count, value, currency in found:
        bucket = buckets.get(moment)
        if bucket is None:
            bucket = buckets[moment] = _bucket(moment, interval)
        dims = {"event_type": event_type, "source": source}
        group = (event_type,) if by_type and not by_source else tuple(dims[name] for name in grouped)
        _add(series, (bucket, *group), count, value, currency)
    for (_, *rest), cell in series.items():
        _merge(totals, tuple(rest), cell)
    names = ("at", *grouped)
    return {
        "from": start.astimezone(UTC).isoformat(),
        "to": end.astimezone(UTC).isoformat(),
        "interval": interval,
        "timezone": zone.key,
        "series": [{**dict(zip(names, key, strict=True)), **_shown(series[key])} for key in _sorted(series)],
        "totals": [{**dict(zip(grouped, key, strict=True)), **_shown(totals[key])} for key in _sorted(totals)],
    }


def funnel(
    reads: Reads,
    *,
    campaign_id: UUID | None = None,
    steps: Sequence[str],
    start: datetime,
    end: datetime,
) -> dict[str, Any]:
    """Return how many distinct subjects took each step after the one before it, at the same moment or later.

    Events without subject are not counted. Refused with InvalidQuery beyond EVENT_CAP events.
    """
    _check(start, end, "day", ())
    if not 1 <= len(steps) <= MOST_STEPS:
        raise InvalidQuery.at("steps", "invalid_query", "takes 1 to {max} event types", max=MOST_STEPS)
    types = [known_type("steps", step) for step in steps]
    plan = reads.plan(AnalyticsEvent)
    terms, params = _event_terms(reads, plan, campaign_id, (start, end), types)
    terms += ["t.subject_key IS NOT NULL", "t.reverses_key IS NULL"]
    _require_few(reads, plan, terms, params)
    sign = mark(reads.engine)
    base = select_sql(plan, "t.subject_key, t.event_type, t.occurred_at", tuple(terms))
    parts = [f"base AS ({base})"]
    for place, _ in enumerate(types):
        before = f"JOIN step{place - 1} p ON p.subject_key = b.subject_key AND b.occurred_at >= p.at" if place else ""
        parts.append(
            f"step{place} AS (SELECT b.subject_key, min(b.occurred_at) AS at FROM base b {before} "
            f"WHERE b.event_type = {sign} GROUP BY b.subject_key)"
        )
    counts = ", ".join(f"(SELECT count(*) FROM step{place})" for place in range(len(types)))
    row = reads.execute(f"WITH {', '.join(parts)} SELECT {counts}", [*params, *types]).fetchone()
    reached = [int(count) for count in row]
    return {
        "campaign_id": str(campaign_id) if campaign_id else None,
        "from": start.astimezone(UTC).isoformat(),
        "to": end.astimezone(UTC).isoformat(),
        "steps": [
            {
                "event_type": name,
                "subjects": count,
                "of_previous": _share(count, reached[place - 1] if place else count),
                "of_first": _share(count, reached[0]),
            }
            for place, (name, count) in enumerate(zip(types, reached, strict=True))
        ],
    }


def unique_subjects(
    reads: Reads, *, campaign_id: UUID | None = None, start: datetime, end: datetime, event_types: Sequence[str] = ()
) -> int:
    """Return how many distinct subjects there are in a range; daily figures never add up to it.

    Reads the events, and is refused with InvalidQuery beyond EVENT_CAP of them.
    """
    _check(start, end, "day", ())
    types = [known_type("event_type", name) for name in event_types] or list(ALL_TYPES)
    plan = reads.plan(AnalyticsEvent)
    terms, params = _event_terms(reads, plan, campaign_id, (start, end), types)
    _require_few(reads, plan, terms, params)
    sql = select_sql(plan, "count(DISTINCT t.subject_key)", (*terms, "t.reverses_key IS NULL"))
    return int(reads.execute(sql, params).fetchone()[0])


_Cell = dict[str, int]
"""Money by currency under its code, ``""`` where none is named, and the number of events under ``#``."""
_Cells = dict[tuple[Any, ...], _Cell]


def _add(cells: _Cells, key: tuple[Any, ...], count: int, value: int, currency: str | None) -> None:
    cell = cells.get(key)
    if cell is None:
        cell = cells[key] = {"#": 0}
    cell["#"] += count
    if value:
        cell[currency or ""] = cell.get(currency or "", 0) + value


def _merge(cells: _Cells, key: tuple[Any, ...], other: _Cell) -> None:
    cell = cells.setdefault(key, {"#": 0})
    for name, amount in other.items():
        cell[name] = cell.get(name, 0) + amount


def _shown(cell: _Cell) -> dict[str, Any]:
    """Return a cell for the answer; money in several currencies is null."""
    if len(cell) == 1:
        return {"count": cell["#"], "value_minor": 0, "currency": None}
    if len(cell) > 2:  # noqa: PLR2004 -- the count and one currency
        return {"count": cell["#"], "value_minor": None, "currency": None}
    currency = next(name for name in cell if name != "#")
    return {"count": cell["#"], "value_minor": cell[currency], "currency": currency or None}


Found = Iterable[tuple[date, str, str | None, int, int, str | None]]
"""Moment or day, event type, source, number of events, money and its currency."""
Range = tuple[datetime, datetime]


def day_terms(
    reads: Reads, campaign_id: UUID | None, span: Range, types: Sequence[str], zone: ZoneInfo
) -> tuple[list[str], list[object]]:
    """Return the terms and parameters of the daily sums of a range: every day of which a part is in it."""
    plan, sign = reads.plan(AnalyticsDaily), mark(reads.engine)
    terms, params = _terms(reads, plan, campaign_id, types)
    first, last = (moment.astimezone(zone) for moment in span)
    until = last.date() + timedelta(days=1) if last.time() > time.min else last.date()
    terms += [f"t.day >= {sign}", f"t.day < {sign}"]
    return terms, [*params, plan.fields["day"].bound(first.date()), plan.fields["day"].bound(until)]


def _from_sums(reads: Reads, campaign_id: UUID | None, span: Range, types: Sequence[str], zone: ZoneInfo) -> Found:
    plan = reads.plan(AnalyticsDaily)
    terms, params = day_terms(reads, campaign_id, span, types, zone)
    group = "t.day, t.event_type, t.currency"
    what = f"{group}, sum(t.count), sum(t.value_minor)"
    read = plan.fields["day"].read
    for day, event_type, currency, count, value in reads.execute(
        select_sql(plan, what, tuple(terms), f" GROUP BY {group}"), params
    ).fetchall():
        yield (read(day) if read else day), event_type, None, int(count), int(value), currency


def _from_events(reads: Reads, campaign_id: UUID | None, span: Range, types: Sequence[str], zone: ZoneInfo) -> Found:
    """Yield sums per quarter of an hour, which no time zone cuts."""
    plan = reads.plan(AnalyticsEvent)
    terms, params = _event_terms(reads, plan, campaign_id, span, types)
    _require_few(reads, plan, terms, params)
    currency = "CASE WHEN t.value_minor IS NULL THEN NULL ELSE t.currency END"
    direction = "CASE WHEN t.reverses_key IS NULL THEN 1 ELSE -1 END"
    what = (
        f"{quarter_sql(reads.engine, 't.occurred_at')}, t.event_type, t.source, {currency}, sum({direction}), "
        f"sum(coalesce(t.value_minor, 0) * {direction})"
    )
    sql = select_sql(plan, what, tuple(terms), " GROUP BY 1, 2, 3, 4")
    for at, event_type, source, money, count, value in reads.execute(sql, params).fetchall():
        yield quarter_moment(at).astimezone(zone), event_type, source, int(count), int(value), money


def _terms(reads: Reads, plan: Plan, campaign_id: UUID | None, types: Sequence[str]) -> tuple[list[str], list[object]]:
    terms, params = reads.scope_terms(plan, anywhere=False)
    sign = mark(reads.engine)
    if campaign_id is not None:
        terms.append(f"t.campaign_id = {sign}")
        params.append(plan.fields["campaign_id"].bound(campaign_id))
    # All types are listed even if all are wanted: the index has the type before the day.
    terms.append(f"t.event_type IN ({', '.join([sign] * len(types))})")
    params += types
    return terms, params


def _event_terms(
    reads: Reads, plan: Plan, campaign_id: UUID | None, span: Range, types: Sequence[str]
) -> tuple[list[str], list[object]]:
    terms, params = _terms(reads, plan, campaign_id, types)
    sign = mark(reads.engine)
    terms += [f"t.occurred_at >= {sign}", f"t.occurred_at < {sign}"]
    params += [plan.fields["occurred_at"].bound(moment) for moment in span]
    if reads.engine == POSTGRESQL:
        # No event comes in before it has happened: months that were over by then are not looked into.
        terms.append("t.id >= %s")
        params.append(bound(span[0] - CLOCKS))
    return terms, params


def _require_few(reads: Reads, plan: Plan, terms: Sequence[str], params: Sequence[object]) -> None:
    inner = select_sql(plan, "1", tuple(terms), f" LIMIT {EVENT_CAP + 1}")
    if int(reads.execute(f"SELECT count(*) FROM ({inner}) x", params).fetchone()[0]) > EVENT_CAP:
        message = "covers more than {max} events: ask for a shorter range or one campaign"
        raise InvalidQuery.at("from", "invalid_query", message, max=EVENT_CAP)


def _check(start: datetime, end: datetime, interval: str, group_by: Sequence[str]) -> None:
    if interval not in get_args(Interval):
        raise InvalidQuery.at("interval", "invalid_query", "must be hour, day, week or month")
    for name in group_by:
        if name not in {"event_type", "source"}:
            raise InvalidQuery.at("group_by", "invalid_query", "takes event_type and source")
    require_range(start, end)


def require_range(start: datetime, end: datetime) -> None:
    """Raise InvalidQuery unless a range begins before it ends, and is not too long."""
    if not start < end <= start + LONGEST:
        raise InvalidQuery.at("to", "invalid_query", "must be after from, by at most {days} days", days=LONGEST.days)


def known_type(parameter: str, name: str) -> str:
    """Return an event type by its name. Raises InvalidQuery."""
    if name not in ALL_TYPES:
        message = "{name} is not an event type; use {allowed}"
        raise InvalidQuery.at(parameter, "invalid_query", message, name=name, allowed=", ".join(ALL_TYPES))
    return name


def _bucket(moment: date, interval: str) -> str:
    if interval == "hour":
        assert isinstance(moment, datetime)
        return moment.replace(minute=0, second=0, microsecond=0).isoformat()
    day = moment.date() if isinstance(moment, datetime) else moment
    if interval == "week":
        day -= timedelta(days=day.weekday())
    return (day.replace(day=1) if interval == "month" else day).isoformat()


def _sorted(cells: _Cells) -> list[tuple[Any, ...]]:
    if any(None in key for key in cells):
        return sorted(cells, key=lambda key: tuple(str(part or "") for part in key))
    return sorted(cells)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
