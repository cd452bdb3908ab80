"""The worker at work: its threads, its stop, what wakes it, and what it tells."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from growbase.core import telemetry
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.errors import OutcomeUnknown, Unavailable
from growbase.core.tables import Job, JobStatus
from growbase.jobs import worker as module
from growbase.jobs.wake import FileWatch
from growbase.jobs.worker import Worker
from tests.fixtures import open_at
from tests.jobs.conftest import LONG_AGO, Enqueue, claimed, job_of, noop
from tests.processes import wait_until

SECONDS = 20.0


@contextmanager
def working(worker: Worker, stop_seconds: float = 5.0) -> Iterator[Worker]:
    worker.start()
    try:
        yield worker
    finally:
        worker.stop(stop_seconds)


@pytest.fixture
def no_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a worker look for work only when it is woken."""
    monkeypatch.setattr(module, "TICK_SECONDS", 60.0)


class Gate:
    """A task that says when it has begun and ends when it may."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.open = threading.Event()
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def __call__(self, *_: object) -> None:
        """Be the task."""
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        self.begun.release()
        assert self.open.wait(SECONDS)
        with self._lock:
            self._now -= 1


def test_a_commit_wakes_the_worker_of_its_process(db: Database, enqueue: Enqueue, no_ticks: None) -> None:
    ran = threading.Semaphore(0)

    def task(database: Database, actor: Actor, job: Job) -> None:
        ran.release()

    with working(Worker(db, {"noop": task})):
        for _ in range(20):
            enqueue()
            assert ran.acquire(timeout=SECONDS)
        db.write(system(), lambda tx: [tx.enqueue("noop", {}, queue="default") for _ in range(100)])
        for _ in range(100):
            assert ran.acquire(timeout=SECONDS)
    with db.read(system()) as reads:
        assert reads.count(Job, status="succeeded") == 120


def test_jobs_run_beside_each_other_but_not_more_than_asked_for(db: Database, enqueue: Enqueue) -> None:
    gate = Gate()
    ids = [enqueue(kind="gate") for _ in range(5)]
    with working(Worker(db, {"gate": gate}, concurrency=3)):
        for _ in range(3):
            assert gate.begun.acquire(timeout=SECONDS)
        assert not gate.begun.acquire(timeout=0.1)
        gate.open.set()
        for _ in range(2):
            assert gate.begun.acquire(timeout=SECONDS)
    assert gate.most == 3
    assert {job_of(db, id).status for id in ids} == {JobStatus.SUCCEEDED}


def test_a_stop_lets_the_job_at_work_end_and_begins_no_other(db: Database, enqueue: Enqueue) -> None:
    gate = Gate()
    first = enqueue(kind="gate")
    worker = Worker(db, {"gate": gate}, concurrency=1)
    worker.start()
    assert gate.begun.acquire(timeout=SECONDS)
    second = enqueue(kind="gate")
    threading.Timer(0.05, gate.open.set).start()
    worker.stop(SECONDS)
    assert [job_of(db, id).status for id in (first, second)] == [JobStatus.SUCCEEDED, JobStatus.QUEUED]


def test_a_stop_gives_back_what_takes_too_long(db: Database, enqueue: Enqueue) -> None:
    gate = Gate()
    id = enqueue(kind="gate")
    worker = Worker(db, {"gate": gate})
    worker.start()
    assert gate.begun.acquire(timeout=SECONDS)
    worker.stop(0.05)
    job = job_of(db, id)
    assert (job.status, job.attempts, job.due) == (JobStatus.QUEUED, 0, False)
    gate.open.set()


def test_a_running_job_keeps_its_lease_however_long_it_takes(db: Database, enqueue: Enqueue) -> None:
    gate = Gate()
    id = enqueue(kind="gate")
    with working(Worker(db, {"gate": gate}, lease=timedelta(seconds=4))):
        assert gate.begun.acquire(timeout=SECONDS)
        first = job_of(db, id).lease_until
        assert first is not None
        wait_until(lambda: (job_of(db, id).lease_until or first) > first, "a heartbeat")
        gate.open.set()
    assert job_of(db, id).status == JobStatus.SUCCEEDED


def test_jobs_of_a_claim_whose_answer_got_lost_are_claimed_again_at_once(
    db: Database, enqueue: Enqueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    id, worker = enqueue(), Worker(db, {"noop": noop})
    write, lost = db.write, threading.Event()

    def write_and_lose_the_answer(actor: Actor, unit: Any, **options: Any) -> Any:  # noqa: ANN401
        result = write(actor, unit, **options)
        if worker.claimant.unsure and not lost.is_set():
            lost.set()
            raise OutcomeUnknown(reason="a test")
        return result

    monkeypatch.setattr(db, "write", write_and_lose_the_answer)
    with working(worker):
        wait_until(lambda: job_of(db, id).status == JobStatus.SUCCEEDED, "the job")
    assert lost.is_set()
    assert job_of(db, id).attempts == 1


def test_a_worker_takes_over_from_a_dead_one(db: Database, enqueue: Enqueue) -> None:
    id = enqueue()
    assert claimed(db, lease=LONG_AGO)
    with working(Worker(db, {"noop": noop})):
        wait_until(lambda: job_of(db, id).status == JobStatus.SUCCEEDED, "the job")


def test_who_holds_the_lock_knows_that_the_one_before_is_dead(
    db: Database, enqueue: Enqueue, tmp_path: Path, engine: str
) -> None:
    if engine != "sqlite":
        pytest.skip("workers of PostgreSQL hold no lock")
    id = enqueue()
    assert claimed(db, lease=timedelta(hours=1))
    with working(Worker(db, {"noop": noop}, lock=tmp_path / "worker.lock")):
        wait_until(lambda: job_of(db, id).status == JobStatus.SUCCEEDED, "the job")


def test_one_process_at_a_time_works_on_a_file(db: Database, enqueue: Enqueue, tmp_path: Path) -> None:
    gate = Gate()
    first = Worker(db, {"gate": gate}, lock=tmp_path / "worker.lock")
    second = Worker(db, {"gate": gate}, lock=tmp_path / "worker.lock")
    enqueue(kind="gate")
    with working(first):
        assert gate.begun.acquire(timeout=SECONDS)
        enqueue(kind="gate")
        assert gate.begun.acquire(timeout=SECONDS)
        second.start()
        assert second.last_tick == 0
        gate.open.set()
    wait_until(lambda: second.last_tick > 0, "the second worker")
    second.stop()


def test_a_database_that_goes_away_stops_no_worker(
    db: Database, enqueue: Enqueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TICK_SECONDS", 0.05)
    write, away, refused = db.write, threading.Event(), threading.Event()

    def flaky(actor: Actor, unit: Callable[..., object], **options: bool) -> object:
        if away.is_set() and actor.label == "worker":
            refused.set()
            raise Unavailable(reason="a test")
        return write(actor, unit, **options)

    monkeypatch.setattr(db, "write", flaky)
    gate = Gate()
    id = enqueue(kind="gate")
    with working(Worker(db, {"gate": gate})):
        assert gate.begun.acquire(timeout=SECONDS)
        away.set()
        gate.open.set()
        assert refused.wait(SECONDS)
        assert job_of(db, id).status == JobStatus.RUNNING
        away.clear()
        wait_until(lambda: job_of(db, id).status == JobStatus.SUCCEEDED, "the outcome")


def test_a_commit_of_another_process_wakes_by_the_file(
    db: Database, engine: str, installed_url: str, no_ticks: None
) -> None:
    if engine != "sqlite":
        pytest.skip("PostgreSQL has no file to watch")
    other = open_at(installed_url)
    ran = threading.Event()
    with working(Worker(db, {"noop": lambda *_: ran.set()}, wakers=[FileWatch(db)])) as worker:
        wait_until(lambda: worker.last_tick > 0, "the worker")
        other.write(system(), lambda tx: tx.enqueue("noop", {}, queue="default"))
        assert ran.wait(SECONDS)
    other.close()


def test_the_worker_tells_how_it_is(db: Database, enqueue: Enqueue) -> None:
    gate = Gate()
    enqueue(kind="gate", queue="publishing")
    enqueue(queue="publishing", max_attempts=1, kind="fail", priority=200)
    labels = {"queue": "publishing", "task": "fail", "outcome": "failed"}
    before = telemetry.REGISTRY.get_sample_value("growbase_job_seconds_count", labels) or 0

    def fail(database: Database, actor: Actor, job: Job) -> None:
        raise ValueError

    def count(state: str) -> float | None:
        return telemetry.REGISTRY.get_sample_value("growbase_jobs", {"queue": "publishing", "state": state})

    with working(Worker(db, {"gate": gate, "fail": fail})) as worker:
        assert gate.begun.acquire(timeout=SECONDS)
        wait_until(lambda: (worker.last_tick, count("queued")) != (0, None), "figures")
        gate.open.set()
        wait_until(lambda: count("running") is not None, "figures")
    assert telemetry.REGISTRY.get_sample_value("growbase_worker_last_tick_timestamp_seconds") == worker.last_tick
    assert telemetry.REGISTRY.get_sample_value("growbase_job_seconds_count", labels) == before + 1
    body, _ = telemetry.render_metrics()
    assert b'growbase_job_oldest_seconds{queue="publishing"}' in body
