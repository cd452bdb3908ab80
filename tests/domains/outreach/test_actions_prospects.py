from contextlib import suppress
from dataclasses import replace
from functools import partial
from uuid import UUID

import pytest

from growbase.core.actor import Actor, ActorKind, Role
from growbase.core.clock import new_id
from growbase.core.database import Database
from growbase.core.errors import Forbidden, ForeignKey, Invalid, InvalidTransition, NotUnique
from growbase.core.log import history
from growbase.core.tables import Job
from growbase.core.transaction import Transaction
from growbase.core.trash import purge, restore, trash
from growbase.domains.marketing.models_assets import Asset
from growbase.domains.outreach.actions_merging import merge_prospects
from growbase.domains.outreach.actions_prospects import record_score, request_score, update_prospect
from growbase.domains.outreach.actions_suppressions import create_suppression, is_suppressed, opt_out
from growbase.domains.outreach.models import (
    EmailStatus,
    OptOutReason,
    Prospect,
    ProspectScore,
    Stage,
    Suppression,
)
from growbase.domains.outreach.models_messages import Activity, ActivityType, Message, MessageStatus
from growbase.domains.outreach.models_sequences import Enrollment, EnrollmentStatus
from tests.domains.outreach.factories import (
    make_icp,
    make_prospect,
    make_queued,
    make_running,
    make_sent,
)
from tests.fixtures import Tenant

FILE = {
    "original_filename": "a.png",
    "mime_type": "image/png",
    "size_bytes": 3,
    "sha256": "0",
    "storage_provider": "local",
    "storage_key": "a",
}


def prospect_of(db: Database, actor: Actor, id: UUID, *, in_trash: bool = False) -> Prospect:
    with db.read(actor) as reads:
        return reads.get(Prospect, id, trash=in_trash)


def test_a_second_prospect_with_the_same_address_is_refused_naming_the_first(db: Database, actor: Actor) -> None:
    first = db.write(actor, lambda tx: make_prospect(tx, email="Ann@Firm.example"))
    with pytest.raises(NotUnique) as refused:
        db.write(actor, lambda tx: make_prospect(tx, email=" ann@firm.EXAMPLE "))
    assert refused.value.params["blocked_by"] == str(first)
    assert refused.value.fields[0].field == "email"
    second = db.write(actor, make_prospect)
    with pytest.raises(NotUnique) as refused:
        db.write(actor, lambda tx: update_prospect(tx, id=second, changes={"email": "ANN@firm.example"}))
    assert refused.value.params["blocked_by"] == str(first)


def test_the_address_of_a_trashed_prospect_is_free(db: Database, actor: Actor) -> None:
    first = db.write(actor, lambda tx: make_prospect(tx, email="ann@firm.example"))
    db.write(actor, lambda tx: trash(tx, Prospect, first))
    second = db.write(actor, lambda tx: make_prospect(tx, email="ann@firm.example"))
    with pytest.raises(NotUnique) as refused:
        db.write(actor, lambda tx: restore(tx, Prospect, first))
    assert refused.value.params["blocked_by"] == str(second)


def test_two_organizations_can_know_the_same_person(db: Database, tenant: Tenant, other_tenant: Tenant) -> None:
    for who in (tenant, other_tenant):
        db.write(who.owner, lambda tx: make_prospect(tx, email="ann@firm.example"))


def test_nothing_is_known_of_a_new_address(db: Database, actor: Actor) -> None:
    id = db.write(actor, lambda tx: make_prospect(tx, email="ann@firm.example", email_status=EmailStatus.VALID))
    db.write(actor, lambda tx: update_prospect(tx, id=id, changes={"email": "ANN@firm.example", "phone": "1"}))
    assert prospect_of(db, actor, id).email_status is EmailStatus.VALID
    db.write(actor, lambda tx: update_prospect(tx, id=id, changes={"email": "ann@new.example"}))
    assert prospect_of(db, actor, id).email_status is EmailStatus.UNKNOWN


ALLOWED = {
    (Stage.NEW, Stage.CONTACTED), (Stage.NEW, Stage.MEETING), (Stage.NEW, Stage.WON), (Stage.NEW, Stage.LOST),
    (Stage.CONTACTED, Stage.NEGOTIATION), (Stage.NEGOTIATION, Stage.WON), (Stage.LOST, Stage.CONTACTED),
}  # fmt: skip
REFUSED = {(Stage.CONTACTED, Stage.NEW), (Stage.NEGOTIATION, Stage.MEETING), (Stage.LOST, Stage.WON)}


def in_stage(tx: Transaction, stage: Stage) -> UUID:
    id = make_prospect(tx)
    if stage is not Stage.NEW:
        tx.transition(Prospect, id, stage)
    return id


def test_stages_go_forward_by_any_step_and_lost_ones_begin_again(db: Database, actor: Actor) -> None:
    for start, to in sorted(ALLOWED | REFUSED):
        id = db.write(actor, partial(in_stage, stage=start))
        move = partial(lambda tx, id, to: tx.transition(Prospect, id, to), id=id, to=to)
        if (start, to) in REFUSED:
            with pytest.raises(InvalidTransition):
                db.write(actor, move)
            continue
        db.write(actor, move)
        assert prospect_of(db, actor, id).stage is to
        with db.read(actor) as reads:
            [*_, last] = reads.rows(Activity, prospect_id=id, type=ActivityType.STAGE_CHANGE, order="created_at, id")
        assert last.__dict__["metadata"] == {"from": start, "to": to}
        assert (last.user_id, last.title) == (actor.id, f"Stage changed from {start} to {to}")


def test_only_an_administrator_undoes_a_win(db: Database, tenant: Tenant) -> None:
    id = db.write(tenant.member, partial(in_stage, stage=Stage.WON))
    with pytest.raises(Forbidden):
        db.write(tenant.member, lambda tx: tx.transition(Prospect, id, Stage.NEGOTIATION))
    db.write(tenant.admin, lambda tx: tx.transition(Prospect, id, Stage.NEGOTIATION))
    assert prospect_of(db, tenant.owner, id).stage is Stage.NEGOTIATION


def test_a_score_is_kept_and_copied_once_for_each_job(db: Database, actor: Actor) -> None:
    id = db.write(actor, make_prospect)
    job_id = new_id()

    def record(tx: Transaction, score: int) -> UUID:
        values = {"breakdown": {"need": 80}, "confidence": 0.9, "model": "m-1", "job_id": job_id}
        return record_score(tx, prospect_id=id, score=score, **values)

    first = db.write(actor, lambda tx: record(tx, 70))
    assert db.write(actor, lambda tx: record(tx, 99)) == first
    found = prospect_of(db, actor, id)
    assert (found.score, found.score_explanation) == (
        70,
        {"breakdown": {"need": 80}, "confidence": 0.9, "model": "m-1"},
    )
    db.write(actor, lambda tx: record_score(tx, prospect_id=id, score=20))
    assert prospect_of(db, actor, id).score == 20
    with db.read(actor) as reads:
        assert reads.count(ProspectScore, prospect_id=id) == 2


def test_a_score_is_asked_for_once_while_a_job_is_at_work(db: Database, actor: Actor) -> None:
    id = db.write(actor, make_prospect)
    first = db.write(actor, lambda tx: request_score(tx, id=id))
    assert db.write(actor, lambda tx: request_score(tx, id=id)) == first
    with db.read(actor) as reads:
        [job] = reads.rows(Job, kind="score_prospect")
    assert (str(job.id), job.payload) == (first["job_id"], {"prospect_id": str(id)})


# -- merging ----------------------------------------------------------------------------------------------------------


def test_merging_moves_everything_and_fills_in_what_was_missing(db: Database, actor: Actor) -> None:
    icp_id = db.write(actor, make_icp)
    source = db.write(
        actor,
        lambda tx: make_prospect(
            tx, email="old@firm.example", phone="123", icp_id=icp_id, custom_fields={"a": 1, "b": 1}
        ),
    )
    target = db.write(actor, lambda tx: make_prospect(tx, first_name="Anna", custom_fields={"b": 2}))
    message_id = db.write(actor, lambda tx: make_sent(tx, source))
    db.write(actor, lambda tx: record_score(tx, prospect_id=source, score=5))
    shows = db.write(actor, lambda tx: tx.insert(Asset, **FILE, subject_id=source))
    db.write(actor, lambda tx: merge_prospects(tx, id=source, into_id=target))
    found, gone = prospect_of(db, actor, target), prospect_of(db, actor, source, in_trash=True)
    assert (found.first_name, found.phone, found.icp_id) == ("Anna", "123", icp_id)
    assert found.custom_fields == {"a": 1, "b": 2}
    assert found.last_contacted_at is not None
    assert gone.deleted_at is not None
    assert gone.merged_into_id == target
    with db.read(actor) as reads:
        assert reads.get(Message, message_id).prospect_id == target
        assert reads.get(Asset, shows).subject_id == target
        for model in (Message, Enrollment, ProspectScore, Activity):
            assert reads.count(model, prospect_id=source) == 0, model
            assert reads.count(model, prospect_id=target) > 0, model


def test_merging_takes_over_the_address_where_there_is_none(db: Database, actor: Actor) -> None:
    source = db.write(actor, lambda tx: make_prospect(tx, email="ann@firm.example"))
    target = db.write(actor, lambda tx: make_prospect(tx, email=None))
    db.write(actor, lambda tx: merge_prospects(tx, id=source, into_id=target))
    assert prospect_of(db, actor, target).email == "ann@firm.example"


def test_two_enrolments_of_one_person_become_one(db: Database, actor: Actor) -> None:
    source, target = db.write(actor, make_prospect), db.write(actor, make_prospect)
    campaign_id = db.write(actor, lambda tx: make_running(tx, source, target))
    db.write(actor, lambda tx: merge_prospects(tx, id=source, into_id=target))
    with db.read(actor) as reads:
        rows = reads.rows(Enrollment, outreach_campaign_id=campaign_id, order="rotation")
    assert [(row.prospect_id, row.rotation, row.status) for row in rows] == [
        (target, 1, EnrollmentStatus.PENDING),
        (target, 2, EnrollmentStatus.STOPPED),
    ]


@pytest.mark.parametrize("who", ["source", "target"])
def test_merging_keeps_the_stricter_opt_out_and_restoring_does_not_undo_it(
    db: Database, actor: Actor, who: str
) -> None:
    ids = {name: db.write(actor, make_prospect) for name in ("source", "target")}
    db.write(actor, lambda tx: opt_out(tx, id=ids[who], reason=OptOutReason.UNSUBSCRIBE))
    other = next(id for name, id in ids.items() if name != who)
    waiting = db.write(actor, lambda tx: make_queued(tx, other))
    db.write(actor, lambda tx: merge_prospects(tx, id=ids["source"], into_id=ids["target"]))
    db.write(actor, lambda tx: restore(tx, Prospect, ids["source"]))
    for id in ids.values():
        found = prospect_of(db, actor, id)
        assert found.opt_out_reason is OptOutReason.UNSUBSCRIBE
        with db.read(actor) as reads:
            assert is_suppressed(reads, found.email or "")
    with db.read(actor) as reads:
        assert reads.get(Message, waiting).status is MessageStatus.CANCELLED


def test_merging_respects_a_wish_that_only_the_suppression_knows(db: Database, actor: Actor) -> None:
    source = db.write(actor, lambda tx: make_prospect(tx, email="ann@firm.example"))
    target = db.write(actor, make_prospect)
    db.write(actor, lambda tx: create_suppression(tx, address="ann@firm.example"))
    db.write(actor, lambda tx: merge_prospects(tx, id=source, into_id=target))
    assert prospect_of(db, actor, target).opted_out_at is not None


def test_who_leaves_by_an_old_link_leaves_the_merged_row_too(db: Database, actor: Actor) -> None:
    first, second, third = (db.write(actor, make_prospect) for _ in range(3))
    db.write(actor, lambda tx: merge_prospects(tx, id=first, into_id=second))
    db.write(actor, lambda tx: merge_prospects(tx, id=second, into_id=third))
    db.write(actor, lambda tx: opt_out(tx, id=first, reason=OptOutReason.UNSUBSCRIBE))
    assert prospect_of(db, actor, third).opt_out_reason is OptOutReason.UNSUBSCRIBE


def test_a_prospect_is_merged_only_with_another_one_there_is(db: Database, actor: Actor) -> None:
    id = db.write(actor, make_prospect)
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: merge_prospects(tx, id=id, into_id=id))
    with pytest.raises(ForeignKey):
        db.write(actor, lambda tx: merge_prospects(tx, id=id, into_id=new_id()))


# -- going for good ---------------------------------------------------------------------------------------------------


def test_a_purged_prospect_is_forgotten_but_never_written_to(db: Database, actor: Actor) -> None:
    id = db.write(actor, lambda tx: make_prospect(tx, email="ann@firm.example", notes="Likes tea"))
    message_id = db.write(actor, lambda tx: make_sent(tx, id))
    db.write(actor, lambda tx: opt_out(tx, id=id))
    db.write(actor, lambda tx: trash(tx, Prospect, id))
    assert db.write(actor, lambda tx: purge(tx, Prospect, id, keep=True)) is False
    found = prospect_of(db, actor, id, in_trash=True)
    assert (found.email, found.email_norm, found.first_name, found.notes) == (None, None, None, None)
    with db.read(actor) as reads:
        assert [row.address for row in reads.rows(Suppression)] == [None]
        assert is_suppressed(reads, "Ann@firm.example")
        message = reads.get(Message, message_id)
    assert (message.subject, message.content, message.status) == (None, "", MessageStatus.SENT)


def test_a_prospect_nobody_wrote_to_is_purged_whole(db: Database, actor: Actor) -> None:
    id = db.write(actor, partial(in_stage, stage=Stage.MEETING))
    db.write(actor, lambda tx: record_score(tx, prospect_id=id, score=5))
    db.write(actor, lambda tx: trash(tx, Prospect, id))
    assert db.write(actor, lambda tx: purge(tx, Prospect, id))
    with db.read(actor) as reads:
        assert reads.count(Activity, trash=True) == reads.count(ProspectScore) == 0


def test_an_actor_without_a_person_leaves_traces_too(db: Database, actor: Actor) -> None:
    key = replace(actor, kind=ActorKind.API_KEY, role=Role.MEMBER)
    id = db.write(key, partial(in_stage, stage=Stage.CONTACTED))
    with db.read(actor) as reads:
        [trace] = reads.rows(Activity, prospect_id=id)
    assert trace.user_id is None


def test_a_persons_key_made_in_a_part_that_is_undone_is_made_again(db: Database, tenant: Tenant) -> None:
    id = new_id()

    def unit(tx: Transaction) -> None:
        for is_last in (False, True):
            with suppress(KeyError), tx.part():
                tx.insert(Prospect, id=id, company_name="Aurora", first_name="Ada")
                if not is_last:
                    raise KeyError(id)

    db.write(tenant.owner, unit)
    with db.read(tenant.owner) as reads:
        [line] = history(reads, db.catalog.by_table["prospects"], id)
    assert line["changes"]["first_name"] == [None, "Ada"]
