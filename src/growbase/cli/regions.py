"""The regions of an installation."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from growbase.cli.backup import vault_of
from growbase.cli.opening import load, opened
from growbase.cli.output import progress_bar, say, say_json, say_table

if TYPE_CHECKING:
    from growbase.core.database import Database

STEPS = {"wait": "Waiting for jobs", "send": "Sending", "arrive": "Proving there"}


def status(*, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show each region as its server tells: version, rows, and how far the directory is; 1 if one does not answer."""
    settings = load()
    from growbase.ops import regions

    with opened(settings) as database:
        found = regions.status(settings, database)
    if json:
        say_json(regions.as_document(found))
    else:
        headings = ("region", "url", "version", "organizations", "users", "jobs", "behind", "ahead")
        say_table(
            headings, [[getattr(row, name if name != "region" else "name") for name in headings] for row in found]
        )
        for row in found:
            if row.problem:
                say(f"{row.name}: {row.problem}")
    if any(row.problem for row in found):
        raise typer.Exit(1)


def check() -> None:
    """Prove that no row, file, job or copy of another region is here; 1 if one is, with what to do."""
    settings = load()
    from growbase.core.files import open_files
    from growbase.ops import regions

    with opened(settings) as database:
        backups = {manifest.id: manifest.region for manifest in vault_of(settings).manifests()}
        found = regions.check(settings, database, open_files(settings), backups)
    for line in found:
        say(line)
    if found:
        raise typer.Exit(1)
    say(f"Everything here belongs to {settings.region}.")


def move(
    organization: Annotated[str, typer.Argument(help="Id or slug of the organization.")],
    to: Annotated[str | None, typer.Option("--to", help="Region it moves to.")] = None,
    *,
    cancel: Annotated[bool, typer.Option("--cancel", help="End an unfinished move; it stays here.")] = False,
) -> None:
    """Move an organization with all its rows, files and jobs to another region; interrupted, run it again.

    Meanwhile it can be read only; every table is proved there before anything is removed here.
    """
    settings = load()
    from growbase.core.errors import Invalid
    from growbase.core.files import open_files
    from growbase.ops import move_organization as moving

    if (to is None) is not cancel:
        raise Invalid.at("to", "required", "is needed, or --cancel in its place")
    with opened(settings) as database:
        organization_id = _organization(database, organization)
        if cancel:
            moving.cancel(settings, database, organization_id)
            say("The move is ended; the organization is here and takes writes again.")
            return
        with ExitStack() as stack:
            bars: dict[str, Callable[[int, int], None]] = {}

            def show(step: str, done: int, total: int) -> None:
                if step not in bars:
                    stack.close()  # one bar at a time
                    bars[step] = stack.enter_context(progress_bar(STEPS[step]))
                bars[step](done, total)

            done = moving.move_organization(settings, database, open_files(settings), organization_id, str(to), show)
    say(f"Moved {sum(done.rows.values()):,} rows and {done.files:,} files to {to}, all proved there.")
    if done.copy is not None:
        say(f"A sealed copy is at {done.copy}: delete it within a week.")


def _organization(database: "Database", text: str) -> UUID:
    """Return the id of an organization named by id or slug; one that has left is known by its id only."""
    from growbase.core.actor import system
    from growbase.core.errors import NotFound
    from growbase.core.folding import fold
    from growbase.domains.identity.models import Organization

    try:
        return UUID(text)
    except ValueError:
        pass
    with database.read(system("regions")) as reads:
        found = reads.find(Organization, slug_norm=fold(text), trash=True, anywhere=True)
    if found is None:
        raise NotFound(what="organization")
    return found.id
