from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from growbase.core.actor import Actor, system
from growbase.core.clock import new_id
from growbase.core.database import Database
from growbase.core.tables import Job
from growbase.domains.identity.actions_billing import sell_plan, subscribe_to_free
from growbase.domains.identity.actions_provider import TRANSITIONS, apply_provider_event, receive_event
from growbase.domains.identity.models import Organization
from growbase.domains.identity.models_billing import (
    BillingEvent,
    BillingProvider,
    Metric,
    Plan,
    Subscription,
    SubscriptionStatus,
    UsageCounter,
)
from growbase.domains.identity.stripe import read_event
from growbase.domains.identity.tasks import TASKS
from growbase.domains.identity.usage import consume
from growbase.jobs.worker import Worker
from tests.domains.identity.stripe_events import MONTH, START, event, invoice, subscription

_numbers = count(1)
Event = dict[str, Any]


def new_home(db: Database) -> Actor:
    """Make an organization with the free plan."""

    def unit(tx):  # noqa: ANN001, ANN202
        id = new_id()
        inside = tx.for_organization(id)
        inside.insert(Organization, id=id, name="Acme", slug=f"acme-{next(_numbers)}")
        subscribe_to_free(inside)
        return id

    return system("test", db.write(system(), unit))


@pytest.fixture
def home(db: Database, plans: None) -> Actor:
    return new_home(db)


def receive(db: Database, found: Event) -> UUID:
    def unit(tx):  # noqa: ANN001, ANN202
        receive_event(tx, event=read_event(found), provider=BillingProvider.STRIPE)
        return tx.find(BillingEvent, provider_event_id=found["id"]).id

    return db.write(system("stripe"), unit)


def deliver(db: Database, *found: Event) -> list[str]:
    """Receive and apply events one after the other and return what became of each."""
    outcomes = []
    for one in found:
        id = receive(db, one)
        outcomes.append(db.write(system("job"), lambda tx, id=id: apply_provider_event(tx, id=id)).value)
    return outcomes


def state(db: Database, home: Actor) -> list[tuple[Any, ...]]:
    """Return what there is to see of an organization's subscriptions, but for when the free ones began."""
    with db.read(home) as reads:
        codes = {plan.id: plan.code for plan in reads.rows(Plan)}
        rows = reads.rows(Subscription)
    shown = ("provider_customer_id", "cancel_at_period_end", "provider_event_at", "trial_end")
    found = []
    for row in rows:
        values: list[object] = [row.provider_subscription_id, codes[row.plan_id], row.status.value]
        if row.provider_subscription_id is not None:
            values += [row.current_period_start, row.current_period_end, row.canceled_at]
            values += [row.__dict__[name] for name in shown]
        found.append(tuple(values))
    return sorted(found, key=repr)


def brief(db: Database, home: Actor) -> list[tuple[Any, ...]]:
    return [row[:3] for row in state(db, home)]


def id_of(name: str) -> str:
    return f"sub_{name}_{next(_numbers)}"


def test_a_checkout_turns_the_free_plan_into_the_one_paid_for(db: Database, home: Actor) -> None:
    id = id_of("a")
    db.write(home, lambda tx: consume(tx, Metric.POSTS_GENERATED))
    db.write(home, lambda tx: consume(tx, Metric.PROSPECTS))
    steps = [
        subscription("created", 0, id=id, status="incomplete", organization_id=home.organization_id),
        invoice("paid", 0, id=id),
        subscription("updated", 0, id=id, organization_id=home.organization_id),
    ]
    assert deliver(db, steps[0]) == ["ignored"]
    assert brief(db, home) == [(None, "free", "active")]
    assert deliver(db, *steps[1:]) == ["applied", "ignored"]
    (row,) = state(db, home)
    start = datetime.fromtimestamp(START, UTC)
    assert row[:5] == (id, "growth", "active", start, start + timedelta(seconds=MONTH))
    with db.read(home) as reads:
        (counter,) = reads.rows(UsageCounter, metric=Metric.PROSPECTS)
    assert (counter.used, counter.limit_value) == (1, 20_000)


def test_a_payment_that_fails_and_then_succeeds(db: Database, home: Actor) -> None:
    id = id_of("a")
    deliver(db, subscription("created", 0, id=id, organization_id=home.organization_id))
    for step, at, status in [
        ("payment_failed", 10, "past_due"),
        ("payment_failed", 20, "past_due"),
        ("paid", 30, "active"),
        ("paid", 40, "active"),
    ]:
        deliver(db, invoice(step, at, id=id))
        assert brief(db, home) == [(id, "growth", status)]


def test_what_is_over_falls_back_to_the_free_plan(db: Database, home: Actor) -> None:
    id = id_of("a")
    deliver(db, subscription("created", 0, id=id, organization_id=home.organization_id))
    db.write(home, lambda tx: consume(tx, Metric.PROSPECTS, 500))
    deliver(db, subscription("deleted", 10, id=id, status="canceled"))
    assert brief(db, home) == [(id, "growth", "canceled"), (None, "free", "active")]
    with db.read(home) as reads:
        (counter,) = reads.rows(UsageCounter, metric=Metric.PROSPECTS)
    assert (counter.used, counter.limit_value) == (500, 100)


def test_what_has_ended_stays_ended(db: Database, home: Actor) -> None:
    id = id_of("a")
    deliver(db, subscription("deleted", 10, id=id, status="canceled", organization_id=home.organization_id))
    deliver(db, subscription("created", 0, id=id), invoice("paid", 20, id=id), subscription("updated", 30, id=id))
    assert brief(db, home) == [(id, "growth", "canceled"), (None, "free", "active")]


def test_an_older_event_is_ignored(db: Database, home: Actor) -> None:
    id = id_of("a")
    deliver(db, subscription("updated", 20, id=id, code="scale", organization_id=home.organization_id))
    assert deliver(db, subscription("updated", 10, id=id, code="starter", status="past_due")) == ["ignored"]
    assert brief(db, home) == [(id, "scale", "active")]


def test_a_subscription_that_was_there_already_follows_its_payments(db: Database, home: Actor) -> None:
    id = id_of("a")
    with db.read(home) as reads:
        (there,) = reads.rows(Subscription)
    db.write(home, lambda tx: tx.update(Subscription, there.id, {"provider_subscription_id": id}))
    assert deliver(db, invoice("payment_failed", 5, id=id)) == ["applied"]
    assert brief(db, home) == [(id, "free", "past_due")]


def test_a_known_customer_names_the_organization(db: Database, home: Actor) -> None:
    first, second = id_of("a"), id_of("b")
    deliver(db, subscription("created", 0, id=first, organization_id=home.organization_id))
    deliver(db, subscription("deleted", 10, id=first, status="canceled"))
    assert deliver(db, subscription("created", 20, id=second, customer=f"cus_{first}")) == ["applied"]
    assert brief(db, home) == [(first, "growth", "canceled"), (second, "growth", "active")]


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (subscription("created", 0, id="sub_nobody"), "failed"),
        (subscription("created", 0, id="sub_nowhere", organization_id=new_id()), "failed"),
        (invoice("paid", 0, id="sub_unknown"), "failed"),
        (event("customer.created", 0, {"id": "cus_1"}), "ignored"),
        (event("invoice.paid", 0, {"customer": "cus_1", "subscription": None}), "ignored"),
        (event("customer.subscription.updated", 0, {"id": None}), "ignored"),
    ],
)
def test_what_concerns_nobody_changes_nothing(db: Database, home: Actor, found: Event, outcome: str) -> None:
    before = state(db, home)
    assert deliver(db, found) == [outcome]
    assert state(db, home) == before


def test_a_price_that_no_plan_has_is_taken_up_once_one_has(db: Database, home: Actor) -> None:
    id = id_of("a")
    price = {"items": {"data": [{"price": {"id": f"price_{id}", "product": f"prod_{id}"}}]}}
    bought = subscription("created", 0, id=id, organization_id=home.organization_id, **price)
    assert deliver(db, bought) == ["failed"]
    assert brief(db, home) == [(None, "free", "active")]
    with db.read(home) as reads:
        (failed,) = reads.rows(BillingEvent, status="failed")
    assert f"price_{id}" in str(failed.error)
    ids = {"stripe_product_id": f"prod_{id}", "stripe_price_id": "another"}
    db.write(system(), lambda tx: sell_plan(tx, code="scale", **ids))
    assert deliver(db, bought) == ["applied"]
    assert brief(db, home) == [(id, "scale", "active")]


def test_an_event_delivered_again_is_there_once_and_has_one_job(db: Database, home: Actor) -> None:
    found = subscription("created", 0, id=id_of("a"), organization_id=home.organization_id)
    assert receive(db, found) == receive(db, found)
    with db.read(system()) as reads:
        assert len(reads.rows(Job, kind="apply_billing_event")) == 1
    worker = Worker(db, TASKS)
    assert (worker.run_one(), worker.run_one()) == (True, False)
    assert [row[1:3] for row in state(db, home)] == [("growth", "active")]


def test_the_newer_form_of_events_says_the_same(db: Database, home: Actor) -> None:
    id = id_of("a")
    made = subscription("created", 0, id=id, organization_id=home.organization_id)
    found = made["data"]["object"]
    period = {name: found.pop(name) for name in ("current_period_start", "current_period_end")}
    found["items"]["data"][0] |= period
    failed = invoice("payment_failed", 1, id=id)
    failed["data"]["object"] |= {"subscription": None, "parent": {"subscription_details": {"subscription": id}}}
    deliver(db, made, failed)
    (row,) = state(db, home)
    assert row[:4] == (id, "growth", "past_due", datetime.fromtimestamp(START, UTC))


def test_every_state_but_the_last_leads_on() -> None:
    assert set(TRANSITIONS) == set(SubscriptionStatus)
    assert [status for status, following in TRANSITIONS.items() if not following] == [SubscriptionStatus.EXPIRED]


# -- any order --------------------------------------------------------------------------------------------------------

STATUSES = ["incomplete", "trialing", "active", "past_due", "unpaid", "paused", "canceled", "incomplete_expired"]


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, str, int, dict[str, Any]]]:
    """Return what happened to one or two subscriptions, the second one begun after the first."""
    found = []
    for place, name in enumerate(draw(st.sampled_from(["a", "ab"]))):
        for _ in range(draw(st.integers(1, 5))):
            at = place * 100 + draw(st.integers(0, 4))
            kind = draw(st.sampled_from(["created", "updated", "updated", "deleted", "paid", "payment_failed"]))
            over: dict[str, Any] = {}
            if kind in {"created", "updated", "deleted"}:
                over["status"] = draw(st.sampled_from(STATUSES))
                over["code"] = draw(st.sampled_from(["starter", "growth", "scale"]))
                over["cancel_at_period_end"] = draw(st.booleans())
                over["current_period_start"] = START + draw(st.integers(0, 3)) * 3_600
            found.append((name, kind, at, over))
        if place == 0:
            found.append((name, "deleted", 50, {}))
    return found


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories(), data=st.data())
def test_events_end_in_the_same_state_in_any_order(
    db: Database, plans: None, history: list[tuple[str, str, int, dict[str, Any]]], data: st.DataObject
) -> None:
    indexes = range(len(history))
    shuffled = data.draw(st.permutations(indexes))
    repeated = data.draw(st.lists(st.sampled_from(indexes), max_size=3))
    in_order = sorted(indexes, key=lambda place: history[place][2])
    states = []
    number = next(_numbers)
    for order in (in_order, [*shuffled, *repeated]):
        home, turn = new_home(db), next(_numbers)
        made = []
        for place, (name, kind, at, over) in enumerate(history):
            id = f"sub_{name}_{turn}"
            if kind in {"paid", "payment_failed"}:
                made.append(invoice(kind, at, id=id))
            else:
                made.append(subscription(kind, at, id=id, organization_id=home.organization_id, **over))
            made[-1]["id"] = f"evt_{number}_{turn}_{place:04}"
        deliver(db, *(made[place] for place in order))
        states.append(str(state(db, home)).replace(f"_{turn}'", "_T'"))
    assert states[0] == states[1]


def test_events_at_once_end_in_the_same_state(db: Database, home: Actor, at_once: Any) -> None:  # noqa: ANN401
    id = id_of("a")
    found = [
        subscription("created", 0, id=id, status="trialing", organization_id=home.organization_id),
        subscription("updated", 10, id=id, code="scale", organization_id=home.organization_id),
        invoice("payment_failed", 20, id=id),
        subscription("updated", 30, id=id, code="starter", organization_id=home.organization_id),
    ]
    outcomes = at_once([lambda one=one: deliver(db, one) for one in found])
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert brief(db, home) == [(id, "starter", "active")]
