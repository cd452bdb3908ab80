"""API keys."""

from typing import Annotated

import typer

from growbase.cli.opening import load, opened
from growbase.cli.output import say


def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    organization: Annotated[
        str | None, typer.Option(help="Slug of the organization; not needed where there is one.")
    ] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="read, write, admin or analytics:write; repeat for several.")
    ] = None,
) -> None:
    """Make an API key and print it once."""
    settings = load()
    from growbase.ops.accounts import create_key

    with opened(settings) as database:
        scopes = scope or ["read", "write"]
        key = create_key(database, organization=organization, name=name, scopes=scopes, region=settings.region)
    say(key)
