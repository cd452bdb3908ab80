"""What the organization knows of one person: handed out, or erased."""

import asyncio
from io import BytesIO
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from growbase.api.call import Answer, Call, endpoint, json_answer
from growbase.core.actor import Actor, Role
from growbase.core.errors import NotFound, TooLarge
from growbase.core.schema import CONFIG
from growbase.core.transaction import Transaction
from growbase.ops.privacy import ERASE, INLINE, LARGEST_EXPORT, Person, erase, find_person, queue_erasure
from growbase.ops.privacy_export import export_person


class Whom(BaseModel):
    """The person meant."""

    model_config = CONFIG

    email: Annotated[str, Field(min_length=3, max_length=320, description="The person's address.")]


@endpoint("/api/privacy/export", "POST", body=Whom)
async def export(call: Call) -> Answer:
    """Hand out all that the organization knows of a person as a zip of JSON lines."""
    actor, person = await _person(call)
    if person.count > LARGEST_EXPORT:
        raise TooLarge("This is too much for one answer: the operator exports it with growbase privacy export.")
    file = BytesIO()
    await asyncio.to_thread(export_person, call.api.database, person, file)
    await call.api.database.awrite(actor, lambda tx: tx.record("export_person", "erasures", None))
    headers = {"content-disposition": 'attachment; filename="person.zip"', "cache-control": "no-store"}
    return Answer(200, file.getvalue(), headers=headers, content_type="application/zip")


@endpoint("/api/privacy/erase", "POST", body=Whom)
async def erase_person(call: Call) -> Answer:
    """Empty what the organization knows of a person, also in the change log; a large amount is left to a job (202)."""
    actor, person = await _person(call)
    database = call.api.database
    if person.count > INLINE:

        def unit(tx: Transaction) -> UUID:
            return queue_erasure(tx, person)

        job_id = await database.awrite(actor, unit)
        return json_answer({"job_id": str(job_id), "kind": ERASE}, 202)
    folder = call.api.settings.data_dir
    done = await asyncio.to_thread(lambda: erase(database, person, by=actor, folder=folder))
    return json_answer({"id": str(done.id), "rows": done.rows, "tables": done.counts})


async def _person(call: Call) -> tuple[Actor, Person]:
    actor = await call.require(Role.ADMIN)
    email = str((await call.parse(Whom))["email"])
    found = await asyncio.to_thread(find_person, call.api.database, email, actor.organization_id)
    if not found.count:
        raise NotFound(what="person")
    return actor, found


ROUTES = [export, erase_person]
