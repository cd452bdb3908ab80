"""Declaring a table: base classes and column helpers whose rule holds in the database, the API and the docs alike."""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar, Literal, get_args
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, mapped_column

from growbase.core import types
from growbase.core.retention import Retention
from growbase.core.subject import Subject

LONG_TEXT = 20_000
"""Characters a text may have where the model names no limit."""

FINITE = sys.float_info.max
"""The largest number; JSON has no infinity, and PostgreSQL holds NaN to be larger still."""

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Kind = Literal[
    "text", "integer", "number", "boolean", "choice", "reference", "document", "secret", "moment", "day", "identifier"
]
Writable = Literal["always", "create", "never"]
OnPurge = Literal["restrict", "null", "cascade"]
Default = object | Callable[[], object] | None


@dataclass(frozen=True, slots=True)
class Rule:
    """What a column accepts; the one source of its CHECK, its request schema and its form field."""

    kind: Kind
    min_length: int | None = None
    max_length: int | None = None
    ge: float | None = None
    le: float | None = None
    pattern: str | None = None
    enum: type[StrEnum] | None = None
    default: Default = None
    target: str | None = None
    shared: bool = False
    member: bool = False
    on_purge: OnPurge = "restrict"
    closes: bool = False
    norm_of: str | None = None
    writable: Writable = "always"
    hidden: bool = False
    index: bool = False
    personal: bool = False
    help: str = ""


def _column(
    column_type: types.ColumnType, rule: Rule, *, sort_order: int = 0, name: str | None = None
) -> MappedColumn[Any]:
    named = (name,) if name else ()
    return mapped_column(*named, column_type, info={"rule": rule}, sort_order=sort_order)


def text(
    *,
    max_length: int = LONG_TEXT,
    min_length: int = 0,
    pattern: str | None = None,
    default: str | None = None,
    writable: Writable = "always",
    hidden: bool = False,
    index: bool = False,
    personal: bool = False,
    help: str = "",
) -> MappedColumn[Any]:
    """Declare text of at most ``max_length`` characters; ``pattern`` is checked by the API only.

    What is ``personal`` tells of the table's ``__subject__``.
    """
    rule = Rule("text", min_length=min_length or None, max_length=max_length, pattern=pattern, default=default)
    rule = replace(rule, personal=personal)
    return _column(types.Text(), replace(rule, writable=writable, hidden=hidden, index=index, help=help))


def norm(source: str) -> MappedColumn[Any]:
    """Declare the folded form of the text column ``source``, kept by the transaction, for uniqueness and look-up."""
    return _column(types.Text(), Rule("text", norm_of=source, writable="never", hidden=True))


def integer(
    *,
    ge: int | None = None,
    le: int | None = None,
    default: int | None = None,
    writable: Writable = "always",
    hidden: bool = False,
    index: bool = False,
    help: str = "",
) -> MappedColumn[Any]:
    """Declare a 64-bit integer within ``ge..le``."""
    rule = Rule("integer", ge=ge, le=le, default=default, writable=writable, hidden=hidden, index=index, help=help)
    return _column(types.Integer(), rule)


def money(*, ge: int | None = 0, default: int | None = None, writable: Writable = "always") -> MappedColumn[Any]:
    """Declare an amount in minor units (cents); its currency is a column of its own."""
    return integer(ge=ge, default=default, writable=writable, help="Amount in minor units, such as cents.")


def currency(*, default: str | None = None) -> MappedColumn[Any]:
    """Declare an ISO 4217 currency code."""
    return text(min_length=3, max_length=3, pattern="^[A-Z]{3}$", default=default, help="ISO 4217 code, such as EUR.")


def number(
    *, ge: float | None = None, le: float | None = None, default: float | None = None, writable: Writable = "always"
) -> MappedColumn[Any]:
    """Declare a floating-point number within ``ge..le``; never for money."""
    return _column(types.Real(), Rule("number", ge=ge, le=le, default=default, writable=writable))


def boolean(*, default: bool | None = None, writable: Writable = "always", hidden: bool = False) -> MappedColumn[Any]:
    """Declare true or false."""
    return _column(types.Boolean(), Rule("boolean", default=default, writable=writable, hidden=hidden))


def choice(
    enum: type[StrEnum], *, default: StrEnum | None = None, writable: Writable = "always", index: bool = False
) -> MappedColumn[Any]:
    """Declare one value of ``enum``."""
    return _column(types.Choice(enum), Rule("choice", enum=enum, default=default, writable=writable, index=index))


def state(initial: StrEnum, *, index: bool = False) -> MappedColumn[Any]:
    """Declare the column a state machine moves; written at creation only by its default, then by transitions."""
    return choice(type(initial), default=initial, writable="never", index=index)


def reference(
    target: str,
    *,
    shared: bool = False,
    on_purge: OnPurge = "restrict",
    writable: Writable = "always",
    hidden: bool = False,
    closes: bool = False,
) -> MappedColumn[Any]:
    """Declare a foreign key to the table ``target``: of the same organization, or ``shared`` by all.

    ``on_purge`` says what purging the target does to this row: refuse, set null, or purge it too. The one of two tables
    that refer to each other which is made first ``closes`` the circle: its key is added once both are there.
    """
    rule = Rule("reference", target=target, shared=shared, on_purge=on_purge, writable=writable, hidden=hidden)
    rule = replace(rule, closes=closes)
    return _column(types.Identifier(), rule)


def member(*, writable: Writable = "always") -> MappedColumn[Any]:
    """Declare a user who belongs to the row's organization; the database refuses anybody else.

    The foreign key goes to the membership ``(organization_id, user_id)``, which outlives the member's leaving.
    """
    return _column(types.Identifier(), Rule("reference", target="users", member=True, writable=writable))


def identifier(*, writable: Writable = "never", hidden: bool = False, index: bool = False) -> MappedColumn[Any]:
    """Declare a UUID that is no foreign key."""
    return _column(types.Identifier(), Rule("identifier", writable=writable, hidden=hidden, index=index))


def moment(*, default: Default = None, writable: Writable = "always", index: bool = False) -> MappedColumn[Any]:
    """Declare a moment in UTC."""
    return _column(types.Moment(), Rule("moment", default=default, writable=writable, index=index))


def day(*, writable: Writable = "always", index: bool = False) -> MappedColumn[Any]:
    """Declare a calendar date."""
    return _column(types.Day(), Rule("day", writable=writable, index=index))


def document(
    *,
    default: Default = None,
    writable: Writable = "always",
    hidden: bool = False,
    personal: bool = False,
    name: str | None = None,
) -> MappedColumn[Any]:
    """Declare a JSON document whose shape is the annotation: a Pydantic model, ``list[str]``, ``dict[str, Any]``.

    ``default`` is a callable such as ``list`` or ``dict``. ``name`` is the column's where Python reserves it:
    the attribute is then the same with an underscore, ``metadata_``.
    """
    rule = Rule("document", default=default, writable=writable, hidden=hidden, personal=personal)
    return _column(types.Document(), rule, name=name)


def secret(*, writable: Writable = "always") -> MappedColumn[Any]:
    """Declare a secret: sealed by the transaction, write-only at the API, absent from log, exports and ``repr``.

    The column is named ``<name>_cipher``; the API's field is ``<name>``.
    """
    return _column(types.Sealed(), Rule("secret", max_length=8_000, writable=writable, hidden=True))


@dataclass(frozen=True, slots=True)
class Key:
    """An index in a model's ``__indexes__``; the tenant column is put first, live rows only where unique."""

    columns: tuple[str, ...]
    unique: bool = False
    where: str | None = None
    live: bool = True
    across: bool = False


def index(*columns: str, where: str | None = None, across: bool = False) -> Key:
    """Declare an index over columns; ``across`` leaves the organization out (for the program's own scans)."""
    return Key(columns, where=where, across=across)


def unique(*columns: str, where: str | None = None, live: bool = True, across: bool = False) -> Key:
    """Declare that live rows of one organization differ in these columns; ``live=False`` counts trashed ones too."""
    return Key(columns, unique=True, where=where, live=live, across=across)


class Root(DeclarativeBase):
    """What every table shares: constraints made from the rules, and instances nobody can change by accident."""

    metadata = sa.MetaData(naming_convention=NAMES)

    __logged__: ClassVar[bool] = True
    """Whether writes leave a row in the change log."""
    __scope__: ClassVar[str | None] = None
    """The column that holds the organization, None for tables of all organizations."""
    __personal__: ClassVar[str | None] = None
    """The column of the user a row belongs to: nobody else sees it; a row of nobody is the whole organization's."""
    __indexes__: ClassVar[tuple[Key, ...]] = ()
    __checks__: ClassVar[dict[str, str]] = {}
    """Name to SQL of the checks that span several columns."""
    __subject__: ClassVar[Subject | None] = None
    """Of whom the personal columns tell."""
    __copies__: ClassVar[tuple[str, ...]] = ()
    """Columns that may hold what rows of other tables hold, such as a job's payload."""
    __attached__: ClassVar[tuple[str, str] | None] = None
    """The columns that name any row, by its resource and its id: the rows here go where that one goes."""
    __retention__: ClassVar[tuple[Retention, ...]] = ()
    """When rows go by themselves; what the trash holds is the resource's ``retention``."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        if "__tablename__" in cls.__dict__:
            cls.__table_args__ = (*_constraints(cls), *_indexes(cls), {"sqlite_strict": True})
        super().__init_subclass__(**kwargs)

    def __setattr__(self, name: str, value: object) -> None:
        message = f"rows are read-only: use tx.update({type(self).__name__}, id, {{{name!r}: ...}})"
        raise AttributeError(message)

    def __repr__(self) -> str:
        """Return the class and the id only, so that no log line ever holds a row's values."""
        return f"<{type(self).__name__} {self.__dict__.get('id', '')}>"


class Shared(Root):
    """A table of all organizations, with the columns every edited row has."""

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(
        types.Identifier(), primary_key=True, sort_order=-9, info={"rule": Rule("identifier", writable="never")}
    )
    created_at: Mapped[datetime] = _column(types.Moment(), Rule("moment", writable="never", index=True), sort_order=900)
    created_by: Mapped[UUID | None] = _column(types.Identifier(), Rule("identifier", writable="never"), sort_order=901)
    updated_at: Mapped[datetime] = _column(types.Moment(), Rule("moment", writable="never", index=True), sort_order=902)
    updated_by: Mapped[UUID | None] = _column(types.Identifier(), Rule("identifier", writable="never"), sort_order=903)
    version: Mapped[int] = _column(types.Integer(), Rule("integer", ge=1, writable="never"), sort_order=904)


class Owned(Shared):
    """A table whose rows belong to one organization, which is the first part of their key."""

    __abstract__ = True
    __scope__ = "organization_id"

    organization_id: Mapped[UUID] = mapped_column(
        types.Identifier(),
        primary_key=True,
        sort_order=-10,
        info={"rule": Rule("reference", target="organizations", shared=True, writable="never")},
    )


class Trashable:
    """Mixin: deleting moves rows to the trash, from which the same cohort can be restored."""

    deleted_at: Mapped[datetime | None] = _column(types.Moment(), Rule("moment", writable="never"), sort_order=910)
    deleted_by: Mapped[UUID | None] = _column(types.Identifier(), Rule("identifier", writable="never"), sort_order=911)
    deletion_id: Mapped[UUID | None] = _column(types.Identifier(), Rule("identifier", writable="never"), sort_order=912)
    purged_at: Mapped[datetime | None] = _column(
        types.Moment(), Rule("moment", writable="never", hidden=True), sort_order=913
    )


class Fact(Root):
    """A table of high volume that is never edited row by row and leaves no change rows; it declares its own key."""

    __abstract__ = True
    __logged__ = False


class View(Root):
    """A read-only table computed by the database: declare its columns and ``__sql__``, a SELECT for both engines.

    ``__sql__`` maps an engine's name, or ``"*"`` for both, to the SELECT, which never sorts and shows live rows only.
    """

    __abstract__ = True
    __logged__ = False
    __scope__ = "organization_id"
    metadata = sa.MetaData(naming_convention=NAMES)

    __sql__: ClassVar[Mapping[str, str]] = {}

    organization_id: Mapped[UUID] = mapped_column(
        types.Identifier(), primary_key=True, sort_order=-10, info={"rule": Rule("identifier", writable="never")}
    )


def rule_of(column: sa.Column[Any]) -> Rule:
    """Return the rule a column was declared with."""
    rule: Rule = column.info["rule"]
    return rule


def is_trashable(model: type[Root]) -> bool:
    """Return whether deleting rows of ``model`` moves them to the trash."""
    return issubclass(model, Trashable)


def table_of(model: type[Root]) -> sa.Table:
    """Return the model's table."""
    table = model.__table__
    assert isinstance(table, sa.Table)
    return table


def _declared(cls: type[Root]) -> Iterator[tuple[str, Rule, bool]]:
    """Yield name, rule and whether it is the tenant column, for each column of a class about to be mapped."""
    seen: set[str] = set()
    for base in cls.__mro__:
        for name, value in vars(base).items():
            if isinstance(value, MappedColumn) and name not in seen and "rule" in value.column.info:
                seen.add(name)
                yield value.column.name or name, value.column.info["rule"], name == cls.__scope__


def _constraints(cls: type[Root]) -> Iterator[sa.schema.SchemaItem]:
    table = str(cls.__dict__["__tablename__"])
    checked: set[str] = set()
    for name, rule, _ in _declared(cls):
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
            columns = ["memberships.organization_id", "memberships.user_id"]
            yield sa.ForeignKeyConstraint(["organization_id", name], columns, name=f"fk_{table}_{name}")
        elif rule.target and rule.shared:
            yield sa.ForeignKeyConstraint([name], [f"{rule.target}.id"], name=f"fk_{table}_{name}")
        elif rule.target:
            columns, own = [f"{rule.target}.organization_id", f"{rule.target}.id"], ["organization_id", name]
            yield sa.ForeignKeyConstraint(own, columns, name=f"fk_{table}_{name}", use_alter=rule.closes)
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


def _indexes(cls: type[Root]) -> Iterator[sa.Index]:
    """Yield the declared indexes, then one for each reference and each column marked ``index`` that has none yet."""
    table = str(cls.__dict__["__tablename__"])
    tenant = cls.__scope__ if cls.__scope__ != "id" else None
    prefixes = set()
    for key in cls.__indexes__:
        columns = key.columns if key.across or not tenant or key.columns[0] == tenant else (tenant, *key.columns)
        live = key.unique and key.live and issubclass(cls, Trashable)
        where = " AND ".join(filter(None, ("deleted_at IS NULL" if live else "", key.where or "")))
        lead = columns[: 2 if tenant else 1]
        if where in {"", f"{lead[-1]} IS NOT NULL"}:
            prefixes.add(lead)
        yield _index(table, columns, key, where)
    for name, rule, is_tenant in _declared(cls):
        wanted = (rule.target or rule.index) and not is_tenant
        columns = (tenant, name, "id") if tenant else (name, "id")
        if wanted and columns[: 2 if tenant else 1] not in prefixes:
            # A reference that is mostly empty should cost nothing where it is.
            sparse = rule.target and not rule.index and _is_optional(cls, name)
            yield _index(table, columns, Key(columns), f"{name} IS NOT NULL" if sparse else "")
    if issubclass(cls, Trashable) and tenant:
        yield _index(table, (tenant, "deleted_at", "id"), Key(("deleted_at",)), "deleted_at IS NOT NULL")
        yield _index(table, (tenant, "deletion_id"), Key(("deletion_id",)), "deletion_id IS NOT NULL")


def _is_optional(cls: type[Root], name: str) -> bool:
    """Return whether a column's annotation allows None (asked before the class is mapped)."""
    hint = next(
        vars(base)["__annotations__"][name] for base in cls.__mro__ if name in vars(base).get("__annotations__", {})
    )
    return type(None) in get_args(get_args(hint)[0])


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


__all__ = [
    "Fact",
    "Key",
    "Owned",
    "Retention",
    "Root",
    "Rule",
    "Shared",
    "Subject",
    "Trashable",
    "View",
    "boolean",
    "choice",
    "currency",
    "date",
    "day",
    "document",
    "identifier",
    "index",
    "integer",
    "is_trashable",
    "member",
    "moment",
    "money",
    "norm",
    "number",
    "reference",
    "rule_of",
    "secret",
    "state",
    "table_of",
    "text",
    "unique",
]
