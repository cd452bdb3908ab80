"""The whole schema as SQL for each engine: the models' tables, and what tables alone can't say.

That is: triggers that keep the change log append-only, the full-text index and the views.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect

from growbase.core.model import Root, View, table_of
from growbase.core.search import terms_sql

PROGRAM = (__name__.partition(".")[0],)
"""The package of the program's own tables; a domain of one's own is a package beside it."""
Kind = Literal["function", "table", "index", "trigger", "view"]
KINDS: tuple[Kind, ...] = ("function", "table", "index", "trigger", "view")
"""In the order of creation."""
ENGINES = ("sqlite", "postgresql")
IGNORED_TABLES = ("alembic_version", "sqlite_", "_litestream_", "search_index_", "move_dirty")
"""Prefixes of tables that belong to tools or to the full-text index itself."""

_BETWEEN = ";\n\n"
"""What ends a statement of a script: inside of one no line is empty."""
_CREATE = re.compile(
    r"CREATE\s+(?:OR\s+REPLACE\s+|CONSTRAINT\s+|VIRTUAL\s+|UNIQUE\s+)*(FUNCTION|TABLE|INDEX|TRIGGER|VIEW)\s+(\w+)"
)
_ON = re.compile(r"\sON\s+(\w+)")
_DROP = re.compile(r"DROP\s+(FUNCTION|TABLE|INDEX|TRIGGER|VIEW)\s+(\w+)")


@dataclass(frozen=True, slots=True)
class Extra:
    """One object beside the tables; its kind, name and table are read from its CREATE statement."""

    kind: Kind
    name: str
    table: str | None
    create: str

    @classmethod
    def parse(cls, create: str) -> "Extra | None":
        """Read a CREATE statement; None if it creates nothing of the kinds there are."""
        create = create.strip()
        if not (found := _CREATE.match(create)):
            return None
        kind = next(kind for kind in KINDS if kind == found[1].lower())
        on = _ON.search(create, found.end()) if kind in {"trigger", "index"} else None
        return cls(kind, found[2], on[1] if on else None, create)

    def drop(self, engine: str) -> str:
        """Return the statement that drops it."""
        if engine == "postgresql" and self.kind == "trigger":
            return f"DROP TRIGGER {self.name} ON {self.table}"
        return f"DROP {self.kind.upper()} {self.name}{'()' if self.kind == 'function' else ''}"


def dropped(statement: str) -> tuple[str, str] | None:
    """Return kind and name of what a DROP statement drops, None for any other statement."""
    found = _DROP.match(statement.strip())
    return (found[1].lower(), found[2]) if found else None


_SQLITE = (
    """
CREATE VIRTUAL TABLE search_index USING fts5(
    words, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0'
)
""",
    # The writer indexes pending rows once a commit: FTS5 writes a segment at every savepoint it is touched in.
    """
CREATE TABLE search_pending (rid INTEGER PRIMARY KEY) STRICT
""",
    """
CREATE TRIGGER search_documents_insert AFTER INSERT ON search_documents BEGIN
    INSERT OR IGNORE INTO search_pending (rid) VALUES (new.rid);
END
""",
    """
CREATE TRIGGER search_documents_delete AFTER DELETE ON search_documents BEGIN
    INSERT OR IGNORE INTO search_pending (rid) VALUES (old.rid);
END
""",
    """
CREATE TRIGGER search_documents_update AFTER UPDATE ON search_documents BEGIN
    INSERT OR IGNORE INTO search_pending (rid) VALUES (new.rid);
END
""",
    """
CREATE TRIGGER changes_refuse_update BEFORE UPDATE ON changes BEGIN
    SELECT RAISE(ABORT, 'the change log is never changed');
END
""",
    # Retention inserts the fact, deletes old rows and removes the fact again, all in one transaction.
    """
CREATE TRIGGER changes_refuse_delete BEFORE DELETE ON changes
WHEN NOT EXISTS (SELECT 1 FROM instance_facts WHERE name = 'log_retention') BEGIN
    SELECT RAISE(ABORT, 'the change log is deleted by retention only');
END
""",
    """
CREATE TRIGGER seals_refuse_update BEFORE UPDATE ON seals BEGIN
    SELECT RAISE(ABORT, 'seals are never changed');
END
""",
    """
CREATE TRIGGER seals_refuse_delete BEFORE DELETE ON seals
WHEN NOT EXISTS (SELECT 1 FROM instance_facts WHERE name = 'log_retention') BEGIN
    SELECT RAISE(ABORT, 'seals are deleted by retention only');
END
""",
)

_POSTGRESQL = (
    # Retention calls set_config('growbase.retention', 'on', true) first: true ends it with the transaction.
    """
CREATE FUNCTION changes_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('growbase.retention', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the change log is append-only' USING ERRCODE = 'restrict_violation';
END
$$
""",
    """
CREATE TRIGGER changes_refuse BEFORE UPDATE OR DELETE ON changes
FOR EACH ROW EXECUTE FUNCTION changes_refuse()
""",
    """
CREATE TRIGGER changes_refuse_truncate BEFORE TRUNCATE ON changes
FOR EACH STATEMENT EXECUTE FUNCTION changes_refuse()
""",
    """
CREATE TRIGGER seals_refuse BEFORE UPDATE OR DELETE ON seals
FOR EACH ROW EXECUTE FUNCTION changes_refuse()
""",
    """
CREATE TRIGGER seals_refuse_truncate BEFORE TRUNCATE ON seals
FOR EACH STATEMENT EXECUTE FUNCTION changes_refuse()
""",
    f"""
CREATE INDEX ix_search_documents_words ON search_documents
USING gin (array_to_tsvector(string_to_array({terms_sql("postgresql")}, ' ')))
""",
)

_CORE = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}


_TERMS = terms_sql("sqlite", "d.")
_PENDING = f"SELECT d.rid, {_TERMS} FROM search_pending p JOIN search_documents d ON d.rid = p.rid"
INDEX_SEARCH = (
    "DELETE FROM search_index WHERE rowid IN (SELECT rid FROM search_pending)",
    f"INSERT INTO search_index (rowid, words) {_PENDING}",
    "DELETE FROM search_pending",
)
"""Brings SQLite's search index up to date; the writer runs it before it commits."""
REFILL_SEARCH = f"INSERT INTO search_index (rowid, words) SELECT d.rid, {_TERMS} FROM search_documents d"
"""Reads every search document into a search index that is new."""


def fill(table: str, column: str, value: str) -> str:
    """Return the statement by which a revision gives a new column its value in existing rows."""
    return f"UPDATE {table} SET {column} = {value}"


def total_check(table: str, group: str, column: str, total: int, where: str) -> tuple[str, str]:
    """Return a PostgreSQL constraint trigger: at commit ``column`` sums to ``total`` over each ``group`` of rows.

    ``where`` says which rows count; a group without any is right. Both columns are of an owned table. List the
    statements under ``postgresql`` in the model's ``__extras__``.
    """
    name = f"{table}_total"
    function = f"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed {table};
    total bigint;
BEGIN
    IF TG_OP = 'DELETE' THEN
        changed := OLD;
    ELSE
        changed := NEW;
    END IF;
    SELECT sum(t.{column}) INTO total FROM {table} AS t
    WHERE t.organization_id = changed.organization_id AND t.{group} = changed.{group} AND {where};
    IF total <> {total} THEN
        RAISE EXCEPTION 'the sum of {column} must be {total}'
        USING ERRCODE = 'check_violation', TABLE = '{table}', CONSTRAINT = 'ck_{table}_{column}';
    END IF;
    RETURN NULL;
END
$$
"""
    trigger = f"""
CREATE CONSTRAINT TRIGGER {name} AFTER INSERT OR UPDATE OR DELETE ON {table}
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {name}()
"""
    return function, trigger


def models(packages: Collection[str] = PROGRAM) -> list[type[Root]]:
    """Return the models of some packages' tables; ``wiring.catalog`` has loaded them."""
    # Tests declare models of their own, which are no part of the schema.
    prefixes = tuple(f"{package}." for package in packages)
    return [model for model in Root.models if model.__module__.startswith(prefixes)]


def tables(packages: Collection[str] = PROGRAM) -> list[sa.Table]:
    """Return the tables of the models by name."""
    found = [table_of(model) for model in models(packages) if not issubclass(model, View)]
    return sorted(found, key=lambda table: table.name)


def views(packages: Collection[str] = PROGRAM) -> dict[str, type[View]]:
    """Return the views by name, each after the views it reads."""
    found = {str(model.__tablename__): model for model in models(packages) if issubclass(model, View)}
    graph = {
        name: {
            other for other in found if other != name and re.search(rf"\b{other}\b", " ".join(model.__sql__.values()))
        }
        for name, model in sorted(found.items())
    }
    return {name: found[name] for name in TopologicalSorter(graph).static_order()}


def view_sql(model: type[View], engine: str) -> str:
    """Return the CREATE statement of a view."""
    select = model.__sql__.get(engine) or model.__sql__["*"]
    return f"CREATE VIEW {model.__tablename__} AS\n{select.strip().rstrip(';')}"


def extras(engine: str, packages: Collection[str] = PROGRAM) -> tuple[Extra, ...]:
    """Return everything beside the tables, in an order in which it can be created."""
    core = _CORE[engine] if PROGRAM[0] in packages else ()
    own = [sql for model in models(packages) for sql in getattr(model, "__extras__", {}).get(engine, ())]
    statements = [*core, *own, *(view_sql(model, engine) for model in views(packages).values())]
    return in_order(filter(None, map(Extra.parse, statements)))


def in_order(found: Iterable[Extra]) -> tuple[Extra, ...]:
    """Return extras sorted by the kinds' order of creation, otherwise as they come."""
    return tuple(sorted(found, key=lambda extra: KINDS.index(extra.kind)))


def dialect_of(engine: str) -> Dialect:
    """Return the dialect that writes the engine's DDL."""
    dialect: Dialect = postgresql.dialect() if engine == "postgresql" else sqlite.dialect()  # type: ignore[no-untyped-call]
    return dialect


def statements(engine: str, of: Iterable[sa.Table] | None = None, packages: Collection[str] = PROGRAM) -> Iterator[str]:
    """Yield the statements that make the schema on an empty database, tables before the rest."""
    dialect = dialect_of(engine)
    made = list(tables(packages) if of is None else of)
    for table, keys in sa.schema.sort_tables_and_constraints(made):  # type: ignore[no-untyped-call]
        if table is None:
            # Only these close a circle of references; SQLite has them in their tables.
            for key in sorted(keys, key=lambda key: str(key.name)) if engine == "postgresql" else ():
                made_later = sa.schema.AddConstraint(key, isolate_from_table=False)
                yield str(made_later.compile(dialect=dialect)).strip()
            continue
        inline = keys if engine == "postgresql" else None
        yield str(sa.schema.CreateTable(table, include_foreign_key_constraints=inline).compile(dialect=dialect)).strip()
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            yield str(sa.schema.CreateIndex(index).compile(dialect=dialect)).strip()
    if of is None:
        yield from (extra.create for extra in extras(engine, packages))


def script(engine: str, at: str, packages: Collection[str] = PROGRAM) -> str:
    """Return the schema, which the revisions up to ``at`` make, as a script: ``migrations/schema.<engine>.sql``."""
    title = "SQLite" if engine == "sqlite" else "PostgreSQL"
    head = f"-- Growbase's schema on {title} at {at}, written by `growbase db schema`. Migrations make the same."
    tidied = (re.sub(r"[ \t]+$", "", sql, flags=re.MULTILINE) for sql in statements(engine, packages=packages))
    return f"{head}\n\n{joined(tidied)}"


def joined(found: Iterable[str]) -> str:
    """Return statements as one script."""
    return f"{_BETWEEN.join(found)};\n"


def parted(written: str) -> list[str]:
    """Return the statements of a script that ``joined`` has made."""
    return written.rstrip(";\n").split(_BETWEEN)
