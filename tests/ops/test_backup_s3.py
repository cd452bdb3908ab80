"""Backups in a bucket: with files in it, too, copied to another place, and followed by the continuous log."""

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from growbase import wiring
from growbase.core.files import open_files
from growbase.ops import litestream
from growbase.ops.backup import backup_now, copy_to, prune, verify
from growbase.ops.restore import restore
from growbase.ops.vault import open_vault
from tests.backups import Site, names, site
from tests.processes import wait_until
from tests.s3 import S3Server, s3_server


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    """Give a running S3 service."""
    with s3_server() as server:
        yield server


@pytest.fixture
def remote(s3: S3Server, tmp_path: Path, sqlite_template: Path) -> Iterator[Site]:
    """Give an installation whose files and backups are in a bucket."""
    place = f"s3://test/{uuid4()}"
    with site(
        tmp_path, sqlite_template, None, **s3.settings, backup_url=f"{place}/backups", assets_url=f"{place}/assets"
    ) as found:
        yield found


def test_a_backup_in_a_bucket_restores_database_and_files(remote: Site, tmp_path: Path) -> None:
    remote.add("before")
    key = remote.add_file("logo.txt", b"a logo" * 1_000_000)
    manifest = backup_now(remote.settings, remote.vault)
    assert manifest.files == 1
    verify(remote.settings, remote.vault, manifest, every_file=True)
    beside = open_vault(remote.settings, remote.vault.keyring, str(tmp_path / "beside"))
    assert copy_to(remote.vault, beside) == 1
    verify(remote.settings, beside, beside.find(), every_file=True)
    open_files(remote.settings).delete(key)
    remote.database.close()
    assert restore(remote.settings, remote.vault, wiring.open_database).files == 1
    assert open_files(remote.settings).size(key) == 6_000_000
    assert names(str(remote.settings.sqlite_path)) == {"before"}
    assert prune(remote.settings, remote.vault) == []


def test_every_commit_goes_to_the_bucket(remote: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A variable that other programs need stops Litestream, so its child must not see it.
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "none.pem"))
    supervisor = litestream.supervisor(remote.settings)
    supervisor.start()
    try:
        wait_until(lambda: bool(remote.vault.keys("litestream")), "the continuous log")
        remote.add("first")
        time.sleep(1.5)
        between = datetime.now(UTC)
        time.sleep(1.5)
        remote.add("second")
        time.sleep(1.5)
    finally:
        supervisor.stop()
    done = restore(remote.settings, remote.vault, wiring.open_database, at=between, to=str(tmp_path / "beside"))
    assert done.by_log
    assert names(str(tmp_path / "beside" / "growbase.db")) == {"first"}
    # All else is lost: the machine, but for settings and keys.
    shutil.rmtree(tmp_path / "litestream")
    again = restore(remote.settings, remote.vault, wiring.open_database, at=between, to=str(tmp_path / "again"))
    assert again.by_log
