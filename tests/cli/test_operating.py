"""Commands of those who run Growbase: health, and what an upgrade does to a database in use."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from growbase import wiring
from growbase.cli.app import app
from growbase.core.config import load_settings
from growbase.core.tables import ProcessKind
from growbase.jobs.presence import Presence
from growbase.ops.history import revisions
from growbase.ops.status import database_status
from tests.processes import wait_until

HEAD = revisions()[-1].id
BEFORE = revisions()[-2].id


@pytest.fixture
def command(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Give what runs commands in an empty folder on a new, empty database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GROWBASE_DATABASE_URL", database_url)
    monkeypatch.setenv("GROWBASE_PORT", "9")
    return CliRunner()


def test_a_plan_without_a_database_is_strict(command: CliRunner, tmp_path: Path) -> None:
    planned = command.invoke(app, ["db", "plan", "--from", "0002", "--to", "0003"])
    assert planned.exit_code == 0
    assert "-- DANGER: jobs" in planned.output
    assert "cost others time or lose values" in planned.stderr
    assert command.invoke(app, ["db", "plan", "--from", "0002", "--to", "0003", "--strict"]).exit_code == 2
    assert command.invoke(app, ["db", "plan", "--from", "0001", "--to", "0002", "--strict"]).exit_code == 0
    assert not (tmp_path / "growbase.db").exists()


def test_health_tells_of_the_server_and_of_a_worker(command: CliRunner) -> None:
    assert command.invoke(app, ["db", "init"]).exit_code == 0
    found = command.invoke(app, ["health"])
    assert (found.exit_code, found.stdout) == (1, "server not running at http://127.0.0.1:9\n")
    found = command.invoke(app, ["health", "--worker"])
    assert (found.exit_code, found.stdout) == (1, "no worker on this host\n")

    settings = load_settings()
    database = wiring.open_database(settings)
    presence = Presence(database, ProcessKind.WORKER)
    presence.start()
    wait_until(lambda: bool(database_status(settings).processes), "the worker's row")
    found = command.invoke(app, ["health", "--worker"])
    assert found.exit_code == 0
    assert found.stdout.startswith("worker ")
    assert "worker" in command.invoke(app, ["status"]).stdout
    presence.stop()
    database.close()


def test_an_upgrade_is_backed_up_unless_told_otherwise(
    command: CliRunner, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[object] = []
    monkeypatch.setattr("growbase.ops.backup.backup_now", lambda settings, _: taken.append(settings))
    assert command.invoke(app, ["db", "upgrade", "--to", BEFORE, "--domain", "growbase"]).exit_code == 0
    assert taken == [], "there was nothing to keep"
    assert command.invoke(app, ["db", "upgrade", "--no-backup"]).stdout == f"Applied: {HEAD}.\n"
    name = load_settings().database.rpartition("/")[2]
    assert command.invoke(app, ["db", "downgrade", "--no-backup", "--yes", name]).exit_code == 0
    folder = tmp_path / "backups"
    assert not folder.exists()
    assert command.invoke(app, ["db", "upgrade", "--lock-timeout", "2"]).stdout == f"Applied: {HEAD}.\n"
    assert len(taken) == (engine == "postgres")
    assert folder.exists() == (engine == "sqlite")
