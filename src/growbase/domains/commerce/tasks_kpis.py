"""What keeps key figures new: computing one that was asked for, and asking for those whose time is up."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from random import uniform
from typing import Final
from uuid import UUID

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.statements import mark, plan_of
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.domains.commerce.actions_kpis import KpiKey, request_refresh, write_kpi
from growbase.domains.commerce.actions_stores import REFRESH
from growbase.domains.commerce.metrics import METRICS, compute, key_of
from growbase.domains.commerce.models import Store, StoreStatus
from growbase.domains.commerce.models_facts import KpiCache
from growbase.jobs.schedule import Schedule
from growbase.jobs.worker import Task

WANTED: Final = timedelta(days=7)
"""A figure nobody has looked at for so long is computed again only when somebody does."""
EACH: Final = 100
"""Figures of one organization that a run asks for at most."""
MOST: Final = 1_000
SPREAD: Final = timedelta(minutes=1)


def refresh_kpi(database: Database, actor: Actor, job: Job) -> None:
    """Compute a key figure and keep it, in one unit that sees one state of the data."""

    def unit(tx: Transaction) -> None:
        store = tx.find(Store, UUID(job.payload["store_id"]))
        if store is not None and job.payload["metric"] in METRICS:
            key = key_of(job.payload, store)
            write_kpi(tx, key, compute(tx, store, key), source_watermark=tx.now)

    database.write(actor, unit)


def expired_kpis(database: Database) -> int:
    """Ask for the figures whose time is up, of connected stores and still looked at, and return how many.

    Days that are over don't change any more: only ranges that reach to today are asked for. What one organization has
    more than ``EACH`` waits for the next run, so that it keeps nobody else waiting.
    """
    asked = 0
    for organization_id, ids in _due(database).items():
        asked += database.write(system("sweep", organization_id), partial(_ask, ids=ids))
    return asked


def _due(database: Database) -> dict[UUID, list[UUID]]:
    fields, sign, now = plan_of(KpiCache, database.engine).fields, mark(database.engine), clock.now()
    metrics = ", ".join([sign] * len(METRICS))
    sql = (
        "SELECT f.organization_id, f.id FROM (SELECT t.organization_id, t.id, t.expires_at, row_number() OVER "
        "(PARTITION BY t.organization_id ORDER BY t.expires_at, t.id) AS place FROM kpi_cache t "
        "JOIN stores s ON s.organization_id = t.organization_id AND s.id = t.store_id "
        f"WHERE t.expires_at <= {sign} AND t.range_end > {sign} AND t.wanted_at > {sign} "
        f"AND (t.refresh_lock_until IS NULL OR t.refresh_lock_until <= {sign}) AND t.metric_key IN ({metrics}) "
        f"AND s.status = '{StoreStatus.ACTIVE.value}' AND s.deleted_at IS NULL) f "
        f"WHERE f.place <= {EACH} ORDER BY f.place, f.expires_at, f.id LIMIT {MOST}"
    )
    moments = [fields["expires_at"].bound(moment) for moment in (now, now, now - WANTED, now)]
    read, found = fields["id"].read, defaultdict[UUID, list[UUID]](list)
    for row in database.query(sql, (*moments, *METRICS)):
        organization_id, id = (read(value) if read else value for value in row)
        found[organization_id].append(id)
    return found


def _ask(tx: Transaction, *, ids: Sequence[UUID]) -> int:
    """Ask for figures that are still old, spread over a minute."""
    asked = 0
    for row in tx.rows(KpiCache, id=list(ids), order="expires_at, id"):
        if row.expires_at is not None and row.expires_at <= tx.now:
            key = KpiKey(row.store_id, row.metric_key, row.range_start, row.range_end, row.granularity)
            asked += request_refresh(tx, key, run_at=tx.now + SPREAD * uniform(0, 1))  # noqa: S311 -- no secret
    return asked


TASKS: Final[dict[str, Task]] = {REFRESH: refresh_kpi}
SCHEDULES: Final = (Schedule("commerce/expired_kpis", expired_kpis, every=timedelta(minutes=5)),)
