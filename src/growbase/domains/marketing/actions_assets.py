"""Keeping the rows of files: the bytes are stored before a row is made, and deleted after it is gone."""

from uuid import UUID

from growbase.core.actor import ActorKind
from growbase.core.errors import Conflict
from growbase.core.files import StoredFile
from growbase.core.model import Root
from growbase.core.reads import Reads
from growbase.core.transaction import Transaction
from growbase.domains.identity.usage import Metric, consume, give_back
from growbase.domains.marketing.models_assets import AnalysisStatus, Asset, AssetKind

DELETE_FILE = "delete_file"
ANALYSE_ASSET = "analyse_asset"
MOST_DUPLICATES = 20
PROGRAMS = frozenset({ActorKind.JOB, ActorKind.SYSTEM})


def add_asset(tx: Transaction, *, stored: StoredFile, kind: AssetKind | None = None, **rest: object) -> UUID:
    """Make the row of a file whose bytes are stored; without a kind it is told from the file's type.

    Raises LimitExceeded where the plan has no room for it; the caller then deletes the bytes.
    """
    consume(tx, Metric.STORAGE_BYTES, stored.size)
    return tx.insert(
        Asset,
        kind=kind or kind_of(stored.mime_type),
        original_filename=stored.name,
        storage_provider=stored.provider,
        storage_bucket=stored.bucket,
        storage_key=stored.key,
        mime_type=stored.mime_type,
        size_bytes=stored.size,
        sha256=stored.sha256,
        width=stored.width,
        height=stored.height,
        uploaded_by=tx.actor.id if tx.actor.kind is ActorKind.USER else None,
        **rest,
    )


def kind_of(mime_type: str) -> AssetKind:
    """Return what a file of this type is used as unless somebody says otherwise."""
    family = mime_type.partition("/")[0]
    if family in {"image", "video"}:
        return AssetKind(family)
    is_document = family == "text" or mime_type.startswith(("application/pdf", "application/rtf", "application/vnd."))
    return AssetKind.DOCUMENT if is_document else AssetKind.OTHER


def find_duplicates(reads: Reads, *, id: UUID) -> list[UUID]:
    """Return other live files of the organization with the same bytes, the oldest first, some at most."""
    asset = reads.get(Asset, id)
    found = reads.rows(Asset, sha256=asset.sha256, order="id", limit=MOST_DUPLICATES + 1)
    return [row.id for row in found if row.id != id][:MOST_DUPLICATES]


def count_download(tx: Transaction, *, id: UUID) -> None:
    """Count that a file was read, now."""
    tx.increment(Asset, id, "download_count", last_used_at=tx.now)


def analyse_asset(tx: Transaction, *, id: UUID) -> UUID:
    """Queue the analysis of a file; one that was analysed is analysed again. Asking twice queues it once."""
    before = tx.transition(Asset, id, AnalysisStatus.PENDING)
    if before.analysis_status is AnalysisStatus.PENDING:
        _queue_analysis(tx, id)
    return id


def guard_asset(tx: Transaction, row: Root, to: AnalysisStatus) -> dict[str, object]:
    """Let people ask for an analysis or do without; only the program says how far it is."""
    assert isinstance(row, Asset)
    if to == AnalysisStatus.PENDING:
        _queue_analysis(tx, row.id)
    elif to != AnalysisStatus.SKIPPED and tx.actor.kind not in PROGRAMS:
        raise Conflict("The analysis moves on by itself: ask for it with analyse.")
    return {}


def forget_file(tx: Transaction, row: Root) -> None:
    """Give back the room of a file that is purged and queue the deletion of its bytes."""
    assert isinstance(row, Asset)
    if row.purged_at is None:
        give_back(tx, Metric.STORAGE_BYTES, row.size_bytes)
    stored = {"provider": row.storage_provider.value, "bucket": row.storage_bucket, "key": row.storage_key}
    tx.enqueue(DELETE_FILE, stored, queue="files")


def _queue_analysis(tx: Transaction, id: UUID) -> None:
    key = f"{ANALYSE_ASSET}:{id}"
    tx.enqueue(ANALYSE_ASSET, {"asset_id": str(id)}, queue="content_generation", dedupe_key=key)
