"""Read-only while the installation is looked after."""

from typing import Annotated

import typer

from growbase.cli.opening import load, opened
from growbase.cli.output import progress_bar, say, warn


def on(
    *,
    reason: Annotated[str, typer.Option(help="What callers are told, such as: it is being moved.")] = (
        "it is being maintained"
    ),
    drain_seconds: Annotated[float, typer.Option(min=0, help="Time that running jobs get to end.")] = 30.0,
) -> None:
    """Refuse writes (503 with the reason) while reads go on; no new jobs begin. It stays so until maintenance off."""
    settings = load()
    from growbase.ops import maintenance

    with opened(settings) as database, progress_bar("Jobs") as progress:
        left = maintenance.begin(database, reason=reason, seconds=drain_seconds, progress=progress)
    if left:
        warn(f"{left} jobs are at work still: what they write is refused, and they are tried again afterwards.")
    say(f"Read-only: {reason}. End it with growbase maintenance off.")


def off() -> None:
    """Take writes again and let the workers go on."""
    settings = load()
    from growbase.ops import maintenance

    with opened(settings) as database:
        maintenance.end(database)
    say("Writes are taken again.")
