"""What goes by itself once its time is up."""

from typing import TYPE_CHECKING, Annotated

import typer

from growbase.cli.opening import load, opened
from growbase.cli.output import progress_bar, say, say_json, say_table, size

if TYPE_CHECKING:
    from growbase.core.config import Settings

Table = Annotated[str | None, typer.Option("--resource", help="Of this table or resource only.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def plan(*, resource: Table = None, as_json: AsJson = False) -> None:
    """Show what retention would do now, and what is kept by what; nothing is written."""
    settings = load()
    from growbase.jobs.retention_plan import plan as planned

    with opened(settings) as database:
        found = planned(database, _days(settings), table=_table(resource))
    if as_json:
        say_json([rule.as_json() for rule in found])
        return
    say_table(
        ("rule", "does", "days", "rows", "oldest", "about", "kept"),
        [
            [rule.name, rule.does, rule.days, rule.rows, str(rule.oldest or "")[:10], size(rule.bytes), rule.held]
            for rule in found
        ],
    )
    for text in dict.fromkeys(text for rule in found for text in rule.kept_by):
        say(f"kept by {text}")


def run(*, resource: Table = None, as_json: AsJson = False) -> None:
    """Carry retention out now, as the schedule does every night; interrupted, run it again."""
    settings = load()
    from growbase.jobs.retention import retain
    from growbase.jobs.retention_plan import plan as planned

    with opened(settings) as database, progress_bar("Retention") as progress:
        days, table = _days(settings), _table(resource)
        total = sum(rule.rows for rule in planned(database, days, table=table))
        done: dict[str, int] = {}

        def shown(name: str, count: int) -> None:
            done[name] = count
            progress(sum(done.values()), max(total, sum(done.values())))

        made = retain(database, days, table=table, progress=shown)
    if as_json:
        say_json({"rows": made.rows, "held": made.held, "rules": made.rules, "finished_at": made.finished_at})
        return
    say_table(("rule", "rows"), sorted(made.rules.items()))
    say(f"{made.rows:,} rows done, {made.held:,} kept by legal holds.")


def _days(settings: "Settings") -> dict[str, int]:
    from growbase.wiring import retention_days

    return retention_days(settings)


def _table(resource: str | None) -> str | None:
    return resource.replace("-", "_") if resource else None
