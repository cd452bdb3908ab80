"""Saved views: one's own and everybody's, kept with their filters, and the one a list opens with."""

from tests.api.factories import Factory, Row
from tests.fixtures import Tenant
from tests.studio.conftest import Browser, SignIn


def views(browser: Browser) -> list[Row]:
    found: list[Row] = browser.client.get("/api/saved-views?sort=name", headers=browser.api_headers).json()["data"]
    return found


def test_a_view_is_saved_opened_changed_and_removed(
    browser: Browser, sign_in: SignIn, tenant: Tenant, factory: Factory
) -> None:
    factory.create("campaigns", name="Mine", owner_user_id=str(tenant.owner.id))
    factory.create("campaigns", name="Of somebody else", owner_user_id=str(tenant.member.id))
    query = "owner_user_id=$me&created_at=gte.$now-7d&sort=name&q=x&cursor=y"
    sent = {"do": "save", "name": "My work", "query": query, "shared": "true", "back": "/studio/campaigns?sort=name"}
    place = browser.post("/campaigns/views", sent)
    [view] = views(browser)
    assert view["query"] == {"owner_user_id": "$me", "created_at": "gte.$now-7d", "sort": "name"}
    assert place == f"/studio/campaigns?view={view['id']}&owner_user_id=$me&created_at=gte.$now-7d&sort=name"
    page = browser.get(place.removeprefix("/studio"))
    assert ("My work" in page, "Of somebody else" in page) == (True, False)
    assert "Save the changes" not in page
    member = sign_in(tenant.member)
    assert "Of somebody else" in member.get(place.removeprefix("/studio"))
    assert "My work" in member.get("/campaigns/board")
    assert browser.post("/campaigns/views", {**sent, "name": "my work"}) == sent["back"]
    changed = f"/campaigns?view={view['id']}&status=draft"
    assert "Save the changes" in browser.get(changed)
    act = {"view": view["id"], "back": f"/studio{changed}", "query": "status=draft"}
    browser.post("/campaigns/views", {**act, "do": "keep"})
    browser.post("/campaigns/views", {**act, "do": "rename", "name": "Drafts"})
    browser.post("/campaigns/views", {**act, "do": "rename", "name": " "})
    assert [(row["name"], row["query"]) for row in views(browser)] == [("Drafts", {"status": "draft"})]
    assert browser.post("/campaigns/views", {**act, "do": "remove"}) == "/studio/campaigns?view=all"
    assert views(browser) == []


def test_a_view_of_ones_own_is_nobody_elses_and_viewers_save_none(
    browser: Browser, sign_in: SignIn, tenant: Tenant
) -> None:
    browser.post("/brands/views", {"do": "save", "name": "Mine", "query": "sort=-name"})
    [view] = views(browser)
    member, viewer = sign_in(tenant.member), sign_in(tenant.viewer)
    assert "Mine" not in member.get("/brands")
    for do in ("rename", "remove", "share", "keep", "default"):
        member.post("/brands/views", {"do": do, "view": view["id"], "name": "x"}, status=404)
    browser.post("/brands/views", {"do": "share", "view": view["id"]})
    assert "Mine" in viewer.get("/brands")
    assert "Save this view" not in viewer.get("/brands")
    viewer.post("/brands/views", {"do": "save", "name": "x", "query": ""}, status=403)


def test_a_list_opens_with_the_view_its_visitor_chose(browser: Browser, sign_in: SignIn, tenant: Tenant) -> None:
    browser.post("/brands/views", {"do": "save", "name": "Ours", "query": "sort=-name", "shared": "true"})
    [view] = views(browser)
    viewer = sign_in(tenant.viewer)
    for one in (viewer, browser):
        one.post("/brands/views", {"do": "default", "view": view["id"]})
        answer = one.client.get("/studio/brands", headers=one.cookie, follow_redirects=False)
        assert answer.headers["location"] == f"/studio/brands?view={view['id']}&sort=-name"
    assert "<h1>Brands" in browser.get("/brands?view=all")
    browser.post("/brands/views", {"do": "default", "view": "all"})
    assert "<h1>Brands" in browser.get("/brands")
    browser.post("/brands/views", {"do": "remove", "view": view["id"]})
    # What a list opened with is gone: it shows all rows.
    assert "<h1>Brands" in viewer.get("/brands")
