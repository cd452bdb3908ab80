"""A primary and a standby: lists are read from the replica, and a promotion is survived without a restart."""

import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from growbase import wiring
from growbase.core import ddl
from growbase.core.actor import Actor
from growbase.core.pages import Reader
from growbase.core.postgres import PostgresDatabase, _CommitLost
from growbase.core.query import parse
from growbase.core.replicas import NearDatabase, Replica, replica_pool
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.marketing.models import Brand
from tests.fixtures import KEYRING, make_tenant
from tests.postgres import SETTINGS, USER, PostgresServer, _account, _stop, find_programs, postgres_server
from tests.processes import HOST, free_port, start, wait_until
from tests.test_server import server


@dataclass
class Fleet:
    """A primary, its standby, and their processes."""

    primary: PostgresServer
    standby: PostgresServer
    killed: list[int] = field(default_factory=list)

    def run(self, at: PostgresServer, sql: str) -> list[Any]:
        with psycopg.connect(at.admin_url, autocommit=True) as connection:
            done = connection.execute(sql.encode())
            return done.fetchall() if done.description else []

    def both(self, database: str) -> str:
        """Return the address that leads to whichever is the primary."""
        hosts = f"{HOST}:{self.primary.port},{HOST}:{self.standby.port}"
        who = f"{USER}:{self.primary.password}"
        return f"postgresql://{who}@{hosts}/{database}?target_session_attrs=read-write&connect_timeout=2"


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    """Give two running servers, the second one a standby of the first."""
    programs = find_programs()
    if programs is None:
        pytest.fail("PostgreSQL is missing: run tests/install_postgres.sh", pytrace=False)
    settings = {**SETTINGS, "synchronous_commit": "remote_apply"}
    with postgres_server(programs, settings) as primary:
        folder = primary.folder / "standby"
        account = _account(primary.folder)
        source = f"{primary.admin_url}?application_name=standby"
        copy = [programs / "pg_basebackup", "-d", source, "-D", folder, "-R", "-X", "stream", "-c", "fast", "--no-sync"]
        subprocess.run([str(part) for part in copy], check=True, capture_output=True, cwd=primary.folder, **account)
        port = free_port()
        command: list[str | Path] = [programs / "postgres", "-D", folder]
        own = {**settings, "listen_addresses": HOST, "port": str(port), "unix_socket_directories": str(folder)}
        for name, value in own.items():
            command += ["-c", f"{name}={value}"]
        with (primary.folder / "standby.log").open("wb") as output:
            process = start(command, cwd=folder, output=output, start_new_session=True, **account)
        standby = PostgresServer(port, primary.password, folder, programs, command, account, process)
        try:
            wait_until(standby.is_ready, "the standby", process)
            yield Fleet(primary, standby)
        finally:
            _stop(process)


def opened(fleet: Fleet, url: str, tmp_path: Path, **more: Any) -> PostgresDatabase:  # noqa: ANN401 -- options
    name = url.rpartition("/")[2]
    return PostgresDatabase(
        url,
        wiring.catalog(),
        KEYRING,
        pool_max=4,
        replicas=[fleet.standby.url(name)],
        written=tmp_path / "written",
        **more,
    )


def names(database: PostgresDatabase, actor: Actor, query: str = "") -> set[str]:
    resource = database.catalog.by_name["brands"]
    page = Reader(database, b"x" * 32).page(actor, resource, parse(database.catalog, resource, query))
    return {name for row in page.rows for name in [row.split('"name":"')[1].split('"')[0]]}


def test_lists_are_read_from_a_replica_that_has_what_the_caller_wrote(fleet: Fleet, tmp_path: Path) -> None:
    url = fleet.primary.create_database()
    with psycopg.connect(url, autocommit=True) as connection:
        wiring.catalog()
        for statement in ddl.statements("postgresql"):
            connection.execute(statement.encode())
    with closing(opened(fleet, url, tmp_path)) as db, closing(opened(fleet, url, tmp_path)) as other:
        tenant = make_tenant(db, "Acme")
        writer, reader = tenant.owner, tenant.viewer
        replicas = db._replicas
        assert replicas is not None
        first = db.write(writer, lambda tx: tx.insert(Brand, name="First"))
        wait_until(lambda: (replicas.all[0].ask() or 0) >= replicas.written.of(writer), "the replica")
        replicas.look()
        assert isinstance(db.near(reader), NearDatabase)
        assert names(db, reader) == {"First"}
        with db.near(reader).read(reader, snapshot=True) as reads:
            assert reads.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)

        units: list[Transaction] = []
        db.write(writer, lambda tx: units.append(tx) or tx.record("look", "brands", first))
        lost = _CommitLost(None, units[-1])
        assert db._has_committed(lost)
        # As on a promoted server that has given the number to somebody else, or has not come to it yet.
        lost.at -= timedelta(seconds=1)
        assert not db._has_committed(lost)
        assert lost.xid is not None
        lost.xid += 1_000_000
        assert not db._has_committed(lost)

        fleet.run(fleet.standby, "SELECT pg_wal_replay_pause()")
        db.write(writer, lambda tx: tx.insert(Brand, name="Second"))
        db.write(writer, lambda tx: trash(tx, Brand, first))
        # In this process and in another one of the machine.
        assert names(db, writer) == names(other, writer) == {"Second"}
        assert names(db, writer, "trash=only") == {"First"}
        assert names(db, reader) == {"First"}  # not long behind: somebody else's write may come a moment later
        replicas.max_lag = 0.05
        replicas.look()
        wait_until(lambda: replicas.look() is None and replicas.near(reader) is None, "the lag to be noticed")
        assert names(db, reader) == {"Second"}
        replicas.max_lag = 5.0
        fleet.run(fleet.standby, "SELECT pg_wal_replay_resume()")
        wait_until(lambda: (replicas.all[0].ask() or 0) >= replicas.written.of(writer), "the replica")
        assert isinstance(db.near(writer), NearDatabase)
        assert names(db, writer) == {"Second"}

        # One that is down, chosen a moment before.
        dead = Replica("dead", replica_pool(f"postgresql://{HOST}:{free_port()}/none", {}, pool_max=2))
        near = NearDatabase(db, dead)
        assert near.query("SELECT count(*) FROM brands")[0][0] == 2
        with near.read(reader) as reads:
            assert reads.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)
        replicas.all[0].close()
        replicas.all[0] = dead
        replicas.look()
        assert replicas.near(reader) is None
        assert names(db, reader) == {"Second"}


@dataclass
class Writer:
    """A client that writes one brand after the other and remembers which were acknowledged."""

    base: Any
    token: str
    acknowledged: list[str] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)
    stopping: threading.Event = field(default_factory=threading.Event)

    def __call__(self) -> None:
        while not self.stopping.is_set():
            name = uuid4().hex
            try:
                status, _ = self.base.request("POST", "/api/brands", {"name": name}, self.token)
            except OSError:
                status = 0
            if status == 201:
                self.acknowledged.append(name)
            else:
                self.refused[status] += 1
                time.sleep(0.05)


def test_a_promoted_standby_is_found_and_no_acknowledged_write_is_lost_or_doubled(fleet: Fleet, tmp_path: Path) -> None:
    name = fleet.primary.create_database().rpartition("/")[2]
    # From here on an acknowledged write is on both.
    fleet.run(fleet.primary, "ALTER SYSTEM SET synchronous_standby_names = 'standby'")
    fleet.run(fleet.primary, "SELECT pg_reload_conf()")
    wait_until(
        lambda: fleet.run(fleet.primary, "SELECT sync_state FROM pg_stat_replication") == [("sync",)], "the standby"
    )
    env = {"GROWBASE_DATABASE_URL": fleet.both(name), "GROWBASE_DEMO_DATA": "false"}
    env |= {"GROWBASE_REPLICA_URLS": fleet.standby.url(name), "GROWBASE_POOL_TIMEOUT_SECONDS": "20"}
    with server(tmp_path, **env) as running:
        writers = [Writer(running, running.login()) for _ in range(4)]
        threads = [threading.Thread(target=writer) for writer in writers]
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: all(len(writer.acknowledged) > 5 for writer in writers), "some writes")
            with suppress(ProcessLookupError):
                os.killpg(fleet.primary.process.pid, signal.SIGKILL)
            fleet.primary.process.wait()
            before = [len(writer.acknowledged) for writer in writers]
            fleet.run(fleet.standby, "SELECT pg_promote()")
            wait_until(
                lambda: all(
                    len(writer.acknowledged) > known + 5 for writer, known in zip(writers, before, strict=True)
                ),
                "writes on the promoted server",
                running.process,
                timeout=60,
            )
        finally:
            for writer in writers:
                writer.stopping.set()
            for thread in threads:
                thread.join()
        status, _ = running.request("GET", "/api/brands?limit=5", token=writers[0].token)
        assert status == 200
    with psycopg.connect(fleet.standby.url(name)) as connection:
        found = Counter(row[0] for row in connection.execute("SELECT name FROM brands"))
    acknowledged = {name for writer in writers for name in writer.acknowledged}
    assert acknowledged <= set(found)
    assert max(found.values()) == 1
