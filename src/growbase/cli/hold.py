"""Legal holds: what must not go while a dispute lasts."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from growbase.cli.opening import load, opened
from growbase.cli.output import say, say_json, say_table

if TYPE_CHECKING:
    from growbase.core.transaction import Transaction

Organization = Annotated[str | None, typer.Option(help="Slug of the organization; not needed where there is one.")]


def add(
    reason: Annotated[str, typer.Option(help="Why, such as the number of the case.")],
    organization: Organization = None,
    row: Annotated[str | None, typer.Option(help="One row, such as prospects/ID; else all there is.")] = None,
) -> None:
    """Keep a row, or all that an organization has, from being purged, erased or dropped from the change log."""
    from growbase.core.holds import add_hold

    entity, _, id = (row or "").partition("/")
    wanted = {"entity": entity.replace("-", "_") or None, "entity_id": UUID(id) if id else None}
    made = _write(organization, lambda tx: add_hold(tx, reason=reason, **wanted))  # type: ignore[arg-type]
    say(f"{made} holds {row or 'everything'}.")


def ls(
    *,
    released: Annotated[bool, typer.Option("--released", help="Also those that have ended.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List legal holds of all organizations."""
    settings = load()
    from growbase.core.actor import system
    from growbase.core.tables import LegalHold

    with opened(settings) as database, database.read(system("command")) as reads:
        rows = reads.rows(LegalHold, order="created_at", anywhere=True)
    found = [row for row in rows if released or row.released_at is None]
    if as_json:
        say_json([row.__dict__ for row in found])
        return
    say_table(
        ("id", "organization", "row", "since", "released", "reason"),
        [
            [
                str(row.id),
                str(row.organization_id),
                f"{row.entity}/{row.entity_id}" if row.entity else "everything",
                f"{row.created_at:%Y-%m-%d}",
                f"{row.released_at:%Y-%m-%d}" if row.released_at else "",
                row.reason,
            ]
            for row in found
        ],
    )


def release(id: Annotated[UUID, typer.Argument(help="The hold's id.")]) -> None:
    """End a legal hold; what it kept goes when retention is carried out next."""
    from growbase.core.holds import release_hold

    settings = load()
    from growbase.core.actor import system
    from growbase.core.errors import NotFound
    from growbase.core.tables import LegalHold

    with opened(settings) as database:
        with database.read(system("command")) as reads:
            found = reads.find(LegalHold, id, anywhere=True)
        if found is None:
            raise NotFound(what="legal hold")
        database.write(system("command", found.organization_id), lambda tx: release_hold(tx, id=id))
    say(f"{id} is released.")


def _write(organization: str | None, unit: "Callable[[Transaction], UUID]") -> UUID:
    settings = load()
    from growbase.core.actor import system
    from growbase.ops.accounts import find_organization

    with opened(settings) as database:
        return database.write(system("command", find_organization(database, organization)), unit)
