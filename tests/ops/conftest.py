"""Installations to back up and restore."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backups import TEMPLATE, Site, install, site
from tests.postgres import PostgresServer, find_programs, postgres_server


@pytest.fixture(scope="session")
def small_server() -> Iterator[PostgresServer]:
    """Give a PostgreSQL server that holds nothing else, so that a backup of it is small."""
    programs = find_programs()
    if programs is None:
        pytest.fail("PostgreSQL is missing: run tests/install_postgres.sh, or test with --db sqlite", pytrace=False)
    with postgres_server(programs) as server:
        install(server.create_database(name=TEMPLATE))
        yield server


@pytest.fixture
def shop(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    """Give an installation on `engine`."""
    server = request.getfixturevalue("small_server") if engine == "postgres" else None
    with site(tmp_path, request.getfixturevalue("sqlite_template"), server) as found:
        yield found


@pytest.fixture
def sqlite_shop(tmp_path: Path, sqlite_template: Path) -> Iterator[Site]:
    """Give an installation on SQLite."""
    with site(tmp_path, sqlite_template, None) as found:
        yield found
