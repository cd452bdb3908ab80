"""Connecting, disconnecting and configuring stores, and keeping their secrets."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from growbase.core import clock
from growbase.core.errors import Conflict, ForeignKey, Invalid, TooLate
from growbase.core.facts import hold, upsert_facts
from growbase.core.folding import fold_email
from growbase.core.model import Root
from growbase.core.reads import Reads, Where
from growbase.core.tables import Job, JobStatus
from growbase.core.transaction import Transaction
from growbase.core.trash import restore
from growbase.domains.commerce.documents import FeatureFlags, Thresholds
from growbase.domains.commerce.models import Store, StorePlatform, StoreSecret, StoreSettings, StoreStatus
from growbase.domains.commerce.models_facts import StoreCounter

REFRESH = "refresh_kpi"
"""The kind of job that is pointless for a store nobody is connected to."""
WEBHOOK_SECRET = "webhook_secret"  # noqa: S105 -- a label, not a secret


def create_store(tx: Transaction, *, access_token: str | None = None, **values: Any) -> UUID:  # noqa: ANN401 -- columns
    """Make a store with its settings; one that comes with an access token is active at once. Raises Invalid."""
    _check_zone(values.get("timezone"))
    connected: dict[str, Any] = {}
    if access_token is not None:
        connected = {"access_token": access_token, "status": StoreStatus.ACTIVE, "connected_at": tx.now}
    store_id = tx.insert(Store, **values, **connected)
    tx.insert(StoreSettings, store_id=store_id)
    return store_id


def update_store(tx: Transaction, *, id: UUID, changes: Mapping[str, Any], version: int | None = None) -> int:
    """Change a store; an access token connects one that is not. Raises Invalid."""
    values = dict(changes)
    _check_zone(values.get("timezone"))
    store = tx.get(Store, id, lock=True)
    if "access_token" in values:
        if values["access_token"] is None and store.status is StoreStatus.ACTIVE:
            raise Invalid.at("access_token", "required", "is required while the store is connected: disconnect it")
        if values["access_token"] is not None:
            values |= _connected(tx, store)
    return tx.change(store, values, version=version)


def connect_store(
    tx: Transaction,
    *,
    shop_domain: str,
    access_token: str,
    platform: StorePlatform = StorePlatform.SHOPIFY,
    domain: str | None = None,
    **rest: Any,  # noqa: ANN401 -- columns
) -> UUID:
    """Connect a shop that has just let us in and return its store: the same row as before if it was here already.

    A store in the trash comes back from there. What is None stays as it is.
    """
    hold(tx, f"store/{platform}/{shop_domain}")
    given = {name: value for name, value in rest.items() if value is not None}
    key: dict[str, Any] = {"platform": platform, "shop_domain": shop_domain}
    store = tx.find(Store, lock=True, **key)
    if store is None:
        trashed = tx.rows(Store, trash=True, order="-updated_at", limit=1, purged_at=None, **key)
        if not trashed:
            return create_store(tx, domain=domain or shop_domain, access_token=access_token, **key, **given)
        restore(tx, Store, trashed[0].id)
        store = tx.get(Store, trashed[0].id, lock=True)
    if domain is not None:
        given["domain"] = domain
    _check_zone(given.get("timezone"))
    tx.change(store, {**given, "access_token": access_token, **_connected(tx, store)})
    return store.id


def disconnect_store(tx: Transaction, *, id: UUID) -> UUID:
    """Forget a store's access token and stop what is queued for it; its data stays until somebody deletes it."""
    tx.transition(Store, id, StoreStatus.DISCONNECTED)
    return id


def verify_store(tx: Transaction, *, id: UUID) -> UUID:
    """Note that the shop itself has let us in with the store's token: nobody else's token does."""
    store = tx.get(Store, id, lock=True)
    if store.verified_at is None:
        tx.change(store, {"verified_at": tx.now}, action="verify")
    return id


def guard_store(tx: Transaction, row: Root, to: StoreStatus) -> dict[str, object]:
    """Refuse to activate a store we can't reach; a disconnected or archived one keeps no token and no queued jobs."""
    assert isinstance(row, Store)
    if to == StoreStatus.ACTIVE:
        if row.access_token_cipher is None and row.platform is StorePlatform.SHOPIFY:
            raise Conflict("A store is active once it has an access token: set access_token.")
        return {"connected_at": tx.now, "disconnected_at": None} if row.status is not StoreStatus.SUSPENDED else {}
    if to in {StoreStatus.DISCONNECTED, StoreStatus.ARCHIVED}:
        _cancel_jobs(tx, row.id)
        return {"access_token": None, "verified_at": None, "disconnected_at": row.disconnected_at or tx.now}
    return {}


def update_settings(tx: Transaction, *, id: UUID, changes: Mapping[str, Any], version: int | None = None) -> int:
    """Change a store's settings; the addresses of blocked customers are kept folded, each once."""
    values = dict(changes)
    if values.get("blocked_customers") is not None:
        values["blocked_customers"] = list(dict.fromkeys(fold_email(email) for email in values["blocked_customers"]))
    return tx.update(StoreSettings, id, values, version=version)


# -- secrets ----------------------------------------------------------------------------------------------------------


def create_secret(tx: Transaction, *, secret: str, **values: Any) -> UUID:  # noqa: ANN401 -- columns
    """Keep a secret of an integration, sealed. Raises NotUnique if a live one has the same provider and label."""
    return tx.insert(StoreSecret, secret=secret, key_id=tx.context.keyring.current_id, **values)


def rotate_secret(
    tx: Transaction,
    *,
    id: UUID,
    secret: str,
    rotate_after: datetime | None = None,
    expires_at: datetime | None = None,
) -> UUID:
    """Replace a secret; the one before is gone at once. Raises TooLate if it was revoked."""
    row = tx.get(StoreSecret, id, lock=True)
    if row.revoked_at is not None:
        raise TooLate("The secret was revoked: create a new one.")
    fresh = {"secret": secret, "key_id": tx.context.keyring.current_id, "rotated_at": tx.now}
    tx.change(row, {**fresh, "rotate_after": rotate_after, "expires_at": expires_at}, action="rotate")
    settings = tx.find(StoreSettings, store_id=row.store_id, lock=True)
    if settings is not None:
        tx.change(settings, {"last_rotation_at": tx.now})
    return id


def revoke_secret(tx: Transaction, *, id: UUID) -> UUID:
    """Forget a secret for good; its row stays to tell when."""
    row = tx.get(StoreSecret, id, lock=True)
    if row.revoked_at is None:
        tx.change(row, {"secret": None, "revoked_at": tx.now}, action="revoke")
    return id


def reseal_secrets(tx: Transaction, *, limit: int = 100) -> int:
    """Seal secrets of older keys with the newest one and return how many; zero means that old keys can go."""
    current = tx.context.keyring.current_id
    older = Where("key_id", "<>", current)
    rows = tx.rows(StoreSecret, older, revoked_at=None, order="id", limit=limit, lock=True)
    for row in rows:
        tx.change(row, {"secret": tx.secret(row, "secret"), "key_id": current}, action="reseal")
    return len(rows)


def store_secret(reads: Reads, store_id: UUID, provider: str, label: str | None = None) -> str | None:
    """Return the plaintext of a live secret, the newest where several labels fit; None if there is none."""
    named: dict[str, Any] = {} if label is None else {"label": label}
    for row in reads.rows(StoreSecret, store_id=store_id, provider=provider, revoked_at=None, order="-id", **named):
        is_other = label is None and row.label == WEBHOOK_SECRET
        if not is_other and (row.expires_at is None or row.expires_at > clock.now()):
            return reads.secret(row, "secret")
    return None


# -- what other actions ask of a store --------------------------------------------------------------------------------


def live_store(tx: Transaction, store_id: UUID) -> Store:
    """Return a store, held live until the unit ends. Raises ForeignKey naming ``store_id``."""
    store = tx.find(Store, store_id, share=True)
    if store is None:
        raise ForeignKey.at("store_id", "foreign_key", "must be the id of an existing {what}", what="store")
    return store


def thresholds(reads: Reads, store_id: UUID) -> Thresholds:
    """Return where a store draws its lines."""
    settings = reads.find(StoreSettings, store_id=store_id)
    return Thresholds.model_validate(settings.__dict__["thresholds"] if settings else {})


def feature_flags(reads: Reads, store_id: UUID) -> FeatureFlags:
    """Return what a store has switched on."""
    settings = reads.find(StoreSettings, store_id=store_id)
    return FeatureFlags.model_validate(settings.__dict__["feature_flags"] if settings else {})


def is_blocked(reads: Reads, store_id: UUID, email: str | None) -> bool:
    """Return whether a store does not want to hear from a customer."""
    settings = reads.find(StoreSettings, store_id=store_id)
    blocked = settings.blocked_customers if settings else []
    return email is not None and fold_email(email) in blocked


def next_number(tx: Transaction, store_id: UUID, name: str, *, count: int = 1) -> int:
    """Give out the next ``count`` numbers of a store and return the last; units that ask at once wait in turn."""
    row = {"organization_id": tx.actor.organization_id, "id": clock.new_id(), "store_id": store_id}
    key = ("organization_id", "store_id", "name")
    upsert_facts(tx, StoreCounter, [{**row, "name": name, "last_number": count}], conflict=key, add=("last_number",))
    found = tx.find(StoreCounter, store_id=store_id, name=name)
    assert found is not None
    return found.last_number


def _connected(tx: Transaction, store: Store) -> dict[str, Any]:
    """Return what changes along with a new access token; a suspended store stays suspended."""
    if store.status is StoreStatus.SUSPENDED:
        return {"verified_at": None}
    fresh = {"connected_at": tx.now, "verified_at": None}
    if store.status is StoreStatus.ACTIVE:
        return fresh
    return {**fresh, "status": StoreStatus.ACTIVE, "disconnected_at": None}


def _check_zone(name: str | None) -> None:
    if name is None:
        return
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid.at("timezone", "timezone", "must be a time zone such as Europe/Paris") from error


def _cancel_jobs(tx: Transaction, store_id: UUID) -> None:
    """Cancel what is queued for a store; a job that is being worked on ends by itself."""
    queued = tx.rows(Job, kind=REFRESH, organization_id=tx.actor.organization_id, status=JobStatus.QUEUED)
    ids = [job.id for job in queued if job.payload.get("store_id") == str(store_id)]
    if ids:
        done = {"status": JobStatus.CANCELLED, "finished_at": tx.now}
        tx.set_facts(Job, {"id": ids, "status": JobStatus.QUEUED}, done)
