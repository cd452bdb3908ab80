"""Moving a database between revisions of its schema, alone and all or nothing."""

import io
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from growbase.core.config import Settings
from growbase.core.errors import ConfigError, Conflict, GrowbaseError
from growbase.ops.connections import engine_name, file_lock, reader, transaction, translated
from growbase.ops.copies import restored_on_failure, take_copy
from growbase.ops.history import CORE, FOLDER, History, Revision, after, histories, revisions

if TYPE_CHECKING:
    from alembic.config import Config


class MigrationFailed(GrowbaseError):
    """The migration failed: {reason}.

    The database is as it was before. Correct the cause, then run growbase db upgrade again.
    """

    code = "migration_failed"


class SchemaOutdated(ConfigError):
    """The database's schema is at {current}; this program needs {needed}.

    Run growbase db upgrade.
    """

    code = "schema_outdated"


class SchemaTooNew(ConfigError):
    """The database's schema is at {current}, which this program does not know.

    Start the newer version that upgraded it.
    """

    code = "schema_too_new"


class MoveUnfinished(Conflict):
    """The data are being moved to another database, which gets the schema they have now.

    Finish the move (growbase move) or end it (growbase move --cancel) first.
    """

    code = "move_unfinished"


def current(settings: Settings, history: History = CORE) -> str | None:
    """Return the revision a database is at, None without any; nothing is created."""
    return _versions(settings, [history])[0]


def _versions(settings: Settings, chosen: Sequence[History]) -> list[str | None]:
    """Return the revision a database is at in each history, read on one connection."""
    path = settings.sqlite_path
    if path is not None and not path.exists():
        return [None for _ in chosen]
    exists = "to_regclass('\"{0}\"') IS NOT NULL" if path is None else "EXISTS (SELECT 1 FROM pragma_table_info('{0}'))"
    found: list[str | None] = []
    try:
        with reader(settings) as rows:
            for history in chosen:
                table = history.version_table
                is_there = rows(f"SELECT {exists.format(table)}")[0][0]
                version = rows(f'SELECT version_num FROM "{table}"') if is_there else []
                found.append(str(version[0][0]) if version else None)
    except GrowbaseError:
        raise
    except Exception as error:
        raise translated(error) from error
    return found


def versions(settings: Settings) -> dict[str, str | None]:
    """Return the revision a database is at for each package that has a history."""
    known = histories(settings)
    return dict(zip((one.package for one in known), _versions(settings, known), strict=True))


def heads(settings: Settings) -> list[str]:
    """Return the newest revision of each history, by the names of the files."""
    return [history.label(found[-1].id) for history in histories(settings) if (found := revisions(history))]


def pending(settings: Settings, history: History | None = None) -> list[str]:
    """List the revisions that a database lacks, of one history or of all, without loading Alembic.

    Raises SchemaTooNew.
    """
    return [one.label(revision.id) for one, missing in _lacking(settings, history) for revision in missing]


def _lacking(settings: Settings, history: History | None) -> list[tuple[History, list[Revision]]]:
    """Return the histories of which a database lacks revisions, with those."""
    chosen = histories(settings) if history is None else [history]
    found = []
    for one, version in zip(chosen, _versions(settings, chosen), strict=True):
        if version is not None and version not in {known.id for known in revisions(one)}:
            raise SchemaTooNew(current=one.label(version))
        found.append((one, after(version, one)))
    return [(one, missing) for one, missing in found if missing]


def require_current(settings: Settings) -> None:
    """Raise SchemaOutdated or SchemaTooNew unless the database has the schema this program was written for."""
    for history, missing in _lacking(settings, None):
        at = history.label(current(settings, history))
        raise SchemaOutdated(current=at, needed=history.label(missing[-1].id))


def upgrade(settings: Settings, to: str = "head", history: History | None = None) -> list[str]:
    """Apply the revisions up to ``to`` and return which; none if another process was faster.

    Without a history all are brought to their head, the program's own first. Either every revision is applied or none.
    Of a SQLite file that holds something a copy is taken before. Raises MigrationFailed, Unavailable, SchemaTooNew.
    """
    assert history is not None or to == "head", to
    chosen = [one for one, _ in _lacking(settings, history)]
    if not chosen:
        return []
    return _move(settings, chosen, to, lambda config, command: command.upgrade(config, to))


def downgrade(settings: Settings, to: str = "-1", history: History = CORE) -> list[str]:
    """Undo revisions down to ``to`` (``-1``: the newest one; ``base``: all) and return which."""
    return _move(settings, [history], to, lambda config, command: command.downgrade(config, to))


def stamp(settings: Settings, to: str = "head", history: History = CORE) -> None:
    """Write down that a database is at ``to`` without running anything."""
    _move(settings, [history], to, lambda config, command: command.stamp(config, to))


def plan(settings: Settings, to: str = "head", history: History | None = None) -> str:
    """Return the SQL that ``upgrade`` would run, empty if there is nothing to do."""
    planned = []
    for one, _ in _lacking(settings, history):
        output = io.StringIO()
        config = _config(one)
        config.attributes |= {"dialect": engine_name(settings), "output": output}
        way = f"{current(settings, one) or 'base'}:{to}"
        _run(partial(_write_sql, way), config, one)
        planned.append(output.getvalue().strip())
    return "\n\n".join(planned)


def _write_sql(way: str, config: "Config", command: Any) -> None:  # noqa: ANN401 -- a module that is loaded late
    command.upgrade(config, way, sql=True)


_Command = Callable[[Any, Any], None]


def _move(settings: Settings, chosen: Sequence[History], to: str, run: _Command) -> list[str]:
    """Run an Alembic command on some histories, alone and in one transaction; return the revisions it moved over."""
    path = settings.sqlite_path
    _require_no_move(settings)
    try:
        with ExitStack() as stack:
            if path is not None:
                stack.enter_context(file_lock(path))
                if current(settings) is not None:
                    stack.enter_context(restored_on_failure(path, take_copy(path, to.strip("-+"))))
            connection = stack.enter_context(transaction(settings))
            return [label for history in chosen for label in _moved(connection, history, run)]
    except sa.exc.SQLAlchemyError as error:
        raise MigrationFailed(reason=str(translated(error))) from error


def _require_no_move(settings: Settings) -> None:
    """Raise MoveUnfinished while a move follows the writes of this database."""
    if current(settings) is None:
        return
    with reader(settings) as rows:
        if rows("SELECT 1 FROM instance_facts WHERE name = 'move'"):
            raise MoveUnfinished


def _moved(connection: sa.Connection, history: History, run: _Command) -> list[str]:
    """Run an Alembic command on one history and return the revisions it moved over."""
    config = _config(history)
    config.attributes["connection"] = connection
    start = _version(connection, history)
    _run(run, config, history)
    low, high = sorted((start or "", _version(connection, history) or ""))
    return [history.label(found.id) for found in revisions(history) if low < found.id <= high]


def _run(run: _Command, config: "Config", history: History) -> None:
    from alembic import command
    from alembic.util import CommandError

    try:
        run(config, command)
    except GrowbaseError:
        raise
    except Exception as error:
        # A revision is code of any kind.
        is_plain = isinstance(error, CommandError | sa.exc.SQLAlchemyError)
        reason = str(translated(error)) if is_plain else f"{type(error).__name__}: {error}"
        raise MigrationFailed(reason=f"{history.package}: {reason}" if history.is_own else reason) from error


def _version(connection: sa.Connection, history: History) -> str | None:
    if not sa.inspect(connection).has_table(history.version_table):
        return None
    row = connection.exec_driver_sql(f'SELECT version_num FROM "{history.version_table}"').first()
    return str(row[0]) if row else None


def _config(history: History) -> "Config":
    from alembic.config import Config

    config = Config()
    # Percent signs begin an interpolation there.
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("version_locations", str(history.folder).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.attributes["version_table"] = history.version_table
    return config
