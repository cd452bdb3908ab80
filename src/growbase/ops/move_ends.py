"""The two ends of a move, in one vocabulary: a source records what is written on it, a target takes rows."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from growbase.core import ddl
from growbase.core.config import Settings
from growbase.core.gate import FACT, LOG_BASE
from growbase.ops.move_rows import DIRTY, FACTS, MARK, OWN_FACTS, Key, Row, Table

Dirty = tuple[int, str, str]
"""Number of the entry, table, and key as JSON."""
REFUSAL = "the data of this database have moved: see the file database in the data folder"


class End(ABC):
    """One end of a move: its database, over connections of its own."""

    engine: str
    mark: str

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.packages = (*ddl.PROGRAM, *settings.domains)
        self.is_held = False

    @abstractmethod
    def query(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        """Run a statement and return its rows, if it gives any."""

    @abstractmethod
    def close(self) -> None:
        """Close the connections."""

    @abstractmethod
    def size(self) -> int:
        """Return the size of the database in bytes."""

    @abstractmethod
    def has(self, table: str) -> bool:
        """Return whether a table exists."""

    # -- rows -----------------------------------------------------------------------------------------------------

    @abstractmethod
    def rows(self, table: Table, after: Key | None, limit: int | None, upto: Key | None = None) -> list[Row]:
        """Return rows in key order, from behind ``after`` up to and with ``upto``."""

    @abstractmethod
    def by_key(self, table: Table, keys: Sequence[Key]) -> list[Row]:
        """Return the rows that have these keys."""

    def last_key(self, table: Table) -> Key | None:
        """Return the greatest key."""
        # By its table: a bare name would be the selected text, for which there is no index.
        order = ", ".join(f"{table.name}.{name} DESC" for name in table.key)
        found = self.query(f"SELECT {self.keys_of(table)} FROM {table.name} ORDER BY {order} LIMIT 1")
        return tuple(found[0]) if found else None

    @abstractmethod
    def keys_of(self, table: Table) -> str:
        """Return the key's columns as they are selected."""

    def count(self, table: Table) -> int:
        """Count the rows."""
        return int(self.query(f"SELECT count(*) FROM {table.name}")[0][0])

    @abstractmethod
    def writing(self) -> Any:  # noqa: ANN401 -- a context manager
        """Give a transaction that writes; while the writes are held, the one that holds them."""

    @abstractmethod
    def snapshot(self) -> Any:  # noqa: ANN401 -- the same
        """Let all reads of the block see one state."""

    # -- a source -------------------------------------------------------------------------------------------------

    @abstractmethod
    def record(self, tables: Iterable[Table]) -> None:
        """Begin to record the keys of written rows; what is recorded already stays."""

    @abstractmethod
    def forget(self, tables: Iterable[Table]) -> None:
        """End recording and drop the record."""

    @abstractmethod
    def clean(self, entries: Sequence[Dirty]) -> None:
        """Remove entries that are done."""

    @abstractmethod
    def held(self, seconds: float) -> Any:  # noqa: ANN401 -- the same
        """Make all other writes wait while the block runs in one transaction. Raises TimeoutError."""

    @abstractmethod
    def refuse(self) -> None:
        """Let everybody's writes into recorded tables fail from the end of this transaction on."""

    def dirty(self) -> list[Dirty]:
        """Return what is recorded, oldest first."""
        return [(int(number), name, key) for number, name, key in self.query(f"SELECT id, name, key FROM {DIRTY}")]

    def log_end(self) -> int:
        """Return the number above which a new database's log positions have to begin."""
        base, seq, tx = self.query(
            f"SELECT (SELECT value FROM {FACTS} WHERE name = '{LOG_BASE}'), "
            "(SELECT max(seq) FROM changes), (SELECT max(tx) FROM changes)"
        )[0]
        return max(int(base or 0), seq or 0, tx or 0)

    # -- facts ----------------------------------------------------------------------------------------------------

    def fact(self, name: str) -> str | None:
        """Return a fact of the instance."""
        found = self.query(f"SELECT value FROM {FACTS} WHERE name = {self.mark}", (name,))
        return str(found[0][0]) if found else None

    def set_fact(self, name: str, value: str | None) -> None:
        """Write a fact, or remove it."""
        self.query(f"DELETE FROM {FACTS} WHERE name = {self.mark}", (name,))
        if value is not None:
            self.query(f"INSERT INTO {FACTS} (name, value) VALUES ({self.mark}, {self.mark})", (name, value))

    def shared_facts(self) -> dict[str, str]:
        """Return the facts that move with the data."""
        return {name: value for name, value in self.query(f"SELECT name, value FROM {FACTS}") if name not in OWN_FACTS}

    def versions(self) -> dict[str, str]:
        """Return the revision of each history's table."""
        tables = [name for name in self.tables() if name.startswith("alembic_version")]
        found = {name: self.query(f'SELECT version_num FROM "{name}"') for name in tables}
        return {name: str(rows[0][0]) for name, rows in found.items() if rows}

    @abstractmethod
    def flush(self) -> None:
        """Make durable what was written."""

    @abstractmethod
    def retire(self) -> None:
        """Mark a source whose data have gone as not to be written."""

    @abstractmethod
    def tables(self) -> list[str]:
        """Return the names of all tables, of tools too."""

    # -- a target -------------------------------------------------------------------------------------------------

    @abstractmethod
    def problems(self, needed_bytes: int) -> list[str]:
        """Return what forbids that the data move here, but for what is in it already."""

    @abstractmethod
    def set_aside(self) -> None:
        """Make a database empty that an earlier move has left behind."""

    @abstractmethod
    def clear(self) -> None:
        """Remove everything an unfinished move has made here."""

    @abstractmethod
    def create_tables(self) -> None:
        """Create tables that hold their columns' rules only; what binds rows to each other comes later."""

    @abstractmethod
    def create_indexes(self, progress: Any) -> None:  # noqa: ANN401 -- a progress function
        """Create indexes and search, and what else takes long."""

    @abstractmethod
    def bind(self, tables: Sequence[Table]) -> None:
        """Create foreign keys, guards and views, and set counters; quickly."""

    @abstractmethod
    def unbind(self) -> None:
        """Undo ``bind``."""

    @abstractmethod
    def complete(self, progress: Any) -> None:  # noqa: ANN401 -- the same
        """Do what may be done after the switch, while the database is used."""

    @abstractmethod
    def insert(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows."""

    @abstractmethod
    def delete(self, table: Table, keys: Sequence[Key]) -> None:
        """Delete rows by their keys."""

    def index_written(self) -> None:
        """Bring search up to date with what was written."""
        return

    def marked(self) -> tuple[str, str] | None:
        """Return the unfinished move this target belongs to and how far it is, None without."""
        if not self.has(MARK):
            return None
        found = self.query(f"SELECT move, phase FROM {MARK}")
        return (str(found[0][0]), str(found[0][1])) if found else None

    def set_mark(self, move: str, phase: str) -> None:
        """Write which move this target belongs to and how far it is."""
        self.query(f"CREATE TABLE IF NOT EXISTS {MARK} (move TEXT NOT NULL, phase TEXT NOT NULL)")
        self.query(f"DELETE FROM {MARK}")
        self.query(f"INSERT INTO {MARK} (move, phase) VALUES ({self.mark}, {self.mark})", (move, phase))

    def unmark(self) -> None:
        """Remove the mark."""
        self.query(f"DROP TABLE IF EXISTS {MARK}")

    def copy_versions(self, versions: Mapping[str, str]) -> None:
        """Write the revisions the source is at."""
        for name, version in versions.items():
            self.query(f'CREATE TABLE "{name}" (version_num VARCHAR(32) NOT NULL, PRIMARY KEY (version_num))')
            self.query(f'INSERT INTO "{name}" (version_num) VALUES ({self.mark})', (version,))

    def late_extras(self) -> list[ddl.Extra]:
        """Return what guards rows and shows them: it comes last."""
        return [extra for extra in ddl.extras(self.engine, self.packages) if not is_early(extra)]

    def early_extras(self) -> list[ddl.Extra]:
        """Return what search needs."""
        return [extra for extra in ddl.extras(self.engine, self.packages) if is_early(extra)]

    def gate_text(self) -> str | None:
        """Return the gate's fact if there is a schema."""
        return self.fact(FACT) if self.has(FACTS) else None


def is_early(extra: ddl.Extra) -> bool:
    """Return whether an extra is made before the last rows come."""
    return extra.name.startswith("search_") or extra.kind == "index"


@contextmanager
def unchanged() -> Iterator[None]:
    """Do nothing: the transaction that holds the writes is open already."""
    yield
