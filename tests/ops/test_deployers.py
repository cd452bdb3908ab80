"""Deployers in processes of their own: two at once migrate once, one that is killed in the middle leaves nothing."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from growbase.core.config import Settings
from growbase.ops import migrate
from growbase.ops.connections import reader
from growbase.ops.history import CORE, History
from tests.pooler import pooler
from tests.postgres import PostgresServer
from tests.processes import start, wait_until

ROOT = Path(__file__).parents[2]
DEPLOYER = """
import sys
from dataclasses import replace
from pathlib import Path
from pydantic import SecretStr
from growbase.core.config import Settings
from growbase.ops import migrate
from growbase.ops.history import CORE

url, pooled, folder = sys.argv[1:]
settings = Settings(data_dir=Path(folder), database_url=SecretStr(url), pgbouncer=pooled == "pooled")
print(migrate.upgrade(settings, history=replace(CORE, folder=Path(folder, "history"))))
"""
FIRST = '''"""The first."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("CREATE TABLE first (id INTEGER PRIMARY KEY, name VARCHAR(9) CHECK (name <> ''))")
    op.execute("CREATE INDEX ix_first ON first (name)")
    op.execute("INSERT INTO first (id, name) VALUES (1, 'a')")


def downgrade() -> None:
    op.execute("DROP TABLE first")
    op.execute("DROP TABLE nowhere")
'''
SLOW = '''"""The second, which waits in the middle until it may go on."""

import time
from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
FOLDER = Path(__file__).parent


def upgrade() -> None:
    op.execute("CREATE TABLE second (id INTEGER PRIMARY KEY)")
    op.execute("ALTER TABLE first RENAME COLUMN name TO title")
    op.execute("UPDATE first SET title = 'b'")
    (FOLDER / "begun").touch()
    while not (FOLDER / "go").exists():
        time.sleep(0.01)
    op.execute("DROP INDEX ix_first")


def downgrade() -> None:
    op.execute("DROP TABLE second")
'''
Deploy = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture(params=["direct", "pooled"])
def way(request: pytest.FixtureRequest, engine: str) -> str:
    if request.param == "pooled" and engine == "sqlite":
        pytest.skip("SQLite has no poolers")
    chosen: str = request.param
    return chosen


@pytest.fixture
def settings(
    way: str, engine: str, database_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Settings]:
    """Give a database at the first of two revisions, straight or behind PgBouncer."""
    with ExitStack() as stack:
        if way == "pooled":
            program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
            if program is None:
                pytest.skip("PgBouncer is not installed")
            server: PostgresServer = request.getfixturevalue("postgres")
            (tmp_path / "pooler").mkdir()
            found = pooler(program, server, database_url, tmp_path / "pooler", "extra_float_digits")
            database_url = stack.enter_context(found)
        made = Settings(data_dir=tmp_path, database_url=SecretStr(database_url), pgbouncer=way == "pooled")
        (tmp_path / "history").mkdir()
        (tmp_path / "history" / "0001_first.py").write_text(FIRST)
        migrate.upgrade(made, history=history_in(tmp_path))
        (tmp_path / "history" / "0002_second.py").write_text(SLOW)
        yield made


def history_in(folder: Path) -> History:
    return replace(CORE, folder=folder / "history")


@pytest.fixture
def deploy(settings: Settings, way: str, tmp_path: Path) -> Iterator[Deploy]:
    """Give a function that starts a deployer; what is left of them is killed."""
    started: list[subprocess.Popen[bytes]] = []

    def begin() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", DEPLOYER, settings.database, way, tmp_path]
        started.append(start(command, env={"PYTHONPATH": str(ROOT / "src")}, output=subprocess.PIPE))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def schema(settings: Settings) -> list[Any]:
    """Return what the engine's own catalogue says, and the rows."""
    sql = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"
    if settings.is_postgresql:
        sql = (
            "SELECT c.relname, c.relkind::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, "
            "(SELECT string_agg(pg_get_constraintdef(k.oid), ';') FROM pg_constraint k WHERE k.conrelid = c.oid) "
            "FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 "
            "WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1, 3"
        )
    with reader(settings) as rows:
        return [
            tuple(row) for row in (*rows(sql), *rows("SELECT * FROM first"), *rows("SELECT * FROM alembic_version"))
        ]


def is_waiting(settings: Settings) -> bool:
    """Return whether a second deployer waits for the first."""
    path = settings.sqlite_path
    if path is not None:
        inode = path.with_name(f"{path.name}.lock").stat().st_ino
        return any("-> FLOCK" in line and f":{inode} " in line for line in Path("/proc/locks").read_text().splitlines())
    with reader(settings) as rows:
        return bool(rows("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))


def test_the_second_deployer_waits_and_finds_nothing_to_do(settings: Settings, deploy: Deploy, tmp_path: Path) -> None:
    first = deploy()
    wait_until((tmp_path / "history" / "begun").exists, "the first deployer", first)
    second = deploy()
    wait_until(lambda: is_waiting(settings), "the second deployer", second)
    (tmp_path / "history" / "go").touch()
    assert first.communicate(timeout=30)[0] == b"['0002']\n"
    assert second.communicate(timeout=30)[0] == b"[]\n"
    assert migrate.current(settings) == "0002"


def test_a_killed_migration_leaves_the_database_as_it_was(settings: Settings, deploy: Deploy, tmp_path: Path) -> None:
    before = schema(settings)
    process = deploy()
    wait_until((tmp_path / "history" / "begun").exists, "the deployer", process)
    process.kill()
    process.wait()
    assert schema(settings) == before
    (tmp_path / "history" / "go").touch()
    assert migrate.upgrade(settings, history=history_in(tmp_path)) == ["0002"]


def test_a_failed_step_back_leaves_the_database_as_it_was(settings: Settings, way: str, tmp_path: Path) -> None:
    (tmp_path / "history" / "go").touch()
    migrate.upgrade(settings, history=history_in(tmp_path))
    before = schema(settings)
    with pytest.raises(migrate.MigrationFailed, match="nowhere"):
        migrate.downgrade(settings, "base", history_in(tmp_path))
    assert schema(settings) == before
    assert migrate.downgrade(settings, "-1", history_in(tmp_path)) == ["0002"]
    assert migrate.current(settings) == "0001"
