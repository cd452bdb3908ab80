"""A worker process for the tests, as ``growbase worker`` runs one but with tasks of the tests' own."""

import sys
import time
from datetime import timedelta
from pathlib import Path

from growbase.cli.worker import work
from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import NotUnique
from growbase.core.tables import InstanceFact, Job
from growbase.core.transaction import Transaction
from growbase.jobs.queue import complete
from growbase.jobs.wake import FileWatch, PostgresListener
from growbase.jobs.worker import Waker, Worker
from tests.fixtures import open_at


def effect(database: Database, actor: Actor, job: Job) -> None:
    """Leave a trace in the unit that completes the job; a second one would break a key."""

    def unit(tx: Transaction) -> None:
        try:
            tx.insert_facts(InstanceFact, [{"name": f"effect/{job.payload['number']}", "value": ""}])
        except NotUnique as error:
            raise AssertionError("the effect is there twice") from error
        complete(tx, job)

    database.write(actor, unit)


def gated(database: Database, actor: Actor, job: Job) -> None:
    """Wait until a file is there, then leave a trace."""
    while not Path(job.payload["gate"]).exists():
        time.sleep(0.01)
    effect(database, actor, job)


def main(url: str, folder: str, lease: str) -> None:
    """Work until a signal comes."""
    database = open_at(url)
    is_sqlite = url.startswith("sqlite:")
    waker: Waker = FileWatch(database) if is_sqlite else PostgresListener(url)
    worker = Worker(
        database,
        {"effect": effect, "gated": gated},
        lock=Path(folder) / "worker.lock" if is_sqlite else None,
        wakers=[waker],
        lease=timedelta(seconds=float(lease)),
    )
    work(worker, [], stop_seconds=0.5)
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
