"""Tables of brands, campaigns, journeys, contents and the templates they are made from."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped

from growbase.core.ddl import total_check
from growbase.core.model import (
    Key,
    Owned,
    Shared,
    Trashable,
    boolean,
    choice,
    currency,
    document,
    identifier,
    index,
    integer,
    member,
    moment,
    money,
    norm,
    reference,
    state,
    text,
    unique,
)

URL = r"^https?://\S+$"
KEY = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"


class CampaignType(StrEnum):
    """What a campaign promotes."""

    PRODUCT = "product"
    SERVICE = "service"
    BRAND = "brand"
    EVENT = "event"
    GENERAL = "general"


class CampaignStatus(StrEnum):
    """Where a campaign stands; an archived one comes back only as a duplicate."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    ARCHIVED = "archived"


class TemplateCategory(StrEnum):
    """What a campaign template is for."""

    PRODUCT_LAUNCH = "product_launch"
    BRAND_AWARENESS = "brand_awareness"
    EVENT_PROMOTION = "event_promotion"
    CUSTOM = "custom"


class Visibility(StrEnum):
    """Who is offered a template; a public one has a copy in the gallery."""

    PRIVATE = "private"
    ORGANIZATION = "organization"
    PUBLIC = "public"


class JourneyStatus(StrEnum):
    """Where a journey stands; it is active only while its campaign is."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class StageKind(StrEnum):
    """What a stage of a journey wants from people; it decides what its config may hold."""

    AWARENESS = "awareness"
    CONSIDERATION = "consideration"
    CONVERSION = "conversion"
    RETENTION = "retention"
    ADVOCACY = "advocacy"
    CUSTOM = "custom"


class ContentType(StrEnum):
    """The form of a content."""

    EMAIL = "email"
    SOCIAL_POST = "social_post"
    SOCIAL_AD = "social_ad"
    SEARCH_AD = "search_ad"
    BLOG_POST = "blog_post"
    LANDING_PAGE = "landing_page"
    VIDEO_SCRIPT = "video_script"
    INFOGRAPHIC = "infographic"
    NEWSLETTER = "newsletter"
    PRESS_RELEASE = "press_release"


class ContentStatus(StrEnum):
    """Where a content stands between its first words and the archive."""

    DRAFT = "draft"
    REVIEW = "review"
    APPROVED = "approved"
    REJECTED = "rejected"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class VariantStatus(StrEnum):
    """Whether a variant is shown; the weights of the shown ones, active or winner, add up to 100."""

    ACTIVE = "active"
    PAUSED = "paused"
    WINNER = "winner"
    LOSER = "loser"


SHOWN = "t.status IN ('active', 'winner') AND t.deleted_at IS NULL"
"""The variants that share the weight, as SQL."""


class Brand(Trashable, Owned):
    """Who speaks: a name, its voice and its looks."""

    __tablename__ = "brands"

    name: Mapped[str] = text(max_length=200, min_length=1)
    name_norm: Mapped[str] = norm("name")
    description: Mapped[str | None] = text()
    industry: Mapped[str | None] = text(max_length=200)
    website: Mapped[str | None] = text(max_length=2_000, pattern=URL)
    tagline: Mapped[str | None] = text(max_length=300)
    mission: Mapped[str | None] = text()
    vision: Mapped[str | None] = text()
    brand_values: Mapped[list[str] | None] = document()
    personality: Mapped[list[str] | None] = document()
    voice: Mapped[str | None] = text()
    tone: Mapped[list[str] | None] = document()
    guidelines: Mapped[dict[str, Any] | None] = document()
    messaging: Mapped[dict[str, Any] | None] = document()
    target_audience: Mapped[dict[str, Any] | None] = document()
    palette: Mapped[dict[str, str] | None] = document()
    typography: Mapped[dict[str, str] | None] = document()
    restricted_terms: Mapped[list[str]] = document(default=list)
    owner_user_id: Mapped[UUID | None] = member()

    __indexes__: ClassVar[tuple[Key, ...]] = (unique("name_norm"), index("name", "id"))


class Campaign(Trashable, Owned):
    """A marketing initiative: one purpose, one brand, its journeys and contents."""

    __tablename__ = "campaigns"

    name: Mapped[str] = text(max_length=200, min_length=1)
    purpose: Mapped[str] = text(min_length=1)
    campaign_type: Mapped[CampaignType] = choice(CampaignType, default=CampaignType.GENERAL)
    status: Mapped[CampaignStatus] = state(CampaignStatus.DRAFT)
    brand_id: Mapped[UUID | None] = reference("brands")
    owner_user_id: Mapped[UUID | None] = member()
    goals: Mapped[dict[str, Any] | None] = document()
    target_audience: Mapped[str | None] = text()
    creativity_level: Mapped[int] = integer(ge=1, le=10, default=5)
    start_at: Mapped[datetime | None] = moment()
    end_at: Mapped[datetime | None] = moment()
    completed_at: Mapped[datetime | None] = moment(writable="never")
    template_id: Mapped[UUID | None] = reference("campaign_templates", on_purge="null", writable="create")
    duplicated_from_id: Mapped[UUID | None] = reference("campaigns", on_purge="null", writable="never")
    budget_minor: Mapped[int | None] = money()
    currency: Mapped[str | None] = currency()

    __indexes__: ClassVar[tuple[Key, ...]] = (
        index("name", "id"),
        index("status", "updated_at", "id"),
        index("campaign_type", "status"),
        index("owner_user_id", "status"),
    )
    __checks__: ClassVar[dict[str, str]] = {"end_at": "end_at IS NULL OR start_at IS NULL OR end_at >= start_at"}


class CampaignBrief(Trashable, Owned):
    """What the writer of a campaign's contents should know, kept apart so that lists stay narrow; one a campaign."""

    __tablename__ = "campaign_briefs"

    campaign_id: Mapped[UUID] = reference("campaigns", on_purge="cascade", writable="create")
    business_description: Mapped[str | None] = text()
    objective: Mapped[str | None] = text()
    website: Mapped[str | None] = text(max_length=2_000, pattern=URL)
    about_page_url: Mapped[str | None] = text(max_length=2_000, pattern=URL)
    product_url: Mapped[str | None] = text(max_length=2_000, pattern=URL)
    preferred_design: Mapped[str | None] = text()
    brand_voice: Mapped[str | None] = text()
    settings: Mapped[dict[str, Any]] = document(default=dict)
    ai_summary: Mapped[str | None] = text()
    business_context: Mapped[dict[str, Any] | None] = document()
    suggested_themes: Mapped[list[str]] = document(default=list)
    suggested_tags: Mapped[list[str]] = document(default=list)
    selected_themes: Mapped[list[str]] = document(default=list)
    selected_tags: Mapped[list[str]] = document(default=list)

    __indexes__: ClassVar[tuple[Key, ...]] = (unique("campaign_id"),)


class CampaignTemplate(Trashable, Owned):
    """A recipe for campaigns; those made from it stay when it is deleted."""

    __tablename__ = "campaign_templates"

    name: Mapped[str] = text(max_length=200, min_length=1)
    name_norm: Mapped[str] = norm("name")
    description: Mapped[str | None] = text()
    category: Mapped[TemplateCategory] = choice(TemplateCategory, default=TemplateCategory.CUSTOM)
    template_data: Mapped[dict[str, Any]] = document(default=dict)
    default_settings: Mapped[dict[str, Any] | None] = document()
    prompt_templates: Mapped[dict[str, str] | None] = document()
    visibility: Mapped[Visibility] = choice(Visibility, default=Visibility.PRIVATE)
    usage_count: Mapped[int] = integer(ge=0, default=0, writable="never")
    origin_code: Mapped[str | None] = text(max_length=80, writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("name_norm"),
        index("name", "id"),
        index("usage_count", "id"),
        index("visibility", "category", "usage_count"),
    )


class GalleryTemplate(Shared):
    """A template offered to every organization: those that come with Growbase, and copies of published ones."""

    __tablename__ = "gallery_templates"

    code: Mapped[str] = text(max_length=80, min_length=1, writable="never")
    name: Mapped[str] = text(max_length=200, min_length=1)
    description: Mapped[str | None] = text()
    category: Mapped[TemplateCategory] = choice(TemplateCategory)
    template_data: Mapped[dict[str, Any]] = document(default=dict)
    default_settings: Mapped[dict[str, Any] | None] = document()
    prompt_templates: Mapped[dict[str, str] | None] = document()
    is_system: Mapped[bool] = boolean(default=False, writable="never")
    usage_count: Mapped[int] = integer(ge=0, default=0, writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (unique("code"), index("category", "usage_count", "id"))


class Journey(Trashable, Owned):
    """The way a campaign leads people along, stage by stage."""

    __tablename__ = "journeys"

    campaign_id: Mapped[UUID] = reference("campaigns", writable="create")
    name: Mapped[str] = text(max_length=200, min_length=1)
    name_norm: Mapped[str] = norm("name")
    status: Mapped[JourneyStatus] = state(JourneyStatus.DRAFT)
    definition_version: Mapped[int] = integer(ge=1, default=1, writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("campaign_id", "name_norm"),
        index("name", "id"),
        index("status", "updated_at", "id"),
    )


class JourneyStage(Trashable, Owned):
    """One step of a journey, to which contents belong."""

    __tablename__ = "journey_stages"

    journey_id: Mapped[UUID] = reference("journeys", writable="create")
    key: Mapped[str] = text(max_length=60, min_length=1, pattern=KEY)
    name: Mapped[str] = text(max_length=200, min_length=1)
    position: Mapped[int] = integer(ge=0)
    kind: Mapped[StageKind] = choice(StageKind, default=StageKind.CUSTOM)
    config: Mapped[dict[str, Any]] = document(default=dict)
    entry_conditions: Mapped[dict[str, Any] | None] = document()
    delay_hours: Mapped[int] = integer(ge=0, default=0)

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("journey_id", "key"),
        unique("journey_id", "position"),
        index("position", "id"),
    )


class Content(Trashable, Owned):
    """A text of a campaign, from draft over approval to publication; its variants compete for the same place."""

    __tablename__ = "contents"

    campaign_id: Mapped[UUID] = reference("campaigns", writable="create")
    journey_id: Mapped[UUID | None] = reference("journeys", on_purge="null")
    stage_id: Mapped[UUID | None] = reference("journey_stages", on_purge="null")
    type: Mapped[ContentType] = choice(ContentType)
    title: Mapped[str | None] = text(max_length=300)
    body: Mapped[str] = text(max_length=100_000)
    status: Mapped[ContentStatus] = state(ContentStatus.DRAFT)
    channel: Mapped[str | None] = text(max_length=60)
    language: Mapped[str] = text(max_length=35, min_length=2, default="en")
    metadata_: Mapped[dict[str, Any] | None] = document(name="metadata")
    content_hash: Mapped[str | None] = text(max_length=64, writable="never")
    approved_by: Mapped[UUID | None] = identifier()
    approved_at: Mapped[datetime | None] = moment(writable="never")
    published_at: Mapped[datetime | None] = moment(writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        index("campaign_id", "status"),
        index("journey_id", "stage_id"),
        index("status", "updated_at", "id"),
        index("type", "status", "updated_at"),
    )


class ContentVariant(Trashable, Owned):
    """One wording of a content in a test; written only as a whole set, so that the weights always add up to 100."""

    __tablename__ = "content_variants"

    content_id: Mapped[UUID] = reference("contents", writable="create")
    key: Mapped[str] = text(max_length=60, min_length=1, pattern=KEY)
    body: Mapped[str] = text(max_length=100_000)
    subject: Mapped[str | None] = text(max_length=300)
    weight_percent: Mapped[int] = integer(ge=0, le=100)
    is_control: Mapped[bool] = boolean(default=False)
    status: Mapped[VariantStatus] = choice(VariantStatus, default=VariantStatus.ACTIVE)
    metadata_: Mapped[dict[str, Any] | None] = document(name="metadata")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("content_id", "key"),
        unique("content_id", where="is_control"),
    )
    __extras__: ClassVar[dict[str, tuple[str, ...]]] = {
        "postgresql": total_check("content_variants", "content_id", "weight_percent", 100, SHOWN)
    }


class ContentTemplate(Trashable, Owned):
    """A text with {{variables}}; rendering refuses to leave a required one empty."""

    __tablename__ = "content_templates"

    name: Mapped[str] = text(max_length=200, min_length=1)
    name_norm: Mapped[str] = norm("name")
    type: Mapped[ContentType] = choice(ContentType)
    template: Mapped[str] = text(max_length=100_000, min_length=1)
    category: Mapped[str | None] = text(max_length=100)
    variables: Mapped[list[dict[str, Any]]] = document(default=list)
    is_active: Mapped[bool] = boolean(default=True)
    origin_code: Mapped[str | None] = text(max_length=80, writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (unique("type", "name_norm"), index("name", "id"))
