"""Handing over a mail as a task does: what the mail server says decides whether the job is tried again."""

from email.message import EmailMessage

from growbase.core.mail import MailDeferred, Mailer, MailRefused, MailUnconfirmed
from growbase.jobs.errors import Permanent, Transient, UnknownOutcome


def send_as_task(mailer: Mailer, message: EmailMessage) -> None:
    """Deliver a mail. Raises Transient, Permanent, or UnknownOutcome, after which it must not be sent again."""
    try:
        mailer.send(message)
    except MailDeferred as error:
        raise Transient(str(error)) from error
    except MailRefused as error:
        raise Permanent(str(error)) from error
    except MailUnconfirmed as error:
        raise UnknownOutcome(str(error)) from error
