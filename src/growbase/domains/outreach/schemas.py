"""Shapes of requests that differ from their table: sets of steps, enrolments, opt-outs, imports, verbs."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from growbase.domains.marketing.models import KEY
from growbase.domains.outreach.models import OptOutReason
from growbase.domains.outreach.models_sequences import StepConditions

Key = Annotated[str, Field(min_length=1, max_length=60, pattern=KEY)]
Reason = Annotated[str, Field(min_length=1, max_length=2_000)]
MAX_ENROLLED = 1_000
"""Prospects named in one request; the people of a profile may be more."""


class Shape(BaseModel):
    """A part of a request; an unknown field is an error, since it is a misspelt one."""

    model_config = ConfigDict(extra="forbid")


class OptOut(Shape):
    """Why a prospect is not to be written to any more."""

    reason: OptOutReason = OptOutReason.MANUAL


class Merge(Shape):
    """The prospect that stays."""

    into_id: UUID


class NewSuppression(Shape):
    """The address, or the domain, to leave alone."""

    address: Annotated[str, Field(min_length=3, max_length=320)]


class Lift(Shape):
    """Why an address may be written to again."""

    reason: Reason


class StepDraft(Shape):
    """A step of a sequence; they follow each other as they are listed."""

    step_key: Key
    subject: Annotated[str, Field(max_length=300)] | None = None
    content: Annotated[str, Field(min_length=1, max_length=100_000)]
    delay_days: Annotated[int, Field(ge=0, le=3_650)] = 0
    delay_hours: Annotated[int, Field(ge=0, le=87_600)] = 0
    conditions: StepConditions | None = None
    is_active: bool = True
    template_id: UUID | None = None


class StepSet(Shape):
    """The steps a sequence is to have, in their order."""

    steps: Annotated[list[StepDraft], Field(max_length=100)]


class SequenceSteps(Shape):
    """What the request that makes a sequence holds beside its columns."""

    steps: Annotated[list[StepDraft], Field(max_length=100)] | None = None


class StepRevision(Shape):
    """What a step's next revision says otherwise."""

    subject: Annotated[str, Field(max_length=300)] | None = None
    content: Annotated[str, Field(min_length=1, max_length=100_000)] | None = None
    delay_days: Annotated[int, Field(ge=0, le=3_650)] | None = None
    delay_hours: Annotated[int, Field(ge=0, le=87_600)] | None = None
    conditions: StepConditions | None = None
    template_id: UUID | None = None


class StepMove(Shape):
    """The place a step is to have, counted from 1."""

    step_number: Annotated[int, Field(ge=1)]


class Enrolment(Shape):
    """Who is to go through a campaign: some prospects, or all of a profile."""

    prospect_ids: Annotated[list[UUID], Field(min_length=1, max_length=MAX_ENROLLED)] | None = None
    icp_id: UUID | None = None
    again: bool = False

    @model_validator(mode="after")
    def _names_one_group(self) -> Self:
        if (self.prospect_ids is None) == (self.icp_id is None):
            raise ValueError("name either prospect_ids or icp_id")
        return self


class Duplicate(Shape):
    """How to name a copy; "X (copy n)" if nothing is said."""

    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class Outcome(Shape):
    """What became of a message nobody could tell about."""

    outcome: Literal["sent", "not_sent"]


class Later(Shape):
    """When to come back to it."""

    until: AwareDatetime


class Sending(Shape):
    """When a message is to go out; at once if nothing is said."""

    send_at: AwareDatetime | None = None


class StepTest(Shape):
    """Which member gets the test, the caller if nobody is named, and whose name is filled in."""

    to: Annotated[str, Field(min_length=3, max_length=320)] | None = None
    prospect_id: UUID | None = None


class ReceivedEvent(Shape):
    """What a provider tells of a message, named by our id or by the provider's."""

    type: Literal[
        "sent",
        "delivered",
        "open",
        "click",
        "reply",
        "bounce_soft",
        "bounce_hard",
        "complaint",
        "unsubscribe",
        "failed",
    ]
    provider: Annotated[str, Field(min_length=1, max_length=60)]
    provider_event_id: Annotated[str, Field(min_length=1, max_length=300)]
    occurred_at: datetime | None = None
    data: dict[str, Any] = {}


class ProviderEvent(Shape):
    """What a mail provider tells of a message, named by its Message-ID, by our id or by the provider's."""

    type: Literal[
        "delivered", "bounce_hard", "bounce_soft", "complaint", "reply", "open", "click", "unsubscribe", "failed"
    ]
    message_id: Annotated[str, Field(min_length=1, max_length=300)]
    provider_event_id: Annotated[str, Field(min_length=1, max_length=300)]
    occurred_at: AwareDatetime | None = None
    data: dict[str, Any] = {}


class ProviderEvents(Shape):
    """What a mail provider tells, in its order."""

    events: Annotated[list[ProviderEvent], Field(min_length=1, max_length=500)]
