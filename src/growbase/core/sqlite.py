"""The embedded engine: one writer thread that commits in groups, and read-only connections for everybody else.

Facts behind it: BEGIN IMMEDIATE always (upgrading a read transaction fails at once); synchronous=FULL, so that an
acknowledged write survives a power cut; a file lock round each batch lets several processes take turns, which is
faster and fairer than SQLite's busy handler; SQLITE_FULL rolls the whole transaction back by itself, so the writer
looks at ``in_transaction`` after every unit.
"""

import asyncio
import fcntl
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import pysqlite3

from growbase.core import telemetry
from growbase.core.actor import Actor
from growbase.core.crypto import Keyring
from growbase.core.database import Database, DatabaseInfo, Unit
from growbase.core.errors import (
    ConfigError,
    Conflict,
    FieldError,
    ForeignKey,
    GrowbaseError,
    Invalid,
    NotUnique,
    Unavailable,
)
from growbase.core.model import Root
from growbase.core.position import LogPosition
from growbase.core.reads import Reads
from growbase.core.resource import Catalog
from growbase.core.transaction import Transaction

T = TypeVar("T")
BATCH = 128
"""Units in one commit."""
FIXED_VERSION = (3, 51, 3)
"""The first SQLite without the race between a writer and a checkpointing connection."""


@dataclass(slots=True)
class _Pending:
    """A unit waiting for its commit."""

    actor: Actor
    unit: Unit[Any]
    dry_run: bool
    done: "threading.Event | None" = None
    loop: asyncio.AbstractEventLoop | None = None
    future: "asyncio.Future[Any] | None" = None
    result: Any = None
    error: BaseException | None = None
    touched: set[str] = field(default_factory=set)
    woken: set[str] = field(default_factory=set)


def require_fixed_version() -> None:
    """Raise ConfigError if the SQLite library may corrupt a database that several connections write."""
    if pysqlite3.sqlite_version_info < FIXED_VERSION:
        message = (
            "SQLite {version} has a known fault: install pysqlite3 >= 0.6.1 or set GROWBASE_ALLOW_OLD_SQLITE=true."
        )
        raise ConfigError(message, version=pysqlite3.sqlite_version)


def connect(path: Path, *, read_only: bool = False) -> pysqlite3.Connection:
    """Open a connection in autocommit mode with Growbase's settings. Raises Unavailable."""
    mode = "ro" if read_only else "rwc"
    try:
        connection = pysqlite3.connect(
            f"file:{path}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
        else:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -32768")
    except pysqlite3.Error as error:
        raise translated(error) from error
    return connection


class SqliteDatabase(Database):
    """One SQLite file; several processes may serve it."""

    engine = "sqlite"

    def __init__(self, path: Path, catalog: Catalog, keyring: Keyring) -> None:
        super().__init__(catalog, keyring)
        self.path = path
        self._local = threading.local()
        self._readers: list[pysqlite3.Connection] = []
        self._queue: SimpleQueue[_Pending | None] = SimpleQueue()
        self._lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        self._writer: pysqlite3.Connection | None = None
        self._position = LogPosition(self.engine)
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="growbase-writer", daemon=True)
        self._thread.start()

    # -- writing --------------------------------------------------------------------------------------------------

    def write(self, actor: Actor, unit: Unit[T], *, dry_run: bool = False) -> T:
        """Run a unit on the writer thread and wait for its commit."""
        pending = _Pending(actor, unit, dry_run, done=threading.Event())
        self._submit(pending)
        assert pending.done is not None
        pending.done.wait()
        if pending.error is not None:
            raise pending.error
        result: T = pending.result
        return result

    async def awrite(self, actor: Actor, unit: Unit[T], *, dry_run: bool = False) -> T:
        """Run a unit on the writer thread; the event loop goes on meanwhile."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._submit(_Pending(actor, unit, dry_run, loop=loop, future=future))
        return await future

    def _submit(self, pending: _Pending) -> None:
        if self._closed:
            raise Unavailable(reason="the server is stopping")
        self._queue.put(pending)

    def _run(self) -> None:
        """Drain the queue for ever: every batch is one transaction."""
        while True:
            first = self._queue.get()
            if first is None:
                return
            batch, last = [first], False
            while len(batch) < BATCH:
                try:
                    following = self._queue.get_nowait()
                except Empty:
                    break
                if following is None:
                    last = True
                    break
                batch.append(following)
            started = time.perf_counter()
            self._commit(batch)
            telemetry.observe_batch(len(batch))
            telemetry.observe_unit((time.perf_counter() - started) / len(batch))
            self._answer(batch)
            if last:
                return

    def _commit(self, batch: list[_Pending]) -> None:
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            connection = self._write_connection()
            connection.execute("BEGIN IMMEDIATE")
            newest = connection.execute("SELECT max(seq) FROM changes").fetchone()[0] or 0
            self._position.last = max(self._position.last, newest)
            for place, pending in enumerate(batch):
                if not self._run_unit(connection, pending):
                    self._fail(batch[:place], pending.error)
                    self._fail(batch[place + 1 :], pending.error)
                    return
            connection.execute("COMMIT")
        except BaseException as error:  # noqa: BLE001 -- every caller waits for an answer
            self._roll_back()
            self._fail(batch, error)
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _run_unit(self, connection: pysqlite3.Connection, pending: _Pending) -> bool:
        """Run one unit in its savepoint; False if SQLite has rolled back the whole transaction by itself."""
        connection.execute("SAVEPOINT unit")
        tx = Transaction(self.context, pending.actor, connection.execute, connection.executemany, self._position)
        try:
            pending.result = pending.unit(tx)
            tx.flush()
        except BaseException as error:  # noqa: BLE001 -- the unit's error is its caller's
            pending.error = translated(error) if isinstance(error, pysqlite3.Error) else error
        if not connection.in_transaction:
            pending.error = pending.error or Unavailable(reason="the transaction was rolled back")
            return False
        if pending.error is not None or pending.dry_run:
            connection.execute("ROLLBACK TO unit")
        else:
            pending.touched, pending.woken = tx.touched, tx.woken
        connection.execute("RELEASE unit")
        return True

    def _fail(self, batch: Sequence[_Pending], error: BaseException | None) -> None:
        """Answer with Unavailable every unit that was undone without being wrong itself."""
        reason = str(error) if not isinstance(error, Unavailable) else str(error.params.get("reason", error))
        for pending in batch:
            pending.error = pending.error or Unavailable(reason=reason)
            pending.touched, pending.woken = set(), set()

    def _roll_back(self) -> None:
        if self._writer is None:
            return
        try:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        except pysqlite3.Error:
            self._writer.close()
            self._writer = None

    def _write_connection(self) -> pysqlite3.Connection:
        if self._writer is None:
            self._writer = connect(self.path)
        return self._writer

    def _answer(self, batch: list[_Pending]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[_Pending]] = {}
        touched: set[str] = set().union(*(pending.touched for pending in batch))
        woken: set[str] = set().union(*(pending.woken for pending in batch))
        try:
            # Before anybody is answered: who has just revoked a session must not find it in a cache.
            if touched or woken:
                self.notify(frozenset(touched), frozenset(woken))
        finally:
            for pending in batch:
                if pending.done is not None:
                    pending.done.set()
                elif pending.loop is not None:
                    by_loop.setdefault(pending.loop, []).append(pending)
            for loop, group in by_loop.items():
                if not loop.is_closed():
                    loop.call_soon_threadsafe(_resolve, group)

    # -- reading --------------------------------------------------------------------------------------------------

    def _reader(self) -> pysqlite3.Connection:
        connection: pysqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = connect(self.path, read_only=True)
            self._local.connection = connection
            self._readers.append(connection)
        return connection

    @contextmanager
    def read(self, actor: Actor, *, snapshot: bool = False) -> Iterator[Reads]:
        """Give reads on this thread's connection."""
        connection = self._reader()
        try:
            if snapshot:
                connection.execute("BEGIN")
            yield Reads(self.context, actor, connection.execute)
        except pysqlite3.Error as error:
            raise translated(error) from error
        finally:
            if snapshot and connection.in_transaction:
                connection.execute("ROLLBACK")

    def query(self, sql: str, params: tuple[object, ...] = (), *, timeout_ms: int | None = None) -> list[Any]:
        """Run one statement on this thread's connection."""
        started = time.perf_counter()
        try:
            connection = self._reader()
            if timeout_ms is not None:
                return _timed(connection, sql, params, timeout_ms)
            rows: list[Any] = connection.execute(sql, params).fetchall()
        except pysqlite3.Error as error:
            raise translated(error) from error
        else:
            return rows
        finally:
            self.note_time(sql, started)

    def info(self) -> DatabaseInfo:
        """Tell the file and the library's version."""
        self.query("SELECT count(*) FROM sqlite_master")
        return DatabaseInfo(self.engine, str(self.path), f"SQLite {pysqlite3.sqlite_version}")

    def close(self) -> None:
        """Commit what waits, then close."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        self._thread.join(timeout=10)
        for connection in self._readers:
            connection.close()
        if self._writer is not None:
            self._writer.close()
        os.close(self._lock)


def _resolve(group: list[_Pending]) -> None:
    for pending in group:
        future = pending.future
        if future is None or future.done():
            continue
        if pending.error is not None:
            future.set_exception(pending.error)
        else:
            future.set_result(pending.result)


def _timed(connection: pysqlite3.Connection, sql: str, params: tuple[object, ...], timeout_ms: int) -> list[Any]:
    deadline = time.monotonic() + timeout_ms / 1000
    connection.set_progress_handler(lambda: time.monotonic() > deadline, 20_000)
    try:
        rows: list[Any] = connection.execute(sql, params).fetchall()
    except pysqlite3.OperationalError as error:
        if "interrupted" in str(error):
            raise Unavailable(reason=f"the query took longer than {timeout_ms} ms") from error
        raise
    else:
        return rows
    finally:
        connection.set_progress_handler(None, 0)


def translated(error: BaseException) -> GrowbaseError:
    """Return what a driver's error means to a caller."""
    text = str(error)
    if isinstance(error, pysqlite3.IntegrityError):
        return _constraint(text)
    if isinstance(error, pysqlite3.DataError | OverflowError):
        return Invalid("A value is outside of what the database can store.")
    reasons = {
        "disk is full": "the disk is full",
        "readonly database": "the database file is read-only",
        "unable to open": "the database file can't be opened",
        "disk I/O error": "the disk reported an error",
        "locked": "another program holds the database",
        "malformed": "the database file is damaged",
        "not a database": "the file is not a database",
        "no such table": "its schema is not installed: run growbase db upgrade",
    }
    reason = next((plain for part, plain in reasons.items() if part in text), text)
    return Unavailable(reason=reason)


def _constraint(text: str) -> GrowbaseError:
    kind, _, detail = text.partition(" constraint failed: ")
    if kind.startswith("FOREIGN KEY"):
        return ForeignKey()
    if kind == "UNIQUE":
        return NotUnique(
            fields=tuple(FieldError(name, "unique", "is already taken") for name in _unique_fields(detail))
        )
    if kind in {"CHECK", "NOT NULL"}:
        name = _checked_field(detail) if kind == "CHECK" else detail.rpartition(".")[2]
        message = "has a value that is not allowed" if kind == "CHECK" else "is required"
        return Invalid.at(name, "check" if kind == "CHECK" else "required", message)
    return Conflict(text)


def _unique_fields(detail: str) -> list[str]:
    if detail.startswith("index"):
        name = detail.split("'")[1]
        found = [index for table in Root.metadata.tables.values() for index in table.indexes if index.name == name]
        return list(found[0].info.get("fields", ())) if found else [name]
    names = [part.rpartition(".")[2].removesuffix("_norm") for part in detail.split(", ")]
    return [name for name in names if name not in {"organization_id", "id"}] or names


def _checked_field(name: str) -> str:
    """Return the column of a CHECK named ``ck_<table>_<column>``."""
    for table in Root.metadata.tables.values():
        prefix = f"ck_{table.name}_"
        if name.startswith(prefix) and name.removeprefix(prefix) in table.columns:
            return name.removeprefix(prefix)
    return name
