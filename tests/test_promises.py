"""The live schema counted against what the five requirement documents state; on both engines, by the catalogue."""

import re

import pytest

from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.domains.marketing.gallery import GALLERY_TEMPLATES
from growbase.jobs.policies import MAINTENANCE, POLICIES, WEBHOOKS
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
VIDEO_TABLES = {"users", "campaigns", "campaign_templates", "generated_contents", "assets", "sessions"}
"""The six tables of 001; its uploaded files are assets."""
SALES_TABLES = {
    *("users", "organizations", "icps", "prospects", "sequences", "outreach_campaigns", "messages", "activities"),
    *("ai_insights", "subscriptions", "changes"),
}
"""The eleven core tables of 002; its audit log is the change log."""
PUBLISHING_TABLES = {
    *("users", "organizations", "founders", "ai_strategies", "content_pieces", "social_accounts", "scheduled_posts"),
    *("post_metric_snapshots", "brand_rules", "assets", "content_pillars", "series", "weekly_summaries"),
    *("subscriptions", "usage_counters"),
}
"""The fifteen models of 003."""
DESK_TABLES = {
    *("stores", "store_settings", "kpi_cache", "order_flags", "tickets", "ticket_messages", "seo_insights"),
    *("product_velocity", "purchase_orders", "ai_drafts", "connection_events", "purchase_order_lines"),
}
"""The models of 004, and the lines of its purchase orders."""
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
    ("generated_contents", "campaign_id", "campaigns"),
    ("assets", "campaign_id", "campaigns"),
    ("prospects", "icp_id", "icps"),
    ("sequences", "icp_id", "icps"),
    ("sequence_steps", "sequence_id", "sequences"),
    ("outreach_campaigns", "sequence_id", "sequences"),
    ("enrollments", "outreach_campaign_id", "outreach_campaigns"),
    ("enrollments", "prospect_id", "prospects"),
    ("messages", "prospect_id", "prospects"),
    ("messages", "outreach_campaign_id", "outreach_campaigns"),
    ("activities", "prospect_id", "prospects"),
    ("subscriptions", "plan_id", "plans"),
    ("content_pieces", "pillar_id", "content_pillars"),
    ("content_pieces", "series_id", "series"),
    ("scheduled_posts", "content_piece_id", "content_pieces"),
    ("scheduled_posts", "social_account_id", "social_accounts"),
    ("post_metric_snapshots", "scheduled_post_id", "scheduled_posts"),
    ("post_metric_snapshots", "social_account_id", "social_accounts"),
    ("piece_assets", "asset_id", "assets"),
    ("store_settings", "store_id", "stores"),
    ("kpi_cache", "store_id", "stores"),
    ("order_flags", "store_id", "stores"),
    ("tickets", "store_id", "stores"),
    ("ticket_messages", "ticket_id", "tickets"),
    ("ai_drafts", "ticket_message_id", "ticket_messages"),
    ("seo_insights", "store_id", "stores"),
    ("product_velocity", "store_id", "stores"),
    ("purchase_orders", "store_id", "stores"),
    ("purchase_order_lines", "purchase_order_id", "purchase_orders"),
    ("connection_events", "store_id", "stores"),
}
"""The relationships of the documents, those of a user by way of the membership."""
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
    ("generated_contents", "data"),
    ("assets", "analysis_results"),
    ("icps", "criteria"),
    ("prospects", "custom_fields"),
    ("sequences", "settings"),
    ("ai_strategies", "positioning"),
    ("ai_strategies", "channel_plan"),
    ("ai_strategies", "calendar_skeleton"),
    ("content_pieces", "hashtags"),
    ("brand_rules", "forbidden_phrases"),
    ("organizations", "markets"),
    ("organizations", "languages"),
    ("weekly_summaries", "recommendations"),
    ("store_settings", "thresholds"),
    ("kpi_cache", "payload"),
    ("connection_events", "metadata"),
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
    ("generated_contents", "type"),
    ("generated_contents", "platform"),
    ("assets", "kind"),
    ("prospects", "stage"),
    ("prospects", "source"),
    ("outreach_campaigns", "status"),
    ("messages", "status"),
    ("messages", "type"),
    ("activities", "type"),
    ("ai_insights", "type"),
    ("ai_insights", "priority"),
    ("organizations", "data_region"),
    ("organizations", "company_size"),
    ("subscriptions", "status"),
    ("content_pieces", "platform"),
    ("content_pieces", "type"),
    ("content_pieces", "status"),
    ("scheduled_posts", "status"),
    ("social_accounts", "status"),
    ("ai_strategies", "status"),
    ("weekly_summaries", "status"),
    ("stores", "status"),
    ("order_flags", "status"),
    ("tickets", "status"),
    ("ticket_messages", "author_type"),
    ("seo_insights", "severity"),
    ("purchase_orders", "status"),
    ("ai_drafts", "status"),
    ("connection_events", "status"),
}
INDEXES_OF_001 = 29
PUBLISHING = {"models": 15, "foreign keys": 25, "indexes": 30, "enumerations": 10, "documents": 8, "queues": 5}
"""What 003 counts."""


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
    assert set(status.tables) >= CORE_MODELS | VIDEO_TABLES | SALES_TABLES | PUBLISHING_TABLES | DESK_TABLES
    assert set(status.views) >= VIEWS


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


def test_publishing_has_what_its_document_counts(db: Database, settings: Settings) -> None:
    own = PUBLISHING_TABLES
    found = {
        "models": len(own),
        "foreign keys": len([key for key in foreign_keys(db) if key[0] in own]),
        "indexes": len(
            [name for name in database_status(settings).indexes if name.split("_", 1)[1].startswith(tuple(own))]
        ),
        "enumerations": len({(table, column) for table, column in ENUMERATIONS if table in own}),
        "documents": len({(table, column) for table, column in JSON_COLUMNS if table in own}),
        "queues": len(POLICIES.keys() - {MAINTENANCE, WEBHOOKS}),
    }
    assert {name: count for name, count in found.items() if count < PUBLISHING[name]} == {}
    assert found["queues"] == PUBLISHING["queues"]


def test_the_three_templates_come_with_the_installation() -> None:
    names = {row["category"] for row in GALLERY_TEMPLATES}
    assert len(GALLERY_TEMPLATES) == 3
    assert names == {"product_launch", "brand_awareness", "event_promotion"}
