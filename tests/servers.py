"""Redis and PgBouncer for the tests: private servers that can be killed and come back on the same port."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.processes import HOST, free_port, running, start, wait_for_port


def find_program(name: str) -> str:
    """Return the path of a server's program; without it the test fails."""
    program = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if program is None:
        pytest.fail(f"{name} is missing: run tests/install_servers.sh", pytrace=False)
    return program


class RedisServer:
    """A Redis server that keeps nothing."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://{HOST}:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin to serve, on the same port each time."""
        command = [find_program("redis-server"), "--port", str(self.port), "--bind", HOST, "--save", ""]
        self.process = start(command, output=subprocess.DEVNULL)
        wait_for_port(self.port, self.process)

    def kill(self) -> None:
        """Be gone at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """Run a server while the block runs."""
    server = RedisServer()
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def pooler(url: str) -> Iterator[str]:
    """Run PgBouncer in transaction mode before the database of a superuser's URL, and give the URL that leads there."""
    found = psycopg.conninfo.conninfo_to_dict(url)
    port, name, user, password = free_port(), found["dbname"], found["user"], found["password"]
    folder = Path(tempfile.mkdtemp(prefix="growbase-pooler-"))
    try:
        (folder / "users").write_text(f'"{user}" "{password}"\n')
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\n{name} = host={HOST} port={found['port']} password={password} user={user}\n"
            f"[pgbouncer]\nlisten_addr = {HOST}\nlisten_port = {port}\nauth_type = plain\nauth_file = {folder}/users\n"
            "pool_mode = transaction\nunix_socket_dir =\nignore_startup_parameters = extra_float_digits,options\n"
        )
        account: dict[str, Any] = {}
        if os.geteuid() == 0:
            # It refuses to run as root.
            nobody = pwd.getpwnam("nobody")
            account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            for path in (folder, *folder.iterdir()):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
        command = [find_program("pgbouncer"), folder / "pgbouncer.ini"]
        with running(command, port=port, output=subprocess.DEVNULL, **account):
            yield f"postgresql://{user}:{password}@{HOST}:{port}/{name}"
    finally:
        shutil.rmtree(folder)
