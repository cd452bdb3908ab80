"""Mailing people about their accounts, in the background: links that prove an address, invitations, alerts."""

from email.message import EmailMessage
from typing import Any, Final
from uuid import UUID

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.mail import message_id_of
from growbase.core.outside import Outside
from growbase.core.tables import Job
from growbase.core.types import parse_moment
from growbase.domains.identity.mails import compose
from growbase.domains.identity.models import OneTimeToken
from growbase.domains.identity.tokens import open_mailed_token
from growbase.jobs.mailing import send_as_task
from growbase.jobs.worker import Task


def send_email(database: Database, actor: Actor, job: Job, *, outside: Outside) -> dict[str, object]:
    """Send a mail of ``mails``; one whose link has run out, or was replaced by a newer one, is dropped."""
    del actor
    payload: dict[str, Any] = job.payload
    reason = _outdated(database, payload)
    if reason is not None:
        return {"dropped": reason}
    mail = _composed(database, payload, outside)
    # The same at each attempt: a mail that arrives twice is one to the reader's program.
    mail["Message-ID"] = message_id_of(job.id, outside.sender)
    send_as_task(outside.mailer, mail)
    return {"sent": True}


def _outdated(database: Database, payload: dict[str, Any]) -> str | None:
    """Return why nobody could use the mail any more."""
    if "expires_at" in payload and parse_moment(str(payload["expires_at"])) <= clock.now():
        return "expired"
    if "token_id" not in payload:
        return None
    with database.read(system("mail")) as reads:
        token = reads.find(OneTimeToken, id=UUID(str(payload["token_id"])))
    return "replaced" if token is None or token.consumed_at is not None else None


def _composed(database: Database, payload: dict[str, Any], outside: Outside) -> EmailMessage:
    token = open_mailed_token(database.context.keyring, payload) if "sealed_token" in payload else None
    return compose(
        str(payload["template"]),
        to=str(payload["to"]),
        sender=outside.sender,
        language=str(payload.get("language") or "en"),
        base_url=outside.base_url,
        token=token,
        data=payload.get("data"),
    )


TASKS: Final[dict[str, Task]] = {"send_email": send_email}
