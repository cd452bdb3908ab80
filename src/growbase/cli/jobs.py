"""Background jobs and their queues, as an operator of the whole instance sees them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from growbase.cli.opening import load, opened
from growbase.cli.output import say, say_json, say_table

if TYPE_CHECKING:
    from growbase.core.tables import Job
    from growbase.core.transaction import Transaction

Ids = Annotated[list[UUID], typer.Argument(help="Ids of jobs.")]
Queue = Annotated[str, typer.Argument(help="The queue's name.")]
Name = Annotated[str, typer.Argument(help="The schedule's name, as growbase jobs schedules shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
CHUNK = 500


def ls(
    *,
    queue: Annotated[str | None, typer.Option(help="Of this queue only.")] = None,
    status: Annotated[str | None, typer.Option(help="queued, running, succeeded, failed, dead or cancelled.")] = None,
    kind: Annotated[str | None, typer.Option(help="Of this kind only.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many, the newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List jobs of all organizations, the newest first."""
    settings = load()
    from growbase.core.actor import system

    wanted = {name: value for name, value in {"queue": queue, "status": status, "kind": kind}.items() if value}
    with opened(settings) as database, database.read(system("command")) as reads:
        from growbase.core.tables import Job

        found = reads.rows(Job, order="-id", limit=limit, **wanted)  # type: ignore[arg-type]
    if as_json:
        say_json([shown(job) for job in found])
        return
    headings = ("id", "queue", "kind", "status", "attempts", "run at", "error")
    say_table(headings, [[*_line(job)] for job in found])


def show(id: Annotated[UUID, typer.Argument(help="The job's id.")]) -> None:
    """Print everything there is to know of one job as JSON."""
    settings = load()
    from growbase.core.actor import system
    from growbase.core.tables import Job

    with opened(settings) as database, database.read(system("command")) as reads:
        say_json(shown(reads.get(Job, id)))


def retry(
    ids: Annotated[list[UUID] | None, typer.Argument(help="Ids of jobs.")] = None,
    *,
    dead: Annotated[bool, typer.Option("--dead", help="All that are dead or failed.")] = False,
    queue: Annotated[str | None, typer.Option(help="With --dead: of this queue only.")] = None,
) -> None:
    """Queue failed, dead or cancelled jobs again with all their attempts; run at once what waits for its time."""
    from growbase.jobs.actions import retry_job

    if not dead:
        _each(ids or [], retry_job, "queued again")
        return
    from growbase.jobs.actions import retry_dead

    settings = load()
    from growbase.core.actor import system

    count, began = 0, datetime.now(UTC)
    with opened(settings) as database:
        while done := database.write(
            system("command"), lambda tx: retry_dead(tx, before=began, queue=queue, limit=CHUNK)
        ):
            count += done
    say(f"{count} queued again.")


def discard(ids: Ids) -> None:
    """Give failed or dead jobs up."""
    from growbase.jobs.actions import discard_job

    _each(ids, discard_job, "discarded")


def cancel(ids: Ids) -> None:
    """Cancel jobs: queued ones at once, running ones where their task next asks."""
    from growbase.jobs.actions import cancel_job

    _each(ids, cancel_job, "cancelled")


def pause(queue: Queue) -> None:
    """Let no more jobs of a queue begin, on any machine and for any organization."""
    from growbase.jobs.actions import pause_queue

    _write(lambda tx: pause_queue(tx, name=queue))
    say(f"{queue} is paused.")


def resume(queue: Queue) -> None:
    """Let the jobs of a paused queue begin again."""
    from growbase.jobs.actions import resume_queue

    _write(lambda tx: resume_queue(tx, name=queue))
    say(f"{queue} goes on.")


def queues(*, as_json: AsJson = False) -> None:
    """Show how each queue stands: what waits, runs and has died, and how long the oldest has waited."""
    settings = load()
    from growbase.jobs.figures import queue_figures

    with opened(settings) as database:
        found = queue_figures(database)
    if as_json:
        say_json(found)
        return
    now, counts = datetime.now(UTC), ("queued", "running", "concurrency", "dead")
    ages = [now - row["oldest_run_at"] if row["oldest_run_at"] else "" for row in found]
    say_table(
        ("queue", "state", "queued", "running", "of", "dead", "oldest"),
        [
            [row["name"], "paused" if row["paused_at"] else "open", *(row[name] for name in counts), str(age)[:-7]]
            for row, age in zip(found, ages, strict=True)
        ],
    )


def schedules(*, as_json: AsJson = False) -> None:
    """Show what is done again and again: when it is due next, and how it went last."""
    settings = load()
    from growbase.core.actor import system
    from growbase.core.tables import JobSchedule

    with opened(settings) as database, database.read(system("command")) as reads:
        found = [row.__dict__ for row in reads.rows(JobSchedule, order="name")]
    if as_json:
        say_json(found)
        return
    names = ("name", "rule", "next_run_at", "paused_at", "last_run_at", "last_status", "last_rows", "last_error")
    say_table(
        [name.replace("_", " ") for name in names],
        [["" if row[name] is None else str(row[name])[:60] for name in names] for row in found],
    )


def pause_schedule(name: Name) -> None:
    """Let a schedule begin no more runs by itself."""
    from growbase.jobs import actions

    _write(lambda tx: actions.pause_schedule(tx, name=name))
    say(f"{name} is paused.")


def resume_schedule(name: Name) -> None:
    """Let a paused schedule run again; what it missed is made up for by one run."""
    from growbase.jobs import actions

    _write(lambda tx: actions.resume_schedule(tx, name=name))
    say(f"{name} goes on.")


def run_schedule(name: Name) -> None:
    """Let a schedule run now, once."""
    from growbase.jobs import actions

    _write(lambda tx: actions.run_schedule(tx, name=name))
    say(f"{name} runs as soon as a worker looks.")


def shown(job: "Job") -> dict[str, Any]:
    """Return a job as JSON shows it; its lease is its worker's secret."""
    return {name: value for name, value in job.__dict__.items() if name != "lease_token"}


def _line(job: "Job") -> tuple[object, ...]:
    error = str((job.error or {}).get("message", ""))[:60]
    at = f"{job.run_at:%Y-%m-%d %H:%M:%S}"
    return (str(job.id), job.queue, job.kind, job.status.value, job.attempts, at, error)


def _each(ids: list[UUID], action: Callable[..., UUID], done: str) -> None:
    for id in ids:
        _write(lambda tx, id=id: action(tx, id=id))  # type: ignore[misc]
        say(f"{id} {done}")


def _write(unit: "Callable[[Transaction], object]") -> None:
    settings = load()
    from growbase.core.actor import system

    with opened(settings) as database:
        database.write(system("command"), unit)
