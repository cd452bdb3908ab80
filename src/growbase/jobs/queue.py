"""The states of a job while a worker holds it: each transition one short statement under the job's lease.

A worker holds a job by its ``lease_token``. Whoever writes for a job names the token; a worker that was thought dead
and comes back finds that it has none of its jobs any more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from growbase.core import clock
from growbase.core.database import Database
from growbase.core.reads import Reads
from growbase.core.statements import POSTGRESQL, Plan, mark, plan_of
from growbase.core.tables import Job, JobStatus
from growbase.core.transaction import Transaction
from growbase.jobs.errors import Cancelled, LeaseLost, Permanent, RateLimited, UnknownOutcome, UnknownTask
from growbase.jobs.policies import attempts_of, pause

CHUNK = 500
"""Jobs in one unit of housekeeping."""
RATE_LIMITED_FOR = timedelta(days=1)
"""A job older than this pays for a rate limit with an attempt."""
SHORT, LONG = timedelta(minutes=1), timedelta(hours=1)
"""How long a job whose task nobody knows is put back, at least and at most."""
MESSAGE = 2_000
LOST = "The worker that ran it died, or lost the database for longer than its lease."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job in its worker."""

    job: Job
    error: BaseException | None = None
    result: Mapping[str, object] | None = None


def enqueue_many(
    tx: Transaction,
    kind: str,
    payloads: Sequence[Mapping[str, object]],
    *,
    queue: str,
    run_at: datetime | None = None,
    priority: int = 100,
    parent_id: UUID | None = None,
) -> list[UUID]:
    """Insert a job for each payload, all with one statement, and return their ids; see ``tx.enqueue``."""
    shared = {
        "queue": queue,
        "kind": kind,
        "organization_id": tx.actor.organization_id,
        "priority": priority,
        "status": JobStatus.QUEUED,
        "run_at": run_at or tx.now,
        "due": run_at is None or run_at <= tx.now,
        "attempts": 0,
        "progress": 0,
        "parent_id": parent_id,
        "created_at": tx.now,
    }
    ids = [clock.new_id() for _ in payloads]
    rows = [{"id": id, **shared, "payload": dict(payload)} for id, payload in zip(ids, payloads, strict=True)]
    tx.insert_facts(Job, rows)
    if rows:
        tx.woken.add(queue)
    return ids


# -- for tasks --------------------------------------------------------------------------------------------------------


def complete(tx: Transaction, job: Job, result: Mapping[str, object] | None = None) -> None:
    """Finish a job inside its task's own unit, so that its effects are there if and only if it counts as done.

    Raises LeaseLost if another worker has the job: the unit then leaves nothing.
    """
    if not _write(tx, [job], _finished(tx, JobStatus.SUCCEEDED) | {"progress": 100, "result": result, "error": None}):
        raise LeaseLost


def checkpoint(
    tx: Transaction, job: Job, *, progress: int | None = None, position: Mapping[str, object] | None = None
) -> None:
    """Hold a job until the unit ends, and note how far it has come; call it in each unit of a long task.

    ``position`` is kept as the job's result, where the next attempt finds it. Raises LeaseLost if another worker has
    the job, Cancelled if somebody wants it to end; the unit then leaves nothing.
    """
    held = _held(tx, job)
    if held is None:
        raise LeaseLost
    if held.cancel_requested_at is not None:
        raise Cancelled
    noted: dict[str, object] = {"heartbeat_at": tx.now}
    noted |= {} if progress is None else {"progress": progress}
    noted |= {} if position is None else {"result": position}
    if len(noted) > 1:
        _write(tx, [job], noted)


def is_last(job: Job, error: BaseException) -> bool:
    """Return whether a job ends with this failure, so that its task can say so where people look.

    A worker that dies says nothing: whoever relies on it looks for rows without a live job too.
    """
    if isinstance(error, Permanent | UnknownOutcome | Cancelled):
        return True
    if isinstance(error, LeaseLost):
        return False
    is_free = isinstance(error, RateLimited) and clock.now() - job.created_at < RATE_LIMITED_FOR
    return job.attempts - is_free >= attempts_of(job)


# -- for workers ------------------------------------------------------------------------------------------------------


def settle(tx: Transaction, outcomes: Sequence[Outcome]) -> list[Job]:
    """Write what became of jobs and return those that this worker no longer held or that have settled themselves."""
    plain = [outcome.job for outcome in outcomes if outcome.error is None and outcome.result is None]
    done = _write(tx, plain, _finished(tx, JobStatus.SUCCEEDED) | {"progress": 100, "error": None})
    missed = [job for job in plain if job.id not in done]
    for outcome in outcomes:
        job = outcome.job
        if outcome.error is not None:
            held = _held(tx, job)
            written = held is not None and _write(tx, [job], _after(tx, held, outcome.error))
        elif outcome.result is not None:
            values = _finished(tx, JobStatus.SUCCEEDED) | {"progress": 100, "error": None, "result": outcome.result}
            written = _write(tx, [job], values)
        else:
            continue
        if not written:
            missed.append(job)
    return missed


def lost(reads: Reads, jobs: Iterable[Job]) -> list[Job]:
    """Return which of the jobs have not been settled by the worker that held them."""
    wanted = list(jobs)
    if not wanted:
        return []
    rows = reads.rows(Job, id=[job.id for job in wanted], anywhere=True)
    found = {(row.id, row.lease_token): row for row in rows}
    ids = {row.id for row in rows}
    return [job for job in wanted if job.id in ids and (job.id, job.lease_token) not in found]


def renew(tx: Transaction, jobs: Sequence[Job], lease: timedelta) -> None:
    """Prolong the leases of running jobs, but of those whose row a task holds at this moment."""
    plan = plan_of(Job, tx.engine)
    skip = " FOR UPDATE SKIP LOCKED" if tx.engine == POSTGRESQL else ""
    pairs, held = _pairs(plan, jobs)
    rows = tx.execute(f"SELECT id FROM jobs WHERE status = 'running' AND {pairs}{skip}", held).fetchall()
    free = {row[0] for row in rows}
    bound = plan.fields["id"].bound
    _write(tx, [job for job in jobs if bound(job.id) in free], {"lease_until": tx.now + lease, "heartbeat_at": tx.now})


def release(tx: Transaction, jobs: Sequence[Job], after: timedelta) -> None:
    """Give running jobs back without costing them an attempt; others may begin them ``after`` this worker has ended."""
    for job in jobs:
        held = _held(tx, job)
        if held is not None:
            is_cancelled = held.cancel_requested_at is not None
            again = _queued(tx, after) | {"attempts": job.attempts - 1}
            _write(tx, [job], _finished(tx, JobStatus.CANCELLED) if is_cancelled else again)


def give_back(tx: Transaction, tokens: Sequence[UUID]) -> None:
    """Let the jobs of claims be claimed again whose answer got lost: nobody has begun them."""
    if tokens:
        jobs = tx.rows(Job, status=JobStatus.RUNNING, lease_token=list(tokens), anywhere=True)
        release(tx, jobs, timedelta(0))


# -- housekeeping -----------------------------------------------------------------------------------------------------


def is_waiting(database: Database) -> bool:
    """Return whether the time of a job has come that can't be claimed yet."""
    plan = plan_of(Job, database.engine)
    sql = f"SELECT 1 FROM jobs WHERE status = 'queued' AND NOT due AND run_at <= {mark(database.engine)} LIMIT 1"
    return bool(database.query(sql, (plan.fields["run_at"].bound(clock.now()),)))


def promote(tx: Transaction) -> int:
    """Let the jobs whose time has come be claimed and return how many."""
    plan = plan_of(Job, tx.engine)
    sign = mark(tx.engine)
    skip = " FOR UPDATE SKIP LOCKED" if tx.engine == POSTGRESQL else ""
    ready = (
        f"SELECT id FROM jobs WHERE status = 'queued' AND NOT due AND run_at <= {sign} "
        f"ORDER BY run_at LIMIT {CHUNK}{skip}"
    )
    sql = f"UPDATE jobs SET due = {sign} WHERE {among_sql(tx.engine, ready)}"
    bound = plan.fields["run_at"].bound(tx.now)
    return tx.execute(sql, [plan.fields["due"].bound(True), bound]).rowcount  # noqa: FBT003 -- a column's value


def reap(tx: Transaction, *, everything: bool = False) -> list[Job]:
    """Take jobs whose lease has run out from their workers and return them; ``everything`` asks for no lease.

    Each has used up an attempt: a job that kills its worker ends as dead.
    """
    plan = plan_of(Job, tx.engine)
    skip = " FOR UPDATE SKIP LOCKED" if tx.engine == POSTGRESQL else ""
    term = "1 = 1" if everything else f"lease_until < {mark(tx.engine)}"
    sql = f"SELECT {plan.columns} FROM jobs WHERE status = 'running' AND {term} LIMIT {CHUNK}{skip}"
    rows = tx.execute(sql, [] if everything else [plan.fields["lease_until"].bound(tx.now)]).fetchall()
    jobs = [cast("Job", plan.instance(row)) for row in rows]
    for job in jobs:
        _write(tx, [job], _after(tx, job, LeaseLost(LOST), wait=timedelta(0)))
    return jobs


def among_sql(engine: str, chosen: str) -> str:
    """Return the term that the id is one of those chosen by a statement with LIMIT.

    PostgreSQL may run a statement inside ``IN`` again for each row, and then locks and returns more than the limit.
    """
    return f"id = ANY(ARRAY({chosen}))" if engine == POSTGRESQL else f"id IN ({chosen})"


# -- one row ----------------------------------------------------------------------------------------------------------


def _after(tx: Transaction, job: Job, error: BaseException, wait: timedelta | None = None) -> dict[str, object]:
    """Return what a failure makes of a job: cancelled, failed for good, dead, or queued again."""
    kind = next((name for name, found in KINDS.items() if isinstance(error, found)), "transient")
    text = str(error).encode("utf-8", "replace").decode().replace("\x00", "")[:MESSAGE]
    noted = {"kind": kind, "type": type(error).__name__, "message": text, "attempt": job.attempts}
    if job.cancel_requested_at is not None or isinstance(error, Cancelled):
        return _finished(tx, JobStatus.CANCELLED)
    if isinstance(error, Permanent | UnknownOutcome):
        return _finished(tx, JobStatus.FAILED) | {"error": noted}
    attempts = job.attempts
    if isinstance(error, UnknownTask):
        # For as long as it has waited already: a worker of the next version may come soon, or never.
        waited = max(SHORT, min(LONG, tx.now - job.created_at))
        return _queued(tx, waited) | {"error": noted, "attempts": attempts - 1}
    if isinstance(error, RateLimited):
        wait = timedelta(seconds=max(0.0, error.retry_after))
        attempts -= tx.now - job.created_at < RATE_LIMITED_FOR
    if attempts >= attempts_of(job):
        return _finished(tx, JobStatus.DEAD) | {"error": noted}
    return _queued(tx, pause(job) if wait is None else wait) | {"error": noted, "attempts": attempts}


KINDS: Mapping[str, type[BaseException]] = {
    "rate_limited": RateLimited,
    "permanent": Permanent,
    "unknown_outcome": UnknownOutcome,
    "lost": LeaseLost,
}


def _queued(tx: Transaction, wait: timedelta) -> dict[str, object]:
    run_at = tx.now + wait
    return {"status": JobStatus.QUEUED, "run_at": run_at, "due": not wait, "lease_until": None, "lease_token": None}


def _finished(tx: Transaction, status: JobStatus) -> dict[str, object]:
    return {"status": status, "finished_at": tx.now, "lease_until": None}


def _held(tx: Transaction, job: Job) -> Job | None:
    """Return a job as it is now, locked, None if its worker no longer holds it."""
    plan = plan_of(Job, tx.engine)
    lock = " FOR UPDATE" if tx.engine == POSTGRESQL else ""
    pairs, held = _pairs(plan, [job])
    row = tx.execute(f"SELECT {plan.columns} FROM jobs WHERE status = 'running' AND {pairs}{lock}", held).fetchone()
    return None if row is None else cast("Job", plan.instance(row))


def _write(tx: Transaction, jobs: Sequence[Job], values: Mapping[str, Any]) -> set[UUID]:
    """Write running jobs whose lease the caller holds and return the ids of those that it did hold."""
    if not jobs:
        return set()
    plan = plan_of(Job, tx.engine)
    sets = ", ".join(f"{name} = {mark(tx.engine)}" for name in values)
    pairs, held = _pairs(plan, jobs)
    sql = f"UPDATE jobs SET {sets} WHERE status = 'running' AND {pairs} RETURNING id"
    rows = tx.execute(sql, [*(plan.fields[name].bound(value) for name, value in values.items()), *held]).fetchall()
    read = plan.fields["id"].read
    return {read(row[0]) if read else row[0] for row in rows}


def _pairs(plan: Plan, jobs: Sequence[Job]) -> tuple[str, list[object]]:
    """Return the term and parameters that find jobs by id and lease."""
    sign = mark(plan.engine)
    bound = plan.fields["id"].bound
    values = [bound(value) for job in jobs for value in (job.id, job.lease_token)]
    return f"(id, lease_token) IN (VALUES {', '.join([f'({sign}, {sign})'] * len(jobs))})", values
