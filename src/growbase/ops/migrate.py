"""Moving a database between revisions of its schema, alone and all or nothing."""

import io
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from growbase.core.config import Settings
from growbase.core.errors import ConfigError, GrowbaseError
from growbase.ops.connections import connect_postgresql, engine_name, file_lock, transaction, translated
from growbase.ops.copies import restored_on_failure, take_copy
from growbase.ops.history import FOLDER, after, revisions

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

    Start the newer version of Growbase that upgraded it.
    """

    code = "schema_too_new"


def current(settings: Settings) -> str | None:
    """Return the revision a database is at, None without any; it takes one statement and creates nothing."""
    if settings.is_postgresql:
        return _current_postgresql(settings)
    import pysqlite3

    from growbase.core.sqlite_connection import connect, translated

    path = settings.sqlite_path
    assert path is not None
    if not path.exists():
        return None
    connection = connect(path, read_only=True)
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except pysqlite3.Error as error:
        if "no such table" in str(error):
            return None
        raise translated(error) from error
    finally:
        connection.close()
    return str(row[0]) if row else None


def _current_postgresql(settings: Settings) -> str | None:
    with connect_postgresql(settings) as connection:
        if connection.execute("SELECT to_regclass('alembic_version')").fetchone()[0] is None:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else None


def head(folder: Path = FOLDER) -> str | None:
    """Return the newest revision there is, by the names of the files."""
    found = revisions(folder)
    return found[-1].id if found else None


def pending(settings: Settings, folder: Path = FOLDER) -> list[str]:
    """List the revisions that a database still lacks, without loading Alembic. Raises SchemaTooNew."""
    revision = current(settings)
    if revision is not None and revision not in {found.id for found in revisions(folder)}:
        raise SchemaTooNew(current=revision)
    return [found.id for found in after(revision, folder)]


def require_current(settings: Settings) -> None:
    """Raise SchemaOutdated or SchemaTooNew unless the database has the schema this program was written for."""
    if pending(settings):
        raise SchemaOutdated(current=current(settings) or "nothing", needed=head())


def upgrade(settings: Settings, to: str = "head", *, folder: Path = FOLDER) -> list[str]:
    """Apply the revisions up to ``to`` and return which; none if another process was faster.

    Either all of them are applied or none. Of a SQLite file that holds something a copy is taken before. Raises
    MigrationFailed, Unavailable, SchemaTooNew.
    """
    if not pending(settings, folder):
        return []
    return _move(settings, folder, to, lambda config, command: command.upgrade(config, to))


def downgrade(settings: Settings, to: str = "-1", *, folder: Path = FOLDER) -> list[str]:
    """Undo revisions down to ``to`` (``-1``: the newest one; ``base``: all) and return which."""
    return _move(settings, folder, to, lambda config, command: command.downgrade(config, to))


def stamp(settings: Settings, to: str = "head", *, folder: Path = FOLDER) -> None:
    """Write down that a database is at ``to`` without running anything."""
    _move(settings, folder, to, lambda config, command: command.stamp(config, to))


def plan(settings: Settings, to: str = "head", *, folder: Path = FOLDER) -> str:
    """Return the SQL that ``upgrade`` would run, empty if there is nothing to do."""
    if not pending(settings, folder):
        return ""
    output = io.StringIO()
    config = _config(folder)
    config.attributes |= {"dialect": engine_name(settings), "output": output}
    start = current(settings) or "base"
    _run(lambda _, command: command.upgrade(config, f"{start}:{to}", sql=True), config)
    return output.getvalue().strip()


_Command = Callable[[Any, Any], None]


def _move(settings: Settings, folder: Path, to: str, run: _Command) -> list[str]:
    """Run an Alembic command alone in one transaction and return the ids it moved over."""
    config = _config(folder)
    path = settings.sqlite_path
    try:
        with ExitStack() as stack:
            if path is not None:
                stack.enter_context(file_lock(path))
                if current(settings) is not None:
                    stack.enter_context(restored_on_failure(path, take_copy(path, to.strip("-+"))))
            connection = stack.enter_context(transaction(settings))
            start = _version(connection)
            config.attributes["connection"] = connection
            _run(run, config)
            end = _version(connection)
    except sa.exc.SQLAlchemyError as error:
        raise MigrationFailed(reason=str(translated(error))) from error
    low, high = sorted((start or "", end or ""))
    return [found.id for found in revisions(folder) if low < found.id <= high]


def _run(run: _Command, config: "Config") -> None:
    from alembic import command
    from alembic.util import CommandError

    try:
        run(config, command)
    except (GrowbaseError, sa.exc.SQLAlchemyError):
        raise
    except CommandError as error:
        raise MigrationFailed(reason=str(error)) from error
    except Exception as error:
        # A revision is code of any kind.
        raise MigrationFailed(reason=f"{type(error).__name__}: {error}") from error


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
    return str(row[0]) if row else None


def _config(folder: Path) -> "Config":
    from alembic.config import Config

    config = Config()
    # Percent signs begin an interpolation there.
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("version_locations", str(folder / "versions").replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    return config
