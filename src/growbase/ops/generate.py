"""Writing a revision: the difference between the models and what the earlier revisions make."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from growbase.core.config import Settings
from growbase.core.errors import ConfigError, Invalid
from growbase.ops import migrate
from growbase.ops.connections import database_name
from growbase.ops.difference import difference, wanted
from growbase.ops.drift import find_drift
from growbase.ops.history import CORE, FOLDER, Declared, History, declared, histories, history_of, revisions
from growbase.ops.rebuild import empty as empty_out


@dataclass(frozen=True, slots=True)
class Written:
    """A new revision's file, and what a person should look at in it."""

    path: Path
    warnings: tuple[str, ...]


def chosen_history(settings: Settings, package: str | None, *, changed: bool) -> History:
    """Return the history a revision is meant for: of ``package``, else the one whose models have ``changed``.

    Raises ConfigError where that is not one.
    """
    known = histories(settings)
    if package is not None or len(known) == 1:
        return history_of(settings, package)
    if changed:
        known = [one for one in known if difference(declared(one), wanted(one.package)).source] or known[:1]
    if len(known) > 1:
        names = ", ".join(one.package for one in known)
        raise ConfigError("The revision may be meant for {names}: say which with --domain.", names=names)
    return known[0]


def write_revision(
    name: str, *, empty: bool = False, again: bool = False, models: Declared | None = None, history: History = CORE
) -> Written | None:
    """Write the revision that brings a history to its models; None if there is nothing to bring.

    ``empty`` writes one to fill in by hand. ``again`` writes the newest revision anew, which is for one that was never
    released. Raises Invalid for a change that only a person can write.
    """
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40]
    if not slug:
        raise Invalid.at("name", "invalid", "must say what changes, in letters")
    last = revisions(history)
    old = last.pop() if again and last else None
    with _aside(old.path if old else None):
        before = declared(history)
        after = models or wanted(history.package)
        there, back = difference(before, after), difference(after, before, back=True)
        if not empty and not there.source:
            return None
        number = f"{int(last[-1].id) + 1:04}" if last else "0001"
        path = history.folder / f"{number}_{slug}.py"
        message = f"{name.strip()[:1].upper()}{name.strip()[1:].rstrip('.')}."
        text = _rendered(
            message=message,
            up_revision=number,
            down_revision=last[-1].id if last else None,
            upgrades="    pass" if empty else there.text(),
            downgrades="    pass" if empty else back.text(),
        )
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return Written(path, () if empty else tuple(dict.fromkeys(there.warnings)))


@contextmanager
def _aside(path: Path | None) -> Iterator[None]:
    """Take a revision out of the history; it comes back if the block raises."""
    text = path.read_text(encoding="utf-8") if path else ""
    if path:
        path.unlink()
    try:
        yield
    except BaseException:
        if path:
            path.write_text(text, encoding="utf-8")
        raise


def _rendered(**values: str | None) -> str:
    from mako.template import Template  # type: ignore[import-untyped]

    text = str(Template((FOLDER / "script.py.mako").read_text(encoding="utf-8")).render(**values))  # noqa: S702 -- source
    for line in ("import sqlalchemy as sa\n", "from growbase.core import types\n"):
        used = f"{line.split()[-1]}."
        if used not in text.replace(line, ""):
            text = text.replace(line, "")
    return re.sub(r"\n{3,}(?=from|import)", "\n\n", re.sub(r"\n{4,}", "\n\n\n", text))


@contextmanager
def scratch(settings: Settings) -> Iterator[Settings]:
    """Give the settings of an emptied scratch database: the shadow database, else a temporary SQLite file.

    Raises ConfigError if the shadow database is the real one.
    """
    with TemporaryDirectory(prefix="growbase-") as folder:
        url = settings.shadow_database_url or SecretStr(f"file:{folder}/shadow.db")
        found = Settings(data_dir=Path(folder), database_url=url, domains=settings.domains)
        if found.database in {settings.database, settings.direct_database}:
            raise ConfigError("GROWBASE_SHADOW_DATABASE_URL names the database itself: give it an empty one.")
        empty_out(found, typed=database_name(found))
        yield found
        empty_out(found, typed=database_name(found))


def try_out(settings: Settings, history: History = CORE) -> list[str]:
    """Run all revisions up, a history's newest one down and up again on scratch; return how the schema then drifts."""
    with scratch(settings) as database:
        migrate.upgrade(database)
        migrate.downgrade(database, history=history)
        migrate.upgrade(database)
        return [drift.text() for drift in find_drift(database)]
