"""What a job holds of a plan while its worker is killed: the next attempt goes on with it, or it is freed."""

from uuid import UUID

from growbase.core.actor import Actor
from growbase.core.tables import JobStatus
from growbase.domains.identity.models_billing import (
    Metric,
    ReservationStatus,
    UsageCounter,
    UsageEvent,
    UsageReservation,
)
from growbase.domains.marketing.actions_generated import generate_contents
from growbase.domains.marketing.models_generated import GeneratedContent
from growbase.jobs.actions import cancel_job
from tests.background.site import Site
from tests.domains.marketing.factories import make_campaign
from tests.fixtures import make_tenant


def counted(site: Site, actor: Actor) -> tuple[int, int]:
    """Return used and reserved, having proved both against the ledger."""
    with site.db.read(actor) as reads:
        (counter,) = reads.rows(UsageCounter, metric=Metric.CONTENT_GENERATED)
        lines = reads.rows(UsageEvent, counter_id=counter.id)
        held = reads.rows(UsageReservation, counter_id=counter.id, status=ReservationStatus.HELD)
    assert counter.used == sum(line.quantity for line in lines)
    assert counter.reserved == sum(reservation.quantity for reservation in held)
    return counter.used, counter.reserved


def test_what_a_crashed_job_holds_is_used_once_or_freed(site: Site) -> None:
    actor = make_tenant(site.db, "Writer").owner
    campaign_id = site.db.write(actor, make_campaign)

    def ask(count: int) -> UUID:
        wanted = {"campaign_id": campaign_id, "count": count, "type": "idea"}
        return UUID(site.db.write(actor, lambda tx: generate_contents(tx, **wanted))["job_id"])

    resumed, dropped = ask(2), ask(3)
    assert counted(site, actor) == (0, 5)
    # With both at work; the cancelled one never asks again.
    site.die("generate:held")
    assert counted(site, actor) == (0, 5)
    site.db.write(actor, lambda tx: cancel_job(tx, id=dropped))
    # Before it says that it has done the other.
    site.die("generate_content:done")
    assert counted(site, actor) == (2, 3)
    site.worker()
    ends = {resumed: JobStatus.SUCCEEDED, dropped: JobStatus.CANCELLED}
    site.wait(lambda: {job.id: job.status for job in site.jobs("generate_content")} == ends, "the jobs' ends")
    site.age("usage_reservations", "expires_at")
    site.age("usage_reservations", "expires_at")
    site.hurry("identity/expire_reservations")
    with site.db.read(actor) as reads:
        assert [reads.count(GeneratedContent, job_id=id) for id in (resumed, dropped)] == [2, 0]
    assert counted(site, actor) == (2, 0)
