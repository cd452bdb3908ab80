"""All five domains, jobs and webhooks."""

import sqlalchemy as sa
from alembic import op

from growbase.core import types

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    sqlite = op.get_context().dialect.name == "sqlite"
    if sqlite:
        op.execute("DROP VIEW user_activity_summary")
        op.execute("DROP VIEW content_performance")
        op.execute("DROP VIEW campaign_summary")
    if not sqlite:
        op.execute("DROP VIEW user_activity_summary")
        op.execute("DROP VIEW content_performance")
        op.execute("DROP VIEW campaign_summary")
    op.create_table(
        "address_keys",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("key_cipher", types.Sealed(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_address_keys"),
        sa.CheckConstraint("version >= 1", name="ck_address_keys_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_address_keys_organization_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_address_keys_created_at", "address_keys", ["organization_id", "created_at", "id"])
    op.create_index("ix_address_keys_updated_at", "address_keys", ["organization_id", "updated_at", "id"])
    op.create_index("uq_address_keys_organization_id", "address_keys", ["organization_id"], unique=True)
    op.create_table(
        "ai_insights",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("user_id", types.Identifier(), nullable=True),
        sa.Column("type", types.Text(), nullable=False),
        sa.Column("title", types.Text(), nullable=False),
        sa.Column("description", types.Text(), nullable=False),
        sa.Column("priority", types.Text(), nullable=False),
        sa.Column("actionable", types.Boolean(), nullable=False),
        sa.Column("subject_type", types.Text(), nullable=True),
        sa.Column("subject_id", types.Identifier(), nullable=True),
        sa.Column("dedupe_key", types.Text(), nullable=True),
        sa.Column("confidence", types.Real(), nullable=True),
        sa.Column("metadata", types.Document(), nullable=True),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("read_at", types.Moment(), nullable=True),
        sa.Column("expires_at", types.Moment(), nullable=True),
        sa.Column("model", types.Text(), nullable=True),
        sa.Column("model_version", types.Text(), nullable=True),
        sa.Column("prompt_hash", types.Text(), nullable=True),
        sa.Column("input_tokens", types.Integer(), nullable=True),
        sa.Column("output_tokens", types.Integer(), nullable=True),
        sa.Column("cost_micros", types.Integer(), nullable=True),
        sa.Column("job_id", types.Identifier(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_ai_insights"),
        sa.CheckConstraint("actionable IN (0, 1)", name="ck_ai_insights_actionable").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("confidence >= 0 AND confidence <= 1", name="ck_ai_insights_confidence"),
        sa.CheckConstraint("cost_micros >= 0", name="ck_ai_insights_cost_micros"),
        sa.CheckConstraint("length(dedupe_key) <= 200", name="ck_ai_insights_dedupe_key"),
        sa.CheckConstraint("length(description) <= 20000", name="ck_ai_insights_description"),
        sa.CheckConstraint("input_tokens >= 0", name="ck_ai_insights_input_tokens"),
        sa.CheckConstraint("json_valid(metadata)", name="ck_ai_insights_metadata").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(model) <= 100", name="ck_ai_insights_model"),
        sa.CheckConstraint("length(model_version) <= 100", name="ck_ai_insights_model_version"),
        sa.CheckConstraint("output_tokens >= 0", name="ck_ai_insights_output_tokens"),
        sa.CheckConstraint("priority IN ('low', 'normal', 'high', 'urgent')", name="ck_ai_insights_priority"),
        sa.CheckConstraint("length(prompt_hash) <= 64", name="ck_ai_insights_prompt_hash"),
        sa.CheckConstraint("status IN ('new', 'read', 'acted', 'dismissed', 'expired')", name="ck_ai_insights_status"),
        sa.CheckConstraint("length(subject_type) <= 63", name="ck_ai_insights_subject_type"),
        sa.CheckConstraint("length(title) <= 300 AND length(title) >= 1", name="ck_ai_insights_title"),
        sa.CheckConstraint(
            "type IN ('performance', 'recommendation', 'alert', 'trend', 'prediction')", name="ck_ai_insights_type"
        ),
        sa.CheckConstraint("version >= 1", name="ck_ai_insights_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_ai_insights_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"],
            ["memberships.organization_id", "memberships.user_id"],
            name="fk_ai_insights_user_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_ai_insights_created_at", "ai_insights", ["organization_id", "created_at", "id"])
    op.create_index("ix_ai_insights_status_expires_at", "ai_insights", ["status", "expires_at"])
    op.create_index("ix_ai_insights_updated_at", "ai_insights", ["organization_id", "updated_at", "id"])
    op.create_index(
        "ix_ai_insights_user_id_status_priority_created_at",
        "ai_insights",
        ["organization_id", "user_id", "status", "priority", "created_at"],
    )
    op.create_index(
        "uq_ai_insights_dedupe_key",
        "ai_insights",
        ["organization_id", "dedupe_key"],
        unique=True,
        sqlite_where=sa.text("dedupe_key IS NOT NULL"),
        postgresql_where=sa.text("dedupe_key IS NOT NULL"),
    )
    op.create_table(
        "ai_strategies",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("version_number", types.Integer(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("positioning", types.Document(), nullable=False),
        sa.Column("audience_segments", types.Document(), nullable=False),
        sa.Column("content_pillars", types.Document(), nullable=False),
        sa.Column("channel_plan", types.Document(), nullable=False),
        sa.Column("cadence", types.Document(), nullable=False),
        sa.Column("calendar_skeleton", types.Document(), nullable=False),
        sa.Column("generated_by", types.Text(), nullable=True),
        sa.Column("confidence", types.Real(), nullable=True),
        sa.Column("error", types.Text(), nullable=True),
        sa.Column("accepted_at", types.Moment(), nullable=True),
        sa.Column("accepted_by", types.Identifier(), nullable=True),
        sa.Column("supersedes_id", types.Identifier(), nullable=True),
        sa.Column("model", types.Text(), nullable=True),
        sa.Column("model_version", types.Text(), nullable=True),
        sa.Column("prompt_hash", types.Text(), nullable=True),
        sa.Column("input_tokens", types.Integer(), nullable=True),
        sa.Column("output_tokens", types.Integer(), nullable=True),
        sa.Column("cost_micros", types.Integer(), nullable=True),
        sa.Column("job_id", types.Identifier(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_ai_strategies"),
        sa.CheckConstraint("json_valid(audience_segments)", name="ck_ai_strategies_audience_segments").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("json_valid(cadence)", name="ck_ai_strategies_cadence").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("json_valid(calendar_skeleton)", name="ck_ai_strategies_calendar_skeleton").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("json_valid(channel_plan)", name="ck_ai_strategies_channel_plan").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("confidence >= 0 AND confidence <= 1", name="ck_ai_strategies_confidence"),
        sa.CheckConstraint("json_valid(content_pillars)", name="ck_ai_strategies_content_pillars").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("cost_micros >= 0", name="ck_ai_strategies_cost_micros"),
        sa.CheckConstraint("length(error) <= 2000", name="ck_ai_strategies_error"),
        sa.CheckConstraint("length(generated_by) <= 200", name="ck_ai_strategies_generated_by"),
        sa.CheckConstraint("input_tokens >= 0", name="ck_ai_strategies_input_tokens"),
        sa.CheckConstraint("length(model) <= 100", name="ck_ai_strategies_model"),
        sa.CheckConstraint("length(model_version) <= 100", name="ck_ai_strategies_model_version"),
        sa.CheckConstraint("output_tokens >= 0", name="ck_ai_strategies_output_tokens"),
        sa.CheckConstraint("json_valid(positioning)", name="ck_ai_strategies_positioning").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(prompt_hash) <= 64", name="ck_ai_strategies_prompt_hash"),
        sa.CheckConstraint(
            "status IN ('generating', 'proposed', 'active', 'rejected', 'archived', 'failed')",
            name="ck_ai_strategies_status",
        ),
        sa.CheckConstraint("version >= 1", name="ck_ai_strategies_version"),
        sa.CheckConstraint("version_number >= 1", name="ck_ai_strategies_version_number"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_ai_strategies_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "supersedes_id"],
            ["ai_strategies.organization_id", "ai_strategies.id"],
            name="fk_ai_strategies_supersedes_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_ai_strategies_created_at", "ai_strategies", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_ai_strategies_supersedes_id",
        "ai_strategies",
        ["organization_id", "supersedes_id", "id"],
        sqlite_where=sa.text("supersedes_id IS NOT NULL"),
        postgresql_where=sa.text("supersedes_id IS NOT NULL"),
    )
    op.create_index("ix_ai_strategies_updated_at", "ai_strategies", ["organization_id", "updated_at", "id"])
    op.create_index("ix_ai_strategies_version_number", "ai_strategies", ["organization_id", "version_number", "id"])
    op.create_index(
        "uq_ai_strategies_job_id",
        "ai_strategies",
        ["organization_id", "job_id"],
        unique=True,
        sqlite_where=sa.text("job_id IS NOT NULL"),
        postgresql_where=sa.text("job_id IS NOT NULL"),
    )
    op.create_index(
        "uq_ai_strategies_status",
        "ai_strategies",
        ["organization_id", "status"],
        unique=True,
        sqlite_where=sa.text("status = 'active'"),
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_index(
        "uq_ai_strategies_version_number", "ai_strategies", ["organization_id", "version_number"], unique=True
    )
    op.create_table(
        "assets",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("kind", types.Text(), nullable=False),
        sa.Column("original_filename", types.Text(), nullable=False),
        sa.Column("storage_provider", types.Text(), nullable=False),
        sa.Column("storage_bucket", types.Text(), nullable=True),
        sa.Column("storage_key", types.Text(), nullable=False),
        sa.Column("url", types.Text(), nullable=True),
        sa.Column("mime_type", types.Text(), nullable=False),
        sa.Column("size_bytes", types.Integer(), nullable=False),
        sa.Column("sha256", types.Text(), nullable=False),
        sa.Column("width", types.Integer(), nullable=True),
        sa.Column("height", types.Integer(), nullable=True),
        sa.Column("duration_ms", types.Integer(), nullable=True),
        sa.Column("title", types.Text(), nullable=True),
        sa.Column("description", types.Text(), nullable=True),
        sa.Column("alt_text", types.Text(), nullable=True),
        sa.Column("tags", types.Document(), nullable=False),
        sa.Column("campaign_id", types.Identifier(), nullable=True),
        sa.Column("brand_id", types.Identifier(), nullable=True),
        sa.Column("uploaded_by", types.Identifier(), nullable=True),
        sa.Column("upload_source", types.Text(), nullable=False),
        sa.Column("analysis_status", types.Text(), nullable=False),
        sa.Column("analysis_results", types.Document(), nullable=True),
        sa.Column("extracted_text", types.Text(), nullable=True),
        sa.Column("image_analysis", types.Document(), nullable=True),
        sa.Column("download_count", types.Integer(), nullable=False),
        sa.Column("last_used_at", types.Moment(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_assets"),
        sa.CheckConstraint("length(alt_text) <= 2000", name="ck_assets_alt_text"),
        sa.CheckConstraint("json_valid(analysis_results)", name="ck_assets_analysis_results").ddl_if(dialect="sqlite"),
        sa.CheckConstraint(
            "analysis_status IN ('pending', 'processing', 'completed', 'failed', 'skipped')",
            name="ck_assets_analysis_status",
        ),
        sa.CheckConstraint("length(description) <= 20000", name="ck_assets_description"),
        sa.CheckConstraint("download_count >= 0", name="ck_assets_download_count"),
        sa.CheckConstraint("duration_ms >= 0", name="ck_assets_duration_ms"),
        sa.CheckConstraint("length(extracted_text) <= 1000000", name="ck_assets_extracted_text"),
        sa.CheckConstraint("height >= 1", name="ck_assets_height"),
        sa.CheckConstraint("json_valid(image_analysis)", name="ck_assets_image_analysis").ddl_if(dialect="sqlite"),
        sa.CheckConstraint(
            "kind IN ('image', 'document', 'video', 'logo', 'screenshot', 'avatar', 'banner', 'case_study', 'campaign_asset', 'other')",
            name="ck_assets_kind",
        ),
        sa.CheckConstraint("length(mime_type) <= 150", name="ck_assets_mime_type"),
        sa.CheckConstraint(
            "length(original_filename) <= 255 AND length(original_filename) >= 1", name="ck_assets_original_filename"
        ),
        sa.CheckConstraint("length(sha256) <= 64", name="ck_assets_sha256"),
        sa.CheckConstraint("size_bytes >= 1", name="ck_assets_size_bytes"),
        sa.CheckConstraint("length(storage_bucket) <= 255", name="ck_assets_storage_bucket"),
        sa.CheckConstraint("length(storage_key) <= 1000", name="ck_assets_storage_key"),
        sa.CheckConstraint("storage_provider IN ('local', 's3')", name="ck_assets_storage_provider"),
        sa.CheckConstraint("json_valid(tags)", name="ck_assets_tags").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(title) <= 300", name="ck_assets_title"),
        sa.CheckConstraint(
            "upload_source IN ('web_upload', 'drag_drop', 'api', 'generated', 'import')", name="ck_assets_upload_source"
        ),
        sa.CheckConstraint("length(url) <= 2000", name="ck_assets_url"),
        sa.CheckConstraint("version >= 1", name="ck_assets_version"),
        sa.CheckConstraint("width >= 1", name="ck_assets_width"),
        sa.ForeignKeyConstraint(
            ["organization_id", "brand_id"], ["brands.organization_id", "brands.id"], name="fk_assets_brand_id"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "campaign_id"],
            ["campaigns.organization_id", "campaigns.id"],
            name="fk_assets_campaign_id",
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_assets_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "uploaded_by"],
            ["memberships.organization_id", "memberships.user_id"],
            name="fk_assets_uploaded_by",
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_assets_analysis_status_created_at",
        "assets",
        ["organization_id", "analysis_status", "created_at"],
        sqlite_where=sa.text("analysis_status = 'pending'"),
        postgresql_where=sa.text("analysis_status = 'pending'"),
    )
    op.create_index(
        "ix_assets_brand_id",
        "assets",
        ["organization_id", "brand_id", "id"],
        sqlite_where=sa.text("brand_id IS NOT NULL"),
        postgresql_where=sa.text("brand_id IS NOT NULL"),
    )
    op.create_index("ix_assets_campaign_id_kind", "assets", ["organization_id", "campaign_id", "kind"])
    op.create_index("ix_assets_created_at", "assets", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_assets_deleted_at",
        "assets",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_assets_deletion_id",
        "assets",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index("ix_assets_kind_created_at", "assets", ["organization_id", "kind", "created_at", "id"])
    op.create_index("ix_assets_sha256", "assets", ["organization_id", "sha256"])
    op.create_index("ix_assets_updated_at", "assets", ["organization_id", "updated_at", "id"])
    op.create_index(
        "ix_assets_uploaded_by",
        "assets",
        ["organization_id", "uploaded_by", "id"],
        sqlite_where=sa.text("uploaded_by IS NOT NULL"),
        postgresql_where=sa.text("uploaded_by IS NOT NULL"),
    )
    op.create_index(
        "uq_assets_storage_provider_storage_bucket_storage_key",
        "assets",
        ["storage_provider", sa.text("coalesce(storage_bucket, '')"), "storage_key"],
        unique=True,
    )
    op.create_table(
        "auth_accounts",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("user_id", types.Identifier(), nullable=False),
        sa.Column("provider", types.Text(), nullable=False),
        sa.Column("provider_account_id", types.Text(), nullable=False),
        sa.Column("access_token_cipher", types.Sealed(), nullable=True),
        sa.Column("refresh_token_cipher", types.Sealed(), nullable=True),
        sa.Column("scope", types.Text(), nullable=True),
        sa.Column("expires_at", types.Moment(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_auth_accounts"),
        sa.CheckConstraint("length(provider) <= 40 AND length(provider) >= 1", name="ck_auth_accounts_provider"),
        sa.CheckConstraint(
            "length(provider_account_id) <= 255 AND length(provider_account_id) >= 1",
            name="ck_auth_accounts_provider_account_id",
        ),
        sa.CheckConstraint("length(scope) <= 2000", name="ck_auth_accounts_scope"),
        sa.CheckConstraint("version >= 1", name="ck_auth_accounts_version"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_auth_accounts_user_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_auth_accounts_created_at", "auth_accounts", ["created_at", "id"])
    op.create_index("ix_auth_accounts_updated_at", "auth_accounts", ["updated_at", "id"])
    op.create_index("ix_auth_accounts_user_id", "auth_accounts", ["user_id", "id"])
    op.create_index(
        "uq_auth_accounts_provider_provider_account_id",
        "auth_accounts",
        ["provider", "provider_account_id"],
        unique=True,
    )
    op.create_table(
        "billing_events",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("provider", types.Text(), nullable=False),
        sa.Column("provider_event_id", types.Text(), nullable=False),
        sa.Column("type", types.Text(), nullable=False),
        sa.Column("payload", types.Document(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("occurred_at", types.Moment(), nullable=False),
        sa.Column("received_at", types.Moment(), nullable=False),
        sa.Column("processed_at", types.Moment(), nullable=True),
        sa.Column("error", types.Text(), nullable=True),
        sa.Column("provider_subscription_id", types.Text(), nullable=True),
        sa.Column("organization_id", types.Identifier(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_billing_events"),
        sa.CheckConstraint("length(error) <= 2000", name="ck_billing_events_error"),
        sa.CheckConstraint("json_valid(payload)", name="ck_billing_events_payload").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("provider IN ('stripe', 'none')", name="ck_billing_events_provider"),
        sa.CheckConstraint(
            "length(provider_event_id) <= 255 AND length(provider_event_id) >= 1",
            name="ck_billing_events_provider_event_id",
        ),
        sa.CheckConstraint(
            "length(provider_subscription_id) <= 255", name="ck_billing_events_provider_subscription_id"
        ),
        sa.CheckConstraint("status IN ('received', 'applied', 'ignored', 'failed')", name="ck_billing_events_status"),
        sa.CheckConstraint("length(type) <= 100 AND length(type) >= 1", name="ck_billing_events_type"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_billing_events_provider_provider_subscription_id",
        "billing_events",
        ["provider", "provider_subscription_id"],
        sqlite_where=sa.text("provider_subscription_id IS NOT NULL"),
        postgresql_where=sa.text("provider_subscription_id IS NOT NULL"),
    )
    op.create_index(
        "ix_billing_events_status",
        "billing_events",
        ["organization_id", "status"],
        sqlite_where=sa.text("organization_id IS NOT NULL"),
        postgresql_where=sa.text("organization_id IS NOT NULL"),
    )
    op.create_index(
        "uq_billing_events_provider_provider_event_id", "billing_events", ["provider", "provider_event_id"], unique=True
    )
    op.create_table(
        "brand_rules",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("brand_id", types.Identifier(), nullable=True),
        sa.Column("tone", types.Text(), nullable=True),
        sa.Column("voice", types.Text(), nullable=True),
        sa.Column("allowed_phrases", types.Document(), nullable=False),
        sa.Column("forbidden_phrases", types.Document(), nullable=False),
        sa.Column("allowed_hashtags", types.Document(), nullable=False),
        sa.Column("forbidden_hashtags", types.Document(), nullable=False),
        sa.Column("claims_to_avoid", types.Document(), nullable=False),
        sa.Column("compliance_notes", types.Text(), nullable=True),
        sa.Column("legal_disclaimer", types.Text(), nullable=True),
        sa.Column("approval_mode", types.Text(), nullable=False),
        sa.Column("auto_approval_rules", types.Document(), nullable=True),
        sa.Column("rules_version", types.Integer(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_brand_rules"),
        sa.CheckConstraint("json_valid(allowed_hashtags)", name="ck_brand_rules_allowed_hashtags").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("json_valid(allowed_phrases)", name="ck_brand_rules_allowed_phrases").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("approval_mode IN ('auto', 'manual', 'conditional')", name="ck_brand_rules_approval_mode"),
        sa.CheckConstraint("json_valid(auto_approval_rules)", name="ck_brand_rules_auto_approval_rules").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("json_valid(claims_to_avoid)", name="ck_brand_rules_claims_to_avoid").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("length(compliance_notes) <= 20000", name="ck_brand_rules_compliance_notes"),
        sa.CheckConstraint("json_valid(forbidden_hashtags)", name="ck_brand_rules_forbidden_hashtags").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("json_valid(forbidden_phrases)", name="ck_brand_rules_forbidden_phrases").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("length(legal_disclaimer) <= 20000", name="ck_brand_rules_legal_disclaimer"),
        sa.CheckConstraint("rules_version >= 1", name="ck_brand_rules_rules_version"),
        sa.CheckConstraint("length(tone) <= 2000", name="ck_brand_rules_tone"),
        sa.CheckConstraint("version >= 1", name="ck_brand_rules_version"),
        sa.CheckConstraint("length(voice) <= 2000", name="ck_brand_rules_voice"),
        sa.ForeignKeyConstraint(
            ["organization_id", "brand_id"], ["brands.organization_id", "brands.id"], name="fk_brand_rules_brand_id"
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_brand_rules_organization_id"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_brand_rules_brand_id",
        "brand_rules",
        ["organization_id", "brand_id", "id"],
        sqlite_where=sa.text("brand_id IS NOT NULL"),
        postgresql_where=sa.text("brand_id IS NOT NULL"),
    )
    op.create_index("ix_brand_rules_created_at", "brand_rules", ["organization_id", "created_at", "id"])
    op.create_index("ix_brand_rules_updated_at", "brand_rules", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_brand_rules_brand_id",
        "brand_rules",
        ["organization_id", sa.text("coalesce(brand_id, '00000000-0000-0000-0000-000000000000')")],
        unique=True,
    )
    op.create_table(
        "content_pillars",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("name_norm", types.Text(), nullable=False),
        sa.Column("description", types.Text(), nullable=True),
        sa.Column("color", types.Text(), nullable=True),
        sa.Column("emoji", types.Text(), nullable=True),
        sa.Column("is_active", types.Boolean(), nullable=False),
        sa.Column("sort_order", types.Integer(), nullable=False),
        sa.Column("strategy_id", types.Identifier(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_content_pillars"),
        sa.CheckConstraint("length(color) <= 30", name="ck_content_pillars_color"),
        sa.CheckConstraint("length(description) <= 20000", name="ck_content_pillars_description"),
        sa.CheckConstraint("length(emoji) <= 20", name="ck_content_pillars_emoji"),
        sa.CheckConstraint("is_active IN (0, 1)", name="ck_content_pillars_is_active").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(name) <= 200 AND length(name) >= 1", name="ck_content_pillars_name"),
        sa.CheckConstraint("version >= 1", name="ck_content_pillars_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_content_pillars_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "strategy_id"],
            ["ai_strategies.organization_id", "ai_strategies.id"],
            name="fk_content_pillars_strategy_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_content_pillars_created_at", "content_pillars", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_content_pillars_deleted_at",
        "content_pillars",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_content_pillars_deletion_id",
        "content_pillars",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index("ix_content_pillars_name", "content_pillars", ["organization_id", "name", "id"])
    op.create_index("ix_content_pillars_sort_order", "content_pillars", ["organization_id", "sort_order", "id"])
    op.create_index(
        "ix_content_pillars_strategy_id",
        "content_pillars",
        ["organization_id", "strategy_id", "id"],
        sqlite_where=sa.text("strategy_id IS NOT NULL"),
        postgresql_where=sa.text("strategy_id IS NOT NULL"),
    )
    op.create_index("ix_content_pillars_updated_at", "content_pillars", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_content_pillars_name_norm",
        "content_pillars",
        ["organization_id", "name_norm"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "founders",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("role", types.Text(), nullable=True),
        sa.Column("email", types.Text(), nullable=True),
        sa.Column("bio", types.Text(), nullable=True),
        sa.Column("image_url", types.Text(), nullable=True),
        sa.Column("linkedin_url", types.Text(), nullable=True),
        sa.Column("twitter_handle", types.Text(), nullable=True),
        sa.Column("is_primary", types.Boolean(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_founders"),
        sa.CheckConstraint("length(bio) <= 20000", name="ck_founders_bio"),
        sa.CheckConstraint("length(email) <= 320", name="ck_founders_email"),
        sa.CheckConstraint("length(image_url) <= 2000", name="ck_founders_image_url"),
        sa.CheckConstraint("is_primary IN (0, 1)", name="ck_founders_is_primary").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(linkedin_url) <= 2000", name="ck_founders_linkedin_url"),
        sa.CheckConstraint("length(name) <= 200 AND length(name) >= 1", name="ck_founders_name"),
        sa.CheckConstraint("length(role) <= 200", name="ck_founders_role"),
        sa.CheckConstraint("length(twitter_handle) <= 100", name="ck_founders_twitter_handle"),
        sa.CheckConstraint("version >= 1", name="ck_founders_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_founders_organization_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_founders_created_at", "founders", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_founders_deleted_at",
        "founders",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_founders_deletion_id",
        "founders",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index("ix_founders_name", "founders", ["organization_id", "name", "id"])
    op.create_index("ix_founders_updated_at", "founders", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_founders_is_primary",
        "founders",
        ["organization_id", "is_primary"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL AND is_primary"),
        postgresql_where=sa.text("deleted_at IS NULL AND is_primary"),
    )
    op.create_table(
        "icps",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("name_norm", types.Text(), nullable=False),
        sa.Column("description", types.Text(), nullable=True),
        sa.Column("criteria", types.Document(), nullable=False),
        sa.Column("is_active", types.Boolean(), nullable=False),
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
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_icps"),
        sa.CheckConstraint("json_valid(criteria)", name="ck_icps_criteria").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(description) <= 20000", name="ck_icps_description"),
        sa.CheckConstraint("is_active IN (0, 1)", name="ck_icps_is_active").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(name) <= 200 AND length(name) >= 1", name="ck_icps_name"),
        sa.CheckConstraint("version >= 1", name="ck_icps_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_icps_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "owner_user_id"],
            ["memberships.organization_id", "memberships.user_id"],
            name="fk_icps_owner_user_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_icps_created_at", "icps", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_icps_deleted_at",
        "icps",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_icps_deletion_id",
        "icps",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index("ix_icps_name", "icps", ["organization_id", "name", "id"])
    op.create_index(
        "ix_icps_owner_user_id",
        "icps",
        ["organization_id", "owner_user_id", "id"],
        sqlite_where=sa.text("owner_user_id IS NOT NULL"),
        postgresql_where=sa.text("owner_user_id IS NOT NULL"),
    )
    op.create_index("ix_icps_updated_at", "icps", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_icps_name_norm",
        "icps",
        ["organization_id", "name_norm"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "import_chunks",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("import_id", types.Identifier(), nullable=False),
        sa.Column("position", types.Integer(), nullable=False),
        sa.Column("rows", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_import_chunks"),
        sa.CheckConstraint("position >= 0", name="ck_import_chunks_position"),
        sa.CheckConstraint("length(rows) <= 16777216", name="ck_import_chunks_rows"),
        sqlite_strict=True,
    )
    op.create_index(
        "uq_import_chunks_import_id_position",
        "import_chunks",
        ["organization_id", "import_id", "position"],
        unique=True,
    )
    op.create_table(
        "imports",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("options", types.Document(), nullable=False),
        sa.Column("content_hash", types.Text(), nullable=True),
        sa.Column("row_count", types.Integer(), nullable=False),
        sa.Column("done_count", types.Integer(), nullable=False),
        sa.Column("created_count", types.Integer(), nullable=False),
        sa.Column("updated_count", types.Integer(), nullable=False),
        sa.Column("unchanged_count", types.Integer(), nullable=False),
        sa.Column("skipped_count", types.Integer(), nullable=False),
        sa.Column("suppressed_count", types.Integer(), nullable=False),
        sa.Column("error_count", types.Integer(), nullable=False),
        sa.Column("errors", types.Document(), nullable=False),
        sa.Column("ignored_columns", types.Document(), nullable=False),
        sa.Column("job_id", types.Identifier(), nullable=True),
        sa.Column("failure", types.Text(), nullable=True),
        sa.Column("finished_at", types.Moment(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_imports"),
        sa.CheckConstraint("length(content_hash) <= 64", name="ck_imports_content_hash"),
        sa.CheckConstraint("created_count >= 0", name="ck_imports_created_count"),
        sa.CheckConstraint("done_count >= 0", name="ck_imports_done_count"),
        sa.CheckConstraint("error_count >= 0", name="ck_imports_error_count"),
        sa.CheckConstraint("json_valid(errors)", name="ck_imports_errors").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(failure) <= 2000", name="ck_imports_failure"),
        sa.CheckConstraint("json_valid(ignored_columns)", name="ck_imports_ignored_columns").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("json_valid(options)", name="ck_imports_options").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("row_count >= 0", name="ck_imports_row_count"),
        sa.CheckConstraint("skipped_count >= 0", name="ck_imports_skipped_count"),
        sa.CheckConstraint("status IN ('queued', 'running', 'succeeded', 'failed')", name="ck_imports_status"),
        sa.CheckConstraint("suppressed_count >= 0", name="ck_imports_suppressed_count"),
        sa.CheckConstraint("unchanged_count >= 0", name="ck_imports_unchanged_count"),
        sa.CheckConstraint("updated_count >= 0", name="ck_imports_updated_count"),
        sa.CheckConstraint("version >= 1", name="ck_imports_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_imports_organization_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_imports_created_at", "imports", ["organization_id", "created_at", "id"])
    op.create_index("ix_imports_status_updated_at", "imports", ["organization_id", "status", "updated_at", "id"])
    op.create_index("ix_imports_updated_at", "imports", ["organization_id", "updated_at", "id"])
    op.create_table(
        "notifications",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("user_id", types.Identifier(), nullable=False),
        sa.Column("kind", types.Text(), nullable=False),
        sa.Column("title", types.Text(), nullable=False),
        sa.Column("body", types.Text(), nullable=True),
        sa.Column("link", types.Text(), nullable=True),
        sa.Column("read_at", types.Moment(), nullable=True),
        sa.Column("dedupe_key", types.Text(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_notifications"),
        sa.CheckConstraint("length(body) <= 4000", name="ck_notifications_body"),
        sa.CheckConstraint("length(dedupe_key) <= 200", name="ck_notifications_dedupe_key"),
        sa.CheckConstraint("length(kind) <= 100 AND length(kind) >= 1", name="ck_notifications_kind"),
        sa.CheckConstraint("length(link) <= 2000", name="ck_notifications_link"),
        sa.CheckConstraint("length(title) <= 300 AND length(title) >= 1", name="ck_notifications_title"),
        sa.CheckConstraint("version >= 1", name="ck_notifications_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_notifications_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"],
            ["memberships.organization_id", "memberships.user_id"],
            name="fk_notifications_user_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_notifications_created_at", "notifications", ["organization_id", "created_at", "id"])
    op.create_index("ix_notifications_updated_at", "notifications", ["organization_id", "updated_at", "id"])
    op.create_index(
        "ix_notifications_user_id_created_at", "notifications", ["organization_id", "user_id", "created_at", "id"]
    )
    op.create_index(
        "uq_notifications_user_id_dedupe_key",
        "notifications",
        ["organization_id", "user_id", "dedupe_key"],
        unique=True,
        sqlite_where=sa.text("dedupe_key IS NOT NULL"),
        postgresql_where=sa.text("dedupe_key IS NOT NULL"),
    )
    op.create_table(
        "plans",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("code", types.Text(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("price_month_minor", types.Integer(), nullable=False),
        sa.Column("price_year_minor", types.Integer(), nullable=True),
        sa.Column("currency", types.Text(), nullable=False),
        sa.Column("limits", types.Document(), nullable=False),
        sa.Column("features", types.Document(), nullable=False),
        sa.Column("stripe_product_id", types.Text(), nullable=True),
        sa.Column("stripe_price_id", types.Text(), nullable=True),
        sa.Column("is_active", types.Boolean(), nullable=False),
        sa.Column("sort_order", types.Integer(), nullable=False),
        sa.Column("supersedes_id", types.Identifier(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_plans"),
        sa.CheckConstraint("length(code) <= 63 AND length(code) >= 1", name="ck_plans_code"),
        sa.CheckConstraint("length(currency) <= 3 AND length(currency) >= 3", name="ck_plans_currency"),
        sa.CheckConstraint("json_valid(features)", name="ck_plans_features").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("is_active IN (0, 1)", name="ck_plans_is_active").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("json_valid(limits)", name="ck_plans_limits").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(name) <= 200 AND length(name) >= 1", name="ck_plans_name"),
        sa.CheckConstraint("price_month_minor >= 0", name="ck_plans_price_month_minor"),
        sa.CheckConstraint("price_year_minor >= 0", name="ck_plans_price_year_minor"),
        sa.CheckConstraint("length(stripe_price_id) <= 255", name="ck_plans_stripe_price_id"),
        sa.CheckConstraint("length(stripe_product_id) <= 255", name="ck_plans_stripe_product_id"),
        sa.CheckConstraint("version >= 1", name="ck_plans_version"),
        sa.ForeignKeyConstraint(["supersedes_id"], ["plans.id"], name="fk_plans_supersedes_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_plans_created_at", "plans", ["created_at", "id"])
    op.create_index("ix_plans_sort_order", "plans", ["sort_order", "id"])
    op.create_index(
        "ix_plans_supersedes_id",
        "plans",
        ["supersedes_id", "id"],
        sqlite_where=sa.text("supersedes_id IS NOT NULL"),
        postgresql_where=sa.text("supersedes_id IS NOT NULL"),
    )
    op.create_index("ix_plans_updated_at", "plans", ["updated_at", "id"])
    op.create_index(
        "uq_plans_code",
        "plans",
        ["code"],
        unique=True,
        sqlite_where=sa.text("is_active"),
        postgresql_where=sa.text("is_active"),
    )
    op.create_index("uq_plans_stripe_price_id", "plans", ["stripe_price_id"], unique=True)
    op.create_index(
        "uq_plans_stripe_product_id",
        "plans",
        ["stripe_product_id"],
        unique=True,
        sqlite_where=sa.text("is_active"),
        postgresql_where=sa.text("is_active"),
    )
    op.create_table(
        "prospects",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("email", types.Text(), nullable=True),
        sa.Column("email_norm", types.Text(), nullable=True),
        sa.Column("first_name", types.Text(), nullable=True),
        sa.Column("last_name", types.Text(), nullable=True),
        sa.Column("job_title", types.Text(), nullable=True),
        sa.Column("phone", types.Text(), nullable=True),
        sa.Column("linkedin_url", types.Text(), nullable=True),
        sa.Column("website_url", types.Text(), nullable=True),
        sa.Column("notes", types.Text(), nullable=True),
        sa.Column("company_name", types.Text(), nullable=False),
        sa.Column("company_domain", types.Text(), nullable=True),
        sa.Column("company_industry", types.Text(), nullable=True),
        sa.Column("company_size", types.Text(), nullable=True),
        sa.Column("company_revenue", types.Text(), nullable=True),
        sa.Column("company_location", types.Text(), nullable=True),
        sa.Column("company_description", types.Text(), nullable=True),
        sa.Column("icp_id", types.Identifier(), nullable=True),
        sa.Column("owner_user_id", types.Identifier(), nullable=True),
        sa.Column("score", types.Integer(), nullable=False),
        sa.Column("score_explanation", types.Document(), nullable=True),
        sa.Column("scored_at", types.Moment(), nullable=True),
        sa.Column("stage", types.Text(), nullable=False),
        sa.Column("source", types.Text(), nullable=False),
        sa.Column("last_contacted_at", types.Moment(), nullable=True),
        sa.Column("next_follow_up_at", types.Moment(), nullable=True),
        sa.Column("opted_out_at", types.Moment(), nullable=True),
        sa.Column("opt_out_reason", types.Text(), nullable=True),
        sa.Column("email_status", types.Text(), nullable=False),
        sa.Column("consent", types.Document(), nullable=True),
        sa.Column("custom_fields", types.Document(), nullable=False),
        sa.Column("merged_into_id", types.Identifier(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_prospects"),
        sa.CheckConstraint("length(company_description) <= 20000", name="ck_prospects_company_description"),
        sa.CheckConstraint("length(company_domain) <= 253", name="ck_prospects_company_domain"),
        sa.CheckConstraint("length(company_industry) <= 200", name="ck_prospects_company_industry"),
        sa.CheckConstraint("length(company_location) <= 300", name="ck_prospects_company_location"),
        sa.CheckConstraint(
            "length(company_name) <= 300 AND length(company_name) >= 1", name="ck_prospects_company_name"
        ),
        sa.CheckConstraint(
            "company_revenue IN ('under_1m', 'one_to_ten_m', 'ten_to_fifty_m', 'fifty_to_hundred_m', 'over_100m')",
            name="ck_prospects_company_revenue",
        ),
        sa.CheckConstraint(
            "company_size IN ('startup', 'small', 'medium', 'large', 'enterprise')", name="ck_prospects_company_size"
        ),
        sa.CheckConstraint("json_valid(consent)", name="ck_prospects_consent").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("json_valid(custom_fields)", name="ck_prospects_custom_fields").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(email) <= 320 AND length(email) >= 3", name="ck_prospects_email"),
        sa.CheckConstraint(
            "email_status IN ('unknown', 'valid', 'risky', 'invalid', 'bounced')", name="ck_prospects_email_status"
        ),
        sa.CheckConstraint("length(first_name) <= 200", name="ck_prospects_first_name"),
        sa.CheckConstraint("length(job_title) <= 300", name="ck_prospects_job_title"),
        sa.CheckConstraint("length(last_name) <= 200", name="ck_prospects_last_name"),
        sa.CheckConstraint("length(linkedin_url) <= 2000", name="ck_prospects_linkedin_url"),
        sa.CheckConstraint("length(notes) <= 20000", name="ck_prospects_notes"),
        sa.CheckConstraint(
            "opt_out_reason IN ('unsubscribe', 'reply', 'complaint', 'manual', 'legal')",
            name="ck_prospects_opt_out_reason",
        ),
        sa.CheckConstraint("(opted_out_at IS NULL) = (opt_out_reason IS NULL)", name="ck_prospects_opted_out"),
        sa.CheckConstraint("length(phone) <= 60", name="ck_prospects_phone"),
        sa.CheckConstraint("score >= 0 AND score <= 100", name="ck_prospects_score"),
        sa.CheckConstraint("json_valid(score_explanation)", name="ck_prospects_score_explanation").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint(
            "source IN ('csv_import', 'url_scraping', 'manual', 'api', 'integration')", name="ck_prospects_source"
        ),
        sa.CheckConstraint(
            "stage IN ('new', 'contacted', 'meeting', 'negotiation', 'won', 'lost')", name="ck_prospects_stage"
        ),
        sa.CheckConstraint("version >= 1", name="ck_prospects_version"),
        sa.CheckConstraint("length(website_url) <= 2000", name="ck_prospects_website_url"),
        sa.ForeignKeyConstraint(
            ["organization_id", "icp_id"], ["icps.organization_id", "icps.id"], name="fk_prospects_icp_id"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "merged_into_id"],
            ["prospects.organization_id", "prospects.id"],
            name="fk_prospects_merged_into_id",
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_prospects_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "owner_user_id"],
            ["memberships.organization_id", "memberships.user_id"],
            name="fk_prospects_owner_user_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_prospects_company_domain", "prospects", ["organization_id", "company_domain"])
    op.create_index("ix_prospects_company_name", "prospects", ["organization_id", "company_name", "id"])
    op.create_index("ix_prospects_created_at", "prospects", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_prospects_deleted_at",
        "prospects",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_prospects_deletion_id",
        "prospects",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index("ix_prospects_icp_id_stage", "prospects", ["organization_id", "icp_id", "stage"])
    op.create_index(
        "ix_prospects_merged_into_id",
        "prospects",
        ["organization_id", "merged_into_id", "id"],
        sqlite_where=sa.text("merged_into_id IS NOT NULL"),
        postgresql_where=sa.text("merged_into_id IS NOT NULL"),
    )
    op.create_index("ix_prospects_next_follow_up_at", "prospects", ["organization_id", "next_follow_up_at", "id"])
    op.create_index(
        "ix_prospects_owner_user_id_next_follow_up_at",
        "prospects",
        ["organization_id", "owner_user_id", "next_follow_up_at"],
    )
    op.create_index("ix_prospects_score", "prospects", ["organization_id", "score", "id"])
    op.create_index("ix_prospects_stage_score", "prospects", ["organization_id", "stage", "score", "id"])
    op.create_index("ix_prospects_updated_at", "prospects", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_prospects_email_norm",
        "prospects",
        ["organization_id", "email_norm"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "prospect_scores",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("prospect_id", types.Identifier(), nullable=False),
        sa.Column("score", types.Integer(), nullable=False),
        sa.Column("breakdown", types.Document(), nullable=False),
        sa.Column("reasoning", types.Document(), nullable=True),
        sa.Column("confidence", types.Real(), nullable=True),
        sa.Column("model", types.Text(), nullable=True),
        sa.Column("model_version", types.Text(), nullable=True),
        sa.Column("prompt_hash", types.Text(), nullable=True),
        sa.Column("input_tokens", types.Integer(), nullable=True),
        sa.Column("output_tokens", types.Integer(), nullable=True),
        sa.Column("cost_micros", types.Integer(), nullable=True),
        sa.Column("job_id", types.Identifier(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_prospect_scores"),
        sa.CheckConstraint("json_valid(breakdown)", name="ck_prospect_scores_breakdown").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("confidence >= 0 AND confidence <= 1", name="ck_prospect_scores_confidence"),
        sa.CheckConstraint("cost_micros >= 0", name="ck_prospect_scores_cost_micros"),
        sa.CheckConstraint("input_tokens >= 0", name="ck_prospect_scores_input_tokens"),
        sa.CheckConstraint("length(model) <= 100", name="ck_prospect_scores_model"),
        sa.CheckConstraint("length(model_version) <= 100", name="ck_prospect_scores_model_version"),
        sa.CheckConstraint("output_tokens >= 0", name="ck_prospect_scores_output_tokens"),
        sa.CheckConstraint("length(prompt_hash) <= 64", name="ck_prospect_scores_prompt_hash"),
        sa.CheckConstraint("json_valid(reasoning)", name="ck_prospect_scores_reasoning").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("score >= 0 AND score <= 100", name="ck_prospect_scores_score"),
        sa.CheckConstraint("version >= 1", name="ck_prospect_scores_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_prospect_scores_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "prospect_id"],
            ["prospects.organization_id", "prospects.id"],
            name="fk_prospect_scores_prospect_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_prospect_scores_created_at", "prospect_scores", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_prospect_scores_prospect_id_created_at", "prospect_scores", ["organization_id", "prospect_id", "created_at"]
    )
    op.create_index("ix_prospect_scores_updated_at", "prospect_scores", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_prospect_scores_job_id",
        "prospect_scores",
        ["organization_id", "job_id"],
        unique=True,
        sqlite_where=sa.text("job_id IS NOT NULL"),
        postgresql_where=sa.text("job_id IS NOT NULL"),
    )
    op.create_table(
        "queues",
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("paused_at", types.Moment(), nullable=True),
        sa.Column("paused_by", types.Identifier(), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_queues"),
        sa.CheckConstraint("length(name) <= 63", name="ck_queues_name"),
        sqlite_strict=True,
    )
    op.create_table(
        "readers",
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("position_tx", types.Integer(), nullable=False),
        sa.Column("position_seq", types.Integer(), nullable=False),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_readers"),
        sa.CheckConstraint("length(name) <= 63", name="ck_readers_name"),
        sqlite_strict=True,
    )
    op.create_table(
        "saved_views",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("user_id", types.Identifier(), nullable=True),
        sa.Column("resource", types.Text(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("name_norm", types.Text(), nullable=False),
        sa.Column("query", types.Document(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_saved_views"),
        sa.CheckConstraint("length(name) <= 100 AND length(name) >= 1", name="ck_saved_views_name"),
        sa.CheckConstraint("json_valid(query)", name="ck_saved_views_query").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(resource) <= 63 AND length(resource) >= 1", name="ck_saved_views_resource"),
        sa.CheckConstraint("version >= 1", name="ck_saved_views_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_saved_views_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"],
            ["memberships.organization_id", "memberships.user_id"],
            name="fk_saved_views_user_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_saved_views_created_at", "saved_views", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_saved_views_deleted_at",
        "saved_views",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_saved_views_deletion_id",
        "saved_views",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index("ix_saved_views_name", "saved_views", ["organization_id", "name", "id"])
    op.create_index("ix_saved_views_updated_at", "saved_views", ["organization_id", "updated_at", "id"])
    op.create_index(
        "ix_saved_views_user_id",
        "saved_views",
        ["organization_id", "user_id", "id"],
        sqlite_where=sa.text("user_id IS NOT NULL"),
        postgresql_where=sa.text("user_id IS NOT NULL"),
    )
    op.create_index(
        "uq_saved_views_resource_name_norm",
        "saved_views",
        ["organization_id", "resource", "name_norm"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL AND user_id IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL AND user_id IS NULL"),
    )
    op.create_index(
        "uq_saved_views_user_id_resource_name_norm",
        "saved_views",
        ["organization_id", "user_id", "resource", "name_norm"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL AND user_id IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NULL AND user_id IS NOT NULL"),
    )
    op.create_table(
        "schedules",
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("rule", types.Text(), nullable=False),
        sa.Column("next_run_at", types.Moment(), nullable=False),
        sa.Column("last_run_at", types.Moment(), nullable=True),
        sa.Column("last_status", types.Text(), nullable=True),
        sa.Column("last_error", types.Text(), nullable=True),
        sa.Column("last_rows", types.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_schedules"),
        sa.CheckConstraint("length(last_error) <= 2000", name="ck_schedules_last_error"),
        sa.CheckConstraint("length(last_status) <= 20", name="ck_schedules_last_status"),
        sa.CheckConstraint("length(name) <= 200", name="ck_schedules_name"),
        sa.CheckConstraint("length(rule) <= 200", name="ck_schedules_rule"),
        sqlite_strict=True,
    )
    op.create_index("ix_schedules_next_run_at", "schedules", ["next_run_at"])
    op.create_table(
        "sequences",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("name_norm", types.Text(), nullable=False),
        sa.Column("description", types.Text(), nullable=True),
        sa.Column("icp_id", types.Identifier(), nullable=True),
        sa.Column("channel", types.Text(), nullable=False),
        sa.Column("is_active", types.Boolean(), nullable=False),
        sa.Column("settings", types.Document(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_sequences"),
        sa.CheckConstraint("channel IN ('email', 'linkedin', 'sms', 'whatsapp')", name="ck_sequences_channel"),
        sa.CheckConstraint("length(description) <= 20000", name="ck_sequences_description"),
        sa.CheckConstraint("is_active IN (0, 1)", name="ck_sequences_is_active").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(name) <= 200 AND length(name) >= 1", name="ck_sequences_name"),
        sa.CheckConstraint("json_valid(settings)", name="ck_sequences_settings").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("version >= 1", name="ck_sequences_version"),
        sa.ForeignKeyConstraint(
            ["organization_id", "icp_id"], ["icps.organization_id", "icps.id"], name="fk_sequences_icp_id"
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_sequences_organization_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_sequences_created_at", "sequences", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_sequences_deleted_at",
        "sequences",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_sequences_deletion_id",
        "sequences",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index(
        "ix_sequences_icp_id",
        "sequences",
        ["organization_id", "icp_id", "id"],
        sqlite_where=sa.text("icp_id IS NOT NULL"),
        postgresql_where=sa.text("icp_id IS NOT NULL"),
    )
    op.create_index("ix_sequences_name", "sequences", ["organization_id", "name", "id"])
    op.create_index("ix_sequences_updated_at", "sequences", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_sequences_name_norm",
        "sequences",
        ["organization_id", "name_norm"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "outreach_campaigns",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("name_norm", types.Text(), nullable=False),
        sa.Column("description", types.Text(), nullable=True),
        sa.Column("sequence_id", types.Identifier(), nullable=False),
        sa.Column("campaign_id", types.Identifier(), nullable=True),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("start_at", types.Moment(), nullable=True),
        sa.Column("started_at", types.Moment(), nullable=True),
        sa.Column("paused_at", types.Moment(), nullable=True),
        sa.Column("completed_at", types.Moment(), nullable=True),
        sa.Column("sender", types.Document(), nullable=False),
        sa.Column("daily_limit", types.Integer(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_outreach_campaigns"),
        sa.CheckConstraint("daily_limit >= 1", name="ck_outreach_campaigns_daily_limit"),
        sa.CheckConstraint("length(description) <= 20000", name="ck_outreach_campaigns_description"),
        sa.CheckConstraint("length(name) <= 200 AND length(name) >= 1", name="ck_outreach_campaigns_name"),
        sa.CheckConstraint("json_valid(sender)", name="ck_outreach_campaigns_sender").ddl_if(dialect="sqlite"),
        sa.CheckConstraint(
            "status IN ('draft', 'scheduled', 'active', 'paused', 'completed', 'archived')",
            name="ck_outreach_campaigns_status",
        ),
        sa.CheckConstraint("version >= 1", name="ck_outreach_campaigns_version"),
        sa.ForeignKeyConstraint(
            ["organization_id", "campaign_id"],
            ["campaigns.organization_id", "campaigns.id"],
            name="fk_outreach_campaigns_campaign_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_outreach_campaigns_organization_id"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "sequence_id"],
            ["sequences.organization_id", "sequences.id"],
            name="fk_outreach_campaigns_sequence_id",
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_outreach_campaigns_campaign_id",
        "outreach_campaigns",
        ["organization_id", "campaign_id", "id"],
        sqlite_where=sa.text("campaign_id IS NOT NULL"),
        postgresql_where=sa.text("campaign_id IS NOT NULL"),
    )
    op.create_index("ix_outreach_campaigns_created_at", "outreach_campaigns", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_outreach_campaigns_deleted_at",
        "outreach_campaigns",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_outreach_campaigns_deletion_id",
        "outreach_campaigns",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index("ix_outreach_campaigns_name", "outreach_campaigns", ["organization_id", "name", "id"])
    op.create_index("ix_outreach_campaigns_sequence_id", "outreach_campaigns", ["organization_id", "sequence_id", "id"])
    op.create_index(
        "ix_outreach_campaigns_status_updated_at",
        "outreach_campaigns",
        ["organization_id", "status", "updated_at", "id"],
    )
    op.create_index("ix_outreach_campaigns_updated_at", "outreach_campaigns", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_outreach_campaigns_name_norm",
        "outreach_campaigns",
        ["organization_id", "name_norm"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "enrollments",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("outreach_campaign_id", types.Identifier(), nullable=False),
        sa.Column("prospect_id", types.Identifier(), nullable=False),
        sa.Column("rotation", types.Integer(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("current_step", types.Integer(), nullable=False),
        sa.Column("next_step_at", types.Moment(), nullable=True),
        sa.Column("started_at", types.Moment(), nullable=True),
        sa.Column("ended_at", types.Moment(), nullable=True),
        sa.Column("stop_reason", types.Text(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_enrollments"),
        sa.CheckConstraint("current_step >= 0", name="ck_enrollments_current_step"),
        sa.CheckConstraint("rotation >= 1", name="ck_enrollments_rotation"),
        sa.CheckConstraint(
            "status IN ('pending', 'active', 'paused', 'replied', 'completed', 'bounced', 'unsubscribed', 'stopped', 'failed')",
            name="ck_enrollments_status",
        ),
        sa.CheckConstraint("length(stop_reason) <= 300", name="ck_enrollments_stop_reason"),
        sa.CheckConstraint("version >= 1", name="ck_enrollments_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_enrollments_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "outreach_campaign_id"],
            ["outreach_campaigns.organization_id", "outreach_campaigns.id"],
            name="fk_enrollments_outreach_campaign_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "prospect_id"],
            ["prospects.organization_id", "prospects.id"],
            name="fk_enrollments_prospect_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_enrollments_created_at", "enrollments", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_enrollments_outreach_campaign_id_status",
        "enrollments",
        ["organization_id", "outreach_campaign_id", "status"],
    )
    op.create_index("ix_enrollments_prospect_id", "enrollments", ["organization_id", "prospect_id", "id"])
    op.create_index("ix_enrollments_status_next_step_at", "enrollments", ["status", "next_step_at"])
    op.create_index("ix_enrollments_updated_at", "enrollments", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_enrollments_outreach_campaign_id_prospect_id",
        "enrollments",
        ["organization_id", "outreach_campaign_id", "prospect_id"],
        unique=True,
        sqlite_where=sa.text("status IN ('pending', 'active', 'paused')"),
        postgresql_where=sa.text("status IN ('pending', 'active', 'paused')"),
    )
    op.create_index(
        "uq_enrollments_outreach_campaign_id_prospect_id_rotation",
        "enrollments",
        ["organization_id", "outreach_campaign_id", "prospect_id", "rotation"],
        unique=True,
    )
    op.create_table(
        "sequence_steps",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("sequence_id", types.Identifier(), nullable=False),
        sa.Column("step_key", types.Text(), nullable=False),
        sa.Column("step_number", types.Integer(), nullable=False),
        sa.Column("subject", types.Text(), nullable=True),
        sa.Column("content", types.Text(), nullable=False),
        sa.Column("delay_days", types.Integer(), nullable=False),
        sa.Column("delay_hours", types.Integer(), nullable=False),
        sa.Column("conditions", types.Document(), nullable=True),
        sa.Column("is_active", types.Boolean(), nullable=False),
        sa.Column("template_id", types.Identifier(), nullable=True),
        sa.Column("revision", types.Integer(), nullable=False),
        sa.Column("supersedes_id", types.Identifier(), nullable=True),
        sa.Column("superseded_at", types.Moment(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_sequence_steps"),
        sa.CheckConstraint("json_valid(conditions)", name="ck_sequence_steps_conditions").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(content) <= 100000 AND length(content) >= 1", name="ck_sequence_steps_content"),
        sa.CheckConstraint("delay_days >= 0 AND delay_days <= 3650", name="ck_sequence_steps_delay_days"),
        sa.CheckConstraint("delay_hours >= 0 AND delay_hours <= 87600", name="ck_sequence_steps_delay_hours"),
        sa.CheckConstraint("is_active IN (0, 1)", name="ck_sequence_steps_is_active").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("revision >= 1", name="ck_sequence_steps_revision"),
        sa.CheckConstraint("length(step_key) <= 60 AND length(step_key) >= 1", name="ck_sequence_steps_step_key"),
        sa.CheckConstraint("step_number >= 1", name="ck_sequence_steps_step_number"),
        sa.CheckConstraint("length(subject) <= 300", name="ck_sequence_steps_subject"),
        sa.CheckConstraint("version >= 1", name="ck_sequence_steps_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_sequence_steps_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "sequence_id"],
            ["sequences.organization_id", "sequences.id"],
            name="fk_sequence_steps_sequence_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "supersedes_id"],
            ["sequence_steps.organization_id", "sequence_steps.id"],
            name="fk_sequence_steps_supersedes_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "template_id"],
            ["content_templates.organization_id", "content_templates.id"],
            name="fk_sequence_steps_template_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_sequence_steps_created_at", "sequence_steps", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_sequence_steps_deleted_at",
        "sequence_steps",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_sequence_steps_deletion_id",
        "sequence_steps",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index(
        "ix_sequence_steps_sequence_id_step_key_revision",
        "sequence_steps",
        ["organization_id", "sequence_id", "step_key", "revision"],
    )
    op.create_index("ix_sequence_steps_step_number", "sequence_steps", ["organization_id", "step_number", "id"])
    op.create_index(
        "ix_sequence_steps_supersedes_id",
        "sequence_steps",
        ["organization_id", "supersedes_id", "id"],
        sqlite_where=sa.text("supersedes_id IS NOT NULL"),
        postgresql_where=sa.text("supersedes_id IS NOT NULL"),
    )
    op.create_index(
        "ix_sequence_steps_template_id",
        "sequence_steps",
        ["organization_id", "template_id", "id"],
        sqlite_where=sa.text("template_id IS NOT NULL"),
        postgresql_where=sa.text("template_id IS NOT NULL"),
    )
    op.create_index("ix_sequence_steps_updated_at", "sequence_steps", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_sequence_steps_sequence_id_step_key",
        "sequence_steps",
        ["organization_id", "sequence_id", "step_key"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL AND superseded_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL AND superseded_at IS NULL"),
    )
    op.create_index(
        "uq_sequence_steps_sequence_id_step_number",
        "sequence_steps",
        ["organization_id", "sequence_id", "step_number"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL AND superseded_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL AND superseded_at IS NULL"),
    )
    op.create_table(
        "messages",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("prospect_id", types.Identifier(), nullable=False),
        sa.Column("outreach_campaign_id", types.Identifier(), nullable=True),
        sa.Column("enrollment_id", types.Identifier(), nullable=True),
        sa.Column("sequence_step_id", types.Identifier(), nullable=True),
        sa.Column("step_key", types.Text(), nullable=True),
        sa.Column("type", types.Text(), nullable=False),
        sa.Column("direction", types.Text(), nullable=False),
        sa.Column("channel", types.Text(), nullable=False),
        sa.Column("subject", types.Text(), nullable=True),
        sa.Column("content", types.Text(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("send_at", types.Moment(), nullable=True),
        sa.Column("sent_at", types.Moment(), nullable=True),
        sa.Column("delivered_at", types.Moment(), nullable=True),
        sa.Column("first_opened_at", types.Moment(), nullable=True),
        sa.Column("first_clicked_at", types.Moment(), nullable=True),
        sa.Column("replied_at", types.Moment(), nullable=True),
        sa.Column("bounced_at", types.Moment(), nullable=True),
        sa.Column("open_count", types.Integer(), nullable=False),
        sa.Column("click_count", types.Integer(), nullable=False),
        sa.Column("provider", types.Text(), nullable=True),
        sa.Column("provider_message_id", types.Text(), nullable=True),
        sa.Column("thread_key", types.Text(), nullable=True),
        sa.Column("in_reply_to_id", types.Identifier(), nullable=True),
        sa.Column("recipient_hash", types.Text(), nullable=True),
        sa.Column("claim_token", types.Identifier(), nullable=True),
        sa.Column("claimed_until", types.Moment(), nullable=True),
        sa.Column("attempts", types.Integer(), nullable=False),
        sa.Column("last_error", types.Document(), nullable=True),
        sa.Column("metadata", types.Document(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_messages"),
        sa.CheckConstraint("attempts >= 0", name="ck_messages_attempts"),
        sa.CheckConstraint("channel IN ('email', 'linkedin', 'sms', 'whatsapp')", name="ck_messages_channel"),
        sa.CheckConstraint("click_count >= 0", name="ck_messages_click_count"),
        sa.CheckConstraint("length(content) <= 100000", name="ck_messages_content"),
        sa.CheckConstraint("direction IN ('outbound', 'inbound')", name="ck_messages_direction"),
        sa.CheckConstraint("json_valid(last_error)", name="ck_messages_last_error").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("json_valid(metadata)", name="ck_messages_metadata").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("open_count >= 0", name="ck_messages_open_count"),
        sa.CheckConstraint("length(provider) <= 60", name="ck_messages_provider"),
        sa.CheckConstraint("length(provider_message_id) <= 300", name="ck_messages_provider_message_id"),
        sa.CheckConstraint("length(recipient_hash) <= 64", name="ck_messages_recipient_hash"),
        sa.CheckConstraint(
            "status IN ('draft', 'scheduled', 'queued', 'dispatching', 'sent', 'delivered', 'bounced', 'failed', 'unconfirmed', 'suppressed', 'cancelled')",
            name="ck_messages_status",
        ),
        sa.CheckConstraint("length(step_key) <= 60", name="ck_messages_step_key"),
        sa.CheckConstraint("length(subject) <= 300", name="ck_messages_subject"),
        sa.CheckConstraint("length(thread_key) <= 300", name="ck_messages_thread_key"),
        sa.CheckConstraint("type IN ('initial', 'follow_up', 'manual', 'template')", name="ck_messages_type"),
        sa.CheckConstraint("version >= 1", name="ck_messages_version"),
        sa.ForeignKeyConstraint(
            ["organization_id", "enrollment_id"],
            ["enrollments.organization_id", "enrollments.id"],
            name="fk_messages_enrollment_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "in_reply_to_id"],
            ["messages.organization_id", "messages.id"],
            name="fk_messages_in_reply_to_id",
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_messages_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "outreach_campaign_id"],
            ["outreach_campaigns.organization_id", "outreach_campaigns.id"],
            name="fk_messages_outreach_campaign_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "prospect_id"],
            ["prospects.organization_id", "prospects.id"],
            name="fk_messages_prospect_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "sequence_step_id"],
            ["sequence_steps.organization_id", "sequence_steps.id"],
            name="fk_messages_sequence_step_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_messages_created_at", "messages", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_messages_created_by",
        "messages",
        ["organization_id", "created_by"],
        sqlite_where=sa.text("outreach_campaign_id IS NULL"),
        postgresql_where=sa.text("outreach_campaign_id IS NULL"),
    )
    op.create_index(
        "ix_messages_in_reply_to_id",
        "messages",
        ["organization_id", "in_reply_to_id", "id"],
        sqlite_where=sa.text("in_reply_to_id IS NOT NULL"),
        postgresql_where=sa.text("in_reply_to_id IS NOT NULL"),
    )
    op.create_index(
        "ix_messages_outreach_campaign_id_status", "messages", ["organization_id", "outreach_campaign_id", "status"]
    )
    op.create_index("ix_messages_prospect_id_created_at", "messages", ["organization_id", "prospect_id", "created_at"])
    op.create_index("ix_messages_sent_at", "messages", ["organization_id", "sent_at", "id"])
    op.create_index(
        "ix_messages_sequence_step_id",
        "messages",
        ["organization_id", "sequence_step_id", "id"],
        sqlite_where=sa.text("sequence_step_id IS NOT NULL"),
        postgresql_where=sa.text("sequence_step_id IS NOT NULL"),
    )
    op.create_index("ix_messages_status_send_at", "messages", ["status", "send_at"])
    op.create_index("ix_messages_updated_at", "messages", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_messages_enrollment_id_step_key",
        "messages",
        ["organization_id", "enrollment_id", "step_key"],
        unique=True,
        sqlite_where=sa.text("enrollment_id IS NOT NULL"),
        postgresql_where=sa.text("enrollment_id IS NOT NULL"),
    )
    op.create_index(
        "uq_messages_provider_provider_message_id",
        "messages",
        ["organization_id", "provider", "provider_message_id"],
        unique=True,
        sqlite_where=sa.text("provider_message_id IS NOT NULL"),
        postgresql_where=sa.text("provider_message_id IS NOT NULL"),
    )
    op.create_table(
        "activities",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("prospect_id", types.Identifier(), nullable=False),
        sa.Column("user_id", types.Identifier(), nullable=True),
        sa.Column("type", types.Text(), nullable=False),
        sa.Column("title", types.Text(), nullable=False),
        sa.Column("description", types.Text(), nullable=True),
        sa.Column("scheduled_at", types.Moment(), nullable=True),
        sa.Column("completed_at", types.Moment(), nullable=True),
        sa.Column("reminder_at", types.Moment(), nullable=True),
        sa.Column("message_id", types.Identifier(), nullable=True),
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
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_activities"),
        sa.CheckConstraint("length(description) <= 20000", name="ck_activities_description"),
        sa.CheckConstraint("json_valid(metadata)", name="ck_activities_metadata").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(title) <= 300 AND length(title) >= 1", name="ck_activities_title"),
        sa.CheckConstraint(
            "type IN ('call', 'meeting', 'email', 'note', 'task', 'demo', 'follow_up', 'stage_change', 'system')",
            name="ck_activities_type",
        ),
        sa.CheckConstraint("version >= 1", name="ck_activities_version"),
        sa.ForeignKeyConstraint(
            ["organization_id", "message_id"],
            ["messages.organization_id", "messages.id"],
            name="fk_activities_message_id",
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_activities_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "prospect_id"],
            ["prospects.organization_id", "prospects.id"],
            name="fk_activities_prospect_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"],
            ["memberships.organization_id", "memberships.user_id"],
            name="fk_activities_user_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_activities_created_at", "activities", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_activities_deleted_at",
        "activities",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_activities_deletion_id",
        "activities",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index(
        "ix_activities_message_id",
        "activities",
        ["organization_id", "message_id", "id"],
        sqlite_where=sa.text("message_id IS NOT NULL"),
        postgresql_where=sa.text("message_id IS NOT NULL"),
    )
    op.create_index(
        "ix_activities_prospect_id_created_at", "activities", ["organization_id", "prospect_id", "created_at"]
    )
    op.create_index(
        "ix_activities_reminder_at",
        "activities",
        ["organization_id", "reminder_at"],
        sqlite_where=sa.text("reminder_at IS NOT NULL"),
        postgresql_where=sa.text("reminder_at IS NOT NULL"),
    )
    op.create_index("ix_activities_scheduled_at", "activities", ["organization_id", "scheduled_at", "id"])
    op.create_index("ix_activities_updated_at", "activities", ["organization_id", "updated_at", "id"])
    op.create_index(
        "ix_activities_user_id",
        "activities",
        ["organization_id", "user_id", "id"],
        sqlite_where=sa.text("user_id IS NOT NULL"),
        postgresql_where=sa.text("user_id IS NOT NULL"),
    )
    op.create_index(
        "ix_activities_user_id_scheduled_at",
        "activities",
        ["organization_id", "user_id", "scheduled_at"],
        sqlite_where=sa.text("completed_at IS NULL"),
        postgresql_where=sa.text("completed_at IS NULL"),
    )
    op.create_table(
        "message_events",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("message_id", types.Identifier(), nullable=False),
        sa.Column("type", types.Text(), nullable=False),
        sa.Column("provider", types.Text(), nullable=False),
        sa.Column("provider_event_id", types.Text(), nullable=False),
        sa.Column("occurred_at", types.Moment(), nullable=False),
        sa.Column("received_at", types.Moment(), nullable=False),
        sa.Column("data", types.Document(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_message_events"),
        sa.CheckConstraint("json_valid(data)", name="ck_message_events_data").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(provider) <= 60", name="ck_message_events_provider"),
        sa.CheckConstraint("length(provider_event_id) <= 300", name="ck_message_events_provider_event_id"),
        sa.CheckConstraint(
            "type IN ('sent', 'delivered', 'open', 'click', 'reply', 'bounce_soft', 'bounce_hard', 'complaint', 'unsubscribe', 'failed')",
            name="ck_message_events_type",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "message_id"],
            ["messages.organization_id", "messages.id"],
            name="fk_message_events_message_id",
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_message_events_message_id_occurred_at", "message_events", ["organization_id", "message_id", "occurred_at"]
    )
    op.create_index("ix_message_events_occurred_at", "message_events", ["organization_id", "occurred_at", "id"])
    op.create_index(
        "uq_message_events_provider_provider_event_id",
        "message_events",
        ["organization_id", "provider", "provider_event_id"],
        unique=True,
    )
    op.create_table(
        "series",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("description", types.Text(), nullable=True),
        sa.Column("platform", types.Text(), nullable=False),
        sa.Column("cadence", types.Text(), nullable=False),
        sa.Column("total_posts", types.Integer(), nullable=True),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("start_at", types.Moment(), nullable=True),
        sa.Column("end_at", types.Moment(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_series"),
        sa.CheckConstraint("cadence IN ('daily', 'weekly', 'biweekly', 'monthly')", name="ck_series_cadence"),
        sa.CheckConstraint("length(description) <= 20000", name="ck_series_description"),
        sa.CheckConstraint("end_at IS NULL OR start_at IS NULL OR end_at >= start_at", name="ck_series_end_at"),
        sa.CheckConstraint("length(name) <= 200 AND length(name) >= 1", name="ck_series_name"),
        sa.CheckConstraint("platform <> 'general'", name="ck_series_one_platform"),
        sa.CheckConstraint(
            "platform IN ('twitter', 'linkedin', 'instagram', 'tiktok', 'youtube', 'youtube_shorts', 'facebook', 'threads', 'reddit', 'pinterest', 'bluesky', 'mastodon', 'general')",
            name="ck_series_platform",
        ),
        sa.CheckConstraint("status IN ('active', 'paused', 'completed', 'cancelled')", name="ck_series_status"),
        sa.CheckConstraint("total_posts >= 1", name="ck_series_total_posts"),
        sa.CheckConstraint("version >= 1", name="ck_series_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_series_organization_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_series_created_at", "series", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_series_deleted_at",
        "series",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_series_deletion_id",
        "series",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index("ix_series_name", "series", ["organization_id", "name", "id"])
    op.create_index("ix_series_updated_at", "series", ["organization_id", "updated_at", "id"])
    op.create_table(
        "social_accounts",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("platform", types.Text(), nullable=False),
        sa.Column("provider_account_id", types.Text(), nullable=False),
        sa.Column("handle", types.Text(), nullable=False),
        sa.Column("display_name", types.Text(), nullable=True),
        sa.Column("profile_url", types.Text(), nullable=True),
        sa.Column("instance_url", types.Text(), nullable=True),
        sa.Column("access_token_cipher", types.Sealed(), nullable=True),
        sa.Column("refresh_token_cipher", types.Sealed(), nullable=True),
        sa.Column("token_type", types.Text(), nullable=True),
        sa.Column("scope", types.Text(), nullable=True),
        sa.Column("token_expires_at", types.Moment(), nullable=True),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("followers_count", types.Integer(), nullable=True),
        sa.Column("following_count", types.Integer(), nullable=True),
        sa.Column("posts_count", types.Integer(), nullable=True),
        sa.Column("last_sync_at", types.Moment(), nullable=True),
        sa.Column("last_error", types.Document(), nullable=True),
        sa.Column("posting_times", types.Document(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_social_accounts"),
        sa.CheckConstraint("length(display_name) <= 300", name="ck_social_accounts_display_name"),
        sa.CheckConstraint("followers_count >= 0", name="ck_social_accounts_followers_count"),
        sa.CheckConstraint("following_count >= 0", name="ck_social_accounts_following_count"),
        sa.CheckConstraint("length(handle) <= 300 AND length(handle) >= 1", name="ck_social_accounts_handle"),
        sa.CheckConstraint("length(instance_url) <= 2000", name="ck_social_accounts_instance_url"),
        sa.CheckConstraint("json_valid(last_error)", name="ck_social_accounts_last_error").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("platform <> 'general'", name="ck_social_accounts_one_platform"),
        sa.CheckConstraint(
            "platform IN ('twitter', 'linkedin', 'instagram', 'tiktok', 'youtube', 'youtube_shorts', 'facebook', 'threads', 'reddit', 'pinterest', 'bluesky', 'mastodon', 'general')",
            name="ck_social_accounts_platform",
        ),
        sa.CheckConstraint("json_valid(posting_times)", name="ck_social_accounts_posting_times").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("posts_count >= 0", name="ck_social_accounts_posts_count"),
        sa.CheckConstraint("length(profile_url) <= 2000", name="ck_social_accounts_profile_url"),
        sa.CheckConstraint(
            "length(provider_account_id) <= 300 AND length(provider_account_id) >= 1",
            name="ck_social_accounts_provider_account_id",
        ),
        sa.CheckConstraint("length(scope) <= 2000", name="ck_social_accounts_scope"),
        sa.CheckConstraint(
            "status IN ('connecting', 'active', 'refresh_needed', 'revoked', 'disabled')",
            name="ck_social_accounts_status",
        ),
        sa.CheckConstraint("length(token_type) <= 40", name="ck_social_accounts_token_type"),
        sa.CheckConstraint("version >= 1", name="ck_social_accounts_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_social_accounts_organization_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_social_accounts_created_at", "social_accounts", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_social_accounts_deleted_at",
        "social_accounts",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_social_accounts_deletion_id",
        "social_accounts",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index("ix_social_accounts_handle", "social_accounts", ["organization_id", "handle"])
    op.create_index("ix_social_accounts_status_token_expires_at", "social_accounts", ["status", "token_expires_at"])
    op.create_index("ix_social_accounts_updated_at", "social_accounts", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_social_accounts_platform_provider_account_id",
        "social_accounts",
        ["organization_id", "platform", "provider_account_id"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "account_metric_daily",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("social_account_id", types.Identifier(), nullable=False),
        sa.Column("day", types.Day(), nullable=False),
        sa.Column("collected_at", types.Moment(), nullable=False),
        sa.Column("followers", types.Integer(), nullable=True),
        sa.Column("following", types.Integer(), nullable=True),
        sa.Column("posts", types.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_account_metric_daily"),
        sa.CheckConstraint("followers >= 0", name="ck_account_metric_daily_followers"),
        sa.CheckConstraint("following >= 0", name="ck_account_metric_daily_following"),
        sa.CheckConstraint("posts >= 0", name="ck_account_metric_daily_posts"),
        sa.ForeignKeyConstraint(
            ["organization_id", "social_account_id"],
            ["social_accounts.organization_id", "social_accounts.id"],
            name="fk_account_metric_daily_social_account_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_account_metric_daily_day", "account_metric_daily", ["organization_id", "day", "id"])
    op.create_index(
        "uq_account_metric_daily_social_account_id_day",
        "account_metric_daily",
        ["organization_id", "social_account_id", "day"],
        unique=True,
    )
    op.create_table(
        "stores",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("platform", types.Text(), nullable=False),
        sa.Column("domain", types.Text(), nullable=False),
        sa.Column("shop_domain", types.Text(), nullable=False),
        sa.Column("name", types.Text(), nullable=True),
        sa.Column("plan_level", types.Text(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("timezone", types.Text(), nullable=False),
        sa.Column("access_token_cipher", types.Sealed(), nullable=True),
        sa.Column("encryption_version", types.Integer(), nullable=False),
        sa.Column("scope_hash", types.Text(), nullable=True),
        sa.Column("onboarding", types.Document(), nullable=False),
        sa.Column("onboarding_completed_at", types.Moment(), nullable=True),
        sa.Column("last_synced_at", types.Moment(), nullable=True),
        sa.Column("connected_at", types.Moment(), nullable=True),
        sa.Column("verified_at", types.Moment(), nullable=True),
        sa.Column("disconnected_at", types.Moment(), nullable=True),
        sa.Column("currency", types.Text(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_stores"),
        sa.CheckConstraint("length(currency) <= 3 AND length(currency) >= 3", name="ck_stores_currency"),
        sa.CheckConstraint("length(domain) <= 253 AND length(domain) >= 3", name="ck_stores_domain"),
        sa.CheckConstraint("encryption_version >= 1", name="ck_stores_encryption_version"),
        sa.CheckConstraint("length(name) <= 200", name="ck_stores_name"),
        sa.CheckConstraint("json_valid(onboarding)", name="ck_stores_onboarding").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(plan_level) <= 50 AND length(plan_level) >= 1", name="ck_stores_plan_level"),
        sa.CheckConstraint("platform IN ('shopify', 'custom')", name="ck_stores_platform"),
        sa.CheckConstraint("length(scope_hash) <= 128", name="ck_stores_scope_hash"),
        sa.CheckConstraint("length(shop_domain) <= 253 AND length(shop_domain) >= 3", name="ck_stores_shop_domain"),
        sa.CheckConstraint(
            "status IN ('onboarding', 'active', 'suspended', 'disconnected', 'archived')", name="ck_stores_status"
        ),
        sa.CheckConstraint("length(timezone) <= 64 AND length(timezone) >= 1", name="ck_stores_timezone"),
        sa.CheckConstraint("version >= 1", name="ck_stores_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_stores_organization_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_stores_created_at", "stores", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_stores_deleted_at",
        "stores",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_stores_deletion_id",
        "stores",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index("ix_stores_name", "stores", ["organization_id", "name", "id"])
    op.create_index("ix_stores_shop_domain", "stores", ["shop_domain"])
    op.create_index("ix_stores_status", "stores", ["organization_id", "status", "id"])
    op.create_index("ix_stores_updated_at", "stores", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_stores_platform_domain",
        "stores",
        ["organization_id", "platform", "domain"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_stores_platform_shop_domain",
        "stores",
        ["organization_id", "platform", "shop_domain"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "connection_events",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("store_id", types.Identifier(), nullable=False),
        sa.Column("integration", types.Text(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("correlation_id", types.Text(), nullable=True),
        sa.Column("message", types.Text(), nullable=True),
        sa.Column("latency_ms", types.Integer(), nullable=True),
        sa.Column("metadata", types.Document(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_connection_events"),
        sa.CheckConstraint("length(correlation_id) <= 200", name="ck_connection_events_correlation_id"),
        sa.CheckConstraint(
            "integration IN ('shopify', 'ga4', 'gsc', 'bing', 'mcp', 'klaviyo', 'custom')",
            name="ck_connection_events_integration",
        ),
        sa.CheckConstraint("latency_ms >= 0", name="ck_connection_events_latency_ms"),
        sa.CheckConstraint("length(message) <= 1000", name="ck_connection_events_message"),
        sa.CheckConstraint("json_valid(metadata)", name="ck_connection_events_metadata").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("status IN ('success', 'failure', 'warning', 'info')", name="ck_connection_events_status"),
        sa.CheckConstraint("version >= 1", name="ck_connection_events_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_connection_events_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "store_id"],
            ["stores.organization_id", "stores.id"],
            name="fk_connection_events_store_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_connection_events_created_at", "connection_events", ["organization_id", "created_at", "id"])
    op.create_index("ix_connection_events_created_at_integration", "connection_events", ["created_at", "integration"])
    op.create_index(
        "ix_connection_events_store_id_integration_created_at",
        "connection_events",
        ["organization_id", "store_id", "integration", "created_at"],
    )
    op.create_index("ix_connection_events_updated_at", "connection_events", ["organization_id", "updated_at", "id"])
    op.create_table(
        "kpi_cache",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("store_id", types.Identifier(), nullable=False),
        sa.Column("metric_key", types.Text(), nullable=False),
        sa.Column("range_start", types.Moment(), nullable=False),
        sa.Column("range_end", types.Moment(), nullable=False),
        sa.Column("granularity", types.Text(), nullable=False),
        sa.Column("payload", types.Document(), nullable=False),
        sa.Column("refreshed_at", types.Moment(), nullable=False),
        sa.Column("expires_at", types.Moment(), nullable=True),
        sa.Column("source_watermark", types.Moment(), nullable=True),
        sa.Column("refresh_lock_until", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_kpi_cache"),
        sa.CheckConstraint("granularity IN ('total', 'day', 'week', 'month')", name="ck_kpi_cache_granularity"),
        sa.CheckConstraint("length(metric_key) <= 80 AND length(metric_key) >= 1", name="ck_kpi_cache_metric_key"),
        sa.CheckConstraint("json_valid(payload)", name="ck_kpi_cache_payload").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("range_end > range_start", name="ck_kpi_cache_range"),
        sa.ForeignKeyConstraint(
            ["organization_id", "store_id"], ["stores.organization_id", "stores.id"], name="fk_kpi_cache_store_id"
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_kpi_cache_expires_at", "kpi_cache", ["expires_at"])
    op.create_index(
        "uq_kpi_cache_store_id_metric_key_range_start_range_end_granu",
        "kpi_cache",
        ["organization_id", "store_id", "metric_key", "range_start", "range_end", "granularity"],
        unique=True,
    )
    op.create_table(
        "product_velocity",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("store_id", types.Identifier(), nullable=False),
        sa.Column("sku", types.Text(), nullable=False),
        sa.Column("variant_id", types.Text(), nullable=True),
        sa.Column("product_title", types.Text(), nullable=True),
        sa.Column("recorded_for", types.Day(), nullable=False),
        sa.Column("window_days", types.Integer(), nullable=False),
        sa.Column("average_daily_sales", types.Real(), nullable=False),
        sa.Column("current_inventory", types.Integer(), nullable=False),
        sa.Column("sell_through_bp", types.Integer(), nullable=True),
        sa.Column("days_of_supply", types.Real(), nullable=True),
        sa.Column("projected_stockout_date", types.Day(), nullable=True),
        sa.Column("recommended_reorder_qty", types.Integer(), nullable=True),
        sa.Column("computed_from", types.Document(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_product_velocity"),
        sa.CheckConstraint(
            "average_daily_sales >= 0 AND average_daily_sales <= 1000000000.0",
            name="ck_product_velocity_average_daily_sales",
        ),
        sa.CheckConstraint("json_valid(computed_from)", name="ck_product_velocity_computed_from").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint(
            "current_inventory >= -1000000000 AND current_inventory <= 1000000000",
            name="ck_product_velocity_current_inventory",
        ),
        sa.CheckConstraint(
            "days_of_supply >= 0 AND days_of_supply <= 1.7976931348623157e+308",
            name="ck_product_velocity_days_of_supply",
        ),
        sa.CheckConstraint("length(product_title) <= 300", name="ck_product_velocity_product_title"),
        sa.CheckConstraint("recommended_reorder_qty >= 0", name="ck_product_velocity_recommended_reorder_qty"),
        sa.CheckConstraint(
            "sell_through_bp >= 0 AND sell_through_bp <= 10000", name="ck_product_velocity_sell_through_bp"
        ),
        sa.CheckConstraint("length(sku) <= 100 AND length(sku) >= 1", name="ck_product_velocity_sku"),
        sa.CheckConstraint("length(variant_id) <= 100", name="ck_product_velocity_variant_id"),
        sa.CheckConstraint("version >= 1", name="ck_product_velocity_version"),
        sa.CheckConstraint("window_days >= 1 AND window_days <= 3650", name="ck_product_velocity_window_days"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_product_velocity_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "store_id"],
            ["stores.organization_id", "stores.id"],
            name="fk_product_velocity_store_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_product_velocity_created_at", "product_velocity", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_product_velocity_projected_stockout_date",
        "product_velocity",
        ["organization_id", "projected_stockout_date", "id"],
    )
    op.create_index("ix_product_velocity_sku", "product_velocity", ["organization_id", "sku", "id"])
    op.create_index(
        "ix_product_velocity_store_id_projected_stockout_date",
        "product_velocity",
        ["organization_id", "store_id", "projected_stockout_date"],
    )
    op.create_index(
        "ix_product_velocity_store_id_recorded_for", "product_velocity", ["organization_id", "store_id", "recorded_for"]
    )
    op.create_index("ix_product_velocity_updated_at", "product_velocity", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_product_velocity_store_id_sku_recorded_for_window_days",
        "product_velocity",
        ["organization_id", "store_id", "sku", "recorded_for", "window_days"],
        unique=True,
    )
    op.create_table(
        "purchase_orders",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("store_id", types.Identifier(), nullable=False),
        sa.Column("number", types.Integer(), nullable=False),
        sa.Column("vendor_name", types.Text(), nullable=False),
        sa.Column("vendor_id", types.Text(), nullable=True),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("reference_code", types.Text(), nullable=True),
        sa.Column("subtotal_minor", types.Integer(), nullable=False),
        sa.Column("shipping_minor", types.Integer(), nullable=False),
        sa.Column("tax_minor", types.Integer(), nullable=False),
        sa.Column("discount_minor", types.Integer(), nullable=False),
        sa.Column("total_minor", types.Integer(), nullable=False),
        sa.Column("expected_at", types.Moment(), nullable=True),
        sa.Column("submitted_at", types.Moment(), nullable=True),
        sa.Column("approved_at", types.Moment(), nullable=True),
        sa.Column("approved_by", types.Identifier(), nullable=True),
        sa.Column("received_at", types.Moment(), nullable=True),
        sa.Column("closed_short_at", types.Moment(), nullable=True),
        sa.Column("cancelled_at", types.Moment(), nullable=True),
        sa.Column("notes", types.Text(), nullable=True),
        sa.Column("metadata", types.Document(), nullable=True),
        sa.Column("currency", types.Text(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_purchase_orders"),
        sa.CheckConstraint("length(currency) <= 3 AND length(currency) >= 3", name="ck_purchase_orders_currency"),
        sa.CheckConstraint(
            "discount_minor >= 0 AND discount_minor <= 1000000000000", name="ck_purchase_orders_discount_minor"
        ),
        sa.CheckConstraint("json_valid(metadata)", name="ck_purchase_orders_metadata").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(notes) <= 20000", name="ck_purchase_orders_notes"),
        sa.CheckConstraint("number >= 1", name="ck_purchase_orders_number"),
        sa.CheckConstraint("length(reference_code) <= 100", name="ck_purchase_orders_reference_code"),
        sa.CheckConstraint(
            "shipping_minor >= 0 AND shipping_minor <= 1000000000000", name="ck_purchase_orders_shipping_minor"
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'submitted', 'approved', 'partially_received', 'received', 'cancelled')",
            name="ck_purchase_orders_status",
        ),
        sa.CheckConstraint("subtotal_minor >= 0", name="ck_purchase_orders_subtotal_minor"),
        sa.CheckConstraint("tax_minor >= 0 AND tax_minor <= 1000000000000", name="ck_purchase_orders_tax_minor"),
        sa.CheckConstraint("total_minor >= 0", name="ck_purchase_orders_total_minor"),
        sa.CheckConstraint(
            "total_minor = subtotal_minor + shipping_minor + tax_minor - discount_minor",
            name="ck_purchase_orders_totals",
        ),
        sa.CheckConstraint("length(vendor_id) <= 100", name="ck_purchase_orders_vendor_id"),
        sa.CheckConstraint(
            "length(vendor_name) <= 200 AND length(vendor_name) >= 1", name="ck_purchase_orders_vendor_name"
        ),
        sa.CheckConstraint("version >= 1", name="ck_purchase_orders_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_purchase_orders_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "store_id"], ["stores.organization_id", "stores.id"], name="fk_purchase_orders_store_id"
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_purchase_orders_created_at", "purchase_orders", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_purchase_orders_deleted_at",
        "purchase_orders",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_purchase_orders_deletion_id",
        "purchase_orders",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index("ix_purchase_orders_number", "purchase_orders", ["organization_id", "number", "id"])
    op.create_index(
        "ix_purchase_orders_store_id_status_updated_at",
        "purchase_orders",
        ["organization_id", "store_id", "status", "updated_at"],
    )
    op.create_index(
        "ix_purchase_orders_store_id_vendor_name", "purchase_orders", ["organization_id", "store_id", "vendor_name"]
    )
    op.create_index("ix_purchase_orders_updated_at", "purchase_orders", ["organization_id", "updated_at", "id"])
    op.create_index("ix_purchase_orders_vendor_name", "purchase_orders", ["organization_id", "vendor_name", "id"])
    op.create_index(
        "uq_purchase_orders_store_id_number", "purchase_orders", ["organization_id", "store_id", "number"], unique=True
    )
    op.create_table(
        "purchase_order_lines",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("purchase_order_id", types.Identifier(), nullable=False),
        sa.Column("position", types.Integer(), nullable=False),
        sa.Column("sku", types.Text(), nullable=False),
        sa.Column("product_title", types.Text(), nullable=True),
        sa.Column("variant_id", types.Text(), nullable=True),
        sa.Column("quantity", types.Integer(), nullable=False),
        sa.Column("unit_cost_minor", types.Integer(), nullable=False),
        sa.Column("line_total_minor", types.Integer(), nullable=False),
        sa.Column("quantity_received", types.Integer(), nullable=False),
        sa.Column("allow_over_receipt", types.Boolean(), nullable=False),
        sa.Column("velocity_id", types.Identifier(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_purchase_order_lines"),
        sa.CheckConstraint("allow_over_receipt IN (0, 1)", name="ck_purchase_order_lines_allow_over_receipt").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("line_total_minor >= 0", name="ck_purchase_order_lines_line_total_minor"),
        sa.CheckConstraint("position >= 1", name="ck_purchase_order_lines_position"),
        sa.CheckConstraint("length(product_title) <= 300", name="ck_purchase_order_lines_product_title"),
        sa.CheckConstraint("quantity >= 1 AND quantity <= 1000000", name="ck_purchase_order_lines_quantity"),
        sa.CheckConstraint("quantity_received >= 0", name="ck_purchase_order_lines_quantity_received"),
        sa.CheckConstraint(
            "quantity_received <= quantity OR allow_over_receipt", name="ck_purchase_order_lines_received"
        ),
        sa.CheckConstraint("length(sku) <= 100 AND length(sku) >= 1", name="ck_purchase_order_lines_sku"),
        sa.CheckConstraint(
            "unit_cost_minor >= 0 AND unit_cost_minor <= 1000000000", name="ck_purchase_order_lines_unit_cost_minor"
        ),
        sa.CheckConstraint("line_total_minor = quantity * unit_cost_minor", name="ck_purchase_order_lines_value"),
        sa.CheckConstraint("length(variant_id) <= 100", name="ck_purchase_order_lines_variant_id"),
        sa.CheckConstraint("version >= 1", name="ck_purchase_order_lines_version"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_purchase_order_lines_organization_id"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "purchase_order_id"],
            ["purchase_orders.organization_id", "purchase_orders.id"],
            name="fk_purchase_order_lines_purchase_order_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "velocity_id"],
            ["product_velocity.organization_id", "product_velocity.id"],
            name="fk_purchase_order_lines_velocity_id",
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_purchase_order_lines_created_at", "purchase_order_lines", ["organization_id", "created_at", "id"]
    )
    op.create_index(
        "ix_purchase_order_lines_updated_at", "purchase_order_lines", ["organization_id", "updated_at", "id"]
    )
    op.create_index(
        "ix_purchase_order_lines_velocity_id",
        "purchase_order_lines",
        ["organization_id", "velocity_id", "id"],
        sqlite_where=sa.text("velocity_id IS NOT NULL"),
        postgresql_where=sa.text("velocity_id IS NOT NULL"),
    )
    op.create_index(
        "uq_purchase_order_lines_purchase_order_id_position",
        "purchase_order_lines",
        ["organization_id", "purchase_order_id", "position"],
        unique=True,
    )
    op.create_index(
        "uq_purchase_order_lines_purchase_order_id_sku_variant_id",
        "purchase_order_lines",
        ["organization_id", "purchase_order_id", "sku", sa.text("coalesce(variant_id, '')")],
        unique=True,
    )
    op.create_table(
        "purchase_order_receipts",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("purchase_order_id", types.Identifier(), nullable=False),
        sa.Column("line_id", types.Identifier(), nullable=False),
        sa.Column("quantity", types.Integer(), nullable=False),
        sa.Column("received_at", types.Moment(), nullable=False),
        sa.Column("idempotency_key", types.Text(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_purchase_order_receipts"),
        sa.CheckConstraint(
            "length(idempotency_key) <= 200 AND length(idempotency_key) >= 1",
            name="ck_purchase_order_receipts_idempotency_key",
        ),
        sa.CheckConstraint("quantity >= 1 AND quantity <= 1000000", name="ck_purchase_order_receipts_quantity"),
        sa.CheckConstraint("version >= 1", name="ck_purchase_order_receipts_version"),
        sa.ForeignKeyConstraint(
            ["organization_id", "line_id"],
            ["purchase_order_lines.organization_id", "purchase_order_lines.id"],
            name="fk_purchase_order_receipts_line_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_purchase_order_receipts_organization_id"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "purchase_order_id"],
            ["purchase_orders.organization_id", "purchase_orders.id"],
            name="fk_purchase_order_receipts_purchase_order_id",
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_purchase_order_receipts_created_at", "purchase_order_receipts", ["organization_id", "created_at", "id"]
    )
    op.create_index(
        "ix_purchase_order_receipts_purchase_order_id_idempotency_key",
        "purchase_order_receipts",
        ["organization_id", "purchase_order_id", "idempotency_key"],
    )
    op.create_index(
        "ix_purchase_order_receipts_updated_at", "purchase_order_receipts", ["organization_id", "updated_at", "id"]
    )
    op.create_index(
        "uq_purchase_order_receipts_line_id_idempotency_key",
        "purchase_order_receipts",
        ["organization_id", "line_id", "idempotency_key"],
        unique=True,
    )
    op.create_table(
        "seo_insights",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("store_id", types.Identifier(), nullable=False),
        sa.Column("fingerprint", types.Text(), nullable=False),
        sa.Column("title", types.Text(), nullable=False),
        sa.Column("description", types.Text(), nullable=False),
        sa.Column("severity", types.Text(), nullable=False),
        sa.Column("severity_rank", types.Integer(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("category", types.Text(), nullable=True),
        sa.Column("resource_type", types.Text(), nullable=True),
        sa.Column("resource_id", types.Text(), nullable=True),
        sa.Column("resource_url", types.Text(), nullable=True),
        sa.Column("detected_at", types.Moment(), nullable=False),
        sa.Column("last_seen_at", types.Moment(), nullable=False),
        sa.Column("due_at", types.Moment(), nullable=True),
        sa.Column("completed_at", types.Moment(), nullable=True),
        sa.Column("last_scan_id", types.Text(), nullable=True),
        sa.Column("missed_scans", types.Integer(), nullable=False),
        sa.Column("metadata", types.Document(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_seo_insights"),
        sa.CheckConstraint("length(category) <= 100", name="ck_seo_insights_category"),
        sa.CheckConstraint("length(description) <= 20000", name="ck_seo_insights_description"),
        sa.CheckConstraint(
            "length(fingerprint) <= 128 AND length(fingerprint) >= 1", name="ck_seo_insights_fingerprint"
        ),
        sa.CheckConstraint("length(last_scan_id) <= 100", name="ck_seo_insights_last_scan_id"),
        sa.CheckConstraint("json_valid(metadata)", name="ck_seo_insights_metadata").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("missed_scans >= 0", name="ck_seo_insights_missed_scans"),
        sa.CheckConstraint("length(resource_id) <= 100", name="ck_seo_insights_resource_id"),
        sa.CheckConstraint("length(resource_type) <= 100", name="ck_seo_insights_resource_type"),
        sa.CheckConstraint("length(resource_url) <= 2000", name="ck_seo_insights_resource_url"),
        sa.CheckConstraint(
            "severity IN ('info', 'low', 'medium', 'high', 'critical')", name="ck_seo_insights_severity"
        ),
        sa.CheckConstraint("severity_rank >= 0 AND severity_rank <= 4", name="ck_seo_insights_severity_rank"),
        sa.CheckConstraint("status IN ('open', 'in_progress', 'resolved', 'dismissed')", name="ck_seo_insights_status"),
        sa.CheckConstraint("length(title) <= 300 AND length(title) >= 1", name="ck_seo_insights_title"),
        sa.CheckConstraint("version >= 1", name="ck_seo_insights_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_seo_insights_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "store_id"], ["stores.organization_id", "stores.id"], name="fk_seo_insights_store_id"
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_seo_insights_created_at", "seo_insights", ["organization_id", "created_at", "id"])
    op.create_index("ix_seo_insights_severity_rank", "seo_insights", ["organization_id", "severity_rank", "id"])
    op.create_index(
        "ix_seo_insights_store_id_detected_at", "seo_insights", ["organization_id", "store_id", "detected_at"]
    )
    op.create_index(
        "ix_seo_insights_store_id_status_severity_rank",
        "seo_insights",
        ["organization_id", "store_id", "status", "severity_rank"],
    )
    op.create_index("ix_seo_insights_updated_at", "seo_insights", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_seo_insights_store_id_fingerprint",
        "seo_insights",
        ["organization_id", "store_id", "fingerprint"],
        unique=True,
    )
    op.create_table(
        "store_counters",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("store_id", types.Identifier(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("last_number", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_store_counters"),
        sa.CheckConstraint("last_number >= 0", name="ck_store_counters_last_number"),
        sa.CheckConstraint("length(name) <= 40", name="ck_store_counters_name"),
        sa.ForeignKeyConstraint(
            ["organization_id", "store_id"], ["stores.organization_id", "stores.id"], name="fk_store_counters_store_id"
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "uq_store_counters_store_id_name", "store_counters", ["organization_id", "store_id", "name"], unique=True
    )
    op.create_table(
        "store_secrets",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("store_id", types.Identifier(), nullable=False),
        sa.Column("provider", types.Text(), nullable=False),
        sa.Column("label", types.Text(), nullable=False),
        sa.Column("secret_cipher", types.Sealed(), nullable=True),
        sa.Column("encryption_version", types.Integer(), nullable=False),
        sa.Column("key_id", types.Text(), nullable=False),
        sa.Column("rotated_at", types.Moment(), nullable=True),
        sa.Column("rotate_after", types.Moment(), nullable=True),
        sa.Column("expires_at", types.Moment(), nullable=True),
        sa.Column("revoked_at", types.Moment(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_store_secrets"),
        sa.CheckConstraint("encryption_version >= 1", name="ck_store_secrets_encryption_version"),
        sa.CheckConstraint("length(key_id) <= 32", name="ck_store_secrets_key_id"),
        sa.CheckConstraint("length(label) <= 80 AND length(label) >= 1", name="ck_store_secrets_label"),
        sa.CheckConstraint("length(provider) <= 40 AND length(provider) >= 1", name="ck_store_secrets_provider"),
        sa.CheckConstraint("version >= 1", name="ck_store_secrets_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_store_secrets_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "store_id"], ["stores.organization_id", "stores.id"], name="fk_store_secrets_store_id"
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_store_secrets_created_at", "store_secrets", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_store_secrets_key_id",
        "store_secrets",
        ["key_id"],
        sqlite_where=sa.text("revoked_at IS NULL"),
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_index("ix_store_secrets_store_id", "store_secrets", ["organization_id", "store_id", "id"])
    op.create_index("ix_store_secrets_updated_at", "store_secrets", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_store_secrets_store_id_provider_label",
        "store_secrets",
        ["organization_id", "store_id", "provider", "label"],
        unique=True,
        sqlite_where=sa.text("revoked_at IS NULL"),
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "store_settings",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("store_id", types.Identifier(), nullable=False),
        sa.Column("thresholds", types.Document(), nullable=False),
        sa.Column("feature_flags", types.Document(), nullable=False),
        sa.Column("connection_metadata", types.Document(), nullable=False),
        sa.Column("notification_emails", types.Document(), nullable=False),
        sa.Column("blocked_customers", types.Document(), nullable=False),
        sa.Column("last_rotation_at", types.Moment(), nullable=True),
        sa.Column("last_inventory_sync_at", types.Moment(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_store_settings"),
        sa.CheckConstraint("json_valid(blocked_customers)", name="ck_store_settings_blocked_customers").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("json_valid(connection_metadata)", name="ck_store_settings_connection_metadata").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("json_valid(feature_flags)", name="ck_store_settings_feature_flags").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("json_valid(notification_emails)", name="ck_store_settings_notification_emails").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("json_valid(thresholds)", name="ck_store_settings_thresholds").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("version >= 1", name="ck_store_settings_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_store_settings_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "store_id"], ["stores.organization_id", "stores.id"], name="fk_store_settings_store_id"
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_store_settings_created_at", "store_settings", ["organization_id", "created_at", "id"])
    op.create_index("ix_store_settings_updated_at", "store_settings", ["organization_id", "updated_at", "id"])
    op.create_index("uq_store_settings_store_id", "store_settings", ["organization_id", "store_id"], unique=True)
    op.create_table(
        "subscriptions",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("plan_id", types.Identifier(), nullable=False),
        sa.Column("payer_user_id", types.Identifier(), nullable=True),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("provider", types.Text(), nullable=False),
        sa.Column("provider_customer_id", types.Text(), nullable=True),
        sa.Column("provider_subscription_id", types.Text(), nullable=True),
        sa.Column("current_period_start", types.Moment(), nullable=False),
        sa.Column("current_period_end", types.Moment(), nullable=False),
        sa.Column("trial_start", types.Moment(), nullable=True),
        sa.Column("trial_end", types.Moment(), nullable=True),
        sa.Column("cancel_at_period_end", types.Boolean(), nullable=False),
        sa.Column("canceled_at", types.Moment(), nullable=True),
        sa.Column("provider_event_at", types.Moment(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_subscriptions"),
        sa.CheckConstraint("cancel_at_period_end IN (0, 1)", name="ck_subscriptions_cancel_at_period_end").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("current_period_end > current_period_start", name="ck_subscriptions_period"),
        sa.CheckConstraint("provider IN ('stripe', 'none')", name="ck_subscriptions_provider"),
        sa.CheckConstraint("length(provider_customer_id) <= 255", name="ck_subscriptions_provider_customer_id"),
        sa.CheckConstraint("length(provider_subscription_id) <= 255", name="ck_subscriptions_provider_subscription_id"),
        sa.CheckConstraint(
            "status IN ('incomplete', 'trialing', 'active', 'past_due', 'unpaid', 'canceled', 'expired')",
            name="ck_subscriptions_status",
        ),
        sa.CheckConstraint("version >= 1", name="ck_subscriptions_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_subscriptions_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "payer_user_id"],
            ["memberships.organization_id", "memberships.user_id"],
            name="fk_subscriptions_payer_user_id",
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name="fk_subscriptions_plan_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_subscriptions_created_at", "subscriptions", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_subscriptions_payer_user_id",
        "subscriptions",
        ["organization_id", "payer_user_id", "id"],
        sqlite_where=sa.text("payer_user_id IS NOT NULL"),
        postgresql_where=sa.text("payer_user_id IS NOT NULL"),
    )
    op.create_index("ix_subscriptions_plan_id", "subscriptions", ["organization_id", "plan_id", "id"])
    op.create_index("ix_subscriptions_plan_id_status", "subscriptions", ["plan_id", "status"])
    op.create_index(
        "ix_subscriptions_provider_customer_id",
        "subscriptions",
        ["provider_customer_id"],
        sqlite_where=sa.text("provider_customer_id IS NOT NULL"),
        postgresql_where=sa.text("provider_customer_id IS NOT NULL"),
    )
    op.create_index("ix_subscriptions_status_current_period_end", "subscriptions", ["status", "current_period_end"])
    op.create_index("ix_subscriptions_updated_at", "subscriptions", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_subscriptions_organization_id",
        "subscriptions",
        ["organization_id"],
        unique=True,
        sqlite_where=sa.text("status NOT IN ('canceled', 'expired')"),
        postgresql_where=sa.text("status NOT IN ('canceled', 'expired')"),
    )
    op.create_index(
        "uq_subscriptions_provider_subscription_id", "subscriptions", ["provider_subscription_id"], unique=True
    )
    op.create_table(
        "suppressions",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("channel", types.Text(), nullable=False),
        sa.Column("scope", types.Text(), nullable=False),
        sa.Column("address", types.Text(), nullable=True),
        sa.Column("address_hash", types.Text(), nullable=False),
        sa.Column("reason", types.Text(), nullable=False),
        sa.Column("source_message_id", types.Identifier(), nullable=True),
        sa.Column("lifted_at", types.Moment(), nullable=True),
        sa.Column("lifted_by", types.Identifier(), nullable=True),
        sa.Column("lift_reason", types.Text(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_suppressions"),
        sa.CheckConstraint("length(address) <= 320", name="ck_suppressions_address"),
        sa.CheckConstraint("length(address_hash) <= 64", name="ck_suppressions_address_hash"),
        sa.CheckConstraint(
            "channel IN ('email', 'linkedin', 'sms', 'whatsapp', 'all')", name="ck_suppressions_channel"
        ),
        sa.CheckConstraint("length(lift_reason) <= 2000", name="ck_suppressions_lift_reason"),
        sa.CheckConstraint(
            "reason IN ('unsubscribe', 'complaint', 'hard_bounce', 'manual', 'legal', 'import')",
            name="ck_suppressions_reason",
        ),
        sa.CheckConstraint("scope IN ('address', 'domain')", name="ck_suppressions_scope"),
        sa.CheckConstraint("version >= 1", name="ck_suppressions_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_suppressions_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "source_message_id"],
            ["messages.organization_id", "messages.id"],
            name="fk_suppressions_source_message_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_suppressions_address_hash", "suppressions", ["organization_id", "address_hash"])
    op.create_index("ix_suppressions_created_at", "suppressions", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_suppressions_source_message_id",
        "suppressions",
        ["organization_id", "source_message_id", "id"],
        sqlite_where=sa.text("source_message_id IS NOT NULL"),
        postgresql_where=sa.text("source_message_id IS NOT NULL"),
    )
    op.create_index("ix_suppressions_updated_at", "suppressions", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_suppressions_channel_scope_address_hash",
        "suppressions",
        ["organization_id", "channel", "scope", "address_hash"],
        unique=True,
        sqlite_where=sa.text("lifted_at IS NULL"),
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_table(
        "tickets",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("store_id", types.Identifier(), nullable=False),
        sa.Column("number", types.Integer(), nullable=False),
        sa.Column("subject", types.Text(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("priority", types.Text(), nullable=False),
        sa.Column("source", types.Text(), nullable=False),
        sa.Column("assignee_user_id", types.Identifier(), nullable=True),
        sa.Column("customer_email", types.Text(), nullable=True),
        sa.Column("customer_email_norm", types.Text(), nullable=True),
        sa.Column("customer_name", types.Text(), nullable=True),
        sa.Column("shopify_customer_id", types.Text(), nullable=True),
        sa.Column("shopify_order_id", types.Text(), nullable=True),
        sa.Column("thread_key", types.Text(), nullable=True),
        sa.Column("tags", types.Document(), nullable=False),
        sa.Column("waiting_since", types.Moment(), nullable=True),
        sa.Column("first_response_at", types.Moment(), nullable=True),
        sa.Column("last_message_at", types.Moment(), nullable=True),
        sa.Column("last_customer_message_at", types.Moment(), nullable=True),
        sa.Column("snoozed_until", types.Moment(), nullable=True),
        sa.Column("resolved_at", types.Moment(), nullable=True),
        sa.Column("closed_at", types.Moment(), nullable=True),
        sa.Column("reopen_count", types.Integer(), nullable=False),
        sa.Column("follows_ticket_id", types.Identifier(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_tickets"),
        sa.CheckConstraint(
            "length(customer_email) <= 320 AND length(customer_email) >= 3", name="ck_tickets_customer_email"
        ),
        sa.CheckConstraint("length(customer_name) <= 200", name="ck_tickets_customer_name"),
        sa.CheckConstraint("number >= 1", name="ck_tickets_number"),
        sa.CheckConstraint("priority IN ('low', 'normal', 'high', 'urgent')", name="ck_tickets_priority"),
        sa.CheckConstraint("reopen_count >= 0", name="ck_tickets_reopen_count"),
        sa.CheckConstraint("status <> 'resolved' OR resolved_at IS NOT NULL", name="ck_tickets_resolved_at"),
        sa.CheckConstraint("length(shopify_customer_id) <= 100", name="ck_tickets_shopify_customer_id"),
        sa.CheckConstraint("length(shopify_order_id) <= 100", name="ck_tickets_shopify_order_id"),
        sa.CheckConstraint("status <> 'snoozed' OR snoozed_until IS NOT NULL", name="ck_tickets_snoozed_until"),
        sa.CheckConstraint("source IN ('inbox', 'email', 'chat', 'form', 'api')", name="ck_tickets_source"),
        sa.CheckConstraint(
            "status IN ('open', 'pending', 'snoozed', 'resolved', 'closed', 'archived')", name="ck_tickets_status"
        ),
        sa.CheckConstraint("length(subject) <= 300 AND length(subject) >= 1", name="ck_tickets_subject"),
        sa.CheckConstraint("json_valid(tags)", name="ck_tickets_tags").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(thread_key) <= 300", name="ck_tickets_thread_key"),
        sa.CheckConstraint("version >= 1", name="ck_tickets_version"),
        sa.ForeignKeyConstraint(
            ["organization_id", "assignee_user_id"],
            ["memberships.organization_id", "memberships.user_id"],
            name="fk_tickets_assignee_user_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "follows_ticket_id"],
            ["tickets.organization_id", "tickets.id"],
            name="fk_tickets_follows_ticket_id",
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_tickets_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "store_id"], ["stores.organization_id", "stores.id"], name="fk_tickets_store_id"
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_tickets_assignee_user_id",
        "tickets",
        ["organization_id", "assignee_user_id", "id"],
        sqlite_where=sa.text("assignee_user_id IS NOT NULL"),
        postgresql_where=sa.text("assignee_user_id IS NOT NULL"),
    )
    op.create_index("ix_tickets_created_at", "tickets", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_tickets_deleted_at",
        "tickets",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_tickets_deletion_id",
        "tickets",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index(
        "ix_tickets_follows_ticket_id",
        "tickets",
        ["organization_id", "follows_ticket_id", "id"],
        sqlite_where=sa.text("follows_ticket_id IS NOT NULL"),
        postgresql_where=sa.text("follows_ticket_id IS NOT NULL"),
    )
    op.create_index("ix_tickets_last_message_at", "tickets", ["organization_id", "last_message_at", "id"])
    op.create_index("ix_tickets_number", "tickets", ["organization_id", "number", "id"])
    op.create_index(
        "ix_tickets_status_snoozed_until",
        "tickets",
        ["status", "snoozed_until"],
        sqlite_where=sa.text("status = 'snoozed'"),
        postgresql_where=sa.text("status = 'snoozed'"),
    )
    op.create_index(
        "ix_tickets_store_id_assignee_user_id_status",
        "tickets",
        ["organization_id", "store_id", "assignee_user_id", "status"],
    )
    op.create_index(
        "ix_tickets_store_id_customer_email_norm", "tickets", ["organization_id", "store_id", "customer_email_norm"]
    )
    op.create_index(
        "ix_tickets_store_id_shopify_customer_id", "tickets", ["organization_id", "store_id", "shopify_customer_id"]
    )
    op.create_index(
        "ix_tickets_store_id_shopify_order_id", "tickets", ["organization_id", "store_id", "shopify_order_id"]
    )
    op.create_index(
        "ix_tickets_store_id_status_last_message_at",
        "tickets",
        ["organization_id", "store_id", "status", "last_message_at"],
    )
    op.create_index("ix_tickets_updated_at", "tickets", ["organization_id", "updated_at", "id"])
    op.create_index("uq_tickets_store_id_number", "tickets", ["organization_id", "store_id", "number"], unique=True)
    op.create_index(
        "uq_tickets_store_id_thread_key",
        "tickets",
        ["organization_id", "store_id", "thread_key"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL AND status NOT IN ('closed', 'archived')"),
        postgresql_where=sa.text("deleted_at IS NULL AND status NOT IN ('closed', 'archived')"),
    )
    op.create_table(
        "ticket_messages",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("ticket_id", types.Identifier(), nullable=False),
        sa.Column("store_id", types.Identifier(), nullable=False),
        sa.Column("author_type", types.Text(), nullable=False),
        sa.Column("author_user_id", types.Identifier(), nullable=True),
        sa.Column("author_label", types.Text(), nullable=True),
        sa.Column("body_rich", types.Text(), nullable=False),
        sa.Column("body_plain", types.Text(), nullable=True),
        sa.Column("is_internal_note", types.Boolean(), nullable=False),
        sa.Column("is_draft", types.Boolean(), nullable=False),
        sa.Column("delivery", types.Text(), nullable=False),
        sa.Column("external_id", types.Text(), nullable=True),
        sa.Column("in_reply_to", types.Text(), nullable=True),
        sa.Column("sent_at", types.Moment(), nullable=True),
        sa.Column("metadata", types.Document(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_ticket_messages"),
        sa.CheckConstraint("length(author_label) <= 320", name="ck_ticket_messages_author_label"),
        sa.CheckConstraint(
            "author_type IN ('customer', 'staff', 'automation', 'ai')", name="ck_ticket_messages_author_type"
        ),
        sa.CheckConstraint("length(body_plain) <= 100000", name="ck_ticket_messages_body_plain"),
        sa.CheckConstraint(
            "length(body_rich) <= 100000 AND length(body_rich) >= 1", name="ck_ticket_messages_body_rich"
        ),
        sa.CheckConstraint(
            "delivery IN ('none', 'queued', 'dispatching', 'sent', 'delivered', 'failed', 'unconfirmed')",
            name="ck_ticket_messages_delivery",
        ),
        sa.CheckConstraint("NOT (is_draft AND sent_at IS NOT NULL)", name="ck_ticket_messages_draft_unsent"),
        sa.CheckConstraint("length(external_id) <= 300", name="ck_ticket_messages_external_id"),
        sa.CheckConstraint("length(in_reply_to) <= 300", name="ck_ticket_messages_in_reply_to"),
        sa.CheckConstraint("is_draft IN (0, 1)", name="ck_ticket_messages_is_draft").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("is_internal_note IN (0, 1)", name="ck_ticket_messages_is_internal_note").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("json_valid(metadata)", name="ck_ticket_messages_metadata").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("NOT (is_internal_note AND delivery <> 'none')", name="ck_ticket_messages_note_undelivered"),
        sa.CheckConstraint("version >= 1", name="ck_ticket_messages_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_ticket_messages_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "store_id"], ["stores.organization_id", "stores.id"], name="fk_ticket_messages_store_id"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "ticket_id"],
            ["tickets.organization_id", "tickets.id"],
            name="fk_ticket_messages_ticket_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_ticket_messages_created_at", "ticket_messages", ["organization_id", "created_at", "id"])
    op.create_index("ix_ticket_messages_store_id", "ticket_messages", ["organization_id", "store_id", "id"])
    op.create_index(
        "ix_ticket_messages_ticket_id_created_at",
        "ticket_messages",
        ["organization_id", "ticket_id", "created_at", "id"],
    )
    op.create_index("ix_ticket_messages_updated_at", "ticket_messages", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_ticket_messages_store_id_external_id",
        "ticket_messages",
        ["organization_id", "store_id", "external_id"],
        unique=True,
        sqlite_where=sa.text("external_id IS NOT NULL"),
        postgresql_where=sa.text("external_id IS NOT NULL"),
    )
    op.create_table(
        "ai_drafts",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("store_id", types.Identifier(), nullable=False),
        sa.Column("ticket_id", types.Identifier(), nullable=False),
        sa.Column("ticket_message_id", types.Identifier(), nullable=True),
        sa.Column("content", types.Text(), nullable=False),
        sa.Column("content_hash", types.Text(), nullable=False),
        sa.Column("human_edit", types.Text(), nullable=True),
        sa.Column("edit_distance", types.Integer(), nullable=True),
        sa.Column("diff", types.Text(), nullable=True),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("approved_by", types.Identifier(), nullable=True),
        sa.Column("approved_at", types.Moment(), nullable=True),
        sa.Column("approved_hash", types.Text(), nullable=True),
        sa.Column("sent_message_id", types.Identifier(), nullable=True),
        sa.Column("reward_score", types.Real(), nullable=True),
        sa.Column("feedback", types.Document(), nullable=True),
        sa.Column("dropped_at", types.Moment(), nullable=True),
        sa.Column("model", types.Text(), nullable=True),
        sa.Column("model_version", types.Text(), nullable=True),
        sa.Column("prompt_hash", types.Text(), nullable=True),
        sa.Column("input_tokens", types.Integer(), nullable=True),
        sa.Column("output_tokens", types.Integer(), nullable=True),
        sa.Column("cost_micros", types.Integer(), nullable=True),
        sa.Column("job_id", types.Identifier(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_ai_drafts"),
        sa.CheckConstraint(
            "status NOT IN ('approved', 'edited') OR approved_at IS NOT NULL", name="ck_ai_drafts_approved_at"
        ),
        sa.CheckConstraint("length(approved_hash) <= 64", name="ck_ai_drafts_approved_hash"),
        sa.CheckConstraint("length(content) <= 20000 AND length(content) >= 1", name="ck_ai_drafts_content"),
        sa.CheckConstraint("length(content_hash) <= 64", name="ck_ai_drafts_content_hash"),
        sa.CheckConstraint("cost_micros >= 0", name="ck_ai_drafts_cost_micros"),
        sa.CheckConstraint("length(diff) <= 100000", name="ck_ai_drafts_diff"),
        sa.CheckConstraint("edit_distance >= 0", name="ck_ai_drafts_edit_distance"),
        sa.CheckConstraint("json_valid(feedback)", name="ck_ai_drafts_feedback").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(human_edit) <= 20000", name="ck_ai_drafts_human_edit"),
        sa.CheckConstraint("input_tokens >= 0", name="ck_ai_drafts_input_tokens"),
        sa.CheckConstraint("length(model) <= 100", name="ck_ai_drafts_model"),
        sa.CheckConstraint("length(model_version) <= 100", name="ck_ai_drafts_model_version"),
        sa.CheckConstraint("output_tokens >= 0", name="ck_ai_drafts_output_tokens"),
        sa.CheckConstraint("length(prompt_hash) <= 64", name="ck_ai_drafts_prompt_hash"),
        sa.CheckConstraint("reward_score >= -1 AND reward_score <= 1", name="ck_ai_drafts_reward_score"),
        sa.CheckConstraint(
            "status IN ('proposed', 'approved', 'edited', 'rejected', 'superseded', 'sent')", name="ck_ai_drafts_status"
        ),
        sa.CheckConstraint("version >= 1", name="ck_ai_drafts_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_ai_drafts_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "sent_message_id"],
            ["ticket_messages.organization_id", "ticket_messages.id"],
            name="fk_ai_drafts_sent_message_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "store_id"], ["stores.organization_id", "stores.id"], name="fk_ai_drafts_store_id"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "ticket_id"], ["tickets.organization_id", "tickets.id"], name="fk_ai_drafts_ticket_id"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "ticket_message_id"],
            ["ticket_messages.organization_id", "ticket_messages.id"],
            name="fk_ai_drafts_ticket_message_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_ai_drafts_created_at", "ai_drafts", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_ai_drafts_created_at_status",
        "ai_drafts",
        ["created_at", "status"],
        sqlite_where=sa.text("dropped_at IS NULL"),
        postgresql_where=sa.text("dropped_at IS NULL"),
    )
    op.create_index(
        "ix_ai_drafts_sent_message_id",
        "ai_drafts",
        ["organization_id", "sent_message_id", "id"],
        sqlite_where=sa.text("sent_message_id IS NOT NULL"),
        postgresql_where=sa.text("sent_message_id IS NOT NULL"),
    )
    op.create_index("ix_ai_drafts_store_id_created_at", "ai_drafts", ["organization_id", "store_id", "created_at"])
    op.create_index("ix_ai_drafts_ticket_id_status", "ai_drafts", ["organization_id", "ticket_id", "status"])
    op.create_index(
        "ix_ai_drafts_ticket_message_id",
        "ai_drafts",
        ["organization_id", "ticket_message_id", "id"],
        sqlite_where=sa.text("ticket_message_id IS NOT NULL"),
        postgresql_where=sa.text("ticket_message_id IS NOT NULL"),
    )
    op.create_index("ix_ai_drafts_updated_at", "ai_drafts", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_ai_drafts_job_id",
        "ai_drafts",
        ["organization_id", "job_id"],
        unique=True,
        sqlite_where=sa.text("job_id IS NOT NULL"),
        postgresql_where=sa.text("job_id IS NOT NULL"),
    )
    op.create_index(
        "uq_ai_drafts_ticket_id",
        "ai_drafts",
        ["organization_id", "ticket_id"],
        unique=True,
        sqlite_where=sa.text("status = 'proposed'"),
        postgresql_where=sa.text("status = 'proposed'"),
    )
    op.create_table(
        "usage_counters",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("metric", types.Text(), nullable=False),
        sa.Column("period_start", types.Moment(), nullable=False),
        sa.Column("period_end", types.Moment(), nullable=False),
        sa.Column("used", types.Integer(), nullable=False),
        sa.Column("reserved", types.Integer(), nullable=False),
        sa.Column("limit_value", types.Integer(), nullable=True),
        sa.Column("checked_at", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_usage_counters"),
        sa.CheckConstraint("limit_value >= 0", name="ck_usage_counters_limit_value"),
        sa.CheckConstraint(
            "metric IN ('posts_generated', 'posts_published', 'strategies_generated', 'content_generated', 'prospects', 'icps', 'sequences', 'messages_sent', 'organizations', 'team_members', 'api_calls', 'storage_bytes')",
            name="ck_usage_counters_metric",
        ),
        sa.CheckConstraint("period_end > period_start", name="ck_usage_counters_period"),
        sa.CheckConstraint("reserved >= 0", name="ck_usage_counters_reserved"),
        sa.CheckConstraint("used >= 0", name="ck_usage_counters_used"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_usage_counters_organization_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_usage_counters_checked_at", "usage_counters", ["checked_at"])
    op.create_index(
        "uq_usage_counters_metric_period_start",
        "usage_counters",
        ["organization_id", "metric", "period_start"],
        unique=True,
    )
    op.create_table(
        "usage_events",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("counter_id", types.Identifier(), nullable=False),
        sa.Column("kind", types.Text(), nullable=False),
        sa.Column("quantity", types.Integer(), nullable=False),
        sa.Column("subject_id", types.Identifier(), nullable=True),
        sa.Column("reservation_id", types.Identifier(), nullable=True),
        sa.Column("actor_id", types.Identifier(), nullable=True),
        sa.Column("occurred_at", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_usage_events"),
        sa.CheckConstraint(
            "kind IN ('opened', 'consumed', 'given_back', 'committed', 'repaired')", name="ck_usage_events_kind"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "counter_id"],
            ["usage_counters.organization_id", "usage_counters.id"],
            name="fk_usage_events_counter_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_usage_events_counter_id", "usage_events", ["organization_id", "counter_id", "id"])
    op.create_index(
        "ix_usage_events_subject_id",
        "usage_events",
        ["subject_id"],
        sqlite_where=sa.text("subject_id IS NOT NULL"),
        postgresql_where=sa.text("subject_id IS NOT NULL"),
    )
    op.create_table(
        "usage_reservations",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("counter_id", types.Identifier(), nullable=False),
        sa.Column("quantity", types.Integer(), nullable=False),
        sa.Column("idempotency_key", types.Text(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("expires_at", types.Moment(), nullable=False),
        sa.Column("job_id", types.Identifier(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("settled_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_usage_reservations"),
        sa.CheckConstraint(
            "length(idempotency_key) <= 255 AND length(idempotency_key) >= 1",
            name="ck_usage_reservations_idempotency_key",
        ),
        sa.CheckConstraint("quantity >= 1", name="ck_usage_reservations_quantity"),
        sa.CheckConstraint(
            "status IN ('held', 'committed', 'released', 'expired')", name="ck_usage_reservations_status"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "counter_id"],
            ["usage_counters.organization_id", "usage_counters.id"],
            name="fk_usage_reservations_counter_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_usage_reservations_organization_id"
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_usage_reservations_counter_id", "usage_reservations", ["organization_id", "counter_id", "id"])
    op.create_index("ix_usage_reservations_status_expires_at", "usage_reservations", ["status", "expires_at"])
    op.create_index(
        "uq_usage_reservations_idempotency_key",
        "usage_reservations",
        ["organization_id", "idempotency_key"],
        unique=True,
    )
    op.create_table(
        "webhook_endpoints",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("url", types.Text(), nullable=False),
        sa.Column("description", types.Text(), nullable=True),
        sa.Column("events", types.Document(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("secret_cipher", types.Sealed(), nullable=False),
        sa.Column("previous_secret_cipher", types.Sealed(), nullable=True),
        sa.Column("previous_secret_until", types.Moment(), nullable=True),
        sa.Column("failure_count", types.Integer(), nullable=False),
        sa.Column("failing_since", types.Moment(), nullable=True),
        sa.Column("disabled_at", types.Moment(), nullable=True),
        sa.Column("disabled_reason", types.Text(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_webhook_endpoints"),
        sa.CheckConstraint("length(description) <= 500", name="ck_webhook_endpoints_description"),
        sa.CheckConstraint("length(disabled_reason) <= 500", name="ck_webhook_endpoints_disabled_reason"),
        sa.CheckConstraint("json_valid(events)", name="ck_webhook_endpoints_events").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("failure_count >= 0", name="ck_webhook_endpoints_failure_count"),
        sa.CheckConstraint("status IN ('active', 'disabled')", name="ck_webhook_endpoints_status"),
        sa.CheckConstraint("length(url) <= 2000 AND length(url) >= 1", name="ck_webhook_endpoints_url"),
        sa.CheckConstraint("version >= 1", name="ck_webhook_endpoints_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_webhook_endpoints_organization_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_webhook_endpoints_created_at", "webhook_endpoints", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_webhook_endpoints_deleted_at",
        "webhook_endpoints",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_webhook_endpoints_deletion_id",
        "webhook_endpoints",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index("ix_webhook_endpoints_status", "webhook_endpoints", ["status", "organization_id"])
    op.create_index("ix_webhook_endpoints_updated_at", "webhook_endpoints", ["organization_id", "updated_at", "id"])
    op.create_table(
        "webhook_deliveries",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("endpoint_id", types.Identifier(), nullable=False),
        sa.Column("event", types.Text(), nullable=False),
        sa.Column("change_tx", types.Integer(), nullable=True),
        sa.Column("change_seq", types.Integer(), nullable=True),
        sa.Column("payload", types.Document(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("attempts", types.Integer(), nullable=False),
        sa.Column("next_attempt_at", types.Moment(), nullable=True),
        sa.Column("last_attempt_at", types.Moment(), nullable=True),
        sa.Column("last_status", types.Integer(), nullable=True),
        sa.Column("last_error", types.Text(), nullable=True),
        sa.Column("response_ms", types.Integer(), nullable=True),
        sa.Column("delivered_at", types.Moment(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_webhook_deliveries"),
        sa.CheckConstraint("attempts >= 0", name="ck_webhook_deliveries_attempts"),
        sa.CheckConstraint("length(event) <= 110", name="ck_webhook_deliveries_event"),
        sa.CheckConstraint("length(last_error) <= 500", name="ck_webhook_deliveries_last_error"),
        sa.CheckConstraint("json_valid(payload)", name="ck_webhook_deliveries_payload").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("response_ms >= 0", name="ck_webhook_deliveries_response_ms"),
        sa.CheckConstraint("status IN ('queued', 'delivered', 'failed', 'dead')", name="ck_webhook_deliveries_status"),
        sa.CheckConstraint("version >= 1", name="ck_webhook_deliveries_version"),
        sa.ForeignKeyConstraint(
            ["organization_id", "endpoint_id"],
            ["webhook_endpoints.organization_id", "webhook_endpoints.id"],
            name="fk_webhook_deliveries_endpoint_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_webhook_deliveries_organization_id"
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_webhook_deliveries_created_at", "webhook_deliveries", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_webhook_deliveries_endpoint_id_created_at",
        "webhook_deliveries",
        ["organization_id", "endpoint_id", "created_at", "id"],
    )
    op.create_index(
        "ix_webhook_deliveries_next_attempt_at",
        "webhook_deliveries",
        ["next_attempt_at"],
        sqlite_where=sa.text("next_attempt_at IS NOT NULL"),
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
    op.create_index("ix_webhook_deliveries_updated_at", "webhook_deliveries", ["organization_id", "updated_at", "id"])
    op.create_table(
        "webhook_events",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("provider", types.Text(), nullable=False),
        sa.Column("webhook_id", types.Text(), nullable=False),
        sa.Column("store_id", types.Identifier(), nullable=True),
        sa.Column("topic", types.Text(), nullable=False),
        sa.Column("shop_domain", types.Text(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("payload", types.Document(), nullable=True),
        sa.Column("payload_hash", types.Text(), nullable=False),
        sa.Column("triggered_at", types.Moment(), nullable=True),
        sa.Column("resource_id", types.Text(), nullable=True),
        sa.Column("resource_version", types.Text(), nullable=True),
        sa.Column("error", types.Text(), nullable=True),
        sa.Column("attempts", types.Integer(), nullable=False),
        sa.Column("received_at", types.Moment(), nullable=False),
        sa.Column("processed_at", types.Moment(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_webhook_events"),
        sa.CheckConstraint("attempts >= 0", name="ck_webhook_events_attempts"),
        sa.CheckConstraint("length(error) <= 1000", name="ck_webhook_events_error"),
        sa.CheckConstraint("json_valid(payload)", name="ck_webhook_events_payload").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(payload_hash) <= 64", name="ck_webhook_events_payload_hash"),
        sa.CheckConstraint("length(provider) <= 40", name="ck_webhook_events_provider"),
        sa.CheckConstraint("length(resource_id) <= 100", name="ck_webhook_events_resource_id"),
        sa.CheckConstraint("length(resource_version) <= 100", name="ck_webhook_events_resource_version"),
        sa.CheckConstraint("length(shop_domain) <= 253", name="ck_webhook_events_shop_domain"),
        sa.CheckConstraint(
            "status IN ('pending', 'processing', 'succeeded', 'failed', 'skipped')", name="ck_webhook_events_status"
        ),
        sa.CheckConstraint("length(topic) <= 100", name="ck_webhook_events_topic"),
        sa.CheckConstraint("version >= 1", name="ck_webhook_events_version"),
        sa.CheckConstraint("length(webhook_id) <= 200", name="ck_webhook_events_webhook_id"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_webhook_events_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "store_id"], ["stores.organization_id", "stores.id"], name="fk_webhook_events_store_id"
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_webhook_events_created_at", "webhook_events", ["organization_id", "created_at", "id"])
    op.create_index("ix_webhook_events_received_at", "webhook_events", ["organization_id", "received_at", "id"])
    op.create_index(
        "ix_webhook_events_received_at_provider",
        "webhook_events",
        ["received_at", "provider"],
        sqlite_where=sa.text("payload IS NOT NULL"),
        postgresql_where=sa.text("payload IS NOT NULL"),
    )
    op.create_index(
        "ix_webhook_events_store_id_resource_id_resource_version",
        "webhook_events",
        ["organization_id", "store_id", "resource_id", "resource_version"],
        sqlite_where=sa.text("resource_id IS NOT NULL"),
        postgresql_where=sa.text("resource_id IS NOT NULL"),
    )
    op.create_index(
        "ix_webhook_events_store_id_status_received_at",
        "webhook_events",
        ["organization_id", "store_id", "status", "received_at"],
    )
    op.create_index(
        "ix_webhook_events_topic_received_at", "webhook_events", ["organization_id", "topic", "received_at"]
    )
    op.create_index("ix_webhook_events_updated_at", "webhook_events", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_webhook_events_provider_webhook_id",
        "webhook_events",
        ["organization_id", "provider", "webhook_id"],
        unique=True,
    )
    op.create_table(
        "order_flags",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("store_id", types.Identifier(), nullable=False),
        sa.Column("shopify_order_id", types.Text(), nullable=False),
        sa.Column("flag_type", types.Text(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("severity", types.Text(), nullable=False),
        sa.Column("notes", types.Text(), nullable=True),
        sa.Column("resolution_notes", types.Text(), nullable=True),
        sa.Column("resolved_by", types.Identifier(), nullable=True),
        sa.Column("resolved_at", types.Moment(), nullable=True),
        sa.Column("snoozed_until", types.Moment(), nullable=True),
        sa.Column("reopen_count", types.Integer(), nullable=False),
        sa.Column("metadata", types.Document(), nullable=True),
        sa.Column("webhook_event_id", types.Identifier(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_order_flags"),
        sa.CheckConstraint("length(flag_type) <= 60 AND length(flag_type) >= 1", name="ck_order_flags_flag_type"),
        sa.CheckConstraint("json_valid(metadata)", name="ck_order_flags_metadata").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(notes) <= 20000", name="ck_order_flags_notes"),
        sa.CheckConstraint("reopen_count >= 0", name="ck_order_flags_reopen_count"),
        sa.CheckConstraint("length(resolution_notes) <= 20000", name="ck_order_flags_resolution_notes"),
        sa.CheckConstraint("(status = 'resolved') = (resolved_at IS NOT NULL)", name="ck_order_flags_resolved_at"),
        sa.CheckConstraint("severity IN ('low', 'normal', 'high', 'urgent')", name="ck_order_flags_severity"),
        sa.CheckConstraint(
            "length(shopify_order_id) <= 100 AND length(shopify_order_id) >= 1", name="ck_order_flags_shopify_order_id"
        ),
        sa.CheckConstraint("status <> 'snoozed' OR snoozed_until IS NOT NULL", name="ck_order_flags_snoozed_until"),
        sa.CheckConstraint("status IN ('open', 'snoozed', 'resolved', 'dismissed')", name="ck_order_flags_status"),
        sa.CheckConstraint("version >= 1", name="ck_order_flags_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_order_flags_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "store_id"], ["stores.organization_id", "stores.id"], name="fk_order_flags_store_id"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "webhook_event_id"],
            ["webhook_events.organization_id", "webhook_events.id"],
            name="fk_order_flags_webhook_event_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_order_flags_created_at", "order_flags", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_order_flags_status_snoozed_until",
        "order_flags",
        ["status", "snoozed_until"],
        sqlite_where=sa.text("status = 'snoozed'"),
        postgresql_where=sa.text("status = 'snoozed'"),
    )
    op.create_index(
        "ix_order_flags_store_id_status_created_at",
        "order_flags",
        ["organization_id", "store_id", "status", "created_at"],
    )
    op.create_index("ix_order_flags_updated_at", "order_flags", ["organization_id", "updated_at", "id"])
    op.create_index(
        "ix_order_flags_webhook_event_id",
        "order_flags",
        ["organization_id", "webhook_event_id", "id"],
        sqlite_where=sa.text("webhook_event_id IS NOT NULL"),
        postgresql_where=sa.text("webhook_event_id IS NOT NULL"),
    )
    op.create_index(
        "uq_order_flags_store_id_shopify_order_id_flag_type",
        "order_flags",
        ["organization_id", "store_id", "shopify_order_id", "flag_type"],
        unique=True,
    )
    op.create_table(
        "order_flag_events",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("order_flag_id", types.Identifier(), nullable=False),
        sa.Column("kind", types.Text(), nullable=False),
        sa.Column("severity", types.Text(), nullable=True),
        sa.Column("notes", types.Text(), nullable=True),
        sa.Column("resolved_by", types.Identifier(), nullable=True),
        sa.Column("resolved_at", types.Moment(), nullable=True),
        sa.Column("snoozed_until", types.Moment(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_order_flag_events"),
        sa.CheckConstraint(
            "kind IN ('opened', 'detected', 'snoozed', 'resolved', 'dismissed', 'reopened')",
            name="ck_order_flag_events_kind",
        ),
        sa.CheckConstraint("length(notes) <= 20000", name="ck_order_flag_events_notes"),
        sa.CheckConstraint("severity IN ('low', 'normal', 'high', 'urgent')", name="ck_order_flag_events_severity"),
        sa.CheckConstraint("version >= 1", name="ck_order_flag_events_version"),
        sa.ForeignKeyConstraint(
            ["organization_id", "order_flag_id"],
            ["order_flags.organization_id", "order_flags.id"],
            name="fk_order_flag_events_order_flag_id",
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_order_flag_events_organization_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_order_flag_events_created_at", "order_flag_events", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_order_flag_events_order_flag_id_created_at",
        "order_flag_events",
        ["organization_id", "order_flag_id", "created_at", "id"],
    )
    op.create_index("ix_order_flag_events_updated_at", "order_flag_events", ["organization_id", "updated_at", "id"])
    op.create_table(
        "content_pieces",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("platform", types.Text(), nullable=False),
        sa.Column("type", types.Text(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("title", types.Text(), nullable=True),
        sa.Column("body", types.Text(), nullable=False),
        sa.Column("hook", types.Text(), nullable=True),
        sa.Column("cta", types.Text(), nullable=True),
        sa.Column("hashtags", types.Document(), nullable=False),
        sa.Column("mentions", types.Document(), nullable=False),
        sa.Column("thread_parts", types.Document(), nullable=True),
        sa.Column("pillar_id", types.Identifier(), nullable=True),
        sa.Column("series_id", types.Identifier(), nullable=True),
        sa.Column("sequence_no", types.Integer(), nullable=True),
        sa.Column("campaign_id", types.Identifier(), nullable=True),
        sa.Column("content_id", types.Identifier(), nullable=True),
        sa.Column("generated_content_id", types.Identifier(), nullable=True),
        sa.Column("rationale", types.Text(), nullable=True),
        sa.Column("confidence", types.Real(), nullable=True),
        sa.Column("generated_by", types.Text(), nullable=True),
        sa.Column("expires_at", types.Moment(), nullable=True),
        sa.Column("body_hash", types.Text(), nullable=False),
        sa.Column("approved_by", types.Identifier(), nullable=True),
        sa.Column("approved_at", types.Moment(), nullable=True),
        sa.Column("approved_rules_version", types.Integer(), nullable=True),
        sa.Column("rejection_reason", types.Text(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_content_pieces"),
        sa.CheckConstraint("length(body) <= 100000", name="ck_content_pieces_body"),
        sa.CheckConstraint("length(body_hash) <= 64", name="ck_content_pieces_body_hash"),
        sa.CheckConstraint("confidence >= 0 AND confidence <= 1", name="ck_content_pieces_confidence"),
        sa.CheckConstraint("length(cta) <= 2000", name="ck_content_pieces_cta"),
        sa.CheckConstraint("length(generated_by) <= 200", name="ck_content_pieces_generated_by"),
        sa.CheckConstraint("json_valid(hashtags)", name="ck_content_pieces_hashtags").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(hook) <= 2000", name="ck_content_pieces_hook"),
        sa.CheckConstraint("json_valid(mentions)", name="ck_content_pieces_mentions").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("platform <> 'general'", name="ck_content_pieces_one_platform"),
        sa.CheckConstraint(
            "platform IN ('twitter', 'linkedin', 'instagram', 'tiktok', 'youtube', 'youtube_shorts', 'facebook', 'threads', 'reddit', 'pinterest', 'bluesky', 'mastodon', 'general')",
            name="ck_content_pieces_platform",
        ),
        sa.CheckConstraint("length(rationale) <= 20000", name="ck_content_pieces_rationale"),
        sa.CheckConstraint("length(rejection_reason) <= 2000", name="ck_content_pieces_rejection_reason"),
        sa.CheckConstraint("sequence_no >= 1", name="ck_content_pieces_sequence_no"),
        sa.CheckConstraint(
            "status IN ('draft', 'pending_review', 'approved', 'rejected', 'scheduled', 'partially_published', 'published', 'failed', 'archived')",
            name="ck_content_pieces_status",
        ),
        sa.CheckConstraint("json_valid(thread_parts)", name="ck_content_pieces_thread_parts").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(title) <= 300", name="ck_content_pieces_title"),
        sa.CheckConstraint(
            "type IN ('post', 'thread', 'story', 'reel', 'short', 'carousel', 'poll')", name="ck_content_pieces_type"
        ),
        sa.CheckConstraint("version >= 1", name="ck_content_pieces_version"),
        sa.ForeignKeyConstraint(
            ["organization_id", "campaign_id"],
            ["campaigns.organization_id", "campaigns.id"],
            name="fk_content_pieces_campaign_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "content_id"],
            ["contents.organization_id", "contents.id"],
            name="fk_content_pieces_content_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "generated_content_id"],
            ["generated_contents.organization_id", "generated_contents.id"],
            name="fk_content_pieces_generated_content_id",
            use_alter=True,
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_content_pieces_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "pillar_id"],
            ["content_pillars.organization_id", "content_pillars.id"],
            name="fk_content_pieces_pillar_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "series_id"],
            ["series.organization_id", "series.id"],
            name="fk_content_pieces_series_id",
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_content_pieces_campaign_id",
        "content_pieces",
        ["organization_id", "campaign_id", "id"],
        sqlite_where=sa.text("campaign_id IS NOT NULL"),
        postgresql_where=sa.text("campaign_id IS NOT NULL"),
    )
    op.create_index(
        "ix_content_pieces_content_id",
        "content_pieces",
        ["organization_id", "content_id", "id"],
        sqlite_where=sa.text("content_id IS NOT NULL"),
        postgresql_where=sa.text("content_id IS NOT NULL"),
    )
    op.create_index("ix_content_pieces_created_at", "content_pieces", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_content_pieces_deleted_at",
        "content_pieces",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_content_pieces_deletion_id",
        "content_pieces",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index(
        "ix_content_pieces_generated_content_id",
        "content_pieces",
        ["organization_id", "generated_content_id", "id"],
        sqlite_where=sa.text("generated_content_id IS NOT NULL"),
        postgresql_where=sa.text("generated_content_id IS NOT NULL"),
    )
    op.create_index("ix_content_pieces_pillar_id", "content_pieces", ["organization_id", "pillar_id"])
    op.create_index("ix_content_pieces_platform_status", "content_pieces", ["organization_id", "platform", "status"])
    op.create_index(
        "ix_content_pieces_series_id_sequence_no", "content_pieces", ["organization_id", "series_id", "sequence_no"]
    )
    op.create_index(
        "ix_content_pieces_status_updated_at", "content_pieces", ["organization_id", "status", "updated_at", "id"]
    )
    op.create_index("ix_content_pieces_updated_at", "content_pieces", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_content_pieces_series_id_sequence_no",
        "content_pieces",
        ["organization_id", "series_id", "sequence_no"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL AND series_id IS NOT NULL AND sequence_no IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NULL AND series_id IS NOT NULL AND sequence_no IS NOT NULL"),
    )
    op.create_table(
        "generated_contents",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("campaign_id", types.Identifier(), nullable=False),
        sa.Column("type", types.Text(), nullable=False),
        sa.Column("platform", types.Text(), nullable=True),
        sa.Column("title", types.Text(), nullable=True),
        sa.Column("data", types.Document(), nullable=True),
        sa.Column("hashtags", types.Document(), nullable=False),
        sa.Column("mentions", types.Document(), nullable=False),
        sa.Column("media_urls", types.Document(), nullable=False),
        sa.Column("prompt", types.Text(), nullable=False),
        sa.Column("prompt_hash", types.Text(), nullable=False),
        sa.Column("model", types.Text(), nullable=False),
        sa.Column("parameters", types.Document(), nullable=False),
        sa.Column("engagement_score", types.Real(), nullable=True),
        sa.Column("is_selected", types.Boolean(), nullable=False),
        sa.Column("user_rating", types.Integer(), nullable=True),
        sa.Column("user_edits", types.Document(), nullable=True),
        sa.Column("ordinal", types.Integer(), nullable=True),
        sa.Column("promoted_content_id", types.Identifier(), nullable=True),
        sa.Column("promoted_piece_id", types.Identifier(), nullable=True),
        sa.Column("text", types.Text(), nullable=True),
        sa.Column("model_version", types.Text(), nullable=True),
        sa.Column("input_tokens", types.Integer(), nullable=True),
        sa.Column("output_tokens", types.Integer(), nullable=True),
        sa.Column("cost_micros", types.Integer(), nullable=True),
        sa.Column("job_id", types.Identifier(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_generated_contents"),
        sa.CheckConstraint("cost_micros >= 0", name="ck_generated_contents_cost_micros"),
        sa.CheckConstraint("json_valid(data)", name="ck_generated_contents_data").ddl_if(dialect="sqlite"),
        sa.CheckConstraint(
            "engagement_score >= 0 AND engagement_score <= 1", name="ck_generated_contents_engagement_score"
        ),
        sa.CheckConstraint("json_valid(hashtags)", name="ck_generated_contents_hashtags").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("input_tokens >= 0", name="ck_generated_contents_input_tokens"),
        sa.CheckConstraint("is_selected IN (0, 1)", name="ck_generated_contents_is_selected").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("json_valid(media_urls)", name="ck_generated_contents_media_urls").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("json_valid(mentions)", name="ck_generated_contents_mentions").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(model) <= 100 AND length(model) >= 1", name="ck_generated_contents_model"),
        sa.CheckConstraint("length(model_version) <= 100", name="ck_generated_contents_model_version"),
        sa.CheckConstraint("ordinal >= 0", name="ck_generated_contents_ordinal"),
        sa.CheckConstraint("output_tokens >= 0", name="ck_generated_contents_output_tokens"),
        sa.CheckConstraint("json_valid(parameters)", name="ck_generated_contents_parameters").ddl_if(dialect="sqlite"),
        sa.CheckConstraint(
            "platform IN ('twitter', 'linkedin', 'instagram', 'tiktok', 'youtube', 'youtube_shorts', 'facebook', 'threads', 'reddit', 'pinterest', 'bluesky', 'mastodon', 'general')",
            name="ck_generated_contents_platform",
        ),
        sa.CheckConstraint("length(prompt) <= 100000 AND length(prompt) >= 1", name="ck_generated_contents_prompt"),
        sa.CheckConstraint("length(prompt_hash) <= 64", name="ck_generated_contents_prompt_hash"),
        sa.CheckConstraint("length(text) <= 100000", name="ck_generated_contents_text"),
        sa.CheckConstraint("length(title) <= 300", name="ck_generated_contents_title"),
        sa.CheckConstraint(
            "type IN ('idea', 'social_post', 'video_prompt', 'hashtags', 'summary', 'text_image', 'email', 'other')",
            name="ck_generated_contents_type",
        ),
        sa.CheckConstraint("json_valid(user_edits)", name="ck_generated_contents_user_edits").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("user_rating >= 1 AND user_rating <= 5", name="ck_generated_contents_user_rating"),
        sa.CheckConstraint("version >= 1", name="ck_generated_contents_version"),
        sa.ForeignKeyConstraint(
            ["organization_id", "campaign_id"],
            ["campaigns.organization_id", "campaigns.id"],
            name="fk_generated_contents_campaign_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_generated_contents_organization_id"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "promoted_content_id"],
            ["contents.organization_id", "contents.id"],
            name="fk_generated_contents_promoted_content_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "promoted_piece_id"],
            ["content_pieces.organization_id", "content_pieces.id"],
            name="fk_generated_contents_promoted_piece_id",
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_generated_contents_campaign_id",
        "generated_contents",
        ["organization_id", "campaign_id"],
        sqlite_where=sa.text("is_selected"),
        postgresql_where=sa.text("is_selected"),
    )
    op.create_index(
        "ix_generated_contents_campaign_id_type_created_at",
        "generated_contents",
        ["organization_id", "campaign_id", "type", "created_at"],
    )
    op.create_index("ix_generated_contents_created_at", "generated_contents", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_generated_contents_platform_is_selected",
        "generated_contents",
        ["organization_id", "platform", "is_selected"],
    )
    op.create_index(
        "ix_generated_contents_promoted_content_id",
        "generated_contents",
        ["organization_id", "promoted_content_id", "id"],
        sqlite_where=sa.text("promoted_content_id IS NOT NULL"),
        postgresql_where=sa.text("promoted_content_id IS NOT NULL"),
    )
    op.create_index(
        "ix_generated_contents_promoted_piece_id",
        "generated_contents",
        ["organization_id", "promoted_piece_id", "id"],
        sqlite_where=sa.text("promoted_piece_id IS NOT NULL"),
        postgresql_where=sa.text("promoted_piece_id IS NOT NULL"),
    )
    op.create_index("ix_generated_contents_updated_at", "generated_contents", ["organization_id", "updated_at", "id"])
    op.create_index(
        "ix_generated_contents_user_rating_engagement_score",
        "generated_contents",
        ["organization_id", "user_rating", "engagement_score"],
    )
    op.create_index(
        "uq_generated_contents_job_id_ordinal",
        "generated_contents",
        ["organization_id", "job_id", "ordinal"],
        unique=True,
        sqlite_where=sa.text("job_id IS NOT NULL"),
        postgresql_where=sa.text("job_id IS NOT NULL"),
    )
    op.create_table(
        "piece_assets",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("piece_id", types.Identifier(), nullable=False),
        sa.Column("asset_id", types.Identifier(), nullable=False),
        sa.Column("position", types.Integer(), nullable=False),
        sa.Column("alt_text", types.Text(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_piece_assets"),
        sa.CheckConstraint("length(alt_text) <= 2000", name="ck_piece_assets_alt_text"),
        sa.CheckConstraint("position >= 0", name="ck_piece_assets_position"),
        sa.CheckConstraint("version >= 1", name="ck_piece_assets_version"),
        sa.ForeignKeyConstraint(
            ["organization_id", "asset_id"], ["assets.organization_id", "assets.id"], name="fk_piece_assets_asset_id"
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_piece_assets_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "piece_id"],
            ["content_pieces.organization_id", "content_pieces.id"],
            name="fk_piece_assets_piece_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_piece_assets_asset_id", "piece_assets", ["organization_id", "asset_id", "id"])
    op.create_index("ix_piece_assets_created_at", "piece_assets", ["organization_id", "created_at", "id"])
    op.create_index("ix_piece_assets_updated_at", "piece_assets", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_piece_assets_piece_id_position", "piece_assets", ["organization_id", "piece_id", "position"], unique=True
    )
    op.create_table(
        "scheduled_posts",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("content_piece_id", types.Identifier(), nullable=False),
        sa.Column("social_account_id", types.Identifier(), nullable=False),
        sa.Column("scheduled_at", types.Moment(), nullable=False),
        sa.Column("timezone", types.Text(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("idempotency_key", types.Text(), nullable=False),
        sa.Column("payload_snapshot", types.Document(), nullable=True),
        sa.Column("payload_hash", types.Text(), nullable=False),
        sa.Column("platform_post_id", types.Text(), nullable=True),
        sa.Column("platform_url", types.Text(), nullable=True),
        sa.Column("published_at", types.Moment(), nullable=True),
        sa.Column("attempt_count", types.Integer(), nullable=False),
        sa.Column("max_attempts", types.Integer(), nullable=False),
        sa.Column("next_attempt_at", types.Moment(), nullable=True),
        sa.Column("last_attempt_at", types.Moment(), nullable=True),
        sa.Column("claim_token", types.Identifier(), nullable=True),
        sa.Column("lease_until", types.Moment(), nullable=True),
        sa.Column("last_error", types.Document(), nullable=True),
        sa.Column("misfire_grace_minutes", types.Integer(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_scheduled_posts"),
        sa.CheckConstraint("attempt_count >= 0", name="ck_scheduled_posts_attempt_count"),
        sa.CheckConstraint("length(idempotency_key) <= 255", name="ck_scheduled_posts_idempotency_key"),
        sa.CheckConstraint("json_valid(last_error)", name="ck_scheduled_posts_last_error").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("max_attempts >= 1 AND max_attempts <= 10", name="ck_scheduled_posts_max_attempts"),
        sa.CheckConstraint(
            "misfire_grace_minutes >= 0 AND misfire_grace_minutes <= 10080",
            name="ck_scheduled_posts_misfire_grace_minutes",
        ),
        sa.CheckConstraint("length(payload_hash) <= 64", name="ck_scheduled_posts_payload_hash"),
        sa.CheckConstraint("json_valid(payload_snapshot)", name="ck_scheduled_posts_payload_snapshot").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("length(platform_post_id) <= 300", name="ck_scheduled_posts_platform_post_id"),
        sa.CheckConstraint("length(platform_url) <= 2000", name="ck_scheduled_posts_platform_url"),
        sa.CheckConstraint(
            "status IN ('draft', 'on_hold', 'scheduled', 'claimed', 'dispatching', 'published', 'retrying', 'failed', 'unconfirmed', 'cancelled', 'missed')",
            name="ck_scheduled_posts_status",
        ),
        sa.CheckConstraint("length(timezone) <= 64", name="ck_scheduled_posts_timezone"),
        sa.CheckConstraint("version >= 1", name="ck_scheduled_posts_version"),
        sa.ForeignKeyConstraint(
            ["organization_id", "content_piece_id"],
            ["content_pieces.organization_id", "content_pieces.id"],
            name="fk_scheduled_posts_content_piece_id",
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_scheduled_posts_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "social_account_id"],
            ["social_accounts.organization_id", "social_accounts.id"],
            name="fk_scheduled_posts_social_account_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_scheduled_posts_content_piece_id", "scheduled_posts", ["organization_id", "content_piece_id"])
    op.create_index("ix_scheduled_posts_created_at", "scheduled_posts", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_scheduled_posts_created_by",
        "scheduled_posts",
        ["organization_id", "created_by"],
        sqlite_where=sa.text("status = 'published'"),
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_index("ix_scheduled_posts_scheduled_at", "scheduled_posts", ["organization_id", "scheduled_at", "id"])
    op.create_index(
        "ix_scheduled_posts_social_account_id_scheduled_at",
        "scheduled_posts",
        ["organization_id", "social_account_id", "scheduled_at"],
    )
    op.create_index("ix_scheduled_posts_status_lease_until", "scheduled_posts", ["status", "lease_until"])
    op.create_index("ix_scheduled_posts_status_next_attempt_at", "scheduled_posts", ["status", "next_attempt_at"])
    op.create_index(
        "ix_scheduled_posts_status_published_at", "scheduled_posts", ["organization_id", "status", "published_at"]
    )
    op.create_index("ix_scheduled_posts_updated_at", "scheduled_posts", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_scheduled_posts_content_piece_id_social_account_id_schedu",
        "scheduled_posts",
        ["organization_id", "content_piece_id", "social_account_id", "scheduled_at"],
        unique=True,
        sqlite_where=sa.text("status NOT IN ('cancelled', 'failed', 'missed')"),
        postgresql_where=sa.text("status NOT IN ('cancelled', 'failed', 'missed')"),
    )
    op.create_index(
        "uq_scheduled_posts_idempotency_key", "scheduled_posts", ["organization_id", "idempotency_key"], unique=True
    )
    op.create_index(
        "uq_scheduled_posts_social_account_id",
        "scheduled_posts",
        ["organization_id", "social_account_id"],
        unique=True,
        sqlite_where=sa.text("status IN ('claimed', 'dispatching')"),
        postgresql_where=sa.text("status IN ('claimed', 'dispatching')"),
    )
    op.create_index(
        "uq_scheduled_posts_social_account_id_platform_post_id",
        "scheduled_posts",
        ["organization_id", "social_account_id", "platform_post_id"],
        unique=True,
        sqlite_where=sa.text("platform_post_id IS NOT NULL"),
        postgresql_where=sa.text("platform_post_id IS NOT NULL"),
    )
    op.create_table(
        "post_metric_snapshots",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("scheduled_post_id", types.Identifier(), nullable=False),
        sa.Column("social_account_id", types.Identifier(), nullable=False),
        sa.Column("content_piece_id", types.Identifier(), nullable=True),
        sa.Column("platform", types.Text(), nullable=False),
        sa.Column("bucket_at", types.Moment(), nullable=False),
        sa.Column("collected_at", types.Moment(), nullable=False),
        sa.Column("impressions", types.Integer(), nullable=True),
        sa.Column("reach", types.Integer(), nullable=True),
        sa.Column("likes", types.Integer(), nullable=True),
        sa.Column("comments", types.Integer(), nullable=True),
        sa.Column("shares", types.Integer(), nullable=True),
        sa.Column("saves", types.Integer(), nullable=True),
        sa.Column("clicks", types.Integer(), nullable=True),
        sa.Column("website_clicks", types.Integer(), nullable=True),
        sa.Column("video_views", types.Integer(), nullable=True),
        sa.Column("signups", types.Integer(), nullable=True),
        sa.Column("demos", types.Integer(), nullable=True),
        sa.Column("followers_total", types.Integer(), nullable=True),
        sa.Column("engagement_rate", types.Real(), nullable=True),
        sa.Column("ctr", types.Real(), nullable=True),
        sa.Column("raw", types.Document(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_post_metric_snapshots"),
        sa.CheckConstraint("clicks >= 0", name="ck_post_metric_snapshots_clicks"),
        sa.CheckConstraint("comments >= 0", name="ck_post_metric_snapshots_comments"),
        sa.CheckConstraint("ctr >= 0 AND ctr <= 1.7976931348623157e+308", name="ck_post_metric_snapshots_ctr"),
        sa.CheckConstraint("demos >= 0", name="ck_post_metric_snapshots_demos"),
        sa.CheckConstraint(
            "engagement_rate >= 0 AND engagement_rate <= 1.7976931348623157e+308",
            name="ck_post_metric_snapshots_engagement_rate",
        ),
        sa.CheckConstraint("followers_total >= 0", name="ck_post_metric_snapshots_followers_total"),
        sa.CheckConstraint("impressions >= 0", name="ck_post_metric_snapshots_impressions"),
        sa.CheckConstraint("likes >= 0", name="ck_post_metric_snapshots_likes"),
        sa.CheckConstraint(
            "platform IN ('twitter', 'linkedin', 'instagram', 'tiktok', 'youtube', 'youtube_shorts', 'facebook', 'threads', 'reddit', 'pinterest', 'bluesky', 'mastodon', 'general')",
            name="ck_post_metric_snapshots_platform",
        ),
        sa.CheckConstraint("json_valid(raw)", name="ck_post_metric_snapshots_raw").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("reach >= 0", name="ck_post_metric_snapshots_reach"),
        sa.CheckConstraint("saves >= 0", name="ck_post_metric_snapshots_saves"),
        sa.CheckConstraint("shares >= 0", name="ck_post_metric_snapshots_shares"),
        sa.CheckConstraint("signups >= 0", name="ck_post_metric_snapshots_signups"),
        sa.CheckConstraint("video_views >= 0", name="ck_post_metric_snapshots_video_views"),
        sa.CheckConstraint("website_clicks >= 0", name="ck_post_metric_snapshots_website_clicks"),
        sa.ForeignKeyConstraint(
            ["organization_id", "content_piece_id"],
            ["content_pieces.organization_id", "content_pieces.id"],
            name="fk_post_metric_snapshots_content_piece_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "scheduled_post_id"],
            ["scheduled_posts.organization_id", "scheduled_posts.id"],
            name="fk_post_metric_snapshots_scheduled_post_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "social_account_id"],
            ["social_accounts.organization_id", "social_accounts.id"],
            name="fk_post_metric_snapshots_social_account_id",
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_post_metric_snapshots_bucket_at", "post_metric_snapshots", ["organization_id", "bucket_at", "id"]
    )
    op.create_index(
        "ix_post_metric_snapshots_content_piece_id_bucket_at",
        "post_metric_snapshots",
        ["organization_id", "content_piece_id", "bucket_at"],
    )
    op.create_index(
        "ix_post_metric_snapshots_platform_bucket_at",
        "post_metric_snapshots",
        ["organization_id", "platform", "bucket_at"],
    )
    op.create_index(
        "ix_post_metric_snapshots_social_account_id",
        "post_metric_snapshots",
        ["organization_id", "social_account_id", "id"],
    )
    op.create_index(
        "uq_post_metric_snapshots_scheduled_post_id_bucket_at",
        "post_metric_snapshots",
        ["organization_id", "scheduled_post_id", "bucket_at"],
        unique=True,
    )
    op.create_table(
        "publish_attempts",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("scheduled_post_id", types.Identifier(), nullable=False),
        sa.Column("attempt_no", types.Integer(), nullable=False),
        sa.Column("phase", types.Text(), nullable=False),
        sa.Column("started_at", types.Moment(), nullable=False),
        sa.Column("finished_at", types.Moment(), nullable=True),
        sa.Column("http_status", types.Integer(), nullable=True),
        sa.Column("error", types.Document(), nullable=True),
        sa.Column("worker_id", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_publish_attempts"),
        sa.CheckConstraint("attempt_no >= 1", name="ck_publish_attempts_attempt_no"),
        sa.CheckConstraint("json_valid(error)", name="ck_publish_attempts_error").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("http_status >= 100 AND http_status <= 599", name="ck_publish_attempts_http_status"),
        sa.CheckConstraint(
            "phase IN ('dispatching', 'succeeded', 'rejected', 'unknown')", name="ck_publish_attempts_phase"
        ),
        sa.CheckConstraint("length(worker_id) <= 200", name="ck_publish_attempts_worker_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "scheduled_post_id"],
            ["scheduled_posts.organization_id", "scheduled_posts.id"],
            name="fk_publish_attempts_scheduled_post_id",
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "uq_publish_attempts_scheduled_post_id_attempt_no",
        "publish_attempts",
        ["organization_id", "scheduled_post_id", "attempt_no"],
        unique=True,
    )
    op.create_table(
        "weekly_summaries",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("week_start", types.Day(), nullable=False),
        sa.Column("week_end", types.Day(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("report_md", types.Text(), nullable=True),
        sa.Column("recommendations", types.Document(), nullable=True),
        sa.Column("key_insights", types.Document(), nullable=True),
        sa.Column("total_posts", types.Integer(), nullable=False),
        sa.Column("avg_engagement", types.Real(), nullable=True),
        sa.Column("top_post_id", types.Identifier(), nullable=True),
        sa.Column("confidence", types.Real(), nullable=True),
        sa.Column("error", types.Text(), nullable=True),
        sa.Column("accepted_at", types.Moment(), nullable=True),
        sa.Column("model", types.Text(), nullable=True),
        sa.Column("model_version", types.Text(), nullable=True),
        sa.Column("prompt_hash", types.Text(), nullable=True),
        sa.Column("input_tokens", types.Integer(), nullable=True),
        sa.Column("output_tokens", types.Integer(), nullable=True),
        sa.Column("cost_micros", types.Integer(), nullable=True),
        sa.Column("job_id", types.Identifier(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_weekly_summaries"),
        sa.CheckConstraint(
            "avg_engagement >= -1.7976931348623157e+308 AND avg_engagement <= 1.7976931348623157e+308",
            name="ck_weekly_summaries_avg_engagement",
        ),
        sa.CheckConstraint("confidence >= 0 AND confidence <= 1", name="ck_weekly_summaries_confidence"),
        sa.CheckConstraint("cost_micros >= 0", name="ck_weekly_summaries_cost_micros"),
        sa.CheckConstraint("length(error) <= 2000", name="ck_weekly_summaries_error"),
        sa.CheckConstraint("input_tokens >= 0", name="ck_weekly_summaries_input_tokens"),
        sa.CheckConstraint("json_valid(key_insights)", name="ck_weekly_summaries_key_insights").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("length(model) <= 100", name="ck_weekly_summaries_model"),
        sa.CheckConstraint("length(model_version) <= 100", name="ck_weekly_summaries_model_version"),
        sa.CheckConstraint("output_tokens >= 0", name="ck_weekly_summaries_output_tokens"),
        sa.CheckConstraint("length(prompt_hash) <= 64", name="ck_weekly_summaries_prompt_hash"),
        sa.CheckConstraint("json_valid(recommendations)", name="ck_weekly_summaries_recommendations").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("length(report_md) <= 100000", name="ck_weekly_summaries_report_md"),
        sa.CheckConstraint(
            "status IN ('generating', 'ready', 'accepted', 'dismissed', 'failed')", name="ck_weekly_summaries_status"
        ),
        sa.CheckConstraint("total_posts >= 0", name="ck_weekly_summaries_total_posts"),
        sa.CheckConstraint("version >= 1", name="ck_weekly_summaries_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_weekly_summaries_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "top_post_id"],
            ["scheduled_posts.organization_id", "scheduled_posts.id"],
            name="fk_weekly_summaries_top_post_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_weekly_summaries_created_at", "weekly_summaries", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_weekly_summaries_top_post_id",
        "weekly_summaries",
        ["organization_id", "top_post_id", "id"],
        sqlite_where=sa.text("top_post_id IS NOT NULL"),
        postgresql_where=sa.text("top_post_id IS NOT NULL"),
    )
    op.create_index("ix_weekly_summaries_updated_at", "weekly_summaries", ["organization_id", "updated_at", "id"])
    op.create_index("ix_weekly_summaries_week_start", "weekly_summaries", ["organization_id", "week_start", "id"])
    op.create_index(
        "uq_weekly_summaries_week_start", "weekly_summaries", ["organization_id", "week_start"], unique=True
    )
    if not sqlite:
        op.create_foreign_key(
            "fk_content_pieces_generated_content_id",
            "content_pieces",
            "generated_contents",
            ["organization_id", "generated_content_id"],
            ["organization_id", "id"],
        )
    op.create_index("uq_changes_tx_seq", "changes", ["tx", "seq"], unique=True)
    op.drop_index("ix_jobs_queue_status_run_at_priority", table_name="jobs")
    op.drop_index("ix_jobs_status_lease_until", table_name="jobs")
    op.drop_index("ix_jobs_status_run_at", table_name="jobs")
    op.drop_index("uq_jobs_queue_dedupe_key", table_name="jobs")
    op.add_column("jobs", sa.Column("due", types.Boolean(), nullable=True))
    op.execute("UPDATE jobs SET due = true")
    op.add_column("jobs", sa.Column("worker", types.Text(), nullable=True))
    op.add_column("jobs", sa.Column("cancel_requested_at", types.Moment(), nullable=True))
    op.add_column("jobs", sa.Column("started_at", types.Moment(), nullable=True))
    table = sa.Table(
        "jobs",
        sa.MetaData(),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("queue", types.Text(), nullable=False),
        sa.Column("kind", types.Text(), nullable=False),
        sa.Column("organization_id", types.Identifier(), nullable=True),
        sa.Column("payload", types.Document(), nullable=False),
        sa.Column("priority", types.Integer(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("run_at", types.Moment(), nullable=False),
        sa.Column("attempts", types.Integer(), nullable=False),
        sa.Column("max_attempts", types.Integer(), nullable=False),
        sa.Column("backoff", types.Document(), nullable=True),
        sa.Column("dedupe_key", types.Text(), nullable=True),
        sa.Column("lease_until", types.Moment(), nullable=True),
        sa.Column("lease_token", types.Identifier(), nullable=True),
        sa.Column("heartbeat_at", types.Moment(), nullable=True),
        sa.Column("progress", types.Integer(), nullable=False),
        sa.Column("result", types.Document(), nullable=True),
        sa.Column("error", types.Document(), nullable=True),
        sa.Column("parent_id", types.Identifier(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("finished_at", types.Moment(), nullable=True),
        sa.Column("due", types.Boolean(), nullable=True),
        sa.Column("worker", types.Text(), nullable=True),
        sa.Column("cancel_requested_at", types.Moment(), nullable=True),
        sa.Column("started_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.CheckConstraint("attempts >= 0", name="ck_jobs_attempts"),
        sa.CheckConstraint("json_valid(backoff)", name="ck_jobs_backoff").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(dedupe_key) <= 200", name="ck_jobs_dedupe_key"),
        sa.CheckConstraint("json_valid(error)", name="ck_jobs_error").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(kind) <= 100", name="ck_jobs_kind"),
        sa.CheckConstraint("max_attempts >= 1", name="ck_jobs_max_attempts"),
        sa.CheckConstraint("json_valid(payload)", name="ck_jobs_payload").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("progress >= 0 AND progress <= 100", name="ck_jobs_progress"),
        sa.CheckConstraint("length(queue) <= 63", name="ck_jobs_queue"),
        sa.CheckConstraint("json_valid(result)", name="ck_jobs_result").ddl_if(dialect="sqlite"),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'succeeded', 'failed', 'dead', 'cancelled')", name="ck_jobs_status"
        ),
        sqlite_strict=True,
    )
    with op.batch_alter_table("jobs", copy_from=table) as batch:
        batch.alter_column("max_attempts", existing_type=types.Integer(), nullable=True)
        batch.alter_column("due", existing_type=types.Boolean(), nullable=False)
        if sqlite:
            batch.create_check_constraint("ck_jobs_due", "due IN (0, 1)")
        batch.create_check_constraint("ck_jobs_worker", "length(worker) <= 200")
    op.create_index("ix_jobs_created_at", "jobs", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_jobs_finished_at",
        "jobs",
        ["finished_at"],
        sqlite_where=sa.text("status IN ('succeeded', 'cancelled')"),
        postgresql_where=sa.text("status IN ('succeeded', 'cancelled')"),
    )
    op.create_index(
        "ix_jobs_queue",
        "jobs",
        ["queue"],
        sqlite_where=sa.text("status = 'running'"),
        postgresql_where=sa.text("status = 'running'"),
    )
    op.create_index(
        "ix_jobs_queue_finished_at",
        "jobs",
        ["queue", "finished_at"],
        sqlite_where=sa.text("status IN ('failed', 'dead')"),
        postgresql_where=sa.text("status IN ('failed', 'dead')"),
    )
    op.create_index(
        "ix_jobs_queue_priority",
        "jobs",
        ["queue", sa.text("coalesce(organization_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff')"), "priority", "id"],
        sqlite_where=sa.text("status = 'queued' AND due"),
        postgresql_where=sa.text("status = 'queued' AND due"),
    )
    op.create_index(
        "ix_jobs_run_at",
        "jobs",
        ["run_at"],
        sqlite_where=sa.text("status = 'queued' AND NOT due"),
        postgresql_where=sa.text("status = 'queued' AND NOT due"),
    )
    op.create_index(
        "uq_jobs_queue_dedupe_key",
        "jobs",
        ["queue", sa.text("coalesce(organization_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff')"), "dedupe_key"],
        unique=True,
        sqlite_where=sa.text("dedupe_key IS NOT NULL AND status IN ('queued', 'running')"),
        postgresql_where=sa.text("dedupe_key IS NOT NULL AND status IN ('queued', 'running')"),
    )
    if sqlite:
        op.execute("""
CREATE VIEW campaign_summary AS
SELECT c.organization_id, c.id, c.id AS campaign_id, c.name, c.campaign_type, c.status,
  b.name AS brand_name, u.username AS owner_username, u.full_name AS owner_full_name,
  c.start_at, c.end_at, c.created_at, c.updated_at,
  (SELECT count(*) FROM journeys x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id AND x.deleted_at IS NULL) AS journey_count,
  (SELECT count(*) FROM contents x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id AND x.deleted_at IS NULL) + (SELECT count(*) FROM generated_contents x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id) AS content_count,
  (SELECT count(*) FROM contents x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id AND x.deleted_at IS NULL) AS written_content_count,
  (SELECT count(*) FROM generated_contents x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id) AS generated_content_count,
  (SELECT count(*) FROM generated_contents x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id AND x.is_selected) AS selected_content_count,
  (SELECT count(*) FROM content_pieces x CROSS JOIN scheduled_posts s WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id AND x.deleted_at IS NULL AND s.organization_id = x.organization_id AND s.content_piece_id = x.id AND coalesce(s.status, '') = 'published') AS published_post_count,
  (SELECT count(*) FROM assets x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id AND x.deleted_at IS NULL) AS asset_count,
  ((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type = 'impression')) AS impressions,
  ((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type = 'click')) AS clicks,
  ((SELECT sum(d.count) FROM analytics_daily d WHERE d.organization_id = c.organization_id AND d.campaign_id = c.id AND d.event_type = 'conversion')) AS conversions,
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
SELECT base.organization_id, base.id, base.source, base.id AS content_id, base.campaign_id, k.name AS campaign_name,
  base.content_type, base.platform, base.title, base.status, base.is_selected,
  (EXISTS (SELECT 1 FROM contents o WHERE o.organization_id = base.organization_id AND o.id = base.event_content_id AND o.deleted_at IS NULL AND o.status = 'published') OR EXISTS (SELECT 1 FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND coalesce(s.status, '') = 'published')) AS is_published,
  (SELECT min(s.scheduled_at) FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND s.status NOT IN ('draft', 'cancelled', 'failed', 'missed')) AS scheduled_for,
  (SELECT min(f.at) FROM (SELECT o.published_at AS at FROM contents o WHERE o.organization_id = base.organization_id AND o.id = base.event_content_id AND o.deleted_at IS NULL UNION ALL SELECT s.published_at FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id) f) AS published_at,
  base.user_rating, base.predicted_engagement,
  (SELECT sum(f.v) FROM (SELECT n.impressions AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id) UNION ALL SELECT d.count AS v FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id AND d.event_type IN ('impression')) f) AS impressions,
  (SELECT sum(f.v) FROM (SELECT n.reach AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id)) f) AS reach,
  (SELECT sum(f.v) FROM (SELECT n.clicks AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id) UNION ALL SELECT d.count AS v FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id AND d.event_type IN ('click')) f) AS clicks,
  (SELECT sum(f.v) FROM (SELECT n.likes AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id)) f) AS likes,
  (SELECT sum(f.v) FROM (SELECT n.comments AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id)) f) AS comments,
  (SELECT sum(f.v) FROM (SELECT n.shares AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id) UNION ALL SELECT d.count AS v FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id AND d.event_type IN ('share')) f) AS shares,
  (SELECT sum(f.v) FROM (SELECT CASE WHEN n.signups IS NULL AND n.demos IS NULL THEN NULL ELSE coalesce(n.signups, 0) + coalesce(n.demos, 0) END AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id) UNION ALL SELECT d.count AS v FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id AND d.event_type IN ('conversion')) f) AS conversions,
  CAST((SELECT sum(f.v) FROM (SELECT CASE WHEN coalesce(n.likes, n.comments, n.shares, n.saves, n.clicks) IS NOT NULL THEN coalesce(n.likes, 0) + coalesce(n.comments, 0) + coalesce(n.shares, 0) + coalesce(n.saves, 0) + coalesce(n.clicks, 0) END AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id) UNION ALL SELECT d.count AS v FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id AND d.event_type IN ('click', 'engagement', 'share')) f) AS REAL) / nullif((SELECT sum(f.v) FROM (SELECT n.impressions AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id) UNION ALL SELECT d.count AS v FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id AND d.event_type IN ('impression')) f), 0) AS engagement_rate,
  CAST((SELECT sum(f.v) FROM (SELECT n.clicks AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id) UNION ALL SELECT d.count AS v FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id AND d.event_type IN ('click')) f) AS REAL) / nullif((SELECT sum(f.v) FROM (SELECT n.impressions AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id) UNION ALL SELECT d.count AS v FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id AND d.event_type IN ('impression')) f), 0) AS ctr,
  (SELECT max(f.at) FROM (SELECT d.last_event_at AS at FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id UNION ALL SELECT n.collected_at FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id)) f) AS metrics_as_of,
  base.created_at, u.username
FROM (
  SELECT c.organization_id, c.id, 'content' AS source, c.campaign_id, c.type AS content_type, c.channel AS platform,
    c.title, c.status, CAST(NULL AS INTEGER) AS is_selected, CAST(NULL AS INTEGER) AS user_rating,
    CAST(NULL AS REAL) AS predicted_engagement, c.id AS event_content_id,
    c.created_at, c.created_by, c.deleted_at
  FROM contents c
  UNION ALL
  SELECT g.organization_id, g.id, 'generated', g.campaign_id, g.type, g.platform, g.title, CAST(NULL AS TEXT),
    g.is_selected, g.user_rating, g.engagement_score, g.promoted_content_id,
    g.created_at, g.created_by, CAST(NULL AS TEXT)
  FROM generated_contents g
  UNION ALL
  SELECT p.organization_id, p.id, 'piece', p.campaign_id, p.type, p.platform, p.title, p.status,
    CAST(NULL AS INTEGER), CAST(NULL AS INTEGER), CAST(NULL AS REAL), CAST(NULL AS TEXT),
    p.created_at, p.created_by, p.deleted_at
  FROM content_pieces p
) base
LEFT JOIN campaigns k ON k.organization_id = base.organization_id AND k.id = base.campaign_id
LEFT JOIN users u ON u.id = base.created_by
WHERE base.deleted_at IS NULL
""")
        op.execute("""
CREATE VIEW series_progress AS
SELECT s.organization_id, s.id, s.name, s.platform, s.cadence, s.status, s.total_posts,
  (SELECT count(*) FROM content_pieces c WHERE c.organization_id = s.organization_id AND c.series_id = s.id AND c.deleted_at IS NULL) AS piece_count,
  (SELECT count(*) FROM content_pieces c WHERE c.organization_id = s.organization_id AND c.series_id = s.id AND c.deleted_at IS NULL AND c.status IN ('published', 'partially_published')) AS published_count,
  (SELECT min(p.next_attempt_at) FROM content_pieces c JOIN scheduled_posts p ON p.organization_id = c.organization_id AND p.content_piece_id = c.id WHERE c.organization_id = s.organization_id AND c.series_id = s.id AND c.deleted_at IS NULL AND p.status IN ('scheduled', 'retrying')) AS next_post_at,
  (SELECT max(p.published_at) FROM content_pieces c JOIN scheduled_posts p ON p.organization_id = c.organization_id AND p.content_piece_id = c.id WHERE c.organization_id = s.organization_id AND c.series_id = s.id AND c.deleted_at IS NULL AND p.status = 'published') AS last_published_at,
  s.created_at
FROM series s
WHERE s.deleted_at IS NULL
""")
        op.execute("""
CREATE VIEW user_activity_summary AS
SELECT m.organization_id, m.user_id AS id, m.user_id, u.username, u.email, u.created_at AS user_since, u.last_login_at,
  (SELECT max(s.last_activity_at) FROM sessions s WHERE s.user_id = m.user_id AND s.organization_id = m.organization_id) AS last_activity_at,
  (SELECT count(*) FROM campaigns x WHERE x.organization_id = m.organization_id AND x.owner_user_id = m.user_id AND x.deleted_at IS NULL) AS total_campaigns,
  (SELECT count(*) FROM campaigns x WHERE x.organization_id = m.organization_id AND x.owner_user_id = m.user_id AND x.deleted_at IS NULL AND x.status = 'active') AS active_campaigns,
  (SELECT count(*) FROM campaigns x WHERE x.organization_id = m.organization_id AND x.owner_user_id = m.user_id AND x.deleted_at IS NULL AND x.status = 'completed') AS completed_campaigns,
  (SELECT count(*) FROM campaigns x CROSS JOIN generated_contents g WHERE x.organization_id = m.organization_id AND x.owner_user_id = m.user_id AND x.deleted_at IS NULL AND g.organization_id = x.organization_id AND g.campaign_id = x.id) AS total_content_generated,
  (SELECT count(*) FROM campaigns x CROSS JOIN generated_contents g WHERE x.organization_id = m.organization_id AND x.owner_user_id = m.user_id AND x.deleted_at IS NULL AND g.organization_id = x.organization_id AND g.campaign_id = x.id AND g.is_selected) AS selected_content_count,
  (SELECT count(*) FROM scheduled_posts x WHERE x.organization_id = m.organization_id AND x.created_by = m.user_id AND x.status = 'published') AS published_posts,
  (SELECT count(x.sent_at) FROM outreach_campaigns o CROSS JOIN messages x WHERE o.organization_id = m.organization_id AND o.created_by = m.user_id AND x.organization_id = o.organization_id AND x.outreach_campaign_id = o.id AND x.direction = 'outbound') + (SELECT count(x.sent_at) FROM messages x WHERE x.organization_id = m.organization_id AND x.created_by = m.user_id AND x.outreach_campaign_id IS NULL AND x.direction = 'outbound') AS messages_sent,
  (SELECT count(*) FROM sessions s WHERE s.user_id = m.user_id AND s.organization_id = m.organization_id AND s.revoked_at IS NULL AND s.rotated_at IS NULL
    AND s.expires_at > strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z') AS active_session_count
FROM memberships m
JOIN users u ON u.id = m.user_id
WHERE u.deleted_at IS NULL AND m.status <> 'disabled'
""")
    if not sqlite:
        op.execute("""
CREATE VIEW campaign_summary AS
SELECT c.organization_id, c.id, c.id AS campaign_id, c.name, c.campaign_type, c.status,
  b.name AS brand_name, u.username AS owner_username, u.full_name AS owner_full_name,
  c.start_at, c.end_at, c.created_at, c.updated_at,
  (SELECT count(*) FROM journeys x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id AND x.deleted_at IS NULL) AS journey_count,
  (SELECT count(*) FROM contents x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id AND x.deleted_at IS NULL) + (SELECT count(*) FROM generated_contents x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id) AS content_count,
  (SELECT count(*) FROM contents x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id AND x.deleted_at IS NULL) AS written_content_count,
  (SELECT count(*) FROM generated_contents x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id) AS generated_content_count,
  (SELECT count(*) FROM generated_contents x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id AND x.is_selected) AS selected_content_count,
  (SELECT count(*) FROM content_pieces x CROSS JOIN scheduled_posts s WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id AND x.deleted_at IS NULL AND s.organization_id = x.organization_id AND s.content_piece_id = x.id AND coalesce(s.status, '') = 'published') AS published_post_count,
  (SELECT count(*) FROM assets x WHERE x.organization_id = c.organization_id AND x.campaign_id = c.id AND x.deleted_at IS NULL) AS asset_count,
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
SELECT base.organization_id, base.id, base.source, base.id AS content_id, base.campaign_id, k.name AS campaign_name,
  base.content_type, base.platform, base.title, base.status, base.is_selected,
  (EXISTS (SELECT 1 FROM contents o WHERE o.organization_id = base.organization_id AND o.id = base.event_content_id AND o.deleted_at IS NULL AND o.status = 'published') OR EXISTS (SELECT 1 FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND coalesce(s.status, '') = 'published')) AS is_published,
  (SELECT min(s.scheduled_at) FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND s.status NOT IN ('draft', 'cancelled', 'failed', 'missed')) AS scheduled_for,
  (SELECT min(f.at) FROM (SELECT o.published_at AS at FROM contents o WHERE o.organization_id = base.organization_id AND o.id = base.event_content_id AND o.deleted_at IS NULL UNION ALL SELECT s.published_at FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id) f) AS published_at,
  base.user_rating, base.predicted_engagement,
  (SELECT sum(f.v) FROM (SELECT n.impressions AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id) UNION ALL SELECT d.count AS v FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id AND d.event_type IN ('impression')) f)::bigint AS impressions,
  (SELECT sum(f.v) FROM (SELECT n.reach AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id)) f)::bigint AS reach,
  (SELECT sum(f.v) FROM (SELECT n.clicks AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id) UNION ALL SELECT d.count AS v FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id AND d.event_type IN ('click')) f)::bigint AS clicks,
  (SELECT sum(f.v) FROM (SELECT n.likes AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id)) f)::bigint AS likes,
  (SELECT sum(f.v) FROM (SELECT n.comments AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id)) f)::bigint AS comments,
  (SELECT sum(f.v) FROM (SELECT n.shares AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id) UNION ALL SELECT d.count AS v FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id AND d.event_type IN ('share')) f)::bigint AS shares,
  (SELECT sum(f.v) FROM (SELECT CASE WHEN n.signups IS NULL AND n.demos IS NULL THEN NULL ELSE coalesce(n.signups, 0) + coalesce(n.demos, 0) END AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id) UNION ALL SELECT d.count AS v FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id AND d.event_type IN ('conversion')) f)::bigint AS conversions,
  CAST((SELECT sum(f.v) FROM (SELECT CASE WHEN coalesce(n.likes, n.comments, n.shares, n.saves, n.clicks) IS NOT NULL THEN coalesce(n.likes, 0) + coalesce(n.comments, 0) + coalesce(n.shares, 0) + coalesce(n.saves, 0) + coalesce(n.clicks, 0) END AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id) UNION ALL SELECT d.count AS v FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id AND d.event_type IN ('click', 'engagement', 'share')) f)::bigint AS double precision) / nullif((SELECT sum(f.v) FROM (SELECT n.impressions AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id) UNION ALL SELECT d.count AS v FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id AND d.event_type IN ('impression')) f)::bigint, 0) AS engagement_rate,
  CAST((SELECT sum(f.v) FROM (SELECT n.clicks AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id) UNION ALL SELECT d.count AS v FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id AND d.event_type IN ('click')) f)::bigint AS double precision) / nullif((SELECT sum(f.v) FROM (SELECT n.impressions AS v FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id) UNION ALL SELECT d.count AS v FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id AND d.event_type IN ('impression')) f)::bigint, 0) AS ctr,
  (SELECT max(f.at) FROM (SELECT d.last_event_at AS at FROM analytics_daily d WHERE d.organization_id = base.organization_id AND d.content_id = base.event_content_id UNION ALL SELECT n.collected_at FROM (SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.content_id = base.id AND p.deleted_at IS NULL UNION ALL SELECT p.id FROM content_pieces p WHERE p.organization_id = base.organization_id AND p.generated_content_id = base.id AND p.deleted_at IS NULL) made CROSS JOIN scheduled_posts s CROSS JOIN post_metric_snapshots n WHERE s.organization_id = base.organization_id AND s.content_piece_id = made.id AND n.organization_id = s.organization_id AND n.scheduled_post_id = s.id AND n.bucket_at = (SELECT max(l.bucket_at) FROM post_metric_snapshots l WHERE l.organization_id = s.organization_id AND l.scheduled_post_id = s.id)) f) AS metrics_as_of,
  base.created_at, u.username
FROM (
  SELECT c.organization_id, c.id, 'content' AS source, c.campaign_id, c.type AS content_type, c.channel AS platform,
    c.title, c.status, CAST(NULL AS boolean) AS is_selected, CAST(NULL AS bigint) AS user_rating,
    CAST(NULL AS double precision) AS predicted_engagement, c.id AS event_content_id,
    c.created_at, c.created_by, c.deleted_at
  FROM contents c
  UNION ALL
  SELECT g.organization_id, g.id, 'generated', g.campaign_id, g.type, g.platform, g.title, CAST(NULL AS text),
    g.is_selected, g.user_rating, g.engagement_score, g.promoted_content_id,
    g.created_at, g.created_by, CAST(NULL AS timestamptz)
  FROM generated_contents g
  UNION ALL
  SELECT p.organization_id, p.id, 'piece', p.campaign_id, p.type, p.platform, p.title, p.status,
    CAST(NULL AS boolean), CAST(NULL AS bigint), CAST(NULL AS double precision), CAST(NULL AS uuid),
    p.created_at, p.created_by, p.deleted_at
  FROM content_pieces p
) base
LEFT JOIN campaigns k ON k.organization_id = base.organization_id AND k.id = base.campaign_id
LEFT JOIN users u ON u.id = base.created_by
WHERE base.deleted_at IS NULL
""")
        op.execute("""
CREATE VIEW series_progress AS
SELECT s.organization_id, s.id, s.name, s.platform, s.cadence, s.status, s.total_posts,
  (SELECT count(*) FROM content_pieces c WHERE c.organization_id = s.organization_id AND c.series_id = s.id AND c.deleted_at IS NULL) AS piece_count,
  (SELECT count(*) FROM content_pieces c WHERE c.organization_id = s.organization_id AND c.series_id = s.id AND c.deleted_at IS NULL AND c.status IN ('published', 'partially_published')) AS published_count,
  (SELECT min(p.next_attempt_at) FROM content_pieces c JOIN scheduled_posts p ON p.organization_id = c.organization_id AND p.content_piece_id = c.id WHERE c.organization_id = s.organization_id AND c.series_id = s.id AND c.deleted_at IS NULL AND p.status IN ('scheduled', 'retrying')) AS next_post_at,
  (SELECT max(p.published_at) FROM content_pieces c JOIN scheduled_posts p ON p.organization_id = c.organization_id AND p.content_piece_id = c.id WHERE c.organization_id = s.organization_id AND c.series_id = s.id AND c.deleted_at IS NULL AND p.status = 'published') AS last_published_at,
  s.created_at
FROM series s
WHERE s.deleted_at IS NULL
""")
        op.execute("""
CREATE VIEW user_activity_summary AS
SELECT m.organization_id, m.user_id AS id, m.user_id, u.username, u.email, u.created_at AS user_since, u.last_login_at,
  (SELECT max(s.last_activity_at) FROM sessions s WHERE s.user_id = m.user_id AND s.organization_id = m.organization_id) AS last_activity_at,
  (SELECT count(*) FROM campaigns x WHERE x.organization_id = m.organization_id AND x.owner_user_id = m.user_id AND x.deleted_at IS NULL) AS total_campaigns,
  (SELECT count(*) FROM campaigns x WHERE x.organization_id = m.organization_id AND x.owner_user_id = m.user_id AND x.deleted_at IS NULL AND x.status = 'active') AS active_campaigns,
  (SELECT count(*) FROM campaigns x WHERE x.organization_id = m.organization_id AND x.owner_user_id = m.user_id AND x.deleted_at IS NULL AND x.status = 'completed') AS completed_campaigns,
  (SELECT count(*) FROM campaigns x CROSS JOIN generated_contents g WHERE x.organization_id = m.organization_id AND x.owner_user_id = m.user_id AND x.deleted_at IS NULL AND g.organization_id = x.organization_id AND g.campaign_id = x.id) AS total_content_generated,
  (SELECT count(*) FROM campaigns x CROSS JOIN generated_contents g WHERE x.organization_id = m.organization_id AND x.owner_user_id = m.user_id AND x.deleted_at IS NULL AND g.organization_id = x.organization_id AND g.campaign_id = x.id AND g.is_selected) AS selected_content_count,
  (SELECT count(*) FROM scheduled_posts x WHERE x.organization_id = m.organization_id AND x.created_by = m.user_id AND x.status = 'published') AS published_posts,
  (SELECT count(x.sent_at) FROM outreach_campaigns o CROSS JOIN messages x WHERE o.organization_id = m.organization_id AND o.created_by = m.user_id AND x.organization_id = o.organization_id AND x.outreach_campaign_id = o.id AND x.direction = 'outbound') + (SELECT count(x.sent_at) FROM messages x WHERE x.organization_id = m.organization_id AND x.created_by = m.user_id AND x.outreach_campaign_id IS NULL AND x.direction = 'outbound') AS messages_sent,
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
        op.execute("DROP VIEW series_progress")
        op.execute("DROP VIEW content_performance")
        op.execute("DROP VIEW campaign_summary")
    if not sqlite:
        op.execute("DROP VIEW user_activity_summary")
        op.execute("DROP VIEW series_progress")
        op.execute("DROP VIEW content_performance")
        op.execute("DROP VIEW campaign_summary")
    op.drop_index("uq_changes_tx_seq", table_name="changes")
    op.drop_index("ix_jobs_created_at", table_name="jobs")
    op.drop_index("ix_jobs_finished_at", table_name="jobs")
    op.drop_index("ix_jobs_queue", table_name="jobs")
    op.drop_index("ix_jobs_queue_finished_at", table_name="jobs")
    op.drop_index("ix_jobs_queue_priority", table_name="jobs")
    op.drop_index("ix_jobs_run_at", table_name="jobs")
    op.execute("UPDATE jobs SET max_attempts = 3 WHERE max_attempts IS NULL")
    op.drop_index("uq_jobs_queue_dedupe_key", table_name="jobs")
    table = sa.Table(
        "jobs",
        sa.MetaData(),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("queue", types.Text(), nullable=False),
        sa.Column("kind", types.Text(), nullable=False),
        sa.Column("organization_id", types.Identifier(), nullable=True),
        sa.Column("payload", types.Document(), nullable=False),
        sa.Column("priority", types.Integer(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("run_at", types.Moment(), nullable=False),
        sa.Column("due", types.Boolean(), nullable=False),
        sa.Column("attempts", types.Integer(), nullable=False),
        sa.Column("max_attempts", types.Integer(), nullable=True),
        sa.Column("backoff", types.Document(), nullable=True),
        sa.Column("dedupe_key", types.Text(), nullable=True),
        sa.Column("lease_until", types.Moment(), nullable=True),
        sa.Column("lease_token", types.Identifier(), nullable=True),
        sa.Column("heartbeat_at", types.Moment(), nullable=True),
        sa.Column("worker", types.Text(), nullable=True),
        sa.Column("cancel_requested_at", types.Moment(), nullable=True),
        sa.Column("progress", types.Integer(), nullable=False),
        sa.Column("result", types.Document(), nullable=True),
        sa.Column("error", types.Document(), nullable=True),
        sa.Column("parent_id", types.Identifier(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("started_at", types.Moment(), nullable=True),
        sa.Column("finished_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.CheckConstraint("attempts >= 0", name="ck_jobs_attempts"),
        sa.CheckConstraint("json_valid(backoff)", name="ck_jobs_backoff").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(dedupe_key) <= 200", name="ck_jobs_dedupe_key"),
        sa.CheckConstraint("due IN (0, 1)", name="ck_jobs_due").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("json_valid(error)", name="ck_jobs_error").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(kind) <= 100", name="ck_jobs_kind"),
        sa.CheckConstraint("max_attempts >= 1", name="ck_jobs_max_attempts"),
        sa.CheckConstraint("json_valid(payload)", name="ck_jobs_payload").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("progress >= 0 AND progress <= 100", name="ck_jobs_progress"),
        sa.CheckConstraint("length(queue) <= 63", name="ck_jobs_queue"),
        sa.CheckConstraint("json_valid(result)", name="ck_jobs_result").ddl_if(dialect="sqlite"),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'succeeded', 'failed', 'dead', 'cancelled')", name="ck_jobs_status"
        ),
        sa.CheckConstraint("length(worker) <= 200", name="ck_jobs_worker"),
        sqlite_strict=True,
    )
    with op.batch_alter_table("jobs", copy_from=table) as batch:
        if sqlite:
            batch.drop_constraint("ck_jobs_due", type_="check")
        batch.drop_constraint("ck_jobs_worker", type_="check")
        batch.drop_column("due")
        batch.drop_column("worker")
        batch.drop_column("cancel_requested_at")
        batch.drop_column("started_at")
        batch.alter_column("max_attempts", existing_type=types.Integer(), nullable=False)
    op.create_index("ix_jobs_queue_status_run_at_priority", "jobs", ["queue", "status", "run_at", "priority"])
    op.create_index("ix_jobs_status_lease_until", "jobs", ["status", "lease_until"])
    op.create_index("ix_jobs_status_run_at", "jobs", ["organization_id", "status", "run_at"])
    op.create_index(
        "uq_jobs_queue_dedupe_key",
        "jobs",
        ["queue", "dedupe_key"],
        unique=True,
        sqlite_where=sa.text("status IN ('queued', 'running')"),
        postgresql_where=sa.text("status IN ('queued', 'running')"),
    )
    if not sqlite:
        op.drop_constraint("fk_content_pieces_generated_content_id", "content_pieces", type_="foreignkey")
    op.drop_table("weekly_summaries")
    op.drop_table("publish_attempts")
    op.drop_table("post_metric_snapshots")
    op.drop_table("scheduled_posts")
    op.drop_table("piece_assets")
    op.drop_table("generated_contents")
    op.drop_table("content_pieces")
    op.drop_table("order_flag_events")
    op.drop_table("order_flags")
    op.drop_table("webhook_events")
    op.drop_table("webhook_deliveries")
    op.drop_table("webhook_endpoints")
    op.drop_table("usage_reservations")
    op.drop_table("usage_events")
    op.drop_table("usage_counters")
    op.drop_table("ai_drafts")
    op.drop_table("ticket_messages")
    op.drop_table("tickets")
    op.drop_table("suppressions")
    op.drop_table("subscriptions")
    op.drop_table("store_settings")
    op.drop_table("store_secrets")
    op.drop_table("store_counters")
    op.drop_table("seo_insights")
    op.drop_table("purchase_order_receipts")
    op.drop_table("purchase_order_lines")
    op.drop_table("purchase_orders")
    op.drop_table("product_velocity")
    op.drop_table("kpi_cache")
    op.drop_table("connection_events")
    op.drop_table("stores")
    op.drop_table("account_metric_daily")
    op.drop_table("social_accounts")
    op.drop_table("series")
    op.drop_table("message_events")
    op.drop_table("activities")
    op.drop_table("messages")
    op.drop_table("sequence_steps")
    op.drop_table("enrollments")
    op.drop_table("outreach_campaigns")
    op.drop_table("sequences")
    op.drop_table("schedules")
    op.drop_table("saved_views")
    op.drop_table("readers")
    op.drop_table("queues")
    op.drop_table("prospect_scores")
    op.drop_table("prospects")
    op.drop_table("plans")
    op.drop_table("notifications")
    op.drop_table("imports")
    op.drop_table("import_chunks")
    op.drop_table("icps")
    op.drop_table("founders")
    op.drop_table("content_pillars")
    op.drop_table("brand_rules")
    op.drop_table("billing_events")
    op.drop_table("auth_accounts")
    op.drop_table("assets")
    op.drop_table("ai_strategies")
    op.drop_table("ai_insights")
    op.drop_table("address_keys")
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
