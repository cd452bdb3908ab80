"""What is known of one person: handed out, or erased."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from growbase.cli.opening import load, opened
from growbase.cli.output import progress_bar, say, say_table

if TYPE_CHECKING:
    from uuid import UUID

    from growbase.core.database import Database
    from growbase.ops.privacy import Person

Email = Annotated[str, typer.Option(help="The person's address.")]
Organization = Annotated[str | None, typer.Option(help="Slug of one organization; else in all, accounts too.")]


def export(
    email: Email,
    organization: Organization = None,
    output: Annotated[Path | None, typer.Option(help="The file; default person-<date>.zip here.")] = None,
) -> None:
    """Write all that is known of a person into a zip of JSON lines, with the files that show them."""
    settings = load()
    from growbase.core import clock
    from growbase.core.files import open_files
    from growbase.ops.privacy_export import export_person

    path = output or Path(f"person-{clock.now():%Y%m%dT%H%M%S}.zip")
    with opened(settings) as database, progress_bar("Exporting") as progress:
        person = _found(database, email, organization)
        path.touch(mode=0o600)
        counts = export_person(database, person, path, open_files(settings), progress)
    say_table(("table", "rows"), sorted(counts.items()))
    say(f"{path} holds personal data: hand it over by a safe way and delete it.")


def erase(
    email: Email,
    organization: Organization = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only what would be erased is shown.")] = False,
) -> None:
    """Empty what is known of a person, also in the change log, and delete the files that show them.

    Rows stay as numbers. Interrupted, run it again.
    """
    settings = load()
    from datetime import timedelta

    from growbase.core import clock
    from growbase.core.files import open_files
    from growbase.ops.privacy import erase as erase_person
    from growbase.ops.privacy_files import TABLE, delete_bytes, unmarked_copies

    with opened(settings) as database, progress_bar("Erasing") as progress:
        person = _found(database, email, organization)
        copies = unmarked_copies(database, person.rows.get(TABLE, {}))
        if not yes:
            say_table(("table", "rows"), sorted((table, len(ids)) for table, ids in person.rows.items()))
            _say_copies(copies)
            say(f"{person.count:,} rows tell of this person. Nothing was changed: add --yes to erase.")
            return
        done = erase_person(database, person, folder=settings.data_dir, progress=progress)
        delete_bytes(open_files(settings), done.files)
    say_table(("table", "rows"), sorted(done.counts.items()))
    _say_copies(copies)
    until = clock.now() + timedelta(days=settings.backup_days)
    say(f"{done.rows:,} rows emptied. Backups hold the data until {until:%Y-%m-%d} at the latest;")
    say(f"a restore erases again whom {settings.data_dir / 'erasures.jsonl'} names: keep that file with the backups.")


def _say_copies(ids: "list[UUID]") -> None:
    """Name the files that are not erased although their bytes are those of one that is."""
    if ids:
        say_table(("files with the same bytes that are said to show nobody",), [(str(id),) for id in ids])


def _found(database: "Database", email: str, organization: str | None) -> "Person":
    """Return the person. Raises NotFound where nothing is known of them."""
    from growbase.core.errors import NotFound
    from growbase.ops.accounts import find_organization
    from growbase.ops.privacy import find_person

    home = find_organization(database, organization) if organization else None
    person = find_person(database, email, home)
    if not person.count:
        raise NotFound(what="person")
    return person
