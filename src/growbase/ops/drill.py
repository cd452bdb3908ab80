"""The restore drill: what was never restored is no backup, so every week the newest one is, into a scratch folder."""

import random
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from growbase.core import clock, telemetry
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError
from growbase.core.files import open_files
from growbase.core.tables import Drill
from growbase.core.types import parse_moment
from growbase.ops.backup import DATABASE, unpack_sqlite
from growbase.ops.backup_files import FILES, list_files, read_file
from growbase.ops.backup_record import record
from growbase.ops.checks import background, engine, rows
from growbase.ops.checks.finding import Patient
from growbase.ops.connections import reader
from growbase.ops.contents import Contents, contents
from growbase.ops.doctor import examine
from growbase.ops.litestream import restore_to
from growbase.ops.migrate import SchemaOutdated, require_current
from growbase.ops.restore import Opener
from growbase.ops.scratch import scratch, server_scratch
from growbase.ops.vault import BackupDamaged, Manifest, Vault, open_vault

if TYPE_CHECKING:
    from growbase.core.config import Settings

CHECKS: Final = (
    engine.integrity,
    engine.foreign_keys,
    rows.logical_references,
    rows.usage,
    rows.order_totals,
    rows.one_subscription,
    background.seals,
)
"""What doctor looks at that is true of a restored copy, too."""
LOG_DATABASE: Final = f"log-{DATABASE}"
SAMPLE: Final = 20
"""Files that are read through; of the others it is only seen that they are there."""


class CopyUnsound(GrowbaseError):
    """The backup {id} restores, but the copy is not sound: {check} finds {count} faults, the first in {where}: {what}

    See with growbase doctor whether the database has them, too, and mend it there; then take a new backup.
    """

    code = "copy_unsound"


@dataclass(frozen=True, slots=True)
class Drilled:
    """What a drill has measured: how much work would be lost, and how long it takes to have the rest, in seconds."""

    backup: str
    recovery_point: float
    recovery_time: float
    rows: int
    by_log: bool


def drill(settings: "Settings", vault: Vault, opener: Opener, database: Database | None) -> Drilled:
    """Restore the newest backup into a scratch folder, check it, measure, and write down how it went.

    Raises NotFound without any backup, CopyUnsound, and what a restore raises.
    """
    started = clock.now()
    backup = None
    try:
        manifest = vault.find()
        backup = manifest.id
        done = _drilled(settings, vault, opener, manifest)
    except GrowbaseError as error:
        outcome: dict[str, object] = {"status": "failed", "error": str(error)[:2_000]}
        _record(database, outcome | {"started_at": started, "backup_id": backup})
        raise
    measured = {
        "recovery_point_ms": round(done.recovery_point * 1_000),
        "recovery_time_ms": round(done.recovery_time * 1_000),
        "row_count": done.rows,
    }
    _record(database, {"status": "passed", "started_at": started, "backup_id": backup, **measured})
    return done


def scheduled_drill(database: Database, *, settings: "Settings", opener: Opener) -> int:
    """Restore the newest backup into a scratch folder and return how many rows it has."""
    done = drill(settings, open_vault(settings, database.context.keyring), opener, database)
    telemetry.instrument("drill.passed", backup=done.backup, recovery_time=done.recovery_time)
    return done.rows


def _record(database: Database | None, values: dict[str, object]) -> None:
    record(database, Drill, {"id": clock.new_id(), "finished_at": clock.now(), **values})


def _drilled(settings: "Settings", vault: Vault, opener: Opener, manifest: Manifest) -> Drilled:
    with reader(settings) as read:
        live = contents(read, is_postgresql=settings.is_postgresql)
    began = clock.now()
    if settings.is_postgresql:
        from growbase.ops.restore_postgres import recovered, url_in

        with server_scratch(settings, "drill") as folder:
            start = time.perf_counter()
            restored = recovered(settings, vault, manifest, folder / "data", None, is_latest=True, is_scratch=True)
            with restored as (server, found, by_log):
                spent = time.perf_counter() - start
                _look_over(settings, opener, manifest, url_in(settings, server))
    else:
        with scratch(settings, "drill") as folder:
            found, by_log, spent = _drilled_sqlite(settings, vault, manifest, folder)
            path = folder / (LOG_DATABASE if by_log else DATABASE)
            _look_over(settings, opener, manifest, f"sqlite:///{path}")
    _look_at_files(vault, manifest)
    point = 0.0
    if found.position < live.position:
        # Without a log, all that was done since the backup began is lost; with it, what had not yet arrived.
        since = manifest.started if not by_log or found.newest is None else parse_moment(found.newest)
        until = began if not by_log or live.newest is None else parse_moment(live.newest)
        point = max(0.0, (until - since).total_seconds())
    return Drilled(manifest.id, point, spent, sum(found.rows.values()), by_log)


def _drilled_sqlite(
    settings: "Settings", vault: Vault, manifest: Manifest, folder: Path
) -> tuple[Contents, bool, float]:
    """Restore the backup and, if there is one, the continuous log, whose end is what a restore would bring back."""
    start = time.perf_counter()
    found = unpack_sqlite(vault, manifest, folder / DATABASE)
    spent = time.perf_counter() - start
    start = time.perf_counter()
    newest = restore_to(settings, clock.now(), folder / LOG_DATABASE)
    if newest is None:
        return found, False, spent
    return newest, True, time.perf_counter() - start


def _look_over(settings: "Settings", opener: Opener, manifest: Manifest, url: str) -> None:
    """Look at the copy as doctor does; one of an older schema restores, and that is all that can be said of it."""
    restored = settings.at(url)
    try:
        require_current(restored)
    except SchemaOutdated:
        return
    with closing(opener(restored)) as database:
        database.pass_gate()
        patient = Patient(restored, database, open_files(settings))
        found = [finding for finding in examine(patient, CHECKS) if finding.severity == "error"]
    if found:
        first = found[0]
        raise CopyUnsound(id=manifest.id, check=first.check, count=len(found), where=first.where, what=first.what)


def _look_at_files(vault: Vault, manifest: Manifest) -> None:
    files = list_files(vault, manifest)
    there = set(vault.keys(FILES))
    for file in files:
        if file.place not in there:
            raise BackupDamaged(id=manifest.id, what=f"{file.place} is missing")
    for file in random.sample(files, min(SAMPLE, len(files))):
        for _ in read_file(vault, file):
            pass
