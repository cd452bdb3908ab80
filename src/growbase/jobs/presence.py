"""That a process works on the database, and at which version, told to whoever looks before changing the schema."""

import os
import socket
import threading
from collections.abc import Callable
from datetime import timedelta

from growbase import __version__
from growbase.core import telemetry
from growbase.core.actor import system
from growbase.core.clock import new_id, now
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError
from growbase.core.facts import delete_facts
from growbase.core.tables import Process, ProcessKind
from growbase.core.transaction import Transaction

REFRESH_SECONDS = 10.0
SILENCE = timedelta(seconds=35)
"""After this a process counts as dead: three refreshes have failed."""
KEPT = timedelta(days=1)
"""How long the row of a process that was killed tells when that was."""
STOP_SECONDS = 3.0
ACTOR = system("presence")


def process_name() -> str:
    """Return the host and this process's id."""
    return f"{socket.gethostname()}:{os.getpid()}"[:200]


class Presence:
    """Keeps this process's row fresh from start to stop; a process that is killed falls silent."""

    def __init__(self, database: Database, kind: ProcessKind) -> None:
        self.database = database
        self.kind = kind
        self.id = new_id()
        self._started_at = now()
        self._stopping = threading.Event()
        self._is_silent = False
        self._thread = threading.Thread(target=self._work, name="growbase-presence", daemon=True)

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def stop(self) -> None:
        """Take the row away."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def _work(self) -> None:
        while True:
            self._write(self._refresh)
            if self._stopping.wait(REFRESH_SECONDS):
                break
        self._write(self._leave)

    def _write(self, unit: Callable[[Transaction], object]) -> None:
        try:
            self.database.write(ACTOR, unit)
        except GrowbaseError as error:
            if not self._is_silent:
                telemetry.instrument("presence.silent", level="warning", reason=str(error))
            self._is_silent = True
        else:
            self._is_silent = False

    def _refresh(self, tx: Transaction) -> None:
        if tx.set_facts(Process, {"id": self.id}, {"seen_at": tx.now}):
            return
        row = {
            "id": self.id,
            "kind": self.kind,
            "name": process_name(),
            "version": __version__,
            "started_at": self._started_at,
            "seen_at": tx.now,
        }
        tx.insert_facts(Process, [row])
        for other in tx.rows(Process):
            if other.seen_at < tx.now - KEPT:
                delete_facts(tx, Process, {"id": other.id})

    def _leave(self, tx: Transaction) -> None:
        delete_facts(tx, Process, {"id": self.id})
