"""Pixels, links and providers that tell of messages: signed, counted once, and never a way to somewhere else."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from growbase.core.actor import Actor
from growbase.core.clock import new_id
from growbase.core.database import Database
from growbase.core.transaction import Transaction
from growbase.domains.commerce.actions_mail import begin_dispatch, claim_mail, mark_sent
from growbase.domains.commerce.actions_messages import post_message
from growbase.domains.identity.models_personal import Notification
from growbase.domains.outreach.models_messages import Message, MessageEvent, MessageStatus
from growbase.domains.outreach.models_sequences import Enrollment
from growbase.domains.outreach.tracking import Tracked, click_url, open_url
from tests.api.factories import NOWHERE, Client, Factory, Headers, dump
from tests.domains.commerce.factories import make_store, write_in
from tests.domains.outreach.factories import make_queued, make_sent, message_of
from tests.fixtures import SECRET, Tenant

URL = "https://us.example/a?b=c&d=é#top"
QUOTED = "https://us.example/a?b=c&d=%C3%A9#top"
KeyOf = Callable[..., Headers]


@pytest.fixture
def message_id(db: Database, actor: Actor) -> UUID:
    return db.write(actor, make_sent)


def tracked(actor: Actor, message_id: UUID, url: str = "") -> Tracked:
    assert actor.organization_id is not None
    return Tracked(actor.organization_id, message_id, url)


def pixel(actor: Actor, message_id: UUID) -> str:
    return open_url("", SECRET, tracked(actor, message_id))


def link(actor: Actor, message_id: UUID, url: str = URL) -> str:
    return click_url("", SECRET, tracked(actor, message_id, url))


def told(db: Database, actor: Actor) -> list[tuple[str, Any]]:
    with db.read(actor) as reads:
        return [(event.type.value, event.data) for event in reads.rows(MessageEvent, order="id")]


def test_the_pixel_counts_an_open_once_a_minute(client: Client, db: Database, actor: Actor, message_id: UUID) -> None:
    for _ in range(3):
        answer = client.get(pixel(actor, message_id))
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.content.startswith(b"GIF89a")
    assert 1 <= message_of(db, actor, message_id).open_count <= 2
    assert told(db, actor)[0] == ("open", {})


def test_a_link_leads_where_it_was_signed_to(client: Client, db: Database, actor: Actor, message_id: UUID) -> None:
    answer = client.get(link(actor, message_id), follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (302, QUOTED)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    client.get(link(actor, message_id, "https://us.example/b"), follow_redirects=False)
    assert message_of(db, actor, message_id).click_count == 2
    assert told(db, actor) == [("click", {"url": QUOTED}), ("click", {"url": "https://us.example/b"})]


def test_of_the_reader_nothing_is_kept(client: Client, db: Database, actor: Actor, message_id: UUID) -> None:
    client.get(pixel(actor, message_id), headers={"User-Agent": "Reader/1"})
    assert "Reader/1" not in str(dump(db, actor.organization_id))


def test_looking_at_the_head_counts_nothing(client: Client, db: Database, actor: Actor, message_id: UUID) -> None:
    for path in (pixel(actor, message_id), link(actor, message_id)):
        client.head(path, follow_redirects=False)
    assert told(db, actor) == []


def test_only_what_is_signed_is_followed(client: Client, db: Database, actor: Actor, message_id: UUID) -> None:
    """Neither another text, nor the token of the other purpose, nor one of another server leads anywhere."""
    path = link(actor, message_id)
    other = click_url("", b"the secret of another server", tracked(actor, message_id, URL))
    wrong = [path[:-1], path + "A", "/c/evil.example", pixel(actor, message_id).replace("/o/", "/c/")]
    for bad in (*wrong, other, path.replace("/c/", "/o/"), "/o/x"):
        answer = client.get(bad, follow_redirects=False)
        assert (answer.status_code, "location" in answer.headers) == (422, False), bad
    assert told(db, actor) == []


def test_a_link_of_a_message_that_is_gone_still_leads_on(client: Client, actor: Actor) -> None:
    answer = client.get(link(actor, new_id()), follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (302, QUOTED)


# -- what providers tell ----------------------------------------------------------------------------------------------


def events(*found: dict[str, Any]) -> dict[str, Any]:
    return {"events": [{"provider_event_id": str(place), **event} for place, event in enumerate(found)]}


def tell(client: Client, headers: Headers, *found: dict[str, Any], **over: str) -> Any:  # noqa: ANN401
    return client.post("/api/webhooks/mail/postmark", json=events(*found), headers={**headers, **over})


def test_a_provider_names_messages_by_message_id_or_by_its_own(
    client: Client, db: Database, tenant: Tenant, key_of: KeyOf
) -> None:
    actor = tenant.owner
    headers = key_of(tenant.admin, "write")
    ids = [db.write(actor, make_sent) for _ in range(3)]
    db.write(actor, lambda tx: tx.update(Message, ids[2], {"provider_message_id": "<abc@us.example>"}))
    stranger = f"<{new_id()}@us.example>"
    answer = tell(
        client,
        headers,
        {"type": "delivered", "message_id": f"<{ids[0]}@us.example>"},
        {"type": "bounce_hard", "message_id": str(ids[1]), "occurred_at": "2026-01-01T00:00:00Z", "data": {"code": 5}},
        {"type": "reply", "message_id": "<abc@us.example>", "data": {"text": "Yes!", "message_id": "<re@a.example>"}},
        {"type": "complaint", "message_id": stranger},
    )
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"recorded": 3, "duplicates": 0, "unknown": [stranger]}
    found = [message_of(db, actor, id) for id in ids]
    states = [MessageStatus.DELIVERED, MessageStatus.BOUNCED, MessageStatus.SENT]
    assert [message.status for message in found] == states
    assert found[2].replied_at is not None
    with db.read(actor) as reads:
        [answer_row] = reads.rows(Message, direction="inbound")
        ended = [reads.get(Enrollment, message.enrollment_id).status for message in found]
    assert (answer_row.content, answer_row.in_reply_to_id) == ("Yes!", ids[2])
    assert [status.value for status in ended] == ["active", "bounced", "replied"]


@pytest.mark.parametrize("kind", ["open", "reply", "bounce_hard"])
def test_an_event_that_is_told_again_changes_nothing(
    client: Client, db: Database, tenant: Tenant, key_of: KeyOf, message_id: UUID, kind: str
) -> None:
    headers = key_of(tenant.admin, "write")
    event = {"type": kind, "message_id": str(message_id), "data": {"text": "Yes!"}}
    assert tell(client, headers, event, Prefer="tx=rollback").json()["recorded"] == 1
    assert tell(client, headers, event).json() == {"recorded": 1, "duplicates": 0, "unknown": []}
    before = dump(db, tenant.organization_id)
    assert tell(client, headers, event).json() == {"recorded": 0, "duplicates": 1, "unknown": []}
    assert dump(db, tenant.organization_id) == before


def test_a_message_whose_fate_nobody_knew_is_settled(
    client: Client, db: Database, tenant: Tenant, key_of: KeyOf
) -> None:
    id = db.write(tenant.owner, make_queued)
    db.write(tenant.owner, lambda tx: tx.update(Message, id, {"status": MessageStatus.UNCONFIRMED}))
    tell(client, key_of(tenant.admin, "write"), {"type": "delivered", "message_id": f"<{id}@us.example>"})
    assert message_of(db, tenant.owner, id).status is MessageStatus.DELIVERED


def test_who_may_not_write_tells_nothing(
    client: Client, db: Database, tenant: Tenant, other_tenant: Tenant, key_of: KeyOf, message_id: UUID
) -> None:
    event = {"type": "delivered", "message_id": str(message_id)}
    assert tell(client, {}, event).status_code == 401
    assert tell(client, key_of(tenant.admin, "read"), event).status_code == 403
    answer = tell(client, key_of(other_tenant.admin, "write"), event)
    assert answer.json()["unknown"] == [str(message_id)]
    assert told(db, tenant.owner) == []


def test_what_is_told_of_a_tickets_reply_is_noted_on_it(
    client: Client, db: Database, tenant: Tenant, other_tenant: Tenant, key_of: KeyOf
) -> None:
    def unit(tx: Transaction) -> UUID:
        ticket_id = write_in(tx, make_store(tx)).ticket_id
        assert ticket_id is not None
        id = post_message(tx, ticket_id=ticket_id, body_rich="Here it is.")
        claim = claim_mail(tx, message_id=id)
        assert claim is not None
        assert begin_dispatch(tx, claim=claim, message_id_header=f"<{id}@shop.example>")
        mark_sent(tx, message_id=id, claim_token=claim.token)
        return id

    id = db.write(tenant.owner, unit)
    headers, name = key_of(tenant.admin, "write"), f"<{id}@shop.example>"
    told_of = {"message_id": name, "data": {"code": 550}}
    opened = tell(client, headers, {"type": "open", **told_of}).json()
    assert opened == {"recorded": 0, "duplicates": 0, "unknown": [name]}
    theirs = tell(client, key_of(other_tenant.admin, "write"), {"type": "bounce_hard", **told_of}).json()
    assert theirs["unknown"] == [name]
    for answer in ({"recorded": 1, "duplicates": 0}, {"recorded": 0, "duplicates": 1}):
        assert tell(client, headers, {"type": "bounce_hard", **told_of}).json() == {**answer, "unknown": []}
    row = client.get(f"/api/ticket-messages/{id}", headers=headers).json()
    error = {"reason": "bounce_hard", "data": {"code": 550}}
    assert (row["delivery"], row["last_error"], row["attempts"]) == ("failed", error, 1)
    assert "claim_token" not in row
    with db.read(tenant.owner) as reads:
        [notification] = reads.rows(Notification)
    assert notification.title == "A reply to ticket #1 was not sent"


@pytest.mark.parametrize("wrong", [{"type": "eaten"}, {"message_id": ""}, {"occurred_at": "2026-01-01T00:00:00"}])
def test_a_wrong_event_refuses_them_all(
    client: Client, db: Database, tenant: Tenant, key_of: KeyOf, message_id: UUID, wrong: dict[str, str]
) -> None:
    good = {"type": "delivered", "message_id": str(message_id)}
    assert tell(client, key_of(tenant.admin, "write"), good, {**good, **wrong}).status_code == 422
    assert told(db, tenant.owner) == []


# -- verbs ------------------------------------------------------------------------------------------------------------


def test_a_message_is_sent_and_a_step_tried_over_the_api(factory: Factory) -> None:
    post = factory.client.post
    prospect_id = factory.create("prospects", email="ann@a.example")["id"]
    id = factory.create("messages", prospect_id=prospect_id, subject="Hi", content="Hello")["id"]
    answer = post(f"/api/messages/{id}/send", json={}, headers=factory.headers)
    assert (answer.status_code, answer.json()["status"]) == (200, "queued")
    sequence_id = factory.create("sequences", name="S", steps=[{"step_key": "a", "content": "A"}])["id"]
    listed = factory.client.get(f"/api/sequence-steps?sequence_id={sequence_id}", headers=factory.headers).json()
    [step] = listed["data"]
    answer = post(f"/api/sequence-steps/{step['id']}/send-test", json={}, headers=factory.headers)
    assert (answer.status_code, list(answer.json())) == (202, ["job_id"])
    missing = post(f"/api/sequence-steps/{NOWHERE}/send-test", json={}, headers=factory.headers)
    assert missing.status_code == 404


def test_a_sending_window_needs_a_time_zone_there_is(factory: Factory) -> None:
    body = {"name": "S", "settings": {"sending_window": {"tz": "Mars/Base"}}}
    answer = factory.client.post("/api/sequences", json=body, headers=factory.headers)
    assert (answer.status_code, "Europe/Paris" in answer.text) == (422, True)
