"""A worker process that sends, for tests that kill it: its database, its mail server and its lease are arguments."""

import sys
from datetime import timedelta
from functools import partial
from pathlib import Path

from growbase.cli.worker import work
from growbase.core.mail import Server, SmtpMailer
from growbase.domains.outreach import tasks, tasks_sending
from growbase.jobs.worker import Worker
from tests.fixtures import open_at
from tests.smtp import world


def main(url: str, folder: str, port: str) -> None:
    """Work until a signal comes."""
    database = open_at(url)
    outside = world(SmtpMailer(Server("127.0.0.1", int(port), tls=False)))
    sending = {kind: partial(task, outside=outside) for kind, task in tasks_sending.TASKS.items()}
    lock = Path(folder) / "worker.lock" if url.startswith("sqlite:") else None
    work(Worker(database, {**tasks.TASKS, **sending}, lock=lock, lease=timedelta(seconds=2)), [], stop_seconds=0.5)
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
