from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from growbase.core.actor import Actor
from growbase.core.database import Database
from growbase.core.errors import Invalid, NotUnique
from growbase.core.transaction import Transaction
from growbase.domains.marketing.models import Brand, Campaign
from growbase.domains.social.actions_pieces import approve_piece, submit_piece
from growbase.domains.social.actions_rules import (
    contains,
    create_brand_rules,
    folded,
    remove_brand_rules,
    update_brand_rules,
    violations,
)
from growbase.domains.social.models import BrandRule, ContentPiece, PieceStatus
from tests.domains.social.factories import make_piece, piece_of


@pytest.mark.parametrize(
    ("text", "phrase", "is_hit"),
    [
        ("It is free.", "free", True),
        ("FREE!", "free", True),
        ("Freedom is freely given", "free", False),
        ("carefree", "free", False),
        ("100% guaranteed", "100%", True),
        ("a 1100% rise", "100%", False),
        ("Get   rich\nquick", "get rich quick", True),
        ("Die STRASSE", "straße", True),
        ("\uff46\uff52\uff45\uff45 of charge", "free", True),
        ("f\u00adr\u200bee", "free", True),
        ("r\u00e9sultats garantis", "re\u0301sultats GARANTIS", True),
        ("\u4eca\u5929\u514d\u8d39\u9001", "\u514d\u8d39", True),
        ("c++ is no plus", "c++", True),
        ("free_trial", "free", False),
        ("", "free", False),
        ("anything", "", False),
    ],
)
def test_whole_words_are_found_folded(text: str, phrase: str, *, is_hit: bool) -> None:
    assert contains(folded(text), folded(phrase)) is is_hit


def rules(**over: Any) -> BrandRule:  # noqa: ANN401 -- columns
    names = ("allowed_phrases", "forbidden_phrases", "allowed_hashtags", "forbidden_hashtags", "claims_to_avoid")
    return cast("BrandRule", SimpleNamespace(**{**{name: [] for name in names}, **over}))


def piece(**over: Any) -> ContentPiece:  # noqa: ANN401 -- columns
    values = {"title": None, "body": "", "hook": None, "cta": None, "thread_parts": None, "hashtags": [], **over}
    return cast("ContentPiece", SimpleNamespace(**values))


def test_every_hit_is_named_with_its_field() -> None:
    found = violations(
        rules(forbidden_phrases=["cheap"], forbidden_hashtags=["#Deal"], claims_to_avoid=["cures cancer"]),
        piece(
            body="So cheap! #deal", cta="It cures cancer", thread_parts=["fine", "CHEAP"], hashtags=["ok", "\uff24eal"]
        ),
    )
    assert [(error.field, error.code) for error in found] == [
        ("body", "forbidden_phrase"),
        ("body", "forbidden_hashtag"),
        ("cta", "claim_to_avoid"),
        ("thread_parts.1", "forbidden_phrase"),
        ("hashtags.1", "forbidden_hashtag"),
    ]
    assert found[0].params == {"phrase": "cheap"}


def test_an_allowed_phrase_excuses_the_forbidden_word_inside_it() -> None:
    both = rules(forbidden_phrases=["free"], allowed_phrases=["free trial"])
    assert violations(both, piece(body="Start your Free Trial")) == []
    assert len(violations(both, piece(body="A free trial of a free thing"))) == 1


def test_what_is_forbidden_is_not_allowed_too(db: Database, actor: Actor) -> None:
    with pytest.raises(Invalid) as refused:
        db.write(
            actor,
            lambda tx: create_brand_rules(
                tx,
                forbidden_phrases=["Stra\u00dfe", "a"],
                allowed_phrases=["STRASSE "],
                forbidden_hashtags=["#x"],
                allowed_hashtags=["X"],
            ),
        )
    assert [error.field for error in refused.value.fields] == ["forbidden_phrases", "forbidden_hashtags"]
    rules_id = db.write(actor, lambda tx: create_brand_rules(tx, forbidden_phrases=["a"]))
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: update_brand_rules(tx, id=rules_id, changes={"allowed_phrases": ["A"]}))


def test_rules_count_their_versions(db: Database, actor: Actor) -> None:
    rules_id = db.write(actor, lambda tx: create_brand_rules(tx, forbidden_phrases=["a"]))

    def change(tone: str) -> int:
        db.write(actor, lambda tx: update_brand_rules(tx, id=rules_id, changes={"tone": tone}))
        with db.read(actor) as reads:
            return reads.get(BrandRule, rules_id).rules_version

    assert [change("dry"), change("dry"), change("warm")] == [2, 2, 3]


def test_a_brand_and_the_organization_have_one_set_of_rules_each(db: Database, actor: Actor) -> None:
    brand_id = db.write(actor, lambda tx: tx.insert(Brand, name="Acme"))
    for values in ({}, {"brand_id": brand_id}):
        db.write(actor, lambda tx, values=values: create_brand_rules(tx, **values))
        with pytest.raises(NotUnique):
            db.write(actor, lambda tx, values=values: create_brand_rules(tx, **values))


def branded(tx: Transaction) -> tuple[UUID, UUID]:
    brand_id = tx.insert(Brand, name="Acme")
    campaign_id = tx.insert(Campaign, name="C", purpose="P", brand_id=brand_id)
    return brand_id, campaign_id


def test_the_rules_of_the_brand_go_before_those_of_the_organization(db: Database, actor: Actor) -> None:
    brand_id, campaign_id = db.write(actor, branded)
    own = db.write(actor, lambda tx: create_brand_rules(tx, brand_id=brand_id, forbidden_phrases=["dull"]))
    db.write(actor, lambda tx: create_brand_rules(tx, forbidden_phrases=["cheap"]))

    def submit(body: str, campaign: UUID | None) -> str:
        piece_id = db.write(actor, lambda tx: make_piece(tx, body=body, campaign_id=campaign))
        try:
            db.write(actor, lambda tx: submit_piece(tx, id=piece_id))
        except Invalid as error:
            return str(error.fields[0].params["phrase"])
        return "fine"

    assert submit("dull and cheap", campaign_id) == "dull"
    assert submit("cheap", campaign_id) == "fine"
    assert submit("dull", None) == "fine"
    assert submit("dull and cheap", None) == "cheap"
    db.write(actor, lambda tx: remove_brand_rules(tx, id=own))
    assert submit("dull and cheap", campaign_id) == "cheap"


def test_approval_is_by_the_rules_as_they_are_then(db: Database, actor: Actor) -> None:
    rules_id = db.write(actor, create_brand_rules)
    piece_id = db.write(actor, lambda tx: make_piece(tx, body="So cheap"))
    db.write(actor, lambda tx: submit_piece(tx, id=piece_id))
    changed = {"forbidden_phrases": ["cheap"]}
    db.write(actor, lambda tx: update_brand_rules(tx, id=rules_id, changes=changed))
    with pytest.raises(Invalid) as refused:
        db.write(actor, lambda tx: approve_piece(tx, id=piece_id))
    assert [(error.field, error.text()) for error in refused.value.fields] == [
        ("body", "has the forbidden phrase cheap")
    ]
    db.write(actor, lambda tx: update_brand_rules(tx, id=rules_id, changes={"forbidden_phrases": []}))
    db.write(actor, lambda tx: approve_piece(tx, id=piece_id))
    found = piece_of(db, actor, piece_id)
    assert (found.status, found.approved_by, found.approved_rules_version) == (PieceStatus.APPROVED, actor.id, 3)


@pytest.mark.parametrize(
    ("mode", "asked", "confidence", "expected"),
    [
        ("manual", None, 1.0, PieceStatus.PENDING_REVIEW),
        ("auto", None, None, PieceStatus.APPROVED),
        ("conditional", {"min_confidence": 0.8}, 0.9, PieceStatus.APPROVED),
        ("conditional", {"min_confidence": 0.8}, 0.7, PieceStatus.PENDING_REVIEW),
        ("conditional", {"min_confidence": 0.8}, None, PieceStatus.PENDING_REVIEW),
        ("conditional", {"platforms": ["bluesky"]}, 0.9, PieceStatus.PENDING_REVIEW),
        ("conditional", {"platforms": ["mastodon"], "max_length": 500}, 0.9, PieceStatus.APPROVED),
        ("conditional", {"max_length": 3}, 0.9, PieceStatus.PENDING_REVIEW),
        ("conditional", None, 0.9, PieceStatus.PENDING_REVIEW),
    ],
)
def test_the_approval_mode_decides_who_approves(
    db: Database, actor: Actor, mode: str, asked: dict[str, Any] | None, confidence: float | None, expected: PieceStatus
) -> None:
    values = {"approval_mode": mode, "auto_approval_rules": asked}
    db.write(actor, lambda tx: create_brand_rules(tx, **values))
    piece_id = db.write(actor, lambda tx: make_piece(tx, body="Some words", confidence=confidence))
    db.write(actor, lambda tx: submit_piece(tx, id=piece_id))
    found = piece_of(db, actor, piece_id)
    assert (found.status, found.approved_by) == (expected, None)
