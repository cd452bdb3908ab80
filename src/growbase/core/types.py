"""Column types that mean the same on SQLite and PostgreSQL: how a value is stored, bound, read and shown as JSON."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

Convert = Callable[[Any], Any]
"""Turns one value, never None, into another form."""

_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)
# JSONEncoder.encode makes one at every call, which takes as long as a small document itself.
_ENCODE: Callable[[object, int], tuple[str, ...]] = json.encoder.c_make_encoder(  # type: ignore[attr-defined]
    None, _ENCODER.default, json.encoder.encode_basestring, None, ":", ",", *(False, False, False)
)


def moment_text(value: datetime) -> str:
    """Return a moment as fixed-width UTC text, so that text order is time order."""
    return (value if value.tzinfo is UTC else value.astimezone(UTC)).isoformat("T", "microseconds")[:26] + "Z"


def parse_moment(value: str) -> datetime:
    """Read what ``moment_text`` wrote."""
    return datetime.fromisoformat(value)


def compact_json(value: object) -> str:
    """Return JSON without white space, the one form documents are stored in."""
    return "".join(_ENCODE(value, 0))


class ColumnType(TypeDecorator[Any]):
    """One type of column; subclasses say what differs between the engines."""

    impl: Any = sa.Text
    cache_ok = True

    def __init_subclass__(cls, **kwargs: object) -> None:
        # SQLAlchemy looks in the class itself.
        cls.cache_ok = True
        super().__init_subclass__(**kwargs)

    def types(self) -> tuple[TypeEngine[Any], TypeEngine[Any]]:
        """Return the native types on SQLite (STRICT tables) and on PostgreSQL."""
        raise NotImplementedError

    def binder(self, engine: str) -> Convert | None:
        """Return what turns a Python value into the driver's, None where it is the same."""
        del engine
        return None

    def reader(self, engine: str) -> Convert | None:
        """Return what turns a driver's value into Python's, None where it is the same."""
        del engine
        return None

    def json_sql(self, engine: str, column: str) -> str:
        """Return the SQL expression whose JSON form is this column's value at the API."""
        del engine
        return column

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the native type (called by SQLAlchemy)."""
        sqlite, postgres = self.types()
        return dialect.type_descriptor(postgres if dialect.name == "postgresql" else sqlite)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401 -- SQLAlchemy's signature
        """Convert a bound value (called by SQLAlchemy)."""
        convert = self.binder(dialect.name)
        return value if value is None or convert is None else convert(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401 -- SQLAlchemy's signature
        """Convert a result value (called by SQLAlchemy)."""
        convert = self.reader(dialect.name)
        return value if value is None or convert is None else convert(value)

    def __repr__(self) -> str:
        """Return what a migration writes for this type."""
        return f"{type(self).__name__}()"


class Text(ColumnType):
    """Unicode text, compared by code point on both engines."""

    def types(self) -> tuple[TypeEngine[Any], TypeEngine[Any]]:
        """Return the native types."""
        return sa.Text(), _TextByCodePoint()


class _TextByCodePoint(sa.types.UserDefinedType[Any]):
    """PostgreSQL's ``text`` in the collation C; SQLAlchemy's own type would become ``varchar``."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return 'TEXT COLLATE "C"'


class Choice(Text):
    """One value of an enumeration, stored as its text; the CHECK holds the list."""

    def __init__(self, enum: type[StrEnum] | None = None) -> None:
        super().__init__()
        self.enum = enum

    def binder(self, engine: str) -> Convert | None:
        """Store plain text: for a member of an enumeration drivers look for an adapter first."""
        del engine
        return str

    def reader(self, engine: str) -> Convert | None:
        """Return the enumeration itself, which maps text to its member."""
        del engine
        return self.enum


class Identifier(ColumnType):
    """A UUID: canonical text on SQLite, native on PostgreSQL."""

    def types(self) -> tuple[TypeEngine[Any], TypeEngine[Any]]:
        """Return the native types."""
        return sa.Text(), postgresql.UUID(as_uuid=True)

    def binder(self, engine: str) -> Convert | None:
        """Store text on SQLite."""
        return None if engine == "postgresql" else str

    def reader(self, engine: str) -> Convert | None:
        """Read text on SQLite."""
        return None if engine == "postgresql" else UUID


class Integer(ColumnType):
    """A 64-bit signed integer."""

    impl = sa.BigInteger

    def types(self) -> tuple[TypeEngine[Any], TypeEngine[Any]]:
        """Return the native types."""
        return sa.Integer(), sa.BigInteger()


class Real(ColumnType):
    """A 64-bit floating-point number; never money."""

    def types(self) -> tuple[TypeEngine[Any], TypeEngine[Any]]:
        """Return the native types."""
        return sa.REAL(), sa.Double()

    def binder(self, engine: str) -> Convert | None:
        """Store -0.0 as 0.0, which PostgreSQL would show as -0."""
        del engine
        return _unsigned_zero

    def json_sql(self, engine: str, column: str) -> str:
        """Write 1.0 as 1 and 1.0e-07 as 1e-07, as PostgreSQL does."""
        if engine == "postgresql":
            return column
        whole = f"{column} = cast({column} AS INTEGER) AND abs({column}) < 1e15"
        return (
            f"CASE WHEN {whole} THEN cast({column} AS INTEGER) ELSE json(replace(json_quote({column}), '.0e', 'e')) END"
        )


def _unsigned_zero(value: float) -> float:
    return value + 0.0


class Boolean(ColumnType):
    """True or false; 1 or 0 on SQLite."""

    def types(self) -> tuple[TypeEngine[Any], TypeEngine[Any]]:
        """Return the native types."""
        return sa.Integer(), sa.Boolean()

    def binder(self, engine: str) -> Convert | None:
        """Store an integer on SQLite."""
        return None if engine == "postgresql" else int

    def reader(self, engine: str) -> Convert | None:
        """Read an integer on SQLite."""
        return None if engine == "postgresql" else bool

    def json_sql(self, engine: str, column: str) -> str:
        """Write true and false."""
        return column if engine == "postgresql" else f"json(CASE {column} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)"


class Moment(ColumnType):
    """A moment in UTC with microseconds."""

    def types(self) -> tuple[TypeEngine[Any], TypeEngine[Any]]:
        """Return the native types."""
        return sa.Text(), postgresql.TIMESTAMP(timezone=True)

    def binder(self, engine: str) -> Convert | None:
        """Store fixed-width text on SQLite."""
        return None if engine == "postgresql" else moment_text

    def reader(self, engine: str) -> Convert | None:
        """Read as UTC, whatever the session's time zone."""
        return _to_utc if engine == "postgresql" else parse_moment

    def json_sql(self, engine: str, column: str) -> str:
        """Write RFC 3339 in UTC."""
        if engine != "postgresql":
            return column
        return f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"


def _to_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


class Day(ColumnType):
    """A calendar date without a time zone."""

    def types(self) -> tuple[TypeEngine[Any], TypeEngine[Any]]:
        """Return the native types."""
        return sa.Text(), sa.Date()

    def binder(self, engine: str) -> Convert | None:
        """Store ISO 8601 text on SQLite."""
        return None if engine == "postgresql" else date.isoformat

    def reader(self, engine: str) -> Convert | None:
        """Read ISO 8601 text on SQLite."""
        return None if engine == "postgresql" else date.fromisoformat


class Document(ColumnType):
    """A JSON document, kept byte for byte as ``compact_json`` wrote it."""

    def types(self) -> tuple[TypeEngine[Any], TypeEngine[Any]]:
        """Return the native types."""
        return sa.Text(), _JsonText()

    def binder(self, engine: str) -> Convert | None:
        """Store compact JSON."""
        del engine
        return compact_json

    def reader(self, engine: str) -> Convert | None:
        """Parse text on SQLite; psycopg has parsed it already."""
        return None if engine == "postgresql" else json.loads

    def json_sql(self, engine: str, column: str) -> str:
        """Embed the document."""
        return column if engine == "postgresql" else f"json({column})"


class _JsonText(sa.types.UserDefinedType[Any]):
    """PostgreSQL's ``json``, which keeps the text (``jsonb`` reorders keys)."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "JSON"


class Sealed(ColumnType):
    """Ciphertext of a secret; it has no JSON form."""

    def types(self) -> tuple[TypeEngine[Any], TypeEngine[Any]]:
        """Return the native types."""
        return sa.LargeBinary(), postgresql.BYTEA()

    def reader(self, engine: str) -> Convert | None:
        """Read as bytes."""
        del engine
        return bytes


def is_id(text: str) -> bool:
    """Return whether a text is written as an id is; a name is not."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True
