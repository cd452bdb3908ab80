"""The tree of commands. Heavy libraries are imported inside the commands, so that help comes at once."""

from typing import Annotated

import typer

from growbase.cli import (
    backup,
    config,
    db,
    db_schema,
    jobs,
    keyring,
    keys,
    move,
    new,
    openapi,
    regions,
    seed,
    status,
    up,
    users,
    worker,
)

# No markup: the libraries it needs take a second to import.
app = typer.Typer(
    name="growbase",
    invoke_without_command=True,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _group(name: str, about: str) -> typer.Typer:
    group = typer.Typer(help=about, no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(group, name=name)
    return group


app.command()(up.up)
app.command()(up.serve)
app.command()(worker.worker)
app.command()(seed.seed)
app.command()(status.status)
app.command()(move.move)
app.command()(openapi.openapi)
database = _group("db", "Look after the database: install, upgrade, check, reset.")
for lifecycle in (
    db.init,
    db.upgrade,
    db.downgrade,
    db.status,
    db.check,
    db.plan,
    db.stamp,
    db.push,
    db.ping,
    db.reset,
):
    database.command()(lifecycle)
database.command()(db_schema.revision)
database.command()(db_schema.schema)
database.command()(db_schema.explain)
background = _group("jobs", "Background jobs and their queues.")
for looking in (jobs.ls, jobs.show, jobs.retry, jobs.discard, jobs.cancel, jobs.queues, jobs.pause, jobs.resume):
    background.command()(looking)
background.command()(jobs.schedules)
_group("user", "Users.").command("create")(users.create)
_group("key", "API keys.").command("create")(keys.create)
encryption = _group("keys", "Keys of sealed columns.")
for step in (keyring.status, keyring.add, keyring.rotate, keyring.retire):
    encryption.command()(step)
places = _group("regions", "Regions: each its own database, each organization in one of them.")
for about in (regions.status, regions.check, regions.move):
    places.command()(about)
_group("new", "Begin something of your own.").command("domain")(new.domain)
_group("config", "Settings.").command("check")(config.check)


@app.callback()
def growbase(
    *,
    version: Annotated[bool, typer.Option("--version", is_eager=True, help="Print the version and exit.")] = False,
) -> None:
    """Run Growbase, the open data backend for AI marketing, sales and commerce apps."""
    if version:
        from growbase import __version__

        typer.echo(f"growbase {__version__}")
        raise typer.Exit


_group("backup", "Back up the database.").command()(backup.now)
