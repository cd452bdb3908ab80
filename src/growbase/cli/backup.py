"""Backups."""

from growbase.cli.opening import load
from growbase.cli.output import say


def now() -> None:
    """Write a backup into the data folder; the server goes on meanwhile."""
    settings = load()
    from growbase.ops.backup import backup_now

    say(f"Written: {backup_now(settings)}")
