"""Valid requests and rows of any resource, made from the API's own description and the models' rules."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from litestar import Litestar
from litestar.testing import TestClient

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.model import Root, Rule, View, rule_of
from growbase.core.resource import Catalog, Resource
from growbase.domains.marketing.models import KEY, URL
from tests.api.samples import commerce, identity, marketing, outreach, social

Client = TestClient[Litestar]
Headers = dict[str, str]
Row = dict[str, Any]
NOWHERE = "00000000-0000-7000-8000-000000000000"

PATTERNS: Mapping[str, str] = {
    URL: "https://example.com/{number}",
    KEY: "key-{number}",
    "^[A-Z]{3}$": "EUR",
    r"^[a-z0-9]+(-[a-z0-9]+)*$": "slug-{number}",
    r"^[^@\s]+@[^@\s]+$": "person{number}@example.com",
}
"""A text that matches, for each pattern a column has."""

SAMPLES = (identity, marketing, outreach, social, commerce)
OVERRIDES: Mapping[str, Mapping[str, Callable[[int], Any] | str | None]] = {
    name: fields for found in SAMPLES for name, fields in found.OVERRIDES.items()
}
"""What no schema says: fields that must fit each other; a name is a resource to make a row of; None is left out."""

WANTED: Mapping[str, tuple[str, ...]] = {name: fields for found in SAMPLES for name, fields in found.WANTED.items()}
"""Fields that no schema requires, but an organization's settings do."""

STORED: Mapping[str, Mapping[str, Any]] = {name: row for found in SAMPLES for name, row in found.STORED.items()}
"""Columns of rows that no request makes."""

BODIES: Mapping[str, Row] = {path: body for found in SAMPLES for path, body in found.BODIES.items()}
"""Bodies of verbs that must fit in themselves, by path."""

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Factory:
    """Makes rows of one organization by one of its members."""

    client: Client
    db: Database
    actor: Actor
    headers: Headers
    description: Row = field(default_factory=dict)

    @property
    def catalog(self) -> Catalog:
        """The resources."""
        return self.db.catalog

    def schema(self, name: str, kind: str) -> Row:
        """Return a schema of the API's description, such as the ``Create`` of ``campaigns``."""
        if not self.description:
            self.description.update(self.client.get("/openapi.json").json())
        title = "".join(part.capitalize() for part in name.split("-")) + kind
        found: Row = self.description["components"]["schemas"][title]
        return found

    def body(self, name: str, /, *, full: bool = False, schema_kind: str = "Create", **over: object) -> Row:
        """Return a valid body: what is required, or every field; rows it refers to are made first."""
        schema, number = self.schema(name, schema_kind), next(_numbers)
        some = (*schema.get("required", []), *(WANTED.get(name, ()) if schema_kind == "Create" else ()))
        wanted = schema["properties"] if full else some
        special = OVERRIDES.get(name, {})
        body: Row = {}
        for field_name in wanted:
            if field_name in over or (schema_kind == "Update" and field_name == "version"):
                continue
            if field_name in special:
                make = special[field_name]
                if make is not None:
                    body[field_name] = self.any(make)["id"] if isinstance(make, str) else make(number)
                continue
            body[field_name] = self._value(name, field_name, schema["properties"][field_name], number)
        return body | over

    def create(self, name: str, /, **over: Any) -> Row:  # noqa: ANN401 -- JSON values
        """Create a row over HTTP and return it."""
        answer = self.client.post(f"/api/{name}", json=self.body(name, **over), headers=self.headers)
        assert answer.status_code == 201, (name, answer.text)
        row: Row = answer.json()
        return row

    def any(self, name: str) -> Row:
        """Return a new row of any resource, or one there is already where the organization comes with some."""
        resource = self.catalog.by_name[name]
        if resource.creatable:
            return self.create(name)
        found = self.client.get(f"/api/{name}", headers=self.headers).json()["data"]
        if found:
            return dict(found[0])
        values = self._stored(resource)
        id = self.db.write(self.actor, lambda tx: tx.insert(resource.model, **values))
        return dict(self.client.get(f"/api/{name}/{id}", headers=self.headers).json())

    def _value(self, name: str, field_name: str, schema: Row, number: int) -> Any:  # noqa: ANN401 -- a JSON value
        column = self.catalog.by_name[name].table.columns.get(field_name)
        rule = rule_of(column) if column is not None else None
        if rule is not None and rule.member:
            return str(self.actor.id)
        if rule is not None and rule.target:
            return self.any(rule.target.replace("_", "-"))["id"]
        return self.sample(schema, field_name, number)

    def sample(self, schema: Row, field_name: str, number: int) -> Any:  # noqa: ANN401 -- a JSON value
        """Return a value that a JSON schema accepts."""
        if "anyOf" in schema:
            return self.sample(schema["anyOf"][0], field_name, number)
        if "$ref" in schema:
            found = self.description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            return self.sample(found, field_name, number)
        if "enum" in schema or "const" in schema:
            return schema.get("const", schema.get("enum", [None])[-1])
        match schema.get("type"):
            case "string":
                return _text(schema, field_name, number)
            case "integer" | "number":
                return min(max(number, schema.get("minimum", 0)), schema.get("maximum", number + 1))
            case "boolean":
                return number % 2 == 0
            case "array":
                return [self.sample(schema["items"], field_name, number)]
            case "object" if "properties" in schema:
                required = schema.get("required", [])
                return {key: self.sample(schema["properties"][key], key, number) for key in required}
        return {"key": f"value {number}"}

    def _stored(self, resource: Resource) -> Row:
        number, values = next(_numbers), dict(STORED.get(resource.name, {}))
        values = {
            key: value.format(number=number) if isinstance(value, str) else value for key, value in values.items()
        }
        for column in resource.table.columns:
            rule = rule_of(column)
            given = column.name in values or column.name in {"id", "organization_id"}
            if given or column.nullable or rule.default is not None or rule.norm_of or column.name in STAMPED:
                continue
            values[column.name] = self._stored_value(column.name, rule, number)
        return values

    def _stored_value(self, name: str, rule: Rule, number: int) -> object:
        if rule.member:
            return self.actor.id
        if rule.target:
            return UUID(self.any(rule.target.replace("_", "-"))["id"])
        if rule.enum is not None:
            return next(iter(rule.enum))
        whole = int(min(max(number, rule.ge or 0), rule.le or number + 1))
        samples: Mapping[str, object] = {"integer": whole, "number": float(whole), "boolean": False, "document": {}}
        if rule.kind in samples:
            return samples[rule.kind]
        return _text({"pattern": rule.pattern} if rule.pattern else {}, name, number)


STAMPED = {"created_at", "created_by", "updated_at", "updated_by", "version"}


def _text(schema: Row, field_name: str, number: int) -> str:
    if schema.get("format") == "uuid":
        return NOWHERE
    if schema.get("format") == "date-time":
        return f"2026-01-01T00:00:{number % 60:02}.000000Z"
    if schema.get("format") == "date":
        return f"2026-01-{number % 28 + 1:02}"
    if "pattern" in schema:
        return PATTERNS[schema["pattern"]].format(number=number)
    text = f"{field_name} {number}"
    return text[-schema.get("maxLength", 1_000) :]


def tables(catalog: Catalog) -> Iterator[Resource]:
    """Yield the resources that are tables, views left out."""
    return (resource for resource in catalog.resources if not issubclass(resource.model, View))


def camel(name: str) -> str:
    """Return the camelCase form of a name."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def dump(db: Database, organization_id: object) -> dict[str, list[str]]:
    """Return every row an organization has in any table, as text, to compare before and after."""
    found: dict[str, list[str]] = {}
    for name, model in db.catalog.models.items():
        # Keys of people say of no organization, and are made for others' rows as well.
        if issubclass(model, View) or name == "subject_keys":
            continue
        scope = _scope(model)
        where = f" WHERE {scope} = '{organization_id}'" if scope else ""
        # When a session was last used is written now and then.
        what = "id, revoked_at" if name == "sessions" else "*"
        found[name] = sorted(map(repr, db.query(f"SELECT {what} FROM {name}{where}")))
    return found


def _scope(model: type[Root]) -> str | None:
    columns = model.__table__.columns
    return model.__scope__ or ("organization_id" if "organization_id" in columns else None)
