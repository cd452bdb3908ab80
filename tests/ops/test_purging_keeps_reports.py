"""Whatever is trashed and purged, reports say afterwards what they said before."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from growbase.core import clock
from growbase.core.actor import system
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.model import View
from growbase.core.reads import Reads
from growbase.core.transaction import Transaction
from growbase.core.trash import purge, trash
from growbase.domains.identity.queries import list_organizations
from growbase.domains.marketing.queries import campaign_series, funnel
from growbase.domains.social.queries import social_metrics
from growbase.ops.reference import install_reference_data
from growbase.ops.seed import seed_demo

NOW = clock.now()


def reports(reads: Reads) -> dict[str, Any]:
    """Return the rows of all views and what dashboards are made of, but for when rows were changed last."""
    found: dict[str, Any] = {}
    for name, model in reads.context.catalog.models.items():
        if issubclass(model, View):
            rows = [row.__dict__ for row in reads.rows(model, order="id")]
            found[name] = [{key: value for key, value in row.items() if key != "updated_at"} for row in rows]
    now = NOW
    span: dict[str, Any] = {"start": now - timedelta(days=60), "end": now + timedelta(days=1)}
    found["series"] = campaign_series(reads, **span, interval="day", group_by=["event_type"])
    found["funnel"] = funnel(reads, **span, steps=["impression", "click", "conversion"])
    found["social"] = social_metrics(reads, **span)
    return found


@pytest.fixture
def demo(db: Database, tmp_path: Path) -> Database:
    """Give a database with the demo data of all domains."""
    install_reference_data(db)
    seed_demo(db, Settings(data_dir=tmp_path, database_url=None))
    return db


def test_purging_changes_no_report(demo: Database) -> None:
    with demo.read(system()) as reads:
        organizations = list_organizations(reads)
    trashable = [
        found for found in demo.catalog.resources if found.trashable and found.model.__scope__ == "organization_id"
    ]
    rows: dict[UUID, list[tuple[Any, UUID]]] = {}
    for id in organizations:
        with demo.read(system("test", id)) as reads:
            able = [one for one in trashable if one.deletable]
            found = [(one.model, row.__dict__["id"]) for one in able for row in reads.rows(one.model, order="id")]
            rows |= {id: found} if found else {}
    purged = 0

    @settings(max_examples=8, deadline=None, suppress_health_check=[*HealthCheck])
    @given(st.data())
    def check(data: st.DataObject) -> None:
        nonlocal purged
        organization_id = data.draw(st.sampled_from([*rows]))
        wanted = data.draw(st.lists(st.sampled_from(rows[organization_id]), min_size=1, max_size=12, unique=True))

        def unit(tx: Transaction) -> tuple[dict[str, Any], dict[str, Any], int]:
            for model, id in wanted:
                if tx.find(model, id) is not None:
                    trash(tx, model, id)
            before, count = reports(tx), 0
            for found in trashable:
                gone = [row.__dict__ for row in tx.rows(found.model, trash=True) if row.__dict__["deleted_at"]]
                for row in gone:
                    if row["purged_at"] is None and tx.find(found.model, row["id"], trash=True) is not None:
                        count += purge(tx, found.model, row["id"], keep=True)
            return before, reports(tx), count

        before, after, count = demo.write(system("test", organization_id), unit, dry_run=True)
        purged += count
        for name in before:
            assert after[name] == before[name], name

    check()
    assert purged > 0
