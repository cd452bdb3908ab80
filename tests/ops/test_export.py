"""An export of either engine goes into an empty database of either, whole or not at all."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from growbase import wiring
from growbase.core.config import Settings
from growbase.core.errors import NotFound
from growbase.core.files import FileStore
from growbase.domains.social.models_publishing import SocialAccount
from growbase.ops.export import FOLDER, ExportDamaged, export, exports, find_export, prune_exports
from growbase.ops.move_import import NotEmpty, import_export
from tests.backups import TEMPLATE, Site, site
from tests.fixtures import open_at
from tests.postgres import PostgresServer


@pytest.fixture
def empty(tmp_path: Path, sqlite_template: Path, request: pytest.FixtureRequest) -> Callable[[str], Settings]:
    """Give a function that makes an empty, installed database of an engine."""

    def make(engine: str) -> Settings:
        folder = tmp_path / f"empty-{engine}"
        folder.mkdir()
        if engine == "sqlite":
            (folder / "growbase.db").write_bytes(sqlite_template.read_bytes())
            return Settings.model_validate({"data_dir": folder, "database_url": f"file:{folder / 'growbase.db'}"})
        server: PostgresServer = request.getfixturevalue("small_server")
        url = server.create_database(template=TEMPLATE)
        request.addfinalizer(lambda: server.drop_database(url))
        return Settings.model_validate({"data_dir": folder, "database_url": url})

    return make


def fill(shop: Site) -> None:
    shop.add("Northwind Ünïcode \U0001f680")
    shop.add_file("logo.txt", b"a logo")
    account = {"platform": "mastodon", "provider_account_id": "1", "handle": "@1", "access_token": "a token"}
    shop.database.write(shop.owner, lambda tx: tx.insert(SocialAccount, **account))


def test_an_export_is_imported_by_the_other_engine(shop: Site, empty: Callable[[str], Settings]) -> None:
    fill(shop)
    other = "sqlite" if shop.settings.is_postgresql else "postgres"
    manifest = export(shop.settings, exports(shop.settings))
    assert find_export(exports(shop.settings)) == manifest
    target = empty(other)
    rows = import_export(target, exports(shop.settings), manifest)
    assert rows == sum(int(found.partition(":")[0]) for found in manifest.tables.values())
    again = export(target, exports(target))
    differing = {name for name in manifest.tables if manifest.tables[name] != again.tables[name]}
    assert differing == {"instance_facts"}  # above what the log's positions go on
    assert again.position == manifest.position
    database = open_at(target.database)
    object.__setattr__(database.context, "keyring", shop.vault.keyring)
    try:
        with database.read(shop.owner) as reads:
            (account,) = reads.rows(SocialAccount)
            assert reads.secret(account, "access_token") == "a token"
        database.write(shop.owner, lambda tx: tx.update(SocialAccount, account.id, {"handle": "@2"}))
    finally:
        database.close()
    with pytest.raises(NotEmpty):
        import_export(target, exports(shop.settings), manifest)


def changed(store: FileStore, id: str, table: str, old: bytes, new: bytes) -> None:
    key = f"{FOLDER}/{id}/{table}.jsonl.gz"
    content = gzip.decompress(b"".join(store.stream(key)))
    assert old in content
    store.store(key, [gzip.compress(content.replace(old, new))])


def test_a_changed_export_is_refused_whole(shop: Site, empty: Callable[[str], Settings]) -> None:
    fill(shop)
    store = exports(shop.settings)
    manifest = export(shop.settings, store)
    target = empty("postgres" if shop.settings.is_postgresql else "sqlite")
    changed(store, manifest.id, "brands", b"Northwind", b"Southwind")
    with pytest.raises(ExportDamaged, match="brands is 1:"):
        import_export(target, store, manifest)
    store.delete(f"{FOLDER}/{manifest.id}/brands.jsonl.gz")
    with pytest.raises(ExportDamaged, match="brands is missing"):
        import_export(target, store, manifest)
    assert set(export(target, exports(target)).tables.values()) == {"0:" + "0" * 32}


def test_lines_are_plain_json(sqlite_shop: Site) -> None:
    fill(sqlite_shop)
    store = exports(sqlite_shop.settings)
    with pytest.raises(NotFound):
        find_export(store)
    manifest = export(sqlite_shop.settings, store)
    content = gzip.decompress(b"".join(store.stream(f"{FOLDER}/{manifest.id}/assets.jsonl.gz")))
    (line,) = content.decode().splitlines()
    row = json.loads(line)
    assert row["original_filename"] == "logo.txt"
    assert row["tags"] == []
    assert row["created_at"].endswith("Z")
    assert b"a token" not in gzip.decompress(b"".join(store.stream(f"{FOLDER}/{manifest.id}/social_accounts.jsonl.gz")))


def test_an_export_is_scheduled_where_it_is_wanted(tmp_path: Path, sqlite_template: Path) -> None:
    with site(tmp_path, sqlite_template, None, export_url=str(tmp_path / "exports")) as shop:
        (found,) = [one for one in wiring.schedules(shop.settings) if one.name == "ops/export"]
        assert found.rule == "weekly sun 03:40 UTC"
        assert found.run(shop.database) > 50
        assert find_export(exports(shop.settings)).engine == "sqlite"


def test_exports_go_when_backups_do_but_for_the_newest(sqlite_shop: Site) -> None:
    store = exports(sqlite_shop.settings)
    first, second = (export(sqlite_shop.settings, store) for _ in range(2))
    made = datetime.now(UTC)
    prune_exports(store, made - timedelta(days=1))
    assert sorted(store.folders(FOLDER)) == [first.id, second.id]
    prune_exports(store, made + timedelta(days=1))
    assert find_export(store) == second
    with pytest.raises(NotFound):
        find_export(store, first.id)
    assert [entry for batch in store.entries(f"{FOLDER}/{first.id}") for entry in batch] == []
