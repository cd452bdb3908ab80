"""Behind a real PgBouncer in transaction mode schema and limits hold, whatever it drops of a session."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from growbase import wiring
from growbase.core import ddl
from growbase.core.errors import Unavailable
from growbase.core.pool import Pool, session_settings
from growbase.core.postgres import PostgresDatabase
from growbase.domains.marketing.models import Brand
from tests.fixtures import KEYRING, make_tenant
from tests.pooler import pooler
from tests.postgres import PostgresServer
from tests.servers import find_program

SCHEMA = "Shop"
"""Written so that it must be quoted."""


@pytest.fixture(scope="module")
def direct(postgres: PostgresServer) -> Iterator[str]:
    """Give the URL of a database with Growbase in a schema of its own."""
    url = postgres.create_database()
    wiring.catalog()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {0}").format(sql.Identifier(SCHEMA)))
        connection.execute(sql.SQL("SET search_path = {0}").format(sql.Identifier(SCHEMA)))
        for statement in ddl.statements("postgresql"):
            connection.execute(statement.encode())
    yield url
    postgres.drop_database(url)


@pytest.fixture(scope="module")
def places(direct: str, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Give the addresses of a PgBouncer that ignores a session's settings, and of one that refuses them."""
    program = find_program("pgbouncer")
    folders: list[Path] = [tmp_path_factory.mktemp(name) for name in ("ignoring", "refusing")]
    with (
        pooler(program, postgres, direct, folders[0]) as ignoring,
        pooler(program, postgres, direct, folders[1], "extra_float_digits") as refusing,
    ):
        yield {"ignoring": ignoring, "refusing": refusing, "none": direct}


def opened(url: str, **more: Any) -> PostgresDatabase:  # noqa: ANN401 -- options
    return PostgresDatabase(
        url, wiring.catalog(), KEYRING, schema=SCHEMA, pool_max=3, statement_timeout_ms=300, pool_timeout=3.0, **more
    )


@pytest.mark.parametrize(
    ("place", "says_so"), [("ignoring", True), ("ignoring", False), ("refusing", True), ("none", True), ("none", False)]
)
def test_schema_and_limits_hold(places: dict[str, str], place: str, says_so: bool) -> None:  # noqa: FBT001
    with closing(opened(places[place], pgbouncer=says_so)) as db:
        owner = make_tenant(db, f"Acme {place} {says_so}").owner

        def write(number: int) -> UUID:
            return db.write(owner, lambda tx: tx.insert(Brand, name=f"Brand {number}"))

        threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with db.read(owner) as reads:
            assert reads.count(Brand) == 6
        with db.read(owner, snapshot=True) as reads:
            assert reads.count(Brand) == 6
            assert reads.execute("SHOW transaction_isolation").fetchone() == ("repeatable read",)
        assert db.query("SELECT current_schema()") == [(SCHEMA,)]
        assert db.query("SELECT %s::int + count(*) FROM brands", (1,), timeout_ms=1_000)[0][0] > 6
        slow = "SELECT pg_sleep(5)"
        for cut in (
            lambda: db.query(slow),
            lambda: db.write(owner, lambda tx: tx.execute(slow)),
            lambda: db.query(slow, timeout_ms=50),
        ):
            with pytest.raises(Unavailable, match="took too long"):
                cut()
        with pytest.raises(Unavailable, match="took too long"), db.read(owner) as reads:
            reads.execute(slow)
        assert db.query("SELECT pg_sleep(0.4)", timeout_ms=2_000)
        assert db.query("SELECT current_setting('TimeZone')") == [("UTC",)]


def test_nothing_of_it_is_left_to_others(places: dict[str, str]) -> None:
    with closing(opened(places["ignoring"], pgbouncer=True)) as db:
        assert db.query("SELECT current_schema()") == [(SCHEMA,)]
        with psycopg.connect(places["ignoring"], autocommit=True, prepare_threshold=None) as other:
            for _ in range(5):
                assert other.execute("SELECT current_schema()").fetchone() == ("public",)


def test_without_a_pooler_a_transaction_begins_in_the_one_round_trip_it_had(direct: str) -> None:
    pool = Pool(direct, session_settings(SCHEMA, 300), max_size=1, timeout=3.0)
    pool.open()
    try:
        with pool.connection() as connection:
            sent: list[str] = []
            execute = connection.execute
            connection.execute = lambda query, *rest, **more: sent.append(query) or execute(query, *rest, **more)  # type: ignore[method-assign,assignment,func-returns-value]
            assert pool.begin(connection, then="SELECT current_schema()").fetchone() == (SCHEMA,)
            connection.rollback()
            pool.begin(connection)
            connection.rollback()
            pool.one(connection, "SELECT 1")
            assert sent == ["BEGIN; SELECT current_schema()", "BEGIN", "SELECT 1"]
    finally:
        pool.close(1)
