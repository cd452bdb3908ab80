"""A platform that a package brings, with a way to connect of its own; and how servers are found."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

import httpx
import pytest

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import Forbidden, GrowbaseError, Invalid
from growbase.domains.social import publisher
from growbase.domains.social.atproto import document_url, expiry, server_of
from growbase.domains.social.connect import Way, finish, start
from growbase.domains.social.connecting import (
    App,
    Connected,
    ConnectionRefused,
    PlatformUnavailable,
    Tokens,
    server_url,
)
from growbase.domains.social.models_publishing import AccountStatus, SocialAccount
from growbase.domains.social.publisher import AccountRefused, Profile, PublishDeferred, PublishRejected
from tests.fixtures import SECRET, Tenant


class Own:
    """A platform of one server, whose owner is asked for consent."""

    has_servers = False
    challenge = ""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def register(self, instance_url: str, redirect_uri: str) -> App:
        assert instance_url == ""
        return App("id", redirect_uri)

    def consent_url(self, _: str, app: App, **asked: str) -> str:
        Own.challenge = asked.pop("challenge")
        return f"https://own.example/allow?{urlencode({'client': app.client_id, **asked})}"

    def redeem(self, _: str, app: App, *, redirect_uri: str, code: str, verifier: str) -> Connected:
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        assert (app.client_secret, digest) == (redirect_uri, Own.challenge)
        answers: Mapping[str, Exception] = {
            "busy": PublishDeferred(reason="busy"),
            "no": AccountRefused(reason="no"),
            "garbage": KeyError("access_token"),
        }
        if code in answers:
            raise answers[code]
        return Connected("u1", Profile("u1", "ann"), Tokens("access"))


@pytest.fixture
def way(db: Database, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> Way:
    monkeypatch.setattr(publisher, "_classes", lambda: {"linkedin": Own})
    return Way(db, actor, "linkedin", SECRET)


def state_of(way: Way, **over: Any) -> str:  # noqa: ANN401 -- arguments of start
    url = start(way, **{"instance_url": "", "redirect_uri": "https://a.example/back", **over})
    return dict(parse_qsl(urlsplit(url).query))["state"]


def test_a_platform_of_a_package_is_connected_by_its_own_way(way: Way, db: Database, actor: Actor) -> None:
    account_id = finish(way, state=state_of(way), code="yes")
    with db.read(actor) as reads:
        found = reads.get(SocialAccount, account_id)
        assert reads.secret(found, "access_token") == "access"
    assert (found.platform, found.provider_account_id, found.status) == ("linkedin", "u1", AccountStatus.ACTIVE)
    assert finish(way, state=state_of(way), code="yes") == account_id


@pytest.mark.parametrize(
    ("code", "kind"), [("busy", PlatformUnavailable), ("no", ConnectionRefused), ("garbage", ConnectionRefused)]
)
def test_what_a_platform_answers_is_told_as_an_error_of_the_request(
    way: Way, code: str, kind: type[GrowbaseError]
) -> None:
    with pytest.raises(kind):
        finish(way, state=state_of(way), code=code)


def test_the_user_who_began_is_the_one_who_ends(way: Way, db: Database, tenant: Tenant) -> None:
    state = state_of(way)
    with pytest.raises(Forbidden):
        finish(Way(db, tenant.member, "linkedin", SECRET), state=state, code="yes")
    assert isinstance(finish(way, state=state, code="yes"), UUID)


def test_a_founder_must_be_there(way: Way) -> None:
    with pytest.raises(GrowbaseError) as caught:
        state_of(way, founder_id=UUID(int=7))
    assert caught.value.fields[0].field == "founder_id"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Mastodon.Social", "https://mastodon.social"),
        ("https://a.example:8443/", "https://a.example:8443"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("https://[::1]:3000", "https://[::1]:3000"),
    ],
)
def test_a_server_is_compared_by_one_form_of_its_address(given: str, expected: str) -> None:
    assert server_url(given, "instance") == expected


@pytest.mark.parametrize("given", ["http://a.example", "https://a.example:x", "https://", "https://a.example?x=1"])
def test_an_address_that_is_no_server_is_refused(given: str) -> None:
    with pytest.raises(Invalid):
        server_url(given, "instance")


def test_the_document_of_a_did_is_where_its_method_says() -> None:
    assert document_url("did:plc:abc").endswith("/did:plc:abc")
    assert document_url("did:web:a.example") == "https://a.example/.well-known/did.json"
    for wrong in ("did:key:z6", "did:plc:../x", "did:web:a.example%2Fx", "", "nothing"):
        with pytest.raises(PublishRejected):
            document_url(wrong)


def test_a_document_without_server_is_refused() -> None:
    answer = httpx.MockTransport(lambda _: httpx.Response(200, json={"service": []}))
    with httpx.Client(transport=answer) as client, pytest.raises(PublishRejected):
        server_of(client, "did:plc:abc")


def test_a_token_that_is_no_jwt_does_not_say_when_it_ends() -> None:
    assert [expiry(token) for token in ("", "a.b.c", "a.e30.c", "a.bnVsbA.c")] == [None] * 4
