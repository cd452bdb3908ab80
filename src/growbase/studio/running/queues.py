"""Queues and jobs as they stand now: what waits, runs and has failed, for one organization or, for operators, all."""

from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from growbase.api.call import Answer, identity
from growbase.core import clock
from growbase.core.errors import Conflict, Invalid, NotFound, TooLate
from growbase.core.reads import Reads, Where
from growbase.core.tables import Job, JobQueue, JobStatus
from growbase.core.transaction import Transaction
from growbase.domains.identity.models import Organization
from growbase.jobs import actions
from growbase.jobs.figures import queue_figures
from growbase.jobs.policies import attempts_of
from growbase.jobs.schedule import KIND
from growbase.ops.background import background_status
from growbase.studio.acts import flash_error
from growbase.studio.render import page
from growbase.studio.running import operating
from growbase.studio.running.names import named
from growbase.studio.running.operating import plain, redacted
from growbase.studio.visit import Visit, with_query
from growbase.studio.words import Words

SHOWN: Final = 50
"""Failed jobs on a page."""
AT_WORK: Final = 25
CHUNK: Final = 500
ACTS: Final = {"retry": actions.retry_job, "discard": actions.discard_job, "cancel": actions.cancel_job}
ALL: Final = {"retry-all": actions.retry_dead, "discard-all": actions.discard_dead}
BAD: Final = (JobStatus.FAILED, JobStatus.DEAD)
COLUMNS: Final = (
    *("id", "queue", "kind", "organization_id", "status", "attempts", "progress", "worker", "error", "run_at"),
    *("created_at", "started_at", "finished_at", "cancel_requested_at"),
)


async def show(visit: Visit) -> Answer:
    """Show the queues, what is at work, and what has failed for good."""
    operating.require_overseer(visit)
    queue, before = visit.query.get("queue", ""), _id(visit.query.get("before", ""))
    database = visit.api.database
    queues = await database.aread(lambda: _queues(visit))
    for one in queues:
        one["title"] = named(visit.words, one["name"])
    found = await operating.read(visit, partial(_jobs, words=visit.words, queue=queue, before=before))
    failed = found["failed"]
    return page(
        visit,
        "running/queues.html",
        **{**found, "failed": failed[:SHOWN]},
        queues=queues,
        queue=queue,
        queue_title=named(visit.words, queue) if queue else "",
        next=with_query("/studio/queues", [("queue", queue), ("before", failed[SHOWN - 1]["id"])])
        if len(failed) > SHOWN
        else "",
        self_url=with_query("/studio/queues", [("queue", queue), ("before", visit.query.get("before", ""))]),
        is_first=before is None,
    )


def _queues(visit: Visit) -> list[dict[str, Any]]:
    """Return how the queues stand; how many jobs end a minute is told of all organizations together only."""
    database = visit.api.database
    if visit.person.is_operator:
        found = background_status(database).queues
        return [{name: getattr(one, name) for name in one.__slots__} | {"of": None} for one in found]
    now = clock.now()
    return [
        {
            **row,
            "paused": row["paused_at"] is not None,
            "oldest_seconds": (now - row["oldest_run_at"]).total_seconds() if row["oldest_run_at"] else 0.0,
            "ended_per_minute": None,
        }
        for row in queue_figures(database, visit.by.organization_id)
    ]


def _jobs(reads: Reads, *, words: Words, queue: str, before: UUID | None) -> dict[str, Any]:
    wanted = {"queue": queue} if queue else {}
    older = [Where("id", "<", before)] if before else []
    running = reads.rows(Job, status=JobStatus.RUNNING, order="-started_at", limit=AT_WORK, **wanted)  # type: ignore[arg-type]
    failed = reads.rows(Job, *older, status=BAD, order="-id", limit=SHOWN + 1, **wanted)  # type: ignore[arg-type]
    rows = [*running, *failed]
    return {
        "running": [_shown(words, job) for job in running],
        "failed": [_shown(words, job) for job in failed],
        "names": _organizations(reads, {row.organization_id for row in rows}),
    }


def _organizations(reads: Reads, ids: set[UUID | None]) -> dict[str, str]:
    """Return the names of the organizations jobs belong to, where all of them are shown."""
    if not reads.actor.is_program or not ids - {None}:
        return {}
    found = reads.rows(Organization, id=[id for id in ids if id is not None], trash=True, anywhere=True)
    return {str(row.id): row.name for row in found}


def _shown(words: Words, job: Job) -> dict[str, Any]:
    return {
        **plain(job, *COLUMNS),
        "status": job.status.value,
        "title": named(words, job.kind),
        "queue_title": named(words, job.queue),
        "about": job.payload.get("name") if job.kind == KIND else None,
        "most": attempts_of(job),
    }


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def change(visit: Visit) -> Answer:
    """Pause or resume a queue, or do something with failed jobs: those chosen, or all."""
    action, queue = visit.sent("action"), visit.sent("queue")
    back = with_query("/studio/queues", [("queue", visit.sent("shown"))])
    if action in {"pause", "resume"}:
        visit.require_operator()
        await operating.write(visit, partial(_pause, name=queue, action=action))
        return visit.go(back)
    operating.require_overseer(visit)
    words = visit.words
    if action in ALL:
        began, count = datetime.now(UTC), 0
        each = partial(ALL[action], before=began, queue=queue or None, limit=CHUNK)
        while done := await operating.write(visit, each):
            count += done
    elif action in ACTS:
        ids = list(dict.fromkeys(visit.form.get("id", [])))[:CHUNK]
        count = await operating.write(visit, partial(_each, ids=ids, action=action))
    else:
        raise Invalid.at("action", "choice", "must be one of {expected}", expected=", ".join([*ACTS, *ALL]))
    shown = words.number(count)
    is_retry = action.startswith("retry")
    visit.flash(
        words.say("Queued again: {count}.", count=shown) if is_retry else words.say("Given up: {count}.", count=shown)
    )
    return visit.go(back)


def _pause(tx: Transaction, *, name: str, action: str) -> None:
    if tx.find(JobQueue, name=name) is None:
        raise NotFound(what="queue")
    actions.pause_queue(tx, name=name) if action == "pause" else actions.resume_queue(tx, name=name)


def _each(tx: Transaction, *, ids: list[str], action: str) -> int:
    """Do something with each job where its state allows, and return with how many."""
    count = 0
    for id in ids:
        try:
            ACTS[action](tx, id=identity(id))
        except Conflict:
            continue
        count += 1
    return count


# -- one job ----------------------------------------------------------------------------------------------------------


async def job(visit: Visit, id: str) -> Answer:
    """Show one job: its work, how far it is, what went wrong."""
    operating.require_overseer(visit)
    key = identity(id)

    def read(reads: Reads) -> tuple[Job, dict[str, str]]:
        found = reads.get(Job, key)
        return found, _organizations(reads, {found.organization_id})

    found, names = await operating.read(visit, read)
    live = found.status in {JobStatus.QUEUED, JobStatus.RUNNING}
    return page(
        visit,
        "running/job.html",
        job=_shown(visit.words, found),
        payload=redacted(found.payload),
        result=redacted(found.result),
        names=names,
        live=live,
        acts=_acts(found),
    )


def _acts(job: Job) -> list[str]:
    """Return what can be done about a job as it stands."""
    if job.status in BAD:
        return ["retry", "discard"]
    if job.status == JobStatus.CANCELLED:
        return ["retry"]
    if job.status == JobStatus.QUEUED:
        return ["cancel"] if job.due else ["retry", "cancel"]
    return ["cancel"] if job.status == JobStatus.RUNNING and job.cancel_requested_at is None else []


async def act(visit: Visit, id: str) -> Answer:
    """Retry, cancel or give up one job."""
    operating.require_overseer(visit)
    key, action = identity(id), visit.sent("action")
    if action not in ACTS:
        raise Invalid.at("action", "choice", "must be one of {expected}", expected=", ".join(ACTS))
    try:
        await operating.write(visit, lambda tx: ACTS[action](tx, id=key))
        visit.flash(visit.words.say("Done: {verb}.", verb=visit.words.label(action)))
    except (Conflict, TooLate) as error:
        flash_error(visit, error)
    return visit.go(f"/studio/queues/jobs/{id}")


PAGES: Final[list[tuple[str, str, Any]]] = [
    ("queues", "GET", show),
    ("queues", "POST", change),
    ("queues/jobs/<id>", "GET", job),
    ("queues/jobs/<id>", "POST", act),
]
