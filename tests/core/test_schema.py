import json
import math
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pysqlite3
import pytest
import sqlalchemy as sa
from pydantic import BaseModel, ValidationError, create_model

from growbase import wiring
from growbase.core import ddl, postgres, sqlite_connection
from growbase.core.clock import new_id
from growbase.core.errors import Invalid, InvalidJSON
from growbase.core.model import LONG_TEXT, Root, Rule, View, rule_of, table_of
from growbase.core.schema import CONFIG, _field_type, create_schema, read_schema, update_schema
from growbase.core.statements import insert_sql, plan_of
from tests.core.conftest import schema
from tests.core.specimens import MODELS, Box, Coin, Shelf

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
EDGES = (-(2**63) - 1, -(2**63), -1, 0, 1, 2**63 - 1, 2**63)
BUILDERS: dict[str, Callable[[int], str]] = {
    "http": lambda length: "http://" + "a" * (length - 7),
    "@": lambda length: "a@" + "é" * (length - 2),
    "A-Z": lambda length: "A" * length,
    "a-z": lambda length: "a" * length,
}
"""Text of a length that fits the pattern in which the key occurs."""

Accepts = Callable[[type[Root], sa.Column[Any], object], bool]


def all_models() -> list[type[Root]]:
    wiring.catalog()
    return [*(model for model in ddl.models() if not issubclass(model, View)), *MODELS]


def boundary_values(rule: Rule) -> Iterator[object]:
    """Yield the values next to each limit of a rule, inside and outside, that its pattern allows."""
    if rule.enum is not None:
        yield from (*(member.value for member in rule.enum), "other", "")
    elif rule.kind == "text" and rule.max_length is not None:
        build = next((build for key, build in BUILDERS.items() if rule.pattern and key in rule.pattern), None)
        low, high = rule.min_length or 0, rule.max_length
        if high <= LONG_TEXT:
            lengths = {low - 1, low, low + 1, high - 1, high, high + 1}
            texts = [build(length) if build else "😀" * length for length in sorted(lengths) if length >= 0]
            yield from (text for text in texts if len(text) in lengths and (not build or len(text) > len(build(0)) + 1))
    elif rule.kind == "integer":
        limits = [int(limit) for limit in (rule.ge, rule.le) if limit is not None]
        yield from {*EDGES, *(limit + step for limit in limits for step in (-1, 0, 1))}
    elif rule.kind == "number":
        limits = [limit for limit in (rule.ge, rule.le) if limit is not None]
        yield from (0.0, 1e300, -1e300, math.inf, -math.inf, math.nan, *limits)
        yield from (math.nextafter(limit, toward) for limit in limits for toward in (-math.inf, math.inf))
    elif rule.kind == "boolean":
        yield from (True, False)
    if rule.kind in {"text", "integer", "number", "boolean", "choice", "document", "moment", "day", "reference"}:
        yield None


def base_row(model: type[Root], engine: str) -> dict[str, object]:
    """Return a row that every CHECK of the model accepts, references aside."""
    row: dict[str, object] = {}
    plan = plan_of(model, engine)
    for place, (name, field) in enumerate(plan.fields.items()):
        rule = field.rule
        if name == "currency":
            row[name] = "EUR"
        if field.nullable or (model.__name__ == "Change" and name == "seq"):
            continue
        if name in plan.defaults:
            row[name] = plan.defaults[name]()
        elif rule.enum is not None:
            row[name] = next(iter(rule.enum))
        else:
            moment = NOON.replace(month=12) if name.startswith("expires") or name.endswith("_end") else NOON
            simple = {
                "integer": place + 100,
                "number": 0.0,
                "boolean": False,
                "moment": moment,
                "day": NOON.date(),
                "document": {},
            }
            simple["secret"] = b"sealed"
            text = "a" * max(rule.min_length or 1, 1)
            row[name] = new_id() if rule.kind in {"reference", "identifier"} else simple.get(rule.kind, text)
        if rule.kind == "integer" and rule.ge is not None and name not in plan.defaults:
            row[name] = int(rule.ge)
    return row


def schema_of(model: type[Root], column: sa.Column[Any]) -> type[BaseModel]:
    """Return a schema that has this column as its one field."""
    kind = _field_type(model, column.name, rule_of(column))
    return create_model("One", __config__=CONFIG, value=(kind | None if column.nullable else kind, ...))


def accepted_by_schema(one: type[BaseModel], value: object) -> bool:
    try:
        if isinstance(value, float) and not math.isfinite(value):
            one.model_validate({"value": value})
        else:
            one.model_validate_json(json.dumps({"value": value}))
    except ValidationError:
        return False
    return True


def accepted_by_openapi(document: dict[str, Any], value: object) -> bool:
    if isinstance(value, float) and not math.isfinite(value):
        return False  # JSON has no way to write it
    return fits(document, value)


def fits(document: dict[str, Any], value: object) -> bool:
    """Return whether a value is valid by the keywords of JSON Schema that rules of columns become."""
    if "anyOf" in document:
        return any(fits(part, value) for part in document["anyOf"])
    types = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None)}
    kind = document.get("type")
    if kind in {"array", "object"} or kind is None:
        return value is not None
    if not isinstance(value, types[kind]) or (isinstance(value, bool) and kind != "boolean"):
        return False
    if isinstance(value, str):
        pattern = document.get("pattern", "")
        long_enough = document.get("minLength", 0) <= len(value) <= document.get("maxLength", math.inf)
        return (
            long_enough
            and value in document.get("enum", [value, document.get("const", value)])
            and bool(re.search(pattern, value))
        )
    if isinstance(value, int | float) and not isinstance(value, bool):
        return bool(document.get("minimum", -math.inf) <= value <= document.get("maximum", math.inf))
    return True


@pytest.fixture
def accepted_by_database(engine: str, request: pytest.FixtureRequest) -> Iterator[Accepts]:
    """Give a function that tries a value of a column in a row that is otherwise right, and keeps nothing."""
    translated = postgres.translated if engine == "postgres" else sqlite_connection.translated
    name = "postgresql" if engine == "postgres" else "sqlite"
    connection: Any
    if engine == "postgres":
        url = request.getfixturevalue("new_postgres_database")()
        connection = psycopg.connect(url, autocommit=True)
        connection.execute("SET session_replication_role = replica")
    else:
        connection = pysqlite3.connect(":memory:", isolation_level=None)
    all_models()
    for statement in schema(name):
        connection.execute(statement)

    def accepts(model: type[Root], column: sa.Column[Any], value: object) -> bool:
        if name == "sqlite" and isinstance(value, float) and math.isnan(value):
            return False  # the driver binds NULL
        plan = plan_of(model, name)
        row = {**base_row(model, name), column.name: value}
        connection.execute("BEGIN")
        try:
            connection.execute(
                insert_sql(plan, tuple(row)), [plan.fields[key].bound(item) for key, item in row.items()]
            )
        except (pysqlite3.Error, psycopg.Error, OverflowError) as error:
            found = translated(error)
            if not isinstance(found, Invalid):
                raise
            return bool(found.fields) and found.fields[0].field != column.name
        finally:
            connection.execute("ROLLBACK")
        return True

    yield accepts
    connection.close()


def test_the_rules_of_every_column_are_the_same_in_schema_and_openapi_and_database(
    accepted_by_database: Accepts,
) -> None:
    differing, tried = [], 0
    for model in all_models():
        for column in table_of(model).columns:
            if column.primary_key:
                continue
            one = schema_of(model, column)
            document = one.model_json_schema()["properties"]["value"]
            for value in boundary_values(rule_of(column)):
                tried += 1
                answers = (
                    accepted_by_schema(one, value),
                    accepted_by_openapi(document, value),
                    accepted_by_database(model, column, value),
                )
                if len(set(answers)) > 1:
                    differing.append((f"{model.__name__}.{column.name}", str(value)[:30], answers))
    assert tried > 500
    assert differing == []


# -- what a request may say ---------------------------------------------------------------------------------------

BOX = create_schema("specimen-boxes", Box)


def errors_of(body: str | bytes, parse: Callable[[bytes], object] = BOX.parse) -> dict[str, tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        parse(body.encode() if isinstance(body, str) else body)
    return {error.field: (error.code, error.text()) for error in caught.value.fields}


def test_all_wrong_fields_are_reported_at_once() -> None:
    body = {
        "label": "",
        "shelf_id": "x",
        "coin_count": "1",
        "rank": 1.5,
        "currency": "eur",
        "weight": 1e10,
        "is_open": 1,
        "found_at": "2026-01-01T00:00:00",
        "found_on": "yesterday",
        "size": "medium",
        "tags": ["a", 1],
        "details": [],
        "pin": 5,
        "nothing": 1,
        "state": "lost",
        "id": "00000000-0000-7000-8000-000000000001",
        "hash": "x",
        "pin_cipher": "x",
    }
    assert {field: code for field, (code, _) in errors_of(json.dumps(body)).items()} == {
        "label": "too_short",
        "shelf_id": "type",
        "coin_count": "type",
        "rank": "type",
        "currency": "pattern",
        "weight": "too_large",
        "is_open": "type",
        "found_at": "type",
        "found_on": "type",
        "size": "choice",
        "tags.1": "type",
        "details": "type",
        "pin": "type",
        "nothing": "unknown",
        "state": "unknown",
        "id": "unknown",
        "hash": "unknown",
        "pin_cipher": "unknown",
    }
    assert errors_of("{}") == {"label": ("required", "is required")}


def test_every_message_has_its_parameters_filled_in() -> None:
    body = {"label": "x" * 101, "coin_count": 1_001, "rank": 2**63, "weight": -1e10, "size": "medium", "currency": "é"}
    assert errors_of(json.dumps(body)) == {
        "label": ("too_long", "must have at most 100 characters"),
        "coin_count": ("too_large", "must be at most 1000"),
        "rank": ("too_large", "must be at most 9223372036854775807"),
        "weight": ("too_small", "must be at least -1000000000.0"),
        "size": ("choice", "must be one of 'small' or 'large'"),
        "currency": ("too_short", "must have at least 3 characters"),
    }


@pytest.mark.parametrize("body", ["", "{", "nothing", '{"label": "\\ud800"}', b'{"label": "\xff"}', '{"label": "a",}'])
def test_what_is_no_json_is_told_so(body: str | bytes) -> None:
    with pytest.raises(InvalidJSON):
        BOX.parse(body.encode() if isinstance(body, str) else body)


@pytest.mark.parametrize("body", ["[]", "1", '"x"', "null"])
def test_a_body_that_is_no_object_is_refused(body: str) -> None:
    assert errors_of(body) == {"": ("type", "must be an object")}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("label", "a\0b"),
        ("pin", "\0"),
        ("tags", ["a", "\0"]),
        ("details", {"a": [{"b": "\0"}]}),
        ("details", {"a": {"\0": 1}}),
    ],
)
def test_nul_is_refused_wherever_it_hides(field: str, value: object) -> None:
    assert errors_of(json.dumps({"label": "x", field: value})) == {field: ("nul", "must not contain the character NUL")}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_not_finite_is_refused(number: str) -> None:
    for field, body in {"height": number, "details": f'{{"a": [{number}]}}'}.items():
        assert errors_of(f'{{"label": "x", "{field}": {body}}}') == {field: ("type", "must be a finite number")}


def test_a_moment_outside_of_the_calendar_in_utc_is_refused() -> None:
    for moment in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        assert set(errors_of(json.dumps({"label": "x", "found_at": moment}))) == {"found_at"}


def test_values_are_plain_and_only_those_that_were_set() -> None:
    body = {
        "label": "  x  ",
        "shelfId": "00000000-0000-7000-8000-000000000001",
        "size": "LARGE",
        "found_at": "2026-01-01T13:00:00+01:00",
        "details": {"a": None, "b": [1, 1.0]},
        "remark": None,
        "weight": 1,
    }
    assert BOX.parse(json.dumps(body).encode()) == {
        "label": "x",
        "shelf_id": UUID("00000000-0000-7000-8000-000000000001"),
        "size": "large",
        "found_at": NOON,
        "details": {"a": None, "b": [1, 1.0]},
        "remark": None,
        "weight": 1.0,
    }


def test_an_update_requires_nothing_and_may_name_its_version() -> None:
    update = update_schema("specimen-boxes", Box)
    assert update.parse(b"{}") == {}
    assert update.parse(b'{"version": 2, "label": "x"}') == {"version": 2, "label": "x"}
    assert errors_of('{"version": 0}', update.parse) == {"version": ("too_small", "must be at least 1")}
    assert errors_of('{"label": null}', update.parse)["label"][0] == "type"


def test_what_is_written_at_creation_only_is_unknown_to_an_update() -> None:
    body = '{"box_id": "00000000-0000-7000-8000-000000000001"}'
    assert errors_of(body, update_schema("specimen-coins", Coin).parse)["box_id"][0] == "unknown"
    assert "box_id" not in errors_of(body, create_schema("specimen-coins", Coin).parse)


def test_hidden_columns_are_in_no_response_schema() -> None:
    fields = set(read_schema("specimen-boxes", Box).model_fields)
    assert not fields & {"pin", "pin_cipher", "hash", "purged_at"}
    assert {"organization_id", "version", "deleted_at"} <= fields
    assert "name_norm" not in read_schema("specimen-shelves", Shelf).model_fields
