"""The inbox: who waits, answering once, and what two people write at the same time."""

import re
from uuid import UUID

import pytest

from growbase.core.database import Database
from growbase.domains.commerce.actions_desk import note_writing
from growbase.domains.commerce.actions_drafts import propose_draft
from growbase.domains.commerce.actions_messages import post_message
from tests.api.factories import Factory, Row
from tests.domains.commerce.factories import make_store, write_in
from tests.fixtures import Tenant
from tests.studio.conftest import Browser, SignIn


@pytest.fixture
def ticket(db: Database, tenant: Tenant) -> UUID:
    """Give a ticket whose customer waits."""
    store_id = db.write(tenant.owner, lambda tx: make_store(tx, name="Fjord"))
    email = "ines@example.com"
    found = db.write(tenant.owner, lambda tx: write_in(tx, store_id, customer_name="Ines", customer_email=email))
    assert found.ticket_id is not None
    return found.ticket_id


def api(browser: Browser, path: str) -> list[Row]:
    found: list[Row] = browser.client.get(f"/api/{path}", headers=browser.api_headers).json()["data"]
    return found


def form(page: str) -> dict[str, object]:
    """Return what the answer's form holds beside the words."""
    return {name: re.findall(f'name="{name}" value="([^"]*)"', page)[-1] for name in ("seen", "draft")} | {
        "do": "reply"
    }


def test_who_waits_longest_comes_first_by_the_filters_of_the_address(
    browser: Browser, factory: Factory, ticket: UUID
) -> None:
    prospect = factory.create("prospects", first_name="Umar", last_name="Aziz", email="umar@example.com")
    told = {"prospect_id": prospect["id"], "direction": "inbound", "subject": "Your offer", "content": "Yes"}
    reply = factory.create("messages", **told)
    page = browser.get("/inbox")
    assert page.index("Ines") < page.index("Umar Aziz")
    assert "Umar" not in browser.get("/inbox?channel=email")
    assert "Ines" not in browser.get("/inbox?channel=replies")
    assert "Nobody is waiting" in browser.get("/inbox?who=me&channel=api")
    assert "Ines" not in browser.get("/inbox?store=nonsense")
    here = f"/inbox/tickets/{ticket}?who=nobody"
    assert browser.post(here, {"do": "assign"}) == f"/studio/inbox/tickets/{ticket}?who=nobody"
    assert "Ines" not in browser.get("/inbox?who=nobody")
    assert "Ines" in browser.get("/inbox?who=me")
    assert browser.post(f"/inbox/tickets/{ticket}", {"do": "snooze", "until": "tomorrow"}).endswith(reply["id"])
    assert "Ines" not in browser.get("/inbox")
    assert "Ines" in browser.get("/inbox?show=snoozed")
    path = f"/inbox/replies/{reply['id']}"
    assert "Your offer" in browser.get(path)
    browser.post(path, {"do": "assign"})
    browser.post(path, {"do": "snooze", "until": "week"})
    assert "Umar" not in browser.get("/inbox")
    assert "Umar" in browser.get("/inbox?show=snoozed&who=me")
    browser.post(path, {"do": "settle"})
    assert "Umar" not in browser.get("/inbox?show=snoozed")
    browser.get("/inbox/nothing/x", status=404)


def test_a_ticket_is_answered_once(browser: Browser, ticket: UUID) -> None:
    path = f"/inbox/tickets/{ticket}"
    sent = form(browser.get(path))
    assert "Write something first" in browser.post(path, {**sent, "text": " "}, status=422)
    assert browser.post(path, {**sent, "text": "Tomorrow.\n<b>Sure</b>", "then": "settle"}) == "/studio/inbox"
    [message] = api(browser, f"ticket-messages?ticket_id={ticket}&author_type=staff")
    assert (message["delivery"], message["body_rich"]) == ("queued", "Tomorrow.<br>&lt;b&gt;Sure&lt;/b&gt;")
    assert api(browser, f"tickets?id={ticket}")[0]["status"] == "resolved"
    assert len(api(browser, "jobs?kind=send_ticket_mail")) <= 1
    # The same form again finds that somebody has written meanwhile.
    again = browser.post(path, {**sent, "text": "Tomorrow.", "then": "settle"}, status=412)
    assert "Somebody else has written meanwhile" in again
    assert len(api(browser, f"ticket-messages?ticket_id={ticket}&author_type=staff")) == 1


def test_whoever_is_overtaken_sees_the_other_answer_and_keeps_their_own(
    browser: Browser, db: Database, tenant: Tenant, ticket: UUID
) -> None:
    path = f"/inbox/tickets/{ticket}"
    sent = form(browser.get(path))
    db.write(tenant.member, lambda tx: post_message(tx, ticket_id=ticket, body_rich="It left on Monday."))
    page = browser.post(path, {**sent, "text": "It left on Tuesday."}, status=412)
    assert "It left on Monday." in page
    assert "It left on Tuesday.</textarea>" in page
    assert "Send anyway" in page
    browser.post(path, {**form(page), "text": "It left on Tuesday."})
    assert len(api(browser, f"ticket-messages?ticket_id={ticket}&author_type=staff")) == 2


def test_a_proposed_answer_is_taken_over_edited_and_sent(
    browser: Browser, db: Database, tenant: Tenant, ticket: UUID
) -> None:
    path = f"/inbox/tickets/{ticket}"
    draft = db.write(tenant.owner, lambda tx: propose_draft(tx, ticket_id=ticket, content="It is on its way."))
    page = browser.get(f"{path}?draft={draft}")
    assert "It is on its way.</textarea>" in page
    browser.post(path, {**form(page), "text": "It is on its way. Sorry!"})
    [found] = api(browser, f"ai-drafts?ticket_id={ticket}")
    assert (found["status"], found["human_edit"]) == ("sent", "It is on its way. Sorry!")
    assert [row["body_plain"] for row in api(browser, f"ticket-messages?ticket_id={ticket}&author_type=staff")] == [
        "It is on its way. Sorry!"
    ]
    draft = db.write(tenant.owner, lambda tx: propose_draft(tx, ticket_id=ticket, content="Again"))
    browser.post(path, {"do": "reject", "draft": str(draft)})
    assert api(browser, f"ai-drafts?id={draft}")[0]["status"] == "rejected"
    assert "So far</textarea>" in browser.post(path, {"do": "draft", "text": "So far"}, status=200)
    assert len(api(browser, "jobs?kind=draft_reply")) == 1


def test_a_prospect_is_answered(browser: Browser, factory: Factory) -> None:
    prospect = factory.create("prospects", email="umar@example.com")
    told = {"prospect_id": prospect["id"], "direction": "inbound", "subject": "Your offer", "content": "Yes"}
    reply = factory.create("messages", **told)
    path = f"/inbox/replies/{reply['id']}"
    sent = form(browser.get(path))
    assert browser.post(path, {**sent, "text": "On Thursday?"}) == "/studio/inbox"
    [ours] = api(browser, "messages?direction=outbound")
    assert (ours["subject"], ours["status"], ours["in_reply_to_id"]) == ("Re: Your offer", "queued", reply["id"])
    assert api(browser, f"messages?id={reply['id']}")[0]["answered_at"] is not None
    assert "Somebody else" in browser.post(path, {**sent, "text": "On Friday?"}, status=412)
    assert len(api(browser, "messages?direction=outbound")) == 1


def test_a_canned_reply_is_filled_in(browser: Browser, factory: Factory, ticket: UUID) -> None:
    reply = factory.create("canned-replies", name="Sorry", body="Dear {{customer_name}}", shortcut="sorry")
    path = f"/inbox/tickets/{ticket}"
    assert "Dear Ines</textarea>" in browser.get(f"{path}?canned={reply['id']}")
    assert browser.get(f"{path}/canned/{reply['id']}") == '{"text":"Dear Ines"}'
    assert 'data-shortcut="sorry"' in browser.get(path)


def test_colleagues_see_who_writes_and_viewers_only_read(
    browser: Browser, sign_in: SignIn, db: Database, tenant: Tenant, other_tenant: Tenant, ticket: UUID
) -> None:
    member, viewer, stranger = sign_in(tenant.member), sign_in(tenant.viewer), sign_in(other_tenant.owner)
    path = f"/inbox/tickets/{ticket}"
    assert browser.post(f"{path}/writing", {"writing": "1"}, status=200) == '{"writers":[]}'
    assert "Owner of Acme is writing" in member.get(path)
    assert '["Owner of Acme is writing (' in member.post(f"{path}/writing", {"writing": "0"}, status=200)
    db.write(tenant.admin, lambda tx: note_writing(tx, id=ticket))
    browser.post(path, {**form(browser.get(path)), "text": "Done", "note": "true"})
    assert "Owner of Acme is writing" not in member.get(path)
    assert "<textarea" not in viewer.get(path)
    viewer.post(path, {"do": "settle"}, status=403)
    viewer.post(f"{path}/writing", {"writing": "1"}, status=403)
    stranger.get(path, status=404)
    stranger.post(f"{path}/writing", {"writing": "1"}, status=404)
    assert "Ines" not in stranger.get("/inbox")
