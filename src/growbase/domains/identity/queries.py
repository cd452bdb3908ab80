"""What logins and profiles ask of users, memberships and sessions."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from growbase.core.errors import NotFound
from growbase.core.folding import fold_email
from growbase.core.reads import Reads, Where
from growbase.core.statements import select_sql
from growbase.core.types import moment_text
from growbase.domains.identity.models import (
    Membership,
    MembershipStatus,
    Organization,
    OrganizationSettings,
    OrganizationStatus,
    Session,
    User,
    UserStatus,
)
from growbase.domains.identity.models_personal import Notification
from growbase.domains.identity.roles import everywhere

PROFILE = (
    "id",
    "email",
    "username",
    "full_name",
    "first_name",
    "last_name",
    "image_url",
    "role",
    "status",
    "email_verified_at",
    "language",
    "timezone",
    "last_login_at",
    "preferences",
    "created_at",
    "updated_at",
    "version",
)
"""What users see of their own account."""


def find_login(reads: Reads, email: str) -> User | None:
    """Return the live user with this address, however it is written."""
    return reads.find(User, email_norm=fold_email(email))


def may_act(user: User) -> bool:
    """Return whether the user's sessions count.

    A lock after wrong passwords stops new logins only: else whoever knows an address could throw its owner out.
    """
    locked_for_a_while = user.status is UserStatus.LOCKED and user.locked_until is not None
    return user.status is UserStatus.ACTIVE or locked_for_a_while


def may_log_in(user: User, now: datetime) -> bool:
    """Return whether a right password opens a session now."""
    return may_act(user) and not is_locked(user, now)


def is_locked(user: User, now: datetime) -> bool:
    """Return whether too many wrong passwords have locked the account until later than now."""
    return user.status is UserStatus.LOCKED and user.locked_until is not None and user.locked_until > now


def list_organizations(reads: Reads) -> list[UUID]:
    """Return the ids of all live organizations, for what the program does in each of them."""
    return [row.id for row in reads.rows(Organization, order="id", anywhere=True)]


def list_memberships(reads: Reads, user_id: UUID) -> list[tuple[Membership, Organization]]:
    """Return a user's active memberships with their live organizations, the oldest first."""
    anywhere = everywhere(reads)
    found = anywhere.rows(
        Membership, user_id=user_id, status=MembershipStatus.ACTIVE, order="joined_at, id", anywhere=True
    )
    ids = [membership.organization_id for membership in found]
    organizations = {row.id: row for row in anywhere.rows(Organization, id=ids, anywhere=True)}
    return [
        (membership, organizations[membership.organization_id])
        for membership in found
        if membership.organization_id in organizations
    ]


def find_home(reads: Reads, user_id: UUID, organization_id: UUID | None = None) -> Membership | None:
    """Return the user's membership of an active organization: of the one asked for, else of the one joined first."""
    for membership, organization in list_memberships(reads, user_id):
        wanted = organization_id in {None, organization.id}
        if wanted and organization.status is OrganizationStatus.ACTIVE:
            return membership
    return None


def list_sessions(reads: Reads, user_id: UUID, now: datetime) -> list[Session]:
    """Return a user's open sessions, one for each login, the latest used first."""
    found = reads.rows(
        Session,
        Where("expires_at", ">", now),
        user_id=user_id,
        revoked_at=None,
        rotated_at=None,
        order="-last_activity_at, -id",
    )
    return list(found)


def get_profile(reads: Reads, user_id: UUID) -> dict[str, object]:
    """Return a user's own account as JSON, with the organizations the user belongs to. Raises NotFound."""
    user = reads.find(User, user_id)
    if user is None:
        raise NotFound(what="user")
    memberships = [
        {
            "organization_id": str(organization.id),
            "name": organization.name,
            "slug": organization.slug,
            "status": organization.status.value,
            "role": membership.role.value,
        }
        for membership, organization in list_memberships(reads, user_id)
    ]
    return {**_shown(user, PROFILE), "memberships": memberships}


def describe_session(session: Session, current: UUID | None) -> dict[str, object]:
    """Return a session as its user sees it; ``current`` is the session that asks."""
    names = ("id", "organization_id", "ip", "user_agent", "created_at", "expires_at", "last_activity_at")
    return {**_shown(session, names), "is_current": session.id == current}


def get_settings(reads: Reads) -> OrganizationSettings:
    """Return the settings of the actor's organization. Raises NotFound."""
    organization_id = reads.actor.organization_id
    found = reads.find(Organization, organization_id) if organization_id else None
    if found is None:
        raise NotFound(what="organization")
    return OrganizationSettings.model_validate(found.settings)


def _shown(row: User | Session, names: Sequence[str]) -> dict[str, object]:
    values = row.__dict__
    return {name: _json(values[name]) for name in names}


def _json(value: object) -> object:
    if isinstance(value, UUID):
        return str(value)
    return moment_text(value) if isinstance(value, datetime) else value


def count_unread(reads: Reads, cap: int) -> int:
    """Return how many of the actor's own notifications are unread, counted no further than ``cap``."""
    if reads.actor.id is None or reads.actor.organization_id is None:
        return 0
    plan = reads.plan(Notification)
    terms, params = reads.scope_terms(plan, anywhere=False)
    unread = select_sql(plan, "1", (*terms, "t.read_at IS NULL"), f" LIMIT {int(cap)}")
    return int(reads.execute(f"SELECT count(*) FROM ({unread}) x", params).fetchone()[0])
