"""Sending in the background: what is due is made and queued, claimed, handed to the mail server once, and marked.

Each step is a unit of its own. A worker that dies with a claim has sent nothing, and the message is claimed again. From
``begin_dispatch`` on it is tried again by itself only where the server has said that it did not take it: a worker that
dies then leaves it unconfirmed, until the provider or a person says more.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from functools import partial
from typing import Any, Final
from uuid import UUID

from growbase.core import clock, telemetry
from growbase.core.actor import Actor, system
from growbase.core.crash import crash_point
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError, LimitExceeded, Unavailable
from growbase.core.mail import (
    MailDeferred,
    MailRefused,
    MailUnconfirmed,
    address,
    is_for_later,
    is_no_address,
    message_id_of,
)
from growbase.core.outside import Outside
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.domains.outreach.actions_events import OWN_SENDER
from growbase.domains.outreach.actions_outgoing import (
    SEND,
    SEND_TEST,
    Outgoing,
    enqueue_sending,
    language_of,
    take_message,
)
from growbase.domains.outreach.actions_sending import (
    begin_dispatch,
    mark_bounced,
    mark_failed,
    mark_sent,
    mark_unconfirmed,
    release_claim,
)
from growbase.domains.outreach.actions_steps import (
    due_enrollments,
    due_messages,
    next_to_begin,
    queue_step_message,
    starting_campaigns,
)
from growbase.domains.outreach.errors import ClaimLost
from growbase.domains.outreach.mails import Letter, compose
from growbase.domains.outreach.models import Prospect
from growbase.domains.outreach.models_sequences import SequenceStep
from growbase.domains.outreach.personalise import preview, values_of
from growbase.domains.outreach.tracking import Tracked, click_url, open_url
from growbase.domains.outreach.unsubscribe import Unsubscribe, unsubscribe_url
from growbase.jobs.errors import Permanent
from growbase.jobs.mailing import send_as_task
from growbase.jobs.schedule import Schedule
from growbase.jobs.worker import Task

CHUNK: Final = 500
WAITS: Final = tuple(timedelta(minutes=minutes) for minutes in (2, 10, 30, 60, 120, 240, 240))
"""Pauses before a message is claimed again that the server would not take just now; then it has failed."""
LIMITED: Final = timedelta(hours=1)
"""How long a message waits that the plan does not allow."""


def due_sending(database: Database) -> int:
    """Make the messages of due steps, ask for the sending of what waits, and return how many those are."""
    made: set[UUID] = set()
    with database.read(system("sender")) as reads:
        due = due_enrollments(reads, limit=CHUNK)
        starting = starting_campaigns(reads)
    for organization_id, id in due:
        made |= _begin_step(database, system("sender", organization_id), id)
    for organization_id, campaign_id in starting:
        actor = system("sender", organization_id)
        with database.read(actor) as reads:
            beginning = next_to_begin(reads, campaign_id, limit=CHUNK)
        for id in beginning:
            made |= _begin_step(database, actor, id)
    return len(made) + _ask_again(database, made)


def _begin_step(database: Database, actor: Actor, enrollment_id: UUID) -> set[UUID]:
    """Make the message of a due step and ask for its sending; what is wrong with one enrolment stops no other."""

    def unit(tx: Transaction) -> set[UUID]:
        message_id = queue_step_message(tx, enrollment_id=enrollment_id)
        if message_id is None:
            return set()
        enqueue_sending(tx, message_id)
        return {message_id}

    try:
        return database.write(actor, unit)
    except Unavailable:
        raise
    except GrowbaseError as error:
        telemetry.instrument("step_not_made", level="warning", enrollment_id=str(enrollment_id), reason=str(error))
        return set()


def _ask_again(database: Database, made: Collection[UUID]) -> int:
    """Ask for the sending of messages whose time has come by now, or whose job got lost."""
    with database.read(system("sender")) as reads:
        found = [(home, id) for home, id in due_messages(reads, limit=CHUNK) if id not in made]
    for organization_id, id in found:
        database.write(system("sender", organization_id), partial(enqueue_sending, message_id=id))
    return len(found)


# -- one message ------------------------------------------------------------------------------------------------------


def send_message(database: Database, actor: Actor, job: Job, *, outside: Outside) -> dict[str, object] | None:
    """Send one due message; whatever comes of it is written to the message, so the job itself is never repeated."""
    message_id = UUID(str(job.payload["message_id"]))
    taken = database.write(actor, partial(take_message, message_id=message_id))
    if taken is None:
        return None
    crash_point("send:claimed")
    named: dict[str, Any] = {"message_id": message_id, "claim_token": taken.claim.token}
    try:
        mail = compose(_letter(taken, outside))
    except ValueError as error:
        wrong = {"reason": str(error)}
        database.write(actor, partial(mark_failed, error=wrong, **named))
        return {"outcome": "failed"}
    try:
        begun = database.write(actor, partial(begin_dispatch, claim=taken.claim))
    except LimitExceeded as error:
        wait: dict[str, Any] = {"until": clock.now() + LIMITED, "reason": str(error)}
        database.write(actor, partial(release_claim, **named, **wait))
        return {"outcome": "limited"}
    except ClaimLost:
        begun = False
    if not begun:
        return {"outcome": "held_back"}
    crash_point("send:dispatching")
    return {"outcome": _hand_over(database, actor, taken, mail, outside)}


def _hand_over(database: Database, actor: Actor, taken: Outgoing, mail: EmailMessage, outside: Outside) -> str:
    """Give a mail to the server, write down what it said, and return that in a word."""
    named: dict[str, Any] = {"message_id": taken.claim.message_id, "claim_token": taken.claim.token}
    try:
        outside.mailer.send(mail)
        crash_point("send:sent")
    except MailUnconfirmed as error:
        noted = {"reason": str(error)}
        database.write(actor, partial(mark_unconfirmed, error=noted, **named))
        return "unconfirmed"
    except (MailRefused, MailDeferred) as error:
        return _refused(database, actor, taken, error)
    named |= {"provider": OWN_SENDER, "provider_message_id": str(mail["Message-ID"])}
    database.write(actor, partial(mark_sent, **named))
    return "sent"


def _refused(database: Database, actor: Actor, taken: Outgoing, error: MailRefused | MailDeferred) -> str:
    """Note that a message was surely not sent, and when it is tried again, if ever."""
    claim, said = taken.claim, str(error.params.get("reason", ""))
    named: dict[str, Any] = {"message_id": claim.message_id, "claim_token": claim.token, "error": {"reason": said}}
    if is_no_address(error):
        database.write(actor, partial(mark_bounced, **named))
        return "bounced"
    if is_for_later(error) and claim.attempts <= len(WAITS):
        retry_at = clock.now() + WAITS[claim.attempts - 1]
        database.write(actor, partial(mark_failed, retry_at=retry_at, **named))
        return "deferred"
    database.write(actor, partial(mark_failed, **named))
    return "failed"


def _letter(taken: Outgoing, outside: Outside) -> Letter:
    """Return what the mail of a claimed message says. Raises ValueError for a sender that is none."""
    claim = taken.claim
    sender = sender_of(claim.sender, outside)
    tracked = partial(Tracked, claim.organization_id, claim.message_id)
    leaving = Unsubscribe(claim.organization_id, "message", claim.message_id)
    opens, clicks = taken.settings.get("track_opens"), taken.settings.get("track_clicks")

    def track(url: str) -> str:
        return click_url(outside.base_url, outside.secret, tracked(url)) if clicks else url

    return Letter(
        sender=sender,
        to=claim.address,
        subject=taken.subject,
        content=claim.content,
        message_id=message_id_of(claim.message_id, sender),
        reply_to=claim.sender.get("reply_to"),
        references=taken.references(sender),
        leave=unsubscribe_url(outside.base_url, outside.secret, leaving),
        language=taken.language,
        pixel=open_url(outside.base_url, outside.secret, tracked()) if opens else None,
        track=track,
    )


def sender_of(sender: Mapping[str, str], outside: Outside) -> Address:
    """Return in whose name a campaign writes: its own sender, else the server's. Raises ValueError."""
    own = outside.sender
    if sender.get("email"):
        return address(sender["email"], sender.get("name", ""))
    return Address(sender.get("name") or own.display_name, own.username, own.domain)


# -- tests ------------------------------------------------------------------------------------------------------------


def send_test(database: Database, actor: Actor, job: Job, *, outside: Outside) -> None:
    """Mail a step as it will look to a member; nothing is written and nothing counted."""
    payload: dict[str, Any] = job.payload
    with database.read(actor) as reads:
        step = reads.find(SequenceStep, UUID(payload["step_id"]))
        person = reads.find(Prospect, UUID(payload["prospect_id"])) if payload.get("prospect_id") else None
        language = language_of(reads)
    if step is None:
        raise Permanent("The step is gone.")
    values = values_of(person, {}) if person else {}
    letter = Letter(
        sender=outside.sender,
        to=payload["to"],
        subject=f"[Test] {preview(step.subject or '', values)}",
        content=preview(step.content, values),
        message_id=message_id_of(job.id, outside.sender),
        language=language,
    )
    try:
        send_as_task(outside.mailer, compose(letter))
    except ValueError as error:
        raise Permanent(str(error)) from error


TASKS: Final[dict[str, Task]] = {SEND: send_message, SEND_TEST: send_test}
SCHEDULES: Final = (Schedule("outreach/due_enrollments", due_sending, every=timedelta(minutes=1)),)
