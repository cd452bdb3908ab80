"""Moving all data to another database while they are used: copy, follow, switch over within a moment, and verify.

Triggers on the source record which rows are written; following copies or deletes the current row of each, so every
step may be done twice and an interrupted move goes on where it was. The switch is one commit on the source: its gate
then says where the data are, and whoever still writes to it is sent there.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from growbase.core.config import Settings
from growbase.core.crypto import Keyring
from growbase.core.database_url import mask_url, parse_database_url
from growbase.core.errors import Conflict, Invalid
from growbase.core.gate import Gate, Mode, parse
from growbase.core.place import parse_place, write_place
from growbase.ops.migrate import require_current
from growbase.ops.move_rows import tables
from growbase.ops.move_steps import (
    CHUNK,
    ORIGIN,
    STATE,
    Move,
    MoveRefused,
    Progress,
    complete,
    end_of,
    occupied,
    unsealed,
)

ROWS_A_SECOND = 15_000
"""What a small machine copies and verifies; for the estimate."""


class NoMove(Conflict):
    """There is no unfinished move.

    Begin one with growbase move --to and the address of an empty database.
    """

    code = "no_move"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a move would do: rows by table, the source's size in bytes, an estimate, and what forbids it."""

    source: str
    target: str
    rows: dict[str, int]
    size: int
    seconds: float
    problems: list[str]


@dataclass(frozen=True, slots=True)
class Result:
    """What a move has done; the pause is None where an earlier command had made the switch already."""

    place: str
    rows: int
    seconds: float
    pause: float | None


def target_settings(settings: Settings, to: str) -> Settings:
    """Return the settings of the database to move to. Raises Invalid."""
    try:
        parse_database_url(to)
    except ValueError as error:
        raise Invalid.at("to", "invalid", "{reason}", reason=str(error)) from error
    found = settings.at(to)
    # A file is named from here, and found from anywhere later.
    return settings.at(found.database) if not found.is_postgresql else found


def plan(settings: Settings, to: str) -> Plan:
    """Count what would move and look for what forbids it; nothing is written."""
    require_current(settings)
    target = target_settings(settings, to)
    with closing(end_of(settings)) as source, closing(end_of(target)) as other:
        moving = tables(source.packages)
        rows = {table.name: source.count(table) for table in moving}
        size = source.size()
        problems = other.problems(size)
        problems += [] if problems else occupied(settings, other)
        return Plan(
            mask_url(settings.place_url),
            mask_url(target.place_url),
            {name: count for name, count in rows.items() if count},
            size,
            2 + sum(rows.values()) / ROWS_A_SECOND,
            problems,
        )


def origin(settings: Settings, keyring: Keyring) -> str:
    """Return the address the data came from in the last move. Raises NoMove."""
    with closing(end_of(settings)) as end:
        found = end.fact(ORIGIN)
    if found is None:
        raise NoMove("The data were never moved here, so there is no way back.")
    return unsealed(keyring, found)


def move(settings: Settings, keyring: Keyring, to: str | None, progress: Progress = lambda *_: None) -> Result:
    """Move the data to another database, or go on with the unfinished move; returns when it is complete.

    Raises MoveRefused, NoMove, RowsDiffer, TooManyWrites, Unavailable.
    """
    started = time.monotonic()
    with _alone(settings), closing(end_of(settings)) as source:
        if (gate := parse(source.gate_text())).mode is Mode.MOVED:
            return _finish(settings, keyring, gate, progress, started)
        require_current(settings)
        if source.marked():
            # The switch was made, and the settings name the new database already.
            complete(source, settings, keyring, progress)
            if to is None:
                return Result(mask_url(settings.place_url), 0, time.monotonic() - started, None)
        state = source.fact(STATE)
        if state is None and to is None:
            raise NoMove
        address = unsealed(keyring, json.loads(state)["to"]) if state else to
        assert address is not None
        target = target_settings(settings, address)
        if to is not None and target_settings(settings, to).location != target.location:
            reason = f"a move to {mask_url(address)} is unfinished: finish it (growbase move) or end it (--cancel)"
            raise MoveRefused(reason=reason)
        with closing(end_of(target)) as other:
            found = Move(settings, keyring, source, other, progress)
            if state is None:
                found.begin()
            else:
                found.identity, found.phase = json.loads(state)["id"], json.loads(state)["phase"]
            pause = found.run()
            rows = sum(found.counts.values())
        return Result(mask_url(target.place_url), rows, time.monotonic() - started, pause)


def cancel(settings: Settings, keyring: Keyring) -> None:
    """End an unfinished move: the source records no more, the target is empty again. Raises NoMove."""
    with _alone(settings), closing(end_of(settings)) as source:
        state = source.fact(STATE)
        if state is None:
            raise NoMove
        found = json.loads(state)
        source.forget(tables(source.packages))
        target = target_settings(settings, unsealed(keyring, found["to"]))
        with closing(end_of(target)) as other:
            mark = other.marked()
            if mark is not None and mark[0] == found["id"]:
                other.clear()
        with source.writing():
            source.set_fact(STATE, None)


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Let one command move the data of this folder at a time."""
    lock = os.open(settings.data_dir / "move.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise MoveRefused(reason="another command is moving them at this moment") from error
    finally:
        os.close(lock)


def _finish(settings: Settings, keyring: Keyring, gate: Gate, progress: Progress, started: float) -> Result:
    """Do what comes after the switch, which an interrupted command has made."""
    place = parse_place(unsealed(keyring, gate.to))
    write_place(settings.data_dir, place)
    with closing(end_of(settings.at(place.url))) as target:
        complete(target, settings, keyring, progress)
    return Result(place.shown(), 0, time.monotonic() - started, None)


def checksums(settings: Settings, progress: Progress = lambda *_: None) -> dict[str, str]:
    """Return number and checksum of the rows of each table; two databases with the same rows give the same."""
    found = {}
    with closing(end_of(settings)) as end:
        moving = tables(end.packages)
        for number, table in enumerate(moving):
            total, after = table.checksum(()), None
            while rows := end.rows(table, after, CHUNK):
                for row in rows:
                    total.add(table.encoded(row))
                after = table.key_of(rows[-1])
            found[table.name] = total.text()
            progress("checksum", number + 1, len(moving))
    return found
