import threading
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from growbase.core import clock
from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import Conflict, Invalid
from growbase.core.transaction import Transaction
from growbase.core.trash import purge, trash
from growbase.domains.identity.usage import Metric
from growbase.domains.marketing import actions_generated
from growbase.domains.marketing.actions_generated import (
    CONTENT_TYPES,
    add_candidates,
    create_generated_content,
    promote_generated_content,
    prompt_hash,
    update_generated_content,
)
from growbase.domains.marketing.models import Campaign, Content
from growbase.domains.marketing.models_generated import GeneratedContent, GeneratedType
from growbase.jobs.retention import KEPT, retain
from tests.domains.marketing.factories import make_campaign


def candidate(**over: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"type": "social_post", "text": "Fresh coffee", "prompt": "Write a post", "model": "test", **over}


def make(tx: Transaction, **over: Any) -> UUID:  # noqa: ANN401
    values = candidate(**over)
    values.setdefault("campaign_id", None)
    campaign_id = values.pop("campaign_id") or make_campaign(tx)
    return create_generated_content(tx, campaign_id=campaign_id, **values)


def test_a_retried_job_inserts_nothing_twice(db: Database, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[tuple[Metric, int]] = []
    monkeypatch.setattr(actions_generated, "consume", lambda _, metric, by: used.append((metric, by)))
    campaign_id, job_id = db.write(actor, make_campaign), clock.new_id()
    candidates = [candidate(text=f"Number {number}") for number in range(3)]

    def add(tx: Transaction, count: int) -> list[UUID]:
        return add_candidates(tx, campaign_id=campaign_id, job_id=job_id, candidates=candidates[:count])

    assert len(db.write(actor, lambda tx: add(tx, 2))) == 2
    assert len(db.write(actor, lambda tx: add(tx, 3))) == 1
    assert db.write(actor, lambda tx: add(tx, 3)) == []
    assert used == [(Metric.CONTENT_GENERATED, 2), (Metric.CONTENT_GENERATED, 1)]
    with db.read(actor) as reads:
        rows = reads.rows(GeneratedContent, order="ordinal")
    assert [(row.ordinal, row.text, row.prompt_hash) for row in rows] == [
        (number, f"Number {number}", prompt_hash("Write a post")) for number in range(3)
    ]


def test_two_workers_with_one_job_insert_each_candidate_once(db: Database, actor: Actor) -> None:
    campaign_id, job_id = db.write(actor, make_campaign), clock.new_id()
    candidates = [candidate() for _ in range(4)]
    start, made = threading.Barrier(4), []

    def work() -> None:
        start.wait()
        unit = lambda tx: add_candidates(tx, campaign_id=campaign_id, job_id=job_id, candidates=candidates)  # noqa: E731
        made.append(len(db.write(actor, unit)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [0, 0, 0, 4]


def test_edits_win_over_the_words_of_the_model(db: Database, actor: Actor) -> None:
    def unit(tx: Transaction) -> Content:
        id = make(tx, title="Theirs", hashtags=["#a"], mentions=["@b"], platform="linkedin", media_urls=["https://x/y"])
        update_generated_content(tx, id=id, changes={"user_edits": {"text": "Ours", "hashtags": ["#c"]}})
        made = promote_generated_content(tx, id=id, to="content")
        return tx.get(Content, UUID(made["content_id"]))

    content = db.write(actor, unit)
    assert (content.title, content.body, content.channel, content.status) == ("Theirs", "Ours", "linkedin", "draft")
    kept = content.__dict__["metadata"]
    assert (kept["hashtags"], kept["mentions"], kept["media_urls"]) == (["#c"], ["@b"], ["https://x/y"])


def test_edits_have_a_form(db: Database, actor: Actor) -> None:
    id = db.write(actor, make)
    with pytest.raises(Invalid) as caught:
        db.write(actor, lambda tx: update_generated_content(tx, id=id, changes={"user_edits": {"txt": "typo"}}))
    assert caught.value.fields[0].field == "user_edits.txt"
    db.write(actor, lambda tx: update_generated_content(tx, id=id, changes={"user_edits": None}))


@pytest.mark.parametrize("kind", list(GeneratedType))
def test_every_kind_of_candidate_becomes_a_content(db: Database, actor: Actor, kind: GeneratedType) -> None:
    def unit(tx: Transaction) -> Content:
        made = promote_generated_content(tx, id=make(tx, type=kind), to="content")
        return tx.get(Content, UUID(made["content_id"]))

    assert db.write(actor, unit).type == CONTENT_TYPES[kind]


def test_a_candidate_without_words_becomes_nothing(db: Database, actor: Actor) -> None:
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: promote_generated_content(tx, id=make(tx, text=None), to="content"))
    tags = db.write(actor, lambda tx: make(tx, text=None, hashtags=["#a", "#b"], type="hashtags"))
    made = db.write(actor, lambda tx: promote_generated_content(tx, id=tags, to="content"))
    with db.read(actor) as reads:
        assert reads.get(Content, UUID(made["content_id"])).body == "#a #b"


def test_a_candidate_is_promoted_once_even_by_two_at_the_same_time(db: Database, actor: Actor) -> None:
    id = db.write(actor, make)
    start, outcomes = threading.Barrier(2), []

    def promote() -> None:
        start.wait()
        try:
            db.write(actor, lambda tx: promote_generated_content(tx, id=id, to="content"))
            outcomes.append("made")
        except Conflict as error:
            outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=promote) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["Conflict", "made"]
    assert db.query("SELECT count(*) FROM contents WHERE title IS NULL") == [(1,)]


def test_a_trashed_promotion_still_counts_and_a_purged_one_frees_the_candidate(db: Database, actor: Actor) -> None:
    id = db.write(actor, make)
    first = UUID(db.write(actor, lambda tx: promote_generated_content(tx, id=id, to="content"))["content_id"])
    db.write(actor, lambda tx: trash(tx, Content, first))
    with pytest.raises(Conflict, match=str(first)):
        db.write(actor, lambda tx: promote_generated_content(tx, id=id, to="content"))
    db.write(actor, lambda tx: purge(tx, Content, first))
    second = db.write(actor, lambda tx: promote_generated_content(tx, id=id, to="content"))
    assert second["content_id"] != str(first)


def test_a_piece_is_refused_where_there_are_none_or_no_platform_is_named(
    db: Database, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    general, named = db.write(actor, lambda tx: (make(tx, platform="general"), make(tx, platform="bluesky")))
    with monkeypatch.context() as patched:
        patched.delitem(db.catalog.by_table, "content_pieces", raising=False)
        with pytest.raises(Conflict, match="no content pieces"):
            db.write(actor, lambda tx: promote_generated_content(tx, id=named, to="piece"))
    patched_in = SimpleNamespace(create=lambda _, **__: clock.new_id(), model=Content)
    monkeypatch.setitem(db.catalog.by_table, "content_pieces", patched_in)
    with pytest.raises(Conflict, match="platform"):
        db.write(actor, lambda tx: promote_generated_content(tx, id=general, to="piece"))


def test_candidates_stay_when_their_campaign_goes(db: Database, actor: Actor) -> None:
    campaign_id = db.write(actor, make_campaign)
    id = db.write(actor, lambda tx: make(tx, campaign_id=campaign_id))
    db.write(actor, lambda tx: trash(tx, Campaign, campaign_id))
    with db.read(actor) as reads:
        assert reads.get(GeneratedContent, id).text == "Fresh coffee"
    with pytest.raises(Conflict, match="generated_contents"):
        db.write(actor, lambda tx: purge(tx, Campaign, campaign_id))
    retain(db, {**KEPT, "trash_days": -1})
    with db.read(actor) as reads:
        campaign = reads.get(Campaign, campaign_id, trash=True)
        assert campaign.purged_at is not None
        assert reads.get(GeneratedContent, id).campaign_id == campaign_id


def test_a_candidate_becomes_one_piece_of_its_platform(db: Database, actor: Actor) -> None:
    id = db.write(actor, lambda tx: make(tx, platform="bluesky", hashtags=["#a"]))
    made = db.write(actor, lambda tx: promote_generated_content(tx, id=id, to="piece"))
    with db.read(actor) as reads:
        piece = reads.get(db.catalog.models["content_pieces"], UUID(made["content_piece_id"])).__dict__
    assert (piece["body"], piece["hashtags"], piece["platform"]) == ("Fresh coffee", ["#a"], "bluesky")
    assert (piece["generated_content_id"], piece["status"]) == (id, "draft")
    with pytest.raises(Conflict, match=made["content_piece_id"]):
        db.write(actor, lambda tx: promote_generated_content(tx, id=id, to="piece"))
