"""The program's whole schema at once, for a database without one: revision by revision takes ten times as long."""

import re
from typing import Final

import sqlalchemy as sa

from growbase.core import ddl
from growbase.ops.history import CORE, FOLDER

_AT: Final = re.compile(r"-- .* at (\d{4}),")
"""The first line of a script says which revisions make the same."""


def fresh_sql(engine: str) -> tuple[str, str]:
    """Return the script that makes the schema and writes down its revision, and that revision."""
    script = (FOLDER / f"schema.{engine}.sql").read_text(encoding="utf-8")
    found = _AT.match(script)
    assert found is not None, engine
    table, revision = CORE.version_table, found[1]
    columns = f"version_num VARCHAR(32) NOT NULL, CONSTRAINT {table}_pkc PRIMARY KEY (version_num)"
    marked = (
        f"CREATE TABLE IF NOT EXISTS {table} ({columns})",
        f"INSERT INTO {table} (version_num) VALUES ('{revision}')",
    )
    return f"{script}\n{ddl.joined(marked)}", revision


def install_fresh(connection: sa.Connection) -> str:
    """Make the schema in the connection's transaction and return its revision. Raises the driver's errors."""
    engine = connection.dialect.name
    sql, revision = fresh_sql(engine)
    driver = connection.connection.driver_connection
    assert driver is not None
    # PostgreSQL may be far away; the driver of SQLite takes one statement at a time, or commits before several.
    for part in [sql] if engine == "postgresql" else ddl.parted(sql):
        driver.execute(part)
    return revision
