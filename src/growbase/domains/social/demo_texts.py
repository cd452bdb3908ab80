"""What the demonstration data of social says."""

from typing import Any, Final

from growbase.domains.social.models_publishing import PostStatus

FOUNDERS: Final[tuple[dict[str, Any], ...]] = (
    {
        "name": "Ines Moreau",
        "role": "Founder and head roaster",
        "email": "ines@northwind-coffee.example",
        "bio": "Fifteen years behind roasters, three of them her own. Tastes every batch before it leaves.",
        "linkedin_url": "https://www.linkedin.com/in/ines-moreau-example",
        "is_primary": True,
    },
    {
        "name": "Tomas Lind",
        "role": "Co-founder, growers and prices",
        "email": "tomas@northwind-coffee.example",
        "bio": "Spends the harvest with the growers and the rest of the year explaining what coffee costs.",
        "twitter_handle": "@tomaslind_example",
    },
)

RULES: Final[dict[str, Any]] = {
    "tone": "friendly, concrete, a little dry",
    "voice": "A friend who knows a lot about coffee and never lets you feel it.",
    "allowed_phrases": ["instant delight"],
    "forbidden_phrases": ["cheap", "instant", "best in the world"],
    "allowed_hashtags": ["#coffee", "#freshroast", "#meetthegrower"],
    "forbidden_hashtags": ["#cheapcoffee"],
    "claims_to_avoid": ["cures headaches", "guaranteed weight loss"],
    "compliance_notes": "No health claims. Prices with tax and currency.",
    "approval_mode": "conditional",
    "auto_approval_rules": {"min_confidence": 0.95, "platforms": ["mastodon", "bluesky"], "max_length": 300},
}

STRATEGY: Final[dict[str, Any]] = {
    "positioning": {
        "statement": "The roaster who tells you what is in the cup, who grew it and what it cost.",
        "promise": "Roasted on Tuesday. Yours by Thursday.",
    },
    "audience_segments": [
        {"name": "Home brewers", "wants": "Better coffee without more equipment"},
        {"name": "Office managers", "wants": "Coffee nobody complains about"},
    ],
    "content_pillars": [
        {"name": "Brew better", "description": "Short lessons for one cup.", "emoji": "\u2615", "color": "#3B2417"},
        {"name": "Meet the grower", "description": "People and places behind a roast.", "color": "#5B8C5A"},
        {"name": "Straight prices", "description": "What a bag costs, and why.", "color": "#E07A3F"},
    ],
    "channel_plan": {"mastodon": "daily, conversations", "linkedin": "weekly, offices", "bluesky": "three a week"},
    "cadence": {"posts_per_week": 8, "best_times": ["07:30", "12:15", "17:45"]},
    "calendar_skeleton": [{"week": 1, "theme": "New harvest"}, {"week": 2, "theme": "Grinders"}],
    "generated_by": "strategy-writer",
    "confidence": 0.82,
    "model": "example-model",
    "input_tokens": 5_200,
    "output_tokens": 1_900,
    "cost_micros": 41_000,
}

ACCOUNTS: Final[dict[str, dict[str, Any]]] = {
    "mastodon": {
        "provider_account_id": "109501234567890123",
        "handle": "@northwind@mastodon.example",
        "display_name": "Northwind Coffee",
        "profile_url": "https://mastodon.example/@northwind",
        "instance_url": "https://mastodon.example",
        "posting_times": {"weekdays": ["07:30", "17:45"]},
        "followers": 1_840,
    },
    "bluesky": {
        "provider_account_id": "did:plc:northwindexample",
        "handle": "northwind.bsky.example",
        "display_name": "Northwind Coffee",
        "profile_url": "https://bsky.example/profile/northwind",
        "instance_url": "https://bsky.example",
        "followers": 920,
    },
    "linkedin": {
        "provider_account_id": "urn:li:organization:000001",
        "handle": "northwind-coffee",
        "display_name": "Northwind Coffee",
        "profile_url": "https://www.linkedin.com/company/northwind-coffee-example",
        "followers": 3_410,
    },
}

SERIES: Final[tuple[dict[str, Any], ...]] = (
    {
        "name": "One cup, one minute",
        "description": "A brewing lesson that fits into the time the kettle takes.",
        "platform": "mastodon",
        "cadence": "weekly",
        "total_posts": 12,
    },
    {
        "name": "Meet the grower",
        "description": "A farm a month, with prices.",
        "platform": "linkedin",
        "cadence": "monthly",
    },
)

PIECES: Final[tuple[dict[str, Any], ...]] = (
    {
        "platform": "mastodon",
        "title": "Grind first",
        "body": "Weigh your water, not your patience: 60 g of coffee to a litre, ground right before you pour.",
        "hashtags": ["#coffee"],
        "pillar": "Brew better",
        "series": ("One cup, one minute", 1),
        "status": "approved",
        "posts": [(PostStatus.PUBLISHED, -20)],
    },
    {
        "platform": "mastodon",
        "title": "Water",
        "body": "Your coffee is 98 % water. If it tastes flat, try filtered water before you buy another bag.",
        "hashtags": ["#coffee"],
        "pillar": "Brew better",
        "series": ("One cup, one minute", 2),
        "status": "approved",
        "posts": [(PostStatus.PUBLISHED, -13)],
    },
    {
        "platform": "mastodon",
        "title": "Bloom",
        "body": "Thirty seconds of bloom: wet the grounds, wait, then pour. The foam is yesterday leaving.",
        "hashtags": ["#coffee", "#freshroast"],
        "pillar": "Brew better",
        "series": ("One cup, one minute", 3),
        "generated_by": "post-writer",
        "confidence": 0.91,
        "rationale": "Lessons under 200 characters did best in the last month.",
        "status": "approved",
        "posts": [(PostStatus.PUBLISHED, -6)],
    },
    {
        "platform": "mastodon",
        "title": "Clean your grinder",
        "body": "When did you last clean your grinder? Old oil makes new coffee taste old. A brush helps.",
        "pillar": "Brew better",
        "series": ("One cup, one minute", 4),
        "generated_by": "post-writer",
        "confidence": 0.97,
        "status": "approved",
        "posts": [(PostStatus.SCHEDULED, 1)],
    },
    {
        "platform": "linkedin",
        "title": "What a bag costs",
        "body": "14.50 EUR for 250 g: 4.90 to the grower, 2.60 freight, 3.20 roasting, 1.90 tax, the rest is us.",
        "hook": "Where do 14.50 EUR go?",
        "cta": "Ask us anything about it.",
        "pillar": "Straight prices",
        "campaign": "Winter roast launch",
        "status": "approved",
        "posts": [(PostStatus.PUBLISHED, -16)],
    },
    {
        "platform": "linkedin",
        "title": "Abebe of Yirgacheffe",
        "body": "Abebe dries his cherries for 18 days and turns them by hand. We pay him before the harvest.",
        "hashtags": ["#meetthegrower"],
        "pillar": "Meet the grower",
        "series": ("Meet the grower", 1),
        "status": "approved",
        "posts": [(PostStatus.PUBLISHED, -9)],
    },
    {
        "platform": "linkedin",
        "title": "Offices",
        "body": "The office machine is not the problem. The bag that has been open since spring is.",
        "pillar": "Brew better",
        "status": "approved",
        "posts": [(PostStatus.FAILED, 0)],
    },
    {
        "platform": "bluesky",
        "title": "Winter roast is out",
        "body": "The winter roast is out: plum, cocoa, a little smoke. Roasted on Tuesday, yours by Thursday.",
        "hashtags": ["#freshroast"],
        "pillar": "Meet the grower",
        "campaign": "Winter roast launch",
        "status": "approved",
        "posts": [(PostStatus.PUBLISHED, -11)],
    },
    {
        "platform": "bluesky",
        "title": "Ask a roaster",
        "body": "Ask a roaster: on Friday at noon Ines answers everything, even about pods.",
        "pillar": "Brew better",
        "status": "approved",
        "posts": [(PostStatus.UNCONFIRMED, 0)],
    },
    {
        "platform": "bluesky",
        "title": "Market day",
        "body": "We are at the market on Saturday. Bring your own cup and the first one is on us.",
        "status": "approved",
        "posts": [(PostStatus.MISSED, 0)],
    },
    {
        "platform": "bluesky",
        "title": "New bags",
        "body": "New bags: the same coffee, 30 % less plastic, and a label you can read without glasses.",
        "pillar": "Straight prices",
        "status": "approved",
        "posts": [(PostStatus.ON_HOLD, 3), (PostStatus.CANCELLED, 2)],
    },
    {
        "platform": "mastodon",
        "title": "Cold brew",
        "body": "Cold brew needs no machine: 80 g, one litre of cold water, one night.",
        "pillar": "Brew better",
        "status": "pending_review",
        "posts": [(PostStatus.DRAFT, 8)],
    },
    {
        "platform": "linkedin",
        "title": "Hiring",
        "body": "We are looking for somebody who packs on Tuesdays and laughs on Wednesdays.",
        "status": "draft",
        "posts": [],
    },
    {
        "platform": "mastodon",
        "title": "Monday",
        "body": "Mondays are hard. Coffee is harder. Wait, no.",
        "status": "rejected",
        "reason": "Funny, but it says nothing about us.",
        "posts": [],
    },
)

REPORT: Final = """# Your week

**The lesson did the work.** "Bloom" reached more people than the two posts before it together, and half of those who
liked it had never liked anything of ours before.

- Short lessons on Mastodon: keep one a week, before breakfast.
- LinkedIn likes numbers: the breakdown of a price still gathers comments two weeks later.
- Nothing went out on Sunday. That is fine.
"""
RECOMMENDATIONS: Final = [
    {"title": "Repeat the price breakdown for the winter roast", "priority": "high"},
    {"title": "Answer the three open questions under Ask a roaster", "priority": "medium"},
]
INSIGHTS: Final = [{"text": "Posts under 120 characters have twice the engagement rate of longer ones."}]
