"""PostgreSQL's read replicas: lists go to one that has what the caller wrote and is not far behind.

Where there is none, the primary answers.

A thread compares each replica with the primary every half second. Reading there costs no further round trip unless the
caller has just written.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import errors as pg
from psycopg_pool import PoolTimeout, TooManyRequests

from growbase.core import telemetry
from growbase.core.actor import Actor
from growbase.core.pool import Pool
from growbase.core.reads import Reads
from growbase.core.written import Written

if TYPE_CHECKING:
    from growbase.core.postgres import PostgresDatabase

EVERY: Final = 0.5
"""Seconds between two looks at a replica."""
WAIT: Final = 0.5
"""Seconds to wait for a connection to a replica: the primary is there, too."""
NOW: Final = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint"
"""The primary's position; behind a commit one that is not before it."""
_REPLAYED: Final = "SELECT CASE WHEN pg_is_in_recovery() THEN (pg_last_wal_replay_lsn() - '0/0')::bigint END"
_FAULTS: Final = (pg.QueryCanceled, pg.DataError, pg.ProgrammingError)
"""What a statement is to blame for, on the primary as on a replica."""


def replica_pool(url: str, settings: Mapping[str, object], *, pool_max: int, pgbouncer: bool = False) -> Pool:
    """Return a pool of connections that read from a replica."""
    settings = {**settings, "default_transaction_read_only": "on"}
    return Pool(url, settings, max_size=pool_max, timeout=WAIT, pgbouncer=pgbouncer, connect_timeout=3)


class Replica:
    """One replica: its pool, how far it has come, and since when it is behind."""

    def __init__(self, name: str, pool: Pool) -> None:
        self.name = name
        self.replayed = 0
        self.lag = float("inf")
        self._samples: deque[tuple[float, int]] = deque(maxlen=1_000)
        self.pool = pool
        self.pool.open()

    def look(self, newest: int | None) -> None:
        """Ask how far the replica is; ``newest`` is the primary's position from before, if it answered."""
        now = time.monotonic()
        if newest is not None:
            self._samples.append((now, newest))
        replayed = self.ask()
        if replayed is None:
            self.lag = float("inf")
            self.pool.check()
            return
        while len(self._samples) > 1 and self._samples[1][1] <= replayed:
            self._samples.popleft()
        # What is oldest now is the newest state of the primary that the replica is known to have.
        self.lag = now - self._samples[0][0] if self._samples else float("inf")

    def ask(self) -> int | None:
        """Return the position up to which the replica shows everything, None if it can't be used."""
        try:
            with self.pool.connection() as connection:
                row = connection.execute(_REPLAYED).fetchone()
        except (psycopg.Error, PoolTimeout, TooManyRequests):
            return None
        if row is None or row[0] is None:
            return None
        self.replayed = int(row[0])
        return self.replayed

    def close(self) -> None:
        """Close the pool."""
        self.pool.close(timeout=1)


class Replicas:
    """The replicas of one primary; ``near`` chooses."""

    def __init__(
        self,
        primary: "PostgresDatabase",
        pools: Sequence[Pool],
        path: Path,
        *,
        max_lag: float,
    ) -> None:
        self.primary = primary
        self.max_lag = max_lag
        self.written = Written(path)
        self.all = [Replica(str(place), pool) for place, pool in enumerate(pools)]
        self._turn = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="growbase-replicas", daemon=True)
        self._thread.start()

    def near(self, actor: Actor) -> Replica | None:
        """Return a replica that is fit for the caller, None where the primary has to answer."""
        position = self.written.of(actor)
        self._turn += 1
        for step in range(len(self.all)):
            replica = self.all[(self._turn + step) % len(self.all)]
            if replica.lag > self.max_lag:
                continue
            # What was replayed stays so: only a caller who has just written needs a newer answer.
            if replica.replayed >= position or (replica.ask() or 0) >= position:
                return replica
        return None

    def look(self) -> None:
        """Compare all replicas with the primary now."""
        try:
            newest = int(self.primary.query(NOW)[0][0])
        except Exception:  # noqa: BLE001 -- without the primary the replicas go on with what is known
            newest = None
        for replica in self.all:
            replica.look(newest)
            telemetry.set_replica_lag(replica.name, replica.lag)

    def _watch(self) -> None:
        while not self._stopping.is_set():
            self.look()
            self._stopping.wait(EVERY)

    def close(self) -> None:
        """Stop looking and close the pools."""
        self._stopping.set()
        self._thread.join(timeout=5)
        for replica in self.all:
            replica.close()
        self.written.close()


class NearDatabase:
    """What a list reads from: a replica, and the primary as soon as that fails."""

    def __init__(self, primary: "PostgresDatabase", replica: Replica) -> None:
        self.primary = primary
        self.replica = replica
        self.engine = primary.engine
        self.catalog = primary.catalog

    def query(self, sql: str, params: tuple[object, ...] = (), *, timeout_ms: int | None = None) -> list[Any]:
        """Run one statement."""

        def there() -> list[Any]:
            pool = self.replica.pool
            with pool.connection() as connection:
                return pool.one(connection, sql, params, timeout_ms=timeout_ms)

        started = time.perf_counter()
        try:
            return self._or_primary(there, lambda: self.primary.query(sql, params, timeout_ms=timeout_ms))
        finally:
            self.primary.note_time(sql, started)

    @contextmanager
    def read(self, actor: Actor, *, snapshot: bool = False) -> Iterator[Reads]:
        """Give reads on one connection; one that breaks in the middle raises Unavailable."""
        from growbase.core.postgres import translated

        try:
            manager = self.replica.pool.reading(snapshot=snapshot)
            connection = manager.__enter__()
        except (psycopg.Error, PoolTimeout, TooManyRequests):
            self.replica.lag = float("inf")
            with self.primary.read(actor, snapshot=snapshot) as reads:
                yield reads
            return
        try:
            yield Reads(self.primary.context, actor, connection.execute)  # type: ignore[arg-type]
        except psycopg.Error as error:
            raise translated(error) from error
        finally:
            manager.__exit__(None, None, None)

    def _or_primary(self, there: Callable[[], list[Any]], here: Callable[[], list[Any]]) -> list[Any]:
        from growbase.core.postgres import translated

        try:
            return there()
        except _FAULTS as error:
            raise translated(error) from error
        except (PoolTimeout, TooManyRequests):
            self.replica.lag = float("inf")
        except pg.SerializationFailure:
            pass  # the replica had to go on with the log: the statement runs where nobody hurries
        except psycopg.Error:
            self.replica.lag = float("inf")
        return here()
