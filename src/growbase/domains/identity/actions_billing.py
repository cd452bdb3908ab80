"""Subscribing to a plan, changing it and ending it. What a payment provider says is applied in ``actions_provider``.

Every action here holds the lock of the organization's terms, so that limits and counters change together.
"""

from uuid import UUID

from growbase.core.actor import ActorKind, Role
from growbase.core.errors import Conflict, Forbidden, Invalid, NotFound
from growbase.core.facts import hold
from growbase.core.transaction import Transaction
from growbase.domains.identity.counters import TERMS, fit_counters
from growbase.domains.identity.models import Organization
from growbase.domains.identity.models_billing import BillingProvider, Plan, Subscription, SubscriptionStatus
from growbase.domains.identity.plans import FREE
from growbase.domains.identity.roles import require_role
from growbase.domains.identity.terms import ENDED, add_months, current_period, live_subscription


def subscribe_to_free(tx: Transaction) -> UUID | None:
    """Give the organization the free plan if it has no live subscription; None where the plan is not installed."""
    hold(tx, TERMS)
    found = live_subscription(tx)
    if found is not None:
        return found.id
    return subscribe(tx, plan_code=FREE) if tx.find(Plan, code=FREE, is_active=True) is not None else None


def subscribe(tx: Transaction, *, plan_code: str) -> UUID:
    """Begin a subscription that no provider bills, month by month from now, and return its id.

    Raises NotUnique where the organization has a live one, Invalid for a plan that is not there.
    """
    hold(tx, TERMS)
    payer = tx.actor.id if tx.actor.kind is ActorKind.USER else None
    subscription_id = tx.insert(
        Subscription,
        plan_id=get_plan(tx, plan_code).id,
        payer_user_id=payer,
        status=SubscriptionStatus.ACTIVE,
        provider=BillingProvider.NONE,
        current_period_start=tx.now,
        current_period_end=add_months(tx.now, 1),
    )
    fit_counters(tx)
    return subscription_id


def change_plan(tx: Transaction, *, id: UUID, plan_code: str) -> UUID:
    """Move a subscription to another plan at once, and take back its cancellation; return its id. For owners.

    The period and what was used in it stay. Where that is more than the new plan allows, only increases are refused.
    A subscription that a provider bills, and a plan that is sold through one, change there.
    """
    require_role(tx, Role.OWNER)
    found = _own(tx, id)
    plan = get_plan(tx, plan_code)
    if plan.stripe_price_id is not None and plan.price_month_minor > 0 and tx.actor.kind is not ActorKind.SYSTEM:
        raise Conflict("The plan {plan} is sold through Stripe: buy it there.", plan=plan.code)
    tx.change(found, {"plan_id": plan.id, "cancel_at_period_end": False, "canceled_at": None}, action="change_plan")
    fit_counters(tx)
    return found.id


def cancel_subscription(tx: Transaction, *, id: UUID) -> UUID:
    """End a subscription with its current period, and return its id; until then ``change_plan`` takes it back.

    For owners. The organization has the free plan afterwards.
    """
    require_role(tx, Role.OWNER)
    found = _own(tx, id)
    if not found.cancel_at_period_end:
        tx.change(found, {"cancel_at_period_end": True, "canceled_at": tx.now}, action="cancel")
    return found.id


def renew_or_end(tx: Transaction, *, id: UUID) -> bool:
    """Begin the next period of a subscription that no provider bills, or end it as was asked; False if it is not due.

    An organization whose subscription ends has the free plan from then on.
    """
    hold(tx, TERMS)
    found = tx.find(Subscription, id, lock=True)
    is_due = found is not None and found.status not in ENDED and found.current_period_end <= tx.now
    if found is None or not is_due or found.provider_subscription_id is not None:
        return False
    if found.cancel_at_period_end:
        tx.change(found, {"status": SubscriptionStatus.CANCELED}, action="transition")
        begin_free_after(tx)
    else:
        start, end = current_period(found.current_period_start, found.current_period_end, tx.now)
        tx.change(found, {"current_period_start": start, "current_period_end": end}, action="renew")
        fit_counters(tx)
    return True


def begin_free_after(tx: Transaction) -> None:
    """Give an organization whose subscription has just ended the free plan; one in the trash gets none."""
    if tx.find(Organization, tx.actor.organization_id) is not None:
        subscribe_to_free(tx)
    fit_counters(tx)


def sell_plan(tx: Transaction, *, code: str, stripe_product_id: str | None, stripe_price_id: str | None) -> UUID:
    """Say by which product and price Stripe sells the active plan of a code; return the plan's id.

    From then on an organization gets this plan by Stripe's events only. For the program itself.
    """
    if tx.actor.kind is not ActorKind.SYSTEM:
        raise Forbidden
    plan = get_plan(tx, code)
    ids = {"stripe_product_id": stripe_product_id, "stripe_price_id": stripe_price_id}
    tx.update(Plan, plan.id, ids)
    return plan.id


def get_plan(tx: Transaction, code: str) -> Plan:
    """Return the active plan of a code. Raises Invalid."""
    found = tx.find(Plan, code=code, is_active=True)
    if found is None:
        raise Invalid.at("plan_code", "unknown", "is not the code of a plan on offer: GET /api/plans lists them")
    return found


def _own(tx: Transaction, id: UUID) -> Subscription:
    """Return the organization's live subscription, which no provider bills, and hold it. Raises Conflict."""
    hold(tx, TERMS)
    found = tx.find(Subscription, id, lock=True)
    if found is None:
        raise NotFound(what="subscription")
    if found.status in ENDED:
        raise Conflict("The subscription has ended: change the live one.")
    if found.provider_subscription_id is not None:
        raise Conflict("The subscription is billed by {provider}: change it there.", provider=found.provider.value)
    return found
