"""Restoring PostgreSQL: into a new data folder that a server can be started on, or into an empty database."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from growbase.core.crash import crash_point
from growbase.core.database_url import mask_url
from growbase.core.errors import Invalid, Unavailable
from growbase.core.files import open_files, open_store
from growbase.ops.backup_files import list_files, restore_files
from growbase.ops.backup_postgres import check_unpacked, major_of, require_between, unpack
from growbase.ops.connections import database_name
from growbase.ops.contents import Contents, contents
from growbase.ops.postgres_programs import OwnServer, copy_command, login, own_server, program
from growbase.ops.restore import Opener, Restored, choose, erase_again, forget_files
from growbase.ops.scratch import server_scratch
from growbase.ops.vault import Manifest, Vault

if TYPE_CHECKING:
    from growbase.core.config import Settings

Progress = Callable[[int, int], None]
SYNC: Final = "syncfs" if sys.platform == "linux" else "fsync"


def restore_postgresql(
    settings: "Settings",
    vault: Vault,
    opener: Opener,
    *,
    at: datetime | None,
    id: str | None,
    to: str,
    progress: Progress,
) -> Restored:
    """Restore a server into a new folder, or the database into an empty one that ``to`` is the URL of.

    A server of our own recovers the data and is asked what it holds before this counts as done.
    """
    manifest = vault.find(id) if id else choose(vault, at)
    if "://" in to:
        _require_empty_database(to)
        with (
            server_scratch(settings, "restore") as folder,
            recovered(settings, vault, manifest, folder / "data", at, is_scratch=True) as (server, found, by_log),
        ):
            _pour(settings, manifest, server, to)
        erased = erase_again(settings, opener, _in_schema(settings, to))
        files = open_files(settings)
        place = mask_url(to)
    else:
        target = Path(to).expanduser().absolute()
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise Invalid.at("to", "not_empty", "must be a new or an empty folder: {folder} is not", folder=str(target))
        data = target / "data"
        target.mkdir(parents=True, exist_ok=True)
        try:
            with recovered(settings, vault, manifest, data, at) as (server, found, by_log):
                erased = erase_again(settings, opener, url_in(settings, server))
        except BaseException:
            # What looks like a data folder must be a whole one.
            shutil.rmtree(data, ignore_errors=True)
            raise
        files = open_store(settings, str(target / "assets"), "--to")
        place = str(data)
    count = restore_files(vault, list_files(vault, manifest), files, progress)
    forget_files(erased, files)
    return Restored(manifest.id, place, found.newest, found, count, by_log=by_log, erased=erased)


@contextmanager
def recovered(
    settings: "Settings",
    vault: Vault,
    manifest: Manifest,
    data: Path,
    at: datetime | None,
    *,
    is_latest: bool = False,
    is_scratch: bool = False,
) -> Iterator[tuple[OwnServer, Contents, bool]]:
    """Unpack a backup, check it, bring it to a moment and give the server over it, what it holds, and whether by log.

    ``is_latest`` goes on to the end of the log; with ``is_scratch`` the data need not survive a power cut.
    Raises BackupDamaged, RecoveryFailed and PastTheLog.
    """
    from growbase.ops.wal import fetch_log

    draft = data.with_name(f".{data.name}.restoring")
    shutil.rmtree(draft, ignore_errors=True)
    unpack(vault, manifest, draft)
    check_unpacked(draft, manifest)
    crash_point("restore.unpacked")
    # One call for the whole file system: a server's own way, file by file, takes minutes where there are many.
    options = {"fsync": "off"} if is_scratch else {"recovery_init_sync_method": SYNC}
    with tempfile.TemporaryDirectory(prefix="growbase-wal-") as folder:
        segments = Path(folder)
        segments.chmod(0o711)
        wants_log = (at is not None or is_latest) and bool(manifest.log)
        by_log = wants_log and fetch_log(settings, vault, manifest, segments)
        if by_log:
            options |= {"restore_command": copy_command(segments), "recovery_target_action": "promote"}
            options |= {"recovery_target_time": f"{at:%Y-%m-%d %H:%M:%S.%f+00}"} if at is not None else {}
            (draft / "recovery.signal").touch(0o600)
        user = os.environ.get("PGUSER", "postgres")
        from psycopg.conninfo import conninfo_to_dict

        user = str(conninfo_to_dict(settings.direct_database).get("user", user))
        with own_server(draft, major_of(manifest), user, options) as server:
            found = _ask(settings, server)
            if not by_log:
                require_between(manifest, found)
            yield server, found, by_log
    draft.rename(data)


def url_in(settings: "Settings", server: OwnServer) -> str:
    """Return the URL of the restored database on the server over it."""
    return _in_schema(settings, server.url(database_name(settings)))


def _in_schema(settings: "Settings", url: str) -> str:
    if not settings.database_schema:
        return url
    return f"{url}{'&' if '?' in url else '?'}schema={settings.database_schema}"


def _ask(settings: "Settings", server: OwnServer) -> Contents:
    import psycopg

    options = f'-c search_path="{settings.database_schema}"' if settings.database_schema else ""
    try:
        with psycopg.connect(server.url(database_name(settings)), options=options) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            return contents(lambda sql: connection.execute(sql.encode()).fetchall(), is_postgresql=True)
    except psycopg.Error as error:
        raise Unavailable(reason=str(error).strip().partition("\n")[0]) from error


def _require_empty_database(url: str) -> None:
    import psycopg

    sql = "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            row = connection.execute(sql).fetchone()
    except psycopg.Error as error:
        raise Unavailable(reason=str(error).strip().partition("\n")[0]) from error
    if row is None or row[0]:
        raise Invalid.at("to", "not_empty", "must be an empty database: it has {count} tables", count=row and row[0])


def _pour(settings: "Settings", manifest: Manifest, server: OwnServer, url: str) -> None:
    """Copy the recovered database into another one, all or nothing."""
    import psycopg

    major = major_of(manifest)
    plain, environment = login(url)
    dump = [program("pg_dump", major), "--format=custom", "--dbname", server.url(database_name(settings))]
    load = [program("pg_restore", major), "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
    with subprocess.Popen(dump, stdout=subprocess.PIPE) as source:
        done = subprocess.run(
            [*load, "--dbname", plain],
            stdin=source.stdout,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode or source.returncode:
        said = done.stderr.strip().splitlines()
        raise Unavailable("PostgreSQL's program failed: {reason}", reason=said[0] if said else "pg_dump failed")
    # A dump brings no statistics, and without them a search may read a whole table.
    with psycopg.connect(url, connect_timeout=10, autocommit=True) as connection:
        connection.execute("ANALYZE")
