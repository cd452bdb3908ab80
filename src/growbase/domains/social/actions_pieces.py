"""Writing, approving and rejecting pieces, and keeping their status true to their posts."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from growbase.core.errors import Conflict, FieldError, ForeignKey, Invalid
from growbase.core.model import Root
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.core.types import compact_json
from growbase.domains.identity.actions_discussion import settle_reviews
from growbase.domains.identity.models_discussion import ReviewStatus
from growbase.domains.identity.usage import Metric, consume
from growbase.domains.marketing.models_assets import Asset
from growbase.domains.social.actions import require_one_platform
from growbase.domains.social.actions_rules import approves_itself, require_allowed
from growbase.domains.social.models import ContentPiece, PieceAsset, PieceStatus
from growbase.domains.social.models_publishing import PostStatus, ScheduledPost
from growbase.domains.social.publisher import limit_errors, limits_of, post_text
from growbase.domains.social.states import APPROVED, IN_FLIGHT, OPEN, QUEUED, status_from_posts

WORDS = ("type", "title", "body", "hook", "cta", "hashtags", "mentions", "thread_parts")
"""What is published, and so what an approval covers, beside the platform and the files."""
WITHOUT_APPROVAL: Mapping[str, None] = {"approved_by": None, "approved_at": None, "approved_rules_version": None}
VERDICTS: Mapping[PieceStatus, ReviewStatus] = {
    PieceStatus.APPROVED: ReviewStatus.APPROVED,
    PieceStatus.REJECTED: ReviewStatus.CHANGES_REQUESTED,
}
"""What approving and rejecting say to whoever was asked for a review."""
DEFAULTS: Mapping[str, object] = {"type": "post", "hashtags": [], "mentions": []}


def create_piece(tx: Transaction, *, platform: str, body: str, **rest: object) -> UUID:
    """Write a piece as a draft; one that names its generator counts as generated. Raises Invalid, LimitExceeded."""
    require_one_platform(platform)
    if rest.get("generated_by") is not None:
        consume(tx, Metric.POSTS_GENERATED)
    values = {"platform": platform, "body": body, **rest}
    return tx.insert(ContentPiece, **values, body_hash=body_hash(values, []))


def update_piece(tx: Transaction, *, id: UUID, changes: Mapping[str, Any], version: int | None = None) -> int:
    """Change a piece. New words take an approved one back to draft.

    Raises Conflict where its posts are queued, being published or published.
    """
    piece = tx.get(ContentPiece, id, lock=True)
    values = dict(changes)
    if any(name in values and values[name] != getattr(piece, name) for name in WORDS):
        values |= _reworded(tx, piece)
        values["body_hash"] = body_hash({**piece.__dict__, **changes}, _assets(tx, id))
    return tx.change(piece, values, version=version)


def set_piece_assets(tx: Transaction, *, id: UUID, assets: Sequence[Any]) -> UUID:
    """Give a piece exactly these files in this order; an approved piece needs its approval again."""
    piece = tx.get(ContentPiece, id, lock=True)
    wanted = [item if isinstance(item, Mapping) else item.model_dump() for item in assets]
    known = tx.rows(PieceAsset, piece_id=id, order="position", lock=True)
    before = [(row.asset_id, row.alt_text) for row in known]
    if before == [(item["asset_id"], item.get("alt_text")) for item in wanted]:
        return id
    changes = _reworded(tx, piece)
    for place, item in enumerate(wanted):
        values = {"asset_id": item["asset_id"], "alt_text": item.get("alt_text")}
        try:
            if place < len(known):
                tx.change(known[place], values)
            else:
                tx.insert(PieceAsset, piece_id=id, position=place, **values)
        except ForeignKey as error:
            error.fields = tuple(found.under(f"assets.{place}") for found in error.fields)
            raise
    for row in known[len(wanted) :]:
        tx.remove(row, action="delete")
    tx.change(piece, {**changes, "body_hash": body_hash(piece.__dict__, _assets(tx, id))})
    return id


def submit_piece(tx: Transaction, *, id: UUID) -> UUID:
    """Ask for approval of a draft; the brand's rules may give it at once.

    Raises Invalid naming every forbidden phrase, claim and hashtag.
    """
    tx.transition(ContentPiece, id, PieceStatus.PENDING_REVIEW)
    piece = tx.get(ContentPiece, id)
    if piece.status is PieceStatus.PENDING_REVIEW and approves_itself(require_allowed(tx, piece), piece):
        tx.transition(ContentPiece, id, PieceStatus.APPROVED, approved_by=None)
    return id


def approve_piece(tx: Transaction, *, id: UUID) -> UUID:
    """Approve the words of a piece in review by the rules as they are now.

    Raises Invalid naming every forbidden phrase, claim and hashtag.
    """
    tx.transition(ContentPiece, id, PieceStatus.APPROVED)
    return id


def reject_piece(tx: Transaction, *, id: UUID, reason: str | None = None) -> UUID:
    """Send a piece in review back to its author with the reason."""
    tx.transition(ContentPiece, id, PieceStatus.REJECTED, rejection_reason=reason)
    return id


def remove_piece(tx: Transaction, *, id: UUID) -> UUID:
    """Move a piece to the trash and return the deletion id. Raises Conflict while posts of it are still to come."""
    tx.get(ContentPiece, id, lock=True)
    waiting = tx.count(ScheduledPost, content_piece_id=id, status=[PostStatus.DRAFT, *OPEN])
    if waiting:
        raise Conflict("The piece has {posts} posts that are still to come: cancel them first.", posts=waiting)
    return trash(tx, ContentPiece, id)


def guard_piece(tx: Transaction, row: Root, to: PieceStatus) -> dict[str, object]:
    """Let through what keeps the brand's rules, and record who approved what by which version of them."""
    assert isinstance(row, ContentPiece)
    if to == PieceStatus.PENDING_REVIEW:
        if not row.body.strip() and not row.thread_parts and not tx.count(PieceAsset, piece_id=row.id):
            raise Invalid.at("body", "required", "is required")
        require_allowed(tx, row)
        require_fitting(tx, row)
        return {"rejection_reason": None}
    if to in VERDICTS:
        settle_reviews(tx, ContentPiece, row.id, VERDICTS[to])
    if to == PieceStatus.APPROVED:
        require_fitting(tx, row)
        rules = require_allowed(tx, row)
        return {
            "approved_by": tx.actor.id,
            "approved_at": tx.now,
            "approved_rules_version": rules.rules_version if rules else None,
            # Posts on hold wait for this approval.
            "status": _status(tx, row, {}),
        }
    return {**WITHOUT_APPROVAL} if to == PieceStatus.DRAFT else {}


def require_fitting(tx: Transaction, piece: ContentPiece) -> None:
    """Raise Invalid naming what the piece's platform would not take, and files that were erased.

    A platform without publisher takes everything.
    """
    limits = limits_of(piece.platform)
    ids = [row.asset_id for row in _assets(tx, piece.id)]
    assets = {asset.id: asset for asset in tx.rows(Asset, id=ids, trash=True)} if ids else {}
    media = [(assets[id].mime_type, assets[id].size_bytes) for id in ids]
    found = erased_errors(assets[id].erased_at is not None for id in ids)
    found += limit_errors(limits, post_text(piece.__dict__), media) if limits is not None else []
    if found:
        raise Invalid("The platform does not take the piece as it is.", fields=tuple(found))


def erased_errors(erased: Iterable[bool]) -> list[FieldError]:
    """Return an error for each of a piece's files, in their order, that was erased."""
    message = "was erased with the data of the person it shows"
    return [FieldError(f"assets.{place}", "gone", message) for place, is_erased in enumerate(erased) if is_erased]


def refresh_piece(tx: Transaction, piece_id: UUID, changing: Mapping[UUID, PostStatus] | None = None) -> None:
    """Set the status that follows from a piece's posts; ``changing`` are posts about to be written.

    The piece is locked after its post: whoever comes last sees the posts of all before.
    """
    piece = tx.find(ContentPiece, piece_id, lock=True, trash=True)
    assert piece is not None
    if piece.status in APPROVED:
        tx.change(piece, {"status": _status(tx, piece, changing or {})}, action="transition")


def body_hash(values: Mapping[str, Any], assets: Sequence[PieceAsset]) -> str:
    """Return the fingerprint of what is published: the words, the platform and the files."""
    words = {name: values.get(name, DEFAULTS.get(name)) for name in ("platform", *WORDS)}
    files = [[str(row.asset_id), row.alt_text] for row in assets]
    return hashlib.sha256(compact_json({**words, "assets": files}).encode()).hexdigest()


def payload_of(tx: Transaction, piece: ContentPiece) -> dict[str, Any]:
    """Return what is handed to the platform, as it is now."""
    files = [
        {"asset_id": str(row.asset_id), "position": row.position, "alt_text": row.alt_text}
        for row in _assets(tx, piece.id)
    ]
    words = {name: getattr(piece, name) for name in ("platform", *WORDS)}
    return {"schema_version": 1, **words, "assets": files, "body_hash": piece.body_hash}


def _status(tx: Transaction, piece: ContentPiece, changing: Mapping[UUID, PostStatus]) -> PieceStatus:
    posts = tx.rows(ScheduledPost, content_piece_id=piece.id)
    return status_from_posts(
        ((changing.get(post.id, post.status), post.payload_hash) for post in posts), piece.body_hash
    )


def _assets(tx: Transaction, piece_id: UUID) -> list[PieceAsset]:
    return tx.rows(PieceAsset, piece_id=piece_id, order="position")


def _reworded(tx: Transaction, piece: ContentPiece) -> dict[str, object]:
    """Return what changes along with the words of a piece. Raises Conflict where they must stay."""
    statuses = {post.status for post in tx.rows(ScheduledPost, content_piece_id=piece.id)}
    if statuses & set(QUEUED):
        raise Conflict("Posts of the piece are queued: hold or cancel them first.")
    if statuses & {*IN_FLIGHT, PostStatus.UNCONFIRMED}:
        raise Conflict("A post of the piece is being published: wait until it is known what became of it.")
    if PostStatus.PUBLISHED in statuses:
        raise Conflict("A piece that was published keeps its words: write a new one.")
    if piece.status in APPROVED or piece.status is PieceStatus.REJECTED:
        return {"status": PieceStatus.DRAFT, **WITHOUT_APPROVAL}
    return {}
