"""Tables of connecting accounts: apps at platforms, round trips that are open, and tokens on their way in and out."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped

from growbase.core.model import Fact, Key, Owned, identifier, index, moment, reference, secret, text, unique
from growbase.domains.social.models_publishing import fact_key


class PlatformApp(Owned):
    """What a server of a platform knows Growbase by: registered when the first account there is connected."""

    __tablename__ = "platform_apps"
    __logged__ = False

    platform: Mapped[str] = text(max_length=63, writable="never")
    instance_url: Mapped[str] = text(max_length=2_000, writable="never")
    redirect_uri: Mapped[str] = text(max_length=2_000, writable="never")
    client_id: Mapped[str] = text(max_length=2_000, writable="never")
    client_secret_cipher: Mapped[bytes] = secret(writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (unique("platform", "instance_url", "redirect_uri"),)


class ConnectionAttempt(Owned):
    """A round trip to a platform that a user has begun; it can be ended once, by the same user, within minutes."""

    __tablename__ = "connection_attempts"
    __logged__ = False

    actor_id: Mapped[UUID] = identifier()
    platform: Mapped[str] = text(max_length=63, writable="never")
    app_id: Mapped[UUID] = reference("platform_apps", on_purge="cascade", writable="never")
    founder_id: Mapped[UUID | None] = reference("founders", on_purge="cascade", writable="never")
    verifier_cipher: Mapped[bytes] = secret(writable="never")
    expires_at: Mapped[datetime] = moment(writable="never")
    used_at: Mapped[datetime | None] = moment(writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (index("expires_at", across=True),)


class TokenRenewal(Fact):
    """The right to renew an account's tokens, which one worker has at a time: the platform takes each token once."""

    __tablename__ = "token_renewals"
    __scope__ = "organization_id"

    organization_id: Mapped[UUID] = fact_key(order=-10)
    id: Mapped[UUID] = fact_key(order=-9)
    social_account_id: Mapped[UUID] = reference("social_accounts", on_purge="cascade")
    lease_until: Mapped[datetime] = moment()

    __indexes__: ClassVar[tuple[Key, ...]] = (unique("social_account_id"),)


class TokenRevocation(Owned):
    """Tokens of an account that was disconnected, until its platform knows."""

    __tablename__ = "token_revocations"
    __logged__ = False

    platform: Mapped[str] = text(max_length=63, writable="never")
    provider_account_id: Mapped[str] = text(max_length=300, writable="never")
    handle: Mapped[str] = text(max_length=300, writable="never")
    instance_url: Mapped[str | None] = text(max_length=2_000, writable="never")
    app_id: Mapped[UUID | None] = reference("platform_apps", on_purge="null", writable="never")
    access_token_cipher: Mapped[bytes] = secret(writable="never")
    refresh_token_cipher: Mapped[bytes | None] = secret(writable="never")
