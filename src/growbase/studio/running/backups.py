"""Backups and restore drills: what there is, what it is worth, and doing one now."""

import asyncio
from datetime import UTC, datetime
from typing import Any, Final

from growbase.api.call import Answer
from growbase.core.actor import system
from growbase.core.config import Settings, shown
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError, Invalid
from growbase.core.reads import Reads, Where
from growbase.core.tables import BackupRun, Drill, InstanceFact
from growbase.core.types import moment_text
from growbase.jobs.figures import live_jobs
from growbase.ops import by_hand
from growbase.ops.alerts import REPLICATION
from growbase.ops.vault import Manifest, open_vault
from growbase.studio.render import page
from growbase.studio.running import operating
from growbase.studio.running.operating import plain
from growbase.studio.visit import Visit

SHOWN: Final = 60
DRILLS: Final = 8
MOST: Final = 500
EVER: Final = datetime(2020, 1, 1, tzinfo=UTC)
ACTS: Final = {"backup": by_hand.BACK_UP, "drill": by_hand.DRILL, "verify": by_hand.VERIFY}
OWN: Final = (by_hand.BACK_UP, by_hand.DRILL, by_hand.VERIFY)


async def show(visit: Visit) -> Answer:
    """Show the backups, the drills and how to restore."""
    visit.require_operator()
    settings, database = visit.api.settings, visit.api.database
    known = await asyncio.to_thread(_known, database)
    manifests, problem = await asyncio.to_thread(_manifests, settings, database)
    copies: list[Manifest] = []
    copy_problem = None
    if settings.backup_copy_url is not None:
        url = settings.backup_copy_url.get_secret_value()
        copies, copy_problem = await asyncio.to_thread(_manifests, settings, database, url)
    there = {one.id for one in copies}
    keys = database.context.keyring.ids
    rows = [_row(one, known, there, keys) for one in manifests[:SHOWN]]
    return page(
        visit,
        "running/backups.html",
        rows=rows,
        count=len(manifests),
        problem=problem,
        copy_problem=copy_problem,
        place=shown(settings.backup_url) or str(settings.data_dir / "backups"),
        has_copy=settings.backup_copy_url is not None,
        copy=shown(settings.backup_copy_url),
        is_continuous=settings.backup_url is not None,
        every=settings.backup_every,
        is_scheduled=settings.backup_every != "off" and (settings.backup_url is not None or not settings.is_postgresql),
        **known,
    )


def _manifests(
    settings: Settings, database: Database, url: str | None = None
) -> tuple[list[Manifest], GrowbaseError | None]:
    """Return the backups of a place, or why it does not answer."""
    try:
        return open_vault(settings, database.context.keyring, url).manifests(), None
    except GrowbaseError as error:
        return [], error


def _known(database: Database) -> dict[str, Any]:
    """Return what the database has written down of backups and drills, and what is at work."""
    with database.read(system("studio")) as reads:
        drills = [
            plain(
                row,
                *("id", "started_at", "finished_at", "status", "error", "backup_id"),
                *("recovery_point_ms", "recovery_time_ms", "row_count"),
            )
            for row in reads.rows(Drill, order="-finished_at", limit=DRILLS)
        ]
        failed = reads.rows(BackupRun, status="failed", order="-finished_at", limit=1)
        last = reads.rows(BackupRun, status="succeeded", order="-finished_at", limit=1)
        is_worse = failed and (not last or failed[0].finished_at > last[0].finished_at)
        down = reads.find(InstanceFact, name=REPLICATION)
        return {
            "drills": drills,
            "failed": plain(failed[0], "finished_at", "error") if is_worse else None,
            "down": down.value if down is not None else "",
            "live": [plain(job, "id", "kind", "progress") for job in live_jobs(reads, *OWN)],
            "proofs": _proofs(reads),
        }


def _proofs(reads: Reads) -> dict[str, tuple[str, str]]:
    """Return when, and by what, each backup was last found to be whole: a drill, or a look by hand."""
    found = {
        drill.backup_id: ("drill", moment_text(drill.finished_at))
        for drill in reads.rows(Drill, status="passed", order="finished_at", limit=MOST)
        if drill.backup_id
    }
    for run in reads.rows(BackupRun, Where("verified_at", ">", EVER), order="finished_at", limit=MOST):
        at = moment_text(run.verified_at or run.finished_at)
        if at > found.get(run.id, ("", ""))[1]:
            found[run.id] = ("verify", at)
    return found


def _row(one: Manifest, known: dict[str, Any], there: set[str], keys: tuple[str, ...]) -> dict[str, Any]:
    return {
        "id": one.id,
        "finished_at": one.finished_at,
        "seconds": (one.finished - one.started).total_seconds(),
        "size": one.stored,
        "rows": sum(one.rows.values()),
        "files": one.files,
        "unreadable": len(one.unreadable_files),
        "version": one.growbase,
        "engine": one.engine,
        "key": one.key_id,
        "has_key": one.key_id in keys,
        "copied": one.id in there,
        "proof": known["proofs"].get(one.id),
    }


async def act(visit: Visit) -> Answer:
    """Take a backup, verify one or try a restore, as a job."""
    action = visit.sent("action")
    if action not in ACTS:
        raise Invalid.at("action", "choice", "must be one of {expected}", expected=", ".join(ACTS))
    payload = {"backup": visit.sent("backup")[:63]} if action == "verify" else None
    return visit.go(await operating.start(visit, ACTS[action], payload))


PAGES: Final[list[tuple[str, str, Any]]] = [("backups", "GET", show), ("backups", "POST", act)]
