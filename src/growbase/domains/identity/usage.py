"""What the plan of an organization allows, counted so that no number of parallel requests gets past it.

Use is counted by one conditional update of the metric's counter and one line of the ledger, in the unit that uses it:
a unit that is undone has used nothing. An actor without organization uses nothing either.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from growbase.core import clock
from growbase.core.errors import NotFound
from growbase.core.facts import add_facts
from growbase.core.reads import Reads, Where
from growbase.core.statements import mark
from growbase.core.transaction import Transaction
from growbase.core.types import moment_text
from growbase.domains.identity import counters
from growbase.domains.identity.counters import STOCK, note, settle, take
from growbase.domains.identity.models_billing import (
    Metric,
    ReservationStatus,
    UsageCounter,
    UsageKind,
    UsageReservation,
)
from growbase.domains.identity.terms import Terms, find_terms

HELD_FOR: Final = timedelta(minutes=30)
"""How long a reservation holds if its job dies without releasing it."""


@dataclass(frozen=True, slots=True)
class Meter:
    """Counts the live rows of a resource as use of a metric; told after rows have come or gone."""

    metric: Metric

    def __call__(self, tx: Transaction, by: int) -> None:
        """Count ``by`` rows more, or fewer where it is negative. Raises LimitExceeded."""
        if by > 0:
            _consume(tx, self.metric, by, written=by)
        else:
            _give_back(tx, self.metric, -by, written=by)


def meter(metric: Metric) -> Callable[[Transaction, int], None]:
    """Return the meter of a resource whose live rows a plan limits."""
    return Meter(metric)


def consume(tx: Transaction, metric: Metric, quantity: int = 1, *, subject_id: UUID | None = None) -> None:
    """Count use of a metric in the organization's current period. Raises LimitExceeded where the plan has no more.

    ``subject_id`` says in the ledger what it was used for. Call it before the write it counts.
    """
    _consume(tx, metric, quantity, subject_id=subject_id)


def give_back(tx: Transaction, metric: Metric, quantity: int = 1, *, subject_id: UUID | None = None) -> None:
    """Count down a metric that stands for rows there are, such as prospects, when some have gone; never below 0.

    Call it before the write it counts.
    """
    _give_back(tx, metric, quantity, subject_id=subject_id)


def count_use(tx: Transaction, metric: Metric, quantity: int) -> None:
    """Count use that has already happened, whatever the plan allows."""
    if quantity and tx.actor.organization_id is not None:
        counter = counters.current_counter(tx, metric, tx.now) or counters.open_counter(tx, metric)
        add_facts(tx, UsageCounter, {"id": counter.id}, {"used": quantity})
        note(tx, counter.id, UsageKind.CONSUMED, quantity)


def require_room(tx: Transaction, metric: Metric, quantity: int = 1) -> None:
    """Raise LimitExceeded if so much more would be refused now; nothing is counted."""
    if tx.actor.organization_id is not None:
        counters.has_room(tx, metric, quantity)


def _consume(
    tx: Transaction, metric: Metric, quantity: int, *, written: int = 0, subject_id: UUID | None = None
) -> None:
    assert quantity >= 0, quantity
    if quantity and tx.actor.organization_id is not None:
        counter = take(tx, metric, quantity, "used", written=written)
        note(tx, counter.id, UsageKind.CONSUMED, quantity, subject_id=subject_id)


def _give_back(
    tx: Transaction, metric: Metric, quantity: int, *, written: int = 0, subject_id: UUID | None = None
) -> None:
    assert quantity >= 0, quantity
    if not quantity or tx.actor.organization_id is None:
        return
    now = (Where("period_start", "<=", tx.now), Where("period_end", ">", tx.now))
    enough = {"when": f"t.used >= {mark(tx.engine)}", "params": [quantity]}
    rows = add_facts(tx, UsageCounter, {"metric": metric}, {"used": -quantity}, *now, **enough)  # type: ignore[arg-type]
    if not rows:
        if counters.current_counter(tx, metric, tx.now) is None:
            counters.open_counter(tx, metric, written=written)
        found = tx.find(UsageCounter, None, *now, metric=metric, lock=True)
        assert found is not None
        quantity = min(quantity, found.used)
        rows = add_facts(tx, UsageCounter, {"id": found.id}, {"used": -quantity})
    note(tx, rows[0].id, UsageKind.GIVEN_BACK, -quantity, subject_id=subject_id)


# -- reservations: long work is promised its use before it begins -----------------------------------------------------


def reserve(
    tx: Transaction,
    metric: Metric,
    quantity: int,
    *,
    key: str,
    job_id: UUID | None = None,
    ttl: timedelta = HELD_FOR,
) -> UUID:
    """Hold so much of a metric until it is committed or released, or ``ttl`` has passed; return the reservation's id.

    The same ``key`` gives the same reservation: it is held on, and held anew if it was released or has expired, but
    keeps its first quantity. Raises LimitExceeded.
    """
    held = {"status": ReservationStatus.HELD, "expires_at": tx.now + ttl, "job_id": job_id}
    found = tx.find(UsageReservation, idempotency_key=key, lock=True)
    if found is not None:
        if found.status is ReservationStatus.HELD:
            tx.set_facts(UsageReservation, {"id": found.id}, held)
        elif found.status is not ReservationStatus.COMMITTED:
            counter = take(tx, metric, found.quantity, "reserved")
            tx.set_facts(UsageReservation, {"id": found.id}, {**held, "counter_id": counter.id, "settled_at": None})
        return found.id
    counter = take(tx, metric, quantity, "reserved")
    reservation_id = clock.new_id()
    row = {
        "organization_id": tx.actor.organization_id,
        "id": reservation_id,
        "counter_id": counter.id,
        "quantity": quantity,
        "idempotency_key": key,
        "created_at": tx.now,
        **held,
    }
    tx.insert_facts(UsageReservation, [row], ignore=True)
    won = tx.find(UsageReservation, idempotency_key=key)
    assert won is not None
    if won.id != reservation_id:
        # Another unit has reserved under this key since it was looked for.
        add_facts(tx, UsageCounter, {"id": counter.id}, {"reserved": -quantity})
    return won.id


def commit_reservation(tx: Transaction, id: UUID, quantity: int | None = None) -> None:
    """Turn a reservation into use of what the work has really taken, by default all of it; again changes nothing.

    What goes beyond the reservation, and all of it where the reservation has expired, is taken from what the plan
    still allows. Raises NotFound, LimitExceeded.
    """
    reservation = _held(tx, id)
    if reservation.status is ReservationStatus.COMMITTED:
        return
    actual = reservation.quantity if quantity is None else quantity
    if not settle(tx, reservation, ReservationStatus.COMMITTED):
        settled = {"status": ReservationStatus.COMMITTED, "settled_at": tx.now}
        tx.set_facts(UsageReservation, {"id": id}, settled)
        covered = 0
    else:
        covered = reservation.quantity
    counter_id = reservation.counter_id
    if actual <= covered:
        add_facts(tx, UsageCounter, {"id": counter_id}, {"used": actual})
    else:
        counter = tx.find(UsageCounter, counter_id)
        assert counter is not None
        counter_id = take(tx, counter.metric, actual, "used").id
    note(tx, counter_id, UsageKind.COMMITTED, actual, reservation_id=id)


def release_reservation(tx: Transaction, id: UUID) -> None:
    """Free what a reservation holds, since its work failed; one that is settled already stays. Raises NotFound."""
    settle(tx, _held(tx, id), ReservationStatus.RELEASED)


def _held(tx: Transaction, id: UUID) -> UsageReservation:
    found = tx.find(UsageReservation, id, lock=True)
    if found is None:
        raise NotFound(what="reservation")
    return found


# -- what is shown ----------------------------------------------------------------------------------------------------


def list_usage(reads: Reads, now: datetime) -> list[dict[str, object]]:
    """Return what the organization has used of each metric, as JSON."""
    terms = find_terms(reads, now)
    current = reads.rows(UsageCounter, Where("period_start", "<=", now), Where("period_end", ">", now))
    by_metric = {counter.metric: counter for counter in current}
    return [_shown(reads, metric, by_metric.get(metric), terms) for metric in Metric]


def _shown(reads: Reads, metric: Metric, counter: UsageCounter | None, terms: Terms) -> dict[str, object]:
    is_stock = metric in STOCK
    if counter is not None:
        used, reserved, limit = counter.used, counter.reserved, counter.limit_value
        start, end = counter.period_start, counter.period_end
    else:
        used, reserved, limit = counters.count_there(reads, metric), 0, terms.limit_of(metric)
        start, end = terms.start, terms.end
    return {
        "metric": metric.value,
        "used": used,
        "reserved": reserved,
        "limit": limit,
        "period_start": None if is_stock else moment_text(start),
        "period_end": None if is_stock else moment_text(end),
        "over_limit": limit is not None and used + reserved > limit,
    }


__all__ = [
    "Meter",
    "Metric",
    "commit_reservation",
    "consume",
    "count_use",
    "give_back",
    "list_usage",
    "meter",
    "release_reservation",
    "require_room",
    "reserve",
]
