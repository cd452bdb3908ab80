"""Monthly partitions: nobody waits for them, no event is lost, and each counts once whichever month it is sent in."""

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from pydantic import SecretStr

from growbase import wiring
from growbase.core import clock, ddl, dividing, partitions
from growbase.core.actor import system
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.errors import Unavailable
from growbase.core.holds import add_hold
from growbase.core.partitions import Layout, bound, is_divided, keep_partitions, lacking, month_of
from growbase.domains.marketing.actions_analytics import ingest_events
from growbase.domains.marketing.models_analytics import AnalyticsEvent
from growbase.jobs.retention import KEPT, retain
from growbase.jobs.schedule import Timetable
from growbase.ops.checks.engine import partitions as check
from growbase.ops.checks.finding import Patient
from growbase.ops.drift import find_drift
from tests.domains.marketing.factories import event
from tests.fixtures import Tenant, make_tenant, open_at
from tests.postgres import PostgresServer

EVENTS = Layout("analytics_events", "event_key")
MARCH = datetime(2026, 3, 10, 12, tzinfo=UTC)
Moment = Callable[[datetime], None]


@pytest.fixture(scope="module")
def plain_template(postgres: PostgresServer) -> str:
    """Give the name of a database whose event tables are not divided yet."""
    wiring.catalog()
    with psycopg.connect(postgres.create_database(name="template_plain"), autocommit=True) as connection:
        connection.execute(";\n".join(ddl.statements("postgresql")).encode())
    return "template_plain"


@pytest.fixture
def plain(new_postgres_database: Callable[..., str], plain_template: str) -> Iterator[Database]:
    """Give such a database."""
    with closing(open_at(new_postgres_database(template=plain_template))) as database:
        yield database


@pytest.fixture
def it_is(monkeypatch: pytest.MonkeyPatch) -> Moment:
    """Give a function that sets the time, and with it what new ids begin with."""
    numbers = count(1)

    def new_id(now: datetime) -> UUID:
        return UUID(int=bound(now).int | 7 << 76 | next(numbers))

    def set_to(now: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: now)
        monkeypatch.setattr(clock, "new_id", lambda: new_id(now))
        monkeypatch.setattr(clock, "new_ids", lambda count: [str(new_id(now)) for _ in range(count)])

    return set_to


def send(db: Database, tenant: Tenant, *keys: str, **over: object) -> dict[str, Any]:
    at = clock.now().isoformat()
    events = [event(**{"event_key": key, "occurred_at": at, **over}) for key in keys]
    found: dict[str, Any] = db.write(tenant.owner, lambda tx: ingest_events(tx, events=events))
    return found


def places(db: Database) -> dict[str, list[str]]:
    """Return the keys of the events by the partition they are in."""
    found: dict[str, list[str]] = {}
    for place, key in db.query("SELECT tableoid::regclass::text, event_key FROM analytics_events ORDER BY 1, 2"):
        found.setdefault(place.removeprefix("analytics_events_"), []).append(key)
    return found


def known(db: Database) -> list[str]:
    return [key for (key,) in db.query("SELECT event_key FROM analytics_events_keys ORDER BY 1")]


def names(db: Database) -> list[str]:
    with db.read(system()) as reads:
        return [one.name.removeprefix("analytics_events_") for one in partitions.partitions(reads, EVENTS)]


def settings_of(db: Database) -> Settings:
    return Settings(database_url=SecretStr(db.url))  # type: ignore[attr-defined]


def at_once(steps: Sequence[Callable[[], Any]]) -> list[Any]:
    barrier, found = threading.Barrier(len(steps)), list[Any]()

    def run(step: Callable[[], Any]) -> None:
        barrier.wait(10)
        found.append(step())

    threads = [threading.Thread(target=run, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_there_is_nothing_to_do_on_sqlite(sqlite_template: Path) -> None:
    with closing(open_at(f"sqlite:///{sqlite_template}")) as database:
        assert keep_partitions(database) == 0


def test_a_plain_table_becomes_the_first_partition(plain: Database, it_is: Moment) -> None:
    tenant = make_tenant(plain, "Acme")
    it_is(MARCH - timedelta(days=20))
    send(plain, tenant, "a", "b")
    before = plain.query("SELECT 'analytics_events'::regclass::oid")
    it_is(MARCH)
    with psycopg.connect(plain.url, autocommit=True) as connection:  # type: ignore[attr-defined]
        connection.execute("DROP ROLE IF EXISTS reporting")
        connection.execute("CREATE ROLE reporting")
        connection.execute("GRANT SELECT ON analytics_events TO reporting")
    assert keep_partitions(plain) == 4
    assert names(plain) == ["to_2026_04", "2026_04", "2026_05", "2026_06"]
    assert plain.query("SELECT 'analytics_events_to_2026_04'::regclass::oid") == before, "no row was copied"
    assert send(plain, tenant, "a", "c") == {"accepted": 1, "duplicates": 1}
    assert places(plain) == {"to_2026_04": ["a", "b", "c"]}
    assert known(plain) == ["a", "b", "c"]
    assert plain.query("SELECT has_table_privilege('reporting', 'analytics_events', 'SELECT')") == [(True,)]
    assert keep_partitions(plain) == 0
    with psycopg.connect(plain.url, autocommit=True) as connection:  # type: ignore[attr-defined]
        connection.execute("DROP OWNED BY reporting")
        connection.execute("DROP ROLE reporting")


def test_what_was_begun_goes_on_and_the_late_begin_anew(
    plain: Database, it_is: Moment, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = make_tenant(plain, "Acme")
    it_is(MARCH)
    send(plain, tenant, *"abcdef")
    monkeypatch.setattr(dividing, "CHUNK", 2)

    def die(*_: object, **__: object) -> None:
        raise InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr(dividing, "write_state", die)
        with pytest.raises(InterruptedError):
            keep_partitions(plain)
    assert known(plain) == []
    assert find_drift(settings_of(plain)) == []
    copied = iter([True, True])
    copy = dividing._copy_keys
    with monkeypatch.context() as patch:
        patch.setattr(dividing, "_copy_keys", lambda tx, layout: next(copied) and copy(tx, layout=layout))
        with pytest.raises(StopIteration):
            keep_partitions(plain)
    assert known(plain) == ["a", "b", "c", "d"]
    send(plain, tenant, "g")
    plain.write(system(), lambda tx: tx.execute("DELETE FROM analytics_events WHERE event_key IN ('b', 'e')"))
    # The bound of March would refuse what comes next: it is drawn anew.
    it_is(datetime(2026, 3, 31, 20, tzinfo=UTC))
    assert keep_partitions(plain) == 3
    assert names(plain) == ["to_2026_05", "2026_05", "2026_06"]
    assert known(plain) == ["a", "c", "d", "f", "g"]
    assert send(plain, tenant, *"abcdefg") == {"accepted": 2, "duplicates": 5}


def test_events_come_in_while_the_table_is_divided(plain: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dividing, "CHUNK", 20)
    tenant = make_tenant(plain, "Acme")
    send(plain, tenant, *(f"old {number}" for number in range(200)))
    accepted, stop = [0, 0], threading.Event()

    def write(place: int) -> None:
        for number in count():
            if stop.is_set():
                return
            accepted[place] += send(plain, tenant, f"new {place} {number}", f"both {number}", "old 7")["accepted"]

    threads = [threading.Thread(target=write, args=(place,)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    while min(accepted) < 10:
        assert threads[0].is_alive()
    keep_partitions(plain)
    reached = sum(accepted)
    while sum(accepted) < reached + 20:
        assert threads[0].is_alive()
    stop.set()
    for thread in threads:
        thread.join()
    assert plain.query("SELECT count(*), count(DISTINCT event_key) FROM analytics_events") == [
        (200 + sum(accepted), 200 + sum(accepted))
    ]
    assert len(known(plain)) == 200 + sum(accepted)


@pytest.fixture
def divided(plain: Database, it_is: Moment) -> Database:
    """Give a database divided in March 2026."""
    it_is(MARCH)
    keep_partitions(plain)
    return plain


def test_an_event_goes_to_its_month_and_counts_once_over_the_end_of_it(divided: Database, it_is: Moment) -> None:
    tenant, end = make_tenant(divided, "Acme"), datetime(2026, 4, 1, tzinfo=UTC)
    it_is(end - timedelta(milliseconds=1))
    assert send(divided, tenant, "late", "last")["accepted"] == 2
    it_is(end)
    assert send(divided, tenant, "late", "first") == {"accepted": 1, "duplicates": 1}
    assert places(divided) == {"to_2026_04": ["last", "late"], "2026_04": ["first"]}
    other = make_tenant(divided, "Rival")
    assert send(divided, other, "late")["accepted"] == 1


def test_the_same_events_sent_at_once_in_two_months_count_once(
    divided: Database, it_is: Moment, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = make_tenant(divided, "Acme")
    it_is(datetime(2026, 4, 1, tzinfo=UTC))
    numbers, ends = count(1), (datetime(2026, 3, 31, 23, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))

    def new_ids(count: int) -> list[str]:
        # As from servers whose clocks differ: each batch is of another month than the one before it.
        month = ends[next(numbers) % 2]
        return [str(UUID(int=bound(month).int | 7 << 76 | next(numbers))) for _ in range(count)]

    monkeypatch.setattr(clock, "new_ids", new_ids)
    keys = [f"key {number}" for number in range(40)]
    found = at_once([lambda turn=turn: send(divided, tenant, *keys[turn:], *keys[:turn]) for turn in range(6)])
    assert sum(report["accepted"] for report in found) == 40
    assert divided.query("SELECT count(*), count(DISTINCT event_key) FROM analytics_events") == [(40, 40)]
    assert divided.query("SELECT sum(count)::int FROM analytics_daily") == [(40,)]


def test_months_are_made_ahead_by_schedule_once(divided: Database, it_is: Moment) -> None:
    it_is(MARCH + timedelta(days=31))
    assert sorted(at_once([lambda: keep_partitions(divided)] * 2)) == [0, 1]
    assert names(divided)[-1] == "2026_07"
    schedule = next(one for one in wiring.schedules(settings_of(divided)) if one.name == "core/partitions")
    assert schedule.every == timedelta(hours=6)
    divided.write(system(), Timetable([schedule]).install)
    assert schedule.run(divided) == 0


def test_what_came_before_its_partition_was_made_moves_there(divided: Database, it_is: Moment) -> None:
    tenant = make_tenant(divided, "Acme")
    it_is(datetime(2026, 9, 3, tzinfo=UTC))
    send(divided, tenant, "september")
    it_is(datetime(2026, 10, 3, tzinfo=UTC))
    send(divided, tenant, "october", "september")
    assert places(divided) == {"default": ["october", "september"]}
    patient = Patient(settings_of(divided), divided, None, deep=True)  # type: ignore[arg-type]
    [finding] = check(patient)
    assert (finding.where, finding.severity) == ("analytics_events_2026_10, analytics_events_2026_11", "warning")
    assert finding.repair is not None
    finding.repair()
    assert [*check(patient)] == []
    assert places(divided) == {"2026_09": ["september"], "2026_10": ["october"]}
    assert send(divided, tenant, "october", "september")["duplicates"] == 2
    assert find_drift(settings_of(divided)) == []


def test_a_month_whose_events_are_all_past_their_time_is_dropped(divided: Database, it_is: Moment) -> None:
    tenant, held = make_tenant(divided, "Acme"), make_tenant(divided, "Held")
    for month in (3, 4, 5, 6):
        it_is(datetime(2026, month, 20, tzinfo=UTC))
        send(divided, tenant, f"{month} a", f"{month} b")
        if month == 4:
            send(divided, held, "4 held")
    divided.write(held.owner, lambda tx: add_hold(tx, reason="Case 9"))
    it_is(datetime(2026, 7, 10, tzinfo=UTC))
    # June 25: of March, April and May all is due, of June a part.
    run = retain(divided, {**KEPT, "analytics_days": 15}, table="analytics_events")
    assert run.rules == {"analytics_events": 8}
    assert names(divided) == ["2026_04", "2026_06"]
    assert places(divided) == {"2026_04": ["4 held"]}
    assert keep_partitions(divided) == 4 + 3 + 3, "keys of March and May, a note each, the months to October"
    assert known(divided) == ["4 held"]
    assert retain(divided, {**KEPT, "analytics_days": 15}, table="analytics_events").rows == 0
    assert send(divided, held, "4 held")["duplicates"] == 1


def test_a_month_that_is_in_use_stays_until_it_is_free(
    divided: Database, it_is: Moment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "WAIT_MS", 50)
    monkeypatch.setattr(partitions, "PAUSES", ())
    tenant = make_tenant(divided, "Acme")
    send(divided, tenant, "march")
    it_is(MARCH + timedelta(days=100))
    with psycopg.connect(divided.url) as reader:  # type: ignore[attr-defined]
        reader.execute("SELECT count(*) FROM analytics_events")
        assert retain(divided, {**KEPT, "analytics_days": 30}, table="analytics_events").rows == 1, "row by row"
        assert "to_2026_04" in names(divided)
        send(divided, tenant, "june")
        with pytest.raises(Unavailable):
            divided.write(system(), lambda tx: tx.execute("SET LOCAL lock_timeout = 50; DROP TABLE analytics_events"))
    retain(divided, {**KEPT, "analytics_days": 30}, table="analytics_events")
    assert "to_2026_04" not in names(divided)


def test_what_is_in_the_way_is_named_and_nothing_is_done(plain: Database) -> None:
    key, other = "fk_analytics_events_journey_id", "FOREIGN KEY (organization_id, journey_id) REFERENCES journeys"
    with psycopg.connect(plain.url, autocommit=True) as connection:  # type: ignore[attr-defined]
        connection.execute("CREATE VIEW report AS SELECT count(*) FROM analytics_events")
        connection.execute(f"ALTER TABLE analytics_events DROP CONSTRAINT {key}".encode())
        connection.execute(f"ALTER TABLE analytics_events ADD CONSTRAINT {key} {other} NOT VALID".encode())
        assert keep_partitions(plain) == 0
        patient = Patient(settings_of(plain), plain, None, deep=True)  # type: ignore[arg-type]
        found = [finding.where.removeprefix("analytics_events: the ") for finding in check(patient)]
        assert found == ["view report", f"unvalidated foreign key {key}"]
        connection.execute("DROP VIEW report")
        connection.execute(f"ALTER TABLE analytics_events VALIDATE CONSTRAINT {key}".encode())
    assert keep_partitions(plain) == 4
    with plain.read(system()) as reads:
        assert is_divided(reads, EVENTS)
        assert lacking(reads, EVENTS) == []


def test_a_table_made_anew_knows_nothing_of_the_one_before(divided: Database) -> None:
    tenant = make_tenant(divided, "Acme")
    send(divided, tenant, "a")
    made = [sql for sql in ddl.statements("postgresql") if re.search(r"(TABLE|ON) analytics_events\b", sql)]
    with psycopg.connect(divided.url, autocommit=True) as connection:  # type: ignore[attr-defined]
        connection.execute("DROP TABLE analytics_events")
        connection.execute(";\n".join(made).encode())
    assert send(divided, tenant, "a")["accepted"] == 1
    assert keep_partitions(divided) == 4
    assert known(divided) == ["a"]


def test_a_key_that_was_lost_is_found_and_noted_again(divided: Database) -> None:
    tenant = make_tenant(divided, "Acme")
    send(divided, tenant, "a", "b")
    divided.write(system(), lambda tx: tx.execute("DELETE FROM analytics_events_keys WHERE event_key = 'a'"))
    patient = Patient(settings_of(divided), divided, None, deep=True)  # type: ignore[arg-type]
    [finding] = check(patient)
    assert (finding.severity, finding.where) == ("error", "analytics_events")
    assert finding.repair is not None
    finding.repair()
    assert [*check(patient)] == []
    assert send(divided, tenant, "a")["duplicates"] == 1


def test_ids_tell_their_month() -> None:
    for moment in (MARCH, datetime(2026, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC), datetime(2024, 2, 29, tzinfo=UTC)):
        first, made = bound(moment), clock.new_id()
        assert month_of(first) == moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        assert bound(clock.now() - timedelta(seconds=1)) < made < bound(clock.now() + timedelta(seconds=1))
    assert AnalyticsEvent.__monthly__ == "event_key"
