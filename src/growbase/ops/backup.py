"""Backups: taken while the server runs, listed, verified, and thrown away when newer ones have taken their place."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from growbase import __version__
from growbase.core import clock
from growbase.core.crash import crash_point
from growbase.core.errors import GrowbaseError, Unavailable
from growbase.core.files import CHUNK, open_files
from growbase.core.types import moment_text
from growbase.ops.backup_files import FILES, File, keep_files, list_files, stored_files
from growbase.ops.contents import Contents, DatabaseDamaged, sqlite_contents
from growbase.ops.copies import copy_file, stamp
from growbase.ops.scratch import scratch
from growbase.ops.vault import BASE, BackupDamaged, Manifest, Part, Vault

if TYPE_CHECKING:
    from growbase.core.config import Settings

Progress = Callable[[int, int], None]
DATABASE: Final = "growbase.db"
DAILY, WEEKLY, MONTHLY = 7, 4, 12
"""Backups that ``prune`` keeps: the newest of so many days, weeks and months."""
UNFINISHED: Final = timedelta(days=1)
"""After this long a backup without manifest is not one at work any more."""
NEWEST: Final = timedelta(days=1)
"""Every backup younger than this stays."""


def _quiet(done: int, total: int) -> None:
    del done, total


def backup_now(settings: "Settings", vault: Vault, progress: Progress = _quiet) -> Manifest:
    """Take a backup of database and files while the server runs; it counts once its manifest is written, last.

    Raises Conflict while another one is at work, DatabaseDamaged, Unavailable, and ConfigError where PostgreSQL's
    programs are missing.
    """
    with scratch(settings, "backup") as folder:
        id, started = stamp(), clock.now()
        place = f"{BASE}/{id}"
        if settings.is_postgresql:
            from growbase.ops.backup_postgres import take

            draft, files = take(settings, vault, place, folder, progress)
        else:
            draft, files = _take_sqlite(settings, vault, place, folder, progress)
        crash_point("backup.stored")
        kept = keep_files(vault, place, files, open_files(settings), progress)
        manifest = replace(
            draft,
            id=id,
            region=settings.region,
            started_at=moment_text(started),
            finished_at=moment_text(clock.now()),
            parts=(*draft.parts, kept.part),
            files=kept.count,
            files_size=kept.size,
            unreadable_files=kept.unreadable,
        )
        vault.finish(manifest)
    return manifest


def _take_sqlite(
    settings: "Settings", vault: Vault, place: str, folder: Path, progress: Progress
) -> tuple[Manifest, list[File]]:
    from growbase.core.sqlite_connection import connect

    path = settings.sqlite_path
    assert path is not None
    if not path.exists():
        raise Unavailable(reason="there is no database yet")
    copy = folder / DATABASE
    try:
        copy_file(path, copy, progress)
        found = sqlite_contents(copy)
    except DatabaseDamaged as error:
        raise _with_last(error, vault) from error
    except Unavailable as error:
        if "damaged" not in str(error) and "not a database" not in str(error):
            raise
        raise _with_last(DatabaseDamaged(tables="the whole file", reason=str(error)), vault) from error
    crash_point("backup.copied")
    with closing(connect(copy, read_only=True)) as connection:
        files = stored_files(lambda sql: connection.execute(sql).fetchall(), open_files(settings))
    part = vault.keep(f"{place}/{DATABASE}", read_in_chunks(copy))
    return draft_of("sqlite", found, vault, (part,)), files


def draft_of(engine: str, found: Contents, vault: Vault, parts: tuple[Part, ...]) -> Manifest:
    """Return a manifest that lacks what is known at the end only."""
    return Manifest(
        id="",
        engine=engine,
        growbase=__version__,
        schema=found.schema,
        started_at="",
        finished_at="",
        key_id=vault.keyring.current_id,
        rows=found.rows,
        position=found.position,
        newest=found.newest,
        parts=parts,
    )


def _with_last(error: DatabaseDamaged, vault: Vault) -> DatabaseDamaged:
    manifests = vault.manifests()
    last = f"{manifests[0].id}, of {manifests[0].finished_at}" if manifests else "not there: there is none"
    return DatabaseDamaged(tables=error.params["tables"], reason=error.params["reason"], last=last)


def read_in_chunks(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def write_chunks(path: Path, chunks: Iterator[bytes]) -> None:
    """Write chunks to a file that only its owner reads."""
    path.touch(0o600)
    with path.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)


# -- verify -----------------------------------------------------------------------------------------------------------


def verify(settings: "Settings", vault: Vault, manifest: Manifest, *, every_file: bool = False) -> Contents:
    """Read all of a backup again, check the database in it and the counts; return what it holds.

    The files' copies must be there; with ``every_file`` they are read, too. Raises BackupDamaged, WrongKey, KeyNeeded.
    """
    from growbase.ops.backup_files import read_file

    with scratch(settings, "verify") as folder:
        if manifest.engine == "sqlite":
            found = unpack_sqlite(vault, manifest, folder / DATABASE)
        else:
            from growbase.ops.backup_postgres import check_unpacked, unpack

            unpack(vault, manifest, folder / "data")
            check_unpacked(folder / "data", manifest)
            found = Contents(dict(manifest.rows), manifest.position, manifest.newest, dict(manifest.schema))
    there = set(vault.keys(FILES))
    for file in list_files(vault, manifest):
        if file.place not in there:
            raise BackupDamaged(id=manifest.id, what=f"{file.place} is missing")
        if every_file:
            for _ in read_file(vault, file):
                pass
    return found


def unpack_sqlite(vault: Vault, manifest: Manifest, path: Path) -> Contents:
    """Write the database of a backup to ``path`` and check it. Raises BackupDamaged, WrongKey, KeyNeeded."""
    write_chunks(path, vault.read(manifest, DATABASE))
    try:
        found = sqlite_contents(path)
    except DatabaseDamaged as error:
        raise BackupDamaged(id=manifest.id, what=f"{error.params['tables']}: {error.params['reason']}") from error
    require_equal(manifest, found)
    return found


def require_equal(manifest: Manifest, found: Contents) -> None:
    """Raise BackupDamaged unless a restored SQLite database holds what the manifest says."""
    differing = sorted(name for name, count in manifest.rows.items() if found.rows.get(name) != count)
    if differing:
        name = differing[0]
        what = f"{name} has {found.rows.get(name, 0)} rows, not {manifest.rows[name]}"
        raise BackupDamaged(id=manifest.id, what=what)
    if found.position != manifest.position:
        raise BackupDamaged(id=manifest.id, what=f"its log ends at {found.position}, not at {manifest.position}")


# -- prune ------------------------------------------------------------------------------------------------------------


def kept(manifests: list[Manifest], now: datetime, days: int) -> set[str]:
    """Return the ids of the backups to keep, of a list with the newest first.

    These are the newest of all, those of the last day, and the newest of each of the last days, weeks and months that
    have one, as far as they are not older than ``days``: who was erased must be gone from backups, too, at some time.
    """
    found = {manifest.id for manifest in manifests if now - manifest.finished < NEWEST}
    found |= {manifest.id for manifest in manifests[:1]}
    for count, period in ((DAILY, "%Y-%m-%d"), (WEEKLY, "%G-%V"), (MONTHLY, "%Y-%m")):
        newest: dict[str, str] = {}
        for manifest in manifests:
            newest.setdefault(manifest.finished.strftime(period), manifest.id)
        found |= set(list(newest.values())[:count])
    old = {manifest.id for manifest in manifests[1:] if now - manifest.finished > timedelta(days=days)}
    return found - old


def prune(settings: "Settings", vault: Vault, *, dry_run: bool = False) -> list[str]:
    """Delete backups that newer ones stand for, what was never finished, and files no backup names; return the ids.

    The newest backup that is whole stays whatever its age. Raises Conflict while a backup is at work.
    """
    with scratch(settings, "backup"):
        return prune_vault(vault, clock.now(), settings.backup_days, dry_run=dry_run)


def prune_vault(vault: Vault, now: datetime, days: int, *, dry_run: bool = False) -> list[str]:
    """Prune a place in which no backup is at work."""
    manifests = vault.manifests()
    staying = kept(manifests, now, days)
    whole = next((manifest.id for manifest in manifests if _is_complete(vault, manifest)), None)
    staying |= {whole} if whole else set()
    going = [manifest.id for manifest in manifests if manifest.id not in staying]
    finished = {manifest.id for manifest in manifests}
    newest_write: dict[str, datetime] = {}
    for batch in vault.store.entries(BASE):
        for entry in batch:
            id = entry.key.split("/")[1]
            newest_write[id] = max(newest_write.get(id, entry.stored_at), entry.stored_at)
    going += sorted(id for id, at in newest_write.items() if id not in finished and now - at > UNFINISHED)
    if dry_run:
        return going
    for id in going:
        vault.remove(id)
    left = [manifest for manifest in manifests if manifest.id in staying]
    _prune_files(vault, left, now)
    if any(manifest.log for manifest in left):
        from growbase.ops.wal import prune_log

        prune_log(vault, left, now, UNFINISHED)
    return going


def _is_complete(vault: Vault, manifest: Manifest) -> bool:
    sizes = (vault.store.size(f"{BASE}/{manifest.id}/{part.name}") == part.stored for part in manifest.parts)
    return all(sizes)


def _prune_files(vault: Vault, staying: list[Manifest], now: datetime) -> None:
    """Delete the files no backup names; those of a backup at work are younger than a day."""
    named: set[str] = set()
    for manifest in staying:
        try:
            named |= {file.place for file in list_files(vault, manifest)}
        except GrowbaseError:
            return  # without every list nothing is known to be unneeded
    for batch in vault.store.entries(FILES):
        for entry in batch:
            if entry.key not in named and now - entry.stored_at > UNFINISHED:
                vault.store.delete(entry.key)
