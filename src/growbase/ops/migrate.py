"""Moving a database between revisions of its schema, alone and all or nothing."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from growbase.core import telemetry
from growbase.core.config import Settings
from growbase.core.errors import ConfigError, Conflict, GrowbaseError
from growbase.migrations.fresh import install_fresh
from growbase.ops import compatibility
from growbase.ops.blocking import Blocker, watched
from growbase.ops.connections import LOCK_SECONDS, file_lock, reader, transaction, translated
from growbase.ops.copies import restored_on_failure, take_copy
from growbase.ops.history import CORE, FOLDER, History, Revision, after, histories, revisions

if TYPE_CHECKING:
    from alembic.config import Config


class MigrationFailed(GrowbaseError):
    """The migration failed: {reason}.

    The database is as it was before. Correct the cause, then run growbase db upgrade again.
    """

    code = "migration_failed"


class MigrationBlocked(GrowbaseError):
    """The migration waited {seconds:g} s, {tries} times, for a lock that process {pid} holds ({state}): {query}

    Wait for it, or end it with SELECT pg_terminate_backend({pid}), then run growbase db upgrade again. The database is
    as it was before.
    """

    code = "migration_blocked"


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


@dataclass(frozen=True, slots=True)
class Care:
    """What is done so that a migration harms nobody.

    ``copies`` is of SQLite, whose file is copied before; on PostgreSQL ``backup`` is called. Where somebody holds a
    lock for longer than ``lock_seconds``, all is undone and tried again after each of the ``pauses``.
    """

    copies: bool = True
    backup: Callable[[], object] | None = None
    lock_seconds: float = LOCK_SECONDS
    pauses: tuple[float, ...] = (1.0, 2.0, 4.0)


CAREFUL = Care()


def current(settings: Settings, history: History = CORE) -> str | None:
    """Return the revision a database is at, None without any; nothing is created."""
    return _versions(settings, [history])[0]


def _versions(settings: Settings, chosen: Sequence[History]) -> list[str | None]:
    """Return the revision a database is at in each history, read on one connection."""
    path = settings.sqlite_path
    if path is not None and not path.exists():
        return [None for _ in chosen]
    found: list[str | None] = []
    try:
        with reader(settings) as rows:
            for history in chosen:
                table = history.version_table
                version = rows(f'SELECT version_num FROM "{table}"') if _has_table(settings, rows, table) else []
                found.append(str(version[0][0]) if version else None)
    except GrowbaseError:
        raise
    except Exception as error:
        raise translated(error) from error
    return found


def _has_table(settings: Settings, rows: Callable[[str], list[Any]], name: str) -> bool:
    known = f"to_regclass('\"{name}\"') IS NOT NULL"
    if not settings.is_postgresql:
        known = f"EXISTS (SELECT 1 FROM pragma_table_info('{name}'))"
    return bool(rows(f"SELECT {known}")[0][0])


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
        if version is None or version in {known.id for known in revisions(one)}:
            found.append((one, after(version, one)))
        elif not _is_served(settings, one, version):
            raise SchemaTooNew(current=one.label(version))
    return [(one, missing) for one, missing in found if missing]


def _is_served(settings: Settings, history: History, version: str) -> bool:
    """Return whether this program may run on the schema of a newer one, as while servers are replaced one by one."""
    if history.is_own:
        return False
    with reader(settings) as rows:
        return _has_table(settings, rows, "instance_facts") and compatibility.serves_this_version(rows, version)


def require_current(settings: Settings) -> None:
    """Raise SchemaOutdated or SchemaTooNew unless this program can work on the database's schema.

    One that is ahead serves it as long as the revisions not known here only expand; that is logged.
    """
    for history, missing in _lacking(settings, None):
        at = history.label(current(settings, history))
        raise SchemaOutdated(current=at, needed=history.label(missing[-1].id))
    if is_ahead(settings):
        telemetry.instrument("schema.ahead", level="warning", schema=current(settings), known=revisions()[-1].id)


def is_ahead(settings: Settings) -> bool:
    """Return whether a newer program has upgraded the database."""
    at = current(settings)
    return at is not None and at not in {known.id for known in revisions()}


def upgrade(settings: Settings, to: str = "head", history: History | None = None, care: Care = CAREFUL) -> list[str]:
    """Apply the revisions up to ``to`` and return which; none if another process was faster.

    Without a history all are brought to their head, the program's own first. Either every revision is applied or none.
    Raises MigrationFailed, MigrationBlocked, OlderProcesses, Unavailable, SchemaTooNew.
    """
    assert history is not None or to == "head", to
    chosen = [one for one, _ in _lacking(settings, history)]
    if not chosen:
        return []
    return _move(settings, chosen, to, partial(_upgrade, to=to), care)


def downgrade(settings: Settings, to: str = "-1", history: History = CORE, care: Care = CAREFUL) -> list[str]:
    """Undo revisions down to ``to`` (``-1``: the newest one; ``base``: all) and return which."""
    return _move(settings, [history], to, _by_alembic(lambda config, command: command.downgrade(config, to)), care)


def stamp(settings: Settings, to: str = "head", history: History = CORE) -> None:
    """Write down that a database is at ``to`` without running anything."""
    run = _by_alembic(lambda config, command: command.stamp(config, to))
    _move(settings, [history], to, run, Care(copies=False))


def starts_fresh(history: History, version: str | None, to: str) -> bool:
    """Return whether an upgrade makes the whole schema at once."""
    return history == CORE and version is None and to == "head"


_Command = Callable[["Config", Any], None]
"""Is given Alembic's configuration and its commands."""
_Run = Callable[[sa.Connection, History], None]


def _upgrade(connection: sa.Connection, history: History, *, to: str) -> None:
    if starts_fresh(history, _version(connection, history), to):
        with _failing(history):
            made = install_fresh(connection, history.version_table)
        if made == revisions(history)[-1].id:
            return
    _by_alembic(lambda config, command: command.upgrade(config, to))(connection, history)


def _by_alembic(run: _Command) -> _Run:
    def ran(connection: sa.Connection, history: History) -> None:
        config = configured(history)
        config.attributes["connection"] = connection
        run_alembic(run, config, history)

    return ran


def _move(settings: Settings, chosen: Sequence[History], to: str, run: _Run, care: Care) -> list[str]:
    """Move some histories, alone and in one transaction; return the revisions that were moved over."""
    backup = care.backup
    for pause in (*care.pauses, None):
        blockers: list[Blocker | None] = []
        try:
            return _attempt(settings, chosen, to, run, replace(care, backup=backup), blockers)
        except MigrationFailed as error:
            if not _is_lock_timeout(error) or not blockers:
                raise
            if pause is None:
                raise _blocked(care, blockers[-1]) from error
            telemetry.instrument("migration.waits", level="warning", seconds=pause, blocker=str(blockers[-1]))
            backup = None  # it was taken
            time.sleep(pause)
    raise AssertionError("unreachable")


def _attempt(
    settings: Settings,
    chosen: Sequence[History],
    to: str,
    run: _Run,
    care: Care,
    blockers: list[Blocker | None],
) -> list[str]:
    path = settings.sqlite_path
    _require_no_move(settings)
    try:
        with ExitStack() as stack:
            if path is not None:
                stack.enter_context(file_lock(path))
                if care.copies and current(settings) is not None:
                    stack.enter_context(restored_on_failure(path, take_copy(path, to.strip("-+"))))
            connection = stack.enter_context(transaction(settings, care.lock_seconds))
            if path is None:
                pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
                blocker = stack.enter_context(watched(settings, pid))
                stack.callback(lambda: blockers.append(blocker()))
                if care.backup is not None and _version(connection, CORE) is not None:
                    care.backup()
            return [label for history in chosen for label in _moved(connection, history, to, run)]
    except sa.exc.SQLAlchemyError as error:
        raise MigrationFailed(reason=str(translated(error))) from error


def _require_no_move(settings: Settings) -> None:
    """Raise MoveUnfinished while a move follows the writes of this database."""
    if current(settings) is None:
        return
    with reader(settings) as rows:
        table = "instance_facts"
        if _has_table(settings, rows, table) and rows(f"SELECT 1 FROM {table} WHERE name = 'move'"):
            raise MoveUnfinished


def _moved(connection: sa.Connection, history: History, to: str, run: _Run) -> list[str]:
    """Move one history and return the revisions that were moved over."""
    start = _version(connection, history)
    ids = [one.id for one in revisions(history)]
    last = to if to in ids else ids[-1]
    if start is not None and start <= last:
        compatibility.require_nobody_older(connection, history, [x for x in after(start, history) if x.id <= last])
    run(connection, history)
    end = _version(connection, history)
    if start != end:
        compatibility.note_served(connection, history, end)
    low, high = sorted((start or "", end or ""))
    return [history.label(found.id) for found in revisions(history) if low < found.id <= high]


def _is_lock_timeout(error: BaseException | None) -> bool:
    """Return whether PostgreSQL gave up waiting for a lock: SQLSTATE 55P03."""
    while error is not None:
        original = getattr(error, "orig", error)
        if getattr(original, "sqlstate", None) == "55P03":
            return True
        error = error.__cause__
    return False


def _blocked(care: Care, blocker: Blocker | None) -> MigrationBlocked:
    found = blocker or Blocker(0, "", "unknown", "it ended meanwhile")
    tries = len(care.pauses) + 1
    return MigrationBlocked(seconds=care.lock_seconds, tries=tries, pid=found.pid, state=found.state, query=found.query)


def run_alembic(run: _Command, config: "Config", history: History) -> None:
    """Run a function that is given the configuration and Alembic's commands. Raises MigrationFailed."""
    from alembic import command

    with _failing(history):
        run(config, command)


@contextmanager
def _failing(history: History) -> Iterator[None]:
    """Raise MigrationFailed for whatever is raised inside, but for what explains itself."""
    try:
        yield
    except GrowbaseError:
        raise
    except Exception as error:
        from alembic.util import CommandError

        # A revision is code of any kind.
        is_plain = isinstance(error, CommandError | sa.exc.SQLAlchemyError)
        reason = str(translated(error)) if is_plain else f"{type(error).__name__}: {error}"
        raise MigrationFailed(reason=f"{history.package}: {reason}" if history.is_own else reason) from error


def _version(connection: sa.Connection, history: History) -> str | None:
    if not sa.inspect(connection).has_table(history.version_table):
        return None
    row = connection.exec_driver_sql(f'SELECT version_num FROM "{history.version_table}"').first()
    return str(row[0]) if row else None


def configured(history: History) -> "Config":
    """Return Alembic's configuration for one history."""
    from alembic.config import Config

    config = Config()
    # Percent signs begin an interpolation there.
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("version_locations", str(history.folder).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.attributes["version_table"] = history.version_table
    return config
