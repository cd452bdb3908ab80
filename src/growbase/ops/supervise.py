"""A program that runs beside the server as its child: started, watched, started again, and gone when the server is."""

import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from growbase.core import telemetry
from growbase.core.errors import GrowbaseError
from growbase.ops.turn import Turn

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
STEADY: Final = 60.0
"""A child that has run so long is started again at once."""
SETTLED: Final = 5.0
"""A child that has run so long is taken to be well again."""
STOP_SECONDS: Final = 10.0
LOCK_SECONDS: Final = 1.0
# Becomes the program itself; the kernel tells it when the thread that started it is gone.
_WRAPPER: Final = (
    "import ctypes, os, sys\n"
    "if sys.platform == 'linux': ctypes.CDLL(None).prctl(1, 15)\n"
    "if os.getppid() != int(sys.argv[1]): sys.exit(1)\n"
    "os.execv(sys.argv[2], sys.argv[2:])"
)


class Supervisor:
    """Keeps one child running in whichever process holds the lock, from a thread of its own.

    ``prepare`` is called before each start and gives command and environment, nothing of which is inherited; ``beside``
    is called every second while the child runs. ``tell`` hears why it went down, and None when it runs again. The lock
    is among the processes of one machine; ``turn`` is among machines.
    """

    def __init__(
        self,
        lock: Path,
        prepare: Callable[[], tuple[Sequence[str], Mapping[str, str]]],
        beside: Callable[[], None] = lambda: None,
        tell: Callable[[str | None], None] = lambda _: None,
        turn: Turn | None = None,
    ) -> None:
        self.lock = lock
        self.prepare = prepare
        self.beside = beside
        self.tell = tell
        self.turn = turn
        self._told: str | None = ""
        self.child: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="growbase-continuous-backup", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Let the child write what it has, and end it."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS + 1)

    def _work(self) -> None:
        self.lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            while not self._stopping.is_set():
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    self._stopping.wait(LOCK_SECONDS)
                else:
                    self._keep_running()
        finally:
            if self.turn is not None:
                self.turn.leave()
            os.close(descriptor)

    def _is_our_turn(self) -> bool:
        return self.turn is None or self.turn.take()

    def _keep_running(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            if not self._is_our_turn():
                self._stopping.wait(LOCK_SECONDS)
                continue
            ran, reason = self._run_once()
            telemetry.observe_log(is_up=False)
            if self._stopping.is_set():
                return
            pause = FIRST_PAUSE if ran >= STEADY else min(LONGEST_PAUSE, pause * 2)
            telemetry.observe_log_restart()
            telemetry.instrument("backup_log.down", level="error", reason=reason, again_in_seconds=pause)
            self._tell(reason)
            self._stopping.wait(pause)

    def _run_once(self) -> tuple[float, str]:
        """Run the child until it ends or we do; return how long it ran and its last words."""
        seconds = 0.0
        try:
            command, environment = self.prepare()
            wrapped = [sys.executable, "-I", "-S", "-c", _WRAPPER, str(os.getpid()), *command]
            log = self.lock.with_suffix(".log")
            with log.open("wb") as output:
                self.child = subprocess.Popen(
                    wrapped,
                    env=dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            telemetry.instrument("backup_log.up", program=Path(command[0]).name)
            while self.child.poll() is None and not self._stopping.wait(1):
                if not self._is_our_turn():
                    break
                seconds += 1
                telemetry.observe_log(is_up=True)
                self.beside()
                if seconds >= SETTLED:
                    self._tell(None)
            self._end()
            self.beside()
            said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except Exception as error:  # noqa: BLE001 -- whatever happens, the log is to go on
            self._end()
            return seconds, f"{type(error).__name__}: {error}"
        return seconds, said[-1][-500:] if said else f"it ended with {self.child.returncode}"

    def _tell(self, trouble: str | None) -> None:
        if trouble == self._told:
            return
        try:
            self.tell(trouble)
        except GrowbaseError as error:
            telemetry.instrument("backup_log.untold", level="error", reason=str(error))
        else:
            self._told = trouble

    def _end(self) -> None:
        child = self.child
        if child is None or child.poll() is not None:
            return
        child.terminate()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def plain_environment(**more: str) -> dict[str, str]:
    """Return what a program needs of the environment, and no more: a stray AWS_CA_BUNDLE stops Litestream."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ", "TMPDIR") if name in os.environ}
    return kept | more
