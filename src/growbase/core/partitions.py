"""Monthly partitions of event tables on PostgreSQL: made ahead, filled by when a row came in, dropped whole when old.

A table whose model names its ``__monthly__`` column is divided by id, which begins with the time it was made at. What
sees that a key counts once, whichever month it comes in, is the table of keys beside the partitions: a trigger writes
a row's key there first, and leaves out the row if the key is known. ``core.dividing`` makes a plain table such a one.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

from growbase.core import clock, telemetry
from growbase.core.actor import system
from growbase.core.database import Database
from growbase.core.errors import Unavailable
from growbase.core.reads import Reads
from growbase.core.resource import Catalog
from growbase.core.statements import POSTGRESQL
from growbase.core.transaction import Transaction

AHEAD: Final = 3
"""Months after this one whose partitions are there."""
FIRST_YEAR: Final = 2020
"""A row whose id claims to be older stays in the default partition."""
CHUNK: Final = 5_000
"""Keys that one unit handles."""
WAIT_MS: Final = 1_500
"""How long a change of the partitions waits for a lock, and others behind it; autovacuum gives way after a second."""
PAUSES: Final = (0.2, 0.5, 1.0, 2.0)

ROWS: Final = (
    "coalesce((SELECT sum(greatest(p.reltuples, 0)) FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhrelid "
    "WHERE i.inhparent = c.oid), c.reltuples)::bigint"
)
"""About how many rows a table ``c`` of pg_class has, those of its partitions together; -1 if nobody knows."""
BEGINNING: Final = UUID(int=0)
_RANGE: Final = re.compile(r"FROM \('([0-9a-f-]{36})'\) TO \('([0-9a-f-]{36})'\)")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Layout:
    """A table that is divided by month, and the names of what belongs to it."""

    table: str
    key: str
    """The text column in which the rows of an organization differ."""

    @property
    def keys(self) -> str:
        """The table of keys: organization, key, id."""
        return f"{self.table}_keys"

    @property
    def unique(self) -> str:
        """The name of the plain table's unique index over the keys."""
        return f"uq_{self.table}_{self.key}"

    @property
    def default(self) -> str:
        """The partition of rows that have no month of their own yet."""
        return f"{self.table}_default"


@dataclass(frozen=True, slots=True)
class Partition:
    """The rows whose ids are at least ``start`` and below ``end``."""

    name: str
    start: UUID
    end: UUID


def layouts(catalog: Catalog) -> list[Layout]:
    """Return the tables that are divided by month."""
    found = [(name, model.__monthly__) for name, model in sorted(catalog.models.items())]
    return [Layout(name, key) for name, key in found if key is not None]


def is_divided(reads: Reads, layout: Layout) -> bool:
    """Return whether the table has partitions yet."""
    sql = "SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(%s)"
    row = reads.execute(sql, (layout.table,)).fetchone()
    return row is not None and bool(row[0])


def partitions(reads: Reads, layout: Layout) -> list[Partition]:
    """Return the partitions in order, without the default one."""
    sql = (
        "SELECT c.relname::text, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i "
        "JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass(%s)"
    )
    found = []
    for name, bound in reads.execute(sql, (layout.table,)).fetchall():
        if (ends := _RANGE.search(bound)) is not None:
            found.append(Partition(name, UUID(ends[1]), UUID(ends[2])))
    return sorted(found, key=lambda one: one.start)


# -- months -----------------------------------------------------------------------------------------------------------


def bound(moment: datetime) -> UUID:
    """Return what is not above any id made at the moment or later."""
    return UUID(int=int(moment.timestamp() * 1_000) << 80)


def month_of(id: UUID) -> datetime:
    """Return the beginning of the month in which an id was made."""
    made = datetime.fromtimestamp((id.int >> 80) / 1_000, UTC)
    return made.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def months(start: datetime, count: int) -> Iterator[datetime]:
    """Yield the beginnings of so many months from the one of ``start`` on."""
    month = month_of(bound(start))
    for _ in range(count):
        yield month
        month = (month + timedelta(days=31)).replace(day=1)


def of_month(layout: Layout, month: datetime) -> Partition:
    """Return the partition of a month."""
    following = [*months(month, 2)][1]
    return Partition(f"{layout.table}_{month:%Y_%m}", bound(month), bound(following))


def lacking(reads: Reads, layout: Layout, ahead: int = AHEAD) -> list[Partition]:
    """Return the partitions of this month and the next ones that are not there."""
    there = partitions(reads, layout)
    wanted = [of_month(layout, month) for month in months(clock.now(), ahead + 1)]
    return [one for one in wanted if not any(old.start <= one.start < old.end for old in there)]


def stray(reads: Reads, layout: Layout) -> Partition | None:
    """Return the oldest month of rows in the default partition, None if there is none that can have one."""
    last = [*months(clock.now(), AHEAD + 2)][-1]
    sql = f"SELECT id FROM {layout.default} WHERE id >= %s AND id < %s ORDER BY id LIMIT 1"
    ends = (bound(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)), bound(last))
    row = reads.execute(sql, ends).fetchone()
    return None if row is None else of_month(layout, month_of(row[0]))


# -- keeping them -----------------------------------------------------------------------------------------------------


def keep_partitions(database: Database) -> int:
    """Divide tables that are not yet, make the partitions of the next months, and return how much was done.

    Rows that came before their partition was made move there, and the keys of dropped partitions go. Killed anywhere,
    the next run goes on. On SQLite there is nothing to do.
    """
    from growbase.core.dividing import divide

    done = 0
    for layout in layouts(database.catalog) if database.engine == POSTGRESQL else ():
        with database.read(system("partitions")) as reads:
            is_plain = not is_divided(reads, layout)
        if is_plain and not divide(database, layout):
            continue
        done += is_plain
        while briefly(database, partial(_settle, layout=layout)):
            done += 1
        while forgotten := database.write(system("partitions"), partial(_forget, layout=layout)):
            done += forgotten
    return done


def briefly(database: Database, unit: Callable[[Transaction], T]) -> T:
    """Run a unit that changes partitions: alone, and again after a pause rather than let anybody wait for it."""

    def limited(tx: Transaction) -> T:
        tx.execute(f"SET LOCAL lock_timeout = {WAIT_MS}")
        tx.execute("SET LOCAL statement_timeout = 0")
        tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('growbase partitions', 0))")
        return unit(tx)

    for pause in PAUSES:
        try:
            return database.write(system("partitions"), limited)
        except Unavailable:
            time.sleep(pause)
    return database.write(system("partitions"), limited)


def _settle(tx: Transaction, *, layout: Layout) -> bool:
    """Make the partition of one month, with the rows of the month that came before it; False if all are there."""
    if not is_divided(tx, layout):
        return False
    made = stray(tx, layout) or next(iter(lacking(tx, layout)), None)
    if made is None:
        return False
    tx.execute(
        f"CREATE TABLE {made.name} (LIKE {layout.table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)"
    )
    # Nobody reads or writes the default partition while it changes what belongs there.
    tx.execute(f"LOCK TABLE {layout.default} IN ACCESS EXCLUSIVE MODE")
    taken = f"DELETE FROM {layout.default} WHERE id >= %s AND id < %s RETURNING *"
    moved = tx.execute(
        f"WITH taken AS ({taken}) INSERT INTO {made.name} SELECT * FROM taken", (made.start, made.end)
    ).rowcount
    tx.execute(
        f"ALTER TABLE {layout.table} ATTACH PARTITION {made.name} FOR VALUES FROM ('{made.start}') TO ('{made.end}')"
    )
    telemetry.instrument("partition.made", table=layout.table, partition=made.name, moved=moved)
    return True


# -- letting go -------------------------------------------------------------------------------------------------------


def drop_old(database: Database, layout: Layout, due: str, params: Sequence[object], before: datetime) -> Iterator[Any]:
    """Yield for each partition that ended before a moment the unit that drops it and returns how many rows it had.

    ``due`` is true over ``t`` of rows that may go: a partition with any other one stays, and its unit returns 0.
    """
    if database.engine != POSTGRESQL:
        return
    with database.read(system("partitions")) as reads:
        old = [one for one in partitions(reads, layout) if one.end <= bound(before)]
    for one in old:
        yield partial(_drop, layout=layout, old=one, due=due, params=params)


def _drop(tx: Transaction, *, layout: Layout, old: Partition, due: str, params: Sequence[object]) -> int:
    tx.execute(f"SET LOCAL lock_timeout = {WAIT_MS}")
    tx.execute("SET LOCAL statement_timeout = 0")
    if old not in partitions(tx, layout):
        return 0
    tx.execute(f"LOCK TABLE {old.name} IN SHARE MODE")
    if tx.execute(f"SELECT 1 FROM {old.name} t WHERE ({due}) IS NOT TRUE LIMIT 1", params).fetchone():
        return 0
    count = int(tx.execute(f"SELECT count(*) FROM {old.name}").fetchone()[0])
    tx.execute(f"DROP TABLE {old.name}")
    write_state(tx, layout, {**read_state(tx, layout), old.name: [str(old.start), str(old.end)]})
    tx.touched.add(layout.table)
    telemetry.instrument("partition.dropped", table=layout.table, partition=old.name, rows=count)
    return count


def _forget(tx: Transaction, *, layout: Layout) -> int:
    """Delete some of the keys whose rows went with their partition, and return how many; 0 when all are gone."""
    state = read_state(tx, layout)
    for name, (start, end) in state.items():
        # The month's own partition is gone: rows of it that have come since are in the default one, or in a new one.
        month = "{0}.id >= %s AND {0}.id < %s"
        there = f"SELECT 1 FROM {layout.table} e WHERE e.organization_id = k.organization_id AND e.id = k.id"
        sql = (
            f"DELETE FROM {layout.keys} WHERE ctid = ANY(ARRAY(SELECT k.ctid FROM {layout.keys} k "
            f"WHERE {month.format('k')} AND NOT EXISTS ({there} AND {month.format('e')}) "
            f"LIMIT {CHUNK} FOR UPDATE SKIP LOCKED))"
        )
        ends = (UUID(start), UUID(end))
        if count := tx.execute(sql, (*ends, *ends)).rowcount:
            return count
        write_state(tx, layout, {key: value for key, value in state.items() if key != name})
        return 1
    return 0


# -- the keys ---------------------------------------------------------------------------------------------------------


def unnoted(reads: Reads, layout: Layout) -> int:
    """Return how many rows have no key in the table of keys; this reads both whole."""
    return int(reads.execute(f"SELECT count(*) FROM {layout.table} t WHERE {_unnoted(layout)}").fetchone()[0])


def note_keys(database: Database, layout: Layout) -> int:
    """Write the keys down that are missing in the table of keys, and return how many."""
    columns = f"organization_id, {layout.key}, id"
    some = f"SELECT {columns} FROM {layout.table} t WHERE {_unnoted(layout)} FOR KEY SHARE"
    sql = f"INSERT INTO {layout.keys} ({columns}) {some} ON CONFLICT DO NOTHING"
    return briefly(database, lambda tx: tx.execute(sql).rowcount)


def _unnoted(layout: Layout) -> str:
    same = f"k.organization_id = t.organization_id AND k.{layout.key} = t.{layout.key}"
    return f"NOT EXISTS (SELECT 1 FROM {layout.keys} k WHERE {same})"


# -- what is remembered -----------------------------------------------------------------------------------------------


def read_state(reads: Reads, layout: Layout) -> dict[str, Any]:
    """Return what is noted on the table of keys: work that goes on after a crash; it moves to no other database."""
    row = reads.execute("SELECT obj_description(to_regclass(%s), 'pg_class')", (layout.keys,)).fetchone()
    found: dict[str, Any] = json.loads(row[0]) if row and row[0] else {}
    return found


def write_state(tx: Transaction, layout: Layout, state: dict[str, Any]) -> None:
    """Note what ``read_state`` returns; it holds names and ids only."""
    tx.execute(f"COMMENT ON TABLE {layout.keys} IS '{json.dumps(state)}'")
