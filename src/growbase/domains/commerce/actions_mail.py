"""Mailing the replies of tickets as a program does it: claim one, begin, hand it over, say what came of it.

Each step is a unit of its own, fenced by the claim's token, and the server is called between ``begin_dispatch`` and one
of the marks: a reply is handed over once at most. The ticket is locked before its message, as everywhere.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Literal
from uuid import UUID

from growbase.core import clock
from growbase.core.actor import Role
from growbase.core.errors import Conflict
from growbase.core.mail import MESSAGE_ID
from growbase.core.reads import Reads
from growbase.core.statements import mark, select_sql
from growbase.core.transaction import Transaction
from growbase.domains.commerce.actions_stores import feature_flags, is_blocked
from growbase.domains.commerce.models import Store, StoreSettings
from growbase.domains.commerce.models_tickets import AuthorType, Delivery, Ticket, TicketMessage, TicketSource
from growbase.domains.identity.actions_personal import notify
from growbase.domains.identity.models import Membership, MembershipStatus

SEND: Final = "send_ticket_message"
QUEUE: Final = "publishing"
CLAIM_LEASE: Final = timedelta(minutes=2)
"""A sender that says nothing for so long after its claim has not begun: somebody else may."""
DISPATCH_LEASE: Final = timedelta(minutes=10)
"""A sender that says nothing for so long after it has begun leaves the message unconfirmed."""
FREE: Final[Mapping[str, None]] = {"claim_token": None, "claimed_until": None}
LONGEST_THREAD: Final = 20
OUT: Final = frozenset({Delivery.DISPATCHING, Delivery.SENT, Delivery.DELIVERED, Delivery.UNCONFIRMED})
"""Messages of ours that a customer may have."""
AUTOMATIC: Final = frozenset({AuthorType.AUTOMATION, AuthorType.AI})
"""Authors without a person behind them."""
TITLES: Final[Mapping[Delivery, str]] = {
    Delivery.FAILED: "A reply to ticket #{number} was not sent",
    Delivery.UNCONFIRMED: "Nobody knows whether a reply to ticket #{number} was sent",
}


class ClaimLost(Conflict):
    """The reply is no longer held under this claim.

    Its lease ran out or somebody else said what became of it: leave it as it is.
    """

    code = "claim_lost"


@dataclass(frozen=True, slots=True, repr=False)
class Claim:
    """What a sender needs of the reply it may mail, and the token that proves it; ``attempts`` counts this one.

    ``earlier`` are the Message-IDs of the thread, the oldest first.
    """

    message_id: UUID
    token: UUID
    ticket_id: UUID
    to: str
    to_name: str
    subject: str
    body_plain: str
    body_rich: str
    sender_name: str
    sender_email: str | None
    thread_key: str | None
    in_reply_to: str | None
    earlier: tuple[str, ...]
    is_automatic: bool
    attempts: int


def is_mailed(reads: Reads, ticket: Ticket) -> bool:
    """Return whether replies of a ticket go by mail: its customer has an address, and no other program carries them."""
    if ticket.customer_email is None or ticket.source is TicketSource.CHAT:
        return False
    return not feature_flags(reads, ticket.store_id).external_delivery


def enqueue_mail(tx: Transaction, message_id: UUID) -> None:
    """Ask for the mail of a queued reply; a scan asks again where this gets lost."""
    tx.enqueue(SEND, {"message_id": str(message_id)}, queue=QUEUE, dedupe_key=str(message_id))


def claim_mail(tx: Transaction, *, message_id: UUID, lease: timedelta = CLAIM_LEASE) -> Claim | None:
    """Take a due reply for sending; None if it is not due, can't be sent, or somebody else has it.

    Nothing leaves before ``begin_dispatch``: a claim that lapses gives the reply back to the queue.
    """
    seen = tx.find(TicketMessage, message_id)
    if seen is None or seen.delivery is not Delivery.QUEUED:
        return None
    ticket, message = _hold(tx, seen)
    due = message.next_attempt_at
    if message.delivery is not Delivery.QUEUED or due is None or due > tx.now or _is_refused(tx, ticket, message):
        return None
    token = clock.new_id()
    tx.change(
        message,
        {"delivery": Delivery.CLAIMED, "claim_token": token, "claimed_until": tx.now + lease},
        action="transition",
    )
    store = tx.get(Store, message.store_id)
    settings = tx.find(StoreSettings, store_id=store.id)
    written = _earlier(tx, message)
    return Claim(
        message_id=message_id,
        token=token,
        ticket_id=ticket.id,
        to=str(ticket.customer_email),
        to_name=ticket.customer_name or "",
        subject=f"Re: {ticket.subject}" if written else ticket.subject,
        body_plain=message.body_plain or "",
        body_rich=message.body_rich,
        sender_name=store.name or store.domain,
        sender_email=settings.support_email if settings else None,
        thread_key=ticket.thread_key,
        in_reply_to=message.in_reply_to,
        earlier=tuple(row.external_id for row in written if row.external_id and MESSAGE_ID.fullmatch(row.external_id)),
        is_automatic=message.author_type in AUTOMATIC,
        attempts=message.attempts + 1,
    )


def begin_dispatch(tx: Transaction, *, claim: Claim, message_id_header: str, lease: timedelta = DISPATCH_LEASE) -> bool:
    """Note that a claimed reply is about to be handed over; False if it may not leave as it was claimed.

    Its Message-ID is kept from now on, so that whoever answers it finds the ticket. Once this has committed nobody
    sends it again by themselves. Raises ClaimLost.
    """
    ticket, message = _claimed(tx, claim.message_id, claim.token, {Delivery.CLAIMED})
    if ticket.customer_email not in {claim.to, None}:
        tx.change(message, {"delivery": Delivery.QUEUED, **FREE}, action="transition")
        return False
    if _is_refused(tx, ticket, message):
        return False
    begun = {
        "delivery": Delivery.DISPATCHING,
        "claimed_until": tx.now + lease,
        "attempts": claim.attempts,
        "next_attempt_at": None,
        "external_id": message.external_id or message_id_header,
    }
    tx.change(message, begun, action="transition")
    return True


def mark_sent(tx: Transaction, *, message_id: UUID, claim_token: UUID) -> None:
    """Note that the server took a claimed reply; said twice it changes nothing. Raises ClaimLost."""
    gone = {Delivery.DISPATCHING, Delivery.UNCONFIRMED, Delivery.SENT, Delivery.DELIVERED}
    _, message = _claimed(tx, message_id, claim_token, gone)
    if message.delivery in {Delivery.DISPATCHING, Delivery.UNCONFIRMED}:
        sent = {"delivery": Delivery.SENT, "sent_at": tx.now, "claimed_until": None, "last_error": None}
        tx.change(message, sent, action="transition")


def mark_failed(
    tx: Transaction, *, message_id: UUID, claim_token: UUID, error: Mapping[str, Any], retry_at: datetime | None = None
) -> None:
    """Note that a claimed reply was surely not sent; with ``retry_at`` it is claimed again then. Raises ClaimLost."""
    at_work = {Delivery.CLAIMED, Delivery.DISPATCHING, Delivery.UNCONFIRMED}
    ticket, message = _claimed(tx, message_id, claim_token, at_work)
    if retry_at is None or message.delivery is Delivery.UNCONFIRMED:
        _fail(tx, ticket, message, error)
        return
    waits = {"delivery": Delivery.QUEUED, "next_attempt_at": retry_at, "last_error": dict(error), **FREE}
    tx.change(message, waits, action="transition")


def mark_unconfirmed(tx: Transaction, *, message_id: UUID, claim_token: UUID, error: Mapping[str, Any]) -> None:
    """Note that nobody knows whether a claimed reply was sent; a person or the provider says it. Raises ClaimLost."""
    ticket, message = _claimed(tx, message_id, claim_token, {Delivery.DISPATCHING, Delivery.UNCONFIRMED})
    if message.delivery is Delivery.DISPATCHING:
        _unconfirm(tx, ticket, message, error)


def expire_claim(tx: Transaction, *, message_id: UUID) -> bool:
    """Take a reply from a sender that has gone silent, and return whether it was one.

    One that was only claimed waits to be claimed again; of one that had begun to leave nobody knows: it is unconfirmed.
    """
    seen = tx.find(TicketMessage, message_id)
    if seen is None:
        return False
    ticket, message = _hold(tx, seen)
    if message.claimed_until is None or message.claimed_until > tx.now:
        return False
    if message.delivery is Delivery.CLAIMED:
        tx.change(message, {"delivery": Delivery.QUEUED, **FREE}, action="transition")
    elif message.delivery is Delivery.DISPATCHING:
        _unconfirm(tx, ticket, message, {"reason": "the sender went silent"})
    else:
        return False
    return True


# -- what providers tell ----------------------------------------------------------------------------------------------


def told_ticket_message_id(reads: Reads, name: str) -> UUID | None:
    """Return the reply that a provider means by its Message-ID or by our id."""
    try:
        found = reads.find(TicketMessage, UUID(name.strip().strip("<>").partition("@")[0]))
    except ValueError:
        return None
    return found.id if found else None


def record_mail_event(
    tx: Transaction,
    *,
    message_id: UUID,
    type: Literal["delivered", "bounce_hard", "failed"],  # noqa: A002 -- the event's field
    occurred_at: datetime | None = None,
    data: Mapping[str, Any] | None = None,
) -> bool:
    """Note what a provider tells of a reply; False if that is nothing new, or older than the mail."""
    ticket, message = _hold(tx, tx.get(TicketMessage, message_id))
    at = min(occurred_at or tx.now, tx.now)
    if message.delivery not in OUT or (message.sent_at is not None and at < message.sent_at - CLAIM_LEASE):
        return False
    if type != "delivered":
        _fail(tx, ticket, message, {"reason": type, **({"data": dict(data)} if data else {})})
        return True
    if message.delivery is Delivery.DELIVERED:
        return False
    done = {"delivery": Delivery.DELIVERED, "sent_at": message.sent_at or at, "claimed_until": None}
    tx.change(message, done, action="transition")
    return True


# -- what is due, over all organizations ------------------------------------------------------------------------------


def due_mails(reads: Reads, *, limit: int = 200) -> list[tuple[UUID, UUID]]:
    """Return organization and id of replies that may be claimed now, the longest due first."""
    return _due(reads, (Delivery.QUEUED,), "next_attempt_at", limit)


def silent_claims(reads: Reads, *, limit: int = 200) -> list[tuple[UUID, UUID]]:
    """Return organization and id of replies whose sender has gone silent."""
    return _due(reads, (Delivery.CLAIMED, Delivery.DISPATCHING), "claimed_until", limit)


def _due(reads: Reads, states: Collection[Delivery], column: str, limit: int) -> list[tuple[UUID, UUID]]:
    sign, plan = mark(reads.engine), reads.plan(TicketMessage)
    terms = (f"t.delivery IN ({', '.join([sign] * len(states))})", f"t.{column} <= {sign}")
    sql = select_sql(plan, "t.organization_id, t.id", terms, f" ORDER BY t.{column}, t.id LIMIT {int(limit)}")
    read = plan.fields["id"].read or (lambda value: value)
    params = [*(state.value for state in states), plan.fields[column].bound(clock.now())]
    return [(read(row[0]), read(row[1])) for row in reads.execute(sql, params).fetchall()]


# -- parts ------------------------------------------------------------------------------------------------------------


def _hold(tx: Transaction, seen: TicketMessage) -> tuple[Ticket, TicketMessage]:
    ticket = tx.get(Ticket, seen.ticket_id, lock=True, trash=True)
    return ticket, tx.get(TicketMessage, seen.id, lock=True)


def _claimed(
    tx: Transaction, message_id: UUID, token: UUID, states: Collection[Delivery]
) -> tuple[Ticket, TicketMessage]:
    """Return a claimed reply with its ticket, both locked. Raises ClaimLost."""
    seen = tx.find(TicketMessage, message_id)
    if seen is None:
        raise ClaimLost
    ticket, message = _hold(tx, seen)
    if message.claim_token != token or message.delivery not in states:
        raise ClaimLost
    return ticket, message


def _is_refused(tx: Transaction, ticket: Ticket, message: TicketMessage) -> bool:
    """Fail a reply that can't be sent or that nobody wants, and return whether it was one.

    What a person answers is transactional: also a blocked customer gets it. What is automatic is not.
    """
    reason = None
    if ticket.deleted_at is not None or tx.find(Store, message.store_id) is None:
        reason = "the ticket was deleted"
    elif ticket.customer_email is None:
        reason = "no address"
    elif message.author_type in AUTOMATIC and is_blocked(tx, message.store_id, ticket.customer_email):
        reason = "suppressed"
    if reason is not None:
        _fail(tx, ticket, message, {"reason": reason})
    return reason is not None


def _fail(tx: Transaction, ticket: Ticket, message: TicketMessage, error: Mapping[str, Any]) -> None:
    failed = {"delivery": Delivery.FAILED, "last_error": dict(error), "next_attempt_at": None, **FREE}
    tx.change(message, failed, action="transition")
    tell_of_mail(tx, ticket, message, Delivery.FAILED, str(error.get("reason", "")))


def _unconfirm(tx: Transaction, ticket: Ticket, message: TicketMessage, error: Mapping[str, Any]) -> None:
    tx.change(message, {"delivery": Delivery.UNCONFIRMED, "last_error": dict(error)}, action="transition")
    tell_of_mail(tx, ticket, message, Delivery.UNCONFIRMED, str(error.get("reason", "")))


def tell_of_mail(tx: Transaction, ticket: Ticket, message: TicketMessage, became: Delivery, reason: str = "") -> None:
    """Tell who wrote a reply and who has its ticket, else owners and administrators, that it may not have arrived."""
    wanted = [id for id in (message.author_user_id, ticket.assignee_user_id) if id is not None]
    active = partial(tx.rows, Membership, status=MembershipStatus.ACTIVE, order="id")
    people = active(user_id=wanted) if wanted else []
    people = people or active(role=[Role.OWNER, Role.ADMIN])
    about = {
        "kind": "reply_not_sent",
        "title": TITLES[became].format(number=ticket.number),
        "body": f"{ticket.subject}\n{reason}".strip(),
        "link": f"/studio/tickets/{ticket.id}",
    }
    for person in people:
        notify(tx, user_id=person.user_id, **about)


def _earlier(tx: Transaction, message: TicketMessage) -> list[TicketMessage]:
    """Return what customer and staff have written to each other before, some at most, the oldest first."""
    rows = tx.rows(TicketMessage, ticket_id=message.ticket_id, order="-id", limit=10 * LONGEST_THREAD)
    seen = [
        row for row in rows if row.id != message.id and (row.author_type is AuthorType.CUSTOMER or row.delivery in OUT)
    ]
    return seen[:LONGEST_THREAD][::-1]
