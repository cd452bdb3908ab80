"""Logins and the sessions they open: recorded, counted, rotated, revoked.

A refused login or refresh is an answer, not an error, in here: an error would undo what the unit has to keep, the count
of failures or the revocation of a stolen session. The caller refuses once the unit has committed.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from growbase.core import clock
from growbase.core.actor import ActorKind
from growbase.core.errors import NotFound
from growbase.core.transaction import Transaction
from growbase.domains.identity.models import Session, User, UserStatus
from growbase.domains.identity.queries import find_home, is_locked, may_act, may_log_in
from growbase.domains.identity.tokens import SessionTokens

CHUNK = 500
"""Rows deleted in one unit."""


def acting_as(tx: Transaction, user: User, organization_id: UUID | None = None) -> Transaction:
    """Return this unit of work for a user who has just proved to be one; the log names that user."""
    label = user.full_name or user.email
    actor = replace(tx.actor, kind=ActorKind.USER, id=user.id, label=label, organization_id=organization_id, role=None)
    return tx.acting(actor)


def hold_user(tx: Transaction, user_id: UUID) -> User | None:
    """Return the live user and hold the row: one unit at a time opens, continues or revokes a user's sessions.

    Else a refresh at the moment of a revocation would add a session that the revocation does not see.
    """
    return tx.find(User, user_id, lock=True)


def record_login(tx: Transaction, *, user_id: UUID, verified_hash: str, new_hash: str | None = None) -> bool:
    """Note a login by password and forget earlier failures.

    ``verified_hash`` is the hash the password was checked against outside of this unit. False if it was changed, or the
    account was locked or disabled, in the meantime. ``new_hash`` replaces one made with old parameters.
    """
    user = hold_user(tx, user_id)
    if user is None or user.password_hash != verified_hash or not may_log_in(user, tx.now):
        return False
    changes: dict[str, object] = {
        "failed_login_count": 0,
        "locked_until": None,
        "status": UserStatus.ACTIVE,
        "last_login_at": tx.now,
    }
    if new_hash is not None:
        changes["password_hash"] = new_hash
    tx.change(user, changes, action="login")
    return True


def record_failed_login(
    tx: Transaction, *, user_id: UUID | None, max_failures: int, lock_for: timedelta
) -> datetime | None:
    """Note a login that was refused, ``user_id`` being None where nobody has the address.

    The ``max_failures``-th wrong password in a row locks the account. Returns until when it is locked. The address that
    was tried is not kept: people type passwords into that field.
    """
    user = hold_user(tx, user_id) if user_id else None
    if user is None:
        tx.record("login_failed", "users", None)
        return None
    tx = tx.acting(replace(tx.actor, about=user.id))
    home = find_home(tx, user.id)
    organization_id = home.organization_id if home else None
    tx.record("login_failed", "users", user.id, organization_id=organization_id)
    if is_locked(user, tx.now):
        return user.locked_until
    if not may_act(user):
        return None
    if user.failed_login_count + 1 < max_failures:
        tx.increment(User, user.id, "failed_login_count")
        return None
    until = tx.now + lock_for
    changes = {"failed_login_count": 0, "locked_until": until, "status": UserStatus.LOCKED}
    tx.acting(replace(tx.actor, organization_id=organization_id)).change(user, changes, action="lock")
    return until


def open_session(
    tx: Transaction,
    *,
    user_id: UUID,
    organization_id: UUID | None,
    tokens: SessionTokens,
    expires_at: datetime,
    after: Session | None = None,
) -> UUID:
    """Insert a session and return its id; ``after`` is the one it continues."""
    session_id = clock.new_id()
    agent = tx.actor.user_agent
    row = {
        "id": session_id,
        "user_id": user_id,
        "organization_id": organization_id,
        **tokens.hashes,
        "family_id": after.family_id if after else session_id,
        "rotated_from": after.id if after else None,
        "ip": tx.actor.ip,
        "user_agent": agent[:400] if agent else None,
        "created_at": tx.now,
        "expires_at": expires_at,
        "last_activity_at": tx.now,
    }
    tx.insert_facts(Session, [row])
    return session_id


def rotate_session(tx: Transaction, *, refresh_hash: str, tokens: SessionTokens, expires_at: datetime) -> UUID | None:
    """Replace a session by its successor and return that one's id, or None if the refresh token is no good.

    A token that comes a second time has been stolen, before or after: every session of its login is revoked.
    """
    session = tx.find(Session, refresh_hash=refresh_hash)
    if session is None or session.revoked_at is not None or session.expires_at <= tx.now:
        return None
    user = hold_user(tx, session.user_id)
    if user is None or not may_act(user):
        return None
    home = find_home(tx, user.id, session.organization_id) or find_home(tx, user.id)
    organization_id = home.organization_id if home else None
    me = acting_as(tx, user, organization_id)
    if not _retire(me, session):
        tx.set_facts(Session, {"family_id": session.family_id, "revoked_at": None}, {"revoked_at": tx.now})
        me.record("refresh_reused", "sessions", session.id)
        return None
    return open_session(
        me, user_id=user.id, organization_id=organization_id, tokens=tokens, expires_at=expires_at, after=session
    )


def switch_session(tx: Transaction, *, organization_id: UUID, tokens: SessionTokens, expires_at: datetime) -> UUID:
    """Continue the actor's session in another organization and return the new session's id.

    Raises NotFound if the user does not belong to it.
    """
    session = tx.find(Session, tx.actor.session_id, user_id=tx.actor.id) if tx.actor.session_id else None
    user = hold_user(tx, session.user_id) if session else None
    if session is None or user is None:
        raise NotFound(what="session")
    if find_home(tx, user.id, organization_id) is None:
        raise NotFound(what="organization")
    # The session may already have been continued by a refresh; then this becomes a second branch of the same login.
    _retire(tx, session)
    me = acting_as(tx, user, organization_id)
    me.record("switch", "sessions", session.id)
    return open_session(
        me, user_id=user.id, organization_id=organization_id, tokens=tokens, expires_at=expires_at, after=session
    )


def revoke_session(tx: Transaction, *, id: UUID) -> None:
    """End one login of the actor, with all sessions that followed from it. Raises NotFound."""
    session = tx.find(Session, id, user_id=tx.actor.id)
    if session is None:
        raise NotFound(what="session")
    hold_user(tx, session.user_id)
    tx.set_facts(Session, {"family_id": session.family_id, "revoked_at": None}, {"revoked_at": tx.now})
    tx.record("logout", "sessions", session.id)


def revoke_all_sessions(
    tx: Transaction, *, user_id: UUID, keep: UUID | None = None, organization_id: UUID | None = None
) -> int:
    """End every login of a user and return how many.

    ``keep`` is a session whose login goes on; ``organization_id`` limits it to sessions in that organization.
    """
    hold_user(tx, user_id)
    kept = tx.find(Session, keep) if keep else None
    # Whatever follows from a login ends in a row that was not continued yet, so these name all logins.
    families = {
        session.family_id
        for session in tx.rows(Session, user_id=user_id, revoked_at=None, rotated_at=None)
        if organization_id in {None, session.organization_id}
    }
    families -= {kept.family_id} if kept else set()
    if families:
        tx.set_facts(Session, {"family_id": families, "revoked_at": None}, {"revoked_at": tx.now})
    return len(families)


def touch_sessions(tx: Transaction, *, seen: dict[UUID, datetime]) -> None:
    """Write when sessions were last used."""
    for session_id, moment in seen.items():
        tx.set_facts(Session, {"id": session_id}, {"last_activity_at": moment})


def _retire(tx: Transaction, session: Session) -> bool:
    """Mark a session as continued by another; False if it was already, also at this very moment."""
    current = {"id": session.id, "rotated_at": None, "revoked_at": None}
    return tx.set_facts(Session, current, {"rotated_at": tx.now}) == 1
