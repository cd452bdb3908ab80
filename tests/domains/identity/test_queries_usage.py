from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from growbase.core import clock
from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import InvalidQuery
from growbase.core.transaction import Transaction
from growbase.domains.identity.queries_usage import usage_by_day
from growbase.domains.identity.usage import Metric, consume, count_use, give_back
from tests.fixtures import Tenant

BERLIN = ZoneInfo("Europe/Berlin")


def used(db: Database, actor: Actor, *metrics: str) -> dict[tuple[str, str], int]:
    now = clock.now()
    span = {"start": now - timedelta(days=30), "end": now + timedelta(days=1)}
    with db.read(actor) as reads:
        found = usage_by_day(reads, zone=BERLIN, metrics=metrics, **span)
    return {(row["metric"], row["day"]): row["used"] for row in found["data"]}


def test_use_is_added_up_by_day_and_what_was_given_back_is_taken_off(
    db: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    late = datetime.combine(clock.now().date() - timedelta(days=2), datetime.min.time(), UTC) + timedelta(hours=23)

    def unit(tx: Transaction) -> None:
        tx.now = late
        count_use(tx, Metric.API_CALLS, 5)
        tx.now = late + timedelta(minutes=50)
        count_use(tx, Metric.API_CALLS, 2)
        tx.now = late + timedelta(hours=20)
        consume(tx, Metric.PROSPECTS, 3)
        give_back(tx, Metric.PROSPECTS, 1)

    db.write(tenant.owner, unit)
    # In Berlin it is the next day already.
    day = str((late + timedelta(days=1)).date())
    calls = {("api_calls", day): 7}
    assert used(db, tenant.owner, "api_calls") == calls
    assert used(db, tenant.owner) == {**calls, ("prospects", day): 2}
    assert used(db, other_tenant.owner) == {}


def test_a_metric_nobody_counts_is_refused(db: Database, actor: Actor) -> None:
    with pytest.raises(InvalidQuery):
        used(db, actor, "wishes")
