"""The command line: a thin second user of what the server uses."""

import sys


def main() -> None:
    """Run the command that the arguments name and exit with its code."""
    from growbase.cli.app import app
    from growbase.cli.exits import report
    from growbase.core.errors import GrowbaseError

    try:
        app()
    except GrowbaseError as error:
        sys.exit(report(error))
