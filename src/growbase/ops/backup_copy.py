"""A second place of backups: it gets what it lacks of the first, as it is sealed, so that it restores alone."""

import os
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from growbase.core import clock
from growbase.core.errors import GrowbaseError, NotFound, Unavailable
from growbase.core.files import Entry
from growbase.core.types import moment_text, parse_moment
from growbase.ops import litestream, wal
from growbase.ops.backup import prune_vault
from growbase.ops.backup_files import FILES, list_files
from growbase.ops.vault import BASE, Manifest, Vault

LITESTREAM_AGE: Final = timedelta(hours=int(litestream.WINDOW.removesuffix("h"))) + timedelta(days=1)
"""After which a copy goes that Litestream itself has deleted."""


def copy_to(vault: Vault, other: Vault) -> int:
    """Copy what another place lacks, a backup's manifest last, then the log; return how many backups came there.

    A backup that is damaged keeps none of the others back; its error is raised at the end.
    """
    known = {manifest.id for manifest in other.manifests()}
    there = set(other.keys(FILES))
    broken: GrowbaseError | None = None
    came = 0
    for manifest in reversed(vault.manifests()):
        if manifest.id in known:
            continue
        try:
            _copy_backup(vault, other, manifest, there)
        except Unavailable:
            raise
        except GrowbaseError as error:
            broken = broken or error
        else:
            came += 1
    _copy_log(vault, other)
    _copy_litestream(vault, other)
    if broken is not None:
        raise broken
    return came


def _copy_backup(vault: Vault, other: Vault, manifest: Manifest, there: set[str]) -> None:
    for file in list_files(vault, manifest):
        if file.place not in there:
            other.store.store(file.place, vault.store.stream(file.place))
            there.add(file.place)
    for part in manifest.parts:
        key = f"{BASE}/{manifest.id}/{part.name}"
        other.store.store(key, vault.store.stream(key))
    other.finish(manifest)


def _copy_log(vault: Vault, other: Vault) -> None:
    """Copy what of PostgreSQL's log is new or has grown; it goes on being written meanwhile."""
    there = _entries(other, wal.FOLDER)
    for key, entry in sorted(_entries(vault, wal.FOLDER).items()):
        copy = there.get(key)
        if copy is None or copy.size != entry.size or copy.stored_at < entry.stored_at:
            with suppress(NotFound):  # finished since it was listed
                other.store.store(key, vault.store.stream(key))


def _copy_litestream(vault: Vault, other: Vault) -> None:
    """Copy what of Litestream's log is new, with the moment that it is of: in a folder it is the time of the file."""
    there = _entries(other, litestream.FOLDER)
    for key, entry in sorted(_entries(vault, litestream.FOLDER).items()):
        if key in there and there[key].size == entry.size:
            continue
        with suppress(NotFound):  # merged or thrown away since it was listed
            found = vault.store.fetch(key)
            moment = found.attributes.get(litestream.MOMENT) or moment_text(found.stored_at)
            other.store.store(key, found.chunks, {litestream.MOMENT: moment})
            if other.store.folder is not None:
                seconds = parse_moment(moment).timestamp()
                os.utime(other.store.folder / key, (seconds, seconds))


def _entries(vault: Vault, folder: str) -> dict[str, Entry]:
    return {entry.key: entry for batch in vault.store.entries(folder) for entry in batch}


def prune_copies(vault: Vault, other: Vault, days: int) -> list[str]:
    """Prune a second place, into which nobody but ``copy_to`` writes; return the ids of the backups that go."""
    now = clock.now()
    gone = prune_vault(other, now, days)
    _prune_litestream(vault, other, now)
    return gone


def _prune_litestream(vault: Vault, other: Vault, now: datetime) -> None:
    """Delete what Litestream has deleted in the first place, once it is too old to be needed for any moment."""
    there = _entries(vault, litestream.FOLDER)
    for key, entry in _entries(other, litestream.FOLDER).items():
        if key not in there and now - entry.stored_at > LITESTREAM_AGE:
            other.store.delete(key)
