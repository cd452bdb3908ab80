"""The schema as the revisions declare it, found by running them on a recorder in place of a database."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import sqlalchemy as sa

from growbase.core import ddl
from growbase.core.config import Settings
from growbase.core.errors import ConfigError
from growbase.core.packages import package_folder
from growbase.ops.shapes import TableShape, column_shape, constraint_shape, index_shape, shape_of, type_source
from growbase.ops.source import unescaped

FOLDER = Path(__file__).parent.parent / "migrations"
"""Where Alembic's environment lives, with the revisions of the program's own tables in ``versions``."""


@dataclass(frozen=True, slots=True)
class History:
    """The revisions that make one package's tables: the program's, or those of a domain of one's own."""

    package: str
    folder: Path
    version_table: str

    @property
    def is_own(self) -> bool:
        """Whether the package is a domain of one's own."""
        return self.package not in ddl.PROGRAM

    def label(self, revision: str | None) -> str:
        """Return a revision's id as people read it: ``0003``, or ``loyalty 0003`` of a domain of one's own."""
        text = revision or "nothing"
        return f"{self.package} {text}" if self.is_own else text


CORE = History(ddl.PROGRAM[0], FOLDER / "versions", "alembic_version")
LONGEST_NAME = 63
"""Of a table on PostgreSQL, which cuts longer names off."""


def histories(settings: Settings) -> list[History]:
    """Return every history of a database, each after what it may refer to. Raises ConfigError."""
    return [CORE, *map(_own, settings.domains)]


def history_of(settings: Settings, package: str | None) -> History:
    """Return the history of a package, the program's own without one. Raises ConfigError."""
    known = histories(settings)
    for found in known:
        if found.package == (package or CORE.package):
            return found
    names = ", ".join(found.package for found in known)
    message = "There is no domain {package}, only {names}: add the package to GROWBASE_DOMAINS."
    raise ConfigError(message, package=package, names=names)


def _own(package: str) -> History:
    table = f"{CORE.version_table}_{package.replace('.', '_')}"[:LONGEST_NAME]
    return History(package, package_folder(package) / "migrations", table)


@dataclass(frozen=True, slots=True)
class Revision:
    """One file of the history; ids count up, so that names alone tell the order."""

    id: str
    name: str
    path: Path


@dataclass(slots=True)
class Declared:
    """Tables, and what is beside them for each engine."""

    tables: dict[str, TableShape] = field(default_factory=dict)
    extras: dict[str, tuple[ddl.Extra, ...]] = field(default_factory=lambda: dict.fromkeys(ddl.ENGINES, ()))


def revisions(history: History = CORE) -> list[Revision]:
    """List the revisions, oldest first, without importing anything."""
    paths = sorted(history.folder.glob("[0-9][0-9][0-9][0-9]_*.py"))
    return [Revision(path.stem[:4], path.stem[5:], path) for path in paths]


def after(revision: str | None, history: History = CORE) -> list[Revision]:
    """List the revisions newer than ``revision``; all of them if it is None."""
    return [found for found in revisions(history) if revision is None or found.id > revision]


def declared(history: History = CORE) -> Declared:
    """Return the schema that all revisions of a history together make."""
    result = Declared()
    for engine in ddl.ENGINES:
        recorder = _Recorder(engine)
        with _recording(recorder):
            for revision in revisions(history):
                load(revision.path).upgrade()
        result.extras[engine] = tuple(recorder.extras.values())
        if engine == "sqlite":
            result.tables = recorder.tables
        else:
            _mark_sqlite_only(result.tables, recorder.tables)
    return result


def load(path: Path) -> ModuleType:
    """Return a revision's module."""
    spec = spec_from_file_location(f"growbase_revision_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _mark_sqlite_only(tables: dict[str, TableShape], elsewhere: dict[str, TableShape]) -> None:
    """Mark the CHECKs that batches made on SQLite only."""
    for table in tables.values():
        for name, shape in table.constraints.items():
            if shape.kind == "Check" and name not in elsewhere[table.name].constraints:
                table.constraints[name] = replace(shape, sqlite_only=True)


@contextmanager
def _recording(recorder: "_Recorder") -> Iterator[None]:
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    options = {"as_sql": True, "output_buffer": io.StringIO()}
    context = MigrationContext.configure(dialect=ddl.dialect_of(recorder.engine), opts=options)
    recorder.dialect = context.dialect
    context.impl = recorder  # type: ignore[assignment]  # it answers the calls that revisions make
    with Operations.context(context):
        yield


class _Recorder:
    """What Alembic calls to change a schema, kept in memory."""

    __dialect__ = "default"
    connection = None

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.dialect = ddl.dialect_of(engine)
        self.tables: dict[str, TableShape] = {}
        self.extras: dict[tuple[str, str], ddl.Extra] = {}

    def requires_recreate_in_batch(self, batch: object) -> bool:
        """Take batches as single changes."""
        del batch
        return False

    def autogen_column_reflect(self, *_: object) -> None:
        """Reflect nothing: batches are given their tables."""

    def create_table(self, table: sa.Table, **_: object) -> None:
        """Keep a table."""
        self.tables[table.name] = shape_of(table)

    def drop_table(self, table: sa.Table, **_: object) -> None:
        """Forget a table and what is on it."""
        del self.tables[table.name]
        self.extras = {key: extra for key, extra in self.extras.items() if extra.table != table.name}

    def rename_table(self, name: str, new_name: str, **_: object) -> None:
        """Keep a table under its new name."""
        self.tables[new_name] = replace(self.tables.pop(name), name=new_name)

    def add_column(self, table: str, column: sa.Column[Any], **_: object) -> None:
        """Keep a column."""
        self.tables[table].columns[column.name] = column_shape(column)

    def drop_column(self, table: str, column: sa.Column[Any], **_: object) -> None:
        """Forget a column."""
        del self.tables[table].columns[column.name]

    def alter_column(
        self,
        table: str,
        column: str,
        *,
        nullable: bool | None = None,
        type_: sa.types.TypeEngine[Any] | None = None,
        name: str | None = None,
        **_: object,
    ) -> None:
        """Keep what changes about a column."""
        columns = self.tables[table].columns
        shape = columns.pop(column)
        if nullable is not None:
            shape = replace(shape, nullable=nullable)
        if type_ is not None:
            shape = replace(
                shape, type=type_source(type_), native=str(type_.compile(dialect=ddl.dialect_of("postgresql")))
            )
        columns[name or column] = replace(shape, name=name or column)

    def add_constraint(self, constraint: sa.schema.Constraint, **_: object) -> None:
        """Keep a constraint."""
        shape = constraint_shape(constraint)
        if shape is not None:
            self.tables[constraint.table.name].constraints[shape.name] = shape

    def drop_constraint(self, constraint: sa.schema.Constraint, **_: object) -> None:
        """Forget a constraint."""
        self.tables[constraint.table.name].constraints.pop(str(constraint.name), None)

    def create_index(self, index: sa.Index, **_: object) -> None:
        """Keep an index."""
        assert index.table is not None
        self.tables[index.table.name].indexes[str(index.name)] = index_shape(index)

    def drop_index(self, index: sa.Index, **_: object) -> None:
        """Forget an index."""
        assert index.table is not None
        self.tables[index.table.name].indexes.pop(str(index.name), None)

    def execute(self, statement: object, **_: object) -> None:
        """Keep what a statement creates beside the tables, forget what it drops."""
        text = unescaped(statement.text if isinstance(statement, sa.TextClause) else str(statement))
        if gone := ddl.dropped(text):
            self.extras.pop(gone, None)
        elif extra := ddl.Extra.parse(text):
            self.extras[extra.kind, extra.name] = extra

    def bulk_insert(self, *_: object, **__: object) -> None:
        """Ignore rows."""
