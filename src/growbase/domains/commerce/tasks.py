"""What commerce does in the background: webhooks, and what comes back or goes with time."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from growbase.core import clock, telemetry
from growbase.core.actor import Actor, Role, system
from growbase.core.database import Database
from growbase.core.model import Root
from growbase.core.reads import Where
from growbase.core.statements import mark, plan_of
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.domains.commerce import (
    actions_flags,
    actions_stores,
    actions_tickets,
    actions_webhooks,
    tasks_generation,
    tasks_kpis,
    tasks_mail,
)
from growbase.domains.commerce.actions_orders import mismatched_orders
from growbase.domains.commerce.models import Store, StoreSecret
from growbase.domains.commerce.models_flags import OrderFlag
from growbase.domains.commerce.models_purchasing import PurchaseOrder
from growbase.domains.commerce.models_tickets import Ticket
from growbase.domains.identity.actions_personal import notify
from growbase.domains.identity.models import Membership, MembershipStatus
from growbase.jobs.schedule import Schedule
from growbase.jobs.worker import Task


def process_webhook(database: Database, actor: Actor, job: Job) -> None:
    """Do what a delivered webhook says."""
    event_id = UUID(job.payload["event_id"])
    try:
        database.write(actor, lambda tx: actions_webhooks.process_event(tx, event_id=event_id))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        database.write(actor, lambda tx: actions_webhooks.fail_event(tx, event_id=event_id, reason=reason))
        raise


# -- sweeps -----------------------------------------------------------------------------------------------------------


def unsnooze_flags(database: Database) -> int:
    """Open the flags whose time has come and return how many."""
    due = partial(_organizations, database, OrderFlag, "snoozed_until", where="status = 'snoozed'")
    return _swept(database, due, actions_flags.unsnooze_flags)


def unsnooze_tickets(database: Database) -> int:
    """Open the tickets whose time has come and return how many."""
    due = partial(_organizations, database, Ticket, "snoozed_until", where="status = 'snoozed'")
    return _swept(database, due, actions_tickets.unsnooze_tickets)


def old_seals(database: Database) -> int:
    """Seal secrets of older keys with the newest one and return how many."""
    current = database.context.keyring.current_id
    sql = f"SELECT DISTINCT organization_id FROM store_secrets WHERE key_id <> {mark(database.engine)} AND {LIVE}"
    due = partial(_ids, database, sql, (current,))
    return _swept(database, due, actions_stores.reseal_secrets)


def order_totals(database: Database) -> int:
    """Report purchase orders whose total is not that of their lines and return how many; there should be none."""
    found = 0
    for organization_id in _ids(database, "SELECT DISTINCT organization_id FROM purchase_orders", ()):
        with database.read(system("sweep", organization_id), snapshot=True) as reads:
            for mismatch in mismatched_orders(reads):
                telemetry.instrument("order_mismatch", level="error", **mismatch)
                found += 1
    return found


def stale_secrets(database: Database) -> int:
    """Tell owners and administrators of secrets whose time to be replaced has come, once each, and return how many."""
    with database.read(system("sweep")) as reads:
        due = Where("rotate_after", "<=", clock.now())
        found = reads.rows(StoreSecret, due, revoked_at=None, order="rotate_after", anywhere=True)
    return sum(
        database.write(system("sweep", row.organization_id), partial(_tell_of_secret, secret_id=row.id))
        for row in found
    )


def _tell_of_secret(tx: Transaction, *, secret_id: UUID) -> int:
    secret = tx.get(StoreSecret, secret_id)
    store = tx.find(Store, secret.store_id)
    if store is None or secret.rotate_after is None:
        return 0
    title = f"Replace the secret {secret.label} of {store.name or store.domain}"
    about = {"title": title, "body": f"Its provider is {secret.provider}. Its time was {secret.rotate_after:%Y-%m-%d}."}
    key = f"rotate {secret_id} {secret.rotate_after:%Y%m%dT%H%M%S}"
    people = tx.rows(Membership, status=MembershipStatus.ACTIVE, role=[Role.OWNER, Role.ADMIN], order="id")
    told = [notify(tx, user_id=row.user_id, kind="secret_rotation", dedupe_key=key, **about) for row in people]
    return int(any(told))


LIVE = "revoked_at IS NULL"


def _organizations(
    database: Database, model: type[Root], column: str, *, where: str, age: timedelta = timedelta(0)
) -> list[UUID]:
    """Return the organizations that have rows whose moment ``column`` lies ``age`` back."""
    plan = plan_of(model, database.engine)
    due: datetime = clock.now() - age
    sql = (
        f"SELECT DISTINCT t.organization_id FROM {plan.table} t WHERE t.{column} <= {mark(database.engine)} AND {where}"
    )
    return _ids(database, sql, (plan.fields[column].bound(due),))


def _ids(database: Database, sql: str, params: tuple[object, ...]) -> list[UUID]:
    read = plan_of(PurchaseOrder, database.engine).fields["organization_id"].read
    return [read(row[0]) if read else row[0] for row in database.query(sql, params)]


def _swept(database: Database, due: Callable[[], list[UUID]], unit: Callable[[Transaction], int]) -> int:
    """Run a unit for each organization that has something due, again while it finds something."""
    found = 0
    for organization_id in due():
        while done := database.write(system("sweep", organization_id), unit):
            found += done
    return found


TASKS: Final[dict[str, Task]] = {
    actions_webhooks.PROCESS: process_webhook,
    **tasks_generation.TASKS,
    **tasks_kpis.TASKS,
    **tasks_mail.TASKS,
}
SCHEDULES: Final = (
    *tasks_kpis.SCHEDULES,
    *tasks_mail.SCHEDULES,
    Schedule("commerce/unsnooze_flags", unsnooze_flags, every=timedelta(minutes=1)),
    Schedule("commerce/unsnooze_tickets", unsnooze_tickets, every=timedelta(minutes=1)),
    Schedule("commerce/stale_secrets", stale_secrets, daily="06:10"),
    Schedule("commerce/order_totals", order_totals, daily="02:40"),
)
SWEEPS: Final = (old_seals,)
