from collections.abc import Callable
from typing import Any

import pytest

from growbase.core import clock
from growbase.core.actor import Role, system
from growbase.core.database import Database
from growbase.core.errors import NotFound, Unauthenticated
from growbase.domains.identity import accounts, actions_sessions
from growbase.domains.identity.accounts import Grant
from growbase.domains.identity.actions_organizations import create_organization
from growbase.domains.identity.authenticate import Authenticator
from growbase.domains.identity.models import Session
from growbase.domains.identity.queries import describe_session, list_sessions

PASSWORD = "correct horse battery"
CALLER = accounts.anonymous(ip="192.0.2.1")
Register = Callable[..., Grant]


def refresh(authenticator: Authenticator, token: str) -> Grant:
    return accounts.refresh(authenticator, CALLER, refresh_token=token)


def test_a_refresh_continues_the_login(db: Database, authenticator: Authenticator, register: Register) -> None:
    first = register()
    second = refresh(authenticator, first.refresh_token)
    assert second.refresh_token != first.refresh_token
    assert authenticator.resolve(first.access_token).id == first.user_id
    assert authenticator.resolve(second.access_token).session_id == second.session_id
    with db.read(system()) as reads:
        (shown,) = list_sessions(reads, first.user_id, clock.now())
    assert shown.rotated_from == first.session_id
    assert shown.family_id == first.session_id
    assert describe_session(shown, second.session_id)["is_current"] is True
    assert "token_hash" not in describe_session(shown, None)


def test_a_refresh_token_used_twice_ends_the_whole_login(
    authenticator: Authenticator, register: Register, log: Callable[..., list[Any]]
) -> None:
    first = register()
    second = refresh(authenticator, first.refresh_token)
    other = accounts.login(authenticator, CALLER, email="ada@example.com", password=PASSWORD)
    with pytest.raises(Unauthenticated):
        refresh(authenticator, first.refresh_token)
    with pytest.raises(Unauthenticated):
        refresh(authenticator, second.refresh_token)
    for token in (first.access_token, second.access_token):
        with pytest.raises(Unauthenticated):
            authenticator.resolve(token)
    assert authenticator.resolve(other.access_token).id == first.user_id
    assert len(log("seq", "action = 'refresh_reused'")) == 1


def test_of_two_refreshes_at_once_at_most_one_gets_tokens_and_the_login_ends(
    db: Database, authenticator: Authenticator, register: Register, at_once: Callable[..., list[Any]]
) -> None:
    for number in range(4):
        grant = register(f"user{number}@example.com")
        results = at_once([lambda token=grant.refresh_token: refresh(authenticator, token)] * 4)
        assert len([result for result in results if isinstance(result, Grant)]) == 1
        assert len([result for result in results if isinstance(result, Unauthenticated)]) == 3
        with db.read(system()) as reads:
            assert reads.rows(Session, user_id=grant.user_id, revoked_at=None) == []


def test_a_revocation_at_the_moment_of_a_refresh_leaves_no_session(
    db: Database, authenticator: Authenticator, register: Register, at_once: Callable[..., list[Any]]
) -> None:
    for number in range(6):
        grant = register(f"user{number}@example.com")
        actor = authenticator.resolve(grant.access_token)
        at_once(
            [
                lambda token=grant.refresh_token: refresh(authenticator, token),
                lambda actor=actor: accounts.logout(authenticator, actor),
            ]
        )
        with db.read(system()) as reads:
            assert reads.rows(Session, user_id=grant.user_id, revoked_at=None) == []


def test_a_logout_ends_the_session(
    authenticator: Authenticator, register: Register, log: Callable[..., list[Any]]
) -> None:
    grant = register()
    accounts.logout(authenticator, authenticator.resolve(grant.access_token))
    with pytest.raises(Unauthenticated):
        authenticator.resolve(grant.access_token)
    with pytest.raises(Unauthenticated):
        refresh(authenticator, grant.refresh_token)
    assert log("action")[-1] == ("logout",)


def test_nobody_ends_the_session_of_somebody_else(
    db: Database, authenticator: Authenticator, register: Register
) -> None:
    grant = register()
    other = authenticator.resolve(register("other@example.com").access_token)
    with pytest.raises(NotFound):
        db.write(other, lambda tx: actions_sessions.revoke_session(tx, id=grant.session_id))


def test_a_switch_continues_the_login_in_another_organization(
    db: Database, authenticator: Authenticator, register: Register
) -> None:
    grant = register()
    actor = authenticator.resolve(grant.access_token)
    second = db.write(actor, lambda tx: create_organization(tx, name="Second"))
    switched = accounts.switch(authenticator, actor, organization_id=second)
    there = authenticator.resolve(switched.access_token)
    assert (there.organization_id, there.role) == (second, Role.OWNER)
    foreign = register("other@example.com").organization_id
    with pytest.raises(NotFound):
        accounts.switch(authenticator, there, organization_id=foreign)


def test_a_session_token_works_until_the_session_is_continued(authenticator: Authenticator, register: Register) -> None:
    grant = register()
    assert authenticator.resolve(grant.session_token).id == grant.user_id
    refresh(authenticator, grant.refresh_token)
    with pytest.raises(Unauthenticated):
        authenticator.resolve(grant.session_token)
