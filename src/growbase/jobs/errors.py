"""What a task may raise to say whether trying again helps; anything else that it raises counts as transient.

JobError
├── Transient         try again after the queue's pause
├── RateLimited       try again after ``retry_after`` seconds; uses up no attempt
├── Permanent         trying again is of no use
├── UnknownOutcome    it may have happened: a person has to look before it is tried again
├── Cancelled         somebody asked for the end of this job
├── LeaseLost         another worker has this job by now
└── UnknownTask       no task of this worker is called so
"""

from typing import Any

from growbase.core.errors import GrowbaseError


class JobError(GrowbaseError):
    """The job failed."""

    code = "job_failed"


class Transient(JobError):
    """Something outside did not work this time."""


class RateLimited(JobError):
    """The other side asked to wait {retry_after} seconds."""

    def __init__(self, message: str | None = None, /, *, retry_after: float = 60.0, **params: Any) -> None:  # noqa: ANN401
        super().__init__(message, retry_after=retry_after, **params)
        self.retry_after = retry_after


class Permanent(JobError):
    """Trying again is of no use.

    Correct what the error names, then retry the job.
    """


class UnknownOutcome(JobError):
    """The other side may have done it, its answer was lost.

    Look whether it happened before you retry the job.
    """


class Cancelled(JobError):
    """The job was cancelled."""


class LeaseLost(JobError):
    """Another worker has taken this job over: nothing of this run may be written any more."""


class UnknownTask(JobError):
    """No task {kind} is known here: another one may, or a later version."""


__all__ = [
    "Cancelled",
    "JobError",
    "LeaseLost",
    "Permanent",
    "RateLimited",
    "Transient",
    "UnknownOutcome",
    "UnknownTask",
]
