"""Who gets a step of a sequence, by what became of the messages before it."""

import json
from functools import partial
from typing import Any

import pytest

from growbase.core import clock
from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import Invalid
from growbase.core.schema import create_schema
from growbase.domains.outreach.actions_events import record_message_event
from growbase.domains.outreach.actions_sending import mark_sent
from growbase.domains.outreach.actions_sequences import (
    create_sequence,
    create_step,
    revise_step,
    set_steps,
    update_step,
)
from growbase.domains.outreach.actions_steps import queue_step_message
from growbase.domains.outreach.models_messages import EventType, Message
from growbase.domains.outreach.models_sequences import Enrollment, EnrollmentStatus, SequenceStep
from tests.domains.outreach.factories import (
    dispatched,
    enrollment_of,
    make_prospect,
    make_running,
    make_sequence,
    message_of,
)

HELLO = {"step_key": "hello", "content": "Hello"}
AGAIN = {"step_key": "again", "content": "Again"}
BYE = {"step_key": "bye", "content": "Bye"}


def step_due(db: Database, actor: Actor) -> str | None:
    """Make the message of the step that is due, send it and return the step's key; None if nobody gets it."""
    id = enrollment_of(db, actor).id
    if enrollment_of(db, actor).status is EnrollmentStatus.ACTIVE:
        db.write(actor, lambda tx: tx.update(Enrollment, id, {"next_step_at": clock.now()}))
    message_id = db.write(actor, partial(queue_step_message, enrollment_id=id))
    if message_id is None:
        return None
    claim = db.write(actor, partial(dispatched, message_id=message_id))
    db.write(actor, partial(mark_sent, message_id=message_id, claim_token=claim.token))
    return message_of(db, actor, message_id).step_key


@pytest.mark.parametrize(
    ("conditions", "told", "gets"),
    [
        (None, [], True),
        ({}, [EventType.OPEN], True),
        ({"opened": False}, [], True),
        ({"opened": False}, [EventType.OPEN], False),
        ({"opened": True}, [], False),
        ({"opened": True}, [EventType.OPEN], True),
        ({"clicked": False}, [EventType.OPEN], True),
        ({"clicked": False}, [EventType.CLICK], False),
        ({"clicked": True}, [EventType.CLICK], True),
        ({"replied": False}, [EventType.OPEN, EventType.CLICK], True),
        ({"replied": False}, [EventType.REPLY], False),
        ({"replied": True}, [EventType.REPLY], True),
        ({"opened": True, "clicked": False}, [EventType.OPEN], True),
        ({"opened": True, "clicked": False}, [EventType.OPEN, EventType.CLICK], False),
        # Told of the first message, while the second one was not opened.
        ({"opened": False, "step": "again"}, [EventType.OPEN], True),
        ({"opened": False, "step": "hello"}, [EventType.OPEN], False),
        ({"opened": True, "step": "again"}, [EventType.OPEN], False),
    ],
)
def test_a_step_goes_to_those_for_whom_its_conditions_hold(
    db: Database, actor: Actor, conditions: dict[str, Any] | None, told: list[EventType], gets: object
) -> None:
    steps = [HELLO, AGAIN, {"step_key": "asked", "content": "Asked", "conditions": conditions}, BYE]
    settings = {"stop_on_reply": False}
    sequence_id = db.write(actor, lambda tx: make_sequence(tx, steps, settings=settings))
    db.write(actor, lambda tx: make_running(tx, make_prospect(tx), sequence_id=sequence_id))
    assert [step_due(db, actor), step_due(db, actor)] == ["hello", "again"]
    with db.read(actor) as reads:
        [first] = reads.rows(Message, step_key="hello")
    for kind in told:
        event = {"provider": "smtp", "provider_event_id": kind.value, "type": kind, "message_id": first.id}
        db.write(actor, lambda tx, event=event: record_message_event(tx, **event))
    assert step_due(db, actor) == ("asked" if gets else None)
    found = enrollment_of(db, actor)
    assert (found.current_step, found.status) == (3, EnrollmentStatus.ACTIVE)
    assert step_due(db, actor) == "bye"
    assert enrollment_of(db, actor).status is EnrollmentStatus.COMPLETED


def test_who_does_not_get_the_last_step_has_completed_the_sequence(db: Database, actor: Actor) -> None:
    steps = [HELLO, {**AGAIN, "conditions": {"opened": True}}]
    sequence_id = db.write(actor, lambda tx: make_sequence(tx, steps))
    db.write(actor, lambda tx: make_running(tx, make_prospect(tx), sequence_id=sequence_id))
    assert [step_due(db, actor), step_due(db, actor)] == ["hello", None]
    found = enrollment_of(db, actor)
    assert (found.status, found.current_step) == (EnrollmentStatus.COMPLETED, 2)


def test_a_first_step_may_be_passed_over(db: Database, actor: Actor) -> None:
    steps = [{**HELLO, "conditions": {"replied": True}}, AGAIN]
    sequence_id = db.write(actor, lambda tx: make_sequence(tx, steps))
    db.write(actor, lambda tx: make_running(tx, make_prospect(tx), sequence_id=sequence_id))
    assert [step_due(db, actor), step_due(db, actor)] == [None, "again"]


@pytest.mark.parametrize(
    ("conditions", "field"),
    [
        ({"opend": False}, "conditions.opend"),
        ({"opened": "maybe"}, "conditions.opened"),
        ({"opened": False, "step": ""}, "conditions.step"),
    ],
)
def test_a_condition_there_is_none_of_is_refused(conditions: dict[str, Any], field: str) -> None:
    schema = create_schema("sequence_steps", SequenceStep)
    body = {"sequence_id": str(clock.new_id()), **HELLO, "conditions": conditions}
    with pytest.raises(Invalid) as refused:
        schema.parse(json.dumps(body).encode())
    assert [error.field for error in refused.value.fields] == [field]


def test_a_condition_asks_for_an_earlier_step(db: Database, actor: Actor) -> None:
    later = {"opened": False, "step": "bye"}
    sequence_id = db.write(actor, lambda tx: make_sequence(tx, [HELLO, AGAIN, BYE]))
    with db.read(actor) as reads:
        [again] = reads.rows(SequenceStep, step_key="again")
    steps = [HELLO, {**AGAIN, "conditions": later}, BYE]
    refused = {
        "steps.1.conditions.step": [
            partial(create_sequence, name="Wrong", steps=steps),
            partial(set_steps, id=sequence_id, steps=steps),
        ],
        "conditions.step": [
            partial(create_step, sequence_id=sequence_id, step_key="p", content="PS", conditions={"step": "p"}),
            partial(update_step, id=again.id, changes={"conditions": later}),
            partial(revise_step, id=again.id, conditions=later),
        ],
    }
    for field, units in refused.items():
        for unit in units:
            with pytest.raises(Invalid) as error:
                db.write(actor, unit)
            assert [found.field for found in error.value.fields] == [field]
    db.write(actor, partial(create_step, sequence_id=sequence_id, step_key="ps", content="PS", conditions=later))
