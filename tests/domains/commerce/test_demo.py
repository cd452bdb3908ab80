from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.trash import trash
from growbase.domains.commerce.actions_orders import mismatched_orders
from growbase.domains.commerce.demo import seed_commerce
from growbase.domains.commerce.models import Store
from tests.fixtures import Tenant

TABLES = (
    *("stores", "store_settings", "store_secrets", "order_flags", "order_flag_events", "tickets", "ticket_messages"),
    *("ai_drafts", "product_velocity", "purchase_orders", "purchase_order_lines", "purchase_order_receipts"),
    *("seo_insights", "connection_events", "kpi_cache", "store_counters", "canned_replies", "changes"),
)


def test_the_demonstration_data_is_there_once(db: Database, actor: Actor, tenant: Tenant) -> None:
    users = [tenant.owner.id, tenant.member.id]
    assert db.write(actor, lambda tx: seed_commerce(tx, users=users)) == 2
    sql = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in TABLES)
    before = dict(db.query(sql))
    assert not [table for table in TABLES if not before[table]]
    assert (before["stores"], before["product_velocity"], before["purchase_orders"]) == (2, 40, 12)
    assert db.write(actor, lambda tx: seed_commerce(tx, users=users)) == 0
    assert dict(db.query(sql)) == before


def test_the_demonstration_data_has_every_state_and_its_totals_are_right(
    db: Database, actor: Actor, tenant: Tenant
) -> None:
    here = system("demo", actor.organization_id)
    db.write(here, lambda tx: seed_commerce(tx, users=[tenant.owner.id]))
    for table, states in {
        "order_flags": {"open", "snoozed", "resolved", "dismissed"},
        "tickets": {"open", "pending", "snoozed", "resolved"},
        "ai_drafts": {"proposed", "sent"},
        "purchase_orders": {"draft", "submitted", "approved", "partially_received", "received", "cancelled"},
        "connection_events": {"success", "warning", "failure"},
    }.items():
        assert {row[0] for row in db.query(f"SELECT DISTINCT status FROM {table}")} == states, table
    with db.read(actor) as reads:
        assert mismatched_orders(reads) == []


def test_a_demonstration_store_in_the_trash_stays_there(db: Database, actor: Actor, tenant: Tenant) -> None:
    db.write(actor, lambda tx: seed_commerce(tx, users=[tenant.owner.id]))
    with db.read(actor) as reads:
        store = reads.rows(Store, order="id")[0]
    db.write(actor, lambda tx: trash(tx, Store, store.id))
    assert db.write(actor, lambda tx: seed_commerce(tx, users=[tenant.owner.id])) == 0


def test_two_organizations_can_have_the_demonstration_data(db: Database, tenant: Tenant, other_tenant: Tenant) -> None:
    for who in (tenant, other_tenant):
        assert db.write(who.owner, lambda tx, who=who: seed_commerce(tx, users=[who.owner.id])) == 2
