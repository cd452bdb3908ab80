"""Rows for tests of social, each with what it needs; any column can be given."""

from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

from growbase.core.actor import Actor, system
from growbase.core.database import Database
from growbase.core.transaction import Transaction
from growbase.domains.social.actions_accounts import connect_account
from growbase.domains.social.actions_pieces import approve_piece, create_piece, submit_piece
from growbase.domains.social.actions_posts import schedule_piece
from growbase.domains.social.models import ContentPiece, PieceStatus
from growbase.domains.social.models_publishing import PostStatus, ScheduledPost
from growbase.domains.social.publishing import Claim, begin_dispatch, claim_post, finish_published

_number = count(1)
WORKER = system("publisher")
SOON = timedelta(hours=1)


def make_piece(tx: Transaction, **over: Any) -> UUID:  # noqa: ANN401 -- columns
    """Write a piece for Mastodon."""
    return create_piece(tx, **{"platform": "mastodon", "body": f"Words {next(_number)}", **over})


def make_approved(tx: Transaction, **over: Any) -> UUID:  # noqa: ANN401 -- columns
    """Write a piece and approve it."""
    piece_id = make_piece(tx, **over)
    submit_piece(tx, id=piece_id)
    if tx.get(ContentPiece, piece_id).status is PieceStatus.PENDING_REVIEW:
        approve_piece(tx, id=piece_id)
    return piece_id


def make_account(tx: Transaction, **over: Any) -> UUID:  # noqa: ANN401 -- columns
    """Connect an active account on Mastodon."""
    number = next(_number)
    values = {"platform": "mastodon", "provider_account_id": f"id-{number}", "handle": f"@us{number}", **over}
    return connect_account(tx, **{"access_token": f"token-{number}", **values})


def make_post(tx: Transaction, **over: Any) -> UUID:  # noqa: ANN401 -- arguments of schedule_piece
    """Schedule an approved piece on an active account, both new unless given; due now unless ``at`` says when."""
    at = over.pop("at", timedelta())
    piece_id = over.pop("piece_id", None) or make_approved(tx)
    account_id = over.pop("account_id", None) or make_account(tx)
    when = over.pop("scheduled_at", None) or tx.now + at
    row = schedule_piece(tx, id=piece_id, social_account_id=account_id, scheduled_at=when, **over)
    return UUID(str(row["id"]))


def claim_of(db: Database, actor: Actor, post_id: UUID, worker: str = "w1") -> Claim:
    """Claim a due post."""
    claim = db.write(actor, lambda tx: claim_post(tx, post_id, worker))
    assert claim is not None
    return claim


def begun(db: Database, actor: Actor, post_id: UUID, worker: str = "w1") -> Claim:
    """Claim a due post and begin to publish it."""
    claim = claim_of(db, actor, post_id, worker)
    assert db.write(WORKER, lambda tx: begin_dispatch(tx, claim)) is not None
    return claim


def publish(db: Database, actor: Actor, post_id: UUID) -> None:
    """Publish a due post."""
    claim = begun(db, actor, post_id)
    db.write(WORKER, lambda tx: finish_published(tx, claim, platform_post_id=f"p-{post_id}"))


def post_of(db: Database, actor: Actor, post_id: UUID) -> ScheduledPost:
    """Return a post as it is now."""
    with db.read(actor) as reads:
        return reads.get(ScheduledPost, post_id)


def piece_of(db: Database, actor: Actor, piece_id: UUID) -> ContentPiece:
    """Return a piece as it is now."""
    with db.read(actor) as reads:
        return reads.get(ContentPiece, piece_id)


def status_of(db: Database, actor: Actor, post_id: UUID) -> PostStatus:
    """Return a post's status as it is now."""
    return post_of(db, actor, post_id).status
