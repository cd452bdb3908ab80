"""The composition root: the one list of domains, and what is built from the settings: database, tasks, application."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache, partial, update_wrapper
from importlib import import_module
from inspect import signature
from types import ModuleType
from typing import TYPE_CHECKING, Any

from growbase.core import tables
from growbase.core.config import Settings
from growbase.core.crypto import Keyring, KeyringFile, load_or_create_secret
from growbase.core.database import Database
from growbase.core.errors import ConfigError
from growbase.core.files import open_files
from growbase.core.generation import ChatCompletions, Generator, Offline
from growbase.core.mail import FolderMailer, Mailer, Server, SmtpMailer
from growbase.core.outside import Outside
from growbase.core.packages import find_module, import_resources, require_apart
from growbase.core.partitions import keep_partitions
from growbase.core.region import Regions
from growbase.core.resource import Action, Catalog, Resource
from growbase.core.seals import seal_log
from growbase.jobs import resources as jobs
from growbase.jobs.presence import Presence
from growbase.jobs.retention import KEPT, run_daily
from growbase.jobs.schedule import Schedule
from growbase.jobs.wake import (
    FileWatch,
    Following,
    Notifier,
    PostgresListener,
    PostgresNotifier,
    RedisListener,
    RedisNotifier,
)
from growbase.jobs.worker import LEASE, Task, Waker, Worker, named
from growbase.ops import litestream, wal
from growbase.ops.alerts import note_replication
from growbase.ops.backup_record import recorded_backup, scheduled_backup
from growbase.ops.drill import scheduled_drill
from growbase.ops.export import scheduled_export
from growbase.ops.supervise import Supervisor
from growbase.ops.vault import open_vault

if TYPE_CHECKING:
    from growbase.api.direct import Direct

DOMAINS = ("identity", "marketing", "outreach", "social", "commerce")


def catalog(extra: Sequence[str] = ()) -> Catalog:
    """Return the resources of every domain and of the packages ``extra`` (the setting ``domains``).

    Models are loaded on the first call. Raises ConfigError naming the setting.
    """
    return _catalog(tuple(extra))


@cache
def _catalog(extra: tuple[str, ...]) -> Catalog:
    assert tables.Change.__tablename__
    require_apart(extra)
    resources: list[Resource] = [*jobs.RESOURCES]
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
    return KeyringFile(settings.data_dir / "keyring")


def secret_key(settings: Settings) -> bytes:
    """Return the key that signs tokens and cursors, made on first use in the data folder unless it is set."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value().encode()
    return load_or_create_secret(settings.data_dir / "secret.key")


def follow_database(settings: Settings) -> Database:
    """Open the database for a process that goes on with the new one when the data move to another."""
    from growbase.core.follow import FollowingDatabase

    return FollowingDatabase(settings, open_database)


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
        replicas=settings.replicas,
        replica_max_lag=settings.replica_max_lag_seconds,
        written=settings.data_dir / "written",
    )


def outside(settings: Settings) -> Outside:
    """Return what tasks reach beyond the database."""
    return Outside(
        base_url=settings.base_url,
        mailer=_mailer(settings),
        mail_from=settings.mail_from,
        generator=_generator(settings),
        files=open_files(settings),
        allow_private=settings.allow_private_addresses,
        secret=secret_key(settings),
        regions=Regions.of(settings),
    )


def _mailer(settings: Settings) -> Mailer:
    if settings.smtp_url is None:
        return FolderMailer(settings.data_dir / "outbox")
    return SmtpMailer(Server.parse(settings.smtp_url.get_secret_value()))


def _generator(settings: Settings) -> Generator:
    if settings.ai_base_url is None:
        return Offline()
    key = settings.ai_key.get_secret_value() if settings.ai_key else None
    return ChatCompletions(settings.ai_base_url, settings.ai_model, key)


def tasks(settings: Settings) -> dict[str, Task]:
    """Return what every domain can do in the background, by the kind of job. Raises ConfigError."""
    from growbase.ops import alerts, arrivals, by_hand, privacy

    world = outside(settings)
    found: dict[str, Task] = {
        arrivals.KIND: _given(arrivals.arrive, world),
        alerts.KIND: partial(alerts.send_notice, settings=settings, outside=world),
        privacy.ERASE: partial(privacy.erase_queued, folder=settings.data_dir),
        **by_hand.tasks(settings, world, open_database),
    }
    for module in _task_modules(settings):
        own: dict[str, Task] = getattr(module, "TASKS", {})
        for kind in found.keys() & own.keys():
            raise ConfigError("{module} has a task {kind}, which is there already.", module=module.__name__, kind=kind)
        found |= {kind: _given(task, world) for kind, task in own.items()}
    return found


def schedules(settings: Settings) -> list[Schedule]:
    """Return what is done again and again: the program's own, then each domain's; its plain sweeps every hour."""
    from growbase.ops import nightly

    hour, world = timedelta(hours=1), outside(settings)
    found = [
        *nightly.schedules(settings, world),
        Schedule("core/seal_log", seal_log, every=timedelta(minutes=1)),
        Schedule("core/partitions", keep_partitions, every=timedelta(hours=6)),
        Schedule("jobs/retention", partial(run_daily, days=retention_days(settings)), daily="03:20"),
    ]
    found += _backup_schedules(settings)
    for module in _task_modules(settings):
        name = module.__name__.split(".")[-2]
        found += [replace(found, run=_given(found.run, world)) for found in getattr(module, "SCHEDULES", ())]
        sweeps = getattr(module, "SWEEPS", ())
        found += [Schedule(f"{name}/{named(sweep)}", _given(sweep, world), every=hour) for sweep in sweeps]
    return found


def _backup_schedules(settings: Settings) -> Iterator[Schedule]:
    """Yield the backup and its restore drill; PostgreSQL has machines without a common folder, so they need a URL."""
    if settings.export_url is not None:
        yield Schedule("ops/export", partial(scheduled_export, settings=settings), weekly="sun 03:40")
    if settings.backup_every == "off" or (settings.is_postgresql and settings.backup_url is None):
        return
    run, often = partial(scheduled_backup, settings=settings), settings.backup_every
    if often == "hour":
        yield Schedule("ops/backup", run, every=timedelta(hours=1))
    elif often == "day":
        yield Schedule("ops/backup", run, daily="02:40")
    else:
        yield Schedule("ops/backup", run, weekly="sun 02:40")
    yield Schedule("ops/drill", partial(scheduled_drill, settings=settings, opener=open_database), weekly="sun 04:40")


def continuous_backup(settings: Settings, database: Database) -> list[Supervisor]:
    """Return what copies every commit to the place of backups, if one is set."""
    if settings.backup_url is None:
        return []
    if settings.is_postgresql:
        vault = open_vault(settings, database.context.keyring)
        made = wal.supervisor(settings, vault, partial(recorded_backup, settings, vault, database))
    else:
        made = litestream.supervisor(settings)
    made.tell = partial(note_replication, database)
    return [made]


def retention_days(settings: Settings) -> dict[str, int]:
    """Return the settings that say how long rows are kept."""
    return {name: getattr(settings, name) for name in KEPT}


def _task_modules(settings: Settings) -> Iterator[ModuleType]:
    packages = (*(f"growbase.domains.{name}" for name in DOMAINS), *settings.domains)
    return filter(None, (find_module(package, "tasks") for package in packages))


def _given(function: Callable[..., Any], world: Outside) -> Callable[..., Any]:
    """Return a task or sweep with the world it asks for by naming ``outside``, under its own name."""
    if "outside" not in signature(function).parameters:
        return function
    return update_wrapper(partial(function, outside=world), function)


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
        tasks(settings),
        lock=lock,
        schedules=schedules(settings),
        wakers=[Following(database, settings, lambda now: [_waker(now, database)])],
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


def notifiers(settings: Settings, database: Database) -> list[Following]:
    """Return what tells the workers of other processes of this one's jobs."""
    return [Following(database, settings, lambda now: _notifiers(now, database))]


def _notifiers(settings: Settings, database: Database) -> list[Notifier]:
    """Return the engine's notifiers; a SQLite file tells of its changes itself."""
    if not settings.is_postgresql:
        return []
    if settings.redis_url is not None:
        return [RedisNotifier(database, settings.redis_url.get_secret_value())]
    return [PostgresNotifier(database, settings.database)]


def create_app() -> "Direct":
    """Build the application of one server process from the environment."""
    from growbase.api.app import Background, build_app
    from growbase.api.server import ChildProcess
    from growbase.core import telemetry
    from growbase.core.config import load_settings
    from growbase.studio import app as studio

    settings = load_settings()
    telemetry.configure_telemetry(level=settings.log_level, log_format=settings.log_format)
    database = follow_database(settings)
    workers = [worker(settings, database)] if settings.embedded_worker else []
    background: list[Background] = [
        ChildProcess(),
        Presence(database, tables.ProcessKind.SERVER),
        *notifiers(settings, database),
        *workers,
        *continuous_backup(settings, database),
    ]
    pages = studio.ROUTES if settings.studio_enabled else []
    return build_app(settings, database, secret_key(settings), background, pages)
