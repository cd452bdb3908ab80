"""Mail over a real socket to an SMTP server that takes it, refuses it, puts it off, or dies half-way."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from growbase.core.mail import FolderMailer, MailDeferred, MailRefused, MailUnconfirmed, Server, SmtpMailer


class Post:
    """A mail server's own part: it keeps what it takes."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.connections: set[object] = set()
        self.rcpt_reply = "250 OK"
        self.data_reply = "250 OK"

    async def handle_RCPT(self, _: Any, session: Any, envelope: Any, address: str, __: Any) -> str:  # noqa: ANN401, N802
        self.connections.add(session.peer)
        if self.rcpt_reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt_reply

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:  # noqa: ANN401, N802
        self.taken.append(envelope)
        return self.data_reply


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def mailer(post: Post) -> Iterator[SmtpMailer]:
    controller = Controller(post, hostname="127.0.0.1", port=free_port(), ready_timeout=20)
    controller.start()
    found = SmtpMailer(Server("127.0.0.1", controller.port, tls=False))
    yield found
    found.close()
    controller.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def message(text: str = "Hello", to: str = "ann@example.com") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Growbase <mail@example.com>", to, "Grüße"
    mail.set_content(text)
    return mail


@contextmanager
def conversation(talk: Callable[[socket.socket], None]) -> Iterator[SmtpMailer]:
    """Give a mailer whose server is a script."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                talk(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield SmtpMailer(Server("127.0.0.1", server.getsockname()[1], tls=False), timeout=0.5)
        thread.join()


def until_data(connection: socket.socket) -> None:
    """Answer an SMTP client until it sends the text."""
    connection.sendall(b"220 here\r\n")
    for reply in (b"250 here\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n"):
        connection.recv(4_096)
        connection.sendall(reply)


def test_a_mail_arrives_as_it_was_written(mailer: SmtpMailer, post: Post) -> None:
    mailer.send(message("One\n.\n.two\nGrüße"))
    (envelope,) = post.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == ("mail@example.com", ["ann@example.com"])
    head, _, body = envelope.content.partition(b"\r\n\r\n")
    assert b"Subject:" in head
    assert body.decode() == "One\r\n.\r\n.two\r\nGrüße\r\n"


def test_a_connection_serves_several_mails(mailer: SmtpMailer, post: Post) -> None:
    for _ in range(3):
        mailer.send(message())
    assert len(post.taken) == 3
    assert len(post.connections) == 1


def test_a_refused_address_is_refused_for_good_and_the_next_mail_goes_out(mailer: SmtpMailer, post: Post) -> None:
    post.rcpt_reply = "550 no such user"
    with pytest.raises(MailRefused, match="550 no such user"):
        mailer.send(message())
    post.rcpt_reply = "250 OK"
    mailer.send(message())
    assert len(post.taken) == 1


def test_a_busy_server_is_tried_later(mailer: SmtpMailer, post: Post) -> None:
    post.rcpt_reply = "451 try later"
    with pytest.raises(MailDeferred):
        mailer.send(message())
    post.rcpt_reply, post.data_reply = "250 OK", "452 full"
    with pytest.raises(MailDeferred):
        mailer.send(message())


def test_no_server_means_later() -> None:
    with pytest.raises(MailDeferred):
        SmtpMailer(Server("127.0.0.1", free_port(), tls=False)).send(message())


def test_a_server_that_dies_before_the_text_has_surely_not_sent_it() -> None:
    def talk(connection: socket.socket) -> None:
        connection.sendall(b"220 here\r\n")
        connection.recv(4_096)
        connection.sendall(b"250 here\r\n")
        connection.recv(4_096)

    with conversation(talk) as mailer, pytest.raises(MailDeferred):
        mailer.send(message())


def test_a_server_that_dies_after_the_text_leaves_it_unknown() -> None:
    def talk(connection: socket.socket) -> None:
        until_data(connection)
        connection.recv(65_536)

    with conversation(talk) as mailer, pytest.raises(MailUnconfirmed):
        mailer.send(message())


def test_a_server_that_falls_silent_after_the_text_leaves_it_unknown() -> None:
    silent = threading.Event()

    def talk(connection: socket.socket) -> None:
        until_data(connection)
        silent.wait(5)

    with conversation(talk) as mailer:
        with pytest.raises(MailUnconfirmed):
            mailer.send(message())
        silent.set()


def test_nobody_logs_in_over_plain_text_elsewhere(mailer: SmtpMailer) -> None:
    port = mailer.server.port
    away = SmtpMailer(Server("127.0.0.2", port, tls=False, user="ann", password="secret"))
    with pytest.raises((MailRefused, MailDeferred)):
        away.send(message())


def test_without_a_server_mails_are_files(tmp_path: Path) -> None:
    FolderMailer(tmp_path / "outbox").send(message())
    (file,) = (tmp_path / "outbox").iterdir()
    assert b"To: ann@example.com" in file.read_bytes()


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example.com", Server("mail.example.com", 587, tls=False)),
        ("smtps://ann:p%40ss@mail.example.com", Server("mail.example.com", 465, tls=True, user="ann", password="p@ss")),
        ("smtp://127.0.0.1:2525", Server("127.0.0.1", 2525, tls=False)),
    ],
)
def test_a_url_says_where_the_server_is(url: str, server: Server) -> None:
    assert Server.parse(url) == server


@pytest.mark.parametrize("url", ["mail.example.com", "http://mail.example.com", "smtp://"])
def test_another_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="smtp://"):
        Server.parse(url)
