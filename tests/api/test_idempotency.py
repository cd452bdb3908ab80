"""A request sent twice under one key is done once."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from growbase.core import clock
from growbase.core.actor import system
from growbase.core.database import Database
from growbase.core.tables import IdempotencyKey
from tests.api.conftest import Factory, LoginAs
from tests.api.factories import tables
from tests.fixtures import Tenant

KEY = {"Idempotency-Key": "4f1a"}


def count_of(db: Database, table: str) -> int:
    found: int = db.query(f"SELECT count(*) FROM {table}")[0][0]
    return found


def test_a_repeated_request_is_answered_as_before_and_done_once(factory: Factory, db: Database) -> None:
    client = factory.client
    for number, resource in enumerate(found for found in tables(factory.catalog) if found.creatable):
        body, path = factory.body(resource.name), f"/api/{resource.name}"
        headers = {**factory.headers, "Idempotency-Key": f"key {number}"}
        first = client.post(path, json=body, headers=headers)
        rows, changes = count_of(db, resource.table.name), count_of(db, "changes")
        again = client.post(path, json=body, headers=headers)
        assert (again.status_code, again.text) == (201, first.text), resource.name
        same = ("etag", "location", "content-type")
        assert [again.headers[name] for name in same] == [first.headers[name] for name in same]
        assert again.headers["idempotency-replayed"] == "true"
        assert "idempotency-replayed" not in first.headers
        assert (count_of(db, resource.table.name), count_of(db, "changes")) == (rows, changes), resource.name


def test_every_kind_of_post_is_repeatable(factory: Factory) -> None:
    client = factory.client
    campaign = factory.create("campaigns")
    path = f"/api/campaigns/{campaign['id']}"
    trashed = factory.create("campaigns")
    client.delete(f"/api/campaigns/{trashed['id']}", headers=factory.headers)
    posts = [
        (f"{path}/transition", {"to": "active"}),
        (f"{path}/duplicate", {}),
        ("/api/brands/batch", {"items": [{"name": "A"}, {"name": "B"}]}),
        ("/api/batch", {"operations": [{"method": "create", "resource": "brands", "body": {"name": "C"}}]}),
        ("/api/analytics", {"event_type": "click", "campaign_id": campaign["id"]}),
        (f"/api/campaigns/{trashed['id']}/restore", None),
    ]
    for number, (place, body) in enumerate(posts):
        headers = {**factory.headers, "Idempotency-Key": str(number)}
        first, again = (client.post(place, json=body, headers=headers) for _ in range(2))
        assert first.status_code in {200, 201, 202}, (place, first.text)
        assert (again.status_code, again.text) == (first.status_code, first.text), place
        assert again.headers["idempotency-replayed"] == "true", place


def test_a_key_used_for_another_request_is_refused(factory: Factory, db: Database) -> None:
    client, headers = factory.client, {**factory.headers, **KEY}
    assert client.post("/api/brands", json={"name": "A"}, headers=headers).status_code == 201
    for path, body in [
        ("/api/brands", {"name": "B"}),
        ("/api/brands?x=1", {"name": "A"}),
        ("/api/brands/batch", {"items": [{"name": "A"}]}),
    ]:
        answer = client.post(path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch"), path
    assert count_of(db, "brands") == 1
    longest = {**factory.headers, "Idempotency-Key": "k" * 256}
    answer = client.post("/api/brands", json={"name": "C"}, headers=longest)
    assert [error["field"] for error in answer.json()["errors"]] == ["Idempotency-Key"]


def test_errors_and_dry_runs_store_nothing(factory: Factory, db: Database) -> None:
    client, headers = factory.client, {**factory.headers, **KEY}
    factory.create("brands", name="Taken")
    assert client.post("/api/brands", json={"name": "taken"}, headers=headers).status_code == 409
    assert client.post("/api/brands", json={}, headers=headers).status_code == 422
    dry = client.post("/api/brands", json={"name": "Free"}, headers={**headers, "Prefer": "tx=rollback"})
    assert dry.status_code == 201
    assert count_of(db, "idempotency_keys") == 0
    done = client.post("/api/brands", json={"name": "Free"}, headers=headers)
    assert (done.status_code, "idempotency-replayed" in done.headers) == (201, False)
    assert (count_of(db, "idempotency_keys"), count_of(db, "brands")) == (1, 2)


def test_keys_are_ones_own(factory: Factory, tenant: Tenant, login_as: LoginAs) -> None:
    for number, actor in enumerate((tenant.owner, tenant.member)):
        headers = {**login_as(actor), **KEY}
        answer = factory.client.post("/api/brands", json={"name": f"Brand {number}"}, headers=headers)
        assert answer.status_code == 201


def test_twins_at_the_same_moment_make_one_row(factory: Factory, db: Database) -> None:
    body = {"name": "Only one"}

    def send(_: int) -> tuple[int, str]:
        answer = factory.client.post("/api/brands", json=body, headers={**factory.headers, **KEY})
        return answer.status_code, answer.text

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(send, range(8)))
    assert len(answers) == 1, answers
    status, text = answers.pop()
    assert (status, json.loads(text)["name"], count_of(db, "brands")) == (201, "Only one", 1)


def test_a_key_is_free_again_after_a_day(factory: Factory, db: Database, tenant: Tenant) -> None:
    client, headers = factory.client, {**factory.headers, **KEY}
    client.post("/api/brands", json={"name": "A"}, headers=headers)
    past = clock.now() - timedelta(seconds=1)
    db.write(system(), lambda tx: tx.set_facts(IdempotencyKey, {"key": KEY["Idempotency-Key"]}, {"expires_at": past}))
    answer = client.post("/api/brands", json={"name": "B"}, headers=headers)
    assert (answer.status_code, "idempotency-replayed" in answer.headers) == (201, False)
    again = client.post("/api/brands", json={"name": "B"}, headers=headers)
    assert (again.json(), again.headers["idempotency-replayed"]) == (answer.json(), "true")
