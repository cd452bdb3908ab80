"""Measure how fast the large realistic data set is loaded on both engines.

``python -m bench.seed`` writes bench/seed.md: what ``growbase seed --scale 100`` does on a database with demo data.
"""

import argparse
import os
import resource
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from bench import report
from bench.servers import ROOT
from growbase.cli.opening import install, opened
from growbase.core.config import Settings
from growbase.ops.scale import seed_scale
from growbase.ops.seed import seed_demo
from tests.postgres import DURABLE, find_programs, postgres_server

RESULTS = ROOT / "bench" / "seed.md"
SHOWN = ("when", "commit", "machine", "Growbase", "Python", "psycopg")
BESIDE: Final = ("changes", "search_documents", "subject_keys")
KEYS: Final = SecretStr("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")


def processor_seconds() -> float:
    """Return what this process has used of the processor."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def loaded(settings: Settings, scale: int) -> tuple[int, float, float, int]:
    """Load the set once and return its rows, seconds, seconds of this process, and the rows written beside it."""
    install(settings)
    with opened(settings) as database:

        def beside() -> int:
            return sum(database.query(f"SELECT count(*) FROM {table}")[0][0] for table in BESIDE)

        home = seed_demo(database, settings).organization_id
        before, started = beside(), processor_seconds()
        made = seed_scale(database, home, scale)
        return made.rows, made.seconds, processor_seconds() - started, beside() - before


@contextmanager
def databases(folder: Path, engine: str) -> Iterator[Callable[[], Settings]]:
    """Give what returns the settings of a new empty database."""

    def new(url: str | None = None) -> Settings:
        data_dir = Path(tempfile.mkdtemp(dir=folder))
        return Settings(data_dir=data_dir, database_url=SecretStr(url) if url else None, encryption_keys=KEYS)

    if engine == "sqlite":
        yield new
        return
    programs = find_programs()
    if programs is None:
        raise SystemExit("PostgreSQL is missing: run tests/install_postgres.sh")
    with postgres_server(programs, DURABLE) as server:
        yield lambda: new(server.create_database())


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(prog="python -m bench.seed", description=__doc__)
    parser.add_argument("--scale", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="growbase-seed-", dir=os.environ.get("GROWBASE_BENCH_FOLDER")))
    lines, rows, beside = [], 0, 0
    try:
        for engine, name in (("sqlite", "SQLite"), ("postgresql", "PostgreSQL")):
            with databases(folder, engine) as new:
                rounds = [loaded(new(), options.scale) for _ in range(options.rounds)]
            seconds = statistics.median(took for _, took, _, _ in rounds)
            used = statistics.median(took for _, _, took, _ in rounds)
            rows, beside = rounds[0][0], rounds[0][3]
            lines.append(
                f"| {name} | {rows / seconds:,.0f} | {(rows + beside) / seconds:,.0f} | {seconds:.1f} s "
                f"| {used:.1f} s | {os.getloadavg()[0]:.0f} |"
            )
            print(lines[-1], flush=True)
    finally:
        shutil.rmtree(folder)
    conditions = ", ".join(f"{name} {value}" for name, value in report.conditions("").items() if name in SHOWN)
    options.output.write_text(
        PAGE.format(conditions=conditions, rows=rows, beside=beside, rounds=options.rounds, lines="\n".join(lines))
    )


PAGE = """# Loading a large data set

`python -m bench.seed` wrote this. {conditions}.

`growbase seed --scale 100`: {rows:,} rows of thirteen tables, and beside them {beside:,} rows of the change log, of
search and of the keys of people. Every row goes the way of all writes; each commit is on disk before the next one.
Median of {rounds} rounds, each in a new database with demo data. "Process": seconds of the processor in the program
itself, without the server. A load average above 2 means that the machine had other work: such rates are too low. The
machine is shared besides: in a slow hour the same program takes up to half as long again.

| | rows a second | with those beside | seconds | process | load average |
|---|---|---|---|---|---|
{lines}
"""

if __name__ == "__main__":
    main()
