import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.errors import LimitExceeded, NotFound
from growbase.core.resource import Resource
from growbase.core.transaction import Transaction
from growbase.core.trash import restore, trash
from growbase.domains.identity import ledger
from growbase.domains.identity.actions_billing import change_plan, subscribe
from growbase.domains.identity.counters import reconcile
from growbase.domains.identity.models_billing import (
    Metric,
    Plan,
    Subscription,
    UsageCounter,
    UsageEvent,
    UsageKind,
    UsageReservation,
)
from growbase.domains.identity.tasks import expire_reservations, old_usage, reconcile_usage
from growbase.domains.identity.terms import add_months
from growbase.domains.identity.usage import (
    commit_reservation,
    consume,
    give_back,
    list_usage,
    release_reservation,
    require_room,
    reserve,
)
from growbase.domains.marketing.models import Brand
from tests.fixtures import Tenant

POSTS, ICPS = Metric.POSTS_GENERATED, Metric.ICPS
Limited = Callable[..., UUID]
AtOnce = Callable[..., list[Any]]


def use(db: Database, actor: Actor, metric: Metric = POSTS, quantity: int = 1) -> None:
    db.write(actor, lambda tx: consume(tx, metric, quantity))


def counted(db: Database, actor: Actor, metric: Metric = POSTS) -> tuple[int, int, int | None]:
    """Return used, reserved and limit of the one counter, having proved it against the ledger."""
    with db.read(actor) as reads:
        (counter,) = reads.rows(UsageCounter, metric=metric)
        lines = reads.rows(UsageEvent, counter_id=counter.id)
        held = reads.rows(UsageReservation, counter_id=counter.id, status="held")
    assert counter.used == sum(line.quantity for line in lines)
    assert counter.reserved == sum(reservation.quantity for reservation in held)
    return counter.used, counter.reserved, counter.limit_value


def test_use_is_counted_up_to_the_limit(db: Database, actor: Actor, limited: Limited) -> None:
    limited(actor, posts_generated=3)
    use(db, actor, quantity=2)
    with pytest.raises(LimitExceeded) as refused:
        use(db, actor, quantity=2)
    assert refused.value.params == {"metric": "posts_generated", "limit": 3, "used": 2}
    use(db, actor)
    assert counted(db, actor) == (3, 0, 3)
    db.write(actor, lambda tx: give_back(tx, POSTS))
    use(db, actor)
    assert counted(db, actor) == (3, 0, 3)


def test_the_usual_use_is_one_update_and_one_line(db: Database, actor: Actor, limited: Limited) -> None:
    limited(actor, posts_generated=3)
    use(db, actor)
    statements: list[str] = []

    def unit(tx: Transaction) -> None:
        run, run_many = tx.execute, tx.execute_many
        tx.execute = lambda sql, params=(): (statements.append(sql), run(sql, params))[1]  # type: ignore[assignment]
        tx.execute_many = lambda sql, rows: (statements.append(sql), run_many(sql, rows))[1]  # type: ignore[assignment]
        consume(tx, POSTS)

    db.write(actor, unit)
    assert [sql.split()[0] for sql in statements] == ["UPDATE", "INSERT"]


def test_use_without_subscription_is_counted_and_not_limited(db: Database, actor: Actor) -> None:
    use(db, actor, quantity=10**12)
    assert counted(db, actor) == (10**12, 0, None)


def test_nobody_uses_nothing(db: Database, actor: Actor) -> None:
    db.write(system(), lambda tx: (consume(tx, POSTS), give_back(tx, POSTS), require_room(tx, POSTS)))
    db.write(actor, lambda tx: (consume(tx, POSTS, 0), give_back(tx, POSTS, 0)))
    assert db.query("SELECT * FROM usage_counters") == []


def test_a_unit_that_is_undone_has_used_nothing(db: Database, actor: Actor, limited: Limited) -> None:
    limited(actor, posts_generated=3)
    db.write(actor, lambda tx: consume(tx, POSTS, 3), dry_run=True)
    assert db.query("SELECT * FROM usage_counters") == []
    use(db, actor, quantity=3)


def test_less_is_given_back_than_was_never_used(db: Database, actor: Actor) -> None:
    use(db, actor)
    db.write(actor, lambda tx: give_back(tx, POSTS, 5))
    assert counted(db, actor) == (0, 0, None)


def test_organizations_are_counted_apart(db: Database, tenant: Tenant, other_tenant: Tenant, limited: Limited) -> None:
    limited(tenant.owner, posts_generated=1)
    use(db, tenant.owner)
    use(db, other_tenant.owner, quantity=7)
    assert counted(db, tenant.owner) == (1, 0, 1)
    assert counted(db, other_tenant.owner) == (7, 0, None)


@pytest.mark.parametrize("opened", [False, True])
def test_of_many_at_the_limit_exactly_one_gets_the_last(
    db: Database, actor: Actor, limited: Limited, at_once: AtOnce, *, opened: bool
) -> None:
    limited(actor, posts_generated=5)
    if opened:
        use(db, actor, quantity=4)
    outcomes = at_once([partial(use, db, actor, quantity=1 if opened else 5)] * 8)
    assert sum(outcome is None for outcome in outcomes) == 1
    assert sum(isinstance(outcome, LimitExceeded) for outcome in outcomes) == 7
    assert counted(db, actor) == (5, 0, 5)


def test_uses_at_once_are_all_counted(db: Database, actor: Actor, limited: Limited, at_once: AtOnce) -> None:
    limited(actor, posts_generated=1_000)

    def several() -> None:
        for _ in range(10):
            use(db, actor)

    assert at_once([several] * 6) == [None] * 6
    assert counted(db, actor) == (60, 0, 1_000)


# -- rows that a plan limits ------------------------------------------------------------------------------------------


def brands(count: int, start: int = 0) -> list[dict[str, object]]:
    return [{"name": f"Brand {number}"} for number in range(start, start + count)]


def test_rows_count_as_they_come_go_and_come_back(
    db: Database, actor: Actor, limited: Limited, metered_brands: Resource
) -> None:
    limited(actor, icps=3)
    first, *_ = db.write(actor, lambda tx: tx.insert_many(Brand, brands(3)))
    with pytest.raises(LimitExceeded):
        db.write(actor, lambda tx: tx.insert(Brand, name="One more"))
    db.write(actor, lambda tx: trash(tx, Brand, first))
    assert counted(db, actor, ICPS) == (2, 0, 3)
    db.write(actor, lambda tx: tx.insert(Brand, name="One more"))
    with pytest.raises(LimitExceeded):
        db.write(actor, lambda tx: restore(tx, Brand, first))
    assert counted(db, actor, ICPS) == (3, 0, 3)
    assert db.query("SELECT count(*) FROM brands WHERE deleted_at IS NULL")[0][0] == 3


def test_many_rows_come_all_or_not_at_all(
    db: Database, actor: Actor, limited: Limited, metered_brands: Resource
) -> None:
    limited(actor, icps=3)
    with pytest.raises(LimitExceeded):
        db.write(actor, lambda tx: tx.insert_many(Brand, brands(4)))
    assert db.query("SELECT count(*) FROM brands")[0][0] == 0


def test_counting_begins_with_the_rows_there_are(db: Database, actor: Actor, request: pytest.FixtureRequest) -> None:
    db.write(actor, lambda tx: tx.insert_many(Brand, brands(3)))
    request.getfixturevalue("metered_brands")
    db.write(actor, lambda tx: tx.insert_many(Brand, brands(2, 3)))
    assert counted(db, actor, ICPS) == (5, 0, None)


def test_counting_begins_with_the_rows_there_are_also_when_one_goes(
    db: Database, actor: Actor, request: pytest.FixtureRequest
) -> None:
    first, *_ = db.write(actor, lambda tx: tx.insert_many(Brand, brands(3)))
    request.getfixturevalue("metered_brands")
    db.write(actor, lambda tx: trash(tx, Brand, first))
    assert counted(db, actor, ICPS) == (2, 0, None)


def test_rows_at_once_stay_within_the_limit(
    db: Database, actor: Actor, limited: Limited, metered_brands: Resource, at_once: AtOnce
) -> None:
    limited(actor, icps=5)

    def add(number: int) -> None:
        db.write(actor, lambda tx: tx.insert(Brand, name=f"Brand {number}"))

    outcomes = at_once([partial(add, number) for number in range(8)])
    assert sum(outcome is None for outcome in outcomes) == 5
    assert counted(db, actor, ICPS) == (5, 0, 5)
    assert db.query("SELECT count(*) FROM brands")[0][0] == 5


# -- periods and plans ------------------------------------------------------------------------------------------------


def test_another_period_begins_anew_and_stock_goes_on(db: Database, actor: Actor, limited: Limited) -> None:
    id = limited(actor, posts_generated=2, icps=2)
    use(db, actor, quantity=2)
    use(db, actor, ICPS, quantity=2)

    def begin_anew(tx: Transaction) -> None:
        # As if a month had passed: everything lies a month further back.
        found = tx.get(Subscription, id)
        start = add_months(found.current_period_start, -1)
        tx.update(Subscription, id, {"current_period_start": start, "current_period_end": found.current_period_start})
        ago = {"period_start": start, "period_end": found.current_period_start}
        tx.set_facts(UsageCounter, {"metric": POSTS}, ago)

    db.write(actor, begin_anew)
    use(db, actor)
    with pytest.raises(LimitExceeded):
        use(db, actor, ICPS)
    with db.read(actor) as reads:
        before, after = reads.rows(UsageCounter, metric=POSTS, order="period_start")
    assert (before.used, after.used, after.period_start) == (2, 1, before.period_end)


def test_a_smaller_plan_refuses_increases_only(db: Database, actor: Actor, limited: Limited, plans: None) -> None:
    id = limited(actor, posts_generated=1_000, icps=10)
    use(db, actor, quantity=500)
    use(db, actor, ICPS, 7)
    db.write(actor, lambda tx: change_plan(tx, id=id, plan_code="free"))
    assert counted(db, actor) == (500, 0, 20)
    with db.read(actor) as reads, db.read(actor) as again:
        shown = {row["metric"]: row for row in list_usage(reads, again.rows(Subscription)[0].current_period_start)}
    assert shown["icps"] == {
        "metric": "icps",
        "used": 7,
        "reserved": 0,
        "limit": 1,
        "period_start": None,
        "period_end": None,
        "over_limit": True,
    }
    assert shown["posts_published"]["over_limit"] is False
    for metric in (POSTS, ICPS):
        with pytest.raises(LimitExceeded):
            use(db, actor, metric)
    db.write(actor, lambda tx: give_back(tx, ICPS, 7))
    use(db, actor, ICPS)
    db.write(actor, lambda tx: change_plan(tx, id=id, plan_code="scale"))
    use(db, actor, quantity=10_000)


def test_a_first_subscription_limits_what_was_counted_without(db: Database, actor: Actor, limited: Limited) -> None:
    use(db, actor, ICPS, 5)
    use(db, actor, quantity=5)
    limited(actor, posts_generated=1, icps=3)
    assert counted(db, actor, ICPS) == (5, 0, 3)
    use(db, actor)
    with db.read(actor) as reads:
        before, after = reads.rows(UsageCounter, metric=POSTS, order="period_start")
    assert (before.used, before.period_end, after.used) == (5, after.period_start, 1)


def test_a_counter_opened_while_the_plan_changes_has_the_new_limit(
    db: Database, actor: Actor, limited: Limited, plans: None, at_once: AtOnce
) -> None:
    id = limited(actor)
    for _ in range(5):
        db.write(actor, lambda tx: change_plan(tx, id=id, plan_code="small"))
        db.write(actor, empty_counters)
        change = partial(db.write, actor, lambda tx: change_plan(tx, id=id, plan_code="free"))
        outcomes = at_once([partial(use, db, actor), change, partial(use, db, actor)])
        assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        assert counted(db, actor) == (2, 0, 20)


def empty_counters(tx: Transaction) -> None:
    for model in (UsageEvent, UsageReservation, UsageCounter):
        for row in tx.rows(model):
            tx.remove(row, action="delete")


def test_room_is_asked_for_without_taking_it(db: Database, actor: Actor, limited: Limited) -> None:
    limited(actor, posts_generated=1)
    db.write(actor, lambda tx: require_room(tx, POSTS))
    use(db, actor)
    with pytest.raises(LimitExceeded):
        db.write(actor, lambda tx: require_room(tx, POSTS))


# -- reservations -----------------------------------------------------------------------------------------------------


def hold(db: Database, actor: Actor, quantity: int, key: str = "job 1", **over: Any) -> UUID:  # noqa: ANN401
    return db.write(actor, lambda tx: reserve(tx, POSTS, quantity, key=key, **over))


def test_a_reservation_is_committed_for_what_was_really_used(db: Database, actor: Actor, limited: Limited) -> None:
    limited(actor, posts_generated=5)
    id = hold(db, actor, 4)
    assert counted(db, actor) == (0, 4, 5)
    with pytest.raises(LimitExceeded):
        use(db, actor, quantity=2)
    for _ in range(2):
        db.write(actor, lambda tx: commit_reservation(tx, id, 3))
    assert counted(db, actor) == (3, 0, 5)
    use(db, actor, quantity=2)
    db.write(actor, lambda tx: release_reservation(tx, id))
    assert counted(db, actor) == (5, 0, 5)


def test_a_released_reservation_has_used_nothing(db: Database, actor: Actor, limited: Limited) -> None:
    limited(actor, posts_generated=5)
    id = hold(db, actor, 5)
    for _ in range(2):
        db.write(actor, lambda tx: release_reservation(tx, id))
    assert counted(db, actor) == (0, 0, 5)


def test_the_same_key_is_the_same_reservation(db: Database, actor: Actor, limited: Limited) -> None:
    limited(actor, posts_generated=5)
    id = hold(db, actor, 5)
    assert hold(db, actor, 5) == id
    assert counted(db, actor) == (0, 5, 5)
    db.write(actor, lambda tx: release_reservation(tx, id))
    assert hold(db, actor, 5) == id
    assert counted(db, actor) == (0, 5, 5)
    db.write(actor, lambda tx: commit_reservation(tx, id))
    assert hold(db, actor, 5) == id
    assert counted(db, actor) == (5, 0, 5)


def test_the_same_key_at_once_is_the_same_reservation(
    db: Database, actor: Actor, limited: Limited, at_once: AtOnce
) -> None:
    limited(actor, posts_generated=100)
    assert len(set(at_once([partial(hold, db, actor, 3)] * 6))) == 1
    assert counted(db, actor) == (0, 3, 100)


def test_more_than_was_reserved_needs_room(db: Database, actor: Actor, limited: Limited) -> None:
    limited(actor, posts_generated=5)
    id = hold(db, actor, 2)
    with pytest.raises(LimitExceeded):
        db.write(actor, lambda tx: commit_reservation(tx, id, 6))
    assert counted(db, actor) == (0, 2, 5)
    db.write(actor, lambda tx: commit_reservation(tx, id, 5))
    assert counted(db, actor) == (5, 0, 5)


def test_commits_at_once_are_each_counted_once(db: Database, actor: Actor, limited: Limited, at_once: AtOnce) -> None:
    limited(actor, posts_generated=12)
    ids = [hold(db, actor, 2, f"job {number}") for number in range(6)]
    commits = [partial(db.write, actor, lambda tx, id=id: commit_reservation(tx, id, 1)) for id in ids for _ in "ab"]
    assert at_once(commits) == [None] * 12
    assert counted(db, actor) == (6, 0, 12)


def test_a_commit_and_a_release_at_once_settle_it_once(
    db: Database, actor: Actor, limited: Limited, at_once: AtOnce
) -> None:
    limited(actor, posts_generated=2)
    id = hold(db, actor, 2)
    commit = partial(db.write, actor, lambda tx: commit_reservation(tx, id))
    release = partial(db.write, actor, lambda tx: release_reservation(tx, id))
    assert at_once([commit, release]) == [None, None]
    assert counted(db, actor) == (2, 0, 2)


PAST = timedelta(seconds=-1)


def test_what_a_crashed_job_has_reserved_is_freed(db: Database, actor: Actor, limited: Limited) -> None:
    limited(actor, posts_generated=5)
    id = hold(db, actor, 5, ttl=PAST)
    assert (expire_reservations(db), expire_reservations(db)) == (1, 0)
    assert counted(db, actor) == (0, 0, 5)
    db.write(actor, lambda tx: release_reservation(tx, id))
    use(db, actor, quantity=5)
    with pytest.raises(LimitExceeded):
        db.write(actor, lambda tx: commit_reservation(tx, id))
    with pytest.raises(LimitExceeded):
        hold(db, actor, 5)


def test_a_late_commit_counts_where_there_is_room(db: Database, actor: Actor, limited: Limited) -> None:
    limited(actor, posts_generated=5)
    id = hold(db, actor, 5, ttl=PAST)
    expire_reservations(db)
    db.write(actor, lambda tx: commit_reservation(tx, id, 4))
    assert counted(db, actor) == (4, 0, 5)


def test_nobody_is_refused_for_a_reservation_whose_time_is_over(db: Database, actor: Actor, limited: Limited) -> None:
    limited(actor, posts_generated=5)
    hold(db, actor, 5, ttl=PAST)
    use(db, actor)
    assert counted(db, actor) == (1, 0, 5)


def test_a_reservation_of_another_organization_is_not_found(db: Database, tenant: Tenant, other_tenant: Tenant) -> None:
    id = hold(db, tenant.owner, 1)
    for settle in (commit_reservation, release_reservation):
        with pytest.raises(NotFound):
            db.write(other_tenant.owner, partial(settle, id=id))


# -- proof ------------------------------------------------------------------------------------------------------------


def test_a_counter_is_set_to_what_its_ledger_says(db: Database, actor: Actor) -> None:
    use(db, actor, quantity=3)
    hold(db, actor, 2)
    assert reconcile_usage(db) == 0

    def break_it(tx: Transaction) -> UUID:
        values = {"used": 9, "reserved": 9, "checked_at": tx.now - timedelta(days=2)}
        tx.set_facts(UsageCounter, {"metric": POSTS}, values)
        return tx.rows(UsageCounter)[0].id

    id = db.write(actor, break_it)
    assert (reconcile_usage(db), reconcile_usage(db)) == (1, 0)
    assert counted(db, actor) == (3, 2, None)
    assert db.write(actor, lambda tx: reconcile(tx, id)) is False


def test_old_lines_become_one_of_the_same_sum(db: Database, actor: Actor, metered_brands: Resource) -> None:
    """Of periods after they have ended, of metrics without periods as they age; proofs find nothing to repair."""
    for number in range(3):
        use(db, actor, quantity=number + 1)
        db.write(actor, lambda tx, number=number: tx.insert(Brand, name=f"Brand {number}"))
    db.write(actor, lambda tx: give_back(tx, POSTS))
    subject = clock.new_id()
    db.write(actor, lambda tx: consume(tx, Metric.ORGANIZATIONS, subject_id=subject))
    db.write(actor, lambda tx: consume(tx, Metric.ORGANIZATIONS))

    def age(tx: Transaction, *, days: int, ended: bool) -> None:
        then = tx.now - timedelta(days=days)
        tx.set_facts(UsageEvent, {}, {"occurred_at": then})
        if ended:
            tx.set_facts(UsageCounter, {"metric": POSTS}, {"period_start": then, "period_end": then + timedelta(1)})

    db.write(actor, partial(age, days=399, ended=True))
    assert old_usage(db) == 0
    db.write(actor, partial(age, days=402, ended=False))
    # The period of the posts ended 398 days ago, though its lines are older.
    assert old_usage(db) == 5
    assert (counted(db, actor, ICPS)[0], len(lines_of(db, actor, ICPS))) == (3, 1)
    assert {line.subject_id for line in lines_of(db, actor, Metric.ORGANIZATIONS)} == {None, subject}
    assert len(lines_of(db, actor, POSTS)) == 4
    db.write(actor, partial(age, days=402, ended=True))
    assert old_usage(db) == 4
    assert [line.kind for line in lines_of(db, actor, POSTS)] == [UsageKind.ROLLED_UP]
    assert counted(db, actor)[0] == 5
    use(db, actor, ICPS)
    assert old_usage(db) == 0
    with db.read(actor) as reads:
        ids = {row.metric: row.id for row in reads.rows(UsageCounter)}
    assert db.write(actor, lambda tx: reconcile(tx, ids[POSTS])) is False
    db.write(actor, lambda tx: give_back(tx, ICPS))
    assert db.write(actor, lambda tx: reconcile(tx, ids[ICPS])) is False
    assert counted(db, actor, ICPS)[0] == 3


def test_a_long_ledger_is_rolled_up_in_parts_beside_uses(
    db: Database, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "CHUNK", 3)
    for _ in range(8):
        use(db, actor, Metric.STORAGE_BYTES, 10)
    db.write(actor, lambda tx: tx.set_facts(UsageEvent, {}, {"occurred_at": tx.now - timedelta(days=500)}))
    thread = threading.Thread(target=lambda: [use(db, actor, Metric.STORAGE_BYTES) for _ in range(10)])
    thread.start()
    assert old_usage(db) > 0
    thread.join()
    assert counted(db, actor, Metric.STORAGE_BYTES)[0] == 90
    assert len(lines_of(db, actor, Metric.STORAGE_BYTES)) == 11


def lines_of(db: Database, actor: Actor, metric: Metric) -> list[UsageEvent]:
    with db.read(actor) as reads:
        (counter,) = reads.rows(UsageCounter, metric=metric)
        return reads.rows(UsageEvent, counter_id=counter.id)


def test_a_counter_of_rows_is_set_to_the_rows_there_are(db: Database, actor: Actor, metered_brands: Resource) -> None:
    db.write(actor, lambda tx: tx.insert_many(Brand, brands(3)))
    counts = metered_brands.meter
    object.__setattr__(metered_brands, "meter", None)
    db.write(actor, lambda tx: tx.insert(Brand, name="Not counted"))
    object.__setattr__(metered_brands, "meter", counts)
    with db.read(actor) as reads:
        (counter,) = reads.rows(UsageCounter)
    assert db.write(actor, lambda tx: reconcile(tx, counter.id)) is True
    assert counted(db, actor, ICPS) == (4, 0, None)


def test_a_proof_beside_uses_repairs_nothing(db: Database, actor: Actor, metered_brands: Resource) -> None:
    db.write(actor, lambda tx: tx.insert(Brand, name="First"))
    with db.read(actor) as reads:
        (counter,) = reads.rows(UsageCounter)
    wrong, stop = [], threading.Event()

    def prove() -> None:
        while not stop.is_set():
            wrong.append(db.write(actor, lambda tx: reconcile(tx, counter.id)))

    thread = threading.Thread(target=prove)
    thread.start()
    for number in range(30):
        db.write(actor, lambda tx, number=number: tx.insert(Brand, name=f"Brand {number}"))
    stop.set()
    thread.join()
    assert not any(wrong)
    assert counted(db, actor, ICPS) == (31, 0, None)


def test_every_plan_limits_every_metric(db: Database, actor: Actor, plans: None) -> None:
    with db.read(actor) as reads:
        found = reads.rows(Plan, order="sort_order")
    assert [plan.code for plan in found] == ["free", "starter", "growth", "scale"]
    assert all(set(plan.limits) == set(Metric) for plan in found)
    for smaller, larger in pairwise(found):
        for metric in Metric:
            more, less = larger.limits[metric], smaller.limits[metric]
            assert more is None or (less is not None and less <= more), metric


def test_one_subscription_is_live(db: Database, actor: Actor, plans: None, at_once: AtOnce) -> None:
    begin = partial(db.write, actor, lambda tx: subscribe(tx, plan_code="free"))
    outcomes = at_once([begin] * 4)
    assert sum(isinstance(outcome, UUID) for outcome in outcomes) == 1
