"""Measure Growbase beside the raw limit and its peers, and write what came out to bench/results.md."""

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench import data, load, measures, report
from bench.limit import Raw
from bench.peers.pocketbase import PocketBase
from bench.profiler import profiled
from bench.series import WORKLOADS, Series, System, Workload, measure
from bench.servers import ROOT, WORKERS, Growbase
from tests.postgres import DURABLE, find_programs, postgres_server

RESULTS = ROOT / "bench" / "results.md"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less data, shorter runs, 16 connections, no results.md")
    parser.add_argument("--full", action="store_true", help="also lists over 2 million rows")
    parser.add_argument("--only", default="", help="workloads, separated by commas: W1,W2")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), help="one engine only")
    parser.add_argument("--processes", type=int, default=WORKERS, help="server processes of Growbase and raw limit")
    parser.add_argument("--no-peers", action="store_true", help="without PocketBase")
    parser.add_argument("--profile", type=Path, metavar="FOLDER", help="record flame graphs of a worker with py-spy")
    parser.add_argument("--output", type=Path, help="where the results go; default bench/results.md")
    return parser.parse_args()


def chosen(options: argparse.Namespace) -> list[Workload]:
    """Return the workloads to run; a quick run leaves out those that need much data or time."""
    wanted = {name.strip().lower() for name in options.only.split(",") if name.strip()}
    if not wanted and options.quick:
        wanted = {"w1", "w2", "w2b", "w3", "w4", "w6"}
    return [workload for workload in WORKLOADS if not wanted or workload.key.lower() in wanted]


@contextmanager
def sqlite_systems(folder: Path, size: data.Size, processes: int, *, peers: bool) -> Iterator[list[System]]:
    """Give the systems that keep their data in a SQLite file."""
    with ExitStack() as stack:
        (folder / "sqlite").mkdir()
        growbase = Growbase("sqlite", folder / "sqlite", size, processes=processes)
        growbase.prepare()
        systems: list[System] = [stack.enter_context(growbase.serving())]
        systems.append(stack.enter_context(Raw(growbase, folder).serving()))
        if peers:
            pocketbase = PocketBase(ROOT / "build" / "peers", folder / "pocketbase", size)
            pocketbase.prepare()
            systems.append(stack.enter_context(pocketbase.serving()))
        yield systems


@contextmanager
def postgres_systems(folder: Path, size: data.Size, processes: int) -> Iterator[list[System]]:
    """Give the systems that keep their data in PostgreSQL, a server with fsync on."""
    programs = find_programs()
    if programs is None:
        raise SystemExit("PostgreSQL is missing: run tests/install_postgres.sh")
    with ExitStack() as stack:
        server = stack.enter_context(postgres_server(programs, DURABLE))
        (folder / "postgresql").mkdir()
        url = server.create_database(name="bench")
        growbase = Growbase("postgresql", folder / "postgresql", size, processes=processes, url=url)
        growbase.prepare()
        yield [stack.enter_context(growbase.serving()), stack.enter_context(Raw(growbase, folder).serving())]


def run(
    folder: Path, systems: Sequence[System], workloads: Sequence[Workload], options: argparse.Namespace
) -> list[Series]:
    """Run the workloads on running systems."""
    found = []
    for workload in workloads:
        for connections in (16,) if options.quick else workload.connections:
            rounds, seconds = (2, 2) if options.quick else (3, 3 if connections == 16 else 2)
            with profiled(systems[0], workload, options.profile):
                series = measure(folder, systems, workload, connections, rounds=rounds, seconds=seconds)
            print(report.line(series), flush=True)
            found.append(series)
    return found


def main() -> None:
    """Run what was asked for."""
    options = arguments()
    started = time.monotonic()
    conditions = report.conditions(load.require_wrk(ROOT))
    size = data.QUICK if options.quick else data.FULL
    results = report.Results(conditions, size)
    folder = Path(tempfile.mkdtemp(prefix="growbase-bench-", dir=os.environ.get("GROWBASE_BENCH_FOLDER")))
    try:
        for engine in ("sqlite", "postgresql") if options.engine is None else (options.engine,):
            peers = not options.no_peers
            if engine == "sqlite":
                opened = sqlite_systems(folder, size, options.processes, peers=peers)
            else:
                opened = postgres_systems(folder, size, options.processes)
            with opened as systems:
                print(f"{engine}: ready after {time.monotonic() - started:.0f} s", flush=True)
                results.series[engine] = run(folder, systems, chosen(options), options)
                results.measures[engine] = measures.of_running(systems[0])
            if not options.only and engine == "sqlite":  # PostgreSQL has stopped by now
                results.measures[engine] |= measures.of_starting(systems[0])
            if options.full and engine == "sqlite":
                results.measures[engine] |= measures.of_many_rows(folder / "many")
    finally:
        shutil.rmtree(folder)
    results.seconds = time.monotonic() - started
    text = report.render(results)
    target = options.output or (None if options.quick or options.only else RESULTS)
    if target:
        target.write_text(text)
    print(f"\n{text}" if not target else f"Written to {target}.")


if __name__ == "__main__":
    main()
