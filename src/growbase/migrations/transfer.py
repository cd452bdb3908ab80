"""Copying the rows of one SQLite schema into another, column by column of the same name."""

from collections.abc import Callable, Mapping
from typing import Any

from growbase.core import ddl

Rows = Callable[[str], Any]


def lost_by_copying(execute: Rows) -> list[str]:
    """Return what of the attached database ``old`` has values but no place in the main one."""
    lost = []
    for table in _tables(execute, "old"):
        kept = _columns(execute, "main", table)
        for column in _columns(execute, "old", table):
            where = f'WHERE "{column}" IS NOT NULL' if kept else ""
            if column not in kept and execute(f'SELECT 1 FROM old."{table}" {where} LIMIT 1').fetchone():
                lost.append(f"{table}.{column}" if kept else table)
                if not kept:
                    break
    return lost


def copy_rows(execute: Rows, fills: Mapping[tuple[str, str], str]) -> None:
    """Copy every row of the attached database ``old``; ``fills`` has the SQL values of new required columns."""
    for table in _tables(execute, "main"):
        old = _columns(execute, "old", table)
        # What waits for the search index is noted by the triggers of the rows it stands for.
        if not old or table == "search_pending":
            continue
        pairs = {name: f'"{name}"' for name in _columns(execute, "main", table) if name in old}
        pairs |= {name: value for (owner, name), value in fills.items() if owner == table and name not in old}
        names = ", ".join(f'"{name}"' for name in pairs)
        execute(f'INSERT INTO main."{table}" ({names}) SELECT {", ".join(pairs.values())} FROM old."{table}"')
    versions = "SELECT name FROM old.sqlite_master WHERE type = 'table' AND name GLOB 'alembic_version*'"
    for (name,) in execute(versions).fetchall():
        execute(f'CREATE TABLE "{name}" AS SELECT * FROM old."{name}"')


def _tables(execute: Rows, database: str) -> list[str]:
    found = execute(
        f"SELECT name FROM {database}.sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
    )
    return [name for (name,) in found.fetchall() if not name.startswith(ddl.IGNORED_TABLES)]


def _columns(execute: Rows, database: str, table: str) -> list[str]:
    return [row[1] for row in execute(f'PRAGMA {database}.table_info("{table}")').fetchall()]
