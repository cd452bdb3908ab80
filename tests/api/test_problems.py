"""Every error is a problem (RFC 9457) that says what to do next and gives nothing away."""

import json
from typing import Any

import pytest
import structlog

from growbase.api.problems import STATUS, problem, status_of
from growbase.core.catalogue import languages
from growbase.core.errors import GrowbaseError
from tests.api.conftest import Client, Factory
from tests.api.factories import NOWHERE


def kinds() -> list[type[GrowbaseError]]:
    found: list[type[GrowbaseError]] = [GrowbaseError]
    for kind in found:
        found += [below for below in kind.__subclasses__() if below not in found]
    return found


PARAMS: dict[str, Any] = {
    "what": "campaign",
    "since": "2026-01-01",
    "metric": "campaigns",
    "region": "eu",
    "limit": 3,
    "method": "PUT",
    "content_type": "text/plain",
    "reason": "the disk is full",
    "current": "draft",
    "to": "done",
}


@pytest.mark.parametrize("language", languages())
def test_every_error_has_a_sentence_without_gaps(language: str) -> None:
    for kind in kinds():
        status, headers, body = problem(kind(**PARAMS), language, "r-1")
        document = json.loads(body)
        assert headers["content-type"] == "application/problem+json"
        assert (document["status"], document["request_id"]) == (status, "r-1")
        assert document["type"] == f"https://growbase.dev/errors/{document['code']}"
        for text in (document["title"], document["detail"], document.get("hint", "")):
            assert "{" not in text or kind.__module__ != "growbase.core.errors", (kind, text)
        assert ("retry-after" in headers) == (status in {429, 503})
        if kind.__module__ == "growbase.core.errors":
            own = json.loads(problem(kind("It is so."), language, "r-1")[2])
            assert "{" not in own["title"], kind
    assert {status_of(kind()) for kind in STATUS} <= {*range(400, 500), 503}
    assert status_of(GrowbaseError()) == 500


def test_messages_come_in_the_language_that_is_asked_for(factory: Factory) -> None:
    french = {**factory.headers, "Accept-Language": "de, fr-CA;q=0.9, en;q=0.5"}
    english = factory.client.post("/api/brands", json={}, headers=factory.headers).json()
    translated = factory.client.post("/api/brands", json={}, headers=french).json()
    assert {key: translated[key] for key in ("type", "status", "code")} == {
        key: english[key] for key in ("type", "status", "code")
    }
    [plain], [spoken] = english["errors"], translated["errors"]
    assert (plain["field"], plain["code"]) == (spoken["field"], spoken["code"]) == ("name", "required")
    assert (plain["message"], spoken["message"]) == ("is required", "est obligatoire")
    assert translated["title"] != english["title"]
    missing = factory.client.get(f"/api/brands/{NOWHERE}", headers=french).json()
    assert missing["detail"] != factory.client.get(f"/api/brands/{NOWHERE}", headers=factory.headers).json()["detail"]


def test_a_user_reads_in_ones_own_language(factory: Factory) -> None:
    done = factory.client.patch("/api/auth/me", json={"language": "fr"}, headers=factory.headers)
    assert done.status_code == 200
    found = factory.client.post("/api/brands", json={}, headers=factory.headers).json()
    assert found["errors"][0]["message"] == "est obligatoire"


def test_a_request_id_is_kept_and_an_odd_one_replaced(factory: Factory) -> None:
    for given, kept in (("abc-1", True), ("x" * 200, True), ("x" * 201, False), ("", False)):
        answer = factory.client.get(f"/api/brands/{NOWHERE}", headers={**factory.headers, "X-Request-Id": given})
        assert (answer.headers["x-request-id"] == given) == kept, given
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
    answer = factory.client.get("/nothing", headers={"X-Request-Id": "lost"})
    assert (answer.status_code, answer.headers["x-request-id"], answer.json()["request_id"]) == (404, "lost", "lost")


def test_what_the_router_refuses_is_a_problem_too(client: Client) -> None:
    for method, path, status, code in [
        ("DELETE", "/api/brands", 405, "method_not_allowed"),
        ("PATCH", "/api/auth/login", 405, "method_not_allowed"),
        ("GET", "/api/brands/1/2/3", 404, "not_found"),
        ("POST", "/api/health", 405, "method_not_allowed"),
    ]:
        answer = client.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (status, code), path
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_mistake_of_the_server_gives_nothing_away(factory: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret: SELECT password_hash FROM users")

    monkeypatch.setattr("growbase.api.crud.parse", broken)
    with structlog.testing.capture_logs() as logged:
        answer = factory.client.get("/api/brands", headers={**factory.headers, "X-Request-Id": "r-2"})
    assert (answer.status_code, answer.json()["code"]) == (500, "error")
    assert "secret" not in answer.text
    assert "r-2" in answer.json()["request_id"]
    assert [(entry["event"], entry["request_id"]) for entry in logged if entry["log_level"] == "error"] == [
        ("request_failed", "r-2")
    ]


def test_constraints_are_named_in_the_users_words(factory: Factory) -> None:
    first = factory.create("brands", name="Élan Vital")
    clash = factory.client.post("/api/brands", json={"name": "ÉLAN  VITAL".replace("  ", " ")}, headers=factory.headers)
    assert (clash.status_code, clash.json()["code"]) == (409, "unique")
    assert [(error["field"], error["code"]) for error in clash.json()["errors"]] == [("name", "unique")]
    campaign = factory.create("campaigns", start_at="2026-02-01T00:00:00Z")
    path = f"/api/campaigns/{campaign['id']}"
    early = factory.client.patch(path, json={"end_at": "2026-01-01T00:00:00Z"}, headers=factory.headers)
    assert (early.status_code, [error["field"] for error in early.json()["errors"]]) == (422, ["end_at"])
    kept = factory.client.delete(f"/api/brands/{campaign['brand_id']}", headers=factory.headers)
    assert (kept.status_code, kept.json()["code"]) == (409, "conflict")
    flight = factory.client.post(f"{path}/transition", json={"to": "completed"}, headers=factory.headers)
    assert flight.json()["allowed"] == ["active", "archived", "cancelled"]
    assert (flight.status_code, flight.json()["current"], flight.json()["to"]) == (409, "draft", "completed")
    factory.client.delete(f"/api/brands/{first['id']}", headers=factory.headers)
    second = factory.create("brands", name="Élan Vital")
    blocked = factory.client.post(f"/api/brands/{first['id']}/restore", headers=factory.headers)
    assert (blocked.status_code, blocked.json()["blocked_by"]) == (409, second["id"])


def test_no_answer_speaks_of_the_database(factory: Factory, client: Client) -> None:
    probes = ["/api/brands?name=' OR 1=1 --", "/api/brands?sort=name;DROP TABLE brands", "/api/brands/' OR '1'='1"]
    probes += ["/api/brands?fields=(SELECT 1)", "/api/brands/aggregate?aggregate=count(*) FROM users--"]
    for probe in probes:
        answer = client.get(probe, headers=factory.headers)
        assert answer.status_code in {200, 400, 404}, probe
        assert not [word for word in ("sqlite", "psycopg", "Traceback", 'File "') if word in answer.text], probe
