"""SQL text of the hot path, built once per shape from the models' tables and cached.

The drivers run these strings as they are: a SQLAlchemy execution costs four times as much as the statement itself.
Identifiers come from table definitions only, values are always bound.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from itertools import chain
from typing import Any, cast

import sqlalchemy as sa

from growbase.core.model import Root, Rule, rule_of, table_of
from growbase.core.types import ColumnType, Convert, Identifier, Moment, moment_text

SQLITE = "sqlite"
POSTGRESQL = "postgresql"

Columns = Mapping[str, Sequence[Any]]
"""Values by column, of one length."""

SEALED = "[sealed]"
"""What the log holds instead of a secret, and of what the API hides, such as the hash of a password."""

_UNLOGGED = frozenset({"id", "created_at", "created_by", "updated_at", "updated_by", "version"})


def mark(engine: str) -> str:
    """Return the placeholder of the engine's driver."""
    return "%s" if engine == POSTGRESQL else "?"


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One column as the statements need it."""

    name: str
    rule: Rule
    type: ColumnType
    bind: Convert | None
    read: Convert | None
    json: str
    nullable: bool
    show: Convert

    def shown(self, value: object) -> object:
        """Return a value as the log and the API show it."""
        return None if value is None else self.show(value)

    def bound(self, value: object) -> object:
        """Return a Python value as the driver takes it."""
        return value if value is None or self.bind is None else self.bind(value)

    def bound_all(self, values: Sequence[Any]) -> Sequence[Any]:
        """Return a column's values as the driver takes them; what is no document may be the text it is stored as."""
        bind = self.bind
        if bind is None:
            return values
        is_document, last, last_bound, found = self.rule.kind == "document", None, None, []
        for value in values:
            if value is None or (type(value) is str and not is_document):
                found.append(value)
                continue
            # Tenants and times are mostly one object in every row.
            if value is not last:
                last, last_bound = value, "{}" if is_document and value == {} else bind(value)
            found.append(last_bound)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A model's columns and scope, prepared for one engine."""

    model: type[Root]
    table: str
    engine: str
    fields: dict[str, Field]
    scope: str | None
    personal: str | None
    trashable: bool
    logged: bool
    versioned: bool
    columns: str
    readers: tuple[tuple[str, Convert | None], ...]
    norms: dict[str, str]
    secrets: dict[str, str]
    defaults: dict[str, Callable[[], object]]
    references: tuple[Field, ...]
    subject: str | None
    private: frozenset[str]
    """Columns whose values the log seals under the key of their person, which the column ``subject`` names."""
    kept: dict[str, Convert]
    """How the change row of a new row shows what the row's own key and times don't say already."""

    def stored(self, rows: Sequence[Mapping[str, Any]]) -> "Columns":
        """Return rows by column as the driver takes them; a missing value is NULL."""
        names = dict.fromkeys(chain.from_iterable(rows))
        return {name: self.fields[name].bound_all([row.get(name) for row in rows]) for name in names}

    def personal_term(self) -> str:
        """Return the term that keeps a statement to the rows one user sees; its parameter is the user's id."""
        own = f"t.{self.personal} = {mark(self.engine)}"
        shared = self.personal is not None and self.fields[self.personal].nullable
        return f"({own} OR t.{self.personal} IS NULL)" if shared else own

    def instance(self, row: tuple[Any, ...]) -> Root:
        """Return a read-only instance of the model holding a row of ``columns``."""
        found = self.model.__new__(self.model)
        values = found.__dict__
        for (name, read), value in zip(self.readers, row, strict=True):
            values[name] = value if read is None or value is None else read(value)
        return found


def _default(rule: Rule) -> Callable[[], object] | None:
    if rule.default is None:
        return None
    if callable(rule.default):
        return rule.default
    value = rule.default
    return lambda: value


@cache
def plan_of(model: type[Root], engine: str) -> Plan:
    """Return the plan of a model on an engine."""
    table = table_of(model)
    fields = {column.name: _field(column, engine) for column in table.columns}
    defaults = {name: default for name, field in fields.items() if (default := _default(field.rule))}
    return Plan(
        model=model,
        table=str(table.name),  # SQLAlchemy's kind of text takes drivers long to bind
        engine=engine,
        fields=fields,
        scope=model.__scope__,
        personal=model.__personal__,
        trashable="deleted_at" in fields,
        logged=model.__logged__,
        versioned={"version", "updated_at"} <= fields.keys(),
        columns=", ".join(fields),
        readers=tuple((field.name, field.read) for field in fields.values()),
        norms={field.rule.norm_of: name for name, field in fields.items() if field.rule.norm_of},
        secrets={name.removesuffix("_cipher"): name for name, field in fields.items() if field.rule.kind == "secret"},
        defaults=defaults,
        references=tuple(field for name, field in fields.items() if field.rule.target and name != model.__scope__),
        subject=model.__subject__.of if model.__subject__ else None,
        private=frozenset(name for name, field in fields.items() if field.rule.personal and not field.rule.hidden),
        kept={
            name: field.show
            for name, field in fields.items()
            if name not in _UNLOGGED and name != model.__scope__ and not field.rule.norm_of
        },
    )


def _field(column: sa.Column[Any], engine: str) -> Field:
    column_type = cast("ColumnType", column.type)
    return Field(
        name=column.name,
        rule=rule_of(column),
        type=column_type,
        bind=column_type.binder(engine),
        read=column_type.reader(engine),
        json=column_type.json_sql(engine, f"t.{column.name}"),
        nullable=bool(column.nullable),
        show=_show(column),
    )


def _show(column: sa.Column[Any]) -> Convert:
    rule = rule_of(column)
    if rule.kind == "secret" or rule.hidden:
        return _sealed
    if isinstance(column.type, Identifier):
        return str
    if isinstance(column.type, Moment):
        return moment_text
    return date.isoformat if rule.kind == "day" else _same


def _sealed(_: object) -> object:
    return SEALED


def _same(value: object) -> object:
    return value


@lru_cache(maxsize=4096)
def insert_sql(plan: Plan, names: tuple[str, ...], *, ignore: bool = False) -> str:
    """Return ``INSERT`` of the columns ``names``; ``ignore`` leaves out rows that break a unique key."""
    marks = ", ".join([mark(plan.engine)] * len(names))
    tail = " ON CONFLICT DO NOTHING" if ignore else ""
    return f"INSERT INTO {plan.table} ({', '.join(names)}) VALUES ({marks}){tail}"


@lru_cache(maxsize=4096)
def update_sql(plan: Plan, names: tuple[str, ...], keys: tuple[str, ...]) -> str:
    """Return ``UPDATE`` of the columns ``names`` where the columns ``keys`` have given values."""
    sign = mark(plan.engine)
    sets = ", ".join(f"{name} = {sign}" for name in names)
    return f"UPDATE {plan.table} SET {sets} WHERE {' AND '.join(f'{key} = {sign}' for key in keys)}"


@lru_cache(maxsize=4096)
def delete_sql(plan: Plan, keys: tuple[str, ...]) -> str:
    """Return ``DELETE`` where the columns ``keys`` have given values."""
    sign = mark(plan.engine)
    return f"DELETE FROM {plan.table} WHERE {' AND '.join(f'{key} = {sign}' for key in keys)}"


@lru_cache(maxsize=4096)
def select_sql(plan: Plan, what: str, terms: tuple[str, ...], tail: str = "") -> str:
    """Return ``SELECT what`` where all ``terms`` hold."""
    where = f" WHERE {' AND '.join(terms)}" if terms else ""
    return f"SELECT {what} FROM {plan.table} t{where}{tail}"


def quarter_sql(engine: str, column: str) -> str:
    """Return the quarter of an hour in which a moment lies: no time zone's day begins within one."""
    if engine == POSTGRESQL:
        return f"date_bin('15 minutes', {column}, '2000-01-01T00:00:00Z')"
    return f"substr({column}, 1, 14) || printf('%02d', substr({column}, 15, 2) / 15 * 15)"


def quarter_moment(value: datetime | str) -> datetime:
    """Return a value of ``quarter_sql`` as a moment."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value).replace(tzinfo=UTC)


def equality(plan: Plan, name: str, value: object) -> tuple[str, tuple[object, ...]]:
    """Return the term and parameters of ``column = value``, ``IS NULL`` for None and ``IN`` for a collection."""
    field = plan.fields[name]
    if value is None:
        return f"t.{name} IS NULL", ()
    sign = mark(plan.engine)
    if isinstance(value, list | tuple | set | frozenset):
        values = tuple(field.bound(item) for item in value)
        if not values:
            return "1 = 0", ()
        if plan.engine == POSTGRESQL:
            return f"t.{name} = ANY({sign})", (list(values),)
        return f"t.{name} IN ({', '.join([sign] * len(values))})", values
    return f"t.{name} = {sign}", (field.bound(value),)


def lock_tail(engine: str, *, lock: bool, share: bool = False) -> str:
    """Return the row lock clause; SQLite's one writer needs none."""
    if engine != POSTGRESQL:
        return ""
    return " FOR UPDATE OF t" if lock else " FOR SHARE OF t" if share else ""
