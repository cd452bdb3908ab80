"""Running the application under granian: one process or several, stopping within seconds."""

import asyncio
import ctypes
import fcntl
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any

from growbase.core.config import Settings
from growbase.core.errors import ConfigError

PR_SET_PDEATHSIG = 1
"""The number of the system call's option."""
WARNING = signal.SIGURG
"""Nobody else's signal, and one that does nothing to a process that does not know it yet."""
STOP_SECONDS = 3
"""Time open connections get before a worker process is ended."""


def serve(settings: Settings, target: str) -> None:
    """Serve the application that the factory ``target`` (``module:function``) builds, until SIGINT or SIGTERM.

    Each worker process calls the factory itself; it reads the same settings from the environment.
    Raises ConfigError if the port is taken.
    """
    from granian.constants import Interfaces, Loops
    from granian.log import LogLevels
    from granian.server import Server

    require_free_port(settings.host, settings.port)
    hold = hold_data_folder(settings)
    server = Server(
        target,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=settings.server_processes,
        loop=Loops.uvloop,
        factory=True,
        log_level=LogLevels.warning,
        log_access=False,
        websockets=False,
        backlog=1024,
        workers_kill_timeout=STOP_SECONDS,
        respawn_failed_workers=True,
    )
    server.on_startup(warn_before_stopping)
    try:
        server.serve()
    finally:
        os.close(hold)


def warn_before_stopping() -> None:
    """Let the worker processes know that they are about to be stopped, before the server stops them.

    A worker that is told to stop only waits for its open answers, and a stream of events never ends by itself.
    Called once the server has its own signal handlers.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, partial(_warned, then=signal.getsignal(number)))


def _warned(number: int, frame: FrameType | None, *, then: Any) -> None:  # noqa: ANN401 -- as the library types it
    for child in multiprocessing.active_children():
        if child.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(child.pid, WARNING)
    then(number, frame)


def when_stopping(run: Callable[[], None]) -> None:
    """Run a function on the event loop when this worker process is about to be stopped, or its parent has died."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(WARNING, run)

    def orphaned() -> None:
        loop.remove_reader(parent.sentinel)
        run()

    loop.add_reader(parent.sentinel, orphaned)


def hold_data_folder(settings: Settings) -> int:
    """Take the data folder's lock, which the kernel frees when this process ends; return its descriptor.

    Raises ConfigError if another server holds it and the settings don't allow a second one.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    hold = os.open(settings.data_dir / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if not settings.allow_second_server:
            os.close(hold)
            message = "Another server holds the data folder {folder}: stop it or set GROWBASE_ALLOW_SECOND_SERVER=true."
            raise ConfigError(message, folder=str(settings.data_dir)) from error
    return hold


class ChildProcess:
    """What a worker process owes the one that started it; part of the application's background."""

    def start(self) -> None:
        """End when the parent dies, however it dies, and leave Ctrl-C to it.

        A terminal sends SIGINT to every process, then the parent sends SIGTERM: granian hangs at a second signal.
        """
        if multiprocessing.parent_process() is None:
            return
        asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    def stop(self) -> None:
        """Do nothing."""


def require_free_port(host: str, port: int) -> None:
    """Raise ConfigError if somebody listens on the port already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            message = "Port {port} is in use: stop the other program or set GROWBASE_PORT."
            raise ConfigError(message, port=port) from error
