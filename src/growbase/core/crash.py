"""Dying on purpose at a named place, to prove that nothing is lost or done twice there."""

import os
import signal
from typing import Final

VARIABLE: Final = "CRASH_AT"


def crash_point(name: str) -> None:
    """Kill this process, as a power cut would, if the test that started it asked for it here."""
    if os.environ.get(VARIABLE) == name:
        os.kill(os.getpid(), signal.SIGKILL)
