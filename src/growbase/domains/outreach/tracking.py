"""The links by which a mail tells that it was opened, or what in it was clicked: signed, and nothing can be added.

A link says in itself where it leads, so that following it needs no table, and only what the program signed is followed.
"""

from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID

from growbase.core.crypto import hash_token, sign, verify
from growbase.core.transaction import Transaction
from growbase.domains.outreach.actions_events import record_message_event
from growbase.domains.outreach.models_messages import EventType

OPEN = "open"
CLICK = "click"
PROVIDER = "growbase"
SECONDS = 60
"""A link that is followed again within so long counts once: nobody fills the table by reloading."""
_IDS = 32
_SAFE = "%/:=&?~#+!$,;'@()*[]"


@dataclass(frozen=True, slots=True)
class Tracked:
    """Which message a link was in, and where it leads; a pixel leads nowhere."""

    organization_id: UUID
    message_id: UUID
    url: str = ""


def open_url(base_url: str, secret: bytes, tracked: Tracked) -> str:
    """Return the address of the pixel that tells that a mail was opened."""
    return f"{base_url}/o/{_token(secret, tracked, OPEN)}"


def click_url(base_url: str, secret: bytes, tracked: Tracked) -> str:
    """Return the address that tells of a click and then leads to the link's own."""
    return f"{base_url}/c/{_token(secret, tracked, CLICK)}"


def read_tracking_token(secret: bytes, token: str, purpose: str) -> Tracked:
    """Return what a link means. Raises BadSignature for one that this server did not sign for this purpose."""
    payload = verify(secret, token, purpose)
    return Tracked(UUID(bytes=payload[:16]), UUID(bytes=payload[16:_IDS]), payload[_IDS:].decode())


def record_hit(tx: Transaction, tracked: Tracked, purpose: str) -> bool:
    """Note that a mail was opened or a link in it clicked; False if that was noted a moment ago. Raises NotFound."""
    minute = int(tx.now.timestamp()) // SECONDS
    # Two links of one mail are two clicks.
    key = f"{purpose}/{tracked.message_id}/{minute}/{hash_token(tracked.url)[:16]}"
    return record_message_event(
        tx,
        provider=PROVIDER,
        provider_event_id=key,
        type=EventType.OPEN if purpose == OPEN else EventType.CLICK,
        message_id=tracked.message_id,
        data={"url": tracked.url} if tracked.url else {},
    )


def _token(secret: bytes, tracked: Tracked, purpose: str) -> str:
    url = quote(tracked.url, safe=_SAFE).encode()
    return sign(secret, tracked.organization_id.bytes + tracked.message_id.bytes + url, purpose)
