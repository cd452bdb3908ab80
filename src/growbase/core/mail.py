"""Handing mail to an SMTP server, and saying for certain what became of it: sent, refused, not now, or unknown."""

import re
import smtplib
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

from growbase.core import clock
from growbase.core.errors import GrowbaseError

TIMEOUT_SECONDS: Final = 30.0
PORTS: Final = {"smtp": 587, "smtps": 465}
PERMANENT: Final = 500
"""Replies from here on will be the same next time (RFC 5321, 4.2.1)."""
NO_ADDRESS: Final = re.compile(r"5\d\d[ -]5\.1\.(?:1|2|3|6|10)\b")
"""What a server says of an address that is none (RFC 3463, 3.2): for good, and by whomever it is written to."""
OUR_FAULT: Final = re.compile(r"(?:530|534|535|538)\b|(?!\d{3}\b)")
"""Refusals that are about this program's login (RFC 4954, 6) and not about the message."""
MESSAGE_ID: Final = re.compile(r"<[^<>\s]+@[^<>\s]+>")
LOCAL: Final = "localhost"


class MailRefused(GrowbaseError):
    """The mail server refused the mail: {reason}.

    Correct the address or the message; it was not sent.
    """

    code = "mail_refused"


class MailDeferred(GrowbaseError):
    """The mail server can't take the mail now: {reason}.

    It was not sent; it may be tried again.
    """

    code = "mail_deferred"


class MailUnconfirmed(GrowbaseError):
    """The mail server did not say whether it has taken the mail: {reason}.

    Sending it again may deliver it twice: look it up at the provider first.
    """

    code = "mail_unconfirmed"


def is_no_address(error: GrowbaseError) -> bool:
    """Return whether a server has refused a mail since its address is none."""
    return isinstance(error, MailRefused) and NO_ADDRESS.match(_said(error)) is not None


def is_for_later(error: GrowbaseError) -> bool:
    """Return whether a mail that was surely not sent may be taken another time: the server is busy, or bars us."""
    return isinstance(error, MailDeferred) or OUR_FAULT.match(_said(error)) is not None


def _said(error: GrowbaseError) -> str:
    return str(error.params.get("reason", ""))


def address(email: str, name: str = "") -> Address:
    """Return an address as every server takes it, an international domain in its ASCII form. Raises ValueError."""
    local, _, domain = email.strip().rpartition("@")
    if not (local.isascii() and local and domain):
        raise ValueError("must be an address such as ann@example.com")
    encoded = domain if domain.isascii() else domain.encode("idna").decode()
    try:
        return Address(" ".join(name.split()), local, encoded)
    except Exception as error:
        # The parser's own errors are of several kinds, IndexError among them.
        raise ValueError("must be an address such as ann@example.com") from error


def message_id_of(key: object, sender: Address) -> str:
    """Return the Message-ID of a message: the same whenever it is asked for, so that a provider can be asked for it."""
    return f"<{key}@{sender.domain or LOCAL}>"


class Mailer(Protocol):
    """Whatever delivers mail."""

    def send(self, message: EmailMessage) -> None:
        """Deliver a message to its recipients. Raises MailRefused, MailDeferred, MailUnconfirmed."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where a mail server is and how to log in: ``smtp://user:password@host:587``, ``smtps://`` for TLS at once.

    ``smtp`` takes STARTTLS where the server offers it; a login over plain text is refused but for this machine.
    """

    host: str
    port: int
    tls: bool
    user: str | None = None
    password: str | None = None

    @classmethod
    def parse(cls, url: str) -> "Server":
        """Read a URL. Raises ValueError."""
        found = urlsplit(url)
        if found.scheme not in PORTS or not found.hostname:
            raise ValueError("must be an address such as smtp://user:password@mail.example.com:587")
        user, password = (None if part is None else unquote(part) for part in (found.username, found.password))
        return cls(found.hostname, found.port or PORTS[found.scheme], found.scheme == "smtps", user, password)


class SmtpMailer:
    """Sends by SMTP over connections that are kept for the next mail."""

    def __init__(self, server: Server, *, timeout: float = TIMEOUT_SECONDS) -> None:
        self.server = server
        self.timeout = timeout
        self._idle: list[smtplib.SMTP] = []
        self._lock = threading.Lock()

    def send(self, message: EmailMessage) -> None:
        """Deliver a message; see ``Mailer``. Up to the moment its text is on the way nothing is uncertain."""
        sender = message["Sender"] or message["From"].addresses[0].addr_spec
        recipients = [
            address.addr_spec for name in ("To", "Cc") if message[name] for address in message[name].addresses
        ]
        text = message.as_bytes(policy=SMTP)
        with self._connection() as connection:
            with _certain():
                _accepted(connection.mail(str(sender), ["BODY=8BITMIME"] if connection.has_extn("8bitmime") else []))
                for recipient in recipients:
                    _accepted(connection.rcpt(recipient))
                _accepted(connection.docmd("DATA"), wanted=354)
            try:
                connection.send(_dotted(text))
                reply = connection.getreply()
            except (OSError, smtplib.SMTPException) as error:
                raise MailUnconfirmed(reason=_reason(error)) from error
            _accepted(reply)

    def close(self) -> None:
        """End the kept connections."""
        with self._lock:
            kept, self._idle = self._idle, []
        for connection in kept:
            connection.close()

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        """Give a connection, kept afterwards unless something went wrong on it."""
        connection = self._take()
        try:
            yield connection
        except MailRefused:
            # The server is fine, the mail is not.
            self._keep(connection)
            raise
        except BaseException:
            connection.close()
            raise
        else:
            self._keep(connection)

    def _take(self) -> smtplib.SMTP:
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                with _certain():
                    return self._opened()
            try:
                # A server closes what is idle for long.
                if connection.rset()[0] == 250:  # noqa: PLR2004 -- RFC 5321's "done"
                    return connection
            except (OSError, smtplib.SMTPException):
                pass
            connection.close()

    def _keep(self, connection: smtplib.SMTP) -> None:
        with self._lock:
            self._idle.append(connection)

    def _opened(self) -> smtplib.SMTP:
        server, context = self.server, ssl.create_default_context()
        connection: smtplib.SMTP
        if server.tls:
            connection = smtplib.SMTP_SSL(server.host, server.port, timeout=self.timeout, context=context)
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=self.timeout)
        try:
            self._greet(connection, context)
        except BaseException:
            connection.close()
            raise
        return connection

    def _greet(self, connection: smtplib.SMTP, context: ssl.SSLContext) -> None:
        """Go over to TLS where there is any, and log in. Raises MailRefused rather than log in over plain text."""
        server = self.server
        is_private = server.tls or server.host in {"localhost", "127.0.0.1", "::1"}
        connection.ehlo()
        if not server.tls and connection.has_extn("starttls"):
            connection.starttls(context=context)
            connection.ehlo()
            is_private = True
        if server.user is not None:
            if not is_private:
                raise MailRefused(reason="the server offers no TLS to log in over")
            connection.login(server.user, server.password or "")


class FolderMailer:
    """Writes mail to a folder as ``.eml`` files: what a server without ``smtp_url`` does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, message: EmailMessage) -> None:
        """Write a message; see ``Mailer``."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.folder / f"{clock.new_id()}.eml").write_bytes(message.as_bytes(policy=SMTP))


@contextmanager
def _certain() -> Iterator[None]:
    """Turn what goes wrong while nothing can have been sent into MailRefused or MailDeferred."""
    try:
        yield
    except smtplib.SMTPResponseException as error:
        kind = MailRefused if error.smtp_code >= PERMANENT else MailDeferred
        raise kind(reason=_reason(error)) from error
    except (OSError, smtplib.SMTPException) as error:
        raise MailDeferred(reason=_reason(error)) from error


def _accepted(reply: tuple[int, bytes], *, wanted: int = 250) -> None:
    code, text = reply
    if code == wanted or (wanted == 250 and code == 251):  # noqa: PLR2004 -- RFC 5321: done, or forwarded
        return
    kind = MailRefused if code >= PERMANENT else MailDeferred
    raise kind(reason=f"{code} {text.decode('utf-8', 'replace')}"[:500])


def _dotted(text: bytes) -> bytes:
    """Return a message as DATA carries it: a line that is one dot ends it (RFC 5321, 4.5.2)."""
    stuffed = (b"." + line if line.startswith(b".") else line for line in text.splitlines(keepends=True))
    body = b"".join(stuffed)
    return body + (b"" if body.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _reason(error: BaseException) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        return f"{error.smtp_code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"[:500]
    return (str(error) or type(error).__name__)[:500]
