"""Streams that are sealed in chunks open whole or not at all."""

import os

import pytest

from growbase.core.crypto import BrokenSeal, Keyring, UnknownKey
from growbase.core.sealed_stream import CHUNK, blocks, open_stream, seal_stream

KEYS = Keyring.generate()


def sealed(content: bytes, keyring: Keyring = KEYS) -> bytes:
    return b"".join(seal_stream(keyring, [content], context="a"))


def opened(content: bytes, keyring: Keyring = KEYS, context: str = "a") -> bytes:
    pieces = (content[at : at + 70_000] for at in range(0, len(content), 70_000))
    return b"".join(open_stream(keyring, pieces, context=context))


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_what_is_sealed_opens_again(size: int) -> None:
    content = os.urandom(size)
    assert opened(sealed(content)) == content
    assert opened(sealed(content), KEYS.rotated()) == content
    assert sealed(content) != sealed(content)


def test_a_stream_that_is_cut_short_is_noticed() -> None:
    whole = sealed(bytes(3 * CHUNK))
    for size in (0, 3, 50, CHUNK, len(whole) - CHUNK - 16, len(whole) - 1):
        with pytest.raises(BrokenSeal):
            opened(whole[:size])
    with pytest.raises(BrokenSeal):
        opened(whole + b"more")


def test_a_changed_byte_a_moved_chunk_and_another_place_are_noticed() -> None:
    whole = sealed(bytes(2 * CHUNK))
    for at in (0, 6, 20, 100, CHUNK + 100, len(whole) - 1):
        changed = bytearray(whole)
        changed[at] ^= 1
        with pytest.raises((BrokenSeal, UnknownKey)):
            opened(bytes(changed))
    head, block = len(whole) - 2 * (CHUNK + 16), CHUNK + 16
    swapped = whole[:head] + whole[head + block :] + whole[head : head + block]
    with pytest.raises(BrokenSeal):
        opened(swapped)
    with pytest.raises(BrokenSeal):
        opened(whole, context="b")


def test_errors_name_the_key() -> None:
    with pytest.raises(UnknownKey, match=KEYS.current_id):
        opened(sealed(b"x"), Keyring.generate())
    with pytest.raises(BrokenSeal, match=KEYS.current_id):
        opened(sealed(b"x"), Keyring(((KEYS.current_id, bytes(32)),)))


def test_blocks_have_one_size() -> None:
    assert list(blocks([b"abc", b"", b"defgh", b"i"], 4)) == [b"abcd", b"efgh", b"i"]
    assert list(blocks([], 4)) == []
