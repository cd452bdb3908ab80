"""Settings and databases as commands need them, and the confirmations they ask for."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from growbase.cli.output import warn

if TYPE_CHECKING:
    from growbase.core.config import Settings
    from growbase.core.database import Database
    from growbase.ops.migrate import Care
    from growbase.ops.seed import Seeded


def load_to_run() -> "Settings":
    """Do as ``load`` for a process that stays: print the warnings, and wait for a database server that is down."""
    from growbase.ops.connections import await_server

    settings = load(quiet=False)
    await_server(settings, warn)
    return settings


def load(*, quiet: bool = True) -> "Settings":
    """Read the settings and load the models; unless ``quiet``, print the warnings. Raises ConfigError."""
    from growbase.core.loading import loading

    with loading():
        from growbase.core.config import load_settings
        from growbase.wiring import catalog

        settings = load_settings()
        if not quiet:
            for problem in settings.problems()[1]:
                warn(f"{problem.field} {problem.text()}")
        catalog(settings.domains)
    return settings


@contextmanager
def opened(settings: "Settings") -> Iterator["Database"]:
    """Give the open database, which goes on with the new one when its data move.

    Raises SchemaOutdated, Unavailable, KeyMissing, KeyDiffers.
    """
    from growbase.ops.keyring import require_keys
    from growbase.ops.migrate import require_current
    from growbase.wiring import follow_database

    require_current(settings)
    database = follow_database(settings)
    try:
        require_keys(database)
        yield database
    finally:
        database.close()


def careful(settings: "Settings", *, backup: bool, lock_timeout: float) -> "Care":
    """Return how a schema is moved as the options say: a SQLite file is copied, of PostgreSQL a backup is taken."""
    from growbase.ops.backup import backup_now
    from growbase.ops.migrate import Care
    from growbase.ops.vault import open_vault
    from growbase.wiring import keyring

    def take() -> None:
        backup_now(settings, open_vault(settings, keyring(settings)))

    takes = take if backup and settings.is_postgresql else None
    return Care(copies=backup, backup=takes, lock_seconds=lock_timeout)


def install(settings: "Settings", care: "Care | None" = None) -> list[str]:
    """Make the data folder and bring schema, facts and reference data up to date; return the applied revisions."""
    from growbase.ops.guard import install_facts
    from growbase.ops.keyring import prove
    from growbase.ops.migrate import CAREFUL, is_ahead, upgrade
    from growbase.ops.privacy import replay_erasures
    from growbase.ops.reference import install_reference_data

    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    applied = upgrade(settings, care=care or CAREFUL)
    with opened(settings) as database:
        install_facts(database, settings)
        prove(database)
        if applied:  # to a database that may have been restored
            warn_held(replay_erasures(database, settings.data_dir).held)
        if not is_ahead(settings):  # what a newer version has brought stays
            install_reference_data(database)
    return applied


def warn_held(people: int) -> None:
    """Say that holds of a restored backup keep people who had been erased."""
    if people:
        warn(f"legal holds of then keep {people} people who had been erased: release them and erase again")


def confirmed(settings: "Settings", typed: str | None) -> str | None:
    """Return the name given with ``--yes``, or what a person at a terminal types."""
    from growbase.ops.connections import database_name

    if typed is not None or not sys.stdin.isatty():
        return typed
    sys.stdout.write(f"This can destroy data. Type the database's name ({database_name(settings)}) to go on: ")
    sys.stdout.flush()
    return sys.stdin.readline().strip()


def seeded_lines(seeded: "Seeded") -> list[str]:
    """Return what is shown once of users and key that a seed has made."""
    lines = [f"{email}  password: {password}" for email, password in seeded.passwords.items()]
    if seeded.api_key:
        lines.append(f"API key: {seeded.api_key}")
    return lines
