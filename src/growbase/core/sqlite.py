"""The embedded engine: one writer that commits in groups, and read-only connections for everybody else.

Facts behind it: BEGIN IMMEDIATE always (upgrading a read transaction fails at once); synchronous=FULL, so that an
acknowledged write survives a power cut; SQLITE_FULL rolls the whole transaction back by itself, so the writer looks at
``in_transaction`` after every unit.
"""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pysqlite3

from growbase.core.actor import Actor
from growbase.core.crypto import Keyring
from growbase.core.database import Database, DatabaseInfo, Unit
from growbase.core.errors import GrowbaseError, Unavailable
from growbase.core.reads import Reads
from growbase.core.resource import Catalog
from growbase.core.sqlite_connection import GONE, connect, file_at, translated
from growbase.core.sqlite_writer import Pending, Writer

T = TypeVar("T")


class SqliteDatabase(Database):
    """One SQLite file; several processes may serve it."""

    engine = "sqlite"

    def __init__(self, path: Path, catalog: Catalog, keyring: Keyring) -> None:
        super().__init__(catalog, keyring)
        self.path = path
        self.writer = Writer(path, self.context, self.notify)
        self._local = threading.local()
        self._readers: list[pysqlite3.Connection] = []
        self._closed = False

    # -- writing --------------------------------------------------------------------------------------------------

    def write(self, actor: Actor, unit: Unit[T], *, dry_run: bool = False) -> T:
        """Run a unit on the writer thread and wait for its commit."""
        pending = Pending(actor, unit, dry_run, done=threading.Event())
        self.writer.submit(pending)
        assert pending.done is not None
        pending.done.wait()
        if pending.error is not None:
            raise pending.error
        result: T = pending.result
        return result

    async def awrite(self, actor: Actor, unit: Unit[T], *, dry_run: bool = False, large: bool = False) -> T:
        """Run a unit in the event loop's next group; a ``large`` one on the writer thread, so that the loop goes on."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        pending = Pending(actor, unit, dry_run, future=future, loop=loop)
        if large:
            self.writer.submit(pending)
        else:
            self.writer.submit_on_loop(pending, loop)
        return await future

    # -- reading --------------------------------------------------------------------------------------------------

    def _reader(self) -> pysqlite3.Connection:
        connection: pysqlite3.Connection | None = getattr(self._local, "connection", None)
        found = file_at(self.path)
        if connection is None or found != self._local.opened:
            if found is None and connection is not None:
                raise Unavailable(reason=GONE)
            connection = connect(self.path, read_only=True)
            self._local.connection, self._local.opened = connection, found
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

    def refusal(self, error: Exception) -> GrowbaseError | None:
        """Return what a broken constraint means."""
        return translated(error) if isinstance(error, pysqlite3.IntegrityError) else None

    def close(self) -> None:
        """Commit what waits, then close."""
        if self._closed:
            return
        self._closed = True
        self.writer.close()
        for connection in self._readers:
            connection.close()


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
