"""When schedules run: intervals, local times through the changes of the clocks, once however many workers there are."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from growbase.core.actor import system
from growbase.core.database import Database
from growbase.core.errors import Conflict, NotFound
from growbase.core.tables import Job, JobSchedule
from growbase.jobs import queue
from growbase.jobs.actions import pause_schedule, resume_schedule, run_schedule
from growbase.jobs.schedule import AGAIN, Schedule, Timetable
from growbase.jobs.worker import Worker
from tests.jobs.conftest import LONG_AGO, claimed

PAST = timedelta(hours=3)


def never(database: Database) -> int:
    raise AssertionError("nobody asked for it")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# -- when -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "moment", "following"),
    [
        ({"daily": "03:00"}, "2026-05-01T02:59", "2026-05-01T03:00"),
        ({"daily": "03:00"}, "2026-05-01T03:00", "2026-05-02T03:00"),
        ({"daily": "03:00", "time_zone": "Europe/Paris"}, "2026-01-10T02:00", "2026-01-11T02:00"),
        ({"daily": "03:00", "time_zone": "Europe/Paris"}, "2026-07-10T02:00", "2026-07-11T01:00"),
        ({"daily": "23:30", "time_zone": "America/Los_Angeles"}, "2026-07-10T00:00", "2026-07-10T06:30"),
        ({"daily": "00:15", "time_zone": "Asia/Tokyo"}, "2026-07-10T14:00", "2026-07-10T15:15"),
        # On 29 March 2026 the clocks of Paris go from 02:00 to 03:00: 02:30 counts as 03:30, once.
        ({"daily": "02:30", "time_zone": "Europe/Paris"}, "2026-03-28T12:00", "2026-03-29T01:30"),
        ({"daily": "02:30", "time_zone": "Europe/Paris"}, "2026-03-29T01:30", "2026-03-30T00:30"),
        # On 25 October 2026 02:30 comes twice: the first one is taken, the second is none.
        ({"daily": "02:30", "time_zone": "Europe/Paris"}, "2026-10-24T12:00", "2026-10-25T00:30"),
        ({"daily": "02:30", "time_zone": "Europe/Paris"}, "2026-10-25T00:30", "2026-10-26T01:30"),
        ({"weekly": "mon 08:00"}, "2026-05-01T00:00", "2026-05-04T08:00"),
        ({"weekly": "mon 08:00", "time_zone": "Asia/Tokyo"}, "2026-05-03T22:59", "2026-05-03T23:00"),
        ({"weekly": "sun 02:30", "time_zone": "Europe/Paris"}, "2026-03-23T00:00", "2026-03-29T01:30"),
        ({"weekly": "mon 08:00"}, "2026-05-04T08:00", "2026-05-11T08:00"),
    ],
)
def test_local_times_follow_the_clocks(schedule: dict[str, str], moment: str, following: str) -> None:
    assert Schedule("test", never, **schedule).after(at(moment)) == at(following)


def test_a_daily_run_comes_once_each_local_day_for_years() -> None:
    schedule = Schedule("test", never, daily="02:30", time_zone="America/New_York")
    moment, runs = at("2026-01-01T00:00"), 0
    while moment < at("2029-01-01T00:00"):
        moment, runs = schedule.after(moment), runs + 1
    assert runs == 365 * 3 + 1 + 1  # a leap year, and the run that ended the loop


def test_an_interval_keeps_its_rhythm_and_skips_what_was_missed() -> None:
    schedule = Schedule("test", never, every=timedelta(minutes=10))
    assert schedule.after(at("2026-05-01T00:03")) == at("2026-05-01T00:13")
    assert schedule.after(at("2026-05-01T00:13:05"), at("2026-05-01T00:13")) == at("2026-05-01T00:23")
    assert schedule.after(at("2026-05-02T09:00"), at("2026-05-01T00:13")) == at("2026-05-02T09:03")


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"every": timedelta(minutes=1), "daily": "03:00"},
        {"every": timedelta(0)},
        {"daily": "24:00"},
        {"daily": "mon 03:00"},
        {"weekly": "08:00"},
        {"weekly": "someday 08:00"},
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused_where_it_is_written(rule: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="the schedule test"):
        Schedule("test", never, **rule)  # type: ignore[arg-type]


# -- once -------------------------------------------------------------------------------------------------------------


def rows_of(db: Database) -> dict[str, JobSchedule]:
    with db.read(system()) as reads:
        return {row.name: row for row in reads.rows(JobSchedule)}


def install(db: Database, *schedules: Schedule) -> Timetable:
    timetable = Timetable(schedules)
    db.write(system(), timetable.install)
    return timetable


def make_due(db: Database, name: str) -> None:
    db.write(system(), lambda tx: tx.set_facts(JobSchedule, {"name": name}, {"next_run_at": tx.now - PAST}))


def test_rows_are_made_once_and_follow_a_changed_rule(db: Database) -> None:
    install(db, Schedule("a", never, daily="03:00"), Schedule("b", never, every=timedelta(hours=1)))
    first = rows_of(db)
    assert (first["a"].rule, first["b"].rule) == ("daily 03:00 UTC", "every 3600s")
    install(db, Schedule("a", never, daily="03:00"), Schedule("b", never, every=timedelta(hours=1)))
    assert {name: row.next_run_at for name, row in rows_of(db).items()} == {
        name: row.next_run_at for name, row in first.items()
    }
    install(db, Schedule("a", never, daily="05:00"))
    changed = rows_of(db)
    assert (changed["a"].rule, changed["a"].next_run_at.hour) == ("daily 05:00 UTC", 5)
    assert "b" in changed, "a worker of another version may still have it"


def test_many_schedulers_run_each_tick_once(db: Database) -> None:
    schedules = [Schedule(f"s{n}", never, every=timedelta(minutes=1)) for n in range(5)]
    timetables = [install(db, *schedules) for _ in range(4)]
    gate = threading.Barrier(4)

    def tick(timetable: Timetable) -> int:
        gate.wait()
        return timetable.tick(db)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(tick, timetables)) == 5
    with db.read(system()) as reads:
        assert reads.count(Job, kind="schedule") == 5
    assert sum(timetable.tick(db) for timetable in timetables) == 0


def test_a_run_leaves_its_mark_in_the_row_and_no_job(db: Database) -> None:
    worker = Worker(db, {}, schedules=[Schedule("sweep", lambda _: 7, every=timedelta(minutes=1))])
    db.write(system(), worker.timetable.install)
    assert worker.timetable.tick(db) == 1
    assert worker.run_all() == 1
    row = rows_of(db)["sweep"]
    assert (row.last_status, row.last_rows, row.last_error) == ("succeeded", 7, None)
    assert row.last_run_at is not None
    assert row.next_run_at > row.last_run_at
    with db.read(system()) as reads:
        assert reads.count(Job) == 0


def test_a_run_that_fails_says_why_and_is_repeated_soon(db: Database) -> None:
    worker = Worker(db, {}, schedules=[Schedule("sweep", never, daily="03:00")])
    db.write(system(), worker.timetable.install)
    make_due(db, "sweep")
    assert worker.timetable.tick(db) == 1
    worker.run_all()
    row = rows_of(db)["sweep"]
    assert (row.last_status, row.last_error) == ("failed", "AssertionError: nobody asked for it")
    assert row.last_run_at is not None
    assert row.next_run_at - row.last_run_at < AGAIN + timedelta(minutes=1)


def test_a_run_that_takes_long_is_not_begun_twice(db: Database) -> None:
    timetable = install(db, Schedule("sweep", never, every=timedelta(minutes=1)))
    assert timetable.tick(db) == 1
    assert len(claimed(db)) == 1
    make_due(db, "sweep")
    assert timetable.tick(db) == 1
    assert claimed(db) == []


def test_a_run_whose_worker_died_is_run_by_another_one(db: Database) -> None:
    seen: list[int] = []

    def run(_: Database) -> int:
        seen.append(1)
        return 0

    worker = Worker(db, {}, schedules=[Schedule("sweep", run, every=timedelta(minutes=1))])
    db.write(system(), worker.timetable.install)
    worker.timetable.tick(db)
    (lost,) = claimed(db, lease=LONG_AGO)
    db.write(system(), queue.reap)
    assert worker.run_all() == 1
    assert seen == [1]
    assert worker.run(lost).error is not None, "the dead one has no say any more"


def test_plain_sweeps_run_every_hour(db: Database) -> None:
    def old_things(_: Database) -> int:
        return 0

    worker = Worker(db, {}, [old_things])
    db.write(system(), worker.timetable.install)
    assert rows_of(db)["sweep/old_things"].rule == "every 3600s"


def test_a_schedule_nobody_knows_any_more_is_left_alone(db: Database) -> None:
    install(db, Schedule("gone", never, every=timedelta(minutes=1)))
    assert Timetable().tick(db) == 0
    worker: Callable[..., Worker] = Worker
    assert worker(db, {}).run_all() == 0


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_a_paused_schedule_does_not_run_until_it_goes_on(db: Database) -> None:
    timetable = install(db, Schedule("a", never, every=timedelta(hours=1)))
    db.write(system(), lambda tx: pause_schedule(tx, name="a"))
    make_due(db, "a")
    assert timetable.tick(db) == 0
    with pytest.raises(Conflict):
        db.write(system(), lambda tx: run_schedule(tx, name="a"))
    db.write(system(), lambda tx: resume_schedule(tx, name="a"))
    assert timetable.tick(db) == 1, "what it missed is made up for"
    with pytest.raises(NotFound):
        db.write(system(), lambda tx: pause_schedule(tx, name="b"))


def test_a_schedule_runs_now_when_somebody_says_so(db: Database) -> None:
    timetable = install(db, Schedule("a", never, daily="03:00"))
    assert timetable.tick(db) == 0
    db.write(system(), lambda tx: run_schedule(tx, name="a"))
    assert timetable.tick(db) == 1
    assert timetable.tick(db) == 0
    assert rows_of(db)["a"].next_run_at > datetime.now(UTC)
