"""Marketing."""

import sqlalchemy as sa
from alembic import op

from growbase.core import types

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    sqlite = op.get_context().dialect.name == "sqlite"
    op.create_table(
        "analytics_daily",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("day", types.Day(), nullable=False),
        sa.Column("campaign_id", types.Identifier(), nullable=True),
        sa.Column("content_id", types.Identifier(), nullable=True),
        sa.Column("variant_id", types.Identifier(), nullable=True),
        sa.Column("event_type", types.Text(), nullable=False),
        sa.Column("currency", types.Text(), nullable=True),
        sa.Column("count", types.Integer(), nullable=False),
        sa.Column("unique_subjects", types.Integer(), nullable=False),
        sa.Column("value_minor", types.Integer(), nullable=False),
        sa.Column("last_event_at", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_analytics_daily"),
        sa.CheckConstraint("length(currency) <= 3 AND length(currency) >= 3", name="ck_analytics_daily_currency"),
        sa.CheckConstraint(
            "event_type IN ('impression', 'view', 'click', 'open', 'conversion', 'engagement', 'share', 'download', 'signup', 'purchase', 'bounce', 'unsubscribe')",
            name="ck_analytics_daily_event_type",
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_analytics_daily_campaign_id_event_type_day",
        "analytics_daily",
        ["organization_id", "campaign_id", "event_type", "day"],
    )
    op.create_index(
        "ix_analytics_daily_content_id_event_type",
        "analytics_daily",
        ["organization_id", "content_id", "event_type"],
        sqlite_where=sa.text("content_id IS NOT NULL"),
        postgresql_where=sa.text("content_id IS NOT NULL"),
    )
    op.create_index(
        "uq_analytics_daily_day_campaign_id_content_id_variant_id_eve",
        "analytics_daily",
        [
            "organization_id",
            "day",
            sa.text("coalesce(campaign_id, '00000000-0000-0000-0000-000000000000')"),
            sa.text("coalesce(content_id, '00000000-0000-0000-0000-000000000000')"),
            sa.text("coalesce(variant_id, '00000000-0000-0000-0000-000000000000')"),
            "event_type",
            sa.text("coalesce(currency, '')"),
        ],
        unique=True,
    )
    op.create_table(
        "brands",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("name_norm", types.Text(), nullable=False),
        sa.Column("description", types.Text(), nullable=True),
        sa.Column("industry", types.Text(), nullable=True),
        sa.Column("website", types.Text(), nullable=True),
        sa.Column("tagline", types.Text(), nullable=True),
        sa.Column("mission", types.Text(), nullable=True),
        sa.Column("vision", types.Text(), nullable=True),
        sa.Column("brand_values", types.Document(), nullable=True),
        sa.Column("personality", types.Document(), nullable=True),
        sa.Column("voice", types.Text(), nullable=True),
        sa.Column("tone", types.Document(), nullable=True),
        sa.Column("guidelines", types.Document(), nullable=True),
        sa.Column("messaging", types.Document(), nullable=True),
        sa.Column("target_audience", types.Document(), nullable=True),
        sa.Column("palette", types.Document(), nullable=True),
        sa.Column("typography", types.Document(), nullable=True),
        sa.Column("restricted_terms", types.Document(), nullable=False),
        sa.Column("owner_user_id", types.Identifier(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_brands"),
        sa.CheckConstraint("json_valid(brand_values)", name="ck_brands_brand_values").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(description) <= 20000", name="ck_brands_description"),
        sa.CheckConstraint("json_valid(guidelines)", name="ck_brands_guidelines").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(industry) <= 200", name="ck_brands_industry"),
        sa.CheckConstraint("json_valid(messaging)", name="ck_brands_messaging").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(mission) <= 20000", name="ck_brands_mission"),
        sa.CheckConstraint("length(name) <= 200 AND length(name) >= 1", name="ck_brands_name"),
        sa.CheckConstraint("json_valid(palette)", name="ck_brands_palette").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("json_valid(personality)", name="ck_brands_personality").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("json_valid(restricted_terms)", name="ck_brands_restricted_terms").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(tagline) <= 300", name="ck_brands_tagline"),
        sa.CheckConstraint("json_valid(target_audience)", name="ck_brands_target_audience").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("json_valid(tone)", name="ck_brands_tone").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("json_valid(typography)", name="ck_brands_typography").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("version >= 1", name="ck_brands_version"),
        sa.CheckConstraint("length(vision) <= 20000", name="ck_brands_vision"),
        sa.CheckConstraint("length(voice) <= 20000", name="ck_brands_voice"),
        sa.CheckConstraint("length(website) <= 2000", name="ck_brands_website"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_brands_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "owner_user_id"],
            ["memberships.organization_id", "memberships.user_id"],
            name="fk_brands_owner_user_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_brands_created_at", "brands", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_brands_deleted_at",
        "brands",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_brands_deletion_id",
        "brands",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index("ix_brands_name", "brands", ["organization_id", "name", "id"])
    op.create_index(
        "ix_brands_owner_user_id",
        "brands",
        ["organization_id", "owner_user_id", "id"],
        sqlite_where=sa.text("owner_user_id IS NOT NULL"),
        postgresql_where=sa.text("owner_user_id IS NOT NULL"),
    )
    op.create_index("ix_brands_updated_at", "brands", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_brands_name_norm",
        "brands",
        ["organization_id", "name_norm"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "campaign_templates",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("name_norm", types.Text(), nullable=False),
        sa.Column("description", types.Text(), nullable=True),
        sa.Column("category", types.Text(), nullable=False),
        sa.Column("template_data", types.Document(), nullable=False),
        sa.Column("default_settings", types.Document(), nullable=True),
        sa.Column("prompt_templates", types.Document(), nullable=True),
        sa.Column("visibility", types.Text(), nullable=False),
        sa.Column("usage_count", types.Integer(), nullable=False),
        sa.Column("origin_code", types.Text(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_campaign_templates"),
        sa.CheckConstraint(
            "category IN ('product_launch', 'brand_awareness', 'event_promotion', 'custom')",
            name="ck_campaign_templates_category",
        ),
        sa.CheckConstraint("json_valid(default_settings)", name="ck_campaign_templates_default_settings").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("length(description) <= 20000", name="ck_campaign_templates_description"),
        sa.CheckConstraint("length(name) <= 200 AND length(name) >= 1", name="ck_campaign_templates_name"),
        sa.CheckConstraint("length(origin_code) <= 80", name="ck_campaign_templates_origin_code"),
        sa.CheckConstraint("json_valid(prompt_templates)", name="ck_campaign_templates_prompt_templates").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("json_valid(template_data)", name="ck_campaign_templates_template_data").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("usage_count >= 0", name="ck_campaign_templates_usage_count"),
        sa.CheckConstraint("version >= 1", name="ck_campaign_templates_version"),
        sa.CheckConstraint(
            "visibility IN ('private', 'organization', 'public')", name="ck_campaign_templates_visibility"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_campaign_templates_organization_id"
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_campaign_templates_created_at", "campaign_templates", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_campaign_templates_deleted_at",
        "campaign_templates",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_campaign_templates_deletion_id",
        "campaign_templates",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index("ix_campaign_templates_name", "campaign_templates", ["organization_id", "name", "id"])
    op.create_index("ix_campaign_templates_updated_at", "campaign_templates", ["organization_id", "updated_at", "id"])
    op.create_index("ix_campaign_templates_usage_count", "campaign_templates", ["organization_id", "usage_count", "id"])
    op.create_index(
        "ix_campaign_templates_visibility_category_usage_count",
        "campaign_templates",
        ["organization_id", "visibility", "category", "usage_count"],
    )
    op.create_index(
        "uq_campaign_templates_name_norm",
        "campaign_templates",
        ["organization_id", "name_norm"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "campaigns",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("purpose", types.Text(), nullable=False),
        sa.Column("campaign_type", types.Text(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("brand_id", types.Identifier(), nullable=True),
        sa.Column("owner_user_id", types.Identifier(), nullable=True),
        sa.Column("goals", types.Document(), nullable=True),
        sa.Column("target_audience", types.Text(), nullable=True),
        sa.Column("creativity_level", types.Integer(), nullable=False),
        sa.Column("start_at", types.Moment(), nullable=True),
        sa.Column("end_at", types.Moment(), nullable=True),
        sa.Column("completed_at", types.Moment(), nullable=True),
        sa.Column("template_id", types.Identifier(), nullable=True),
        sa.Column("duplicated_from_id", types.Identifier(), nullable=True),
        sa.Column("budget_minor", types.Integer(), nullable=True),
        sa.Column("currency", types.Text(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_campaigns"),
        sa.CheckConstraint("budget_minor >= 0", name="ck_campaigns_budget_minor"),
        sa.CheckConstraint(
            "campaign_type IN ('product', 'service', 'brand', 'event', 'general')", name="ck_campaigns_campaign_type"
        ),
        sa.CheckConstraint("creativity_level >= 1 AND creativity_level <= 10", name="ck_campaigns_creativity_level"),
        sa.CheckConstraint("length(currency) <= 3 AND length(currency) >= 3", name="ck_campaigns_currency"),
        sa.CheckConstraint("end_at IS NULL OR start_at IS NULL OR end_at >= start_at", name="ck_campaigns_end_at"),
        sa.CheckConstraint("json_valid(goals)", name="ck_campaigns_goals").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(name) <= 200 AND length(name) >= 1", name="ck_campaigns_name"),
        sa.CheckConstraint("length(purpose) <= 20000 AND length(purpose) >= 1", name="ck_campaigns_purpose"),
        sa.CheckConstraint(
            "status IN ('draft', 'active', 'paused', 'completed', 'cancelled', 'archived')", name="ck_campaigns_status"
        ),
        sa.CheckConstraint("length(target_audience) <= 20000", name="ck_campaigns_target_audience"),
        sa.CheckConstraint("version >= 1", name="ck_campaigns_version"),
        sa.ForeignKeyConstraint(
            ["organization_id", "brand_id"], ["brands.organization_id", "brands.id"], name="fk_campaigns_brand_id"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "duplicated_from_id"],
            ["campaigns.organization_id", "campaigns.id"],
            name="fk_campaigns_duplicated_from_id",
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_campaigns_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "owner_user_id"],
            ["memberships.organization_id", "memberships.user_id"],
            name="fk_campaigns_owner_user_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "template_id"],
            ["campaign_templates.organization_id", "campaign_templates.id"],
            name="fk_campaigns_template_id",
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_campaigns_brand_id",
        "campaigns",
        ["organization_id", "brand_id", "id"],
        sqlite_where=sa.text("brand_id IS NOT NULL"),
        postgresql_where=sa.text("brand_id IS NOT NULL"),
    )
    op.create_index("ix_campaigns_campaign_type_status", "campaigns", ["organization_id", "campaign_type", "status"])
    op.create_index("ix_campaigns_created_at", "campaigns", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_campaigns_deleted_at",
        "campaigns",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_campaigns_deletion_id",
        "campaigns",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index(
        "ix_campaigns_duplicated_from_id",
        "campaigns",
        ["organization_id", "duplicated_from_id", "id"],
        sqlite_where=sa.text("duplicated_from_id IS NOT NULL"),
        postgresql_where=sa.text("duplicated_from_id IS NOT NULL"),
    )
    op.create_index("ix_campaigns_name", "campaigns", ["organization_id", "name", "id"])
    op.create_index("ix_campaigns_owner_user_id_status", "campaigns", ["organization_id", "owner_user_id", "status"])
    op.create_index("ix_campaigns_status_updated_at", "campaigns", ["organization_id", "status", "updated_at", "id"])
    op.create_index(
        "ix_campaigns_template_id",
        "campaigns",
        ["organization_id", "template_id", "id"],
        sqlite_where=sa.text("template_id IS NOT NULL"),
        postgresql_where=sa.text("template_id IS NOT NULL"),
    )
    op.create_index("ix_campaigns_updated_at", "campaigns", ["organization_id", "updated_at", "id"])
    op.create_table(
        "campaign_briefs",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("campaign_id", types.Identifier(), nullable=False),
        sa.Column("business_description", types.Text(), nullable=True),
        sa.Column("objective", types.Text(), nullable=True),
        sa.Column("website", types.Text(), nullable=True),
        sa.Column("about_page_url", types.Text(), nullable=True),
        sa.Column("product_url", types.Text(), nullable=True),
        sa.Column("preferred_design", types.Text(), nullable=True),
        sa.Column("brand_voice", types.Text(), nullable=True),
        sa.Column("settings", types.Document(), nullable=False),
        sa.Column("ai_summary", types.Text(), nullable=True),
        sa.Column("business_context", types.Document(), nullable=True),
        sa.Column("suggested_themes", types.Document(), nullable=False),
        sa.Column("suggested_tags", types.Document(), nullable=False),
        sa.Column("selected_themes", types.Document(), nullable=False),
        sa.Column("selected_tags", types.Document(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_campaign_briefs"),
        sa.CheckConstraint("length(about_page_url) <= 2000", name="ck_campaign_briefs_about_page_url"),
        sa.CheckConstraint("length(ai_summary) <= 20000", name="ck_campaign_briefs_ai_summary"),
        sa.CheckConstraint("length(brand_voice) <= 20000", name="ck_campaign_briefs_brand_voice"),
        sa.CheckConstraint("json_valid(business_context)", name="ck_campaign_briefs_business_context").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("length(business_description) <= 20000", name="ck_campaign_briefs_business_description"),
        sa.CheckConstraint("length(objective) <= 20000", name="ck_campaign_briefs_objective"),
        sa.CheckConstraint("length(preferred_design) <= 20000", name="ck_campaign_briefs_preferred_design"),
        sa.CheckConstraint("length(product_url) <= 2000", name="ck_campaign_briefs_product_url"),
        sa.CheckConstraint("json_valid(selected_tags)", name="ck_campaign_briefs_selected_tags").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("json_valid(selected_themes)", name="ck_campaign_briefs_selected_themes").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("json_valid(settings)", name="ck_campaign_briefs_settings").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("json_valid(suggested_tags)", name="ck_campaign_briefs_suggested_tags").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("json_valid(suggested_themes)", name="ck_campaign_briefs_suggested_themes").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("version >= 1", name="ck_campaign_briefs_version"),
        sa.CheckConstraint("length(website) <= 2000", name="ck_campaign_briefs_website"),
        sa.ForeignKeyConstraint(
            ["organization_id", "campaign_id"],
            ["campaigns.organization_id", "campaigns.id"],
            name="fk_campaign_briefs_campaign_id",
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_campaign_briefs_organization_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_campaign_briefs_campaign_id", "campaign_briefs", ["organization_id", "campaign_id", "id"])
    op.create_index("ix_campaign_briefs_created_at", "campaign_briefs", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_campaign_briefs_deleted_at",
        "campaign_briefs",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_campaign_briefs_deletion_id",
        "campaign_briefs",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index("ix_campaign_briefs_updated_at", "campaign_briefs", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_campaign_briefs_campaign_id",
        "campaign_briefs",
        ["organization_id", "campaign_id"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "content_templates",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("name_norm", types.Text(), nullable=False),
        sa.Column("type", types.Text(), nullable=False),
        sa.Column("template", types.Text(), nullable=False),
        sa.Column("category", types.Text(), nullable=True),
        sa.Column("variables", types.Document(), nullable=False),
        sa.Column("is_active", types.Boolean(), nullable=False),
        sa.Column("origin_code", types.Text(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_content_templates"),
        sa.CheckConstraint("length(category) <= 100", name="ck_content_templates_category"),
        sa.CheckConstraint("is_active IN (0, 1)", name="ck_content_templates_is_active").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(name) <= 200 AND length(name) >= 1", name="ck_content_templates_name"),
        sa.CheckConstraint("length(origin_code) <= 80", name="ck_content_templates_origin_code"),
        sa.CheckConstraint(
            "length(template) <= 100000 AND length(template) >= 1", name="ck_content_templates_template"
        ),
        sa.CheckConstraint(
            "type IN ('email', 'social_post', 'social_ad', 'search_ad', 'blog_post', 'landing_page', 'video_script', 'infographic', 'newsletter', 'press_release')",
            name="ck_content_templates_type",
        ),
        sa.CheckConstraint("json_valid(variables)", name="ck_content_templates_variables").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("version >= 1", name="ck_content_templates_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_content_templates_organization_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_content_templates_created_at", "content_templates", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_content_templates_deleted_at",
        "content_templates",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_content_templates_deletion_id",
        "content_templates",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index("ix_content_templates_name", "content_templates", ["organization_id", "name", "id"])
    op.create_index("ix_content_templates_updated_at", "content_templates", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_content_templates_type_name_norm",
        "content_templates",
        ["organization_id", "type", "name_norm"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "gallery_templates",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("code", types.Text(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("description", types.Text(), nullable=True),
        sa.Column("category", types.Text(), nullable=False),
        sa.Column("template_data", types.Document(), nullable=False),
        sa.Column("default_settings", types.Document(), nullable=True),
        sa.Column("prompt_templates", types.Document(), nullable=True),
        sa.Column("is_system", types.Boolean(), nullable=False),
        sa.Column("usage_count", types.Integer(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_gallery_templates"),
        sa.CheckConstraint(
            "category IN ('product_launch', 'brand_awareness', 'event_promotion', 'custom')",
            name="ck_gallery_templates_category",
        ),
        sa.CheckConstraint("length(code) <= 80 AND length(code) >= 1", name="ck_gallery_templates_code"),
        sa.CheckConstraint("json_valid(default_settings)", name="ck_gallery_templates_default_settings").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("length(description) <= 20000", name="ck_gallery_templates_description"),
        sa.CheckConstraint("is_system IN (0, 1)", name="ck_gallery_templates_is_system").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(name) <= 200 AND length(name) >= 1", name="ck_gallery_templates_name"),
        sa.CheckConstraint("json_valid(prompt_templates)", name="ck_gallery_templates_prompt_templates").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("json_valid(template_data)", name="ck_gallery_templates_template_data").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("usage_count >= 0", name="ck_gallery_templates_usage_count"),
        sa.CheckConstraint("version >= 1", name="ck_gallery_templates_version"),
        sqlite_strict=True,
    )
    op.create_index("ix_gallery_templates_category_usage_count", "gallery_templates", ["category", "usage_count", "id"])
    op.create_index("ix_gallery_templates_created_at", "gallery_templates", ["created_at", "id"])
    op.create_index("ix_gallery_templates_updated_at", "gallery_templates", ["updated_at", "id"])
    op.create_index("uq_gallery_templates_code", "gallery_templates", ["code"], unique=True)
    op.create_table(
        "journeys",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("campaign_id", types.Identifier(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("name_norm", types.Text(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("definition_version", types.Integer(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_journeys"),
        sa.CheckConstraint("definition_version >= 1", name="ck_journeys_definition_version"),
        sa.CheckConstraint("length(name) <= 200 AND length(name) >= 1", name="ck_journeys_name"),
        sa.CheckConstraint(
            "status IN ('draft', 'active', 'paused', 'completed', 'cancelled')", name="ck_journeys_status"
        ),
        sa.CheckConstraint("version >= 1", name="ck_journeys_version"),
        sa.ForeignKeyConstraint(
            ["organization_id", "campaign_id"],
            ["campaigns.organization_id", "campaigns.id"],
            name="fk_journeys_campaign_id",
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_journeys_organization_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_journeys_campaign_id", "journeys", ["organization_id", "campaign_id", "id"])
    op.create_index("ix_journeys_created_at", "journeys", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_journeys_deleted_at",
        "journeys",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_journeys_deletion_id",
        "journeys",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index("ix_journeys_name", "journeys", ["organization_id", "name", "id"])
    op.create_index("ix_journeys_status_updated_at", "journeys", ["organization_id", "status", "updated_at", "id"])
    op.create_index("ix_journeys_updated_at", "journeys", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_journeys_campaign_id_name_norm",
        "journeys",
        ["organization_id", "campaign_id", "name_norm"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "journey_stages",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("journey_id", types.Identifier(), nullable=False),
        sa.Column("key", types.Text(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("position", types.Integer(), nullable=False),
        sa.Column("kind", types.Text(), nullable=False),
        sa.Column("config", types.Document(), nullable=False),
        sa.Column("entry_conditions", types.Document(), nullable=True),
        sa.Column("delay_hours", types.Integer(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_journey_stages"),
        sa.CheckConstraint("json_valid(config)", name="ck_journey_stages_config").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("delay_hours >= 0", name="ck_journey_stages_delay_hours"),
        sa.CheckConstraint("json_valid(entry_conditions)", name="ck_journey_stages_entry_conditions").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("length(key) <= 60 AND length(key) >= 1", name="ck_journey_stages_key"),
        sa.CheckConstraint(
            "kind IN ('awareness', 'consideration', 'conversion', 'retention', 'advocacy', 'custom')",
            name="ck_journey_stages_kind",
        ),
        sa.CheckConstraint("length(name) <= 200 AND length(name) >= 1", name="ck_journey_stages_name"),
        sa.CheckConstraint("position >= 0", name="ck_journey_stages_position"),
        sa.CheckConstraint("version >= 1", name="ck_journey_stages_version"),
        sa.ForeignKeyConstraint(
            ["organization_id", "journey_id"],
            ["journeys.organization_id", "journeys.id"],
            name="fk_journey_stages_journey_id",
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_journey_stages_organization_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_journey_stages_created_at", "journey_stages", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_journey_stages_deleted_at",
        "journey_stages",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_journey_stages_deletion_id",
        "journey_stages",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index("ix_journey_stages_journey_id", "journey_stages", ["organization_id", "journey_id", "id"])
    op.create_index("ix_journey_stages_position", "journey_stages", ["organization_id", "position", "id"])
    op.create_index("ix_journey_stages_updated_at", "journey_stages", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_journey_stages_journey_id_key",
        "journey_stages",
        ["organization_id", "journey_id", "key"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_journey_stages_journey_id_position",
        "journey_stages",
        ["organization_id", "journey_id", "position"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "contents",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("campaign_id", types.Identifier(), nullable=False),
        sa.Column("journey_id", types.Identifier(), nullable=True),
        sa.Column("stage_id", types.Identifier(), nullable=True),
        sa.Column("type", types.Text(), nullable=False),
        sa.Column("title", types.Text(), nullable=True),
        sa.Column("body", types.Text(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("channel", types.Text(), nullable=True),
        sa.Column("language", types.Text(), nullable=False),
        sa.Column("metadata", types.Document(), nullable=True),
        sa.Column("content_hash", types.Text(), nullable=True),
        sa.Column("approved_by", types.Identifier(), nullable=True),
        sa.Column("approved_at", types.Moment(), nullable=True),
        sa.Column("published_at", types.Moment(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_contents"),
        sa.CheckConstraint("length(body) <= 100000", name="ck_contents_body"),
        sa.CheckConstraint("length(channel) <= 60", name="ck_contents_channel"),
        sa.CheckConstraint("length(content_hash) <= 64", name="ck_contents_content_hash"),
        sa.CheckConstraint("length(language) <= 35 AND length(language) >= 2", name="ck_contents_language"),
        sa.CheckConstraint("json_valid(metadata)", name="ck_contents_metadata").ddl_if(dialect="sqlite"),
        sa.CheckConstraint(
            "status IN ('draft', 'review', 'approved', 'rejected', 'published', 'archived')", name="ck_contents_status"
        ),
        sa.CheckConstraint("length(title) <= 300", name="ck_contents_title"),
        sa.CheckConstraint(
            "type IN ('email', 'social_post', 'social_ad', 'search_ad', 'blog_post', 'landing_page', 'video_script', 'infographic', 'newsletter', 'press_release')",
            name="ck_contents_type",
        ),
        sa.CheckConstraint("version >= 1", name="ck_contents_version"),
        sa.ForeignKeyConstraint(
            ["organization_id", "campaign_id"],
            ["campaigns.organization_id", "campaigns.id"],
            name="fk_contents_campaign_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "journey_id"],
            ["journeys.organization_id", "journeys.id"],
            name="fk_contents_journey_id",
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_contents_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "stage_id"],
            ["journey_stages.organization_id", "journey_stages.id"],
            name="fk_contents_stage_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_contents_campaign_id_status", "contents", ["organization_id", "campaign_id", "status"])
    op.create_index("ix_contents_created_at", "contents", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_contents_deleted_at",
        "contents",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_contents_deletion_id",
        "contents",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index("ix_contents_journey_id_stage_id", "contents", ["organization_id", "journey_id", "stage_id"])
    op.create_index(
        "ix_contents_stage_id",
        "contents",
        ["organization_id", "stage_id", "id"],
        sqlite_where=sa.text("stage_id IS NOT NULL"),
        postgresql_where=sa.text("stage_id IS NOT NULL"),
    )
    op.create_index("ix_contents_status_updated_at", "contents", ["organization_id", "status", "updated_at", "id"])
    op.create_index(
        "ix_contents_type_status_updated_at", "contents", ["organization_id", "type", "status", "updated_at"]
    )
    op.create_index("ix_contents_updated_at", "contents", ["organization_id", "updated_at", "id"])
    op.create_table(
        "content_variants",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("content_id", types.Identifier(), nullable=False),
        sa.Column("key", types.Text(), nullable=False),
        sa.Column("body", types.Text(), nullable=False),
        sa.Column("subject", types.Text(), nullable=True),
        sa.Column("weight_percent", types.Integer(), nullable=False),
        sa.Column("is_control", types.Boolean(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("metadata", types.Document(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_content_variants"),
        sa.CheckConstraint("length(body) <= 100000", name="ck_content_variants_body"),
        sa.CheckConstraint("is_control IN (0, 1)", name="ck_content_variants_is_control").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(key) <= 60 AND length(key) >= 1", name="ck_content_variants_key"),
        sa.CheckConstraint("json_valid(metadata)", name="ck_content_variants_metadata").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("status IN ('active', 'paused', 'winner', 'loser')", name="ck_content_variants_status"),
        sa.CheckConstraint("length(subject) <= 300", name="ck_content_variants_subject"),
        sa.CheckConstraint("version >= 1", name="ck_content_variants_version"),
        sa.CheckConstraint("weight_percent >= 0 AND weight_percent <= 100", name="ck_content_variants_weight_percent"),
        sa.ForeignKeyConstraint(
            ["organization_id", "content_id"],
            ["contents.organization_id", "contents.id"],
            name="fk_content_variants_content_id",
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_content_variants_organization_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_content_variants_content_id", "content_variants", ["organization_id", "content_id", "id"])
    op.create_index("ix_content_variants_created_at", "content_variants", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_content_variants_deleted_at",
        "content_variants",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_content_variants_deletion_id",
        "content_variants",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index("ix_content_variants_updated_at", "content_variants", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_content_variants_content_id",
        "content_variants",
        ["organization_id", "content_id"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL AND is_control"),
        postgresql_where=sa.text("deleted_at IS NULL AND is_control"),
    )
    op.create_index(
        "uq_content_variants_content_id_key",
        "content_variants",
        ["organization_id", "content_id", "key"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "analytics_events",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("event_key", types.Text(), nullable=False),
        sa.Column("campaign_id", types.Identifier(), nullable=True),
        sa.Column("journey_id", types.Identifier(), nullable=True),
        sa.Column("content_id", types.Identifier(), nullable=True),
        sa.Column("variant_id", types.Identifier(), nullable=True),
        sa.Column("event_type", types.Text(), nullable=False),
        sa.Column("occurred_at", types.Moment(), nullable=False),
        sa.Column("received_at", types.Moment(), nullable=False),
        sa.Column("session_id", types.Text(), nullable=True),
        sa.Column("subject_key", types.Text(), nullable=True),
        sa.Column("source", types.Text(), nullable=True),
        sa.Column("value_minor", types.Integer(), nullable=True),
        sa.Column("currency", types.Text(), nullable=True),
        sa.Column("metrics", types.Document(), nullable=False),
        sa.Column("dims", types.Document(), nullable=True),
        sa.Column("campaign_label", types.Text(), nullable=True),
        sa.Column("content_label", types.Text(), nullable=True),
        sa.Column("reverses_key", types.Text(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_analytics_events"),
        sa.CheckConstraint("length(campaign_label) <= 300", name="ck_analytics_events_campaign_label"),
        sa.CheckConstraint("length(content_label) <= 300", name="ck_analytics_events_content_label"),
        sa.CheckConstraint("length(currency) <= 3 AND length(currency) >= 3", name="ck_analytics_events_currency"),
        sa.CheckConstraint("json_valid(dims)", name="ck_analytics_events_dims").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(event_key) <= 200 AND length(event_key) >= 1", name="ck_analytics_events_event_key"),
        sa.CheckConstraint(
            "event_type IN ('impression', 'view', 'click', 'open', 'conversion', 'engagement', 'share', 'download', 'signup', 'purchase', 'bounce', 'unsubscribe')",
            name="ck_analytics_events_event_type",
        ),
        sa.CheckConstraint("json_valid(metrics)", name="ck_analytics_events_metrics").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(reverses_key) <= 200", name="ck_analytics_events_reverses_key"),
        sa.CheckConstraint("length(session_id) <= 200", name="ck_analytics_events_session_id"),
        sa.CheckConstraint("length(source) <= 100", name="ck_analytics_events_source"),
        sa.CheckConstraint("length(subject_key) <= 200", name="ck_analytics_events_subject_key"),
        sa.ForeignKeyConstraint(
            ["organization_id", "campaign_id"],
            ["campaigns.organization_id", "campaigns.id"],
            name="fk_analytics_events_campaign_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "content_id"],
            ["contents.organization_id", "contents.id"],
            name="fk_analytics_events_content_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "journey_id"],
            ["journeys.organization_id", "journeys.id"],
            name="fk_analytics_events_journey_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "variant_id"],
            ["content_variants.organization_id", "content_variants.id"],
            name="fk_analytics_events_variant_id",
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_analytics_events_campaign_id_event_type_occurred_at",
        "analytics_events",
        ["organization_id", "campaign_id", "event_type", "occurred_at"],
        sqlite_where=sa.text("campaign_id IS NOT NULL"),
        postgresql_where=sa.text("campaign_id IS NOT NULL"),
    )
    op.create_index(
        "ix_analytics_events_content_id_occurred_at",
        "analytics_events",
        ["organization_id", "content_id", "occurred_at"],
        sqlite_where=sa.text("content_id IS NOT NULL"),
        postgresql_where=sa.text("content_id IS NOT NULL"),
    )
    op.create_index(
        "ix_analytics_events_journey_id",
        "analytics_events",
        ["organization_id", "journey_id"],
        sqlite_where=sa.text("journey_id IS NOT NULL"),
        postgresql_where=sa.text("journey_id IS NOT NULL"),
    )
    op.create_index("ix_analytics_events_occurred_at", "analytics_events", ["organization_id", "occurred_at"])
    op.create_index(
        "ix_analytics_events_variant_id",
        "analytics_events",
        ["organization_id", "variant_id"],
        sqlite_where=sa.text("variant_id IS NOT NULL"),
        postgresql_where=sa.text("variant_id IS NOT NULL"),
    )
    op.create_index("uq_analytics_events_event_key", "analytics_events", ["organization_id", "event_key"], unique=True)
    op.create_table(
        "variant_assignments",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("content_id", types.Identifier(), nullable=False),
        sa.Column("subject_key", types.Text(), nullable=False),
        sa.Column("variant_id", types.Identifier(), nullable=False),
        sa.Column("assigned_at", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_variant_assignments"),
        sa.CheckConstraint(
            "length(subject_key) <= 200 AND length(subject_key) >= 1", name="ck_variant_assignments_subject_key"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "content_id"],
            ["contents.organization_id", "contents.id"],
            name="fk_variant_assignments_content_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "variant_id"],
            ["content_variants.organization_id", "content_variants.id"],
            name="fk_variant_assignments_variant_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_variant_assignments_variant_id", "variant_assignments", ["organization_id", "variant_id", "id"])
    op.create_index(
        "uq_variant_assignments_content_id_subject_key",
        "variant_assignments",
        ["organization_id", "content_id", "subject_key"],
        unique=True,
    )
    if sqlite:
        op.execute("""
CREATE VIEW campaign_summary AS
SELECT c.organization_id, c.id, c.id AS campaign_id, c.name, c.campaign_type, c.status,
  b.name AS brand_name, u.username AS owner_username, u.full_name AS owner_full_name,
  c.start_at, c.end_at, c.created_at, c.updated_at,
  (SELECT count(*) FROM journeys x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id AND x.deleted_at IS NULL) AS journey_count,
  (SELECT count(*) FROM contents x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id AND x.deleted_at IS NULL) AS content_count,
  0 AS generated_content_count, 0 AS selected_content_count, 0 AS published_post_count, 0 AS asset_count,
  (SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type = 'impression') AS impressions,
  (SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type = 'click') AS clicks,
  (SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type = 'conversion') AS conversions,
  CAST((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type = 'click') AS REAL) / nullif((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type = 'impression'), 0) AS ctr,
  (SELECT CASE WHEN count(DISTINCT coalesce(d.currency, '')) = 1 THEN sum(d.value_minor) END FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type IN ('purchase', 'conversion') AND d.value_minor <> 0) AS revenue_minor,
  (SELECT CASE WHEN count(DISTINCT coalesce(d.currency, '')) = 1 THEN max(d.currency) END FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type IN ('purchase', 'conversion') AND d.value_minor <> 0) AS currency,
  (SELECT max(d.last_event_at) FROM analytics_daily d
    WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id) AS last_event_at
FROM campaigns c
LEFT JOIN brands b ON b.organization_id = c.organization_id AND b.id = c.brand_id
LEFT JOIN users u ON u.id = c.owner_user_id
WHERE c.deleted_at IS NULL
""")
        op.execute("""
CREATE VIEW content_performance AS
SELECT c.organization_id, c.id, 'content' AS source, c.id AS content_id, c.campaign_id, k.name AS campaign_name,
  c.type AS content_type, c.channel AS platform, c.title, c.status,
  NULL AS is_selected, c.status = 'published' AS is_published,
  NULL AS scheduled_for, c.published_at,
  NULL AS user_rating, NULL AS predicted_engagement,
  (SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.content_id = c.id AND d.event_type = 'impression') AS impressions,
  NULL AS reach,
  (SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.content_id = c.id AND d.event_type = 'click') AS clicks,
  NULL AS likes, NULL AS comments,
  (SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.content_id = c.id AND d.event_type = 'share') AS shares,
  (SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.content_id = c.id AND d.event_type = 'conversion') AS conversions,
  CAST((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.content_id = c.id AND d.event_type IN ('click', 'engagement', 'share')) AS REAL) / nullif((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.content_id = c.id AND d.event_type = 'impression'), 0) AS engagement_rate,
  CAST((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.content_id = c.id AND d.event_type = 'click') AS REAL) / nullif((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.content_id = c.id AND d.event_type = 'impression'), 0) AS ctr,
  (SELECT max(d.last_event_at) FROM analytics_daily d
    WHERE d.organization_id = c.organization_id AND d.content_id = c.id) AS metrics_as_of,
  c.created_at, u.username
FROM contents c
JOIN campaigns k ON k.organization_id = c.organization_id AND k.id = c.campaign_id
LEFT JOIN users u ON u.id = c.created_by
WHERE c.deleted_at IS NULL
""")
        op.execute("""
CREATE VIEW user_activity_summary AS
SELECT m.organization_id, m.user_id AS id, m.user_id, u.username, u.email, u.created_at AS user_since, u.last_login_at,
  (SELECT max(s.last_activity_at) FROM sessions s WHERE s.user_id = m.user_id AND s.organization_id = m.organization_id) AS last_activity_at,
  (SELECT count(*) FROM campaigns x WHERE x.organization_id = m.organization_id AND x.owner_user_id = m.user_id AND x.deleted_at IS NULL) AS total_campaigns,
  (SELECT count(*) FROM campaigns x WHERE x.organization_id = m.organization_id AND x.owner_user_id = m.user_id AND x.status = 'active' AND x.deleted_at IS NULL) AS active_campaigns,
  (SELECT count(*) FROM campaigns x WHERE x.organization_id = m.organization_id AND x.owner_user_id = m.user_id AND x.status = 'completed' AND x.deleted_at IS NULL) AS completed_campaigns,
  0 AS total_content_generated, 0 AS selected_content_count, 0 AS published_posts, 0 AS messages_sent,
  (SELECT count(*) FROM sessions s WHERE s.user_id = m.user_id AND s.organization_id = m.organization_id AND s.revoked_at IS NULL AND s.rotated_at IS NULL
    AND s.expires_at > strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z') AS active_session_count
FROM memberships m
JOIN users u ON u.id = m.user_id
WHERE u.deleted_at IS NULL AND m.status <> 'disabled'
""")
    if not sqlite:
        op.execute("""
CREATE FUNCTION content_variants_total() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed content_variants;
    total bigint;
BEGIN
    IF TG_OP = 'DELETE' THEN
        changed := OLD;
    ELSE
        changed := NEW;
    END IF;
    SELECT sum(t.weight_percent) INTO total FROM content_variants AS t
    WHERE t.organization_id = changed.organization_id AND t.content_id = changed.content_id AND t.status IN ('active', 'winner') AND t.deleted_at IS NULL;
    IF total <> 100 THEN
        RAISE EXCEPTION 'the sum of weight_percent must be 100'
        USING ERRCODE = 'check_violation', TABLE = 'content_variants', CONSTRAINT = 'ck_content_variants_weight_percent';
    END IF;
    RETURN NULL;
END
$$
""")
        op.execute("""
CREATE CONSTRAINT TRIGGER content_variants_total AFTER INSERT OR UPDATE OR DELETE ON content_variants
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION content_variants_total()
""")
        op.execute("""
CREATE VIEW campaign_summary AS
SELECT c.organization_id, c.id, c.id AS campaign_id, c.name, c.campaign_type, c.status,
  b.name AS brand_name, u.username AS owner_username, u.full_name AS owner_full_name,
  c.start_at, c.end_at, c.created_at, c.updated_at,
  (SELECT count(*) FROM journeys x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id AND x.deleted_at IS NULL) AS journey_count,
  (SELECT count(*) FROM contents x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id AND x.deleted_at IS NULL) AS content_count,
  0 AS generated_content_count, 0 AS selected_content_count, 0 AS published_post_count, 0 AS asset_count,
  ((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type = 'impression'))::bigint AS impressions,
  ((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type = 'click'))::bigint AS clicks,
  ((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type = 'conversion'))::bigint AS conversions,
  CAST((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type = 'click') AS double precision) / nullif((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type = 'impression'), 0) AS ctr,
  (SELECT CASE WHEN count(DISTINCT coalesce(d.currency, '')) = 1 THEN sum(d.value_minor) END FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type IN ('purchase', 'conversion') AND d.value_minor <> 0)::bigint AS revenue_minor,
  (SELECT CASE WHEN count(DISTINCT coalesce(d.currency, '')) = 1 THEN max(d.currency) END FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type IN ('purchase', 'conversion') AND d.value_minor <> 0) AS currency,
  (SELECT max(d.last_event_at) FROM analytics_daily d
    WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id) AS last_event_at
FROM campaigns c
LEFT JOIN brands b ON b.organization_id = c.organization_id AND b.id = c.brand_id
LEFT JOIN users u ON u.id = c.owner_user_id
WHERE c.deleted_at IS NULL
""")
        op.execute("""
CREATE VIEW content_performance AS
SELECT c.organization_id, c.id, 'content' AS source, c.id AS content_id, c.campaign_id, k.name AS campaign_name,
  c.type AS content_type, c.channel AS platform, c.title, c.status,
  NULL::boolean AS is_selected, c.status = 'published' AS is_published,
  NULL::timestamptz AS scheduled_for, c.published_at,
  NULL::bigint AS user_rating, NULL::double precision AS predicted_engagement,
  ((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.content_id = c.id AND d.event_type = 'impression'))::bigint AS impressions,
  NULL::bigint AS reach,
  ((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.content_id = c.id AND d.event_type = 'click'))::bigint AS clicks,
  NULL::bigint AS likes, NULL::bigint AS comments,
  ((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.content_id = c.id AND d.event_type = 'share'))::bigint AS shares,
  ((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.content_id = c.id AND d.event_type = 'conversion'))::bigint AS conversions,
  CAST((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.content_id = c.id AND d.event_type IN ('click', 'engagement', 'share')) AS double precision) / nullif((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.content_id = c.id AND d.event_type = 'impression'), 0) AS engagement_rate,
  CAST((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.content_id = c.id AND d.event_type = 'click') AS double precision) / nullif((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.content_id = c.id AND d.event_type = 'impression'), 0) AS ctr,
  (SELECT max(d.last_event_at) FROM analytics_daily d
    WHERE d.organization_id = c.organization_id AND d.content_id = c.id) AS metrics_as_of,
  c.created_at, u.username
FROM contents c
JOIN campaigns k ON k.organization_id = c.organization_id AND k.id = c.campaign_id
LEFT JOIN users u ON u.id = c.created_by
WHERE c.deleted_at IS NULL
""")
        op.execute("""
CREATE VIEW user_activity_summary AS
SELECT m.organization_id, m.user_id AS id, m.user_id, u.username, u.email, u.created_at AS user_since, u.last_login_at,
  (SELECT max(s.last_activity_at) FROM sessions s WHERE s.user_id = m.user_id AND s.organization_id = m.organization_id) AS last_activity_at,
  (SELECT count(*) FROM campaigns x WHERE x.organization_id = m.organization_id AND x.owner_user_id = m.user_id AND x.deleted_at IS NULL) AS total_campaigns,
  (SELECT count(*) FROM campaigns x WHERE x.organization_id = m.organization_id AND x.owner_user_id = m.user_id AND x.status = 'active' AND x.deleted_at IS NULL) AS active_campaigns,
  (SELECT count(*) FROM campaigns x WHERE x.organization_id = m.organization_id AND x.owner_user_id = m.user_id AND x.status = 'completed' AND x.deleted_at IS NULL) AS completed_campaigns,
  0 AS total_content_generated, 0 AS selected_content_count, 0 AS published_posts, 0 AS messages_sent,
  (SELECT count(*) FROM sessions s WHERE s.user_id = m.user_id AND s.organization_id = m.organization_id AND s.revoked_at IS NULL AND s.rotated_at IS NULL
    AND s.expires_at > now()) AS active_session_count
FROM memberships m
JOIN users u ON u.id = m.user_id
WHERE u.deleted_at IS NULL AND m.status <> 'disabled'
""")


def downgrade() -> None:
    sqlite = op.get_context().dialect.name == "sqlite"
    if sqlite:
        op.execute("DROP VIEW user_activity_summary")
        op.execute("DROP VIEW content_performance")
        op.execute("DROP VIEW campaign_summary")
    if not sqlite:
        op.execute("DROP VIEW user_activity_summary")
        op.execute("DROP VIEW content_performance")
        op.execute("DROP VIEW campaign_summary")
        op.execute("DROP TRIGGER content_variants_total ON content_variants")
        op.execute("DROP FUNCTION content_variants_total()")
    op.drop_table("variant_assignments")
    op.drop_table("analytics_events")
    op.drop_table("content_variants")
    op.drop_table("contents")
    op.drop_table("journey_stages")
    op.drop_table("journeys")
    op.drop_table("gallery_templates")
    op.drop_table("content_templates")
    op.drop_table("campaign_briefs")
    op.drop_table("campaigns")
    op.drop_table("campaign_templates")
    op.drop_table("brands")
    op.drop_table("analytics_daily")
