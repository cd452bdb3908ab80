"""Requests of identity that are not simply a table's columns."""

from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, field_validator

from growbase.core.actor import Role
from growbase.core.schema import CONFIG
from growbase.domains.identity.models import EMAIL, SLUG, URL, ApiScope, DataRegion


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be an IANA time zone such as Europe/Paris") from None
    return name


def _has_nul(value: object) -> bool:
    if isinstance(value, dict):
        return any(_has_nul(part) for pair in value.items() for part in pair)
    return any(map(_has_nul, value)) if isinstance(value, list) else isinstance(value, str) and "\x00" in value


Email = Annotated[str, Field(min_length=3, max_length=320, pattern=EMAIL)]
# No rules of composition, only a length (NIST SP 800-63B, 5.1.1.2); the limit keeps hashing cheap.
NewPassword = Annotated[str, Field(min_length=10, max_length=1_000)]
Password = Annotated[str, Field(min_length=1, max_length=1_000)]
Token = Annotated[str, Field(min_length=1, max_length=500)]
PersonName = Annotated[str, Field(min_length=1, max_length=200)]
Language = Annotated[str, Field(min_length=2, max_length=35, pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]
TimeZone = Annotated[str, Field(max_length=64), AfterValidator(_zone)]


class _Request(BaseModel):
    model_config = CONFIG

    @field_validator("*")
    @classmethod
    def _no_nul(cls, value: object) -> object:
        # PostgreSQL stores no NUL, neither in texts nor in documents.
        if _has_nul(value):
            raise ValueError("nul")
        return value


class Register(_Request):
    """A new account with an organization of its own."""

    email: Email
    password: NewPassword
    full_name: PersonName | None = None
    organization_name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    language: Language = "en"
    data_region: DataRegion | None = None


class Login(_Request):
    """A login by password."""

    email: Email
    password: Password
    organization_id: UUID | None = None


class Refresh(_Request):
    """A refresh token to trade for a new pair."""

    refresh_token: Token


class SwitchOrganization(_Request):
    """The organization to continue in."""

    organization_id: UUID


class PasswordChange(_Request):
    """A new password, and the current one as proof."""

    current_password: Password
    new_password: NewPassword


class ForgotPassword(_Request):
    """The address to mail a link for a new password to."""

    email: Email


class ResetPassword(_Request):
    """A new password, by the token of the mailed link."""

    token: Token
    password: NewPassword


class VerifyEmail(_Request):
    """The token of the link that verifies an address."""

    token: Token


class AcceptInvite(_Request):
    """An invitation's token; the password is needed by whoever has no verified account yet."""

    token: Token
    password: NewPassword | None = None
    full_name: PersonName | None = None


class ProfileUpdate(_Request):
    """Fields of one's own account; preferences are merged, and a preference set to null goes away."""

    username: Annotated[str, Field(min_length=3, max_length=60)] | None = None
    full_name: PersonName | None = None
    first_name: Annotated[str, Field(max_length=100)] | None = None
    last_name: Annotated[str, Field(max_length=100)] | None = None
    image_url: Annotated[str, Field(max_length=2_000, pattern=URL)] | None = None
    language: Language = "en"
    timezone: TimeZone = "UTC"
    preferences: dict[str, Any] = Field(default_factory=dict)
    version: int | None = None


class AccountDeletion(_Request):
    """The password, as proof that it is meant."""

    password: Password


class NewOrganization(_Request):
    """A further organization, owned by whoever makes it."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    slug: Annotated[str, Field(min_length=1, max_length=63, pattern=SLUG)] | None = None
    timezone: TimeZone = "UTC"


class NewApiKey(_Request):
    """An API key to make; ``analytics:write`` alone makes one that may be published in a web page."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    scopes: Annotated[list[ApiScope], Field(min_length=1, max_length=4)]
    expires_at: AwareDatetime | None = None


class NewWebhookEndpoint(_Request):
    """An address to send changes to: all of them, a resource's (``campaigns.*``) or one action's of a resource."""

    url: Annotated[str, Field(min_length=1, max_length=2_000, pattern=URL)]
    description: Annotated[str, Field(max_length=500)] | None = None
    events: Annotated[list[Annotated[str, Field(max_length=110)]], Field(min_length=1, max_length=100)] = ["*"]


class SavedViewOptions(_Request):
    """What a saved view is made with beside its columns."""

    shared: bool = False


class ChangesWanted(_Request):
    """What should change, said as a comment on the row."""

    text: Annotated[str, Field(min_length=1, max_length=10_000)]


class Invite(_Request):
    """Somebody to invite by mail."""

    email: Email
    role: Role = Role.MEMBER
    full_name: PersonName | None = None


class PlanChange(_Request):
    """The plan to go on with."""

    plan_code: Annotated[str, Field(min_length=1, max_length=63, pattern=SLUG)]


class RoleChange(_Request):
    """A member's new role."""

    role: Role
