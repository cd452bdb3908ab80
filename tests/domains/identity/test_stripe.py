import hmac
from typing import Any

import pytest

from growbase.core.errors import Invalid
from growbase.domains.identity.stripe import BadStripeSignature, read_event, read_told, require_signature
from tests.domains.identity.stripe_events import invoice, subscription

SECRET = "whsec_test"
BODY = b'{"id": "evt_1", "note": "\xc3\xa9"}'
NOW = 1_767_225_600


def signature(body: bytes = BODY, *, at: int = NOW, secret: str = SECRET) -> str:
    return hmac.digest(secret.encode(), f"{at}.".encode() + body, "sha256").hex()


@pytest.mark.parametrize(
    "header",
    [
        f"t={NOW},v1={signature()}",
        f"t={NOW}, v1={signature()}, v0=whatever",
        f"t={NOW},v1={'0' * 64},v1={signature()}",
        f"v1={signature(at=NOW - 300)},t={NOW - 300}",
    ],
)
def test_what_stripe_signed_is_taken(header: str) -> None:
    require_signature(SECRET, header, BODY, now=NOW)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        f"v1={signature()}",
        f"t={NOW}",
        f"t=soon,v1={signature()}",
        f"t={NOW + 1},v1={signature()}",
        f"t={NOW},v0={signature()}",
        f"t={NOW},v1={signature(secret='another')}",
        f"t={NOW},v1={signature(BODY + b' ')}",
        f"t={NOW},v1={signature()[:-1]}",
        f"t={NOW},v1=\xe9",
        f"t={NOW - 301},v1={signature(at=NOW - 301)}",
        f"t={NOW + 301},v1={signature(at=NOW + 301)}",
    ],
)
def test_anything_else_is_refused(header: str) -> None:
    with pytest.raises(BadStripeSignature):
        require_signature(SECRET, header, BODY, now=NOW)


def test_a_body_that_is_no_text_is_refused() -> None:
    body = b"\xff"
    with pytest.raises(BadStripeSignature):
        require_signature(SECRET, f"t={NOW},v1={signature(body)}", body, now=NOW)


WHOLE = subscription("updated", 0, id="sub_1")


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "text",
        {},
        *({**WHOLE, name: value} for name in ("id", "type", "created", "data") for value in (None, "", [], {})),
        {**WHOLE, "created": 10**20},
        {**WHOLE, "created": True},
        {**WHOLE, "data": {"object": []}},
    ],
)
def test_an_event_must_be_as_stripe_sends_it(document: Any) -> None:  # noqa: ANN401
    with pytest.raises(Invalid):
        read_event(document)


@pytest.mark.parametrize(
    "over",
    [
        {"items": None},
        {"items": {"data": []}},
        {"items": {"data": ["text"]}},
        {"metadata": None},
        {"metadata": {"organization_id": "not an id"}},
        {"current_period_start": None},
        {"current_period_end": 0},
        {"trial_end": "soon"},
        {"trial_end": 10**20},
        {"status": "something new"},
        {"customer": {"id": "cus_1", "object": "customer"}},
    ],
)
def test_an_odd_subscription_is_read_as_far_as_it_goes(over: dict[str, Any]) -> None:
    found = subscription("updated", 0, id="sub_1", **over)
    assert read_event(found)["provider_subscription_id"] == "sub_1"
    told = read_told(found)
    assert told is not None
    assert told.organization_id is None


def test_an_invoice_names_its_subscription() -> None:
    assert read_event(invoice("paid", 0, id="sub_7"))["provider_subscription_id"] == "sub_7"
    assert read_event(invoice("upcoming", 0, id="sub_7"))["provider_subscription_id"] is None
