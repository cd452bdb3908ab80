"""Notifications and saved views: rows that belong to one user, whom nobody else can look over the shoulder."""

from collections.abc import Callable
from uuid import UUID

import pytest

from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.domains.identity.actions_personal import notify
from tests.api.conftest import Client, Factory, Headers, LoginAs
from tests.api.factories import Row, dump
from tests.fixtures import Tenant


def tell(db: Database, actor: Actor, user: Actor, title: str, **over: str) -> bool:
    assert user.id is not None
    user_id: UUID = user.id
    return db.write(actor, lambda tx: notify(tx, user_id=user_id, kind="test", title=title, **over))


def titles(client: Client, headers: Headers, query: str = "") -> list[str]:
    found = client.get(f"/api/notifications?{query}", headers=headers).json()["data"]
    return [row["title"] for row in found]


def test_a_notification_is_its_users_alone(
    factory: Factory, db: Database, tenant: Tenant, login_as: LoginAs, key_of: Callable[..., Headers]
) -> None:
    client = factory.client
    member, admin = login_as(tenant.member), login_as(tenant.admin)
    tell(db, tenant.owner, tenant.member, "for the member")
    tell(db, system("test", tenant.member.organization_id), tenant.admin, "for the admin", body="text", link="/studio")
    assert (titles(client, member), titles(client, admin)) == (["for the member"], ["for the admin"])
    for other in (factory.headers, login_as(tenant.viewer), key_of(tenant.admin, "admin")):
        assert titles(client, other) == []
    [row] = client.get("/api/notifications", headers=member).json()["data"]
    path = f"/api/notifications/{row['id']}"
    before = dump(db, tenant.organization_id)
    for method, place in (
        *(("GET", path), ("GET", f"{path}/history"), ("GET", f"{path}?as_of=2100-01-01"), ("POST", f"{path}/read")),
        *(("GET", f"{path}?fields=id,title"), ("POST", f"{path}/undo")),
    ):
        answer = client.request(method, place, headers=admin, json={"seq": 1} if method == "POST" else None)
        assert answer.status_code in {404, 422}, (method, place, answer.text)
        assert "for the member" not in answer.text
    for part in (f"?id={row['id']}", "?page=1", f"/export?id={row['id']}", f"?or=(id.eq.{row['id']},id.is.null)"):
        assert row["id"] not in client.get(f"/api/notifications{part}", headers=admin).text, part
    assert client.get("/api/notifications/aggregate", headers=admin).json() == {"data": [{"count": 1}]}
    assert {**dump(db, tenant.organization_id), "changes": []} == {**before, "changes": []}


def test_notifications_are_read_one_by_one_or_all(
    factory: Factory, db: Database, tenant: Tenant, login_as: LoginAs
) -> None:
    client, viewer = factory.client, login_as(tenant.viewer)
    for title in ("a", "b", "c"):
        tell(db, tenant.owner, tenant.viewer, title)
    tell(db, tenant.owner, tenant.admin, "another's")
    assert titles(client, viewer) == ["c", "b", "a"]
    row = client.get("/api/notifications", headers=viewer).json()["data"][0]
    read = client.post(f"/api/notifications/{row['id']}/read", headers=viewer)
    assert read.status_code == 200
    assert read.json()["read_at"] is not None
    again = client.post(f"/api/notifications/{row['id']}/read", headers=viewer)
    assert again.json() == read.json()
    assert titles(client, viewer, "read_at=is.null") == ["b", "a"]
    assert client.post("/api/notifications/read-all", headers=viewer).json() == {"read": 2}
    assert client.post("/api/notifications/read-all", headers=viewer).json() == {"read": 0}
    assert titles(client, viewer, "read_at=is.null") == []
    assert titles(client, login_as(tenant.admin), "read_at=is.null") == ["another's"]


def test_the_same_thing_is_told_once(db: Database, tenant: Tenant) -> None:
    assert tell(db, tenant.owner, tenant.member, "a", dedupe_key="k")
    assert not tell(db, tenant.owner, tenant.member, "b", dedupe_key="k")
    assert tell(db, tenant.owner, tenant.admin, "c", dedupe_key="k")
    assert tell(db, tenant.owner, tenant.member, "d")


def view(factory: Factory, headers: Headers, **over: object) -> Row:
    body = {"resource": "campaigns", "name": "Mine", "query": {"status": "active"}, **over}
    answer = factory.client.post("/api/saved-views", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    found: Row = answer.json()
    return found


@pytest.fixture
def names(factory: Factory) -> Callable[[Headers], list[str]]:
    def read(headers: Headers) -> list[str]:
        found = factory.client.get("/api/saved-views?sort=name&limit=200", headers=headers).json()["data"]
        return [row["name"] for row in found]

    return read


def test_a_saved_view_is_ones_own_until_it_is_shared(
    factory: Factory, tenant: Tenant, login_as: LoginAs, names: Callable[[Headers], list[str]]
) -> None:
    client, member, admin = factory.client, login_as(tenant.member), login_as(tenant.admin)
    mine = view(factory, member)
    view(factory, admin)
    ours = view(factory, member, name="Ours", shared=True)
    assert (mine["user_id"], ours["user_id"], mine["query"]) == (str(tenant.member.id), None, {"status": "active"})
    assert names(member) == names(admin) == ["Mine", "Ours"]
    assert names(login_as(tenant.viewer)) == ["Ours"]
    path = f"/api/saved-views/{mine['id']}"
    for method, place, body in (
        *(
            ("GET", path, None),
            ("PATCH", path, {"name": "x"}),
            ("DELETE", path, None),
            ("GET", f"{path}/history", None),
        ),
        *(("POST", f"{path}/share", None), ("POST", f"{path}/undo", {"seq": 1}), ("POST", f"{path}/restore", None)),
        *(("GET", f"{path}?as_of=2100-01-01", None), ("POST", f"{path}/purge", None)),
    ):
        answer = client.request(method, place, json=body, headers=admin)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (method, place, answer.text)
    operation = {"method": "update", "resource": "saved-views", "id": mine["id"], "body": {"name": "x"}}
    assert client.post("/api/batch", json={"operations": [operation]}, headers=admin).status_code == 404
    changed = client.patch(f"/api/saved-views/{ours['id']}", json={"query": {}}, headers=admin)
    assert (changed.status_code, changed.json()["query"]) == (200, {})
    assert len(client.get(f"{path}/history", headers=member).json()["data"]) == 1
    shared = client.post(f"{path}/share", headers=member)
    assert (shared.status_code, shared.json()["user_id"]) == (200, None)
    assert names(login_as(tenant.viewer)) == ["Mine", "Ours"]


def test_names_are_unique_for_each_user_and_for_the_organization(
    factory: Factory, tenant: Tenant, login_as: LoginAs
) -> None:
    client, member, admin = factory.client, login_as(tenant.member), login_as(tenant.admin)
    mine = view(factory, member)
    view(factory, admin, name="MINE")
    view(factory, admin, name="Mine", resource="brands")
    shared = view(factory, admin, name="Mine", shared=True)
    for headers, over in ((member, {}), (member, {"shared": True})):
        body = {"resource": "campaigns", "name": "mine", **over}
        assert client.post("/api/saved-views", json=body, headers=headers).json()["code"] == "unique", over
    assert client.post(f"/api/saved-views/{mine['id']}/share", headers=member).json()["code"] == "unique"
    # A shared view in the trash is not kept from coming back by somebody's own of the same name.
    client.delete(f"/api/saved-views/{shared['id']}", headers=member)
    assert client.post(f"/api/saved-views/{shared['id']}/restore", headers=member).status_code == 200
    client.delete(f"/api/saved-views/{mine['id']}", headers=member)
    view(factory, member)
    blocked = client.post(f"/api/saved-views/{mine['id']}/restore", headers=member)
    assert (blocked.status_code, blocked.json()["code"]) == (409, "unique")


def test_a_saved_view_is_of_a_resource_there_is(factory: Factory) -> None:
    client, headers = factory.client, factory.headers
    answer = client.post("/api/saved-views", json={"resource": "nothing", "name": "A"}, headers=headers)
    assert [error["field"] for error in answer.json()["errors"]] == ["resource"]
    path = f"/api/saved-views/{view(factory, headers)['id']}"
    assert client.patch(path, json={"resource": "nothing"}, headers=headers).status_code == 422


def test_a_key_keeps_and_sees_the_organizations_views_only(
    factory: Factory, tenant: Tenant, key_of: Callable[..., Headers], names: Callable[[Headers], list[str]]
) -> None:
    key = key_of(tenant.admin, "write")
    view(factory, factory.headers)
    assert view(factory, key, name="By a key")["user_id"] is None
    assert names(key) == ["By a key"]
    assert names(factory.headers) == ["By a key", "Mine"]
