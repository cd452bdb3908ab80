from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growbase.core import clock
from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.domains.identity.actions_billing import subscribe
from growbase.domains.identity.models_billing import Metric, Plan, Subscription, SubscriptionStatus
from growbase.domains.identity.terms import add_months, current_period, find_terms


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "now", "expected"),
    [
        ("2026-01-10", "2026-02-10", "2026-01-10", ("2026-01-10", "2026-02-10")),
        ("2026-01-10", "2026-02-10", "2026-02-09T23:59:59", ("2026-01-10", "2026-02-10")),
        ("2026-01-10", "2026-02-10", "2026-02-10", ("2026-02-10", "2026-03-10")),
        ("2026-01-10", "2026-02-10", "2026-07-01", ("2026-06-10", "2026-07-10")),
        ("2026-01-31", "2026-02-28", "2026-02-27", ("2026-01-31", "2026-02-28")),
        ("2026-02-28", "2026-03-31", "2026-03-30", ("2026-02-28", "2026-03-31")),
        ("2026-01-15", "2027-01-15", "2026-03-20", ("2026-03-15", "2026-04-15")),
        ("2026-01-15", "2027-01-15", "2027-01-14", ("2026-12-15", "2027-01-15")),
        ("2026-01-25", "2026-02-08", "2026-02-01", ("2026-01-25", "2026-02-08")),
        ("2026-01-10", "2026-02-10", "2026-01-09", ("2025-12-10", "2026-01-10")),
    ],
)
def test_use_is_counted_month_by_month(start: str, end: str, now: str, expected: tuple[str, str]) -> None:
    assert current_period(at(start), at(end), at(now)) == (at(expected[0]), at(expected[1]))


moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(start=moments, months=st.integers(1, 24), minutes=st.integers(0, 3_000_000))
def test_every_moment_lies_in_one_period_and_periods_follow_on_each_other(
    start: datetime, months: int, minutes: int
) -> None:
    end, now = add_months(start, months), start + timedelta(minutes=minutes)
    first, last = current_period(start, end, now)
    assert first <= now < last
    assert current_period(start, end, last)[0] == last
    assert current_period(start, end, first) == (first, last)


def test_an_organization_without_subscription_has_no_limits(db: Database, actor: Actor, plans: None) -> None:
    with db.read(actor) as reads:
        terms = find_terms(reads, at("2026-05-17"))
    assert terms.plan is None
    assert (terms.start, terms.end) == (at("2026-05-01"), at("2026-06-01"))
    assert {terms.limit_of(metric) for metric in Metric} == {None}


@pytest.mark.parametrize("status", SubscriptionStatus)
def test_what_is_not_paid_has_the_free_limits(
    db: Database, actor: Actor, plans: None, status: SubscriptionStatus
) -> None:
    id = db.write(actor, lambda tx: subscribe(tx, plan_code="growth"))
    db.write(actor, lambda tx: tx.update(Subscription, id, {"status": status}))
    with db.read(actor) as reads:
        plan = find_terms(reads, clock.now()).plan
    assert plan is not None
    assert plan.code == ("growth" if status in {"trialing", "active", "past_due"} else "free")


def test_where_nothing_is_free_an_unpaid_plan_keeps_its_own_limits(db: Database, actor: Actor, plans: None) -> None:
    id = db.write(actor, lambda tx: subscribe(tx, plan_code="growth"))

    def unit(tx):  # noqa: ANN001, ANN202
        tx.update(Subscription, id, {"status": SubscriptionStatus.UNPAID})
        tx.update(Plan, tx.find(Plan, code="free").id, {"is_active": False})

    db.write(actor, unit)
    with db.read(actor) as reads:
        plan = find_terms(reads, clock.now()).plan
    assert plan is not None
    assert plan.code == "growth"
