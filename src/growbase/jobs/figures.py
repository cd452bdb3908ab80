"""How the queues and the readers of the change log stand: for operators, and every few seconds for Prometheus."""

from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from growbase.core import clock, telemetry
from growbase.core.actor import system
from growbase.core.database import Database
from growbase.core.feed import find_lags
from growbase.core.reads import Reads
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


def ended_since(database: Database, ago: timedelta) -> dict[str, tuple[int, int]]:
    """Return, by queue, how many jobs have ended well and how many not in the last time, each counted up to MOST."""
    plan, sign = plan_of(Job, database.engine), mark(database.engine)
    since = plan.fields["finished_at"].bound(clock.now() - ago)

    ended = f"SELECT queue FROM jobs WHERE finished_at >= {sign} AND status IN"
    well = f"SELECT queue, count(*) FROM ({ended} ('succeeded', 'cancelled') LIMIT {MOST}) t GROUP BY queue"
    badly = f"(SELECT count(*) FROM ({ended} ('failed', 'dead') AND queue = q.name LIMIT {MOST}) t)"
    good = dict(database.query(well, (since,), timeout_ms=TIMEOUT_MS))
    rows = database.query(f"SELECT q.name, {badly} FROM queues q", (since,), timeout_ms=TIMEOUT_MS)
    return {name: (good.get(name, 0), bad) for name, bad in rows}


def live_jobs(reads: Reads, *kinds: str) -> list[Job]:
    """Return the jobs of some kinds that wait or run and have a ``dedupe_key``: a look into the index of those only."""
    plan = plan_of(Job, reads.engine)
    # As literals, for a planner does not know that a bound value fits a partial index.
    terms = ["t.dedupe_key IS NOT NULL", "t.status IN ('queued', 'running')"]
    scope, params = reads.scope_terms(plan, anywhere=False)
    signs = ", ".join([mark(reads.engine)] * len(kinds))
    where = " AND ".join([*terms, *scope, f"t.kind IN ({signs})"])
    sql = f"SELECT {plan.columns} FROM jobs t WHERE {where} ORDER BY t.id LIMIT {MOST}"
    return [cast("Job", plan.instance(row)) for row in reads.execute(sql, [*params, *kinds]).fetchall()]


def observe(database: Database) -> None:
    """Bring the gauges up to date."""
    now = clock.now()
    for found in queue_figures(database):
        oldest: datetime | None = found["oldest_run_at"]
        age = (now - oldest).total_seconds() if oldest is not None else 0.0
        counts = {name: found[name] for name in ("queued", "running", "dead")}
        telemetry.observe_queue(found["name"], counts, max(0.0, age), is_paused=found["paused_at"] is not None)
    with database.read(system("figures")) as reads:
        for lag in find_lags(reads):
            telemetry.observe_feed(lag.reader, lag.rows, lag.seconds)
        for report in reads.rows(DoctorReport, order="-finished_at", limit=1):
            telemetry.observe_doctor(report.finished_at.timestamp(), report.errors, report.warnings)
        telemetry.observe_alerts(reads.count(Alert, state=AlertState.RAISED))
