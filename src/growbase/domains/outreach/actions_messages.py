"""Messages as people write, change, queue and cancel them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from growbase.core.errors import Conflict, Invalid, InvalidTransition, TooLate
from growbase.core.model import Root
from growbase.core.transaction import Transaction
from growbase.domains.outreach.actions_delivery import (
    ADDRESS,
    advance,
    held,
    move,
    note_failed,
    note_reply,
    note_sent,
)
from growbase.domains.outreach.actions_suppressions import is_suppressed
from growbase.domains.outreach.errors import Suppressed
from growbase.domains.outreach.models import Prospect
from growbase.domains.outreach.models_messages import UNSENT, Direction, Message, MessageStatus
from growbase.domains.outreach.models_sequences import Channel


def create_message(tx: Transaction, *, prospect_id: UUID, **values: Any) -> UUID:  # noqa: ANN401 -- the columns
    """Draft a message to a prospect, or note one that came from them.

    Raises Suppressed if the prospect must not be written to. What answers a message of a campaign stops it there.
    """
    prospect = tx.find(Prospect, prospect_id, lock=True)
    if values.get("direction") == Direction.INBOUND:
        message_id = tx.insert(
            Message, prospect_id=prospect_id, **{**values, "status": MessageStatus.DELIVERED, "delivered_at": tx.now}
        )
        original = tx.find(Message, values["in_reply_to_id"], lock=True) if values.get("in_reply_to_id") else None
        if original is not None and original.direction is Direction.OUTBOUND:
            note_reply(tx, original, tx.now)
        return message_id
    if prospect is not None:
        _require_welcome(tx, prospect, values.get("channel", "email"))
    return tx.insert(Message, prospect_id=prospect_id, **values)


def update_message(tx: Transaction, *, id: UUID, changes: Mapping[str, Any], version: int | None = None) -> int:
    """Change a message. Raises TooLate once it is on its way."""
    row = tx.get(Message, id, lock=True)
    if row.status not in UNSENT and any(row.__dict__[name] != value for name, value in changes.items()):
        raise TooLate("The message is on its way and can't be changed any more.")
    return tx.change(row, changes, version=version)


def guard_message(tx: Transaction, row: Root, to: MessageStatus) -> dict[str, object]:
    """Refuse to queue what has no address, no time or nobody who wants it."""
    assert isinstance(row, Message)
    if to is MessageStatus.DRAFT:
        return {}
    prospect = tx.find(Prospect, row.prospect_id)
    if prospect is None:
        raise Conflict("The prospect is in the trash.")
    _require_welcome(tx, prospect, row.channel)
    if not prospect.__dict__[ADDRESS[row.channel]]:
        raise Conflict("The prospect has no address on this channel.")
    if to is MessageStatus.SCHEDULED and row.send_at is None:
        raise Invalid.at("send_at", "required", "is required")
    _note_answered(tx, row.prospect_id)
    return {"send_at": row.send_at or tx.now}


def settle_message(tx: Transaction, *, id: UUID) -> UUID:
    """Say that what came from a prospect needs no answer, or has had one elsewhere. Raises Conflict for one of ours."""
    message = _inbound(tx, id)
    if message.answered_at is None:
        tx.change(message, {"answered_at": tx.now})
    return id


def snooze_message(tx: Transaction, *, id: UUID, until: datetime) -> UUID:
    """Put off answering what came from a prospect. Raises Invalid for a moment that has passed, Conflict."""
    message = _inbound(tx, id)
    if until <= tx.now:
        raise Invalid.at("until", "too_early", "must be in the future")
    tx.change(message, {"snoozed_until": until})
    return id


def _inbound(tx: Transaction, id: UUID) -> Message:
    message = tx.get(Message, id, lock=True)
    if message.direction is not Direction.INBOUND:
        raise Conflict("Only what came from a prospect waits for an answer.")
    return message


def _note_answered(tx: Transaction, prospect_id: UUID) -> None:
    """Note that a person is answering what the prospect wrote."""
    for row in tx.rows(
        Message, prospect_id=prospect_id, direction=Direction.INBOUND, answered_at=None, order="id", lock=True
    ):
        tx.change(row, {"answered_at": tx.now})


def _require_welcome(tx: Transaction, prospect: Prospect, channel: Any) -> None:  # noqa: ANN401 -- a channel or its name
    address = prospect.__dict__[ADDRESS[Channel(channel)]]
    if prospect.opted_out_at is not None or (address and is_suppressed(tx, address, Channel(channel))):
        raise Suppressed


def cancel_message(tx: Transaction, *, id: UUID) -> UUID:
    """Cancel a message that is not being sent yet; the enrolment goes on with its next step. Raises TooLate."""
    message = held(tx, id)
    if message.status is MessageStatus.CANCELLED:
        return id
    if message.status not in UNSENT or message.direction is Direction.INBOUND:
        raise TooLate("The message is {current}: it can't be cancelled any more.", current=message.status.value)
    move(tx, message, MessageStatus.CANCELLED)
    advance(tx, message, tx.now)
    return id


def resolve_message(tx: Transaction, *, id: UUID, outcome: Literal["sent", "not_sent"]) -> UUID:
    """Say what became of an unconfirmed message; it is never sent again by itself."""
    message = held(tx, id)
    if message.status is not MessageStatus.UNCONFIRMED:
        to = MessageStatus.SENT if outcome == "sent" else MessageStatus.FAILED
        raise InvalidTransition(what="message", current=message.status.value, to=to.value, allowed=[])
    if outcome == "sent":
        note_sent(tx, message, MessageStatus.SENT, message.claimed_until or tx.now, claim_token=None)
    else:
        note_failed(tx, message, {"reason": "not_sent"}, claim_token=None)
    return id
