"""The rows a move carries: their columns, keys and order, in the common form of both engines."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa

from growbase.core import types
from growbase.core.gate import FACT, LOG_BASE
from growbase.ops.canonical import Checksum, encode_row, microseconds
from growbase.ops.common_form import parents_first, selected

Row = tuple[Any, ...]
Key = tuple[Any, ...]

FACTS: Final = "instance_facts"
DIRTY: Final = "move_dirty"
"""Holds table and key of each row written on the source since the move began."""
MARK: Final = "move_dirty_target"
"""A table on the target that says which unfinished move it belongs to."""
OWN_FACTS: Final = (FACT, LOG_BASE, "move", "moved_from")
"""Facts of one database alone, which do not move with the data."""

_CASTS: Final[dict[type[Any], str]] = {types.Identifier: "uuid", types.Integer: "bigint", types.Text: "text"}


@lru_cache(maxsize=65_536)
def _moment(text: str) -> int:
    return microseconds(datetime.fromisoformat(text))


@lru_cache(maxsize=4_096)
def _document(text: str) -> Any:  # noqa: ANN401 -- any JSON
    return json.loads(text)


_CANONICAL: Final[dict[type[Any], Callable[[Any], Any]]] = {
    types.Moment: _moment,
    types.Document: _document,
    types.Boolean: bool,
}


@dataclass(frozen=True, slots=True)
class Table:
    """One table as the move sees it."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    casts: tuple[str, ...]
    places: tuple[int, ...]
    selects: str
    converters: tuple[tuple[int, Callable[[Any], Any]], ...]
    counter: str | None

    @property
    def names(self) -> str:
        """The columns, as statements list them."""
        return ", ".join(self.columns)

    @property
    def keys(self) -> str:
        """The key's columns, as statements list them."""
        return ", ".join(self.key)

    def key_of(self, row: Row) -> Key:
        """Return the key of a row."""
        return tuple(row[place] for place in self.places)

    def encoded(self, row: Row) -> bytes:
        """Return a row in the canonical encoding."""
        values = list(row)
        for place, convert in self.converters:
            if values[place] is not None:
                values[place] = convert(values[place])
        return encode_row(values)

    def checksum(self, rows: Iterable[Row]) -> Checksum:
        """Return the checksum of rows."""
        found = Checksum()
        for row in rows:
            found.add(self.encoded(row))
        return found

    def differing(self, rows: Iterable[Row], others: Iterable[Row]) -> list[Key]:
        """Return the keys whose rows are not the same on both sides, or are on one side alone."""
        mine = {self.key_of(row): self.encoded(row) for row in rows}
        theirs = {self.key_of(row): self.encoded(row) for row in others}
        return [key for key in {**mine, **theirs} if mine.get(key) != theirs.get(key)]


def tables(packages: Collection[str]) -> list[Table]:
    """Return the tables that move, parents first; the facts of the instance are carried apart."""
    return [described(table) for table in parents_first(packages) if table.name != FACTS]


def described(table: sa.Table) -> Table:
    """Return what the move needs to know of a table."""
    columns = tuple(column.name for column in table.columns)
    keys = tuple(table.primary_key)
    counters = [column.name for column in keys if column.identity is not None]
    return Table(
        name=table.name,
        columns=columns,
        key=tuple(column.name for column in keys),
        casts=tuple(_CASTS[type(column.type)] for column in keys),
        places=tuple(columns.index(column.name) for column in keys),
        selects=", ".join(selected(column) for column in table.columns),
        converters=tuple(
            (place, _CANONICAL[type(column.type)])
            for place, column in enumerate(table.columns)
            if type(column.type) in _CANONICAL
        ),
        counter=counters[0] if counters else None,
    )


def batches(keys: Sequence[Key], size: int) -> Iterator[Sequence[Key]]:
    """Yield keys in pieces that fit into one statement."""
    for start in range(0, len(keys), size):
        yield keys[start : start + size]
