"""What a payment provider tells of subscriptions, kept as it comes and applied so that its order does not matter.

A subscription is what all of its events say together, read in the order in which they happened: one that comes late
is put in its place, where a newer one outweighs it, and one that comes twice is there once. What ended stays ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from growbase.core import clock
from growbase.core.facts import hold
from growbase.core.reads import Reads
from growbase.core.transaction import Transaction
from growbase.domains.identity.actions_billing import begin_free_after
from growbase.domains.identity.counters import TERMS, fit_counters
from growbase.domains.identity.models import Organization
from growbase.domains.identity.models_billing import (
    BillingEvent,
    BillingEventStatus,
    BillingProvider,
    Plan,
    Subscription,
    SubscriptionStatus,
)
from growbase.domains.identity.roles import everywhere
from growbase.domains.identity.stripe import PAID, PAYMENT_FAILED, TYPES, Told, read_told
from growbase.domains.identity.terms import ENDED, add_months, live_subscription

S = SubscriptionStatus
TRANSITIONS: Final[Mapping[SubscriptionStatus, frozenset[SubscriptionStatus]]] = {
    S.INCOMPLETE: frozenset({S.TRIALING, S.ACTIVE, S.EXPIRED}),
    S.TRIALING: frozenset({S.ACTIVE, S.PAST_DUE, S.CANCELED}),
    S.ACTIVE: frozenset({S.PAST_DUE, S.CANCELED}),
    S.PAST_DUE: frozenset({S.ACTIVE, S.UNPAID, S.CANCELED}),
    S.UNPAID: frozenset({S.ACTIVE, S.CANCELED}),
    S.CANCELED: frozenset({S.EXPIRED}),
    S.EXPIRED: frozenset(),
}
"""The steps of a subscription. An event may tell of the last of several."""
ORDER: Final = tuple(SubscriptionStatus)


@dataclass(frozen=True, slots=True)
class Folded:
    """What the events of one subscription say together."""

    status: SubscriptionStatus
    told: Told | None
    plan: Plan | None
    organization_id: UUID | None
    customer_id: str | None
    at: datetime

    @property
    def has_ended(self) -> bool:
        """Whether it is over."""
        return self.status in ENDED


def receive_event(tx: Transaction, *, event: Mapping[str, Any], provider: BillingProvider) -> bool:
    """Keep a provider's event and queue what it changes; False if it was delivered before.

    One that failed is tried again when it is delivered again.
    """
    event_id = clock.new_id()
    row = {"id": event_id, "provider": provider, "received_at": tx.now, "status": BillingEventStatus.RECEIVED, **event}
    tx.insert_facts(BillingEvent, [row], ignore=True)
    found = tx.find(BillingEvent, provider=provider, provider_event_id=event["provider_event_id"])
    assert found is not None
    # Who sends an event again after it failed has removed the cause.
    if found.id == event_id or found.status is BillingEventStatus.FAILED:
        tx.enqueue("apply_billing_event", {"billing_event_id": str(found.id)}, queue="billing", max_attempts=10)
    return found.id == event_id


def apply_provider_event(tx: Transaction, *, id: UUID) -> BillingEventStatus:
    """Bring the subscription an event is about to what its events say together, and return what became of this one.

    Done again, or after events that happened later, it ends in the same state.
    """
    event = tx.find(BillingEvent, id)
    assert event is not None
    if event.type not in TYPES or event.provider_subscription_id is None:
        return _finish(tx, event, BillingEventStatus.IGNORED, None)
    return _apply(tx, event.provider, event.provider_subscription_id, event)


def _apply(tx: Transaction, provider: BillingProvider, subscription_id: str, event: BillingEvent) -> BillingEventStatus:
    row = _find(tx, subscription_id)
    home = row.organization_id if row else _home(everywhere(tx), _fold(tx, provider, subscription_id))
    if home is None:
        return _finish(tx, event, BillingEventStatus.FAILED, None, "No organization is named or has this customer.")
    inside = tx.for_organization(home)
    # One unit at a time, each of which reads all events there are by then.
    hold(inside, TERMS)
    folded, row = _fold(tx, provider, subscription_id), _find(tx, subscription_id)
    if row is None and folded.status is S.INCOMPLETE:
        return _finish(tx, event, BillingEventStatus.IGNORED, home, "Its first payment is still to come.")
    problem = _write(inside, row, folded, subscription_id)
    if problem is not None:
        return _finish(tx, event, BillingEventStatus.FAILED, home, problem)
    if folded.has_ended:
        _take_up_waiting(inside, provider)
        begin_free_after(inside)
    fit_counters(inside)
    after = _find(tx, subscription_id)
    is_idle = row is not None and after is not None and after.version == row.version
    return _finish(tx, event, BillingEventStatus.IGNORED if is_idle else BillingEventStatus.APPLIED, home)


def _find(tx: Transaction, subscription_id: str) -> Subscription | None:
    return everywhere(tx).find(Subscription, provider_subscription_id=subscription_id, anywhere=True)


def _fold(tx: Transaction, provider: BillingProvider, subscription_id: str) -> Folded:
    """Return what the events of a subscription say, read in the order in which they happened."""
    events = tx.rows(BillingEvent, provider=provider, provider_subscription_id=subscription_id, type=TYPES)
    read = [(event, told) for event in events if (told := read_told(event.payload)) is not None]
    read.sort(key=lambda pair: _place(*pair))
    # Where the beginning was never told, as for a subscription that was copied from elsewhere, it was running.
    status, newest = S.ACTIVE, None
    plan, organization_id, customer_id = None, None, None
    for _, told in read:
        customer_id = told.customer_id or customer_id
        organization_id = told.organization_id or organization_id
        if told.type in {PAID, PAYMENT_FAILED}:
            status = _after_payment(status, is_paid=told.type == PAID)
            continue
        if told.status is not None and (newest is None or _can_become(status, told.status)):
            status = told.status
        elif status in ENDED:
            continue
        newest = told
        plan = _plan_of(tx, told) or plan
    return Folded(status, newest, plan, organization_id, customer_id, read[-1][0].occurred_at)


def _place(event: BillingEvent, told: Told) -> tuple[datetime, int, int, str]:
    """Return where an event comes: Stripe's times are whole seconds, in which several things happen."""
    rank = ORDER.index(told.status) if told.status else 0
    return event.occurred_at, TYPES.index(event.type), rank, event.provider_event_id


def _after_payment(status: SubscriptionStatus, *, is_paid: bool) -> SubscriptionStatus:
    if is_paid:
        return S.ACTIVE if status in {S.INCOMPLETE, S.PAST_DUE, S.UNPAID} else status
    return S.PAST_DUE if status in {S.TRIALING, S.ACTIVE} else status


def _can_become(status: SubscriptionStatus, to: SubscriptionStatus) -> bool:
    """Return whether a state can be reached, perhaps by way of others that nobody told of."""
    reached = {status}
    while more := {step for found in reached for step in TRANSITIONS[found]} - reached:
        reached |= more
    return to in reached


def _plan_of(tx: Transaction, told: Told) -> Plan | None:
    """Return the plan that a price, a product or a code stands for; those of an old price keep their old plan."""
    if told.price_id and (found := tx.find(Plan, stripe_price_id=told.price_id)):
        return found
    if told.product_id and (found := tx.find(Plan, stripe_product_id=told.product_id, is_active=True)):
        return found
    plans = (tx.find(Plan, code=code, is_active=True) for code in told.plan_codes)
    return next((plan for plan in plans if plan is not None), None)


def _home(anywhere: Reads, folded: Folded) -> UUID | None:
    """Return the organization a new subscription is for: the one it names, else the one that is this customer."""
    if folded.told is None:
        return None
    if folded.organization_id is not None:
        named = anywhere.find(Organization, folded.organization_id, anywhere=True)
        return named.id if named else None
    if folded.customer_id is None:
        return None
    known = anywhere.rows(Subscription, provider_customer_id=folded.customer_id, order="-created_at", anywhere=True)
    return known[0].organization_id if known else None


def _write(inside: Transaction, row: Subscription | None, folded: Folded, subscription_id: str) -> str | None:
    """Bring the row to what was told, and return what is in the way, if anything.

    The subscription to the free plan becomes the one that is paid for, so that the organization keeps one row.
    """
    target = inside.find(Subscription, row.id, lock=True) if row else None
    if target is None and not folded.has_ended:
        target = live_subscription(inside, lock=True)
        if target is not None and target.provider_subscription_id is not None:
            return "The organization has another subscription that is live."
    plan_id = folded.plan.id if folded.plan else target.plan_id if target else None
    if folded.told is not None and folded.plan is None:
        problem = f"No plan is sold at the price {folded.told.price_id}."
    else:
        problem = None
    if plan_id is None or (problem is not None and row is None):
        return problem
    values = {"plan_id": plan_id, "provider_event_at": folded.at, **_told_values(target, folded)}
    if target is None or folded.has_ended or target.status not in ENDED:
        values["status"] = folded.status
    if target is None:
        inside.insert(Subscription, provider_subscription_id=subscription_id, **values)
    else:
        action = "transition" if target.status != values.get("status", target.status) else "update"
        inside.change(target, {**values, "provider_subscription_id": subscription_id}, action=action)
    return problem


def _told_values(target: Subscription | None, folded: Folded) -> dict[str, object]:
    values: dict[str, object] = {"provider": BillingProvider.STRIPE}
    if folded.customer_id is not None:
        values["provider_customer_id"] = folded.customer_id
    told = folded.told
    if told is None:
        return values
    period = told.period or (None if target else (folded.at, add_months(folded.at, 1)))
    if period is not None:
        values |= {"current_period_start": period[0], "current_period_end": period[1]}
    return values | {
        "trial_start": told.trial_start,
        "trial_end": told.trial_end,
        "cancel_at_period_end": told.cancel_at_period_end,
        "canceled_at": told.canceled_at or (folded.at if folded.has_ended else None),
    }


def _take_up_waiting(inside: Transaction, provider: BillingProvider) -> None:
    """Apply events of another subscription that had to wait until this one has ended."""
    home, failed = inside.actor.organization_id, BillingEventStatus.FAILED
    for event in inside.rows(
        BillingEvent, provider=provider, organization_id=home, status=failed, order="occurred_at, id"
    ):
        if live_subscription(inside) is None and event.provider_subscription_id is not None:
            folded = _fold(inside, provider, event.provider_subscription_id)
            is_new = _find(inside, event.provider_subscription_id) is None
            runs = not folded.has_ended and folded.status is not S.INCOMPLETE
            if is_new and runs and _write(inside, None, folded, event.provider_subscription_id) is None:
                _finish(inside, event, BillingEventStatus.APPLIED, home)


def _finish(
    tx: Transaction,
    event: BillingEvent,
    status: BillingEventStatus,
    organization_id: UUID | None,
    error: str | None = None,
) -> BillingEventStatus:
    values = {"status": status, "processed_at": tx.now, "error": error, "organization_id": organization_id}
    tx.set_facts(BillingEvent, {"id": event.id}, values)
    return status
