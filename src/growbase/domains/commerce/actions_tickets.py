"""Tickets: opening, assigning, putting off, settling and reopening them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from growbase.core.errors import Invalid
from growbase.core.holds import require_free
from growbase.core.model import Root
from growbase.core.reads import Where
from growbase.core.transaction import Transaction
from growbase.domains.commerce.actions_stores import live_store, next_number
from growbase.domains.commerce.models_tickets import SCRUBBED, AiDraft, Ticket, TicketMessage, TicketStatus

CHUNK = 500

ASLEEP = frozenset({TicketStatus.OPEN, TicketStatus.PENDING, TicketStatus.SNOOZED})


def create_ticket(tx: Transaction, *, store_id: UUID, **values: Any) -> UUID:  # noqa: ANN401 -- columns
    """Open a ticket with the store's next number. Raises NotUnique if an open one has the same thread key."""
    live_store(tx, store_id)
    return tx.insert(Ticket, store_id=store_id, number=next_number(tx, store_id, "tickets"), **values)


def assign_ticket(tx: Transaction, *, id: UUID, user_id: UUID | None) -> UUID:
    """Say who looks after a ticket; null for nobody."""
    tx.update(Ticket, id, {"assignee_user_id": user_id})
    return id


def snooze_ticket(tx: Transaction, *, id: UUID, until: datetime) -> UUID:
    """Put a ticket off until a moment or the customer's next message. Raises Invalid for a moment that has passed."""
    ticket = tx.get(Ticket, id, lock=True)
    if until <= tx.now:
        raise Invalid.at("until", "too_early", "must be in the future")
    if ticket.status in ASLEEP:
        tx.change(ticket, {"snoozed_until": until})
    tx.transition(Ticket, id, TicketStatus.SNOOZED)
    return id


def resolve_ticket(tx: Transaction, *, id: UUID) -> UUID:
    """Say that a ticket is settled; a message of the customer opens it again for some days."""
    tx.transition(Ticket, id, TicketStatus.RESOLVED)
    return id


def reopen_ticket(tx: Transaction, *, id: UUID) -> UUID:
    """Open a resolved ticket again."""
    tx.transition(Ticket, id, TicketStatus.OPEN)
    return id


def close_ticket(tx: Transaction, *, id: UUID) -> UUID:
    """Close a resolved ticket for good; what the customer writes then is a new ticket that follows it."""
    tx.transition(Ticket, id, TicketStatus.CLOSED)
    return id


def guard_ticket(tx: Transaction, row: Root, to: TicketStatus) -> dict[str, object]:
    """Keep a ticket's dates true to its state; a customer never waits for one that is settled."""
    assert isinstance(row, Ticket)
    if to == TicketStatus.SNOOZED:
        if row.snoozed_until is None or row.snoozed_until <= tx.now:
            raise Invalid.at("until", "required", "is required: use the verb snooze")
        return {}
    if to == TicketStatus.PENDING:
        return {"snoozed_until": None, "waiting_since": None}
    if to == TicketStatus.RESOLVED:
        return {"snoozed_until": None, "waiting_since": None, "resolved_at": tx.now}
    if to == TicketStatus.CLOSED:
        return {"closed_at": tx.now}
    if to == TicketStatus.OPEN and row.status is TicketStatus.RESOLVED:
        return {"resolved_at": None, "reopen_count": row.reopen_count + 1, "waiting_since": tx.now}
    return {"snoozed_until": None} if to == TicketStatus.OPEN else {}


def unsnooze_tickets(tx: Transaction) -> int:
    """Open the organization's tickets whose time has come and return how many."""
    due = Where("snoozed_until", "<=", tx.now)
    rows = tx.rows(Ticket, due, status=TicketStatus.SNOOZED, order="id", limit=CHUNK, lock=True)
    for row in rows:
        tx.transition(Ticket, row.id, TicketStatus.OPEN)
    return len(rows)


def purged_ticket(tx: Transaction, row: Root) -> None:
    """Take what people wrote out of a ticket that goes for good; that it was there stays for the reports."""
    assert isinstance(row, Ticket)
    scrub_ticket(tx, row.id)


def scrub_ticket(tx: Transaction, ticket_id: UUID) -> None:
    """Remove every text of a ticket's messages and drafts; scores and times stay. Raises Held."""
    for message in tx.rows(TicketMessage, ticket_id=ticket_id, order="id", lock=True):
        require_free(tx, message)
        nothing = dict.fromkeys(("body_plain", "author_label", "metadata", "last_error"))
        gone: Mapping[str, object] = {"body_rich": SCRUBBED, **nothing}
        tx.change(message, gone, action="scrub")
    for draft in tx.rows(AiDraft, ticket_id=ticket_id, order="id", lock=True):
        require_free(tx, draft)
        words = {"content": SCRUBBED, "human_edit": None, "diff": None, "dropped_at": tx.now}
        tx.change(draft, words, action="scrub")
