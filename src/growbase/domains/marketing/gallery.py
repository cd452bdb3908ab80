"""The templates that come with Growbase, and the journey a campaign gets when nobody names a template."""

from typing import Any, Final
from uuid import UUID

from growbase.domains.marketing.models import TemplateCategory

DEFAULT_JOURNEY: Final[dict[str, Any]] = {
    "name": "Customer journey",
    "stages": [
        {"key": "awareness", "name": "Awareness", "kind": "awareness"},
        {"key": "consideration", "name": "Consideration", "kind": "consideration", "delay_hours": 48},
        {"key": "conversion", "name": "Conversion", "kind": "conversion", "delay_hours": 72},
        {"key": "retention", "name": "Retention", "kind": "retention", "delay_hours": 168},
    ],
}

_LAUNCH: Final[dict[str, Any]] = {
    "schema_version": 1,
    "journeys": [
        {
            "name": "Launch journey",
            "stages": [
                {
                    "key": "teaser",
                    "name": "Teaser",
                    "kind": "awareness",
                    "config": {"goal": "Make people curious", "channels": ["social", "email"], "frequency_cap": 3},
                },
                {
                    "key": "reveal",
                    "name": "Reveal",
                    "kind": "consideration",
                    "config": {"goal": "Show what it does", "proof_points": ["Demo video", "First customers"]},
                    "delay_hours": 72,
                },
                {
                    "key": "launch",
                    "name": "Launch day",
                    "kind": "conversion",
                    "config": {"call_to_action": "Get it now", "channels": ["email", "landing_page", "search"]},
                    "delay_hours": 96,
                },
                {
                    "key": "onboarding",
                    "name": "Onboarding",
                    "kind": "retention",
                    "config": {"goal": "Help people succeed in the first week", "interval_days": 7},
                    "delay_hours": 24,
                },
            ],
            "contents": [
                {
                    "type": "social_post",
                    "title": "Something new is coming",
                    "body": "We have been building something. Three days to go.",
                    "stage": "teaser",
                    "channel": "social",
                },
                {
                    "type": "email",
                    "title": "It is here",
                    "body": "Today we launch. See what it does in ninety seconds.",
                    "stage": "launch",
                    "channel": "email",
                },
            ],
        }
    ],
}

_AWARENESS: Final[dict[str, Any]] = {
    "schema_version": 1,
    "journeys": [
        {
            "name": "Awareness journey",
            "stages": [
                {
                    "key": "story",
                    "name": "Our story",
                    "kind": "awareness",
                    "config": {"goal": "Say who we are", "channels": ["social", "blog"]},
                },
                {
                    "key": "values",
                    "name": "What we stand for",
                    "kind": "consideration",
                    "config": {
                        "goal": "Show values in action",
                        "proof_points": ["Behind the scenes", "People we help"],
                    },
                    "delay_hours": 120,
                },
                {
                    "key": "community",
                    "name": "Community",
                    "kind": "advocacy",
                    "config": {"goal": "Let people tell it for us", "referral_reward": "A mention in our newsletter"},
                    "delay_hours": 168,
                },
            ],
            "contents": [
                {
                    "type": "blog_post",
                    "title": "Why we started",
                    "body": "Every company begins with a problem somebody could not leave alone. This was ours.",
                    "stage": "story",
                    "channel": "blog",
                }
            ],
        }
    ],
}

_EVENT: Final[dict[str, Any]] = {
    "schema_version": 1,
    "journeys": [
        {
            "name": "Event journey",
            "stages": [
                {
                    "key": "invitation",
                    "name": "Invitation",
                    "kind": "awareness",
                    "config": {"goal": "Save the date", "channels": ["email", "social"]},
                },
                {
                    "key": "programme",
                    "name": "Programme",
                    "kind": "consideration",
                    "config": {"goal": "Show who speaks", "offer": "Early bird ticket"},
                    "delay_hours": 168,
                },
                {
                    "key": "registration",
                    "name": "Registration",
                    "kind": "conversion",
                    "config": {"call_to_action": "Reserve your seat", "target_conversion_rate": 0.15},
                    "delay_hours": 168,
                },
                {
                    "key": "follow_up",
                    "name": "Follow-up",
                    "kind": "retention",
                    "config": {"goal": "Recordings and the next date", "interval_days": 30},
                    "delay_hours": 24,
                },
            ],
            "contents": [
                {
                    "type": "email",
                    "title": "Save the date",
                    "body": "One evening, three talks, good company. Will you join us?",
                    "stage": "invitation",
                    "channel": "email",
                },
                {
                    "type": "landing_page",
                    "title": "Reserve your seat",
                    "body": "Seats are limited. Registration takes a minute.",
                    "stage": "registration",
                    "channel": "web",
                },
            ],
        }
    ],
}

GALLERY_TEMPLATES: Final[tuple[dict[str, Any], ...]] = (
    {
        "id": UUID("0197a000-0000-7000-8000-000000000001"),
        "code": "product-launch",
        "name": "Product launch",
        "description": "Four stages from the first teaser to the first week of use.",
        "category": TemplateCategory.PRODUCT_LAUNCH,
        "template_data": _LAUNCH,
        "default_settings": {"campaign_type": "product", "creativity_level": 7},
        "prompt_templates": {
            "social_post": "Write a teaser for {{product}} in the voice of {{brand}}. Reveal one detail, no more.",
            "email": "Announce {{product}} to {{audience}}. One benefit, one proof, one call to action.",
        },
        "is_system": True,
        "usage_count": 0,
    },
    {
        "id": UUID("0197a000-0000-7000-8000-000000000002"),
        "code": "brand-awareness",
        "name": "Brand awareness",
        "description": "Tell who you are, show it, and let people tell it for you.",
        "category": TemplateCategory.BRAND_AWARENESS,
        "template_data": _AWARENESS,
        "default_settings": {"campaign_type": "brand", "creativity_level": 8},
        "prompt_templates": {
            "blog_post": "Tell the story of how {{brand}} began, for readers who have never heard of it.",
            "social_post": "Show one value of {{brand}} in a scene from everyday work.",
        },
        "is_system": True,
        "usage_count": 0,
    },
    {
        "id": UUID("0197a000-0000-7000-8000-000000000003"),
        "code": "event-promotion",
        "name": "Event promotion",
        "description": "From the save-the-date to the recordings.",
        "category": TemplateCategory.EVENT_PROMOTION,
        "template_data": _EVENT,
        "default_settings": {"campaign_type": "event", "creativity_level": 6},
        "prompt_templates": {
            "email": "Invite {{audience}} to {{event}} on {{date}}. Friendly, short, one question.",
            "landing_page": "Write the registration page of {{event}}: what, who, when, why now.",
        },
        "is_system": True,
        "usage_count": 0,
    },
)
"""Rows of ``gallery_templates`` that come with the migrations; their ids never change."""
