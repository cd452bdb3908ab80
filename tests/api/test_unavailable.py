"""A database that is away is said to be away, and is found again without a restart."""

import resource
import shutil
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from growbase.core.actor import system
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.sqlite_connection import connect
from growbase.core.transaction import Transaction
from tests.api.conftest import Client, Factory
from tests.postgres import PostgresServer


@pytest.fixture(autouse=True)
def migrated(request: pytest.FixtureRequest) -> None:
    """Note the schema's version as a migration does."""
    for name in ("only_sqlite", "only_postgres"):
        if name in request.fixturenames:
            request.getfixturevalue(name)
    db: Database = request.getfixturevalue("db")

    def unit(tx: Transaction) -> None:
        tx.execute("CREATE TABLE alembic_version (version_num TEXT NOT NULL)")
        tx.execute("INSERT INTO alembic_version VALUES ('0001')")

    db.write(system(), unit)


def away(client: Client, headers: dict[str, str], reason: str, *, writes_only: bool = False) -> None:
    """Check what every kind of request is told."""
    requests = [("POST", "/api/brands", {"name": "Lost"}), ("POST", "/api/brands/batch", {"items": [{"name": "Lost"}]})]
    reads = ["/api/brands", "/api/brands/aggregate", "/api/analytics"]
    for method, path, body in [*requests, *(("GET", path, None) for path in reads if not writes_only)]:
        answer = client.request(method, path, json=body, headers=headers)
        found = answer.json()
        assert (answer.status_code, found.get("code")) == (503, "unavailable"), (path, found)
        assert int(answer.headers["retry-after"]) >= 1
        assert reason in found["detail"], (path, found["detail"])
        assert "hint" in found
        assert "Traceback" not in answer.text


def unhealthy(client: Client, reason: str) -> None:
    for path in ("/api/health", "/ready"):
        answer = client.get(path)
        found = answer.json()
        assert (answer.status_code, found["status"], found["database"]) == (503, "unhealthy", "disconnected")
        assert reason in found["reason"]
        assert int(answer.headers["retry-after"]) >= 1
    assert client.get("/live").status_code == 200


def back(factory: Factory) -> None:
    """Check that everything works again."""
    health = factory.client.get("/api/health")
    assert (health.status_code, health.json()["status"]) == (200, "healthy"), health.text
    row = factory.client.post("/api/brands", json={"name": "Found"}, headers=factory.headers)
    assert row.status_code == 201, row.text
    listed = factory.client.get("/api/brands", headers=factory.headers).json()["data"]
    assert [brand["name"] for brand in listed] == ["Found"]


@pytest.fixture
def only_sqlite(engine: str) -> None:
    if engine != "sqlite":
        pytest.skip("concerns the embedded database")


@pytest.fixture
def only_postgres(engine: str) -> None:
    if engine != "postgres":
        pytest.skip("concerns the server database")


@pytest.fixture
def sqlite_file(only_sqlite: None, settings: Settings) -> Path:
    path = settings.sqlite_path
    assert path is not None
    return path


def test_a_file_that_became_read_only_refuses_writes_and_goes_on_reading(
    sqlite_file: Path, factory: Factory, db: Database
) -> None:
    connection = db.writer._connection  # type: ignore[attr-defined]
    connection.execute("PRAGMA query_only = ON")
    away(factory.client, factory.headers, "the database file is read-only", writes_only=True)
    assert factory.client.get("/api/brands", headers=factory.headers).json()["data"] == []
    connection.execute("PRAGMA query_only = OFF")
    back(factory)


def test_a_full_disk_refuses_writes_and_goes_on_reading(sqlite_file: Path, factory: Factory) -> None:
    with disk_full(sqlite_file):
        big = {"items": [{"name": f"Brand {number}", "description": "x" * 19_000} for number in range(100)]}
        answer = factory.client.post("/api/brands/batch", json=big, headers=factory.headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable"), answer.text
        assert answer.json()["detail"].count("disk") == 1
        assert factory.client.get("/api/brands", headers=factory.headers).json()["data"] == []
    back(factory)


@contextmanager
def disk_full(path: Path) -> Iterator[None]:
    """Let no file of this process grow beyond what the database has now, which SQLite takes for a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest = max(found.stat().st_size for found in path.parent.iterdir() if found.is_file())
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 8_192, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def test_a_removed_file_is_reported_and_found_again(sqlite_file: Path, factory: Factory) -> None:
    factory.client.get("/api/brands", headers=factory.headers)
    aside = sqlite_file.with_name("aside")
    aside.mkdir()
    names = [sqlite_file.name + part for part in ("", "-wal", "-shm")]
    for name in names:
        if (sqlite_file.parent / name).exists():
            shutil.move(sqlite_file.parent / name, aside / name)
    away(factory.client, factory.headers, "the database file")
    unhealthy(factory.client, "the database file")
    assert not sqlite_file.exists()
    for name in names:
        if (aside / name).exists():
            shutil.move(aside / name, sqlite_file.parent / name)
    back(factory)


@pytest.fixture
def postgres_server(only_postgres: None, request: pytest.FixtureRequest) -> PostgresServer:
    found: PostgresServer = request.getfixturevalue("postgres")
    return found


def cut_off(server: PostgresServer, database: str, *, allowed: bool) -> None:
    """Let nobody connect to a database, or everybody again; those who are connected are cut off."""
    with psycopg.connect(server.admin_url, autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS {allowed}'.encode())
        if not allowed:
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (database,))


def test_a_server_that_takes_no_connection_is_reported_and_found_again(
    postgres_server: PostgresServer, factory: Factory, installed_url: str, db: Database
) -> None:
    name = installed_url.rpartition("/")[2]
    pool = db._pool._pool  # type: ignore[attr-defined]
    pool.timeout = 0.5
    cut_off(postgres_server, name, allowed=False)
    away(factory.client, factory.headers, "connection")
    unhealthy(factory.client, "connection")
    cut_off(postgres_server, name, allowed=True)
    pool.timeout = 10
    back(factory)


def test_a_connection_that_was_cut_is_replaced_unnoticed(
    postgres_server: PostgresServer, factory: Factory, installed_url: str
) -> None:
    name = installed_url.rpartition("/")[2]
    factory.client.get("/api/brands", headers=factory.headers)
    cut_off(postgres_server, name, allowed=False)
    cut_off(postgres_server, name, allowed=True)
    back(factory)


def test_a_database_without_schema_says_what_to_do(factory: Factory, db: Database, installed_url: str) -> None:
    if db.engine == "sqlite":
        with closing(connect(Path(installed_url.removeprefix("sqlite:///")))) as connection:
            connection.execute("ALTER TABLE content_templates RENAME TO elsewhere")
    else:
        with psycopg.connect(installed_url) as server:
            server.execute("ALTER TABLE content_templates RENAME TO elsewhere")
    answer = factory.client.get("/api/content-templates", headers=factory.headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "growbase db upgrade" in answer.json()["detail"]


def test_a_healthy_server_says_so(client: Client, db: Database) -> None:
    found = client.get("/api/health").json()
    assert (found["status"], found["database"], found["engine"]) == ("healthy", "connected", db.engine)
    assert client.get("/ready").status_code == client.get("/live").status_code == 200
