import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from growbase.core import outbound
from growbase.core.outbound import PrivateAddress, is_public, resolve, safe_client

PRIVATE = [
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.5.5", "192.168.1.1", "100.64.0.1", "100.100.100.200"),  # noqa: S104
    *("169.254.169.254", "192.0.0.192", "198.18.0.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1"),
    *("::ffff:10.0.0.1", "64:ff9b::a00:1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1"),
]
PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_on_the_internet_is_public(address: str) -> None:
    assert is_public(address)


Answer = Callable[[socket.socket], None]


@pytest.fixture
def listen() -> Iterator[Callable[[Answer], int]]:
    """Give a function that answers each connection to a new port in a thread, and returns the port."""
    listeners: list[socket.socket] = []

    def serve(listener: socket.socket, answer: Answer) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with closing(connection):
                connection.recv(65_536)
                answer(connection)

    def start(answer: Answer) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=serve, args=(listener, answer), daemon=True).start()
        port: int = listener.getsockname()[1]
        return port

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def ok(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_no_spelling_of_a_private_address_is_connected_to(host: str, listen: Callable[[Answer], int]) -> None:
    asked: list[socket.socket] = []
    port = listen(asked.append)
    with safe_client(allow_private=False) as client, pytest.raises(PrivateAddress, match="into a private network"):
        client.get(f"http://{host}:{port}/")
    assert asked == []


def test_private_addresses_are_reached_where_they_are_allowed(listen: Callable[[Answer], int]) -> None:
    port = listen(ok)
    with safe_client(allow_private=True) as client:
        answer = client.post(f"http://localhost:{port}/path", content=b"body")
    assert (answer.status_code, answer.text) == (200, "ok")


def named(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let the names of the system be answered with addresses, one list at each look-up, and return the names asked."""
    asked: list[str] = []
    remaining, real = iter(answers), socket.getaddrinfo

    def look_up(host: str, port: int, *rest: Any, **named: Any) -> list[Any]:  # noqa: ANN401 -- as the library's
        if host[0].isdecimal():
            return real(host, port, *rest, **named)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in next(remaining)]

    monkeypatch.setattr(outbound.socket, "getaddrinfo", look_up)
    return asked


def test_one_private_address_of_several_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, ["93.184.216.34", "10.0.0.1"], ["93.184.216.34", "93.184.216.34"])
    with pytest.raises(PrivateAddress):
        resolve("mixed.example", 80, allow_private=False)
    assert resolve("public.example", 80, allow_private=False) == ["93.184.216.34"]


def test_the_connection_goes_to_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch, listen: Callable[[Answer], int]
) -> None:
    port = listen(ok)
    reached: list[str] = []
    monkeypatch.setattr(outbound, "is_public", lambda address: reached.append(address) or True)
    # The second answer, which nobody asks for, would fail.
    asked = named(monkeypatch, ["127.0.0.1"], ["192.0.2.1"])
    with safe_client(allow_private=False) as client:
        answer = client.get(f"http://rebinding.example:{port}/")
    assert (answer.status_code, answer.request.headers["host"]) == (200, f"rebinding.example:{port}")
    assert (asked, reached) == (["rebinding.example"], ["127.0.0.1"])


def test_an_address_that_does_not_answer_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, listen: Callable[[Answer], int]
) -> None:
    port = listen(ok)
    named(monkeypatch, ["127.0.0.2", "127.0.0.1"])
    with safe_client(allow_private=True) as client:
        assert client.get(f"http://two.example:{port}/").status_code == 200


def test_no_redirect_is_followed_and_no_proxy_used(
    monkeypatch: pytest.MonkeyPatch, listen: Callable[[Answer], int]
) -> None:
    def elsewhere(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n")

    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with safe_client(allow_private=True) as client:
        assert client.get(f"http://127.0.0.1:{listen(elsewhere)}/").status_code == 302


def drop_by_drop(connection: socket.socket) -> None:
    try:
        for letter in b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100:
            connection.sendall(bytes([letter]))
            time.sleep(0.05)
    except OSError:
        pass


def test_a_whole_exchange_ends_in_time_however_slowly_it_comes(listen: Callable[[Answer], int]) -> None:
    started = time.monotonic()
    with safe_client(allow_private=True, seconds=0.5) as client, pytest.raises(httpx.ReadTimeout):
        client.get(f"http://127.0.0.1:{listen(drop_by_drop)}/")
    assert time.monotonic() - started < 3


def test_a_body_that_never_ends_is_cut_off_in_time(listen: Callable[[Answer], int]) -> None:
    def endless(connection: socket.socket) -> None:
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                connection.sendall(b"x" * 100)
                time.sleep(0.01)
        except OSError:
            pass

    with safe_client(allow_private=True, seconds=0.5) as client, pytest.raises(httpx.ReadTimeout):
        client.get(f"http://127.0.0.1:{listen(endless)}/")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:1/", httpx.ConnectError),
        ("http://no-such-name.invalid/", httpx.ConnectError),
        (f"http://{'a' * 70}.example/", httpx.ConnectError),
        ("ftp://127.0.0.1/", httpx.UnsupportedProtocol),
    ],
)
def test_what_fails_is_an_error_of_httpx(url: str, expected: type[Exception]) -> None:
    with safe_client(allow_private=True) as client, pytest.raises(expected):
        client.get(url)


def test_a_broken_answer_is_an_error_of_httpx(listen: Callable[[Answer], int]) -> None:
    with safe_client(allow_private=True) as client, pytest.raises(httpx.RemoteProtocolError):
        client.get(f"http://127.0.0.1:{listen(lambda connection: connection.sendall(b'nonsense'))}/")
