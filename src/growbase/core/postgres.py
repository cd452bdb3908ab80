"""The PostgreSQL engine: a unit of work is one transaction on one pooled connection, retried before its commit only."""

import asyncio
import math
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

import psycopg
from psycopg import errors as pg
from psycopg_pool import PoolTimeout, TooManyRequests

from growbase.core import telemetry
from growbase.core.actor import Actor
from growbase.core.crypto import Keyring
from growbase.core.database import Database, DatabaseInfo, Near, Unit
from growbase.core.errors import (
    FROZEN,
    Conflict,
    FieldError,
    ForeignKey,
    GrowbaseError,
    Invalid,
    NotUnique,
    OutcomeUnknown,
    Unavailable,
)
from growbase.core.gate import GLANCE_SECONDS, LOG_BASE, REFUSED, STATE, require_open
from growbase.core.model import Root
from growbase.core.pool import Pool, session_settings
from growbase.core.position import LogPosition
from growbase.core.reads import Reads
from growbase.core.replicas import NOW, NearDatabase, Replicas, replica_pool
from growbase.core.resource import Catalog
from growbase.core.transaction import Transaction

T = TypeVar("T")
ATTEMPTS = 6
COPIED = 20
"""Rows from which on they come by COPY, which costs the server a fraction of as many INSERTs."""
PLAIN_INSERT = re.compile(r"INSERT INTO (\w+ \([\w, ]+\)) VALUES \(%s(?:, %s)*\)")
RETRIED = (pg.SerializationFailure, pg.DeadlockDetected, pg.LockNotAvailable)
"""40001, 40P01 and 55P03: the server has undone the transaction and asks to try again."""


class _CommitLost(Exception):
    """The connection broke while a transaction was being committed."""

    def __init__(self, result: object, tx: Transaction) -> None:
        super().__init__()
        self.result = (result, tx)
        self.xid = tx.xid
        self.place = (tx.xid or 0) + tx.context.log_base
        self.at = tx.now


class PostgresDatabase(Database):
    """A PostgreSQL database behind a connection pool."""

    engine = "postgresql"

    def __init__(
        self,
        url: str,
        catalog: Catalog,
        keyring: Keyring,
        *,
        schema: str | None = None,
        pool_max: int = 10,
        pool_timeout: float = 10.0,
        statement_timeout_ms: int = 15_000,
        log_base: int = 0,
        pgbouncer: bool = False,
        replicas: Sequence[str] = (),
        replica_max_lag: float = 5.0,
        written: Path | None = None,
    ) -> None:
        super().__init__(catalog, keyring, log_base)
        self.url = url
        self.schema = schema
        self._glance_at = 0.0
        self._fails_over = "target_session_attrs" in url
        self._position = LogPosition(self.engine, log_base)
        self._knows_base = log_base > 0
        settings = session_settings(schema, statement_timeout_ms)
        self._pool = Pool(
            url,
            settings,
            min_size=min(2, pool_max),
            max_size=pool_max,
            timeout=pool_timeout,
            pgbouncer=pgbouncer,
            learn=self._read_base,
        )
        self._pool.open()
        self._threads = ThreadPoolExecutor(max_workers=pool_max, thread_name_prefix="growbase-unit")
        self._replicas: Replicas | None = None
        if replicas:
            assert written is not None
            pools = [replica_pool(one, settings, pool_max=pool_max, pgbouncer=pgbouncer) for one in replicas]
            self._replicas = Replicas(self, pools, written, max_lag=replica_max_lag)

    def _read_base(self, connection: psycopg.Connection[Any]) -> None:
        """Learn from the first connection above which number the log's positions begin."""
        if self._knows_base:
            return
        try:
            rows = self._pool.one(connection, f"SELECT value FROM instance_facts WHERE name = '{LOG_BASE}'")
        except pg.UndefinedTable:
            return
        if rows:
            log_base = int(rows[0][0])
            self.context = replace(self.context, log_base=log_base)
            self._position = LogPosition(self.engine, log_base)
        self._knows_base = True

    # -- writing --------------------------------------------------------------------------------------------------

    def write(self, actor: Actor, unit: Unit[T], *, dry_run: bool = False) -> T:
        """Run a unit in a transaction of its own on this thread."""

        def attempt(connection: psycopg.Connection[Any]) -> tuple[T, Transaction]:
            return self._transact(connection, actor, unit, dry_run=dry_run)

        started = time.perf_counter()
        result, tx = self._with_retry(attempt)
        telemetry.observe_unit(time.perf_counter() - started)
        if not dry_run and (tx.touched or tx.woken):
            self.notify(frozenset(tx.touched), frozenset(tx.woken))
        return result

    async def awrite(self, actor: Actor, unit: Unit[T], *, dry_run: bool = False, large: bool = False) -> T:
        """Run a unit on one of as many threads as the pool has connections."""
        del large
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: self.write(actor, unit, dry_run=dry_run))

    def _transact(
        self, connection: psycopg.Connection[Any], actor: Actor, unit: Unit[T], *, dry_run: bool
    ) -> tuple[T, Transaction]:
        tx = Transaction(self.context, actor, connection.execute, _many(connection), self._position)  # type: ignore[arg-type]
        try:
            self._begin(connection)
            result = unit(tx)
            tx.flush()
            if dry_run:
                connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        except BaseException:
            if not connection.closed:
                connection.rollback()
            raise
        if dry_run:
            connection.execute("ROLLBACK")
            return result, tx
        try:
            if self._replicas is None:
                connection.execute("COMMIT")
            else:
                self._replicas.written.note(actor, _commit_with_position(connection))
        except psycopg.OperationalError as error:
            if isinstance(error, RETRIED):
                raise
            raise _CommitLost(result, tx) from error
        return result, tx

    def _begin(self, connection: psycopg.Connection[Any]) -> None:
        """Begin a unit's transaction, looking at the gate now and then. Raises ReadOnly or Moved."""
        if time.monotonic() < self._glance_at:
            self._pool.begin(connection)
            return
        looked = time.monotonic()
        if (found := self._pool.begin(connection, then=STATE).fetchone()) is not None:
            require_open(found[0])
        self._glance_at = looked + GLANCE_SECONDS

    def pass_gate(self) -> None:
        """Let all units through."""
        self._glance_at = math.inf

    def _has_committed(self, lost: "_CommitLost") -> bool:
        """Find out what became of a commit whose answer was lost. Raises OutcomeUnknown where the server can't tell."""
        for wait in (0.0, 0.2, 1.0, 2.0) if lost.xid is not None else ():
            time.sleep(wait)
            try:
                status = self.query("SELECT pg_xact_status(%s::text::xid8)", (str(lost.xid),))[0][0]
            except GrowbaseError as error:
                if isinstance(error.__cause__, pg.InvalidParameterValue):
                    return False  # the server has been promoted, and has never heard of this transaction
                continue
            if status == "committed":
                # A promoted server may have given the number to somebody else: only the rows tell.
                sql = "SELECT EXISTS (SELECT 1 FROM changes WHERE tx = %s AND occurred_at = %s)"
                return bool(self.query(sql, (lost.place, lost.at))[0][0])
            if status == "aborted":
                return False
        raise OutcomeUnknown(reason="the connection was lost during the commit") from lost

    def _with_retry(self, attempt: Callable[[psycopg.Connection[Any]], T]) -> T:
        """Run ``attempt`` on a pooled connection, again while the server asks for it or the connection was dead."""
        last: BaseException | None = None
        for turn in range(ATTEMPTS):
            if turn:
                time.sleep(random.uniform(0, 0.02 * 2**turn))  # noqa: S311 -- jitter, no secret
            try:
                with self._pool.connection() as connection:
                    try:
                        return attempt(connection)
                    except pg.ReadOnlySqlTransaction:
                        # It leads to a server that is no primary (any more): the pool has to look for another.
                        connection.close()
                        raise
            except RETRIED as error:
                last = error
            except _CommitLost as lost:
                # Asked here, where the dead connection no longer takes a place in the pool.
                if self._has_committed(lost):
                    return cast("T", lost.result)
                last = lost.__cause__
            except (PoolTimeout, TooManyRequests) as error:
                raise Unavailable(reason="no database connection became free in time") from error
            except psycopg.Error as error:
                if error.sqlstate == REFUSED:
                    require_open(self.query(STATE)[0][0])
                found_standby = self._fails_over and isinstance(error, pg.ReadOnlySqlTransaction)
                if not _is_lost(error) and not found_standby:
                    raise translated(error) from error
                last = error
                # The server may have cut off the others, too.
                self._pool.check()
        assert last is not None
        raise translated(last) from last

    # -- reading --------------------------------------------------------------------------------------------------

    @contextmanager
    def read(self, actor: Actor, *, snapshot: bool = False) -> Iterator[Reads]:
        """Give reads on one pooled connection."""
        try:
            with self._pool.reading(snapshot=snapshot) as connection:
                yield Reads(self.context, actor, connection.execute)  # type: ignore[arg-type]
        except (PoolTimeout, TooManyRequests) as error:
            raise Unavailable(reason="no database connection became free in time") from error
        except psycopg.Error as error:
            raise translated(error) from error

    def query(self, sql: str, params: tuple[object, ...] = (), *, timeout_ms: int | None = None) -> list[Any]:
        """Run one statement; a connection found dead is replaced once more."""

        def attempt(connection: psycopg.Connection[Any]) -> list[Any]:
            return self._pool.one(connection, sql, params, timeout_ms=timeout_ms)

        started = time.perf_counter()
        try:
            return self._with_retry(attempt)
        finally:
            self.note_time(sql, started)

    def near(self, actor: Actor) -> Near:
        """Return a replica that has what the actor wrote, else this database."""
        replica = self._replicas.near(actor) if self._replicas is not None else None
        return self if replica is None else NearDatabase(self, replica)

    async def aread(self, read: Callable[[], T]) -> T:
        """Run a read on one of as many threads as the pool has connections."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, read)

    def info(self) -> DatabaseInfo:
        """Tell the server and its version."""
        version = self.query("SHOW server_version")[0][0]
        parts = psycopg.conninfo.conninfo_to_dict(self.url)
        location = f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"
        return DatabaseInfo(self.engine, location, f"PostgreSQL {version}")

    def refusal(self, error: Exception) -> GrowbaseError | None:
        """Return what a broken constraint or a value that has no place means."""
        return translated(error) if isinstance(error, psycopg.IntegrityError | psycopg.DataError) else None

    def close(self) -> None:
        """Finish running units, then close the pool."""
        self._threads.shutdown(wait=True)
        if self._replicas is not None:
            self._replicas.close()
        self._pool.close(timeout=3)


def _commit_with_position(connection: psycopg.Connection[Any]) -> int:
    """Commit and return a position of the write-ahead log that is not before it, in one round trip."""
    done = connection.execute(f"COMMIT; {NOW}", prepare=False)
    while done.nextset():
        pass
    row = done.fetchone()
    return int(row[0]) if row is not None else 0


def _many(connection: psycopg.Connection[Any]) -> Callable[[str, Sequence[Sequence[object]]], object]:
    def execute_many(sql: str, rows: Sequence[Sequence[object]]) -> object:
        copy_sql = _copy_sql(sql) if len(rows) >= COPIED else None
        with connection.cursor() as cursor:
            if copy_sql is None:
                cursor.executemany(sql, rows)
            else:
                with cursor.copy(copy_sql) as copy:
                    for row in rows:
                        copy.write_row(row)
        return None

    return execute_many


@lru_cache(maxsize=4096)
def _copy_sql(sql: str) -> bytes | None:
    """Return the COPY that does what a plain INSERT does for each row, None for any other statement."""
    found = PLAIN_INSERT.fullmatch(sql)
    return f"COPY {found[1]} FROM STDIN".encode() if found else None


def _is_lost(error: psycopg.Error) -> bool:
    """Return whether the connection broke rather than the statement."""
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return error.sqlstate is None or error.sqlstate in {"57P01", "57P02", "57P03", "08006", "08003"}
    return False


def translated(error: BaseException) -> GrowbaseError:
    """Return what a driver's error means to a caller."""
    if isinstance(error, pg.UniqueViolation):
        return NotUnique(fields=tuple(FieldError(name, "unique", "is already taken") for name in _index_fields(error)))
    if isinstance(error, pg.ForeignKeyViolation):
        name = _constrained_column(error)
        message = "must be the id of an existing row of the same organization"
        return ForeignKey(fields=(FieldError(name, "foreign_key", message),) if name else ())
    if isinstance(error, pg.CheckViolation):
        return Invalid.at(_constrained_column(error) or "", "check", "has a value that is not allowed")
    if isinstance(error, pg.NotNullViolation):
        return Invalid.at(error.diag.column_name or "", "required", "is required")
    if isinstance(error, pg.QueryCanceled):
        return Unavailable(reason="the query took too long")
    if isinstance(error, pg.LockNotAvailable | pg.SerializationFailure | pg.DeadlockDetected):
        return Unavailable(reason="too many changes of the same rows at once")
    if isinstance(error, pg.DiskFull):
        return Unavailable(reason="the disk is full")
    if isinstance(error, pg.ReadOnlySqlTransaction):
        return Unavailable(reason="the database is read-only")
    if isinstance(error, pg.UndefinedTable):
        return Unavailable(reason="its schema is not installed: run growbase db upgrade")
    if isinstance(error, pg.DataError):
        return Invalid("A value is outside of what the database can store.")
    if isinstance(error, pg.RestrictViolation) and error.diag.message_primary == FROZEN:
        return Unavailable(reason=FROZEN)
    if isinstance(error, pg.IntegrityError):
        return Conflict(error.diag.message_primary or "The request conflicts with what is stored.")
    if isinstance(error, psycopg.Error) and _is_lost(error):
        return Unavailable(reason="no connection to the database server")
    detail = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return Unavailable(reason=detail or "the database server reported an error")


def _index_fields(error: psycopg.Error) -> list[str]:
    name = error.diag.constraint_name or ""
    for table in Root.metadata.tables.values():
        for index in table.indexes:
            if index.name == name:
                return list(index.info.get("fields", ()))
        if table.primary_key.name == name:
            return [column.name for column in table.primary_key if column.name != "organization_id"]
    return [name]


def _constrained_column(error: psycopg.Error) -> str:
    """Return the column of a constraint named ``ck_<table>_<column>`` or ``fk_<table>_<column>``."""
    name, table = error.diag.constraint_name or "", error.diag.table_name or ""
    return name[3:].removeprefix(f"{table}_")
