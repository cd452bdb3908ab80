from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.domains.marketing.demo import seed_marketing
from tests.fixtures import Tenant


def test_the_demonstration_data_is_there_once(db: Database, actor: Actor, tenant: Tenant) -> None:
    users = [tenant.owner.id, tenant.member.id]
    assert db.write(actor, lambda tx: seed_marketing(tx, users=users)) == 5
    tables = ("brands", "campaigns", "campaign_templates", "journeys", "contents", "analytics_events", "changes")
    sql = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in tables)
    before = dict(db.query(sql))
    assert [before[table] for table in tables[:4]] == [3, 5, 3, 5]
    assert before["analytics_events"] > 500
    assert db.write(actor, lambda tx: seed_marketing(tx, users=users)) == 0
    assert dict(db.query(sql)) == before


def test_two_organizations_can_have_the_demonstration_data(db: Database, tenant: Tenant, other_tenant: Tenant) -> None:
    for who in (tenant, other_tenant):
        assert db.write(who.owner, lambda tx, who=who: seed_marketing(tx, users=[who.owner.id])) == 5
