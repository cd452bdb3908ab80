"""Rotating the keys of sealed columns while others write, and finding a wrong or missing key before it does harm."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from growbase.core.actor import Actor
from growbase.core.crypto import Keyring, KeyringFile, UnknownKey
from growbase.core.database import Database
from growbase.core.errors import Conflict
from growbase.core.transaction import Transaction
from growbase.domains.social.models_publishing import SocialAccount
from growbase.ops import keyring
from growbase.ops.keyring import BATCH, KeyDiffers, KeyMissing
from tests.fixtures import Tenant, make_tenant, open_at


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


COLUMN = "social_accounts.access_token_cipher"


def fill(database: Database, count: int) -> Tenant:
    """Make accounts whose tokens are sealed."""
    found = make_tenant(database, "Acme")

    def unit(tx: Transaction) -> None:
        rows = [
            {
                "platform": "mastodon",
                "provider_account_id": f"account {number}",
                "handle": f"@{number}",
                "access_token": f"token {number}",
            }
            for number in range(count)
        ]
        tx.insert_many(SocialAccount, rows)

    database.write(found.owner, unit)
    return found


def tokens(database: Database, owner: Actor) -> list[str | None]:
    with database.read(owner) as reads:
        accounts = reads.rows(SocialAccount, order="provider_account_id")
        return [reads.secret(account, "access_token") for account in accounts]


def test_every_value_is_sealed_anew_while_others_write_and_nothing_is_lost(sealed: Database) -> None:
    count = 2 * BATCH + 100
    owner = fill(sealed, count).owner
    before, (old,) = tokens(sealed, owner), sealed.context.keyring.ids
    new = keyring.add(sealed)
    assert keyring.status(sealed)[COLUMN] == {old: count}
    with sealed.read(owner) as reads:
        (first, *_) = reads.rows(SocialAccount, order="provider_account_id", limit=1)

    def busy(number: int) -> None:
        sealed.write(owner, lambda tx: tx.update(SocialAccount, first.id, {"access_token": f"written {number}"}))

    with ThreadPoolExecutor(2) as pool:
        writes = pool.map(busy, range(30))
        steps: list[int] = []
        keyring.rotate(sealed, lambda done, _: steps.append(done))
        list(writes)
    assert steps == sorted(steps)
    assert keyring.status(sealed)[COLUMN] == {new: count}
    assert {*keyring.status(sealed)["subject_keys.key_cipher"]} == {new}
    after = tokens(sealed, owner)
    assert after[1:] == before[1:]
    assert str(after[0]).startswith("written ")
    assert keyring.rotate(sealed) == 0
    keyring.retire(sealed, old)
    assert sealed.context.keyring.ids == (new,)
    keyring.require_keys(sealed)


def test_a_key_that_a_value_needs_stays(sealed: Database) -> None:
    fill(sealed, 3)
    (old,) = sealed.context.keyring.ids
    keyring.add(sealed)
    with pytest.raises(Conflict, match=r"\d values"):
        keyring.retire(sealed, old)
