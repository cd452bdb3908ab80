"""Reading the ledger of use: how much of a metric was used on each day."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from growbase.core.errors import InvalidQuery
from growbase.core.reads import Reads
from growbase.core.statements import mark, quarter_moment, quarter_sql
from growbase.domains.identity.models_billing import Metric, UsageEvent, UsageKind

USE: Final = (UsageKind.CONSUMED, UsageKind.COMMITTED, UsageKind.GIVEN_BACK)
"""The lines of the ledger that stand for what was done on their day; the others only set a counter right."""
LONGEST: Final = timedelta(days=366)


def usage_by_day(
    reads: Reads, *, start: datetime, end: datetime, zone: ZoneInfo, metrics: Sequence[str] = ()
) -> dict[str, Any]:
    """Return how much of each metric was used on each day of a time zone that has some, what was given back taken off.

    ``used`` of a day is negative where more was given back. Lines older than the ledger keeps are in no day.
    Raises InvalidQuery.
    """
    if not start < end <= start + LONGEST:
        raise InvalidQuery.at("to", "invalid_query", "must be after from, by at most {days} days", days=LONGEST.days)
    wrong = next((name for name in metrics if name not in set(Metric)), None)
    if wrong is not None:
        choices = ", ".join(Metric)
        raise InvalidQuery.at("metric", "invalid_query", "{name} is not one of {choices}", name=wrong, choices=choices)
    wanted = list(dict.fromkeys(metrics)) or [metric.value for metric in Metric]
    days: dict[tuple[str, str], int] = {}
    for metric, at, used in _used(reads, start, end, wanted):
        key = metric, str(at.astimezone(zone).date())
        days[key] = days.get(key, 0) + used
    return {
        "from": start.astimezone(UTC).isoformat(),
        "to": end.astimezone(UTC).isoformat(),
        "timezone": zone.key,
        "data": [{"metric": metric, "day": day, "used": days[metric, day]} for metric, day in sorted(days)],
    }


def _used(reads: Reads, start: datetime, end: datetime, metrics: Sequence[str]) -> list[tuple[str, datetime, int]]:
    plan, sign = reads.plan(UsageEvent), mark(reads.engine)
    terms, params = reads.scope_terms(plan, anywhere=False)
    bound = plan.fields["occurred_at"].bound
    terms += [f"t.occurred_at >= {sign}", f"t.occurred_at < {sign}", _one_of("t.kind", USE, sign)]
    params += [bound(start), bound(end), *(kind.value for kind in USE)]
    sql = (
        f"SELECT c.metric, {quarter_sql(reads.engine, 't.occurred_at')}, sum(t.quantity) FROM usage_counters c "
        "JOIN usage_events t ON t.organization_id = c.organization_id AND t.counter_id = c.id "
        f"WHERE {' AND '.join(terms)} AND {_one_of('c.metric', metrics, sign)} GROUP BY 1, 2"
    )
    rows = reads.execute(sql, [*params, *metrics]).fetchall()
    return [(metric, quarter_moment(at), int(used)) for metric, at, used in rows]


def _one_of(column: str, values: Sequence[object], sign: str) -> str:
    return f"{column} IN ({', '.join([sign] * len(values))})"
