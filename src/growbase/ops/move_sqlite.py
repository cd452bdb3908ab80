"""A SQLite file as one end of a move."""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pysqlite3
import sqlalchemy as sa

from growbase.core import ddl
from growbase.core.config import Settings
from growbase.core.errors import Unavailable
from growbase.core.sqlite_connection import connect
from growbase.ops.connections import file_lock
from growbase.ops.copies import stamp
from growbase.ops.move_ends import REFUSAL, Dirty, End, unchanged
from growbase.ops.move_rows import DIRTY, Key, Row, Table, batches

PIECE = 400
"""Keys in one statement."""


class SqliteEnd(End):
    """A SQLite file, whose write lock is taken for each write as every process does."""

    engine = "sqlite"
    mark = "?"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        assert settings.sqlite_path is not None
        self.path = settings.sqlite_path
        self._connection: pysqlite3.Connection | None = None

    @property
    def connection(self) -> pysqlite3.Connection:
        """The one connection, made on first use."""
        if self._connection is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = connect(self.path)
            self._connection.execute("PRAGMA foreign_keys = OFF")
            self._connection.execute("PRAGMA cache_size = -65536")
        return self._connection

    def query(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        """Run a statement."""
        return list(self.connection.execute(sql, params).fetchall())

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def size(self) -> int:
        """Return the file's size."""
        return self.path.stat().st_size if self.path.exists() else 0

    def has(self, table: str) -> bool:
        """Look into the schema."""
        return self.path.exists() and table in self.tables()

    def tables(self) -> list[str]:
        """Return the tables' names."""
        if not self.path.exists():
            return []
        return [name for (name,) in self.query("SELECT name FROM sqlite_master WHERE type = 'table'")]

    # -- rows -----------------------------------------------------------------------------------------------------

    def rows(self, table: Table, after: Key | None, limit: int | None, upto: Key | None = None) -> list[Row]:
        """Return rows as they are stored."""
        marks = f"({', '.join('?' * len(table.key))})"
        bounds = [(">", after), ("<=", upto)]
        terms = [f"({table.keys}) {sign} {marks}" for sign, key in bounds if key is not None]
        where = f"WHERE {' AND '.join(terms)}" if terms else ""
        end = f" LIMIT {limit}" if limit is not None else ""
        sql = f"SELECT {table.names} FROM {table.name} {where} ORDER BY {table.keys}{end}"
        return self.query(sql, (*(after or ()), *(upto or ())))

    def keys_of(self, table: Table) -> str:
        """Keys are stored in the common form."""
        return table.keys

    def by_key(self, table: Table, keys: Sequence[Key]) -> list[Row]:
        """Look the rows up."""
        found: list[Row] = []
        for piece in batches(keys, PIECE):
            sql = f"SELECT {table.names} FROM {table.name} WHERE {_listed(table, len(piece))}"
            found += self.query(sql, [value for key in piece for value in key])
        return found

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with file_lock(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

    def writing(self) -> Any:  # noqa: ANN401 -- a context manager
        """Take the file's lock and begin."""
        return unchanged() if self.is_held else self._transaction()

    def snapshot(self) -> Any:  # noqa: ANN401 -- the same
        """Read inside one transaction."""
        return unchanged() if self.is_held else self._reading()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        self.connection.execute("BEGIN")
        try:
            yield
        finally:
            self.connection.execute("ROLLBACK")

    # -- a source -------------------------------------------------------------------------------------------------

    def record(self, tables: Iterable[Table]) -> None:
        """Create three triggers a table."""
        with self.writing():
            self.query(f"CREATE TABLE IF NOT EXISTS {DIRTY} (id INTEGER PRIMARY KEY, name TEXT NOT NULL, key TEXT)")
            for table in tables:
                for event in ("insert", "update", "delete"):
                    row = "old" if event == "delete" else "new"
                    key = f"json_array({', '.join(f'{row}.{name}' for name in table.key)})"
                    self.query(
                        f"CREATE TRIGGER IF NOT EXISTS {DIRTY}_{table.name}_{event} AFTER {event} ON {table.name} "
                        f"BEGIN INSERT INTO {DIRTY} (name, key) VALUES ('{table.name}', {key}); END"
                    )

    def forget(self, tables: Iterable[Table]) -> None:
        """Drop the triggers, then the record."""
        with self.writing():
            for table in tables:
                for event in ("insert", "update", "delete"):
                    self.query(f"DROP TRIGGER IF EXISTS {DIRTY}_{table.name}_{event}")
            self.query(f"DROP TABLE IF EXISTS {DIRTY}")

    def clean(self, entries: Sequence[Dirty]) -> None:
        """Remove everything up to the last entry: there is one writer, so none is missing below."""
        self.query(f"DELETE FROM {DIRTY} WHERE id <= ?", (max(number for number, _, _ in entries),))

    @contextmanager
    def held(self, seconds: float) -> Iterator[None]:
        """Hold the file's lock, for which all writers of all processes wait."""
        del seconds
        with self._transaction():
            self.is_held = True
            try:
                yield
            finally:
                self.is_held = False

    def refuse(self) -> None:
        """Let the record refuse entries, and with them the writes."""
        self.query(
            f"CREATE TRIGGER {DIRTY}_refuse BEFORE INSERT ON {DIRTY} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        )

    def retire(self) -> None:
        """Mark the file as read-only."""
        if self.path.exists():
            self.close()
            self.path.chmod(0o444)

    # -- a target -------------------------------------------------------------------------------------------------

    def problems(self, needed_bytes: int) -> list[str]:
        """Look for rights and space."""
        folder = next(parent for parent in self.path.parents if parent.exists())
        free = shutil.disk_usage(folder).free
        if free < 2 * needed_bytes:
            return [f"{folder} has {free:,} bytes free, of which the move needs {2 * needed_bytes:,}: make room"]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            probe = self.path.with_name(f".{self.path.name}.probe")
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            return [f"{self.path.parent} can't be written: {error.strerror}"]
        return []

    def set_aside(self) -> None:
        """Give the file another name beside its own."""
        with file_lock(self.path):
            self.path.chmod(0o600)
            self.query("PRAGMA wal_checkpoint(TRUNCATE)")
            self.close()
            self.path.rename(self.path.with_name(f"{self.path.stem}-moved-{stamp()}{self.path.suffix}"))
            self._remove_rest()

    def clear(self) -> None:
        """Remove the file."""
        self.close()
        self.path.unlink(missing_ok=True)
        self._remove_rest()

    def _remove_rest(self) -> None:
        for suffix in ("-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def create_tables(self) -> None:
        """Create the tables; their foreign keys are not enforced on this connection."""
        dialect = ddl.dialect_of(self.engine)
        for table in ddl.tables(self.packages):
            self.query(str(sa.schema.CreateTable(table).compile(dialect=dialect)))

    def create_indexes(self, progress: Any) -> None:  # noqa: ANN401 -- a progress function
        """Create what is missing."""
        dialect = ddl.dialect_of(self.engine)
        known = {name for (name,) in self.query("SELECT name FROM sqlite_master")}
        indexes = [index for table in ddl.tables(self.packages) for index in table.indexes]
        for number, index in enumerate(indexes):
            if index.name not in known:
                with self.writing():
                    self.query(str(sa.schema.CreateIndex(index).compile(dialect=dialect)))
            progress(number + 1, len(indexes))
        if "search_index" not in known:
            with self.writing():
                for extra in self.early_extras():
                    self.query(extra.create)
                self.query(ddl.REFILL_SEARCH)

    def bind(self, tables: Sequence[Table]) -> None:
        """Create guards and views; SQLite counts by itself."""
        del tables
        for extra in self.late_extras():
            self.query(extra.create)

    def unbind(self) -> None:
        """Drop guards and views."""
        for extra in reversed(self.late_extras()):
            self.query(extra.drop(self.engine))

    def complete(self, progress: Any) -> None:  # noqa: ANN401 -- a progress function
        """Gather statistics."""
        del progress
        with self.writing():
            self.query("ANALYZE")

    def flush(self) -> None:
        """Bring everything into the file and onto the disk."""
        self.query("PRAGMA wal_checkpoint(TRUNCATE)")

    def insert(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows as they come."""
        marks = ", ".join("?" * len(table.columns))
        try:
            self.connection.executemany(f"INSERT INTO {table.name} ({table.names}) VALUES ({marks})", rows)
        except pysqlite3.Error as error:
            raise Unavailable(reason=f"{table.name}: {error}") from error

    def delete(self, table: Table, keys: Sequence[Key]) -> None:
        """Delete the rows."""
        for piece in batches(keys, PIECE):
            sql = f"DELETE FROM {table.name} WHERE {_listed(table, len(piece))}"
            self.query(sql, [value for key in piece for value in key])

    def index_written(self) -> None:
        """Index the search documents that were written."""
        if self.has("search_pending"):
            for statement in ddl.INDEX_SEARCH:
                self.query(statement)


def _listed(table: Table, count: int) -> str:
    one = f"({', '.join('?' * len(table.key))})"
    return f"({table.keys}) IN (VALUES {', '.join([one] * count)})"
