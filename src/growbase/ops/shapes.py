"""Tables as a revision writes them, so that models and earlier revisions can be compared word by word."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from growbase.core import ddl
from growbase.core.model import Rule
from growbase.core.types import Choice, ColumnType, compact_json
from growbase.ops.source import Call, Node, call, listed, quoted


@dataclass(frozen=True, slots=True)
class ColumnShape:
    """A column; ``fill`` is the SQL value that rows from before it get, None where only a person can say.

    Of an integer that alone is the primary key the database makes a counter, unless ``is_counted`` is off.
    """

    name: str
    type: str
    nullable: bool
    more: tuple[str, ...] = ()
    fill: str | None = field(default=None, compare=False)
    native: str = field(default="", compare=False)
    is_counted: bool = field(default=True, compare=False)

    def source(self, *, nullable: bool | None = None) -> Call:
        """Return ``sa.Column(...)``."""
        flag = self.nullable if nullable is None else nullable
        keywords: dict[str, Node] = {"nullable": str(flag)}
        if not self.is_counted:
            keywords["autoincrement"] = "False"
        return call("sa.Column", quoted(self.name), self.type, *self.more, **keywords)


@dataclass(frozen=True, slots=True)
class ConstraintShape:
    """A named constraint; some CHECKs stand in for types that only SQLite lacks."""

    kind: str
    name: str
    arguments: tuple[Node, ...]
    sqlite_only: bool = False

    def source(self, *, use_alter: bool = False) -> Call:
        """Return ``sa.CheckConstraint(...)`` and the like."""
        keywords: dict[str, Node] = {"name": quoted(self.name)}
        if use_alter:
            keywords["use_alter"] = "True"
        made = call(f"sa.{self.kind}Constraint", *self.arguments, **keywords)
        return replace(made, tail='.ddl_if(dialect="sqlite")') if self.sqlite_only else made


@dataclass(frozen=True, slots=True)
class IndexShape:
    """An index, partial if ``where`` says so."""

    name: str
    columns: tuple[str, ...]
    unique: bool
    where: str

    def keywords(self) -> dict[str, Node]:
        """Return the keyword arguments of ``sa.Index`` and ``op.create_index``."""
        found: dict[str, Node] = {"unique": "True"} if self.unique else {}
        if self.where:
            condition = call("sa.text", quoted(self.where))
            found |= {"sqlite_where": condition, "postgresql_where": condition}
        return found


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table with everything that is created with it."""

    name: str
    columns: dict[str, ColumnShape]
    constraints: dict[str, ConstraintShape]
    indexes: dict[str, IndexShape]
    options: dict[str, str]

    @property
    def targets(self) -> set[str]:
        """The tables its foreign keys refer to."""
        keys = [shape for shape in self.constraints.values() if shape.kind == "ForeignKey"]
        return {flat_target(shape) for shape in keys} - {self.name}


def flat_target(key: ConstraintShape) -> str:
    """Return the table a foreign key refers to."""
    remote = key.arguments[1]
    assert isinstance(remote, Call)
    return str(remote.arguments[0]).strip('"').partition(".")[0]


def shape_of(table: sa.Table) -> TableShape:
    """Return the shape of a table, of a model or of a revision."""
    return TableShape(
        name=table.name,
        columns={column.name: column_shape(column) for column in table.columns},
        constraints={
            shape.name: shape
            for shape in sorted(_constraints(table), key=lambda shape: (shape.kind != "PrimaryKey", shape.name))
        },
        indexes=dict(sorted((str(index.name), index_shape(index)) for index in table.indexes)),
        options={key: repr(value) for key, value in table.dialect_kwargs.items()},
    )


def column_shape(column: sa.Column[Any]) -> ColumnShape:
    """Return the shape of a column."""
    more: tuple[str, ...] = ("sa.Identity()",) if column.identity is not None else ()
    if column.server_default is not None and column.identity is None:
        more += (f"server_default={_expression(column.server_default.arg)}",)  # type: ignore[attr-defined]
    native = str(column.type.compile(dialect=ddl.dialect_of("postgresql")))
    # A key whose database counts it up is never null, however a model says it.
    nullable = bool(column.nullable) and not column.primary_key
    return ColumnShape(
        column.name, type_source(column.type), nullable, more, _fill(column), native, column.autoincrement is not False
    )


def type_source(column_type: sa.types.TypeEngine[Any]) -> str:
    """Return the source of a type; an enumeration is text whose CHECK holds the list."""
    if isinstance(column_type, Choice):
        return "types.Text()"
    if isinstance(column_type, ColumnType):
        return f"types.{column_type!r}"
    return f"sa.{column_type!r}"


def _constraints(table: sa.Table) -> Iterable[ConstraintShape]:
    for constraint in table.constraints:
        shape = constraint_shape(constraint)
        if shape is not None:
            yield shape


def constraint_shape(constraint: sa.schema.Constraint) -> ConstraintShape | None:
    """Return the shape of a constraint, None for an empty primary key."""
    only = getattr(constraint, "_ddl_if", None) is not None
    if isinstance(constraint, sa.CheckConstraint):
        return ConstraintShape("Check", _final_name(constraint), (quoted(_sql(constraint.sqltext)),), only)
    if isinstance(constraint, sa.ForeignKeyConstraint):
        local = listed(quoted(name) for name in constraint.column_keys)
        remote = listed(quoted(element.target_fullname) for element in constraint.elements)
        return ConstraintShape("ForeignKey", _final_name(constraint), (local, remote))
    if isinstance(constraint, sa.PrimaryKeyConstraint | sa.UniqueConstraint):
        kind = "PrimaryKey" if isinstance(constraint, sa.PrimaryKeyConstraint) else "Unique"
        columns = tuple(quoted(column.name) for column in constraint.columns)
        return ConstraintShape(kind, _final_name(constraint), columns) if columns else None
    message = f"a revision can't write a {type(constraint).__name__}"
    raise TypeError(message)


def index_shape(index: sa.Index) -> IndexShape:
    """Return the shape of an index."""
    columns = tuple(_index_term(term) for term in index.expressions)
    where = index.dialect_options["sqlite"]["where"]
    return IndexShape(str(index.name), columns, bool(index.unique), "" if where is None else _sql(where))


def _index_term(term: Any) -> str:  # noqa: ANN401 -- a column or any SQL expression
    if isinstance(term, sa.Column):
        return quoted(term.name)
    return f"sa.text({quoted(_sql(term))})"


def _sql(expression: Any) -> str:  # noqa: ANN401 -- any SQL expression
    if isinstance(expression, sa.TextClause):
        return expression.text
    literal = {"literal_binds": True, "include_table": False}
    return str(expression.compile(dialect=ddl.dialect_of("postgresql"), compile_kwargs=literal))


def _expression(default: Any) -> str:  # noqa: ANN401 -- a string or any SQL expression
    return quoted(default) if isinstance(default, str) else f"sa.text({quoted(_sql(default))})"


def _final_name(constraint: sa.schema.Constraint) -> str:
    """Return the name the database sees. PostgreSQL's limit counts on both engines, or they would differ."""
    preparer = ddl.dialect_of("postgresql").identifier_preparer
    name = preparer.format_constraint(constraint)
    if not name:
        message = f"a constraint of {constraint.table.name} has no name: Alembic would lose it"
        raise ValueError(message)
    return str(name).strip('"')


def _fill(column: sa.Column[Any]) -> str | None:
    """Return the SQL value a new required column gets in existing rows."""
    rule: Rule | None = column.info.get("rule")
    if rule is None or rule.default is None or rule.kind == "moment":
        return None
    return literal(rule.default() if callable(rule.default) else rule.default)


def literal(value: object) -> str | None:
    """Return a value as SQL that both engines read the same; None where there is no such form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, dict | list):
        return literal(compact_json(value))
    if isinstance(value, str | StrEnum):
        text = str(value).replace("'", "''")
        return f"'{text}'"
    return None
