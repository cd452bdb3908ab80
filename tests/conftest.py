"""What every test may ask for: an engine, a new empty database on it, a private PostgreSQL server.

A test that asks for `engine`, or for anything built on it, runs once on each engine that `--db` names.
What is built on the package itself (`db`, `app`, `client`) lives in the plugin `tests/fixtures.py`.
"""

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.postgres import PostgresServer, find_programs, postgres_server

# Compiled code is kept whatever the environment says: each worker, and each process that a test starts, would make it
# anew, which takes longer than most tests.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Files of tests need not last: they are made in memory where there is room, which takes a fifth off the whole.
MEMORY = Path("/dev/shm")  # noqa: S108 -- folders of their own are made there
ROOM = 8_000_000_000
if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)

# What loading makes stays: nobody looks for garbage in it, now or during the tests.
gc.disable()

pytest_plugins = ["tests.fixtures", "tests.completions"]

# No test is timed: on a busy machine an example may take long.
settings.register_profile("growbase", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("growbase")

LONGEST = (
    "tests/background/",
    "tests/cli/test_new.py",
    "tests/ops/test_move.py",
    "tests/ops/test_own_domains.py",
    "tests/ops/test_regions.py",
    "tests/ops/test_restore.py",
    "tests/ops/test_seed.py",
    "tests/test_docs.py::test_the_guide",
    "tests/test_server.py",
)
"""Where tests of many seconds are: they come first, so that no worker is left alone with one at the end."""
ENGINES = {"sqlite": ["sqlite"], "postgres": ["postgres"], "both": ["sqlite", "postgres"]}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--db`."""
    parser.addoption("--db", choices=tuple(ENGINES), default="both", help="the engine(s) to test on (default: both)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once on each engine if it, or a fixture of it, asks for `engine`."""
    if "engine" in metafunc.fixturenames:
        metafunc.parametrize("engine", ENGINES[metafunc.config.getoption("--db")], scope="session")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first; the others stay in their order, which keeps together what shares a fixture."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_collection_finish() -> None:
    """Begin to look for garbage, in what tests make, and seldom."""
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
    gc.enable()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Give the private PostgreSQL server of this test process, started when the first test asks for it."""
    programs = find_programs()
    if programs is None:
        pytest.fail("PostgreSQL is missing: run tests/install_postgres.sh, or test with --db sqlite", pytrace=False)
    with postgres_server(programs) as server:
        yield server


@pytest.fixture
def new_postgres_database(postgres: PostgresServer) -> Iterator[Callable[..., str]]:
    """Give a function that creates a database, empty or a copy of `template=`, and returns its URL; all are dropped."""
    urls: list[str] = []

    def create(*, template: str = "template0") -> str:
        urls.append(postgres.create_database(template=template))
        return urls[-1]

    yield create
    for url in urls:
        postgres.drop_database(url)


@pytest.fixture
def database_url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Give the URL of a new, empty database on `engine`."""
    if engine == "sqlite":
        return f"sqlite:///{tmp_path / 'growbase.db'}"
    url: str = request.getfixturevalue("new_postgres_database")()
    return url
