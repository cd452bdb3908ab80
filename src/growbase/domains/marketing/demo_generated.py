"""Demonstration data: what a model proposed for two campaigns, and what people made of it."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID, uuid5

from growbase.core.transaction import Transaction
from growbase.domains.marketing.actions_generated import (
    add_candidates,
    promote_generated_content,
    rate_generated_content,
    select_generated_content,
    update_generated_content,
)
from growbase.domains.marketing.models import Campaign

MODEL: Final = {"model": "demo-writer", "model_version": "1", "parameters": {"temperature": 0.8}}
POSTS: Final = "Write three short posts about {name}. Speak as the brand does and name one fact in each."
IDEAS: Final = "Give ideas for a video and an e-mail about {name}, and hashtags that people really use."

PROPOSED: Final[Mapping[str, tuple[dict[str, Any], ...]]] = {
    "Winter roast launch": (
        {
            "type": "social_post",
            "platform": "bluesky",
            "title": "Tuesday smell",
            "text": "The whole street knows when it is Tuesday. Winter Roast leaves the drum at ten.",
            "hashtags": ["#coffee", "#winterroast"],
            "engagement_score": 0.62,
            "prompt": POSTS,
        },
        {
            "type": "social_post",
            "platform": "linkedin",
            "title": "Paid before the harvest",
            "text": "We pay our growers before the harvest, not after it. You taste the difference in January.",
            "engagement_score": 0.48,
            "prompt": POSTS,
        },
        {
            "type": "social_post",
            "platform": "mastodon",
            "title": "A cup like a blanket",
            "text": "Winter Roast: like a blanket, but you can drink it!!!",
            "engagement_score": 0.31,
            "prompt": POSTS,
        },
        {
            "type": "video_prompt",
            "platform": "youtube_shorts",
            "title": "Ten seconds of first crack",
            "text": "Close-up of beans at first crack, no music, only the sound. Last frame: the date on the bag.",
            "engagement_score": 0.71,
            "prompt": IDEAS,
        },
        {
            "type": "hashtags",
            "hashtags": ["#winterroast", "#freshlyroasted", "#singleorigin"],
            "prompt": IDEAS,
        },
    ),
    "Uphill challenge": (
        {
            "type": "social_post",
            "platform": "instagram",
            "title": "The steepest street",
            "text": "19 percent. One gear. Send us your steepest street and we bring a Lumen to it.",
            "hashtags": ["#uphill", "#ebike"],
            "engagement_score": 0.66,
            "prompt": POSTS,
        },
        {
            "type": "email",
            "title": "Your hill is on the list",
            "text": "Hello! Your street made it to the second round. Come and ride it with us on Saturday.",
            "engagement_score": 0.4,
            "prompt": IDEAS,
        },
    ),
}

Step = Callable[[Transaction, UUID], object]


def _rated(rating: int) -> Step:
    return lambda tx, id: rate_generated_content(tx, id=id, rating=rating)


def _select(tx: Transaction, id: UUID) -> None:
    select_generated_content(tx, id=id)


def _edit(tx: Transaction, id: UUID) -> None:
    text = (
        "The whole street knows when it is Tuesday: Winter Roast leaves the drum at ten, and is with you on Thursday."
    )
    update_generated_content(tx, id=id, changes={"user_edits": {"text": text}})


def _promote(tx: Transaction, id: UUID) -> None:
    promote_generated_content(tx, id=id, to="content")


STEPS: Final[Mapping[str, Mapping[int, tuple[Step, ...]]]] = {
    "Winter roast launch": {0: (_rated(5), _edit, _promote), 1: (_rated(4), _select), 2: (_rated(1),), 3: (_rated(4),)},
    "Uphill challenge": {0: (_rated(5), _select), 1: (_rated(3),)},
}
"""What people did with the candidates of a campaign, by their place."""


def seed_generated(tx: Transaction, *, campaign_id: UUID) -> int:
    """Add what was proposed for a demonstration campaign and return how much; twice adds nothing."""
    campaign = tx.get(Campaign, campaign_id)
    candidates = [
        {**MODEL, **values, "prompt": values["prompt"].format(name=campaign.name)}
        for values in PROPOSED.get(campaign.name, ())
    ]
    made = add_candidates(
        tx, campaign_id=campaign_id, job_id=uuid5(campaign_id, "demo generation"), candidates=candidates
    )
    for place, steps in STEPS.get(campaign.name, {}).items():
        if place < len(made):
            for step in steps:
                step(tx, made[place])
    return len(made)
