"""What becomes of a job: attempts, pauses, leases, progress, cancelling."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.errors import Conflict, InvalidTransition, NotFound, TooLate
from growbase.core.tables import InstanceFact, Job, JobStatus
from growbase.core.transaction import Transaction
from growbase.jobs import queue
from growbase.jobs.actions import cancel_job, discard_job, retry_dead, retry_job
from growbase.jobs.errors import Cancelled, LeaseLost, Permanent, RateLimited, Transient, UnknownOutcome
from growbase.jobs.queue import Outcome, checkpoint, complete
from growbase.jobs.retention import retain
from growbase.jobs.worker import Worker
from tests.fixtures import Tenant
from tests.jobs.conftest import LONG_AGO, Enqueue, claimed, job_of

MakeWorker = Callable[..., Worker]


def failing(error: Exception) -> Callable[[Database, Actor, Job], None]:
    def task(database: Database, actor: Actor, job: Job) -> None:
        raise error

    return task


def remember(tx: Transaction, name: str) -> None:
    """Leave a trace of a task's effect that can be counted."""
    tx.insert_facts(InstanceFact, [{"name": name, "value": ""}])


def has_trace(db: Database, name: str) -> bool:
    with db.read(system()) as reads:
        return reads.find(InstanceFact, name=name) is not None


def test_many_jobs_are_enqueued_at_once(db: Database, actor: Actor, worker: MakeWorker) -> None:
    heard: list[frozenset[str]] = []
    db.listeners.append(lambda _, woken: heard.append(woken))
    payloads = [{"n": number} for number in range(7)]
    ids = db.write(actor, lambda tx: queue.enqueue_many(tx, "noop", payloads, queue="publishing", priority=5))
    assert frozenset({"publishing"}) in heard
    with db.read(actor) as reads:
        rows = reads.rows(Job, order="id")
    assert [(row.id, row.payload, row.priority, row.organization_id) for row in rows] == [
        (id, payload, 5, actor.organization_id) for id, payload in zip(ids, payloads, strict=True)
    ]
    assert worker().run_all() == 7
    later = clock.now() + timedelta(hours=1)
    db.write(actor, lambda tx: queue.enqueue_many(tx, "noop", payloads, queue="publishing", run_at=later))
    assert db.write(actor, lambda tx: queue.enqueue_many(tx, "noop", [], queue="publishing")) == []
    assert worker().run_all() == 0


# -- how a job ends ---------------------------------------------------------------------------------------------------


def test_a_job_runs_once_for_its_organization_and_keeps_its_result(
    db: Database, actor: Actor, enqueue: Enqueue, worker: MakeWorker
) -> None:
    seen: list[tuple[object, ...]] = []

    def pack(database: Database, own: Actor, job: Job) -> dict[str, object]:
        seen.append((own.organization_id, own.id, own.kind, job.payload, job.attempts))
        return {"boxes": 3}

    id = enqueue(actor, "pack", payload={"n": 1})
    assert worker(pack=pack).run_all() == 1
    job = job_of(db, id)
    assert seen == [(actor.organization_id, id, "job", {"n": 1}, 1)]
    assert (job.status, job.progress, job.result, job.error) == (JobStatus.SUCCEEDED, 100, {"boxes": 3}, None)
    assert job.finished_at is not None
    assert job.lease_until is None


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (Permanent("no such template"), JobStatus.FAILED, "permanent"),
        (UnknownOutcome("the answer was lost"), JobStatus.FAILED, "unknown_outcome"),
        (Transient("connection refused"), JobStatus.QUEUED, "transient"),
        (ValueError("anything else\x00"), JobStatus.QUEUED, "transient"),
        (RateLimited(retry_after=90), JobStatus.QUEUED, "rate_limited"),
    ],
)
def test_the_class_of_the_error_decides_whether_it_is_tried_again(
    db: Database, enqueue: Enqueue, worker: MakeWorker, error: Exception, status: JobStatus, kind: str
) -> None:
    id = enqueue(kind="fail")
    worker(fail=failing(error)).run_one()
    job = job_of(db, id)
    assert (job.status, (job.error or {})["kind"]) == (status, kind)
    assert (job.error or {})["message"] == str(error).replace("\x00", "")


def test_attempts_pause_longer_each_time_and_end_as_dead(db: Database, enqueue: Enqueue, worker: MakeWorker) -> None:
    id = enqueue(kind="fail")
    found = worker(fail=failing(Transient()))
    for pause in (2, 8):
        found.run_one()
        job = job_of(db, id)
        assert job.status == JobStatus.QUEUED
        assert not job.due
        assert 0.7 * pause < (job.run_at - clock.now()).total_seconds() < 1.3 * pause
        assert not found.run_one(), "its time has not come"
        make_due(db, id)
    found.run_one()
    assert (job_of(db, id).status, job_of(db, id).attempts) == (JobStatus.DEAD, 3)


def make_due(db: Database, id: object) -> None:
    db.write(system(), lambda tx: tx.set_facts(Job, {"id": id}, {"run_at": tx.now}))


def test_a_job_may_have_its_own_attempts_and_pauses(db: Database, enqueue: Enqueue, worker: MakeWorker) -> None:
    id = enqueue(kind="fail", max_attempts=2, backoff=[1_000, 2_000], queue="email_notifications")
    found = worker(fail=failing(Transient()))
    found.run_one()
    assert 700 < (job_of(db, id).run_at - clock.now()).total_seconds() < 1_300
    make_due(db, id)
    found.run_one()
    assert job_of(db, id).status == JobStatus.DEAD


def test_a_rate_limit_is_waited_for_and_uses_up_no_attempt(db: Database, enqueue: Enqueue, worker: MakeWorker) -> None:
    id = enqueue(kind="fail", max_attempts=1)
    worker(fail=failing(RateLimited(retry_after=600))).run_one()
    job = job_of(db, id)
    assert (job.status, job.attempts) == (JobStatus.QUEUED, 0)
    assert 590 < (job.run_at - clock.now()).total_seconds() <= 600
    db.write(system(), lambda tx: tx.set_facts(Job, {"id": id}, {"created_at": tx.now - timedelta(days=2)}))
    make_due(db, id)
    worker(fail=failing(RateLimited(retry_after=600))).run_one()
    assert job_of(db, id).status == JobStatus.DEAD, "not for ever"


def test_a_result_that_is_no_json_fails_for_good(db: Database, enqueue: Enqueue, worker: MakeWorker) -> None:
    id = enqueue(kind="odd")
    worker(odd=lambda *_: {"when": object()}).run_one()
    assert job_of(db, id).status == JobStatus.FAILED


def test_a_kind_nobody_knows_waits_for_a_worker_that_does(db: Database, enqueue: Enqueue, worker: MakeWorker) -> None:
    id = enqueue(kind="of_the_next_version")
    worker().run_one()
    job = job_of(db, id)
    assert (job.status, job.attempts) == (JobStatus.QUEUED, 0)
    assert 50 < (job.run_at - clock.now()).total_seconds() < 70


# -- leases -----------------------------------------------------------------------------------------------------------


def test_a_job_whose_worker_died_is_given_to_another_one(db: Database, enqueue: Enqueue) -> None:
    id = enqueue()
    (first,) = claimed(db, lease=LONG_AGO)
    assert claimed(db) == []
    assert [job.id for job in db.write(system(), queue.reap)] == [id]
    (second,) = claimed(db)
    assert (second.id, second.attempts) == (id, 2)
    assert second.lease_token != first.lease_token
    assert db.write(system(), queue.reap) == [], "it is at work"


def test_a_job_that_kills_its_worker_ends_as_dead(db: Database, enqueue: Enqueue) -> None:
    id = enqueue(max_attempts=2)
    for _ in range(2):
        assert claimed(db, lease=LONG_AGO)
        db.write(system(), queue.reap)
    job = job_of(db, id)
    assert (job.status, (job.error or {})["kind"]) == (JobStatus.DEAD, "lost")


def test_a_worker_that_comes_back_from_the_dead_writes_nothing(db: Database, enqueue: Enqueue) -> None:
    id = enqueue()
    (old,) = claimed(db, lease=LONG_AGO)
    db.write(system(), queue.reap)
    (new,) = claimed(db)
    for outcome in (Outcome(old), Outcome(old, result={"n": 1}), Outcome(old, error=Transient())):
        missed = db.write(system(), lambda tx, outcome=outcome: queue.settle(tx, [outcome]))
        assert [job.id for job in missed] == [id]
    for attempt in (
        lambda tx: (remember(tx, "effect"), complete(tx, old)),
        lambda tx: (remember(tx, "effect"), checkpoint(tx, old, progress=50)),
    ):
        with pytest.raises(LeaseLost):
            db.write(system(), attempt)
    db.write(system(), lambda tx: queue.release(tx, [old], timedelta(0)))
    assert not has_trace(db, "effect")
    job = job_of(db, id)
    assert (job.status, job.lease_token, job.progress) == (JobStatus.RUNNING, new.lease_token, 0)
    assert db.write(system(), lambda tx: queue.settle(tx, [Outcome(new)])) == []


def test_a_heartbeat_prolongs_a_lease(db: Database, enqueue: Enqueue) -> None:
    enqueue()
    jobs = claimed(db, lease=timedelta(seconds=-1))
    db.write(system(), lambda tx: queue.renew(tx, jobs, timedelta(minutes=1)))
    assert db.write(system(), queue.reap) == []


def test_effects_and_completion_commit_together(db: Database, enqueue: Enqueue, worker: MakeWorker) -> None:
    def pack(database: Database, actor: Actor, job: Job) -> None:
        def unit(tx: Transaction) -> None:
            remember(tx, "packed")
            complete(tx, job, {"boxes": 1})

        database.write(actor, unit)

    id = enqueue(kind="pack")
    found = worker(pack=pack)
    assert found.run_all() == 1
    assert has_trace(db, "packed")
    assert (job_of(db, id).status, job_of(db, id).result) == (JobStatus.SUCCEEDED, {"boxes": 1})
    with db.read(system()) as reads:
        assert queue.lost(reads, [job_of(db, id)]) == []


def test_a_released_job_costs_no_attempt_and_waits_until_its_process_has_ended(db: Database, enqueue: Enqueue) -> None:
    id = enqueue()
    jobs = claimed(db)
    db.write(system(), lambda tx: queue.release(tx, jobs, timedelta(seconds=10)))
    job = job_of(db, id)
    assert (job.status, job.attempts, job.due) == (JobStatus.QUEUED, 0, False)
    assert claimed(db) == []


# -- progress, position, cancelling -----------------------------------------------------------------------------------


def test_a_long_task_goes_on_where_the_last_attempt_stopped(db: Database, enqueue: Enqueue, worker: MakeWorker) -> None:
    began_at: list[int] = []

    def long(database: Database, actor: Actor, job: Job) -> None:
        start = int((job.result or {"after": 0})["after"])
        began_at.append(start)
        for step in range(start + 1, 5):
            database.write(actor, lambda tx, n=step: checkpoint(tx, job, progress=n * 20, position={"after": n}))
            if len(began_at) == 1 and step == 2:
                raise Transient

    id = enqueue(kind="long")
    found = worker(long=long)
    found.run_one()
    assert (job_of(db, id).progress, job_of(db, id).result) == (40, {"after": 2})
    make_due(db, id)
    found.run_one()
    assert began_at == [0, 2]
    assert job_of(db, id).status == JobStatus.SUCCEEDED


def test_a_queued_job_is_cancelled_at_once(db: Database, actor: Actor, enqueue: Enqueue) -> None:
    id = enqueue(actor)
    db.write(actor, lambda tx: cancel_job(tx, id=id))
    assert job_of(db, id).status == JobStatus.CANCELLED
    assert claimed(db) == []
    with pytest.raises(TooLate):
        db.write(actor, lambda tx: cancel_job(tx, id=id))


def test_a_running_job_ends_where_its_task_asks(
    db: Database, actor: Actor, enqueue: Enqueue, worker: MakeWorker
) -> None:
    steps: list[int] = []

    def long(database: Database, own: Actor, job: Job) -> None:
        for step in range(1, 4):
            database.write(own, lambda tx, n=step: checkpoint(tx, job, progress=n))
            steps.append(step)
            if step == 2:
                database.write(actor, lambda tx: cancel_job(tx, id=job.id))

    id = enqueue(actor, "long")
    worker(long=long).run_one()
    assert steps == [1, 2]
    assert job_of(db, id).status == JobStatus.CANCELLED


def test_a_job_to_be_cancelled_is_not_tried_again(db: Database, actor: Actor, enqueue: Enqueue) -> None:
    failed, lost, released = enqueue(actor), enqueue(actor), enqueue(actor)
    jobs = {job.id: job for job in claimed(db, 3, lease=LONG_AGO)}
    for id in jobs:
        db.write(actor, lambda tx, id=id: cancel_job(tx, id=id))
    db.write(system(), lambda tx: queue.settle(tx, [Outcome(jobs[failed], error=Transient())]))
    db.write(system(), lambda tx: queue.release(tx, [jobs[released]], timedelta(0)))
    db.write(system(), queue.reap)
    assert {job_of(db, id).status for id in (failed, lost, released)} == {JobStatus.CANCELLED}


def test_a_task_that_was_quicker_than_its_cancelling_has_succeeded(
    db: Database, actor: Actor, enqueue: Enqueue
) -> None:
    id = enqueue(actor)
    jobs = claimed(db)
    db.write(actor, lambda tx: cancel_job(tx, id=id))
    db.write(system(), lambda tx: queue.settle(tx, [Outcome(jobs[0])]))
    assert job_of(db, id).status == JobStatus.SUCCEEDED
    with pytest.raises(LeaseLost):
        db.write(system(), lambda tx: checkpoint(tx, jobs[0]))


# -- retry, discard, pruning ------------------------------------------------------------------------------------------


def dead(
    db: Database,
    enqueue: Enqueue,
    actor: Actor | None = None,
    error: Exception | None = None,
    **options: object,
) -> UUID:
    id = enqueue(actor, max_attempts=1, **options)
    (job,) = claimed(db)
    assert job.id == id
    db.write(system(), lambda tx: queue.settle(tx, [Outcome(job, error=error or Transient())]))
    return id


def test_a_dead_job_is_replayed_with_all_its_attempts(db: Database, actor: Actor, enqueue: Enqueue) -> None:
    for error in (Transient(), Permanent()):
        id = dead(db, enqueue, actor, error)
        db.write(actor, lambda tx, id=id: retry_job(tx, id=id))
        (job,) = claimed(db)
        assert (job.id, job.attempts) == (id, 1)
        with pytest.raises(InvalidTransition):
            db.write(actor, lambda tx, id=id: retry_job(tx, id=id))


def test_a_job_that_waits_for_its_next_attempt_can_be_run_now(db: Database, actor: Actor, enqueue: Enqueue) -> None:
    id = enqueue(actor, run_at=clock.now() + timedelta(hours=1))
    assert claimed(db) == []
    db.write(actor, lambda tx: retry_job(tx, id=id))
    assert [job.id for job in claimed(db)] == [id]


def test_a_dead_job_is_not_replayed_beside_the_same_work(db: Database, actor: Actor, enqueue: Enqueue) -> None:
    id = dead(db, enqueue, actor, dedupe_key="one")
    twin = enqueue(actor, dedupe_key="one")
    assert twin != id
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: retry_job(tx, id=id))


def test_all_dead_jobs_are_replayed_at_once(db: Database, actor: Actor, enqueue: Enqueue) -> None:
    first, second = dead(db, enqueue, actor, dedupe_key="one"), dead(db, enqueue, queue="publishing")
    twin = enqueue(actor, dedupe_key="one")
    now = clock.now()
    assert db.write(system(), lambda tx: retry_dead(tx, before=now, queue="publishing", limit=10)) == 1
    assert db.write(system(), lambda tx: retry_dead(tx, before=now, limit=10)) == 1
    assert db.write(system(), lambda tx: retry_dead(tx, before=now, limit=10)) == 0
    assert [job_of(db, id).status for id in (first, second, twin)] == ["cancelled", "queued", "queued"]


def test_a_discarded_job_is_never_run(db: Database, actor: Actor, enqueue: Enqueue) -> None:
    id = dead(db, enqueue, actor)
    db.write(actor, lambda tx: discard_job(tx, id=id))
    assert job_of(db, id).status == JobStatus.CANCELLED
    with pytest.raises(InvalidTransition):
        db.write(actor, lambda tx: discard_job(tx, id=id))


def test_nobody_touches_jobs_of_another_organization(
    db: Database, tenant: Tenant, other_tenant: Tenant, enqueue: Enqueue
) -> None:
    id = enqueue(tenant.owner)
    for action in (cancel_job, retry_job, discard_job):
        with pytest.raises(NotFound):
            db.write(other_tenant.owner, lambda tx, action=action: action(tx, id=id))
    with db.read(other_tenant.owner) as reads:
        assert reads.rows(Job) == []
    assert job_of(db, id).status == JobStatus.QUEUED


def test_finished_jobs_go_after_a_week_and_dead_ones_stay(db: Database, actor: Actor, enqueue: Enqueue) -> None:
    kept = dead(db, enqueue, actor)
    gone = enqueue(actor)
    jobs = claimed(db)
    db.write(system(), lambda tx: queue.settle(tx, [Outcome(jobs[0])]))
    assert retain(db, table="jobs").rows == 0
    for id in (kept, gone):
        db.write(system(), lambda tx, id=id: tx.set_facts(Job, {"id": id}, {"finished_at": tx.now - timedelta(days=8)}))
    assert retain(db, table="jobs").rows == 1
    assert job_of(db, kept).status == JobStatus.DEAD
    with pytest.raises(NotFound):
        job_of(db, gone)


# -- dedupe keys ------------------------------------------------------------------------------------------------------


def test_the_same_work_is_queued_once_and_again_when_it_is_done(
    db: Database, tenant: Tenant, other_tenant: Tenant, enqueue: Enqueue
) -> None:
    first = enqueue(tenant.owner, dedupe_key="refresh")
    assert enqueue(tenant.owner, dedupe_key="refresh") == first
    assert enqueue(other_tenant.owner, dedupe_key="refresh") != first, "another organization's work is another one"
    assert enqueue(dedupe_key="refresh") != first
    assert enqueue(dedupe_key="refresh") == enqueue(dedupe_key="refresh")
    assert enqueue(tenant.owner, dedupe_key="refresh", queue="publishing") != first
    jobs = claimed(db, 10)
    assert enqueue(tenant.owner, dedupe_key="refresh") == first, "it runs"
    db.write(system(), lambda tx: queue.settle(tx, [Outcome(job) for job in jobs]))
    assert enqueue(tenant.owner, dedupe_key="refresh") != first


def test_a_task_may_end_its_job_as_cancelled(db: Database, enqueue: Enqueue, worker: MakeWorker) -> None:
    id = enqueue(kind="stop")
    worker(stop=failing(Cancelled())).run_one()
    assert job_of(db, id).status == JobStatus.CANCELLED
    with db.read(system()) as reads, pytest.raises(NotFound):
        reads.get(Job, uuid4())
