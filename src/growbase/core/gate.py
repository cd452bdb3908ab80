"""Whether a database takes writes: it is open, read-only while it is looked after, or its data has moved elsewhere.

Every unit of work reads the gate inside its own transaction, so none commits after the gate was closed. Beside these
there is a pause, in which writes wait: whoever holds SQLite's write lock or ``HOLD`` on PostgreSQL makes one, and it
ends with the process that holds it, however that dies.
"""

import json
from enum import StrEnum
from typing import Any, Final, NamedTuple

from growbase.core.actor import system
from growbase.core.clock import now
from growbase.core.database import Database
from growbase.core.errors import Unavailable
from growbase.core.facts import delete_facts
from growbase.core.tables import InstanceFact
from growbase.core.transaction import Transaction
from growbase.core.types import moment_text

FACT: Final = "gate"
LOG_BASE: Final = "log_base"
"""The fact that says above which number log positions begin: a move sets it above all old ones."""
_KEY: Final = "hashtextextended('growbase gate ' || current_schema(), 0)"
_STATE: Final = f"SELECT value FROM instance_facts WHERE name = '{FACT}'"
BEGIN: Final = f"BEGIN; SELECT pg_advisory_xact_lock_shared({_KEY}); {_STATE}"
"""Begins a unit on PostgreSQL in one round trip: waits while somebody pauses the writes, then reads the gate."""
HOLD: Final = f"SELECT pg_advisory_xact_lock({_KEY})"
"""Waits for the units at work on PostgreSQL, then makes all others wait until the transaction ends."""


class Mode(StrEnum):
    """What the gate lets through."""

    OPEN = "open"
    READ_ONLY = "read_only"
    MOVED = "moved"


class ReadOnly(Unavailable):
    """The data can't be changed for now: {reason}.

    Reading works. Try again later; nothing of this request was written.
    """

    code = "read_only"


class Moved(Unavailable):
    """The data has moved to another database.

    Restart this process with the address of the new database; nothing of this request was written.
    """

    code = "moved"


class Gate(NamedTuple):
    """What a gate says: its mode, since when, why (for people), and the sealed address of where the data is now."""

    mode: Mode = Mode.OPEN
    since: str = ""
    reason: str = ""
    to: str = ""

    def text(self) -> str:
        """Return the gate as the fact's value."""
        return json.dumps({name: value for name, value in self._asdict().items() if value})


def parse(value: str | None) -> Gate:
    """Read the fact's value; without one the gate is open."""
    if value is None:
        return Gate()
    found: dict[str, Any] = json.loads(value)
    return Gate(Mode(found.pop("mode")), **found)


def require_open(value: str | None) -> None:
    """Raise ReadOnly or Moved unless the fact's value lets writes through."""
    if value is None:
        return
    gate = parse(value)
    if gate.mode is Mode.MOVED:
        raise Moved(sealed=gate.to)
    if gate.mode is Mode.READ_ONLY:
        raise ReadOnly(reason=gate.reason)


def gate_of(database: Database) -> Gate:
    """Return what the gate of a database says."""
    found = database.query(_STATE)
    return parse(found[0][0] if found else None)


def close_gate(database: Database, reason: str) -> None:
    """Make the database read-only until ``open_gate``; no write is at work any more when this returns.

    ``reason`` is shown to callers, such as "it is being repaired". It outlives this process. Who must write
    meanwhile calls ``database.pass_gate()`` first.
    """

    def unit(tx: Transaction) -> None:
        if tx.engine == "postgresql":
            tx.execute(HOLD)
        write_gate(tx, Gate(Mode.READ_ONLY, moment_text(now()), reason))

    database.write(system("gate"), unit)


def open_gate(database: Database) -> None:
    """Take writes again; a database whose data has moved stays closed."""
    database.pass_gate()
    database.write(system("gate"), lambda tx: write_gate(tx, None))


def write_gate(tx: Transaction, gate: Gate | None) -> None:
    """Set the gate, or remove it for None. Raises Moved where the data has gone."""
    found = tx.find(InstanceFact, name=FACT)
    if found is not None:
        if parse(found.value).mode is Mode.MOVED:
            raise Moved
        delete_facts(tx, InstanceFact, {"name": FACT})
    if gate is not None:
        tx.insert_facts(InstanceFact, [{"name": FACT, "value": gate.text()}])
