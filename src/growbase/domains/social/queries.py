"""Reading what came of posts: the newest totals of each, and growth as differences between snapshots."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from growbase.core.errors import InvalidQuery
from growbase.core.reads import Reads
from growbase.core.statements import mark
from growbase.domains.marketing.queries import organization_zone
from growbase.domains.social.models_metrics import GAUGES, PostMetricSnapshot

GROUPS: Mapping[str, str] = {
    "platform": "platform",
    "account": "social_account_id",
    "piece": "content_piece_id",
    "post": "scheduled_post_id",
    "day": "day",
}
SNAPSHOT_CAP = 200_000
"""Snapshots one question may read."""


def latest_snapshots(reads: Reads, post_ids: Sequence[UUID]) -> dict[UUID, PostMetricSnapshot]:
    """Return the newest snapshot of each post that has one."""
    plan = reads.plan(PostMetricSnapshot)
    found: dict[UUID, PostMetricSnapshot] = {}
    for post_id in post_ids:
        terms, params = reads.scope_terms(plan, anywhere=False)
        terms.append(f"t.scheduled_post_id = {mark(reads.engine)}")
        params.append(plan.fields["scheduled_post_id"].bound(post_id))
        sql = (
            f"SELECT {plan.columns} FROM post_metric_snapshots t WHERE {' AND '.join(terms)} "
            "ORDER BY t.bucket_at DESC LIMIT 1"
        )
        row = reads.execute(sql, params).fetchone()
        if row is not None:
            snapshot = plan.instance(row)
            assert isinstance(snapshot, PostMetricSnapshot)
            found[post_id] = snapshot
    return found


def social_metrics(
    reads: Reads, *, start: datetime, end: datetime, group_by: Sequence[str] = ("platform",)
) -> dict[str, Any]:
    """Return the newest totals of all posts before ``end``, and what they grew by from ``start`` on.

    Totals are the newest snapshot of each post added up over posts, never over time; growth is the difference between
    snapshots, by day of the organization's time zone where ``group_by`` says so. A figure no platform reports is null.
    ``decreased`` names figures that a platform has corrected downwards. Raises InvalidQuery.
    """
    unknown = next((name for name in group_by if name not in GROUPS), None)
    if unknown is not None:
        choices = ", ".join(GROUPS)
        raise InvalidQuery.at(
            "group_by", "invalid_query", "{name} is not one of {choices}", name=unknown, choices=choices
        )
    zone = organization_zone(reads)
    names = tuple(dict.fromkeys(group_by))
    totals: dict[tuple[Any, ...], _Cell] = {}
    growth: dict[tuple[Any, ...], _Cell] = {}
    fixed = tuple(name for name in names if name != "day")
    for snapshots in _by_post(_snapshots(reads, start, end)):
        known: dict[str, int] = {}
        for row in snapshots:
            if row["bucket_at"] >= start:
                group = tuple(_group(row, name, zone) for name in names)
                cell = growth.setdefault(group, _Cell())
                cell.add({name: row[name] - known.get(name, 0) for name in GAUGES if row[name] is not None}, row)
            known |= {name: row[name] for name in GAUGES if row[name] is not None}
        last = snapshots[-1]
        cell = totals.setdefault(tuple(_group(last, name, zone) for name in fixed), _Cell())
        cell.add({name: last[name] for name in GAUGES if last[name] is not None}, last)
    return {
        "from": start.astimezone(UTC).isoformat(),
        "to": end.astimezone(UTC).isoformat(),
        "timezone": zone.key,
        "totals": [_shown(fixed, key, totals[key]) | {"as_of": totals[key].newest} for key in _sorted(totals)],
        "growth": [_shown(names, key, growth[key], decreased=True) for key in _sorted(growth)],
    }


class _Cell:
    """Figures of one group, and the posts they come from."""

    def __init__(self) -> None:
        self.figures: dict[str, int] = {}
        self.decreased: set[str] = set()
        self.posts: set[UUID] = set()
        self.newest = ""

    def add(self, figures: Mapping[str, int], row: Mapping[str, Any]) -> None:
        for name, value in figures.items():
            self.figures[name] = self.figures.get(name, 0) + value
            if value < 0:
                self.decreased.add(name)
        self.posts.add(row["scheduled_post_id"])
        self.newest = max(self.newest, row["collected_at"].astimezone(UTC).isoformat())


def _snapshots(reads: Reads, start: datetime, end: datetime) -> Iterator[dict[str, Any]]:
    """Yield the snapshots of each post in time, from the last one before ``start``. Raises InvalidQuery."""
    plan = reads.plan(PostMetricSnapshot)
    names = ("scheduled_post_id", "social_account_id", "content_piece_id", "platform", "bucket_at", "collected_at")
    columns = (*names, *GAUGES)
    what = ", ".join(f"t.{name}" for name in columns)
    scope, tenant = reads.scope_terms(plan, anywhere=False)
    sign = mark(reads.engine)
    inside = [*scope, f"t.bucket_at >= {sign}", f"t.bucket_at < {sign}"]
    newest = (
        "SELECT max(b.bucket_at) FROM post_metric_snapshots b WHERE b.organization_id = p.organization_id "
        f"AND b.scheduled_post_id = p.id AND b.bucket_at < {sign}"
    )
    before = (
        f"SELECT {what} FROM scheduled_posts p JOIN post_metric_snapshots t ON t.organization_id = p.organization_id "
        f"AND t.scheduled_post_id = p.id AND t.bucket_at = ({newest}) "
        f"WHERE {' AND '.join([*scope, *(term.replace('t.', 'p.') for term in scope)])}"
    )
    bound = plan.fields["bucket_at"].bound
    params = [*tenant, bound(start), bound(end), bound(start), *tenant, *tenant]
    sql = (
        f"SELECT {what} FROM post_metric_snapshots t WHERE {' AND '.join(inside)} UNION ALL {before} "
        f"ORDER BY 1, {names.index('bucket_at') + 1} LIMIT {SNAPSHOT_CAP + 1}"
    )
    rows = reads.execute(sql, params).fetchall()
    if len(rows) > SNAPSHOT_CAP:
        message = "must be later: there are more than {max} snapshots since then"
        raise InvalidQuery.at("from", "invalid_query", message, max=SNAPSHOT_CAP)
    readers = [plan.fields[name].read for name in columns]
    for row in rows:
        yield {
            name: value if read is None or value is None else read(value)
            for name, read, value in zip(columns, readers, row, strict=True)
        }


def _by_post(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    found: list[dict[str, Any]] = []
    for row in rows:
        if found and row["scheduled_post_id"] != found[0]["scheduled_post_id"]:
            yield found
            found = []
        found.append(row)
    if found:
        yield found


def _group(row: Mapping[str, Any], name: str, zone: Any) -> str | None:  # noqa: ANN401 -- a ZoneInfo
    if name == "day":
        return str(row["bucket_at"].astimezone(zone).date())
    value = row[GROUPS[name]]
    return None if value is None else str(value)


def _sorted(cells: Mapping[tuple[Any, ...], _Cell]) -> list[tuple[Any, ...]]:
    return sorted(cells, key=lambda key: tuple((part is not None, part) for part in key))


def _shown(names: Sequence[str], key: tuple[Any, ...], cell: _Cell, *, decreased: bool = False) -> dict[str, Any]:
    shown = dict(zip((GROUPS[name] for name in names), key, strict=True))
    figures = {name: cell.figures.get(name) for name in GAUGES}
    flagged = {"decreased": sorted(cell.decreased)} if decreased else {}
    return {**shown, "posts": len(cell.posts), **figures, **flagged}
