from datetime import timedelta
from uuid import UUID

import pytest

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import Invalid, InvalidTransition, NotUnique
from growbase.core.trash import purge, trash
from growbase.domains.commerce.actions_drafts import propose_draft
from growbase.domains.commerce.actions_tickets import (
    assign_ticket,
    close_ticket,
    create_ticket,
    reopen_ticket,
    resolve_ticket,
    snooze_ticket,
    unsnooze_tickets,
)
from growbase.domains.commerce.models_tickets import AiDraft, Ticket, TicketMessage, TicketStatus
from tests.domains.commerce.factories import make_store, write_in
from tests.fixtures import Tenant


def ticket_of(db: Database, actor: Actor, id: UUID) -> Ticket:
    with db.read(actor) as reads:
        return reads.get(Ticket, id, trash=True)


def test_tickets_are_numbered_within_their_store(db: Database, actor: Actor) -> None:
    stores = [db.write(actor, make_store) for _ in range(2)]
    numbers = []
    for store_id in (*stores, stores[0]):
        id = db.write(actor, lambda tx, store_id=store_id: create_ticket(tx, store_id=store_id, subject="Hello"))
        numbers.append(ticket_of(db, actor, id).number)
    assert numbers == [1, 1, 2]
    db.write(actor, lambda tx: trash(tx, Ticket, id))
    again = db.write(actor, lambda tx: create_ticket(tx, store_id=stores[0], subject="Hello"))
    assert ticket_of(db, actor, again).number == 3


def test_a_thread_has_one_open_ticket(db: Database, actor: Actor) -> None:
    store_id = db.write(actor, make_store)
    ticket = {"store_id": store_id, "subject": "Hello", "thread_key": "t"}
    id = db.write(actor, lambda tx: create_ticket(tx, **ticket))
    with pytest.raises(NotUnique):
        db.write(actor, lambda tx: create_ticket(tx, **ticket))
    for step in (resolve_ticket, close_ticket):
        db.write(actor, lambda tx, step=step: step(tx, id=id))
    assert db.write(actor, lambda tx: create_ticket(tx, **ticket)) != id


def test_dates_follow_the_state(db: Database, actor: Actor, tenant: Tenant) -> None:
    store_id = db.write(actor, make_store)
    id = db.write(actor, lambda tx: write_in(tx, store_id)).ticket_id
    assert id is not None
    assert ticket_of(db, actor, id).waiting_since is not None
    db.write(actor, lambda tx: assign_ticket(tx, id=id, user_id=tenant.member.id))
    assert ticket_of(db, actor, id).assignee_user_id == tenant.member.id
    db.write(actor, lambda tx: resolve_ticket(tx, id=id))
    found = ticket_of(db, actor, id)
    assert (found.waiting_since, found.resolved_at is None) == (None, False)
    db.write(actor, lambda tx: reopen_ticket(tx, id=id))
    found = ticket_of(db, actor, id)
    assert (found.status, found.resolved_at, found.reopen_count) == (TicketStatus.OPEN, None, 1)
    with pytest.raises(InvalidTransition) as refused:
        db.write(actor, lambda tx: close_ticket(tx, id=id))
    assert refused.value.params["allowed"] == ["pending", "resolved", "snoozed"]
    for step in (resolve_ticket, close_ticket):
        db.write(actor, lambda tx, step=step: step(tx, id=id))
    assert ticket_of(db, actor, id).closed_at is not None
    with pytest.raises(InvalidTransition):
        db.write(actor, lambda tx: reopen_ticket(tx, id=id))


def test_a_snoozed_ticket_comes_back_when_its_time_has_come(db: Database, actor: Actor) -> None:
    store_id = db.write(actor, make_store)
    id = db.write(actor, lambda tx: write_in(tx, store_id)).ticket_id
    assert id is not None
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: snooze_ticket(tx, id=id, until=tx.now))
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: tx.transition(Ticket, id, TicketStatus.SNOOZED))
    db.write(actor, lambda tx: snooze_ticket(tx, id=id, until=tx.now + timedelta(days=1)))
    waiting = ticket_of(db, actor, id).waiting_since
    assert db.write(actor, unsnooze_tickets) == 0
    db.write(actor, lambda tx: tx.update(Ticket, id, {"snoozed_until": tx.now - timedelta(seconds=1)}))
    assert db.write(actor, unsnooze_tickets) == 1
    found = ticket_of(db, actor, id)
    assert (found.status, found.snoozed_until, found.waiting_since) == (TicketStatus.OPEN, None, waiting)
    assert found.reopen_count == 0


def test_a_ticket_that_goes_for_good_keeps_no_words_and_no_person(db: Database, actor: Actor) -> None:
    store_id = db.write(actor, make_store)
    id = db.write(actor, lambda tx: write_in(tx, store_id, body="My address is 1 Main Street")).ticket_id
    assert id is not None
    db.write(actor, lambda tx: propose_draft(tx, ticket_id=id, content="Dear Ann", reward_score=0.5))
    db.write(actor, lambda tx: trash(tx, Ticket, id))
    assert db.write(actor, lambda tx: purge(tx, Ticket, id, keep=True)) is False
    found = ticket_of(db, actor, id)
    assert (found.customer_email, found.customer_email_norm, found.purged_at is None) == (None, None, False)
    with db.read(actor) as reads:
        assert [message.body_rich for message in reads.rows(TicketMessage, ticket_id=id)] == ["[removed]"]
        [draft] = reads.rows(AiDraft, ticket_id=id)
    assert (draft.content, draft.reward_score) == ("[removed]", 0.5)
