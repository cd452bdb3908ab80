"""A database that runs units of work: the part both engines share."""

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from growbase.core import telemetry
from growbase.core.actor import Actor
from growbase.core.config import Settings
from growbase.core.crypto import Keyring
from growbase.core.errors import GrowbaseError
from growbase.core.reads import Context, Reads
from growbase.core.resource import Catalog
from growbase.core.transaction import Transaction

T = TypeVar("T")
_TABLE = re.compile(r"FROM (\w+) t\b")
Unit = Callable[[Transaction], T]
"""A unit of work: its writes commit together or not at all. It may run twice (a retry), so it has no side effects."""
Listener = Callable[[frozenset[str], frozenset[str]], None]
"""Called after a commit with the tables written and the queues that got jobs."""


@dataclass(frozen=True, slots=True)
class DatabaseInfo:
    """What ``status`` and ``health`` tell of a database."""

    engine: str
    location: str
    server_version: str


class Near(Protocol):
    """What lists and dashboards read from: the database itself, or a replica of it."""

    engine: str
    catalog: Catalog

    def query(self, sql: str, params: tuple[object, ...] = (), *, timeout_ms: int | None = None) -> list[Any]:
        """Run one read-only statement; see ``Database.query``."""

    def read(self, actor: Actor, *, snapshot: bool = False) -> AbstractContextManager[Reads]:
        """Give reads; see ``Database.read``."""


class Database(ABC):
    """Runs units of work durably and gives read-only snapshots; one instance a process."""

    engine: str

    def __init__(self, catalog: Catalog, keyring: Keyring, log_base: int = 0) -> None:
        self.catalog = catalog
        self.context = Context(self.engine, catalog, keyring, log_base)
        self.listeners: list[Listener] = []
        self.moves: list[Callable[[Settings], None]] = []
        """Called with the new settings when this process has gone on with another database."""
        self.slow_seconds = 0.2

    @abstractmethod
    def write(self, actor: Actor, unit: Unit[T], *, dry_run: bool = False) -> T:
        """Run a unit and return its result once it is durable; ``dry_run`` keeps nothing."""

    @abstractmethod
    async def awrite(self, actor: Actor, unit: Unit[T], *, dry_run: bool = False, large: bool = False) -> T:
        """Do as ``write`` without blocking the event loop; ``large`` says that the unit may touch many rows."""

    @abstractmethod
    def pass_gate(self) -> None:
        """Let this instance's units through a gate that is closed to all others."""

    @abstractmethod
    def read(self, actor: Actor, *, snapshot: bool = False) -> AbstractContextManager[Reads]:
        """Give typed and raw reads; with ``snapshot`` all of them see one state of the database."""

    @abstractmethod
    def query(self, sql: str, params: tuple[object, ...] = (), *, timeout_ms: int | None = None) -> list[Any]:
        """Run one read-only statement and return its rows. Raises Unavailable when ``timeout_ms`` has passed."""

    def near(self, actor: Actor) -> Near:
        """Return what the actor's lists are to be read from: everything the actor has written is there."""
        del actor
        return self

    @abstractmethod
    async def aread(self, read: Callable[[], T]) -> T:
        """Run a function that only reads without holding up the event loop; it may be begun twice."""

    @abstractmethod
    def info(self) -> DatabaseInfo:
        """Tell what this is. Raises Unavailable."""

    @abstractmethod
    def refusal(self, error: Exception) -> GrowbaseError | None:
        """Return what a statement's error means where its values are to blame, None where the database is."""

    @abstractmethod
    def close(self) -> None:
        """Finish running units and close every connection."""

    def note_time(self, sql: str, started: float) -> None:
        """Log a statement that took longer than ``slow_seconds`` since ``started`` (``perf_counter``)."""
        spent = time.perf_counter() - started
        if spent > self.slow_seconds:
            table = _TABLE.search(sql)
            telemetry.observe_slow_query(table[1] if table else "other", spent, sql)

    def notify(self, touched: frozenset[str], woken: frozenset[str]) -> None:
        """Tell the listeners what a commit has written."""
        for listener in self.listeners:
            listener(touched, woken)
