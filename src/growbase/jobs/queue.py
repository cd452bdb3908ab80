"""The states of a job, each transition one short statement that moves one row."""

from collections.abc import Collection
from datetime import datetime, timedelta
from random import uniform
from uuid import UUID

from growbase.core.clock import new_id
from growbase.core.statements import POSTGRESQL, mark, plan_of
from growbase.core.tables import Job, JobStatus
from growbase.core.transaction import Transaction

LEASE = timedelta(minutes=5)
"""A job whose worker has not finished or renewed by then may be claimed again."""
BACKOFF_SECONDS = 2.0


def claim(tx: Transaction, kinds: Collection[str]) -> Job | None:
    """Lease the most urgent due job of these kinds, or one whose lease has run out; None if there is none.

    Two workers never get the same job: PostgreSQL skips rows another one holds, SQLite has one writer.
    """
    plan = plan_of(Job, tx.engine)
    sign = mark(tx.engine)
    now = plan.fields["run_at"].bound(tx.now)
    skip = " FOR UPDATE SKIP LOCKED" if tx.engine == POSTGRESQL else ""
    names = ", ".join([sign] * len(kinds))
    due = (
        f"SELECT id FROM jobs WHERE kind IN ({names}) AND (status = 'queued' AND run_at <= {sign} "
        f"OR status = 'running' AND lease_until < {sign}) ORDER BY priority, run_at LIMIT 1{skip}"
    )
    sql = (
        f"UPDATE jobs SET status = 'running', attempts = attempts + 1, lease_until = {sign}, lease_token = {sign}, "
        f"heartbeat_at = {sign} WHERE id = ({due}) RETURNING {plan.columns}"
    )
    lease_until = plan.fields["lease_until"].bound(tx.now + LEASE)
    token = plan.fields["lease_token"].bound(new_id())
    row = tx.execute(sql, [lease_until, token, now, *kinds, now, now]).fetchone()
    found = plan.instance(row) if row is not None else None
    assert found is None or isinstance(found, Job)
    return found


def finish(tx: Transaction, job: Job) -> bool:
    """Note that a job succeeded; False if its lease was lost to another worker meanwhile."""
    return _move(tx, job, {"status": JobStatus.SUCCEEDED, "progress": 100, "finished_at": tx.now})


def fail(tx: Transaction, job: Job, reason: str) -> bool:
    """Note that a job failed: again after an exponential pause with jitter, or dead after its last attempt."""
    error = {"message": reason[:2_000]}
    if job.attempts >= job.max_attempts:
        return _move(tx, job, {"status": JobStatus.DEAD, "error": error, "finished_at": tx.now})
    return _move(tx, job, {"status": JobStatus.QUEUED, "error": error, "run_at": tx.now + pause(job.attempts)})


def release(tx: Transaction, job: Job) -> bool:
    """Give a job back that was not begun."""
    return _move(tx, job, {"status": JobStatus.QUEUED, "attempts": job.attempts - 1})


def pause(attempts: int) -> timedelta:
    """Return how long to wait before the next attempt."""
    return timedelta(seconds=BACKOFF_SECONDS * 4 ** (attempts - 1) * uniform(0.8, 1.2))  # noqa: S311 -- jitter


def _move(tx: Transaction, job: Job, values: dict[str, object]) -> bool:
    """Write a job's state if this worker still holds its lease."""
    keys: dict[str, UUID | datetime | str | None] = {"id": job.id, "lease_token": job.lease_token, "status": "running"}
    return tx.set_facts(Job, keys, {**values, "lease_until": None, "lease_token": None}) == 1
