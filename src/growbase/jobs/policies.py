"""How each queue treats its jobs: how many at once, how many attempts, and the pauses between them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import uniform
from typing import Final

from growbase.core.tables import Job


@dataclass(frozen=True, slots=True)
class Policy:
    """``concurrency`` counts over all workers; ``backoff`` are seconds before further attempts, the last repeats."""

    concurrency: int
    attempts: int
    backoff: tuple[float, ...]


DEFAULT: Final = Policy(64, 3, (2, 8, 32))
MAINTENANCE: Final = "maintenance"
"""The queue of schedules."""
WEBHOOKS: Final = "webhooks"
"""The queue of what other programs are told, and have told."""

POLICIES: Final[Mapping[str, Policy]] = {
    "content_generation": Policy(3, 3, (2, 8, 32)),
    "publishing": Policy(10, 3, (2, 8, 32)),
    "analytics_collection": Policy(5, 5, (60, 240, 960, 3_600)),
    "strategy_generation": Policy(2, 2, (30, 300)),
    "email_notifications": Policy(10, 5, (30, 150, 720, 3_600)),
    WEBHOOKS: Policy(10, 3, (2, 8, 32)),
    MAINTENANCE: Policy(4, 3, (30, 120)),
}
"""The queues there are; one that is not named here comes into being with its first job and has the default."""


def policy_of(queue: str) -> Policy:
    """Return the policy of a queue."""
    return POLICIES.get(queue, DEFAULT)


def attempts_of(job: Job) -> int:
    """Return how often a job may be tried."""
    return job.max_attempts or policy_of(job.queue).attempts


def pause(job: Job) -> timedelta:
    """Return how long to wait before the next attempt, a fifth more or less so that failed jobs do not come at once."""
    pauses = job.backoff or policy_of(job.queue).backoff
    seconds = pauses[min(max(job.attempts, 1), len(pauses)) - 1]
    return timedelta(seconds=seconds * uniform(0.8, 1.2))  # noqa: S311 -- jitter
