"""Webhooks: where changes are sent to, how that goes, and what was sent with its attempts."""

from functools import partial
from typing import Any, Final
from uuid import UUID

from growbase.api.call import Answer, identity
from growbase.core.actor import Role
from growbase.core.errors import Conflict, Invalid, LimitExceeded
from growbase.core.reads import Reads, Where
from growbase.domains.identity.actions_webhooks import (
    create_webhook_endpoint,
    enable_webhook_endpoint,
    new_secret,
    ping_webhook_endpoint,
    resend_webhook_delivery,
    rotate_webhook_secret,
)
from growbase.domains.identity.models_webhooks import DeliveryStatus, EndpointStatus, WebhookDelivery, WebhookEndpoint
from growbase.domains.identity.schemas import NewWebhookEndpoint
from growbase.studio.acts import flash_error
from growbase.studio.forms import defaults_of, typed
from growbase.studio.render import page
from growbase.studio.running import asking
from growbase.studio.running.operating import plain
from growbase.studio.visit import Visit, with_query

SHOWN: Final = 40
FIELDS: Final = ("url", "events", "description")
ENDPOINT: Final = (
    *("id", "url", "description", "events", "failure_count", "failing_since", "disabled_at", "disabled_reason"),
    *("previous_secret_until", "created_at"),
)
DELIVERY: Final = (
    *("id", "endpoint_id", "event", "attempts", "next_attempt_at", "last_attempt_at", "last_status", "last_error"),
    *("response_ms", "delivered_at", "created_at", "payload"),
)


async def show(visit: Visit) -> Answer:
    """Show the endpoints and what was sent last."""
    visit.require(Role.ADMIN)
    status, before = _status(visit), _before(visit)

    def read(reads: Reads) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        endpoints = [_endpoint(row) for row in reads.rows(WebhookEndpoint, order="created_at, id")]
        return endpoints, _deliveries(reads, None, status, before)

    endpoints, deliveries = await visit.read(read)
    return page(
        visit,
        "running/webhooks.html",
        endpoints=endpoints,
        urls={one["id"]: one["url"] for one in endpoints},
        **_listed("/studio/webhooks", deliveries, status, before),
    )


async def endpoint(visit: Visit, id: str) -> Answer:
    """Show one endpoint and its deliveries."""
    visit.require(Role.ADMIN)
    key, status, before = identity(id), _status(visit), _before(visit)

    def read(reads: Reads) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        return _endpoint(reads.get(WebhookEndpoint, key)), _deliveries(reads, key, status, before)

    found, deliveries = await visit.read(read)
    return page(
        visit,
        "running/webhook.html",
        endpoint=found,
        urls={},
        **_listed(f"/studio/webhooks/{key}", deliveries, status, before),
    )


def _listed(path: str, rows: list[dict[str, Any]], status: str, before: UUID | None) -> dict[str, Any]:
    """Return a page of deliveries with the addresses that filter it and lead on."""
    last = rows[SHOWN - 1]["id"] if len(rows) > SHOWN else ""
    return {
        "path": path,
        "deliveries": rows[:SHOWN],
        "status": status,
        "states": [one.value for one in DeliveryStatus],
        "is_first": before is None,
        "self_url": with_query(path, [("status", status), ("before", str(before or ""))]),
        "next": with_query(path, [("status", status), ("before", last)]) if last else "",
    }


def _endpoint(row: WebhookEndpoint) -> dict[str, Any]:
    return {**plain(row, *ENDPOINT), "status": row.status.value}


def _deliveries(reads: Reads, endpoint_id: UUID | None, status: str, before: UUID | None) -> list[dict[str, Any]]:
    wanted: dict[str, Any] = {"endpoint_id": endpoint_id} if endpoint_id else {}
    wanted |= {"status": status} if status else {}
    # Ids grow with time, so the newest come first by them, too.
    older = [Where("id", "<", before)] if before else []
    rows = reads.rows(WebhookDelivery, *older, order="-id", limit=SHOWN + 1, **wanted)
    return [{**plain(row, *DELIVERY), "status": row.status.value} for row in rows]


def _status(visit: Visit) -> str:
    found = visit.query.get("status", "")
    return found if found in {one.value for one in DeliveryStatus} else ""


def _before(visit: Visit) -> UUID | None:
    text = visit.query.get("before", "")
    return identity(text) if text else None


async def new(visit: Visit) -> Answer:
    """Show the form of a new endpoint, or make it and show its secret this once."""
    visit.require(Role.ADMIN)
    words = visit.words
    inputs = asking.fields(visit, NewWebhookEndpoint, FIELDS)
    ask = partial(
        asking.form,
        visit,
        title=words.say("New webhook endpoint"),
        back=("/studio/webhooks", words.say("Webhooks")),
        button=words.say("Create"),
        inputs=inputs,
        about=words.say(
            "It is sent what changes from now on, signed. Events: * for all, campaigns.* for a resource, or "
            "campaigns.insert for one action of it."
        ),
    )
    if visit.call.method != "POST":
        return await ask(texts=defaults_of(words, inputs, {"events": "*"}))
    texts, secret = typed(visit, inputs), new_secret()
    try:
        values = asking.parsed(visit, NewWebhookEndpoint, inputs, texts)
        id = await visit.write(lambda tx: create_webhook_endpoint(tx, secret=secret, **values))
    except (Invalid, Conflict, LimitExceeded) as error:
        return await ask(texts=texts, refusal=error)
    return _secret(visit, str(id), secret)


def _secret(visit: Visit, id: str, secret: str) -> Answer:
    words = visit.words
    return asking.once(
        visit,
        title=words.say("Secret of the endpoint"),
        back=(f"/studio/webhooks/{id}", words.say("Webhook endpoint")),
        name=words.say("Signing secret"),
        secret=secret,
        hint=words.say("The receiver checks each delivery's signature with it (Standard Webhooks, HMAC-SHA256)."),
    )


async def act(visit: Visit, id: str) -> Answer:
    """Test, switch on or off, or give an endpoint a new secret."""
    visit.require(Role.ADMIN)
    key, action, words = identity(id), visit.sent("action"), visit.words
    try:
        if action == "rotate":
            done = await visit.write(lambda tx: rotate_webhook_secret(tx, id=key))
            return _secret(visit, id, str(done["secret"]))
        if action == "test":
            await visit.write(lambda tx: ping_webhook_endpoint(tx, id=key))
            visit.flash(words.say("A test is on its way: it is the newest delivery."))
        elif action == "enable":
            await visit.write(lambda tx: enable_webhook_endpoint(tx, id=key))
            visit.flash(words.say("It is sent to again, from now on."))
        elif action == "disable":
            await visit.write(lambda tx: tx.transition(WebhookEndpoint, key, EndpointStatus.DISABLED))
            visit.flash(words.say("Nothing is sent to it any more."))
        else:
            raise Invalid.at("action", "choice", "must be one of {expected}", expected="test, enable, disable, rotate")
    except Conflict as error:
        flash_error(visit, error)
    return visit.go(f"/studio/webhooks/{id}")


async def delivery(visit: Visit, id: str) -> Answer:
    """Show what was sent, and what came of it."""
    visit.require(Role.ADMIN)
    key = identity(id)

    def read(reads: Reads) -> tuple[dict[str, Any], str]:
        row = reads.get(WebhookDelivery, key)
        target = reads.find(WebhookEndpoint, row.endpoint_id, trash=True)
        return {**plain(row, *DELIVERY), "status": row.status.value}, target.url if target else ""

    found, url = await visit.read(read)
    return page(visit, "running/delivery.html", delivery=found, url=url)


async def resend(visit: Visit, id: str) -> Answer:
    """Send a delivery again."""
    visit.require(Role.ADMIN)
    key = identity(id)
    try:
        await visit.write(lambda tx: resend_webhook_delivery(tx, id=key))
        visit.flash(visit.words.say("It is sent again."))
    except Conflict as error:
        flash_error(visit, error)
    return visit.go(f"/studio/webhooks/deliveries/{id}")


PAGES: Final[list[tuple[str, str, Any]]] = [
    ("webhooks", "GET", show),
    ("webhooks/new", "GET", new),
    ("webhooks/new", "POST", new),
    ("webhooks/<id>", "GET", endpoint),
    ("webhooks/<id>", "POST", act),
    ("webhooks/deliveries/<id>", "GET", delivery),
    ("webhooks/deliveries/<id>", "POST", resend),
]
