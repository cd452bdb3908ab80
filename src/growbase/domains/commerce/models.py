"""Tables of stores: the shop, its settings and its secrets."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped

from growbase.core.model import (
    Key,
    Owned,
    Trashable,
    choice,
    currency,
    document,
    index,
    integer,
    moment,
    reference,
    secret,
    state,
    text,
    unique,
)
from growbase.domains.commerce.documents import ConnectionSettings, FeatureFlags, Thresholds

HOST = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"
EMAIL = r"^[^@\s]+@[^@\s]+$"


class StorePlatform(StrEnum):
    """What a store runs on."""

    SHOPIFY = "shopify"
    CUSTOM = "custom"


class StoreStatus(StrEnum):
    """Where a store stands; a disconnected one keeps its data and comes back as the same row."""

    ONBOARDING = "onboarding"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    DISCONNECTED = "disconnected"
    ARCHIVED = "archived"


class Integration(StrEnum):
    """A service a store is connected to."""

    SHOPIFY = "shopify"
    GA4 = "ga4"
    GSC = "gsc"
    BING = "bing"
    MCP = "mcp"
    KLAVIYO = "klaviyo"
    CUSTOM = "custom"


class Store(Trashable, Owned):
    """A shop: orders, tickets and stock belong to one; ids of the platform are always read beside it."""

    __tablename__ = "stores"

    platform: Mapped[StorePlatform] = choice(StorePlatform, default=StorePlatform.SHOPIFY, writable="create")
    domain: Mapped[str] = text(max_length=253, min_length=3, pattern=HOST, help="The address customers know.")
    shop_domain: Mapped[str] = text(
        max_length=253, min_length=3, pattern=HOST, writable="create", help="The platform's own, x.myshopify.com."
    )
    name: Mapped[str | None] = text(max_length=200)
    plan_level: Mapped[str] = text(max_length=50, min_length=1, default="free")
    status: Mapped[StoreStatus] = state(StoreStatus.ONBOARDING)
    timezone: Mapped[str] = text(
        max_length=64, min_length=1, default="UTC", help="IANA name; its days are the store's."
    )
    access_token_cipher: Mapped[bytes | None] = secret()
    encryption_version: Mapped[int] = integer(ge=1, default=1, writable="never")
    scope_hash: Mapped[str | None] = text(max_length=128)
    onboarding: Mapped[dict[str, Any]] = document(default=dict)
    onboarding_completed_at: Mapped[datetime | None] = moment()
    last_synced_at: Mapped[datetime | None] = moment()
    connected_at: Mapped[datetime | None] = moment(writable="never")
    verified_at: Mapped[datetime | None] = moment(writable="never")
    disconnected_at: Mapped[datetime | None] = moment(writable="never")
    currency: Mapped[str] = currency(default="USD")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("platform", "shop_domain"),
        unique("platform", "domain"),
        index("status", "id"),
        index("name", "id"),
        index("shop_domain", across=True),
    )


class StoreSettings(Owned):
    """How a store behaves and is connected; made with the store, one each."""

    __tablename__ = "store_settings"

    store_id: Mapped[UUID] = reference("stores", on_purge="cascade", writable="never")
    thresholds: Mapped[Thresholds] = document(default=dict)
    feature_flags: Mapped[FeatureFlags] = document(default=dict)
    connection_metadata: Mapped[dict[Integration, ConnectionSettings]] = document(default=dict)
    support_email: Mapped[str | None] = text(
        max_length=320, min_length=3, pattern=EMAIL, help="Whom customers' mails come from, and answer."
    )
    notification_emails: Mapped[list[str]] = document(default=list)
    blocked_customers: Mapped[list[str]] = document(default=list)
    last_rotation_at: Mapped[datetime | None] = moment(writable="never")
    last_inventory_sync_at: Mapped[datetime | None] = moment()

    __indexes__: ClassVar[tuple[Key, ...]] = (unique("store_id"),)


class StoreSecret(Owned):
    """A key of one integration: written, replaced and revoked, never read back."""

    __tablename__ = "store_secrets"

    store_id: Mapped[UUID] = reference("stores", on_purge="cascade", writable="create")
    provider: Mapped[str] = text(max_length=40, min_length=1, writable="create")
    label: Mapped[str] = text(max_length=80, min_length=1, writable="create")
    secret_cipher: Mapped[bytes | None] = secret(writable="never")
    encryption_version: Mapped[int] = integer(ge=1, default=1, writable="never")
    key_id: Mapped[str] = text(max_length=32, writable="never")
    rotated_at: Mapped[datetime | None] = moment(writable="never")
    rotate_after: Mapped[datetime | None] = moment()
    expires_at: Mapped[datetime | None] = moment()
    revoked_at: Mapped[datetime | None] = moment(writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("store_id", "provider", "label", where="revoked_at IS NULL"),
        index("key_id", across=True, where="revoked_at IS NULL"),
    )
