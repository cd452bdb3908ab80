"""Waking workers without delay: what one process commits, another one hears of.

Inside a process the database's listeners do it. Between processes: SQLite counts the file's changes, PostgreSQL
notifies, Redis publishes. Each of them may lose a wake-up; the worker looks every second anyway.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final, Protocol

import psycopg

from growbase.core import telemetry
from growbase.core.clock import new_id
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError

Ring = Callable[[Collection[str]], None]

CHANNEL: Final = "growbase_jobs"
COALESCED_SECONDS: Final = 0.02
"""Wake-ups of so long go out as one: a NOTIFY of each commit takes more than half of the throughput."""
WATCH_SECONDS: Final = 0.02
LISTEN_SECONDS: Final = 1.0
RECONNECT_SECONDS: Final = 2.0
PROVE_SECONDS: Final = 3.0
"""How long a notification to oneself may take before listening counts as useless."""


class Background:
    """A thread that does its work again whenever that fails, until it is stopped."""

    name = "growbase-background"

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._keep_on, name=self.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread within about a second."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=2 * LISTEN_SECONDS)

    def work(self) -> None:
        """Work until it is stopped; what is raised is logged and tried again."""
        raise NotImplementedError

    def _keep_on(self) -> None:
        while not self._stopping.is_set():
            try:
                self.work()
            except Exception as error:  # noqa: BLE001 -- a lost wake-up costs a second, a dead thread all of them
                telemetry.instrument("wake.lost", level="warning", what=self.name, reason=str(error))
                self._stopping.wait(RECONNECT_SECONDS)


class Listening(Background):
    """Something that rings a worker's bell."""

    def start(self, ring: Ring) -> None:
        """Begin to listen."""
        self.ring = ring
        self.begin()


class FileWatch(Listening):
    """Rings when any process has changed the SQLite file."""

    name = "growbase-watch"

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database

    def work(self) -> None:
        """Compare the file's change counter, which costs some microseconds."""
        known = None
        while not self._stopping.wait(WATCH_SECONDS):
            try:
                found = self.database.query("PRAGMA data_version")[0][0]
            except GrowbaseError:
                continue
            if found != known:
                known = found
                self.ring(())


class PostgresListener(Listening):
    """Rings when PostgreSQL notifies its own connection, which it first proves to work: PgBouncer swallows notices."""

    name = "growbase-listen"

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def work(self) -> None:
        """Listen until the connection breaks."""
        with connected(self.url, self.name) as connection:
            if not self._prove(connection):
                telemetry.instrument("wake.deaf", level="warning", hint="set GROWBASE_DIRECT_URL past PgBouncer")
                self._stopping.wait(60)
                return
            connection.execute(f"LISTEN {CHANNEL}".encode())
            # What was committed while nobody listened.
            self.ring(())
            while not self._stopping.is_set():
                for notice in connection.notifies(timeout=LISTEN_SECONDS):
                    self.ring(notice.payload.split(",") if notice.payload else ())
                connection.execute("SELECT 1")

    def _prove(self, connection: psycopg.Connection[tuple[object, ...]]) -> bool:
        """Return whether a notification from another connection arrives; behind a pooler it does not."""
        channel = f"{CHANNEL}_{new_id().hex}"
        connection.execute(f"LISTEN {channel}".encode())
        with connected(self.url, self.name) as other:
            other.execute("SELECT pg_notify(%s, '')", (channel,))
        end = time.monotonic() + PROVE_SECONDS
        heard = False
        while not heard and time.monotonic() < end and not self._stopping.is_set():
            heard = any(True for _ in connection.notifies(timeout=0.2, stop_after=1))
        connection.execute(f"UNLISTEN {channel}".encode())
        return heard


def connected(url: str, name: str) -> psycopg.Connection[tuple[object, ...]]:
    """Return a connection that notices within half a minute that the other side is gone."""
    return psycopg.connect(
        url,
        autocommit=True,
        prepare_threshold=None,
        application_name=name,
        connect_timeout=10,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=30_000,
    )


class RedisListener(Listening):
    """Rings when a process publishes to Redis."""

    name = "growbase-redis"

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def work(self) -> None:
        """Listen until the connection breaks."""
        import redis

        client = redis.Redis.from_url(self.url, health_check_interval=10, socket_connect_timeout=5)
        with client, client.pubsub(ignore_subscribe_messages=True) as channel:  # type: ignore[no-untyped-call]
            channel.subscribe(CHANNEL)
            # What was committed while nobody listened.
            self.ring(())
            while not self._stopping.is_set():
                message = channel.get_message(timeout=LISTEN_SECONDS)
                if message is not None:
                    self.ring(message["data"].decode().split(","))


class Starting(Protocol):
    """What can be begun and ended: a listener, a notifier."""

    def start(self, *args: Any) -> None:  # noqa: ANN401 -- a listener is given a bell, a notifier nothing
        """Begin."""

    def stop(self) -> None:
        """End."""


class Following:
    """Listeners or notifiers of whatever database is in use: made anew when the data have moved to another."""

    def __init__(self, database: Database, settings: Settings, make: Callable[[Settings], Sequence[Starting]]) -> None:
        self._database = database
        self._settings = settings
        self._make = make
        self._made: Sequence[Starting] = ()
        self._args: tuple[Any, ...] = ()
        self._lock = threading.Lock()

    def start(self, *args: Any) -> None:  # noqa: ANN401 -- as above
        """Make and start them."""
        self._args = args
        self._database.moves.append(self._again)
        self._again(self._settings)

    def stop(self) -> None:
        """End them."""
        if self._again in self._database.moves:
            self._database.moves.remove(self._again)
        with self._lock:
            self._end()

    def _again(self, settings: Settings) -> None:
        with self._lock:
            self._end()
            self._made = self._make(settings)
            for one in self._made:
                one.start(*self._args)

    def _end(self) -> None:
        for one in self._made:
            one.stop()
        self._made = ()


class Notifier(Background):
    """Tells other processes, after commits and beside them, which queues got jobs."""

    name = "growbase-notify"

    def __init__(self, database: Database, url: str) -> None:
        super().__init__()
        self.database = database
        self.url = url
        self._queues: set[str] = set()
        self._lock = threading.Lock()
        self._asked = threading.Event()

    def start(self) -> None:
        """Begin to hear of the commits of this process."""
        self.database.listeners.append(self._on_commit)
        self.begin()

    def stop(self) -> None:
        """Send what waits and end."""
        if self._on_commit in self.database.listeners:
            self.database.listeners.remove(self._on_commit)
        self._stopping.set()
        self._asked.set()
        super().stop()

    def sending(self) -> AbstractContextManager[Callable[[str], object]]:
        """Give what sends names of queues to the other processes."""
        raise NotImplementedError

    def _on_commit(self, touched: frozenset[str], woken: frozenset[str]) -> None:
        del touched
        if woken:
            with self._lock:
                self._queues |= woken
            self._asked.set()

    def work(self) -> None:
        """Send what was collected, once in COALESCED_SECONDS, over a connection made when there is anything."""
        self._asked.wait()
        if self._stopping.is_set() and not self._queues:
            return
        with self.sending() as send:
            while not self._stopping.wait(COALESCED_SECONDS) or self._queues:
                self._send(send)
                self._asked.wait()

    def _send(self, send: Callable[[str], object]) -> None:
        self._asked.clear()
        with self._lock:
            queues, self._queues = self._queues, set()
        try:
            if queues:
                send(",".join(sorted(queues)))
        except BaseException:
            with self._lock:
                self._queues |= queues
            self._asked.set()
            raise


class PostgresNotifier(Notifier):
    """Notifies over one connection of its own."""

    @contextmanager
    def sending(self) -> Iterator[Callable[[str], object]]:
        """Give NOTIFY."""
        with connected(self.url, self.name) as connection:
            yield lambda queues: connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, queues))


class RedisNotifier(Notifier):
    """Publishes to Redis."""

    @contextmanager
    def sending(self) -> Iterator[Callable[[str], object]]:
        """Give PUBLISH."""
        import redis

        with redis.Redis.from_url(self.url, socket_connect_timeout=5, socket_timeout=5) as client:
            yield lambda queues: client.publish(CHANNEL, queues)
