"""What the analytic views are written with: SQL that both engines read alike.

Every child is added up in a subquery of its own, so that no join multiplies a count. The subqueries depend on the outer
row, so a page of twenty rows costs twenty look-ups however large the tenant is. Counts of events come from the rollup,
which outlives the events. A figure nothing was reported for is NULL, not zero.
"""

from typing import Final

ENGINES: Final = ("sqlite", "postgresql")

PUBLISHED: Final = "coalesce(s.status, '') = 'published'"
"""That a post ``s`` of a piece is published, said so that no engine begins with all published posts of the tenant."""

_TYPES: Final = {
    "text": "TEXT",
    "uuid": "TEXT",
    "timestamptz": "TEXT",
    "bigint": "INTEGER",
    "boolean": "INTEGER",
    "double precision": "REAL",
}
"""What SQLite has for a type of PostgreSQL."""


def integer(engine: str, sql: str) -> str:
    """Return a sum as an integer: PostgreSQL's sum of bigint is numeric, whose JSON and Python form is another."""
    return f"({sql})::bigint" if engine == "postgresql" else f"({sql})"


def null(engine: str, kind: str) -> str:
    """Return NULL of a type of PostgreSQL; SQLite takes a union apart only where its arms have the same affinity."""
    return f"CAST(NULL AS {kind if engine == 'postgresql' else _TYPES[kind]})"


def ratio(engine: str, over: str, under: str) -> str:
    """Return a quotient, NULL where there is nothing to divide by."""
    real = "double precision" if engine == "postgresql" else "REAL"
    return f"CAST({over} AS {real}) / nullif({under}, 0)"


def count(source: str, where: str, what: str = "*") -> str:
    """Return how many rows of ``source``, or values ``what`` of them, belong to a row.

    A CROSS JOIN in it is read from left to right by SQLite, which else would begin with all rows of the tenant.
    """
    return f"(SELECT count({what}) FROM {source} WHERE {where})"
