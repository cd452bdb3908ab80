"""Rows for tests of marketing, each with what it needs; any column can be given."""

from itertools import count
from typing import Any
from uuid import UUID

from growbase.core.transaction import Transaction
from growbase.domains.marketing.actions import create_campaign
from growbase.domains.marketing.actions_contents import create_content
from growbase.domains.marketing.actions_templates import create_campaign_template
from growbase.domains.marketing.actions_variants import set_variants
from growbase.domains.marketing.models import Brand, ContentType

_number = count(1)

TEMPLATE: dict[str, Any] = {
    "journeys": [
        {
            "name": "Launch",
            "stages": [
                {"key": "tease", "name": "Tease", "kind": "awareness", "config": {"target_reach": 1000}},
                {"key": "sell", "name": "Sell", "kind": "conversion", "delay_hours": 24},
            ],
            "contents": [{"type": "email", "title": "Soon", "body": "Very soon.", "stage": "tease"}],
        }
    ]
}


def make_brand(tx: Transaction, **over: object) -> UUID:
    """Insert a brand."""
    return tx.insert(Brand, **{"name": f"Brand {next(_number)}", **over})


def make_campaign(tx: Transaction, **over: object) -> UUID:
    """Make a campaign with a brand of its own and the default journey."""
    values = {"name": f"Campaign {next(_number)}", "purpose": "To be tested", **over}
    if "brand_id" not in values:
        values["brand_id"] = make_brand(tx)
    return create_campaign(tx, **values)


def make_content(tx: Transaction, campaign_id: UUID | None = None, **over: object) -> UUID:
    """Make a content, in a campaign of its own unless one is given."""
    values = {"type": ContentType.EMAIL, "title": "Hello", "body": "Hello there.", **over}
    return create_content(tx, campaign_id=campaign_id or make_campaign(tx), **values)


def make_variants(tx: Transaction, content_id: UUID, *weights: int) -> UUID:
    """Give a content variants A, B, ... of these weights, the first being the control."""
    drafts = [
        {"key": key, "body": f"Text {key}", "weight_percent": weight, "is_control": key == "A"}
        for key, weight in zip("ABCDEFGH", weights, strict=False)
    ]
    return set_variants(tx, id=content_id, variants=drafts)


def make_template(tx: Transaction, **over: object) -> UUID:
    """Make a campaign template with one journey of two stages and a content."""
    return create_campaign_template(tx, **{"name": f"Template {next(_number)}", "template_data": TEMPLATE, **over})


def event(**over: object) -> dict[str, Any]:
    """Return an event as a client sends it; ids as text."""
    values = {"event_key": f"event-{next(_number)}", "event_type": "impression", **over}
    return {name: str(value) if isinstance(value, UUID) else value for name, value in values.items()}
