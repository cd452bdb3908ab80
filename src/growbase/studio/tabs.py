"""Tabs that one resource's rows have beside those of every row."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from growbase.core.resource import Resource
from growbase.studio import previews
from growbase.studio.visit import Visit
from growbase.studio.words import Words

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tab:
    """A part of a row's page: what its address and its link say, its template, and what that shows."""

    key: str
    title: Callable[[Words], str]
    template: str
    load: Callable[[Visit, Row], Awaitable[dict[str, Any]]]


PREVIEW: Final = Tab("preview", lambda words: words.say("Preview"), "preview.html", previews.load)

TABS: Final[Mapping[str, tuple[Tab, ...]]] = {"content-pieces": (PREVIEW,), "scheduled-posts": (PREVIEW,)}


def tabs_of(resource: Resource) -> tuple[Tab, ...]:
    """Return the tabs of a resource."""
    return TABS.get(resource.name, ())
