"""Whose turn it is among the machines of one deployment: a lock of the PostgreSQL server, held by a connection."""

from typing import TYPE_CHECKING, Any, Final

from growbase.jobs.wake import connected

if TYPE_CHECKING:
    from growbase.core.config import Settings

_TRY: Final = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"


class Turn:
    """One process of all has its turn under a name, until it ends or its connection breaks."""

    def __init__(self, settings: "Settings", name: str) -> None:
        self.settings = settings
        self.name = name
        self._connection: Any = None
        self._is_ours = False

    def take(self) -> bool:
        """Return whether it is our turn, or still is; a server that does not answer has none to give."""
        import psycopg

        try:
            if self._connection is None:
                self._connection = connected(self.settings.direct_database, f"growbase-{self.name}")
            if self._is_ours:
                self._connection.execute("SELECT 1")
            else:
                self._is_ours = self._connection.execute(_TRY, (f"growbase {self.name}",)).fetchone() == (True,)
        except psycopg.Error:
            self.leave()
        return self._is_ours

    def leave(self) -> None:
        """Let others have their turn."""
        connection, self._connection, self._is_ours = self._connection, None, False
        if connection is not None:
            connection.close()
