"""The description of the API is true: what it names exists, and what exists is named."""

import re
from typing import Any

from growbase.core.model import View
from tests.api.conftest import Client, Factory
from tests.api.factories import NOWHERE, Row, tables

METHODS = {"get", "post", "put", "patch", "delete"}


def description(client: Client) -> Row:
    answer = client.get("/openapi.json")
    assert answer.status_code == 200
    found: Row = answer.json()
    return found


def references(value: Any) -> set[str]:  # noqa: ANN401 -- a JSON value
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def test_the_description_is_sound(client: Client) -> None:
    found = description(client)
    assert found["openapi"].startswith("3.1")
    operations = [
        (path, method, operation) for path, known in found["paths"].items() for method, operation in known.items()
    ]
    assert {method for _, method, _ in operations} <= METHODS
    ids = [operation["operationId"] for _, _, operation in operations]
    assert len(ids) == len(set(ids))
    for path, method, operation in operations:
        named = {item["name"] for item in operation["parameters"] if item["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", path)), path
        assert operation["summary"], (method, path)
        assert "default" in operation["responses"], (method, path)
        assert len(operation["responses"]) > 1, (method, path)
        parameters = [(item["name"], item["in"]) for item in operation["parameters"]]
        assert len(parameters) == len(set(parameters)), path
    known = {f"#/components/schemas/{name}" for name in found["components"]["schemas"]}
    assert references(found) <= known


def test_fields_have_the_names_that_rows_have(factory: Factory) -> None:
    for resource in tables(factory.catalog):
        shown = factory.schema(resource.name, "")["properties"]
        assert set(shown) == {column.name for column in resource.public}, resource.name
        for kind, offered in (("Create", resource.creatable), ("Update", resource.editable)):
            if not offered:
                continue
            schema = factory.schema(resource.name, kind)
            assert schema["additionalProperties"] is False
            extra = set(resource.extra.model_fields) if resource.extra and kind == "Create" else set()
            secrets = {column.name.removesuffix("_cipher") for column in resource.table.columns}
            assert set(schema["properties"]) <= {*shown, *extra, *secrets, "version"}, resource.name


def test_every_described_operation_exists_and_wants_a_login_unless_it_is_public(client: Client) -> None:
    found = description(client)
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            answer = client.request(method.upper(), path.replace("{id}", NOWHERE).replace("{key}", NOWHERE))
            assert answer.status_code != 405, (method, path)
            if operation.get("security") == [] or not path.startswith("/api") or path == "/api/health":
                assert answer.status_code not in {401, 403, 404}, (method, path)
            else:
                assert answer.status_code == 401, (method, path, answer.status_code)


def test_every_resource_view_and_verb_is_described(factory: Factory) -> None:
    paths = description(factory.client)["paths"]
    for resource in factory.catalog.resources:
        if issubclass(resource.model, View):
            assert "get" in paths[f"/api/views/{resource.name}"]
            continue
        base = f"/api/{resource.name}"
        assert "get" in paths[base]
        assert ("post" in paths[base]) >= resource.creatable, base
        row = paths[f"{base}/{{id}}"]
        assert {"patch" in row, "put" in row} == {resource.editable}, base
        assert ("delete" in row) == resource.deletable, base
        for name, verb in resource.verbs.items():
            operation = paths[f"{base}/{{id}}/{name}" if verb.on == "row" else f"{base}/{name}"]["post"]
            assert ("requestBody" in operation) == (verb.body is not None), (base, name)
        described = {item["name"] for item in paths[base]["get"]["parameters"]}
        for query in sorted(described - {"cursor", "page"}):
            value = {"limit": "1", "sort": resource.sortable[0], "fields": "id", "trash": "only", "q": "a"}.get(query)
            value = (
                value or ",".join({"expand": resource.expand, "counts": resource.counts}.get(query, ())) or "is.null"
            )
            answer = factory.client.get(base, params={query: value}, headers=factory.headers)
            assert answer.status_code == 200, (base, query, answer.text)


def test_the_page_for_people_names_every_path_and_loads_nothing(client: Client) -> None:
    answer = client.get("/docs")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    missing = [path for path in description(client)["paths"] if f"<code>{path}</code>" not in answer.text]
    assert missing == []
