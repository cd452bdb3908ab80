"""How each queue treats its jobs, as the design of the background work says."""

from types import SimpleNamespace
from typing import Any

import pytest

from growbase.jobs.policies import DEFAULT, MAINTENANCE, POLICIES, WEBHOOKS, attempts_of, pause, policy_of

TABLE = [
    ("content_generation", 3, 3, (2, 8, 32)),
    ("publishing", 10, 3, (2, 8, 32)),
    ("analytics_collection", 5, 5, (60, 240, 960, 3_600)),
    ("strategy_generation", 2, 2, (30, 300)),
    ("email_notifications", 10, 5, (30, 150, 720, 3_600)),
    (WEBHOOKS, 10, 3, (2, 8, 32)),
    (MAINTENANCE, 4, 3, (30, 120)),
]


def job_of(queue: str, attempts: int, **over: object) -> Any:  # noqa: ANN401 -- what a policy reads of a job
    return SimpleNamespace(**{"queue": queue, "attempts": attempts, "max_attempts": None, "backoff": None, **over})


@pytest.mark.parametrize(("queue", "concurrency", "attempts", "backoff"), TABLE)
def test_a_queue_has_the_policy_it_was_given(
    queue: str, concurrency: int, attempts: int, backoff: tuple[float, ...]
) -> None:
    found = policy_of(queue)
    assert (found.concurrency, found.attempts, found.backoff) == (concurrency, attempts, backoff)
    for attempt in range(1, attempts + 2):
        job = job_of(queue, attempt)
        expected = backoff[min(attempt, len(backoff)) - 1]
        assert attempts_of(job) == attempts
        assert 0.8 * expected <= pause(job).total_seconds() <= 1.2 * expected


def test_no_queue_is_left_out_of_the_table() -> None:
    assert [row[0] for row in TABLE] == list(POLICIES)
    assert policy_of("another") is DEFAULT


def test_a_job_may_have_attempts_and_pauses_of_its_own() -> None:
    job = job_of("publishing", 2, max_attempts=7, backoff=[5, 10])
    assert attempts_of(job) == 7
    assert 8 <= pause(job).total_seconds() <= 12
