"""Where the bytes of files are kept: a folder or a bucket of an S3 service, behind one interface."""

import asyncio
import os
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import UUID

from growbase.core import clock, telemetry
from growbase.core.config import Settings
from growbase.core.errors import ConfigError, GrowbaseError, NotFound, Unavailable

if TYPE_CHECKING:
    from obstore.store import ClientConfig, LocalStore, S3Store

Provider = Literal["local", "s3"]
CHUNK: Final = 1024 * 1024
"""Bytes handed on at once when a file is read."""
AT_ONCE: Final = 5 * 1024 * 1024
"""A file up to this size is held in memory and stored by one request; S3 takes no smaller parts of a larger one."""
LONGEST_NAME: Final = 255
_SHORTEST_BUCKET: Final = 3


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What is known of a file once its bytes are stored."""

    provider: Provider
    bucket: str | None
    key: str
    name: str
    size: int
    sha256: str
    mime_type: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as the storage lists it."""

    key: str
    size: int
    stored_at: datetime


class Fetched(NamedTuple):
    """A file as it is read: what its writer has noted of it, when it was stored, and its bytes."""

    attributes: Mapping[str, str]
    stored_at: datetime
    chunks: Iterator[bytes]


class FileStore:
    """The storage of this server; nothing is opened or imported before the first file is touched.

    Every method raises Unavailable where the storage does not answer. Whoever calls is outside of any unit of work, and
    in the process that serves or works: the library's threads are lost where a process forks.
    """

    def __init__(
        self, provider: Provider, bucket: str | None, opened: Callable[[], "LocalStore | S3Store"], folder: Path | None
    ) -> None:
        self.provider: Provider = provider
        self.bucket = bucket
        self.folder = folder
        self._opened = opened

    @cached_property
    def _store(self) -> "LocalStore | S3Store":
        try:
            return self._opened()
        except Exception as error:
            raise _unavailable(error) from error

    def holds(self, provider: str, bucket: str | None) -> bool:
        """Return whether files of this provider and bucket are in this storage."""
        return (provider, bucket) == (self.provider, self.bucket)

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        """Store the chunks as they come; if their source raises, nothing is left behind."""
        from obstore import put_async

        head = bytearray()
        async for chunk in chunks:
            head += chunk
            if len(head) >= AT_ONCE:
                break
        try:
            if len(head) < AT_ONCE:
                await put_async(self._store, key, bytes(head))
            else:
                await put_async(self._store, key, _chained(bytes(head), chunks), chunk_size=AT_ONCE, max_concurrency=2)
            if self.folder is not None:
                await asyncio.to_thread(_sync, self.folder / key)
        except _failures() as error:
            raise _unavailable(error) from error

    def store(self, key: str, chunks: Iterable[bytes], attributes: Mapping[str, str] | None = None) -> None:
        """Store the chunks as they come, from a thread that may wait; under the key is all of them or nothing.

        The chunks may come from another file of a storage, which the library's own reading of an iterator forbids.
        A folder has no ``attributes``.
        """
        from obstore import open_writer

        noted = dict(attributes or {}) if self.folder is None else None
        try:
            writer = open_writer(self._store, key, attributes=noted, buffer_size=AT_ONCE, max_concurrency=2)
            for chunk in chunks:
                writer.write(chunk)
            # Not by `with`, which would finish the file also where its source has failed.
            writer.close()
            if self.folder is not None:
                _sync(self.folder / key)
        except _failures() as error:
            raise _unavailable(error) from error

    def write(self, key: str, content: bytes) -> None:
        """Store a small file in the folder, in place of one that has the key already.

        It is done without the library: a process that has begun its threads can't fork into server processes any more.
        """
        assert self.folder is not None, self.provider
        path = self.folder / key
        draft = path.with_name(f".{path.name}.{clock.new_id()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(content)
            draft.replace(path)
        except OSError as error:
            raise _unavailable(error) from error

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """Return the bytes from ``start`` to before ``end`` in chunks. Raises NotFound before the first one."""
        try:
            found = self._store.get(key, options={"range": (start, end)})
        except FileNotFoundError as error:
            telemetry.instrument("file_missing", level="error", key=key)
            raise NotFound(what="file") from error
        except _failures() as error:
            raise _unavailable(error) from error
        return (bytes(chunk) for chunk in found.stream(min_chunk_size=CHUNK))

    def stream(self, key: str) -> Iterator[bytes]:
        """Return all bytes of a file in chunks. Raises NotFound before the first one."""
        return self.fetch(key).chunks

    def fetch(self, key: str) -> Fetched:
        """Return a file and what is known of it. Raises NotFound."""
        try:
            found = self._store.get(key)
        except FileNotFoundError as error:
            raise NotFound(what="file") from error
        except _failures() as error:
            raise _unavailable(error) from error
        chunks = (bytes(chunk) for chunk in found.stream(min_chunk_size=CHUNK))
        return Fetched(found.attributes, found.meta["last_modified"], chunks)

    def size(self, key: str) -> int | None:
        """Return the size of a file, None if it is not there."""
        try:
            return self._store.head(key)["size"]
        except FileNotFoundError:
            return None
        except _failures() as error:
            raise _unavailable(error) from error

    def delete(self, key: str) -> None:
        """Delete a file; one that is not there is deleted already."""
        try:
            self._store.delete(key)
        except FileNotFoundError:
            return
        except _failures() as error:
            raise _unavailable(error) from error

    def entries(self, folder: str | None = None) -> Iterator[list[Entry]]:
        """Yield every file there is, or those in a folder, some hundred at a time."""
        try:
            for batch in self._store.list(folder, chunk_size=500):
                yield [Entry(found["path"], found["size"], found["last_modified"]) for found in batch]
        except _failures() as error:
            raise _unavailable(error) from error

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders in a folder."""
        try:
            found = self._store.list_with_delimiter(folder)["common_prefixes"]
        except FileNotFoundError:
            return []
        except _failures() as error:
            raise _unavailable(error) from error
        return [path.rstrip("/").rpartition("/")[2] for path in found]


def open_files(settings: Settings) -> FileStore:
    """Return the storage the settings name. Raises ConfigError."""
    return open_store(settings, settings.assets_url or str(settings.data_dir / "assets"), "GROWBASE_ASSETS_URL")


def open_store(settings: Settings, url: str, variable: str) -> FileStore:
    """Return the storage at a folder or ``s3://bucket/prefix``. Raises ConfigError that names the ``variable``.

    ``s3://key:secret@bucket/prefix?region=...&endpoint=...`` says what differs from the settings of the S3 service.
    """
    if not url.startswith("s3://"):
        folder = Path(url).expanduser().absolute()
        return FileStore("local", None, lambda: _open_folder(folder), folder)
    address = urlsplit(url)
    bucket = address.netloc.rpartition("@")[2]
    if len(bucket) < _SHORTEST_BUCKET:
        raise ConfigError("{variable} names no bucket: write s3://bucket or s3://bucket/prefix.", variable=variable)
    return FileStore("s3", bucket, lambda: _open_bucket(settings, bucket, url), None)


def new_key(organization_id: UUID) -> str:
    """Return the key of a new file, which says whose it is and when it came."""
    return f"{organization_id}/{clock.now():%Y/%m}/{clock.new_id()}"


def safe_name(given: str) -> str:
    """Return a file's name as people gave it, without folders, control characters and what would hide its ending."""
    name = unicodedata.normalize("NFC", given).replace("\\", "/").rpartition("/")[2]
    # Cf has the marks that turn the direction of writing: "gpj.exe" must not be shown as "exe.jpg".
    kept = "".join(letter for letter in name if unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Co", "Cn"})
    kept = kept.strip(" .") or "file"
    stem, dot, ending = kept.rpartition(".")
    if len(kept) > LONGEST_NAME and stem and len(ending) < LONGEST_NAME // 2:
        return f"{stem[: LONGEST_NAME - len(ending) - 1]}{dot}{ending}"
    return kept[:LONGEST_NAME]


def _open_folder(folder: Path) -> "LocalStore":
    from obstore.store import LocalStore

    return LocalStore(folder, mkdir=True)


def s3_access(settings: Settings, url: str) -> dict[str, str]:
    """Return region, endpoint and keys for an ``s3://`` URL: what it says itself, else the settings; none if unset."""
    address = urlsplit(url)
    secret = settings.s3_secret_access_key
    found = {
        "region": settings.s3_region,
        "endpoint": settings.s3_endpoint,
        "access_key_id": settings.s3_access_key_id,
        "secret_access_key": secret.get_secret_value() if secret else None,
    }
    found |= {name: value for name, value in parse_qsl(address.query) if name in {"region", "endpoint"}}
    if address.username and address.password:
        found |= {"access_key_id": unquote(address.username), "secret_access_key": unquote(address.password)}
    return {name: value for name, value in found.items() if value}


def _open_bucket(settings: Settings, bucket: str, url: str) -> "S3Store":
    from obstore.store import S3Store

    access: dict[str, Any] = {**s3_access(settings, url)}
    # A slow reader keeps a request open for long, so it is each read that has a limit.
    client: ClientConfig = {
        "connect_timeout": timedelta(seconds=5),
        "read_timeout": timedelta(seconds=60),
        "timeout": timedelta(hours=6),
        "allow_http": access.get("endpoint", "").startswith("http://"),
    }
    return S3Store(
        bucket,
        prefix=urlsplit(url).path.strip("/") or None,
        client_options=client,
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=30)},
        **access,
    )


def _failures() -> tuple[type[Exception], ...]:
    from obstore.exceptions import BaseError

    return BaseError, OSError


def _unavailable(error: Exception) -> GrowbaseError:
    """Return what the caller is told; addresses and paths are for the log only."""
    telemetry.instrument("storage_failed", level="error", reason=str(error).partition("\n")[0])
    return Unavailable("The file storage is not available.")


async def _chained(head: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for chunk in chunks:
        yield chunk


def _sync(path: Path) -> None:
    """Make a stored file survive a loss of power, as the row does that names it."""
    for found in (path, path.parent):
        descriptor = os.open(found, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
