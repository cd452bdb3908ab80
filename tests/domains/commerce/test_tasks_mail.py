"""Replies of tickets over a real mail server: what leaves, in which thread, how often, and what is said of failures."""

import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.mail import Mailer, MailUnconfirmed, SmtpMailer
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.commerce.actions_mail import (
    ClaimLost,
    begin_dispatch,
    claim_mail,
    expire_claim,
    mark_sent,
    record_mail_event,
)
from growbase.domains.commerce.actions_messages import post_message, report_delivery, send_message
from growbase.domains.commerce.models_tickets import AuthorType, Delivery, Ticket, TicketMessage, TicketSource
from growbase.domains.commerce.tasks_mail import TASKS, WAITS, due_replies
from growbase.domains.identity.models_personal import Notification
from growbase.jobs.queue import reap
from growbase.jobs.worker import Worker
from tests.domains.commerce.factories import AtOnce, make_store, set_settings, write_in
from tests.sending import Start, senders
from tests.smtp import Post, post_office, world

PATIENCE = 120.0
ASKED = "<asked@mail.example>"


@pytest.fixture
def office() -> Iterator[tuple[Post, SmtpMailer]]:
    with post_office() as found:
        yield found


@pytest.fixture
def post(office: tuple[Post, SmtpMailer]) -> Post:
    return office[0]


@pytest.fixture
def mailer(office: tuple[Post, SmtpMailer]) -> SmtpMailer:
    return office[1]


@pytest.fixture
def store_id(db: Database, actor: Actor) -> UUID:
    def unit(tx: Transaction) -> UUID:
        id = make_store(tx, name="Fjörd Coffee")
        set_settings(tx, id, support_email="help@fjord.example")
        return id

    return db.write(actor, unit)


@pytest.fixture
def ticket_id(db: Database, actor: Actor, store_id: UUID) -> UUID:
    asked = {"subject": "Where is it?", "external_id": ASKED, "customer_name": "Ann Ü", "source": TicketSource.EMAIL}
    id = db.write(actor, lambda tx: write_in(tx, store_id, **asked)).ticket_id
    assert id is not None
    return id


def reply(db: Database, actor: Actor, ticket_id: UUID, words: str = "It is on its way.", **over: Any) -> UUID:  # noqa: ANN401
    return db.write(actor, lambda tx: post_message(tx, ticket_id=ticket_id, body_rich=words, **over))


def work(db: Database, mailer: Mailer) -> list[Any]:
    """Scan for what is due, run every due job and return the results of those that mailed."""
    due_replies(db)
    tasks: dict[str, Any] = TASKS
    Worker(db, {kind: partial(task, outside=world(mailer)) for kind, task in tasks.items()}).run_all()
    with db.read(system()) as reads:
        return [job.result for job in reads.rows(Job, kind="send_ticket_message", order="id", anywhere=True)]


def message_of(db: Database, actor: Actor, id: UUID) -> TicketMessage:
    with db.read(actor) as reads:
        return reads.get(TicketMessage, id)


def titles(db: Database, actor: Actor) -> list[str]:
    with db.read(system("test", actor.organization_id)) as reads:
        return [row.title for row in reads.rows(Notification, order="id")]


# -- what leaves ------------------------------------------------------------------------------------------------------


def test_a_reply_is_mailed_in_the_customers_thread(
    db: Database, actor: Actor, ticket_id: UUID, post: Post, mailer: SmtpMailer
) -> None:
    id = reply(db, actor, ticket_id, "It is on <b>its</b> way.")
    assert work(db, mailer) == [{"outcome": "sent"}]
    [mail], found = post.mails, message_of(db, actor, id)
    assert (found.delivery, found.attempts, found.external_id) == (Delivery.SENT, 1, mail["Message-ID"])
    assert found.sent_at is not None
    assert mail["Message-ID"] == f"<{id}@fjord.example>"
    assert mail["From"] == "Fjörd Coffee <help@fjord.example>"
    assert (mail["To"], mail["Subject"]) == ("Ann Ü <ann@example.com>", "Re: Where is it?")
    assert mail["In-Reply-To"] == ASKED
    assert mail["References"].split() == [f"<{ticket_id}@fjord.example>", ASKED]
    assert mail["Auto-Submitted"] is None
    texts = [mail.get_body((kind,)) for kind in ("plain", "html")]
    text, markup = [part.get_content() for part in texts if part is not None]
    assert text.split() == ["It", "is", "on", "its", "way."]
    assert "It is on <b>its</b> way." in markup
    assert titles(db, actor) == []


def test_what_the_customer_answers_to_a_mail_finds_the_ticket_and_the_thread_goes_on(
    db: Database, actor: Actor, store_id: UUID, ticket_id: UUID, post: Post, mailer: SmtpMailer
) -> None:
    first = reply(db, actor, ticket_id)
    work(db, mailer)
    name = str(post.mails[0]["Message-ID"])
    answer = {"customer_email": "ann.other@example.com", "in_reply_to": name, "external_id": "<again@mail.example>"}
    assert db.write(actor, lambda tx: write_in(tx, store_id, **answer)).ticket_id == ticket_id
    second = reply(db, actor, ticket_id, "a < b\n\nand so on", author_type=AuthorType.AUTOMATION)
    work(db, mailer)
    mail = post.mails[1]
    assert mail["In-Reply-To"] == "<again@mail.example>"
    root = f"<{ticket_id}@fjord.example>"
    assert mail["References"].split() == [root, ASKED, f"<{first}@fjord.example>", "<again@mail.example>"]
    assert mail["Auto-Submitted"] == "auto-generated"
    body = mail.get_body(("html",))
    assert body is not None
    assert "<p>a &lt; b</p><p>and so on</p>" in body.get_content()
    assert message_of(db, actor, second).delivery is Delivery.SENT


def test_a_thread_key_that_is_a_mails_is_the_root_and_a_store_without_address_writes_from_the_server(
    db: Database, actor: Actor, post: Post, mailer: SmtpMailer
) -> None:
    store_id = db.write(actor, make_store)
    asked = db.write(actor, lambda tx: write_in(tx, store_id, thread_key="<root@mail.example>"))
    assert asked.ticket_id is not None
    reply(db, actor, asked.ticket_id)
    work(db, mailer)
    [mail] = post.mails
    assert mail["References"] == mail["In-Reply-To"] == "<root@mail.example>"
    assert mail["From"].addresses[0].addr_spec == "hello@us.example"


def test_notes_drafts_chats_and_what_another_program_sends_are_not_mailed(
    db: Database, actor: Actor, store_id: UUID, ticket_id: UUID, post: Post, mailer: SmtpMailer
) -> None:
    reply(db, actor, ticket_id, is_internal_note=True)
    draft = reply(db, actor, ticket_id, is_draft=True)
    chat = db.write(actor, lambda tx: write_in(tx, store_id, customer_email="c@x.example", source=TicketSource.CHAT))
    assert chat.ticket_id is not None
    reply(db, actor, chat.ticket_id)
    db.write(actor, lambda tx: set_settings(tx, store_id, feature_flags={"external_delivery": True}))
    theirs = reply(db, actor, ticket_id)
    assert work(db, mailer) == []
    assert message_of(db, actor, theirs).delivery is Delivery.QUEUED
    db.write(actor, lambda tx: set_settings(tx, store_id, feature_flags={}))
    db.write(actor, lambda tx: send_message(tx, id=draft))
    assert work(db, mailer) == [{"outcome": "sent"}]
    assert len(post.mails) == 1
    # What waited for the other program is mailed once somebody says so.
    db.write(actor, lambda tx: report_delivery(tx, id=theirs, to="queued"))
    work(db, mailer)
    assert message_of(db, actor, theirs).delivery is Delivery.SENT


def test_one_mail_leaves_whatever_is_repeated(
    db: Database, actor: Actor, ticket_id: UUID, post: Post, mailer: SmtpMailer
) -> None:
    id = reply(db, actor, ticket_id)
    for _ in range(3):
        work(db, mailer)
        db.write(actor, lambda tx: tx.enqueue("send_ticket_message", {"message_id": str(id)}, queue="publishing"))
    work(db, mailer)
    assert len(post.mails) == 1


def test_a_reply_is_claimed_begun_and_given_back_once(
    db: Database, actor: Actor, ticket_id: UUID, at_once: AtOnce
) -> None:
    id = reply(db, actor, ticket_id)
    claims = [
        found
        for found in at_once([partial(db.write, actor, partial(claim_mail, message_id=id))] * 4)
        if found is not None
    ]
    [claim] = claims
    begin = partial(begin_dispatch, claim=claim, message_id_header="<1@x>")
    begun = at_once([partial(db.write, actor, begin)] * 3)
    assert begun.count(True) == 1
    assert sum(isinstance(found, ClaimLost) for found in begun) == 2
    with pytest.raises(ClaimLost):
        db.write(actor, partial(mark_sent, message_id=id, claim_token=clock.new_id()))
    for _ in range(2):
        db.write(actor, partial(mark_sent, message_id=id, claim_token=claim.token))
    assert message_of(db, actor, id).delivery is Delivery.SENT


# -- what does not ----------------------------------------------------------------------------------------------------


def test_a_blocked_customer_gets_what_a_person_writes_and_nothing_automatic(
    db: Database, actor: Actor, store_id: UUID, ticket_id: UUID, post: Post, mailer: SmtpMailer
) -> None:
    db.write(actor, lambda tx: set_settings(tx, store_id, blocked_customers=["Ann@Example.com"]))
    automatic = reply(db, actor, ticket_id, author_type=AuthorType.AUTOMATION)
    reply(db, actor, ticket_id)
    work(db, mailer)
    found = message_of(db, actor, automatic)
    assert (found.delivery, found.last_error) == (Delivery.FAILED, {"reason": "suppressed"})
    assert len(post.mails) == 1


def _forget(tx: Transaction, ticket_id: UUID) -> None:
    tx.update(Ticket, ticket_id, {"customer_email": None})


def _delete(tx: Transaction, ticket_id: UUID) -> None:
    trash(tx, Ticket, ticket_id)


def _move_away(tx: Transaction, ticket_id: UUID) -> None:
    tx.update(Ticket, ticket_id, {"customer_email": "elsewhere@example.com"})


@pytest.mark.parametrize(
    ("happens", "delivery"), [(_forget, Delivery.FAILED), (_delete, Delivery.FAILED), (_move_away, Delivery.QUEUED)]
)
def test_what_happens_behind_the_claim_still_stops_a_reply(
    db: Database, actor: Actor, ticket_id: UUID, happens: Callable[[Transaction, UUID], None], delivery: Delivery
) -> None:
    id = reply(db, actor, ticket_id)
    claim = db.write(actor, partial(claim_mail, message_id=id))
    assert claim is not None
    db.write(actor, lambda tx: happens(tx, ticket_id))
    assert db.write(actor, partial(begin_dispatch, claim=claim, message_id_header="<1@x>")) is False
    assert message_of(db, actor, id).delivery is delivery


def test_who_says_what_became_of_a_claimed_reply_takes_it_from_its_sender(
    db: Database, actor: Actor, ticket_id: UUID
) -> None:
    id = reply(db, actor, ticket_id)
    claim = db.write(actor, partial(claim_mail, message_id=id))
    assert claim is not None
    db.write(actor, lambda tx: report_delivery(tx, id=id, to="failed"))
    with pytest.raises(ClaimLost):
        db.write(actor, partial(begin_dispatch, claim=claim, message_id_header="<1@x>"))


# -- what the server says ---------------------------------------------------------------------------------------------


def test_a_busy_server_is_asked_again_later_and_not_for_ever(
    db: Database, actor: Actor, ticket_id: UUID, post: Post, mailer: SmtpMailer
) -> None:
    id = reply(db, actor, ticket_id)
    post.rcpt_reply = "451 later"
    for number, wait in enumerate(WAITS, start=1):
        before = clock.now()
        work(db, mailer)
        found = message_of(db, actor, id)
        assert (found.delivery, found.attempts) == (Delivery.QUEUED, number)
        assert found.next_attempt_at is not None
        assert found.next_attempt_at >= before + wait
        assert work(db, mailer)[-1] == {"outcome": "deferred"}
        db.write(actor, lambda tx: tx.update(TicketMessage, id, {"next_attempt_at": clock.now()}))
    work(db, mailer)
    assert message_of(db, actor, id).delivery is Delivery.FAILED
    assert titles(db, actor) == ["A reply to ticket #1 was not sent"]
    # A person queues it again.
    post.rcpt_reply = "250 OK"
    db.write(actor, lambda tx: report_delivery(tx, id=id, to="queued"))
    work(db, mailer)
    assert message_of(db, actor, id).delivery is Delivery.SENT
    assert len(post.mails) == 1


def test_an_address_that_is_none_fails_and_its_author_is_told(
    db: Database, actor: Actor, ticket_id: UUID, post: Post, mailer: SmtpMailer
) -> None:
    id = reply(db, actor, ticket_id)
    post.rcpt_reply = "550 5.1.1 no such user"
    assert work(db, mailer) == [{"outcome": "bounced"}]
    found = message_of(db, actor, id)
    error = {"reason": "550 5.1.1 no such user", "class": "bounced"}
    assert (found.delivery, found.last_error, found.claim_token) == (Delivery.FAILED, error, None)
    with db.read(system("test", actor.organization_id)) as reads:
        [told] = reads.rows(Notification)
    assert (told.user_id, told.kind, told.link) == (actor.id, "reply_not_sent", f"/studio/tickets/{ticket_id}")
    assert told.body == "Where is it?\n550 5.1.1 no such user"


def test_what_nobody_knows_is_not_mailed_again_until_the_provider_says_more(
    db: Database, actor: Actor, ticket_id: UUID, post: Post, mailer: SmtpMailer
) -> None:
    class Silent:
        def send(self, _: object) -> None:
            raise MailUnconfirmed(reason="gone")

    id = reply(db, actor, ticket_id)
    assert work(db, Silent()) == [{"outcome": "unconfirmed"}]
    work(db, mailer)
    assert (message_of(db, actor, id).delivery, post.mails) == (Delivery.UNCONFIRMED, [])
    assert titles(db, actor) == ["Nobody knows whether a reply to ticket #1 was sent"]
    for recorded in (True, False):
        assert db.write(actor, lambda tx: record_mail_event(tx, message_id=id, type="delivered")) is recorded
    assert message_of(db, actor, id).delivery is Delivery.DELIVERED


def test_a_bounce_is_shown_once_and_never_undone(
    db: Database, actor: Actor, ticket_id: UUID, mailer: SmtpMailer
) -> None:
    id = reply(db, actor, ticket_id)
    work(db, mailer)
    early = clock.now() - timedelta(hours=1)
    bounce = partial(record_mail_event, message_id=id, type="bounce_hard", data={"code": 550})
    assert db.write(actor, lambda tx: bounce(tx, occurred_at=early)) is False
    assert [db.write(actor, bounce), db.write(actor, bounce)] == [True, False]
    assert db.write(actor, partial(record_mail_event, message_id=id, type="delivered")) is False
    found = message_of(db, actor, id)
    assert (found.delivery, found.last_error) == (Delivery.FAILED, {"reason": "bounce_hard", "data": {"code": 550}})
    assert titles(db, actor) == ["A reply to ticket #1 was not sent"]


def test_a_claim_that_lapses_is_given_back_and_what_had_begun_is_unconfirmed(
    db: Database, actor: Actor, ticket_id: UUID
) -> None:
    id = reply(db, actor, ticket_id)
    past = timedelta(seconds=-1)
    lapsed = db.write(actor, partial(claim_mail, message_id=id, lease=past))
    assert lapsed is not None
    assert db.write(actor, partial(expire_claim, message_id=id)) is True
    assert message_of(db, actor, id).delivery is Delivery.QUEUED
    claim = db.write(actor, partial(claim_mail, message_id=id))
    assert claim is not None
    begin = partial(begin_dispatch, message_id_header="<1@x>", lease=past)
    with pytest.raises(ClaimLost):
        db.write(actor, partial(begin, claim=lapsed))
    assert db.write(actor, partial(begin, claim=claim))
    assert due_replies(db) == 1
    assert message_of(db, actor, id).delivery is Delivery.UNCONFIRMED
    assert db.write(actor, partial(claim_mail, message_id=id)) is None
    # The sender was only slow.
    db.write(actor, partial(mark_sent, message_id=id, claim_token=claim.token))
    assert message_of(db, actor, id).delivery is Delivery.SENT


# -- workers that are killed ------------------------------------------------------------------------------------------


@pytest.fixture
def start_worker(installed_url: str, tmp_path: Path, post: Post) -> Iterator[Start]:
    with senders(installed_url, tmp_path, post.port) as found:
        yield found


@pytest.mark.parametrize(
    ("place", "arrived", "before", "then"),
    [
        ("ticket:claimed", 0, Delivery.CLAIMED, Delivery.SENT),
        ("ticket:dispatching", 0, Delivery.DISPATCHING, Delivery.UNCONFIRMED),
        ("ticket:sent", 1, Delivery.DISPATCHING, Delivery.UNCONFIRMED),
    ],
)
def test_a_worker_that_dies_leaves_one_mail_at_most(
    db: Database,
    actor: Actor,
    ticket_id: UUID,
    start_worker: Start,
    post: Post,
    mailer: SmtpMailer,
    place: str,
    arrived: int,
    before: Delivery,
    then: Delivery,
) -> None:
    id = reply(db, actor, ticket_id)
    assert start_worker(place).wait(PATIENCE) == -signal.SIGKILL
    assert (message_of(db, actor, id).delivery, len(post.mails)) == (before, arrived)
    # Whoever takes over the job finds the reply in a claim, and leaves it.
    db.write(system(), lambda tx: reap(tx, everything=True))
    db.write(system(), lambda tx: tx.set_facts(Job, {"status": "queued"}, {"run_at": tx.now, "due": True}))
    assert work(db, mailer) == [None]
    assert message_of(db, actor, id).delivery is before
    db.write(actor, lambda tx: tx.update(TicketMessage, id, {"claimed_until": clock.now()}))
    for _ in range(2):
        work(db, mailer)
    assert message_of(db, actor, id).delivery is then
    assert len(post.mails) == (1 if then is Delivery.SENT else arrived)
