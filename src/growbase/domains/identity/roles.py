"""Who may do what inside an organization, decided by what the database says now."""

from uuid import UUID

from growbase.core.actor import ActorKind, Role, system
from growbase.core.errors import Conflict, Forbidden, NotFound
from growbase.core.reads import Reads
from growbase.core.transaction import Transaction
from growbase.domains.identity.models import Membership, MembershipStatus, Organization


class LastOwner(Conflict):
    """An organization must keep an active owner.

    Make somebody else an owner first, or delete the organization.
    """


def everywhere(reads: Reads) -> Reads:
    """Return the same reads for the program itself, which may look beyond one organization."""
    return Reads(reads.context, system("identity"), reads.execute)


def acting_role(reads: Reads) -> Role | None:
    """Return the actor's role: a user's own is read again, since the request may carry one of some seconds ago."""
    actor = reads.actor
    if actor.kind in {ActorKind.SYSTEM, ActorKind.JOB}:
        return Role.OWNER
    if actor.kind is not ActorKind.USER:
        return actor.role
    membership = reads.find(Membership, user_id=actor.id, status=MembershipStatus.ACTIVE)
    return membership.role if membership else None


def require_role(reads: Reads, needed: Role) -> Role:
    """Return the actor's role, or raise Forbidden if it does not cover ``needed``."""
    role = acting_role(reads)
    if role is None or not role.covers(needed):
        raise Forbidden(needed=needed.value)
    return role


def require_over(role: Role, *touched: Role) -> None:
    """Raise Forbidden if an owner's place is touched by anybody but an owner."""
    if Role.OWNER in touched and role is not Role.OWNER:
        raise Forbidden("Only an owner may change who is an owner.", needed=Role.OWNER.value)


def lock_organization(tx: Transaction) -> Organization:
    """Hold the actor's organization until the unit ends, so that its owners change one after the other."""
    organization_id = tx.actor.organization_id
    found = tx.find(Organization, organization_id, lock=True) if organization_id else None
    if found is None:
        raise NotFound(what="organization")
    return found


def require_other_owner(reads: Reads, user_id: UUID) -> None:
    """Raise LastOwner if nobody but this user is an active owner; the caller holds the organization."""
    owners = reads.rows(Membership, role=Role.OWNER, status=MembershipStatus.ACTIVE)
    if all(owner.user_id == user_id for owner in owners):
        raise LastOwner(organization_id=str(reads.actor.organization_id))
