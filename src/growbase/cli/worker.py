"""A worker in a process of its own."""

import signal
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from growbase.cli.opening import load_to_run, opened
from growbase.cli.output import say

if TYPE_CHECKING:
    from growbase.jobs.worker import Worker

STOP_SECONDS = 25.0
"""Less than the 30 seconds after which containers are killed."""


class Beside(Protocol):
    """What runs beside a worker."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End."""


def worker(
    queues: Annotated[str | None, typer.Option(help="Queues to serve, separated by commas; default all.")] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=1_000, help="Jobs at work at once; default what the queues allow.")
    ] = None,
    lease_seconds: Annotated[
        float, typer.Option(min=1, help="Silence after which another worker takes over a job.")
    ] = 60.0,
    stop_seconds: Annotated[
        float, typer.Option(min=0, help="Time that running jobs get to end after SIGTERM.")
    ] = STOP_SECONDS,
    metrics_port: Annotated[int | None, typer.Option(help="Port on which to serve Prometheus figures.")] = None,
) -> None:
    """Run background jobs until SIGTERM or Ctrl-C; then begin no more, finish those at work or give them back.

    On PostgreSQL any number of workers share the work, on any number of machines. On SQLite one process works at a
    time: a second one, or one beside a server with GROWBASE_EMBEDDED_WORKER, waits for its turn.
    """
    settings = load_to_run()
    from datetime import timedelta

    from growbase import wiring
    from growbase.core import telemetry
    from growbase.core.tables import ProcessKind
    from growbase.jobs.presence import Presence

    telemetry.configure_telemetry(level=settings.log_level, log_format=settings.log_format)
    names = None if queues is None else {name.strip() for name in queues.split(",") if name.strip()}
    with opened(settings) as database:
        lease = timedelta(seconds=lease_seconds)
        found = wiring.worker(settings, database, queues=names, concurrency=concurrency, lease=lease)
        if metrics_port is not None:
            from prometheus_client import start_http_server

            start_http_server(metrics_port, registry=telemetry.REGISTRY)
        say(f"Working on {', '.join(sorted(names)) if names else 'all queues'}; stop with Ctrl-C.")
        beside: list[Beside] = [
            Presence(database, ProcessKind.WORKER),
            *wiring.notifiers(settings, database),
            *wiring.continuous_backup(settings, database),
        ]
        work(found, beside, stop_seconds=stop_seconds)


def work(worker: "Worker", beside: Sequence[Beside], *, stop_seconds: float) -> None:
    """Run a worker until a signal asks to stop; a second signal ends the process at once."""
    asked = threading.Event()

    def stop(number: int, _: object) -> None:
        if asked.is_set():
            raise SystemExit(128 + number)
        asked.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    for other in beside:
        other.start()
    worker.start()
    # In pieces, or no signal would get through.
    while not asked.wait(timeout=1):
        pass
    worker.stop(stop_seconds)
    for other in beside:
        other.stop()
