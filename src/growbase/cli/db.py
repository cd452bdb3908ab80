"""The database's life: installed, upgraded, looked at, emptied."""

from typing import Annotated

import typer

from growbase.cli.exits import WRONG
from growbase.cli.opening import confirmed, install, load, seeded_lines
from growbase.cli.output import say, say_json, say_table, size, warn

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[str | None, typer.Option("--yes", metavar="NAME", help="The database's name, to confirm.")]
To = Annotated[str, typer.Option("--to", metavar="REVISION", help="The revision to go to.")]
Domain = Annotated[
    str | None,
    typer.Option("--domain", metavar="PACKAGE", help="A domain of your own, as in GROWBASE_DOMAINS; or growbase."),
]
Backup = Annotated[
    bool,
    typer.Option("--backup/--no-backup", help="Take a backup before, if there is data."),
]
LockTimeout = Annotated[
    float, typer.Option(min=0.01, metavar="SECONDS", help="Longest wait for a lock on PostgreSQL, of each of 4 tries.")
]


def init() -> None:
    """Make the database with its schema and reference data; one that is there is upgraded."""
    applied = install(load())
    say(f"Installed: {', '.join(applied)}." if applied else "The database is installed already.")


def upgrade(to: To = "head", domain: Domain = None, *, backup: Backup = True, lock_timeout: LockTimeout = 5.0) -> None:
    """Apply pending migrations, those of your own domains last, all or none, after a backup.

    To another revision than the newest it goes for one domain only. Where somebody holds a lock for longer than
    --lock-timeout, all is undone and tried three times more. Refused while a server or worker runs that is too old for
    the new schema.
    """
    settings = load()
    from growbase.cli.opening import careful

    care = careful(settings, backup=backup, lock_timeout=lock_timeout)
    if to == "head" and domain is None:
        applied = install(settings, care)
    else:
        from growbase.ops import history, migrate

        applied = migrate.upgrade(settings, to, history.history_of(settings, domain), care)
    say(f"Applied: {', '.join(applied)}." if applied else "There is nothing to apply.")


def downgrade(
    to: To = "-1",
    yes: Yes = None,
    domain: Domain = None,
    *,
    backup: Backup = True,
    lock_timeout: LockTimeout = 5.0,
) -> None:
    """Undo the newest migration, or all down to a revision, after a backup. What only newer schemas hold is lost."""
    settings = load()
    from growbase.cli.opening import careful
    from growbase.ops import guard, history, migrate

    chosen = history.history_of(settings, domain)
    guard.require_consent(settings, confirmed(settings, yes))
    undone = migrate.downgrade(settings, to, chosen, careful(settings, backup=backup, lock_timeout=lock_timeout))
    say(f"Undone: {', '.join(undone)}." if undone else "There is nothing to undo.")


def status(*, as_json: Json = False) -> None:
    """Print location, size, schema version, pending migrations, and tables with their rows."""
    settings = load()
    from growbase.ops.status import database_status

    found = database_status(settings)
    if as_json:
        say_json(found.as_json())
        return
    facts = {
        "location": found.location,
        "engine": found.server_version or f"{found.engine}, not there yet",
        "size": size(found.size_bytes),
        "schema version": found.schema_version or "none",
        **{f"{package} version": version or "none" for package, version in found.domains.items()},
        "pending migrations": ", ".join(found.pending) or "none",
        "production": "yes" if found.production else "no",
        "tables": f"{len(found.tables)} with {sum(found.tables.values()):,} rows",
        "views": ", ".join(found.views) or "none",
        "indexes": str(len(found.indexes)),
        "triggers": str(len(found.triggers)),
    }
    say_table(("database", ""), facts.items())
    if found.tables:
        say()
        say_table(("table", "rows"), found.tables.items())
    if found.estimated:
        say(f"From statistics: {', '.join(found.estimated)}.")


def check(*, as_json: Json = False) -> None:
    """Compare the live schema with the models; exit 2 if they differ or migrations are pending."""
    settings = load()
    from growbase.ops import migrate
    from growbase.ops.drift import find_drift

    pending = migrate.pending(settings)
    drifts = [] if pending else [drift.text() for drift in find_drift(settings)]
    if as_json:
        say_json({"pending": pending, "drift": drifts})
    elif pending:
        say(f"Pending: {', '.join(pending)}. Run growbase db upgrade.")
    else:
        for text in drifts:
            say(text)
        say(f"{len(drifts)} differences." if drifts else "The schema is what the models declare.")
    if pending or drifts:
        raise typer.Exit(WRONG)


def plan(
    *,
    to: To = "head",
    domain: Domain = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="REVISION", help="Plan from here, without a database.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 2 if it makes others wait or loses values.")] = False,
) -> None:
    """Print the SQL that an upgrade would run, and above each statement what it locks or loses."""
    settings = load()
    from growbase.ops import history
    from growbase.ops.plan import plan as planned

    every = to == "head" and domain is None
    found = planned(settings, to, None if every else history.history_of(settings, domain), start)
    say(found.sql or "-- There is nothing to do.")
    if found.dangers:
        warn(f"{len(found.dangers)} effects marked DANGER cost others time or lose values.")
    if strict and found.dangers:
        raise typer.Exit(WRONG)


def stamp(to: To = "head", domain: Domain = None) -> None:
    """Write down that the database is at a revision, without running anything."""
    settings = load()
    from growbase.ops import history, migrate

    chosen = history.history_of(settings, domain)
    migrate.stamp(settings, to, chosen)
    say(f"The database is marked as {chosen.label(migrate.current(settings, chosen) or 'empty')}.")


def push(yes: Yes = None) -> None:
    """Bring an embedded database to the models without a migration, keeping its rows; for development."""
    settings = load()
    from growbase.ops.rebuild import push as bring

    found = bring(settings, typed=yes)
    for text in found:
        say(text)
    say("The database is as the models declare; write a revision before you share them." if found else "No difference.")


def ping() -> None:
    """Tell how long the database takes to answer."""
    settings = load()
    from time import perf_counter

    from growbase.ops.connections import reader

    with reader(settings) as rows:
        start = perf_counter()
        rows("SELECT 1")
        taken = perf_counter() - start
    say(f"The database answered in {taken * 1000:.1f} ms.")


def reset(
    *,
    yes: Yes = None,
    seed: Annotated[bool, typer.Option(help="Fill in the demo data again where the settings want it.")] = True,
) -> None:
    """Drop everything and install again; a copy of a SQLite file is kept."""
    settings = load()
    from growbase.cli.opening import opened
    from growbase.ops.rebuild import empty
    from growbase.ops.seed import first_start

    copy = empty(settings, typed=confirmed(settings, yes))
    install(settings)
    if seed:
        with opened(settings) as database:
            seeded = first_start(database, settings)
        for line in seeded_lines(seeded) if seeded else ():
            say(line)
    say(f"The database is new{f'; the old one is kept in {copy}' if copy else ''}.")
