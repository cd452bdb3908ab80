"""Writing, approving and publishing contents."""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from growbase.core.errors import Conflict, ForeignKey, Invalid
from growbase.core.model import Root
from growbase.core.transaction import Transaction
from growbase.domains.identity.actions_discussion import settle_reviews
from growbase.domains.identity.models_discussion import ReviewStatus
from growbase.domains.marketing.actions_variants import WITHOUT_APPROVAL, require_valid_weights
from growbase.domains.marketing.models import Content, ContentStatus, Journey, JourneyStage

WORDS = ("title", "body")
"""What an approval covers, beside the variants."""


VERDICTS: Mapping[ContentStatus, ReviewStatus] = {
    ContentStatus.APPROVED: ReviewStatus.APPROVED,
    ContentStatus.REJECTED: ReviewStatus.CHANGES_REQUESTED,
}
"""What approving and rejecting say to whoever was asked for a review."""


def content_hash(title: str | None, body: str) -> str:
    """Return the fingerprint of the words that an approval covers."""
    return hashlib.sha256(f"{title or ''}\0{body}".encode()).hexdigest()


def create_content(
    tx: Transaction,
    *,
    campaign_id: UUID,
    journey_id: UUID | None = None,
    stage_id: UUID | None = None,
    **rest: object,
) -> UUID:
    """Write a content as a draft; naming the stage is enough to name its journey.

    Raises Invalid if the journey belongs to another campaign or the stage to another journey.
    """
    journey_id = _place(tx, campaign_id, journey_id, stage_id)
    return tx.insert(Content, campaign_id=campaign_id, journey_id=journey_id, stage_id=stage_id, **rest)


def update_content(tx: Transaction, *, id: UUID, changes: Mapping[str, Any], version: int | None = None) -> int:
    """Change a content. New words take an approved one back to draft; a published one keeps its words.

    Raises Conflict if the content was published.
    """
    content = tx.get(Content, id, lock=True)
    values = dict(changes)
    if "journey_id" in values or "stage_id" in values:
        stays = "journey_id" not in values or values["journey_id"] == content.journey_id
        stage_id = values.get("stage_id", content.stage_id if stays else None)
        journey_id = values.get("journey_id", None if "stage_id" in values and stage_id else content.journey_id)
        values |= {"journey_id": _place(tx, content.campaign_id, journey_id, stage_id), "stage_id": stage_id}
    if any(name in values and values[name] != getattr(content, name) for name in WORDS):
        if content.status in {ContentStatus.PUBLISHED, ContentStatus.ARCHIVED}:
            raise Conflict("A content that was published keeps its words: archive it and start a new version.")
        if content.status is ContentStatus.APPROVED:
            values |= {"status": ContentStatus.DRAFT, **WITHOUT_APPROVAL}
    return tx.change(content, values, version=version)


def submit_content(tx: Transaction, *, id: UUID) -> UUID:
    """Ask for approval of a draft."""
    tx.transition(Content, id, ContentStatus.REVIEW)
    return id


def approve_content(tx: Transaction, *, id: UUID) -> UUID:
    """Approve the words of a content in review; the weights of its variants must add up to 100."""
    tx.transition(Content, id, ContentStatus.APPROVED)
    return id


def reject_content(tx: Transaction, *, id: UUID, reason: str | None = None) -> UUID:
    """Send a content in review back to its author; the reason is kept in its metadata."""
    before = tx.transition(Content, id, ContentStatus.REJECTED)
    if reason is not None:
        metadata = {**(before.__dict__["metadata"] or {}), "rejection_reason": reason}
        tx.update(Content, id, {"metadata": metadata})
    return id


def publish_content(tx: Transaction, *, id: UUID) -> UUID:
    """Mark an approved content as published, now."""
    tx.transition(Content, id, ContentStatus.PUBLISHED)
    return id


def archive_content(tx: Transaction, *, id: UUID) -> UUID:
    """Take a published content out of use; from the archive it can start again as a draft."""
    tx.transition(Content, id, ContentStatus.ARCHIVED)
    return id


def guard_content(tx: Transaction, row: Root, to: ContentStatus) -> dict[str, object]:
    """Refuse to review nothing and to approve wrong weights; record who approved what, and when it was published."""
    assert isinstance(row, Content)
    if to == ContentStatus.REVIEW and not row.body.strip():
        raise Invalid.at("body", "required", "is required")
    if to in VERDICTS:
        settle_reviews(tx, Content, row.id, VERDICTS[to])
    if to == ContentStatus.APPROVED:
        require_valid_weights(tx, content_id=row.id)
        approval = content_hash(row.title, row.body)
        return {"approved_by": tx.actor.id, "approved_at": tx.now, "content_hash": approval}
    if to == ContentStatus.PUBLISHED:
        return {"published_at": tx.now}
    if to == ContentStatus.DRAFT:
        return {**WITHOUT_APPROVAL, "published_at": None}
    return {}


def _place(tx: Transaction, campaign_id: UUID, journey_id: UUID | None, stage_id: UUID | None) -> UUID | None:
    """Return the journey of a content after checking that stage, journey and campaign belong together."""
    if stage_id is not None:
        stage = tx.find(JourneyStage, stage_id)
        if stage is None:
            raise ForeignKey.at("stage_id", "foreign_key", "must be the id of an existing {what}", what="journey stage")
        journey_id = journey_id or stage.journey_id
        if stage.journey_id != journey_id:
            raise Invalid.at("stage_id", "mismatch", "belongs to another journey")
    if journey_id is not None:
        journey = tx.find(Journey, journey_id)
        if journey is None:
            raise ForeignKey.at("journey_id", "foreign_key", "must be the id of an existing {what}", what="journey")
        if journey.campaign_id != campaign_id:
            raise Invalid.at("journey_id", "mismatch", "belongs to another campaign")
    return journey_id
