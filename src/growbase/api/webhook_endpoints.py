"""Making webhook endpoints; everything else about them are the resource's own routes."""

import json

from growbase.api.call import Answer, Call, endpoint
from growbase.api.crud import list_rows, shown
from growbase.api.writing import row_answer, write
from growbase.core.actor import Role
from growbase.core.transaction import Transaction
from growbase.core.types import compact_json
from growbase.domains.identity.actions_webhooks import create_webhook_endpoint, new_secret
from growbase.domains.identity.schemas import NewWebhookEndpoint


@endpoint("/api/webhook-endpoints", "GET")
async def list_endpoints(call: Call) -> Answer:
    """List the organization's webhook endpoints, never their secrets."""
    return await list_rows(call, call.api.catalog.by_name["webhook-endpoints"])


@endpoint("/api/webhook-endpoints", "POST", body=NewWebhookEndpoint)
async def create(call: Call) -> Answer:
    """Make a webhook endpoint; its signing ``secret`` is shown this once and can't be read again."""
    actor = await call.require(Role.ADMIN)
    values = await call.parse(NewWebhookEndpoint)
    resource = call.api.catalog.by_name["webhook-endpoints"]
    secret = new_secret()

    def unit(tx: Transaction) -> Answer:
        id = create_webhook_endpoint(tx, secret=secret, **values)
        answer = row_answer(tx, resource, id, 201)
        answer.body = compact_json({**json.loads(answer.body), "secret": secret}).encode()
        answer.headers["cache-control"] = "no-store"
        return answer

    # A stored answer would hold the secret in plain text.
    call.headers.pop("idempotency-key", None)
    return shown(call, resource, await write(call, actor, unit))


ROUTES = [list_endpoints, create]
