"""The gallery of campaign templates, which all organizations share."""

from typing import Any

from growbase.api.call import Answer, Call, endpoint, identity, json_answer
from growbase.api.writing import row_answer, write
from growbase.core.actor import Role
from growbase.core.transaction import Transaction
from growbase.domains.marketing.actions_templates import list_gallery, use_gallery_template
from growbase.domains.marketing.schemas import UseTemplate


@endpoint("/api/gallery", "GET")
async def gallery(call: Call) -> Answer:
    """List the campaign templates anybody may copy."""
    actor = await call.require(Role.VIEWER)

    def read() -> list[dict[str, Any]]:
        with call.api.database.read(actor) as reads:
            return list_gallery(reads)

    return json_answer({"data": await call.api.database.aread(read)})


@endpoint("/api/gallery/{id:str}/use", "POST", body=UseTemplate)
async def use(call: Call) -> Answer:
    """Copy a template of the gallery into the own organization; ``name`` where its own is taken there."""
    actor = await call.require(Role.MEMBER)
    id = identity(str(call.scope["path_params"]["id"]))
    resource = call.api.catalog.by_name["campaign-templates"]
    name = (await call.parse(UseTemplate))["name"]

    def unit(tx: Transaction) -> Answer:
        return row_answer(tx, resource, use_gallery_template(tx, id=id, name=name), 201)

    return await write(call, actor, unit, await call.body())


ROUTES = [gallery, use]
