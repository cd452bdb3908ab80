"""A pool of connections to one PostgreSQL server, on which the session's settings hold behind PgBouncer, too.

Where PgBouncer gives each transaction another server connection, what a session sets is lost, or becomes somebody
else's. There the settings are made anew inside each transaction, in the round trip that begins it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg_pool import ConnectionPool

Connection = psycopg.Connection[Any]
PREPARED_AFTER: Final = 5
"""Uses of a statement after which the server keeps its plan; PgBouncer's next server connection would not know it."""
SNAPSHOT: Final = "ISOLATION LEVEL REPEATABLE READ READ ONLY"
_HEARD: Final = "SELECT source = 'client' FROM pg_settings WHERE name = 'statement_timeout'"
"""Whether the settings that a connection was begun with have reached the server."""


class Pool:
    """Connections in autocommit mode; whoever begins a transaction does it by ``begin``."""

    def __init__(
        self,
        url: str,
        settings: Mapping[str, object],
        *,
        max_size: int,
        timeout: float,
        min_size: int = 1,
        pgbouncer: bool = False,
        learn: Callable[[Connection], None] = lambda _: None,
        **more: object,
    ) -> None:
        self._is_pooled = True if pgbouncer else None
        self._learn = learn
        self._set_local = f"SELECT {', '.join(_set_config(name, value) for name, value in settings.items())}"
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        self._pool = ConnectionPool(
            url,
            configure=self._configure,
            min_size=min_size,
            max_size=max_size,
            timeout=timeout,
            reconnect_timeout=5.0,
            open=False,
            kwargs={
                "autocommit": True,
                # PgBouncer refuses them unless it is told to ignore them.
                "options": None if pgbouncer else options,
                "prepare_threshold": None if pgbouncer else PREPARED_AFTER,
                **more,
            },
        )

    def _configure(self, connection: Connection) -> None:
        if self._is_pooled is None:
            row = connection.execute(_HEARD).fetchone()
            self._is_pooled = row != (True,)
        if self._is_pooled:
            connection.prepare_threshold = None
        self._learn(connection)

    def open(self) -> None:
        """Begin to connect."""
        self._pool.open()

    def close(self, timeout: float) -> None:
        """Close every connection."""
        self._pool.close(timeout=timeout)

    def check(self) -> None:
        """Replace the idle connections that are dead."""
        self._pool.check()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Give a connection. Raises psycopg's errors, PoolTimeout and TooManyRequests."""
        with self._pool.connection() as connection:
            yield connection

    def begin(self, connection: Connection, kind: str = "", then: str = "") -> Any:  # noqa: ANN401 -- a cursor
        """Begin a transaction and run the statement ``then`` in the same round trip; return the cursor at its rows."""
        statements = [
            f"BEGIN {kind}".rstrip(),
            *([self._set_local] if self._is_pooled else []),
            *([then] if then else []),
        ]
        cursor = connection.execute("; ".join(statements), prepare=False)
        while cursor.nextset():
            pass
        return cursor

    def one(
        self, connection: Connection, sql: str, params: tuple[object, ...] = (), *, timeout_ms: int | None = None
    ) -> list[Any]:
        """Run one statement that reads, in one round trip."""
        if timeout_ms is None and not self._is_pooled:
            return connection.execute(sql, params).fetchall()
        try:
            with connection.pipeline():
                connection.execute("BEGIN")
                if self._is_pooled:
                    connection.execute(self._set_local)
                if timeout_ms is not None:
                    connection.execute(f"SELECT {_set_config('statement_timeout', timeout_ms)}")
                cursor = connection.execute(sql, params)
                connection.execute("COMMIT")
        except psycopg.Error:
            if not connection.closed:
                connection.rollback()
            raise
        return cursor.fetchall()

    @contextmanager
    def reading(self, *, snapshot: bool) -> Iterator[Connection]:
        """Give a connection for reads, which see one state of the database with ``snapshot``."""
        with self.connection() as connection:
            if not snapshot and not self._is_pooled:
                yield connection
                return
            self.begin(connection, SNAPSHOT if snapshot else "")
            try:
                yield connection
            finally:
                if not connection.closed:
                    connection.rollback()


def session_settings(schema: str | None, statement_timeout_ms: int) -> dict[str, object]:
    """Return the settings of every session."""
    settings: dict[str, object] = {
        "statement_timeout": statement_timeout_ms,
        "idle_in_transaction_session_timeout": 10_000,
        "lock_timeout": 10_000,
        "jit": "off",
        "timezone": "UTC",
    }
    return settings | {"search_path": f'"{schema}"'} if schema else settings


def _set_config(name: str, value: object) -> str:
    return f"set_config('{name}', '{value}', true)"
