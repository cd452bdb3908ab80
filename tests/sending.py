"""Worker processes that send mail, for tests that kill them: database, folder and mail server are arguments."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from growbase.cli.worker import work
from growbase.core.crash import VARIABLE
from growbase.core.mail import Server, SmtpMailer
from growbase.domains.commerce import tasks_mail
from growbase.domains.outreach import tasks, tasks_sending
from growbase.jobs.worker import Worker
from tests.fixtures import KEYRING, KEYRING_VARIABLE, open_at
from tests.processes import start, stop
from tests.smtp import world

ROOT = Path(__file__).parents[1]
Start = Callable[..., subprocess.Popen[bytes]]


@contextmanager
def senders(url: str, folder: Path, port: int) -> Iterator[Start]:
    """Give a function that starts a worker, which dies at a crash point if one is named; what is left is stopped."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(crash_at: str | None = None) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.sending", url, folder, str(port)]
        env = {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]), KEYRING_VARIABLE: KEYRING.serialise()}
        started.append(start(command, env={**env, **({VARIABLE: crash_at} if crash_at else {})}, cwd=ROOT))
        return started[-1]

    yield begin
    for process in started:
        stop(process, grace=3)


def main(url: str, folder: str, port: str) -> None:
    """Work until a signal comes."""
    database = open_at(url)
    outside = world(SmtpMailer(Server("127.0.0.1", int(port), tls=False)))
    sending: dict[str, Any] = {**tasks_sending.TASKS, **tasks_mail.TASKS}
    given = {kind: partial(task, outside=outside) for kind, task in sending.items()}
    lock = Path(folder) / "worker.lock" if url.startswith("sqlite:") else None
    work(Worker(database, {**tasks.TASKS, **given}, lock=lock, lease=timedelta(seconds=2)), [], stop_seconds=0.5)
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
