"""Shapes compiled to SQL whose rows are JSON text built by the database; compiled once per shape and engine."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from growbase.core.model import Root, is_trashable, rule_of, table_of
from growbase.core.query import Group, Shape, Term
from growbase.core.resource import Catalog, Resource, reference_to
from growbase.core.search import terms_sql
from growbase.core.statements import POSTGRESQL, Plan, mark, plan_of
from growbase.core.types import ColumnType

COMPARE = {"eq": "=", "neq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
FLIPPED = {False: ">", True: "<"}
PART = 60
"""Columns in one json_object call; wider rows are built in parts."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One statement of a page: the rows where the first sort column is, or is not, NULL."""

    null: bool | None
    after: bool


def json_pairs(table: sa.Table, engine: str, alias: str, names: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Return API name and SQL expression of a table's public columns."""
    pairs = []
    for column in table.columns:
        if rule_of(column).hidden or (names and column.name not in names):
            continue
        column_type = column.type
        assert isinstance(column_type, ColumnType)
        pairs.append((column.name, column_type.json_sql(engine, f"{alias}.{column.name}")))
    return pairs


def json_object(engine: str, pairs: list[tuple[str, str]]) -> str:
    """Return the SQL expression of a JSON object; both engines write it without white space."""
    if engine == POSTGRESQL:
        columns = ", ".join(f'{value} AS "{name}"' for name, value in pairs)
        return f"(SELECT row_to_json(o) FROM (SELECT {columns}) o)"
    parts = [pairs[start : start + PART] for start in range(0, len(pairs), PART)] or [[]]
    objects = ["json_object(" + ", ".join(f"'{name}', {value}" for name, value in part) + ")" for part in parts]
    joined = objects[0]
    for part in objects[1:]:
        joined = f"(substr({joined}, 1, length({joined}) - 1) || ',' || substr({part}, 2))"
    return joined if len(objects) == 1 else f"json({joined})"


@lru_cache(maxsize=4096)
def row_json(catalog: Catalog, resource_name: str, engine: str, shape: Shape | None = None) -> str:
    """Return the expression of a row's JSON for the alias ``t``, with the counts and relations a shape asks for."""
    resource = catalog.by_name[resource_name]
    pairs = json_pairs(resource.table, engine, "t", shape.fields if shape else ())
    if shape and shape.counts:
        counts = [(name, _count(catalog, resource, name)) for name in shape.counts]
        pairs.append(("counts", json_object(engine, counts)))
    pairs += [(name, _expanded(catalog, resource, name, engine)) for name in (shape.expand if shape else ())]
    text = json_object(engine, pairs)
    return f"{text}::text" if engine == POSTGRESQL else text


def _count(catalog: Catalog, resource: Resource, child_table: str) -> str:
    child = catalog.models[child_table]
    column = reference_to(child, resource.table.name).name
    live = " AND c.deleted_at IS NULL" if is_trashable(child) else ""
    tenant = "c.organization_id = t.organization_id AND " if child.__scope__ == "organization_id" else ""
    return f"(SELECT count(*) FROM {child_table} c WHERE {tenant}c.{column} = t.id{live})"


def _expanded(catalog: Catalog, resource: Resource, name: str, engine: str) -> str:
    column = resource.expand_column(name)
    target = catalog.models[str(rule_of(column).target)]
    found = json_object(engine, json_pairs(table_of(target), engine, "e"))
    text = f"(SELECT {found} FROM {target.__tablename__} e WHERE {_joined(target, column, 'e')})"
    return text if engine == POSTGRESQL else f"json({text})"


def _joined(target: type[Root], column: sa.Column[Any], alias: str) -> str:
    tenant = f"{alias}.organization_id = t.organization_id AND " if target.__scope__ == "organization_id" else ""
    return f"{tenant}{alias}.id = t.{column.name}"


class Compiler:
    """Writes the SQL of one shape for one engine."""

    def __init__(self, catalog: Catalog, resource: Resource, engine: str, shape: Shape) -> None:
        self.catalog = catalog
        self.resource = resource
        self.engine = engine
        self.shape = shape
        self.plan: Plan = plan_of(resource.model, engine)
        self.sign = mark(engine)

    # -- conditions -----------------------------------------------------------------------------------------------

    def where(self) -> list[str]:
        """Return the terms: organization, trash, filters, search, in the order of their parameters."""
        terms = [f"t.{self.plan.scope} = {self.sign}"] if self.plan.scope else []
        if self.plan.personal:
            terms.append(self.plan.personal_term())
        if self.plan.trashable and self.shape.trash == "exclude":
            terms.append("t.deleted_at IS NULL")
        elif self.shape.trash == "only":
            terms.append("t.deleted_at IS NOT NULL AND t.purged_at IS NULL")
        terms += [self._member(member) for member in self.shape.filters.members]
        if self.shape.search and not self.shape.found:
            terms.append(f"t.id IN ({self.hits()})")
        return terms

    def source(self) -> str:
        """Return the table; where a search found few rows, they are gone through, however many the table has."""
        if not self.shape.found:
            return f"{self.plan.table} t"
        if self.engine == POSTGRESQL:
            return f"unnest({self.sign}::uuid[]) f(id) JOIN {self.plan.table} t ON t.id = f.id"
        # A cross join keeps SQLite from walking an index of the table instead.
        return f"json_each({self.sign}) f CROSS JOIN {self.plan.table} t ON t.id = f.value"

    def _member(self, member: Term | Group) -> str:
        if isinstance(member, Group):
            return "(" + f" {member.kind.upper()} ".join(self._member(inner) for inner in member.members) + ")"
        model = self.resource.model
        if member.relation:
            column = self.resource.expand_column(member.relation)
            target = self.catalog.models[str(rule_of(column).target)]
            inner = self._condition(target, member, f"r.{member.column}")
            there = f"EXISTS (SELECT 1 FROM {target.__tablename__} r WHERE {_joined(target, column, 'r')} AND"
            # A row that refers to nothing has no value there either.
            is_null = member.operator == "is_null"
            text = f"NOT {there} r.{member.column} IS NOT NULL)" if is_null else f"{there} {inner})"
        else:
            text = self._condition(model, member, f"t.{member.column}")
        if not member.negated:
            return text
        return f"({text}) IS NOT TRUE"

    def _condition(self, model: type[Root], term: Term, column: str) -> str:
        operator = term.operator
        if term.path:
            column = self._path(term, column)
        kind = rule_of(table_of(model).columns[term.column]).kind
        if operator in COMPARE:
            return f"{column} {COMPARE[operator]} {self.sign}"
        if operator == "in":
            return f"{column} IN ({', '.join([self.sign] * term.count)})"
        if operator == "is_null":
            return f"{column} IS NULL"
        if operator in {"is_true", "is_false"}:
            return self._truth(column, operator == "is_true", is_path=term.path, kind=kind)
        if operator == "contains":
            if kind == "document" and not term.path:
                return self._list_contains(column)
            find = "strpos" if self.engine == POSTGRESQL else "instr"
            return f"{find}({self._lower(column)}, {self._lower(self.sign)}) > 0"
        if operator == "ilike":
            return f"{self._lower(column)} LIKE {self._lower(self.sign)} ESCAPE '\\'"
        like = "LIKE" if self.engine == POSTGRESQL else "GLOB"
        return f"{column} {like} {self.sign}"

    def _lower(self, expression: str) -> str:
        """Return the expression with its ASCII letters in lower case, which is all SQLite can do."""
        return f'lower({expression} COLLATE "C")' if self.engine == POSTGRESQL else f"lower({expression})"

    def _path(self, term: Term, column: str) -> str:
        """Return a document's field as text, or as a number where it is ordered."""
        ordered = term.operator in {"gt", "gte", "lt", "lte"}
        if self.engine == POSTGRESQL:
            if not ordered:
                return f"({column} #>> {self.sign}::text[])"
            found = f"{column} #> p.p"
            number = f"CASE WHEN json_typeof({found}) = 'number' THEN ({column} #>> p.p)::float8 END"
            return f"(SELECT {number} FROM (SELECT {self.sign}::text[] AS p) p)"
        if ordered:
            number = "CASE WHEN f.type IN ('integer', 'real') THEN f.atom END"
            return f"(SELECT {number} FROM json_each(json_array(json_extract({column}, {self.sign}))) f)"
        return (
            f"(SELECT CASE json_type({column}, p.p) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' "
            f"ELSE cast(json_extract({column}, p.p) AS TEXT) END FROM (SELECT {self.sign} AS p) p)"
        )

    def _truth(self, column: str, wanted: bool, *, is_path: bool, kind: str) -> str:  # noqa: FBT001 -- internal
        word = "true" if wanted else "false"
        if is_path or kind != "boolean":
            return f"{column} = '{word}'"
        return f"{column} = {word if self.engine == POSTGRESQL else int(wanted)}"

    def _list_contains(self, column: str) -> str:
        if self.engine == POSTGRESQL:
            safe = f"CASE WHEN json_typeof({column}) = 'array' THEN {column} ELSE '[]'::json END"
            return f"EXISTS (SELECT 1 FROM json_array_elements_text({safe}) v(v) WHERE v.v = {self.sign})"
        return f"EXISTS (SELECT 1 FROM json_each({column}) v WHERE cast(v.value AS TEXT) = {self.sign})"

    def hits(self) -> str:
        """Return the statement of the ids of rows that have the words."""
        scope = f"d.organization_id = {self.sign} AND d.entity = '{self.plan.table}'"
        if self.engine == POSTGRESQL:
            terms = terms_sql(self.engine, "d.")
            words = f"array_to_tsvector(string_to_array({terms}, ' ')) @@ {self.sign}::tsquery"
            return f"SELECT d.entity_id FROM search_documents d WHERE {scope} AND {words}"
        return (
            f"SELECT d.entity_id FROM search_index s JOIN search_documents d ON d.rid = s.rowid "
            f"WHERE {scope} AND s.words MATCH {self.sign}"
        )

    # -- order ----------------------------------------------------------------------------------------------------

    def order(self) -> str:
        """Return the ORDER BY terms."""
        return ", ".join(f"t.{name}{' DESC' if descending else ''}" for name, descending in self.shape.sort)

    def after(self, segment: Segment) -> list[str]:
        """Return the terms that start a segment behind the cursor's row."""
        first, descending = self.shape.sort[0]
        terms = []
        if segment.null is not None:
            terms.append(f"t.{first} IS {'' if segment.null else 'NOT '}NULL")
        if not segment.after:
            return terms
        rest = self.shape.sort[1:] if segment.null else self.shape.sort
        if all(direction == rest[0][1] for _, direction in rest):
            names = ", ".join(f"t.{name}" for name, _ in rest)
            marks = ", ".join([self.sign] * len(rest))
            return [*terms, f"({names}) {FLIPPED[rest[0][1]]} ({marks})"]
        if not segment.null:
            terms.append(f"t.{first} {FLIPPED[descending]}= {self.sign}")
        return [*terms, self._stepwise(rest)]

    def _stepwise(self, sort: tuple[tuple[str, bool], ...]) -> str:
        """Return the expanded comparison of mixed directions; each value is bound once per step."""
        steps = []
        for place, (name, descending) in enumerate(sort):
            same = [f"t.{earlier} IS NOT DISTINCT FROM {self.sign}" for earlier, _ in sort[:place]]
            steps.append("(" + " AND ".join([*same, f"t.{name} {FLIPPED[descending]} {self.sign}"]) + ")")
        return "(" + " OR ".join(steps) + ")"

    def page(self, segment: Segment, *, offset: bool = False) -> str:
        """Return the statement of one segment: JSON text, then the sort values the next cursor needs."""
        keys = ", ".join(f"t.{name}" for name, _ in self.shape.sort)
        what = f"{row_json(self.catalog, self.resource.name, self.engine, self._projection())}, {keys}"
        terms = [*self.where(), *self.after(segment)]
        where = f" WHERE {' AND '.join(terms)}" if terms else ""
        skip = f" OFFSET {self.sign}" if offset else ""
        nulls = self._nulls() if segment.null is None else self.order()
        return f"SELECT {what} FROM {self.source()}{where} ORDER BY {nulls} LIMIT {self.sign}{skip}"

    def _nulls(self) -> str:
        """Return ORDER BY with NULL as the smallest value, also where PostgreSQL would think otherwise."""
        if self.engine != POSTGRESQL:
            return self.order()
        terms = []
        for name, descending in self.shape.sort:
            direction = " DESC" if descending else ""
            nulls = (" NULLS LAST" if descending else " NULLS FIRST") if self.plan.fields[name].nullable else ""
            terms.append(f"t.{name}{direction}{nulls}")
        return ", ".join(terms)

    def _projection(self) -> Shape:
        return Shape(Group("and", ()), (), self.shape.expand, self.shape.counts, self.shape.fields)

    def total(self, cap: int) -> str:
        """Return the statement that counts matching rows up to ``cap``."""
        terms = self.where()
        where = f" WHERE {' AND '.join(terms)}" if terms else ""
        return f"SELECT count(*) FROM (SELECT 1 FROM {self.source()}{where} LIMIT {int(cap)}) x"


@lru_cache(maxsize=4096)
def compiler(catalog: Catalog, resource_name: str, engine: str, shape: Shape) -> Compiler:
    """Return the compiler of a shape, kept with its cached statements."""
    return Compiler(catalog, catalog.by_name[resource_name], engine, shape)


@lru_cache(maxsize=4096)
def page_sql(catalog: Catalog, resource_name: str, engine: str, shape: Shape, segment: Segment, *, offset: bool) -> str:
    """Return the statement of a page's segment."""
    return compiler(catalog, resource_name, engine, shape).page(segment, offset=offset)


@lru_cache(maxsize=1024)
def row_sql(catalog: Catalog, resource_name: str, engine: str, shape: Shape | None = None, trash: bool = False) -> str:  # noqa: FBT001, FBT002
    """Return the statement of one row by organization and id: JSON text and version."""
    resource = catalog.by_name[resource_name]
    plan = plan_of(resource.model, engine)
    sign = mark(engine)
    terms = [f"t.{plan.scope} = {sign}"] if plan.scope else []
    if plan.personal:
        terms.append(plan.personal_term())
    terms.append(f"t.{resource.key} = {sign}")
    if plan.trashable and not trash:
        terms.append("t.deleted_at IS NULL")
    version = "t.version" if plan.versioned else "0"
    projection = row_json(catalog, resource_name, engine, shape)
    return f"SELECT {projection}, {version} FROM {plan.table} t WHERE {' AND '.join(terms)}"
