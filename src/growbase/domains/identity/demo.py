"""The demo organization with its two users and its subscription to the starter plan."""

from uuid import UUID

from growbase.core.actor import Role
from growbase.core.transaction import Transaction
from growbase.domains.identity.actions_billing import change_plan, subscribe
from growbase.domains.identity.actions_organizations import add_member, create_organization
from growbase.domains.identity.actions_sessions import acting_as
from growbase.domains.identity.models import Membership, Organization, User, UserStatus
from growbase.domains.identity.models_billing import Subscription
from growbase.domains.identity.plans import STARTER, install_plans
from growbase.domains.identity.queries import find_login
from growbase.domains.identity.roles import everywhere
from growbase.domains.identity.terms import live_subscription

NAME = "Growbase Demo"
SLUG = "growbase-demo"
ADMIN_EMAIL = "admin@example.com"
DEMO_EMAIL = "demo@example.com"


def seed_identity(
    tx: Transaction, *, admin_email: str = ADMIN_EMAIL, admin_password_hash: str, demo_password_hash: str
) -> UUID:
    """Make the demo organization with its owner and one member, and return its id; done again it changes nothing.

    A user who is there already keeps the password, an organization the plan it has chosen since.
    """
    owner = _user(tx, admin_email, "Demo Admin", admin_password_hash)
    member = _user(tx, DEMO_EMAIL, "Demo User", demo_password_hash)
    install_plans(tx)
    found = everywhere(tx).find(Organization, slug_norm=SLUG, anywhere=True)
    organization_id = found.id if found else create_organization(acting_as(tx, owner), name=NAME, slug=SLUG)
    inside = tx.for_organization(organization_id)
    if found is None or inside.find(Subscription) is None:
        _subscribe(acting_as(inside, owner, organization_id))
    for user, role in ((owner, Role.OWNER), (member, Role.MEMBER)):
        if inside.find(Membership, user_id=user.id) is None:
            add_member(inside, user_id=user.id, role=role)
    return organization_id


def _subscribe(tx: Transaction) -> None:
    """Begin the starter plan, where every new organization has the free one."""
    there = live_subscription(tx)
    if there is None:
        subscribe(tx, plan_code=STARTER)
    else:
        change_plan(tx, id=there.id, plan_code=STARTER)


def _user(tx: Transaction, email: str, full_name: str, password_hash: str) -> User:
    found = find_login(tx, email)
    if found is not None:
        return found
    values = {"password_hash": password_hash, "status": UserStatus.ACTIVE, "email_verified_at": tx.now}
    return tx.get(User, tx.insert(User, email=email, full_name=full_name, **values))
