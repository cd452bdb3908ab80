"""Time and time-ordered ids, the two things nobody else may take from the system."""

import os
import threading
import time
from datetime import UTC, datetime
from uuid import UUID

_lock = threading.Lock()
_last = 0


def now() -> datetime:
    """Return the current time in UTC, with microseconds."""
    return datetime.now(UTC)


def new_id() -> UUID:
    """Return a UUIDv7 (RFC 9562, section 5.7) that sorts after every earlier one of this process.

    48 bits of milliseconds, then 12 bits of sub-millisecond time (section 6.2, method 3), then 62 random bits.
    """
    global _last  # noqa: PLW0603 -- the monotonic guard is per process by definition
    ticks = time.time_ns() * 4096 // 1_000_000
    with _lock:
        if ticks <= _last:
            ticks = _last + 1
        _last = ticks
    milliseconds, fraction = divmod(ticks, 4096)
    head = (milliseconds & 0xFFFF_FFFF_FFFF) << 80
    tail = int.from_bytes(os.urandom(8), "big") & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=head | 0x7 << 76 | fraction << 64 | 0b10 << 62 | tail)
