"""The change feed: pages of JSON, or events as they happen."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from growbase.api.call import Answer, Call, endpoint, json_answer
from growbase.api.tail import Entry, Ring
from growbase.core.actor import Actor, Role
from growbase.core.errors import Forbidden, GrowbaseError, NotFound
from growbase.core.feed import (
    BEGINNING,
    Batch,
    Position,
    cursor_of,
    needed_role,
    newest,
    position_at,
    read_changes,
    require_kept,
    shown_change,
)
from growbase.core.query import MAX_LIMIT, bad

DEFAULT_LIMIT = 100
EVENTS = "text/event-stream"
RETRY_MS = 2_000
"""How long a client that lost its stream waits before it comes back."""
HEARTBEAT_SECONDS = 15.0
"""Between two signs of life, and two looks whether the caller may still read."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request wants of the feed: the changes after a position (None: from now on), of some tables or all."""

    after: Position | None
    entities: Collection[str] | None
    limit: int


@endpoint("/api/changes", "GET")
async def changes(call: Call) -> Answer:
    """Read what has changed, oldest first and without a gap, as far as the caller may read it.

    ``since`` is where the page before ended, or ``now``; without it a page begins at the oldest change the log keeps.
    ``entity`` names resources. With ``Accept: text/event-stream`` changes come as Server-Sent Events, from now on or
    from ``since`` or ``Last-Event-ID``.
    """
    actor = await call.require(Role.VIEWER)
    if EVENTS in call.headers.get("accept", ""):
        return await _stream(call, actor)
    asked = _asked(call, actor, BEGINNING)

    def read() -> Batch:
        with call.api.database.read(actor, snapshot=True) as reads:
            if asked.after is None:
                return Batch([], newest(reads), has_more=False)
            require_kept(reads, asked.after)
            return read_changes(reads, asked.after, asked.limit, entities=asked.entities)

    batch = await call.api.database.aread(read)
    catalog = call.api.catalog
    roles = [(needed_role(catalog, change), change) for change in batch.changes]
    shown = [shown_change(catalog, change) for role, change in roles if role is not None and actor.has_role(role)]
    return json_answer({"data": shown, "next_cursor": cursor_of(batch.position), "has_more": batch.has_more})


def _asked(call: Call, actor: Actor, default: Position | None) -> Asked:
    """Read the query string. Raises InvalidQuery, and Forbidden where a named resource is not the actor's to read."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(call.query, keep_blank_values=True):
        if name not in {"since", "entity", "limit"}:
            raise bad(name, "is not a parameter of the feed: since, entity and limit are")
        if name in found:
            raise bad(name, "is given twice")
        found[name] = value
    limit = found.get("limit", str(DEFAULT_LIMIT))
    if not (limit.isascii() and limit.isdecimal() and len(limit) < 10 and 1 <= int(limit) <= MAX_LIMIT):
        raise bad("limit", "must be a whole number from {low} to {high}", low=1, high=MAX_LIMIT)
    since = found.get("since")
    after = default if since is None else None if since == "now" else position_at(since)
    entities = found.get("entity")
    return Asked(after, None if entities is None else _entities(call, actor, entities), int(limit))


def _entities(call: Call, actor: Actor, text: str) -> set[str]:
    tables = set()
    for name in text.split(","):
        resource = call.api.catalog.by_table.get(name.strip().replace("-", "_"))
        if resource is None or not resource.model.__logged__ or resource.model.__personal__ is not None:
            raise bad("entity", "{name} is not a resource whose changes are told", name=name)
        if not actor.has_role(resource.read):
            raise Forbidden
        tables.add(resource.table.name)
    return tables


# -- events -----------------------------------------------------------------------------------------------------------


async def _stream(call: Call, actor: Actor) -> Answer:
    """Answer with an endless stream. What refuses it is found out before it begins."""
    asked = _asked(call, actor, None)
    if actor.organization_id is None:
        raise NotFound(what="organization")
    last = call.headers.get("last-event-id")
    after = position_at(last, "Last-Event-ID") if last else asked.after

    def read() -> Position:
        with call.api.database.read(actor, snapshot=True) as reads:
            if after is None:
                return newest(reads)
            require_kept(reads, after)
            return after

    start = await call.api.database.aread(read)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    stream = _events(call, actor, start, asked.entities)
    return Answer(200, headers=headers, content_type=f"{EVENTS}; charset=utf-8", stream=stream)


async def _events(
    call: Call, actor: Actor, position: Position, entities: Collection[str] | None
) -> AsyncIterator[bytes]:
    """Yield what happens, until the client goes, its login ends or the server stops.

    A client that falls behind what the tail keeps in memory reads from the database; nothing is queued for it.
    """
    tail = call.api.tail
    organization_id = actor.organization_id
    assert organization_id is not None
    with tail.joined(organization_id) as ring:
        yield b"retry: %d\nid: %b\n\n" % (RETRY_MS, cursor_of(position).encode())
        due = time.monotonic() + HEARTBEAT_SECONDS
        while not tail.closed:
            moved = ring.moved
            entries, position, has_more = await _following(call, actor, ring, position, entities)
            told = [
                entry.event
                for entry in entries
                if actor.has_role(entry.role) and (entities is None or entry.entity in entities)
            ]
            if told:
                yield b"".join(told)
            if time.monotonic() >= due:
                try:
                    actor = await call.authenticate()
                except GrowbaseError:
                    return
                if actor.organization_id != organization_id or not actor.has_role(Role.VIEWER):
                    return
                # The id without data moves the client on over what it is not told.
                yield b": heartbeat\nid: %b\n\n" % cursor_of(position).encode()
                due = time.monotonic() + HEARTBEAT_SECONDS
            if not has_more:
                await _wait(moved, due - time.monotonic())


async def _following(
    call: Call, actor: Actor, ring: Ring, after: Position, entities: Collection[str] | None
) -> tuple[list[Entry], Position, bool]:
    """Return what follows a position, from memory where it is there, and the position reached."""
    if ring.floor is not None and after >= ring.floor:
        return [entry for entry in ring.entries if entry.position > after], max(after, ring.head), False

    def read() -> Batch:
        with call.api.database.read(actor) as reads:
            return read_changes(reads, after, MAX_LIMIT, entities=entities)

    batch = await call.api.database.aread(read)
    found = (Entry.of(call.api.catalog, change) for change in batch.changes)
    return [entry for entry in found if entry is not None], batch.position, batch.has_more


async def _wait(moved: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(moved.wait(), max(0.0, seconds))
    except TimeoutError:
        return


ROUTES: list[Any] = [changes]
