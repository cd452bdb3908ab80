from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from growbase.core.actor import Actor, ActorKind, Role, system
from growbase.core.database import Database
from growbase.core.errors import Conflict, Forbidden, Invalid, NotFound, NotUnique, Unauthenticated
from growbase.core.log import undo
from growbase.domains.identity import accounts
from growbase.domains.identity.accounts import Grant
from growbase.domains.identity.actions_members import (
    change_role,
    invite_member,
    leave_organization,
    remove_member,
    transfer_ownership,
)
from growbase.domains.identity.actions_organizations import delete_organization
from growbase.domains.identity.authenticate import Authenticator
from growbase.domains.identity.models import Membership, MembershipStatus, Organization, User, UserStatus
from growbase.domains.identity.queries import get_settings
from growbase.domains.identity.resources import RESOURCES
from growbase.domains.identity.roles import LastOwner
from tests.fixtures import Tenant

CALLER = accounts.anonymous(ip="192.0.2.1")
PASSWORD = "correct horse battery"
Mailed = Callable[..., list[str]]


def membership(db: Database, tenant: Tenant, actor: Actor) -> Membership:
    with db.read(tenant.owner) as reads:
        found = reads.find(Membership, user_id=actor.id)
    assert found is not None
    return found


def invite(db: Database, actor: Actor, email: str = "new@example.com", role: Role = Role.MEMBER) -> UUID:
    return db.write(actor, lambda tx: invite_member(tx, email=email, role=role))


def test_an_invited_address_becomes_a_member_by_the_mailed_link(
    db: Database, tenant: Tenant, authenticator: Authenticator, mailed: Mailed
) -> None:
    invite(db, tenant.admin)
    (token,) = mailed("invite")
    with pytest.raises(Invalid):
        accounts.accept_invite(authenticator, CALLER, token=token)
    grant = accounts.accept_invite(authenticator, CALLER, token=token, password=PASSWORD, full_name="New")
    assert grant is not None
    actor = authenticator.resolve(grant.access_token)
    assert (actor.organization_id, actor.role, actor.label) == (tenant.organization_id, Role.MEMBER, "New")
    with pytest.raises(Invalid):
        accounts.accept_invite(authenticator, CALLER, token=token, password=PASSWORD)


def test_an_invitation_opens_no_session_of_a_verified_user(
    db: Database,
    tenant: Tenant,
    authenticator: Authenticator,
    register: Callable[..., Grant],
    mailed: Mailed,
) -> None:
    ada = register()
    db.write(system(), lambda tx: tx.update(User, ada.user_id, {"email_verified_at": tx.now}))
    invite(db, tenant.owner, "ADA@example.com", Role.OWNER)
    (token,) = mailed("invite")
    assert accounts.accept_invite(authenticator, CALLER, token=token) is None
    grant = accounts.login(
        authenticator, CALLER, email="ada@example.com", password=PASSWORD, organization_id=tenant.organization_id
    )
    assert grant.role is Role.OWNER


def test_whoever_registered_an_address_that_is_not_theirs_loses_it_to_the_invited(
    db: Database,
    tenant: Tenant,
    authenticator: Authenticator,
    register: Callable[..., Grant],
    mailed: Mailed,
) -> None:
    squatter = register("new@example.com")
    invite(db, tenant.admin)
    (token,) = mailed("invite")
    accounts.accept_invite(authenticator, CALLER, token=token, password="the true owner's")
    for attempt in (
        lambda: authenticator.resolve(squatter.access_token),
        lambda: accounts.login(authenticator, CALLER, email="new@example.com", password=PASSWORD),
    ):
        with pytest.raises(Unauthenticated):
            attempt()


def test_inviting_again_replaces_the_link(
    db: Database, tenant: Tenant, authenticator: Authenticator, mailed: Mailed
) -> None:
    first = invite(db, tenant.admin)
    assert invite(db, tenant.admin, role=Role.VIEWER) == first
    old, new = mailed("invite")
    with pytest.raises(Invalid):
        accounts.accept_invite(authenticator, CALLER, token=old, password=PASSWORD)
    grant = accounts.accept_invite(authenticator, CALLER, token=new, password=PASSWORD)
    assert grant is not None
    assert grant.role is Role.VIEWER


def test_a_member_is_not_invited_again(db: Database, tenant: Tenant) -> None:
    with pytest.raises(NotUnique):
        invite(db, tenant.admin, "viewer@acme.example")


def test_a_withdrawn_invitation_is_worthless(
    db: Database, tenant: Tenant, authenticator: Authenticator, mailed: Mailed
) -> None:
    invited = invite(db, tenant.admin)
    db.write(tenant.admin, lambda tx: remove_member(tx, id=invited))
    (token,) = mailed("invite")
    with pytest.raises(Invalid):
        accounts.accept_invite(authenticator, CALLER, token=token, password=PASSWORD)


@pytest.mark.parametrize("who", ["viewer", "member", "api_key"])
def test_below_admin_nobody_touches_members(db: Database, tenant: Tenant, who: str) -> None:
    key = Actor(ActorKind.API_KEY, "k", organization_id=tenant.organization_id, role=Role.MEMBER)
    actor = key if who == "api_key" else getattr(tenant, who)
    viewer = membership(db, tenant, tenant.viewer).id
    for unit in (
        lambda tx: invite_member(tx, email="x@example.com"),
        lambda tx: change_role(tx, id=viewer, role=Role.MEMBER),
        lambda tx: remove_member(tx, id=viewer),
        lambda tx: transfer_ownership(tx, id=viewer),
        lambda tx: delete_organization(tx, id=tenant.organization_id),
    ):
        with pytest.raises(Forbidden):
            db.write(actor, unit)


def test_only_owners_touch_owners(db: Database, tenant: Tenant) -> None:
    owner = membership(db, tenant, tenant.owner).id
    member = membership(db, tenant, tenant.member).id
    invited = invite(db, tenant.owner, role=Role.OWNER)
    for unit in (
        lambda tx: invite_member(tx, email="x@example.com", role=Role.OWNER),
        lambda tx: invite_member(tx, email="new@example.com", role=Role.VIEWER),
        lambda tx: change_role(tx, id=owner, role=Role.MEMBER),
        lambda tx: change_role(tx, id=member, role=Role.OWNER),
        lambda tx: remove_member(tx, id=invited),
        lambda tx: transfer_ownership(tx, id=member),
    ):
        with pytest.raises(Forbidden):
            db.write(tenant.admin, unit)
    db.write(tenant.owner, lambda tx: change_role(tx, id=member, role=Role.OWNER))
    db.write(tenant.owner, lambda tx: change_role(tx, id=owner, role=Role.ADMIN))
    assert membership(db, tenant, tenant.owner).role is Role.ADMIN


def test_a_role_lost_a_moment_ago_counts_no_more(db: Database, tenant: Tenant) -> None:
    admin = membership(db, tenant, tenant.admin).id
    db.write(tenant.owner, lambda tx: change_role(tx, id=admin, role=Role.VIEWER))
    assert tenant.admin.role is Role.ADMIN
    with pytest.raises(Forbidden):
        invite(db, tenant.admin)


def test_members_of_another_organization_are_not_found(db: Database, tenant: Tenant, other_tenant: Tenant) -> None:
    foreign = membership(db, other_tenant, other_tenant.member).id
    for unit in (
        lambda tx: change_role(tx, id=foreign, role=Role.VIEWER),
        lambda tx: remove_member(tx, id=foreign),
        lambda tx: transfer_ownership(tx, id=foreign),
        lambda tx: delete_organization(tx, id=other_tenant.organization_id),
    ):
        with pytest.raises(NotFound):
            db.write(tenant.owner, unit)


def test_the_last_owner_stays(db: Database, tenant: Tenant) -> None:
    owner = membership(db, tenant, tenant.owner).id
    for unit in (
        leave_organization,
        lambda tx: remove_member(tx, id=owner),
        lambda tx: change_role(tx, id=owner, role=Role.ADMIN),
    ):
        with pytest.raises(LastOwner):
            db.write(tenant.owner, unit)


def test_of_two_owners_who_leave_at_once_one_stays(
    db: Database, tenant: Tenant, at_once: Callable[..., list[Any]]
) -> None:
    admin = membership(db, tenant, tenant.admin).id
    db.write(tenant.owner, lambda tx: change_role(tx, id=admin, role=Role.OWNER))
    results = at_once(
        [lambda actor=actor: db.write(actor, leave_organization) for actor in (tenant.owner, tenant.admin)]
    )
    assert len([result for result in results if isinstance(result, LastOwner)]) == 1
    with db.read(tenant.owner) as reads:
        assert reads.count(Membership, role=Role.OWNER, status=MembershipStatus.ACTIVE) == 1


def test_ownership_is_handed_over(db: Database, tenant: Tenant) -> None:
    heir = membership(db, tenant, tenant.member).id
    db.write(tenant.owner, lambda tx: transfer_ownership(tx, id=heir))
    assert membership(db, tenant, tenant.member).role is Role.OWNER
    assert membership(db, tenant, tenant.owner).role is Role.ADMIN


def test_a_removed_member_loses_the_session_at_once(
    db: Database, tenant: Tenant, authenticator: Authenticator, mailed: Mailed
) -> None:
    invited = invite(db, tenant.admin)
    (token,) = mailed("invite")
    grant = accounts.accept_invite(authenticator, CALLER, token=token, password=PASSWORD)
    assert grant is not None
    assert authenticator.resolve(grant.access_token).role is Role.MEMBER
    db.write(tenant.admin, lambda tx: remove_member(tx, id=invited))
    with pytest.raises(Unauthenticated):
        authenticator.resolve(grant.access_token)
    with db.read(tenant.owner) as reads:
        assert reads.get(Membership, invited).status is MembershipStatus.DISABLED
        assert reads.find(User, grant.user_id).status is UserStatus.ACTIVE


def test_a_deleted_organization_lets_nobody_in(
    db: Database, authenticator: Authenticator, register: Callable[..., Grant]
) -> None:
    grant = register()
    actor = authenticator.resolve(grant.access_token)
    db.write(actor, lambda tx: delete_organization(tx, id=grant.organization_id))
    with pytest.raises(Unauthenticated):
        authenticator.resolve(grant.access_token)
    again = accounts.login(authenticator, CALLER, email="ada@example.com", password=PASSWORD)
    assert again.organization_id is None
    assert authenticator.resolve(again.access_token).role is None


def test_organizations_are_told_apart_by_slug_among_live_ones(db: Database, tenant: Tenant) -> None:
    with pytest.raises(NotUnique):
        db.write(system(), lambda tx: tx.insert(Organization, name="Acme", slug="ACME"))
    db.write(tenant.owner, lambda tx: delete_organization(tx, id=tenant.organization_id))
    db.write(system(), lambda tx: tx.insert(Organization, name="Acme", slug="acme"))


def test_an_organization_requires_brands_unless_it_says_otherwise(db: Database, tenant: Tenant) -> None:
    with db.read(tenant.viewer) as reads:
        assert get_settings(reads).require_brand is True
    changes = {"settings": {"schema_version": 1, "require_brand": False}}
    db.write(tenant.admin, lambda tx: tx.update(Organization, tenant.organization_id, changes))
    with db.read(tenant.viewer) as reads:
        assert get_settings(reads).require_brand is False


def test_what_happens_to_members_and_keys_cannot_be_undone(
    db: Database, tenant: Tenant, log: Callable[..., list[tuple[Any, ...]]]
) -> None:
    admin = membership(db, tenant, tenant.admin).id
    db.write(tenant.owner, lambda tx: change_role(tx, id=admin, role=Role.VIEWER))
    db.write(tenant.owner, lambda tx: remove_member(tx, id=admin))
    (resource,) = [found for found in RESOURCES if found.model is Membership]
    for (seq,) in log("seq", "entity = 'memberships' AND action <> 'insert'"):
        with pytest.raises(Conflict):
            db.write(tenant.owner, lambda tx, seq=seq: undo(tx, resource, admin, seq))
    assert membership(db, tenant, tenant.admin).status is MembershipStatus.DISABLED
