"""The keys of sealed columns."""

from typing import Annotated

import typer

from growbase.cli.opening import load, opened
from growbase.cli.output import progress_bar, say, say_table


def status() -> None:
    """Show which key sealed how many values of each column; the newest key stands first."""
    settings = load()
    from growbase.ops.keyring import status as counted

    with opened(settings) as database:
        ids, found = database.context.keyring.ids, counted(database)
    say_table(("column", *ids), [(name, *(counts.get(key, 0) for key in ids)) for name, counts in found.items()])
    rest = "older keys stay until no value and no backup needs them" if ids[1:] else "it is the only key"
    say(f"{ids[0]} seals; {rest}.")


def add() -> None:
    """Put a new key before the others in the keyring file; running servers take it up at once."""
    settings = load()
    from growbase.ops import keyring

    with opened(settings) as database:
        made = keyring.add(database)
    say(f"{made} seals from now on. Copy the keyring file to where you keep it, then run growbase keys rotate.")


def rotate() -> None:
    """Seal every value under the newest key, a batch at a time while the server runs; interrupted, run it again."""
    settings = load()
    from growbase.ops import keyring

    with opened(settings) as database, progress_bar("Sealing") as progress:
        done = keyring.rotate(database, progress)
    say(f"{done:,} values sealed anew under {database.context.keyring.current_id}.")


def retire(key_id: Annotated[str, typer.Argument(help="Id of the key, as growbase keys status shows it.")]) -> None:
    """Take a key that no value needs out of the keyring file; backups taken before still need it."""
    settings = load()
    from growbase.ops import keyring

    with opened(settings) as database:
        keyring.retire(database, key_id)
    say(f"{key_id} is out of the keyring. Keep a copy as long as you keep backups from before.")
