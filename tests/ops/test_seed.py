"""The first start: an owner or the demo organization, passwords shown once, and no change the second time."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from growbase.core.actor import Actor, system
from growbase.core.config import Settings
from growbase.core.crypto import password_matches
from growbase.core.database import Database
from growbase.core.errors import Invalid
from growbase.core.transaction import Transaction
from growbase.domains.identity.models import User
from growbase.domains.identity.queries import find_login
from growbase.domains.marketing.demo import is_demo
from growbase.domains.marketing.gallery import GALLERY_TEMPLATES
from growbase.domains.marketing.models import Brand, GalleryTemplate
from growbase.ops import guard
from growbase.ops.accounts import create_user
from growbase.ops.drift import find_drift
from growbase.ops.guard import InProduction, NotConfirmed, install_facts, require_consent
from growbase.ops.history import revisions
from growbase.ops.migrate import downgrade, stamp, upgrade
from growbase.ops.reference import REFERENCE, install_reference_data
from growbase.ops.scale import seed_scale
from growbase.ops.seed import fill_organization, first_start, is_empty, remove_demo, seed_demo
from growbase.ops.status import database_status
from tests.fixtures import indexed, make_tenant


def counts(settings: Settings) -> dict[str, int]:
    return database_status(settings).tables


def user(db: Database, email: str) -> User | None:
    with db.read(system()) as reads:
        return find_login(reads, email)


def password_of(db: Database, email: str, password: str) -> bool:
    found = user(db, email)
    return found is not None and password_matches(password, found.password_hash)


def test_the_demo_fills_an_empty_database_once(db: Database, settings: Settings) -> None:
    assert is_empty(db)
    seeded = first_start(db, settings)
    assert seeded is not None
    assert set(seeded.passwords) == {"admin@example.com", "demo@example.com"}
    assert all(password_of(db, email, password) for email, password in seeded.passwords.items())
    assert seeded.api_key is not None
    assert repr(seeded.api_key) not in repr(seeded)
    before = counts(settings)
    assert before["brands"] >= 3
    assert before["campaigns"] >= 5
    assert first_start(db, settings) is None
    again = seed_demo(db, settings)
    assert (again.passwords, again.api_key) == ({}, None)
    assert counts(settings) == before


def test_the_settings_name_the_owner_of_the_demo(db: Database, settings: Settings) -> None:
    chosen = {"admin_email": "boss@example.com", "admin_password": SecretStr("a long password")}
    named = Settings(data_dir=settings.data_dir, database_url=settings.database_url, **chosen)
    seeded = first_start(db, named)
    assert seeded is not None
    assert set(seeded.passwords) == {"demo@example.com"}
    assert password_of(db, "boss@example.com", "a long password")


def test_without_demo_data_only_the_owner_is_made(db: Database, settings: Settings) -> None:
    bare = Settings(data_dir=settings.data_dir, database_url=settings.database_url, demo_data=False)
    assert first_start(db, bare) is None
    named = bare.model_copy(update={"admin_email": "boss@example.com"})
    seeded = first_start(db, named)
    assert seeded is not None
    assert password_of(db, "boss@example.com", seeded.passwords["boss@example.com"])
    assert seeded.api_key is None
    assert db.query("SELECT count(*) FROM campaigns")[0][0] == 0


def test_the_demo_is_refused_in_production(db: Database, settings: Settings) -> None:
    with pytest.raises(InProduction):
        seed_demo(db, settings.model_copy(update={"environment": "production"}))
    assert is_empty(db)


def test_reference_rows_are_installed_and_corrected(db: Database) -> None:
    assert install_reference_data(db) == sum(len(rows) for _, rows in REFERENCE)
    assert install_reference_data(db) == 0
    first = GALLERY_TEMPLATES[0]

    def change(tx: Transaction) -> None:
        tx.update(GalleryTemplate, first["id"], {"name": "Something else"})
        tx.increment(GalleryTemplate, first["id"], "usage_count", 5)

    db.write(system(), change)
    assert install_reference_data(db) == 1
    with db.read(system()) as reads:
        found = reads.get(GalleryTemplate, first["id"])
    assert (found.name, found.usage_count) == (first["name"], 5)


def test_a_database_keeps_its_identity_and_its_mark(db: Database, settings: Settings) -> None:
    install_facts(db, settings)
    before = db.query("SELECT name, value FROM instance_facts ORDER BY name")
    install_facts(db, settings)
    assert db.query("SELECT name, value FROM instance_facts ORDER BY name") == before
    assert guard.is_production(settings) is False
    install_facts(db, settings.model_copy(update={"environment": "production"}))
    assert guard.is_production(settings) is True
    with pytest.raises(InProduction):
        require_consent(settings, "growbase.db")


def test_consent_is_the_name_of_the_database(settings: Settings) -> None:
    name = settings.database.rpartition("/")[2]
    require_consent(settings, name)
    for typed in (None, "", "y", name + "x"):
        with pytest.raises(NotConfirmed, match=name):
            require_consent(settings, typed)


def test_a_database_that_is_not_there_is_no_production_database(tmp_path: Path) -> None:
    assert guard.is_production(Settings(data_dir=tmp_path)) is False


def test_filled_databases_are_upgraded_from_every_revision(db: Database, settings: Settings) -> None:
    stamp(settings)
    install_reference_data(db)
    organization_id = seed_demo(db, settings).organization_id
    before, found = counts(settings), indexed(db, organization_id, "northwind")
    assert before["changes"] > 100
    assert found > 0
    for revision in revisions()[:-1]:
        downgrade(settings, revision.id)
        kept = counts(settings)
        assert kept["changes"] == before["changes"]
        upgrade(settings)
        after = counts(settings)
        assert {table: after[table] for table in kept} == kept
        assert find_drift(settings) == []
        assert indexed(db, organization_id, "northwind") == found


def test_a_user_made_on_the_command_line_is_in_the_log(db: Database, actor: Actor) -> None:
    made = create_user(db, email="new@example.com", password="long enough 1", organization="acme")
    assert made.organization_id == actor.organization_id
    assert user(db, "NEW@example.com") is not None
    rows = db.query("SELECT actor_label FROM changes WHERE entity = 'users' ORDER BY seq DESC LIMIT 1")
    assert rows[0][0] == "command line"


def test_two_first_starts_at_once_make_one_demo(db: Database, settings: Settings) -> None:
    def start(_: int) -> object:
        return seed_demo(db, settings)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(start, range(2)))
    assert db.query("SELECT count(*) FROM organizations")[0][0] == 1
    assert db.query("SELECT count(*) FROM users")[0][0] == 2


def test_one_domain_can_be_filled_alone(db: Database, settings: Settings) -> None:
    seed_demo(db, settings, only=["outreach"])
    found = counts(settings)
    assert found["prospects"] >= 3
    assert (found["brands"], found["stores"], found["content_pieces"]) == (0, 0, 0)
    with pytest.raises(Invalid, match="marketing, outreach, social, commerce"):
        seed_demo(db, settings, only=["gardening"])


def test_every_domain_has_its_demo_set(db: Database, settings: Settings) -> None:
    """The sets that the five documents name."""
    seed_demo(db, settings)
    found = counts(settings)
    wanted = {
        "users": 2,
        "brands": 3,
        "campaigns": 5,
        "gallery_templates": 3,
        "icps": 1,
        "prospects": 3,
        "sequences": 1,
        "sequence_steps": 3,
        "outreach_campaigns": 1,
        "ai_insights": 3,
        "subscriptions": 1,
        "founders": 1,
        "brand_rules": 1,
        "ai_strategies": 1,
        "social_accounts": 2,
        "content_pillars": 2,
        "series": 1,
        "assets": 1,
        "content_pieces": 3,
        "scheduled_posts": 3,
        "post_metric_snapshots": 3,
        "weekly_summaries": 1,
        "stores": 2,
        "store_settings": 2,
        "tickets": 1,
        "purchase_orders": 1,
        "usage_counters": 1,
    }
    assert {name: found[name] for name, least in wanted.items() if found[name] < least} == {}


def test_a_large_set_is_made_once_beside_the_demo(db: Database, settings: Settings) -> None:
    home = seed_demo(db, settings, only=["commerce"]).organization_id
    steps: list[int] = []
    made = seed_scale(db, home, 2, lambda done, _: steps.append(done))
    assert made.rows > 2_000
    assert steps == [2]
    before = counts(settings)
    assert seed_scale(db, home, 2).rows == 0
    assert counts(settings) == before
    assert before["analytics_events"] == 840
    assert before["prospects"] == 140
    if db.engine == "postgresql":
        # A search right afterwards is planned for the rows there are.
        known = "SELECT DISTINCT tablename FROM pg_stats WHERE tablename IN ('prospects', 'search_documents')"
        assert len(db.query(known)) == 2


def test_the_demo_goes_into_one_organization_and_leaves_it_again(db: Database, settings: Settings) -> None:
    mine = create_user(db, email="anna@example.com", password="correct horse battery").organization_id
    rival = make_tenant(db, "Rival").owner
    by = system("test", mine)
    own = db.write(by, lambda tx: tx.insert(Brand, name="My own"))

    def brands(actor: Actor) -> list[str]:
        with db.read(actor) as reads:
            return sorted(row.name for row in reads.rows(Brand))

    fill_organization(db, settings, mine)
    assert len(brands(by)) > 3
    assert brands(rival) == []
    with db.read(by) as reads:
        assert is_demo(reads)
    went, stay = remove_demo(db, mine, by)
    assert went > 20
    assert stay < went, "only what work is under way for"
    with db.read(by) as reads:
        assert not is_demo(reads)
        assert reads.find(Brand, own) is not None
    assert brands(by) == ["My own"]
    with pytest.raises(InProduction):
        fill_organization(db, settings.model_copy(update={"environment": "production"}), mine)
