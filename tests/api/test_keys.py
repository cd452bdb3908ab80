from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from growbase.core.actor import Actor
from growbase.core.database import Database
from tests.api.conftest import Client, Headers, LoginAs, bearer
from tests.fixtures import Tenant

PATH = "/api/api-keys"
CI = {"name": "CI", "scopes": ["read"]}


def test_a_key_is_shown_once_and_works(client: Client, db: Database, tenant: Tenant, login_as: LoginAs) -> None:
    admin = login_as(tenant.admin)
    made = client.post(PATH, json={**CI, "expires_at": "2999-01-01T00:00:00Z"}, headers=admin)
    row = made.json()
    assert (made.status_code, made.headers["location"]) == (201, f"{PATH}/{row['id']}")
    assert made.headers["cache-control"] == "no-store"
    assert row["key"].startswith(f"gb_{row['prefix']}_")
    assert "key_hash" not in row
    key = bearer(row["key"])
    assert client.get("/api/organizations", headers=key).status_code == 200
    secret = row["key"].removeprefix(f"gb_{row['prefix']}_")
    for path in (PATH, f"{PATH}/{row['id']}", f"{PATH}/{row['id']}/history"):
        assert secret not in client.get(path, headers=admin).text
    assert not [change for change in db.query("SELECT changes FROM changes") if secret in str(change[0])]


def test_an_idempotency_key_does_not_store_the_key(
    client: Client, db: Database, tenant: Tenant, login_as: LoginAs
) -> None:
    headers = {**login_as(tenant.admin), "Idempotency-Key": "once"}
    assert client.post(PATH, json=CI, headers=headers).status_code == 201
    assert client.post(PATH, json=CI, headers=headers).status_code == 409
    assert db.query("SELECT count(*) FROM idempotency_keys")[0][0] == 0


def test_a_dry_run_makes_no_key(client: Client, db: Database, tenant: Tenant, login_as: LoginAs) -> None:
    answer = client.post(PATH, json=CI, headers={**login_as(tenant.admin), "Prefer": "tx=rollback"})
    assert answer.status_code == 201
    assert db.query("SELECT count(*) FROM api_keys")[0][0] == 0
    assert client.get("/api/organizations", headers=bearer(answer.json()["key"])).status_code == 401


def test_a_revoked_key_is_useless_at_once(client: Client, tenant: Tenant, login_as: LoginAs) -> None:
    admin = login_as(tenant.admin)
    row = client.post(PATH, json=CI, headers=admin).json()
    key = bearer(row["key"])
    assert client.get("/api/organizations", headers=key).status_code == 200
    revoked = client.post(f"{PATH}/{row['id']}/revoke", headers=admin)
    assert revoked.json()["revoked_at"] is not None
    assert client.get("/api/organizations", headers=key).status_code == 401
    assert client.post(PATH, json=CI, headers=admin).status_code == 201


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"name": "required", "scopes": "required"}),
        ({**CI, "scopes": []}, {"scopes": "too_short"}),
        ({**CI, "scopes": ["root"]}, {"scopes.0": "choice"}),
        ({**CI, "name": ""}, {"name": "too_short"}),
        ({**CI, "expires_at": "2020-01-01T00:00:00Z"}, {"expires_at": "past"}),
        ({**CI, "expires_at": "2999-01-01T00:00:00"}, {"expires_at": "type"}),
        ({**CI, "key_hash": "0"}, {"key_hash": "unknown"}),
    ],
)
def test_a_wrong_key_is_refused(
    client: Client, tenant: Tenant, login_as: LoginAs, body: dict[str, Any], fields: dict[str, str]
) -> None:
    answer = client.post(PATH, json=body, headers=login_as(tenant.admin))
    found = {error["field"]: error["code"] for error in answer.json()["errors"]}
    assert (answer.status_code, found) == (422, fields)


@dataclass(frozen=True)
class Case:
    """What the key of some scopes may do; None is a request without one."""

    scopes: tuple[str, ...]
    reads: int
    writes: int
    administers: int


CASES = [
    Case((), 401, 401, 401),
    Case(("analytics:write",), 403, 403, 403),
    Case(("read",), 200, 403, 403),
    Case(("write",), 200, 403, 403),
    Case(("admin",), 200, 200, 201),
    Case(("analytics:write", "read"), 200, 403, 403),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "+".join(case.scopes) or "none")
def test_a_key_may_do_what_its_scopes_say(
    client: Client, db: Database, tenant: Tenant, key_of: Callable[..., Headers], case: Case
) -> None:
    headers = key_of(tenant.owner, *case.scopes) if case.scopes else {}
    here = f"/api/organizations/{tenant.organization_id}"
    before = db.query("SELECT count(*) FROM api_keys")[0][0]
    assert client.get(here, headers=headers).status_code == case.reads
    assert client.get("/api/organizations", headers=headers).status_code == case.reads
    assert client.patch(here, json={"tagline": "New"}, headers=headers).status_code == case.writes
    assert client.post(PATH, json=CI, headers=headers).status_code == case.administers
    listed = client.get(PATH, headers=headers).status_code
    assert listed == (200 if case.administers == 201 else case.administers)
    after = db.query("SELECT count(*) FROM api_keys")[0][0]
    assert after - before == (case.administers == 201)


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("member", 403), ("admin", 201), ("owner", 201)])
def test_admins_make_keys(client: Client, tenant: Tenant, login_as: LoginAs, who: str, status: int) -> None:
    actor: Actor = getattr(tenant, who)
    headers = login_as(actor)
    assert client.post(PATH, json=CI, headers=headers).status_code == status
    assert client.get(PATH, headers=headers).status_code == (200 if status == 201 else 403)


def test_keys_of_others_are_not_there(client: Client, tenant: Tenant, other_tenant: Tenant, login_as: LoginAs) -> None:
    theirs = client.post(PATH, json=CI, headers=login_as(other_tenant.admin)).json()["id"]
    admin = login_as(tenant.admin)
    assert client.get(f"{PATH}/{theirs}", headers=admin).status_code == 404
    assert client.post(f"{PATH}/{theirs}/revoke", headers=admin).status_code == 404
    assert client.get(PATH, headers=admin).json()["data"] == []


def test_a_refusal_is_left_in_the_log(
    client: Client, db: Database, tenant: Tenant, key_of: Callable[..., Headers]
) -> None:
    client.get("/api/organizations", headers=key_of(tenant.owner, "analytics:write"))
    found = db.query("SELECT entity FROM changes WHERE action = 'permission_denied'")
    assert [row[0] for row in found] == ["requests"]
