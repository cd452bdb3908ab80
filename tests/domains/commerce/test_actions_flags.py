from datetime import timedelta
from uuid import UUID

import pytest

from growbase.core import clock
from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import Invalid, InvalidTransition, NotUnique
from growbase.domains.commerce.actions_flags import (
    create_flag,
    detect_flag,
    dismiss_flag,
    reopen_flag,
    resolve_flag,
    snooze_flag,
    unsnooze_flags,
)
from growbase.domains.commerce.models_flags import FlagEventKind, FlagStatus, OrderFlag, OrderFlagEvent, Urgency
from tests.domains.commerce.factories import AtOnce, make_store


@pytest.fixture
def store_id(db: Database, actor: Actor) -> UUID:
    return db.write(actor, make_store)


def detect(db: Database, actor: Actor, store_id: UUID, severity: Urgency = Urgency.NORMAL) -> OrderFlag:
    id = db.write(
        actor,
        lambda tx: detect_flag(tx, store_id=store_id, shopify_order_id="1", flag_type="high_value", severity=severity),
    )
    with db.read(actor) as reads:
        return reads.get(OrderFlag, id)


def move(db: Database, actor: Actor, id: UUID, to: FlagStatus) -> None:
    later = clock.now() + timedelta(days=1)
    steps = {
        FlagStatus.SNOOZED: lambda tx: snooze_flag(tx, id=id, until=later),
        FlagStatus.RESOLVED: lambda tx: resolve_flag(tx, id=id, notes="done"),
        FlagStatus.DISMISSED: lambda tx: dismiss_flag(tx, id=id),
    }
    if to in steps:
        db.write(actor, steps[to])


@pytest.mark.parametrize(
    ("before", "severity", "after", "reopened"),
    [
        (FlagStatus.OPEN, Urgency.NORMAL, FlagStatus.OPEN, 0),
        (FlagStatus.OPEN, Urgency.HIGH, FlagStatus.OPEN, 0),
        (FlagStatus.SNOOZED, Urgency.HIGH, FlagStatus.SNOOZED, 0),
        (FlagStatus.RESOLVED, Urgency.LOW, FlagStatus.OPEN, 1),
        (FlagStatus.RESOLVED, Urgency.HIGH, FlagStatus.OPEN, 1),
        (FlagStatus.DISMISSED, Urgency.NORMAL, FlagStatus.DISMISSED, 0),
        (FlagStatus.DISMISSED, Urgency.HIGH, FlagStatus.OPEN, 1),
    ],
)
def test_a_reason_found_again_is_the_same_flag(
    db: Database, actor: Actor, store_id: UUID, before: FlagStatus, severity: Urgency, after: FlagStatus, reopened: int
) -> None:
    first = detect(db, actor, store_id)
    move(db, actor, first.id, before)
    again = detect(db, actor, store_id, severity)
    assert (again.id, again.status, again.reopen_count) == (first.id, after, reopened)
    worst = Urgency.HIGH if severity is Urgency.HIGH else Urgency.NORMAL
    assert again.severity is worst
    with db.read(actor) as reads:
        assert reads.count(OrderFlag) == 1


def test_a_resolution_stays_in_the_history_when_the_flag_opens_again(
    db: Database, actor: Actor, store_id: UUID
) -> None:
    flag = detect(db, actor, store_id)
    move(db, actor, flag.id, FlagStatus.RESOLVED)
    with db.read(actor) as reads:
        resolved = reads.get(OrderFlag, flag.id)
    assert (resolved.resolution_notes, resolved.resolved_by) == ("done", actor.id)
    again = detect(db, actor, store_id)
    assert (again.resolved_at, again.resolved_by, again.resolution_notes) == (None, None, None)
    with db.read(actor) as reads:
        events = reads.rows(OrderFlagEvent, order_flag_id=flag.id, order="created_at, id")
    kinds = [FlagEventKind.OPENED, FlagEventKind.RESOLVED, FlagEventKind.REOPENED]
    assert [event.kind for event in events] == kinds
    assert (events[2].notes, events[2].resolved_by, events[2].resolved_at) == ("done", actor.id, resolved.resolved_at)


def test_a_flag_is_resolved_if_and_only_if_it_says_when(db: Database, actor: Actor, store_id: UUID) -> None:
    flag = detect(db, actor, store_id)
    for wrong in (
        {"status": "resolved", "resolved_at": None},
        {"resolved_at": clock.now()},
        {"status": "snoozed", "snoozed_until": None},
    ):
        with pytest.raises(Invalid):
            db.write(actor, lambda tx, wrong=wrong: tx.update(OrderFlag, flag.id, wrong))


def test_a_snoozed_flag_comes_back_when_its_time_has_come(db: Database, actor: Actor, store_id: UUID) -> None:
    flag = detect(db, actor, store_id)
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: snooze_flag(tx, id=flag.id, until=tx.now))
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: tx.transition(OrderFlag, flag.id, FlagStatus.SNOOZED))
    move(db, actor, flag.id, FlagStatus.SNOOZED)
    assert db.write(actor, unsnooze_flags) == 0
    db.write(actor, lambda tx: tx.update(OrderFlag, flag.id, {"snoozed_until": tx.now - timedelta(seconds=1)}))
    assert db.write(actor, unsnooze_flags) == 1
    with db.read(actor) as reads:
        found = reads.get(OrderFlag, flag.id)
    assert (found.status, found.snoozed_until, found.reopen_count) == (FlagStatus.OPEN, None, 0)


def test_people_dismiss_and_reopen(db: Database, actor: Actor, store_id: UUID) -> None:
    flag = detect(db, actor, store_id)
    move(db, actor, flag.id, FlagStatus.DISMISSED)
    with pytest.raises(InvalidTransition):
        db.write(actor, lambda tx: resolve_flag(tx, id=flag.id))
    db.write(actor, lambda tx: reopen_flag(tx, id=flag.id))
    with db.read(actor) as reads:
        assert reads.get(OrderFlag, flag.id).reopen_count == 1


def test_an_order_has_a_type_of_flag_once(db: Database, actor: Actor, store_id: UUID) -> None:
    flag = {"store_id": store_id, "shopify_order_id": "1", "flag_type": "custom:gift"}
    db.write(actor, lambda tx: create_flag(tx, **flag))
    with pytest.raises(NotUnique):
        db.write(actor, lambda tx: create_flag(tx, **flag))
    for wrong in ("gift", "custom:", "high-value"):
        with pytest.raises(Invalid):
            db.write(actor, lambda tx, wrong=wrong: create_flag(tx, **{**flag, "flag_type": wrong}))


def test_a_reason_found_by_many_at_once_is_one_flag(
    db: Database, actor: Actor, store_id: UUID, at_once: AtOnce
) -> None:
    found = at_once([lambda: detect(db, actor, store_id).id] * 5)
    assert len(set(found)) == 1
