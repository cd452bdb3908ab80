"""Making further organizations; members, roles and ownership are verbs of the resource memberships."""

from growbase.api.call import Answer, Call, endpoint
from growbase.api.crud import list_rows, shown
from growbase.api.writing import row_answer, write
from growbase.core.transaction import Transaction
from growbase.domains.identity.actions_organizations import create_organization
from growbase.domains.identity.models import DataRegion
from growbase.domains.identity.schemas import NewOrganization


@endpoint("/api/organizations", "GET")
async def list_organizations(call: Call) -> Answer:
    """List the organization one acts in; ``GET /api/auth/me`` lists all one belongs to."""
    return await list_rows(call, call.api.catalog.by_name["organizations"])


@endpoint("/api/organizations", "POST", body=NewOrganization)
async def create(call: Call) -> Answer:
    """Make a further organization, owned by the caller; ``POST /api/auth/switch`` goes on in it."""
    actor = await call.authenticate()
    body = await call.body()
    values = await call.parse(NewOrganization)
    region = DataRegion(call.api.settings.region or DataRegion.EU)
    resource = call.api.catalog.by_name["organizations"]

    def unit(tx: Transaction) -> Answer:
        id = create_organization(tx, data_region=region, **values)
        return row_answer(tx.for_organization(id), resource, id, 201)

    if actor.organization_id is None:
        # Stored answers belong to an organization; who has none yet repeats at the risk of two.
        call.headers.pop("idempotency-key", None)
    return shown(call, resource, await write(call, actor, unit, body))


ROUTES = [list_organizations, create]
