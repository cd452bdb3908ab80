"""The tree of commands. Heavy libraries are imported inside the commands, so that help comes at once."""

from typing import Annotated

import typer

from growbase.cli import (
    alerts,
    audit,
    backup,
    config,
    db,
    db_schema,
    doctor,
    drill,
    health,
    hold,
    jobs,
    keyring,
    keys,
    maintenance,
    move,
    new,
    openapi,
    privacy,
    regions,
    restore,
    retention,
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
app.command()(doctor.doctor)
app.command()(move.move)
app.command()(health.health)
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
for repeating in (jobs.schedules, jobs.pause_schedule, jobs.resume_schedule, jobs.run_schedule):
    background.command()(repeating)
_group("user", "Users.").command("create")(users.create)
_group("key", "API keys.").command("create")(keys.create)
encryption = _group("keys", "Keys of sealed columns.")
for step in (keyring.status, keyring.add, keyring.rotate, keyring.retire):
    encryption.command()(step)
upkeep = _group("maintenance", "Read-only while the installation is looked after.")
for turning in (maintenance.on, maintenance.off):
    upkeep.command()(turning)
troubles = _group("alerts", "Troubles that people are told of.")
for telling in (alerts.ls, alerts.secret):
    troubles.command()(telling)
log = _group("audit", "The change log for auditors.")
for auditing in (audit.verify, audit.ls, audit.export):
    log.command()(auditing)
keeping = _group("retention", "What goes by itself once its time is up.")
for doing in (retention.plan, retention.run):
    keeping.command()(doing)
holding = _group("hold", "Legal holds: what must not go while a dispute lasts.")
for step_of_hold in (hold.add, hold.ls, hold.release):
    holding.command()(step_of_hold)
personal = _group("privacy", "What is known of one person: handed out, or erased.")
for asked in (privacy.export, privacy.erase):
    personal.command()(asked)
places = _group("regions", "Regions: each its own database, each organization in one of them.")
for about in (regions.status, regions.check, regions.move):
    places.command()(about)
_group("new", "Begin something of your own.").command("domain")(new.domain)
backups = _group("backup", "Backups of database and files.")
for act in (backup.now, backup.ls, backup.verify, backup.prune, backup.export):
    backups.command()(act)
backups.command("import")(backup.import_)
app.command()(restore.restore)
app.command()(drill.drill)
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
