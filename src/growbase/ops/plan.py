"""The SQL that an upgrade would run, with what each statement locks or loses written above it."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from growbase.core.config import Settings
from growbase.core.errors import Invalid
from growbase.core.partitions import ROWS
from growbase.migrations.fresh import fresh_sql
from growbase.ops import migrate
from growbase.ops.connections import engine_name, reader
from growbase.ops.effects import Effect, Seen, effects_of
from growbase.ops.history import CORE, History, Revision, histories, revisions

ESTIMATED = 100_000
"""PostgreSQL tables larger than this are not counted but taken from its statistics."""
Count = Callable[[str], int | None]
"""Returns how many rows a table has, None where that is not known."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One effect of a statement, and how many rows the table has."""

    effect: Effect
    rows: int | None

    @property
    def is_dangerous(self) -> bool:
        """Whether values or time are lost: not on a table that is known to be empty."""
        return (self.effect.waits or self.effect.loses) and self.rows != 0

    def text(self) -> str:
        """Return one readable line."""
        rows = "" if self.rows is None else f" ({self.rows:,} row{'' if self.rows == 1 else 's'})"
        return f"{'DANGER: ' if self.is_dangerous else ''}{self.effect.table}{rows} {self.effect.text}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What an upgrade would do; ``sql`` is empty if there is nothing to do."""

    sql: str
    found: tuple[Planned, ...]

    @property
    def dangers(self) -> list[Planned]:
        """What a person should know before it runs."""
        return [one for one in self.found if one.is_dangerous]


def plan(settings: Settings, to: str = "head", history: History | None = None, start: str | None = None) -> Plan:
    """Return what ``upgrade`` would run.

    From the revision ``start`` it is told without any database; otherwise from where the database is, with the rows of
    its tables. Raises Unavailable.
    """
    if start is not None:
        chosen = history or CORE
        ways = [(chosen, f"{_known(chosen, start)}:{to}")]
        return _plan(engine_name(settings), ways, lambda _: None)
    engine, whole, ways = engine_name(settings), [], []
    for one in histories(settings) if history is None else [history]:
        if not migrate.pending(settings, one):
            continue
        at = migrate.current(settings, one)
        if migrate.starts_fresh(one, at, to):
            sql, at = fresh_sql(engine, one.version_table)
            whole.append(sql.strip())
        if at != revisions(one)[-1].id:
            ways.append((one, f"{at or 'base'}:{to}"))
    with _counting(settings) as count:
        found = _plan(engine, ways, count)
    return Plan("\n\n".join(filter(None, [*whole, found.sql])), found.found)


def effects(history: History, revision: Revision, engine: str = "postgresql") -> list[Effect]:
    """Return what one revision does to the tables that the revisions before it have made."""
    known = [one.id for one in revisions(history)]
    place = known.index(revision.id)
    way = f"{known[place - 1] if place else 'base'}:{revision.id}"
    return [one.effect for one in _plan(engine, [(history, way)], lambda _: None).found]


def _known(history: History, revision: str) -> str:
    ids = ["base", *(one.id for one in revisions(history))]
    if revision not in ids:
        message = "is no revision: name one of {revisions}"
        raise Invalid.at("from", "unknown", message, revisions=", ".join(ids))
    return revision


def _plan(engine: str, ways: list[tuple[History, str]], count: Count) -> Plan:
    written, found, seen = [], list[Planned](), Seen(engine)
    for history, way in ways:
        output = io.StringIO()
        config = migrate.configured(history)
        watch = partial(_watch, output, seen, count, found)
        config.attributes |= {"dialect": engine, "output": output, "watch": watch}
        migrate.run_alembic(partial(_write_sql, way), config, history)
        written.append(output.getvalue().strip())
    return Plan("\n\n".join(written), tuple(found))


def _write_sql(way: str, config: Any, command: Any) -> None:  # noqa: ANN401 -- modules that are loaded late
    command.upgrade(config, way, sql=True)


def _watch(output: io.StringIO, seen: Seen, count: Count, found: list[Planned], impl: Any) -> None:  # noqa: ANN401
    """Write above each statement that Alembic's ``impl`` writes what it does."""
    write = impl._exec  # noqa: SLF001 -- all its statements pass here, as objects

    def told(statement: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 -- passed on
        for effect in effects_of(statement, seen):
            found.append(Planned(effect, count(effect.table)))
            output.write(f"-- {found[-1].text()}\n")
        return write(statement, *arguments, **options)

    impl._exec = told  # noqa: SLF001


@contextmanager
def _counting(settings: Settings) -> Iterator[Count]:
    path = settings.sqlite_path
    if path is not None and not path.exists():
        yield lambda _: None
        return
    with reader(settings) as rows:

        @cache
        def count(table: str) -> int | None:
            if path is not None:
                there = rows(f"SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '{table}'")
                return int(rows(f'SELECT count(*) FROM "{table}"')[0][0]) if there else None
            estimate = rows(f"SELECT {ROWS} FROM pg_class c WHERE oid = to_regclass('\"{table}\"')")
            if not estimate:
                return None
            return int(estimate[0][0] if estimate[0][0] > ESTIMATED else rows(f'SELECT count(*) FROM "{table}"')[0][0])

        yield count
