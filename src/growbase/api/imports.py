"""Importing prospects from a CSV file: at once where it is small, by a job where it is large."""

import asyncio
import tempfile
from collections.abc import Callable
from hashlib import sha256
from typing import IO, Any, cast
from urllib.parse import parse_qsl
from uuid import UUID

from growbase.api.call import Answer, Call, endpoint, json_answer
from growbase.api.writing import write
from growbase.core.actor import Actor, Role
from growbase.core.errors import FieldError, Invalid, NotUnique, TooLarge, UnsupportedMediaType
from growbase.core.model import Rule
from growbase.core.query import bad, literal
from growbase.core.transaction import Transaction
from growbase.domains.outreach.actions_imports import IN_ONE_UNIT, import_later, import_now, packed
from growbase.domains.outreach.prospect_csv import ParsedFile, read_prospects

MAX_BYTES = 64 * 1024 * 1024
IN_MEMORY = 1024 * 1024
CONTENT_TYPES = {"text/csv", "text/plain", "application/csv", "application/vnd.ms-excel", "application/octet-stream"}
OPTIONS = {"on_error", "dry_run", "icp_id", "map"}
TRIES = 3


@endpoint("/api/prospects/import", "POST")
async def import_prospects(call: Call) -> Answer:
    """Create or update prospects from a CSV file, one for each e-mail address; opt-outs, stages and owners stay.

    Up to 2,000 rows answer 200 with the report; more, up to 100,000, answer 202 with the job, and the report is the
    resource in Location. ``on_error`` is skip (wrong lines are listed) or reject (nothing is written), ``dry_run=true``
    only counts, ``icp_id`` puts the prospects into a profile, ``map=Heading:field,...`` names columns that are called
    otherwise.
    """
    actor = await call.require(Role.MEMBER)
    options = _options(call)
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as spool:
        body = cast("IO[bytes]", spool)
        digest = await _received(call, body)
        file = await asyncio.to_thread(_read, body, options)
    icp_id = _profile(options)
    dry_run = options.get("dry_run", "false") == "true" or call.prefer.get("tx") == "rollback"
    if file.row_count <= IN_ONE_UNIT:

        def now(tx: Transaction) -> Answer:
            return json_answer(import_now(tx, file=file, icp_id=icp_id, dry_run=dry_run))

        return await _written(call, actor, now, digest)
    chunks = await asyncio.to_thread(packed, file.rows)

    def later(tx: Transaction) -> Answer:
        made = import_later(tx, file=file, chunks=chunks, icp_id=icp_id, content_hash=digest.hex(), dry_run=dry_run)
        return json_answer(made, 202, {"location": f"/api/imports/{made['import_id']}"})

    return await _written(call, actor, later, digest)


async def _written(call: Call, actor: Actor, unit: Callable[[Transaction], Answer], digest: bytes) -> Answer:
    """Run the unit again where somebody else has made one of the prospects meanwhile: then it updates that one."""
    for _ in range(TRIES - 1):
        try:
            return await write(call, actor, unit, digest, large=True)
        except NotUnique:
            continue
    return await write(call, actor, unit, digest, large=True)


def _options(call: Call) -> dict[str, str]:
    options = dict(parse_qsl(call.query, keep_blank_values=True))
    unknown = next((name for name in options if name not in OPTIONS), None)
    if unknown is not None:
        raise bad(unknown, "is not a parameter here; use {choices}", choices=", ".join(sorted(OPTIONS)))
    if options.get("on_error", "skip") not in {"skip", "reject"}:
        raise bad("on_error", "must be reject or skip")
    if options.get("dry_run", "false") not in {"true", "false"}:
        raise bad("dry_run", "must be true or false")
    return options


def _profile(options: dict[str, str]) -> UUID | None:
    if "icp_id" not in options:
        return None
    found = literal("icp_id", Rule("identifier"), options["icp_id"])
    assert isinstance(found, UUID)
    return found


def _mapping(text: str) -> dict[str, str]:
    """Read ``Heading:field,Other heading:field``; a heading may itself have colons."""
    found: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        heading, colon, target = part.rpartition(":")
        if not colon or not heading.strip() or not target.strip():
            raise bad("map", "must be pairs such as E-mail:email,Firm:company_name")
        found[heading.strip()] = target.strip()
    return found


async def _received(call: Call, spool: IO[bytes]) -> bytes:
    """Take the file in as it comes and return its digest. Raises TooLarge or UnsupportedMediaType."""
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind and kind not in CONTENT_TYPES:
        raise UnsupportedMediaType(content_type=kind)
    digest, size, more = sha256(), 0, True
    while more:
        message = cast("dict[str, Any]", await call.receive())
        if message["type"] == "http.disconnect":
            break
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BYTES:
            raise TooLarge(limit=MAX_BYTES)
        digest.update(part)
        spool.write(part)
        more = message.get("more_body", False)
    spool.seek(0)
    return digest.digest()


def _read(spool: IO[bytes], options: dict[str, str]) -> ParsedFile:
    """Return the file's rows. Raises Invalid naming the wrong lines where one of them is to refuse the file."""
    found = read_prospects(spool, _mapping(options.get("map", "")))
    if options.get("on_error") == "reject" and found.errors:
        raise Invalid(
            fields=tuple(
                FieldError(f"lines.{item['line']}.{item['field']}".rstrip("."), item["code"], item["message"])
                for item in found.errors
            )
        )
    return found


ROUTES = [import_prospects]
