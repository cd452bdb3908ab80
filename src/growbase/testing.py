"""Fixtures of pytest for a domain of your own; ``pytest_plugins = ["growbase.testing"]`` in a test file brings them.

Each test has a new SQLite database in ``tmp_path``, with the tables that the models declare: a revision need not be
written yet. The domains are those of the settings, so run pytest where ``.env`` is.
"""

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeAlias

import httpx
import pytest
from litestar.testing import TestClient

from growbase import wiring
from growbase.api.app import build_app
from growbase.core import clock, ddl
from growbase.core.actor import Actor, ActorKind, Role, system
from growbase.core.config import Settings, load_settings
from growbase.core.database import Database
from growbase.core.reads import Where
from growbase.core.sqlite_connection import connect
from growbase.core.tables import Job, JobStatus
from growbase.core.transaction import Transaction
from growbase.domains.identity.actions_organizations import create_organization
from growbase.domains.identity.actions_sessions import acting_as, open_session
from growbase.domains.identity.models import User, UserStatus
from growbase.domains.identity.tokens import SessionTokens
from growbase.ops.reference import install_reference_data

RunJobs: TypeAlias = Callable[..., int]
"""``run_jobs()``, or ``run_jobs(days=365)`` for what is due only then."""


@pytest.fixture(scope="session")
def domains() -> tuple[str, ...]:
    """Give the packages under test: those of ``GROWBASE_DOMAINS``, unless conftest.py has a fixture of this name."""
    return load_settings().domains


@pytest.fixture(scope="session")
def installed(domains: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a database file with the schema and the rows that come with the program, to be copied."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("installed"), domains=domains)
    path = settings.data_dir / "growbase.db"
    wiring.catalog(domains)
    connection = connect(path)
    for statement in ddl.statements("sqlite", packages=(*ddl.PROGRAM, *domains)):
        connection.execute(statement)
    connection.close()
    database = wiring.open_database(settings)
    install_reference_data(database)
    database.close()
    connection = connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


@pytest.fixture
def settings(domains: tuple[str, ...], installed: Path, tmp_path: Path) -> Settings:
    """Give the settings of the test's own database, which holds nobody and nothing yet."""
    shutil.copy(installed, tmp_path / installed.name)
    return Settings(data_dir=tmp_path, domains=domains)


@pytest.fixture
def db(settings: Settings) -> Iterator[Database]:
    """Give the open database: ``db.write(actor, lambda tx: ...)``, ``with db.read(actor) as reads: ...``."""
    database = wiring.open_database(settings)
    yield database
    database.close()


@pytest.fixture
def actor(db: Database) -> Actor:
    """Give the owner of a new organization."""

    def unit(tx: Transaction) -> Actor:
        email = "owner@example.com"
        user_id = tx.insert(User, email=email, status=UserStatus.ACTIVE, email_verified_at=tx.now)
        organization_id = create_organization(acting_as(tx, tx.get(User, user_id)), name="Test")
        return Actor(ActorKind.USER, email, id=user_id, organization_id=organization_id, role=Role.OWNER)

    return db.write(system("tests"), unit)


@pytest.fixture
def api(settings: Settings, db: Database, actor: Actor) -> Iterator[httpx.Client]:
    """Give a client of the API that is logged in as ``actor``."""
    app = build_app(settings, db, wiring.secret_key(settings))
    assert actor.id is not None
    user_id, here = actor.id, actor.organization_id
    tokens, end = SessionTokens.new(), clock.now() + timedelta(days=1)
    session_id = db.write(
        actor, lambda tx: open_session(tx, user_id=user_id, organization_id=here, tokens=tokens, expires_at=end)
    )
    token = app.api.authenticator.issue_access_token(user_id, session_id, here, actor.role)
    with TestClient(app) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


@pytest.fixture
def run_jobs(db: Database, settings: Settings) -> RunJobs:
    """Give a function that runs the jobs that are due, and returns how many; it raises what a task raises.

    ``days`` moves the clock forward meanwhile, for jobs that wait for a date.
    """
    tasks = wiring.tasks(settings)

    def run(*, days: float = 0) -> int:
        ran, now = 0, clock.now() + timedelta(days=days)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clock, "now", lambda: now)
            while job := _next_job(db, tuple(tasks)):
                own = Actor(ActorKind.JOB, job.kind, id=job.id, organization_id=job.organization_id)
                tasks[job.kind](db, own, job)
                db.write(system("tests"), partial(_finish, job=job))
                ran += 1
        return ran

    return run


def _next_job(db: Database, kinds: tuple[str, ...]) -> Job | None:
    with db.read(system("tests")) as reads:
        due = reads.rows(Job, Where("run_at", "<=", clock.now()), status=JobStatus.QUEUED, order="run_at, id")
    return next((job for job in due if job.kind in kinds), None)


def _finish(tx: Transaction, *, job: Job) -> int:
    return tx.set_facts(Job, {"id": job.id}, {"status": JobStatus.SUCCEEDED, "finished_at": tx.now})
