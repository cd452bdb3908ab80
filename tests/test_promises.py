"""The live schema counted against what the requirement documents 000 and 001 state; both engines, by the catalogue."""

import re

import pytest

from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.domains.marketing.gallery import GALLERY_TEMPLATES
from growbase.ops.status import database_status

CORE_MODELS = {
    "users",
    "brands",
    "campaigns",
    "journeys",
    "contents",
    "content_templates",
    "analytics_events",
}
"""The seven core models of 000."""
VIDEO_TABLES = {"users", "campaigns", "campaign_templates", "sessions"}
"""Of the six tables of 001 those that are not generated content or uploaded files."""
VIEWS = {"campaign_summary", "user_activity_summary", "content_performance"}
RELATIONS = {
    ("campaigns", "brand_id", "brands"),
    ("campaigns", "owner_user_id", "memberships"),
    ("brands", "owner_user_id", "memberships"),
    ("journeys", "campaign_id", "campaigns"),
    ("contents", "campaign_id", "campaigns"),
    ("contents", "journey_id", "journeys"),
    ("contents", "stage_id", "journey_stages"),
    ("analytics_events", "campaign_id", "campaigns"),
    ("analytics_events", "journey_id", "journeys"),
    ("analytics_events", "content_id", "contents"),
    ("memberships", "user_id", "users"),
}
"""The relationships of 000, those of a user by way of the membership."""
JSON_COLUMNS = {
    ("brands", "guidelines"),
    ("brands", "messaging"),
    ("campaigns", "goals"),
    ("journey_stages", "config"),
    ("contents", "metadata"),
    ("content_templates", "variables"),
    ("campaign_templates", "template_data"),
    ("analytics_events", "metrics"),
    ("campaign_briefs", "business_context"),
}
ENUMERATIONS = {
    ("users", "role"),
    ("campaigns", "status"),
    ("campaigns", "campaign_type"),
    ("journeys", "status"),
    ("contents", "type"),
    ("contents", "status"),
    ("analytics_events", "event_type"),
    ("campaign_templates", "category"),
}
INDEXES_OF_001 = 29


def foreign_keys(db: Database) -> set[tuple[str, str, str]]:
    """Return table, last referring column and target of each foreign key of the live schema."""
    if db.engine == "postgresql":
        sql = (
            "SELECT c.conrelid::regclass::text, a.attname, c.confrelid::regclass::text FROM pg_constraint c "
            "JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[array_length(c.conkey, 1)] "
            "WHERE c.contype = 'f'"
        )
        return {tuple(row) for row in db.query(sql)}  # type: ignore[misc]
    listed = "sqlite_master m, pragma_foreign_key_list(m.name) f"
    sql = f"""SELECT m.name, f."from", f."table" FROM {listed} WHERE m.type = 'table'"""
    return {tuple(row) for row in db.query(sql)}  # type: ignore[misc]


def checks(db: Database) -> str:
    """Return the text of all CHECKs of the live schema."""
    if db.engine == "postgresql":
        return "\n".join(
            f"{name} {text}"
            for name, text in db.query(
                "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c'"
            )
        )
    return "\n".join(row[0] for row in db.query("SELECT sql FROM sqlite_master WHERE type = 'table'"))


def test_every_model_and_view_of_the_documents_is_there(db: Database, settings: Settings) -> None:
    status = database_status(settings)
    assert set(status.tables) >= CORE_MODELS | VIDEO_TABLES
    assert set(status.views) == VIEWS


def test_every_relationship_of_the_documents_is_a_foreign_key(db: Database) -> None:
    assert foreign_keys(db) >= RELATIONS


@pytest.mark.parametrize(("table", "column"), sorted(ENUMERATIONS))
def test_every_enumeration_is_a_check(db: Database, table: str, column: str) -> None:
    assert re.search(rf"ck_{table}_{column}\b.*'[a-z_]+'", checks(db))


def test_json_columns_are_checked_by_the_database(db: Database) -> None:
    if db.engine == "postgresql":
        sql = "SELECT table_name, column_name FROM information_schema.columns WHERE data_type = 'json'"
        assert {tuple(row) for row in db.query(sql)} >= JSON_COLUMNS
    else:
        text = checks(db)
        assert all(
            re.search(rf"ck_{table}_{column} CHECK \(json_valid\({column}\)\)", text) for table, column in JSON_COLUMNS
        )


def test_there_are_at_least_the_indexes_of_the_documents(db: Database, settings: Settings) -> None:
    assert len(database_status(settings).indexes) >= INDEXES_OF_001


def test_the_three_templates_come_with_the_installation() -> None:
    names = {row["category"] for row in GALLERY_TEMPLATES}
    assert len(GALLERY_TEMPLATES) == 3
    assert names == {"product_launch", "brand_awareness", "event_promotion"}
