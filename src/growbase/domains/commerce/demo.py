"""Demonstration data: two mock stores with their desk, their flags, what sells and what is ordered."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from growbase.core.transaction import Transaction
from growbase.domains.commerce.actions_connections import record_connection
from growbase.domains.commerce.actions_desk import create_canned_reply
from growbase.domains.commerce.actions_drafts import approve_draft, propose_draft, send_draft
from growbase.domains.commerce.actions_flags import create_flag, dismiss_flag, resolve_flag, snooze_flag
from growbase.domains.commerce.actions_insights import record_insights
from growbase.domains.commerce.actions_kpis import kpi_key, write_kpi
from growbase.domains.commerce.actions_messages import post_message, receive_customer_message, report_delivery
from growbase.domains.commerce.actions_orders import approve_order, cancel_order, create_order, submit_order
from growbase.domains.commerce.actions_receiving import receive_order
from growbase.domains.commerce.actions_stores import create_secret, create_store, update_settings
from growbase.domains.commerce.actions_tickets import assign_ticket, resolve_ticket, snooze_ticket
from growbase.domains.commerce.actions_velocity import record_velocity
from growbase.domains.commerce.demo_texts import ARTICLES, CANNED, CONNECTIONS, FLAGS, INSIGHTS, ORDERS, STORES, TICKETS
from growbase.domains.commerce.metrics import METRICS, compute
from growbase.domains.commerce.models import Store, StoreSettings
from growbase.domains.commerce.models_desk import CannedReply
from growbase.domains.commerce.models_insights import ProductVelocity
from growbase.domains.commerce.models_purchasing import PurchaseOrderLine
from growbase.domains.commerce.models_tickets import AiDraft, Delivery, Ticket, TicketSource, TicketStatus

DAYS = 30


def seed_commerce(tx: Transaction, *, users: Sequence[UUID]) -> int:
    """Fill the organization with two demonstration stores and return how many were made; twice changes nothing.

    ``users`` are active members, who look after the tickets in turn. A store somebody moved to the trash stays there.
    """
    for name, shortcut, language, body in CANNED:
        id = _id(tx, "canned reply", name)
        if tx.find(CannedReply, id, trash=True) is None:
            create_canned_reply(tx, id=id, name=name, shortcut=shortcut, language=language, body=body)
    return sum(_store(tx, plan, users) for plan in STORES)


def _id(tx: Transaction, noun: str, name: str) -> UUID:
    organization_id = tx.actor.organization_id
    assert organization_id is not None
    return uuid5(organization_id, f"demo {noun} {name}")


def _store(tx: Transaction, plan: dict[str, Any], users: Sequence[UUID]) -> bool:
    """Make one store as planned; False if it is there already."""
    store_id = _id(tx, "store", plan["name"])
    if tx.find(Store, store_id, trash=True) is not None:
        return False
    columns = {name: value for name, value in plan.items() if name not in {"settings", "vendor"}}
    create_store(tx, id=store_id, access_token="demo-token", **columns)  # noqa: S106 -- opens nothing
    settings = tx.find(StoreSettings, store_id=store_id)
    assert settings is not None
    update_settings(tx, id=settings.id, changes=plan["settings"])
    create_secret(tx, store_id=store_id, provider="klaviyo", label="api_key", secret="demo-key")  # noqa: S106
    for values in FLAGS:
        _flag(tx, store_id, dict(values))
    for place, ticket in enumerate(TICKETS):
        _ticket(tx, store_id, ticket, users[place % len(users)])
    record_insights(tx, store_id=store_id, scan_id="demo", insights=INSIGHTS)
    _velocity(tx, store_id)
    for status, skus in ORDERS:
        _order(tx, store_id, plan, status, skus)
    for integration, went, message, latency in CONNECTIONS:
        record_connection(
            tx, store_id=store_id, integration=integration, status=went, message=message, latency_ms=latency
        )
    _kpis(tx, store_id)
    return True


def _flag(tx: Transaction, store_id: UUID, values: dict[str, Any]) -> None:
    then = values.pop("then")
    flag_id = create_flag(tx, id=uuid5(store_id, f"flag {values['shopify_order_id']}"), store_id=store_id, **values)
    if then == "snoozed":
        snooze_flag(tx, id=flag_id, until=tx.now + timedelta(days=2))
    elif then == "resolved":
        resolve_flag(tx, id=flag_id, notes="The customer confirmed the address.")
    elif then == "dismissed":
        dismiss_flag(tx, id=flag_id)


def _ticket(tx: Transaction, store_id: UUID, plan: dict[str, Any], user: UUID) -> None:
    """Let a conversation happen: what the customer wrote, what staff answered, and what became of it."""
    received = None
    for place, (who, words) in enumerate(plan["talk"]):
        if who == "customer":
            received = receive_customer_message(
                tx,
                store_id=store_id,
                body=words,
                subject=plan["subject"],
                customer_email=plan["email"],
                customer_name=plan["name"],
                shopify_order_id=plan["order"],
                thread_key=f"demo/{plan['key']}",
                external_id=f"demo/{plan['key']}/{place}",
                source=TicketSource.EMAIL,
            )
        else:
            assert received is not None
            assert received.ticket_id is not None
            id = post_message(tx, ticket_id=received.ticket_id, body_rich=words, is_internal_note=who == "note")
            if who != "note":
                _deliver(tx, id)
    assert received is not None
    assert received.ticket_id is not None
    ticket_id = received.ticket_id
    assign_ticket(tx, id=ticket_id, user_id=user)
    if plan["draft"]:
        draft_id = propose_draft(
            tx, ticket_id=ticket_id, ticket_message_id=received.message_id, content=plan["draft"], model="demo-model"
        )
        if plan["then"] == "sent":
            approve_draft(tx, id=draft_id, edit=f"{plan['draft']} The label is attached.")
            send_draft(tx, id=draft_id)
            sent = tx.get(AiDraft, draft_id).sent_message_id
            assert sent is not None
            _deliver(tx, sent)
    if plan["then"] in {"sent", "pending"}:
        tx.transition(Ticket, ticket_id, TicketStatus.PENDING)
    elif plan["then"] == "snoozed":
        snooze_ticket(tx, id=ticket_id, until=tx.now + timedelta(days=7))
    elif plan["then"] == "resolved":
        resolve_ticket(tx, id=ticket_id)


def _deliver(tx: Transaction, message_id: UUID) -> None:
    """Let a reply have reached its customer, so that nobody mails it."""
    report_delivery(tx, id=message_id, to=Delivery.SENT)


def _velocity(tx: Transaction, store_id: UUID) -> None:
    today = tx.now.date()
    for sku, title, sales, stock, cost in ARTICLES:
        record_velocity(
            tx,
            id=uuid5(store_id, f"velocity {sku}"),
            store_id=store_id,
            sku=sku,
            product_title=title,
            recorded_for=today,
            average_daily_sales=sales,
            current_inventory=stock,
            computed_from={"unit_cost_minor": cost, "window_days": DAYS},
        )


def _order(tx: Transaction, store_id: UUID, plan: dict[str, Any], status: str, skus: tuple[str, ...]) -> None:
    """Take an order as far as it is planned."""
    known = {row.sku: row for row in tx.rows(ProductVelocity, store_id=store_id, sku=list(skus))}
    costs = {sku: cost for sku, _, _, _, cost in ARTICLES}
    lines = [
        {
            "sku": sku,
            "product_title": known[sku].product_title,
            "quantity": max(10, known[sku].recommended_reorder_qty or 0),
            "unit_cost_minor": costs[sku],
            "velocity_id": known[sku].id,
        }
        for sku in skus
    ]
    order_id = create_order(
        tx,
        id=uuid5(store_id, f"order {status}"),
        store_id=store_id,
        vendor_name=plan["vendor"],
        currency=plan["currency"],
        shipping_minor=2_500,
        expected_at=tx.now + timedelta(days=21),
        lines=lines,
    )
    if status == "draft":
        return
    submit_order(tx, id=order_id)
    if status == "cancelled":
        cancel_order(tx, id=order_id)
    if status in {"approved", "partially_received", "received"}:
        approve_order(tx, id=order_id)
    rows = tx.rows(PurchaseOrderLine, purchase_order_id=order_id, order="position")
    arrived = {"partially_received": rows[:1], "received": rows}.get(status, [])
    if arrived:
        delivery = [{"line_id": row.id, "quantity": row.quantity} for row in arrived]
        receive_order(tx, id=order_id, lines=delivery, idempotency_key="demo")


def _kpis(tx: Transaction, store_id: UUID) -> None:
    """Keep what our own figures say of the last 30 days."""
    store = tx.get(Store, store_id)
    today = tx.now.astimezone(ZoneInfo(store.timezone)).date()
    for metric in METRICS:
        key = kpi_key(store, metric, today - timedelta(days=DAYS - 1), today)
        write_kpi(tx, key, compute(tx, store, key), source_watermark=tx.now)
