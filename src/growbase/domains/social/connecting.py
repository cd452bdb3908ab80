"""How an account is connected: what a publisher offers beside publishing, and how a round trip to a platform goes.

A publisher has any of the protocols here, told by its methods; one of none of them gets its tokens by
``POST /api/social-accounts``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Final, Protocol, runtime_checkable
from urllib.parse import urlsplit

from pydantic import BaseModel

from growbase.core.errors import Conflict, Invalid, Unavailable
from growbase.domains.social.publisher import Account, Profile


class ConnectionRefused(Conflict):
    """The platform did not connect the account: {reason}.

    Start again, and allow what is asked for.
    """

    code = "connection_refused"


class BadState(Invalid):
    """The connection was not begun here, was ended before or has taken too long.

    Start it again, and come back within ten minutes.
    """

    code = "bad_state"


class PlatformUnavailable(Unavailable):
    """The platform does not answer: {reason}.

    Check the address, or try again later; nothing was connected.
    """

    code = "platform_unavailable"


@dataclass(frozen=True, slots=True)
class App:
    """What a platform knows this server by."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a platform lets in; None where it said nothing."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    scope: str | None = None
    token_type: str | None = None


@dataclass(frozen=True, slots=True)
class Connected:
    """An account that was connected; ``account_id`` is its id among all of the platform, its servers included."""

    account_id: str
    profile: Profile
    tokens: Tokens
    instance_url: str | None = None
    platform: str | None = None
    """Where it is not the publisher's own."""
    secret: str | None = field(default=None, repr=False)
    """What the other side must know, shown once."""


@runtime_checkable
class ByConsent(Protocol):
    """A platform that asks the account's owner (OAuth 2, RFC 6749, with PKCE, RFC 7636)."""

    has_servers: ClassVar[bool]
    """Whether the account's server must be named; without, each ``instance_url`` is empty."""

    def register(self, instance_url: str, redirect_uri: str) -> App:
        """Make this server known to a server of the platform. Raises PublishRejected, PublishDeferred."""

    def consent_url(self, instance_url: str, app: App, *, redirect_uri: str, state: str, challenge: str) -> str:
        """Return where the owner is asked."""

    def redeem(self, instance_url: str, app: App, *, redirect_uri: str, code: str, verifier: str) -> Connected:
        """Take tokens for the code the owner came back with. Raises AccountRefused, PublishDeferred."""


@runtime_checkable
class ByCredentials(Protocol):
    """A platform that takes what somebody types in, which is checked by ``credentials``."""

    credentials: ClassVar[type[BaseModel]]

    def connect(self, given: Mapping[str, Any]) -> Connected:
        """Take tokens for what was typed in. Raises AccountRefused, PublishRejected, PublishDeferred."""


@runtime_checkable
class Renewable(Protocol):
    """A platform whose tokens end and are renewed."""

    def renew(self, account: Account, app: App | None) -> Tokens:
        """Take new tokens for the refresh token. Raises AccountRefused, PublishDeferred."""


@runtime_checkable
class Revocable(Protocol):
    """A platform that can be told to accept a token no longer."""

    def revoke(self, account: Account, app: App | None) -> None:
        """Revoke the tokens. Raises AccountRefused, PublishDeferred."""


LOOPBACK: Final = {"localhost", "127.0.0.1", "::1"}
SERVER: Final = "must be the https:// address of a server, such as https://mastodon.social"


def server_url(given: str, name: str) -> str:
    """Return the address of a server, given with or without https://, as it is compared. Raises Invalid.

    Tokens never travel in plain text, so http:// is for this machine only.
    """
    text = given.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Invalid.at(name, "pattern", SERVER) from None
    is_plain = parts.path in {"", "/"} and not (parts.query or parts.fragment or "@" in parts.netloc)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    if not host or not is_plain or not is_safe or " " in text:
        raise Invalid.at(name, "pattern", SERVER)
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port else "")
