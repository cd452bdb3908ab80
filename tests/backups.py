"""An installation to back up: settings, database, keys and files on either engine, and its commands as processes."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from growbase import wiring
from growbase.cli.opening import install as migrated
from growbase.core import ddl
from growbase.core.actor import Actor
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.files import open_files
from growbase.domains.marketing.models import Brand
from growbase.domains.marketing.models_assets import Asset
from growbase.ops import litestream, wal
from growbase.ops.backup import backup_now
from growbase.ops.migrate import stamp
from growbase.ops.supervise import Supervisor
from growbase.ops.vault import Vault, open_vault
from tests.fixtures import make_tenant
from tests.postgres import PostgresServer
from tests.processes import start, wait_until

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = "template_growbase"
"""The database of a PostgreSQL server from which installations are copied."""


@dataclass(frozen=True)
class Site:
    """One installation, its owner, and the place of its backups."""

    settings: Settings
    database: Database
    owner: Actor
    vault: Vault
    environment: dict[str, str]

    def add(self, name: str) -> UUID:
        """Write a row."""
        return self.database.write(self.owner, lambda tx: tx.insert(Brand, name=name))

    def add_file(self, name: str, content: bytes) -> str:
        """Store a file with its row and return its key."""
        key = f"{self.owner.organization_id}/{name}"
        open_files(self.settings).store(key, [content])
        values: dict[str, Any] = {
            "original_filename": name,
            "storage_provider": open_files(self.settings).provider,
            "storage_bucket": open_files(self.settings).bucket,
            "storage_key": key,
            "mime_type": "text/plain",
            "size_bytes": len(content),
            "sha256": sha256(content).hexdigest(),
        }
        self.database.write(self.owner, lambda tx: tx.insert(Asset, **values))
        return key

    def command(self, *arguments: str, **environment: str) -> "subprocess.Popen[bytes]":
        """Start ``growbase <arguments>`` for this installation."""
        command = [sys.executable, "-m", "growbase", *arguments]
        output = subprocess.PIPE
        return start(command, env={**self.environment, **environment}, cwd=self.settings.data_dir, output=output)

    def run(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """Run ``growbase <arguments>`` to its end and return its code and what it printed."""
        with self.command(*arguments, **environment) as process:
            printed, _ = process.communicate(timeout=60)
        return process.returncode, printed.decode()


@contextmanager
def copying(shop: Site) -> Iterator[Supervisor]:
    """Copy the commits of an installation as they come while the block runs, which begins when the log has."""
    if shop.settings.is_postgresql:
        found = wal.supervisor(shop.settings, shop.vault, lambda: backup_now(shop.settings, shop.vault), every=0.2)
    else:
        found = litestream.supervisor(shop.settings)
    found.start()
    try:
        wait_until(lambda: log_has_begun(shop), "the continuous log")
        yield found
    finally:
        found.stop()


def log_has_begun(shop: Site) -> bool:
    """Return whether a moment can be restored."""
    if shop.settings.is_postgresql:
        return bool(shop.vault.keys("wal")) and bool(shop.vault.manifests())
    return bool(shop.vault.keys("litestream"))


def forget_slot(shop: Site) -> None:
    """Drop the replication slot, which the server frees a moment after its receiver has gone."""
    if shop.settings.is_postgresql:

        def is_gone() -> bool:
            wal.drop_slot(shop.settings)
            return wal.slot(shop.settings) is None

        wait_until(is_gone, "the slot to go")


def names(database_url: str) -> set[str]:
    """Return the brands in a database as another program reads them."""
    sql = "SELECT name FROM brands"
    if database_url.startswith("postgresql:"):
        with psycopg.connect(database_url) as connection:
            return {row[0] for row in connection.execute(sql)}
    import pysqlite3

    connection = pysqlite3.connect(database_url)
    try:
        return {row[0] for row in connection.execute(sql)}
    finally:
        connection.close()


def complete(shop: Site) -> None:
    """Write what an installation has beside its tables, without which no server or worker starts on it."""
    stamp(shop.settings)
    migrated(shop.settings)


def install(url: str) -> None:
    """Install the schema in an empty PostgreSQL database."""
    wiring.catalog()
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in ddl.statements("postgresql"):
            connection.execute(statement.encode())


@contextmanager
def site(folder: Path, template: Path | None, server: PostgresServer | None, **over: str) -> Iterator[Site]:
    """Make an installation in a folder while the block runs."""
    wiring.catalog()
    if server is None:
        assert template is not None
        url = f"sqlite:///{folder / 'growbase.db'}"
        shutil.copy(template, folder / "growbase.db")
    else:
        url = server.create_database(template=TEMPLATE)
    settings = Settings.model_validate({"data_dir": folder, "database_url": url, **over})
    database = wiring.open_database(settings)
    variables = {f"GROWBASE_{name.upper()}": value for name, value in over.items()}
    environment = {"GROWBASE_DATA_DIR": str(folder), "GROWBASE_DATABASE_URL": url, **variables}
    environment["PYTHONPATH"] = str(ROOT / "src")
    try:
        owner = make_tenant(database, "Acme").owner
        yield Site(settings, database, owner, open_vault(settings, wiring.keyring(settings)), environment)
    finally:
        database.close()
        if server is not None:
            server.drop_database(url)
