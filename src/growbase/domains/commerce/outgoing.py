"""HTTP to addresses that people have typed in: no private network, no other host, little data and little time."""

import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import SplitResult, urljoin, urlsplit

import httpx

from growbase.core import outbound

TIMEOUT_SECONDS = 10.0
MAX_BYTES = 256 * 1024
MAX_REDIRECTS = 3

Kind = Literal["url", "dns", "private", "timeout", "tls", "unreachable", "redirect", "too_large", "protocol"]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Failed(Exception):
    """A request that got no usable answer; ``kind`` says why, without a word of what was sent."""

    def __init__(self, kind: Kind, detail: str = "") -> None:
        self.kind = kind
        self.detail = detail
        super().__init__(kind)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server has answered."""

    status: int
    body: bytes
    content_type: str = ""

    def json(self) -> Any:  # noqa: ANN401 -- a JSON value
        """Return the body as JSON. Raises Failed."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Failed("protocol") from error


class Http:
    """Requests of one test of a connection, which all of them together have ``seconds`` for."""

    def __init__(self, *, allow_private: bool, seconds: float = TIMEOUT_SECONDS, max_bytes: int = MAX_BYTES) -> None:
        self.allow_private = allow_private
        self.deadline = time.monotonic() + seconds
        self.max_bytes = max_bytes

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        document: object = None,
        params: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request and return its answer, following redirects on the same host only. Raises Failed."""
        asked = httpx.URL(url, params=params) if params else httpx.URL(url)
        origin = _split(str(asked))
        target = str(asked)
        for _ in range(MAX_REDIRECTS + 1):
            reply, location = self._send(method, target, dict(headers or {}), document)
            if location is None:
                return reply
            target = urljoin(target, location)
            there = _split(target)
            if (there.scheme, there.hostname, _port(there)) != (origin.scheme, origin.hostname, _port(origin)):
                raise Failed("redirect", there.hostname or "")
        raise Failed("redirect", origin.hostname or "")

    def _send(self, method: str, url: str, headers: dict[str, str], document: object) -> tuple[Reply, str | None]:
        """Send one request to the address that was checked, and return its answer and where it points."""
        parts = _split(url)
        host = parts.hostname or ""
        address = resolve(host, _port(parts), allow_private=self.allow_private)
        literal = f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004 -- IPv6
        pinned = parts._replace(netloc=f"{literal}:{_port(parts)}", fragment="").geturl()
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Failed("timeout")
        watch = Watch(left)
        try:
            # The name is what the certificate and the server see; the address is what was found to be public.
            with (
                watch,
                httpx.Client(timeout=left, follow_redirects=False, trust_env=False) as client,
                client.stream(
                    method,
                    pinned,
                    headers={**headers, "Host": parts.netloc.rpartition("@")[2], "Accept-Encoding": "identity"},
                    json=document,
                    extensions={"sni_hostname": host, "trace": watch.see},
                ) as response,
            ):
                return self._read(response), response.headers.get("location") if response.is_redirect else None
        except httpx.ConnectError as error:
            raise Failed(self._late() or ("tls" if _is_tls(error) else "unreachable")) from error
        except httpx.TimeoutException as error:
            raise Failed("timeout") from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise Failed(self._late() or "protocol") from error

    def _late(self) -> Kind | None:
        return "timeout" if time.monotonic() >= self.deadline else None

    def _read(self, response: httpx.Response) -> Reply:
        """Return an answer whose body is small and comes in time. Raises Failed."""
        if response.headers.get("content-encoding", "identity") != "identity":
            # Nobody asked for it, and what unpacks to much more than it was is a trap.
            raise Failed("protocol")
        body = b""
        for part in response.iter_raw():
            body += part
            if len(body) > self.max_bytes:
                raise Failed("too_large")
        return Reply(response.status_code, body, response.headers.get("content-type", ""))


class Watch:
    """Ends a request whose time is up: the library's own timeouts begin anew with every byte that comes."""

    def __init__(self, seconds: float) -> None:
        self.sockets: list[socket.socket] = []
        self.timer = threading.Timer(seconds, self._end)
        self.timer.daemon = True

    def __enter__(self) -> None:
        self.timer.start()

    def __exit__(self, *_: object) -> None:
        self.timer.cancel()

    def see(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of each socket that is opened (called by the library at every step)."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            self.sockets.append(info["return_value"].get_extra_info("socket"))

    def _end(self) -> None:
        for opened in self.sockets:
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)


def resolve(host: str, port: int, *, allow_private: bool) -> Address:
    """Return the address of a host. Raises Failed if it has none, or any that is not of the public internet."""
    try:
        found = outbound.resolve(host, port, allow_private=allow_private)
    except outbound.PrivateAddress as error:
        raise Failed("private", host) from error
    except (OSError, UnicodeError) as error:
        raise Failed("dns", host) from error
    if not found:
        raise Failed("dns", host)
    return ipaddress.ip_address(found[0].partition("%")[0])


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and _port(parts) > 0
    except ValueError as error:
        raise Failed("url") from error
    if not is_usable or parts.username is not None:
        raise Failed("url")
    return parts


def _port(parts: SplitResult) -> int:
    default = 443 if parts.scheme == "https" else 80
    return default if parts.port is None else parts.port


def _is_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
