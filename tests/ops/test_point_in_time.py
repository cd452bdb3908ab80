"""A restore to a time between two writes has the first and not the second, by the continuous log of either engine."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from growbase import wiring
from growbase.core.errors import NotFound
from growbase.ops import litestream
from growbase.ops.backup import backup_now
from growbase.ops.postgres_programs import PastTheLog, own_server
from growbase.ops.restore import restore
from growbase.ops.supervise import Supervisor
from tests.backups import Site, copying, forget_slot, names, site
from tests.processes import wait_until


@pytest.fixture
def logged(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    """Give an installation whose commits are copied as they come."""
    server = request.getfixturevalue("small_server") if engine == "postgres" else None
    url = str(tmp_path / "vault")
    with site(tmp_path, request.getfixturevalue("sqlite_template"), server, backup_url=url) as found:
        yield found
        forget_slot(found)


@pytest.fixture
def supervisor(logged: Site) -> Iterator[Supervisor]:
    """Give what copies the commits of the installation, at work."""
    with copying(logged) as found:
        yield found


def test_a_moment_between_two_writes_has_the_first_only(logged: Site, supervisor: Supervisor) -> None:
    logged.add("first")
    time.sleep(1.5)  # the embedded engine's log has a step a second
    between = datetime.now(UTC)
    time.sleep(1.5)
    logged.add("second")
    time.sleep(1.5)
    supervisor.stop()
    target = Path(tempfile.gettempdir()) / f"growbase-test-{os.getpid()}"  # PostgreSQL's user must get there
    try:
        done = restore(logged.settings, logged.vault, wiring.open_database, at=between, to=str(target))
        assert done.by_log
        assert done.reached is not None
        assert datetime.fromisoformat(done.reached) <= between
        if logged.settings.is_postgresql:
            with own_server(target / "data", 15, "growbase", {}) as server:
                assert names(server.url(logged.settings.database.rpartition("/")[2])) == {"first"}
            shutil.rmtree(target)
            with pytest.raises(PastTheLog, match="the last change in it is of 20"):
                restore(logged.settings, logged.vault, wiring.open_database, at=datetime.now(UTC), to=str(target))
            assert not (target / "data").exists()
        else:
            assert names(str(target / "growbase.db")) == {"first"}
            logged.database.close()
            generation = litestream.current_generation(logged.settings)
            assert restore(logged.settings, logged.vault, wiring.open_database, at=between).by_log
            assert names(str(logged.settings.sqlite_path)) == {"first"}
            assert litestream.current_generation(logged.settings) > generation
    finally:
        shutil.rmtree(target, ignore_errors=True)


def test_a_child_that_dies_is_started_again_and_goes_when_we_stop(logged: Site, supervisor: Supervisor) -> None:
    first = supervisor.child
    assert first is not None
    os.kill(first.pid, signal.SIGKILL)
    wait_until(lambda: supervisor.child is not first, "the next child")
    second = supervisor.child
    assert second is not None
    supervisor.stop()
    assert second.poll() is not None


def test_without_a_log_the_newest_backup_before_the_moment_is_taken(sqlite_shop: Site, tmp_path: Path) -> None:
    sqlite_shop.add("first")
    manifest = backup_now(sqlite_shop.settings, sqlite_shop.vault)
    sqlite_shop.add("second")
    done = restore(
        sqlite_shop.settings, sqlite_shop.vault, wiring.open_database, at=datetime.now(UTC), to=str(tmp_path / "beside")
    )
    assert (done.backup, done.by_log) == (manifest.id, False)
    with pytest.raises(NotFound):
        restore(sqlite_shop.settings, sqlite_shop.vault, wiring.open_database, id="no such", to=str(tmp_path / "other"))
