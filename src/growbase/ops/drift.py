"""Whether a live schema is what the models declare."""

import re
from contextlib import closing
from dataclasses import dataclass
from uuid import uuid4

from growbase.core import ddl
from growbase.core.config import Settings
from growbase.core.errors import ConfigError
from growbase.ops.catalogs import Catalog, read_catalog
from growbase.ops.connections import connect_postgresql, engine_name, reader, translated


@dataclass(frozen=True, slots=True)
class Drift:
    """One way in which the database differs: what is missing from it and what it has instead."""

    what: str
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()

    def text(self) -> str:
        """Return one readable line."""
        parts = [*(f"lacks: {line}" for line in self.missing), *(f"has: {line}" for line in self.unexpected)]
        return f"{self.what} {'; '.join(parts)}" if parts else self.what


def find_drift(settings: Settings) -> list[Drift]:
    """Compare the live schema with the models'; an empty list if they agree.

    Tables, views and functions that no model declares are left alone. On PostgreSQL the models' schema is built beside
    the live one in a transaction that is rolled back, for which the user needs CREATE on the database.
    """
    with reader(settings) as rows:
        live = read_catalog(engine_name(settings), rows)
    declared = declared_catalog(settings)
    ours = {name.partition(" ")[2] for name in declared if name.startswith("table ")}
    return compare(
        {name: lines for name, lines in live.items() if name in declared or _is_on(ours, name, lines)}, declared
    )


def _is_on(tables: set[str], name: str, lines: frozenset[str]) -> bool:
    """Return whether this is an index or trigger on one of the tables."""
    if not name.startswith(("index ", "trigger ")):
        return False
    return any(found[1] in tables for line in lines for found in re.finditer(r"\sON (\w+)", line))


def compare(live: Catalog, declared: Catalog) -> list[Drift]:
    """Return how ``live`` differs from ``declared``."""
    found = []
    for what in sorted(live.keys() | declared.keys()):
        if what not in live:
            found.append(Drift(f"{what} is missing"))
        elif what not in declared:
            found.append(Drift(f"{what} is not declared"))
        elif live[what] != declared[what]:
            missing, unexpected = declared[what] - live[what], live[what] - declared[what]
            found.append(Drift(what, tuple(sorted(missing)), tuple(sorted(unexpected))))
    return found


def declared_catalog(settings: Settings) -> Catalog:
    """Return the catalogue of the models' schema, built on scratch: in memory, or in a transaction rolled back."""
    packages = (*ddl.PROGRAM, *settings.domains)
    if settings.is_postgresql:
        return _declared_postgresql(settings, packages)
    import pysqlite3

    with closing(pysqlite3.connect(":memory:", isolation_level=None)) as connection:
        for statement in ddl.statements("sqlite", packages=packages):
            connection.execute(statement)
        return read_catalog("sqlite", lambda sql: connection.execute(sql).fetchall())


def _declared_postgresql(settings: Settings, packages: tuple[str, ...]) -> Catalog:
    import psycopg

    schema = f"growbase_check_{uuid4().hex[:8]}"
    with closing(connect_postgresql(settings)) as connection:
        try:
            connection.execute(f"CREATE SCHEMA {schema}")
            connection.execute(f"SET LOCAL search_path = {schema}")
            for statement in ddl.statements("postgresql", packages=packages):
                connection.execute(statement)
            return read_catalog("postgresql", lambda sql: connection.execute(sql).fetchall())
        except psycopg.errors.InsufficientPrivilege as error:
            message = "The database user may not create the scratch schema that the check needs."
            raise ConfigError(message) from error
        except psycopg.Error as error:
            raise translated(error) from error
        finally:
            connection.rollback()
