"""Many writes in one transaction: all of them, or none."""

from growbase.core.database import Database
from tests.api.conftest import Factory, LoginAs
from tests.api.factories import NOWHERE, Row, dump, tables
from tests.fixtures import Tenant


def test_many_rows_of_every_resource_are_made_at_once(factory: Factory) -> None:
    for resource in tables(factory.catalog):
        if not resource.creatable:
            continue
        items = [factory.body(resource.name) for _ in range(3)]
        answer = factory.client.post(f"/api/{resource.name}/batch", json={"items": items}, headers=factory.headers)
        assert answer.status_code == 201, (resource.name, answer.text)
        rows = answer.json()["data"]
        assert len({row["id"] for row in rows}) == 3
        for row in rows:
            read = factory.client.get(f"/api/{resource.name}/{row['id']}", headers=factory.headers)
            assert read.json() == row, resource.name


def test_a_batch_names_every_wrong_field_of_every_item_and_writes_nothing(
    factory: Factory, db: Database, tenant: Tenant
) -> None:
    before = dump(db, tenant.organization_id)
    items = [{"name": "Good"}, {"name": ""}, {"nam": "x", "website": "y"}, 7]
    answer = factory.client.post("/api/brands/batch", json={"items": items}, headers=factory.headers)
    found = {error["field"]: error["code"] for error in answer.json()["errors"]}
    assert answer.status_code == 422
    assert found == {
        "items.1.name": "too_short",
        "items.2.name": "required",
        "items.2.nam": "unknown",
        "items.2.website": "pattern",
        "items.3": "type",
    }
    clash = [{"name": "One"}, {"name": "Two"}, {"name": "ONE"}]
    answer = factory.client.post("/api/brands/batch", json={"items": clash}, headers=factory.headers)
    assert (answer.status_code, answer.json()["code"], answer.json()["index"]) == (409, "unique", 2)
    assert [error["field"] for error in answer.json()["errors"]] == ["items.2.name"]
    assert dump(db, tenant.organization_id) == before
    many = {"items": [{"name": f"Brand {number}"} for number in range(1_001)]}
    assert factory.client.post("/api/brands/batch", json=many, headers=factory.headers).status_code == 422


def operations(*steps: Row) -> Row:
    return {"operations": list(steps)}


def step(method: str, resource: str, body: Row | None = None, **rest: object) -> Row:
    return {"method": method, "resource": resource, "body": body or {}, **rest}


def test_operations_refer_to_what_earlier_ones_made(factory: Factory) -> None:
    body = operations(
        step("create", "brands", {"name": "Acme"}),
        step("create", "campaigns", {"name": "Launch", "purpose": "Sell", "brand_id": {"$ref": "0.id"}}),
        step("update", "campaigns", {"name": "Launch again", "version": 1}, id={"$ref": "1.id"}),
        step("create", "contents", {"campaign_id": {"$ref": "1.id"}, "type": "email", "body": "Hello"}),
        step("delete", "contents", id={"$ref": "3.id"}),
        step("restore", "contents", id={"$ref": "3.id"}),
    )
    answer = factory.client.post("/api/batch", json=body, headers=factory.headers)
    assert answer.status_code == 200, answer.text
    brand, campaign, renamed, content, gone, back = answer.json()["data"]
    assert (campaign["brand_id"], renamed["name"], renamed["version"]) == (brand["id"], "Launch again", 2)
    assert (content["campaign_id"], gone, back["deleted_at"]) == (campaign["id"], None, None)
    read = factory.client.get(f"/api/campaigns/{campaign['id']}?counts=contents", headers=factory.headers).json()
    assert read["counts"] == {"contents": 1}


def test_one_wrong_operation_undoes_all_and_is_named(factory: Factory, db: Database, tenant: Tenant) -> None:
    row = factory.create("brands", name="Here")
    good = step("create", "brands", {"name": "New"})
    before = dump(db, tenant.organization_id)
    cases: list[tuple[Row, int, list[str]]] = [
        (step("create", "brands", {"name": "HERE"}), 409, ["operations.1.body.name"]),
        (step("create", "brands", {"name": "x" * 201, "a": 1}), 422, ["operations.1.body.name", "operations.1.body.a"]),
        (step("create", "brands", {"name": {"$ref": "7.id"}}), 422, ["operations.1.body.$ref"]),
        (step("create", "brands", {"name": {"$ref": "1.id"}}), 422, ["operations.1.body.$ref"]),
        (step("create", "brands", {"name": {"$ref": "0.secret"}}), 422, ["operations.1.body.$ref"]),
        (step("create", "brands", {"name": {"$ref": ["0.id"]}}), 422, ["operations.1.body.$ref"]),
        (step("update", "brands", {"name": "Q"}, id=row["id"], version=7), 412, []),
        (step("update", "brands", {"name": "Q"}, id=NOWHERE), 404, []),
        (step("update", "brands", {"name": "Q"}), 422, ["operations.1.id"]),
        (step("update", "brands", {"name": "Q"}, id={"$ref": "0.name"}), 422, ["operations.1.id"]),
        (step("delete", "brands", id=NOWHERE), 404, []),
        (step("restore", "brands", id=row["id"]), 404, []),
        (step("create", "nothing"), 422, ["operations.1.resource"]),
        (step("create", "memberships"), 405, []),
        (step("update", "content-variants", id=NOWHERE), 405, []),
        (step("explode", "brands"), 422, ["operations.1.method"]),
        (step("create", "brands", {"name": "Q"}, colour=1), 422, ["operations.1.colour"]),
        (step("create", "brands", {"name": "Q", "guidelines": {"a": "\x00"}}), 422, ["operations.1.body.guidelines"]),
    ]
    wrong = []
    for bad, status, fields in cases:
        answer = factory.client.post("/api/batch", json=operations(good, bad), headers=factory.headers)
        named = [error["field"] for error in answer.json().get("errors", [])]
        if (answer.status_code, sorted(named)) != (status, sorted(fields)):
            wrong.append((bad, answer.status_code, named))
    assert not wrong, "\n".join(map(str, wrong))
    assert dump(db, tenant.organization_id) == before
    empties: list[Row] = [{}, {"operations": []}, {"operations": [1]}, {"operations": [good] * 1_001}]
    for body in empties:
        assert factory.client.post("/api/batch", json=body, headers=factory.headers).status_code == 422
    deep = '{"operations":[{"method":"create","resource":"brands","body":{"a":' + "[" * 9_000 + "]" * 9_000 + "}}]}"
    sent = {**factory.headers, "Content-Type": "application/json"}
    assert factory.client.post("/api/batch", content=deep, headers=sent).status_code == 400


def test_a_batch_wants_the_role_of_each_of_its_operations(factory: Factory, tenant: Tenant, login_as: LoginAs) -> None:
    organization = str(tenant.organization_id)
    rename = step("update", "organizations", {"name": "Mine"}, id=organization)
    for actor, body in [
        (tenant.viewer, step("create", "brands", {"name": "A"})),
        (tenant.member, rename),
        (tenant.admin, step("delete", "organizations", id=organization)),
    ]:
        answer = factory.client.post("/api/batch", json=operations(body), headers=login_as(actor))
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), actor.role
    assert factory.client.post("/api/batch", json=operations(rename)).status_code == 401
    done = factory.client.post("/api/batch", json=operations(rename), headers=login_as(tenant.admin))
    assert (done.status_code, done.json()["data"][0]["name"]) == (200, "Mine")
