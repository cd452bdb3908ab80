"""Backups are whole, sealed and checked; what is not finished, not whole or not ours to open says so."""

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pysqlite3
import pytest

from growbase.core.crypto import Keyring
from growbase.core.errors import Conflict, NotFound
from growbase.core.files import open_files
from growbase.core.types import moment_text
from growbase.ops import backup, vault
from growbase.ops.backup import backup_now, kept, prune, verify
from growbase.ops.backup_copy import copy_to
from growbase.ops.contents import DatabaseDamaged
from growbase.ops.scratch import scratch
from growbase.ops.vault import BASE, BackupDamaged, KeyNeeded, Manifest, Vault, WrongKey, open_vault
from tests.backups import Site


def objects(place: Vault, id: str) -> list[Path]:
    assert place.store.folder is not None
    return sorted((place.store.folder / BASE / id).iterdir())


def test_a_backup_holds_what_was_committed_and_opens_only_with_its_key(shop: Site) -> None:
    shop.add("Northwind")
    key = shop.add_file("logo.txt", b"a logo" * 1_000)
    manifest = backup_now(shop.settings, shop.vault)
    assert manifest.rows["brands"] == 1
    assert manifest.files == 1
    assert manifest.position > (0, 0)
    assert manifest.key_id in shop.vault.keyring.ids
    assert verify(shop.settings, shop.vault, manifest, every_file=True).rows["brands"] == 1
    assert [found.id for found in shop.vault.manifests()] == [manifest.id]
    for path in objects(shop.vault, manifest.id):
        content = path.read_bytes()
        assert b"Northwind" not in content
        assert key.encode() not in content

    (key_id,) = shop.vault.keyring.ids
    with pytest.raises(KeyNeeded, match=key_id):
        verify(shop.settings, Vault(shop.vault.store, Keyring.generate()), manifest)
    with pytest.raises(WrongKey, match=key_id):
        verify(shop.settings, Vault(shop.vault.store, Keyring(((key_id, bytes(32)),))), manifest)


def test_a_changed_or_shortened_object_is_noticed(shop: Site) -> None:
    manifest = backup_now(shop.settings, shop.vault)
    path = max(objects(shop.vault, manifest.id), key=lambda found: found.stat().st_size)
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 1
    for content in (bytes(changed), whole[:-1], whole[:1000]):
        path.write_bytes(content)
        with pytest.raises(BackupDamaged, match=manifest.id):
            verify(shop.settings, shop.vault, manifest)
    path.unlink()
    with pytest.raises(BackupDamaged, match="missing"):
        verify(shop.settings, shop.vault, manifest)


def test_a_backup_is_one_moment_while_others_write(shop: Site) -> None:
    stop = threading.Event()
    count = 0

    def write() -> None:
        nonlocal count
        while not stop.is_set():
            shop.add(f"brand {count}")
            count += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        manifest = backup_now(shop.settings, shop.vault)
    finally:
        stop.set()
        writer.join()
    assert count > 0
    verify(shop.settings, shop.vault, manifest)


def test_a_file_is_stored_once_for_all_backups(sqlite_shop: Site) -> None:
    site = sqlite_shop
    site.add_file("one", b"same bytes")
    site.add_file("two", b"same bytes")
    first = backup_now(site.settings, site.vault)
    before = {key: site.vault.store.folder / key for key in site.vault.keys("files")}  # type: ignore[operator]
    stamps = {key: path.stat().st_mtime_ns for key, path in before.items()}
    assert (first.files, len(stamps)) == (2, 1)
    site.add_file("three", b"other bytes")
    gone = site.add_file("four", b"lost bytes")
    open_files(site.settings).delete(gone)
    second = backup_now(site.settings, site.vault)
    assert (second.files, second.unreadable_files) == (3, (gone,))
    assert len(site.vault.keys("files")) == 2
    assert {key: path.stat().st_mtime_ns for key, path in before.items()} == stamps


def damage(path: Path, table: str) -> None:
    """Overwrite the beginning of the page where a table's rows begin."""
    connection = pysqlite3.connect(str(path))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * 16)


def test_a_damaged_database_is_not_backed_up_and_the_last_good_backup_is_named(sqlite_shop: Site) -> None:
    good = backup_now(sqlite_shop.settings, sqlite_shop.vault)
    sqlite_shop.database.close()
    path = sqlite_shop.settings.sqlite_path
    assert path is not None
    damage(path, "brands")
    with pytest.raises(DatabaseDamaged, match="brands") as raised:
        backup_now(sqlite_shop.settings, sqlite_shop.vault)
    assert "growbase restore" in raised.value.hint
    assert str(raised.value.params["last"]).startswith(good.id)
    assert [found.id for found in sqlite_shop.vault.manifests()] == [good.id]
    path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(DatabaseDamaged, match="whole file"):
        backup_now(sqlite_shop.settings, sqlite_shop.vault)


def test_a_page_that_was_damaged_before_it_was_sealed_is_found_by_verify(sqlite_shop: Site, tmp_path: Path) -> None:
    manifest = backup_now(sqlite_shop.settings, sqlite_shop.vault)
    path = sqlite_shop.settings.sqlite_path
    assert path is not None
    sqlite_shop.database.close()
    damage(path, "brands")
    part = sqlite_shop.vault.keep(f"{BASE}/{manifest.id}/{backup.DATABASE}", [path.read_bytes()])
    others = tuple(found for found in manifest.parts if found.name != part.name)
    sqlite_shop.vault.finish(replace(manifest, parts=(part, *others)))
    with pytest.raises(BackupDamaged, match="brands"):
        verify(sqlite_shop.settings, sqlite_shop.vault, sqlite_shop.vault.find())


def test_a_row_that_is_missing_from_an_index_is_damage(sqlite_shop: Site) -> None:
    sqlite_shop.add("Northwind")
    sqlite_shop.database.close()
    path = sqlite_shop.settings.sqlite_path
    assert path is not None
    connection = pysqlite3.connect(str(path))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    listed = "SELECT rootpage FROM sqlite_master WHERE type = 'index' AND tbl_name = 'brands' ORDER BY name"
    pages = [page for (page,) in connection.execute(listed)]
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    content = bytearray(path.read_bytes())
    at = next(found for page in pages if (found := content.find(b"orthwind", (page - 1) * size, page * size)) > 0)
    content[at] ^= 1
    path.write_bytes(content)
    with pytest.raises(DatabaseDamaged):
        backup_now(sqlite_shop.settings, sqlite_shop.vault)


def test_a_backup_that_is_killed_does_not_look_finished(shop: Site) -> None:
    code, printed = shop.run("backup", "now", CRASH_AT="backup.stored")
    assert code == -9, printed
    assert shop.vault.keys(BASE) != []
    assert shop.vault.manifests() == []
    with pytest.raises(NotFound):
        shop.vault.find()
    finished = backup_now(shop.settings, shop.vault)
    assert [found.id for found in shop.vault.manifests()] == [finished.id]
    assert [path.name for path in (shop.settings.data_dir / "scratch").iterdir()] == ["backup.lock"]


def test_one_backup_at_a_time(sqlite_shop: Site) -> None:
    with scratch(sqlite_shop.settings, "backup"), pytest.raises(Conflict, match="Another backup"):
        backup_now(sqlite_shop.settings, sqlite_shop.vault)


def test_a_second_place_gets_what_it_lacks(sqlite_shop: Site, tmp_path: Path) -> None:
    site = sqlite_shop
    site.add_file("one", b"some bytes")
    first = backup_now(site.settings, site.vault)
    other = open_vault(site.settings, site.vault.keyring, str(tmp_path / "elsewhere"))
    assert copy_to(site.vault, other) == 1
    assert copy_to(site.vault, other) == 0
    verify(site.settings, other, other.find(first.id), every_file=True)


def test_a_manifest_names_its_region_and_one_from_before_is_read(sqlite_shop: Site) -> None:
    settings = sqlite_shop.settings.model_copy(update={"region": "eu"})
    made = backup_now(settings, sqlite_shop.vault)
    assert sqlite_shop.vault.find(made.id).region == "eu"
    older = {name: value for name, value in made.as_json().items() if name != "region"}
    assert Manifest.parse(json.dumps(older).encode()).region == ""


# -- retention --------------------------------------------------------------------------------------------------------


def aged(manifest: Manifest, now: datetime, age: timedelta) -> Manifest:
    moment = now - age
    return replace(manifest, id=f"{moment:%Y%m%dT%H%M%S%f}", finished_at=moment_text(moment))


def test_the_newest_of_each_day_week_and_month_stays(sqlite_shop: Site) -> None:
    one = backup_now(sqlite_shop.settings, sqlite_shop.vault)
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    found = [aged(one, now, timedelta(hours=6 * hours)) for hours in range(4 * 800)]
    ids = kept(found, now, 366)
    staying = [manifest for manifest in found if manifest.id in ids]
    assert len(staying) <= 4 + 7 + 4 + 12
    days = {manifest.finished.date() for manifest in staying}
    assert {now.date() - timedelta(days=age) for age in range(7)} <= days
    assert {(day.year, day.month) for day in days} == {(2025, 12), *((2026, month) for month in range(1, 12))}
    assert kept(found[3000:], now, 366) == {found[3000].id}


def test_no_backup_but_the_newest_is_kept_for_longer_than_the_setting_says(sqlite_shop: Site) -> None:
    one = backup_now(sqlite_shop.settings, sqlite_shop.vault)
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    # Taken by hand now and then: each is the newest of its month.
    found = [aged(one, now, timedelta(days=60 * number)) for number in range(1, 12)]
    assert kept(found, now, 366) == {manifest.id for manifest in found[:6]}
    assert kept(found, now, 100) == {found[0].id}
    assert kept(found, now, 32) == {found[0].id}


def test_prune_never_takes_the_newest_good_backup(sqlite_shop: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site = sqlite_shop
    site.add_file("one", b"some bytes")
    good = backup_now(site.settings, site.vault)
    bad = backup_now(site.settings, site.vault)
    later = datetime.now(UTC) + timedelta(days=900)
    monkeypatch.setattr(backup.clock, "now", lambda: later)
    (site.vault.store.folder / BASE / bad.id / backup.DATABASE).unlink()  # type: ignore[operator]
    leftover = f"{BASE}/20200101T000000000000/{backup.DATABASE}"
    site.vault.store.store(leftover, [b"not finished"])
    site.vault.store.store(f"{backup.FILES}/00/00", [b"no backup names it"])
    assert prune(site.settings, site.vault, dry_run=True) == ["20200101T000000000000"]
    assert prune(site.settings, site.vault) == ["20200101T000000000000"]
    assert {found.id for found in site.vault.manifests()} == {good.id, bad.id}
    monkeypatch.undo()
    verify(site.settings, site.vault, good, every_file=True)
    assert leftover not in site.vault.keys(BASE)


def test_a_manifest_that_cannot_be_read_is_no_backup(sqlite_shop: Site) -> None:
    good = backup_now(sqlite_shop.settings, sqlite_shop.vault)
    sqlite_shop.vault.store.store(f"{BASE}/zzz/{vault.MANIFEST}", [b"{"])
    assert [found.id for found in sqlite_shop.vault.manifests()] == [good.id]
