"""Tables of files."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped

from growbase.core.model import (
    Key,
    Owned,
    Trashable,
    choice,
    document,
    identifier,
    index,
    integer,
    member,
    moment,
    reference,
    state,
    text,
    unique,
)
from growbase.core.subject import Subject


class AssetKind(StrEnum):
    """What a file is used as."""

    IMAGE = "image"
    DOCUMENT = "document"
    VIDEO = "video"
    LOGO = "logo"
    SCREENSHOT = "screenshot"
    AVATAR = "avatar"
    BANNER = "banner"
    CASE_STUDY = "case_study"
    CAMPAIGN_ASSET = "campaign_asset"
    OTHER = "other"


class StorageProvider(StrEnum):
    """Where the bytes of a file are."""

    LOCAL = "local"
    S3 = "s3"


class UploadSource(StrEnum):
    """How a file came in."""

    WEB_UPLOAD = "web_upload"
    DRAG_DROP = "drag_drop"
    API = "api"
    GENERATED = "generated"
    IMPORT = "import"


class AnalysisStatus(StrEnum):
    """Where the analysis of a file stands."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"


class Asset(Trashable, Owned):
    """A file: what it is, where its bytes are, what was found in it, and whom it shows.

    Erasing the person it shows deletes the bytes and empties what tells of them; the row stays, for what refers to it.
    """

    __tablename__ = "assets"
    __subject__: ClassVar[Subject | None] = Subject(of="subject_id")

    kind: Mapped[AssetKind] = choice(AssetKind, default=AssetKind.OTHER)
    original_filename: Mapped[str] = text(max_length=255, min_length=1, writable="never", personal=True)
    storage_provider: Mapped[StorageProvider] = choice(StorageProvider, writable="never")
    storage_bucket: Mapped[str | None] = text(max_length=255, writable="never", hidden=True)
    storage_key: Mapped[str] = text(max_length=1_000, writable="never", hidden=True)
    url: Mapped[str | None] = text(max_length=2_000, writable="never", personal=True)
    mime_type: Mapped[str] = text(max_length=150, writable="never")
    size_bytes: Mapped[int] = integer(ge=1, writable="never")
    sha256: Mapped[str] = text(max_length=64, writable="never", personal=True)
    width: Mapped[int | None] = integer(ge=1, writable="never")
    height: Mapped[int | None] = integer(ge=1, writable="never")
    duration_ms: Mapped[int | None] = integer(ge=0, writable="never")
    title: Mapped[str | None] = text(max_length=300, personal=True)
    description: Mapped[str | None] = text(personal=True)
    alt_text: Mapped[str | None] = text(max_length=2_000, personal=True)
    tags: Mapped[list[str]] = document(default=list, personal=True)
    subject_id: Mapped[UUID | None] = identifier(
        writable="always", help="Whom the file shows: the id of a prospect, a founder, a ticket of theirs or a member."
    )
    campaign_id: Mapped[UUID | None] = reference("campaigns", on_purge="null")
    brand_id: Mapped[UUID | None] = reference("brands", on_purge="null")
    uploaded_by: Mapped[UUID | None] = member(writable="never")
    upload_source: Mapped[UploadSource] = choice(UploadSource, default=UploadSource.API, writable="create")
    analysis_status: Mapped[AnalysisStatus] = state(AnalysisStatus.PENDING)
    analysis_results: Mapped[dict[str, Any] | None] = document(writable="never", personal=True)
    extracted_text: Mapped[str | None] = text(max_length=1_000_000, writable="never", personal=True)
    image_analysis: Mapped[dict[str, Any] | None] = document(writable="never", personal=True)
    download_count: Mapped[int] = integer(ge=0, default=0, writable="never")
    last_used_at: Mapped[datetime | None] = moment(writable="never")
    erased_at: Mapped[datetime | None] = moment(writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("storage_provider", "coalesce(storage_bucket, '')", "storage_key", live=False, across=True),
        index("kind", "created_at", "id"),
        index("sha256"),
        index("subject_id", where="subject_id IS NOT NULL"),
        index("campaign_id", "kind"),
        index("analysis_status", "created_at", where="analysis_status = 'pending'"),
    )
