"""What is known of a campaign when a model writes for it or reads it, and the words its texts speak of."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from growbase.core.generation import data_section
from growbase.core.reads import Reads
from growbase.domains.marketing.models import Brand, Campaign, CampaignBrief

CAMPAIGN: Final = ("name", "purpose", "campaign_type", "target_audience", "goals", "start_at", "end_at")
BRIEF: Final = (
    *("business_description", "objective", "website", "about_page_url", "product_url", "preferred_design"),
    *("brand_voice", "ai_summary", "selected_themes", "suggested_themes", "selected_tags", "suggested_tags"),
)
BRAND: Final = (
    *("name", "description", "industry", "website", "tagline", "mission", "brand_values", "personality"),
    *("voice", "tone", "messaging", "restricted_terms"),
)
"""What a prompt holds of each: named one by one, so that no setting and no key gets into it."""

_WORD: Final = re.compile(r"[^\W\d_]{4,}")
_DULL: Final = (
    "about after again also been before between both campaign could does each every from have here into just made "
    "make more most much only other over should some such than that their them then there these they this those "
    "through under very want well were what when where which while will with would your"
)
"""Frequent words that say nothing of what a text is about."""
_IGNORED: Final = frozenset(_DULL.split())


@dataclass(frozen=True, slots=True)
class Background:
    """What is known of a campaign when something is written for it."""

    campaign: Campaign
    brief: CampaignBrief | None
    brand: Brand | None

    @classmethod
    def read(cls, reads: Reads, campaign_id: UUID) -> "Background":
        """Read a campaign with its brief and brand. Raises NotFound."""
        campaign = reads.get(Campaign, campaign_id)
        brand = reads.find(Brand, campaign.brand_id) if campaign.brand_id else None
        return cls(campaign, reads.find(CampaignBrief, campaign_id=campaign_id), brand)

    def sections(self) -> list[str]:
        """Return it as the sections of a prompt."""
        parts = (("campaign", self.campaign, CAMPAIGN), ("brief", self.brief, BRIEF), ("brand", self.brand, BRAND))
        return [data_section(name, {key: getattr(row, key) for key in keys}) for name, row, keys in parts if row]

    def variables(self) -> dict[str, str]:
        """Return what a template may name; what nobody has written is missing."""
        campaign, brief, brand = self.campaign, self.brief, self.brand
        found = {
            "campaign": campaign.name,
            "campaign_name": campaign.name,
            "purpose": campaign.purpose,
            "audience": campaign.target_audience,
            "target_audience": campaign.target_audience,
        }
        if brief is not None:
            names = ("objective", "business_description", "website", "product_url", "about_page_url", "brand_voice")
            found |= {name: getattr(brief, name) for name in names} | {"summary": brief.ai_summary}
        if brand is not None:
            found |= {"brand": brand.name, "brand_name": brand.name, "tagline": brand.tagline, "mission": brand.mission}
            found |= {"industry": brand.industry, "tone": ", ".join(brand.tone or ()), "voice": brand.voice}
            found["website"] = found.get("website") or brand.website
        return {name: value for name, value in found.items() if value}

    def text(self) -> str:
        """Return the words there are, the most telling ones first."""
        brief, brand = self.brief, self.brand
        words = [self.campaign.name, self.campaign.purpose, self.campaign.target_audience]
        words += [brief.objective, brief.business_description] if brief else []
        words += [brand.description, brand.tagline] if brand else []
        return "\n".join(filter(None, words))

    def themes(self) -> list[str]:
        """Return the themes that were chosen, else those suggested, else what the texts speak of most."""
        brief = self.brief
        chosen = (brief.selected_themes or brief.suggested_themes) if brief else []
        return list(chosen) or [word.capitalize() for word in keywords(self.text(), 5)] or [self.campaign.name]

    def tags(self) -> list[str]:
        """Return hashtags, chosen as themes are."""
        brief = self.brief
        chosen = (brief.selected_tags or brief.suggested_tags) if brief else []
        return list(dict.fromkeys(filter(None, map(hashtag, chosen or keywords(self.text(), 5)))))


def keywords(text: str, count: int) -> list[str]:
    """Return the words a text has most often, of equally frequent ones the first."""
    found = Counter(word for word in _WORD.findall(text.lower()) if word not in _IGNORED)
    return [word[:100] for word, _ in found.most_common(count)]


def hashtag(text: str) -> str:
    """Return a text as one hashtag without its sign, empty if nothing of it may be in one."""
    return "".join(re.findall(r"\w+", text))[:100]
