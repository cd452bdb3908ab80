from uuid import UUID

from growbase.core.actor import system
from growbase.core.crypto import password_hash
from growbase.core.database import Database
from growbase.domains.identity.actions_billing import change_plan
from growbase.domains.identity.demo import seed_identity
from growbase.domains.identity.models import Membership, Organization
from growbase.domains.identity.models_billing import Plan, Subscription
from growbase.domains.identity.plans import install_plans


def test_seeding_twice_changes_nothing(db: Database) -> None:
    hashed = password_hash("only for the demo")

    def seed() -> object:
        return db.write(system(), lambda tx: seed_identity(tx, admin_password_hash=hashed, demo_password_hash=hashed))

    first = seed()
    before = db.query("SELECT count(*) FROM changes")
    assert seed() == first
    assert db.query("SELECT count(*) FROM changes") == before
    with db.read(system(organization_id=first)) as reads:
        assert reads.get(Organization, first).name == "Growbase Demo"
        assert sorted(row.role.value for row in reads.rows(Membership)) == ["member", "owner"]
        (subscription,) = reads.rows(Subscription)
        assert reads.get(Plan, subscription.plan_id).code == "starter"


def test_the_demo_keeps_the_plan_that_was_chosen_since(db: Database) -> None:
    hashed = password_hash("only for the demo")
    db.write(system(), install_plans)

    def seed() -> UUID:
        return db.write(system(), lambda tx: seed_identity(tx, admin_password_hash=hashed, demo_password_hash=hashed))

    actor = system("test", seed())
    with db.read(actor) as reads:
        (there,) = reads.rows(Subscription)
        assert reads.get(Plan, there.plan_id).code == "starter"
    db.write(actor, lambda tx: change_plan(tx, id=there.id, plan_code="growth"))
    seed()
    with db.read(actor) as reads:
        (there,) = reads.rows(Subscription)
        assert reads.get(Plan, there.plan_id).code == "growth"
