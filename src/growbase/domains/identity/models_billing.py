"""Tables of what organizations pay for and how much of it they have used, and of accounts at other sites."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from growbase.core import types
from growbase.core.model import (
    Fact,
    Key,
    Owned,
    Rule,
    Shared,
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
    reference,
    secret,
    state,
    text,
    unique,
)
from growbase.core.subject import Subject
from growbase.domains.identity.models import SLUG

PROVIDER_ID = 255
"""Characters in an id that a provider has given."""


class Metric(StrEnum):
    """What a plan limits."""

    POSTS_GENERATED = "posts_generated"
    POSTS_PUBLISHED = "posts_published"
    STRATEGIES_GENERATED = "strategies_generated"
    CONTENT_GENERATED = "content_generated"
    PROSPECTS = "prospects"
    ICPS = "icps"
    SEQUENCES = "sequences"
    MESSAGES_SENT = "messages_sent"
    ORGANIZATIONS = "organizations"
    TEAM_MEMBERS = "team_members"
    API_CALLS = "api_calls"
    STORAGE_BYTES = "storage_bytes"


class BillingProvider(StrEnum):
    """Who collects the money; ``none`` where nobody does."""

    STRIPE = "stripe"
    NONE = "none"


class SubscriptionStatus(StrEnum):
    """Where a subscription stands; a canceled or expired one is history."""

    INCOMPLETE = "incomplete"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    CANCELED = "canceled"
    EXPIRED = "expired"


class ReservationStatus(StrEnum):
    """Where a reservation stands; all but held ones are settled."""

    HELD = "held"
    COMMITTED = "committed"
    RELEASED = "released"
    EXPIRED = "expired"


class UsageKind(StrEnum):
    """Why a counter changed: ``opened`` is what was there when counting began, ``repaired`` a difference found.

    ``rolled_up`` stands for lines that were older than they are kept.
    """

    OPENED = "opened"
    CONSUMED = "consumed"
    GIVEN_BACK = "given_back"
    COMMITTED = "committed"
    REPAIRED = "repaired"
    ROLLED_UP = "rolled_up"


class BillingEventStatus(StrEnum):
    """What became of a provider's event."""

    RECEIVED = "received"
    APPLIED = "applied"
    IGNORED = "ignored"
    FAILED = "failed"


class Plan(Shared):
    """What an organization can subscribe to.

    Once somebody has subscribed, another price or limit is a new plan of the same code that ``supersedes_id`` the old
    one, which is no longer active: who has it keeps what was agreed.
    """

    __tablename__ = "plans"

    code: Mapped[str] = text(max_length=63, min_length=1, pattern=SLUG, writable="never")
    name: Mapped[str] = text(max_length=200, min_length=1, writable="never")
    price_month_minor: Mapped[int] = money(writable="never")
    price_year_minor: Mapped[int | None] = money(writable="never")
    currency: Mapped[str] = currency()
    limits: Mapped[dict[str, int | None]] = document(default=dict, writable="never")
    features: Mapped[list[str]] = document(default=list, writable="never")
    stripe_product_id: Mapped[str | None] = text(max_length=PROVIDER_ID, writable="never")
    stripe_price_id: Mapped[str | None] = text(max_length=PROVIDER_ID, writable="never")
    is_active: Mapped[bool] = boolean(default=True, writable="never")
    sort_order: Mapped[int] = integer(default=0, writable="never")
    supersedes_id: Mapped[UUID | None] = reference("plans", shared=True, writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("code", where="is_active"),
        unique("stripe_product_id", where="is_active"),
        unique("stripe_price_id"),
        index("sort_order", "id"),
    )


class Subscription(Owned):
    """An organization's agreement on a plan; it has one that is live, the others are history."""

    __tablename__ = "subscriptions"

    plan_id: Mapped[UUID] = reference("plans", shared=True, writable="never")
    payer_user_id: Mapped[UUID | None] = member(writable="never")
    status: Mapped[SubscriptionStatus] = state(SubscriptionStatus.INCOMPLETE)
    provider: Mapped[BillingProvider] = choice(BillingProvider, default=BillingProvider.STRIPE, writable="never")
    provider_customer_id: Mapped[str | None] = text(max_length=PROVIDER_ID, writable="never")
    provider_subscription_id: Mapped[str | None] = text(max_length=PROVIDER_ID, writable="never")
    current_period_start: Mapped[datetime] = moment(writable="never")
    current_period_end: Mapped[datetime] = moment(writable="never")
    trial_start: Mapped[datetime | None] = moment(writable="never")
    trial_end: Mapped[datetime | None] = moment(writable="never")
    cancel_at_period_end: Mapped[bool] = boolean(default=False, writable="never")
    canceled_at: Mapped[datetime | None] = moment(writable="never")
    provider_event_at: Mapped[datetime | None] = moment(writable="never")

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("organization_id", where="status NOT IN ('canceled', 'expired')"),
        unique("provider_subscription_id", across=True),
        index("provider_customer_id", across=True, where="provider_customer_id IS NOT NULL"),
        index("plan_id", "status", across=True),
        index("status", "current_period_end", across=True),
    )
    __checks__: ClassVar[dict[str, str]] = {"period": "current_period_end > current_period_start"}


def _key(*, order: int) -> Any:  # noqa: ANN401 -- a column declaration
    rule = Rule("identifier", writable="never")
    return mapped_column(types.Identifier(), primary_key=True, sort_order=order, info={"rule": rule})


def _tenant() -> Any:  # noqa: ANN401 -- a column declaration
    rule = Rule("reference", target="organizations", shared=True, writable="never")
    return mapped_column(types.Identifier(), primary_key=True, sort_order=-10, info={"rule": rule})


class UsageCounter(Fact):
    """How much of a metric an organization has used in a period, and how much is promised to work under way.

    ``limit_value`` is what the plan allows, None for any number. It may be less than what was used before the plan
    changed. One counter of a metric is current at any moment.
    """

    __tablename__ = "usage_counters"
    __scope__ = "organization_id"

    organization_id: Mapped[UUID] = _tenant()
    id: Mapped[UUID] = _key(order=-9)
    metric: Mapped[Metric] = choice(Metric)
    period_start: Mapped[datetime] = moment()
    period_end: Mapped[datetime] = moment()
    used: Mapped[int] = integer(ge=0, default=0)
    reserved: Mapped[int] = integer(ge=0, default=0)
    limit_value: Mapped[int | None] = integer(ge=0)
    checked_at: Mapped[datetime] = moment()

    __indexes__: ClassVar[tuple[Key, ...]] = (unique("metric", "period_start"), index("checked_at", across=True))
    __checks__: ClassVar[dict[str, str]] = {"period": "period_end > period_start"}


class UsageReservation(Fact):
    """Use promised to work that is under way, until it is committed, released or has expired."""

    __tablename__ = "usage_reservations"
    __scope__ = "organization_id"

    organization_id: Mapped[UUID] = _tenant()
    id: Mapped[UUID] = _key(order=-9)
    counter_id: Mapped[UUID] = reference("usage_counters", on_purge="cascade")
    quantity: Mapped[int] = integer(ge=1)
    idempotency_key: Mapped[str] = text(max_length=255, min_length=1)
    status: Mapped[ReservationStatus] = choice(ReservationStatus, default=ReservationStatus.HELD)
    expires_at: Mapped[datetime] = moment()
    job_id: Mapped[UUID | None] = identifier()
    created_at: Mapped[datetime] = moment()
    settled_at: Mapped[datetime | None] = moment()

    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("idempotency_key"),
        index("status", "expires_at", across=True),
    )


class UsageEvent(Fact):
    """One line of the ledger of use: never changed, and a counter's ``used`` is the sum of its lines.

    The organization has no foreign key here, since only its own units write it and each line would pay for it.
    """

    __tablename__ = "usage_events"
    __scope__ = "organization_id"

    organization_id: Mapped[UUID] = _key(order=-10)
    id: Mapped[UUID] = _key(order=-9)
    counter_id: Mapped[UUID] = reference("usage_counters", on_purge="cascade")
    kind: Mapped[UsageKind] = choice(UsageKind)
    quantity: Mapped[int] = integer()
    subject_id: Mapped[UUID | None] = identifier()
    reservation_id: Mapped[UUID | None] = identifier()
    actor_id: Mapped[UUID | None] = identifier()
    occurred_at: Mapped[datetime] = moment()

    __indexes__: ClassVar[tuple[Key, ...]] = (
        index("counter_id", "occurred_at"),
        index("subject_id", across=True, where="subject_id IS NOT NULL"),
    )


class BillingEvent(Fact):
    """What a payment provider has told, once: the insert is what makes a second delivery harmless."""

    __tablename__ = "billing_events"

    id: Mapped[UUID] = _key(order=-9)
    provider: Mapped[BillingProvider] = choice(BillingProvider)
    provider_event_id: Mapped[str] = text(max_length=PROVIDER_ID, min_length=1)
    type: Mapped[str] = text(max_length=100, min_length=1)
    payload: Mapped[dict[str, Any]] = document()
    status: Mapped[BillingEventStatus] = choice(BillingEventStatus, default=BillingEventStatus.RECEIVED)
    occurred_at: Mapped[datetime] = moment()
    received_at: Mapped[datetime] = moment()
    processed_at: Mapped[datetime | None] = moment()
    error: Mapped[str | None] = text(max_length=2_000)
    provider_subscription_id: Mapped[str | None] = text(max_length=PROVIDER_ID)
    organization_id: Mapped[UUID | None] = identifier()

    __copies__: ClassVar[tuple[str, ...]] = ("payload", "error")
    __indexes__: ClassVar[tuple[Key, ...]] = (
        unique("provider", "provider_event_id"),
        index("provider", "provider_subscription_id", where="provider_subscription_id IS NOT NULL"),
        index("organization_id", "status", where="organization_id IS NOT NULL"),
    )


class AuthAccount(Shared):
    """A user's account at another site, by which the user can log in here."""

    __tablename__ = "auth_accounts"
    __subject__: ClassVar[Subject | None] = Subject(of="user_id")

    user_id: Mapped[UUID] = reference("users", shared=True, on_purge="cascade", writable="never")
    provider: Mapped[str] = text(max_length=40, min_length=1, writable="never")
    provider_account_id: Mapped[str] = text(max_length=PROVIDER_ID, min_length=1, writable="never", personal=True)
    access_token_cipher: Mapped[bytes | None] = secret()
    refresh_token_cipher: Mapped[bytes | None] = secret()
    scope: Mapped[str | None] = text(max_length=2_000, personal=True)
    expires_at: Mapped[datetime | None] = moment()

    __indexes__: ClassVar[tuple[Key, ...]] = (unique("provider", "provider_account_id"),)
