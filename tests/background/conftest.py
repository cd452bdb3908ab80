"""The three set-ups on which background work must survive: SQLite, PostgreSQL, and PostgreSQL with Redis."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from growbase.cli.opening import install
from growbase.core.config import Settings
from tests.background.site import Site, open_site
from tests.fixtures import KEYRING
from tests.postgres import PostgresServer
from tests.servers import RedisServer, redis_server

SETUPS = {"sqlite": ["sqlite"], "postgres": ["postgres", "postgres+redis"]}
SETUPS["both"] = [*SETUPS["sqlite"], *SETUPS["postgres"]]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on each set-up if it, or a fixture of it, asks for `setup`, or once where there is `postgresql`."""
    asked = metafunc.config.getoption("--db")
    if "setup" in metafunc.fixturenames:
        metafunc.parametrize("setup", SETUPS[asked], scope="module")
    if "postgresql" in metafunc.fixturenames:
        metafunc.parametrize("postgresql", [] if asked == "sqlite" else ["postgresql"], scope="module")


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    """Give the Redis server of this test process."""
    with redis_server() as server:
        yield server


def installed(folder: Path, url: str) -> str:
    """Install Growbase as a user does and return the URL."""
    install(Settings(data_dir=folder, database_url=url, encryption_keys=KEYRING.serialise()))
    return url


@pytest.fixture(scope="session")
def installed_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a SQLite file with Growbase installed."""
    folder = tmp_path_factory.mktemp("installed")
    installed(folder, f"file:{folder}/growbase.db")
    return folder / "growbase.db"


@pytest.fixture(scope="session")
def installed_template(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the name of a PostgreSQL database with Growbase installed."""
    url = postgres.create_database(name="template_installed")
    installed(tmp_path_factory.mktemp("installed"), url)
    return "template_installed"


@pytest.fixture(scope="module")
def whole_site(setup: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Site]:
    """Give the site of a test file on one set-up."""
    folder = tmp_path_factory.mktemp("site")
    if setup == "sqlite":
        shutil.copy(request.getfixturevalue("installed_file"), folder / "growbase.db")
        with open_site(folder, f"file:{folder}/growbase.db") as site:
            yield site
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create_database(template=request.getfixturevalue("installed_template"))
    env = {"GROWBASE_REDIS_URL": request.getfixturevalue("redis").url} if "redis" in setup else {}
    with open_site(folder, url, **env) as site:
        yield site
    server.drop_database(url)


@pytest.fixture
def site(whole_site: Site) -> Iterator[Site]:
    """Give the site without a worker."""
    yield whole_site
    whole_site.stop()
