"""Two versions on one schema: revisions expand it, programs run on one that is ahead, contracting waits for the old."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from growbase import __version__, wiring
from growbase.core.actor import system
from growbase.core.clock import new_id, now
from growbase.core.config import Settings
from growbase.core.ddl import ENGINES
from growbase.core.errors import ConfigError
from growbase.core.tables import Process
from growbase.jobs.presence import SILENCE
from growbase.ops import compatibility, migrate
from growbase.ops.compatibility import OlderProcesses, is_older, safe_from
from growbase.ops.history import CORE, History, revisions
from growbase.ops.plan import effects
from growbase.ops.status import database_status
from tests.processes import HOST, free_port, running, wait_until

ROOT = Path(__file__).parents[2]
NEXT = '''"""The next one."""

from alembic import op

revision = "{id}"
down_revision = "{down}"
{says}

def upgrade() -> None:
    op.execute("CREATE TABLE next_{id} (id INTEGER PRIMARY KEY)")


def downgrade() -> None:
    op.execute("DROP TABLE next_{id}")
'''
HEAD = revisions()[-1].id


@pytest.fixture
def settings(installed_url: str, tmp_path: Path) -> Settings:
    """Give a database at this program's newest revision."""
    found = Settings(data_dir=tmp_path / "data", database_url=SecretStr(installed_url))
    migrate.stamp(found)
    return found


@pytest.fixture
def newer(tmp_path: Path) -> Callable[..., History]:
    """Give a function that returns the history of a newer program, with one revision more."""
    folder = tmp_path / "history"
    folder.mkdir()
    for known in revisions():
        (folder / known.path.name).symlink_to(known.path)

    def write(says: str = "") -> History:
        history = replace(CORE, folder=folder)
        last = revisions(history)[-1].id
        text = NEXT.format(id=f"{int(last) + 1:04}", down=last, says=says)
        (folder / f"{int(last) + 1:04}_next.py").write_text(text)
        return history

    return write


def contracting(since: str) -> str:
    return f'contracts = True\nsafe_from = "{since}"\n'


def run_as(settings: Settings, version: str, *, silent: timedelta = timedelta(0)) -> None:
    """Write the row of a process of some version."""
    seen = now() - silent
    row = {"id": new_id(), "kind": "server", "name": "h:1", "version": version, "started_at": seen, "seen_at": seen}
    database = wiring.open_database(settings)
    database.write(system(), lambda tx: tx.insert_facts(Process, [row]))
    database.close()


@pytest.mark.parametrize("engine_name", ENGINES)
def test_the_newest_revision_only_expands_or_says_from_when_it_contracts(engine_name: str) -> None:
    """The version before still runs while servers are replaced one by one; see docs/operations/migrations.md."""
    newest = revisions()[-1]
    broken = [effect.text for effect in effects(CORE, newest, engine_name) if effect.contracts]
    assert not broken or safe_from(newest) is not None, f"{newest.path.name}: {broken}"


def test_versions_are_compared_by_their_numbers() -> None:
    assert is_older("0.9.1", "0.10.0")
    assert not is_older("1.0.0", "1.0.0")
    assert not is_older(__version__, compatibility.ANY)


def test_a_contracting_revision_must_say_from_when_it_is_safe(newer: Callable[..., History]) -> None:
    with pytest.raises(ConfigError, match=r"_next\.py contracts the schema: say"):
        safe_from(revisions(newer("contracts = True\n"))[-1])


def test_a_program_runs_on_a_schema_that_was_expanded(
    settings: Settings, newer: Callable[..., History], tmp_path: Path
) -> None:
    applied = migrate.upgrade(settings, history=newer())
    assert migrate.pending(settings) == []
    assert migrate.upgrade(settings) == []
    port, log = free_port(), tmp_path / "log"
    env = {
        "PYTHONPATH": str(ROOT / "src"),
        "GROWBASE_PORT": str(port),
        "GROWBASE_DATABASE_URL": settings.database,
        "GROWBASE_DATA_DIR": str(settings.data_dir),
        "GROWBASE_PROCESSES": "1",
    }
    command = [sys.executable, "-m", "growbase", "serve"]
    url = f"http://{HOST}:{port}/api/health"
    with log.open("wb") as output, running(command, url=url, env=env, cwd=tmp_path, output=output):
        wait_until(lambda: bool(database_status(settings).processes), "the server's row")
        (found,) = database_status(settings).processes
        assert (found.kind, found.version) == ("server", __version__)
        assert "schema.ahead" in log.read_text(encoding="utf-8")
        assert applied[-1] in log.read_text(encoding="utf-8")
    assert database_status(settings).processes == []


def test_a_program_does_not_run_on_a_schema_that_was_contracted(
    settings: Settings, newer: Callable[..., History]
) -> None:
    migrate.upgrade(settings, history=newer(contracting("99.0.0")))
    with pytest.raises(migrate.SchemaTooNew):
        migrate.require_current(settings)
    history = newer()
    migrate.upgrade(settings, history=history)
    with pytest.raises(migrate.SchemaTooNew):
        migrate.require_current(settings)
    migrate.downgrade(settings, HEAD, history)
    migrate.require_current(settings)


def test_a_schema_is_contracted_when_nobody_older_runs(settings: Settings, newer: Callable[..., History]) -> None:
    history = newer(contracting("0.1.0"))
    run_as(settings, "0.0.9")
    run_as(settings, "0.1.0")
    with pytest.raises(OlderProcesses, match=r"what the server h:1 \(0.0.9\) still use: it is safe from version 0.1.0"):
        migrate.upgrade(settings, history=history)
    assert migrate.pending(settings, history) == [revisions(history)[-1].id]


def test_the_silent_and_the_new_do_not_hinder(settings: Settings, newer: Callable[..., History]) -> None:
    run_as(settings, "0.0.9", silent=SILENCE + timedelta(seconds=1))
    run_as(settings, "0.1.0")
    assert migrate.upgrade(settings, history=newer(contracting("0.1.0"))) != []
    migrate.require_current(settings)
