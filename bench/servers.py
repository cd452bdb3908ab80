"""Growbase and the raw limit as running servers, and a PostgreSQL of the bench's own that keeps its promises."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from bench import data
from bench.data import Size
from bench.load import http, post
from growbase import wiring
from growbase.core.sqlite_connection import connect
from growbase.domains.identity.tokens import ApiKeyText
from tests.processes import free_port, running

ROOT = Path(__file__).parent.parent
GROWBASE = [sys.executable, "-c", "from growbase.cli import main; main()"]
WORKERS = min(2, os.cpu_count() or 1)
SAMPLE = 2_000
"""Distinct requests of a workload that reads."""
UPDATED = 4_000
"""Rows that an update run goes through before it comes to the first again."""
KEPT_SHARE = 0.4
"""The first campaigns, which no run trashes."""
TRASH_RUNS = 4
"""A warm-up and three rounds share the campaigns that may go."""
PLACES = random.Random(7)


def environment() -> dict[str, str]:
    """Return what child processes need to find the same code."""
    # Without byte code a start takes twice as long, so a developer's wish not to write any does not hold here.
    return {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]), "PYTHONDONTWRITEBYTECODE": ""}


def tree(pid: int) -> list[int]:
    """Return a process and its descendants."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
    return found


def memory(pid: int) -> float:
    """Return a process's own share of memory in MB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) / 1024


@contextmanager
def served(
    command: Sequence[str | Path], log: Path, *, env: dict[str, str], port: int | None = None, url: str | None = None
) -> Iterator[int]:
    """Run a server while the block runs and give its id; none of its processes outlives the block."""
    family: list[tuple[int, str]] = []
    try:
        with (
            log.open("wb") as output,
            running(command, env=env, cwd=ROOT, output=output, port=port, url=url) as process,
        ):
            try:
                yield process.pid
            finally:
                family = [(pid, _born(pid)) for pid in tree(process.pid)]
    except (RuntimeError, TimeoutError) as error:
        if family:
            raise
        raise RuntimeError(f"{error}:\n{log.read_text()[-4000:]}") from error
    finally:
        for pid, born in family:
            if _born(pid) == born:
                os.kill(pid, signal.SIGKILL)


def _born(pid: int) -> str:
    """Return when a process started, empty if it is gone: a number alone may already be somebody else's."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


class Growbase:
    """Growbase on one engine: its database with the data, its server and its requests."""

    def __init__(
        self, engine: str, folder: Path, size: Size, *, processes: int = WORKERS, url: str | None = None
    ) -> None:
        self.engine, self.folder, self.size, self.processes = engine, folder, size, processes
        self.name = f"Growbase, {'SQLite' if engine == 'sqlite' else 'PostgreSQL'}"
        self.url = url or f"sqlite:///{folder / 'growbase.db'}"
        self.path = folder / "growbase.db"
        self.keys = [ApiKeyText.new() for _ in range(size.organizations)]
        self.port, self.pid = free_port(), 0
        self._turn = 0

    def prepare(self) -> None:
        """Install the schema and insert the data."""
        wiring.catalog()
        env = {**os.environ, **self.environment()}
        done = subprocess.run([*GROWBASE, "db", "upgrade"], env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"growbase db upgrade failed:\n{done.stdout}{done.stderr}")
        if self.engine == "sqlite":
            data.fill_sqlite(self.path, self.size, self.keys)
        else:
            data.fill_postgres(self.url, self.size, self.keys)

    def environment(self) -> dict[str, str]:
        """Return the settings of this database and its server."""
        settings = {
            "GROWBASE_DATA_DIR": str(self.folder),
            "GROWBASE_DATABASE_URL": self.url,
            "GROWBASE_PORT": str(self.port),
            "GROWBASE_PROCESSES": str(self.processes),
            "GROWBASE_LOG_LEVEL": "warning",
            "GROWBASE_DEMO_DATA": "false",
        }
        return {**environment(), **settings}

    @contextmanager
    def serving(self) -> Iterator["Growbase"]:
        """Serve while the block runs."""
        url = f"http://127.0.0.1:{self.port}/live"
        with served([*GROWBASE, "serve"], self.folder / "growbase.log", env=self.environment(), url=url) as pid:
            self.pid = pid
            yield self

    def token(self, organization: int) -> str:
        """Return the Authorization header of an organization's key."""
        return f"Bearer {self.keys[organization].plaintext}"

    def requests(self, workload: str) -> list[bytes]:
        """Return the requests of a run; those that write are new for every run."""
        self._turn += 1
        made: Callable[[], list[bytes]] = getattr(self, f"_{workload.lower()}")
        return made()

    def _campaigns(self, count: int) -> list[int]:
        kept = range(int(self.size.campaigns * KEPT_SHARE))
        return PLACES.sample(kept, min(count, len(kept)))

    def _w1(self) -> list[bytes]:
        return [
            http("GET", f"/api/campaigns/{data.campaign_id(n)}", self.token(n % self.size.organizations))
            for n in self._campaigns(SAMPLE)
        ]

    def _lists(self, more: str) -> list[bytes]:
        return [
            http("GET", f"/api/campaigns?status={status}&sort=-updated_at&limit=20{more}", self.token(organization))
            for organization in range(self.size.organizations)
            for status in data.STATUSES
        ]

    def _w2(self) -> list[bytes]:
        return self._lists("&counts=journeys,contents")

    def _w2t(self) -> list[bytes]:
        return self._lists("&counts=journeys,contents&page=1")

    def _w2b(self) -> list[bytes]:
        return self._lists("")

    def _w3(self) -> list[bytes]:
        return [
            post(
                "/api/contents",
                self.token(n % self.size.organizations),
                {**new_content(n, self.size), "campaign_id": str(data.campaign_id(n))},
            )
            for n in self._campaigns(SAMPLE)
        ]

    def _w4(self) -> list[bytes]:
        numbers = self._campaigns(UPDATED)
        versions = self._versions()
        return [
            http(
                "PATCH",
                f"/api/campaigns/{(id := data.campaign_id(n))}",
                self.token(n % self.size.organizations),
                b'{"budget_minor":%d}' % (1_000_000 + self._turn * 1_000 + ahead),
                {"If-Match": f'"{versions[id] + ahead}"'},
            )
            for ahead in range(-(-20_000 // len(numbers)))
            for n in numbers
        ]

    def _versions(self) -> dict[UUID, int]:
        sql = "SELECT id, version FROM campaigns"
        if self.engine == "sqlite":
            connection = connect(self.path, read_only=True)
            found = {UUID(id): version for id, version in connection.execute(sql)}
            connection.close()
            return found
        with psycopg.connect(self.url) as postgres:
            return dict(postgres.execute(sql.encode()).fetchall())

    def _w5(self) -> list[bytes]:
        return [
            post("/api/analytics", self.token(n % self.size.organizations), new_events(self._turn, n, self.size))
            for n in range(300)
        ]

    def _w6(self) -> list[bytes]:
        start, end = dashboard_range()
        query = f"from={start}T00:00:00Z&to={end}T00:00:00Z&interval=day"
        return [
            http("GET", f"/api/analytics?campaign_id={data.campaign_id(n)}&{query}", self.token(n % 20))
            for n in range(data.RUNNING)
        ]

    def _w7(self) -> list[bytes]:
        return [
            http("DELETE", f"/api/campaigns/{data.campaign_id(n)}", self.token(n % self.size.organizations))
            for n in trashed(self._turn, self.size)
        ]


def new_content(number: int, size: Size) -> dict[str, Any]:
    """Return the body of a new content without its campaign."""
    row = data.content(number, size)
    return {name: row[name] for name in ("type", "title", "body", "channel", "language", "metadata")}


def new_events(turn: int, number: int, size: Size) -> list[dict[str, Any]]:
    """Return 500 new events of one organization, spread over its running campaigns and the last day."""
    organization = number % size.organizations
    found = []
    for place in range(500):
        row = data.event(turn * 1_000_000 + number * 500 + place, size)
        where = organization + place % (data.RUNNING // size.organizations) * size.organizations
        at = data.NOW - timedelta(seconds=row.pop("occurred_at").timestamp() % 86_400)
        row |= {"event_key": f"n-{turn}-{number}-{place}", "occurred_at": at.isoformat()}
        row |= {"campaign_id": str(data.campaign_id(where)), "content_id": str(data.uid(5, row.pop("content")))}
        row["content_id"] = str(data.uid(5, where * data.CONTENTS_EACH))
        del row["campaign"]
        found.append({name: value for name, value in row.items() if value is not None})
    return found


def dashboard_range() -> tuple[str, str]:
    """Return the first and the last day of a dashboard over 30 days, the last one excluded."""
    end = data.NOW.date()
    return str(end - timedelta(days=30)), str(end)


def trashed(turn: int, size: Size) -> Sequence[int]:
    """Return the numbers of the campaigns that one run may trash."""
    first = int(size.campaigns * KEPT_SHARE)
    each = (size.campaigns - first) // TRASH_RUNS
    start = first + turn % TRASH_RUNS * each
    return range(start, start + each)
