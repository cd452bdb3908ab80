"""Long jobs whose workers are killed, or asked to stop: they go on where they were, and no step is done twice."""

from pathlib import Path
from uuid import UUID

from growbase.core.actor import system
from growbase.core.tables import InstanceFact, Job, JobStatus
from tests.background.site import PATIENCE, Site

STEPS = 100


def put(site: Site, **payload: object) -> UUID:
    return site.db.write(system(), lambda tx: tx.enqueue("climb", payload, queue="default"))


def job_of(site: Site, id: UUID) -> Job:
    (job,) = site.jobs("climb", id=id)
    return job


def steps(site: Site, id: UUID) -> int:
    with site.db.read(system()) as reads:
        return sum(row.name.startswith(f"climb/{id}/") for row in reads.rows(InstanceFact))


def test_a_long_job_goes_on_from_its_last_checkpoint_after_a_kill(site: Site) -> None:
    id = put(site)
    site.die("climb:half")
    job = job_of(site, id)
    assert (job.progress, job.result, steps(site, id)) == (50, {"step": 50}, 50)
    site.worker()
    site.wait(lambda: job_of(site, id).status is JobStatus.SUCCEEDED, "the job")
    assert (job_of(site, id).attempts, steps(site, id)) == (2, STEPS)


def test_a_long_job_outlives_its_lease_in_a_worker_that_lives(site: Site, tmp_path: Path) -> None:
    id = put(site, gate=str(tmp_path / "gate"))
    workers = [site.worker(lease=2), site.worker(lease=2)]
    site.wait(lambda: job_of(site, id).progress == STEPS // 2, "half of the job")
    job = job_of(site, id)
    assert job.lease_until is not None
    first = job.lease_until

    def is_renewed() -> bool:
        lease = job_of(site, id).lease_until
        return lease is not None and (lease - first).total_seconds() > 3

    site.wait(is_renewed, "a lease renewed for longer than it lasts")
    (tmp_path / "gate").touch()
    site.wait(lambda: job_of(site, id).status is JobStatus.SUCCEEDED, "the job")
    assert (job_of(site, id).attempts, steps(site, id)) == (1, STEPS)
    assert all(worker.is_alive() for worker in workers)


def test_a_worker_that_is_asked_to_stop_begins_nothing_and_finishes_or_gives_back(site: Site, tmp_path: Path) -> None:
    ends, stays = put(site, gate=str(tmp_path / "one")), put(site, gate=str(tmp_path / "two"))
    worker = site.worker("--stop-seconds", "2", lease=30)
    site.wait(lambda: all(job_of(site, id).progress == STEPS // 2 for id in (ends, stays)), "both halves")
    worker.terminate()
    site.wait(lambda: "worker.stopping" in site.log, "the worker to know")
    waiting = put(site)
    (tmp_path / "one").touch()
    worker.join(PATIENCE)
    assert worker.exitcode == 0, site.log
    assert job_of(site, ends).status is JobStatus.SUCCEEDED
    given_back = job_of(site, stays)
    assert (given_back.status, given_back.attempts, given_back.progress) == (JobStatus.QUEUED, 0, STEPS // 2)
    assert (job_of(site, waiting).status, job_of(site, waiting).attempts) == (JobStatus.QUEUED, 0)
    (tmp_path / "two").touch()
    site.age("jobs", "run_at", where="status = 'queued'")
    site.worker()
    site.wait(lambda: all(job_of(site, id).status is JobStatus.SUCCEEDED for id in (stays, waiting)), "the rest")
    assert [steps(site, id) for id in (ends, stays, waiting)] == [STEPS] * 3
