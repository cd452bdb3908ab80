"""Whether a database takes writes: it is open, read-only while it is looked after, or its data have moved elsewhere.

On SQLite every unit of work reads the gate inside its own transaction. On PostgreSQL, where that would cost a fifth of
a small unit, a process reads it again after GLANCE_SECONDS; ``close_gate`` waits until all have, and a move holds
and then refuses writes by the table in which it records them.
"""

import json
import time
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
DRAIN: Final = "drain"
"""The fact that asks workers to begin no more jobs, so that none is cut in two when the gate closes."""
RETRY_SECONDS: Final = 30
"""After which a caller who was refused may try again."""
STATE: Final = f"SELECT value FROM instance_facts WHERE name = '{FACT}'"
GLANCE_SECONDS: Final = 0.2
"""How long a process on PostgreSQL relies on having found the gate open."""
REFUSED: Final = "GB001"
"""The SQLSTATE by which a PostgreSQL database refuses writes whose data have moved."""
_AT_WORK: Final = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND backend_xid IS NOT NULL AND xact_start < %s"
)
_PATIENCE_SECONDS: Final = 15.0


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
        raise ReadOnly(reason=gate.reason, retry_after=RETRY_SECONDS)


def gate_of(database: Database) -> Gate:
    """Return what the gate of a database says."""
    found = database.query(STATE)
    return parse(found[0][0] if found else None)


def close_gate(database: Database, reason: str) -> None:
    """Make the database read-only until ``open_gate``; no write is at work any more when this returns.

    ``reason`` is shown to callers, such as "it is being repaired". It outlives this process. Who must write
    meanwhile calls ``database.pass_gate()`` first.
    """
    gate = Gate(Mode.READ_ONLY, moment_text(now()), reason)
    database.write(system("gate"), lambda tx: write_gate(tx, gate))
    if database.engine != "postgresql":
        return
    time.sleep(GLANCE_SECONDS)
    begun = database.query("SELECT clock_timestamp()")[0]
    end = time.monotonic() + _PATIENCE_SECONDS
    while database.query(_AT_WORK, begun)[0][0]:
        if time.monotonic() > end:
            raise Unavailable(reason="a transaction that has begun before does not end")
        time.sleep(0.05)


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
