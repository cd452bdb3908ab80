"""What a check is given and what it finds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from growbase.core.config import Settings
from growbase.core.database import Database
from growbase.core.files import FileStore

Severity = Literal["error", "warning"]
Repair = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be: ``where`` names it, ``fix`` says in words what to do.

    ``repair`` mends it safely, without a guess; None where a person has to decide.
    """

    severity: Severity
    what: str
    where: str
    fix: str
    repair: Repair | None = None
    check: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as a mapping."""
        names = ("check", "severity", "what", "where", "fix")
        return {**{name: getattr(self, name) for name in names}, "repairable": self.repair is not None}


@dataclass(frozen=True, slots=True)
class Patient:
    """What is looked at; ``deep`` checks read everything, the others only what is cheap enough for every day."""

    settings: Settings
    database: Database
    files: FileStore
    deep: bool = True

    @property
    def is_postgresql(self) -> bool:
        """Whether the database is PostgreSQL."""
        return self.database.engine == "postgresql"


Check = Callable[[Patient], Iterable[Finding]]


def error(what: str, where: str, fix: str, repair: Repair | None = None) -> Finding:
    """Return something that loses or hides data, or stops work."""
    return Finding("error", what, where, fix, repair)


def warning(what: str, where: str, fix: str, repair: Repair | None = None) -> Finding:
    """Return something that deserves a look."""
    return Finding("warning", what, where, fix, repair)
