"""Workers that are killed while they send: at most one mail arrives, and what nobody knows is not sent again."""

import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.tables import Job, JobStatus
from growbase.domains.identity.models_billing import UsageCounter
from growbase.domains.outreach.actions_events import record_message_event
from growbase.domains.outreach.actions_outgoing import enqueue_sending
from growbase.domains.outreach.models_messages import EventType, Message, MessageStatus
from growbase.domains.outreach.tasks import silent_senders
from growbase.domains.outreach.tasks_sending import due_sending
from tests.domains.outreach.factories import make_queued, message_of
from tests.processes import wait_until
from tests.sending import Start, senders
from tests.smtp import Post, post_office

PATIENCE = 120.0


@pytest.fixture
def post() -> Iterator[Post]:
    with post_office() as (found, _):
        yield found


@pytest.fixture
def start_worker(installed_url: str, tmp_path: Path, post: Post) -> Iterator[Start]:
    with senders(installed_url, tmp_path, post.port) as found:
        yield found


def test_a_sender_that_dies_before_it_begins_loses_nothing(
    db: Database, actor: Actor, start_worker: Start, post: Post
) -> None:
    message_id = db.write(actor, make_queued)
    db.write(actor, partial(enqueue_sending, message_id=message_id))
    assert start_worker("send:claimed").wait(PATIENCE) == -signal.SIGKILL
    found = message_of(db, actor, message_id)
    assert (found.status, found.attempts, post.mails) == (MessageStatus.CLAIMED, 0, [])
    start_worker()
    wait_until(partial(_jobs_are_done, db), "the job", timeout=PATIENCE)
    # Its time is not over: nobody takes it from a sender that may be at work.
    assert (silent_senders(db), message_of(db, actor, message_id).status) == (0, MessageStatus.CLAIMED)
    _let_lapse(db, actor, message_id)
    assert silent_senders(db) == 1
    due_sending(db)
    wait_until(lambda: message_of(db, actor, message_id).status is MessageStatus.SENT, "the mail", timeout=PATIENCE)
    wait_until(partial(_jobs_are_done, db), "the job", timeout=PATIENCE)
    assert (len(post.mails), message_of(db, actor, message_id).attempts) == (1, 1)
    assert _used(db, actor) == 1


@pytest.mark.parametrize(("place", "arrived"), [("send:dispatching", 0), ("send:sent", 1)])
def test_a_sender_that_dies_after_it_has_begun_leaves_one_mail_at_most(
    db: Database, actor: Actor, start_worker: Start, post: Post, place: str, arrived: int
) -> None:
    message_id = db.write(actor, make_queued)
    db.write(actor, partial(enqueue_sending, message_id=message_id))
    assert start_worker(place).wait(PATIENCE) == -signal.SIGKILL
    assert len(post.mails) == arrived
    assert message_of(db, actor, message_id).status is MessageStatus.DISPATCHING
    start_worker()
    wait_until(partial(_jobs_are_done, db), "the job", timeout=PATIENCE)
    _let_lapse(db, actor, message_id)
    assert silent_senders(db) == 1
    due_sending(db)
    with db.read(system()) as reads:
        assert reads.count(Job, kind="send_message") == 1
    assert message_of(db, actor, message_id).status is MessageStatus.UNCONFIRMED
    assert len(post.mails) == arrived
    # The provider knows it by its Message-ID: its word settles what nobody knew.
    if arrived:
        told = {"provider": "smtp", "provider_event_id": "1", "type": EventType.DELIVERED, "message_id": message_id}
        db.write(actor, lambda tx: record_message_event(tx, **told))
        assert message_of(db, actor, message_id).status is MessageStatus.DELIVERED


def _jobs_are_done(db: Database) -> bool:
    with db.read(system()) as reads:
        return {job.status for job in reads.rows(Job, kind="send_message")} == {JobStatus.SUCCEEDED}


def _let_lapse(db: Database, actor: Actor, message_id: UUID) -> None:
    db.write(actor, lambda tx: tx.update(Message, message_id, {"claimed_until": clock.now()}))


def _used(db: Database, actor: Actor) -> int:
    with db.read(actor) as reads:
        return sum(row.used for row in reads.rows(UsageCounter, metric="messages_sent"))
