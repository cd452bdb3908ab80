"""Checks of what works in the background: jobs, schedules, readers of the log, its seals, webhooks, backups."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from growbase.core import clock
from growbase.core.actor import system
from growbase.core.feed import Position, newest
from growbase.core.gate import Mode, gate_of
from growbase.core.reads import Where
from growbase.core.statements import mark
from growbase.core.tables import Change, Job, JobSchedule, JobStatus, LogReader
from growbase.core.types import parse_moment
from growbase.domains.identity.models_webhooks import EndpointStatus, WebhookEndpoint
from growbase.jobs import queue
from growbase.ops.audit import verify
from growbase.ops.checks.finding import Finding, Patient, error, warning

EXPIRED: Final = timedelta(minutes=5)
"""A lease that ran out so long ago: any worker would have taken the job back in seconds."""
OVERDUE: Final = timedelta(minutes=15)
BEHIND: Final = timedelta(minutes=15)
NEWEST_SEALS: Final = 50
STALE: Final = {"backups": timedelta(hours=26), "drills": timedelta(days=8)}
"""How old the newest success of each kind may be."""
_LAST: Final = " growbase restore --dry-run tells what you would get back now."
_THERE: Final = {
    "sqlite": "SELECT 1 FROM sqlite_master WHERE name = '{}'",
    "postgresql": "SELECT 1 WHERE to_regclass('{}') IS NOT NULL",
}


def jobs(patient: Patient) -> Iterator[Finding]:
    """Look for jobs that nobody runs although somebody should, and for dead ones."""
    database = patient.database
    with database.read(system("doctor")) as reads:
        late = Where("lease_until", "<", clock.now() - EXPIRED)
        stuck = reads.rows(Job, late, status=JobStatus.RUNNING, limit=100, anywhere=True)
    if stuck and _takes_writes(patient):
        yield error(
            f"{len(stuck)} jobs count as running, but their workers are gone; the first is a {stuck[0].kind}.",
            f"jobs {stuck[0].id}",
            "Give them to other workers; see to it that a server or growbase worker runs.",
            partial(database.write, system("doctor"), queue.reap),
        )
    sql = "SELECT queue, count(*) FROM jobs WHERE status IN ('failed', 'dead') GROUP BY queue ORDER BY queue"
    for name, count in database.query(sql):
        yield warning(
            f"{count} jobs have failed for good.",
            f"queue {name}",
            f"Look at them (growbase jobs ls --queue {name} --status dead), then growbase jobs retry or discard.",
        )


def _takes_writes(patient: Patient) -> bool:
    """Tell whether workers work: behind a closed gate leases run out and times pass, and nothing is wrong."""
    return gate_of(patient.database).mode is Mode.OPEN


def schedules(patient: Patient) -> Iterator[Finding]:
    """Look for schedules whose time is long over, and those that failed the last time."""
    with patient.database.read(system("doctor")) as reads:
        found = reads.rows(JobSchedule, order="name")
    late = [row for row in found if row.paused_at is None and row.next_run_at < clock.now() - OVERDUE]
    if late and _takes_writes(patient):
        yield error(
            f"{len(late)} schedules are overdue, {late[0].name} since {late[0].next_run_at:%Y-%m-%d %H:%M} UTC.",
            "schedules",
            "No worker runs: start a server, or growbase worker, and look at its log.",
        )
    for row in found:
        if row.last_status == "failed":
            yield warning(
                f"The last run failed: {row.last_error}",
                f"schedule {row.name}",
                "It is repeated by itself; correct what the message says.",
            )


def readers(patient: Patient) -> Iterator[Finding]:
    """Look for readers of the change log that have not come on for long."""
    with patient.database.read(system("doctor")) as reads:
        end, is_open = newest(reads), _takes_writes(patient)
        plan, sign = reads.plan(Change), mark(reads.engine)
        for reader in reads.rows(LogReader, order="name"):
            position = Position(reader.position_tx, reader.position_seq)
            if position >= end or not is_open:
                continue
            sql = (
                f"SELECT {plan.columns} FROM changes t WHERE (t.tx, t.seq) > ({sign}, {sign}) "
                "ORDER BY t.tx, t.seq LIMIT 1"
            )
            row = plan.instance(reads.execute(sql, [*position]).fetchone())
            behind = clock.now() - row.__dict__["occurred_at"]
            if behind > BEHIND:
                yield error(
                    f"It has not read what was written {behind.total_seconds() / 60:.0f} minutes ago.",
                    f"reader {reader.name}",
                    "No worker runs, or its schedule fails: growbase jobs schedules tells which.",
                )


def seals(patient: Patient) -> Iterator[Finding]:
    """Prove the change log against its seals: all of it, or the newest spans."""
    found = verify(patient.database, newest_only=None if patient.deep else NEWEST_SEALS)
    for fault in found.faults:
        where = f"changes {fault.seq}" if fault.seq is not None else f"seals {fault.seal}"
        about = f" It tells of {fault.entity} {fault.entity_id}." if fault.entity else ""
        yield error(
            f"{fault.what}{about}",
            where,
            "Somebody has written past the program: docs/operations/audit.md says what to do. Nothing mends this.",
        )


def webhooks(patient: Patient) -> Iterator[Finding]:
    """Look for endpoints that were switched off because they kept failing."""
    with patient.database.read(system("doctor")) as reads:
        found = reads.rows(WebhookEndpoint, status=EndpointStatus.DISABLED, anywhere=True)
    for row in found:
        if row.disabled_reason:
            yield warning(
                f"The endpoint {row.url} was switched off: {row.disabled_reason}",
                f"webhook_endpoints {row.id}",
                "Tell its owner; once it answers it can be switched on again.",
            )


def backups(patient: Patient) -> Iterator[Finding]:
    """Look at when the last backup and the last drill succeeded, where they are written down."""
    for table, age in STALE.items():
        if not patient.database.query(_THERE[patient.database.engine].format(table)):
            continue
        columns = "SELECT finished_at, status, error FROM"
        rows = patient.database.query(f"{columns} {table} ORDER BY finished_at DESC LIMIT 1")
        good = patient.database.query(
            f"{columns} {table} WHERE status IN ('succeeded', 'passed') ORDER BY finished_at DESC LIMIT 1"
        )
        one = table.removesuffix("s")
        if rows and rows[0][1] == "failed":
            yield error(
                f"The last {one} failed: {rows[0][2]}", table, f"Correct what it says; it is tried again.{_LAST}"
            )
        if good and _moment(good[0][0]) < clock.now() - age:
            at = f"{_moment(good[0][0]):%Y-%m-%d %H:%M}"
            fix = f"See to it that its schedule runs: growbase jobs schedules.{_LAST}"
            yield error(f"The last good {one} is of {at} UTC.", table, fix)
        if not rows and patient.settings.is_production:
            yield error(f"There is no {one} yet.", table, "Take one now, and see to it that its schedule runs.")


def _moment(value: datetime | str) -> datetime:
    return parse_moment(value) if isinstance(value, str) else value
