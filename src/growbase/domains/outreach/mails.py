"""The mail of a message: as text and as HTML, in its thread, with the links by which its reader leaves or counts."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage

from growbase.core import clock
from growbase.core.catalogue import translate
from growbase.core.mail import address
from growbase.domains.outreach.unsubscribe import unsubscribe_headers

LINK = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]}]")
"""An address in a text, without the punctuation behind it."""
REPLY = "Re: "


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says, from whom to whom, and what it answers: ``references`` are Message-IDs, the oldest first.

    ``track`` turns the address of a link into one that is counted, ``pixel`` is an image's; both only touch the HTML.
    """

    sender: Address
    to: str
    subject: str
    content: str
    message_id: str
    reply_to: str | None = None
    references: tuple[str, ...] = ()
    leave: str | None = None
    language: str = "en"
    pixel: str | None = None
    track: Callable[[str], str] = field(default=str)


def compose(letter: Letter) -> EmailMessage:
    """Return the mail of a letter. Raises ValueError for an address that no mail can be sent to."""
    mail = EmailMessage()
    mail["From"], mail["To"] = letter.sender, address(letter.to)
    mail["Subject"] = " ".join(letter.subject.split())
    mail["Date"] = clock.now()
    mail["Message-ID"] = letter.message_id
    if letter.reply_to:
        mail["Reply-To"] = address(letter.reply_to)
    if letter.references:
        mail["In-Reply-To"] = letter.references[-1]
        mail["References"] = " ".join(letter.references)
    for name, value in unsubscribe_headers(letter.leave).items() if letter.leave else ():
        mail[name] = value
    leaving = translate(letter.language, "If you want no more messages from us, unsubscribe here:", {})
    # Quoted-printable passes every server; what is long or not English would be 8-bit otherwise.
    mail.set_content(_text(letter, leaving), cte="quoted-printable")
    mail.add_alternative(_html(letter, leaving), subtype="html", cte="quoted-printable")
    return mail


def _text(letter: Letter, leaving: str) -> str:
    content = letter.content.rstrip()
    return f"{content}\n\n-- \n{leaving} {letter.leave}\n" if letter.leave else f"{content}\n"


def _html(letter: Letter, leaving: str) -> str:
    paragraphs = re.split(r"\n\s*\n", letter.content.replace("\r\n", "\n").strip())
    body = "".join(f"<p>{_line(paragraph, letter.track)}</p>" for paragraph in paragraphs)
    if letter.leave:
        link = f'<a href="{html.escape(letter.leave)}">{html.escape(letter.leave)}</a>'
        body += f'<p style="font-size:small;color:#666">{html.escape(leaving)} {link}</p>'
    if letter.pixel:
        body += f'<img src="{html.escape(letter.pixel)}" width="1" height="1" alt="">'
    return f'<!doctype html><html lang="{html.escape(letter.language)}"><body>{body}</body></html>\n'


def _line(text: str, track: Callable[[str], str]) -> str:
    """Return a paragraph as HTML: everything in it is text, but for addresses, which become links."""
    parts, end = [], 0
    for found in LINK.finditer(text):
        shown = html.escape(found[0])
        parts += [html.escape(text[end : found.start()]), f'<a href="{html.escape(track(found[0]))}">{shown}</a>']
        end = found.end()
    return "".join([*parts, html.escape(text[end:])]).replace("\n", "<br>\n")
