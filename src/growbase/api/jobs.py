"""The queues of background jobs; the jobs themselves are the resource jobs.

Pausing a queue stops it for every organization of the instance, so it is an owner's right only where there is no other
organization; elsewhere the operator does it with ``growbase jobs pause``.
"""

from collections.abc import Callable

from growbase.api.call import Answer, Call, endpoint, json_answer
from growbase.api.writing import write
from growbase.core.actor import Role
from growbase.core.errors import Forbidden, NotFound
from growbase.core.reads import Reads
from growbase.core.tables import JobQueue
from growbase.core.transaction import Transaction
from growbase.core.types import moment_text
from growbase.domains.identity.models import Organization
from growbase.domains.identity.roles import everywhere
from growbase.jobs.actions import pause_queue, resume_queue
from growbase.jobs.figures import queue_figures


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
    """Let no more jobs of a queue begin; for the owner of the instance's only organization."""
    return await _change(call, pause_queue)


@endpoint("/api/queues/{name:str}/resume", "POST")
async def resume(call: Call) -> Answer:
    """Let the jobs of a paused queue begin again; for the owner of the instance's only organization."""
    return await _change(call, resume_queue)


async def _change(call: Call, action: Callable[..., None]) -> Answer:
    actor = await call.require(Role.OWNER)
    name = str(call.scope["path_params"]["name"])
    body = await call.body()

    def unit(tx: Transaction) -> Answer:
        _require_alone(tx)
        if tx.find(JobQueue, name=name) is None:
            raise NotFound(what="queue")
        action(tx, name=name)
        row = tx.find(JobQueue, name=name)
        paused_at = row.paused_at if row is not None else None
        return json_answer({"name": name, "paused_at": None if paused_at is None else moment_text(paused_at)})

    return await write(call, actor, unit, body)


def _require_alone(reads: Reads) -> None:
    if len(everywhere(reads).rows(Organization, anywhere=True, limit=2)) > 1:
        raise Forbidden("A queue is shared by all organizations of this instance: ask its operator to pause it.")


ROUTES = [list_queues, pause, resume]
