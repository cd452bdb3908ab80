"""A backup on demand: a copy of the SQLite file, or PostgreSQL's own dump."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from growbase.core.errors import ConfigError, Unavailable
from growbase.ops.copies import copy_file, stamp

if TYPE_CHECKING:
    from growbase.core.config import Settings


def backup_now(settings: "Settings") -> Path:
    """Write a backup into ``backups`` in the data folder while the server runs, and return its path.

    Raises Unavailable, and ConfigError where PostgreSQL's pg_dump is not installed.
    """
    folder = settings.data_dir / "backups"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = settings.sqlite_path
    if path is not None:
        if not path.exists():
            raise Unavailable(reason="there is no database yet")
        copy = folder / f"{path.stem}-{stamp()}.db"
        copy_file(path, copy)
        return copy
    return _dump(settings.direct_database, folder / f"growbase-{stamp()}.dump")


def _dump(url: str, target: Path) -> Path:
    program = shutil.which("pg_dump")
    if program is None:
        raise ConfigError("pg_dump is not installed: install PostgreSQL's client programs.")
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    user = f"{parts.username}@" if parts.username else ""
    # The password goes by the environment: other users of the machine can read a command line.
    environment = os.environ | ({"PGPASSWORD": unquote(parts.password)} if parts.password else {})
    plain = urlunsplit(parts._replace(netloc=f"{user}{host}"))
    done = subprocess.run(
        [program, "--format=custom", f"--file={target}", f"--dbname={plain}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        target.unlink(missing_ok=True)
        raise Unavailable(reason=done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "pg_dump failed")
    target.chmod(0o600)
    return target
