"""What members say of a row, and who is asked to look it over: both belong to any row of the organization."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped

from growbase.core.model import (
    Key,
    Owned,
    Trashable,
    document,
    identifier,
    index,
    member,
    moment,
    state,
    text,
    unique,
)
from growbase.core.retention import Retention
from growbase.core.subject import Subject


class ReviewStatus(StrEnum):
    """What became of a request to look a row over."""

    REQUESTED = "requested"
    CHANGES_REQUESTED = "changes_requested"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


class Comment(Trashable, Owned):
    """Something a member says of a row; it goes where the row goes."""

    __tablename__ = "comments"
    __attached__ = ("resource", "row_id")
    __subject__: ClassVar[Subject | None] = Subject(of="row_id")

    resource: Mapped[str] = text(max_length=63, min_length=1, writable="create")
    row_id: Mapped[UUID] = identifier(writable="create")
    author_user_id: Mapped[UUID | None] = member(writable="never")
    text: Mapped[str] = text(
        max_length=10_000, min_length=1, personal=True, help="Members named as @name or @address are told."
    )
    mentions: Mapped[list[str]] = document(default=list, writable="never")
    resolved_at: Mapped[datetime | None] = moment(writable="never")
    resolved_by: Mapped[UUID | None] = identifier()

    __indexes__: ClassVar[tuple[Key, ...]] = (index("row_id", "created_at", "id"),)


class ReviewRequest(Trashable, Owned):
    """A member who is asked to look a row over, and what they say."""

    __tablename__ = "review_requests"
    __attached__ = ("resource", "row_id")

    resource: Mapped[str] = text(max_length=63, min_length=1, writable="create")
    row_id: Mapped[UUID] = identifier(writable="create")
    reviewer_user_id: Mapped[UUID] = member(writable="create")
    due_at: Mapped[datetime | None] = moment()
    status: Mapped[ReviewStatus] = state(ReviewStatus.REQUESTED)
    decided_at: Mapped[datetime | None] = moment(writable="never")
    decided_by: Mapped[UUID | None] = identifier()

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("row_id", "reviewer_user_id", where="status IN ('requested', 'changes_requested')"),
        index("reviewer_user_id", "status", "due_at"),
        index("row_id", "created_at"),
        index("due_at", "id"),
        index("decided_at", where="decided_at IS NOT NULL", across=True),
    )
    __retention__: ClassVar[tuple[Retention, ...]] = (Retention("decided_at", 730),)
