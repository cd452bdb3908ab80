"""The continuous copy of a SQLite database by Litestream: its configuration, and restoring to a moment from it."""

from datetime import datetime
from pathlib import Path

from growbase.core.config import Settings
from growbase.ops.contents import Contents


def generation_at(settings: Settings, at: datetime) -> str | None:
    """Return the log that covers a moment."""
    return None


def restore_to(settings: Settings, at: datetime, path: Path) -> Contents | None:
    """Restore."""
    return None
