"""What every resource does, read from the catalog and the API's description: a new resource needs no line here."""

from collections.abc import Callable
from typing import Any

import pytest

from growbase.core.actor import Role
from growbase.core.database import Database
from growbase.core.model import rule_of
from growbase.core.resource import Resource
from growbase.core.schema import update_schema
from tests.api.conftest import Client, LoginAs
from tests.api.factories import NOWHERE, WANTED, Factory, Row, camel, dump, tables
from tests.fixtures import Tenant

BOOKKEEPING = {"version", "updated_at", "updated_by"}


def creatable(factory: Factory) -> list[Resource]:
    found = [resource for resource in tables(factory.catalog) if resource.creatable]
    assert found
    return found


def editable_fields(resource: Resource) -> set[str]:
    return set(update_schema(resource.name, resource.model).model.model_fields) - {"version"}


def test_every_resource_is_created_with_all_fields_and_read_back_the_same(factory: Factory, tenant: Tenant) -> None:
    for resource in creatable(factory):
        name = resource.name
        body = factory.body(name, full=True)
        made = factory.client.post(f"/api/{name}", json=body, headers=factory.headers)
        row = made.json()
        assert (made.status_code, made.headers["etag"]) == (201, '"1"'), (name, row)
        assert made.headers["location"] == f"/api/{name}/{row['id']}"
        assert {key: row[key] for key in body if key in row} == {key: body[key] for key in body if key in row}, name
        assert set(body) - set(row) <= set(resource.extra.model_fields if resource.extra else ()), name
        stamps = {key: row[key] for key in ("created_by", "updated_by", "version")}
        assert stamps == {"created_by": str(tenant.owner.id), "updated_by": str(tenant.owner.id), "version": 1}, name
        assert row["created_at"] == row["updated_at"], name
        assert row.get("organization_id") == str(tenant.organization_id), name
        assert set(row) == {column.name for column in resource.public}, name
        read = factory.client.get(made.headers["location"], headers=factory.headers)
        assert (read.status_code, read.text, read.headers["etag"]) == (200, made.text, '"1"'), name
        listed = factory.client.get(f"/api/{name}?id={row['id']}", headers=factory.headers).json()
        assert listed == {"data": [row], "pagination": {"limit": 20, "next_cursor": None}}, name


def test_every_resource_fills_in_what_is_not_required(factory: Factory) -> None:
    for resource in creatable(factory):
        row = factory.create(resource.name)
        for column in resource.public:
            rule = rule_of(column)
            if rule.enum is not None and rule.default is not None:
                assert row[column.name] == rule.default, (resource.name, column.name)


def test_every_missing_field_is_named_at_once_and_nothing_is_written(
    factory: Factory, db: Database, tenant: Tenant
) -> None:
    before = dump(db, tenant.organization_id)
    for resource in creatable(factory):
        required = set(factory.schema(resource.name, "Create").get("required", []))
        answer = factory.client.post(f"/api/{resource.name}", json={}, headers=factory.headers)
        assert answer.status_code == 422, resource.name
        found = {error["field"]: error["code"] for error in answer.json()["errors"]}
        assert found == dict.fromkeys(required, "required"), resource.name
    assert dump(db, tenant.organization_id) == before


def test_every_writable_field_is_changed_alone(factory: Factory) -> None:
    for resource in creatable(factory):
        if not resource.editable:
            continue
        row = factory.create(resource.name)
        path, fresh = f"/api/{resource.name}/{row['id']}", factory.body(resource.name, full=True, schema_kind="Update")
        for method, (field, value) in zip(["PATCH", "PUT"] * len(fresh), fresh.items(), strict=False):
            answer = factory.client.request(method, path, json={field: value}, headers=factory.headers)
            changed = answer.json()
            assert answer.status_code == 200, (resource.name, field, changed)
            assert changed[field] == value, (resource.name, field)
            other = {key for key in row if row[key] != changed[key]} - BOOKKEEPING - {field}
            assert not other, (resource.name, field, other)
            assert changed["version"] == row["version"] + (row[field] != value), (resource.name, field)
            row = changed


def test_null_clears_what_may_be_empty_and_is_refused_elsewhere(factory: Factory) -> None:
    for resource in creatable(factory):
        if not resource.editable:
            continue
        row = factory.create(resource.name)
        path = f"/api/{resource.name}/{row['id']}"
        columns = resource.table.columns
        for field in editable_fields(resource) & set(columns.keys()):
            answer = factory.client.patch(path, json={field: None}, headers=factory.headers)
            if columns[field].nullable and field not in WANTED.get(resource.name, ()):
                assert (answer.status_code, answer.json().get(field, "")) == (200, None), (resource.name, field)
            else:
                assert answer.status_code == 422, (resource.name, field)
                assert {error["field"] for error in answer.json()["errors"]} == {field}, (resource.name, field)


def test_nothing_is_written_when_nothing_differs(factory: Factory, db: Database, tenant: Tenant) -> None:
    for resource in creatable(factory):
        if not resource.editable:
            continue
        body = factory.body(resource.name, full=True)
        row = factory.create(resource.name, **body)
        same = {field: row[field] for field in editable_fields(resource) if field in row}
        before = dump(db, tenant.organization_id)
        answer = factory.client.put(f"/api/{resource.name}/{row['id']}", json=same, headers=factory.headers)
        assert (answer.status_code, answer.json()) == (200, row), resource.name
        assert dump(db, tenant.organization_id) == before, resource.name


def wrong_value(schema: Row) -> tuple[Any, str | None] | None:
    """Return a value the schema refuses and the code of its error."""
    inner = schema["anyOf"][0] if "anyOf" in schema else schema
    if "enum" in inner:
        return "none of these", "choice"
    match inner.get("type"):
        case "string" if "maxLength" in inner:
            return "x" * (inner["maxLength"] + 1), "too_long"
        case "integer" if "maximum" in inner:
            return inner["maximum"] + 1, "too_large"
        case "string" | "integer" | "number" | "boolean" | "array" | "object":
            return ({"no": 1} if inner["type"] != "object" else "no"), "type"
    return None


def wrong_type(schema: Row) -> object:
    inner = schema["anyOf"][0] if "anyOf" in schema else schema
    return 3 if inner.get("type") != "integer" else "three"


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_every_wrong_field_is_named_at_once_with_its_code(
    factory: Factory, db: Database, tenant: Tenant, kind: str
) -> None:
    for resource in creatable(factory):
        if kind == "Update" and not resource.editable:
            continue
        path = f"/api/{resource.name}"
        if kind == "Update":
            path += f"/{factory.create(resource.name)['id']}"
        properties = factory.schema(resource.name, kind)["properties"]
        before = dump(db, tenant.organization_id)
        cases = {field: wrong for field, schema in properties.items() if (wrong := wrong_value(schema))}
        bodies: list[tuple[Row, dict[str, str | None]]] = [
            (
                {field: value for field, (value, _) in cases.items()} | {"surprise": 1},
                {field: code for field, (_, code) in cases.items()} | {"surprise": "unknown"},
            ),
            ({field: wrong_type(schema) for field, schema in properties.items()}, dict.fromkeys(properties)),
        ]
        for body, expected in bodies:
            method = "POST" if kind == "Create" else "PATCH"
            answer = factory.client.request(method, path, json=body, headers=factory.headers)
            assert answer.status_code == 422, (resource.name, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            found = {error["field"]: error["code"] for error in answer.json()["errors"] if error["code"] != "required"}
            assert set(found) >= set(expected) if kind == "Create" else set(found) == set(expected), resource.name
            for field, code in expected.items():
                assert code in {None, found[field]}, (resource.name, field, found[field])
        assert dump(db, tenant.organization_id) == before, resource.name


def test_every_resource_goes_to_the_trash_and_comes_back(factory: Factory) -> None:
    client, headers = factory.client, factory.headers
    for resource in creatable(factory):
        if not (resource.deletable and resource.trashable):
            continue
        row = factory.create(resource.name)
        base = f"/api/{resource.name}"
        path = f"{base}/{row['id']}"
        gone = client.delete(path, headers=headers)
        assert (gone.status_code, gone.content, len(gone.headers["deletion-id"])) == (204, b"", 36), resource.name
        assert client.get(path, headers=headers).status_code == 404
        assert client.patch(path, json={}, headers=headers).status_code == 404
        assert client.delete(path, headers=headers).status_code == 404
        seen = {
            trash: row["id"]
            in [found["id"] for found in client.get(f"{base}?trash={trash}&limit=200", headers=headers).json()["data"]]
            for trash in ("exclude", "include", "only")
        }
        assert seen == {"exclude": False, "include": True, "only": True}, resource.name
        trashed = client.get(f"{path}?trash=include", headers=headers).json()
        assert trashed["deletion_id"] == gone.headers["deletion-id"], resource.name
        back = client.post(f"{path}/restore", headers=headers)
        assert back.status_code == 200, (resource.name, back.text)
        assert {key for key in row if row[key] != back.json()[key]} == {"version", "updated_at"}, resource.name
        assert client.post(f"{path}/restore", headers=headers).status_code == 404
        assert client.post(f"{path}/purge", headers=headers).json()["code"] == "conflict"
        client.delete(path, headers=headers)
        purged = client.post(f"{path}/purge", headers=headers)
        assert (purged.status_code, purged.content) == (204, b""), (resource.name, purged.text)
        assert client.get(f"{path}?trash=include", headers=headers).status_code == 404
        assert client.post(f"{path}/restore", headers=headers).status_code == 404


def test_camel_case_names_and_upper_case_choices_are_understood_and_spoken(factory: Factory) -> None:
    client = factory.client
    speaking = {**factory.headers, "Prefer": "naming=camel"}
    for resource in creatable(factory):
        plain = factory.body(resource.name, full=True)
        enums = {column.name for column in resource.table.columns if rule_of(column).enum is not None}
        body = {camel(key): value.upper() if key in enums else value for key, value in plain.items()}
        made = client.post(f"/api/{resource.name}", json=body, headers=speaking)
        row = made.json()
        assert made.status_code == 201, (resource.name, row)
        assert set(row) == {camel(column.name) for column in resource.public}, resource.name
        assert {key: row[camel(key)] for key in plain if camel(key) in row} == {
            key: plain[key] for key in plain if camel(key) in row
        }, resource.name
        path = f"/api/{resource.name}/{row['id']}"
        assert client.get(path, headers=speaking).json() == row
        query = "sortBy=createdAt&sortOrder=desc&limit=1"
        assert client.get(f"/api/{resource.name}?{query}", headers=speaking).json()["data"] == [row], resource.name
        minimal = {**factory.headers, "Prefer": "return=minimal"}
        answer = client.patch(path, json={}, headers=minimal)
        assert (answer.status_code, answer.content) == (200, b""), resource.name
        assert (answer.headers["etag"], answer.headers["preference-applied"]) == ('"1"', "return=minimal")


def values_of(rows: list[Row], field: str) -> list[Any]:
    return [row[field] for row in rows]


def test_every_sort_and_filter_works_and_pages_add_up_to_the_whole(factory: Factory) -> None:
    client, headers = factory.client, factory.headers
    for resource in tables(factory.catalog):
        base = f"/api/{resource.name}"
        if resource.creatable:
            for full in (True, False, True):
                body = factory.body(resource.name, full=full)
                assert client.post(base, json=body, headers=headers).status_code == 201
        else:
            factory.any(resource.name)
        whole = client.get(f"{base}?limit=200", headers=headers).json()["data"]
        ids = {row["id"] for row in whole}
        for sort in resource.sortable:
            for sign in ("", "-"):
                rows = client.get(f"{base}?limit=200&sort={sign}{sort}", headers=headers).json()["data"]
                assert {row["id"] for row in rows} == ids, (resource.name, sort)
                keys = [(row[sort] is not None, row[sort], row["id"]) for row in rows]
                assert keys == sorted(keys, reverse=bool(sign)), (resource.name, sign, sort)
                assert paged(client, headers, f"{base}?limit=2&sort={sign}{sort}") == values_of(rows, "id")
        for column in resource.public:
            if rule_of(column).kind == "document":
                continue
            for row in (whole[0], whole[-1]):
                value = row[column.name]
                text = "is.null" if value is None else f"eq.{str(value).lower() if isinstance(value, bool) else value}"
                answer = client.get(base, params={column.name: text, "limit": "200"}, headers=headers)
                assert answer.status_code == 200, (resource.name, column.name, answer.text)
                expected = {other["id"] for other in whole if other[column.name] == value}
                assert set(values_of(answer.json()["data"], "id")) == expected, (resource.name, column.name)
                answer = client.get(base, params={column.name: f"not.{text}", "limit": "200"}, headers=headers)
                assert set(values_of(answer.json()["data"], "id")) == ids - expected, (resource.name, column.name)


def paged(client: Client, headers: dict[str, str], path: str) -> list[str]:
    """Return the ids of all pages in order."""
    found: list[str] = []
    cursor = ""
    while True:
        page = client.get(f"{path}{cursor}", headers=headers).json()
        found += values_of(page["data"], "id")
        if page["pagination"]["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['pagination']['next_cursor']}"


def test_relations_counts_and_fields_are_given_as_asked(factory: Factory) -> None:
    client, headers = factory.client, factory.headers
    for resource in tables(factory.catalog):
        if resource.creatable:
            answer = client.post(f"/api/{resource.name}", json=factory.body(resource.name, full=True), headers=headers)
            row = answer.json()
        else:
            row = factory.any(resource.name)
        fields = {"id", "version"} & set(row)
        asked = {"expand": ",".join(resource.expand), "counts": ",".join(resource.counts), "fields": ",".join(fields)}
        params = {key: value for key, value in asked.items() if value}
        path = f"/api/{resource.name}/{row['id']}"
        found = client.get(path, params=params, headers=headers).json()
        assert set(found) == {*fields, *resource.expand, *(["counts"] if resource.counts else [])}
        assert set(found.get("counts", {})) == set(resource.counts), resource.name
        for name in resource.expand:
            reference = row[resource.expand_column(name).name]
            assert (found[name]["id"] if found[name] else None) == reference, (resource.name, name)
        listed = client.get(f"/api/{resource.name}", params={**params, "id": row["id"]}, headers=headers).json()
        assert listed["data"] == [found], resource.name


def test_a_page_number_tells_the_total(factory: Factory) -> None:
    for _ in range(3):
        factory.create("brands")
    answer = factory.client.get("/api/brands?page=2&limit=2", headers=factory.headers).json()
    assert len(answer["data"]) == 1
    assert answer["pagination"] == {"limit": 2, "next_cursor": None, "page": 2, "total": 3, "pages": 2}


def test_pages_neither_repeat_nor_lose_rows_while_others_come_in(factory: Factory) -> None:
    client, headers = factory.client, factory.headers
    first = [factory.create("brands")["id"] for _ in range(6)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = client.get(f"/api/brands?sort=-created_at&limit=2{cursor}", headers=headers).json()
        seen += values_of(page["data"], "id")
        factory.create("brands")
        if page["pagination"]["next_cursor"] is None:
            break
        cursor = f"&cursor={page['pagination']['next_cursor']}"
    assert seen == first[::-1]


Attempt = tuple[str, str, Row | None]


def writes_of(resource: Resource, row: Row, body: Row) -> dict[str, list[Attempt]]:
    """Return the requests that write, by the role each needs."""
    base, path = f"/api/{resource.name}", f"/api/{resource.name}/{row['id']}"
    found: dict[str, list[Attempt]] = {role: [] for role in Role}
    if resource.creatable:
        found[resource.write] += [("POST", base, body), ("POST", f"{base}/batch", {"items": [body]})]
    if resource.editable:
        found[resource.write] += [("PATCH", path, {}), ("PUT", path, {})]
    if resource.transitions:
        found[resource.write].append(("POST", f"{path}/transition", {"to": row[resource.state]}))
    if resource.deletable and resource.trashable:
        found[resource.delete].append(("POST", f"{path}/restore", None))
        found["admin"].append(("POST", f"{path}/purge", None))
    if resource.deletable:
        found[resource.delete].append(("DELETE", path, None))
    for name, verb in resource.verbs.items():
        found[verb.role].append(("POST", f"{path}/{name}" if verb.on == "row" else f"{base}/{name}", None))
    return found


@pytest.fixture
def logins(tenant: Tenant, login_as: LoginAs) -> dict[str, dict[str, str]]:
    return {role.value: login_as(getattr(tenant, role.value)) for role in Role}


def test_nobody_writes_below_the_role_a_resource_wants(
    factory: Factory, db: Database, tenant: Tenant, logins: dict[str, dict[str, str]], client: Client
) -> None:
    refused = 0
    for resource in tables(factory.catalog):
        row = factory.any(resource.name)
        body = factory.body(resource.name) if resource.creatable else {}
        before = dump(db, tenant.organization_id)
        before.pop("changes")
        for needed, attempts in writes_of(resource, row, body).items():
            for method, path, content in attempts:
                anonymous = client.request(method, path, json=content)
                assert (anonymous.status_code, anonymous.json()["code"]) == (401, "unauthenticated"), path
                assert anonymous.headers["www-authenticate"] == "Bearer"
                for role in Role:
                    if role.covers(Role(needed)):
                        continue
                    answer = client.request(method, path, json=content, headers=logins[role])
                    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), (path, role)
                    refused += 1
        after = dump(db, tenant.organization_id)
        after.pop("changes")
        assert after == before, resource.name
    denied = db.query("SELECT count(*) FROM changes WHERE action = 'permission_denied' AND entity = 'requests'")
    assert denied[0][0] == refused > 0


def test_nobody_reads_without_a_login_or_below_the_role_a_resource_wants(
    factory: Factory, logins: dict[str, dict[str, str]], client: Client
) -> None:
    for resource in factory.catalog.resources:
        for part in ("", "/export", "/aggregate", f"/{NOWHERE}", f"/{NOWHERE}/history"):
            path = f"/api/{resource.name}{part}"
            assert client.get(path).status_code == 401, path
            for role in Role:
                status = client.get(path, headers=logins[role]).status_code
                allowed = {404} if NOWHERE in part else {200}
                assert status in (allowed if role.covers(resource.read) else {403}), (path, role)


def test_members_write_what_needs_no_admin(factory: Factory, tenant: Tenant, login_as: LoginAs, db: Database) -> None:
    own = Factory(factory.client, db, tenant.member, login_as(tenant.member))
    for resource in creatable(factory):
        if not Role.MEMBER.covers(resource.write):
            continue
        row = own.create(resource.name)
        path = f"/api/{resource.name}/{row['id']}"
        assert row["created_by"] == str(tenant.member.id), resource.name
        if resource.deletable and Role.MEMBER.covers(resource.delete):
            assert own.client.delete(path, headers=own.headers).status_code == 204, resource.name
            assert own.client.post(f"{path}/purge", headers=own.headers).status_code == 403, resource.name


def test_what_a_resource_does_not_offer_is_refused(factory: Factory) -> None:
    refusals: list[tuple[bool, str, str, Callable[[Resource], bool]]] = [
        (False, "POST", "/batch", lambda resource: resource.creatable),
        (True, "PATCH", "", lambda resource: resource.editable),
        (True, "PUT", "", lambda resource: resource.editable),
        (True, "DELETE", "", lambda resource: resource.deletable),
        (True, "POST", "/restore", lambda resource: resource.trashable and resource.deletable),
        (True, "POST", "/purge", lambda resource: resource.trashable and resource.deletable),
        (True, "POST", "/transition", lambda resource: bool(resource.transitions)),
        (True, "POST", "/nonsense", lambda _: False),
        (False, "POST", "/nonsense", lambda _: False),
        (True, "GET", "/nonsense", lambda _: False),
    ]
    for resource in tables(factory.catalog):
        row = factory.any(resource.name)
        for on_row, method, part, is_offered in refusals:
            if is_offered(resource):
                continue
            path = f"/api/{resource.name}" + (f"/{row['id']}" if on_row else "") + part
            answer = factory.client.request(method, path, json={}, headers=factory.headers)
            assert answer.status_code in {404, 405}, (method, path, answer.text)
            assert answer.json()["code"] in {"not_found", "method_not_allowed"}, path
