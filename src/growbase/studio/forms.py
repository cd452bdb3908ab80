"""Forms made from request schemas: the input for each field, what it shows, and the JSON a visitor typed into it."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from growbase.core.errors import FieldError, Invalid
from growbase.core.model import rule_of
from growbase.core.reads import Reads
from growbase.core.resource import Catalog, Resource
from growbase.core.types import compact_json
from growbase.studio.documents import SPARE, lines_sent, loaded, plain, written
from growbase.studio.filters import minor
from growbase.studio.lookup import OPTIONS, members, rows_like
from growbase.studio.rows import names_by_id
from growbase.studio.visit import Visit
from growbase.studio.words import Words, currency_of, digits_of

LINE: Final = 300
"""Characters of a text that still fits one line of input."""
T = TypeVar("T")
Texts = dict[str, str]


@dataclass(frozen=True, slots=True)
class Input:
    """One field of a form; ``kind`` chooses its input, ``target`` is the table a reference goes to.

    The fields of a document with a schema are its ``parts``: those of a ``group``, or of each line of a ``table``.
    """

    name: str
    kind: str
    required: bool = False
    nullable: bool = False
    help: str = ""
    target: str | None = None
    choices: tuple[str, ...] = ()
    longest: int | None = None
    low: float | None = None
    high: float | None = None
    default: object = None
    parts: tuple["Input", ...] = ()

    @property
    def label(self) -> str:
        """What it is called: the last part of its name."""
        return self.name.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Shown:
    """A field as a page shows it: its text, the options of a choice, and what is wrong with it."""

    input: Input
    text: str = ""
    options: list[tuple[str, str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    base: str | None = None
    lines: list[list["Shown"]] = field(default_factory=list)
    """The parts of a document: one line for a group, one for each item of a table."""


def inputs_of(catalog: Catalog, model: type[BaseModel], resource: Resource | None) -> list[Input]:
    """Return the inputs of a request schema; ``resource`` tells money, secrets and references by its columns."""
    document = model.model_json_schema(by_alias=False)
    required = set(document.get("required", []))
    defined = document.get("$defs", {})
    found = []
    for name, described in document.get("properties", {}).items():
        if name == "version":
            continue
        found.append(_input(catalog, resource, name, described, defined, required=name in required))
    return sorted(found, key=lambda one: not one.required)


def _input(
    catalog: Catalog,
    resource: Resource | None,
    name: str,
    described: Mapping[str, Any],
    defined: Mapping[str, Any],
    *,
    required: bool,
) -> Input:
    options = described.get("anyOf", [described])
    inner: Mapping[str, Any] = next((one for one in options if one.get("type") != "null"), {})
    if "$ref" in inner:
        inner = {**defined.get(inner["$ref"].rpartition("/")[2], {}), **inner}
    columns = dict(resource.table.columns.items()) if resource is not None else {}
    column = columns.get(name)
    rule = rule_of(column) if column is not None else None
    target = rule.target if rule else None
    is_id = inner.get("format") == "uuid"
    if target is None and is_id:
        target = _guessed(catalog, resource, name.rpartition(".")[2])
    kind = "reference" if target and is_id else _kind(name, inner)
    kind, parts = _parts(catalog, name, inner, defined) if kind == "json" and "." not in name else (kind, ())
    if resource is not None and f"{name}_cipher" in columns:
        kind = "secret"
    choices = tuple(str(one) for one in inner.get("enum", [inner["const"]] if "const" in inner else []))
    return Input(
        name,
        kind,
        required=required,
        nullable=any(one.get("type") == "null" for one in options),
        help=str(described.get("description", "")),
        target=target,
        choices=choices,
        longest=inner.get("maxLength"),
        low=inner.get("minimum"),
        high=inner.get("maximum"),
        default=described.get("default"),
        parts=parts,
    )


def _parts(
    catalog: Catalog, name: str, inner: Mapping[str, Any], defined: Mapping[str, Any]
) -> tuple[str, tuple[Input, ...]]:
    """Return how a document is edited: as the fields of its schema or, where it has none, as JSON."""
    item = inner.get("items", inner)
    if "$ref" in item:
        item = defined.get(item["$ref"].rpartition("/")[2], {})
    required = item.get("required", [])
    parts = tuple(
        _input(catalog, None, f"{name}.{part}", described, defined, required=part in required)
        for part, described in item.get("properties", {}).items()
        if "const" not in described
    )
    return ("table" if "items" in inner else "group", parts) if parts else ("json", ())


def _kind(name: str, inner: Mapping[str, Any]) -> str:
    if "enum" in inner or "const" in inner:
        return "choice"
    match inner.get("type"), inner.get("format"):
        case "boolean", _:
            return "boolean"
        case "integer", _:
            return "money" if name.endswith("_minor") else "integer"
        case "number", _:
            return "number"
        case "string", "date-time":
            return "moment"
        case "string", "date":
            return "day"
        case "string", "password":
            return "secret"
        case "string", _:
            is_long = inner.get("maxLength", LINE + 1) > LINE and inner.get("format") != "uuid"
            return "long" if is_long and "pattern" not in inner else "text"
        case "array", _ if inner.get("items", {}).get("type") == "string" and "enum" not in inner["items"]:
            return "lines"
    return "json"


def _guessed(catalog: Catalog, resource: Resource | None, name: str) -> str | None:
    """Return the table an id of a verb's body means, by its name."""
    if name in {"user_id", "assignee_id", "owner_id"} or name.endswith("_user_id"):
        return "users"
    if name == "into_id" and resource is not None:
        return resource.table.name
    stem = name.removesuffix("_id")
    return next((table for table in (f"{stem}s", f"{stem}es", stem) if table in catalog.by_table), None)


# -- from a row to texts, and back ------------------------------------------------------------------------------------


def texts_of(words: Words, inputs: Iterable[Input], row: Mapping[str, Any]) -> Texts:
    """Return what each input shows of a row."""
    return {one.name: _text(words, one, row.get(one.name), row) for one in inputs}


def defaults_of(words: Words, inputs: Iterable[Input], given: Mapping[str, str]) -> Texts:
    """Return what the inputs of a new row show: what the address gives, else the defaults."""
    return {one.name: given.get(one.name) or _text(words, one, one.default, {}) for one in inputs}


def _text(words: Words, one: Input, value: Any, row: Mapping[str, Any]) -> str:  # noqa: ANN401 -- a JSON value
    if value is None or one.kind == "secret":
        return ""
    if one.kind == "boolean":
        return "true" if value else "false"
    if one.kind == "moment":
        return words.typed_moment(str(value))
    if one.kind == "money":
        digits = digits_of(currency_of(one.name, row))
        return f"{value / 10**digits:.{digits}f}"
    if one.kind == "lines" and isinstance(value, list):
        return "\n".join(str(item) for item in value)
    if one.parts:
        return written(plain(value))
    if one.kind in {"json", "lines"}:
        return written(value)
    return str(value)


def typed(visit: Visit, inputs: Iterable[Input]) -> Texts:
    """Return what a form sent for each input; a box that is not ticked sends nothing."""
    found = {}
    for one in inputs:
        text = _document(visit, one) if one.parts else visit.sent(one.name)
        found[one.name] = text if one.kind in {"long", "lines", "json", "group", "table", "secret"} else text.strip()
        if one.kind == "boolean" and not one.nullable:
            found[one.name] = "true" if text == "true" else "false"
    return found


def _document(visit: Visit, one: Input) -> str:
    """Return a document made of the inputs of its parts, or as it was sent whole."""
    if one.kind == "table":
        numbers = lines_sent(one.name, visit.form)
        whole = not numbers
        value: Any = [_filled(visit, one, f"{one.name}.{number}.") for number in numbers]
    else:
        whole = not any(name.startswith(f"{one.name}.") for name in visit.form)
        value = _filled(visit, one, f"{one.name}.")
    if whole:
        return visit.sent(one.name)
    kept = plain(value)
    return written(kept) if kept or not one.nullable else ""


def _filled(visit: Visit, one: Input, prefix: str) -> dict[str, Any]:
    """Return the document that the inputs of its parts make; what was not there and is as by default stays away."""
    parts = {part.label: replace(part, name=prefix + part.label) for part in one.parts}
    texts = typed(visit, parts.values())
    if one.kind == "table" and not any(text for text in texts.values() if text != "false"):
        return {}
    before = loaded(visit.sent(f"base.{one.name}")) if one.kind == "group" else None
    found = {}
    for label, part in parts.items():
        try:
            value = _value(visit.words, replace(part, name=label, nullable=True), texts[part.name], {})
        except json.JSONDecodeError:
            value = texts[part.name]
        is_default = value == part.default or (value is False and part.default is None)
        if not (isinstance(before, dict) and label not in before and is_default):
            found[label] = value
    return found


def parse_form(
    words: Words, inputs: Iterable[Input], texts: Texts, parse: Callable[[bytes], T], *, keep_empty: bool
) -> T:
    """Return what a schema makes of typed texts; without ``keep_empty`` an empty one is left out.

    Raises Invalid with all that is wrong.
    """
    body: dict[str, Any] = {}
    wrong: list[FieldError] = []
    for one in inputs:
        text = texts.get(one.name, "")
        if text == "" and (one.kind == "secret" or not (keep_empty or (one.required and one.kind == "text"))):
            continue
        try:
            body[one.name] = _value(words, one, text, texts)
        except json.JSONDecodeError as error:
            message = "is not valid JSON at line {line}, column {column}"
            wrong.append(FieldError(one.name, "json", message, {"line": error.lineno, "column": error.colno}))
    try:
        found = parse(compact_json(body).encode())
    except Invalid as error:
        known = {one.field for one in wrong}
        raise Invalid(fields=(*wrong, *(one for one in error.fields if one.field not in known))) from error
    if wrong:
        raise Invalid(fields=tuple(wrong))
    return found


def _value(words: Words, one: Input, text: str, texts: Texts) -> Any:  # noqa: ANN401 -- a JSON value
    if text == "" and one.kind != "lines" and (one.nullable or one.kind not in {"text", "long"}):
        return None
    match one.kind:
        case "boolean":
            return text == "true"
        case "integer":
            return _number(text, int)
        case "number":
            return _number(text.replace(",", "."), float)
        case "money":
            return _number(minor(text, digits_of(currency_of(one.name, texts))), int)
        case "moment":
            return words.read_moment(text)
        case "lines":
            return [line.strip() for line in text.split("\n") if line.strip()]
        case "json" | "group" | "table":
            return json.loads(text)
    return text


def _number(text: str, kind: type[int] | type[float]) -> object:
    """Return a number; anything that is none stays text, which the schema then refuses by name."""
    try:
        return kind(text.replace("\u202f", "").replace("\u00a0", "").replace(" ", ""))
    except ValueError:
        return text


# -- to a page --------------------------------------------------------------------------------------------------------


async def shown(
    visit: Visit, inputs: list[Input], texts: Texts, refusal: Invalid | None = None, base: Texts | None = None
) -> list[Shown]:
    """Return the fields as the page shows them, with the options of choices and what is wrong beside each."""
    words = visit.words
    lines = {one.name: _lines(words, one, texts.get(one.name, "")) for one in inputs if one.parts}
    parts = [part for found in lines.values() for line in found for part in line]
    every = [*inputs, *(part for part, _ in parts)]
    chosen = {one.name: texts.get(one.name, "") for one in inputs} | {part.name: text for part, text in parts}
    errors = errors_by_input(words, refusal, {one.name for one in every})
    targets = {one.target for one in every if one.kind == "reference" and one.target}

    def read(reads: Reads) -> dict[str, list[tuple[str, str]]]:
        return {target: _options(visit, reads, target, every, chosen) for target in targets}

    options = await visit.read(read, snapshot=False) if targets else {}

    def show(one: Input) -> Shown:
        found = options.get(one.target or "", []) if one.kind == "reference" else []
        found = found or [(value, words.label(value)) for value in one.choices]
        own = [[show(part) for part, _ in line] for line in lines.get(one.name, ())]
        kept = None if base is None or "." in one.name else base.get(one.name, "")
        return Shown(one, chosen[one.name], found, errors.pop(one.name, []), kept, own)

    listed = [show(one) for one in inputs]
    rest = [f"{words.label(name)}: {text}" if name else text for name, found in errors.items() for text in found]
    if rest and listed:
        listed[0] = replace(listed[0], errors=[*listed[0].errors, *rest])
    return listed


def errors_by_input(words: Words, refusal: Invalid | None, names: set[str]) -> dict[str, list[str]]:
    """Return what is wrong, by the input it stands beside."""
    found: dict[str, list[str]] = {}
    for error in refusal.fields if refusal else ():
        said = words.say(error.message, **error.params)
        name, _, path = (error.field, "", "") if error.field in names else error.field.partition(".")
        found.setdefault(name, []).append(f"{path}: {said}" if path else said)
    return found


def _lines(words: Words, one: Input, text: str) -> list[list[tuple[Input, str]]]:
    """Return the inputs of a document's parts with what they show: one line for a group, spare ones below a table."""
    value = loaded(text)
    if one.kind == "group":
        documents, prefixes = [value if isinstance(value, dict) else {}], [f"{one.name}."]
    else:
        documents = [*(value if isinstance(value, list) else []), *({} for _ in range(SPARE))]
        prefixes = [f"{one.name}.{number}." for number in range(len(documents))]
    found = []
    for prefix, given in zip(prefixes, documents, strict=True):
        line = []
        for part in one.parts:
            shown_value = given.get(part.label, part.default if given or one.kind == "group" else None)
            line.append((replace(part, name=prefix + part.label), _text(words, part, shown_value, given)))
        found.append(line)
    return found


def _options(visit: Visit, reads: Reads, target: str, inputs: list[Input], chosen: Texts) -> list[tuple[str, str]]:
    if target == "users":
        found = members(reads)
    else:
        resource = visit.api.catalog.by_table.get(target)
        found = rows_like(visit, resource, "", OPTIONS) if resource is not None and visit.may(resource.read) else []
    known = {id for id, _ in found}
    missing = {chosen[one.name] for one in inputs if one.target == target and chosen[one.name]} - known
    try:
        names = names_by_id(reads, target, missing)
    except ValueError:
        names = {}
    return [*((id, names.get(id, id)) for id in missing), *found]
