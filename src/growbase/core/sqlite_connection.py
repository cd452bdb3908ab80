"""Connections to a SQLite file, and what its errors mean to a caller."""

import os
from pathlib import Path

import pysqlite3

from growbase.core.errors import (
    FROZEN,
    ConfigError,
    Conflict,
    FieldError,
    ForeignKey,
    GrowbaseError,
    Invalid,
    NotUnique,
    Unavailable,
)
from growbase.core.model import Root

BUSY_MS = 5_000
"""How long a statement waits for a lock that another program holds."""
GONE = "the database file is gone"
CHECKPOINT_PAGES = 8_000
"""Pages of the write-ahead log after which a commit moves them into the file: seldom, for that takes fsyncs."""
WAL_BYTES = 64 * 1024 * 1024
"""Size the write-ahead log is cut back to after a burst."""
CACHE_KIB = 8_192
FIXED_VERSION = (3, 51, 3)
"""The first SQLite without the race between a writer and a checkpointing connection."""


# For each NULL the driver would look for an adapter in vain, which takes longer than to store a text.
pysqlite3.register_adapter(type(None), lambda value: value)


def require_fixed_version() -> None:
    """Raise ConfigError if the SQLite library may corrupt a database that several connections write."""
    if pysqlite3.sqlite_version_info < FIXED_VERSION:
        message = (
            "SQLite {version} has a known fault: install pysqlite3 >= 0.6.1 or set GROWBASE_ALLOW_OLD_SQLITE=true."
        )
        raise ConfigError(message, version=pysqlite3.sqlite_version)


def file_at(path: Path) -> tuple[int, int] | None:
    """Return what tells the file at ``path`` from any other, None if there is none.

    A connection goes on writing to a file that was moved away or replaced, where nobody will find it again.
    """
    try:
        found = os.stat(path)  # noqa: PTH116 -- asked at every read, where Path.stat takes twice as long
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def connect(path: Path, *, read_only: bool = False) -> pysqlite3.Connection:
    """Open a connection in autocommit mode with Growbase's settings. Raises Unavailable."""
    mode = "ro" if read_only else "rwc"
    try:
        connection = pysqlite3.connect(
            f"file:{path}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
        else:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    except pysqlite3.Error as error:
        raise translated(error) from error
    return connection


def translated(error: BaseException) -> GrowbaseError:
    """Return what a driver's error means to a caller."""
    text = str(error)
    if text == FROZEN:
        return Unavailable(reason=FROZEN)
    if isinstance(error, pysqlite3.IntegrityError):
        return _constraint(text)
    if isinstance(error, pysqlite3.DataError | OverflowError) or "integer overflow" in text:
        return Invalid("A value is outside of what the database can store.")
    reasons = {
        "disk is full": "the disk is full",
        "readonly database": "the database file is read-only",
        "unable to open": "the database file can't be opened",
        "disk I/O error": "the disk reported an error",
        "locked": "another program holds the database",
        "malformed": "the database file is damaged",
        "not a database": "the file is not a database",
        "no such table": "its schema is not installed: run growbase db upgrade",
    }
    reason = next((plain for part, plain in reasons.items() if part in text), text)
    return Unavailable(reason=reason)


def _constraint(text: str) -> GrowbaseError:
    kind, _, detail = text.partition(" constraint failed: ")
    if kind.startswith("FOREIGN KEY"):
        return ForeignKey()
    if kind == "UNIQUE":
        return NotUnique(
            fields=tuple(FieldError(name, "unique", "is already taken") for name in _unique_fields(detail))
        )
    if kind in {"CHECK", "NOT NULL"}:
        name = _checked_field(detail) if kind == "CHECK" else detail.rpartition(".")[2]
        message = "has a value that is not allowed" if kind == "CHECK" else "is required"
        return Invalid.at(name, "check" if kind == "CHECK" else "required", message)
    return Conflict(text)


def _unique_fields(detail: str) -> list[str]:
    if detail.startswith("index"):
        name = detail.split("'")[1]
        found = [index for table in Root.metadata.tables.values() for index in table.indexes if index.name == name]
        return list(found[0].info.get("fields", ())) if found else [name]
    names = [part.rpartition(".")[2].removesuffix("_norm") for part in detail.split(", ")]
    return [name for name in names if name not in {"organization_id", "id"}] or names


def _checked_field(name: str) -> str:
    """Return the column, or the name, of a CHECK named ``ck_<table>_<column>``."""
    # One table's name may begin like another's.
    prefixes = [f"ck_{table}_" for table in Root.metadata.tables if name.startswith(f"ck_{table}_")]
    return name.removeprefix(max(prefixes, key=len, default=""))
