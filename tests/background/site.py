"""A site: a database on one of the set-ups, the workers over it, and this test's own part as one more process."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from growbase import wiring
from growbase.core.actor import system
from growbase.core.config import Settings, load_settings
from growbase.core.crash import VARIABLE
from growbase.core.database import Database
from growbase.core.tables import Job, JobSchedule
from tests.background import program
from tests.fixtures import KEYRING
from tests.processes import wait_until

PATIENCE = 60.0
CHORES = "tests.background.chores"


@dataclass
class Site:
    """One installation and what runs on it."""

    folder: Path
    env: dict[str, str]
    db: Database
    started: list[ForkServerProcess] = field(default_factory=list)

    @property
    def log(self) -> str:
        """What the workers have said."""
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    def worker(self, *arguments: str, crash_at: str = "", lease: float = 1.0, **env: str) -> ForkServerProcess:
        """Start ``growbase worker``, which dies where ``crash_at`` says."""
        command = ["worker", "--lease-seconds", str(lease), *arguments]
        process = program.begin(command, {**self.env, VARIABLE: crash_at, **env}, self.folder / "log")
        self.started.append(process)
        return process

    def die(self, *points: str, arguments: tuple[str, ...] = ()) -> None:
        """Let a worker die at each of the points, all at the same time; on SQLite one after the other has its turn."""
        processes = [self.worker(*arguments, crash_at=point) for point in points]
        for process, point in zip(processes, points, strict=True):
            process.join(PATIENCE)
            assert process.exitcode == -signal.SIGKILL, f"nobody died at {point}: {process.exitcode}\n{self.log}"

    def stop(self) -> None:
        """Kill what is left of the workers."""
        for process in self.started:
            process.kill()
            process.join()
        self.started.clear()

    def hurry(self, *schedules: str) -> None:
        """Let the time of schedules come, and wait until they have run."""
        with self.db.read(system()) as reads:
            before = {row.name: row.last_run_at for row in reads.rows(JobSchedule, name=list(schedules))}

        def due(tx):  # noqa: ANN001, ANN202
            for name in schedules:
                tx.set_facts(JobSchedule, {"name": name}, {"next_run_at": tx.now})

        self.db.write(system(), due)

        def have_run() -> bool:
            with self.db.read(system()) as reads:
                rows = reads.rows(JobSchedule, name=list(schedules))
                busy = [row.payload["name"] for row in reads.rows(Job, kind="schedule", status=["queued", "running"])]
            return all(row.last_run_at != before[row.name] and row.name not in busy for row in rows)

        self.wait(have_run, f"the schedules {schedules}")

    def wait(self, is_ready, what: str) -> None:  # noqa: ANN001
        """Return when something is so; fail with what the workers said after a while."""
        try:
            wait_until(is_ready, what, timeout=PATIENCE)
        except TimeoutError as error:
            raise AssertionError(f"{what} did not come\n{self.log[-5000:]}") from error

    def jobs(self, kind: str, **where: object) -> list[Job]:
        """Return jobs of a kind, the oldest first."""
        with self.db.read(system()) as reads:
            return reads.rows(Job, kind=kind, order="id", anywhere=True, **where)

    def age(self, table: str, *columns: str, where: str = "1 = 1") -> None:
        """Move moments of rows a quarter of an hour into the past: longer than leases last and platforms take."""
        for name in columns:
            is_sqlite = self.db.engine == "sqlite"
            strftime = f"strftime('%Y-%m-%dT%H:%M:%f000Z', {name}, '-15 minutes')"
            earlier = strftime if is_sqlite else f"{name} - interval '15 minutes'"
            sql = f"UPDATE {table} SET {name} = {earlier} WHERE {name} IS NOT NULL AND ({where})"
            self.db.write(system(), lambda tx, sql=sql: tx.execute(sql, []))  # type: ignore[misc]


@contextmanager
def open_site(folder: Path, url: str, **env: str) -> Iterator[Site]:
    """Give a site over an installed database, with whatever tells its workers of this process's jobs."""
    env = {
        "GROWBASE_DATABASE_URL": url,
        "GROWBASE_DATA_DIR": str(folder / "data"),
        "GROWBASE_ENCRYPTION_KEYS": KEYRING.serialise(),
        "GROWBASE_ALLOW_PRIVATE_ADDRESSES": "true",
        "GROWBASE_DOMAINS": CHORES,
        "GROWBASE_LOG_FORMAT": "json",
        **env,
    }
    settings: Settings = load_settings(env)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = wiring.open_database(settings)
    notifiers = wiring.notifiers(settings, database)
    for notifier in notifiers:
        notifier.start()
    site = Site(folder, env, database)
    try:
        yield site
    finally:
        site.stop()
        for notifier in notifiers:
            notifier.stop()
        database.close()
