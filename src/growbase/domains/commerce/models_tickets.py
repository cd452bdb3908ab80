"""Tables of the support desk: tickets, the messages of their threads, and what a model proposed to answer."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped

from growbase.core.model import (
    Key,
    Owned,
    Retention,
    Trashable,
    boolean,
    choice,
    document,
    identifier,
    index,
    integer,
    member,
    moment,
    norm,
    number,
    reference,
    state,
    text,
    unique,
)
from growbase.core.provenance import Generated
from growbase.core.subject import Subject
from growbase.domains.commerce.models import EMAIL
from growbase.domains.commerce.models_flags import Urgency

LONGEST_BODY = 100_000
LONGEST_DRAFT = 20_000


class TicketStatus(StrEnum):
    """Where a ticket stands; pending means that the customer has to answer."""

    OPEN = "open"
    PENDING = "pending"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    CLOSED = "closed"
    ARCHIVED = "archived"


class TicketSource(StrEnum):
    """Where a ticket came in."""

    INBOX = "inbox"
    EMAIL = "email"
    CHAT = "chat"
    FORM = "form"
    API = "api"


class AuthorType(StrEnum):
    """Who wrote a message."""

    CUSTOMER = "customer"
    STAFF = "staff"
    AUTOMATION = "automation"
    AI = "ai"


class Delivery(StrEnum):
    """How far a message has got on its way to the customer."""

    NONE = "none"
    QUEUED = "queued"
    CLAIMED = "claimed"
    DISPATCHING = "dispatching"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"


class DraftStatus(StrEnum):
    """Where a proposed answer stands; edited is approved with other words."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    EDITED = "edited"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    SENT = "sent"


class Ticket(Trashable, Owned):
    """A conversation with one customer of a store, numbered within the store."""

    __tablename__ = "tickets"
    __subject__: ClassVar[Subject | None] = Subject(address="customer_email_norm")

    store_id: Mapped[UUID] = reference("stores", writable="create")
    number: Mapped[int] = integer(ge=1, writable="never")
    subject: Mapped[str] = text(max_length=300, min_length=1, personal=True)
    status: Mapped[TicketStatus] = state(TicketStatus.OPEN)
    priority: Mapped[Urgency] = choice(Urgency, default=Urgency.NORMAL)
    source: Mapped[TicketSource] = choice(TicketSource, default=TicketSource.INBOX, writable="create")
    assignee_user_id: Mapped[UUID | None] = member()
    customer_email: Mapped[str | None] = text(max_length=320, min_length=3, pattern=EMAIL, personal=True)
    customer_email_norm: Mapped[str | None] = norm("customer_email")
    customer_name: Mapped[str | None] = text(max_length=200, personal=True)
    shopify_customer_id: Mapped[str | None] = text(max_length=100, personal=True)
    shopify_order_id: Mapped[str | None] = text(max_length=100)
    thread_key: Mapped[str | None] = text(max_length=300, writable="create")
    tags: Mapped[list[str]] = document(default=list, personal=True)
    waiting_since: Mapped[datetime | None] = moment(writable="never")
    first_response_at: Mapped[datetime | None] = moment(writable="never")
    last_message_at: Mapped[datetime | None] = moment(writable="never")
    last_customer_message_at: Mapped[datetime | None] = moment(writable="never")
    snoozed_until: Mapped[datetime | None] = moment(writable="never")
    resolved_at: Mapped[datetime | None] = moment(writable="never")
    closed_at: Mapped[datetime | None] = moment(writable="never")
    reopen_count: Mapped[int] = integer(ge=0, default=0, writable="never")
    follows_ticket_id: Mapped[UUID | None] = reference("tickets", on_purge="null", writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("store_id", "number", live=False),
        unique("store_id", "thread_key", where="status NOT IN ('closed', 'archived')"),
        index("store_id", "status", "last_message_at"),
        index("store_id", "assignee_user_id", "status"),
        index("store_id", "shopify_order_id"),
        index("store_id", "customer_email_norm"),
        index("store_id", "shopify_customer_id"),
        index("number", "id"),
        index("waiting_since", "id"),
        index("last_message_at", "id"),
        index("status", "snoozed_until", where="status = 'snoozed'", across=True),
    )
    __checks__: ClassVar[dict[str, str]] = {
        "resolved_at": "status <> 'resolved' OR resolved_at IS NOT NULL",
        "snoozed_until": "status <> 'snoozed' OR snoozed_until IS NOT NULL",
    }


class TicketMessage(Owned):
    """One message of a ticket's thread, or a note that the customer never sees; what was sent is never changed."""

    __tablename__ = "ticket_messages"
    __subject__: ClassVar[Subject | None] = Subject(of="ticket_id")

    ticket_id: Mapped[UUID] = reference("tickets", writable="create")
    store_id: Mapped[UUID] = reference("stores", writable="never")
    author_type: Mapped[AuthorType] = choice(AuthorType, writable="never")
    author_user_id: Mapped[UUID | None] = identifier()
    author_label: Mapped[str | None] = text(max_length=320, writable="never", personal=True)
    body_rich: Mapped[str] = text(max_length=LONGEST_BODY, min_length=1, personal=True)
    body_plain: Mapped[str | None] = text(max_length=LONGEST_BODY, personal=True)
    is_internal_note: Mapped[bool] = boolean(default=False, writable="create")
    is_draft: Mapped[bool] = boolean(default=False, writable="create")
    delivery: Mapped[Delivery] = choice(Delivery, writable="never")
    external_id: Mapped[str | None] = text(max_length=300, writable="never")
    in_reply_to: Mapped[str | None] = text(max_length=300)
    sent_at: Mapped[datetime | None] = moment(writable="never")
    next_attempt_at: Mapped[datetime | None] = moment(writable="never")
    attempts: Mapped[int] = integer(ge=0, default=0, writable="never")
    last_error: Mapped[dict[str, Any] | None] = document(writable="never")
    claim_token: Mapped[UUID | None] = identifier(hidden=True)
    claimed_until: Mapped[datetime | None] = moment(writable="never")
    metadata_: Mapped[dict[str, Any] | None] = document(name="metadata", personal=True)

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("store_id", "external_id", where="external_id IS NOT NULL"),
        index("store_id", "id"),
        index("ticket_id", "created_at", "id"),
        index("delivery", "next_attempt_at", where="next_attempt_at IS NOT NULL", across=True),
        index("claimed_until", where="claimed_until IS NOT NULL", across=True),
    )
    __checks__: ClassVar[dict[str, str]] = {
        "draft_unsent": "NOT (is_draft AND sent_at IS NOT NULL)",
        "note_undelivered": "NOT (is_internal_note AND delivery <> 'none')",
    }


SCRUBBED = "[removed]"
"""What is left of a text that had to go."""


class AiDraft(Generated, Owned):
    """An answer that a model proposed: its words stay as they came, people approve, edit, reject and score it."""

    __tablename__ = "ai_drafts"
    __subject__: ClassVar[Subject | None] = Subject(of="ticket_id")

    store_id: Mapped[UUID] = reference("stores", writable="never")
    ticket_id: Mapped[UUID] = reference("tickets", writable="create")
    ticket_message_id: Mapped[UUID | None] = reference("ticket_messages", on_purge="null", writable="create")
    content: Mapped[str] = text(max_length=LONGEST_DRAFT, min_length=1, writable="create", personal=True)
    content_hash: Mapped[str] = text(max_length=64, writable="never")
    human_edit: Mapped[str | None] = text(max_length=LONGEST_DRAFT, writable="never", personal=True)
    edit_distance: Mapped[int | None] = integer(ge=0, writable="never")
    diff: Mapped[str | None] = text(max_length=100_000, writable="never", personal=True)
    status: Mapped[DraftStatus] = state(DraftStatus.PROPOSED)
    approved_by: Mapped[UUID | None] = identifier()
    approved_at: Mapped[datetime | None] = moment(writable="never")
    approved_hash: Mapped[str | None] = text(max_length=64, writable="never")
    sent_message_id: Mapped[UUID | None] = reference("ticket_messages", on_purge="null", writable="never")
    reward_score: Mapped[float | None] = number(ge=-1, le=1)
    feedback: Mapped[dict[str, Any] | None] = document(personal=True)
    dropped_at: Mapped[datetime | None] = moment(writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("job_id", where="job_id IS NOT NULL"),
        unique("ticket_id", where="status = 'proposed'"),
        index("store_id", "created_at"),
        index("ticket_id", "status"),
        index("created_at", "status", across=True, where="dropped_at IS NULL"),
    )
    __checks__: ClassVar[dict[str, str]] = {
        "approved_at": "status NOT IN ('approved', 'edited') OR approved_at IS NOT NULL"
    }
    __retention__: ClassVar[tuple[Retention, ...]] = (
        Retention(
            "created_at",
            180,
            where="t.dropped_at IS NULL",
            empties={"content": SCRUBBED, "human_edit": None, "diff": None},
            stamp="dropped_at",
        ),
    )
