"""How the whole installation stands: database, processes, disk, alerts, and what doctor has found."""

import asyncio
import shutil
from typing import Any, Final

from growbase import __version__
from growbase.api.call import Answer
from growbase.core.actor import system
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError
from growbase.core.gate import gate_of
from growbase.core.tables import Alert, AlertState, DoctorReport
from growbase.core.types import moment_text
from growbase.jobs.figures import live_jobs
from growbase.ops import by_hand
from growbase.ops.background import background_status
from growbase.ops.status import database_status
from growbase.studio.render import page
from growbase.studio.running import operating
from growbase.studio.running.operating import plain
from growbase.studio.visit import Visit

FULL: Final = 0.1
"""The part of a disk below which what is free is little."""


async def show(visit: Visit) -> Answer:
    """Show how the installation stands."""
    visit.require_operator()
    found = await asyncio.to_thread(_look, visit.api.settings, visit.api.database)
    return page(visit, "running/health.html", **found)


def _look(settings: Settings, database: Database) -> dict[str, Any]:
    status = database_status(settings, counted=False)
    gate = gate_of(database)
    with database.read(system("studio")) as reads:
        alerts = [plain(row, "name", "message", "since") for row in reads.rows(Alert, state=AlertState.RAISED)]
        report = next(iter(reads.rows(DoctorReport, order="-finished_at", limit=1)), None)
        live = live_jobs(reads, by_hand.EXAMINE)
    try:
        background = background_status(database)
        queues = {
            "waiting": sum(one.queued for one in background.queues),
            "running": sum(one.running for one in background.queues),
            "dead": sum(one.dead for one in background.queues),
        }
        behind = [one for one in background.feed if one.seconds > 60]
    except GrowbaseError:
        queues, behind = {}, []
    return {
        "version": __version__,
        "status": status,
        "mode": gate.mode.value,
        "reason": gate.reason,
        "processes": [plain_process(one) for one in status.processes],
        "versions": sorted({one.version for one in status.processes}),
        "disk": _disk(settings),
        "alerts": alerts,
        "report": plain(report, "finished_at", "errors", "warnings", "findings") if report else None,
        "examining": plain(live[0], "id", "progress") if live else None,
        "queues": queues,
        "behind": behind,
        "region": settings.region,
    }


def plain_process(one: Any) -> dict[str, Any]:  # noqa: ANN401 -- a process as ops knows it
    """Return a process as the page shows it."""
    times = {name: moment_text(getattr(one, name)) for name in ("started_at", "seen_at")}
    return {"kind": one.kind.value, "name": one.name, "version": one.version, **times}


def _disk(settings: Settings) -> dict[str, Any]:
    """Return how full the disk of the data folder is, on the machine that answers."""
    folder = settings.data_dir.absolute()
    try:
        found = shutil.disk_usage(folder)
    except OSError:
        return {}
    wanted = settings.disk_free_min_mb * 1_000_000
    is_low = found.free < wanted or found.free < FULL * found.total
    return {"folder": str(folder), "free": found.free, "total": found.total, "used": found.used, "is_low": is_low}


async def examine(visit: Visit) -> Answer:
    """Run doctor now, as a job."""
    return visit.go(await operating.start(visit, by_hand.EXAMINE))


PAGES: Final[list[tuple[str, str, Any]]] = [("health", "GET", show), ("health", "POST", examine)]
