"""The row by which a database says which versions of the program its schema serves."""

import sqlalchemy as sa

from growbase.core.tables import InstanceFact

NAME = "schema_serves"


def write_served(connection: sa.Connection, value: str) -> None:
    """Write down which versions the schema serves, where the table for it is there."""
    table = sa.table(InstanceFact.__tablename__, sa.column("name"), sa.column("value"))
    if sa.inspect(connection).has_table(table.name):
        connection.execute(sa.delete(table).where(table.c.name == NAME))
        connection.execute(sa.insert(table).values(name=NAME, value=value))
