"""Making and closing organizations."""

import re
import secrets
from uuid import UUID

from growbase.core import clock
from growbase.core.actor import ActorKind, Role
from growbase.core.errors import Forbidden
from growbase.core.folding import fold, search_words
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.identity.models import (
    ApiKey,
    DataRegion,
    Membership,
    MembershipStatus,
    OneTimeToken,
    Organization,
    Session,
)
from growbase.domains.identity.roles import everywhere, lock_organization, require_role

SLUG_LENGTH = 50


def create_organization(
    tx: Transaction,
    *,
    name: str,
    slug: str | None = None,
    data_region: DataRegion = DataRegion.EU,
    **details: object,
) -> UUID:
    """Make an organization owned by the acting user and return its id.

    Without a ``slug`` a free one is made from the name. Raises Forbidden for API keys, NotUnique for a taken slug.
    """
    if tx.actor.kind is not ActorKind.USER or tx.actor.id is None:
        raise Forbidden("Only a user can own an organization.")
    organization_id = clock.new_id()
    inside = tx.for_organization(organization_id)
    values = {"name": name, "slug": slug or _free_slug(tx, name), "data_region": data_region, **details}
    inside.insert(Organization, id=organization_id, **values)
    add_member(inside, user_id=tx.actor.id, role=Role.OWNER)
    for found in tx.context.catalog.founders:
        found(inside)
    return organization_id


def add_member(tx: Transaction, *, user_id: UUID, role: Role) -> UUID:
    """Insert an active membership of the actor's organization and return its id."""
    return tx.insert(
        Membership, user_id=user_id, role=role, status=MembershipStatus.ACTIVE, joined_at=tx.now, invited_by=None
    )


def delete_organization(tx: Transaction, *, id: UUID) -> UUID:
    """Move the actor's organization to the trash and return the deletion id; for owners only.

    Its sessions end, its API keys and open invitations stop working at once.
    """
    organization = lock_organization(tx)
    require_role(tx, Role.OWNER)
    deletion_id = trash(tx, Organization, id)
    here: dict[str, object] = {"organization_id": organization.id}
    tx.set_facts(Session, {**here, "revoked_at": None}, {"revoked_at": tx.now})
    tx.set_facts(OneTimeToken, {**here, "consumed_at": None}, {"consumed_at": tx.now})
    for key in tx.rows(ApiKey, revoked_at=None, lock=True):
        tx.change(key, {"revoked_at": tx.now}, action="revoke")
    return deletion_id


def _free_slug(tx: Transaction, name: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", search_words(name))[:SLUG_LENGTH].strip("-") or "team"
    taken = everywhere(tx).find(Organization, slug_norm=fold(plain), anywhere=True) is not None
    return f"{plain}-{secrets.token_hex(3)}" if taken else plain
