"""The query grammar: a URL's query string, parsed to a shape (what the SQL depends on) and its values.

``status=in.(draft,active)&created_at=gte.2026-01-01&sort=-created_at&or=(name.eq.A,brand.name.eq.B)``. The text before
the first dot that is an operator is one; anything else means equality. ``$me`` and ``$now-7d`` stand for whoever asks
and for a moment. Every error names its parameter.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from math import isfinite
from typing import Any, Literal
from urllib.parse import parse_qsl
from uuid import UUID

import sqlalchemy as sa

from growbase.core.errors import InvalidQuery
from growbase.core.folding import search_words
from growbase.core.model import Root, Rule, rule_of, table_of
from growbase.core.placeholders import placeholder
from growbase.core.resource import Catalog, Resource
from growbase.core.search import NOTHING

OPERATORS = frozenset({"eq", "neq", "gt", "gte", "lt", "lte", "in", "like", "ilike", "is", "contains", "not"})
MAX_TERMS = 50
MAX_SORT = 5
MAX_VALUE = 2_000
MAX_IN = 200
DEFAULT_LIMIT = 20
MAX_LIMIT = 200
MAX_DEPTH = 3
MAX_OFFSET = 10_000

Trash = Literal["exclude", "include", "only"]
RESERVED = {
    *("sort", "limit", "cursor", "page", "expand", "counts", "fields", "trash", "q", "or", "and"),
    *("sortBy", "sortOrder", "format", "aggregate", "group_by", "as_of", "lang"),
}


@dataclass(frozen=True, slots=True)
class Term:
    """One condition without its value: ``column`` of the row, of an expandable relation, or a path into a document."""

    column: str
    operator: str
    negated: bool = False
    relation: str | None = None
    path: bool = False
    count: int = 1


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions joined by ``and`` or ``or``."""

    kind: Literal["and", "or"]
    members: tuple["Term | Group", ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """Everything the SQL text depends on; equal shapes share one compiled statement."""

    filters: Group
    sort: tuple[tuple[str, bool], ...]
    expand: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    trash: Trash = "exclude"
    search: bool = False
    found: bool = False
    """Whether the rows that have the words are given by their ids, which are then the statement's first parameter."""


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query: its shape, the filter values in order, and where to start."""

    shape: Shape
    values: tuple[object, ...]
    limit: int
    cursor: str | None
    page: int | None
    words: str
    options: tuple[tuple[str, str], ...]

    def option(self, name: str) -> str | None:
        """Return a parameter that only some routes know, such as ``format``."""
        return dict(self.options).get(name)


def bad(parameter: str, message: str, /, **params: object) -> InvalidQuery:
    """Return the error of one parameter."""
    return InvalidQuery.at(parameter, "invalid_query", message, **params)


def snake(name: str) -> str:
    """Return the snake_case form of a camelCase name; a snake_case name stays as it is."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def parse(catalog: Catalog, resource: Resource, query_string: str) -> Query:
    """Parse a query string for a resource; equal strings are parsed once. Raises InvalidQuery."""
    return _parse(catalog, resource.name, query_string)


@lru_cache(maxsize=2048)
def _parse(catalog: Catalog, resource_name: str, query_string: str) -> Query:
    try:
        pairs = parse_qsl(
            query_string, keep_blank_values=True, strict_parsing=False, errors="strict", max_num_fields=200
        )
    except UnicodeDecodeError as error:
        raise bad("", "must be percent-encoded UTF-8") from error
    except ValueError as error:
        raise bad("", "has too many parameters") from error
    return _Parser(catalog, catalog.by_name[resource_name]).run(pairs)


class _Parser:
    """Reads the parameters of one query string."""

    def __init__(self, catalog: Catalog, resource: Resource) -> None:
        self.catalog = catalog
        self.resource = resource
        self.values: list[object] = []
        self.terms = 0

    def run(self, pairs: list[tuple[str, str]]) -> Query:
        reserved: dict[str, str] = {}
        members: list[Term | Group] = []
        for name, value in pairs:
            if "\x00" in name or "\x00" in value:
                raise bad(name, "must not contain the character NUL")
            if len(value) > MAX_VALUE:
                raise bad(name, "must have at most {max} characters", max=MAX_VALUE)
            if name in RESERVED - {"or", "and"}:
                if name in reserved:
                    raise bad(name, "is given twice")
                reserved[name] = value
            else:
                members.append(self._member(name, value))
        words = self._words(reserved.get("q"))
        shape = Shape(
            filters=Group("and", tuple(members)),
            sort=self._sort(reserved),
            expand=self._names("expand", reserved.get("expand"), self.resource.expand),
            counts=self._names("counts", reserved.get("counts"), self.resource.counts),
            fields=self._names("fields", reserved.get("fields"), [column.name for column in self.resource.public]),
            trash=self._trash(reserved.get("trash", "exclude")),
            search=bool(words),
        )
        page = self._number("page", reserved.get("page"), 1, 1_000_000)
        limit = self._number("limit", reserved.get("limit"), 1, MAX_LIMIT) or DEFAULT_LIMIT
        if page is not None and (page - 1) * limit > MAX_OFFSET:
            raise bad("page", "reaches only the first {max} rows: follow next_cursor instead", max=MAX_OFFSET)
        known = ("format", "aggregate", "group_by", "as_of")
        options = tuple((name, reserved[name]) for name in known if name in reserved)
        return Query(shape, tuple(self.values), limit, reserved.get("cursor"), page, words, options)

    # -- filters --------------------------------------------------------------------------------------------------

    def _member(self, name: str, value: str) -> "Term | Group":
        if name in {"or", "and"}:
            return self._group(name, name, value, 1)
        return self._term(name, name, value)

    def _group(self, parameter: str, kind: str, text: str, depth: int) -> Group:
        if not (text.startswith("(") and text.endswith(")")):
            raise bad(parameter, "must be a list in parentheses, such as (status.eq.draft,name.eq.A)")
        if depth > MAX_DEPTH:
            raise bad(parameter, "is nested too deeply")
        members: list[Term | Group] = []
        for part in split_list(parameter, text[1:-1]):
            for inner in ("or", "and"):
                if part.startswith(f"{inner}("):
                    members.append(self._group(parameter, inner, part[len(inner) :], depth + 1))
                    break
            else:
                members.append(self._dotted(parameter, part))
        if not members:
            raise bad(parameter, "must not be empty")
        return Group("or" if kind == "or" else "and", tuple(members))

    def _dotted(self, parameter: str, part: str) -> Term:
        """Read ``field.operator.value`` inside a group; the field may itself have dots."""
        pieces = part.split(".")
        for place in range(1, len(pieces)):
            if pieces[place] in OPERATORS:
                return self._term(parameter, ".".join(pieces[:place]), ".".join(pieces[place:]))
        raise bad(parameter, "{part} must have the form field.operator.value", part=part)

    def _term(self, parameter: str, name: str, text: str) -> Term:
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise bad(parameter, "there may be at most {max} conditions", max=MAX_TERMS)
        operator, negated, value = _operator(text)
        relation, column, path = self._target(parameter, name)
        if path:
            self.values.append(path)
        rule, raw = rule_of(column), unquoted(value)
        if operator == "in":
            if not (value.startswith("(") and value.endswith(")")):
                raise bad(parameter, "in needs a list in parentheses, such as in.(a,b)")
            items = [unquoted(item) for item in split_list(parameter, value[1:-1])]
            if not 1 <= len(items) <= MAX_IN:
                raise bad(parameter, "in takes 1 to {max} values", max=MAX_IN)
            read = [item if path else _read(parameter, rule, item) for item in items]
            self.values.append(tuple(read))
            return Term(column.name, operator, negated, relation, bool(path), len(read))
        if operator == "is":
            if raw not in {"null", "true", "false"}:
                raise bad(parameter, "is takes null, true or false")
            if raw != "null" and rule.kind != "boolean" and not path:
                raise bad(parameter, "is.true and is.false work on fields that are true or false")
            return Term(column.name, f"is_{raw}", negated, relation, bool(path), 0)
        self.values.append(self._operand(parameter, rule, operator, raw, is_path=bool(path)))
        return Term(column.name, operator, negated, relation, bool(path))

    def _operand(self, parameter: str, rule: Rule, operator: str, raw: str, *, is_path: bool) -> object:
        is_text = rule.kind in {"text", "choice"}
        if operator in {"like", "ilike"} and not (is_text or is_path):
            raise bad(parameter, "{operator} works on text only", operator=operator)
        if operator == "contains":
            if not (is_text or rule.kind == "document"):
                raise bad(parameter, "contains works on text and lists only")
            return raw
        if rule.kind == "document" and not is_path:
            raise bad(parameter, "name a field of the document, such as {name}.key", name=parameter)
        if is_path and operator in {"gt", "gte", "lt", "lte"}:
            return literal(parameter, Rule("number"), raw)
        return raw if is_path or operator in {"like", "ilike"} else _read(parameter, rule, raw)

    def _target(self, parameter: str, name: str) -> tuple[str | None, sa.Column[Any], tuple[str, ...]]:
        """Resolve a field name to relation, column and document path."""
        first, *rest = name.split(".")
        column = self._column(self.resource.model, first)
        if column is not None:
            is_document = rule_of(column).kind == "document"
            if rest and not is_document:
                raise bad(parameter, "{name} has no fields of its own", name=first)
            return None, column, tuple(rest)
        if snake(first) in self.resource.expand and len(rest) == 1:
            target = rule_of(self.resource.expand_column(snake(first))).target
            assert target is not None
            column = self._column(self.catalog.models[target], rest[0])
            if column is not None and rule_of(column).kind != "document":
                return snake(first), column, ()
        raise bad(parameter, "{name} is not a field of {resource}", name=name, resource=self.resource.name)

    def _column(self, model: type[Root], name: str) -> sa.Column[Any] | None:
        columns = table_of(model).columns
        found = columns.get(name)
        if found is None:
            found = columns.get(snake(name))
        return None if found is None or rule_of(found).hidden else found

    # -- the rest -------------------------------------------------------------------------------------------------

    def _sort(self, reserved: dict[str, str]) -> tuple[tuple[str, bool], ...]:
        text = reserved.get("sort")
        if reserved.get("sortOrder", "asc").lower() not in {"asc", "desc"}:
            raise bad("sortOrder", "must be asc or desc")
        if text is None and "sortBy" in reserved:
            text = ("-" if reserved.get("sortOrder", "asc").lower() == "desc" else "") + reserved["sortBy"]
        terms = [term for term in (text or self.resource.sort).split(",") if term]
        if len(terms) > MAX_SORT:
            raise bad("sort", "takes at most {max} fields", max=MAX_SORT)
        sort: list[tuple[str, bool]] = []
        for term in terms:
            name = snake(term.lstrip("-+"))
            if name not in self.resource.sortable and name != self.resource.key:
                allowed = ", ".join(sorted(self.resource.sortable))
                raise bad("sort", "{name} can't be sorted by; use {allowed}", name=name, allowed=allowed)
            if sort and self.resource.table.columns[name].nullable:
                raise bad("sort", "{name} may be empty, so it can only come first", name=name)
            sort.append((name, term.startswith("-")))
        if self.resource.key not in {name for name, _ in sort}:
            sort.append((self.resource.key, sort[-1][1] if sort else False))
        return tuple(sort)

    def _names(self, parameter: str, text: str | None, allowed: Iterable[str]) -> tuple[str, ...]:
        names = tuple(dict.fromkeys(snake(name.strip()) for name in (text or "").split(",") if name.strip()))
        for name in names:
            if name not in allowed:
                choices = ", ".join(sorted(allowed)) or "nothing"
                raise bad(parameter, "{name} is not available; choose from {choices}", name=name, choices=choices)
        return names

    def _trash(self, text: str) -> Trash:
        if text not in {"exclude", "include", "only"}:
            raise bad("trash", "must be exclude, include or only")
        if text != "exclude" and not self.resource.trashable:
            raise bad("trash", "{resource} have no trash", resource=self.resource.name)
        return text  # type: ignore[return-value]

    def _number(self, parameter: str, text: str | None, low: int, high: int) -> int | None:
        if text is None:
            return None
        if not text.isdecimal() or not low <= int(text) <= high:
            raise bad(parameter, "must be a whole number from {low} to {high}", low=low, high=high)
        return int(text)

    def _words(self, text: str | None) -> str:
        if text is None or not text.strip():
            return ""
        if not self.resource.search:
            raise bad("q", "{resource} have no text search", resource=self.resource.name)
        return search_words(text) or NOTHING


def _operator(text: str) -> tuple[str, bool, str]:
    head, dot, tail = text.partition(".")
    if dot and head == "not":
        operator, negated, value = _operator(tail)
        return operator, not negated, value
    return (head, False, tail) if dot and head in OPERATORS else ("eq", False, text)


def unquoted(text: str) -> str:
    """Return a value without its double quotes; a backslash keeps the quote behind it."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return text


def split_list(parameter: str, text: str) -> list[str]:
    """Split at commas outside of quotes and parentheses."""
    parts: list[str] = []
    depth, quoted, start, place = 0, False, 0, 0
    while place < len(text):
        letter = text[place]
        if quoted:
            if letter == "\\":
                place += 1
            elif letter == '"':
                quoted = False
        elif letter == '"':
            quoted = True
        elif letter == "(":
            depth += 1
        elif letter == ")":
            depth -= 1
        elif letter == "," and depth == 0:
            parts.append(text[start:place])
            start = place + 1
        place += 1
    if quoted or depth:
        raise bad(parameter, "has unbalanced quotes or parentheses")
    return [part for part in (*parts, text[start:]) if part]


def _read(parameter: str, rule: Rule, text: str) -> object:
    """Return the value of a text, or what stands for it until the query runs."""
    found = placeholder(rule, text) if text.startswith("$") else None
    return literal(parameter, rule, text) if found is None else found


def literal(parameter: str, rule: Rule, text: str) -> object:
    """Return the Python value of a text in a query, by the column's rule. Raises InvalidQuery naming the parameter."""
    try:
        return _literal(rule, text)
    except (ValueError, OverflowError) as error:
        kinds = {
            "integer": "must be a whole number",
            "number": "must be a number",
            "boolean": "must be true or false",
            "moment": "must be a time such as 2026-01-31 or 2026-01-31T09:00:00Z",
            "day": "must be a date such as 2026-01-31",
            "choice": "must be one of {choices}",
        }
        choices = ", ".join(rule.enum) if rule.enum else ""
        raise bad(parameter, kinds.get(rule.kind, "must be a UUID"), choices=choices) from error


def _literal(rule: Rule, text: str) -> object:
    match rule.kind:
        case "text" | "document" | "secret":
            return text
        case "integer":
            value = int(text)
            if not -(2**63) <= value < 2**63:
                raise ValueError(text)
            return value
        case "number":
            found = float(text)
            if not isfinite(found):
                raise ValueError(text)
            return found
        case "boolean":
            return {"true": True, "false": False}.get(text.lower()) if text.lower() in {"true", "false"} else int("x")
        case "moment":
            moment = datetime.fromisoformat(text.replace(" ", "+"))
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        case "day":
            return date.fromisoformat(text)
        case "choice":
            assert rule.enum is not None
            return rule.enum(text.lower()).value
        case _:
            return UUID(text)
