"""The form in which both engines give and take rows, for moves and exports.

It is SQLite's: ids, moments, days and documents as text, truth as 0 and 1. PostgreSQL reads all of it, too.
"""

from collections.abc import Collection
from typing import Any, Final

import sqlalchemy as sa

from growbase.core import ddl, types

_MOMENT: Final = "to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"


def selected(column: sa.Column[Any]) -> str:
    """Return the expression by which PostgreSQL gives a column in this form."""
    if isinstance(column.type, types.Moment):
        return _MOMENT.format(column.name)
    if isinstance(column.type, types.Boolean):
        return f"{column.name}::int"
    if isinstance(column.type, types.Identifier | types.Document | types.Day):
        return f"{column.name}::text"
    return column.name


def parents_first(packages: Collection[str]) -> list[sa.Table]:
    """Return the tables of packages, each after those it refers to."""
    made = ddl.tables(packages)
    return [table for table, _ in sa.schema.sort_tables_and_constraints(made) if table is not None]  # type: ignore[no-untyped-call]
