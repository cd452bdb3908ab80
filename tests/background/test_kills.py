"""Workers killed at random under load: no job is lost, and none has its effect twice."""

import random

from growbase.core.actor import system
from growbase.core.tables import InstanceFact, JobStatus
from tests.background.site import Site

KILLS = 4
JOBS = 120


def test_no_job_is_lost_and_none_done_twice_while_workers_are_killed(site: Site) -> None:
    workers = [site.worker(), site.worker()]
    for number in range(JOBS):
        site.db.write(system(), lambda tx, n=number: tx.enqueue("chore", {"number": n}, queue="default"))  # type: ignore[misc]
        if number % (JOBS // KILLS) == JOBS // KILLS - 1:
            chosen = random.randrange(len(workers))
            workers[chosen].kill()
            workers[chosen].join()
            workers[chosen] = site.worker()
    site.wait(lambda: len(site.jobs("chore", status=JobStatus.SUCCEEDED)) == JOBS, "all jobs")
    with site.db.read(system()) as reads:
        assert sum(row.name.startswith("chore/") for row in reads.rows(InstanceFact)) == JOBS
