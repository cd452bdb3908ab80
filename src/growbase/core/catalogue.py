"""Translated messages: the English template is the message id, a PO file per language gives the others."""

from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from io import BytesIO
from typing import Final

from babel.messages.pofile import read_po

ENGLISH: Final = "en"
_HEADER_LENGTH: Final = 1_000
_RANGES: Final = 20

TRANSLATED: Final = frozenset({"what", "parent", "reason"})
"""Parameters whose value is a message itself, such as the noun in "There is no such {what}."."""


def translate(language: str, template: str, params: Mapping[str, object]) -> str:
    """Return the message in the language, or else in English, with its parameters filled in.

    A translation whose placeholders do not fit is passed over and an English template that lacks a parameter comes back
    as it is: reporting an error must not raise another.
    """
    messages = _messages(_available(language) or ENGLISH)
    spoken = {name: messages.get(str(params[name]), params[name]) for name in TRANSLATED & params.keys()}
    for text, values in ((messages.get(template), {**params, **spoken}), (template, params)):
        if text is not None:
            try:
                return text.format_map(values)
            except (KeyError, IndexError, ValueError, AttributeError):
                continue
    return template


@cache
def languages() -> tuple[str, ...]:
    """List the languages there are messages in, English first."""
    folders = sorted(folder.name for folder in _locales().iterdir() if _po_file(folder.name).is_file())
    return (ENGLISH, *(folder for folder in folders if folder != ENGLISH))


@lru_cache(maxsize=512)
def negotiate(accept_language: str | None, default: str = ENGLISH) -> str:
    """Choose a language for an Accept-Language header: RFC 4647 lookup (3.4) by descending quality.

    ``fr-CA`` falls back to ``fr``; ``q=0`` excludes; ``*`` and a header without a match give the default.
    """
    ranges = _ranges(accept_language or "")
    excluded = {language for language, quality in ranges if quality == 0}
    for language, quality in sorted(ranges, key=lambda item: -item[1]):
        if quality == 0:
            break
        found = default if language == "*" else _available(language)
        if found and found.lower() not in excluded:
            return found
    if default.lower() in excluded:
        return next((language for language in languages() if language.lower() not in excluded), default)
    return default


def _ranges(header: str) -> list[tuple[str, float]]:
    ranges = []
    for part in header[:_HEADER_LENGTH].split(",")[:_RANGES]:
        language, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        if language:
            ranges.append((language, _quality(quality)))
    return ranges


def _quality(text: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0


def _available(language: str) -> str | None:
    known = {name.lower().replace("_", "-"): name for name in languages()}
    tags = language.lower().replace("_", "-").split("-")
    while tags:
        if found := known.get("-".join(tags)):
            return found
        tags.pop()
        if tags and len(tags[-1]) == 1:  # A lone letter only introduces what was just cut off (RFC 4647, 3.4).
            tags.pop()
    return None


@lru_cache(maxsize=32)
def _messages(language: str) -> Mapping[str, str]:
    if language == ENGLISH:
        return {}
    catalogue = read_po(BytesIO(_po_file(language).read_bytes()), locale=language)
    return {
        message.id: message.string
        for message in catalogue
        if isinstance(message.id, str) and isinstance(message.string, str) and message.string and not message.fuzzy
    }


def _locales() -> Traversable:
    return files("growbase") / "locales"


def _po_file(language: str) -> Traversable:
    return _locales() / language / "LC_MESSAGES" / "growbase.po"
