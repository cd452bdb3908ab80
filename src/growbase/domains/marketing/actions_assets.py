"""Keeping the rows of files: the bytes are stored before a row is made, and deleted after it is gone or was erased."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from growbase.core.actor import ActorKind
from growbase.core.errors import Conflict, Gone
from growbase.core.facts import hold
from growbase.core.files import StoredFile
from growbase.core.model import Root
from growbase.core.reads import Reads
from growbase.core.transaction import Transaction
from growbase.domains.identity.usage import Metric, consume, give_back
from growbase.domains.marketing.actions_subjects import require_subject
from growbase.domains.marketing.models_assets import AnalysisStatus, Asset, AssetKind

DELETE_FILE = "delete_file"
ANALYSE_ASSET = "analyse_asset"
ANALYSED = ("analysis_status", "analysis_results", "extracted_text", "image_analysis")
"""What an analysis writes: it is of the bytes, so every file that has them shares it."""
MOST_DUPLICATES = 20
PROGRAMS = frozenset({ActorKind.JOB, ActorKind.SYSTEM})


def add_asset(
    tx: Transaction,
    *,
    stored: StoredFile,
    kind: AssetKind | None = None,
    subject_id: UUID | None = None,
    analyse: bool = False,
    **rest: object,
) -> UUID:
    """Make the row of a file whose bytes are stored; without a kind it is told from the file's type.

    With ``analyse`` its analysis is queued; what is known of the same bytes is taken over instead. An avatar shows who
    uploads it unless somebody else is named. Raises LimitExceeded where the plan has no room for it, ForeignKey for a
    subject who is nobody; the caller then deletes the bytes.
    """
    if subject_id is None and kind == AssetKind.AVATAR and tx.actor.kind is ActorKind.USER:
        subject_id = tx.actor.id
    elif subject_id is not None:
        require_subject(tx, subject_id)
    consume(tx, Metric.STORAGE_BYTES, stored.size)
    known = _known_analysis(tx, stored.sha256) if analyse else {"analysis_status": AnalysisStatus.SKIPPED}
    asset_id = tx.insert(
        Asset,
        kind=kind or kind_of(stored.mime_type),
        subject_id=subject_id,
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
        **known,
        **rest,
    )
    if not known:
        _queue_analysis(tx, tx.get(Asset, asset_id))
    return asset_id


def update_asset(tx: Transaction, *, id: UUID, changes: Mapping[str, Any], version: int | None = None) -> int:
    """Change what is said of a file. Raises ForeignKey for a subject who is nobody."""
    row = tx.get(Asset, id, lock=True)
    if changes.get("subject_id") is not None:
        require_subject(tx, changes["subject_id"])
    return tx.change(row, changes, version=version)


def _known_analysis(tx: Transaction, sha256: str) -> dict[str, object]:
    """Return what is known of a file with these bytes, nothing if it was never analysed.

    Whoever ends an analysis of these bytes waits until this unit has ended, or the other way round.
    """
    hold(tx, analysis_key(sha256))
    status = AnalysisStatus.COMPLETED
    found = tx.rows(Asset, sha256=sha256, analysis_status=status, order="-id", limit=1)
    return {name: getattr(found[0], name) for name in ANALYSED} if found else {}


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
    if asset.erased_at is not None:
        return []
    found = reads.rows(Asset, sha256=asset.sha256, order="id", limit=MOST_DUPLICATES + 1)
    return [row.id for row in found if row.id != id][:MOST_DUPLICATES]


def count_download(tx: Transaction, *, id: UUID) -> None:
    """Count that a file was read, now."""
    tx.increment(Asset, id, "download_count", last_used_at=tx.now)


def analyse_asset(tx: Transaction, *, id: UUID) -> UUID:
    """Queue the analysis of a file; one that was analysed is analysed again. Asking twice queues it once."""
    require_kept(tx.get(Asset, id))
    before = tx.transition(Asset, id, AnalysisStatus.PENDING)
    if before.analysis_status is AnalysisStatus.PENDING:
        _queue_analysis(tx, before)
    return id


def guard_asset(tx: Transaction, row: Root, to: AnalysisStatus) -> dict[str, object]:
    """Let people ask for an analysis or do without; only the program says how far it is."""
    assert isinstance(row, Asset)
    if to == AnalysisStatus.PENDING:
        require_kept(row)
        _queue_analysis(tx, row)
    elif to != AnalysisStatus.SKIPPED and tx.actor.kind not in PROGRAMS:
        raise Conflict("The analysis moves on by itself: ask for it with analyse.")
    return {}


def forget_file(tx: Transaction, row: Root) -> None:
    """Give back the room of a file that is purged and queue the deletion of its bytes."""
    assert isinstance(row, Asset)
    if row.purged_at is None and row.erased_at is None:
        give_back(tx, Metric.STORAGE_BYTES, row.size_bytes)
    stored = {"provider": row.storage_provider.value, "bucket": row.storage_bucket, "key": row.storage_key}
    tx.enqueue(DELETE_FILE, stored, queue="files")


def erase_file(tx: Transaction, row: Root) -> None:
    """Let go of a file whose person is erased: its bytes go as those of a purged one, its analysis ends."""
    assert isinstance(row, Asset)
    if row.erased_at is not None:
        return
    forget_file(tx, row)
    tx.change(row, {"erased_at": tx.now, "analysis_status": AnalysisStatus.SKIPPED}, action="erase")
    # The job that is gone with it was to read the bytes for all files that have them.
    for other in tx.rows(Asset, sha256=row.sha256, analysis_status=AnalysisStatus.PENDING, order="id", limit=1):
        _queue_analysis(tx, other)


def require_kept(asset: Asset) -> None:
    """Raise Gone for a file that was erased."""
    if asset.erased_at is not None:
        raise Gone("The file was erased with the data of the person it shows.")


def analysis_key(sha256: str) -> str:
    """Return the name under which the analysis of these bytes is queued, and held."""
    return f"{ANALYSE_ASSET}:{sha256}"


def _queue_analysis(tx: Transaction, asset: Asset) -> None:
    """Queue the analysis of a file's bytes, once for however many files have them."""
    key = analysis_key(asset.sha256)
    hold(tx, key)
    tx.enqueue(ANALYSE_ASSET, {"asset_id": str(asset.id)}, queue="content_generation", dedupe_key=key)
