"""Emptying a database, and pushing changed models into an embedded one without a revision."""

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from growbase.core import ddl
from growbase.core.config import Settings
from growbase.core.errors import ConfigError, Invalid
from growbase.migrations.transfer import copy_rows, lost_by_copying
from growbase.ops.connections import file_lock, transaction
from growbase.ops.copies import put_back, take_copy
from growbase.ops.difference import wanted
from growbase.ops.drift import find_drift
from growbase.ops.guard import require_consent
from growbase.ops.history import declared, histories
from growbase.ops.shapes import shape_of


def empty(settings: Settings, *, typed: str | None) -> Path | None:
    """Drop everything that belongs to Growbase and return where a copy of the SQLite file is.

    Raises InProduction, and NotConfirmed unless ``typed`` is the database's name.
    """
    require_consent(settings, typed)
    path = settings.sqlite_path
    if path is None:
        _empty_postgresql(settings)
        return None
    with file_lock(path):
        copy = take_copy(path, "reset") if path.exists() else None
        put_back(None, path)
    return copy


def _empty_postgresql(settings: Settings) -> None:
    """Drop what models and revisions know; the schema may hold other programs' tables."""
    tables, extras = set(), set()
    for history in histories(settings):
        for known in (declared(history), wanted(history.package)):
            tables |= {*known.tables, history.version_table}
            extras |= {*known.extras["postgresql"]}
    with transaction(settings) as connection:
        for kind in ("view", "table", "function"):
            names = tables if kind == "table" else {extra.name for extra in extras if extra.kind == kind}
            for name in sorted(names):
                connection.exec_driver_sql(f'DROP {kind.upper()} IF EXISTS "{name}" CASCADE')


def push(settings: Settings, *, typed: str | None) -> list[str]:
    """Bring an embedded database to the models without a revision and return what differed.

    For development: the file is written anew and its rows copied, so that the history of revisions no longer tells
    its schema. Where values would be lost, or in production, consent is needed as for ``empty``.
    """
    path = settings.sqlite_path
    if path is None:
        raise ConfigError("db push is for an embedded database: write a revision (db revision) for PostgreSQL.")
    differences = [drift.text() for drift in find_drift(settings)]
    if not differences:
        return []
    with file_lock(path), TemporaryDirectory(prefix="growbase-push-", dir=path.parent) as folder:
        fresh = Path(folder) / path.name
        lost = _write_fresh(fresh, path, (*ddl.PROGRAM, *settings.domains))
        if lost:
            require_consent(settings, typed)
        take_copy(path, "push")
        put_back(fresh, path)
    return [*differences, *(f"lost: {name}" for name in lost)]


def _write_fresh(fresh: Path, old: Path, packages: tuple[str, ...]) -> list[str]:
    """Write the models' schema with the old file's rows and return what found no place."""
    import pysqlite3

    shapes = [shape_of(table) for table in ddl.tables(packages)]
    fills = {
        (shape.name, column.name): column.fill
        for shape in shapes
        for column in shape.columns.values()
        if column.fill is not None and not column.nullable
    }
    with closing(pysqlite3.connect(str(fresh), isolation_level=None)) as connection:
        try:
            connection.execute("ATTACH DATABASE ? AS old", (str(old),))
            connection.execute("BEGIN")
            for statement in ddl.statements("sqlite", packages=packages):
                connection.execute(statement)
            lost = lost_by_copying(connection.execute)
            copy_rows(connection.execute, fills)
            for statement in ddl.INDEX_SEARCH:
                connection.execute(statement)
            broken = connection.execute("PRAGMA main.foreign_key_check").fetchone()
            connection.execute("COMMIT")
        except pysqlite3.Error as error:
            message = f"the rows do not fit the models ({error}): write a revision that changes them"
            raise Invalid.at("rows", "misfit", message) from error
    if broken is not None:
        message = f"rows of {broken[0]} would refer to rows of {broken[2]} that do not exist"
        raise Invalid.at("rows", "misfit", message)
    return lost
