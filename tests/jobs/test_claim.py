"""Who gets which job: turns, priorities, what a queue allows, pauses, and that none is got twice."""

import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.jobs import queue
from growbase.jobs.actions import pause_queue, resume_queue
from growbase.jobs.claim import QUEUES, Claimant, claim, due_queues
from growbase.jobs.figures import queue_figures
from growbase.jobs.policies import policy_of
from growbase.jobs.queue import Outcome
from growbase.jobs.worker import LEASE
from tests.jobs.conftest import Enqueue, claimed


def fill(db: Database, organization: UUID | None, count: int, queue: str = "default", **options: object) -> None:
    actor = system("test", organization)

    def unit(tx: Transaction) -> None:
        for number in range(count):
            tx.enqueue("noop", {"n": number}, queue=queue, **options)  # type: ignore[arg-type]

    db.write(actor, unit)


def finish(db: Database, jobs: list[Job]) -> None:
    db.write(system(), lambda tx: queue.settle(tx, [Outcome(job) for job in jobs]))


def served(db: Database, rounds: int, claimant: Claimant, at_once: int = 1) -> list[UUID | None]:
    """Run so many claims, each finished before the next, and return whose jobs they were."""
    found = []
    for _ in range(rounds):
        names = due_queues(db, claimant)
        jobs = db.write(system(), lambda tx, names=names: claim(tx, claimant, names, at_once))
        found += [job.organization_id for job in jobs]
        finish(db, jobs)
    return found


def test_organizations_take_turns_however_many_jobs_one_has(db: Database) -> None:
    big, small, later = uuid4(), uuid4(), uuid4()
    fill(db, big, 200)
    fill(db, small, 3)
    fill(db, None, 3)
    claimant = Claimant("test", LEASE)
    assert Counter(served(db, 9, claimant)) == {big: 3, small: 3, None: 3}
    fill(db, later, 1)
    assert later in served(db, 2, claimant)
    assert set(served(db, 3, claimant)) == {big}


def test_who_has_nothing_at_work_comes_first(db: Database) -> None:
    big, small = uuid4(), uuid4()
    fill(db, big, 50, "publishing")
    assert len(claimed(db, 6)) == 6
    fill(db, small, 50, "publishing")
    # Four of the ten places are left.
    assert [job.organization_id for job in claimed(db, 10)] == [small] * 4


def test_places_are_shared_out_evenly(db: Database) -> None:
    organizations = [uuid4() for _ in range(3)]
    for organization in organizations:
        fill(db, organization, 20)
    assert Counter(job.organization_id for job in claimed(db, 6)) == dict.fromkeys(organizations, 2)


def test_more_organizations_than_places_are_all_served_in_one_round(db: Database) -> None:
    organizations = {uuid4() for _ in range(40)}
    for organization in organizations:
        fill(db, organization, 5)
    claimant = Claimant("test", LEASE)
    assert set(served(db, 10, claimant, at_once=4)) == organizations


def test_the_lower_priority_comes_first_then_the_older_job(db: Database, enqueue: Enqueue) -> None:
    order = [enqueue(priority=priority) for priority in (100, 5, 100, 50)]
    assert [claimed(db)[0].id for _ in order] == [order[1], order[3], order[0], order[2]]


def test_a_job_waits_for_its_time(db: Database, enqueue: Enqueue) -> None:
    soon = enqueue(run_at=clock.now() + timedelta(hours=1))
    past = enqueue(run_at=clock.now() - timedelta(hours=1))
    assert [job.id for job in claimed(db, 5)] == [past]
    assert not queue.is_waiting(db)
    db.write(system(), lambda tx: tx.set_facts(Job, {"id": soon}, {"run_at": tx.now}))
    assert queue.is_waiting(db)
    assert db.write(system(), queue.promote) == 1
    assert [job.id for job in claimed(db, 5)] == [soon]


# -- what a queue allows ----------------------------------------------------------------------------------------------


def test_a_queue_never_has_more_jobs_at_work_than_it_allows(db: Database) -> None:
    fill(db, None, 20, queue="strategy_generation")
    fill(db, None, 20, queue="content_generation")
    first = claimed(db, 100, name="one")
    assert Counter(job.queue for job in first) == {"strategy_generation": 2, "content_generation": 3}
    assert claimed(db, 100, name="two") == []
    finish(db, first[:1])
    assert [job.queue for job in claimed(db, 100, name="two")] == [first[0].queue]


def test_many_workers_at_once_keep_to_it_and_get_each_job_once(db: Database) -> None:
    fill(db, uuid4(), 60, queue="publishing")
    fill(db, uuid4(), 60, queue="publishing")
    most, lock, at_work, seen, peak = policy_of("publishing").concurrency, threading.Lock(), Counter(), Counter(), []

    def work(name: str) -> None:
        claimant = Claimant(name, LEASE)
        for _ in range(200):
            names = due_queues(db, claimant)
            if not names:
                return
            jobs = db.write(system(), lambda tx, names=names: claim(tx, claimant, names, 4))
            with lock:
                at_work["now"] += len(jobs)
                peak.append(at_work["now"])
                seen.update(job.id for job in jobs)
            with lock:
                at_work["now"] -= len(jobs)
            finish(db, jobs)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, [f"worker {n}" for n in range(4)]))
    assert len(seen) == 120
    assert set(seen.values()) == {1}
    assert max(peak) <= most


def test_a_worker_serves_only_its_queues(db: Database, enqueue: Enqueue) -> None:
    enqueue(queue="publishing")
    id = enqueue(queue="a_new_one")
    assert claimed(db, 5, queues={"email_notifications"}) == []
    assert [job.id for job in claimed(db, 5, queues={"a_new_one"})] == [id]


def test_a_full_queue_does_not_hold_the_others_up(db: Database) -> None:
    fill(db, None, 50, queue="default")
    fill(db, None, 5, queue="publishing")
    assert Counter(job.queue for job in claimed(db, 4)) == {"default": 2, "publishing": 2}


def test_a_paused_queue_begins_nothing_until_it_is_resumed(db: Database, actor: Actor, enqueue: Enqueue) -> None:
    first = enqueue()
    (at_work,) = claimed(db)
    waiting = enqueue()
    db.write(actor, lambda tx: pause_queue(tx, name="default"))
    assert claimed(db) == []
    finish(db, [at_work])
    (found,) = [row for row in queue_figures(db) if row["name"] == "default"]
    assert (found["paused_at"] is not None, found["queued"], found["running"]) == (True, 1, 0)
    heard: list[frozenset[str]] = []
    db.listeners.append(lambda _, woken: heard.append(woken))
    db.write(actor, lambda tx: resume_queue(tx, name="default"))
    assert frozenset({"default"}) in heard
    assert first != waiting
    assert [job.id for job in claimed(db)] == [waiting]


def test_the_figures_count_by_queue_and_by_organization(db: Database, enqueue: Enqueue) -> None:
    organization = uuid4()
    fill(db, organization, 3)
    fill(db, None, 2)
    claimed(db, 2)
    (all_of_them,) = [row for row in queue_figures(db) if row["name"] == "default"]
    (own,) = [row for row in queue_figures(db, organization) if row["name"] == "default"]
    assert (all_of_them["queued"], all_of_them["running"], own["queued"], own["running"]) == (3, 2, 2, 1)
    assert all_of_them["oldest_run_at"] <= clock.now()


# -- cost -------------------------------------------------------------------------------------------------------------


def test_a_claim_costs_the_same_however_many_jobs_wait(db: Database) -> None:
    """A backlog that came since the last ANALYZE once made PostgreSQL sort it whole for each claim."""
    for organization in (uuid4(), uuid4(), None):
        fill(db, organization, 1_000)
    fill(db, uuid4(), 1_000, run_at=clock.now() + timedelta(days=1))
    plans: dict[str, str] = {}

    def unit(tx: Transaction) -> None:
        execute = tx.execute

        def explaining(sql: str, params: object = ()) -> object:
            if "jobs" in sql and not sql.startswith("INSERT"):
                head = "EXPLAIN " if db.engine == "postgresql" else "EXPLAIN QUERY PLAN "
                rows = execute(head + sql, params).fetchall()  # type: ignore[arg-type]
                plans[sql] = "\n".join(str(row[-1]) for row in rows)
            return execute(sql, params)  # type: ignore[arg-type]

        tx.execute = explaining  # type: ignore[assignment, method-assign]
        tx.execute(QUEUES)
        jobs = claim(tx, Claimant("test", LEASE), ["default"], 5)
        queue.settle(tx, [Outcome(job) for job in jobs])
        queue.promote(tx)

    db.write(system(), unit)
    assert len(plans) == 6
    for sql, plan in plans.items():
        among_running = "status = 'running'" in sql
        sorts = "Sort Key" in plan or "TEMP B-TREE" in plan
        assert "Seq Scan on jobs" not in plan, plan
        assert not re.search(r"SCAN jobs$", plan, re.MULTILINE), plan
        assert among_running or not sorts, plan
        if "due" in sql and not among_running and "NOT due" not in sql:
            assert "ix_jobs_queue_priority" in plan, plan


@pytest.mark.parametrize("count", [1, 3])
def test_nothing_is_claimed_of_nothing(db: Database, count: int) -> None:
    assert claimed(db, count) == []
