"""A database that follows its data: when they have moved, this process goes on with the new one, in place."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from growbase.core import telemetry
from growbase.core.actor import Actor
from growbase.core.config import Settings
from growbase.core.crypto import open_sealed
from growbase.core.database import Database, DatabaseInfo, Near, Unit
from growbase.core.errors import GrowbaseError
from growbase.core.gate import FACT, Moved
from growbase.core.place import parse_place, read_place, signature, write_place
from growbase.core.reads import Context, Reads

T = TypeVar("T")


class FollowingDatabase(Database):
    """The database the settings name, until its data move; then the one they moved to.

    Writes notice a move by the gate of the old database, inside their own transaction; reads by the file in the data
    folder. Nothing that was at work is lost: a unit that the old database refuses runs on the new one.
    """

    def __init__(self, settings: Settings, opener: Callable[[Settings], Database]) -> None:
        self._opener = opener
        self._seen = signature(settings.data_dir)
        self._settings = settings.refreshed()
        self._database = opener(self._settings)
        self._left: list[Database] = []
        self._lock = threading.RLock()
        self._pinned = threading.local()
        self.catalog = self._database.catalog
        self.listeners = self._database.listeners
        self.slow_seconds = self._database.slow_seconds
        self.moves: list[Callable[[Settings], None]] = []

    @property
    def settings(self) -> Settings:
        """The settings, which name the database that is in use."""
        return self._settings

    @property
    def engine(self) -> str:  # type: ignore[override]
        """The engine in use."""
        return self._current().engine

    @property
    def context(self) -> Context:  # type: ignore[override]
        """The context of the database in use."""
        return self._current().context

    # -- following ------------------------------------------------------------------------------------------------

    def _current(self) -> Database:
        """Return the database in use, the new one as soon as the data folder's file says that the data have moved."""
        pinned: Database | None = getattr(self._pinned, "database", None)
        if pinned is not None:
            return pinned
        if signature(self._settings.data_dir) != self._seen:
            self._switch()
        return self._database

    def _switch(self) -> None:
        """Open the database that the file names, unless it is the one in use."""
        with self._lock:
            seen = signature(self._settings.data_dir)
            if seen == self._seen:
                return
            settings = self._settings.refreshed()
            if settings.database != self._settings.database:
                opened = self._opener(settings)
                opened.listeners = self.listeners
                self._left.append(self._database)
                self._settings, self._database = settings, opened
                telemetry.instrument("database.followed", level="warning", engine=opened.engine)
                for tell in self.moves:
                    # Beside the caller: it stops and starts threads.
                    threading.Thread(target=tell, args=(settings,), name="growbase-follow", daemon=True).start()
            self._seen = seen

    def _follow(self, left: Database, moved: Moved) -> None:
        """Go where the gate of a database says its data have gone. Raises Moved where that leads nowhere."""
        with self._lock:
            if self._database is not left:
                return
            keyring = left.context.keyring
            place = parse_place(open_sealed(keyring, bytes.fromhex(str(moved.params["sealed"])), context=FACT).decode())
            if read_place(self._settings.data_dir) != place:
                # Whoever moved the data was stopped before it wrote the file, or works in another data folder.
                write_place(self._settings.data_dir, place)
            self._seen = None
            self._switch()
            if self._database is left:
                raise moved

    # -- the database ---------------------------------------------------------------------------------------------

    def write(self, actor: Actor, unit: Unit[T], *, dry_run: bool = False) -> T:
        """Run a unit where the data are."""
        while True:
            database = self._current()
            try:
                return database.write(actor, unit, dry_run=dry_run)
            except Moved as moved:
                self._follow(database, moved)

    async def awrite(self, actor: Actor, unit: Unit[T], *, dry_run: bool = False, large: bool = False) -> T:
        """Run a unit where the data are."""
        while True:
            database = self._current()
            try:
                return await database.awrite(actor, unit, dry_run=dry_run, large=large)
            except Moved as moved:
                await asyncio.to_thread(self._follow, database, moved)

    def pass_gate(self) -> None:
        """Pass the gate of the database in use."""
        self._current().pass_gate()

    def read(self, actor: Actor, *, snapshot: bool = False) -> AbstractContextManager[Reads]:
        """Give reads of the database in use; they stay with it."""
        return self._current().read(actor, snapshot=snapshot)

    def query(self, sql: str, params: tuple[object, ...] = (), *, timeout_ms: int | None = None) -> list[Any]:
        """Run a statement on the database in use."""
        return self._current().query(sql, params, timeout_ms=timeout_ms)

    def near(self, actor: Actor) -> Near:
        """Return what is near the database in use."""
        return self._current().near(actor)

    async def aread(self, read: Callable[[], T]) -> T:
        """Run a function that reads; all of it sees the same database, whose SQL it may write itself."""
        database = self._current()

        def pinned() -> T:
            with self._pin(database):
                return read()

        return await database.aread(pinned)

    @contextmanager
    def _pin(self, database: Database) -> Iterator[None]:
        before = getattr(self._pinned, "database", None)
        self._pinned.database = database
        try:
            yield
        finally:
            self._pinned.database = before

    def info(self) -> DatabaseInfo:
        """Tell what is in use."""
        return self._current().info()

    def refusal(self, error: Exception) -> GrowbaseError | None:
        """Return what an error of the engine in use means."""
        return self._current().refusal(error)

    def close(self) -> None:
        """Close the database in use and those that were left."""
        for database in (*self._left, self._database):
            database.close()
