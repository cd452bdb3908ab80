"""Tables of CSV imports: what was asked and how far it has come, and the rows that still wait."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from growbase.core import types
from growbase.core.model import (
    Fact,
    Key,
    Owned,
    Rule,
    document,
    identifier,
    index,
    integer,
    moment,
    state,
    text,
    unique,
)


class ImportStatus(StrEnum):
    """Where an import stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Import(Owned):
    """A file of prospects: how many rows it has, how many are done, and what became of them."""

    __tablename__ = "imports"

    status: Mapped[ImportStatus] = state(ImportStatus.QUEUED)
    options: Mapped[dict[str, Any]] = document(default=dict, writable="never")
    content_hash: Mapped[str | None] = text(max_length=64, writable="never")
    row_count: Mapped[int] = integer(ge=0, default=0, writable="never")
    done_count: Mapped[int] = integer(ge=0, default=0, writable="never")
    created_count: Mapped[int] = integer(ge=0, default=0, writable="never")
    updated_count: Mapped[int] = integer(ge=0, default=0, writable="never")
    unchanged_count: Mapped[int] = integer(ge=0, default=0, writable="never")
    skipped_count: Mapped[int] = integer(ge=0, default=0, writable="never")
    suppressed_count: Mapped[int] = integer(ge=0, default=0, writable="never")
    error_count: Mapped[int] = integer(ge=0, default=0, writable="never")
    errors: Mapped[list[dict[str, Any]]] = document(default=list, writable="never")
    ignored_columns: Mapped[list[str]] = document(default=list, writable="never")
    job_id: Mapped[UUID | None] = identifier()
    failure: Mapped[str | None] = text(max_length=2_000, writable="never")
    finished_at: Mapped[datetime | None] = moment(writable="never")

    __copies__: ClassVar[tuple[str, ...]] = ("errors", "failure")
    __indexes__: ClassVar[tuple[Key, ...]] = (index("status", "updated_at", "id"),)


def _key(*, order: int) -> Any:  # noqa: ANN401 -- a column declaration
    rule = Rule("identifier", writable="never")
    return mapped_column(types.Identifier(), primary_key=True, sort_order=order, info={"rule": rule})


class ImportChunk(Fact):
    """Some rows of an import, compressed, until they are imported.

    The import has no foreign key here: chunks come and go with the units that move it on, and no other way.
    """

    __tablename__ = "import_chunks"
    __scope__ = "organization_id"

    organization_id: Mapped[UUID] = _key(order=-10)
    id: Mapped[UUID] = _key(order=-9)
    import_id: Mapped[UUID] = identifier()
    position: Mapped[int] = integer(ge=0)
    rows: Mapped[str] = text(max_length=16_777_216)

    __indexes__: ClassVar[tuple[Key, ...]] = (unique("import_id", "position"),)
