"""What is done again and again: declared beside the tasks, one row each, so that any number of workers do it once.

Every worker looks which rows are due. Whoever moves ``next_run_at`` on, by a conditional update, enqueues the run as a
job in the same unit. The job's row goes when it has ended; the schedule's row says how it went.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.errors import NotFound
from growbase.core.facts import delete_facts
from growbase.core.reads import Where
from growbase.core.tables import Job, JobSchedule
from growbase.core.transaction import Transaction
from growbase.jobs.errors import LeaseLost
from growbase.jobs.policies import MAINTENANCE

Run = Callable[..., int]
"""Does the work in small units and returns how many rows it has handled; it may be run again after a crash."""

KIND: Final = "schedule"
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
AGAIN: Final = timedelta(minutes=5)
"""A run that failed is repeated after this long, if it is not due before."""
_AT: Final = re.compile(r"(?:(mon|tue|wed|thu|fri|sat|sun) )?([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Schedule:
    """A run at an interval (``every``) or at a local time (``daily="03:00"``, ``weekly="mon 08:00"``).

    Local times follow the clocks of ``time_zone``: an hour that is skipped in spring counts as the one after it, of an
    hour that comes twice in autumn the first is taken.
    """

    name: str
    run: Run
    every: timedelta | None = None
    daily: str | None = None
    weekly: str | None = None
    time_zone: str = "UTC"
    queue: str = MAINTENANCE
    rule: str = field(init=False)
    """How the schedule reads: ``daily 03:00 Europe/Paris``."""

    def __post_init__(self) -> None:
        given = [name for name in ("every", "daily", "weekly") if getattr(self, name) is not None]
        if len(given) != 1:
            message = f"the schedule {self.name} needs one of every, daily and weekly"
            raise ValueError(message)
        if self.every is not None:
            if self.every < timedelta(seconds=1):
                message = f"the schedule {self.name} is too frequent"
                raise ValueError(message)
            rule = f"every {self.every.total_seconds():g}s"
        else:
            at = self.daily or self.weekly or ""
            found = _AT.fullmatch(at)
            if found is None or (found[1] is not None) != (self.weekly is not None):
                message = f"the schedule {self.name} needs a time such as 03:00, weekly such as mon 08:00; not {at}"
                raise ValueError(message)
            _zone(self.time_zone)
            rule = f"{given[0]} {at} {self.time_zone}"
        object.__setattr__(self, "rule", rule)

    def after(self, moment: datetime, last: datetime | None = None) -> datetime:
        """Return the first run after a moment; ``last`` is the one before it, whose rhythm an interval keeps."""
        if self.every is not None:
            start = last or moment
            return start + self.every * ((moment - start) // self.every + 1)
        found = _AT.fullmatch(self.daily or self.weekly or "")
        assert found is not None
        weekday = DAYS.index(found[1]) if found[1] else None
        return next_local(moment, time(int(found[2]), int(found[3])), _zone(self.time_zone), weekday)


def next_local(moment: datetime, at: time, zone: tzinfo, weekday: int | None = None) -> datetime:
    """Return, in UTC, the first time after ``moment`` that the clocks of ``zone`` show ``at`` (on Monday = 0)."""
    day = moment.astimezone(zone).date() - timedelta(days=1)
    while True:
        found = datetime.combine(day, at, zone).astimezone(UTC)
        if found > moment and weekday in {None, day.weekday()}:
            return found
        day += timedelta(days=1)


def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


# -- running ----------------------------------------------------------------------------------------------------------


class Timetable:
    """The schedules of this program by name, their rows in the database and their task."""

    def __init__(self, schedules: Iterable[Schedule] = ()) -> None:
        self.schedules: Mapping[str, Schedule] = {schedule.name: schedule for schedule in schedules}

    def install(self, tx: Transaction) -> None:
        """Insert missing rows and give those whose rule has changed their new time."""
        rows = {row.name: row for row in tx.rows(JobSchedule)}
        for schedule in self.schedules.values():
            row = rows.get(schedule.name)
            first = tx.now if schedule.every is not None else schedule.after(tx.now)
            values = {"rule": schedule.rule, "next_run_at": first}
            if row is None:
                tx.insert_facts(JobSchedule, [{"name": schedule.name, **values}], ignore=True)
            elif row.rule != schedule.rule:
                tx.set_facts(JobSchedule, {"name": schedule.name, "rule": row.rule}, values)

    def tick(self, database: Database) -> int:
        """Enqueue what is due and return how much that was; of several workers at once one does."""
        with database.read(system("schedule")) as reads:
            due = reads.rows(JobSchedule, Where("next_run_at", "<=", clock.now()), paused_at=None)
        known = [row for row in due if row.name in self.schedules]
        return sum(database.write(system("schedule"), partial(self._begin, row=row)) for row in known)

    def _begin(self, tx: Transaction, row: JobSchedule) -> int:
        schedule = self.schedules[row.name]
        moved = {"next_run_at": schedule.after(tx.now, row.next_run_at), "last_run_at": tx.now}
        due = {"name": row.name, "next_run_at": row.next_run_at, "paused_at": None}
        if not tx.set_facts(JobSchedule, due, moved):
            return 0
        tx.enqueue(KIND, {"name": row.name}, queue=schedule.queue, dedupe_key=f"{KIND}/{row.name}")
        return 1

    def task(self, database: Database, actor: Actor, job: Job) -> None:
        """Run a schedule whose time has come, and note how it went in its row."""
        schedule = self.schedules.get(str(job.payload["name"]))
        if schedule is None:
            raise NotFound(what="schedule")
        try:
            rows = schedule.run(database)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".replace("\x00", "")[:2_000]
            database.write(
                actor, lambda tx: self._end(tx, job, schedule, {"last_status": "failed", "last_error": reason})
            )
            raise
        done = {"last_status": "succeeded", "last_error": None, "last_rows": rows}
        database.write(actor, lambda tx: self._end(tx, job, schedule, done))

    def _end(self, tx: Transaction, job: Job, schedule: Schedule, values: Mapping[str, object]) -> None:
        """Write the schedule's row and remove the job's: there will be another one soon. Raises LeaseLost."""
        if not delete_facts(tx, Job, {"id": job.id, "lease_token": job.lease_token}):
            raise LeaseLost
        row = tx.find(JobSchedule, name=schedule.name, lock=True)
        if row is not None and values["last_status"] == "failed":
            values = {**values, "next_run_at": min(row.next_run_at, tx.now + AGAIN)}
        tx.set_facts(JobSchedule, {"name": schedule.name}, values)
