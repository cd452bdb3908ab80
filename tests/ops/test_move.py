"""Moving all data to another database, and back: nothing is lost or doubled, whoever is killed when."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Self

import psycopg
import pytest
from pydantic import SecretStr

from growbase import wiring
from growbase.cli.opening import install
from growbase.core.actor import Actor
from growbase.core.config import Settings, load_settings
from growbase.core.database import Database
from growbase.core.errors import ConfigError, GrowbaseError
from growbase.core.facts import delete_facts
from growbase.core.feed import BEGINNING, newest, read_changes
from growbase.core.gate import Moved
from growbase.core.partitions import keep_partitions
from growbase.core.tables import Job
from growbase.core.trash import trash
from growbase.domains.marketing.actions_analytics import ingest_events
from growbase.domains.marketing.models import Campaign
from growbase.domains.marketing.models_analytics import AnalyticsEvent
from growbase.jobs.worker import Worker
from growbase.ops import migrate, move, move_postgres, move_steps
from growbase.ops.drift import find_drift
from growbase.ops.migrate import MoveUnfinished
from growbase.ops.move import NoMove
from growbase.ops.move_steps import MoveRefused, RowsDiffer
from tests.domains.marketing.factories import event
from tests.fixtures import Tenant, make_tenant, sqlite_rows
from tests.postgres import PostgresServer
from tests.processes import wait_until
from tests.test_server import Server, kill_group, server

RING = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def settings_of(folder: Path, url: str | None = None) -> Settings:
    folder.mkdir(exist_ok=True)
    return Settings(
        data_dir=folder,
        database_url=SecretStr(url) if url else None,
        encryption_keys=SecretStr(RING),
        environment="development",
    ).refreshed()


def fill(database: Database) -> Tenant:
    found = make_tenant(database, "Acme")
    for number in range(30):
        database.write(
            found.owner, lambda tx, number=number: tx.insert(Campaign, name=f"Campaign {number} é", purpose="x")
        )
    return found


@pytest.fixture
def home(tmp_path: Path, sqlite_template: Path) -> Settings:
    """Give the settings of an installed SQLite database."""
    settings = settings_of(tmp_path / "data")
    install(settings)
    return settings


def test_all_rows_move_and_everybody_goes_on_there_and_back(
    home: Settings, new_postgres_database: Callable[..., str]
) -> None:
    ring, url = wiring.keyring(home), new_postgres_database()
    with closing(wiring.follow_database(home)) as database:
        owner = fill(database).owner
        before = move.checksums(home)
        with database.read(owner) as reads:
            position = newest(reads)
        done = move.move(home, ring, url)
        assert done.pause is not None
        there = home.refreshed()
        assert there.database == url
        assert move.checksums(there) == before
        assert find_drift(there) == []
        assert database.engine == "postgresql"
        with closing(wiring.open_database(home)) as old, pytest.raises(Moved):
            old.write(owner, lambda tx: tx.insert(Campaign, name="late", purpose="x"))
        made = database.write(owner, lambda tx: tx.insert(Campaign, name="new", purpose="x"))
        with database.read(owner) as reads:
            batch = read_changes(reads, position, 10)
            assert [change.entity_id for change in batch.changes] == [made]
            assert len(read_changes(reads, BEGINNING, 1000).changes) > 30
            position = newest(reads)

        before = move.checksums(there)
        move.move(there, ring, move.origin(there, ring))
        here = home.refreshed()
        assert here.database == home.database
        assert move.checksums(here) == before
        assert find_drift(here) == []
        assert database.engine == "sqlite"
        made = database.write(owner, lambda tx: tx.insert(Campaign, name="home again", purpose="x"))
        with database.read(owner) as reads:
            assert [change.entity_id for change in read_changes(reads, position, 10).changes] == [made]


def test_events_in_partitions_move_both_ways_with_what_comes_in_meanwhile(
    home: Settings, new_postgres_database: Callable[..., str]
) -> None:
    ring, url = wiring.keyring(home), new_postgres_database()

    def send(settings: Settings, *keys: str) -> int:
        events = [event(event_key=key) for key in keys]
        with closing(wiring.follow_database(settings)) as database:
            return int(database.write(owner, lambda tx: ingest_events(tx, events=events))["accepted"])

    with closing(wiring.open_database(home)) as database:
        owner = fill(database).owner
    assert send(home, "a", "b") == 2
    move.move(home, ring, url)
    there = home.refreshed()
    with closing(wiring.open_database(there)) as database:
        assert keep_partitions(database) > 0
    assert find_drift(there) == []
    assert send(there, "b", "c") == 1
    dies_at("followed", lambda: move.move(there, ring, move.origin(there, ring)))
    # What the record names is the table, whichever partition a row is in.
    assert send(there, "c", "d") == 1
    with closing(wiring.follow_database(there)) as database:
        database.write(owner, lambda tx: delete_facts(tx, AnalyticsEvent, {"event_key": "a"}))
        expected = database.query("SELECT event_key FROM analytics_events ORDER BY 1")
    move.move(there.refreshed(), ring, None)
    here = home.refreshed()
    assert here.database == home.database
    assert sqlite_rows(home.sqlite_path, "SELECT event_key FROM analytics_events ORDER BY 1") == expected
    assert find_drift(here) == []
    assert send(here, "a", "c", "e") == 2
    before = move.checksums(here)
    move.move(here, ring, url)
    assert move.checksums(home.refreshed()) == before
    assert send(home.refreshed(), "a", "e", "f") == 1


POINTS = (
    "prepared",
    "recording",
    "copying",
    "draining",
    "copied",
    "followed",
    "verifying",
    "verified",
    "bound",
    "switching",
    "switched",
    "completed",
)
"""Where the mover dies, one after the other, in one and the same move."""


def dies_at(point: str, run: Callable[[], object]) -> None:
    """Run something in a process that is killed at a point."""
    child = os.fork()
    if child == 0:
        os.environ["CRASH_AT"] = f"move.{point}"
        with suppress(BaseException):
            run()
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"{point} was not reached"
    assert os.WTERMSIG(status) == signal.SIGKILL


def names_of(settings: Settings, owner: object) -> Counter[str]:
    with closing(wiring.open_database(settings)) as database, database.read(owner) as reads:
        return Counter(campaign.name for campaign in reads.rows(Campaign))


@pytest.fixture(params=["sqlite", "postgresql"])
def start_of_move(
    request: pytest.FixtureRequest, tmp_path: Path, new_postgres_database: Callable[..., str]
) -> tuple[Settings, str]:
    """Give the settings of an installed database and an address to move to, both ways."""
    url, path = new_postgres_database(), f"sqlite:///{tmp_path / 'other' / 'new.db'}"
    home = settings_of(tmp_path / "data", None if request.param == "sqlite" else url)
    install(home)
    return home, url if request.param == "sqlite" else path


def test_a_mover_that_is_killed_anywhere_goes_on_where_it_was(start_of_move: tuple[Settings, str]) -> None:
    home, to = start_of_move
    ring = wiring.keyring(home)
    with closing(wiring.open_database(home)) as database:
        owner = fill(database).owner
    kept: list[str] = []
    for turn, point in enumerate(POINTS):
        dies_at(point, lambda turn=turn: move.move(home.refreshed(), ring, to if turn == 0 else None))
        # Each time as a process that knows nothing yet of a move.
        with closing(wiring.follow_database(home)) as database:
            kept.append(f"after {point}")
            database.write(owner, lambda tx, point=point: tx.insert(Campaign, name=f"after {point}", purpose="x"))
            with database.read(owner) as reads:
                some = reads.rows(Campaign, order="name")
            database.write(owner, lambda tx, some=some: tx.update(Campaign, some[-1].id, {"purpose": "changed"}))
            database.write(owner, lambda tx, some=some, turn=turn: trash(tx, Campaign, some[-2 - turn].id))
            with database.read(owner) as reads:
                expected = Counter(row.name for row in reads.rows(Campaign))
    move.move(home.refreshed(), ring, None)
    there = home.refreshed()
    assert there.database != home.database
    found = names_of(there, owner)
    assert found == expected
    assert all(found[name] <= 1 for name in kept)
    assert find_drift(there) == []
    with pytest.raises(NoMove):
        move.move(there, ring, None)


def test_an_ended_move_leaves_nothing_behind_and_can_begin_again(start_of_move: tuple[Settings, str]) -> None:
    home, to = start_of_move
    ring = wiring.keyring(home)
    with closing(wiring.open_database(home)) as database:
        owner = fill(database).owner
    before = move.checksums(home)
    dies_at("followed", lambda: move.move(home, ring, to))
    assert find_drift(home) == []
    with pytest.raises(MoveUnfinished):
        migrate.downgrade(home)
    with pytest.raises(MoveRefused, match="is unfinished"):
        move.move(home, ring, f"sqlite:///{home.data_dir}/elsewhere.db")
    move.cancel(home, ring)
    with pytest.raises(NoMove):
        move.cancel(home, ring)
    assert find_drift(home) == []
    assert move.checksums(home) == before
    with closing(wiring.open_database(home)) as database:
        database.write(owner, lambda tx: tx.insert(Campaign, name="later", purpose="x"))
    before = move.checksums(home)
    move.move(home, ring, to)
    assert move.checksums(home.refreshed()) == before


def test_a_row_that_somebody_changes_on_the_target_is_found_and_named(
    home: Settings, new_postgres_database: Callable[..., str]
) -> None:
    ring, url = wiring.keyring(home), new_postgres_database()
    with closing(wiring.open_database(home)) as database:
        fill(database)
    dies_at("followed", lambda: move.move(home, ring, url))
    with psycopg.connect(url) as connection:
        changed = connection.execute(
            "UPDATE campaigns SET name = 'other' WHERE name LIKE 'Campaign 7%' RETURNING id"
        ).fetchone()
    assert changed is not None
    with pytest.raises(RowsDiffer, match=f"{changed[0]} of campaigns"):
        move.move(home, ring, None)
    assert home.refreshed().database == home.database
    move.cancel(home, ring)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_a_target_that_can_not_be_used_is_refused_and_the_source_is_untouched(
    home: Settings, new_postgres_database: Callable[..., str], postgres: PostgresServer
) -> None:
    ring, url = wiring.keyring(home), new_postgres_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE campaigns (id int)")
        connection.execute("DROP ROLE IF EXISTS guest")
        connection.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    guest = new_postgres_database().replace(f"growbase:{postgres.password}", "guest:guest")
    cases = {
        url: "not empty .it has campaigns",
        guest: "guest may not create tables there: GRANT CREATE",
        str(home.database): "the database the data are in",
        "mysql://x": "must begin with postgresql",
        "postgresql://127.0.0.1:1/nowhere": "not available",
    }
    for address, message in cases.items():
        with pytest.raises(GrowbaseError, match=message):
            move.move(home, ring, address)
    assert move.plan(home, url).problems
    assert find_drift(home) == []
    with closing(move_steps.end_of(home)) as end:
        assert end.fact(move_steps.STATE) is None
        assert "move_dirty" not in end.tables()


def test_a_move_into_a_schema_of_its_own_and_back(home: Settings, new_postgres_database: Callable[..., str]) -> None:
    ring, url = wiring.keyring(home), f"{new_postgres_database()}?schema=Shop"  # which is not there yet
    with closing(wiring.follow_database(home)) as database:
        owner = fill(database).owner
        before = move.checksums(home)
        move.move(home, ring, url)
        there = home.refreshed()
        assert (there.database_schema, there.place_url) == ("Shop", url)
        assert move.checksums(there) == before
        assert find_drift(there) == []
        database.write(owner, lambda tx: tx.insert(Campaign, name="new", purpose="x"))
        with psycopg.connect(there.database) as connection:
            counted = connection.execute('SELECT count(*) FROM "Shop".campaigns').fetchone()
            assert counted == (31,)
            made = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
            assert made == (0,)
        before = move.checksums(there)
        move.move(there, ring, move.origin(there, ring))
        assert move.checksums(home.refreshed()) == before


def test_a_target_with_another_revision_an_old_server_or_a_pooler_is_refused_with_what_to_do(
    home: Settings, new_postgres_database: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ring, url = wiring.keyring(home), new_postgres_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num text)")
        own = migrate.current(home)
        for revision in ("0001", "9999"):
            connection.execute("DELETE FROM alembic_version")
            connection.execute("INSERT INTO alembic_version VALUES (%s)", (revision,))
            said = f"at revision {revision}, this one is at {own}.: give an empty database"
            with pytest.raises(MoveRefused, match=said):
                move.move(home, ring, url)
        connection.execute("DROP TABLE alembic_version")
    with pytest.raises(MoveRefused, match="give the address of PostgreSQL itself"):
        move.move(home, ring, f"{url}?pgbouncer=true")
    monkeypatch.setattr(move_postgres, "OLDEST", 990_000)
    with pytest.raises(MoveRefused, match=r"PostgreSQL \d+\.\d+.* is too old: take 15 or newer"):
        move.move(home, ring, url)
    with closing(move_steps.end_of(home)) as end:
        assert end.fact(move_steps.STATE) is None


def test_jobs_queued_or_at_work_when_the_data_move_are_done_once_over_there(
    home: Settings, new_postgres_database: Callable[..., str]
) -> None:
    began, go_on = threading.Event(), threading.Event()
    runs: list[tuple[str, str]] = []

    def task(database: Database, _: Actor, job: Job) -> None:
        name = str(job.payload["name"])
        if name == "at work":
            began.set()
            assert go_on.wait(30)
        runs.append((name, database.engine))

    with closing(wiring.follow_database(home)) as database:
        owner = fill(database).owner
        worker = Worker(database, {"probe": task}, lock=home.data_dir / "worker.lock", concurrency=1)
        worker.start()
        try:
            for name in ("at work", "queued"):  # for which there is no room meanwhile
                database.write(owner, lambda tx, name=name: tx.enqueue("probe", {"name": name}, queue="default"))
            assert began.wait(30)
            move.move(home, wiring.keyring(home), new_postgres_database())
            assert runs == []
            go_on.set()
            wait_until(lambda: len(runs) == 2, "both jobs")
            wait_until(lambda: done_jobs(database) == [("succeeded", 1)] * 2, "both to be written down")
        finally:
            go_on.set()
            worker.stop()
        assert runs == [("at work", "postgresql"), ("queued", "postgresql")]
        with closing(wiring.open_database(home)) as old:
            assert sorted(done_jobs(old)) == [("queued", 0), ("running", 1)]


def done_jobs(database: Database) -> list[tuple[str, int]]:
    return [tuple(row) for row in database.query("SELECT status, attempts FROM jobs WHERE kind = 'probe'")]


def test_an_address_that_contradicts_the_move_is_explained(home: Settings, tmp_path: Path) -> None:
    move.move(home, wiring.keyring(home), f"sqlite:///{tmp_path / 'new.db'}")
    assert load_settings({"GROWBASE_DATA_DIR": str(home.data_dir)}).sqlite_path == tmp_path / "new.db"
    env = {"GROWBASE_DATA_DIR": str(home.data_dir), "GROWBASE_DATABASE_URL": f"sqlite:///{tmp_path / 'third.db'}"}
    with pytest.raises(ConfigError, match="says that the data are at"):
        load_settings(env)
    assert load_settings({**env, "GROWBASE_DATABASE_URL": f"sqlite:///{tmp_path / 'new.db'}"}).sqlite_path


class Clients:
    """Some clients that write to a server until they are stopped, and remember what was acknowledged."""

    def __init__(self, running: Server, name: str, count: int = 4) -> None:
        self.running, self.token, self.name = running, running.login(), name
        self.kept: list[str] = []
        self.refused: list[object] = []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._write, args=(number,)) for number in range(count)]
        self.threads.append(threading.Thread(target=self._read))

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)

    def _read(self) -> None:
        while not self.stopping.is_set():
            status, answer = self.running.request("GET", "/api/brands?sort=-created_at&limit=5", token=self.token)
            if status != 200:
                self.refused.append(answer)
            time.sleep(0.005)

    def _write(self, number: int) -> None:
        turn = 0
        while not self.stopping.is_set():
            turn += 1
            name = f"{self.name}/{number}/{turn}"
            status, answer = self.running.request("POST", "/api/brands", {"name": name}, self.token)
            if status == 201:
                self.kept.append(name)
            else:
                self.refused.append(answer)
            time.sleep(0.005)


def growbase(running: Server, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, **running.env, **env}
    command = [sys.executable, "-m", "growbase", *words]
    return subprocess.run(command, env=given, cwd=running.folder, capture_output=True, text=True, check=False)


def test_no_acknowledged_write_is_lost_or_doubled_while_the_data_move_under_load(
    tmp_path: Path, new_postgres_database: Callable[..., str]
) -> None:
    url = new_postgres_database()
    with server(tmp_path, GROWBASE_PROCESSES="2", GROWBASE_DEMO_DATA="false") as running:
        with Clients(running, "there") as clients:
            # The mover dies right after the switch: the servers find their way alone.
            died = growbase(running, "move", "--to", url, CRASH_AT="move.switched")
            assert died.returncode == -signal.SIGKILL, died.stderr
            reached = len(clients.kept)
            wait_until(lambda: len(clients.kept) > reached + 50, "the new database", running.process)
        assert clients.refused == []
        kept = Counter(clients.kept)
        kill_group(running.process)
    with server(tmp_path, "serve", port=running.port, GROWBASE_DEMO_DATA="false") as running:
        done = growbase(running, "move")
        assert done.returncode == 0, done.stderr
        assert running.request("GET", "/api/health")[1]["engine"] == "postgresql"
        with psycopg.connect(url) as connection:
            rows = connection.execute("SELECT name FROM brands WHERE name LIKE '%/%'").fetchall()
            changes = connection.execute("SELECT count(*) FROM changes WHERE entity = 'brands'").fetchone()
        found = Counter(name for (name,) in rows)
        assert found == kept
        assert changes == (len(rows),)
        # And back, under load again, without anybody dying.
        with Clients(running, "back") as clients:
            done = growbase(running, "move", "--back")
            assert done.returncode == 0, done.stderr
            reached = len(clients.kept)
            wait_until(lambda: len(clients.kept) > reached + 50, "the old engine", running.process)
        assert clients.refused == []
        assert running.request("GET", "/api/health")[1]["engine"] == "sqlite"
        kill_group(running.process)
    rows = sqlite_rows(tmp_path / "data" / "growbase.db", "SELECT name FROM brands WHERE name LIKE '%/%'")
    assert Counter(name for (name,) in rows) == kept + Counter(clients.kept)
