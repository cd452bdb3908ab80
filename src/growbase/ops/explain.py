"""How the database would run the statements of a list."""

from typing import Self, cast
from uuid import UUID

from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.errors import NotFound
from growbase.core.pages import Reader
from growbase.core.query import parse
from growbase.core.statements import POSTGRESQL


class _Explaining:
    """Stands in for a database: explains what it is asked to read."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.engine = database.engine
        self.catalog = database.catalog
        self.found: list[tuple[str, list[str]]] = []

    def near(self, actor: Actor) -> Self:
        """Return itself: replicas would run the statements alike."""
        del actor
        return self

    def query(self, sql: str, params: tuple[object, ...] = (), *, timeout_ms: int | None = None) -> list[tuple[int]]:
        """Keep the plan of a statement and answer no row but a count of none."""
        del timeout_ms
        word = "EXPLAIN" if self.engine == POSTGRESQL else "EXPLAIN QUERY PLAN"
        rows = self.database.query(f"{word} {sql}", params)
        self.found.append((sql, [str(row[-1]) for row in rows]))
        return [(0,)]


def explain_list(
    database: Database, resource_name: str, query_string: str, organization_id: UUID
) -> list[tuple[str, list[str]]]:
    """Return each statement of ``GET /api/<resource>?<query>`` with its plan. Raises NotFound, InvalidQuery."""
    resource = database.catalog.by_name.get(resource_name)
    if resource is None:
        raise NotFound(what=f"resource {resource_name}")
    explaining = _Explaining(database)
    reader = Reader(cast("Database", explaining), b"")
    query = parse(database.catalog, resource, query_string)
    reader.page(system("explain", organization_id), resource, query)
    return explaining.found
