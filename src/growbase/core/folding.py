"""Folding of text for comparison and search, the same on every engine because it happens here and not in SQL."""

import re
import unicodedata
from itertools import chain
from typing import Final

SEARCH_TEXT_LENGTH: Final = 2_000
SEARCH_WORD_LENGTH: Final = 64
_WORD: Final = re.compile(r"[^\W_]+")
_ASCII: Final = "".join(chr(code).lower() if chr(code).isalnum() else " " for code in range(128))
"""What each ASCII character is in a line of words."""


def fold(text: str) -> str:
    """Fold a name for a ``*_norm`` column: NFKC, case folded, trimmed; folding twice changes nothing."""
    if text.isascii():
        return text.lower().strip()
    # Case folding can undo the normal form and the normal form can bring back a capital (Unicode 3.13, D146):
    # the second round is what makes the result stable.
    for _ in range(2):
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return text.strip()


def fold_email(address: str) -> str:
    """Fold an e-mail address: NFKC, lower case, trimmed; case folding would also join ``straße`` and ``strasse``."""
    if address.isascii():
        return address.lower().strip()
    for _ in range(2):
        address = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", address).lower())
    return address.strip()


def search_words(*texts: str | None) -> str:
    """Return the distinct words of some texts, folded and without diacritics, as one line of at most 2,000 characters.

    A word is cut at 64 characters; the first word that no longer fits ends the line.
    """
    found = dict.fromkeys(chain.from_iterable(_words(text) for text in texts if text))
    line = " ".join(found)
    if len(line) <= SEARCH_TEXT_LENGTH and max(map(len, found), default=0) <= SEARCH_WORD_LENGTH:
        return line
    words: dict[str, None] = {}
    length = -1
    for word in found:
        short = word[:SEARCH_WORD_LENGTH]
        if short in words:
            continue
        length += 1 + len(short)
        if length > SEARCH_TEXT_LENGTH:
            break
        words[short] = None
    return " ".join(words)


def _words(text: str) -> list[str]:
    return text.translate(_ASCII).split() if text.isascii() else _WORD.findall(_plain(text))


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFD", fold(text))
    # Composed again, or a Hangul syllable would stay three letters.
    return unicodedata.normalize("NFC", "".join(letter for letter in letters if unicodedata.category(letter) != "Mn"))
