"""What goes by itself: expired idempotency keys, finished jobs, rows that were long enough in the trash."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from uuid import UUID

from growbase.core import clock
from growbase.core.actor import system
from growbase.core.database import Database
from growbase.core.model import Root, table_of
from growbase.core.resource import Resource
from growbase.core.statements import mark, plan_of
from growbase.core.tables import IdempotencyKey, Job
from growbase.core.transaction import Transaction
from growbase.core.trash import purge

CHUNK = 500
"""Rows in one unit, so that a sweep delays nobody's write."""
FINISHED_JOBS = timedelta(days=7)


def expired_idempotency_keys(database: Database) -> int:
    """Delete idempotency keys past their 24 hours and return how many."""
    return _in_chunks(database, partial(_delete_older, IdempotencyKey, "expires_at", timedelta(0)))


def finished_jobs(database: Database) -> int:
    """Delete succeeded and cancelled jobs after 7 days and return how many; dead ones stay to be looked at."""
    done = "status IN ('succeeded', 'cancelled')"
    return _in_chunks(database, partial(_delete_older, Job, "finished_at", FINISHED_JOBS, also=done))


def old_trash(database: Database, *, days: int | None = None) -> int:
    """Purge what has been in the trash for its resource's retention, or ``days``, and return how many rows went.

    Rows that others must keep (a campaign with analytics) become tombstones.
    """
    span = None if days is None else timedelta(days=days)
    due = [found for found in database.catalog.resources if found.trashable and found.retention is not None]
    return sum(_purge_due(database, resource, span or resource.retention or timedelta()) for resource in due)


def _in_chunks(database: Database, unit: Callable[[Transaction], int]) -> int:
    removed = 0
    while done := database.write(system("sweep"), unit):
        removed += done
    return removed


def _delete_older(model: type[Root], column: str, age: timedelta, tx: Transaction, *, also: str = "1 = 1") -> int:
    plan = plan_of(model, tx.engine)
    key = ", ".join(found.name for found in table_of(model).primary_key.columns)
    old = f"SELECT {key} FROM {plan.table} WHERE {column} < {mark(tx.engine)} AND {also} LIMIT {CHUNK}"
    moment = plan.fields[column].bound(tx.now - age)
    return tx.execute(f"DELETE FROM {plan.table} WHERE ({key}) IN ({old})", [moment]).rowcount


def _purge_due(database: Database, resource: Resource, age: timedelta) -> int:
    plan = plan_of(resource.model, database.engine)
    limit = plan.fields["deleted_at"].bound(clock.now() - age)
    sql = (
        f"SELECT {plan.scope}, id FROM {plan.table} WHERE deleted_at < {mark(database.engine)} "
        f"AND purged_at IS NULL LIMIT {CHUNK}"
    )
    read = plan.fields["id"].read
    gone = 0
    while rows := database.query(sql, (limit,)):
        for row in rows:
            owner, identity = (value if read is None else read(value) for value in row)
            unit = partial(_purge_one, resource=resource, id=identity)
            gone += database.write(system("retention", owner), unit)
        if len(rows) < CHUNK:
            break
    return gone


def _purge_one(tx: Transaction, resource: Resource, id: UUID) -> int:
    row = tx.find(resource.model, id, trash=True)
    if row is None or row.__dict__["purged_at"] is not None or row.__dict__["deleted_at"] is None:
        return 0
    purge(tx, resource.model, id, keep=True)
    return 1
