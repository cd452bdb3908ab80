"""Operations: seals, alerts, backups, drills, processes, connections of accounts, mailed replies and what goes with them."""

import sqlalchemy as sa
from alembic import op

from growbase.core import types

revision = "0004"
down_revision = "0003"
# What it fills in itself, the version before does not: 0.1.0 is the first release.
contracts = True
safe_from = "0.1.0"


def upgrade() -> None:
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
    op.create_table(
        "alert_notices",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("alert", types.Text(), nullable=False),
        sa.Column("state", types.Text(), nullable=False),
        sa.Column("message", types.Text(), nullable=False),
        sa.Column("way", types.Text(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("error", types.Text(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alert_notices"),
        sa.CheckConstraint("length(alert) <= 300", name="ck_alert_notices_alert"),
        sa.CheckConstraint("length(error) <= 500", name="ck_alert_notices_error"),
        sa.CheckConstraint("length(message) <= 2000", name="ck_alert_notices_message"),
        sa.CheckConstraint("state IN ('raised', 'resolved')", name="ck_alert_notices_state"),
        sa.CheckConstraint("status IN ('queued', 'sending', 'sent', 'failed')", name="ck_alert_notices_status"),
        sa.CheckConstraint("length(way) <= 10", name="ck_alert_notices_way"),
        sqlite_strict=True,
    )
    op.create_index("ix_alert_notices_created_at", "alert_notices", ["created_at"])
    op.create_table(
        "alerts",
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("state", types.Text(), nullable=False),
        sa.Column("message", types.Text(), nullable=False),
        sa.Column("since", types.Moment(), nullable=False),
        sa.Column("told_at", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_alerts"),
        sa.CheckConstraint("length(message) <= 2000", name="ck_alerts_message"),
        sa.CheckConstraint("length(name) <= 300", name="ck_alerts_name"),
        sa.CheckConstraint("state IN ('raised', 'resolved')", name="ck_alerts_state"),
        sqlite_strict=True,
    )
    op.create_index("ix_alerts_state_name", "alerts", ["state", "name"])
    op.create_table(
        "backups",
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("started_at", types.Moment(), nullable=False),
        sa.Column("finished_at", types.Moment(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("error", types.Text(), nullable=True),
        sa.Column("size_bytes", types.Integer(), nullable=True),
        sa.Column("row_count", types.Integer(), nullable=True),
        sa.Column("file_count", types.Integer(), nullable=True),
        sa.Column("key_id", types.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_backups"),
        sa.CheckConstraint("length(error) <= 2000", name="ck_backups_error"),
        sa.CheckConstraint("length(id) <= 63", name="ck_backups_id"),
        sa.CheckConstraint("length(key_id) <= 32", name="ck_backups_key_id"),
        sa.CheckConstraint("length(status) <= 20", name="ck_backups_status"),
        sqlite_strict=True,
    )
    op.create_index("ix_backups_finished_at", "backups", ["finished_at"])
    op.create_table(
        "doctor_reports",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("finished_at", types.Moment(), nullable=False),
        sa.Column("errors", types.Integer(), nullable=False),
        sa.Column("warnings", types.Integer(), nullable=False),
        sa.Column("findings", types.Document(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_doctor_reports"),
        sa.CheckConstraint("errors >= 0", name="ck_doctor_reports_errors"),
        sa.CheckConstraint("json_valid(findings)", name="ck_doctor_reports_findings").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("warnings >= 0", name="ck_doctor_reports_warnings"),
        sqlite_strict=True,
    )
    op.create_index("ix_doctor_reports_finished_at", "doctor_reports", ["finished_at"])
    op.create_table(
        "drills",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("started_at", types.Moment(), nullable=False),
        sa.Column("finished_at", types.Moment(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("error", types.Text(), nullable=True),
        sa.Column("backup_id", types.Text(), nullable=True),
        sa.Column("recovery_point_ms", types.Integer(), nullable=True),
        sa.Column("recovery_time_ms", types.Integer(), nullable=True),
        sa.Column("row_count", types.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_drills"),
        sa.CheckConstraint("length(backup_id) <= 63", name="ck_drills_backup_id"),
        sa.CheckConstraint("length(error) <= 2000", name="ck_drills_error"),
        sa.CheckConstraint("length(status) <= 20", name="ck_drills_status"),
        sqlite_strict=True,
    )
    op.create_index("ix_drills_finished_at", "drills", ["finished_at"])
    op.create_table(
        "erasures",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("organization_id", types.Identifier(), nullable=True),
        sa.Column("address_hash", types.Text(), nullable=False),
        sa.Column("key_id", types.Text(), nullable=False),
        sa.Column("subjects", types.Document(), nullable=False),
        sa.Column("counts", types.Document(), nullable=False),
        sa.Column("erased_by", types.Text(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("finished_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
        sa.CheckConstraint("length(address_hash) <= 64", name="ck_erasures_address_hash"),
        sa.CheckConstraint("json_valid(counts)", name="ck_erasures_counts").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(erased_by) <= 320", name="ck_erasures_erased_by"),
        sa.CheckConstraint("length(key_id) <= 32", name="ck_erasures_key_id"),
        sa.CheckConstraint("json_valid(subjects)", name="ck_erasures_subjects").ddl_if(dialect="sqlite"),
        sqlite_strict=True,
    )
    op.create_index("ix_erasures_created_at", "erasures", ["created_at"])
    op.create_table(
        "legal_holds",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("entity", types.Text(), nullable=True),
        sa.Column("entity_id", types.Identifier(), nullable=True),
        sa.Column("reason", types.Text(), nullable=False),
        sa.Column("released_at", types.Moment(), nullable=True),
        sa.Column("released_by", types.Identifier(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_legal_holds"),
        sa.CheckConstraint("length(entity) <= 63", name="ck_legal_holds_entity"),
        sa.CheckConstraint("(entity IS NULL) = (entity_id IS NULL)", name="ck_legal_holds_entity_and_id"),
        sa.CheckConstraint("length(reason) <= 500 AND length(reason) >= 1", name="ck_legal_holds_reason"),
        sa.CheckConstraint("version >= 1", name="ck_legal_holds_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_legal_holds_organization_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_legal_holds_created_at", "legal_holds", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_legal_holds_entity_entity_id",
        "legal_holds",
        ["organization_id", "entity", "entity_id"],
        sqlite_where=sa.text("released_at IS NULL"),
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.create_index("ix_legal_holds_updated_at", "legal_holds", ["organization_id", "updated_at", "id"])
    op.create_table(
        "platform_apps",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("platform", types.Text(), nullable=False),
        sa.Column("instance_url", types.Text(), nullable=False),
        sa.Column("redirect_uri", types.Text(), nullable=False),
        sa.Column("client_id", types.Text(), nullable=False),
        sa.Column("client_secret_cipher", types.Sealed(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_platform_apps"),
        sa.CheckConstraint("length(client_id) <= 2000", name="ck_platform_apps_client_id"),
        sa.CheckConstraint("length(instance_url) <= 2000", name="ck_platform_apps_instance_url"),
        sa.CheckConstraint("length(platform) <= 63", name="ck_platform_apps_platform"),
        sa.CheckConstraint("length(redirect_uri) <= 2000", name="ck_platform_apps_redirect_uri"),
        sa.CheckConstraint("version >= 1", name="ck_platform_apps_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_platform_apps_organization_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_platform_apps_created_at", "platform_apps", ["organization_id", "created_at", "id"])
    op.create_index("ix_platform_apps_updated_at", "platform_apps", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_platform_apps_platform_instance_url_redirect_uri",
        "platform_apps",
        ["organization_id", "platform", "instance_url", "redirect_uri"],
        unique=True,
    )
    op.create_table(
        "connection_attempts",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("actor_id", types.Identifier(), nullable=False),
        sa.Column("platform", types.Text(), nullable=False),
        sa.Column("app_id", types.Identifier(), nullable=False),
        sa.Column("founder_id", types.Identifier(), nullable=True),
        sa.Column("verifier_cipher", types.Sealed(), nullable=False),
        sa.Column("expires_at", types.Moment(), nullable=False),
        sa.Column("used_at", types.Moment(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_connection_attempts"),
        sa.CheckConstraint("length(platform) <= 63", name="ck_connection_attempts_platform"),
        sa.CheckConstraint("version >= 1", name="ck_connection_attempts_version"),
        sa.ForeignKeyConstraint(
            ["organization_id", "app_id"],
            ["platform_apps.organization_id", "platform_apps.id"],
            name="fk_connection_attempts_app_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "founder_id"],
            ["founders.organization_id", "founders.id"],
            name="fk_connection_attempts_founder_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_connection_attempts_organization_id"
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_connection_attempts_app_id", "connection_attempts", ["organization_id", "app_id", "id"])
    op.create_index("ix_connection_attempts_created_at", "connection_attempts", ["organization_id", "created_at", "id"])
    op.create_index("ix_connection_attempts_expires_at", "connection_attempts", ["expires_at"])
    op.create_index(
        "ix_connection_attempts_founder_id",
        "connection_attempts",
        ["organization_id", "founder_id", "id"],
        sqlite_where=sa.text("founder_id IS NOT NULL"),
        postgresql_where=sa.text("founder_id IS NOT NULL"),
    )
    op.create_index("ix_connection_attempts_updated_at", "connection_attempts", ["organization_id", "updated_at", "id"])
    op.create_table(
        "processes",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("kind", types.Text(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("version", types.Text(), nullable=False),
        sa.Column("started_at", types.Moment(), nullable=False),
        sa.Column("seen_at", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_processes"),
        sa.CheckConstraint("kind IN ('server', 'worker')", name="ck_processes_kind"),
        sa.CheckConstraint("length(name) <= 200", name="ck_processes_name"),
        sa.CheckConstraint("length(version) <= 40", name="ck_processes_version"),
        sqlite_strict=True,
    )
    op.create_table(
        "region_arrivals",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("number", types.Integer(), nullable=False),
        sa.Column("body", types.Text(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "name", "number", name="pk_region_arrivals"),
        sa.CheckConstraint("length(body) <= 67108864", name="ck_region_arrivals_body"),
        sa.CheckConstraint("length(name) <= 200", name="ck_region_arrivals_name"),
        sqlite_strict=True,
    )
    op.create_table(
        "region_directory",
        sa.Column("hash", types.Text(), nullable=False),
        sa.Column("region", types.Text(), nullable=False),
        sa.Column("is_there", types.Boolean(), nullable=False),
        sa.Column("number", types.Integer(), nullable=False),
        sa.Column("subject_id", types.Identifier(), nullable=True),
        sa.PrimaryKeyConstraint("hash", "region", name="pk_region_directory"),
        sa.CheckConstraint("length(hash) <= 64", name="ck_region_directory_hash"),
        sa.CheckConstraint("is_there IN (0, 1)", name="ck_region_directory_is_there").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(region) <= 16", name="ck_region_directory_region"),
        sqlite_strict=True,
    )
    op.create_index("ix_region_directory_region_number", "region_directory", ["region", "number"])
    op.create_index(
        "ix_region_directory_subject_id",
        "region_directory",
        ["subject_id"],
        sqlite_where=sa.text("subject_id IS NOT NULL"),
        postgresql_where=sa.text("subject_id IS NOT NULL"),
    )
    op.create_table(
        "retention_runs",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("token", types.Identifier(), nullable=False),
        sa.Column("started_at", types.Moment(), nullable=False),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("finished_at", types.Moment(), nullable=True),
        sa.Column("rows", types.Integer(), nullable=False),
        sa.Column("held", types.Integer(), nullable=False),
        sa.Column("rules", types.Document(), nullable=False),
        sa.Column("error", types.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_retention_runs"),
        sa.CheckConstraint("length(error) <= 2000", name="ck_retention_runs_error"),
        sa.CheckConstraint("json_valid(rules)", name="ck_retention_runs_rules").ddl_if(dialect="sqlite"),
        sqlite_strict=True,
    )
    op.create_index("ix_retention_runs_started_at", "retention_runs", ["started_at"])
    op.create_table(
        "seal_keys",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("key_cipher", types.Sealed(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_seal_keys"),
        sa.CheckConstraint("version >= 1", name="ck_seal_keys_version"),
        sqlite_strict=True,
    )
    op.create_index("ix_seal_keys_created_at", "seal_keys", ["created_at", "id"])
    op.create_index("ix_seal_keys_updated_at", "seal_keys", ["updated_at", "id"])
    op.create_table(
        "seals",
        sa.Column("number", types.Integer(), nullable=False, autoincrement=False),
        sa.Column("kind", types.Text(), nullable=False),
        sa.Column("from_tx", types.Integer(), nullable=False),
        sa.Column("from_seq", types.Integer(), nullable=False),
        sa.Column("to_tx", types.Integer(), nullable=False),
        sa.Column("to_seq", types.Integer(), nullable=False),
        sa.Column("row_count", types.Integer(), nullable=False),
        sa.Column("row_hashes", types.Text(), nullable=False),
        sa.Column("previous", types.Text(), nullable=False),
        sa.Column("digest", types.Text(), nullable=False),
        sa.Column("key_id", types.Identifier(), nullable=False),
        sa.Column("sealed_at", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_seals"),
        sa.CheckConstraint("length(digest) <= 64", name="ck_seals_digest"),
        sa.CheckConstraint("kind IN ('span', 'anchor')", name="ck_seals_kind"),
        sa.CheckConstraint("length(previous) <= 64", name="ck_seals_previous"),
        sa.CheckConstraint("row_count >= 0", name="ck_seals_row_count"),
        sa.CheckConstraint("length(row_hashes) <= 100000", name="ck_seals_row_hashes"),
        sqlite_strict=True,
    )
    op.create_table(
        "subject_keys",
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("key_cipher", types.Sealed(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_subject_keys"),
        sqlite_strict=True,
    )
    op.create_table(
        "token_renewals",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("social_account_id", types.Identifier(), nullable=False),
        sa.Column("lease_until", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_token_renewals"),
        sa.ForeignKeyConstraint(
            ["organization_id", "social_account_id"],
            ["social_accounts.organization_id", "social_accounts.id"],
            name="fk_token_renewals_social_account_id",
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "uq_token_renewals_social_account_id", "token_renewals", ["organization_id", "social_account_id"], unique=True
    )
    op.create_table(
        "token_revocations",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("platform", types.Text(), nullable=False),
        sa.Column("provider_account_id", types.Text(), nullable=False),
        sa.Column("handle", types.Text(), nullable=False),
        sa.Column("instance_url", types.Text(), nullable=True),
        sa.Column("app_id", types.Identifier(), nullable=True),
        sa.Column("access_token_cipher", types.Sealed(), nullable=False),
        sa.Column("refresh_token_cipher", types.Sealed(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_token_revocations"),
        sa.CheckConstraint("length(handle) <= 300", name="ck_token_revocations_handle"),
        sa.CheckConstraint("length(instance_url) <= 2000", name="ck_token_revocations_instance_url"),
        sa.CheckConstraint("length(platform) <= 63", name="ck_token_revocations_platform"),
        sa.CheckConstraint("length(provider_account_id) <= 300", name="ck_token_revocations_provider_account_id"),
        sa.CheckConstraint("version >= 1", name="ck_token_revocations_version"),
        sa.ForeignKeyConstraint(
            ["organization_id", "app_id"],
            ["platform_apps.organization_id", "platform_apps.id"],
            name="fk_token_revocations_app_id",
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_token_revocations_organization_id"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_token_revocations_app_id",
        "token_revocations",
        ["organization_id", "app_id", "id"],
        sqlite_where=sa.text("app_id IS NOT NULL"),
        postgresql_where=sa.text("app_id IS NOT NULL"),
    )
    op.create_index("ix_token_revocations_created_at", "token_revocations", ["organization_id", "created_at", "id"])
    op.create_index("ix_token_revocations_updated_at", "token_revocations", ["organization_id", "updated_at", "id"])
    table = sa.Table(
        "messages",
        sa.MetaData(),
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
        sa.Index("ix_messages_created_at", "organization_id", "created_at", "id"),
        sa.Index(
            "ix_messages_created_by",
            "organization_id",
            "created_by",
            sqlite_where=sa.text("outreach_campaign_id IS NULL"),
            postgresql_where=sa.text("outreach_campaign_id IS NULL"),
        ),
        sa.Index(
            "ix_messages_in_reply_to_id",
            "organization_id",
            "in_reply_to_id",
            "id",
            sqlite_where=sa.text("in_reply_to_id IS NOT NULL"),
            postgresql_where=sa.text("in_reply_to_id IS NOT NULL"),
        ),
        sa.Index("ix_messages_outreach_campaign_id_status", "organization_id", "outreach_campaign_id", "status"),
        sa.Index("ix_messages_prospect_id_created_at", "organization_id", "prospect_id", "created_at"),
        sa.Index("ix_messages_sent_at", "organization_id", "sent_at", "id"),
        sa.Index(
            "ix_messages_sequence_step_id",
            "organization_id",
            "sequence_step_id",
            "id",
            sqlite_where=sa.text("sequence_step_id IS NOT NULL"),
            postgresql_where=sa.text("sequence_step_id IS NOT NULL"),
        ),
        sa.Index("ix_messages_status_send_at", "status", "send_at"),
        sa.Index("ix_messages_updated_at", "organization_id", "updated_at", "id"),
        sa.Index(
            "uq_messages_enrollment_id_step_key",
            "organization_id",
            "enrollment_id",
            "step_key",
            unique=True,
            sqlite_where=sa.text("enrollment_id IS NOT NULL"),
            postgresql_where=sa.text("enrollment_id IS NOT NULL"),
        ),
        sa.Index(
            "uq_messages_provider_provider_message_id",
            "organization_id",
            "provider",
            "provider_message_id",
            unique=True,
            sqlite_where=sa.text("provider_message_id IS NOT NULL"),
            postgresql_where=sa.text("provider_message_id IS NOT NULL"),
        ),
        sqlite_strict=True,
    )
    with op.batch_alter_table("messages", copy_from=table) as batch:
        batch.drop_constraint("ck_messages_status", type_="check")
        batch.create_check_constraint(
            "ck_messages_status",
            "status IN ('draft', 'scheduled', 'queued', 'claimed', 'dispatching', 'sent', 'delivered', 'bounced', 'failed', 'unconfirmed', 'suppressed', 'cancelled')",
        )
    op.create_index(
        "ix_notifications_read_at",
        "notifications",
        ["read_at"],
        sqlite_where=sa.text("read_at IS NOT NULL"),
        postgresql_where=sa.text("read_at IS NOT NULL"),
    )
    op.add_column("social_accounts", sa.Column("founder_id", types.Identifier(), nullable=True))
    op.add_column("social_accounts", sa.Column("app_id", types.Identifier(), nullable=True))
    table = sa.Table(
        "social_accounts",
        sa.MetaData(),
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
        sa.Column("founder_id", types.Identifier(), nullable=True),
        sa.Column("app_id", types.Identifier(), nullable=True),
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
        sa.Index("ix_social_accounts_created_at", "organization_id", "created_at", "id"),
        sa.Index(
            "ix_social_accounts_deleted_at",
            "organization_id",
            "deleted_at",
            "id",
            sqlite_where=sa.text("deleted_at IS NOT NULL"),
            postgresql_where=sa.text("deleted_at IS NOT NULL"),
        ),
        sa.Index(
            "ix_social_accounts_deletion_id",
            "organization_id",
            "deletion_id",
            sqlite_where=sa.text("deletion_id IS NOT NULL"),
            postgresql_where=sa.text("deletion_id IS NOT NULL"),
        ),
        sa.Index("ix_social_accounts_handle", "organization_id", "handle"),
        sa.Index("ix_social_accounts_status_token_expires_at", "status", "token_expires_at"),
        sa.Index("ix_social_accounts_updated_at", "organization_id", "updated_at", "id"),
        sa.Index(
            "uq_social_accounts_platform_provider_account_id",
            "organization_id",
            "platform",
            "provider_account_id",
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        ),
        sqlite_strict=True,
    )
    with op.batch_alter_table("social_accounts", copy_from=table) as batch:
        batch.create_foreign_key(
            "fk_social_accounts_app_id", "platform_apps", ["organization_id", "app_id"], ["organization_id", "id"]
        )
        batch.create_foreign_key(
            "fk_social_accounts_founder_id", "founders", ["organization_id", "founder_id"], ["organization_id", "id"]
        )
    op.create_index(
        "ix_social_accounts_app_id",
        "social_accounts",
        ["organization_id", "app_id", "id"],
        sqlite_where=sa.text("app_id IS NOT NULL"),
        postgresql_where=sa.text("app_id IS NOT NULL"),
    )
    op.create_index(
        "ix_social_accounts_founder_id",
        "social_accounts",
        ["organization_id", "founder_id", "id"],
        sqlite_where=sa.text("founder_id IS NOT NULL"),
        postgresql_where=sa.text("founder_id IS NOT NULL"),
    )
    op.add_column("store_settings", sa.Column("support_email", types.Text(), nullable=True))
    table = sa.Table(
        "store_settings",
        sa.MetaData(),
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
        sa.Column("support_email", types.Text(), nullable=True),
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
        sa.Index("ix_store_settings_created_at", "organization_id", "created_at", "id"),
        sa.Index("ix_store_settings_updated_at", "organization_id", "updated_at", "id"),
        sa.Index("uq_store_settings_store_id", "organization_id", "store_id", unique=True),
        sqlite_strict=True,
    )
    with op.batch_alter_table("store_settings", copy_from=table) as batch:
        batch.create_check_constraint(
            "ck_store_settings_support_email", "length(support_email) <= 320 AND length(support_email) >= 3"
        )
    op.add_column("ticket_messages", sa.Column("next_attempt_at", types.Moment(), nullable=True))
    op.add_column("ticket_messages", sa.Column("attempts", types.Integer(), nullable=True))
    op.execute("UPDATE ticket_messages SET attempts = 0")
    op.add_column("ticket_messages", sa.Column("last_error", types.Document(), nullable=True))
    op.add_column("ticket_messages", sa.Column("claim_token", types.Identifier(), nullable=True))
    op.add_column("ticket_messages", sa.Column("claimed_until", types.Moment(), nullable=True))
    table = sa.Table(
        "ticket_messages",
        sa.MetaData(),
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
        sa.Column("next_attempt_at", types.Moment(), nullable=True),
        sa.Column("attempts", types.Integer(), nullable=True),
        sa.Column("last_error", types.Document(), nullable=True),
        sa.Column("claim_token", types.Identifier(), nullable=True),
        sa.Column("claimed_until", types.Moment(), nullable=True),
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
        sa.Index("ix_ticket_messages_created_at", "organization_id", "created_at", "id"),
        sa.Index("ix_ticket_messages_store_id", "organization_id", "store_id", "id"),
        sa.Index("ix_ticket_messages_ticket_id_created_at", "organization_id", "ticket_id", "created_at", "id"),
        sa.Index("ix_ticket_messages_updated_at", "organization_id", "updated_at", "id"),
        sa.Index(
            "uq_ticket_messages_store_id_external_id",
            "organization_id",
            "store_id",
            "external_id",
            unique=True,
            sqlite_where=sa.text("external_id IS NOT NULL"),
            postgresql_where=sa.text("external_id IS NOT NULL"),
        ),
        sqlite_strict=True,
    )
    with op.batch_alter_table("ticket_messages", copy_from=table) as batch:
        batch.drop_constraint("ck_ticket_messages_delivery", type_="check")
        batch.alter_column("attempts", existing_type=types.Integer(), nullable=False)
        batch.create_check_constraint("ck_ticket_messages_attempts", "attempts >= 0")
        batch.create_check_constraint(
            "ck_ticket_messages_delivery",
            "delivery IN ('none', 'queued', 'claimed', 'dispatching', 'sent', 'delivered', 'failed', 'unconfirmed')",
        )
        if sqlite:
            batch.create_check_constraint("ck_ticket_messages_last_error", "json_valid(last_error)")
    op.create_index(
        "ix_ticket_messages_claimed_until",
        "ticket_messages",
        ["claimed_until"],
        sqlite_where=sa.text("claimed_until IS NOT NULL"),
        postgresql_where=sa.text("claimed_until IS NOT NULL"),
    )
    op.create_index(
        "ix_ticket_messages_delivery_next_attempt_at",
        "ticket_messages",
        ["delivery", "next_attempt_at"],
        sqlite_where=sa.text("next_attempt_at IS NOT NULL"),
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
    table = sa.Table(
        "usage_events",
        sa.MetaData(),
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
        sa.Index("ix_usage_events_counter_id", "organization_id", "counter_id", "id"),
        sa.Index(
            "ix_usage_events_subject_id",
            "subject_id",
            sqlite_where=sa.text("subject_id IS NOT NULL"),
            postgresql_where=sa.text("subject_id IS NOT NULL"),
        ),
        sqlite_strict=True,
    )
    with op.batch_alter_table("usage_events", copy_from=table) as batch:
        batch.drop_constraint("ck_usage_events_kind", type_="check")
        batch.create_check_constraint(
            "ck_usage_events_kind", "kind IN ('opened', 'consumed', 'given_back', 'committed', 'repaired', 'rolled_up')"
        )
    if sqlite:
        op.execute("""
CREATE TRIGGER seals_refuse_update BEFORE UPDATE ON seals BEGIN
    SELECT RAISE(ABORT, 'seals are never changed');
END
""")
        op.execute("""
CREATE TRIGGER seals_refuse_delete BEFORE DELETE ON seals
WHEN NOT EXISTS (SELECT 1 FROM instance_facts WHERE name = 'log_retention') BEGIN
    SELECT RAISE(ABORT, 'seals are deleted by retention only');
END
""")
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
CREATE TRIGGER seals_refuse BEFORE UPDATE OR DELETE ON seals
FOR EACH ROW EXECUTE FUNCTION changes_refuse()
""")
        op.execute("""
CREATE TRIGGER seals_refuse_truncate BEFORE TRUNCATE ON seals
FOR EACH STATEMENT EXECUTE FUNCTION changes_refuse()
""")
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
        op.execute("DROP TRIGGER seals_refuse_delete")
        op.execute("DROP TRIGGER seals_refuse_update")
    if not sqlite:
        op.execute("DROP VIEW user_activity_summary")
        op.execute("DROP VIEW series_progress")
        op.execute("DROP VIEW content_performance")
        op.execute("DROP VIEW campaign_summary")
        op.execute("DROP TRIGGER seals_refuse_truncate ON seals")
        op.execute("DROP TRIGGER seals_refuse ON seals")
    table = sa.Table(
        "messages",
        sa.MetaData(),
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
            "status IN ('draft', 'scheduled', 'queued', 'claimed', 'dispatching', 'sent', 'delivered', 'bounced', 'failed', 'unconfirmed', 'suppressed', 'cancelled')",
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
        sa.Index("ix_messages_created_at", "organization_id", "created_at", "id"),
        sa.Index(
            "ix_messages_created_by",
            "organization_id",
            "created_by",
            sqlite_where=sa.text("outreach_campaign_id IS NULL"),
            postgresql_where=sa.text("outreach_campaign_id IS NULL"),
        ),
        sa.Index(
            "ix_messages_in_reply_to_id",
            "organization_id",
            "in_reply_to_id",
            "id",
            sqlite_where=sa.text("in_reply_to_id IS NOT NULL"),
            postgresql_where=sa.text("in_reply_to_id IS NOT NULL"),
        ),
        sa.Index("ix_messages_outreach_campaign_id_status", "organization_id", "outreach_campaign_id", "status"),
        sa.Index("ix_messages_prospect_id_created_at", "organization_id", "prospect_id", "created_at"),
        sa.Index("ix_messages_sent_at", "organization_id", "sent_at", "id"),
        sa.Index(
            "ix_messages_sequence_step_id",
            "organization_id",
            "sequence_step_id",
            "id",
            sqlite_where=sa.text("sequence_step_id IS NOT NULL"),
            postgresql_where=sa.text("sequence_step_id IS NOT NULL"),
        ),
        sa.Index("ix_messages_status_send_at", "status", "send_at"),
        sa.Index("ix_messages_updated_at", "organization_id", "updated_at", "id"),
        sa.Index(
            "uq_messages_enrollment_id_step_key",
            "organization_id",
            "enrollment_id",
            "step_key",
            unique=True,
            sqlite_where=sa.text("enrollment_id IS NOT NULL"),
            postgresql_where=sa.text("enrollment_id IS NOT NULL"),
        ),
        sa.Index(
            "uq_messages_provider_provider_message_id",
            "organization_id",
            "provider",
            "provider_message_id",
            unique=True,
            sqlite_where=sa.text("provider_message_id IS NOT NULL"),
            postgresql_where=sa.text("provider_message_id IS NOT NULL"),
        ),
        sqlite_strict=True,
    )
    with op.batch_alter_table("messages", copy_from=table) as batch:
        batch.drop_constraint("ck_messages_status", type_="check")
        batch.create_check_constraint(
            "ck_messages_status",
            "status IN ('draft', 'scheduled', 'queued', 'dispatching', 'sent', 'delivered', 'bounced', 'failed', 'unconfirmed', 'suppressed', 'cancelled')",
        )
    op.drop_index("ix_notifications_read_at", table_name="notifications")
    op.drop_index("ix_social_accounts_app_id", table_name="social_accounts")
    op.drop_index("ix_social_accounts_founder_id", table_name="social_accounts")
    table = sa.Table(
        "social_accounts",
        sa.MetaData(),
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
        sa.Column("founder_id", types.Identifier(), nullable=True),
        sa.Column("app_id", types.Identifier(), nullable=True),
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
        sa.ForeignKeyConstraint(
            ["organization_id", "app_id"],
            ["platform_apps.organization_id", "platform_apps.id"],
            name="fk_social_accounts_app_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "founder_id"],
            ["founders.organization_id", "founders.id"],
            name="fk_social_accounts_founder_id",
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_social_accounts_organization_id"),
        sa.Index("ix_social_accounts_created_at", "organization_id", "created_at", "id"),
        sa.Index(
            "ix_social_accounts_deleted_at",
            "organization_id",
            "deleted_at",
            "id",
            sqlite_where=sa.text("deleted_at IS NOT NULL"),
            postgresql_where=sa.text("deleted_at IS NOT NULL"),
        ),
        sa.Index(
            "ix_social_accounts_deletion_id",
            "organization_id",
            "deletion_id",
            sqlite_where=sa.text("deletion_id IS NOT NULL"),
            postgresql_where=sa.text("deletion_id IS NOT NULL"),
        ),
        sa.Index("ix_social_accounts_handle", "organization_id", "handle"),
        sa.Index("ix_social_accounts_status_token_expires_at", "status", "token_expires_at"),
        sa.Index("ix_social_accounts_updated_at", "organization_id", "updated_at", "id"),
        sa.Index(
            "uq_social_accounts_platform_provider_account_id",
            "organization_id",
            "platform",
            "provider_account_id",
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        ),
        sqlite_strict=True,
    )
    with op.batch_alter_table("social_accounts", copy_from=table) as batch:
        batch.drop_constraint("fk_social_accounts_app_id", type_="foreignkey")
        batch.drop_constraint("fk_social_accounts_founder_id", type_="foreignkey")
        batch.drop_column("founder_id")
        batch.drop_column("app_id")
    table = sa.Table(
        "store_settings",
        sa.MetaData(),
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("store_id", types.Identifier(), nullable=False),
        sa.Column("thresholds", types.Document(), nullable=False),
        sa.Column("feature_flags", types.Document(), nullable=False),
        sa.Column("connection_metadata", types.Document(), nullable=False),
        sa.Column("support_email", types.Text(), nullable=True),
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
        sa.CheckConstraint(
            "length(support_email) <= 320 AND length(support_email) >= 3", name="ck_store_settings_support_email"
        ),
        sa.CheckConstraint("json_valid(thresholds)", name="ck_store_settings_thresholds").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("version >= 1", name="ck_store_settings_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_store_settings_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "store_id"], ["stores.organization_id", "stores.id"], name="fk_store_settings_store_id"
        ),
        sa.Index("ix_store_settings_created_at", "organization_id", "created_at", "id"),
        sa.Index("ix_store_settings_updated_at", "organization_id", "updated_at", "id"),
        sa.Index("uq_store_settings_store_id", "organization_id", "store_id", unique=True),
        sqlite_strict=True,
    )
    with op.batch_alter_table("store_settings", copy_from=table) as batch:
        batch.drop_constraint("ck_store_settings_support_email", type_="check")
        batch.drop_column("support_email")
    op.drop_index("ix_ticket_messages_claimed_until", table_name="ticket_messages")
    op.drop_index("ix_ticket_messages_delivery_next_attempt_at", table_name="ticket_messages")
    table = sa.Table(
        "ticket_messages",
        sa.MetaData(),
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
        sa.Column("next_attempt_at", types.Moment(), nullable=True),
        sa.Column("attempts", types.Integer(), nullable=False),
        sa.Column("last_error", types.Document(), nullable=True),
        sa.Column("claim_token", types.Identifier(), nullable=True),
        sa.Column("claimed_until", types.Moment(), nullable=True),
        sa.Column("metadata", types.Document(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_ticket_messages"),
        sa.CheckConstraint("attempts >= 0", name="ck_ticket_messages_attempts"),
        sa.CheckConstraint("length(author_label) <= 320", name="ck_ticket_messages_author_label"),
        sa.CheckConstraint(
            "author_type IN ('customer', 'staff', 'automation', 'ai')", name="ck_ticket_messages_author_type"
        ),
        sa.CheckConstraint("length(body_plain) <= 100000", name="ck_ticket_messages_body_plain"),
        sa.CheckConstraint(
            "length(body_rich) <= 100000 AND length(body_rich) >= 1", name="ck_ticket_messages_body_rich"
        ),
        sa.CheckConstraint(
            "delivery IN ('none', 'queued', 'claimed', 'dispatching', 'sent', 'delivered', 'failed', 'unconfirmed')",
            name="ck_ticket_messages_delivery",
        ),
        sa.CheckConstraint("NOT (is_draft AND sent_at IS NOT NULL)", name="ck_ticket_messages_draft_unsent"),
        sa.CheckConstraint("length(external_id) <= 300", name="ck_ticket_messages_external_id"),
        sa.CheckConstraint("length(in_reply_to) <= 300", name="ck_ticket_messages_in_reply_to"),
        sa.CheckConstraint("is_draft IN (0, 1)", name="ck_ticket_messages_is_draft").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("is_internal_note IN (0, 1)", name="ck_ticket_messages_is_internal_note").ddl_if(
            dialect="sqlite"
        ),
        sa.CheckConstraint("json_valid(last_error)", name="ck_ticket_messages_last_error").ddl_if(dialect="sqlite"),
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
        sa.Index("ix_ticket_messages_created_at", "organization_id", "created_at", "id"),
        sa.Index("ix_ticket_messages_store_id", "organization_id", "store_id", "id"),
        sa.Index("ix_ticket_messages_ticket_id_created_at", "organization_id", "ticket_id", "created_at", "id"),
        sa.Index("ix_ticket_messages_updated_at", "organization_id", "updated_at", "id"),
        sa.Index(
            "uq_ticket_messages_store_id_external_id",
            "organization_id",
            "store_id",
            "external_id",
            unique=True,
            sqlite_where=sa.text("external_id IS NOT NULL"),
            postgresql_where=sa.text("external_id IS NOT NULL"),
        ),
        sqlite_strict=True,
    )
    with op.batch_alter_table("ticket_messages", copy_from=table) as batch:
        batch.drop_constraint("ck_ticket_messages_attempts", type_="check")
        batch.drop_constraint("ck_ticket_messages_delivery", type_="check")
        if sqlite:
            batch.drop_constraint("ck_ticket_messages_last_error", type_="check")
        batch.drop_column("next_attempt_at")
        batch.drop_column("attempts")
        batch.drop_column("last_error")
        batch.drop_column("claim_token")
        batch.drop_column("claimed_until")
        batch.create_check_constraint(
            "ck_ticket_messages_delivery",
            "delivery IN ('none', 'queued', 'dispatching', 'sent', 'delivered', 'failed', 'unconfirmed')",
        )
    table = sa.Table(
        "usage_events",
        sa.MetaData(),
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
            "kind IN ('opened', 'consumed', 'given_back', 'committed', 'repaired', 'rolled_up')",
            name="ck_usage_events_kind",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "counter_id"],
            ["usage_counters.organization_id", "usage_counters.id"],
            name="fk_usage_events_counter_id",
        ),
        sa.Index("ix_usage_events_counter_id", "organization_id", "counter_id", "id"),
        sa.Index(
            "ix_usage_events_subject_id",
            "subject_id",
            sqlite_where=sa.text("subject_id IS NOT NULL"),
            postgresql_where=sa.text("subject_id IS NOT NULL"),
        ),
        sqlite_strict=True,
    )
    with op.batch_alter_table("usage_events", copy_from=table) as batch:
        batch.drop_constraint("ck_usage_events_kind", type_="check")
        batch.create_check_constraint(
            "ck_usage_events_kind", "kind IN ('opened', 'consumed', 'given_back', 'committed', 'repaired')"
        )
    op.drop_table("token_revocations")
    op.drop_table("token_renewals")
    op.drop_table("subject_keys")
    op.drop_table("seals")
    op.drop_table("seal_keys")
    op.drop_table("retention_runs")
    op.drop_table("region_directory")
    op.drop_table("region_arrivals")
    op.drop_table("processes")
    op.drop_table("connection_attempts")
    op.drop_table("platform_apps")
    op.drop_table("legal_holds")
    op.drop_table("erasures")
    op.drop_table("drills")
    op.drop_table("doctor_reports")
    op.drop_table("backups")
    op.drop_table("alerts")
    op.drop_table("alert_notices")
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
