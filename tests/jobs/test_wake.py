"""How a process hears of another one's jobs: LISTEN and NOTIFY, Redis; when they die, come back, or never worked."""

import os
import pwd
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from growbase.core.actor import system
from growbase.core.database import Database
from growbase.core.tables import Job
from growbase.jobs import wake
from growbase.jobs import worker as worker_module
from growbase.jobs.wake import (
    CHANNEL,
    Listening,
    Notifier,
    PostgresListener,
    PostgresNotifier,
    RedisListener,
    RedisNotifier,
)
from growbase.jobs.worker import Worker
from tests.fixtures import open_at
from tests.jobs.conftest import noop
from tests.postgres import PostgresServer
from tests.processes import HOST, free_port, running, wait_until

SECONDS = 20.0


class Bell:
    """Counts how often it was rung, and for which queues."""

    def __init__(self) -> None:
        self.rung = threading.Semaphore(0)
        self.queues: set[str] = set()
        self.starts = 0

    def __call__(self, queues: Collection[str]) -> None:
        """Ring."""
        self.starts += not queues
        self.queues |= set(queues)
        self.rung.release()


@contextmanager
def listening(listener: Listening) -> Iterator[Bell]:
    bell = Bell()
    listener.start(bell)
    try:
        assert bell.rung.acquire(timeout=SECONDS), "it rings once for what came before"
        yield bell
    finally:
        listener.stop()


@contextmanager
def notifying(notifier: Notifier) -> Iterator[Notifier]:
    notifier.start()
    try:
        yield notifier
    finally:
        notifier.stop()


def put(db: Database, queue: str = "default", count: int = 1) -> None:
    db.write(system(), lambda tx: [tx.enqueue("noop", {}, queue=queue) for _ in range(count)])


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wake, "RECONNECT_SECONDS", 0.05)


@pytest.fixture
def postgres_db(engine: str, db: Database) -> Database:
    if engine != "postgres":
        pytest.skip("SQLite has no notifications")
    return db


# -- PostgreSQL -------------------------------------------------------------------------------------------------------


def test_a_commit_notifies_the_listeners_of_other_processes(postgres_db: Database, installed_url: str) -> None:
    with listening(PostgresListener(installed_url)) as bell, notifying(PostgresNotifier(postgres_db, installed_url)):
        put(postgres_db, "publishing")
        assert bell.rung.acquire(timeout=SECONDS)
        assert bell.queues == {"publishing"}


def test_many_commits_are_few_notifications(postgres_db: Database, installed_url: str) -> None:
    with psycopg.connect(installed_url, autocommit=True) as connection:
        connection.execute(f"LISTEN {CHANNEL}".encode())
        with notifying(PostgresNotifier(postgres_db, installed_url)):
            for _ in range(50):
                put(postgres_db)
        notices = list(connection.notifies(timeout=0.5))
    assert 1 <= len(notices) < 50
    assert {notice.payload for notice in notices} == {"default"}


def test_a_listener_whose_connection_is_cut_listens_again(postgres_db: Database, installed_url: str) -> None:
    listener = PostgresListener(installed_url)
    with listening(listener) as bell, notifying(PostgresNotifier(postgres_db, installed_url)):
        for starts in (2, 3):
            cut(installed_url, listener.name)
            wait_until(lambda starts=starts: bell.starts == starts, "the ring for what it may have missed")
            put(postgres_db, "publishing")
            wait_until(lambda: "publishing" in bell.queues, "a notification")
            bell.queues.clear()


def test_a_notifier_whose_connection_is_cut_sends_later_what_it_could_not(
    postgres_db: Database, installed_url: str
) -> None:
    notifier = PostgresNotifier(postgres_db, installed_url)
    with listening(PostgresListener(installed_url)) as bell, notifying(notifier):
        put(postgres_db, "publishing")
        wait_until(lambda: "publishing" in bell.queues, "a notification")
        cut(installed_url, notifier.name)
        put(postgres_db, "email_notifications")
        wait_until(lambda: "email_notifications" in bell.queues, "the one that was lost")


def cut(url: str, name: str) -> None:
    """End the server's side of connections, as a restart or a firewall does."""
    with psycopg.connect(url, autocommit=True) as connection:
        wait_until(
            lambda: bool(
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", (name,)
                ).fetchall()
            ),
            "the connection",
        )


def test_no_job_is_lost_while_listening_does_not_work(
    postgres_db: Database, installed_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "TICK_SECONDS", 0.2)
    deaf = PostgresListener("postgresql://nobody@127.0.0.1:1/nowhere")
    worker = Worker(open_at(installed_url), {"noop": noop}, wakers=[deaf])
    worker.start()
    put(postgres_db, count=10)
    wait_until(lambda: all_done(postgres_db, 10), "the jobs")
    worker.stop()
    worker.database.close()


def all_done(db: Database, count: int) -> bool:
    with db.read(system()) as reads:
        return reads.count(Job, status="succeeded") == count


def test_behind_a_pooler_listening_is_found_to_be_useless(
    postgres_db: Database, postgres: PostgresServer, installed_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not installed")
    monkeypatch.setattr(wake, "PROVE_SECONDS", 0.5)
    with pooler(program, postgres, installed_url, tmp_path) as url:
        listener = PostgresListener(url)
        with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
            assert not listener._prove(connection)
        with psycopg.connect(installed_url, autocommit=True) as connection:
            assert listener._prove(connection), "a notification may be sent through it"


@contextmanager
def pooler(program: str, postgres: PostgresServer, url: str, folder: Path) -> Iterator[str]:
    """Run PgBouncer in transaction mode before the test's server."""
    port, name = free_port(), url.rpartition("/")[2]
    user = psycopg.conninfo.conninfo_to_dict(url)["user"]
    (folder / "users").write_text(f'"{user}" "{postgres.password}"\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n{name} = host={HOST} port={postgres.port} password={postgres.password} user={user}\n"
        f"[pgbouncer]\nlisten_addr = {HOST}\nlisten_port = {port}\nauth_type = plain\nauth_file = {folder}/users\n"
        "pool_mode = transaction\nunix_socket_dir =\nignore_startup_parameters = extra_float_digits,options\n"
    )
    account: dict[str, Any] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        for path in (folder, folder / "users", folder / "pgbouncer.ini"):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        for parent in folder.parents:
            # Pytest keeps others out of its folders.
            if parent.stat().st_uid == 0 and Path(tempfile.gettempdir()) in parent.parents:
                parent.chmod(0o755)
    command = [program, folder / "pgbouncer.ini"]
    with running(command, port=port, output=subprocess.DEVNULL, **account):
        yield f"postgresql://{user}:{postgres.password}@{HOST}:{port}/{name}"


# -- Redis ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def redis_server() -> Callable[[], Any]:
    """Give a function that runs a Redis server of the test's own while its block runs, on the same port each time."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("Redis is not installed")
    port = free_port()

    @contextmanager
    def serve() -> Iterator[str]:
        command = [program, "--port", str(port), "--bind", HOST, "--save", "", "--appendonly", "no"]
        with running(command, port=port, output=subprocess.DEVNULL):
            yield f"redis://{HOST}:{port}/0"

    return serve


def test_redis_carries_wake_ups_and_may_die_and_come_back(db: Database, redis_server: Callable[[], Any]) -> None:
    with redis_server() as url:
        bell = Bell()
        listener = RedisListener(url)
        listener.start(bell)
        assert bell.rung.acquire(timeout=SECONDS)
        notifier = RedisNotifier(db, url)
        notifier.start()
        put(db, "publishing")
        wait_until(lambda: "publishing" in bell.queues, "the first message")
    # Whatever rings from here on has a new connection.
    while bell.rung.acquire(blocking=False):
        pass
    put(db, "email_notifications")
    with redis_server():
        wait_until(lambda: bell.rung.acquire(blocking=False), "Redis again")
        bell.queues.clear()
        put(db, "analytics_collection")
        wait_until(lambda: "analytics_collection" in bell.queues, "the message after")
        notifier.stop()
        listener.stop()


def test_no_job_is_lost_without_redis(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "TICK_SECONDS", 0.2)
    worker = Worker(db, {"noop": noop}, wakers=[RedisListener("redis://127.0.0.1:1/0")])
    db.listeners.clear()
    worker.start()
    db.listeners.clear()
    put(db, count=10)
    wait_until(lambda: all_done(db, 10), "the jobs")
    worker.stop()
