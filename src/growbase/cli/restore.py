"""Restoring."""

from typing import Annotated

import typer

from growbase.cli.backup import vault_of
from growbase.cli.opening import load, warn_held
from growbase.cli.output import progress_bar, say, warn


def restore(
    id: Annotated[str | None, typer.Argument(help="Id of a backup; default the newest.")] = None,
    *,
    at: Annotated[
        str | None, typer.Option(help="Moment to go back to, such as 2026-11-21T14:30:00Z; without an offset UTC.")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(help="New folder to restore into; on PostgreSQL also postgresql:// of an empty database."),
    ] = None,
    where: Annotated[
        str | None, typer.Option("--from", help="Folder or s3:// URL; default GROWBASE_BACKUP_URL.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be restored.")] = False,
) -> None:
    """Restore database and files: the newest backup, one by its id, or the state of a moment.

    On SQLite without --to it takes the place of the database of a stopped server; the old file is kept aside.
    """
    settings = load()
    from pydantic import SecretStr

    from growbase.ops import restore as restoring
    from growbase.wiring import open_database

    if where is not None:  # the continuous log is beside the backups
        settings = settings.model_copy(update={"backup_url": SecretStr(where)})
    vault = vault_of(settings)
    moment = restoring.parse_moment(at) if at else None
    if dry_run:
        plan = restoring.plan(settings, vault, at=moment, id=id, to=to)
        if plan.log:
            say(f"From the continuous log {plan.log}, to {moment}.")
        elif plan.manifest:
            say(f"From the backup {plan.manifest.id}, finished at {plan.manifest.finished_at}.")
        say(f"Into {plan.place or 'a place named by --to'}.")
        return
    with progress_bar("Restoring") as progress:
        done = restoring.restore(settings, vault, open_database, at=moment, id=id, to=to, progress=progress)
    say(
        f"Restored to {done.place} from {done.backup}: {sum(done.contents.rows.values()):,} rows, {done.files:,} files."
    )
    say(f"Its newest change is of {done.reached or 'no time: it holds none'}.")
    if moment is not None and not done.by_log:
        warn("no continuous log covers that moment: this is the newest backup from before it")
    if done.erased is None:
        say("Whoever was erased since is erased again when growbase db upgrade, or the next start, has its schema.")
    elif done.erased.again:
        say(f"Erased again: {done.erased.again} people who had been erased since.")
    if done.erased is not None:
        warn_held(done.erased.held)
    if done.aside:
        say(f"The database from before is kept as {done.aside}.")
