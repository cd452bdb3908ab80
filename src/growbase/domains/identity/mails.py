"""The mails to people about their accounts, in their language."""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Final
from urllib.parse import urlencode, urljoin

from growbase.core import clock
from growbase.core.catalogue import translate


@dataclass(frozen=True, slots=True)
class Template:
    """A mail: its subject, its sentences, and the page its link leads to."""

    subject: str
    lines: tuple[str, ...]
    button: str | None = None
    page: str | None = None


TEMPLATES: Final[Mapping[str, Template]] = {
    "verify_email": Template(
        "Confirm your address",
        ("Please confirm that this address is yours.", "If you did not register, ignore this mail."),
        "Confirm the address",
        "verify-email",
    ),
    "reset_password": Template(
        "Choose a new password",
        (
            "Somebody, hopefully you, asked for a new password.",
            "If it was not you, ignore this mail: the password stays as it is.",
        ),
        "Choose a password",
        "reset-password",
    ),
    "invite": Template(
        "You are invited to {organization}",
        ("You are invited to work with {organization}.", "If you don't know why, ignore this mail."),
        "Accept the invitation",
        "accept-invite",
    ),
    "webhook_disabled": Template(
        "A webhook endpoint was disabled",
        (
            "Growbase has disabled a webhook endpoint. {body}",
            "Nothing is sent to it until somebody activates it again; what changes meanwhile is in the change feed.",
        ),
        "Look at the endpoint",
    ),
    "alert": Template("{title}", ("{body}",)),
}
ALERT: Final = "alert"
"""What a mail says that has no template of its own: the title, body and link of a notification."""


def compose(
    template: str,
    *,
    to: str,
    sender: Address,
    language: str,
    base_url: str,
    token: str | None = None,
    data: Mapping[str, object] | None = None,
) -> EmailMessage:
    """Return the mail of a template, as text and as HTML; ``token`` goes into its link.

    A template there is none of is an alert, the mail of a notification. Raises ValueError for an address that is none.
    """
    found = TEMPLATES.get(template, TEMPLATES[ALERT])
    params = {"organization": "Growbase", "title": template, "body": "", **(data or {})}

    def say(text: str) -> str:
        return translate(language, text, params)

    lines = [say(line) for line in found.lines]
    link = f"{base_url}/studio/{found.page}?{urlencode({'token': token})}" if found.page and token else None
    if found.page is None and params.get("link"):
        link = urljoin(f"{base_url}/", str(params["link"]))
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, " ".join(say(found.subject).split())
    mail["Date"] = clock.now()
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("\n\n".join([lines[0], *([link] if link else []), *lines[1:]]) + "\n")
    button = _button(link, say(found.button) if found.button else link) if link else ""
    first, *rest = (f"<p>{html.escape(line)}</p>" for line in lines)
    body = "".join([first, button, *rest])
    mail.add_alternative(f'<!doctype html><html lang="{language}"><body>{body}</body></html>\n', subtype="html")
    return mail


def _button(link: str, words: str) -> str:
    return f'<p><a href="{html.escape(link)}">{html.escape(words)}</a></p>'
