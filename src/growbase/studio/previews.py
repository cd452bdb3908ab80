"""A piece as its platforms would show it, beside what they would refuse."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from growbase.core.errors import NotFound
from growbase.core.reads import Reads
from growbase.domains.marketing.models_generated import Platform
from growbase.domains.social.models import ContentPiece
from growbase.domains.social.previews import accounts_for, preview_piece
from growbase.domains.social.publisher import LINK, limits_of
from growbase.studio.visit import Visit

_PARTS: Final = re.compile(rf"(?P<link>{LINK.pattern})|(?P<tag>(?<!\w)#\w+)|(?P<who>(?<!\w)@[\w.@-]*\w)")
Segment = tuple[str, str]


async def load(visit: Visit, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the preview of a piece, or of the piece of a post on its account, for the targets an address names."""
    piece_id = UUID(str(row.get("content_piece_id") or row["id"]))
    own = row.get("social_account_id")
    asked = visit.query.get("on", "")
    given: dict[str, Any] = {}
    if asked in set(Platform):
        given["platform"] = Platform(asked)
    elif asked or own:
        given["social_account_id"] = _id(asked) or _id(str(own))

    def read(reads: Reads) -> dict[str, Any] | None:
        piece = reads.find(ContentPiece, piece_id)
        if piece is None:
            return None
        found = preview_piece(reads, id=piece_id, **{name: value for name, value in given.items() if value})
        accounts = [(str(one.id), one.handle, one.platform.value) for one in accounts_for(reads, piece)]
        return {**found, "accounts": accounts}

    try:
        found = await visit.read(read)
    except NotFound:
        found = None
    if found is None:
        return {"preview": None}
    for target in found["targets"]:
        if target["refusal"]:
            params = target["refusal"]["params"].items()
            target["refusal"]["params"] = {name: visit.words.label(value).lower() for name, value in params}
        target["parts"] = list(parted(found["text"], target["fits"]))
        target["wrong_media"] = {
            one["field"].partition(".")[2]: one for one in target["errors"] if one["field"].startswith("assets.")
        }
    found["platforms"] = [one.value for one in Platform if limits_of(one) is not None]
    found["asked"] = asked or str(own or "")
    return {"preview": found, "unsent": [visit.words.label(name) for name in found["unsent"]]}


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def parted(text: str, fits: int) -> Iterator[Segment]:
    """Yield the parts of a text with what each is: a link, a tag, somebody, plain text, or beyond what fits."""
    kept, place = text[:fits], 0
    for found in _PARTS.finditer(kept):
        if found.start() > place:
            yield "text", kept[place : found.start()]
        yield str(found.lastgroup), found[0]
        place = found.end()
    if place < len(kept):
        yield "text", kept[place:]
    if fits < len(text):
        yield "cut", text[fits:]
