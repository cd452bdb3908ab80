"""Checks of the database engine itself: its pages, its keys, its settings."""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from growbase.core import clock, ddl
from growbase.core.actor import system
from growbase.core.dividing import obstacles
from growbase.core.errors import GrowbaseError
from growbase.core.model import table_of
from growbase.core.partitions import is_divided, keep_partitions, lacking, layouts, note_keys, stray, unnoted
from growbase.core.types import parse_moment
from growbase.ops.checks.finding import Finding, Patient, error, warning
from growbase.ops.connections import connect_postgresql, reader
from growbase.ops.fleet import connections_allowed, connections_wanted

SKEW: Final = timedelta(seconds=2)
SKEW_ERROR: Final = timedelta(seconds=30)
HELD: Final = timedelta(seconds=60)
RESTORE: Final = "Stop the server and run growbase restore: it takes the last good backup and keeps the damaged file."


def integrity(patient: Patient) -> Iterator[Finding]:
    """Read every page of every table and index; the light check only those of SQLite's b-trees."""
    if patient.is_postgresql:
        yield from _postgresql_integrity(patient)
        return
    from pysqlite3 import Error

    from growbase.core.sqlite_connection import connect

    path = patient.settings.sqlite_path
    assert path is not None
    command = "integrity_check" if patient.deep else "quick_check"
    try:
        with closing(connect(path, read_only=True)) as connection:
            listed = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
            for (table,) in connection.execute(listed).fetchall():
                reason = _table_fault(connection, command, table)
                if reason:
                    yield error(f"The table is damaged: {reason}", table, _recovery(path, patient.settings.data_dir))
    except (Error, GrowbaseError) as fault:
        yield error(f"The file is damaged: {fault}", str(path), _recovery(path, patient.settings.data_dir))


def _table_fault(connection: Any, command: str, table: str) -> str | None:  # noqa: ANN401 -- the driver's connection
    """Return what is wrong with a table and its indexes; a damaged page raises in place of being told."""
    from pysqlite3 import Error

    try:
        lines = [str(row[0]) for row in connection.execute(f"PRAGMA {command}('{table}')").fetchall()]
    except Error as fault:
        return str(fault)
    return None if lines == ["ok"] else lines[0].replace("\n", " ")[:300]


def _recovery(path: Path, folder: Path) -> str:
    """Say which is the newest copy that is whole."""
    good = _last_good(path, folder)
    if good is None:
        return RESTORE
    return f"{RESTORE} Or put the last good copy in its place: {good}."


def _last_good(path: Path, folder: Path) -> Path | None:
    from pysqlite3 import Error

    from growbase.core.sqlite_connection import connect

    copies = {*(folder / "backups").glob("*.db"), *(path.parent / "backups").glob("*.db")}
    for copy in sorted(copies, key=lambda found: found.stat().st_mtime, reverse=True):
        try:
            with closing(connect(copy, read_only=True)) as connection:
                if connection.execute("PRAGMA quick_check").fetchall() == [("ok",)]:
                    return copy
        except (Error, GrowbaseError):
            continue
    return None


def _postgresql_integrity(patient: Patient) -> Iterator[Finding]:
    fix = "Restore the last good backup beside this database and compare; look at the server's log and at the disk."
    with connect_postgresql(patient.settings) as connection:
        connection.autocommit = True
        sql = "SELECT coalesce(checksum_failures, 0) FROM pg_stat_database WHERE datname = current_database()"
        failures = connection.execute(sql).fetchone()[0]
        if failures:
            yield error(f"PostgreSQL has found {failures} pages with a wrong checksum.", "database", fix)
        if not patient.deep:
            return
        amcheck = bool(connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'amcheck'").fetchone())
        listed = (
            "SELECT c.oid, c.relname, c.relkind = 'r', coalesce(a.amname, '') FROM pg_class c "
            "LEFT JOIN pg_am a ON a.oid = c.relam WHERE c.relnamespace = quote_ident(current_schema())::regnamespace "
            "AND c.relkind IN ('r', 'i') ORDER BY c.relkind DESC, c.relname"
        )
        for oid, name, is_table, method in connection.execute(listed).fetchall():
            if is_table or (amcheck and method == "btree"):
                reason = _relation_fault(connection, oid, name, is_table=is_table, amcheck=amcheck)
                kind = "table" if is_table else "index"
                if reason:
                    yield error(f"The {kind} is damaged: {reason}", name, fix)


def _relation_fault(
    connection: Any,  # noqa: ANN401 -- psycopg is loaded only where it is used
    oid: int,
    name: str,
    *,
    is_table: bool,
    amcheck: bool,
) -> str | None:
    """Return what is wrong with a table or b-tree of PostgreSQL's; what the user may not look at is passed over."""
    import psycopg

    try:
        if not is_table:
            connection.execute("SELECT bt_index_check(%s, true)", (oid,))
            return None
        # As text, so that long values are read, too.
        connection.execute(f'SELECT count(t::text) FROM "{name}" AS t')
        if amcheck:
            row = connection.execute("SELECT msg FROM verify_heapam(%s) LIMIT 1", (oid,)).fetchone()
            return str(row[0]) if row else None
    except psycopg.errors.InsufficientPrivilege:
        return None
    except psycopg.Error as fault:
        return str(fault).splitlines()[0]
    return None


def foreign_keys(patient: Patient) -> Iterator[Finding]:
    """Look for rows that refer to rows that are not there."""
    if not patient.deep:
        return
    for model in ddl.models((*ddl.PROGRAM, *patient.settings.domains)):
        if not getattr(model, "__sql__", None):
            for key in sorted(table_of(model).foreign_key_constraints, key=lambda found: str(found.name)):
                yield from _dangling(patient, model.__tablename__, key)


def _dangling(patient: Patient, table: str, key: Any) -> Iterator[Finding]:  # noqa: ANN401 -- SQLAlchemy's constraint
    pairs = [(element.parent.name, element.column.name) for element in key.elements]
    parent = key.referred_table.name
    present = " AND ".join(f"c.{mine} IS NOT NULL" for mine, _ in pairs)
    same = " AND ".join(f"p.{theirs} = c.{mine}" for mine, theirs in pairs)
    sql = f"SELECT count(*) FROM {table} c WHERE {present} AND NOT EXISTS (SELECT 1 FROM {parent} p WHERE {same})"
    count = patient.database.query(sql)[0][0]
    if count:
        names = ", ".join(mine for mine, _ in pairs)
        fix = f"Restore the missing rows of {parent} from a backup, or purge these: growbase audit ls tells of both."
        yield error(f"{count} rows refer by {names} to rows of {parent} that are not there.", table, fix)


def clock_skew(patient: Patient) -> Iterator[Finding]:
    """Compare the clocks of the database and of this process, and look for a log from the future."""
    if patient.is_postgresql:
        before = clock.now()
        (at,) = patient.database.query("SELECT clock_timestamp()")[0]
        apart = abs(at - (before + (clock.now() - before) / 2))
        if apart > SKEW:
            finding = error if apart > SKEW_ERROR else warning
            yield finding(
                f"The clocks are {apart.total_seconds():.0f} s apart.",
                "database server",
                "Let both machines keep time by NTP: leases, sessions and schedules depend on it.",
            )
    rows = patient.database.query("SELECT occurred_at FROM changes ORDER BY seq DESC LIMIT 1")
    if rows:
        newest = rows[0][0] if patient.is_postgresql else parse_moment(rows[0][0])
        if newest - clock.now() > SKEW:
            yield warning(
                f"The newest entry of the change log is from {newest:%Y-%m-%d %H:%M:%S} UTC, which is yet to come.",
                "changes",
                "A server's clock was, or is, wrong: let all of them keep time by NTP.",
            )


# -- PostgreSQL only --------------------------------------------------------------------------------------------------


def postgresql_settings(patient: Patient) -> Iterator[Finding]:
    """Look for settings of PostgreSQL's with which acknowledged writes get lost, or a disk full."""
    if not patient.is_postgresql:
        return
    with reader(patient.settings) as rows:
        found = dict(rows("SELECT name, setting FROM pg_settings"))
        slots = rows("SELECT slot_name, active FROM pg_replication_slots")
    for name, harm in (
        ("fsync", "a loss of power destroys the database"),
        ("full_page_writes", "a loss of power can tear pages"),
    ):
        if found[name] == "off":
            yield error(f"{name} is off: {harm}.", name, f"Set {name} = on in postgresql.conf and reload.")
    if found["synchronous_commit"] == "off":
        yield warning(
            "synchronous_commit is off: the last acknowledged writes are lost with the server.",
            "synchronous_commit",
            "Set it to on, for the database's user or in postgresql.conf.",
        )
    if slots and found.get("max_slot_wal_keep_size") == "-1":
        yield warning(
            "There are replication slots, and nothing bounds what they keep.",
            "max_slot_wal_keep_size",
            "Set it to what the disk can spare, or a dead receiver fills the disk.",
        )
    for name, active in slots:
        if not active:
            yield warning(
                "Nobody reads the replication slot, which keeps write-ahead log for its reader.",
                name,
                "Start its receiver again, or drop the slot: SELECT pg_drop_replication_slot(name).",
            )


def connections(patient: Patient) -> Iterator[Finding]:
    """Compare what the servers of this machine may open with what PostgreSQL lets in."""
    if not patient.is_postgresql or patient.settings.uses_pgbouncer:
        return
    processes = patient.settings.server_processes
    wanted = connections_wanted(patient.settings, processes=processes)
    room = connections_allowed(patient.database)
    if wanted > room:
        yield warning(
            f"{processes} processes with {patient.settings.pool_max} connections each may open {wanted}, commands "
            f"included: more than the {room} that PostgreSQL lets in.",
            "max_connections",
            "Lower GROWBASE_POOL_MAX or GROWBASE_PROCESSES, raise max_connections, or put PgBouncer between.",
        )


def long_transactions(patient: Patient) -> Iterator[Finding]:
    """Name the transactions that hold the change feed back: readers stop before the oldest one that is open."""
    if not patient.is_postgresql:
        return
    sql = (
        "SELECT pid::text, coalesce(usename, ''), coalesce(application_name, ''), coalesce(state, ''), "
        "extract(epoch FROM clock_timestamp() - xact_start)::int, left(query, 100) FROM pg_stat_activity "
        f"WHERE backend_xid IS NOT NULL AND clock_timestamp() - xact_start > interval '{HELD.total_seconds():.0f} s' "
        "UNION ALL SELECT gid, owner, 'prepared transaction', '', "
        "extract(epoch FROM clock_timestamp() - prepared)::int, '' FROM pg_prepared_xacts"
    )
    with reader(patient.settings) as rows:
        for pid, user, program, state, seconds, query in rows(sql):
            shown = re.sub(r"\s+", " ", query)
            yield warning(
                f"A transaction of {user} ({program or 'no name'}, {state or 'open'}) is open for {seconds} s and "
                f"holds back the change feed, webhooks and seals: {shown}",
                f"pid {pid}",
                f"End it where it comes from, or: SELECT pg_terminate_backend({pid}).",
            )


def partitions(patient: Patient) -> Iterator[Finding]:
    """Look whether the partitions of event tables are ahead, and whether a key sent again would be known."""
    if not patient.is_postgresql:
        return
    database = patient.database
    repair = partial(keep_partitions, database)
    with database.read(system("doctor")) as reads:
        for layout in layouts(database.catalog):
            if not is_divided(reads, layout):
                for what in obstacles(reads, layout):
                    fix = "Take it away until a worker has divided the table, which it tries every six hours."
                    yield warning("It can't be divided by month.", f"{layout.table}: {what}", fix)
                continue
            missing = [one.name for one in lacking(reads, layout, ahead=1)]
            if missing:
                what = "Partitions of the months to come are missing: rows go to the default one meanwhile."
                yield warning(what, ", ".join(missing), "Make them; a worker does so every six hours.", repair)
            elif (rows := stray(reads, layout)) is not None:
                what = "Rows that came before their partition was made are in the default one."
                yield warning(what, rows.name, "Move them to their month; a worker does so every six hours.", repair)
            if patient.deep and (count := unnoted(reads, layout)):
                fix = "Write the keys down again."
                note = partial(note_keys, database, layout)
                yield error(f"{count} rows would count twice if they were sent again.", layout.table, fix, note)
