"""Answering together: replies that are kept ready, who is writing in a ticket, and what came in between."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from growbase.core import clock
from growbase.core.errors import Conflict, FieldError, Forbidden, Invalid
from growbase.core.facts import delete_facts, upsert_facts
from growbase.core.reads import Reads, Where
from growbase.core.transaction import Transaction
from growbase.domains.commerce.models import Store
from growbase.domains.commerce.models_desk import CannedReply, TicketWriter
from growbase.domains.commerce.models_tickets import Ticket, TicketMessage
from growbase.domains.identity.models import User
from growbase.domains.marketing.actions_templates import render, used_variables

LEASE: Final = timedelta(seconds=40)
"""How long somebody counts as writing; a page tells again every 15 seconds."""
VARIABLES: Final = ("customer_name", "agent_name", "store_name", "ticket_number", "ticket_subject")
"""What a reply that is kept ready may name."""


class Overtaken(Conflict):
    """Somebody else has written in this ticket meanwhile.

    Read what they wrote, then send again with the number of messages there are now.
    """

    code = "overtaken"


# -- replies that are kept ready --------------------------------------------------------------------------------------


def create_canned_reply(tx: Transaction, *, body: str, **values: Any) -> UUID:  # noqa: ANN401 -- the columns
    """Keep a reply ready. Raises Invalid for a variable there is none of, NotUnique for a name or shortcut in use."""
    _require_known(body)
    return tx.insert(CannedReply, body=body, **values)


def update_canned_reply(tx: Transaction, *, id: UUID, changes: Mapping[str, Any], version: int | None = None) -> int:
    """Change a reply that is kept ready."""
    if "body" in changes:
        _require_known(changes["body"])
    return tx.update(CannedReply, id, changes, version=version)


def render_canned_reply(tx: Reads, *, id: UUID, ticket_id: UUID) -> dict[str, str]:
    """Return a reply filled in for a ticket; what the ticket does not say is left empty."""
    reply, ticket = tx.get(CannedReply, id), tx.get(Ticket, ticket_id)
    return {"text": filled(reply.body, values_of(tx, ticket)), "language": reply.language}


def values_of(reads: Reads, ticket: Ticket) -> dict[str, str]:
    """Return what the variables stand for in a ticket, for whoever answers it."""
    store = reads.find(Store, ticket.store_id, trash=True)
    user = reads.find(User, reads.actor.id) if reads.actor.id is not None else None
    return {
        "customer_name": ticket.customer_name or "",
        "agent_name": (user.full_name or user.email) if user else "",
        "store_name": (store.name or store.domain or "") if store else "",
        "ticket_number": str(ticket.number),
        "ticket_subject": ticket.subject,
    }


def filled(body: str, values: Mapping[str, str]) -> str:
    """Return a reply with its variables filled in."""
    return render(body, [], values)


def _require_known(body: str) -> None:
    try:
        names = used_variables(body)
    except Invalid as error:
        fields = tuple(FieldError("body", one.code, one.message, one.params) for one in error.fields)
        raise Invalid(fields=fields) from error
    for name in sorted(names - set(VARIABLES)):
        choices = ", ".join(VARIABLES)
        message = "{name} is no variable; use {choices}"
        raise Invalid.at("body", "unknown_variable", message, name=name, choices=choices)


# -- who is writing ---------------------------------------------------------------------------------------------------


def note_writing(tx: Transaction, *, id: UUID, writing: bool = True) -> dict[str, Any]:
    """Say that one is writing in a ticket, for 40 seconds, or has stopped; answer who else is.

    Raises Forbidden for a program, NotFound.
    """
    if tx.actor.id is None or tx.find(User, tx.actor.id) is None:
        raise Forbidden("Only people write by hand.")
    tx.get(Ticket, id)
    key = {"ticket_id": id, "user_id": tx.actor.id}
    if writing:
        row = {"organization_id": tx.actor.organization_id, **key, "until": tx.now + LEASE}
        conflict = ("organization_id", "ticket_id", "user_id")
        upsert_facts(tx, TicketWriter, [row], conflict=conflict, add=(), latest=("until",))
    else:
        delete_facts(tx, TicketWriter, key)
    return {"writers": writers_of(tx, id)}


def writers_of(reads: Reads, ticket_id: UUID) -> list[dict[str, str]]:
    """Return who else is writing in a ticket: id, name, and when they were last seen."""
    live = Where("until", ">", clock.now())
    found = reads.rows(TicketWriter, live, ticket_id=ticket_id, order="until")
    others = [row for row in found if row.user_id != reads.actor.id]
    users = {user.id: user for user in reads.rows(User, id=[row.user_id for row in others])} if others else {}
    return [
        {
            "user_id": str(row.user_id),
            "name": users[row.user_id].full_name or users[row.user_id].email,
            "seen_at": (row.until - LEASE).isoformat(),
        }
        for row in others
        if row.user_id in users
    ]


# -- what came in between ---------------------------------------------------------------------------------------------


def require_seen(tx: Transaction, ticket_id: UUID, seen_count: int | None) -> None:
    """Raise Overtaken if a ticket, held under lock, has more messages than its reader has seen."""
    if seen_count is None:
        return
    count = tx.count(TicketMessage, ticket_id=ticket_id, is_draft=False)
    if count > seen_count:
        raise Overtaken(seen_count=seen_count, message_count=count)
