"""What outreach does in the background: imports, sending, starts and ends of campaigns, what has expired."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from growbase.core import clock
from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.errors import LimitExceeded, NotUnique
from growbase.core.reads import Reads
from growbase.core.statements import mark, plan_of
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.domains.outreach import tasks_generation, tasks_insights, tasks_sending
from growbase.domains.outreach.actions_campaigns import start_if_due
from growbase.domains.outreach.actions_enrollments import complete_if_done, finished_campaigns, stop_enrollments
from growbase.domains.outreach.actions_imports import (
    KIND,
    end_silent_import,
    fail_import,
    import_next_chunk,
    silent_imports,
)
from growbase.domains.outreach.actions_insights import expire_insights
from growbase.domains.outreach.actions_sending import expire_claim
from growbase.domains.outreach.actions_steps import silent_claims
from growbase.domains.outreach.models_messages import AiInsight
from growbase.jobs.errors import Cancelled
from growbase.jobs.schedule import Schedule
from growbase.jobs.worker import Task

TRIES = 3
Found = Callable[[Reads], list[tuple[UUID, UUID]]]


def import_prospects(database: Database, actor: Actor, job: Job) -> None:
    """Import a stored file chunk by chunk, going on where a worker before has stopped."""
    import_id = UUID(job.payload["import_id"])
    try:
        while repeated(database, actor, partial(import_next_chunk, import_id=import_id, job=job)):
            pass
    except LimitExceeded as error:
        reason = str(error)
        database.write(actor, lambda tx: fail_import(tx, import_id=import_id, reason=reason))
    except Cancelled as error:
        reason = str(error)
        database.write(actor, lambda tx: fail_import(tx, import_id=import_id, reason=reason))
        raise


def repeated(database: Database, actor: Actor, unit: Callable[[Transaction], bool]) -> bool:
    """Run a unit again where a prospect came in between that it wanted to create: then it updates it."""
    for _ in range(TRIES - 1):
        try:
            return database.write(actor, unit)
        except NotUnique:
            continue
    return database.write(actor, unit)


def start_outreach_campaign(database: Database, actor: Actor, job: Job) -> None:
    """Start a scheduled campaign whose time has come."""
    database.write(actor, partial(start_if_due, id=_campaign(job)))


def complete_outreach_campaign(database: Database, actor: Actor, job: Job) -> None:
    """Complete a campaign whose last enrolment has ended."""
    database.write(actor, partial(complete_if_done, id=_campaign(job)))


def stop_left_enrollments(database: Database, actor: Actor, job: Job) -> None:
    """Stop the enrolments of a campaign that was ended, some at a time."""
    while database.write(actor, partial(stop_enrollments, campaign_id=_campaign(job))):
        pass


def _campaign(job: Job) -> UUID:
    return UUID(job.payload["outreach_campaign_id"])


# -- schedules --------------------------------------------------------------------------------------------------------


def ended_campaigns(database: Database) -> int:
    """Complete campaigns whose last enrolment ended without anybody noticing, and return how many."""
    return _each(database, finished_campaigns, complete_if_done)


def silent_senders(database: Database) -> int:
    """Take messages from senders that have gone silent and return how many: queued again, or unconfirmed."""
    return _each(database, silent_claims, _expire)


def stopped_imports(database: Database) -> int:
    """End imports that nobody has gone on with for a week, and return how many."""
    return _each(database, silent_imports, end_silent_import)


def _expire(tx: Transaction, *, id: UUID) -> bool:
    return expire_claim(tx, message_id=id)


def _each(database: Database, find: Found, act: Callable[..., bool]) -> int:
    done = 0
    with database.read(system("sweep")) as reads:
        found = find(reads)
    for organization_id, id in found:
        done += database.write(system("sweep", organization_id), partial(act, id=id))
    return done


def expired_insights(database: Database) -> int:
    """Mark insights expired whose time is over, and return how many."""
    sign = mark(database.engine)
    sql = (
        "SELECT DISTINCT organization_id FROM ai_insights "
        f"WHERE status IN ('new', 'read') AND expires_at IS NOT NULL AND expires_at <= {sign}"
    )
    now = plan_of(AiInsight, database.engine).fields["expires_at"].bound(clock.now())
    done = 0
    for (organization_id,) in database.query(sql, (now,)):
        actor = system("sweep", UUID(str(organization_id)))
        while found := database.write(actor, expire_insights):
            done += found
    return done


TASKS: Final[dict[str, Task]] = {
    KIND: import_prospects,
    "start_outreach_campaign": start_outreach_campaign,
    "complete_outreach_campaign": complete_outreach_campaign,
    "stop_enrollments": stop_left_enrollments,
    **tasks_generation.TASKS,
    **tasks_insights.TASKS,
    **tasks_sending.TASKS,
}
SCHEDULES: Final = (
    *tasks_insights.SCHEDULES,
    *tasks_sending.SCHEDULES,
    Schedule("outreach/silent_senders", silent_senders, every=timedelta(minutes=1)),
    Schedule("outreach/ended_campaigns", ended_campaigns, every=timedelta(minutes=10)),
    Schedule("outreach/stopped_imports", stopped_imports, every=timedelta(hours=1)),
    Schedule("outreach/expired_insights", expired_insights, every=timedelta(hours=1)),
)
