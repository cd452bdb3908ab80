"""Who wrote up to where: the position in PostgreSQL's log behind each caller's last commit, known to a whole machine.

It is a small file that every process maps: a slot for a hash of the caller. Two callers in one slot only make a reader
more careful than it need be.
"""

import fcntl
import mmap
import os
import struct
import threading
from pathlib import Path
from typing import Final
from zlib import crc32

from growbase.core.actor import Actor

SLOTS: Final = 8_192
_SLOT: Final = struct.Struct("=Q")


class Written:
    """The positions in a file at ``path``, which is made on first use."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if os.fstat(self._file).st_size < SLOTS * _SLOT.size:
            os.ftruncate(self._file, SLOTS * _SLOT.size)
        self._map = mmap.mmap(self._file, SLOTS * _SLOT.size)
        self._lock = threading.Lock()

    def note(self, actor: Actor, position: int) -> None:
        """Raise a caller's position."""
        at = _offset(actor)
        with self._lock:
            fcntl.lockf(self._file, fcntl.LOCK_EX, _SLOT.size, at)
            try:
                (known,) = _SLOT.unpack_from(self._map, at)
                if position > known:
                    _SLOT.pack_into(self._map, at, position)
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN, _SLOT.size, at)

    def of(self, actor: Actor) -> int:
        """Return a caller's position, 0 for one who has not written."""
        found: int = _SLOT.unpack_from(self._map, _offset(actor))[0]
        return found

    def close(self) -> None:
        """Let the file go."""
        self._map.close()
        os.close(self._file)


def _offset(actor: Actor) -> int:
    # By the person or key: the same user may write in one session and read in another.
    return crc32(str(actor.id or actor.organization_id or actor.label).encode()) % SLOTS * _SLOT.size
