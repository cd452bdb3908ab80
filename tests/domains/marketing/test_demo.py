from pathlib import Path

from growbase.core.actor import Actor
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.file_types import examine
from growbase.core.files import open_files
from growbase.domains.marketing.demo import seed_marketing
from growbase.domains.marketing.demo_assets import seed_assets, store_pictures
from growbase.domains.marketing.demo_generated import PROPOSED
from growbase.domains.marketing.models import Content
from growbase.domains.marketing.models_assets import Asset
from growbase.domains.marketing.models_generated import GeneratedContent
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


def test_candidates_are_rated_selected_edited_and_promoted(db: Database, actor: Actor, tenant: Tenant) -> None:
    db.write(actor, lambda tx: seed_marketing(tx, users=[tenant.owner.id]))
    with db.read(actor) as reads:
        rows = reads.rows(GeneratedContent)
    assert len(rows) == sum(map(len, PROPOSED.values()))
    assert {row.user_rating for row in rows} > {1, 3, 4, 5}
    (promoted,) = [row for row in rows if row.promoted_content_id]
    assert promoted.is_selected
    with db.read(actor) as reads:
        assert reads.get(Content, promoted.promoted_content_id).body == promoted.user_edits["text"]


def test_pictures_have_bytes_and_rows_once(db: Database, actor: Actor, tenant: Tenant, tmp_path: Path) -> None:
    files = open_files(Settings(data_dir=tmp_path))
    db.write(actor, lambda tx: seed_marketing(tx, users=[tenant.owner.id]))
    for made in (3, 0):
        stored = store_pictures(files, organization_id=actor.organization_id)
        assert db.write(actor, lambda tx, stored=stored: seed_assets(tx, stored=stored)) == made
    with db.read(actor) as reads:
        rows = reads.rows(Asset)
    assert {row.campaign_id is None for row in rows} == {True, False}
    for row in rows:
        content = b"".join(files.read(row.storage_key, 0, row.size_bytes))
        assert examine(content, row.original_filename) == ("image/png", row.width, row.height)


def test_two_organizations_can_have_the_demonstration_data(db: Database, tenant: Tenant, other_tenant: Tenant) -> None:
    for who in (tenant, other_tenant):
        assert db.write(who.owner, lambda tx, who=who: seed_marketing(tx, users=[who.owner.id])) == 5
