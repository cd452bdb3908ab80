"""A user's accounts at other sites, by which the user can log in: linked, found, unlinked."""

from datetime import datetime
from uuid import UUID

from growbase.core.actor import ActorKind
from growbase.core.errors import Conflict, NotFound, NotUnique
from growbase.core.reads import Reads
from growbase.core.transaction import Transaction
from growbase.domains.identity.actions_sessions import hold_user
from growbase.domains.identity.models import User
from growbase.domains.identity.models_billing import AuthAccount


def link_account(
    tx: Transaction,
    *,
    provider: str,
    provider_account_id: str,
    access_token: str | None = None,
    refresh_token: str | None = None,
    scope: str | None = None,
    expires_at: datetime | None = None,
) -> UUID:
    """Link an account at another site to the acting user and return the link's id; linked again it takes new tokens.

    Raises NotUnique if somebody else has linked that account.
    """
    user = _own(tx)
    tokens = {"access_token": access_token, "refresh_token": refresh_token}
    values: dict[str, object] = {"scope": scope, "expires_at": expires_at}
    found = tx.find(AuthAccount, provider=provider, provider_account_id=provider_account_id, lock=True)
    if found is None:
        named = {"provider": provider, "provider_account_id": provider_account_id}
        return tx.insert(AuthAccount, user_id=user.id, **named, **tokens, **values)
    if found.user_id != user.id:
        raise NotUnique.at("provider_account_id", "unique", "is linked to another user")
    tx.change(found, {**values, **{name: token for name, token in tokens.items() if token is not None}}, action="link")
    return found.id


def unlink_account(tx: Transaction, *, id: UUID) -> None:
    """Remove one of the acting user's links. Raises Conflict where there is no other way to log in."""
    user = _own(tx)
    found = tx.rows(AuthAccount, user_id=user.id, lock=True)
    account = next((found for found in found if found.id == id), None)
    if account is None:
        raise NotFound(what="linked account")
    if user.password_hash is None and len(found) == 1:
        raise Conflict("It is the only way to log in: set a password first.")
    tx.remove(account, action="unlink")


def unlink_all(tx: Transaction, *, user_id: UUID) -> None:
    """Remove every link of a user whose account ends; the accounts can be linked to somebody else."""
    for account in tx.rows(AuthAccount, user_id=user_id, lock=True):
        tx.remove(account, action="unlink")


def find_by_account(reads: Reads, *, provider: str, provider_account_id: str) -> User | None:
    """Return the live user who has linked an account, None if nobody has."""
    account = reads.find(AuthAccount, provider=provider, provider_account_id=provider_account_id)
    return reads.find(User, account.user_id) if account else None


def _own(tx: Transaction) -> User:
    user = hold_user(tx, tx.actor.id) if tx.actor.kind is ActorKind.USER and tx.actor.id else None
    if user is None:
        raise NotFound(what="user")
    return user
