"""Webhook endpoints over HTTP, from the request that makes one to the request it gets."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from growbase import wiring
from growbase.core.actor import system
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.tables import Change, IdempotencyKey, Job
from growbase.domains.identity.tasks_webhooks import deliver_webhook, fan_out_webhooks
from growbase.jobs.worker import Worker
from tests.api.conftest import Factory, Headers, LoginAs
from tests.api.factories import NOWHERE, Row
from tests.domains.identity.receiver import Receiver, receiver, status
from tests.fixtures import Tenant
from tests.outside import OUTSIDE


@pytest.fixture
def hooks() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def make(factory: Factory, url: str, **over: Any) -> Row:  # noqa: ANN401 -- JSON values
    answer = factory.client.post("/api/webhook-endpoints", json={"url": url, **over}, headers=factory.headers)
    assert answer.status_code == 201, answer.text
    found: Row = answer.json()
    return found


def deliver(db: Database) -> None:
    fan_out_webhooks(db)
    worker = Worker(db, {"deliver_webhook": partial(deliver_webhook, outside=OUTSIDE)})
    while worker.run_one():
        pass


def listed(factory: Factory, query: str = "") -> list[Row]:
    answer = factory.client.get(f"/api/webhook-deliveries?sort=created_at&{query}", headers=factory.headers)
    assert answer.status_code == 200, answer.text
    found: list[Row] = answer.json()["data"]
    return found


def test_a_secret_is_shown_once_and_kept_nowhere_in_the_clear(factory: Factory, db: Database) -> None:
    client = factory.client
    headers = {**factory.headers, "Idempotency-Key": "again"}
    body = {"url": "https://example.com/hooks", "events": ["campaigns.*", "contents.transition"], "description": "CRM"}
    made = client.post("/api/webhook-endpoints", json=body, headers=headers)
    row = made.json()
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    path = f"/api/webhook-endpoints/{row['id']}"
    assert made.headers["location"] == path
    assert {name: row[name] for name in body} == body
    assert (row["status"], row["failure_count"]) == ("active", 0)
    rotated = client.post(f"{path}/rotate-secret", headers=headers)
    assert (rotated.status_code, rotated.headers["cache-control"]) == (200, "no-store")
    old, new = row.pop("secret"), rotated.json()["secret"]
    assert old.startswith("whsec_")
    assert old != new
    answers = [client.get(where, headers=factory.headers).text for where in (path, f"{path}/history")]
    answers += [client.get(f"/api/webhook-endpoints{part}", headers=factory.headers).text for part in ("", "/export")]
    with db.read(system()) as reads:
        answers += [repr([row.__dict__ for row in reads.rows(model, anywhere=True)]) for model in (Change, Job)]
        assert reads.count(IdempotencyKey) == 0
    for text in answers:
        assert old not in text
        assert new not in text
    assert client.get(path, headers=factory.headers).json() == row | {
        name: client.get(path, headers=factory.headers).json()[name]
        for name in ("version", "updated_at", "previous_secret_until")
    }


def test_a_write_over_http_reaches_the_receiver(factory: Factory, db: Database, hooks: Receiver) -> None:
    made = make(factory, hooks.url, events=["brands.insert", "brands.update"])
    brand = factory.create("brands", name="A")
    factory.client.patch(f"/api/brands/{brand['id']}", json={"name": "B"}, headers=factory.headers)
    factory.client.delete(f"/api/brands/{brand['id']}", headers=factory.headers)
    factory.create("campaigns")
    deliver(db)
    mine = [request.json for request in hooks.take() if request.json["data"]["entity_id"] == brand["id"]]
    assert [found["type"] for found in mine] == ["brands.insert", "brands.update"]
    assert [found["data"]["version"] for found in mine] == [1, 2]
    rows = listed(factory, f"endpoint_id={made['id']}&status=delivered&expand=endpoint&limit=1")
    assert rows[0]["endpoint"]["url"] == hooks.url
    assert rows[0]["payload"]["data"]["entity"] == "brands"
    counts = factory.client.get(
        f"/api/webhook-endpoints/{made['id']}?counts=webhook_deliveries", headers=factory.headers
    ).json()["counts"]
    assert counts["webhook_deliveries"] >= 2


def test_a_delivery_is_tested_looked_at_and_sent_again(factory: Factory, db: Database, hooks: Receiver) -> None:
    client, headers = factory.client, factory.headers
    made = make(factory, hooks.url)
    hooks.replies = [status(500, b"broken")]
    asked = client.post(f"/api/webhook-endpoints/{made['id']}/test", headers=headers)
    assert asked.status_code == 202
    deliver(db)
    [delivery] = listed(factory, "event=ping")
    assert delivery["id"] == asked.json()["delivery_id"]
    assert (delivery["status"], delivery["last_status"], delivery["last_error"]) == ("dead", 500, "HTTP 500: broken")
    again = client.post(f"/api/webhook-deliveries/{delivery['id']}/resend", headers=headers)
    assert (again.status_code, again.json()["status"], again.json()["attempts"]) == (200, "queued", 0)
    deliver(db)
    assert [row["status"] for row in listed(factory, "event=ping")] == ["delivered"]
    assert client.post(f"/api/webhook-deliveries/{NOWHERE}/resend", headers=headers).status_code == 404


def test_an_endpoint_is_switched_off_and_on(factory: Factory, db: Database, hooks: Receiver) -> None:
    client, headers = factory.client, factory.headers
    path = f"/api/webhook-endpoints/{make(factory, hooks.url)['id']}"
    off = client.post(f"{path}/transition", json={"to": "disabled"}, headers=headers).json()
    assert (off["status"], off["disabled_reason"]) == ("disabled", "It was switched off by hand.")
    on = client.post(f"{path}/enable", headers=headers).json()
    assert (on["status"], on["disabled_at"], on["disabled_reason"]) == ("active", None, None)
    hooks.reply = status(410)
    factory.create("brands")
    deliver(db)
    gone = client.get(path, headers=headers).json()
    assert (gone["status"], gone["disabled_reason"]) == ("disabled", "It answered 410 Gone.")
    [told] = client.get("/api/notifications", headers=headers).json()["data"]
    assert (told["kind"], told["user_id"]) == ("webhook_disabled", str(factory.actor.id))
    assert hooks.url in told["body"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "https://user:pass@example.com"}, "url"),
        ({"url": "https://example.com", "events": []}, "events"),
        ({"url": "https://example.com", "events": ["nothing.*"]}, "events.0"),
        ({"url": "https://example.com", "events": ["*", "webhook_endpoints.*"]}, "events.1"),
        ({"url": "https://example.com", "secret": "whsec_mine"}, "secret"),
        ({"url": "https://example.com", "status": "disabled"}, "status"),
    ],
)
def test_a_wrong_endpoint_is_refused_by_its_field(factory: Factory, body: Row, field: str) -> None:
    answer = factory.client.post("/api/webhook-endpoints", json=body, headers=factory.headers)
    assert answer.status_code == 422, answer.text
    assert field in [error["field"] for error in answer.json()["errors"]]
    if "url" in body and "secret" not in body and "status" not in body:
        path = f"/api/webhook-endpoints/{make(factory, 'https://example.com')['id']}"
        changed = factory.client.patch(path, json=body, headers=factory.headers)
        assert changed.status_code == 422, changed.text


def test_a_dry_run_makes_no_endpoint_and_sends_nothing(factory: Factory, db: Database, hooks: Receiver) -> None:
    dry = {**factory.headers, "Prefer": "tx=rollback"}
    answer = factory.client.post("/api/webhook-endpoints", json={"url": hooks.url}, headers=dry)
    assert answer.status_code == 201
    make(factory, hooks.url)
    factory.client.post("/api/brands", json={"name": "A"}, headers=dry)
    deliver(db)
    assert hooks.take() == []


def test_endpoints_and_deliveries_are_for_admins(
    factory: Factory, tenant: Tenant, login_as: LoginAs, key_of: Callable[..., Headers], hooks: Receiver
) -> None:
    client = factory.client
    path = f"/api/webhook-endpoints/{make(factory, hooks.url)['id']}"
    for headers in (login_as(tenant.member), key_of(tenant.admin, "read", "write")):
        assert client.post("/api/webhook-endpoints", json={"url": hooks.url}, headers=headers).status_code == 403
        for method, place in (("GET", path), ("GET", "/api/webhook-deliveries"), ("POST", f"{path}/rotate-secret")):
            assert client.request(method, place, headers=headers).status_code == 403
    admin = key_of(tenant.owner, "admin")
    assert client.post("/api/webhook-endpoints", json={"url": hooks.url}, headers=admin).status_code == 201


def test_the_worker_obeys_the_setting_about_private_addresses(settings: Settings) -> None:
    for allowed in (False, True):
        task = wiring.tasks(settings.model_copy(update={"allow_private_addresses": allowed}))["deliver_webhook"]
        assert isinstance(task, partial)
        assert task.keywords["outside"].allow_private is allowed
