"""The change log for auditors."""

import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from growbase.cli.exits import WRONG
from growbase.cli.opening import load, opened
from growbase.cli.output import progress_bar, say, say_json, say_table

if TYPE_CHECKING:
    from growbase.ops.audit import Filter

MOMENTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
Entity = Annotated[str | None, typer.Option(help="Table, such as campaigns.")]
RowId = Annotated[UUID | None, typer.Option("--id", help="Id of the row.")]
Who = Annotated[str | None, typer.Option(help="Mail address or other label, or the id, of who did it.")]
Action = Annotated[str | None, typer.Option(help="Such as insert, update, trash, login.")]
Organization = Annotated[UUID | None, typer.Option(help="Id of the organization.")]
Since = Annotated[datetime | None, typer.Option(formats=MOMENTS, help="From this moment on (UTC).")]
Until = Annotated[datetime | None, typer.Option(formats=MOMENTS, help="Before this moment (UTC).")]


def verify(
    *,
    since: Annotated[datetime | None, typer.Option(formats=MOMENTS, help="Only seals made from then on (UTC).")] = None,
    expect: Annotated[
        str | None, typer.Option(metavar="NUMBER:DIGEST", help="The head an earlier run has told.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Prove that no row of the change log was changed, deleted or inserted since it was sealed; exit 2 if one was."""
    settings = load()
    from growbase.ops import audit

    with opened(settings) as database, progress_bar("Proving") as progress:
        found = audit.verify(database, since=_utc(since), expect=expect, progress=progress)
    if as_json:
        say_json(found.as_json())
    else:
        if found.faults:
            rows = [
                (f.seal, f.kind, f.seq or "", f"{f.entity or ''} {f.entity_id or ''}", f.what) for f in found.faults
            ]
            say_table(("seal", "fault", "row of the log", "tells of", "what"), rows)
        state = f"{len(found.faults)} faults" if found.faults else "as sealed"
        say(f"{found.rows:,} rows under {found.seals:,} seals: {state}. {found.unsealed:,} rows wait for a seal.")
        if found.head:
            say(f"head {found.head.number}:{found.head.digest}")
    if found.faults:
        raise typer.Exit(WRONG)


def ls(
    *,
    entity: Entity = None,
    id: RowId = None,
    actor: Who = None,
    action: Action = None,
    organization: Organization = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many, the newest first.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List entries of the change log of all organizations, the newest first."""
    settings = load()
    from growbase.ops.audit import newest_entries

    with opened(settings) as database:
        found = newest_entries(database, _filter(entity, id, actor, action, organization, since, until), limit)
    if as_json:
        say_json(found)
        return
    names = ("seq", "occurred_at", "actor_label", "action", "entity", "entity_id")
    rows = [[str(row[name] or "") for name in names] for row in found]
    say_table([name.replace("_", " ") for name in names], rows)


def export(
    *,
    output: Annotated[Path | None, typer.Option(help="File to write; default standard output.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV in place of JSON lines.")] = False,
    entity: Entity = None,
    id: RowId = None,
    actor: Who = None,
    action: Action = None,
    organization: Organization = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """Write entries of the change log, the oldest first, as JSON lines or CSV."""
    settings = load()
    from growbase.ops import audit

    wanted = _filter(entity, id, actor, action, organization, since, until)
    write = audit.write_csv if as_csv else audit.write_lines
    target = output.open("w", encoding="utf-8", newline="") if output else nullcontext(sys.stdout)
    with opened(settings) as database, target as file:
        count = write(audit.entries(database, wanted), file)
    if output:
        say(f"{count:,} entries in {output}.")


def _filter(
    entity: str | None,
    id: UUID | None,
    actor: str | None,
    action: str | None,
    organization: UUID | None,
    since: datetime | None,
    until: datetime | None,
) -> "Filter":
    from growbase.ops.audit import Filter

    return Filter(entity, id, actor, action, organization, _utc(since), _utc(until))


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None
