"""Measure backups and restores beside what they are made of, and what they do to those who write meanwhile."""

import argparse
import shutil
import subprocess
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pysqlite3

from growbase import wiring
from growbase.core.ddl import statements
from growbase.core.sqlite_connection import connect
from growbase.domains.marketing.models import Brand
from growbase.ops.backup import backup_now
from growbase.ops.drill import drill
from growbase.ops.postgres_programs import login, own_server, program
from tests.backups import TEMPLATE, Site, install, site
from tests.postgres import DURABLE, PostgresServer, find_programs, postgres_server

RESULTS = Path(__file__).resolve().parent / "backup.md"
WRITES_PER_SECOND = 200


@dataclass(frozen=True)
class Figure:
    """One thing that was done, how many rows it concerned and how long it took."""

    what: str
    rows: int
    seconds: float

    def __str__(self) -> str:
        return f"| {self.what} | {self.seconds:.2f} | {self.rows / self.seconds:,.0f} |"


def fill(shop: Site, count: int) -> None:
    for start in range(0, count, 1_000):
        rows = [{"name": f"Brand {start + number} of a shop"} for number in range(1_000)]
        shop.database.write(shop.owner, lambda tx, rows=rows: tx.insert_many(Brand, rows))


def timed(what: str, rows: int, work: Callable[[], object]) -> Figure:
    start = time.perf_counter()
    work()
    found = Figure(what, rows, time.perf_counter() - start)
    print(found, flush=True)
    return found


def writes_meanwhile(shop: Site, work: Callable[[], object]) -> str:
    """Write at a steady rate while the work is done and say how long the writes took."""
    stop = threading.Event()
    spent: list[float] = []

    def write() -> None:
        begin, number = time.perf_counter(), 0
        while not stop.is_set():
            start = time.perf_counter()
            shop.add(f"meanwhile {number}")
            spent.append(time.perf_counter() - start)
            number += 1
            stop.wait(max(0.0, begin + number / WRITES_PER_SECOND - time.perf_counter()))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        work()
    finally:
        stop.set()
        writer.join()
    spent.sort()
    p99, worst = spent[int(len(spent) * 0.99)] * 1_000, spent[-1] * 1_000
    middle = spent[len(spent) // 2] * 1_000
    text = f"{len(spent)} writes at {WRITES_PER_SECOND}/s: median {middle:.1f} ms"
    return f"{text}, p99 {p99:.1f} ms, worst {worst:.1f} ms"


def sqlite(folder: Path, rows: int) -> list[str]:
    """Measure the embedded engine."""
    wiring.catalog()
    template = folder / "template.db"
    with closing(connect(template)) as connection:
        for statement in statements("sqlite"):
            connection.execute(statement)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    place = folder / "sqlite"
    place.mkdir()
    with site(place, template, None) as shop:
        fill(shop, rows)
        path = shop.settings.sqlite_path
        assert path is not None

        def raw() -> None:
            source, target = pysqlite3.connect(str(path)), pysqlite3.connect(str(folder / "raw.db"))
            with closing(source), closing(target):
                source.backup(target)

        total = sum(backup_now(shop.settings, shop.vault).rows.values())
        size = path.stat().st_size / 1e6
        found = [f"SQLite, {total:,} rows, {size:.0f} MB", "", "| | s | rows/s |", "|---|---:|---:|"]
        found.append(str(timed("`.backup` alone", total, raw)))
        found.append(
            str(timed("backup: copy, check, compress, seal", total, lambda: backup_now(shop.settings, shop.vault)))
        )
        found.append(str(timed("copy of the file", total, lambda: shutil.copy(folder / "raw.db", folder / "again.db"))))
        found.append(
            str(
                timed(
                    "drill: open, unpack, check",
                    total,
                    lambda: drill(shop.settings, shop.vault, wiring.open_database, None),
                )
            )
        )
        meanwhile = writes_meanwhile(shop, lambda: backup_now(shop.settings, shop.vault))
        found += ["", f"While a backup is taken, {meanwhile}.", ""]
    return found


def postgresql(folder: Path, rows: int, server: PostgresServer) -> list[str]:
    """Measure PostgreSQL."""
    place = folder / "postgresql"
    place.mkdir()
    with site(place, None, server) as shop:
        fill(shop, rows)
        plain, environment = login(shop.settings.database)
        base = folder / "base"

        def raw() -> None:
            command = [program("pg_basebackup", 15), "-D", str(base), "-Ft", "-X", "stream", "-c", "fast", "-d", plain]
            subprocess.run(command, env=environment, check=True, capture_output=True)

        def raw_restore() -> None:
            data = Path(tempfile.mkdtemp(prefix="growbase-raw-")) / "data"
            data.parent.chmod(0o711)
            for name, target in (("base.tar", data), ("pg_wal.tar", data / "pg_wal")):
                with tarfile.open(base / name) as tar:
                    tar.extractall(target, filter="fully_trusted")  # noqa: S202 -- made above
            with own_server(data, 15, "growbase", {}):
                pass
            shutil.rmtree(data.parent)

        total = sum(backup_now(shop.settings, shop.vault).rows.values())
        with psycopg.connect(server.admin_url) as connection:
            (size,) = connection.execute("SELECT sum(pg_database_size(oid)) / 1e6 FROM pg_database").fetchone() or (0,)
        found = [f"PostgreSQL, {total:,} rows, {size:.0f} MB", "", "| | s | rows/s |", "|---|---:|---:|"]
        found.append(str(timed("`pg_basebackup` alone", total, raw)))
        found.append(
            str(timed("backup: copy, count, compress, seal", total, lambda: backup_now(shop.settings, shop.vault)))
        )
        found.append(str(timed("unpack and recover", total, raw_restore)))
        found.append(
            str(
                timed(
                    "drill: open, unpack, `pg_verifybackup`, recover, count",
                    total,
                    lambda: drill(shop.settings, shop.vault, wiring.open_database, None),
                )
            )
        )
        meanwhile = writes_meanwhile(shop, lambda: backup_now(shop.settings, shop.vault))
        found += ["", f"While a backup is taken, {meanwhile}.", ""]
    return found


def main() -> None:
    """Measure both engines."""
    parser = argparse.ArgumentParser(prog="python -m bench.backup", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="brands, each with a change and search words")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the results go")
    options = parser.parse_args()
    programs = find_programs()
    assert programs is not None
    folder = Path(tempfile.mkdtemp(prefix="growbase-backup-"))
    try:
        lines = ["# Backups and restores", "", "`python -m bench.backup` writes this page; two shared cores.", ""]
        lines += sqlite(folder, options.rows)
        with postgres_server(programs, DURABLE) as server:
            install(server.create_database(name=TEMPLATE))
            lines += postgresql(folder, options.rows, server)
    finally:
        shutil.rmtree(folder)
    options.output.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
