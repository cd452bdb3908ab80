from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import Conflict, Invalid, NotFound
from growbase.core.transaction import Transaction
from growbase.domains.marketing.actions_contents import approve_content, publish_content, submit_content
from growbase.domains.marketing.actions_variants import assign_variant, choose_winner, pick, set_variants, spread_evenly
from growbase.domains.marketing.models import Content, ContentStatus, ContentVariant, VariantStatus
from tests.domains.marketing.factories import make_content, make_variants


@given(st.integers(min_value=1, max_value=100))
def test_evenly_spread_weights_add_up_to_100_and_differ_by_one_at_most(count: int) -> None:
    weights = spread_evenly(count)
    assert len(weights) == count
    assert sum(weights) == 100
    assert max(weights) - min(weights) <= 1
    assert weights == sorted(weights, reverse=True)


def variants_of(db: Database, actor: Actor, content_id: UUID) -> list[ContentVariant]:
    with db.read(actor) as reads:
        return reads.rows(ContentVariant, content_id=content_id, order="key")


def test_a_set_replaces_the_one_before_and_keeps_the_ids_of_known_keys(db: Database, actor: Actor) -> None:
    content_id = db.write(actor, make_content)
    db.write(actor, lambda tx: make_variants(tx, content_id, 50, 30, 20))
    before = {variant.key: variant.id for variant in variants_of(db, actor, content_id)}
    drafts = [
        {"key": "B", "body": "New", "weight_percent": 70, "is_control": True},
        {"key": "D", "body": "Fresh", "weight_percent": 30},
        {"key": "A", "body": "Text A", "weight_percent": 10, "status": "paused"},
    ]
    db.write(actor, lambda tx: set_variants(tx, id=content_id, variants=drafts))
    after = variants_of(db, actor, content_id)
    assert [(v.key, v.weight_percent, v.is_control) for v in after] == [
        ("A", 10, False),
        ("B", 70, True),
        ("D", 30, False),
    ]
    assert after[0].id == before["A"]
    assert after[1].id == before["B"]


@pytest.mark.parametrize(
    "weights", [(50, 49), (100, 1), (0, 0), (60, 41)], ids=["too little", "too much", "nothing", "one over"]
)
def test_weights_that_are_not_100_are_refused(db: Database, actor: Actor, weights: tuple[int, ...]) -> None:
    content_id = db.write(actor, make_content)
    db.write(actor, lambda tx: make_variants(tx, content_id, 50, 50))
    with pytest.raises(Invalid) as refused:
        db.write(actor, lambda tx: make_variants(tx, content_id, *weights))
    assert refused.value.fields[0].params["total"] == sum(weights)
    assert [variant.weight_percent for variant in variants_of(db, actor, content_id)] == [50, 50]


def test_two_variants_never_share_a_key_or_the_control(db: Database, actor: Actor) -> None:
    content_id = db.write(actor, make_content)
    half = {"body": "x", "weight_percent": 50}
    for drafts in (
        [{"key": "A", **half}, {"key": "A", **half}],
        [{"key": "A", "is_control": True, **half}, {"key": "B", "is_control": True, **half}],
    ):
        with pytest.raises(Invalid):
            db.write(actor, lambda tx, drafts=drafts: set_variants(tx, id=content_id, variants=drafts))


def test_a_subject_always_sees_the_same_variant(db: Database, actor: Actor) -> None:
    content_id = db.write(actor, make_content)
    db.write(actor, lambda tx: make_variants(tx, content_id, *spread_evenly(3)))
    subjects = [f"subject-{number}" for number in range(60)]

    def assign(tx: Transaction) -> dict[str, object]:
        return {subject: assign_variant(tx, id=content_id, subject_key=subject)["key"] for subject in subjects}

    first = db.write(actor, assign)
    assert db.write(actor, assign) == first
    db.write(actor, lambda tx: make_variants(tx, content_id, 1, 1, 98))
    assert db.write(actor, assign) == first
    assert len(set(first.values())) == 3


def test_a_subject_of_a_removed_variant_gets_another_one_for_good(db: Database, actor: Actor) -> None:
    content_id = db.write(actor, make_content)
    db.write(actor, lambda tx: make_variants(tx, content_id, 100))

    def assign(tx: Transaction) -> object:
        return assign_variant(tx, id=content_id, subject_key="ann")["key"]

    assert db.write(actor, assign) == "A"
    fresh = [{"key": "Z", "body": "z", "weight_percent": 100}]
    db.write(actor, lambda tx: set_variants(tx, id=content_id, variants=fresh))
    assert db.write(actor, assign) == "Z"


def test_weights_decide_how_many_see_a_variant(db: Database, actor: Actor) -> None:
    content_id = db.write(actor, make_content)
    db.write(actor, lambda tx: make_variants(tx, content_id, 80, 20, 0))
    variants = variants_of(db, actor, content_id)
    seen = Counter(pick(content_id, f"s{number}", variants).key for number in range(2_000))
    assert 1_500 < seen["A"] < 1_700
    assert seen["C"] == 0


def test_a_winner_gets_everybody_and_the_content_stays_published(db: Database, actor: Actor) -> None:
    content_id = db.write(actor, make_content)
    db.write(actor, lambda tx: make_variants(tx, content_id, 50, 50))
    for step in (submit_content, approve_content, publish_content):
        db.write(actor, lambda tx, step=step: step(tx, id=content_id))
    db.write(actor, lambda tx: [assign_variant(tx, id=content_id, subject_key=f"s{n}") for n in range(20)])
    with pytest.raises(NotFound):
        db.write(actor, lambda tx: choose_winner(tx, id=content_id, key="C"))
    db.write(actor, lambda tx: choose_winner(tx, id=content_id, key="B"))
    shown = db.write(
        actor, lambda tx: {assign_variant(tx, id=content_id, subject_key=f"s{n}")["key"] for n in range(20)}
    )
    assert shown == {"B"}
    states = {variant.key: (variant.status, variant.weight_percent) for variant in variants_of(db, actor, content_id)}
    assert states == {"A": (VariantStatus.LOSER, 0), "B": (VariantStatus.WINNER, 100)}
    with db.read(actor) as reads:
        assert reads.get(Content, content_id).status is ContentStatus.PUBLISHED


def test_a_content_without_variants_has_none_to_assign(db: Database, actor: Actor) -> None:
    content_id = db.write(actor, make_content)
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: assign_variant(tx, id=content_id, subject_key="ann"))


def test_new_words_need_approval_again_but_new_weights_do_not(db: Database, actor: Actor) -> None:
    content_id = db.write(actor, make_content)
    db.write(actor, lambda tx: make_variants(tx, content_id, 50, 50))

    def status() -> ContentStatus:
        with db.read(actor) as reads:
            return reads.get(Content, content_id).status

    for step in (submit_content, approve_content):
        db.write(actor, lambda tx, step=step: step(tx, id=content_id))
    db.write(actor, lambda tx: make_variants(tx, content_id, 70, 30))
    assert status() is ContentStatus.APPROVED
    words = [{"key": "A", "body": "Other words", "weight_percent": 100}]
    db.write(actor, lambda tx: set_variants(tx, id=content_id, variants=words))
    assert status() is ContentStatus.DRAFT
    for step in (submit_content, approve_content, publish_content):
        db.write(actor, lambda tx, step=step: step(tx, id=content_id))
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: make_variants(tx, content_id, 100))
