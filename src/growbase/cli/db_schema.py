"""The schema itself: its revisions, its SQL, how queries run on it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from growbase.cli.db import Domain
from growbase.cli.exits import FAILED
from growbase.cli.opening import load, opened
from growbase.cli.output import say, warn


class Engine(StrEnum):
    """A database engine."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


def revision(
    *,
    message: Annotated[str, typer.Option("-m", "--message", metavar="NAME", help="What changes.")],
    empty: Annotated[bool, typer.Option("--empty", help="Write one to fill in by hand.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Write the newest one anew; it was never released.")] = False,
    domain: Domain = None,
) -> None:
    """Write the migration from the revisions there are to the models, and try it on a scratch database.

    The migration of a domain of your own is written into its folder. Without --domain it is for whichever has changed.
    """
    settings = load()
    from growbase.core.errors import GrowbaseError
    from growbase.ops.generate import chosen_history, try_out, write_revision
    from growbase.ops.history import revisions
    from growbase.ops.plan import effects

    history = chosen_history(settings, domain, changed=not (empty or again))
    written = write_revision(message, empty=empty, again=again, history=history)
    if written is None:
        say("The revisions make what the models declare already.")
        return
    say(f"Written: {written.path}")
    for text in written.warnings:
        warn(text)
    if empty:
        return
    try:
        drifts = try_out(settings, history)
    except GrowbaseError as error:
        warn(f"it does not run yet: {error}")
        raise typer.Exit(FAILED) from error
    for text in drifts:
        warn(f"after it the schema still differs: {text}")
    if drifts:
        raise typer.Exit(FAILED)
    contracting = [effect for effect in effects(history, revisions(history)[-1]) if effect.contracts]
    for effect in contracting:
        warn(f"the version before fails on it: {effect.table} {effect.text}")
    if contracting:
        warn('expand first and contract a release later, in a revision with contracts = True and safe_from = "0.2.0"')
    say("It runs there and back on a scratch database. Read it before you commit it.")


def schema(
    engine: Annotated[Engine | None, typer.Option(help="The engine; default that of the settings.")] = None,
    write: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write schema.<engine>.sql of every engine there.")
    ] = None,
) -> None:
    """Print the schema that the models declare as SQL."""
    settings = load()
    from growbase.core import ddl
    from growbase.ops.migrate import heads

    packages, at = (*ddl.PROGRAM, *settings.domains), ", ".join(heads(settings))
    if write is None:
        say(ddl.script(engine or ("postgresql" if settings.is_postgresql else "sqlite"), at, packages).rstrip("\n"))
        return
    write.mkdir(parents=True, exist_ok=True)
    for name in ddl.ENGINES:
        path = write / f"schema.{name}.sql"
        path.write_text(ddl.script(name, at, packages), encoding="utf-8")
        say(f"Written: {path}")


def explain(
    resource: Annotated[str, typer.Argument(help="The resource, as in its URL: campaigns.")],
    query: Annotated[str, typer.Argument(help="The query string: 'status=draft&sort=-created_at'.")] = "",
    organization: Annotated[
        str | None, typer.Option(help="Slug of the organization; not needed where there is one.")
    ] = None,
) -> None:
    """Print the SQL of a list and how the database runs it."""
    settings = load()
    from growbase.ops.accounts import find_organization
    from growbase.ops.explain import explain_list

    with opened(settings) as database:
        found = explain_list(database, resource, query, find_organization(database, organization))
    for sql, steps in found:
        say(sql)
        for step in steps:
            say(f"  {step}")
