"""Folders for work that is thrown away, and the lock that lets one of a kind work at a time."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from growbase.core.errors import Conflict

if TYPE_CHECKING:
    from growbase.core.config import Settings


@contextmanager
def scratch(settings: "Settings", what: str) -> Iterator[Path]:
    """Give an empty folder in the data folder while the block runs; what a killed process has left there is removed.

    Raises Conflict while another process does the same.
    """
    folder = settings.data_dir.absolute() / "scratch"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with alone(folder / f"{what}.lock", what):
        mine = folder / what
        shutil.rmtree(mine, ignore_errors=True)
        mine.mkdir(mode=0o700)
        try:
            yield mine
        finally:
            shutil.rmtree(mine, ignore_errors=True)


@contextmanager
def alone(path: Path, what: str) -> Iterator[None]:
    """Hold a lock that the kernel frees when this process ends. Raises Conflict while another process holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise Conflict("Another {what} is at work: wait for its end.", what=what) from error
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def server_scratch(settings: "Settings", what: str) -> Iterator[Path]:
    """Give an empty folder in which a PostgreSQL server may run.

    Where we are root the server is not, and could not enter our data folder.
    """
    with scratch(settings, what) as folder:
        if os.geteuid() != 0:
            yield folder
            return
        with tempfile.TemporaryDirectory(prefix="growbase-") as other:
            Path(other).chmod(0o711)
            yield Path(other)
