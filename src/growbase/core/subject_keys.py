"""Keys of people: what the change log holds of them is sealed under a key of their own, which erasing them destroys.

An entry's personal values stand together, sealed, under ``$sealed``: whose key, which columns, the ciphertext. Who
acted stands so under ``$actor``. The stored bytes never change, so that seals of the log stay provable.
"""

import base64
import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from growbase.core.crypto import BrokenSeal, UnknownKey, open_sealed, seal
from growbase.core.reads import Reads, secret_context
from growbase.core.statements import SEALED, Plan, equality, insert_sql, plan_of
from growbase.core.subject import GONE
from growbase.core.tables import Change, SubjectKey
from growbase.core.types import compact_json

PRIVATE: Final = "$sealed"
ACTING: Final = "$actor"
CHUNK: Final = 500
_NONCE: Final = 12
_WHO: Final = ("actor_label", "ip", "user_agent")

Keys = dict[UUID, bytes]


class Ring:
    """The keys that one unit of work has met, and those it has made and writes before it commits."""

    def __init__(self) -> None:
        self.known: Keys = {}
        self.made: list[tuple[object, ...]] = []
        self.fresh: set[UUID] = set()
        """Ids that this unit has given to new rows: nobody else can have made a key for these."""
        self.own: set[UUID] = set()
        """Whose key this unit has made: it is no key yet for anybody else, and never if the unit is undone."""

    def load(self, reads: Reads, subjects: Collection[UUID]) -> None:
        """Read keys that are not known yet, some hundreds at a time."""
        missing = [subject for subject in dict.fromkeys(subjects) if subject not in self.known]
        for start in range(0, len(missing), CHUNK):
            self.known |= stored_keys(reads, missing[start : start + CHUNK])

    def mark(self) -> tuple[int, int]:
        """Return how far it is, for ``back_to``."""
        return len(self.known), len(self.made)

    def back_to(self, mark: tuple[int, int]) -> None:
        """Forget the keys met and made since: what was written with them is undone."""
        for subject in list(self.known)[mark[0] :]:
            del self.known[subject]
        del self.made[mark[1] :]


def seal_changes(
    tx: Reads, ring: Ring, plan: Plan, row: Mapping[str, Any], changes: Mapping[str, object]
) -> Mapping[str, object]:
    """Return an entry's values with the personal ones sealed under the key of their person, made on first use.

    What tells of nobody yet has a key of its own: it may be said later whom it tells of, who is then erased with it.
    """
    own = {name: value for name, value in changes.items() if name in plan.private}
    if not own:
        return changes
    subject: UUID = row.get(plan.subject or "id") or row["id"]
    key = ring.known.get(subject)
    if key is None:
        key = made_key(tx, ring, subject)
    sealed = sealed_values(key, own, f"{plan.table}/{row['id']}")
    rest = {name: value for name, value in changes.items() if name not in own}
    return {**rest, PRIVATE: [str(subject), [*own], sealed]}


def sealed_values(key: bytes, values: object, context: str) -> str:
    """Seal values under a person's key; they open in the same ``context`` only."""
    nonce = os.urandom(_NONCE)
    return base64.b64encode(
        nonce + AESGCM(key).encrypt(nonce, compact_json(values).encode(), context.encode())
    ).decode()


def made_key(tx: Reads, ring: Ring, subject: UUID) -> bytes:
    """Return a person's key, made on first use."""
    is_fresh = subject in ring.fresh
    if not is_fresh:
        ring.load(tx, [subject])
    if subject not in ring.known:
        ring.own.add(subject)
        key = AESGCM.generate_key(256)
        plan = plan_of(SubjectKey, tx.engine)
        sealed = seal(tx.context.keyring, key, context=secret_context(plan, {"id": subject}, "key"))
        row = (plan.fields["id"].bound(subject), sealed)
        if is_fresh:
            ring.made.append(row)
            ring.known[subject] = key
        else:
            # Another unit may make it at this moment: whoever comes second takes the first one's.
            tx.execute(insert_sql(plan, ("id", "key_cipher"), ignore=True), row)
            ring.load(tx, [subject])
    return ring.known[subject]


def stored_keys(reads: Reads, subjects: Collection[UUID]) -> Keys:
    """Return the keys of people that are there."""
    plan = reads.plan(SubjectKey)
    term, bound = equality(plan, "id", list(subjects))
    found: Keys = {}
    read, read_key = plan.fields["id"].read, plan.fields["key_cipher"].read
    for id, cipher in reads.execute(f"SELECT t.id, t.key_cipher FROM {plan.table} t WHERE {term}", bound).fetchall():
        subject: UUID = read(id) if read else id
        sealed: bytes = read_key(cipher) if read_key else cipher
        context = secret_context(plan, {"id": subject}, "key")
        found[subject] = open_sealed(reads.context.keyring, bytes(sealed), context=context)
    return found


def destroy_keys(tx: Reads, subjects: Collection[UUID]) -> None:
    """Destroy the keys of people: nothing that the log holds of them can be read any more."""
    found, plan = [*subjects], tx.plan(SubjectKey)
    for start in range(0, len(found), CHUNK):
        term, bound = equality(plan, "id", found[start : start + CHUNK])
        tx.execute(f"DELETE FROM {plan.table} AS t WHERE {term}", bound)


def open_changes(reads: Reads, changes: Iterable[Change]) -> list[Change]:
    """Open the personal values of entries, and who acted; what has lost its key reads ``[erased]``.

    Changes the entries in place.
    """
    found = list(changes)
    keys = _keys_of(reads, found, (PRIVATE, ACTING))
    for change in found:
        if change.changes and PRIVATE in change.changes:
            rest = dict(change.changes)
            subject, names, sealed = rest.pop(PRIVATE)
            own = _opened(keys.get(UUID(subject)), sealed, f"{change.entity}/{change.entity_id}")
            change.__dict__["changes"] = rest | (own or {name: [GONE, GONE] for name in names})
    _show_actors(found, keys)
    return found


def open_actors(reads: Reads, changes: Sequence[Change]) -> None:
    """Open who acted, in place, and leave personal values sealed."""
    _show_actors(changes, _keys_of(reads, changes, (ACTING,)))


def _show_actors(changes: Iterable[Change], keys: Keys) -> None:
    opened: dict[str, Any] = {}
    for change in changes:
        if change.changes and ACTING in change.changes:
            rest = dict(change.changes)
            subject, sealed, *nothing = rest.pop(ACTING)
            if sealed not in opened:
                opened[sealed] = _opened(keys.get(UUID(subject)), sealed, acting_context(subject))
            nobody = (GONE if change.actor_label == SEALED else change.actor_label, None, None)
            change.__dict__.update(zip(_WHO, opened[sealed] or nobody, strict=True), changes=None if nothing else rest)


def _keys_of(reads: Reads, changes: Iterable[Change], parts: Sequence[str]) -> Keys:
    """Return the keys that open some parts of entries, read some hundreds at a time."""
    documents = [change.changes for change in changes if change.changes]
    subjects = [*map(UUID, dict.fromkeys(held[part][0] for held in documents for part in parts if part in held))]
    keys: Keys = {}
    for start in range(0, len(subjects), CHUNK):
        try:
            keys |= stored_keys(reads, subjects[start : start + CHUNK])
        except (UnknownKey, BrokenSeal):
            keys |= _one_by_one(reads, subjects[start : start + CHUNK])
    return keys


def acting_context(subject: object) -> str:
    """Return what ties the sealed form of who acted to the person."""
    return f"{ACTING}/{subject}"


def _one_by_one(reads: Reads, subjects: Collection[UUID]) -> Keys:
    """Return those keys that open: one that does not must not hide the others."""
    found: Keys = {}
    for subject in subjects:
        try:
            found |= stored_keys(reads, [subject])
        except (UnknownKey, BrokenSeal):
            continue
    return found


def _opened(key: bytes | None, sealed: str, context: str) -> Any:  # noqa: ANN401 -- a JSON value
    if key is None:
        return None
    raw = base64.b64decode(sealed)
    try:
        return json.loads(AESGCM(key).decrypt(raw[:_NONCE], raw[_NONCE:], context.encode()))
    except InvalidTag:
        return None  # erased, and written to again under another key
