"""What stands between a person and the loss of data: a typed confirmation, and never in production."""

from growbase.core.actor import system
from growbase.core.clock import new_id, now
from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError, Invalid, Unavailable
from growbase.core.facts import hold
from growbase.core.tables import InstanceFact
from growbase.core.transaction import Transaction
from growbase.core.types import moment_text
from growbase.ops.connections import database_name, reader, translated

PRODUCTION = "production"
"""The instance fact that marks a database; it stays when the database is opened with development settings."""


class NotConfirmed(Invalid):
    """Data of {name} can be destroyed by this.

    If you mean it, repeat the command with --yes {name}.
    """

    code = "not_confirmed"


class InProduction(GrowbaseError):
    """{name} is a production database, on which this is refused.

    Take a backup and restore an earlier one, or write a migration that goes forward.
    """

    code = "in_production"


def is_production(settings: Settings) -> bool:
    """Return whether the settings, or the database itself, say that it is a production database."""
    if settings.is_production:
        return True
    path = settings.sqlite_path
    if path is not None and not path.exists():
        return False
    try:
        with reader(settings) as rows:
            return bool(rows(f"SELECT 1 FROM instance_facts WHERE name = '{PRODUCTION}'"))
    except Exception as error:
        plain = translated(error)
        if isinstance(plain, Unavailable) and "instance_facts" in str(plain):
            return False  # no schema yet
        raise plain from error


def require_consent(settings: Settings, typed: str | None) -> None:
    """Raise InProduction, or NotConfirmed unless ``typed`` is the database's name."""
    name = database_name(settings)
    if is_production(settings):
        raise InProduction(name=name)
    if typed != name:
        raise NotConfirmed(name=name)


def install_facts(database: Database, settings: Settings) -> None:
    """Give the database its id and, for production settings, its mark; what is there stays."""
    facts = {"instance_id": str(new_id()), "created_at": moment_text(now())}
    if settings.is_production:
        facts[PRODUCTION] = "true"

    def unit(tx: Transaction) -> None:
        hold(tx, "facts")
        known = {fact.name for fact in tx.rows(InstanceFact)}
        new = [{"name": name, "value": value} for name, value in facts.items() if name not in known]
        tx.insert_facts(InstanceFact, new, ignore=True)

    database.write(system("install"), unit)
