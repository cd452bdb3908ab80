"""What identity does in the background: webhooks, and deleting sessions and tokens a week after they expired."""

from datetime import timedelta
from typing import Final

from growbase.core.actor import system
from growbase.core.database import Database
from growbase.domains.identity import tasks_webhooks
from growbase.domains.identity.actions_sessions import delete_expired
from growbase.jobs.worker import Task

KEPT: Final = timedelta(days=7)


def expired_sessions(database: Database) -> int:
    """Delete sessions and one-time tokens that expired a week ago and return how many."""
    removed = 0
    while done := database.write(system("sweep"), lambda tx: delete_expired(tx, before=tx.now - KEPT)):
        removed += done
    return removed


TASKS: Final[dict[str, Task]] = {**tasks_webhooks.TASKS}
SWEEPS: Final = (expired_sessions, *tasks_webhooks.SWEEPS)
