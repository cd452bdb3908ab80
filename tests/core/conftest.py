"""Databases for the tests of the core: the product's schema and beside it the specimens."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from growbase import wiring
from growbase.core import ddl
from growbase.core.database import Database
from growbase.core.pages import Reader
from growbase.core.postgres import PostgresDatabase
from growbase.core.resource import Catalog
from growbase.core.sqlite import SqliteDatabase
from growbase.core.sqlite_connection import connect
from tests.core import specimens
from tests.fixtures import KEYRING, SECRET
from tests.postgres import PostgresServer


def schema(engine: str) -> Iterator[str]:
    """Yield the statements that make the product's schema and the specimens."""
    wiring.catalog()
    yield from ddl.statements(engine)
    yield from ddl.statements(engine, of=specimens.TABLES)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """Give the resources of people and of the specimens."""
    return specimens.catalog()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory, catalog: Catalog) -> Path:
    """Give a SQLite file that holds the schema and nothing else."""
    path = tmp_path_factory.mktemp("specimens") / "template.db"
    connection = connect(path)
    for statement in schema("sqlite"):
        connection.execute(statement)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer, catalog: Catalog) -> str:
    """Give the name of a PostgreSQL database that holds the schema and nothing else."""
    name = "template_specimens"
    with psycopg.connect(postgres.create_database(name=name), autocommit=True) as connection:
        for statement in schema("postgresql"):
            connection.execute(statement.encode())
    return name


def open_at(url: str, catalog: Catalog, *, pool_max: int = 6, pool_timeout: float = 10.0) -> Database:
    """Open a database of the tests."""
    if url.startswith("sqlite:"):
        return SqliteDatabase(Path(url.removeprefix("sqlite:///")), catalog, KEYRING)
    return PostgresDatabase(url, catalog, KEYRING, pool_max=pool_max, pool_timeout=pool_timeout)


@pytest.fixture
def db(installed_url: str, catalog: Catalog) -> Iterator[Database]:
    """Give an open database with the schema installed."""
    database = open_at(installed_url, catalog)
    yield database
    database.close()


@pytest.fixture
def reader(db: Database) -> Reader:
    """Give what runs queries of the database."""
    return Reader(db, SECRET)
