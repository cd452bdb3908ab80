"""HTTP to addresses that users have chosen: never into a private network, never longer than agreed.

A name is looked up once, every address it has is checked, and the connection goes to an address that was checked: a
name that answers differently the second time leads nowhere else.
"""

import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Final

import httpcore
import httpx

from growbase.core.errors import Invalid

SECONDS: Final = 10.0
_PROTOCOLS: Final = IPv4Network("192.0.0.0/24")
"""Reserved by IETF, and where one cloud answers with a machine's credentials."""
_NAT64: Final = IPv6Network("64:ff9b::/96")
_TUNNELS: Final = (IPv6Network("2002::/16"), IPv6Network("2001::/32"))
"""6to4 and Teredo, whose addresses hold another one."""


class PrivateAddress(Invalid):
    """{host} leads into a private network.

    Give an address on the internet, or set GROWBASE_ALLOW_PRIVATE_ADDRESSES where the network is yours alone.
    """

    code = "private_address"


def safe_client(*, allow_private: bool, seconds: float = SECONDS) -> httpx.Client:
    """Return a client for addresses users chose; a whole exchange takes ``seconds`` at most, looking up aside.

    It follows no redirect, keeps no connection, and reads no proxy or password from the environment. A request raises
    PrivateAddress unless ``allow_private``, and httpx's own errors otherwise.
    """
    transport = _Transport(allow_private=allow_private, seconds=seconds)
    return httpx.Client(transport=transport, timeout=seconds, follow_redirects=False, trust_env=False)


def is_public(address: str) -> bool:
    """Return whether an address is one on the internet: not private, loopback, link-local, multicast or metadata."""
    found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        elif found in _NAT64:
            found = IPv4Address(int(found) & 0xFFFF_FFFF)
        elif any(found in network for network in _TUNNELS):
            return False
    return found.is_global and not found.is_multicast and found not in _PROTOCOLS


def resolve(host: str, port: int, *, allow_private: bool) -> list[str]:
    """Return the addresses of a host. Raises PrivateAddress if one of them is not public, OSError if it has none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not allow_private and not all(is_public(address) for address in addresses):
        raise PrivateAddress(host=host)
    return addresses


class _Network(httpcore.NetworkBackend):
    """Connects to addresses that were checked; whatever goes over the connection ends at its deadline."""

    def __init__(self, *, allow_private: bool, seconds: float) -> None:
        self.allow_private = allow_private
        self.seconds = seconds
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of a host that answers."""
        try:
            addresses = resolve(host, port, allow_private=self.allow_private)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} is not known: {error}") from error
        deadline = time.monotonic() + self.seconds
        failure: Exception | None = None
        for address in addresses:
            try:
                left = _left(deadline, timeout, httpcore.ConnectTimeout)
                found = self._sockets.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _Stream(found, deadline)
        raise failure or httpcore.ConnectError(f"{host} has no address")


class _Stream(httpcore.NetworkStream):
    """A connection whose every operation ends at one deadline, so that a peer who sends drop by drop gains nothing."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read some bytes."""
        return self._stream.read(max_bytes, _left(self._deadline, timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all bytes."""
        self._stream.write(buffer, _left(self._deadline, timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Go on encrypted; the certificate is checked against the name, not the address."""
        left = _left(self._deadline, timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 -- whatever the socket tells
        """Return what is known of the socket."""
        return self._stream.get_extra_info(info)


def _left(deadline: float, timeout: float | None, late: type[Exception]) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise late("the whole exchange took too long")
    return left if timeout is None else min(left, timeout)


@cache
def _trusted() -> ssl.SSLContext:
    """Return the authorities whose certificates count; reading them takes longer than a request."""
    return httpx.create_ssl_context()


class _Transport(httpx.BaseTransport):
    """Sends httpx's requests over a pool of its own network."""

    def __init__(self, *, allow_private: bool, seconds: float) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=_trusted(),
            max_keepalive_connections=0,
            network_backend=_Network(allow_private=allow_private, seconds=seconds),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return its response, the body still to be read."""
        url = request.url
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        assert isinstance(request.stream, httpx.SyncByteStream)
        sent = httpcore.Request(
            method=request.method,
            url=target,
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        try:
            found = self._pool.handle_request(sent)
        except _ERRORS as error:
            raise _translated(error) from error
        assert isinstance(found.stream, Iterable)
        return httpx.Response(
            found.status, headers=found.headers, stream=_Body(found.stream), extensions=found.extensions
        )

    def close(self) -> None:
        """Close what is open."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """A response's body as it comes in."""

    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._stream
        except _ERRORS as error:
            raise _translated(error) from error

    def close(self) -> None:
        """Leave the rest."""
        if hasattr(self._stream, "close"):
            self._stream.close()


_ERRORS: Final = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
)


def _translated(error: Exception) -> httpx.TransportError:
    """Return httpx's error of the same name; httpx keeps its own table to itself."""
    names = (base.__name__ for base in type(error).__mro__)
    found = next((getattr(httpx, name) for name in names if hasattr(httpx, name)), httpx.TransportError)
    translated: httpx.TransportError = found(str(error))
    return translated
