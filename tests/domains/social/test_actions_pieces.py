from typing import Any
from uuid import UUID

import pytest

from growbase.core.actor import Actor
from growbase.core.clock import new_id
from growbase.core.database import Database
from growbase.core.errors import Conflict, ForeignKey, Invalid, InvalidTransition, NotUnique
from growbase.core.transaction import Transaction
from growbase.domains.identity.usage import Metric
from growbase.domains.marketing.actions_assets import erase_file
from growbase.domains.marketing.models_assets import Asset, StorageProvider
from growbase.domains.social import actions_pieces
from growbase.domains.social.actions import create_series
from growbase.domains.social.actions_pieces import (
    approve_piece,
    create_piece,
    reject_piece,
    remove_piece,
    set_piece_assets,
    submit_piece,
    update_piece,
)
from growbase.domains.social.actions_posts import cancel_post, hold_post, release_post
from growbase.domains.social.models import ContentPiece, PieceAsset, PieceStatus
from growbase.domains.social.models_publishing import PostStatus
from tests.domains.social.factories import (
    SOON,
    begun,
    claim_of,
    make_account,
    make_approved,
    make_piece,
    make_post,
    piece_of,
    post_of,
    publish,
)


def make_asset(tx: Transaction) -> UUID:
    key = str(new_id())
    values: dict[str, Any] = {"original_filename": "a.png", "mime_type": "image/png", "size_bytes": 3, "sha256": "0"}
    return tx.insert(Asset, storage_provider=StorageProvider.LOCAL, storage_key=key, **values)


def edit(db: Database, actor: Actor, piece_id: UUID, **changes: object) -> None:
    db.write(actor, lambda tx: update_piece(tx, id=piece_id, changes=changes))


def test_a_piece_is_submitted_approved_and_rejected(db: Database, actor: Actor) -> None:
    piece_id = db.write(actor, make_piece)
    with pytest.raises(InvalidTransition):
        db.write(actor, lambda tx: approve_piece(tx, id=piece_id))
    db.write(actor, lambda tx: submit_piece(tx, id=piece_id))
    db.write(actor, lambda tx: reject_piece(tx, id=piece_id, reason="Too long"))
    assert piece_of(db, actor, piece_id).rejection_reason == "Too long"
    edit(db, actor, piece_id, body="Shorter")
    assert piece_of(db, actor, piece_id).status is PieceStatus.DRAFT
    db.write(actor, lambda tx: submit_piece(tx, id=piece_id))
    assert piece_of(db, actor, piece_id).rejection_reason is None
    db.write(actor, lambda tx: approve_piece(tx, id=piece_id))
    assert piece_of(db, actor, piece_id).approved_at is not None


def test_a_piece_without_words_or_files_is_not_reviewed(db: Database, actor: Actor) -> None:
    piece_id = db.write(actor, lambda tx: make_piece(tx, body=" "))
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: submit_piece(tx, id=piece_id))
    db.write(actor, lambda tx: set_piece_assets(tx, id=piece_id, assets=[{"asset_id": make_asset(tx)}]))
    db.write(actor, lambda tx: submit_piece(tx, id=piece_id))


def test_a_piece_with_a_file_that_was_erased_is_not_approved(db: Database, actor: Actor) -> None:
    asset_id, piece_id = db.write(actor, make_asset), db.write(actor, make_piece)
    db.write(actor, lambda tx: set_piece_assets(tx, id=piece_id, assets=[{"asset_id": asset_id}]))
    db.write(actor, lambda tx: submit_piece(tx, id=piece_id))
    db.write(actor, lambda tx: erase_file(tx, tx.get(Asset, asset_id, lock=True)))
    with pytest.raises(Invalid) as refused:
        db.write(actor, lambda tx: approve_piece(tx, id=piece_id))
    assert [(error.field, error.code) for error in refused.value.fields] == [("assets.0", "gone")]


def test_a_piece_is_for_one_platform(db: Database, actor: Actor) -> None:
    with pytest.raises(Invalid):
        db.write(actor, lambda tx: make_piece(tx, platform="general"))


def test_new_words_need_a_new_approval_and_other_changes_do_not(db: Database, actor: Actor) -> None:
    piece_id = db.write(actor, make_approved)
    before = piece_of(db, actor, piece_id)
    edit(db, actor, piece_id, rationale="Because", body=before.body)
    assert piece_of(db, actor, piece_id).status is PieceStatus.APPROVED
    for changes in ({"hashtags": ["new"]}, {"thread_parts": ["a", "b"]}, {"cta": "Read"}):
        edit(db, actor, piece_id, **changes)
        found = piece_of(db, actor, piece_id)
        assert (found.status, found.approved_at) == (PieceStatus.DRAFT, None)
        assert found.body_hash != before.body_hash
        for step in (submit_piece, approve_piece):
            db.write(actor, lambda tx, step=step: step(tx, id=piece_id))
    edit(db, actor, piece_id, hashtags=[], thread_parts=None, cta=None)
    assert piece_of(db, actor, piece_id).body_hash == before.body_hash


def test_the_words_of_a_queued_piece_stay(db: Database, actor: Actor) -> None:
    piece_id = db.write(actor, make_approved)
    post_id = db.write(actor, lambda tx: make_post(tx, piece_id=piece_id, at=SOON))
    with pytest.raises(Conflict, match="hold or cancel"):
        edit(db, actor, piece_id, body="Other")
    db.write(actor, lambda tx: hold_post(tx, id=post_id))
    edit(db, actor, piece_id, body="Other")
    assert piece_of(db, actor, piece_id).status is PieceStatus.DRAFT
    with pytest.raises(Conflict, match="approved"):
        db.write(actor, lambda tx: release_post(tx, id=post_id))
    for step in (submit_piece, approve_piece):
        db.write(actor, lambda tx, step=step: step(tx, id=piece_id))
    assert piece_of(db, actor, piece_id).status is PieceStatus.SCHEDULED
    db.write(actor, lambda tx: release_post(tx, id=post_id))
    assert post_of(db, actor, post_id).payload_hash == piece_of(db, actor, piece_id).body_hash


def test_the_words_of_what_is_being_published_or_was_stay(db: Database, actor: Actor) -> None:
    for step in (claim_of, begun, publish):
        post_id = db.write(actor, make_post)
        step(db, actor, post_id)
        with pytest.raises(Conflict):
            edit(db, actor, post_of(db, actor, post_id).content_piece_id, body="Other")


def test_files_are_a_whole_set_in_order(db: Database, actor: Actor) -> None:
    piece_id = db.write(actor, make_approved)
    first, second, third = (db.write(actor, make_asset) for _ in range(3))

    def put(*assets: tuple[UUID, str | None]) -> list[tuple[int, UUID, str | None]]:
        wanted = [{"asset_id": asset_id, "alt_text": alt} for asset_id, alt in assets]
        db.write(actor, lambda tx: set_piece_assets(tx, id=piece_id, assets=wanted))
        with db.read(actor) as reads:
            rows = reads.rows(PieceAsset, piece_id=piece_id, order="position")
        return [(row.position, row.asset_id, row.alt_text) for row in rows]

    assert put((first, "One"), (second, None)) == [(0, first, "One"), (1, second, None)]
    assert piece_of(db, actor, piece_id).status is PieceStatus.DRAFT
    assert put((third, None), (first, "One"), (second, "2")) == [(0, third, None), (1, first, "One"), (2, second, "2")]
    version = piece_of(db, actor, piece_id).__dict__["version"]
    put((third, None), (first, "One"), (second, "2"))
    assert piece_of(db, actor, piece_id).__dict__["version"] == version
    assert put((second, None)) == [(0, second, None)]
    with pytest.raises(ForeignKey) as refused:
        put((second, None), (new_id(), None))
    assert [error.field for error in refused.value.fields] == ["assets.1.asset_id"]


def test_a_place_in_a_series_is_taken_once(db: Database, actor: Actor) -> None:
    series_id = db.write(actor, lambda tx: create_series(tx, platform="mastodon", name="S", cadence="weekly"))
    place = {"series_id": series_id, "sequence_no": 1}
    db.write(actor, lambda tx: make_piece(tx, **place))
    with pytest.raises(NotUnique):
        db.write(actor, lambda tx: make_piece(tx, **place))
    db.write(actor, lambda tx: (make_piece(tx, series_id=series_id), make_piece(tx, series_id=series_id)))


def test_a_piece_with_posts_to_come_is_not_deleted(db: Database, actor: Actor) -> None:
    piece_id = db.write(actor, make_approved)
    post_id = db.write(actor, lambda tx: make_post(tx, piece_id=piece_id, at=SOON))
    with pytest.raises(Conflict):
        db.write(actor, lambda tx: remove_piece(tx, id=piece_id))
    db.write(actor, lambda tx: cancel_post(tx, id=post_id))
    db.write(actor, lambda tx: remove_piece(tx, id=piece_id))


def test_the_status_follows_from_the_posts(db: Database, actor: Actor) -> None:
    piece_id = db.write(actor, make_approved)
    first = db.write(actor, lambda tx: make_post(tx, piece_id=piece_id))
    second = db.write(actor, lambda tx: make_post(tx, piece_id=piece_id, account_id=make_account(tx)))
    assert piece_of(db, actor, piece_id).status is PieceStatus.SCHEDULED
    publish(db, actor, first)
    assert piece_of(db, actor, piece_id).status is PieceStatus.PARTIALLY_PUBLISHED
    db.write(actor, lambda tx: cancel_post(tx, id=second))
    assert piece_of(db, actor, piece_id).status is PieceStatus.PUBLISHED


def test_nobody_says_what_follows_from_posts(db: Database, actor: Actor) -> None:
    piece_id = db.write(actor, make_approved)
    for to in ("scheduled", "published", "partially_published", "failed"):
        with pytest.raises(InvalidTransition):
            db.write(actor, lambda tx, to=to: tx.transition(ContentPiece, piece_id, PieceStatus(to)))
    post_id = db.write(actor, lambda tx: make_post(tx, piece_id=piece_id, at=SOON))
    with pytest.raises(InvalidTransition):
        db.write(actor, lambda tx: tx.transition(ContentPiece, piece_id, PieceStatus.DRAFT))
    assert post_of(db, actor, post_id).status is PostStatus.SCHEDULED


def test_generated_pieces_are_counted(db: Database, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[Metric] = []
    monkeypatch.setattr(actions_pieces, "consume", lambda _, metric: counted.append(metric))
    db.write(actor, lambda tx: create_piece(tx, platform="bluesky", body="By hand"))
    assert counted == []
    db.write(actor, lambda tx: create_piece(tx, platform="bluesky", body="By a model", generated_by="writer-1"))
    assert counted == [Metric.POSTS_GENERATED]


def test_a_piece_that_its_platform_would_not_take_is_not_approved(db: Database, actor: Actor) -> None:
    piece_id = db.write(actor, lambda tx: make_piece(tx, body="a" * 490, hashtags=["sourdough"]))
    with pytest.raises(Invalid) as caught:
        db.write(actor, lambda tx: submit_piece(tx, id=piece_id))
    assert [(error.field, error.params) for error in caught.value.fields] == [("body", {"count": 502, "max": 500})]
    db.write(actor, lambda tx: update_piece(tx, id=piece_id, changes={"hashtags": []}))
    db.write(actor, lambda tx: submit_piece(tx, id=piece_id))
