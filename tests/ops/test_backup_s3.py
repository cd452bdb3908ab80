"""Backups in a bucket: with files in it, too, copied to another place, and followed by the continuous log."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from growbase import wiring
from growbase.core import clock
from growbase.core.config import Settings
from growbase.core.errors import NotFound
from growbase.core.files import open_files
from growbase.ops.backup import backup_now, prune, verify
from growbase.ops.backup_copy import copy_to, prune_copies
from growbase.ops.backup_record import scheduled_backup
from growbase.ops.postgres_programs import own_server
from growbase.ops.restore import restore
from growbase.ops.vault import Vault, open_vault
from tests.backups import Site, copying, forget_slot, names, site
from tests.s3 import S3Server, s3_server


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    """Give a running S3 service."""
    with s3_server() as server:
        yield server


@pytest.fixture
def remote(s3: S3Server, engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    """Give an installation whose files and backups are in a bucket, with a second place in another one."""
    server = request.getfixturevalue("small_server") if engine == "postgres" else None
    place = uuid4()
    more = {"backup_url": f"s3://test/{place}/backups", "assets_url": f"s3://test/{place}/assets"}
    more |= {"backup_copy_url": f"s3://second/{place}", **s3.settings}
    with site(tmp_path, request.getfixturevalue("sqlite_template"), server, **more) as found:
        yield found
        forget_slot(found)


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Path]:
    """Give a folder that is not there yet, which PostgreSQL's user can get at."""
    folder = Path(tempfile.gettempdir()) / f"growbase-test-{tmp_path.name}-{os.getpid()}"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def restored_names(shop: Site, folder: Path) -> set[str]:
    """Return the brands in what was restored into a folder."""
    if not shop.settings.is_postgresql:
        return names(str(folder / "growbase.db"))
    with own_server(folder / "data", 15, "growbase", {}) as server:
        return names(server.url(shop.settings.database.rpartition("/")[2]))


def test_a_backup_in_a_bucket_restores_database_and_files(remote: Site, tmp_path: Path, target: Path) -> None:
    remote.add("before")
    key = remote.add_file("logo.txt", b"a logo" * 1_000_000)
    manifest = backup_now(remote.settings, remote.vault)
    assert manifest.files == 1
    verify(remote.settings, remote.vault, manifest, every_file=True)
    beside = open_vault(remote.settings, remote.vault.keyring, str(tmp_path / "beside"))
    assert copy_to(remote.vault, beside) == 1
    verify(remote.settings, beside, beside.find(), every_file=True)
    open_files(remote.settings).delete(key)
    to = str(target) if remote.settings.is_postgresql else None
    remote.database.close()
    assert restore(remote.settings, remote.vault, wiring.open_database, to=to).files == 1
    if to is None:
        assert open_files(remote.settings).size(key) == 6_000_000
        assert names(str(remote.settings.sqlite_path)) == {"before"}
    else:
        assert (target / "assets" / key).stat().st_size == 6_000_000
        assert restored_names(remote, target) == {"before"}
    assert prune(remote.settings, remote.vault) == []


def test_every_commit_goes_to_the_bucket_and_a_second_bucket_restores_without_the_first(
    remote: Site, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A variable that other programs need stops Litestream, so its child must not see it.
    monkeypatch.setenv("AWS_CA_BUNDLE", str(target / "none.pem"))
    key = remote.add_file("logo.txt", b"a logo")
    with copying(remote):
        step = 0.5 if remote.settings.is_postgresql else 1.5  # the embedded engine's log has one a second
        remote.add("first")
        time.sleep(step)
        between = datetime.now(UTC)
        time.sleep(step)
        remote.add("second")
        time.sleep(step)
        # While the log goes on.
        scheduled_backup(remote.database, settings=remote.settings)
    for folder in ("litestream", "wal"):
        # All is lost, the machine too, but for settings and keys.
        shutil.rmtree(remote.settings.data_dir / folder, ignore_errors=True)
    done = restore(remote.settings, remote.vault, wiring.open_database, at=between, to=str(target))
    assert done.by_log
    assert restored_names(remote, target) == {"first"}
    shutil.rmtree(target)

    assert remote.settings.backup_copy_url is not None
    second = remote.settings.backup_copy_url.get_secret_value()
    other = open_vault(remote.settings, remote.vault.keyring, second)
    assert {found.id for found in other.manifests()} == {found.id for found in remote.vault.manifests()}
    verify(remote.settings, other, other.find(), every_file=True)
    for key_of_first in [entry.key for batch in remote.vault.store.entries() for entry in batch]:
        remote.vault.store.delete(key_of_first)
    arguments = ("restore", "--at", between.isoformat(), "--to", str(target), "--from", second)
    code, printed = remote.run(*arguments)
    assert code == 0, printed
    assert "no continuous log" not in printed
    assert restored_names(remote, target) == {"first"}
    assert (target / "assets" / key).read_bytes() == b"a logo"


def test_a_second_place_gets_what_is_whole_and_keeps_what_is_needed(s3: S3Server, sqlite_shop: Site) -> None:
    keyring = sqlite_shop.vault.keyring
    first, second = (open_vault(s3_settings(s3), keyring, f"s3://second/{uuid4()}") for _ in range(2))
    damaged = backup_now(sqlite_shop.settings, first)
    first.store.delete(f"base/{damaged.id}/growbase.db")
    whole = backup_now(sqlite_shop.settings, first)
    for log in ("litestream/1/old", "litestream/1/new"):
        first.store.store(log, [b"a step"])
    with pytest.raises(NotFound):
        copy_to(first, second)
    assert [found.id for found in second.manifests()] == [whole.id]
    assert copied_logs(second) == {"litestream/1/old": 6, "litestream/1/new": 6}
    first.store.store("litestream/1/new", [b"a longer step"])
    first.store.delete("litestream/1/old")
    with pytest.raises(NotFound):
        copy_to(first, second)
    assert copied_logs(second) == {"litestream/1/old": 6, "litestream/1/new": 13}
    assert prune_copies(first, second, 366) == []
    assert len(copied_logs(second)) == 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: datetime.now(UTC) + timedelta(days=9))
        prune_copies(first, second, 366)
    assert copied_logs(second) == {"litestream/1/new": 13}


def s3_settings(s3: S3Server) -> Settings:
    return Settings.model_validate(s3.settings)


def copied_logs(vault: Vault) -> dict[str, int]:
    return {entry.key: entry.size for batch in vault.store.entries("litestream") for entry in batch}
