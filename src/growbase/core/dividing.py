"""Making a plain event table one of monthly partitions, while it is read and written.

First triggers note the keys of new rows and old keys are copied beside, in small units that go on where a killed one
stopped. Then the table becomes the partition of everything up to a month to come: no row is copied, and only the last
step, some catalogue entries, keeps readers and writers out.
"""

import re
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from growbase.core import clock, telemetry
from growbase.core.actor import system
from growbase.core.database import Database
from growbase.core.partitions import (
    BEGINNING,
    CHUNK,
    Layout,
    bound,
    briefly,
    is_divided,
    months,
    of_month,
    read_state,
    write_state,
)
from growbase.core.reads import Reads
from growbase.core.transaction import Transaction

MARGIN: Final = timedelta(days=7)
"""The plain table takes the rows of this long at least, however long the copy of its keys takes."""
COPIED: Final = "copied"


def divide(database: Database, layout: Layout) -> bool:
    """Divide a plain table, and return whether it is divided now; what is in the way is logged."""
    with database.read(system("partitions")) as reads:
        found = obstacles(reads, layout)
    if found:
        telemetry.instrument("partition.obstacle", level="warning", table=layout.table, what="; ".join(found))
        return False
    until = briefly(database, partial(_begin, layout=layout))
    while database.write(system("partitions"), partial(_copy_keys, layout=layout)):
        pass
    database.write(system("partitions"), partial(_validate, layout=layout, until=until))
    return briefly(database, partial(_exchange, layout=layout, until=until))


def obstacles(reads: Reads, layout: Layout) -> list[str]:
    """Return what must not happen to be on the table while it is exchanged for a divided one."""
    there = "= to_regclass(%s)"
    found = (
        (
            "SELECT DISTINCT 'the view ' || v.relname FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid "
            f"JOIN pg_class v ON v.oid = r.ev_class WHERE d.classid = 'pg_rewrite'::regclass AND d.refobjid {there}"
        ),
        (
            f"SELECT 'the trigger ' || tgname FROM pg_trigger WHERE tgrelid {there} "
            "AND NOT tgisinternal AND tgname !~ '_keys_(note|keep|forget)$'"
        ),
        f"SELECT 'the foreign key ' || conname FROM pg_constraint WHERE confrelid {there} AND contype = 'f'",
        # As in the last part of a move; a divided table can't have such a one.
        (
            "SELECT 'the unvalidated foreign key ' || conname FROM pg_constraint "
            f"WHERE conrelid {there} AND contype = 'f' AND NOT convalidated"
        ),
    )
    return [str(row[0]) for sql in found for row in reads.execute(sql, (layout.table,)).fetchall()]


# -- beside the table -------------------------------------------------------------------------------------------------


def _begin(tx: Transaction, *, layout: Layout) -> datetime:
    """Note keys from now on, and bound the ids of the table; return the end of the month it is to be the table of."""
    table, keys, key = layout.table, layout.keys, layout.key
    noting = "SELECT 1 FROM pg_trigger WHERE tgrelid = to_regclass(%s) AND tgname = %s"
    if not tx.execute(noting, (table, f"{keys}_note")).fetchone():
        # What a table of the same name has left that was dropped.
        tx.execute(f"DROP TABLE IF EXISTS {keys}")
        tx.execute(f"CREATE TABLE {keys} AS SELECT organization_id, {key}, id FROM {table} WITH NO DATA")
        for column in ("organization_id", key, "id"):
            tx.execute(f"ALTER TABLE {keys} ALTER COLUMN {column} SET NOT NULL")
        tx.execute(f"CREATE UNIQUE INDEX {keys}_unique ON {keys} (organization_id, {key})")
        tx.execute(f"CREATE INDEX {keys}_id ON {keys} USING brin (id)")
        for function in _functions(layout):
            tx.execute(function)
        tx.execute(
            f"CREATE TRIGGER {keys}_note AFTER INSERT ON {table} REFERENCING NEW TABLE AS fresh "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {keys}_note()"
        )
        tx.execute(_forget_trigger(layout))
    found = _bounded(tx, layout)
    if found is not None and found > clock.now() + timedelta(days=1):
        return found
    if found is not None:
        tx.execute(f"ALTER TABLE {table} DROP CONSTRAINT {_bound_name(layout, found)}")
    until = next(month for month in months(clock.now(), 3) if month > clock.now() + MARGIN)
    check = f"CHECK (id >= '{BEGINNING}' AND id < '{bound(until)}') NOT VALID"
    tx.execute(f"ALTER TABLE {table} ADD CONSTRAINT {_bound_name(layout, until)} {check}")
    return until


def _functions(layout: Layout) -> tuple[str, str, str]:
    """Return what the triggers do: note keys of a plain table, keep each key once, forget those of deleted rows."""
    keys, key = layout.keys, layout.key
    head = "CREATE OR REPLACE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    into = f"INSERT INTO {keys} (organization_id, {key}, id)"
    note = (
        f"{head.format(f'{keys}_note')} {into} SELECT organization_id, {key}, id FROM fresh "
        f"ON CONFLICT (organization_id, {key}) DO UPDATE SET id = excluded.id; RETURN NULL; END $$"
    )
    same = f"k.organization_id = NEW.organization_id AND k.{key} = NEW.{key} AND k.id = NEW.id"
    # The same row once more is for the primary key to judge.
    keep = (
        f"{head.format(f'{keys}_keep')} {into} VALUES (NEW.organization_id, NEW.{key}, NEW.id) ON CONFLICT DO NOTHING; "
        f"IF FOUND THEN RETURN NEW; END IF; PERFORM 1 FROM {keys} k WHERE {same}; "
        "IF FOUND THEN RETURN NEW; END IF; RETURN NULL; END $$"
    )
    gone = f"k.organization_id = g.organization_id AND k.{key} = g.{key} AND k.id = g.id"
    forget = f"{head.format(f'{keys}_forget')} DELETE FROM {keys} k USING gone g WHERE {gone}; RETURN NULL; END $$"
    return note, keep, forget


def _forget_trigger(layout: Layout) -> str:
    return (
        f"CREATE TRIGGER {layout.keys}_forget AFTER DELETE ON {layout.table} REFERENCING OLD TABLE AS gone "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {layout.keys}_forget()"
    )


def _bound_name(layout: Layout, until: datetime) -> str:
    return f"{layout.table}_before_{until:%Y_%m}"


def _bounded(reads: Reads, layout: Layout) -> datetime | None:
    """Return the end of the month that the table is bound to, None if it is not yet."""
    sql = "SELECT conname::text FROM pg_constraint WHERE conrelid = to_regclass(%s) AND contype = 'c'"
    for (name,) in reads.execute(sql, (layout.table,)).fetchall():
        if (found := re.fullmatch(rf"{layout.table}_before_(\d{{4}})_(\d\d)", name)) is not None:
            return clock.now().replace(
                year=int(found[1]), month=int(found[2]), day=1, hour=0, minute=0, second=0, microsecond=0
            )
    return None


def _copy_keys(tx: Transaction, *, layout: Layout) -> int:
    """Copy the keys of some rows, on from where the last unit stopped, and return of how many."""
    state = read_state(tx, layout)
    after = state.get(COPIED, [str(BEGINNING), str(BEGINNING)])
    columns = f"organization_id, {layout.key}, id"
    # Locked, or a row could be deleted at this moment whose key is there only afterwards.
    some = (
        f"SELECT {columns} FROM {layout.table} t WHERE (t.organization_id, t.id) > (%s, %s) "
        f"ORDER BY t.organization_id, t.id LIMIT {CHUNK} FOR KEY SHARE"
    )
    sql = (
        f"WITH taken AS MATERIALIZED ({some}), noted AS (INSERT INTO {layout.keys} ({columns}) "
        f"SELECT {columns} FROM taken ON CONFLICT DO NOTHING) SELECT organization_id::text, id::text FROM taken"
    )
    rows = tx.execute(sql, [UUID(part) for part in after]).fetchall()
    if rows:
        write_state(tx, layout, {**state, COPIED: [*max(rows)]})
    return len(rows)


def _validate(tx: Transaction, *, layout: Layout, until: datetime) -> None:
    """Let PostgreSQL read the table for the bound, which keeps nobody from it."""
    tx.execute("SET LOCAL statement_timeout = 0")
    tx.execute(f"ALTER TABLE {layout.table} VALIDATE CONSTRAINT {_bound_name(layout, until)}")


# -- the exchange -----------------------------------------------------------------------------------------------------


def _exchange(tx: Transaction, *, layout: Layout, until: datetime) -> bool:
    """Put a divided table in the place of the plain one, which becomes its first partition."""
    if is_divided(tx, layout):
        return True
    table, old = layout.table, f"{layout.table}_to_{until:%Y_%m}"
    tx.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
    if obstacles(tx, layout) or _bounded(tx, layout) != until:
        return False
    definitions, grants = _definitions(tx, layout), _grants(tx, layout)
    tx.execute(f"DROP TRIGGER {layout.keys}_note ON {table}")
    tx.execute(f"DROP TRIGGER {layout.keys}_forget ON {table}")
    tx.execute(f"DROP INDEX {layout.unique}")
    tx.execute(f"ALTER TABLE {table} RENAME TO {old}")
    for place, name in enumerate(_indexes(tx, old)):
        tx.execute(f"ALTER INDEX {name} RENAME TO {old}_{place}")
    copy = "INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE"
    tx.execute(f"CREATE TABLE {table} (LIKE {old} {copy}) PARTITION BY RANGE (id)")
    tx.execute(f"ALTER TABLE {table} DROP CONSTRAINT {_bound_name(layout, until)}")
    for definition in (*definitions, *grants):
        tx.execute(definition)
    ends = f"FROM ('{BEGINNING}') TO ('{bound(until)}')"
    tx.execute(f"ALTER TABLE {table} ATTACH PARTITION {old} FOR VALUES {ends}")
    tx.execute(f"ALTER TABLE {old} DROP CONSTRAINT {_bound_name(layout, until)}")
    tx.execute(f"CREATE TABLE {layout.default} PARTITION OF {table} DEFAULT")
    tx.execute(
        f"CREATE TRIGGER {layout.keys}_keep BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {layout.keys}_keep()"
    )
    tx.execute(_forget_trigger(layout))
    tx.execute(f"DROP FUNCTION {layout.keys}_note()")
    write_state(tx, layout, {})
    telemetry.instrument("partition.divided", table=table, first=old, then=of_month(layout, until).name)
    return True


def _definitions(tx: Transaction, layout: Layout) -> list[str]:
    """Return the statements that give the new table the keys and indexes of the old one, under the same names."""
    constraints = (
        "SELECT format('ALTER TABLE %%I ADD CONSTRAINT %%I %%s', c.relname, k.conname, pg_get_constraintdef(k.oid)) "
        "FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid "
        "WHERE c.oid = to_regclass(%s) AND k.contype IN ('p', 'f') ORDER BY k.contype DESC, k.conname"
    )
    indexes = (
        "SELECT pg_get_indexdef(x.indexrelid) FROM pg_index x WHERE x.indrelid = to_regclass(%s) AND NOT x.indisunique"
    )
    return [str(row[0]) for sql in (constraints, indexes) for row in tx.execute(sql, (layout.table,)).fetchall()]


def _grants(tx: Transaction, layout: Layout) -> list[str]:
    sql = (
        "SELECT format('GRANT %%s ON %%I TO %%s', a.privilege_type, c.relname, "
        "CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END) "
        "FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = to_regclass(%s) AND a.grantee <> c.relowner"
    )
    return [str(row[0]) for row in tx.execute(sql, (layout.table,)).fetchall()]


def _indexes(tx: Transaction, table: str) -> list[str]:
    sql = (
        "SELECT i.relname::text FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid "
        "WHERE x.indrelid = to_regclass(%s) ORDER BY i.relname"
    )
    return [name for (name,) in tx.execute(sql, (table,)).fetchall()]
