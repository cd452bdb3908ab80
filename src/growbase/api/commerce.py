"""Stores beside their rows: key figures, tests of connections, and the webhooks that reach them."""

import asyncio
import hmac
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from growbase.api.call import Answer, Api, Call, endpoint, identity, json_answer
from growbase.api.parameters import Params, parameters
from growbase.api.writing import row_answer, write
from growbase.core import clock
from growbase.core.actor import Actor, Role, system
from growbase.core.errors import Invalid, NotFound, NotUnique, Unauthenticated
from growbase.core.gate import ReadOnly
from growbase.core.model import Rule
from growbase.core.query import bad, literal
from growbase.core.strict_json import read_json, require_no_nul
from growbase.core.transaction import Transaction
from growbase.domains.commerce.actions_connections import record_connection
from growbase.domains.commerce.actions_kpis import KpiKey, KpiReading, find_kpi, kpi_key, read_kpi, write_kpi
from growbase.domains.commerce.actions_stores import WEBHOOK_SECRET, store_secret, verify_store
from growbase.domains.commerce.actions_webhooks import (
    SHOPIFY,
    TOLD_TO_ALL,
    hex_signature,
    record_webhook,
    shopify_signature,
)
from growbase.domains.commerce.connections import Target, target_of, test_connection
from growbase.domains.commerce.metrics import METRICS
from growbase.domains.commerce.models import Integration, Store, StorePlatform
from growbase.domains.commerce.models_events import ConnectionStatus
from growbase.domains.commerce.models_facts import Granularity, KpiCache
from growbase.domains.commerce.schemas import KpiValue

# -- key figures ------------------------------------------------------------------------------------------------------


@endpoint("/api/stores/{id:str}/kpis", "GET", "POST", body=KpiValue)
async def kpis(call: Call) -> Answer:
    """Read a key figure of a store over days of its time zone, or keep one that another program has computed.

    ``metric``, ``from``, ``to`` (the last day) and ``granularity`` (total, day, week, month). The answer says whether
    it is ``fresh``, or ``stale`` or ``pending`` while it is computed anew in the background.
    """
    return await (keep_kpi if call.method == "POST" else show_kpi)(call)


async def show_kpi(call: Call) -> Answer:
    """Return a figure as the cache has it, and have it computed once if that is not fresh."""
    actor = await call.require(Role.VIEWER)
    id, database = _store_id(call), call.api.database

    def read() -> tuple[KpiKey, bool]:
        with database.read(actor) as reads:
            store = reads.get(Store, id)
            key = _key(store, parameters(call, {"metric", "from", "to", "granularity"}))
            is_known = key.metric in METRICS or reads.find(KpiCache, store_id=id, metric_key=key.metric) is not None
            return key, is_known

    key, is_known = await database.aread(read)
    if not is_known:
        raise bad("metric", "is not known here; use {choices}", choices=", ".join(METRICS))
    [found] = await read_kpis(call.api, actor, [key])
    return json_answer(found.document())


async def read_kpis(api: Api, actor: Actor, keys: Sequence[KpiKey]) -> list[KpiReading]:
    """Return figures as the cache has them, and have those computed once that are not fresh."""
    database = api.database

    def read() -> list[KpiReading]:
        with database.read(actor, snapshot=True) as reads:
            return [find_kpi(reads, key) for key in keys]

    found = await database.aread(read)
    if any(not one.is_settled() for one in found):
        # Behind a closed gate an old figure, which says that it is one, is better than none.
        with suppress(ReadOnly):
            return await database.awrite(
                actor, lambda tx: [read_kpi(tx, key, computable=key.metric in METRICS) for key in keys]
            )
    return found


async def keep_kpi(call: Call) -> Answer:
    """Keep a figure from elsewhere; one whose source is older than that of the one there is changes nothing."""
    actor = await call.require(Role.MEMBER)
    id = _store_id(call)
    body = await call.body()

    def unit(tx: Transaction) -> Answer:
        store = tx.get(Store, id)
        key = kpi_key(store, given["metric"], given["start"], given["end"], Granularity(given["granularity"]))
        moments = {name: given[name] for name in ("source_watermark", "expires_at")}
        kept = write_kpi(tx, key, given["payload"], **moments)
        return json_answer({"kept": kept, **find_kpi(tx, key).document()})

    def exists() -> None:
        with call.api.database.read(actor) as reads:
            reads.get(Store, id)

    await call.api.database.aread(exists)
    given = await call.parse(KpiValue)
    return await write(call, actor, unit, body)


def _key(store: Store, params: Params) -> KpiKey:
    if "metric" not in params:
        raise bad("metric", "is required")
    if params.get("granularity", "total") not in set(Granularity):
        raise bad("granularity", "must be one of {expected}", expected=", ".join(Granularity))
    end = _day("to", params["to"]) if "to" in params else clock.now()
    start = _day("from", params["from"]) if "from" in params else end - timedelta(days=30)
    return kpi_key(store, params["metric"][:80], start, end, Granularity(params.get("granularity", "total")))


def _day(name: str, text: str) -> date | datetime:
    try:
        return date.fromisoformat(text)
    except ValueError:
        found = literal(name, Rule("moment"), text)
        assert isinstance(found, datetime)
        return found


# -- connections ------------------------------------------------------------------------------------------------------


@endpoint("/api/stores/{id:str}/connections/{name:str}/test", "POST")
async def connection_test(call: Call) -> Answer:
    """Ask a service one thing with the store's key and return the connection event that says how it went.

    ``name`` is shopify, ga4, gsc, bing, mcp, klaviyo or custom.
    """
    actor = await call.require(Role.MEMBER)
    id, name = _store_id(call), str(call.scope["path_params"]["name"])
    if name not in set(Integration):
        raise NotFound(what="integration")
    api, integration = call.api, Integration(name)

    def read() -> Target:
        with api.database.read(actor) as reads:
            return target_of(reads, id, integration)

    target = await api.database.aread(read)
    private = api.settings.allow_private_addresses
    finding = await asyncio.to_thread(test_connection, target, allow_private=private)
    resource = api.catalog.by_name["connection-events"]

    def unit(tx: Transaction) -> Answer:
        event_id = record_connection(
            tx,
            store_id=id,
            integration=integration,
            status=finding.status,
            message=finding.message,
            latency_ms=finding.latency_ms,
            metadata=finding.metadata,
            correlation_id=call.request_id,
        )
        if finding.status is ConnectionStatus.SUCCESS and target.proves_shop:
            verify_store(tx, id=id)
        return row_answer(tx, resource, event_id, 201)

    return await write(call, actor, unit, await call.body())


# -- webhooks ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recipient:
    """A store that a webhook may be for, with the secret its sender should have signed it with."""

    organization_id: UUID
    store_id: UUID
    is_live: bool
    is_verified: bool
    secret: str | None


@endpoint("/api/webhooks/shopify", "POST")
async def shopify_webhook(call: Call) -> Answer:
    """Take in a webhook of Shopify: its signature is its login; it is written down first and worked on later.

    X-Shopify-Hmac-Sha256 is checked against the app's client secret, or a store's own secret ``webhook_secret``.
    """
    body = await call.body()
    shop = call.headers.get("x-shopify-shop-domain", "").strip().lower()[:253]
    known = await call.api.database.aread(lambda: _shops(call, shop))
    app = call.api.settings.shopify_api_secret
    given = call.headers.get("x-shopify-hmac-sha256", "")
    is_from_app = app is not None and _fits(shopify_signature(app.get_secret_value(), body), given)
    own = [found for found in known if found.secret and _fits(shopify_signature(found.secret, body), given)]
    if not is_from_app and not own:
        raise Unauthenticated("The signature of the webhook is missing or wrong.")
    topic = _required(call.headers.get("x-shopify-topic"), "X-Shopify-Topic")
    meant = _claimants(known, topic) if is_from_app else own
    triggered = call.headers.get("x-shopify-triggered-at")
    webhook = {
        "provider": SHOPIFY,
        "webhook_id": (call.headers.get("x-shopify-webhook-id") or _digest(body))[:200],
        "topic": topic,
        "shop_domain": shop,
        "body": body,
        "payload": _payload(body),
        "triggered_at": _moment(triggered) if triggered else None,
    }
    return await _record(call, meant, webhook)


@endpoint("/api/webhooks/{provider:str}", "POST")
async def webhook(call: Call) -> Answer:
    """Take in a webhook of any other service for the store in ``store_id``, written down first and worked on later.

    X-Growbase-Signature is the HMAC-SHA256 of the body in hex, by the store secret ``webhook_secret`` of the provider.
    X-Growbase-Topic (or ``topic`` in the body) says what it is about: message.received, order_flag.detected.
    """
    provider = str(call.scope["path_params"]["provider"])[:40]
    body = await call.body()
    given = call.headers.get("x-growbase-signature", "")
    found = await call.api.database.aread(lambda: _store(call, provider))
    if found is None or not found.secret or not _fits(hex_signature(found.secret, body), given):
        raise Unauthenticated("The signature of the webhook is missing or wrong.")
    payload = _payload(body)
    id = call.headers.get("x-growbase-webhook-id") or payload.get("id") or _digest(body)
    topic = call.headers.get("x-growbase-topic") or payload.get("topic")
    webhook = {
        "provider": provider,
        "webhook_id": f"{found.store_id}/{id}"[:200],
        "topic": _required(topic, "X-Growbase-Topic"),
        "shop_domain": "",
        "body": body,
        "payload": payload,
    }
    return await _record(call, [found], webhook)


async def _record(call: Call, recipients: Iterable[Recipient], webhook: dict[str, Any]) -> Answer:
    """Write a webhook down for each organization it is for; delivered again it changes nothing."""
    count = {"accepted": 0, "duplicates": 0}
    # The live store of an organization before one in its trash.
    meant = {found.organization_id: found for found in sorted(recipients, key=lambda found: found.is_live)}
    for organization_id, found in meant.items():
        store_id = found.store_id if found.is_live else None
        try:
            is_new = await call.api.database.awrite(
                system("webhook", organization_id),
                lambda tx, store_id=store_id: record_webhook(tx, store_id=store_id, **webhook),  # type: ignore[misc]
            )
        except NotUnique:
            is_new = False
        count["accepted" if is_new else "duplicates"] += 1
    return json_answer(count)


def _claimants(known: list[Recipient], topic: str) -> list[Recipient]:
    """Return which of the stores that name a shop hear what the app's signature covers.

    Anybody can name a shop. Where several organizations do, only those whose token the shop has accepted are told of
    its orders and customers.
    """
    is_contested = len({found.organization_id for found in known if found.is_live}) > 1
    if not is_contested or topic in TOLD_TO_ALL:
        return known
    return [found for found in known if found.is_verified]


def _shops(call: Call, shop_domain: str) -> list[Recipient]:
    """Return the stores of a shop in every organization, those in the trash too."""
    database = call.api.database
    with database.read(system("webhook")) as reads:
        platform = StorePlatform.SHOPIFY
        stores = reads.rows(
            Store, platform=platform, shop_domain=shop_domain, purged_at=None, trash=True, anywhere=True
        )
    return [_recipient(call, store, SHOPIFY) for store in stores]


def _store(call: Call, provider: str) -> Recipient | None:
    """Return the store that the query string names."""
    text = dict(parse_qsl(call.query)).get("store_id", "")
    try:
        id = identity(text)
    except NotFound:
        return None
    with call.api.database.read(system("webhook")) as reads:
        store = reads.find(Store, id, anywhere=True)
    return _recipient(call, store, provider) if store is not None else None


def _recipient(call: Call, store: Store, provider: str) -> Recipient:
    with call.api.database.read(system("webhook", store.organization_id)) as reads:
        secret = store_secret(reads, store.id, provider, WEBHOOK_SECRET)
    return Recipient(store.organization_id, store.id, store.deleted_at is None, store.verified_at is not None, secret)


def _fits(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.strip().encode())


def _digest(body: bytes) -> str:
    return f"sha256:{sha256(body).hexdigest()}"


def _payload(body: bytes) -> dict[str, Any]:
    payload = read_json(body, unique=False)
    if not isinstance(payload, dict):
        raise Invalid.at("", "type", "must be an object")
    require_no_nul(body, payload)
    return payload


def _required(text: object, name: str) -> str:
    if not isinstance(text, str) or not text.strip():
        raise Invalid.at(name, "required", "is required")
    return text.strip()[:100]


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _store_id(call: Call) -> UUID:
    return identity(str(call.scope["path_params"]["id"]))


ROUTES = [kpis, connection_test, shopify_webhook, webhook]
