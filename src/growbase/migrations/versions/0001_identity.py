"""Identity."""

import sqlalchemy as sa
from alembic import op

from growbase.core import types

revision = "0001"
down_revision = None


def upgrade() -> None:
    sqlite = op.get_context().dialect.name == "sqlite"
    op.create_table(
        "changes",
        sa.Column("seq", types.Integer(), sa.Identity(), nullable=False),
        sa.Column("tx", types.Integer(), nullable=False),
        sa.Column("organization_id", types.Identifier(), nullable=True),
        sa.Column("occurred_at", types.Moment(), nullable=False),
        sa.Column("request_id", types.Text(), nullable=True),
        sa.Column("actor_type", types.Text(), nullable=False),
        sa.Column("actor_id", types.Identifier(), nullable=True),
        sa.Column("actor_label", types.Text(), nullable=False),
        sa.Column("action", types.Text(), nullable=False),
        sa.Column("entity", types.Text(), nullable=False),
        sa.Column("entity_id", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("changes", types.Document(), nullable=True),
        sa.Column("ai_model", types.Text(), nullable=True),
        sa.Column("ai_prompt_hash", types.Text(), nullable=True),
        sa.Column("ip", types.Text(), nullable=True),
        sa.Column("user_agent", types.Text(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name="pk_changes"),
        sa.CheckConstraint("length(action) <= 40", name="ck_changes_action"),
        sa.CheckConstraint("length(actor_label) <= 320", name="ck_changes_actor_label"),
        sa.CheckConstraint("actor_type IN ('user', 'api_key', 'job', 'system', 'agent')", name="ck_changes_actor_type"),
        sa.CheckConstraint("length(ai_model) <= 200", name="ck_changes_ai_model"),
        sa.CheckConstraint("length(ai_prompt_hash) <= 64", name="ck_changes_ai_prompt_hash"),
        sa.CheckConstraint("json_valid(changes)", name="ck_changes_changes").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(entity) <= 63", name="ck_changes_entity"),
        sa.CheckConstraint("length(ip) <= 45", name="ck_changes_ip"),
        sa.CheckConstraint("length(request_id) <= 200", name="ck_changes_request_id"),
        sa.CheckConstraint("length(user_agent) <= 400", name="ck_changes_user_agent"),
        sqlite_strict=True,
    )
    op.create_index("ix_changes_actor_id_tx_seq", "changes", ["organization_id", "actor_id", "tx", "seq"])
    op.create_index(
        "ix_changes_entity_entity_id_tx_seq", "changes", ["organization_id", "entity", "entity_id", "tx", "seq"]
    )
    op.create_index("ix_changes_tx_seq", "changes", ["organization_id", "tx", "seq"])
    op.create_table(
        "idempotency_keys",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("actor_id", types.Identifier(), nullable=False),
        sa.Column("key", types.Text(), nullable=False),
        sa.Column("request_hash", types.Text(), nullable=False),
        sa.Column("status", types.Integer(), nullable=True),
        sa.Column("headers", types.Document(), nullable=True),
        sa.Column("body", types.Text(), nullable=True),
        sa.Column("expires_at", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "actor_id", "key", name="pk_idempotency_keys"),
        sa.CheckConstraint("length(body) <= 16777216", name="ck_idempotency_keys_body"),
        sa.CheckConstraint("json_valid(headers)", name="ck_idempotency_keys_headers").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(key) <= 255", name="ck_idempotency_keys_key"),
        sa.CheckConstraint("length(request_hash) <= 64", name="ck_idempotency_keys_request_hash"),
        sqlite_strict=True,
    )
    op.create_index("ix_idempotency_keys_expires_at", "idempotency_keys", ["expires_at"])
    op.create_table(
        "instance_facts",
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("value", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_instance_facts"),
        sa.CheckConstraint("length(name) <= 63", name="ck_instance_facts_name"),
        sa.CheckConstraint("length(value) <= 4000", name="ck_instance_facts_value"),
        sqlite_strict=True,
    )
    op.create_table(
        "jobs",
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
    op.create_table(
        "organizations",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("slug", types.Text(), nullable=False),
        sa.Column("slug_norm", types.Text(), nullable=False),
        sa.Column("domain", types.Text(), nullable=True),
        sa.Column("domain_norm", types.Text(), nullable=True),
        sa.Column("website", types.Text(), nullable=True),
        sa.Column("industry", types.Text(), nullable=True),
        sa.Column("company_size", types.Text(), nullable=True),
        sa.Column("stage", types.Text(), nullable=True),
        sa.Column("pricing", types.Text(), nullable=True),
        sa.Column("tagline", types.Text(), nullable=True),
        sa.Column("description", types.Text(), nullable=True),
        sa.Column("category", types.Text(), nullable=True),
        sa.Column("markets", types.Document(), nullable=False),
        sa.Column("languages", types.Document(), nullable=False),
        sa.Column("billing_email", types.Text(), nullable=True),
        sa.Column("data_region", types.Text(), nullable=False),
        sa.Column("timezone", types.Text(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
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
        sa.PrimaryKeyConstraint("id", name="pk_organizations"),
        sa.CheckConstraint("length(billing_email) <= 320", name="ck_organizations_billing_email"),
        sa.CheckConstraint("length(category) <= 200", name="ck_organizations_category"),
        sa.CheckConstraint(
            "company_size IN ('startup', 'small', 'medium', 'large', 'enterprise')",
            name="ck_organizations_company_size",
        ),
        sa.CheckConstraint("data_region IN ('eu', 'us', 'ca')", name="ck_organizations_data_region"),
        sa.CheckConstraint("length(description) <= 20000", name="ck_organizations_description"),
        sa.CheckConstraint("length(domain) <= 253", name="ck_organizations_domain"),
        sa.CheckConstraint("length(industry) <= 200", name="ck_organizations_industry"),
        sa.CheckConstraint("json_valid(languages)", name="ck_organizations_languages").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("json_valid(markets)", name="ck_organizations_markets").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(name) <= 200 AND length(name) >= 1", name="ck_organizations_name"),
        sa.CheckConstraint("length(pricing) <= 2000", name="ck_organizations_pricing"),
        sa.CheckConstraint("json_valid(settings)", name="ck_organizations_settings").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(slug) <= 63 AND length(slug) >= 1", name="ck_organizations_slug"),
        sa.CheckConstraint("length(stage) <= 100", name="ck_organizations_stage"),
        sa.CheckConstraint("status IN ('active', 'suspended', 'closing', 'closed')", name="ck_organizations_status"),
        sa.CheckConstraint("length(tagline) <= 300", name="ck_organizations_tagline"),
        sa.CheckConstraint("length(timezone) <= 64", name="ck_organizations_timezone"),
        sa.CheckConstraint("version >= 1", name="ck_organizations_version"),
        sa.CheckConstraint("length(website) <= 2000", name="ck_organizations_website"),
        sqlite_strict=True,
    )
    op.create_index("ix_organizations_created_at", "organizations", ["created_at", "id"])
    op.create_index("ix_organizations_updated_at", "organizations", ["updated_at", "id"])
    op.create_index(
        "uq_organizations_domain_norm",
        "organizations",
        ["domain_norm"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_organizations_slug_norm",
        "organizations",
        ["slug_norm"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("prefix", types.Text(), nullable=False),
        sa.Column("key_hash", types.Text(), nullable=False),
        sa.Column("scopes", types.Document(), nullable=False),
        sa.Column("expires_at", types.Moment(), nullable=True),
        sa.Column("last_used_at", types.Moment(), nullable=True),
        sa.Column("revoked_at", types.Moment(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.CheckConstraint("length(key_hash) <= 64", name="ck_api_keys_key_hash"),
        sa.CheckConstraint("length(name) <= 100 AND length(name) >= 1", name="ck_api_keys_name"),
        sa.CheckConstraint("length(prefix) <= 8 AND length(prefix) >= 8", name="ck_api_keys_prefix"),
        sa.CheckConstraint("json_valid(scopes)", name="ck_api_keys_scopes").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("version >= 1", name="ck_api_keys_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_api_keys_organization_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_api_keys_created_at", "api_keys", ["organization_id", "created_at", "id"])
    op.create_index("ix_api_keys_updated_at", "api_keys", ["organization_id", "updated_at", "id"])
    op.create_index("uq_api_keys_key_hash", "api_keys", ["key_hash"], unique=True)
    op.create_index(
        "uq_api_keys_name",
        "api_keys",
        ["organization_id", "name"],
        unique=True,
        sqlite_where=sa.text("revoked_at IS NULL"),
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_index("uq_api_keys_prefix", "api_keys", ["prefix"], unique=True)
    op.create_table(
        "search_documents",
        sa.Column("rid", types.Integer(), sa.Identity(), nullable=False),
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("entity", types.Text(), nullable=False),
        sa.Column("entity_id", types.Identifier(), nullable=False),
        sa.Column("words", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("rid", name="pk_search_documents"),
        sa.CheckConstraint("length(entity) <= 63", name="ck_search_documents_entity"),
        sa.CheckConstraint("length(words) <= 4000", name="ck_search_documents_words"),
        sqlite_strict=True,
    )
    op.create_index(
        "uq_search_documents_entity_entity_id",
        "search_documents",
        ["organization_id", "entity", "entity_id"],
        unique=True,
    )
    op.create_table(
        "users",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("email", types.Text(), nullable=False),
        sa.Column("email_norm", types.Text(), nullable=False),
        sa.Column("username", types.Text(), nullable=True),
        sa.Column("username_norm", types.Text(), nullable=True),
        sa.Column("full_name", types.Text(), nullable=True),
        sa.Column("first_name", types.Text(), nullable=True),
        sa.Column("last_name", types.Text(), nullable=True),
        sa.Column("image_url", types.Text(), nullable=True),
        sa.Column("password_hash", types.Text(), nullable=True),
        sa.Column("role", types.Text(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("email_verified_at", types.Moment(), nullable=True),
        sa.Column("language", types.Text(), nullable=False),
        sa.Column("timezone", types.Text(), nullable=False),
        sa.Column("failed_login_count", types.Integer(), nullable=False),
        sa.Column("locked_until", types.Moment(), nullable=True),
        sa.Column("last_login_at", types.Moment(), nullable=True),
        sa.Column("preferences", types.Document(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.CheckConstraint("length(email) <= 320 AND length(email) >= 3", name="ck_users_email"),
        sa.CheckConstraint("failed_login_count >= 0", name="ck_users_failed_login_count"),
        sa.CheckConstraint("length(first_name) <= 100", name="ck_users_first_name"),
        sa.CheckConstraint("length(full_name) <= 200", name="ck_users_full_name"),
        sa.CheckConstraint("length(image_url) <= 2000", name="ck_users_image_url"),
        sa.CheckConstraint("length(language) <= 35 AND length(language) >= 2", name="ck_users_language"),
        sa.CheckConstraint("length(last_name) <= 100", name="ck_users_last_name"),
        sa.CheckConstraint("length(password_hash) <= 400", name="ck_users_password_hash"),
        sa.CheckConstraint("json_valid(preferences)", name="ck_users_preferences").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("role IN ('user', 'manager', 'moderator', 'admin')", name="ck_users_role"),
        sa.CheckConstraint("status IN ('invited', 'active', 'locked', 'disabled')", name="ck_users_status"),
        sa.CheckConstraint("length(timezone) <= 64", name="ck_users_timezone"),
        sa.CheckConstraint("length(username) <= 60 AND length(username) >= 3", name="ck_users_username"),
        sa.CheckConstraint("version >= 1", name="ck_users_version"),
        sqlite_strict=True,
    )
    op.create_index("ix_users_created_at", "users", ["created_at", "id"])
    op.create_index("ix_users_status", "users", ["status", "id"])
    op.create_index("ix_users_updated_at", "users", ["updated_at", "id"])
    op.create_index(
        "uq_users_email_norm",
        "users",
        ["email_norm"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_users_username_norm",
        "users",
        ["username_norm"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "memberships",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("user_id", types.Identifier(), nullable=False),
        sa.Column("role", types.Text(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("invited_by", types.Identifier(), nullable=True),
        sa.Column("joined_at", types.Moment(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_memberships"),
        sa.CheckConstraint("role IN ('viewer', 'member', 'admin', 'owner')", name="ck_memberships_role"),
        sa.CheckConstraint("status IN ('invited', 'active', 'disabled')", name="ck_memberships_status"),
        sa.CheckConstraint("version >= 1", name="ck_memberships_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_memberships_organization_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_memberships_user_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_memberships_created_at", "memberships", ["organization_id", "created_at", "id"])
    op.create_index("ix_memberships_status_role", "memberships", ["organization_id", "status", "role", "id"])
    op.create_index("ix_memberships_updated_at", "memberships", ["organization_id", "updated_at", "id"])
    op.create_index("ix_memberships_user_id_status", "memberships", ["user_id", "status"])
    op.create_index("uq_memberships_user_id", "memberships", ["organization_id", "user_id"], unique=True)
    op.create_table(
        "one_time_tokens",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("user_id", types.Identifier(), nullable=False),
        sa.Column("organization_id", types.Identifier(), nullable=True),
        sa.Column("purpose", types.Text(), nullable=False),
        sa.Column("token_hash", types.Text(), nullable=False),
        sa.Column("data", types.Document(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("expires_at", types.Moment(), nullable=False),
        sa.Column("consumed_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_one_time_tokens"),
        sa.CheckConstraint("json_valid(data)", name="ck_one_time_tokens_data").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("expires_at > created_at", name="ck_one_time_tokens_expires_after_created"),
        sa.CheckConstraint(
            "purpose IN ('verify_email', 'reset_password', 'invite')", name="ck_one_time_tokens_purpose"
        ),
        sa.CheckConstraint("length(token_hash) <= 64", name="ck_one_time_tokens_token_hash"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_one_time_tokens_user_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_one_time_tokens_expires_at", "one_time_tokens", ["expires_at"])
    op.create_index("ix_one_time_tokens_user_id", "one_time_tokens", ["user_id", "id"])
    op.create_index("uq_one_time_tokens_token_hash", "one_time_tokens", ["token_hash"], unique=True)
    op.create_table(
        "sessions",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("user_id", types.Identifier(), nullable=False),
        sa.Column("organization_id", types.Identifier(), nullable=True),
        sa.Column("token_hash", types.Text(), nullable=False),
        sa.Column("refresh_hash", types.Text(), nullable=False),
        sa.Column("family_id", types.Identifier(), nullable=False),
        sa.Column("rotated_from", types.Identifier(), nullable=True),
        sa.Column("rotated_at", types.Moment(), nullable=True),
        sa.Column("ip", types.Text(), nullable=True),
        sa.Column("user_agent", types.Text(), nullable=True),
        sa.Column("data", types.Document(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("expires_at", types.Moment(), nullable=False),
        sa.Column("last_activity_at", types.Moment(), nullable=False),
        sa.Column("revoked_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.CheckConstraint("json_valid(data)", name="ck_sessions_data").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("expires_at > created_at", name="ck_sessions_expires_after_created"),
        sa.CheckConstraint("length(ip) <= 45", name="ck_sessions_ip"),
        sa.CheckConstraint("length(refresh_hash) <= 64", name="ck_sessions_refresh_hash"),
        sa.CheckConstraint("length(token_hash) <= 64", name="ck_sessions_token_hash"),
        sa.CheckConstraint("length(user_agent) <= 400", name="ck_sessions_user_agent"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_index("ix_sessions_family_id", "sessions", ["family_id"])
    op.create_index("ix_sessions_revoked_at", "sessions", ["organization_id", "revoked_at"])
    op.create_index("ix_sessions_user_id_revoked_at_expires_at", "sessions", ["user_id", "revoked_at", "expires_at"])
    op.create_index("uq_sessions_refresh_hash", "sessions", ["refresh_hash"], unique=True)
    op.create_index("uq_sessions_token_hash", "sessions", ["token_hash"], unique=True)
    if sqlite:
        op.execute("""
CREATE VIRTUAL TABLE search_index USING fts5(
    words, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0'
)
""")
        op.execute("CREATE TABLE search_pending (rid INTEGER PRIMARY KEY) STRICT")
        op.execute("""
CREATE TRIGGER search_documents_insert AFTER INSERT ON search_documents BEGIN
    INSERT OR IGNORE INTO search_pending (rid) VALUES (new.rid);
END
""")
        op.execute("""
CREATE TRIGGER search_documents_delete AFTER DELETE ON search_documents BEGIN
    INSERT OR IGNORE INTO search_pending (rid) VALUES (old.rid);
END
""")
        op.execute("""
CREATE TRIGGER search_documents_update AFTER UPDATE ON search_documents BEGIN
    INSERT OR IGNORE INTO search_pending (rid) VALUES (new.rid);
END
""")
        op.execute("""
CREATE TRIGGER changes_refuse_update BEFORE UPDATE ON changes BEGIN
    SELECT RAISE(ABORT, 'the change log is never changed');
END
""")
        op.execute("""
CREATE TRIGGER changes_refuse_delete BEFORE DELETE ON changes
WHEN NOT EXISTS (SELECT 1 FROM instance_facts WHERE name = 'log_retention') BEGIN
    SELECT RAISE(ABORT, 'the change log is deleted by retention only');
END
""")
    if not sqlite:
        op.execute("""
CREATE FUNCTION changes_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('growbase.retention', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the change log is append-only' USING ERRCODE = 'restrict_violation';
END
$$
""")
        op.execute("""
CREATE INDEX ix_search_documents_words ON search_documents
USING gin (array_to_tsvector(string_to_array(words, ' ')))
""")
        op.execute("""
CREATE TRIGGER changes_refuse BEFORE UPDATE OR DELETE ON changes
FOR EACH ROW EXECUTE FUNCTION changes_refuse()
""")
        op.execute("""
CREATE TRIGGER changes_refuse_truncate BEFORE TRUNCATE ON changes
FOR EACH STATEMENT EXECUTE FUNCTION changes_refuse()
""")


def downgrade() -> None:
    sqlite = op.get_context().dialect.name == "sqlite"
    if sqlite:
        op.execute("DROP TRIGGER changes_refuse_delete")
        op.execute("DROP TRIGGER changes_refuse_update")
        op.execute("DROP TRIGGER search_documents_update")
        op.execute("DROP TRIGGER search_documents_delete")
        op.execute("DROP TRIGGER search_documents_insert")
        op.execute("DROP TABLE search_pending")
        op.execute("DROP TABLE search_index")
    if not sqlite:
        op.execute("DROP TRIGGER changes_refuse_truncate ON changes")
        op.execute("DROP TRIGGER changes_refuse ON changes")
        op.execute("DROP INDEX ix_search_documents_words")
        op.execute("DROP FUNCTION changes_refuse()")
    op.drop_table("sessions")
    op.drop_table("one_time_tokens")
    op.drop_table("memberships")
    op.drop_table("users")
    op.drop_table("search_documents")
    op.drop_table("api_keys")
    op.drop_table("organizations")
    op.drop_table("jobs")
    op.drop_table("instance_facts")
    op.drop_table("idempotency_keys")
    op.drop_table("changes")
