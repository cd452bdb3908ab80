"""The change log read forwards: every committed change once and in order, for the API, webhooks and seals alike.

A position is the pair ``(tx, seq)``. On PostgreSQL transactions commit out of the order of their numbers, so a reader
stops below the oldest one that is still open (in any database of the server): whatever comes later is numbered higher.
"""

import base64
import binascii
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from growbase.core import clock
from growbase.core.actor import Role
from growbase.core.errors import Gone
from growbase.core.query import bad
from growbase.core.reads import Reads
from growbase.core.resource import Catalog
from growbase.core.statements import POSTGRESQL, equality, mark, plan_of
from growbase.core.subject_keys import open_changes
from growbase.core.tables import Change, LogReader
from growbase.core.transaction import Transaction
from growbase.core.types import moment_text

SCANNED: Final = 1_000
"""Changes that one read looks through at most, however few it finds."""
MOST_BEHIND: Final = 10_000
"""Changes that are counted of those a reader has still to read."""
_CURSOR: Final = re.compile(rb"(\d{1,18})\.(\d{1,18})")


class Position(NamedTuple):
    """A place in the log: right after this change."""

    tx: int
    seq: int


BEGINNING: Final = Position(0, 0)


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes in order, the position to go on from, and whether there are more by now."""

    changes: list[Change]
    position: Position
    has_more: bool


def read_changes(
    reads: Reads,
    after: Position,
    limit: int,
    *,
    entities: Collection[str] | None = None,
    organizations: Collection[UUID] | None = None,
    as_stored: bool = False,
) -> Batch:
    """Return the actor's organization's changes after a position, or those of the given ``organizations``.

    ``entities`` are tables. The position moves on over what was left out, up to the end of the log.
    ``as_stored`` leaves personal values sealed.
    """
    scope, values = _scope(reads, organizations)
    # Of a few organizations among many, a stretch is cut out of the whole log: nobody knows how far theirs would reach.
    end, whole = _window(reads, after, scope, values) if organizations is None else _window(reads, after, [], [])
    plan = reads.plan(Change)
    terms, params = [*scope], [*values]
    if entities is not None:
        term, bound = equality(plan, "entity", list(entities))
        terms.append(term)
        params += bound
    place, bounds = _between(reads, after)
    sign = mark(reads.engine)
    sql = (
        f"SELECT {plan.columns} FROM changes t WHERE {' AND '.join([*terms, *place])} "
        f"AND (t.tx, t.seq) <= ({sign}, {sign}) ORDER BY t.tx, t.seq LIMIT {int(limit)}"
    )
    rows = reads.execute(sql, [*params, *bounds, *end]).fetchall()
    changes = [found for row in rows if isinstance(found := plan.instance(row), Change)]
    if not as_stored:
        open_changes(reads, changes)
    if len(changes) == limit:
        return Batch(changes, position_of(changes[-1]), has_more=True)
    return Batch(changes, end, has_more=not whole)


def newest(reads: Reads) -> Position:
    """Return the position at the end of the log, behind which no change can appear any more."""
    place, bounds = _between(reads, BEGINNING)
    sql = f"SELECT t.tx, t.seq FROM changes t WHERE {' AND '.join(place)} ORDER BY t.tx DESC, t.seq DESC LIMIT 1"
    row = reads.execute(sql, bounds).fetchone()
    return BEGINNING if row is None else Position(*row)


def require_kept(reads: Reads, position: Position) -> None:
    """Raise Gone if the log has let go of this position, or never had it: what came after may be missing too."""
    if position == BEGINNING:
        return
    sign = mark(reads.engine)
    sql = f"SELECT 1 FROM changes WHERE seq = {sign} AND tx = {sign}"
    if reads.execute(sql, [position.seq, position.tx]).fetchone() is None:
        raise Gone(since=moment_text(kept_since(reads)))


def kept_since(reads: Reads) -> datetime:
    """Return when the oldest change that the log still has was made."""
    row = reads.execute("SELECT occurred_at FROM changes ORDER BY tx, seq LIMIT 1").fetchone()
    read = reads.plan(Change).fields["occurred_at"].read
    found: datetime = clock.now() if row is None else read(row[0]) if read else row[0]
    return found


def _scope(reads: Reads, organizations: Collection[UUID] | None) -> tuple[list[str], list[object]]:
    plan = reads.plan(Change)
    if organizations is None:
        return reads.scope_terms(plan, anywhere=False)
    assert reads.actor.is_program, "only the program reads the log of several organizations"
    term, bound = equality(plan, "organization_id", list(organizations))
    return [term], [*bound]


def _between(reads: Reads, after: Position) -> tuple[list[str], list[object]]:
    """Return the terms of what comes after a position and is settled, and their parameters."""
    sign = mark(reads.engine)
    terms: list[str] = [f"(t.tx, t.seq) > ({sign}, {sign})"]
    if reads.engine == POSTGRESQL:
        # Of the statement's own snapshot; xid8 counts on where the xid of 32 bits begins again.
        oldest = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
        terms.append(f"t.tx < (SELECT {oldest} + {int(reads.context.log_base)})")
    return terms, [*after]


def _window(reads: Reads, after: Position, scope: list[str], values: list[object]) -> tuple[Position, bool]:
    """Return the end of the next stretch to look through, and whether it is the end of the log."""
    place, bounds = _between(reads, after)
    sql = (
        f"SELECT t.tx, t.seq FROM changes t WHERE {' AND '.join([*scope, *place])} "
        f"ORDER BY t.tx, t.seq LIMIT 1 OFFSET {SCANNED - 1}"
    )
    row = reads.execute(sql, [*values, *bounds]).fetchone()
    if row is not None:
        return Position(*row), False
    return max(after, newest(reads)), True


# -- what a reader shows ----------------------------------------------------------------------------------------------


def needed_role(catalog: Catalog, change: Change) -> Role | None:
    """Return the role that may see a change, the one that reads its resource; None for what no feed shows.

    That is what is no write (a login, an export), has no resource, or belongs to one user.
    """
    resource = catalog.by_table.get(change.entity)
    if resource is None or change.version is None or resource.model.__personal__ is not None:
        return None
    return resource.read


def shown_change(catalog: Catalog, change: Change) -> dict[str, Any]:
    """Return a change of a resource as JSON; what the API hides is left out."""
    columns = catalog.by_table[change.entity].table.columns
    hidden = {name for name in change.changes or {} if name not in columns or columns[name].info["rule"].hidden}
    return {
        "cursor": cursor_of(position_of(change)),
        "seq": change.seq,
        "occurred_at": moment_text(change.occurred_at),
        "actor": {
            "type": change.actor_type.value,
            "id": str(change.actor_id) if change.actor_id else None,
            "label": change.actor_label,
        },
        "action": change.action,
        "entity": change.entity,
        "entity_id": str(change.entity_id),
        "version": change.version,
        "changes": {name: value for name, value in (change.changes or {}).items() if name not in hidden},
    }


def position_of(change: Change) -> Position:
    """Return where a change stands."""
    return Position(change.tx, change.seq)


def cursor_of(position: Position) -> str:
    """Return a position as clients keep it. It is not signed, so that it outlives the secret key."""
    return base64.urlsafe_b64encode(f"{position.tx}.{position.seq}".encode()).rstrip(b"=").decode()


def position_at(cursor: str, parameter: str = "since") -> Position:
    """Return the position of a cursor. Raises InvalidQuery naming the parameter."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        text = b""
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise bad(parameter, "is not a cursor of this feed: take one from a page or an event")
    return Position(int(found[1]), int(found[2]))


# -- named readers ----------------------------------------------------------------------------------------------------


def reader_position(reads: Reads, name: str) -> Position | None:
    """Return up to where a named reader has come, None if it has not begun."""
    found = reads.find(LogReader, name=name)
    return Position(found.position_tx, found.position_seq) if found else None


def start_reader(tx: Transaction, name: str) -> None:
    """Let a named reader begin at the end of the log, unless it has begun."""
    position = newest(tx)
    row = {"name": name, "position_tx": position.tx, "position_seq": position.seq, "updated_at": tx.now}
    tx.insert_facts(LogReader, [row], ignore=True)


def advance_reader(tx: Transaction, name: str, start: Position, to: Position) -> bool:
    """Move a named reader on; False if another process has done so since ``start`` was read.

    Called first in the unit that stores the effect: then the effect happens exactly once.
    """
    keys = {"name": name, "position_tx": start.tx, "position_seq": start.seq}
    moved = {"position_tx": to.tx, "position_seq": to.seq, "updated_at": tx.now}
    return tx.set_facts(LogReader, keys, moved) == 1


def undelivered_since(reads: Reads) -> Position | None:
    """Return the position of the reader that is furthest behind: retention must keep everything after it."""
    plan = plan_of(LogReader, reads.engine)
    sql = f"SELECT position_tx, position_seq FROM {plan.table} ORDER BY position_tx, position_seq LIMIT 1"
    row = reads.execute(sql).fetchone()
    return Position(*row) if row is not None else None


# -- how far behind ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a reader is behind the end of the log: in changes, counted up to MOST_BEHIND, and by the oldest's age."""

    reader: str
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Holder:
    """An open PostgreSQL transaction that has written; ``prepared`` names one that waits for its second phase."""

    pid: int | None
    prepared: str | None
    database: str
    user: str | None
    application: str | None
    state: str | None
    since: datetime | None
    query: str | None


def find_lags(reads: Reads) -> list[Lag]:
    """Return the lag of every named reader; what waits for an open transaction counts."""
    sign, read = mark(reads.engine), reads.plan(Change).fields["occurred_at"].read
    after = f"FROM changes t WHERE (t.tx, t.seq) > ({sign}, {sign})"
    found = []
    for row in reads.rows(LogReader, order="name"):
        place = [row.position_tx, row.position_seq]
        sql = f"SELECT count(*) FROM (SELECT 1 {after} LIMIT {MOST_BEHIND}) c"
        rows: int = reads.execute(sql, place).fetchone()[0]
        oldest = reads.execute(f"SELECT t.occurred_at {after} ORDER BY t.tx, t.seq LIMIT 1", place).fetchone()
        since = None if oldest is None else read(oldest[0]) if read else oldest[0]
        seconds = 0.0 if since is None else max(0.0, (clock.now() - since).total_seconds())
        found.append(Lag(row.name, rows, seconds))
    return found


def find_holder(reads: Reads) -> Holder | None:
    """Return the oldest open transaction that has written, in any database of the server: the feed stops below it.

    None if there is none, and on SQLite. Other users' states and queries are shown to members of pg_monitor only.
    """
    if reads.engine != POSTGRESQL:
        return None
    sql = (
        "SELECT pid, prepared, datname, who, application_name, state, since, query FROM ("
        "SELECT pid, NULL AS prepared, datname, usename AS who, application_name, state, xact_start AS since, "
        "left(query, 2000) AS query, age(backend_xid) AS age FROM pg_stat_activity "
        "WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() UNION ALL "
        "SELECT NULL, gid, database, owner, NULL, 'prepared', prepared, NULL, age(transaction) FROM pg_prepared_xacts"
        ") t ORDER BY age DESC LIMIT 1"
    )
    row = reads.execute(sql).fetchone()
    return None if row is None else Holder(*row)
