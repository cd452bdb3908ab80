"""The mails people get: one text in two forms, in their language, with nothing of a sender's name read as markup."""

from email.headerregistry import Address

import pytest

from growbase.domains.identity.mails import TEMPLATES, compose
from growbase.domains.identity.models import TokenPurpose

SENDER = Address("Growbase", addr_spec="mail@example.com")


def test_every_one_time_token_has_its_mail() -> None:
    assert {purpose.value for purpose in TokenPurpose} <= TEMPLATES.keys()


@pytest.mark.parametrize("purpose", list(TokenPurpose))
def test_the_link_carries_the_token(purpose: TokenPurpose) -> None:
    mail = compose(
        purpose, to="ann@example.com", sender=SENDER, language="en", base_url="https://app.example.com", token="a+b"
    )
    text, markup = (part.get_content() for part in mail.iter_parts())
    assert "https://app.example.com/studio/" in text
    assert "token=a%2Bb" in text
    assert "token=a%2Bb" in markup
    assert mail["To"] == "ann@example.com"


def test_a_disabled_webhook_has_a_mail_of_its_own() -> None:
    data = {"title": "ignored", "body": "https://x.example: It answered 410 Gone.", "link": "/api/webhook-endpoints/1"}
    base_url, template = "https://app.example.com", "webhook_disabled"
    mail = compose(template, to="ann@example.com", sender=SENDER, language="en", base_url=base_url, data=data)
    text, markup = (part.get_content() for part in mail.iter_parts())
    assert mail["Subject"] == "A webhook endpoint was disabled"
    assert "https://x.example: It answered 410 Gone." in text
    assert "https://app.example.com/api/webhook-endpoints/1" in text
    assert ">Look at the endpoint</a>" in markup
    assert "change feed" in text


def test_a_name_is_no_markup_and_no_header() -> None:
    data = {"organization": "<b>Evil</b>\nBcc: all@example.com"}
    mail = compose(
        "invite", to="ann@example.com", sender=SENDER, language="en", base_url="https://a.example", token="t", data=data
    )
    assert mail["Subject"] == "You are invited to <b>Evil</b> Bcc: all@example.com"
    assert mail["Bcc"] is None
    assert "<b>Evil" not in list(mail.iter_parts())[1].get_content()
