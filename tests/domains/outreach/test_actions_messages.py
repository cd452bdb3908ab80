from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from growbase.core import clock
from growbase.core.actor import Actor
from growbase.core.clock import new_id
from growbase.core.database import Database
from growbase.core.errors import Conflict, Invalid, InvalidTransition, NotFound, TooLate
from growbase.core.transaction import Transaction
from growbase.core.trash import restore, trash
from growbase.domains.identity.models_billing import UsageCounter
from growbase.domains.outreach.actions_campaigns import pause_campaign
from growbase.domains.outreach.actions_delivery import LADDER
from growbase.domains.outreach.actions_events import record_message_event
from growbase.domains.outreach.actions_messages import cancel_message, create_message, resolve_message, update_message
from growbase.domains.outreach.actions_prospects import update_prospect
from growbase.domains.outreach.actions_sending import (
    begin_dispatch,
    claim_message,
    expire_claim,
    mark_failed,
    mark_sent,
    mark_unconfirmed,
)
from growbase.domains.outreach.actions_sequences import revise_step
from growbase.domains.outreach.actions_steps import (
    due_enrollments,
    due_messages,
    next_to_begin,
    queue_step_message,
    silent_claims,
    starting_campaigns,
)
from growbase.domains.outreach.actions_suppressions import create_suppression, is_suppressed, opt_out
from growbase.domains.outreach.errors import ClaimLost, Suppressed
from growbase.domains.outreach.models import EmailStatus, OptOutReason, Prospect, Stage, Suppression
from growbase.domains.outreach.models_messages import (
    Direction,
    EventType,
    Message,
    MessageEvent,
    MessageStatus,
    MessageType,
)
from growbase.domains.outreach.models_sequences import Enrollment, EnrollmentStatus, OutreachCampaign
from growbase.domains.outreach.tasks import silent_senders
from tests.domains.outreach.factories import (
    claimed,
    dispatched,
    enrollment_of,
    make_prospect,
    make_queued,
    make_running,
    make_sent,
    make_sequence,
    message_of,
)

ANN = "ann@firm.example"
EPOCH = timedelta(0)


def event(db: Database, actor: Actor, message_id: UUID, kind: EventType, key: str, ago: timedelta = EPOCH) -> bool:
    told = {"provider": "smtp", "provider_event_id": key, "type": kind, "occurred_at": clock.now() - ago}
    return db.write(actor, lambda tx: record_message_event(tx, message_id=message_id, **told))


def due_now(db: Database, actor: Actor, enrollment_id: UUID) -> None:
    """Let an enrolment's next step be due."""
    db.write(actor, lambda tx: tx.update(Enrollment, enrollment_id, {"next_step_at": clock.now() - timedelta(1)}))


# -- by people --------------------------------------------------------------------------------------------------------


def test_nothing_is_drafted_to_who_must_not_be_written_to(db: Database, actor: Actor) -> None:
    gone, blocked = db.write(actor, make_prospect), db.write(actor, lambda tx: make_prospect(tx, email=ANN))
    db.write(actor, lambda tx: opt_out(tx, id=gone))
    db.write(actor, lambda tx: create_suppression(tx, address=ANN))
    for id in (gone, blocked):
        with pytest.raises(Suppressed):
            db.write(actor, lambda tx, id=id: create_message(tx, prospect_id=id, content="Hello"))
        db.write(actor, lambda tx, id=id: create_message(tx, prospect_id=id, content="Hi", direction="inbound"))


def test_a_draft_is_queued_when_somebody_can_get_it(db: Database, actor: Actor) -> None:
    id = db.write(actor, lambda tx: make_prospect(tx, email=None))
    draft = db.write(actor, lambda tx: create_message(tx, prospect_id=id, content="Hello"))
    move = partial(lambda tx, to: tx.transition(Message, draft, to))
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: move(tx, MessageStatus.QUEUED))
    db.write(actor, lambda tx: update_prospect(tx, id=id, changes={"email": ANN}))
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: move(tx, MessageStatus.SCHEDULED))
    db.write(actor, lambda tx: move(tx, MessageStatus.QUEUED))
    with pytest.raises(InvalidTransition):
        db.write(actor, lambda tx: move(tx, MessageStatus.SENT))
    db.write(actor, lambda tx: update_message(tx, id=draft, changes={"content": "Hello!"}))
    claim = db.write(actor, lambda tx: claimed(tx, draft))
    assert (claim.address, claim.content) == (ANN, "Hello!")
    with pytest.raises(TooLate):
        db.write(actor, lambda tx: update_message(tx, id=draft, changes={"content": "Too late"}))


def test_a_message_is_not_sent_before_its_time(db: Database, actor: Actor) -> None:
    id = db.write(actor, make_prospect)
    later = clock.now() + timedelta(hours=1)
    draft = db.write(actor, lambda tx: create_message(tx, prospect_id=id, content="Hello", send_at=later))
    db.write(actor, lambda tx: tx.transition(Message, draft, MessageStatus.SCHEDULED))
    assert db.write(actor, lambda tx: claim_message(tx, message_id=draft)) is None
    with db.read(actor) as reads:
        assert due_messages(reads) == []
    db.write(actor, lambda tx: tx.update(Message, draft, {"send_at": clock.now()}))
    with db.read(actor) as reads:
        assert due_messages(reads) == [(actor.organization_id, draft)]
    assert db.write(actor, lambda tx: claim_message(tx, message_id=draft)) is not None


def test_a_message_is_cancelled_until_it_is_on_its_way(db: Database, actor: Actor) -> None:
    waiting, going = db.write(actor, make_queued), db.write(actor, make_queued)
    for _ in range(2):
        db.write(actor, lambda tx: cancel_message(tx, id=waiting))
    assert message_of(db, actor, waiting).status is MessageStatus.CANCELLED
    assert db.write(actor, lambda tx: claim_message(tx, message_id=waiting)) is None
    db.write(actor, lambda tx: claimed(tx, going))
    with pytest.raises(TooLate):
        db.write(actor, lambda tx: cancel_message(tx, id=going))


def test_who_misses_a_cancelled_step_still_gets_the_next_one(db: Database, actor: Actor) -> None:
    message_id = db.write(actor, make_queued)
    db.write(actor, lambda tx: cancel_message(tx, id=message_id))
    found = enrollment_of(db, actor)
    assert (found.status, found.current_step) == (EnrollmentStatus.ACTIVE, 1)
    assert found.next_step_at is not None
    assert timedelta(days=2, hours=23) < found.next_step_at - clock.now() < timedelta(days=3)


def test_an_answer_that_somebody_notes_stops_the_campaign_for_its_writer(db: Database, actor: Actor) -> None:
    message_id = db.write(actor, make_sent)
    original = message_of(db, actor, message_id)
    values = {"prospect_id": original.prospect_id, "direction": "inbound", "in_reply_to_id": message_id}
    answer = db.write(actor, lambda tx: create_message(tx, content="Tell me more", **values))
    assert message_of(db, actor, answer).status is MessageStatus.DELIVERED
    assert message_of(db, actor, message_id).replied_at is not None
    assert enrollment_of(db, actor).status is EnrollmentStatus.REPLIED


# -- steps ------------------------------------------------------------------------------------------------------------


def test_a_sequence_is_sent_step_by_step_with_its_pauses(db: Database, actor: Actor) -> None:
    prospect_id = db.write(actor, lambda tx: make_prospect(tx, first_name=None, company_name="Firm"))
    campaign_id = db.write(actor, lambda tx: make_running(tx, prospect_id))
    enrollment = enrollment_of(db, actor)
    queue = partial(queue_step_message, enrollment_id=enrollment.id)
    for number, (key, pause) in enumerate([("hello", 3), ("again", 4), ("bye", None)], start=1):
        with db.read(actor) as reads:
            if number == 1:
                assert starting_campaigns(reads) == [(actor.organization_id, campaign_id)]
                assert next_to_begin(reads, campaign_id) == [enrollment.id]
            else:
                assert due_enrollments(reads) == [(actor.organization_id, enrollment.id)]
        message_id = db.write(actor, queue)
        assert message_id is not None
        assert db.write(actor, queue) is None
        message = message_of(db, actor, message_id)
        kind = MessageType.INITIAL if number == 1 else MessageType.FOLLOW_UP
        assert (message.step_key, message.type, message.status) == (key, kind, MessageStatus.QUEUED)
        if number == 1:
            assert (message.subject, message.content) == ("Hello there", "We help Firm.")
        claim = db.write(actor, lambda tx, message_id=message_id: dispatched(tx, message_id))
        assert claim.sender == {"name": "Sam", "email": "sam@us.example"}
        sent = partial(mark_sent, message_id=message_id, claim_token=claim.token)
        db.write(actor, sent)
        found = enrollment_of(db, actor)
        assert found.current_step == number
        if pause is None:
            assert (found.status, found.next_step_at) == (EnrollmentStatus.COMPLETED, None)
            continue
        assert found.next_step_at is not None
        assert abs(found.next_step_at - clock.now() - timedelta(days=pause)) < timedelta(minutes=5)
        assert db.write(actor, queue) is None
        with db.read(actor) as reads:
            assert due_enrollments(reads) == []
        due_now(db, actor, enrollment.id)
    with db.read(actor) as reads:
        prospect = reads.get(Prospect, prospect_id)
        assert reads.count(Message, outreach_campaign_id=campaign_id) == 3
    assert prospect.stage is Stage.CONTACTED


def test_a_first_step_that_waits_is_not_sent_at_once(db: Database, actor: Actor) -> None:
    steps = [{"step_key": "a", "content": "Hi", "delay_hours": 5}]
    sequence_id = db.write(actor, lambda tx: make_sequence(tx, steps))
    prospect_id = db.write(actor, make_prospect)
    db.write(actor, lambda tx: make_running(tx, prospect_id, sequence_id=sequence_id))
    enrollment = enrollment_of(db, actor)
    queue = partial(queue_step_message, enrollment_id=enrollment.id)
    assert db.write(actor, queue) is None
    found = enrollment_of(db, actor)
    assert (found.status, found.next_step_at is not None) == (EnrollmentStatus.ACTIVE, True)
    assert db.write(actor, queue) is None
    assert enrollment_of(db, actor).next_step_at == found.next_step_at


def test_a_revised_step_is_not_sent_a_second_time(db: Database, actor: Actor) -> None:
    message_id = db.write(actor, make_sent)
    step_id = message_of(db, actor, message_id).sequence_step_id
    assert step_id is not None
    db.write(actor, lambda tx: revise_step(tx, id=step_id, content="New words"))
    enrollment = enrollment_of(db, actor)
    due_now(db, actor, enrollment.id)
    second = db.write(actor, lambda tx: queue_step_message(tx, enrollment_id=enrollment.id))
    assert second is not None
    assert message_of(db, actor, second).step_key == "again"


def test_who_can_not_be_reached_leaves_the_campaign_instead(db: Database, actor: Actor) -> None:
    cases = {
        "missing job_title": EnrollmentStatus.FAILED,
        "no address": EnrollmentStatus.FAILED,
        "suppressed": EnrollmentStatus.UNSUBSCRIBED,
        "prospect deleted": EnrollmentStatus.STOPPED,
    }
    sequence_id = db.write(actor, lambda tx: make_sequence(tx, [{"step_key": "a", "content": "{{job_title}}"}]))
    for reason, status in cases.items():
        title = None if reason.startswith("missing") else "Head"
        id = db.write(actor, lambda tx, title=title: make_prospect(tx, job_title=title))
        campaign_id = db.write(actor, lambda tx, id=id: make_running(tx, id, sequence_id=sequence_id))
        with db.read(actor) as reads:
            address = reads.get(Prospect, id).email or ""
        if reason == "no address":
            db.write(actor, lambda tx, id=id: update_prospect(tx, id=id, changes={"email": None}))
        elif reason == "suppressed":
            scope = {"scope": "domain", "address": address}
            db.write(actor, lambda tx, scope=scope: create_suppression(tx, **scope))
        elif reason == "prospect deleted":
            db.write(actor, lambda tx, id=id: trash(tx, Prospect, id))
        found = enrollment_of(db, actor, outreach_campaign_id=campaign_id)
        assert db.write(actor, partial(queue_step_message, enrollment_id=found.id)) is None
        found = enrollment_of(db, actor, outreach_campaign_id=campaign_id)
        assert (found.status, found.stop_reason) == (status, reason)


# -- claims -----------------------------------------------------------------------------------------------------------


def test_an_opt_out_before_the_claim_wins(db: Database, actor: Actor) -> None:
    id = db.write(actor, make_prospect)
    message_id = db.write(actor, lambda tx: make_queued(tx, id))
    db.write(actor, lambda tx: opt_out(tx, id=id))
    assert db.write(actor, lambda tx: claim_message(tx, message_id=message_id)) is None


def test_a_suppressed_domain_is_seen_by_the_claim(db: Database, actor: Actor) -> None:
    id = db.write(actor, lambda tx: make_prospect(tx, email=ANN))
    message_id = db.write(actor, lambda tx: make_queued(tx, id))
    db.write(actor, lambda tx: create_suppression(tx, address="firm.example", scope="domain"))
    assert db.write(actor, lambda tx: claim_message(tx, message_id=message_id)) is None
    assert message_of(db, actor, message_id).status is MessageStatus.SUPPRESSED
    assert enrollment_of(db, actor).status is EnrollmentStatus.UNSUBSCRIBED


def test_a_message_to_a_trashed_prospect_or_campaign_is_not_sent(db: Database, actor: Actor) -> None:
    id = db.write(actor, make_prospect)
    message_id = db.write(actor, lambda tx: make_queued(tx, id))
    campaign_id = message_of(db, actor, message_id).outreach_campaign_id
    assert campaign_id is not None
    db.write(actor, lambda tx: trash(tx, OutreachCampaign, campaign_id))
    assert db.write(actor, lambda tx: claim_message(tx, message_id=message_id)) is None
    assert message_of(db, actor, message_id).status is MessageStatus.QUEUED
    db.write(actor, lambda tx: restore(tx, OutreachCampaign, campaign_id))
    db.write(actor, lambda tx: trash(tx, Prospect, id))
    assert db.write(actor, lambda tx: claim_message(tx, message_id=message_id)) is None
    assert message_of(db, actor, message_id).status is MessageStatus.CANCELLED


def test_only_the_holder_of_the_claim_says_what_became_of_it(db: Database, actor: Actor) -> None:
    message_id = db.write(actor, make_queued)
    claim = db.write(actor, lambda tx: dispatched(tx, message_id))
    other = {"message_id": message_id, "claim_token": new_id()}
    for deed in (mark_sent, partial(mark_failed, error={}), mark_unconfirmed):
        with pytest.raises(ClaimLost):
            db.write(actor, partial(deed, **other))
    mine = {"message_id": message_id, "claim_token": claim.token}
    for _ in range(2):
        db.write(actor, partial(mark_sent, **mine, provider="smtp", provider_message_id="<1>"))
    found = message_of(db, actor, message_id)
    assert (found.status, found.provider_message_id, found.attempts) == (MessageStatus.SENT, "<1>", 1)
    with pytest.raises(ClaimLost):
        db.write(actor, partial(mark_failed, **mine, error={}))


def test_what_surely_was_not_sent_can_be_tried_again(db: Database, actor: Actor) -> None:
    message_id = db.write(actor, make_queued)
    for attempt in (1, 2):
        claim = db.write(actor, lambda tx: dispatched(tx, message_id))
        mine = {"message_id": message_id, "claim_token": claim.token, "error": {"code": 421}}
        retry_at = clock.now() - timedelta(seconds=1) if attempt == 1 else None
        db.write(actor, partial(mark_failed, **mine, retry_at=retry_at))
        with pytest.raises(ClaimLost):
            db.write(actor, partial(mark_sent, message_id=message_id, claim_token=claim.token))
    found = message_of(db, actor, message_id)
    assert (found.status, found.attempts, found.last_error) == (MessageStatus.FAILED, 2, {"code": 421})
    assert enrollment_of(db, actor).status is EnrollmentStatus.FAILED


def test_nothing_unconfirmed_is_sent_again_by_itself(db: Database, actor: Actor) -> None:
    message_id = db.write(actor, make_queued)
    claim = db.write(actor, lambda tx: claimed(tx, message_id))
    assert db.write(actor, lambda tx: begin_dispatch(tx, claim=claim, lease=-timedelta(seconds=1)))
    with db.read(actor) as reads:
        assert silent_claims(reads) == [(actor.organization_id, message_id)]
    assert silent_senders(db) == 1
    assert db.write(actor, lambda tx: expire_claim(tx, message_id=message_id)) is False
    assert message_of(db, actor, message_id).status is MessageStatus.UNCONFIRMED
    assert db.write(actor, lambda tx: claim_message(tx, message_id=message_id)) is None
    # The sender was only slow.
    db.write(actor, lambda tx: mark_sent(tx, message_id=message_id, claim_token=claim.token))
    assert message_of(db, actor, message_id).status is MessageStatus.SENT


def test_a_claim_that_lapsed_gives_the_message_back_and_its_holder_comes_too_late(db: Database, actor: Actor) -> None:
    message_id = db.write(actor, make_queued)
    lapsed = db.write(actor, lambda tx: claim_message(tx, message_id=message_id, lease=-timedelta(seconds=1)))
    assert lapsed is not None
    assert message_of(db, actor, message_id).status is MessageStatus.CLAIMED
    assert db.write(actor, lambda tx: claim_message(tx, message_id=message_id)) is None
    assert silent_senders(db) == 1
    found = message_of(db, actor, message_id)
    assert (found.status, found.attempts, found.claimed_until) == (MessageStatus.QUEUED, 0, None)
    again = db.write(actor, lambda tx: claimed(tx, message_id))
    with pytest.raises(ClaimLost):
        db.write(actor, lambda tx: begin_dispatch(tx, claim=lapsed))
    assert db.write(actor, lambda tx: begin_dispatch(tx, claim=again))
    with pytest.raises(ClaimLost):
        db.write(actor, lambda tx: begin_dispatch(tx, claim=again))
    assert message_of(db, actor, message_id).attempts == 1


def _opt_out(tx: Transaction, message: Message) -> None:
    opt_out(tx, id=message.prospect_id)


def _suppress(tx: Transaction, message: Message) -> None:
    address = tx.get(Prospect, message.prospect_id).email
    create_suppression(tx, address=str(address), scope="domain")


def _move_away(tx: Transaction, message: Message) -> None:
    update_prospect(tx, id=message.prospect_id, changes={"email": "elsewhere@firm.example"})


def _pause(tx: Transaction, message: Message) -> None:
    assert message.outreach_campaign_id is not None
    pause_campaign(tx, id=message.outreach_campaign_id)


def _pause_person(tx: Transaction, message: Message) -> None:
    assert message.enrollment_id is not None
    tx.transition(Enrollment, message.enrollment_id, EnrollmentStatus.PAUSED)


def _trash_person(tx: Transaction, message: Message) -> None:
    trash(tx, Prospect, message.prospect_id)


@pytest.mark.parametrize(
    ("happens", "status"),
    [
        (_opt_out, MessageStatus.CANCELLED),
        (_suppress, MessageStatus.SUPPRESSED),
        (_trash_person, MessageStatus.CANCELLED),
        (_move_away, MessageStatus.QUEUED),
        (_pause, MessageStatus.QUEUED),
        (_pause_person, MessageStatus.QUEUED),
    ],
)
def test_what_happens_behind_the_claim_still_stops_the_message(
    db: Database, actor: Actor, happens: Callable[[Transaction, Message], None], status: MessageStatus
) -> None:
    message_id = db.write(actor, make_queued)
    claim = db.write(actor, lambda tx: claimed(tx, message_id))
    db.write(actor, lambda tx: happens(tx, tx.get(Message, message_id)))
    try:
        begun = db.write(actor, lambda tx: begin_dispatch(tx, claim=claim))
    except ClaimLost:
        begun = False
    assert begun is False
    found = message_of(db, actor, message_id)
    assert (found.status, found.attempts) == (status, 0)
    with db.read(actor) as reads:
        assert sum(row.used for row in reads.rows(UsageCounter, metric="messages_sent")) == 0


def test_what_was_not_sent_is_not_tried_again_once_the_enrolment_has_ended(db: Database, actor: Actor) -> None:
    message_id = db.write(actor, make_queued)
    claim = db.write(actor, lambda tx: dispatched(tx, message_id))
    event(db, actor, message_id, EventType.REPLY, "1")
    mine = {"message_id": message_id, "claim_token": claim.token, "error": {"code": 421}, "retry_at": clock.now()}
    db.write(actor, partial(mark_failed, **mine))
    assert message_of(db, actor, message_id).status is MessageStatus.FAILED


@pytest.mark.parametrize(
    ("outcome", "status", "then"),
    [
        ("sent", MessageStatus.SENT, EnrollmentStatus.ACTIVE),
        ("not_sent", MessageStatus.FAILED, EnrollmentStatus.FAILED),
    ],
)
def test_a_person_says_what_became_of_an_unconfirmed_message(
    db: Database, actor: Actor, outcome: str, status: MessageStatus, then: EnrollmentStatus
) -> None:
    message_id = db.write(actor, make_queued)
    claim = db.write(actor, lambda tx: dispatched(tx, message_id))
    resolve = partial(resolve_message, id=message_id, outcome=outcome)
    with pytest.raises(InvalidTransition):
        db.write(actor, resolve)
    db.write(actor, lambda tx: mark_unconfirmed(tx, message_id=message_id, claim_token=claim.token))
    db.write(actor, resolve)
    assert message_of(db, actor, message_id).status is status
    assert enrollment_of(db, actor).status is then
    with pytest.raises(ClaimLost):
        db.write(actor, lambda tx: mark_sent(tx, message_id=message_id, claim_token=claim.token))


def test_the_ladder_has_no_way_back() -> None:
    rank = {status: place for place, status in enumerate(MessageStatus)}
    back = {(start, to) for start, ends in LADDER.items() for to in ends if rank[to] < rank[start]} - {
        (MessageStatus.UNCONFIRMED, to) for to in MessageStatus
    }
    assert back == {
        (MessageStatus.SCHEDULED, MessageStatus.DRAFT),
        (MessageStatus.CLAIMED, MessageStatus.QUEUED),
        (MessageStatus.DISPATCHING, MessageStatus.QUEUED),
    }


# -- events -----------------------------------------------------------------------------------------------------------


def test_an_event_counts_once_however_often_it_is_told(db: Database, actor: Actor) -> None:
    message_id = db.write(actor, make_sent)
    assert event(db, actor, message_id, EventType.OPEN, "1", timedelta(hours=1)) is True
    before = message_of(db, actor, message_id)
    assert event(db, actor, message_id, EventType.OPEN, "1") is False
    assert message_of(db, actor, message_id).version == before.version
    assert event(db, actor, message_id, EventType.OPEN, "2", timedelta(hours=2)) is True
    assert event(db, actor, message_id, EventType.CLICK, "3") is True
    found = message_of(db, actor, message_id)
    assert (found.open_count, found.click_count, found.status) == (2, 1, MessageStatus.SENT)
    assert found.first_opened_at is not None
    assert found.first_opened_at < (before.first_opened_at or clock.now())
    with db.read(actor) as reads:
        assert reads.count(MessageEvent) == 3


def test_an_event_is_found_by_the_providers_own_id(db: Database, actor: Actor) -> None:
    message_id = db.write(actor, make_sent)
    told = {"provider": "smtp", "provider_event_id": "1", "type": EventType.DELIVERED}
    db.write(actor, lambda tx: record_message_event(tx, provider_message_id=str(message_id), **told))
    assert message_of(db, actor, message_id).status is MessageStatus.DELIVERED
    with pytest.raises(NotFound):
        db.write(actor, lambda tx: record_message_event(tx, provider_message_id="unknown", **told))


def test_what_is_told_late_or_in_another_order_ends_the_same(db: Database, actor: Actor) -> None:
    kinds = [EventType.DELIVERED, EventType.OPEN, EventType.REPLY, EventType.SENT]
    ends = set()
    for order in (kinds, kinds[::-1], [kinds[2], kinds[0], kinds[3], kinds[1]]):
        message_id = db.write(actor, make_sent)
        for kind in order:
            event(db, actor, message_id, kind, f"{message_id}{kind}")
        found = message_of(db, actor, message_id)
        state = enrollment_of(db, actor, id=found.enrollment_id).status
        ends.add((found.status, found.open_count, found.replied_at is not None, state))
    assert ends == {(MessageStatus.DELIVERED, 1, True, EnrollmentStatus.REPLIED)}


def test_the_provider_may_be_quicker_than_the_sender(db: Database, actor: Actor) -> None:
    message_id = db.write(actor, make_queued)
    claim = db.write(actor, lambda tx: dispatched(tx, message_id))
    event(db, actor, message_id, EventType.DELIVERED, "1")
    sent = {"message_id": message_id, "claim_token": claim.token, "provider": "smtp", "provider_message_id": "<1>"}
    db.write(actor, partial(mark_sent, **sent))
    found = message_of(db, actor, message_id)
    assert (found.status, found.provider_message_id) == (MessageStatus.DELIVERED, "<1>")
    assert enrollment_of(db, actor).current_step == 1


REPLY = {"subject": "Re: Hello", "text": "Tell me more.", "message_id": "<r1@firm.example>"}


@pytest.mark.parametrize(("data", "content"), [(REPLY, "Tell me more."), ({}, ""), ({"text": 7}, "7")])
def test_a_reply_is_kept_in_the_thread_and_stops_the_campaign(
    db: Database, actor: Actor, data: dict[str, Any], content: str
) -> None:
    message_id = db.write(actor, make_sent)
    original = message_of(db, actor, message_id)
    told = {"provider": "postmark", "type": EventType.REPLY, "message_id": message_id, "data": data}
    for recorded in (True, False, False):
        unit = partial(record_message_event, provider_event_id="1", **told)
        assert db.write(actor, unit) is recorded
    if "message_id" in data:
        # Told under another id it is another event, but the same answer.
        assert db.write(actor, partial(record_message_event, provider_event_id="2", **told)) is True
    with db.read(actor) as reads:
        [answer] = reads.rows(Message, direction=Direction.INBOUND)
        steps = reads.rows(Message, outreach_campaign_id=original.outreach_campaign_id)
    assert (answer.content, answer.subject) == (content, data.get("subject"))
    assert (answer.prospect_id, answer.in_reply_to_id) == (original.prospect_id, message_id)
    assert (answer.thread_key, answer.status) == (original.thread_key, MessageStatus.DELIVERED)
    assert [step.id for step in steps] == [message_id]
    found = enrollment_of(db, actor)
    assert (found.status, found.next_step_at, found.stop_reason) == (EnrollmentStatus.REPLIED, None, "reply")
    assert db.write(actor, lambda tx: queue_step_message(tx, enrollment_id=found.id)) is None


def test_a_reply_takes_back_what_waits_even_from_a_sender(db: Database, actor: Actor) -> None:
    message_id = db.write(actor, make_sent)
    enrollment = enrollment_of(db, actor)
    due_now(db, actor, enrollment.id)
    second = db.write(actor, lambda tx: queue_step_message(tx, enrollment_id=enrollment.id))
    assert second is not None
    claim = db.write(actor, lambda tx: claimed(tx, second))
    event(db, actor, message_id, EventType.REPLY, "1")
    assert message_of(db, actor, second).status is MessageStatus.CANCELLED
    with pytest.raises(ClaimLost):
        db.write(actor, lambda tx: begin_dispatch(tx, claim=claim))


def test_a_sequence_may_go_on_after_a_reply(db: Database, actor: Actor) -> None:
    sequence_id = db.write(actor, lambda tx: make_sequence(tx, settings={"stop_on_reply": False}))
    message_id = db.write(actor, lambda tx: make_sent(tx, sequence_id=sequence_id))
    event(db, actor, message_id, EventType.REPLY, "1")
    assert enrollment_of(db, actor).status is EnrollmentStatus.ACTIVE


def test_a_hard_bounce_suppresses_the_address_and_stops_every_campaign(db: Database, actor: Actor) -> None:
    id = db.write(actor, lambda tx: make_prospect(tx, email=ANN))
    message_id = db.write(actor, lambda tx: make_sent(tx, id))
    other = db.write(actor, lambda tx: make_queued(tx, id))
    event(db, actor, message_id, EventType.BOUNCE_SOFT, "0")
    assert message_of(db, actor, message_id).status is MessageStatus.SENT
    event(db, actor, message_id, EventType.BOUNCE_HARD, "1")
    assert message_of(db, actor, message_id).status is MessageStatus.BOUNCED
    assert message_of(db, actor, other).status is MessageStatus.CANCELLED
    with db.read(actor) as reads:
        prospect = reads.get(Prospect, id)
        assert {row.status for row in reads.rows(Enrollment)} == {EnrollmentStatus.BOUNCED}
        [suppression] = reads.rows(Suppression)
    assert (prospect.email_status, prospect.opted_out_at) == (EmailStatus.BOUNCED, None)
    assert suppression.source_message_id == message_id


def test_a_bounce_of_an_old_address_leaves_the_new_one_alone(db: Database, actor: Actor) -> None:
    id = db.write(actor, lambda tx: make_prospect(tx, email=ANN))
    message_id = db.write(actor, lambda tx: make_sent(tx, id))
    db.write(actor, lambda tx: update_prospect(tx, id=id, changes={"email": "ann@new.example"}))
    event(db, actor, message_id, EventType.BOUNCE_HARD, "1")
    with db.read(actor) as reads:
        assert is_suppressed(reads, ANN)
        assert not is_suppressed(reads, "ann@new.example")
        assert reads.get(Prospect, id).email_status is EmailStatus.UNKNOWN
    assert enrollment_of(db, actor).status is EnrollmentStatus.ACTIVE


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(EventType.COMPLAINT, OptOutReason.COMPLAINT), (EventType.UNSUBSCRIBE, OptOutReason.UNSUBSCRIBE)],
)
def test_who_complains_or_leaves_is_left_alone_at_every_address(
    db: Database, actor: Actor, kind: EventType, reason: OptOutReason
) -> None:
    id = db.write(actor, lambda tx: make_prospect(tx, email=ANN))
    message_id = db.write(actor, lambda tx: make_sent(tx, id))
    db.write(actor, lambda tx: update_prospect(tx, id=id, changes={"email": "ann@new.example"}))
    event(db, actor, message_id, kind, "1")
    with db.read(actor) as reads:
        assert reads.get(Prospect, id).opt_out_reason is reason
        assert is_suppressed(reads, ANN)
        assert is_suppressed(reads, "ann@new.example")
    assert enrollment_of(db, actor).status is EnrollmentStatus.UNSUBSCRIBED
