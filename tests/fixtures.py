"""Databases with the schema installed, an organization to act in, and the application over them."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg
import pytest
from argon2 import PasswordHasher

from growbase import wiring
from growbase.core import crypto, ddl
from growbase.core.actor import Actor, ActorKind, Role, system
from growbase.core.config import Settings
from growbase.core.crypto import Keyring
from growbase.core.database import Database
from growbase.core.partitions import keep_partitions
from growbase.core.postgres import PostgresDatabase
from growbase.core.search import match_text, terms_sql
from growbase.core.sqlite import SqliteDatabase
from growbase.core.sqlite_connection import connect
from growbase.domains.identity.models import Membership, Organization, User
from tests.postgres import PostgresServer

KEYRING_VARIABLE = "TESTS_KEYRING"
KEYRING = Keyring.parse(os.environ.get(KEYRING_VARIABLE) or Keyring.generate().serialise())
"""The keys of all test databases; a process that a test starts on one of them is given the same by its environment."""
OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
SECRET = b"a secret of the tests, long enough"


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Hash the passwords of this process at the least cost; a hash holds its own, so that any other is still told."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crypto, "_HASHER", PasswordHasher(time_cost=1, memory_cost=16, parallelism=1))
        yield


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a SQLite file that holds the schema and nothing else."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    wiring.catalog()
    connection = connect(path)
    for statement in ddl.statements("sqlite"):
        connection.execute(statement)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer) -> str:
    """Give the name of a PostgreSQL database that holds the schema and nothing else."""
    wiring.catalog()
    url = postgres.create_database(name="template_growbase")
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in ddl.statements("postgresql"):
            connection.execute(statement.encode())
    # As a worker does soon after its start, so that every test sees event tables as they are in production.
    with closing(open_at(url)) as database:
        keep_partitions(database)
    return "template_growbase"


class KeptDatabase:
    """One PostgreSQL database for test after test: emptied between them, made anew when one has changed its schema.

    Copying a template of some hundred tables and indexes costs several times as much as deleting a test's rows.
    """

    def __init__(self, server: PostgresServer, template: str) -> None:
        self.server = server
        self.template = template
        self.url = server.create_database(template=template)
        self.connection = psycopg.connect(self.url, autocommit=True)
        self.schema = self._schema()
        listed = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        tables = [name for (name,) in self.connection.execute(listed)]
        self.filled = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in tables)

    def clean(self) -> None:
        """Delete every row, and begin to count anew."""
        try:
            connection = self._connected()
            connection.execute(OTHERS)
            # As a replica: neither foreign keys nor the triggers that guard the change log have a say.
            connection.execute("SET session_replication_role = replica")
            for (table,) in connection.execute(self.filled.encode()).fetchall():
                connection.execute(f"DELETE FROM {table}".encode())
            connection.execute("SELECT setval(c.oid, 1, false) FROM pg_class c WHERE c.relkind = 'S'")
            is_whole = self._schema() == self.schema
        except psycopg.Error:
            is_whole = False
        if not is_whole:
            self.connection.close()
            self.server.drop_database(self.url)
            self.url = self.server.create_database(template=self.template)
            self.schema = self._schema()

    def close(self) -> None:
        """Let go of the connection."""
        self.connection.close()

    def _connected(self) -> psycopg.Connection:
        """Return a connection that stays: a new one takes longer to learn of the tables than to empty them."""
        if self.connection.closed:
            self.connection.close()  # also one that the server has closed
            self.connection = psycopg.connect(self.url, autocommit=True)
        return self.connection

    def _schema(self) -> object:
        """Return what differs once anything of the schema, or a setting of the database, is changed."""
        sql = (
            "SELECT (SELECT string_agg(oid || '.' || relnatts || '.' || relchecks, ',' ORDER BY oid) FROM pg_class "
            "WHERE relnamespace = 'public'::regnamespace), (SELECT count(*) FROM pg_constraint), "
            "(SELECT string_agg(oid || tgenabled::text, ',' ORDER BY oid) FROM pg_trigger), "
            "(SELECT string_agg(oid || '.' || xmin, ',' ORDER BY oid) FROM pg_proc WHERE oid > 16383), "
            "(SELECT count(*) FROM pg_namespace), (SELECT count(*) FROM pg_db_role_setting)"
        )
        return self._connected().execute(sql.encode()).fetchone()


@pytest.fixture(scope="session")
def kept_postgres_database(postgres: PostgresServer) -> Iterator[Callable[[str], KeptDatabase]]:
    """Give a function that returns the copy of a template which this test process uses for test after test."""
    with ExitStack() as stack:

        def make(template: str) -> KeptDatabase:
            kept = KeptDatabase(postgres, template)
            stack.callback(kept.close)
            return kept

        yield cache(make)


@pytest.fixture
def installed_url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the URL of an empty database on ``engine`` with the schema installed."""
    if engine == "sqlite":
        path = tmp_path / "growbase.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    kept_of: Callable[[str], KeptDatabase] = request.getfixturevalue("kept_postgres_database")
    kept = kept_of(request.getfixturevalue("postgres_template"))
    yield kept.url
    kept.clean()


def open_at(url: str) -> Database:
    """Open a test database."""
    if url.startswith("sqlite:"):
        return SqliteDatabase(Path(url.removeprefix("sqlite:///")), wiring.catalog(), KEYRING)
    return PostgresDatabase(url, wiring.catalog(), KEYRING, pool_max=6)


@pytest.fixture
def db(installed_url: str) -> Iterator[Database]:
    """Give an open database with the schema installed."""
    database = open_at(installed_url)
    yield database
    database.close()


@dataclass(frozen=True)
class Tenant:
    """An organization with one user of each role."""

    organization_id: object
    owner: Actor
    admin: Actor
    member: Actor
    viewer: Actor


def make_tenant(database: Database, name: str) -> Tenant:
    """Create an organization and a user for each role in it."""

    def unit(tx):  # noqa: ANN001, ANN202
        slug = name.lower()
        organization_id = tx.insert(Organization, name=name, slug=slug)
        inside = tx.for_organization(organization_id)
        actors = {}
        for role in Role:
            email = f"{role}@{slug}.example"
            user_id = tx.insert(User, email=email, full_name=f"{role.title()} of {name}", status="active")
            inside.insert(Membership, user_id=user_id, role=role, status="active")
            actors[role.value] = Actor(ActorKind.USER, email, id=user_id, organization_id=organization_id, role=role)
        return Tenant(organization_id, **actors)

    return database.write(system(), unit)


@pytest.fixture
def tenant(db: Database) -> Tenant:
    """Give an organization with one user of each role."""
    return make_tenant(db, "Acme")


@pytest.fixture
def other_tenant(db: Database) -> Tenant:
    """Give a second organization."""
    return make_tenant(db, "Rival")


@pytest.fixture
def actor(tenant: Tenant) -> Actor:
    """Give the owner of an organization."""
    return tenant.owner


@pytest.fixture
def settings(tmp_path: Path, installed_url: str) -> Settings:
    """Give settings that name the test's database."""
    return Settings(data_dir=tmp_path, database_url=installed_url)


def sqlite_rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    """Read a SQLite file as another program would."""
    with sqlite3.connect(path) as connection:
        return connection.execute(sql).fetchall()


def indexed(db: Database, organization_id: object, words: str) -> int:
    """Return how many documents the index alone finds."""
    sql = "SELECT count(*) FROM search_index WHERE words MATCH ?"
    if db.engine == "postgresql":
        terms = f"array_to_tsvector(string_to_array({terms_sql(db.engine)}, ' '))"
        sql = f"SELECT count(*) FROM search_documents WHERE {terms} @@ %s::tsquery"
    return int(db.query(sql, (match_text(db.engine, organization_id, words),))[0][0])
