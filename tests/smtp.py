"""A mail server on this machine that keeps what it takes, and answers as a test wants it to."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

from aiosmtpd.controller import Controller

from growbase.core.generation import Offline
from growbase.core.mail import Mailer, Server, SmtpMailer
from growbase.core.outside import Outside
from tests.fixtures import SECRET

BASE_URL = "https://mail.example.com"


class Post:
    """A mail server's own part."""

    def __init__(self) -> None:
        self.port = 0
        self.recipients: list[str] = []
        self.mails: list[EmailMessage] = []
        self.rcpt_reply = "250 OK"
        self.data_reply = "250 OK"

    async def handle_RCPT(self, _: Any, __: Any, envelope: Any, address: str, ___: Any) -> str:  # noqa: ANN401, N802
        if self.rcpt_reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt_reply

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:  # noqa: ANN401, N802
        if self.data_reply.startswith("250"):
            self.recipients += envelope.rcpt_tos
            self.mails.append(cast("EmailMessage", message_from_bytes(envelope.content, policy=default)))
        return self.data_reply


@contextmanager
def post_office() -> Iterator[tuple[Post, SmtpMailer]]:
    """Run a mail server and give it with a mailer that uses it."""
    post = Post()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        post.port = int(probe.getsockname()[1])
    controller = Controller(post, hostname="127.0.0.1", port=post.port, ready_timeout=20)
    controller.start()
    mailer = SmtpMailer(Server("127.0.0.1", post.port, tls=False))
    yield post, mailer
    mailer.close()
    controller.stop()


def world(mailer: Mailer) -> Outside:
    """Return what tasks reach, with this mailer."""
    files: Any = None
    return Outside(BASE_URL, mailer, "Growbase <hello@us.example>", Offline(), files, secret=SECRET)
