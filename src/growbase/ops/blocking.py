"""Whose lock a migration waits for on PostgreSQL, found while it waits: afterwards nobody can tell."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass

from growbase.core.config import Settings
from growbase.core.errors import Unavailable

POLL_SECONDS = 0.2
_QUERY = """
    SELECT pid, coalesce(application_name, ''), coalesce(state, ''), left(query, 200) FROM pg_stat_activity
    WHERE pid = ANY (pg_blocking_pids(%s)) ORDER BY xact_start LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session that others wait for, and what it ran last."""

    pid: int
    application: str
    state: str
    query: str


@contextmanager
def watched(settings: Settings, pid: int) -> Iterator[Callable[[], Blocker | None]]:
    """Look, beside the block, whom the session ``pid`` waits for; the function given returns who that was last."""
    found: list[Blocker] = []
    ended = threading.Event()
    thread = threading.Thread(target=_look, args=(settings, pid, found, ended), name="growbase-blocking", daemon=True)
    thread.start()
    try:
        yield lambda: found[-1] if found else None
    finally:
        ended.set()
        thread.join()


def _look(settings: Settings, pid: int, found: list[Blocker], ended: threading.Event) -> None:
    import psycopg

    from growbase.ops.connections import connect_postgresql

    with suppress(psycopg.Error, Unavailable), closing(connect_postgresql(settings)) as connection:
        connection.rollback()
        connection.autocommit = True
        while not ended.wait(POLL_SECONDS):
            row = connection.execute(_QUERY, (pid,)).fetchone()
            if row is not None:
                found[:] = [Blocker(*row)]
