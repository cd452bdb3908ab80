"""Files that show a person: their bytes, handed out and deleted, and copies of them of which nobody has said so."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from typing import Final
from uuid import UUID
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from growbase.core import clock
from growbase.core.actor import system
from growbase.core.database import Database
from growbase.core.errors import NotFound, Unavailable
from growbase.core.files import FileStore, safe_name
from growbase.core.statements import equality
from growbase.domains.marketing.models_assets import Asset

TABLE: Final = Asset.__tablename__
FOLDER: Final = "files"
CHUNK: Final = 500


def files_of(database: Database, ids: Collection[UUID]) -> list[Asset]:
    """Return the rows of files, trashed and erased ones too."""
    wanted, found = [*ids], list[Asset]()
    for start in range(0, len(wanted), CHUNK):
        with database.read(system("privacy")) as reads:
            found += reads.rows(Asset, id=wanted[start : start + CHUNK], order="id", trash=True, anywhere=True)
    return found


def kept(found: Iterable[Asset]) -> list[Asset]:
    """Return those files whose bytes are there still."""
    return [asset for asset in found if asset.erased_at is None and asset.purged_at is None]


def unmarked_copies(database: Database, ids: Collection[UUID]) -> list[UUID]:
    """Return the files with the same bytes, in the same organizations, that are said to show nobody."""
    wanted, found = [*ids], set[UUID]()
    for start in range(0, len(wanted), CHUNK):
        with database.read(system("privacy")) as reads:
            plan = reads.plan(Asset)
            term, bound = equality(plan, "id", wanted[start : start + CHUNK])
            sql = (
                "SELECT o.id FROM assets t JOIN assets o ON o.organization_id = t.organization_id "
                "AND o.sha256 = t.sha256 AND o.id <> t.id "
                f"WHERE {term} AND t.erased_at IS NULL AND o.subject_id IS NULL AND o.purged_at IS NULL"
            )
            read = plan.fields["id"].read or (lambda value: value)
            found |= {read(id) for (id,) in reads.execute(sql, bound).fetchall()}
    return sorted(found)


def delete_bytes(files: FileStore, found: Iterable[Asset]) -> None:
    """Delete the bytes of erased files now; where the storage does not answer, the job that waits does it."""
    with suppress(Unavailable):
        for asset in found:
            if _holds(files, asset):
                files.delete(asset.storage_key)


def write_files(archive: ZipFile, files: FileStore, found: Iterable[Asset]) -> Iterator[tuple[Asset, bool]]:
    """Put the bytes of files into an archive; yield each, and whether it was there."""
    for asset in found:
        try:
            chunks = files.stream(asset.storage_key) if _holds(files, asset) else None
        except NotFound:
            chunks = None
        if chunks is not None:
            name = f"{FOLDER}/{asset.id}-{safe_name(asset.original_filename)}"
            about = ZipInfo(name, clock.now().timetuple()[:6])
            about.compress_type = ZIP_STORED
            with archive.open(about, "w", force_zip64=True) as part:
                for chunk in chunks:
                    part.write(chunk)
        yield asset, chunks is not None


def _holds(files: FileStore, asset: Asset) -> bool:
    return files.holds(asset.storage_provider, asset.storage_bucket)
