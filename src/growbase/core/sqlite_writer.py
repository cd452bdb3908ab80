"""The one writer of a SQLite file: units of work in groups, each group one durable commit.

Units that come from the event loop run on the loop's own thread, and a second thread does only the COMMIT, whose
fsync would hold the loop up. Handing whole units to a thread costs more than running them: each statement gives the
interpreter lock away and has to win it back from a busy loop. Units from other threads, and large ones, run on a
writer thread. Whose turn it is, is settled by a lock inside the process and a file lock between processes, which is
faster and fairer than SQLite's busy handler.
"""

import asyncio
import fcntl
import os
import threading
import time
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import pysqlite3

from growbase.core import telemetry
from growbase.core.actor import Actor
from growbase.core.ddl import INDEX_SEARCH
from growbase.core.errors import Unavailable
from growbase.core.gate import Moved, ReadOnly, require_open
from growbase.core.position import LogPosition
from growbase.core.reads import Context
from growbase.core.sqlite_connection import BUSY_MS, GONE, connect, file_at, translated
from growbase.core.transaction import Transaction

BATCH = 128
STATE = (
    "SELECT (SELECT max(seq) FROM changes), (SELECT value FROM instance_facts WHERE name = 'gate'), "
    "(SELECT value FROM instance_facts WHERE name = 'log_base')"
)
"""Units in one commit."""


@dataclass(slots=True)
class Pending:
    """A unit waiting for its commit, and who waits for it: a thread or a future of the event loop."""

    actor: Actor
    unit: Callable[[Transaction], Any]
    dry_run: bool = False
    done: "threading.Event | None" = None
    future: "asyncio.Future[Any] | None" = None
    loop: asyncio.AbstractEventLoop | None = None
    result: Any = None
    error: BaseException | None = None
    touched: set[str] = field(default_factory=set)
    woken: set[str] = field(default_factory=set)

    def resolve(self) -> None:
        """Answer the future; called on its loop."""
        if self.future is None or self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Writer:
    """Owns the write connection of one process. Raises Unavailable where the folder takes no lock file."""

    def __init__(self, path: Path, context: Context, notify: Callable[[frozenset[str], frozenset[str]], None]) -> None:
        self.path = path
        self.context = context
        self.notify = notify
        self.passes_gate = False
        self._position = LogPosition("sqlite")
        self._connection: pysqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None
        try:
            self._file = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise Unavailable(reason=f"{error.filename} can't be opened: {error.strerror}") from error
        self._turn = threading.Lock()
        self._queue: SimpleQueue[Pending | None] = SimpleQueue()
        self._commits: SimpleQueue[list[Pending] | str | None] = SimpleQueue()
        self._waiting: list[Pending] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._busy = False
        self._closed = False
        self._threads = [
            threading.Thread(target=target, name=f"growbase-{name}", daemon=True)
            for name, target in (("writer", self._write_for_threads), ("commit", self._commit_for_loop))
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, pending: Pending) -> None:
        """Queue a unit for the writer thread. Raises Unavailable while the server stops."""
        if self._closed:
            raise Unavailable(reason="the server is stopping")
        self._queue.put(pending)

    def submit_on_loop(self, pending: Pending, loop: asyncio.AbstractEventLoop) -> None:
        """Queue a unit to run on the event loop that calls, in the next group."""
        if self._closed:
            raise Unavailable(reason="the server is stopping")
        if self._loop is None or (self._loop.is_closed() and not self._busy):
            self._loop = loop
        if loop is not self._loop:
            self._queue.put(pending)
            return
        self._waiting.append(pending)
        if not self._busy:
            self._busy = True
            loop.call_soon(self._begin)

    def close(self) -> None:
        """Commit what waits, then close the connection."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        self._commits.put(None)
        for thread in self._threads:
            thread.join(timeout=10)
        if self._connection is not None:
            self._connection.close()
        os.close(self._file)

    # -- units of the event loop ----------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Start a group at once if it is our turn, else when the commit thread has waited for it."""
        try:
            if self._take(wait=False):
                self._run_group()
            else:
                self._commits.put("turn")
        except BaseException as error:  # noqa: BLE001 -- every caller waits for an answer
            self._abandon(error)

    def _run_group(self) -> None:
        """Run the waiting units; called on the loop, holding the turn."""
        if self._closed:
            self._abandon(Unavailable(reason="the server is stopping"))
            return
        group, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
        try:
            self._run_units(group)
        except BaseException as error:  # noqa: BLE001 -- every caller waits for an answer
            self._roll_back()
            fail(group, error)
        self._commits.put(group)

    def _abandon(self, error: BaseException) -> None:
        group, self._waiting = self._waiting, []
        fail(group, error)
        self._answered(group)

    def _answered(self, group: list[Pending]) -> None:
        """Answer a group on the loop and go on with what has come meanwhile."""
        for pending in group:
            pending.resolve()
        if self._waiting:
            self._begin()
        else:
            self._busy = False

    def _commit_for_loop(self) -> None:
        """Run the commit thread: wait for the turn, or end a group, when the loop asks for it."""
        while (work := self._commits.get()) is not None:
            loop = self._loop
            if loop is None:
                continue
            if isinstance(work, str):
                try:
                    self._take(wait=True)
                except BaseException as error:  # noqa: BLE001 -- every caller waits for an answer
                    _call(loop, self._abandon, error)
                else:
                    _call(loop, self._run_group)
                continue
            self._end(work)
            self._announce(work)
            _call(loop, self._answered, work)

    # -- units of threads -----------------------------------------------------------------------------------------

    def _write_for_threads(self) -> None:
        """Run the writer thread: drain the queue for ever, each group one transaction."""
        while (first := self._queue.get()) is not None:
            group, last = [first], False
            while len(group) < BATCH:
                try:
                    following = self._queue.get_nowait()
                except Empty:
                    break
                if following is None:
                    last = True
                    break
                group.append(following)
            self._write_group(group)
            if last:
                return

    def _write_group(self, group: list[Pending]) -> None:
        try:
            self._take(wait=True)
        except BaseException as error:  # noqa: BLE001 -- every caller waits for an answer
            fail(group, error)
        else:
            try:
                self._run_units(group)
            except BaseException as error:  # noqa: BLE001 -- the same
                self._roll_back()
                fail(group, error)
            self._end(group)
        self._announce(group)
        for pending in group:
            if pending.done is not None:
                pending.done.set()
            elif pending.loop is not None:
                _call(pending.loop, pending.resolve)

    # -- a group --------------------------------------------------------------------------------------------------

    def _take(self, *, wait: bool) -> bool:
        """Take the turn and begin a transaction; False if ``wait`` is not set and somebody else has it."""
        if not self._turn.acquire(blocking=wait):
            return False
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._follow_file()
            connection = self._open()
            connection.execute(f"PRAGMA busy_timeout = {BUSY_MS if wait else 0}")
            connection.execute("BEGIN IMMEDIATE")
            newest, gate, log_base = connection.execute(STATE).fetchone()
            self._position.last = max(self._position.last, newest or 0, int(log_base or 0))
            if gate is not None and not self.passes_gate:
                require_open(gate)
        except BlockingIOError:
            self._turn.release()
            return False
        except BaseException as error:
            self._roll_back()
            self._give_up_turn()
            if not wait and isinstance(error, pysqlite3.OperationalError) and "locked" in str(error):
                return False
            raise
        return True

    def _run_units(self, group: Sequence[Pending]) -> None:
        """Run each unit in a savepoint of its own; raises if SQLite has rolled back the whole transaction by itself."""
        connection = self._open()
        for pending in group:
            # A savepoint keeps a copy of every page that is changed; one unit alone has the transaction for that.
            alone = len(group) == 1
            if not alone:
                connection.execute("SAVEPOINT unit")
            tx = Transaction(self.context, pending.actor, connection.execute, connection.executemany, self._position)
            try:
                pending.result = pending.unit(tx)
                tx.flush()
            except BaseException as error:  # noqa: BLE001 -- the unit's error is its caller's
                pending.error = translated(error) if isinstance(error, pysqlite3.Error | OverflowError) else error
            if not connection.in_transaction:
                raise pending.error or Unavailable(reason="the transaction was rolled back")
            if pending.error is not None or pending.dry_run:
                connection.execute("ROLLBACK" if alone else "ROLLBACK TO unit")
            else:
                pending.touched, pending.woken = tx.touched, tx.woken
            if not alone:
                connection.execute("RELEASE unit")

    def _end(self, group: list[Pending]) -> None:
        """Commit the group, or undo it where that fails, and give up the turn."""
        started = time.perf_counter()
        try:
            connection = self._open()
            if connection.in_transaction:
                if connection.execute("SELECT 1 FROM search_pending LIMIT 1").fetchone():
                    for statement in INDEX_SEARCH:
                        connection.execute(statement)
                connection.execute("COMMIT")
        except BaseException as error:  # noqa: BLE001 -- every caller waits for an answer
            self._roll_back()
            fail(group, error)
        finally:
            self._give_up_turn()
        telemetry.observe_batch(len(group))
        telemetry.observe_unit((time.perf_counter() - started) / max(1, len(group)))

    def _announce(self, group: Sequence[Pending]) -> None:
        """Tell the listeners before anybody is answered: who has revoked a session must not find it in a cache."""
        touched: set[str] = set().union(*(pending.touched for pending in group))
        woken: set[str] = set().union(*(pending.woken for pending in group))
        if not touched and not woken:
            return
        try:
            self.notify(frozenset(touched), frozenset(woken))
        except Exception as error:  # noqa: BLE001 -- the commit stands whatever a listener does
            telemetry.instrument("listener_failed", level="error", exc_info=error)

    def _give_up_turn(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)
        self._turn.release()

    def _roll_back(self) -> None:
        # Units of one group see each other's keys: what was sealed with one that is undone must not be used again.
        self.context.acting.clear()
        if self._connection is None:
            return
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except pysqlite3.Error:
            self._connection.close()
            self._connection = None

    def _follow_file(self) -> None:
        """Let go of a file that is no longer the one at the path. Raises Unavailable if there is none any more."""
        found = file_at(self.path)
        if found != self._opened and self._connection is not None:
            self._connection.close()
            self._connection = None
            self.context.acting.clear()
        if found is None and self._opened is not None:
            raise Unavailable(reason=GONE)

    def _open(self) -> pysqlite3.Connection:
        if self._connection is None:
            self._connection = connect(self.path)
            self._opened = file_at(self.path)
        return self._connection


def fail(group: Sequence[Pending], error: BaseException) -> None:
    """Mark as Unavailable every unit that was undone without being wrong itself."""
    found = translated(error) if isinstance(error, pysqlite3.Error) else error
    if isinstance(found, ReadOnly | Moved):
        for pending in group:
            pending.error = pending.error or copy(found)
        return
    reason = str(found.params.get("reason", found)) if isinstance(found, Unavailable) else str(found)
    for pending in group:
        pending.error = pending.error or Unavailable(reason=reason)
        pending.touched, pending.woken = set(), set()


def _call(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *args: object) -> None:
    """Run a function on a loop, unless it is closed and nobody waits there any more."""
    try:
        loop.call_soon_threadsafe(function, *args)
    except RuntimeError:
        telemetry.instrument("loop_closed", level="debug")
