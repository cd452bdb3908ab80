from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from growbase.core import clock
from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import Invalid, InvalidTransition, TooLate
from growbase.core.transaction import Transaction
from growbase.domains.commerce.actions_drafts import approve_draft, propose_draft
from growbase.domains.commerce.actions_messages import (
    LADDER,
    Outcome,
    outcome_of,
    plain_text,
    post_message,
    report_delivery,
    send_message,
    update_message,
)
from growbase.domains.commerce.models_tickets import (
    AiDraft,
    AuthorType,
    Delivery,
    DraftStatus,
    Ticket,
    TicketMessage,
    TicketStatus,
)
from tests.domains.commerce.factories import make_store, set_settings, write_in

S = TicketStatus


@pytest.fixture
def store_id(db: Database, actor: Actor) -> UUID:
    return db.write(actor, make_store)


@pytest.fixture
def ticket_id(db: Database, actor: Actor, store_id: UUID) -> UUID:
    id = db.write(actor, lambda tx: write_in(tx, store_id, external_id="m1")).ticket_id
    assert id is not None
    return id


def ticket_of(db: Database, actor: Actor, id: UUID) -> Ticket:
    with db.read(actor) as reads:
        return reads.get(Ticket, id)


def put(db: Database, actor: Actor, id: UUID, status: TicketStatus, *, days_ago: int = 0) -> None:
    """Bring an open ticket into a state."""
    paths: dict[TicketStatus, tuple[TicketStatus, ...]] = {
        S.PENDING: (S.PENDING,),
        S.RESOLVED: (S.RESOLVED,),
        S.CLOSED: (S.RESOLVED, S.CLOSED),
        S.ARCHIVED: (S.RESOLVED, S.CLOSED, S.ARCHIVED),
    }

    def unit(tx: Transaction) -> None:
        if status is S.SNOOZED:
            tx.update(Ticket, id, {"snoozed_until": tx.now + timedelta(days=1)})
            tx.transition(Ticket, id, S.SNOOZED)
        for step in paths.get(status, ()):
            tx.transition(Ticket, id, step)
        if days_ago:
            tx.update(Ticket, id, {"resolved_at": tx.now - timedelta(days=days_ago)})

    db.write(actor, unit)


CUSTOMER: list[tuple[TicketStatus | None, bool, bool, Outcome]] = [
    (None, False, False, Outcome.OPENED),
    (None, False, True, Outcome.BLOCKED),
    (S.OPEN, False, False, Outcome.APPENDED),
    (S.PENDING, False, False, Outcome.REOPENED),
    (S.SNOOZED, False, False, Outcome.REOPENED),
    (S.RESOLVED, False, False, Outcome.REOPENED),
    (S.RESOLVED, True, False, Outcome.FOLLOWED),
    (S.CLOSED, False, False, Outcome.FOLLOWED),
    (S.ARCHIVED, False, False, Outcome.FOLLOWED),
    (S.OPEN, False, True, Outcome.APPENDED),
    (S.PENDING, False, True, Outcome.APPENDED),
    (S.SNOOZED, False, True, Outcome.APPENDED),
    (S.RESOLVED, False, True, Outcome.APPENDED),
    (S.RESOLVED, True, True, Outcome.BLOCKED),
    (S.CLOSED, False, True, Outcome.BLOCKED),
    (S.ARCHIVED, False, True, Outcome.BLOCKED),
]


@pytest.mark.parametrize(("status", "is_expired", "is_blocked", "outcome"), CUSTOMER)
def test_what_a_customers_message_does_to_a_ticket(
    *, status: TicketStatus | None, is_expired: bool, is_blocked: bool, outcome: Outcome
) -> None:
    assert outcome_of(status, is_expired=is_expired, is_blocked=is_blocked) is outcome


@pytest.mark.parametrize(("status", "is_expired", "is_blocked", "outcome"), CUSTOMER)
def test_a_customers_message_goes_where_the_table_says(
    db: Database,
    actor: Actor,
    store_id: UUID,
    *,
    status: TicketStatus | None,
    is_expired: bool,
    is_blocked: bool,
    outcome: Outcome,
) -> None:
    first = None
    if status is not None:
        first = db.write(actor, lambda tx: write_in(tx, store_id, thread_key="t")).ticket_id
        assert first is not None
        put(db, actor, first, status, days_ago=15 if is_expired else 0)
    if is_blocked:
        db.write(actor, lambda tx: set_settings(tx, store_id, blocked_customers=["ANN@example.com "]))
    before = ticket_of(db, actor, first) if first else None
    found = db.write(actor, lambda tx: write_in(tx, store_id, thread_key="t", body="Again"))
    assert found.outcome is outcome
    if outcome is Outcome.BLOCKED:
        assert (found.ticket_id, found.message_id) == (None, None)
        return
    assert found.ticket_id is not None
    ticket = ticket_of(db, actor, found.ticket_id)
    if is_blocked:
        assert before is not None
        assert (ticket.status, ticket.waiting_since) == (before.status, before.waiting_since)
        return
    assert ticket.status is S.OPEN
    assert ticket.waiting_since is not None
    assert ticket.last_customer_message_at is not None
    assert (ticket.snoozed_until, ticket.resolved_at) == (None, None)
    assert ticket.reopen_count == (outcome is Outcome.REOPENED)
    if outcome is Outcome.FOLLOWED:
        assert first is not None
        assert (ticket.follows_ticket_id, ticket.id == first) == (first, False)
        assert ticket_of(db, actor, first).status is (S.ARCHIVED if status is S.ARCHIVED else S.CLOSED)
    elif first is not None:
        assert ticket.id == first


def reply(tx: Transaction, id: UUID) -> UUID:
    return post_message(tx, ticket_id=id, body_rich="We look into it.")


def note(tx: Transaction, id: UUID) -> UUID:
    return post_message(tx, ticket_id=id, body_rich="Call them.", is_internal_note=True)


def automation(tx: Transaction, id: UUID) -> UUID:
    return post_message(tx, ticket_id=id, body_rich="We got it.", author_type=AuthorType.AUTOMATION)


def draft(tx: Transaction, id: UUID) -> UUID:
    return propose_draft(tx, ticket_id=id, content="Dear customer")


@pytest.mark.parametrize("status", [S.PENDING, S.SNOOZED, S.RESOLVED])
@pytest.mark.parametrize("write", [reply, note, automation, draft])
def test_nothing_but_a_customer_reopens_a_ticket(
    db: Database, actor: Actor, ticket_id: UUID, status: TicketStatus, write: Callable[[Transaction, UUID], UUID]
) -> None:
    put(db, actor, ticket_id, status)
    db.write(actor, lambda tx: write(tx, ticket_id))
    found = ticket_of(db, actor, ticket_id)
    assert (found.status, found.reopen_count) == (status, 0)


def test_a_delivery_receipt_reopens_nothing(db: Database, actor: Actor, ticket_id: UUID) -> None:
    id = db.write(actor, lambda tx: reply(tx, ticket_id))
    put(db, actor, ticket_id, S.RESOLVED)
    before = ticket_of(db, actor, ticket_id)
    for step in ("dispatching", "sent", "delivered"):
        db.write(actor, lambda tx, step=step: report_delivery(tx, id=id, to=step, external_id="out-1"))
    assert ticket_of(db, actor, ticket_id).version == before.version
    with db.read(actor) as reads:
        message = reads.get(TicketMessage, id)
    assert (message.delivery, message.external_id, message.sent_at is None) == (Delivery.DELIVERED, "out-1", False)


def test_a_window_of_its_own_decides_how_long_a_ticket_comes_back(db: Database, actor: Actor, store_id: UUID) -> None:
    db.write(actor, lambda tx: set_settings(tx, store_id, thresholds={"reopen_window_days": 2}))
    first = db.write(actor, lambda tx: write_in(tx, store_id)).ticket_id
    assert first is not None
    put(db, actor, first, S.RESOLVED, days_ago=3)
    assert db.write(actor, lambda tx: write_in(tx, store_id)).outcome is Outcome.FOLLOWED


def test_only_a_reply_ends_the_waiting_and_is_the_first_response(db: Database, actor: Actor, ticket_id: UUID) -> None:
    for write in (note, automation, draft):
        db.write(actor, lambda tx, write=write: write(tx, ticket_id))
    waiting = ticket_of(db, actor, ticket_id)
    assert (waiting.waiting_since is None, waiting.first_response_at) == (False, None)
    id = db.write(
        actor, lambda tx: post_message(tx, ticket_id=ticket_id, body_rich="<p>Dear <b>Ann</b></p>", is_draft=True)
    )
    assert ticket_of(db, actor, ticket_id).first_response_at is None
    db.write(actor, lambda tx: send_message(tx, id=id))
    answered = ticket_of(db, actor, ticket_id)
    assert (answered.waiting_since, answered.first_response_at is None) == (None, False)
    db.write(actor, lambda tx: reply(tx, ticket_id))
    assert ticket_of(db, actor, ticket_id).first_response_at == answered.first_response_at


def test_what_was_sent_stays_as_it_was(db: Database, actor: Actor, ticket_id: UUID) -> None:
    id = db.write(actor, lambda tx: post_message(tx, ticket_id=ticket_id, body_rich="<p>One</p>", is_draft=True))
    db.write(actor, lambda tx: update_message(tx, id=id, changes={"body_rich": "<p>Two &amp; three</p>"}))
    with db.read(actor) as reads:
        assert reads.get(TicketMessage, id).body_plain == "Two & three"
    db.write(actor, lambda tx: send_message(tx, id=id))
    with pytest.raises(TooLate):
        db.write(actor, lambda tx: update_message(tx, id=id, changes={"body_rich": "Four"}))
    with pytest.raises(TooLate):
        db.write(actor, lambda tx: send_message(tx, id=id))
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: tx.update(TicketMessage, id, {"is_internal_note": True}))


def test_a_closed_ticket_takes_notes_only(db: Database, actor: Actor, ticket_id: UUID) -> None:
    put(db, actor, ticket_id, S.CLOSED)
    with pytest.raises(TooLate):
        db.write(actor, lambda tx: reply(tx, ticket_id))
    assert db.write(actor, lambda tx: note(tx, ticket_id))


def test_delivery_goes_on_and_never_back(db: Database, actor: Actor, ticket_id: UUID) -> None:
    id = db.write(actor, lambda tx: reply(tx, ticket_id))
    for start in Delivery:
        for end in Delivery:
            if end is Delivery.NONE:
                continue
            db.write(actor, lambda tx, start=start: tx.update(TicketMessage, id, {"delivery": start}))
            try:
                db.write(actor, lambda tx, end=end: report_delivery(tx, id=id, to=end))
            except InvalidTransition:
                assert end not in LADDER[start] | {start}
            else:
                assert end in LADDER[start] | {start}


def test_a_message_delivered_twice_is_one(db: Database, actor: Actor, store_id: UUID, ticket_id: UUID) -> None:
    put(db, actor, ticket_id, S.RESOLVED)
    before = ticket_of(db, actor, ticket_id)
    found = db.write(actor, lambda tx: write_in(tx, store_id, external_id="m1"))
    assert (found.outcome, found.ticket_id) == (Outcome.DUPLICATE, ticket_id)
    assert ticket_of(db, actor, ticket_id).version == before.version


def test_an_answer_finds_its_ticket_whoever_writes_it(
    db: Database, actor: Actor, store_id: UUID, ticket_id: UUID
) -> None:
    found = db.write(
        actor,
        lambda tx: write_in(
            tx, store_id, customer_email="colleague@example.com", in_reply_to="m1", thread_key="another"
        ),
    )
    assert (found.outcome, found.ticket_id) == (Outcome.APPENDED, ticket_id)
    other = db.write(actor, lambda tx: write_in(tx, store_id, thread_key="another"))
    assert other.outcome is Outcome.OPENED
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: write_in(tx, store_id, customer_email=None))


def test_a_customer_is_known_by_the_shops_id_too(db: Database, actor: Actor, store_id: UUID) -> None:
    who = {"customer_email": None, "shopify_customer_id": "77"}
    first = db.write(actor, lambda tx: write_in(tx, store_id, **who))
    again = db.write(actor, lambda tx: write_in(tx, store_id, **who))
    assert (again.outcome, again.ticket_id) == (Outcome.APPENDED, first.ticket_id)


def test_a_customers_message_takes_back_what_was_drafted_before(
    db: Database, actor: Actor, store_id: UUID, ticket_id: UUID
) -> None:
    id = db.write(actor, lambda tx: draft(tx, ticket_id))
    db.write(actor, lambda tx: approve_draft(tx, id=id))
    db.write(actor, lambda tx: write_in(tx, store_id))
    with db.read(actor) as reads:
        assert reads.get(AiDraft, id).status is DraftStatus.SUPERSEDED


@pytest.mark.parametrize("thread", [None, "t"])
def test_messages_at_the_same_moment_make_one_ticket(
    db: Database, actor: Actor, store_id: UUID, at_once: Callable[..., list[Any]], thread: str | None
) -> None:
    calls = [
        lambda n=n: db.write(actor, lambda tx: write_in(tx, store_id, external_id=f"m{n}", thread_key=thread))
        for n in range(5)
    ]
    found = at_once(calls)
    assert sorted(one.outcome for one in found) == ["appended"] * 4 + ["opened"]
    assert len({one.ticket_id for one in found}) == 1
    with db.read(actor) as reads:
        assert (reads.count(Ticket), reads.count(TicketMessage)) == (1, 5)


def test_a_message_delivered_by_many_at_once_is_one(
    db: Database, actor: Actor, store_id: UUID, at_once: Callable[..., list[Any]]
) -> None:
    found = at_once([lambda: db.write(actor, lambda tx: write_in(tx, store_id, external_id="same"))] * 5)
    assert sorted(one.outcome for one in found) == ["duplicate"] * 4 + ["opened"]


def test_html_is_read_as_text() -> None:
    assert plain_text("<p>a&nbsp;&lt;b&gt;</p>").replace("\xa0", " ") == "a <b>"
    assert clock.now()
