"""Declaring a table: base classes and column helpers whose rule holds in the database, the API and the docs alike."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, MappedColumn, mapped_column

from growbase.core import types
from growbase.core.retention import Retention
from growbase.core.rule import Default, Key, OnPurge, Rule, Writable
from growbase.core.subject import Subject
from growbase.core.table import table_for

LONG_TEXT = 20_000
"""Characters a text may have where the model names no limit."""

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


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


def identifier(
    *, writable: Writable = "never", hidden: bool = False, index: bool = False, help: str = ""
) -> MappedColumn[Any]:
    """Declare a UUID that is no foreign key."""
    return _column(types.Identifier(), Rule("identifier", writable=writable, hidden=hidden, index=index, help=help))


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


def index(*columns: str, where: str | None = None, across: bool = False) -> Key:
    """Declare an index over columns; ``across`` leaves the organization out (for the program's own scans)."""
    return Key(columns, where=where, across=across)


def unique(*columns: str, where: str | None = None, live: bool = True, across: bool = False) -> Key:
    """Declare that live rows of one organization differ in these columns; ``live=False`` counts trashed ones too."""
    return Key(columns, unique=True, where=where, live=live, across=across)


class _Model(type):
    """The class of models: a type checker takes a plain class for no key of a cache."""


class Root(metaclass=_Model):
    """What every table shares: constraints made from the rules, and instances nobody can change by accident.

    The columns are declared as SQLAlchemy's ORM has them, but nothing is mapped: no session ever loads a row, and
    mapping all tables would take a third of a process's start.
    """

    metadata = sa.MetaData(naming_convention=NAMES)
    models: ClassVar[list[type["Root"]]] = []
    """The classes that have a table, in the order they were declared."""
    __table__: ClassVar[sa.Table]
    __tablename__: ClassVar[str]

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
    __monthly__: ClassVar[str | None] = None
    """The text column with a unique key in the organization, where PostgreSQL keeps the rows in monthly partitions."""
    __attached__: ClassVar[tuple[str, str] | None] = None
    """The columns that name any row, by its resource and its id: the rows here go where that one goes."""
    __retention__: ClassVar[tuple[Retention, ...]] = ()
    """When rows go by themselves; what the trash holds is the resource's ``retention``."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if "__tablename__" in cls.__dict__:
            cls.__table__ = table_for(cls)
            Root.models.append(cls)

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
    return model.__table__


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
    "Writable",
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
