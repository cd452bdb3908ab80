"""Tables of people, their organizations, and what proves who is calling."""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Mapped, mapped_column

from growbase.core import types
from growbase.core.actor import Role
from growbase.core.model import (
    Fact,
    Key,
    Owned,
    Retention,
    Rule,
    Shared,
    Trashable,
    choice,
    document,
    identifier,
    index,
    integer,
    moment,
    norm,
    reference,
    rule_of,
    state,
    table_of,
    text,
    unique,
)
from growbase.core.subject import Subject

EMAIL = r"^[^@\s]+@[^@\s]+$"
SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"
URL = r"^https?://\S+$"


class PlatformRole(StrEnum):
    """A user's role on the platform as a whole; what counts inside an organization is the membership's role."""

    USER = "user"
    MANAGER = "manager"
    MODERATOR = "moderator"
    ADMIN = "admin"


class UserStatus(StrEnum):
    """Where an account stands; a locked one with ``locked_until`` opens again by itself."""

    INVITED = "invited"
    ACTIVE = "active"
    LOCKED = "locked"
    DISABLED = "disabled"


class TokenPurpose(StrEnum):
    """What a one-time token is good for."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 -- a purpose, no password
    INVITE = "invite"


class CompanySize(StrEnum):
    """How large a company is."""

    STARTUP = "startup"
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"
    ENTERPRISE = "enterprise"


class DataRegion(StrEnum):
    """Where an organization's data lives."""

    EU = "eu"
    US = "us"
    CA = "ca"


class OrganizationStatus(StrEnum):
    """Where an organization stands; only in an active one can anybody act."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSING = "closing"
    CLOSED = "closed"


class MembershipStatus(StrEnum):
    """Where a membership stands; a disabled one remains, since rows refer to it."""

    INVITED = "invited"
    ACTIVE = "active"
    DISABLED = "disabled"


class ApiScope(StrEnum):
    """What an API key may do; ``analytics:write`` alone makes a publishable key."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"
    ANALYTICS_WRITE = "analytics:write"


class OrganizationSettings(BaseModel):
    """How an organization wants Growbase to behave."""

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1] = 1
    require_brand: bool = True


def _default_settings() -> dict[str, object]:
    return OrganizationSettings().model_dump()


def _key() -> Any:  # noqa: ANN401 -- a column declaration
    return mapped_column(types.Identifier(), primary_key=True, info={"rule": Rule("identifier", writable="never")})


class User(Trashable, Shared):
    """A person, known by an address that no other live account has."""

    __tablename__ = "users"
    __subject__: ClassVar[Subject | None] = Subject(address="email_norm")

    email: Mapped[str] = text(max_length=320, min_length=3, pattern=EMAIL, writable="never", personal=True)
    email_norm: Mapped[str] = norm("email")
    username: Mapped[str | None] = text(max_length=60, min_length=3, personal=True)
    username_norm: Mapped[str | None] = norm("username")
    full_name: Mapped[str | None] = text(max_length=200, personal=True)
    first_name: Mapped[str | None] = text(max_length=100, personal=True)
    last_name: Mapped[str | None] = text(max_length=100, personal=True)
    image_url: Mapped[str | None] = text(max_length=2_000, pattern=URL, personal=True)
    password_hash: Mapped[str | None] = text(max_length=400, writable="never", hidden=True)
    role: Mapped[PlatformRole] = choice(PlatformRole, default=PlatformRole.USER, writable="never")
    status: Mapped[UserStatus] = state(UserStatus.INVITED)
    email_verified_at: Mapped[datetime | None] = moment(writable="never")
    language: Mapped[str] = text(max_length=35, min_length=2, default="en")
    timezone: Mapped[str] = text(max_length=64, default="UTC")
    failed_login_count: Mapped[int] = integer(ge=0, default=0, writable="never", hidden=True)
    locked_until: Mapped[datetime | None] = moment(writable="never")
    last_login_at: Mapped[datetime | None] = moment(writable="never")
    preferences: Mapped[dict[str, Any]] = document(default=dict, personal=True)

    __indexes__: ClassVar[tuple[Key, ...]] = (unique("email_norm"), unique("username_norm"), index("status", "id"))


CARD = frozenset({"id", "email", "full_name", "image_url", "status"})
"""What colleagues see of a user."""

for _column in table_of(User).columns:
    # A user has colleagues in several organizations: the rest of the account is nobody else's business.
    _column.info["rule"] = replace(rule_of(_column), hidden=_column.name not in CARD)


class OneTimeToken(Fact):
    """The proof of an address that a mailed link carries; only its hash is kept."""

    __tablename__ = "one_time_tokens"
    __subject__: ClassVar[Subject | None] = Subject(of="user_id")

    id: Mapped[UUID] = _key()
    user_id: Mapped[UUID] = reference("users", shared=True, on_purge="cascade")
    organization_id: Mapped[UUID | None] = identifier()
    purpose: Mapped[TokenPurpose] = choice(TokenPurpose)
    token_hash: Mapped[str] = text(max_length=64, hidden=True)
    data: Mapped[dict[str, Any] | None] = document(personal=True)
    created_at: Mapped[datetime] = moment()
    expires_at: Mapped[datetime] = moment()
    consumed_at: Mapped[datetime | None] = moment()

    __indexes__: ClassVar[tuple[Key, ...]] = (unique("token_hash"), index("expires_at"))
    __checks__: ClassVar[dict[str, str]] = {"expires_after_created": "expires_at > created_at"}
    __retention__: ClassVar[tuple[Retention, ...]] = (Retention("expires_at", 7),)


_FOLLOWED = (
    "EXISTS (SELECT 1 FROM sessions n WHERE n.user_id = t.user_id AND n.organization_id = t.organization_id "
    "AND (n.last_activity_at > t.last_activity_at OR n.last_activity_at = t.last_activity_at AND n.id > t.id))"
)


class Session(Fact):
    """One stretch of a login between two refreshes; all that follow from one login share ``family_id``."""

    __tablename__ = "sessions"
    __subject__: ClassVar[Subject | None] = Subject(of="user_id")

    id: Mapped[UUID] = _key()
    user_id: Mapped[UUID] = reference("users", shared=True, on_purge="cascade")
    organization_id: Mapped[UUID | None] = identifier()
    token_hash: Mapped[str] = text(max_length=64, hidden=True)
    refresh_hash: Mapped[str] = text(max_length=64, hidden=True)
    family_id: Mapped[UUID] = identifier()
    rotated_from: Mapped[UUID | None] = identifier()
    rotated_at: Mapped[datetime | None] = moment()
    ip: Mapped[str | None] = text(max_length=45, personal=True)
    user_agent: Mapped[str | None] = text(max_length=400, personal=True)
    data: Mapped[dict[str, Any] | None] = document(personal=True)
    created_at: Mapped[datetime] = moment()
    expires_at: Mapped[datetime] = moment()
    last_activity_at: Mapped[datetime] = moment()
    revoked_at: Mapped[datetime | None] = moment()

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("token_hash"),
        unique("refresh_hash"),
        index("user_id", "revoked_at", "expires_at"),
        index("organization_id", "revoked_at"),
        index("family_id"),
        index("expires_at"),
    )
    __checks__: ClassVar[dict[str, str]] = {"expires_after_created": "expires_at > created_at"}
    # The newest of each member and organization stays, without its traces: reports tell of the last activity.
    __retention__: ClassVar[tuple[Retention, ...]] = (
        Retention("expires_at", 7, where=f"(t.organization_id IS NULL OR {_FOLLOWED})"),
        Retention(
            "expires_at",
            7,
            where="(t.ip IS NOT NULL OR t.user_agent IS NOT NULL OR t.data IS NOT NULL)",
            empties={"ip": None, "user_agent": None, "data": None},
            part="traces",
        ),
    )


class Organization(Trashable, Shared):
    """A company or team: the tenant that owns every other row."""

    __tablename__ = "organizations"
    __scope__ = "id"

    name: Mapped[str] = text(max_length=200, min_length=1)
    slug: Mapped[str] = text(max_length=63, min_length=1, pattern=SLUG)
    slug_norm: Mapped[str] = norm("slug")
    domain: Mapped[str | None] = text(max_length=253)
    domain_norm: Mapped[str | None] = norm("domain")
    website: Mapped[str | None] = text(max_length=2_000, pattern=URL)
    industry: Mapped[str | None] = text(max_length=200)
    company_size: Mapped[CompanySize | None] = choice(CompanySize)
    stage: Mapped[str | None] = text(max_length=100)
    pricing: Mapped[str | None] = text(max_length=2_000)
    tagline: Mapped[str | None] = text(max_length=300)
    description: Mapped[str | None] = text()
    category: Mapped[str | None] = text(max_length=200)
    markets: Mapped[list[str]] = document(default=list)
    languages: Mapped[list[str]] = document(default=list)
    billing_email: Mapped[str | None] = text(max_length=320, pattern=EMAIL)
    data_region: Mapped[DataRegion] = choice(DataRegion, default=DataRegion.EU, writable="never")
    timezone: Mapped[str] = text(max_length=64, default="UTC")
    status: Mapped[OrganizationStatus] = state(OrganizationStatus.ACTIVE)
    settings: Mapped[OrganizationSettings] = document(default=_default_settings)

    __indexes__: ClassVar[tuple[Key, ...]] = (unique("slug_norm"), unique("domain_norm"))


class Membership(Owned):
    """A user's place in an organization, which outlives the user's leaving since rows refer to it."""

    __tablename__ = "memberships"
    __subject__: ClassVar[Subject | None] = Subject(of="user_id")

    user_id: Mapped[UUID] = reference("users", shared=True, writable="never")
    role: Mapped[Role] = choice(Role, default=Role.MEMBER, writable="never")
    status: Mapped[MembershipStatus] = state(MembershipStatus.ACTIVE)
    invited_by: Mapped[UUID | None] = identifier()
    joined_at: Mapped[datetime | None] = moment(writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("user_id"),
        index("user_id", "status", across=True),
        index("status", "role", "id"),
    )


class ApiKey(Shared):
    """A key by which a program acts for an organization; found by its prefix, known by its hash."""

    __tablename__ = "api_keys"
    __scope__ = "organization_id"

    organization_id: Mapped[UUID] = reference("organizations", shared=True, writable="never")
    name: Mapped[str] = text(max_length=100, min_length=1)
    prefix: Mapped[str] = text(max_length=8, min_length=8, writable="never")
    key_hash: Mapped[str] = text(max_length=64, writable="never", hidden=True)
    scopes: Mapped[list[str]] = document(writable="never")
    expires_at: Mapped[datetime | None] = moment(writable="never")
    last_used_at: Mapped[datetime | None] = moment(writable="never")
    revoked_at: Mapped[datetime | None] = moment(writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("prefix", across=True),
        unique("key_hash", across=True),
        unique("name", where="revoked_at IS NULL"),
    )
