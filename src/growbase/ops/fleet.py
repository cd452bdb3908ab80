"""How many connections a fleet of servers opens, and how many PostgreSQL lets in."""

from growbase.core.config import Settings
from growbase.core.database import Database

COMMANDS = 3
"""Connections left for commands, migrations and a look by hand."""


def connections_wanted(settings: Settings, *, processes: int, machines: int = 1) -> int:
    """Return how many connections to the primary all server processes may open at once, commands included.

    Each has its pool, and one that listens for jobs unless Redis tells of them. A ``growbase worker`` is one more.
    """
    listening = 0 if settings.redis_url is not None else 1
    return machines * processes * (settings.pool_max + listening) + COMMANDS


def connections_allowed(database: Database) -> int:
    """Return how many connections PostgreSQL lets ordinary users open."""
    names = ("max_connections", "superuser_reserved_connections")
    sql = f"SELECT name, setting::int FROM pg_settings WHERE name IN {names}"
    found = {name: int(value) for name, value in database.query(sql)}
    return found["max_connections"] - found["superuser_reserved_connections"]
