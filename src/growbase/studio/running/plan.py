"""The organization's plan: what it allows, what is used of it, and the other plans there are."""

from typing import Any, Final

from growbase.api.call import Answer
from growbase.core import clock
from growbase.core.actor import Role
from growbase.core.errors import Conflict, Invalid, NotFound
from growbase.core.reads import Reads
from growbase.domains.identity.actions_billing import cancel_subscription, change_plan
from growbase.domains.identity.models_billing import Metric, Plan
from growbase.domains.identity.terms import live_subscription
from growbase.domains.identity.usage import list_usage
from growbase.studio import usage_page
from growbase.studio.acts import flash_error
from growbase.studio.render import page
from growbase.studio.running.operating import plain
from growbase.studio.visit import Visit
from growbase.studio.words import Words

SUBSCRIPTION: Final = (
    *("id", "plan_id", "current_period_start", "current_period_end", "trial_end", "cancel_at_period_end"),
    *("canceled_at", "provider_subscription_id"),
)
PLAN: Final = ("id", "code", "name", "price_month_minor", "price_year_minor", "currency", "limits", "features")
NEAR: Final = 0.8


async def show(visit: Visit) -> Answer:
    """Show plan, subscription, use and the plans on offer."""
    visit.require(Role.VIEWER)
    if visit.by.organization_id is None:
        raise NotFound(what="organization")
    found = await visit.read(_read)
    words = visit.words
    return page(
        visit,
        "running/plan.html",
        **found,
        usage=[_meter(words, row) for row in found["used"]],
        metrics=[one.value for one in Metric],
        amount=lambda metric, value: amount(words, metric, value),
    )


def _read(reads: Reads) -> dict[str, Any]:
    subscription = live_subscription(reads)
    plans = reads.rows(Plan, is_active=True, order="sort_order, id")
    mine = next((row for row in plans if subscription and row.id == subscription.plan_id), None)
    if subscription is not None and mine is None:
        mine = reads.find(Plan, subscription.plan_id)
    shown = {**plain(subscription, *SUBSCRIPTION)} if subscription else None
    if shown is not None and subscription is not None:
        shown |= {"status": subscription.status.value, "provider": subscription.provider.value}
    return {
        "subscription": shown,
        "mine": _plan(mine) if mine else None,
        "plans": [_plan(row) for row in plans],
        "used": list_usage(reads, clock.now()),
    }


def _plan(row: Plan) -> dict[str, Any]:
    return {**plain(row, *PLAN), "is_sold": row.stripe_price_id is not None and row.price_month_minor > 0}


def _meter(words: Words, row: dict[str, Any]) -> dict[str, Any]:
    limit, used = row["limit"], row["used"]
    metric = str(row["metric"])
    return {
        **row,
        "near": limit is not None and used >= NEAR * limit,
        "used_text": amount(words, metric, used),
        "limit_text": amount(words, metric, limit),
    }


def amount(words: Words, metric: str, value: int | None) -> str:
    """Return how much of a metric that is; None stands for any number."""
    if value is None:
        return words.say("unlimited")
    return usage_page.amount(words, metric, value)


async def change(visit: Visit) -> Answer:
    """Go on with another plan, or cancel."""
    visit.require(Role.OWNER)
    action, words = visit.sent("action"), visit.words
    found = await visit.read(live_subscription)
    if found is None:
        raise NotFound(what="subscription")
    try:
        if action == "change":
            code = visit.sent("plan")
            await visit.write(lambda tx: change_plan(tx, id=found.id, plan_code=code))
            visit.flash(words.say("The plan is changed."))
        elif action == "cancel":
            await visit.write(lambda tx: cancel_subscription(tx, id=found.id))
            visit.flash(words.say("It ends with its period; until then it can be taken back."))
        else:
            raise Invalid.at("action", "choice", "must be one of {expected}", expected="change, cancel")
    except (Conflict, Invalid) as error:
        flash_error(visit, error)
    return visit.go("/studio/plan")


PAGES: Final[list[tuple[str, str, Any]]] = [("plan", "GET", show), ("plan", "POST", change)]
