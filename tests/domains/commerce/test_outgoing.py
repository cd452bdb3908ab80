import gzip
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from growbase.core.outbound import is_public
from growbase.domains.commerce.outgoing import Failed, Http
from tests.domains.commerce.servers import Service, serve


@pytest.fixture
def service() -> Iterator[Service]:
    with serve(Service(document={"ok": True})) as found:
        yield found


def kind_of(url: str, *, allow_private: bool = True, seconds: float = 10, max_bytes: int = 1_000) -> str:
    with pytest.raises(Failed) as failed:
        Http(allow_private=allow_private, seconds=seconds, max_bytes=max_bytes).request("GET", url)
    return failed.value.kind


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",  # noqa: S104
            "224.0.0.1",
        ),
        *("::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1"),
        *("2002:7f00:1::", "255.255.255.255"),
    ],
)
def test_addresses_that_are_not_of_the_public_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:220:1::1", "::ffff:93.184.215.14"])
def test_addresses_of_the_public_internet(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_a_private_address_is_refused_however_it_is_written(service: Service, host: str) -> None:
    port = service.url.rpartition(":")[2]
    assert kind_of(f"http://{host}:{port}/", allow_private=False) in {"private", "dns"}
    assert service.asked == []


def test_one_private_address_among_others_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(2, 1, 6, "", ("93.184.215.14", 80)), (2, 1, 6, "", ("10.0.0.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert kind_of("http://two-faced.example/", allow_private=False) == "private"


def test_the_name_is_asked_for_once_and_the_server_sees_it(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    port = service.url.rpartition(":")[2]
    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", answer)
        Http(allow_private=True).request("GET", f"http://shop.example:{port}/a?b=c")
    # Connecting asks again, but for the address itself: no second answer can lead elsewhere.
    assert asked[0] == "shop.example"
    assert set(asked[1:]) <= {"127.0.0.1"}
    assert (service.asked[0].headers["host"], service.asked[0].path) == (f"shop.example:{port}", "/a?b=c")


@pytest.mark.parametrize(
    "url", ["ftp://example.com", "http://", "file:///etc/passwd", "http://a:b@example.com/", "http://h:0/"]
)
def test_only_plain_web_addresses_are_asked(url: str) -> None:
    assert kind_of(url) == "url"


def test_a_redirect_to_another_host_is_not_followed(service: Service) -> None:
    service.status, service.headers = 302, {"location": "http://elsewhere.example/"}
    assert kind_of(service.url) == "redirect"
    service.headers = {"location": "/again"}
    assert kind_of(service.url) == "redirect"
    assert len(service.asked) == 5


def test_an_answer_that_is_too_large_or_too_slow_is_given_up(service: Service) -> None:
    service.body = b"x" * 1_001
    assert kind_of(service.url) == "too_large"
    service.body, service.wait = b"{}", 0.6
    assert kind_of(service.url, seconds=0.2) == "timeout"
    service.wait = 0


def test_an_answer_that_drips_ends_with_the_time_there_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection:
                try:
                    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                    while not stop.wait(0.05):
                        connection.sendall(b"x")
                except OSError:
                    return

        stop = threading.Event()
        thread = threading.Thread(target=drip)
        thread.start()
        assert kind_of(f"http://127.0.0.1:{listening.getsockname()[1]}/", seconds=0.4) == "timeout"
        stop.set()
        thread.join()


def test_a_packed_answer_is_not_unpacked(service: Service) -> None:
    service.body, service.headers = gzip.compress(b"0" * 10_000_000)[:900], {"content-encoding": "gzip"}
    assert kind_of(service.url) == "protocol"
    assert service.asked[0].headers["accept-encoding"] == "identity"


def test_what_does_not_answer_says_why() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert kind_of(f"http://127.0.0.1:{port}/") == "unreachable"
    assert kind_of("http://no-such-host.invalid/") == "dns"


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subject = ["-subj", "/CN=other.example", "-days", "1"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, *subject],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            connection, _ = listening.accept()
            try:
                context.wrap_socket(connection, server_side=True).close()
            except OSError:
                connection.close()

        thread = threading.Thread(target=accept)
        thread.start()
        assert kind_of(f"https://127.0.0.1:{listening.getsockname()[1]}/") == "tls"
        thread.join()
