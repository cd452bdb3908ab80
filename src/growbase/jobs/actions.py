"""What a person may do about a job: cancel it, try it again, give it up; and about a queue: pause it."""

from datetime import datetime
from uuid import UUID

from growbase.core.errors import Conflict, InvalidTransition, NotFound, TooLate
from growbase.core.reads import Where
from growbase.core.tables import Job, JobQueue, JobSchedule, JobStatus
from growbase.core.transaction import Transaction

OVER = frozenset({JobStatus.FAILED, JobStatus.DEAD, JobStatus.CANCELLED})


def cancel_job(tx: Transaction, *, id: UUID) -> UUID:
    """Cancel a job: at once while it is queued; a running one ends where its task next asks.

    Raises TooLate when it has ended.
    """
    job = tx.get(Job, id, lock=True)
    if job.status == JobStatus.QUEUED:
        tx.set_facts(Job, {"id": id}, {"status": JobStatus.CANCELLED, "finished_at": tx.now})
    elif job.status == JobStatus.RUNNING:
        tx.set_facts(Job, {"id": id, "cancel_requested_at": None}, {"cancel_requested_at": tx.now})
    else:
        raise TooLate("The job has ended already, as {status}.", status=job.status.value)
    tx.record("cancel", "jobs", id, organization_id=job.organization_id)
    return id


def retry_job(tx: Transaction, *, id: UUID) -> UUID:
    """Queue a job that has failed, died or was cancelled again, with all its attempts; one that waits runs now.

    Raises InvalidTransition while it runs and after it has succeeded, Conflict if the same work is queued already.
    """
    job = tx.get(Job, id, lock=True)
    if job.status not in OVER | {JobStatus.QUEUED}:
        raise InvalidTransition(what="job", current=job.status.value, to="queued", allowed=[])
    again: dict[str, object] = {"run_at": tx.now, "due": True}
    if job.status != JobStatus.QUEUED:
        _require_only(tx, job)
        again |= {"status": JobStatus.QUEUED, "attempts": 0, "progress": 0}
        again |= {"finished_at": None, "cancel_requested_at": None, "lease_token": None}
    tx.set_facts(Job, {"id": id}, again)
    tx.woken.add(job.queue)
    tx.record("retry", "jobs", id, organization_id=job.organization_id)
    return id


def retry_dead(tx: Transaction, *, before: datetime, queue: str | None = None, limit: int) -> int:
    """Queue up to ``limit`` jobs again that failed or died before a moment, and return how many that were.

    Those whose work is queued already are discarded.
    """
    jobs = _dead(tx, before, queue, limit)
    for job in jobs:
        try:
            retry_job(tx, id=job.id)
        except Conflict:
            discard_job(tx, id=job.id)
    return len(jobs)


def discard_job(tx: Transaction, *, id: UUID) -> UUID:
    """Give a failed or dead job up: it counts as cancelled and goes with the finished ones.

    Raises InvalidTransition for any other.
    """
    job = tx.get(Job, id, lock=True)
    if job.status not in {JobStatus.FAILED, JobStatus.DEAD}:
        allowed = ["cancelled"] if job.status in {JobStatus.QUEUED, JobStatus.RUNNING} else []
        raise InvalidTransition(what="job", current=job.status.value, to="discarded", allowed=allowed)
    tx.set_facts(Job, {"id": id}, {"status": JobStatus.CANCELLED, "finished_at": tx.now})
    tx.record("discard", "jobs", id, organization_id=job.organization_id)
    return id


def discard_dead(tx: Transaction, *, before: datetime, queue: str | None = None, limit: int) -> int:
    """Give up to ``limit`` jobs up that failed or died before a moment, and return how many that were."""
    jobs = _dead(tx, before, queue, limit)
    for job in jobs:
        discard_job(tx, id=job.id)
    return len(jobs)


def _dead(tx: Transaction, before: datetime, queue: str | None, limit: int) -> list[Job]:
    wanted: dict[str, str] = {} if queue is None else {"queue": queue}
    ended = Where("finished_at", "<", before)
    return tx.rows(Job, ended, status=("failed", "dead"), order="finished_at", limit=limit, lock=True, **wanted)  # type: ignore[arg-type]


def pause_schedule(tx: Transaction, *, name: str) -> None:
    """Let a schedule begin no more runs by itself, whichever worker looks. Raises NotFound."""
    if _schedule(tx, name).paused_at is None:
        tx.set_facts(JobSchedule, {"name": name}, {"paused_at": tx.now})
        tx.record("pause", "schedules", None, {"name": name})


def resume_schedule(tx: Transaction, *, name: str) -> None:
    """Let a paused schedule run again; what it missed is made up for by one run. Raises NotFound."""
    if _schedule(tx, name).paused_at is not None:
        tx.set_facts(JobSchedule, {"name": name}, {"paused_at": None})
        tx.record("resume", "schedules", None, {"name": name})


def run_schedule(tx: Transaction, *, name: str) -> None:
    """Let a schedule run now, once, as soon as a worker looks. Raises NotFound, and Conflict while it is paused."""
    if _schedule(tx, name).paused_at is not None:
        raise Conflict("The schedule {name} is paused: resume it first.", name=name)
    tx.set_facts(JobSchedule, {"name": name}, {"next_run_at": tx.now})
    tx.record("run", "schedules", None, {"name": name})


def _schedule(tx: Transaction, name: str) -> JobSchedule:
    row = tx.find(JobSchedule, name=name, lock=True)
    if row is None:
        raise NotFound(what="schedule")
    return row


def pause_queue(tx: Transaction, *, name: str) -> None:
    """Let no more jobs of a queue begin, on any machine; those at work go on."""
    tx.insert_facts(JobQueue, [{"name": name}], ignore=True)
    if tx.set_facts(JobQueue, {"name": name, "paused_at": None}, {"paused_at": tx.now, "paused_by": tx.actor.id}):
        tx.record("pause", "queues", None, {"name": name})


def resume_queue(tx: Transaction, *, name: str) -> None:
    """Let the jobs of a paused queue begin again."""
    row = tx.find(JobQueue, name=name, lock=True)
    if row is not None and row.paused_at is not None:
        tx.set_facts(JobQueue, {"name": name}, {"paused_at": None, "paused_by": None})
        tx.woken.add(name)
        tx.record("resume", "queues", None, {"name": name})


def _require_only(tx: Transaction, job: Job) -> None:
    """Raise Conflict if a live job does the same work."""
    if job.dedupe_key is None:
        return
    same = tx.find(
        Job,
        queue=job.queue,
        dedupe_key=job.dedupe_key,
        organization_id=job.organization_id,
        status=("queued", "running"),
    )
    if same is not None:
        raise Conflict("The same work is queued already, as another job.")
