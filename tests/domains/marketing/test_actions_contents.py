from collections.abc import Callable
from uuid import UUID

import pytest

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import Conflict, Invalid, InvalidTransition, Stale
from growbase.domains.marketing.actions_contents import (
    approve_content,
    archive_content,
    content_hash,
    publish_content,
    reject_content,
    submit_content,
    update_content,
)
from growbase.domains.marketing.models import Content, ContentStatus, ContentVariant, Journey, JourneyStage
from tests.domains.marketing.factories import make_campaign, make_content, make_variants


def content_of(db: Database, actor: Actor, content_id: UUID) -> Content:
    with db.read(actor) as reads:
        return reads.get(Content, content_id)


def take(db: Database, actor: Actor, content_id: UUID, *steps: Callable[..., UUID]) -> Content:
    for step in steps:
        db.write(actor, lambda tx, step=step: step(tx, id=content_id))
    return content_of(db, actor, content_id)


def test_an_approval_names_who_when_and_what(db: Database, actor: Actor) -> None:
    content = take(db, actor, db.write(actor, make_content), submit_content, approve_content)
    assert content.approved_by == actor.id
    assert content.approved_at is not None
    assert content.content_hash == content_hash("Hello", "Hello there.")


@pytest.mark.parametrize("changes", [{"body": "Changed."}, {"title": "Changed"}])
def test_new_words_drop_an_approval(db: Database, actor: Actor, changes: dict[str, str]) -> None:
    content = take(db, actor, db.write(actor, make_content), submit_content, approve_content)
    db.write(actor, lambda tx: update_content(tx, id=content.id, changes=changes))
    after = content_of(db, actor, content.id)
    assert after.status is ContentStatus.DRAFT
    assert (after.approved_by, after.approved_at, after.content_hash) == (None, None, None)


def test_the_same_words_and_other_fields_keep_an_approval(db: Database, actor: Actor) -> None:
    content = take(db, actor, db.write(actor, make_content), submit_content, approve_content)
    changes = {"body": content.body, "channel": "email"}
    db.write(actor, lambda tx: update_content(tx, id=content.id, changes=changes))
    assert content_of(db, actor, content.id).status is ContentStatus.APPROVED


def test_what_was_published_keeps_its_words_until_a_new_version(db: Database, actor: Actor) -> None:
    content = take(db, actor, db.write(actor, make_content), submit_content, approve_content, publish_content)
    assert content.published_at is not None
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: update_content(tx, id=content.id, changes={"body": "Changed."}))
    take(db, actor, content.id, archive_content)
    db.write(actor, lambda tx: tx.transition(Content, content.id, ContentStatus.DRAFT))
    db.write(actor, lambda tx: update_content(tx, id=content.id, changes={"body": "Changed."}))
    assert content_of(db, actor, content.id).published_at is None


def test_a_rejection_keeps_its_reason(db: Database, actor: Actor) -> None:
    content = take(db, actor, db.write(actor, lambda tx: make_content(tx, metadata={"a": 1})), submit_content)
    db.write(actor, lambda tx: reject_content(tx, id=content.id, reason="Too loud"))
    after = content_of(db, actor, content.id)
    assert after.status is ContentStatus.REJECTED
    assert after.__dict__["metadata"] == {"a": 1, "rejection_reason": "Too loud"}


def test_a_draft_is_not_published_and_nothing_is_not_reviewed(db: Database, actor: Actor) -> None:
    content_id = db.write(actor, lambda tx: make_content(tx, body=" "))
    with pytest.raises(InvalidTransition):
        take(db, actor, content_id, publish_content)
    with pytest.raises(Invalid):
        take(db, actor, content_id, submit_content)


def test_wrong_weights_are_not_approved(db: Database, actor: Actor) -> None:
    if db.engine == "postgresql":
        pytest.skip("the database itself refuses such weights here")
    content_id = db.write(actor, make_content)
    db.write(actor, lambda tx: make_variants(tx, content_id, 50, 50))
    take(db, actor, content_id, submit_content)
    db.write(actor, lambda tx: tx.update(ContentVariant, tx.find(ContentVariant, key="A").id, {"weight_percent": 40}))
    with pytest.raises(Conflict):
        take(db, actor, content_id, approve_content)


def test_the_database_itself_refuses_wrong_weights(db: Database, actor: Actor) -> None:
    if db.engine != "postgresql":
        pytest.skip("SQLite has no constraint that waits for the commit")
    content_id = db.write(actor, make_content)
    db.write(actor, lambda tx: make_variants(tx, content_id, 50, 50))
    with pytest.raises(Invalid):
        db.write(
            actor, lambda tx: tx.update(ContentVariant, tx.find(ContentVariant, key="A").id, {"weight_percent": 40})
        )


def test_a_stage_names_the_journey_and_must_belong_to_the_campaign(db: Database, actor: Actor) -> None:
    campaign_id, other_id = db.write(actor, lambda tx: (make_campaign(tx), make_campaign(tx)))
    with db.read(actor) as reads:
        journey, other = (reads.rows(Journey, campaign_id=id)[0] for id in (campaign_id, other_id))
        stage, foreign = (reads.rows(JourneyStage, journey_id=row.id)[0] for row in (journey, other))
    content_id = db.write(actor, lambda tx: make_content(tx, campaign_id, stage_id=stage.id))
    assert content_of(db, actor, content_id).journey_id == journey.id
    for wrong in ({"stage_id": foreign.id}, {"journey_id": other.id}):
        with pytest.raises(Invalid):
            db.write(actor, lambda tx, wrong=wrong: update_content(tx, id=content_id, changes=wrong))
        with pytest.raises(Invalid):
            db.write(actor, lambda tx, wrong=wrong: make_content(tx, campaign_id, **wrong))
    db.write(actor, lambda tx: update_content(tx, id=content_id, changes={"journey_id": None}))
    assert content_of(db, actor, content_id).stage_id is None


def test_an_update_on_an_old_version_is_refused(db: Database, actor: Actor) -> None:
    content_id = db.write(actor, make_content)
    db.write(actor, lambda tx: update_content(tx, id=content_id, changes={"body": "One"}, version=1))
    with pytest.raises(Stale):
        db.write(actor, lambda tx: update_content(tx, id=content_id, changes={"body": "Two"}, version=1))
