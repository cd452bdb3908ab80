"""What would be published of a piece, and what each platform would say to it, before anybody asks the platform."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from growbase.core.errors import Conflict, FieldError, GrowbaseError
from growbase.core.reads import Reads
from growbase.domains.marketing.models_assets import Asset
from growbase.domains.marketing.models_generated import Platform
from growbase.domains.social.actions_pieces import erased_errors
from growbase.domains.social.actions_posts import require_publishable
from growbase.domains.social.actions_rules import check_piece
from growbase.domains.social.models import ContentPiece, PieceAsset
from growbase.domains.social.models_publishing import SocialAccount
from growbase.domains.social.publisher import (
    Limits,
    Publisher,
    class_of,
    fitting_length,
    length_of,
    limit_errors,
    post_text,
)

MOST_ACCOUNTS = 50
UNSENT = ("title", "hook", "cta", "mentions", "thread_parts")
"""Fields of a piece that no publisher sends."""


def preview_piece(
    reads: Reads, *, id: UUID, social_account_id: UUID | None = None, platform: Platform | None = None
) -> dict[str, Any]:
    """Return a piece as it would be published: its text, its files, what breaks the brand's rules, and its targets.

    A target is an account or a platform with its limits, how much of the text it takes, and all it would refuse. They
    are the accounts of the piece's platform, else the platform itself, unless one is named. Raises NotFound.
    """
    piece = reads.get(ContentPiece, id)
    text, media = post_text(piece.__dict__), _media(reads, id)
    sizes = [(str(item["mime_type"]), int(item["size_bytes"])) for item in media]
    erased = _shown(erased_errors(item["is_erased"] for item in media))
    if social_account_id is not None:
        accounts = [reads.get(SocialAccount, social_account_id)]
    else:
        accounts = [] if platform is not None else accounts_for(reads, piece)
    found = [_target(account.platform, account, piece, text, sizes) for account in accounts]
    found = found or [_target(platform or piece.platform, None, piece, text, sizes)]
    return {
        "content_piece_id": str(id),
        "platform": piece.platform.value,
        "text": text,
        "unsent": [name for name in UNSENT if getattr(piece, name)],
        "media": media,
        "rule_errors": _shown(check_piece(reads, piece)),
        "targets": [{**target, "errors": erased + target["errors"]} for target in found],
    }


def accounts_for(reads: Reads, piece: ContentPiece) -> list[SocialAccount]:
    """Return the accounts a piece may be published on."""
    on = {piece.platform, Platform.YOUTUBE if piece.platform is Platform.YOUTUBE_SHORTS else piece.platform}
    return reads.rows(SocialAccount, platform=sorted(on), order="handle, id", limit=MOST_ACCOUNTS)


def _media(reads: Reads, piece_id: UUID) -> list[dict[str, Any]]:
    places = reads.rows(PieceAsset, piece_id=piece_id, order="position")
    ids = [place.asset_id for place in places]
    assets = {asset.id: asset for asset in reads.rows(Asset, id=ids, trash=True)} if ids else {}
    return [
        {
            "asset_id": str(place.asset_id),
            "name": assets[place.asset_id].original_filename,
            "is_erased": assets[place.asset_id].erased_at is not None,
            "mime_type": assets[place.asset_id].mime_type,
            "size_bytes": assets[place.asset_id].size_bytes,
            "width": assets[place.asset_id].width,
            "height": assets[place.asset_id].height,
            "alt_text": place.alt_text or assets[place.asset_id].alt_text,
        }
        for place in places
    ]


def _target(
    platform: Platform, account: SocialAccount | None, piece: ContentPiece, text: str, media: Sequence[tuple[str, int]]
) -> dict[str, Any]:
    publisher = class_of(platform.value, account.token_type if account else None)
    limits = publisher.limits if publisher else None
    return {
        "social_account_id": str(account.id) if account else None,
        "handle": account.handle if account else None,
        "display_name": account.display_name if account else None,
        "platform": platform.value,
        "limits": _limits(publisher),
        "characters": length_of(limits, text) if limits else len(text),
        "fits": fitting_length(limits, text) if limits else len(text),
        "errors": _shown(limit_errors(limits, text, media)) if limits else [],
        "refusal": _refusal(piece, account) if account else None,
    }


def _limits(publisher: type[Publisher] | None) -> dict[str, Any] | None:
    if publisher is None:
        return None
    limits: Limits = publisher.limits
    return {
        "characters": limits.characters,
        "link_characters": limits.link_characters,
        "media": limits.media,
        "media_bytes": limits.media_bytes,
        "media_types": sorted(limits.media_types),
    }


def _refusal(piece: ContentPiece, account: SocialAccount) -> dict[str, Any] | None:
    """Return why it would not be published now, as an error's message and what belongs to it."""
    try:
        require_publishable(piece, account)
    except Conflict as error:
        return _said(error)
    return None


def _said(error: GrowbaseError) -> dict[str, Any]:
    return {"code": error.code, "message": error.message, "params": {k: str(v) for k, v in error.params.items()}}


def _shown(errors: Sequence[FieldError]) -> list[dict[str, Any]]:
    return [
        {"field": error.field, "code": error.code, "message": error.message, "params": _plain(error.params)}
        for error in errors
    ]


def _plain(params: Mapping[str, object]) -> dict[str, object]:
    return {name: value if isinstance(value, int) else str(value) for name, value in params.items()}
