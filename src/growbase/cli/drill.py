"""The restore drill."""

from growbase.cli.backup import recording, vault_of
from growbase.cli.opening import load
from growbase.cli.output import say


def drill() -> None:
    """Restore the newest backup into a scratch folder, check it, and tell how long it took and what would be lost."""
    settings = load()
    from growbase.ops.drill import drill as drilled
    from growbase.wiring import open_database

    with recording(settings) as database:
        done = drilled(settings, vault_of(settings), open_database, database)
    say(f"Backup {done.backup} restores: {done.rows:,} rows{', the continuous log too' if done.by_log else ''}.")
    say(f"Recovery point {done.recovery_point:.1f} s, recovery time {done.recovery_time:.1f} s.")
