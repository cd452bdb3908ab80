"""Mailing the replies of tickets in the background: claimed, handed to the mail server once, and marked.

Each step is a unit of its own. A worker that dies with a claim has sent nothing, and the reply is claimed again. From
``begin_dispatch`` on it is tried again by itself only where the server has said that it did not take it.
"""

from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.crash import crash_point
from growbase.core.database import Database
from growbase.core.mail import MailDeferred, MailRefused, MailUnconfirmed, is_for_later, is_no_address
from growbase.core.outside import Outside
from growbase.core.tables import Job
from growbase.domains.commerce.actions_mail import (
    SEND,
    Claim,
    ClaimLost,
    begin_dispatch,
    claim_mail,
    due_mails,
    enqueue_mail,
    expire_claim,
    mark_failed,
    mark_sent,
    mark_unconfirmed,
    silent_claims,
)
from growbase.domains.commerce.mails import compose
from growbase.jobs.schedule import Schedule
from growbase.jobs.worker import Task

WAITS: Final = tuple(timedelta(minutes=minutes) for minutes in (2, 10, 30, 60, 120, 240, 240))
"""Pauses before a reply is claimed again that the server would not take just now; then it has failed."""


def send_reply(database: Database, actor: Actor, job: Job, *, outside: Outside) -> dict[str, object] | None:
    """Mail one due reply; whatever comes of it is written to the message, so the job itself is never repeated."""
    message_id = UUID(str(job.payload["message_id"]))
    claim = database.write(actor, partial(claim_mail, message_id=message_id))
    if claim is None:
        return None
    crash_point("ticket:claimed")
    named: dict[str, Any] = {"message_id": message_id, "claim_token": claim.token}
    try:
        mail = compose(claim, default=outside.sender)
    except ValueError as error:
        database.write(actor, partial(mark_failed, error={"reason": str(error)}, **named))
        return {"outcome": "failed"}
    try:
        begun = database.write(actor, partial(begin_dispatch, claim=claim, message_id_header=str(mail["Message-ID"])))
    except ClaimLost:
        begun = False
    if not begun:
        return {"outcome": "held_back"}
    crash_point("ticket:dispatching")
    try:
        outside.mailer.send(mail)
        crash_point("ticket:sent")
    except MailUnconfirmed as error:
        database.write(actor, partial(mark_unconfirmed, error={"reason": str(error)}, **named))
        return {"outcome": "unconfirmed"}
    except (MailRefused, MailDeferred) as error:
        return {"outcome": _refused(database, actor, claim, error)}
    database.write(actor, partial(mark_sent, **named))
    return {"outcome": "sent"}


def _refused(database: Database, actor: Actor, claim: Claim, error: MailRefused | MailDeferred) -> str:
    """Note that a reply was surely not sent, and when it is tried again, if ever."""
    said: dict[str, object] = {"reason": str(error.params.get("reason", ""))}
    named: dict[str, Any] = {"message_id": claim.message_id, "claim_token": claim.token}
    if is_for_later(error) and claim.attempts <= len(WAITS):
        retry_at = clock.now() + WAITS[claim.attempts - 1]
        database.write(actor, partial(mark_failed, error=said, retry_at=retry_at, **named))
        return "deferred"
    word = "bounced" if is_no_address(error) else "failed"
    database.write(actor, partial(mark_failed, error={**said, "class": word}, **named))
    return word


def due_replies(database: Database) -> int:
    """Take replies from senders that have gone silent, ask for the mails of what waits, and return how many."""
    done = 0
    with database.read(system("sender")) as reads:
        silent = silent_claims(reads)
    for organization_id, id in silent:
        done += database.write(system("sender", organization_id), partial(expire_claim, message_id=id))
    with database.read(system("sender")) as reads:
        due = due_mails(reads)
    for organization_id, id in due:
        database.write(system("sender", organization_id), partial(enqueue_mail, message_id=id))
    return done + len(due)


TASKS: Final[dict[str, Task]] = {SEND: send_reply}
SCHEDULES: Final = (Schedule("commerce/due_replies", due_replies, every=timedelta(minutes=1)),)
