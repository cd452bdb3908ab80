"""Seals of the change log: who can write the database but has not the keyring can't change it without being found out.

Each seal covers a span of the log and holds a keyed hash of every row in it; its digest covers these, its bounds and
the digest before it. Rows are hashed as they are stored: a value under a subject's own key stays provable when that key
is destroyed. When retention drops whole spans from the beginning, one anchor stands for them.
"""

import json
import secrets
import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final, Literal
from uuid import UUID

from growbase.core import telemetry
from growbase.core.actor import system
from growbase.core.crypto import BrokenSeal, UnknownKey, keyed_hash
from growbase.core.database import Database
from growbase.core.errors import Conflict, NotUnique
from growbase.core.facts import hold
from growbase.core.feed import BEGINNING, Position, position_of, read_changes
from growbase.core.model import table_of
from growbase.core.reads import Reads, Where
from growbase.core.statements import POSTGRESQL, mark, plan_of
from growbase.core.tables import Change, LogReader, Seal, SealKey, SealKind
from growbase.core.transaction import Transaction
from growbase.core.types import moment_text

SPAN: Final = 500
"""Rows under one seal at most."""
READER: Final = "seals"
ORGANIZATIONS: Final = "organizations"
LEFT: Final = "leave_log"
"""Action of the entries that say which rows have gone with their organization."""
RANGES: Final = 2_000
"""Ranges of rows in one such entry."""
_HASH: Final = 32
"""Hexadecimal digits of a row's hash: 128 bits."""
_COLUMNS: Final = frozenset(column.name for column in table_of(Change).columns)
Kind = Literal["changed", "deleted", "inserted", "seal_changed", "seal_missing", "seal_moved", "key_missing"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it was sealed; ``seq`` names the row of the log, ``entity_id`` the row it tells of."""

    kind: Kind
    seal: int
    what: str
    seq: int | None = None
    entity: str | None = None
    entity_id: UUID | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as a mapping."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Head:
    """The newest seal: kept elsewhere, it proves later that none was taken away after it."""

    number: int
    digest: str
    position: Position


# -- sealing ----------------------------------------------------------------------------------------------------------


def seal_log(database: Database) -> int:
    """Seal what is new in the log, a span at a time, and return how many rows; of several processes one seals each."""
    count = 0
    while done := _seal_some(database):
        count += done
    return count


def _seal_some(database: Database) -> int:
    actor = system("seals")
    with database.read(actor, snapshot=True) as reads:
        last = _newest(reads)
        start = Position(last.to_tx, last.to_seq) if last else BEGINNING
        rows = read_changes(reads, start, SPAN, as_stored=True).changes
    if not rows:
        return 0
    key_id, key = _current_key(database)
    hashes = ",".join(f"{row.seq}:{row_hash(key, row)}" for row in rows)
    end = position_of(rows[-1])

    def unit(tx: Transaction) -> None:
        values: dict[str, Any] = {
            "number": last.number + 1 if last else 1,
            "kind": SealKind.SPAN,
            **_bounds(start, end),
            "row_count": len(rows),
            "row_hashes": hashes,
            "previous": _link(last) if last else "",
            "key_id": key_id,
            "sealed_at": tx.now,
        }
        tx.insert_facts(Seal, [{**values, "digest": _digest(key, values)}])
        at = {"position_tx": end.tx, "position_seq": end.seq, "updated_at": tx.now}
        if not tx.set_facts(LogReader, {"name": READER}, at):
            tx.insert_facts(LogReader, [{"name": READER, **at}])

    try:
        database.write(actor, unit)
    except NotUnique:
        return 0  # another process has sealed the same rows
    telemetry.instrument("log.sealed", rows=len(rows), seal=last.number + 1 if last else 1)
    return len(rows)


def row_hash(key: bytes, row: Change) -> str:
    """Return the keyed hash of a row of the log, the same on both engines."""
    # Without empty columns, so that a column added later does not change the hash of older rows.
    values = {name: value for name, value in row.__dict__.items() if value is not None and name in _COLUMNS}
    text = json.dumps(values, default=_plain, sort_keys=True, separators=(",", ":"))
    return keyed_hash(key, text)[:_HASH]


def _plain(value: Any) -> str:  # noqa: ANN401 -- what JSON lacks: ids and moments
    return str(value) if isinstance(value, UUID) else moment_text(value)


def _bounds(start: Position, end: Position) -> dict[str, int]:
    return {"from_tx": start.tx, "from_seq": start.seq, "to_tx": end.tx, "to_seq": end.seq}


def _digest(key: bytes, values: dict[str, Any]) -> str:
    names = ("number", "kind", "from_tx", "from_seq", "to_tx", "to_seq", "row_count", "row_hashes", "previous")
    text = json.dumps([*(values[name] for name in names), str(values["key_id"]), moment_text(values["sealed_at"])])
    return keyed_hash(key, text)


def _link(seal: Seal) -> str:
    """Return what the next seal is chained to: an anchor stands for the last one that was dropped."""
    return seal.digest if seal.kind is SealKind.SPAN else seal.previous


def _newest(reads: Reads) -> Seal | None:
    rows = reads.rows(Seal, order="-number", limit=1)
    return rows[0] if rows else None


def _current_key(database: Database) -> tuple[UUID, bytes]:
    """Return the newest key of seals, made on first use."""
    actor = system("seals")
    with database.read(actor) as reads:
        found = _newest_key(reads)
    return found or database.write(actor, _own_key)


def _newest_key(reads: Reads) -> tuple[UUID, bytes] | None:
    rows = reads.rows(SealKey, order="-created_at, -id", limit=1)
    return (rows[0].id, bytes.fromhex(reads.secret(rows[0], "key") or "")) if rows else None


def _own_key(tx: Transaction) -> tuple[UUID, bytes]:
    found = _newest_key(tx)
    if found is None:
        hold(tx, "seal key")
        found = _newest_key(tx)
    if found is None:
        tx.insert(SealKey, key=secrets.token_hex(32))
        found = _newest_key(tx)
    assert found is not None
    return found


# -- proving ----------------------------------------------------------------------------------------------------------


def head(reads: Reads) -> Head | None:
    """Return the newest seal, None if nothing is sealed yet."""
    found = _newest(reads)
    return Head(found.number, found.digest, Position(found.to_tx, found.to_seq)) if found else None


def numbers(reads: Reads) -> tuple[int, int]:
    """Return the numbers of the oldest and the newest seal; (1, 0) if there is none."""
    low, high = reads.execute("SELECT min(number), max(number) FROM seals").fetchone()
    return (low, high) if low is not None else (1, 0)


def verify_seals(reads: Reads, first: int, last: int) -> Iterator[Fault]:
    """Prove seals ``first`` to ``last`` against the log and yield what is not as it was sealed.

    Read some hundreds at a time and in one snapshot, or rows that retention drops meanwhile would be missed.
    """
    found = {
        seal.number: seal for seal in reads.rows(Seal, Where("number", ">=", first - 1), Where("number", "<=", last))
    }
    before = found.pop(first - 1, None)
    if before is None and first > 1 and (seal := found.get(first)) is not None and seal.kind is SealKind.SPAN:
        yield Fault("seal_missing", first - 1, "The seal is gone.")
    proof = _Proof(reads)
    for number in range(first, last + 1):
        seal = found.get(number)
        if seal is None:
            yield Fault("seal_missing", number, "The seal is gone.")
        else:
            yield from _verify(proof, seal, before)
        before = seal


class _Proof:
    """What proving some seals has read: keys, and which rows have gone with their organization."""

    def __init__(self, reads: Reads) -> None:
        self.reads = reads
        self.keys: dict[UUID, bytes | None] = {}

    def key(self, id: UUID) -> bytes | None:
        """Return a key of seals, None if it is gone or does not open."""
        if id not in self.keys:
            row = self.reads.find(SealKey, id)
            try:
                self.keys[id] = bytes.fromhex(self.reads.secret(row, "key") or "") if row else None
            except (BrokenSeal, UnknownKey):
                self.keys[id] = None
        return self.keys[id]

    @cached_property
    def left(self) -> list[tuple[int, int]]:
        """The rows that have gone with their organization, as ranges in their order."""
        found: list[tuple[int, int]] = []
        for entry in self.reads.rows(Change, organization_id=None, entity=ORGANIZATIONS, action=LEFT):
            told = entry.changes or {}
            key = self.key(UUID(told["key_id"]))
            if key is not None and _proof_of(key, entry.entity_id, told["entries"]) == told["proof"]:
                bounds = (part.split(":") for part in told["entries"].split(","))
                found += [(int(first), int(last)) for first, last in bounds]
        return sorted(found)

    def has_left(self, seq: int) -> bool:
        """Return whether a row went with its organization to another region."""
        place = bisect_right(self.left, (seq, sys.maxsize)) - 1
        return place >= 0 and self.left[place][1] >= seq


def _verify(proof: _Proof, seal: Seal, before: Seal | None) -> Iterator[Fault]:
    reads, key = proof.reads, proof.key(seal.key_id)
    if key is None:
        yield Fault("key_missing", seal.number, "The key of this seal is gone or does not open.")
        return
    if _digest(key, seal.__dict__) != seal.digest:
        yield Fault("seal_changed", seal.number, "The seal itself was changed.")
        return
    start = Position(seal.from_tx, seal.from_seq)
    if seal.kind is SealKind.ANCHOR:
        rows = _rows(reads, BEGINNING, Position(seal.to_tx, seal.to_seq), limit=1)
        yield from (_fault("inserted", seal, row, "A row stands where retention has dropped all.") for row in rows)
        return
    if before is not None and (seal.previous, start) != (_link(before), Position(before.to_tx, before.to_seq)):
        yield Fault("seal_moved", seal.number, "The seal does not follow the one before it.")
    if seal.number == 1 and (seal.previous, start) != ("", BEGINNING):
        yield Fault("seal_moved", seal.number, "The first seal does not begin with the log.")
    yield from _compare(proof, seal, key, start)


def _compare(proof: _Proof, seal: Seal, key: bytes, start: Position) -> Iterator[Fault]:
    sealed = dict(part.split(":") for part in seal.row_hashes.split(","))
    limit = seal.row_count + SPAN
    for row in _rows(proof.reads, start, Position(seal.to_tx, seal.to_seq), limit=limit):
        expected = sealed.pop(str(row.seq), None)
        if expected is None:
            yield _fault("inserted", seal, row, "The row was put into the log after it was sealed.")
        elif row_hash(key, row) != expected:
            yield _fault("changed", seal, row, "The row was changed after it was sealed.")
    for seq in map(int, sealed):
        if not proof.has_left(seq):
            yield Fault("deleted", seal.number, "The row was taken out of the log after it was sealed.", seq)


def _fault(kind: Kind, seal: Seal, row: Change, what: str) -> Fault:
    return Fault(kind, seal.number, what, row.seq, row.entity, row.entity_id)


def _rows(reads: Reads, start: Position, end: Position, *, limit: int) -> Sequence[Change]:
    plan, sign = reads.plan(Change), mark(reads.engine)
    sql = (
        f"SELECT {plan.columns} FROM changes t WHERE (t.tx, t.seq) > ({sign}, {sign}) "
        f"AND (t.tx, t.seq) <= ({sign}, {sign}) ORDER BY t.tx, t.seq LIMIT {int(limit)}"
    )
    rows = reads.execute(sql, [*start, *end]).fetchall()
    return [found for row in rows if isinstance(found := plan.instance(row), Change)]


# -- organizations that leave -----------------------------------------------------------------------------------------


def note_leaving(tx: Transaction, organization_id: UUID) -> None:
    """Say in the log, provably, which rows of it are about to go with their organization.

    The caller deletes them in the same unit.
    """
    plan, sign = plan_of(Change, tx.engine), mark(tx.engine)
    numbered = f"SELECT seq, seq - row_number() OVER (ORDER BY seq) AS run FROM changes WHERE organization_id = {sign}"
    sql = f"SELECT min(seq), max(seq) FROM ({numbered}) t GROUP BY run ORDER BY 1"
    ranges = tx.execute(sql, [plan.fields["organization_id"].bound(organization_id)]).fetchall()
    key_id, key = _own_key(tx)
    for start in range(0, len(ranges), RANGES):
        entries = ",".join(f"{first}:{last}" for first, last in ranges[start : start + RANGES])
        told = {"entries": entries, "key_id": str(key_id), "proof": _proof_of(key, organization_id, entries)}
        tx.record(LEFT, ORGANIZATIONS, organization_id, told)


def _proof_of(key: bytes, organization_id: UUID | None, entries: str) -> str:
    return keyed_hash(key, f"{LEFT}/{organization_id}/{entries}")


# -- retention --------------------------------------------------------------------------------------------------------


def drop_through(tx: Transaction, number: int) -> Position:
    """Put an anchor in place of the seals up to ``number`` and return where the log may now begin.

    The caller deletes the rows up to there, in the same unit and with the log's guard open. Raises Conflict.
    """
    last = tx.find(Seal, number=number)
    if last is None:
        raise Conflict("There is no seal {number}.", number=number)
    key_row = tx.find(SealKey, last.key_id)
    if key_row is None:
        raise Conflict("The key of the seal {number} is gone.", number=number)
    key = bytes.fromhex(tx.secret(key_row, "key") or "")
    gone = tx.execute(f"SELECT sum(row_count) FROM seals WHERE number <= {mark(tx.engine)}", [number]).fetchone()[0]
    values = {
        **{name: last.__dict__[name] for name in ("number", "to_tx", "to_seq", "key_id")},
        "kind": SealKind.ANCHOR,
        "from_tx": 0,
        "from_seq": 0,
        "row_count": int(gone),
        "row_hashes": "",
        "previous": _link(last),
        "sealed_at": tx.now,
    }
    tx.execute(f"DELETE FROM seals WHERE number <= {mark(tx.engine)}", [number])
    tx.insert_facts(Seal, [{**values, "digest": _digest(key, values)}])
    return Position(last.to_tx, last.to_seq)


def open_guard(tx: Transaction) -> None:
    """Let this unit delete from the beginning of the log; ``close_guard`` ends that before the commit."""
    if tx.engine == POSTGRESQL:
        tx.execute("SELECT set_config('growbase.retention', 'on', true)")
    else:
        tx.execute("INSERT INTO instance_facts (name, value) VALUES ('log_retention', '')")


def close_guard(tx: Transaction) -> None:
    """Protect the log again."""
    if tx.engine == POSTGRESQL:
        tx.execute("SELECT set_config('growbase.retention', 'off', true)")
    else:
        tx.execute("DELETE FROM instance_facts WHERE name = 'log_retention'")
