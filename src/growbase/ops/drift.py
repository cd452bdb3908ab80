"""Whether a live schema is what the models declare."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from growbase.core import ddl
from growbase.core.config import Settings
from growbase.core.errors import ConfigError
from growbase.ops.catalogs import Catalog, read_catalog
from growbase.ops.connections import connect_postgresql, engine_name, translated


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
    with _reader(settings) as rows:
        live = read_catalog(engine_name(settings), rows)
    declared = declared_catalog(settings)
    foreign = {"table", "view", "function"}
    live = {name: lines for name, lines in live.items() if name in declared or name.partition(" ")[0] not in foreign}
    return compare(live, _without_foreign(live, declared))


def _without_foreign(live: Catalog, declared: Catalog) -> Catalog:
    """Leave out of ``live`` the indexes and triggers of tables that no model declares."""
    ours = {name.partition(" ")[2] for name in declared if name.startswith("table ")}
    for name in [name for name in live if name not in declared]:
        if not any(f" ON {table}" in line for table in ours for line in live[name]):
            del live[name]
    return declared


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


@contextmanager
def _reader(settings: Settings) -> Iterator[Callable[[str], Iterable[Any]]]:
    if settings.is_postgresql:
        with connect_postgresql(settings) as connection:
            yield lambda sql: connection.execute(sql).fetchall()
        return
    from growbase.core.sqlite import connect

    assert settings.sqlite_path is not None
    with closing(connect(settings.sqlite_path, read_only=True)) as connection:
        yield lambda sql: connection.execute(sql).fetchall()


def declared_catalog(settings: Settings) -> Catalog:
    """Return the catalogue of the models' schema, built on scratch: in memory, or in a transaction rolled back."""
    if settings.is_postgresql:
        return _declared_postgresql(settings)
    import pysqlite3

    with closing(pysqlite3.connect(":memory:", isolation_level=None)) as connection:
        for statement in ddl.statements("sqlite"):
            connection.execute(statement)
        return read_catalog("sqlite", lambda sql: connection.execute(sql).fetchall())


def _declared_postgresql(settings: Settings) -> Catalog:
    import psycopg

    schema = f"growbase_check_{uuid4().hex[:8]}"
    with closing(connect_postgresql(settings)) as connection:
        try:
            connection.execute(f"CREATE SCHEMA {schema}")
            connection.execute(f"SET LOCAL search_path = {schema}")
            for statement in ddl.statements("postgresql"):
                connection.execute(statement)
            return read_catalog("postgresql", lambda sql: connection.execute(sql).fetchall())
        except psycopg.errors.InsufficientPrivilege as error:
            message = "The database user may not create the scratch schema that the check needs."
            raise ConfigError(message) from error
        except psycopg.Error as error:
            raise translated(error) from error
        finally:
            connection.rollback()
