"""Every check finds its fault in a demo database, names it, and is silent again once the fault is mended."""

import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from typer.testing import CliRunner

from growbase import wiring
from growbase.cli.app import app
from growbase.core.actor import system
from growbase.core.clock import new_id, now
from growbase.core.config import Settings
from growbase.core.crypto import Keyring
from growbase.core.database import Database
from growbase.core.files import open_files
from growbase.core.seals import seal_log
from growbase.core.sqlite_connection import connect
from growbase.core.types import moment_text
from growbase.domains.identity.models_webhooks import WebhookEndpoint
from growbase.domains.marketing.actions_analytics import ingest_events, prepare_events
from growbase.ops import doctor, maintenance, migrate
from growbase.ops.checks import engine as checks_engine
from growbase.ops.checks.finding import Check, Finding, Patient
from growbase.ops.checks.finding import error as checks_error
from growbase.ops.copies import copy_file
from growbase.ops.doctor import CHECKS, examine, mend, name_of
from growbase.ops.guard import install_facts
from growbase.ops.history import revisions
from growbase.ops.keyring import prove
from growbase.ops.reference import install_reference_data
from growbase.ops.seed import seed_demo
from tests.postgres import PostgresServer

TRIGGERS = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
UNDURABLE = {"fsync", "full_page_writes", "synchronous_commit"}
"""What the tests' PostgreSQL really has switched off."""


@dataclass(frozen=True)
class Demo:
    """An installed database with demo data, whose rows can be changed past the program."""

    settings: Settings
    database: Database

    @property
    def patient(self) -> Patient:
        return Patient(self.settings, self.database, open_files(self.settings))

    def sql(self, *statements: str) -> None:
        """Run statements without triggers and foreign keys."""
        if self.settings.is_postgresql:
            with psycopg.connect(self.settings.database, autocommit=True) as connection:
                connection.execute("SET session_replication_role = replica")
                for sql in statements:
                    connection.execute(sql.encode())
            return
        assert self.settings.sqlite_path is not None
        with closing(connect(self.settings.sqlite_path)) as connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            triggers = connection.execute(TRIGGERS).fetchall()
            drops, creates = [f"DROP TRIGGER {name}" for name, _ in triggers], [sql for _, sql in triggers]
            for sql in (*drops, *statements, *creates):
                connection.execute(sql)

    def value(self, sql: str) -> Any:  # noqa: ANN401 -- any column's value
        return self.database.query(sql)[0][0]

    def moment(self, back: timedelta) -> str:
        return f"'{moment_text(now() - back)}'"

    def findings(self, *checks: Check) -> list[Finding]:
        return [found for found in examine(self.patient, checks) if found.where not in UNDURABLE]


@pytest.fixture(scope="module")
def demo(engine: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("doctor")
    folder.chmod(0o700)
    if engine == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), folder / "growbase.db")
        settings = Settings(data_dir=folder)
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.create_database(template=request.getfixturevalue("postgres_template"))
        settings = Settings(data_dir=folder, database_url=url, pool_max=4)
    migrate.stamp(settings)
    database = wiring.open_database(settings)
    install_facts(database, settings)
    prove(database)
    install_reference_data(database)
    seeded = seed_demo(database, settings)
    actor = system("tests", seeded.organization_id)
    database.write(actor, lambda tx: tx.insert(WebhookEndpoint, url="https://example.com/hook", secret="whsec"))
    seal_log(database)
    yield Demo(settings, database)
    database.close()
    if engine == "postgres":
        server.drop_database(url)


def test_a_healthy_demo_database_has_nothing(demo: Demo) -> None:
    steps: list[tuple[str, int, int]] = []
    found = [*examine(demo.patient, progress=lambda *step: steps.append(step))]
    assert [finding for finding in found if finding.where not in UNDURABLE] == []
    assert [name for name, *_ in steps] == [*map(name_of, CHECKS), ""]
    light = Patient(demo.settings, demo.database, demo.patient.files, deep=False)
    assert [finding for finding in examine(light) if finding.where not in UNDURABLE] == []


@dataclass(frozen=True)
class Case:
    """A fault: ``plant`` and ``undo`` are SQL; without ``undo`` the repair must mend it."""

    check: str
    plant: Callable[[Demo], list[str]]
    says: str
    undo: Callable[[Demo], list[str]] | None = None


def planted(*sql: str) -> Callable[[Demo], list[str]]:
    return lambda _: [*sql]


def job(demo: Demo, status: str) -> list[str]:
    late, number = demo.moment(timedelta(hours=1)), "0" if demo.database.engine == "sqlite" else "false"
    keys = f"'{new_id()}', 'planted', 'noop', '{{}}'"
    return [
        (
            "INSERT INTO jobs (id, queue, kind, payload, priority, status, run_at, due, attempts, lease_until, "
            f"lease_token, progress, created_at) VALUES ({keys}, 100, '{status}', {late}, "
            f"{number}, 1, {late}, '{new_id()}', 0, {late})"
        )
    ]


def schedule(demo: Demo, next_run: timedelta, status: str) -> list[str]:
    columns = "(name, rule, next_run_at, last_status, last_error)"
    at = demo.moment(next_run)
    return [f"INSERT INTO schedules {columns} VALUES ('planted', 'every 60s', {at}, '{status}', 'no disk')"]


def second_subscription(demo: Demo) -> list[str]:
    names = [column for column in columns_of(demo, "subscriptions") if column != "id"]
    listed = ", ".join(names)
    return [
        "DROP INDEX uq_subscriptions_organization_id",
        (
            f"INSERT INTO subscriptions (id, {listed}) SELECT '{new_id()}', {listed} FROM subscriptions "
            "WHERE status = 'active' LIMIT 1"
        ),
    ]


def columns_of(demo: Demo, table: str) -> list[str]:
    return [column.name for column in demo.database.catalog.models[table].__table__.columns]


def copied_change(demo: Demo) -> list[str]:
    first = "SELECT min(seq) FROM changes"
    return [f"UPDATE changes SET actor_label = 'x' || actor_label WHERE seq = ({first})"]


NO_JOBS = planted("DELETE FROM jobs WHERE queue = 'planted'")
NO_SCHEDULE = planted("DELETE FROM schedules WHERE name = 'planted'")
FIRST_BRAND = "SELECT id FROM brands ORDER BY id LIMIT 1"
CASES = [
    Case("migrations", planted("DELETE FROM alembic_version"), "lacks", lambda demo: [stamped(demo)]),
    Case(
        "drift",
        planted("CREATE INDEX ix_brands_planted ON brands (name)"),
        "not declared",
        planted("DROP INDEX ix_brands_planted"),
    ),
    Case("usage", planted("UPDATE usage_counters SET used = used + 7 WHERE metric = 'team_members'"), "team_members"),
    Case(
        "order_totals",
        planted(
            "UPDATE purchase_orders SET subtotal_minor = subtotal_minor + 100, total_minor = total_minor + 100 "
            "WHERE id = (SELECT id FROM purchase_orders WHERE status = 'draft' LIMIT 1)"
        ),
        "made of",
    ),
    Case(
        "one_subscription",
        second_subscription,
        "2 live",
        planted(
            "DELETE FROM subscriptions WHERE id = (SELECT id FROM subscriptions WHERE status = 'active' "
            "ORDER BY id DESC LIMIT 1)",
            "CREATE UNIQUE INDEX uq_subscriptions_organization_id ON subscriptions (organization_id) "
            "WHERE status NOT IN ('canceled', 'expired')",
        ),
    ),
    Case("search", planted(f"DELETE FROM search_documents WHERE entity_id = ({FIRST_BRAND})"), "can't be found"),
    Case(
        "search", planted(f"UPDATE search_documents SET words = 'zzz' WHERE entity_id = ({FIRST_BRAND})"), "other words"
    ),
    Case("search", lambda _: [left_over()], "not there"),
    Case("jobs", lambda demo: job(demo, "running"), "workers are gone", NO_JOBS),
    Case("jobs", lambda demo: job(demo, "dead"), "failed for good", NO_JOBS),
    Case("schedules", lambda demo: schedule(demo, timedelta(hours=1), "succeeded"), "overdue", NO_SCHEDULE),
    Case("schedules", lambda demo: schedule(demo, -timedelta(hours=1), "failed"), "no disk", NO_SCHEDULE),
    Case(
        "seals",
        copied_change,
        "changed after it was sealed",
        planted("UPDATE changes SET actor_label = substr(actor_label, 2) WHERE seq = (SELECT min(seq) FROM changes)"),
    ),
    Case(
        "logical_references",
        lambda demo: [
            line.replace("kind, payload", "organization_id, kind, payload").replace(
                "'noop', '{}'", f"'{new_id()}', 'noop', '{{}}'"
            )
            for line in job(demo, "queued")
        ],
        "not there",
        NO_JOBS,
    ),
    Case(
        "foreign_keys",
        planted("UPDATE campaigns SET brand_id = '00000000-0000-7000-8000-000000000001' WHERE brand_id IS NOT NULL"),
        "brands",
        lambda demo: [f"UPDATE campaigns SET brand_id = '{demo.value(FIRST_BRAND)}' WHERE brand_id IS NOT NULL"],
    ),
    Case(
        "clock_skew",
        lambda demo: [dated_change(demo, -timedelta(hours=1))],
        "yet to come",
        lambda demo: [f"UPDATE changes SET occurred_at = {demo.moment(timedelta(0))} WHERE seq = {last(demo)}"],
    ),
    Case(
        "webhooks",
        planted(
            "UPDATE webhook_endpoints SET status = 'disabled', disabled_reason = 'it kept failing' WHERE id = "
            "(SELECT id FROM webhook_endpoints WHERE deleted_at IS NULL LIMIT 1)"
        ),
        "kept failing",
        planted("UPDATE webhook_endpoints SET status = 'active', disabled_reason = NULL"),
    ),
]


def left_over() -> str:
    return (
        "INSERT INTO search_documents (organization_id, entity, entity_id, words) "
        f"SELECT organization_id, 'brands', '{new_id()}', 'ghost' FROM brands LIMIT 1"
    )


def dated_change(demo: Demo, back: timedelta) -> str:
    """Return what gives a new entry of the log, which is not sealed yet, another time."""
    demo.database.write(system("tests"), lambda tx: tx.record("login", "users", None))
    return f"UPDATE changes SET occurred_at = {demo.moment(back)} WHERE seq = {last(demo)}"


def last(demo: Demo) -> int:
    seq: int = demo.value("SELECT max(seq) FROM changes")
    return seq


def stamped(demo: Demo) -> str:
    return f"INSERT INTO alembic_version (version_num) VALUES ('{revisions()[-1].id}')"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.check}-{case.says}")
def test_a_planted_fault_is_found_and_mended(demo: Demo, case: Case) -> None:
    (check,) = [found for found in CHECKS if name_of(found) == case.check]
    demo.sql(*case.plant(demo))
    found = demo.findings(check)
    assert found
    assert any(case.says in finding.what for finding in found), found
    assert {finding.check for finding in found} == {case.check}
    done = [*mend(found)]
    assert [one.problem for one in done if one.problem] == []
    if case.undo is None:
        assert len(done) == len(found)
    else:
        demo.sql(*case.undo(demo))
    assert demo.findings(check) == []


# -- what is no row ---------------------------------------------------------------------------------------------------


def found_by(patient: Patient, check: str) -> list[Finding]:
    return [*examine(patient, [found for found in CHECKS if name_of(found) == check])]


def changed(demo: Demo, **values: Any) -> Patient:  # noqa: ANN401 -- settings
    settings = Settings(**{"data_dir": demo.settings.data_dir, "database_url": demo.settings.database_url, **values})
    return replace(demo.patient, settings=settings)


def test_little_space_and_unsafe_settings_are_found(demo: Demo) -> None:
    (full,) = found_by(changed(demo, disk_free_min_mb=10**9), "disk")
    assert (full.severity, full.where) == ("error", str(demo.settings.data_dir))
    unsafe = found_by(changed(demo, environment="production"), "settings")
    assert "GROWBASE_DEMO_DATA" in {finding.where for finding in unsafe}


def test_keys_that_others_can_read_are_closed(demo: Demo) -> None:
    keys = demo.settings.data_dir / "keyring"
    if not keys.exists():
        keys.touch(0o600)
    keys.chmod(0o644)
    demo.settings.data_dir.chmod(0o755)
    found = demo.findings(*[check for check in CHECKS if name_of(check) == "permissions"])
    assert [(finding.where, finding.severity) for finding in found] == [
        (str(keys), "error"),
        (str(demo.settings.data_dir), "warning"),
    ]
    assert [done.problem for done in mend(found)] == [None, None]
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert found_by(demo.patient, "permissions") == []


def test_a_wrong_key_is_found(demo: Demo) -> None:
    ring = demo.database.context.keyring
    object.__setattr__(demo.database.context, "keyring", Keyring.generate())
    found = found_by(demo.patient, "keys")
    object.__setattr__(demo.database.context, "keyring", ring)
    assert any(ring.current_id in finding.what for finding in found)
    assert "webhook_endpoints.secret_cipher" in {finding.where for finding in found}


def test_files_without_rows_and_rows_without_files_are_found(demo: Demo) -> None:
    folder = demo.patient.files.folder
    assert folder is not None
    (key, id), *_ = demo.database.query("SELECT storage_key, id FROM assets WHERE purged_at IS NULL LIMIT 1")
    lost, stray = folder / key, folder / "stray" / "file"
    content = lost.read_bytes()
    lost.unlink()
    stray.parent.mkdir()
    stray.write_bytes(b"bytes")
    os.utime(stray, (0, 0))
    found = demo.findings(*[check for check in CHECKS if name_of(check) == "files"])
    assert {finding.where for finding in found} == {f"assets {id}", "storage"}
    assert [done.finding.where for done in mend(found)] == ["storage"]
    assert not stray.exists()
    lost.write_bytes(content)
    assert found_by(demo.patient, "files") == []


def test_sums_that_are_not_those_of_their_events_are_made_anew(demo: Demo) -> None:
    organization_id = demo.database.query("SELECT id FROM organizations LIMIT 1")[0][0]
    actor = system("tests", UUID(str(organization_id)))
    event = {"event_type": "view", "event_key": "planted", "occurred_at": moment_text(now())}
    demo.database.write(actor, lambda tx: ingest_events(tx, events=prepare_events([event])))
    assert found_by(demo.patient, "rollups") == []
    demo.sql("UPDATE analytics_daily SET count = count + 1")
    found = found_by(demo.patient, "rollups")
    assert found
    assert [done.problem for done in mend(found) if done.problem] == []
    assert found_by(demo.patient, "rollups") == []


def test_a_reader_that_does_not_come_on_is_found(demo: Demo) -> None:
    before = demo.database.query("SELECT tx, seq FROM changes ORDER BY tx DESC, seq DESC LIMIT 1")[0]
    values = f"VALUES ('slow', {before[0]}, {before[1]}, {demo.moment(timedelta(0))})"
    demo.sql(f"INSERT INTO readers (name, position_tx, position_seq, updated_at) {values}")
    assert found_by(demo.patient, "readers") == []
    demo.sql(dated_change(demo, timedelta(hours=2)))
    (found,) = found_by(demo.patient, "readers")
    assert found.where == "reader slow"
    demo.sql("DELETE FROM readers WHERE name = 'slow'")


def test_what_can_not_be_checked_is_an_error_and_the_others_go_on(demo: Demo) -> None:
    def broken(_: Patient) -> list[Finding]:
        raise OSError("no such device")

    found = [*examine(demo.patient, [broken, *[check for check in CHECKS if name_of(check) == "jobs"]])]
    assert [(finding.check, finding.severity) for finding in found] == [("broken", "error")]
    assert "no such device" in found[0].what


def test_a_transaction_that_holds_the_feed_is_named(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    if not demo.settings.is_postgresql:
        assert found_by(demo.patient, "long_transactions") == []
        return
    monkeypatch.setattr(checks_engine, "HELD", timedelta(0))
    with psycopg.connect(demo.settings.database, application_name="forgotten") as connection:
        (pid,) = connection.execute("SELECT pg_backend_pid() FROM pg_current_xact_id()").fetchone() or (0,)
        found = found_by(demo.patient, "long_transactions")
        assert f"pid {pid}" in {finding.where for finding in found}
        assert any("forgotten" in finding.what for finding in found)


def test_a_server_whose_clock_differs_is_found(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks_engine, "clock", SimpleNamespace(now=lambda: now() + timedelta(hours=1)))
    found = [(finding.where, finding.severity) for finding in found_by(demo.patient, "clock_skew")]
    assert found == ([("database server", "error")] if demo.settings.is_postgresql else [])


def test_a_repair_that_fails_says_why_and_the_next_one_goes_on() -> None:
    def refused() -> None:
        raise PermissionError("not the owner")

    broken, fine = (checks_error("x", "y", "z", repair) for repair in (refused, lambda: None))
    assert [done.problem for done in mend([broken, fine])] == ["not the owner", None]


def test_settings_of_postgresql_that_lose_writes_are_found(demo: Demo) -> None:
    found = found_by(changed(demo, pool_max=1_000, processes=2), "connections")
    names = {finding.where for finding in found_by(demo.patient, "postgresql_settings")}
    if demo.settings.is_postgresql:
        assert {"fsync", "full_page_writes"} <= names
        assert [finding.where for finding in found] == ["max_connections"]
        demo.database.query("SELECT pg_create_physical_replication_slot('dead', true)")
        slots = {finding.where for finding in found_by(demo.patient, "postgresql_settings")} - names
        demo.database.query("SELECT pg_drop_replication_slot('dead')")
        assert slots == {"dead", "max_slot_wal_keep_size"}
    else:
        assert (found, names) == ([], set())


def test_a_flipped_byte_is_found_the_table_named_and_the_last_good_backup_offered(demo: Demo, tmp_path: Path) -> None:
    if demo.settings.is_postgresql:
        pytest.skip("PostgreSQL's pages are behind its server")
    path = tmp_path / "growbase.db"
    assert demo.settings.sqlite_path is not None
    copy_file(demo.settings.sqlite_path, path)
    (tmp_path / "backups").mkdir()
    good, bad = tmp_path / "backups" / "good.db", tmp_path / "backups" / "newer.db"
    copy_file(path, good)
    with closing(connect(path)) as connection:
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'brands'").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[(root - 1) * size] ^= 0xFF
    path.write_bytes(content)
    bad.write_bytes(content)
    os.utime(good, (1, 1))
    settings = Settings(data_dir=tmp_path)
    with closing(wiring.open_database(settings)) as database:
        found = [*examine(Patient(settings, database, open_files(settings)))]
    damaged = [finding for finding in found if finding.check == "integrity"]
    assert [(finding.where, finding.severity) for finding in damaged] == [("brands", "error")]
    assert str(good) in damaged[0].fix


def test_a_damaged_page_of_postgresql_is_found_and_the_table_and_index_named(
    demo: Demo, request: pytest.FixtureRequest
) -> None:
    if not demo.settings.is_postgresql:
        pytest.skip("the test above is SQLite's")
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION amcheck")
        connection.execute("CREATE TABLE crates AS SELECT n, repeat('x', 50) AS label FROM generate_series(1, 500) n")
        connection.execute("CREATE INDEX ix_crates ON crates (n)")
        connection.execute("CREATE TABLE whole AS SELECT 1 AS n")
        named = "SELECT pg_relation_filepath('crates'), pg_relation_filepath('ix_crates')"
        paths = connection.execute(named).fetchone() or ()
    assert [*examine(with_database(demo, url), [checks_engine.integrity])] == []
    server.execute("CHECKPOINT")
    for path in paths:
        file = server.folder / "data" / path
        content = bytearray(file.read_bytes())
        content[8192 + 13] ^= 0xFF  # where the free space of the second page begins
        file.write_bytes(content)
    # The server has the whole pages in its memory, so it is asked to copy the files.
    copy = f"{url}_copy"
    names = [one.rpartition("/")[2] for one in (url, copy)]
    server.execute(f'CREATE DATABASE "{names[1]}" TEMPLATE "{names[0]}" STRATEGY FILE_COPY')
    found = [*examine(with_database(demo, copy), [checks_engine.integrity])]
    assert [(finding.where, finding.severity) for finding in found] == [("crates", "error"), ("ix_crates", "error")]
    for one in (url, copy):
        server.drop_database(one)


def with_database(demo: Demo, url: str) -> Patient:
    return replace(demo.patient, settings=Settings(data_dir=demo.settings.data_dir, database_url=url))


def test_the_command_repairs_and_tells_by_its_exit_code(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROWBASE_DATA_DIR", str(demo.settings.data_dir))
    if demo.settings.is_postgresql:
        monkeypatch.setenv("GROWBASE_DATABASE_URL", demo.settings.database)
        monkeypatch.setattr(checks_engine, "postgresql_settings", lambda _: [])
        monkeypatch.setattr(doctor, "CHECKS", [one for one in CHECKS if name_of(one) != "postgresql_settings"])
    demo.sql(f"DELETE FROM search_documents WHERE entity_id = ({FIRST_BRAND})")
    broken = CliRunner().invoke(app, ["doctor", "--json"])
    assert broken.exit_code == 2, broken.output
    (finding,) = json.loads(broken.stdout)["findings"]
    assert (finding["check"], finding["repairable"]) == ("search", True)
    mended = CliRunner().invoke(app, ["doctor", "--repair"])
    assert mended.exit_code == 0, mended.output
    assert "mended" in mended.stdout
    again = CliRunner().invoke(app, ["doctor", "--light"])
    assert (again.exit_code, "0 errors, 0 warnings" in again.stdout) == (0, True)


def test_backups_and_drills_that_failed_or_are_old_are_found(demo: Demo) -> None:
    kinds = "id TEXT, started_at TEXT, finished_at TEXT, status TEXT, error TEXT"
    if demo.settings.is_postgresql:
        kinds = kinds.replace("_at TEXT", "_at TIMESTAMPTZ")
    columns, id = "(id, started_at, finished_at, status, error)", new_id()
    old, new = demo.moment(timedelta(days=9)), demo.moment(timedelta(hours=1))
    demo.sql(f"CREATE TABLE IF NOT EXISTS backups ({kinds})", f"CREATE TABLE IF NOT EXISTS drills ({kinds})")
    assert found_by(demo.patient, "backups") == []
    production = changed(demo, environment="production")
    assert [finding.what for finding in found_by(production, "backups")] == [
        "There is no backup yet.",
        "There is no drill yet.",
    ]
    demo.sql(
        f"INSERT INTO backups {columns} VALUES ('{id}', {old}, {old}, 'succeeded', NULL)",
        f"INSERT INTO drills {columns} VALUES ('{id}', {new}, {new}, 'failed', 'a table is missing')",
    )
    found = found_by(demo.patient, "backups")
    assert [(finding.where, finding.severity) for finding in found] == [("backups", "error"), ("drills", "error")]
    assert "a table is missing" in found[1].what
    demo.sql("DELETE FROM backups", "DELETE FROM drills")


def test_behind_a_closed_gate_repairs_go_on_and_nobody_is_missed(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROWBASE_DATA_DIR", str(demo.settings.data_dir))
    monkeypatch.setattr(doctor, "CHECKS", [one for one in CHECKS if name_of(one) in {"usage", "jobs", "schedules"}])
    if demo.settings.is_postgresql:
        monkeypatch.setenv("GROWBASE_DATABASE_URL", demo.settings.database)
    with closing(wiring.open_database(demo.settings)) as operator:
        maintenance.begin(operator, seconds=0)
        demo.sql("UPDATE usage_counters SET used = used + 7", *job(demo, "running"))
        demo.sql(*schedule(demo, timedelta(hours=1), "succeeded"))
        done = CliRunner().invoke(app, ["doctor", "--repair", "--json"])
        maintenance.end(operator)
    assert done.exit_code == 0, done.output
    assert {mended["check"] for mended in json.loads(done.stdout)["mended"]} == {"usage"}
    demo.sql(*NO_JOBS(demo), *NO_SCHEDULE(demo))
