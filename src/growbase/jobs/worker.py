"""The worker: one thread that claims jobs and writes what became of them, and the threads that run them.

The claiming thread is the only one that writes for the worker. It writes the outcomes that have come in and claims the
next jobs in one unit: the more there is to do, the fewer commits a job costs.
"""

import fcntl
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol
from uuid import UUID

from growbase.core import telemetry
from growbase.core.actor import Actor, ActorKind, system
from growbase.core.crash import crash_point
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError
from growbase.core.gate import RETRY_SECONDS, ReadOnly
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.core.types import compact_json
from growbase.jobs import figures, queue, retention
from growbase.jobs.claim import Claimant, claim, due_queues, install_queues
from growbase.jobs.errors import Permanent, RateLimited, UnknownTask
from growbase.jobs.policies import policy_of
from growbase.jobs.schedule import KIND, Schedule, Timetable

Task = Callable[..., Mapping[str, object] | None]
"""``task(database, actor, job)`` does a job's work, for its organization, and may return a JSON result.

Raising says that it failed. A task that names ``outside`` as a further argument is given it by ``wiring``.
"""
Sweep = Callable[..., int]
"""Removes what has expired, in small units, and returns how many rows it removed; run every hour."""

LEASE = timedelta(seconds=60)
"""A job whose worker has not been heard of for so long is given to another one."""
TICK_SECONDS = 1.0
"""A wake-up that gets lost, and a job whose time comes, are noticed after this long."""
FIGURES_SECONDS = 15.0
STOP_SECONDS = 3.0
"""Time that running jobs get to end when the worker stops."""
RELEASED = timedelta(seconds=10)
"""How long nobody begins a job that was still running when its worker stopped: its process has ended by then."""
SLOTS = 32
"""Jobs one worker has at work at most where nobody says it: more than all named queues together allow."""


class Waker(Protocol):
    """Tells a worker that there may be work, sooner than it would look by itself."""

    def start(self, ring: Callable[[Collection[str]], None]) -> None:
        """Begin to call ``ring`` with the queues that got jobs, none meaning any."""

    def stop(self) -> None:
        """End."""


@dataclass(slots=True)
class Slots:
    """The threads that run jobs: made when they are needed, kept, and never waited for when the process ends."""

    most: int
    run: Callable[[Job], None]
    busy: int = 0
    _threads: int = 0
    _jobs: SimpleQueue[Job | None] = field(default_factory=SimpleQueue)

    @property
    def free(self) -> int:
        """How many more jobs may begin."""
        return self.most - self.busy

    def begin(self, job: Job) -> None:
        """Hand a job to a thread."""
        self.busy += 1
        self._jobs.put(job)
        if self._threads < self.busy:
            self._threads += 1
            threading.Thread(target=self._work, name=f"growbase-job-{self._threads}", daemon=True).start()

    def close(self) -> None:
        """Let the threads end when they have nothing to do."""
        for _ in range(self._threads):
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self.run(job)


class Worker:
    """Runs jobs until it is stopped.

    With a ``lock`` file only one process at a time works (SQLite); without, workers share the queues (PostgreSQL).
    ``queues`` leaves the others alone; ``concurrency`` bounds the jobs at work in this process beside what each queue
    allows over all of them.
    """

    def __init__(
        self,
        database: Database,
        tasks: Mapping[str, Task],
        sweeps: Sequence[Sweep] = (),
        lock: Path | None = None,
        *,
        schedules: Iterable[Schedule] = (),
        wakers: Sequence[Waker] = (),
        queues: Collection[str] | None = None,
        concurrency: int | None = None,
        lease: timedelta = LEASE,
    ) -> None:
        hourly = [Schedule(f"sweep/{named(sweep)}", sweep, every=timedelta(hours=1)) for sweep in sweeps]
        self.database = database
        self.timetable = Timetable([*schedules, *hourly])
        self.tasks: dict[str, Task] = {**tasks, KIND: self.timetable.task}
        self.lock = lock
        self.wakers = tuple(wakers)
        self.claimant = Claimant(f"{socket.gethostname()}:{os.getpid()}"[:200], lease, queues)
        self.slots = Slots(concurrency or SLOTS, self._run_in_slot)
        self.running: dict[UUID, Job] = {}
        self.last_tick = 0.0
        self._inbox: SimpleQueue[queue.Outcome | None] = SimpleQueue()
        self._rung = False
        self._due: dict[str, float] = {}
        self._is_installed = False
        self._unwritten: list[queue.Outcome] = []
        self._is_paused = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="growbase-worker", daemon=True)
        self._stop_seconds = STOP_SECONDS

    # -- life -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to work."""
        self.database.listeners.append(self._on_commit)
        self._thread.start()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Claim nothing more, wait so long for the jobs at work, and give back those that have not ended."""
        self._stop_seconds = seconds
        self._stopping.set()
        telemetry.instrument("worker.stopping", seconds=seconds)
        self._inbox.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout=seconds + STOP_SECONDS)
        if self._on_commit in self.database.listeners:
            self.database.listeners.remove(self._on_commit)

    def ring(self, queues: Collection[str] = ()) -> None:
        """Look for jobs now."""
        wanted = self.claimant.queues
        if not self._rung and (wanted is None or not queues or not set(queues).isdisjoint(wanted)):
            self._rung = True
            self._inbox.put(None)

    def _on_commit(self, touched: frozenset[str], woken: frozenset[str]) -> None:
        del touched
        if woken:
            self.ring(woken)

    # -- the claiming thread --------------------------------------------------------------------------------------

    def _work(self) -> None:
        descriptor = self._lead()
        for waker in self.wakers:
            waker.start(self.ring)
        try:
            while not self._stopping.is_set():
                try:
                    self._turn()
                    self._go_on()
                except ReadOnly as error:
                    self._pause(str(error))
                except Exception as error:  # noqa: BLE001 -- whatever happens, the work goes on
                    known = isinstance(error, GrowbaseError)
                    telemetry.instrument(
                        "worker.waits", level="warning", reason=str(error), exc_info=None if known else error
                    )
                    self._stopping.wait(TICK_SECONDS)
            self._finish()
        finally:
            for waker in self.wakers:
                waker.stop()
            self.slots.close()
            if descriptor is not None:
                os.close(descriptor)

    def _pause(self, reason: str) -> None:
        """Wait behind a closed gate and say so once; outcomes that have come in are kept until they can be written."""
        if not self._is_paused:
            telemetry.instrument("worker.paused", reason=reason)
        self._is_paused = True
        # When the gate opens, every worker renews its leases before anybody takes jobs for lost.
        self._due.pop("renew", None)
        self._due["reap"] = time.monotonic() + self.claimant.lease.total_seconds() / 2
        self._stopping.wait(TICK_SECONDS)

    def _go_on(self) -> None:
        if self._is_paused:
            telemetry.instrument("worker.resumed")
        self._is_paused = False

    def _lead(self) -> int | None:
        """Wait until this process holds the lock; the kernel frees it when its holder dies."""
        if self.lock is None:
            return None
        descriptor = os.open(self.lock, os.O_RDWR | os.O_CREAT, 0o600)
        # Once the data have moved to PostgreSQL, workers share the queues.
        while not self._stopping.is_set() and self.database.engine == "sqlite":
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                self._stopping.wait(TICK_SECONDS)
            else:
                break
        return descriptor

    def _turn(self) -> None:
        """Do what the time has come for, write outcomes and claim; if there was nothing, wait for the next event."""
        self._housekeep()
        self._receive(0 if self._settle_and_claim() else self._tick_seconds)

    @property
    def _tick_seconds(self) -> float:
        """Return how often to look around: more often than a lease needs to be renewed."""
        return min(TICK_SECONDS, self.claimant.lease.total_seconds() / 4)

    def _receive(self, seconds: float) -> None:
        """Take what has come in, waiting for the first so long."""
        try:
            event = self._inbox.get(timeout=seconds) if seconds else self._inbox.get_nowait()
            while True:
                if event is None:
                    self._rung = False
                else:
                    self._unwritten.append(event)
                event = self._inbox.get_nowait()
        except Empty:
            return

    def _settle_and_claim(self) -> bool:
        """Write the outcomes and claim jobs in one unit; return whether that changed anything."""
        ended = list(self._unwritten)
        free = 0 if self._stopping.is_set() else self.slots.free + len(ended)
        names = self._open_queues(ended) if free > 0 else []
        unsure = list(self.claimant.unsure)
        if not ended and not names and not unsure:
            return False

        def unit(tx: Transaction) -> tuple[list[Job], list[Job]]:
            queue.give_back(tx, unsure)
            return queue.settle(tx, ended), claim(tx, self.claimant, names, free) if names else []

        missed, jobs = self.database.write(system("worker"), unit)
        self.claimant.unsure.clear()
        del self._unwritten[: len(ended)]
        for outcome in ended:
            self.running.pop(outcome.job.id, None)
        self.slots.busy -= len(ended)
        for job in jobs:
            self.running[job.id] = job
            self.slots.begin(job)
        self._tell_lost(missed)
        return bool(jobs or ended or unsure)

    def _open_queues(self, ended: Sequence[queue.Outcome]) -> list[str]:
        """Return the queues with due jobs, but for those that this worker fills up by itself."""
        busy = Counter(job.queue for job in self.running.values())
        busy.subtract(outcome.job.queue for outcome in ended)
        found = due_queues(self.database, self.claimant)
        return [name for name in found if busy[name] < policy_of(name).concurrency]

    def _tell_lost(self, missed: Sequence[Job]) -> None:
        if missed:
            with self.database.read(system("worker")) as reads:
                for job in queue.lost(reads, missed):
                    telemetry.instrument("job.lost", level="warning", kind=job.kind, job_id=str(job.id))

    def _finish(self) -> None:
        """Wait some seconds for the jobs at work, write how they ended, and give the others back."""
        end = time.monotonic() + self._stop_seconds
        try:
            self._settle_and_claim()
            while self.running and (left := end - time.monotonic()) > 0:
                self._receive(left)
                self._settle_and_claim()
            if self.running:
                jobs = list(self.running.values())
                self.database.write(system("worker"), lambda tx: queue.release(tx, jobs, RELEASED))
        except GrowbaseError as error:
            telemetry.instrument("worker.stopped_badly", level="warning", reason=str(error))

    # -- housekeeping ---------------------------------------------------------------------------------------------

    def _is_due(self, what: str, seconds: float) -> bool:
        """Say whether something was last done so long ago, and count it as done now."""
        now = time.monotonic()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + seconds
        return True

    def _housekeep(self) -> None:
        """Do what is not a job because jobs depend on it."""
        if not self._is_installed:
            self._install()
        if not self._is_due("tick", self._tick_seconds):
            return
        self.last_tick = time.time()
        telemetry.observe_worker(self.last_tick, len(self.running))
        lease = self.claimant.lease.total_seconds()
        if self.running and self._is_due("renew", lease / 4):
            jobs = list(self.running.values())
            self.database.write(system("worker"), lambda tx: queue.renew(tx, jobs, self.claimant.lease))
        if self._is_due("reap", lease / 2):
            self._reap(everything=False)
        if queue.is_waiting(self.database):
            self.database.write(system("worker"), queue.promote)
        self.timetable.tick(self.database)
        if self._is_due("figures", FIGURES_SECONDS):
            figures.observe(self.database)
            retention.observe(self.database)

    def _install(self) -> None:
        """Write the schedules' rows; who alone works here also ends the leases of those who worked before it."""
        if self.lock is not None and self.database.engine == "sqlite":
            self._reap(everything=True)
        self.database.write(system("worker"), install_queues)
        self.database.write(system("worker"), self.timetable.install)
        self._is_installed = True

    def _reap(self, *, everything: bool) -> None:
        for job in self.database.write(system("worker"), lambda tx: queue.reap(tx, everything=everything)):
            telemetry.instrument("job.reaped", level="warning", kind=job.kind, job_id=str(job.id), worker=job.worker)

    # -- a job ----------------------------------------------------------------------------------------------------

    def _run_in_slot(self, job: Job) -> None:
        self._inbox.put(self.run(job))

    def run(self, job: Job) -> queue.Outcome:
        """Run a claimed job on this thread and return what became of it."""
        started = time.perf_counter()
        own = Actor(ActorKind.JOB, job.kind, id=job.id, organization_id=job.organization_id)
        try:
            task = self.tasks.get(job.kind)
            if task is None:
                raise UnknownTask(kind=job.kind)  # noqa: TRY301 -- it ends as any failure does
            crash_point(f"{job.kind}:begun")
            result = task(self.database, own, job)
            crash_point(f"{job.kind}:done")
            if result is not None:
                _require_json(result)
            outcome = queue.Outcome(job, result=result)
        except ReadOnly as error:
            # No fault of the task's: it costs no attempt.
            outcome = queue.Outcome(job, error=RateLimited(str(error), retry_after=RETRY_SECONDS))
        except Exception as error:  # noqa: BLE001 -- whatever a task raises, its job has failed
            reason = f"{type(error).__name__}: {error}"
            telemetry.instrument("job.failed", level="warning", kind=job.kind, job_id=str(job.id), reason=reason)
            outcome = queue.Outcome(job, error=error)
        spent = time.perf_counter() - started
        name = str(job.payload["name"]) if job.kind == KIND else job.kind
        telemetry.observe_job(job.queue, name, "failed" if outcome.error else "succeeded", spent)
        return outcome

    def run_one(self) -> bool:
        """Run one due job on this thread and return whether there was one: for tests, and to do things in order."""
        self.database.write(system("worker"), queue.promote)
        names = due_queues(self.database, self.claimant)
        jobs = self.database.write(system("worker"), lambda tx: claim(tx, self.claimant, names, 1)) if names else []
        self.claimant.unsure.clear()
        for job in jobs:
            self.database.write(system("worker"), partial(queue.settle, outcomes=[self.run(job)]))
        return bool(jobs)

    def run_all(self) -> int:
        """Run due jobs on this thread until there are none and return how many that were."""
        count = 0
        while self.run_one():
            count += 1
        return count


def named(sweep: Sweep) -> str:
    """Return the name of a sweep, also of one with some arguments given."""
    return str(getattr(getattr(sweep, "func", sweep), "__name__", type(sweep).__name__))


def _require_json(result: Mapping[str, object]) -> None:
    try:
        compact_json(dict(result))
    except (TypeError, ValueError) as error:
        raise Permanent("The task's result is no JSON document: {reason}", reason=str(error)) from error
