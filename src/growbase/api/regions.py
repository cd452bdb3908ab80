"""What the servers of an installation's regions ask each other; every call is signed by the secret they share."""

import asyncio
import json
from functools import partial
from typing import Any
from uuid import UUID

from growbase import __version__
from growbase.api.call import JSON, Answer, Call, endpoint, identity, json_answer
from growbase.core.actor import system
from growbase.core.errors import Conflict, NotConfigured
from growbase.core.region import HEADER, Regions
from growbase.domains.identity.regions import last_number, receive_entries, require_here
from growbase.ops import arrivals
from growbase.ops.regions import counts

BYTES = "application/octet-stream"


async def _called(call: Call) -> tuple[Regions, str, bytes]:
    """Return the regions, which of them calls, and the body. Raises NotConfigured, Forbidden."""
    regions = Regions.of(call.api.settings)
    if regions is None:
        raise NotConfigured(reason="GROWBASE_REGIONS and GROWBASE_REGION_SECRET are not set")
    body = await call.body(content_types=(JSON, BYTES))
    return regions, regions.require_call(call.headers.get(HEADER, ""), call.scope["path"], body), body


async def refer(call: Call, organization_id: UUID) -> None:
    """Raise WrongRegion for an organization that lives in another region."""
    regions = call.api.authenticator.regions

    def look() -> None:
        with call.api.database.read(system("regions")) as reads:
            require_here(reads, regions, lambda found: found.organization_hash(organization_id))

    if regions is not None:
        await call.api.database.aread(look)


@endpoint("/api/regions/entries", "POST", public=True)
async def entries(call: Call) -> Answer:
    """Take over what another region's server says lives there; a second time changes nothing."""
    _, sender, body = await _called(call)
    found = [(str(key), bool(there), int(number)) for key, there, number in json.loads(body)["entries"]]
    new = await call.api.database.awrite(system("regions"), partial(receive_entries, sender=sender, entries=found))
    return json_answer({"received": new})


@endpoint("/api/regions/status", "POST", public=True)
async def status(call: Call) -> Answer:
    """Tell another region's server what is here: version, rows, and how much of its directory has come."""
    regions, sender, _ = await _called(call)
    database = call.api.database

    def read() -> dict[str, Any]:
        with database.read(system("regions")) as reads:
            return {"known": last_number(reads, sender), "number": last_number(reads, regions.here), **counts(reads)}

    return json_answer({"region": regions.here, "version": __version__, **await database.aread(read)})


@endpoint("/api/regions/moves/{organization:str}/{step:str}", "POST", public=True)
async def move(call: Call) -> Answer:
    """Take one step of an organization's move here: ``begin``, ``piece``, ``file``, ``finish``, ``result``, ``cancel``.

    Each step can be repeated.
    """
    regions, _, body = await _called(call)
    path = call.scope["path_params"]
    organization_id: UUID = identity(str(path["organization"]))
    step = arrivals.STEPS.get(str(path["step"]))
    if step is None:
        raise Conflict("The other server's version is another one: update both.")
    found = await asyncio.to_thread(step, call.api.database, regions, call.api.files, organization_id, body)
    return json_answer(found)


ROUTES = [entries, status, move]
