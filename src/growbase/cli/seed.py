"""Demo data."""

from growbase.cli.opening import load, opened, seeded_lines
from growbase.cli.output import say


def seed() -> None:
    """Fill in the demo organization; what of it is there already stays as it is."""
    settings = load()
    from growbase.ops.seed import seed_demo

    with opened(settings) as database:
        seeded = seed_demo(database, settings)
    for line in seeded_lines(seeded):
        say(line)
    say("The demo data is there.")
