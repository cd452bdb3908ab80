"""Messages: what staff write into a ticket, what customers write, and which ticket that belongs to."""

import re
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from html import unescape
from typing import Any, NamedTuple
from uuid import UUID

from growbase.core.actor import ActorKind
from growbase.core.errors import ForeignKey, Invalid, InvalidTransition, TooLate
from growbase.core.facts import hold
from growbase.core.folding import fold_email
from growbase.core.transaction import Transaction
from growbase.domains.commerce.actions_desk import require_seen
from growbase.domains.commerce.actions_mail import FREE, enqueue_mail, is_mailed, tell_of_mail
from growbase.domains.commerce.actions_stores import is_blocked, live_store, next_number, thresholds
from growbase.domains.commerce.models_tickets import (
    AiDraft,
    AuthorType,
    Delivery,
    DraftStatus,
    Ticket,
    TicketMessage,
    TicketSource,
    TicketStatus,
)

REOPEN_WINDOW_DAYS = 14
ENDED = frozenset({TicketStatus.CLOSED, TicketStatus.ARCHIVED})
SENT = "The message was sent: it stays as it is, write another one."
TAG = re.compile(r"<[^>]*>")

LADDER: Mapping[Delivery, frozenset[Delivery]] = {
    Delivery.NONE: frozenset(),
    Delivery.QUEUED: frozenset({Delivery.DISPATCHING, Delivery.SENT, Delivery.FAILED}),
    Delivery.CLAIMED: frozenset({Delivery.FAILED}),
    Delivery.DISPATCHING: frozenset({Delivery.SENT, Delivery.FAILED, Delivery.UNCONFIRMED}),
    Delivery.UNCONFIRMED: frozenset({Delivery.QUEUED, Delivery.SENT, Delivery.DELIVERED, Delivery.FAILED}),
    Delivery.SENT: frozenset({Delivery.DELIVERED, Delivery.FAILED}),
    Delivery.FAILED: frozenset({Delivery.QUEUED}),
    Delivery.DELIVERED: frozenset(),
}
"""How a message gets on by what is reported; only who knows that it was not sent queues it again."""


class Outcome(StrEnum):
    """What became of a customer's message."""

    OPENED = "opened"
    APPENDED = "appended"
    REOPENED = "reopened"
    FOLLOWED = "followed"
    BLOCKED = "blocked"
    DUPLICATE = "duplicate"


class Received(NamedTuple):
    """Where a customer's message is now; of a blocked customer nothing may be kept."""

    outcome: Outcome
    ticket_id: UUID | None
    message_id: UUID | None


def outcome_of(status: TicketStatus | None, *, is_expired: bool = False, is_blocked: bool = False) -> Outcome:
    """Return what a customer's message does to the ticket it belongs to; ``status`` is None if there is none.

    ``is_expired`` says that it was resolved longer ago than the store lets tickets come back.
    """
    has_ended = status in ENDED or (status is TicketStatus.RESOLVED and is_expired)
    if is_blocked:
        return Outcome.BLOCKED if status is None or has_ended else Outcome.APPENDED
    if status is None:
        return Outcome.OPENED
    if has_ended:
        return Outcome.FOLLOWED
    return Outcome.APPENDED if status is TicketStatus.OPEN else Outcome.REOPENED


# -- staff ------------------------------------------------------------------------------------------------------------


def post_message(
    tx: Transaction,
    *,
    ticket_id: UUID,
    body_rich: str,
    body_plain: str | None = None,
    is_internal_note: bool = False,
    is_draft: bool = False,
    author_type: AuthorType = AuthorType.STAFF,
    seen_count: int | None = None,
    **rest: Any,  # noqa: ANN401 -- columns
) -> UUID:
    """Write into a ticket: a reply that is queued for the customer, a draft of one, or a note for colleagues.

    None of them reopens a ticket. Raises TooLate for a reply in a closed one, Overtaken if there are more than
    ``seen_count`` messages.
    """
    ticket = tx.find(Ticket, ticket_id, lock=True)
    if ticket is None:
        raise ForeignKey.at("ticket_id", "foreign_key", "must be the id of an existing {what}", what="ticket")
    require_seen(tx, ticket_id, seen_count)
    is_reply = not is_internal_note and not is_draft
    if ticket.status in ENDED and not is_internal_note:
        raise TooLate("The ticket is closed: write a note, or open a new ticket.")
    is_mail = is_reply and is_mailed(tx, ticket)
    message_id = tx.insert(
        TicketMessage,
        ticket_id=ticket_id,
        store_id=ticket.store_id,
        author_type=author_type,
        author_user_id=tx.actor.id if tx.actor.kind is ActorKind.USER else None,
        author_label=tx.actor.label[:320],
        body_rich=body_rich,
        body_plain=body_plain if body_plain is not None else plain_text(body_rich),
        is_internal_note=is_internal_note,
        is_draft=is_draft,
        delivery=Delivery.QUEUED if is_reply else Delivery.NONE,
        next_attempt_at=tx.now if is_mail else None,
        **rest,
    )
    if is_mail:
        enqueue_mail(tx, message_id)
    if not is_draft:
        _touch(tx, ticket, is_reply=is_reply and author_type is not AuthorType.AUTOMATION)
    return message_id


def update_message(tx: Transaction, *, id: UUID, changes: Mapping[str, Any], version: int | None = None) -> int:
    """Change a draft. Raises TooLate for a message that is none: what was sent stays as it was."""
    message = _locked(tx, id)
    values = dict(changes)
    if "body_rich" in values and values["body_rich"] != message.body_rich:
        values.setdefault("body_plain", plain_text(values["body_rich"]))
    if not message.is_draft and any(message.__dict__[name] != value for name, value in values.items()):
        raise TooLate(SENT)
    return tx.change(message, values, version=version)


def send_message(tx: Transaction, *, id: UUID, seen_count: int | None = None) -> UUID:
    """Queue a draft for the customer; a draft of a note becomes the note.

    Raises Overtaken if the ticket has more than ``seen_count`` messages.
    """
    message = _locked(tx, id)
    require_seen(tx, message.ticket_id, seen_count)
    if not message.is_draft:
        raise TooLate(SENT)
    ticket = tx.get(Ticket, message.ticket_id, lock=True)
    if ticket.status in ENDED and not message.is_internal_note:
        raise TooLate("The ticket is closed: write a note, or open a new ticket.")
    delivery = Delivery.NONE if message.is_internal_note else Delivery.QUEUED
    is_mail = delivery is Delivery.QUEUED and is_mailed(tx, ticket)
    tx.change(message, {"is_draft": False, "delivery": delivery, "next_attempt_at": tx.now if is_mail else None})
    if is_mail:
        enqueue_mail(tx, id)
    _touch(tx, ticket, is_reply=not message.is_internal_note)
    return id


def report_delivery(tx: Transaction, *, id: UUID, to: str, external_id: str | None = None) -> UUID:
    """Note how far a message has got on its way; no report changes its ticket.

    Raises InvalidTransition for a step back, except that a failed or unconfirmed one may be queued again.
    """
    message = _locked(tx, id)
    step = Delivery(to)
    changes: dict[str, object] = {} if external_id is None else {"external_id": external_id}
    ticket = tx.get(Ticket, message.ticket_id, trash=True)
    if step is Delivery.QUEUED and message.next_attempt_at is None and is_mailed(tx, ticket):
        changes |= {"next_attempt_at": tx.now, "attempts": 0}
        enqueue_mail(tx, id)
    if step is message.delivery:
        tx.change(message, changes, action="transition")
        return id
    if step not in LADDER[message.delivery]:
        allowed = sorted(LADDER[message.delivery])
        raise InvalidTransition(what="message", current=message.delivery.value, to=to, allowed=allowed)
    if step in {Delivery.SENT, Delivery.DELIVERED} and message.sent_at is None:
        changes["sent_at"] = tx.now
    # Who sends by mail meanwhile finds its claim lost.
    tx.change(message, {"next_attempt_at": None, **changes, "delivery": step, **FREE}, action="transition")
    if step in {Delivery.FAILED, Delivery.UNCONFIRMED}:
        tell_of_mail(tx, ticket, message, step)
    return id


def plain_text(rich: str) -> str:
    """Return HTML without its tags."""
    return unescape(TAG.sub(" ", rich)).strip()


def _locked(tx: Transaction, id: UUID) -> TicketMessage:
    """Return a message under lock, its ticket locked before it as everywhere."""
    tx.get(Ticket, tx.get(TicketMessage, id).ticket_id, lock=True)
    return tx.get(TicketMessage, id, lock=True)


def _touch(tx: Transaction, ticket: Ticket, *, is_reply: bool) -> None:
    """Note on a ticket that something was written; a reply ends the customer's waiting."""
    changes: dict[str, object] = {"last_message_at": tx.now}
    if is_reply:
        changes |= {"waiting_since": None, "first_response_at": ticket.first_response_at or tx.now}
    tx.change(ticket, changes)


# -- customers --------------------------------------------------------------------------------------------------------


def receive_customer_message(
    tx: Transaction,
    *,
    store_id: UUID,
    body: str,
    subject: str | None = None,
    customer_email: str | None = None,
    external_id: str | None = None,
    thread_key: str | None = None,
    in_reply_to: str | None = None,
    source: TicketSource = TicketSource.API,
    metadata: Mapping[str, Any] | None = None,
    **customer: str | None,
) -> Received:
    """Put a customer's message into the ticket it belongs to, reopening it, or into a new one.

    The ticket is that of the thread, else of the message it answers, else the customer's newest. Messages of one
    customer wait for each other, so that two at the same moment make one ticket; the same ``external_id`` changes
    nothing. Raises Invalid if nothing says who wrote.
    """
    live_store(tx, store_id)
    email = fold_email(customer_email) if customer_email else None
    who = email or customer.get("shopify_customer_id")
    if who is None and thread_key is None:
        raise Invalid.at("customer_email", "required", "is required, or shopify_customer_id, or thread_key")
    for name in sorted({f"customer/{store_id}/{who}", f"thread/{store_id}/{thread_key}"}):
        hold(tx, name)
    if external_id is not None:
        known = tx.find(TicketMessage, store_id=store_id, external_id=external_id)
        if known is not None:
            return Received(Outcome.DUPLICATE, known.ticket_id, known.id)
    ticket = _ticket_of(tx, store_id, email, customer.get("shopify_customer_id"), thread_key, in_reply_to)
    outcome = _settle(tx, store_id, ticket, email)
    if outcome is Outcome.BLOCKED:
        return Received(outcome, None, None)
    if ticket is None or outcome is Outcome.FOLLOWED:
        given = {name: value for name, value in customer.items() if value is not None}
        ticket = _new_ticket(
            tx,
            store_id,
            subject or plain_text(body),
            ticket,
            source,
            {"customer_email": customer_email, "thread_key": thread_key, **given},
        )
    message_id = tx.insert(
        TicketMessage,
        ticket_id=ticket.id,
        store_id=store_id,
        author_type=AuthorType.CUSTOMER,
        author_label=customer.get("customer_name") or customer_email,
        body_rich=body,
        body_plain=plain_text(body),
        delivery=Delivery.NONE,
        external_id=external_id,
        in_reply_to=in_reply_to,
        metadata=metadata,
    )
    _supersede_drafts(tx, ticket.id)
    return Received(outcome, ticket.id, message_id)


def receive(tx: Transaction, **message: Any) -> dict[str, object]:  # noqa: ANN401 -- the fields of CustomerMessage
    """Take in a message of a customer: it goes to the ticket it belongs to, or opens one; sent twice it counts once."""
    found = receive_customer_message(tx, **message)
    return {name: value and str(value) for name, value in found._asdict().items()}


def _ticket_of(
    tx: Transaction,
    store_id: UUID,
    email: str | None,
    customer_id: str | None,
    thread_key: str | None,
    in_reply_to: str | None,
) -> Ticket | None:
    """Return the ticket a message belongs to, locked: the newest one, whatever its state."""

    def newest(**key: Any) -> Ticket | None:  # noqa: ANN401 -- columns
        found = tx.rows(Ticket, store_id=store_id, order="-number", limit=1, lock=True, **key)
        return found[0] if found else None

    if in_reply_to is not None:
        answered = tx.find(TicketMessage, store_id=store_id, external_id=in_reply_to)
        ticket = tx.find(Ticket, answered.ticket_id, lock=True) if answered else None
        if ticket is not None:
            return ticket
    if thread_key is not None:
        return newest(thread_key=thread_key)
    if email is not None:
        return newest(customer_email_norm=email)
    return newest(shopify_customer_id=customer_id)


def _settle(tx: Transaction, store_id: UUID, ticket: Ticket | None, email: str | None) -> Outcome:
    """Do to the ticket what the message does to it, the message itself left out, and return what that is."""
    blocked = is_blocked(tx, store_id, email)
    is_expired = False
    if ticket is not None and ticket.resolved_at is not None:
        days = thresholds(tx, store_id).reopen_window_days
        window = timedelta(days=REOPEN_WINDOW_DAYS if days is None else days)
        is_expired = tx.now - ticket.resolved_at > window
    outcome = outcome_of(ticket.status if ticket else None, is_expired=is_expired, is_blocked=blocked)
    if ticket is None or outcome is Outcome.BLOCKED:
        return outcome
    came = {"last_message_at": tx.now, "last_customer_message_at": tx.now}
    if outcome is Outcome.FOLLOWED:
        if ticket.status is TicketStatus.RESOLVED:
            # It makes room for the ticket that follows it in the same thread.
            tx.transition(Ticket, ticket.id, TicketStatus.CLOSED)
    elif outcome is Outcome.REOPENED:
        again = {"waiting_since": tx.now, "snoozed_until": None, "reopen_count": ticket.reopen_count + 1}
        tx.transition(Ticket, ticket.id, TicketStatus.OPEN, **came, **again)
    elif blocked:
        tx.change(ticket, came)
    else:
        tx.change(ticket, {**came, "waiting_since": ticket.waiting_since or tx.now})
    return outcome


def _new_ticket(
    tx: Transaction,
    store_id: UUID,
    subject: str,
    follows: Ticket | None,
    source: TicketSource,
    customer: Mapping[str, object],
) -> Ticket:
    now = dict.fromkeys(("waiting_since", "last_message_at", "last_customer_message_at"), tx.now)
    ticket_id = tx.insert(
        Ticket,
        store_id=store_id,
        number=next_number(tx, store_id, "tickets"),
        subject=" ".join(subject.split())[:300] or "(no subject)",
        source=source,
        follows_ticket_id=follows.id if follows else None,
        **customer,
        **now,
    )
    return tx.get(Ticket, ticket_id)


def _supersede_drafts(tx: Transaction, ticket_id: UUID) -> None:
    """Take back what was proposed before the customer wrote again, approved or not."""
    waiting = [DraftStatus.PROPOSED, DraftStatus.APPROVED, DraftStatus.EDITED]
    for draft in tx.rows(AiDraft, ticket_id=ticket_id, status=waiting, order="id", lock=True):
        tx.transition(AiDraft, draft.id, DraftStatus.SUPERSEDED)
