"""Documents in a form: one with a schema has an input for each of its fields, a list of such has a line for each."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

SPARE: Final = 1
"""Empty lines below those a list has; a script adds more, and a form that was saved has another one."""
MOST_LINES: Final = 500
Document = Any
"""A JSON value."""


def written(value: Document) -> str:
    """Return a document as its input keeps it: one form for one value, so that two can be compared as texts."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def plain(value: Document) -> Document:
    """Return a document without what says nothing: fields that are null, empty or not there are the same."""
    if isinstance(value, Mapping):
        inner = ((key, plain(item)) for key, item in sorted(value.items()))
        return {key: item for key, item in inner if item is not None and item not in ("", [], {})}
    if isinstance(value, list):
        return [item for item in map(plain, value) if item != {}]
    return value


def loaded(text: str) -> Document:
    """Return the document of a text, None for one that is empty or none."""
    try:
        return json.loads(text) if text.strip() else None
    except json.JSONDecodeError:
        return None


def lines_sent(name: str, sent: Iterable[str]) -> list[int]:
    """Return the numbers of a list's lines among the names a form sent."""
    pattern = re.compile(rf"{re.escape(name)}\.(\d{{1,3}})\.")
    return sorted({int(found[1]) for found in map(pattern.match, sent) if found})[:MOST_LINES]
