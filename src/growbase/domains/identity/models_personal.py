"""Tables whose rows belong to one user: what they are told, and the lists they come back to."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped

from growbase.core.model import (
    Key,
    Owned,
    Trashable,
    document,
    index,
    member,
    moment,
    norm,
    text,
    unique,
)
from growbase.core.retention import Retention
from growbase.core.subject import Subject


class Notification(Owned):
    """Something a user is told inside the product."""

    __tablename__ = "notifications"
    __logged__ = False
    __personal__ = "user_id"
    __subject__: ClassVar[Subject | None] = Subject(of="user_id")

    user_id: Mapped[UUID] = member(writable="never")
    kind: Mapped[str] = text(max_length=100, min_length=1, writable="never")
    title: Mapped[str] = text(max_length=300, min_length=1, writable="never", personal=True)
    body: Mapped[str | None] = text(max_length=4_000, writable="never", personal=True)
    link: Mapped[str | None] = text(
        max_length=2_000, writable="never", help="A path of the product, such as /studio.", personal=True
    )
    read_at: Mapped[datetime | None] = moment(writable="never")
    dedupe_key: Mapped[str | None] = text(max_length=200, writable="never", hidden=True)

    __indexes__: ClassVar[tuple[Key, ...]] = (
        index("user_id", "created_at", "id"),
        index("user_id", "id", where="read_at IS NULL"),
        index("read_at", where="read_at IS NOT NULL", across=True),
        unique("user_id", "dedupe_key", where="dedupe_key IS NOT NULL"),
    )
    __retention__: ClassVar[tuple[Retention, ...]] = (
        Retention("read_at", 90, part="read"),
        Retention("created_at", 365),
    )


class SavedView(Trashable, Owned):
    """A query somebody keeps under a name; one of nobody is the whole organization's."""

    __tablename__ = "saved_views"
    __personal__ = "user_id"
    __subject__: ClassVar[Subject | None] = Subject(of="user_id")

    user_id: Mapped[UUID | None] = member(writable="never")
    resource: Mapped[str] = text(max_length=63, min_length=1)
    name: Mapped[str] = text(max_length=100, min_length=1)
    name_norm: Mapped[str] = norm("name")
    query: Mapped[dict[str, Any]] = document(default=dict)

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("user_id", "resource", "name_norm", where="user_id IS NOT NULL"),
        unique("resource", "name_norm", where="user_id IS NULL"),
        index("name", "id"),
    )
