"""The worker: claims due jobs and runs their tasks, and sweeps what has expired; embedded in the server by default."""

import fcntl
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from growbase.core import telemetry
from growbase.core.actor import Actor, ActorKind, system
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError
from growbase.core.tables import Job
from growbase.jobs import queue

Task = Callable[[Database, Actor, Job], None]
"""Does a job's work, for the job's organization; raising means that it failed."""
Sweep = Callable[[Database], int]
"""Removes what has expired, in small units, and returns how many rows it removed."""

POLL_SECONDS = 1.0
"""A wake-up that gets lost is noticed after this long."""
SWEEP_SECONDS = 3_600.0
STOP_SECONDS = 3.0


class Worker:
    """One thread that runs jobs until it is stopped.

    With a ``lock`` file only one process at a time works (SQLite); without, workers share the queue (PostgreSQL).
    """

    def __init__(
        self, database: Database, tasks: Mapping[str, Task], sweeps: Sequence[Sweep] = (), lock: Path | None = None
    ) -> None:
        self.database = database
        self.tasks = dict(tasks)
        self.sweeps = tuple(sweeps)
        self.lock = lock
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._next_sweep = time.monotonic() + POLL_SECONDS
        self._thread = threading.Thread(target=self._run, name="growbase-worker", daemon=True)
        database.listeners.append(self._on_commit)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self) -> None:
        """Claim nothing more and wait some seconds for the job at work; its lease runs out if it takes longer."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(timeout=STOP_SECONDS)

    def _on_commit(self, touched: frozenset[str], woken: frozenset[str]) -> None:
        del touched
        if woken:
            self._wake.set()

    def _run(self) -> None:
        descriptor = self._lead()
        while not self._stopping.is_set():
            try:
                while not self._stopping.is_set() and self.run_one():
                    pass
                self._sweep()
            except GrowbaseError as error:
                telemetry.instrument("worker_waits", level="warning", reason=str(error))
                self._stopping.wait(POLL_SECONDS)
            self._wake.wait(POLL_SECONDS)
            self._wake.clear()
        if descriptor is not None:
            os.close(descriptor)

    def _lead(self) -> int | None:
        """Wait until this process holds the lock; the kernel frees it when its holder dies."""
        if self.lock is None:
            return None
        descriptor = os.open(self.lock, os.O_RDWR | os.O_CREAT, 0o600)
        while not self._stopping.is_set():
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                self._stopping.wait(POLL_SECONDS)
            else:
                break
        return descriptor

    def run_one(self) -> bool:
        """Run one due job and return whether there was one."""
        actor = system("worker")
        kinds = tuple(self.tasks)
        if not kinds:
            return False
        job = self.database.write(actor, lambda tx: queue.claim(tx, kinds))
        if job is None:
            return False
        started = time.perf_counter()
        outcome = self._work(job, actor)
        telemetry.observe_job(job.queue, job.kind, outcome, time.perf_counter() - started)
        return True

    def _work(self, job: Job, actor: Actor) -> str:
        own = Actor(ActorKind.JOB, job.kind, id=job.id, organization_id=job.organization_id)
        try:
            self.tasks[job.kind](self.database, own, job)
        except Exception as error:  # noqa: BLE001 -- whatever a task raises, its job has failed
            reason = f"{type(error).__name__}: {error}"
            telemetry.instrument("job_failed", level="warning", kind=job.kind, job_id=str(job.id), reason=reason)
            self.database.write(actor, lambda tx: queue.fail(tx, job, reason))
            return "failed"
        self.database.write(actor, lambda tx: queue.finish(tx, job))
        return "succeeded"

    def _sweep(self) -> None:
        if time.monotonic() < self._next_sweep:
            return
        self._next_sweep = time.monotonic() + SWEEP_SECONDS
        for sweep in self.sweeps:
            removed = sweep(self.database)
            if removed:
                telemetry.instrument("swept", sweep=sweep.__name__, rows=removed)
