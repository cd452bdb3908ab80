from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest

from growbase.core import clock
from growbase.core.actor import Actor
from growbase.core.clock import new_id
from growbase.core.database import Database
from growbase.core.errors import Conflict, ForeignKey, Invalid, InvalidTransition, TooLate
from growbase.core.tables import Job
from growbase.core.trash import trash
from growbase.domains.outreach.actions_campaigns import (
    complete_campaign,
    duplicate_campaign,
    enroll,
    launch_campaign,
    pause_campaign,
    remove_campaign,
    resume_campaign,
    start_if_due,
    update_campaign,
)
from growbase.domains.outreach.actions_enrollments import complete_if_done
from growbase.domains.outreach.actions_sending import claim_message
from growbase.domains.outreach.actions_sequences import set_steps
from growbase.domains.outreach.actions_suppressions import create_suppression, opt_out
from growbase.domains.outreach.models import Prospect
from growbase.domains.outreach.models_messages import Message, MessageStatus
from growbase.domains.outreach.models_sequences import (
    Channel,
    Enrollment,
    EnrollmentStatus,
    OutreachCampaign,
    OutreachStatus,
)
from growbase.domains.outreach.tasks import TASKS, ended_campaigns
from growbase.jobs.worker import Worker
from tests.domains.outreach.factories import (
    enrollment_of,
    make_campaign,
    make_icp,
    make_prospect,
    make_queued,
    make_running,
    make_sequence,
    message_of,
)
from tests.fixtures import Tenant


def status_of(db: Database, actor: Actor, id: UUID) -> OutreachStatus:
    with db.read(actor) as reads:
        return reads.get(OutreachCampaign, id).status


def work(db: Database) -> int:
    """Run every due job and return how many there were."""
    worker, done = Worker(db, TASKS), 0
    while worker.run_one():
        done += 1
    return done


def test_enrolling_reports_who_was_left_out_and_why(db: Database, tenant: Tenant, other_tenant: Tenant) -> None:
    actor = tenant.owner
    names = ("fine", "out", "silent", "blocked", "trashed", "twice")
    ids = {name: db.write(actor, lambda tx, name=name: make_prospect(tx, email=f"{name}@x.example")) for name in names}
    ids["silent"] = db.write(actor, lambda tx: make_prospect(tx, email=None))
    ids["theirs"] = db.write(other_tenant.owner, make_prospect)
    db.write(actor, lambda tx: opt_out(tx, id=ids["out"]))
    db.write(actor, lambda tx: create_suppression(tx, address="blocked@x.example"))
    db.write(actor, lambda tx: trash(tx, Prospect, ids["trashed"]))
    campaign_id = db.write(actor, make_campaign)
    db.write(actor, lambda tx: enroll(tx, id=campaign_id, prospect_ids=[ids["twice"], ids["twice"]]))
    report = db.write(actor, lambda tx: enroll(tx, id=campaign_id, prospect_ids=list(ids.values())))
    reasons = {item["prospect_id"]: item["reason"] for item in report["skipped"]}
    assert (report["enrolled"], report["skipped_count"]) == (1, 6)
    assert {name: reasons.get(str(id)) for name, id in ids.items()} == {
        "fine": None, "out": "opted_out", "silent": "no_address", "blocked": "suppressed", "trashed": "not_found",
        "twice": "already_enrolled", "theirs": "not_found",
    }  # fmt: skip


def test_a_whole_profile_is_enrolled(db: Database, actor: Actor) -> None:
    icp_id = db.write(actor, make_icp)
    for _ in range(3):
        db.write(actor, lambda tx: make_prospect(tx, icp_id=icp_id))
    db.write(actor, make_prospect)
    campaign_id = db.write(actor, make_campaign)
    assert db.write(actor, lambda tx: enroll(tx, id=campaign_id, icp_id=icp_id))["enrolled"] == 3
    with pytest.raises(ForeignKey):
        db.write(actor, lambda tx: enroll(tx, id=campaign_id, icp_id=new_id()))


def test_a_prospect_is_reached_on_the_channel_of_the_sequence(db: Database, actor: Actor) -> None:
    sequence_id = db.write(actor, lambda tx: make_sequence(tx, channel=Channel.SMS))
    mail = db.write(actor, make_prospect)
    phone = db.write(actor, lambda tx: make_prospect(tx, email=None, phone="+33 1"))
    campaign_id = db.write(actor, lambda tx: make_campaign(tx, sequence_id=sequence_id))
    report = db.write(actor, lambda tx: enroll(tx, id=campaign_id, prospect_ids=[mail, phone]))
    assert report["skipped"] == [{"prospect_id": str(mail), "reason": "no_address"}]


def test_who_went_through_a_campaign_goes_again_only_when_asked(db: Database, actor: Actor) -> None:
    id = db.write(actor, make_prospect)
    campaign_id = db.write(actor, lambda tx: make_running(tx, id))
    with db.read(actor) as reads:
        [first] = reads.rows(Enrollment)
    db.write(actor, lambda tx: tx.transition(Enrollment, first.id, EnrollmentStatus.STOPPED))
    report = db.write(actor, lambda tx: enroll(tx, id=campaign_id, prospect_ids=[id]))
    assert report["skipped"] == [{"prospect_id": str(id), "reason": "enrolled_before"}]
    assert db.write(actor, lambda tx: enroll(tx, id=campaign_id, prospect_ids=[id], again=True))["enrolled"] == 1
    with db.read(actor) as reads:
        assert [row.rotation for row in reads.rows(Enrollment, order="rotation")] == [1, 2]


def test_a_campaign_needs_a_step_to_start(db: Database, actor: Actor) -> None:
    sequence_id = db.write(actor, lambda tx: make_sequence(tx, []))
    id = db.write(actor, lambda tx: make_campaign(tx, sequence_id=sequence_id))
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: launch_campaign(tx, id=id))
    assert status_of(db, actor, id) is OutreachStatus.DRAFT
    db.write(actor, lambda tx: set_steps(tx, id=sequence_id, steps=[{"step_key": "a", "content": "Hi"}]))
    db.write(actor, lambda tx: launch_campaign(tx, id=id))
    assert status_of(db, actor, id) is OutreachStatus.ACTIVE


def test_a_start_in_the_future_is_kept_by_a_job(db: Database, actor: Actor) -> None:
    later = clock.now() + timedelta(hours=1)
    id = db.write(actor, lambda tx: make_campaign(tx, start_at=later))
    db.write(actor, lambda tx: launch_campaign(tx, id=id))
    assert status_of(db, actor, id) is OutreachStatus.SCHEDULED
    with db.read(actor) as reads:
        [job] = reads.rows(Job, kind="start_outreach_campaign")
        assert job.run_at == reads.get(OutreachCampaign, id).start_at
    assert db.write(actor, lambda tx: start_if_due(tx, id=id)) is False
    sooner = later - timedelta(minutes=59, seconds=59.9)
    db.write(actor, lambda tx: update_campaign(tx, id=id, changes={"start_at": sooner}))
    with db.read(actor) as reads:
        assert reads.count(Job, kind="start_outreach_campaign") == 2
    db.write(actor, lambda tx: tx.update(OutreachCampaign, id, {"start_at": clock.now() - timedelta(seconds=1)}))
    assert db.write(actor, lambda tx: start_if_due(tx, id=id)) is True
    assert db.write(actor, lambda tx: start_if_due(tx, id=id)) is False
    assert status_of(db, actor, id) is OutreachStatus.ACTIVE


def test_a_start_in_the_past_is_no_schedule(db: Database, actor: Actor) -> None:
    id = db.write(actor, lambda tx: make_campaign(tx, start_at=clock.now() - timedelta(days=1)))
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: tx.transition(OutreachCampaign, id, OutreachStatus.SCHEDULED))


def test_a_scheduled_campaign_whose_steps_have_gone_waits_as_a_draft(db: Database, actor: Actor) -> None:
    sequence_id = db.write(actor, make_sequence)
    later = clock.now() + timedelta(hours=1)
    id = db.write(actor, lambda tx: make_campaign(tx, sequence_id=sequence_id, start_at=later))
    db.write(actor, lambda tx: launch_campaign(tx, id=id))
    db.write(actor, lambda tx: set_steps(tx, id=sequence_id, steps=[]))
    db.write(actor, lambda tx: tx.update(OutreachCampaign, id, {"start_at": clock.now()}))
    assert db.write(actor, lambda tx: start_if_due(tx, id=id)) is False
    assert status_of(db, actor, id) is OutreachStatus.DRAFT


def test_nothing_is_claimed_of_a_paused_campaign_and_resuming_repeats_nothing(db: Database, actor: Actor) -> None:
    message_id = db.write(actor, make_queued)
    campaign_id = message_of(db, actor, message_id).outreach_campaign_id
    assert campaign_id is not None
    db.write(actor, lambda tx: pause_campaign(tx, id=campaign_id))
    assert db.write(actor, lambda tx: claim_message(tx, message_id=message_id)) is None
    assert message_of(db, actor, message_id).status is MessageStatus.QUEUED
    db.write(actor, lambda tx: resume_campaign(tx, id=campaign_id))
    with db.read(actor) as reads:
        found = reads.get(OutreachCampaign, campaign_id)
        assert reads.count(Message) == 1
    assert (found.status, found.paused_at) == (OutreachStatus.ACTIVE, None)
    assert found.started_at is not None
    assert db.write(actor, lambda tx: claim_message(tx, message_id=message_id)) is not None
    assert db.write(actor, lambda tx: claim_message(tx, message_id=message_id)) is None


def test_a_campaign_that_was_never_started_is_not_resumed(db: Database, actor: Actor) -> None:
    id = db.write(actor, make_campaign)
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: resume_campaign(tx, id=id))
    with pytest.raises(InvalidTransition):
        db.write(actor, lambda tx: pause_campaign(tx, id=id))


def test_ending_a_campaign_stops_who_is_still_in_it(db: Database, actor: Actor) -> None:
    message_id = db.write(actor, make_queued)
    campaign_id = message_of(db, actor, message_id).outreach_campaign_id
    assert campaign_id is not None
    db.write(actor, lambda tx: complete_campaign(tx, id=campaign_id))
    assert db.write(actor, lambda tx: claim_message(tx, message_id=message_id)) is None
    assert work(db) > 0
    found = enrollment_of(db, actor, outreach_campaign_id=campaign_id)
    assert (found.status, found.stop_reason) == (EnrollmentStatus.STOPPED, "campaign ended")
    assert message_of(db, actor, message_id).status is MessageStatus.CANCELLED
    id = db.write(actor, make_prospect)
    with pytest.raises(TooLate):
        db.write(actor, lambda tx: enroll(tx, id=campaign_id, prospect_ids=[id]))


def test_a_campaign_completes_when_its_last_enrolment_has_ended_and_not_before(db: Database, actor: Actor) -> None:
    first, second = db.write(actor, make_prospect), db.write(actor, make_prospect)
    empty = db.write(actor, make_running)
    id = db.write(actor, lambda tx: make_running(tx, first, second))
    for campaign_id in (empty, id):
        assert db.write(actor, lambda tx, campaign_id=campaign_id: complete_if_done(tx, id=campaign_id)) is False
    db.write(actor, lambda tx: opt_out(tx, id=first))
    work(db)
    assert status_of(db, actor, id) is OutreachStatus.ACTIVE
    db.write(actor, lambda tx: opt_out(tx, id=second))
    work(db)
    assert status_of(db, actor, id) is OutreachStatus.COMPLETED
    assert status_of(db, actor, empty) is OutreachStatus.ACTIVE


def test_a_sweep_completes_what_nobody_noticed(db: Database, actor: Actor) -> None:
    prospect_id = db.write(actor, make_prospect)
    id = db.write(actor, lambda tx: make_running(tx, prospect_id))
    db.write(actor, lambda tx: opt_out(tx, id=prospect_id))
    assert ended_campaigns(db) == 1
    assert ended_campaigns(db) == 0
    assert status_of(db, actor, id) is OutreachStatus.COMPLETED


def test_a_running_campaign_keeps_its_sequence_and_stays(db: Database, actor: Actor) -> None:
    id = db.write(actor, make_running)
    other = db.write(actor, make_sequence)
    with pytest.raises(TooLate):
        db.write(actor, lambda tx: update_campaign(tx, id=id, changes={"sequence_id": other}))
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: remove_campaign(tx, id=id))
    db.write(actor, lambda tx: pause_campaign(tx, id=id))
    db.write(actor, lambda tx: remove_campaign(tx, id=id))


def test_a_copy_is_a_draft_with_a_name_of_its_own_and_nobody_in_it(db: Database, actor: Actor) -> None:
    prospect_id = db.write(actor, make_prospect)
    id = db.write(actor, lambda tx: make_running(tx, prospect_id, name="Spring", daily_limit=40))
    copies = [db.write(actor, lambda tx: duplicate_campaign(tx, id=id)) for _ in range(2)]
    with db.read(actor) as reads:
        rows = [reads.get(OutreachCampaign, copy_id) for copy_id in copies]
        assert reads.count(Enrollment, outreach_campaign_id=copies) == 0
    assert [(row.name, row.status, row.daily_limit) for row in rows] == [
        ("Spring (copy 1)", OutreachStatus.DRAFT, 40),
        ("Spring (copy 2)", OutreachStatus.DRAFT, 40),
    ]


def test_one_enrolment_pauses_and_goes_on_alone(db: Database, actor: Actor) -> None:
    message_id = db.write(actor, make_queued)
    enrollment = enrollment_of(db, actor)
    move = partial(lambda tx, to: tx.transition(Enrollment, enrollment.id, to))
    db.write(actor, lambda tx: move(tx, to=EnrollmentStatus.PAUSED))
    assert db.write(actor, lambda tx: claim_message(tx, message_id=message_id)) is None
    db.write(actor, lambda tx: move(tx, to=EnrollmentStatus.ACTIVE))
    db.write(actor, lambda tx: move(tx, to=EnrollmentStatus.STOPPED))
    assert message_of(db, actor, message_id).status is MessageStatus.CANCELLED
