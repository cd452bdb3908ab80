"""Files: sending one in, reading it back, and signed links for those who have no account."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from pydantic import create_model

from growbase.api.call import Answer, Call, endpoint, identity, json_answer
from growbase.api.crud import list_rows, shown
from growbase.api.downloads import file_answer
from growbase.api.forms import FORM, Form, Store, read_form
from growbase.api.writing import row_answer, write
from growbase.core import clock, telemetry
from growbase.core.actor import Actor, Role, system
from growbase.core.crypto import sign, verify
from growbase.core.errors import Gone, GrowbaseError, Invalid, OutcomeUnknown, Unavailable
from growbase.core.file_types import examine
from growbase.core.files import StoredFile, new_key, safe_name
from growbase.core.gate import ReadOnly
from growbase.core.schema import create_schema
from growbase.core.strict_json import read_json
from growbase.core.transaction import Transaction
from growbase.core.types import compact_json, moment_text
from growbase.domains.marketing.actions_assets import add_asset, count_download, find_duplicates, require_kept
from growbase.domains.marketing.models_assets import Asset
from growbase.domains.marketing.schemas import AssetLink

PURPOSE = "asset link"
UPLOAD = create_schema("assets", Asset)
AssetUpload = create_model("AssetUpload", __base__=UPLOAD.model, file=(bytes, ...))


@endpoint("/api/assets", "GET")
async def list_assets(call: Call) -> Answer:
    """List the organization's files."""
    return await list_rows(call, call.api.catalog.by_name["assets"])


@endpoint("/api/assets", "POST", body=AssetUpload, media_type=FORM)
async def upload(call: Call) -> Answer:
    """Store a file. The answer is its row and ``duplicates``: the ids of files of the organization with the same bytes.

    The type is told from the bytes. ``tags`` is JSON or a field that is repeated.
    """
    actor = await call.require(call.api.catalog.by_name["assets"].write)
    return await keep_file(call, actor, lambda store: read_form(call, store, limit=call.api.settings.asset_max_bytes))


async def keep_file(call: Call, actor: Actor, read: Callable[[Store], Awaitable[Form]]) -> Answer:
    """Store the file of a form and make its row; what is refused leaves no bytes behind."""
    resource = call.api.catalog.by_name["assets"]
    assert actor.organization_id is not None
    files, key = call.api.files, new_key(actor.organization_id)
    analyse = call.api.settings.asset_analysis
    try:
        form = await read(partial(files.put, key))
        given = _values(form)
        values = UPLOAD.parse(compact_json(given).encode())
        stored = await asyncio.to_thread(_stored, call, key, form)

        def unit(tx: Transaction) -> Answer:
            id = add_asset(tx, stored=stored, analyse=analyse, **values)
            answer = row_answer(tx, resource, id, 201)
            row = {**json.loads(answer.body), "duplicates": [str(other) for other in find_duplicates(tx, id=id)]}
            return Answer(201, compact_json(row).encode(), answer.headers)

        # What is sent again is known by its bytes and fields: the boundary between them is another each time.
        answer = await write(call, actor, unit, compact_json([stored.name, stored.sha256, given]).encode())
    except OutcomeUnknown:
        # The row may be there; if it is not, the sweep finds the bytes.
        raise
    except GrowbaseError:
        await asyncio.to_thread(_forget, call, key)
        raise
    if call.prefer.get("tx") == "rollback" or "idempotency-replayed" in answer.headers:
        await asyncio.to_thread(_forget, call, key)
    return shown(call, resource, answer)


def _forget(call: Call, key: str) -> None:
    """Delete the bytes of an upload that came to nothing, without hiding why."""
    try:
        call.api.files.delete(key)
    except GrowbaseError:
        return


def _values(form: Form) -> dict[str, Any]:
    """Return a form's fields as the values of a row; an empty one is left out, as browsers send those not filled in."""
    found: dict[str, Any] = {}
    for name, texts in form.fields.items():
        given = [text for text in texts if text.strip()]
        if name == "tags":
            is_json = len(given) == 1 and given[0].lstrip().startswith("[")
            found[name] = read_json(given[0].encode()) if is_json else given
        elif len(given) > 1:
            raise Invalid.at(name, "type", "must be text")
        elif given:
            found[name] = given[0]
    return found


def _stored(call: Call, key: str, form: Form) -> StoredFile:
    files, name = call.api.files, safe_name(form.filename or "")
    mime_type, width, height = examine(form.head, name)
    return StoredFile(files.provider, files.bucket, key, name, form.size, form.sha256, mime_type, width, height)


@endpoint("/api/assets/{id:str}/content", "GET", "HEAD")
async def content(call: Call) -> Answer:
    """Return the bytes of a file: a range of them, or nothing new if the caller has them."""
    actor = await call.require(call.api.catalog.by_name["assets"].read)
    return await _download(call, actor, identity(str(call.scope["path_params"]["id"])))


@endpoint("/api/assets/{id:str}/link", "POST", body=AssetLink)
async def link(call: Call) -> Answer:
    """Return an address under which anybody can read the file until it expires."""
    actor = await call.require(Role.MEMBER)
    id = identity(str(call.scope["path_params"]["id"]))
    seconds: int = (await call.parse(AssetLink))["expires_in"]
    expires_at = (clock.now() + timedelta(seconds=seconds)).replace(microsecond=0)

    def unit(tx: Transaction) -> Answer:
        require_kept(tx.get(Asset, id))
        tx.record("link", "assets", None, {"id": str(id), "expires_at": moment_text(expires_at)})
        assert actor.organization_id is not None
        payload = actor.organization_id.bytes + id.bytes + int(expires_at.timestamp()).to_bytes(8, "big")
        url = f"{call.api.settings.base_url}/f/{sign(call.api.secret, payload, PURPOSE)}"
        return json_answer({"url": url, "expires_at": moment_text(expires_at)}, 200, {"cache-control": "no-store"})

    return await write(call, actor, unit, await call.body())


@endpoint("/f/{token:str}", "GET", "HEAD", public=True)
async def linked(call: Call) -> Answer:
    """Return the bytes of a file to whoever has its link."""
    payload = verify(call.api.secret, str(call.scope["path_params"]["token"]), PURPOSE)
    if int.from_bytes(payload[32:], "big") <= clock.now().timestamp():
        raise Gone("The link has expired.")
    organization_id, id = UUID(bytes=payload[:16]), UUID(bytes=payload[16:32])
    return await _download(call, system("link", organization_id), id)


async def _download(call: Call, actor: Actor, id: UUID) -> Answer:
    """Answer a file's bytes and count the download, once however many ranges it is read in."""
    answer = await asset_answer(call, actor, id)
    begins = answer.headers.get("content-range", "bytes 0-").startswith("bytes 0-")
    if call.method == "GET" and answer.status in {200, 206} and begins:
        try:
            await call.api.database.awrite(actor, lambda tx: count_download(tx, id=id))
        except ReadOnly:
            telemetry.instrument("download_not_counted", level="warning", asset_id=str(id))
    return answer


async def asset_answer(call: Call, actor: Actor, id: UUID) -> Answer:
    """Answer a file's bytes. Raises Gone for one that was erased."""
    database, files = call.api.database, call.api.files

    def read() -> Asset:
        with database.read(actor) as reads:
            return reads.get(Asset, id)

    asset = await database.aread(read)
    require_kept(asset)
    if not files.holds(asset.storage_provider, asset.storage_bucket):
        raise Unavailable("The file is in another storage than this server's.")
    return await file_answer(
        call,
        files,
        asset.storage_key,
        size=asset.size_bytes,
        mime_type=asset.mime_type,
        name=asset.original_filename,
        tag=f'"{asset.sha256}"',
    )


ROUTES = [list_assets, upload, content, link, linked]
