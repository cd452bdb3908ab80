"""The shapes of the JSON documents that rows of commerce hold."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Line = Annotated[str, Field(max_length=300)]
Count = Annotated[int, Field(ge=0, le=10**12)]
Days = Annotated[int, Field(ge=0, le=3_650)]


class Shape(BaseModel):
    """A part of a request or a document; an unknown field is an error, since it is a misspelt one."""

    model_config = ConfigDict(extra="forbid")


class Thresholds(Shape):
    """Where a store draws its lines; what is left out has the default in brackets."""

    schema_version: int | None = None
    high_value_minor: Count | None = Field(None, description="Orders from this amount on get a flag [100000].")
    reopen_window_days: Days | None = Field(None, description="How long a resolved ticket can come back [14].")
    lead_time_days: Days | None = Field(None, description="From order to delivery by a vendor [14].")
    safety_days: Days | None = Field(None, description="Stock to keep beyond the lead time [7].")
    missed_scans: Annotated[int, Field(ge=1, le=100)] | None = Field(
        None, description="Scans without it that resolve an SEO insight [3]."
    )


class FeatureFlags(Shape):
    """What a store has switched on; everything is off until somebody says so."""

    schema_version: int | None = None
    auto_send_drafts: bool | None = Field(None, description="Send AI drafts without a person's approval.")
    external_delivery: bool | None = Field(None, description="Another program sends the replies and reports them.")


class ConnectionSettings(Shape):
    """How an integration is reached; keys and tokens are store secrets, never settings."""

    base_url: Annotated[str, Field(max_length=2_000, pattern=r"^https?://\S+$")] | None = None
    property_id: Line | None = Field(None, description="The property of Google Analytics.")
    site_url: Line | None = Field(None, description="The site in Search Console or Bing.")
