"""What a statement of a migration does to a database in use: what it locks, loses, and what older versions can't stand.

Alembic hands every statement over before it writes it, as the object it is made from: nothing here parses SQL but what
a revision runs as text.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from alembic.ddl import base
from sqlalchemy.sql import ddl as schema

REBUILT = "_alembic_tmp_"
"""Prefix of the table into which SQLite's rows are copied where it can't alter one in place."""
_DATA = re.compile(r"\s*(UPDATE|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?)\s+\"?(\w+)", re.IGNORECASE)
_STRUCTURE = re.compile(r"\s*(ALTER|DROP)\s+TABLE\s+(?:IF\s+EXISTS\s+)?\"?(\w+)", re.IGNORECASE)
_ADDS_COLUMN = re.compile(r"\bADD\s+COLUMN\s+\"?(\w+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing a statement does to a table that was there before.

    ``waits``: others wait for as long as the table is large. ``loses``: values are gone afterwards. ``contracts``: a
    program of the version before fails on the new schema.
    """

    table: str
    text: str
    waits: bool = False
    loses: bool = False
    contracts: bool = False


@dataclass(slots=True)
class Seen:
    """What the statements before have made: on new tables nobody waits, and to new columns nobody writes yet."""

    engine: str
    tables: set[str] = field(default_factory=set)
    columns: set[tuple[str, str]] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)
    rebuilding: dict[str, sa.Table] = field(default_factory=dict)
    rebuilt: set[str] = field(default_factory=set)


def effects_of(statement: Any, seen: Seen) -> list[Effect]:  # noqa: ANN401 -- whatever Alembic runs
    """Return what a statement does to the tables that were there before the first statement."""
    found = [one for kind, judge in _JUDGES if isinstance(statement, kind) for one in judge(statement, seen)]
    return [one for one in found if one.table not in seen.tables]


def _create_table(statement: schema.CreateTable, seen: Seen) -> Iterator[Effect]:
    table = statement.element
    if not table.name.startswith(REBUILT):
        seen.tables.add(table.name)
        return
    name = table.name.removeprefix(REBUILT)
    seen.rebuilding[name] = table
    seen.rebuilt.add(name)
    yield Effect(name, "is copied into a new table while all writers wait", waits=True)


def _drop_table(statement: schema.DropTable, seen: Seen) -> Iterator[Effect]:
    name = statement.element.name
    new = seen.rebuilding.pop(name, None)
    if new is None:
        yield Effect(name, "is dropped with its rows", loses=True, contracts=True)
        return
    for column in sorted({*statement.element.columns.keys()} - {*new.columns.keys()}):
        yield Effect(name, f"loses the values of {column}", loses=True, contracts=True)


def _rename(statement: base.RenameTable, seen: Seen) -> Iterator[Effect]:
    if statement.table_name.startswith(REBUILT):
        return
    yield Effect(statement.table_name, f"is renamed to {statement.new_table_name}", contracts=True)
    if statement.table_name in seen.tables:
        seen.tables.add(str(statement.new_table_name))


def _add_column(statement: base.AddColumn, seen: Seen) -> Iterator[Effect]:
    table, column = statement.table_name, statement.column
    seen.columns.add((table, column.name))
    default = column.server_default
    if not column.nullable and default is None:
        yield Effect(table, f"gets {column.name}, which needs a value in rows that are there", contracts=True)
    # PostgreSQL keeps a constant beside the table; anything else is computed for every row.
    text = str(getattr(default, "arg", ""))
    if seen.engine == "postgresql" and (isinstance(default, sa.Identity | sa.Computed) or "(" in text):
        yield Effect(table, f"is rewritten to compute {column.name} while nobody reads or writes it", waits=True)


def _drop_column(statement: base.DropColumn, _: Seen) -> Iterator[Effect]:
    yield Effect(
        statement.table_name, f"loses the column {statement.column.name} with its values", loses=True, contracts=True
    )


def _alter_column(statement: base.AlterColumn, seen: Seen) -> Iterator[Effect]:
    table, column = statement.table_name, statement.column_name
    is_new = (table, column) in seen.columns
    if isinstance(statement, base.ColumnName):
        yield Effect(table, f"has {column} renamed to {statement.newname}", contracts=True)
    elif isinstance(statement, base.ColumnNullable):
        if not statement.nullable:
            yield Effect(table, f"is read whole to require {column} while nobody reads or writes it", waits=True)
            yield Effect(table, f"requires {column}, which the version before may leave out", contracts=True)
    elif hasattr(statement, "type_"):
        text = f"is rewritten to change the type of {column} while nobody reads or writes it"
        yield Effect(table, text, waits=True, contracts=not is_new)


def _add_constraint(statement: schema.AddConstraint, seen: Seen) -> Iterator[Effect]:
    constraint = statement.element
    table = constraint.table.name
    is_later = constraint.dialect_options["postgresql"].get("not_valid", False)
    if isinstance(constraint, sa.ForeignKeyConstraint):
        other = constraint.elements[0].target_fullname.rpartition(".")[0]
        if not is_later:
            yield Effect(table, f"is checked for {constraint.name} while writers of it and of {other} wait", waits=True)
    elif isinstance(constraint, sa.CheckConstraint):
        if not is_later:
            yield Effect(table, f"is checked for {constraint.name} while nobody reads or writes it", waits=True)
    else:
        yield Effect(table, f"is indexed for {constraint.name} while nobody reads or writes it", waits=True)
    text = str(constraint.sqltext) if isinstance(constraint, sa.CheckConstraint) else ""
    names = set(re.findall(r"\w+", text)) & {name for owner, name in seen.columns if owner == table}
    columns = {column.name for column in getattr(constraint, "columns", ())} | names
    if str(constraint.name) not in seen.dropped and not _is_unknown(table, columns, seen):
        yield Effect(
            table, f"refuses what {constraint.name} forbids, which the version before may write", contracts=True
        )


def _drop_constraint(statement: schema.DropConstraint, seen: Seen) -> Iterator[Effect]:
    seen.dropped.add(str(statement.element.name))
    yield from ()


def _create_index(statement: schema.CreateIndex, seen: Seen) -> Iterator[Effect]:
    index = statement.element
    assert index.table is not None
    table = index.table.name
    if table in seen.rebuilt or table.startswith(REBUILT):
        return
    if not index.dialect_options["postgresql"].get("concurrently"):
        yield Effect(table, f"is indexed by {index.name} while its writers wait", waits=True)
    columns = {getattr(column, "name", "") for column in index.expressions}
    if index.unique and str(index.name) not in seen.dropped and not _is_unknown(table, columns, seen):
        text = f"refuses what is twice in {index.name}, which the version before may write"
        yield Effect(table, text, contracts=True)


def _drop_index(statement: schema.DropIndex, seen: Seen) -> Iterator[Effect]:
    seen.dropped.add(str(statement.element.name))
    yield from ()


def _text(statement: str | sa.TextClause, seen: Seen) -> Iterator[Effect]:
    text = statement if isinstance(statement, str) else statement.text
    if found := _DATA.match(text):
        verb, table = found[1].split()[0].upper(), found[2]
        if verb == "UPDATE":
            yield Effect(table, "has rows changed, which stay locked until the migration ends", waits=True)
        else:
            yield Effect(table, "has rows deleted", loses=True)
    elif found := _STRUCTURE.match(text):
        if found[1].upper() == "DROP":
            yield Effect(found[2], "is dropped with its rows", loses=True, contracts=True)
        elif column := _ADDS_COLUMN.search(text):
            seen.columns.add((found[2], column[1]))
        else:
            yield Effect(found[2], "is altered by a statement of the revision's own: read it", waits=True)
    elif created := re.match(r"\s*CREATE\s+TABLE\s+\"?(\w+)", text, re.IGNORECASE):
        seen.tables.add(created[1])
    yield from ()


def _is_unknown(table: str, columns: set[str], seen: Seen) -> bool:
    """Return whether one of the columns is new: programs of the version before leave it at its default."""
    return any((table, column) in seen.columns for column in columns)


_JUDGES: tuple[tuple[type[Any], Callable[[Any, Seen], Iterator[Effect]]], ...] = (
    (schema.CreateTable, _create_table),
    (schema.DropTable, _drop_table),
    (base.RenameTable, _rename),
    (base.AddColumn, _add_column),
    (base.DropColumn, _drop_column),
    (base.AlterColumn, _alter_column),
    (schema.AddConstraint, _add_constraint),
    (schema.DropConstraint, _drop_constraint),
    (schema.CreateIndex, _create_index),
    (schema.DropIndex, _drop_index),
    (str, _text),
    (sa.TextClause, _text),
)
