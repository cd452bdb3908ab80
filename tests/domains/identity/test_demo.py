from growbase.core.actor import system
from growbase.core.crypto import password_hash
from growbase.core.database import Database
from growbase.domains.identity.demo import seed_identity
from growbase.domains.identity.models import Membership, Organization


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
