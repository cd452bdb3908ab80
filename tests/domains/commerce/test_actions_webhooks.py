import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.tables import Job, JobStatus
from growbase.core.trash import trash
from growbase.domains.commerce.actions_drafts import propose_draft
from growbase.domains.commerce.actions_flags import resolve_flag
from growbase.domains.commerce.actions_orders import approve_order, submit_order
from growbase.domains.commerce.actions_stores import connect_store, disconnect_store
from growbase.domains.commerce.actions_webhooks import process_event, record_webhook, shopify_signature
from growbase.domains.commerce.documents import Thresholds
from growbase.domains.commerce.models import Store, StoreStatus
from growbase.domains.commerce.models_events import WebhookEvent, WebhookStatus
from growbase.domains.commerce.models_flags import FlagStatus, OrderFlag, Urgency
from growbase.domains.commerce.models_tickets import Ticket, TicketMessage
from growbase.domains.commerce.order_rules import amount_minor, reasons_of
from growbase.domains.commerce.tasks import TASKS
from growbase.jobs.worker import Worker
from tests.domains.commerce.factories import AtOnce, make_order, make_store, set_settings, write_in

SHOP = "blue.myshopify.com"


@pytest.fixture
def store_id(db: Database, actor: Actor) -> UUID:
    return db.write(actor, lambda tx: make_store(tx, shop_domain=SHOP))


def deliver(
    db: Database,
    actor: Actor,
    store_id: UUID | None,
    topic: str,
    payload: dict[str, Any],
    *,
    id: str = "",
    provider: str = "shopify",
    triggered_at: datetime | None = None,
) -> bool:
    body = json.dumps(payload).encode()
    return db.write(
        system("webhook", actor.organization_id),
        lambda tx: record_webhook(
            tx,
            provider=provider,
            webhook_id=id or str(clock.new_id()),
            topic=topic,
            shop_domain=SHOP,
            body=body,
            payload=payload,
            store_id=store_id,
            triggered_at=triggered_at,
        ),
    )


def work(db: Database) -> None:
    worker = Worker(db, TASKS)
    while worker.run_one():
        pass


def events(db: Database, actor: Actor) -> list[WebhookEvent]:
    with db.read(actor) as reads:
        return reads.rows(WebhookEvent, order="id")


def order(number: int = 1, *, total: str = "10.00", version: int = 1, **over: Any) -> dict[str, Any]:  # noqa: ANN401
    at = datetime(2026, 3, 1, 12, version, tzinfo=UTC).isoformat()
    return {"id": number, "total_price": total, "currency": "EUR", "updated_at": at, **over}


def test_a_signature_is_what_the_sender_computes() -> None:
    # By: openssl dgst -sha256 -hmac hush -binary | base64
    assert shopify_signature("hush", b'{"id":1}') == "VnKUjZsLuN5iZWjn5EntcBVCF9kMN43LglzCE1/GSeY="


def test_a_webhook_is_written_down_once_and_worked_on_once(
    db: Database, actor: Actor, store_id: UUID, at_once: AtOnce
) -> None:
    found = at_once([lambda: deliver(db, actor, store_id, "orders/create", order(total="2000.00"), id="w1")] * 5)
    assert found.count(True) == 1
    assert not deliver(db, actor, store_id, "orders/create", order(), id="w1")
    work(db)
    assert not deliver(db, actor, store_id, "orders/create", order(total="2000.00"), id="w1")
    work(db)
    [event] = events(db, actor)
    assert (event.status, event.attempts, event.processed_at is None) == (WebhookStatus.SUCCEEDED, 1, False)
    assert (event.resource_id, event.resource_version) == ("1", "2026-03-01T12:01:00.000000Z")
    with db.read(actor) as reads:
        [flag] = reads.rows(OrderFlag)
    assert (flag.flag_type, flag.webhook_event_id) == ("high_value", event.id)


def test_what_is_not_understood_is_skipped(db: Database, actor: Actor, store_id: UUID) -> None:
    deliver(db, actor, store_id, "themes/publish", {"id": 1})
    deliver(db, actor, None, "orders/create", order(total="9999.00"))
    work(db)
    assert {event.status for event in events(db, actor)} == {WebhookStatus.SKIPPED}


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (order(total="999.99"), {}),
        (order(total="1000.00"), {"high_value": Urgency.NORMAL}),
        (order(total="5000"), {"high_value": Urgency.HIGH}),
        (order(total="100000", currency="JPY"), {"high_value": Urgency.NORMAL}),
        (order(total="none"), {}),
        (order(financial_status="voided"), {"payment_risk": Urgency.HIGH}),
        (order(risks=[{"recommendation": "accept"}]), {}),
        (
            order(risks=[{"recommendation": "investigate"}, {"recommendation": "cancel"}]),
            {"payment_risk": Urgency.URGENT},
        ),
        ({"id": 1}, {}),
        ({"id": 1, "risks": ["x", None], "total_price": None, "currency": 3}, {}),
    ],
)
def test_what_an_order_says_about_itself(payload: dict[str, Any], expected: dict[str, Urgency]) -> None:
    assert {kind: severity for kind, (severity, _) in reasons_of(payload, Thresholds()).items()} == expected


def test_the_store_says_what_is_much(db: Database, actor: Actor, store_id: UUID) -> None:
    db.write(actor, lambda tx: set_settings(tx, store_id, thresholds={"high_value_minor": 1_000}))
    deliver(db, actor, store_id, "orders/create", order(total="10.00"))
    work(db)
    with db.read(actor) as reads:
        assert reads.count(OrderFlag, flag_type="high_value") == 1
    assert amount_minor("1e3", "EUR") == 100_000


VERSIONS = {
    1: order(1, total="10.00", version=1),
    2: order(1, total="2000.00", version=2),
    3: order(1, total="9000.00", version=3, financial_status="voided"),
    4: order(1, total="10.00", version=4, risks=[{"recommendation": "cancel"}]),
    5: order(1, total="1500.00", version=5),
}


def flags(db: Database, actor: Actor, store_id: UUID) -> list[tuple[object, ...]]:
    with db.read(actor) as reads:
        found = reads.rows(OrderFlag, store_id=store_id, order="flag_type")
    return [
        (flag.flag_type, flag.status, flag.severity, flag.reopen_count, flag.__dict__["metadata"]) for flag in found
    ]


def end_of(db: Database, actor: Actor, versions: Sequence[int], tag: str) -> list[tuple[object, ...]]:
    """Return the flags of a new store after these versions of an order were delivered one after another."""
    store_id = db.write(actor, make_store)
    for version in versions:
        topic = "orders/create" if version == 1 else "orders/updated"
        deliver(db, actor, store_id, topic, VERSIONS[version], id=f"{tag}/{version}")
        work(db)
    found = flags(db, actor, store_id)
    return [(*rest, {**seen, "webhook": seen["webhook"].rpartition("/")[2]}) for *rest, seen in found]  # type: ignore[dict-item, index]


def test_every_order_of_delivery_ends_the_same(db: Database, actor: Actor) -> None:
    ends = [end_of(db, actor, versions, str(n)) for n, versions in enumerate(permutations((1, 2, 3, 4)))]
    assert ends[0] == [
        ("high_value", FlagStatus.RESOLVED, Urgency.HIGH, 0, {"total_minor": 900_000, **_seen(3)}),
        (
            "payment_risk",
            FlagStatus.OPEN,
            Urgency.URGENT,
            0,
            {"recommendation": "cancel", "financial_status": ""} | _seen(4),
        ),
    ]
    assert all(end == ends[0] for end in ends)


def _seen(version: int) -> dict[str, Any]:
    currency = {"currency": "EUR"} if version == 3 else {}
    return {**currency, "version": f"2026-03-01T12:0{version}:00.000000Z", "webhook": str(version)}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_replays_and_gaps_end_as_the_versions_in_order_do(db: Database, actor: Actor, data: st.DataObject) -> None:
    some = data.draw(st.lists(st.sampled_from(sorted(VERSIONS)), min_size=1, max_size=5, unique=True))
    mixed = data.draw(st.permutations(some + data.draw(st.lists(st.sampled_from(some), max_size=3))))
    tag = str(clock.new_id())
    assert end_of(db, actor, mixed, f"{tag}/a") == end_of(db, actor, sorted(some), f"{tag}/b")


def test_what_people_settled_opens_again_only_for_the_newest_version(
    db: Database, actor: Actor, store_id: UUID
) -> None:
    deliver(db, actor, store_id, "orders/create", VERSIONS[2])
    work(db)
    with db.read(actor) as reads:
        [flag] = reads.rows(OrderFlag)
    db.write(actor, lambda tx: resolve_flag(tx, id=flag.id, notes="checked"))
    deliver(db, actor, store_id, "orders/updated", VERSIONS[1])
    work(db)
    assert flags(db, actor, store_id)[0][1] is FlagStatus.RESOLVED
    deliver(db, actor, store_id, "orders/updated", VERSIONS[5])
    work(db)
    assert flags(db, actor, store_id)[0][1:4] == (FlagStatus.OPEN, Urgency.NORMAL, 1)


def test_taking_the_app_out_disconnects_unless_it_came_back(db: Database, actor: Actor) -> None:
    id = db.write(actor, lambda tx: connect_store(tx, shop_domain=SHOP, access_token="a"))
    deliver(db, actor, id, "app/uninstalled", {"id": 1}, triggered_at=clock.now())
    work(db)
    deliver(db, actor, id, "app/uninstalled", {"id": 1}, id="late", triggered_at=clock.now())
    db.write(actor, lambda tx: connect_store(tx, shop_domain=SHOP, access_token="b"))
    work(db)
    with db.read(actor) as reads:
        assert reads.get(Store, id).status is StoreStatus.ACTIVE
    assert [event.status for event in events(db, actor)] == [WebhookStatus.SUCCEEDED, WebhookStatus.SKIPPED]


def test_a_customer_is_forgotten_everywhere(db: Database, actor: Actor, store_id: UUID) -> None:
    mine = db.write(actor, lambda tx: write_in(tx, store_id, body="I live at 1 Main Street"))
    trashed = db.write(actor, lambda tx: write_in(tx, store_id, thread_key="t", shopify_customer_id="7"))
    db.write(actor, lambda tx: trash(tx, Ticket, trashed.ticket_id))
    other = db.write(actor, lambda tx: write_in(tx, store_id, customer_email="bob@example.com", body="Bob's words"))
    deliver(db, actor, store_id, "orders/create", order(5, total="9000"), id="o5")
    work(db)
    payload = {"customer": {"id": 7, "email": "Ann@Example.com"}, "orders_to_redact": [5]}
    deliver(db, actor, store_id, "customers/redact", payload, id="r")
    work(db)
    with db.read(actor) as reads:
        for id in (mine.ticket_id, trashed.ticket_id):
            ticket = reads.get(Ticket, id, trash=True)
            assert (ticket.customer_email, ticket.customer_name, ticket.shopify_customer_id) == (None, None, None)
            assert [message.body_rich for message in reads.rows(TicketMessage, ticket_id=id)] == ["[removed]"]
        assert reads.rows(TicketMessage, ticket_id=other.ticket_id)[0].body_rich == "Bob's words"
    before = {event.webhook_id: event.payload for event in events(db, actor)}
    assert before["o5"] is None
    assert not deliver(db, actor, store_id, "customers/redact", payload, id="r")


def test_a_request_for_data_is_a_ticket(db: Database, actor: Actor, store_id: UUID) -> None:
    db.write(actor, lambda tx: write_in(tx, store_id))
    deliver(db, actor, store_id, "customers/data_request", {"customer": {"id": 7, "email": "ann@example.com"}}, id="d")
    work(db)
    with db.read(actor) as reads:
        ticket = reads.find(Ticket, thread_key="data-request/d")
        assert ticket is not None
        [note] = reads.rows(TicketMessage, ticket_id=ticket.id)
    assert (ticket.customer_email, ticket.waiting_since is None) == ("ann@example.com", False)
    assert "#1 (1 not closed)" in note.body_rich


def test_a_shop_that_has_gone_is_removed_but_for_what_reports_need(db: Database, actor: Actor, store_id: UUID) -> None:
    received = db.write(actor, lambda tx: write_in(tx, store_id, body="Personal words"))
    db.write(actor, lambda tx: propose_draft(tx, ticket_id=received.ticket_id, content="Personal answer"))
    id = db.write(actor, lambda tx: make_order(tx, store_id=store_id))
    for step in (submit_order, approve_order):
        db.write(actor, lambda tx, step=step: step(tx, id=id))
    deliver(db, actor, store_id, "orders/create", order(total="9000"))
    work(db)
    db.write(actor, lambda tx: disconnect_store(tx, id=store_id))
    for name in ("s1", "s2"):
        deliver(db, actor, None, "shop/redact", {"shop_domain": SHOP}, id=name, triggered_at=clock.now())
        work(db)
    last = events(db, actor)
    assert [event.status for event in last[-2:]] == [WebhookStatus.SUCCEEDED, WebhookStatus.SKIPPED]
    assert all(event.payload is None for event in last if event.topic == "orders/create")
    with db.read(actor) as reads:
        store = reads.get(Store, store_id, trash=True)
        assert (store.purged_at is None, store.access_token_cipher) == (False, None)
        assert reads.count(OrderFlag) == 0
        assert {row.body_rich for row in reads.rows(TicketMessage)} == {"[removed]"}
    for table in ("store_settings", "store_counters", "purchase_orders", "purchase_order_lines"):
        assert db.query(f"SELECT count(*) FROM {table}")[0][0] == 0, table
    again = db.write(actor, lambda tx: connect_store(tx, shop_domain=SHOP, access_token="new"))
    assert again != store_id


def test_a_shop_that_came_back_is_not_removed(db: Database, actor: Actor) -> None:
    id = db.write(actor, lambda tx: connect_store(tx, shop_domain=SHOP, access_token="a"))
    deliver(db, actor, id, "shop/redact", {}, triggered_at=clock.now() - timedelta(hours=1))
    work(db)
    with db.read(actor) as reads:
        assert reads.get(Store, id).status is StoreStatus.ACTIVE


def test_other_services_bring_messages_and_flags(db: Database, actor: Actor, store_id: UUID) -> None:
    message = {"body": "Hello", "customer_email": "ann@example.com", "topic": "message.received"}
    for id in ("1", "2"):
        deliver(db, actor, store_id, "message.received", message, provider="chat", id=id)
    flag = {"shopify_order_id": "9", "flag_type": "address_issue"}
    deliver(db, actor, store_id, "order_flag.detected", flag, provider="checker")
    deliver(db, actor, store_id, "message.received", {"customer_email": "x"}, provider="chat", id="3")
    work(db)
    states = [event.status for event in events(db, actor)]
    assert states == [*[WebhookStatus.SUCCEEDED] * 3, WebhookStatus.FAILED]
    assert "payload.body" in str(events(db, actor)[-1].error)
    with db.read(actor) as reads:
        assert (reads.count(Ticket), reads.count(TicketMessage), reads.count(OrderFlag)) == (1, 2, 1)


def test_a_webhook_that_fails_is_tried_again(
    db: Database, actor: Actor, store_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(db, actor, store_id, "orders/create", order(total="9000"))
    with monkeypatch.context() as broken:
        broken.setattr("growbase.domains.commerce.order_rules.reasons_of", lambda *_: 1 / 0)
        work(db)
    [event] = events(db, actor)
    assert (event.status, event.attempts) == (WebhookStatus.FAILED, 1)
    assert "ZeroDivisionError" in str(event.error)
    with db.read(actor) as reads:
        [job] = reads.rows(Job, kind="process_webhook")
    assert job.status is JobStatus.QUEUED
    assert db.write(actor, lambda tx: process_event(tx, event_id=event.id)) is WebhookStatus.SUCCEEDED
    [event] = events(db, actor)
    assert (event.attempts, event.error) == (2, None)
