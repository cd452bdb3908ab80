"""What a store offers beside its rows: key figures, tests of connections and webhooks, over HTTP."""

import hmac
import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient

from growbase.api.app import build_app
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.domains.commerce.actions_stores import verify_store
from growbase.domains.commerce.actions_webhooks import shopify_signature
from growbase.domains.commerce.connections import Target
from growbase.domains.commerce.tasks import TASKS
from growbase.jobs.worker import Worker
from tests.api.conftest import Client, Factory, LoginAs
from tests.api.factories import NOWHERE, Row
from tests.domains.commerce.servers import Service, serve
from tests.fixtures import SECRET, Tenant

APP_SECRET = "the client secret of the app"
SHOP = "blue.myshopify.com"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Give settings with which Shopify's webhooks are known and local servers may be asked."""
    return settings.model_copy(
        update={
            "shopify_api_secret": Settings(shopify_api_secret=APP_SECRET).shopify_api_secret,
            "allow_private_addresses": True,
        }
    )


@pytest.fixture
def store(factory: Factory) -> Row:
    return factory.create("stores", shop_domain=SHOP, domain="blue.example.com", access_token="shpat_1")


def send(client: Client, topic: str, payload: Any, *, id: str = "1", secret: str = APP_SECRET, **over: str) -> Any:  # noqa: ANN401
    body = json.dumps(payload).encode()
    headers = {
        "Content-Type": "application/json",
        "X-Shopify-Topic": topic,
        "X-Shopify-Shop-Domain": SHOP,
        "X-Shopify-Webhook-Id": id,
        "X-Shopify-Hmac-Sha256": shopify_signature(secret, body),
        **{name.replace("_", "-"): value for name, value in over.items()},
    }
    return client.post("/api/webhooks/shopify", content=body, headers=headers)


def work(db: Database) -> None:
    worker = Worker(db, TASKS)
    while worker.run_one():
        pass


def test_a_webhook_of_shopify_is_taken_in_once_and_worked_on(factory: Factory, store: Row, db: Database) -> None:
    order = {"id": 5, "total_price": "9000.00", "currency": "EUR", "updated_at": "2026-01-01T00:00:00Z"}
    first, again = (send(factory.client, "orders/create", order) for _ in range(2))
    assert (first.status_code, first.json()) == (200, {"accepted": 1, "duplicates": 0})
    assert (again.status_code, again.json()) == (200, {"accepted": 0, "duplicates": 1})
    work(db)
    [flag] = factory.client.get("/api/order-flags", headers=factory.headers).json()["data"]
    assert (flag["flag_type"], flag["store_id"], flag["status"]) == ("high_value", store["id"], "open")
    [event] = factory.client.get("/api/webhook-events", headers=factory.headers).json()["data"]
    assert (event["status"], event["topic"], "payload" in event) == ("succeeded", "orders/create", False)


def test_a_webhook_with_a_wrong_signature_is_refused(factory: Factory, store: Row, db: Database) -> None:
    for over in ({"secret": "another"}, {"X_Shopify_Hmac_Sha256": ""}):
        answer = send(factory.client, "app/uninstalled", {}, **over)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert factory.client.post("/api/webhooks/shopify").status_code == 401
    assert db.query("SELECT count(*) FROM webhook_events")[0][0] == 0
    assert store["status"] == "active"


def test_a_signed_webhook_must_say_what_it_is_about(factory: Factory, store: Row) -> None:
    assert store["id"]
    for payload, over, status in (([], {}, 422), ({}, {"X_Shopify_Topic": " "}, 422)):
        assert send(factory.client, "orders/create", payload, **over).status_code == status
    assert send(factory.client, "orders/create", {}, X_Shopify_Shop_Domain="unknown.example").json() == {
        "accepted": 0,
        "duplicates": 0,
    }


def test_a_store_may_have_a_secret_of_its_own(factory: Factory, store: Row, db: Database) -> None:
    secret = {"store_id": store["id"], "provider": "shopify", "label": "webhook_secret", "secret": "its own"}
    factory.create("store-secrets", **secret)
    answer = send(factory.client, "app/uninstalled", {"id": 1}, secret="its own")
    assert answer.json() == {"accepted": 1, "duplicates": 0}
    work(db)
    found = factory.client.get(f"/api/stores/{store['id']}", headers=factory.headers).json()
    assert found["status"] == "disconnected"
    assert found["disconnected_at"] is not None


def test_a_shop_named_by_two_organizations_is_told_to_the_one_that_has_proven_it(
    factory: Factory, store: Row, db: Database, other_tenant: Tenant, login_as: LoginAs
) -> None:
    other = Factory(factory.client, db, other_tenant.owner, login_as(other_tenant.owner))
    other.create("stores", shop_domain=SHOP, domain="blue.example.com", access_token="made up")
    assert send(factory.client, "orders/create", {"id": 1}).json() == {"accepted": 0, "duplicates": 0}
    db.write(factory.actor, lambda tx: verify_store(tx, id=UUID(store["id"])))
    assert send(factory.client, "orders/create", {"id": 1}).json() == {"accepted": 1, "duplicates": 0}
    [event] = factory.client.get("/api/webhook-events", headers=factory.headers).json()["data"]
    assert event["store_id"] == store["id"]
    assert other.client.get("/api/webhook-events", headers=other.headers).json()["data"] == []
    assert send(factory.client, "customers/redact", {"id": 1}, id="2").json() == {"accepted": 2, "duplicates": 0}
    body = {"access_token": "another"}
    changed = factory.client.patch(f"/api/stores/{store['id']}", json=body, headers=factory.headers).json()
    assert changed["verified_at"] is None


def test_only_the_shop_itself_proves_a_store(
    factory: Factory, store: Row, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.document = {"data": {"shop": {"name": "Blue"}}}
    path = f"/api/stores/{store['id']}"
    connect(factory, store, shopify=service.url)
    test = f"{path}/connections/shopify/test"
    assert factory.client.post(test, headers=factory.headers).json()["status"] == "success"
    assert factory.client.get(path, headers=factory.headers).json()["verified_at"] is None
    connect(factory, store)
    monkeypatch.setattr(Target, "base", service.url)
    assert factory.client.post(test, headers=factory.headers).json()["status"] == "success"
    assert factory.client.get(path, headers=factory.headers).json()["verified_at"] is not None


def test_any_service_may_send_signed_webhooks_for_a_store(factory: Factory, store: Row, db: Database) -> None:
    secret = {"store_id": store["id"], "provider": "chat", "label": "webhook_secret", "secret": "between us"}
    factory.create("store-secrets", **secret)
    body = json.dumps({"id": "m1", "topic": "message.received", "body": "Hello", "customer_email": "a@b.c"}).encode()
    signature = hmac.new(b"between us", body, sha256).hexdigest()
    path = f"/api/webhooks/chat?store_id={store['id']}"
    headers = {"Content-Type": "application/json", "X-Growbase-Signature": signature}
    for expected in ({"accepted": 1, "duplicates": 0}, {"accepted": 0, "duplicates": 1}):
        assert factory.client.post(path, content=body, headers=headers).json() == expected
    work(db)
    [ticket] = factory.client.get("/api/tickets", headers=factory.headers).json()["data"]
    assert (ticket["subject"], ticket["customer_email"]) == ("Hello", "a@b.c")
    wrong = [
        (path, {**headers, "X-Growbase-Signature": "0" * 64}),
        (path.replace("chat", "sms"), headers),
        (f"/api/webhooks/chat?store_id={NOWHERE}", headers),
        ("/api/webhooks/chat?store_id=x", headers),
        ("/api/webhooks/chat", headers),
    ]
    for place, sent in wrong:
        assert factory.client.post(place, content=body, headers=sent).status_code == 401, place


def test_a_key_figure_is_read_computed_once_and_fresh(
    factory: Factory, store: Row, db: Database, tenant: Tenant, login_as: LoginAs
) -> None:
    factory.create("order-flags", store_id=store["id"])
    path = f"/api/stores/{store['id']}/kpis"
    viewer = login_as(tenant.viewer)
    for _ in range(3):
        found = factory.client.get(f"{path}?metric=open_flags", headers=viewer).json()
        assert (found["state"], found["data"]) == ("pending", None)
    assert db.query("SELECT count(*) FROM jobs WHERE kind = 'refresh_kpi'")[0][0] == 1
    work(db)
    found = factory.client.get(f"{path}?metric=open_flags&granularity=total", headers=viewer).json()
    assert (found["state"], found["data"]["total"]) == ("fresh", 1)
    for query, field in (
        ("", "metric"),
        ("?metric=nonsense", "metric"),
        ("?metric=open_flags&granularity=hour", "granularity"),
        ("?metric=open_flags&from=2026-02-01&to=2026-01-01", "from"),
        ("?metric=open_flags&from=x", "from"),
        ("?metric=open_flags&colour=red", "colour"),
    ):
        answer = factory.client.get(path + query, headers=viewer)
        assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (400, [field]), query
    assert factory.client.get(f"/api/stores/{NOWHERE}/kpis?metric=open_flags", headers=viewer).status_code == 404


def test_another_program_may_keep_its_own_figures(factory: Factory, store: Row) -> None:
    path = f"/api/stores/{store['id']}/kpis"
    body = {"metric": "sales.net", "from": "2026-01-01", "to": "2026-01-31", "payload": {"total": 5}}
    newer, older = ({**body, "source_watermark": f"2026-02-0{day}T00:00:00Z"} for day in (2, 1))
    assert factory.client.post(path, json=newer, headers=factory.headers).json()["kept"] is True
    stale = factory.client.post(path, json={**older, "payload": {"total": 4}}, headers=factory.headers).json()
    assert (stale["kept"], stale["data"]) == (False, {"total": 5})
    found = factory.client.get(f"{path}?metric=sales.net&from=2026-01-01&to=2026-01-31", headers=factory.headers)
    assert (found.json()["state"], found.json()["data"]) == ("fresh", {"total": 5})
    assert factory.client.post(path, json={**newer, "payload": 3}, headers=factory.headers).status_code == 422


@pytest.fixture
def service() -> Iterator[Service]:
    with serve(Service(document={"data": [{}]})) as found:
        yield found


def connect(factory: Factory, store: Row, **base: str) -> None:
    [row] = factory.client.get(f"/api/store-settings?store_id={store['id']}", headers=factory.headers).json()["data"]
    metadata = {name: {"base_url": url} for name, url in base.items()}
    answer = factory.client.patch(
        f"/api/store-settings/{row['id']}", json={"connection_metadata": metadata}, headers=factory.headers
    )
    assert answer.json()["connection_metadata"] == metadata, answer.text


def test_a_connection_is_tested_and_the_test_is_kept(factory: Factory, store: Row, service: Service) -> None:
    connect(factory, store, klaviyo=service.url)
    secret = {"store_id": store["id"], "provider": "klaviyo", "label": "api_key", "secret": "kl-secret"}
    factory.create("store-secrets", **secret)
    path = f"/api/stores/{store['id']}/connections/klaviyo/test"
    good = factory.client.post(path, headers={**factory.headers, "X-Request-Id": "the test"})
    event = good.json()
    assert (good.status_code, event["status"], event["correlation_id"]) == (201, "success", "the test")
    assert service.asked[0].headers["authorization"] == "Klaviyo-API-Key kl-secret"
    service.status = 401
    bad = factory.client.post(path, headers=factory.headers).json()
    assert (bad["status"], bad["metadata"]) == ("failure", {"cause": "auth", "http_status": 401})
    listed = factory.client.get("/api/connection-events", headers=factory.headers)
    assert [row["id"] for row in listed.json()["data"]] == [bad["id"], event["id"]]
    assert "kl-secret" not in listed.text
    for place in (path.replace("klaviyo", "fax"), path.replace(store["id"], NOWHERE)):
        assert factory.client.post(place, headers=factory.headers).status_code == 404


def test_a_private_address_is_not_tested_unless_it_is_allowed(
    factory: Factory, store: Row, service: Service, settings: Settings, db: Database
) -> None:
    connect(factory, store, custom=service.url)
    strict = settings.model_copy(update={"allow_private_addresses": False})
    path = f"/api/stores/{store['id']}/connections/custom/test"
    with TestClient(build_app(strict, db, SECRET)) as client:
        event = client.post(path, headers=factory.headers).json()
    assert (event["status"], event["metadata"]) == ("failure", {"cause": "private"})
    assert service.asked == []


def test_members_test_connections_but_only_admins_say_where_they_lead(
    factory: Factory, store: Row, client: Client, tenant: Tenant, login_as: LoginAs
) -> None:
    member = login_as(tenant.member)
    [row] = client.get("/api/store-settings", headers=member).json()["data"]
    moved = client.patch(f"/api/store-settings/{row['id']}", json={"connection_metadata": {}}, headers=member)
    assert moved.status_code == 403
    assert client.get("/api/store-secrets", headers=member).status_code == 403
    path = f"/api/stores/{store['id']}/connections/custom/test"
    assert client.post(path, headers=member).status_code == 201
    assert client.post(path, headers=login_as(tenant.viewer)).status_code == 403


def test_an_order_goes_from_draft_to_received_over_http(factory: Factory, store: Row) -> None:
    client, headers = factory.client, factory.headers
    lines = [{"sku": "A", "quantity": 2, "unit_cost_minor": 300}, {"sku": "B", "quantity": 1, "unit_cost_minor": 50}]
    order = factory.create("purchase-orders", store_id=store["id"], currency="EUR", lines=lines)
    assert (order["number"], order["total_minor"]) == (1, 650)
    path = f"/api/purchase-orders/{order['id']}"
    rows = client.get(f"/api/purchase-order-lines?purchase_order_id={order['id']}", headers=headers).json()["data"]
    assert client.delete(f"/api/purchase-order-lines/{rows[0]['id']}", headers=headers).status_code == 204
    remaining = rows[1]
    assert client.get(path, headers=headers).json()["total_minor"] == remaining["line_total_minor"]
    for verb, status in (("submit", "submitted"), ("approve", "approved")):
        assert client.post(f"{path}/{verb}", headers=headers).json()["status"] == status
    late = client.delete(f"/api/purchase-order-lines/{remaining['id']}", headers=headers)
    assert (late.status_code, late.json()["code"]) == (409, "too_late")
    body = {"lines": [{"line_id": remaining["id"], "quantity": remaining["quantity"]}], "idempotency_key": "d1"}
    for _ in range(2):
        assert client.post(f"{path}/receive", json=body, headers=headers).json()["status"] == "received"
    assert len(client.get("/api/purchase-order-receipts", headers=headers).json()["data"]) == 1


def test_a_draft_becomes_the_reply_over_http(factory: Factory, store: Row) -> None:
    client, headers = factory.client, factory.headers
    message = {"store_id": store["id"], "body": "Where is it?", "customer_email": "ann@example.com"}
    received = client.post("/api/tickets/receive", json=message, headers=headers).json()
    assert received["outcome"] == "opened"
    draft = factory.create("ai-drafts", ticket_id=received["ticket_id"], content="On its way.")
    path = f"/api/ai-drafts/{draft['id']}"
    refused = client.post(f"{path}/send", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    edited = client.post(f"{path}/approve", json={"edit": "On its way!"}, headers=headers).json()
    assert (edited["status"], edited["edit_distance"]) == ("edited", 8)
    sent = client.post(f"{path}/send", headers=headers).json()
    reply = client.get(f"/api/ticket-messages/{sent['sent_message_id']}", headers=headers).json()
    assert (reply["body_plain"], reply["delivery"]) == ("On its way!", "queued")
    step = {"to": "sent", "external_id": "out-1"}
    told = client.post(f"/api/ticket-messages/{reply['id']}/delivery", json=step, headers=headers).json()
    assert (told["delivery"], told["external_id"]) == ("sent", "out-1")


def test_a_connected_shop_is_the_same_store_again_over_http(factory: Factory, store: Row) -> None:
    body = {"shop_domain": SHOP, "access_token": "shpat_2"}
    factory.client.post(f"/api/stores/{store['id']}/disconnect", headers=factory.headers)
    answer = factory.client.post("/api/stores/connect", json=body, headers=factory.headers)
    assert (answer.status_code, answer.json()["id"], answer.json()["status"]) == (200, store["id"], "active")
    assert "shpat" not in answer.text
    history = factory.client.get(f"/api/stores/{store['id']}/history", headers=factory.headers)
    assert "shpat" not in history.text
