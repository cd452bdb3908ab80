"""A drill restores for real, measures, and turns red when it fails or is old; backups leave their rows and figures."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from growbase import wiring
from growbase.core import clock, telemetry
from growbase.core.actor import system
from growbase.core.config import Settings
from growbase.core.errors import NotFound
from growbase.core.seals import seal_log
from growbase.core.tables import BackupRun, Drill
from growbase.ops import backup_record, migrate
from growbase.ops.backup import DATABASE, backup_now, verify
from growbase.ops.backup_record import figures, recorded_backup, scheduled_backup
from growbase.ops.contents import DatabaseDamaged
from growbase.ops.drill import CopyUnsound, drill, scheduled_drill
from growbase.ops.vault import BASE, BackupDamaged, open_vault
from tests.backups import Site


def drills(shop: Site) -> list[Drill]:
    with shop.database.read(system()) as reads:
        return reads.rows(Drill, order="finished_at")


def test_a_drill_restores_the_newest_backup_and_measures(shop: Site) -> None:
    with pytest.raises(NotFound):
        drill(shop.settings, shop.vault, wiring.open_database, shop.database)
    shop.add("one")
    shop.add_file("file", b"bytes")
    manifest = recorded_backup(shop.settings, shop.vault, shop.database)
    assert drill(shop.settings, shop.vault, wiring.open_database, None).recovery_point == 0
    shop.add("two")
    done = drill(shop.settings, shop.vault, wiring.open_database, shop.database)
    assert (done.backup, done.by_log) == (manifest.id, False)
    assert done.recovery_point > 0
    assert done.recovery_time > 0
    failed, passed = drills(shop)
    assert (failed.status, failed.backup_id) == ("failed", None)
    assert (passed.status, passed.backup_id, passed.row_count) == ("passed", manifest.id, done.rows)
    found = figures(shop.database.query)
    assert found["drill_passed"] == 1
    assert found["drill_recovery_time_seconds"] == pytest.approx(done.recovery_time, abs=0.001)
    assert found["backup_size_bytes"] == manifest.stored
    backup_record.observe(shop.database)
    body, _ = telemetry.render_metrics()
    assert b"growbase_drill_passed 1.0" in body
    assert b"growbase_backup_age_seconds" in body


def test_a_damaged_backup_fails_the_drill_and_an_old_drill_is_no_proof(
    sqlite_shop: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = sqlite_shop
    manifest = recorded_backup(site.settings, site.vault, site.database)
    drill(site.settings, site.vault, wiring.open_database, site.database)
    now = clock.now()
    with monkeypatch.context() as later:
        later.setattr(backup_record.clock, "now", lambda: now + timedelta(days=9))
        assert figures(site.database.query)["drill_passed"] == 0
    path = site.vault.store.folder / BASE / manifest.id / DATABASE  # type: ignore[operator]
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    with pytest.raises(BackupDamaged):
        scheduled_drill(site.database, settings=site.settings, opener=wiring.open_database)
    assert figures(site.database.query)["drill_passed"] == 0
    assert "not what was stored" in str(drills(site)[-1].error)


def test_a_copy_that_contradicts_itself_fails_the_drill_and_the_check_is_named(shop: Site) -> None:
    migrate.stamp(shop.settings)
    shop.add("one")
    seal_log(shop.database)
    backup_now(shop.settings, shop.vault)
    drill(shop.settings, shop.vault, wiring.open_database, shop.database)
    shop.database.write(system("t", clock.new_id()), lambda tx: tx.enqueue("noop", {}, queue="default"))
    backup_now(shop.settings, shop.vault)
    with pytest.raises(CopyUnsound, match="logical_references finds 1 faults, the first in jobs: 1 rows belong to"):
        drill(shop.settings, shop.vault, wiring.open_database, shop.database)
    assert [found.status for found in drills(shop)] == ["passed", "failed"]


def test_counts_that_differ_from_the_manifest_fail(shop: Site) -> None:
    manifest = backup_now(shop.settings, shop.vault)
    rows = {**manifest.rows, "brands": 7}
    shop.vault.finish(replace(manifest, rows=rows, rows_after=rows))
    with pytest.raises(BackupDamaged, match="brands has 0 rows, not 7"):
        drill(shop.settings, shop.vault, wiring.open_database, None)


def test_the_scheduled_backup_also_goes_to_the_second_place(sqlite_shop: Site, tmp_path: Path) -> None:
    site = sqlite_shop
    place = str(tmp_path / "elsewhere")
    settings = Settings(data_dir=site.settings.data_dir, database_url=site.settings.database_url, backup_copy_url=place)
    assert scheduled_backup(site.database, settings=settings) > 0
    other = open_vault(settings, site.vault.keyring, place)
    verify(settings, other, other.find())
    with site.database.read(system()) as reads:
        (run,) = reads.rows(BackupRun)
    assert (run.id, run.status, run.key_id) == (other.find().id, "succeeded", site.vault.keyring.current_id)


def test_a_failed_backup_is_written_down(sqlite_shop: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise DatabaseDamaged(tables="brands", reason="test", last="?")

    monkeypatch.setattr(backup_record, "backup_now", broken)
    with pytest.raises(DatabaseDamaged):
        recorded_backup(sqlite_shop.settings, sqlite_shop.vault, sqlite_shop.database)
    with sqlite_shop.database.read(system()) as reads:
        (run,) = reads.rows(BackupRun)
    assert run.status == "failed"
    assert "brands" in str(run.error)


def test_backups_and_drills_are_scheduled(tmp_path: Path) -> None:
    def rules(**over: object) -> dict[str, str]:
        settings = Settings.model_validate({"data_dir": tmp_path, **over})
        return {found.name: found.rule for found in wiring.schedules(settings) if found.name.startswith("ops/")}

    assert rules() == {"ops/backup": "daily 02:40 UTC", "ops/drill": "weekly sun 04:40 UTC"}
    assert rules(backup_every="hour")["ops/backup"] == "every 3600s"
    assert rules(backup_every="week")["ops/backup"] == "weekly sun 02:40 UTC"
    assert rules(backup_every="off") == {}
    assert rules(database_url="postgresql://localhost/x") == {}
    assert "ops/backup" in rules(database_url="postgresql://localhost/x", backup_url="s3://bucket")
