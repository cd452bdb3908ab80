"""A restore brings back database and files, and leaves the old or the new one, never something between."""

import shutil
import tempfile
from contextlib import closing
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from pydantic import SecretStr

from growbase import wiring
from growbase.core.config import Settings
from growbase.core.errors import Invalid
from growbase.core.files import open_files
from growbase.core.transaction import Transaction
from growbase.domains.marketing.models_assets import Asset
from growbase.ops import restore as restoring
from growbase.ops.backup import backup_now
from growbase.ops.contents import sqlite_contents
from growbase.ops.migrate import SchemaOutdated
from growbase.ops.postgres_programs import own_server
from growbase.ops.privacy import erase, find_person
from growbase.ops.restore import DatabaseInUse, NothingBefore, Restored, parse_moment, restore
from tests.backups import Site, names
from tests.domains.outreach.factories import make_prospect
from tests.postgres import PostgresServer, find_programs


def test_a_restore_beside_has_the_rows_and_files_of_the_backup(shop: Site, tmp_path: Path) -> None:
    shop.add("before")
    key = shop.add_file("logo.txt", b"a logo")
    manifest = backup_now(shop.settings, shop.vault)
    shop.add("after")
    target = tmp_path / "restored"
    if shop.settings.is_postgresql:
        target = Path(tempfile.gettempdir()) / f"growbase-test-{manifest.id}"  # PostgreSQL's user must get there
    try:
        done = restore(shop.settings, shop.vault, wiring.open_database, to=str(target))
        assert (done.backup, done.files, done.by_log) == (manifest.id, 1, False)
        assert done.reached == manifest.newest
        assert (target / "assets" / key).read_bytes() == b"a logo"
        if shop.settings.is_postgresql:
            with own_server(target / "data", 15, "growbase", {}) as server:
                assert names(server.url(shop.settings.database.rpartition("/")[2])) == {"before"}
        else:
            assert names(str(target / "growbase.db")) == {"before"}
        with pytest.raises(Invalid, match="empty folder"):
            restore(shop.settings, shop.vault, wiring.open_database, to=str(target))
    finally:
        shutil.rmtree(target, ignore_errors=True)


def test_a_postgresql_backup_goes_into_an_empty_database(tmp_path: Path, small_server: PostgresServer) -> None:
    from tests.backups import site

    with site(tmp_path, None, small_server) as shop:
        shop.add("before")
        backup_now(shop.settings, shop.vault)
        with pytest.raises(Invalid, match="to is needed on PostgreSQL"):
            restore(shop.settings, shop.vault, wiring.open_database)
        with pytest.raises(Invalid, match="empty database"):
            restore(shop.settings, shop.vault, wiring.open_database, to=shop.settings.database)
        url = small_server.create_database()
        try:
            assert restore(shop.settings, shop.vault, wiring.open_database, to=url).contents.rows["brands"] == 1
            assert names(url) == {"before"}
            with psycopg.connect(url) as connection, pytest.raises(psycopg.Error, match="change log"):
                connection.execute("DELETE FROM changes")
        finally:
            small_server.drop_database(url)


def meet(tx: Transaction) -> UUID:
    return make_prospect(tx, email="ada@example.com", first_name="Ada")


def shows(tx: Transaction, id: UUID) -> None:
    (asset,) = tx.rows(Asset)
    tx.change(asset, {"subject_id": id})


def erased_again(found: Restored) -> int:
    """Return how many people a restore has erased again; each had one file."""
    assert found.erased is not None
    assert (found.files, len(found.erased.files)) == (1, 1)
    return found.erased.again


def forgets(url: str) -> bool:
    """Return whether a restored database knows neither the person nor what the log says of her."""
    with closing(wiring.open_database(Settings(database_url=SecretStr(url)))) as database:
        rows = database.query("SELECT email, first_name FROM prospects")
        return rows == [(None, None)] and not database.query(
            "SELECT 1 FROM subject_keys WHERE id IN (SELECT id FROM prospects)"
        )


def test_who_was_erased_after_the_backup_stays_erased(
    shop: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    prospect, key = shop.database.write(shop.owner, meet), shop.add_file("ada.txt", b"her face")
    shop.database.write(shop.owner, lambda tx: shows(tx, prospect))
    manifest = backup_now(shop.settings, shop.vault)
    erase(shop.database, find_person(shop.database, "ada@example.com"), folder=shop.settings.data_dir)
    target = tmp_path / "restored"
    if shop.settings.is_postgresql:
        target = Path(tempfile.gettempdir()) / f"growbase-test-{manifest.id}"  # PostgreSQL's user must get there
    try:
        with monkeypatch.context() as as_it_is:
            as_it_is.setattr(restoring, "require_current", older)
            assert restore(shop.settings, shop.vault, wiring.open_database, to=f"{target}-older").erased is None
        monkeypatch.setattr(restoring, "require_current", lambda _: None)
        assert erased_again(restore(shop.settings, shop.vault, wiring.open_database, to=str(target))) == 1
        assert not (target / "assets" / key).exists()
        if shop.settings.is_postgresql:
            name = shop.settings.database.rpartition("/")[2]
            with own_server(target / "data", 15, "growbase", {}) as server:
                assert forgets(server.url(name))
            small_server: PostgresServer = request.getfixturevalue("small_server")
            url = small_server.create_database()
            try:
                open_files(shop.settings).delete(key)
                assert erased_again(restore(shop.settings, shop.vault, wiring.open_database, to=url)) == 1
                assert forgets(url)
            finally:
                small_server.drop_database(url)
        else:
            assert forgets(f"sqlite:///{target / 'growbase.db'}")
            assert (target / "erasures.jsonl").exists()
            shop.database.close()
            open_files(shop.settings).delete(key)
            assert erased_again(restore(shop.settings, shop.vault, wiring.open_database)) == 1
            assert forgets(shop.settings.database)
        assert open_files(shop.settings).size(key) is None
    finally:
        shutil.rmtree(target, ignore_errors=True)
        shutil.rmtree(f"{target}-older", ignore_errors=True)


def older(_: Settings) -> None:
    raise SchemaOutdated(current="0003", needed="0004")


def test_a_restore_in_place_keeps_the_old_file(sqlite_shop: Site) -> None:
    site = sqlite_shop
    path = site.settings.sqlite_path
    assert path is not None
    site.add("before")
    key = site.add_file("logo.txt", b"a logo")
    backup_now(site.settings, site.vault)
    site.add("after")
    open_files(site.settings).delete(key)
    with pytest.raises(DatabaseInUse):
        restore(site.settings, site.vault, wiring.open_database)
    site.database.close()
    done = restore(site.settings, site.vault, wiring.open_database)
    assert done.files == 1
    assert names(str(path)) == {"before"}
    assert done.aside is not None
    assert names(done.aside) == {"before", "after"}
    assert b"".join(open_files(site.settings).read(key, 0, 6)) == b"a logo"


@pytest.mark.parametrize("lock", ["server.lock", "worker.lock"])
def test_a_restore_in_place_refuses_while_a_server_or_worker_runs(sqlite_shop: Site, lock: str) -> None:
    from growbase.ops.scratch import alone

    backup_now(sqlite_shop.settings, sqlite_shop.vault)
    sqlite_shop.database.close()
    with alone(sqlite_shop.settings.data_dir / lock, "test"), pytest.raises(DatabaseInUse, match=lock[:6]):
        restore(sqlite_shop.settings, sqlite_shop.vault, wiring.open_database)


def test_a_damaged_database_is_replaced(sqlite_shop: Site) -> None:
    site = sqlite_shop
    path = site.settings.sqlite_path
    assert path is not None
    site.add("before")
    backup_now(site.settings, site.vault)
    site.database.close()
    path.write_bytes(b"\xff" * 100_000)
    done = restore(site.settings, site.vault, wiring.open_database)
    assert names(str(path)) == {"before"}
    assert done.aside is not None
    assert Path(done.aside).read_bytes() == b"\xff" * 100_000


@pytest.mark.parametrize("place", ["restore.unpacked", "restore.aside"])
def test_a_restore_that_is_killed_leaves_the_old_database(sqlite_shop: Site, place: str) -> None:
    site = sqlite_shop
    path = site.settings.sqlite_path
    assert path is not None
    site.add("before")
    backup_now(site.settings, site.vault)
    site.add("after")
    site.database.close()
    code, printed = site.run("restore", CRASH_AT=place)
    assert code == -9, printed
    assert names(str(path)) == {"before", "after"}
    restore(site.settings, site.vault, wiring.open_database)
    assert names(str(path)) == {"before"}
    sqlite_contents(path)
    assert not list(path.parent.glob("*.restoring*"))


def test_a_killed_restore_of_postgresql_leaves_no_data_folder(tmp_path: Path, small_server: PostgresServer) -> None:
    from tests.backups import site

    assert find_programs() is not None
    with site(tmp_path, None, small_server) as shop:
        backup_now(shop.settings, shop.vault)
        target = tmp_path / "restored"
        code, printed = shop.run("restore", "--to", str(target), CRASH_AT="restore.unpacked")
        assert code == -9, printed
        assert not (target / "data").exists()


def test_a_moment_is_read_and_must_have_passed(sqlite_shop: Site) -> None:
    assert f"{parse_moment('2026-01-02T03:04:05'):%c%z}" == f"{parse_moment('2026-01-02T04:04:05+01:00'):%c%z}"
    for text in ("yesterday", "2999-01-01"):
        with pytest.raises(Invalid, match="at "):
            parse_moment(text)
    backup_now(sqlite_shop.settings, sqlite_shop.vault)
    with pytest.raises(NothingBefore, match="the oldest one"):
        restore(
            sqlite_shop.settings, sqlite_shop.vault, wiring.open_database, at=parse_moment("2020-01-01"), to="elsewhere"
        )
