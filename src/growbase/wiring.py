"""The composition root: the one list of domains, and how a database is built from settings."""

from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from growbase.core import tables
from growbase.core.config import Settings
from growbase.core.crypto import Keyring, load_or_create_secret
from growbase.core.database import Database
from growbase.core.resource import Action, Catalog, Resource
from growbase.jobs.sweeps import expired_idempotency_keys, finished_jobs, old_trash
from growbase.jobs.worker import Sweep, Task, Worker

if TYPE_CHECKING:
    from growbase.api.direct import Direct

DOMAINS = ("identity", "marketing", "commerce")


@cache
def catalog() -> Catalog:
    """Return the resources of every domain; models are loaded on the first call."""
    assert tables.Change.__tablename__
    resources: list[Resource] = []
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


def worker(settings: Settings, database: Database) -> Worker:
    """Return the worker of this process; on the embedded database one process at a time works."""
    lock = settings.data_dir / "worker.lock" if database.engine == "sqlite" else None
    found: list[Sweep] = [expired_idempotency_keys, finished_jobs, partial(old_trash, days=settings.trash_days)]
    for name in DOMAINS:
        if find_spec(f"growbase.domains.{name}.tasks") is not None:
            found += import_module(f"growbase.domains.{name}.tasks").SWEEPS
    return Worker(database, tasks(), found, lock)


def create_app() -> "Direct":
    """Build the application of one server process from the environment (granian calls this)."""
    from growbase.api.app import build_app
    from growbase.api.server import ChildProcess
    from growbase.core import telemetry
    from growbase.core.config import load_settings

    settings = load_settings()
    telemetry.configure_telemetry(level=settings.log_level, log_format=settings.log_format)
    database = open_database(settings)
    workers = [worker(settings, database)] if settings.embedded_worker else []
    return build_app(settings, database, secret_key(settings), [ChildProcess(), *workers])
