"""What marketing does in the background: deleting the bytes of files whose row is gone, and what asks a model."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.errors import Unavailable
from growbase.core.files import FileStore
from growbase.core.outside import Outside
from growbase.core.statements import mark
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.domains.identity.queries import list_organizations
from growbase.domains.marketing import tasks_analysis, tasks_generation
from growbase.domains.marketing.actions_analytics import rebuild_day
from growbase.domains.marketing.actions_assets import DELETE_FILE
from growbase.domains.marketing.queries import organization_zone
from growbase.jobs.schedule import Schedule
from growbase.jobs.worker import Task

UNCLAIMED: Final = timedelta(days=1)
"""How long bytes may lie without a row: an upload at work has none yet."""


def delete_file(database: Database, actor: Actor, job: Job, *, outside: Outside) -> None:
    """Delete the bytes of a purged or erased file, unless a row names them still. Raises Unavailable to come again."""
    del actor
    files = outside.files
    provider, bucket, key = (job.payload[name] for name in ("provider", "bucket", "key"))
    if not files.holds(provider, bucket):
        raise Unavailable("The file is in another storage than this server's.")
    if not _claimed(files, database, [key]):
        files.delete(key)


def orphaned_files(database: Database, *, outside: Outside) -> int:
    """Delete bytes without a row, a day after an upload was cut off before its row was made, and return how many.

    Reads the list of all files, so it is for once a day.
    """
    deleted = 0
    for orphans in unclaimed_files(database, outside.files):
        for key in orphans:
            outside.files.delete(key)
        deleted += len(orphans)
    return deleted


def unclaimed_files(database: Database, files: FileStore) -> Iterator[list[str]]:
    """Yield the keys of files without a row, some at a time; those that came today may get one still."""
    before = clock.now() - UNCLAIMED
    for batch in files.entries():
        old = [entry.key for entry in batch if entry.stored_at < before]
        yield sorted(set(old) - _claimed(files, database, old))


def _claimed(files: FileStore, database: Database, keys: Iterable[str]) -> set[str]:
    """Return which of the keys a row of any organization names, also in the trash or a tombstone, but not erased."""
    wanted = list(keys)
    if not wanted:
        return set()
    sign = mark(database.engine)
    sql = (
        f"SELECT storage_key FROM assets WHERE storage_provider = {sign} AND coalesce(storage_bucket, '') = {sign} "
        f"AND erased_at IS NULL AND storage_key IN ({', '.join([sign] * len(wanted))})"
    )
    return {row[0] for row in database.query(sql, (files.provider, files.bucket or "", *wanted))}


def repaired_days(database: Database) -> int:
    """Make yesterday's and today's sums of every organization anew from their events and return how many there are."""
    with database.read(system("sweep")) as reads:
        found = list_organizations(reads)
    return sum(database.write(system("sweep", id), _rebuild) for id in found)


def _rebuild(tx: Transaction) -> int:
    today = tx.now.astimezone(organization_zone(tx)).date()
    return sum(rebuild_day(tx, day=day) for day in (today - timedelta(days=1), today))


TASKS: Final[dict[str, Task]] = {DELETE_FILE: delete_file, **tasks_generation.TASKS, **tasks_analysis.TASKS}
SWEEPS: Final = tasks_analysis.SWEEPS
SCHEDULES: Final = (
    Schedule("marketing/repaired_days", repaired_days, daily="01:20"),
    Schedule("marketing/orphaned_files", orphaned_files, daily="03:20"),
)
