"""Tables of sequences and their steps, of the campaigns that run them, and of who is in one."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field
from sqlalchemy.orm import Mapped
from typing_extensions import TypedDict

from growbase.core.model import (
    Key,
    Owned,
    Trashable,
    boolean,
    choice,
    document,
    index,
    integer,
    moment,
    norm,
    reference,
    state,
    text,
    unique,
)
from growbase.domains.identity.models import EMAIL
from growbase.domains.marketing.models import KEY
from growbase.domains.outreach.models import STRICT, Line

CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"


class Channel(StrEnum):
    """How a message travels."""

    EMAIL = "email"
    LINKEDIN = "linkedin"
    SMS = "sms"
    WHATSAPP = "whatsapp"


class OutreachStatus(StrEnum):
    """Where an outreach campaign stands; only an active one sends."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    ARCHIVED = "archived"


class EnrollmentStatus(StrEnum):
    """Where a prospect stands in a campaign's sequence."""

    PENDING = "pending"
    ACTIVE = "active"
    PAUSED = "paused"
    REPLIED = "replied"
    COMPLETED = "completed"
    BOUNCED = "bounced"
    UNSUBSCRIBED = "unsubscribed"
    STOPPED = "stopped"
    FAILED = "failed"


OPEN = (EnrollmentStatus.PENDING, EnrollmentStatus.ACTIVE, EnrollmentStatus.PAUSED)
"""The enrolments that have not ended."""


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("must be a time zone such as Europe/Paris") from None
    return name


class SendingWindow(TypedDict, total=False):
    """When messages may leave: ``days`` from 1 (Monday) to 7, ``start`` and ``end`` such as 09:00.

    Without ``tz`` the organization's clocks count.
    """

    __pydantic_config__ = STRICT  # type: ignore[misc]

    tz: Annotated[Line, AfterValidator(_check_zone)]
    days: list[Annotated[int, Field(ge=1, le=7)]]
    start: Annotated[str, Field(pattern=CLOCK)]
    end: Annotated[str, Field(pattern=CLOCK)]


class SequenceSettings(TypedDict, total=False):
    """How a sequence behaves; a reply and a bounce stop it unless it says otherwise.

    ``daily_cap`` counts over all its campaigns; ``min_gap_hours`` lie between two messages to the same person. Opens
    and clicks are tracked only where it says so.
    """

    __pydantic_config__ = STRICT  # type: ignore[misc]

    stop_on_reply: bool
    stop_on_bounce: bool
    sending_window: SendingWindow
    daily_cap: Annotated[int, Field(ge=1)]
    min_gap_hours: Annotated[int, Field(ge=0, le=8_760)]
    track_opens: bool
    track_clicks: bool


class StepConditions(TypedDict, total=False):
    """Who gets a step: those for whom all of it is as it says. Who does not goes on with the step behind it.

    ``opened``, ``clicked`` and ``replied`` are true where one of the messages before it was, or that of ``step``, the
    key of an earlier step. Without tracking nothing counts as opened or clicked.
    """

    __pydantic_config__ = STRICT  # type: ignore[misc]

    opened: bool
    clicked: bool
    replied: bool
    step: Annotated[str, Field(min_length=1, max_length=60, pattern=KEY)]


class Sender(TypedDict, total=False):
    """In whose name a campaign writes."""

    __pydantic_config__ = STRICT  # type: ignore[misc]

    name: Line
    email: Annotated[str, Field(max_length=320, pattern=EMAIL)]
    reply_to: Annotated[str, Field(max_length=320, pattern=EMAIL)]
    signature: Annotated[str, Field(max_length=2_000)]


class Sequence(Trashable, Owned):
    """A row of messages with pauses between them, sent to one person after the other."""

    __tablename__ = "sequences"

    name: Mapped[str] = text(max_length=200, min_length=1)
    name_norm: Mapped[str] = norm("name")
    description: Mapped[str | None] = text()
    icp_id: Mapped[UUID | None] = reference("icps", on_purge="null")
    channel: Mapped[Channel] = choice(Channel, default=Channel.EMAIL, writable="create")
    is_active: Mapped[bool] = boolean(default=True)
    settings: Mapped[SequenceSettings] = document(default=dict)

    __indexes__: ClassVar[tuple[Key, ...]] = (unique("name_norm"), index("name", "id"))


class SequenceStep(Trashable, Owned):
    """One message of a sequence. What was sent is never edited: a new revision takes its place and its key."""

    __tablename__ = "sequence_steps"

    sequence_id: Mapped[UUID] = reference("sequences", writable="create")
    step_key: Mapped[str] = text(
        max_length=60, min_length=1, pattern=KEY, writable="create", help="Stays the same when the step moves."
    )
    step_number: Mapped[int] = integer(ge=1, writable="never")
    subject: Mapped[str | None] = text(max_length=300)
    content: Mapped[str] = text(max_length=100_000, min_length=1)
    delay_days: Mapped[int] = integer(ge=0, le=3_650, default=0)
    delay_hours: Mapped[int] = integer(ge=0, le=87_600, default=0)
    conditions: Mapped[StepConditions | None] = document()
    is_active: Mapped[bool] = boolean(default=True)
    template_id: Mapped[UUID | None] = reference("content_templates", on_purge="null")
    revision: Mapped[int] = integer(ge=1, default=1, writable="never")
    supersedes_id: Mapped[UUID | None] = reference("sequence_steps", on_purge="null", writable="never")
    superseded_at: Mapped[datetime | None] = moment(writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("sequence_id", "step_number", where="superseded_at IS NULL"),
        unique("sequence_id", "step_key", where="superseded_at IS NULL"),
        index("sequence_id", "step_key", "revision"),
        index("step_number", "id"),
    )


class OutreachCampaign(Trashable, Owned):
    """A run of a sequence over people: each gets each step once at most."""

    __tablename__ = "outreach_campaigns"

    name: Mapped[str] = text(max_length=200, min_length=1)
    name_norm: Mapped[str] = norm("name")
    description: Mapped[str | None] = text()
    sequence_id: Mapped[UUID] = reference("sequences")
    campaign_id: Mapped[UUID | None] = reference("campaigns", on_purge="null")
    status: Mapped[OutreachStatus] = state(OutreachStatus.DRAFT)
    start_at: Mapped[datetime | None] = moment()
    started_at: Mapped[datetime | None] = moment(writable="never")
    paused_at: Mapped[datetime | None] = moment(writable="never")
    completed_at: Mapped[datetime | None] = moment(writable="never")
    sender: Mapped[Sender] = document(default=dict)
    daily_limit: Mapped[int | None] = integer(ge=1)

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("name_norm"),
        index("name", "id"),
        index("status", "updated_at", "id"),
    )


class Enrollment(Owned):
    """A prospect in a campaign; ``rotation`` counts how often the same person went through it."""

    __tablename__ = "enrollments"

    outreach_campaign_id: Mapped[UUID] = reference("outreach_campaigns", writable="never")
    prospect_id: Mapped[UUID] = reference("prospects", writable="never")
    rotation: Mapped[int] = integer(ge=1, default=1, writable="never")
    status: Mapped[EnrollmentStatus] = state(EnrollmentStatus.PENDING)
    current_step: Mapped[int] = integer(ge=0, default=0, writable="never")
    next_step_at: Mapped[datetime | None] = moment(writable="never")
    started_at: Mapped[datetime | None] = moment(writable="never")
    ended_at: Mapped[datetime | None] = moment(writable="never")
    stop_reason: Mapped[str | None] = text(max_length=300, writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("outreach_campaign_id", "prospect_id", "rotation"),
        unique("outreach_campaign_id", "prospect_id", where="status IN ('pending', 'active', 'paused')"),
        index("outreach_campaign_id", "status"),
        index("status", "next_step_at", across=True),
    )
