"""The words a person reads for a table, a column or a state: made from its name, so that nobody writes them twice."""

from functools import cache
from typing import Final

UPPER: Final = {
    "ab": "A/B",
    "ai": "AI",
    "api": "API",
    "cta": "CTA",
    "ctr": "CTR",
    "icp": "ICP",
    "icps": "ICPs",
    "id": "ID",
    "ids": "IDs",
    "ip": "IP",
    "linkedin": "LinkedIn",
    "mrr": "MRR",
    "po": "PO",
    "roi": "ROI",
    "seo": "SEO",
    "sku": "SKU",
    "smtp": "SMTP",
    "tiktok": "TikTok",
    "url": "URL",
    "urls": "URLs",
    "utm": "UTM",
    "whatsapp": "WhatsApp",
    "youtube": "YouTube",
}
ENDINGS: Final = ("_user_id", "_id", "_minor", "_cipher", "_at")
"""What the end of a column's name tells the program, and its reader sees by the value."""


@cache
def label_of(name: str) -> str:
    """Return a column, a state, a verb or a table as words: ``owner_user_id`` is ``Owner``, ``opt-out`` ``Opt out``."""
    plain = next((name.removesuffix(ending) for ending in ENDINGS if name.endswith(ending) and name != ending), name)
    words = (plain or name).replace("-", " ").replace("_", " ").split()
    spoken = [UPPER.get(word.lower(), word) for word in words]
    text = " ".join(spoken)
    return text[:1].upper() + text[1:]
