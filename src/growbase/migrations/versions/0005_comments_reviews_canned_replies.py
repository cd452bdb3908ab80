"""Comments, reviews, canned replies."""

import sqlalchemy as sa
from alembic import op

from growbase.core import types

revision = "0005"
down_revision = "0004"


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
        "canned_replies",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("name_norm", types.Text(), nullable=False),
        sa.Column("shortcut", types.Text(), nullable=True),
        sa.Column("language", types.Text(), nullable=False),
        sa.Column("body", types.Text(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_canned_replies"),
        sa.CheckConstraint("length(body) <= 20000 AND length(body) >= 1", name="ck_canned_replies_body"),
        sa.CheckConstraint("length(language) <= 35 AND length(language) >= 2", name="ck_canned_replies_language"),
        sa.CheckConstraint("length(name) <= 100 AND length(name) >= 1", name="ck_canned_replies_name"),
        sa.CheckConstraint("length(shortcut) <= 40", name="ck_canned_replies_shortcut"),
        sa.CheckConstraint("version >= 1", name="ck_canned_replies_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_canned_replies_organization_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_canned_replies_created_at", "canned_replies", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_canned_replies_deleted_at",
        "canned_replies",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_canned_replies_deletion_id",
        "canned_replies",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index("ix_canned_replies_name", "canned_replies", ["organization_id", "name", "id"])
    op.create_index("ix_canned_replies_updated_at", "canned_replies", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_canned_replies_name_norm_language",
        "canned_replies",
        ["organization_id", "name_norm", "language"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_canned_replies_shortcut",
        "canned_replies",
        ["organization_id", "shortcut"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL AND shortcut IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NULL AND shortcut IS NOT NULL"),
    )
    op.create_table(
        "comments",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("resource", types.Text(), nullable=False),
        sa.Column("row_id", types.Identifier(), nullable=False),
        sa.Column("author_user_id", types.Identifier(), nullable=True),
        sa.Column("text", types.Text(), nullable=False),
        sa.Column("mentions", types.Document(), nullable=False),
        sa.Column("resolved_at", types.Moment(), nullable=True),
        sa.Column("resolved_by", types.Identifier(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_comments"),
        sa.CheckConstraint("json_valid(mentions)", name="ck_comments_mentions").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("length(resource) <= 63 AND length(resource) >= 1", name="ck_comments_resource"),
        sa.CheckConstraint("length(text) <= 10000 AND length(text) >= 1", name="ck_comments_text"),
        sa.CheckConstraint("version >= 1", name="ck_comments_version"),
        sa.ForeignKeyConstraint(
            ["organization_id", "author_user_id"],
            ["memberships.organization_id", "memberships.user_id"],
            name="fk_comments_author_user_id",
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_comments_organization_id"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_comments_author_user_id",
        "comments",
        ["organization_id", "author_user_id", "id"],
        sqlite_where=sa.text("author_user_id IS NOT NULL"),
        postgresql_where=sa.text("author_user_id IS NOT NULL"),
    )
    op.create_index("ix_comments_created_at", "comments", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_comments_deleted_at",
        "comments",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_comments_deletion_id",
        "comments",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index("ix_comments_row_id_created_at", "comments", ["organization_id", "row_id", "created_at", "id"])
    op.create_index("ix_comments_updated_at", "comments", ["organization_id", "updated_at", "id"])
    op.create_table(
        "review_requests",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("id", types.Identifier(), nullable=False),
        sa.Column("resource", types.Text(), nullable=False),
        sa.Column("row_id", types.Identifier(), nullable=False),
        sa.Column("reviewer_user_id", types.Identifier(), nullable=False),
        sa.Column("due_at", types.Moment(), nullable=True),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("decided_at", types.Moment(), nullable=True),
        sa.Column("decided_by", types.Identifier(), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("created_by", types.Identifier(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("updated_by", types.Identifier(), nullable=True),
        sa.Column("version", types.Integer(), nullable=False),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("deleted_by", types.Identifier(), nullable=True),
        sa.Column("deletion_id", types.Identifier(), nullable=True),
        sa.Column("purged_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_review_requests"),
        sa.CheckConstraint("length(resource) <= 63 AND length(resource) >= 1", name="ck_review_requests_resource"),
        sa.CheckConstraint(
            "status IN ('requested', 'changes_requested', 'approved', 'withdrawn')", name="ck_review_requests_status"
        ),
        sa.CheckConstraint("version >= 1", name="ck_review_requests_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_review_requests_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "reviewer_user_id"],
            ["memberships.organization_id", "memberships.user_id"],
            name="fk_review_requests_reviewer_user_id",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_review_requests_created_at", "review_requests", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_review_requests_decided_at",
        "review_requests",
        ["decided_at"],
        sqlite_where=sa.text("decided_at IS NOT NULL"),
        postgresql_where=sa.text("decided_at IS NOT NULL"),
    )
    op.create_index(
        "ix_review_requests_deleted_at",
        "review_requests",
        ["organization_id", "deleted_at", "id"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_review_requests_deletion_id",
        "review_requests",
        ["organization_id", "deletion_id"],
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index("ix_review_requests_due_at", "review_requests", ["organization_id", "due_at", "id"])
    op.create_index(
        "ix_review_requests_reviewer_user_id_status_due_at",
        "review_requests",
        ["organization_id", "reviewer_user_id", "status", "due_at"],
    )
    op.create_index(
        "ix_review_requests_row_id_created_at", "review_requests", ["organization_id", "row_id", "created_at"]
    )
    op.create_index("ix_review_requests_updated_at", "review_requests", ["organization_id", "updated_at", "id"])
    op.create_index(
        "uq_review_requests_row_id_reviewer_user_id",
        "review_requests",
        ["organization_id", "row_id", "reviewer_user_id"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL AND status IN ('requested', 'changes_requested')"),
        postgresql_where=sa.text("deleted_at IS NULL AND status IN ('requested', 'changes_requested')"),
    )
    op.create_table(
        "ticket_writers",
        sa.Column("organization_id", types.Identifier(), nullable=False),
        sa.Column("ticket_id", types.Identifier(), nullable=False),
        sa.Column("user_id", types.Identifier(), nullable=False),
        sa.Column("until", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "ticket_id", "user_id", name="pk_ticket_writers"),
        sa.ForeignKeyConstraint(
            ["organization_id", "ticket_id"],
            ["tickets.organization_id", "tickets.id"],
            name="fk_ticket_writers_ticket_id",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"],
            ["memberships.organization_id", "memberships.user_id"],
            name="fk_ticket_writers_user_id",
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_ticket_writers_ticket_id_user_id", "ticket_writers", ["organization_id", "ticket_id", "user_id"]
    )
    op.create_index("ix_ticket_writers_until", "ticket_writers", ["until"])
    op.create_index(
        "ix_ticket_writers_user_id_ticket_id", "ticket_writers", ["organization_id", "user_id", "ticket_id"]
    )
    op.add_column("backups", sa.Column("verified_at", types.Moment(), nullable=True))
    op.add_column("kpi_cache", sa.Column("wanted_at", types.Moment(), nullable=True))
    op.add_column("messages", sa.Column("answered_at", types.Moment(), nullable=True))
    op.add_column("messages", sa.Column("snoozed_until", types.Moment(), nullable=True))
    op.create_index(
        "ix_messages_direction_created_at",
        "messages",
        ["organization_id", "direction", "created_at", "id"],
        sqlite_where=sa.text("direction = 'inbound' AND answered_at IS NULL"),
        postgresql_where=sa.text("direction = 'inbound' AND answered_at IS NULL"),
    )
    op.create_index(
        "ix_notifications_user_id",
        "notifications",
        ["organization_id", "user_id", "id"],
        sqlite_where=sa.text("read_at IS NULL"),
        postgresql_where=sa.text("read_at IS NULL"),
    )
    op.add_column("schedules", sa.Column("paused_at", types.Moment(), nullable=True))
    op.create_index("ix_tickets_waiting_since", "tickets", ["organization_id", "waiting_since", "id"])
    op.drop_index("ix_usage_events_counter_id", table_name="usage_events")
    op.create_index(
        "ix_usage_events_counter_id_occurred_at", "usage_events", ["organization_id", "counter_id", "occurred_at"]
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
    table = sa.Table(
        "backups",
        sa.MetaData(),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("started_at", types.Moment(), nullable=False),
        sa.Column("finished_at", types.Moment(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("error", types.Text(), nullable=True),
        sa.Column("size_bytes", types.Integer(), nullable=True),
        sa.Column("row_count", types.Integer(), nullable=True),
        sa.Column("file_count", types.Integer(), nullable=True),
        sa.Column("key_id", types.Text(), nullable=True),
        sa.Column("verified_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_backups"),
        sa.CheckConstraint("length(error) <= 2000", name="ck_backups_error"),
        sa.CheckConstraint("length(id) <= 63", name="ck_backups_id"),
        sa.CheckConstraint("length(key_id) <= 32", name="ck_backups_key_id"),
        sa.CheckConstraint("length(status) <= 20", name="ck_backups_status"),
        sa.Index("ix_backups_finished_at", "finished_at"),
        sqlite_strict=True,
    )
    with op.batch_alter_table("backups", copy_from=table) as batch:
        batch.drop_column("verified_at")
    table = sa.Table(
        "kpi_cache",
        sa.MetaData(),
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
        sa.Column("wanted_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_kpi_cache"),
        sa.CheckConstraint("granularity IN ('total', 'day', 'week', 'month')", name="ck_kpi_cache_granularity"),
        sa.CheckConstraint("length(metric_key) <= 80 AND length(metric_key) >= 1", name="ck_kpi_cache_metric_key"),
        sa.CheckConstraint("json_valid(payload)", name="ck_kpi_cache_payload").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("range_end > range_start", name="ck_kpi_cache_range"),
        sa.ForeignKeyConstraint(
            ["organization_id", "store_id"], ["stores.organization_id", "stores.id"], name="fk_kpi_cache_store_id"
        ),
        sa.Index("ix_kpi_cache_expires_at", "expires_at"),
        sa.Index(
            "uq_kpi_cache_store_id_metric_key_range_start_range_end_granu",
            "organization_id",
            "store_id",
            "metric_key",
            "range_start",
            "range_end",
            "granularity",
            unique=True,
        ),
        sqlite_strict=True,
    )
    with op.batch_alter_table("kpi_cache", copy_from=table) as batch:
        batch.drop_column("wanted_at")
    op.drop_index("ix_messages_direction_created_at", table_name="messages")
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
        sa.Column("answered_at", types.Moment(), nullable=True),
        sa.Column("snoozed_until", types.Moment(), nullable=True),
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
        batch.drop_column("answered_at")
        batch.drop_column("snoozed_until")
    op.drop_index("ix_notifications_user_id", table_name="notifications")
    table = sa.Table(
        "schedules",
        sa.MetaData(),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("rule", types.Text(), nullable=False),
        sa.Column("next_run_at", types.Moment(), nullable=False),
        sa.Column("paused_at", types.Moment(), nullable=True),
        sa.Column("last_run_at", types.Moment(), nullable=True),
        sa.Column("last_status", types.Text(), nullable=True),
        sa.Column("last_error", types.Text(), nullable=True),
        sa.Column("last_rows", types.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_schedules"),
        sa.CheckConstraint("length(last_error) <= 2000", name="ck_schedules_last_error"),
        sa.CheckConstraint("length(last_status) <= 20", name="ck_schedules_last_status"),
        sa.CheckConstraint("length(name) <= 200", name="ck_schedules_name"),
        sa.CheckConstraint("length(rule) <= 200", name="ck_schedules_rule"),
        sa.Index("ix_schedules_next_run_at", "next_run_at"),
        sqlite_strict=True,
    )
    with op.batch_alter_table("schedules", copy_from=table) as batch:
        batch.drop_column("paused_at")
    op.drop_index("ix_tickets_waiting_since", table_name="tickets")
    op.drop_index("ix_usage_events_counter_id_occurred_at", table_name="usage_events")
    op.create_index("ix_usage_events_counter_id", "usage_events", ["organization_id", "counter_id", "id"])
    op.drop_table("ticket_writers")
    op.drop_table("review_requests")
    op.drop_table("comments")
    op.drop_table("canned_replies")
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
