from collections.abc import Callable
from typing import Any

import pytest

from growbase.core.actor import Actor, Role
from growbase.core.database import Database
from tests.api.conftest import PASSWORD, Client, Headers, LoginAs, bearer
from tests.fixtures import Tenant

GRACE = {"email": "grace@example.com", "role": "member"}


def membership_of(client: Client, headers: Headers, actor: Actor) -> dict[str, Any]:
    found = client.get(f"/api/memberships?user_id={actor.id}", headers=headers).json()["data"]
    assert len(found) == 1
    return dict(found[0])


def test_a_further_organization_is_made_owned_and_switched_to(
    client: Client, tenant: Tenant, login_as: LoginAs
) -> None:
    headers = login_as(tenant.viewer)
    made = client.post("/api/organizations", json={"name": "Second", "timezone": "Europe/Paris"}, headers=headers)
    row = made.json()
    assert (made.status_code, made.headers["location"]) == (201, f"/api/organizations/{row['id']}")
    assert (row["slug"], row["timezone"], made.headers["etag"]) == ("second", "Europe/Paris", '"1"')
    assert client.get(f"/api/organizations/{row['id']}", headers=headers).status_code == 404

    switched = client.post("/api/auth/switch", json={"organization_id": row["id"]}, headers=headers)
    found = switched.json()
    there = bearer(found["access_token"])
    assert (found["organization"]["name"], found["role"], len(found["organizations"])) == ("Second", "owner", 2)
    listed = client.get("/api/organizations", headers=there).json()["data"]
    assert [organization["id"] for organization in listed] == [row["id"]]
    renamed = client.patch(f"/api/organizations/{row['id']}", json={"name": "Third"}, headers=there)
    assert renamed.json()["name"] == "Third"


def test_a_cookie_session_stays_a_cookie_when_it_switches(client: Client) -> None:
    body = {"email": "ada@example.com", "password": PASSWORD, "session": "cookie"}
    csrf = {"X-CSRF-Token": client.post("/api/auth/register", json=body).json()["csrf_token"]}
    made = client.post("/api/organizations", json={"name": "Second"}, headers=csrf).json()
    switched = client.post("/api/auth/switch", json={"organization_id": made["id"]}, headers=csrf)
    assert "access_token" not in switched.json()
    assert client.get("/api/auth/me").json()["organization"]["name"] == "Second"
    stale = client.post("/api/organizations", json={"name": "Third"}, headers=csrf)
    assert stale.status_code == 403


def test_nobody_switches_to_an_organization_of_others(
    client: Client, tenant: Tenant, other_tenant: Tenant, login_as: LoginAs
) -> None:
    body = {"organization_id": str(other_tenant.organization_id)}
    answer = client.post("/api/auth/switch", json=body, headers=login_as(tenant.owner))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "status", "fields"),
    [
        ({}, 422, ["name"]),
        ({"name": ""}, 422, ["name"]),
        ({"name": "A", "slug": "No Slug"}, 422, ["slug"]),
        ({"name": "A", "timezone": "Nowhere"}, 422, ["timezone"]),
        ({"name": "A", "status": "closed"}, 422, ["status"]),
        ({"name": "A", "slug": "acme"}, 409, ["slug"]),
    ],
)
def test_a_wrong_organization_is_refused(
    client: Client, tenant: Tenant, login_as: LoginAs, body: dict[str, Any], status: int, fields: list[str]
) -> None:
    answer = client.post("/api/organizations", json=body, headers=login_as(tenant.owner))
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (status, fields)


def test_organizations_are_made_by_users_alone(
    client: Client, tenant: Tenant, key_of: Callable[..., Headers], login_as: LoginAs
) -> None:
    body = {"name": "Second"}
    assert client.post("/api/organizations", json=body).status_code == 401
    assert client.post("/api/organizations", json=body, headers=key_of(tenant.owner, "admin")).status_code == 403
    assert client.get("/api/organizations").status_code == 401
    assert client.put("/api/organizations", json=body, headers=login_as(tenant.owner)).status_code == 405


def test_an_organization_asked_for_twice_with_one_key_is_made_once(
    client: Client, db: Database, tenant: Tenant, login_as: LoginAs
) -> None:
    headers = {**login_as(tenant.owner), "Idempotency-Key": "second"}
    first, again = (client.post("/api/organizations", json={"name": "Second"}, headers=headers) for _ in range(2))
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert db.query("SELECT count(*) FROM organizations")[0][0] == 2


def test_somebody_new_accepts_an_invitation_and_is_logged_in(
    client: Client, tenant: Tenant, login_as: LoginAs, mailed: Callable[[str], list[str]]
) -> None:
    invited = client.post("/api/memberships/invite", json=GRACE, headers=login_as(tenant.admin))
    assert (invited.status_code, invited.json()["status"], invited.json()["role"]) == (201, "invited", "member")
    (token,) = mailed("invite")
    without = client.post("/api/auth/accept-invite", json={"token": token})
    assert (without.status_code, without.json()["errors"][0]["field"]) == (422, "password")
    accepted = client.post("/api/auth/accept-invite", json={"token": token, "password": PASSWORD, "full_name": "Grace"})
    found = accepted.json()
    assert (accepted.status_code, found["role"], found["organization"]["name"]) == (200, "member", "Acme")
    assert client.get("/api/auth/me", headers=bearer(found["access_token"])).json()["user"]["full_name"] == "Grace"
    assert client.post("/api/auth/accept-invite", json={"token": token, "password": PASSWORD}).status_code == 422


def test_a_verified_user_accepts_without_being_logged_in_by_the_link(
    client: Client,
    tenant: Tenant,
    login_as: LoginAs,
    mailed: Callable[[str], list[str]],
) -> None:
    body = {"email": GRACE["email"], "password": PASSWORD}
    mine = bearer(client.post("/api/auth/register", json=body).json()["access_token"])
    client.post("/api/auth/verify-email", json={"token": mailed("verify_email")[0]})
    client.post("/api/memberships/invite", json=GRACE, headers=login_as(tenant.admin))
    accepted = client.post("/api/auth/accept-invite", json={"token": mailed("invite")[0]})
    assert (accepted.status_code, accepted.content) == (204, b"")
    switched = client.post("/api/auth/switch", json={"organization_id": str(tenant.organization_id)}, headers=mine)
    assert switched.json()["role"] == "member"


WHO = [("viewer", 403), ("member", 403), ("admin", 201), ("owner", 201)]


@pytest.mark.parametrize(("who", "status"), WHO)
def test_admins_invite(client: Client, tenant: Tenant, login_as: LoginAs, who: str, status: int) -> None:
    actor: Actor = getattr(tenant, who)
    assert client.post("/api/memberships/invite", json=GRACE, headers=login_as(actor)).status_code == status


def test_only_owners_make_and_unmake_owners(client: Client, tenant: Tenant, login_as: LoginAs) -> None:
    admin, owner = login_as(tenant.admin), login_as(tenant.owner)
    member = membership_of(client, admin, tenant.member)["id"]
    own = membership_of(client, admin, tenant.owner)["id"]
    assert client.post(f"/api/memberships/{member}/role", json={"role": "owner"}, headers=admin).status_code == 403
    assert client.post(f"/api/memberships/{own}/remove", headers=admin).status_code == 403
    raised = client.post(f"/api/memberships/{member}/role", json={"role": "admin"}, headers=admin)
    assert (raised.status_code, raised.json()["role"]) == (200, "admin")
    alone = client.post(f"/api/memberships/{own}/role", json={"role": "viewer"}, headers=owner)
    assert (alone.status_code, alone.json()["code"]) == (409, "conflict")


def test_a_removed_member_is_out_at_once(client: Client, tenant: Tenant, login_as: LoginAs) -> None:
    admin, member = login_as(tenant.admin), login_as(tenant.member)
    assert client.get("/api/organizations", headers=member).status_code == 200
    id = membership_of(client, admin, tenant.member)["id"]
    removed = client.post(f"/api/memberships/{id}/remove", headers=admin)
    assert (removed.status_code, removed.json()["status"]) == (200, "disabled")
    assert client.get("/api/organizations", headers=member).status_code == 401


def test_a_member_leaves_but_the_last_owner_stays(client: Client, tenant: Tenant, login_as: LoginAs) -> None:
    viewer, owner = login_as(tenant.viewer), login_as(tenant.owner)
    assert client.post("/api/memberships/leave", headers=viewer).status_code == 200
    assert client.get("/api/organizations", headers=viewer).status_code == 401
    assert client.post("/api/memberships/leave", headers=owner).status_code == 409


def test_ownership_is_transferred_to_a_member(client: Client, tenant: Tenant, login_as: LoginAs) -> None:
    owner, admin = login_as(tenant.owner), login_as(tenant.admin)
    heir = membership_of(client, owner, tenant.admin)["id"]
    assert client.post(f"/api/memberships/{heir}/transfer", headers=admin).status_code == 403
    assert client.post(f"/api/memberships/{heir}/transfer", headers=owner).json()["role"] == "owner"
    assert membership_of(client, admin, tenant.owner)["role"] == Role.ADMIN


def test_members_of_others_are_not_there(
    client: Client, tenant: Tenant, other_tenant: Tenant, login_as: LoginAs
) -> None:
    theirs = membership_of(client, login_as(other_tenant.owner), other_tenant.member)["id"]
    owner = login_as(tenant.owner)
    requests = [
        ("GET", f"/api/memberships/{theirs}", None),
        ("POST", f"/api/memberships/{theirs}/role", {"role": "viewer"}),
        ("POST", f"/api/memberships/{theirs}/remove", None),
        ("POST", f"/api/memberships/{theirs}/transfer", None),
        ("GET", f"/api/organizations/{other_tenant.organization_id}", None),
        ("PATCH", f"/api/organizations/{other_tenant.organization_id}", {"name": "Mine"}),
        ("DELETE", f"/api/organizations/{other_tenant.organization_id}", None),
    ]
    answers = [client.request(method, path, json=body, headers=owner) for method, path, body in requests]
    assert [answer.status_code for answer in answers] == [404] * len(requests)
