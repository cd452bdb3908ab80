"""What happened to a row, what it was like before, and taking a change back."""

from typing import Any

from growbase.core.database import Database
from tests.api.conftest import Client, Factory, Headers, LoginAs
from tests.api.factories import NOWHERE, Row, dump, tables
from tests.fixtures import Tenant


def history(factory: Factory, path: str, query: str = "") -> list[Row]:
    answer = factory.client.get(f"{path}/history{query}", headers=factory.headers)
    assert answer.status_code == 200, answer.text
    found: list[Row] = answer.json()["data"]
    return found


def undo(factory: Factory, path: str, seq: int, headers: Headers | None = None) -> Any:  # noqa: ANN401 -- a response
    return factory.client.post(f"{path}/undo", json={"seq": seq}, headers=headers or factory.headers)


def test_every_resource_tells_its_changes_newest_first(factory: Factory, tenant: Tenant) -> None:
    client = factory.client
    for resource in tables(factory.catalog):
        if not (resource.creatable and resource.deletable and resource.trashable):
            continue
        row = factory.create(resource.name)
        path = f"/api/{resource.name}/{row['id']}"
        headers = {**factory.headers, "X-Request-Id": "the delete"}
        gone = client.delete(path, headers=headers)
        client.post(f"{path}/restore", headers=factory.headers)
        found = history(factory, path)
        assert [change["action"] for change in found] == ["restore", "trash", "insert"], resource.name
        assert [change["version"] for change in found] == [3, 2, 1], resource.name
        trashed = found[1]
        assert trashed["request_id"] == "the delete"
        assert trashed["deletion_id"] == gone.headers["deletion-id"]
        assert (trashed["actor"]["type"], trashed["actor"]["id"]) == ("user", str(tenant.owner.id))
        assert history(factory, path, "?limit=1") == found[:1]
        assert history(factory, path, f"?before={found[0]['seq']}") == found[1:]
        made = client.get(f"{path}?as_of={found[2]['occurred_at']}", headers=factory.headers)
        assert made.status_code == 200, (resource.name, made.text)
        assert made.json() == row, resource.name
        assert client.get(f"{path}?as_of={trashed['occurred_at']}", headers=factory.headers).status_code == 404
        assert client.get(f"{path}?as_of=2020-01-01", headers=factory.headers).status_code == 404
    path = f"/api/brands/{factory.create('brands')['id']}"
    for query in ("limit=x", "before=x", "before=9223372036854775808"):
        answer = client.get(f"{path}/history?{query}", headers=factory.headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_query"), query
    assert client.get(f"/api/brands/{NOWHERE}/history", headers=factory.headers).status_code == 404


def test_a_change_is_taken_back_as_a_new_write(factory: Factory) -> None:
    row = factory.create("campaigns", name="First", goals={"reach": 1})
    path = f"/api/campaigns/{row['id']}"
    for body in ({"name": "Second", "goals": {"reach": 2}}, {"purpose": "Another"}):
        factory.client.patch(path, json=body, headers=factory.headers)
    _, renamed, made = history(factory, path)
    assert renamed["changes"] == {"name": ["First", "Second"], "goals": [{"reach": 1}, {"reach": 2}]}
    back = undo(factory, path, renamed["seq"])
    assert back.status_code == 200, back.text
    found = back.json()
    assert (found["name"], found["goals"], found["purpose"], found["version"]) == ("First", {"reach": 1}, "Another", 4)
    for seq, status in ((renamed["seq"], 409), (made["seq"], 409), (2**62, 404)):
        assert undo(factory, path, seq).status_code == status, seq
    factory.client.post(f"{path}/transition", json={"to": "cancelled"}, headers=factory.headers)
    refused = undo(factory, path, history(factory, path)[0]["seq"])
    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_transition")


def test_a_deletion_and_its_restoring_are_taken_back(factory: Factory) -> None:
    content = factory.create("contents")
    path = f"/api/campaigns/{content['campaign_id']}"
    factory.client.delete(path, headers=factory.headers)
    back = undo(factory, path, history(factory, path)[0]["seq"])
    assert (back.status_code, back.json()["deleted_at"]) == (200, None)
    assert factory.client.get(f"/api/contents/{content['id']}", headers=factory.headers).status_code == 200
    again = undo(factory, path, history(factory, path)[0]["seq"])
    assert (again.status_code, again.content) == (204, b"")
    assert factory.client.get(path, headers=factory.headers).status_code == 404


def test_undoing_is_no_way_round_what_only_the_program_writes(
    factory: Factory, client: Client, db: Database, tenant: Tenant, login_as: LoginAs
) -> None:
    key = client.post("/api/api-keys", json={"name": "K", "scopes": ["read"]}, headers=factory.headers).json()
    path = f"/api/api-keys/{key['id']}"
    assert client.post(f"{path}/revoke", headers=factory.headers).status_code == 200
    revoked = undo(factory, path, history(factory, path)[0]["seq"])
    assert (revoked.status_code, revoked.json()["code"]) == (409, "conflict")
    memberships = client.get("/api/memberships?limit=50", headers=factory.headers).json()["data"]
    [owner] = [row for row in memberships if row["user_id"] == str(tenant.owner.id)]
    [admin] = [row for row in memberships if row["user_id"] == str(tenant.admin.id)]
    moved = client.post(f"/api/memberships/{admin['id']}/transfer", headers=factory.headers)
    assert moved.status_code == 200, moved.text
    before = dump(db, tenant.organization_id)
    demoted = login_as(tenant.owner)
    for row in (owner, admin):
        changes = client.get(f"/api/memberships/{row['id']}/history", headers=demoted).json()["data"]
        answer = undo(factory, f"/api/memberships/{row['id']}", changes[0]["seq"], demoted)
        assert answer.status_code in {403, 404, 405, 409}, answer.text
    after = dump(db, tenant.organization_id)
    assert after["memberships"] == before["memberships"]


def test_viewers_read_the_history_and_take_nothing_back(factory: Factory, tenant: Tenant, login_as: LoginAs) -> None:
    row = factory.create("brands", name="First")
    path = f"/api/brands/{row['id']}"
    factory.client.patch(path, json={"name": "Second"}, headers=factory.headers)
    viewer = login_as(tenant.viewer)
    changes = factory.client.get(f"{path}/history", headers=viewer).json()["data"]
    assert undo(factory, path, changes[0]["seq"], viewer).status_code == 403
    other = factory.create("brands")
    assert undo(factory, f"/api/brands/{other['id']}", changes[0]["seq"]).status_code == 404
