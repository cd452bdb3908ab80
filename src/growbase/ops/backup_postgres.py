"""Base backups of PostgreSQL by its own programs: taken, checked and unpacked."""

import io
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from growbase.core.crash import crash_point
from growbase.core.errors import NotConfigured, Unavailable
from growbase.core.files import open_files
from growbase.ops.backup import draft_of, read_in_chunks, write_chunks
from growbase.ops.backup_files import File, stored_files
from growbase.ops.connections import connect_postgresql
from growbase.ops.contents import Contents, contents
from growbase.ops.postgres_programs import login, program, run
from growbase.ops.vault import BackupDamaged, Manifest, Vault

if TYPE_CHECKING:
    from growbase.core.config import Settings

BASE_TAR: Final = "base.tar"
WAL_TAR: Final = "pg_wal.tar"
CHECKSUMS: Final = "backup_manifest"
MOVING: Final = frozenset({"jobs", "queues", "schedules", "idempotency_keys", "sessions", "one_time_tokens"})
"""Tables whose rows come and go while a backup is taken, so that their counts prove nothing."""
Progress = Callable[[int, int], None]


def take(
    settings: "Settings", vault: Vault, place: str, folder: Path, progress: Progress
) -> tuple[Manifest, list[File]]:
    """Store a base backup of the whole server with the log it needs; return its manifest and the files to keep.

    Raises NotConfigured where the user may not replicate, and Unavailable.
    """
    before, major, server = _look(settings)
    plain, environment = login(settings.direct_database)
    base = folder / "base"
    command = [program("pg_basebackup", major), "--pgdata", str(base), "--format=tar", "--wal-method=stream"]
    command += ["--checkpoint=fast", "--no-password", "--manifest-checksums=SHA256", "--dbname", plain]
    try:
        run(command, environment)
    except Unavailable as error:
        reason = str(error.params.get("reason", ""))
        if "replication" in reason or "WAL senders" in reason or "no pg_hba.conf entry" in reason:
            text = f"{reason}. Give the user REPLICATION, or use growbase backup export and your provider's snapshots"
            raise NotConfigured(reason=text) from error
        raise
    crash_point("backup.copied")
    after, _, _ = _look(settings)
    with connect_postgresql(settings) as connection:
        files = stored_files(lambda sql: connection.execute(sql).fetchall(), open_files(settings))
    names = sorted(path.name for path in base.iterdir())
    if names != sorted((BASE_TAR, WAL_TAR, CHECKSUMS)):
        raise NotConfigured(reason="a server with tablespaces of its own is backed up with pgBackRest or Barman")
    parts = []
    for done, name in enumerate(names):
        progress(done, len(names))
        parts.append(vault.keep(f"{place}/{name}", read_in_chunks(base / name)))
        (base / name).unlink()
    draft = draft_of("postgresql", before, vault, tuple(parts))
    from growbase.ops.wal import log_of

    return replace(draft, rows_after=after.rows, server=server, log=log_of(settings)), files


def _look(settings: "Settings") -> tuple[Contents, int, str]:
    """Return what the database holds in one snapshot, and the server's major and full version."""
    with connect_postgresql(settings) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        found = contents(lambda sql: connection.execute(sql).fetchall(), is_postgresql=True)
        number = connection.info.server_version
        (version,) = connection.execute("SHOW server_version").fetchone()
    return found, number // 10_000, str(version).partition(" ")[0]


def major_of(manifest: Manifest) -> int:
    """Return the major version of the server a backup is of."""
    return int(manifest.server.partition(".")[0])


def unpack(vault: Vault, manifest: Manifest, data: Path) -> None:
    """Write a base backup as a data folder. Raises BackupDamaged, WrongKey, KeyNeeded."""
    data.mkdir(mode=0o700, parents=True)
    for name, folder in ((BASE_TAR, data), (WAL_TAR, data / "pg_wal")):
        try:
            with tarfile.open(fileobj=_Stream(vault.read(manifest, name)), mode="r|") as tar:
                tar.extractall(folder, filter="data")
        except tarfile.TarError as error:
            raise BackupDamaged(id=manifest.id, what=f"{name}: {error}") from error
    write_chunks(data / CHECKSUMS, vault.read(manifest, CHECKSUMS))
    # The filter leaves out what others may do, but a server wants its folder for itself.
    for path in (data, *data.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)


def check_unpacked(data: Path, manifest: Manifest) -> None:
    """Let PostgreSQL compare each file with its checksum, and read the log through. Raises BackupDamaged."""
    try:
        run([program("pg_verifybackup", major_of(manifest)), "--quiet", "--exit-on-error", str(data)])
    except Unavailable as error:
        raise BackupDamaged(id=manifest.id, what=str(error.params.get("reason"))) from error


def require_between(manifest: Manifest, found: Contents) -> None:
    """Raise BackupDamaged unless a restored database holds what was there between begin and end of the backup."""
    for name, first in manifest.rows.items():
        if name in MOVING:
            continue
        low, high = sorted((first, manifest.rows_after.get(name, first)))
        count = found.rows.get(name, -1)
        if not low <= count <= high:
            raise BackupDamaged(id=manifest.id, what=f"{name} has {count} rows, not {low} to {high}")
    if found.position < manifest.position:
        raise BackupDamaged(id=manifest.id, what=f"its log ends at {found.position}, before {manifest.position}")


class _Stream(io.RawIOBase):
    """A stream of chunks as a file that is read from its beginning."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.chunks = chunks
        self.held = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        found = bytearray()
        while size < 0 or len(found) < size:
            if not self.held:
                self.held = next(self.chunks, b"")
                if not self.held:
                    break
            take = len(self.held) if size < 0 else size - len(found)
            found += self.held[:take]
            self.held = self.held[take:]
        return bytes(found)
