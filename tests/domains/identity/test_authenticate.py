import base64
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest

from growbase.core import clock
from growbase.core.actor import Actor, ActorKind, Role, system
from growbase.core.config import Settings
from growbase.core.crypto import derive_key
from growbase.core.database import Database
from growbase.core.errors import Forbidden, Invalid, NotUnique, Unauthenticated, WrongRegion
from growbase.core.transaction import Transaction
from growbase.domains.identity import accounts, authenticate
from growbase.domains.identity.accounts import Grant
from growbase.domains.identity.actions_keys import create_api_key, revoke_api_key
from growbase.domains.identity.authenticate import Authenticator, role_of_scopes, with_request
from growbase.domains.identity.models import (
    ApiKey,
    Membership,
    Organization,
    OrganizationStatus,
    Session,
    User,
    UserStatus,
)
from growbase.domains.identity.tokens import ApiKeyText, parse_api_key
from tests.fixtures import Tenant

SECRET = b"a secret of the tests, long enough"
Register = Callable[..., Grant]


def make_key(db: Database, actor: Actor, scopes: list[str], **over: object) -> tuple[Any, str]:
    key = ApiKeyText.new()
    values = {"name": "Shop", "scopes": scopes, "prefix": key.prefix, "key_hash": key.key_hash, **over}
    return db.write(actor, lambda tx: create_api_key(tx, **values)), key.plaintext


def signed(**over: object) -> str:
    claims = {
        "sub": str(clock.new_id()),
        "sid": str(clock.new_id()),
        "typ": "access",
        "exp": clock.now() + timedelta(hours=1),
    }
    return jwt.encode({**claims, **over}, derive_key(SECRET, "access-token"), algorithm="HS256")


def test_a_token_names_user_session_organization_role_and_region(register: Register) -> None:
    grant = register()
    claims = jwt.decode(grant.access_token, options={"verify_signature": False})
    assert claims["sub"] == str(grant.user_id)
    assert claims["sid"] == str(grant.session_id)
    assert claims["org"] == str(grant.organization_id)
    assert (claims["role"], claims["region"], claims["typ"]) == ("owner", "", "access")
    assert claims["exp"] - claims["iat"] == grant.expires_in == 900


def test_tokens_that_are_forged_foreign_or_broken_are_refused(authenticator: Authenticator, register: Register) -> None:
    token = register().access_token
    head, body, signature = token.split(".")
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).decode().rstrip("=")
    claims = jwt.decode(token, options={"verify_signature": False})
    for bad in (
        "",
        "x",
        "a.b.c",
        "gb_",
        "gbs_unknown",
        f"{none}.{body}.",
        f"{head}.{body}.{signature[:-4]}AAAA",
        jwt.encode(claims, "another key of the right length, more or less", algorithm="HS256"),
        signed(),
        signed(**{**claims, "typ": "link"}),
        signed(sub="no uuid"),
        signed(sid=None),
    ):
        with pytest.raises(Unauthenticated):
            authenticator.resolve(bad)


def test_an_expired_token_says_so(authenticator: Authenticator) -> None:
    with pytest.raises(Unauthenticated, match="expired"):
        authenticator.resolve(signed(exp=clock.now() - timedelta(seconds=1)))


def test_a_token_of_another_region_names_its_address(db: Database) -> None:
    settings = Settings(region="eu", regions="eu=https://eu.example.com,us=https://us.example.com")
    authenticator = Authenticator(db, settings, SECRET)
    elsewhere = jwt.encode({"region": "us"}, "the key of another region, which nobody has here", algorithm="HS256")
    for token in (elsewhere, ApiKeyText.new("us").plaintext):
        with pytest.raises(WrongRegion) as error:
            authenticator.resolve(token)
        assert error.value.params["base_url"] == "https://us.example.com"


def test_a_token_resolved_once_needs_no_look_up_for_five_seconds(
    authenticator: Authenticator, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = register().access_token
    assert authenticator.known(token) is None
    actor = authenticator.resolve(token)
    monkeypatch.setattr(authenticator.database, "read", None)
    assert authenticator.resolve(token) == actor
    now = time.monotonic()
    monkeypatch.setattr("growbase.domains.identity.authenticate.time.monotonic", lambda: now + 6)
    assert authenticator.known(token) is None


@pytest.mark.parametrize("what", ["session", "user", "membership", "organization"])
def test_what_a_token_stands_on_counts_as_soon_as_it_changes(
    db: Database, authenticator: Authenticator, register: Register, what: str
) -> None:
    grant = register()
    actor = authenticator.resolve(grant.access_token)

    def unit(tx: Transaction) -> None:
        if what == "session":
            tx.set_facts(Session, {"id": grant.session_id}, {"revoked_at": tx.now})
        elif what == "user":
            tx.update(User, grant.user_id, {"status": UserStatus.DISABLED})
        elif what == "membership":
            tx.change(tx.find(Membership, user_id=grant.user_id, lock=True), {"role": Role.VIEWER})
        else:
            tx.update(Organization, grant.organization_id, {"status": OrganizationStatus.SUSPENDED})

    db.write(system(organization_id=grant.organization_id), unit)
    if what == "membership":
        assert authenticator.resolve(grant.access_token).role is Role.VIEWER
        assert actor.role is Role.OWNER
    else:
        with pytest.raises(Forbidden if what == "organization" else Unauthenticated):
            authenticator.resolve(grant.access_token)


def test_an_answer_read_before_a_commit_is_not_kept(
    db: Database, authenticator: Authenticator, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = register()
    original = Authenticator._session_actor

    def slow(self: Authenticator, *arguments: object) -> object:
        found = original(self, *arguments)
        db.write(system(), lambda tx: tx.set_facts(Session, {"id": grant.session_id}, {"revoked_at": tx.now}))
        return found

    monkeypatch.setattr(Authenticator, "_session_actor", slow)
    authenticator.resolve(grant.access_token)
    monkeypatch.undo()
    with pytest.raises(Unauthenticated):
        authenticator.resolve(grant.access_token)


def test_an_api_key_acts_for_its_organization(db: Database, authenticator: Authenticator, tenant: Tenant) -> None:
    key_id, text = make_key(db, tenant.admin, ["write", "read"])
    actor = authenticator.resolve(text)
    assert (actor.kind, actor.id, actor.organization_id) == (ActorKind.API_KEY, key_id, tenant.organization_id)
    assert (actor.role, actor.scopes) == (Role.MEMBER, {"read", "write"})
    with db.read(actor) as reads:
        assert reads.get(ApiKey, key_id).scopes == ["read", "write"]


@pytest.mark.parametrize(
    ("scopes", "role"),
    [
        (["read"], Role.VIEWER),
        (["read", "write"], Role.MEMBER),
        (["admin", "read"], Role.ADMIN),
        (["analytics:write"], None),
    ],
)
def test_scopes_amount_to_a_role_below_owner(scopes: list[str], role: Role | None) -> None:
    assert role_of_scopes(scopes) is role


def test_a_key_works_neither_altered_nor_expired_nor_revoked(
    db: Database, authenticator: Authenticator, tenant: Tenant
) -> None:
    key_id, text = make_key(db, tenant.admin, ["read"])
    altered = text[:-1] + ("A" if text[-1] != "A" else "B")
    with pytest.raises(Unauthenticated):
        authenticator.resolve(altered)
    assert authenticator.resolve(text).role is Role.VIEWER
    db.write(tenant.admin, lambda tx: revoke_api_key(tx, id=key_id))
    version = db.write(tenant.admin, lambda tx: tx.get(ApiKey, revoke_api_key(tx, id=key_id)).version)
    assert version == 2
    with pytest.raises(Unauthenticated):
        authenticator.resolve(text)
    late_id, late = make_key(db, tenant.admin, ["read"], expires_at=clock.now() + timedelta(days=1))
    db.write(tenant.admin, lambda tx: tx.update(ApiKey, late_id, {"expires_at": clock.now()}))
    with pytest.raises(Unauthenticated, match="expired"):
        authenticator.resolve(late)


def test_keys_are_made_by_admins_with_known_scopes_and_free_names(db: Database, tenant: Tenant) -> None:
    with pytest.raises(Forbidden):
        make_key(db, tenant.member, ["read"])
    for scopes in ([], ["everything"]):
        with pytest.raises(Invalid):
            make_key(db, tenant.admin, scopes)
    with pytest.raises(Invalid):
        make_key(db, tenant.admin, ["read"], expires_at=clock.now())
    key_id, _ = make_key(db, tenant.admin, ["read"])
    with pytest.raises(NotUnique):
        make_key(db, tenant.admin, ["read"])
    db.write(tenant.admin, lambda tx: revoke_api_key(tx, id=key_id))
    make_key(db, tenant.admin, ["read"])


def test_neither_a_key_nor_its_hash_is_in_the_log(
    db: Database, tenant: Tenant, log: Callable[..., list[tuple[Any, ...]]]
) -> None:
    _, text = make_key(db, tenant.admin, ["read"])
    with db.read(tenant.admin) as reads:
        (key,) = reads.rows(ApiKey)
    logged = log("changes", "entity = 'api_keys'")
    assert len(logged) == 1
    assert text not in str(logged)
    assert key.key_hash not in str(logged)


def test_uses_are_written_aside_and_seldom(db: Database, authenticator: Authenticator, tenant: Tenant) -> None:
    key_id, text = make_key(db, tenant.admin, ["read"])
    authenticator.resolve(text)
    assert authenticator.write_uses() == 1
    authenticator.resolve(text)
    assert authenticator.write_uses() == 0
    with db.read(tenant.admin) as reads:
        assert reads.get(ApiKey, key_id).last_used_at is not None


def test_the_last_activity_of_a_session_is_written_after_a_minute(
    db: Database, authenticator: Authenticator, register: Register
) -> None:
    grant = register()
    authenticator.resolve(grant.access_token)
    assert authenticator.write_uses() == 0
    past = clock.now() - timedelta(minutes=2)
    db.write(system(), lambda tx: tx.set_facts(Session, {"id": grant.session_id}, {"last_activity_at": past}))
    authenticator.resolve(grant.access_token)
    assert authenticator.write_uses() == 1
    with db.read(system()) as reads:
        assert reads.find(Session, grant.session_id).last_activity_at > past


def test_a_refusal_leaves_a_row(
    authenticator: Authenticator, tenant: Tenant, log: Callable[..., list[tuple[Any, ...]]]
) -> None:
    actor = with_request(tenant.viewer, request_id="r1", ip="192.0.2.1", user_agent="x" * 1_000)
    accounts.record_refusal(authenticator, actor, action="invite", entity="memberships")
    assert log("action, entity, request_id")[-1] == ("permission_denied", "memberships", "r1")


def test_a_key_may_name_its_region() -> None:
    assert parse_api_key(ApiKeyText.new("eu").plaintext)[0] == "eu"
    key = ApiKeyText.new()
    assert parse_api_key(key.plaintext) == ("", key.prefix)
    assert parse_api_key("gb_short_x") is None


def test_calls_are_counted_for_their_organization(
    db: Database, authenticator: Authenticator, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = register()
    for _ in range(3):
        authenticator.resolve(grant.access_token)
    authenticator.write_uses()
    assert db.query("SELECT used FROM usage_counters WHERE metric = 'api_calls'") == []
    monkeypatch.setattr(authenticate, "CALLS_SECONDS", 0.0)
    authenticator.write_uses()
    authenticator.resolve(grant.access_token)
    authenticator.write_uses()
    authenticator.write_uses()
    assert [tuple(row) for row in db.query("SELECT used FROM usage_counters WHERE metric = 'api_calls'")] == [(4,)]
