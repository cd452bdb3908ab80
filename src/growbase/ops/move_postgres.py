"""A PostgreSQL database as one end of a move."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import errors as pg

from growbase.core import ddl
from growbase.core.config import Settings
from growbase.core.errors import Unavailable
from growbase.core.gate import REFUSED
from growbase.ops.connections import connect_postgresql
from growbase.ops.move_ends import REFUSAL, Dirty, End, unchanged
from growbase.ops.move_rows import DIRTY, MARK, Key, Row, Table

OLDEST = 150_000
"""The oldest server version there is a promise for: 15."""


class PostgresEnd(End):
    """A PostgreSQL database, reached past PgBouncer."""

    engine = "postgresql"
    mark = "%s"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._connection: psycopg.Connection[Any] | None = None

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The one connection, made on first use."""
        if self._connection is None:
            made: psycopg.Connection[Any] = connect_postgresql(self.settings)
            made.autocommit = True
            self._connection = made
        return self._connection

    def query(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        """Run a statement."""
        done = self.connection.execute(sql.encode(), params or None)
        return done.fetchall() if done.description else []

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def size(self) -> int:
        """Return the size of the whole database."""
        return int(self.query("SELECT pg_database_size(current_database())")[0][0])

    def has(self, table: str) -> bool:
        """Look along the search path."""
        return bool(self.query("SELECT to_regclass(%s) IS NOT NULL", (f'"{table}"',))[0][0])

    def tables(self) -> list[str]:
        """Return the names of the tables of the schema."""
        sql = "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()"
        return [name for (name,) in self.query(sql)]

    # -- rows -----------------------------------------------------------------------------------------------------

    def rows(self, table: Table, after: Key | None, limit: int | None, upto: Key | None = None) -> list[Row]:
        """Return rows in the common form."""
        marks = f"({', '.join(f'%s::{cast}' for cast in table.casts)})"
        bounds = [(">", after), ("<=", upto)]
        terms = [f"({_own(table)}) {sign} {marks}" for sign, key in bounds if key is not None]
        where = f"WHERE {' AND '.join(terms)}" if terms else ""
        end = f" LIMIT {limit}" if limit is not None else ""
        sql = f"SELECT {table.selects} FROM {table.name} {where} ORDER BY {_own(table)}{end}"
        return self.query(sql, (*(after or ()), *(upto or ())))

    def keys_of(self, table: Table) -> str:
        """Give ids as text."""
        return ", ".join(
            f"{name}::text" if cast == "uuid" else name for name, cast in zip(table.key, table.casts, strict=True)
        )

    def by_key(self, table: Table, keys: Sequence[Key]) -> list[Row]:
        """Look the rows up by arrays of their keys."""
        if not keys:
            return []
        sql = f"SELECT {table.selects} FROM {table.name} WHERE {_listed(table)}"
        return self.query(sql, _arrays(keys))

    @contextmanager
    def _transaction(self, kind: str = "") -> Iterator[None]:
        self.query(f"BEGIN {kind}")
        try:
            yield
            self.query("COMMIT")
        except BaseException:
            if not self.connection.closed:
                self.connection.rollback()
            raise

    def writing(self) -> Any:  # noqa: ANN401 -- a context manager
        """Begin."""
        return unchanged() if self.is_held else self._transaction()

    def snapshot(self) -> Any:  # noqa: ANN401 -- the same
        """Read inside one transaction."""
        return unchanged() if self.is_held else self._transaction("ISOLATION LEVEL REPEATABLE READ READ ONLY")

    # -- a source -------------------------------------------------------------------------------------------------

    def record(self, tables: Iterable[Table]) -> None:
        """Create a trigger a table, each in its own transaction: it waits for the writers of that table alone."""
        self.query(
            f"CREATE TABLE IF NOT EXISTS {DIRTY} "
            "(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, key text)"
        )
        made: dict[tuple[str, ...], str] = {}
        for table in tables:
            if table.key not in made:
                made[table.key] = f"{DIRTY}_{len(made)}"
                self.query(_function(made[table.key], table.key))
            self.query(
                f"CREATE OR REPLACE TRIGGER {DIRTY} AFTER INSERT OR UPDATE OR DELETE ON {table.name} "
                f"FOR EACH ROW EXECUTE FUNCTION {made[table.key]}('{table.name}')"
            )

    def forget(self, tables: Iterable[Table]) -> None:
        """Drop the triggers, then their functions and the record."""
        functions: dict[tuple[str, ...], str] = {}
        for table in tables:
            functions.setdefault(table.key, f"{DIRTY}_{len(functions)}")
            self.query(f"DROP TRIGGER IF EXISTS {DIRTY} ON {table.name}")
        for name in (*functions.values(), f"{DIRTY}_refuse"):
            self.query(f"DROP FUNCTION IF EXISTS {name}() CASCADE")
        self.query(f"DROP TABLE IF EXISTS {DIRTY}")

    def clean(self, entries: Sequence[Dirty]) -> None:
        """Remove the entries one by one: others with lower numbers may have been committed meanwhile."""
        self.query(f"DELETE FROM {DIRTY} WHERE id = ANY(%s)", ([number for number, _, _ in entries],))

    @contextmanager
    def held(self, seconds: float) -> Iterator[None]:
        """Wait for the writers at work, at most so long, and hold all others, which have to record what they write."""
        try:
            with self._transaction():
                self.query(f"SET LOCAL lock_timeout = {int(seconds * 1000)}")
                self.query(f"LOCK TABLE {DIRTY} IN EXCLUSIVE MODE")
                self.is_held = True
                yield
        except pg.LockNotAvailable as error:
            raise TimeoutError from error
        finally:
            self.is_held = False

    def refuse(self) -> None:
        """Let the record refuse entries, and with them the writes."""
        self.query(
            f"CREATE OR REPLACE FUNCTION {DIRTY}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = '{REFUSED}'; END $$"
        )
        self.query(
            f"CREATE TRIGGER {DIRTY}_refuse BEFORE INSERT ON {DIRTY} FOR EACH ROW EXECUTE FUNCTION {DIRTY}_refuse()"
        )

    def retire(self) -> None:
        """Do nothing: the gate and the record refuse writes."""

    # -- a target -------------------------------------------------------------------------------------------------

    def problems(self, needed_bytes: int) -> list[str]:
        """Look at version, encoding and rights."""
        del needed_bytes
        if self.settings.uses_pgbouncer and self.settings.direct_url is None:
            return ["a move does not go through PgBouncer: give the address of PostgreSQL itself"]
        version, shown, encoding, database, user = self.query(
            "SELECT current_setting('server_version_num')::int, current_setting('server_version'), "
            "pg_encoding_to_char(encoding), datname::text, current_user::text "
            "FROM pg_database WHERE datname = current_database()"
        )[0]
        found = []
        if version < OLDEST:
            found.append(f"PostgreSQL {shown} is too old: take 15 or newer")
        if encoding != "UTF8":
            found.append(f"the encoding of {database} is {encoding}: make it with ENCODING 'UTF8'")
        schema = self.settings.database_schema
        sql, what = "SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)", f"SCHEMA {schema}"
        if schema is None:
            what = "SCHEMA public"
        elif self.query("SELECT current_schema() IS NULL")[0][0]:
            sql, what = "SELECT has_database_privilege(current_database(), 'CREATE')", f"DATABASE {database}"
        if not self.query(sql)[0][0]:
            found.append(f"{user} may not create tables there: GRANT CREATE ON {what} TO {user}")
        if self.query("SELECT pg_is_in_recovery()")[0][0]:
            found.append("the server is a replica, which takes no writes: give its primary")
        return found

    def set_aside(self) -> None:
        """Drop what the earlier move has left; the data are elsewhere."""
        self.clear()

    def clear(self) -> None:
        """Drop all tables, views and functions of Growbase."""
        tables = [table.name for table in ddl.tables(self.packages)]
        own = [name for name in self.tables() if name.startswith("alembic_version") or name in {DIRTY, MARK}]
        extras = ddl.extras(self.engine, self.packages)
        keys = [f"{model.__tablename__}_keys" for model in ddl.models(self.packages) if model.__monthly__]
        with self.writing():
            for kind, names in (
                ("VIEW", [extra.name for extra in extras if extra.kind == "view"]),
                ("TABLE", [*tables, *keys, *own]),
            ):
                for name in names:
                    self.query(f'DROP {kind} IF EXISTS "{name}" CASCADE')
            listed = f"proname LIKE '{DIRTY}%' AND pronamespace = quote_ident(current_schema())::regnamespace"
            dirty = [name for (name,) in self.query(f"SELECT proname::text FROM pg_proc WHERE {listed}")]
            noting = [f"{name}_{what}" for name in keys for what in ("note", "keep", "forget")]
            for name in [*(extra.name for extra in extras if extra.kind == "function"), *dirty, *noting]:
                self.query(f'DROP FUNCTION IF EXISTS "{name}" CASCADE')

    def create_tables(self) -> None:
        """Create the tables without what binds them to each other."""
        dialect = ddl.dialect_of(self.engine)
        if self.settings.database_schema:
            self.query(f'CREATE SCHEMA IF NOT EXISTS "{self.settings.database_schema}"')
        for table in ddl.tables(self.packages):
            made = sa.schema.CreateTable(table, include_foreign_key_constraints=[])
            self.query(str(made.compile(dialect=dialect)))

    def create_indexes(self, progress: Any) -> None:  # noqa: ANN401 -- a progress function
        """Create what is missing, and gather statistics."""
        dialect = ddl.dialect_of(self.engine)
        sql = "SELECT indexname::text FROM pg_indexes WHERE schemaname = current_schema()"
        known = {name for (name,) in self.query(sql)}
        wanted = [
            (str(index.name), str(sa.schema.CreateIndex(index).compile(dialect=dialect)))
            for table in ddl.tables(self.packages)
            for index in table.indexes
        ]
        wanted += [(extra.name, extra.create) for extra in self.early_extras()]
        for number, (name, statement) in enumerate(wanted):
            if name not in known:
                self.query(statement)
            progress(number + 1, len(wanted))
        self.query("ANALYZE")

    def _foreign_keys(self) -> list[tuple[str, str, str]]:
        """Return table, name and statement of each foreign key."""
        dialect = ddl.dialect_of(self.engine)
        return [
            (
                table.name,
                str(key.name),
                str(sa.schema.AddConstraint(key, isolate_from_table=False).compile(dialect=dialect)),
            )
            for table in ddl.tables(self.packages)
            for key in sorted(table.foreign_key_constraints, key=lambda key: str(key.name))
        ]

    def bind(self, tables: Sequence[Table]) -> None:
        """Create foreign keys that judge new rows at once and old ones in ``complete``; guards, views, counters."""
        statements = [f"{statement.strip()} NOT VALID" for _, _, statement in self._foreign_keys()]
        statements += [extra.create for extra in self.late_extras()]
        for table in tables:
            if table.counter is not None:
                counter = f"pg_get_serial_sequence('{table.name}', '{table.counter}')"
                newest = f"SELECT coalesce(max({table.counter}), 0) + 1 FROM {table.name}"
                statements.append(f"SELECT setval({counter}, ({newest}), false)")
        self.connection.execute(";\n".join(statements).encode(), prepare=False)

    def unbind(self) -> None:
        """Drop foreign keys, guards and views."""
        for table, name, _ in self._foreign_keys():
            self.query(f'ALTER TABLE {table} DROP CONSTRAINT IF EXISTS "{name}"')
        for extra in reversed(self.late_extras()):
            self.query(extra.drop(self.engine))

    def complete(self, progress: Any) -> None:  # noqa: ANN401 -- a progress function
        """Validate the foreign keys, which lets others read and write meanwhile."""
        found = self._foreign_keys()
        for number, (table, name, _) in enumerate(found):
            self.query(f'ALTER TABLE {table} VALIDATE CONSTRAINT "{name}"')
            progress(number + 1, len(found))

    def flush(self) -> None:
        """Do nothing: a commit is durable."""

    def insert(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows by COPY."""
        try:
            with (
                self.connection.cursor() as cursor,
                cursor.copy(f"COPY {table.name} ({table.names}) FROM STDIN".encode()) as copy,
            ):
                for row in rows:
                    copy.write_row(row)
        except psycopg.Error as error:
            raise Unavailable(reason=f"{table.name}: {str(error).strip()}") from error

    def delete(self, table: Table, keys: Sequence[Key]) -> None:
        """Delete the rows."""
        if keys:
            self.query(f"DELETE FROM {table.name} WHERE {_listed(table)}", _arrays(keys))


def _own(table: Table) -> str:
    """Return the key's columns by their table: in ORDER BY a bare name would be the selected text."""
    return ", ".join(f"{table.name}.{name}" for name in table.key)


def _listed(table: Table) -> str:
    names = ", ".join(f"k{place}" for place in range(len(table.key)))
    arrays = ", ".join(f"%s::{cast}[]" for cast in table.casts)
    return f"({table.keys}) IN (SELECT {names} FROM unnest({arrays}) AS k({names}))"


def _arrays(keys: Sequence[Key]) -> list[list[Any]]:
    return [list(values) for values in zip(*keys, strict=True)]


def _function(name: str, key: tuple[str, ...]) -> str:
    def entry(row: str) -> str:
        values = ", ".join(f"{row}.{column}" for column in key)
        return f"INSERT INTO {DIRTY} (name, key) VALUES (TG_ARGV[0], json_build_array({values})::text)"

    return (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'DELETE' THEN {entry('OLD')}; ELSE {entry('NEW')}; END IF; RETURN NULL; END $$"
    )
