"""The table of a model: its columns, the constraints made from their rules, and its indexes."""

import sys
from collections.abc import Iterator
from operator import itemgetter
from typing import TYPE_CHECKING, Any, get_args

import sqlalchemy as sa
from sqlalchemy.orm import MappedColumn

from growbase.core.rule import Key, Rule

if TYPE_CHECKING:
    from growbase.core.model import Root

FINITE = sys.float_info.max
"""The largest number; JSON has no infinity, and PostgreSQL holds NaN to be larger still."""


def table_for(cls: "type[Root]") -> sa.Table:
    """Return a new table as a model's columns, ``__checks__`` and ``__indexes__`` declare it."""
    placed = list(_columns(cls))
    ordered = [column for _, column in sorted(placed, key=itemgetter(0))]
    declared = [column for _, column in placed]
    parts = (*ordered, *_constraints(cls, declared), *_indexes(cls, declared))
    made = sa.Table(cls.__tablename__, cls.metadata, *parts, sqlite_strict=True)
    assert made.primary_key.columns, f"{cls.__name__} declares no primary key"
    return made


def _columns(cls: "type[Root]") -> Iterator[tuple[int, sa.Column[Any]]]:
    """Yield place and column, the class's own first; each is new, for a base declares them once for many tables."""
    seen: set[str] = set()
    for base in cls.__mro__:
        for attribute, value in vars(base).items():
            if not isinstance(value, MappedColumn) or attribute in seen:
                continue
            seen.add(attribute)
            ((column, place),) = value.columns_to_assign
            is_optional = type(None) in get_args(get_args(vars(base)["__annotations__"][attribute])[0])
            yield (
                place,
                sa.Column(
                    column.name or attribute,
                    column.type,
                    *([column.identity] if column.identity else ()),
                    primary_key=column.primary_key,
                    autoincrement=column.autoincrement,
                    nullable=is_optional and not column.primary_key,
                    info={**column.info},
                ),
            )


def _constraints(cls: "type[Root]", columns: list[sa.Column[Any]]) -> Iterator[sa.schema.SchemaItem]:
    table = cls.__tablename__
    checked: set[str] = set()
    for column in columns:
        name, rule = column.name, column.info["rule"]
        check = _check_sql(name, rule)
        if check or rule.kind in {"boolean", "document"}:
            checked.add(name)
        if check:
            yield sa.CheckConstraint(check, name=name)
        if rule.kind == "boolean":
            yield sa.CheckConstraint(f"{name} IN (0, 1)", name=name).ddl_if(dialect="sqlite")
        if rule.kind == "document":
            yield sa.CheckConstraint(f"json_valid({name})", name=name).ddl_if(dialect="sqlite")
        if rule.member:
            whose = ["memberships.organization_id", "memberships.user_id"]
            yield sa.ForeignKeyConstraint(["organization_id", name], whose, name=f"fk_{table}_{name}")
        elif rule.target and rule.shared:
            yield sa.ForeignKeyConstraint([name], [f"{rule.target}.id"], name=f"fk_{table}_{name}")
        elif rule.target:
            theirs, own = [f"{rule.target}.organization_id", f"{rule.target}.id"], ["organization_id", name]
            yield sa.ForeignKeyConstraint(own, theirs, name=f"fk_{table}_{name}", use_alter=rule.closes)
    for name, check in cls.__checks__.items():
        assert name not in checked, f"the check {name} of {table} has the name of a column's own: call it otherwise"
        yield sa.CheckConstraint(check, name=name)


def _check_sql(name: str, rule: Rule) -> str:
    """Return the CHECK of a rule in SQL that both engines read the same; empty where the type says all."""
    terms = []
    if rule.kind == "text" and rule.max_length is not None:
        terms.append(f"length({name}) <= {rule.max_length}")
    if rule.kind == "text" and rule.min_length:
        terms.append(f"length({name}) >= {rule.min_length}")
    low, high = (-FINITE, FINITE) if rule.kind == "number" else (None, None)
    low, high = (low if rule.ge is None else rule.ge), (high if rule.le is None else rule.le)
    if low is not None:
        terms.append(f"{name} >= {low}")
    if high is not None:
        terms.append(f"{name} <= {high}")
    if rule.enum is not None:
        terms.append(f"{name} IN ({', '.join(repr(str(member.value)) for member in rule.enum)})")
    return " AND ".join(terms)


def _indexes(cls: "type[Root]", columns: list[sa.Column[Any]]) -> Iterator[sa.Index]:
    """Yield the declared indexes, then one for each reference and each column marked ``index`` that has none yet."""
    table, tenant = cls.__tablename__, cls.__scope__ if cls.__scope__ != "id" else None
    is_trashable = any(column.name == "deleted_at" for column in columns)
    prefixes = set()
    for key in cls.__indexes__:
        names = key.columns if key.across or not tenant or key.columns[0] == tenant else (tenant, *key.columns)
        live = key.unique and key.live and is_trashable
        where = " AND ".join(filter(None, ("deleted_at IS NULL" if live else "", key.where or "")))
        lead = names[: 2 if tenant else 1]
        if where in {"", f"{lead[-1]} IS NOT NULL"}:
            prefixes.add(lead)
        yield _index(table, names, key, where)
    for column in columns:
        name, rule = column.name, column.info["rule"]
        wanted = (rule.target or rule.index) and name != cls.__scope__
        names = (tenant, name, "id") if tenant else (name, "id")
        if wanted and names[: 2 if tenant else 1] not in prefixes:
            # A reference that is mostly empty should cost nothing where it is.
            sparse = rule.target and not rule.index and column.nullable
            yield _index(table, names, Key(names), f"{name} IS NOT NULL" if sparse else "")
    if is_trashable and tenant:
        yield _index(table, (tenant, "deleted_at", "id"), Key(("deleted_at",)), "deleted_at IS NOT NULL")
        yield _index(table, (tenant, "deletion_id"), Key(("deletion_id",)), "deletion_id IS NOT NULL")


def _index(table: str, columns: tuple[str, ...], key: Key, where: str) -> sa.Index:
    plain = [column.split("(")[-1].split(",")[0] for column in columns]
    named = [column for column in plain if column not in {"organization_id", "id"}] or plain
    name = f"{'uq' if key.unique else 'ix'}_{table}_{'_'.join(named)}"[:60]
    parts: list[Any] = [sa.text(column) if "(" in column or " " in column else column for column in columns]
    condition = sa.text(where) if where else None
    return sa.Index(
        name,
        *parts,
        unique=key.unique,
        sqlite_where=condition,
        postgresql_where=condition,
        info={"fields": tuple(column.removesuffix("_norm") for column in named)},
    )
