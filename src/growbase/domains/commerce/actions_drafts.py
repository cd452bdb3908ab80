"""Drafts of a model: proposing, approving, editing, rejecting and sending them; nothing is sent that nobody allowed."""

import difflib
import hashlib
from collections.abc import Mapping
from html import escape
from typing import Any
from uuid import UUID

from growbase.core.actor import ActorKind
from growbase.core.errors import Conflict, Forbidden, ForeignKey, Invalid, Stale
from growbase.core.model import Root
from growbase.core.transaction import Transaction
from growbase.domains.commerce.actions_desk import require_seen
from growbase.domains.commerce.actions_messages import ENDED, post_message
from growbase.domains.commerce.actions_stores import feature_flags
from growbase.domains.commerce.models_tickets import AiDraft, AuthorType, DraftStatus, Ticket, TicketMessage
from growbase.domains.identity.actions_discussion import settle_reviews
from growbase.domains.identity.models_discussion import ReviewStatus

CHUNK = 200
DRAFT_REPLY = "draft_reply"
VERDICTS: Mapping[DraftStatus, ReviewStatus] = {
    DraftStatus.APPROVED: ReviewStatus.APPROVED,
    DraftStatus.EDITED: ReviewStatus.APPROVED,
    DraftStatus.SENT: ReviewStatus.APPROVED,
    DraftStatus.REJECTED: ReviewStatus.CHANGES_REQUESTED,
}
"""What becoming of a draft says to whoever was asked for a review."""
PROGRAMS = frozenset({ActorKind.JOB, ActorKind.AGENT})
"""Who may propose but never approve."""


def fingerprint(words: str) -> str:
    """Return what an approval is bound to."""
    return hashlib.sha256(words.encode()).hexdigest()


def ask_for_draft(tx: Transaction, *, id: UUID, instructions: str | None = None) -> dict[str, str]:
    """Queue the writing of an answer to a ticket and answer its job; while one is at work, that one.

    Raises Conflict for a ticket that is closed.
    """
    if tx.get(Ticket, id, lock=True).status in ENDED:
        raise Conflict("The ticket is closed: there is nothing to answer.")
    payload = {"ticket_id": str(id), "instructions": instructions}
    job_id = tx.enqueue(DRAFT_REPLY, payload, queue="content_generation", dedupe_key=f"{DRAFT_REPLY} {id}")
    return {"job_id": str(job_id)}


def propose_draft(
    tx: Transaction,
    *,
    ticket_id: UUID,
    content: str,
    ticket_message_id: UUID | None = None,
    job_id: UUID | None = None,
    **rest: Any,  # noqa: ANN401 -- columns
) -> UUID:
    """Propose an answer to a ticket and return the draft; the one proposed before is superseded.

    The same ``job_id`` proposes once. Raises Conflict for a ticket that is closed.
    """
    ticket = tx.find(Ticket, ticket_id, lock=True)
    if ticket is None:
        raise ForeignKey.at("ticket_id", "foreign_key", "must be the id of an existing {what}", what="ticket")
    known = tx.find(AiDraft, job_id=job_id) if job_id is not None else None
    if known is not None:
        return known.id
    if ticket.status in ENDED:
        raise Conflict("The ticket is closed: there is nothing to answer.")
    answered = tx.find(TicketMessage, ticket_message_id) if ticket_message_id is not None else None
    if answered is not None and answered.ticket_id != ticket_id:
        raise Invalid.at("ticket_message_id", "mismatch", "belongs to another ticket")
    for former in tx.rows(AiDraft, ticket_id=ticket_id, status=DraftStatus.PROPOSED, lock=True):
        tx.transition(AiDraft, former.id, DraftStatus.SUPERSEDED)
    return tx.insert(
        AiDraft,
        store_id=ticket.store_id,
        ticket_id=ticket_id,
        ticket_message_id=ticket_message_id,
        content=content,
        content_hash=fingerprint(content),
        job_id=job_id,
        **rest,
    )


def approve_draft(tx: Transaction, *, id: UUID, edit: str | None = None, content_hash: str | None = None) -> UUID:
    """Allow a draft to be sent, as it is or with other words; what differs is kept for those who tune the model.

    Raises Stale if ``content_hash`` is not that of the draft, Forbidden for a program.
    """
    draft = _locked(tx, id)
    if content_hash is not None and content_hash != draft.content_hash:
        raise Stale(what="draft", current_version=draft.version)
    if edit is None or edit == draft.content:
        tx.transition(AiDraft, id, DraftStatus.APPROVED)
        return id
    if draft.status is DraftStatus.PROPOSED:
        distance, diff = difference(draft.content, edit)
        tx.change(draft, {"human_edit": edit, "edit_distance": distance, "diff": diff})
    tx.transition(AiDraft, id, DraftStatus.EDITED)
    return id


def reject_draft(
    tx: Transaction, *, id: UUID, feedback: Mapping[str, Any] | None = None, reward_score: float | None = None
) -> UUID:
    """Say that a draft is no good, and perhaps why."""
    told = {"feedback": feedback, "reward_score": reward_score}
    _locked(tx, id)
    tx.transition(
        AiDraft, id, DraftStatus.REJECTED, **{name: value for name, value in told.items() if value is not None}
    )
    return id


def send_draft(tx: Transaction, *, id: UUID, seen_count: int | None = None) -> UUID:
    """Make an approved draft the reply to its ticket, once; without approval only where the store sends by itself.

    Raises Overtaken if the ticket has more than ``seen_count`` messages.
    """
    require_seen(tx, _locked(tx, id).ticket_id, seen_count)
    tx.transition(AiDraft, id, DraftStatus.SENT)
    return id


def guard_draft(tx: Transaction, row: Root, to: DraftStatus) -> dict[str, object]:
    """Bind an approval to the words that were read, and write the reply when a draft is sent."""
    assert isinstance(row, AiDraft)
    if to in VERDICTS:
        settle_reviews(tx, AiDraft, row.id, VERDICTS[to])
    if to == DraftStatus.APPROVED:
        return _approval(tx, row.content)
    if to == DraftStatus.EDITED:
        if row.human_edit is None:
            raise Invalid.at("edit", "required", "is required: use the verb approve")
        return _approval(tx, row.human_edit)
    return {"sent_message_id": _reply(tx, row)} if to == DraftStatus.SENT else {}


def difference(before: str, after: str) -> tuple[int, str]:
    """Return how many characters an edit took out or put in, word by word, and the unified diff of its lines."""
    old, new = _words(before), _words(after)
    changed = 0
    for kind, start, end, new_start, new_end in difflib.SequenceMatcher(None, old, new).get_opcodes():
        if kind != "equal":
            changed += sum(map(len, old[start:end])) + sum(map(len, new[new_start:new_end]))
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "proposed", "edited", lineterm="")
    return changed, "\n".join(lines)


def _words(text: str) -> list[str]:
    return [part for word in text.split(" ") for part in (word, " ")][:-1]


def _locked(tx: Transaction, id: UUID) -> AiDraft:
    """Return a draft under lock, its ticket locked before it as everywhere."""
    tx.get(Ticket, tx.get(AiDraft, id).ticket_id, lock=True)
    return tx.get(AiDraft, id, lock=True)


def _approval(tx: Transaction, words: str) -> dict[str, object]:
    if tx.actor.kind in PROGRAMS:
        raise Forbidden("A draft is approved by a person.")
    return {"approved_by": tx.actor.id, "approved_at": tx.now, "approved_hash": fingerprint(words)}


def _reply(tx: Transaction, draft: AiDraft) -> UUID:
    """Write the reply of a draft that may be sent. Raises Conflict for one that may not."""
    words = draft.human_edit if draft.human_edit is not None else draft.content
    if draft.approved_hash is None:
        if not feature_flags(tx, draft.store_id).auto_send_drafts:
            raise Conflict(
                "The draft is not approved: approve it, or switch auto_send_drafts on in the store's settings."
            )
    elif draft.approved_hash != fingerprint(words):
        raise Conflict("The words of the draft are not those that were approved.")
    by = AuthorType.AI if draft.approved_hash is None else AuthorType.STAFF
    body = escape(words, quote=False).replace("\n", "<br>")
    return post_message(
        tx,
        ticket_id=draft.ticket_id,
        body_rich=body,
        body_plain=words,
        author_type=by,
        metadata={"ai_draft": str(draft.id)},
    )
