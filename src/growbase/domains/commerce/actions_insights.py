"""SEO insights: what a scan found, found again, or no longer finds."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from growbase.core.facts import hold
from growbase.core.model import Root
from growbase.core.transaction import Transaction
from growbase.domains.commerce.actions_stores import live_store, thresholds
from growbase.domains.commerce.models_insights import RANK, InsightSeverity, InsightStatus, SeoInsight

MISSED_SCANS = 3
UNSETTLED = [InsightStatus.OPEN, InsightStatus.IN_PROGRESS]


def create_insight(tx: Transaction, *, severity: str = InsightSeverity.MEDIUM, **values: Any) -> UUID:  # noqa: ANN401
    """Note something that keeps a store from being found; scans know it again by its fingerprint."""
    level = InsightSeverity(severity)
    seen = {"detected_at": tx.now, "last_seen_at": tx.now}
    return tx.insert(SeoInsight, severity=level, severity_rank=RANK[level], **seen, **values)


def update_insight(tx: Transaction, *, id: UUID, changes: Mapping[str, Any], version: int | None = None) -> int:
    """Change an insight; its rank follows its severity."""
    values = dict(changes)
    if values.get("severity") is not None:
        values["severity_rank"] = RANK[InsightSeverity(values["severity"])]
    return tx.update(SeoInsight, id, values, version=version)


def record_insights(
    tx: Transaction, *, store_id: UUID, scan_id: str, insights: Sequence[Mapping[str, Any] | BaseModel]
) -> dict[str, int]:
    """Take in everything a scan found, by fingerprint, and return how many are new, seen, reopened and resolved.

    What was resolved opens again; what a person dismissed stays so. What some scans in a row did not find is resolved.
    The same scan twice changes nothing.
    """
    live_store(tx, store_id)
    hold(tx, f"insights/{store_id}")
    found = {str(item["fingerprint"]): item for item in map(_plain, insights)}
    known = {row.fingerprint: row for row in tx.rows(SeoInsight, store_id=store_id, order="id", lock=True)}
    report = {"created": 0, "seen": 0, "reopened": 0, "resolved": 0}
    for mark, item in found.items():
        row = known.get(mark)
        if row is None:
            create_insight(tx, store_id=store_id, last_scan_id=scan_id, **item)
            report["created"] += 1
        elif row.last_scan_id != scan_id:
            report["seen"] += 1
            report["reopened"] += _seen(tx, row, item, scan_id)
    limit = thresholds(tx, store_id).missed_scans or MISSED_SCANS
    for mark, row in known.items():
        if mark not in found and row.status in UNSETTLED and row.last_scan_id != scan_id:
            report["resolved"] += _missed(tx, row, scan_id, limit)
    return report


def guard_insight(tx: Transaction, row: Root, to: InsightStatus) -> dict[str, object]:
    """Keep when an insight was settled; one that opens again starts counting anew."""
    del row
    is_settled = to in {InsightStatus.RESOLVED, InsightStatus.DISMISSED}
    return {"completed_at": tx.now if is_settled else None, "missed_scans": 0}


def _plain(item: Mapping[str, Any] | BaseModel) -> dict[str, Any]:
    return item.model_dump() if isinstance(item, BaseModel) else dict(item)


def _seen(tx: Transaction, row: SeoInsight, item: Mapping[str, Any], scan_id: str) -> bool:
    """Bring an insight up to date and return whether it opened again."""
    level = InsightSeverity(item.get("severity", row.severity))
    fresh = {**item, "severity": level, "severity_rank": RANK[level]}
    tx.change(row, {**fresh, "last_seen_at": tx.now, "last_scan_id": scan_id, "missed_scans": 0})
    if row.status is not InsightStatus.RESOLVED:
        return False
    tx.transition(SeoInsight, row.id, InsightStatus.OPEN)
    return True


def _missed(tx: Transaction, row: SeoInsight, scan_id: str, limit: int) -> bool:
    """Count a scan that did not find an insight and return whether that resolved it."""
    missed = row.missed_scans + 1
    tx.change(row, {"missed_scans": missed, "last_scan_id": scan_id})
    if missed < limit:
        return False
    tx.transition(SeoInsight, row.id, InsightStatus.RESOLVED)
    return True
