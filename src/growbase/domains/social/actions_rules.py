"""Brand rules: writing them, and finding what of a piece breaks them."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from growbase.core.errors import FieldError, Invalid
from growbase.core.folding import fold
from growbase.core.reads import Reads
from growbase.core.transaction import Transaction
from growbase.domains.marketing.models import Campaign, Content
from growbase.domains.social.models import ApprovalMode, BrandRule, ContentPiece
from growbase.domains.social.schemas import AutoApproval

OPPOSITES = (("forbidden_phrases", "allowed_phrases"), ("forbidden_hashtags", "allowed_hashtags"))
TEXTS = ("title", "body", "hook", "cta")
UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")
"""Scripts that put no space between words, so that a phrase in them is found wherever it stands."""
_TAG = re.compile(r"#(\w+)")


def create_brand_rules(tx: Transaction, **values: object) -> UUID:
    """Write the rules of a brand, or the organization's own where no brand is named.

    Raises Invalid where something is both allowed and forbidden.
    """
    _require_disjoint(values)
    return tx.insert(BrandRule, **values)


def update_brand_rules(tx: Transaction, *, id: UUID, changes: Mapping[str, Any], version: int | None = None) -> int:
    """Change rules; every change counts their version up. Raises Invalid as ``create_brand_rules`` does."""
    rules = tx.get(BrandRule, id, lock=True)
    old = rules.__dict__
    values = {name: value for name, value in changes.items() if old[name] != value}
    _require_disjoint({**old, **values})
    if values:
        values["rules_version"] = rules.rules_version + 1
    return tx.change(rules, values, version=version)


def remove_brand_rules(tx: Transaction, *, id: UUID) -> None:
    """Delete rules; the brand's pieces then follow the organization's own."""
    tx.delete(BrandRule, id)


def rules_of(reads: Reads, piece: ContentPiece, *, share: bool = True) -> BrandRule | None:
    """Return the rules a piece is checked by: those of its campaign's brand, else the organization's own.

    With ``share`` they are held as they are until the unit ends, so that an approval is by the rules it was checked by.
    """
    campaign_id = piece.campaign_id
    if campaign_id is None and piece.content_id is not None:
        content = reads.find(Content, piece.content_id, trash=True)
        campaign_id = content.campaign_id if content else None
    campaign = reads.find(Campaign, campaign_id, trash=True) if campaign_id else None
    own = reads.find(BrandRule, share=share, brand_id=campaign.brand_id) if campaign and campaign.brand_id else None
    return own or reads.find(BrandRule, share=share, brand_id=None)


def check_piece(reads: Reads, piece: ContentPiece) -> list[FieldError]:
    """Return what of a piece breaks its rules now, each with the field it stands in."""
    rules = rules_of(reads, piece, share=False)
    return violations(rules, piece) if rules else []


def violations(rules: BrandRule, piece: ContentPiece) -> list[FieldError]:
    """Return every forbidden phrase, claim and hashtag of a piece.

    Whole words count, folded. An allowed phrase excuses a forbidden one inside it: "free trial" where "free" is not.
    """
    allowed = [folded(phrase) for phrase in rules.allowed_phrases]
    forbidden = [*_kinds(rules.forbidden_phrases, "phrase"), *_kinds(rules.claims_to_avoid, "claim")]
    tags = {_tag(tag): tag for tag in rules.forbidden_hashtags}
    found: list[FieldError] = []
    for field, text in _texts(piece):
        plain = folded(text)
        masked = _masked(plain, allowed)
        for kind, phrase in forbidden:
            if contains(masked, folded(phrase)):
                found.append(_phrase_error(field, kind, phrase))
        found += [_tag_error(field, tags[tag]) for tag in dict.fromkeys(_TAG.findall(plain)) if tag in tags]
    for place, given in enumerate(piece.hashtags):
        if _tag(given) in tags:
            found.append(_tag_error(f"hashtags.{place}", tags[_tag(given)]))
    return found


def require_allowed(reads: Reads, piece: ContentPiece) -> BrandRule | None:
    """Return the rules of a piece that keeps them. Raises Invalid naming what breaks them, and where."""
    rules = rules_of(reads, piece)
    if rules is not None and (found := violations(rules, piece)):
        raise Invalid("The piece breaks the brand's rules.", fields=tuple(found))
    return rules


def approves_itself(rules: BrandRule | None, piece: ContentPiece) -> bool:
    """Return whether the rules approve a piece that keeps them without a person."""
    if rules is None or rules.approval_mode is ApprovalMode.MANUAL:
        return False
    if rules.approval_mode is ApprovalMode.AUTO:
        return True
    wanted = AutoApproval.model_validate(rules.auto_approval_rules or {})
    conditions = [
        wanted.min_confidence is None or (piece.confidence or 0) >= wanted.min_confidence,
        wanted.platforms is None or piece.platform in wanted.platforms,
        wanted.max_length is None or len(piece.body) <= wanted.max_length,
    ]
    asked = wanted.model_dump(exclude_none=True)
    return bool(asked) and all(conditions)


def folded(text: str) -> str:
    """Return a text for comparison: folded, invisible characters left out, every run of white space one space."""
    visible = "".join(letter for letter in text if unicodedata.category(letter) != "Cf") if not text.isascii() else text
    return " ".join(fold(visible).split())


def contains(text: str, phrase: str) -> bool:
    """Return whether a folded text has a folded phrase as whole words."""
    return bool(phrase) and phrase in text and _pattern(phrase).search(text) is not None


@lru_cache(maxsize=4096)
def _pattern(phrase: str) -> re.Pattern[str]:
    before = r"(?<!\w)" if _has_edge(phrase[0]) else ""
    after = r"(?!\w)" if _has_edge(phrase[-1]) else ""
    return re.compile(f"{before}{re.escape(phrase)}{after}")


def _has_edge(letter: str) -> bool:
    is_word = letter.isalnum() or letter == "_"
    return is_word and not unicodedata.name(letter, "").startswith(UNSPACED)


def _masked(text: str, allowed: Sequence[str]) -> str:
    for phrase in sorted(allowed, key=len, reverse=True):
        if contains(text, phrase):
            text = _pattern(phrase).sub("\x00", text)
    return text


def _texts(piece: ContentPiece) -> Iterator[tuple[str, str]]:
    for name in TEXTS:
        if text := getattr(piece, name):
            yield name, text
    for place, part in enumerate(piece.thread_parts or ()):
        yield f"thread_parts.{place}", part


def _kinds(phrases: Iterable[str], kind: str) -> list[tuple[str, str]]:
    return [(kind, phrase) for phrase in phrases]


def _tag(text: str) -> str:
    return folded(text).lstrip("#")


def _phrase_error(field: str, kind: str, phrase: str) -> FieldError:
    if kind == "claim":
        return FieldError(
            field, "claim_to_avoid", "makes the claim {phrase}, which is to be avoided", {"phrase": phrase}
        )
    return FieldError(field, "forbidden_phrase", "has the forbidden phrase {phrase}", {"phrase": phrase})


def _tag_error(field: str, tag: str) -> FieldError:
    return FieldError(field, "forbidden_hashtag", "has the forbidden hashtag {hashtag}", {"hashtag": tag})


def _require_disjoint(values: Mapping[str, Any]) -> None:
    found = []
    for forbidden, allowed in OPPOSITES:
        fold_as = _tag if forbidden.endswith("hashtags") else folded
        known = {fold_as(text) for text in values.get(allowed) or ()}
        both = [text for text in values.get(forbidden) or () if fold_as(text) in known]
        found += [FieldError(forbidden, "contradiction", "is also allowed: {text}", {"text": text}) for text in both]
    if found:
        raise Invalid(fields=tuple(found))
