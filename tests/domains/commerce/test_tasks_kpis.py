from datetime import timedelta

import pytest

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.commerce import tasks_kpis
from growbase.domains.commerce.actions_kpis import KpiKey, find_kpi, kpi_key, read_kpi, write_kpi
from growbase.domains.commerce.actions_stores import disconnect_store
from growbase.domains.commerce.models import Store
from growbase.domains.commerce.models_facts import KpiCache
from growbase.domains.commerce.tasks import SCHEDULES, TASKS
from growbase.jobs.schedule import Timetable
from growbase.jobs.worker import Worker
from tests.domains.commerce.factories import AtOnce, make_store
from tests.fixtures import Tenant

SECOND = timedelta(seconds=1)


def make_kpi(tx: Transaction, metric: str = "open_flags", *, days_ago: int = 0, **values: object) -> KpiKey:
    """Keep a figure of a new store that was looked at and whose time is up."""
    store = tx.get(Store, make_store(tx))
    day = clock.now().date() - timedelta(days=days_ago)
    key = kpi_key(store, metric, day - timedelta(days=7), day + timedelta(days=1))
    write_kpi(tx, key, {"total": 0}, source_watermark=tx.now, expires_at=tx.now - SECOND)
    tx.set_facts(KpiCache, key.columns(), {"wanted_at": tx.now, **values})
    return key


def asked(db: Database, actor: Actor) -> list[str]:
    with db.read(actor) as reads:
        return [job.payload["store_id"] for job in reads.rows(Job, kind="refresh_kpi")]


def test_expired_figures_are_computed_anew_whoever_looks_at_the_schedule(
    db: Database, tenant: Tenant, other_tenant: Tenant, at_once: AtOnce
) -> None:
    keys = {who: db.write(who, make_kpi) for who in (tenant.owner, other_tenant.owner)}
    one, other = (Timetable([found for found in SCHEDULES if found.name == "commerce/expired_kpis"]) for _ in "ab")
    db.write(system(), one.install)
    assert sorted(at_once([lambda: one.tick(db), lambda: other.tick(db)])) == [0, 1]
    # A run whose worker was taken for dead may still be going on when the next one begins.
    assert sum(at_once([lambda: tasks_kpis.expired_kpis(db)] * 2)) == 2
    assert tasks_kpis.expired_kpis(db) == 0
    for who, key in keys.items():
        assert asked(db, who) == [str(key.store_id)]
        db.write(who, lambda tx: tx.set_facts(Job, {"kind": "refresh_kpi"}, {"run_at": tx.now, "due": True}))
    assert Worker(db, TASKS).run_one()
    assert Worker(db, TASKS).run_one()
    for who, key in keys.items():
        with db.read(who) as reads:
            assert find_kpi(reads, key).state == "fresh"
    assert tasks_kpis.expired_kpis(db) == 0


@pytest.mark.parametrize(
    ("metric", "days_ago", "values"),
    [
        ("open_flags", 0, {"expires_at": clock.now() + timedelta(hours=1)}),
        ("open_flags", 0, {"wanted_at": clock.now() - tasks_kpis.WANTED - SECOND}),
        ("open_flags", 0, {"wanted_at": None}),
        ("open_flags", 0, {"refresh_lock_until": clock.now() + timedelta(hours=1)}),
        ("open_flags", 3, {}),
        ("returning_customers", 0, {}),
    ],
    ids=["fresh", "nobody looks any more", "nobody has looked", "asked for", "its days are over", "from elsewhere"],
)
def test_nothing_else_is_asked_for(
    db: Database, actor: Actor, metric: str, days_ago: int, values: dict[str, object]
) -> None:
    db.write(actor, lambda tx: make_kpi(tx, metric, days_ago=days_ago, **values))
    assert tasks_kpis.expired_kpis(db) == 0
    assert asked(db, actor) == []


def test_a_store_that_is_not_connected_computes_nothing(db: Database, actor: Actor) -> None:
    disconnected, trashed = db.write(actor, make_kpi), db.write(actor, make_kpi)
    db.write(actor, lambda tx: disconnect_store(tx, id=disconnected.store_id))
    db.write(actor, lambda tx: trash(tx, Store, trashed.store_id))
    assert tasks_kpis.expired_kpis(db) == 0


def test_one_organization_does_not_keep_another_waiting(
    db: Database, tenant: Tenant, other_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks_kpis, "EACH", 2)
    monkeypatch.setattr(tasks_kpis, "MOST", 3)
    for _ in range(3):
        db.write(tenant.owner, make_kpi)
    db.write(other_tenant.owner, make_kpi)
    assert tasks_kpis.expired_kpis(db) == 3
    assert (len(asked(db, tenant.owner)), len(asked(db, other_tenant.owner))) == (2, 1)
    assert tasks_kpis.expired_kpis(db) == 1


def test_a_look_is_noted_once_a_day(db: Database, actor: Actor) -> None:
    early = clock.now() - timedelta(days=2)
    fresh = {"expires_at": clock.now() + timedelta(hours=1)}
    key = db.write(actor, lambda tx: make_kpi(tx, wanted_at=early, **fresh))
    found = db.write(actor, lambda tx: read_kpi(tx, key))
    assert (found.state, found.is_settled()) == ("fresh", False)
    with db.read(actor) as reads:
        found = find_kpi(reads, key)
    assert found.is_settled()
    assert found.wanted_at is not None
    assert found.wanted_at > early
    assert asked(db, actor) == []
