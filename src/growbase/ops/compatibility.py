"""Which versions of the program a schema serves: revisions only expand it, unless they say from when they contract it.

A contracting revision has ``contracts = True`` and ``safe_from = "0.2.0"``: the first release that does without what
the revision takes away.
"""

import re
from collections.abc import Sequence

import sqlalchemy as sa

from growbase import __version__
from growbase.core.errors import ConfigError, Conflict
from growbase.core.tables import Process
from growbase.migrations.serving import NAME, write_served
from growbase.ops.history import History, Revision, load, revisions
from growbase.ops.processes import Rows, Running, list_running

ANY = "0"
"""Stands for every version: nothing was ever taken away."""


class OlderProcesses(Conflict):
    """Revision {revision} takes away what {names} still use: it is safe from version {safe_from}.

    Bring all servers and workers to that version first, then upgrade again; growbase status lists them. The database is
    as it was.
    """

    code = "older_processes"


def safe_from(revision: Revision) -> str | None:
    """Return the release a contracting revision is safe from, None for one that only expands. Raises ConfigError."""
    if "contracts" not in revision.path.read_text(encoding="utf-8"):
        return None  # without having run it: some are long
    module = load(revision.path)
    if not getattr(module, "contracts", False):
        return None
    found = getattr(module, "safe_from", None)
    if not isinstance(found, str):
        message = 'Revision {revision} contracts the schema: say from which release that is safe, safe_from = "0.2.0".'
        raise ConfigError(message, revision=revision.path.name)
    return found


def is_older(version: str, than: str) -> bool:
    """Return whether a version comes before another one."""
    return _ordered(version) < _ordered(than)


def _ordered(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def require_nobody_older(connection: sa.Connection, history: History, coming: Sequence[Revision]) -> None:
    """Raise OlderProcesses if a revision takes away what a process that runs now may use.

    Nothing relates the versions of a domain of one's own to those of the program: there nobody may run.
    """
    contracting = {one.id: found for one in coming if (found := safe_from(one)) is not None}
    if not contracting or not sa.inspect(connection).has_table(Process.__tablename__):
        return
    running = list_running(lambda sql: connection.exec_driver_sql(sql).fetchall(), connection.dialect.name)
    for revision, since in contracting.items():
        older = [one for one in running if history.is_own or is_older(one.version, since)]
        if older:
            names = ", ".join(_named(one) for one in older)
            raise OlderProcesses(revision=history.label(revision), names=names, safe_from=since)


def _named(one: Running) -> str:
    return f"the {one.kind} {one.name} ({one.version})"


def note_served(connection: sa.Connection, history: History, at: str | None) -> None:
    """Write down, for programs that don't know the revision ``at``, from which version on the schema serves them."""
    if at is None or history.is_own:
        return
    found = [since for one in revisions(history) if one.id <= at and (since := safe_from(one)) is not None]
    write_served(connection, f"{at} {max(found, key=_ordered, default=ANY)}")


def serves_this_version(rows: Rows, at: str) -> bool:
    """Return whether the database says that its schema, at a revision not known here, serves this program."""
    found = [str(value) for (value,) in rows(f"SELECT value FROM instance_facts WHERE name = '{NAME}'")]
    known, _, since = found[0].partition(" ") if found else ("", "", "")
    return known == at and not is_older(__version__, since)
