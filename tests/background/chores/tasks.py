"""Jobs that leave a trace of each time they were done, and long ones."""

import time
from pathlib import Path

from growbase.core.actor import Actor
from growbase.core.crash import crash_point
from growbase.core.database import Database
from growbase.core.errors import NotUnique
from growbase.core.tables import InstanceFact, Job
from growbase.core.transaction import Transaction
from growbase.jobs.queue import checkpoint, complete


def trace(tx: Transaction, name: str) -> None:
    """Leave a trace; a second one of the same name would break a key."""
    try:
        tx.insert_facts(InstanceFact, [{"name": name, "value": ""}])
    except NotUnique as error:
        raise AssertionError("the effect is there twice") from error


def chore(database: Database, actor: Actor, job: Job) -> None:
    """Leave a trace in the unit that completes the job."""

    def unit(tx: Transaction) -> None:
        trace(tx, f"chore/{job.payload['number']}")
        complete(tx, job)

    database.write(actor, unit)


def climb(database: Database, actor: Actor, job: Job) -> None:
    """Do a hundred steps, each in a unit of its own, from where the attempt before has come to.

    Half way it waits for a file, if one is named.
    """
    gate = job.payload.get("gate")
    for step in range(int((job.result or {}).get("step", 0)), 100):

        def unit(tx: Transaction, step: int = step) -> None:
            checkpoint(tx, job, progress=step + 1, position={"step": step + 1})
            trace(tx, f"climb/{job.id}/{step}")

        if step == 50:
            crash_point("climb:half")
            while gate is not None and not Path(str(gate)).exists():
                time.sleep(0.01)
        database.write(actor, unit)


TASKS = {"chore": chore, "climb": climb}
