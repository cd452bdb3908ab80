from typing import Any
from uuid import UUID

import pytest

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.pages import Reader
from growbase.core.query import parse
from growbase.domains.commerce.actions_insights import record_insights, update_insight
from growbase.domains.commerce.models_insights import InsightStatus, SeoInsight
from tests.domains.commerce.factories import make_store, set_settings
from tests.fixtures import SECRET

A: dict[str, Any] = {"fingerprint": "a", "title": "A", "description": "Mend it.", "severity": "low"}
B: dict[str, Any] = {"fingerprint": "b", "title": "B", "description": "Mend it.", "severity": "critical"}


@pytest.fixture
def store_id(db: Database, actor: Actor) -> UUID:
    return db.write(actor, make_store)


def scan(db: Database, actor: Actor, store_id: UUID, name: str, *found: dict[str, Any]) -> dict[str, int]:
    return db.write(actor, lambda tx: record_insights(tx, store_id=store_id, scan_id=name, insights=found))


def states(db: Database, actor: Actor) -> dict[str, str]:
    with db.read(actor) as reads:
        return {row.fingerprint: row.status.value for row in reads.rows(SeoInsight, order="fingerprint")}


def test_what_scans_find_and_no_longer_find(db: Database, actor: Actor, store_id: UUID) -> None:
    assert scan(db, actor, store_id, "1", A, B) == {"created": 2, "seen": 0, "reopened": 0, "resolved": 0}
    assert scan(db, actor, store_id, "2", A) == {"created": 0, "seen": 1, "reopened": 0, "resolved": 0}
    assert scan(db, actor, store_id, "2", A)["seen"] == 0
    scan(db, actor, store_id, "3", A)
    assert states(db, actor) == {"a": "open", "b": "open"}
    assert scan(db, actor, store_id, "4", A)["resolved"] == 1
    assert states(db, actor) == {"a": "open", "b": "resolved"}
    assert scan(db, actor, store_id, "5", A, B)["reopened"] == 1
    with db.read(actor) as reads:
        again = reads.find(SeoInsight, fingerprint="b")
    assert again is not None
    assert (again.status, again.completed_at, again.missed_scans) == (InsightStatus.OPEN, None, 0)


def test_a_find_in_between_starts_the_count_anew(db: Database, actor: Actor, store_id: UUID) -> None:
    db.write(actor, lambda tx: set_settings(tx, store_id, thresholds={"missed_scans": 2}))
    for name, found in (("1", (A,)), ("2", ()), ("3", (A,)), ("4", ())):
        scan(db, actor, store_id, name, *found)
    assert states(db, actor) == {"a": "open"}
    scan(db, actor, store_id, "5")
    assert states(db, actor) == {"a": "resolved"}


def test_what_was_dismissed_stays_so(db: Database, actor: Actor, store_id: UUID) -> None:
    scan(db, actor, store_id, "1", A)
    with db.read(actor) as reads:
        [row] = reads.rows(SeoInsight)
    db.write(actor, lambda tx: tx.transition(SeoInsight, row.id, InsightStatus.DISMISSED))
    scan(db, actor, store_id, "2", A)
    assert states(db, actor) == {"a": "dismissed"}


def test_insights_are_sorted_by_rank(db: Database, actor: Actor, store_id: UUID) -> None:
    levels = ("low", "critical", "info", "high", "medium")
    found = [{**A, "fingerprint": level, "severity": level} for level in levels]
    scan(db, actor, store_id, "1", *found)
    with db.read(actor) as reads:
        row = reads.find(SeoInsight, fingerprint="info")
    assert row is not None
    db.write(actor, lambda tx: update_insight(tx, id=row.id, changes={"severity": "critical"}))
    resource = db.catalog.by_name["seo-insights"]
    query = parse(db.catalog, resource, "sort=-severity_rank&fields=severity")
    page = Reader(db, SECRET).page(actor, resource, query)
    assert [text.split('"')[3] for text in page.rows] == ["critical", "critical", "high", "medium", "low"]
