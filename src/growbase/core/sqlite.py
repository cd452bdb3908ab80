"""The embedded engine: one writer that commits in groups, and read-only connections for everybody else.

Facts behind it: BEGIN IMMEDIATE always (upgrading a read transaction fails at once); synchronous=FULL, so that an
acknowledged write survives a power cut; SQLITE_FULL rolls the whole transaction back by itself, so the writer looks at
``in_transaction`` after every unit.
"""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
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
INLINE_SECONDS = 0.003
"""How long a read may hold the event loop before it goes to a thread."""
PROGRESS_STEPS = 5_000
READERS = 4
"""Threads, and so connections, for reads that take longer."""


class OutOfTime(Exception):
    """A read took longer than the event loop can wait: run it again in a thread."""


class SqliteDatabase(Database):
    """One SQLite file; several processes may serve it."""

    engine = "sqlite"

    def __init__(self, path: Path, catalog: Catalog, keyring: Keyring) -> None:
        super().__init__(catalog, keyring)
        self.path = path
        self.writer = Writer(path, self.context, self.notify)
        self._local = threading.local()
        self._readers: list[pysqlite3.Connection] = []
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="growbase-reader")
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

    def pass_gate(self) -> None:
        """Let the writer through."""
        self.writer.passes_gate = True

    # -- reading --------------------------------------------------------------------------------------------------

    def _reader(self) -> pysqlite3.Connection:
        connection: pysqlite3.Connection | None = getattr(self._local, "connection", None)
        found = file_at(self.path)
        if connection is None or found != self._local.opened:
            if found is None and connection is not None:
                raise Unavailable(reason=GONE)
            connection = connect(self.path, read_only=True)
            connection.set_progress_handler(self._expired, PROGRESS_STEPS)
            self._local.deadline = math.inf
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
            raise self._refused(error, self._local.deadline, None) from error
        finally:
            if snapshot and connection.in_transaction:
                connection.execute("ROLLBACK")

    def query(self, sql: str, params: tuple[object, ...] = (), *, timeout_ms: int | None = None) -> list[Any]:
        """Run one statement on this thread's connection."""
        started = time.perf_counter()
        connection = self._reader()
        inline = self._local.deadline
        if timeout_ms is not None:
            self._local.deadline = min(inline, started + timeout_ms / 1000)
        try:
            rows: list[Any] = connection.execute(sql, params).fetchall()
        except pysqlite3.Error as error:
            raise self._refused(error, inline, timeout_ms) from error
        else:
            return rows
        finally:
            self._local.deadline = inline
            self.note_time(sql, started)

    async def aread(self, read: Callable[[], T]) -> T:
        """Run a read at once if it is short, which is quicker than the way to a thread and back; else in a thread."""
        loop = asyncio.get_running_loop()
        self._reader()
        self._local.deadline = time.perf_counter() + INLINE_SECONDS
        try:
            return read()
        except OutOfTime:
            pass
        finally:
            self._local.deadline = math.inf
        return await loop.run_in_executor(self._threads, read)

    def _expired(self) -> bool:
        """Say whether the statement at work on this thread has had its time (SQLite asks every few thousand steps)."""
        deadline: float = self._local.deadline
        return time.perf_counter() > deadline

    def _refused(self, error: pysqlite3.Error, inline: float, timeout_ms: int | None) -> Exception:
        if "interrupted" not in str(error):
            return translated(error)
        if inline < math.inf:
            return OutOfTime()
        return Unavailable(reason=f"the query took longer than {timeout_ms} ms")

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
        self._threads.shutdown(wait=True)
        for connection in self._readers:
            connection.close()
