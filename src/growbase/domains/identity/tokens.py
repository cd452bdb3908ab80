"""Opaque tokens: the links that are mailed once, the pair a session hands out, and the text of API keys.

Only hashes are stored. A job that mails a link carries its token sealed, so that a copy of the jobs table (a backup,
a replica, a support dump) opens no account.
"""

import base64
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from growbase.core import clock
from growbase.core.crypto import Keyring, hash_token, new_token, open_sealed, seal
from growbase.core.errors import Invalid
from growbase.core.transaction import Transaction
from growbase.core.types import moment_text
from growbase.domains.identity.models import OneTimeToken, TokenPurpose, User

LIFETIMES: Final[Mapping[TokenPurpose, timedelta]] = {
    TokenPurpose.VERIFY_EMAIL: timedelta(days=3),
    TokenPurpose.RESET_PASSWORD: timedelta(hours=1),
    TokenPurpose.INVITE: timedelta(days=7),
}
MAIL_QUEUE: Final = "email_notifications"
SESSION_PREFIX: Final = "gbs_"
REFRESH_PREFIX: Final = "gbr_"
_API_KEY: Final = re.compile(r"gb_(?:(?P<region>[a-z][a-z0-9-]*)_)?(?P<prefix>[a-z2-7]{8})_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, repr=False)
class SessionTokens:
    """What a session hands out once: ``session`` for a browser's cookie, ``refresh`` for other clients."""

    session: str
    refresh: str

    @classmethod
    def new(cls) -> "SessionTokens":
        """Make a fresh pair."""
        return cls(new_token(SESSION_PREFIX), new_token(REFRESH_PREFIX))

    @property
    def hashes(self) -> dict[str, str]:
        """The columns of the session row."""
        return {"token_hash": hash_token(self.session), "refresh_hash": hash_token(self.refresh)}


@dataclass(frozen=True, slots=True, repr=False)
class ApiKeyText:
    """A fresh API key: the text to show once, and what is stored of it."""

    plaintext: str
    prefix: str
    key_hash: str

    @classmethod
    def new(cls, region: str = "") -> "ApiKeyText":
        """Make a key ``gb_<prefix>_<secret>``, which names its region where there are several."""
        prefix = base64.b32encode(secrets.token_bytes(5)).decode().lower()
        plaintext = new_token(f"gb_{f'{region}_' if region else ''}{prefix}_")
        return cls(plaintext, prefix, hash_token(plaintext))


def parse_api_key(text: str) -> tuple[str, str] | None:
    """Return region and prefix of a text that has an API key's form, else None."""
    found = _API_KEY.fullmatch(text)
    return (found["region"] or "", found["prefix"]) if found else None


def mail_link(
    tx: Transaction,
    user: User,
    purpose: TokenPurpose,
    *,
    organization_id: UUID | None = None,
    data: Mapping[str, object] | None = None,
) -> UUID:
    """Make a one-time token and the job that mails it; earlier tokens of the same purpose stop working.

    An invitation replaces earlier ones of its organization only. Returns the token's id.
    """
    spend_links(tx, user_id=user.id, purpose=purpose, organization_id=organization_id)
    token_id, token = clock.new_id(), new_token()
    expires_at = tx.now + LIFETIMES[purpose]
    row = {
        "id": token_id,
        "user_id": user.id,
        "organization_id": organization_id,
        "purpose": purpose,
        "token_hash": hash_token(token),
        "data": None,
        "created_at": tx.now,
        "expires_at": expires_at,
    }
    tx.insert_facts(OneTimeToken, [row])
    payload = {
        "template": purpose.value,
        "to": user.email,
        "language": user.language,
        "token_id": str(token_id),
        "sealed_token": _sealed(tx.context.keyring, token_id, token),
        "expires_at": moment_text(expires_at),
        "data": dict(data or {}),
    }
    tx.enqueue("send_email", payload, queue=MAIL_QUEUE, max_attempts=5)
    return token_id


def spend_links(tx: Transaction, *, user_id: UUID, **equals: object) -> None:
    """Make a user's unused tokens, those that match ``equals``, useless."""
    tx.set_facts(OneTimeToken, {"user_id": user_id, "consumed_at": None, **equals}, {"consumed_at": tx.now})


def consume_link(tx: Transaction, purpose: TokenPurpose, token: str) -> OneTimeToken:
    """Use up a token and return its row; of two at once one gets it. Raises Invalid for any token that is no good."""
    found = tx.find(OneTimeToken, token_hash=hash_token(token), purpose=purpose, consumed_at=None)
    if found is not None and found.expires_at > tx.now:
        # The condition is asked again by the statement that writes: the row may have been used since it was read.
        won = tx.set_facts(OneTimeToken, {"id": found.id, "consumed_at": None}, {"consumed_at": tx.now})
        if won:
            return found
    raise Invalid.at("token", "invalid_token", "is not valid any more: ask for a new link")


def open_mailed_token(keyring: Keyring, payload: Mapping[str, object]) -> str:
    """Return the token of a ``send_email`` job's payload."""
    sealed = base64.b64decode(str(payload["sealed_token"]))
    return open_sealed(keyring, sealed, context=_context(str(payload["token_id"]))).decode()


def _sealed(keyring: Keyring, token_id: UUID, token: str) -> str:
    return base64.b64encode(seal(keyring, token.encode(), context=_context(str(token_id)))).decode()


def _context(token_id: str) -> str:
    return f"/jobs/sealed_token/{token_id}"
