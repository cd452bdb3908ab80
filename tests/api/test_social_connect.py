"""Connecting social accounts over HTTP, against servers that speak their platforms' own ways."""

import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest

from growbase.api.app import build_app
from growbase.api.direct import Direct
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError
from growbase.core.statements import mark
from growbase.domains.social import atproto, connect
from growbase.domains.social.models_connecting import ConnectionAttempt, PlatformApp
from growbase.domains.social.models_publishing import SocialAccount
from tests.api.conftest import Client, Factory, Headers, LoginAs
from tests.api.factories import dump
from tests.domains.social.platforms import BlueskyServer, MastodonServer, Platform, allowed, serving
from tests.fixtures import SECRET, Tenant

START, BACK = "/api/social-accounts/connect/mastodon", "/api/social-accounts/callback/mastodon"
PAGE = "https://app.example/back"


@pytest.fixture
def app(settings: Settings, db: Database) -> Direct:
    """Give the application with platforms on this machine."""
    ours = {"allow_private_addresses": True, "cors_origins": ("https://app.example",)}
    return build_app(settings.model_copy(update=ours), db, SECRET)


@pytest.fixture
def mastodon() -> Iterator[Platform]:
    with serving(MastodonServer) as server:
        yield server


@pytest.fixture
def bluesky(monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    with serving(BlueskyServer) as server:
        monkeypatch.setattr(atproto, "DEFAULT_SERVER", server.url)
        monkeypatch.setattr(atproto, "DIRECTORY", server.url)
        yield server


def begun(factory: Factory, server: Platform, headers: Headers | None = None, **params: str) -> str:
    query = urlencode({"instance": server.url, **params})
    answer = factory.client.get(f"{START}?{query}", headers=headers or factory.headers)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["url"])


def ended(factory: Factory, query: str, status: int = 200, headers: Headers | None = None) -> Any:  # noqa: ANN401
    answer = factory.client.get(f"{BACK}?{query}", headers=headers or factory.headers)
    assert answer.status_code == status, (answer.status_code, answer.text)
    assert "canary" not in answer.text
    return answer.json()


def connected(factory: Factory, server: Platform, **params: str) -> Any:  # noqa: ANN401 -- a row
    return ended(factory, allowed(server, begun(factory, server, **params)))


def test_an_account_is_connected_by_consent(factory: Factory, db: Database, mastodon: Platform) -> None:
    mastodon.lifetime = 7_200
    founder = factory.create("founders")
    url = begun(factory, mastodon, founder_id=founder["id"])
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert url.startswith(f"{mastodon.url}/oauth/authorize?")
    assert (asked["response_type"], asked["code_challenge_method"], asked["client_id"]) == ("code", "S256", "client-1")
    row = ended(factory, allowed(mastodon, url))
    named = ("platform", "provider_account_id", "handle", "status", "instance_url", "founder_id", "followers_count")
    host = mastodon.url.removeprefix("http://")
    assert [row[name] for name in named] == [
        *("mastodon", f"7@{host}", "ann", "active", mastodon.url),
        *(founder["id"], 12),
    ]
    assert row["token_expires_at"] is not None
    with db.read(factory.actor) as reads:
        stored = reads.get(SocialAccount, row["id"])
        assert reads.secret(stored, "access_token") == "canary-access-1"
        assert reads.secret(stored, "refresh_token") == "canary-refresh-1"


def test_connecting_again_gives_the_same_account_new_tokens(factory: Factory, db: Database, mastodon: Platform) -> None:
    first = connected(factory, mastodon)
    factory.client.post(f"/api/social-accounts/{first['id']}/disconnect", json={}, headers=factory.headers)
    again = connected(factory, mastodon)
    assert (again["id"], again["status"]) == (first["id"], "active")
    assert len(mastodon.apps) == 1
    with db.read(factory.actor) as reads:
        assert reads.secret(reads.get(SocialAccount, again["id"]), "access_token") == "canary-access-2"
    mastodon.account_id = "8"
    assert connected(factory, mastodon)["id"] != first["id"]


def test_an_account_connected_by_hand_is_known_again(factory: Factory, mastodon: Platform) -> None:
    by_hand = {"provider_account_id": "7", "instance_url": mastodon.url, "access_token": "token"}
    first = factory.create("social-accounts", platform="mastodon", **by_hand)
    assert connected(factory, mastodon)["id"] == first["id"]


def test_ids_of_two_servers_are_two_accounts(factory: Factory, mastodon: Platform) -> None:
    with serving(MastodonServer) as other:
        assert connected(factory, mastodon)["id"] != connected(factory, other)["id"]


def test_a_state_is_good_once_for_its_user_and_platform(
    factory: Factory, db: Database, mastodon: Platform, tenant: Tenant, other_tenant: Tenant, login_as: LoginAs
) -> None:
    query = allowed(mastodon, begun(factory, mastodon))
    other_user, elsewhere = login_as(tenant.admin), login_as(other_tenant.owner)
    assert ended(factory, query, 403, other_user)["code"] == "forbidden"
    assert ended(factory, query, 422, elsewhere)["code"] == "bad_state"
    assert factory.client.get(f"{BACK}?{query}").status_code == 401
    given = dict(parse_qsl(query))
    for state in (given["state"][:-2] + "AA", "x", ""):
        forged = urlencode({**given, "state": state})
        assert factory.client.get(f"{BACK}?{forged}", headers=factory.headers).status_code in {400, 422}
    wrong = factory.client.get(f"/api/social-accounts/callback/bluesky?{query}", headers=factory.headers)
    assert wrong.json()["code"] == "bad_state"
    ended(factory, query)
    assert ended(factory, query, 422)["code"] == "bad_state"
    assert mastodon.renewals == 1


def test_a_state_ends(factory: Factory, db: Database, mastodon: Platform) -> None:
    query = allowed(mastodon, begun(factory, mastodon))
    db.write(
        factory.actor, lambda tx: tx.execute(f"UPDATE connection_attempts SET expires_at = {mark(tx.engine)}", [PAST])
    )
    assert ended(factory, query, 422)["code"] == "bad_state"
    assert mastodon.renewals == 0


PAST = "2020-01-01T00:00:00.000000Z"


def test_two_callbacks_at_once_take_the_code_once(factory: Factory, mastodon: Platform) -> None:
    query = allowed(mastodon, begun(factory, mastodon))
    found: list[int] = []

    def call() -> None:
        found.append(factory.client.get(f"{BACK}?{query}", headers=factory.headers).status_code)

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [200, 422, 422]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"error": "access_denied", "error_description": "The owner said no"}, "The owner said no"),
        ({"error": "access_denied"}, "access_denied"),
        ({}, "it sent no code"),
        ({"code": "another"}, "invalid_grant"),
    ],
)
def test_what_the_platform_refuses_is_said(
    factory: Factory, db: Database, mastodon: Platform, query: dict[str, str], reason: str
) -> None:
    state = dict(parse_qsl(urlsplit(begun(factory, mastodon)).query))["state"]
    refused = ended(factory, urlencode({**query, "state": state}), 409)
    assert (refused["code"], reason in refused["detail"]) == ("connection_refused", True), refused
    with db.read(factory.actor) as reads:
        assert reads.count(SocialAccount) == 0


def test_an_app_that_its_server_forgot_is_registered_again(factory: Factory, db: Database, mastodon: Platform) -> None:
    first = connected(factory, mastodon)
    query = allowed(mastodon, begun(factory, mastodon))
    mastodon.apps.clear()
    assert ended(factory, query, 409)["code"] == "connection_refused"
    assert connected(factory, mastodon)["id"] == first["id"]
    assert len(mastodon.apps) == 1


def test_a_server_that_does_not_answer_is_said_to_be_away(
    factory: Factory, mastodon: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "CALL_SECONDS", 0.3)
    mastodon.faults_of_apps.append("stalls")
    path = f"{START}?instance={mastodon.url}"
    stalled = factory.client.get(path, headers=factory.headers)
    assert (stalled.status_code, stalled.json()["code"]) == (503, "platform_unavailable")
    gone = factory.client.get(f"{START}?instance=http://127.0.0.1:1", headers=factory.headers)
    assert gone.status_code == 503
    mastodon.faults_of_apps.append(500)
    assert factory.client.get(path, headers=factory.headers).status_code == 503
    assert factory.client.get(path, headers=factory.headers).status_code == 200


@pytest.mark.parametrize(
    "instance", ["", "ftp://a.example", "https://a.example/x", "http://a.example", "https://u:p@a.example", "a b"]
)
def test_a_server_is_named_by_its_address(factory: Factory, instance: str) -> None:
    wrong = factory.client.get(f"{START}?{urlencode({'instance': instance})}", headers=factory.headers)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "instance")


def test_what_is_not_known_is_named(factory: Factory) -> None:
    def get(path: str) -> tuple[int, str]:
        answer = factory.client.get(f"/api/social-accounts/{path}", headers=factory.headers)
        found = answer.json()
        return answer.status_code, found.get("errors", [{}])[0].get("field", found["code"])

    page = urlencode({"instance": "a.example", "redirect_uri": "https://elsewhere.example/"})
    assert get("connect/tiktok?instance=a.example") == (404, "not_found")
    assert get("connect/mastodon") == (422, "instance")
    assert get(f"connect/mastodon?{page}") == (400, "redirect_uri")
    assert get("connect/mastodon?instance=a.example&colour=1") == (400, "colour")
    assert get("callback/mastodon?code=1") == (400, "state")


def test_servers_in_private_networks_are_not_asked(settings: Settings, db: Database, tenant: Tenant) -> None:
    way = connect.Way(db, tenant.owner, "mastodon", SECRET)
    with pytest.raises(GrowbaseError) as caught:
        connect.start(way, instance_url="https://169.254.169.254", redirect_uri=PAGE)
    assert caught.value.code == "private_address"


def test_a_browser_is_sent_on_and_a_page_may_take_the_code(factory: Factory, mastodon: Platform) -> None:
    browser = {**factory.headers, "Accept": "text/html"}
    query = urlencode({"instance": mastodon.url})
    sent = factory.client.get(f"{START}?{query}", headers=browser, follow_redirects=False)
    assert (sent.status_code, sent.headers["cache-control"]) == (302, "no-store")
    back = factory.client.get(f"{BACK}?{allowed(mastodon, sent.headers['location'])}", headers=browser)
    assert (back.status_code, back.headers["referrer-policy"]) == (200, "no-referrer")
    assert "connected" in back.text
    url = begun(factory, mastodon, {**factory.headers, "Origin": "https://app.example"}, redirect_uri=PAGE)
    assert parse_qs(urlsplit(url).query)["redirect_uri"] == [PAGE]
    assert ended(factory, allowed(mastodon, url))["status"] == "active"
    assert [app["redirect_uris"].rpartition("/")[2] for app in mastodon.apps] == ["mastodon", "back"]


def test_a_link_from_another_site_begins_nothing(factory: Factory, mastodon: Platform) -> None:
    clicked = {**factory.headers, "Accept": "text/html", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert factory.client.get(f"{START}?instance={mastodon.url}", headers=clicked).status_code == 403
    assert mastodon.requests == []
    query = allowed(mastodon, begun(factory, mastodon))
    assert factory.client.get(f"{BACK}?{query}", headers=clicked).status_code == 200


def test_bluesky_is_connected_by_an_app_password_that_is_not_kept(
    factory: Factory, db: Database, bluesky: Platform
) -> None:
    def post(body: dict[str, Any], status: int) -> Any:  # noqa: ANN401 -- JSON
        answer = factory.client.post("/api/social-accounts/connect/bluesky", json=body, headers=factory.headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    first = post({"handle": "@ann.example", "app_password": "token"}, 201)
    assert (first["provider_account_id"], first["instance_url"]) == ("did:plc:ann", bluesky.url)
    assert first["token_expires_at"].startswith("2096-")
    for given in ({"handle": "did:plc:ann"}, {"handle": "ann.example", "service": bluesky.url}):
        assert post({**given, "app_password": "token"}, 201)["id"] == first["id"]
    with db.read(factory.actor) as reads:
        stored = reads.get(SocialAccount, first["id"])
        assert reads.secret(stored, "refresh_token") == "canary-refresh-3"
        assert reads.secret(stored, "access_token") != "token"
    refused = post({"handle": "ann.example", "app_password": "canary-wrong"}, 409)
    assert (refused["code"], "canary" in json.dumps(refused)) == ("connection_refused", False)
    assert post({"handle": "nobody.example", "app_password": "token"}, 409)["code"] == "connection_refused"
    assert post({"handle": "did:key:z6", "app_password": "token"}, 409)["code"] == "connection_refused"
    assert [wrong["field"] for wrong in post({"handle": "ann.example"}, 422)["errors"]] == ["app_password"]


def test_a_receiver_gets_a_secret_that_is_shown_once(factory: Factory, db: Database) -> None:
    path, headers = "/api/social-accounts/connect/webhook", factory.headers
    body = {"url": "https://hooks.example/publish", "platform": "linkedin"}
    answer = factory.client.post(path, json=body, headers={**headers, "Idempotency-Key": "once"})
    made = answer.json()
    assert (answer.status_code, made["platform"], made["handle"]) == (201, "linkedin", "hooks.example")
    assert "secret" not in factory.client.get(f"/api/social-accounts/{made['id']}", headers=headers).json()
    with db.read(factory.actor) as reads:
        assert reads.secret(reads.get(SocialAccount, made["id"]), "access_token") == made["secret"]
    again = factory.client.post(path, json=body, headers=headers).json()
    assert (again["id"], again["secret"] == made["secret"]) == (made["id"], False)
    dry = factory.client.post(path, json=body, headers={**headers, "Prefer": "tx=rollback"})
    assert [wrong["field"] for wrong in dry.json()["errors"]] == ["Prefer"]


def test_a_viewer_connects_nothing(client: Client, tenant: Tenant, login_as: LoginAs, mastodon: Platform) -> None:
    viewer = login_as(tenant.viewer)
    assert client.get(f"{START}?instance={mastodon.url}", headers=viewer).status_code == 403
    assert client.post("/api/social-accounts/connect/bluesky", json={}, headers=viewer).status_code == 403
    assert mastodon.requests == []


def test_no_secret_of_connecting_is_ever_seen(
    factory: Factory,
    db: Database,
    tenant: Tenant,
    mastodon: Platform,
    bluesky: Platform,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level("DEBUG")
    mastodon.lifetime = 60
    row = connected(factory, mastodon)
    ended(factory, urlencode({**dict(parse_qsl(urlsplit(begun(factory, mastodon)).query)), "code": "canary-x"}), 400)
    state = dict(parse_qsl(urlsplit(begun(factory, mastodon)).query))["state"]
    ended(factory, urlencode({"state": state, "code": "canary-x"}), 409)
    body = {"handle": "ann.example", "app_password": "token"}
    factory.client.post("/api/social-accounts/connect/bluesky", json=body, headers=factory.headers)
    history = factory.client.get(f"/api/social-accounts/{row['id']}/history", headers=factory.headers)
    changes = [str(tuple(found)) for found in db.query("SELECT changes FROM changes")]
    # The client of these tests tells what it asks; the server tells nothing.
    logged = [record.getMessage() for record in caplog.records if "testserver" not in record.getMessage()]
    seen = [*logged, *capsys.readouterr(), history.text, *changes, json.dumps(dump(db, tenant.organization_id))]
    assert [text for text in seen if "canary" in text] == []
    with db.read(factory.actor) as reads:
        assert "canary" not in repr([vars(found) for found in reads.rows(PlatformApp)])
        assert all(found.used_at for found in reads.rows(ConnectionAttempt, order="id", limit=1))
