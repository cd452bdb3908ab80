"""PostgreSQL's own programs: finding and running them, and a private server over a restored data folder."""

import os
import pwd
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit, urlunsplit

from growbase.core.errors import ConfigError, GrowbaseError, Unavailable

FOLDERS: Final = (
    "/usr/lib/postgresql/{major}/bin",
    "/usr/pgsql-{major}/bin",
    "/opt/homebrew/opt/postgresql@{major}/bin",
)
_POLL_SECONDS: Final = 0.05
_STOP_SECONDS: Final = 30


class RecoveryFailed(GrowbaseError):
    """The restored PostgreSQL server did not start: {reason}.

    Its log is shown above all by the first line that says FATAL; the backup itself is unchanged.
    """

    code = "recovery_failed"


class PastTheLog(GrowbaseError):
    """The log ends before the moment asked for; the last change in it is of {reached}.

    Choose an earlier moment, or restore without --at to have everything.
    """

    code = "past_the_log"


def program(name: str, major: int) -> str:
    """Return the path of a program of this major version, or the one on the PATH. Raises ConfigError."""
    for folder in FOLDERS:
        path = Path(folder.format(major=major)) / name
        if path.exists():
            return str(path)
    found = shutil.which(name)
    if found is None:
        message = "{program} is not installed: install the client and server programs of PostgreSQL {major}."
        raise ConfigError(message, program=name, major=major)
    return found


def login(url: str) -> tuple[str, dict[str, str]]:
    """Return a URL without its password, and the environment that has it: a command line is there for all to read."""
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    plain = urlunsplit(parts._replace(netloc=f"{user}{parts.netloc.rpartition('@')[2]}"))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GROWBASE_")}
    return plain, kept | ({"PGPASSWORD": unquote(parts.password)} if parts.password else {})


def run(command: list[str], environment: Mapping[str, str] | None = None) -> str:
    """Run a program to its end and return what it printed. Raises Unavailable with its last words."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in (done.stderr or done.stdout).strip().splitlines() if line.strip()]
        reason = next((line for line in said if "error" in line), said[-1] if said else f"{command[0]} failed")
        raise Unavailable("PostgreSQL's program failed: {reason}", reason=reason)
    return done.stdout


# -- a server of our own ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OwnServer:
    """A running server, reached by a socket in a folder that only we can enter."""

    sockets: Path
    user: str
    log: Path

    def url(self, database: str) -> str:
        """Return the URL of a database of it."""
        return f"postgresql://{self.user}@/{database}?host={self.sockets}"


def account() -> dict[str, Any]:
    """Return the options that start a program as an ordinary user: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def give_away(folder: Path, owner: Mapping[str, Any]) -> None:
    """Make a folder and all in it belong to the account that runs the server."""
    if owner:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner["user"], owner["group"], follow_symlinks=False)


@contextmanager
def own_server(data: Path, major: int, user: str, options: Mapping[str, str]) -> Iterator[OwnServer]:
    """Run a server over a restored data folder until the block ends; enter when recovery has ended.

    Nothing of how it is run here stays in the folder. Raises RecoveryFailed and PastTheLog.
    """
    owner = account()
    sockets = Path(tempfile.mkdtemp(prefix="growbase-"))
    try:
        _complete(data)
        access = sockets / "access"
        access.write_text("local all all trust\n", encoding="utf-8")
        log = sockets / "log"
        give_away(data, owner)
        give_away(sockets, owner)
        chosen = {
            "listen_addresses": "",
            "unix_socket_directories": str(sockets),
            "hba_file": str(access),
            "archive_mode": "off",
            "ssl": "off",
            "logging_collector": "off",
            "log_destination": "stderr",
            "lc_messages": "C",
            # So that nobody reads before recovery has ended, and no limit of the old server has to be met.
            "hot_standby": "off",
            **options,
        }
        command = [program("postgres", major), "-D", str(data)]
        for name, value in chosen.items():
            command += ["-c", f"{name}={value}"]
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=data,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **owner,
            )
        server = OwnServer(sockets, user, log)
        try:
            _await_recovery(server, process)
            yield server
        finally:
            _stop(process)
    finally:
        shutil.rmtree(sockets, ignore_errors=True)


def _complete(data: Path) -> None:
    """Give the folder what some systems keep elsewhere."""
    for name in ("postgresql.conf", "pg_hba.conf", "pg_ident.conf"):
        path = data / name
        if not path.exists():
            path.write_text("local all all peer\n" if name == "pg_hba.conf" else "", encoding="utf-8")
            path.chmod(0o600)
    data.chmod(0o700)


def _await_recovery(server: OwnServer, process: "subprocess.Popen[bytes]") -> None:
    import psycopg

    while True:
        if process.poll() is not None:
            raise _failure(server.log)
        try:
            with psycopg.connect(server.url("postgres"), connect_timeout=5) as connection:
                row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
        except psycopg.OperationalError:
            time.sleep(_POLL_SECONDS)
            continue
        if row is not None and row[0] is False:
            return
        time.sleep(_POLL_SECONDS)


def _failure(log: Path) -> GrowbaseError:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    if any("recovery ended before configured recovery target was reached" in line for line in lines):
        mark = "last completed transaction was at log time "
        reached = [line.partition(mark)[2] for line in lines if mark in line]
        return PastTheLog(reached=reached[-1] if reached else "the base backup")
    fatal = [line.partition("FATAL:")[2].strip() for line in lines if "FATAL:" in line or "PANIC:" in line]
    return RecoveryFailed(reason=fatal[0] if fatal else (lines[-1] if lines else "it said nothing"))


def _stop(process: "subprocess.Popen[bytes]") -> None:
    for request in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(request)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue
    process.wait()


def copy_command(folder: Path) -> str:
    """Return the restore_command that takes segments, also the unfinished last one, from a folder."""
    place = shlex.quote(str(folder).replace("%", "%%"))
    return f"cp {place}/%f %p 2>/dev/null || cp {place}/%f.partial %p 2>/dev/null"
