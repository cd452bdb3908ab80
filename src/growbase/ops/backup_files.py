"""Files in backups: each stored once, under the hash of its bytes, however many backups have it."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from growbase.core.errors import NotFound
from growbase.core.files import FileStore
from growbase.core.subject import GONE
from growbase.ops.contents import Rows
from growbase.ops.vault import BackupDamaged, Manifest, Part, Vault

FILES: Final = "files"
LIST: Final = "files.jsonl"
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class File:
    """A file of the storage as the database knows it."""

    key: str
    size: int
    sha256: str

    @property
    def place(self) -> str:
        """The key of its copy in a vault."""
        return f"{FILES}/{self.sha256[:2]}/{self.sha256}"


@dataclass(frozen=True, slots=True)
class Kept:
    """The files of one backup: their list as an object of it, how many and how large, and which could not be read."""

    part: Part
    count: int
    size: int
    unreadable: tuple[str, ...]


def stored_files(rows: Rows, files: FileStore) -> list[File]:
    """Return the files of this storage that rows of the database name, trashed ones too; erased ones are gone."""
    bucket = (files.bucket or "").replace("'", "''")
    sql = (
        f"SELECT storage_key, size_bytes, sha256 FROM assets WHERE storage_provider = '{files.provider}' "
        f"AND coalesce(storage_bucket, '') = '{bucket}' AND sha256 <> '{GONE}' ORDER BY storage_key"
    )
    return [File(key, int(size), sha256) for key, size, sha256 in rows(sql)]


def keep_files(vault: Vault, folder: str, wanted: list[File], files: FileStore, progress: Progress) -> Kept:
    """Store what the vault has not yet, then the list as an object in ``folder``."""
    known = set(vault.keys(FILES))
    unreadable = []
    for done, file in enumerate(wanted):
        progress(done, len(wanted))
        if file.place in known:
            continue
        try:
            vault.keep(file.place, _checked(files.read(file.key, 0, file.size), file), is_compressed=True)
        except (NotFound, _Differs):
            unreadable.append(file.key)
        else:
            known.add(file.place)
    listed = [json.dumps([file.key, file.size, file.sha256]) + "\n" for file in wanted if file.place in known]
    part = vault.keep(f"{folder}/{LIST}", (line.encode() for line in listed))
    return Kept(part, len(listed), sum(file.size for file in wanted if file.place in known), tuple(unreadable[:100]))


def list_files(vault: Vault, manifest: Manifest) -> list[File]:
    """Return the files that belong to a backup."""
    if all(part.name != LIST for part in manifest.parts):
        return []
    lines = b"".join(vault.read(manifest, LIST)).decode().splitlines()
    return [File(*json.loads(line)) for line in lines]


def restore_files(vault: Vault, wanted: Iterable[File], files: FileStore, progress: Progress) -> int:
    """Put back the files that the storage lacks and return how many. Raises BackupDamaged."""
    missing = [file for file in wanted if files.size(file.key) != file.size]
    for done, file in enumerate(missing):
        progress(done, len(missing))
        files.store(file.key, read_file(vault, file))
    return len(missing)


def read_file(vault: Vault, file: File) -> Iterator[bytes]:
    """Return the bytes of a file, checked against their hash. Raises BackupDamaged."""
    try:
        yield from _checked(vault.fetch(file.place, is_compressed=True), file)
    except (NotFound, _Differs) as error:
        raise BackupDamaged(id=FILES, what=f"{file.place} is missing or not what was stored") from error


class _Differs(Exception):
    """The bytes are not those whose hash is known."""


def _checked(chunks: Iterable[bytes], file: File) -> Iterator[bytes]:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != file.sha256:
        raise _Differs
