"""Moving all data to another database, and back: nothing is lost or doubled, whoever is killed when."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import SecretStr

from growbase import wiring
from growbase.cli.opening import install
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.feed import BEGINNING, newest, read_changes
from growbase.core.gate import Moved
from growbase.domains.marketing.models import Campaign
from growbase.ops import move
from growbase.ops.drift import find_drift
from tests.fixtures import Tenant, make_tenant

RING = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def settings_of(folder: Path, url: str | None = None) -> Settings:
    folder.mkdir(exist_ok=True)
    return Settings(
        data_dir=folder,
        database_url=SecretStr(url) if url else None,
        encryption_keys=SecretStr(RING),
        environment="development",
    ).refreshed()


def fill(database: Database) -> Tenant:
    found = make_tenant(database, "Acme")
    for number in range(30):
        database.write(
            found.owner, lambda tx, number=number: tx.insert(Campaign, name=f"Campaign {number} é", purpose="x")
        )
    return found


@pytest.fixture
def home(tmp_path: Path, sqlite_template: Path) -> Settings:
    """Give the settings of an installed SQLite database."""
    settings = settings_of(tmp_path / "data")
    install(settings)
    return settings


def test_all_rows_move_and_everybody_goes_on_there_and_back(
    home: Settings, new_postgres_database: Callable[..., str]
) -> None:
    ring, url = wiring.keyring(home), new_postgres_database()
    with closing(wiring.follow_database(home)) as database:
        owner = fill(database).owner
        before = move.checksums(home)
        with database.read(owner) as reads:
            position = newest(reads)
        done = move.move(home, ring, url)
        assert done.pause is not None
        there = home.refreshed()
        assert there.database == url
        assert move.checksums(there) == before
        assert find_drift(there) == []
        assert database.engine == "postgresql"
        with closing(wiring.open_database(home)) as old, pytest.raises(Moved):
            old.write(owner, lambda tx: tx.insert(Campaign, name="late", purpose="x"))
        made = database.write(owner, lambda tx: tx.insert(Campaign, name="new", purpose="x"))
        with database.read(owner) as reads:
            batch = read_changes(reads, position, 10)
            assert [change.entity_id for change in batch.changes] == [made]
            assert len(read_changes(reads, BEGINNING, 1000).changes) > 30
            position = newest(reads)

        before = move.checksums(there)
        move.move(there, ring, move.origin(there, ring))
        here = home.refreshed()
        assert here.database == home.database
        assert move.checksums(here) == before
        assert find_drift(here) == []
        assert database.engine == "sqlite"
        made = database.write(owner, lambda tx: tx.insert(Campaign, name="home again", purpose="x"))
        with database.read(owner) as reads:
            assert [change.entity_id for change in read_changes(reads, position, 10).changes] == [made]
        # And once more to the database that was left.
        move.move(here, ring, url)
        assert database.engine == "postgresql"
        database.write(owner, lambda tx: tx.insert(Campaign, name="third", purpose="x"))
