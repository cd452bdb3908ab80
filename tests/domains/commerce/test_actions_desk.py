"""Answering together: replies kept ready, who is writing, and that nobody's answer overtakes another unseen."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.errors import Forbidden, Invalid, NotFound, NotUnique
from growbase.core.trash import purge, trash
from growbase.domains.commerce.actions_desk import (
    LEASE,
    Overtaken,
    create_canned_reply,
    note_writing,
    render_canned_reply,
    update_canned_reply,
    writers_of,
)
from growbase.domains.commerce.actions_drafts import approve_draft, propose_draft, send_draft
from growbase.domains.commerce.actions_messages import post_message
from growbase.domains.commerce.models_desk import TicketWriter
from growbase.domains.commerce.models_tickets import Ticket, TicketMessage
from tests.domains.commerce.factories import make_store, write_in
from tests.fixtures import Tenant

AtOnce = Callable[..., list[Any]]


@pytest.fixture
def ticket(db: Database, actor: Actor) -> UUID:
    """Give a ticket with one message of its customer."""
    store_id = db.write(actor, make_store)
    found = db.write(actor, lambda tx: write_in(tx, store_id, customer_name="Ines")).ticket_id
    assert found is not None
    return found


def test_a_canned_reply_is_filled_in_for_a_ticket(db: Database, actor: Actor, ticket: UUID) -> None:
    body = "Hello {{ customer_name }}, this is {{agent_name}} about #{{ticket_number}}."
    id = db.write(actor, lambda tx: create_canned_reply(tx, name="Hello", body=body, shortcut="hi"))
    with db.read(actor) as reads:
        found = render_canned_reply(reads, id=id, ticket_id=ticket)
    assert found == {"text": "Hello Ines, this is Owner of Acme about #1.", "language": "en"}
    for wrong in ("{{ secret }}", "{% for a in b %}{% endfor %}", "{{ customer_name.__class__ }}", "{{"):
        with pytest.raises(Invalid) as refused:
            db.write(actor, lambda tx, wrong=wrong: update_canned_reply(tx, id=id, changes={"body": wrong}))
        assert refused.value.fields[0].field == "body"
    with pytest.raises(NotUnique):
        db.write(actor, lambda tx: create_canned_reply(tx, name="HELLO", body="x"))
    db.write(actor, lambda tx: create_canned_reply(tx, name="Hello", body="Bonjour", language="fr"))


def test_who_is_writing_is_seen_by_others_until_the_lease_ends(
    db: Database, tenant: Tenant, other_tenant: Tenant, ticket: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert db.write(tenant.owner, lambda tx: note_writing(tx, id=ticket)) == {"writers": []}
    seen = db.write(tenant.member, lambda tx: note_writing(tx, id=ticket))["writers"]
    assert [one["name"] for one in seen] == ["Owner of Acme"]
    with db.read(tenant.owner) as reads:
        assert [one["name"] for one in writers_of(reads, ticket)] == ["Member of Acme"]
    with db.read(other_tenant.owner) as reads:
        assert writers_of(reads, ticket) == []
    with pytest.raises(NotFound):
        db.write(other_tenant.owner, lambda tx: note_writing(tx, id=ticket))
    with pytest.raises(Forbidden):
        db.write(system("test", tenant.organization_id), lambda tx: note_writing(tx, id=ticket))
    db.write(tenant.member, lambda tx: note_writing(tx, id=ticket, writing=False))
    with db.read(tenant.owner) as reads:
        assert writers_of(reads, ticket) == []
    later = clock.now() + LEASE + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    with db.read(tenant.member) as reads:
        assert writers_of(reads, ticket) == []


def test_one_who_writes_in_two_windows_is_one_writer(
    db: Database, tenant: Tenant, ticket: UUID, at_once: AtOnce
) -> None:
    people = (tenant.owner, tenant.owner, tenant.member, tenant.admin)
    calls = [partial(db.write, one, lambda tx: note_writing(tx, id=ticket)) for one in people]
    assert not [found for found in at_once(calls) if isinstance(found, Exception)]
    with db.read(tenant.viewer) as reads:
        assert len(reads.rows(TicketWriter)) == 3


def test_of_two_answers_at_the_same_moment_one_is_asked_to_read_the_other(
    db: Database, tenant: Tenant, ticket: UUID, at_once: AtOnce
) -> None:
    def answer(actor: Actor, words: str) -> UUID:
        return db.write(actor, lambda tx: post_message(tx, ticket_id=ticket, body_rich=words, seen_count=1))

    found = at_once([partial(answer, tenant.owner, "Mine"), partial(answer, tenant.member, "Theirs")])
    refused = [one for one in found if isinstance(one, Exception)]
    assert [type(one) for one in refused] == [Overtaken]
    assert isinstance(refused[0], Overtaken)
    assert refused[0].params == {"seen_count": 1, "message_count": 2}
    with db.read(tenant.owner) as reads:
        assert reads.count(TicketMessage, ticket_id=ticket) == 2
    db.write(tenant.owner, lambda tx: post_message(tx, ticket_id=ticket, body_rich="Read", seen_count=2))


def test_an_approved_draft_waits_for_what_came_in_between(db: Database, actor: Actor, ticket: UUID) -> None:
    draft = db.write(actor, lambda tx: propose_draft(tx, ticket_id=ticket, content="Words"))
    db.write(actor, lambda tx: approve_draft(tx, id=draft))
    note = {"body_rich": "Wait", "is_internal_note": True}
    db.write(actor, lambda tx: post_message(tx, ticket_id=ticket, **note))
    with pytest.raises(Overtaken):
        db.write(actor, lambda tx: send_draft(tx, id=draft, seen_count=1))
    db.write(actor, lambda tx: send_draft(tx, id=draft, seen_count=2))
    # Drafts that nobody has sent are not counted.
    draft_note = {"body_rich": "Not yet", "is_draft": True}
    db.write(actor, lambda tx: post_message(tx, ticket_id=ticket, **draft_note))
    db.write(actor, lambda tx: post_message(tx, ticket_id=ticket, body_rich="Sent", seen_count=3))


def test_a_purged_ticket_takes_its_writers_along(db: Database, actor: Actor, ticket: UUID) -> None:
    db.write(actor, lambda tx: note_writing(tx, id=ticket))
    db.write(actor, lambda tx: trash(tx, Ticket, ticket))
    db.write(actor, lambda tx: purge(tx, Ticket, ticket, keep=True))
    with db.read(actor) as reads:
        assert reads.rows(TicketWriter) == []
