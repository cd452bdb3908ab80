"""Sending over a real mail server: what leaves, when, how often, and what the mail says."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.errors import Conflict, Invalid, InvalidTransition, LimitExceeded
from growbase.core.mail import Mailer, MailRefused, MailUnconfirmed, SmtpMailer
from growbase.core.tables import Job, JobStatus
from growbase.domains.identity.models import Organization
from growbase.domains.identity.models_billing import UsageCounter
from growbase.domains.outreach import actions_sending, tasks_sending
from growbase.domains.outreach.actions_campaigns import pause_campaign
from growbase.domains.outreach.actions_messages import create_message
from growbase.domains.outreach.actions_outgoing import request_test, send_message
from growbase.domains.outreach.actions_pacing import pace_of, room
from growbase.domains.outreach.actions_suppressions import create_suppression, opt_out
from growbase.domains.outreach.models import EmailStatus, Prospect, Suppression
from growbase.domains.outreach.models_messages import Message, MessageStatus
from growbase.domains.outreach.models_sequences import (
    Enrollment,
    EnrollmentStatus,
    OutreachCampaign,
    Sequence,
    SequenceSettings,
    SequenceStep,
)
from growbase.domains.outreach.sending_window import day_of, opening
from growbase.domains.outreach.tasks_sending import WAITS, due_sending
from growbase.domains.outreach.tracking import CLICK, OPEN, read_tracking_token
from growbase.domains.outreach.unsubscribe import read_unsubscribe_token
from growbase.jobs.worker import Worker
from tests.domains.outreach.factories import (
    enrollment_of,
    make_prospect,
    make_queued,
    make_running,
    make_sequence,
    message_of,
)
from tests.fixtures import SECRET, Tenant
from tests.smtp import BASE_URL, Post, post_office, world

WORDS = "Hello Ann,\n\nlook at https://us.example/a?b=c&d=é.\nBye <b>"
ONE_STEP = ({"step_key": "hello", "subject": "Hello", "content": WORDS},)


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


def work(db: Database, mailer: Mailer) -> list[Any]:
    """Scan for what is due, run every due job and return the results of those that sent."""
    due_sending(db)
    outside = world(mailer)
    Worker(db, {kind: partial(task, outside=outside) for kind, task in tasks_sending.TASKS.items()}).run_all()
    with db.read(system()) as reads:
        return [job.result for job in reads.rows(Job, kind="send_message", order="id", anywhere=True)]


def message(db: Database, actor: Actor) -> Message:
    with db.read(actor) as reads:
        [found] = reads.rows(Message)
    return found


def used(db: Database, actor: Actor) -> int:
    with db.read(actor) as reads:
        return sum(row.used for row in reads.rows(UsageCounter, metric="messages_sent"))


def running(db: Database, actor: Actor, people: int = 1, *, settings: Any = None, **over: Any) -> UUID:  # noqa: ANN401
    """Start a campaign of one step."""

    def unit(tx: Any) -> UUID:  # noqa: ANN401
        ids = [make_prospect(tx) for _ in range(people)]
        sequence_id = make_sequence(tx, over.pop("steps", ONE_STEP), settings=settings or {})
        return make_running(tx, *ids, **{"sequence_id": sequence_id, **over})

    return db.write(actor, unit)


def closed_now(days: int = 3) -> dict[str, Any]:
    """Return a window on clocks of Tokyo that is closed today."""
    today = clock.now().astimezone(ZoneInfo("Asia/Tokyo")).isoweekday()
    return {"tz": "Asia/Tokyo", "days": [(today + days - 1) % 7 + 1], "start": "08:15", "end": "16:00"}


def bodies(mail: Any) -> list[str]:  # noqa: ANN401 -- the mail as its reader's program sees it
    return [mail.get_body((kind,)).get_content().replace("\r\n", "\n") for kind in ("plain", "html")]


# -- what leaves ------------------------------------------------------------------------------------------------------


def test_a_step_leaves_as_text_and_html_with_a_way_out(
    db: Database, actor: Actor, post: Post, mailer: SmtpMailer
) -> None:
    running(db, actor, sender={"name": "Sam Ünal", "email": "sam@us.example", "reply_to": "crm@us.example"})
    assert work(db, mailer) == [{"outcome": "sent"}]
    [mail], sent = post.mails, message(db, actor)
    assert (sent.status, sent.provider, sent.provider_message_id) == (MessageStatus.SENT, "smtp", mail["Message-ID"])
    assert mail["Message-ID"] == f"<{sent.id}@us.example>"
    assert mail["From"] == "Sam Ünal <sam@us.example>"
    assert (mail["Reply-To"], mail["Subject"], mail["In-Reply-To"]) == ("crm@us.example", "Hello", None)
    assert mail["Date"] is not None
    leave = mail["List-Unsubscribe"].strip("<>")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    leaving = read_unsubscribe_token(SECRET, leave.removeprefix(f"{BASE_URL}/u/"))
    assert (leaving.organization_id, leaving.kind, leaving.id) == (actor.organization_id, "message", sent.id)
    text, markup = bodies(mail)
    assert text.startswith(WORDS)
    assert leave in text
    assert "Bye &lt;b&gt;</p>" in markup
    assert '<a href="https://us.example/a?b=c&amp;d=é">' in markup
    assert "<img" not in markup
    assert used(db, actor) == 1


def test_a_follow_up_stays_in_the_thread_of_the_first_message(
    db: Database, actor: Actor, post: Post, mailer: SmtpMailer
) -> None:
    again = {"step_key": "again", "subject": None, "content": "Still there?", "delay_days": 3}
    running(db, actor, steps=(*ONE_STEP, again, {**again, "step_key": "bye"}), sender={})
    for _ in range(3):
        work(db, mailer)
        db.write(actor, lambda tx: tx.update(Enrollment, enrollment_of(db, actor).id, {"next_step_at": clock.now()}))
    first, second, third = post.mails
    assert first["From"] == "Growbase <hello@us.example>"
    assert (second["Subject"], third["Subject"]) == ("Re: Hello", "Re: Hello")
    assert second["In-Reply-To"] == second["References"] == first["Message-ID"]
    assert third["In-Reply-To"] == second["Message-ID"]
    assert third["References"] == f"{first['Message-ID']} {second['Message-ID']}"
    assert enrollment_of(db, actor).status is EnrollmentStatus.COMPLETED


def test_nothing_is_tracked_unless_the_sequence_says_so(
    db: Database, actor: Actor, post: Post, mailer: SmtpMailer
) -> None:
    running(db, actor, settings={"track_opens": True, "track_clicks": True})
    work(db, mailer)
    [mail], sent = post.mails, message(db, actor)
    text, markup = bodies(mail)
    assert "/c/" not in text
    assert ">https://us.example/a?b=c&amp;d=é</a>" in markup
    click = markup.partition(f'href="{BASE_URL}/c/')[2].partition('"')[0]
    pixel = markup.partition(f'src="{BASE_URL}/o/')[2].partition('"')[0]
    found = read_tracking_token(SECRET, click, CLICK)
    assert (found.message_id, found.url) == (sent.id, "https://us.example/a?b=c&d=%C3%A9")
    assert read_tracking_token(SECRET, pixel, OPEN).message_id == sent.id


def test_one_mail_leaves_for_a_step_whatever_is_repeated(
    db: Database, actor: Actor, post: Post, mailer: SmtpMailer
) -> None:
    running(db, actor, people=3)
    for _ in range(3):
        work(db, mailer)
        with db.read(actor) as reads:
            ids = [row.id for row in reads.rows(Message)]
        again = [partial(tasks_sending.enqueue_sending, message_id=id) for id in ids]
        for unit in again:
            db.write(actor, unit)
    work(db, mailer)
    assert sorted(post.recipients) == sorted(set(post.recipients))
    assert len(post.mails) == 3


# -- what does not ----------------------------------------------------------------------------------------------------


def test_who_opts_out_between_queueing_and_sending_gets_nothing(
    db: Database, actor: Actor, post: Post, mailer: SmtpMailer
) -> None:
    ids = [db.write(actor, make_prospect) for _ in range(2)]
    queued = [db.write(actor, partial(make_queued, prospect_id=id)) for id in ids]
    with db.read(actor) as reads:
        email = reads.get(Prospect, ids[1]).email
    db.write(actor, lambda tx: opt_out(tx, id=ids[0]))
    db.write(actor, lambda tx: create_suppression(tx, address=str(email)))
    work(db, mailer)
    assert post.mails == []
    assert {message_of(db, actor, id).status for id in queued} <= {MessageStatus.CANCELLED, MessageStatus.SUPPRESSED}
    assert used(db, actor) == 0


def test_a_paused_campaign_sends_nothing_until_it_goes_on(
    db: Database, actor: Actor, post: Post, mailer: SmtpMailer
) -> None:
    campaign_id = running(db, actor)
    db.write(actor, lambda tx: pause_campaign(tx, id=campaign_id))
    assert work(db, mailer) == []
    assert post.mails == []


def test_outside_the_window_everything_waits_for_the_next_opening(
    db: Database, actor: Actor, post: Post, mailer: SmtpMailer
) -> None:
    window = closed_now()
    opens = opening(window, ZoneInfo("Asia/Tokyo"), clock.now())
    follow_up = {"step_key": "again", "subject": "Again", "content": "Still?", "delay_days": 0}
    campaign_id = running(db, actor, steps=(*ONE_STEP, follow_up))
    work(db, mailer)
    assert len(post.mails) == 1
    with db.read(actor) as reads:
        sequence_id = reads.get(OutreachCampaign, campaign_id).sequence_id
    db.write(actor, lambda tx: tx.update(Sequence, sequence_id, {"settings": {"sending_window": window}}))
    work(db, mailer)
    assert len(post.mails) == 1
    assert enrollment_of(db, actor).next_step_at == opens
    assert opens.astimezone(ZoneInfo("Asia/Tokyo")).strftime("%H:%M") == "08:15"


def test_who_has_not_begun_waits_untouched_for_the_window(
    db: Database, actor: Actor, post: Post, mailer: SmtpMailer
) -> None:
    running(db, actor, settings={"sending_window": closed_now()})
    work(db, mailer)
    assert (post.mails, enrollment_of(db, actor).version) == ([], 1)


def test_a_message_that_was_queued_in_time_but_comes_too_late_waits(
    db: Database, actor: Actor, post: Post, mailer: SmtpMailer
) -> None:
    message_id = db.write(actor, make_queued)
    window = closed_now()
    with db.read(actor) as reads:
        [sequence] = reads.rows(Sequence)
    db.write(actor, lambda tx: tx.update(Sequence, sequence.id, {"settings": {"sending_window": window}}))
    work(db, mailer)
    found = message_of(db, actor, message_id)
    assert (post.mails, found.status) == ([], MessageStatus.QUEUED)
    assert found.send_at == opening(window, ZoneInfo("Asia/Tokyo"), clock.now())


def test_without_a_zone_the_organizations_clocks_count(db: Database, actor: Actor) -> None:
    db.write(actor, lambda tx: tx.update(Organization, actor.organization_id, {"timezone": "Asia/Tokyo"}))
    campaign_id = running(db, actor, settings={"sending_window": {"start": "08:00"}})
    with db.read(actor) as reads:
        campaign = reads.get(OutreachCampaign, campaign_id)
        assert pace_of(reads, campaign, reads.get(Sequence, campaign.sequence_id)).zone.key == "Asia/Tokyo"


@pytest.mark.parametrize("name", ["Mars/Base", "../etc/passwd", "Europe"])
def test_a_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="Europe/Paris"):
        TypeAdapter(SequenceSettings).validate_python({"sending_window": {"tz": name}})


@pytest.mark.parametrize("cap", ["daily_limit", "daily_cap"])
def test_no_more_leave_a_day_than_the_cap_allows(
    db: Database, actor: Actor, post: Post, mailer: SmtpMailer, cap: str
) -> None:
    limits: Any = {"daily_limit": 2} if cap == "daily_limit" else {"settings": {"daily_cap": 2}}
    campaign_id = running(db, actor, people=5, **limits)
    for _ in range(2):
        work(db, mailer)
    assert len(post.mails) == 2
    with db.read(actor) as reads:
        campaign = reads.get(OutreachCampaign, campaign_id)
        assert reads.count(Enrollment, status=EnrollmentStatus.PENDING) == 3
        pace = pace_of(reads, campaign, reads.get(Sequence, campaign.sequence_id))
        tomorrow = day_of(pace.zone, clock.now())[1]
        assert (room(reads, pace, clock.now()), room(reads, pace, tomorrow)) == (0, 2)


def test_a_step_above_the_cap_waits_for_tomorrow(db: Database, actor: Actor, post: Post, mailer: SmtpMailer) -> None:
    follow_up = {"step_key": "again", "subject": "Again", "content": "Still?", "delay_days": 0}
    running(db, actor, steps=(*ONE_STEP, follow_up), daily_limit=1)
    for _ in range(2):
        work(db, mailer)
    assert len(post.mails) == 1
    assert enrollment_of(db, actor).next_step_at == day_of(ZoneInfo("UTC"), clock.now())[1]


def test_a_person_is_left_alone_between_two_messages(
    db: Database, actor: Actor, post: Post, mailer: SmtpMailer
) -> None:
    id = db.write(actor, make_prospect)
    for _ in range(2):
        sequence_id = db.write(actor, lambda tx: make_sequence(tx, ONE_STEP, settings={"min_gap_hours": 48}))
        db.write(actor, partial(lambda tx, key: make_running(tx, id, sequence_id=key), key=sequence_id))
    for _ in range(3):
        work(db, mailer)
    assert len(post.mails) == 1
    with db.read(actor) as reads:
        [waiting] = reads.rows(Enrollment, status=EnrollmentStatus.ACTIVE)
        contacted = reads.get(Prospect, id).last_contacted_at
    assert contacted is not None
    assert waiting.next_step_at is not None
    assert abs(waiting.next_step_at - contacted - timedelta(hours=48)) < timedelta(minutes=1)


def test_what_the_plan_does_not_allow_waits(
    db: Database, actor: Actor, post: Post, mailer: SmtpMailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise LimitExceeded(metric="messages_sent", limit=1, used=1)

    monkeypatch.setattr(actions_sending, "consume", refuse)
    message_id = db.write(actor, make_queued)
    assert work(db, mailer) == [{"outcome": "limited"}]
    found = message_of(db, actor, message_id)
    assert (found.status, post.mails) == (MessageStatus.QUEUED, [])
    assert found.send_at is not None
    assert found.send_at > clock.now()


# -- what the server says ---------------------------------------------------------------------------------------------


def test_a_server_that_is_busy_is_asked_again_later_and_not_for_ever(
    db: Database, actor: Actor, post: Post, mailer: SmtpMailer
) -> None:
    message_id = db.write(actor, make_queued)
    post.rcpt_reply = "451 later"
    for number, wait in enumerate(WAITS, start=1):
        before = clock.now()
        work(db, mailer)
        found = message_of(db, actor, message_id)
        assert (found.status, found.attempts, used(db, actor)) == (MessageStatus.QUEUED, number, 0)
        assert found.send_at is not None
        assert found.send_at >= before + wait
        db.write(actor, lambda tx: tx.update(Message, message_id, {"send_at": clock.now()}))
    work(db, mailer)
    assert message_of(db, actor, message_id).status is MessageStatus.FAILED
    assert enrollment_of(db, actor).status is EnrollmentStatus.FAILED


def test_a_message_that_was_put_off_leaves_once(db: Database, actor: Actor, post: Post, mailer: SmtpMailer) -> None:
    message_id = db.write(actor, make_queued)
    post.data_reply = "452 full"
    work(db, mailer)
    post.data_reply = "250 OK"
    db.write(actor, lambda tx: tx.update(Message, message_id, {"send_at": clock.now()}))
    for _ in range(2):
        work(db, mailer)
    assert (len(post.mails), used(db, actor)) == (1, 1)
    assert message_of(db, actor, message_id).status is MessageStatus.SENT


def test_an_address_that_is_none_is_never_tried_again(
    db: Database, actor: Actor, post: Post, mailer: SmtpMailer
) -> None:
    message_id = db.write(actor, make_queued)
    post.rcpt_reply = "550 5.1.1 no such user"
    assert work(db, mailer) == [{"outcome": "bounced"}]
    assert message_of(db, actor, message_id).status is MessageStatus.BOUNCED
    assert enrollment_of(db, actor).status is EnrollmentStatus.BOUNCED
    with db.read(actor) as reads:
        assert reads.count(Suppression) == 1
        [prospect] = reads.rows(Prospect)
    assert (prospect.email_status, used(db, actor)) == (EmailStatus.BOUNCED, 0)


def test_a_mail_that_is_refused_for_what_it_says_is_no_bounce(
    db: Database, actor: Actor, post: Post, mailer: SmtpMailer
) -> None:
    message_id = db.write(actor, make_queued)
    post.data_reply = "554 5.7.1 looks like spam"
    assert work(db, mailer) == [{"outcome": "failed"}]
    found = message_of(db, actor, message_id)
    assert found.status is MessageStatus.FAILED
    assert found.last_error == {"reason": "554 5.7.1 looks like spam"}
    with db.read(actor) as reads:
        assert reads.count(Suppression) == 0


@pytest.mark.parametrize("reason", ["535 5.7.8 bad password", "the server offers no TLS to log in over"])
def test_a_wrong_login_costs_nobody_their_enrolment(db: Database, actor: Actor, reason: str) -> None:
    class Locked:
        def send(self, _: object) -> None:
            raise MailRefused(reason=reason)

    message_id = db.write(actor, make_queued)
    assert work(db, Locked()) == [{"outcome": "deferred"}]
    assert message_of(db, actor, message_id).status is MessageStatus.QUEUED


def test_what_nobody_knows_is_not_sent_again(db: Database, actor: Actor, post: Post, mailer: SmtpMailer) -> None:
    class Silent:
        def send(self, _: object) -> None:
            raise MailUnconfirmed(reason="gone")

    message_id = db.write(actor, make_queued)
    assert work(db, Silent()) == [{"outcome": "unconfirmed"}]
    work(db, mailer)
    assert (message_of(db, actor, message_id).status, post.mails) == (MessageStatus.UNCONFIRMED, [])


@pytest.mark.parametrize("email", ["é@firm.example", "ann@ü..example"])
def test_an_address_no_server_takes_fails(
    db: Database, actor: Actor, post: Post, mailer: SmtpMailer, email: str
) -> None:
    id = db.write(actor, make_prospect)
    message_id = db.write(actor, partial(make_queued, prospect_id=id))
    db.write(actor, lambda tx: tx.change(tx.get(Prospect, id, lock=True), {"email": email}))
    work(db, mailer)
    assert (message_of(db, actor, message_id).status, post.mails) == (MessageStatus.FAILED, [])


def test_a_domain_of_another_script_is_written_in_ascii(
    db: Database, actor: Actor, post: Post, mailer: SmtpMailer
) -> None:
    id = db.write(actor, lambda tx: make_prospect(tx, email="ann@bücher.example"))
    db.write(actor, partial(make_queued, prospect_id=id))
    work(db, mailer)
    assert post.recipients == ["ann@xn--bcher-kva.example"]


# -- by people --------------------------------------------------------------------------------------------------------


def test_a_message_written_by_hand_leaves_now_or_later(
    db: Database, actor: Actor, post: Post, mailer: SmtpMailer
) -> None:
    id = db.write(actor, make_prospect)
    write = partial(create_message, prospect_id=id, subject="Hi", content="By hand")
    now, later = (db.write(actor, write) for _ in range(2))
    db.write(actor, lambda tx: send_message(tx, id=now))
    db.write(actor, lambda tx: send_message(tx, id=later, send_at=clock.now() + timedelta(hours=1)))
    work(db, mailer)
    assert [mail["Message-ID"] for mail in post.mails] == [f"<{now}@us.example>"]
    assert message_of(db, actor, later).status is MessageStatus.SCHEDULED
    db.write(actor, lambda tx: send_message(tx, id=later))
    work(db, mailer)
    assert len(post.mails) == 2
    with pytest.raises(InvalidTransition):
        db.write(actor, lambda tx: send_message(tx, id=later))


def test_a_message_of_the_prospect_is_not_sent(db: Database, actor: Actor) -> None:
    id = db.write(actor, make_prospect)
    inbound = db.write(actor, lambda tx: create_message(tx, prospect_id=id, content="Hi", direction="inbound"))
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: send_message(tx, id=inbound))


def test_a_test_goes_to_a_member_and_is_counted_nowhere(
    db: Database, tenant: Tenant, post: Post, mailer: SmtpMailer
) -> None:
    actor = tenant.member
    steps = ({"step_key": "a", "subject": "Hi {{first_name|you}}", "content": "{{first_name}} of {{job_title}}"},)
    sequence_id = db.write(actor, lambda tx: make_sequence(tx, steps))
    prospect_id = db.write(actor, lambda tx: make_prospect(tx, first_name="Bo"))
    with db.read(actor) as reads:
        [step] = reads.rows(SequenceStep, sequence_id=sequence_id)
    db.write(actor, lambda tx: request_test(tx, id=step.id))
    db.write(actor, lambda tx: request_test(tx, id=step.id, to=tenant.admin.label.upper(), prospect_id=prospect_id))
    work(db, mailer)
    assert post.recipients == [tenant.member.label, tenant.admin.label]
    assert [mail["Subject"] for mail in post.mails] == ["[Test] Hi you", "[Test] Hi Bo"]
    assert "Bo of [job_title]" in post.mails[1].get_body(("plain",)).get_content()
    with db.read(actor) as reads:
        assert (reads.count(Message), used(db, actor)) == (0, 0)
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: request_test(tx, id=step.id, to="stranger@else.example"))


def test_a_test_of_a_step_that_is_gone_fails(db: Database, actor: Actor, mailer: SmtpMailer) -> None:
    payload = {"step_id": str(clock.new_id()), "to": actor.label}
    db.write(actor, lambda tx: tx.enqueue("send_test", payload, queue="email_notifications"))
    work(db, mailer)
    with db.read(actor) as reads:
        [job] = reads.rows(Job, kind="send_test", anywhere=True)
    assert job.status == JobStatus.FAILED
