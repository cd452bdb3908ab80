"""A probe for containers and supervisors."""

import socket
from typing import Annotated

import typer

from growbase.cli.exits import FAILED
from growbase.cli.opening import load
from growbase.cli.output import say
from growbase.cli.status import ask_server


def health(*, worker: Annotated[bool, typer.Option("--worker", help="Look for a worker here.")] = False) -> None:
    """Exit 0 if the server here is healthy, or a worker of this host told so in the last 35 seconds; else 1."""
    settings = load()
    if not worker:
        answer = ask_server(settings)
        say(f"server {answer['status']} at {answer['url']}")
        if answer["status"] != "healthy":
            raise typer.Exit(FAILED)
        return
    from growbase.core.tables import ProcessKind
    from growbase.ops.connections import engine_name, reader
    from growbase.ops.processes import list_running

    with reader(settings) as rows:
        running = list_running(rows, engine_name(settings))
    here = f"{socket.gethostname()}:"
    found = [one for one in running if one.kind == ProcessKind.WORKER and one.name.startswith(here)]
    for one in found:
        say(f"worker {one.name} of version {one.version}")
    if not found:
        say("no worker on this host")
        raise typer.Exit(FAILED)
