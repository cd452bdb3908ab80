"""How Growbase stands."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from growbase.cli.exits import FAILED
from growbase.cli.opening import load
from growbase.cli.output import say, say_json, say_table, size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from growbase.core.config import Settings
    from growbase.ops.background import BackgroundStatus

TIMEOUT_SECONDS = 3
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 -- what the server listens on, not we


def status(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Tell whether the server answers and how the database stands; exit 1 if something is wrong."""
    settings = load()
    from growbase.ops.status import database_status

    server, database = ask_server(settings), database_status(settings)
    healthy = server.get("status") != "unhealthy" and database.exists and not database.pending
    background = _background(settings) if database.exists and not database.pending else None
    healthy = healthy and database.backup.get("drill_passed", 1.0) == 1.0
    if as_json:
        work = background.as_json() if background else None
        say_json({"healthy": healthy, "server": server, "database": database.as_json(), "background": work})
    else:
        say(f"server    {server['status']} at {server['url']}")
        versions = {"schema": database.schema_version, **database.domains}
        state = ", ".join(f"{name} {version or 'none'}" for name, version in versions.items())
        state += f", pending: {', '.join(database.pending)}" if database.pending else ""
        say(f"database  {database.server_version or 'not there'}, {state}")
        say(f"rows      {sum(database.tables.values()):,} in {len(database.tables)} tables")
        if database.retention:
            say(f"retention {_retention(database.retention)}")
        if database.gate.get("mode", "open") != "open":
            say(f"gate      {database.gate['mode']} since {database.gate['since']}: {database.gate['reason']}")
        if database.doctor:
            seen = database.doctor
            say(f"doctor    {seen['errors']} errors, {seen['warnings']} warnings at {seen['finished_at'][:16]}")
        for name, text in database.alerts.items():
            say(f"alert     {name}: {text}")
        for line in backup_lines(database.backup):
            say(line)
        if database.processes:
            rows = [(one.kind, one.name, one.version, f"{one.started_at:%F %T}") for one in database.processes]
            say_table(("runs", "where", "version", "since"), rows)
        if database.jobs:
            say_table(("jobs", "count"), database.jobs.items())
        if background is not None:
            _say_background(background)
    if not healthy:
        raise typer.Exit(FAILED)


def _background(settings: "Settings") -> "BackgroundStatus":
    from growbase.ops.background import background_status
    from growbase.wiring import open_database

    database = open_database(settings)
    try:
        return background_status(database)
    finally:
        database.close()


def _say_background(found: "BackgroundStatus") -> None:
    """Print the queues that have or had something to do, and who is behind the change log."""
    busy = [queue for queue in found.queues if queue.queued or queue.running or queue.dead or queue.ended_per_minute]
    if busy:
        columns = ("queue", "waiting", "running", "dead", "oldest", "per minute", "failed")
        rows = [
            (
                f"{queue.name} (paused)" if queue.paused else queue.name,
                queue.queued,
                queue.running,
                queue.dead,
                f"{queue.oldest_seconds:g} s",
                queue.ended_per_minute,
                queue.failed,
            )
            for queue in busy
        ]
        say_table(columns, rows)
    for lag in found.feed:
        behind = f"{lag.rows:,} changes behind, the oldest {lag.seconds:.0f} s old" if lag.rows else "up to date"
        say(f"feed      {lag.reader}: {behind}")
    if (holder := found.holder) is not None:
        who = f"process {holder.pid}" if holder.prepared is None else f"prepared transaction {holder.prepared}"
        detail = ", ".join(filter(None, (holder.database, holder.user, holder.application, holder.state)))
        say(f"          waits for {who} ({detail})")


def backup_lines(figures: "Mapping[str, float]") -> list[str]:
    """Return how the last good backup and the last restore drill stand; a line in capitals is an alarm."""
    lines = ["backup    none yet: growbase backup now"]
    if "backup_age_seconds" in figures:
        age, took = ago(figures["backup_age_seconds"]), figures["backup_seconds"]
        lines = [f"backup    {age}, {size(int(figures['backup_size_bytes']))}, took {took:.1f} s"]
    if "drill_age_seconds" in figures:
        state = "passed" if figures["drill_passed"] else "FAILED OR TOO OLD"
        line = f"drill     {state}, {ago(figures['drill_age_seconds'])}"
        if "drill_recovery_time_seconds" in figures:
            point, time = figures["drill_recovery_point_seconds"], figures["drill_recovery_time_seconds"]
            line += f", recovery point {point:.1f} s, recovery time {time:.1f} s"
        lines.append(line)
    return lines


def ago(seconds: float) -> str:
    """Return an age as people say it."""
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{max(0.0, seconds):.0f} seconds ago"


def _retention(run: dict[str, Any]) -> str:
    state = f", failed: {run['error']}" if run["error"] else "" if run["finished_at"] else ", not at its end"
    return f"{run['started_at'][:16]}: {run['rows']:,} rows, {run['held']:,} held{state}"


def ask_server(settings: "Settings") -> dict[str, Any]:
    """Ask the server for its health; it may not run."""
    from urllib.error import HTTPError
    from urllib.request import urlopen

    url = f"http://{ANY_ADDRESS.get(settings.host, settings.host)}:{settings.port}"
    try:
        with urlopen(f"{url}/api/health", timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 -- our own address
            return {"url": url, **json.load(answer)}
    except HTTPError as error:
        with error:
            return {"url": url, "status": "unhealthy", "reason": f"answered {error.code}"}
    except (OSError, ValueError):
        return {"url": url, "status": "not running"}
