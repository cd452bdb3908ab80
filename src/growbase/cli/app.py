"""The tree of commands. Heavy libraries are imported inside the commands, so that help comes at once."""

from typing import Annotated

import typer

from growbase.cli import config, db, db_schema, keys, openapi, seed, status, up, users

app = typer.Typer(
    name="growbase",
    invoke_without_command=True,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its import takes a second
)
database = typer.Typer(help="Look after the database: install, upgrade, check, reset.", no_args_is_help=True, rich_markup_mode=None)
user = typer.Typer(help="Users.", no_args_is_help=True, rich_markup_mode=None)
key = typer.Typer(help="API keys.", no_args_is_help=True, rich_markup_mode=None)
settings = typer.Typer(help="Settings.", no_args_is_help=True, rich_markup_mode=None)

app.command()(up.up)
app.command()(up.serve)
app.command()(seed.seed)
app.command()(status.status)
app.command()(openapi.openapi)
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
user.command("create")(users.create)
key.command("create")(keys.create)
settings.command("check")(config.check)
app.add_typer(database, name="db")
app.add_typer(user, name="user")
app.add_typer(key, name="key")
app.add_typer(settings, name="config")


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
