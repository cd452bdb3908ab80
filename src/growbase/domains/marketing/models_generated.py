"""Tables of what a model proposed, and the list of platforms."""

from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped

from growbase.core.model import Key, Owned, boolean, choice, document, index, integer, number, reference, text, unique
from growbase.core.provenance import Generated


class Platform(StrEnum):
    """Where something is published; ``general`` is for candidates that no platform was asked for."""

    TWITTER = "twitter"
    LINKEDIN = "linkedin"
    INSTAGRAM = "instagram"
    TIKTOK = "tiktok"
    YOUTUBE = "youtube"
    YOUTUBE_SHORTS = "youtube_shorts"
    FACEBOOK = "facebook"
    THREADS = "threads"
    REDDIT = "reddit"
    PINTEREST = "pinterest"
    BLUESKY = "bluesky"
    MASTODON = "mastodon"
    GENERAL = "general"


class GeneratedType(StrEnum):
    """What a model was asked for."""

    IDEA = "idea"
    SOCIAL_POST = "social_post"
    VIDEO_PROMPT = "video_prompt"
    HASHTAGS = "hashtags"
    SUMMARY = "summary"
    TEXT_IMAGE = "text_image"
    EMAIL = "email"
    OTHER = "other"


class GeneratedContent(Generated, Owned):
    """A candidate that a model proposed: its text stays as it came, people rate, select and promote it."""

    __tablename__ = "generated_contents"

    campaign_id: Mapped[UUID] = reference("campaigns", writable="create")
    type: Mapped[GeneratedType] = choice(GeneratedType, writable="create")
    platform: Mapped[Platform | None] = choice(Platform, writable="create")
    title: Mapped[str | None] = text(max_length=300, writable="create")
    data: Mapped[dict[str, Any] | None] = document(writable="create")
    hashtags: Mapped[list[str]] = document(default=list, writable="create")
    mentions: Mapped[list[str]] = document(default=list, writable="create")
    media_urls: Mapped[list[str]] = document(default=list, writable="create")
    prompt: Mapped[str] = text(max_length=100_000, min_length=1, writable="create")
    prompt_hash: Mapped[str] = text(max_length=64, writable="never")
    model: Mapped[str] = text(max_length=100, min_length=1, writable="create")
    parameters: Mapped[dict[str, Any]] = document(default=dict, writable="create")
    engagement_score: Mapped[float | None] = number(ge=0, le=1, writable="create")
    is_selected: Mapped[bool] = boolean(default=False, writable="never")
    user_rating: Mapped[int | None] = integer(ge=1, le=5, writable="never")
    user_edits: Mapped[dict[str, Any] | None] = document()
    ordinal: Mapped[int | None] = integer(ge=0, writable="never")
    # The piece made of a candidate names it: content_pieces.generated_content_id.
    promoted_content_id: Mapped[UUID | None] = reference("contents", on_purge="null", writable="never")
    promoted_piece_id: Mapped[UUID | None] = reference("content_pieces", on_purge="null", writable="never", closes=True)
    # Last, since the name hides the helper that declares it.
    text: Mapped[str | None] = text(max_length=100_000, writable="create")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("job_id", "ordinal", where="job_id IS NOT NULL"),
        index("campaign_id", "type", "created_at"),
        index("campaign_id", where="is_selected"),
        index("platform", "is_selected"),
        index("user_rating", "engagement_score"),
    )
