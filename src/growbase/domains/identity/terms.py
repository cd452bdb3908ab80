"""What an organization's subscription allows: the limits of its plan, and the period in which use is counted.

An organization without any subscription, ended ones included, has no limits: it was made before there were plans, or
where the plan ``free`` was never installed. One whose subscription has ended, or was not paid, has those of ``free``.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from growbase.core.reads import Reads
from growbase.domains.identity.models_billing import Metric, Plan, Subscription, SubscriptionStatus
from growbase.domains.identity.plans import FREE

ENDED: Final = frozenset({SubscriptionStatus.CANCELED, SubscriptionStatus.EXPIRED})
LIVE: Final = frozenset(SubscriptionStatus) - ENDED
ENTITLED: Final = frozenset({SubscriptionStatus.TRIALING, SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE})
"""States in which the plan's own limits hold; a payment that is late is first asked for again."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The plan whose limits hold, None for no limits, and the current period."""

    plan: Plan | None
    start: datetime
    end: datetime

    def limit_of(self, metric: Metric) -> int | None:
        """Return how much is allowed, None for any number; a plan from before a metric does not limit it."""
        return self.plan.limits.get(metric.value) if self.plan else None


def find_terms(reads: Reads, now: datetime) -> Terms:
    """Return what holds for the actor's organization at a moment; two short look-ups."""
    found = live_subscription(reads)
    if found is not None:
        own = reads.find(Plan, found.plan_id)
        plan = own if found.status in ENTITLED else free_plan(reads) or own
        start, end = current_period(found.current_period_start, found.current_period_end, now)
        return Terms(plan, start, end)
    had_one = reads.find(Subscription) is not None
    start = datetime(now.year, now.month, 1, tzinfo=UTC)
    return Terms(free_plan(reads) if had_one else None, start, add_months(start, 1))


def live_subscription(reads: Reads, *, lock: bool = False) -> Subscription | None:
    """Return the one subscription of the actor's organization that has not ended."""
    return reads.find(Subscription, status=sorted(LIVE), lock=lock)


def free_plan(reads: Reads) -> Plan | None:
    """Return the active free plan, None if it was never installed."""
    return reads.find(Plan, code=FREE, is_active=True)


def current_period(start: datetime, end: datetime, now: datetime) -> tuple[datetime, datetime]:
    """Return the month of a subscription's period in which ``now`` lies.

    A year's subscription is counted month by month. After ``end`` months follow on each other, until the renewal
    names the next period, which begins at the same moment.
    """
    if now >= end:
        months = _whole_months(end, now)
        return add_months(end, months), add_months(end, months + 1)
    last = max(1, (end.year - start.year) * 12 + end.month - start.month) - 1
    month = min(_whole_months(start, now), last)
    return add_months(start, month), end if month == last else add_months(start, month + 1)


def add_months(moment: datetime, months: int) -> datetime:
    """Return the same time ``months`` later, on the month's last day where it has no such day."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))


def _whole_months(start: datetime, now: datetime) -> int:
    months = (now.year - start.year) * 12 + now.month - start.month
    return months if add_months(start, months) <= now else months - 1
