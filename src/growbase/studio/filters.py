"""Filters of a list: the form that makes them, the query they become, and the chips that show them."""

from dataclasses import dataclass
from typing import Any, Final

from growbase.core.model import rule_of, table_of
from growbase.core.placeholders import ME, placeholder
from growbase.core.query import OPERATORS, RESERVED, split_list, unquoted
from growbase.core.resource import Resource
from growbase.core.types import is_id
from growbase.studio.rows import Column, columns_of
from growbase.studio.words import Words

PREFIX: Final = "f."
OWN: Final = frozenset({"columns", "density", "count", "lang", "note", "view"})
"""Parameters of a list that the query grammar does not know."""
Pairs = list[tuple[str, str]]
ORDER: Final = ("state", "choice", "reference", "text", "boolean", "moment", "day", "money", "integer", "number")
"""The kinds of columns the filter form offers, in this order."""
SIGNS: Final = {
    "eq": "", "neq": "≠ ", "gt": "> ", "gte": "≥ ", "lt": "< ", "lte": "≤ ", "in": "", "like": "~ ", "ilike": "~ ",
    "contains": "~ ", "is": "", "not": "≠ ",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chip:
    """One condition that is set: what it says, and the address without it."""

    label: str
    text: str
    without: Pairs


def filterable(resource: Resource) -> list[Column]:
    """Return the columns the filter form offers."""
    table = table_of(resource.model)
    indexed = {column.name for index in table.indexes for column in index.columns}

    def is_offered(column: Column) -> bool:
        if column.name in {"version", "deleted_at"}:
            return False
        if column.kind == "text":
            return (
                rule_of(table.columns[column.name]).index or f"{column.name}_norm" in indexed or column.name in indexed
            )
        return column.kind in ORDER and column.name not in {"updated_by", "deleted_by"}

    found = [column for column in columns_of(resource) if is_offered(column)]
    return sorted(found, key=lambda column: ORDER.index(column.kind))


def for_reader(pairs: Pairs) -> Pairs:
    """Return the parameters that the query grammar knows."""
    return [(name, value) for name, value in pairs if name not in OWN and not name.startswith(PREFIX)]


def canonical(words: Words, resource: Resource, pairs: Pairs) -> Pairs:
    """Return an address's parameters with what the filter form sent turned into conditions."""
    sent: dict[str, list[str]] = {}
    for name, value in pairs:
        if name.startswith(PREFIX):
            sent.setdefault(name.removeprefix(PREFIX), []).append(value.strip())
    touched = {name.partition(".")[0] for name in sent}
    known = {column.name: column for column in filterable(resource)}
    kept = [(name, value) for name, value in pairs if not name.startswith(PREFIX) and name not in {*touched, "cursor"}]
    columns = [name for name in sent.pop("columns", []) if name]
    found = [pair for name, values in sent.items() for pair in _conditions(words, known, name, values)]
    return [*kept, *found, *([("columns", ",".join(columns))] if columns else [])]


def _conditions(words: Words, known: dict[str, Column], name: str, values: list[str]) -> Pairs:
    field, _, part = name.partition(".")
    column = known.get(field)
    given = [value for value in values if value]
    if column is None or not given:
        return []
    value = given[-1]
    if column.kind in {"state", "choice"}:
        return [(field, value if len(given) == 1 else f"in.({','.join(given)})")]
    if column.kind == "text":
        return [(field, f"contains.{value}")]
    if column.kind == "moment" and part:
        try:
            bound = words.day_bounds(value, end=part == "to")
        except ValueError:
            return [(field, f"gte.{value}")]
        return [(field, f"{'lt' if part == 'to' else 'gte'}.{bound}")]
    if column.kind == "money" and part:
        value = minor(value)
    return [(field, f"{'lte' if part == 'to' else 'gte'}.{value}" if part else value)]


def minor(text: str, digits: int = 2) -> str:
    """Return a typed amount in minor units; anything that is none stays as it is."""
    plain = text.replace("\u202f", "").replace("\u00a0", "").replace(" ", "").replace(",", ".")
    whole, _, rest = plain.partition(".")
    sign, whole = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    fits = (whole + rest).isdecimal() and (whole + rest).isascii() and len(rest) <= digits
    return f"{sign}{int((whole or '0') + rest.ljust(digits, '0'))}" if fits else text


def chips(words: Words, resource: Resource, pairs: Pairs, names: dict[str, str]) -> list[Chip]:
    """Return the conditions an address sets."""
    columns = {column.name: column for column in columns_of(resource)}
    found = []
    for place, (name, value) in enumerate(pairs):
        without = [pair for at, pair in enumerate(pairs) if at != place and pair[0] != "cursor"]
        if name in {"or", "and"}:
            found.append(Chip(words.say("Any of") if name == "or" else words.say("All of"), value.strip("()"), without))
        elif name == "q" and value:
            found.append(Chip(words.say("Search"), value, without))
        elif name not in RESERVED | OWN:
            found.append(Chip(words.label(name), _spoken(words, columns.get(name), value, names), without))
    return found


def _spoken(words: Words, column: Column | None, text: str, names: dict[str, str]) -> str:
    """Return a condition as people say it."""
    head, dot, tail = text.partition(".")
    operator, value = (head, tail) if dot and head in OPERATORS else ("eq", text)
    if operator == "not":
        return f"≠ {_spoken(words, column, tail, names)}"
    if operator == "is":
        return {"null": words.say("empty"), "true": words.say("yes"), "false": words.say("no")}.get(value, value)
    if operator == "in" and value.startswith("("):
        items = [unquoted(item) for item in split_list("", value[1:-1])]
        return ", ".join(_value(words, column, item, names) for item in items)
    if operator == "lt" and column is not None and column.kind == "moment":
        return f"< {_value(words, column, value, names)}"
    return SIGNS.get(operator, "") + _value(words, column, unquoted(value), names)


def _value(words: Words, column: Column | None, text: str, names: dict[str, str]) -> str:
    kind = column.kind if column else ""
    if text == ME and kind == "reference":
        return words.say("Me")
    stands_for = placeholder(column.rule, text) if column is not None and text.startswith("$now") else None
    if stands_for is not None and stands_for.shift is not None:
        return words.distance(stands_for.shift)
    try:
        if kind in {"state", "choice"}:
            return words.label(text)
        if kind == "boolean":
            return words.say("yes") if text == "true" else words.say("no")
        if kind == "reference":
            return names.get(text, text[-6:])
        if kind == "money":
            return words.money(int(text), None)
        if kind == "moment":
            return words.short_moment(text if "T" in text else f"{text}T00:00:00Z")
        return words.day(text) if kind == "day" else text
    except ValueError:
        return text


def referred(resource: Resource, pairs: Pairs) -> dict[str, set[str]]:
    """Return the ids an address filters by, by their table, for their names."""
    columns = {column.name: column for column in columns_of(resource)}
    found: dict[str, set[str]] = {}
    for name, value in pairs:
        column = columns.get(name)
        if column is not None and column.target:
            text = value.removeprefix("eq.").removeprefix("in.").strip("()")
            found.setdefault(column.target, set()).update(item for item in text.split(",") if is_id(item))
    return found


def current_values(pairs: Pairs) -> dict[str, Any]:
    """Return what the filter form shows as set already: the values of each field that is equal or in."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name not in RESERVED | OWN and not name.startswith(PREFIX):
            plain = value.removeprefix("eq.")
            inner = plain.removeprefix("in.(").removesuffix(")")
            found[name] = set(inner.split(",")) if plain.startswith("in.(") else {plain}
    return found
