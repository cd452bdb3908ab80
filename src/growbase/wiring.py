"""The composition root: the one list of domains, and how a database is built from settings."""

from collections.abc import Iterator, Sequence
from functools import cache, partial
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from growbase.core import tables
from growbase.core.config import Settings
from growbase.core.crypto import Keyring, load_or_create_secret
from growbase.core.database import Database
from growbase.core.errors import ConfigError
from growbase.core.packages import find_module, import_resources, require_apart
from growbase.core.resource import Action, Catalog, Resource
from growbase.jobs.sweeps import expired_idempotency_keys, finished_jobs, old_trash
from growbase.jobs.worker import Sweep, Task, Worker

if TYPE_CHECKING:
    from growbase.api.direct import Direct

DOMAINS = ("identity", "marketing")


def catalog(extra: Sequence[str] = ()) -> Catalog:
    """Return the resources of every domain and of the packages ``extra`` (the setting ``domains``).

    Models are loaded on the first call. Raises ConfigError naming the setting.
    """
    return _catalog(tuple(extra))


@cache
def _catalog(extra: tuple[str, ...]) -> Catalog:
    assert tables.Change.__tablename__
    require_apart(extra)
    resources: list[Resource] = []
    founders: list[Action] = []
    built_in = (import_module(f"growbase.domains.{name}.resources") for name in DOMAINS)
    for module in (*built_in, *map(import_resources, extra)):
        resources += [*module.RESOURCES, *getattr(module, "VIEWS", ())]
        founders += getattr(module, "FOUNDERS", ())
    return Catalog(resources, founders, extra)


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
        return SqliteDatabase(path, catalog(settings.domains), keyring(settings))
    from growbase.core.postgres import PostgresDatabase

    return PostgresDatabase(
        settings.database,
        catalog(settings.domains),
        keyring(settings),
        schema=settings.database_schema,
        pool_max=settings.pool_max,
        pool_timeout=settings.pool_timeout_seconds,
        statement_timeout_ms=settings.statement_timeout_ms,
        pgbouncer=settings.uses_pgbouncer,
    )


def tasks(extra: Sequence[str] = ()) -> dict[str, Task]:
    """Return what every domain can do in the background, by the kind of job. Raises ConfigError."""
    found: dict[str, Task] = {}
    for module in _task_modules(extra):
        own: dict[str, Task] = getattr(module, "TASKS", {})
        for kind in found.keys() & own.keys():
            raise ConfigError("{module} has a task {kind}, which is there already.", module=module.__name__, kind=kind)
        found |= own
    return found


def _task_modules(extra: Sequence[str]) -> Iterator[ModuleType]:
    packages = (*(f"growbase.domains.{name}" for name in DOMAINS), *extra)
    return filter(None, (find_module(package, "tasks") for package in packages))


def worker(settings: Settings, database: Database) -> Worker:
    """Return the worker of this process; on the embedded database one process at a time works."""
    lock = settings.data_dir / "worker.lock" if database.engine == "sqlite" else None
    found: list[Sweep] = [expired_idempotency_keys, finished_jobs, partial(old_trash, days=settings.trash_days)]
    for module in _task_modules(settings.domains):
        found += getattr(module, "SWEEPS", ())
    return Worker(database, tasks(settings.domains), found, lock)


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
