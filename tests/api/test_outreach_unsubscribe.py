"""The page where a recipient leaves, without a login."""

from uuid import UUID

from growbase.core.database import Database
from growbase.domains.outreach.unsubscribe import (
    Unsubscribe,
    read_unsubscribe_token,
    unsubscribe_headers,
    unsubscribe_token,
    unsubscribe_url,
)
from tests.api.conftest import Factory
from tests.api.factories import NOWHERE, dump
from tests.fixtures import SECRET, Tenant

ONE_CLICK = "List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def link(tenant: Tenant, id: str, kind: str = "prospect") -> str:
    organization_id = tenant.organization_id
    assert isinstance(organization_id, UUID)
    leaving = Unsubscribe(organization_id, "message" if kind == "message" else "prospect", UUID(id))
    url = unsubscribe_url("https://us.example", SECRET, leaving)
    token = url.removeprefix("https://us.example/u/")
    assert read_unsubscribe_token(SECRET, token) == leaving
    assert unsubscribe_headers(url) == {
        "List-Unsubscribe": f"<{url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    return f"/u/{token}"


def prospect(factory: Factory, id: str) -> dict[str, object]:
    found: dict[str, object] = factory.client.get(f"/api/prospects/{id}", headers=factory.headers).json()
    return found


def test_looking_at_the_page_changes_nothing(factory: Factory, tenant: Tenant, db: Database) -> None:
    id = factory.create("prospects", email="ann@a.example")["id"]
    before = dump(db, tenant.organization_id)
    answer = factory.client.get(link(tenant, id))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    page = factory.client.get(link(tenant, id)).text
    assert '<html lang="en">' in page
    assert '<form method="post"><button type="submit">' in page
    assert "ann" not in page
    assert "<script" not in page
    assert dump(db, tenant.organization_id) == before


def test_one_click_is_enough_and_a_second_one_changes_nothing(factory: Factory, tenant: Tenant, db: Database) -> None:
    id = factory.create("prospects", email="ann@a.example")["id"]
    answer = factory.client.post(link(tenant, id), content=ONE_CLICK, headers=FORM)
    assert answer.status_code == 200
    assert prospect(factory, id)["opt_out_reason"] == "unsubscribe"
    before = dump(db, tenant.organization_id)
    for content, headers in (
        (ONE_CLICK, FORM),
        ("", {}),
        ("--x--", {"Content-Type": "multipart/form-data; boundary=x"}),
    ):
        assert factory.client.post(link(tenant, id), content=content, headers=headers).status_code == 200
    assert dump(db, tenant.organization_id) == before
    history = factory.client.get(f"/api/prospects/{id}/history", headers=factory.headers).json()["data"]
    assert history[0]["actor"] == {"type": "system", "id": None, "label": "unsubscribe link"}
    # From where, the log knows under the key of the prospect.
    stored = db.query("SELECT DISTINCT ip, user_agent FROM changes WHERE actor_label = 'unsubscribe link'")
    assert [tuple(row) for row in stored] == [(None, None)]


def test_a_message_s_link_leaves_for_whoever_got_it(factory: Factory, tenant: Tenant) -> None:
    message = factory.create("messages")
    answer = factory.client.post(link(tenant, message["id"], "message"), content=ONE_CLICK, headers=FORM)
    assert answer.status_code == 200
    assert prospect(factory, message["prospect_id"])["opted_out_at"] is not None


def test_a_prospect_in_the_trash_and_one_long_gone_can_leave_too(factory: Factory, tenant: Tenant) -> None:
    id = factory.create("prospects", email="ann@a.example")["id"]
    factory.client.delete(f"/api/prospects/{id}", headers=factory.headers)
    assert factory.client.post(link(tenant, id)).status_code == 200
    factory.client.post(f"/api/prospects/{id}/restore", headers=factory.headers)
    assert prospect(factory, id)["opted_out_at"] is not None
    for kind in ("prospect", "message"):
        assert factory.client.post(link(tenant, NOWHERE, kind)).status_code == 200


def test_a_link_nobody_signed_opens_nothing(
    factory: Factory, tenant: Tenant, other_tenant: Tenant, db: Database
) -> None:
    id = factory.create("prospects", email="ann@a.example")["id"]
    good = link(tenant, id)
    assert isinstance(tenant.organization_id, UUID)
    stolen = unsubscribe_token(b"another secret of somebody", Unsubscribe(tenant.organization_id, "prospect", UUID(id)))
    before = dump(db, tenant.organization_id)
    for path in (
        good[:-1],
        good + "A",
        good.swapcase().replace("/U/", "/u/"),
        "/u/x",
        f"/u/{stolen}",
        link(other_tenant, id),
    ):
        answer = factory.client.post(path, content=ONE_CLICK, headers=FORM)
        # The other organization's link is sound, but the prospect is not there.
        assert answer.status_code == (200 if path == link(other_tenant, id) else 400), path
    assert dump(db, tenant.organization_id) == before
