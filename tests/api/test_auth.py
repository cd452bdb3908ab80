from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from queue import Queue
from typing import Any

import pytest
from litestar.testing import TestClient

from growbase.api.app import build_app
from growbase.api.auth import account
from growbase.core.actor import Actor, system
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.errors import NotFound, Unavailable
from growbase.domains.identity.models import Session
from tests.api.conftest import PASSWORD, Client, Headers, LoginAs, bearer
from tests.fixtures import SECRET, Tenant

ADA = {"email": "ada@example.com", "password": PASSWORD, "full_name": "Ada Lovelace", "organization_name": "Engines"}
NEW = "a password never used"
SetPassword = Callable[[Actor], str]
Mailed = Callable[[str], list[str]]


@dataclass(frozen=True)
class Case:
    """A request and what it answers."""

    name: str
    method: str
    path: str
    body: dict[str, Any] | None
    status: int
    code: str = ""
    fields: dict[str, str] = field(default_factory=dict)


def fields_of(problem: dict[str, Any]) -> dict[str, str]:
    return {error["field"]: error["code"] for error in problem.get("errors", [])}


def count_of(db: Database, table: str) -> int:
    found: int = db.query(f"SELECT count(*) FROM {table}")[0][0]
    return found


REFUSED = [
    Case(
        "register names every wrong field at once",
        "POST",
        "/api/auth/register",
        {"email": "ada", "password": "short", "role": "owner"},
        422,
        "invalid",
        {"email": "pattern", "password": "too_short", "role": "unknown"},
    ),
    Case(
        "register wants both",
        "POST",
        "/api/auth/register",
        {},
        422,
        "invalid",
        {"email": "required", "password": "required"},
    ),
    Case(
        "an endless password is not hashed",
        "POST",
        "/api/auth/register",
        {**ADA, "password": "x" * 1_001},
        422,
        "invalid",
        {"password": "too_long"},
    ),
    Case(
        "no NUL reaches the database",
        "POST",
        "/api/auth/login",
        {"email": "a\x00@b.c", "password": "x"},
        422,
        "invalid",
        {"email": "nul"},
    ),
    Case(
        "a session is a token or a cookie",
        "POST",
        "/api/auth/login",
        {"email": "a@b.c", "password": "x", "session": "jar"},
        422,
        "invalid",
        {"session": "choice"},
    ),
    Case("an unknown address", "POST", "/api/auth/login", {"email": "no@b.c", "password": "x"}, 401, "unauthenticated"),
    Case("an unknown refresh token", "POST", "/api/auth/refresh", {"refresh_token": "x"}, 401, "unauthenticated"),
    Case(
        "an unknown link", "POST", "/api/auth/verify-email", {"token": "x"}, 422, "invalid", {"token": "invalid_token"}
    ),
    Case(
        "an unknown invitation",
        "POST",
        "/api/auth/accept-invite",
        {"token": "x"},
        422,
        "invalid",
        {"token": "invalid_token"},
    ),
    Case(
        "a link for another password that is no good",
        "POST",
        "/api/auth/reset-password",
        {"token": "x", "password": NEW},
        422,
        "invalid",
        {"token": "invalid_token"},
    ),
    *(
        Case(f"{method} {path} wants a login", method, path, None, 401, "unauthenticated")
        for method, path in [
            ("GET", "/api/auth/me"),
            ("PATCH", "/api/auth/me"),
            ("DELETE", "/api/auth/me"),
            ("GET", "/api/auth/sessions"),
            ("DELETE", "/api/auth/sessions/00000000-0000-0000-0000-000000000000"),
            ("POST", "/api/auth/logout"),
            ("POST", "/api/auth/switch"),
            ("POST", "/api/auth/password"),
            ("POST", "/api/auth/send-verification"),
        ]
    ),
    Case("no such page", "GET", "/api/auth/nothing", None, 404, "not_found"),
    Case("no such method", "GET", "/api/auth/login", None, 405, "method_not_allowed"),
]


def test_strangers_are_refused_with_what_is_wrong_and_nothing_is_made(client: Client, db: Database) -> None:
    for case in REFUSED:
        answer = client.request(case.method, case.path, json=case.body)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (case.status, case.code), (case.name, problem)
        assert fields_of(problem) == case.fields, case.name
        assert answer.headers["content-type"] == "application/problem+json", case.name
        assert "set-cookie" not in answer.headers, case.name
    assert [count_of(db, table) for table in ("users", "organizations", "sessions", "jobs")] == [0, 0, 0, 0]


def test_registering_answers_the_account_and_tokens_that_work(client: Client) -> None:
    answer = client.post("/api/auth/register", json=ADA)
    found = answer.json()
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert (found["user"]["email"], found["organization"]["name"], found["role"]) == (ADA["email"], "Engines", "owner")
    assert (found["token_type"], found["expires_in"]) == ("bearer", 900)
    assert "password_hash" not in answer.text
    me = client.get("/api/auth/me", headers=bearer(found["access_token"]))
    assert me.json() == {name: found[name] for name in ("user", "organization", "role", "organizations")}
    again = client.post("/api/auth/register", json={**ADA, "email": "ADA@example.com"})
    assert (again.status_code, fields_of(again.json())) == (409, {"email": "unique"})


def test_names_in_camel_case_are_taken_too(client: Client) -> None:
    body = {"email": "ada@example.com", "password": PASSWORD, "organizationName": "Engines"}
    answer = client.post("/api/auth/register", json=body)
    assert answer.json()["organization"]["name"] == "Engines"


def test_a_login_answers_one_message_for_every_refusal(
    client: Client, tenant: Tenant, with_password: SetPassword
) -> None:
    email = with_password(tenant.member)
    right = client.post("/api/auth/login", json={"email": email.upper(), "password": PASSWORD})
    assert (right.status_code, right.json()["role"]) == (200, "member")
    wrong = [
        client.post("/api/auth/login", json={"email": address, "password": "not this one"})
        for address in (email, "nobody@example.com", tenant.viewer.label)
    ]
    assert {answer.status_code for answer in wrong} == {401}
    assert len({answer.json()["detail"] for answer in wrong}) == 1


def test_a_locked_login_says_when_to_come_back(
    settings: Settings, db: Database, tenant: Tenant, with_password: SetPassword
) -> None:
    email = with_password(tenant.member)
    app = build_app(settings.model_copy(update={"login_max_failures": 2}), db, SECRET)
    with TestClient(app) as client:
        for _ in range(2):
            client.post("/api/auth/login", json={"email": email, "password": "not this one"})
        locked = client.post("/api/auth/login", json={"email": email, "password": PASSWORD})
    assert (locked.status_code, locked.json()["code"]) == (429, "rate_limited")
    assert 0 < int(locked.headers["retry-after"]) <= 15 * 60


def test_a_refresh_token_works_once_and_its_reuse_ends_the_login(client: Client) -> None:
    first = client.post("/api/auth/register", json=ADA).json()
    refreshed = client.post("/api/auth/refresh", json={"refresh_token": first["refresh_token"]})
    second = refreshed.json()
    assert refreshed.status_code == 200
    assert second["user"] == first["user"]
    assert client.get("/api/auth/me", headers=bearer(second["access_token"])).status_code == 200
    reused = client.post("/api/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert reused.status_code == 401
    assert client.get("/api/auth/me", headers=bearer(second["access_token"])).status_code == 401
    assert client.post("/api/auth/refresh", json={"refresh_token": second["refresh_token"]}).status_code == 401


def test_an_idempotency_key_stores_no_answer_that_holds_a_token(client: Client, db: Database) -> None:
    client.post("/api/auth/register", json=ADA, headers={"Idempotency-Key": "once"})
    for _ in range(2):
        answer = client.post("/api/auth/login", json={"email": ADA["email"], "password": PASSWORD})
        assert "idempotency-replayed" not in answer.headers
    assert count_of(db, "idempotency_keys") == 0


def test_logging_out_ends_the_session_at_once(client: Client, tenant: Tenant, login_as: LoginAs) -> None:
    headers = login_as(tenant.member)
    assert client.get("/api/auth/me", headers=headers).status_code == 200
    assert client.post("/api/auth/logout", headers=headers).status_code == 204
    assert client.get("/api/auth/me", headers=headers).status_code == 401


def test_a_cookie_session_hides_its_tokens_and_needs_the_csrf_token_to_write(
    client: Client, tenant: Tenant, with_password: SetPassword
) -> None:
    email = with_password(tenant.member)
    answer = client.post("/api/auth/login", json={"email": email, "password": PASSWORD, "session": "cookie"})
    found, cookies = answer.json(), answer.headers.get_list("set-cookie")
    assert "access_token" not in found
    assert "refresh_token" not in found
    session, csrf = sorted(cookies, key=lambda cookie: "HttpOnly" not in cookie)
    assert session.startswith("growbase_session=gbs_")
    assert "HttpOnly" in session
    assert csrf.startswith(f"growbase_csrf={found['csrf_token']};")
    assert "HttpOnly" not in csrf
    assert all("SameSite=Lax" in cookie and "Path=/" in cookie and "Secure" not in cookie for cookie in cookies)

    assert client.get("/api/auth/me").json()["user"]["email"] == email
    for token in (None, "", "wrong", "ünicode".encode(), session.partition("=")[2].partition(";")[0]):
        refused = client.patch(
            "/api/auth/me", json={"first_name": "Eve"}, headers={} if token is None else {"X-CSRF-Token": token}
        )
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), token
    right = {"X-CSRF-Token": found["csrf_token"]}
    changed = client.patch("/api/auth/me", json={"first_name": "Ada"}, headers=right)
    assert changed.json()["user"]["first_name"] == "Ada"
    out = client.post("/api/auth/logout", headers=right)
    assert out.status_code == 204
    assert all("Max-Age=0" in cookie for cookie in out.headers.get_list("set-cookie"))
    assert client.get("/api/auth/me").status_code == 401


def test_a_csrf_cookie_that_somebody_planted_does_not_fit(
    client: Client, tenant: Tenant, with_password: SetPassword
) -> None:
    email = with_password(tenant.member)
    client.post("/api/auth/login", json={"email": email, "password": PASSWORD, "session": "cookie"})
    client.cookies.delete("growbase_csrf")
    client.cookies.set("growbase_csrf", "planted")
    assert client.post("/api/auth/logout", headers={"X-CSRF-Token": "planted"}).status_code == 403


def test_cookies_are_secure_where_the_server_is_reached_by_https(settings: Settings, db: Database) -> None:
    app = build_app(settings.model_copy(update={"cookie_secure": "true"}), db, SECRET)
    with TestClient(app) as client:
        answer = client.post("/api/auth/register", json={**ADA, "session": "cookie"})
    assert answer.status_code == 201
    assert all("; Secure" in cookie for cookie in answer.headers.get_list("set-cookie"))


def test_a_token_in_the_header_wins_over_the_cookie(
    client: Client, tenant: Tenant, login_as: LoginAs, with_password: SetPassword
) -> None:
    email = with_password(tenant.member)
    client.post("/api/auth/login", json={"email": email, "password": PASSWORD, "session": "cookie"})
    headers = login_as(tenant.owner)
    assert client.get("/api/auth/me", headers=headers).json()["role"] == "owner"
    assert client.post("/api/auth/send-verification", headers=headers).status_code == 202
    assert client.get("/api/auth/me", headers={"Authorization": "Basic x"}).status_code == 401


def test_the_profile_changes_what_is_sent_and_merges_preferences(
    client: Client, tenant: Tenant, login_as: LoginAs
) -> None:
    headers = login_as(tenant.viewer)
    before = client.get("/api/auth/me", headers=headers)
    body = {"timezone": "Europe/Paris", "language": "fr", "preferences": {"theme": "dark", "digest": True}}
    first = client.patch("/api/auth/me", json=body, headers=headers)
    user = first.json()["user"]
    assert (user["timezone"], user["language"], user["full_name"]) == (
        "Europe/Paris",
        "fr",
        before.json()["user"]["full_name"],
    )
    assert first.headers["etag"] == f'"{user["version"]}"'
    merged = client.patch("/api/auth/me", json={"preferences": {"theme": None, "dense": 1}}, headers=headers)
    assert merged.json()["user"]["preferences"] == {"digest": True, "dense": 1}
    assert client.get("/api/auth/me", headers=headers).json() == merged.json()


def test_a_profile_changed_meanwhile_is_not_overwritten(client: Client, tenant: Tenant, login_as: LoginAs) -> None:
    headers = login_as(tenant.viewer)
    tag = client.get("/api/auth/me", headers=headers).headers["etag"]
    assert (
        client.patch("/api/auth/me", json={"first_name": "A"}, headers={**headers, "If-Match": tag}).status_code == 200
    )
    stale = client.patch("/api/auth/me", json={"first_name": "B"}, headers={**headers, "If-Match": tag})
    in_body = client.patch("/api/auth/me", json={"first_name": "B", "version": 1}, headers=headers)
    assert (stale.status_code, in_body.status_code) == (412, 412)
    assert client.get("/api/auth/me", headers=headers).json()["user"]["first_name"] == "A"
    dry = client.patch("/api/auth/me", json={"first_name": "C"}, headers={**headers, "Prefer": "tx=rollback"})
    assert dry.json()["user"]["first_name"] == "C"
    assert client.get("/api/auth/me", headers=headers).json()["user"]["first_name"] == "A"


@pytest.mark.parametrize(
    ("body", "name", "code"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone", "invalid"),
        ({"timezone": "../../etc/passwd"}, "timezone", "invalid"),
        ({"timezone": None}, "timezone", "type"),
        ({"language": "f"}, "language", "too_short"),
        ({"image_url": "javascript:alert(1)"}, "image_url", "pattern"),
        ({"email": "other@example.com"}, "email", "unknown"),
        ({"role": "admin"}, "role", "unknown"),
        ({"preferences": []}, "preferences", "type"),
    ],
)
def test_a_wrong_profile_is_refused(
    client: Client, tenant: Tenant, login_as: LoginAs, body: dict[str, Any], name: str, code: str
) -> None:
    answer = client.patch("/api/auth/me", json=body, headers=login_as(tenant.viewer))
    assert (answer.status_code, fields_of(answer.json())) == (422, {name: code})


def test_logins_are_listed_and_ended_one_by_one(client: Client, tenant: Tenant, login_as: LoginAs) -> None:
    here, there = login_as(tenant.member), login_as(tenant.member)
    stranger = login_as(tenant.owner)
    found = client.get("/api/auth/sessions", headers=here).json()["data"]
    assert sorted(session["is_current"] for session in found) == [False, True]
    other = next(session["id"] for session in found if not session["is_current"])
    assert client.delete(f"/api/auth/sessions/{other}", headers=stranger).status_code == 404
    assert client.delete("/api/auth/sessions/none", headers=here).status_code == 404
    assert client.delete(f"/api/auth/sessions/{other}", headers=here).status_code == 204
    assert client.get("/api/auth/me", headers=there).status_code == 401
    assert client.get("/api/auth/me", headers=here).status_code == 200


def test_a_new_password_ends_the_other_logins(
    client: Client, tenant: Tenant, login_as: LoginAs, with_password: SetPassword
) -> None:
    email = with_password(tenant.member)
    here, there = login_as(tenant.member), login_as(tenant.member)
    wrong = {"current_password": "not this one", "new_password": NEW}
    refused = client.post("/api/auth/password", json=wrong, headers=here)
    assert (refused.status_code, list(fields_of(refused.json()))) == (422, ["current_password"])
    short = {"current_password": PASSWORD, "new_password": "short"}
    assert fields_of(client.post("/api/auth/password", json=short, headers=here).json()) == {
        "new_password": "too_short"
    }
    right = {"current_password": PASSWORD, "new_password": NEW}
    assert client.post("/api/auth/password", json=right, headers=here).status_code == 204
    assert client.get("/api/auth/me", headers=here).status_code == 200
    assert client.get("/api/auth/me", headers=there).status_code == 401
    assert client.post("/api/auth/login", json={"email": email, "password": NEW}).status_code == 200


def test_a_forgotten_password_is_replaced_by_the_mailed_link(
    client: Client, tenant: Tenant, with_password: SetPassword, mailed: Mailed
) -> None:
    email = with_password(tenant.member)
    answers = [
        client.post("/api/auth/forgot-password", json={"email": address}) for address in (email, "nobody@example.com")
    ]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(202, {"accepted": True})] * 2
    (token,) = mailed("reset_password")
    body = {"token": token, "password": NEW}
    assert client.post("/api/auth/reset-password", json=body).status_code == 202
    assert client.post("/api/auth/reset-password", json=body).status_code == 422
    assert client.post("/api/auth/login", json={"email": email, "password": NEW}).status_code == 200


def test_an_address_is_verified_by_the_link_mailed_last(client: Client, mailed: Mailed) -> None:
    headers = bearer(client.post("/api/auth/register", json=ADA).json()["access_token"])
    assert client.post("/api/auth/send-verification", headers=headers).status_code == 202
    old, new = mailed("verify_email")
    assert client.post("/api/auth/verify-email", json={"token": old}).status_code == 422
    assert client.post("/api/auth/verify-email", json={"token": new}).status_code == 202
    assert client.get("/api/auth/me", headers=headers).json()["user"]["email_verified_at"] is not None
    assert client.post("/api/auth/send-verification", headers=headers).status_code == 202
    assert len(mailed("verify_email")) == 2


def test_verification_mails_are_limited(
    settings: Settings, db: Database, tenant: Tenant, with_password: SetPassword
) -> None:
    email = with_password(tenant.member)
    app = build_app(settings.model_copy(update={"login_rate_per_minute": 1}), db, SECRET)
    with TestClient(app) as client:
        token = client.post("/api/auth/login", json={"email": email, "password": PASSWORD}).json()["access_token"]
        answers = [client.post("/api/auth/send-verification", headers=bearer(token)) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 429]
    assert int(answers[1].headers["retry-after"]) > 0


def test_an_account_ends_with_its_password_once_nothing_needs_its_owner(client: Client) -> None:
    login = {"email": ADA["email"], "password": PASSWORD}
    first = client.post("/api/auth/register", json=ADA).json()
    headers = bearer(first["access_token"])
    answers = [
        client.request("DELETE", "/api/auth/me", json={"password": password}, headers=headers)
        for password in ("not this one", PASSWORD)
    ]
    assert [answer.status_code for answer in answers] == [422, 409]
    assert client.delete(f"/api/organizations/{first['organization']['id']}", headers=headers).status_code == 204
    second = client.post("/api/auth/login", json=login).json()
    assert (second["organization"], second["role"], second["organizations"]) == (None, None, [])
    homeless = bearer(second["access_token"])
    assert client.get("/api/auth/me", headers=homeless).json()["organization"] is None
    ended = client.request("DELETE", "/api/auth/me", json={"password": PASSWORD}, headers=homeless)
    assert ended.status_code == 204
    assert client.get("/api/auth/me", headers=homeless).status_code == 401
    assert client.post("/api/auth/login", json=login).status_code == 401


def test_an_api_key_has_no_account(client: Client, tenant: Tenant, key_of: Callable[..., Headers]) -> None:
    key = key_of(tenant.owner, "admin")
    requests = [
        ("GET", "/api/auth/me"),
        ("GET", "/api/auth/sessions"),
        ("POST", "/api/auth/logout"),
        ("POST", "/api/auth/switch"),
    ]
    answers = [client.request(method, path, headers=key) for method, path in requests]
    assert {answer.status_code for answer in answers} == {403}


def test_only_allowed_origins_may_read_answers(settings: Settings, db: Database) -> None:
    app = build_app(settings.model_copy(update={"cors_origins": ("https://app.example.com",)}), db, SECRET)
    asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization, x-csrf-token"}
    with TestClient(app) as client:
        preflight = client.options("/api/auth/me", headers={"Origin": "https://app.example.com", **asked})
        assert preflight.status_code == 204
        assert preflight.headers["access-control-allow-origin"] == "https://app.example.com"
        assert preflight.headers["access-control-allow-credentials"] == "true"
        assert "PATCH" in preflight.headers["access-control-allow-methods"]
        assert "x-csrf-token" in preflight.headers["access-control-allow-headers"].lower()
        refused = client.options("/api/auth/me", headers={"Origin": "https://evil.example.com", **asked})
        assert refused.status_code == 400
        assert "access-control-allow-origin" not in refused.headers
        for origin, allowed in (("https://app.example.com", "https://app.example.com"), ("https://evil.example", None)):
            answer = client.get("/api/auth/me", headers={"Origin": origin})
            assert answer.status_code == 401
            assert answer.headers.get("access-control-allow-origin") == allowed


def test_no_origin_is_allowed_by_default(client: Client) -> None:
    answer = client.get("/api/auth/me", headers={"Origin": "https://app.example.com"})
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_the_last_use_of_a_session_is_written_when_the_server_stops(
    settings: Settings, db: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "close", lambda: None)
    app = build_app(settings, db, SECRET)
    monkeypatch.setattr("growbase.domains.identity.authenticate.SESSION_USE", timedelta())
    with TestClient(app) as client:
        client.post("/api/auth/register", json={**ADA, "session": "cookie"})
        client.get("/api/auth/me")
    with db.read(system()) as reads:
        (session,) = reads.rows(Session)
    assert session.last_activity_at > session.created_at


def test_uses_are_written_again_after_the_database_was_away(
    client: Client, settings: Settings, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: Queue[int] = Queue()

    def fail() -> int:
        calls.put(1)
        raise Unavailable(reason="gone")

    monkeypatch.setattr("growbase.api.app.USES_SECONDS", 0)
    app = build_app(settings, db, SECRET)
    monkeypatch.setattr(app.api.authenticator, "write_uses", fail)
    with TestClient(app):
        assert [calls.get(timeout=10) for _ in range(3)] == [1, 1, 1]


def test_a_token_known_for_a_moment_is_not_looked_up_again(
    client: Client, tenant: Tenant, login_as: LoginAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = login_as(tenant.viewer)
    first = client.get("/api/auth/me", headers=headers)
    monkeypatch.delattr("growbase.domains.identity.authenticate.Authenticator.resolve")
    assert client.get("/api/auth/me", headers=headers).json() == first.json()


def test_no_nul_hides_in_the_preferences(client: Client, tenant: Tenant, login_as: LoginAs) -> None:
    body = {"preferences": {"theme": ["a\x00"]}}
    answer = client.patch("/api/auth/me", json=body, headers=login_as(tenant.viewer))
    assert (answer.status_code, fields_of(answer.json())) == (422, {"preferences": "nul"})


def test_an_account_that_is_gone_is_not_found(db: Database, tenant: Tenant) -> None:
    with db.read(tenant.owner) as reads, pytest.raises(NotFound):
        account(reads, tenant.organization_id, None)
