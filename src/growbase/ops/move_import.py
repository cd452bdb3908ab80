"""Importing an export into an empty database of either engine, all of it or nothing."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from growbase.core import types
from growbase.core.errors import Conflict
from growbase.core.files import FileStore
from growbase.ops.canonical import Checksum
from growbase.ops.connections import connect_postgresql, reader
from growbase.ops.contents import contents
from growbase.ops.export import BATCH, ExportDamaged, Exported, canonical, read_lines, tables_of

if TYPE_CHECKING:
    from growbase.core.config import Settings

Progress = Callable[[int, int], None]
LOG_BASE: Final = "log_base"
"""The fact above which the log's positions go on, whatever counted them before."""
_FACTS: Final = "INSERT INTO instance_facts (name, value) VALUES ('{name}', '{value}')"


class NotEmpty(Conflict):
    """The database has {count} rows in {table}: an export goes into an empty one.

    Name a new database in GROWBASE_DATABASE_URL; the import installs the schema itself.
    """

    code = "not_empty"


class OtherSchema(Conflict):
    """The export was made at schema {theirs}; this database is at {ours}.

    Import it with the version of Growbase that made it ({version}), then upgrade.
    """

    code = "other_schema"


def import_export(
    settings: "Settings", store: FileStore, manifest: Exported, progress: Progress = lambda *_: None
) -> int:
    """Load an export into an installed, empty database and return how many rows it has; checksums are compared first.

    Raises NotEmpty, OtherSchema, ExportDamaged.
    """
    with reader(settings) as rows:
        ours = contents(rows, is_postgresql=settings.is_postgresql)
    for table, count in ours.rows.items():
        if count:
            raise NotEmpty(table=table, count=count)
    if dict(manifest.schema) != ours.schema:
        theirs, here = (", ".join(map(str, found.values())) for found in (manifest.schema, ours.schema))
        raise OtherSchema(theirs=theirs, ours=here, version=manifest.growbase)
    tables = [table for table in tables_of(settings) if table.name in manifest.tables]
    load = _into_postgresql if settings.is_postgresql else _into_sqlite
    return load(settings, store, manifest, tables, progress)


def _batches(
    store: FileStore, manifest: Exported, table: sa.Table, stored: Callable[["sa.Column[Any]", Any], Any]
) -> Iterator[list[list[Any]]]:
    """Yield a table's rows as the engine takes them, and compare their checksum at the end."""
    checksum, columns = Checksum(), list(table.columns)
    lines = read_lines(store, manifest, table.name)
    while batch := list(islice(lines, BATCH)):
        found = []
        for line in batch:
            if set(line) != {column.name for column in columns}:
                raise ExportDamaged(id=manifest.id, what=f"{table.name} has other columns")
            checksum.add(canonical(table, [line[column.name] for column in columns]))
            if table.name != "instance_facts" or line["name"] != LOG_BASE:
                found.append([stored(column, line[column.name]) for column in columns])
        yield found
    if checksum.text() != manifest.tables[table.name]:
        what = f"{table.name} is {checksum.text()}, not {manifest.tables[table.name]}"
        raise ExportDamaged(id=manifest.id, what=what)


def _into_sqlite(
    settings: "Settings", store: FileStore, manifest: Exported, tables: list[sa.Table], progress: Progress
) -> int:
    from growbase.core.ddl import INDEX_SEARCH
    from growbase.core.sqlite_connection import connect
    from growbase.ops.connections import file_lock

    assert settings.sqlite_path is not None
    total = 0
    with file_lock(settings.sqlite_path), closing(connect(settings.sqlite_path)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("BEGIN IMMEDIATE")
        for done, table in enumerate(tables):
            progress(done, len(tables))
            names = ", ".join(column.name for column in table.columns)
            marks = ", ".join("?" * len(table.columns))
            for rows in _batches(store, manifest, table, _as_sqlite):
                connection.executemany(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', rows)
                total += len(rows)
        broken = connection.execute("PRAGMA foreign_key_check").fetchone()
        if broken is not None:
            raise ExportDamaged(id=manifest.id, what=f"rows of {broken[0]} refer to rows that are not there")
        for statement in INDEX_SEARCH:
            connection.execute(statement)
        connection.execute(_log_base(manifest))
        connection.execute("COMMIT")
    return total


def _into_postgresql(
    settings: "Settings", store: FileStore, manifest: Exported, tables: list[sa.Table], progress: Progress
) -> int:
    total = 0
    keys = (
        "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE contype = 'f' AND connamespace = quote_ident(current_schema())::regnamespace ORDER BY conname"
    )
    with connect_postgresql(settings) as connection:
        # Rows come table by table, so references are checked once all are there.
        references = connection.execute(keys).fetchall()
        for table, name, _ in references:
            connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        for done, made in enumerate(tables):
            progress(done, len(tables))
            names = ", ".join(column.name for column in made.columns)
            with connection.cursor() as cursor, cursor.copy(f'COPY "{made.name}" ({names}) FROM STDIN') as copy:
                for rows in _batches(store, manifest, made, _as_postgresql):
                    for row in rows:
                        copy.write_row(row)
                    total += len(rows)
            for column in made.primary_key:
                if column.identity is not None:
                    connection.execute(
                        f"SELECT setval(pg_get_serial_sequence('{made.name}', '{column.name}'), "
                        f'coalesce(max({column.name}), 0) + 1, false) FROM "{made.name}"'
                    )
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table, name, definition in references:
            connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
        connection.execute(_log_base(manifest))
    return total


def _log_base(manifest: Exported) -> str:
    return _FACTS.format(name=LOG_BASE, value=int(max(manifest.position)))


def _as_sqlite(column: "sa.Column[Any]", value: Any) -> Any:  # noqa: ANN401 -- a driver's value
    if value is None:
        return None
    if isinstance(column.type, types.Boolean):
        return int(value)
    if isinstance(column.type, types.Document):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return bytes.fromhex(value) if isinstance(column.type, types.Sealed) else value


def _as_postgresql(column: "sa.Column[Any]", value: Any) -> Any:  # noqa: ANN401 -- a driver's value
    if value is None:
        return None
    if isinstance(column.type, types.Document):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return bytes.fromhex(value) if isinstance(column.type, types.Sealed) else value
