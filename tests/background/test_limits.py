"""A plan's limit against several processes at once, one of which is killed on the way."""

import sys
from collections.abc import Mapping
from multiprocessing.synchronize import Barrier

import pytest

from growbase import wiring
from growbase.core.actor import Actor
from growbase.core.config import load_settings
from growbase.core.errors import LimitExceeded
from growbase.core.transaction import Transaction
from growbase.domains.identity.actions_billing import subscribe
from growbase.domains.identity.models_billing import Metric, Plan, UsageCounter, UsageEvent
from growbase.domains.identity.usage import consume
from tests.background import program
from tests.background.site import PATIENCE, Site
from tests.fixtures import make_tenant

METRIC = Metric.POSTS_GENERATED
PROCESSES = 4


def use(env: Mapping[str, str], actor: Actor, together: Barrier, most: int) -> None:
    """Use a metric until the plan has no more, and exit with how often that was."""
    database = wiring.open_database(load_settings(env))
    together.wait(PATIENCE)
    used = 0
    try:
        while used < most:
            database.write(actor, lambda tx: consume(tx, METRIC))
            used += 1
    except LimitExceeded:
        pass
    database.close()
    sys.exit(used)


def used_by(site: Site, actor: Actor) -> int:
    """Return what the counter says, having proved it against the ledger."""
    with site.db.read(actor, snapshot=True) as reads:
        counter = reads.find(UsageCounter, metric=METRIC)
        lines = reads.rows(UsageEvent)
    used = sum(line.quantity for line in lines)
    assert used == (counter.used if counter else 0)
    return used


def limited(site: Site, name: str, limit: int) -> Actor:
    actor = make_tenant(site.db, name).owner

    def unit(tx: Transaction) -> None:
        values = {"name": name, "price_month_minor": 0, "currency": "EUR", "limits": {METRIC.value: limit}}
        tx.insert(Plan, code=name.lower(), **values)
        subscribe(tx, plan_code=name.lower())

    site.db.write(actor, unit)
    return actor


@pytest.mark.parametrize(("limit", "kills"), [(1, 0), (60, 1)])
def test_processes_at_once_use_exactly_what_the_plan_allows(site: Site, limit: int, kills: int) -> None:
    actor = limited(site, f"Limit{limit}", limit)
    together = program.forked.Barrier(PROCESSES)
    arguments = (site.env, actor, together, limit)
    processes = [program.forked.Process(target=use, args=arguments, daemon=True) for _ in range(PROCESSES)]
    site.started += processes
    for process in processes:
        process.start()
    for process in processes[:kills]:
        site.wait(lambda: used_by(site, actor) > limit // 4, "a quarter of the use")
        process.kill()
    for process in processes:
        process.join(PATIENCE)
    told = [process.exitcode or 0 for process in processes[kills:]]
    assert min(told) >= 0
    assert used_by(site, actor) == limit
    if not kills:
        assert sum(told) == limit
