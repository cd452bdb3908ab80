"""Restoring: the newest backup, or the state of a moment, beside the database or in its place."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from growbase.core import clock
from growbase.core.crash import crash_point
from growbase.core.database import Database
from growbase.core.errors import Conflict, GrowbaseError, Invalid, NotFound
from growbase.core.files import FileStore, open_files, open_store
from growbase.ops.backup import DATABASE, unpack_sqlite
from growbase.ops.backup_files import list_files, restore_files, stored_files
from growbase.ops.contents import Contents
from growbase.ops.copies import stamp
from growbase.ops.erasures import FILE
from growbase.ops.litestream import forget_generation, generation_at, restore_to
from growbase.ops.migrate import SchemaOutdated, require_current
from growbase.ops.privacy import Replayed, replay_erasures
from growbase.ops.scratch import alone
from growbase.ops.vault import Manifest, Vault

if TYPE_CHECKING:
    from growbase.core.config import Settings

Opener = Callable[["Settings"], Database]
Progress = Callable[[int, int], None]
SIDE_FILES: Final = ("-wal", "-shm")


class DatabaseInUse(Conflict):
    """The database is in use: {by}.

    Stop every server and worker first, or restore beside it with --to FOLDER.
    """

    code = "database_in_use"


class NothingBefore(NotFound):
    """No backup reaches back to {at}: {known}.

    Choose a later moment; growbase backup ls shows what there is.
    """

    code = "nothing_before"


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored: from which backup, where it is, when its newest change was made, and what stood there before.

    ``by_log`` tells that the continuous log brought it to the moment asked for, not just a backup to before it.
    ``erased`` tells who was erased again, None where the schema has to be upgraded first.
    """

    backup: str
    place: str
    reached: str | None
    contents: Contents
    files: int = 0
    aside: str | None = None
    by_log: bool = False
    erased: Replayed | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be restored: the backup, where to, and whether the continuous log goes on from it."""

    manifest: Manifest | None
    at: datetime | None
    place: str
    log: str | None = None


def choose(vault: Vault, at: datetime | None) -> Manifest:
    """Return the newest backup that was whole at a moment. Raises NothingBefore or NotFound."""
    manifests = vault.manifests()
    if at is None and manifests:
        return manifests[0]
    for manifest in manifests:
        if at is not None and manifest.finished <= at:
            return manifest
    if at is None:
        raise NotFound(what="backup")
    known = f"the oldest one is of {manifests[-1].finished_at}" if manifests else "there is none"
    raise NothingBefore(at=f"{at:%Y-%m-%dT%H:%M:%SZ}", known=known)


def parse_moment(text: str) -> datetime:
    """Read a moment in ISO 8601; without an offset it is UTC. Raises Invalid, also for one that lies ahead."""
    from datetime import UTC

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid.at("at", "invalid", "must be a moment such as 2026-11-21T14:30:00Z") from None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    if found > clock.now():
        raise Invalid.at("at", "future", "lies ahead: choose a moment that has passed")
    return found


def erase_again(settings: "Settings", opener: Opener, url: str) -> Replayed | None:
    """Erase in a restored database whom it remembers although they were erased since, None if its schema is older.

    Then it is done when the schema is upgraded.
    """
    restored = settings.at(url)
    try:
        require_current(restored)
    except SchemaOutdated:
        return None
    with closing(opener(restored)) as database:
        database.pass_gate()
        return replay_erasures(database, settings.data_dir)


def forget_files(erased: Replayed | None, files: FileStore) -> None:
    """Delete the files of people erased again from where a backup's files were put back."""
    for asset in erased.files if erased else ():
        files.delete(asset.storage_key)


def restore_sqlite(
    settings: "Settings",
    vault: Vault,
    opener: Opener,
    *,
    at: datetime | None,
    id: str | None,
    to: Path | None,
    progress: Progress,
) -> Restored:
    """Restore a SQLite database into the folder ``to``, or in place of the one the settings name.

    In place it refuses while another process has the file open, keeps the old file aside, and a crash leaves either
    the old or the new one. Raises DatabaseInUse, NothingBefore, BackupDamaged, WrongKey, KeyNeeded.
    """
    path = settings.sqlite_path if to is None else to / DATABASE
    assert path is not None
    if to is not None:
        _require_empty(to)
        files = open_store(settings, str(to / "assets"), "--to")
        found = _restored(settings, vault, at, id, path, files, progress)
        records = settings.data_dir / FILE
        if records.exists():
            shutil.copy2(records, to / FILE)
        return _forgetful(settings, opener, found, path, path, files)
    with held_still(settings, path):
        draft = path.with_name(f"{path.name}.restoring")
        for leftover in (draft, *(draft.with_name(draft.name + side) for side in (*SIDE_FILES, ".lock"))):
            leftover.unlink(missing_ok=True)
        files = open_files(settings)
        found = _restored(settings, vault, at, id, draft, files, progress)
        found = _forgetful(settings, opener, found, draft, path, files)
        draft.with_name(f"{draft.name}.lock").unlink(missing_ok=True)
        crash_point("restore.checked")
        # Before: should we die now, the old file begins a new generation, which does no harm.
        forget_generation(settings, path)
        aside = put_in_place(draft, path)
    return replace(found, aside=str(aside) if aside else None)


def _restored(
    settings: "Settings",
    vault: Vault,
    at: datetime | None,
    id: str | None,
    draft: Path,
    files: FileStore,
    progress: Progress,
) -> Restored:
    """Write database and files; what the storage has stays, since a file's bytes never change."""
    from growbase.core.sqlite_connection import connect

    draft.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = restore_to(settings, at, draft) if at is not None and id is None else None
    if found is not None and at is not None and _is_older(settings, vault, at, found):
        draft.unlink()
        found = None
    by_log = found is not None
    manifest = None
    if found is None:
        manifest = vault.find(id) if id else choose(vault, at)
        found = unpack_sqlite(vault, manifest, draft)
        wanted = list_files(vault, manifest)
    else:
        with closing(connect(draft, read_only=True)) as connection:
            named = stored_files(lambda sql: connection.execute(sql).fetchall(), open_files(settings))
        there = set(vault.keys("files"))
        wanted = [file for file in named if file.place in there]
    crash_point("restore.unpacked")
    count = restore_files(vault, wanted, files, progress)
    backup = manifest.id if manifest else "the continuous log"
    return Restored(backup, str(draft), found.newest, found, count, by_log=by_log)


def _forgetful(
    settings: "Settings", opener: Opener, found: Restored, draft: Path, path: Path, files: FileStore
) -> Restored:
    """Erase again in a restored file, then make it safe on disk."""
    erased = erase_again(settings, opener, f"sqlite:///{draft}")
    forget_files(erased, files)
    _settled(draft)
    return replace(found, place=str(path), erased=erased)


def _is_older(settings: "Settings", vault: Vault, at: datetime, found: Contents) -> bool:
    """Return whether a backup from before a moment has more than the log, which had ended before."""
    generation = generation_at(settings, at) or ""
    later = (one for one in vault.manifests() if one.finished <= at and one.id > generation)
    return any(one.position > found.position for one in later)


def _settled(path: Path) -> None:
    """Make a SQLite file whole in itself and safe on disk."""
    from growbase.core.sqlite_connection import connect

    with closing(connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    path.chmod(0o600)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Invalid.at("to", "not_empty", "must be a new or an empty folder: {folder} is not", folder=str(folder))


# -- in place ---------------------------------------------------------------------------------------------------------


@contextmanager
def held_still(settings: "Settings", path: Path) -> Iterator[None]:
    """Keep every server, worker and writer away from the SQLite file while the block runs. Raises DatabaseInUse."""
    with ExitStack() as stack:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for lock, by in (("server.lock", "a server runs"), ("worker.lock", "a worker runs")):
            try:
                stack.enter_context(alone(settings.data_dir / lock, by))
            except Conflict as error:
                raise DatabaseInUse(by=by) from error
        try:
            stack.enter_context(alone(path.with_name(f"{path.name}.lock"), "write"))
        except Conflict as error:
            raise DatabaseInUse(by="somebody writes") from error
        _require_unused(path)
        yield


def _require_unused(path: Path) -> None:
    """Raise DatabaseInUse if any other process has the file open; else bring its write-ahead log into it."""
    import pysqlite3

    if not path.exists():
        return
    with closing(pysqlite3.connect(str(path), timeout=1, isolation_level=None)) as connection:
        try:
            # Leaving WAL mode takes the file for itself alone.
            connection.execute("PRAGMA journal_mode = DELETE")
        except pysqlite3.DatabaseError as error:
            if "locked" in str(error):
                raise DatabaseInUse(by="another program has it open") from error
            # Damaged: it is kept as it is.


def put_in_place(draft: Path, path: Path) -> Path | None:
    """Put a restored file where the database belongs and return where the old one is kept, None if there was none.

    At every moment one of the two is at ``path``.
    """
    aside = None
    if path.exists():
        aside = path.with_name(f"{path.stem}-replaced-{stamp()}{path.suffix}")
        os.link(path, aside)
        for side in SIDE_FILES:
            found = path.with_name(path.name + side)
            if found.exists():
                found.replace(aside.with_name(aside.name + side))
    crash_point("restore.aside")
    draft.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return aside


def restore(
    settings: "Settings",
    vault: Vault,
    opener: Opener,
    *,
    at: datetime | None = None,
    id: str | None = None,
    to: str | None = None,
    progress: Progress = lambda *_: None,
) -> Restored:
    """Restore to a moment, a backup by its id, or the newest one; who was erased since is erased again.

    Raises Invalid, and what the engine's part raises.
    """
    if not settings.is_postgresql:
        folder = Path(to).expanduser().absolute() if to else None
        return restore_sqlite(settings, vault, opener, at=at, id=id, to=folder, progress=progress)
    from growbase.ops.restore_postgres import restore_postgresql

    if to is None:
        raise Invalid.at("to", "required", "is needed on PostgreSQL: a new folder, or the URL of an empty database")
    return restore_postgresql(settings, vault, opener, at=at, id=id, to=to, progress=progress)


def plan(settings: "Settings", vault: Vault, *, at: datetime | None, id: str | None, to: str | None) -> Plan:
    """Return what ``restore`` would do. Raises NothingBefore or NotFound."""
    place = to or (str(settings.sqlite_path) if settings.sqlite_path else "")
    log = None
    if at is not None and id is None and not settings.is_postgresql:
        log = generation_at(settings, at)
    try:
        manifest = vault.find(id) if id else choose(vault, at)
    except GrowbaseError:
        if log is None:
            raise
        manifest = None
    return Plan(manifest, at, place, log)
