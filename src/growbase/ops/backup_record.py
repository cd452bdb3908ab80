"""What is written down of backups and drills: rows for operators, figures for Prometheus."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from growbase.core import clock, telemetry
from growbase.core.actor import system
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError
from growbase.core.tables import BackupRun, Drill
from growbase.core.types import parse_moment
from growbase.ops.backup import backup_now, verify
from growbase.ops.backup import prune as prune_backups
from growbase.ops.backup_copy import copy_to, prune_copies
from growbase.ops.contents import Contents
from growbase.ops.copies import stamp
from growbase.ops.vault import Manifest, Vault, open_vault

if TYPE_CHECKING:
    from growbase.core.config import Settings

Progress = Callable[[int, int], None]
STALE: Final = timedelta(days=8)
"""A drill older than this proves nothing any more."""


def recorded_backup(
    settings: "Settings", vault: Vault, database: Database | None, progress: Progress = lambda *_: None
) -> Manifest:
    """Take a backup and write down how it went; a database that can't be written to does not undo it."""
    started = clock.now()
    try:
        manifest = backup_now(settings, vault, progress)
    except GrowbaseError as error:
        failed = {"id": stamp(), "status": "failed", "error": str(error)[:2_000]}
        record(database, BackupRun, {**failed, "started_at": started, "finished_at": clock.now()})
        raise
    record(database, BackupRun, _row_of(manifest))
    return manifest


def recorded_verify(
    settings: "Settings", vault: Vault, database: Database | None, manifest: Manifest, *, every_file: bool = False
) -> Contents:
    """Verify a backup and write down that it was found whole. Raises what ``verify`` raises."""
    found = verify(settings, vault, manifest, every_file=every_file)
    record(database, BackupRun, _row_of(manifest))
    if database is not None:
        with suppress(GrowbaseError):
            values = {"verified_at": clock.now()}
            database.write(system("backup"), lambda tx: tx.set_facts(BackupRun, {"id": manifest.id}, values))
    return found


def _row_of(manifest: Manifest) -> dict[str, object]:
    return {
        "id": manifest.id,
        "status": "succeeded",
        "started_at": manifest.started,
        "finished_at": manifest.finished,
        "size_bytes": manifest.stored,
        "row_count": sum(manifest.rows.values()),
        "file_count": manifest.files,
        "key_id": manifest.key_id,
    }


def record(database: Database | None, model: type[BackupRun | Drill], values: Mapping[str, object]) -> None:
    """Write a row about a backup or drill, if the database takes it: one of an older schema has no table for it."""
    if database is None:
        return
    columns = {column.name: None for column in model.__table__.columns}
    with suppress(GrowbaseError):
        database.write(system("backup"), lambda tx: tx.insert_facts(model, [{**columns, **values}], ignore=True))


def scheduled_backup(database: Database, *, settings: "Settings") -> int:
    """Take a backup, drop those it stands for, and copy what a second place lacks; return the rows in it."""
    vault = open_vault(settings, database.context.keyring)
    manifest = recorded_backup(settings, vault, database)
    telemetry.instrument("backup.taken", id=manifest.id, bytes=manifest.stored)
    prune_backups(settings, vault)
    if settings.backup_copy_url is not None:
        other = open_vault(settings, vault.keyring, settings.backup_copy_url.get_secret_value())
        copy_to(vault, other)
        prune_copies(vault, other, settings.backup_days)
    return sum(manifest.rows.values())


# -- figures ----------------------------------------------------------------------------------------------------------


def figures(rows: Callable[[str], list[Any]]) -> dict[str, float]:
    """Return how the last good backup and the last drill stand, by name; nothing of what never was."""
    now, found = clock.now(), dict[str, float]()
    columns = "started_at, finished_at, size_bytes"
    last = rows(f"SELECT {columns} FROM backups WHERE status = 'succeeded' ORDER BY finished_at DESC LIMIT 1")
    for started, finished, size in last:
        found["backup_age_seconds"] = (now - _moment(finished)).total_seconds()
        found["backup_seconds"] = (_moment(finished) - _moment(started)).total_seconds()
        found["backup_size_bytes"] = float(size)
    columns = "finished_at, status, recovery_point_ms, recovery_time_ms"
    for finished, status, point, time in rows(f"SELECT {columns} FROM drills ORDER BY finished_at DESC LIMIT 1"):
        age = now - _moment(finished)
        found["drill_age_seconds"] = age.total_seconds()
        found["drill_passed"] = float(status == "passed" and age <= STALE)
        if point is not None and time is not None:
            found["drill_recovery_point_seconds"] = point / 1_000
            found["drill_recovery_time_seconds"] = time / 1_000
    return found


def observe(database: Database) -> None:
    """Bring the gauges up to date; figures of a database that does not answer stay."""
    with suppress(GrowbaseError):
        telemetry.observe_backup(figures(lambda sql: database.query(sql, timeout_ms=1_000)))


def _moment(value: datetime | str) -> datetime:
    return parse_moment(value) if isinstance(value, str) else value
