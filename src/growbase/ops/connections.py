"""Connections for changing the schema: one transaction and one deployer at a time, on both engines."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from growbase.core.config import Settings
from growbase.core.errors import Conflict, Unavailable

LOCK_SECONDS = 5.0
"""Longest wait for a table that somebody else uses; queries queue behind that wait."""
DEPLOYER_TIMEOUT_MS = 600_000
"""Longest wait for another deployer's migration."""
TOLD_SECONDS = 30.0
"""How often it is said again that a server is waited for."""
NO_TIMEOUTS = ("statement_timeout", "idle_in_transaction_session_timeout")
"""What PostgreSQL must not interrupt a migration for."""


def engine_name(settings: Settings) -> str:
    """Return ``sqlite`` or ``postgresql``."""
    return "postgresql" if settings.is_postgresql else "sqlite"


def database_name(settings: Settings) -> str:
    """Return the name a person types to confirm: of the file, or of the PostgreSQL database."""
    path = settings.sqlite_path
    if path is not None:
        return path.name
    from psycopg.conninfo import conninfo_to_dict

    return str(conninfo_to_dict(settings.direct_database).get("dbname", "postgres"))


@contextmanager
def transaction(settings: Settings, lock_seconds: float = LOCK_SECONDS) -> Iterator[sa.Connection]:
    """Give a connection in a transaction that commits unless the block raises.

    It waits ``lock_seconds`` at most for each lock. PostgreSQL lets no other migration run beside it; on SQLite call it
    with ``file_lock`` held. There foreign keys are off meanwhile (a table is rebuilt by dropping it) and checked before
    the commit.
    """
    path = settings.sqlite_path
    if path is None:
        with _postgresql(settings, lock_seconds) as connection:
            yield connection
        return
    with _sqlite(path) as connection:
        yield connection
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if broken is not None:
            message = f"rows of {broken[0]} would refer to rows of {broken[2]} that do not exist"
            raise Conflict(message)


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold the lock that every process takes to write the SQLite file at ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


@contextmanager
def _sqlite(path: Path) -> Iterator[sa.Connection]:
    import pysqlite3

    from growbase.core.sqlite_connection import connect

    def create() -> pysqlite3.Connection:
        connection = connect(path)
        connection.execute("PRAGMA foreign_keys = OFF")
        # Otherwise renaming the rebuilt table trips over triggers and views that name the dropped one.
        connection.execute("PRAGMA legacy_alter_table = ON")
        return connection

    engine = sa.create_engine("sqlite+pysqlite://", module=pysqlite3, creator=create, poolclass=sa.NullPool)
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def _postgresql(settings: Settings, lock_seconds: float) -> Iterator[sa.Connection]:
    schema = settings.database_schema
    engine = sa.create_engine(
        "postgresql+psycopg://", creator=lambda: connect_postgresql(settings), poolclass=sa.NullPool
    )
    try:
        with engine.begin() as connection:
            # Local, all of it, and so is the lock: behind PgBouncer the session belongs to others afterwards.
            for name in NO_TIMEOUTS:
                connection.exec_driver_sql(f"SET LOCAL {name} = 0")
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {DEPLOYER_TIMEOUT_MS}")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock(hashtextextended('growbase {schema or ''}', 0))")
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(lock_seconds * 1_000)}")
            if schema:
                connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
                connection.exec_driver_sql(f'SET LOCAL search_path = "{schema}"')
            yield connection
    finally:
        engine.dispose()


@contextmanager
def reader(settings: Settings) -> Iterator[Callable[[str], list[Any]]]:
    """Give a function that runs one query on the database as it is, whatever its schema. Raises Unavailable."""
    if settings.is_postgresql:
        with connect_postgresql(settings) as connection:
            yield lambda sql: connection.execute(sql).fetchall()
        return
    from growbase.core.sqlite_connection import connect

    assert settings.sqlite_path is not None
    with closing(connect(settings.sqlite_path, read_only=True)) as connection:
        yield lambda sql: connection.execute(sql).fetchall()


def connect_postgresql(settings: Settings) -> Any:  # noqa: ANN401 -- psycopg is loaded only where it is used
    """Open a psycopg connection that bypasses PgBouncer where GROWBASE_DIRECT_URL says how. Raises Unavailable."""
    import psycopg

    wanted = {**dict.fromkeys(NO_TIMEOUTS, "0"), "timezone": "UTC"}
    if settings.database_schema:
        wanted["search_path"] = f'"{settings.database_schema}"'
    is_pooled = settings.uses_pgbouncer and settings.direct_url is None
    # PgBouncer refuses these options: there they hold for the first transaction, in which callers read.
    options = None if is_pooled else " ".join(f"-c {name}={value}" for name, value in wanted.items())
    try:
        connection = psycopg.connect(
            settings.direct_database, options=options, connect_timeout=10, prepare_threshold=None
        )
        for name, value in wanted.items() if is_pooled else ():
            connection.execute("SELECT set_config(%s, %s, true)", (name, value))
    except psycopg.Error as error:
        raise Unavailable(reason=_first_line(error)) from error
    return connection


def await_server(settings: Settings, tell: Callable[[str], None]) -> None:
    """Return once the PostgreSQL server takes connections; ``tell`` hears now and then for whom this waits.

    A server that refuses us is not waited for: whoever goes on hears why.
    """
    if not settings.is_postgresql:
        return
    from psycopg.conninfo import conninfo_to_dict, make_conninfo
    from psycopg.pq import PGconn, Ping

    parts = conninfo_to_dict(settings.direct_database)
    where = f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}"
    asked = make_conninfo(settings.direct_database, connect_timeout=5).encode()
    told = -TOLD_SECONDS
    while (answer := PGconn.ping(asked)) in {Ping.REJECT, Ping.NO_RESPONSE}:
        if time.monotonic() - told >= TOLD_SECONDS:
            told = time.monotonic()
            why = "does not answer" if answer == Ping.NO_RESPONSE else "is not ready yet"
            tell(f"the database server {where} {why}: waiting for it")
        time.sleep(1)


def translated(error: BaseException) -> BaseException:
    """Return the plain error behind a driver's or SQLAlchemy's; other errors as they are."""
    import psycopg
    import pysqlite3

    original = error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig is not None else error
    if isinstance(original, pysqlite3.Error):
        return Unavailable(reason=str(original))
    if isinstance(original, psycopg.Error):
        return Unavailable(reason=original.diag.message_primary or _first_line(original))
    return original


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
