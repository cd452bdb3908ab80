"""Logging in and out from outside: passwords are checked and hashed here, at the price of 50 ms, then one unit writes.

These functions block; a server calls them in a thread.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any
from uuid import UUID

from growbase.core import clock
from growbase.core.actor import Actor, ActorKind, Role, system
from growbase.core.crypto import hash_token, password_hash, password_matches, password_needs_rehash
from growbase.core.errors import Invalid, NotFound, RateLimited, Unauthenticated, WrongRegion
from growbase.core.folding import fold_email
from growbase.core.reads import Reads
from growbase.core.transaction import Transaction
from growbase.domains.identity import actions, actions_members, actions_sessions
from growbase.domains.identity.authenticate import Authenticator
from growbase.domains.identity.models import DataRegion, Membership, Session, User
from growbase.domains.identity.queries import find_home, find_login, is_locked, may_act, may_log_in
from growbase.domains.identity.regions import require_here
from growbase.domains.identity.tokens import SessionTokens

REFUSED = "The e-mail address or the password is not right."


@dataclass(frozen=True, slots=True, repr=False)
class Grant:
    """What a login answers: who it is, and the tokens, which are shown this once."""

    user_id: UUID
    organization_id: UUID | None
    role: Role | None
    session_id: UUID
    access_token: str
    refresh_token: str
    session_token: str
    expires_in: int
    session_expires_at: datetime


def anonymous(*, ip: str | None = None, user_agent: str | None = None, request_id: str | None = None) -> Actor:
    """Return the actor of a caller who has yet to prove who it is."""
    agent = user_agent[:400] if user_agent else None
    return Actor(ActorKind.SYSTEM, "anonymous", ip=ip, user_agent=agent, request_id=request_id)


def register(
    authenticator: Authenticator,
    caller: Actor,
    *,
    email: str,
    password: str,
    data_region: DataRegion | None = None,
    **profile: Any,  # noqa: ANN401 -- the fields of register_user
) -> Grant:
    """Make a user with an organization and log in. Raises NotUnique, RateLimited, WrongRegion."""
    _limit(authenticator, caller, email)
    region = _home_region(authenticator, data_region)
    if data_region is None:
        _require_address_here(authenticator, caller, email)
    hashed, tokens, expires_at = password_hash(password), SessionTokens.new(), _session_end(authenticator)

    def unit(tx: Transaction) -> actions.Registered:
        return actions.register_user(
            tx,
            email=email,
            password_hash=hashed,
            tokens=tokens,
            session_expires_at=expires_at,
            data_region=region,
            **profile,
        )

    made = authenticator.database.write(caller, unit)
    return _grant(authenticator, made.session_id, tokens)


def login(
    authenticator: Authenticator, caller: Actor, *, email: str, password: str, organization_id: UUID | None = None
) -> Grant:
    """Check a password and open a session in the organization asked for, else in the one joined first.

    Raises Unauthenticated with one message for every cause, after the same time; RateLimited with ``retry_after`` for
    too many tries, known address or not; NotFound if the password is right but the user is not in that organization.
    """
    user, hashed = _checked(authenticator, caller, email, password)
    new_hash = password_hash(password) if password_needs_rehash(hashed) else None
    tokens, expires_at = SessionTokens.new(), _session_end(authenticator)

    def unit(tx: Transaction) -> UUID | None:
        home = find_home(tx, user.id, organization_id)
        if home is None and organization_id is not None:
            _require_organization_here(authenticator, tx, organization_id)
            raise NotFound(what="organization")
        here = home.organization_id if home else None
        me = actions_sessions.acting_as(tx, user, here)
        if not actions_sessions.record_login(me, user_id=user.id, verified_hash=hashed, new_hash=new_hash):
            return None
        return actions_sessions.open_session(
            me, user_id=user.id, organization_id=here, tokens=tokens, expires_at=expires_at
        )

    session_id = authenticator.database.write(caller, unit)
    if session_id is None:
        raise Unauthenticated(REFUSED)
    return _grant(authenticator, session_id, tokens)


def refresh(authenticator: Authenticator, caller: Actor, *, refresh_token: str) -> Grant:
    """Trade a refresh token for a new pair. Raises Unauthenticated; a token used before ends the whole login."""
    tokens, expires_at = SessionTokens.new(), _session_end(authenticator)

    def unit(tx: Transaction) -> UUID | None:
        hashed = hash_token(refresh_token)
        return actions_sessions.rotate_session(tx, refresh_hash=hashed, tokens=tokens, expires_at=expires_at)

    session_id = authenticator.database.write(caller, unit)
    if session_id is None:
        raise Unauthenticated("The refresh token is not valid any more: log in again.")
    return _grant(authenticator, session_id, tokens)


def switch(authenticator: Authenticator, actor: Actor, *, organization_id: UUID) -> Grant:
    """Continue the actor's login in another of the user's organizations. Raises NotFound."""
    tokens, expires_at = SessionTokens.new(), _session_end(authenticator)

    def unit(tx: Transaction) -> UUID:
        try:
            return actions_sessions.switch_session(
                tx, organization_id=organization_id, tokens=tokens, expires_at=expires_at
            )
        except NotFound:
            _require_organization_here(authenticator, tx, organization_id)
            raise

    return _grant(authenticator, authenticator.database.write(actor, unit), tokens)


def logout(authenticator: Authenticator, actor: Actor) -> None:
    """End the login of the actor's session; nothing happens for API keys."""
    session_id = actor.session_id
    if session_id is not None:
        authenticator.database.write(actor, lambda tx: actions_sessions.revoke_session(tx, id=session_id))


def change_password(authenticator: Authenticator, actor: Actor, *, current: str, password: str) -> None:
    """Set a new password, the current one being right; other logins end. Raises Invalid, RateLimited."""
    old, new = _verified(authenticator, actor, "current_password", current), password_hash(password)
    authenticator.database.write(actor, lambda tx: actions.change_password(tx, verified_hash=old, password_hash=new))


def delete_account(authenticator: Authenticator, actor: Actor, *, password: str) -> None:
    """End the actor's account after checking the password. Raises Invalid, LastOwner, RateLimited."""
    _verified(authenticator, actor, "password", password)
    authenticator.database.write(actor, actions.delete_account)


def forgot_password(authenticator: Authenticator, caller: Actor, *, email: str) -> None:
    """Mail a link for a new password, if the address exists here; the caller can't tell.

    Raises RateLimited, WrongRegion.
    """
    _limit(authenticator, caller, email)
    _require_address_here(authenticator, caller, email)
    authenticator.database.write(caller, lambda tx: actions.request_password_reset(tx, email=email))


def reset_password(authenticator: Authenticator, caller: Actor, *, token: str, password: str) -> None:
    """Set a new password by a mailed token. Raises Invalid, RateLimited."""
    _limit(authenticator, caller, "")
    hashed = password_hash(password)
    authenticator.database.write(caller, lambda tx: actions.reset_password(tx, token=token, password_hash=hashed))


def accept_invite(
    authenticator: Authenticator,
    caller: Actor,
    *,
    token: str,
    password: str | None = None,
    full_name: str | None = None,
) -> Grant | None:
    """Accept an invitation by its mailed token, and log in if a password was set by it; otherwise one logs in as usual.

    A forwarded invitation must not open the account it was meant for. Raises Invalid, NotFound, RateLimited.
    """
    _limit(authenticator, caller, "")
    hashed = password_hash(password) if password else None
    tokens, expires_at = SessionTokens.new(), _session_end(authenticator)

    def unit(tx: Transaction) -> UUID | None:
        user_id, organization_id = actions_members.accept_invite(
            tx, token=token, password_hash=hashed, full_name=full_name
        )
        user = tx.find(User, user_id)
        if user is None or hashed is None or user.password_hash != hashed or not may_log_in(user, tx.now):
            return None
        me = actions_sessions.acting_as(tx, user, organization_id)
        actions_sessions.record_login(me, user_id=user_id, verified_hash=hashed)
        return actions_sessions.open_session(
            me, user_id=user_id, organization_id=organization_id, tokens=tokens, expires_at=expires_at
        )

    session_id = authenticator.database.write(caller, unit)
    return _grant(authenticator, session_id, tokens) if session_id else None


def record_refusal(
    authenticator: Authenticator, actor: Actor, *, action: str, entity: str, entity_id: UUID | None = None
) -> None:
    """Leave a row in the log for something the actor was not allowed to do: the refused unit has left none."""
    changes = {"refused": action}
    authenticator.database.write(actor, lambda tx: tx.record("permission_denied", entity, entity_id, changes))


def _checked(authenticator: Authenticator, caller: Actor, email: str, password: str) -> tuple[User, str]:
    """Return the user who has this address and password, and the hash it was checked with; refuse everybody else.

    An address nobody can log in with is counted and locked like any other, or a lock would tell which ones exist.
    """
    _limit(authenticator, caller, email)
    with authenticator.database.read(caller) as reads:
        user = find_login(reads, email)
    if user is None:
        _require_address_here(authenticator, caller, email)
    now = clock.now()
    if user is None or not may_act(user):
        wait = timedelta(seconds=authenticator.unknown.hit(fold_email(email)))
    else:
        wait = user.locked_until - now if user.locked_until is not None and is_locked(user, now) else timedelta()
    if wait:
        _note_failure(authenticator, caller, user)
        raise RateLimited(retry_after=_seconds(wait))
    hashed = user.password_hash if user else None
    matches = password_matches(password, hashed)
    if user is None or hashed is None or not matches or not may_log_in(user, now):
        _note_failure(authenticator, caller, user)
        raise Unauthenticated(REFUSED)
    return user, hashed


def _note_failure(authenticator: Authenticator, caller: Actor, user: User | None) -> None:
    settings = authenticator.settings
    lock_for = timedelta(minutes=settings.login_lock_minutes)

    def unit(tx: Transaction) -> None:
        actions_sessions.record_failed_login(
            tx, user_id=user.id if user else None, max_failures=settings.login_max_failures, lock_for=lock_for
        )

    authenticator.database.write(caller, unit)


def _verified(authenticator: Authenticator, actor: Actor, field: str, password: str) -> str:
    """Return the hash that the actor's current password was checked with.

    A wrong one counts as a failed login and is Invalid, not Unauthenticated: the session is as good as before.
    """
    _limit(authenticator, actor, str(actor.id))
    with authenticator.database.read(actor) as reads:
        user = reads.find(User, actor.id) if actor.kind is ActorKind.USER and actor.id else None
    now = clock.now()
    if user is not None and user.locked_until is not None and is_locked(user, now):
        raise RateLimited(retry_after=_seconds(user.locked_until - now))
    hashed = user.password_hash if user else None
    if not password_matches(password, hashed) or hashed is None:
        _note_failure(authenticator, actor, user)
        raise Invalid.at(field, "wrong_password", "is not right")
    return hashed


def _limit(authenticator: Authenticator, caller: Actor, what: str) -> None:
    """Raise RateLimited for too many tries from one address, for one account and in all."""
    waits = (
        authenticator.attempts.hit((caller.ip, fold_email(what))),
        authenticator.attempts_of_address.hit(caller.ip),
    )
    if any(waits):
        raise RateLimited(retry_after=_seconds(timedelta(seconds=max(waits))))


def _seconds(wait: timedelta) -> int:
    return max(1, ceil(wait.total_seconds()))


def _session_end(authenticator: Authenticator) -> datetime:
    return clock.now() + timedelta(days=authenticator.settings.refresh_token_days)


def _home_region(authenticator: Authenticator, wanted: DataRegion | None) -> DataRegion:
    """Return the region of a new organization: this server's, unless it serves them all. Raises WrongRegion."""
    settings = authenticator.settings
    if not settings.region:
        return wanted or DataRegion.EU
    if wanted is not None and wanted.value != settings.region:
        raise WrongRegion(region=wanted.value, base_url=settings.region_urls.get(wanted.value))
    return DataRegion(settings.region)


def _require_address_here(authenticator: Authenticator, caller: Actor, email: str) -> None:
    """Raise WrongRegion for an address that is known in another region only."""
    if authenticator.regions is not None:
        with authenticator.database.read(caller) as reads:
            require_here(reads, authenticator.regions, lambda regions: regions.address_hash(email))


def _require_organization_here(authenticator: Authenticator, reads: Reads, organization_id: UUID) -> None:
    """Raise WrongRegion for an organization of another region."""
    require_here(reads, authenticator.regions, lambda regions: regions.organization_hash(organization_id))


def _grant(authenticator: Authenticator, session_id: UUID, tokens: SessionTokens) -> Grant:
    with authenticator.database.read(system("authentication")) as reads:
        session = reads.find(Session, session_id)
        assert session is not None
        here = session.organization_id
        membership = (
            reads.find(Membership, user_id=session.user_id, organization_id=here, anywhere=True) if here else None
        )
    role = membership.role if membership else None
    return Grant(
        user_id=session.user_id,
        organization_id=here,
        role=role,
        session_id=session.id,
        access_token=authenticator.issue_access_token(session.user_id, session.id, here, role),
        refresh_token=tokens.refresh,
        session_token=tokens.session,
        expires_in=int(authenticator.access_lifetime.total_seconds()),
        session_expires_at=session.expires_at,
    )
