"""The program's whole schema at once, for a database without one: revision by revision takes ten times as long."""

import re
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from growbase.core import ddl

_AT: Final = re.compile(r"-- .* at (\d{4}),")
"""The first line of a script says which revisions make the same."""


def fresh_sql(engine: str, version_table: str) -> tuple[str, str]:
    """Return the script that makes the schema and writes down its revision, and that revision."""
    script = (Path(__file__).parent / f"schema.{engine}.sql").read_text(encoding="utf-8")
    found = _AT.match(script)
    assert found is not None, engine
    columns = f"version_num VARCHAR(32) NOT NULL, CONSTRAINT {version_table}_pkc PRIMARY KEY (version_num)"
    marked = (
        f"CREATE TABLE IF NOT EXISTS {version_table} ({columns})",
        f"INSERT INTO {version_table} (version_num) VALUES ('{found[1]}')",
    )
    return f"{script}\n{ddl.joined(marked)}", found[1]


def install_fresh(connection: sa.Connection, version_table: str) -> str:
    """Make the schema in the connection's transaction and return its revision. Raises the driver's errors."""
    engine = connection.dialect.name
    sql, revision = fresh_sql(engine, version_table)
    driver = connection.connection.driver_connection
    assert driver is not None
    # PostgreSQL may be far away; the driver of SQLite takes one statement at a time, or commits before several.
    for part in [sql] if engine == "postgresql" else ddl.parted(sql):
        driver.execute(part)
    return revision
