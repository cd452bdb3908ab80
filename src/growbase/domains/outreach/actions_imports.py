"""Importing prospects: upserts by e-mail address that never revive, move or take over anybody."""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from growbase.core import clock
from growbase.core.errors import ForeignKey
from growbase.core.facts import delete_facts, gather_statistics, hold
from growbase.core.folding import fold_email
from growbase.core.reads import Reads
from growbase.core.statements import mark, plan_of
from growbase.core.tables import Job, SearchDocument
from growbase.core.transaction import Transaction
from growbase.core.types import compact_json
from growbase.domains.outreach.actions_suppressions import suppressed_among
from growbase.domains.outreach.models import Icp, Prospect, Source
from growbase.domains.outreach.models_imports import Import, ImportChunk, ImportStatus
from growbase.domains.outreach.prospect_csv import ParsedFile
from growbase.jobs.queue import checkpoint

KIND = "import_prospects"
QUEUE = "imports"
IN_ONE_UNIT = 2_000
"""Rows of a file that is imported while the request waits."""
CHUNK = 1_000
WAITING = (ImportStatus.QUEUED, ImportStatus.RUNNING)
SILENT = timedelta(days=7)
"""After this long without a step an import is over, whatever its job."""
COUNTS = ("created", "updated", "unchanged", "suppressed")

Line = tuple[int, dict[str, Any]]


def import_now(tx: Transaction, *, file: ParsedFile, icp_id: UUID | None, dry_run: bool = False) -> dict[str, Any]:
    """Import a small file in this unit and return its report; a dry run only counts."""
    _require_profile(tx, icp_id)
    counts = dict.fromkeys(COUNTS, 0)
    for start in range(0, len(file.rows), CHUNK):
        for name, count in import_rows(tx, file.rows[start : start + CHUNK], icp_id=icp_id, dry_run=dry_run).items():
            counts[name] += count
    return {
        "rows": file.row_count,
        **counts,
        "skipped": file.skipped,
        "error_count": file.error_count,
        "errors": file.errors,
        "ignored_columns": file.ignored,
        "dry_run": dry_run,
    }


def import_later(
    tx: Transaction,
    *,
    file: ParsedFile,
    chunks: Sequence[str],
    icp_id: UUID | None,
    content_hash: str | None = None,
    dry_run: bool = False,
) -> dict[str, str]:
    """Keep a large file's rows and ask for their import; answer the import, which is its report, and the job."""
    _require_profile(tx, icp_id)
    import_id = clock.new_id()
    job_id = tx.enqueue(KIND, {"import_id": str(import_id)}, queue=QUEUE, max_attempts=5)
    tx.insert(
        Import,
        id=import_id,
        options={"icp_id": str(icp_id) if icp_id else None, "dry_run": dry_run},
        content_hash=content_hash,
        row_count=file.row_count,
        done_count=file.skipped,
        skipped_count=file.skipped,
        error_count=file.error_count,
        errors=file.errors,
        ignored_columns=file.ignored,
        job_id=job_id,
    )
    rows = [
        {
            "organization_id": tx.actor.organization_id,
            "id": clock.new_id(),
            "import_id": import_id,
            "position": position,
            "rows": chunk,
        }
        for position, chunk in enumerate(chunks)
    ]
    tx.insert_facts(ImportChunk, rows)
    return {"import_id": str(import_id), "job_id": str(job_id)}


def packed(rows: Sequence[Line]) -> list[str]:
    """Return rows in chunks of 1,000, each compressed; pure work, done outside of the unit."""
    return [_packed(rows[start : start + CHUNK]) for start in range(0, len(rows), CHUNK)]


def _packed(rows: Sequence[Line]) -> str:
    return base64.b85encode(zlib.compress(compact_json(rows).encode())).decode()


def _unpacked(text: str) -> list[Line]:
    return [(line, values) for line, values in json.loads(zlib.decompress(base64.b85decode(text)))]


def _require_profile(tx: Transaction, icp_id: UUID | None) -> None:
    if icp_id is not None and tx.find(Icp, icp_id, share=True) is None:
        raise ForeignKey.at("icp_id", "foreign_key", "must be the id of an existing {what}", what="icp")


# -- rows -------------------------------------------------------------------------------------------------------------


def import_rows(
    tx: Transaction, rows: Sequence[Line], *, icp_id: UUID | None = None, dry_run: bool = False
) -> dict[str, int]:
    """Create the prospects whose address is new, bring the others up to date, and return how many of each.

    Who has opted out or is suppressed is left as it is, and not made anew. Stage, owner and opt-out are never touched,
    an empty cell clears nothing. Imports of one organization follow one another, so that two of the same file at once
    end like one after the other.
    """
    hold(tx, "import of prospects")
    counts = dict.fromkeys(COUNTS, 0)
    by_address = {fold_email(values["email"]): values for _, values in rows}
    known = {
        row.email_norm: row
        for row in tx.rows(Prospect, email_norm=list(by_address), lock=not dry_run, order="email_norm")
    }
    blocked = suppressed_among(tx, by_address)
    fresh: list[dict[str, Any]] = []
    for address, values in by_address.items():
        row = known.get(address)
        if address in blocked or (row is not None and row.opted_out_at is not None):
            counts["suppressed"] += 1
        elif row is None:
            counts["created"] += 1
            fresh.append(_new(values, icp_id))
        else:
            changes = _changes(row, values, icp_id)
            counts["updated" if changes else "unchanged"] += 1
            if changes and not dry_run:
                tx.change(row, changes)
    if fresh and not dry_run:
        tx.insert_many(Prospect, fresh)
    return counts


def _new(values: Mapping[str, Any], icp_id: UUID | None) -> dict[str, Any]:
    domain = values["email"].rpartition("@")[2].lower()
    row = {"company_name": values.get("company_domain") or domain[:300], **values}
    return {**row, "icp_id": icp_id, "source": Source.CSV_IMPORT}


def _changes(row: Prospect, values: Mapping[str, Any], icp_id: UUID | None) -> dict[str, Any]:
    """Return what a row of a file says otherwise than the prospect; how an address is spelt is no difference."""
    old = row.__dict__
    changes = {name: value for name, value in values.items() if name != "email" and old[name] != value}
    if "custom_fields" in changes:
        merged = {**row.custom_fields, **changes.pop("custom_fields")}
        changes |= {"custom_fields": merged} if merged != row.custom_fields else {}
    if icp_id is not None and row.icp_id is None:
        changes["icp_id"] = icp_id
    return changes


# -- jobs -------------------------------------------------------------------------------------------------------------


def import_next_chunk(tx: Transaction, *, import_id: UUID, job: Job | None = None) -> bool:
    """Import the next rows of a stored file and return whether there are more.

    The rows, the report and the rest of the file change in one unit, so that a crash repeats or loses nothing. With the
    ``job`` it is held meanwhile: LeaseLost or Cancelled leave everything as it was.
    """
    found = tx.get(Import, import_id, lock=True)
    if found.status in {ImportStatus.SUCCEEDED, ImportStatus.FAILED}:
        return False
    if job is not None:
        checkpoint(tx, job, progress=100 * found.done_count // max(1, found.row_count))
    chunks = tx.rows(ImportChunk, import_id=import_id, order="position", limit=2)
    if not chunks:
        tx.change(found, {"status": ImportStatus.SUCCEEDED, "finished_at": tx.now}, action="transition")
        return False
    rows = _unpacked(chunks[0].rows)
    icp_id, dry_run = found.options.get("icp_id"), bool(found.options.get("dry_run"))
    profile = tx.find(Icp, UUID(icp_id)) if icp_id else None
    counts = import_rows(tx, rows, icp_id=profile.id if profile else None, dry_run=dry_run)
    delete_facts(tx, ImportChunk, {"id": chunks[0].id})
    more = len(chunks) > 1
    old = found.__dict__
    changes: dict[str, Any] = {f"{name}_count": old[f"{name}_count"] + count for name, count in counts.items()}
    changes |= {"done_count": found.done_count + len(rows), "status": ImportStatus.RUNNING}
    if not more:
        changes |= {"status": ImportStatus.SUCCEEDED, "finished_at": tx.now}
        gather_statistics(tx, Prospect, SearchDocument)
    tx.change(found, changes, action="transition")
    return more


def fail_import(tx: Transaction, *, import_id: UUID, reason: str) -> None:
    """End an import that can't go on; what was imported stays, the rest of the file goes."""
    found = tx.get(Import, import_id, lock=True)
    if found.status in WAITING:
        ended = {"status": ImportStatus.FAILED, "failure": reason[:2_000], "finished_at": tx.now}
        tx.change(found, ended, action="transition")
    delete_facts(tx, ImportChunk, {"import_id": import_id})


# -- rows that wait no longer -----------------------------------------------------------------------------------------


def silent_imports(reads: Reads) -> list[tuple[UUID, UUID]]:
    """Return organization and id of imports that nobody has gone on with for days: their job has died."""
    waiting = ", ".join(f"'{status.value}'" for status in WAITING)
    plan = plan_of(Import, reads.engine)
    sql = f"SELECT t.organization_id, t.id FROM imports t WHERE t.status IN ({waiting}) AND t.updated_at < "
    before = plan.fields["updated_at"].bound(clock.now() - SILENT)
    rows = reads.execute(sql + mark(reads.engine), [before]).fetchall()
    return [(UUID(str(owner)), UUID(str(id))) for owner, id in rows]


def end_silent_import(tx: Transaction, *, id: UUID) -> bool:
    """End an import that nobody goes on with, so that its people are not kept for ever."""
    found = tx.get(Import, id, lock=True)
    if found.status not in WAITING or found.updated_at > tx.now - SILENT:
        return False
    fail_import(tx, import_id=id, reason="Nobody has gone on with it for a week: import the file again.")
    return True


def forget_in_imports(tx: Transaction, address: str) -> None:
    """Take the rows with a folded address out of files that wait to be imported."""
    for found in tx.rows(ImportChunk, lock=True, order="id"):
        rows = _unpacked(found.rows)
        left = [row for row in rows if fold_email(row[1]["email"]) != address]
        if len(left) < len(rows):
            tx.set_facts(ImportChunk, {"id": found.id}, {"rows": _packed(left)})
