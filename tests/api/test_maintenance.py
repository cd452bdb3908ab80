"""While the installation is looked after, writes are refused with the reason, reads go on and workers wait."""

import threading
from collections.abc import Callable
from contextlib import closing
from uuid import UUID

import pytest
from typer.testing import CliRunner

from growbase.cli.app import app as command
from growbase.core.actor import Actor, system
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.gate import RETRY_SECONDS
from growbase.core.tables import InstanceFact, Job, JobStatus
from growbase.domains.marketing.models import Brand
from growbase.jobs.worker import Worker
from growbase.ops import maintenance, migrate
from growbase.ops.status import database_status
from tests.api.conftest import LoginAs
from tests.api.factories import Client
from tests.fixtures import Tenant, open_at


def test_writes_are_refused_with_the_reason_and_reads_go_on(
    client: Client, db: Database, tenant: Tenant, login_as: LoginAs, installed_url: str, settings: Settings
) -> None:
    migrate.stamp(settings)
    headers = login_as(tenant.owner)
    with closing(open_at(installed_url)) as operator:
        maintenance.begin(operator, reason="the disk is being enlarged")
        refused = client.post("/api/brands", json={"name": "Acme"}, headers=headers)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, str(RETRY_SECONDS))
        assert (refused.json()["code"], refused.headers["content-type"]) == ("read_only", "application/problem+json")
        assert "the disk is being enlarged" in refused.json()["detail"]
        assert client.get("/api/brands", headers=headers).json()["data"] == []
        health = client.get("/api/health").json()
        assert (health["status"], health["mode"], health["reason"]) == (
            "healthy",
            "read_only",
            "the disk is being enlarged",
        )
        assert client.get("/ready").status_code == 200
        assert database_status(settings).gate["reason"] == "the disk is being enlarged"
        maintenance.end(operator)
    assert client.post("/api/brands", json={"name": "Acme"}, headers=headers).status_code == 201
    assert client.get("/api/health").json()["mode"] == "open"


def put(db: Database, kind: str) -> UUID:
    return db.write(system(), lambda tx: tx.enqueue(kind, {}, queue="default"))


def status(db: Database, id: UUID) -> tuple[JobStatus, int]:
    with db.read(system()) as reads:
        row = reads.get(Job, id)
    return row.status, row.attempts


@pytest.fixture
def operator(installed_url: str) -> Callable[[], Database]:
    return lambda: open_at(installed_url)


def test_workers_wait_and_go_on_afterwards(db: Database, operator: Callable[[], Database]) -> None:
    begun, done = threading.Event(), threading.Event()

    def task(database: Database, actor: Actor, job: Job) -> None:
        (begun if job.kind == "first" else done).set()

    worker = Worker(db, {"first": task, "second": task})
    with closing(operator()) as other:
        put(db, "first")
        worker.start()
        try:
            assert begun.wait(10)
            assert maintenance.begin(other, seconds=10) == 0
            second = put(other, "second")
            worker.ring()
            assert not done.wait(1.5)
            assert status(db, second) == (JobStatus.QUEUED, 0)
            maintenance.end(other)
            assert done.wait(10)
        finally:
            worker.stop(5)
        assert status(db, second) == (JobStatus.SUCCEEDED, 1)


def test_jobs_at_work_may_end_first(db: Database, operator: Callable[[], Database]) -> None:
    begun, finish = threading.Event(), threading.Event()

    def task(database: Database, actor: Actor, job: Job) -> None:
        begun.set()
        assert finish.wait(10)

    worker = Worker(db, {"slow": task})
    slow = put(db, "slow")
    steps: list[tuple[int, int]] = []

    def progress(ended: int, count: int) -> None:
        steps.append((ended, count))
        finish.set()

    with closing(operator()) as other:
        worker.start()
        try:
            assert begun.wait(10)
            assert maintenance.begin(other, seconds=10, progress=progress) == 0
            assert steps[-1] == (1, 1)
            assert status(db, slow) == (JobStatus.SUCCEEDED, 1)
        finally:
            maintenance.end(other)
            worker.stop(5)


def test_a_job_that_meets_the_closed_gate_uses_up_no_attempt(
    db: Database, tenant: Tenant, operator: Callable[[], Database]
) -> None:
    def task(database: Database, actor: Actor, job: Job) -> None:
        database.write(tenant.owner, lambda tx: tx.insert(Brand, name="Acme"))

    worker = Worker(db, {"brand": task})
    brand = put(db, "brand")
    with db.read(system()) as reads:
        job = reads.get(Job, brand)
    with closing(operator()) as other:
        maintenance.begin(other)
        outcome = worker.run(job)
        maintenance.end(other)
    assert outcome.error is not None
    assert outcome.error.code == "job_failed"  # type: ignore[attr-defined]
    assert type(outcome.error).__name__ == "RateLimited"


def test_one_that_was_interrupted_is_taken_back(db: Database) -> None:
    db.write(system(), maintenance._drain)
    worker = Worker(db, {"noop": lambda *_: None})
    put(db, "noop")
    assert not worker.run_one()
    maintenance.end(db)
    assert worker.run_one()
    with db.read(system()) as reads:
        assert not [fact for fact in reads.rows(InstanceFact) if fact.name in {"drain", "gate"}]


def test_the_commands_close_and_open(
    db: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch, installed_url: str
) -> None:
    migrate.stamp(settings)
    monkeypatch.setenv("GROWBASE_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("GROWBASE_DATABASE_URL", installed_url)
    run = CliRunner()
    closed = run.invoke(command, ["maintenance", "on", "--reason", "it is being moved", "--drain-seconds", "0"])
    assert (closed.exit_code, "Read-only: it is being moved." in closed.stdout) == (0, True), closed.output
    assert database_status(settings).gate["mode"] == "read_only"
    again = run.invoke(command, ["maintenance", "on"])
    assert again.exit_code == 0, again.output
    assert run.invoke(command, ["maintenance", "off"]).exit_code == 0
    assert database_status(settings).gate["mode"] == "open"
