"""Rotating the keys of sealed columns while others write, and finding a wrong or missing key before it does harm."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from growbase.core.crypto import Keyring, KeyringFile, UnknownKey
from growbase.core.database import Database
from growbase.core.errors import Conflict
from growbase.ops import keyring
from growbase.ops.keyring import KeyDiffers, KeyMissing
from tests.fixtures import open_at


@pytest.fixture
def sealed(installed_url: str, tmp_path: Path) -> Iterator[Database]:
    """Give a database whose keyring is a file."""
    database = open_at(installed_url)
    object.__setattr__(database.context, "keyring", KeyringFile(tmp_path / "keyring"))
    yield database
    database.close()


def reopened(installed_url: str, ring: Keyring) -> Database:
    database = open_at(installed_url)
    object.__setattr__(database.context, "keyring", ring)
    return database


def test_a_changed_file_is_taken_up_by_everybody_who_has_it_open(tmp_path: Path) -> None:
    one, other = KeyringFile(tmp_path / "keyring"), KeyringFile(tmp_path / "keyring")
    one.replace(Keyring(one.keys).rotated())
    assert other.ids == one.ids
    assert len(other.ids) == 2
    assert other.current_id != other.ids[1]


def test_the_database_knows_which_keys_it_needs(installed_url: str, sealed: Database, tmp_path: Path) -> None:
    keyring.prove(sealed)
    keyring.prove(sealed)
    keyring.require_keys(sealed)
    (key_id,) = sealed.context.keyring.ids
    stranger = reopened(installed_url, Keyring.generate())
    with pytest.raises(KeyMissing, match=key_id):
        keyring.require_keys(stranger)
    stranger.close()
    imposter = reopened(installed_url, Keyring(((key_id, bytes(32)),)))
    with pytest.raises(KeyDiffers, match=key_id):
        keyring.require_keys(imposter)
    imposter.close()


def test_the_newest_key_is_not_retired(sealed: Database) -> None:
    with pytest.raises(Conflict):
        keyring.retire(sealed, sealed.context.keyring.current_id)
    with pytest.raises(UnknownKey):
        keyring.retire(sealed, "k0")
