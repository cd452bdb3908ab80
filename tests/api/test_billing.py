"""Plans, subscriptions and use over HTTP, and the events of Stripe."""

import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from litestar.testing import TestClient
from pydantic import SecretStr

from growbase.api.app import build_app
from growbase.core.actor import system
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.resource import Resource
from growbase.domains.identity.actions_billing import subscribe
from growbase.domains.identity.models_billing import BillingEvent, Plan
from growbase.domains.identity.plans import install_plans
from growbase.domains.identity.tasks import TASKS
from growbase.domains.identity.usage import Metric, consume, meter
from growbase.jobs.worker import Worker
from tests.api.conftest import Client, Headers, LoginAs
from tests.domains.identity.stripe_events import subscription
from tests.fixtures import SECRET, Tenant

WEBHOOK_SECRET = "whsec_of_the_tests"
Row = dict[str, Any]


@pytest.fixture(autouse=True)
def plans(db: Database) -> None:
    """Install the plans that come with the program."""
    db.write(system(), install_plans)


@pytest.fixture
def headers(tenant: Tenant, login_as: LoginAs) -> Headers:
    """Log the owner in."""
    return login_as(tenant.owner)


@pytest.fixture
def metered_brands(db: Database) -> Iterator[Resource]:
    """Let brands count as icps."""
    resource = db.catalog.by_name["brands"]
    before = resource.meter
    object.__setattr__(resource, "meter", meter(Metric.ICPS))
    yield resource
    object.__setattr__(resource, "meter", before)


def usage(client: Client, headers: Headers) -> dict[str, Row]:
    rows = client.get("/api/usage", headers=headers).json()["data"]
    return {row["metric"]: row for row in rows}


def test_plans_are_listed_in_their_order_and_nobody_changes_them(client: Client, headers: Headers) -> None:
    rows = client.get("/api/plans", headers=headers).json()["data"]
    assert [row["code"] for row in rows] == ["free", "starter", "growth", "scale"]
    assert rows[0]["limits"]["prospects"] == 100
    path = f"/api/plans/{rows[0]['id']}"
    assert client.get(path, headers=headers).json() == rows[0]
    for method in ("PATCH", "DELETE"):
        assert client.request(method, path, json={}, headers=headers).status_code == 405
    assert client.get("/api/plans").status_code == 401


def test_a_registration_begins_with_the_free_plan(client: Client) -> None:
    body = {"email": "ada@example.com", "password": "correct horse battery"}
    token = client.post("/api/auth/register", json=body).json()["access_token"]
    there = {"Authorization": f"Bearer {token}"}
    (row,) = client.get("/api/subscriptions?expand=plan,payer", headers=there).json()["data"]
    assert (row["plan"]["code"], row["status"], row["payer"]["email"]) == ("free", "active", "ada@example.com")
    assert usage(client, there)["team_members"] == {
        "metric": "team_members",
        "used": 1,
        "reserved": 0,
        "limit": 2,
        "period_start": None,
        "period_end": None,
        "over_limit": False,
    }
    refused = client.post("/api/organizations", json={"name": "Second"}, headers=there)
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (429, "limit_exceeded")
    assert {name: problem[name] for name in ("metric", "limit", "used")} == {
        "metric": "organizations",
        "limit": 1,
        "used": 1,
    }


def test_an_owner_changes_and_cancels_the_subscription(
    client: Client, db: Database, tenant: Tenant, headers: Headers, login_as: LoginAs
) -> None:
    id = db.write(tenant.owner, lambda tx: subscribe(tx, plan_code="free"))
    path = f"/api/subscriptions/{id}"
    changed = client.post(f"{path}/change-plan", json={"plan_code": "starter"}, headers=headers)
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert usage(client, headers)["prospects"]["limit"] == 2_000
    cancelled = client.post(f"{path}/cancel", headers=headers).json()
    assert (cancelled["cancel_at_period_end"], cancelled["status"]) == (True, "active")
    wrong = client.post(f"{path}/change-plan", json={"plan_code": "gold"}, headers=headers)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "plan_code")
    member = login_as(tenant.admin)
    for verb, body in (("change-plan", {"plan_code": "scale"}), ("cancel", None)):
        assert client.post(f"{path}/{verb}", json=body, headers=member).status_code == 403
    actions = [row["action"] for row in client.get(f"{path}/history", headers=headers).json()["data"]]
    assert actions == ["cancel", "change_plan", "insert"]
    seq = client.get(f"{path}/history", headers=headers).json()["data"][0]["seq"]
    assert client.post(f"{path}/undo", json={"seq": seq}, headers=headers).status_code == 404


def test_use_is_shown_for_every_metric(client: Client, db: Database, tenant: Tenant, headers: Headers) -> None:
    assert client.get("/api/usage").status_code == 401
    before = usage(client, headers)
    assert list(before) == [metric.value for metric in Metric]
    assert {(row["limit"], row["over_limit"]) for row in before.values()} == {(None, False)}
    there = {metric: row["used"] for metric, row in before.items() if row["used"]}
    assert there == {"team_members": 4, "organizations": 1}
    db.write(tenant.owner, lambda tx: subscribe(tx, plan_code="free"))
    db.write(tenant.owner, lambda tx: consume(tx, Metric.POSTS_GENERATED, 20))
    found = usage(client, headers)["posts_generated"]
    assert (found["used"], found["limit"], found["over_limit"]) == (20, 20, False)
    assert found["period_start"] < found["period_end"]


def test_limits_hold_for_every_way_to_make_rows(
    client: Client, db: Database, tenant: Tenant, headers: Headers, metered_brands: Resource
) -> None:
    values = {"name": "Small", "price_month_minor": 0, "currency": "EUR", "limits": {"icps": 3}}
    db.write(system(), lambda tx: tx.insert(Plan, code="small", **values))
    db.write(tenant.owner, lambda tx: subscribe(tx, plan_code="small"))
    rows = [{"name": f"Brand {number}"} for number in range(4)]
    operations = [{"method": "create", "resource": "brands", "body": body} for body in rows]
    dry = {**headers, "Prefer": "tx=rollback"}
    attempts = [("/api/brands/batch", {"items": rows}), ("/api/batch", {"operations": operations})]
    for path, body in attempts:
        answer = client.post(path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"], answer.json()["index"]) == (429, "limit_exceeded", 3)
    assert client.post("/api/brands/batch", json={"items": rows[:3]}, headers=dry).status_code == 201
    assert usage(client, headers)["icps"]["used"] == 0
    made = client.post("/api/brands/batch", json={"items": rows[:3]}, headers=headers).json()["data"]
    assert client.post("/api/brands", json=rows[3], headers=headers).status_code == 429
    path = f"/api/brands/{made[0]['id']}"
    assert client.delete(path, headers=headers).status_code == 204
    assert client.post("/api/brands", json=rows[3], headers=headers).status_code == 201
    refused = client.post(f"{path}/restore", headers=headers)
    assert (refused.status_code, refused.json()["metric"]) == (429, "icps")
    assert usage(client, headers)["icps"] | {"period_start": None} == {
        "metric": "icps",
        "used": 3,
        "reserved": 0,
        "limit": 3,
        "period_start": None,
        "period_end": None,
        "over_limit": False,
    }


# -- Stripe -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def stripe(settings: Settings, db: Database) -> Iterator[Callable[..., Any]]:
    """Give a function that sends an event as Stripe does."""
    known = settings.model_copy(update={"stripe_webhook_secret": SecretStr(WEBHOOK_SECRET)})
    with TestClient(build_app(known, db, SECRET)) as client:

        def send(event: Any, *, secret: str = WEBHOOK_SECRET, age: int = 0) -> Any:  # noqa: ANN401
            body = json.dumps(event).encode()
            at = int(time.time()) - age
            signature = hmac.digest(secret.encode(), f"{at}.".encode() + body, "sha256").hex()
            headers = {"Stripe-Signature": f"t={at},v1={signature}", "Content-Type": "application/json; charset=utf-8"}
            return client.post("/api/webhooks/stripe", content=body, headers=headers)

        yield send


def test_an_event_changes_the_subscription_once(
    stripe: Callable[..., Any], client: Client, db: Database, tenant: Tenant, headers: Headers
) -> None:
    event = subscription("created", 0, id="sub_1", organization_id=tenant.organization_id)
    first, again = stripe(event), stripe(event)
    assert (first.status_code, first.json()) == (200, {"received": True, "duplicate": False})
    assert (again.status_code, again.json()) == (200, {"received": True, "duplicate": True})
    worker = Worker(db, TASKS)
    assert (worker.run_one(), worker.run_one()) == (True, False)
    (row,) = client.get("/api/subscriptions?expand=plan", headers=headers).json()["data"]
    shown = (row["plan"]["code"], row["status"], row["provider_subscription_id"], row["provider_customer_id"])
    assert shown == ("growth", "active", "sub_1", "cus_sub_1")
    with db.read(system()) as reads:
        (kept,) = reads.rows(BillingEvent)
    assert (kept.status.value, kept.payload) == ("applied", event)
    for verb, body in (("change-plan", {"plan_code": "free"}), ("cancel", None)):
        answer = client.post(f"/api/subscriptions/{row['id']}/{verb}", json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def test_what_stripe_did_not_sign_is_refused(stripe: Callable[..., Any], db: Database) -> None:
    event = subscription("created", 0, id="sub_1")
    for refused in (stripe(event, secret="another"), stripe(event, age=400)):
        assert (refused.status_code, refused.json()["code"]) == (422, "bad_signature")
    assert stripe({"id": "evt_1"}).status_code == 422
    assert db.query("SELECT * FROM billing_events") == []


def test_without_a_secret_no_event_is_taken(client: Client) -> None:
    answer = client.post("/api/webhooks/stripe", json={})
    assert (answer.status_code, answer.json()["code"]) == (503, "not_configured")
    assert "GROWBASE_STRIPE_WEBHOOK_SECRET" in answer.json()["detail"]
