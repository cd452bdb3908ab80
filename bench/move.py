"""Measure a move from SQLite to PostgreSQL, verification included, beside a plain COPY of the same rows.

``python -m bench.move`` writes bench/move.md. The plain COPY reads each table of the file and copies it into the
installed schema, foreign keys off: the rows with their indexes, and nothing checked.
"""

import argparse
import os
import shutil
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

import psycopg
from pydantic import SecretStr

from bench import data, report
from bench.servers import ROOT
from growbase import wiring
from growbase.cli.opening import install
from growbase.core import ddl
from growbase.core.actor import system
from growbase.core.config import Settings
from growbase.domains.identity.models import Organization
from growbase.domains.identity.tokens import ApiKeyText
from growbase.ops import move
from growbase.ops.move_rows import tables
from growbase.ops.move_sqlite import SqliteEnd
from tests.postgres import DURABLE, find_programs, postgres_server

RESULTS = ROOT / "bench" / "move.md"
SHOWN = ("when", "commit", "machine", "Growbase", "Python", "psycopg")
WRITES_A_SECOND = 200


def filled(folder: Path, size: data.Size) -> Settings:
    """Return the settings of a SQLite database with data."""
    folder.mkdir()
    settings = Settings(data_dir=folder, encryption_keys=SecretStr("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="))
    install(settings)
    assert settings.sqlite_path is not None
    data.fill_sqlite(settings.sqlite_path, size, [ApiKeyText.new() for _ in range(size.organizations)])
    return settings


def plain_copy(settings: Settings, url: str) -> tuple[int, float]:
    """Copy every table without anything else and return rows and seconds."""
    rows = 0
    with closing(SqliteEnd(settings)) as source, psycopg.connect(url) as connection:
        moving = [table for table in tables(source.packages) if source.count(table)]
        for statement in ddl.statements("postgresql"):
            connection.execute(statement.encode())
        connection.execute("SET session_replication_role = replica")
        connection.commit()
        started = time.perf_counter()
        for table in moving:
            found = source.connection.execute(f"SELECT {table.names} FROM {table.name}")
            with (
                connection.cursor() as cursor,
                cursor.copy(f"COPY {table.name} ({table.names}) FROM STDIN".encode()) as copy,
            ):
                for row in found:
                    copy.write_row(row)
                    rows += 1
        connection.commit()
    return rows, time.perf_counter() - started


def moved(settings: Settings, url: str, *, loaded: bool) -> tuple[int, float, float, dict[str, float]]:
    """Move and return rows, seconds, the pause and the seconds of each step; ``loaded`` writes all the while."""
    ring = wiring.keyring(settings)
    stopping = threading.Event()
    spent: dict[str, float] = {}
    last = time.perf_counter()

    def note(step: str, done: int, total: int) -> None:
        nonlocal last
        del done, total
        now = time.perf_counter()
        spent[step] = spent.get(step, 0.0) + now - last
        last = now

    with closing(wiring.follow_database(settings)) as database:

        def write() -> None:
            turn = 0
            while not stopping.wait(1 / WRITES_A_SECOND):
                turn += 1
                slug = f"written-{turn}"
                database.write(system(), lambda tx, slug=slug: tx.insert(Organization, name="x", slug=slug))

        thread = threading.Thread(target=write)
        if loaded:
            thread.start()
        done = move.move(settings, ring, url, note)
        stopping.set()
        if loaded:
            thread.join()
    assert done.pause is not None
    return done.rows, done.seconds, done.pause, spent


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(prog="python -m bench.move", description=__doc__)
    parser.add_argument("--campaigns", type=int, default=6_000)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    size = data.Size(campaigns=options.campaigns, events=options.events)
    folder = Path(tempfile.mkdtemp(prefix="growbase-move-"))
    lines = []
    try:
        programs = find_programs()
        assert programs is not None
        with postgres_server(programs, DURABLE) as server:
            for name, loaded in (("nobody writes", False), (f"{WRITES_A_SECOND} writes a second", True)):
                settings = filled(folder / name.replace(" ", "-"), size)
                rows, plain = plain_copy(settings, server.create_database())
                count, seconds, pause, spent = moved(settings, server.create_database(), loaded=loaded)
                steps = ", ".join(f"{step} {value:.1f} s" for step, value in spent.items())
                lines.append(
                    f"| {name} | {rows / plain:,.0f} | {count / seconds:,.0f} | {count / seconds * plain / rows:.2f} "
                    f"| {pause:.2f} s | {steps} |"
                )
                print(lines[-1], flush=True)
    finally:
        shutil.rmtree(folder)
    conditions = ", ".join(f"{name} {value}" for name, value in report.conditions("").items() if name in SHOWN)
    conditions += f", load average at the end {os.getloadavg()[0]:.1f}"
    options.output.write_text(PAGE.format(conditions=conditions, rows="\n".join(lines), count=count))


PAGE = """# Moving to another database

`python -m bench.move` wrote this. {conditions}.

{count:,} rows from SQLite to PostgreSQL on the same machine, rows a second. "Plain COPY": the same rows read from the
file and copied into the installed schema with its indexes, foreign keys off, nothing verified. "Move": everything, from
the first check to the validated foreign keys: copy, indexes, verification of every row on both sides, switch. The pause
is how long writes waited.

| | plain COPY | move | ratio | pause | steps |
|---|---|---|---|---|---|
{rows}
"""

if __name__ == "__main__":
    main()
