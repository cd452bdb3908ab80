"""No token of one organization reads, changes or refers to anything of another, by any route there is."""

import json
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from growbase.core.actor import system
from growbase.core.database import Database
from growbase.core.errors import ForeignKey
from growbase.core.model import View, rule_of, table_of
from growbase.core.resource import Resource
from growbase.core.statements import mark
from growbase.core.transaction import Transaction
from growbase.domains.identity.usage import Metric, consume, reserve
from tests.api.conftest import Client, LoginAs
from tests.api.factories import BODIES, SAMPLES, Factory, Row, dump, tables
from tests.fixtures import Tenant

PUBLIC = {"gallery", "plans"}
"""What all organizations share."""


@pytest.fixture
def victim(client: Client, db: Database, tenant: Tenant, login_as: LoginAs) -> Factory:
    return Factory(client, db, tenant.owner, login_as(tenant.owner))


@pytest.fixture
def stranger(client: Client, db: Database, other_tenant: Tenant, login_as: LoginAs) -> Factory:
    return Factory(client, db, other_tenant.owner, login_as(other_tenant.owner))


def owned(factory: Factory) -> list[Resource]:
    return [resource for resource in tables(factory.catalog) if resource.model.__scope__ is not None]


def request_body(stranger: Factory, path: str, method: str, operation: Row) -> Any:  # noqa: ANN401 -- a JSON value
    if path in BODIES:
        return BODIES[path]
    if method in {"patch", "put"}:
        return stranger.body(path.split("/")[2], full=True, schema_kind="Update")
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return stranger.sample(content["schema"], "body", 1) if content else None


def ways(factory: Factory, name: str) -> list[str]:
    """Return the ways to ask for a row."""
    trash = ["?trash=include"] if factory.catalog.by_name[name].trashable else []
    return ["", "?as_of=2100-01-01", "?fields=id", *trash]


def test_every_route_to_anothers_row_finds_nothing_and_changes_nothing(
    victim: Factory, stranger: Factory, db: Database, tenant: Tenant
) -> None:
    paths = victim.schema("brands", "Create") and victim.description["paths"]
    stranger.schema("brands", "Create")
    client, tried = victim.client, 0
    ids: dict[str, list[str]] = {}
    for resource in owned(victim):
        ids[resource.name] = [victim.any(resource.name)["id"]]
        if resource.creatable and resource.deletable and resource.trashable:
            trashed = victim.create(resource.name)["id"]
            client.delete(f"/api/{resource.name}/{trashed}", headers=victim.headers)
            ids[resource.name].append(trashed)
    session = client.get("/api/auth/sessions", headers=victim.headers).json()["data"][0]["id"]
    before = dump(db, tenant.organization_id)
    for path, operations in paths.items():
        name = path.split("/")[2] if path.startswith("/api/") else ""
        if "{id}" not in path or name in PUBLIC:
            continue
        for method, operation in operations.items():
            targets = [session] if path.startswith("/api/auth/sessions") else ids[name]
            body = request_body(stranger, path, method, operation)
            for id in targets:
                for suffix in ways(victim, name) if method == "get" and path.endswith("{id}") else ("",):
                    answer = client.request(
                        method.upper(), path.replace("{id}", id) + suffix, json=body, headers=stranger.headers
                    )
                    expected = {405, 404} if method == "delete" and not victim.catalog.by_name.get(name) else {404}
                    assert answer.status_code in expected, (method, path, suffix, answer.text)
                    assert answer.json()["code"] == "not_found", (method, path)
                    tried += 1
    assert tried > 100
    assert dump(db, tenant.organization_id) == before


def test_no_list_export_or_total_shows_anothers_rows(victim: Factory, stranger: Factory, tenant: Tenant) -> None:
    client, headers = stranger.client, stranger.headers
    for resource in owned(victim):
        row = victim.any(resource.name)
        base = f"/api/{resource.name}"
        secrets = {row["id"], str(tenant.organization_id)}
        reads = ["", "?limit=200", f"?id={row['id']}", "/export", "/export?format=csv", "?page=1"]
        reads += [f"?{column.name}=not.is.null" for column in resource.public if rule_of(column).kind != "document"]
        reads += [f"?or=(id.eq.{row['id']},id.not.is.null)", f"?id=in.({row['id']})"]
        reads += ["?trash=include", "?trash=only"] if resource.trashable else []
        reads += [f"?q={row[field].split()[0]}" for field in resource.search if row[field]]
        reads += [f"?expand={','.join(resource.expand)}"] if resource.expand else []
        for part in reads:
            answer = client.get(base + part, headers=headers)
            assert answer.status_code == 200, (resource.name, part, answer.text)
            assert not [secret for secret in secrets if secret in answer.text], (resource.name, part)
        counted = client.get(f"{base}/aggregate?id={row['id']}", headers=headers).json()
        assert counted == {"data": [{"count": 0}]}, resource.name
    for view in victim.catalog.resources:
        if issubclass(view.model, View):
            answer = client.get(f"/api/views/{view.name}", headers=headers)
            assert answer.status_code == 200
            assert str(tenant.organization_id) not in answer.text, view.name


def references(resource: Resource) -> list[tuple[str, str, bool]]:
    """Return column, target and whether it is a member, of the references a request can set."""
    return [
        (column.name, str(rule.target), rule.member)
        for column in resource.table.columns
        if (rule := rule_of(column)).target and not rule.shared and rule.writable != "never"
    ]


def test_an_id_of_another_organization_is_refused_in_every_reference(
    victim: Factory, stranger: Factory, db: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    client, headers, tried = stranger.client, stranger.headers, 0
    for resource in owned(victim):
        if not resource.creatable:
            continue
        path = f"/api/{resource.name}"
        for name, target, is_member in references(resource):
            theirs = str(tenant.owner.id) if is_member else victim.any(target.replace("_", "-"))["id"]
            body = stranger.body(resource.name) | {name: theirs}
            row = stranger.create(resource.name)
            before = dump(db, tenant.organization_id), dump(db, other_tenant.organization_id)
            operation = {"method": "create", "resource": resource.name, "body": body}
            attempts: list[tuple[str, str, Row, str]] = [
                ("POST", path, body, name),
                ("POST", f"{path}/batch", {"items": [body]}, f"items.0.{name}"),
                ("POST", "/api/batch", {"operations": [operation]}, f"operations.0.body.{name}"),
            ]
            if rule_of(resource.table.columns[name]).writable == "always":
                attempts.append(("PATCH", f"{path}/{row['id']}", {name: theirs}, name))
            for method, place, content, field in attempts:
                answer = client.request(method, place, json=content, headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (409, "foreign_key"), (place, name, answer.text)
                assert [error["field"] for error in answer.json()["errors"]] == [field], (place, name)
                tried += 1
            assert (dump(db, tenant.organization_id), dump(db, other_tenant.organization_id)) == before, name
    assert tried > 20


def run(tx: Transaction, *, sql: str, params: tuple[object, ...]) -> None:
    tx.execute(sql, params)


def make_facts(factory: Factory) -> None:
    """Make an event, an assignment and use of the plan, which no resource offers."""
    for found in SAMPLES:
        getattr(found, "make_facts", lambda _: None)(factory)
    content = factory.create("contents")
    variants = {"variants": [{"key": "a", "body": "A", "weight_percent": 100}]}
    base = f"/api/contents/{content['id']}"
    for path, body in [
        (f"{base}/variants", variants),
        (f"{base}/assign", {"subject_key": "s"}),
        ("/api/analytics", {"event_type": "click", "campaign_id": content["campaign_id"]}),
    ]:
        assert factory.client.post(path, json=body, headers=factory.headers).status_code in {200, 202}
    factory.db.write(factory.actor, use_the_plan)


def use_the_plan(tx: Transaction) -> None:
    consume(tx, Metric.POSTS_GENERATED)
    reserve(tx, Metric.POSTS_GENERATED, 1, key="a job")


def test_the_database_refuses_a_foreign_reference_that_the_application_let_through(
    victim: Factory, stranger: Factory, db: Database, other_tenant: Tenant, tenant: Tenant
) -> None:
    for factory in (victim, stranger):
        make_facts(factory)
        for resource in owned(factory):
            factory.any(resource.name)
    sign, tried = mark(db.engine), 0
    for model in db.catalog.models.values():
        if issubclass(model, View) or model.__scope__ != "organization_id":
            continue
        name = str(model.__tablename__)
        plan_key = [column.name for column in table_of(model).primary_key][-1]
        for column in table_of(model).columns:
            rule = rule_of(column)
            if not rule.target or rule.shared or column.name == "organization_id":
                continue
            theirs: Any = tenant.owner.id
            if not rule.member:
                found = db.query(f"SELECT id FROM {rule.target} WHERE organization_id = '{tenant.organization_id}'")
                theirs = found[0][0]
            theirs = str(theirs) if db.engine == "sqlite" else UUID(str(theirs))
            mine = f"SELECT {plan_key} FROM {name} WHERE organization_id = '{other_tenant.organization_id}'"
            ours = db.query(mine)
            assert ours, f"make a row of {name}"
            update = f"UPDATE {name} SET {column.name} = {sign} WHERE {plan_key} = {sign}"
            with pytest.raises(ForeignKey):
                db.write(system(), partial(run, sql=update, params=(theirs, ours[0][0])))
            tried += 1
    assert tried > 15


def test_a_cursor_and_an_idempotency_key_of_another_organization_open_nothing(
    victim: Factory, stranger: Factory
) -> None:
    client = victim.client
    for _ in range(3):
        victim.create("brands")
    page = client.get("/api/brands?limit=1", headers=victim.headers).json()
    cursor = page["pagination"]["next_cursor"]
    found = client.get(f"/api/brands?limit=1&cursor={cursor}", headers=stranger.headers)
    assert found.json()["data"] == []
    body = victim.body("brands")
    key = {"Idempotency-Key": "the same key"}
    mine = client.post("/api/brands", json=body, headers=victim.headers | key)
    theirs = client.post("/api/brands", json=body, headers=stranger.headers | key)
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["organization_id"] != theirs.json()["organization_id"]
    assert "idempotency-replayed" not in theirs.headers


def test_a_batch_neither_changes_nor_mentions_anothers_rows(
    victim: Factory, stranger: Factory, db: Database, tenant: Tenant
) -> None:
    before = {}
    for resource in owned(victim):
        row = victim.any(resource.name)
        before = dump(db, tenant.organization_id)
        for method, offered in [
            ("update", resource.editable),
            ("delete", resource.deletable),
            ("restore", resource.deletable and resource.trashable),
        ]:
            if not offered:
                continue
            operation = {"method": method, "resource": resource.name, "id": row["id"], "body": {}}
            body = {"operations": [operation]}
            answer = stranger.client.post("/api/batch", json=body, headers=stranger.headers)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (method, resource.name)
    assert json.dumps(before)
    assert dump(db, tenant.organization_id) == before
