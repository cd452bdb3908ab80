"""Installing, upgrading and going back: all or nothing, one deployer at a time, and equal to what models declare."""

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pysqlite3
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from growbase import wiring
from growbase.core import ddl
from growbase.core.config import Settings
from growbase.ops import connections, migrate
from growbase.ops.catalogs import Catalog, read_catalog
from growbase.ops.connections import reader
from growbase.ops.copies import KEPT
from growbase.ops.drift import find_drift
from growbase.ops.history import CORE, FOLDER, History, declared, revisions
from growbase.ops.plan import plan
from tests.processes import wait_until

NEWEST = revisions()[-1].id
REVISION = '''"""{name}."""

from alembic import op

revision = "{id}"
down_revision = {down!r}


def upgrade() -> None:
{body}


def downgrade() -> None:
    op.execute("DROP TABLE {name}")
'''


@pytest.fixture
def empty(database_url: str, tmp_path: Path) -> Settings:
    """Give the settings of a database without anything in it."""
    wiring.catalog()
    return Settings(data_dir=tmp_path, database_url=SecretStr(database_url))


@pytest.fixture
def history(tmp_path: Path) -> History:
    (tmp_path / "history").mkdir()
    return replace(CORE, folder=tmp_path / "history")


def write(history: History, name: str, *statements: str, body: str = "") -> None:
    number = len(list(history.folder.glob("*.py"))) + 1
    lines = [f"    op.execute({statement!r})" for statement in statements] + ([body] if body else [])
    text = REVISION.format(
        name=name, id=f"{number:04}", down=f"{number - 1:04}" if number > 1 else None, body="\n".join(lines)
    )
    (history.folder / f"{number:04}_{name}.py").write_text(text)


def execute(settings: Settings, *statements: str) -> None:
    connection: Any
    if settings.sqlite_path:
        connection = pysqlite3.connect(str(settings.sqlite_path), isolation_level=None)
    else:
        connection = psycopg.connect(settings.database, autocommit=True)
    with closing(connection):
        for statement in statements:
            connection.execute(statement)


def query(settings: Settings, sql: str) -> list[Any]:
    with reader(settings) as rows:
        return [tuple(row) for row in rows(sql)]


def catalog(settings: Settings) -> Catalog:
    with reader(settings) as rows:
        return read_catalog(connections.engine_name(settings), rows)


def test_a_fresh_install_is_what_the_models_declare(empty: Settings) -> None:
    ids = [revision.id for revision in revisions()]
    assert migrate.current(empty) is None
    assert migrate.pending(empty) == ids
    assert migrate.upgrade(empty) == ids
    assert migrate.current(empty) == ids[-1]
    assert migrate.pending(empty) == []
    assert migrate.upgrade(empty) == []
    assert find_drift(empty) == []
    migrate.require_current(empty)


def test_the_revisions_declare_the_models() -> None:
    from growbase.ops.difference import difference, wanted

    wiring.catalog()
    assert difference(declared(), wanted()).source == []


def test_every_revision_goes_back_and_comes_again(empty: Settings) -> None:
    migrate.upgrade(empty, NEWEST, CORE)
    whole = catalog(empty)
    assert migrate.downgrade(empty) == [revisions()[-1].id]
    assert migrate.downgrade(empty, "base") == [revision.id for revision in revisions()[:-1]]
    assert catalog(empty) == {}
    migrate.upgrade(empty, NEWEST, CORE)
    assert catalog(empty) == whole
    migrate.downgrade(empty, "base")
    migrate.upgrade(empty)
    assert catalog(empty) == whole


@pytest.mark.parametrize("name", ddl.ENGINES)
def test_the_whole_schema_is_that_of_the_models(name: str) -> None:
    wiring.catalog()
    written = (FOLDER / f"schema.{name}.sql").read_text(encoding="utf-8")
    assert written == ddl.script(name, NEWEST), "run growbase db schema --write src/growbase/migrations"


def test_the_whole_schema_is_what_the_revisions_make(empty: Settings, new_database: Callable[[], Settings]) -> None:
    migrate.upgrade(empty, NEWEST, CORE)
    other = new_database()
    migrate.upgrade(other)
    assert catalog(other) == catalog(empty)
    facts = "SELECT name, value FROM instance_facts"
    assert query(other, facts) == query(empty, facts)
    assert {
        table
        for kind, _, table in (name.partition(" ") for name in catalog(other))
        if kind == "table" and query(other, f"SELECT 1 FROM {table} LIMIT 1")
    } == {"instance_facts"}


def test_a_whole_schema_that_is_behind_is_brought_to_the_newest_revision(
    empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = revisions()[-2].id
    migrate.upgrade(empty, before, CORE)
    old = catalog(empty)
    migrate.upgrade(empty)
    whole = catalog(empty)
    migrate.downgrade(empty, "base")

    def made(connection: sa.Connection, _: str) -> str:
        config = migrate.configured(CORE)
        config.attributes["connection"] = connection
        migrate.run_alembic(lambda found, command: command.upgrade(found, before), config, CORE)
        return before

    monkeypatch.setattr(migrate, "install_fresh", made)
    migrate.upgrade(empty)
    assert catalog(empty) == whole != old


def test_a_schema_that_can_not_be_made_leaves_the_database_as_it_was(empty: Settings) -> None:
    execute(empty, "CREATE TABLE campaigns (id INTEGER PRIMARY KEY)")
    with pytest.raises(migrate.MigrationFailed, match="campaigns"):
        migrate.upgrade(empty)
    assert set(catalog(empty)) <= {"table campaigns", "index campaigns_pkey"}
    assert migrate.current(empty) is None


@pytest.fixture
def new_database(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], Settings]:
    def create() -> Settings:
        if engine == "sqlite":
            url = f"sqlite:///{tmp_path / 'other.db'}"
        else:
            url = request.getfixturevalue("new_postgres_database")()
        return Settings(data_dir=tmp_path, database_url=SecretStr(url))

    return create


@pytest.mark.parametrize("start", [None, "base"])
def test_the_plan_is_what_an_upgrade_runs(
    empty: Settings, new_database: Callable[[], Settings], start: str | None
) -> None:
    planned = plan(empty, start=start).sql
    assert migrate.current(empty) is None
    other = new_database()
    if other.sqlite_path:
        with closing(pysqlite3.connect(str(other.sqlite_path))) as connection:
            connection.executescript(planned)
    else:
        execute(other, planned)
    migrate.upgrade(empty)
    assert catalog(other) == catalog(empty)
    assert migrate.current(other) == migrate.current(empty)
    assert plan(empty).sql == ""


def test_a_stamp_runs_nothing(empty: Settings) -> None:
    migrate.stamp(empty)
    assert migrate.pending(empty) == []
    assert catalog(empty) == {}
    assert {drift.what for drift in find_drift(empty)} >= {"table changes is missing"}


def test_a_failed_migration_leaves_the_database_as_it_was(empty: Settings, history: History) -> None:
    write(history, "first", "CREATE TABLE first (id INTEGER PRIMARY KEY)", "INSERT INTO first VALUES (1)")
    migrate.upgrade(empty, history=history)
    before = catalog(empty)
    write(history, "second", "CREATE TABLE second (id INTEGER)", "DELETE FROM first", "INSERT INTO nowhere VALUES (1)")
    with pytest.raises(migrate.MigrationFailed, match="nowhere"):
        migrate.upgrade(empty, history=history)
    assert migrate.current(empty) == "0001"
    assert catalog(empty) == before
    assert query(empty, "SELECT id FROM first") == [(1,)]


def test_of_several_migrations_all_are_applied_or_none(empty: Settings, history: History) -> None:
    write(history, "first", "CREATE TABLE first (id INTEGER PRIMARY KEY)")
    write(history, "second", "CREATE TABLE first (id INTEGER PRIMARY KEY)")
    with pytest.raises(migrate.MigrationFailed, match="already exists"):
        migrate.upgrade(empty, history=history)
    assert migrate.current(empty) is None
    assert catalog(empty) == {}


def test_what_a_failed_migration_committed_is_taken_back_from_the_copy(tmp_path: Path, history: History) -> None:
    settings = Settings(data_dir=tmp_path)
    write(history, "first", "CREATE TABLE first (id INTEGER PRIMARY KEY)", "INSERT INTO first VALUES (1)")
    migrate.upgrade(settings, history=history)
    write(history, "second", "DELETE FROM first", body="    op.get_bind().connection.commit()\n    raise ValueError(1)")
    with pytest.raises(migrate.MigrationFailed, match="ValueError"):
        migrate.upgrade(settings, history=history)
    assert query(settings, "SELECT id FROM first") == [(1,)]
    assert migrate.current(settings) == "0001"


def test_a_migration_that_breaks_a_reference_is_undone(tmp_path: Path, history: History) -> None:
    settings = Settings(data_dir=tmp_path)
    child = "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES first (id))"
    write(history, "first", "CREATE TABLE first (id INTEGER PRIMARY KEY)", child, "INSERT INTO first VALUES (1)")
    migrate.upgrade(settings, history=history)
    execute(settings, "INSERT INTO child VALUES (1, 1)")
    write(history, "second", "DELETE FROM first")
    with pytest.raises(Exception, match="rows of child would refer to rows of first"):
        migrate.upgrade(settings, history=history)
    assert query(settings, "SELECT id FROM first") == [(1,)]


def test_only_the_newest_copies_are_kept(tmp_path: Path, history: History) -> None:
    settings = Settings(data_dir=tmp_path)
    for number in range(KEPT + 2):
        write(history, f"t{number}", f"CREATE TABLE t{number} (id INTEGER)")
        migrate.upgrade(settings, history=history)
    assert len(list((tmp_path / "backups").glob("growbase-before-head-*.db"))) == KEPT


def test_two_deployers_migrate_once(empty: Settings, history: History) -> None:
    write(history, "first", "CREATE TABLE first (id INTEGER PRIMARY KEY)", "INSERT INTO first VALUES (1)")
    start = threading.Barrier(3)

    def deploy() -> list[str]:
        start.wait()
        return migrate.upgrade(empty, history=history)

    with ThreadPoolExecutor(3) as pool:
        done = [found.result() for found in [pool.submit(deploy) for _ in range(3)]]
    assert sorted(done) == [[], [], ["0001"]]
    assert query(empty, "SELECT id FROM first") == [(1,)]


def test_a_migration_does_not_wait_for_ever(empty: Settings, history: History) -> None:
    if empty.sqlite_path:
        pytest.skip("SQLite's writers take turns")
    write(history, "first", "CREATE TABLE first (id INTEGER PRIMARY KEY)")
    write(history, "second", "ALTER TABLE first ADD COLUMN name text")
    migrate.upgrade(empty, "0001", history=history)
    backups: list[int] = []
    care = migrate.Care(backup=lambda: backups.append(1), lock_seconds=0.5, pauses=(0.0,))
    with psycopg.connect(empty.database) as reading:
        reading.execute("SELECT * FROM first")
        pid = reading.info.backend_pid
        with pytest.raises(
            migrate.MigrationBlocked, match=rf"2 times.* process {pid} holds .*idle in transaction.*first"
        ):
            migrate.upgrade(empty, history=history, care=care)
    assert backups == [1]
    assert migrate.upgrade(empty, history=history) == ["0002"]


def test_a_migration_is_tried_again_when_the_lock_is_free(empty: Settings, history: History) -> None:
    if empty.sqlite_path:
        pytest.skip("SQLite's writers take turns")
    write(history, "first", "CREATE TABLE first (id INTEGER PRIMARY KEY)")
    write(history, "second", "ALTER TABLE first ADD COLUMN name text")
    migrate.upgrade(empty, "0001", history=history)
    with psycopg.connect(empty.database) as reading, ThreadPoolExecutor(1) as pool:
        reading.execute("LOCK TABLE first IN ACCESS SHARE MODE")
        running = pool.submit(migrate.upgrade, empty, history=history, care=migrate.Care(lock_seconds=0.3))
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        wait_until(lambda: bool(query(empty, waiting)), "the migration to wait")
        wait_until(lambda: not query(empty, waiting), "the migration to give up")
        reading.rollback()
        assert running.result() == ["0002"]


def test_a_schema_newer_than_the_program_is_refused(empty: Settings, history: History) -> None:
    write(history, "first", "CREATE TABLE first (id INTEGER PRIMARY KEY)")
    migrate.upgrade(empty, history=history)
    execute(empty, "UPDATE alembic_version SET version_num = '0099'")
    with pytest.raises(migrate.SchemaTooNew, match="0099"):
        migrate.pending(empty, history)


def test_a_server_does_not_start_on_an_old_schema(empty: Settings) -> None:
    with pytest.raises(migrate.SchemaOutdated, match="at nothing"):
        migrate.require_current(empty)


def test_asking_for_pending_migrations_loads_no_alembic_and_makes_no_file(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from growbase.core.config import Settings; from growbase.ops import migrate;"
        f"print(migrate.pending(Settings(data_dir=Path({str(tmp_path)!r})))); print('alembic' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    path = str(Path(migrate.__file__).parents[2])
    ran = subprocess.run(command, env={"PYTHONPATH": path}, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == [str([revision.id for revision in revisions()]), "False"]
    assert list(tmp_path.iterdir()) == []


def test_a_schema_of_its_own_is_made(new_postgres_database: Callable[..., str], tmp_path: Path) -> None:
    wiring.catalog()
    url = new_postgres_database() + "?schema=growbase"
    settings = Settings(data_dir=tmp_path, database_url=SecretStr(url))
    migrate.upgrade(settings)
    assert find_drift(settings) == []
    assert query(settings, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
