"""Keeping what a model proposed: candidates stay as they came; people rate, select, edit and promote them."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from growbase.core.errors import Conflict, ForeignKey, Invalid
from growbase.core.facts import hold
from growbase.core.transaction import Transaction
from growbase.domains.identity.actions_discussion import settle_reviews
from growbase.domains.identity.models_billing import UsageReservation
from growbase.domains.identity.models_discussion import ReviewStatus
from growbase.domains.identity.usage import Metric, commit_reservation, consume, release_reservation, reserve
from growbase.domains.marketing.actions_contents import create_content
from growbase.domains.marketing.models import Campaign, ContentTemplate, ContentType
from growbase.domains.marketing.models_generated import GeneratedContent, GeneratedType, Platform
from growbase.domains.marketing.schemas import checked_edits

GENERATE = "generate_content"

CONTENT_TYPES: Mapping[GeneratedType, ContentType] = {
    GeneratedType.IDEA: ContentType.BLOG_POST,
    GeneratedType.SOCIAL_POST: ContentType.SOCIAL_POST,
    GeneratedType.VIDEO_PROMPT: ContentType.VIDEO_SCRIPT,
    GeneratedType.HASHTAGS: ContentType.SOCIAL_POST,
    GeneratedType.SUMMARY: ContentType.PRESS_RELEASE,
    GeneratedType.TEXT_IMAGE: ContentType.SOCIAL_POST,
    GeneratedType.EMAIL: ContentType.EMAIL,
    GeneratedType.OTHER: ContentType.BLOG_POST,
}
"""The form of the content that a candidate becomes; it may be changed afterwards."""


def prompt_hash(prompt: str) -> str:
    """Return the fingerprint by which candidates of the same prompt find each other."""
    return hashlib.sha256(prompt.encode()).hexdigest()


def create_generated_content(
    tx: Transaction, *, prompt: str, user_edits: Mapping[str, Any] | None = None, **rest: object
) -> UUID:
    """Keep a candidate that was generated elsewhere."""
    edits = None if user_edits is None else checked_edits(user_edits)
    return tx.insert(GeneratedContent, prompt=prompt, prompt_hash=prompt_hash(prompt), user_edits=edits, **rest)


def update_generated_content(
    tx: Transaction, *, id: UUID, changes: Mapping[str, Any], version: int | None = None
) -> int:
    """Change what a person made of a candidate; the words of the model stay."""
    values = dict(changes)
    if values.get("user_edits") is not None:
        values["user_edits"] = checked_edits(values["user_edits"])
    return tx.update(GeneratedContent, id, values, version=version)


def generate_contents(tx: Transaction, *, campaign_id: UUID, count: int = 1, **wanted: Any) -> dict[str, str]:  # noqa: ANN401
    """Queue the writing of candidates and answer its job; the plan's room for them is held from now on.

    ``wanted`` are the other fields of ``schemas.GenerationRequest``. Raises ForeignKey, Conflict, LimitExceeded.
    """
    if tx.find(Campaign, campaign_id) is None:
        raise ForeignKey.at("campaign_id", "foreign_key", "must be the id of an existing {what}", what="campaign")
    template_id = wanted.get("template_id")
    template = tx.find(ContentTemplate, template_id) if template_id is not None else None
    if template_id is not None and template is None:
        message = "must be the id of an existing {what}"
        raise ForeignKey.at("template_id", "foreign_key", message, what="content template")
    if template is not None and not template.is_active:
        raise Conflict("The template is not active.")
    given = {name: str(value) if isinstance(value, UUID) else value for name, value in wanted.items()}
    payload = {"campaign_id": str(campaign_id), "count": count, **given}
    job_id = tx.enqueue(GENERATE, payload, queue="content_generation")
    hold_use(tx, job_id, count)
    return {"job_id": str(job_id)}


def hold_use(tx: Transaction, job_id: UUID, count: int) -> UUID:
    """Hold the plan's room for the candidates of a job, or go on holding it, and return the reservation."""
    return reserve(tx, Metric.CONTENT_GENERATED, count, key=f"{GENERATE} {job_id}", job_id=job_id)


def free_use(tx: Transaction, job_id: UUID) -> None:
    """Free what a job holds that has failed for good."""
    held = tx.find(UsageReservation, idempotency_key=f"{GENERATE} {job_id}")
    if held is not None:
        release_reservation(tx, held.id)


def add_candidates(
    tx: Transaction,
    *,
    campaign_id: UUID,
    job_id: UUID,
    candidates: Sequence[Mapping[str, Any]],
    reservation_id: UUID | None = None,
) -> list[UUID]:
    """Insert the candidates of a job and return the new ids; those that an earlier try inserted are left out.

    A candidate is known by its job and its place in the list. They count against ``reservation_id``, where nothing was
    held against the plan. Raises LimitExceeded where it allows no more.
    """
    hold(tx, f"candidates/{job_id}")
    known = {row.ordinal for row in tx.rows(GeneratedContent, job_id=job_id)}
    fresh = [(place, values) for place, values in enumerate(candidates) if place not in known]
    if not fresh:
        return []
    if reservation_id is None:
        consume(tx, Metric.CONTENT_GENERATED, len(fresh))
    else:
        commit_reservation(tx, reservation_id, len(fresh))
    return [
        create_generated_content(tx, campaign_id=campaign_id, job_id=job_id, ordinal=place, **values)
        for place, values in fresh
    ]


def select_generated_content(tx: Transaction, *, id: UUID) -> UUID:
    """Choose a candidate; any number of a campaign's may be chosen. That ends its reviews."""
    settle_reviews(tx, GeneratedContent, id, ReviewStatus.APPROVED)
    tx.update(GeneratedContent, id, {"is_selected": True})
    return id


def unselect_generated_content(tx: Transaction, *, id: UUID) -> UUID:
    """Take the choice of a candidate back."""
    tx.update(GeneratedContent, id, {"is_selected": False})
    return id


def rate_generated_content(tx: Transaction, *, id: UUID, rating: int) -> UUID:
    """Rate a candidate from 1 to 5; rating it again replaces the rating."""
    tx.update(GeneratedContent, id, {"user_rating": rating})
    return id


def promote_generated_content(tx: Transaction, *, id: UUID, to: Literal["content", "piece"]) -> dict[str, str]:
    """Make a draft of a candidate, once: a content of its campaign, or a piece for its platform; answer the draft's id.

    Edits win over the model's words. Raises Conflict naming the draft there is already, in the trash too.
    """
    candidate = tx.get(GeneratedContent, id, lock=True)
    if to == "content":
        return {"content_id": str(_promote_to_content(tx, candidate))}
    return {"content_piece_id": str(_promote_to_piece(tx, candidate))}


def _promote_to_content(tx: Transaction, candidate: GeneratedContent) -> UUID:
    if candidate.promoted_content_id is not None:
        raise _promoted("content", candidate.promoted_content_id)
    words = _words(candidate)
    details = {name: words[name] for name in ("hashtags", "mentions") if words[name]}
    if candidate.media_urls:
        details["media_urls"] = candidate.media_urls
    content_id = create_content(
        tx,
        campaign_id=candidate.campaign_id,
        type=CONTENT_TYPES[candidate.type],
        title=words["title"],
        body=_body(words),
        channel=candidate.platform.value if candidate.platform else None,
        metadata={"generated_content_id": str(candidate.id), **details},
    )
    tx.change(candidate, {"promoted_content_id": content_id, "is_selected": True})
    return content_id


def _promote_to_piece(tx: Transaction, candidate: GeneratedContent) -> UUID:
    # Pieces belong to a domain above this one, so they are known by name only.
    pieces = tx.context.catalog.by_table.get("content_pieces")
    if pieces is None or pieces.create is None:
        raise Conflict("This server has no content pieces: promote it to a content.")
    if candidate.platform in {None, Platform.GENERAL}:
        raise Conflict("A piece is for one platform, which this candidate does not name: promote it to a content.")
    if candidate.promoted_piece_id is not None:
        raise _promoted("content piece", candidate.promoted_piece_id)
    words = _words(candidate)
    piece_id: UUID = pieces.create(
        tx,
        platform=candidate.platform,
        title=words["title"],
        body=_body(words),
        hashtags=words["hashtags"],
        mentions=words["mentions"],
        campaign_id=candidate.campaign_id,
        generated_content_id=candidate.id,
    )
    tx.change(candidate, {"promoted_piece_id": piece_id, "is_selected": True})
    return piece_id


def _promoted(what: str, id: UUID) -> Conflict:
    return Conflict("It has been promoted already, to the {what} {id}.", what=what, id=str(id))


def _words(candidate: GeneratedContent) -> dict[str, Any]:
    """Return title, text, hashtags and mentions as people want them."""
    edits = candidate.user_edits or {}
    return {
        name: candidate.__dict__[name] if edits.get(name) is None else edits[name]
        for name in ("title", "text", "hashtags", "mentions")
    }


def _body(words: Mapping[str, Any]) -> str:
    body = words["text"] or " ".join(words["hashtags"])
    if not body.strip():
        raise Invalid.at("user_edits.text", "required", "is required")
    return str(body)
