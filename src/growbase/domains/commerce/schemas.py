"""What the verbs of commerce take."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AliasChoices, AwareDatetime, Field

from growbase.domains.commerce.documents import Shape
from growbase.domains.commerce.models import EMAIL, HOST, StorePlatform
from growbase.domains.commerce.models_flags import FLAG_TYPE, Urgency
from growbase.domains.commerce.models_insights import InsightSeverity
from growbase.domains.commerce.models_purchasing import LARGEST_QUANTITY
from growbase.domains.commerce.models_tickets import LONGEST_BODY, LONGEST_DRAFT, TicketSource

Line = Annotated[str, Field(min_length=1, max_length=300)]
Code = Annotated[str, Field(min_length=1, max_length=100)]
Note = Annotated[str, Field(max_length=20_000)]
Host = Annotated[str, Field(min_length=3, max_length=253, pattern=HOST)]
SecretText = Annotated[str, Field(min_length=1, max_length=8_000)]
Email = Annotated[str, Field(min_length=3, max_length=320, pattern=EMAIL)]
Quantity = Annotated[int, Field(ge=1, le=LARGEST_QUANTITY)]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]

# -- stores -----------------------------------------------------------------------------------------------------------


class Connect(Shape):
    """A store whose platform has just let us in; one that was here before is the same row again."""

    platform: StorePlatform = StorePlatform.SHOPIFY
    shop_domain: Host
    access_token: SecretText
    domain: Host | None = None
    name: Annotated[str, Field(max_length=200)] | None = None
    scope_hash: Annotated[str, Field(max_length=128)] | None = None
    timezone: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    currency: Currency | None = None


class SecretInput(Shape):
    """The secret itself, which no answer ever shows."""

    secret: SecretText


class Rotation(Shape):
    """The secret that replaces the one there is."""

    secret: SecretText
    rotate_after: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None


# -- order flags ------------------------------------------------------------------------------------------------------


class Snooze(Shape):
    """When to come back to it."""

    until: AwareDatetime


class Resolution(Shape):
    """What was done about it."""

    notes: Note | None = None


class Detection(Shape):
    """A reason to look at an order, found again or for the first time."""

    store_id: UUID
    shopify_order_id: Code
    flag_type: Annotated[str, Field(max_length=60, pattern=FLAG_TYPE)]
    severity: Urgency = Urgency.NORMAL
    notes: Note | None = None
    metadata: dict[str, Any] | None = None


# -- tickets ----------------------------------------------------------------------------------------------------------


class Assignment(Shape):
    """Who looks after a ticket; nobody if it is null."""

    user_id: UUID | None


class Seen(Shape):
    """How many messages of the ticket, drafts left out, the writer has read: with more there, nothing is sent."""

    seen_count: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


class Writing(Shape):
    """Whether one is writing, or has stopped."""

    writing: bool = True


class ForTicket(Shape):
    """The ticket to fill a reply in for."""

    ticket_id: UUID


class DraftRequest(Shape):
    """What the drafted answer should say, if anything in particular."""

    instructions: Annotated[str, Field(max_length=4_000)] | None = None


class CustomerMessage(Shape):
    """A message of a customer, as a channel hands it over; the same ``external_id`` is the same message."""

    store_id: UUID
    body: Annotated[str, Field(min_length=1, max_length=LONGEST_BODY)]
    subject: Line | None = None
    customer_email: Email | None = None
    customer_name: Annotated[str, Field(max_length=200)] | None = None
    shopify_customer_id: Code | None = None
    shopify_order_id: Code | None = None
    external_id: Line | None = None
    thread_key: Line | None = None
    in_reply_to: Line | None = None
    source: TicketSource = TicketSource.API
    metadata: dict[str, Any] | None = None


class DeliveryReport(Shape):
    """How far a message has got, as the channel that carries it reports."""

    to: Literal["queued", "dispatching", "sent", "delivered", "failed", "unconfirmed"]
    external_id: Line | None = None


class Approval(Shape):
    """What is approved: the words as proposed, or other ones; ``content_hash`` says which ones were read."""

    edit: Annotated[str, Field(min_length=1, max_length=LONGEST_DRAFT)] | None = None
    content_hash: Annotated[str, Field(max_length=64)] | None = None


class DraftRejection(Shape):
    """Why a draft is not good, for those who tune the model."""

    feedback: dict[str, Any] | None = None
    reward_score: Annotated[float, Field(ge=-1, le=1)] | None = None


# -- insights and velocity --------------------------------------------------------------------------------------------


class FoundInsight(Shape):
    """One finding of a scan."""

    fingerprint: Annotated[str, Field(min_length=1, max_length=128)]
    title: Line
    description: Note
    severity: InsightSeverity = InsightSeverity.MEDIUM
    category: Annotated[str, Field(max_length=100)] | None = None
    resource_type: Annotated[str, Field(max_length=100)] | None = None
    resource_id: Annotated[str, Field(max_length=100)] | None = None
    resource_url: Annotated[str, Field(max_length=2_000)] | None = None
    metadata: dict[str, Any] | None = None


class Scan(Shape):
    """Everything a scan of a store found; what it did not find counts as missed."""

    store_id: UUID
    scan_id: Code
    insights: Annotated[list[FoundInsight], Field(max_length=1_000)]


class Suggestion(Shape):
    """For which vendor to draft an order of what runs out; the newest figures up to ``recorded_for`` decide."""

    store_id: UUID
    vendor_name: Annotated[str, Field(min_length=1, max_length=200)]
    vendor_id: Code | None = None
    recorded_for: date | None = None


# -- purchase orders --------------------------------------------------------------------------------------------------


class LineDraft(Shape):
    """A line of a new purchase order."""

    sku: Code
    quantity: Quantity
    unit_cost_minor: Annotated[int, Field(ge=0, le=10**9)]
    product_title: Annotated[str, Field(max_length=300)] | None = None
    variant_id: Code | None = None
    allow_over_receipt: bool = False
    velocity_id: UUID | None = None


class OrderLines(Shape):
    """What the request that makes a purchase order holds beside its columns."""

    lines: Annotated[list[LineDraft], Field(max_length=500)] | None = None


class ReceivedLine(Shape):
    """How many of one line have arrived."""

    line_id: UUID
    quantity: Quantity


class Receipt(Shape):
    """What has arrived; with a key, the same delivery reported twice counts once."""

    lines: Annotated[list[ReceivedLine], Field(min_length=1, max_length=500)]
    idempotency_key: Annotated[str, Field(min_length=1, max_length=200)] | None = None


# -- key figures ------------------------------------------------------------------------------------------------------


class KpiValue(Shape):
    """A key figure that another program has computed; the one with the newer ``source_watermark`` stays."""

    metric: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[a-z][a-z0-9_.]*$")]
    start: Annotated[AwareDatetime | date, Field(validation_alias=AliasChoices("start", "from"))]
    end: Annotated[AwareDatetime | date, Field(validation_alias=AliasChoices("end", "to"))]
    granularity: Literal["total", "day", "week", "month"] = "total"
    payload: dict[str, Any]
    source_watermark: AwareDatetime
    expires_at: AwareDatetime | None = None
