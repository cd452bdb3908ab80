"""Taking a message for the program's own sender, with what its mail needs beside its words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from typing import Any
from uuid import UUID

from growbase.core.errors import Conflict, Invalid, InvalidTransition
from growbase.core.mail import MESSAGE_ID, message_id_of
from growbase.core.reads import Reads
from growbase.core.transaction import Transaction
from growbase.domains.identity.models import Membership, MembershipStatus, Organization, User
from growbase.domains.identity.queries import find_login
from growbase.domains.outreach.actions_pacing import pace_of
from growbase.domains.outreach.actions_sending import Claim, claim_message, postpone_message
from growbase.domains.outreach.mails import REPLY
from growbase.domains.outreach.models import Prospect
from growbase.domains.outreach.models_messages import UNSENT, Direction, Message, MessageStatus
from growbase.domains.outreach.models_sequences import Channel, OutreachCampaign, Sequence, SequenceStep

SEND = "send_message"
SEND_TEST = "send_test"
QUEUE = "publishing"
TEST_QUEUE = "email_notifications"
OUT = (MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.UNCONFIRMED, MessageStatus.BOUNCED)
"""Messages that a later one may answer: they have gone out, or may have."""
LONGEST_THREAD = 20


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A claimed message, its settings, and the messages of its thread that went out before, the oldest first."""

    claim: Claim
    settings: Mapping[str, Any]
    language: str
    earlier: tuple[Message, ...]

    def references(self, sender: Address) -> tuple[str, ...]:
        """Return the Message-IDs of the thread."""
        known = ((row.provider_message_id or "", row) for row in self.earlier)
        return tuple(id if MESSAGE_ID.fullmatch(id) else message_id_of(row.id, sender) for id, row in known)

    @property
    def subject(self) -> str:
        """The subject: its own, or that of the message it follows."""
        if self.claim.subject:
            return self.claim.subject
        first = next((row.subject for row in self.earlier if row.subject), "")
        return first if not first or first.startswith(REPLY) else f"{REPLY}{first}"


def take_message(tx: Transaction, *, message_id: UUID) -> Outgoing | None:
    """Claim a mail that may go out now; None if it may not. Outside its window it waits for the next opening."""
    seen = tx.find(Message, message_id)
    if seen is None or seen.channel is not Channel.EMAIL or seen.direction is not Direction.OUTBOUND:
        return None
    campaign = tx.find(OutreachCampaign, seen.outreach_campaign_id) if seen.outreach_campaign_id else None
    sequence = tx.find(Sequence, campaign.sequence_id, trash=True) if campaign else None
    if campaign is not None and sequence is not None:
        opens = pace_of(tx, campaign, sequence).opens(tx.now)
        if opens > tx.now:
            postpone_message(tx, message_id=message_id, until=opens, reason="outside the sending window")
            return None
    claim = claim_message(tx, message_id=message_id)
    if claim is None:
        return None
    return Outgoing(claim, {**sequence.settings} if sequence else {}, language_of(tx), _earlier(tx, seen))


def language_of(reads: Reads) -> str:
    """Return the language an organization writes in: the first of its languages."""
    organization_id = reads.actor.organization_id
    organization = reads.find(Organization, organization_id) if organization_id else None
    return organization.languages[0] if organization and organization.languages else "en"


def _earlier(tx: Transaction, message: Message) -> tuple[Message, ...]:
    if message.enrollment_id is not None:
        rows = tx.rows(Message, enrollment_id=message.enrollment_id, status=list(OUT), order="id")
        return tuple(row for row in rows if row.id != message.id)[-LONGEST_THREAD:]
    thread: list[Message] = []
    above = message.in_reply_to_id
    while above is not None and len(thread) < LONGEST_THREAD:
        row = tx.find(Message, above)
        if row is None or row in thread:
            break
        thread.insert(0, row)
        above = row.in_reply_to_id
    return tuple(thread)


# -- by people --------------------------------------------------------------------------------------------------------


def send_message(tx: Transaction, *, id: UUID, send_at: datetime | None = None) -> UUID:
    """Send a message that was written by hand, now or at a later time; said again it changes the time.

    Raises Conflict where nobody can get it, Suppressed where nobody wants it, InvalidTransition once it is on its way.
    """
    message = tx.get(Message, id, lock=True)
    if message.direction is Direction.INBOUND:
        raise Conflict("The message came from the prospect: it can't be sent.")
    is_later = send_at is not None and send_at > tx.now
    to = MessageStatus.SCHEDULED if is_later else MessageStatus.QUEUED
    if message.status not in UNSENT:
        raise InvalidTransition(what="message", current=message.status.value, to=to.value, allowed=[])
    at = send_at if send_at is not None and is_later else tx.now
    if message.status is not MessageStatus.QUEUED:
        tx.change(message, {"send_at": at})
        tx.transition(Message, id, to)
    elif is_later:
        tx.change(message, {"send_at": at})
    enqueue_sending(tx, id, at)
    return id


def enqueue_sending(tx: Transaction, message_id: UUID, at: datetime | None = None) -> None:
    """Ask for the sending of a message; a scan asks again where this gets lost."""
    if at is None or at <= tx.now:
        tx.enqueue(SEND, {"message_id": str(message_id)}, queue=QUEUE, dedupe_key=str(message_id))


def request_test(
    tx: Transaction, *, id: UUID, to: str | None = None, prospect_id: UUID | None = None
) -> dict[str, str]:
    """Mail a step as it will look, to oneself or to a colleague at ``to``; it is counted nowhere.

    With ``prospect_id`` it is filled in for that person, else with the names of what is missing.
    """
    step = tx.get(SequenceStep, id)
    if prospect_id is not None:
        tx.get(Prospect, prospect_id)
    email = _colleague(tx, to)
    payload = {"step_id": str(step.id), "to": email, "prospect_id": str(prospect_id) if prospect_id else None}
    return {"job_id": str(tx.enqueue(SEND_TEST, payload, queue=TEST_QUEUE, max_attempts=3))}


def _colleague(tx: Transaction, to: str | None) -> str:
    """Return the address of a member; nobody else gets a test."""
    if to is None:
        user = tx.find(User, tx.actor.id) if tx.actor.id else None
        if user is None:
            raise Invalid.at("to", "required", "is required: the caller has no address")
        return user.email
    user = find_login(tx, to)
    status = MembershipStatus.ACTIVE
    if user is None or tx.find(Membership, user_id=user.id, status=status) is None:
        raise Invalid.at("to", "not_a_member", "must be the address of a member of the organization")
    return user.email
