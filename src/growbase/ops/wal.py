"""The continuous log of PostgreSQL: received by pg_receivewal as it is written, sealed, and kept beside the backups.

The server's replication slot carries the name of the generation, so that a restored server, which has no slot, begins a
new one.
"""

import re
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from growbase.core import telemetry
from growbase.core.errors import GrowbaseError
from growbase.ops.backup import read_in_chunks, write_chunks
from growbase.ops.connections import connect_postgresql
from growbase.ops.copies import stamp
from growbase.ops.postgres_programs import login, program
from growbase.ops.supervise import Supervisor, plain_environment
from growbase.ops.turn import Turn
from growbase.ops.vault import Manifest, Vault

if TYPE_CHECKING:
    from growbase.core.config import Settings

FOLDER: Final = "wal"
SLOT: Final = "growbase_"
SHIP_SECONDS: Final = 5.0
"""How often the unfinished segment is stored, too: what a machine that is lost can take with it."""
PARTIAL: Final = ".partial"
_SEGMENT: Final = re.compile(r"[0-9A-F]{24}")


def slot(settings: "Settings") -> str | None:
    """Return the name of our replication slot, None if the server has none."""
    sql = f"SELECT slot_name FROM pg_replication_slots WHERE slot_name LIKE '{SLOT}%' ORDER BY slot_name DESC LIMIT 1"
    with connect_postgresql(settings) as connection:
        row = connection.execute(sql).fetchone()
    return str(row[0]) if row else None


def ensure_slot(settings: "Settings") -> str:
    """Return our replication slot, made if there is none; from then on the server keeps what we have not received.

    One whose log the server has thrown away (``max_slot_wal_keep_size``) makes room for a new one.
    """
    with connect_postgresql(settings) as connection:
        connection.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
            "WHERE slot_name LIKE %s AND NOT active AND wal_status = 'lost'",
            (f"{SLOT}%",),
        )
    found = slot(settings)
    if found is None:
        found = f"{SLOT}{stamp().lower()}"
        with connect_postgresql(settings) as connection:
            connection.execute("SELECT pg_create_physical_replication_slot(%s, true)", (found,))
    return found


def _begin_of(settings: "Settings", name: str) -> tuple[str, str]:
    """Return the segment from which the server keeps the log for a slot, and the one before it."""
    sql = (
        "SELECT pg_walfile_name(restart_lsn), pg_walfile_name(restart_lsn - "
        "(SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size')) "
        "FROM pg_replication_slots WHERE slot_name = %s"
    )
    with connect_postgresql(settings) as connection:
        begin, before = connection.execute(sql, (name,)).fetchone()
    return str(begin), str(before)


def drop_slot(settings: "Settings") -> None:
    """Give up the continuous log, so that the server need not keep its segments for it."""
    with connect_postgresql(settings) as connection:
        connection.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
            "WHERE slot_name LIKE %s AND NOT active",
            (f"{SLOT}%",),
        )


def log_of(settings: "Settings") -> dict[str, str]:
    """Return the generation that a base backup taken from now on belongs to, and its first segment."""
    found = slot(settings)
    if found is None:
        return {}
    with connect_postgresql(settings) as connection:
        (segment,) = connection.execute("SELECT pg_walfile_name(pg_current_wal_insert_lsn())").fetchone()
    return {"generation": found.removeprefix(SLOT), "segment": str(segment)}


def supervisor(
    settings: "Settings", vault: Vault, backup: Callable[[], object], *, every: float = SHIP_SECONDS
) -> Supervisor:
    """Return what keeps pg_receivewal running and stores what it receives; ``backup`` begins a new generation."""
    state = Shipping(settings, vault, every)

    def prepare() -> tuple[Sequence[str], Mapping[str, str]]:
        name = ensure_slot(settings)
        generation = name.removeprefix(SLOT)
        state.begin(generation)
        begin, before = _begin_of(settings, name)
        state.catch_up(begin)
        if not _goes_on(vault, generation, begin, before):
            backup()
        with connect_postgresql(settings) as connection:
            major = connection.info.server_version // 10_000
        plain, environment = login(settings.direct_database)
        command = [program("pg_receivewal", major), "--directory", str(state.folder), "--slot", name]
        command += ["--synchronous", "--no-loop", "--no-password", "--dbname", plain]
        secret = {name: value for name, value in environment.items() if name == "PGPASSWORD"}
        return command, plain_environment(**secret)

    lock = (settings.data_dir / FOLDER / "continuous.lock").absolute()
    return Supervisor(lock, prepare, state.ship, turn=Turn(settings, "backup"))


def _goes_on(vault: Vault, generation: str, begin: str, before: str) -> bool:
    """Return whether a stored backup and the log stored since reach to where the server's begins.

    They do not where a machine was lost with segments that it had received and not yet stored.
    """
    bases = [manifest.log["segment"] for manifest in vault.manifests() if manifest.log.get("generation") == generation]
    if not bases:
        return False
    return max(bases) >= begin or f"{FOLDER}/{generation}/{before}" in vault.keys(f"{FOLDER}/{generation}")


class Shipping:
    """What of the received log is stored already."""

    def __init__(self, settings: "Settings", vault: Vault, every: float = SHIP_SECONDS) -> None:
        self.vault = vault
        self.root = settings.data_dir.absolute() / FOLDER
        self.folder = self.root
        self.generation = ""
        self.every = every
        self._stored: dict[str, int] = {}
        self._next = 0.0

    def begin(self, generation: str) -> None:
        """Receive into the folder of this generation; those of others are over."""
        self.generation = generation
        self.folder = self.root / generation
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in self.root.iterdir():
            if old.is_dir() and old != self.folder:
                shutil.rmtree(old, ignore_errors=True)

    def catch_up(self, begin: str) -> None:
        """Store what was received here before another machine had its turn, and go on from the segment ``begin``.

        Raises Unavailable.
        """
        for path in self.folder.iterdir():
            if path.name.endswith(PARTIAL) and path.name >= begin:
                # Another machine may have stored more of it; it is received again from its beginning.
                self._stored.setdefault(path.name, path.stat().st_mtime_ns)
        self._ship()
        received = [path for path in self.folder.iterdir() if _SEGMENT.match(path.name)]
        if all(path.name[:24] < begin for path in received):
            # pg_receivewal would ask for what follows them, which the server has no more.
            for path in received:
                path.unlink()

    def ship(self) -> None:
        """Store what is new, at most every few seconds; finished segments go from the folder but for the newest."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self.every
        try:
            self._ship()
        except (GrowbaseError, OSError) as error:
            telemetry.instrument("backup_log.not_stored", level="error", reason=str(error))

    def _ship(self) -> None:
        finished = []
        for path in sorted(self.folder.iterdir()):
            changed = path.stat().st_mtime_ns
            if self._stored.get(path.name) != changed:
                self.vault.keep(f"{FOLDER}/{self.generation}/{path.name}", read_in_chunks(path))
                self._stored[path.name] = changed
            if _SEGMENT.fullmatch(path.name):
                finished.append(path)
                self.vault.store.delete(f"{FOLDER}/{self.generation}/{path.name}{PARTIAL}")
                self._stored.pop(path.name + PARTIAL, None)
        # pg_receivewal goes on after the newest file it finds.
        for path in finished[:-1]:
            path.unlink()
            self._stored.pop(path.name, None)


def fetch_log(settings: "Settings", vault: Vault, manifest: Manifest, folder: Path) -> bool:
    """Write the log that follows a base backup into a folder and return whether there is any."""
    generation, first = manifest.log["generation"], manifest.log["segment"]
    prefix = f"{FOLDER}/{generation}/"
    found = 0
    for key in vault.keys(f"{FOLDER}/{generation}"):
        name = key.removeprefix(prefix)
        if _is_wanted(name, first):
            write_chunks(folder / name, vault.fetch(key))
            found += 1
    local = settings.data_dir / FOLDER / generation
    for path in sorted(local.iterdir()) if local.is_dir() else ():
        if _is_wanted(path.name, first):
            # More of it is here, unless another machine has received since.
            if _reach(path) >= _reach(folder / path.name):
                shutil.copyfile(path, folder / path.name)
            found += 1
    for path in folder.iterdir():
        path.chmod(0o644)
    return found > 0


def _reach(path: Path) -> int:
    """Return up to where a segment has been written; what follows is zeros."""
    return len(path.read_bytes().rstrip(b"\0")) if path.exists() else -1


def _is_wanted(name: str, first: str) -> bool:
    """Return whether a file of the log is a history or a segment from the first one on, on whichever timeline."""
    return name.endswith(".history") or name[8:24] >= first[8:24]


def prune_log(vault: Vault, staying: Sequence[Manifest], now: datetime, age: timedelta) -> None:
    """Delete segments from before the first base backup of their generation that stays, a day after they came."""
    firsts: dict[str, str] = {}
    for manifest in staying:
        if manifest.log:
            known = firsts.get(manifest.log["generation"], "F" * 24)
            firsts[manifest.log["generation"]] = min(known, manifest.log["segment"])
    for batch in vault.store.entries(FOLDER):
        for entry in batch:
            _, generation, name = entry.key.split("/")
            if now - entry.stored_at > age and not _is_wanted(name, firsts.get(generation, "F" * 24)):
                vault.store.delete(entry.key)
