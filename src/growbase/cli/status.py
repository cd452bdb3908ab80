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

TIMEOUT_SECONDS = 3
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 -- what the server listens on, not we


def status(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Tell whether the server answers and how the database stands; exit 1 if something is wrong."""
    settings = load()
    from growbase.ops.status import database_status

    server, database = _server(settings), database_status(settings)
    healthy = server.get("status") != "unhealthy" and database.exists and not database.pending
    healthy = healthy and database.backup.get("drill_passed", 1.0) == 1.0
    if as_json:
        say_json({"healthy": healthy, "server": server, "database": database.as_json()})
    else:
        say(f"server    {server['status']} at {server['url']}")
        versions = {"schema": database.schema_version, **database.domains}
        state = ", ".join(f"{name} {version or 'none'}" for name, version in versions.items())
        state += f", pending: {', '.join(database.pending)}" if database.pending else ""
        say(f"database  {database.server_version or 'not there'}, {state}")
        say(f"rows      {sum(database.tables.values()):,} in {len(database.tables)} tables")
        for line in backup_lines(database.backup):
            say(line)
        if database.jobs:
            say_table(("jobs", "count"), database.jobs.items())
    if not healthy:
        raise typer.Exit(FAILED)


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


def _server(settings: "Settings") -> dict[str, Any]:
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
