"""Notifications: the bell counts one's own, and reading one leads where it belongs."""

from uuid import UUID

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.domains.identity.actions_personal import notify
from tests.fixtures import Tenant
from tests.studio.conftest import Browser, SignIn


def tell(db: Database, by: Actor, user: Actor, title: str, link: str | None = None) -> None:
    assert user.id is not None
    user_id: UUID = user.id
    db.write(by, lambda tx: notify(tx, user_id=user_id, kind="test", title=title, link=link))


def test_the_bell_counts_what_is_unread(browser: Browser, sign_in: SignIn, db: Database, tenant: Tenant) -> None:
    for number in range(3):
        tell(db, tenant.admin, tenant.owner, f"Title {number}", "/studio/brands")
    tell(db, tenant.owner, tenant.viewer, "For the viewer", "https://evil.example/")
    assert "Notifications (3)" in browser.get("")
    assert browser.get("/notifications/unread") == '{"unread":3}'
    page = browser.get("/notifications")
    assert page.index("Title 2") < page.index("Title 0")
    assert "For the viewer" not in page
    ids = [row["id"] for row in browser.client.get("/api/notifications", headers=browser.api_headers).json()["data"]]
    assert browser.post(f"/notifications/{ids[0]}/open") == "/studio/brands"
    assert browser.get("/notifications/unread") == '{"unread":2}'
    assert "Title 2" not in browser.get("/notifications?show=unread")
    viewer = sign_in(tenant.viewer)
    viewer.post(f"/notifications/{ids[1]}/open", status=404)
    [told] = viewer.client.get("/api/notifications", headers=viewer.api_headers).json()["data"]
    assert viewer.post(f"/notifications/{told['id']}/open") == "/studio"
    assert browser.post("/notifications/read-all") == "/studio/notifications"
    assert "Nothing new." in browser.get("/notifications?show=unread")
    assert "Notifications (" not in browser.get("")
