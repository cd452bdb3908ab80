"""What an organization has used of its plan, and the events of payment providers; plans have the generic routes."""

import time
from typing import Any

from growbase.api.call import Answer, Call, endpoint, json_answer
from growbase.api.parameters import names, parameters, span
from growbase.core import clock
from growbase.core.actor import Role, system
from growbase.core.errors import NotConfigured
from growbase.core.strict_json import read_json, require_no_nul
from growbase.domains.identity.actions_provider import receive_event
from growbase.domains.identity.authenticate import with_request
from growbase.domains.identity.models_billing import BillingProvider
from growbase.domains.identity.queries_usage import usage_by_day
from growbase.domains.identity.stripe import read_event, require_signature
from growbase.domains.identity.usage import list_usage
from growbase.domains.marketing.queries import organization_zone


@endpoint("/api/usage", "GET")
async def usage(call: Call) -> Answer:
    """List what the organization has used of each metric of its plan; ``limit`` null allows any number.

    Metrics without a period stand for what is there now. Over the limit, only increases are refused.
    """
    actor = await call.require(Role.VIEWER)

    def read() -> list[dict[str, Any]]:
        with call.api.database.read(actor, snapshot=True) as reads:
            return list_usage(reads, clock.now())

    return json_answer({"data": await call.api.database.aread(read)})


@endpoint("/api/usage/daily", "GET")
async def usage_days(call: Call) -> Answer:
    """Return how much of each metric was used on each day of the organization's time zone; ``metric`` names some.

    What was given back on a day is taken off it, so that a day may be below zero.
    """
    actor = await call.require(Role.VIEWER)
    params = parameters(call, {"from", "to", "metric"})
    start, end = span(params)
    metrics = names(params, "metric", "")

    def read() -> dict[str, Any]:
        with call.api.database.near(actor).read(actor) as reads:
            zone = organization_zone(reads)
            return usage_by_day(reads, start=start, end=end, zone=zone, metrics=metrics)

    return json_answer(await call.api.database.aread(read))


@endpoint("/api/webhooks/stripe", "POST", public=True)
async def stripe(call: Call) -> Answer:
    """Take an event from Stripe, signed by the endpoint's secret; a second delivery changes nothing.

    It is kept before it is answered, and applied to the organization's subscription by a job.
    """
    secret = call.api.settings.stripe_webhook_secret
    if secret is None:
        raise NotConfigured(reason="GROWBASE_STRIPE_WEBHOOK_SECRET is not set")
    body = await call.body()
    require_signature(secret.get_secret_value(), call.headers.get("stripe-signature", ""), body, now=time.time())
    document = read_json(body)
    require_no_nul(body, document)
    event = read_event(document)
    actor = with_request(system("stripe"), request_id=call.request_id, ip=call.ip, user_agent=call.user_agent)
    is_new = await call.api.database.awrite(
        actor, lambda tx: receive_event(tx, event=event, provider=BillingProvider.STRIPE)
    )
    return json_answer({"received": True, "duplicate": not is_new})


ROUTES = [usage, usage_days, stripe]
