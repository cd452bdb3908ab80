"""What the organization knows of one person: handed out, or erased."""

import asyncio
from collections.abc import Iterator
from os import SEEK_END
from tempfile import TemporaryFile
from typing import IO, Annotated, Final
from uuid import UUID

from pydantic import BaseModel, Field

from growbase.api.call import Answer, Call, endpoint, json_answer
from growbase.core.actor import Actor, Role
from growbase.core.errors import NotFound, TooLarge
from growbase.core.files import CHUNK
from growbase.core.schema import CONFIG
from growbase.core.transaction import Transaction
from growbase.ops.privacy import ERASE, INLINE, LARGEST_EXPORT, Person, erase, find_person, queue_erasure
from growbase.ops.privacy_export import export_person
from growbase.ops.privacy_files import TABLE, delete_bytes, files_of, kept, unmarked_copies

LARGEST_FILES: Final = 500_000_000
"""Bytes of files that a request hands out."""


class Whom(BaseModel):
    """The person meant."""

    model_config = CONFIG

    email: Annotated[str, Field(min_length=3, max_length=320, description="The person's address.")]


@endpoint("/api/privacy/export", "POST", body=Whom)
async def export(call: Call) -> Answer:
    """Hand out all that the organization knows of a person as a zip of JSON lines, with the files that show them."""
    actor, person = await _person(call)
    database, files = call.api.database, call.api.files
    found = kept(await asyncio.to_thread(files_of, database, person.rows.get(TABLE, {})))
    if person.count > LARGEST_EXPORT or sum(asset.size_bytes for asset in found) > LARGEST_FILES:
        raise TooLarge("This is too much for one answer: the operator exports it with growbase privacy export.")
    file = TemporaryFile()  # noqa: SIM115 -- read, and closed, when the answer is sent
    try:
        await asyncio.to_thread(export_person, database, person, file, files)
        await database.awrite(actor, lambda tx: tx.record("export_person", "erasures", None))
    except BaseException:
        file.close()
        raise
    headers = {"content-disposition": 'attachment; filename="person.zip"', "cache-control": "no-store"}
    headers |= {"content-length": str(file.seek(0, SEEK_END))}
    return Answer(200, headers=headers, content_type="application/zip", stream=_read(file))


def _read(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while chunk := file.read(CHUNK):
            yield chunk


@endpoint("/api/privacy/erase", "POST", body=Whom)
async def erase_person(call: Call) -> Answer:
    """Empty what the organization knows of a person, also in the change log, and delete the files that show them.

    A large amount is left to a job (202). ``copies`` are files with the same bytes that are said to show nobody.
    """
    actor, person = await _person(call)
    database = call.api.database
    if person.count > INLINE:

        def unit(tx: Transaction) -> UUID:
            return queue_erasure(tx, person)

        job_id = await database.awrite(actor, unit)
        return json_answer({"job_id": str(job_id), "kind": ERASE}, 202)
    folder = call.api.settings.data_dir
    copies = await asyncio.to_thread(unmarked_copies, database, person.rows.get(TABLE, {}))
    done = await asyncio.to_thread(lambda: erase(database, person, by=actor, folder=folder))
    await asyncio.to_thread(delete_bytes, call.api.files, done.files)
    shown = {"id": str(done.id), "rows": done.rows, "tables": done.counts, "copies": [str(id) for id in copies]}
    return json_answer(shown)


async def _person(call: Call) -> tuple[Actor, Person]:
    actor = await call.require(Role.ADMIN)
    email = str((await call.parse(Whom))["email"])
    found = await asyncio.to_thread(find_person, call.api.database, email, actor.organization_id)
    if not found.count:
        raise NotFound(what="person")
    return actor, found


ROUTES = [export, erase_person]
