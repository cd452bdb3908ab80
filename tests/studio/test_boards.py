"""Boards: rows by their state, where a card may go, and what two people move at once."""

import re

import pytest

from growbase import wiring
from growbase.studio.boards import flow
from tests.api.factories import Factory
from tests.fixtures import Tenant
from tests.studio.conftest import Browser, SignIn

CATALOG = wiring.catalog()


@pytest.mark.parametrize(
    ("resource", "states"),
    [
        ("contents", ["draft", "review", "approved", "published", "rejected", "archived"]),
        ("prospects", ["new", "contacted", "meeting", "negotiation", "won", "lost"]),
        ("tickets", ["open", "pending", "snoozed", "resolved", "closed", "archived"]),
    ],
)
def test_states_stand_in_the_order_of_their_flow_and_the_ends_behind(resource: str, states: list[str]) -> None:
    assert flow(CATALOG.by_name[resource]) == states


def lanes(page: str) -> dict[str, str]:
    """Return the part of a board's page that shows each state."""
    parts = re.split(r'data-lane="(\w+)"', page)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_resource_with_states_has_a_board_and_no_other(browser: Browser) -> None:
    for resource in CATALOG.resources:
        if resource.transitions:
            assert "data-lane" in browser.get(f"/{resource.name}/board"), resource.name
    browser.get("/brands/board", status=404)
    browser.get("/contents/board?nonsense=1", status=400)


def test_a_card_is_moved_and_the_visitor_stays_on_the_board(browser: Browser, factory: Factory) -> None:
    row = factory.create("contents", title="Nine minutes", body="x")
    factory.create("contents", title="Elsewhere", body="x")
    board = "/studio/contents/board?q=nine"
    shown = lanes(browser.get("/contents/board?q=nine"))
    assert "Nine minutes" in shown["draft"]
    assert "Elsewhere" not in shown["draft"]
    assert re.findall(r'name="to" value="(\w+)"', shown["draft"]) == ["review"]
    path, sent = f"/contents/{row['id']}/transition", {"to": "review", "version": "1", "back": board}
    assert browser.post(path, sent) == board
    assert "Nine minutes" in lanes(browser.get("/contents/board"))["review"]
    # Whoever still sees it where it was is told; nothing is moved.
    assert browser.post(path, {**sent, "to": "approved"}) == board
    assert "Nine minutes" in lanes(browser.get("/contents/board"))["review"]
    assert browser.post(path, {"to": "approved", "back": "https://evil.example/"}) == "/studio"
    refused = {"to": "review", "back": board}
    assert browser.post(path, refused) == board
    assert "Nine minutes" in lanes(browser.get("/contents/board"))["approved"]


def test_a_board_filters_by_its_address_and_leads_to_the_rest(browser: Browser, factory: Factory) -> None:
    for number in range(27):
        factory.create("contents", title=f"Title {number}", type="email")
    factory.create("contents", title="A post", type="social_post")
    draft = lanes(browser.get("/contents/board?type=email"))["draft"]
    assert draft.count("data-card") == 25
    assert ">27<" in draft
    assert "/studio/contents?type=email&amp;status=draft" in draft
    assert "A post" not in draft
    assert set(lanes(browser.get("/contents/board?status=in.(draft,review)"))) == {"draft", "review"}
    place = browser.client.get("/studio/contents/board?f.type=email", headers=browser.cookie, follow_redirects=False)
    assert place.headers["location"] == "/studio/contents/board?type=email"


def test_a_viewer_moves_nothing(browser: Browser, sign_in: SignIn, tenant: Tenant, factory: Factory) -> None:
    row = factory.create("contents", body="x")
    viewer = sign_in(tenant.viewer)
    assert 'draggable="true"' not in viewer.get("/contents/board")
    viewer.post(f"/contents/{row['id']}/transition", {"to": "review", "version": "1"}, status=403)
