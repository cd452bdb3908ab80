"""Settings."""

from typing import Annotated

import typer

from growbase.cli.output import say, say_json, say_table, warn


def check(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print each setting with where it comes from, and what is wrong; exit 2 if the server would not start."""
    from growbase.core.config import load_settings

    settings = load_settings()
    sources = settings.describe_sources()
    warnings = [f"{problem.field} {problem.text()}" for problem in settings.problems()[1]]
    if as_json:
        found = [{"variable": one.variable, "value": one.value, "source": one.source} for one in sources]
        say_json({"settings": found, "warnings": warnings})
        return
    say_table(("setting", "value", "from"), [(one.variable, one.value, one.source) for one in sources])
    for text in warnings:
        warn(text)
    say(f"The settings are usable; {len(warnings)} warning{'' if len(warnings) == 1 else 's'}.")
