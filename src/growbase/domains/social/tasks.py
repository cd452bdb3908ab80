"""What social does in the background: freeing posts of dead workers, noting missed ones, thinning old snapshots."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.statements import plan_of
from growbase.core.transaction import Transaction
from growbase.domains.identity.models import Organization
from growbase.domains.social import tasks_accounts, tasks_generation, tasks_publishing, tasks_reports
from growbase.domains.social.actions_metrics import thin_snapshots
from growbase.domains.social.publishing import mark_missed, reap_expired
from growbase.jobs.schedule import Schedule
from growbase.jobs.worker import Task


def expired_claims(database: Database) -> int:
    """Free posts whose worker has died and return how many."""
    return _until_done(database, system("sweep"), reap_expired)


def missed_posts(database: Database) -> int:
    """Note posts whose time has passed too long ago and return how many."""
    return _until_done(database, system("sweep"), mark_missed)


def thinned_snapshots(database: Database) -> int:
    """Delete what a later snapshot of the same day replaces, after a week, and return how many."""
    read = plan_of(Organization, database.engine).fields["id"].read
    owners = [row[0] if read is None else read(row[0]) for row in database.query("SELECT id FROM organizations")]
    return sum(_until_done(database, system("sweep", owner), thin_snapshots) for owner in owners)


def _until_done(database: Database, actor: Actor, unit: Callable[[Transaction], int]) -> int:
    removed = 0
    while done := database.write(actor, unit):
        removed += done
    return removed


TASKS: Final[dict[str, Task]] = {
    **tasks_publishing.TASKS,
    **tasks_accounts.TASKS,
    **tasks_generation.TASKS,
    **tasks_reports.TASKS,
}
SWEEPS: Final = (*tasks_generation.SWEEPS, *tasks_accounts.SWEEPS)
SCHEDULES: Final = (
    *tasks_accounts.SCHEDULES,
    *tasks_publishing.SCHEDULES,
    *tasks_reports.SCHEDULES,
    Schedule("social/expired_claims", expired_claims, every=timedelta(seconds=30)),
    Schedule("social/missed_posts", missed_posts, every=timedelta(minutes=1)),
    Schedule("social/thinned_snapshots", thinned_snapshots, daily="03:40"),
)
