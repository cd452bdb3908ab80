"""Exports: every table as compressed JSON lines that anybody can read, the same from either engine."""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from growbase import __version__
from growbase.core import clock, ddl, types
from growbase.core.errors import GrowbaseError, NotFound
from growbase.core.files import FileStore, open_store
from growbase.core.types import moment_text
from growbase.ops.canonical import Checksum, encode_row, microseconds
from growbase.ops.common_form import parents_first, selected
from growbase.ops.connections import connect_postgresql, engine_name
from growbase.ops.contents import contents
from growbase.ops.copies import stamp
from growbase.ops.vault import MANIFEST

if TYPE_CHECKING:
    from growbase.core.config import Settings

Progress = Callable[[int, int], None]
FOLDER: Final = "export"
BATCH: Final = 1_000
_GZIP: Final = 31
"""zlib's number for a gzip header around the stream."""


class ExportDamaged(GrowbaseError):
    """The export {id} is damaged: {what}. Nothing was imported.

    Take another export, or restore a backup.
    """

    code = "export_damaged"


@dataclass(frozen=True, slots=True)
class Exported:
    """The manifest of an export; ``tables`` gives rows and checksum of each."""

    id: str
    engine: str
    growbase: str
    schema: Mapping[str, str | None]
    taken_at: str
    position: tuple[int, int]
    tables: Mapping[str, str]
    format: int = 1


def exports(settings: "Settings", url: str | None = None) -> FileStore:
    """Return where exports are. Raises ConfigError."""
    default = settings.export_url.get_secret_value() if settings.export_url else str(settings.data_dir / "exports")
    return open_store(settings, url or default, "GROWBASE_EXPORT_URL")


def export(settings: "Settings", store: FileStore, progress: Progress = lambda *_: None) -> Exported:
    """Write every table as it is at one moment; sealed columns stay sealed. It counts once its manifest is written."""
    id, taken = stamp(), clock.now()
    found: dict[str, str] = {}
    with snapshot(settings) as (rows, stream):
        held = contents(rows, is_postgresql=settings.is_postgresql)
        tables = [table for table in tables_of(settings) if table.name in held.rows]
        for done, table in enumerate(tables):
            progress(done, len(tables))
            checksum = Checksum()
            store.store(f"{FOLDER}/{id}/{table.name}.jsonl.gz", _gzipped(_lines(table, stream(table), checksum)))
            found[table.name] = checksum.text()
    manifest = Exported(id, engine_name(settings), __version__, held.schema, moment_text(taken), held.position, found)
    store.store(f"{FOLDER}/{id}/{MANIFEST}", [json.dumps(asdict(manifest), indent=1).encode()])
    return manifest


def scheduled_export(_: object, *, settings: "Settings") -> int:
    """Write an export, delete those that are older than backups are kept, and return how many tables it has."""
    store = exports(settings)
    made = export(settings, store)
    prune_exports(store, clock.now() - timedelta(days=settings.backup_days))
    return len(made.tables)


def prune_exports(store: FileStore, before: datetime) -> None:
    """Delete exports from before a moment, but for the newest one; a manifest goes first."""
    for name in sorted(store.folders(FOLDER))[:-1]:
        if name < f"{before:%Y%m%dT%H%M%S%f}":
            store.delete(f"{FOLDER}/{name}/{MANIFEST}")
            for batch in store.entries(f"{FOLDER}/{name}"):
                for entry in batch:
                    store.delete(entry.key)


def find_export(store: FileStore, id: str | None = None) -> Exported:
    """Return an export, by default the newest. Raises NotFound."""
    for name in sorted(store.folders(FOLDER), reverse=True):
        if id not in {None, name}:
            continue
        try:
            found = json.loads(b"".join(store.stream(f"{FOLDER}/{name}/{MANIFEST}")))
        except NotFound:
            continue
        first, last = found.pop("position")
        return Exported(**found, position=(first, last))
    raise NotFound(what="export")


def tables_of(settings: "Settings") -> list[sa.Table]:
    """Return every table, parents first."""
    return parents_first((*ddl.PROGRAM, *settings.domains))


# -- reading ----------------------------------------------------------------------------------------------------------

Row = tuple[Any, ...]
Stream = Callable[[sa.Table], Iterator[Row]]


@contextmanager
def snapshot(settings: "Settings") -> Iterator[tuple[Callable[[str], list[Any]], Stream]]:
    """Give a function for queries and one that streams a table's rows in the common form, all of one moment."""
    if settings.is_postgresql:
        with connect_postgresql(settings) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")

            def streamed(table: sa.Table) -> Iterator[Row]:
                columns = ", ".join(selected(column) for column in table.columns)
                with connection.cursor(name="export") as cursor:
                    cursor.itersize = BATCH
                    cursor.execute(f'SELECT {columns} FROM "{table.name}"')
                    yield from cursor

            yield lambda sql: connection.execute(sql).fetchall(), streamed
        return
    from contextlib import closing

    from growbase.core.sqlite_connection import connect

    assert settings.sqlite_path is not None
    with closing(connect(settings.sqlite_path, read_only=True)) as reading:
        reading.execute("BEGIN")

        def streamed_rows(table: sa.Table) -> Iterator[Row]:
            names = ", ".join(column.name for column in table.columns)
            yield from reading.execute(f'SELECT {names} FROM "{table.name}"')

        yield lambda sql: reading.execute(sql).fetchall(), streamed_rows


def shown(column: "sa.Column[Any]", value: Any) -> Any:  # noqa: ANN401 -- a JSON value
    """Return a stored value as the export writes it: moments as text, documents as they are, bytes in hexadecimal."""
    if value is None:
        return None
    if isinstance(column.type, types.Boolean):
        return bool(value)
    if isinstance(column.type, types.Document):
        return json.loads(value)
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else value


def canonical(table: sa.Table, values: Iterable[Any]) -> bytes:
    """Return a row's values, as the export writes them, in the encoding that checksums are made of."""
    found = [
        microseconds(datetime.fromisoformat(value))
        if value is not None and isinstance(column.type, types.Moment)
        else value
        for column, value in zip(table.columns, values, strict=True)
    ]
    return encode_row(found)


def _lines(table: sa.Table, rows: Iterator[Row], checksum: Checksum) -> Iterator[bytes]:
    names = [column.name for column in table.columns]
    for row in rows:
        values = [shown(column, value) for column, value in zip(table.columns, row, strict=True)]
        checksum.add(canonical(table, values))
        line = json.dumps(dict(zip(names, values, strict=True)), ensure_ascii=False, separators=(",", ":"))
        yield line.encode("utf-8", "surrogatepass") + b"\n"


def _gzipped(lines: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(6, wbits=_GZIP)
    for line in lines:
        if packed := packer.compress(line):
            yield packed
    yield packer.flush()


def read_lines(store: FileStore, manifest: Exported, name: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of one table of an export. Raises ExportDamaged."""
    unpacker = zlib.decompressobj(wbits=_GZIP)
    held = b""
    try:
        for chunk in store.stream(f"{FOLDER}/{manifest.id}/{name}.jsonl.gz"):
            held += unpacker.decompress(chunk)
            *lines, held = held.split(b"\n")
            for line in lines:
                yield json.loads(line)
        if held or not unpacker.eof:
            raise ExportDamaged(id=manifest.id, what=f"the end of {name} is missing")
    except (zlib.error, ValueError) as error:
        raise ExportDamaged(id=manifest.id, what=f"{name} can't be read") from error
    except NotFound as error:
        raise ExportDamaged(id=manifest.id, what=f"{name} is missing") from error
