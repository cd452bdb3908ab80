"""The queues of background jobs and the schedules; the jobs themselves are the resource jobs.

Pausing a queue stops it for every organization of the instance, so it is a right of its operators: the owner of the
only organization, and whom the setting ``operators`` names; elsewhere it is done with ``growbase jobs pause``.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field

from growbase.api.call import Answer, Call, endpoint, json_answer
from growbase.api.writing import write
from growbase.core.actor import Role
from growbase.core.errors import NotFound
from growbase.core.schema import CONFIG
from growbase.core.tables import JobQueue, JobSchedule
from growbase.core.transaction import Transaction
from growbase.core.types import moment_text
from growbase.domains.identity.operators import require_operator
from growbase.jobs.actions import pause_queue, pause_schedule, resume_queue, resume_schedule, run_schedule
from growbase.jobs.figures import queue_figures

SCHEDULE: Final = (
    *("name", "rule", "next_run_at", "paused_at", "last_run_at", "last_status", "last_error", "last_rows"),
)


@endpoint("/api/queues", "GET")
async def list_queues(call: Call) -> Answer:
    """List the queues with what waits, runs and has died in them of the caller's organization."""
    actor = await call.require(Role.ADMIN)
    found = await call.api.database.aread(lambda: queue_figures(call.api.database, actor.organization_id))
    for row in found:
        for name in ("paused_at", "oldest_run_at"):
            row[name] = None if row[name] is None else moment_text(row[name])
    return json_answer({"data": found})


@endpoint("/api/queues/{name:str}/pause", "POST")
async def pause(call: Call) -> Answer:
    """Let no more jobs of a queue begin; for operators of the instance."""
    return await _change(call, pause_queue)


@endpoint("/api/queues/{name:str}/resume", "POST")
async def resume(call: Call) -> Answer:
    """Let the jobs of a paused queue begin again; for operators of the instance."""
    return await _change(call, resume_queue)


async def _change(call: Call, action: Callable[..., None]) -> Answer:
    actor = await call.authenticate()
    name = str(call.scope["path_params"]["name"])
    body = await call.body()

    def unit(tx: Transaction) -> Answer:
        require_operator(tx, call.api.settings.operators)
        if tx.find(JobQueue, name=name) is None:
            raise NotFound(what="queue")
        action(tx, name=name)
        row = tx.find(JobQueue, name=name)
        paused_at = row.paused_at if row is not None else None
        return json_answer({"name": name, "paused_at": None if paused_at is None else moment_text(paused_at)})

    return await write(call, actor, unit, body)


# -- schedules --------------------------------------------------------------------------------------------------------


class ScheduleName(BaseModel):
    """The schedule meant."""

    model_config = CONFIG

    name: Annotated[str, Field(min_length=1, max_length=200, description="Such as ops/backup.")]


@endpoint("/api/schedules", "GET")
async def list_schedules(call: Call) -> Answer:
    """List what is done again and again, and how it went last; for operators of the instance."""
    actor = await call.authenticate()

    def read() -> list[dict[str, Any]]:
        with call.api.database.read(actor) as reads:
            require_operator(reads, call.api.settings.operators)
            return [{**row.__dict__} for row in reads.rows(JobSchedule, order="name")]

    found = await call.api.database.aread(read)
    moments = [name for name in SCHEDULE if name.endswith("_at")]
    shown = ({name: row[name] for name in SCHEDULE} for row in found)
    data = [row | {name: moment_text(row[name]) for name in moments if row[name] is not None} for row in shown]
    return json_answer({"data": data})


@endpoint("/api/schedules/pause", "POST", body=ScheduleName)
async def halt_schedule(call: Call) -> Answer:
    """Let a schedule begin no more runs by itself; for operators of the instance."""
    return await _change_schedule(call, pause_schedule)


@endpoint("/api/schedules/resume", "POST", body=ScheduleName)
async def continue_schedule(call: Call) -> Answer:
    """Let a paused schedule run again; what it missed is made up for by one run."""
    return await _change_schedule(call, resume_schedule)


@endpoint("/api/schedules/run", "POST", body=ScheduleName)
async def start_schedule(call: Call) -> Answer:
    """Let a schedule run now, once; 409 while it is paused."""
    return await _change_schedule(call, run_schedule)


async def _change_schedule(call: Call, action: Callable[..., None]) -> Answer:
    actor = await call.authenticate()
    body = await call.body()
    name = (await call.parse(ScheduleName))["name"]

    def unit(tx: Transaction) -> Answer:
        require_operator(tx, call.api.settings.operators)
        action(tx, name=name)
        return json_answer({"name": name})

    return await write(call, actor, unit, body)


ROUTES = [
    list_queues,
    pause,
    resume,
    list_schedules,
    halt_schedule,
    continue_schedule,
    start_schedule,
]
