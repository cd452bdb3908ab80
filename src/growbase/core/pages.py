"""Reading through the query grammar: pages with cursors, single rows, totals, aggregates and exports."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from growbase.core.actor import Actor
from growbase.core.crypto import BadSignature, sign, verify
from growbase.core.database import Database, Near
from growbase.core.errors import NotFound
from growbase.core.model import Rule, rule_of
from growbase.core.placeholders import resolved
from growbase.core.query import Group, Query, Shape, Term, bad, literal, snake
from growbase.core.resource import Resource
from growbase.core.search import match_text
from growbase.core.select import Segment, compiler, page_sql, row_sql
from growbase.core.statements import POSTGRESQL, Field, Plan, plan_of
from growbase.core.types import Moment, moment_text

TOTAL_CAP = 100_000
"""Rows a total counts before it says that there are more."""
SCAN_TIMEOUT_MS = 5_000
"""Time a statement may take that no declared index bounds: totals, text search, ``contains``, aggregates."""
FEW = 1_000
"""Hits of a search up to which they are gone through themselves."""
GROUP_CAP = 1_000
EXPORT_PAGE = 500
_UNORDERED = frozenset({"document", "secret", "boolean", "reference", "identifier"})
_NO_NUMBERS = _UNORDERED | {"text", "choice", "moment", "day"}
AGGREGATED_NEVER: Mapping[str, frozenset[str]] = {
    "count": frozenset({"document"}),
    "count_distinct": frozenset({"document"}),
    "min": _UNORDERED,
    "max": _UNORDERED,
    "sum": _NO_NUMBERS,
    "avg": _NO_NUMBERS,
}
"""Each aggregate's name and the kinds of columns it can't be used on."""
LIKE, LIKE_ORDINARY = {"*": "%", "%": "%", "_": "_"}, {"%": "\\%", "_": "\\_", "\\": "\\\\"}
GLOB, GLOB_ORDINARY = {"*": "*", "%": "*", "_": "?"}, {"*": "[*]", "?": "[?]", "[": "[[]"}


@dataclass(frozen=True, slots=True)
class Page:
    """One page: rows as JSON texts, the cursor of the next, and a total where it was asked for."""

    rows: list[str]
    next_cursor: str | None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """Runs queries of one database; ``secret`` signs its cursors."""

    database: Database
    secret: bytes

    def row(
        self,
        actor: Actor,
        resource: Resource,
        id: UUID,
        shape: Shape | None = None,
        *,
        trash: bool = False,
    ) -> tuple[str, int]:
        """Return a row's JSON and version. Raises NotFound."""
        found = self.database.query(*self._row_statement(actor, resource, id, shape, trash=trash))
        if not found:
            raise NotFound(what=resource.noun)
        return found[0][0], found[0][1]

    def page(self, actor: Actor, resource: Resource, query: Query) -> Page:
        """Return one page. The cost does not grow with the table but for what has a cap and a timeout."""
        engine, catalog, near = self.database.engine, self.database.catalog, self.database.near(actor)
        plan = plan_of(resource.model, engine)
        bound = self._bound(plan, actor, resource, query)
        timeout = SCAN_TIMEOUT_MS if _is_scan(query.shape) else None
        if query.shape.search:
            query, bound = self._narrowed(near, resource, query, bound)
        if query.page is not None:
            sql = page_sql(catalog, resource.name, engine, query.shape, Segment(None, after=False), offset=True)
            skip = (query.page - 1) * query.limit
            found = near.query(sql, (*bound, query.limit, skip), timeout_ms=SCAN_TIMEOUT_MS)
            return Page([row[0] for row in found], None, self._total(near, resource, query.shape, bound, cap=TOTAL_CAP))
        found = []
        for segment, keys in self._segments(plan, query):
            wanted = query.limit + 1 - len(found)
            if wanted > 0:
                sql = page_sql(catalog, resource.name, engine, query.shape, segment, offset=False)
                found += near.query(sql, (*bound, *keys, wanted), timeout_ms=timeout)
        rows = found[: query.limit]
        more = len(found) > query.limit
        return Page([row[0] for row in rows], self._cursor(plan, resource, query.shape, rows[-1]) if more else None)

    def count(self, actor: Actor, resource: Resource, query: Query, *, cap: int) -> int:
        """Return how many rows match, counted no further than ``cap``."""
        bound = self._bound(plan_of(resource.model, self.database.engine), actor, resource, query)
        return self._total(self.database.near(actor), resource, query.shape, bound, cap=cap)

    def export(self, actor: Actor, resource: Resource, query: Query) -> Iterator[list[str]]:
        """Yield every matching row's JSON, a page at a time; the cost of a page does not grow with its place."""
        current = replace(query, limit=EXPORT_PAGE, page=None)
        while True:
            page = self.page(actor, resource, current)
            yield page.rows
            if page.next_cursor is None:
                return
            current = replace(current, cursor=page.next_cursor)

    def aggregate(self, actor: Actor, resource: Resource, query: Query) -> list[dict[str, Any]]:
        """Return ``?aggregate=count(),sum(budget_minor)&group_by=status`` as rows, at most GROUP_CAP groups."""
        engine = self.database.engine
        plan = plan_of(resource.model, engine)
        groups = [self._grouping(resource, name) for name in (query.option("group_by") or "").split(",") if name]
        measures = _measures(resource, query.option("aggregate") or "count()")
        columns = [(name, f"t.{name}") for name in groups] + measures
        made = compiler(self.database.catalog, resource.name, engine, query.shape)
        where = " AND ".join(made.where())
        tail = f" GROUP BY {', '.join(f't.{name}' for name in groups)}" if groups else ""
        tail += f" ORDER BY {', '.join(f'{place + 1} NULLS FIRST' for place in range(len(groups)))}" if groups else ""
        what = ", ".join(f'{sql} AS "{name}"' for name, sql in columns)
        sql = f"SELECT {what} FROM {plan.table} t{f' WHERE {where}' if where else ''}{tail} LIMIT {GROUP_CAP + 1}"
        bound = self._bound(plan, actor, resource, query)
        found = self.database.near(actor).query(sql, bound, timeout_ms=SCAN_TIMEOUT_MS)
        if len(found) > GROUP_CAP:
            raise bad("group_by", "makes more than {max} groups", max=GROUP_CAP)
        reads = [plan.fields[name].read for name in groups] + [None] * len(measures)
        return [
            {
                name: _plain(value if read is None or value is None else read(value))
                for (name, _), read, value in zip(columns, reads, row, strict=True)
            }
            for row in found
        ]

    # -- internal -------------------------------------------------------------------------------------------------

    def _row_statement(
        self, actor: Actor, resource: Resource, identity: UUID, shape: Shape | None, *, trash: bool
    ) -> tuple[str, tuple[object, ...]]:
        plan = plan_of(resource.model, self.database.engine)
        sql = row_sql(self.database.catalog, resource.name, self.database.engine, shape, trash)
        return sql, (*self._scope(plan, actor), plan.fields[resource.key].bound(identity))

    def _scope(self, plan: Plan, actor: Actor) -> list[object]:
        """Return the parameters of the terms that keep a statement to what the actor may see."""
        found = [self._tenant(plan, actor)] if plan.scope else []
        return [*found, plan.fields[plan.personal].bound(actor.id)] if plan.personal else found

    def _tenant(self, plan: Plan, actor: Actor) -> object:
        assert plan.scope is not None
        if actor.organization_id is None:
            raise NotFound(what="organization")
        return plan.fields[plan.scope].bound(actor.organization_id)

    def _bound(self, plan: Plan, actor: Actor, resource: Resource, query: Query) -> tuple[object, ...]:
        values = self._scope(plan, actor)
        values += self._filter_values(plan, actor, resource, query)
        if query.shape.search:
            match = match_text(self.database.engine, actor.organization_id, query.words)
            values += [self._tenant(plan, actor), match]
        return tuple(values)

    def _narrowed(
        self, near: Near, resource: Resource, query: Query, bound: tuple[object, ...]
    ) -> tuple[Query, tuple[object, ...]]:
        """Return the query over the rows that have the words where these are few, else as it was.

        Many are met soon in the order of an index; few may be anywhere in it.
        """
        engine = self.database.engine
        made = compiler(self.database.catalog, resource.name, engine, query.shape)
        *rest, tenant, words = bound
        hits = near.query(f"{made.hits()} LIMIT {FEW + 1}", (tenant, words), timeout_ms=SCAN_TIMEOUT_MS)
        if len(hits) > FEW:
            return query, bound
        ids = [row[0] for row in hits]
        given = ids if engine == POSTGRESQL else json.dumps(ids)
        return replace(query, shape=replace(query.shape, found=True)), (given, *rest)

    def _filter_values(self, plan: Plan, actor: Actor, resource: Resource, query: Query) -> Iterator[object]:
        values = iter(query.values)
        for term in _terms(query.shape.filters):
            if term.path:
                yield self._path_value(next(values))
            if term.count == 0:
                continue
            value = next(values)
            field = self._field_of(plan, resource, term)
            if term.path or term.operator in {"contains", "like", "ilike"}:
                yield from value if isinstance(value, tuple) else (self._pattern(term.operator, value),)
            elif isinstance(value, tuple):
                yield from (field.bound(resolved(item, field.rule, actor)) for item in value)
            else:
                yield field.bound(resolved(value, field.rule, actor))

    def _field_of(self, plan: Plan, resource: Resource, term: Term) -> Field:
        if term.relation is None:
            return plan.fields[term.column]
        target = self.database.catalog.models[str(rule_of(resource.expand_column(term.relation)).target)]
        return plan_of(target, self.database.engine).fields[term.column]

    def _path_value(self, path: object) -> object:
        assert isinstance(path, tuple)
        if self.database.engine == POSTGRESQL:
            return list(path)
        # SQLite reads a quoted label as JSON.
        return "$" + "".join(
            f"[{key}]" if key.isascii() and key.isdecimal() else "." + json.dumps(key, ensure_ascii=False)
            for key in path
        )

    def _pattern(self, operator: str, value: object) -> object:
        """Return a like pattern as the engine reads it.

        ``*`` and ``%`` stand for anything, ``_`` for one letter; a backslash makes the next letter an ordinary one.
        """
        if operator not in {"like", "ilike"}:
            return value
        is_glob = operator == "like" and self.database.engine != POSTGRESQL
        special, ordinary = (GLOB, GLOB_ORDINARY) if is_glob else (LIKE, LIKE_ORDINARY)
        letters = iter(str(value))
        found = []
        for letter in letters:
            if letter in special:
                found.append(special[letter])
            else:
                plain = next(letters, letter) if letter == "\\" else letter
                found.append(ordinary.get(plain, plain))
        return "".join(found)

    def _segments(self, plan: Plan, query: Query) -> Iterator[tuple[Segment, tuple[object, ...]]]:
        """Yield the statements of a page: NULL is the smallest value, so it comes first upwards and last downwards."""
        (first, descending), *_ = query.shape.sort
        after = self._decoded(plan, query) if query.cursor else None
        if not plan.fields[first].nullable:
            yield Segment(None, after=after is not None), _keys(query.shape.sort, after) if after else ()
            return
        for null in (False, True) if descending else (True, False):
            if after is None:
                yield Segment(null, after=False), ()
            elif (after[0] is None) == null:
                rest = 1 if null else 0
                keys = _keys(query.shape.sort[rest:], after[rest:], bounded=not null)
                yield Segment(null, after=True), keys
            elif null == descending:
                yield Segment(null, after=False), ()

    def _cursor(self, plan: Plan, resource: Resource, shape: Shape, row: Any) -> str:  # noqa: ANN401 -- a driver's row
        values = []
        for (name, _), value in zip(shape.sort, row[1:], strict=True):
            field = plan.fields[name]
            read = value if value is None or field.read is None else field.read(value)
            values.append(moment_text(read) if read is not None and isinstance(field.type, Moment) else read)
        payload = [resource.name, [list(term) for term in shape.sort], values]
        return sign(self.secret, json.dumps(payload, default=str, separators=(",", ":")).encode(), "cursor")

    def _decoded(self, plan: Plan, query: Query) -> list[object]:
        try:
            name, sort, values = json.loads(verify(self.secret, query.cursor or "", "cursor"))
        except (BadSignature, ValueError) as error:
            raise bad("cursor", "is not a cursor of this server: start again without it") from error
        if name.replace("-", "_") != plan.table or [tuple(term) for term in sort] != list(query.shape.sort):
            raise bad("cursor", "belongs to another query: keep resource and sort as they were")
        fields = [plan.fields[name] for name, _ in query.shape.sort]
        return [
            None if value is None else field.bound(_revived(field.rule, value))
            for field, value in zip(fields, values, strict=True)
        ]

    def _total(self, near: Near, resource: Resource, shape: Shape, bound: tuple[object, ...], *, cap: int) -> int:
        made = compiler(self.database.catalog, resource.name, self.database.engine, shape)
        return int(near.query(made.total(cap), bound, timeout_ms=SCAN_TIMEOUT_MS)[0][0])

    def _grouping(self, resource: Resource, name: str) -> str:
        column = snake(name.strip())
        names = {found.name: rule_of(found) for found in resource.public}
        if column not in names or names[column].kind == "document":
            raise bad("group_by", "{name} is not a field of {resource}", name=name, resource=resource.name)
        return column


def _revived(rule: Rule, value: Any) -> object:  # noqa: ANN401 -- a JSON value
    return literal("cursor", rule, value) if isinstance(value, str) else value


def _keys(sort: tuple[tuple[str, bool], ...], values: list[object], *, bounded: bool = True) -> tuple[object, ...]:
    """Return the parameters of ``Compiler.after`` for a row's sort values."""
    if all(direction == sort[0][1] for _, direction in sort):
        return tuple(values)
    steps: list[object] = values[:1] if bounded else []
    for place in range(len(sort)):
        steps += values[: place + 1]
    return tuple(steps)


def _terms(group: Group) -> Iterator[Term]:
    for member in group.members:
        if isinstance(member, Group):
            yield from _terms(member)
        else:
            yield member


def _is_scan(shape: Shape) -> bool:
    return shape.search or any(True for _ in _terms(shape.filters))


def _measures(resource: Resource, text: str) -> list[tuple[str, str]]:
    """Return name and SQL of each aggregate asked for."""
    columns = {column.name: rule_of(column) for column in resource.public}
    found = []
    for part in text.split(","):
        function, _, rest = part.strip().partition("(")
        name = snake(rest.removesuffix(")").strip())
        if function not in AGGREGATED_NEVER or not rest.endswith(")"):
            raise bad(
                "aggregate", "{part} is none of count(), sum(x), avg(x), min(x), max(x), count_distinct(x)", part=part
            )
        if function == "count" and not name:
            found.append(("count", "count(*)"))
            continue
        if name not in columns or columns[name].kind in AGGREGATED_NEVER[function]:
            raise bad("aggregate", "{name} can't be used in {function}", name=name, function=function)
        if function == "sum" and name in resource.gauges:
            raise bad("aggregate", "{name} is a running total: its values don't add up, take max instead", name=name)
        inner = f"DISTINCT t.{name}" if function == "count_distinct" else f"t.{name}"
        found.append((f"{function}_{name}", f"{function.removesuffix('_distinct')}({inner})"))
    return found


def _plain(value: object) -> object:
    """Return a value as JSON has it; PostgreSQL sums integers to Decimal."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return moment_text(value)
    return value.isoformat() if isinstance(value, date) else value
