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
from growbase.domains.identity.models_billing import UsageEvent
from growbase.domains.identity.roles import everywhere, lock_organization, require_role
from growbase.domains.identity.usage import Metric, consume, give_back

SLUG_LENGTH = 50


def create_organization(
    tx: Transaction,
    *,
    name: str,
    slug: str | None = None,
    data_region: DataRegion | None = None,
    **details: object,
) -> UUID:
    """Make an organization owned by the acting user and return its id.

    Without a ``slug`` a free one is made from the name, without ``data_region`` it is in the actor's region. It
    counts for the organization the user acts in, whose plan says how many there may be. Raises Forbidden for API keys,
    NotUnique for a taken slug, LimitExceeded.
    """
    if tx.actor.kind is not ActorKind.USER or tx.actor.id is None:
        raise Forbidden("Only a user can own an organization.")
    organization_id = clock.new_id()
    consume(tx, Metric.ORGANIZATIONS, subject_id=organization_id)
    inside = tx.for_organization(organization_id)
    region = data_region or DataRegion(tx.actor.region or DataRegion.EU)
    values = {"name": name, "slug": slug or _free_slug(tx, name), "data_region": region, **details}
    inside.insert(Organization, id=organization_id, **values)
    add_member(inside, user_id=tx.actor.id, role=Role.OWNER)
    for found in tx.context.catalog.founders:
        found(inside)
    return organization_id


def add_member(tx: Transaction, *, user_id: UUID, role: Role) -> UUID:
    """Insert an active membership of the actor's organization and return its id. Raises LimitExceeded."""
    membership_id = clock.new_id()
    consume(tx, Metric.TEAM_MEMBERS, subject_id=membership_id)
    joined: dict[str, object] = {"status": MembershipStatus.ACTIVE, "joined_at": tx.now}
    return tx.insert(Membership, id=membership_id, user_id=user_id, role=role, **joined)


def delete_organization(tx: Transaction, *, id: UUID) -> UUID:
    """Move the actor's organization to the trash and return the deletion id; for owners only.

    Its sessions end, its API keys and open invitations stop working at once. The organization it was made in may make
    another in its place.
    """
    organization = lock_organization(tx)
    require_role(tx, Role.OWNER)
    deletion_id = trash(tx, Organization, id)
    here: dict[str, object] = {"organization_id": organization.id}
    tx.set_facts(Session, {**here, "revoked_at": None}, {"revoked_at": tx.now})
    tx.set_facts(OneTimeToken, {**here, "consumed_at": None}, {"consumed_at": tx.now})
    for key in tx.rows(ApiKey, revoked_at=None, lock=True):
        tx.change(key, {"revoked_at": tx.now}, action="revoke")
    _give_back_place(tx, organization.id)
    return deletion_id


def _give_back_place(tx: Transaction, organization_id: UUID) -> None:
    """Count an organization down where it was counted."""
    lines = everywhere(tx).rows(UsageEvent, subject_id=organization_id, order="occurred_at", anywhere=True)
    if lines and sum(line.quantity for line in lines) > 0:
        maker = tx.for_organization(lines[0].organization_id)
        give_back(maker, Metric.ORGANIZATIONS, subject_id=organization_id)


def _free_slug(tx: Transaction, name: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", search_words(name))[:SLUG_LENGTH].strip("-") or "team"
    taken = everywhere(tx).find(Organization, slug_norm=fold(plain), anywhere=True) is not None
    return f"{plain}-{secrets.token_hex(3)}" if taken else plain
