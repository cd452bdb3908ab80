"""Forgetting people: a customer who asked for it, or a shop that has gone; and telling staff of a request for data."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from growbase.core.folding import fold_email
from growbase.core.holds import require_free
from growbase.core.subject_keys import destroy_keys
from growbase.core.transaction import Transaction
from growbase.core.trash import purge, trash
from growbase.domains.commerce.actions_messages import ENDED, post_message
from growbase.domains.commerce.actions_stores import live_store
from growbase.domains.commerce.actions_tickets import create_ticket, scrub_ticket
from growbase.domains.commerce.models import Store, StorePlatform, StoreStatus
from growbase.domains.commerce.models_events import WebhookEvent
from growbase.domains.commerce.models_flags import OrderFlag
from growbase.domains.commerce.models_tickets import SCRUBBED, AuthorType, Ticket, TicketSource

NOBODY: Mapping[str, object] = {
    "customer_email": None,
    "customer_name": None,
    "shopify_customer_id": None,
    "subject": SCRUBBED,
    "tags": [],
}
CONNECTED = frozenset({StoreStatus.ONBOARDING, StoreStatus.ACTIVE, StoreStatus.SUSPENDED})


def redact_customer(
    tx: Transaction, *, shop_domain: str, email: str | None, customer_id: str | None, order_ids: Sequence[str] = ()
) -> bool:
    """Take a customer out of the tickets of a shop, those in the trash too, and return whether there was anything.

    Raises Held where a legal hold keeps any of it.
    """
    found = False
    for store in _stores(tx, shop_domain):
        tickets: dict[UUID, Ticket] = {}
        keys = {"customer_email_norm": fold_email(email) if email else None, "shopify_customer_id": customer_id}
        for name, value in keys.items():
            if value is not None:
                named: dict[str, Any] = {name: value}
                rows = tx.rows(Ticket, store_id=store.id, trash=True, order="id", lock=True, **named)
                tickets |= {row.id: row for row in rows}
        for ticket in tickets.values():
            require_free(tx, ticket)
            scrub_ticket(tx, ticket.id)
            tx.change(ticket, NOBODY, action="scrub")
        destroy_keys(tx, tickets)
        # What is under review of an order tells nothing of its customer but by these notes.
        for flag in tx.rows(OrderFlag, store_id=store.id, shopify_order_id=list(order_ids), order="id", lock=True):
            tx.change(flag, {"notes": None, "resolution_notes": None}, action="scrub")
        found = _drop_payloads(tx, store.id, order_ids) or bool(tickets) or found
    return found


def redact_shop(tx: Transaction, *, shop_domain: str, asked_at: datetime) -> bool:
    """Remove a shop for good and return whether there was one; what reports still need stays without its words.

    A shop that has been connected again since it was asked for stays.
    """
    found = False
    for store in _stores(tx, shop_domain):
        is_back = store.connected_at is not None and store.connected_at > asked_at
        if store.purged_at is not None or (store.status in CONNECTED and is_back):
            continue
        found = True
        if store.deleted_at is None:
            if store.status in CONNECTED:
                tx.transition(Store, store.id, StoreStatus.DISCONNECTED)
            trash(tx, Store, store.id)
        _drop_payloads(tx, store.id)
        purge(tx, Store, store.id, keep=True)
    return found


def request_data(tx: Transaction, store: Store, webhook_id: str, payload: Mapping[str, Any]) -> bool:
    """Open a ticket for a customer who wants to know what is known of them, once, with what staff have to gather."""
    key = f"data-request/{webhook_id}"
    if tx.find(Ticket, store_id=store.id, thread_key=key, trash=True) is not None:
        return False
    live_store(tx, store.id)
    customer = payload.get("customer") or {}
    email = customer.get("email")
    known = (
        [] if not email else tx.rows(Ticket, store_id=store.id, customer_email_norm=fold_email(email), order="number")
    )
    ticket_id = create_ticket(
        tx,
        store_id=store.id,
        subject="A customer asks for their data",
        source=TicketSource.API,
        customer_email=email,
        shopify_customer_id=str(customer["id"]) if customer.get("id") is not None else None,
        shopify_order_id=None,
        thread_key=key,
        tags=["data-request"],
        waiting_since=tx.now,
    )
    open_ones = sum(ticket.status not in ENDED for ticket in known)
    numbers = ", ".join(f"#{ticket.number}" for ticket in known) or "none"
    text = f"Answer within 30 days. Tickets of this customer: {numbers} ({open_ones} not closed)."
    post_message(tx, ticket_id=ticket_id, body_rich=text, is_internal_note=True, author_type=AuthorType.AUTOMATION)
    return True


def _stores(tx: Transaction, shop_domain: str) -> list[Store]:
    """Return the stores of a shop, those in the trash too."""
    key: dict[str, Any] = {"platform": StorePlatform.SHOPIFY, "shop_domain": shop_domain}
    return tx.rows(Store, trash=True, lock=True, order="id", **key)


def _drop_payloads(tx: Transaction, store_id: UUID, order_ids: Sequence[str] | None = None) -> bool:
    """Forget what the webhooks of a store, or of some of its orders, held."""
    some: dict[str, Any] = {} if order_ids is None else {"resource_id": list(order_ids)}
    rows = [row for row in tx.rows(WebhookEvent, store_id=store_id, order="id", lock=True, **some) if row.payload]
    for row in rows:
        tx.change(row, {"payload": None}, action="scrub")
    return bool(rows)
