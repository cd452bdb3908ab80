"""The record of who was erased, by keyed hash and ids alone, which a restored backup is held to."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from growbase.core import clock
from growbase.core.actor import PEOPLE
from growbase.core.crypto import Keyring, derive_key, keyed_hash
from growbase.core.tables import Erasure
from growbase.core.transaction import Transaction

FILE: Final = "erasures.jsonl"
"""In the data folder: what was erased after a backup stands in no table of it."""
PURPOSE: Final = "erasures"


def note_erasure(
    tx: Transaction, address: str, organization_id: UUID | None, roots: Mapping[str, Iterable[UUID]]
) -> UUID:
    """Record that a person is being erased and return the record's id, before anything goes."""
    id, key_id = clock.new_id(), tx.context.keyring.current_id
    values = {
        "id": id,
        "organization_id": organization_id,
        "address_hash": hash_of(tx.context.keyring, key_id, address),
        "key_id": key_id,
        "subjects": {table: [str(found) for found in ids] for table, ids in roots.items() if ids},
        "counts": {},
        # A user by id: who erases others may be erased one day.
        "erased_by": str(tx.actor.id) if tx.actor.kind in PEOPLE else tx.actor.label,
        "created_at": tx.now,
    }
    tx.insert_facts(Erasure, [values])
    return id


def hash_of(keyring: Keyring, key_id: str, address: str) -> str:
    """Return the keyed hash of a folded address. Raises UnknownKey."""
    return keyed_hash(derive_key(keyring.key(key_id), PURPOSE), address)


def append_record(folder: Path, record: Erasure) -> None:
    """Write a record beside the database, where restoring the database leaves it alone."""
    shown = {name: record.__dict__[name] for name in ("id", "organization_id", "address_hash", "key_id", "subjects")}
    with (folder / FILE).open("a", encoding="utf-8") as file:
        (folder / FILE).chmod(0o600)
        file.write(json.dumps(shown, default=lambda value: None if value is None else str(value)) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_records(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of the file; a line that a crash has cut is left out."""
    if not (folder / FILE).exists():
        return
    for line in (folder / FILE).read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue
