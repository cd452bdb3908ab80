"""What is written to begin with."""

from pathlib import Path
from typing import Annotated

import typer

from growbase.cli.output import say


def domain(
    name: Annotated[str, typer.Argument(help="Its name, as Python imports it: loyalty.")],
) -> None:
    """Write a package for a domain of your own into this folder: a table, a verb, tests, all ready to be changed."""
    from growbase.core.config import load_settings
    from growbase.ops.scaffold import write_domain

    settings = load_settings()
    for path in write_domain(name, Path()):
        say(f"Written: {path}")
    domains = ",".join(dict.fromkeys((*settings.domains, name)))
    say()
    say(f"It works as it is. Write GROWBASE_DOMAINS={domains} into .env, then run:")
    say(f"  pytest {name}")
    say(f'  growbase db revision -m "Begin {name}" --domain {name}')
    say("  growbase db upgrade")
    say("  growbase up")
