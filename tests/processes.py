"""Child processes for tests: a free port, a start that waits until the server answers, a stop that always ends."""

import os
import random
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

HOST = "127.0.0.1"
PORTS = range(20_000, 32_000)  # below the range from which the system takes the ports of outgoing connections


def free_port() -> int:
    """Return a port on which nothing listens now; whoever wants it must still be ready to lose the race for it."""
    for port in random.sample(PORTS, 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise RuntimeError("No free port was found")


def find_chromium() -> str | None:
    """Return the Chromium to drive; the one without windows does the same for two thirds of the work."""
    return shutil.which("chromium-headless-shell") or shutil.which("chromium")


def start(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    output: IO[bytes] | int | None = None,
    **options: Any,  # noqa: ANN401 - passed on to Popen
) -> subprocess.Popen[bytes]:
    """Start `command` with `env` laid over the environment, from which the developer's own GROWBASE_* are taken out.

    Its standard output and error go to `output`, by default to where the test's own go.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GROWBASE_")}
    return subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env={**inherited, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        **options,
    )


def stop(process: subprocess.Popen[bytes], *, grace: float = 10) -> int:
    """Terminate `process` by its id, kill it if it is still there after `grace` seconds, and return its exit code."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def wait_until(
    is_ready: Callable[[], bool], what: str, process: subprocess.Popen[bytes] | None = None, *, timeout: float = 30
) -> None:
    """Return when `is_ready()`; fail, naming `what`, if `process` ends first, or after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not is_ready():
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"The process ended with code {process.returncode} before {what} answered")
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not answer within {timeout:g} s")
        time.sleep(0.02)


def wait_for_port(port: int, process: subprocess.Popen[bytes] | None = None, *, timeout: float = 30) -> None:
    """Return when something accepts connections on `port`; fail if `process` ends first, or after `timeout` seconds."""

    def is_open() -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((HOST, port)) == 0

    wait_until(is_open, f"port {port}", process, timeout=timeout)


def wait_for_url(url: str, process: subprocess.Popen[bytes] | None = None, *, timeout: float = 30) -> None:
    """Return when `url` answers with a status below 500; fail if `process` ends first, or after `timeout` seconds."""

    def is_answered() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - the test names the address
                return True
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code < 500
        except OSError:
            return False

    wait_until(is_answered, url, process, timeout=timeout)


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    port: int | None = None,
    url: str | None = None,
    timeout: float = 30,
    **options: Any,  # noqa: ANN401 - passed on to start()
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` while the block runs: enter when `port` or `url` answers, stop the process on leaving."""
    process = start(command, **options)
    try:
        if port is not None:
            wait_for_port(port, process, timeout=timeout)
        if url is not None:
            wait_for_url(url, process, timeout=timeout)
        yield process
    finally:
        stop(process)
