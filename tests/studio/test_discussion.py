"""The discussion of a row: comments, reviews, and who may say what."""

from tests.api.factories import Factory, Row
from tests.fixtures import Tenant
from tests.studio.conftest import Browser, SignIn


def rows(browser: Browser, name: str) -> list[Row]:
    found: list[Row] = browser.client.get(f"/api/{name}?sort=created_at", headers=browser.api_headers).json()["data"]
    return found


def test_people_talk_about_a_row(browser: Browser, sign_in: SignIn, tenant: Tenant, factory: Factory) -> None:
    content = factory.create("contents", body="x")
    path = f"/contents/{content['id']}"
    back = f"/studio{path}?tab=discussion#last"
    assert "?tab=discussion" in browser.get(path)
    assert browser.post(f"{path}/discussion", {"do": "say", "text": "Look, @member of acme"}) == back
    browser.post(f"{path}/discussion", {"do": "say", "text": " "})
    assert [row["text"] for row in rows(browser, "comments")] == ["Look, @member of acme"]
    page = browser.get(f"{path}?tab=discussion")
    assert "Look, @member of acme" in page
    assert "Owner of Acme" in page
    id = rows(browser, "comments")[0]["id"]
    browser.post(f"{path}/discussion", {"do": "resolve", "target": id})
    assert "Resolved" in browser.get(f"{path}?tab=discussion")
    member, viewer = sign_in(tenant.member), sign_in(tenant.viewer)
    assert "Look, @member of acme" in viewer.get(f"{path}?tab=discussion")
    assert 'name="do"' not in viewer.get(f"{path}?tab=discussion")
    viewer.post(f"{path}/discussion", {"do": "say", "text": "x"}, status=403)
    member.post(f"{path}/discussion", {"do": "remove", "target": id})
    assert len(rows(browser, "comments")) == 1
    browser.post(f"{path}/discussion", {"do": "remove", "target": id})
    assert rows(browser, "comments") == []
    browser.post(f"{path}/discussion", {"do": "nonsense", "target": id}, status=404)
    key = "webhook-endpoints"
    assert "?tab=discussion" not in browser.get(f"/{key}/{factory.any(key)['id']}")


def test_a_review_is_asked_for_and_given(browser: Browser, sign_in: SignIn, tenant: Tenant, factory: Factory) -> None:
    content = factory.create("contents", title="Nine minutes", body="x")
    path, member = f"/contents/{content['id']}", sign_in(tenant.member)
    sent = {"do": "ask", "reviewer": str(tenant.member.id), "due": "2030-01-31 09:00"}
    browser.post(f"{path}/discussion", sent)
    [asked] = rows(browser, "review-requests")
    assert (asked["status"], asked["due_at"]) == ("requested", "2030-01-31T09:00:00.000000Z")
    assert "Nine minutes" in member.get("/reviews")
    assert "Nine minutes" not in browser.get("/reviews")
    assert "Nine minutes" in browser.get("/reviews?part=asked")
    member.post(f"{path}/discussion", {"do": "changes", "target": asked["id"], "text": "Shorter"})
    assert "Shorter" in browser.get(f"{path}?tab=discussion")
    browser.post(f"{path}/discussion", {"do": "again", "target": asked["id"]})
    browser.post(f"{path}/discussion", {"do": "approve", "target": asked["id"]})
    assert rows(browser, "review-requests")[0]["status"] == "requested"
    browser.post(f"{path}/do/submit")
    browser.post(f"{path}/do/approve")
    assert rows(browser, "review-requests")[0]["status"] == "approved"
    assert "Nine minutes" in member.get("/reviews?part=done")
