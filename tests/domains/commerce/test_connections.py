import json
from collections.abc import Iterator
from typing import Any

import pytest

from growbase.core import clock
from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import NotFound
from growbase.domains.commerce.actions_stores import create_secret
from growbase.domains.commerce.connections import TESTERS, Finding, Target, target_of, test_connection
from growbase.domains.commerce.documents import ConnectionSettings
from growbase.domains.commerce.models import Integration
from tests.domains.commerce.factories import make_store, set_settings
from tests.domains.commerce.servers import Service, serve

SECRET = "top-secret-key"
I = Integration  # noqa: E741 -- a table of many

GOOD: dict[Integration, Any] = {
    I.SHOPIFY: {"data": {"shop": {"name": "Blue"}}},
    I.GA4: {"metrics": [{}, {}]},
    I.GSC: {"siteEntry": [{"siteUrl": "https://blue.example/"}]},
    I.BING: {"d": [{"Url": "https://blue.example/"}]},
    I.KLAVIYO: {"data": [{}]},
    I.MCP: {"jsonrpc": "2.0", "id": 1, "result": {"protocolVersion": "2025-06-18", "serverInfo": {"name": "Tools"}}},
    I.CUSTOM: {"anything": 1},
}
ASKED: dict[Integration, tuple[str, str]] = {
    I.SHOPIFY: ("POST", "/admin/api/2026-01/graphql.json"),
    I.GA4: ("GET", "/v1beta/properties/42/metadata"),
    I.GSC: ("GET", "/webmasters/v3/sites"),
    I.BING: ("GET", f"/webmaster/api.svc/json/GetUserSites?apikey={SECRET}"),
    I.KLAVIYO: ("GET", "/api/accounts/"),
    I.MCP: ("POST", "/"),
    I.CUSTOM: ("GET", "/"),
}


@pytest.fixture
def service() -> Iterator[Service]:
    with serve(Service()) as found:
        yield found


def ask(service: Service, integration: Integration, **over: Any) -> Finding:  # noqa: ANN401
    settings = ConnectionSettings(base_url=service.url, property_id="42", site_url=over.pop("site_url", None))
    target = Target(clock.new_id(), integration, "blue.myshopify.com", settings, over.pop("secret", SECRET))
    return test_connection(target, allow_private=over.pop("allow_private", True))


@pytest.mark.parametrize("integration", list(I))
def test_each_service_is_asked_one_thing_in_its_own_way(service: Service, integration: Integration) -> None:
    service.document = GOOD[integration]
    found = ask(service, integration)
    assert (found.status, found.latency_ms >= 0) == ("success", True), found.message
    [asked] = service.asked
    assert (asked.method, asked.path) == ASKED[integration]
    shown = {"x-shopify-access-token": SECRET} if integration is I.SHOPIFY else {"authorization": f"Bearer {SECRET}"}
    if integration is I.KLAVIYO:
        shown = {"authorization": f"Klaviyo-API-Key {SECRET}"}
    if integration is not I.BING:
        assert shown.items() <= asked.headers.items()
    if integration is I.MCP:
        sent = json.loads(asked.body)
        assert (sent["jsonrpc"], sent["method"]) == ("2.0", "initialize")


@pytest.mark.parametrize("integration", list(I))
@pytest.mark.parametrize(
    ("status", "cause", "went"),
    [
        (401, "auth", "failure"),
        (403, "auth", "failure"),
        (404, "not_found", "failure"),
        (429, "rate_limited", "warning"),
        (418, "http_status", "failure"),
        (500, "http_status", "failure"),
    ],
)
def test_each_refusal_says_what_to_do_and_no_secret(
    service: Service, integration: Integration, status: int, cause: str, went: str
) -> None:
    service.status, service.document = status, {"error": SECRET}
    found = ask(service, integration)
    assert (found.status, found.metadata["cause"], found.metadata["http_status"]) == (went, cause, status)
    assert ":" in found.message
    assert SECRET not in repr(found)


@pytest.mark.parametrize("integration", [found for found in I if found is not I.CUSTOM])
@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b"null"])
def test_an_answer_of_something_else_is_no_success(service: Service, integration: Integration, body: bytes) -> None:
    service.body = body
    found = ask(service, integration)
    empty_list = integration in {I.GSC, I.BING} and body == b"{}"
    assert found.status == ("success" if empty_list else "failure")


def test_an_mcp_server_may_answer_by_events(service: Service) -> None:
    service.content_type = "text/event-stream; charset=utf-8"
    service.body = b"event: message\ndata: " + json.dumps(GOOD[I.MCP]).encode() + b"\n\n"
    found = ask(service, I.MCP, secret=None)
    assert (found.status, found.metadata["server"]) == ("success", "Tools")
    assert "authorization" not in service.asked[0].headers
    for body in (b"data: x\n\n", b"event: ping\n\n"):
        service.body = body
        assert ask(service, I.MCP).metadata["cause"] == "protocol"
    service.body = b'data: {"jsonrpc":"2.0","id":1,"error":{"code":1}}\n\n'
    assert ask(service, I.MCP).metadata["cause"] == "rpc"


def test_a_site_the_account_does_not_have_is_a_warning(service: Service) -> None:
    for integration in (I.GSC, I.BING):
        service.document = GOOD[integration]
        assert ask(service, integration, site_url="https://blue.example").status == "success"
        found = ask(service, integration, site_url="https://red.example")
        assert (found.status, found.metadata["cause"]) == ("warning", "not_found")


def test_what_is_not_set_up_is_said_before_anything_is_asked(service: Service) -> None:
    for integration in (I.SHOPIFY, I.GA4, I.GSC, I.BING, I.KLAVIYO):
        found = ask(service, integration, secret=None)
        assert (found.status, found.metadata["cause"]) == ("failure", "not_configured")
    bare = Target(clock.new_id(), I.GA4, "", ConnectionSettings(base_url=service.url), SECRET)
    assert test_connection(bare, allow_private=True).metadata["cause"] == "not_configured"
    for integration in (I.MCP, I.CUSTOM):
        bare = Target(clock.new_id(), integration, "", ConnectionSettings(), None)
        assert test_connection(bare, allow_private=True).metadata["cause"] == "not_configured"
    assert service.asked == []


def test_a_private_address_is_refused_unless_it_is_allowed(service: Service) -> None:
    found = ask(service, I.CUSTOM, allow_private=False)
    assert (found.status, found.metadata) == ("failure", {"cause": "private"})
    assert service.asked == []


def test_a_target_is_read_from_settings_and_secrets_and_shows_none(db: Database, actor: Actor) -> None:
    store_id = db.write(actor, lambda tx: make_store(tx, access_token="shop-token"))
    db.write(actor, lambda tx: set_settings(tx, store_id, connection_metadata={"ga4": {"property_id": "7"}}))
    secret = {"store_id": store_id, "provider": "ga4", "label": "token", "secret": SECRET}
    db.write(actor, lambda tx: create_secret(tx, **secret))
    with db.read(actor) as reads:
        found = {integration: target_of(reads, store_id, integration) for integration in TESTERS}
        with pytest.raises(NotFound):
            target_of(reads, clock.new_id(), I.GA4)
    assert (found[I.GA4].secret, found[I.GA4].settings.property_id) == (SECRET, "7")
    assert (found[I.SHOPIFY].secret, found[I.MCP].secret, found[I.MCP].base) == ("shop-token", None, None)
    assert SECRET not in repr(found)
