"""Moving the data to another database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from growbase.cli.opening import load
from growbase.cli.output import say, say_table, size

if TYPE_CHECKING:
    from growbase.ops.move import Plan
    from growbase.ops.move_steps import Progress

STEPS = {
    "copy": "Copying",
    "index": "Indexing",
    "follow": "Following",
    "verify": "Verifying",
    "switch": "Switching over",
    "complete": "Checking references",
}


def move(
    to: Annotated[
        str | None, typer.Option(help="Address of an empty database: postgresql://... or sqlite:///path.")
    ] = None,
    *,
    back: Annotated[bool, typer.Option("--back", help="Move back to the database the data came from.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what would be done.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="End an unfinished move and empty its target.")] = False,
) -> None:
    """Move all data to another database while the server runs; interrupted, run it again and it goes on.

    The running server and workers switch over by themselves; writes wait for a moment meanwhile. The old database is
    kept, and refuses writes.
    """
    settings = load()
    from growbase.core.errors import Invalid
    from growbase.ops import move as moving
    from growbase.wiring import keyring

    if sum((to is not None, back, cancel)) > 1:
        raise Invalid.at("to", "twice", "is given beside --back or --cancel: choose one")
    if cancel:
        moving.cancel(settings, keyring(settings))
        say("The move is ended; the data are where they were.")
        return
    address = moving.origin(settings, keyring(settings)) if back else to
    if plan:
        if address is None:
            raise Invalid.at("to", "required", "is needed to plan a move")
        _say_plan(moving.plan(settings, address))
        return
    with _bars() as progress:
        done = moving.move(settings, keyring(settings), address, progress)
    if done.pause is not None:
        say(f"Moved {done.rows:,} rows in {done.seconds:.1f} s, all verified; writes waited {done.pause:.2f} s.")
    say(f"The data are at {done.place}. Set GROWBASE_DATABASE_URL to it when it suits you.")


def _say_plan(plan: "Plan") -> None:
    say_table(("table", "rows"), [*plan.rows.items(), ("total", sum(plan.rows.values()))])
    say(f"From {plan.source} ({size(plan.size)}) to {plan.target}: about {plan.seconds:.0f} s.")
    for problem in plan.problems:
        say(f"Not possible: {problem}.")
    if plan.problems:
        raise typer.Exit(1)
    say("Nothing stands in the way.")


@contextmanager
def _bars() -> Iterator["Progress"]:
    """Give a function that shows a bar for each step on a terminal."""
    import sys

    from rich.progress import Progress, TaskID

    with Progress(disable=not sys.stderr.isatty()) as shown:
        tasks: dict[str, TaskID] = {}

        def show(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = shown.add_task(STEPS.get(step, step), total=total)
            shown.update(tasks[step], completed=done, total=max(total, 1))

        yield show
