"""How the queues stand: for operators, and every few seconds for Prometheus."""

from datetime import datetime
from typing import Any
from uuid import UUID

from growbase.core import clock, telemetry
from growbase.core.actor import system
from growbase.core.database import Database
from growbase.core.statements import mark, plan_of
from growbase.core.tables import OWNER, Alert, AlertState, DoctorReport, Job, JobQueue
from growbase.jobs.claim import READY
from growbase.jobs.policies import policy_of

MOST = 10_000
"""Rows of a queue that are counted: more than that is a long queue, however long."""
TIMEOUT_MS = 5_000


def queue_figures(database: Database, organization_id: UUID | None = None) -> list[dict[str, Any]]:
    """Return name, state and depth of each queue; for one organization only its own jobs are counted."""
    plan, queues = plan_of(Job, database.engine), plan_of(JobQueue, database.engine)
    own = "" if organization_id is None else f" AND {OWNER} = {mark(database.engine)}"
    params = () if organization_id is None else (plan.fields["organization_id"].bound(organization_id),)

    def count(term: str) -> str:
        return f"(SELECT count(*) FROM (SELECT 1 FROM jobs WHERE queue = q.name AND {term}{own} LIMIT {MOST}) c)"

    counts = (READY, "status = 'running'", "status IN ('failed', 'dead')")
    waiting = f"SELECT run_at FROM jobs WHERE queue = q.name AND {READY}{own} LIMIT {MOST}"
    oldest = f"(SELECT min(run_at) FROM ({waiting}) w)"
    sql = f"SELECT q.name, q.paused_at, {oldest}, {', '.join(map(count, counts))} FROM queues q ORDER BY q.name"
    read = queues.fields["paused_at"].read
    found = []
    for name, paused_at, oldest_at, queued, running, dead in database.query(sql, params * 4, timeout_ms=TIMEOUT_MS):
        moments = [value if read is None or value is None else read(value) for value in (paused_at, oldest_at)]
        state = {"name": name, "paused_at": moments[0], "concurrency": policy_of(name).concurrency}
        found.append({**state, "queued": queued, "running": running, "dead": dead, "oldest_run_at": moments[1]})
    return found


def observe(database: Database) -> None:
    """Bring the gauges of the queues, of doctor and of alerts up to date."""
    with database.read(system("figures")) as reads:
        for report in reads.rows(DoctorReport, order="-finished_at", limit=1):
            telemetry.observe_doctor(report.finished_at.timestamp(), report.errors, report.warnings)
        telemetry.observe_alerts(reads.count(Alert, state=AlertState.RAISED))
    now = clock.now()
    for found in queue_figures(database):
        oldest: datetime | None = found["oldest_run_at"]
        age = (now - oldest).total_seconds() if oldest is not None else 0.0
        counts = {name: found[name] for name in ("queued", "running", "dead")}
        telemetry.observe_queue(found["name"], counts, max(0.0, age), is_paused=found["paused_at"] is not None)
