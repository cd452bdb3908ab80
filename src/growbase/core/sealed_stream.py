"""Long streams of bytes under a key of the keyring: sealed chunk by chunk, and never cut short unnoticed."""

import os
from collections.abc import Iterable, Iterator
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from growbase.core.crypto import BrokenSeal, Keyring

CHUNK: Final = 1024 * 1024
"""Bytes sealed together."""
_MAGIC: Final = b"GBS1"
_SALT: Final = 32
_TAG: Final = 16
_COUNTER: Final = 11


def seal_stream(keyring: Keyring, chunks: Iterable[bytes], *, context: str) -> Iterator[bytes]:
    """Encrypt with AES-256-GCM under a key derived (HKDF, random salt) from the newest one for this stream alone.

    Each nonce is the chunk's number and whether it is the last, so that chunks can't be dropped, moved or added.
    """
    key_id, key = keyring.keys[0]
    salt = os.urandom(_SALT)
    header = _MAGIC + bytes((len(key_id),)) + key_id.encode("ascii") + salt
    cipher = _cipher(key, salt, context)
    yield header
    number = 0
    waiting: bytes | None = None
    for block in blocks(chunks, CHUNK):
        if waiting is not None:
            yield cipher.encrypt(_nonce(number, is_last=False), waiting, header)
            number += 1
        waiting = block
    yield cipher.encrypt(_nonce(number, is_last=True), waiting or b"", header)


def open_stream(keyring: Keyring, chunks: Iterable[bytes], *, context: str) -> Iterator[bytes]:
    """Decrypt what ``seal_stream`` made in the same context. Raises UnknownKey or BrokenSeal, which name the key id.

    What was yielded before an error is as it was sealed, but not all of it.
    """
    source = iter(chunks)
    head = b""
    while len(head) < _header_size(head) and (more := next(source, None)) is not None:
        head += more
    size = _header_size(head)
    key_id = head[len(_MAGIC) + 1 : size - _SALT].decode("ascii", errors="replace")
    if not head.startswith(_MAGIC) or len(head) < size:
        raise BrokenSeal(key_id="?")
    header = head[:size]
    cipher = _cipher(keyring.key(key_id), header[-_SALT:], context)
    number = 0
    waiting: bytes | None = None
    try:
        for block in blocks(_after(head[size:], source), CHUNK + _TAG):
            if waiting is not None:
                yield cipher.decrypt(_nonce(number, is_last=False), waiting, header)
                number += 1
            waiting = block
        yield cipher.decrypt(_nonce(number, is_last=True), waiting or b"", header)
    except InvalidTag:
        raise BrokenSeal(key_id=key_id) from None


def blocks(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Cut chunks of any length into blocks of ``size`` bytes; only the last may be shorter."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        start = 0
        while len(held) - start >= size:
            yield bytes(held[start : start + size])
            start += size
        del held[:start]
    if held:
        yield bytes(held)


def _after(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _header_size(head: bytes) -> int:
    """Return how long the header is, as far as its beginning tells."""
    place = len(_MAGIC)
    return place + 1 + _SALT + (head[place] if len(head) > place else 0)


def _cipher(key: bytes, salt: bytes, context: str) -> AESGCM:
    info = b"growbase/stream/" + context.encode()
    return AESGCM(HKDF(algorithm=SHA256(), length=len(key), salt=salt, info=info).derive(key))


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(_COUNTER, "big") + bytes((is_last,))
