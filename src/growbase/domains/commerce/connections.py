"""Tests of a store's connections: one small real request to each service, and what its answer means."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote
from uuid import UUID

from growbase.core.reads import Reads
from growbase.domains.commerce.actions_stores import store_secret
from growbase.domains.commerce.documents import ConnectionSettings
from growbase.domains.commerce.models import Integration, Store, StoreSettings
from growbase.domains.commerce.models_events import ConnectionStatus
from growbase.domains.commerce.outgoing import Failed, Http, Reply

SHOPIFY_VERSION = "2026-01"
KLAVIYO_REVISION = "2025-10-15"
MCP_VERSION = "2025-06-18"
REDACTED = "[secret]"

BASES: Mapping[Integration, str] = {
    Integration.GA4: "https://analyticsdata.googleapis.com",
    Integration.GSC: "https://www.googleapis.com",
    Integration.BING: "https://ssl.bing.com",
    Integration.KLAVIYO: "https://a.klaviyo.com",
}
"""Where a service is, unless the store's settings say otherwise."""

ADVICE: Mapping[str, str] = {
    "url": "The address is not a usable http or https URL: correct base_url in the store's connection settings.",
    "dns": "The host {detail} has no address: correct base_url in the store's connection settings.",
    "private": "The host {detail} is in a private network, which is not allowed: use a public address.",
    "timeout": "No answer within 10 seconds: check that the service is up and reachable from this server.",
    "tls": "No secure connection: the certificate of the server is not valid for its name.",
    "unreachable": "The server refused the connection: check base_url and that the service is up.",
    "redirect": "The server sends us on to {detail}, which is not followed: set base_url to the final address.",
    "too_large": "The answer is larger than a test reads: check base_url.",
    "protocol": "The answer is not what this service gives: check base_url.",
}
"""What to do about a request without usable answer."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a test needs to know of a store: everything but the way to the database."""

    store_id: UUID
    integration: Integration
    shop_domain: str
    settings: ConnectionSettings = field(default_factory=ConnectionSettings)
    secret: str | None = field(default=None, repr=False)

    @property
    def base(self) -> str | None:
        """Where the service is, without a slash at its end."""
        default = BASES.get(self.integration)
        if self.integration is Integration.SHOPIFY:
            default = f"https://{self.shop_domain}"
        found = self.settings.base_url or default
        return found.rstrip("/") if found else None

    @property
    def proves_shop(self) -> bool:
        """Whether a success shows that the store's token is one of the shop's own."""
        return self.integration is Integration.SHOPIFY and self.settings.base_url is None


@dataclass(frozen=True, slots=True)
class Finding:
    """How a test went and what to do; the metadata holds what a program may want to know."""

    status: ConnectionStatus
    message: str
    metadata: dict[str, Any] = field(default_factory=dict)
    latency_ms: int = 0


class Tester(Protocol):
    """Asks a service one thing. Raises Failed where there is no usable answer."""

    def __call__(self, target: Target, http: Http) -> Finding:
        """Return how it went."""


def target_of(reads: Reads, store_id: UUID, integration: Integration) -> Target:
    """Return what a test of a store's connection needs. Raises NotFound."""
    store = reads.get(Store, store_id)
    settings = reads.find(StoreSettings, store_id=store_id)
    stored = (settings.__dict__["connection_metadata"] if settings else {}).get(integration.value, {})
    secret = store_secret(reads, store_id, integration.value)
    if secret is None and integration is Integration.SHOPIFY:
        secret = reads.secret(store, "access_token")
    return Target(store_id, integration, store.shop_domain, ConnectionSettings.model_validate(stored), secret)


def test_connection(target: Target, *, allow_private: bool) -> Finding:
    """Test a connection and return how it went, within 10 s; never raises for what the other side does."""
    started = time.perf_counter()
    try:
        found = _asked(target, Http(allow_private=allow_private))
    except Failed as failed:
        message = ADVICE[failed.kind].format(detail=failed.detail)
        found = Finding(ConnectionStatus.FAILURE, message, {"cause": failed.kind})
    spent = round((time.perf_counter() - started) * 1_000)
    return Finding(found.status, _redacted(found.message, target)[:1_000], found.metadata, spent)


test_connection.__test__ = False  # type: ignore[attr-defined]


def _asked(target: Target, http: Http) -> Finding:
    if target.base is None:
        return _unset(f"Set base_url for {target.integration.value} in the store's connection settings.")
    if target.secret is None and target.integration in NEEDS_SECRET:
        return _unset(f"There is no key: create a store secret of the provider {target.integration.value}.")
    return TESTERS[target.integration](target, http)


def _ga4(target: Target, http: Http) -> Finding:
    """Read the metadata of the property."""
    if target.settings.property_id is None:
        return _unset("Set property_id for ga4 in the store's connection settings.")
    path = f"/v1beta/properties/{quote(target.settings.property_id, safe='')}/metadata"
    reply = http.request("GET", f"{target.base}{path}", headers=_bearer(target))
    return _judged(reply) or _success("Google Analytics knows the property.", metrics=_length(reply, "metrics"))


def _gsc(target: Target, http: Http) -> Finding:
    """List the sites of the account; the store's own must be among them if it is set."""
    reply = http.request("GET", f"{target.base}/webmasters/v3/sites", headers=_bearer(target))
    sites = [] if reply.status >= 300 else [entry.get("siteUrl") for entry in _dict(reply).get("siteEntry", [])]  # noqa: PLR2004
    return _judged(reply) or _with_site(target, sites, "Search Console")


def _bing(target: Target, http: Http) -> Finding:
    """List the sites of the account."""
    url = f"{target.base}/webmaster/api.svc/json/GetUserSites"
    reply = http.request("GET", url, params={"apikey": target.secret or ""})
    sites = [] if reply.status >= 300 else [entry.get("Url") for entry in _dict(reply).get("d", [])]  # noqa: PLR2004
    return _judged(reply) or _with_site(target, sites, "Bing Webmaster Tools")


def _shopify(target: Target, http: Http) -> Finding:
    """Ask for the shop's name."""
    url = f"{target.base}/admin/api/{SHOPIFY_VERSION}/graphql.json"
    headers = {"X-Shopify-Access-Token": target.secret or ""}
    reply = http.request("POST", url, headers=headers, document={"query": "{ shop { name } }"})
    refused = _judged(reply)
    if refused:
        return refused
    name = ((_dict(reply).get("data") or {}).get("shop") or {}).get("name")
    if not isinstance(name, str):
        return _failure("graphql", "Shopify answered without the shop: check the scopes of the access token.")
    return _success("Shopify knows the shop.", shop_name=name[:200])


def _klaviyo(target: Target, http: Http) -> Finding:
    """Ask for the account."""
    headers = {"Authorization": f"Klaviyo-API-Key {target.secret}", "revision": KLAVIYO_REVISION}
    reply = http.request("GET", f"{target.base}/api/accounts/", headers=headers)
    return _judged(reply) or _success("Klaviyo knows the account.", accounts=_length(reply, "data"))


def _mcp(target: Target, http: Http) -> Finding:
    """Begin a session of the Model Context Protocol."""
    about = {"name": "growbase", "version": "1"}
    params = {"protocolVersion": MCP_VERSION, "capabilities": {}, "clientInfo": about}
    document = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    headers = {"Accept": "application/json, text/event-stream", **(_bearer(target) if target.secret else {})}
    reply = http.request("POST", str(target.base), headers=headers, document=document)
    refused = _judged(reply)
    if refused:
        return refused
    answer = _rpc(reply)
    if "error" in answer:
        return _failure("rpc", "The MCP server refused to begin a session: check the version it speaks.")
    result = answer.get("result")
    if not isinstance(result, dict) or "protocolVersion" not in result:
        raise Failed("protocol")
    server = (result.get("serverInfo") or {}).get("name", "")
    version = str(result["protocolVersion"])[:40]
    return _success("The MCP server begins sessions.", server=str(server)[:200], protocol_version=version)


def _custom(target: Target, http: Http) -> Finding:
    """Read the address."""
    reply = http.request("GET", str(target.base), headers=_bearer(target) if target.secret else {})
    return _judged(reply) or _success("The address answers.")


TESTERS: Mapping[Integration, Tester] = {
    Integration.SHOPIFY: _shopify,
    Integration.GA4: _ga4,
    Integration.GSC: _gsc,
    Integration.BING: _bing,
    Integration.KLAVIYO: _klaviyo,
    Integration.MCP: _mcp,
    Integration.CUSTOM: _custom,
}
NEEDS_SECRET = frozenset(TESTERS) - {Integration.MCP, Integration.CUSTOM}


# -- what answers mean ------------------------------------------------------------------------------------------------


def _judged(reply: Reply) -> Finding | None:
    """Return what an answer other than 2xx means, None for one that is."""
    status = reply.status
    if 200 <= status < 300:  # noqa: PLR2004 -- HTTP
        return None
    known = {
        401: ("auth", "The service refused the key (HTTP {status}): replace the store secret."),
        403: ("auth", "The key may not do this (HTTP {status}): give it the permission, or replace it."),
        404: ("not_found", "There is nothing at this address (HTTP {status}): check base_url and ids."),
        429: ("rate_limited", "The service asks for fewer requests (HTTP {status}): test again later."),
    }
    later = "The service has a problem of its own (HTTP {status}): test again later."
    other = "The service answered HTTP {status}: check base_url and the connection's settings."
    cause, advice = known.get(status, ("http_status", later if status >= 500 else other))  # noqa: PLR2004
    worth = ConnectionStatus.WARNING if cause == "rate_limited" else ConnectionStatus.FAILURE
    return Finding(worth, advice.format(status=status), {"cause": cause, "http_status": status})


def _success(message: str, **metadata: object) -> Finding:
    return Finding(ConnectionStatus.SUCCESS, message, {name: value for name, value in metadata.items() if value != ""})


def _failure(cause: str, message: str) -> Finding:
    return Finding(ConnectionStatus.FAILURE, message, {"cause": cause})


def _unset(message: str) -> Finding:
    return _failure("not_configured", message)


def _with_site(target: Target, sites: list[Any], service: str) -> Finding:
    """Return a success, or a warning if the account does not have the store's own site."""
    wanted = target.settings.site_url
    if wanted is not None and wanted.rstrip("/") not in {str(site).rstrip("/") for site in sites}:
        message = f"{service} lets us in but does not know the site in site_url: add it there, or correct it here."
        return Finding(ConnectionStatus.WARNING, message, {"cause": "not_found", "sites": len(sites)})
    return _success(f"{service} lists the account's sites.", sites=len(sites))


def _bearer(target: Target) -> dict[str, str]:
    return {"Authorization": f"Bearer {target.secret}"}


def _dict(reply: Reply) -> dict[str, Any]:
    found = reply.json()
    if not isinstance(found, dict):
        raise Failed("protocol")
    return found


def _length(reply: Reply, name: str) -> int:
    found = _dict(reply).get(name)
    if not isinstance(found, list):
        raise Failed("protocol")
    return len(found)


def _rpc(reply: Reply) -> dict[str, Any]:
    """Return a JSON-RPC answer, sent as JSON or as the first server-sent event."""
    if not reply.content_type.startswith("text/event-stream"):
        return _dict(reply)
    for line in reply.body.decode(errors="replace").splitlines():
        if line.startswith("data:"):
            try:
                found = json.loads(line.removeprefix("data:"))
            except ValueError as error:
                raise Failed("protocol") from error
            if isinstance(found, dict):
                return found
    raise Failed("protocol")


def _redacted(message: str, target: Target) -> str:
    """Return a message without the secret, should it ever get there."""
    return message.replace(target.secret, REDACTED) if target.secret else message
