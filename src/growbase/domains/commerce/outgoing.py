"""HTTP to addresses that people have typed in: no private network, no other host, little data and little time."""

import json
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import SplitResult, urljoin, urlsplit

import httpx

from growbase.core.outbound import PrivateAddress, safe_client

TIMEOUT_SECONDS = 10.0
MAX_BYTES = 256 * 1024
MAX_REDIRECTS = 3

Kind = Literal["url", "dns", "private", "timeout", "tls", "unreachable", "redirect", "too_large", "protocol"]


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
        origin = _split(url)
        target = str(httpx.URL(url, params=params)) if params else url
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
        """Send one request in the time that is left, and return its answer and where it points."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Failed("timeout")
        given = {**headers, "Accept-Encoding": "identity"}
        try:
            with (
                safe_client(allow_private=self.allow_private, seconds=left) as client,
                client.stream(method, url, headers=given, json=document) as response,
            ):
                return self._read(response), response.headers.get("location") if response.is_redirect else None
        except PrivateAddress as error:
            raise Failed("private", str(error.params["host"])) from error
        except httpx.ConnectError as error:
            if _is_due_to(error, socket.gaierror, UnicodeError):
                raise Failed("dns", _split(url).hostname or "") from error
            raise Failed("tls" if _is_due_to(error, ssl.SSLError) else "unreachable") from error
        except httpx.TimeoutException as error:
            raise Failed("timeout") from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise Failed("protocol") from error

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


def _is_due_to(error: BaseException | None, *kinds: type[Exception]) -> bool:
    while error is not None:
        if isinstance(error, kinds):
            return True
        error = error.__cause__ or error.__context__
    return False
