"""Tables of ideal customers, prospects, their scores, and the addresses nobody may write to."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field
from sqlalchemy.orm import Mapped
from typing_extensions import TypedDict

from growbase.core.model import (
    Key,
    Owned,
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
    secret,
    state,
    text,
    unique,
)
from growbase.core.provenance import Generated
from growbase.core.subject import Subject
from growbase.domains.identity.models import EMAIL, CompanySize
from growbase.domains.marketing.models import URL

Line = Annotated[str, Field(min_length=1, max_length=300)]
Points = Annotated[int, Field(ge=0, le=100)]
STRICT = ConfigDict(extra="forbid")


class Revenue(StrEnum):
    """What a company earns in a year, in millions."""

    UNDER_1M = "under_1m"
    ONE_TO_TEN_M = "one_to_ten_m"
    TEN_TO_FIFTY_M = "ten_to_fifty_m"
    FIFTY_TO_HUNDRED_M = "fifty_to_hundred_m"
    OVER_100M = "over_100m"


class Stage(StrEnum):
    """How far a prospect has come; won is final, lost may be contacted again."""

    NEW = "new"
    CONTACTED = "contacted"
    MEETING = "meeting"
    NEGOTIATION = "negotiation"
    WON = "won"
    LOST = "lost"


class Source(StrEnum):
    """Where a prospect comes from."""

    CSV_IMPORT = "csv_import"
    URL_SCRAPING = "url_scraping"
    MANUAL = "manual"
    API = "api"
    INTEGRATION = "integration"


class OptOutReason(StrEnum):
    """Why a prospect must not be written to any more."""

    UNSUBSCRIBE = "unsubscribe"
    REPLY = "reply"
    COMPLAINT = "complaint"
    MANUAL = "manual"
    LEGAL = "legal"


class EmailStatus(StrEnum):
    """What is known of a prospect's address."""

    UNKNOWN = "unknown"
    VALID = "valid"
    RISKY = "risky"
    INVALID = "invalid"
    BOUNCED = "bounced"


class SuppressedChannel(StrEnum):
    """On which channel an address is left alone."""

    EMAIL = "email"
    LINKEDIN = "linkedin"
    SMS = "sms"
    WHATSAPP = "whatsapp"
    ALL = "all"


class SuppressionScope(StrEnum):
    """Whether one address is meant or everybody at a domain."""

    ADDRESS = "address"
    DOMAIN = "domain"


class SuppressionReason(StrEnum):
    """Why an address is left alone."""

    UNSUBSCRIBE = "unsubscribe"
    COMPLAINT = "complaint"
    HARD_BOUNCE = "hard_bounce"
    MANUAL = "manual"
    LEGAL = "legal"
    IMPORT = "import"


class Criteria(TypedDict, total=False):
    """What an ideal customer looks like; a prospect is measured against the lists that are not empty."""

    __pydantic_config__ = STRICT  # type: ignore[misc]

    industries: list[Line]
    company_sizes: list[CompanySize]
    revenue: list[Revenue]
    locations: list[Line]
    keywords: list[Line]
    job_titles: list[Line]
    technologies: list[Line]


class ScoreBreakdown(TypedDict, total=False):
    """The parts of a score, each from 0 to 100."""

    __pydantic_config__ = STRICT  # type: ignore[misc]

    budget: Points
    authority: Points
    need: Points
    timing: Points
    signals: Points


class Icp(Trashable, Owned):
    """An ideal customer profile: whom to look for."""

    __tablename__ = "icps"

    name: Mapped[str] = text(max_length=200, min_length=1)
    name_norm: Mapped[str] = norm("name")
    description: Mapped[str | None] = text()
    criteria: Mapped[Criteria] = document(default=dict)
    is_active: Mapped[bool] = boolean(default=True)
    owner_user_id: Mapped[UUID | None] = member()

    __indexes__: ClassVar[tuple[Key, ...]] = (unique("name_norm"), index("name", "id"))


class Prospect(Trashable, Owned):
    """A person at a company who may become a customer; one for each e-mail address of the organization."""

    __tablename__ = "prospects"
    __subject__: ClassVar[Subject | None] = Subject(address="email_norm")

    email: Mapped[str | None] = text(max_length=320, min_length=3, pattern=EMAIL, personal=True)
    email_norm: Mapped[str | None] = norm("email")
    first_name: Mapped[str | None] = text(max_length=200, personal=True)
    last_name: Mapped[str | None] = text(max_length=200, personal=True)
    job_title: Mapped[str | None] = text(max_length=300, personal=True)
    phone: Mapped[str | None] = text(max_length=60, personal=True)
    linkedin_url: Mapped[str | None] = text(max_length=2_000, pattern=URL, personal=True)
    website_url: Mapped[str | None] = text(max_length=2_000, pattern=URL, personal=True)
    notes: Mapped[str | None] = text(personal=True)
    company_name: Mapped[str] = text(max_length=300, min_length=1)
    company_domain: Mapped[str | None] = text(max_length=253)
    company_industry: Mapped[str | None] = text(max_length=200)
    company_size: Mapped[CompanySize | None] = choice(CompanySize)
    company_revenue: Mapped[Revenue | None] = choice(Revenue)
    company_location: Mapped[str | None] = text(max_length=300)
    company_description: Mapped[str | None] = text()
    icp_id: Mapped[UUID | None] = reference("icps", on_purge="null")
    owner_user_id: Mapped[UUID | None] = member()
    score: Mapped[int] = integer(ge=0, le=100, default=0, writable="never")
    score_explanation: Mapped[dict[str, Any] | None] = document(writable="never", personal=True)
    scored_at: Mapped[datetime | None] = moment(writable="never")
    stage: Mapped[Stage] = state(Stage.NEW)
    source: Mapped[Source] = choice(Source, default=Source.MANUAL, writable="create")
    last_contacted_at: Mapped[datetime | None] = moment()
    next_follow_up_at: Mapped[datetime | None] = moment()
    opted_out_at: Mapped[datetime | None] = moment(writable="never")
    opt_out_reason: Mapped[OptOutReason | None] = choice(OptOutReason, writable="never")
    email_status: Mapped[EmailStatus] = choice(EmailStatus, default=EmailStatus.UNKNOWN)
    consent: Mapped[dict[str, Any] | None] = document(personal=True)
    custom_fields: Mapped[dict[str, Any]] = document(default=dict, personal=True)
    merged_into_id: Mapped[UUID | None] = reference("prospects", on_purge="null", writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("email_norm"),
        index("stage", "score", "id"),
        index("icp_id", "stage"),
        index("owner_user_id", "next_follow_up_at"),
        index("company_domain"),
        index("score", "id"),
        index("company_name", "id"),
        index("next_follow_up_at", "id"),
    )
    __checks__: ClassVar[dict[str, str]] = {"opted_out": "(opted_out_at IS NULL) = (opt_out_reason IS NULL)"}


class ProspectScore(Generated, Owned):
    """What a model thought of a prospect; the latest score is copied to the prospect itself."""

    __tablename__ = "prospect_scores"
    __subject__: ClassVar[Subject | None] = Subject(of="prospect_id")

    prospect_id: Mapped[UUID] = reference("prospects", on_purge="cascade", writable="create")
    score: Mapped[int] = integer(ge=0, le=100, writable="create")
    breakdown: Mapped[ScoreBreakdown] = document(default=dict, writable="create")
    reasoning: Mapped[dict[str, Any] | None] = document(writable="create", personal=True)
    confidence: Mapped[float | None] = number(ge=0, le=1, writable="create")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        index("prospect_id", "created_at"),
        unique("job_id", where="job_id IS NOT NULL"),
    )


class AddressKey(Owned):
    """The organization's own key of address hashes, sealed: it stays the same when the keyring is rotated.

    A key derived from the keyring or from the server's secret would change with it, and every suppression would be
    forgotten silently.
    """

    __tablename__ = "address_keys"

    key_cipher: Mapped[bytes] = secret(writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (unique("organization_id"),)


class Suppression(Owned):
    """An address, or a whole domain, that is never written to while this is not lifted; it outlives the prospect."""

    __tablename__ = "suppressions"
    __subject__: ClassVar[Subject | None] = Subject(address="address")

    channel: Mapped[SuppressedChannel] = choice(SuppressedChannel, default=SuppressedChannel.EMAIL, writable="create")
    scope: Mapped[SuppressionScope] = choice(SuppressionScope, default=SuppressionScope.ADDRESS, writable="create")
    address: Mapped[str | None] = text(
        max_length=320, writable="never", help="Gone when the person's data is erased; the hash stays.", personal=True
    )
    address_hash: Mapped[str] = text(max_length=64, writable="never", hidden=True)
    reason: Mapped[SuppressionReason] = choice(SuppressionReason, default=SuppressionReason.MANUAL, writable="create")
    source_message_id: Mapped[UUID | None] = reference("messages", on_purge="null", writable="never")
    lifted_at: Mapped[datetime | None] = moment(writable="never")
    lifted_by: Mapped[UUID | None] = identifier()
    lift_reason: Mapped[str | None] = text(max_length=2_000, writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("channel", "scope", "address_hash", where="lifted_at IS NULL"),
        index("address_hash"),
    )
