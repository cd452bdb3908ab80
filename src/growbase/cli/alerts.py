"""Troubles that people are told of."""

from typing import Annotated

import typer

from growbase.cli.opening import load, opened
from growbase.cli.output import say, say_json, say_table


def ls(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the troubles there are and were, those that are raised first."""
    settings = load()
    from growbase.core.actor import system
    from growbase.core.tables import Alert

    with opened(settings) as database, database.read(system("command")) as reads:
        found = [row.__dict__ for row in reads.rows(Alert, order="state, name")]
    if as_json:
        say_json(found)
        return
    names = ("state", "name", "since", "message")
    say_table(names, [[str(row[name])[:120] for name in names] for row in found])


def secret() -> None:
    """Print the secret by which whoever answers at GROWBASE_ALERT_URL proves that an alert is ours."""
    from growbase import wiring
    from growbase.ops.alerts import signing_secret

    say(signing_secret(wiring.secret_key(load())))
