"""The mail of a ticket's reply: as text and as HTML, in the customer's thread."""

import html
import re
from email.headerregistry import Address
from email.message import EmailMessage

from growbase.core import clock
from growbase.core.mail import MESSAGE_ID, address, message_id_of
from growbase.domains.commerce.actions_mail import Claim

MARKUP = re.compile(r"<[a-zA-Z/!][^>]*>")


def compose(claim: Claim, *, default: Address) -> EmailMessage:
    """Return the mail of a claimed reply, in the store's name. Raises ValueError for an address that is none.

    A store without address of its own writes from ``default``, the server's.
    """
    sender = sender_of(claim, default)
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, address(claim.to, claim.to_name)
    mail["Subject"] = " ".join(claim.subject.split())
    mail["Date"] = clock.now()
    mail["Message-ID"] = message_id_of(claim.message_id, sender)
    thread = references(claim, sender)
    answered = claim.in_reply_to or ""
    mail["In-Reply-To"] = answered if MESSAGE_ID.fullmatch(answered) else thread[-1]
    mail["References"] = " ".join(thread)
    if claim.is_automatic:
        mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(f"{claim.body_plain.rstrip()}\n", cte="quoted-printable")
    mail.add_alternative(_html(claim), subtype="html", cte="quoted-printable")
    return mail


def sender_of(claim: Claim, default: Address) -> Address:
    """Return in whose name a store writes. Raises ValueError."""
    if claim.sender_email:
        return address(claim.sender_email, claim.sender_name)
    return Address(" ".join(claim.sender_name.split()), default.username, default.domain)


def references(claim: Claim, sender: Address) -> list[str]:
    """Return the Message-IDs of the thread: its root, which all its mails share, and what was written since.

    The root is the ticket's ``thread_key`` where that is the id of a mail, else an id made of the ticket's.
    """
    key = claim.thread_key or ""
    root = key if MESSAGE_ID.fullmatch(key) else message_id_of(claim.ticket_id, sender)
    answered = [claim.in_reply_to] if claim.in_reply_to and MESSAGE_ID.fullmatch(claim.in_reply_to) else []
    return list(dict.fromkeys([root, *claim.earlier, *answered]))


def _html(claim: Claim) -> str:
    rich = claim.body_rich
    if not MARKUP.search(rich):
        paragraphs = re.split(r"\n\s*\n", rich.replace("\r\n", "\n").strip())
        rich = "".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in paragraphs).replace("\n", "<br>\n")
    return f"<!doctype html><html><body>{rich}</body></html>\n"
