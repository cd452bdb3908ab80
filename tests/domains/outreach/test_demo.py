from collections import Counter

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.trash import trash
from growbase.domains.outreach.demo import seed_outreach
from growbase.domains.outreach.models import Icp, Prospect, Stage
from growbase.domains.outreach.models_messages import AiInsight, Message, MessageStatus
from growbase.domains.outreach.models_sequences import Enrollment, OutreachCampaign, SequenceStep
from tests.fixtures import Tenant


def test_the_demonstration_data_is_there_once(db: Database, actor: Actor, tenant: Tenant) -> None:
    users = [tenant.owner.id, tenant.member.id]
    assert db.write(actor, lambda tx: seed_outreach(tx, users=users)) == 24
    with db.read(actor) as reads:
        assert (reads.count(Icp), reads.count(AiInsight), reads.count(SequenceStep)) == (1, 3, 3)
        campaigns = {row.name: row.status.value for row in reads.rows(OutreachCampaign)}
        stages = Counter(row.stage for row in reads.rows(Prospect))
        messages = Counter(row.status for row in reads.rows(Message))
        states = Counter(row.status.value for row in reads.rows(Enrollment))
        delays = [row.delay_days for row in reads.rows(SequenceStep, order="step_number")]
        opened = [row for row in reads.rows(Message) if row.open_count]
        assert all(row.sent_at and row.first_opened_at and row.sent_at < row.first_opened_at for row in opened)
    assert campaigns == {"Q1 partners": "draft", "Spring introduction": "active"}
    assert delays == [0, 3, 4]
    assert set(stages) == set(Stage)
    # Two of them are answers.
    assert messages == {MessageStatus.DELIVERED: 21, MessageStatus.BOUNCED: 1}
    assert states == {"active": 8, "replied": 2, "bounced": 1, "unsubscribed": 1}
    assert len(opened) > 8
    tables = ("prospects", "messages", "message_events", "activities", "suppressions", "changes")
    sql = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in tables)
    before = dict(db.query(sql))
    assert db.write(actor, lambda tx: seed_outreach(tx, users=users)) == 0
    assert dict(db.query(sql)) == before


def test_what_a_person_has_deleted_stays_deleted(db: Database, actor: Actor, tenant: Tenant) -> None:
    users = [tenant.owner.id]
    db.write(actor, lambda tx: seed_outreach(tx, users=users))
    with db.read(actor) as reads:
        prospect, icp = reads.rows(Prospect)[0], reads.rows(Icp)[0]
    db.write(actor, lambda tx: (trash(tx, Prospect, prospect.id), trash(tx, Icp, icp.id)))
    assert db.write(actor, lambda tx: seed_outreach(tx, users=users)) == 0
    with db.read(actor) as reads:
        assert (reads.count(Prospect), reads.count(Icp)) == (23, 0)


def test_two_organizations_can_have_the_demonstration_data(db: Database, tenant: Tenant, other_tenant: Tenant) -> None:
    for who in (tenant, other_tenant):
        assert db.write(who.owner, lambda tx, who=who: seed_outreach(tx, users=[who.owner.id])) == 24
