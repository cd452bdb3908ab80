"""Measure background jobs that do nothing: enqueued, run and finished, beside Procrastinate and Dramatiq.

``python -m bench.jobs`` writes bench/jobs.md. Two loads: each job enqueued by a commit of its own from four threads
while the workers run, and a backlog enqueued 500 at a time, then run.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Protocol

import psycopg

from bench import report
from bench.servers import ROOT, environment
from growbase import wiring
from growbase.core import ddl
from growbase.core.actor import Actor, system
from growbase.core.crypto import Keyring
from growbase.core.database import Database
from growbase.core.postgres import PostgresDatabase
from growbase.core.sqlite import SqliteDatabase
from growbase.core.sqlite_connection import connect
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.jobs.queue import enqueue_many
from growbase.jobs.wake import FileWatch, PostgresListener, PostgresNotifier
from growbase.jobs.worker import Waker, Worker
from tests.postgres import DURABLE, find_programs, postgres_server
from tests.processes import HOST, free_port, running, wait_until

RESULTS = ROOT / "bench" / "jobs.md"
PEERS = Path(__file__).parent / "peers"
BATCH = 500
THREADS = 4
WORKERS = 2
SHOWN = {"when", "commit", "machine", "Growbase", "Python", "psycopg"}


class System(Protocol):
    """A queue with its workers running."""

    name: str

    def enqueue(self, count: int, *, at_once: bool) -> None:
        """Enqueue jobs, one a commit or BATCH at once."""

    def is_empty(self) -> bool:
        """Tell whether every job has been run and finished."""

    def idle(self, *, wanted: bool) -> None:
        """Stop the workers from working, or let them go on."""


@dataclass(frozen=True)
class Figure:
    """Jobs a second."""

    name: str
    one_by_one: float
    enqueued: float
    run: float
    load: float


def noop(database: Database, actor: Actor, job: Job) -> None:
    """Do nothing."""
    del database, actor, job


class Growbase:
    """Growbase: a worker in this process (SQLite), or worker processes (PostgreSQL)."""

    def __init__(self, name: str, database: Database) -> None:
        self.name, self.database = name, database

    def enqueue(self, count: int, *, at_once: bool) -> None:
        """Enqueue no-op jobs."""

        def unit(tx: Transaction) -> None:
            if at_once:
                enqueue_many(tx, "noop", [{"n": 1}] * BATCH, queue="default")
            else:
                tx.enqueue("noop", {"n": 1}, queue="default")

        each(count // (BATCH if at_once else 1), lambda: self.database.write(system(), unit))

    def is_empty(self) -> bool:
        """Ask the table."""
        return not self.database.query("SELECT 1 FROM jobs WHERE status IN ('queued', 'running') LIMIT 1")

    def idle(self, *, wanted: bool) -> None:
        """Pause the queue."""
        from growbase.jobs.actions import pause_queue, resume_queue

        action = pause_queue if wanted else resume_queue
        self.database.write(system(), lambda tx: action(tx, name="default"))


def each(count: int, call: Callable[[], object]) -> None:
    """Call a function so many times from THREADS threads."""
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda _: [call() for _ in range(count // THREADS)], range(THREADS)))


def opened(url: str) -> Database:
    """Open a database of the bench."""
    if url.startswith("sqlite:"):
        return SqliteDatabase(Path(url.removeprefix("sqlite:///")), wiring.catalog(), Keyring.generate())
    return PostgresDatabase(url, wiring.catalog(), Keyring.generate(), pool_max=8)


@contextmanager
def growbase_sqlite(folder: Path) -> Iterator[System]:
    """Give Growbase on SQLite with the worker that the server embeds, in the process that enqueues."""
    wiring.catalog()
    path = folder / "growbase.db"
    connection = connect(path)
    for statement in ddl.statements("sqlite"):
        connection.execute(statement)
    connection.close()
    database = opened(f"sqlite:///{path}")
    worker = Worker(database, {"noop": noop}, lock=folder / "worker.lock", wakers=[FileWatch(database)])
    worker.start()
    yield Growbase("Growbase, SQLite, embedded worker", database)
    worker.stop()
    database.close()


@contextmanager
def growbase_postgres(url: str) -> Iterator[System]:
    """Give Growbase on PostgreSQL with two worker processes."""
    wiring.catalog()
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in ddl.statements("postgresql"):
            connection.execute(statement.encode())
    database = opened(url)
    notifier = PostgresNotifier(database, url)
    notifier.start()
    with ExitStack() as stack:
        for _ in range(WORKERS):
            command = [sys.executable, "-m", "bench.jobs", "--work", url]
            stack.enter_context(running(command, env=environment(), cwd=ROOT))
        yield Growbase(f"Growbase, PostgreSQL, {WORKERS} worker processes", database)
    notifier.stop()
    database.close()


def work(url: str) -> None:
    """Be a worker process until it is killed."""
    from growbase.cli.worker import work as work_until_stopped

    database = opened(url)
    waker: Waker = PostgresListener(url)
    work_until_stopped(Worker(database, {"noop": noop}, wakers=[waker]), [], stop_seconds=3)
    database.close()


class Peer:
    """Another queue, run by its own interpreter; a process that enqueues is told what to do line by line."""

    def __init__(self, name: str, script: str, where: str) -> None:
        self.name, self.script, self.where = name, script, where
        self.python = install_python()
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the process that enqueues, which also makes the schema."""
        command = [str(self.python), str(PEERS / self.script), "enqueue", self.where]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._ask("ready")

    def worker(self) -> list[str | Path]:
        """Return the command of a worker process."""
        return [self.python, PEERS / self.script, "work", self.where]

    def enqueue(self, count: int, *, at_once: bool) -> None:
        """Tell the process to enqueue."""
        self._ask(f"{'many' if at_once else 'one'} {count}")

    def is_empty(self) -> bool:
        """Ask the process."""
        return self._ask("left") == "0"

    def idle(self, *, wanted: bool) -> None:
        """Do nothing: neither peer can be paused, so its backlog is run while it is enqueued."""
        del wanted

    def _ask(self, line: str) -> str:
        assert self.process is not None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


def install_python() -> Path:
    """Return the interpreter of the peers, installed by their names when it is missing."""
    folder = ROOT / "build" / "peers" / "jobs"
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        names = ["procrastinate", "dramatiq[redis]", "psycopg[binary,pool]"]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *names], check=True)
    return python


@contextmanager
def peer(name: str, script: str, where: str) -> Iterator[System]:
    """Give a peer with two worker processes."""
    found = Peer(name, script, where)
    found.start()
    with ExitStack() as stack:
        for _ in range(WORKERS):
            stack.enter_context(running(found.worker(), output=subprocess.DEVNULL))
        time.sleep(2)
        yield found
    assert found.process is not None
    found.process.kill()
    found.process.communicate()


def measured(found: System, count: int) -> Figure:
    """Return the figures of a system that runs."""
    found.enqueue(BATCH * THREADS, at_once=True)
    wait_until(found.is_empty, "the warm-up", timeout=120)
    singles, adds, runs = [], [], []
    for _ in range(3):
        started = time.perf_counter()
        found.enqueue(count, at_once=False)
        wait_until(found.is_empty, "the jobs", timeout=300)
        singles.append(count / (time.perf_counter() - started))
        found.idle(wanted=True)
        started = time.perf_counter()
        found.enqueue(count, at_once=True)
        added = time.perf_counter()
        found.idle(wanted=False)
        wait_until(found.is_empty, "the backlog", timeout=300)
        ended = time.perf_counter()
        adds.append(count / (added - started))
        runs.append(count / (ended - started))
    return Figure(found.name, median(singles), median(adds), median(runs), os.getloadavg()[0])


def systems(folder: Path, *, peers: bool) -> Iterator[Callable[[ExitStack], System]]:
    """Yield what starts each system."""
    yield lambda stack: stack.enter_context(growbase_sqlite(folder))
    programs = find_programs()
    assert programs is not None, "PostgreSQL is missing: run tests/install_postgres.sh"

    def postgres(stack: ExitStack) -> str:
        return stack.enter_context(postgres_server(programs, DURABLE)).create_database(name="bench")

    yield lambda stack: stack.enter_context(growbase_postgres(postgres(stack)))
    if not peers:
        return
    name = f"Procrastinate, PostgreSQL, {WORKERS} worker processes"
    yield lambda stack: stack.enter_context(peer(name, "procrastinate_app.py", postgres(stack)))
    if (server := shutil.which("redis-server")) is not None:
        for durable in (False, True):
            yield lambda stack, durable=durable: redis_peer(stack, server, folder, durable=durable)


def redis_peer(stack: ExitStack, server: str, folder: Path, *, durable: bool) -> System:
    """Start Redis and Dramatiq; ``durable`` makes Redis keep what it has confirmed."""
    port = free_port()
    options = ["--appendonly", "yes", "--appendfsync", "always"] if durable else ["--appendonly", "no"]
    (folder / f"redis-{port}").mkdir()
    command = [server, "--port", str(port), "--bind", HOST, "--save", "", "--dir", folder / f"redis-{port}", *options]
    stack.enter_context(running(command, port=port, output=subprocess.DEVNULL))
    name = f"Dramatiq, Redis {'with' if durable else 'without'} fsync, {WORKERS} worker processes"
    return stack.enter_context(peer(name, "dramatiq_app.py", f"redis://{HOST}:{port}/0"))


def render(figures: list[Figure], count: int) -> str:
    """Return bench/jobs.md."""
    known = {name: value for name, value in report.conditions("").items() if name in SHOWN}
    rows = "\n".join(
        f"| {f.name} | {f.one_by_one:,.0f} | {f.enqueued:,.0f} | {f.run:,.0f} | {f.load:.0f} |" for f in figures
    )
    return HEAD.format(conditions=", ".join(f"{name} {value}" for name, value in known.items()), count=count, rows=rows)


HEAD = """# Background jobs

`python -m bench.jobs` wrote this. {conditions}.

{count:,} jobs that do nothing, median of three rounds, jobs a second. "One by one": each enqueued by a commit of its
own from {THREADS} threads while the workers run, until the last one is finished. "Backlog enqueued": {BATCH} a commit.
"Backlog run": from the first enqueued to the last finished, the queue paused while it fills (the peers can't be
paused: they run jobs while they are enqueued). A load average above that of the bench itself, about 4, means that the
machine had other work: such figures are too low.

| | one by one | backlog enqueued | backlog, enqueued and run | load average |
|---|---|---|---|---|
{rows}
""".replace("{THREADS}", str(THREADS)).replace("{BATCH}", str(BATCH))


def main() -> None:
    """Measure every system."""
    parser = argparse.ArgumentParser(prog="python -m bench.jobs", description=__doc__)
    parser.add_argument("--work", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, default=10_000, help="jobs a round")
    parser.add_argument("--no-peers", action="store_true", help="Growbase alone")
    parser.add_argument("--only", default="", help="systems whose name holds this")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the results go")
    options = parser.parse_args()
    if options.work:
        work(options.work)
        return
    folder = Path(tempfile.mkdtemp(prefix="growbase-jobs-"))
    figures = []
    try:
        for begin in systems(folder, peers=not options.no_peers):
            with ExitStack() as stack:
                found = begin(stack)
                if options.only.lower() in found.name.lower():
                    figures.append(measured(found, options.count))
                    print(figures[-1], flush=True)
    finally:
        shutil.rmtree(folder)
    options.output.write_text(render(figures, options.count))


if __name__ == "__main__":
    main()
