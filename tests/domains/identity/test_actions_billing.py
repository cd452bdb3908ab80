from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.errors import Conflict, Forbidden, Invalid, LimitExceeded, NotFound, NotUnique
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.identity import accounts
from growbase.domains.identity.accounts import Grant
from growbase.domains.identity.actions_billing import (
    cancel_subscription,
    change_plan,
    sell_plan,
    subscribe,
    subscribe_to_free,
)
from growbase.domains.identity.actions_members import invite_member, leave_organization, remove_member
from growbase.domains.identity.actions_organizations import create_organization, delete_organization
from growbase.domains.identity.authenticate import Authenticator
from growbase.domains.identity.models import Membership, Organization
from growbase.domains.identity.models_billing import Metric, Plan, Subscription, UsageCounter
from growbase.domains.identity.tasks import due_subscriptions
from growbase.domains.identity.terms import add_months
from tests.fixtures import Tenant

Register = Callable[..., Grant]
Limited = Callable[..., UUID]


def subscriptions(db: Database, actor: Actor) -> list[tuple[str, str]]:
    """Return plan and status of an organization's subscriptions, the oldest first."""
    with db.read(actor) as reads:
        codes = {plan.id: plan.code for plan in reads.rows(Plan)}
        return [(codes[row.plan_id], row.status.value) for row in reads.rows(Subscription, order="created_at, id")]


def used(db: Database, actor: Actor, metric: Metric) -> tuple[int, int | None]:
    with db.read(actor) as reads:
        (counter,) = reads.rows(UsageCounter, metric=metric)
    return counter.used, counter.limit_value


def home(authenticator: Authenticator, grant: Grant) -> Actor:
    return authenticator.resolve(grant.access_token)


def test_a_new_organization_has_the_free_plan(
    db: Database, plans: None, authenticator: Authenticator, register: Register
) -> None:
    actor = home(authenticator, register())
    assert subscriptions(db, actor) == [("free", "active")]
    assert used(db, actor, Metric.TEAM_MEMBERS) == (1, 2)
    with db.read(actor) as reads:
        (found,) = reads.rows(Subscription)
    assert (found.payer_user_id, found.provider.value) == (actor.id, "none")
    assert found.current_period_end == add_months(found.current_period_start, 1)
    again = db.write(actor, subscribe_to_free)
    assert (again, len(subscriptions(db, actor))) == (found.id, 1)


def test_where_no_plan_is_installed_an_organization_has_none(
    db: Database, authenticator: Authenticator, register: Register
) -> None:
    actor = home(authenticator, register())
    assert subscriptions(db, actor) == []
    assert used(db, actor, Metric.TEAM_MEMBERS) == (1, None)


def test_owners_change_the_plan(db: Database, tenant: Tenant, plans: None) -> None:
    id = db.write(tenant.owner, lambda tx: subscribe(tx, plan_code="free"))
    db.write(tenant.owner, lambda tx: change_plan(tx, id=id, plan_code="growth"))
    assert subscriptions(db, tenant.owner) == [("growth", "active")]
    for actor in (tenant.admin, tenant.member, tenant.viewer):
        for action in (partial(change_plan, plan_code="free"), cancel_subscription):
            with pytest.raises(Forbidden):
                db.write(actor, partial(action, id=id))


def test_a_plan_must_be_on_offer(db: Database, actor: Actor, plans: None) -> None:
    id = db.write(actor, lambda tx: subscribe(tx, plan_code="starter"))

    def supersede(tx: Transaction) -> None:
        old = tx.find(Plan, code="growth")
        assert old is not None
        tx.update(Plan, old.id, {"is_active": False})
        values = {"name": "Growth", "price_month_minor": 1, "currency": "EUR", "limits": {"icps": 99}}
        tx.insert(Plan, code="growth", supersedes_id=old.id, **values)

    db.write(system(), supersede)
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: change_plan(tx, id=id, plan_code="gold"))
    db.write(actor, lambda tx: change_plan(tx, id=id, plan_code="growth"))
    with db.read(actor) as reads:
        plan = reads.get(Plan, reads.get(Subscription, id).plan_id)
    assert plan.limits == {"icps": 99}
    with pytest.raises(NotUnique):
        db.write(system(), lambda tx: tx.insert(Plan, code="growth", name="G", price_month_minor=1, currency="EUR"))


def test_a_plan_sold_through_stripe_is_bought_there(db: Database, actor: Actor, plans: None) -> None:
    id = db.write(actor, lambda tx: subscribe(tx, plan_code="free"))
    sell = partial(sell_plan, code="growth", stripe_product_id="prod_1", stripe_price_id="price_1")
    plan_id = db.write(system(), sell)
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: change_plan(tx, id=id, plan_code="growth"))
    with db.read(system()) as reads:
        assert reads.get(Plan, plan_id).stripe_price_id == "price_1"
    with pytest.raises(Forbidden):
        db.write(actor, sell)


def test_what_a_provider_bills_changes_there(db: Database, actor: Actor, plans: None) -> None:
    id = db.write(actor, lambda tx: subscribe(tx, plan_code="starter"))
    db.write(actor, lambda tx: tx.update(Subscription, id, {"provider_subscription_id": "sub_1"}))
    for action in (partial(change_plan, plan_code="free"), cancel_subscription):
        with pytest.raises(Conflict):
            db.write(actor, partial(action, id=id))


def test_the_subscription_of_another_organization_is_not_found(
    db: Database, tenant: Tenant, other_tenant: Tenant, plans: None
) -> None:
    id = db.write(tenant.owner, lambda tx: subscribe(tx, plan_code="starter"))
    for action in (partial(change_plan, plan_code="free"), cancel_subscription):
        with pytest.raises(NotFound):
            db.write(other_tenant.owner, partial(action, id=id))


def begin_ago(db: Database, actor: Actor, id: UUID, months: int) -> None:
    """Let a subscription have begun some months ago."""
    start = add_months(clock.now(), -months)
    period = {"current_period_start": start, "current_period_end": add_months(start, 1)}
    db.write(actor, lambda tx: tx.update(Subscription, id, period))


def test_a_cancelled_subscription_ends_with_its_period(db: Database, actor: Actor, plans: None) -> None:
    id = db.write(actor, lambda tx: subscribe(tx, plan_code="growth"))
    for _ in range(2):
        db.write(actor, lambda tx: cancel_subscription(tx, id=id))
    assert due_subscriptions(db) == 0
    assert subscriptions(db, actor) == [("growth", "active")]
    begin_ago(db, actor, id, 1)
    assert (due_subscriptions(db), due_subscriptions(db)) == (1, 0)
    assert subscriptions(db, actor) == [("growth", "canceled"), ("free", "active")]
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: cancel_subscription(tx, id=id))


def test_a_cancellation_is_taken_back(db: Database, actor: Actor, plans: None) -> None:
    id = db.write(actor, lambda tx: subscribe(tx, plan_code="growth"))
    db.write(actor, lambda tx: cancel_subscription(tx, id=id))
    db.write(actor, lambda tx: change_plan(tx, id=id, plan_code="growth"))
    begin_ago(db, actor, id, 1)
    due_subscriptions(db)
    assert subscriptions(db, actor) == [("growth", "active")]


def test_a_subscription_that_is_over_is_renewed(db: Database, actor: Actor, plans: None) -> None:
    id = db.write(actor, lambda tx: subscribe(tx, plan_code="growth"))
    begin_ago(db, actor, id, 3)
    assert due_subscriptions(db) == 1
    with db.read(actor) as reads:
        found = reads.get(Subscription, id)
    assert found.current_period_start <= clock.now() < found.current_period_end
    assert found.current_period_end - found.current_period_start >= timedelta(days=28)


def test_an_organization_in_the_trash_gets_no_new_subscription(db: Database, tenant: Tenant, plans: None) -> None:
    id = db.write(tenant.owner, lambda tx: subscribe(tx, plan_code="growth"))
    db.write(tenant.owner, lambda tx: cancel_subscription(tx, id=id))
    begin_ago(db, tenant.owner, id, 1)
    db.write(
        system(), lambda tx: trash(tx.for_organization(tenant.organization_id), Organization, tenant.organization_id)
    )
    assert due_subscriptions(db) == 1
    assert subscriptions(db, tenant.owner) == [("growth", "canceled")]


# -- places and organizations -----------------------------------------------------------------------------------------


def test_a_member_takes_a_place_by_joining_and_leaves_it_again(
    db: Database, tenant: Tenant, limited: Limited, authenticator: Authenticator, mailed: Callable[..., list[str]]
) -> None:
    limited(tenant.owner, team_members=5)
    first = db.write(tenant.owner, lambda tx: invite_member(tx, email="a@example.com"))
    db.write(tenant.owner, lambda tx: invite_member(tx, email="b@example.com"))
    assert used(db, tenant.owner, Metric.TEAM_MEMBERS) == (4, 5)
    accept = partial(accounts.accept_invite, authenticator, accounts.anonymous(), password="correct horse battery")
    a, b = mailed("invite")
    accept(token=a)
    assert used(db, tenant.owner, Metric.TEAM_MEMBERS) == (5, 5)
    with pytest.raises(LimitExceeded):
        accept(token=b)
    with pytest.raises(LimitExceeded):
        db.write(tenant.owner, lambda tx: invite_member(tx, email="c@example.com"))
    db.write(tenant.viewer, leave_organization)
    accept(token=b)
    assert used(db, tenant.owner, Metric.TEAM_MEMBERS) == (5, 5)
    db.write(tenant.owner, lambda tx: remove_member(tx, id=first))
    invited = db.write(tenant.owner, lambda tx: invite_member(tx, email="d@example.com"))
    db.write(tenant.owner, lambda tx: remove_member(tx, id=invited))
    assert used(db, tenant.owner, Metric.TEAM_MEMBERS) == (4, 5)
    with db.read(tenant.owner) as reads:
        assert reads.count(Membership, status="active") == 4


def test_the_last_place_is_taken_once(
    db: Database,
    tenant: Tenant,
    limited: Limited,
    authenticator: Authenticator,
    mailed: Callable[..., list[str]],
    at_once: Callable[..., list[Any]],
) -> None:
    limited(tenant.owner, team_members=5)
    for name in "abc":
        db.write(tenant.owner, lambda tx, name=name: invite_member(tx, email=f"{name}@example.com"))
    accept = partial(accounts.accept_invite, authenticator, accounts.anonymous(), password="correct horse battery")
    outcomes = at_once([partial(accept, token=token) for token in mailed("invite")])
    assert sum(isinstance(outcome, LimitExceeded) for outcome in outcomes) == 2
    assert used(db, tenant.owner, Metric.TEAM_MEMBERS) == (5, 5)


def test_organizations_count_where_they_are_made(db: Database, tenant: Tenant, limited: Limited) -> None:
    limited(tenant.owner, organizations=2)
    second = db.write(tenant.owner, lambda tx: create_organization(tx, name="Second"))
    assert used(db, tenant.owner, Metric.ORGANIZATIONS) == (2, 2)
    with pytest.raises(LimitExceeded):
        db.write(tenant.owner, lambda tx: create_organization(tx, name="Third"))
    there = tenant.owner.for_organization(second)
    db.write(there, lambda tx: delete_organization(tx, id=second))
    assert used(db, tenant.owner, Metric.ORGANIZATIONS) == (1, 2)
    db.write(tenant.owner, lambda tx: create_organization(tx, name="Third"))
    db.write(tenant.owner, lambda tx: delete_organization(tx, id=tenant.organization_id))
    assert used(db, tenant.owner, Metric.ORGANIZATIONS) == (2, 2)
