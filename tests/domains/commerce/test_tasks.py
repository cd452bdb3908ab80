from datetime import timedelta
from uuid import UUID

import pytest

from growbase.core import clock
from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.domains.commerce import tasks
from growbase.domains.commerce.actions_connections import record_connection
from growbase.domains.commerce.actions_drafts import propose_draft
from growbase.domains.commerce.actions_flags import detect_flag, snooze_flag
from growbase.domains.commerce.actions_tickets import snooze_ticket
from growbase.domains.commerce.actions_webhooks import record_webhook
from growbase.domains.commerce.models import Integration
from growbase.domains.commerce.models_events import ConnectionEvent, ConnectionStatus, WebhookEvent
from growbase.domains.commerce.models_flags import FlagStatus, OrderFlag
from growbase.domains.commerce.models_purchasing import PurchaseOrder
from growbase.domains.commerce.models_tickets import AiDraft, Ticket, TicketStatus
from growbase.jobs.retention import retain
from tests.domains.commerce.factories import make_order, make_store, write_in
from tests.fixtures import Tenant


def test_what_sleeps_wakes_in_every_organization(db: Database, tenant: Tenant, other_tenant: Tenant) -> None:
    past = {"snoozed_until": clock.now() - timedelta(seconds=1)}
    for who in (tenant.owner, other_tenant.owner):
        store_id = db.write(who, make_store)
        flag_id = db.write(
            who, lambda tx, id=store_id: detect_flag(tx, store_id=id, shopify_order_id="1", flag_type="high_value")
        )
        ticket_id = db.write(who, lambda tx, id=store_id: write_in(tx, id)).ticket_id
        for model, snooze, id in ((OrderFlag, snooze_flag, flag_id), (Ticket, snooze_ticket, ticket_id)):
            later = clock.now() + timedelta(hours=1)
            db.write(who, lambda tx, snooze=snooze, id=id, later=later: snooze(tx, id=id, until=later))
            db.write(who, lambda tx, model=model, id=id: tx.update(model, id, past))
    assert (tasks.unsnooze_flags(db), tasks.unsnooze_tickets(db)) == (2, 2)
    assert (tasks.unsnooze_flags(db), tasks.unsnooze_tickets(db)) == (0, 0)
    with db.read(tenant.owner) as reads:
        assert reads.rows(OrderFlag)[0].status is FlagStatus.OPEN
        assert reads.rows(Ticket)[0].status is TicketStatus.OPEN


def age(db: Database, table: str, column: str, days: int, where: str = "1 = 1") -> None:
    """Let rows be older than they are."""
    moment = clock.now() - timedelta(days=days)
    model = {"connection_events": ConnectionEvent, "webhook_events": WebhookEvent, "ai_drafts": AiDraft}[table]
    db.write(
        SYSTEM,
        lambda tx: tx.execute(
            f"UPDATE {table} SET {column} = {'%s' if db.engine == 'postgresql' else '?'} WHERE {where}",
            [tx.plan(model).fields[column].bound(moment)],
        ),
    )


SYSTEM = tasks.system("test")


def test_old_words_and_payloads_go(db: Database, actor: Actor) -> None:
    store_id = db.write(actor, make_store)
    ticket_id = db.write(actor, lambda tx: write_in(tx, store_id)).ticket_id
    assert ticket_id is not None
    for _ in range(2):
        db.write(actor, lambda tx: propose_draft(tx, ticket_id=ticket_id, content="Words"))
    webhook = {"provider": "shopify", "topic": "x", "shop_domain": "s", "body": b"{}", "store_id": store_id}
    for id in ("1", "2"):
        db.write(actor, lambda tx, id=id: record_webhook(tx, webhook_id=id, payload={"a": 1}, **webhook))
    assert (retain(db, table="ai_drafts").rows, retain(db, table="webhook_events").rows) == (0, 0)
    age(db, "ai_drafts", "created_at", 181, "status = 'superseded'")
    age(db, "webhook_events", "received_at", 31, "webhook_id = '1'")
    assert (retain(db, table="ai_drafts").rows, retain(db, table="webhook_events").rows) == (1, 1)
    assert (retain(db, table="ai_drafts").rows, retain(db, table="webhook_events").rows) == (0, 0)
    with db.read(actor) as reads:
        assert {row.webhook_id: row.payload for row in reads.rows(WebhookEvent)} == {"1": None, "2": {"a": 1}}
        assert sorted(row.content for row in reads.rows(AiDraft)) == ["Words", "[removed]"]
    assert not db.write(actor, lambda tx: record_webhook(tx, webhook_id="1", payload={"a": 1}, **webhook))


def test_old_tests_of_connections_go_but_the_newest_of_each(db: Database, actor: Actor) -> None:
    stores = [db.write(actor, make_store) for _ in range(2)]

    def note(store_id: UUID, integration: Integration) -> None:
        went = {"status": ConnectionStatus.SUCCESS, "message": "Good."}
        db.write(actor, lambda tx: record_connection(tx, store_id=store_id, integration=integration, **went))

    for store_id in stores:
        for integration in (Integration.GA4, Integration.GA4, Integration.BING):
            note(store_id, integration)
    age(db, "connection_events", "created_at", 91, "integration = 'bing'")
    with db.read(actor) as reads:
        first = {row.store_id: row.id for row in reads.rows(ConnectionEvent, integration="ga4", order="-id")}
    for id in first.values():
        age(db, "connection_events", "created_at", 95, f"id = '{id}'")
    assert retain(db, table="connection_events").rows == 2
    assert retain(db, table="connection_events").rows == 0
    with db.read(actor) as reads:
        assert reads.count(ConnectionEvent) == 4


def test_a_total_that_is_wrong_is_reported(db: Database, actor: Actor, capsys: pytest.CaptureFixture[str]) -> None:
    id = db.write(actor, make_order)
    assert tasks.order_totals(db) == 0
    db.write(actor, lambda tx: tx.update(PurchaseOrder, id, {"subtotal_minor": 1, "total_minor": 1}))
    assert tasks.order_totals(db) == 1
    assert capsys is not None


def test_secrets_of_the_newest_key_are_left_alone(db: Database, actor: Actor) -> None:
    db.write(actor, make_store)
    assert tasks.old_seals(db) == 0
    assert all(sweep(db) == 0 for sweep in tasks.SWEEPS)
