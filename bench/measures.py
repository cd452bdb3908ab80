"""What one system shows by itself: memory, start, connections, and lists over very many rows."""

import shutil
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import psycopg

from bench.data import Size
from bench.load import http
from bench.series import System, answer
from bench.servers import Growbase, memory, tree
from growbase.core.sqlite_connection import connect


def of_running(system: System) -> dict[str, str]:
    """Measure a server that has been under load."""
    assert isinstance(system, Growbase)
    parts = [memory(pid) for pid in tree(system.pid)]
    found = {
        "memory after load, largest serving process": f"{max(parts):.0f} MB",
        "memory after load, all processes": f"{sum(parts):.0f} MB",
    }
    return found | _connections(system)


def _timed(times: int, action: Callable[[], object]) -> float:
    spent = []
    for _ in range(times):
        started = time.perf_counter()
        action()
        spent.append(time.perf_counter() - started)
    return median(spent) * 1000


def _connections(system: Growbase) -> dict[str, str]:
    """Compare a connection made for one statement with one that is there."""
    if system.engine == "sqlite":

        def cold() -> None:
            connection = connect(system.path, read_only=True)
            connection.execute("SELECT id FROM organizations").fetchone()
            connection.close()

        kept = connect(system.path, read_only=True)
        warm = _timed(200, lambda: kept.execute("SELECT id FROM organizations").fetchone())
        kept.close()
    else:

        def cold() -> None:
            with psycopg.connect(system.url) as connection:
                connection.execute("SELECT id FROM organizations").fetchone()

        with psycopg.connect(system.url, autocommit=True) as pooled:
            warm = _timed(200, lambda: pooled.execute("SELECT id FROM organizations").fetchone())
    return {"connection and one statement, cold": f"{_timed(50, cold):.2f} ms", "the same, kept open": f"{warm:.3f} ms"}


def of_starting(system: System) -> dict[str, str]:
    """Measure the way from the command to the first answer on the existing database, three times."""
    assert isinstance(system, Growbase)
    spent = []
    for _ in range(3):
        started = time.perf_counter()
        with system.serving(), urllib.request.urlopen(f"http://127.0.0.1:{system.port}/live", timeout=5):
            spent.append(time.perf_counter() - started)
    return {"start to first answer, median of 3": f"{median(spent):.2f} s"}


LISTS = {
    "newest first": "sort=-created_at",
    "filter and sort": "status=active&sort=-updated_at",
    "by name": "sort=name",
}


def of_many_rows(folder: Path) -> dict[str, str]:
    """Compare one organization's lists at 20 thousand and at 2 million rows."""
    folder.mkdir()
    few, many = (_lists(folder / str(rows), rows) for rows in (20_000, 2_000_000))
    return {
        f"list of one organization, {name}": f"{few[name]:.2f} ms at 20,000 rows, {many[name]:.2f} ms at 2,000,000: "
        f"{many[name] / few[name]:.2f} x (target 1.5)"
        for name in LISTS
    }


def _lists(folder: Path, rows: int) -> dict[str, float]:
    """Return the median latency of each list, each on a connection of its own."""
    folder.mkdir()
    system = Growbase("sqlite", folder, Size(organizations=1, campaigns=rows, events=1, parts=False))
    system.prepare()
    found = {}
    with system.serving():
        for name, query in LISTS.items():
            request = http("GET", f"/api/campaigns?{query}", system.token(0), headers={"Connection": "close"})
            assert answer(system.port, request)[0] == 200
            found[name] = _timed(200, partial(answer, system.port, request))
    shutil.rmtree(folder)
    return found
