"""Making API keys; listing and revoking them are the resource's own routes."""

import json

from growbase.api.call import Answer, Call, endpoint
from growbase.api.crud import list_rows, shown
from growbase.api.writing import row_answer, write
from growbase.core.actor import Role
from growbase.core.transaction import Transaction
from growbase.core.types import compact_json
from growbase.domains.identity.actions_keys import create_api_key
from growbase.domains.identity.schemas import NewApiKey
from growbase.domains.identity.tokens import ApiKeyText


@endpoint("/api/api-keys", "GET")
async def list_keys(call: Call) -> Answer:
    """List the organization's API keys, never the secret itself."""
    return await list_rows(call, call.api.catalog.by_name["api-keys"])


@endpoint("/api/api-keys", "POST", body=NewApiKey)
async def create(call: Call) -> Answer:
    """Make an API key; ``key`` is shown this once and can't be read again."""
    actor = await call.require(Role.ADMIN)
    values = await call.parse(NewApiKey)
    resource = call.api.catalog.by_name["api-keys"]
    text = ApiKeyText.new(call.api.settings.region)

    def unit(tx: Transaction) -> Answer:
        id = create_api_key(tx, prefix=text.prefix, key_hash=text.key_hash, **values)
        answer = row_answer(tx, resource, id, 201)
        answer.body = compact_json({**json.loads(answer.body), "key": text.plaintext}).encode()
        answer.headers["cache-control"] = "no-store"
        return answer

    # A stored answer would hold the key in plain text.
    call.headers.pop("idempotency-key", None)
    return shown(call, resource, await write(call, actor, unit))


ROUTES = [list_keys, create]
