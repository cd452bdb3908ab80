"""The continuous log of PostgreSQL."""

from pathlib import Path

from growbase.core.config import Settings
from growbase.ops.vault import Manifest, Vault


def log_of(settings: Settings) -> dict[str, str]:
    """Return."""
    return {}


def fetch_log(settings: Settings, vault: Vault, manifest: Manifest, folder: Path) -> bool:
    """Fetch."""
    return False
