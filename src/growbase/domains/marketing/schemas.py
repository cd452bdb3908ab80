"""Shapes of requests and documents that differ from their table: stages, templates, variants, events, verbs."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Required, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from typing_extensions import TypedDict

from growbase.core.errors import Invalid
from growbase.core.schema import invalid
from growbase.domains.marketing.models import KEY, URL, ContentType, StageKind
from growbase.domains.marketing.models_analytics import EventType
from growbase.domains.marketing.models_generated import GeneratedType, Platform

Line = Annotated[str, Field(min_length=1, max_length=300)]
Key = Annotated[str, Field(min_length=1, max_length=60, pattern=KEY)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Url = Annotated[str, Field(max_length=2_000, pattern=URL)]


class Shape(BaseModel):
    """A part of a request; an unknown field is an error, since it is a misspelt one."""

    model_config = ConfigDict(extra="forbid")


# -- journeys ---------------------------------------------------------------------------------------------------------


class StageConfig(Shape):
    """What every stage may say."""

    schema_version: Literal[1] = 1
    goal: Line | None = None
    message: Annotated[str, Field(max_length=2_000)] | None = None
    channels: list[Line] = []
    content_types: list[ContentType] = []


class AwarenessConfig(StageConfig):
    """How a stage makes itself known."""

    audience: Line | None = None
    target_reach: Annotated[int, Field(ge=0)] | None = None
    frequency_cap: Annotated[int, Field(ge=1)] | None = None


class ConsiderationConfig(StageConfig):
    """What a stage gives people to weigh."""

    offer: Line | None = None
    lead_magnet: Line | None = None
    proof_points: list[Line] = []


class ConversionConfig(StageConfig):
    """What a stage asks people to do."""

    call_to_action: Line | None = None
    landing_page_url: Url | None = None
    target_conversions: Annotated[int, Field(ge=0)] | None = None
    target_conversion_rate: Annotated[float, Field(ge=0, le=1)] | None = None


class RetentionConfig(StageConfig):
    """How a stage keeps people."""

    interval_days: Annotated[int, Field(ge=1)] | None = None
    reward: Line | None = None


class AdvocacyConfig(StageConfig):
    """How a stage lets people recommend."""

    referral_reward: Line | None = None
    share_url: Url | None = None


class CustomConfig(StageConfig):
    """Whatever a stage of one's own needs."""

    model_config = ConfigDict(extra="allow")


STAGE_CONFIGS: Mapping[StageKind, type[StageConfig]] = {
    StageKind.AWARENESS: AwarenessConfig,
    StageKind.CONSIDERATION: ConsiderationConfig,
    StageKind.CONVERSION: ConversionConfig,
    StageKind.RETENTION: RetentionConfig,
    StageKind.ADVOCACY: AdvocacyConfig,
    StageKind.CUSTOM: CustomConfig,
}


class StageDraft(Shape):
    """A stage as a journey's request or a template has it; without a position it stands where it is listed."""

    key: Key
    name: Name
    position: Annotated[int, Field(ge=0)] | None = None
    kind: StageKind = StageKind.CUSTOM
    config: dict[str, Any] = {}
    entry_conditions: dict[str, Any] | None = None
    delay_hours: Annotated[int, Field(ge=0)] = 0


class JourneyStages(Shape):
    """What the request that makes a journey holds beside its columns."""

    stages: list[StageDraft] | None = None


class StageSet(Shape):
    """The stages a journey is to have."""

    stages: list[StageDraft]


def stage_config(kind: StageKind, config: Mapping[str, Any], path: str = "config") -> dict[str, Any]:
    """Return a stage's config as its kind allows it. Raises Invalid naming the wrong fields below ``path``."""
    try:
        found = STAGE_CONFIGS[kind].model_validate(config)
    except ValidationError as error:
        raise invalid(error, path) from error
    return {"schema_version": found.schema_version, **found.model_dump(mode="json", exclude_unset=True)}


_STAGES = TypeAdapter(list[StageDraft])


def parse_stages(raw: Sequence[Mapping[str, Any]], path: str = "stages") -> list[StageDraft]:
    """Return stages with checked configs, numbered from 0 in the order of their positions. Raises Invalid."""
    try:
        drafts = _STAGES.validate_python([dict(item) for item in raw])
    except ValidationError as error:
        raise invalid(error, path) from error
    placed = [
        draft.model_copy(
            update={
                "position": place if draft.position is None else draft.position,
                "config": stage_config(draft.kind, draft.config, f"{path}.{place}.config"),
            }
        )
        for place, draft in enumerate(drafts)
    ]
    for name in ("key", "position"):
        values = [getattr(draft, name) for draft in placed]
        for place, value in enumerate(values):
            if value in values[:place]:
                raise Invalid.at(f"{path}.{place}.{name}", "unique", "is the same as another stage's")
    ordered = sorted(placed, key=lambda draft: draft.position or 0)
    return [draft.model_copy(update={"position": place}) for place, draft in enumerate(ordered)]


# -- campaigns and templates ------------------------------------------------------------------------------------------


class Brief(Shape):
    """The brief a campaign's request may bring along."""

    business_description: str | None = None
    objective: str | None = None
    website: Url | None = None
    about_page_url: Url | None = None
    product_url: Url | None = None
    preferred_design: str | None = None
    brand_voice: str | None = None
    settings: dict[str, Any] = {}
    business_context: dict[str, Any] | None = None
    suggested_themes: list[Line] = []
    suggested_tags: list[Line] = []
    selected_themes: list[Line] = []
    selected_tags: list[Line] = []


class CampaignParts(Shape):
    """What the request that makes a campaign holds beside its columns."""

    brief: Brief | None = None


class Duplicate(Shape):
    """How to name a copy; "X (copy n)" if nothing is said."""

    name: Name | None = None


class ContentDraft(Shape):
    """A content a template starts with; ``stage`` is the key of one of its journey's stages."""

    type: ContentType
    title: Line | None = None
    body: Annotated[str, Field(max_length=100_000)]
    stage: Key | None = None
    channel: Line | None = None
    language: Annotated[str, Field(min_length=2, max_length=35)] = "en"


class JourneyDraft(Shape):
    """A journey of a template."""

    name: Name
    stages: list[StageDraft] = []
    contents: list[ContentDraft] = []

    @model_validator(mode="after")
    def _stages_exist(self) -> Self:
        keys = {stage.key for stage in self.stages}
        for content in self.contents:
            if content.stage is not None and content.stage not in keys:
                message = f"the content {content.title or content.type} names the stage {content.stage}, which is none"
                raise ValueError(message)
        return self


class TemplateData(Shape):
    """What a campaign made from a template starts with."""

    schema_version: Literal[1] = 1
    journeys: list[JourneyDraft] = []


class UseTemplate(Shape):
    """How to name the organization's own copy of a gallery template."""

    name: Name | None = None


def checked_template(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a template's data with every stage checked. Raises Invalid naming the wrong fields."""
    try:
        found = TemplateData.model_validate(raw)
    except ValidationError as error:
        raise invalid(error, "template_data") from error
    for place, journey in enumerate(found.journeys):
        stages = [stage.model_dump(mode="json", exclude_none=True) for stage in journey.stages]
        parse_stages(stages, f"template_data.journeys.{place}.stages")
    return found.model_dump(mode="json", exclude_none=True)


# -- contents ---------------------------------------------------------------------------------------------------------


class VariantDraft(Shape):
    """One variant of a set; paused ones don't count to the 100 percent."""

    key: Key
    body: Annotated[str, Field(max_length=100_000)]
    subject: Line | None = None
    weight_percent: Annotated[int, Field(ge=0, le=100)]
    is_control: bool = False
    status: Literal["active", "paused"] = "active"


class VariantSet(Shape):
    """The variants a content is to have; an empty list ends its test."""

    variants: Annotated[list[VariantDraft], Field(max_length=20)]


class Winner(Shape):
    """The variant that won."""

    key: Key


class Subject(Shape):
    """Whom to show a variant: any stable id of a person or a device."""

    subject_key: Annotated[str, Field(min_length=1, max_length=200)]


class Rejection(Shape):
    """Why a content is sent back."""

    reason: Annotated[str, Field(max_length=2_000)] | None = None


class Variable(Shape):
    """A variable of a content template; one with a default is never missing."""

    name: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    required: bool = True
    default: str | int | float | bool | None = None
    type: Literal["text", "number", "boolean"] = "text"


class Variables(Shape):
    """The values to render with."""

    variables: dict[str, str | int | float | bool | None] = {}


# -- generated contents and files -------------------------------------------------------------------------------------


class UserEdits(Shape):
    """What a person made of a candidate; what is not set stays as the model wrote it."""

    title: Line | None = None
    text: Annotated[str, Field(max_length=100_000)] | None = None
    hashtags: list[Line] | None = None
    mentions: list[Line] | None = None


class GenerationRequest(Shape):
    """What to write for a campaign, and the content template to write by with values for its variables."""

    campaign_id: UUID
    type: GeneratedType
    platform: Platform | None = None
    count: Annotated[int, Field(ge=1, le=10)] = 1
    instructions: Annotated[str, Field(max_length=4_000)] | None = None
    template_id: UUID | None = None
    variables: dict[str, str | int | float | bool | None] = {}


class Rating(Shape):
    """How good a candidate is, 5 being the best."""

    rating: Annotated[int, Field(ge=1, le=5)]


class Promotion(Shape):
    """What to make of a candidate: a content of its campaign, or a piece for one platform."""

    to: Literal["content", "piece"]


def checked_edits(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the edits of a candidate. Raises Invalid naming the wrong fields."""
    try:
        return UserEdits.model_validate(raw).model_dump(exclude_unset=True)
    except ValidationError as error:
        raise invalid(error, "user_edits") from error


class AssetLink(Shape):
    """For how many seconds a link works, a week at most."""

    expires_in: Annotated[int, Field(ge=1, le=604_800)] = 3_600


# -- analytics --------------------------------------------------------------------------------------------------------


UUID_TEXT = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"

# The canonical text is what the ingest works with; other spellings are read as UUIDs first.
Reference = Annotated[str, Field(pattern=UUID_TEXT)] | Annotated[UUID, AfterValidator(str)]
# PostgreSQL can't store the character NUL in text.
Identity = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


EVENT_TYPES = tuple(member.value for member in EventType)


class EventInput(TypedDict, total=False):
    """One event as a client sends it; a mapping, since a batch has hundreds of them."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    event_key: Identity | None
    campaign_id: Reference | None
    journey_id: Reference | None
    content_id: Reference | None
    variant_id: Reference | None
    event_type: Required[Literal[EVENT_TYPES]]  # type: ignore[valid-type]
    occurred_at: AwareDatetime | None
    session_id: Identity | None
    subject_key: Identity | None
    source: Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")] | None
    value_minor: Annotated[int, Field(ge=-(2**53), le=2**53)] | None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None
    metrics: dict[str, Any] | None
    dims: dict[str, Any] | None
    reverses_key: Identity | None


EVENTS = TypeAdapter(list[EventInput])


def parse_events(raw: Sequence[Mapping[str, Any]]) -> list[EventInput]:
    """Return a batch of events as the ingest takes them. Raises Invalid naming index and field of each wrong one."""
    try:
        return EVENTS.validate_python(raw)
    except ValidationError as error:
        raise invalid(error, "events") from error
