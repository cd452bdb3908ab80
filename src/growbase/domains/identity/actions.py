"""A person's own account: registering, profile, password, address, end. Passwords come hashed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from growbase.core import clock
from growbase.core.actor import ActorKind
from growbase.core.errors import Invalid, NotFound, NotUnique
from growbase.core.reads import Where
from growbase.core.subject_keys import destroy_keys
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.identity.actions_auth_accounts import unlink_all
from growbase.domains.identity.actions_members import end_membership
from growbase.domains.identity.actions_organizations import create_organization
from growbase.domains.identity.actions_sessions import acting_as, hold_user, open_session, revoke_all_sessions
from growbase.domains.identity.models import (
    DataRegion,
    Membership,
    MembershipStatus,
    OneTimeToken,
    TokenPurpose,
    User,
    UserStatus,
)
from growbase.domains.identity.queries import find_home, find_login, list_memberships, may_act
from growbase.domains.identity.roles import everywhere, lock_organization
from growbase.domains.identity.tokens import SessionTokens, consume_link, mail_link, spend_links
from growbase.domains.identity.usage import Metric, give_back

RESET_PAUSE = timedelta(minutes=1)
"""Between two mails with a new password link to one address."""

PROFILE_FIELDS = frozenset(
    {"username", "full_name", "first_name", "last_name", "image_url", "language", "timezone", "preferences"}
)


@dataclass(frozen=True, slots=True)
class Registered:
    """What a registration has made."""

    user_id: UUID
    organization_id: UUID
    session_id: UUID


def register_user(
    tx: Transaction,
    *,
    email: str,
    password_hash: str,
    tokens: SessionTokens,
    session_expires_at: datetime,
    full_name: str | None = None,
    organization_name: str | None = None,
    language: str = "en",
    data_region: DataRegion = DataRegion.EU,
) -> Registered:
    """Make a user with an organization of their own, a session and the mail that verifies the address.

    Raises NotUnique for a taken address, that of somebody invited too: only the mailed link proves whose that is.
    """
    if find_login(tx, email) is not None:
        raise NotUnique.at("email", "unique", "is already taken")
    user_id = clock.new_id()
    values = {"email": email.strip(), "full_name": full_name, "language": language, "status": UserStatus.ACTIVE}
    caller = tx.acting(replace(tx.actor, about=user_id))
    caller.insert(User, id=user_id, password_hash=password_hash, last_login_at=tx.now, **values)
    user = tx.get(User, user_id)
    me = acting_as(tx, user)
    name = organization_name or full_name or email.partition("@")[0]
    organization_id = create_organization(me, name=name.strip()[:200], data_region=data_region)
    me = acting_as(tx, user, organization_id)
    mail_link(me, user, TokenPurpose.VERIFY_EMAIL)
    session_id = open_session(
        me, user_id=user_id, organization_id=organization_id, tokens=tokens, expires_at=session_expires_at
    )
    me.record("login", "users", user_id)
    return Registered(user_id, organization_id, session_id)


def update_profile(tx: Transaction, *, changes: Mapping[str, object], version: int | None = None) -> int:
    """Change the acting user's own profile and return its version.

    ``preferences`` are merged: a key set to None goes away. Raises Stale, Invalid for a field that is not one's own.
    """
    user = _own(tx)
    for name in changes.keys() - PROFILE_FIELDS:
        raise Invalid.at(name, "unknown", "is not a field of the profile")
    new = dict(changes)
    if isinstance(preferences := new.get("preferences"), Mapping):
        merged = {**user.preferences, **preferences}
        new["preferences"] = {key: value for key, value in merged.items() if value is not None}
    return tx.change(user, new, version=version)


def change_password(tx: Transaction, *, verified_hash: str, password_hash: str) -> None:
    """Set the acting user's password and end every other login; ``verified_hash`` is what the old one was checked with.

    Raises Invalid if somebody else has changed it in the meantime.
    """
    user = _own(tx)
    if user.password_hash != verified_hash:
        raise Invalid.at("current_password", "wrong_password", "is not right")
    _set_password(tx, user, password_hash)
    revoke_all_sessions(tx, user_id=user.id, keep=tx.actor.session_id)


def request_password_reset(tx: Transaction, *, email: str) -> None:
    """Mail a link for a new password; for an unknown address, or within a minute of the last, nothing happens."""
    user = find_login(tx, email)
    # Held, so that two requests at once mail one link.
    user = hold_user(tx, user.id) if user else None
    if user is None or not _may_reset(user):
        return
    recent = Where("created_at", ">", tx.now - RESET_PAUSE)
    if tx.rows(OneTimeToken, recent, user_id=user.id, purpose=TokenPurpose.RESET_PASSWORD, consumed_at=None, limit=1):
        return
    home = find_home(tx, user.id)
    inside = acting_as(tx, user, home.organization_id if home else None)
    mail_link(inside, user, TokenPurpose.RESET_PASSWORD)


def reset_password(tx: Transaction, *, token: str, password_hash: str) -> UUID:
    """Set a password by the token that was mailed, end every login and open a locked account; return the user's id.

    The token works once, also for two requests at the same moment. Raises Invalid.
    """
    link = consume_link(tx, TokenPurpose.RESET_PASSWORD, token)
    user = hold_user(tx, link.user_id)
    if user is None or not _may_reset(user):
        raise Invalid.at("token", "invalid_token", "is not valid any more: ask for a new link")
    home = find_home(tx, user.id)
    me = acting_as(tx, user, home.organization_id if home else None)
    _set_password(me, user, password_hash, by_mail=True)
    revoke_all_sessions(me, user_id=user.id)
    return user.id


def verify_email(tx: Transaction, *, token: str) -> UUID:
    """Note that the user reads the address the token was mailed to; return the user's id. Raises Invalid."""
    link = consume_link(tx, TokenPurpose.VERIFY_EMAIL, token)
    user = hold_user(tx, link.user_id)
    if user is None:
        raise NotFound(what="user")
    if user.email_verified_at is None:
        acting_as(tx, user).change(user, {"email_verified_at": tx.now})
    return user.id


def send_verification(tx: Transaction) -> None:
    """Mail the acting user a new link that verifies the address; nothing happens if it is verified."""
    user = _own(tx)
    if user.email_verified_at is None:
        mail_link(tx, user, TokenPurpose.VERIFY_EMAIL)


def delete_account(tx: Transaction) -> None:
    """End the acting user's account: memberships and logins end, the row stays without anything personal.

    Raises LastOwner while the user is the only owner of a live organization.
    """
    user_id = tx.actor.id if tx.actor.kind is ActorKind.USER else None
    memberships = list_memberships(tx, user_id) if user_id else []
    # Organizations are held before the user, as everywhere, and in one order: two such units never wait for each other.
    for membership, organization in sorted(memberships, key=lambda pair: pair[1].id):
        inside = tx.for_organization(organization.id)
        lock_organization(inside)
        end_membership(inside, user_id=membership.user_id)
    user = _own(tx)
    _end_leftovers(tx, user.id)
    unlink_all(tx, user_id=user.id)
    revoke_all_sessions(tx, user_id=user.id)
    spend_links(tx, user_id=user.id)
    tx.change(user, _anonymous(user.id), action="anonymise")
    trash(tx, User, user.id)
    destroy_keys(tx, [user.id])


def _end_leftovers(tx: Transaction, user_id: UUID) -> None:
    """Disable invitations and memberships of trashed organizations, which need no owner."""
    found = everywhere(tx).rows(Membership, user_id=user_id, anywhere=True)
    for membership in found:
        if membership.status is not MembershipStatus.DISABLED:
            inside = tx.for_organization(membership.organization_id)
            held = inside.get(Membership, membership.id, lock=True)
            if held.status is MembershipStatus.ACTIVE:
                give_back(inside, Metric.TEAM_MEMBERS, subject_id=held.id)
            inside.change(held, {"status": MembershipStatus.DISABLED}, action="leave")


def _anonymous(user_id: UUID) -> dict[str, object]:
    empty = ("username", "full_name", "first_name", "last_name", "image_url", "password_hash", "email_verified_at")
    gone: dict[str, object] = dict.fromkeys(empty)
    return {**gone, "email": f"deleted+{user_id}", "preferences": {}, "status": UserStatus.DISABLED}


def _own(tx: Transaction) -> User:
    user = hold_user(tx, tx.actor.id) if tx.actor.kind is ActorKind.USER and tx.actor.id else None
    if user is None:
        raise NotFound(what="user")
    return user


def _may_reset(user: User) -> bool:
    return may_act(user) or user.status is UserStatus.INVITED


def _set_password(tx: Transaction, user: User, password_hash: str, *, by_mail: bool = False) -> None:
    changes: dict[str, object] = {
        "password_hash": password_hash,
        "failed_login_count": 0,
        "locked_until": None,
        "status": UserStatus.ACTIVE,
    }
    if by_mail and user.email_verified_at is None:
        changes["email_verified_at"] = tx.now
    tx.change(user, changes, action="password_changed")
    spend_links(tx, user_id=user.id, purpose=TokenPurpose.RESET_PASSWORD)
