"""Workers over a test database, and jobs to give them."""

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.tables import Job
from growbase.jobs.claim import Claimant, claim, due_queues
from growbase.jobs.worker import LEASE, Task, Worker

Enqueue = Callable[..., UUID]
LONG_AGO = timedelta(days=-1)


@pytest.fixture
def enqueue(db: Database) -> Enqueue:
    """Give a function that enqueues a job for an actor, by default for the program itself."""

    def put(actor: Actor | None = None, kind: str = "noop", **options: Any) -> UUID:  # noqa: ANN401 -- what enqueue takes
        payload: Mapping[str, object] = options.pop("payload", {})
        options.setdefault("queue", "default")
        return db.write(actor or system(), lambda tx: tx.enqueue(kind, payload, **options))

    return put


@pytest.fixture
def worker(db: Database) -> Callable[..., Worker]:
    """Give a function that makes a worker with some tasks; its jobs are run by ``run_one`` and ``run_all``."""

    def make(lease: timedelta = LEASE, **tasks: Task) -> Worker:
        return Worker(db, {"noop": noop, **tasks}, lease=lease)

    return make


def noop(database: Database, actor: Actor, job: Job) -> None:
    """Do nothing."""


def claimed(
    db: Database,
    limit: int = 1,
    *,
    name: str = "test",
    lease: timedelta = LEASE,
    queues: Collection[str] | None = None,
) -> list[Job]:
    """Claim jobs as a worker does; with a lease of LONG_AGO it has died already."""
    claimant = Claimant(name, lease, queues)
    names = due_queues(db, claimant)
    return db.write(system("worker"), lambda tx: claim(tx, claimant, names, limit))


def job_of(db: Database, id: UUID) -> Job:
    """Return a job as it is now."""
    with db.read(system()) as reads:
        return reads.get(Job, id)
