import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import Conflict
from growbase.core.generation import OFFLINE
from growbase.core.tables import JobStatus
from growbase.core.transaction import Transaction
from growbase.domains.commerce import tasks_generation
from growbase.domains.commerce.actions_drafts import ask_for_draft
from growbase.domains.commerce.actions_messages import post_message
from growbase.domains.commerce.actions_stores import create_secret, revoke_secret
from growbase.domains.commerce.actions_tickets import close_ticket, resolve_ticket
from growbase.domains.commerce.models import StoreSecret
from growbase.domains.commerce.models_tickets import AiDraft, DraftStatus, Ticket
from growbase.domains.commerce.tasks import stale_secrets
from growbase.domains.identity.models_personal import Notification
from growbase.jobs.worker import Worker
from tests.completions import Endpoint, hurry, job_of
from tests.domains.commerce.factories import make_store, write_in
from tests.fixtures import Tenant


def make_ticket(tx: Transaction, **over: Any) -> UUID:  # noqa: ANN401 -- columns
    """Let a customer open a ticket about an order."""
    store_id = make_store(tx, name="Rye & Co")
    ticket_id = write_in(tx, store_id, body="Where is it?", subject="My bread").ticket_id
    tx.update(Ticket, ticket_id, {"customer_name": "Ann Baker", "shopify_order_id": "1001", **over})
    return ticket_id


def asked(db: Database, actor: Actor, ticket_id: UUID) -> UUID:
    return UUID(db.write(actor, lambda tx: ask_for_draft(tx, id=ticket_id))["job_id"])


def drafts(db: Database, actor: Actor) -> list[AiDraft]:
    with db.read(actor) as reads:
        return reads.rows(AiDraft, order="created_at, id")


def test_without_a_model_a_customer_is_answered_politely(db: Database, actor: Actor, offline_worker: Worker) -> None:
    ticket_id = db.write(actor, make_ticket)
    first = asked(db, actor, ticket_id)
    assert asked(db, actor, ticket_id) == first
    offline_worker.run_all()
    asked(db, actor, ticket_id)
    offline_worker.run_all()
    old, new = drafts(db, actor)
    assert old.content == new.content
    assert new.content.startswith("Hello Ann,\n\n")
    assert "1001" in new.content
    assert new.content.endswith("Rye & Co")
    assert (old.status, new.status) == (DraftStatus.SUPERSEDED, DraftStatus.PROPOSED)
    assert (old.model, old.job_id, old.ticket_message_id is not None) == (OFFLINE, first, True)


def test_a_customer_without_name_and_order_is_asked_for_it(db: Database, actor: Actor, offline_worker: Worker) -> None:
    ticket_id = db.write(actor, lambda tx: make_ticket(tx, customer_name=None, shopify_order_id=None))
    asked(db, actor, ticket_id)
    offline_worker.run_all()
    (draft,) = drafts(db, actor)
    assert draft.content.startswith("Hello,\n\n")
    assert "tell us its number" in draft.content


def test_a_model_sees_what_was_said_but_no_note(
    db: Database, actor: Actor, asking_worker: Worker, endpoint: Endpoint
) -> None:
    ticket_id = db.write(actor, make_ticket)
    note = {"ticket_id": ticket_id, "body_rich": "The secret margin", "is_internal_note": True}
    db.write(actor, lambda tx: post_message(tx, **note))
    endpoint.will_say('{"content": "It is on its way."}', prompt_tokens=4)
    job_id = asked(db, actor, ticket_id)
    asking_worker.run_all()
    (draft,) = drafts(db, actor)
    assert (draft.content, draft.model, draft.input_tokens, draft.job_id) == ("It is on its way.", "m", 4, job_id)
    prompt = endpoint.asked[0][0]["messages"][1]["content"]
    assert "Where is it?" in prompt
    assert "secret margin" not in prompt
    assert "shpat_test" not in prompt
    assert "ann@example.com" not in prompt


def test_an_answer_is_written_anew_when_the_customer_writes_meanwhile(
    db: Database, actor: Actor, offline_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket_id = db.write(actor, make_ticket)
    answered = tasks_generation.answered

    def slowly(*given: Any) -> Any:  # noqa: ANN401 -- as the function it stands for
        def unit(tx: Transaction) -> None:
            write_in(tx, tx.get(Ticket, ticket_id).store_id, body="Hello again?")

        monkeypatch.setattr(tasks_generation, "answered", answered)
        db.write(actor, unit)
        return answered(*given)

    monkeypatch.setattr(tasks_generation, "answered", slowly)
    job_id = asked(db, actor, ticket_id)
    offline_worker.run_all()
    assert (drafts(db, actor), job_of(db, actor, job_id).status) == ([], JobStatus.QUEUED)
    hurry(db)
    offline_worker.run_all()
    assert len(drafts(db, actor)) == 1


@pytest.mark.parametrize("reply", [(429, {"Retry-After": "9"}, b""), (200, {}, b"no JSON"), (500, {}, b"")])
def test_a_model_that_can_not_answer_is_asked_again(
    db: Database, actor: Actor, asking_worker: Worker, endpoint: Endpoint, reply: tuple[int, dict[str, str], bytes]
) -> None:
    job_id = asked(db, actor, db.write(actor, make_ticket))
    endpoint.replies.append(reply)
    asking_worker.run_all()
    assert job_of(db, actor, job_id).status == JobStatus.QUEUED
    endpoint.will_say(json.dumps({"content": "Soon."}))
    hurry(db)
    asking_worker.run_all()
    assert [draft.content for draft in drafts(db, actor)] == ["Soon."]


def test_a_closed_ticket_is_not_answered(db: Database, actor: Actor, offline_worker: Worker) -> None:
    ticket_id = db.write(actor, make_ticket)
    job_id = asked(db, actor, ticket_id)

    def close(tx: Transaction) -> None:
        resolve_ticket(tx, id=ticket_id)
        close_ticket(tx, id=ticket_id)

    db.write(actor, close)
    offline_worker.run_all()
    assert job_of(db, actor, job_id).status == JobStatus.FAILED
    assert drafts(db, actor) == []
    with pytest.raises(Conflict):
        asked(db, actor, ticket_id)


def test_who_may_replace_a_secret_is_told_that_its_time_has_come(db: Database, tenant: Tenant) -> None:
    def unit(tx: Transaction) -> UUID:
        store_id = make_store(tx)
        about = {"store_id": store_id, "provider": "klaviyo", "secret": "a-secret"}
        past = tx.now - timedelta(hours=1)
        ids = [create_secret(tx, label=f"key {place}", rotate_after=past, **about) for place in range(2)]
        create_secret(tx, label="fresh", rotate_after=tx.now + timedelta(days=1), **about)
        revoke_secret(tx, id=ids[1])
        return ids[0]

    secret_id = db.write(tenant.owner, unit)
    assert [stale_secrets(db), stale_secrets(db)] == [1, 0]
    with db.read(tenant.owner) as reads:
        told = reads.rows(Notification, anywhere=False)
    assert [(row.user_id, row.kind) for row in told] == [(tenant.owner.id, "secret_rotation")]
    assert "key 0" in told[0].title
    later = {"rotate_after": None}
    db.write(tenant.owner, lambda tx: tx.update(StoreSecret, secret_id, later))
    assert stale_secrets(db) == 0
