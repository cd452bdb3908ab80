"""The end of the change log, followed once by each process for all its event streams."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Self
from uuid import UUID

from pydantic_core import to_json

from growbase.core import telemetry
from growbase.core.actor import Role, system
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError
from growbase.core.feed import (
    BEGINNING,
    Batch,
    Position,
    cursor_of,
    needed_role,
    newest,
    position_of,
    read_changes,
    shown_change,
)
from growbase.core.resource import Catalog
from growbase.core.tables import Change

POLL_SECONDS = 1.0
"""Other processes' changes, and those that had to wait for an open transaction, are noticed after this long."""
PAUSE_SECONDS = 0.05
"""Between two looks, so that a busy log is read in batches."""
KEPT = 256
"""Changes of an organization in memory; who is further behind reads the database."""
READ = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """A change ready to send, and which role may see it."""

    position: Position
    entity: str
    role: Role
    event: bytes

    @classmethod
    def of(cls, catalog: Catalog, change: Change) -> Self | None:
        """Return the entry of a change, None if no feed shows it."""
        role = needed_role(catalog, change)
        if role is None:
            return None
        position = position_of(change)
        data = to_json(shown_change(catalog, change))
        return cls(position, change.entity, role, b"id: %b\ndata: %b\n\n" % (cursor_of(position).encode(), data))


@dataclass(slots=True)
class Ring:
    """The latest changes of one organization: all of those after ``floor`` up to ``head``."""

    floor: Position | None = None
    head: Position = BEGINNING
    entries: deque[Entry] = field(default_factory=deque)
    streams: int = 0
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, entry: Entry) -> None:
        """Keep a change, and let go of the oldest where there are too many."""
        self.entries.append(entry)
        if len(self.entries) > KEPT:
            self.floor = self.entries.popleft().position

    def tell(self) -> None:
        """Wake the streams that wait."""
        moved, self.moved = self.moved, asyncio.Event()
        moved.set()


class Tail:
    """Reads what is new once a second at the most, or when this process has committed, while anybody listens."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.closed = False
        self._rings: dict[UUID, Ring] = {}
        self._position = BEGINNING
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        database.listeners.append(self._on_commit)

    @contextmanager
    def joined(self, organization_id: UUID) -> Iterator[Ring]:
        """Follow an organization's changes while the block runs; called on the event loop."""
        ring = self._rings.setdefault(organization_id, Ring())
        ring.streams += 1
        if self._task is None:
            self._wake = asyncio.Event()
            self._loop = asyncio.get_running_loop()
            self._task = self._loop.create_task(self._follow())
        try:
            yield ring
        finally:
            ring.streams -= 1
            if not ring.streams:
                self._rings.pop(organization_id, None)
                self._wake.set()

    def close(self) -> None:
        """End every stream; called on the event loop."""
        self.closed = True
        self._wake.set()
        for ring in self._rings.values():
            ring.tell()

    def _on_commit(self, touched: frozenset[str], woken: frozenset[str]) -> None:
        del woken
        loop = self._loop
        if not touched or loop is None:
            return
        try:
            loop.call_soon_threadsafe(self._wake.set)
        except RuntimeError:  # the loop is closed, and nobody listens any more
            self._loop = None

    async def _follow(self) -> None:
        """Run while there are streams."""
        self._position = BEGINNING
        try:
            while self._rings and not self.closed:
                self._wake.clear()
                try:
                    await self._read()
                except GrowbaseError as error:
                    telemetry.instrument("feed_waits", level="warning", reason=str(error))
                await asyncio.sleep(PAUSE_SECONDS)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)
        finally:
            self._task = self._loop = None

    async def _read(self) -> None:
        """Take in what is new for the organizations that are listened to now."""
        has_more = True
        while has_more and not self.closed:
            rings, after = dict(self._rings), self._position
            batch = await self.database.aread(partial(self._batch, after, list(rings)))
            if after == BEGINNING:
                # Just begun: what was before is for the database to tell.
                after = batch.position
            self._position, has_more = batch.position, batch.has_more
            for organization_id, ring in rings.items():
                own = [change for change in batch.changes if change.organization_id == organization_id]
                self._take(ring, own, after)

    def _batch(self, after: Position, organizations: list[UUID]) -> Batch:
        with self.database.read(system("feed")) as reads:
            end = newest(reads)
            if after in {BEGINNING, end}:
                return Batch([], end, has_more=False)
            return read_changes(reads, after, READ, organizations=organizations)

    def _take(self, ring: Ring, changes: Sequence[Change], after: Position) -> None:
        """Add an organization's changes after a position up to where the tail has come."""
        is_new = ring.floor is None
        if is_new:
            ring.floor = after
        ring.head = self._position
        entries = (Entry.of(self.database.catalog, change) for change in changes)
        for entry in entries:
            if entry is not None:
                ring.add(entry)
        if changes or is_new:
            ring.tell()
