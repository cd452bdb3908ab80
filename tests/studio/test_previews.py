"""The preview of a piece in Studio and at the API: its text, what is too long, its files, broken rules."""

from growbase.core.database import Database
from growbase.core.transaction import Transaction
from growbase.domains.social.models import BrandRule
from growbase.domains.social.publisher import Limits, fitting_length, length_of
from growbase.studio.previews import parted
from tests.api.factories import Factory
from tests.domains.social.factories import make_account, make_piece, make_post
from tests.fixtures import Tenant
from tests.studio.conftest import Browser

LIMITS = Limits(30, 1, 10, frozenset({"image/png"}), link_characters=5)


def test_what_fits_is_measured_as_the_platform_does() -> None:
    text = "See https://example.com/a-long-way and more and more of it"
    fits = fitting_length(LIMITS, text)
    assert length_of(LIMITS, text[:fits]) <= 30 < length_of(LIMITS, text[: fits + 1])
    assert fitting_length(LIMITS, "short") == 5


def test_a_text_falls_into_links_tags_and_what_is_too_long() -> None:
    found = list(parted("Hi @us@a.example, see https://a.example/b #news now", 47))
    assert ("who", "@us@a.example") in found
    assert ("link", "https://a.example/b") in found
    assert ("tag", "#news") in found
    assert found[-1] == ("cut", " now")
    assert "".join(text for _, text in found) == "Hi @us@a.example, see https://a.example/b #news now"


def test_a_piece_is_shown_as_each_account_would_show_it(browser: Browser, db: Database, tenant: Tenant) -> None:
    def unit(tx: Transaction) -> str:
        make_account(tx, handle="@shown")
        tx.insert(BrandRule, forbidden_phrases=["for free"])
        return str(make_piece(tx, body="All <b>for free</b> " + "word " * 120, hashtags=["coffee"], title="A title"))

    id = db.write(tenant.owner, unit)
    page = browser.get(f"/content-pieces/{id}?tab=preview")
    assert "@shown" in page
    assert "&lt;b&gt;for free" in page
    assert "the platform takes 500" in page
    assert "<mark" in page
    assert "forbidden phrase for free" in page
    assert "must be approved" in page
    assert "300" in browser.get(f"/content-pieces/{id}?tab=preview&on=bluesky")
    assert "No publisher here" in browser.get(f"/content-pieces/{id}?tab=preview&on=linkedin")
    found = browser.client.get(f"/api/content-pieces/{id}/preview", headers=browser.api_headers).json()
    assert found["text"].endswith("#coffee")
    assert found["unsent"] == ["title"]
    assert found["rule_errors"][0]["code"] == "forbidden_phrase"
    assert found["targets"][0]["errors"][0]["params"] == {"count": found["targets"][0]["characters"], "max": 500}


def test_a_post_is_shown_on_its_account(browser: Browser, db: Database, tenant: Tenant) -> None:
    def unit(tx: Transaction) -> str:
        account = make_account(tx, handle="@mine")
        make_account(tx, handle="@other")
        return str(make_post(tx, account_id=account))

    id = db.write(tenant.owner, unit)
    page = browser.get(f"/scheduled-posts/{id}?tab=preview")
    assert 'aria-label="@mine"' in page
    assert 'aria-label="@other"' not in page
    assert "The platform takes it as it is." in page


def test_the_preview_of_the_api_names_what_is_wrong(browser: Browser, factory: Factory) -> None:
    id = factory.create("content-pieces")["id"]
    address = f"/api/content-pieces/{id}/preview"
    for query in ("platform=myspace", "social_account_id=x", "what=1"):
        assert browser.client.get(f"{address}?{query}", headers=browser.api_headers).status_code == 400
    assert browser.client.get(address).status_code == 401
    nowhere = "/api/content-pieces/00000000-0000-7000-8000-000000000000/preview"
    assert browser.client.get(nowhere, headers=browser.api_headers).status_code == 404
