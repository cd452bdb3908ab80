"""Request and response schemas derived from the models: the column rules as Pydantic fields."""

import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from math import isfinite
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    create_model,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from growbase.core.errors import FieldError, Invalid, InvalidJSON
from growbase.core.model import Root, Rule, rule_of, table_of
from growbase.core.resource import Resource
from growbase.core.strict_json import NUL, require_unique_names

INT64 = 2**63 - 1

CONFIG = ConfigDict(
    extra="forbid",
    strict=True,
    validate_by_name=True,
    validate_by_alias=True,
    alias_generator=to_camel,
    loc_by_alias=False,
    allow_inf_nan=False,
    protected_namespaces=(),
)


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("nul")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise PydanticCustomError("datetime_parsing", "is out of range") from error


def _fault(value: object) -> tuple[str, str] | None:
    """Return code and message of what PostgreSQL or JSON has no place for inside a document."""
    if isinstance(value, str):
        return NUL if "\x00" in value else None
    if isinstance(value, float):
        return None if isfinite(value) else MESSAGES["finite_number"]
    inner = (*value, *value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next(filter(None, map(_fault, inner)), None)


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _annotation(model: type[Root], name: str) -> Any:  # noqa: ANN401 -- a type
    """Return what a column's ``Mapped[...]`` says without ``| None``."""
    hints = typing.get_type_hints(model)
    hint = typing.get_args(hints.get(f"{name}_") or hints[name])[0]
    parts = [part for part in typing.get_args(hint) if part is not type(None)]
    is_optional = type(None) in typing.get_args(hint)
    return typing.Union[tuple(parts)] if is_optional else hint  # noqa: UP007 -- built at run time


def _field_type(model: type[Root], name: str, rule: Rule) -> Any:  # noqa: ANN401 -- a type; one case a kind
    if rule.enum is not None:
        return Annotated[Literal[tuple(member.value for member in rule.enum)], BeforeValidator(_lower)]
    if rule.kind in {"text", "secret"}:
        strip = bool(rule.min_length)
        limits = StringConstraints(
            min_length=rule.min_length, max_length=rule.max_length, pattern=rule.pattern, strip_whitespace=strip
        )
        return Annotated[str, limits, AfterValidator(_no_nul)]
    if rule.kind == "integer":
        low = rule.ge if rule.ge is not None else -INT64 - 1
        return Annotated[int, Field(ge=int(low), le=int(rule.le if rule.le is not None else INT64))]
    if rule.kind == "number":
        return Annotated[float, Field(ge=rule.ge, le=rule.le)]
    if rule.kind == "moment":
        return Annotated[AwareDatetime, AfterValidator(_in_utc)]
    simple = {"boolean": bool, "reference": UUID, "identifier": UUID, "day": date}
    return simple.get(rule.kind) or _annotation(model, name)


def _described(rule: Rule) -> dict[str, Any]:
    extra: dict[str, Any] = {}
    if rule.help:
        extra["description"] = rule.help
    if rule.default is not None and not callable(rule.default):
        extra["json_schema_extra"] = {"default": rule.default}
    return extra


@dataclass(frozen=True, slots=True)
class Schema:
    """A request schema and how its values reach the transaction."""

    model: type[BaseModel]
    dumps: Mapping[str, TypeAdapter[Any]]

    def parse(self, body: bytes) -> dict[str, Any]:
        """Return the fields a JSON body sets. Raises Invalid with every wrong field, or InvalidJSON."""
        try:
            found = self.model.model_validate_json(body)
        except ValidationError as error:
            raise invalid(error) from error
        require_unique_names(body)
        return self.values(found)

    def values(self, found: BaseModel) -> dict[str, Any]:
        """Return the fields that were set, documents as plain JSON values. Raises Invalid."""
        values = {name: getattr(found, name) for name in found.model_fields_set}
        for name, adapter in self.dumps.items():
            if values.get(name) is not None:
                given = values[name]
                values[name] = adapter.dump_python(given, mode="json", exclude_none=True)
                # The dump has null where a number is not finite.
                if fault := _fault(given) or _fault(values[name]):
                    raise Invalid.at(name, *fault)
        return values


def _writable(resource: Resource, *, creating: bool) -> Iterable[tuple[str, str, Rule, bool]]:
    """Yield API name, column name, rule and nullability of the columns a request may set."""
    for column in resource.table.columns:
        rule = rule_of(column)
        if rule.writable == "never" or (rule.writable == "create" and not creating):
            continue
        yield (
            column.name.removesuffix("_cipher") if rule.kind == "secret" else column.name,
            column.name,
            rule,
            bool(column.nullable),
        )


@cache
def create_schema(resource_name: str, model: type[Root], extra: type[BaseModel] | None = None) -> Schema:
    """Return the schema of ``POST``; ``extra`` adds fields that are no columns."""
    fields: dict[str, Any] = {}
    dumps: dict[str, TypeAdapter[Any]] = {}
    for name, column, rule, nullable in _writable(Resource(model), creating=True):
        kind = _field_type(model, column, rule)
        required = not nullable and rule.default is None
        described = _described(rule)
        fields[name] = (kind | None if nullable else kind, Field(... if required else None, **described))
        if rule.kind == "document":
            dumps[name] = TypeAdapter(kind)
    return _build(resource_name, "Create", fields, dumps, extra)


@cache
def update_schema(resource_name: str, model: type[Root]) -> Schema:
    """Return the schema of ``PATCH``: every field optional, plus the version the change is based on."""
    fields: dict[str, Any] = {"version": (Annotated[int, Field(ge=1)], Field(None))}
    dumps: dict[str, TypeAdapter[Any]] = {}
    for name, column, rule, nullable in _writable(Resource(model), creating=False):
        kind = _field_type(model, column, rule)
        fields[name] = (kind | None if nullable else kind, Field(None, **_described(rule)))
        if rule.kind == "document":
            dumps[name] = TypeAdapter(kind)
    return _build(resource_name, "Update", fields, dumps, None)


@cache
def read_schema(resource_name: str, model: type[Root]) -> type[BaseModel]:
    """Return the schema of a row as the API shows it (for the API's description)."""
    fields: dict[str, Any] = {}
    for column in table_of(model).columns:
        rule = rule_of(column)
        if rule.hidden:
            continue
        kind = _field_type(model, column.name, rule)
        fields[column.name] = (kind | None if column.nullable else kind, Field(..., **_described(rule)))
    return _build(resource_name, "", fields, {}, None).model


def _build(
    name: str,
    suffix: str,
    fields: dict[str, Any],
    dumps: dict[str, TypeAdapter[Any]],
    extra: type[BaseModel] | None,
) -> Schema:
    if extra is not None:
        for field, info in extra.model_fields.items():
            fields[field] = (info.annotation, info)
            dumps[field] = TypeAdapter(info.annotation or Any)
    title = "".join(part.capitalize() for part in name.split("-")) + suffix
    built: type[BaseModel] = create_model(title, __config__=CONFIG, **fields)
    return Schema(built, dumps)


MESSAGES: dict[str, tuple[str, str]] = {
    "missing": ("required", "is required"),
    "extra_forbidden": ("unknown", "is not a field of this resource"),
    "string_type": ("type", "must be text"),
    "string_too_short": ("too_short", "must have at least {min_length} characters"),
    "string_too_long": ("too_long", "must have at most {max_length} characters"),
    "string_pattern_mismatch": ("pattern", "must match the pattern {pattern}"),
    "int_type": ("type", "must be a whole number"),
    "int_from_float": ("type", "must be a whole number"),
    "int_parsing_size": ("too_large", "is outside of the range of 64-bit numbers"),
    "float_type": ("type", "must be a number"),
    "finite_number": ("type", "must be a finite number"),
    "bool_type": ("type", "must be true or false"),
    "greater_than": ("too_small", "must be greater than {gt}"),
    "greater_than_equal": ("too_small", "must be at least {ge}"),
    "less_than": ("too_large", "must be less than {lt}"),
    "less_than_equal": ("too_large", "must be at most {le}"),
    "literal_error": ("choice", "must be one of {expected}"),
    "enum": ("choice", "must be one of {expected}"),
    "uuid_type": ("type", "must be a UUID"),
    "uuid_parsing": ("type", "must be a UUID"),
    "datetime_type": ("type", "must be a time such as 2026-01-31T09:00:00Z"),
    "datetime_parsing": ("type", "must be a time such as 2026-01-31T09:00:00Z"),
    "datetime_from_date_parsing": ("type", "must be a time such as 2026-01-31T09:00:00Z"),
    "timezone_aware": ("type", "must name its time zone, such as 2026-01-31T09:00:00Z"),
    "date_type": ("type", "must be a date such as 2026-01-31"),
    "date_parsing": ("type", "must be a date such as 2026-01-31"),
    "date_from_datetime_parsing": ("type", "must be a date such as 2026-01-31"),
    "list_type": ("type", "must be a list"),
    "dict_type": ("type", "must be an object"),
    "model_type": ("type", "must be an object"),
    "model_attributes_type": ("type", "must be an object"),
    "none_required": ("type", "must be null"),
    "too_long": ("too_long", "must have at most {max_length} items"),
    "too_short": ("too_short", "must have at least {min_length} items"),
}
"""Pydantic's error type to our stable code and message template (a message id of the catalogue)."""


def invalid(error: ValidationError, prefix: str = "") -> Invalid:
    """Return every error of a validation as one Invalid; broken JSON as InvalidJSON."""
    problems = error.errors(include_url=False)
    if problems and problems[0]["type"] == "json_invalid":
        reason = str(problems[0].get("ctx", {}).get("error", "")).split(" at line")[0]
        return InvalidJSON(fields=(FieldError("", "json", "{reason}", {"reason": reason}),))
    fields = [_field_error(problem) for problem in problems]
    return Invalid(fields=tuple(item.under(prefix) if prefix else item for item in fields))


def _field_error(problem: Any) -> FieldError:  # noqa: ANN401 -- Pydantic's ErrorDetails
    path = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "value_error":
        if str(problem["ctx"]["error"]) == "nul":
            return FieldError(path, *NUL)
        return FieldError(path, "invalid", "{reason}", {"reason": str(problem["ctx"]["error"])})
    code, message = MESSAGES.get(problem["type"], ("invalid", "{reason}"))
    params = {key: _plain(value) for key, value in problem.get("ctx", {}).items()}
    return FieldError(path, code, message, {"reason": problem["msg"], **params})


def _plain(value: object) -> object:
    return value if isinstance(value, int | float | str) else str(value)


def parse_with(adapter: Callable[[bytes], Any], body: bytes) -> Any:  # noqa: ANN401 -- whatever the adapter makes
    """Run a Pydantic ``validate_json`` and turn its errors into ours."""
    try:
        return adapter(body)
    except ValidationError as error:
        raise invalid(error) from error
