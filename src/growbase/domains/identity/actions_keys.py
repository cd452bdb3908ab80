"""API keys: made, revoked, their use noted."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from growbase.core.actor import Role
from growbase.core.errors import Invalid
from growbase.core.transaction import Transaction
from growbase.domains.identity.models import ApiKey, ApiScope
from growbase.domains.identity.roles import require_role


def create_api_key(
    tx: Transaction,
    *,
    name: str,
    scopes: Sequence[str],
    prefix: str,
    key_hash: str,
    expires_at: datetime | None = None,
) -> UUID:
    """Store a key that ``ApiKeyText.new`` made and return its id; for admins. Raises Invalid, NotUnique."""
    require_role(tx, Role.ADMIN)
    known = {scope.value for scope in ApiScope}
    if not scopes or not set(scopes) <= known:
        raise Invalid.at("scopes", "choice", "must be one or more of {allowed}", allowed=", ".join(sorted(known)))
    if expires_at is not None and expires_at <= tx.now:
        raise Invalid.at("expires_at", "past", "must be in the future")
    values = {"prefix": prefix, "key_hash": key_hash, "expires_at": expires_at}
    return tx.insert(ApiKey, name=name, scopes=sorted({str(scope) for scope in scopes}), **values)


def revoke_api_key(tx: Transaction, *, id: UUID) -> UUID:
    """Make a key useless at once and for good, and return its id; doing it again changes nothing. For admins."""
    require_role(tx, Role.ADMIN)
    key = tx.get(ApiKey, id, lock=True)
    if key.revoked_at is None:
        tx.change(key, {"revoked_at": tx.now}, action="revoke")
    return key.id


def touch_api_key(tx: Transaction, *, key_id: UUID, organization_id: UUID, at: datetime) -> None:
    """Note when a key was last used."""
    inside = tx.for_organization(organization_id)
    key = inside.find(ApiKey, key_id, lock=True)
    if key is not None and key.revoked_at is None:
        inside.change(key, {"last_used_at": at}, action="key_used")
