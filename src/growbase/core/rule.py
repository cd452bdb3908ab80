"""What models are declared with: the rule of a column and the key of an index."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

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


@dataclass(frozen=True, slots=True)
class Key:
    """An index in a model's ``__indexes__``; the tenant column is put first, live rows only where unique."""

    columns: tuple[str, ...]
    unique: bool = False
    where: str | None = None
    live: bool = True
    across: bool = False
