"""A process that carries retention out and is killed in the middle, for the tests."""

import os
import signal
import sys

from growbase.jobs import retention
from growbase.jobs.retention import retain
from tests.fixtures import open_at


def main(url: str, chunk: str, units: str) -> None:
    """Die as by kill -9 after so many units."""
    left = int(units)
    retention.CHUNK = int(chunk)  # type: ignore[misc]

    def count(*_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    retain(open_at(url), table="jobs", progress=count)


if __name__ == "__main__":
    main(*sys.argv[1:])
