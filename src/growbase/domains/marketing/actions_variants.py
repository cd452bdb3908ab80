"""Testing variants of a content: the set and its weights, who sees which, and which one won."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from growbase.core import clock
from growbase.core.errors import Conflict, Invalid, NotFound
from growbase.core.reads import Reads
from growbase.core.schema import invalid
from growbase.core.statements import mark
from growbase.core.transaction import Transaction
from growbase.core.trash import trash
from growbase.domains.marketing.models import SHOWN, Content, ContentStatus, ContentVariant, VariantStatus
from growbase.domains.marketing.models_analytics import VariantAssignment
from growbase.domains.marketing.schemas import VariantDraft, VariantSet

WHOLE = 100
SHOWING = (VariantStatus.ACTIVE, VariantStatus.WINNER)


def spread_evenly(count: int) -> list[int]:
    """Return ``count`` weights that add up to 100 and differ by one at most, by the largest remainder: 34, 33, 33."""
    share, rest = divmod(WHOLE, count)
    return [share + (place < rest) for place in range(count)]


def set_variants(tx: Transaction, *, id: UUID, variants: Sequence[Mapping[str, Any]]) -> UUID:
    """Give a content exactly these variants: those with a known key are changed, the others added or trashed.

    The weights of the active ones add up to 100; an empty list ends the test. New words for an approved content need
    its approval again; a published one takes new weights only.
    """
    drafts = _parsed(variants)
    content = tx.get(Content, id, lock=True)
    live = {variant.key: variant for variant in tx.rows(ContentVariant, content_id=id, lock=True)}
    _require_words_free(tx, content, live, drafts)
    wanted = {draft.key for draft in drafts}
    for key in live.keys() - wanted:
        trash(tx, ContentVariant, live.pop(key).id)
    # Whoever stops being the control goes first, since there is never a second one.
    for draft in sorted(drafts, key=lambda draft: draft.is_control):
        values = {**draft.model_dump(), "status": VariantStatus(draft.status)}
        if draft.key in live:
            tx.change(live[draft.key], values)
        else:
            tx.insert(ContentVariant, content_id=id, **values)
    return id


def choose_winner(tx: Transaction, *, id: UUID, key: str) -> UUID:
    """End a content's test: the winner gets the whole weight, the others none; a published content stays published."""
    tx.get(Content, id, lock=True)
    live = tx.rows(ContentVariant, content_id=id, lock=True, order="key")
    if key not in {variant.key for variant in live}:
        raise NotFound(what=f"variant {key}")
    for variant in live:
        won = variant.key == key
        status = VariantStatus.WINNER if won else VariantStatus.LOSER
        tx.change(variant, {"status": status, "weight_percent": WHOLE if won else 0})
    return id


def assign_variant(tx: Transaction, *, id: UUID, subject_key: str) -> dict[str, object]:
    """Return the variant a subject is shown, the same one every time while it is active or has won.

    The first answer is kept. A subject whose variant was paused, lost or removed gets another one for good.
    """
    tx.get(Content, id)
    shown = {variant.id: variant for variant in tx.rows(ContentVariant, content_id=id, status=list(SHOWING))}
    if not shown:
        raise Conflict("The content has no active variants.")
    # A winner gets everybody, so what was assigned before it won no longer counts.
    is_decided = any(variant.status is VariantStatus.WINNER for variant in shown.values())
    kept = None if is_decided else tx.find(VariantAssignment, content_id=id, subject_key=subject_key)
    if kept is None or kept.variant_id not in shown:
        chosen = pick(id, subject_key, list(shown.values()))
        if is_decided:
            return _answer(chosen)
        kept = _keep(tx, id, subject_key, chosen, kept)
    return _answer(shown[kept.variant_id])


def pick(content_id: UUID, subject_key: str, variants: Sequence[ContentVariant]) -> ContentVariant:
    """Return the variant on whose share of the weight the hash of content, subject and weights falls."""
    ordered = sorted(variants, key=lambda variant: (-variant.weight_percent, variant.key))
    definition = ",".join(f"{variant.key}:{variant.weight_percent}" for variant in ordered)
    digest = hashlib.sha256(f"{content_id}\0{subject_key}\0{definition}".encode()).digest()
    place = int.from_bytes(digest[:8]) % WHOLE
    for variant in ordered:
        place -= variant.weight_percent
        if place < 0:
            return variant
    return ordered[0]


def require_valid_weights(tx: Reads, *, campaign_id: UUID | None = None, content_id: UUID | None = None) -> None:
    """Raise Conflict if the weights of a content's shown variants don't add up to 100."""
    plan = tx.plan(ContentVariant)
    terms, params = tx.scope_terms(plan, anywhere=False)
    name, value = ("campaign_id", campaign_id) if campaign_id else ("id", content_id)
    terms += [f"c.{name} = {mark(tx.engine)}", "c.deleted_at IS NULL", SHOWN]
    params.append(plan.fields["content_id"].bound(value))
    sql = (
        "SELECT t.content_id FROM content_variants t JOIN contents c ON c.organization_id = t.organization_id "
        f"AND c.id = t.content_id WHERE {' AND '.join(terms)} "
        f"GROUP BY t.content_id HAVING sum(t.weight_percent) <> {WHOLE} LIMIT 1"
    )
    wrong = tx.execute(sql, params).fetchone()
    if wrong:
        message = "The weights of the active variants of content {content_id} must add up to 100."
        raise Conflict(message, content_id=str(wrong[0]))


def _parsed(variants: Sequence[Mapping[str, Any]]) -> list[VariantDraft]:
    try:
        drafts = VariantSet.model_validate({"variants": [dict(item) for item in variants]}).variants
    except ValidationError as error:
        raise invalid(error) from error
    keys = [draft.key for draft in drafts]
    for place, key in enumerate(keys):
        if key in keys[:place]:
            raise Invalid.at(f"variants.{place}.key", "unique", "is the same as another variant's")
    if sum(draft.is_control for draft in drafts) > 1:
        raise Invalid.at("variants", "control", "must have one control at most")
    total = sum(draft.weight_percent for draft in drafts if draft.status == "active")
    if drafts and total != WHOLE:
        message = "the weights of the active variants must add up to 100, not {total}"
        raise Invalid.at("variants", "weights", message, total=total)
    return drafts


def _require_words_free(
    tx: Transaction, content: Content, live: Mapping[str, ContentVariant], drafts: Sequence[VariantDraft]
) -> None:
    """Refuse new words for what is published, and take back an approval that did not cover them."""
    known = {key: (variant.body, variant.subject) for key, variant in live.items()}
    if all(known.get(draft.key) == (draft.body, draft.subject) for draft in drafts):
        return
    if content.status in {ContentStatus.PUBLISHED, ContentStatus.ARCHIVED}:
        raise Conflict("A content that was published keeps its words: archive it and start a new version.")
    if content.status is ContentStatus.APPROVED:
        tx.change(content, {"status": ContentStatus.DRAFT, **WITHOUT_APPROVAL})


WITHOUT_APPROVAL: Mapping[str, None] = {"approved_by": None, "approved_at": None, "content_hash": None}


def _keep(
    tx: Transaction, content_id: UUID, subject_key: str, chosen: ContentVariant, old: VariantAssignment | None
) -> VariantAssignment:
    values = {"variant_id": chosen.id, "assigned_at": tx.now}
    if old is not None:
        tx.set_facts(VariantAssignment, {"id": old.id}, values)
    else:
        row = {
            "organization_id": tx.actor.organization_id,
            "id": clock.new_id(),
            "content_id": content_id,
            "subject_key": subject_key,
            **values,
        }
        # The same subject may be asking twice at this moment: the first answer counts.
        tx.insert_facts(VariantAssignment, [row], ignore=True)
    kept = tx.find(VariantAssignment, content_id=content_id, subject_key=subject_key)
    assert kept is not None
    return kept


def _answer(variant: ContentVariant) -> dict[str, object]:
    return {
        "variant_id": str(variant.id),
        "key": variant.key,
        "subject": variant.subject,
        "body": variant.body,
        "is_control": variant.is_control,
    }
