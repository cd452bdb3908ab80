"""Time and time-ordered ids, the two things nobody else may take from the system."""

import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

_lock = threading.Lock()
_last = 0
_tails: Iterator[int] = iter(())
TAILS: Final = 128
"""Random numbers that are taken from the system at once: asking costs more than the rest of an id."""


def now() -> datetime:
    """Return the current time in UTC, with microseconds."""
    return datetime.now(UTC)


def new_id() -> UUID:
    """Return a UUIDv7 (RFC 9562, section 5.7) that sorts after every earlier one of this process.

    48 bits of milliseconds, then 12 bits of sub-millisecond time (section 6.2, method 3), then 62 random bits.
    """
    global _last, _tails  # noqa: PLW0603 -- the monotonic guard is per process by definition
    ticks = time.time_ns() * 4096 // 1_000_000
    with _lock:
        if ticks <= _last:
            ticks = _last + 1
        _last = ticks
        tail = next(_tails, None)
        if tail is None:
            _tails = iter(_random(TAILS))
            tail = next(_tails)
    milliseconds, fraction = divmod(ticks, 4096)
    head = (milliseconds & 0xFFFF_FFFF_FFFF) << 80
    return UUID(int=head | 0x7 << 76 | fraction << 64 | 0b10 << 62 | tail & 0x3FFF_FFFF_FFFF_FFFF)


def new_ids(count: int) -> list[str]:
    """Return many UUIDv7s at once, as text, in order; a tenth of the cost of as many calls of ``new_id``."""
    global _last  # noqa: PLW0603 -- the monotonic guard is per process by definition
    ticks = time.time_ns() * 4096 // 1_000_000
    with _lock:
        first = max(ticks, _last + 1)
        _last = first + count - 1
    return [_text(first + place, tail) for place, tail in enumerate(_random(count))]


def _random(count: int) -> memoryview:
    """Return random numbers of 64 bits."""
    return memoryview(os.urandom(8 * count)).cast("Q")


def _forget() -> None:
    """Let go of what a forked process shares with its parent: random numbers, and a lock that a thread may hold."""
    global _lock, _tails
    _lock, _tails = threading.Lock(), iter(())


os.register_at_fork(after_in_child=_forget)


def _text(ticks: int, tail: int) -> str:
    milliseconds, fraction = divmod(ticks, 4096)
    head = f"{milliseconds & 0xFFFF_FFFF_FFFF:012x}"
    rest = f"{tail & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000:016x}"
    return f"{head[:8]}-{head[8:]}-7{fraction:03x}-{rest[:4]}-{rest[4:]}"
