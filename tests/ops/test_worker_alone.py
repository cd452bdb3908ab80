"""Without `growbase serve` workers copy every commit, one machine at a time, and wait for a database that is down."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from growbase import wiring
from growbase.ops import wal
from growbase.ops.backup import backup_now
from growbase.ops.restore import restore
from growbase.ops.vault import Vault
from tests.backups import Site, complete, forget_slot, log_has_begun, site
from tests.postgres import PostgresServer
from tests.processes import start, stop, wait_until

PATIENCE = 120.0
"""Seconds for processes to start on a machine that is busy with other tests."""
RECEIVERS = "SELECT count(*) FROM pg_stat_replication WHERE application_name = 'pg_receivewal'"


@contextmanager
def machine(shop: Site, name: str, *command: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command on another machine: with a data folder of its own and the keys of all."""
    folder = shop.settings.data_dir.parent / name
    folder.mkdir()
    shutil.copy(shop.settings.data_dir / "keyring", folder / "keyring")
    env = {**shop.environment, "GROWBASE_DATA_DIR": str(folder)}
    with (folder / "log").open("wb") as output:
        process = start([sys.executable, "-m", "growbase", *command], env=env, cwd=folder, output=output)
    try:
        yield process
    finally:
        stop(process)


def said(shop: Site, name: str) -> str:
    return (shop.settings.data_dir.parent / name / "log").read_text()


def test_a_worker_without_a_server_copies_every_commit(tmp_path: Path, sqlite_template: Path) -> None:
    with site(tmp_path, sqlite_template, None, backup_url=str(tmp_path / "vault")) as shop:
        complete(shop)
        process = shop.command("worker")
        try:
            wait_until(lambda: log_has_begun(shop), "the continuous log", process, timeout=PATIENCE)
        finally:
            stop(process)
            process.communicate()


def test_one_machine_of_a_fleet_receives_and_another_one_goes_on_when_it_is_lost(
    small_server: PostgresServer, tmp_path: Path
) -> None:
    target = Path(tempfile.gettempdir()) / f"growbase-test-fleet-{os.getpid()}"  # PostgreSQL's user must get there
    with ExitStack() as stack:
        (tmp_path / "home").mkdir()
        shop = stack.enter_context(site(tmp_path / "home", None, small_server, backup_url=str(tmp_path / "vault")))
        complete(shop)
        stack.callback(shutil.rmtree, target, ignore_errors=True)
        stack.callback(forget_slot, shop)
        workers = {name: stack.enter_context(machine(shop, name, "worker")) for name in ("a", "b")}
        wait_until(lambda: receivers(shop) == 1 and log_has_begun(shop), "the continuous log", timeout=PATIENCE)
        shop.add("first")
        holder, other = ("a", "b") if "backup_log.up" in said(shop, "a") else ("b", "a")
        assert "backup_log" not in said(shop, other)
        workers[holder].kill()
        workers[holder].wait()
        wait_until(
            lambda: "backup_log.up" in said(shop, other) and receivers(shop) == 1,
            "the other machine",
            timeout=PATIENCE,
        )
        assert "backup_log.down" not in said(shop, other)
        shop.add("second")
        between = datetime.now(UTC)
        shop.add("third")
        stop(workers[other])  # which stores what it has
        assert len(shop.vault.manifests()) == 1
        done = restore(shop.settings, shop.vault, wiring.open_database, at=between, to=str(target))
        assert done.by_log
        assert done.contents.rows["brands"] == 2


def receivers(shop: Site) -> int:
    with psycopg.connect(shop.settings.database) as connection:
        row = connection.execute(RECEIVERS).fetchone()
    assert row is not None
    return int(row[0])


def test_a_log_with_a_gap_begins_anew_with_a_backup(small_server: PostgresServer, tmp_path: Path) -> None:
    with site(tmp_path, None, small_server, backup_url=str(tmp_path / "vault")) as shop:
        name = wal.ensure_slot(shop.settings)
        generation = name.removeprefix(wal.SLOT)
        begin, _ = wal._begin_of(shop.settings, name)
        assert not wal._goes_on(shop.vault, generation, begin, "before")
        first = backup_now(shop.settings, shop.vault)
        assert wal._goes_on(shop.vault, generation, begin, "before")
        late = f"{first.log['segment'][:23]}F"
        assert not wal._goes_on(shop.vault, generation, late, "before")
        shop.vault.keep(f"wal/{generation}/before", [b"a segment"])
        assert wal._goes_on(shop.vault, generation, late, "before")
        came_later(shop, generation, first.log["segment"])
        forget_slot(shop)


def came_later(shop: Site, generation: str, segment: str) -> None:
    """See that a machine stores what it received once, and makes room for what the server has now."""
    state = wal.Shipping(shop.settings, shop.vault)
    state.begin(generation)
    last, growing = f"{segment[:22]}E0", f"{segment[:22]}E1.partial"
    (state.folder / last).write_bytes(b"received")
    (state.folder / growing).write_bytes(b"part")
    state.catch_up(f"{segment[:22]}E1")
    assert stored(shop.vault, generation) == {last, "before"}
    assert len(list(state.folder.iterdir())) == 2
    state.catch_up(f"{segment[:22]}E2")
    assert not list(state.folder.iterdir())


def stored(vault: Vault, generation: str) -> set[str]:
    return {key.rpartition("/")[2] for key in vault.keys(f"wal/{generation}")}


def test_a_slot_whose_log_the_server_has_thrown_away_makes_room_for_a_new_one(
    small_server: PostgresServer, tmp_path: Path
) -> None:
    with site(tmp_path, None, small_server, backup_url=str(tmp_path / "vault")) as shop:
        name = wal.ensure_slot(shop.settings)
        assert wal.ensure_slot(shop.settings) == name
        small_server.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
        small_server.execute("SELECT pg_reload_conf()")
        try:
            for step in range(3):
                shop.add(f"{step}")
                small_server.execute("SELECT pg_switch_wal()")
            small_server.execute("CHECKPOINT")
            assert wal.ensure_slot(shop.settings) > name
        finally:
            small_server.execute("ALTER SYSTEM RESET max_slot_wal_keep_size")
            small_server.execute("SELECT pg_reload_conf()")
            forget_slot(shop)


def test_workers_and_servers_wait_for_a_database_server_that_is_down(
    small_server: PostgresServer, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        (tmp_path / "home").mkdir()
        shop = stack.enter_context(site(tmp_path / "home", None, small_server))
        complete(shop)
        small_server.stop(signal.SIGINT)
        try:
            commands = {"worker": "Working on all queues", "serve": "Listening on"}
            processes = {name: stack.enter_context(machine(shop, name, name)) for name in commands}
            wait_until(
                lambda: all("waiting for it" in said(shop, name) for name in commands), "the warnings", timeout=PATIENCE
            )
            assert f"127.0.0.1:{small_server.port} does not answer: waiting for it" in said(shop, "worker")
            assert all(process.poll() is None for process in processes.values())
        finally:
            small_server.start_again()
        wait_until(
            lambda: all(text in said(shop, name) for name, text in commands.items()), "both at work", timeout=PATIENCE
        )
