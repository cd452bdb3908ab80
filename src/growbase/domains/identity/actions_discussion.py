"""Talking about rows: comments that name members, and requests to look a row over with what came of them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from growbase.core.actor import ActorKind, Role
from growbase.core.errors import Forbidden, ForeignKey, Invalid
from growbase.core.folding import fold
from growbase.core.model import Root, is_trashable
from growbase.core.reads import Reads
from growbase.core.resource import Resource
from growbase.core.transaction import Transaction
from growbase.domains.identity.actions_personal import notify
from growbase.domains.identity.models import Membership, MembershipStatus, User
from growbase.domains.identity.models_discussion import Comment, ReviewRequest, ReviewStatus

OPEN: Final = (ReviewStatus.REQUESTED, ReviewStatus.CHANGES_REQUESTED)
SHOWN: Final = 140
"""Characters of a comment that a notification shows."""


def is_discussed(resource: Resource) -> bool:
    """Return whether rows of a resource may have comments: every member sees them, and they go by the trash only."""
    model = resource.model
    is_kept = is_trashable(model) or not resource.deletable
    is_open = resource.read is Role.VIEWER and model.__personal__ is None and model.__scope__ == "organization_id"
    return is_open and is_kept and model.__logged__ and model.__attached__ is None


# -- comments ---------------------------------------------------------------------------------------------------------


def create_comment(tx: Transaction, *, resource: str, row_id: UUID, text: str) -> UUID:
    """Say something of a live row; members named as ``@name`` or ``@address`` are told. Raises Invalid, ForeignKey."""
    found = tx.context.catalog.by_name.get(resource)
    if found is None or not is_discussed(found):
        raise Invalid.at("resource", "unknown", "is not a resource whose rows have comments")
    _require_row(tx, found, row_id)
    named = _named(tx, text)
    id = tx.insert(
        Comment,
        resource=resource,
        row_id=row_id,
        author_user_id=_person(tx),
        text=text,
        mentions=[str(user.id) for user in named],
    )
    _tell(tx, named, resource, row_id, id, text)
    return id


def update_comment(tx: Transaction, *, id: UUID, changes: Mapping[str, Any], version: int | None = None) -> int:
    """Change one's own comment; who is named only now is told. Raises Forbidden."""
    comment = tx.get(Comment, id, lock=True)
    if comment.author_user_id != _person(tx):
        raise Forbidden("A comment is changed by who wrote it.")
    values = dict(changes)
    if "text" in values:
        named = _named(tx, values["text"])
        values["mentions"] = [str(user.id) for user in named]
        _tell(tx, named, comment.resource, comment.row_id, id, values["text"])
    return tx.change(comment, values, version=version)


def resolve_comment(tx: Transaction, *, id: UUID) -> UUID:
    """Say that what a comment asked for is settled."""
    comment = tx.get(Comment, id, lock=True)
    if comment.resolved_at is None:
        tx.change(comment, {"resolved_at": tx.now, "resolved_by": tx.actor.id})
    return id


def reopen_comment(tx: Transaction, *, id: UUID) -> UUID:
    """Say that a comment is not settled after all."""
    tx.update(Comment, id, {"resolved_at": None, "resolved_by": None})
    return id


def _named(reads: Reads, text: str) -> list[User]:
    """Return the active members whom a text names."""
    words = fold(text)
    if "@" not in words:
        return []
    ids = [row.user_id for row in reads.rows(Membership, status=MembershipStatus.ACTIVE, limit=1_000)]
    users = reads.rows(User, id=ids, order="email")
    return [user for user in users if any(_names(words, name) for name in (user.full_name, user.email) if name)]


def _names(words: str, name: str) -> bool:
    """Return whether a text holds ``@`` and a name that does not go on as another one."""
    wanted = f"@{fold(name)}"
    start = words.find(wanted)
    while start >= 0:
        following = words[start + len(wanted) : start + len(wanted) + 1]
        if not following.isalnum():
            return True
        start = words.find(wanted, start + 1)
    return False


def _tell(tx: Transaction, named: Iterable[User], resource: str, row_id: UUID, comment_id: UUID, text: str) -> None:
    short = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
    for user in named:
        if user.id != tx.actor.id:
            notify(
                tx,
                user_id=user.id,
                kind="mention",
                title=f"{_name(tx)} mentioned you",
                body=short,
                link=_link(resource, row_id),
                dedupe_key=f"mention {comment_id}",
            )


# -- reviews ----------------------------------------------------------------------------------------------------------


def request_review(
    tx: Transaction, *, resource: str, row_id: UUID, reviewer_user_id: UUID, due_at: datetime | None = None
) -> UUID:
    """Ask a member to look a row over, who is told. Raises Invalid, ForeignKey, NotUnique for one who is asked."""
    found = tx.context.catalog.by_name.get(resource)
    if found is None or not found.reviewed:
        raise Invalid.at("resource", "unknown", "is not a resource whose rows are reviewed")
    _require_row(tx, found, row_id)
    member = tx.find(Membership, user_id=reviewer_user_id)
    if member is not None and (member.status is not MembershipStatus.ACTIVE or member.role is Role.VIEWER):
        raise Invalid.at("reviewer_user_id", "choice", "must be an active member who may change rows")
    id = tx.insert(ReviewRequest, resource=resource, row_id=row_id, reviewer_user_id=reviewer_user_id, due_at=due_at)
    if reviewer_user_id != tx.actor.id:
        title = f"{_name(tx)} asks you for a review"
        link = _link(resource, row_id)
        notify(tx, user_id=reviewer_user_id, kind="review_requested", title=title, link=link, dedupe_key=f"review {id}")
    return id


def guard_review(tx: Transaction, row: Root, to: ReviewStatus) -> dict[str, object]:
    """Let the reviewer decide, and whoever asked or an admin withdraw or ask again; the other side is told."""
    assert isinstance(row, ReviewRequest)
    is_asker = row.created_by == tx.actor.id or tx.actor.has_role(Role.ADMIN)
    if to in {ReviewStatus.APPROVED, ReviewStatus.CHANGES_REQUESTED}:
        if tx.actor.id is None or row.reviewer_user_id != tx.actor.id:
            raise Forbidden("A review is decided by the member who was asked.")
        _tell_asker(tx, row, to)
        return {"decided_at": tx.now, "decided_by": tx.actor.id}
    if not is_asker:
        raise Forbidden("A review is withdrawn or asked for again by who asked for it.")
    if to is ReviewStatus.WITHDRAWN:
        return {"decided_at": tx.now, "decided_by": tx.actor.id}
    title = f"{_name(tx)} asks you for a review again"
    notify(tx, user_id=row.reviewer_user_id, kind="review_requested", title=title, link=_link(row.resource, row.row_id))
    return {"decided_at": None, "decided_by": None}


def approve_review(tx: Transaction, *, id: UUID) -> UUID:
    """Say that the row is fine as it is."""
    tx.transition(ReviewRequest, id, ReviewStatus.APPROVED)
    return id


def request_changes(tx: Transaction, *, id: UUID, text: str) -> UUID:
    """Say what should change, as a comment on the row."""
    before = tx.transition(ReviewRequest, id, ReviewStatus.CHANGES_REQUESTED)
    create_comment(tx, resource=before.resource, row_id=before.row_id, text=text)
    return id


def withdraw_review(tx: Transaction, *, id: UUID) -> UUID:
    """Ask no more."""
    tx.transition(ReviewRequest, id, ReviewStatus.WITHDRAWN)
    return id


def ask_again(tx: Transaction, *, id: UUID) -> UUID:
    """Ask the same member once more, after the changes."""
    tx.transition(ReviewRequest, id, ReviewStatus.REQUESTED)
    return id


def settle_reviews(tx: Transaction, model: type[Root], row_id: UUID, to: ReviewStatus) -> int:
    """Close the open requests about a row that was approved or sent back by its own verb, and return how many.

    Called by the row's domain. Whoever was asked and did not decide is told nothing: there is nothing left to do.
    """
    resource = tx.context.catalog.of(model)
    if resource is None or not resource.reviewed:
        return 0
    waiting = OPEN if to is ReviewStatus.APPROVED else (ReviewStatus.REQUESTED,)
    found = tx.rows(ReviewRequest, row_id=row_id, status=waiting, order="id", lock=True)
    for row in found:
        values = {"status": to, "decided_at": tx.now, "decided_by": tx.actor.id}
        tx.change(row, values, action="transition")
        _tell_asker(tx, row, to)
    return len(found)


def _tell_asker(tx: Transaction, row: ReviewRequest, to: ReviewStatus) -> None:
    asker = row.created_by
    if asker is None or asker == tx.actor.id or tx.find(Membership, user_id=asker) is None:
        return
    is_fine = to is ReviewStatus.APPROVED
    title = f"{_name(tx)} approved what you asked about" if is_fine else f"{_name(tx)} asks for changes"
    notify(tx, user_id=asker, kind="review_decided", title=title, link=_link(row.resource, row.row_id))


# -- both -------------------------------------------------------------------------------------------------------------


def _require_row(tx: Transaction, resource: Resource, row_id: UUID) -> None:
    if tx.find(resource.model, row_id, share=True) is None:
        raise ForeignKey.at("row_id", "foreign_key", "must be the id of an existing {what}", what=resource.noun)


def _person(tx: Transaction) -> UUID | None:
    return tx.actor.id if tx.actor.kind is ActorKind.USER else None


def _name(tx: Transaction) -> str:
    user = tx.find(User, tx.actor.id) if tx.actor.kind is ActorKind.USER and tx.actor.id else None
    return (user.full_name or user.email) if user else tx.actor.label


def _link(resource: str, row_id: UUID) -> str:
    return f"/studio/{resource}/{row_id}?tab=discussion"
