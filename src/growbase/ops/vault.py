"""A place where backups are kept: its objects, sealed, and the manifests that make a finished backup of them."""

import hashlib
import json
import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from growbase.core.crypto import BrokenSeal, Keyring
from growbase.core.errors import GrowbaseError, NotFound
from growbase.core.files import FileStore, open_store
from growbase.core.sealed_stream import open_stream, seal_stream

if TYPE_CHECKING:
    from growbase.core.config import Settings

BASE: Final = "base"
MANIFEST: Final = "manifest.json"
_LEVEL: Final = 1
"""Of zlib: the next ones take twice the time for a few percent."""


class BackupDamaged(GrowbaseError):
    """The backup {id} is damaged: {what}.

    Take another one: growbase backup ls shows them all, growbase backup verify tells which are whole.
    """

    code = "backup_damaged"


class WrongKey(GrowbaseError):
    """The backup {id} does not open with the key {key_id} of this keyring: it was sealed with another one.

    Put the keyring of the installation that made the backup into GROWBASE_ENCRYPTION_KEYS or the keyring file.
    """

    code = "wrong_key"


class KeyNeeded(GrowbaseError):
    """The backup {id} needs the key {key_id}, which the keyring lacks (it has {known}).

    Put that key back at the end of GROWBASE_ENCRYPTION_KEYS or of the keyring file.
    """

    code = "key_needed"


@dataclass(frozen=True, slots=True)
class Part:
    """One object of a backup: its sizes before compression and as stored, and the SHA-256 of what is stored."""

    name: str
    size: int
    stored: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a finished backup is; written last, so that without it a backup is not finished.

    ``rows`` are counts by table; on PostgreSQL, where writes go on, ``rows_after`` are those at the end. ``position``
    is that of the newest change, ``newest`` when it was made. ``log`` names the continuous log it belongs to.
    ``region`` is empty without regions.
    """

    id: str
    engine: str
    growbase: str
    schema: Mapping[str, str | None]
    started_at: str
    finished_at: str
    key_id: str
    rows: Mapping[str, int]
    position: tuple[int, int]
    newest: str | None
    parts: tuple[Part, ...]
    files: int = 0
    files_size: int = 0
    unreadable_files: tuple[str, ...] = ()
    rows_after: Mapping[str, int] = field(default_factory=dict)
    log: Mapping[str, str] = field(default_factory=dict)
    server: str = ""
    region: str = ""
    format: int = 1

    @property
    def size(self) -> int:
        """Bytes of the database as it was."""
        return sum(part.size for part in self.parts)

    @property
    def stored(self) -> int:
        """Bytes the backup takes, files apart, which backups share."""
        return sum(part.stored for part in self.parts)

    @property
    def started(self) -> datetime:
        """When it began."""
        return datetime.fromisoformat(self.started_at)

    @property
    def finished(self) -> datetime:
        """When it was whole."""
        return datetime.fromisoformat(self.finished_at)

    def part(self, name: str) -> Part:
        """Return the object of this name. Raises BackupDamaged."""
        for found in self.parts:
            if found.name == name:
                return found
        raise BackupDamaged(id=self.id, what=f"it has no {name}")

    def as_json(self) -> dict[str, Any]:
        """Return everything as a JSON-ready mapping."""
        return asdict(self)

    @classmethod
    def parse(cls, content: bytes) -> "Manifest":
        """Read a manifest. Raises ValueError, TypeError or KeyError."""
        found = json.loads(content)
        parts = tuple(Part(**part) for part in found.pop("parts"))
        first, last = found.pop("position")
        unreadable = tuple(found.pop("unreadable_files"))
        return cls(**found, parts=parts, position=(first, last), unreadable_files=unreadable)


class Vault:
    """The backups in one storage. Every method raises Unavailable where the storage does not answer."""

    def __init__(self, store: FileStore, keyring: Keyring) -> None:
        self.store = store
        self.keyring = keyring

    # -- objects --------------------------------------------------------------------------------------------------

    def keep(self, key: str, chunks: Iterable[bytes], *, is_compressed: bool = False) -> Part:
        """Compress, seal and store a stream under ``key``; all of it or nothing."""
        size = stored = 0
        digest = hashlib.sha256()

        def counted() -> Iterator[bytes]:
            nonlocal size
            for chunk in chunks:
                size += len(chunk)
                yield chunk

        def hashed() -> Iterator[bytes]:
            nonlocal stored
            plain = counted() if is_compressed else deflated(counted())
            for chunk in seal_stream(self.keyring, plain, context=key):
                stored += len(chunk)
                digest.update(chunk)
                yield chunk

        self.store.store(key, hashed())
        return Part(key.rpartition("/")[2], size, stored, digest.hexdigest())

    def fetch(self, key: str, *, sha256: str | None = None, is_compressed: bool = False) -> Iterator[bytes]:
        """Return what ``keep`` stored. Raises BackupDamaged, WrongKey or KeyNeeded, the last ones by the key's id."""
        digest = hashlib.sha256()
        raw = self.store.stream(key)
        id = key.removeprefix(f"{BASE}/").partition("/")[0]

        def hashed() -> Iterator[bytes]:
            for chunk in raw:
                digest.update(chunk)
                yield chunk

        try:
            opened = open_stream(self.keyring, hashed(), context=key)
            yield from opened if is_compressed else inflated(opened)
        except (BrokenSeal, zlib.error) as error:
            # Whether the bytes are those that were stored tells a damage from a key of the same id.
            for chunk in raw:
                digest.update(chunk)
            if sha256 is not None and digest.hexdigest() == sha256 and isinstance(error, BrokenSeal):
                raise WrongKey(id=id, key_id=error.params.get("key_id", "?")) from error
            raise BackupDamaged(id=id, what=f"{key} is not what was stored") from error
        if sha256 is not None and digest.hexdigest() != sha256:
            raise BackupDamaged(id=id, what=f"{key} is not what was stored")

    def read(self, manifest: Manifest, name: str) -> Iterator[bytes]:
        """Return an object of a backup, checked. Raises BackupDamaged, WrongKey or KeyNeeded."""
        part = manifest.part(name)
        if manifest.key_id not in self.keyring.ids:
            raise KeyNeeded(id=manifest.id, key_id=manifest.key_id, known=", ".join(self.keyring.ids))
        try:
            yield from self.fetch(f"{BASE}/{manifest.id}/{name}", sha256=part.sha256)
        except NotFound as error:
            raise BackupDamaged(id=manifest.id, what=f"{name} is missing") from error

    # -- backups --------------------------------------------------------------------------------------------------

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest, with which the backup counts."""
        content = json.dumps(manifest.as_json(), indent=1).encode()
        self.store.store(f"{BASE}/{manifest.id}/{MANIFEST}", [content])

    def manifests(self) -> list[Manifest]:
        """Return the finished backups, the newest first; one whose manifest can't be read is left out."""
        found = []
        for key in self.keys(BASE):
            if key.endswith(f"/{MANIFEST}"):
                try:
                    found.append(Manifest.parse(b"".join(self.store.stream(key))))
                except (ValueError, TypeError, KeyError, NotFound):
                    continue
        return sorted(found, key=lambda manifest: manifest.id, reverse=True)

    def find(self, id: str | None = None) -> Manifest:
        """Return a backup, by default the newest. Raises NotFound."""
        for manifest in self.manifests():
            if id in {None, manifest.id}:
                return manifest
        raise NotFound(what="backup")

    def keys(self, folder: str) -> list[str]:
        """Return the keys of all objects in a folder."""
        return [entry.key for batch in self.store.entries(folder) for entry in batch]

    def remove(self, id: str) -> None:
        """Delete a backup, its manifest first: half deleted, it does not look finished."""
        self.store.delete(f"{BASE}/{id}/{MANIFEST}")
        for key in self.keys(f"{BASE}/{id}"):
            self.store.delete(key)
        if self.store.folder is not None:
            # What an interrupted write has left is in no list.
            shutil.rmtree(self.store.folder / BASE / id, ignore_errors=True)


def open_vault(settings: "Settings", keyring: Keyring, url: str | None = None) -> Vault:
    """Return where backups go, by default what the settings say. Raises ConfigError."""
    if url is None:
        url = settings.backup_url.get_secret_value() if settings.backup_url else str(settings.data_dir / "backups")
    return Vault(open_store(settings, url, "GROWBASE_BACKUP_URL"), keyring)


def deflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Compress a stream."""
    packer = zlib.compressobj(_LEVEL)
    for chunk in chunks:
        if packed := packer.compress(chunk):
            yield packed
    yield packer.flush()


def inflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress a stream. Raises zlib.error, also where its end is missing."""
    unpacker = zlib.decompressobj()
    for chunk in chunks:
        rest = chunk
        while rest:
            if plain := unpacker.decompress(rest, 4 * 1024 * 1024):
                yield plain
            rest = unpacker.unconsumed_tail
    yield unpacker.flush()
    if not unpacker.eof:
        message = "the end is missing"
        raise zlib.error(message)
