from functools import partial
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import Conflict, Invalid
from growbase.core.trash import restore
from growbase.domains.outreach.actions_sequences import (
    create_step,
    move_step,
    remove_sequence,
    remove_step,
    revise_step,
    set_steps,
    update_step,
)
from growbase.domains.outreach.models_messages import Message
from growbase.domains.outreach.models_sequences import Enrollment, Sequence, SequenceStep
from growbase.domains.outreach.personalise import MissingValue, personalise
from tests.domains.outreach.factories import STEPS, make_prospect, make_running, make_sent, make_sequence


def steps_of(db: Database, actor: Actor, sequence_id: UUID) -> list[SequenceStep]:
    with db.read(actor) as reads:
        return reads.rows(SequenceStep, sequence_id=sequence_id, superseded_at=None, order="step_number")


def keys_of(db: Database, actor: Actor, sequence_id: UUID) -> list[tuple[int, str]]:
    return [(step.step_number, step.step_key) for step in steps_of(db, actor, sequence_id)]


def draft(key: str, **over: object) -> dict[str, Any]:
    return {"step_key": key, "content": f"Text {key}", **over}


def sent_step(db: Database, actor: Actor) -> tuple[UUID, SequenceStep, UUID]:
    """Send the first step of a sequence and return sequence, step and message."""
    sequence_id = db.write(actor, make_sequence)
    message_id = db.write(actor, lambda tx: make_sent(tx, sequence_id=sequence_id))
    return sequence_id, steps_of(db, actor, sequence_id)[0], message_id


def test_a_set_of_steps_replaces_the_one_before_and_keeps_known_keys(db: Database, actor: Actor) -> None:
    sequence_id = db.write(actor, make_sequence)
    before = {step.step_key: step.id for step in steps_of(db, actor, sequence_id)}
    drafts = [draft("bye"), draft("new", delay_days=2), draft("hello", content="Other words")]
    db.write(actor, lambda tx: set_steps(tx, id=sequence_id, steps=drafts))
    after = steps_of(db, actor, sequence_id)
    assert [(step.step_number, step.step_key) for step in after] == [(1, "bye"), (2, "new"), (3, "hello")]
    assert (after[0].id, after[2].id) == (before["bye"], before["hello"])
    assert (after[2].content, after[2].revision) == ("Other words", 1)
    db.write(actor, lambda tx: set_steps(tx, id=sequence_id, steps=[]))
    assert keys_of(db, actor, sequence_id) == []


def test_two_steps_never_share_a_key_and_use_only_known_variables(db: Database, actor: Actor) -> None:
    sequence_id = db.write(actor, make_sequence)
    with pytest.raises(Invalid) as refused:
        db.write(actor, lambda tx: set_steps(tx, id=sequence_id, steps=[draft("a"), draft("a")]))
    assert [error.field for error in refused.value.fields] == ["steps.1.step_key"]
    with pytest.raises(Invalid) as refused:
        db.write(actor, lambda tx: set_steps(tx, id=sequence_id, steps=[draft("a", content="{{pasword}}")]))
    assert [error.field for error in refused.value.fields] == ["steps.0.content"]
    assert len(keys_of(db, actor, sequence_id)) == 3


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["add", "remove", "move"]), st.integers(0, 9), st.integers(1, 9))))
def test_steps_are_numbered_from_1_without_gaps_whatever_is_done(
    db: Database, actor: Actor, deeds: list[tuple[str, int, int]]
) -> None:
    sequence_id = db.write(actor, make_sequence)
    for place, (deed, which, to) in enumerate(deeds):
        steps = steps_of(db, actor, sequence_id)
        if deed == "add":
            db.write(actor, lambda tx, place=place: create_step(tx, sequence_id=sequence_id, **draft(f"k{place}")))
        elif steps:
            id = steps[which % len(steps)].id
            if deed == "remove":
                db.write(actor, partial(remove_step, id=id))
            else:
                db.write(actor, partial(move_step, id=id, step_number=to))
                moved = [step.id for step in steps_of(db, actor, sequence_id)].index(id) + 1
                assert moved == min(to, len(steps))
        numbers = [number for number, _ in keys_of(db, actor, sequence_id)]
        assert numbers == list(range(1, len(numbers) + 1))


def test_a_removed_step_can_come_back_to_the_end(db: Database, actor: Actor) -> None:
    sequence_id = db.write(actor, make_sequence)
    first = steps_of(db, actor, sequence_id)[0]
    db.write(actor, partial(remove_step, id=first.id))
    db.write(actor, lambda tx: restore(tx, SequenceStep, first.id))
    assert keys_of(db, actor, sequence_id) == [(1, "again"), (2, "bye"), (3, "hello")]


def test_a_step_nobody_got_is_changed_in_place(db: Database, actor: Actor) -> None:
    sequence_id = db.write(actor, make_sequence)
    step = steps_of(db, actor, sequence_id)[1]
    db.write(actor, lambda tx: update_step(tx, id=step.id, changes={"content": "Better"}))
    assert db.write(actor, lambda tx: revise_step(tx, id=step.id, subject="Best")) == step.id
    changed = steps_of(db, actor, sequence_id)[1]
    assert (changed.content, changed.subject, changed.revision) == ("Better", "Best", 1)


def test_a_step_that_was_sent_gets_a_new_revision(db: Database, actor: Actor) -> None:
    sequence_id, step, message_id = sent_step(db, actor)
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: update_step(tx, id=step.id, changes={"content": "Better"}))
    db.write(actor, lambda tx: update_step(tx, id=step.id, changes={"is_active": False}))
    revised = db.write(actor, lambda tx: revise_step(tx, id=step.id, content="Better"))
    assert revised != step.id
    current = steps_of(db, actor, sequence_id)[0]
    assert (current.id, current.step_key, current.step_number) == (revised, "hello", 1)
    assert (current.revision, current.supersedes_id, current.content) == (2, step.id, "Better")
    assert current.subject == STEPS[0]["subject"]
    with db.read(actor) as reads:
        assert reads.get(Message, message_id).sequence_step_id == step.id
        assert reads.get(SequenceStep, step.id).content == STEPS[0]["content"]
    for deed in (partial(revise_step, content="x"), partial(move_step, step_number=2), remove_step):
        with pytest.raises(Conflict):
            db.write(actor, partial(deed, id=step.id))


def test_a_set_of_steps_supersedes_what_was_sent(db: Database, actor: Actor) -> None:
    sequence_id, step, _ = sent_step(db, actor)
    same = {name: step.__dict__[name] for name in ("step_key", "subject", "content")}
    db.write(actor, lambda tx: set_steps(tx, id=sequence_id, steps=[draft("a"), same]))
    assert [step.id for step in steps_of(db, actor, sequence_id)][1] == step.id
    db.write(actor, lambda tx: set_steps(tx, id=sequence_id, steps=[{**same, "content": "Better"}, draft("a")]))
    assert [(found.step_key, found.revision) for found in steps_of(db, actor, sequence_id)] == [("hello", 2), ("a", 1)]


def test_removing_a_step_keeps_its_messages_and_repeats_nothing(db: Database, actor: Actor) -> None:
    """A log that goes with its step makes everybody go through the sequence again."""
    _, step, message_id = sent_step(db, actor)
    db.write(actor, partial(remove_step, id=step.id))
    with db.read(actor) as reads:
        assert reads.get(Message, message_id).sequence_step_id == step.id
        [enrollment] = reads.rows(Enrollment)
    assert enrollment.next_step_at is not None


def test_a_sequence_that_runs_stays(db: Database, actor: Actor) -> None:
    sequence_id = db.write(actor, make_sequence)
    id = db.write(actor, make_prospect)
    db.write(actor, lambda tx: make_running(tx, id, sequence_id=sequence_id))
    with pytest.raises(Conflict):
        db.write(actor, partial(remove_sequence, id=sequence_id))
    other = db.write(actor, make_sequence)
    db.write(actor, partial(remove_sequence, id=other))
    db.write(actor, lambda tx: restore(tx, Sequence, other))
    assert len(steps_of(db, actor, other)) == 3


def test_words_are_filled_in_or_fall_back_or_are_missing() -> None:
    values = {"first_name": "Ann", "job_title": None, "company_name": "{{first_name}}"}
    assert personalise("{{first_name}} {{ job_title | friend }} {{job_title|}}!", values) == "Ann friend !"
    assert personalise("{{company_name}}", values) == "{{first_name}}"
    with pytest.raises(MissingValue, match="job_title"):
        personalise("{{job_title}}", values)
