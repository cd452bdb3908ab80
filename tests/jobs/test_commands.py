"""The commands for operators: `growbase jobs ...` and `growbase worker`."""

import json
import signal
import sys
from pathlib import Path
from uuid import UUID

import pytest

from growbase import cli
from growbase.core.actor import system
from growbase.core.config import load_settings
from growbase.core.database import Database
from growbase.jobs import queue
from growbase.jobs.errors import Permanent
from growbase.jobs.queue import Outcome
from growbase.wiring import open_database
from tests.jobs.conftest import claimed, job_of
from tests.processes import start, wait_until

ROOT = Path(__file__).parents[2]


class Shell:
    """Runs `growbase ...` in this process on a new database."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys
        self.run("db", "init")
        self.db: Database = open_database(load_settings())

    def run(self, *arguments: str) -> str:
        """Return what a command prints; it must succeed."""
        self.monkeypatch.setattr("sys.argv", ["growbase", *arguments])
        code = None
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code
        printed = self.capsys.readouterr()
        assert not code, (arguments, printed)
        return printed.out

    def put(self, **options: object) -> UUID:
        """Enqueue a job."""
        return self.db.write(system(), lambda tx: tx.enqueue("send_email", {"to": "a"}, queue="default", **options))  # type: ignore[arg-type]

    def failed(self) -> UUID:
        """Enqueue a job that has failed."""
        id = self.put()
        (job,) = claimed(self.db)
        self.db.write(system(), lambda tx: queue.settle(tx, [Outcome(job, error=Permanent("no template"))]))
        return id


@pytest.fixture
def shell(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GROWBASE_DATABASE_URL", database_url)
    monkeypatch.setenv("GROWBASE_DATA_DIR", str(tmp_path / "data"))
    return Shell(monkeypatch, capsys)


def test_jobs_are_listed_shown_and_replayed(shell: Shell) -> None:
    dead, waiting = shell.failed(), shell.put()
    listed = json.loads(shell.run("jobs", "ls", "--json"))
    assert [row["id"] for row in listed] == [str(waiting), str(dead)]
    assert "no template" in shell.run("jobs", "ls", "--status", "failed")
    assert str(waiting) not in shell.run("jobs", "ls", "--status", "failed")
    shown = json.loads(shell.run("jobs", "show", str(dead)))
    assert (shown["status"], shown["error"]["kind"], "lease_token" in shown) == ("failed", "permanent", False)
    assert shell.run("jobs", "retry", str(dead)) == f"{dead} queued again\n"
    assert shell.run("jobs", "cancel", str(dead), str(waiting)).count("cancelled") == 2
    gone = shell.failed()
    shell.run("jobs", "discard", str(gone))
    assert job_of(shell.db, gone).status == "cancelled"
    again = [shell.failed() for _ in range(3)]
    assert shell.run("jobs", "retry", "--dead", "--queue", "publishing") == "0 queued again.\n"
    assert shell.run("jobs", "retry", "--dead") == "3 queued again.\n"
    assert {job_of(shell.db, id).status for id in again} == {"queued"}
    shell.db.close()


def test_a_queue_is_paused_and_resumed(shell: Shell) -> None:
    shell.put()
    assert shell.run("jobs", "pause", "default") == "default is paused.\n"
    (row,) = json.loads(shell.run("jobs", "queues", "--json"))
    assert (row["name"], row["queued"], row["paused_at"] is None) == ("default", 1, False)
    assert "paused" in shell.run("jobs", "queues")
    assert claimed(shell.db) == []
    shell.run("jobs", "resume", "default")
    assert len(claimed(shell.db)) == 1
    shell.db.close()


def test_the_worker_command_works_until_it_is_asked_to_stop(shell: Shell, tmp_path: Path) -> None:
    env = {
        "PYTHONPATH": str(ROOT / "src"),
        "GROWBASE_DATABASE_URL": str(load_settings().database),
        "GROWBASE_DATA_DIR": str(tmp_path / "data"),
    }
    command = [sys.executable, "-m", "growbase", "worker", "--concurrency", "2", "--stop-seconds", "1"]
    process = start(command, env=env, cwd=tmp_path)
    try:
        wait_until(lambda: "succeeded" in shell.run("jobs", "schedules"), "the first sweep", process, timeout=120)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    found = json.loads(shell.run("jobs", "schedules", "--json"))
    assert {"jobs/retention", "core/seal_log"} <= {row["name"] for row in found}
    shell.db.close()
