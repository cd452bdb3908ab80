"""Whom files show, and words by organization."""

import sqlalchemy as sa
from alembic import op

from growbase.core import types

revision = "0006"
down_revision = "0005"

REFILL = "INSERT INTO search_index (rowid, words) SELECT rid, {0} FROM search_documents"
EMPTY = "INSERT INTO search_index (search_index) VALUES ('delete-all')"


def upgrade() -> None:
    op.add_column("assets", sa.Column("subject_id", types.Identifier(), nullable=True))
    op.add_column("assets", sa.Column("erased_at", types.Moment(), nullable=True))
    op.create_index(
        "ix_assets_subject_id",
        "assets",
        ["organization_id", "subject_id"],
        sqlite_where=sa.text("subject_id IS NOT NULL"),
        postgresql_where=sa.text("subject_id IS NOT NULL"),
    )
    if op.get_context().dialect.name == "sqlite":
        owner = "substr(organization_id, -12)"
        op.execute(EMPTY)
        op.execute(REFILL.format(f"{owner} || replace(words, ' ', ' ' || {owner})"))
        op.execute("DELETE FROM search_pending")
    else:
        op.execute("DROP INDEX ix_search_documents_words")
        op.execute("""
CREATE INDEX ix_search_documents_words ON search_documents
USING gin (array_to_tsvector(string_to_array(right(organization_id::text, 12) || replace(words, ' ', ' ' || right(organization_id::text, 12)), ' ')))
""")


def downgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        op.execute(EMPTY)
        op.execute(REFILL.format("words"))
        op.execute("DELETE FROM search_pending")
    else:
        op.execute("DROP INDEX ix_search_documents_words")
        op.execute("""
CREATE INDEX ix_search_documents_words ON search_documents
USING gin (array_to_tsvector(string_to_array(words, ' ')))
""")
    op.drop_index("ix_assets_subject_id", table_name="assets")
    op.execute("ALTER TABLE assets DROP COLUMN erased_at")
    op.execute("ALTER TABLE assets DROP COLUMN subject_id")
