"""The schema's own history: Alembic's environment and one file for each revision."""
