"""Demo data."""

from typing import Annotated

import typer

from growbase.cli.opening import load, opened, seeded_lines
from growbase.cli.output import progress_bar, say


def seed(
    only: Annotated[
        str | None, typer.Option(help="Domains, separated by commas: marketing, outreach, social, commerce.")
    ] = None,
    scale: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="Add a large data set too, about 1,200 rows for each unit.")
    ] = None,
) -> None:
    """Fill in the demo organization; what of it is there already stays as it is."""
    settings = load()
    from growbase.ops.scale import seed_scale
    from growbase.ops.seed import seed_demo

    chosen = [name.strip() for name in (only or "").split(",") if name.strip()]
    with opened(settings) as database:
        seeded = seed_demo(database, settings, only=chosen)
        for line in seeded_lines(seeded):
            say(line)
        say("The demo data is there.")
        if scale is not None:
            with progress_bar("Rows") as progress:
                made = seed_scale(database, seeded.organization_id, scale, progress)
            say(f"{made.rows:,} rows in {made.seconds:.1f} s ({made.rows / max(made.seconds, 0.001):,.0f} rows/s).")
