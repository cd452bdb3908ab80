"""Who belongs to an organization and in which role. Every action here holds the organization while it runs.

Each has its own word in the change log, none of which can be undone: an undo would know nothing of who may do it.
"""

from uuid import UUID

from growbase.core.actor import ActorKind, Role
from growbase.core.errors import Conflict, Invalid, NotFound, NotUnique
from growbase.core.transaction import Transaction
from growbase.domains.identity.actions_sessions import acting_as, hold_user, revoke_all_sessions
from growbase.domains.identity.models import (
    Membership,
    MembershipStatus,
    Organization,
    TokenPurpose,
    User,
    UserStatus,
)
from growbase.domains.identity.queries import find_login
from growbase.domains.identity.roles import (
    lock_organization,
    require_other_owner,
    require_over,
    require_role,
)
from growbase.domains.identity.tokens import consume_link, mail_link, spend_links
from growbase.domains.identity.usage import Metric, consume, give_back, require_room


def invite_member(tx: Transaction, *, email: str, role: Role = Role.MEMBER, full_name: str | None = None) -> UUID:
    """Invite somebody by mail and return the membership's id; inviting again sends a new link for the new role.

    An address nobody has becomes a user who is invited. Needs an admin, and an owner to invite an owner. Raises
    LimitExceeded where the plan has no place left; who is invited takes one by accepting.
    """
    organization = lock_organization(tx)
    acting = require_role(tx, Role.ADMIN)
    require_over(acting, role)
    user = find_login(tx, email)
    if user is None:
        user_id = tx.insert(User, email=email.strip(), full_name=full_name, status=UserStatus.INVITED)
        user = tx.get(User, user_id)
    membership_id = _invited(tx, user.id, role, acting)
    require_room(tx, Metric.TEAM_MEMBERS)
    data = {"organization": organization.name, "invited_by": tx.actor.label, "role": role.value}
    mail_link(tx, user, TokenPurpose.INVITE, organization_id=organization.id, data=data)
    return membership_id


def accept_invite(
    tx: Transaction, *, token: str, password_hash: str | None = None, full_name: str | None = None
) -> tuple[UUID, UUID]:
    """Make an invited membership active by the token that was mailed; return the ids of user and organization.

    Whoever has no password yet needs ``password_hash``. So does a user whose address was never verified, and other
    sessions end: somebody else may have registered that address to wait for this invitation. Raises Invalid, and
    NotFound if the invitation was withdrawn, LimitExceeded if the last place was taken meanwhile.
    """
    link = consume_link(tx, TokenPurpose.INVITE, token)
    assert link.organization_id is not None
    inside = tx.for_organization(link.organization_id)
    if inside.find(Organization, link.organization_id, lock=True) is None:
        raise NotFound(what="organization")
    user = hold_user(tx, link.user_id)
    membership = inside.find(Membership, user_id=link.user_id, status=MembershipStatus.INVITED, lock=True)
    if user is None or membership is None:
        raise NotFound(what="invitation")
    me = acting_as(inside, user, link.organization_id)
    if user.email_verified_at is None:
        _prove_address(me, user, password_hash, full_name)
    consume(me, Metric.TEAM_MEMBERS, subject_id=membership.id)
    me.change(membership, {"status": MembershipStatus.ACTIVE, "joined_at": tx.now}, action="join")
    return user.id, link.organization_id


def change_role(tx: Transaction, *, id: UUID, role: Role) -> UUID:
    """Give a member another role and return the membership's id.

    Needs an admin, and an owner where an owner is made or unmade. Raises LastOwner.
    """
    lock_organization(tx)
    membership = _get(tx, id)
    require_over(require_role(tx, Role.ADMIN), role, membership.role)
    if role is not Role.OWNER:
        _keep_an_owner(tx, membership)
    tx.change(membership, {"role": role}, action="change_role")
    return membership.id


def remove_member(tx: Transaction, *, id: UUID) -> UUID:
    """End a membership or withdraw an invitation and return its id; the member's sessions here end.

    The row remains, disabled, for what the member owns. Needs an admin, and an owner to remove one. Raises LastOwner.
    """
    lock_organization(tx)
    membership = _get(tx, id)
    require_over(require_role(tx, Role.ADMIN), membership.role)
    _end(tx, membership)
    return membership.id


def leave_organization(tx: Transaction) -> UUID:
    """End the actor's own membership and return its id. Raises LastOwner."""
    lock_organization(tx)
    membership = _own(tx)
    _end(tx, membership)
    return membership.id


def transfer_ownership(tx: Transaction, *, id: UUID) -> UUID:
    """Make another active member the owner in the actor's place, who stays as admin; return that membership's id."""
    lock_organization(tx)
    require_role(tx, Role.OWNER)
    heir = _get(tx, id)
    if heir.status is not MembershipStatus.ACTIVE:
        raise Conflict("Only an active member can become the owner.")
    tx.change(heir, {"role": Role.OWNER}, action="transfer")
    if tx.actor.kind is ActorKind.USER and tx.actor.id != heir.user_id:
        tx.change(_own(tx), {"role": Role.ADMIN}, action="transfer")
    return heir.id


def end_membership(tx: Transaction, *, user_id: UUID) -> None:
    """End a user's membership of the actor's organization, which the caller holds. Raises LastOwner."""
    membership = tx.find(Membership, user_id=user_id, lock=True)
    if membership is not None:
        _end(tx, membership)


def _get(tx: Transaction, membership_id: UUID) -> Membership:
    membership = tx.get(Membership, membership_id, lock=True)
    if membership.status is MembershipStatus.DISABLED:
        raise NotFound(what="membership")
    return membership


def _own(tx: Transaction) -> Membership:
    membership = tx.find(Membership, user_id=tx.actor.id, status=MembershipStatus.ACTIVE, lock=True)
    if tx.actor.id is None or membership is None:
        raise NotFound(what="membership")
    return membership


def _keep_an_owner(tx: Transaction, membership: Membership) -> None:
    if membership.role is Role.OWNER and membership.status is MembershipStatus.ACTIVE:
        require_other_owner(tx, membership.user_id)


def _end(tx: Transaction, membership: Membership) -> None:
    _keep_an_owner(tx, membership)
    if membership.status is MembershipStatus.ACTIVE:
        give_back(tx, Metric.TEAM_MEMBERS, subject_id=membership.id)
    tx.change(membership, {"status": MembershipStatus.DISABLED}, action="leave")
    organization_id = membership.organization_id
    revoke_all_sessions(tx, user_id=membership.user_id, organization_id=organization_id)
    spend_links(tx, user_id=membership.user_id, purpose=TokenPurpose.INVITE, organization_id=organization_id)


def _invited(tx: Transaction, user_id: UUID, role: Role, acting: Role) -> UUID:
    """Return the id of the user's invited membership, made or brought back as needed."""
    membership = tx.find(Membership, user_id=user_id, lock=True)
    if membership is None:
        return tx.insert(
            Membership, user_id=user_id, role=role, status=MembershipStatus.INVITED, invited_by=tx.actor.id
        )
    if membership.status is MembershipStatus.ACTIVE:
        raise NotUnique.at("email", "unique", "is already a member of the organization")
    if membership.status is MembershipStatus.INVITED:
        require_over(acting, membership.role)
    changes = {"role": role, "status": MembershipStatus.INVITED, "invited_by": tx.actor.id}
    tx.change(membership, changes, action="invite")
    return membership.id


def _prove_address(tx: Transaction, user: User, password_hash: str | None, full_name: str | None) -> None:
    if password_hash is None:
        raise Invalid.at("password", "required", "is required")
    changes: dict[str, object] = {
        "password_hash": password_hash,
        "email_verified_at": tx.now,
        "status": UserStatus.ACTIVE if user.status is UserStatus.INVITED else user.status,
        "full_name": full_name or user.full_name,
    }
    tx.change(user, changes, action="password_changed")
    revoke_all_sessions(tx, user_id=user.id)
    spend_links(tx, user_id=user.id, purpose=[TokenPurpose.RESET_PASSWORD, TokenPurpose.VERIFY_EMAIL])
