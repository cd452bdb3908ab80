from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.errors import Conflict, NotFound, NotUnique
from growbase.domains.identity.actions import delete_account
from growbase.domains.identity.actions_auth_accounts import find_by_account, link_account, unlink_account
from growbase.domains.identity.actions_sessions import acting_as
from growbase.domains.identity.models import User
from growbase.domains.identity.models_billing import AuthAccount
from tests.fixtures import Tenant

GOOGLE = {"provider": "google", "provider_account_id": "g-1"}


def link(db: Database, actor: Actor, **over: Any) -> UUID:  # noqa: ANN401
    return db.write(actor, lambda tx: link_account(tx, **{**GOOGLE, **over}))


def owner_of(db: Database) -> UUID | None:
    with db.read(system()) as reads:
        found = find_by_account(reads, **GOOGLE)
    return found.id if found else None


def test_a_linked_account_leads_to_its_user(db: Database, tenant: Tenant) -> None:
    assert owner_of(db) is None
    link(db, tenant.member)
    assert owner_of(db) == tenant.member.id
    with pytest.raises(NotUnique):
        link(db, tenant.viewer)
    link(db, tenant.viewer, provider="github")


def test_tokens_are_sealed_and_replaced_by_newer_ones(
    db: Database, tenant: Tenant, log: Callable[..., list[tuple[Any, ...]]]
) -> None:
    end = datetime(2030, 1, 1, tzinfo=UTC)
    id = link(db, tenant.member, access_token="secret-1", refresh_token="secret-2", scope="email", expires_at=end)
    assert link(db, tenant.member, access_token="secret-3", scope="email profile") == id
    with db.read(tenant.member) as reads:
        found = reads.get(AuthAccount, id)
        assert [reads.secret(found, name) for name in ("access_token", "refresh_token")] == ["secret-3", "secret-2"]
    assert (found.scope, found.expires_at) == ("email profile", None)
    assert b"secret" not in bytes(found.access_token_cipher or b"")
    assert "secret-" not in str(log("changes")) + repr(found)


def test_the_only_way_to_log_in_stays(db: Database, tenant: Tenant) -> None:
    first = link(db, tenant.member)
    with pytest.raises(NotFound):
        db.write(tenant.viewer, partial(unlink_account, id=first))
    with pytest.raises(Conflict):
        db.write(tenant.member, partial(unlink_account, id=first))
    second = link(db, tenant.member, provider="github")
    db.write(tenant.member, partial(unlink_account, id=first))
    assert owner_of(db) is None
    db.write(system(), lambda tx: tx.update(User, tenant.member.id, {"password_hash": "some hash"}))
    db.write(tenant.member, partial(unlink_account, id=second))


def test_links_end_with_the_account(db: Database, tenant: Tenant) -> None:
    link(db, tenant.member)
    db.write(tenant.member, delete_account)
    assert owner_of(db) is None
    link(db, tenant.viewer)
    assert owner_of(db) == tenant.viewer.id


def test_the_program_itself_links_nothing(db: Database, tenant: Tenant) -> None:
    with pytest.raises(NotFound):
        link(db, system())
    with db.read(system()) as reads:
        user = reads.get(User, tenant.member.id)
    db.write(system(), lambda tx: link_account(acting_as(tx, user), **GOOGLE))
    assert owner_of(db) == tenant.member.id
