"""Workers in processes of their own that are killed in the middle of their work: no job is lost, no effect is twice."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from growbase.core.actor import system
from growbase.core.database import Database
from growbase.core.tables import InstanceFact, Job, JobStatus
from tests.jobs.conftest import job_of
from tests.processes import start, wait_until

ROOT = Path(__file__).parents[2]
LEASE_SECONDS = 2.0
KILLS = 4
JOBS = 120
PATIENCE = 120.0
Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
def start_worker(installed_url: str, tmp_path: Path) -> Iterator[Start]:
    """Give a function that starts a worker process; what is left of them is killed."""
    started: list[subprocess.Popen[bytes]] = []

    def begin() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.jobs.working", installed_url, tmp_path, str(LEASE_SECONDS)]
        env = {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
        started.append(start(command, env=env, cwd=ROOT))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


def put(db: Database, kind: str, **payload: object) -> UUID:
    return db.write(system(), lambda tx: tx.enqueue(kind, payload, queue="default"))


def effects(db: Database) -> int:
    with db.read(system()) as reads:
        return reads.count(InstanceFact)


def pid_of(db: Database, id: UUID) -> int:
    """Return the process that runs a job, 0 if none does."""
    job = job_of(db, id)
    return int((job.worker or ":0").rpartition(":")[2]) if job.status == JobStatus.RUNNING else 0


def test_a_job_whose_process_is_killed_is_run_again_and_has_one_effect(
    db: Database, start_worker: Start, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    id = put(db, "gated", gate=str(gate), number=1)
    workers = [start_worker(), start_worker()]
    wait_until(lambda: pid_of(db, id) > 0, "a worker", workers[0], timeout=PATIENCE)
    os.kill(pid_of(db, id), signal.SIGKILL)
    assert effects(db) == 0
    gate.touch()
    wait_until(lambda: job_of(db, id).status == JobStatus.SUCCEEDED, "the job", timeout=PATIENCE)
    assert (job_of(db, id).attempts, effects(db)) == (2, 1)


def test_no_job_is_lost_and_none_done_twice_while_workers_are_killed(db: Database, start_worker: Start) -> None:
    workers = [start_worker(), start_worker()]
    for number in range(JOBS):
        put(db, "effect", number=number)
        if number % (JOBS // KILLS) == 0:
            chosen = random.randrange(len(workers))
            workers[chosen].kill()
            workers[chosen].wait()
            workers[chosen] = start_worker()

    def all_done() -> bool:
        with db.read(system()) as reads:
            return reads.count(Job, status="succeeded") == JOBS

    wait_until(all_done, "all jobs", timeout=PATIENCE)
    assert effects(db) == JOBS


def test_a_worker_that_is_asked_to_stop_gives_its_job_to_another_one(
    db: Database, start_worker: Start, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    id = put(db, "gated", gate=str(gate), number=1)
    first = start_worker()
    wait_until(lambda: pid_of(db, id) == first.pid, "the worker", first, timeout=PATIENCE)
    first.terminate()
    assert first.wait(PATIENCE) == 0
    job = job_of(db, id)
    assert (job.status, job.attempts) == (JobStatus.QUEUED, 0)
    db.write(system(), lambda tx: tx.set_facts(Job, {"id": id}, {"run_at": tx.now}))
    gate.touch()
    start_worker()
    wait_until(lambda: job_of(db, id).status == JobStatus.SUCCEEDED, "the job", timeout=PATIENCE)
    assert effects(db) == 1
