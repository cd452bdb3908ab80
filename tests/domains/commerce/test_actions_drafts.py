from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from growbase.core import clock
from growbase.core.actor import Actor, ActorKind
from growbase.core.database import Database
from growbase.core.errors import Conflict, Forbidden, Invalid, InvalidTransition, Stale
from growbase.domains.commerce.actions_drafts import (
    approve_draft,
    difference,
    fingerprint,
    propose_draft,
    reject_draft,
    send_draft,
)
from growbase.domains.commerce.actions_messages import post_message
from growbase.domains.commerce.models_tickets import AiDraft, AuthorType, DraftStatus, Ticket, TicketMessage
from growbase.jobs.retention import retain
from tests.domains.commerce.factories import make_store, set_settings, write_in


@pytest.fixture
def store_id(db: Database, actor: Actor) -> UUID:
    return db.write(actor, make_store)


@pytest.fixture
def ticket_id(db: Database, actor: Actor, store_id: UUID) -> UUID:
    id = db.write(actor, lambda tx: write_in(tx, store_id)).ticket_id
    assert id is not None
    return id


def propose(db: Database, actor: Actor, ticket_id: UUID, **over: Any) -> UUID:  # noqa: ANN401
    return db.write(actor, lambda tx: propose_draft(tx, **{"ticket_id": ticket_id, "content": "Dear Ann", **over}))


def draft_of(db: Database, actor: Actor, id: UUID) -> AiDraft:
    with db.read(actor) as reads:
        return reads.get(AiDraft, id)


def replies(db: Database, actor: Actor, ticket_id: UUID) -> list[TicketMessage]:
    with db.read(actor) as reads:
        found = reads.rows(TicketMessage, ticket_id=ticket_id, order="id")
    return [message for message in found if message.author_type is not AuthorType.CUSTOMER]


def test_a_new_draft_takes_the_place_of_the_one_before(db: Database, actor: Actor, ticket_id: UUID) -> None:
    first, second = propose(db, actor, ticket_id), propose(db, actor, ticket_id, content="Hi Ann")
    assert draft_of(db, actor, first).status is DraftStatus.SUPERSEDED
    assert draft_of(db, actor, second).content_hash == fingerprint("Hi Ann")


def test_the_same_job_proposes_once(db: Database, actor: Actor, ticket_id: UUID) -> None:
    job = clock.new_id()
    assert propose(db, actor, ticket_id, job_id=job) == propose(db, actor, ticket_id, job_id=job)


def test_drafts_proposed_at_once_leave_one(
    db: Database, actor: Actor, ticket_id: UUID, at_once: Callable[..., list[Any]]
) -> None:
    found = at_once([lambda: propose(db, actor, ticket_id)] * 5)
    assert len(set(found)) == 5
    with db.read(actor) as reads:
        states = sorted(draft.status for draft in reads.rows(AiDraft, ticket_id=ticket_id))
    assert states == ["proposed", *["superseded"] * 4]


def test_nothing_is_sent_without_approval(db: Database, actor: Actor, ticket_id: UUID) -> None:
    id = propose(db, actor, ticket_id)
    for step in (lambda tx: send_draft(tx, id=id), lambda tx: tx.transition(AiDraft, id, DraftStatus.SENT)):
        with pytest.raises(Conflict):
            db.write(actor, step)
    assert replies(db, actor, ticket_id) == []
    db.write(actor, lambda tx: approve_draft(tx, id=id))
    db.write(actor, lambda tx: send_draft(tx, id=id))
    [message] = replies(db, actor, ticket_id)
    assert (message.body_plain, message.author_type, message.delivery) == ("Dear Ann", AuthorType.STAFF, "queued")
    draft = draft_of(db, actor, id)
    assert (draft.status, draft.sent_message_id, draft.approved_by) == (DraftStatus.SENT, message.id, actor.id)
    with db.read(actor) as reads:
        assert reads.get(Ticket, ticket_id).first_response_at is not None


def test_a_draft_is_sent_exactly_once(
    db: Database, actor: Actor, ticket_id: UUID, at_once: Callable[..., list[Any]]
) -> None:
    id = propose(db, actor, ticket_id)
    db.write(actor, lambda tx: approve_draft(tx, id=id))
    assert at_once([lambda: db.write(actor, lambda tx: send_draft(tx, id=id))] * 4) == [id] * 4
    assert len(replies(db, actor, ticket_id)) == 1


def test_programs_propose_but_never_approve(db: Database, actor: Actor, ticket_id: UUID) -> None:
    id = propose(db, actor, ticket_id)
    for kind in (ActorKind.AGENT, ActorKind.JOB):
        with pytest.raises(Forbidden):
            db.write(replace(actor, kind=kind), lambda tx: approve_draft(tx, id=id))


def test_a_store_may_send_by_itself_if_it_says_so(db: Database, actor: Actor, store_id: UUID, ticket_id: UUID) -> None:
    db.write(actor, lambda tx: set_settings(tx, store_id, feature_flags={"auto_send_drafts": True}))
    id = propose(db, actor, ticket_id, content="One\n<b>two</b>")
    db.write(replace(actor, kind=ActorKind.JOB), lambda tx: send_draft(tx, id=id))
    [message] = replies(db, actor, ticket_id)
    assert (message.author_type, message.body_rich) == (AuthorType.AI, "One<br>&lt;b&gt;two&lt;/b&gt;")


def test_an_approval_is_bound_to_the_words_that_were_read(db: Database, actor: Actor, ticket_id: UUID) -> None:
    id = propose(db, actor, ticket_id)
    with pytest.raises(Stale):
        db.write(actor, lambda tx: approve_draft(tx, id=id, content_hash=fingerprint("Other words")))
    db.write(actor, lambda tx: approve_draft(tx, id=id, content_hash=fingerprint("Dear Ann")))
    db.write(actor, lambda tx: tx.update(AiDraft, id, {"content": "Give me your password"}))
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: send_draft(tx, id=id))


def test_an_edit_is_kept_with_what_it_changed(db: Database, actor: Actor, ticket_id: UUID) -> None:
    id = propose(db, actor, ticket_id, content="Dear Ann, it comes soon.")
    db.write(actor, lambda tx: approve_draft(tx, id=id, edit="Dear Ann, it comes today."))
    draft = draft_of(db, actor, id)
    assert (draft.status, draft.content) == (DraftStatus.EDITED, "Dear Ann, it comes soon.")
    assert draft.edit_distance == len("soon.") + len("today.")
    assert draft.diff is not None
    assert "+Dear Ann, it comes today." in draft.diff.splitlines()
    db.write(actor, lambda tx: send_draft(tx, id=id))
    assert replies(db, actor, ticket_id)[0].body_plain == "Dear Ann, it comes today."
    with pytest.raises(InvalidTransition):
        db.write(actor, lambda tx: approve_draft(tx, id=id))


def test_words_are_compared_one_by_one() -> None:
    assert difference("a b c", "a b c")[0] == 0
    assert difference("a b c", "a c")[0] == len("b ")
    assert difference("", "new")[0] == 3


def test_a_rejection_may_say_why(db: Database, actor: Actor, ticket_id: UUID) -> None:
    id = propose(db, actor, ticket_id)
    db.write(actor, lambda tx: reject_draft(tx, id=id, feedback={"tone": "cold"}, reward_score=-0.5))
    draft = draft_of(db, actor, id)
    assert (draft.status, draft.feedback, draft.reward_score) == (DraftStatus.REJECTED, {"tone": "cold"}, -0.5)
    with pytest.raises(InvalidTransition):
        db.write(actor, lambda tx: send_draft(tx, id=id))


def test_a_draft_belongs_to_a_message_of_its_ticket(
    db: Database, actor: Actor, store_id: UUID, ticket_id: UUID
) -> None:
    other = db.write(actor, lambda tx: write_in(tx, store_id, customer_email="bob@example.com"))
    with pytest.raises(Invalid):
        propose(db, actor, ticket_id, ticket_message_id=other.message_id)
    note = db.write(actor, lambda tx: post_message(tx, ticket_id=ticket_id, body_rich="x", is_internal_note=True))
    assert propose(db, actor, ticket_id, ticket_message_id=note)


def test_old_words_go_and_scores_stay(
    db: Database, actor: Actor, ticket_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = propose(db, actor, ticket_id, reward_score=0.8)
    assert retain(db, table="ai_drafts").rows == 0
    (rule,) = AiDraft.__retention__
    monkeypatch.setattr(AiDraft, "__retention__", (replace(rule, days=-1),))
    assert retain(db, table="ai_drafts").rows == 1
    assert retain(db, table="ai_drafts").rows == 0
    draft = draft_of(db, actor, id)
    assert (draft.content, draft.reward_score, draft.dropped_at is None) == ("[removed]", 0.8, False)
