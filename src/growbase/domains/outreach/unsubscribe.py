"""The link by which anybody leaves: a signed text that names a prospect or a message, and never runs out.

RFC 8058 asks that one POST by the mail program does it, without a login and without a page in between.
"""

from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from growbase.core.crypto import BadSignature, sign, verify
from growbase.core.errors import NotFound
from growbase.core.transaction import Transaction
from growbase.domains.outreach.actions_suppressions import opt_out
from growbase.domains.outreach.models import OptOutReason
from growbase.domains.outreach.models_messages import Message

PURPOSE = "unsubscribe"
KINDS: dict[bytes, Literal["prospect", "message"]] = {b"p": "prospect", b"m": "message"}
_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Who leaves which organization: a prospect, or whoever got a message."""

    organization_id: UUID
    kind: Literal["prospect", "message"]
    id: UUID


def unsubscribe_token(secret: bytes, leaving: Unsubscribe) -> str:
    """Return the signed text of a link; ``secret`` is the server's."""
    letter = next(letter for letter, kind in KINDS.items() if kind == leaving.kind)
    return sign(secret, letter + leaving.organization_id.bytes + leaving.id.bytes, PURPOSE)


def read_unsubscribe_token(secret: bytes, token: str) -> Unsubscribe:
    """Return whom a link means. Raises NotFound for one that this server did not sign."""
    try:
        payload = verify(secret, token, PURPOSE)
    except BadSignature as error:
        raise NotFound(what="page") from error
    kind = KINDS.get(payload[:1])
    if kind is None or len(payload) != 1 + 2 * _ID_BYTES:
        raise NotFound(what="page")
    organization_id, id = UUID(bytes=payload[1 : 1 + _ID_BYTES]), UUID(bytes=payload[1 + _ID_BYTES :])
    return Unsubscribe(organization_id, kind, id)


def unsubscribe_url(base_url: str, secret: bytes, leaving: Unsubscribe) -> str:
    """Return the address of the page where a recipient leaves."""
    return f"{base_url}/u/{unsubscribe_token(secret, leaving)}"


def unsubscribe_headers(url: str) -> dict[str, str]:
    """Return the headers of a mail that let the mail program offer one click (RFC 2369 and RFC 8058)."""
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def unsubscribe(tx: Transaction, leaving: Unsubscribe) -> None:
    """Never write to this person again; repeated, or where everything of them is gone already, it changes nothing."""
    prospect_id, message_id = leaving.id, None
    if leaving.kind == "message":
        message = tx.find(Message, leaving.id)
        if message is None:
            return
        prospect_id, message_id = message.prospect_id, message.id
    recipient = tx.acting(replace(tx.actor, about=prospect_id))
    try:
        opt_out(recipient, id=prospect_id, reason=OptOutReason.UNSUBSCRIBE, source_message_id=message_id)
    except NotFound:
        return
