"""Tables of those who answer: replies that are kept ready, and who is writing to whom at this moment."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from growbase.core import types
from growbase.core.model import (
    Fact,
    Key,
    Owned,
    Retention,
    Rule,
    Trashable,
    index,
    moment,
    norm,
    text,
    unique,
)

SHORTCUT = r"^[a-z0-9]+(-[a-z0-9]+)*$"


class CannedReply(Trashable, Owned):
    """An answer that is kept ready for everybody, with variables such as ``{{customer_name}}``."""

    __tablename__ = "canned_replies"

    name: Mapped[str] = text(max_length=100, min_length=1)
    name_norm: Mapped[str] = norm("name")
    shortcut: Mapped[str | None] = text(
        max_length=40, pattern=SHORTCUT, help="Typed behind a slash it becomes the reply, such as /refund."
    )
    language: Mapped[str] = text(
        max_length=35, min_length=2, default="en", help="The language it is written in, such as en."
    )
    body: Mapped[str] = text(
        max_length=20_000,
        min_length=1,
        help="May hold {{customer_name}}, {{agent_name}}, {{store_name}}, {{ticket_number}} and {{ticket_subject}}.",
    )

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("name_norm", "language"),
        unique("shortcut", where="shortcut IS NOT NULL"),
        index("name", "id"),
    )


def _key(rule: Rule, *, order: int) -> Any:  # noqa: ANN401 -- a column declaration
    return mapped_column(types.Identifier(), primary_key=True, sort_order=order, info={"rule": rule})


class TicketWriter(Fact):
    """That somebody is writing in a ticket, until a moment that is put off while they go on."""

    __tablename__ = "ticket_writers"
    __scope__ = "organization_id"

    organization_id: Mapped[UUID] = _key(Rule("identifier", writable="never"), order=-10)
    ticket_id: Mapped[UUID] = _key(Rule("reference", target="tickets", on_purge="cascade"), order=-9)
    user_id: Mapped[UUID] = _key(Rule("reference", target="users", member=True), order=-8)
    until: Mapped[datetime] = moment()

    __indexes__: ClassVar[tuple[Key, ...]] = (
        index("ticket_id", "user_id"),
        index("user_id", "ticket_id"),
        index("until", across=True),
    )
    __retention__: ClassVar[tuple[Retention, ...]] = (Retention("until", 1, holdable=False),)
