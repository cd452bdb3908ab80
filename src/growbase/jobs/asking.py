"""What tasks that ask a model share: how its failures end a job, and who is told when it has ended."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

from pydantic import BaseModel

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError, Invalid, LimitExceeded, NotFound
from growbase.core.generation import Answered, Ask, ModelBusy, ModelRefused
from growbase.core.outside import Outside
from growbase.core.reads import Reads
from growbase.core.tables import Job, JobStatus
from growbase.core.transaction import Transaction
from growbase.jobs.errors import Permanent, RateLimited, Transient
from growbase.jobs.queue import is_last

LONGEST_WAIT: Final = 3_600.0
"""Seconds that an endpoint may ask a job to wait."""
LIVE: Final = (JobStatus.QUEUED, JobStatus.RUNNING)
T = TypeVar("T", bound=BaseModel)
Failed = Callable[[Transaction, str], object]


def answered(outside: Outside, question: Ask[T]) -> Answered[T]:
    """Ask this server's model. Raises RateLimited, Transient or Permanent, which say what becomes of the job."""
    try:
        return outside.generator.ask(question)
    except ModelBusy as error:
        if error.retry_after is not None:
            raise RateLimited(str(error), retry_after=min(error.retry_after, LONGEST_WAIT)) from error
        raise Transient(str(error)) from error
    except ModelRefused as error:
        raise Permanent(str(error)) from error


@contextmanager
def telling_failure(database: Database, actor: Actor, job: Job, failed: Failed) -> Iterator[None]:
    """Run a task's work; when it fails for the last time, ``failed(tx, reason)`` notes it in a unit of its own.

    What trying again does not help (Invalid, LimitExceeded, NotFound) ends the job at once.
    """
    try:
        yield
    except Exception as error:
        # What other errors say may hold more than people should read.
        reason = str(error) if isinstance(error, GrowbaseError) else type(error).__name__
        is_hopeless = isinstance(error, Invalid | LimitExceeded | NotFound)
        if is_hopeless or is_last(job, error):
            database.write(actor, partial(_failed, failed=failed, reason=reason))
        if is_hopeless:
            raise Permanent("{reason}", reason=reason) from error
        raise


def _failed(tx: Transaction, *, failed: Failed, reason: str) -> None:
    failed(tx, reason)


def is_abandoned(reads: Reads, job_id: UUID | None) -> bool:
    """Return whether nobody works on a job any more, as after a worker's death or when it was cancelled."""
    job = reads.find(Job, job_id) if job_id is not None else None
    return job is None or job.status not in LIVE
