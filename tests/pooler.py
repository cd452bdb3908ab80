"""A private PgBouncer for the tests, before the private PostgreSQL."""

import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.postgres import PostgresServer
from tests.processes import HOST, free_port, running


@contextmanager
def pooler(
    program: str, postgres: PostgresServer, url: str, folder: Path, ignored: str = "extra_float_digits,options"
) -> Iterator[str]:
    """Run PgBouncer in transaction mode before the test's server and give the URL; it ignores some startup options."""
    port, name = free_port(), url.rpartition("/")[2]
    user = psycopg.conninfo.conninfo_to_dict(url)["user"]
    text = (
        f"[databases]\n{name} = host={HOST} port={postgres.port} password={postgres.password} user={user}\n"
        f"[pgbouncer]\nlisten_addr = {HOST}\nlisten_port = {port}\nauth_type = plain\nauth_file = {folder}/users\n"
        f"pool_mode = transaction\nunix_socket_dir =\nignore_startup_parameters = {ignored}\n"
    )
    with run_pooler(program, folder, port, text, f'"{user}" "{postgres.password}"\n'):
        yield f"postgresql://{user}:{postgres.password}@{HOST}:{port}/{name}"


@contextmanager
def run_pooler(program: str, folder: Path, port: int, text: str, users: str) -> Iterator[None]:
    """Run PgBouncer with the text of its file, which names the port and ``folder / "users"``."""
    (folder / "users").write_text(users)
    (folder / "pgbouncer.ini").write_text(text)
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
        yield
