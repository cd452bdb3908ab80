"""Keeping insights: found again they are brought up to date, and what was dismissed stays so while it lasts."""

from typing import Any
from uuid import UUID

from growbase.core.facts import hold
from growbase.core.model import Root
from growbase.core.reads import Where
from growbase.core.transaction import Transaction
from growbase.domains.outreach.models_messages import AiInsight, InsightStatus

CHUNK = 200
FRESH = (InsightStatus.NEW, InsightStatus.READ)
KEY = frozenset({"dedupe_key", "user_id"})


def record_insight(tx: Transaction, **values: Any) -> UUID:  # noqa: ANN401 -- the columns
    """Keep an insight and return its id; one with a known ``dedupe_key`` brings the known row up to date.

    A dismissed one stays dismissed until it expires, an expired one is new again.
    """
    key = values.get("dedupe_key")
    if key is None:
        return tx.insert(AiInsight, **values)
    hold(tx, f"insight {key}")
    known = tx.find(AiInsight, dedupe_key=key, lock=True)
    if known is None:
        return tx.insert(AiInsight, **values)
    is_over = known.expires_at is not None and known.expires_at <= tx.now
    changes = {name: value for name, value in values.items() if name not in KEY}
    if known.status is InsightStatus.EXPIRED or (known.status is InsightStatus.DISMISSED and is_over):
        tx.change(known, {**changes, "status": InsightStatus.NEW, "read_at": None}, action="transition")
    elif known.status is not InsightStatus.DISMISSED:
        tx.change(known, changes)
    return known.id


def guard_insight(tx: Transaction, row: Root, to: InsightStatus) -> dict[str, object]:
    """Note when an insight was first looked at."""
    del to
    assert isinstance(row, AiInsight)
    return {"read_at": row.read_at or tx.now}


def read_insight(tx: Transaction, *, id: UUID) -> UUID:
    """Note that somebody has seen an insight; acted on or dismissed it stays so."""
    if tx.get(AiInsight, id, lock=True).status is InsightStatus.NEW:
        tx.transition(AiInsight, id, InsightStatus.READ)
    return id


def act_on_insight(tx: Transaction, *, id: UUID) -> UUID:
    """Note that somebody has done what an insight suggests."""
    tx.transition(AiInsight, id, InsightStatus.ACTED)
    return id


def dismiss_insight(tx: Transaction, *, id: UUID) -> UUID:
    """Put an insight away; found again it stays away until it expires."""
    tx.transition(AiInsight, id, InsightStatus.DISMISSED)
    return id


def expire_insights(tx: Transaction) -> int:
    """Mark some of the organization's insights expired whose time is over, and return how many."""
    past = Where("expires_at", "<=", tx.now)
    rows = tx.rows(AiInsight, past, status=list(FRESH), lock=True, order="id", limit=CHUNK)
    for row in rows:
        tx.change(row, {"status": InsightStatus.EXPIRED}, action="transition")
    return len(rows)
