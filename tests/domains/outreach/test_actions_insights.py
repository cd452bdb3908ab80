from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from growbase.core import clock
from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import InvalidTransition
from growbase.domains.outreach.actions_insights import act_on_insight, dismiss_insight, read_insight, record_insight
from growbase.domains.outreach.models_messages import AiInsight, InsightStatus
from growbase.domains.outreach.tasks import expired_insights

SOON, PAST = timedelta(hours=1), -timedelta(hours=1)


def record(db: Database, actor: Actor, title: str = "Replies fell", **over: Any) -> UUID:  # noqa: ANN401 -- columns
    values = {"type": "alert", "title": title, "description": "By half.", "dedupe_key": "replies", **over}
    return db.write(actor, lambda tx: record_insight(tx, **values))


def insight_of(db: Database, actor: Actor, id: UUID) -> AiInsight:
    with db.read(actor) as reads:
        return reads.get(AiInsight, id)


def test_what_is_found_again_is_brought_up_to_date(db: Database, actor: Actor) -> None:
    first = record(db, actor)
    db.write(actor, partial(read_insight, id=first))
    assert record(db, actor, "Replies fell again") == first
    found = insight_of(db, actor, first)
    assert (found.title, found.status) == ("Replies fell again", InsightStatus.READ)
    assert record(db, actor, dedupe_key=None) != record(db, actor, dedupe_key=None)


def test_what_was_dismissed_stays_so_until_it_expires(db: Database, actor: Actor) -> None:
    id = record(db, actor, expires_at=clock.now() + SOON)
    db.write(actor, partial(dismiss_insight, id=id))
    record(db, actor, "Again")
    assert insight_of(db, actor, id).title == "Replies fell"
    db.write(actor, lambda tx: tx.update(AiInsight, id, {"expires_at": clock.now() + PAST}))
    record(db, actor, "Again", expires_at=clock.now() + SOON)
    found = insight_of(db, actor, id)
    assert (found.title, found.status, found.read_at) == ("Again", InsightStatus.NEW, None)


def test_what_nobody_acted_on_expires_by_itself_and_may_come_again(db: Database, actor: Actor) -> None:
    old = record(db, actor, expires_at=clock.now() + PAST)
    done = record(db, actor, dedupe_key="done", expires_at=clock.now() + PAST)
    record(db, actor, dedupe_key="later", expires_at=clock.now() + SOON)
    db.write(actor, partial(act_on_insight, id=done))
    assert expired_insights(db) == 1
    assert expired_insights(db) == 0
    assert insight_of(db, actor, old).status is InsightStatus.EXPIRED
    assert insight_of(db, actor, done).status is InsightStatus.ACTED
    with pytest.raises(InvalidTransition):
        db.write(actor, partial(dismiss_insight, id=done))
    record(db, actor, expires_at=clock.now() + SOON)
    assert insight_of(db, actor, old).status is InsightStatus.NEW


def test_each_look_is_noted_once(db: Database, actor: Actor) -> None:
    id = record(db, actor)
    db.write(actor, partial(read_insight, id=id))
    first = insight_of(db, actor, id)
    assert first.read_at is not None
    db.write(actor, partial(read_insight, id=id))
    db.write(actor, partial(act_on_insight, id=id))
    assert insight_of(db, actor, id).read_at == first.read_at
