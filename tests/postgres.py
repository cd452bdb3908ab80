"""A private PostgreSQL server for the tests: its own folder, port and password, gone when the tests end."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.processes import HOST, free_port, start, wait_until

USER = "growbase"
SETTINGS = {
    "fsync": "off",  # a power cut may have the tests' data
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "100",
    "max_wal_senders": "10",
    "wal_level": "replica",
    "shared_buffers": "64MB",
}
DURABLE = {**SETTINGS, "fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "shared_buffers": "512MB"}
"""Settings of a server that keeps what it has confirmed, as in production: for the bench."""


@dataclass
class PostgresServer:
    """A running server: where it listens, where it lives, with which programs it was made and how it is started."""

    port: int
    password: str
    folder: Path
    programs: Path
    command: Sequence[str | Path]
    account: dict[str, Any]
    process: subprocess.Popen[bytes]

    @property
    def admin_url(self) -> str:
        """Return the superuser's URL of the maintenance database."""
        return self.url("postgres")

    def url(self, database: str) -> str:
        """Return the superuser's URL of `database`."""
        return f"postgresql://{USER}:{self.password}@{HOST}:{self.port}/{database}"

    def create_database(self, *, template: str = "template0", name: str | None = None) -> str:
        """Create a database as a copy of `template`, to which nobody may be connected, and return its URL."""
        name = name or f"test_{secrets.token_hex(6)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Drop the database behind `url`, if it is still there, with all connections to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{url.rpartition("/")[2]}" WITH (FORCE)')

    def is_ready(self) -> bool:
        """Return whether the server takes connections, which is a moment after it opens its port."""
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def restart(self, request: signal.Signals) -> None:
        """Stop as ``pg_ctl -m fast`` (SIGINT) or ``-m immediate`` (SIGQUIT) does, and begin to serve again."""
        self.stop(request)
        self.start_again()

    def stop(self, request: signal.Signals) -> None:
        """Stop with the signal that says how."""
        self.process.send_signal(request)
        self.process.wait(30)

    def start_again(self) -> None:
        """Start a stopped server where it was."""
        with (self.folder / "log").open("ab") as output:
            self.process = start(self.command, cwd=self.folder, output=output, start_new_session=True, **self.account)
        wait_until(self.is_ready, "PostgreSQL", self.process)

    def execute(self, statement: str) -> None:
        """Run one statement in the maintenance database, outside a transaction."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(statement.encode())


def find_programs() -> Path | None:
    """Return the folder of the newest PostgreSQL programs on this machine, or None."""
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if folders:
        return max(folders, key=lambda folder: float(folder.parent.name))
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@contextmanager
def postgres_server(programs: Path, settings: Mapping[str, str] = SETTINGS) -> Iterator[PostgresServer]:
    """Make a server in a new folder, run it while the block runs, then stop it and remove the folder."""
    folder = Path(tempfile.mkdtemp(prefix="growbase-postgres-"))
    try:
        account = _account(folder)
        password = secrets.token_hex(16)
        _initialise(programs, folder, password, account)
        server = _start(programs, folder, password, account, settings)
        try:
            yield server
        finally:
            _stop(server.process)
    finally:
        shutil.rmtree(folder)


def _account(folder: Path) -> dict[str, Any]:
    """Return the Popen options that run a program as an ordinary user: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _initialise(programs: Path, folder: Path, password: str, account: dict[str, Any]) -> None:
    password_file = folder / "password"
    password_file.write_text(password)
    if account:
        os.chown(password_file, account["user"], account["group"])
    password_file.chmod(0o600)
    # One locale everywhere, so that a developer's own does not decide how the tests sort.
    command: list[str | Path] = [programs / "initdb", "--pgdata", folder / "data"]
    command += ["--username", USER, "--pwfile", password_file, "--auth", "scram-sha-256"]
    command += ["--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **account)
    if made.returncode:
        raise RuntimeError(f"initdb failed:\n{made.stdout}{made.stderr}")


def _start(
    programs: Path, folder: Path, password: str, account: dict[str, Any], chosen: Mapping[str, str]
) -> PostgresServer:
    log = folder / "log"
    for attempt in range(3):
        port = free_port()
        settings = {**chosen, "listen_addresses": HOST, "port": str(port), "unix_socket_directories": str(folder)}
        command: list[str | Path] = [programs / "postgres", "-D", folder / "data"]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with log.open("wb") as output:
            process = start(command, cwd=folder, output=output, start_new_session=True, **account)
        server = PostgresServer(port, password, folder, programs, command, account, process)
        try:
            wait_until(server.is_ready, "PostgreSQL", process)
        except (RuntimeError, TimeoutError) as error:  # mostly: the port was taken in between
            _stop(process)
            if attempt == 2:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}") from error
        else:
            return server
    raise AssertionError("unreachable")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop the server by its id, first cutting its clients off, then without ceremony."""
    for request in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(request)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                continue
    process.wait()
