"""The demo organization and its two users."""

from uuid import UUID

from growbase.core.actor import Role
from growbase.core.transaction import Transaction
from growbase.domains.identity.actions_organizations import add_member, create_organization
from growbase.domains.identity.actions_sessions import acting_as
from growbase.domains.identity.models import Membership, Organization, User, UserStatus
from growbase.domains.identity.queries import find_login
from growbase.domains.identity.roles import everywhere

NAME = "Growbase Demo"
SLUG = "growbase-demo"
ADMIN_EMAIL = "admin@example.com"
DEMO_EMAIL = "demo@example.com"


def seed_identity(
    tx: Transaction, *, admin_email: str = ADMIN_EMAIL, admin_password_hash: str, demo_password_hash: str
) -> UUID:
    """Make the demo organization with its owner and one member, and return its id; done again it changes nothing.

    A user who is there already keeps the password.
    """
    owner = _user(tx, admin_email, "Demo Admin", admin_password_hash)
    member = _user(tx, DEMO_EMAIL, "Demo User", demo_password_hash)
    found = everywhere(tx).find(Organization, slug_norm=SLUG, anywhere=True)
    organization_id = found.id if found else create_organization(acting_as(tx, owner), name=NAME, slug=SLUG)
    inside = tx.for_organization(organization_id)
    for user, role in ((owner, Role.OWNER), (member, Role.MEMBER)):
        if inside.find(Membership, user_id=user.id) is None:
            add_member(inside, user_id=user.id, role=role)
    return organization_id


def _user(tx: Transaction, email: str, full_name: str, password_hash: str) -> User:
    found = find_login(tx, email)
    if found is not None:
        return found
    values = {"password_hash": password_hash, "status": UserStatus.ACTIVE, "email_verified_at": tx.now}
    return tx.get(User, tx.insert(User, email=email, full_name=full_name, **values))
