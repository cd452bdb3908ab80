"""How Growbase stands."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from growbase.cli.exits import FAILED
from growbase.cli.opening import load
from growbase.cli.output import say, say_json, say_table

if TYPE_CHECKING:
    from growbase.core.config import Settings

TIMEOUT_SECONDS = 3
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 -- what the server listens on, not we


def status(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Tell whether the server answers and how the database stands; exit 1 if something is wrong."""
    settings = load()
    from growbase.ops.status import database_status

    server, database = _server(settings), database_status(settings)
    healthy = server.get("status") != "unhealthy" and database.exists and not database.pending
    if as_json:
        say_json({"healthy": healthy, "server": server, "database": database.as_json()})
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
        if database.jobs:
            say_table(("jobs", "count"), database.jobs.items())
    if not healthy:
        raise typer.Exit(FAILED)


def _retention(run: dict[str, Any]) -> str:
    state = f", failed: {run['error']}" if run["error"] else "" if run["finished_at"] else ", not at its end"
    return f"{run['started_at'][:16]}: {run['rows']:,} rows, {run['held']:,} held{state}"


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
