"""What is written down of backups: rows for operators, figures for Prometheus."""

from collections.abc import Callable

from growbase.core.config import Settings
from growbase.ops.backup import backup_now
from growbase.ops.vault import Manifest, Vault


def recorded_backup(
    settings: Settings, vault: Vault, progress: Callable[[int, int], None] = lambda *_: None
) -> Manifest:
    """Take."""
    return backup_now(settings, vault, progress)
