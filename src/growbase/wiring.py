"""The composition root: the one list of domains, and how a database is built from settings."""

from collections.abc import Collection
from datetime import timedelta
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from growbase.core import tables
from growbase.core.config import Settings
from growbase.core.crypto import Keyring, load_or_create_secret
from growbase.core.database import Database
from growbase.core.resource import Action, Catalog, Resource
from growbase.jobs import resources as jobs
from growbase.jobs.schedule import Schedule
from growbase.jobs.sweeps import expired_idempotency_keys, finished_jobs, old_trash
from growbase.jobs.wake import (
    FileWatch,
    Notifier,
    PostgresListener,
    PostgresNotifier,
    RedisListener,
    RedisNotifier,
)
from growbase.jobs.worker import LEASE, Task, Waker, Worker, named

if TYPE_CHECKING:
    from growbase.api.direct import Direct

DOMAINS = ("identity", "marketing", "outreach", "social")


@cache
def catalog() -> Catalog:
    """Return the resources of every domain; models are loaded on the first call."""
    assert tables.Change.__tablename__
    resources: list[Resource] = [*jobs.RESOURCES]
    founders: list[Action] = []
    for name in DOMAINS:
        module = import_module(f"growbase.domains.{name}.resources")
        resources += [*module.RESOURCES, *getattr(module, "VIEWS", ())]
        founders += getattr(module, "FOUNDERS", ())
    return Catalog(resources, founders)


def keyring(settings: Settings) -> Keyring:
    """Return the keys of sealed columns, made on first use in the data folder unless they are set."""
    if settings.encryption_keys is not None:
        return Keyring.parse(settings.encryption_keys.get_secret_value())
    return Keyring.load_or_create(settings.data_dir / "keyring")


def secret_key(settings: Settings) -> bytes:
    """Return the key that signs tokens and cursors, made on first use in the data folder unless it is set."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value().encode()
    return load_or_create_secret(settings.data_dir / "secret.key")


def open_database(settings: Settings) -> Database:
    """Open the database the settings name. Raises Unavailable or ConfigError."""
    database = _open(settings)
    database.slow_seconds = settings.slow_query_ms / 1_000
    return database


def _open(settings: Settings) -> Database:
    path = settings.sqlite_path
    if path is not None:
        from growbase.core.sqlite import SqliteDatabase
        from growbase.core.sqlite_connection import require_fixed_version

        if not settings.allow_old_sqlite:
            require_fixed_version()
        path.parent.mkdir(parents=True, exist_ok=True)
        return SqliteDatabase(path, catalog(), keyring(settings))
    from growbase.core.postgres import PostgresDatabase

    return PostgresDatabase(
        settings.database,
        catalog(),
        keyring(settings),
        schema=settings.database_schema,
        pool_max=settings.pool_max,
        pool_timeout=settings.pool_timeout_seconds,
        statement_timeout_ms=settings.statement_timeout_ms,
        pgbouncer=settings.uses_pgbouncer,
    )


def tasks() -> dict[str, Task]:
    """Return what every domain can do in the background, by the kind of job."""
    found: dict[str, Task] = {}
    for name in DOMAINS:
        if find_spec(f"growbase.domains.{name}.tasks") is not None:
            found |= import_module(f"growbase.domains.{name}.tasks").TASKS
    return found


def schedules(settings: Settings) -> list[Schedule]:
    """Return what is done again and again: the program's own, then each domain's; its plain sweeps every hour."""
    hour = timedelta(hours=1)
    found = [
        Schedule("jobs/expired_idempotency_keys", expired_idempotency_keys, every=hour),
        Schedule("jobs/finished_jobs", finished_jobs, every=hour),
        Schedule("jobs/old_trash", partial(old_trash, days=settings.trash_days), every=hour),
    ]
    for name in DOMAINS:
        if find_spec(f"growbase.domains.{name}.tasks") is not None:
            module = import_module(f"growbase.domains.{name}.tasks")
            found += getattr(module, "SCHEDULES", ())
            sweeps = getattr(module, "SWEEPS", ())
            found += [Schedule(f"{name}/{named(sweep)}", sweep, every=hour) for sweep in sweeps]
    return found


def worker(
    settings: Settings,
    database: Database,
    *,
    queues: Collection[str] | None = None,
    concurrency: int | None = None,
    lease: timedelta = LEASE,
) -> Worker:
    """Return the worker of this process; on the embedded database one process at a time works."""
    lock = settings.data_dir / "worker.lock" if database.engine == "sqlite" else None
    return Worker(
        database,
        tasks(),
        lock=lock,
        schedules=schedules(settings),
        wakers=[_waker(settings, database)],
        queues=queues,
        concurrency=concurrency,
        lease=lease,
    )


def _waker(settings: Settings, database: Database) -> Waker:
    """Return what wakes this process's worker when another process has committed jobs."""
    if not settings.is_postgresql:
        return FileWatch(database)
    if settings.redis_url is not None:
        return RedisListener(settings.redis_url.get_secret_value())
    return PostgresListener(settings.direct_database)


def notifiers(settings: Settings, database: Database) -> list[Notifier]:
    """Return what tells the workers of other processes of this one's jobs; a SQLite file tells them itself."""
    if not settings.is_postgresql:
        return []
    if settings.redis_url is not None:
        return [RedisNotifier(database, settings.redis_url.get_secret_value())]
    return [PostgresNotifier(database, settings.database)]


def create_app() -> "Direct":
    """Build the application of one server process from the environment (granian calls this)."""
    from growbase.api.app import Background, build_app
    from growbase.api.server import ChildProcess
    from growbase.core import telemetry
    from growbase.core.config import load_settings

    settings = load_settings()
    telemetry.configure_telemetry(level=settings.log_level, log_format=settings.log_format)
    database = open_database(settings)
    workers = [worker(settings, database)] if settings.embedded_worker else []
    background: list[Background] = [ChildProcess(), *notifiers(settings, database), *workers]
    return build_app(settings, database, secret_key(settings), background)
