from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from growbase.core import clock
from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import InvalidQuery
from growbase.core.tables import Job
from growbase.domains.commerce.actions_flags import detect_flag
from growbase.domains.commerce.actions_kpis import (
    KpiKey,
    find_kpi,
    kpi_key,
    read_kpi,
    request_refresh,
    write_kpi,
)
from growbase.domains.commerce.actions_messages import post_message
from growbase.domains.commerce.actions_orders import submit_order
from growbase.domains.commerce.actions_velocity import record_velocity
from growbase.domains.commerce.metrics import METRICS, compute
from growbase.domains.commerce.models import Store
from growbase.domains.commerce.models_facts import Granularity, KpiCache
from growbase.domains.commerce.tasks import TASKS
from growbase.jobs.worker import Worker
from tests.domains.commerce.factories import AtOnce, make_order, make_store, write_in


@pytest.fixture
def store_id(db: Database, actor: Actor) -> UUID:
    return db.write(actor, lambda tx: make_store(tx, timezone="America/New_York"))


def key_of(db: Database, actor: Actor, store_id: UUID, metric: str = "open_flags") -> KpiKey:
    today = clock.now().date()
    with db.read(actor) as reads:
        return kpi_key(reads.get(Store, store_id), metric, today - timedelta(days=7), today + timedelta(days=1))


def test_a_range_is_whole_days_of_the_stores_time_zone(db: Database, actor: Actor, store_id: UUID) -> None:
    with db.read(actor) as reads:
        store = reads.get(Store, store_id)
    key = kpi_key(store, "m", date(2026, 3, 8), date(2026, 3, 8))
    # The clocks go forward that night: the day has 23 hours.
    assert (key.start, key.end) == (datetime(2026, 3, 8, 5, tzinfo=UTC), datetime(2026, 3, 9, 4, tzinfo=UTC))
    same = kpi_key(
        store, "m", datetime(2026, 3, 8, 12, tzinfo=UTC), datetime(2026, 3, 9, 4, tzinfo=UTC), Granularity.TOTAL
    )
    assert same == key
    for start, end in ((date(2026, 3, 9), date(2026, 3, 8)), (date(2020, 1, 1), date(2026, 1, 1))):
        with pytest.raises(InvalidQuery):
            kpi_key(store, "m", start, end)


def test_the_newest_source_wins_in_whatever_order(db: Database, actor: Actor, store_id: UUID) -> None:
    key, now = key_of(db, actor, store_id), clock.now()
    for age, kept in ((2, True), (1, True), (3, False), (1, True)):
        watermark = now - timedelta(hours=age)
        assert (
            db.write(
                actor,
                lambda tx, age=age, watermark=watermark: write_kpi(tx, key, {"total": age}, source_watermark=watermark),
            )
            is kept
        )
    with db.read(actor) as reads:
        found = find_kpi(reads, key)
        assert reads.count(KpiCache) == 1
    assert (found.state, found.payload, found.source_watermark) == ("fresh", {"total": 1}, now - timedelta(hours=1))


def test_an_expired_figure_is_shown_as_stale_and_asked_for_once(db: Database, actor: Actor, store_id: UUID) -> None:
    key = key_of(db, actor, store_id)
    assert db.write(actor, lambda tx: read_kpi(tx, key)).state == "pending"
    db.write(
        actor,
        lambda tx: write_kpi(tx, key, {"total": 1}, source_watermark=tx.now, expires_at=tx.now - timedelta(seconds=1)),
    )
    with db.read(actor) as reads:
        job = reads.rows(Job, kind="refresh_kpi")[0]
    db.write(actor, lambda tx: tx.set_facts(Job, {"id": job.id}, {"status": "succeeded"}))
    for _ in range(3):
        found = db.write(actor, lambda tx: read_kpi(tx, key))
        assert (found.state, found.payload) == ("stale", {"total": 1})
    with db.read(actor) as reads:
        assert reads.count(Job, kind="refresh_kpi") == 2


def test_a_refresh_that_never_ended_may_be_asked_for_again(db: Database, actor: Actor, store_id: UUID) -> None:
    key = key_of(db, actor, store_id)
    assert db.write(actor, lambda tx: request_refresh(tx, key))
    assert not db.write(actor, lambda tx: request_refresh(tx, key))
    past = {"refresh_lock_until": clock.now() - timedelta(seconds=1)}
    db.write(actor, lambda tx: tx.set_facts(KpiCache, {"metric_key": key.metric}, past))
    assert db.write(actor, lambda tx: request_refresh(tx, key))


def test_many_readers_ask_for_one_refresh(db: Database, actor: Actor, store_id: UUID, at_once: AtOnce) -> None:
    key = key_of(db, actor, store_id)
    found = at_once([lambda: db.write(actor, lambda tx: request_refresh(tx, key))] * 6)
    assert sorted(found) == [False] * 5 + [True]
    with db.read(actor) as reads:
        assert (reads.count(Job, kind="refresh_kpi"), reads.count(KpiCache)) == (1, 1)


def test_parallel_refreshes_leave_one_row_with_the_newest_source(
    db: Database, actor: Actor, store_id: UUID, at_once: AtOnce
) -> None:
    key, now = key_of(db, actor, store_id), clock.now()
    calls = [
        lambda n=n: db.write(
            actor,
            lambda tx: write_kpi(tx, key, {"total": n}, source_watermark=now + timedelta(seconds=n)),
        )
        for n in (3, 1, 5, 2, 4, 0)
    ]
    at_once(calls)
    with db.read(actor) as reads:
        [row] = reads.rows(KpiCache)
    assert (row.payload, row.source_watermark) == ({"total": 5}, now + timedelta(seconds=5))


def test_a_worker_computes_what_was_asked_for(db: Database, actor: Actor, store_id: UUID) -> None:
    flag = {"store_id": store_id, "flag_type": "high_value"}
    for order_id in ("1", "2"):
        db.write(actor, lambda tx, order_id=order_id: detect_flag(tx, shopify_order_id=order_id, **flag))
    key = key_of(db, actor, store_id)
    assert db.write(actor, lambda tx: read_kpi(tx, key)).state == "pending"
    assert Worker(db, TASKS).run_one()
    found = db.write(actor, lambda tx: read_kpi(tx, key))
    assert (found.state, found.payload) == ("fresh", {"total": 2, "series": [], "by_severity": {"normal": 2}})
    with db.read(actor) as reads:
        [row] = reads.rows(KpiCache)
    assert row.refresh_lock_until is None


def test_our_own_tables_give_these_figures(db: Database, actor: Actor, store_id: UUID) -> None:
    waiting = db.write(actor, lambda tx: write_in(tx, store_id))
    answered = db.write(actor, lambda tx: write_in(tx, store_id, customer_email="bob@example.com"))
    assert waiting.ticket_id != answered.ticket_id
    db.write(actor, lambda tx: post_message(tx, ticket_id=answered.ticket_id, body_rich="Hello"))
    order = db.write(actor, lambda tx: make_order(tx, store_id=store_id))
    db.write(actor, lambda tx: submit_order(tx, id=order))
    db.write(actor, lambda tx: make_order(tx, store_id=store_id))
    today = clock.now().date()
    for sku, stock in (("A", 0), ("B", 2), ("C", 9_000)):
        db.write(
            actor,
            lambda tx, sku=sku, stock=stock: record_velocity(
                tx, store_id=store_id, sku=sku, recorded_for=today, average_daily_sales=5, current_inventory=stock
            ),
        )
    found = {}
    for metric in METRICS:
        key = key_of(db, actor, store_id, metric)
        found[metric] = db.write(actor, lambda tx, key=key: compute(tx, tx.get(Store, store_id), key))
    assert found["tickets_waiting"]["total"] == 1
    assert found["first_response_median"]["total"] in {0, 1, 2}
    assert found["purchase_order_value"] == {"total": 6_500, "series": [], "by_currency": {"EUR": 6_500}}
    assert (found["stock_outs"]["skus"], found["stock_outs"]["running_out_skus"]) == (["A"], ["B"])
    assert found["open_flags"]["total"] == 0


def test_a_figure_is_divided_by_days_and_adds_no_currencies(db: Database, actor: Actor, store_id: UUID) -> None:
    for currency in ("EUR", "EUR", "CAD"):
        order = db.write(actor, lambda tx, currency=currency: make_order(tx, store_id=store_id, currency=currency))
        db.write(actor, lambda tx, order=order: submit_order(tx, id=order))
    today = clock.now().date()
    with db.read(actor) as reads:
        store = reads.get(Store, store_id)
        for granularity in Granularity:
            key = kpi_key(
                store, "purchase_order_value", today - timedelta(days=1), today + timedelta(days=1), granularity
            )
            found = compute(reads, store, key)
            assert (found["total"], found["series"]) == (None, [])
            assert found["by_currency"] == {"CAD": 6_500, "EUR": 13_000}
            key = kpi_key(
                store, "first_response_median", today - timedelta(days=1), today + timedelta(days=1), granularity
            )
            assert compute(reads, store, key) == {"total": None, "series": []}
