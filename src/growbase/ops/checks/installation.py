"""Checks of the installation: schema, settings, keys, disk, permissions."""

import shutil
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from growbase.core.errors import GrowbaseError
from growbase.ops import keyring
from growbase.ops.checks.finding import Finding, Patient, error, warning
from growbase.ops.drift import find_drift
from growbase.ops.migrate import pending

MEGABYTE: Final = 1024 * 1024
FEW: Final = 4
"""Part of the wanted free space below which it is an error."""


def migrations(patient: Patient) -> Iterator[Finding]:
    """Look for revisions that the database lacks."""
    missing = pending(patient.settings)
    if missing:
        yield error(f"The schema lacks {', '.join(missing)}.", "schema", "Run growbase db upgrade.")


def drift(patient: Patient) -> Iterator[Finding]:
    """Compare the live schema with the declared one."""
    if not patient.deep:
        return
    for found in find_drift(patient.settings):
        yield error(
            f"The schema is not what is declared: {found.text()}",
            found.what,
            "Somebody has changed it by hand: growbase db check shows all; undo it, or write a revision.",
        )


def settings(patient: Patient) -> Iterator[Finding]:
    """Look for settings that contradict each other or are unsafe."""
    errors, notes = patient.settings.problems()
    for problem in errors:
        yield error(f"{problem.field} {problem.text()}", problem.field, "Correct the setting and restart.")
    for problem in notes:
        yield warning(f"{problem.field} {problem.text()}", problem.field, "Correct the setting and restart.")


def keys(patient: Patient) -> Iterator[Finding]:
    """Look whether the keyring opens what the database holds."""
    fix = "Put the right key back at the end of GROWBASE_ENCRYPTION_KEYS or of the keyring file."
    try:
        keyring.require_keys(patient.database)
    except GrowbaseError as problem:
        yield error(str(problem), "keyring", fix)
    for column, counts in keyring.status(patient.database).items():
        if counts.get("?"):
            yield error(f"{counts['?']} values were sealed with a key that nobody knows.", column, fix)


def disk(patient: Patient) -> Iterator[Finding]:
    """Look how much is free where the data is."""
    wanted = patient.settings.disk_free_min_mb
    folder = patient.settings.data_dir
    path = patient.settings.sqlite_path
    for place in {folder.absolute(), *([path.parent] if path else [])}:
        if not place.exists():
            continue
        free = shutil.disk_usage(place).free // MEGABYTE
        if free < wanted:
            finding = error if free < wanted / FEW else warning
            yield finding(
                f"{free} MB are free, {wanted} MB should be (GROWBASE_DISK_FREE_MIN_MB).",
                str(place),
                "Make room or enlarge the disk: when it is full, every write is refused.",
            )


def permissions(patient: Patient) -> Iterator[Finding]:
    """Look whether other users of the machine can read keys or data."""
    folder = patient.settings.data_dir
    for path in (folder / "keyring", folder / "secret.key"):
        if path.exists() and _mode(path) & 0o077:
            yield error(
                f"Other users of this machine can read it (mode {_mode(path):03o}).",
                str(path),
                "Set its mode to 600; if others may have read it, rotate the keys.",
                partial(path.chmod, 0o600),
            )
    if folder.exists() and _mode(folder) & 0o077:
        yield warning(
            f"Other users of this machine can look into the data folder (mode {_mode(folder):03o}).",
            str(folder),
            "Set its mode to 700.",
            partial(folder.chmod, 0o700),
        )


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
