"""What a database holds, as a backup's manifest tells it and a restored copy must show it again."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from growbase.core import ddl
from growbase.core.errors import GrowbaseError

TABLES: Final = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
Rows = Callable[[str], list[Any]]


class DatabaseDamaged(GrowbaseError):
    """The database is damaged in {tables}: {reason}. No backup was made of it.

    The last good backup is {last}. Stop the server and run growbase restore, which keeps the damaged file aside.
    """

    code = "database_damaged"


@dataclass(frozen=True, slots=True)
class Contents:
    """Counts by table, position (tx, seq) and time of the newest change, and the revision of each history."""

    rows: dict[str, int]
    position: tuple[int, int]
    newest: str | None
    schema: dict[str, str | None]


def contents(rows: Rows, *, is_postgresql: bool) -> Contents:
    """Count what a database holds; call it inside one snapshot."""
    found = (
        "SELECT relname FROM pg_class WHERE relnamespace = quote_ident(current_schema())::regnamespace "
        "AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname"
        if is_postgresql
        else TABLES
    )
    names = [row[0] for row in rows(found)]
    counts = {name: int(rows(f'SELECT count(*) FROM "{name}"')[0][0]) for name in names if _is_ours(name)}
    schema = {name: rows(f'SELECT version_num FROM "{name}"') for name in names if name.startswith("alembic_version")}
    position, newest = (0, 0), None
    if "changes" in counts:
        text = "to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        moment = text if is_postgresql else "occurred_at"
        last = rows(f"SELECT tx, seq, {moment} FROM changes ORDER BY tx DESC, seq DESC LIMIT 1")
        if last:
            position, newest = (int(last[0][0]), int(last[0][1])), str(last[0][2])
    return Contents(counts, position, newest, {name: found[0][0] if found else None for name, found in schema.items()})


def _is_ours(name: str) -> bool:
    return not name.startswith(ddl.IGNORED_TABLES)


def sqlite_contents(path: Path) -> Contents:
    """Check a SQLite file that nobody else uses, page by page, and count what it holds. Raises DatabaseDamaged."""
    import pysqlite3

    from growbase.core.sqlite_connection import connect

    try:
        with closing(connect(path)) as connection:
            faults = [row[0] for row in connection.execute("PRAGMA integrity_check(20)")]
            if faults == ["ok"]:
                broken = connection.execute("PRAGMA foreign_key_check").fetchone()
                faults = [f"rows of {broken[0]} refer to rows of {broken[2]} that do not exist"] if broken else []
            if not faults:
                return contents(lambda sql: connection.execute(sql).fetchall(), is_postgresql=False)
            raise DatabaseDamaged(tables=_damaged(connection), reason=faults[0].splitlines()[-1], last="?")
    except pysqlite3.DatabaseError as error:
        raise DatabaseDamaged(tables=_damaged_at(path), reason=str(error), last="?") from error
    except GrowbaseError as error:
        if isinstance(error, DatabaseDamaged):
            raise
        raise DatabaseDamaged(tables=_damaged_at(path), reason=str(error.params.get("reason")), last="?") from error


def _damaged_at(path: Path) -> str:
    import pysqlite3

    try:
        with closing(pysqlite3.connect(str(path))) as connection:
            return _damaged(connection)
    except pysqlite3.Error:
        return "the whole file"


def _damaged(connection: Any) -> str:  # noqa: ANN401 -- the driver ships no types
    """Name the tables that don't pass their own check."""
    import pysqlite3

    listed = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
    )
    found = []
    for (name,) in listed.fetchall():
        try:
            is_whole = connection.execute(f'PRAGMA integrity_check("{name}")').fetchall() == [("ok",)]
            broken = connection.execute(f'PRAGMA foreign_key_check("{name}")').fetchone()
        except pysqlite3.DatabaseError:
            is_whole, broken = False, None
        if not is_whole or broken is not None:
            found.append(name)
    return ", ".join(sorted(found)) or "the whole file"
