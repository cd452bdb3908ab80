"""What several people, senders and providers do to the same rows in the same moment, with real threads."""

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import GrowbaseError, TooLate
from growbase.core.transaction import Transaction
from growbase.domains.outreach.actions_campaigns import enroll, pause_campaign
from growbase.domains.outreach.actions_events import record_message_event
from growbase.domains.outreach.actions_imports import import_now
from growbase.domains.outreach.actions_merging import merge_prospects
from growbase.domains.outreach.actions_messages import cancel_message
from growbase.domains.outreach.actions_prospects import create_prospect
from growbase.domains.outreach.actions_sending import Claim, begin_dispatch, claim_message, expire_claim, mark_sent
from growbase.domains.outreach.actions_sequences import create_step, move_step
from growbase.domains.outreach.actions_steps import queue_step_message
from growbase.domains.outreach.actions_suppressions import create_suppression, is_suppressed, opt_out
from growbase.domains.outreach.addresses import address_key
from growbase.domains.outreach.errors import ClaimLost
from growbase.domains.outreach.models import AddressKey, OptOutReason, Prospect, Suppression
from growbase.domains.outreach.models_messages import EventType, Message, MessageStatus
from growbase.domains.outreach.models_sequences import OPEN, Enrollment, SequenceStep
from growbase.domains.outreach.tasks import repeated
from tests.domains.outreach.factories import (
    claimed,
    dispatched,
    enrollment_of,
    make_campaign,
    make_prospect,
    make_queued,
    make_running,
    make_sent,
    make_sequence,
    message_of,
    parsed,
)

ROUNDS = 6
Unit = Callable[[Transaction], Any]


def at_once(db: Database, actor: Actor, *units: Unit) -> list[Any]:
    """Run units in threads that start together and return what each returned or raised."""
    return together(*(partial(db.write, actor, unit) for unit in units))


def together(*deeds: Callable[[], Any]) -> list[Any]:
    barrier = threading.Barrier(len(deeds))
    found: list[Any] = [None] * len(deeds)

    def run(place: int, deed: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            found[place] = deed()
        except GrowbaseError as error:
            found[place] = error

    threads = [threading.Thread(target=run, args=item) for item in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_no_sending_begins_after_an_opt_out_has_committed(db: Database, actor: Actor) -> None:
    """Either it began first and the opt-out found it gone, or it never begins: however the claim fell."""
    for _ in range(ROUNDS):
        id = db.write(actor, make_prospect)
        message_id = db.write(actor, partial(make_queued, prospect_id=id))
        claim = db.write(actor, partial(claimed, message_id=message_id))
        begun, _ = at_once(
            db,
            actor,
            partial(begin_dispatch, claim=claim),
            partial(opt_out, id=id, reason=OptOutReason.UNSUBSCRIBE),
        )
        status = message_of(db, actor, message_id).status
        assert (begun is True, status) in {
            (True, MessageStatus.DISPATCHING),
            (False, MessageStatus.CANCELLED),
            (False, MessageStatus.SUPPRESSED),
        }
        assert db.write(actor, partial(claim_message, message_id=message_id)) is None
        with db.read(actor) as reads:
            assert reads.get(Prospect, id).opted_out_at is not None


def test_a_suppressed_address_and_a_claim_at_once_agree(db: Database, actor: Actor) -> None:
    for number in range(ROUNDS):
        id = db.write(actor, partial(make_prospect, email=f"ann{number}@race.example"))
        message_id = db.write(actor, partial(make_queued, prospect_id=id))
        claim = db.write(actor, partial(claimed, message_id=message_id))
        begun, _ = at_once(
            db,
            actor,
            partial(begin_dispatch, claim=claim),
            partial(create_suppression, address=f"ann{number}@race.example"),
        )
        dispatching = message_of(db, actor, message_id).status is MessageStatus.DISPATCHING
        assert dispatching is (begun is True)
        assert db.write(actor, partial(claim_message, message_id=message_id)) is None


def test_a_message_is_claimed_by_one_sender(db: Database, actor: Actor) -> None:
    message_id = db.write(actor, make_queued)
    found = at_once(db, actor, *[partial(claim_message, message_id=message_id)] * 4)
    [claim] = [claim for claim in found if isinstance(claim, Claim)]
    begun = at_once(db, actor, *[partial(begin_dispatch, claim=claim)] * 4)
    assert (begun.count(True), sum(isinstance(found, ClaimLost) for found in begun)) == (1, 3)
    assert message_of(db, actor, message_id).attempts == 1


def test_a_claim_that_lapses_while_its_sender_begins_is_one_or_the_other(db: Database, actor: Actor) -> None:
    for _ in range(ROUNDS):
        message_id = db.write(actor, make_queued)
        claim = db.write(actor, partial(claim_message, message_id=message_id, lease=-timedelta(seconds=1)))
        begun, expired = at_once(
            db, actor, partial(begin_dispatch, claim=claim), partial(expire_claim, message_id=message_id)
        )
        expected = MessageStatus.QUEUED if expired else MessageStatus.DISPATCHING
        assert (begun is True) is not expired
        assert message_of(db, actor, message_id).status is expected


def test_a_message_is_cancelled_or_sent_never_both(db: Database, actor: Actor) -> None:
    for _ in range(ROUNDS):
        message_id = db.write(actor, make_queued)
        claim, cancelled = at_once(
            db, actor, partial(claim_message, message_id=message_id), partial(cancel_message, id=message_id)
        )
        assert isinstance(claim, Claim) is isinstance(cancelled, TooLate)


def test_nothing_is_claimed_once_a_campaign_is_paused(db: Database, actor: Actor) -> None:
    for _ in range(ROUNDS):
        message_id = db.write(actor, make_queued)
        campaign_id = message_of(db, actor, message_id).outreach_campaign_id
        claim, paused = at_once(
            db,
            actor,
            partial(claim_message, message_id=message_id),
            partial(pause_campaign, id=campaign_id),
        )
        assert paused == campaign_id
        expected = MessageStatus.CLAIMED if isinstance(claim, Claim) else MessageStatus.QUEUED
        assert message_of(db, actor, message_id).status is expected
        assert db.write(actor, partial(claim_message, message_id=message_id)) is None
        if isinstance(claim, Claim):
            assert db.write(actor, partial(begin_dispatch, claim=claim)) is False
            assert message_of(db, actor, message_id).status is MessageStatus.QUEUED


def test_a_prospect_is_enrolled_once_by_however_many(db: Database, actor: Actor) -> None:
    ids = [db.write(actor, make_prospect) for _ in range(5)]
    campaign_id = db.write(actor, make_campaign)
    orders: Sequence[list[UUID]] = (ids, ids[::-1], ids[2:], ids)
    reports = at_once(db, actor, *(partial(enroll, id=campaign_id, prospect_ids=order) for order in orders))
    assert sum(report["enrolled"] for report in reports) == len(ids)
    with db.read(actor) as reads:
        assert reads.count(Enrollment, status=list(OPEN)) == len(ids)


def test_a_step_is_queued_once_by_however_many(db: Database, actor: Actor) -> None:
    id = db.write(actor, make_prospect)
    db.write(actor, lambda tx: make_running(tx, id))
    enrollment = enrollment_of(db, actor)
    found = at_once(db, actor, *[partial(queue_step_message, enrollment_id=enrollment.id)] * 4)
    assert len([message_id for message_id in found if message_id is not None]) == 1
    with db.read(actor) as reads:
        assert reads.count(Message) == 1


def test_two_imports_of_one_file_at_once_end_like_one_after_the_other(db: Database, actor: Actor) -> None:
    text = "email,first name\n" + "".join(f"p{number}@x.example,P{number}\n" for number in range(200))
    files = [parsed(text), parsed(text), parsed(text.replace("P", "Q"))]

    def imports(file: Any) -> dict[str, Any]:  # noqa: ANN401 -- a parsed file
        unit: Any = partial(import_now, file=file, icp_id=None)
        report: Any = repeated(db, actor, unit)
        return dict(report)

    def creates() -> UUID:
        return db.write(actor, partial(create_prospect, email="P199@x.example", company_name="X"))

    *reports, single = together(*(partial(imports, file) for file in files), creates)
    made = sum(report["created"] for report in reports)
    assert made == (199 if isinstance(single, UUID) else 200)
    with db.read(actor) as reads:
        assert reads.count(Prospect) == 200


def test_merging_and_opting_out_at_once_leave_nobody_behind(db: Database, actor: Actor) -> None:
    for _ in range(ROUNDS):
        source, target = db.write(actor, make_prospect), db.write(actor, make_prospect)
        waiting = db.write(actor, partial(make_queued, prospect_id=source))
        merged, left = at_once(
            db,
            actor,
            partial(merge_prospects, id=source, into_id=target),
            partial(opt_out, id=source, reason=OptOutReason.UNSUBSCRIBE),
        )
        assert (merged, left) == (target, source)
        with db.read(actor) as reads:
            for id in (source, target):
                found = reads.get(Prospect, id, trash=True)
                assert found.opted_out_at is not None
                assert is_suppressed(reads, found.email or "")
        assert message_of(db, actor, waiting).status is MessageStatus.CANCELLED


def test_an_event_told_twice_at_once_counts_once(db: Database, actor: Actor) -> None:
    message_id = db.write(actor, make_sent)
    told = {"message_id": message_id, "provider": "smtp", "type": EventType.OPEN}
    units = [partial(record_message_event, provider_event_id=str(n % 3), **told) for n in range(6)]
    assert sum(at_once(db, actor, *units)) == 3
    assert message_of(db, actor, message_id).open_count == 3


def test_a_reply_and_the_sending_of_a_message_at_once_stop_the_sequence(db: Database, actor: Actor) -> None:
    message_id = db.write(actor, make_queued)
    claim = db.write(actor, partial(dispatched, message_id=message_id))
    reply = {"message_id": message_id, "provider": "smtp", "provider_event_id": "1", "type": EventType.REPLY}
    at_once(
        db,
        actor,
        partial(record_message_event, **reply),
        partial(mark_sent, message_id=message_id, claim_token=claim.token),
    )
    assert message_of(db, actor, message_id).status is MessageStatus.SENT
    found = enrollment_of(db, actor)
    assert (found.status.value, found.next_step_at) == ("replied", None)


def test_an_address_is_suppressed_once_under_one_key(db: Database, actor: Actor) -> None:
    ids = [db.write(actor, partial(make_prospect, email=f"p{number}@x.example")) for number in range(4)]
    at_once(db, actor, *[address_key] * 2, *(partial(opt_out, id=id) for id in ids), partial(opt_out, id=ids[0]))
    with db.read(actor) as reads:
        assert reads.count(AddressKey) == 1
        assert reads.count(Suppression) == 4


def test_steps_moved_and_added_at_once_stay_in_one_row(db: Database, actor: Actor) -> None:
    sequence_id = db.write(actor, make_sequence)
    with db.read(actor) as reads:
        steps = reads.rows(SequenceStep, sequence_id=sequence_id, order="step_number")
    added = [partial(create_step, sequence_id=sequence_id, step_key=f"k{number}", content="x") for number in range(3)]
    moved = [partial(move_step, id=step.id, step_number=1) for step in steps]
    assert not [found for found in at_once(db, actor, *added, *moved) if isinstance(found, GrowbaseError)]
    with db.read(actor) as reads:
        numbers = [row.step_number for row in reads.rows(SequenceStep, order="step_number")]
    assert numbers == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("cap", ["daily_limit", "daily_cap"])
def test_no_two_steps_share_the_last_place_of_a_day(db: Database, actor: Actor, cap: str) -> None:
    for _ in range(ROUNDS // 2):
        ids = [db.write(actor, make_prospect) for _ in range(4)]
        settings = {"daily_cap": 2} if cap == "daily_cap" else {}
        sequence_id = db.write(actor, partial(make_sequence, settings=settings))
        given = {"sequence_id": sequence_id, "daily_limit": 2 if cap == "daily_limit" else None}
        groups = (ids[:2], ids[2:]) if cap == "daily_cap" else (ids,)
        campaigns = [db.write(actor, partial(_running, people=people, **given)) for people in groups]
        with db.read(actor) as reads:
            waiting = [row.id for id in campaigns for row in reads.rows(Enrollment, outreach_campaign_id=id)]
        found = at_once(db, actor, *(partial(queue_step_message, enrollment_id=id) for id in waiting))
        assert sum(isinstance(message_id, UUID) for message_id in found) == 2, found


def _running(tx: Transaction, *, people: Sequence[UUID], **over: object) -> UUID:
    return make_running(tx, *people, **over)
