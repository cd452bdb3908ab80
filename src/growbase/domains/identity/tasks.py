"""What identity does in the background: applying billing events, ending what has expired, proving the counters."""

from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from growbase.core import clock, telemetry
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.reads import Where
from growbase.core.tables import Job
from growbase.domains.identity import regions, tasks_mail, tasks_webhooks
from growbase.domains.identity.actions_billing import renew_or_end
from growbase.domains.identity.actions_provider import apply_provider_event
from growbase.domains.identity.counters import expire_holds, reconcile
from growbase.domains.identity.ledger import long_ledgers, roll_up
from growbase.domains.identity.models_billing import (
    ReservationStatus,
    Subscription,
    UsageCounter,
    UsageReservation,
)
from growbase.domains.identity.terms import LIVE
from growbase.jobs.schedule import Schedule
from growbase.jobs.worker import Task

CHUNK: Final = 500
CHECKED: Final = timedelta(days=1)
"""Between two proofs of a counter."""


def apply_billing_event(database: Database, actor: Actor, job: Job) -> None:
    """Apply one event of a payment provider."""
    event_id = UUID(str(job.payload["billing_event_id"]))
    database.write(actor, lambda tx: apply_provider_event(tx, id=event_id))


def expire_reservations(database: Database) -> int:
    """Free what reservations past their time still hold and return how many they were.

    A request that meets a limit frees those of its own counter without waiting for this.
    """
    freed = 0
    while done := sum(database.write(system("sweep", home), expire_holds) for home in _homes_of_late_holds(database)):
        freed += done
    return freed


def _homes_of_late_holds(database: Database) -> set[UUID]:
    with database.read(system("sweep")) as reads:
        late = Where("expires_at", "<", clock.now())
        found = reads.rows(UsageReservation, late, status=ReservationStatus.HELD, anywhere=True, limit=CHUNK)
    return {reservation.organization_id for reservation in found}


def due_subscriptions(database: Database) -> int:
    """Renew or end subscriptions that no provider bills and whose period is over, and return how many."""
    moved = 0
    while done := sum(_renew_or_end(database, row) for row in _over(database)):
        moved += done
    return moved


def _over(database: Database) -> list[Subscription]:
    with database.read(system("sweep")) as reads:
        over = Where("current_period_end", "<=", clock.now())
        return reads.rows(
            Subscription, over, status=sorted(LIVE), provider_subscription_id=None, anywhere=True, limit=CHUNK
        )


def _renew_or_end(database: Database, row: Subscription) -> bool:
    return database.write(system("billing", row.organization_id), partial(renew_or_end, id=row.id))


def reconcile_usage(database: Database) -> int:
    """Prove counters that were not looked at for a day against their ledger, and return how many had to be repaired."""
    wrong = 0
    while found := _unproved(database):
        for counter in found:
            home, unit = counter.organization_id, partial(reconcile, counter_id=counter.id)
            if database.write(system("sweep", home), unit):
                wrong += 1
                detail = {"organization_id": str(home), "metric": counter.metric.value}
                telemetry.instrument("usage_repaired", level="warning", **detail)
    return wrong


def _unproved(database: Database) -> list[UsageCounter]:
    with database.read(system("sweep")) as reads:
        late = Where("checked_at", "<", clock.now() - CHECKED)
        return reads.rows(UsageCounter, late, anywhere=True, limit=CHUNK)


def old_usage(database: Database) -> int:
    """Roll up lines of the ledger 400 days after their period and return how many; counters stay as they are."""
    rolled = 0
    while True:
        with database.read(system("sweep")) as reads:
            found = long_ledgers(reads)
        done = sum(database.write(system("sweep", home), partial(roll_up, counter_id=id)) for home, id in found)
        rolled += done
        if not done:
            return rolled


TASKS: Final[dict[str, Task]] = {
    "apply_billing_event": apply_billing_event,
    **regions.TASKS,
    **tasks_mail.TASKS,
    **tasks_webhooks.TASKS,
}
SWEEPS: Final = (expire_reservations, due_subscriptions, reconcile_usage, *tasks_webhooks.SWEEPS)
SCHEDULES: Final = (
    *tasks_webhooks.SCHEDULES,
    *regions.SCHEDULES,
    Schedule("identity/old_usage", old_usage, weekly="sun 04:10"),
)
