"""Backups: taking, listing, verifying and pruning them, and exports."""

from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from growbase.cli.opening import load, opened
from growbase.cli.output import progress_bar, say, say_json, say_table, size, warn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from growbase.core.config import Settings
    from growbase.core.database import Database
    from growbase.ops.vault import Vault

Id = Annotated[str | None, typer.Argument(help="Id of the backup, as growbase backup ls shows it; default the newest.")]
From = Annotated[str | None, typer.Option("--from", help="Folder or s3:// URL; default GROWBASE_BACKUP_URL.")]


def vault_of(settings: "Settings", url: str | None = None) -> "Vault":
    """Return the place of backups with the keyring that opens them."""
    from growbase.ops.vault import open_vault
    from growbase.wiring import keyring

    return open_vault(settings, keyring(settings), url)


@contextmanager
def recording(settings: "Settings") -> "Iterator[Database | None]":
    """Give the database to write the outcome into; None where it is damaged or of another version."""
    from growbase.core.errors import GrowbaseError

    with ExitStack() as stack:
        database = None
        with suppress(GrowbaseError):
            database = stack.enter_context(opened(settings))
        yield database


def now() -> None:
    """Take a backup of database and files while the server runs."""
    settings = load()
    from growbase.ops.backup_record import recorded_backup

    with recording(settings) as database, progress_bar("Copying") as progress:
        manifest = recorded_backup(settings, vault_of(settings), database, progress)
    for key in manifest.unreadable_files:
        warn(f"the file {key} could not be read: it is not in the backup")
    rows = sum(manifest.rows.values())
    say(f"Backup {manifest.id}: {rows:,} rows, {size(manifest.stored)}, {manifest.files:,} files.")
    say(f"It needs the key {manifest.key_id}: keep the keyring apart from it.")


def ls(*, where: From = None, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the backups, the newest first."""
    settings = load()
    manifests = vault_of(settings, where).manifests()
    if as_json:
        say_json([manifest.as_json() for manifest in manifests])
        return
    cells = [
        (
            found.id,
            f"{found.finished_at[:19]}Z",
            found.engine,
            sum(found.rows.values()),
            size(found.stored),
            found.key_id,
        )
        for found in manifests
    ]
    say_table(("backup", "finished", "engine", "rows", "size", "key"), cells)


def verify(
    id: Id = None,
    *,
    where: From = None,
    every_file: Annotated[bool, typer.Option("--files", help="Read every file too, not just look for it.")] = False,
    all_of_them: Annotated[bool, typer.Option("--all", help="Every backup.")] = False,
) -> None:
    """Read a backup again: checksums, keys, every page of the database in it, and the counts."""
    settings = load()
    from growbase.ops.backup_record import recorded_verify

    vault = vault_of(settings, where)
    with recording(settings) as database:
        for manifest in vault.manifests() if all_of_them else [vault.find(id)]:
            recorded_verify(settings, vault, None if where else database, manifest, every_file=every_file)
            say(f"Backup {manifest.id} is whole: {sum(manifest.rows.values()):,} rows, {manifest.files:,} files.")


def prune(
    *, where: From = None, dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False
) -> None:
    """Delete backups but the newest of 7 days, 4 weeks and 12 months, and files that no backup names.

    What is older than GROWBASE_BACKUP_DAYS goes whatever its turn; the newest whole backup stays.
    """
    settings = load()
    from growbase.ops.backup import prune as pruned

    gone = pruned(settings, vault_of(settings, where), dry_run=dry_run)
    say(f"{'Would delete' if dry_run else 'Deleted'} {len(gone)}: {', '.join(gone)}." if gone else "Nothing to delete.")


def export(
    to: Annotated[str | None, typer.Option(help="Folder or s3:// URL; default GROWBASE_EXPORT_URL.")] = None,
) -> None:
    """Write every table as compressed JSON lines, the same from SQLite and PostgreSQL; sealed columns stay sealed."""
    settings = load()
    from growbase.ops.export import export as exported
    from growbase.ops.export import exports

    with progress_bar("Exporting") as progress:
        manifest = exported(settings, exports(settings, to), progress)
    rows = sum(int(found.partition(":")[0]) for found in manifest.tables.values())
    say(f"Export {manifest.id}: {rows:,} rows of {len(manifest.tables)} tables.")
    say("Anybody can read it: keep it as you keep the database.")


def import_(
    id: Annotated[str | None, typer.Argument(help="Id of the export; default the newest.")] = None,
    *,
    where: Annotated[
        str | None, typer.Option("--from", help="Folder or s3:// URL; default GROWBASE_EXPORT_URL.")
    ] = None,
) -> None:
    """Load an export into a new database, of whichever engine; counts and checksums are compared before it counts."""
    settings = load()
    from growbase.ops.export import exports, find_export
    from growbase.ops.migrate import upgrade
    from growbase.ops.move_import import import_export

    store = exports(settings, where)
    manifest = find_export(store, id)
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    upgrade(settings)
    with progress_bar("Importing") as progress:
        rows = import_export(settings, store, manifest, progress)
    say(f"Imported {manifest.id} of {manifest.taken_at}: {rows:,} rows, the same as were exported.")
