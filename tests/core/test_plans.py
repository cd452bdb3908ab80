"""Every declared filter, sort and reference of every resource is served by an index."""

import re
from collections.abc import Iterator

import psycopg
import pytest

from growbase import wiring
from growbase.core.clock import new_id
from growbase.core.database import Database
from growbase.core.model import View, rule_of, table_of
from growbase.core.query import parse
from growbase.core.resource import Resource
from growbase.core.select import Segment, page_sql
from growbase.core.statements import plan_of

RESOURCES = [resource for resource in wiring.catalog().resources if not issubclass(resource.model, View)]
ROWS = 3_000


def scope_size(resource: Resource) -> int:
    """Return how many parameters keep a statement to what the caller may see."""
    return (resource.model.__scope__ is not None) + (resource.model.__personal__ is not None)


def pages(resource: Resource, engine: str) -> Iterator[tuple[str, str, int]]:
    """Yield each single sort, its SQL as the first page asks for it, and how many parameters that takes."""
    catalog = wiring.catalog()
    nullable = {name for name, field in plan_of(resource.model, engine).fields.items() if field.nullable}
    queries = [f"sort={sign}{name}" for name in resource.sortable for sign in ("", "-")]
    if resource.trashable:
        queries.append("trash=only")
    for query in queries:
        shape = parse(catalog, resource, query).shape
        nulls = (False, True) if shape.sort[0][0] in nullable else (None,)
        for null in nulls:
            sql = page_sql(catalog, resource.name, engine, shape, Segment(null, after=False), offset=False)
            yield query, sql, scope_size(resource) + 1


def lookups(resource: Resource, engine: str) -> Iterator[tuple[str, str, int]]:
    """Yield each reference, and each column declared to be found by, with the SQL of a page filtered by it."""
    catalog = wiring.catalog()
    for column in resource.table.columns:
        rule = rule_of(column)
        if (rule.target or rule.index) and not rule.hidden and column.name != resource.model.__scope__:
            value = {"moment": "2026-01-01", "choice": next(iter(rule.enum)) if rule.enum else ""}.get(rule.kind)
            shape = parse(catalog, resource, f"{column.name}={value or new_id()}").shape
            sql = page_sql(catalog, resource.name, engine, shape, Segment(None, after=False), offset=False)
            yield column.name, sql, scope_size(resource) + 2


@pytest.fixture
def sqlite_plan(engine: str, request: pytest.FixtureRequest) -> Database:
    if engine != "sqlite":
        pytest.skip("the plans of PostgreSQL have a test of their own")
    found: Database = request.getfixturevalue("db")
    return found


def explained(db: Database, sql: str, count: int) -> list[str]:
    return [row[3] for row in db.query(f"EXPLAIN QUERY PLAN {sql}", (None,) * count)]


def test_sqlite_scans_no_table_and_sorts_no_page(sqlite_plan: Database) -> None:
    slow = []
    for resource in RESOURCES:
        for query, sql, count in pages(resource, "sqlite"):
            plan = explained(sqlite_plan, sql, count)
            unscoped = resource.model.__scope__ is None
            scans = [line for line in plan if line.startswith("SCAN") and not (unscoped and "USING INDEX" in line)]
            if scans or any("TEMP B-TREE" in line for line in plan):
                slow.append((resource.name, query, plan))
    assert not slow, "\n".join(map(str, slow))


def test_sqlite_finds_rows_by_every_reference_through_an_index(sqlite_plan: Database) -> None:
    slow = []
    for resource in RESOURCES:
        for name, sql, count in lookups(resource, "sqlite"):
            [line, *_] = explained(sqlite_plan, sql, count)
            if not line.startswith("SEARCH t USING"):
                slow.append((resource.name, name, line))
    assert not slow, "\n".join(map(str, slow))


def test_every_foreign_key_has_an_index_that_begins_with_it(db: Database) -> None:
    bare = []
    for model in db.catalog.models.values():
        if issubclass(model, View):
            continue
        table = table_of(model)
        leads = [[column.name for column in index.columns if hasattr(column, "name")] for index in table.indexes]
        leads.append([column.name for column in table.primary_key])
        for key in table.foreign_key_constraints:
            names = [column.name for column in key.columns]
            if not any(set(lead[: len(names)]) == set(names) for lead in leads):
                bare.append((table.name, names))
    assert not bare, "\n".join(map(str, bare))


@pytest.fixture
def explain(engine: str, request: pytest.FixtureRequest) -> Iterator[psycopg.Connection[tuple[str]]]:
    if engine != "postgres":
        pytest.skip("the plans of SQLite have tests of their own")
    with psycopg.connect(request.getfixturevalue("installed_url"), autocommit=True) as connection:
        connection.execute("SET enable_seqscan = off")
        connection.execute("SET session_replication_role = replica")
        fill(connection)
        yield connection


def fill(connection: psycopg.Connection[tuple[str]]) -> None:
    """Put some thousands of rows into every table, constraints switched off, so that a sort costs something."""
    checks = "SELECT conrelid::regclass, conname FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0"
    for table, name in connection.execute(checks.encode()).fetchall():
        connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}".encode())
    for resource in RESOURCES:
        values = {}
        for column in resource.table.columns:
            rule = rule_of(column)
            if column.name == resource.model.__scope__ and column.name != "id":
                values[column.name] = "('00000000-0000-7000-8000-00000000000' || n % 3)::uuid"
            elif column.name in {"deleted_at", "deleted_by", "deletion_id", "purged_at"}:
                values[column.name] = "NULL"
            elif rule.enum is not None:
                choices = ", ".join(f"'{choice.value}'" for choice in rule.enum)
                values[column.name] = f"(ARRAY[{choices}])[1 + n % {len(rule.enum)}]"
            else:
                bounds = {"low": int(rule.ge or 0), "high": int(rule.le or ROWS), "long": rule.max_length or 8}
                values[column.name] = FILL.get(rule.kind, "gen_random_uuid()").format(**bounds)
        columns = ", ".join(values)
        what = ", ".join(values.values())
        connection.execute(
            f"INSERT INTO {resource.table.name} ({columns}) SELECT {what} FROM generate_series(1, {ROWS}) n "
            "ON CONFLICT DO NOTHING".encode()
        )
        connection.execute(f"ANALYZE {resource.table.name}".encode())


FILL = {
    "text": "right(lpad(n::text, 8, '0'), {long})",
    "integer": "greatest({low}, least(n, {high}))",
    "number": "greatest({low}, least(n, {high}))",
    "boolean": "n % 2 = 0",
    "document": "'{{}}'::json",
    "moment": "now() - n * interval '1 minute'",
    "day": "current_date - n",
    "secret": "''::bytea",
}


def test_postgres_reads_every_sort_from_an_index(explain: psycopg.Connection[tuple[str]]) -> None:
    slow = []
    for resource in RESOURCES:
        for query, sql, _ in pages(resource, "postgresql"):
            plan = explained_by_postgres(explain, sql, resource)
            # A caller sees one organization, and what is in the trash, or belongs to one user, is little.
            little = query == "trash=only" or resource.model.__personal__ is not None
            needs_order = resource.model.__scope__ != "id" and not little
            if "Index" not in plan or "Seq Scan" in plan or ("Sort" in plan and needs_order):
                slow.append((resource.name, query, plan))
    assert not slow, "\n".join(map(str, slow[:5]))


def test_postgres_finds_rows_by_every_reference_through_an_index(explain: psycopg.Connection[tuple[str]]) -> None:
    slow = []
    for resource in RESOURCES:
        for name, sql, _ in lookups(resource, "postgresql"):
            kind = rule_of(resource.table.columns[name]).kind
            value = {"moment": "'2026-01-01'", "choice": "'draft'"}.get(kind, OTHER)
            plan = explained_by_postgres(explain, sql, resource, value)
            conditions = " ".join(line for line in plan.splitlines() if "Index Cond" in line)
            found_by = {"id" if resource.model.__scope__ == "id" else name, resource.model.__personal__}
            if not any(f"({column} = " in conditions for column in found_by) or "Seq Scan" in plan:
                slow.append((resource.name, name, plan))
    assert not slow, "\n".join(map(str, slow[:5]))


OTHER = "'00000000-0000-7000-8000-000000000009'"


def explained_by_postgres(
    connection: psycopg.Connection[tuple[str]], sql: str, resource: Resource, *values: str
) -> str:
    """Return the plan of a statement with values in place of its parameters, at which EXPLAIN can't guess."""
    tenant = ["'00000000-0000-7000-8000-000000000001'"] * scope_size(resource)
    remaining = iter([*tenant, *values, "20"])
    literal = re.sub(r"%s", lambda _: next(remaining), sql)
    return "\n".join(row[0] for row in connection.execute(f"EXPLAIN {literal}".encode()))
