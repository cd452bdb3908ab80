"""Files in a bucket of a real S3 service: stored, read by ranges, listed, deleted, and swept when nobody names them."""

from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from growbase.core import clock
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.errors import ConfigError, NotFound, Unavailable
from growbase.core.files import AT_ONCE, FileStore, open_files, open_store
from growbase.domains.marketing import tasks
from growbase.domains.marketing.models_assets import Asset
from tests.fixtures import Tenant
from tests.outside import OUTSIDE
from tests.s3 import S3Server, s3_server


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    """Give a running S3 service."""
    with s3_server() as server:
        yield server


def settings_of(s3: S3Server, folder: Path, **over: str) -> Settings:
    return Settings.model_validate({**s3.settings, "data_dir": folder, **over})


@pytest.fixture
def files(s3: S3Server, tmp_path: Path) -> FileStore:
    """Give an empty place in the bucket."""
    return open_files(settings_of(s3, tmp_path, assets_url=f"s3://test/{uuid4()}"))


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def failing(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
    raise OSError("the client is gone")


def run(work: Coroutine[object, object, None]) -> None:
    import asyncio

    asyncio.run(work)


@pytest.mark.parametrize("size", [0, 10, AT_ONCE + 1])
def test_a_file_is_stored_in_one_or_many_parts_and_read_back(files: FileStore, size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    content = content[:size]
    run(files.put("a/b", chunks(content[:1000], content[1000:])))
    assert files.size("a/b") == size
    assert b"".join(files.stream("a/b")) == content
    files.store("a/c", [content[:7], content[7:]])
    assert b"".join(files.stream("a/c")) == content


def test_ranges_are_read(files: FileStore) -> None:
    files.store("key", [b"0123456789"])
    assert b"".join(files.read("key", 2, 5)) == b"234"
    assert b"".join(files.read("key", 0, 10)) == b"0123456789"


def test_an_upload_that_breaks_off_leaves_nothing(files: FileStore) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * (2 * AT_ONCE)
        raise ValueError("the source has failed")

    with pytest.raises((OSError, Unavailable)):
        run(files.put("key", failing(b"x" * (2 * AT_ONCE))))
    with pytest.raises(ValueError, match="the source"):
        files.store("other", broken())
    assert files.size("key") is None
    assert list(files.entries()) == []


def test_files_are_listed_and_deleted(files: FileStore) -> None:
    for key in ("a/1", "a/2", "b/1"):
        files.store(key, [key.encode()])
    assert [entry.key for batch in files.entries() for entry in batch] == ["a/1", "a/2", "b/1"]
    assert [entry.key for batch in files.entries("a") for entry in batch] == ["a/1", "a/2"]
    files.delete("a/1")
    files.delete("a/1")
    assert files.size("a/1") is None
    with pytest.raises(NotFound):
        list(files.read("a/1", 0, 1))
    with pytest.raises(NotFound):
        files.stream("a/1")


def test_a_wrong_key_and_a_short_bucket_are_told_at_once(s3: S3Server, tmp_path: Path) -> None:
    wrong = settings_of(s3, tmp_path, s3_secret_access_key="wrong", assets_url="s3://test")
    with pytest.raises(Unavailable):
        open_files(wrong).store("key", [b"x"])
    with pytest.raises(ConfigError, match="GROWBASE_ASSETS_URL"):
        open_files(settings_of(s3, tmp_path, assets_url="s3://ab"))


def test_an_address_may_carry_its_own_keys_and_endpoint(s3: S3Server, tmp_path: Path) -> None:
    url = f"s3://{s3.access_key_id}:{s3.secret_access_key}@test/own?endpoint={s3.endpoint}&region=us-east-1"
    store = open_store(Settings(data_dir=tmp_path), url, "GROWBASE_BACKUP_COPY_URL")
    store.store("key", [b"x"])
    assert open_store(settings_of(s3, tmp_path), "s3://test/own", "X").size("key") == 1


def test_bytes_that_no_row_names_are_swept(
    db: Database, tenant: Tenant, files: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {
        "original_filename": "a.txt",
        "storage_provider": files.provider,
        "storage_bucket": files.bucket,
        "storage_key": "named",
        "mime_type": "text/plain",
        "size_bytes": 1,
        "sha256": "0" * 64,
    }
    db.write(tenant.owner, lambda tx: tx.insert(Asset, **values))
    for key in ("named", "orphan"):
        files.store(key, [b"x"])
    outside = replace(OUTSIDE, files=files)
    assert tasks.orphaned_files(db, outside=outside) == 0
    later = clock.now() + timedelta(days=2)
    monkeypatch.setattr(tasks.clock, "now", lambda: later)
    assert tasks.orphaned_files(db, outside=outside) == 1
    assert [entry.key for batch in files.entries() for entry in batch] == ["named"]
