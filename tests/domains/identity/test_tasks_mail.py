"""Mails about accounts over a real mail server: the link works, old ones are dropped, failures say what to do."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from growbase.core import clock
from growbase.core.actor import system
from growbase.core.database import Database
from growbase.core.mail import MailUnconfirmed
from growbase.core.tables import Job, JobStatus
from growbase.core.transaction import Transaction
from growbase.core.types import moment_text
from growbase.domains.identity.actions_personal import notify, notify_admins
from growbase.domains.identity.mails import TEMPLATES
from growbase.domains.identity.models import TokenPurpose, User
from growbase.domains.identity.models_personal import Notification
from growbase.domains.identity.tasks_mail import TASKS
from growbase.domains.identity.tokens import consume_link, mail_link
from growbase.jobs.retention import retain
from growbase.jobs.worker import Worker
from growbase.ops.messages import collect_messages
from tests.fixtures import Tenant
from tests.smtp import Post, post_office, world


@pytest.fixture
def post() -> Iterator[tuple[Post, Any]]:
    with post_office() as found:
        yield found


def work(db: Database, mailer: Any) -> list[Job]:  # noqa: ANN401
    """Run every due job and return the mails' jobs, the oldest first."""
    send = partial(TASKS["send_email"], outside=world(mailer))
    Worker(db, {"send_email": send}).run_all()
    with db.read(system()) as reads:
        return reads.rows(Job, kind="send_email", order="id")


def put(db: Database, **payload: object) -> None:
    mail = {"template": "alert", "to": "ann@example.com", "language": "en", "data": {"title": "Look", "body": "Now"}}
    db.write(system(), lambda tx: tx.enqueue("send_email", {**mail, **payload}, queue="email_notifications"))


def link_in(mail: Any) -> str:  # noqa: ANN401
    text = mail.get_body(("plain",)).get_content()
    return str(next(line for line in text.splitlines() if line.startswith("https://")))


def test_the_mailed_link_proves_the_address(db: Database, register: Callable[..., Any], post: tuple[Post, Any]) -> None:
    register("ada@example.com")
    [job] = work(db, post[1])
    [mail] = post[0].mails
    assert (job.status, job.result) == (JobStatus.SUCCEEDED, {"sent": True})
    assert post[0].recipients == ["ada@example.com"]
    assert mail["From"] == "Growbase <hello@us.example>"
    assert mail["Message-ID"] == f"<{job.id}@us.example>"
    assert mail["Date"] is not None
    token = parse_qs(urlsplit(link_in(mail)).query)["token"][0]
    assert db.write(system(), lambda tx: consume_link(tx, TokenPurpose.VERIFY_EMAIL, token)).consumed_at is None


def test_a_link_that_was_replaced_or_has_run_out_is_not_mailed(
    db: Database, register: Callable[..., Any], post: tuple[Post, Any]
) -> None:
    register("ada@example.com")
    with db.read(system()) as reads:
        [user] = reads.rows(User)
    for _ in range(2):
        db.write(system(), lambda tx: mail_link(tx, user, TokenPurpose.RESET_PASSWORD))
    put(db, expires_at=moment_text(clock.now() - timedelta(seconds=1)))
    verify, first, second, late = work(db, post[1])
    assert [job.result for job in (verify, first, second, late)] == [
        {"sent": True},
        {"dropped": "replaced"},
        {"sent": True},
        {"dropped": "expired"},
    ]
    assert len(post[0].mails) == 2


def test_admins_are_told_what_has_no_mail_of_its_own(db: Database, tenant: Tenant, post: tuple[Post, Any]) -> None:
    told = {"title": "A webhook endpoint was disabled", "body": "It answered {410}.", "link": "/studio/hooks"}
    own = system("webhooks", tenant.owner.organization_id)
    db.write(own, lambda tx: notify_admins(tx, kind="secret_rotation", **told))
    assert {job.status for job in work(db, post[1])} == {JobStatus.SUCCEEDED}
    assert sorted(post[0].recipients) == sorted([tenant.owner.label, tenant.admin.label])
    for mail in post[0].mails:
        assert mail["Subject"] == told["title"]
        assert told["body"] in mail.get_body(("plain",)).get_content()
        assert link_in(mail) == "https://mail.example.com/studio/hooks"


def test_what_the_server_says_decides_what_becomes_of_the_job(db: Database, post: tuple[Post, Any]) -> None:
    post[0].rcpt_reply = "451 later"
    put(db)
    [job] = work(db, post[1])
    assert (job.status, (job.error or {})["type"]) == (JobStatus.QUEUED, "Transient")
    post[0].rcpt_reply = "550 nobody"
    put(db)
    assert [job.status for job in work(db, post[1])] == [JobStatus.QUEUED, JobStatus.FAILED]

    class Silent:
        def send(self, _: object) -> None:
            raise MailUnconfirmed(reason="gone")

    put(db)
    last = work(db, Silent())[-1]
    assert (last.status, (last.error or {})["kind"]) == (JobStatus.FAILED, "unknown_outcome")


def test_every_sentence_of_a_mail_can_be_translated() -> None:
    known = {message.id for message in collect_messages()}
    for template in TEMPLATES.values():
        sentences = {template.subject, *template.lines, *filter(None, [template.button])}
        assert {sentence for sentence in sentences if " " in sentence} <= known


def test_notifications_go_90_days_after_they_were_read_and_after_a_year(db: Database, tenant: Tenant) -> None:
    ages = {"new": (1, None), "unread": (364, None), "read": (300, 89), "read long ago": (300, 91), "old": (366, None)}
    own = system("test", tenant.owner.organization_id)

    def unit(tx: Transaction) -> None:
        for title, (written, read) in ages.items():
            notify(tx, user_id=tenant.owner.id, kind="test", title=title)
            read_at = None if read is None else tx.now - timedelta(days=read)
            tx.set_facts(
                Notification, {"title": title}, {"created_at": tx.now - timedelta(days=written), "read_at": read_at}
            )

    db.write(own, unit)
    assert [retain(db, table="notifications").rows for _ in range(2)] == [2, 0]
    with db.read(own) as reads:
        assert [row.title for row in reads.rows(Notification, order="id")] == ["new", "unread", "read"]
