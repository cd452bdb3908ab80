"""Webhook endpoints and their deliveries: made, signed, tried again, given up."""

import base64
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import uniform
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from growbase.core import clock
from growbase.core.actor import Role
from growbase.core.crypto import keyed_hash
from growbase.core.errors import Conflict, Invalid
from growbase.core.facts import hold
from growbase.core.feed import start_reader
from growbase.core.reads import Reads
from growbase.core.resource import Catalog
from growbase.core.transaction import Transaction
from growbase.core.types import compact_json, moment_text
from growbase.domains.identity.actions_personal import notify_admins
from growbase.domains.identity.models_webhooks import DeliveryStatus, EndpointStatus, WebhookDelivery, WebhookEndpoint
from growbase.domains.identity.roles import require_role
from growbase.jobs.policies import WEBHOOKS

READER: Final = "webhooks"
"""The change log's reader that makes deliveries."""
PING: Final = "ping"
MAX_ENDPOINTS: Final = 20
OLD_SECRET: Final = timedelta(hours=24)
BACKOFF_SECONDS: Final = (5, 120, 900, 3_600, 10_800, 21_600, 43_200)
"""Between the attempts of a delivery, which take about a day."""
MAX_ATTEMPTS: Final = len(BACKOFF_SECONDS) + 1
LONGEST_PAUSE: Final = timedelta(days=1)
FAILURES: Final = 100
FAILING: Final = timedelta(days=5)
"""An endpoint that only failed for so often, or so long, is disabled."""
_EVENT: Final = re.compile(r"(?P<entity>[a-z0-9_-]{1,63})\.(?:\*|[a-z_]{1,40})")
_UNSENT: Final = frozenset({"webhook_endpoints"})
"""Tables whose changes are not sent: a failure that changes its endpoint would lead to the next."""


@dataclass(frozen=True, slots=True, repr=False)
class Letter:
    """What one attempt sends, and how often it was tried before."""

    id: UUID
    attempts: int
    url: str
    body: str
    secrets: tuple[str, ...]

    def headers(self, timestamp: int) -> dict[str, str]:
        """Return the headers of Standard Webhooks: one signature for each secret that is valid now."""
        text = f"{self.id}.{timestamp}.{self.body}"
        signatures = (keyed_hash(base64.b64decode(secret.removeprefix("whsec_")), text) for secret in self.secrets)
        return {
            "webhook-id": str(self.id),
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(
                f"v1,{base64.b64encode(bytes.fromhex(found)).decode()}" for found in signatures
            ),
        }


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one attempt; without a status nobody answered."""

    status: int | None
    error: str | None
    milliseconds: int
    retry_after: timedelta | None = None


# -- endpoints --------------------------------------------------------------------------------------------------------


def new_secret() -> str:
    """Make an endpoint's secret, which is shown once."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def create_webhook_endpoint(
    tx: Transaction, *, url: str, secret: str, events: Sequence[str] = ("*",), description: str | None = None
) -> UUID:
    """Store an endpoint, which is sent what changes from now on, and return its id; for admins. Raises Invalid."""
    require_role(tx, Role.ADMIN)
    hold(tx, "webhook-endpoints")
    if tx.count(WebhookEndpoint) >= MAX_ENDPOINTS:
        raise Conflict("There may be at most {max} webhook endpoints: delete one first.", max=MAX_ENDPOINTS)
    start_reader(tx, READER)
    values = {"url": checked_url(url), "events": checked_events(tx.context.catalog, events)}
    return tx.insert(WebhookEndpoint, **values, description=description, secret=secret)


def update_webhook_endpoint(
    tx: Transaction, *, id: UUID, changes: Mapping[str, object], version: int | None = None
) -> None:
    """Change an endpoint. Raises Invalid, NotFound, Stale."""
    values: dict[str, Any] = dict(changes)
    if "url" in values:
        values["url"] = checked_url(values["url"])
    if "events" in values:
        values["events"] = checked_events(tx.context.catalog, values["events"])
    tx.update(WebhookEndpoint, id, values, version=version)


def rotate_webhook_secret(tx: Transaction, *, id: UUID) -> dict[str, object]:
    """Replace an endpoint's secret and show the new one this once; for 24 hours the old one signs too."""
    require_role(tx, Role.ADMIN)
    row = tx.get(WebhookEndpoint, id, lock=True)
    secret, until = new_secret(), tx.now + OLD_SECRET
    changes = {"secret": secret, "previous_secret": tx.secret(row, "secret"), "previous_secret_until": until}
    tx.change(row, changes, action="rotate_secret")
    return {"id": str(id), "secret": secret, "previous_secret_until": moment_text(until)}


def enable_webhook_endpoint(tx: Transaction, *, id: UUID) -> UUID:
    """Send to a disabled endpoint again, from now on; what it missed is sent by ``resend`` or read from the feed."""
    tx.transition(WebhookEndpoint, id, EndpointStatus.ACTIVE)
    return id


def guard_endpoint(tx: Transaction, row: WebhookEndpoint, to: EndpointStatus) -> dict[str, object]:
    """Return what changes along with an endpoint's status."""
    del row
    if to is EndpointStatus.DISABLED:
        return {"disabled_at": tx.now, "disabled_reason": "It was switched off by hand."}
    return {"disabled_at": None, "disabled_reason": None, "failing_since": None, "failure_count": 0}


def ping_webhook_endpoint(tx: Transaction, *, id: UUID) -> dict[str, object]:
    """Queue one delivery of the event ``ping``, which is tried once, also at a disabled endpoint."""
    row = tx.get(WebhookEndpoint, id)
    payload = {
        "type": PING,
        "occurred_at": moment_text(tx.now),
        "organization_id": str(row.organization_id),
        "data": {},
    }
    delivery_id = tx.insert(WebhookDelivery, endpoint_id=id, event=PING, payload=payload, next_attempt_at=tx.now)
    enqueue_delivery(tx, delivery_id)
    return {"delivery_id": str(delivery_id)}


def checked_url(url: str) -> str:
    """Return an address that can be sent to. Where it leads is checked at every attempt. Raises Invalid."""
    try:
        parts = urlsplit(url)
        wrong = parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0
    except ValueError:
        wrong, parts = True, urlsplit("")
    if wrong or not url.isprintable() or " " in url:
        raise Invalid.at("url", "url", "must be an http:// or https:// address")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Invalid.at("url", "url", "must have no user name, password or fragment")
    return url


def checked_events(catalog: Catalog, events: Sequence[str]) -> list[str]:
    """Return event patterns with the names of tables, each once. Raises Invalid naming the first that is wrong."""
    found: list[str] = []
    for place, event in enumerate(events):
        match = _EVENT.fullmatch(event)
        table = match["entity"].replace("-", "_") if match else ""
        resource = catalog.by_table.get(table)
        sent = resource is not None and resource.model.__personal__ is None and resource.model.__logged__
        if event != "*" and (not sent or table in _UNSENT):
            message = 'must be "*", a resource such as "campaigns.*" or one of its actions such as "campaigns.update"'
            raise Invalid.at(f"events.{place}", "event", message)
        found.append(event if event == "*" else table + event[len(table) :])
    if not found:
        raise Invalid.at("events", "required", "must name at least one event")
    return list(dict.fromkeys(found))


def wants(events: Collection[str], entity: str, action: str) -> bool:
    """Return whether an endpoint's patterns cover a change."""
    return entity not in _UNSENT and not {"*", f"{entity}.*", f"{entity}.{action}"}.isdisjoint(events)


# -- deliveries -------------------------------------------------------------------------------------------------------


def enqueue_delivery(tx: Transaction, delivery_id: UUID, *, attempts: int = 0, run_at: datetime | None = None) -> None:
    """Ask for the attempt that follows ``attempts`` earlier ones; asked for twice it is made once."""
    payload = {"delivery_id": str(delivery_id), "attempts": attempts}
    key = f"{delivery_id}/{attempts}"
    tx.enqueue("deliver_webhook", payload, queue=WEBHOOKS, dedupe_key=key, run_at=run_at, max_attempts=MAX_ATTEMPTS)


def resend_webhook_delivery(tx: Transaction, *, id: UUID) -> UUID:
    """Send a delivery again under its old id, with all its attempts before it."""
    row = tx.get(WebhookDelivery, id, lock=True)
    tx.change(row, {"status": DeliveryStatus.QUEUED, "attempts": 0, "next_attempt_at": tx.now})
    enqueue_delivery(tx, id)
    return id


def letter_of(reads: Reads, delivery_id: UUID, attempts: int) -> Letter | None:
    """Return what to send; None if this attempt was made, or there is nobody to send to any more."""
    row = reads.find(WebhookDelivery, delivery_id)
    if row is None or row.attempts != attempts or row.status not in {DeliveryStatus.QUEUED, DeliveryStatus.FAILED}:
        return None
    endpoint = reads.find(WebhookEndpoint, row.endpoint_id)
    if endpoint is None or (endpoint.status is EndpointStatus.DISABLED and row.event != PING):
        return None
    keys = [reads.secret(endpoint, "secret")]
    if endpoint.previous_secret_until is not None and endpoint.previous_secret_until > clock.now():
        keys.append(reads.secret(endpoint, "previous_secret"))
    body = compact_json({"id": str(row.id), **row.payload})
    return Letter(row.id, row.attempts, endpoint.url, body, tuple(key for key in keys if key))


def give_up(tx: Transaction, delivery_id: UUID, attempts: int) -> None:
    """Note that a delivery waits for an endpoint that is disabled or deleted."""
    row = tx.find(WebhookDelivery, delivery_id, lock=True)
    waiting = {DeliveryStatus.QUEUED, DeliveryStatus.FAILED}
    if row is not None and row.attempts == attempts and row.status in waiting:
        reason = "The endpoint is disabled or deleted."
        tx.change(row, {"status": DeliveryStatus.DEAD, "next_attempt_at": None, "last_error": reason})


def record_attempt(tx: Transaction, letter: Letter, attempt: Attempt) -> None:
    """Note what came of an attempt, and ask for the next one where it failed.

    An attempt that was made twice, since its worker died before this, counts once.
    """
    row = tx.find(WebhookDelivery, letter.id, lock=True)
    if row is None or row.attempts != letter.attempts or row.status is DeliveryStatus.DELIVERED:
        return
    delivered = attempt.status is not None and 200 <= attempt.status < 300  # noqa: PLR2004 -- HTTP's
    values: dict[str, object] = {
        "attempts": row.attempts + 1,
        "last_attempt_at": tx.now,
        "last_status": attempt.status,
        "last_error": attempt.error,
        "response_ms": attempt.milliseconds,
        "next_attempt_at": None,
    }
    if delivered:
        tx.change(row, {**values, "status": DeliveryStatus.DELIVERED, "delivered_at": tx.now})
    elif row.attempts + 1 >= MAX_ATTEMPTS or row.event == PING:
        tx.change(row, {**values, "status": DeliveryStatus.DEAD})
    else:
        pause = timedelta(seconds=BACKOFF_SECONDS[row.attempts] * uniform(0.9, 1.1))  # noqa: S311 -- jitter
        pause = max(pause, min(attempt.retry_after or timedelta(), LONGEST_PAUSE))
        tx.change(row, {**values, "status": DeliveryStatus.FAILED, "next_attempt_at": tx.now + pause})
        enqueue_delivery(tx, row.id, attempts=row.attempts + 1, run_at=tx.now + pause)
    if row.event != PING:
        _note_health(tx, row.endpoint_id, attempt, delivered=delivered)


def _note_health(tx: Transaction, endpoint_id: UUID, attempt: Attempt, *, delivered: bool) -> None:
    """Count the failures of an endpoint in a row, and disable one that only fails."""
    found = tx.find(WebhookEndpoint, endpoint_id)
    if found is None or (delivered and found.failure_count == 0):
        return
    row = tx.find(WebhookEndpoint, endpoint_id, lock=True)
    if row is None:
        return
    if delivered:
        tx.change(row, {"failure_count": 0, "failing_since": None}, action="recover")
        return
    if row.failing_since is None:
        tx.change(row, {"failure_count": 1, "failing_since": tx.now}, action="fail")
    else:
        tx.increment(WebhookEndpoint, endpoint_id, "failure_count")
    reason = _reason_to_disable(row, attempt, tx)
    if reason is not None and row.status is EndpointStatus.ACTIVE:
        tx.transition(WebhookEndpoint, endpoint_id, EndpointStatus.DISABLED, disabled_reason=reason)
        notify_admins(
            tx,
            kind="webhook_disabled",
            title="A webhook endpoint was disabled",
            body=f"{row.url}: {reason}",
            link=f"/api/webhook-endpoints/{endpoint_id}",
            dedupe_key=f"webhook_disabled/{endpoint_id}/{moment_text(tx.now)}",
        )


def _reason_to_disable(row: WebhookEndpoint, attempt: Attempt, tx: Transaction) -> str | None:
    if attempt.status == 410:  # noqa: PLR2004 -- HTTP's
        return "It answered 410 Gone."
    if row.failure_count + 1 >= FAILURES:
        return f"It failed {FAILURES} times in a row."
    if row.failing_since is not None and row.failing_since <= tx.now - FAILING:
        return f"It failed for {FAILING.days} days."
    return None
