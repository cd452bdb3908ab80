"""Rows that count use: opened when first needed, moved by one conditional statement each, proved against the ledger."""

from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from growbase.core import clock
from growbase.core.errors import LimitExceeded
from growbase.core.facts import add_facts, hold
from growbase.core.reads import Reads, Where
from growbase.core.statements import mark
from growbase.core.transaction import Transaction
from growbase.domains.identity.models import Membership, MembershipStatus
from growbase.domains.identity.models_billing import (
    Metric,
    ReservationStatus,
    UsageCounter,
    UsageEvent,
    UsageKind,
    UsageReservation,
)
from growbase.domains.identity.terms import find_terms

STOCK: Final = frozenset(
    {
        Metric.PROSPECTS,
        Metric.ICPS,
        Metric.SEQUENCES,
        Metric.ORGANIZATIONS,
        Metric.TEAM_MEMBERS,
        Metric.STORAGE_BYTES,
    }
)
"""Metrics that stand for what is there now: counted down again, and never begun anew."""
ALWAYS: Final = (datetime(2000, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
"""The period of a metric that never begins anew."""
TERMS: Final = "subscription terms"
"""The lock under which limits change; a counter is opened under it shared, so that it never has an old limit."""
_INSTANT: Final = timedelta(microseconds=1)


def current_counter(reads: Reads, metric: Metric, now: datetime) -> UsageCounter | None:
    """Return the counter of a metric at a moment, None if nothing was counted yet."""
    return reads.find(UsageCounter, None, *_at(now), metric=metric)


def take(
    tx: Transaction, metric: Metric, quantity: int, column: Literal["used", "reserved"], *, written: int = 0
) -> UsageCounter:
    """Add to the current counter of a metric if its limit allows, and return it; one statement in the usual case.

    ``written`` is by how much the rows that a metric stands for have already grown. Raises LimitExceeded.
    """
    counter = _take(tx, metric, quantity, column)
    if counter is not None:
        return counter
    found = current_counter(tx, metric, tx.now)
    if found is None:
        open_counter(tx, metric, written=written)
    else:
        expire_holds(tx)
    counter = _take(tx, metric, quantity, column)
    if counter is None:
        raise _exceeded(tx, metric)
    return counter


def _take(tx: Transaction, metric: Metric, quantity: int, column: str) -> UsageCounter | None:
    within = f"t.limit_value IS NULL OR t.used + t.reserved + {mark(tx.engine)} <= t.limit_value"
    where = _at(tx.now)
    rows = add_facts(tx, UsageCounter, {"metric": metric}, {column: quantity}, *where, when=within, params=[quantity])
    return rows[0] if rows else None


def _exceeded(tx: Transaction, metric: Metric) -> LimitExceeded:
    found = current_counter(tx, metric, tx.now)
    assert found is not None
    return LimitExceeded(metric=metric.value, limit=found.limit_value, used=found.used + found.reserved)


def has_room(tx: Transaction, metric: Metric, quantity: int) -> None:
    """Raise LimitExceeded if so much more would not be allowed now; nothing is counted."""
    found = current_counter(tx, metric, tx.now) or open_counter(tx, metric)
    if found.limit_value is not None and found.used + found.reserved + quantity > found.limit_value:
        raise _exceeded(tx, metric)


def open_counter(tx: Transaction, metric: Metric, *, written: int = 0) -> UsageCounter:
    """Make the counter of the current period, and return it; of two units at once one makes it.

    A metric that stands for rows begins with those that were there before this unit wrote ``written`` of them.
    """
    hold(tx, TERMS, share=True)
    terms = find_terms(tx, tx.now)
    start, end = ALWAYS if metric in STOCK else (terms.start, terms.end)
    opening = max(0, count_there(tx, metric) - written)
    counter_id = clock.new_id()
    row = {
        "organization_id": tx.actor.organization_id,
        "id": counter_id,
        "metric": metric,
        "period_start": start,
        "period_end": end,
        "used": opening,
        "reserved": 0,
        "limit_value": terms.limit_of(metric),
        "checked_at": tx.now,
    }
    tx.insert_facts(UsageCounter, [row], ignore=True)
    found = tx.find(UsageCounter, metric=metric, period_start=start, lock=True)
    assert found is not None
    if found.id == counter_id:
        note(tx, found.id, UsageKind.OPENED, opening)
    elif found.period_end < end:
        # The period was cut short by another subscription, and goes on.
        tx.set_facts(UsageCounter, {"id": found.id}, {"period_end": end, "limit_value": terms.limit_of(metric)})
    return found


def count_there(reads: Reads, metric: Metric) -> int:
    """Return what is there of a metric before it was ever counted; an organization is the first of its own."""
    return 1 if metric is Metric.ORGANIZATIONS else count_rows(reads, metric) or 0


def count_rows(reads: Reads, metric: Metric) -> int | None:
    """Return how many rows a metric stands for, None if it does not stand for rows of this organization."""
    if metric is Metric.TEAM_MEMBERS:
        return reads.count(Membership, status=MembershipStatus.ACTIVE)
    if metric not in STOCK:
        return None
    metered = [found for found in reads.context.catalog.resources if getattr(found.meter, "metric", None) is metric]
    return sum(reads.count(resource.model) for resource in metered) if metered else None


def note(
    tx: Transaction,
    counter_id: UUID,
    kind: UsageKind,
    quantity: int,
    *,
    subject_id: UUID | None = None,
    reservation_id: UUID | None = None,
) -> None:
    """Write a line of the ledger."""
    line: dict[str, object] = {
        "organization_id": tx.actor.organization_id,
        "id": clock.new_id(),
        "counter_id": counter_id,
        "kind": kind,
        "quantity": quantity,
        "subject_id": subject_id,
        "reservation_id": reservation_id,
        "actor_id": tx.actor.id,
        "occurred_at": tx.now,
    }
    if quantity:
        tx.insert_facts(UsageEvent, [line])


def expire_holds(tx: Transaction) -> int:
    """Free what reservations of the organization past their time hold, at most 500, and return how many they were."""
    late = Where("expires_at", "<", tx.now)
    held = tx.rows(UsageReservation, late, status=ReservationStatus.HELD, order="id", limit=500, lock=True)
    return sum(settle(tx, reservation, ReservationStatus.EXPIRED) for reservation in held)


def settle(tx: Transaction, reservation: UsageReservation, status: ReservationStatus) -> bool:
    """End a held reservation and free what it holds; False if it was settled before."""
    held = {"id": reservation.id, "status": ReservationStatus.HELD}
    if not tx.set_facts(UsageReservation, held, {"status": status, "settled_at": tx.now}):
        return False
    add_facts(tx, UsageCounter, {"id": reservation.counter_id}, {"reserved": -reservation.quantity})
    return True


def fit_counters(tx: Transaction) -> None:
    """Give the current counters the limits of the subscription as it is now, and end those of another period.

    The caller holds ``TERMS``. Where more was used than is allowed now, only increases are refused.
    """
    terms = find_terms(tx, tx.now)
    for counter in tx.rows(UsageCounter, Where("period_end", ">", tx.now), order="metric, id", lock=True):
        values: dict[str, object] = {"limit_value": terms.limit_of(counter.metric)}
        if counter.metric not in STOCK and counter.period_start != terms.start:
            cut = terms.start if terms.start > counter.period_start else tx.now
            values["period_end"] = max(min(cut, counter.period_end), counter.period_start + _INSTANT)
        elif counter.metric not in STOCK:
            values["period_end"] = terms.end
        tx.set_facts(UsageCounter, {"id": counter.id}, values)


def reconcile(tx: Transaction, counter_id: UUID) -> bool:
    """Set a counter to what its ledger, its reservations and the rows it stands for say; False if it was right."""
    counter = tx.find(UsageCounter, counter_id, lock=True)
    if counter is None:
        return False
    used = _sum(tx, UsageEvent, counter.id)
    reserved = _sum(tx, UsageReservation, counter.id, status=ReservationStatus.HELD)
    rows = count_rows(tx, counter.metric)
    is_right = (counter.used, counter.reserved) == (used, reserved) and rows in {None, used}
    if rows not in {None, used}:
        assert rows is not None
        note(tx, counter.id, UsageKind.REPAIRED, rows - used)
        used = rows
    is_over = counter.period_end <= tx.now and not reserved
    values = {"used": max(0, used), "reserved": reserved, "checked_at": ALWAYS[1] if is_over else tx.now}
    tx.set_facts(UsageCounter, {"id": counter.id}, values)
    return not is_right


def _sum(tx: Transaction, model: type[UsageEvent | UsageReservation], counter_id: UUID, **equals: object) -> int:
    plan = tx.plan(model)
    terms, params = tx.scope_terms(plan, anywhere=False)
    for name, value in {"counter_id": counter_id, **equals}.items():
        terms.append(f"t.{name} = {mark(tx.engine)}")
        params.append(plan.fields[name].bound(value))
    sql = f"SELECT coalesce(sum(t.quantity), 0) FROM {plan.table} t WHERE {' AND '.join(terms)}"
    return int(tx.execute(sql, params).fetchone()[0])


def _at(now: datetime) -> tuple[Where, Where]:
    return Where("period_start", "<=", now), Where("period_end", ">", now)
