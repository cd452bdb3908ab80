"""What the visitor may see and do of the whole installation: everything for its operators, else one organization's."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from growbase.core.actor import Actor, ActorKind, Role
from growbase.core.reads import Reads
from growbase.core.transaction import Transaction
from growbase.core.types import moment_text
from growbase.ops import by_hand
from growbase.studio.visit import Visit

T = TypeVar("T")
SECRET: Final = ("token", "secret", "password", "cipher", "authorization", "api_key", "credentials", "key_hash")
HIDDEN: Final = "••••••"


def reach(visit: Visit) -> Actor:
    """Return who looks: an operator as the program, which sees all organizations' rows and those of none."""
    if not visit.person.is_operator:
        return visit.by
    return replace(visit.by, kind=ActorKind.SYSTEM, organization_id=None, role=None, session_id=None)


def require_overseer(visit: Visit) -> None:
    """Raise Forbidden for who is neither an admin here nor an operator of everything."""
    if not visit.person.is_operator:
        visit.require(Role.ADMIN)


async def read(visit: Visit, read_rows: Callable[[Reads], T]) -> T:
    """Run reads as far as the visitor sees."""
    actor, database = reach(visit), visit.api.database

    def run() -> T:
        with database.read(actor, snapshot=True) as reads:
            return read_rows(reads)

    return await database.aread(run)


async def write(visit: Visit, unit: Callable[[Transaction], T]) -> T:
    """Run a unit of work as far as the visitor sees; the log names the visitor."""
    return await visit.api.database.awrite(reach(visit), unit)


async def start(visit: Visit, kind: str, payload: Mapping[str, object] | None = None) -> str:
    """Queue what an operator starts by hand, and return the address of its job."""
    visit.require_operator()
    return f"/studio/queues/jobs/{await write(visit, lambda tx: by_hand.start(tx, kind, payload))}"


def plain(row: object, *names: str) -> dict[str, Any]:
    """Return columns of a row as pages show them: moments and ids as text."""
    values = row.__dict__
    return {name: _plain(values[name]) for name in names}


def _plain(value: Any) -> Any:  # noqa: ANN401 -- any column's value
    if isinstance(value, datetime):
        return moment_text(value)
    return str(value) if isinstance(value, UUID) else value


def redacted(value: Any) -> Any:  # noqa: ANN401 -- any document
    """Return a document without what proves who somebody is."""
    if isinstance(value, Mapping):
        hidden = {name for name in value if any(part in str(name).lower() for part in SECRET)}
        return {name: HIDDEN if name in hidden and inner else redacted(inner) for name, inner in value.items()}
    return [redacted(inner) for inner in value] if isinstance(value, list) else value
