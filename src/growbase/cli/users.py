"""Users."""

import sys
from typing import Annotated

import typer

from growbase.cli.opening import load, opened
from growbase.cli.output import say
from growbase.core.actor import Role


def create(
    email: Annotated[str, typer.Argument(help="The address to log in with.")],
    *,
    name: Annotated[str | None, typer.Option(help="The full name.")] = None,
    organization: Annotated[
        str | None, typer.Option(help="Slug of the organization to join; without it a new one is made.")
    ] = None,
    role: Annotated[Role, typer.Option(help="Role in the organization joined.")] = Role.MEMBER,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Make a user; unless given, the password is generated and printed once."""
    settings = load()
    from growbase.ops.accounts import create_user, new_password

    password = sys.stdin.readline().rstrip("\n") if password_stdin else new_password()
    with opened(settings) as database:
        made = create_user(
            database,
            email=email,
            password=password,
            full_name=name,
            organization=organization,
            role=role,
            region=settings.region,
        )
    say(f"{email} belongs to {made.organization}.")
    if not password_stdin:
        say(f"password: {password}")
