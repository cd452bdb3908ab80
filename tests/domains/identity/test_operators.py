"""Who runs the installation: the owner of the only organization, and users the setting names by a proved address."""

from dataclasses import replace

import pytest

from growbase.core.actor import Actor, ActorKind, system
from growbase.core.clock import now
from growbase.core.database import Database
from growbase.core.errors import Forbidden
from growbase.domains.identity.models import User
from growbase.domains.identity.operators import is_operator, require_operator
from tests.fixtures import Tenant, make_tenant


def asked(db: Database, actor: Actor, *addresses: str) -> bool:
    with db.read(actor) as reads:
        return is_operator(reads, addresses)


def test_the_owner_of_the_only_organization_runs_it_and_nobody_else_there(db: Database, tenant: Tenant) -> None:
    assert asked(db, tenant.owner)
    assert not any(asked(db, actor) for actor in (tenant.admin, tenant.member, tenant.viewer))
    assert not asked(db, replace(tenant.viewer, role=tenant.owner.role)), "the database says what the role is"
    assert not asked(db, replace(tenant.owner, kind=ActorKind.API_KEY))
    assert not asked(db, system("test", tenant.owner.organization_id))


def test_among_several_organizations_only_who_is_named_by_a_proved_address_runs_it(
    db: Database, tenant: Tenant
) -> None:
    make_tenant(db, "Rival")
    assert not asked(db, tenant.owner)
    viewer = tenant.viewer
    assert not asked(db, viewer, viewer.label), "anybody may have registered that address"
    assert viewer.id is not None
    me = viewer.id
    db.write(system(), lambda tx: tx.update(User, me, {"email_verified_at": now()}))
    assert asked(db, viewer, "somebody@else.example", viewer.label.upper())
    assert not asked(db, tenant.owner, viewer.label)
    with db.read(tenant.owner) as reads, pytest.raises(Forbidden):
        require_operator(reads, [viewer.label])
